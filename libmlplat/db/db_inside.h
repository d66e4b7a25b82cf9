/* What the files of db/ share. */
#ifndef MLP_DB_INSIDE_H
#define MLP_DB_INSIDE_H
#include "base/fork_gate.h"
#include "db/db.h"
#include "db/engine.h"
#include "db/metric_scan.h"
#include "db/ticket.h"
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

enum { MLP_DB_KEPT = 256 }; /* statements kept; a power of two */

struct mlp_stmt {
    mlp_db *db;
    sqlite3_stmt *handle;
    struct mlp_pg_stmt *pg;
    const char *key; /* the literal it was prepared from; NULL: for one use */
    int bind_code;   /* of the first binding that failed */
    bool used;       /* between prepare and done */
};

/* An open connection, in a list of the process: what a forked child finds there is its parent's. */
typedef struct mlp_handle {
    sqlite3 *sqlite;
    unsigned forks; /* of the process that opened it */
    struct mlp_handle *next;
} mlp_handle;

struct mlp_db {
    const mlp_engine *engine;
    sqlite3 *handle;
    struct mlp_pg *pg;
    mlp_handle *listed;
    char *path;
    int64_t busy_ms;
    _Atomic int64_t end_ns; /* when whatever it waits for is over; 0: never */
    const mlp_logger *log;
    mlp_ticket ticket;
    pthread_mutex_t gate; /* guards the two flags; held for moments, never while anything waits */
    pthread_cond_t changed;
    bool in_use;                 /* one thread runs statements */
    bool writing;                /* one thread is in mlp_db_write */
    mlp_wait *wait;              /* of the thread in use */
    bool changes;                /* the thread in use writes; its own, so it needs no lock */
    bool busy;                   /* a statement of this attempt met another process's lock */
    bool inside;                 /* between BEGIN and COMMIT or ROLLBACK */
    bool starved;                /* there was no memory for a number's text, which looks like a NULL */
    mlp_db_fn on_change;         /* called when the file's tables are not those of the last transaction */
    void *on_change_ctx;
    int64_t shape;               /* SQLite's number of them */
    int waiting;                 /* threads that want one of them */
    bool still;                  /* opened as a file that nobody changes; was: what it was then */
    struct stat was;
    bool ready;                  /* the file was read once and the connection set up for it */
    bool (*stop)(void *ctx);     /* asked by long statements; NULL: nobody is */
    void *stop_ctx;
    mlp_stmt *kept[MLP_DB_KEPT]; /* by the address of their text */
    int n_kept;
    bool wal, lazy;         /* it has a write-ahead log; commits do not wait for the disk */
    bool scans;             /* metric_scan.c registered its function */
    mlp_metric_point point; /* where a scan's points go */
    void *point_user;
};

/* handles.c, all inside the fork gate: sqlite3_open_v2, and sqlite3_close_v2. */
int mlp_handle_open(mlp_db *db, const char *name, int flags);
void mlp_handle_close(mlp_db *db);
/* STATE: this process has it from its parent, and runs nothing on it. */
mlplat_status mlp_handle_check(const mlp_db *db, mlplat_error *err);

extern const char mlp_sqlite_rollback[]; /* the statement that is prepared first, so that it needs no memory */

/* still.c: a file whose folder cannot be written. Is this why s came back; open it so; is it as it was then. */
bool mlp_still_wanted(const mlp_db *db, mlplat_status s);
mlplat_status mlp_still_open(mlp_db *db, mlplat_error *err);
mlplat_status mlp_still_check(const mlp_db *db, mlplat_error *err);
/* backup.c: long statements ask whether to stop, and stand still for a fork. */
void mlp_db_ask_now_and_then(mlp_db *db);

/* The one place where SQLite's result codes become statuses. Raises db->busy for the locks of others. */
mlplat_status mlp_db_fail(mlp_db *db, int code, mlplat_error *err);
void mlp_stmt_free(mlp_stmt *stmt);   /* finalizes */
void mlp_stmt_forget(mlp_stmt *stmt); /* frees our part alone */
/* Inside of a transaction that began: calls on_change if the tables' number is another than the last time. */
mlplat_status mlp_db_changed(mlp_db *db, int64_t shape, mlplat_error *err);
/* A new one of an engine, without a path. NULL: no memory. */
mlp_db *mlp_db_new(const mlp_engine *engine, const mlp_db_options *options);
/* By the thread that uses the connection, once: reads the file for the first time. CORRUPT: not a database. */
mlplat_status mlp_db_look(mlp_db *db, mlplat_error *err);
/* Write-ahead logging from now on; on a file system without shared memory a rollback journal. A file that cannot be
 * changed now (in use, read-only) keeps its mode. Outside of transactions. */
void mlp_db_wal(mlp_db *db);

#endif
