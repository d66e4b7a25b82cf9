/* Stages of versions, which MLflow had before aliases and still keeps. */
#include "base/clock.h"
#include "base/err.h"
#include "registry/registry_db.h"
#include <string.h>

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool asked_for(unsigned stages, const char *stage)
{
    for (int i = 0; i < MLP_STAGE_COUNT; i++)
        if (stage && strcmp(stage, mlp_stages[i]) == 0)
            return stages >> i & 1;
    return false;
}

static mlplat_status collect(mlp_registry_call *call, mlp_stmt *stmt, json_t *versions, mlplat_error *err)
{
    bool row = true;
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        json_t *version = NULL;
        if (!asked_for(call->stages, mlp_stmt_col_text(stmt, 1)))
            continue;
        s = mlp_registry_db_version_doc(call->store, call->name, mlp_stmt_col_int(stmt, 0), &version, err);
        if (s == MLPLAT_OK)
            s = mlp_json_push(versions, version, err);
    }
    return s;
}

static mlplat_status latest_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    mlp_stmt *stmt = NULL;
    json_t *versions = json_array();
    json_decref(call->doc);
    call->doc = json_object();
    mlplat_status s =
        versions && call->doc ? mlp_json_set(call->doc, "model_versions", versions, err) : mlp_fail_memory(err);
    if (!call->doc)
        json_decref(versions);
    if (s == MLPLAT_OK)
        s = mlp_registry_db_need_model(call->store, call->name, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           MLP_REGISTRY_SQL(call->store,
                                            "SELECT max(version), current_stage FROM model_versions WHERE name = ?1",
                                            " GROUP BY current_stage ORDER BY min(version)"),
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        s = collect(call, stmt, versions, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_registry_db_version_latest(void *store, const char *name, unsigned stages, json_t **out,
                                             mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .stages = stages};
    return mlp_registry_db_answer(&call, mlp_registry_db_read(&call, latest_fn, err), out);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* sql has the parameters name, version, stage, time. */
static mlplat_status put_stage(const mlp_registry_call *call, mlp_db *db, const char *sql, int64_t now_ms,
                               mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        mlp_stmt_int(stmt, 2, call->number);
        mlp_stmt_text(stmt, 3, call->value);
        mlp_stmt_int(stmt, 4, now_ms);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status transition_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    int64_t now_ms = mlp_clock_ms();
    json_decref(call->doc);
    call->doc = NULL;
    mlplat_status s = mlp_registry_db_find(call->store, call->name, call->ref, &call->number, err);
    if (s == MLPLAT_OK && call->archive)
        s = put_stage(call, db,
                      MLP_REGISTRY_SQL(call->store,
                                       "UPDATE model_versions SET current_stage = 'Archived', last_updated_time = ?4 "
                                       "WHERE name = ?1 AND version <> ?2 AND current_stage = ?3",
                                       ""),
                      now_ms, err);
    if (s == MLPLAT_OK)
        s = put_stage(call, db,
                      MLP_REGISTRY_SQL(call->store,
                                       "UPDATE model_versions SET current_stage = ?3, last_updated_time = ?4 "
                                       "WHERE name = ?1 AND version = ?2",
                                       ""),
                      now_ms, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_db_touch(call->store, call->name, err);
    return s == MLPLAT_OK ? mlp_registry_db_version_doc(call->store, call->name, call->number, &call->doc, err) : s;
}

mlplat_status mlp_registry_db_version_transition(void *store, const char *name, const mlp_version_ref *ref,
                                                 const char *stage, bool archive, json_t **out, mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .ref = ref, .value = stage, .archive = archive};
    return mlp_registry_db_answer(&call, mlp_registry_db_write(&call, transition_fn, err), out);
}
