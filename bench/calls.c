/*
 * How long one call takes, and what keeps it: one measurement a process, its figures as one line of JSON. points.py
 * runs them in turns.
 *
 *     bench_calls process FOLDER POINTS          each call alone at level process, one every two microseconds
 *     bench_calls control FOLDER POINTS          the same stores into anonymous memory at the same pace, while a thread
 *                                                brings as many rows into a database, as the delivery does
 *     bench_calls remote URI POINTS PACE_NS      each call alone at level process, to a server, one every so long
 *     bench_calls still FOLDER POINTS PACE_NS    the same stores into anonymous memory, while nothing else runs
 *     bench_calls disk FOLDER POINTS THREADS     one durable point at a time, by so many threads
 *     bench_calls fsync FOLDER POINTS THREADS    as many bytes, and one fdatasync a point, by threads with a file each
 *     bench_calls once FOLDER                    opens the store, logs one point, closes: what is the whole process's
 *     bench_calls bare FOLDER                    the same rows into a store that is there, by SQLite alone
 */
#include <mlplat.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MOST = 64, PACE_NS = 2000, LONG_NS = 5000000, FRAME = 97, RING = 256 * 1024 };

typedef struct bench {
    const char *folder;
    char uri[1100];
    int64_t points;
    int threads, pace_ns;
    double start_ms, close_ms;
    mlplat *ml;
    mlplat_run *run;
    mlplat_error err;
    uint32_t *took;        /* ns of each call */
    int64_t gave_up, seen; /* calls over 5 ms in which the thread itself waited: in others something else ran */
    int64_t stops;         /* of over 5 ms, in a call or between two */
    int64_t inside, ran;   /* ns in calls, and all of it, without those */
} bench;

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int failed(const bench *b)
{
    fprintf(stderr, "bench_calls: %s: %s\n", mlplat_status_name(b->err.status), b->err.message);
    return 1;
}

static mlplat_status log_first(bench *b, mlplat_durability durability)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = b->uri;
    options.durability = durability;
    mlplat_status s = mlplat_open(&options, &b->ml, &b->err);
    if (s == MLPLAT_OK)
        s = mlplat_run_start(b->ml, NULL, &b->run, &b->err);
    return s == MLPLAT_OK ? mlplat_run_log_metric(b->run, "loss", 0, MLPLAT_STEP_AUTO, &b->err) : s;
}

static mlplat_status start(bench *b, mlplat_durability durability)
{
    mlplat_status s = log_first(b, durability);
    return s == MLPLAT_OK ? mlplat_flush(b->ml, -1, &b->err) : s;
}

/* ---- each call alone --------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int tell_calls(bench *b)
{
    int64_t n = b->points, long_ones = 0;
    for (int64_t i = 0; i < n; i++)
        long_ones += b->took[i] > LONG_NS;
    qsort(b->took, (size_t)n, sizeof *b->took, by_size);
    printf("{\"p50_ns\": %u, \"p99_9_ns\": %u, \"p99_99_ns\": %u, \"max_ns\": %u, \"over_5_ms\": %" PRId64
           ", \"waited_5_ms\": %" PRId64 ", \"stops_5_ms\": %" PRId64 ", \"by_chance_5_ms\": %.1f"
           ", \"start_ms\": %.1f, \"close_ms\": %.1f}\n",
           b->took[n / 2], b->took[n - 1 - n / 1000], b->took[n - 1 - n / 10000], b->took[n - 1], long_ones,
           b->gave_up, b->stops, (double)b->stops * (double)b->inside / (double)(b->ran ? b->ran : 1), b->start_ms,
           b->close_ms);
    free(b->took);
    return 0;
}

static bool has_waited(bench *b)
{
    struct rusage use;
    getrusage(RUSAGE_THREAD, &use);
    bool waited = use.ru_nvcsw != b->seen;
    b->seen = use.ru_nvcsw;
    return waited;
}

/* Between two looks at the clock. A machine that stops us does so at any time: how often it hits a call by chance is
 * the share of calls in the time that we run. */
static void note_time(bench *b, int64_t ns, bool in_call)
{
    b->stops += ns > LONG_NS;
    b->ran += ns > LONG_NS ? 0 : ns;
    b->inside += ns > LONG_NS || !in_call ? 0 : ns;
    if (in_call && ns > LONG_NS)
        b->gave_up += has_waited(b); /* an upper bound: it may have been in a shorter call before */
}

/* Calls what(i) at the pace, or as soon as the one before lets it. */
static mlplat_status time_calls(bench *b, mlplat_status (*what)(bench *, int64_t))
{
    mlplat_status s = MLPLAT_OK;
    b->took = calloc((size_t)b->points, sizeof *b->took);
    has_waited(b);
    int64_t next = now_ns(CLOCK_MONOTONIC), last = next, before;
    for (int64_t i = 0; b->took && s == MLPLAT_OK && i < b->points; i++) {
        do {
            before = now_ns(CLOCK_MONOTONIC);
            note_time(b, before - last, false);
            last = before;
        } while (before < next);
        next = before + b->pace_ns;
        s = what(b, i);
        last = now_ns(CLOCK_MONOTONIC);
        b->took[i] = (uint32_t)(last - before);
        note_time(b, last - before, true);
    }
    return b->took ? s : MLPLAT_NO_MEMORY;
}

