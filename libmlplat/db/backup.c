/* Work that takes long: a copy of a database while others write to it, and statements that somebody may stop. */
#include "base/err.h"
#include "db/db_inside.h"
#include <errno.h>

enum { PAGES = 1000 /* of one step: 4 MB */, OPS = 20000 /* of SQLite's machine: less than a millisecond */ };

static mlplat_status fail_copy(int code, const char *path, mlplat_error *err)
{
    if (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
        return mlp_fail_memory(err);
    return mlp_fail(err, (code & 0xff) == SQLITE_FULL ? MLPLAT_NO_SPACE : MLPLAT_IO, "copying '%s': %s (SQLite %d)",
                    path, sqlite3_errstr(code), code);
}

static mlplat_status copy_pages(mlp_db *db, sqlite3 *to, const mlp_hook *hook, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    int code = SQLITE_OK;
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", db->handle, "main");
    if (!backup)
        return fail_copy(sqlite3_errcode(to), db->path, err);
    while (s == MLPLAT_OK && (code = sqlite3_backup_step(backup, PAGES)) == SQLITE_OK) {
        uint64_t total = (uint64_t)sqlite3_backup_pagecount(backup);
        s = mlp_hook_call(hook, total - (uint64_t)sqlite3_backup_remaining(backup), total, "the backup", err);
    }
    sqlite3_backup_finish(backup);
    if (s != MLPLAT_OK || code == SQLITE_DONE)
        return s;
    return fail_copy(code, db->path, err);
}

/* The writer's lock is held by nobody who waits for an answer. */
static int ask(void *user)
{
    const mlp_db *db = user;
    mlp_fork_gate_pause();
    return !db->changes && db->stop && db->stop(db->stop_ctx);
}

void mlp_db_watch(mlp_db *db, bool (*stop)(void *ctx), void *ctx)
{
    db->stop = stop;
    db->stop_ctx = ctx;
}

void mlp_db_ask_now_and_then(mlp_db *db)
{
    sqlite3_progress_handler(db->handle, OPS, ask, db);
}

mlplat_status mlp_db_copy(mlp_db *db, const char *path, const mlp_hook *hook, mlplat_error *err)
{
    sqlite3 *to = NULL;
    int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    int errnum = to ? sqlite3_system_errno(to) : 0;
    mlplat_status s = MLPLAT_OK;
    if ((code & 0xff) == SQLITE_CANTOPEN && (errnum == EMFILE || errnum == ENFILE || errnum == ENOSPC))
        s = mlp_fail_errno(err, errnum, "'%s' cannot be made", path);
    else if ((code & 0xff) == SQLITE_CANTOPEN)
        s = mlp_fail(err, MLPLAT_DENIED, "'%s' cannot be made: its folder must be there and writable for this user",
                     path);
    else if (code != SQLITE_OK)
        s = fail_copy(code, path, err);
    if (s == MLPLAT_OK)
        code = sqlite3_exec(to, "PRAGMA journal_mode = OFF", NULL, NULL, NULL);
    if (s == MLPLAT_OK && code != SQLITE_OK)
        s = fail_copy(code, path, err);
    if (s == MLPLAT_OK) /* half a copy is thrown away: it needs no journal, which would be left behind */
        s = copy_pages(db, to, hook, err);
    sqlite3_close_v2(to);
    return s;
}
