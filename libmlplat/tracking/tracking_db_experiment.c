#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "tracking/tracking_db.h"
#include "tracking/validate.h"
#include <string.h>

/* What the functions of one transaction share; each uses what it needs. */
typedef struct experiment_call {
    mlp_tracking_db_store *store;
    const char *name, *location, *key, *value;
    const json_t *tags;
    int64_t id, now;
    json_t *out;
} experiment_call;

static mlplat_status call_write(experiment_call *call, mlp_db_fn fn, mlplat_error *err)
{
    call->now = mlp_clock_ms();
    return mlp_db_write(call->store->db, fn, call, &call->store->ml->hook, err);
}

/* ---- create ---------------------------------------------------------------------------------------------------- */

/* Of the two workspaces that may use one name, ours is "default". */
static const char *by_name_sql(const mlp_tracking_db_store *store)
{
    return store->schema.experiments_workspace
               ? "SELECT experiment_id, lifecycle_stage FROM experiments WHERE name = ? AND workspace = 'default'"
               : "SELECT experiment_id, lifecycle_stage FROM experiments WHERE name = ?";
}

/* Its own name is free for an experiment. */
static mlplat_status name_is_free(mlp_db *db, const experiment_call *call, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, by_name_sql(call->store), &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && row && mlp_stmt_col_int(stmt, 0) != call->id) {
        const char *stage = mlp_stmt_col_text(stmt, 1);
        bool deleted = stage && strcmp(stage, "deleted") == 0;
        s = mlp_fail(err, MLPLAT_EXISTS, "experiment '%s' exists already%s (id %lld): %s", call->name,
                     deleted ? " and is deleted" : "", (long long)mlp_stmt_col_int(stmt, 0),
                     deleted ? "restore it or take another name" : "use it or take another name");
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status next_id(mlp_db *db, int64_t *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s =
        mlp_db_prepare(db,
                       mlp_db_say(db, "SELECT coalesce(max(experiment_id), 0) + 1 FROM experiments",
                                  "SELECT nextval(pg_get_serial_sequence('experiments', 'experiment_id'))"),
                       &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, NULL, err);
    if (s == MLPLAT_OK)
        *out = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status put_tag(mlp_db *db, int64_t id, const char *key, const char *value, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db,
                                     "INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?) "
                                     "ON CONFLICT (key, experiment_id) DO UPDATE SET value = excluded.value",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, key);
        mlp_stmt_text(stmt, 2, value);
        mlp_stmt_int(stmt, 3, id);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status insert_experiment(mlp_db *db, const experiment_call *call, const char *location, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    const char *sql =
        call->store->schema.experiments_workspace
            ? "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, "
              "last_update_time, workspace) VALUES (?1, ?2, ?3, 'active', ?4, ?4, 'default')"
            : "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, "
              "last_update_time) VALUES (?1, ?2, ?3, 'active', ?4, ?4)";
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, call->id);
        mlp_stmt_text(stmt, 2, call->name);
        mlp_stmt_text(stmt, 3, location);
        mlp_stmt_int(stmt, 4, call->now);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status create_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    experiment_call *call = ctx;
    char *location = NULL;
    call->id = -1; /* nobody's */
    mlplat_status s = name_is_free(db, call, err);
    if (s == MLPLAT_OK)
        s = next_id(db, &call->id, err);
    if (s == MLPLAT_OK) {
        location = call->location ? mlp_strdup(call->location)
                                  : mlp_sprintf("%s/%lld", call->store->artifact_root, (long long)call->id);
        s = location ? insert_experiment(db, call, location, err) : mlp_fail_memory(err);
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)call->tags, key, value) if (s == MLPLAT_OK) s =
        put_tag(db, call->id, key, json_string_value(value), err);
    mlp_free(location);
    return s;
}

mlplat_status mlp_tracking_db_experiment_create(void *store, const char *name, const char *location, const json_t *tags,
                                                char **id, mlplat_error *err)
{
    experiment_call call = {.store = store, .name = name, .location = location, .tags = tags};
    enum { ROOM = 24 };
    char *text = mlp_alloc(ROOM); /* first: nothing is made that cannot be told of */
    mlplat_status s = text ? call_write(&call, create_fn, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK) {
        snprintf(text, ROOM, "%lld", (long long)call.id);
        *id = text;
    } else {
        mlp_free(text);
    }
    return s;
}

