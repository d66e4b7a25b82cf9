#include "tracking/search.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "tracking/search_lex.h"
#include <string.h>

typedef enum entity { METRIC, PARAM, TAG, ATTRIBUTE, DATASET } entity;
typedef enum value_shape { NO_VALUE, NUMBER, TEXT, LIST } value_shape;

static const struct {
    const char *name;
    entity what;
} entities[] = {
    {"metric", METRIC},        {"metrics", METRIC}, {"parameter", PARAM}, {"parameters", PARAM},    {"param", PARAM},
    {"params", PARAM},         {"tag", TAG},        {"tags", TAG},        {"attribute", ATTRIBUTE}, {"attr", ATTRIBUTE},
    {"attributes", ATTRIBUTE}, {"run", ATTRIBUTE},  {"dataset", DATASET}, {"datasets", DATASET},
};

static const struct attribute {
    const char *name, *column;
    bool number, list, order; /* list: IN is for it; order: an order key too */
} attributes[] = {
    {"run_id", "r.run_uuid", false, true, true},
    {"run_name", "r.name", false, false, true},
    {"status", "r.status", false, false, true},
    {"user_id", "r.user_id", false, false, true},
    {"artifact_uri", "r.artifact_uri", false, false, true},
    {"start_time", "r.start_time", true, false, true},
    {"end_time", "r.end_time", true, false, true},
    {"created", "r.start_time", true, false, true},
    {"Created", "r.start_time", true, false, true},
    {"run name", "r.name", false, false, false},
    {"Run name", "r.name", false, false, false},
    {"Run Name", "r.name", false, false, false},
};

/* Which comparisons there are, their SQL behind a column, and what they are for. */
static const struct comparator {
    const char *first, *second, *third; /* words */
    const char *sql;
    value_shape shape; /* TEXT: any scalar */
    bool numbers, texts, tags, ids;
} comparators[] = {
    {"=", NULL, NULL, " = ?", TEXT, true, true, true, true},
    {"!=", NULL, NULL, " != ?", TEXT, true, true, true, true},
    {"<", NULL, NULL, " < ?", NUMBER, true, false, false, false},
    {"<=", NULL, NULL, " <= ?", NUMBER, true, false, false, false},
    {">", NULL, NULL, " > ?", NUMBER, true, false, false, false},
    {">=", NULL, NULL, " >= ?", NUMBER, true, false, false, false},
    {"LIKE", NULL, NULL, " GLOB ?", TEXT, false, true, true, true},
    {"ILIKE", NULL, NULL, " LIKE lower(?)", TEXT, false, true, true, true},
    {"IS", "NULL", NULL, "", NO_VALUE, false, false, true, false},
    {"IS", "NOT", "NULL", "", NO_VALUE, false, false, true, false},
    {"IN", NULL, NULL, " IN ", LIST, false, false, false, true},
    {"NOT", "IN", NULL, " NOT IN ", LIST, false, false, false, true},
};

typedef struct term {
    entity what;
    const struct attribute *attribute;
    char *key;
    const struct comparator *how;
    json_t *value; /* a scalar, or an array for LIST */
} term;

/* ---- identifiers ------------------------------------------------------------------------------------------------ */

/* A part of a name without its backticks or quotes. NULL: no memory. */
static char *part_text(const char *at, size_t n)
{
    bool quoted = n >= 2 && (*at == '`' || *at == '"') && at[n - 1] == *at;
    return quoted ? mlp_strndup(at + 1, n - 2) : mlp_strndup(at, n);
}

static mlplat_status find_entity(const mlp_search_lex *lex, const char *name, entity *out, mlplat_error *err)
{
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
        if (strcmp(entities[i].name, name) == 0) {
            *out = entities[i].what;
            return MLPLAT_OK;
        }
    return mlp_search_lex_fail(lex, "a name begins with metrics., params., tags., attributes. or datasets.", err);
}

static mlplat_status find_attribute(const mlp_search_lex *lex, term *t, mlplat_error *err)
{
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if (strcmp(attributes[i].name, t->key) == 0) {
            t->attribute = &attributes[i];
            return MLPLAT_OK;
        }
    return mlp_search_lex_fail(lex,
                               "the attributes are run_id, run_name, status, user_id, artifact_uri, start_time and "
                               "end_time; others need metrics., params. or tags. in front",
                               err);
}

