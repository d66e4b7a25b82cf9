/* Logged models, as far as the registry needs them: MLflow registers models:/<model id> and notes the version there. */
#include "base/alloc.h"
#include "base/err.h"
#include "registry/registry_db.h"
#include <string.h>

#define NOTE "mlflow.modelVersions"

/* The row (id, location, run) of a statement, which is done then. */
static mlplat_status take_row(mlp_stmt *stmt, mlp_logged_model *out, mlplat_error *err)
{
    bool row = false;
    mlplat_status s = mlp_stmt_step(stmt, &row, err);
    if (s == MLPLAT_OK && !row)
        s = MLPLAT_NOT_FOUND;
    if (s == MLPLAT_OK) {
        mlp_logged_model_free(out);
        out->model_id = mlp_strdup(mlp_stmt_col_text(stmt, 0));
        out->location = mlp_strdup(mlp_stmt_col_text(stmt, 1));
        out->run_id = mlp_strdup(mlp_stmt_col_null(stmt, 2) ? "" : mlp_stmt_col_text(stmt, 2));
        if (!out->model_id || !out->location || !out->run_id)
            s = mlp_fail_memory(err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* The one row that sql finds with the text parameters first and, if it has two, second. */
static mlplat_status find(mlp_db *db, const char *sql, const char *first, const char *second, mlp_logged_model *out,
                          mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool there = false;
    mlplat_status s = mlp_schema_has_table(db, "logged_models", &there, err); /* those of MLflow 2 have not */
    if (s == MLPLAT_OK && !there)
        s = MLPLAT_NOT_FOUND;
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db, sql, &stmt, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_stmt_text(stmt, 1, first);
    if (second)
        mlp_stmt_text(stmt, 2, second);
    return take_row(stmt, out, err);
}

static mlplat_status by_id_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    mlplat_status s = find(db,
                           "SELECT model_id, artifact_location, source_run_id FROM logged_models WHERE model_id = ?1 "
                           "AND lifecycle_stage <> 'deleted'",
                           call->name, NULL, &call->logged, err);
    if (s == MLPLAT_NOT_FOUND && strncmp(call->name, "m-", 2) != 0)
        s = mlp_fail(err, s,
                     "there is no logged model '%.80s' in '%s': of a registered model name the version too, "
                     "models:/%.80s/1 or models:/%.80s@<alias>",
                     call->name, call->store->path, call->name, call->name);
    else if (s == MLPLAT_NOT_FOUND)
        s = mlp_fail(err, s, "there is no logged model '%s' in '%s'", call->name, call->store->path);
    return s;
}

/* Of several, the one that the run told of at the largest step. */
#define OF_RUN                                                                                                         \
    "SELECT model_id, artifact_location, source_run_id FROM logged_models m WHERE source_run_id = ?1 AND name = ?2 "   \
    "AND lifecycle_stage <> 'deleted' "
#define STEP                                                                                                           \
    "(SELECT max(i.step) FROM inputs i WHERE i.source_type = 'RUN_OUTPUT' AND i.source_id = ?1 AND "                   \
    "i.destination_type = 'MODEL_OUTPUT' AND i.destination_id = m.model_id) DESC NULLS LAST"

static mlplat_status of_run_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    const char *sql = call->store->schema.inputs_step ? OF_RUN "ORDER BY " STEP ", creation_timestamp_ms DESC LIMIT 1"
                                                      : OF_RUN "ORDER BY creation_timestamp_ms DESC LIMIT 1";
    mlplat_status s = find(db, sql, call->key, call->name, &call->logged, err);
    if (s == MLPLAT_NOT_FOUND)
        s = mlp_fail(err, s, "run %s has logged no model '%s'", call->key, call->name);
    return s;
}

static mlplat_status give(mlp_registry_call *call, mlplat_status s, mlp_logged_model *out)
{
    if (s == MLPLAT_OK)
        *out = call->logged;
    else
        mlp_logged_model_free(&call->logged);
    return s;
}

mlplat_status mlp_registry_db_logged(void *store, const char *model_id, mlp_logged_model *out, mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = model_id};
    return give(&call, mlp_registry_db_read(&call, by_id_fn, err), out);
}

mlplat_status mlp_registry_db_logged_of_run(void *store, const char *run_id, const char *name, mlp_logged_model *out,
                                            mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .key = run_id};
    return give(&call, mlp_registry_db_read(&call, of_run_fn, err), out);
}

/* ---- the note of the version at the logged model ----------------------------------------------------------------- */

/* The list so far; an empty one if there is none or it cannot be read. */
static mlplat_status read_note(mlp_db *db, const char *model_id, json_t **out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(
        db, "SELECT tag_value FROM logged_model_tags WHERE model_id = ?1 AND tag_key = '" NOTE "'", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, model_id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    const char *text = s == MLPLAT_OK && row ? mlp_stmt_col_text(stmt, 0) : NULL;
    if (text && mlp_json_parse(text, strlen(text), out, NULL) == MLPLAT_NO_MEMORY)
        s = mlp_fail_memory(err);
    if (*out && !json_is_array(*out)) {
        json_decref(*out);
        *out = NULL;
    }
    if (s == MLPLAT_OK && !*out && !(*out = json_array()))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_registry_db_logged_note(mlp_registry_db_store *store, const mlp_version_new *version, int64_t number,
                                          mlplat_error *err)
{
    json_t *list = NULL;
    mlp_buf text = {0};
    if (!version->model_id)
        return MLPLAT_OK;
    mlplat_status s = read_note(store->db, version->model_id, &list, err);
    if (s == MLPLAT_OK)
        s = mlp_json_push(list, json_pack("{s:s, s:I}", "name", version->name, "version", (json_int_t)number), err);
    if (s == MLPLAT_OK)
        s = mlp_json_text(list, &text, err);
    if (s == MLPLAT_OK)
        s = mlp_db_exec(store->db, err,
                        "INSERT INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value) SELECT "
                        "model_id, experiment_id, '" NOTE "', ?2 FROM logged_models WHERE model_id = ?1 "
                        "ON CONFLICT (model_id, tag_key) DO UPDATE SET tag_value = excluded.tag_value",
                        2, version->model_id, text.data);
    json_decref(list);
    mlp_buf_free(&text);
    return s;
}
