#include "store/export_pick.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include <string.h>

typedef struct picking {
    mlp_rows *rows;
    const mlp_store_view *view;
    int64_t added;
} picking;

static mlplat_status run(picking *p, mlp_db *db, const char *sql, const char *id, mlplat_error *err)
{
    mlplat_status s = id ? mlp_db_exec(db, err, sql, 1, id) : mlp_db_exec(db, err, sql, 0);
    if (s == MLPLAT_OK)
        p->added += mlp_db_changes(db);
    return s;
}

static mlplat_status make_tables(picking *p, mlplat_error *err)
{
    static const char *const sql[] = {
        "CREATE TEMP TABLE IF NOT EXISTS picked_experiments (id INTEGER PRIMARY KEY)",
        "CREATE TEMP TABLE IF NOT EXISTS picked_runs (id TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TEMP TABLE IF NOT EXISTS picked_models (id TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TEMP TABLE IF NOT EXISTS picked_datasets (id TEXT PRIMARY KEY) WITHOUT ROWID",
        "DELETE FROM temp.picked_experiments", "DELETE FROM temp.picked_runs",
        "DELETE FROM temp.picked_models",      "DELETE FROM temp.picked_datasets",
    };
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof sql / sizeof sql[0]; i++)
        s = run(p, p->rows->tracking, sql[i], NULL, err);
    if (s == MLPLAT_OK)
        s = run(p, p->rows->registry,
                "CREATE TEMP TABLE IF NOT EXISTS picked_registered (name TEXT PRIMARY KEY) WITHOUT ROWID", NULL, err);
    return s == MLPLAT_OK ? run(p, p->rows->registry, "DELETE FROM temp.picked_registered", NULL, err) : s;
}

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

/* Each of a list, by a statement that must add or find it. */
static mlplat_status pick_each(picking *p, mlp_db *db, const json_t *ids, const char *sql, const char *what,
                               mlplat_error *err)
{
    size_t i;
    json_t *id;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach((json_t *)ids, i, id)
    {
        if (s == MLPLAT_OK)
            s = run(p, db, sql, json_string_value(id), err);
        if (s == MLPLAT_OK && what && !mlp_db_changes(db))
            s = mlp_fail(err, MLPLAT_NOT_FOUND, "there is no %s '%.200s' to export", what, json_string_value(id));
    }
    return s;
}

static mlplat_status pick_experiments(picking *p, const mlp_export_wish *wish, mlplat_error *err)
{
    bool workspace = p->view->schema.experiments_workspace;
    if (wish->experiments)
        return pick_each(p, p->rows->tracking, wish->experiments,
                         workspace ? "INSERT OR REPLACE INTO picked_experiments SELECT experiment_id FROM experiments "
                                     "WHERE name = ? AND workspace = 'default'"
                                   : "INSERT OR REPLACE INTO picked_experiments SELECT experiment_id FROM experiments "
                                     "WHERE name = ?",
                         "experiment", err);
    return run(p, p->rows->tracking,
               workspace ? "INSERT INTO picked_experiments SELECT experiment_id FROM experiments "
                           "WHERE workspace = 'default'"
                         : "INSERT INTO picked_experiments SELECT experiment_id FROM experiments",
               NULL, err);
}

/* Whole experiments: all that is in them. */
static mlplat_status fill_experiments(picking *p, mlplat_error *err)
{
    mlplat_status s = run(p, p->rows->tracking,
                          "INSERT OR IGNORE INTO picked_runs SELECT run_uuid FROM runs WHERE experiment_id IN "
                          "(SELECT id FROM picked_experiments)",
                          NULL, err);
    if (s == MLPLAT_OK && p->rows->tables[MLP_LOGGED_MODELS].n)
        s = run(p, p->rows->tracking,
                "INSERT OR IGNORE INTO picked_models SELECT model_id FROM logged_models WHERE experiment_id IN "
                "(SELECT id FROM picked_experiments)",
                NULL, err);
    return s;
}

static mlplat_status pick_registered(picking *p, const mlp_export_wish *wish, bool all, mlplat_error *err)
{
    bool workspace = p->view->registry_schema.registry_workspace;
    if (all)
        return run(p, p->rows->registry,
                   workspace ? "INSERT INTO picked_registered SELECT name FROM registered_models "
                               "WHERE workspace = 'default'"
                             : "INSERT INTO picked_registered SELECT name FROM registered_models",
                   NULL, err);
    return pick_each(p, p->rows->registry, wish->models,
                     workspace ? "INSERT OR REPLACE INTO picked_registered SELECT name FROM registered_models "
                                 "WHERE name = ? AND workspace = 'default'"
                               : "INSERT OR REPLACE INTO picked_registered SELECT name FROM registered_models "
                                 "WHERE name = ?",
                     "registered model", err);
}

static mlplat_status pick_wished(picking *p, const mlp_export_wish *wish, mlplat_error *err)
{
    static const char by_id[] = "INSERT OR REPLACE INTO picked_runs SELECT run_uuid FROM runs WHERE run_uuid = ?";
    bool all = !wish->experiments && !wish->runs && !wish->models && !wish->found;
    bool whole = all || (wish->experiments && !wish->found);
    mlplat_status s = whole ? pick_experiments(p, wish, err) : MLPLAT_OK;
    if (s == MLPLAT_OK && whole)
        s = fill_experiments(p, err);
    if (s == MLPLAT_OK)
        s = pick_each(p, p->rows->tracking, wish->runs, by_id, "run", err);
    if (s == MLPLAT_OK)
        s = pick_each(p, p->rows->tracking, wish->found, by_id, NULL, err); /* gone meanwhile: fine */
    return s == MLPLAT_OK ? pick_registered(p, wish, all, err) : s;
}

