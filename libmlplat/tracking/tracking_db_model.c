/* Logged models: logged_models and its tables of params, tags and metrics. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "tracking/tracking_db.h"
#include "tracking/validate.h"
#include <stdio.h>
#include <string.h>

/* What the functions of one transaction share; each uses what it needs. */
typedef struct model_call {
    mlp_tracking_db_store *store;
    const char *id, *key;
    const mlp_model_new *model;
    const json_t *pairs;
    mlp_model_status status;
    int64_t experiment, now;
    bool wanted;
    json_t *out;
} model_call;

static mlplat_status call_write(model_call *call, mlp_db_fn fn, mlplat_error *err)
{
    call->now = mlp_clock_ms();
    mlplat_status s = mlp_tracking_db_models_look(call->store, err);
    return s == MLPLAT_OK ? mlp_db_write(call->store->db, fn, call, &call->store->ml->hook, err) : s;
}

static mlplat_status give(mlplat_status s, model_call *call, json_t **out)
{
    if (s == MLPLAT_OK && out)
        *out = call->out;
    else
        json_decref(call->out);
    return s;
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

static const char *status_name(int64_t status)
{
    static const char *const names[] = {"LOGGED_MODEL_STATUS_UNSPECIFIED", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY",
                                        "LOGGED_MODEL_UPLOAD_FAILED"};
    return names[status >= 0 && status <= MLP_MODEL_FAILED ? status : 0];
}

static mlplat_status model_info(mlp_stmt *stmt, json_t *info, mlplat_error *err)
{
    static const char *const names[] = {"model_id",
                                        "experiment_id",
                                        "name",
                                        "artifact_uri",
                                        "creation_timestamp_ms",
                                        "last_updated_timestamp_ms",
                                        "status",
                                        "model_type",
                                        "source_run_id",
                                        "status_message"};
    mlplat_status s = MLPLAT_OK;
    for (int i = 0; s == MLPLAT_OK && i < 10; i++) {
        if (i == 6)
            s = mlp_json_set(info, names[i], json_string(status_name(mlp_stmt_col_int(stmt, i))), err);
        else if (i == 4 || i == 5)
            s = mlp_json_set(info, names[i], json_integer(mlp_stmt_col_int(stmt, i)), err);
        else if (i < 7 || !mlp_stmt_col_null(stmt, i))
            s = mlp_json_set(info, names[i], mlp_json_string(mlp_stmt_col_text(stmt, i)), err);
    }
    return s;
}

/* The row is name, value, timestamp, step, model, run, dataset's name and digest. */
static mlplat_status push_metric(mlp_stmt *stmt, json_t *list, mlplat_error *err)
{
    static const char *const names[] = {"key",      "value",  "timestamp",    "step",
                                        "model_id", "run_id", "dataset_name", "dataset_digest"};
    json_t *metric = json_object();
    mlplat_status s = mlp_json_push(list, metric, err);
    for (int i = 0; s == MLPLAT_OK && i < 8; i++) {
        if (i == 1)
            s = mlp_json_set(metric, names[i], mlp_json_double(mlp_stmt_col_double(stmt, i)), err);
        else if (i == 2 || i == 3)
            s = mlp_json_set(metric, names[i], json_integer(mlp_stmt_col_int(stmt, i)), err);
        else if (i < 6 || !mlp_stmt_col_null(stmt, i))
            s = mlp_json_set(metric, names[i], mlp_json_string(mlp_stmt_col_text(stmt, i)), err);
    }
    return s;
}

static mlplat_status model_metrics(mlp_db *db, const char *id, json_t *list, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(db,
                                     "SELECT metric_name, metric_value, metric_timestamp_ms, metric_step, model_id, "
                                     "run_id, dataset_name, dataset_digest FROM logged_model_metrics "
                                     "WHERE model_id = ? ORDER BY rowid",
                                     &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, id);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = push_metric(stmt, list, err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status model_lists(mlp_db *db, const char *id, json_t *info, json_t *data, mlplat_error *err)
{
    json_t *tags = json_array(), *params = json_array(), *metrics = json_array();
    mlplat_status s = mlp_json_set(info, "tags", tags, err);
    mlplat_status also = mlp_json_set(data, "params", params, err), last = mlp_json_set(data, "metrics", metrics, err);
    s = s != MLPLAT_OK ? s : also != MLPLAT_OK ? also : last;
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_pairs(db,
                                  "SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = ? "
                                  "ORDER BY tag_key COLLATE BINARY",
                                  id, tags, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_pairs(db,
                                  "SELECT param_key, param_value FROM logged_model_params WHERE model_id = ? "
                                  "ORDER BY param_key COLLATE BINARY",
                                  id, params, err);
    return s == MLPLAT_OK ? model_metrics(db, id, metrics, err) : s;
}

mlplat_status mlp_tracking_db_model_doc(mlp_db *db, mlp_stmt *stmt, json_t **out, mlplat_error *err)
{
    json_t *doc = json_object(), *info = json_object(), *data = json_object();
    mlplat_status s = mlp_json_set(doc, "info", info, err), also = mlp_json_set(doc, "data", data, err);
    s = s != MLPLAT_OK ? s : also;
    if (s == MLPLAT_OK)
        s = model_info(stmt, info, err);
    if (s == MLPLAT_OK)
        s = model_lists(db, mlp_stmt_col_text(stmt, 0), info, data, err);
    if (s == MLPLAT_OK)
        *out = doc;
    else
        json_decref(doc);
    return s;
}

static mlplat_status not_found(const model_call *call, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_NOT_FOUND, "there is no logged model '%.60s' in '%s'", call->id, call->store->path);
}

/* call->out becomes the model's document. */
static mlplat_status find_model(mlp_db *db, model_call *call, const char *sql, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    json_decref(call->out);
    call->out = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK)
        s = row ? mlp_tracking_db_model_doc(db, stmt, &call->out, err) : not_found(call, err);
    mlp_stmt_done(stmt);
    return s;
}

#define ANY_MODEL "SELECT " MLP_TRACKING_DB_MODEL_COLUMNS " FROM logged_models m WHERE m.model_id = ?"

static mlplat_status get_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    return find_model(db, ctx, ANY_MODEL " AND m.lifecycle_stage <> 'deleted'", err);
}

mlplat_status mlp_tracking_db_model_get(void *store, const char *id, json_t **out, mlplat_error *err)
{
    model_call call = {.store = store, .id = id};
    mlplat_status s = mlp_tracking_db_models_look(store, err);
    if (s == MLPLAT_OK)
        s = mlp_db_read(call.store->db, get_fn, &call, &call.store->ml->hook, err);
    return give(s, &call, out);
}

/* ---- params and tags --------------------------------------------------------------------------------------------- */

#define PUT_PARAM                                                                                                      \
    "INSERT INTO logged_model_params (model_id, experiment_id, param_key, param_value) VALUES (?, ?, ?, ?)"
#define PUT_TAG                                                                                                        \
    "INSERT INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value) VALUES (?, ?, ?, ?) "                 \
    "ON CONFLICT (model_id, tag_key) DO UPDATE SET tag_value = excluded.tag_value, "                                   \
    "experiment_id = excluded.experiment_id"

static mlplat_status put_pair(mlp_db *db, const model_call *call, const char *sql, const char *key, const json_t *value,
                              mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->id);
        mlp_stmt_int(stmt, 2, call->experiment);
        mlp_stmt_text(stmt, 3, key);
        mlp_stmt_text_n(stmt, 4, json_string_value(value), json_string_length(value));
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    if (s == MLPLAT_EXISTS)
        s = mlp_fail(err, s, "logged model %.60s has the param '%.80s' already: params do not change", call->id, key);
    return s;
}

