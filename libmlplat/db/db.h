/*
 * One small table over SQL engines: SQLite, and PostgreSQL through libpq. A connection is used by one thread at a
 * time, inside the function of a transaction. Statements are prepared once per SQL text and kept. Values are bound,
 * never pasted.
 */
#ifndef MLP_DB_H
#define MLP_DB_H
#include "base/hook.h"
#include "base/log.h"
#include "db/array.h"
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlp_db mlp_db;
typedef struct mlp_stmt mlp_stmt;

typedef struct mlp_db_options {
    bool create;             /* make the file if it is not there */
    bool alter;              /* tables are made anew: foreign keys and the limits on rows do not count */
    const char *ticket_path; /* lock file for the fair queue of writers of several processes; NULL: none */
    bool late;               /* of a server: connect at the first transaction */
    int64_t busy_ms;         /* how long to wait for other writers; 0: 20,000 */
    const mlp_logger *log;
} mlp_db_options;

/* path of an SQLite file; synchronous is FULL. NOT_FOUND: no such file (without create) or folder; DENIED names the
 * folder; CORRUPT: not an SQLite database. A file that is in use is opened without waiting: the first transaction
 * waits. */
mlplat_status mlp_db_open(const char *path, const mlp_db_options *options, mlp_db **out, mlplat_error *err);
/* A store of MLflow on a PostgreSQL server: "postgresql://...", a driver of SQLAlchemy's behind a "+" is left out.
 * UNSUPPORTED: libpq is not there; UNAVAILABLE, DENIED, NOT_FOUND: no connection; the others come from the server. A
 * connection that is lost is made again by the next transaction; what is not sure of the last one is asked for. */
mlplat_status mlp_db_open_server(const char *uri, const mlp_db_options *options, mlp_db **out, mlplat_error *err);
/* What waits for a server then, or later, is CANCELLED; what waits to write into a file TIMEOUT. 0: never. Any
 * thread. */
void mlp_db_end_at(mlp_db *db, int64_t mono_ns);
void mlp_db_close(mlp_db *db);
void mlp_db_abandon(mlp_db *db); /* forked child: frees nothing that SQLite holds, touches no file */

/* Run fn inside one write transaction: fair ticket, BEGIN IMMEDIATE, fn, COMMIT (or ROLLBACK if fn fails). While
 * waiting for other threads and processes nothing is held and the hook is called. Returns fn's status, or why it could
 * not begin or commit (TIMEOUT after busy_ms, naming the file). fn may run again from the start if COMMIT says busy: it
 * must be repeatable. */
typedef mlplat_status (*mlp_db_fn)(mlp_db *db, void *ctx, mlplat_error *err);
mlplat_status mlp_db_write(mlp_db *db, mlp_db_fn fn, void *ctx, const mlp_hook *hook, mlplat_error *err);
/* The same without a hook, for whom it does no harm if others write what fn has read, as each of its statements is
 * right by itself: a server lets more of them go on beside each other. */
mlplat_status mlp_db_write_loose(mlp_db *db, mlp_db_fn fn, void *ctx, mlplat_error *err);
/* Loose, and a power cut may undo it: a file with a write-ahead log does not wait for the disk. */
mlplat_status mlp_db_write_lazy(mlp_db *db, mlp_db_fn fn, void *ctx, mlplat_error *err);
/* The same in a read transaction: one consistent snapshot. */
mlplat_status mlp_db_read(mlp_db *db, mlp_db_fn fn, void *ctx, const mlp_hook *hook, mlplat_error *err);

/* Inside fn of a write: does another thread wait for the connection, or another process of ours for its turn? */
bool mlp_db_crowded(mlp_db *db);

/* Inside fn only. sql must live as long as db (a literal) when kept; mlp_db_prepare_once copies it and drops the
 * statement at mlp_stmt_done. */
