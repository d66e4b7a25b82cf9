/*
 * What it costs to bring points into the embedded store: one measurement a process, its figures as one line of JSON.
 * points.py runs them in turns. A shape is RUNS runs with KEYS metrics each, logged one step after the other.
 *
 *     bench_points ours FILE POINTS RUNS KEYS          by mlplat_run_log_metric, until all is in the database
 *     bench_points floor FILE POINTS RUNS KEYS BATCH   the same rows into the same tables by SQLite alone; BATCH
 *                                                      "4096tuned": its cache and checkpoints are as large as ours
 *     bench_points grow FILE RUNS KEYS STEPS           a file with that many rows, to append to
 */
#include "peak.h"
#include <mlplat.h>
#include <sqlite3.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS_MOST = 64, KEYS_MOST = 256 };

typedef struct shape {
    char uri[1100];
    const char *file;
    int64_t points, batch;
    int runs, keys;
    bool tuned;
    char key[KEYS_MOST][16];
    double wall, cpu; /* seconds at the start, then taken */
} shape;

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void begin(shape *b)
{
    b->cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    b->wall = seconds(CLOCK_MONOTONIC);
}

static void end(shape *b)
{
    b->wall = seconds(CLOCK_MONOTONIC) - b->wall;
    b->cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - b->cpu;
}

static int tell(const shape *b)
{
    printf("{\"points\": %" PRId64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"max_rss_kib\": %ld}\n", b->points,
           b->wall, b->cpu, peak_kib());
    return 0;
}

static int failed(const char *what, const mlplat_error *err)
{
    fprintf(stderr, "bench_points: %s: %s: %s\n", what, mlplat_status_name(err->status), err->message);
    return 1;
}

/* ---- ours ------------------------------------------------------------------------------------------------------- */

static mlplat_status start(const shape *b, mlplat **ml, mlplat_run **run, mlplat_error *err)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = b->uri;
    mlplat_status s = mlplat_open(&options, ml, err);
    for (int r = 0; s == MLPLAT_OK && r < b->runs; r++)
        s = mlplat_run_start(*ml, NULL, &run[r], err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_metric(run[0], "warm", 0, 0, err); /* the journal is there before the clock starts */
    return s == MLPLAT_OK ? mlplat_flush(*ml, -1, err) : s;
}

static mlplat_status log_all(const shape *b, mlplat_run *const *run, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    int64_t each = b->runs * b->keys;
    for (int64_t i = 0; s == MLPLAT_OK && i < b->points; i++)
        s = mlplat_run_log_metric(run[i / b->keys % b->runs], b->key[i % b->keys], (double)i * 0.5, i / each, err);
    return s;
}

static int ours(shape *b)
{
    mlplat *ml = NULL;
    mlplat_run *run[RUNS_MOST] = { 0 };
    mlplat_error err = { 0 };
    mlplat_status s = start(b, &ml, run, &err);
    begin(b);
    if (s == MLPLAT_OK)
        s = log_all(b, run, &err);
    if (s == MLPLAT_OK)
        s = mlplat_flush(ml, -1, &err);
    end(b);
    for (int r = 0; r < b->runs; r++) {
        if (s == MLPLAT_OK)
            s = mlplat_run_end(run[r], NULL, &err);
        mlplat_run_free(run[r]);
    }
    mlplat_close(ml);
    return s == MLPLAT_OK ? tell(b) : failed("ours", &err);
}

static int create(shape *b)
{
    mlplat *ml = NULL;
    mlplat_error err = { 0 };
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = b->uri;
    mlplat_status s = mlplat_open(&options, &ml, &err);
    if (s == MLPLAT_OK)
        s = mlplat_store_create(ml, NULL, NULL, &err);
    mlplat_close(ml);
    return s == MLPLAT_OK ? 0 : failed("create", &err);
}

/* ---- SQLite alone ----------------------------------------------------------------------------------------------- */

typedef struct bare {
    sqlite3 *db;
    sqlite3_stmt *row, *latest, *run;
    char id[RUNS_MOST][33];
    int64_t epoch_ms;
} bare;

static int prepare(bare *f, const shape *b, const char *pragmas)
{
    return sqlite3_open(b->file, &f->db) || sqlite3_exec(f->db, pragmas, NULL, NULL, NULL) ||
           sqlite3_prepare_v2(f->db,
                              "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) "
                              "VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
                              -1, &f->row, NULL) ||
           sqlite3_prepare_v2(f->db,
                              "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) "
                              "VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT (key, run_uuid) DO UPDATE SET "
                              "value = excluded.value, timestamp = excluded.timestamp, step = excluded.step",
                              -1, &f->latest, NULL) ||
           sqlite3_prepare_v2(f->db,
                              "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, experiment_id) "
                              "VALUES (?, 'bench', 'FINISHED', 0, 'active', 0)",
                              -1, &f->run, NULL);
}

static int step(sqlite3_stmt *stmt)
{
    return sqlite3_step(stmt) != SQLITE_DONE || sqlite3_reset(stmt);
}

static int put(sqlite3_stmt *stmt, const char *key, double value, int64_t ms, int64_t at, const char *run)
{
    sqlite3_bind_text(stmt, 1, key, (int)strlen(key), SQLITE_STATIC);
    sqlite3_bind_double(stmt, 2, value);
    sqlite3_bind_int64(stmt, 3, ms);
    sqlite3_bind_int64(stmt, 4, at);
    sqlite3_bind_text(stmt, 5, run, 32, SQLITE_STATIC);
    return step(stmt);
}

