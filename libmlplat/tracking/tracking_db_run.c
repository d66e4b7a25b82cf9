#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "tracking/tracking_db.h"
#include "tracking/validate.h"
#include <stdio.h>
#include <string.h>

#define NAME_TAG "mlflow.runName"

typedef struct run_call {
    mlp_tracking_db_store *store;
    const char *id;
    size_t id_n;
    int64_t now;
} run_call;

static run_call run_call_of(void *store, const char *run_id)
{
    return (run_call){.store = store, .id = run_id, .id_n = strlen(run_id), .now = mlp_clock_ms()};
}

static mlplat_status write_run(mlp_tracking_db_store *store, mlp_db_fn fn, void *ctx, mlplat_error *err)
{
    return mlp_db_write(store->db, fn, ctx, &store->ml->hook, err);
}

/* ---- create ---------------------------------------------------------------------------------------------------- */

typedef struct create_call {
    run_call base;
    const mlp_run_new *run;
    int64_t experiment;
    json_t *out;
} create_call;

static mlplat_status insert_run(mlp_db *db, const create_call *call, const char *uri, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        db,
        "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, "
        "end_time, source_version, lifecycle_stage, artifact_uri, experiment_id, deleted_time) "
        "VALUES (?, ?, 'UNKNOWN', '', '', ?, 'RUNNING', ?, NULL, '', 'active', ?, ?, NULL)",
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->base.id);
        mlp_stmt_text(stmt, 2, call->run->name);
        mlp_stmt_text(stmt, 3, call->run->user);
        mlp_stmt_int(stmt, 4, call->run->start_time_ms);
        mlp_stmt_text(stmt, 5, uri);
        mlp_stmt_int(stmt, 6, call->experiment);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status insert_tags(mlp_db *db, const create_call *call, mlplat_error *err)
{
    const char *key;
    json_t *value;
    mlplat_status s = MLPLAT_OK;
    json_object_foreach((json_t *)call->run->tags, key, value) if (s == MLPLAT_OK) s = mlp_tracking_db_set_tag(
        db, call->base.id, call->base.id_n, key, strlen(key), json_string_value(value), json_string_length(value), err);
    return s;
}

/* What a handle is made of. */
static mlplat_status tell_run(create_call *call, const char *uri, mlplat_error *err)
{
    json_t *info = json_object(), *doc = call->out = json_object();
    mlplat_status s = mlp_json_set(doc, "info", info, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(info, "run_id", json_string(call->base.id), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(info, "run_name", mlp_json_string(call->run->name), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(info, "experiment_id", json_sprintf("%lld", (long long)call->experiment), err);
    return s == MLPLAT_OK ? mlp_json_set(info, "artifact_uri", mlp_json_string(uri), err) : s;
}

static mlplat_status create_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    create_call *call = ctx;
    char *uri = NULL;
    json_decref(call->out);
    call->out = NULL;
    mlplat_status s = mlp_tracking_db_place(db, call->base.store, call->experiment, call->base.id, &uri, err);
    if (s == MLPLAT_OK && call->run->parent_run_id) {
        s = mlp_tracking_db_run_active(db, call->run->parent_run_id, strlen(call->run->parent_run_id), err);
        if (s != MLPLAT_OK)
            s = mlp_fail_prefix(err, s, "parent of a new run");
    }
    if (s == MLPLAT_OK)
        s = insert_run(db, call, uri, err);
    if (s == MLPLAT_OK)
        s = insert_tags(db, call, err);
    if (s == MLPLAT_OK)
        s = tell_run(call, uri, err);
    if (s == MLPLAT_OK && call->run->made)
        s = call->run->made(call->run->made_for, call->out, err);
    mlp_free(uri);
    return s;
}

mlplat_status mlp_tracking_db_run_create(void *store, const mlp_run_new *run, json_t **out, mlplat_error *err)
{
    char made[33];
    mlplat_status s = run->op ? MLPLAT_OK : mlp_random_hex(made, err);
    if (s != MLPLAT_OK)
        return s;
    create_call call = {.base = run_call_of(store, run->op ? run->op : made), .run = run};
    s = mlp_validate_experiment_id(run->experiment_id, &call.experiment, err);
    if (s == MLPLAT_OK)
        s = write_run(store, create_fn, &call, err);
    if (s == MLPLAT_OK)
        *out = call.out;
    else
        json_decref(call.out);
    return s;
}

/* ---- change ---------------------------------------------------------------------------------------------------- */

typedef struct update_call {
    run_call base;
    const mlplat_run_change *change;
} update_call;

static mlplat_status update_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const update_call *call = ctx;
    const char *name = call->change->name;
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_tracking_db_run_active(db, call->base.id, call->base.id_n, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           "UPDATE runs SET status = coalesce(?, status), end_time = coalesce(?, end_time) "
                           "WHERE run_uuid = ?",
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->change->status);
        if (call->change->end_time_ms)
            mlp_stmt_int(stmt, 2, call->change->end_time_ms);
        else
            mlp_stmt_null(stmt, 2);
        mlp_stmt_text(stmt, 3, call->base.id);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    if (s == MLPLAT_OK && name && *name)
        s = mlp_tracking_db_set_tag(db, call->base.id, call->base.id_n, NAME_TAG, strlen(NAME_TAG), name, strlen(name),
                                    err);
    return s;
}

mlplat_status mlp_tracking_db_run_update(void *store, const char *run_id, const mlplat_run_change *change,
                                         mlplat_error *err)
{
    update_call call = {.base = run_call_of(store, run_id), .change = change};
    return write_run(store, update_fn, &call, err);
}

/* Runs an UPDATE with ?1 the time and ?2 the run. NOT_FOUND if it met none. */
static mlplat_status update_stage(mlp_db *db, const run_call *call, const char *sql, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, call->now);
        mlp_stmt_text(stmt, 2, call->id);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    if (s == MLPLAT_OK && mlp_db_changes(db) == 0)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s is not in %s", call->id, call->store->path);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status delete_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    return update_stage(db, ctx, "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ?1 WHERE run_uuid = ?2",
                        err);
}

