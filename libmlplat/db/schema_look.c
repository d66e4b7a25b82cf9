/* What is in a file: is it MLflow's, at which head, and in which shape? */
#include "base/err.h"
#include "db/schema_inside.h"
#include <stdio.h>
#include <string.h>

mlplat_status mlp_schema_number(mlp_db *db, const char *sql, int64_t *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    *out = 0;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, &row, err);
    if (s == MLPLAT_OK && row)
        *out = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

/* ---- one table --------------------------------------------------------------------------------------------------- */

static bool has_column(const mlp_schema_table *table, const char *name, int revision)
{
    mlp_schema_item column;
    const char *at = table->columns;
    while (mlp_schema_next(&at, ',', &column))
        if (mlp_schema_lives(&column, revision) && mlp_schema_name_n(&column) == strlen(name) &&
            memcmp(column.text, name, strlen(name)) == 0)
            return true;
    return false;
}

static int count_columns(const mlp_schema_table *table, int revision)
{
    mlp_schema_item column;
    const char *at = table->columns;
    int n = 0;
    while (mlp_schema_next(&at, ',', &column))
        n += mlp_schema_lives(&column, revision);
    return n;
}

/* The pragma as a table of a statement costs twice as much. */
static mlplat_status list_columns(mlp_db *db, const char *table, mlp_stmt **out, mlplat_error *err)
{
    char sql[80];
    if (mlp_db_is_file(db)) {
        snprintf(sql, sizeof sql, "PRAGMA table_xinfo(\"%s\")", table);
        return mlp_db_prepare_once(db, sql, out, err);
    }
    mlplat_status s = mlp_db_prepare(
        db,
        "SELECT attnum, attname, '', attnotnull AND attidentity = '', CASE WHEN atthasdef THEN '' END FROM "
        "pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped",
        out, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(*out, 1, table);
    return s;
}

mlplat_status mlp_schema_compare(mlp_db *db, const mlp_schema_table *table, int revision, mlp_schema_match *out,
                                 mlplat_error *err)
{
    enum { NAME = 1, NOT_NULL = 3, DEFAULT = 4 };
    mlp_stmt *stmt = NULL;
    bool row = true;
    int ours = 0;
    *out = (mlp_schema_match){0};
    mlplat_status s = list_columns(db, table->name, &stmt, err);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        bool mine = has_column(table, mlp_stmt_col_text(stmt, NAME), revision);
        ours += mine;
        out->others = out->others || !mine;
        out->must_give =
            out->must_give || (!mine && mlp_stmt_col_int(stmt, NOT_NULL) && mlp_stmt_col_null(stmt, DEFAULT));
    }
    mlp_stmt_done(stmt);
    out->all = ours == count_columns(table, revision);
    return s;
}

/* ---- the tables of a module -------------------------------------------------------------------------------------- */

/* Ends with NULL. */
static const char *const tracking[] = {"experiments",    "experiment_tags", "runs", "metrics",
                                       "latest_metrics", "params",          "tags", NULL};
static const char *const registry[] = {"registered_models",  "registered_model_tags",    "model_versions",
                                       "model_version_tags", "registered_model_aliases", NULL};
static const char *const inputs[] = {"datasets", "inputs", "input_tags", NULL};
static const char *const logged[] = {"logged_models", "logged_model_metrics", "logged_model_params",
                                     "logged_model_tags", NULL};

/* Have all of them the shape of this revision? Other columns may be there, if nobody needs to fill them. */
static mlplat_status probe(mlp_db *db, const char *const *tables, int revision, bool *known, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    *known = true;
    for (; s == MLPLAT_OK && *known && *tables; tables++) {
        const mlp_schema_table *table = mlp_schema_table_of(*tables);
        mlp_schema_match match = {0};
        *known = table->since <= revision;
        if (*known)
            s = mlp_schema_compare(db, table, revision, &match, err);
        *known = *known && match.all && !match.must_give;
    }
    return s;
}

/* Of a head that nobody knows: its tables may be as we know them all the same, from the newest back. */
static mlplat_status probe_any(mlp_db *db, const mlp_schema_info *info, const char *const *tables, bool *known,
                               mlplat_error *err)
{
    int first = info->revision >= 0 ? info->revision : mlp_schema_newest;
    int last = info->revision >= 0 ? info->revision : 0;
    mlplat_status s = MLPLAT_OK;
    *known = false;
    for (int i = first; s == MLPLAT_OK && i >= last && !*known; i--)
        s = probe(db, tables, i, known, err);
    return s;
}

/* By what SQLite knows of the tables, which a statement of this transaction has brought up to date. */
static mlplat_status file_has_column(mlp_db *db, const char *table, const char *column, bool *out, mlplat_error *err)
{
    int code = sqlite3_table_column_metadata(db->handle, "main", table, column, NULL, NULL, NULL, NULL, NULL);
    *out = code == SQLITE_OK;
    return code == SQLITE_OK || code == SQLITE_ERROR ? MLPLAT_OK : mlp_db_fail(db, code, err);
}

