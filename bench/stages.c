/*
 * Where each microsecond of a point goes, in CPU time: the calls and the delivery of the library as it is, and what
 * SQLite takes of the latter, found by doing the same alone: without indexes, with one, with two, and so on.
 *
 *     bench_stages FOLDER POINTS RUNS KEYS
 */
#include <mlplat.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 4096, CHECKPOINT_PAGES = 4000, RUNS_MOST = 64, KEYS_MOST = 256 };

typedef struct bench {
    const char *folder;
    size_t points, runs, keys;
    char run[RUNS_MOST][33], key[KEYS_MOST][32];
    double call, delivery, bind, rows, commit, checkpoint; /* seconds; from bind on of the last database */
} bench;

static double cpu_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
    return cpu_of(CLOCK_THREAD_CPUTIME_ID);
}

/* ---- the library ------------------------------------------------------------------------------------------------- */

static mlplat_status start(const bench *b, mlplat **ml, mlplat_run **run, mlplat_error *err)
{
    char uri[1100];
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", b->folder);
    options.tracking_uri = uri;
    mlplat_status s = mlplat_open(&options, ml, err);
    for (size_t r = 0; s == MLPLAT_OK && r < b->runs; r++)
        s = mlplat_run_start(*ml, NULL, &run[r], err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_metric(run[0], "warm", 0, 0, err);
    return s == MLPLAT_OK ? mlplat_flush(*ml, -1, err) : s;
}

static int run_library(bench *b)
{
    mlplat *ml = NULL;
    mlplat_run *run[RUNS_MOST] = { 0 };
    mlplat_error err = { 0 };
    mlplat_status s = start(b, &ml, run, &err);
    double all = cpu_of(CLOCK_PROCESS_CPUTIME_ID), calls = cpu();
    for (size_t i = 0; s == MLPLAT_OK && i < b->points; i++)
        s = mlplat_run_log_metric(run[i / b->keys % b->runs], b->key[i % b->keys], (double)i * 0.5,
                                  (int64_t)(i / (b->runs * b->keys)), &err);
    b->call = cpu() - calls;
    if (s == MLPLAT_OK)
        s = mlplat_flush(ml, -1, &err);
    b->delivery = cpu_of(CLOCK_PROCESS_CPUTIME_ID) - all - b->call;
    for (size_t r = 0; r < b->runs; r++)
        mlplat_run_free(run[r]);
    mlplat_close(ml);
    if (s != MLPLAT_OK)
        fprintf(stderr, "bench_stages: %s: %s\n", mlplat_status_name(s), err.message);
    return s != MLPLAT_OK;
}

/* ---- the database ------------------------------------------------------------------------------------------------ */

static void bind_texts(const bench *b, sqlite3_stmt *stmt, size_t metric)
{
    sqlite3_bind_text(stmt, 1, b->key[metric / b->runs], -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 2, b->run[metric % b->runs], 32, SQLITE_TRANSIENT);
}

static void bind_numbers(const bench *b, sqlite3_stmt *stmt, size_t i)
{
    sqlite3_bind_double(stmt, 3, (double)i * 0.5);
    sqlite3_bind_int64(stmt, 4, 1700000000000 + (int64_t)(i / 10000));
    sqlite3_bind_int64(stmt, 5, (int64_t)(i / (b->runs * b->keys)));
}

/* Points from to to - 1, metric by metric in the order of the primary key. step false: all but the rows themselves. */
static int put_rows(const bench *b, sqlite3_stmt *row, sqlite3_stmt *latest, size_t from, size_t to, bool step)
{
    size_t each = b->runs * b->keys;
    int bad = 0;
    for (size_t m = 0; m < each && !bad; m++) {
        size_t place = m % b->runs * b->keys + m / b->runs, i = from + (place + each - from % each) % each;
        bind_texts(b, row, m);
        for (; i < to && !bad; i += each) {
            bind_numbers(b, row, i);
            bad = step && sqlite3_step(row) != SQLITE_DONE;
            sqlite3_reset(row);
        }
        if (!latest || i < from + each)
            continue;
        bind_texts(b, latest, m);
        bind_numbers(b, latest, i - each);
        bad = bad || (step && sqlite3_step(latest) != SQLITE_DONE);
        sqlite3_reset(latest);
    }
    return bad;
}

static int frames_waiting(void *user, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    *(int *)user = pages;
    return SQLITE_OK;
}

static int store_batch(bench *b, sqlite3 *db, sqlite3_stmt *row, sqlite3_stmt *latest, size_t from, const int *pages)
{
    size_t to = from + BATCH < b->points ? from + BATCH : b->points;
    double began = cpu();
    put_rows(b, row, latest, from, to, false);
    double bound = cpu();
    int bad = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) || put_rows(b, row, latest, from, to, true);
    double inserted = cpu();
    bad = bad || sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    double committed = cpu();
    if (*pages >= CHECKPOINT_PAGES)
        sqlite3_wal_checkpoint(db, NULL);
    b->bind += bound - began;
    b->rows += inserted - bound - (bound - began);
    b->commit += committed - inserted;
    b->checkpoint += cpu() - committed;
    return bad;
}

