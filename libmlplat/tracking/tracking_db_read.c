#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "db/metric_scan.h"
#include "db/page.h"
#include "tracking/tracking_db.h"
#include "tracking/validate.h"
#include <math.h>
#include <string.h>

#define NO_LIMIT (INT64_MAX / 2)
#define RUN_COLUMNS                                                                                                    \
    "SELECT r.run_uuid, r.name, r.experiment_id, r.user_id, r.status, r.start_time, r.end_time, r.artifact_uri, "      \
    "r.lifecycle_stage FROM runs r"

/* ---- one run --------------------------------------------------------------------------------------------------- */

mlplat_status mlp_tracking_db_pairs(mlp_db *db, const char *sql, const char *owner, json_t *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, owner);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        json_t *pair = json_object();
        s = mlp_json_push(out, pair, err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(pair, "key", mlp_json_string(mlp_stmt_col_text(stmt, 0)), err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(pair, "value", mlp_json_string(mlp_stmt_col_text(stmt, 1)), err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* The row is key, value, timestamp, step, is_nan. */
static mlplat_status push_metric(mlp_stmt *stmt, json_t *list, mlplat_error *err)
{
    json_t *metric = json_object();
    double value = mlp_stmt_col_int(stmt, 4) ? (double)NAN : mlp_stmt_col_double(stmt, 1);
    mlplat_status s = mlp_json_push(list, metric, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(metric, "key", mlp_json_string(mlp_stmt_col_text(stmt, 0)), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(metric, "value", mlp_json_double(value), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(metric, "timestamp", json_integer(mlp_stmt_col_int(stmt, 2)), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(metric, "step", json_integer(mlp_stmt_col_int(stmt, 3)), err);
    return s;
}

static mlplat_status latest_metrics(mlp_db *db, const char *run_id, json_t *list, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s =
        mlp_db_prepare(db,
                       "SELECT key, value, timestamp, step, is_nan FROM latest_metrics WHERE run_uuid = ? "
                       "ORDER BY key COLLATE BINARY",
                       &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, run_id);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = push_metric(stmt, list, err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status run_data(mlp_db *db, const char *run_id, json_t *data, mlplat_error *err)
{
    json_t *metrics = json_array(), *params = json_array(), *tags = json_array();
    mlplat_status s = mlp_json_set(data, "metrics", metrics, err);
    mlplat_status also = mlp_json_set(data, "params", params, err), last = mlp_json_set(data, "tags", tags, err);
    s = s != MLPLAT_OK ? s : also != MLPLAT_OK ? also : last;
    if (s == MLPLAT_OK)
        s = latest_metrics(db, run_id, metrics, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_pairs(db, "SELECT key, value FROM params WHERE run_uuid = ? ORDER BY key COLLATE BINARY",
                                  run_id, params, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_pairs(db, "SELECT key, value FROM tags WHERE run_uuid = ? ORDER BY key COLLATE BINARY",
                                  run_id, tags, err);
    return s;
}

static const char *tag_value(const json_t *tags, const char *key)
{
    size_t i;
    json_t *tag;
    json_array_foreach((json_t *)tags, i, tag) if (strcmp(json_string_value(json_object_get(tag, "key")), key) ==
                                                   0) return json_string_value(json_object_get(tag, "value"));
    return "";
}

static mlplat_status run_info(mlp_stmt *stmt, const json_t *data, json_t *info, mlplat_error *err)
{
    static const char *const names[] = {"run_id",     "run_name", "experiment_id", "user_id",        "status",
                                        "start_time", "end_time", "artifact_uri",  "lifecycle_stage"};
    mlplat_status s = MLPLAT_OK;
    for (int i = 0; s == MLPLAT_OK && i < 9; i++) {
        const char *text = mlp_stmt_col_text(stmt, i);
        if (i == 1 && (!text || !*text)) /* old MLflow kept the name in the tag alone */
            text = tag_value(json_object_get(data, "tags"), "mlflow.runName");
        if (i == 5 || i == 6)
            s = text ? mlp_json_set(info, names[i], json_integer(mlp_stmt_col_int(stmt, i)), err) : MLPLAT_OK;
        else
            s = mlp_json_set(info, names[i], mlp_json_string(text), err);
    }
    return s;
}

/* Of the row that stmt is at. */
static mlplat_status run_doc(mlp_db *db, mlp_stmt *stmt, json_t **out, mlplat_error *err)
{
    json_t *doc = json_object(), *info = json_object(), *data = json_object();
    mlplat_status s = mlp_json_set(doc, "info", info, err), also = mlp_json_set(doc, "data", data, err);
    s = s != MLPLAT_OK ? s : also;
    if (s == MLPLAT_OK)
        s = run_data(db, mlp_stmt_col_text(stmt, 0), data, err);
    if (s == MLPLAT_OK)
        s = run_info(stmt, data, info, err);
    if (s == MLPLAT_OK)
        *out = doc;
    else
        json_decref(doc);
    return s;
}

mlplat_status mlp_tracking_db_run_doc(mlp_db *db, const mlp_tracking_db_store *store, const char *run_id,
                                      bool model_inputs, json_t **out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, RUN_COLUMNS " WHERE r.run_uuid = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, run_id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && !row)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s is not in the store: check the id and the tracking URI", run_id);
    if (s == MLPLAT_OK)
        s = run_doc(db, stmt, out, err);
    mlp_stmt_done(stmt);
    if (s == MLPLAT_OK && (s = mlp_tracking_db_run_edges(db, store, run_id, model_inputs, *out, err)) != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}

typedef struct read_call {
    const mlp_tracking_db_store *store;
    const char *id, *key;
    int64_t since_ms; /* of a history */
    int64_t limit, offset;
    json_t *out;
} read_call;

/* Runs fn in a read transaction; the document that it made goes to *out. */
static mlplat_status read_with(read_call *call, mlp_db_fn fn, json_t **out, mlplat_error *err)
{
    mlplat_status s = mlp_db_read(call->store->db, fn, call, &call->store->ml->hook, err);
    if (s == MLPLAT_OK)
        *out = call->out;
    else
        json_decref(call->out);
    return s;
}

static mlplat_status get_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    read_call *call = ctx;
    json_decref(call->out);
    call->out = NULL;
    return mlp_tracking_db_run_doc(db, call->store, call->id, true, &call->out, err);
}

mlplat_status mlp_tracking_db_run_get(void *store, const char *run_id, json_t **out, mlplat_error *err)
{
    read_call call = {.store = store, .id = run_id};
    return read_with(&call, get_fn, out, err);
}

/* ---- history --------------------------------------------------------------------------------------------------- */

static mlplat_status run_exists(mlp_db *db, const char *run_id, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, "SELECT 1 FROM runs WHERE run_uuid = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, run_id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    mlp_stmt_done(stmt);
    if (s == MLPLAT_OK && !row)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s is not in the store: check the id and the tracking URI", run_id);
    return s;
}

static mlplat_status history_rows(read_call *call, mlp_stmt *stmt, json_t *list, mlplat_error *err)
{
    bool row = true;
    mlplat_status s = MLPLAT_OK;
    for (int64_t n = 0; s == MLPLAT_OK; n++) {
        s = mlp_stmt_step(stmt, &row, err);
        if (s != MLPLAT_OK || !row)
            break;
        if (call->limit && n == call->limit)
            return mlp_page_put(call->out, call->offset + call->limit, err);
        s = push_metric(stmt, list, err);
    }
    return s;
}

static mlplat_status history_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    read_call *call = ctx;
    mlp_stmt *stmt = NULL;
    json_decref(call->out);
    call->out = json_object();
    json_t *list = json_array();
    mlplat_status s = mlp_json_set(call->out, "metrics", list, err);
    if (s == MLPLAT_OK)
        s = run_exists(db, call->id, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ? AND key = ? "
                           "AND timestamp >= ? ORDER BY timestamp, step, value LIMIT ? OFFSET ?",
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->id);
        mlp_stmt_text(stmt, 2, call->key);
        mlp_stmt_int(stmt, 3, call->since_ms);
        mlp_stmt_int(stmt, 4, call->limit ? call->limit + 1 : NO_LIMIT);
        mlp_stmt_int(stmt, 5, call->offset);
        s = history_rows(call, stmt, list, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_tracking_db_history(void *store, const mlp_history *wanted, json_t **out, mlplat_error *err)
{
    read_call call = {.store = store,
                      .id = wanted->run_id,
                      .key = wanted->key,
                      .since_ms = wanted->since_ms,
                      .limit = wanted->limit,
                      .offset = wanted->offset};
    return read_with(&call, history_fn, out, err);
}

/* ---- histories of several runs --------------------------------------------------------------------------------- */

typedef struct bulk_call {
    const json_t *ids;
    const char *key;
    int64_t limit;
    json_t *out;
} bulk_call;

/* Of one run; *left: how many more there may be. */
static mlplat_status one_history(mlp_db *db, const bulk_call *call, const char *run_id, json_t *list, int64_t *left,
                                 mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(db,
                                     "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ? AND "
                                     "key = ? ORDER BY timestamp, step, value LIMIT ?",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, run_id);
        mlp_stmt_text(stmt, 2, call->key);
        mlp_stmt_int(stmt, 3, *left);
    }
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        s = push_metric(stmt, list, err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(json_array_get(list, json_array_size(list) - 1), "run_id", json_string(run_id), err);
        --*left;
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status histories_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    bulk_call *call = ctx;
    json_t *list = json_array(), *id;
    int64_t left = call->limit ? call->limit : NO_LIMIT;
    size_t i;
    json_decref(call->out);
    call->out = json_object();
    mlplat_status s = mlp_json_set(call->out, "metrics", list, err);
    json_array_foreach((json_t *)call->ids, i, id) if (s == MLPLAT_OK && left != 0) s =
        one_history(db, call, json_string_value(id), list, &left, err);
    return s;
}

mlplat_status mlp_tracking_db_histories(void *object, const json_t *ids, const char *key, int64_t limit, json_t **out,
                                        mlplat_error *err)
{
    const mlp_tracking_db_store *store = object;
    bulk_call call = {.ids = ids, .key = key, .limit = limit};
    mlplat_status s = mlp_db_read(store->db, histories_fn, &call, &store->ml->hook, err);
    if (s == MLPLAT_OK)
        *out = call.out;
    else
        json_decref(call.out);
    return s;
}

/* ---- buckets --------------------------------------------------------------------------------------------------- */

typedef struct bucket_call {
    const char *run_id, *key;
    size_t n;
    bool by_time;
    mlp_buckets *out;
} bucket_call;

static mlplat_status buckets_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const bucket_call *call = ctx;
    int64_t low = 0, high = 0;
    bool any = false;
    mlp_buckets_free(call->out);
    call->out->by_time = call->by_time;
    mlplat_status s = run_exists(db, call->run_id, err);
    if (s == MLPLAT_OK)
        s = mlp_metric_range(db, call->run_id, call->key, call->by_time, &low, &high, &any, err);
    if (s == MLPLAT_OK && any)
        s = mlp_buckets_make(call->out, call->n, call->by_time, low, high, err);
    return s == MLPLAT_OK && any ? mlp_metric_scan(db, call->run_id, call->key, mlp_buckets_add, call->out, err) : s;
}

mlplat_status mlp_tracking_db_buckets(void *object, const char *run_id, const char *key, size_t n, bool by_time,
                                      mlp_buckets *out, mlplat_error *err)
{
    const mlp_tracking_db_store *store = object;
    bucket_call call = {.run_id = run_id, .key = key, .n = n, .by_time = by_time, .out = out};
    return mlp_db_read(store->db, buckets_fn, &call, &store->ml->hook, err);
}
