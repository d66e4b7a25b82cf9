#include "store/rows.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

mlplat_status mlp_rows_begin(mlp_rows *rows, mlplat_error *err)
{
    return mlp_store_tables_read(rows->tracking, rows->registry, rows->tables, err);
}

static void forget_bases(mlp_rows *rows)
{
    for (int i = 0; i < 2; i++) {
        mlp_free(rows->bases[i].uri);
        mlp_free(rows->bases[i].location);
        rows->bases[i].uri = rows->bases[i].location = NULL;
    }
}

void mlp_rows_end(mlp_rows *rows)
{
    mlp_store_tables_free(rows->tables);
    mlp_buf_free(&rows->line);
    forget_bases(rows);
}

static mlplat_status none(const char *what, const char *id, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_NOT_FOUND, "there is no %s '%s'", what, id);
}

/* The first column of the first row; *out NULL: no row, or NULL in it. */
static mlplat_status one_text(mlp_db *db, const char *sql, const char *id, char **out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    *out = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && row && !mlp_stmt_col_null(stmt, 0) && !(*out = mlp_strdup(mlp_stmt_col_text(stmt, 0))))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status all_tables(mlp_rows *rows, const mlp_store_table_id *tables, size_t n, const mlp_rows_owner *owner,
                                mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < n; i++)
        s = mlp_rows_table(rows, tables[i], owner, NULL, err);
    return s;
}

/* The artifacts at the place that sql tells, which is no longer read when the files are. */
static mlplat_status files(mlp_rows *rows, const char *sql, const char *owner, const char *id, mlplat_error *err)
{
    char *location = NULL;
    mlplat_status s = rows->artifacts ? one_text(rows->tracking, sql, id, &location, err) : MLPLAT_OK;
    if (s == MLPLAT_OK && location && *location)
        s = mlp_rows_files(rows, owner, id, location, err);
    mlp_free(location);
    return s;
}

mlplat_status mlp_rows_experiment(mlp_rows *rows, int64_t id, mlplat_error *err)
{
    const mlp_rows_owner owner = {.number = id};
    size_t n = 0;
    char text[24];
    mlplat_status s = mlp_rows_table(rows, MLP_EXPERIMENTS, &owner, &n, err);
    snprintf(text, sizeof text, "%lld", (long long)id);
    if (s == MLPLAT_OK && !n)
        return none("experiment", text, err);
    return s == MLPLAT_OK ? mlp_rows_table(rows, MLP_EXPERIMENT_TAGS, &owner, NULL, err) : s;
}

mlplat_status mlp_rows_run(mlp_rows *rows, const char *run_id, mlplat_error *err)
{
    static const mlp_store_table_id first[] = {MLP_PARAMS, MLP_TAGS, MLP_LATEST_METRICS};
    const mlp_rows_owner owner = {.text = run_id};
    size_t n = 0;
    mlplat_status s = mlp_rows_table(rows, MLP_RUNS, &owner, &n, err);
    if (s == MLPLAT_OK && !n)
        return none("run", run_id, err);
    if (s == MLPLAT_OK)
        s = all_tables(rows, first, sizeof first / sizeof first[0], &owner, err);
    if (s == MLPLAT_OK)
        s = mlp_rows_metrics(rows, run_id, err);
    if (s == MLPLAT_OK && rows->tables[MLP_INPUTS].n)
        s = mlp_rows_inputs(rows, run_id, err);
    return s == MLPLAT_OK ? files(rows, "SELECT artifact_uri FROM runs WHERE run_uuid = ?", "run_uuid", run_id, err)
                          : s;
}

mlplat_status mlp_rows_model(mlp_rows *rows, const char *model_id, mlplat_error *err)
{
    static const mlp_store_table_id rest[] = {MLP_LOGGED_MODEL_PARAMS, MLP_LOGGED_MODEL_TAGS,
                                              MLP_LOGGED_MODEL_METRICS};
    const mlp_rows_owner owner = {.text = model_id};
    size_t n = 0;
    mlplat_status s = mlp_rows_table(rows, MLP_LOGGED_MODELS, &owner, &n, err);
    if (s == MLPLAT_OK && !n)
        return none("logged model", model_id, err);
    if (s == MLPLAT_OK)
        s = all_tables(rows, rest, sizeof rest / sizeof rest[0], &owner, err);
    return s == MLPLAT_OK ? files(rows, "SELECT artifact_location FROM logged_models WHERE model_id = ?", "model_id",
                                  model_id, err)
                          : s;
}

