#include "base/alloc.h"
#include "base/err.h"
#include "db/db_inside.h"
#include <stdarg.h>
#include <string.h>

void mlp_stmt_forget(mlp_stmt *stmt)
{
    mlp_free(stmt);
}

void mlp_stmt_free(mlp_stmt *stmt)
{
    if (!stmt)
        return;
    sqlite3_finalize(stmt->handle);
    mlp_free(stmt);
}

static mlplat_status make(mlp_db *db, const char *sql, const char *key, mlp_stmt **out, mlplat_error *err)
{
    mlplat_status s = mlp_handle_check(db, err);
    mlp_stmt *stmt = s == MLPLAT_OK ? mlp_alloc(sizeof *stmt) : NULL;
    if (!stmt)
        return s == MLPLAT_OK ? mlp_fail_memory(err) : s;
    *stmt = (mlp_stmt){.db = db, .key = key, .used = true};
    int code = sqlite3_prepare_v3(db->handle, sql, -1, key ? SQLITE_PREPARE_PERSISTENT : 0, &stmt->handle, NULL);
    if (code != SQLITE_OK) {
        mlp_stmt_free(stmt);
        return mlp_err_sure(mlp_db_fail(db, code, err));
    }
    *out = stmt;
    return MLPLAT_OK;
}

/* Where the statement of this text is kept, or would be. */
static mlp_stmt **place(mlp_db *db, const char *sql)
{
    size_t i = (size_t)((uintptr_t)sql * 0x9e3779b97f4a7c15u >> 40) % MLP_DB_KEPT;
    while (db->kept[i] && db->kept[i]->key != sql)
        i = (i + 1) % MLP_DB_KEPT;
    return &db->kept[i];
}

mlplat_status mlp_db_prepare(mlp_db *db, const char *sql, mlp_stmt **out, mlplat_error *err)
{
    mlp_stmt **kept = place(db, sql);
    *out = NULL;
    if (!*kept && db->n_kept < MLP_DB_KEPT * 3 / 4) {
        mlplat_status s = make(db, sql, sql, kept, err);
        db->n_kept += s == MLPLAT_OK;
        *out = *kept;
        return s;
    }
    /* In use already, no room, or the address now holds another text: one of its own. */
    if (!*kept || (*kept)->used || strcmp(sqlite3_sql((*kept)->handle), sql) != 0)
        return make(db, sql, NULL, out, err);
    (*kept)->used = true;
    *out = *kept;
    return MLPLAT_OK;
}

mlplat_status mlp_db_prepare_once(mlp_db *db, const char *sql, mlp_stmt **out, mlplat_error *err)
{
    *out = NULL;
    return make(db, sql, NULL, out, err);
}

void mlp_stmt_done(mlp_stmt *stmt)
{
    if (!stmt)
        return;
    if (!stmt->key) {
        mlp_stmt_free(stmt);
        return;
    }
    sqlite3_reset(stmt->handle);
    sqlite3_clear_bindings(stmt->handle);
    stmt->bind_code = SQLITE_OK;
    stmt->used = false;
}

void mlp_stmt_again(mlp_stmt *stmt)
{
    sqlite3_reset(stmt->handle);
}

static void bound(mlp_stmt *stmt, int code)
{
    if (stmt->bind_code == SQLITE_OK)
        stmt->bind_code = code;
}

void mlp_stmt_text(mlp_stmt *stmt, int i, const char *value)
{
    mlp_stmt_text_n(stmt, i, value, value ? strlen(value) : 0);
}

void mlp_stmt_text_n(mlp_stmt *stmt, int i, const char *value, size_t n)
{
    bound(stmt, value ? sqlite3_bind_text64(stmt->handle, i, value, n, SQLITE_TRANSIENT, SQLITE_UTF8)
                      : sqlite3_bind_null(stmt->handle, i));
}

void mlp_stmt_int(mlp_stmt *stmt, int i, int64_t value)
{
    bound(stmt, sqlite3_bind_int64(stmt->handle, i, value));
}

void mlp_stmt_double(mlp_stmt *stmt, int i, double value)
{
    bound(stmt, sqlite3_bind_double(stmt->handle, i, value));
}

void mlp_stmt_null(mlp_stmt *stmt, int i)
{
    bound(stmt, sqlite3_bind_null(stmt->handle, i));
}

/* SQLite gives a transaction up when memory runs out as a statement ends, and does not always say so: what comes next
 * would be stored alone. */
static mlplat_status given_up(mlp_db *db, mlplat_error *err)
{
    db->starved = true;
    return mlp_fail_memory(err);
}

mlplat_status mlp_stmt_step(mlp_stmt *stmt, bool *row, mlplat_error *err)
{
    if (row)
        *row = false;
    mlp_fork_gate_pause();
    mlplat_status s = mlp_handle_check(stmt->db, err);
    if (s == MLPLAT_OK && stmt->db->inside && sqlite3_get_autocommit(stmt->db->handle))
        s = given_up(stmt->db, err);
    if (s != MLPLAT_OK)
        return s;
    int code = stmt->bind_code != SQLITE_OK ? stmt->bind_code : sqlite3_step(stmt->handle);
    if (code == SQLITE_ROW && row)
        *row = true;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return MLPLAT_OK;
    s = mlp_db_fail(stmt->db, code, err);
    sqlite3_reset(stmt->handle); /* so that it may be stepped again */
    return s;
}

const char *mlp_stmt_col_text(mlp_stmt *stmt, int i)
{
    const char *text = (const char *)sqlite3_column_text(stmt->handle, i);
    if (!text && sqlite3_errcode(stmt->db->handle) == SQLITE_NOMEM)
        stmt->db->starved = true;
    return text;
}

int64_t mlp_stmt_col_int(mlp_stmt *stmt, int i)
{
    return sqlite3_column_int64(stmt->handle, i);
}

double mlp_stmt_col_double(mlp_stmt *stmt, int i)
{
    return sqlite3_column_double(stmt->handle, i);
}

bool mlp_stmt_col_null(mlp_stmt *stmt, int i)
{
    return sqlite3_column_type(stmt->handle, i) == SQLITE_NULL;
}

size_t mlp_stmt_col_bytes(mlp_stmt *stmt, int i)
{
    return (size_t)sqlite3_column_bytes(stmt->handle, i);
}

mlp_col_type mlp_stmt_col_type(mlp_stmt *stmt, int i)
{
    switch (sqlite3_column_type(stmt->handle, i)) {
    case SQLITE_INTEGER:
        return MLP_COL_INT;
    case SQLITE_FLOAT:
        return MLP_COL_DOUBLE;
    case SQLITE_TEXT:
        return MLP_COL_TEXT;
    case SQLITE_BLOB:
        return MLP_COL_BLOB;
    default:
        return MLP_COL_NULL;
    }
}

mlplat_status mlp_db_exec(mlp_db *db, mlplat_error *err, const char *sql, int n, ...)
{
    mlp_stmt *stmt = NULL;
    va_list args;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        va_start(args, n);
        for (int i = 1; i <= n; i++)
            mlp_stmt_text(stmt, i, va_arg(args, const char *));
        va_end(args);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

int64_t mlp_db_changes(mlp_db *db)
{
    return sqlite3_changes64(db->handle);
}