static mlplat_status put_pairs(mlp_db *db, const model_call *call, const char *sql, const json_t *pairs,
                               mlplat_error *err)
{
    const char *key;
    json_t *value;
    mlplat_status s = MLPLAT_OK;
    json_object_foreach((json_t *)pairs, key, value) if (s == MLPLAT_OK) s = put_pair(db, call, sql, key, value, err);
    return s;
}

/* call->experiment becomes the model's; also of a deleted one, as in MLflow. */
static mlplat_status find_experiment(mlp_db *db, model_call *call, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, "SELECT experiment_id FROM logged_models WHERE model_id = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && !row)
        s = not_found(call, err);
    else if (s == MLPLAT_OK)
        call->experiment = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status tags_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    model_call *call = ctx;
    mlplat_status s = find_experiment(db, call, err);
    return s == MLPLAT_OK ? put_pairs(db, call, PUT_TAG, call->pairs, err) : s;
}

static mlplat_status params_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    model_call *call = ctx;
    mlplat_status s = find_experiment(db, call, err);
    return s == MLPLAT_OK ? put_pairs(db, call, PUT_PARAM, call->pairs, err) : s;
}

static mlplat_status untag_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    model_call *call = ctx;
    mlplat_status s = find_experiment(db, call, err);
    if (s == MLPLAT_OK)
        s = mlp_db_exec(db, err, "DELETE FROM logged_model_tags WHERE model_id = ? AND tag_key = ?", 2, call->id,
                        call->key);
    if (s == MLPLAT_OK && mlp_db_changes(db) == 0)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "logged model %.60s has no tag '%.250s'", call->id, call->key);
    return s;
}

