/*
 * Fork in the middle of things. An inherited handle answers STATE at once; a child opens a session of its own on the
 * same store, whatever the parent's threads were doing, and both keep every point. MLPLAT_HEAVY=1: 1,000 forks.
 */
#include "db/db.h"
#include "support/support.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, CHILD_POINTS = 20, LIMIT_S = 60 };

static int in_child;

/* LeakSanitizer asks this at a process's end: a child leaves with what its parent's threads had in their hands. */
int __lsan_is_turned_off(void);
__attribute__((visibility("default"), used)) int __lsan_is_turned_off(void)
{
    return in_child;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what children do: 0 is good -------------------------------------------------------------------------------- */

static mlplat *own_session(const char *folder)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    test_told(test_try_open(folder, &ml, &err), &err);
    return ml;
}

/* Logs to the run under a key of its own, in a session of its own. */
static int log_as_child(const char *folder, const char *run_id, const char *key)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat *ml = own_session(folder);
    int failed = !ml || test_told(mlplat_run_attach(ml, run_id, &run, &err), &err);
    for (int i = 0; i < CHILD_POINTS && !failed; i++)
        failed = test_told(mlplat_run_log_metric(run, key, i, i, &err), &err);
    if (!failed)
        failed = test_told(mlplat_run_log_param(run, key, "child", &err), &err);
    mlplat_run_free(run);
    mlplat_close(ml);
    return failed;
}

/* What the parent had: each call answers STATE, all of them at once, and it can be given back. */
static int inherited_answers_state(mlplat *ml, mlplat_run *run)
{
    mlplat_doc *doc = NULL;
    int64_t begin = now_ms();
    int wrong = mlplat_run_log_metric(run, "m", 1, 1000000, NULL) != MLPLAT_STATE;
    wrong += mlplat_run_set_tag(run, "t", "child", NULL) != MLPLAT_STATE;
    wrong += mlplat_run_log_param(run, "p", "child", NULL) != MLPLAT_STATE;
    wrong += mlplat_run_search(ml, NULL, &doc, NULL) != MLPLAT_STATE;
    wrong += mlplat_model_version_get(ml, "none", "1", &doc, NULL) != MLPLAT_STATE;
    wrong += mlplat_flush(ml, -1, NULL) != MLPLAT_STATE;
    mlplat_run_free(run);
    mlplat_close(ml);
    if (now_ms() - begin > 2000)
        wrong += 100;
    return wrong;
}

static pid_t fork_within_limit(void)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    in_child += pid == 0;
    if (pid == 0)
        alarm(LIMIT_S); /* a child that hangs dies of it */
    return pid;
}

/* ---- what the parent has ---------------------------------------------------------------------------------------- */

/* Steps 0 to n - 1 are there, each once. */
static void assert_points(mlplat *ml, const char *run_id, const char *key, size_t n)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    size_t found = 0;
    char path[40], *seen = calloc(n + 1, 1);
    assert_ok(mlplat_metric_history(ml, run_id, key, 0, NULL, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "metrics", &found, &err));
    if (found != n)
        fail_msg("%s has %zu points, not %zu", key, found, n);
    for (size_t i = 0; i < n; i++) {
        int64_t step = -1;
        snprintf(path, sizeof path, "metrics[%zu].step", i);
        assert_ok(mlplat_doc_int(doc, path, &step, &err));
        assert_true(step >= 0 && step < (int64_t)n && !seen[step]);
        seen[step] = 1;
    }
    free(seen);
    mlplat_doc_free(doc);
}

