/* Names: which entity and which key they mean. */
#include "base/alloc.h"
#include "base/err.h"
#include "db/search.h"
#include <string.h>

static bool between(const char *at, size_t n, char quote)
{
    return n >= 2 && *at == quote && at[n - 1] == quote;
}

static void trim(const char **at, size_t *n)
{
    *at += 1;
    *n -= 2;
}

static const mlp_search_entity *find_entity(const mlp_search_language *language, const mlp_search_prefix *prefixes,
                                            const char *at, size_t n)
{
    if (language->quoted_entities && between(at, n, '`'))
        trim(&at, &n);
    for (; prefixes->name; prefixes++)
        if (strlen(prefixes->name) == n && memcmp(prefixes->name, at, n) == 0)
            return prefixes->entity;
    return NULL;
}

/* The key without its quotes. */
static char *key_text(const mlp_search_language *language, const char *at, size_t n)
{
    if (language->bare_texts) {
        for (; n && *at == '`'; at++)
            n--;
        while (n && at[n - 1] == '`')
            n--;
        return mlp_strndup(at, n);
    }
    if (between(at, n, '\'') || between(at, n, '"'))
        trim(&at, &n);
    if (between(at, n, '`'))
        trim(&at, &n);
    return mlp_strndup(at, n);
}

static mlplat_status find_attribute(const mlp_search_lex *lex, const mlp_search_language *language, bool bare,
                                    mlp_search_term *t, mlplat_error *err)
{
    bool in_quotes = strchr("`\"'", lex->word.at[lex->word.n - 1]) != NULL;
    for (const mlp_search_attribute *a = t->entity->of; a->name; a++)
        if (strcmp(a->name, t->key) == 0 && !(in_quotes && bare)) {
            t->attribute = a;
            return MLPLAT_OK;
        }
    return mlp_search_lex_fail(lex, language->names, err);
}

static mlplat_status read_name(mlp_search_lex *lex, const mlp_search_language *language,
                               const mlp_search_prefix *prefixes, mlp_search_term *t, mlplat_error *err)
{
    const char *at = lex->word.at, *dot = memchr(at, '.', lex->word.n);
    size_t n = lex->word.n, before = dot ? (size_t)(dot - at) : 0;
    if (lex->word.kind != MLP_SEARCH_NAME)
        return mlp_search_lex_fail(lex, language->names, err);
    t->entity = find_entity(language, prefixes, at, before);
    if (!t->entity || (language->bare_texts && dot == at + n - 1))
        return mlp_search_lex_fail(lex, language->names, err);
    t->key = dot ? key_text(language, dot + 1, n - before - 1) : key_text(language, at, n);
    mlplat_status s = t->key ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && t->entity->of)
        s = find_attribute(lex, language, prefixes == language->prefixes && language->bare_attributes, t, err);
    return s;
}

mlplat_status mlp_search_read_name(mlp_search_lex *lex, const mlp_search_language *language, mlp_search_term *t,
                                   mlplat_error *err)
{
    mlplat_status s = read_name(lex, language, language->prefixes, t, err);
    return s == MLPLAT_OK ? mlp_search_lex_next(lex, err) : s;
}

mlplat_status mlp_search_read_order(mlp_search_lex *lex, const mlp_search_language *language, mlp_search_term *t,
                                    mlplat_error *err)
{
    mlplat_status s = read_name(lex, language, language->orders, t, err);
    if (s == MLPLAT_OK && !t->attribute && !t->entity->order)
        s = mlp_search_lex_fail(lex, language->names, err);
    if (s == MLPLAT_OK)
        s = mlp_search_lex_next(lex, err);
    if (s == MLPLAT_OK && (mlp_search_lex_is(lex, "ASC") || mlp_search_lex_is(lex, "DESC"))) {
        t->down = mlp_search_lex_is(lex, "DESC");
        s = mlp_search_lex_next(lex, err);
    }
    return s;
}