/* ---- what belongs to it ------------------------------------------------------------------------------------------ */

/* The run and the logged model that a version comes from, if they are still there. */
static mlplat_status pick_origin(picking *p, const char *run_id, const char *source, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    if (run_id && *run_id)
        s = run(p, p->rows->tracking,
                "INSERT OR IGNORE INTO picked_runs SELECT run_uuid FROM runs WHERE run_uuid = ?", run_id, err);
    if (s != MLPLAT_OK || !source || !mlp_text_starts(source, "models:/m-") || !p->rows->tables[MLP_LOGGED_MODELS].n)
        return s;
    const char *id = source + strlen("models:/");
    char *model = mlp_strndup(id, strcspn(id, "/"));
    if (!model)
        return mlp_fail_memory(err);
    s = run(p, p->rows->tracking,
            "INSERT OR IGNORE INTO picked_models SELECT model_id FROM logged_models WHERE model_id = ?", model, err);
    mlp_free(model);
    return s;
}

static mlplat_status pick_origins(picking *p, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(p->rows->registry,
                                     p->view->registry_schema.registry_workspace
                                         ? "SELECT run_id, source FROM model_versions WHERE name IN "
                                           "(SELECT name FROM picked_registered) AND workspace = 'default'"
                                         : "SELECT run_id, source FROM model_versions WHERE name IN "
                                           "(SELECT name FROM picked_registered)",
                                     &stmt, err);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = pick_origin(p, mlp_stmt_col_text(stmt, 0), mlp_stmt_col_text(stmt, 1), err);
    mlp_stmt_done(stmt);
    return s;
}

/* Runs bring the logged models that they made or used; models bring the runs that made and judged them. */
static mlplat_status close_over(picking *p, mlplat_error *err)
{
    static const char *const sql[] = {
        "INSERT OR IGNORE INTO picked_models SELECT model_id FROM logged_models WHERE source_run_id IN "
        "(SELECT id FROM picked_runs)",
        "INSERT OR IGNORE INTO picked_models SELECT destination_id FROM inputs WHERE source_type IN ('RUN_INPUT', "
        "'RUN_OUTPUT') AND source_id IN (SELECT id FROM picked_runs) AND destination_id IN (SELECT model_id FROM "
        "logged_models)",
        "INSERT OR IGNORE INTO picked_runs SELECT run_uuid FROM runs WHERE run_uuid IN (SELECT source_run_id FROM "
        "logged_models WHERE model_id IN (SELECT id FROM picked_models))",
        "INSERT OR IGNORE INTO picked_runs SELECT run_id FROM logged_model_metrics WHERE model_id IN "
        "(SELECT id FROM picked_models)",
    };
    mlplat_status s = MLPLAT_OK;
    if (!p->rows->tables[MLP_LOGGED_MODELS].n)
        return s;
    do {
        p->added = 0;
        for (size_t i = 0; s == MLPLAT_OK && i < sizeof sql / sizeof sql[0]; i++)
            s = run(p, p->rows->tracking, sql[i], NULL, err);
    } while (s == MLPLAT_OK && p->added);
    return s;
}

static mlplat_status pick_owners(picking *p, mlplat_error *err)
{
    mlp_db *db = p->rows->tracking;
    mlplat_status s = run(p, db, /* an import that was not finished is nothing to pass on */
                          "DELETE FROM temp.picked_runs WHERE id IN (SELECT run_uuid FROM tags WHERE key = "
                          "'mlplat.import')",
                          NULL, err);
    if (s == MLPLAT_OK)
        s = run(p, db,
                "INSERT OR IGNORE INTO picked_experiments SELECT experiment_id FROM runs WHERE run_uuid IN "
                "(SELECT id FROM picked_runs)",
                NULL, err);
    if (s == MLPLAT_OK && p->rows->tables[MLP_INPUTS].n)
        s = run(p, db,
                "INSERT OR IGNORE INTO picked_datasets SELECT source_id FROM inputs WHERE source_type = 'DATASET' AND "
                "destination_type = 'RUN' AND destination_id IN (SELECT id FROM picked_runs)",
                NULL, err);
    if (s != MLPLAT_OK || !p->rows->tables[MLP_LOGGED_MODELS].n)
        return s;
    s = run(p, db,
            "DELETE FROM temp.picked_models WHERE id IN (SELECT model_id FROM logged_model_tags WHERE tag_key = "
            "'mlplat.import')",
            NULL, err);
    if (s == MLPLAT_OK)
        s = run(p, db,
                "INSERT OR IGNORE INTO picked_experiments SELECT experiment_id FROM logged_models WHERE model_id IN "
                "(SELECT id FROM picked_models)",
                NULL, err);
    if (s == MLPLAT_OK)
        s = run(p, db,
                "INSERT OR IGNORE INTO picked_datasets SELECT dataset_uuid FROM logged_model_metrics WHERE "
                "dataset_uuid IS NOT NULL AND model_id IN (SELECT id FROM picked_models)",
                NULL, err);
    return s;
}

mlplat_status mlp_export_pick(mlp_rows *rows, const mlp_export_wish *wish, const mlp_store_view *view,
                              mlplat_error *err)
{
    picking p = {.rows = rows, .view = view};
    mlplat_status s = make_tables(&p, err);
    if (s == MLPLAT_OK)
        s = pick_wished(&p, wish, err);
    if (s == MLPLAT_OK)
        s = pick_origins(&p, err);
    if (s == MLPLAT_OK)
        s = close_over(&p, err);
    return s == MLPLAT_OK ? pick_owners(&p, err) : s;
}
