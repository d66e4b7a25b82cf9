/* Terms as SQL. Only texts of the language's tables go into it; keys and values are bound. */
#include "base/err.h"
#include "db/search.h"
#include <math.h>
#include <string.h>

/* ---- filter ------------------------------------------------------------------------------------------------------ */

/* "<column> <comparison>" and its values. */
static mlplat_status put_compare(const mlp_search_term *t, const char *column, mlp_search_sql *out, mlplat_error *err)
{
    bool lower = strcmp(t->how->words[0], "ILIKE") == 0;
    mlp_buf_printf(&out->where, lower ? "lower(%s)%s" : "%s%s", column, t->how->sql);
    if (t->how->group != MLP_SEARCH_LIST)
        return mlp_json_push(out->where_values, json_incref(t->value), err);
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

static mlplat_status put_among(const mlp_search *search, const mlp_search_entity *e, mlp_search_sql *out,
                               mlplat_error *err)
{
    if (!e->among || !search || !search->among)
        return MLPLAT_OK;
    mlp_buf_printf(&out->where, " AND (%s)", search->among);
    int bad = json_array_extend(out->where_values, (json_t *)(uintptr_t)search->among_values);
    return bad ? mlp_fail_memory(err) : MLPLAT_OK;
}

/* The value of a row x of the entity's table. */
static mlplat_status put_row(const mlp_search_term *t, const mlp_search_entity *e, const char *column,
                             mlp_search_sql *out, mlplat_error *err)
{
    mlp_buf_puts(&out->where, " AND (");
    mlplat_status s = put_compare(t, column, out, err);
    if (e->nan) /* NaN is stored as 0 with a mark: it is unequal to every number */
        mlp_buf_printf(&out->where, strcmp(t->how->words[0], "!=") == 0 ? " OR %s" : " AND NOT %s", e->nan);
    mlp_buf_putc(&out->where, ')');
    return s;
}

/* A metric that is in memory. */
static mlplat_status put_column(const mlp_search *search, const mlp_search_term *t, mlp_search_sql *out,
                                mlplat_error *err)
{
    const char *row = search->language->row;
    mlp_buf_printf(&out->where, " AND (mlplat_metric(%d, %s)%s", t->slot, row, t->how->sql);
    if (strcmp(t->how->words[0], "!=") == 0)
        mlp_buf_printf(&out->where, " OR mlplat_metric_kind(%d, %s) = 1", t->slot, row);
    mlp_buf_putc(&out->where, ')');
    return mlp_json_push(out->where_values, json_incref(t->value), err);
}

/* Is the object one of those that have such a row? */
static mlplat_status put_among_all(const mlp_search_term *t, const mlp_search_entity *e, const char *key,
                                   mlp_search_sql *out, mlplat_error *err)
{
    mlp_buf_printf(&out->where, " AND %s IN (SELECT %s FROM %s%s WHERE %s = ?", e->object, e->owner, e->table,
                   t->whole ? " NOT INDEXED" : "", e->key);
    mlplat_status s = mlp_json_push(out->where_values, json_string(key), err);
    if (s == MLPLAT_OK)
        s = put_row(t, e, e->value, out, err);
    mlp_buf_putc(&out->where, ')');
    return s;
}

/* Has the object such a row in the entity's table? key NULL: of any key. */
static mlplat_status put_exists(const mlp_search *search, const mlp_search_term *t, const mlp_search_entity *e,
                                const char *key, const char *column, mlp_search_sql *out, mlplat_error *err)
{
    bool none = t->how->group == MLP_SEARCH_NULL && !t->how->words[2]; /* IS NULL */
    mlp_buf_printf(&out->where, " AND %sEXISTS (SELECT 1 FROM %s WHERE %s", none ? "NOT " : "", e->table, e->match);
    mlplat_status s = MLPLAT_OK;
    if (key) {
        mlp_buf_printf(&out->where, " AND %s = ?", e->key);
        s = mlp_json_push(out->where_values, json_string(key), err);
    }
    if (s == MLPLAT_OK && t->how->group != MLP_SEARCH_NULL)
        s = put_row(t, e, column, out, err);
    if (s == MLPLAT_OK)
        s = put_among(search, e, out, err);
    mlp_buf_putc(&out->where, ')');
    return s;
}

static mlplat_status put_term(const mlp_search *search, const mlp_search_term *t, mlp_search_sql *out,
                              mlplat_error *err)
{
    const mlp_search_attribute *a = t->attribute;
    if (t->slot)
        return put_column(search, t, out, err);
    if (t->among_all)
        return put_among_all(t, a ? a->kept : t->entity, a ? a->kept_as : t->key, out, err);
    if (!a)
        return put_exists(search, t, t->entity, t->key, t->entity->value, out, err);
    if (a->kept)
        return put_exists(search, t, a->kept, a->kept_as, a->kept->value, out, err);
    if (t->entity->table)
        return put_exists(search, t, t->entity, NULL, a->column, out, err);
    mlp_buf_puts(&out->where, " AND ");
    return put_compare(t, a->column, out, err);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* A text of the tables that speaks of x, speaking of o<number>. */
static void put_renamed(mlp_buf *out, const char *text, size_t number)
{
    for (const char *p = text; *p; p++) {
        bool alias = *p == 'x' && p[1] == '.' && (p == text || strchr(" (,", p[-1]));
        if (alias)
            mlp_buf_printf(out, "o%zu", number);
        else
            mlp_buf_putc(out, *p);
    }
}

static mlplat_status put_dataset(const mlp_search_term *t, mlp_search_sql *out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    if (t->dataset) {
        mlp_buf_puts(&out->joins, " AND x.dataset_name = ?");
        s = mlp_json_push(out->join_values, json_string(t->dataset), err);
    }
    if (s == MLPLAT_OK && t->dataset_digest) {
        mlp_buf_puts(&out->joins, " AND x.dataset_digest = ?");
        s = mlp_json_push(out->join_values, json_string(t->dataset_digest), err);
    }
    return s;
}

/* The rows of one key as o<number>, at most one for an object. */
static mlplat_status put_join(const mlp_search_term *t, size_t number, mlp_search_sql *out, mlplat_error *err)
{
    const mlp_search_entity *e = t->entity;
    const char *space = strchr(e->table, ' '); /* "metrics x" */
    if (e->newest)
        mlp_buf_printf(&out->joins, " LEFT JOIN (SELECT x.*, row_number() OVER (%s) AS place FROM %s WHERE %s = ?",
                       e->newest, e->table, e->key);
    else
        mlp_buf_printf(&out->joins, " LEFT JOIN %.*s o%zu ON ", (int)(space - e->table), e->table, number);
    mlplat_status s = mlp_json_push(out->join_values, json_string(t->key), err);
    if (s == MLPLAT_OK && e->newest)
        s = put_dataset(t, out, err);
    if (e->newest)
        mlp_buf_printf(&out->joins, ") o%zu ON ", number);
    put_renamed(&out->joins, e->match, number);
    mlp_buf_puts(&out->joins, " AND ");
    put_renamed(&out->joins, e->newest ? "x.place = 1" : e->key, number);
    if (!e->newest)
        mlp_buf_puts(&out->joins, " = ?");
    return s;
}

static mlplat_status put_order(const mlp_search *search, size_t number, mlp_search_sql *out, mlplat_error *err)
{
    const mlp_search_term *t = &search->orders[number];
    if (t->slot) {
        const char *row = search->language->row;
        mlp_buf_printf(&out->order, "mlplat_metric_kind(%d, %s), mlplat_metric(%d, %s)%s, ", t->slot, row, t->slot, row,
                       t->down ? " DESC" : "");
        return MLPLAT_OK;
    }
    mlp_buf value = {0}, nan = {0};
    mlplat_status s = t->attribute ? MLPLAT_OK : put_join(t, number, out, err);
    put_renamed(&value, t->attribute ? t->attribute->column : t->entity->value, number);
    if (!t->attribute && t->entity->nan)
        put_renamed(&nan, t->entity->nan, number);
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(&value, err);
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(&nan, err);
    if (s == MLPLAT_OK && nan.data)
        mlp_buf_printf(&out->order, "CASE WHEN %s THEN 1 WHEN %s IS NULL THEN 2 ELSE 0 END, ", nan.data,
                       value.data);
    else if (s == MLPLAT_OK && search->language->nulls_last)
        mlp_buf_printf(&out->order, "%s IS NULL, ", value.data);
    if (s == MLPLAT_OK)
        mlp_buf_printf(&out->order, "%s%s, ", value.data, t->down ? " DESC" : "");
    mlp_buf_free(&value);
    mlp_buf_free(&nan);
    return s;
}

static bool ordered_by(const mlp_search *search, const char *column)
{
    for (size_t i = 0; i < search->n_orders; i++)
        if (search->orders[i].attribute && strcmp(search->orders[i].attribute->column, column) == 0)
            return true;
    return false;
}

static void put_ties(const mlp_search *search, mlp_search_sql *out)
{
    for (const mlp_search_tie *tie = search->language->ties; tie->column; tie++)
        if (!ordered_by(search, tie->column))
            mlp_buf_printf(&out->order, "%s, ", tie->order);
    if (out->order.size > 2)
        out->order.data[out->order.size -= 2] = 0;
}

mlplat_status mlp_search_sql_make(const mlp_search *search, mlp_search_sql *out, mlplat_error *err)
{
    out->join_values = json_array();
    out->where_values = json_array();
    mlplat_status s = out->join_values && out->where_values ? MLPLAT_OK : mlp_fail_memory(err);
    mlp_buf_puts(&out->where, "");
    mlp_buf_puts(&out->joins, "");
    for (size_t i = 0; s == MLPLAT_OK && i < search->n_terms; i++)
        s = put_term(search, &search->terms[i], out, err);
    for (size_t i = 0; s == MLPLAT_OK && i < search->n_orders; i++)
        s = put_order(search, i, out, err);
    if (!search->n_orders && search->language->default_order)
        mlp_buf_puts(&out->order, search->language->default_order);
    else
        put_ties(search, out);
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(&out->where, err);
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(&out->order, err);
    return s == MLPLAT_OK ? mlp_buf_ok(&out->joins, err) : s;
}

void mlp_search_sql_free(mlp_search_sql *sql)
{
    mlp_buf_free(&sql->joins);
    mlp_buf_free(&sql->where);
    mlp_buf_free(&sql->order);
    json_decref(sql->join_values);
    json_decref(sql->where_values);
    *sql = (mlp_search_sql){0};
}

void mlp_search_bind(mlp_stmt *stmt, int *i, const json_t *values)
{
    size_t n;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)values, n, value)
    {
        ++*i;
        if (json_is_string(value))
            mlp_stmt_text_n(stmt, *i, json_string_value(value), json_string_length(value));
        else if (json_is_integer(value))
            mlp_stmt_int(stmt, *i, json_integer_value(value));
        else if (json_is_real(value))
            mlp_stmt_double(stmt, *i, json_real_value(value));
        else /* infinite */
            mlp_stmt_double(stmt, *i, json_is_true(value) ? (double)INFINITY : -(double)INFINITY);
    }
}
