/*
 * Logs a known set of runs by some threads on one session, and tells in a mapped file what it was promised.
 *
 *     fault_remote TOLD POINTS RUNS THREADS
 *
 * TOLD: see victim_told.h. Each of RUNS runs gets a param, POINTS points and what goes with them, and is ended.
 * It ends with a line of JSON: how long the logging took, its longest call, the close, and what is left in the journal.
 */
#include "victim_told.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS_MOST = 16 };

struct job {
    mlplat *ml;
    struct victim_told *told;
    long long points;
    _Atomic int left;
    _Atomic long long longest_us;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void note(struct job *job, double seconds)
{
    long long us = (long long)(seconds * 1e6), before = job->longest_us;
    while (us > before && !atomic_compare_exchange_weak(&job->longest_us, &before, us))
        ;
}

static void log_points(struct job *job, mlplat_run *run, struct victim_slot *slot)
{
    for (long long n = 1; n <= job->points; n++) {
        double begin = now();
        victim_log(job->ml, run, slot, n);
        note(job, now() - begin);
    }
}

static void one_run(struct job *job)
{
    mlplat_error err = {0};
    struct victim_slot *slot = victim_told_slot(job->told);
    mlplat_run *run = victim_start(job->ml, slot);
    if (mlplat_run_log_param(run, "depth", "6", &err) != MLPLAT_OK)
        victim_give_up("log_param", &err);
    slot->params = 1;
    log_points(job, run, slot);
    if (mlplat_run_end(run, NULL, &err) != MLPLAT_OK)
        victim_give_up("end", &err);
    slot->ended = 1;
    mlplat_run_free(run);
}

static void *work(void *arg)
{
    struct job *job = arg;
    while (atomic_fetch_sub(&job->left, 1) > 0)
        one_run(job);
    return NULL;
}

static void run_threads(struct job *job, int n)
{
    pthread_t threads[THREADS_MOST];
    int started = 0;
    while (started < n && pthread_create(&threads[started], NULL, work, job) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    struct job job = {.told = argc == 5 ? victim_told_map(argv[1]) : NULL};
    mlplat_spool_counts counts = {.size = sizeof counts};
    mlplat_error err = {0};
    int threads = argc == 5 ? atoi(argv[4]) : 0;
    if (!job.told || threads < 1 || threads > THREADS_MOST)
        return 2;
    job.points = atoll(argv[2]);
    job.left = atoi(argv[3]);
    if (mlplat_open(NULL, &job.ml, &err) != MLPLAT_OK)
        victim_give_up("open", &err);
    double begin = now();
    run_threads(&job, threads);
    double logged = now();
    if (mlplat_spool_count(job.ml, &counts, &err) != MLPLAT_OK)
        victim_give_up("count", &err);
    mlplat_close(job.ml);
    printf("{\"seconds\": %.3f, \"longest_ms\": %.3f, \"close_seconds\": %.3f, \"accepted\": %llu, \"stored\": %llu}\n",
           logged - begin, (double)job.longest_us / 1e3, now() - logged, (unsigned long long)counts.accepted,
           (unsigned long long)counts.stored);
    return 0;
}
