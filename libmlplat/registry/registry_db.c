/* The registry in MLflow's schema: opening, and what all of its calls need. */
#include "registry/registry_db.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "registry/registry_check.h"
#include <string.h>

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void free_store(mlp_registry_db_store *store)
{
    mlp_free(store->path);
    mlp_free(store);
}

static void db_close(void *object)
{
    mlp_registry_db_store *store = object;
    mlp_db_close(store->db);
    free_store(store);
}

static void db_abandon(void *object)
{
    mlp_registry_db_store *store = object;
    mlp_db_abandon(store->db);
    free_store(store);
}

static mlplat_status shape_changed(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_db_store *store = ctx;
    return mlp_schema_again(db, &store->schema, err);
}

static mlplat_status open_schema(mlp_registry_db_store *store, const char *artifact_root, mlplat_error *err)
{
    mlplat *ml = store->ml;
    const mlp_schema_maker maker = {.artifact_root = artifact_root, /* NULL: of a server, where none is made */
                                    .mlflow = mlp_session_setting(ml, MLP_SET_MLFLOW_VERSION),
                                    .installed = ml->mlflow_installed,
                                    .user = ml->hook.user};
    mlplat_status s = mlp_schema_open(store->db, &maker, &store->schema, &ml->hook, err);
    if (s == MLPLAT_OK)
        mlp_db_on_change(store->db, shape_changed, store);
    return s;
}

static mlplat_status db_open(mlplat *ml, const char *uri, void **out, mlplat_error *err)
{
    mlp_registry_db_store *store = mlp_alloc(sizeof *store);
    mlp_db_options options = {.create = true, .log = &ml->log};
    char *root = NULL, *ticket = NULL;
    if (!store)
        return mlp_fail_memory(err);
    store->ml = ml;
    mlplat_status s = mlp_db_uri_path(uri, &store->path, err);
    if (s == MLPLAT_OK) {
        root = mlp_db_artifact_root(mlp_session_setting(ml, MLP_SET_ARTIFACT_ROOT), store->path);
        options.ticket_path = ticket = mlp_sprintf("%s-ticket", store->path); /* the one of those who log, too */
        s = root && ticket ? MLPLAT_OK : mlp_fail_memory(err);
    }
    if (s == MLPLAT_OK)
        s = mlp_db_open(store->path, &options, &store->db, err);
    if (s == MLPLAT_OK)
        s = open_schema(store, root, err);
    mlp_free(root);
    mlp_free(ticket);
    if (s == MLPLAT_OK)
        *out = store;
    else
        db_close(store);
    return s;
}

static mlplat_status db_open_server(mlplat *ml, const char *uri, void **out, mlplat_error *err)
{
    mlp_registry_db_store *store = mlp_alloc(sizeof *store);
    const mlp_db_options options = {.log = &ml->log, .late = true}; /* the caller's hook is asked there */
    if (!store)
        return mlp_fail_memory(err);
    store->ml = ml;
    mlplat_status s = mlp_db_open_server(uri, &options, &store->db, err);
    if (s == MLPLAT_OK && !(store->path = mlp_strdup(mlp_db_path(store->db))))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = open_schema(store, NULL, err);
    if (s == MLPLAT_OK)
        *out = store;
    else
        db_close(store);
    return s;
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

mlplat_status mlp_registry_db_write(mlp_registry_call *call, mlp_db_fn fn, mlplat_error *err)
{
    mlp_registry_db_store *store = call->store;
    if (!store->schema.registry_known)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "'%s': the tables of the registry have a shape that this version does not "
                        "know (head %s; known up to %s): it can only be read; a newer libmlplat may "
                        "know it",
                        store->path, store->schema.head, mlp_schema_revisions[mlp_schema_newest].head);
    return mlp_db_write(store->db, fn, call, &store->ml->hook, err);
}

mlplat_status mlp_registry_db_read(mlp_registry_call *call, mlp_db_fn fn, mlplat_error *err)
{
    return mlp_db_read(call->store->db, fn, call, &call->store->ml->hook, err);
}

mlplat_status mlp_registry_db_answer(mlp_registry_call *call, mlplat_status s, json_t **out)
{
    if (s == MLPLAT_OK)
        *out = call->doc;
    else
        json_decref(call->doc);
    return s;
}

mlplat_status mlp_registry_db_need_model(mlp_registry_db_store *store, const char *name, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(
        store->db, MLP_REGISTRY_SQL(store, "SELECT 1 FROM registered_models WHERE name = ?1", ""), &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        s = mlp_stmt_step(stmt, &row, err);
    }
    mlp_stmt_done(stmt);
    if (s == MLPLAT_OK && !row)
        s = mlp_registry_no_model(name, err);
    return s;
}

