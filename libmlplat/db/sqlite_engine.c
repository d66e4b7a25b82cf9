/* SQLite as an engine: its statements and transactions. How its file is opened is in db.c. */
#include "base/clock.h"
#include "base/err.h"
#include "db/db_inside.h"
#include <time.h>

enum { COMMIT_MS = 100 };

/* ---- transactions ------------------------------------------------------------------------------------------------ */

/* Others that read a file without write-ahead log keep it from committing. They are soon done, and as long as we hold
 * on no new ones come in; so insist for a moment before starting over. */
static mlplat_status commit(mlp_db *db, mlplat_error *err)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    int64_t begin_ns = mlp_clock_mono_ns();
    mlplat_status s;
    do {
        db->busy = false;
        s = mlp_db_exec(db, err, "COMMIT", 0);
        if (db->busy)
            nanosleep(&nap, NULL);
    } while (db->busy && mlp_clock_mono_ns() - begin_ns < (int64_t)COMMIT_MS * 1000000);
    return s;
}

/* SQLite's number of the tables' shape. This also takes a reader's snapshot, so that nothing is busy later. */
static mlplat_status read_shape(mlp_db *db, int64_t *shape, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, "PRAGMA schema_version", &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, &row, err);
    *shape = s == MLPLAT_OK && row ? mlp_stmt_col_int(stmt, 0) : 0;
    mlp_stmt_done(stmt);
    return s;
}

/* SQLite goes on with a file that has no name any more, and what it commits there is gone with the last process. */
static mlplat_status check_place(mlp_db *db, mlplat_error *err)
{
    int moved = 0;
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved ? mlp_fail(err, MLPLAT_NOT_FOUND,
                            "'%s' was moved, replaced or deleted meanwhile: put it back, or open the store again",
                            db->path)
                 : MLPLAT_OK;
}

/* Without a write-ahead log a power cut could spoil the file. */
static mlplat_status set_lazy(mlp_db *db, bool lazy, mlplat_error *err)
{
    lazy = lazy && db->wal;
    if (lazy == db->lazy)
        return MLPLAT_OK;
    const char *sql = lazy ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL";
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return mlp_db_fail(db, code, err);
    db->lazy = lazy;
    return MLPLAT_OK;
}

static mlplat_status begin(mlp_db *db, mlp_begin how, mlplat_error *err)
{
    int64_t shape = 0;
    mlplat_status s = mlp_db_look(db, err);
    if (s == MLPLAT_OK)
        s = set_lazy(db, how == MLP_BEGIN_LAZY, err);
    if (s == MLPLAT_OK)
        s = mlp_db_exec(db, err, how == MLP_BEGIN_READ ? "BEGIN" : "BEGIN IMMEDIATE", 0);
    db->inside = s == MLPLAT_OK;
    if (s == MLPLAT_OK)
        s = read_shape(db, &shape, err);
    if (s == MLPLAT_OK)
        s = check_place(db, err);
    return s == MLPLAT_OK ? mlp_db_changed(db, shape, err) : s;
}

/* The statement was made when the file was first read: going back needs no memory that may not be there. */
static void roll_back(mlp_db *db)
{
    if (mlp_handle_check(db, NULL) != MLPLAT_OK || sqlite3_get_autocommit(db->handle))
        return;
    if (mlp_db_exec(db, NULL, mlp_sqlite_rollback, 0) != MLPLAT_OK)
        sqlite3_exec(db->handle, mlp_sqlite_rollback, NULL, NULL, NULL);
}

static bool read_only(const mlp_db *db)
{
    return sqlite3_db_readonly(db->handle, "main") == 1;
}

static int64_t changes(mlp_db *db)
{
    return sqlite3_changes64(db->handle);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static mlplat_status prepare(mlp_stmt *stmt, const char *sql, mlplat_error *err)
{
    int code =
        sqlite3_prepare_v3(stmt->db->handle, sql, -1, stmt->key ? SQLITE_PREPARE_PERSISTENT : 0, &stmt->handle, NULL);
    return code == SQLITE_OK ? MLPLAT_OK : mlp_err_sure(mlp_db_fail(stmt->db, code, err));
}

static const char *text(const mlp_stmt *stmt)
{
    return sqlite3_sql(stmt->handle);
}

static void drop(mlp_stmt *stmt)
{
    sqlite3_finalize(stmt->handle);
}

static void reset(mlp_stmt *stmt, bool unbind)
{
    sqlite3_reset(stmt->handle);
    if (!unbind)
        return;
    sqlite3_clear_bindings(stmt->handle);
    stmt->bind_code = SQLITE_OK;
}

static void bound(mlp_stmt *stmt, int code)
{
    if (stmt->bind_code == SQLITE_OK)
        stmt->bind_code = code;
}

static void bind_text(mlp_stmt *stmt, int i, const char *value, size_t n)
{
    bound(stmt, sqlite3_bind_text64(stmt->handle, i, value, n, SQLITE_TRANSIENT, SQLITE_UTF8));
}

static void bind_int(mlp_stmt *stmt, int i, int64_t value)
{
    bound(stmt, sqlite3_bind_int64(stmt->handle, i, value));
}

static void bind_bool(mlp_stmt *stmt, int i, bool value)
{
    bound(stmt, sqlite3_bind_int(stmt->handle, i, value));
}

static void bind_double(mlp_stmt *stmt, int i, double value)
{
    bound(stmt, sqlite3_bind_double(stmt->handle, i, value));
}

static void bind_null(mlp_stmt *stmt, int i)
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

static mlplat_status step(mlp_stmt *stmt, bool *row, mlplat_error *err)
{
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

static const char *col_text(mlp_stmt *stmt, int i)
{
    const char *value = (const char *)sqlite3_column_text(stmt->handle, i);
    if (!value && sqlite3_errcode(stmt->db->handle) == SQLITE_NOMEM)
        stmt->db->starved = true;
    return value;
}

static int64_t col_int(mlp_stmt *stmt, int i)
{
    return sqlite3_column_int64(stmt->handle, i);
}

static double col_double(mlp_stmt *stmt, int i)
{
    return sqlite3_column_double(stmt->handle, i);
}

static size_t col_bytes(mlp_stmt *stmt, int i)
{
    return (size_t)sqlite3_column_bytes(stmt->handle, i);
}

static mlp_col_type col_type(mlp_stmt *stmt, int i)
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

const mlp_engine mlp_engine_sqlite = {
    .file = true,
    .gated = true,
    .check = mlp_handle_check,
    .read_only = read_only,
    .close = mlp_handle_close,
    .begin = begin,
    .commit = commit,
    .rollback = roll_back,
    .changes = changes,
    .prepare = prepare,
    .text = text,
    .drop = drop,
    .reset = reset,
    .bind_text = bind_text,
    .bind_int = bind_int,
    .bind_bool = bind_bool,
    .bind_double = bind_double,
    .bind_null = bind_null,
    .step = step,
    .col_text = col_text,
    .col_int = col_int,
    .col_double = col_double,
    .col_bytes = col_bytes,
    .col_type = col_type,
};
