/*
 * What logging metrics costs: one measurement a process, its figures as one line of JSON. tracking.py runs it in turns
 * with the tools it is compared with.
 *
 *     bench_tracking ours FOLDER POINTS LEVEL SPAN   until all is in the database; SPAN points a call
 *     bench_tracking floor FOLDER POINTS             the same table and indexes by SQLite alone, 1,000 a transaction
 *     bench_tracking call FOLDER POINTS              how long one call takes, level process
 *     bench_tracking create FOLDER | open FOLDER     a store
 */
#include "peak.h"
#include <mlplat.h>
#include <sqlite3.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEYS = 10, BATCH = 1000 };

struct bench {
    char uri[1024];
    const char *folder;
    int64_t points;
    const char *level;
    int64_t span;
    double wall, cpu; /* seconds at the start, then taken */
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void begin(struct bench *b)
{
    b->cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    b->wall = seconds(CLOCK_MONOTONIC);
}

static void end(struct bench *b)
{
    b->wall = seconds(CLOCK_MONOTONIC) - b->wall;
    b->cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - b->cpu;
}

static void tell(const struct bench *b)
{
    printf("{\"points\": %" PRId64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"max_rss_kib\": %ld}\n", b->points,
           b->wall, b->cpu, peak_kib());
}

static int failed(const char *what, const mlplat_error *err)
{
    fprintf(stderr, "bench_tracking: %s: %s: %s\n", what, mlplat_status_name(err->status), err->message);
    return 1;
}

/* ---- ours ------------------------------------------------------------------------------------------------------- */

static mlplat_status start(const struct bench *b, mlplat_durability durability, mlplat **ml, mlplat_run **run,
                           mlplat_error *err)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = b->uri;
    options.durability = durability;
    mlplat_status s = mlplat_open(&options, ml, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_start(*ml, NULL, run, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_metric(*run, "warm", 0, 0, err); /* the journal is there before the clock starts */
    return s == MLPLAT_OK ? mlplat_flush(*ml, -1, err) : s;
}

static mlplat_status log_singly(const struct bench *b, mlplat_run *run, mlplat_error *err)
{
    static const char *const keys[KEYS] = { "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9" };
    mlplat_status s = MLPLAT_OK;
    for (int64_t i = 0; s == MLPLAT_OK && i < b->points; i++)
        s = mlplat_run_log_metric(run, keys[i % KEYS], (double)i * 0.5, i / KEYS, err);
    return s;
}

static mlplat_status log_spans(const struct bench *b, mlplat_run *run, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    double *values = calloc((size_t)b->span, sizeof *values);
    if (!values)
        return MLPLAT_NO_MEMORY;
    for (int64_t i = 0; i < b->span; i++)
        values[i] = (double)i * 0.5;
    for (int64_t i = 0; s == MLPLAT_OK && i < b->points; i += b->span)
        s = mlplat_run_log_metrics(run, "k0", NULL, NULL, values, (size_t)b->span, err);
    free(values);
    return s;
}

static int ours(struct bench *b)
{
    mlplat *ml = NULL;
    mlplat_run *run = NULL;
    mlplat_error err = { 0 };
    mlplat_durability durability = strcmp(b->level, "disk") == 0 ? MLPLAT_DURABILITY_DISK : MLPLAT_DURABILITY_PROCESS;
    mlplat_status s = start(b, durability, &ml, &run, &err);
    begin(b);
    if (s == MLPLAT_OK)
        s = b->span > 1 ? log_spans(b, run, &err) : log_singly(b, run, &err);
    if (s == MLPLAT_OK)
        s = mlplat_flush(ml, -1, &err);
    end(b);
    if (s == MLPLAT_OK)
        s = mlplat_run_end(run, NULL, &err);
    mlplat_run_free(run);
    mlplat_close(ml);
    if (s != MLPLAT_OK)
        return failed("ours", &err);
    tell(b);
    return 0;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The time of two readings of the clock is in every figure: it is told too. */
static int call(struct bench *b)
{
    mlplat *ml = NULL;
    mlplat_run *run = NULL;
    mlplat_error err = { 0 };
    double *took = calloc((size_t)b->points + 1, sizeof *took), clock = 1;
    mlplat_status s = took ? start(b, MLPLAT_DURABILITY_PROCESS, &ml, &run, &err) : MLPLAT_NO_MEMORY;
    for (int i = 0; i < 1000; i++) {
        double before = seconds(CLOCK_MONOTONIC), once = seconds(CLOCK_MONOTONIC) - before;
        clock = once < clock ? once : clock;
    }
    for (int64_t i = 0; s == MLPLAT_OK && i < b->points; i++) {
        double before = seconds(CLOCK_MONOTONIC);
        s = mlplat_run_log_metric(run, "loss", (double)i * 0.5, i, &err);
        took[i] = seconds(CLOCK_MONOTONIC) - before;
    }
    if (s == MLPLAT_OK)
        s = mlplat_run_end(run, NULL, &err);
    mlplat_run_free(run);
    mlplat_close(ml);
    if (s != MLPLAT_OK || b->points == 0) {
        free(took);
        return failed("call", &err);
    }
    qsort(took, (size_t)b->points, sizeof *took, by_size);
    printf("{\"p50_ns\": %.0f, \"p99_ns\": %.0f, \"p99_9_ns\": %.0f, \"max_ns\": %.0f, \"clock_ns\": %.0f}\n",
           took[b->points / 2] * 1e9, took[b->points * 99 / 100] * 1e9, took[b->points * 999 / 1000] * 1e9,
           took[b->points - 1] * 1e9, clock * 1e9);
    free(took);
    return 0;
}

/* Opens the store, makes it if it is not there, and looks at one thing in it. */
static int store(struct bench *b)
{
    mlplat *ml = NULL;
    mlplat_doc *experiment = NULL;
    mlplat_error err = { 0 };
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = b->uri;
    begin(b);
    mlplat_status s = mlplat_open(&options, &ml, &err);
    if (s == MLPLAT_OK)
        s = mlplat_store_create(ml, NULL, NULL, &err);
    if (s == MLPLAT_OK)
        s = mlplat_experiment_get(ml, "0", &experiment, &err);
    mlplat_doc_free(experiment);
    mlplat_close(ml);
    end(b);
    if (s != MLPLAT_OK)
        return failed("store", &err);
    tell(b);
    return 0;
}

/* ---- the floor: what SQLite itself takes for these rows ------------------------------------------------------- */

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,"
    " run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL,"
    " CONSTRAINT metric_pk PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan), CHECK (is_nan IN (0, 1)));"
    "CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);"
    "CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, key, step);"
    "CREATE TABLE latest_metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT,"
    " step BIGINT NOT NULL, is_nan BOOLEAN NOT NULL, run_uuid VARCHAR(32) NOT NULL,"
    " CONSTRAINT latest_metric_pk PRIMARY KEY (key, run_uuid));"
    "CREATE INDEX index_latest_metrics_run_uuid ON latest_metrics (run_uuid);";

static void bind_point(sqlite3_stmt *stmt, int64_t i)
{
    char key[3] = { 'k', (char)('0' + i % KEYS), 0 };
    sqlite3_bind_text(stmt, 1, key, 2, SQLITE_TRANSIENT);
    sqlite3_bind_double(stmt, 2, (double)i * 0.5);
    sqlite3_bind_int64(stmt, 3, 1700000000000 + i / 100);
    sqlite3_bind_text(stmt, 4, "0123456789abcdef0123456789abcdef", 32, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 5, i / KEYS);
}

/* One transaction: the rows, and each key's last value once. */
static int floor_batch(sqlite3 *db, sqlite3_stmt *row, sqlite3_stmt *latest, int64_t from, int64_t to)
{
    int bad = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int64_t i = from; i < to && !bad; i++) {
        bind_point(row, i);
        bad = sqlite3_step(row) != SQLITE_DONE || sqlite3_reset(row);
    }
    for (int64_t i = to > KEYS ? to - KEYS : 0; i < to && !bad; i++) {
        bind_point(latest, i);
        bad = sqlite3_step(latest) != SQLITE_DONE || sqlite3_reset(latest);
    }
    return bad || sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
}

static int bare(struct bench *b)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL, *latest = NULL;
    char path[1100];
    snprintf(path, sizeof path, "%s/floor.db", b->folder);
    int bad = sqlite3_open(path, &db) || sqlite3_exec(db, schema, NULL, NULL, NULL) ||
              sqlite3_prepare_v2(db, "INSERT OR IGNORE INTO metrics VALUES (?1, ?2, ?3, ?4, ?5, 0)", -1, &row, NULL) ||
              sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO latest_metrics VALUES (?1, ?2, ?3, ?5, 0, ?4)", -1,
                                 &latest, NULL);
    begin(b);
    for (int64_t i = 0; i < b->points && !bad; i += BATCH)
        bad = floor_batch(db, row, latest, i, i + BATCH < b->points ? i + BATCH : b->points);
    end(b);
    if (bad)
        fprintf(stderr, "bench_tracking: %s: %s\n", path, sqlite3_errmsg(db));
    else
        tell(b);
    sqlite3_finalize(row);
    sqlite3_finalize(latest);
    sqlite3_close(db);
    return bad != 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int words;
        int (*run)(struct bench *);
    } kinds[] = { { "ours", 6, ours }, { "floor", 4, bare }, { "call", 4, call },
                  { "create", 3, store }, { "open", 3, store } };
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(argv[1], kinds[i].name) != 0 || argc != kinds[i].words)
            continue;
        struct bench b = { .folder = argv[2], .points = argc > 3 ? atoll(argv[3]) : 0,
                           .level = argc > 4 ? argv[4] : "process", .span = argc > 5 ? atoll(argv[5]) : 1 };
        snprintf(b.uri, sizeof b.uri, "sqlite:///%s/mlflow.db", b.folder);
        return kinds[i].run(&b);
    }
    fprintf(stderr, "usage: bench_tracking ours FOLDER POINTS LEVEL SPAN | floor FOLDER POINTS | call FOLDER POINTS |\n"
                    "       create FOLDER | open FOLDER\n");
    return 2;
}