static mlplat_status check_dataset(const mlp_search_lex *lex, const term *t, mlplat_error *err)
{
    if (strcmp(t->key, "name") == 0 || strcmp(t->key, "digest") == 0 || strcmp(t->key, "context") == 0)
        return MLPLAT_OK;
    return mlp_search_lex_fail(lex, "of datasets there are name, digest and context", err);
}

/* "metrics.loss", "tags.`a b`", "status": what it is of and the key. Moves past it. */
static mlplat_status parse_name(mlp_search_lex *lex, term *t, mlplat_error *err)
{
    if (lex->word.kind != MLP_SEARCH_NAME)
        return mlp_search_lex_fail(lex, "expected a name such as metrics.loss", err);
    const char *dot = memchr(lex->word.at, '.', lex->word.n);
    char *first = NULL;
    mlplat_status s = MLPLAT_OK;
    if (dot) {
        first = part_text(lex->word.at, (size_t)(dot - lex->word.at));
        t->key = part_text(dot + 1, lex->word.n - (size_t)(dot + 1 - lex->word.at));
    } else {
        first = mlp_strdup("attribute");
        t->key = part_text(lex->word.at, lex->word.n);
    }
    if (!first || !t->key)
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = find_entity(lex, first, &t->what, err);
    if (s == MLPLAT_OK && !*t->key)
        s = mlp_search_lex_fail(lex, "the key is missing behind the dot", err);
    if (s == MLPLAT_OK && t->what == ATTRIBUTE)
        s = find_attribute(lex, t, err);
    if (s == MLPLAT_OK && t->what == DATASET)
        s = check_dataset(lex, t, err);
    mlp_free(first);
    return s == MLPLAT_OK ? mlp_search_lex_next(lex, err) : s;
}

/* ---- comparisons ------------------------------------------------------------------------------------------------ */

static bool is_number(const term *t)
{
    return t->what == METRIC || (t->what == ATTRIBUTE && t->attribute->number);
}

static bool allowed(const term *t, const struct comparator *c)
{
    if (is_number(t))
        return c->numbers;
    if (t->what == PARAM || t->what == TAG)
        return c->tags;
    if (c->shape == LIST)
        return c->ids && (t->what == DATASET || t->attribute->list);
    return c->texts;
}

static const char *allowed_text(const term *t)
{
    if (is_number(t))
        return "a number is compared with =, !=, <, <=, > or >=; a key with other characters than letters, digits, _ "
               "and . "
               "stands in backticks";
    if (t->what == PARAM || t->what == TAG)
        return "a param or tag is compared with =, !=, LIKE, ILIKE, IS NULL or IS NOT NULL; a key with other "
               "characters than "
               "letters, digits, _ and . stands in backticks";
    return "this is compared with =, !=, LIKE or ILIKE, run_id and datasets also with IN or NOT IN";
}

/* Moves past the comparator's words. */
static mlplat_status parse_comparator(mlp_search_lex *lex, term *t, mlplat_error *err)
{
    mlp_search_lex start = *lex;
    for (size_t i = 0; i < sizeof comparators / sizeof comparators[0]; i++) {
        const struct comparator *c = &comparators[i];
        const char *const words[] = {c->first, c->second, c->third};
        mlplat_status s = MLPLAT_OK;
        size_t n = 0;
        *lex = start;
        for (; s == MLPLAT_OK && n < 3 && words[n] && mlp_search_lex_is(lex, words[n]); n++)
            s = mlp_search_lex_next(lex, err);
        if (s != MLPLAT_OK)
            return s;
        if ((n == 3 || !words[n]) && allowed(t, c)) {
            t->how = c;
            return MLPLAT_OK;
        }
    }
    *lex = start;
    return mlp_search_lex_fail(lex, allowed_text(t), err);
}

