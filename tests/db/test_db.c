/* The table over SQLite: opening, statements, transactions, waiting for others. */
#include "support/support.h"
#include "base/clock.h"
#include "db/db.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct fixture {
    char *folder;
    const char *path;
    mlp_db *db;
} fixture;

static mlp_db *open_db(const char *path, int64_t busy_ms)
{
    mlp_db *db = NULL;
    mlplat_error err = {0};
    const mlp_db_options options = {.create = true, .busy_ms = busy_ms};
    assert_ok(mlp_db_open(path, &options, &db, &err));
    return db;
}

static mlplat_status make_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    (void)ctx;
    mlplat_status s = mlp_db_exec(db, err, "CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n REAL)", 0);
    if (s == MLPLAT_OK)
        s = mlp_db_exec(db, err, "CREATE TABLE b (a INTEGER NOT NULL REFERENCES a (id), CHECK (a < 100))", 0);
    return s;
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    mlplat_error err = {0};
    f->folder = test_folder_make();
    f->path = strdup(test_path(f->folder, "store.db"));
    f->db = open_db(f->path, 0);
    assert_ok(mlp_db_write(f->db, make_fn, NULL, NULL, &err));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    mlp_db_close(f->db);
    test_folder_remove(f->folder);
    free((char *)(uintptr_t)f->path);
    free(f);
    return 0;
}

/* ---- one statement as a transaction ----------------------------------------------------------------------------- */

static mlplat_status exec_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    return mlp_db_exec(db, err, ctx, 0);
}

static mlplat_status write_sql(mlp_db *db, const char *sql, const mlp_hook *hook, mlplat_error *err)
{
    return mlp_db_write(db, exec_fn, (void *)(uintptr_t)sql, hook, err);
}

typedef struct count {
    const char *sql;
    int64_t n;
} count;

static mlplat_status count_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    count *c = ctx;
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, c->sql, &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, NULL, err);
    if (s == MLPLAT_OK)
        c->n = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

static int64_t count_of(mlp_db *db, const char *sql)
{
    count c = {.sql = sql, .n = -1};
    mlplat_error err = {0};
    assert_ok(mlp_db_read(db, count_fn, &c, NULL, &err));
    return c.n;
}

/* ---- another process --------------------------------------------------------------------------------------------- */

typedef struct other {
    pid_t pid;
    int ready[2], go[2];
} other;

/* A child that runs the statements with SQLite alone, says so, and ends when it is told to. */
static other start_other(const char *path, const char *sql)
{
    other o = {0};
    char one = 0;
    assert_int_equal(pipe(o.ready) | pipe(o.go), 0);
    o.pid = fork();
    if (o.pid == 0) {
        sqlite3 *db = NULL;
        close(o.go[1]);
        int bad = sqlite3_open(path, &db) || sqlite3_exec(db, sql, NULL, NULL, NULL);
        if (write(o.ready[1], bad ? "!" : "+", 1) == 1 && read(o.go[0], &one, 1) >= 0)
            sqlite3_close(db);
        _exit(0);
    }
    close(o.go[0]);
    assert_int_equal(read(o.ready[0], &one, 1), 1);
    assert_int_equal(one, '+');
    return o;
}

