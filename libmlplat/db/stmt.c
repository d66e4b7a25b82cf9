/* Statements of any engine: kept by their text, bound, stepped. */
#include "base/alloc.h"
#include "base/err.h"
#include "db/db_inside.h"
#include <stdarg.h>
#include <string.h>

void mlp_stmt_forget(mlp_stmt *stmt)
{
    if (stmt && stmt->db->engine->forget)
        stmt->db->engine->forget(stmt);
    mlp_free(stmt);
}

void mlp_stmt_free(mlp_stmt *stmt)
{
    if (!stmt)
        return;
    stmt->db->engine->drop(stmt);
    mlp_free(stmt);
}

static mlplat_status make(mlp_db *db, const char *sql, const char *key, mlp_stmt **out, mlplat_error *err)
{
    mlplat_status s = db->engine->check(db, err);
    mlp_stmt *stmt = s == MLPLAT_OK ? mlp_alloc(sizeof *stmt) : NULL;
    if (!stmt)
        return s == MLPLAT_OK ? mlp_fail_memory(err) : s;
    *stmt = (mlp_stmt){.db = db, .key = key, .used = true};
    s = db->engine->prepare(stmt, sql, err);
    if (s != MLPLAT_OK)
        mlp_stmt_free(stmt);
    else
        *out = stmt;
    return s;
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
    if (!*kept || (*kept)->used || strcmp(db->engine->text(*kept), sql) != 0)
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
    stmt->db->engine->reset(stmt, true);
    stmt->used = false;
}

void mlp_stmt_again(mlp_stmt *stmt)
{
    stmt->db->engine->reset(stmt, false);
}

void mlp_stmt_text(mlp_stmt *stmt, int i, const char *value)
{
    mlp_stmt_text_n(stmt, i, value, value ? strlen(value) : 0);
}

void mlp_stmt_text_n(mlp_stmt *stmt, int i, const char *value, size_t n)
{
    if (value)
        stmt->db->engine->bind_text(stmt, i, value, n);
    else
        stmt->db->engine->bind_null(stmt, i);
}

void mlp_stmt_int(mlp_stmt *stmt, int i, int64_t value)
{
    stmt->db->engine->bind_int(stmt, i, value);
}

void mlp_stmt_bool(mlp_stmt *stmt, int i, bool value)
{
    stmt->db->engine->bind_bool(stmt, i, value);
}

void mlp_stmt_double(mlp_stmt *stmt, int i, double value)
{
    stmt->db->engine->bind_double(stmt, i, value);
}

void mlp_stmt_null(mlp_stmt *stmt, int i)
{
    stmt->db->engine->bind_null(stmt, i);
}

bool mlp_db_has_arrays(const mlp_db *db)
{
    return !mlp_db_is_file(db) && db->engine->bind_array;
}

void mlp_stmt_array(mlp_stmt *stmt, int i, mlp_array *array)
{
    stmt->db->engine->bind_array(stmt, i, array);
}

mlplat_status mlp_stmt_step(mlp_stmt *stmt, bool *row, mlplat_error *err)
{
    if (row)
        *row = false;
    return stmt->db->engine->step(stmt, row, err);
}

const char *mlp_stmt_col_text(mlp_stmt *stmt, int i)
{
    return stmt->db->engine->col_text(stmt, i);
}

int64_t mlp_stmt_col_int(mlp_stmt *stmt, int i)
{
    return stmt->db->engine->col_int(stmt, i);
}

double mlp_stmt_col_double(mlp_stmt *stmt, int i)
{
    return stmt->db->engine->col_double(stmt, i);
}

bool mlp_stmt_col_null(mlp_stmt *stmt, int i)
{
    return stmt->db->engine->col_type(stmt, i) == MLP_COL_NULL;
}

size_t mlp_stmt_col_bytes(mlp_stmt *stmt, int i)
{
    return stmt->db->engine->col_bytes(stmt, i);
}

mlp_col_type mlp_stmt_col_type(mlp_stmt *stmt, int i)
{
    return stmt->db->engine->col_type(stmt, i);
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
    return db->engine->changes(db);
}

mlplat_status mlp_db_attempt(mlp_db *db, mlp_db_fn fn, void *ctx, mlplat_error *err)
{
    return db->engine->attempt ? db->engine->attempt(db, fn, ctx, err) : fn(db, ctx, err);
}

/* The minimal profile has no other engine, and nothing that is for one. */
bool mlp_db_is_file(const mlp_db *db)
{
#ifdef MLPLAT_MINIMAL
    (void)db;
    return true;
#else
    return db->engine->file;
#endif
}

const char *mlp_db_say(const mlp_db *db, const char *sqlite, const char *postgres)
{
    return mlp_db_is_file(db) ? sqlite : postgres;
}
