/*
 * What an SQL engine does for db.h, as a table. SQLite's is always there; the others' are opened at first use. All of
 * it is called by the one thread whose turn it is.
 */
#ifndef MLP_ENGINE_H
#define MLP_ENGINE_H
#include "db/array.h"
#include "db/db.h"

/* LOOSE: rows of others come and go meanwhile. LAZY: what it wrote need not be on the disk when it ends. */
typedef enum mlp_begin { MLP_BEGIN_READ, MLP_BEGIN_WRITE, MLP_BEGIN_LOOSE, MLP_BEGIN_LAZY } mlp_begin;

typedef struct mlp_engine {
    bool file;  /* the database is a file that this process reads itself */
    bool gated; /* transactions run inside the fork gate */
    /* STATE: this process has it from its parent. */
    mlplat_status (*check)(const mlp_db *db, mlplat_error *err);
    bool (*read_only)(const mlp_db *db);
    void (*close)(mlp_db *db);
    void (*abandon)(mlp_db *db); /* in a forked child; NULL: nothing is to be done */

    /* begin leaves db->inside raised. commit and rollback do nothing outside of a transaction. */
    mlplat_status (*begin)(mlp_db *db, mlp_begin how, mlplat_error *err);
    mlplat_status (*commit)(mlp_db *db, mlplat_error *err);
    void (*rollback)(mlp_db *db);
    /* What fn did wrong is taken back alone; NULL: a statement that fails does nothing, and the others stand. */
    mlplat_status (*attempt)(mlp_db *db, mlp_db_fn fn, void *ctx, mlplat_error *err);
    int64_t (*changes)(mlp_db *db);

    mlplat_status (*prepare)(mlp_stmt *stmt, const char *sql, mlplat_error *err);
    const char *(*text)(const mlp_stmt *stmt); /* the SQL that it was prepared from */
    void (*drop)(mlp_stmt *stmt);              /* all of it but the mlp_stmt itself */
    void (*forget)(mlp_stmt *stmt);            /* the same in a forked child */
    void (*reset)(mlp_stmt *stmt, bool unbind);
    void (*bind_text)(mlp_stmt *stmt, int i, const char *value, size_t n);
    void (*bind_int)(mlp_stmt *stmt, int i, int64_t value);
    void (*bind_bool)(mlp_stmt *stmt, int i, bool value);
    void (*bind_double)(mlp_stmt *stmt, int i, double value);
    void (*bind_null)(mlp_stmt *stmt, int i);
    void (*bind_array)(mlp_stmt *stmt, int i, mlp_array *array); /* NULL: it has no arrays */
    mlplat_status (*step)(mlp_stmt *stmt, bool *row, mlplat_error *err);
    const char *(*col_text)(mlp_stmt *stmt, int i);
    int64_t (*col_int)(mlp_stmt *stmt, int i);
    double (*col_double)(mlp_stmt *stmt, int i);
    size_t (*col_bytes)(mlp_stmt *stmt, int i);
    mlp_col_type (*col_type)(mlp_stmt *stmt, int i);
} mlp_engine;

extern const mlp_engine mlp_engine_sqlite;

#endif
