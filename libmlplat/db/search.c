#include "db/search.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>
#include <strings.h>

static const mlp_search_comparator comparators[] = {
    {{"=", NULL, NULL}, " = ?", MLP_SEARCH_EQUAL},      {{"!=", NULL, NULL}, " != ?", MLP_SEARCH_EQUAL},
    {{"<", NULL, NULL}, " < ?", MLP_SEARCH_SIZE},       {{"<=", NULL, NULL}, " <= ?", MLP_SEARCH_SIZE},
    {{">", NULL, NULL}, " > ?", MLP_SEARCH_SIZE},       {{">=", NULL, NULL}, " >= ?", MLP_SEARCH_SIZE},
    {{"LIKE", NULL, NULL}, " LIKE ?", MLP_SEARCH_LIKE}, {{"ILIKE", NULL, NULL}, " LIKE lower(?)", MLP_SEARCH_LIKE},
    {{"IS", "NULL", NULL}, "", MLP_SEARCH_NULL},        {{"IS", "NOT", "NULL"}, "", MLP_SEARCH_NULL},
    {{"IN", NULL, NULL}, " IN ", MLP_SEARCH_LIST},      {{"NOT", "IN", NULL}, " NOT IN ", MLP_SEARCH_LIST},
};

/* SQLite takes 1000 conditions and 64 tables in one statement. */
enum { TERMS_MOST = 500, ORDERS_MOST = 50 };

/* ---- comparisons ------------------------------------------------------------------------------------------------- */

static unsigned compares(const mlp_search_term *t)
{
    return t->attribute ? t->attribute->compares : t->entity->compares;
}

static mlplat_status fail_comparator(const mlp_search_lex *lex, const mlp_search_term *t, mlplat_error *err)
{
    unsigned can = compares(t);
    char why[256];
    snprintf(why, sizeof why,
             "%s is compared with =, !=%s%s%s%s; a key with other characters than letters, digits, _ and . stands in "
             "backticks",
             t->attribute ? t->attribute->name : t->entity->title, can & MLP_SEARCH_SIZE ? ", <, <=, >, >=" : "",
             can & MLP_SEARCH_LIKE ? ", LIKE, ILIKE" : "", can & MLP_SEARCH_NULL ? ", IS NULL, IS NOT NULL" : "",
             can & MLP_SEARCH_LIST ? ", IN, NOT IN" : "");
    return mlp_search_lex_fail(lex, why, err);
}

/* Does the lexer stand at these words? Moves past them if it does. */
static mlplat_status match_words(mlp_search_lex *lex, const mlp_search_comparator *c, bool *yes, mlplat_error *err)
{
    const mlp_search_lex start = *lex;
    mlplat_status s = MLPLAT_OK;
    size_t n = 0;
    for (; s == MLPLAT_OK && n < 3 && c->words[n] && mlp_search_lex_is(lex, c->words[n]); n++) {
        const char *end = lex->next;
        s = mlp_search_lex_next(lex, err);
        if (n == 1 && c->words[2] && (*end != ' ' || lex->word.at != end + 1))
            break; /* MLflow knows NOT NULL with one space alone */
    }
    *yes = s == MLPLAT_OK && (n == 3 || !c->words[n]);
    if (s == MLPLAT_OK && !*yes)
        *lex = start;
    return s;
}

static mlplat_status read_comparator(mlp_search_lex *lex, const mlp_search_language *language, mlp_search_term *t,
                                     mlplat_error *err)
{
    const mlp_search_lex start = *lex;
    for (size_t i = 0; i < sizeof comparators / sizeof comparators[0]; i++) {
        bool yes = false;
        mlplat_status s = match_words(lex, &comparators[i], &yes, err);
        if (s != MLPLAT_OK)
            return s;
        if (!yes)
            continue;
        t->how = &comparators[i];
        if (!(compares(t) & t->how->group))
            break;
        if (language->capitals && t->how->group & (MLP_SEARCH_LIKE | MLP_SEARCH_LIST) && !t->how->words[1] &&
            strncmp(start.word.at, t->how->words[0], start.word.n) != 0)
            return mlp_search_lex_fail(&start, "MLflow takes this word in capitals alone here", err);
        return MLPLAT_OK;
    }
    return fail_comparator(&start, t, err);
}

static void free_term(mlp_search_term *t)
{
    mlp_free(t->key);
    json_decref(t->value);
    *t = (mlp_search_term){0};
}

static mlplat_status read_term(mlp_search_lex *lex, const mlp_search_language *language, mlp_search_term *t,
                               mlplat_error *err)
{
    mlplat_status s = mlp_search_read_name(lex, language, t, err);
    if (s == MLPLAT_OK)
        s = read_comparator(lex, language, t, err);
    if (s != MLPLAT_OK || t->how->group == MLP_SEARCH_NULL)
        return s;
    mlp_search_value kind = t->attribute ? t->attribute->value : t->entity->kind;
    return mlp_search_read_value(lex, language, kind, t->how->group == MLP_SEARCH_LIST, &t->value, err);
}

/* ---- filter and order -------------------------------------------------------------------------------------------- */

