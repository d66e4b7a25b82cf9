#include "db/db.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/thread.h"
#include "db/db_inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 20000, LENGTH_MOST = 64 << 20 };

/* ---- what SQLite says -------------------------------------------------------------------------------------------- */

/* A failed system call below SQLite, by its errno. */
static mlplat_status status_of_call(int errnum, mlplat_status otherwise)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return MLPLAT_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return MLPLAT_DENIED;
    case ENOENT:
        return MLPLAT_NOT_FOUND;
    case EMFILE:
    case ENFILE:
    case EIO:
        return MLPLAT_IO;
    default:
        return otherwise;
    }
}

/* The errno of what failed, as far as SQLite still knows it: of the last call, of the file, of its journal. */
static void errnos_of(mlp_db *db, int errnums[3])
{
    sqlite3_file *journal = NULL;
    errnums[0] = sqlite3_system_errno(db->handle);
    errnums[1] = errnums[2] = 0;
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_LAST_ERRNO, &errnums[1]);
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal);
    if (journal && journal->pMethods)
        journal->pMethods->xFileControl(journal, SQLITE_FCNTL_LAST_ERRNO, &errnums[2]);
}

/* What SQLite calls malformed may be a disk that did not read. */
static bool disk_failed(mlp_db *db, int code)
{
    int errnums[3];
    if (code == SQLITE_IOERR_CORRUPTFS)
        return true;
    if ((code & 0xff) != SQLITE_CORRUPT)
        return false;
    errnos_of(db, errnums);
    return errnums[0] == EIO || errnums[1] == EIO || errnums[2] == EIO;
}

static mlplat_status status_of_io(mlp_db *db)
{
    int errnums[3];
    errnos_of(db, errnums);
    for (int i = 0; i < 3; i++)
        if (status_of_call(errnums[i], MLPLAT_IO) == MLPLAT_NO_SPACE)
            return MLPLAT_NO_SPACE;
    return MLPLAT_IO;
}

/* SQLite makes a log and its index beside the file, and forgets why one of them could not be made. */
static int errno_of_making(const mlp_db *db)
{
    char *path = mlp_sprintf("%s-try-%ld", db->path, (long)getpid());
    int fd = path ? mlp_sys.open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600) : -1;
    int errnum = fd == -1 ? errno : 0;
    if (fd != -1) {
        mlp_sys.close(fd);
        mlp_sys.unlink(AT_FDCWD, path, 0);
    }
    mlp_free(path);
    return errnum;
}

/* What SQLite remembers may be of another file that need not be there, as its journal. */
static mlplat_status status_of_open(mlp_db *db)
{
    struct stat st;
    int errnum = sqlite3_system_errno(db->handle);
    int making = errnum == 0 || errnum == ENOENT ? errno_of_making(db) : 0;
    errnum = making != 0 ? making : errnum;
    mlplat_status s = status_of_call(errnum, MLPLAT_DENIED);
    return s == MLPLAT_NOT_FOUND && stat(db->path, &st) == 0 ? MLPLAT_IO : s;
}

static mlplat_status status_of(mlp_db *db, int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return MLPLAT_EXISTS;
    case SQLITE_IOERR_NOMEM:
        return MLPLAT_NO_MEMORY;
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_CORRUPTFS:
        return MLPLAT_CORRUPT;
    case SQLITE_READONLY_DBMOVED:
        return MLPLAT_NOT_FOUND;
    default:
        break;
    }
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return MLPLAT_UNAVAILABLE;
    case SQLITE_CONSTRAINT:
        return MLPLAT_CONFLICT;
    case SQLITE_FULL:
        return MLPLAT_NO_SPACE;
    case SQLITE_IOERR:
        return status_of_io(db);
    case SQLITE_CANTOPEN:
        return status_of_open(db);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return MLPLAT_DENIED;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* a table or column that is not there */
        return MLPLAT_CORRUPT;
    case SQLITE_NOMEM:
        return MLPLAT_NO_MEMORY;
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
        return MLPLAT_INVALID;
    case SQLITE_INTERRUPT:
        return MLPLAT_CANCELLED;
    default:
        return MLPLAT_IO;
    }
}

/* No file of this process may be that large, whatever room there is. */
static bool too_large(mlp_db *db, int code)
{
    int errnums[3];
    if ((code & 0xff) != SQLITE_IOERR)
        return false;
    errnos_of(db, errnums);
    return errnums[0] == EFBIG || errnums[1] == EFBIG || errnums[2] == EFBIG;
}

