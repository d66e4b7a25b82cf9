/* One line of an archive as rows of the target. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/import.h"
#include <string.h>

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

/* ---- INSERT ------------------------------------------------------------------------------------------------------ */

static mlplat_status make_insert(mlp_store_table *table, int id, const char *before, const char *behind,
                                 mlplat_error *err)
{
    mlp_buf sql = {0};
    mlp_buf_printf(&sql, "INSERT %s INTO %s (", before, mlp_store_specs[id].name);
    for (size_t i = 0; i < table->n; i++)
        mlp_buf_printf(&sql, "%s\"%s\"", i ? ", " : "", table->columns[i].name);
    mlp_buf_puts(&sql, ") VALUES (");
    for (size_t i = 0; i < table->n; i++)
        mlp_buf_puts(&sql, i ? ", ?" : "?");
    mlp_buf_puts(&sql, ") ");
    mlp_buf_puts(&sql, behind);
    mlplat_status s = mlp_buf_ok(&sql, err);
    table->insert = mlp_buf_take(&sql);
    return s;
}

static void bind_value(mlp_stmt *stmt, int i, const json_t *value)
{
    if (json_is_string(value))
        mlp_stmt_text_n(stmt, i, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        mlp_stmt_int(stmt, i, json_integer_value(value));
    else if (json_is_real(value))
        mlp_stmt_double(stmt, i, json_real_value(value));
    else if (json_is_boolean(value))
        mlp_stmt_int(stmt, i, json_is_true(value));
    else
        mlp_stmt_null(stmt, i);
}

static void bind_column(mlp_stmt *stmt, int i, const mlp_store_column *column, const json_t *row, const json_t *over)
{
    const json_t *value = json_object_get(over, column->name);
    if (!value)
        value = json_object_get(row, column->name);
    if (value)
        bind_value(stmt, i, value);
    else if (strcmp(column->name, "workspace") == 0)
        mlp_stmt_text(stmt, i, "default");
    else
        mlp_stmt_text(stmt, i, column->preset); /* NULL where there is none */
}

/* The number that the target has for the experiment. */
static mlplat_status bind_experiment(mlp_importing *im, mlp_stmt *stmt, int i, const json_t *row, mlplat_error *err)
{
    int64_t id = -1;
    mlplat_status s = mlp_import_find_experiment(im, text_of(row, "experiment"), &id, NULL, err);
    if (s == MLPLAT_OK && id == -1)
        return mlp_fail(err, MLPLAT_CORRUPT, "the archive is damaged: experiment '%.200s' is not in it, but rows of it",
                        text_of(row, "experiment"));
    mlp_stmt_int(stmt, i, id);
    return s;
}

mlplat_status mlp_import_insert(mlp_importing *im, int id, const json_t *row, const json_t *over, const char *before,
                                const char *behind, mlplat_error *err)
{
    mlp_store_table *table = &im->rows.tables[id];
    mlp_stmt *stmt = NULL;
    mlplat_status s = table->insert ? MLPLAT_OK : make_insert(table, id, before, behind, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(mlp_store_specs[id].registry ? im->view.registry : im->view.tracking, table->insert, &stmt,
                           err);
    for (size_t i = 0; s == MLPLAT_OK && i < table->n; i++) {
        const mlp_store_column *column = &table->columns[i];
        if (strcmp(column->name, "experiment_id") == 0 && id != MLP_EXPERIMENTS)
            s = bind_experiment(im, stmt, (int)i + 1, row, err);
        else
            bind_column(stmt, (int)i + 1, column, row, over);
    }
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, NULL, err);
    mlp_stmt_done(stmt);
    return s;
}

/* ---- heads that begin unfinished --------------------------------------------------------------------------------- */

/* Until all of it is there a run is deleted, as everybody sees it, and marked, as we do. */
static const char *upsert_of(int table)
{
    return table == MLP_RUNS
               ? "ON CONFLICT (run_uuid) DO UPDATE SET name = excluded.name, source_type = excluded.source_type, "
                 "source_name = excluded.source_name, entry_point_name = excluded.entry_point_name, "
                 "user_id = excluded.user_id, status = excluded.status, start_time = excluded.start_time, "
                 "end_time = excluded.end_time, source_version = excluded.source_version, "
                 "lifecycle_stage = excluded.lifecycle_stage, artifact_uri = excluded.artifact_uri, "
                 "experiment_id = excluded.experiment_id, deleted_time = excluded.deleted_time"
               : "ON CONFLICT (model_id) DO UPDATE SET experiment_id = excluded.experiment_id, name = excluded.name, "
                 "artifact_location = excluded.artifact_location, creation_timestamp_ms = "
                 "excluded.creation_timestamp_ms, last_updated_timestamp_ms = excluded.last_updated_timestamp_ms, "
                 "status = excluded.status, lifecycle_stage = excluded.lifecycle_stage, model_type = "
                 "excluded.model_type, source_run_id = excluded.source_run_id, "
                 "status_message = excluded.status_message";
}

static mlplat_status mark(mlp_importing *im, int table, const json_t *row, mlplat_error *err)
{
    if (table == MLP_RUNS)
        return mlp_db_exec(im->view.tracking, err,
                           "INSERT OR REPLACE INTO tags (key, value, run_uuid) VALUES ('" MLP_IMPORT_MARK
                           "', 'unfinished', ?)",
                           1, text_of(row, "run_uuid"));
    return mlp_db_exec(im->view.tracking, err,
                       "INSERT OR REPLACE INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value) "
                       "SELECT model_id, experiment_id, '" MLP_IMPORT_MARK "', 'unfinished' FROM logged_models "
                       "WHERE model_id = ?",
                       1, text_of(row, "model_id"));
}

mlplat_status mlp_import_reopen(mlp_importing *im, int table, const json_t *row, mlplat_error *err)
{
    bool run = table == MLP_RUNS;
    mlplat_status s = mlp_db_exec(im->view.tracking, err,
                                  run ? "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = NULL WHERE "
                                        "run_uuid = ?"
                                      : "UPDATE logged_models SET lifecycle_stage = 'deleted' WHERE model_id = ?",
                                  1, text_of(row, run ? "run_uuid" : "model_id"));
    return s == MLPLAT_OK ? mark(im, table, row, err) : s;
}

static mlplat_status begin(mlp_importing *im, int table, const json_t *row, mlplat_error *err)
{
    json_t *over = json_pack("{s:s, s:n}", "lifecycle_stage", "deleted", "deleted_time");
    mlplat_status s = over ? mlp_import_insert(im, table, row, over, "", upsert_of(table), err) : mlp_fail_memory(err);
    json_decref(over);
    return s == MLPLAT_OK ? mark(im, table, row, err) : s;
}

mlplat_status mlp_import_end(mlp_importing *im, const mlp_import_op *op, mlplat_error *err)
{
    bool run = op->table == MLP_RUNS;
    const char *id = text_of(op->row, run ? "run_uuid" : "model_id");
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_exec(im->view.tracking, err,
                                  run ? "DELETE FROM tags WHERE key = '" MLP_IMPORT_MARK "' AND run_uuid = ?"
                                      : "DELETE FROM logged_model_tags WHERE tag_key = '" MLP_IMPORT_MARK
                                        "' AND model_id = ?",
                                  1, id);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(im->view.tracking,
                           run ? "UPDATE runs SET lifecycle_stage = ?2, deleted_time = ?3 WHERE run_uuid = ?1"
                               : "UPDATE logged_models SET lifecycle_stage = ?2 WHERE model_id = ?1",
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, id);
        bind_value(stmt, 2, json_object_get(op->row, "lifecycle_stage"));
        if (run)
            bind_value(stmt, 3, json_object_get(op->row, "deleted_time"));
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* ---- one line ---------------------------------------------------------------------------------------------------- */

static mlplat_status remove_version(mlp_importing *im, const json_t *row, mlplat_error *err)
{
    static const char *const plain[] = {"DELETE FROM model_version_tags WHERE name = ? AND version = ?",
                                        "DELETE FROM model_versions WHERE name = ? AND version = ?"};
    static const char *const ours[] = {
        "DELETE FROM model_version_tags WHERE name = ? AND version = ? AND workspace = 'default'",
        "DELETE FROM model_versions WHERE name = ? AND version = ? AND workspace = 'default'"};
    const char *const *sql = im->view.registry_schema.registry_workspace ? ours : plain;
    mlplat_status s = MLPLAT_OK;
    for (int i = 0; s == MLPLAT_OK && i < 2; i++) {
        mlp_stmt *stmt = NULL;
        s = mlp_db_prepare(im->view.registry, sql[i], &stmt, err);
        if (s == MLPLAT_OK) {
            mlp_stmt_text(stmt, 1, text_of(row, "name"));
            mlp_stmt_int(stmt, 2, json_integer_value(json_object_get(row, "version")));
            s = mlp_stmt_step(stmt, NULL, err);
        }
        mlp_stmt_done(stmt);
    }
    return s;
}

/* The points of a logged model tell their dataset by the number that the target has for it. */
static mlplat_status model_metric(mlp_importing *im, const json_t *row, mlplat_error *err)
{
    char *uuid = NULL;
    json_t *over = NULL;
    mlplat_status s = MLPLAT_OK;
    if (json_is_true(json_object_get(row, "of_dataset")))
        s = mlp_import_dataset_id(im, text_of(row, "experiment"), text_of(row, "dataset_name"),
                                  text_of(row, "dataset_digest"), &uuid, err);
    if (s == MLPLAT_OK && uuid && !(over = json_pack("{s:s}", "dataset_uuid", uuid)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_import_insert(im, MLP_LOGGED_MODEL_METRICS, row, over, "", "", err);
    json_decref(over);
    mlp_free(uuid);
    return s;
}

mlplat_status mlp_import_row(mlp_importing *im, const mlp_import_op *op, mlplat_error *err)
{
    bool keep = im->policy != MLP_IMPORT_REPLACE;
    mlplat_status s = MLPLAT_OK;
    switch (op->table) {
    case MLP_EXPERIMENTS:
        return mlp_import_experiment(im, op->row, err);
    case MLP_DATASETS:
        return mlp_import_dataset(im, op->row, err);
    case MLP_METRICS:
        return mlp_import_points(im, op->row, err);
    case MLP_INPUTS:
        return mlp_import_input(im, op->row, err);
    case MLP_LOGGED_MODEL_METRICS:
        return model_metric(im, op->row, err);
    case MLP_RUNS:
    case MLP_LOGGED_MODELS:
        return begin(im, op->table, op->row, err);
    case MLP_REGISTERED_MODELS:
        return mlp_import_insert(im, op->table, op->row, NULL, "OR IGNORE", "", err);
    case MLP_EXPERIMENT_TAGS:
    case MLP_REGISTERED_MODEL_TAGS:
    case MLP_REGISTERED_MODEL_ALIASES: /* nothing refers to them, so that one may stand in for the other */
        return mlp_import_insert(im, op->table, op->row, NULL, keep ? "OR IGNORE" : "OR REPLACE", "", err);
    case MLP_MODEL_VERSIONS:
        if (op->anew)
            s = remove_version(im, op->row, err);
        return s == MLPLAT_OK ? mlp_import_insert(im, op->table, op->row, NULL, "", "", err) : s;
    default:
        return mlp_import_insert(im, op->table, op->row, NULL, "", "", err);
    }
}
