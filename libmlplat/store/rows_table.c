/* Rows of a table as they are, by the columns that the store has. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "store/rows.h"
#include <string.h>

static bool is_left_out(const mlp_rows *rows, const mlp_store_spec *spec, const char *column)
{
    return mlp_store_word(spec->hidden, column) || (rows->artifacts && mlp_store_word(spec->located, column));
}

/* An experiment's number means nothing elsewhere: its name stands for it. */
static void put_column(mlp_buf *sql, const char *column)
{
    if (strcmp(column, "experiment_id") == 0)
        mlp_buf_puts(sql, "(SELECT e.name FROM experiments e WHERE e.experiment_id = t.experiment_id)");
    else
        mlp_buf_printf(sql, "t.\"%s\"", column);
}

static mlplat_status make_select(mlp_store_table *table, const mlp_store_spec *spec, mlplat_error *err)
{
    mlp_buf sql = {0};
    mlp_buf_puts(&sql, "SELECT ");
    for (size_t i = 0; i < table->n; i++) {
        if (i)
            mlp_buf_puts(&sql, ", ");
        put_column(&sql, table->columns[i].name);
    }
    mlp_buf_printf(&sql, " FROM %s t WHERE %s%s ORDER BY %s", spec->name, spec->where,
                   mlp_store_has_column(table, "workspace") ? " AND t.workspace = 'default'" : "", spec->order);
    mlplat_status s = mlp_buf_ok(&sql, err);
    table->select = mlp_buf_take(&sql);
    return s;
}

/* What every store would put there by itself needs no words. */
static bool is_preset(mlp_stmt *stmt, int i, const char *preset)
{
    int64_t number = 0;
    const char *text;
    switch (mlp_stmt_col_type(stmt, i)) {
    case MLP_COL_NULL:
        return true;
    case MLP_COL_INT:
        return preset && mlp_text_int64(preset, &number) && number == mlp_stmt_col_int(stmt, i);
    case MLP_COL_TEXT:
        return preset && (text = mlp_stmt_col_text(stmt, i)) && strcmp(text, preset) == 0;
    default:
        return false;
    }
}

/* Where a version lies, by the run or logged model that it is of. */
static bool put_place(mlp_rows *rows, const char *column, const char *text, mlplat_status *s, mlplat_error *err)
{
    for (size_t i = 0; rows->artifacts && text && i < 2; i++) {
        const char *location = rows->bases[i].location;
        size_t n = location ? strlen(location) : 0;
        if (!n || strncmp(text, location, n) != 0 || (text[n] && text[n] != '/'))
            continue;
        char *key = mlp_sprintf("%s_in", column), *uri = mlp_sprintf("%s%s", rows->bases[i].uri, text + n);
        *s = key && uri ? MLPLAT_OK : mlp_fail_memory(err);
        if (*s == MLPLAT_OK) {
            mlp_rows_key(rows, key);
            *s = mlp_rows_text(rows, uri, strlen(uri), err);
        }
        mlp_free(key);
        mlp_free(uri);
        return true;
    }
    return false;
}

static mlplat_status put_cell(mlp_rows *rows, mlp_store_table_id id, mlp_stmt *stmt, int i, mlplat_error *err)
{
    const mlp_store_column *column = &rows->tables[id].columns[i];
    mlplat_status s = MLPLAT_OK;
    bool placed = id == MLP_MODEL_VERSIONS &&
                  (strcmp(column->name, "source") == 0 || strcmp(column->name, "storage_location") == 0);
    if (is_preset(stmt, i, column->preset) ||
        (placed && put_place(rows, column->name, mlp_stmt_col_text(stmt, i), &s, err)))
        return s;
    if (id == MLP_LOGGED_MODEL_METRICS && strcmp(column->name, "dataset_uuid") == 0) {
        mlp_rows_key(rows, "of_dataset"); /* MLflow fills it only at times; name and digest say which */
        mlp_buf_puts(&rows->line, "true");
        return MLPLAT_OK;
    }
    mlp_rows_key(rows, strcmp(column->name, "experiment_id") == 0 ? "experiment" : column->name);
    return mlp_rows_value(rows, stmt, i, err);
}

static mlplat_status put_row(mlp_rows *rows, mlp_store_table_id id, mlp_stmt *stmt, mlplat_error *err)
{
    const mlp_store_table *table = &rows->tables[id];
    const mlp_store_spec *spec = &mlp_store_specs[id];
    mlplat_status s = MLPLAT_OK;
    mlp_rows_open(rows, spec->name);
    for (int tail = 0; s == MLPLAT_OK && tail < 2; tail++) {
        for (size_t i = 0; s == MLPLAT_OK && i < table->n; i++)
            if (!is_left_out(rows, spec, table->columns[i].name) &&
                mlp_store_word(spec->tail, table->columns[i].name) == (tail == 1))
                s = put_cell(rows, id, stmt, (int)i, err);
        mlp_rows_tail(rows);
    }
    return s == MLPLAT_OK ? mlp_rows_close(rows, err) : s;
}

mlplat_status mlp_rows_table(mlp_rows *rows, mlp_store_table_id id, const mlp_rows_owner *owner, size_t *n,
                             mlplat_error *err)
{
    mlp_store_table *table = &rows->tables[id];
    mlp_stmt *stmt = NULL;
    bool row = true;
    size_t count = 0;
    mlplat_status s = MLPLAT_OK;
    if (n)
        *n = 0;
    if (!table->n)
        return MLPLAT_OK; /* an older MLflow's: it has none of these */
    if (!table->select)
        s = make_select(table, &mlp_store_specs[id], err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(mlp_store_specs[id].registry ? rows->registry : rows->tracking, table->select, &stmt, err);
    if (s == MLPLAT_OK) {
        if (owner->text)
            mlp_stmt_text(stmt, 1, owner->text);
        else
            mlp_stmt_int(stmt, 1, owner->number);
        if (strstr(mlp_store_specs[id].where, "?2"))
            mlp_stmt_int(stmt, 2, owner->number);
    }
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        s = put_row(rows, id, stmt, err);
        count++;
    }
    mlp_stmt_done(stmt);
    if (n)
        *n = count;
    return s;
}
