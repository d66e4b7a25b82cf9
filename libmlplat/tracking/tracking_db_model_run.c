/* What logged models and runs have of each other. */
#include "base/alloc.h"
#include "base/err.h"
#include "tracking/tracking_db.h"

typedef struct run_call {
    mlp_tracking_db_store *store;
    const char *model, *run, *name;
    int64_t step;
    char *location;
} run_call;

/* By the keys that the run has, so that the index (run, key, step) finds the rows. */
static mlplat_status metrics_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const run_call *call = ctx;
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        db,
        "INSERT INTO logged_model_metrics (model_id, metric_name, metric_timestamp_ms, metric_step, metric_value, "
        "experiment_id, run_id, dataset_uuid, dataset_name, dataset_digest) SELECT ?1, m.key, m.timestamp, m.step, "
        "m.value, r.experiment_id, r.run_uuid, NULL, NULL, NULL FROM latest_metrics l JOIN metrics m ON m.run_uuid = "
        "l.run_uuid AND m.key = l.key AND m.step = ?3 JOIN runs r ON r.run_uuid = l.run_uuid WHERE l.run_uuid = ?2 "
        "ORDER BY m.rowid ON CONFLICT DO NOTHING",
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->model);
        mlp_stmt_text(stmt, 2, call->run);
        mlp_stmt_int(stmt, 3, call->step);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_tracking_db_model_metrics(void *store, const char *id, const char *run_id, int64_t step,
                                            mlplat_error *err)
{
    run_call call = {.store = store, .model = id, .run = run_id, .step = step};
    mlplat_status s = mlp_tracking_db_models_there(store, err);
    return s == MLPLAT_OK ? mlp_db_write(call.store->db, metrics_fn, &call, &call.store->ml->hook, err) : s;
}

static mlplat_status location_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    run_call *call = ctx;
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlp_free(call->location);
    call->location = NULL;
    mlplat_status s = mlp_db_prepare(db,
                                     "SELECT artifact_location FROM logged_models WHERE source_run_id = ? AND name = ? "
                                     "AND lifecycle_stage <> 'deleted' ORDER BY creation_timestamp_ms DESC, rowid DESC "
                                     "LIMIT 1",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->run);
        mlp_stmt_text(stmt, 2, call->name);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && !row)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s has logged no model '%.200s'", call->run, call->name);
    else if (s == MLPLAT_OK && !(call->location = mlp_strdup(mlp_stmt_col_text(stmt, 0))))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_tracking_db_model_of_run(void *store, const char *run_id, const char *name, char **location,
                                           mlplat_error *err)
{
    run_call call = {.store = store, .run = run_id, .name = name};
    if (!call.store->schema.logged_models)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "run %s has logged no model '%.200s'", run_id, name);
    mlplat_status s = mlp_db_read(call.store->db, location_fn, &call, &call.store->ml->hook, err);
    if (s == MLPLAT_OK)
        *location = call.location;
    else
        mlp_free(call.location);
    return s;
}