static mlplat_status log_one(bench *b, int64_t i)
{
    return mlplat_run_log_metric(b->run, "loss", (double)i * 0.5, MLPLAT_STEP_AUTO, &b->err);
}

static int process(bench *b)
{
    mlplat_status s = start(b, MLPLAT_DURABILITY_PROCESS);
    if (s == MLPLAT_OK)
        s = time_calls(b, log_one);
    mlplat_run_free(b->run);
    mlplat_close(b->ml);
    return s == MLPLAT_OK ? tell_calls(b) : failed(b);
}

/* To a server that may not be there: nothing is waited for before the calls. */
static int remote(bench *b)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = b->folder;
    options.durability = MLPLAT_DURABILITY_PROCESS;
    int64_t begin = now_ns(CLOCK_MONOTONIC);
    mlplat_status s = mlplat_open(&options, &b->ml, &b->err);
    if (s == MLPLAT_OK)
        s = mlplat_run_start(b->ml, NULL, &b->run, &b->err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_metric(b->run, "loss", 0, MLPLAT_STEP_AUTO, &b->err);
    b->start_ms = (double)(now_ns(CLOCK_MONOTONIC) - begin) / 1e6;
    if (s == MLPLAT_OK)
        s = time_calls(b, log_one);
    begin = now_ns(CLOCK_MONOTONIC);
    mlplat_run_free(b->run);
    mlplat_close(b->ml);
    b->close_ms = (double)(now_ns(CLOCK_MONOTONIC) - begin) / 1e6;
    return s == MLPLAT_OK ? tell_calls(b) : failed(b);
}

static unsigned char ring[RING];

static mlplat_status store_one(bench *b, int64_t i)
{
    static unsigned char frame[FRAME];
    (void)b;
    memcpy(frame, &i, sizeof i);
    memcpy(ring + (size_t)(i * FRAME) % (RING - FRAME), frame, sizeof frame);
    __asm__ volatile("" ::: "memory");
    return MLPLAT_OK;
}

static int still(bench *b)
{
    memset(ring, 1, sizeof ring);
    return time_calls(b, store_one) == MLPLAT_OK ? tell_calls(b) : 1;
}

static atomic_bool stop;