static const char *help_for(mlp_db *db, mlplat_status status, int code)
{
    if (code == SQLITE_READONLY_DBMOVED)
        return "; the file was moved or deleted meanwhile: open the store again";
    if (too_large(db, code))
        return "; files of this process may not be larger (ulimit -f, or the file system's limit)";
    switch (status) {
    case MLPLAT_UNAVAILABLE:
        return "; another program holds the file: try again";
    case MLPLAT_NO_SPACE:
        return "; free some space on its disk and try again";
    case MLPLAT_DENIED:
        return "; make the file and its folder writable for this user";
    case MLPLAT_CORRUPT:
        return (code & 0xff) == SQLITE_ERROR ? "; its tables are not as expected" : "; restore the file from a backup";
    case MLPLAT_INVALID:
        return (code & 0xff) == SQLITE_TOOBIG ? "; at most 64 MiB are taken" : "";
    default:
        return "";
    }
}

mlplat_status mlp_db_fail(mlp_db *db, int code, mlplat_error *err)
{
    mlplat_status s = status_of(db, code);
    if (s == MLPLAT_UNAVAILABLE)
        db->busy = true;
    if (s == MLPLAT_NO_MEMORY)
        return mlp_fail_memory(err);
    if (disk_failed(db, code))
        return mlp_fail_errno(err, EIO, "'%s' cannot be read from its disk (SQLite %d)", db->path, code);
    if ((code & 0xff) == SQLITE_NOTADB)
        return mlp_fail(err, s, "'%s' is not an SQLite database: name another file, or move this one away", db->path);
    mlp_fail(err, s, "'%s': %s (SQLite %d)%s", db->path, sqlite3_errmsg(db->handle), code, help_for(db, s, code));
    if (err)
        err->retryable = s == MLPLAT_UNAVAILABLE;
    return s;
}

mlplat_status mlp_db_check_line(mlp_db *db, const char *line, mlplat_error *err)
{
    static const char words[] = "unable to get the page. error code=";
    const char *at = strstr(line, words);
    int code = at ? atoi(at + strlen(words)) : SQLITE_OK;
    return code == SQLITE_OK || (code & 0xff) == SQLITE_CORRUPT ? MLPLAT_OK : mlp_db_fail(db, code, err);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* What SQLite could only call "unable to open". It must be the first to open the file itself: POSIX drops all of a
 * process's locks on a file when any descriptor of it is closed. */
static mlplat_status check_path(const char *path, bool create, mlplat_error *err)
{
    struct stat st;
    size_t most = (size_t)sqlite3_vfs_find(NULL)->mxPathname - 8; /* "-journal" behind it */
    if (strlen(path) > most)
        return mlp_fail(err, MLPLAT_INVALID,
                        "the store's path has %zu bytes, and SQLite opens %zu at most: take a shorter one ('%.99s...')",
                        strlen(path), most, path);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return mlp_fail(err, MLPLAT_INVALID, "'%s' is %s: name a file, such as mlflow.db in it", path,
                        S_ISDIR(st.st_mode) ? "a folder" : "not a plain file");
    if (stat(path, &st) == -1 && errno == ENOENT && !create)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "there is no store file '%s'", path);
    return MLPLAT_OK;
}

/* Why the file could not be opened, from the folder's side. */
static mlplat_status fail_to_open(const char *path, int code, int errnum, mlplat_error *err)
{
    const char *slash = strrchr(path, '/');
    int n = slash > path ? (int)(slash - path) : 1;
    struct stat st;
    char *folder = mlp_strndup(path, (size_t)n);
    mlplat_status s;
    if (!folder)
        s = mlp_fail_memory(err);
    else if (stat(folder, &st) == -1)
        s = mlp_fail_errno(err, errno, "the folder '%s' of the store '%s' cannot be used: create it first", folder,
                           slash + 1);
    else if (!S_ISDIR(st.st_mode))
        s = mlp_fail(err, MLPLAT_INVALID, "'%s' is not a folder, so no store '%s' can be in it", folder, slash + 1);
    else if (stat(path, &st) == -1 && errno == ENAMETOOLONG)
        s = mlp_fail_errno(err, ENAMETOOLONG, "the name of the store '%.100s...'", slash + 1);
    else if (errnum == EIO || errnum == EMFILE || errnum == ENFILE || errnum == ENOSPC)
        s = mlp_fail_errno(err, errnum, "'%s' cannot be opened (SQLite %d)", path, code);
    else if (stat(path, &st) == 0)
        s = mlp_fail(err, MLPLAT_DENIED,
                     "'%s' cannot be opened (SQLite %d): it must be readable and writable for this user", path, code);
    else
        s = mlp_fail(err, MLPLAT_DENIED,
                     "no file can be made in the folder '%s' (SQLite %d): it must be writable for this "
                     "user",
                     folder, code);
    mlp_free(folder);
    return s;
}

/* A file from elsewhere brings no code along: its triggers do not run, its views are refused, and the only tables that
 * are no tables are those of JSON and of pragmas. */
static int take_no_code(sqlite3 *handle)
{
    static const char *kept[] = {"json_each", "json_tree", NULL};
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    return sqlite3_drop_modules(handle, kept);
}