mlplat_status mlp_tracking_db_model_tags(void *store, const char *id, const json_t *tags, mlplat_error *err)
{
    model_call call = {.store = store, .id = id, .pairs = tags};
    return call_write(&call, tags_fn, err);
}

mlplat_status mlp_tracking_db_model_params(void *store, const char *id, const json_t *params, mlplat_error *err)
{
    model_call call = {.store = store, .id = id, .pairs = params};
    return call_write(&call, params_fn, err);
}

mlplat_status mlp_tracking_db_model_untag(void *store, const char *id, const char *key, mlplat_error *err)
{
    model_call call = {.store = store, .id = id, .key = key};
    return call_write(&call, untag_fn, err);
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

static mlplat_status insert_model(mlp_db *db, const model_call *call, const char *uri, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        db,
        "INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms, "
        "last_updated_timestamp_ms, status, lifecycle_stage, model_type, source_run_id, status_message) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, 'active', ?6, ?7, NULL)",
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->id);
        mlp_stmt_int(stmt, 2, call->experiment);
        mlp_stmt_text(stmt, 3, call->model->name);
        mlp_stmt_text(stmt, 4, uri);
        mlp_stmt_int(stmt, 5, call->now);
        mlp_stmt_text(stmt, 6, call->model->type);
        mlp_stmt_text(stmt, 7, call->model->source_run_id);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status create_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    model_call *call = ctx;
    char *uri = NULL, below[64];
    snprintf(below, sizeof below, "models/%.40s", call->id);
    mlplat_status s = mlp_tracking_db_place(db, call->store, call->experiment, below, &uri, err);
    if (s == MLPLAT_OK)
        s = insert_model(db, call, uri, err);
    if (s == MLPLAT_OK)
        s = put_pairs(db, call, PUT_PARAM, call->model->params, err);
    if (s == MLPLAT_OK)
        s = put_pairs(db, call, PUT_TAG, call->model->tags, err);
    if (s == MLPLAT_OK)
        s = find_model(db, call, ANY_MODEL, err);
    if (s == MLPLAT_OK && call->model->made)
        s = call->model->made(call->model->made_for, call->out, err);
    mlp_free(uri);
    return s;
}

mlplat_status mlp_tracking_db_model_create(void *store, const mlp_model_new *model, json_t **out, mlplat_error *err)
{
    char id[35] = "m-";
    model_call call = {.store = store, .id = id, .model = model};
    mlplat_status s = mlp_random_hex(id + 2, err);
    if (s == MLPLAT_OK)
        s = mlp_validate_experiment_id(model->experiment_id, &call.experiment, err);
    if (s == MLPLAT_OK)
        s = call_write(&call, create_fn, err);
    return give(s, &call, out);
}

/* ---- status and end ---------------------------------------------------------------------------------------------- */

/* Runs an UPDATE with ?1 the time, ?2 the model and ?3 the status. */
static mlplat_status update(mlp_db *db, const model_call *call, const char *sql, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, call->now);
        mlp_stmt_text(stmt, 2, call->id);
        if (call->status)
            mlp_stmt_int(stmt, 3, call->status);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    if (s == MLPLAT_OK && mlp_db_changes(db) == 0)
        s = not_found(call, err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status finalize_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    model_call *call = ctx;
    mlplat_status s = update(
        db, call, "UPDATE logged_models SET status = ?3, last_updated_timestamp_ms = ?1 WHERE model_id = ?2", err);
    return s == MLPLAT_OK && call->wanted ? find_model(db, call, ANY_MODEL, err) : s;
}

static mlplat_status delete_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    return update(db, ctx,
                  "UPDATE logged_models SET lifecycle_stage = 'deleted', last_updated_timestamp_ms = ?1 "
                  "WHERE model_id = ?2",
                  err);
}

mlplat_status mlp_tracking_db_model_finalize(void *store, const char *id, mlp_model_status status, json_t **out,
                                             mlplat_error *err)
{
    model_call call = {.store = store, .id = id, .status = status, .wanted = out != NULL};
    return give(call_write(&call, finalize_fn, err), &call, out);
}

mlplat_status mlp_tracking_db_model_delete(void *store, const char *id, mlplat_error *err)
{
    model_call call = {.store = store, .id = id};
    return call_write(&call, delete_fn, err);
}
