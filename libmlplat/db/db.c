#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "db/db_inside.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
    BUSY_MS = 20000,
    TICKET_MS = 1000,     /* how long fairness is worth waiting for */
    TRY_MS = 40,          /* SQLite's own waiting in one attempt */
    HOOK_EVERY_MS = 50,
    LARGEST_VALUE = 64 << 20,
};

mlplat_status mlp_db_fail(const mlp_db *db, int result, const char *doing, mlplat_error *err)
{
    static const struct {
        int result;
        mlplat_status status;
        const char *help;
    } table[] = {
        {SQLITE_CONSTRAINT_PRIMARYKEY, MLPLAT_EXISTS, ""},
        {SQLITE_CONSTRAINT_UNIQUE, MLPLAT_EXISTS, ""},
        {SQLITE_CONSTRAINT, MLPLAT_CONFLICT, ""},
        {SQLITE_BUSY, MLPLAT_UNAVAILABLE, ": another program holds the file"},
        {SQLITE_LOCKED, MLPLAT_UNAVAILABLE, ": another program holds the file"},
        {SQLITE_FULL, MLPLAT_NO_SPACE, ": free some space on its disk"},
        {SQLITE_READONLY, MLPLAT_DENIED, ": make the file and its folder writable for this user"},
        {SQLITE_PERM, MLPLAT_DENIED, ": make the file and its folder writable for this user"},
        {SQLITE_AUTH, MLPLAT_DENIED, ""},
        {SQLITE_CANTOPEN, MLPLAT_DENIED, ": its folder must exist and be writable for this user"},
        {SQLITE_NOTADB, MLPLAT_CORRUPT, ": it is not an SQLite database"},
        {SQLITE_CORRUPT, MLPLAT_CORRUPT, ": restore the file from a backup"},
        {SQLITE_NOMEM, MLPLAT_NO_MEMORY, ""},
        {SQLITE_TOOBIG, MLPLAT_INVALID, ": a value is larger than 64 MiB"},
        {SQLITE_ERROR, MLPLAT_CORRUPT, ": its tables are not as expected"},
    };
    mlplat_status status = MLPLAT_IO;
    const char *help = "";
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].result == result || table[i].result == (result & 0xff)) {
            status = table[i].status;
            help = table[i].help;
            break;
        }
    const char *said = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(result);
    mlp_fail(err, status, "%s: cannot %s: %s (SQLite %d)%s", db->path, doing, said, result, help);
    if (err)
        err->retryable = status == MLPLAT_UNAVAILABLE || status == MLPLAT_NO_SPACE || status == MLPLAT_IO;
    return status;
}

static mlplat_status run_sql(mlp_db *db, const char *sql, mlplat_error *err)
{
    int result = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? MLPLAT_OK : mlp_db_fail(db, result, "open", err);
}

/* What SQLite would only tell as "unable to open": say it in words before it tries. */
static mlplat_status look_at(const char *path, bool create, mlplat_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return mlp_fail(err, MLPLAT_INVALID, "%s is a directory: name a file in it, such as mlflow.db", path);
        return MLPLAT_OK;
    }
    if (errno == ENOENT && !create)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "%s: no such store file", path);
    if (errno != ENOENT)
        return mlp_fail_errno(err, errno, "%s: cannot open the store file", path);
    /* Exclusively: closing a file that SQLite has open in this process would drop its locks. */
    int fd = mlp_sys.open(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (fd < 0 && errno == EEXIST)
        return MLPLAT_OK;
    if (fd < 0)
        return mlp_fail_errno(err, errno, "%s: cannot create the store file: its folder must exist and be writable",
                              path);
    mlp_sys.close(fd);
    return MLPLAT_OK;
}

/* The write-ahead log needs memory shared between the processes that have the file open. */
static bool shares_memory(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof folder)
        return false;
    memcpy(folder, path, n);
    folder[n] = '\0';
    int fd = mlp_sys.open(AT_FDCWD, n ? folder : slash ? "/" : ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return false;
    const char *kind = mlp_os_fs_kind(fd);
    bool shared = strcmp(kind, "nfs") != 0 && strcmp(kind, "fuse") != 0 && strcmp(kind, "9p") != 0 &&
                  strcmp(kind, "smb") != 0 && strcmp(kind, "cifs") != 0;
    mlp_sys.close(fd);
    return shared;
}

static mlplat_status configure(mlp_db *db, mlplat_error *err)
{
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, LARGEST_VALUE);
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, (int)db->busy_ms);
    mlplat_status s = run_sql(db,
                              "PRAGMA foreign_keys=ON; PRAGMA case_sensitive_like=true; PRAGMA synchronous=FULL;"
                              "SELECT count(*) FROM sqlite_master",
                              err);
    /* Changing the mode needs the file alone; with others at work it stays as it is, and right, only slower. */
    if (s == MLPLAT_OK && shares_memory(db->path))
        sqlite3_exec(db->handle, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
    if (s == MLPLAT_OK)
        sqlite3_busy_timeout(db->handle, TRY_MS);
    return s;
}

