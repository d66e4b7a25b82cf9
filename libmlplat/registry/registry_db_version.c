/* Versions and aliases in MLflow's schema. A deleted version keeps its row, so that its number is never given again. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "registry/registry_db.h"

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static mlplat_status put_text(json_t *doc, const char *key, mlp_stmt *stmt, int column, mlplat_error *err)
{
    return mlp_json_set(doc, key, mlp_json_string(mlp_stmt_col_text(stmt, column)), err);
}

static mlplat_status put_fields(mlp_stmt *stmt, json_t *doc, mlplat_error *err)
{
    static const char *const texts[] = {"name",   "version",  "current_stage", "description", "source",
                                        "run_id", "run_link", "status",        "user_id"};
    enum { STATUS_MESSAGE = 11 };
    mlplat_status s = MLPLAT_OK;
    for (int i = 0; s == MLPLAT_OK && i < (int)(sizeof texts / sizeof texts[0]); i++) {
        s = put_text(doc, texts[i], stmt, i, err);
        if (s == MLPLAT_OK && i == 1) /* in the order of MLflow's answers */
            s = mlp_json_set(doc, "creation_timestamp", json_integer(mlp_stmt_col_int(stmt, 9)), err);
        if (s == MLPLAT_OK && i == 1)
            s = mlp_json_set(doc, "last_updated_timestamp", json_integer(mlp_stmt_col_int(stmt, 10)), err);
    }
    if (s == MLPLAT_OK && !mlp_stmt_col_null(stmt, STATUS_MESSAGE)) /* of those that failed elsewhere */
        s = put_text(doc, "status_message", stmt, STATUS_MESSAGE, err);
    return s;
}

