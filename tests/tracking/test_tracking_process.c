/* Many at once: threads, processes, kill -9, fork. The helpers are this program itself, started with words. */
#include "support/support.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, THREADS = 4, POINTS = 1500 };

static mlplat *open_in(const char *folder)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    test_told(test_try_open(folder, &ml, &err), &err);
    return ml;
}

/* ---- what helpers do ------------------------------------------------------------------------------------------- */

typedef struct worker {
    pthread_t thread;
    mlplat_run *run;
    char key[32];
    int n, failed;
} worker;

static void *work(void *arg)
{
    worker *w = arg;
    for (int i = 0; i < w->n; i++) {
        mlplat_error err = {0};
        w->failed += test_told(mlplat_run_log_metric(w->run, w->key, i * 0.5, i, &err), &err);
        if (i % 100 == 0)
            w->failed += test_told(mlplat_run_set_tag(w->run, w->key, "logging", &err), &err);
    }
    return NULL;
}

static int log_with_threads(mlplat_run *run, const char *prefix, int threads, int n)
{
    worker workers[THREADS] = {{0}};
    int failed = 0;
    for (int i = 0; i < threads; i++) {
        workers[i].run = run;
        workers[i].n = n;
        snprintf(workers[i].key, sizeof workers[i].key, "%s.%d", prefix, i);
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        failed += workers[i].failed;
    }
    return failed;
}

/* log <folder> <run id> <prefix> */
static int helper_log(char **argv)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat *ml = open_in(argv[2]);
    if (!ml || test_told(mlplat_run_attach(ml, argv[3], &run, &err), &err))
        return 1;
    int failed = log_with_threads(run, argv[4], THREADS, POINTS);
    mlplat_run_free(run);
    mlplat_close(ml);
    return failed != 0;
}

/* forever <folder> <run id>: a line "<step>" after each accepted point, until it is killed. */
static int helper_forever(char **argv)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat *ml = open_in(argv[2]);
    if (!ml || test_told(mlplat_run_attach(ml, argv[3], &run, &err), &err))
        return 1;
    for (int i = 0;; i++) {
        char line[16];
        if (test_told(mlplat_run_log_metric(run, "m", i, i, &err), &err))
            return 1;
        int n = snprintf(line, sizeof line, "%d\n", i);
        if (write(1, line, (size_t)n) != n)
            return 0;
    }
}

/* ensure <folder> <name>: its id on standard output */
static int helper_ensure(char **argv)
{
    mlplat_error err = {0};
    char *id = NULL;
    mlplat *ml = open_in(argv[2]);
    if (!ml || test_told(mlplat_experiment_ensure(ml, argv[3], &id, &err), &err))
        return 1;
    char line[32];
    int n = snprintf(line, sizeof line, "%s\n", id);
    int failed = write(1, line, (size_t)n) != n;
    mlplat_free(id);
    mlplat_close(ml);
    return failed;
}

/* run <folder>: a whole small run */
static int helper_run(char **argv)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat *ml = open_in(argv[2]);
    if (!ml || test_told(mlplat_run_start(ml, NULL, &run, &err), &err) ||
        test_told(mlplat_run_log_param(run, "p", "1", &err), &err) ||
        test_told(mlplat_run_log_metric(run, "m", 1, 0, &err), &err) ||
        test_told(mlplat_run_end(run, NULL, &err), &err))
        return 1;
    mlplat_run_free(run);
    mlplat_close(ml);
    return 0;
}

/* ---- starting them --------------------------------------------------------------------------------------------- */

/* Starts this program with words; its standard output can be read from *out if that is not NULL. */
static pid_t spawn(int *out, const char *what, const char *folder, const char *a, const char *b)
{
    int ends[2] = {-1, -1};
    char self[1024];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    if (out)
        assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (out)
            dup2(ends[1], 1);
        execl(self, self, what, folder, a, b, (char *)NULL);
        _exit(127);
    }
    if (out) {
        close(ends[1]);
        *out = ends[0];
    }
    return pid;
}

static size_t count_points(mlplat *ml, const char *run_id, const char *key, const mlplat_doc **last)
{
    mlplat_error err = {0};
    static mlplat_doc *doc;
    size_t n = 0;
    mlplat_doc_free(doc);
    doc = NULL;
    assert_ok(mlplat_metric_history(ml, run_id, key, 0, NULL, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "metrics", &n, &err));
    if (last)
        *last = doc;
    return n;
}

