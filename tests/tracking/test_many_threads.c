/* Sixteen threads on one session, and on one run of it, at once: for ThreadSanitizer, and counted in any build. */
#include "support/support.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 16, ROUNDS = 40 };

typedef struct {
    mlplat *ml;
    mlplat_run *run;
    int number;
    atomic_int *failed;
} worker;

static bool went_well(worker *w, mlplat_status status, const mlplat_error *err)
{
    if (status == MLPLAT_OK)
        return true;
    fprintf(stderr, "thread %d: %s\n", w->number, err->message);
    atomic_fetch_add(w->failed, 1);
    return false;
}

static bool log_round(worker *w, int round, mlplat_error *err)
{
    char own[40], tag[40];
    snprintf(own, sizeof own, "own %d", w->number);
    snprintf(tag, sizeof tag, "tag %d", w->number);
    return went_well(w, mlplat_run_log_metric(w->run, "shared", round, w->number * ROUNDS + round, err), err) &&
           went_well(w, mlplat_run_log_metric(w->run, own, round, round, err), err) &&
           went_well(w, mlplat_run_set_tag(w->run, tag, "seen", err), err);
}

/* Every few rounds a thread reads, waits, or makes a run of its own, while the others go on. */
static bool look_round(worker *w, int round, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_run *own = NULL;
    bool well = true;
    if ((round + w->number) % 10 == 0)
        well = went_well(w, mlplat_metric_history(w->ml, mlplat_run_id(w->run), "shared", 1000, NULL, &doc, err), err);
    if ((round + w->number) % 13 == 0)
        well = well && went_well(w, mlplat_flush(w->ml, 60000, err), err);
    if (round == w->number) {
        well = well && went_well(w, mlplat_run_start(w->ml, NULL, &own, err), err) &&
               went_well(w, mlplat_run_log_metric(own, "of its own", 1, 0, err), err) &&
               went_well(w, mlplat_run_end(own, NULL, err), err);
        mlplat_run_free(own);
    }
    mlplat_doc_free(doc);
    return well;
}

static void *work(void *user)
{
    worker *w = user;
    mlplat_error err = {0};
    for (int round = 0; round < ROUNDS; round++)
        if (!log_round(w, round, &err) || !look_round(w, round, &err))
            return NULL;
    return NULL;
}

static size_t points_of(mlplat *ml, const char *run_id, const char *key)
{
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    size_t n = 0;
    assert_ok(mlplat_metric_history(ml, run_id, key, 2000, NULL, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "metrics", &n, &err));
    mlplat_doc_free(doc);
    return n;
}

static void sixteen_threads_share_a_session_and_a_run(void **state)
{
    char *folder = test_folder_make();
    pthread_t threads[THREADS];
    worker workers[THREADS];
    atomic_int failed = 0;
    mlplat *ml = NULL;
    mlplat_run *run = NULL;
    mlplat_doc *runs = NULL;
    mlplat_error err = {0};
    size_t n = 0;
    (void)state;
    assert_ok(test_try_open(folder, &ml, &err));
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.ml = ml, .run = run, .number = i, .failed = &failed};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(failed, 0);
    assert_ok(mlplat_flush(ml, 60000, &err));
    assert_int_equal(points_of(ml, mlplat_run_id(run), "shared"), THREADS * ROUNDS);
    assert_int_equal(points_of(ml, mlplat_run_id(run), "own 15"), ROUNDS);
    assert_ok(mlplat_run_search(ml, NULL, &runs, &err));
    assert_ok(mlplat_doc_size(runs, "runs", &n, &err));
    assert_int_equal(n, 1 + THREADS);
    mlplat_doc_free(runs);
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_threads_share_a_session_and_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