static mlplat_status read_row(mlp_registry_db_store *store, const char *name, int64_t number, json_t *doc,
                              mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s =
        mlp_db_prepare(store->db,
                       MLP_REGISTRY_SQL(store,
                                        "SELECT name, CAST(version AS TEXT), current_stage, description, "
                                        "source, run_id, run_link, status, user_id, creation_time, "
                                        "last_updated_time, status_message FROM model_versions WHERE name = ?1 AND "
                                        "version = ?2",
                                        ""),
                       &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        mlp_stmt_int(stmt, 2, number);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK)
        s = row ? put_fields(stmt, doc, err)
                : mlp_fail(err, MLPLAT_NOT_FOUND, "registered model '%s' has no version %lld", name, (long long)number);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status put_tags(mlp_registry_db_store *store, const char *name, int64_t number, json_t *doc,
                              mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    json_t *list = NULL;
    mlplat_status s = mlp_db_prepare(
        store->db,
        MLP_REGISTRY_SQL(store, "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = ?2",
                         " ORDER BY key COLLATE BINARY"),
        &stmt, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_stmt_text(stmt, 1, name);
    mlp_stmt_int(stmt, 2, number);
    s = mlp_registry_db_pairs(stmt, "key", "value", &list, err);
    return s == MLPLAT_OK ? mlp_json_set(doc, "tags", list, err) : s;
}

static mlplat_status put_aliases(mlp_registry_db_store *store, const char *name, int64_t number, json_t *doc,
                                 mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    json_t *list = json_array();
    mlplat_status s = list ? mlp_json_set(doc, "aliases", list, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(
            store->db,
            MLP_REGISTRY_SQL(store, "SELECT alias FROM registered_model_aliases WHERE name = ?1 AND version = ?2",
                             " ORDER BY alias COLLATE BINARY"),
            &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        mlp_stmt_int(stmt, 2, number);
    }
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = mlp_json_push(list, mlp_json_string(mlp_stmt_col_text(stmt, 0)), err);
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_registry_db_version_doc(mlp_registry_db_store *store, const char *name, int64_t number, json_t **out,
                                          mlplat_error *err)
{
    json_t *doc = json_object();
    mlplat_status s = doc ? read_row(store, name, number, doc, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = put_tags(store, name, number, doc, err);
    if (s == MLPLAT_OK)
        s = put_aliases(store, name, number, doc, err);
    if (s != MLPLAT_OK) {
        json_decref(doc);
        doc = NULL;
    }
    *out = doc;
    return s;
}

static mlplat_status get_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    (void)db;
    mlplat_status s = mlp_registry_db_find(call->store, call->name, call->ref, &call->number, err);
    return s == MLPLAT_OK ? mlp_registry_db_version_doc(call->store, call->name, call->number, &call->doc, err) : s;
}

mlplat_status mlp_registry_db_version_get(void *store, const char *name, const mlp_version_ref *ref, json_t **out,
                                          mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .ref = ref};
    return mlp_registry_db_answer(&call, mlp_registry_db_read(&call, get_fn, err), out);
}

static mlplat_status location_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_registry_db_find(call->store, call->name, call->ref, &call->number, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           MLP_REGISTRY_SQL(call->store,
                                            "SELECT coalesce(nullif(storage_location, ''), source) FROM model_versions "
                                            "WHERE name = ?1 AND version = ?2",
                                            ""),
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        mlp_stmt_int(stmt, 2, call->number);
        s = mlp_stmt_step(stmt, &row, err);
    }
    const char *location = s == MLPLAT_OK && row ? mlp_stmt_col_text(stmt, 0) : NULL;
    if (s == MLPLAT_OK && (!location || !*location))
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "version %lld of registered model '%s' says nowhere where its files are",
                     (long long)call->number, call->name);
    else if (s == MLPLAT_OK && !(call->text = mlp_strdup(location)))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_registry_db_version_location(void *store, const char *name, const mlp_version_ref *ref, char **out,
                                               mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .ref = ref};
    mlplat_status s = mlp_registry_db_read(&call, location_fn, err);
    if (s == MLPLAT_OK)
        *out = call.text;
    else
        mlp_free(call.text);
    return s;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static mlplat_status put_tag(const mlp_registry_db_store *store, const char *name, int64_t number, const char *key,
                             const char *value, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        store->db,
        MLP_REGISTRY_KEY(store,
                         "INSERT INTO model_version_tags (name, version, key, value) VALUES (?1, ?2, ?3, ?4) "
                         "ON CONFLICT (",
                         "key, name, version) DO UPDATE SET value = excluded.value"),
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        mlp_stmt_int(stmt, 2, number);
        mlp_stmt_text(stmt, 3, key);
        mlp_stmt_text(stmt, 4, value);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* The model is made with its first version. */
static mlplat_status make_model(mlp_registry_db_store *store, const char *name, int64_t now_ms, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s =
        mlp_db_prepare(store->db,
                       "INSERT INTO registered_models (name, creation_time, last_updated_time) VALUES (?1, ?2, ?2) "
                       "ON CONFLICT DO NOTHING",
                       &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        mlp_stmt_int(stmt, 2, now_ms);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s == MLPLAT_OK ? mlp_registry_db_touch(store, name, err) : s;
}

static mlplat_status next_number(mlp_registry_db_store *store, const char *name, int64_t *number, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(
        store->db,
        MLP_REGISTRY_SQL(store, "SELECT coalesce(max(version), 0) + 1 FROM model_versions WHERE name = ?1", ""), &stmt,
        err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK)
        *number = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status insert(mlp_db *db, const mlp_version_new *fresh, int64_t number, int64_t now_ms, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        db,
        "INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, current_stage, "
        "source, "
        "run_id, status, run_link, storage_location) VALUES (?1, ?2, ?3, ?3, ?4, 'None', ?5, ?6, 'READY', ?7, ?8)",
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, fresh->name);
        mlp_stmt_int(stmt, 2, number);
        mlp_stmt_int(stmt, 3, now_ms);
        mlp_stmt_text(stmt, 4, fresh->description);
        mlp_stmt_text(stmt, 5, fresh->source);
        mlp_stmt_text(stmt, 6, fresh->run_id);
        mlp_stmt_text(stmt, 7, fresh->run_link);
        mlp_stmt_text(stmt, 8, fresh->location);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status create_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    const mlp_version_new *fresh = call->fresh;
    int64_t now_ms = mlp_clock_ms();
    const char *key;
    json_t *value;
    mlplat_status s = fresh->prompt ? mlp_registry_db_prompt(call->store, fresh->name, fresh->prompt, now_ms, err)
                                    : make_model(call->store, fresh->name, now_ms, err);
    if (s == MLPLAT_OK)
        s = next_number(call->store, fresh->name, &call->number, err);
    if (s == MLPLAT_OK)
        s = insert(db, fresh, call->number, now_ms, err);
    json_object_foreach((json_t *)(uintptr_t)fresh->tags, key, value) if (s == MLPLAT_OK) s =
        put_tag(call->store, fresh->name, call->number, key, json_string_value(value), err);
    return s == MLPLAT_OK ? mlp_registry_db_logged_note(call->store, fresh, call->number, err) : s;
}

mlplat_status mlp_registry_db_version_create(void *store, const mlp_version_new *version, int64_t *number,
                                             mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .fresh = version};
    mlplat_status s = mlp_registry_db_write(&call, create_fn, err);
    if (s == MLPLAT_OK)
        *number = call.number;
    return s;
}

static mlplat_status update_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_registry_db_find(call->store, call->name, call->ref, &call->number, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(
            db,
            MLP_REGISTRY_SQL(call->store,
                             "UPDATE model_versions SET description = ?3, last_updated_time = ?4 WHERE name = "
                             "?1 AND version = ?2",
                             ""),
            &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        mlp_stmt_int(stmt, 2, call->number);
        mlp_stmt_text(stmt, 3, call->value);
        mlp_stmt_int(stmt, 4, mlp_clock_ms());
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_registry_db_version_update(void *store, const char *name, const mlp_version_ref *ref,
                                             const char *description, mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .ref = ref, .value = description};
    return mlp_registry_db_write(&call, update_fn, err);
}

/* What MLflow takes out of the row, with the same words in place of it. */
#define REDACT                                                                                                         \
    "UPDATE model_versions SET current_stage = 'Deleted_Internal', last_updated_time = ?3, description = NULL, "       \
    "user_id = NULL, source = 'REDACTED-SOURCE-PATH', run_id = 'REDACTED-RUN-ID', run_link = 'REDACTED-RUN-LINK', "    \
    "status_message = NULL WHERE name = ?1 AND version = ?2"

static mlplat_status delete_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    const char *const sql[] = {
        MLP_REGISTRY_SQL(call->store, "DELETE FROM registered_model_aliases WHERE name = ?1 AND version = ?2", ""),
        MLP_REGISTRY_SQL(call->store, REDACT, ""), /* its tags stay, as in MLflow; nobody sees them */
    };
    mlplat_status s = mlp_registry_db_find(call->store, call->name, call->ref, &call->number, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof sql / sizeof sql[0]; i++) {
        mlp_stmt *stmt = NULL;
        if ((s = mlp_db_prepare(db, sql[i], &stmt, err)) == MLPLAT_OK) {
            mlp_stmt_text(stmt, 1, call->name);
            mlp_stmt_int(stmt, 2, call->number);
            if (i == 1)
                mlp_stmt_int(stmt, 3, mlp_clock_ms());
            s = mlp_stmt_step(stmt, NULL, err);
        }
        mlp_stmt_done(stmt);
    }
    return s == MLPLAT_OK ? mlp_registry_db_touch(call->store, call->name, err) : s;
}

mlplat_status mlp_registry_db_version_delete(void *store, const char *name, const mlp_version_ref *ref,
                                             mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .ref = ref};
    return mlp_registry_db_write(&call, delete_fn, err);
}

static mlplat_status tag_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_registry_db_find(call->store, call->name, call->ref, &call->number, err);
    if (s != MLPLAT_OK)
        return s;
    if (call->value)
        return put_tag(call->store, call->name, call->number, call->key, call->value, err);
    s = mlp_db_prepare(db,
                       MLP_REGISTRY_SQL(call->store,
                                        "DELETE FROM model_version_tags WHERE name = ?1 AND version = ?2 AND key = ?3",
                                        ""),
                       &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        mlp_stmt_int(stmt, 2, call->number);
        mlp_stmt_text(stmt, 3, call->key);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_registry_db_version_tag(void *store, const char *name, const mlp_version_ref *ref, const char *key,
                                          const char *value, mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .ref = ref, .key = key, .value = value};
    return mlp_registry_db_write(&call, tag_fn, err);
}

static mlplat_status alias_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_registry_db_find(call->store, call->name, call->ref, &call->number, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           MLP_REGISTRY_KEY(call->store,
                                            "INSERT INTO registered_model_aliases (name, alias, version) VALUES (?1, "
                                            "?2, ?3) ON CONFLICT (",
                                            "name, alias) DO UPDATE SET version = excluded.version"),
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        mlp_stmt_text(stmt, 2, call->key);
        mlp_stmt_int(stmt, 3, call->number);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_registry_db_alias_set(void *store, const char *name, const char *alias, const mlp_version_ref *ref,
                                        mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .ref = ref, .key = alias};
    return mlp_registry_db_write(&call, alias_fn, err);
}

static mlplat_status unalias_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    mlplat_status s = mlp_registry_db_need_model(call->store, call->name, err);
    if (s == MLPLAT_OK)
        s = mlp_db_exec(
            db, err,
            MLP_REGISTRY_SQL(call->store, "DELETE FROM registered_model_aliases WHERE name = ?1 AND alias = ?2", ""), 2,
            call->name, call->key);
    return s;
}

mlplat_status mlp_registry_db_alias_delete(void *store, const char *name, const char *alias, mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .key = alias};
    return mlp_registry_db_write(&call, unalias_fn, err);
}
