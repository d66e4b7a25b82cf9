/*
 * Where each microsecond of a point goes: the stages of its way, one after the other on one thread, with the library's
 * own functions where it has one and SQLite's for the rest. CPU time of the thread, per point.
 *
 *     bench_stages FOLDER POINTS RUNS KEYS
 */
#include "spool/frame.h"
#include "tracking/metric_order.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 4096, CHECKPOINT_PAGES = 4000, RUNS_MOST = 64, KEYS_MOST = 256, FRAMES = BATCH * 128 };

typedef struct bench {
    const char *folder;
    size_t points, runs, keys;
    char run[RUNS_MOST][33], key[KEYS_MOST][32];
    unsigned char *frames; /* of a batch */
    size_t size;
    mlp_record *records;
    mlp_metric_order order;
    double put, get, sort, bind;     /* seconds */
    double rows, commit, checkpoint; /* of the last database */
} bench;

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static mlp_record point(const bench *b, size_t i)
{
    const char *key = b->key[i % b->keys];
    return (mlp_record){
        .kind = MLP_RECORD_METRIC,
        .run_id = b->run[i / b->keys % b->runs],
        .run_id_n = 32,
        .key = key,
        .key_n = strlen(key),
        .value = (double)i * 0.5,
        .step = (int64_t)(i / (b->runs * b->keys)),
        .timestamp_ms = 1700000000000 + (int64_t)(i / 10000),
    };
}

/* ---- before the database ----------------------------------------------------------------------------------------- */

static size_t put_frames(bench *b, size_t from, size_t to)
{
    double began = cpu();
    b->size = MLP_SEGMENT_HEAD;
    for (size_t i = from; i < to; i++) {
        mlp_record r = point(b, i);
        b->size += mlp_frame_put(b->frames + b->size, &r, i + 1, false, 0, 1);
    }
    b->put += cpu() - began;
    return to - from;
}

static void get_records(bench *b)
{
    double began = cpu();
    mlp_frame_walk walk = { .base = b->frames, .size = b->size, .salt = 1, .trusted = true };
    for (size_t i = 0; mlp_frame_next(&walk, &b->records[i]); i++)
        ;
    b->get += cpu() - began;
}

static void sort_records(bench *b, size_t n)
{
    double began = cpu();
    mlp_metric_order_clear(&b->order);
    for (size_t i = 0; i < n; i++)
        mlp_metric_order_add(&b->order, b->records, i);
    mlp_metric_order_sort(&b->order);
    b->sort += cpu() - began;
}

static void prepare_batch(bench *b, size_t from, size_t to)
{
    size_t n = put_frames(b, from, to);
    get_records(b);
    sort_records(b, n);
}

/* ---- the database ------------------------------------------------------------------------------------------------ */

static void bind_texts(sqlite3_stmt *stmt, const mlp_record *r)
{
    sqlite3_bind_text(stmt, 1, r->key, (int)r->key_n, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 2, r->run_id, (int)r->run_id_n, SQLITE_TRANSIENT);
}

static void bind_numbers(sqlite3_stmt *stmt, const mlp_record *r)
{
    sqlite3_bind_double(stmt, 3, r->value);
    sqlite3_bind_int64(stmt, 4, r->timestamp_ms);
    sqlite3_bind_int64(stmt, 5, r->step);
}

/* step false: all but the rows themselves. */
static int put_rows(const bench *b, sqlite3_stmt *row, sqlite3_stmt *latest, bool step)
{
    int bad = 0;
    for (uint32_t g = 0; g < b->order.n_sliced; g++) {
        const mlp_metric_group *group = b->order.sliced[g];
        bind_texts(row, group->first);
        for (uint32_t i = group->head;; i = b->order.next[i]) {
            bind_numbers(row, &b->records[i]);
            bad = bad || (step && sqlite3_step(row) != SQLITE_DONE);
            sqlite3_reset(row);
            if (i == group->tail)
                break;
        }
        if (!latest)
            continue;
        bind_texts(latest, group->first);
        bind_numbers(latest, &b->records[group->tail]);
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

static int store_batch(bench *b, sqlite3 *db, sqlite3_stmt *row, sqlite3_stmt *latest, const int *pages)
{
    double began = cpu();
    put_rows(b, row, latest, false);
    double bound = cpu();
    int bad = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) || put_rows(b, row, latest, true);
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
    b->put = b->get = b->sort = b->bind = b->rows = b->commit = b->checkpoint = 0;
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
    for (size_t i = 0; !bad && i < b->points; i += BATCH) {
        prepare_batch(b, i, i + BATCH < b->points ? i + BATCH : b->points);
        bad = store_batch(b, db, row, latest, &pages);
    }
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
    double before = 0, all = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (run_database(b, steps[i].schema, steps[i].latest))
            return 1;
        if (i == 0) {
            line(b, "journal: frame, checksum and copy", b->put);
            line(b, "delivery: reading the frames", b->get);
            line(b, "delivery: into the order of the tables", b->sort);
            line(b, "delivery: binding and resetting", b->bind);
        }
        line(b, steps[i].what, b->rows - before);
        before = b->rows;
        all = b->put + b->get + b->sort + b->bind + b->rows + b->commit + b->checkpoint;
    }
    line(b, "commit: pages into the write-ahead log, and its sync", b->commit);
    line(b, "checkpoint: pages back into the file, and its sync", b->checkpoint);
    line(b, "all of it", all);
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
    b.frames = calloc(1, FRAMES);
    b.records = calloc(BATCH, sizeof *b.records);
    if (!b.points || b.runs - 1 >= RUNS_MOST || b.keys - 1 >= KEYS_MOST || !b.frames || !b.records ||
        mlp_metric_order_init(&b.order, BATCH, NULL) != MLPLAT_OK)
        return 2;
    for (size_t i = 0; i < b.runs; i++)
        snprintf(b.run[i], sizeof b.run[i], "%08zx%024zx", i * 2654435761u & 0xffffffffu, i);
    for (size_t i = 0; i < b.keys; i++)
        snprintf(b.key[i], sizeof b.key[i], "metric_%zu", i % KEYS_MOST);
    int bad = run_all(&b);
    mlp_metric_order_free(&b.order);
    free(b.frames);
    free(b.records);
    return bad;
}