static void end_other(other *o)
{
    close(o->go[1]);
    assert_int_equal(waitpid(o->pid, NULL, 0), o->pid);
    close(o->ready[0]);
    close(o->ready[1]);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void write_file(const char *path, const void *data, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_int_equal(write(fd, data, n), (ssize_t)n);
    close(fd);
}

static void bad_files_are_told_apart(void **state)
{
    fixture *f = *state;
    char half[8192], whole[8192];
    int fd = open(f->path, O_RDONLY);
    assert_int_equal(read(fd, whole, sizeof whole), sizeof whole);
    close(fd);
    memcpy(half, whole, sizeof half);
    write_file(test_path(f->folder, "text"), "this is a shopping list, not a database: milk, bread", 52);
    write_file(test_path(f->folder, "cut"), half, 6000);
    write_file(test_path(f->folder, "head"), half, 60);
    write_file(test_path(f->folder, "empty"), "", 0);
    assert_int_equal(mkfifo(test_path(f->folder, "pipe"), 0600), 0);
    const struct {
        const char *name;
        bool create;
        mlplat_status want;
        const char *says;
    } cases[] = {
        {"none", false, MLPLAT_NOT_FOUND, "none"},
        {"nowhere/x.db", true, MLPLAT_NOT_FOUND, "nowhere"},
        {"", true, MLPLAT_INVALID, "folder"},
        {"pipe", true, MLPLAT_INVALID, "plain file"},
        {"text", true, MLPLAT_CORRUPT, "not an SQLite"},
        {"cut", true, MLPLAT_CORRUPT, "malformed"},
        {"head", true, MLPLAT_CORRUPT, "malformed"},
        {"text/x.db", true, MLPLAT_INVALID, "not a folder"},
        {"empty", false, MLPLAT_OK, ""},
        {"new", true, MLPLAT_OK, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_db *db = NULL;
        mlplat_error err = {0};
        const mlp_db_options options = {.create = cases[i].create};
        assert_status(mlp_db_open(test_path(f->folder, cases[i].name), &options, &db, &err), cases[i].want);
        if (!strstr(err.message, cases[i].says))
            fail_msg("%s: %s", cases[i].name, err.message);
        assert_true((db != NULL) == (cases[i].want == MLPLAT_OK));
        mlp_db_close(db);
    }
    assert_int_not_equal(access(test_path(f->folder, "none"), F_OK), 0);
}

/* Root may do all, so a child tries as somebody else. What it returns is its exit code. */
static int as_nobody(int (*fn)(const fixture *f), const fixture *f)
{
    int code = 0;
    pid_t pid = fork();
    if (pid == 0) {
        bool changed = getuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);
        _exit(changed ? fn(f) : 99);
    }
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_true(WIFEXITED(code));
    return WEXITSTATUS(code);
}

static int open_in_closed_folder(const fixture *f)
{
    mlp_db *db = NULL;
    mlplat_error err = {0};
    const mlp_db_options options = {.create = true};
    mlplat_status s = mlp_db_open(test_path(f->folder, "new.db"), &options, &db, &err);
    return s == MLPLAT_DENIED && strstr(err.message, f->folder) && strstr(err.message, "writable") ? 0 : 1;
}

static int write_closed_file(const fixture *f)
{
    mlp_db *db = NULL;
    mlplat_error err = {0};
    count c = {.sql = "SELECT count(*) FROM a"};
    const mlp_db_options options = {0};
    mlplat_status s = mlp_db_open(f->path, &options, &db, &err);
    if (s == MLPLAT_OK && mlp_db_read(db, count_fn, &c, NULL, &err) != MLPLAT_OK)
        return 2;
    if (s == MLPLAT_OK)
        s = write_sql(db, "INSERT INTO a (name) VALUES ('x')", NULL, &err);
    mlp_db_close(db);
    return s == MLPLAT_DENIED && strstr(err.message, "store.db") && strstr(err.message, "writable") ? 0 : 1;
}

static void without_permission_the_folder_or_file_is_named(void **state)
{
    fixture *f = *state;
    assert_int_equal(chmod(f->folder, 0555), 0);
    int folder = as_nobody(open_in_closed_folder, f);
    assert_int_equal(chmod(f->path, 0444), 0);
    int file = as_nobody(write_closed_file, f);
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(folder, 0);
    assert_int_equal(file, 0);
}

static int fill_the_file(const fixture *f)
{
    mlplat_error err = {0};
    mlplat_status s = MLPLAT_OK;
    const struct rlimit limit = {1 << 16, 1 << 16};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
        return 99;
    mlp_db *db = NULL;
    const mlp_db_options options = {0};
    if (mlp_db_open(f->path, &options, &db, &err) != MLPLAT_OK)
        return 2;
    for (int i = 0; i < 100 && s == MLPLAT_OK; i++)
        s = write_sql(db, "INSERT INTO a (n) VALUES (zeroblob(4000))", NULL, &err);
    mlp_db_close(db);
    bool told = s == MLPLAT_NO_SPACE && strstr(err.message, "ulimit -f") && !strstr(err.message, "free some");
    if (!told)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    return told ? 0 : 1;
}

static void a_file_that_may_not_grow_is_told_as_that_and_stays_whole(void **state)
{
    fixture *f = *state;
    int code = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fill_the_file(f));
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_int_equal(WEXITSTATUS(code), 0);
    mlplat_error err = {0};
    assert_ok(write_sql(f->db, "INSERT INTO a (name) VALUES ('room again')", NULL, &err));
    assert_int_equal(count_of(f->db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

static void the_connection_is_hardened(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    assert_int_equal(count_of(f->db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(count_of(f->db, "PRAGMA trusted_schema"), 0);
    assert_int_equal(count_of(f->db, "PRAGMA synchronous"), 2);
    assert_int_equal(count_of(f->db, "SELECT 'a' LIKE 'A'"), 0); /* MLflow's PRAGMA case_sensitive_like */
    assert_int_not_equal(write_sql(f->db, "SELECT load_extension('x')", NULL, &err), MLPLAT_OK);
    assert_int_not_equal(write_sql(f->db, "UPDATE sqlite_master SET name = 'x'", NULL, &err), MLPLAT_OK);
    assert_status(write_sql(f->db, "INSERT INTO a (name) VALUES (zeroblob(67108865))", NULL, &err), MLPLAT_INVALID);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static void failures_of_statements_have_their_status(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *sql;
        mlplat_status want;
    } cases[] = {
        {"INSERT INTO a (id, name) VALUES (1, 'x')", MLPLAT_OK},
        {"INSERT INTO a (id, name) VALUES (2, 'x')", MLPLAT_EXISTS},
        {"INSERT INTO a (id, name) VALUES (1, 'y')", MLPLAT_EXISTS},
        {"INSERT INTO b VALUES (7)", MLPLAT_CONFLICT},    /* foreign key */
        {"INSERT INTO b VALUES (NULL)", MLPLAT_CONFLICT}, /* not null */
        {"INSERT INTO b VALUES (100)", MLPLAT_CONFLICT},  /* check */
        {"INSERT INTO b VALUES (1)", MLPLAT_OK},
        {"SELECT * FROM c", MLPLAT_CORRUPT},
        {"SELECT c FROM a", MLPLAT_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        assert_status(write_sql(f->db, cases[i].sql, NULL, &err), cases[i].want);
        if (cases[i].want != MLPLAT_OK)
            assert_non_null(strstr(err.message, "store.db"));
    }
    assert_int_equal(count_of(f->db, "SELECT count(*) FROM b"), 1);
}

static mlplat_status values_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    (void)ctx;
    assert_int_equal(mlp_db_prepare(db, "SELECT ?1, ?2, ?3, ?4, ?5", &stmt, err), MLPLAT_OK);
    mlp_stmt_text(stmt, 1, "it's");
    mlp_stmt_text_n(stmt, 2, "cut here", 3);
    mlp_stmt_int(stmt, 3, INT64_MIN);
    mlp_stmt_double(stmt, 4, 0.1);
    mlp_stmt_null(stmt, 5);
    assert_int_equal(mlp_stmt_step(stmt, &row, err), MLPLAT_OK);
    assert_true(row);
    assert_string_equal(mlp_stmt_col_text(stmt, 0), "it's");
    assert_string_equal(mlp_stmt_col_text(stmt, 1), "cut");
    assert_true(mlp_stmt_col_int(stmt, 2) == INT64_MIN);
    assert_true(mlp_stmt_col_double(stmt, 3) == 0.1);
    assert_true(mlp_stmt_col_null(stmt, 4));
    assert_null(mlp_stmt_col_text(stmt, 4));
    assert_int_equal(mlp_stmt_step(stmt, &row, err), MLPLAT_OK);
    assert_false(row);
    mlp_stmt_done(stmt);
    return MLPLAT_OK;
}

static void values_come_back_as_they_were_bound(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    for (int i = 0; i < 3; i++) /* prepared once, used again */
        assert_ok(mlp_db_read(f->db, values_fn, NULL, NULL, &err));
}

static mlplat_status nested_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    static const char sql[] = "SELECT value FROM (SELECT 1 AS value UNION ALL SELECT 2)";
    mlp_stmt *outer = NULL, *inner = NULL, *wrong = NULL;
    bool row = true;
    int sum = 0;
    (void)ctx;
    assert_int_equal(mlp_db_prepare(db, sql, &outer, err), MLPLAT_OK);
    while (mlp_stmt_step(outer, &row, err) == MLPLAT_OK && row) {
        assert_int_equal(mlp_db_prepare(db, sql, &inner, err), MLPLAT_OK);
        assert_ptr_not_equal(inner, outer); /* in use: one of its own */
        while (mlp_stmt_step(inner, &row, err) == MLPLAT_OK && row)
            sum += (int)(mlp_stmt_col_int(outer, 0) * mlp_stmt_col_int(inner, 0));
        mlp_stmt_done(inner);
    }
    mlp_stmt_done(outer);
    assert_int_equal(sum, 9);
    assert_int_equal(mlp_db_prepare(db, "SELECT ?1", &wrong, err), MLPLAT_OK);
    mlp_stmt_int(wrong, 2, 1); /* no such parameter: told by the step */
    assert_int_equal(mlp_stmt_step(wrong, &row, err), MLPLAT_INVALID);
    mlp_stmt_done(wrong);
    mlp_stmt_done(NULL);
    return MLPLAT_OK;
}

static void statements_nest_and_failures_stick(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    assert_ok(mlp_db_read(f->db, nested_fn, NULL, NULL, &err));
}

static mlplat_status reuse_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    count *c = ctx;
    return count_fn(db, c, err);
}

static void more_texts_than_are_kept_still_work(void **state)
{
    fixture *f = *state;
    static char texts[400][24]; /* each lives as long as the connection */
    char again[24] = "SELECT 77";
    mlplat_error err = {0};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 400; i++) {
            snprintf(texts[i], sizeof texts[i], "SELECT %d", i);
            count c = {.sql = texts[i]};
            assert_ok(mlp_db_read(f->db, reuse_fn, &c, NULL, &err));
            assert_int_equal(c.n, i);
        }
    assert_int_equal(count_of(f->db, again), 77); /* one address, two texts */
    strcpy(again, "SELECT 78");
    assert_int_equal(count_of(f->db, again), 78);
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

static mlplat_status half_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    (void)ctx;
    mlplat_status s = mlp_db_exec(db, err, "INSERT INTO a (name) VALUES (?)", 1, "half");
    return s == MLPLAT_OK ? MLPLAT_STATE : s;
}

static void a_failed_function_leaves_nothing(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    assert_int_equal(mlp_db_write(f->db, half_fn, NULL, NULL, &err), MLPLAT_STATE);
    assert_int_equal(count_of(f->db, "SELECT count(*) FROM a"), 0);
    assert_ok(write_sql(f->db, "INSERT INTO a (name) VALUES ('whole')", NULL, &err));
    assert_int_equal(count_of(f->db, "SELECT count(*) FROM a"), 1);
}

typedef struct listener {
    int calls, stop_after;
    other *holder; /* let go at the stop */
    int64_t last_ns, longest_ns;
} listener;

static int listen(void *user, uint64_t done, uint64_t total)
{
    listener *l = user;
    int64_t now = mlp_clock_mono_ns(), gap = now - l->last_ns;
    (void)done, (void)total;
    l->longest_ns = gap > l->longest_ns ? gap : l->longest_ns;
    l->last_ns = now;
    if (++l->calls < l->stop_after)
        return 0;
    if (!l->holder)
        return 1;
    end_other(l->holder);
    l->holder = NULL;
    l->stop_after = INT_MAX;
    return 0;
}

static void a_writer_waits_for_another_process(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    other holder = start_other(f->path, "BEGIN IMMEDIATE; INSERT INTO a (name) VALUES ('theirs')");
    listener l = {.stop_after = 3, .holder = &holder, .last_ns = mlp_clock_mono_ns()};
    const mlp_hook hook = {.fn = listen, .user = &l};
    assert_ok(write_sql(f->db, "INSERT INTO a (name) VALUES ('ours')", &hook, &err));
    assert_null(l.holder);
    assert_true(l.calls >= 3);
    assert_int_equal(count_of(f->db, "SELECT count(*) FROM a"), 1); /* theirs was never committed */
}

static void the_hook_cancels_the_waiting(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    other holder = start_other(f->path, "BEGIN EXCLUSIVE");
    listener l = {.stop_after = 2, .last_ns = mlp_clock_mono_ns()};
    const mlp_hook hook = {.fn = listen, .user = &l};
    assert_status(write_sql(f->db, "INSERT INTO a (name) VALUES ('ours')", &hook, &err), MLPLAT_CANCELLED);
    assert_int_equal(l.calls, 2);
    end_other(&holder);
    assert_ok(write_sql(f->db, "INSERT INTO a (name) VALUES ('ours')", &hook, &err));
}

static void waiting_ends_at_its_limit(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_db *db = open_db(f->path, 120);
    other holder = start_other(f->path, "BEGIN EXCLUSIVE");
    count c = {.sql = "SELECT 1"};
    assert_status(write_sql(db, "INSERT INTO a (name) VALUES ('ours')", NULL, &err), MLPLAT_TIMEOUT);
    assert_non_null(strstr(err.message, "store.db"));
    assert_status(mlp_db_read(db, count_fn, &c, NULL, &err), MLPLAT_TIMEOUT); /* no write-ahead log: readers wait too */
    mlp_db *late = open_db(f->path, 120);                                     /* opening does not wait */
    assert_status(mlp_db_read(late, count_fn, &c, NULL, &err), MLPLAT_TIMEOUT);
    end_other(&holder);
    assert_ok(mlp_db_read(late, count_fn, &c, NULL, &err));
    mlp_db_close(late);
    mlp_db_close(db);
}

static void a_commit_waits_for_readers(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    other reader = start_other(f->path, "BEGIN; SELECT count(*) FROM a");
    listener l = {.stop_after = 2, .holder = &reader, .last_ns = mlp_clock_mono_ns()};
    const mlp_hook hook = {.fn = listen, .user = &l};
    assert_ok(write_sql(f->db, "INSERT INTO a (name) VALUES ('ours')", &hook, &err));
    assert_null(l.holder);
    assert_int_equal(count_of(f->db, "SELECT count(*) FROM a"), 1);
}

enum { WRITERS = 4, EACH = 25 };

static void *write_some(void *arg)
{
    for (int i = 0; i < EACH; i++)
        if (write_sql(arg, "INSERT INTO a (n) VALUES (1)", NULL, NULL) != MLPLAT_OK)
            return arg;
    return NULL;
}

static void threads_take_turns_on_one_connection(void **state)
{
    fixture *f = *state;
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, f->db), 0);
    for (int i = 0; i < WRITERS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(count_of(f->db, "SELECT count(*) FROM a"), WRITERS * EACH);
}

static int write_as_process(const char *path, const char *ticket)
{
    mlp_db *db = NULL;
    const mlp_db_options options = {.ticket_path = ticket};
    if (mlp_db_open(path, &options, &db, NULL) != MLPLAT_OK)
        return 1;
    int code = write_some(db) ? 2 : 0;
    mlp_db_close(db);
    return code;
}

static void processes_take_turns_with_and_without_a_ticket(void **state)
{
    fixture *f = *state;
    const char *const tickets[] = {test_path(f->folder, "ticket"), NULL, test_path(f->folder, "nowhere/ticket")};
    for (size_t t = 0; t < 3; t++) {
        pid_t pids[WRITERS];
        for (int i = 0; i < WRITERS; i++)
            if ((pids[i] = fork()) == 0)
                _exit(write_as_process(f->path, tickets[t]));
        for (int i = 0; i < WRITERS; i++) {
            int code = -1;
            assert_int_equal(waitpid(pids[i], &code, 0), pids[i]);
            assert_int_equal(code, 0);
        }
        assert_int_equal(count_of(f->db, "SELECT count(*) FROM a"), (int64_t)(t + 1) * WRITERS * EACH);
    }
}

static void a_ticket_nobody_gives_back_is_only_late(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char path[1024];
    int ready[2], go[2];
    char one = 0;
    snprintf(path, sizeof path, "%s/ticket", f->folder);
    assert_int_equal(pipe(ready) | pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) { /* holds both places of the queue and sleeps */
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 2};
        int fd = open(path, O_RDWR | O_CREAT, 0600);
        close(go[1]);
        if (fcntl(fd, F_SETLK, &lock) == 0 && write(ready[1], "+", 1) == 1 && read(go[0], &one, 1) >= 0)
            _exit(0);
        _exit(1);
    }
    close(go[0]);
    assert_int_equal(read(ready[0], &one, 1), 1);
    mlp_db *db = NULL;
    const mlp_db_options options = {.ticket_path = path};
    assert_ok(mlp_db_open(f->path, &options, &db, &err));
    assert_ok(write_sql(db, "INSERT INTO a (name) VALUES ('late')", NULL, &err));
    mlp_db_close(db);
    close(go[1]);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

typedef struct newcomer {
    int go; /* a process that waits for it; -1: a thread */
    pthread_t thread;
    bool before, seen;
} newcomer;

static mlplat_status until_somebody_waits(mlp_db *db, void *ctx, mlplat_error *err)
{
    newcomer *n = ctx;
    int64_t limit = mlp_clock_mono_ns() + (int64_t)20 * 1000 * 1000 * 1000;
    (void)err;
    n->before = mlp_db_crowded(db);
    if (n->go == -1)
        assert_int_equal(pthread_create(&n->thread, NULL, write_some, db), 0);
    else
        close(n->go);
    while (!(n->seen = mlp_db_crowded(db)) && mlp_clock_mono_ns() < limit)
        ;
    return MLPLAT_OK;
}

static pid_t fork_writer(const char *path, const char *ticket, int *go)
{
    int ends[2];
    char one;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        _exit(read(ends[0], &one, 1) == 0 ? write_as_process(path, ticket) : 3);
    }
    close(ends[0]);
    *go = ends[1];
    return pid;
}