static mlplat_status has_column_named(mlp_db *db, const char *table, const char *column, bool *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    if (mlp_db_is_file(db))
        return file_has_column(db, table, column, out, err);
    mlplat_status s = mlp_db_prepare(db,
                                     "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(?) AND attname = ? AND "
                                     "attnum > 0 AND NOT attisdropped",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, table);
        mlp_stmt_text(stmt, 2, column);
        s = mlp_stmt_step(stmt, out, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_schema_has_table(mlp_db *db, const char *name, bool *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db,
                                     mlp_db_say(db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
                                                "SELECT 1 FROM pg_class WHERE oid = to_regclass(?)"),
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        s = mlp_stmt_step(stmt, out, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* What is read and written in one way or another; also in tables that are otherwise unknown, which can be read. */
static mlplat_status probe_columns(mlp_db *db, mlp_schema_info *info, mlplat_error *err)
{
    mlplat_status s = has_column_named(db, "experiments", "workspace", &info->experiments_workspace, err);
    if (s == MLPLAT_OK)
        s = has_column_named(db, "registered_models", "workspace", &info->registry_workspace, err);
    return s == MLPLAT_OK ? has_column_named(db, "inputs", "step", &info->inputs_step, err) : s;
}

static mlplat_status probe_all(mlp_db *db, mlp_schema_info *info, mlplat_error *err)
{
    mlplat_status s = probe_columns(db, info, err);
    if (s == MLPLAT_OK)
        s = probe_any(db, info, tracking, &info->tracking_known, err);
    if (s == MLPLAT_OK)
        s = probe_any(db, info, registry, &info->registry_known, err);
    if (s == MLPLAT_OK)
        s = probe_any(db, info, inputs, &info->inputs_known, err);
    if (s == MLPLAT_OK)
        s = probe_any(db, info, logged, &info->logged_models, err);
    info->logged_models = info->logged_models && info->inputs_step;
    return s;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static mlplat_status read_head(mlp_db *db, mlp_schema_info *info, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false, there = false;
    mlplat_status s = has_column_named(db, "alembic_version", "version_num", &there, err);
    if (s != MLPLAT_OK || !there)
        return s;
    s = mlp_db_prepare(db, "SELECT version_num FROM alembic_version", &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, &row, err);
    if (s == MLPLAT_OK && row && !mlp_stmt_col_null(stmt, 0))
        snprintf(info->head, sizeof info->head, "%s", mlp_stmt_col_text(stmt, 0));
    mlp_stmt_done(stmt);
    info->revision = mlp_schema_find(info->head);
    return s;
}

/* MLflow makes its first tables and then changes them step by step, without a transaction around all of it; the head is
 * written with the first step. So tables that have come further are nobody's unfinished work: their head was lost. */
static mlplat_status is_unfinished(mlp_db *db, const mlp_schema_info *info, bool *out, mlplat_error *err)
{
    bool further = true;
    mlplat_status s = info->head[0] ? MLPLAT_OK : has_column_named(db, "experiments", "creation_time", &further, err);
    *out = !further;
    return s;
}

mlplat_status mlp_schema_look(mlp_db *db, mlp_schema_info *info, mlp_schema_state *state, mlplat_error *err)
{
    static const char *const columns[] = {"experiment_id", "name", "artifact_location", "lifecycle_stage"};
    int64_t tables = 0;
    bool unfinished = false, any = false, all = true;
    *info = (mlp_schema_info){.revision = -1};
    *state = MLP_SCHEMA_EMPTY;
    mlplat_status s = mlp_schema_number(
        db,
        mlp_db_say(db, "SELECT count(*) FROM sqlite_master", "SELECT 1 WHERE to_regclass('experiments') IS NOT NULL"),
        &tables, err);
    if (s != MLPLAT_OK || !tables)
        return s;
    for (int i = 0; s == MLPLAT_OK && i < 4; i++) {
        bool there = false;
        s = has_column_named(db, "experiments", columns[i], &there, err);
        any = any || there;
        all = all && there;
    }
    if (s == MLPLAT_OK && !all)
        return mlp_fail(err, MLPLAT_CORRUPT, "'%s' is %s, but not MLflow's: %s; name another %s", db->path,
                        mlp_db_is_file(db) ? "an SQLite file" : "a database",
                        any ? "its table experiments has other columns" : "no table experiments",
                        mlp_db_is_file(db) ? "file" : "one");
    if (s == MLPLAT_OK)
        s = read_head(db, info, err);
    if (s == MLPLAT_OK)
        s = is_unfinished(db, info, &unfinished, err);
    *state = unfinished ? MLP_SCHEMA_UNFINISHED : MLP_SCHEMA_STORE;
    return s == MLPLAT_OK && !unfinished ? probe_all(db, info, err) : s;
}

/* MLflow's upgrade changes a file step by step, so a moment later it may be well again. */
static mlplat_status fail_changed(mlp_db *db, const char *head, mlplat_error *err)
{
    mlp_fail(err, MLPLAT_UNAVAILABLE,
             "'%s': its tables were changed while it was open%s%s, into a shape that is not known: wait for the "
             "upgrade that changes them, or open the store again",
             db->path, head[0] ? "; now at " : "", head);
    if (err)
        err->retryable = 1;
    return MLPLAT_UNAVAILABLE;
}

/* Others may read the head at any time; what it was when the store was opened is good enough for them. */
mlplat_status mlp_schema_again(mlp_db *db, mlp_schema_info *info, mlplat_error *err)
{
    mlp_schema_info now;
    mlp_schema_state state;
    mlplat_status s = mlp_schema_look(db, &now, &state, err);
    if (s == MLPLAT_CORRUPT ||
        (s == MLPLAT_OK && (now.tracking_known < info->tracking_known || now.registry_known < info->registry_known)))
        return fail_changed(db, now.head, err);
    if (s != MLPLAT_OK)
        return s;
    info->inputs_known = now.inputs_known;
    info->logged_models = now.logged_models;
    info->experiments_workspace = now.experiments_workspace;
    info->registry_workspace = now.registry_workspace;
    info->inputs_step = now.inputs_step;
    return MLPLAT_OK;
}
