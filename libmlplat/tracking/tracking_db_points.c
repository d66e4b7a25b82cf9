/*
 * One metric's points out of the table of all of them.
 *
 * Two ways lead to them. The primary key (key, timestamp, step, run, value, is_nan) holds whole points in their order,
 * but those of all runs of the key; the index of runs leads to a run's rows, of all keys. A look at what is there
 * chooses. A long stretch of the primary key is cut into ranges of time (of one time: of steps), which threads with
 * connections of their own read; the caller's thread waits, with nothing locked, and calls the hook.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "base/thread.h"
#include "db/metric_scan.h"
#include "tracking/points.h"
#include "tracking/tracking_db.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { FEW = 20000, LOOK = 256, RANGES = 16, THREADS_MOST = 4, TURN_MS = 40 };

typedef struct points_call points_call;

/* One stretch of the points, and what was read of it. */
typedef struct range {
    points_call *call;
    mlp_metric_stretch stretch;
    mlp_metric_points points;
    size_t room, since; /* since: points that were not counted yet */
    bool no_memory;
} range;

struct points_call {
    const mlp_tracking_db_store *store;
    const char *run_id, *key;
    unsigned columns;
    bool few, ours; /* what the look told: few rows of this run; most rows of the key are of this run */
    mlp_metric_stretch all;
    range ranges[RANGES];
    int n_ranges;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    int next, working; /* ranges begun, threads at work */
    mlplat_status status;
    mlplat_error error;
    atomic_bool stop;
    atomic_uint_fast64_t done;
};

/* ---- the look ---------------------------------------------------------------------------------------------------- */

static mlplat_status bind_and_step(mlp_db *db, const char *sql, const points_call *c, bool run, bool key, int64_t limit,
                                   mlp_stmt **out, bool *row, mlplat_error *err)
{
    int i = 0;
    mlplat_status s = mlp_db_prepare(db, sql, out, err);
    if (s != MLPLAT_OK)
        return s;
    if (run)
        mlp_stmt_text(*out, ++i, c->run_id);
    if (key)
        mlp_stmt_text(*out, ++i, c->key);
    if (limit)
        mlp_stmt_int(*out, ++i, limit);
    return mlp_stmt_step(*out, row, err);
}

/* The number that sql gives, for the run, the key, or both. */
static mlplat_status number(mlp_db *db, const char *sql, const points_call *c, bool run, bool key, int64_t limit,
                            int64_t *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = bind_and_step(db, sql, c, run, key, limit, &stmt, &row, err);
    if (s == MLPLAT_OK)
        *out = row ? mlp_stmt_col_int(stmt, 0) : 0;
    mlp_stmt_done(stmt);
    return s;
}

/* From the first to the last point of the key, whoever's they are; each is one step into the index. */
static mlplat_status bounds(mlp_db *db, points_call *c, mlplat_error *err)
{
#define AT_ONE_TIME " FROM metrics WHERE key = ?1 AND timestamp = (SELECT min(timestamp) FROM metrics WHERE key = ?1)"
    mlp_metric_stretch *all = &c->all;
    all->step_low = INT64_MIN;
    all->step_high = INT64_MAX;
    mlplat_status s =
        number(db, "SELECT min(timestamp) FROM metrics WHERE key = ?", c, false, true, 0, &all->time_low, err);
    if (s == MLPLAT_OK)
        s = number(db, "SELECT max(timestamp) FROM metrics WHERE key = ?", c, false, true, 0, &all->time_high, err);
    if (s != MLPLAT_OK || all->time_low != all->time_high)
        return s;
    s = number(db, "SELECT min(step)" AT_ONE_TIME, c, false, true, 0, &all->step_low, err);
    return s == MLPLAT_OK ? number(db, "SELECT max(step)" AT_ONE_TIME, c, false, true, 0, &all->step_high, err) : s;
}

