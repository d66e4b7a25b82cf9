/* Transactions: whose turn it is within the process, between processes, and trying again. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/os.h"
#include "base/thread.h"
#include "db/db_inside.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Statements are kept by the address of their text. */
const char mlp_sqlite_rollback[] = "ROLLBACK";

enum { TURN_MS = 50, CHECKPOINT_PAGES = 8000 };

/* ---- turns within the process ------------------------------------------------------------------------------------ */

/* Waits until *flag is down and raises it. The hook is called with the gate open. */
static mlplat_status take_turn(mlp_db *db, bool *flag, mlp_wait *wait, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    int gate = mlp_fork_gate_step_out(); /* of a transaction of another connection */
    pthread_mutex_lock(&db->gate);
    db->waiting++;
    while (*flag && s == MLPLAT_OK) {
        mlp_cond_wait_ms(&db->changed, &db->gate, TURN_MS);
        if (*flag) {
            pthread_mutex_unlock(&db->gate);
            s = mlp_wait_check(wait, err);
            pthread_mutex_lock(&db->gate);
        }
    }
    db->waiting--;
    if (s == MLPLAT_OK)
        *flag = true;
    pthread_mutex_unlock(&db->gate);
    mlp_fork_gate_step_in(gate);
    return s;
}

static void give_turn(mlp_db *db, bool *flag)
{
    pthread_mutex_lock(&db->gate);
    *flag = false;
    pthread_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->gate);
}

bool mlp_db_crowded(mlp_db *db)
{
    pthread_mutex_lock(&db->gate);
    bool crowded = db->waiting > 0;
    pthread_mutex_unlock(&db->gate);
    return crowded || mlp_ticket_wanted(&db->ticket);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static mlplat_status run_sql(mlp_db *db, const char *sql, mlplat_error *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? MLPLAT_OK : mlp_db_fail(db, code, err);
}

mlplat_status mlp_db_look(mlp_db *db, mlplat_error *err)
{
    if (db->ready)
        return MLPLAT_OK;
    db->busy = false;
    mlp_stmt *rollback = NULL; /* kept, for when there is no memory to make it */
    static const char first[] = "PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA cache_size=-500; "
                                "SELECT 1 FROM sqlite_master LIMIT 1";
    mlplat_status s = run_sql(db, first, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db, mlp_sqlite_rollback, &rollback, err);
    mlp_stmt_done(rollback);
    db->ready = s == MLPLAT_OK;
    if (db->ready)
        sqlite3_wal_autocheckpoint(db->handle, CHECKPOINT_PAGES); /* a page that changes often is copied back less */
    return s;
}

/* The write-ahead log needs memory that is shared by all processes that have the file open. */
static bool shares_memory(const char *path)
{
    static const char *const remote[] = {"nfs",    "fuse", "cifs", "smb",  "9p",    "ceph",
                                         "lustre", "gpfs", "afs",  "coda", "vboxsf"};
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t n = slash > path ? (size_t)(slash - path) : 1;
    if (n >= sizeof folder)
        return false;
    memcpy(folder, path, n);
    folder[n] = 0;
    int fd = mlp_sys.open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd == -1)
        return false;
    const char *kind = mlp_os_fs_kind(fd);
    mlp_sys.close(fd);
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
        if (strcmp(kind, remote[i]) == 0)
            return false;
    return true;
}

static bool has_wal(mlp_db *db)
{
    sqlite3_stmt *stmt = NULL;
    const char *mode = NULL;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        mode = (const char *)sqlite3_column_text(stmt, 0);
    bool wal = mode && strcmp(mode, "wal") == 0;
    sqlite3_finalize(stmt);
    return wal;
}

/* A file that comes from elsewhere may have a log: its index would be memory that others do not see. */
static const char *wanted_journal(mlp_db *db)
{
    bool wal = has_wal(db), shared = shares_memory(db->path);
    db->wal = wal && shared;
    if (wal == shared || sqlite3_db_readonly(db->handle, "main") != 0)
        return NULL;
    return shared ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE";
}