mlplat_status mlp_db_open(const char *path, const mlp_db_options *options, mlp_db **out, mlplat_error *err)
{
    *out = NULL;
    mlplat_status s = look_at(path, options->create, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_db *db = mlp_alloc(sizeof *db);
    if (!db)
        return mlp_fail_memory(err);
    pthread_mutex_init(&db->lock, NULL);
    db->ticket.fd = -1;
    db->busy_ms = options->busy_ms ? options->busy_ms : BUSY_MS;
    db->log = options->log;
    db->path = mlp_strdup(path);
    db->ticket.path = mlp_strdup(options->ticket_path);
    if (!db->path || (options->ticket_path && !db->ticket.path)) {
        mlp_db_close(db);
        return mlp_fail_memory(err);
    }
    /* The connection has our mutex; SQLite's own would be taken for nothing. */
    int result = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    s = result == SQLITE_OK ? configure(db, err) : mlp_db_fail(db, result, "open", err);
    if (s == MLPLAT_OK && sqlite3_db_readonly(db->handle, "main") == 1)
        s = mlp_fail(err, MLPLAT_DENIED, "%s: the store file is read-only: make it writable for this user", path);
    if (s != MLPLAT_OK) {
        mlp_db_close(db);
        return s;
    }
    *out = db;
    return MLPLAT_OK;
}

void mlp_db_close(mlp_db *db)
{
    if (!db)
        return;
    mlp_db_finalize_all(db);
    sqlite3_close_v2(db->handle);
    mlp_db_abandon(db);
}

/* In a forked child the connection stays as it is: closing it would touch files and locks of the parent. */
void mlp_db_abandon(mlp_db *db)
{
    if (!db)
        return;
    mlp_ticket_close(&db->ticket);
    pthread_mutex_destroy(&db->lock);
    mlp_free(db->path);
    mlp_free(db);
}

static bool is_busy(int result)
{
    return (result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED;
}

/* One attempt at the transaction with the mutex held; *busy: somebody else has the file, try again. */
static mlplat_status attempt(mlp_db *db, const char *begin, mlp_db_fn fn, void *ctx, bool *busy, mlplat_error *err)
{
    int result = sqlite3_exec(db->handle, begin, NULL, NULL, NULL);
    *busy = is_busy(result);
    if (result != SQLITE_OK)
        return mlp_db_fail(db, result, "begin", err);
    mlplat_status s = fn(db, ctx, err);
    if (s == MLPLAT_OK) {
        result = sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL);
        *busy = is_busy(result);
        if (result != SQLITE_OK)
            s = mlp_db_fail(db, result, "commit", err);
    } else {
        *busy = is_busy(sqlite3_errcode(db->handle)) && s == MLPLAT_UNAVAILABLE;
    }
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return s;
}

static mlplat_status transact(mlp_db *db, const char *begin, bool fair, mlp_db_fn fn, void *ctx, const mlp_hook *hook,
                              mlplat_error *err)
{
    mlplat_error passing = {0}; /* of attempts that are made again: not the caller's business */
    int64_t start = mlp_clock_mono_ns() / 1000000, now = start, told = start;
    bool next_in_line = false, busy = true;
    mlplat_status s = MLPLAT_OK;
    while (busy) {
        pthread_mutex_lock(&db->lock);
        bool turn = !fair || mlp_ticket_try(&db->ticket, &next_in_line) || now - start > TICKET_MS;
        if (turn)
            s = attempt(db, begin, fn, ctx, &busy, &passing);
        if (turn && !busy)
            mlp_ticket_leave(&db->ticket, next_in_line);
        pthread_mutex_unlock(&db->lock);
        now = mlp_clock_mono_ns() / 1000000;
        if (!busy) {
            if (s != MLPLAT_OK && err)
                *err = passing;
            return s;
        }
        if (now - start > db->busy_ms) {
            s = mlp_fail(err, MLPLAT_TIMEOUT, "%s: another program has held the store for %lld s: end it or try again",
                         db->path, (long long)((now - start) / 1000));
            if (err)
                err->retryable = 1;
            break;
        }
        if (now - told >= HOOK_EVERY_MS || !turn) {
            told = now;
            s = mlp_hook_call(hook, (uint64_t)(now - start), 0, "waiting for the store", err);
            if (s != MLPLAT_OK)
                break;
        }
        if (!turn)
            mlp_clock_sleep_ms(1);
    }
    pthread_mutex_lock(&db->lock);
    mlp_ticket_leave(&db->ticket, next_in_line);
    pthread_mutex_unlock(&db->lock);
    return s;
}

mlplat_status mlp_db_write(mlp_db *db, mlp_db_fn fn, void *ctx, const mlp_hook *hook, mlplat_error *err)
{
    return transact(db, "BEGIN IMMEDIATE", true, fn, ctx, hook, err);
}

mlplat_status mlp_db_read(mlp_db *db, mlp_db_fn fn, void *ctx, const mlp_hook *hook, mlplat_error *err)
{
    return transact(db, "BEGIN", false, fn, ctx, hook, err);
}
