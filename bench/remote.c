/*
 * Points on their way to a server: one measurement a process, its figures as one line of JSON. remote.py runs them.
 *
 *     bench_remote deliver URI POINTS SPAN    until the server has all of them; SPAN: points a call, 1: the single call
 *     bench_remote append URI POINTS SPAN     what the calls take alone; what is not delivered then stays in the spool
 *     bench_remote train URI POINTS PAUSE_US  a training that works so long between two points; it tells each point as
 *                                             soon as its call returned
 */
#include "peak.h"
#include <mlplat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SPAN_MOST = 1000 };

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int failed(const mlplat_error *err)
{
    fprintf(stderr, "bench_remote: %s: %s\n", mlplat_status_name(err->status), err->message);
    return 1;
}

static mlplat_status start(const char *uri, mlplat **ml, mlplat_run **run, mlplat_error *err)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = uri;
    options.durability = MLPLAT_DURABILITY_PROCESS;
    mlplat_status s = mlplat_open(&options, ml, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_start(*ml, NULL, run, err);
    return s == MLPLAT_OK ? mlplat_run_log_metric(*run, "first", 0, 0, err) : s;
}

static mlplat_status log_points(mlplat_run *run, long long points, long long span, mlplat_error *err)
{
    static double values[SPAN_MOST];
    mlplat_status s = MLPLAT_OK;
    for (long long i = 0; s == MLPLAT_OK && i < points; i += span) {
        if (span == 1)
            s = mlplat_run_log_metric(run, "loss", (double)i * 0.5, MLPLAT_STEP_AUTO, err);
        else
            s = mlplat_run_log_metrics(run, "loss", NULL, NULL, values, (size_t)span, err);
    }
    return s;
}

static int measure(const char *uri, long long points, long long span, int deliver)
{
    mlplat *ml = NULL;
    mlplat_run *run = NULL;
    mlplat_error err = {0};
    mlplat_status s = start(uri, &ml, &run, &err);
    if (s == MLPLAT_OK && deliver)
        s = mlplat_flush(ml, -1, &err);
    double begin = now(CLOCK_MONOTONIC), cpu = now(CLOCK_THREAD_CPUTIME_ID);
    if (s == MLPLAT_OK)
        s = log_points(run, points, span, &err);
    double logged = now(CLOCK_MONOTONIC) - begin;
    cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
    if (s == MLPLAT_OK && deliver)
        s = mlplat_flush(ml, -1, &err);
    double end = now(CLOCK_MONOTONIC);
    mlplat_run_free(run);
    mlplat_close(ml);
    if (s == MLPLAT_OK)
        printf("{\"points\": %lld, \"seconds\": %.4f, \"append_seconds\": %.4f, \"append_cpu\": %.4f, "
               "\"close_seconds\": %.3f, \"max_rss_kib\": %ld}\n",
               points, end - begin, logged, cpu, now(CLOCK_MONOTONIC) - end, peak_kib());
    return s == MLPLAT_OK ? 0 : failed(&err);
}

static int train(const char *uri, long long points, long long pause_us)
{
    mlplat *ml = NULL;
    mlplat_run *run = NULL;
    mlplat_error err = {0};
    double longest = 0, lost = 0;
    mlplat_status s = start(uri, &ml, &run, &err);
    if (s != MLPLAT_OK)
        return failed(&err);
    printf("run %s\n", mlplat_run_id(run));
    for (long long i = 0; s == MLPLAT_OK && i < points; i++) {
        double begin = now(CLOCK_MONOTONIC);
        s = mlplat_run_log_metric(run, "loss", (double)i * 0.5, i, &err);
        double took = now(CLOCK_MONOTONIC) - begin;
        longest = took > longest ? took : longest;
        lost += took;
        printf("point %lld\n", i);
        fflush(stdout);
        usleep((useconds_t)pause_us);
    }
    double end = now(CLOCK_MONOTONIC);
    mlplat_run_free(run);
    mlplat_close(ml);
    printf("done %.6f %.6f %.3f\n", lost, longest, now(CLOCK_MONOTONIC) - end);
    return s == MLPLAT_OK ? 0 : failed(&err);
}

int main(int argc, char **argv)
{
    long long points = argc == 5 ? atoll(argv[3]) : 0, last = argc == 5 ? atoll(argv[4]) : 0;
    if (points > 0 && strcmp(argv[1], "train") == 0)
        return train(argv[2], points, last);
    if (points > 0 && last >= 1 && last <= SPAN_MOST && strcmp(argv[1], "append") == 0)
        return measure(argv[2], points, last, 0);
    if (points > 0 && last >= 1 && last <= SPAN_MOST && strcmp(argv[1], "deliver") == 0)
        return measure(argv[2], points, last, 1);
    fprintf(stderr, "usage: bench_remote deliver|append URI POINTS SPAN | train URI POINTS PAUSE_US\n");
    return 2;
}