void mlp_db_wal(mlp_db *db)
{
    mlp_wait wait = mlp_wait_begin(NULL, db->path, db->busy_ms);
    if (take_turn(db, &db->in_use, &wait, NULL) != MLPLAT_OK)
        return;
    mlp_fork_gate_enter();
    const char *sql = wanted_journal(db);
    if (sql && sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        mlp_log(db->log, strstr(sql, "WAL") ? MLPLAT_LOG_DEBUG : MLPLAT_LOG_WARNING,
                "'%s' keeps its journal mode for now: %s", db->path, sqlite3_errmsg(db->handle));
    mlp_fork_gate_leave();
    give_turn(db, &db->in_use);
}

/* ---- one attempt ------------------------------------------------------------------------------------------------- */

mlplat_status mlp_db_changed(mlp_db *db, int64_t shape, mlplat_error *err)
{
    mlplat_status s = db->on_change && shape != db->shape ? db->on_change(db, db->on_change_ctx, err) : MLPLAT_OK;
    if (s == MLPLAT_OK)
        db->shape = shape;
    return s;
}

void mlp_db_on_change(mlp_db *db, mlp_db_fn fn, void *ctx)
{
    db->on_change = fn;
    db->on_change_ctx = ctx;
}

/* *again: a lock of somebody else was in the way. */
static mlplat_status attempt(mlp_db *db, mlp_begin how, mlp_db_fn fn, void *ctx, bool *again, mlplat_error *err)
{
    db->busy = db->starved = false;
    if (db->engine->gated)
        mlp_fork_gate_enter();
    mlplat_status s = mlp_still_check(db, err);
    if (s == MLPLAT_OK)
        s = db->engine->begin(db, how, err);
    if (s == MLPLAT_OK)
        s = fn(db, ctx, err);
    if (db->starved)
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = db->engine->commit(db, err);
    if (db->still) /* what fn found wrong may be a change of somebody else */
        s = mlp_still_check(db, err) == MLPLAT_OK ? s : MLPLAT_UNAVAILABLE;
    db->inside = false;
    db->engine->rollback(db);
    if (db->engine->gated)
        mlp_fork_gate_leave();
    *again = s != MLPLAT_OK && db->busy;
    return s;
}

static mlplat_status attempts(mlp_db *db, mlp_begin how, mlp_db_fn fn, void *ctx, mlp_wait *wait, mlplat_error *err)
{
    bool again = false;
    mlplat_status s;
    do {
        mlplat_error passing = {0}; /* of an attempt that is made again: not the caller's business */
        if (again && (s = mlp_wait_nap(wait, err)) != MLPLAT_OK)
            return s;
        if ((s = take_turn(db, &db->in_use, wait, err)) != MLPLAT_OK)
            return s;
        db->changes = how != MLP_BEGIN_READ;
        db->wait = wait;
        s = attempt(db, how, fn, ctx, &again, &passing);
        give_turn(db, &db->in_use);
        if (s != MLPLAT_OK && !again && err)
            *err = passing;
    } while (again);
    return s;
}

static mlplat_status writable(const mlp_db *db, mlplat_error *err)
{
    if (!mlp_db_read_only(db))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_DENIED, "'%s' " MLP_DB_READ_ONLY, db->path);
}

static mlplat_status write_how(mlp_db *db, mlp_begin how, mlp_db_fn fn, void *ctx, const mlp_hook *hook,
                               mlplat_error *err)
{
    mlp_wait wait = mlp_wait_begin(hook, db->path, db->busy_ms);
    wait.end_ns = &db->end_ns;
    mlplat_status s = writable(db, err);
    if (s == MLPLAT_OK)
        s = take_turn(db, &db->writing, &wait, err);
    if (s != MLPLAT_OK)
        return s;
    s = mlp_ticket_take(&db->ticket, &wait, err);
    if (s == MLPLAT_OK)
        s = attempts(db, how, fn, ctx, &wait, err);
    mlp_ticket_give(&db->ticket);
    give_turn(db, &db->writing);
    return s;
}

#ifdef MLPLAT_MINIMAL
#define IS_NESTED(db) false
#else
void mlp_db_end_at(mlp_db *db, int64_t mono_ns)
{
    atomic_store(&db->end_ns, mono_ns);
}

static _Thread_local const mlp_db *nested_in; /* NULL: in none */
#define IS_NESTED(db) (nested_in == (db))

void mlp_db_nest(const mlp_db *db)
{
    nested_in = db;
}
#endif

mlplat_status mlp_db_write(mlp_db *db, mlp_db_fn fn, void *ctx, const mlp_hook *hook, mlplat_error *err)
{
    if (IS_NESTED(db))
        return mlp_db_attempt(db, fn, ctx, err);
    return write_how(db, MLP_BEGIN_WRITE, fn, ctx, hook, err);
}

mlplat_status mlp_db_write_loose(mlp_db *db, mlp_db_fn fn, void *ctx, mlplat_error *err)
{
    return write_how(db, MLP_BEGIN_LOOSE, fn, ctx, NULL, err);
}

mlplat_status mlp_db_write_lazy(mlp_db *db, mlp_db_fn fn, void *ctx, mlplat_error *err)
{
    return write_how(db, MLP_BEGIN_LAZY, fn, ctx, NULL, err);
}

mlplat_status mlp_db_read(mlp_db *db, mlp_db_fn fn, void *ctx, const mlp_hook *hook, mlplat_error *err)
{
    if (IS_NESTED(db))
        return mlp_db_attempt(db, fn, ctx, err);
    mlp_wait wait = mlp_wait_begin(hook, db->path, db->busy_ms);
    return attempts(db, MLP_BEGIN_READ, fn, ctx, &wait, err);
}