/* The number as JSON reads it: ".5" gets its 0. */
static mlplat_status number_value(const mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    mlp_buf text = {0};
    const char *p = lex->word.at, *end = p + lex->word.n;
    if (*p == '-')
        mlp_buf_putc(&text, *p++);
    while (*p == '0' && p + 1 < end && p[1] >= '0' && p[1] <= '9')
        p++;
    if (*p == '.')
        mlp_buf_putc(&text, '0');
    mlp_buf_add(&text, p, (size_t)(end - p));
    mlplat_status s = mlp_buf_ok(&text, err);
    if (s == MLPLAT_OK && mlp_json_parse(text.data, text.size, out, NULL) != MLPLAT_OK)
        s = mlp_search_lex_fail(lex, "this number is too large", err);
    mlp_buf_free(&text);
    return s;
}

/* A text in single or double quotes, taken as it stands between them, as MLflow does. */
static mlplat_status text_value(const mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    const mlp_search_word *w = &lex->word;
    bool quoted = w->n >= 2 && (*w->at == '\'' || *w->at == '"') && w->at[w->n - 1] == *w->at;
    if (!quoted)
        return mlp_search_lex_fail(lex, "expected a text in quotes, such as 'my-value'", err);
    *out = json_stringn(w->at + 1, w->n - 2);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status list_value(mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    if (!mlp_search_lex_is(lex, "("))
        return mlp_search_lex_fail(lex, "expected a list of texts, such as ('a', 'b')", err);
    mlplat_status s = (*out = json_array()) ? MLPLAT_OK : mlp_fail_memory(err);
    do {
        json_t *item = NULL;
        if (s == MLPLAT_OK)
            s = mlp_search_lex_next(lex, err);
        if (s == MLPLAT_OK)
            s = text_value(lex, &item, err);
        if (s == MLPLAT_OK)
            s = mlp_json_push(*out, item, err);
        if (s == MLPLAT_OK)
            s = mlp_search_lex_next(lex, err);
    } while (s == MLPLAT_OK && mlp_search_lex_is(lex, ","));
    if (s == MLPLAT_OK && !mlp_search_lex_is(lex, ")"))
        s = mlp_search_lex_fail(lex, "expected , or ) here", err);
    return s;
}

/* Moves past the value. */
static mlplat_status parse_value(mlp_search_lex *lex, term *t, mlplat_error *err)
{
    mlplat_status s;
    if (t->how->shape == NO_VALUE)
        return MLPLAT_OK;
    if (t->how->shape == LIST)
        s = list_value(lex, &t->value, err);
    else if (!is_number(t))
        s = text_value(lex, &t->value, err);
    else if (lex->word.kind == MLP_SEARCH_NUMBER)
        s = number_value(lex, &t->value, err);
    else
        s = mlp_search_lex_fail(lex, "expected a number without quotes", err);
    return s == MLPLAT_OK ? mlp_search_lex_next(lex, err) : s;
}

/* ---- SQL -------------------------------------------------------------------------------------------------------- */

/* A LIKE pattern as a GLOB pattern: GLOB minds upper and lower case whatever the connection is set to. */
static json_t *glob_pattern(const char *like)
{
    mlp_buf out = {0};
    for (; *like; like++) {
        if (*like == '%' || *like == '_')
            mlp_buf_putc(&out, *like == '%' ? '*' : '?');
        else if (strchr("*?[", *like))
            mlp_buf_printf(&out, "[%c]", *like);
        else
            mlp_buf_putc(&out, *like);
    }
    json_t *value = out.failed ? NULL : json_string(out.data ? out.data : "");
    mlp_buf_free(&out);
    return value;
}

/* "<column> <comparison>" and its values. */
static mlplat_status emit_compare(const term *t, const char *column, mlp_search_sql *out, mlplat_error *err)
{
    if (strcmp(t->how->first, "ILIKE") == 0)
        mlp_buf_printf(&out->where, "lower(%s)%s", column, t->how->sql);
    else
        mlp_buf_printf(&out->where, "%s%s", column, t->how->sql);
    if (t->how->shape != LIST) {
        bool like = strcmp(t->how->first, "LIKE") == 0;
        return mlp_json_push(out->where_values,
                             like ? glob_pattern(json_string_value(t->value)) : json_incref(t->value), err);
    }
    size_t i;
    json_t *item;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach(t->value, i, item)
    {
        mlp_buf_puts(&out->where, i ? ", ?" : "(?");
        if (s == MLPLAT_OK)
            s = mlp_json_push(out->where_values, json_incref(item), err);
    }
    mlp_buf_putc(&out->where, ')');
    return s;
}

/* Of metrics, params and tags: does the run have a row of this key, with such a value. */
static mlplat_status emit_keyed(const term *t, const char *table, const char *key, mlp_search_sql *out,
                                mlplat_error *err)
{
    bool none = t->how->shape == NO_VALUE && !t->how->third; /* IS NULL */
    mlp_buf_printf(&out->where, "%sEXISTS (SELECT 1 FROM %s x WHERE x.run_uuid = r.run_uuid AND x.key = ?",
                   none ? "NOT " : "", table);
    mlplat_status s = mlp_json_push(out->where_values, json_string(key), err);
    if (s == MLPLAT_OK && t->how->shape != NO_VALUE) {
        mlp_buf_puts(&out->where, " AND (");
        s = emit_compare(t, "x.value", out, err);
        if (t->what == METRIC) /* NaN is stored as 0 with a mark: it is unequal to every number */
            mlp_buf_puts(&out->where, strcmp(t->how->first, "!=") == 0 ? " OR x.is_nan = 1" : " AND x.is_nan = 0");
        mlp_buf_putc(&out->where, ')');
    }
    mlp_buf_putc(&out->where, ')');
    return s;
}

static mlplat_status emit_dataset(const term *t, mlp_search_sql *out, mlplat_error *err)
{
    mlp_buf_puts(&out->where, "EXISTS (SELECT 1 FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id ");
    bool context = strcmp(t->key, "context") == 0;
    if (context)
        mlp_buf_puts(&out->where,
                     "JOIN input_tags x ON x.input_uuid = i.input_uuid AND x.name = 'mlflow.data.context' ");
    mlp_buf_puts(&out->where, "WHERE i.destination_id = r.run_uuid AND ");
    const char *column = context ? "x.value" : strcmp(t->key, "name") == 0 ? "d.name" : "d.digest";
    mlplat_status s = emit_compare(t, column, out, err);
    mlp_buf_putc(&out->where, ')');
    return s;
}

static mlplat_status emit_term(const term *t, mlp_search_sql *out, mlplat_error *err)
{
    mlp_buf_puts(&out->where, " AND ");
    switch (t->what) {
    case METRIC:
        return emit_keyed(t, "latest_metrics", t->key, out, err);
    case PARAM:
        return emit_keyed(t, "params", t->key, out, err);
    case TAG:
        return emit_keyed(t, "tags", t->key, out, err);
    case DATASET:
        return emit_dataset(t, out, err);
    case ATTRIBUTE:
        break;
    }
    if (strcmp(t->attribute->column, "r.name") == 0) /* runs of old MLflow have their name in the tag alone */
        return emit_keyed(t, "tags", "mlflow.runName", out, err);
    return emit_compare(t, t->attribute->column, out, err);
}

static void free_term(term *t)
{
    mlp_free(t->key);
    json_decref(t->value);
    *t = (term){0};
}

static mlplat_status compile_filter(const char *filter, mlp_search_sql *out, mlplat_error *err)
{
    mlp_search_lex lex;
    mlplat_status s = mlp_search_lex_start(&lex, "filter", filter, err);
    while (s == MLPLAT_OK && lex.word.kind != MLP_SEARCH_END) {
        term t = {0};
        s = parse_name(&lex, &t, err);
        if (s == MLPLAT_OK)
            s = parse_comparator(&lex, &t, err);
        if (s == MLPLAT_OK)
            s = parse_value(&lex, &t, err);
        if (s == MLPLAT_OK)
            s = emit_term(&t, out, err);
        free_term(&t);
        if (s != MLPLAT_OK || lex.word.kind == MLP_SEARCH_END)
            break;
        s = mlp_search_lex_is(&lex, "AND") ? mlp_search_lex_next(&lex, err)
                                           : mlp_search_lex_fail(&lex, "comparisons are joined by AND alone", err);
        if (s == MLPLAT_OK && lex.word.kind == MLP_SEARCH_END)
            s = mlp_search_lex_fail(&lex, "a comparison is missing behind AND", err);
    }
    return s;
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

static mlplat_status emit_order(const term *t, int number, bool down, mlp_search_sql *out, mlplat_error *err)
{
    static const char *const tables[] = {[METRIC] = "latest_metrics", [PARAM] = "params", [TAG] = "tags"};
    const char *way = down ? " DESC" : "";
    if (t->what == ATTRIBUTE) {
        mlp_buf_printf(&out->order, "%s IS NULL, %s%s, ", t->attribute->column, t->attribute->column, way);
        return MLPLAT_OK;
    }
    mlp_buf_printf(&out->joins, " LEFT JOIN %s o%d ON o%d.run_uuid = r.run_uuid AND o%d.key = ?", tables[t->what],
                   number, number, number);
    if (t->what == METRIC)
        mlp_buf_printf(&out->order, "CASE WHEN o%d.is_nan = 1 THEN 1 WHEN o%d.value IS NULL THEN 2 ELSE 0 END, ",
                       number, number);
    else
        mlp_buf_printf(&out->order, "o%d.value IS NULL, ", number);
    mlp_buf_printf(&out->order, "o%d.value%s, ", number, way);
    return mlp_json_push(out->join_values, json_string(t->key), err);
}

static mlplat_status parse_order(mlp_search_lex *lex, int number, mlp_search_sql *out, mlplat_error *err)
{
    term t = {0};
    mlp_search_lex start = *lex;
    bool down = false;
    mlplat_status s = parse_name(lex, &t, err);
    if (s == MLPLAT_OK && (t.what == DATASET || (t.what == ATTRIBUTE && !t.attribute->order)))
        s = mlp_search_lex_fail(&start, "runs are ordered by metrics., params., tags. and attributes.", err);
    if (s == MLPLAT_OK && (mlp_search_lex_is(lex, "ASC") || mlp_search_lex_is(lex, "DESC"))) {
        down = mlp_search_lex_is(lex, "DESC");
        s = mlp_search_lex_next(lex, err);
    }
    if (s == MLPLAT_OK)
        s = emit_order(&t, number, down, out, err);
    free_term(&t);
    return s;
}

static mlplat_status compile_order(const char *order_by, mlp_search_sql *out, mlplat_error *err)
{
    mlp_search_lex lex;
    mlplat_status s = mlp_search_lex_start(&lex, "order_by", order_by, err);
    for (int number = 0; s == MLPLAT_OK && lex.word.kind != MLP_SEARCH_END; number++) {
        s = parse_order(&lex, number, out, err);
        if (s != MLPLAT_OK || lex.word.kind == MLP_SEARCH_END)
            break;
        s = mlp_search_lex_is(&lex, ",") ? mlp_search_lex_next(&lex, err)
                                         : mlp_search_lex_fail(&lex, "expected ASC, DESC or a comma", err);
        if (s == MLPLAT_OK && lex.word.kind == MLP_SEARCH_END)
            s = mlp_search_lex_fail(&lex, "a key is missing behind the comma", err);
    }
    return s;
}

mlplat_status mlp_search_compile(const char *filter, const char *order_by, mlp_search_sql *out, mlplat_error *err)
{
    out->join_values = json_array();
    out->where_values = json_array();
    mlplat_status s = out->join_values && out->where_values ? MLPLAT_OK : mlp_fail_memory(err);
    mlp_buf_puts(&out->where, "1");
    if (s == MLPLAT_OK && filter)
        s = compile_filter(filter, out, err);
    if (s == MLPLAT_OK && order_by)
        s = compile_order(order_by, out, err);
    mlp_buf_puts(&out->order, "r.start_time DESC, r.run_uuid");
    mlp_buf_puts(&out->joins, "");
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(&out->where, err);
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(&out->order, err);
    return s == MLPLAT_OK ? mlp_buf_ok(&out->joins, err) : s;
}

void mlp_search_free(mlp_search_sql *sql)
{
    mlp_buf_free(&sql->joins);
    mlp_buf_free(&sql->where);
    mlp_buf_free(&sql->order);
    json_decref(sql->join_values);
    json_decref(sql->where_values);
    *sql = (mlp_search_sql){0};
}
