#include "db/search_plan.h"
#include "base/err.h"

enum { KEYS_MOST = 16, DENSE = 30 };

static const mlp_search_entity *owned(const mlp_search_term *t)
{
    const mlp_search_entity *e = t->attribute ? t->attribute->kept : t->entity;
    return e && e->owner ? e : NULL;
}

/* ---- keys in tables ---------------------------------------------------------------------------------------------- */

/* Reading a whole table takes as long as looking up one in DENSE of its rows. */
static mlplat_status is_dense(mlp_db *db, const mlp_search_entity *e, const char *key, bool *dense, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlp_buf sql = {0};
    mlp_buf_printf(&sql,
                   "SELECT count(*) >= most FROM (SELECT max(rowid) / %d + 1 AS most FROM %s) LEFT JOIN (SELECT 1 FROM "
                   "%s WHERE %s = ? LIMIT (SELECT max(rowid) / %d + 1 FROM %s))",
                   DENSE, e->table, e->table, e->key, DENSE, e->table);
    mlplat_status s = mlp_buf_ok(&sql, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare_once(db, sql.data, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, key);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    if (s == MLPLAT_OK)
        *dense = mlp_stmt_col_int(stmt, 0) != 0;
    mlp_stmt_done(stmt);
    mlp_buf_free(&sql);
    return s;
}

/* A list of all objects pays if it is short, as that of one value is likely to be, or if nothing else tells which
 * objects need not be asked. */
static mlplat_status plan_key(mlp_search_term *t, bool alone, mlp_db *db, mlplat_error *err)
{
    const mlp_search_entity *e = owned(t);
    bool one_value = t->how->words[0][0] == '=';
    if (t->slot || !e || t->how->group == MLP_SEARCH_NULL || !(one_value || alone))
        return MLPLAT_OK;
    t->among_all = true;
    return is_dense(db, e, t->attribute ? t->attribute->kept_as : t->key, &t->whole, err);
}

/* ---- metrics in memory ------------------------------------------------------------------------------------------- */

static void note_metrics(mlp_search_term *terms, size_t n, mlp_search_term **noted, size_t *n_noted)
{
    for (size_t i = 0; i < n && *n_noted < KEYS_MOST; i++)
        if (!terms[i].attribute && terms[i].entity->columns)
            noted[(*n_noted)++] = &terms[i];
}

static mlplat_status plan_metrics(mlp_search *search, mlp_db *db, mlp_metric_columns *columns, mlplat_error *err)
{
    mlp_search_term *noted[KEYS_MOST];
    const char *keys[KEYS_MOST];
    int slots[KEYS_MOST] = {0};
    size_t n = 0;
    note_metrics(search->terms, search->n_terms, noted, &n);
    note_metrics(search->orders, search->n_orders, noted, &n);
    for (size_t i = 0; i < n; i++)
        keys[i] = noted[i]->key;
    mlplat_status s = n ? mlp_metric_columns_need(columns, db, keys, n, slots, err) : MLPLAT_OK;
    for (size_t i = 0; i < n; i++)
        noted[i]->slot = slots[i];
    return s;
}

bool mlp_search_plan_helps(const mlp_search *search)
{
    for (size_t i = 0; i < search->n_terms; i++)
        if (owned(&search->terms[i]))
            return true;
    for (size_t i = 0; i < search->n_orders; i++)
        if (!search->orders[i].attribute && search->orders[i].entity->columns)
            return true;
    return false;
}

mlplat_status mlp_search_plan(mlp_search *search, mlp_db *db, mlp_metric_columns *columns, mlplat_error *err)
{
    mlplat_status s = plan_metrics(search, db, columns, err);
    for (size_t i = 0; s == MLPLAT_OK && i < search->n_terms; i++)
        s = plan_key(&search->terms[i], search->n_terms == 1, db, err);
    return s;
}

void mlp_search_unplan(mlp_search *search)
{
    for (size_t i = 0; i < search->n_terms; i++) {
        search->terms[i].slot = 0;
        search->terms[i].among_all = search->terms[i].whole = false;
    }
    for (size_t i = 0; i < search->n_orders; i++)
        search->orders[i].slot = 0;
}