static void assert_sound(const char *folder)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(test_path(folder, "mlflow.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* A thread that logs until it is told to stop. */
typedef struct logger {
    pthread_t thread;
    mlplat_run *run;
    char key[16];
    atomic_int *stop;
    size_t logged;
    int failed;
} logger;

static void *log_on(void *arg)
{
    logger *l = arg;
    const struct timespec nap = {.tv_nsec = 50000};
    while (!atomic_load(l->stop) && !l->failed) {
        mlplat_error err = {0};
        l->failed = test_told(mlplat_run_log_metric(l->run, l->key, 0.5, (int64_t)l->logged, &err), &err);
        if (!l->failed && ++l->logged % 64 == 0) /* waits for the store, as params and the end of a run do */
            l->failed = test_told(mlplat_run_log_param(l->run, l->key, "same", &err), &err);
        nanosleep(&nap, NULL);
    }
    return NULL;
}

static void start_loggers(logger *loggers, mlplat_run *run, atomic_int *stop)
{
    for (int i = 0; i < THREADS; i++) {
        loggers[i] = (logger){.run = run, .stop = stop};
        snprintf(loggers[i].key, sizeof loggers[i].key, "thread.%d", i);
        assert_int_equal(pthread_create(&loggers[i].thread, NULL, log_on, &loggers[i]), 0);
    }
}

static void stop_loggers(logger *loggers, atomic_int *stop)
{
    atomic_store(stop, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(loggers[i].thread, NULL);
        assert_int_equal(loggers[i].failed, 0);
    }
}

/* ---- tests ----------------------------------------------------------------------------------------------------- */

/* One third of the children only look at what they inherited, the others go on with sessions of their own. */
static void forks_at_random_moments_of_logging_threads(void **state)
{
    (void)state;
    NEEDS_PLAIN_MEMORY();
    const char *heavy = getenv("MLPLAT_HEAVY");
    int forks = heavy && *heavy == '1' ? 1000 : 20;
    char *folder = test_folder_make(), key[16];
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    logger loggers[THREADS];
    atomic_int stop = 0;
    int64_t longest = 0;
    unsigned chance = 12345;
    start_loggers(loggers, run, &stop);
    for (int i = 0; i < forks; i++) {
        const struct timespec nap = {.tv_nsec = rand_r(&chance) % 8000000};
        nanosleep(&nap, NULL);
        int64_t begin = now_ms();
        snprintf(key, sizeof key, "child.%d", i);
        pid_t pid = fork_within_limit();
        if (pid == 0)
            _exit((i % 3 != 1 ? log_as_child(folder, mlplat_run_id(run), key) : 0) + inherited_answers_state(ml, run));
        longest = now_ms() - begin > longest ? now_ms() - begin : longest;
        test_wait_good(pid);
    }
    stop_loggers(loggers, &stop);
    print_message("%d forks, the longest took %lld ms\n", forks, (long long)longest);
    for (int i = 0; i < THREADS; i++)
        assert_points(ml, mlplat_run_id(run), loggers[i].key, loggers[i].logged);
    for (int i = 0; i < forks; i++) {
        snprintf(key, sizeof key, "child.%d", i);
        assert_points(ml, mlplat_run_id(run), key, i % 3 != 1 ? CHILD_POINTS : 0);
    }
    mlplat_run_free(run);
    mlplat_close(ml);
    assert_sound(folder);
    test_folder_remove(folder);
}

static void forks_right_after_logging(void **state)
{
    (void)state;
    NEEDS_PLAIN_MEMORY();
    enum { N = 300, FORKS = 20 };
    mlplat_error err = {0};
    char *folder = test_folder_make(), key[16];
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    for (int k = 0; k < FORKS; k++) {
        for (int i = 0; i < N; i++)
            assert_ok(mlplat_run_log_metric(run, "m", i, k * N + i, &err));
        snprintf(key, sizeof key, "child.%d", k);
        pid_t pid = fork_within_limit();
        if (pid == 0)
            _exit(log_as_child(folder, mlplat_run_id(run), key));
        test_wait_good(pid);
        assert_points(ml, mlplat_run_id(run), key, CHILD_POINTS);
    }
    assert_points(ml, mlplat_run_id(run), "m", (size_t)N * FORKS);
    mlplat_run_free(run);
    mlplat_close(ml);
    assert_sound(folder);
    test_folder_remove(folder);
}

/* A thread of the parent that is in a write transaction until it is told to end it. */
typedef struct holder {
    mlp_db *db;
    atomic_int in, stop;
    mlplat_status status;
} holder;

static mlplat_status hold(mlp_db *db, void *ctx, mlplat_error *err)
{
    holder *h = ctx;
    mlplat_status s = mlp_db_exec(db, err, "UPDATE runs SET name = 'held'", 0);
    atomic_store(&h->in, 1);
    while (s == MLPLAT_OK && !atomic_load(&h->stop))
        s = mlp_db_exec(db, err, "UPDATE runs SET name = 'held'", 0);
    return s;
}

static void *hold_on(void *arg)
{
    holder *h = arg;
    mlplat_error err = {0};
    h->status = mlp_db_write(h->db, hold, h, NULL, &err);
    return NULL;
}

static void a_fork_inside_a_write_transaction(void **state)
{
    (void)state;
    NEEDS_PLAIN_MEMORY();
    char *folder = test_folder_make();
    mlplat_error err = {0};
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    const mlp_db_options options = {0};
    holder h = {0};
    pthread_t thread;
    assert_ok(mlp_db_open(test_path(folder, "mlflow.db"), &options, &h.db, &err));
    assert_int_equal(pthread_create(&thread, NULL, hold_on, &h), 0);
    while (!atomic_load(&h.in))
        sched_yield();
    pid_t pid = fork_within_limit();
    if (pid == 0)
        _exit(log_as_child(folder, mlplat_run_id(run), "child"));
    atomic_store(&h.stop, 1);
    pthread_join(thread, NULL);
    assert_int_equal(h.status, MLPLAT_OK);
    test_wait_good(pid);
    mlp_db_close(h.db);
    assert_points(ml, mlplat_run_id(run), "child", CHILD_POINTS);
    mlplat_run_free(run);
    mlplat_close(ml);
    assert_sound(folder);
    test_folder_remove(folder);
}

static mlplat_status rename_all(mlp_db *db, void *ctx, mlplat_error *err)
{
    (void)ctx;
    return mlp_db_exec(db, err, "UPDATE runs SET name = 'renamed'", 0);
}

static void nothing_runs_on_a_connection_of_the_parent(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    mlplat_error err = {0};
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    const mlp_db_options options = {0};
    mlp_db *db = NULL;
    assert_ok(mlp_db_open(test_path(folder, "mlflow.db"), &options, &db, &err));
    pid_t pid = fork_within_limit();
    if (pid == 0)
        _exit(mlp_db_write(db, rename_all, NULL, NULL, NULL) != MLPLAT_STATE);
    test_wait_good(pid);
    assert_ok(mlp_db_write(db, rename_all, NULL, NULL, &err));
    mlp_db_close(db);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

/* The store has the points of both, and is sound. */
static void end_with_both(char *folder, const char *id, size_t of_parent)
{
    mlplat *ml = test_open(folder);
    assert_points(ml, id, "parent", of_parent);
    assert_points(ml, id, "child", CHILD_POINTS);
    mlplat_close(ml);
    assert_sound(folder);
    test_folder_remove(folder);
}

/* The last one to leave removes the write-ahead log: it must see that a child is still there. */
static void a_child_goes_on_when_its_parent_has_closed(void **state)
{
    (void)state;
    mlplat_error err = {0};
    int ready[2], closed[2];
    char *folder = test_folder_make(), id[64], byte = 0;
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    snprintf(id, sizeof id, "%s", mlplat_run_id(run));
    assert_ok(mlplat_run_log_metric(run, "parent", 1, 0, &err));
    assert_ok(mlplat_flush(ml, -1, &err)); /* so that no thread is busy */
    assert_true(pipe(ready) == 0 && pipe(closed) == 0);
    pid_t pid = fork_within_limit();
    if (pid == 0) {
        mlplat_run *mine = NULL;
        close(closed[1]);
        mlplat *own = own_session(folder);
        int failed = !own || test_told(mlplat_run_attach(own, id, &mine, &err), &err) || write(ready[1], "r", 1) != 1;
        failed += read(closed[0], &byte, 1) != 0;
        for (int i = 0; i < CHILD_POINTS && !failed; i++)
            failed = test_told(mlplat_run_log_metric(mine, "child", i, i, &err), &err);
        mlplat_run_free(mine);
        mlplat_close(own);
        _exit(failed);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    mlplat_run_free(run);
    mlplat_close(ml);
    assert_int_equal(access(test_path(folder, "mlflow.db-wal"), F_OK), 0);
    close(closed[0]);
    close(closed[1]);
    test_wait_good(pid);
    close(ready[0]);
    close(ready[1]);
    end_with_both(folder, id, 1);
}

/* A parent that is killed: its child is there to bring in what it had accepted. */
static void a_child_outlives_its_killed_parent(void **state)
{
    (void)state;
    NEEDS_PLAIN_MEMORY();
    enum { N = 2000 };
    char *folder = test_folder_make(), id[64], byte = 0;
    int out[2];
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    snprintf(id, sizeof id, "%s", mlplat_run_id(run));
    mlplat_run_free(run);
    mlplat_close(ml);
    assert_int_equal(pipe(out), 0);
    pid_t parent = fork_within_limit();
    if (parent == 0) {
        mlplat_error err = {0};
        int killed[2];
        ml = own_session(folder);
        if (!ml || test_told(mlplat_run_attach(ml, id, &run, &err), &err) || pipe(killed))
            _exit(1);
        for (int i = 0; i < N; i++)
            if (test_told(mlplat_run_log_metric(run, "parent", i, i, &err), &err))
                _exit(1);
        if (fork() == 0) {
            alarm(LIMIT_S);
            close(killed[1]);
            int failed = read(killed[0], &byte, 1) != 0; /* the parent's end is closed by its death */
            failed += inherited_answers_state(ml, run) + log_as_child(folder, id, "child");
            byte = (char)failed;
            _exit(write(out[1], &byte, 1) != 1);
        }
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_true(WIFSIGNALED(status));
    close(out[1]);
    assert_int_equal(read(out[0], &byte, 1), 1);
    assert_int_equal(byte, 0);
    close(out[0]);
    end_with_both(folder, id, N);
}

/* exit() runs what a program registered, and its destructors: nothing of the parent's is done twice. */
static void a_child_that_leaves_by_exit(void **state)
{
    (void)state;
    NEEDS_PLAIN_MEMORY();
    mlplat_error err = {0};
    char *folder = test_folder_make();
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    logger loggers[THREADS];
    atomic_int stop = 0;
    start_loggers(loggers, run, &stop);
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork_within_limit();
        if (pid == 0) {
            if (i % 2)
                mlplat_close(ml);
            exit(0);
        }
        test_wait_good(pid);
    }
    stop_loggers(loggers, &stop);
    for (int i = 0; i < THREADS; i++)
        assert_points(ml, mlplat_run_id(run), loggers[i].key, loggers[i].logged);
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    mlplat_close(ml);
    assert_int_equal(access(test_path(folder, "mlflow.db.spool"), F_OK), -1);
    test_folder_remove(folder);
}

static int fork_now(void *user, uint64_t done, uint64_t total)
{
    pid_t *pid = user;
    (void)done, (void)total;
    *pid = fork_within_limit();
    return 0;
}

/* In the child the connection is of no use any more, in the middle of its transaction. */
static mlplat_status call_a_hook_that_forks(mlp_db *db, void *ctx, mlplat_error *err)
{
    pid_t pid = -1;
    const mlp_hook hook = {.fn = fork_now, .user = &pid};
    const char *folder = ctx;
    mlplat_status s = mlp_db_exec(db, err, "UPDATE runs SET name = 'by the parent'", 0);
    if (s == MLPLAT_OK)
        s = mlp_hook_call(&hook, 0, 0, "the test", err);
    if (pid == 0)
        _exit((mlp_db_exec(db, NULL, "SELECT 1", 0) != MLPLAT_STATE) + (own_session(folder) == NULL));
    assert_true(pid > 0);
    test_wait_good(pid);
    return s;
}

/* The caller's own function forks while the library waits for it. */
static void a_fork_in_a_progress_function(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    mlplat_error err = {0};
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    const mlp_db_options options = {0};
    mlp_db *db = NULL;
    int64_t begin = now_ms();
    assert_ok(mlp_db_open(test_path(folder, "mlflow.db"), &options, &db, &err));
    assert_ok(mlplat_flush(ml, -1, &err));
    assert_ok(mlp_db_write(db, call_a_hook_that_forks, folder, NULL, &err));
    assert_true(now_ms() - begin < 5000); /* nobody waited for the limit of a fork */
    mlp_db_close(db);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forks_right_after_logging),
        cmocka_unit_test(a_fork_inside_a_write_transaction),
        cmocka_unit_test(nothing_runs_on_a_connection_of_the_parent),
        cmocka_unit_test(a_child_goes_on_when_its_parent_has_closed),
        cmocka_unit_test(a_child_outlives_its_killed_parent),
        cmocka_unit_test(a_child_that_leaves_by_exit),
        cmocka_unit_test(a_fork_in_a_progress_function),
        cmocka_unit_test(forks_at_random_moments_of_logging_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