/* ---- read ------------------------------------------------------------------------------------------------------ */

#define EXPERIMENT_COLUMNS                                                                                             \
    "SELECT experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time FROM "            \
    "experiments "

/* Of the row that stmt is at. */
static mlplat_status row_doc(mlp_db *db, mlp_stmt *stmt, json_t **out, mlplat_error *err)
{
    static const char *const texts[] = {NULL, "name", "artifact_location", "lifecycle_stage"};
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)mlp_stmt_col_int(stmt, 0));
    json_t *doc = json_object(), *tags = json_array();
    mlplat_status s = doc && tags ? mlp_json_set(doc, "experiment_id", json_string(id), err) : mlp_fail_memory(err);
    for (int i = 1; s == MLPLAT_OK && i < 4; i++)
        s = mlp_json_set(doc, texts[i], mlp_json_string(mlp_stmt_col_text(stmt, i)), err);
    if (s == MLPLAT_OK && !mlp_stmt_col_null(stmt, 4))
        s = mlp_json_set(doc, "creation_time", json_integer(mlp_stmt_col_int(stmt, 4)), err);
    if (s == MLPLAT_OK && !mlp_stmt_col_null(stmt, 5))
        s = mlp_json_set(doc, "last_update_time", json_integer(mlp_stmt_col_int(stmt, 5)), err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_pairs(db,
                                  "SELECT key, value FROM experiment_tags WHERE experiment_id = ? "
                                  "ORDER BY key COLLATE BINARY",
                                  id, tags, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "tags", json_incref(tags), err);
    json_decref(tags);
    if (s == MLPLAT_OK)
        *out = doc;
    else
        json_decref(doc);
    return s;
}

mlplat_status mlp_tracking_db_experiment_doc(mlp_db *db, int64_t id, json_t **out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, EXPERIMENT_COLUMNS "WHERE experiment_id = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    *out = NULL;
    if (s == MLPLAT_OK && row)
        s = row_doc(db, stmt, out, err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status get_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    experiment_call *call = ctx;
    mlp_stmt *stmt = NULL;
    bool row = false;
    const char *sql = !call->name                                 ? EXPERIMENT_COLUMNS "WHERE experiment_id = ?"
                      : call->store->schema.experiments_workspace ? EXPERIMENT_COLUMNS
                          "WHERE name = ? AND workspace = 'default'"
                                                                  : EXPERIMENT_COLUMNS "WHERE name = ?";
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        if (call->name)
            mlp_stmt_text(stmt, 1, call->name);
        else
            mlp_stmt_int(stmt, 1, call->id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    json_decref(call->out);
    call->out = NULL;
    if (s == MLPLAT_OK && row)
        s = row_doc(db, stmt, &call->out, err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status read_one(experiment_call *call, json_t **out, mlplat_error *err)
{
    mlplat_status s = mlp_db_read(call->store->db, get_fn, call, &call->store->ml->hook, err);
    if (s != MLPLAT_OK || call->out) {
        if (s == MLPLAT_OK)
            *out = call->out;
        else
            json_decref(call->out);
        return s;
    }
    if (call->name)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "no experiment is named '%s' in %s", call->name, call->store->path);
    return mlp_fail(err, MLPLAT_NOT_FOUND, "no experiment has the id %lld in %s", (long long)call->id,
                    call->store->path);
}

mlplat_status mlp_tracking_db_experiment_get(void *store, const char *id, json_t **out, mlplat_error *err)
{
    experiment_call call = {.store = store};
    mlplat_status s = mlp_validate_experiment_id(id, &call.id, err);
    return s == MLPLAT_OK ? read_one(&call, out, err) : s;
}

mlplat_status mlp_tracking_db_experiment_by_name(void *store, const char *name, json_t **out, mlplat_error *err)
{
    experiment_call call = {.store = store, .name = name};
    return read_one(&call, out, err);
}

/* ---- change ---------------------------------------------------------------------------------------------------- */

/* Fails unless the experiment is in the stage wanted. */
static mlplat_status check_stage(mlp_db *db, const experiment_call *call, const char *stage, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, "SELECT lifecycle_stage FROM experiments WHERE experiment_id = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, call->id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    const char *is = s == MLPLAT_OK && row ? mlp_stmt_col_text(stmt, 0) : NULL;
    if (s == MLPLAT_OK && !row)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "no experiment has the id %lld in %s", (long long)call->id,
                     call->store->path);
    else if (s == MLPLAT_OK && (!is || strcmp(is, stage) != 0))
        s = mlp_fail(err, MLPLAT_STATE, "experiment %lld is %s%s", (long long)call->id, is ? is : "in no stage",
                     strcmp(stage, "active") == 0 ? ": restore it first" : ": only a deleted one can be restored");
    mlp_stmt_done(stmt);
    return s;
}

/* Runs an UPDATE with ?1 the time and ?2 the experiment. */
static mlplat_status update(mlp_db *db, const experiment_call *call, const char *sql, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, call->now);
        mlp_stmt_int(stmt, 2, call->id);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status delete_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlplat_status s = check_stage(db, ctx, "active", err);
    if (s == MLPLAT_OK)
        s = update(db, ctx,
                   "UPDATE experiments SET lifecycle_stage = 'deleted', last_update_time = ?1 "
                   "WHERE experiment_id = ?2",
                   err);
    if (s == MLPLAT_OK)
        s = update(db, ctx, "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ?1 WHERE experiment_id = ?2",
                   err);
    return s;
}

static mlplat_status restore_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlplat_status s = check_stage(db, ctx, "deleted", err);
    if (s == MLPLAT_OK)
        s = update(db, ctx,
                   "UPDATE experiments SET lifecycle_stage = 'active', last_update_time = ?1 "
                   "WHERE experiment_id = ?2",
                   err);
    if (s == MLPLAT_OK) /* all its runs, also those deleted before it: that is how MLflow does it */
        s = update(db, ctx,
                   "UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL "
                   "WHERE experiment_id = ?2 AND ?1 > 0",
                   err);
    return s;
}