mlplat_status mlp_db_prepare(mlp_db *db, const char *sql, mlp_stmt **out, mlplat_error *err);
mlplat_status mlp_db_prepare_once(mlp_db *db, const char *sql, mlp_stmt **out, mlplat_error *err);
void mlp_stmt_done(mlp_stmt *stmt); /* reset and clear the bindings; NULL is fine; always call it */
void mlp_stmt_again(mlp_stmt *stmt); /* reset, the bindings stay: for many rows that have much in common */
/* Index from 1. Failures stick and come out of mlp_stmt_step. Text is copied; NULL binds NULL. */
void mlp_stmt_text(mlp_stmt *stmt, int i, const char *value);
void mlp_stmt_text_n(mlp_stmt *stmt, int i, const char *value, size_t n);
void mlp_stmt_int(mlp_stmt *stmt, int i, int64_t value);
void mlp_stmt_bool(mlp_stmt *stmt, int i, bool value);
void mlp_stmt_double(mlp_stmt *stmt, int i, double value);
void mlp_stmt_null(mlp_stmt *stmt, int i);
bool mlp_db_has_arrays(const mlp_db *db);
void mlp_stmt_array(mlp_stmt *stmt, int i, mlp_array *array); /* where there are arrays; lent until the step */
/* *row false: no more rows. EXISTS on a unique key, CONFLICT on another constraint, NO_SPACE, IO, CORRUPT. row may be
 * NULL. */
mlplat_status mlp_stmt_step(mlp_stmt *stmt, bool *row, mlplat_error *err);
/* Column from 0, lent until the next step or done. Text of NULL is NULL. */
const char *mlp_stmt_col_text(mlp_stmt *stmt, int i);
int64_t mlp_stmt_col_int(mlp_stmt *stmt, int i);
double mlp_stmt_col_double(mlp_stmt *stmt, int i);
bool mlp_stmt_col_null(mlp_stmt *stmt, int i);
size_t mlp_stmt_col_bytes(mlp_stmt *stmt, int i); /* of the text that mlp_stmt_col_text gave */
typedef enum mlp_col_type { MLP_COL_NULL, MLP_COL_INT, MLP_COL_DOUBLE, MLP_COL_TEXT, MLP_COL_BLOB } mlp_col_type;
mlp_col_type mlp_stmt_col_type(mlp_stmt *stmt, int i); /* of the value in this row */
bool mlp_db_read_only(const mlp_db *db);   /* this user can only read the file */
#define MLP_DB_READ_ONLY                                                                                               \
    "can only be read: writing needs the file and its folder writable for this user, on a file system that is not "    \
    "mounted read-only"
const char *mlp_db_path(const mlp_db *db); /* absolute, or the URI of a server without its secrets; lent */
/* One statement with text parameters and no rows: mlp_db_exec(db, err, "DELETE FROM t WHERE a = ? AND b = ?", 2, a, b).
 */
mlplat_status mlp_db_exec(mlp_db *db, mlplat_error *err, const char *sql, int n, ...);
int64_t mlp_db_changes(mlp_db *db); /* rows of the last statement */
/* Inside fn of a write: runs another fn, of whose effects nothing stays if it fails, while the transaction goes on. */
mlplat_status mlp_db_attempt(mlp_db *db, mlp_db_fn fn, void *ctx, mlplat_error *err);
/* Inside fn of a write: while db is not NULL, what this thread reads and writes there by itself is part of it, each as
 * an attempt. */
void mlp_db_nest(const mlp_db *db);
/* Where the engines' SQL differs. What both understand alike: ?, ?1 for parameters, COLLATE BINARY, and ORDER BY rowid,
 * which is the order of writing. */
const char *mlp_db_say(const mlp_db *db, const char *sqlite, const char *postgres);
bool mlp_db_is_file(const mlp_db *db); /* this process reads it itself: page caches and functions of ours are in it */
/* While a statement outside of write transactions runs for long, stop is asked now and then; true: the statement fails
 * with CANCELLED. NULL: nobody is asked. */
void mlp_db_watch(mlp_db *db, bool (*stop)(void *ctx), void *ctx);
/* Inside fn of a read: a copy of the whole file as this transaction sees it, whatever others write meanwhile. path: a
 * file that is not there; what is left of it after a failure is the caller's to remove. */
mlplat_status mlp_db_copy(mlp_db *db, const char *path, const mlp_hook *hook, mlplat_error *err);

/* What a line of SQLite's integrity check says may be no damage but a page that could not be read, for want of memory
 * or by the disk: that fails. */
mlplat_status mlp_db_check_line(mlp_db *db, const char *line, mlplat_error *err);

/* For stores whose URI is "sqlite:///...": the absolute path of its file, and where new experiments keep their
 * artifacts: the setting, made absolute, else mlruns beside the file. Both are the caller's; INVALID: no file;
 * UNSUPPORTED: a server; NULL: no memory. */