static mlplat_status look_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    points_call *c = ctx;
    int64_t found = 0, rows = 0, mine = 0;
    mlplat_status s = number(db, "SELECT 1 FROM runs WHERE run_uuid = ?", c, true, false, 0, &found, err);
    if (s == MLPLAT_OK && !found)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s is not in the store: check the id and the tracking URI", c->run_id);
    c->few = true; /* a server reads them one way or another, and sends them all the same */
    if (s != MLPLAT_OK || !mlp_db_is_file(db))
        return s;
    s = number(db, "SELECT count(*) FROM (SELECT 1 FROM metrics WHERE run_uuid = ? LIMIT ?)", c, true, false, FEW,
               &rows, err);
    c->few = rows < FEW;
    if (s != MLPLAT_OK || c->few)
        return s;
    s = bounds(db, c, err);
    if (s == MLPLAT_OK)
        s = number(
            db,
            "SELECT sum(run_uuid = ?1) FROM (SELECT run_uuid FROM metrics WHERE key = ?2 AND timestamp >= "
            "coalesce((SELECT timestamp FROM latest_metrics WHERE run_uuid = ?1 AND key = ?2), 0) - ?3 LIMIT 256)",
            c, true, true, 60000, &mine, err);
    c->ours = mine >= LOOK / 8;
    return s;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool take(void *user, int64_t step, int64_t timestamp_ms, double value, bool is_nan)
{
    range *r = user;
    points_call *c = r->call;
    if (++r->since == 4096) {
        atomic_fetch_add(&c->done, r->since);
        r->since = 0;
        if (atomic_load(&c->stop))
            return false;
    }
    r->no_memory = !mlp_points_add(&r->points, &r->room, c->columns, is_nan ? (double)NAN : value, step, timestamp_ms);
    return !r->no_memory;
}

