/* Of a run: its points, many to a line, and its inputs and outputs. */
#include "base/err.h"
#include "base/text.h"
#include "store/rows.h"
#include <inttypes.h>
#include <string.h>

enum { POINTS = 1000 }; /* of one line */

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

static mlplat_status begin_points(mlp_rows *rows, const char *run_id, mlp_stmt *stmt, mlplat_error *err)
{
    const char *key = mlp_stmt_col_text(stmt, 0);
    if (!key)
        return mlp_fail_memory(err);
    mlp_rows_open(rows, "metrics");
    mlp_rows_key(rows, "run_uuid");
    mlplat_status s = mlp_rows_text(rows, run_id, strlen(run_id), err);
    mlp_rows_key(rows, "key");
    if (s == MLPLAT_OK)
        s = mlp_rows_text(rows, key, mlp_stmt_col_bytes(stmt, 0), err);
    mlp_rows_key(rows, "points");
    return s;
}

/* [timestamp, step, value]; a fourth says what MLflow does not write: not a number, with a number beside it. */
static void put_point(mlp_rows *rows, mlp_stmt *stmt, bool first)
{
    char number[32];
    double value = mlp_stmt_col_double(stmt, 3);
    bool is_nan = mlp_stmt_col_int(stmt, 4) != 0;
    rows->points++;
    mlp_text_double(value, number);
    mlp_buf_printf(&rows->line, "%s[%" PRId64 ",%" PRId64 ",%s", first ? "[" : ",", mlp_stmt_col_int(stmt, 1),
                   mlp_stmt_col_int(stmt, 2), is_nan && value == 0 ? "\"NaN\"" : number);
    mlp_buf_puts(&rows->line, is_nan && value != 0 ? ",true]" : "]");
}

static mlplat_status end_points(mlp_rows *rows, mlplat_error *err)
{
    mlp_buf_putc(&rows->line, ']');
    return mlp_rows_close(rows, err);
}

mlplat_status mlp_rows_metrics(mlp_rows *rows, const char *run_id, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlp_buf key = {0};
    bool row = true;
    size_t points = 0;
    mlplat_status s = mlp_db_prepare(rows->tracking,
                                     "SELECT key, timestamp, step, value, is_nan FROM metrics WHERE run_uuid = ? "
                                     "ORDER BY key, step, timestamp, value, is_nan",
                                     &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, run_id);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        const char *now = mlp_stmt_col_text(stmt, 0);
        if (points && (points == POINTS || !now || strcmp(now, key.data) != 0)) {
            s = end_points(rows, err);
            points = 0;
        }
        if (s == MLPLAT_OK && !points) {
            mlp_buf_clear(&key);
            mlp_buf_puts(&key, now ? now : "");
            s = begin_points(rows, run_id, stmt, err);
            if (s == MLPLAT_OK)
                s = mlp_buf_ok(&key, err);
        }
        if (s == MLPLAT_OK)
            put_point(rows, stmt, points++ == 0);
    }
    if (s == MLPLAT_OK && points)
        s = end_points(rows, err);
    mlp_stmt_done(stmt);
    mlp_buf_free(&key);
    return s;
}

/* ---- inputs and outputs ------------------------------------------------------------------------------------------ */

static mlplat_status put_tags(mlp_rows *rows, const char *uuid, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true, any = false;
    mlplat_status s = mlp_db_prepare(rows->tracking, "SELECT name, value FROM input_tags WHERE input_uuid = ? "
                                                     "ORDER BY name",
                                     &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, uuid);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        if (!any)
            mlp_rows_key(rows, "tags");
        mlp_buf_putc(&rows->line, any ? ',' : '{');
        any = true;
        s = mlp_rows_value(rows, stmt, 0, err);
        mlp_buf_putc(&rows->line, ':');
        if (s == MLPLAT_OK)
            s = mlp_rows_value(rows, stmt, 1, err);
    }
    if (any)
        mlp_buf_putc(&rows->line, '}');
    mlp_stmt_done(stmt);
    return s;
}

/* A dataset by its name and digest: its own id means nothing elsewhere. */
static mlplat_status put_input(mlp_rows *rows, const char *run_id, mlp_stmt *stmt, mlplat_error *err)
{
    static const char *const keys[] = {"source_type",      "dataset_name",   "dataset_digest", "source_id",
                                       "destination_type", "destination_id", "step"};
    bool dataset = !mlp_stmt_col_null(stmt, 1);
    mlp_rows_open(rows, "inputs");
    mlp_rows_key(rows, "run_uuid");
    mlplat_status s = mlp_rows_text(rows, run_id, strlen(run_id), err);
    for (int i = 0; s == MLPLAT_OK && i < 7; i++) {
        bool silent = mlp_stmt_col_null(stmt, i) || (i == 3 && dataset) || (i == 6 && !mlp_stmt_col_int(stmt, 6));
        if (silent)
            continue;
        mlp_rows_key(rows, keys[i]);
        s = mlp_rows_value(rows, stmt, i, err);
    }
    if (s == MLPLAT_OK)
        s = put_tags(rows, mlp_stmt_col_text(stmt, 7), err);
    mlp_rows_tail(rows);
    mlp_rows_key(rows, "input_uuid");
    if (s == MLPLAT_OK)
        s = mlp_rows_value(rows, stmt, 7, err);
    return s == MLPLAT_OK ? mlp_rows_close(rows, err) : s;
}

#define INPUTS(step)                                                                                                   \
    "SELECT i.source_type, d.name, d.digest, i.source_id, i.destination_type, i.destination_id, " step                 \
    ", i.input_uuid FROM inputs i LEFT JOIN datasets d ON i.source_type = 'DATASET' AND d.dataset_uuid = i.source_id " \
    "WHERE (i.destination_type = 'RUN' AND i.destination_id = ?1) "                                                    \
    "OR (i.source_type IN ('RUN', 'RUN_INPUT', 'RUN_OUTPUT') AND i.source_id = ?1) "                                   \
    "ORDER BY i.source_type, d.name, d.digest, i.destination_type, i.destination_id, i.source_id"

mlplat_status mlp_rows_inputs(mlp_rows *rows, const char *run_id, mlplat_error *err)
{
    const mlp_store_table *table = &rows->tables[MLP_INPUTS];
    mlp_stmt *stmt = NULL;
    bool row = true, step = mlp_store_has_column(table, "step");
    mlplat_status s = mlp_db_prepare(rows->tracking, step ? INPUTS("i.step") : INPUTS("0"), &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, run_id);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = put_input(rows, run_id, stmt, err);
    mlp_stmt_done(stmt);
    return s;
}