/* The term is the list's afterwards, or freed. */
static mlplat_status push(mlp_search_term **list, size_t *n, mlp_search_term *t, mlplat_error *err)
{
    mlp_search_term *more = mlp_realloc(*list, (*n + 1) * sizeof *more);
    if (!more) {
        free_term(t);
        return mlp_fail_memory(err);
    }
    *list = more;
    more[(*n)++] = *t;
    *t = (mlp_search_term){0};
    return MLPLAT_OK;
}

/* What people try that the language does not have. */
static bool joins_otherwise(const mlp_search_lex *lex)
{
    return mlp_search_lex_is(lex, "OR") || mlp_search_lex_is(lex, "NOT") || mlp_search_lex_is(lex, "(");
}

/* Comparisons, with AND between, or more or fewer of them: MLflow does not mind. */
static mlplat_status parse_filter(const char *filter, mlp_search *out, mlplat_error *err)
{
    mlp_search_lex lex;
    mlplat_status s = mlp_search_lex_start(&lex, "filter", filter, err);
    if (s == MLPLAT_OK && lex.word.kind == MLP_SEARCH_END && *filter)
        s = mlp_search_lex_fail(&lex, "there is nothing but blanks: leave the filter out", err);
    while (s == MLPLAT_OK && lex.word.kind != MLP_SEARCH_END) {
        mlp_search_term t = {0};
        if (mlp_search_lex_is(&lex, "AND")) {
            s = mlp_search_lex_next(&lex, err);
            continue;
        }
        if (out->n_terms == TERMS_MOST)
            return mlp_search_lex_fail(&lex, "a filter has at most 500 comparisons: take IN, or search in parts", err);
        if (joins_otherwise(&lex))
            return mlp_search_lex_fail(&lex, "comparisons are joined by AND: there is no OR, NOT or (...)", err);
        s = read_term(&lex, out->language, &t, err);
        if (s == MLPLAT_OK)
            s = push(&out->terms, &out->n_terms, &t, err);
        else
            free_term(&t);
    }
    return s;
}

static bool same_key(const mlp_search_term *a, const mlp_search_term *b)
{
    if (a->attribute && b->attribute)
        return strcmp(a->attribute->column, b->attribute->column) == 0;
    return !a->attribute && !b->attribute && a->entity == b->entity && strcmp(a->key, b->key) == 0;
}

mlplat_status mlp_search_add_order(mlp_search *search, mlp_search_term *t, mlplat_error *err)
{
    for (size_t i = 0; i < search->n_orders && !search->language->twice; i++)
        if (same_key(&search->orders[i], t)) {
            mlplat_status s = mlp_fail(err, MLPLAT_INVALID, "order_by has '%s' twice: leave one out", t->key);
            free_term(t);
            return s;
        }
    if (search->n_orders == ORDERS_MOST) {
        free_term(t);
        return mlp_fail(err, MLPLAT_INVALID, "order_by has more than %d keys: leave the last ones out", ORDERS_MOST);
    }
    return push(&search->orders, &search->n_orders, t, err);
}

static mlplat_status parse_order(const char *order_by, mlp_search *out, mlplat_error *err)
{
    mlp_search_lex lex;
    mlplat_status s = mlp_search_lex_start(&lex, "order_by", order_by, err);
    while (s == MLPLAT_OK && lex.word.kind != MLP_SEARCH_END) {
        mlp_search_term t = {0};
        s = mlp_search_read_order(&lex, out->language, &t, err);
        if (s == MLPLAT_OK)
            s = mlp_search_add_order(out, &t, err);
        else
            free_term(&t);
        if (s != MLPLAT_OK || lex.word.kind == MLP_SEARCH_END)
            break;
        s = mlp_search_lex_is(&lex, ",") ? mlp_search_lex_next(&lex, err)
                                         : mlp_search_lex_fail(&lex, "expected ASC, DESC or a comma", err);
        if (s == MLPLAT_OK && lex.word.kind == MLP_SEARCH_END)
            s = mlp_search_lex_fail(&lex, "a key is missing behind the comma", err);
    }
    return s;
}

mlplat_status mlp_search_parse(const mlp_search_language *language, const char *filter, const char *order_by,
                               mlp_search *out, mlplat_error *err)
{
    *out = (mlp_search){.language = language};
    mlplat_status s = filter ? parse_filter(filter, out, err) : MLPLAT_OK;
    return s == MLPLAT_OK && order_by ? parse_order(order_by, out, err) : s;
}

void mlp_search_drop(mlp_search *search, size_t i)
{
    free_term(&search->terms[i]);
    memmove(&search->terms[i], &search->terms[i + 1], (--search->n_terms - i) * sizeof *search->terms);
}

void mlp_search_free(mlp_search *search)
{
    for (size_t i = 0; i < search->n_terms; i++)
        free_term(&search->terms[i]);
    for (size_t i = 0; i < search->n_orders; i++)
        free_term(&search->orders[i]);
    mlp_free(search->terms);
    mlp_free(search->orders);
    *search = (mlp_search){0};
}