/* In a transaction; from the start again if it must be. */
static mlplat_status read_one(mlp_db *db, void *ctx, mlplat_error *err)
{
    range *r = ctx;
    points_call *c = r->call;
    r->points.n = 0;
    mlplat_status s = c->ours ? mlp_metric_scan_stretch(db, c->run_id, c->key, &r->stretch,
                                                        c->columns & MLP_POINTS_TIMES, take, r, err)
                              : mlp_metric_scan(db, c->run_id, c->key, take, r, err);
    return r->no_memory ? mlp_fail_memory(err) : s;
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

/* The ranges share the time evenly, or of one time the steps. */
static void cut(points_call *c)
{
    bool by_time = c->all.time_low < c->all.time_high;
    int64_t low = by_time ? c->all.time_low : c->all.step_low, high = by_time ? c->all.time_high : c->all.step_high;
    uint64_t span = (uint64_t)high - (uint64_t)low;
    int64_t from = low;
    bool done = false;
    for (int i = 0; i < RANGES; i++) {
        mlp_metric_stretch *r = &c->ranges[i].stretch;
        int64_t to = (int64_t)((uint64_t)low + (uint64_t)((unsigned __int128)span * (unsigned)(i + 1) / RANGES));
        to = to < from ? from : to;
        *r = c->all;
        if (by_time) {
            r->time_low = from;
            r->time_high = to;
        } else {
            r->step_low = from;
            r->step_high = to;
        }
        if (done) { /* empty */
            r->time_low = 1;
            r->time_high = 0;
        }
        done = done || to >= high;
        from = done ? high : to + 1;
    }
}

static range *next_range(points_call *c)
{
    range *r = NULL;
    pthread_mutex_lock(&c->lock);
    if (c->next < c->n_ranges && c->status == MLPLAT_OK)
        r = &c->ranges[c->next++];
    pthread_mutex_unlock(&c->lock);
    return r;
}

static void *work(void *arg)
{
    points_call *c = arg;
    mlplat_error err = {0};
    mlp_db *db = NULL;
    const mlp_db_options options = {.log = &c->store->ml->log};
    mlplat_status s = mlp_db_open(mlp_db_path(c->store->db), &options, &db, &err);
    for (range *r; s == MLPLAT_OK && (r = next_range(c));)
        s = mlp_db_read(db, read_one, r, NULL, &err);
    mlp_db_close(db);
    pthread_mutex_lock(&c->lock);
    if (s != MLPLAT_OK && c->status == MLPLAT_OK) {
        c->status = s;
        c->error = err;
        atomic_store(&c->stop, true);
    }
    c->working--;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Until nobody works any more. A hook that says stop ends the others' work. */
static mlplat_status wait_for_all(points_call *c, const mlp_hook *hook, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    pthread_mutex_lock(&c->lock);
    while (c->working) {
        mlp_cond_wait_ms(&c->changed, &c->lock, TURN_MS);
        if (!c->working || s != MLPLAT_OK)
            continue;
        pthread_mutex_unlock(&c->lock);
        s = mlp_hook_call(hook, atomic_load(&c->done), 0, "reading the metric", err);
        if (s != MLPLAT_OK)
            atomic_store(&c->stop, true);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    if (s == MLPLAT_OK && c->status != MLPLAT_OK) {
        s = c->status;
        if (err)
            *err = c->error;
    }
    return s;
}

static mlplat_status read_many(points_call *c, const mlp_hook *hook, mlplat_error *err)
{
    pthread_t threads[THREADS_MOST];
    int n = 0, wanted = c->n_ranges == 1 ? 1 : mlp_os_processors();
    mlplat_status s = MLPLAT_OK, waited;
    for (; s == MLPLAT_OK && n < wanted && n < THREADS_MOST; n += s == MLPLAT_OK) {
        pthread_mutex_lock(&c->lock);
        c->working++;
        pthread_mutex_unlock(&c->lock);
        s = mlp_thread_start(&threads[n], "mlplat-points", work, c, err);
        if (s != MLPLAT_OK) {
            pthread_mutex_lock(&c->lock);
            c->working--;
            pthread_mutex_unlock(&c->lock);
        }
    }
    waited = wait_for_all(c, hook, n ? err : NULL);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return n ? waited : s; /* fewer threads than wanted only take longer */
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static void copy(const points_call *c, const range *r, mlp_metric_points *out)
{
    memcpy(out->values + out->n, r->points.values, r->points.n * sizeof *out->values);
    if (c->columns & MLP_POINTS_STEPS)
        memcpy(out->steps + out->n, r->points.steps, r->points.n * sizeof *out->steps);
    if (c->columns & MLP_POINTS_TIMES)
        memcpy(out->times + out->n, r->points.times, r->points.n * sizeof *out->times);
    out->n += r->points.n;
}

/* The ranges one after the other. */
static mlplat_status join(points_call *c, mlp_metric_points *out, mlplat_error *err)
{
    size_t total = 0;
    for (int i = 0; i < c->n_ranges; i++)
        total += c->ranges[i].points.n;
    if (c->n_ranges == 1) {
        *out = c->ranges[0].points;
        c->ranges[0].points = (mlp_metric_points){0};
        return MLPLAT_OK;
    }
    out->values = mlp_alloc_array(total + 1, sizeof *out->values);
    out->steps = c->columns & MLP_POINTS_STEPS ? mlp_alloc_array(total + 1, sizeof *out->steps) : NULL;
    out->times = c->columns & MLP_POINTS_TIMES ? mlp_alloc_array(total + 1, sizeof *out->times) : NULL;
    if (!out->values || (c->columns & MLP_POINTS_STEPS && !out->steps) ||
        (c->columns & MLP_POINTS_TIMES && !out->times))
        return mlp_fail_memory(err);
    for (int i = 0; i < c->n_ranges; i++)
        if (c->ranges[i].points.n)
            copy(c, &c->ranges[i], out);
    return MLPLAT_OK;
}

static mlplat_status read_all(points_call *c, const mlp_hook *hook, mlp_metric_points *out, mlplat_error *err)
{
    mlplat_status s = mlp_db_read(c->store->db, look_fn, c, hook, err);
    c->n_ranges = s == MLPLAT_OK && c->ours ? RANGES : 1;
    if (c->n_ranges > 1)
        cut(c);
    for (int i = 0; i < RANGES; i++)
        c->ranges[i].call = c;
    if (s == MLPLAT_OK && c->few)
        s = mlp_db_read(c->store->db, read_one, &c->ranges[0], hook, err);
    else if (s == MLPLAT_OK)
        s = read_many(c, hook, err);
    return s == MLPLAT_OK ? join(c, out, err) : s;
}

mlplat_status mlp_tracking_db_points(void *store, const char *run_id, const char *key, unsigned columns,
                                     const mlp_hook *hook, mlp_metric_points *out, mlplat_error *err)
{
    points_call *c = mlp_alloc(sizeof *c);
    if (!c)
        return mlp_fail_memory(err);
    c->store = store;
    c->run_id = run_id;
    c->key = key;
    c->columns = columns;
    pthread_mutex_init(&c->lock, NULL);
    mlp_cond_init(&c->changed);
    mlplat_status s = read_all(c, hook, out, err);
    for (int i = 0; i < RANGES; i++)
        mlp_points_free(&c->ranges[i].points);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    mlp_free(c);
    return s;
}
