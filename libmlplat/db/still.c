/*
 * A store that can only be read, and whose write-ahead log cannot be made beside it: in a folder, or on a file system,
 * that this user cannot write. SQLite reads such a file without any lock if it is told that nobody changes it
 * (immutable=1). So nothing may be waiting in a log, and at both ends of each transaction the file must be the one that
 * was opened: what was read meanwhile is of one state, or the caller is told to open the store again.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/os.h"
#include "base/text.h"
#include "db/db_inside.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* -1: cannot be told. A log that is there and empty holds nothing. */
static int log_waits(const mlp_db *db)
{
    struct stat st;
    char *log = mlp_sprintf("%s-wal", db->path);
    int waits = !log ? -1 : stat(log, &st) == 0 ? st.st_size > 0 : errno == ENOENT ? 0 : -1;
    mlp_free(log);
    return waits;
}

static bool folder_is_writable(const mlp_db *db)
{
    const char *slash = strrchr(db->path, '/');
    char *folder = mlp_strndup(db->path, slash > db->path ? (size_t)(slash - db->path) : 1);
    bool writable = !folder || access(folder, W_OK) == 0;
    mlp_free(folder);
    return writable;
}

/* "file:<path>?immutable=1"; what means something in a URI is written as %xx. */
static char *still_uri(const mlp_db *db, mlplat_error *err)
{
    mlp_buf uri = {0};
    mlp_buf_printf(&uri, "file:");
    mlp_text_percent_some(&uri, db->path, "%?#");
    mlp_buf_printf(&uri, "?immutable=1");
    if (mlp_buf_ok(&uri, err) == MLPLAT_OK)
        return uri.data;
    mlp_buf_free(&uri);
    return NULL;
}

static mlplat_status refuse(const mlp_db *db, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_DENIED,
                    "'%s' has a write-ahead log whose changes are not in it yet, and its folder cannot be written by "
                    "this user: open the store once where it can (`mlplat store check`), or make the folder writable",
                    db->path);
}

bool mlp_still_wanted(const mlp_db *db, mlplat_status s)
{
    int code = sqlite3_errcode(db->handle) & 0xff;
    return s != MLPLAT_OK && (code == SQLITE_READONLY || code == SQLITE_CANTOPEN) && !folder_is_writable(db);
}

mlplat_status mlp_still_open(mlp_db *db, mlplat_error *err)
{
    if (log_waits(db) != 0)
        return refuse(db, err);
    mlp_handle_close(db);
    db->handle = NULL;
    char *uri = still_uri(db, err);
    if (!uri)
        return MLPLAT_NO_MEMORY;
    int code = stat(db->path, &db->was) == -1 ? SQLITE_CANTOPEN : SQLITE_OK;
    if (code == SQLITE_OK)
        code = mlp_handle_open(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI);
    mlp_free(uri);
    db->still = code == SQLITE_OK;
    return code == SQLITE_OK ? MLPLAT_OK : mlp_db_fail(db, code, err);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

mlplat_status mlp_still_check(const mlp_db *db, mlplat_error *err)
{
    struct stat now;
    if (!db->still)
        return MLPLAT_OK;
    bool same = stat(db->path, &now) == 0 && now.st_dev == db->was.st_dev && now.st_ino == db->was.st_ino &&
                now.st_size == db->was.st_size && same_time(mlp_os_changed(&now), mlp_os_changed(&db->was)) &&
                log_waits(db) == 0;
    return same ? MLPLAT_OK
                : mlp_fail(err, MLPLAT_UNAVAILABLE,
                           "'%s' is being written by somebody, while this user can only read it in a folder without "
                           "locks: open the store again",
                           db->path);
}