static void *insert_rows(void *arg)
{
    const bench *b = arg;
    char path[1100];
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    snprintf(path, sizeof path, "%s/control.db", b->folder);
    int bad = sqlite3_open(path, &db) ||
              sqlite3_exec(db,
                           "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE metrics (key TEXT, value "
                           "FLOAT, ms INT, run TEXT, step INT, is_nan INT, PRIMARY KEY (key, ms, step, run, value, "
                           "is_nan)); CREATE INDEX a ON metrics (run); CREATE INDEX b ON metrics (run, key, step)",
                           NULL, NULL, NULL) ||
              sqlite3_prepare_v2(db,
                                 "INSERT INTO metrics VALUES ('loss', 0.5, 1700000000000, "
                                 "'0123456789abcdef0123456789abcdef', ?, 0)",
                                 -1, &row, NULL);
    for (int64_t i = 0; !bad && !atomic_load(&stop); i++) {
        bad = i % 4096 == 0 && sqlite3_exec(db, i ? "COMMIT; BEGIN" : "BEGIN", NULL, NULL, NULL);
        sqlite3_bind_int64(row, 1, i);
        bad = bad || sqlite3_step(row) != SQLITE_DONE || sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    sqlite3_close(db);
    return bad ? arg : NULL;
}

static int control(bench *b)
{
    pthread_t thread;
    void *bad = NULL;
    memset(ring, 1, sizeof ring);
    if (pthread_create(&thread, NULL, insert_rows, b))
        return 1;
    mlplat_status s = time_calls(b, store_one);
    atomic_store(&stop, true);
    pthread_join(thread, &bad);
    return s == MLPLAT_OK && !bad ? tell_calls(b) : 1;
}

/* ---- one durable point at a time --------------------------------------------------------------------------------- */

static void *log_durable(void *arg)
{
    bench *b = arg;
    for (int64_t i = 0; i < b->points / b->threads; i++)
        if (mlplat_run_log_metric(b->run, "loss", (double)i, MLPLAT_STEP_AUTO, NULL) != MLPLAT_OK)
            return arg;
    return NULL;
}

static _Atomic int files;

static void *sync_each(void *arg)
{
    const bench *b = arg;
    char path[1100];
    unsigned char zeros[4096] = { 0 };
    int64_t each = b->points / b->threads;
    snprintf(path, sizeof path, "%s/%d", b->folder, atomic_fetch_add(&files, 1));
    int fd = open(path, O_RDWR | O_CREAT, 0600), bad = fd == -1;
    for (int64_t at = 0; !bad && at < each * FRAME; at += (int64_t)sizeof zeros) /* space ahead, as a journal has */
        bad = pwrite(fd, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros;
    bad = bad || fsync(fd) == -1;
    for (int64_t i = 0; i < each && !bad; i++)
        bad = pwrite(fd, ring, FRAME, i * FRAME) != FRAME || fdatasync(fd) == -1;
    close(fd);
    return bad ? arg : NULL;
}

static int run_threads(bench *b, void *(*what)(void *))
{
    pthread_t threads[THREADS_MOST];
    int started = 0, bad = 0;
    int64_t wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (; started < b->threads && !bad; started += !bad)
        bad = pthread_create(&threads[started], NULL, what, b);
    for (int i = 0; i < started; i++) {
        void *failure = NULL;
        pthread_join(threads[i], &failure);
        bad = bad || failure;
    }
    wall = now_ns(CLOCK_MONOTONIC) - wall;
    cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (!bad)
        printf("{\"points_per_second\": %.0f, \"cpu_us\": %.2f}\n", (double)b->points * 1e9 / (double)wall,
               (double)cpu / 1e3 / (double)b->points);
    return bad;
}

static int disk(bench *b)
{
    int bad = start(b, MLPLAT_DURABILITY_DISK) != MLPLAT_OK || run_threads(b, log_durable);
    mlplat_run_free(b->run);
    mlplat_close(b->ml);
    return bad ? failed(b) : 0;
}

static int sync_control(bench *b)
{
    return run_threads(b, sync_each);
}

/* ---- a process that only logs ------------------------------------------------------------------------------------ */

static int tell_process(int64_t loaded, int64_t logged)
{
    printf("{\"process_cpu_ms\": %.3f, \"before_main_ms\": %.3f, \"until_logged_ms\": %.3f}\n",
           (double)now_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e6, (double)loaded / 1e6, (double)logged / 1e6);
    return 0;
}

static int once(bench *b)
{
    int64_t loaded = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    mlplat_status s = log_first(b, MLPLAT_DURABILITY_PROCESS);
    int64_t logged = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    mlplat_run_free(b->run);
    mlplat_close(b->ml);
    return s == MLPLAT_OK ? tell_process(loaded, logged) : failed(b);
}

/* A run in one transaction and its point in another, in MLflow's own tables. */
static int bare(bench *b)
{
    int64_t loaded = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    sqlite3 *db = NULL;
    int bad = sqlite3_open(b->uri + strlen("sqlite:///"), &db) ||
              sqlite3_exec(db,
                           "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE; "
                           "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, experiment_id) "
                           "SELECT lower(hex(randomblob(16))), 'bare', 'RUNNING', 1, 'active', 0; COMMIT; "
                           "BEGIN IMMEDIATE; INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) "
                           "SELECT 'loss', 0, 1, run_uuid, 0, 0 FROM runs WHERE rowid = last_insert_rowid(); "
                           "INSERT INTO latest_metrics SELECT key, value, timestamp, step, is_nan, run_uuid "
                           "FROM metrics WHERE rowid = last_insert_rowid(); COMMIT",
                           NULL, NULL, NULL);
    if (bad)
        fprintf(stderr, "bench_calls: %s\n", sqlite3_errmsg(db));
    int64_t logged = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    sqlite3_close(db);
    return bad ? 1 : tell_process(loaded, logged);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int words;
        int (*run)(bench *);
    } kinds[] = { { "process", 4, process }, { "control", 4, control }, { "disk", 5, disk },
                  { "remote", 5, remote }, { "still", 5, still },
                  { "fsync", 5, sync_control }, { "once", 3, once }, { "bare", 3, bare } };
    static bench b;
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(argv[1], kinds[i].name) != 0 || argc != kinds[i].words)
            continue;
        b.folder = argv[2];
        b.points = argc > 3 ? atoll(argv[3]) : 1;
        bool paced = kinds[i].run == remote || kinds[i].run == still;
        b.threads = argc > 4 && !paced ? atoi(argv[4]) : 1;
        b.pace_ns = paced ? atoi(argv[4]) : PACE_NS;
        snprintf(b.uri, sizeof b.uri, "sqlite:///%s/mlflow.db", b.folder);
        if (b.points >= 1 && b.threads >= 1 && b.threads <= THREADS_MOST)
            return kinds[i].run(&b);
    }
    fprintf(stderr, "usage: bench_calls process|control FOLDER POINTS | disk|fsync FOLDER POINTS THREADS |\n"
                    "       remote URI POINTS PACE_NS | still FOLDER POINTS PACE_NS | once|bare FOLDER\n");
    return 2;
}
