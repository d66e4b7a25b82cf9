/*
 * One small table over SQL engines; SQLite now, libpq later. A connection is used by one thread at a time, inside the
 * function of a transaction. Statements are prepared once per SQL text and kept. Values are bound, never pasted.
 */
#ifndef MLP_DB_H
#define MLP_DB_H
#include "base/hook.h"
#include "base/log.h"
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlp_db mlp_db;
typedef struct mlp_stmt mlp_stmt;

typedef struct mlp_db_options {
    bool create;             /* make the file if it is not there */
    const char *ticket_path; /* lock file for the fair queue of writers of several processes; NULL: none */
    int64_t busy_ms;         /* how long to wait for other writers; 0: 20,000 */
    const mlp_logger *log;
} mlp_db_options;

/* path of an SQLite file; synchronous is FULL. NOT_FOUND: no such file (without create) or folder; DENIED names the
 * folder; CORRUPT: not an SQLite database. A file that is in use is opened without waiting: the first transaction
 * waits. */
mlplat_status mlp_db_open(const char *path, const mlp_db_options *options, mlp_db **out, mlplat_error *err);
void mlp_db_close(mlp_db *db);
void mlp_db_abandon(mlp_db *db); /* forked child: frees nothing that SQLite holds, touches no file */

/* Run fn inside one write transaction: fair ticket, BEGIN IMMEDIATE, fn, COMMIT (or ROLLBACK if fn fails). While
 * waiting for other threads and processes nothing is held and the hook is called. Returns fn's status, or why it could
 * not begin or commit (TIMEOUT after busy_ms, naming the file). fn may run again from the start if COMMIT says busy: it
 * must be repeatable. */
typedef mlplat_status (*mlp_db_fn)(mlp_db *db, void *ctx, mlplat_error *err);
mlplat_status mlp_db_write(mlp_db *db, mlp_db_fn fn, void *ctx, const mlp_hook *hook, mlplat_error *err);
/* The same in a read transaction: one consistent snapshot. */
mlplat_status mlp_db_read(mlp_db *db, mlp_db_fn fn, void *ctx, const mlp_hook *hook, mlplat_error *err);

/* Inside fn only. sql must live as long as db (a literal) when kept; mlp_db_prepare_once copies it and drops the
 * statement at mlp_stmt_done. */
mlplat_status mlp_db_prepare(mlp_db *db, const char *sql, mlp_stmt **out, mlplat_error *err);
mlplat_status mlp_db_prepare_once(mlp_db *db, const char *sql, mlp_stmt **out, mlplat_error *err);
void mlp_stmt_done(mlp_stmt *stmt); /* reset and clear the bindings; NULL is fine; always call it */
/* Index from 1. Failures stick and come out of mlp_stmt_step. Text is copied; NULL binds NULL. */
void mlp_stmt_text(mlp_stmt *stmt, int i, const char *value);
void mlp_stmt_text_n(mlp_stmt *stmt, int i, const char *value, size_t n);
void mlp_stmt_int(mlp_stmt *stmt, int i, int64_t value);
void mlp_stmt_double(mlp_stmt *stmt, int i, double value);
void mlp_stmt_null(mlp_stmt *stmt, int i);
/* *row false: no more rows. EXISTS on a unique key, CONFLICT on another constraint, NO_SPACE, IO, CORRUPT. row may be
 * NULL. */
mlplat_status mlp_stmt_step(mlp_stmt *stmt, bool *row, mlplat_error *err);
/* Column from 0, lent until the next step or done. Text of NULL is NULL. */
const char *mlp_stmt_col_text(mlp_stmt *stmt, int i);
int64_t mlp_stmt_col_int(mlp_stmt *stmt, int i);
double mlp_stmt_col_double(mlp_stmt *stmt, int i);
bool mlp_stmt_col_null(mlp_stmt *stmt, int i);
/* One statement with text parameters and no rows: mlp_db_exec(db, err, "DELETE FROM t WHERE a = ? AND b = ?", 2, a, b).
 */
mlplat_status mlp_db_exec(mlp_db *db, mlplat_error *err, const char *sql, int n, ...);
int64_t mlp_db_changes(mlp_db *db); /* rows of the last statement */

/* For stores whose URI is "sqlite:///...": the absolute path of its file, and where new experiments keep their
 * artifacts: the setting, made absolute, else mlruns beside the file. Both are the caller's; INVALID: no file; NULL: no
 * memory. */
mlplat_status mlp_db_uri_path(const char *uri, char **path, mlplat_error *err);
char *mlp_db_artifact_root(const char *setting, const char *path);

/* MLflow's schema (schema.c holds our own statement of it). */
typedef struct mlp_schema_info {
    char head[64];              /* alembic_version, "" if none */
    bool experiments_workspace; /* experiments.workspace is there */
    bool registry_workspace;    /* the registry's tables have workspace in their keys */
    bool tracking_known; /* shape of experiments, runs, metrics, latest_metrics, params, tags, experiment_tags known */
    bool registry_known; /* shape of registered_models, model_versions, their tags and aliases known */
    bool created;        /* made by this call */
} mlp_schema_info;
/* Look, and make MLflow's tables at the newest head in an empty file; safe when many processes do it at once (one write
 * transaction). artifact_root is for experiment 0, "Default". CORRUPT: tables of something else, left as they are. A
 * store is kept with a write-ahead log from then on, where its file system has memory that processes share. */
mlplat_status mlp_schema_open(mlp_db *db, bool create, const char *artifact_root, mlp_schema_info *out,
                              const mlp_hook *hook, mlplat_error *err);
extern const char mlp_schema_head[]; /* the newest head that we create */

#endif