mlplat_status mlp_rows_registered(mlp_rows *rows, const char *name, mlplat_error *err)
{
    const mlp_rows_owner owner = {.text = name};
    size_t n = 0;
    mlplat_status s = mlp_rows_table(rows, MLP_REGISTERED_MODELS, &owner, &n, err);
    if (s == MLPLAT_OK && !n)
        return none("registered model", name, err);
    return s == MLPLAT_OK ? mlp_rows_table(rows, MLP_REGISTERED_MODEL_TAGS, &owner, NULL, err) : s;
}

mlplat_status mlp_rows_aliases(mlp_rows *rows, const char *name, mlplat_error *err)
{
    const mlp_rows_owner owner = {.text = name};
    return mlp_rows_table(rows, MLP_REGISTERED_MODEL_ALIASES, &owner, NULL, err);
}

/* ---- versions ---------------------------------------------------------------------------------------------------- */

static mlplat_status take_text(mlp_stmt *stmt, int i, char **out, mlplat_error *err)
{
    *out = mlp_stmt_col_null(stmt, i) ? NULL : mlp_strdup(mlp_stmt_col_text(stmt, i));
    return *out || mlp_stmt_col_null(stmt, i) ? MLPLAT_OK : mlp_fail_memory(err);
}

#define OF_VERSION "SELECT run_id, source FROM model_versions WHERE name = ?1 AND version = ?2"

static mlplat_status origin_of(mlp_rows *rows, const char *name, int64_t version, char **run_id, char **source,
                               mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(rows->registry,
                                     mlp_store_has_column(&rows->tables[MLP_MODEL_VERSIONS], "workspace")
                                         ? OF_VERSION " AND workspace = 'default'"
                                         : OF_VERSION,
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        mlp_stmt_int(stmt, 2, version);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && row)
        s = take_text(stmt, 0, run_id, err);
    if (s == MLPLAT_OK && row)
        s = take_text(stmt, 1, source, err);
    mlp_stmt_done(stmt);
    return s;
}

/* The run and the logged model of a version, and where they lie in this store. */
static mlplat_status find_bases(mlp_rows *rows, const char *name, int64_t version, mlplat_error *err)
{
    char *run_id = NULL, *source = NULL;
    forget_bases(rows);
    mlplat_status s = origin_of(rows, name, version, &run_id, &source, err);
    if (s == MLPLAT_OK && run_id)
        s = one_text(rows->tracking, "SELECT artifact_uri FROM runs WHERE run_uuid = ?", run_id,
                     &rows->bases[0].location, err);
    if (s == MLPLAT_OK && run_id && !(rows->bases[0].uri = mlp_sprintf("runs:/%s", run_id)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK && source && mlp_text_starts(source, "models:/m-") && rows->tables[MLP_LOGGED_MODELS].n) {
        source[strcspn(source, "/") + 1 + strcspn(source + strcspn(source, "/") + 1, "/")] = 0;
        s = one_text(rows->tracking, "SELECT artifact_location FROM logged_models WHERE model_id = ?",
                     source + strlen("models:/"), &rows->bases[1].location, err);
        if (s == MLPLAT_OK && !(rows->bases[1].uri = mlp_strdup(source)))
            s = mlp_fail_memory(err);
    }
    mlp_free(run_id);
    mlp_free(source);
    return s;
}

mlplat_status mlp_rows_version(mlp_rows *rows, const char *name, int64_t version, mlplat_error *err)
{
    const mlp_rows_owner owner = {.text = name, .number = version};
    size_t n = 0;
    mlplat_status s = find_bases(rows, name, version, err);
    if (s == MLPLAT_OK)
        s = mlp_rows_table(rows, MLP_MODEL_VERSIONS, &owner, &n, err);
    if (s == MLPLAT_OK && !n)
        return none("version of the registered model", name, err);
    return s == MLPLAT_OK ? mlp_rows_table(rows, MLP_MODEL_VERSION_TAGS, &owner, NULL, err) : s;
}