/* Each step from 0 on is there once. */
static void assert_steps(const mlplat_doc *doc, size_t n)
{
    char path[40];
    char *seen = calloc(n, 1);
    for (size_t i = 0; i < n; i++) {
        int64_t step = -1;
        mlplat_error err = {0};
        snprintf(path, sizeof path, "metrics[%zu].step", i);
        assert_ok(mlplat_doc_int(doc, path, &step, &err));
        assert_true(step >= 0 && step < (int64_t)n && !seen[step]);
        seen[step] = 1;
    }
    free(seen);
}

/* ---- tests ----------------------------------------------------------------------------------------------------- */

static void processes_and_threads_log_to_one_run(void **state)
{
    (void)state;
    char *folder = test_folder_make(), key[32];
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    pid_t pids[PROCESSES];
    static const char *const prefixes[PROCESSES] = {"a", "b", "c", "d"};
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = spawn(NULL, "log", folder, mlplat_run_id(run), prefixes[i]);
    assert_int_equal(log_with_threads(run, "own", THREADS, POINTS), 0);
    for (int i = 0; i < PROCESSES; i++)
        test_wait_good(pids[i]);
    for (int i = 0; i <= PROCESSES; i++)
        for (int t = 0; t < THREADS; t++) {
            const mlplat_doc *doc;
            snprintf(key, sizeof key, "%s.%d", i == PROCESSES ? "own" : prefixes[i], t);
            assert_int_equal(count_points(ml, mlplat_run_id(run), key, &doc), POINTS);
            assert_steps(doc, POINTS);
        }
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

static void a_killed_process_loses_no_accepted_point(void **state)
{
    (void)state;
    static const int after[] = {1, 40, 500, 3000};
    char *folder = test_folder_make();
    for (size_t round = 0; round < sizeof after / sizeof after[0]; round++) {
        mlplat *ml = test_open(folder);
        mlplat_run *run = test_run_start(ml);
        char id[64], line[16];
        snprintf(id, sizeof id, "%s", mlplat_run_id(run));
        mlplat_run_free(run);
        mlplat_close(ml);
        int out = -1, last = -1;
        pid_t pid = spawn(&out, "forever", folder, id, NULL);
        FILE *lines = fdopen(out, "r");
        while (fgets(line, sizeof line, lines)) {
            last = atoi(line);
            if (last + 1 == after[round])
                kill(pid, SIGKILL);
        }
        fclose(lines);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_true(last + 1 >= after[round]);
        const mlplat_doc *doc;
        ml = test_open(folder);
        size_t n = count_points(ml, id, "m", &doc);
        assert_in_range(n, (size_t)last + 1, (size_t)last + 2); /* one may be in without its line being out */
        assert_steps(doc, n);
        mlplat_close(ml);
    }
    test_folder_remove(folder);
}

static void sixteen_processes_ensure_one_experiment(void **state)
{
    (void)state;
    enum { N = 16 };
    char *folder = test_folder_make(), first[32] = "", line[32];
    pid_t pids[N];
    int outs[N];
    for (int i = 0; i < N; i++) /* on an empty folder: they make the store at once too */
        pids[i] = spawn(&outs[i], "ensure", folder, "shared", NULL);
    for (int i = 0; i < N; i++) {
        FILE *f = fdopen(outs[i], "r");
        assert_non_null(fgets(line, sizeof line, f));
        fclose(f);
        test_wait_good(pids[i]);
        if (!*first)
            memcpy(first, line, sizeof first);
        assert_string_equal(line, first);
    }
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    size_t n = 0;
    mlplat *ml = test_open(folder);
    assert_ok(mlplat_experiment_search(ml, NULL, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "experiments", &n, &err));
    assert_int_equal(n, 2);
    mlplat_doc_free(doc);
    mlplat_close(ml);
    test_folder_remove(folder);
}

static void processes_run_side_by_side(void **state)
{
    (void)state;
    enum { N = 8 };
    char *folder = test_folder_make();
    pid_t pids[N];
    for (int i = 0; i < N; i++)
        pids[i] = spawn(NULL, "run", folder, NULL, NULL);
    for (int i = 0; i < N; i++)
        test_wait_good(pids[i]);
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    size_t n = 0;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = "status = 'FINISHED' AND metrics.m = 1 AND params.p = '1'";
    mlplat *ml = test_open(folder);
    assert_ok(mlplat_run_search(ml, &q, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "runs", &n, &err));
    assert_int_equal(n, N);
    mlplat_doc_free(doc);
    mlplat_close(ml);
    assert_int_equal(access(test_path(folder, "mlflow.db.spool"), F_OK), -1);
    test_folder_remove(folder);
}

static void two_sessions_of_one_process_share_a_store(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make();
    mlplat *a = test_open(folder), *b = test_open(folder);
    mlplat_run *run = test_run_start(a), *same = NULL;
    assert_ok(mlplat_run_attach(b, mlplat_run_id(run), &same, &err));
    for (int i = 0; i < 200; i++) {
        assert_ok(mlplat_run_log_metric(run, "a", i, i, &err));
        assert_ok(mlplat_run_log_metric(same, "b", i, i, &err));
    }
    assert_ok(mlplat_flush(b, -1, &err));
    assert_int_equal(count_points(a, mlplat_run_id(run), "a", NULL), 200);
    assert_int_equal(count_points(a, mlplat_run_id(run), "b", NULL), 200);
    mlplat_run_free(same);
    mlplat_close(b);
    assert_ok(mlplat_run_log_metric(run, "a", 200, 200, &err));
    assert_int_equal(count_points(a, mlplat_run_id(run), "a", NULL), 201);
    mlplat_run_free(run);
    mlplat_close(a);
    test_folder_remove(folder);
}

static void counts_of_another_size_are_refused_or_cut(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make();
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    mlplat_spool_counts counts = {0};
    assert_ok(mlplat_run_log_metric(run, "m", 1, 1, &err));
    assert_status(mlplat_spool_count(ml, &counts, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "sizeof(mlplat_spool_counts)"));
    counts.size = sizeof counts.size + sizeof counts.accepted; /* of a program that is older than the others */
    counts.durable = 77;
    assert_ok(mlplat_spool_count(ml, &counts, &err));
    assert_int_equal(counts.accepted, 1);
    assert_int_equal(counts.durable, 77);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

/* Returns 0 if every call answered STATE. */
static int child_of_fork(mlplat *ml, mlplat_run *run)
{
    int wrong = 0;
    mlplat_doc *doc = NULL;
    mlplat_run *more = NULL;
    mlplat_spool_counts counts = {.size = sizeof counts};
    wrong += mlplat_run_log_metric(run, "m", 1, 1000, NULL) != MLPLAT_STATE;
    wrong += mlplat_run_set_tag(run, "t", "child", NULL) != MLPLAT_STATE;
    wrong += mlplat_run_log_param(run, "p", "child", NULL) != MLPLAT_STATE;
    wrong += mlplat_run_end(run, NULL, NULL) != MLPLAT_STATE;
    wrong += mlplat_run_get(ml, mlplat_run_id(run), &doc, NULL) != MLPLAT_STATE;
    wrong += mlplat_run_start(ml, NULL, &more, NULL) != MLPLAT_STATE;
    wrong += mlplat_spool_count(ml, &counts, NULL) != MLPLAT_STATE;
    wrong += mlplat_run_log_text(run, "x", "x.txt", NULL) != MLPLAT_STATE;
    mlplat_run_free(run);
    mlplat_close(ml);
    return wrong;
}

static void a_forked_child_is_told_and_the_parent_goes_on(void **state)
{
    (void)state;
    NEEDS_PLAIN_MEMORY();
    mlplat_error err = {0};
    int status = 0;
    char *folder = test_folder_make();
    mlplat *ml = test_open(folder);
    mlplat_run *run = test_run_start(ml);
    for (int i = 0; i < 300; i++)
        assert_ok(mlplat_run_log_metric(run, "m", i, i, &err));
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_of_fork(ml, run));
    for (int i = 300; i < 600; i++)
        assert_ok(mlplat_run_log_metric(run, "m", i, i, &err));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(count_points(ml, mlplat_run_id(run), "m", NULL), 600);
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *what;
        int (*run)(char **argv);
    } helpers[] = {{"log", helper_log}, {"forever", helper_forever}, {"ensure", helper_ensure}, {"run", helper_run}};
    for (size_t i = 0; argc > 2 && i < sizeof helpers / sizeof helpers[0]; i++)
        if (strcmp(argv[1], helpers[i].what) == 0)
            return helpers[i].run(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_and_threads_log_to_one_run),
        cmocka_unit_test(a_killed_process_loses_no_accepted_point),
        cmocka_unit_test(sixteen_processes_ensure_one_experiment),
        cmocka_unit_test(processes_run_side_by_side),
        cmocka_unit_test(two_sessions_of_one_process_share_a_store),
        cmocka_unit_test(counts_of_another_size_are_refused_or_cut),
        cmocka_unit_test(a_forked_child_is_told_and_the_parent_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