static int run_database(bench *b, const char *schema, bool latest_too)
{
    static int number, pages;
    char path[1100];
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL, *latest = NULL;
    snprintf(path, sizeof path, "%s/stages%d.db", b->folder, number++);
    b->bind = b->rows = b->commit = b->checkpoint = 0;
    int bad = sqlite3_open(path, &db) ||
              sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000", NULL, NULL,
                           NULL) ||
              sqlite3_exec(db, schema, NULL, NULL, NULL) ||
              sqlite3_prepare_v2(db, "INSERT INTO metrics VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING", -1, &row,
                                 NULL);
    if (!bad && latest_too)
        bad = sqlite3_prepare_v2(db,
                                 "INSERT INTO latest VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (key, run) DO UPDATE SET "
                                 "value = excluded.value, ms = excluded.ms, step = excluded.step",
                                 -1, &latest, NULL);
    sqlite3_wal_hook(db, frames_waiting, &pages); /* in place of SQLite's own checkpoints */
    for (size_t i = 0; !bad && i < b->points; i += BATCH)
        bad = store_batch(b, db, row, latest, i, &pages);
    if (bad)
        fprintf(stderr, "bench_stages: %s: %s\n", path, sqlite3_errmsg(db));
    sqlite3_finalize(row);
    sqlite3_finalize(latest);
    sqlite3_close(db);
    remove(path);
    return bad;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static void line(const bench *b, const char *what, double seconds)
{
    printf("%-58s %8.3f\n", what, seconds * 1e6 / (double)b->points);
}

static int run_all(bench *b)
{
#define PLAIN "CREATE TABLE metrics (key TEXT, run TEXT, value FLOAT, ms BIGINT, step BIGINT, is_nan BOOLEAN"
#define KEYED PLAIN ", PRIMARY KEY (key, ms, step, run, value, is_nan));"
#define BY_RUN KEYED "CREATE INDEX a ON metrics (run);"
#define BY_STEP BY_RUN "CREATE INDEX b ON metrics (run, key, step);"
#define LATEST                                                                                                         \
    BY_STEP "CREATE TABLE latest (key TEXT, run TEXT, value FLOAT, ms BIGINT, step BIGINT, is_nan BOOLEAN, "           \
            "PRIMARY KEY (key, run)); CREATE INDEX c ON latest (run)"
    static const struct {
        const char *what, *schema;
        bool latest;
    } steps[] = { { "insert: the row", PLAIN ")", false },
                  { "insert: primary key (key, time, step, run, value, is_nan)", KEYED, false },
                  { "insert: index (run)", BY_RUN, false },
                  { "insert: index (run, key, step)", BY_STEP, false },
                  { "insert: latest_metrics, once a metric and batch", LATEST, true } };
    double before = 0;
    if (run_library(b))
        return 1;
    line(b, "the call: check, stamp, frame, checksum, copy", b->call);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (run_database(b, steps[i].schema, steps[i].latest))
            return 1;
        line(b, steps[i].what, b->rows - before);
        before = b->rows;
    }
    line(b, "commit: pages into the write-ahead log, and its sync", b->commit);
    line(b, "checkpoint: pages back into the file, and its sync", b->checkpoint);
    line(b, "bind and reset", b->bind);
    line(b, "what the delivery takes beside these",
         b->delivery - b->rows - b->commit - b->checkpoint - b->bind);
    line(b, "all of it", b->call + b->delivery);
    return 0;
}

int main(int argc, char **argv)
{
    static bench b;
    if (argc != 5) {
        fprintf(stderr, "usage: bench_stages FOLDER POINTS RUNS KEYS\n");
        return 2;
    }
    b.folder = argv[1];
    b.points = (size_t)atoll(argv[2]);
    b.runs = (size_t)atoll(argv[3]);
    b.keys = (size_t)atoll(argv[4]);
    if (!b.points || b.runs - 1 >= RUNS_MOST || b.keys - 1 >= KEYS_MOST)
        return 2;
    for (size_t i = 0; i < b.runs; i++)
        snprintf(b.run[i], sizeof b.run[i], "%08zx%024zx", i * 2654435761u & 0xffffffffu, i);
    for (size_t i = 0; i < b.keys; i++)
        snprintf(b.key[i], sizeof b.key[i], "metric_%zu", i % KEYS_MOST);
    return run_all(&b);
}