mlplat_status mlp_registry_db_touch(mlp_registry_db_store *store, const char *name, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        store->db, MLP_REGISTRY_SQL(store, "UPDATE registered_models SET last_updated_time = ?2 WHERE name = ?1", ""),
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        mlp_stmt_int(stmt, 2, mlp_clock_ms());
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* ---- which version ----------------------------------------------------------------------------------------------- */

/* The statement's one number; *found false: no row, or NULL in it. The statement is done then. */
static mlplat_status one_number(mlp_stmt *stmt, int64_t *number, bool *found, mlplat_error *err)
{
    mlplat_status s = mlp_stmt_step(stmt, found, err);
    *found = s == MLPLAT_OK && *found && !mlp_stmt_col_null(stmt, 0);
    if (*found)
        *number = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status find_number(mlp_registry_db_store *store, const char *name, int64_t wanted, int64_t *number,
                                 bool *found, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s =
        mlp_db_prepare(store->db,
                       MLP_REGISTRY_SQL(store,
                                        "SELECT version FROM model_versions WHERE name = ?1 AND version = ?2 "
                                        "AND current_stage <> 'Deleted_Internal'",
                                        ""),
                       &stmt, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_stmt_text(stmt, 1, name);
    mlp_stmt_int(stmt, 2, wanted);
    return one_number(stmt, number, found, err);
}

static mlplat_status find_alias(mlp_registry_db_store *store, const char *name, const char *alias, int64_t *number,
                                bool *found, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    int64_t at = 0;
    mlplat_status s = mlp_db_prepare(
        store->db,
        MLP_REGISTRY_SQL(store, "SELECT version FROM registered_model_aliases WHERE name = ?1 AND alias = ?2", ""),
        &stmt, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_stmt_text(stmt, 1, name);
    mlp_stmt_text(stmt, 2, alias);
    s = one_number(stmt, &at, found, err);
    return s == MLPLAT_OK && *found ? find_number(store, name, at, number, found, err) : s;
}

static mlplat_status find_latest(mlp_registry_db_store *store, const char *name, int64_t *number, bool *found,
                                 mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(store->db,
                                     MLP_REGISTRY_SQL(store,
                                                      "SELECT max(version) FROM model_versions WHERE name = ?1 AND "
                                                      "current_stage <> 'Deleted_Internal'",
                                                      ""),
                                     &stmt, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_stmt_text(stmt, 1, name);
    return one_number(stmt, number, found, err);
}

static mlplat_status find_stage(mlp_registry_db_store *store, const char *name, const char *stage, int64_t *number,
                                bool *found, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        store->db,
        MLP_REGISTRY_SQL(store, "SELECT max(version) FROM model_versions WHERE name = ?1 AND current_stage = ?2", ""),
        &stmt, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_stmt_text(stmt, 1, name);
    mlp_stmt_text(stmt, 2, stage);
    return one_number(stmt, number, found, err);
}

mlplat_status mlp_registry_db_find(mlp_registry_db_store *store, const char *name, const mlp_version_ref *ref,
                                   int64_t *number, mlplat_error *err)
{
    bool found = false;
    mlplat_status s = ref->kind == MLP_VERSION_NUMBER  ? find_number(store, name, ref->number, number, &found, err)
                      : ref->kind == MLP_VERSION_ALIAS ? find_alias(store, name, ref->alias, number, &found, err)
                      : ref->kind == MLP_VERSION_STAGE ? find_stage(store, name, ref->stage, number, &found, err)
                                                       : find_latest(store, name, number, &found, err);
    if (s != MLPLAT_OK || found)
        return s;
    s = mlp_registry_db_need_model(store, name, err);
    if (s != MLPLAT_OK)
        return s;
    return mlp_registry_no_version(name, ref, err);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

mlplat_status mlp_registry_db_pairs(mlp_stmt *stmt, const char *key, const char *value, json_t **out, mlplat_error *err)
{
    bool row = true;
    mlplat_status s = (*out = json_array()) ? MLPLAT_OK : mlp_fail_memory(err);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        json_t *pair = json_object();
        s = pair ? mlp_json_set(pair, key, mlp_json_string(mlp_stmt_col_text(stmt, 0)), err) : mlp_fail_memory(err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(pair, value, mlp_json_string(mlp_stmt_col_text(stmt, 1)), err);
        if (s == MLPLAT_OK)
            s = mlp_json_push(*out, json_incref(pair), err);
        json_decref(pair);
    }
    mlp_stmt_done(stmt);
    if (s != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}

#define TABLE(scheme_name, open_store)                                                                                 \
    {                                                                                                                  \
        .scheme = (scheme_name), .open = (open_store), .close = db_close, .abandon = db_abandon, .model_create =       \
        mlp_registry_db_model_create, .model_get = mlp_registry_db_model_get, .model_search =                          \
        mlp_registry_db_model_search, .model_update = mlp_registry_db_model_update, .model_rename =                    \
        mlp_registry_db_model_rename, .model_delete = mlp_registry_db_model_delete, .model_tag =                       \
        mlp_registry_db_model_tag, .version_create = mlp_registry_db_version_create, .version_get =                    \
        mlp_registry_db_version_get, .version_location = mlp_registry_db_version_location, .version_search =           \
        mlp_registry_db_version_search, .version_latest = mlp_registry_db_version_latest, .version_transition =        \
        mlp_registry_db_version_transition, .version_update = mlp_registry_db_version_update, .version_delete =        \
        mlp_registry_db_version_delete, .version_tag = mlp_registry_db_version_tag, .alias_set =                       \
        mlp_registry_db_alias_set, .alias_delete = mlp_registry_db_alias_delete, .logged_model =                       \
        mlp_registry_db_logged, .logged_model_of_run = mlp_registry_db_logged_of_run                                   \
    }

static const mlp_registry_store on_file = TABLE("sqlite", db_open), on_server = TABLE("postgresql", db_open_server);

const mlp_registry_store *mlp_registry_db(void)
{
    return &on_file;
}

const mlp_registry_store *mlp_registry_postgres(void)
{
    return &on_server;
}
