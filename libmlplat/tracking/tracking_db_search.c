/* Searches over runs and experiments. */
#include "base/alloc.h"
#include "base/err.h"
#include "db/page.h"
#include "db/search_page.h"
#include "db/search_plan.h"
#include "tracking/tracking_db.h"
#include "tracking/tracking_search.h"
#include "tracking/validate.h"
#include <string.h>

enum { IDS_MOST = 30000 }; /* SQLite takes 32,766 values in one statement */

typedef struct search_call {
    mlp_tracking_db_store *store;
    const char *list; /* what the answer calls its list */
    mlp_search search;
    mlp_search_sql sql;
    mlp_search_page page;
    json_t *ids; /* of experiments, as numbers */
    json_t *out;
} search_call;

/* Does the search look at so many runs that how it is done matters? With few of them in the experiments, what they have
 * is looked up one by one. It is counted no further than that. */
static mlplat_status is_large(const search_call *call, mlp_db *db, bool *large, mlplat_error *err)
{
    mlp_buf sql = {0};
    mlp_stmt *stmt = NULL;
    int i = 0;
    mlp_buf_puts(&sql, "SELECT count(*) FROM (SELECT 1 FROM runs WHERE 1 = 1");
    if (call->ids)
        mlp_tracking_db_put_ids(call->ids, "experiment_id", &sql);
    mlp_buf_puts(&sql, " LIMIT max(?, (SELECT coalesce(max(rowid), 0) / 8 FROM runs))) HAVING count(*) >= max(?, "
                       "(SELECT coalesce(max(rowid), 0) / 8 FROM runs))");
    mlplat_status s = mlp_buf_ok(&sql, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare_once(db, sql.data, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_search_bind(stmt, &i, call->ids);
        mlp_stmt_int(stmt, i + 1, call->store->many);
        mlp_stmt_int(stmt, i + 2, call->store->many);
        s = mlp_stmt_step(stmt, large, err);
    }
    mlp_stmt_done(stmt);
    mlp_buf_free(&sql);
    return s;
}

/* Once, for the first search in a store of very many runs: pages of their table are kept, so that a scan does not read
 * them anew. */
static mlplat_status keep_pages(mlp_tracking_db_store *store, mlp_db *db, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    if (store->keeps_pages || !mlp_db_is_file(db))
        return MLPLAT_OK;
    mlplat_status s = mlp_db_prepare(db, "SELECT coalesce(max(rowid), 0) FROM runs", &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, NULL, err);
    bool many = s == MLPLAT_OK && mlp_stmt_col_int(stmt, 0) >= store->many;
    mlp_stmt_done(stmt);
    if (s == MLPLAT_OK && many)
        s = mlp_db_exec(db, err, "PRAGMA cache_size = -131072", 0); /* at most 128 MiB, as far as they are there */
    store->keeps_pages = s == MLPLAT_OK && many;
    return s;
}

static mlplat_status plan(search_call *call, mlp_db *db, mlplat_error *err)
{
    mlp_tracking_db_store *store = call->store;
    bool large = false;
    mlp_search_unplan(&call->search);
    mlp_search_sql_free(&call->sql);
    mlplat_status s = keep_pages(store, db, err);
    if (s == MLPLAT_OK && mlp_db_is_file(db) && mlp_search_plan_helps(&call->search))
        s = is_large(call, db, &large, err);
    if (s == MLPLAT_OK && large && !store->columns)
        s = mlp_metric_columns_new(db, &store->columns, err);
    if (s == MLPLAT_OK && large)
        s = mlp_search_plan(&call->search, db, store->columns, err);
    return s == MLPLAT_OK ? mlp_search_sql_make(&call->search, &call->sql, err) : s;
}

static mlplat_status call_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    search_call *call = ctx;
    bool more = false;
    json_t *list = json_array();
    json_decref(call->out);
    call->out = json_object();
    mlplat_status s = mlp_json_set(call->out, call->list, list, err);
    if (s == MLPLAT_OK)
        s = plan(call, db, err);
    if (s == MLPLAT_OK)
        s = mlp_search_page_read(db, &call->page, list, &more, err);
    return s == MLPLAT_OK && more ? mlp_page_put(call->out, call->page.offset + call->page.limit, err) : s;
}