static mlplat_status rename_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const experiment_call *call = ctx;
    mlp_stmt *stmt = NULL;
    mlplat_status s = check_stage(db, call, "active", err);
    if (s == MLPLAT_OK)
        s = name_is_free(db, call, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db, "UPDATE experiments SET name = ?, last_update_time = ? WHERE experiment_id = ?", &stmt,
                           err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        mlp_stmt_int(stmt, 2, call->now);
        mlp_stmt_int(stmt, 3, call->id);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status untag_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const experiment_call *call = ctx;
    mlp_stmt *stmt = NULL;
    mlplat_status s = check_stage(db, call, "active", err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db, "DELETE FROM experiment_tags WHERE key = ? AND experiment_id = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->key);
        mlp_stmt_int(stmt, 2, call->id);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    if (s == MLPLAT_OK && mlp_db_changes(db) == 0)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "experiment %lld has no tag '%.250s'", (long long)call->id, call->key);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status tag_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const experiment_call *call = ctx;
    mlplat_status s = check_stage(db, call, "active", err);
    return s == MLPLAT_OK ? put_tag(db, call->id, call->key, call->value, err) : s;
}

static mlplat_status change(experiment_call *call, const char *id, mlp_db_fn fn, mlplat_error *err)
{
    mlplat_status s = mlp_validate_experiment_id(id, &call->id, err);
    return s == MLPLAT_OK ? call_write(call, fn, err) : s;
}

mlplat_status mlp_tracking_db_experiment_rename(void *store, const char *id, const char *name, mlplat_error *err)
{
    experiment_call call = {.store = store, .name = name};
    return change(&call, id, rename_fn, err);
}

mlplat_status mlp_tracking_db_experiment_untag(void *store, const char *id, const char *key, mlplat_error *err)
{
    experiment_call call = {.store = store, .key = key};
    return change(&call, id, untag_fn, err);
}

mlplat_status mlp_tracking_db_experiment_delete(void *store, const char *id, mlplat_error *err)
{
    experiment_call call = {.store = store};
    return change(&call, id, delete_fn, err);
}

mlplat_status mlp_tracking_db_experiment_restore(void *store, const char *id, mlplat_error *err)
{
    experiment_call call = {.store = store};
    return change(&call, id, restore_fn, err);
}

mlplat_status mlp_tracking_db_experiment_tag(void *store, const char *id, const char *key, const char *value,
                                             mlplat_error *err)
{
    experiment_call call = {.store = store, .key = key, .value = value};
    return change(&call, id, tag_fn, err);
}
