/*
 * Logs points as fast as it can and says what it was promised: durability is checked from outside with it.
 *
 *     MLFLOW_TRACKING_URI=sqlite:///mlflow.db MLPLAT_N=1000 logger
 *
 * It writes, each line with one write(2):
 *     RUN <run id>     the run is in the store
 *     ACC <step>       the call for this step returned
 *     ACK <step>       the library reports the point durable at the level asked for
 *     DONE {json}      counts, and the longest call in milliseconds
 *
 * Environment: MLFLOW_TRACKING_URI, MLPLAT_EXPERIMENT, MLPLAT_RUN_NAME, MLPLAT_N points (1000), MLPLAT_KEY (loss),
 * MLPLAT_FIRST step (0), MLPLAT_SPOOL folder, MLPLAT_DURABILITY (disk here), MLPLAT_QUIET=1: RUN and DONE alone.
 */
#include <mlplat.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct logger {
    mlplat *ml;
    mlplat_run *run;
    const char *key;
    int64_t first, n;
    int quiet;
    uint64_t base;     /* records this session accepted before the first point */
    int64_t accepted;  /* points whose call returned MLPLAT_OK */
    int64_t refused;   /* points whose call failed */
    int64_t acked;     /* points reported durable */
    int64_t *steps;    /* the accepted ones in order, so that the durable count names its steps */
    double longest_ms; /* of one call */
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (int done = 0; done < n;) {
        ssize_t w = write(STDOUT_FILENO, line + done, (size_t)(n - done));
        if (w > 0)
            done += (int)w;
        else if (w < 0 && errno != EINTR)
            return; /* the reader went away: logging goes on */
    }
}

static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value && *value ? value : fallback;
}

static int number(const char *name, const char *fallback, int64_t *out)
{
    char *end = NULL;
    const char *text = setting(name, fallback);
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (errno == 0 && end != text && !*end)
        return 1;
    fprintf(stderr, "logger: %s is \"%s\", which is not a whole number\n", name, text);
    return 0;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Says ACK for every accepted step that has become durable since the last time. */
static mlplat_status acknowledge(struct logger *l, mlplat_error *err)
{
    mlplat_spool_counts counts = { .size = sizeof counts };
    mlplat_status s = mlplat_spool_count(l->ml, &counts, err);
    while (s == MLPLAT_OK && l->acked < l->accepted && l->base + (uint64_t)l->acked < counts.durable) {
        if (!l->quiet)
            say("ACK %" PRId64 "\n", l->steps[l->acked]);
        l->acked++;
    }
    return s;
}

static mlplat_status start(struct logger *l, mlplat_error *err)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat_run_options about = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_spool_counts counts = { .size = sizeof counts };
    if (!getenv("MLPLAT_DURABILITY"))
        options.durability = MLPLAT_DURABILITY_DISK;
    about.experiment = setting("MLPLAT_EXPERIMENT", NULL);
    about.name = setting("MLPLAT_RUN_NAME", NULL);
    mlplat_status s = mlplat_open(&options, &l->ml, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_start(l->ml, &about, &l->run, err);
    if (s == MLPLAT_OK)
        s = mlplat_flush(l->ml, -1, err); /* from here on the counts are those of the points */
    if (s == MLPLAT_OK)
        s = mlplat_spool_count(l->ml, &counts, err);
    l->base = counts.accepted;
    if (s == MLPLAT_OK)
        say("RUN %s\n", mlplat_run_id(l->run));
    return s;
}

/* One refused point is said and counted; the next ones are tried all the same. */
static void log_points(struct logger *l)
{
    for (int64_t i = 0; i < l->n; i++) {
        mlplat_error err = { 0 };
        int64_t step = l->first + i;
        double before = now_ms();
        mlplat_status s = mlplat_run_log_metric(l->run, l->key, (double)step * 0.5, step, &err);
        double took = now_ms() - before;
        if (took > l->longest_ms)
            l->longest_ms = took;
        if (s != MLPLAT_OK) {
            if (l->refused++ == 0)
                fprintf(stderr, "logger: step %" PRId64 ": %s: %s\n", step, mlplat_status_name(s), err.message);
            continue;
        }
        l->steps[l->accepted++] = step;
        if (!l->quiet)
            say("ACC %" PRId64 "\n", step);
        acknowledge(l, NULL);
    }
}

static mlplat_status finish(struct logger *l, mlplat_error *err)
{
    mlplat_spool_counts counts = { .size = sizeof counts };
    mlplat_status s = mlplat_flush(l->ml, -1, err);
    if (s == MLPLAT_OK)
        s = acknowledge(l, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_end(l->run, l->refused ? "FAILED" : "FINISHED", err);
    mlplat_spool_count(l->ml, &counts, NULL);
    say("DONE {\"run_id\": \"%s\", \"points\": %" PRId64 ", \"accepted\": %" PRId64 ", \"refused\": %" PRId64
        ", \"acked\": %" PRId64 ", \"stored\": %" PRIu64 ", \"dead\": %" PRIu64 ", \"longest_call_ms\": %.3f}\n",
        mlplat_run_id(l->run), l->n, l->accepted, l->refused, l->acked,
        counts.stored > l->base ? counts.stored - l->base : 0, counts.dead, l->longest_ms);
    return s;
}

int main(void)
{
    struct logger l = { .key = setting("MLPLAT_KEY", "loss"), .quiet = strcmp(setting("MLPLAT_QUIET", "0"), "1") == 0 };
    mlplat_error err = { 0 };
    if (!number("MLPLAT_N", "1000", &l.n) || !number("MLPLAT_FIRST", "0", &l.first) || l.n < 0) {
        fprintf(stderr, "logger: MLPLAT_N points from step MLPLAT_FIRST on are wanted\n");
        return 2;
    }
    l.steps = calloc((size_t)l.n + 1, sizeof *l.steps);
    mlplat_status s = l.steps ? start(&l, &err) : MLPLAT_NO_MEMORY;
    if (s == MLPLAT_OK) {
        log_points(&l);
        s = finish(&l, &err);
    }
    if (s != MLPLAT_OK)
        fprintf(stderr, "logger: %s: %s\n", mlplat_status_name(s), err.message);
    mlplat_run_free(l.run);
    mlplat_close(l.ml);
    free(l.steps);
    return s == MLPLAT_OK && l.refused == 0 ? 0 : 1;
}
