/*
 * One of many: opens a store together with others, and does with each of its threads whatever a program does with one.
 *
 *     fault_crowd NAME THREADS ROUNDS POINTS
 *
 * Starts when its standard input ends, so that all start at once. Prints a line for each run, "run <id> <points>", and
 * for each kind of call the longest one, "longest <call> <milliseconds>". A call that fails ends it with 1.
 */
#include <mlplat.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { OPEN, START, METRIC, TAG, PARAM, SEARCH, REGISTER, END, FLUSH, KINDS, THREADS_MOST = 64 };
static const char *const names[KINDS] = {"open", "start", "metric", "tag", "param", "search", "register", "end",
                                         "flush"};

typedef struct worker {
    pthread_t thread;
    mlplat *ml;
    const char *name;
    int number, rounds, points;
    double longest[KINDS];
} worker;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void call(worker *w, int kind, double begin, mlplat_status s, const mlplat_error *err)
{
    double took = now() - begin;
    if (took > w->longest[kind])
        w->longest[kind] = took;
    if (s != MLPLAT_OK) {
        fprintf(stderr, "%s: %s: %s after %.0f ms\n", names[kind], mlplat_status_name(s), err->message, took);
        _exit(1);
    }
}

#define CALL(w, kind, what)                                                                                            \
    do {                                                                                                               \
        double begin_ms = now();                                                                                       \
        mlplat_status said = (what);                                                                                   \
        call(w, kind, begin_ms, said, &err);                                                                           \
    } while (0)

/* Everybody wants to be the one who makes the model. */
static mlplat_status ensure_model(mlplat *ml, mlplat_error *err)
{
    mlplat_status s = mlplat_registered_model_create(ml, "shared", NULL, NULL, err);
    return s == MLPLAT_EXISTS ? MLPLAT_OK : s;
}

static void one_round(worker *w, int round)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *found = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    char name[64];
    int64_t version = 0;
    snprintf(name, sizeof name, "%s.%d.%d", w->name, w->number, round);
    o.name = name;
    q.filter = "metrics.loss >= 0";
    q.max_results = 20;
    CALL(w, START, mlplat_run_start(w->ml, &o, &run, &err));
    for (int i = 0; i < w->points; i++)
        CALL(w, METRIC, mlplat_run_log_metric(run, "loss", i * 0.5, i, &err));
    CALL(w, TAG, mlplat_run_set_tag(run, "by", name, &err));
    CALL(w, PARAM, mlplat_run_log_param(run, "depth", "6", &err));
    CALL(w, SEARCH, mlplat_run_search(w->ml, &q, &found, &err));
    CALL(w, REGISTER, ensure_model(w->ml, &err));
    CALL(w, REGISTER, mlplat_model_version_create(w->ml, "shared", name, NULL, &version, &err));
    CALL(w, END, mlplat_run_end(run, NULL, &err));
    printf("run %s %d\n", mlplat_run_id(run), w->points);
    mlplat_doc_free(found);
    mlplat_run_free(run);
}

static void *work(void *arg)
{
    worker *w = arg;
    for (int round = 0; round < w->rounds; round++)
        one_round(w, round);
    return NULL;
}

static void tell_longest(const worker *workers, int n)
{
    for (int kind = 0; kind < KINDS; kind++) {
        double longest = 0;
        for (int i = 0; i < n; i++)
            longest = workers[i].longest[kind] > longest ? workers[i].longest[kind] : longest;
        printf("longest %s %.1f\n", names[kind], longest);
    }
}

int main(int argc, char **argv)
{
    static worker workers[THREADS_MOST];
    mlplat_error err = {0};
    mlplat *ml = NULL;
    int threads = argc == 5 ? atoi(argv[2]) : 0;
    if (threads < 1 || threads > THREADS_MOST)
        return 2;
    while (getchar() != EOF)
        ;
    CALL(&workers[0], OPEN, mlplat_open(NULL, &ml, &err));
    for (int i = 0; i < threads; i++) {
        workers[i].ml = ml;
        workers[i].name = argv[1];
        workers[i].number = i;
        workers[i].rounds = atoi(argv[3]);
        workers[i].points = atoi(argv[4]);
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 2;
    }
    for (int i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    CALL(&workers[0], FLUSH, mlplat_flush(ml, -1, &err));
    tell_longest(workers, threads);
    mlplat_close(ml);
    return 0;
}