mlplat_status mlp_db_uri_path(const char *uri, char **path, mlplat_error *err);
char *mlp_db_artifact_root(const char *setting, const char *path);

/* fn is called at the begin of a transaction, inside of it, if somebody changed the file's tables since the last one;
 * its failure is the transaction's. */
void mlp_db_on_change(mlp_db *db, mlp_db_fn fn, void *ctx);

/* ---- MLflow's schema */

/* A revision of it: what alembic calls its head, and the first release of MLflow with that head (NULL: none). */
typedef struct mlp_schema_revision {
    const char *head, *release;
} mlp_schema_revision;
extern const mlp_schema_revision mlp_schema_revisions[]; /* 0 (MLflow 2.14.0) to mlp_schema_newest */
extern const int mlp_schema_newest;
int mlp_schema_find(const char *head); /* its number, -1: not known */
/* The number for a head or a release ("2.14.0", "3.5.1"). INVALID: none of both; UNSUPPORTED: too old or too new. */
mlplat_status mlp_schema_wanted(const char *text, int *out, mlplat_error *err);
const char *mlp_schema_release(int revision); /* the first release that has it, or what follows it */

typedef struct mlp_schema_info {
    char head[64]; /* alembic_version, "" if none */
    int revision;  /* its number, -1: not known */
    bool created;  /* made by this call */
    /* Have the tables a shape that we know, and may be written? */
    bool tracking_known; /* experiments, runs, metrics, latest_metrics, params, tags, experiment_tags */
    bool registry_known; /* registered_models, model_versions, their tags and aliases */
    bool inputs_known;   /* datasets, inputs, input_tags */
    bool logged_models;  /* logged_models, their metrics, params, tags, with inputs.step: since MLflow 3.0 */
    /* Columns that came late. */
    bool experiments_workspace; /* experiments.workspace: since MLflow 3.10 */
    bool registry_workspace;    /* workspace in the keys of the registry's tables: since MLflow 3.10 */
    bool inputs_step;           /* inputs.step: since MLflow 3.0 */
} mlp_schema_info;

/* How to make a store in an empty file. */
typedef struct mlp_schema_maker {
    const char *artifact_root;            /* for experiment 0, "Default" */
    const char *mlflow;                   /* a head or a release; NULL: the one that is installed */
    const char *(*installed)(void *user); /* MLflow's release, NULL: none; may be NULL: the newest that we know */
    void *user;
} mlp_schema_maker;

/* The revision that a maker asks for. What is installed counts if we know it; mlflow must be right. */
mlplat_status mlp_schema_choose(const mlp_schema_maker *maker, int *revision, mlplat_error *err);
/* Look, and make MLflow's tables in an empty file (maker NULL, or a server: NOT_FOUND); safe when many processes do it
 * at once: one write transaction, and whoever comes later takes what is there. CORRUPT: tables of something else, left
 * as they are. A store is kept with a write-ahead log from then on, where its file system has memory that processes
 * share. */
mlplat_status mlp_schema_open(mlp_db *db, const mlp_schema_maker *maker, mlp_schema_info *out, const mlp_hook *hook,
                              mlplat_error *err);
/* Inside a transaction: the look alone, of a server that is there now. NOT_FOUND: it has no tables, or not all yet. */
mlplat_status mlp_schema_first(mlp_db *db, mlp_schema_info *out, mlplat_error *err);
/* Inside a transaction, for mlp_db_on_change: look again at all but the head. UNAVAILABLE (retryable): what was
 * known is not, maybe for a moment. */
mlplat_status mlp_schema_again(mlp_db *db, mlp_schema_info *info, mlplat_error *err);
/* Inside a transaction: is there such a table? */
mlplat_status mlp_schema_has_table(mlp_db *db, const char *name, bool *out, mlplat_error *err);
/* Move the file to a revision, in one transaction, with what MLflow's own upgrade does to rows. *before is what it was.
 * CONFLICT: it is newer, or has rows that MLflow refuses; UNSUPPORTED: its head or a table is not as we know it; STATE:
 * empty, or being made. Nothing is changed then. */
mlplat_status mlp_schema_upgrade(const char *path, const mlp_db_options *options, int to, mlp_schema_info *before,
                                 const mlp_hook *hook, mlplat_error *err);

#endif