/* Reads what the language and the query say; where the store is read and what is restricted is set already. */
static mlplat_status run_call(search_call *call, const mlp_search_language *language, const mlplat_search *query,
                              json_t **out, mlplat_error *err)
{
    call->page.sql = &call->sql;
    mlplat_status s = mlp_tracking_page(query, &call->page.limit, &call->page.offset, err);
    if (s == MLPLAT_OK)
        s = mlp_search_parse(language, query ? query->filter : NULL, query ? query->order_by : NULL, &call->search,
                             err);
    if (s == MLPLAT_OK)
        s = mlp_db_read(call->store->db, call_fn, call, &call->store->ml->hook, err);
    if (s == MLPLAT_OK)
        *out = call->out;
    else
        json_decref(call->out);
    mlp_search_sql_free(&call->sql);
    mlp_search_free(&call->search);
    return s;
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

/* "1, 2" as numbers. */
mlplat_status mlp_tracking_db_parse_ids(const char *text, json_t **out, mlplat_error *err)
{
    mlplat_status s = (*out = json_array()) ? MLPLAT_OK : mlp_fail_memory(err);
    while (s == MLPLAT_OK) {
        text += strspn(text, " \t");
        size_t n = strcspn(text, ", \t");
        int64_t id = 0;
        char *one = mlp_strndup(text, n);
        s = one ? mlp_validate_experiment_id(one, &id, err) : mlp_fail_memory(err);
        mlp_free(one);
        if (s == MLPLAT_OK)
            s = mlp_json_push(*out, json_integer(id), err);
        text += n + strspn(text + n, " \t");
        if (*text != ',')
            break;
        text++;
    }
    if (s == MLPLAT_OK && json_array_size(*out) > IDS_MOST)
        s = mlp_fail(err, MLPLAT_INVALID, "experiment_ids has %zu ids: at most %d are looked at in one search",
                     json_array_size(*out), IDS_MOST);
    if (s == MLPLAT_OK && *text)
        s = mlp_fail(err, MLPLAT_INVALID, "experiment_ids: expected ids joined by commas, as in \"1,2\"");
    return s;
}

void mlp_tracking_db_put_ids(const json_t *ids, const char *column, mlp_buf *out)
{
    if (!ids) {
        mlp_buf_printf(out, " AND %s IN (SELECT experiment_id FROM experiments WHERE lifecycle_stage = 'active')",
                       column);
        return;
    }
    mlp_buf_printf(out, " AND %s IN (", column);
    for (size_t i = 0; i < json_array_size(ids); i++)
        mlp_buf_puts(out, i ? ", ?" : "?");
    mlp_buf_putc(out, ')');
}

static mlplat_status run_doc(mlp_db *db, void *user, mlp_stmt *stmt, json_t **out, mlplat_error *err)
{
    return mlp_tracking_db_run_doc(db, user, mlp_stmt_col_text(stmt, 0), false, out, err);
}

mlplat_status mlp_tracking_db_run_search(void *store, const mlplat_search *query, json_t **out, mlplat_error *err)
{
    static const char *const stages[] = {" AND r.lifecycle_stage = 'active'", " AND r.lifecycle_stage = 'deleted'", ""};
    search_call call = {.store = store,
                        .list = "runs",
                        .page = {.select = "SELECT r.run_uuid FROM runs r", .doc = run_doc, .user = store}};
    mlp_buf also = {0};
    mlplat_status s = MLPLAT_OK;
    if (query && query->experiment_ids && *query->experiment_ids)
        s = mlp_tracking_db_parse_ids(query->experiment_ids, &call.ids, err);
    mlp_buf_puts(&also, stages[query ? query->view : MLPLAT_VIEW_ACTIVE]);
    mlp_tracking_db_put_ids(call.ids, "r.experiment_id", &also);
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(&also, err);
    call.page.also = also.data;
    call.page.also_values = call.ids;
    if (s == MLPLAT_OK)
        s = run_call(&call, &mlp_tracking_search_runs, query, out, err);
    mlp_buf_free(&also);
    json_decref(call.ids);
    return s;
}

/* ---- experiments ------------------------------------------------------------------------------------------------- */

static mlplat_status experiment_doc(mlp_db *db, void *user, mlp_stmt *stmt, json_t **out, mlplat_error *err)
{
    (void)user;
    return mlp_tracking_db_experiment_doc(db, mlp_stmt_col_int(stmt, 0), out, err);
}

mlplat_status mlp_tracking_db_experiment_search(void *store, const mlplat_search *query, json_t **out,
                                                mlplat_error *err)
{
    static const char *const stages[] = {" AND e.lifecycle_stage = 'active'", " AND e.lifecycle_stage = 'deleted'", ""};
    search_call call = {.store = store,
                        .list = "experiments",
                        .page = {.select = "SELECT e.experiment_id FROM experiments e",
                                 .also = stages[query ? query->view : MLPLAT_VIEW_ACTIVE],
                                 .doc = experiment_doc}};
    if (query && query->experiment_ids)
        return mlp_fail(err, MLPLAT_INVALID,
                        "experiment_ids is for runs: say it in the filter, experiment_id IN ('1', '2')");
    return run_call(&call, &mlp_tracking_search_experiments, query, out, err);
}