static mlplat_status restore_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    return update_stage(db, ctx,
                        "UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL "
                        "WHERE run_uuid = ?2 AND ?1 > 0",
                        err);
}

mlplat_status mlp_tracking_db_run_delete(void *store, const char *run_id, mlplat_error *err)
{
    run_call call = run_call_of(store, run_id);
    return write_run(store, delete_fn, &call, err);
}

mlplat_status mlp_tracking_db_run_restore(void *store, const char *run_id, mlplat_error *err)
{
    run_call call = run_call_of(store, run_id);
    return write_run(store, restore_fn, &call, err);
}

/* ---- params ---------------------------------------------------------------------------------------------------- */

typedef struct params_call {
    run_call base;
    const mlp_param *params;
    size_t n;
} params_call;

/* Fails if the run has the param with another value; *same if it has it with this one. */
static mlplat_status compare_param(mlp_db *db, const run_call *call, const mlp_param *param, bool *same,
                                   mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, "SELECT value FROM params WHERE key = ? AND run_uuid = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, param->key);
        mlp_stmt_text(stmt, 2, call->id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    const char *is = s == MLPLAT_OK && row ? mlp_stmt_col_text(stmt, 0) : NULL;
    *same = is && strlen(is) == param->value_n && memcmp(is, param->value, param->value_n) == 0;
    if (s == MLPLAT_OK && row && !*same)
        s = mlp_validate_param_change(call->id, param->key, is ? is : "", param->value, err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status insert_param(mlp_db *db, const run_call *call, const mlp_param *param, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, param->key);
        mlp_stmt_text_n(stmt, 2, param->value, param->value_n);
        mlp_stmt_text(stmt, 3, call->id);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status params_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const params_call *call = ctx;
    mlplat_status s = mlp_tracking_db_run_active(db, call->base.id, call->base.id_n, err);
    for (size_t i = 0; s == MLPLAT_OK && i < call->n; i++) {
        bool same = false;
        s = compare_param(db, &call->base, &call->params[i], &same, err);
        if (s == MLPLAT_OK && !same)
            s = insert_param(db, &call->base, &call->params[i], err);
    }
    return s;
}

mlplat_status mlp_tracking_db_run_params(void *store, const char *run_id, const mlp_param *params, size_t n,
                                         mlplat_error *err)
{
    params_call call = {.base = run_call_of(store, run_id), .params = params, .n = n};
    return write_run(store, params_fn, &call, err);
}

/* ---- tags ------------------------------------------------------------------------------------------------------ */

typedef struct tag_call {
    run_call base;
    const char *key;
    const json_t *entry;
    bool once;
} tag_call;

static mlplat_status untag_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const tag_call *call = ctx;
    mlplat_status s = mlp_tracking_db_run_active(db, call->base.id, call->base.id_n, err);
    if (s == MLPLAT_OK)
        s = mlp_db_exec(db, err, "DELETE FROM tags WHERE key = ? AND run_uuid = ?", 2, call->key, call->base.id);
    if (s == MLPLAT_OK && mlp_db_changes(db) == 0)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s has no tag '%s'", call->base.id, call->key);
    return s;
}

mlplat_status mlp_tracking_db_run_untag(void *store, const char *run_id, const char *key, mlplat_error *err)
{
    tag_call call = {.base = run_call_of(store, run_id), .key = key};
    return write_run(store, untag_fn, &call, err);
}

/* *out: the list in the tag, empty if there is none; a new reference. */
static mlplat_status note_list(mlp_db *db, const tag_call *call, json_t **out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, "SELECT value FROM tags WHERE key = ? AND run_uuid = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->key);
        mlp_stmt_text(stmt, 2, call->base.id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    const char *text = s == MLPLAT_OK && row ? mlp_stmt_col_text(stmt, 0) : NULL;
    if (s == MLPLAT_OK && text) {
        s = mlp_json_parse(text, strlen(text), out, err);
        if (s != MLPLAT_NO_MEMORY && !json_is_array(*out))
            s = mlp_fail(err, MLPLAT_CORRUPT, "tag %s of run %s is no JSON list: delete the tag", call->key,
                         call->base.id);
    } else if (s == MLPLAT_OK && !(*out = json_array())) {
        s = mlp_fail_memory(err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static bool is_in(const json_t *list, const json_t *entry)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item) if (json_equal(item, entry)) return true;
    return false;
}

static mlplat_status note_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const tag_call *call = ctx;
    const run_call *run = &call->base;
    json_t *list = NULL;
    mlp_buf text = {0};
    mlplat_status s = mlp_tracking_db_run_active(db, run->id, run->id_n, err);
    if (s == MLPLAT_OK)
        s = note_list(db, call, &list, err);
    if (s == MLPLAT_OK && !(call->once && is_in(list, call->entry)))
        s = mlp_json_push(list, json_incref((json_t *)call->entry), err);
    if (s == MLPLAT_OK)
        s = mlp_json_text(list, &text, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_set_tag(db, run->id, run->id_n, call->key, strlen(call->key), text.data, text.size, err);
    mlp_buf_free(&text);
    json_decref(list);
    return s;
}

mlplat_status mlp_tracking_db_run_note(void *store, const char *run_id, const char *tag, const json_t *entry, bool once,
                                       mlplat_error *err)
{
    tag_call call = {.base = run_call_of(store, run_id), .key = tag, .entry = entry, .once = once};
    return write_run(store, note_fn, &call, err);
}
