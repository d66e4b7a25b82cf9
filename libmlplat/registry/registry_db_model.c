/* Registered models in MLflow's schema. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "registry/registry_db.h"

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static mlplat_status put_list(mlp_registry_db_store *store, const char *sql, const char *name, const char *field,
                              const char *key, const char *value, json_t *doc, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    json_t *list = NULL;
    mlplat_status s = mlp_db_prepare(store->db, sql, &stmt, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_stmt_text(stmt, 1, name);
    s = mlp_registry_db_pairs(stmt, key, value, &list, err);
    return s == MLPLAT_OK ? mlp_json_set(doc, field, list, err) : s;
}

static mlplat_status put_fields(mlp_stmt *stmt, json_t *doc, mlplat_error *err)
{
    mlplat_status s = mlp_json_set(doc, "name", mlp_json_string(mlp_stmt_col_text(stmt, 0)), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "creation_timestamp", json_integer(mlp_stmt_col_int(stmt, 1)), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "last_updated_timestamp", json_integer(mlp_stmt_col_int(stmt, 2)), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "description", mlp_json_string(mlp_stmt_col_text(stmt, 3)), err);
    return s;
}

/* The newest version of each stage. */
static mlplat_status put_latest(mlp_registry_db_store *store, const char *name, json_t *doc, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    json_t *list = json_array();
    mlplat_status s = list ? mlp_json_set(doc, "latest_versions", list, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(
            store->db,
            MLP_REGISTRY_SQL(store,
                             "SELECT max(version) FROM model_versions WHERE name = ?1 AND current_stage <> "
                             "'Deleted_Internal'",
                             " GROUP BY current_stage ORDER BY min(version)"),
            &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, name);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        json_t *version = NULL;
        s = mlp_registry_db_version_doc(store, name, mlp_stmt_col_int(stmt, 0), &version, err);
        if (s == MLPLAT_OK)
            s = mlp_json_push(list, version, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status read_row(mlp_registry_db_store *store, const char *name, json_t *doc, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(store->db,
                                     MLP_REGISTRY_SQL(store,
                                                      "SELECT name, creation_time, last_updated_time, description FROM "
                                                      "registered_models WHERE name = ?1",
                                                      ""),
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK)
        s = row ? put_fields(stmt, doc, err)
                : mlp_fail(err, MLPLAT_NOT_FOUND, "there is no registered model '%s'", name);
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_registry_db_model_doc(mlp_registry_db_store *store, const char *name, json_t **out, mlplat_error *err)
{
    json_t *doc = json_object();
    mlplat_status s = doc ? read_row(store, name, doc, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = put_list(store,
                     MLP_REGISTRY_SQL(store, "SELECT key, value FROM registered_model_tags WHERE name = ?1",
                                      " ORDER BY key COLLATE BINARY"),
                     name, "tags", "key", "value", doc, err);
    if (s == MLPLAT_OK)
        s = put_list(store,
                     MLP_REGISTRY_SQL(store,
                                      "SELECT alias, CAST(version AS TEXT) FROM registered_model_aliases "
                                      "WHERE name = ?1",
                                      " ORDER BY alias COLLATE BINARY"),
                     name, "aliases", "alias", "version", doc, err);
    if (s == MLPLAT_OK)
        s = put_latest(store, name, doc, err);
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
    return mlp_registry_db_model_doc(call->store, call->name, &call->doc, err);
}

mlplat_status mlp_registry_db_model_get(void *store, const char *name, json_t **out, mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name};
    return mlp_registry_db_answer(&call, mlp_registry_db_read(&call, get_fn, err), out);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

mlplat_status mlp_registry_db_put_tag(const mlp_registry_db_store *store, const char *name, const char *key,
                                      const char *value, mlplat_error *err)
{
    return mlp_db_exec(store->db, err,
                       MLP_REGISTRY_KEY(store,
                                        "INSERT INTO registered_model_tags (name, key, value) VALUES (?1, ?2, ?3) "
                                        "ON CONFLICT (",
                                        "key, name) DO UPDATE SET value = excluded.value"),
                       3, name, key, value);
}

static mlplat_status create_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const mlp_registry_call *call = ctx;
    mlp_stmt *stmt = NULL;
    const char *key;
    json_t *value;
    mlplat_status s = mlp_db_prepare(db,
                                     "INSERT INTO registered_models (name, creation_time, last_updated_time, "
                                     "description) VALUES (?1, ?2, ?2, ?3)",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        mlp_stmt_int(stmt, 2, mlp_clock_ms());
        mlp_stmt_text(stmt, 3, call->value);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    if (s == MLPLAT_EXISTS)
        s = mlp_fail(err, s, "registered model '%s' exists already: register a version of it, or take another name",
                     call->name);
    json_object_foreach((json_t *)(uintptr_t)call->tags, key, value) if (s == MLPLAT_OK) s =
        mlp_registry_db_put_tag(call->store, call->name, key, json_string_value(value), err);
    return s;
}

mlplat_status mlp_registry_db_model_create(void *store, const char *name, const char *description, const json_t *tags,
                                           mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .value = description, .tags = tags};
    return mlp_registry_db_write(&call, create_fn, err);
}

static mlplat_status update_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    mlplat_status s = mlp_registry_db_need_model(call->store, call->name, err);
    if (s == MLPLAT_OK)
        s = mlp_db_exec(
            db, err, MLP_REGISTRY_SQL(call->store, "UPDATE registered_models SET description = ?2 WHERE name = ?1", ""),
            2, call->name, call->value);
    return s == MLPLAT_OK ? mlp_registry_db_touch(call->store, call->name, err) : s;
}

mlplat_status mlp_registry_db_model_update(void *store, const char *name, const char *description, mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .value = description};
    return mlp_registry_db_write(&call, update_fn, err);
}

static mlplat_status delete_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    const char *const sql[] = {
        MLP_REGISTRY_SQL(call->store, "DELETE FROM registered_model_aliases WHERE name = ?1", ""),
        MLP_REGISTRY_SQL(call->store, "DELETE FROM model_version_tags WHERE name = ?1", ""),
        MLP_REGISTRY_SQL(call->store, "DELETE FROM model_versions WHERE name = ?1", ""),
        MLP_REGISTRY_SQL(call->store, "DELETE FROM registered_model_tags WHERE name = ?1", ""),
        MLP_REGISTRY_SQL(call->store, "DELETE FROM registered_models WHERE name = ?1", ""),
    };
    mlplat_status s = mlp_registry_db_need_model(call->store, call->name, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof sql / sizeof sql[0]; i++)
        s = mlp_db_exec(db, err, sql[i], 1, call->name);
    return s;
}

mlplat_status mlp_registry_db_model_delete(void *store, const char *name, mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name};
    return mlp_registry_db_write(&call, delete_fn, err);
}

static mlplat_status tag_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    mlplat_status s = mlp_registry_db_need_model(call->store, call->name, err);
    if (s != MLPLAT_OK)
        return s;
    if (call->value)
        return mlp_registry_db_put_tag(call->store, call->name, call->key, call->value, err);
    return mlp_db_exec(
        db, err, MLP_REGISTRY_SQL(call->store, "DELETE FROM registered_model_tags WHERE name = ?1 AND key = ?2", ""), 2,
        call->name, call->key);
}

mlplat_status mlp_registry_db_model_tag(void *store, const char *name, const char *key, const char *value,
                                        mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .key = key, .value = value};
    return mlp_registry_db_write(&call, tag_fn, err);
}