static int set_up(sqlite3 *handle, bool alter)
{
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, 0); /* we wait ourselves, with nothing held and the caller's hook called */
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, !alter, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, alter, NULL); /* others keep naming the old table */
    if (!alter)
        sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, LENGTH_MOST);
    return take_no_code(handle);
}

/* Which SQLite is loaded, the machine decides: a Python wheel, for one, takes that of its interpreter. */
static mlplat_status check_version(mlplat_error *err)
{
    return sqlite3_libversion_number() >= 3035000
               ? MLPLAT_OK
               : mlp_fail(err, MLPLAT_UNSUPPORTED, "the SQLite of this process is %s: 3.35 or newer is needed",
                          sqlite3_libversion());
}

static mlplat_status first_look(mlp_db *db, bool alter, mlplat_error *err)
{
    int code = set_up(db->handle, alter);
    mlp_db_ask_now_and_then(db);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db->handle, "PRAGMA case_sensitive_like=true", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return mlp_db_fail(db, code, err);
    mlplat_status s = mlp_db_look(db, err);
    return db->busy ? MLPLAT_OK : s; /* in use right now: the first transaction waits for it */
}

static mlplat_status open_handle(mlp_db *db, const mlp_db_options *options, mlplat_error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (options->create ? SQLITE_OPEN_CREATE : 0);
    int code = mlp_handle_open(db, db->path, flags);
    int errnum = db->handle ? sqlite3_system_errno(db->handle) : 0;
    if (code == SQLITE_NOMEM)
        return mlp_fail_memory(err);
    if (code != SQLITE_OK)
        return (code & 0xff) == SQLITE_CANTOPEN ? fail_to_open(db->path, code, errnum, err)
                                                : mlp_db_fail(db, code, err);
    if (sqlite3_db_readonly(db->handle, "main") == 1 && faccessat(AT_FDCWD, db->path, W_OK, AT_EACCESS) == 0)
        return mlp_fail(err, MLPLAT_IO,
                        "'%s' could be opened for reading alone, though it may be written: close some files and try "
                        "again",
                        db->path);
    mlplat_status s = first_look(db, options->alter, err);
    if (!mlp_still_wanted(db, s))
        return s;
    s = mlp_still_open(db, err);
    return s == MLPLAT_OK ? first_look(db, options->alter, err) : s;
}

mlp_db *mlp_db_new(const mlp_engine *engine, const mlp_db_options *options)
{
    mlp_db *db = mlp_alloc(sizeof *db);
    if (!db)
        return NULL;
    pthread_mutex_init(&db->gate, NULL);
    mlp_cond_init(&db->changed);
    db->engine = engine;
    db->busy_ms = options->busy_ms > 0 ? options->busy_ms : BUSY_MS;
    db->log = options->log;
    return db;
}

mlplat_status mlp_db_open(const char *path, const mlp_db_options *options, mlp_db **out, mlplat_error *err)
{
    mlp_db *db = mlp_db_new(&mlp_engine_sqlite, options);
    *out = NULL;
    if (!db)
        return mlp_fail_memory(err);
    db->path = mlp_file_absolute(path); /* so that SQLite sees no URI and no ":memory:" */
    mlplat_status s = db->path ? check_version(err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = check_path(db->path, options->create, err);
    if (s == MLPLAT_OK)
        s = mlp_ticket_init(&db->ticket, options->ticket_path, db->path, err);
    if (s == MLPLAT_OK)
        s = mlp_fork_gate_ready(err);
    if (s == MLPLAT_OK) {
        mlp_fork_gate_enter();
        s = open_handle(db, options, err);
        mlp_fork_gate_leave();
    }
    if (s == MLPLAT_OK)
        *out = db;
    else
        mlp_db_close(db);
    return s;
}

bool mlp_db_read_only(const mlp_db *db)
{
    return db->engine->read_only(db);
}

const char *mlp_db_path(const mlp_db *db)
{
    return db->path;
}

void mlp_db_close(mlp_db *db)
{
    if (!db)
        return;
    mlp_fork_gate_enter();
    for (int i = 0; i < MLP_DB_KEPT; i++) {
        mlp_stmt_free(db->kept[i]);
        db->kept[i] = NULL;
    }
    db->engine->close(db);
    mlp_fork_gate_leave();
    pthread_cond_destroy(&db->changed);
    pthread_mutex_destroy(&db->gate);
    mlp_db_abandon(db);
}

/* The mutex stays as another thread of the parent may have left it, and SQLite's memory as handles.c knows it. */
void mlp_db_abandon(mlp_db *db)
{
    if (!db)
        return;
    for (int i = 0; i < MLP_DB_KEPT; i++)
        mlp_stmt_forget(db->kept[i]);
    if (db->engine->abandon)
        db->engine->abandon(db);
    mlp_ticket_free(&db->ticket);
    mlp_free(db->path);
    mlp_free(db);
}