static void a_writer_sees_that_somebody_waits(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_db *db = NULL;
    int code = -1;
    const mlp_db_options options = {.ticket_path = test_path(f->folder, "ticket")};
    newcomer thread = {.go = -1}, process = {0};
    pid_t pid = fork_writer(f->path, options.ticket_path, &process.go);
    assert_ok(mlp_db_open(f->path, &options, &db, &err));
    assert_ok(mlp_db_write(db, until_somebody_waits, &thread, NULL, &err));
    pthread_join(thread.thread, NULL);
    assert_ok(mlp_db_write(db, until_somebody_waits, &process, NULL, &err));
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_int_equal(code, 0);
    assert_true(!thread.before && thread.seen && !process.before && process.seen);
    assert_int_equal(count_of(f->db, "SELECT count(*) FROM a"), 2 * EACH);
    mlp_db_close(db);
}

static void a_forked_child_may_leave_its_copy_alone(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int code = -1;
    assert_ok(write_sql(f->db, "INSERT INTO a (name) VALUES ('before')", NULL, &err));
    pid_t pid = fork();
    if (pid == 0) {
        mlp_db_abandon(f->db);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_int_equal(code, 0);
    assert_ok(write_sql(f->db, "INSERT INTO a (name) VALUES ('after')", NULL, &err));
    assert_int_equal(count_of(f->db, "SELECT count(*) FROM a"), 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(bad_files_are_told_apart),
        CASE(without_permission_the_folder_or_file_is_named),
        CASE(a_file_that_may_not_grow_is_told_as_that_and_stays_whole),
        CASE(the_connection_is_hardened),
        CASE(failures_of_statements_have_their_status),
        CASE(values_come_back_as_they_were_bound),
        CASE(statements_nest_and_failures_stick),
        CASE(more_texts_than_are_kept_still_work),
        CASE(a_failed_function_leaves_nothing),
        CASE(a_writer_waits_for_another_process),
        CASE(the_hook_cancels_the_waiting),
        CASE(waiting_ends_at_its_limit),
        CASE(a_commit_waits_for_readers),
        CASE(threads_take_turns_on_one_connection),
        CASE(processes_take_turns_with_and_without_a_ticket),
        CASE(a_ticket_nobody_gives_back_is_only_late),
        CASE(a_writer_sees_that_somebody_waits),
        CASE(a_forked_child_may_leave_its_copy_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