static int new_run(bare *f, char id[33])
{
    uint64_t x[2];
    sqlite3_randomness(sizeof x, x);
    snprintf(id, 33, "%016" PRIx64 "%016" PRIx64, x[0], x[1]);
    sqlite3_bind_text(f->run, 1, id, 32, SQLITE_STATIC);
    return step(f->run);
}

/* Of the i-th point of the shape; ten a microsecond, as fast as calls are accepted. */
static int put_point(const bare *f, const shape *b, sqlite3_stmt *stmt, int64_t i)
{
    return put(stmt, b->key[i % b->keys], (double)i * 0.5, f->epoch_ms + i / 10000, i / (b->runs * b->keys),
               f->id[i / b->keys % b->runs]);
}

/* One transaction: the rows, and each metric's last value once. */
static int floor_batch(const bare *f, const shape *b, int64_t from, int64_t to)
{
    int64_t each = b->runs * b->keys, last = to - from > each ? to - each : from;
    int bad = sqlite3_exec(f->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int64_t i = from; i < to && !bad; i++)
        bad = put_point(f, b, f->row, i);
    for (int64_t i = last; i < to && !bad; i++)
        bad = put_point(f, b, f->latest, i);
    return bad || sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL);
}

static int close_bare(bare *f, int bad)
{
    if (bad)
        fprintf(stderr, "bench_points: %s\n", sqlite3_errmsg(f->db));
    sqlite3_finalize(f->row);
    sqlite3_finalize(f->latest);
    sqlite3_finalize(f->run);
    sqlite3_close(f->db);
    return bad;
}

static int floor_of(shape *b)
{
    bare f = { .epoch_ms = now_ms() };
    int bad = create(b) || prepare(&f, b, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
    if (b->tuned && !bad)
        bad = sqlite3_exec(f.db, "PRAGMA cache_size=-16000; PRAGMA wal_autocheckpoint=4000", NULL, NULL, NULL);
    for (int r = 0; r < b->runs && !bad; r++)
        bad = new_run(&f, f.id[r]);
    begin(b);
    for (int64_t i = 0; i < b->points && !bad; i += b->batch)
        bad = floor_batch(&f, b, i, i + b->batch < b->points ? i + b->batch : b->points);
    end(b);
    return close_bare(&f, bad) ? 1 : tell(b);
}

/* One run after the other, in one transaction each; a run takes ten seconds of the file's time. */
static int grow_run(bare *f, const shape *b, int64_t steps, int64_t run)
{
    int bad = sqlite3_exec(f->db, "BEGIN", NULL, NULL, NULL) || new_run(f, f->id[0]);
    for (int k = 0; k < b->keys && !bad; k++)
        for (int64_t i = 0; i < steps && !bad; i++) {
            int64_t ms = f->epoch_ms + run * 10000 + i * 10000 / steps;
            bad = put(f->row, b->key[k], (double)i * 0.5, ms, i, f->id[0]) ||
                  (i + 1 == steps && put(f->latest, b->key[k], (double)i * 0.5, ms, i, f->id[0]));
        }
    return bad || sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL);
}

static int grow(shape *b)
{
    int64_t runs = b->points, steps = b->batch;
    bare f = { .epoch_ms = now_ms() - runs * 10000 };
    int bad = create(b) || prepare(&f, b, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-500000");
    begin(b);
    for (int64_t run = 0; run < runs && !bad; run++)
        bad = grow_run(&f, b, steps, run);
    end(b);
    b->points = runs * b->keys * steps;
    return close_bare(&f, bad) ? 1 : tell(b);
}

/* ---- the command line ------------------------------------------------------------------------------------------- */

static void fill(shape *b, int argc, char **argv)
{
    b->file = argv[2];
    b->points = atoll(argv[3]);
    b->runs = argc > 4 ? atoi(argv[4]) : 1;
    b->keys = argc > 5 ? atoi(argv[5]) : 1;
    b->batch = argc > 6 ? atoll(argv[6]) : 1000;
    b->tuned = argc > 6 && strstr(argv[6], "tuned");
    snprintf(b->uri, sizeof b->uri, "sqlite:///%s", b->file);
    for (int k = 0; k < KEYS_MOST; k++)
        snprintf(b->key[k], sizeof b->key[k], "metric_%d", k);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int words;
        int (*run)(shape *);
    } kinds[] = { { "ours", 6, ours }, { "floor", 7, floor_of }, { "grow", 7, grow } };
    static shape b;
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(argv[1], kinds[i].name) != 0 || argc != kinds[i].words)
            continue;
        fill(&b, argc, argv);
        if (b.runs >= 1 && b.runs <= RUNS_MOST && b.keys >= 1 && b.keys <= KEYS_MOST && b.batch >= 1)
            return kinds[i].run(&b);
    }
    fprintf(stderr, "usage: bench_points ours FILE POINTS RUNS KEYS | floor FILE POINTS RUNS KEYS BATCH |\n"
                    "       grow FILE RUNS_IN_ALL 1 KEYS STEPS\n");
    return 2;
}
