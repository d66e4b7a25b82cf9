/*
 * The sink: records of a journal into MLflow's tables, with the journal's mark in the same transaction, so that each
 * record has its effect exactly once. A batch that takes long is stored in parts, each a transaction. What is refused
 * is set aside before its COMMIT; from the first refusal on there are no more parts, so that what fails after it takes
 * back all of it.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "spool/metric_origin.h"
#include "tracking/metric_order.h"
#include "tracking/tracking_db.h"
#include <stdatomic.h>
#include <string.h>

/*
 * A transaction takes records for so long if others wait for the writer lock; the commit comes on top. If nobody has
 * waited lately, it takes the whole batch at once, in the order of the tables: each page changes once. Somebody who
 * comes meanwhile is let in: what was put in is taken back, and the batch begins again in slices.
 */
#define PART_NS (8 * 1000 * 1000)
#define CALM_NS (INT64_C(500) * 1000 * 1000)

enum {
    SLICE_LEAST = 32,
    SLICE_MOST = 4096,
    BATCH = 4096,
    BATCH_MANY = 16384, /* where a batch has few points of each metric: as many pages change, for more points */
    MANY = 32,          /* few: less than these */
    LOOK_EVERY = 64,    /* points put in between two looks at who waits */
    RUNS = 16           /* whose state a transaction remembers */
};

typedef struct known_run {
    const char *id;
    size_t n;
    mlp_verdict verdict;
} known_run;

/* One transaction's share of a batch. */
typedef struct part {
    mlp_tracking_db_store *store;
    mlp_db *db;
    mlp_spool *const *spool;
    const char *journal_id;
    const mlp_record *records;
    mlp_verdict *verdicts;
    size_t from, to, n;
    uint64_t last; /* number of the last record that is new */
    mlp_metric_order *order;
    known_run runs[RUNS];
    size_t n_runs;
    bool refused;
    mlp_verdict sent;    /* what became of an artifact */
    bool alone, stopped; /* the batch is taken whole, until somebody waits */
    unsigned since_look;
    int64_t began_ns;
} part;

static void refuse(mlp_verdict *verdict, mlplat_status status, const mlplat_error *why)
{
    verdict->status = status;
    snprintf(verdict->reason, sizeof verdict->reason, "%.*s", (int)sizeof verdict->reason - 1, why->message);
}

/* A constraint of the tables says that it will never fit, or no text or number of its kind is kept there. */
static bool is_records_own(mlplat_status s)
{
    return s == MLPLAT_CONFLICT || s == MLPLAT_EXISTS || s == MLPLAT_INVALID;
}

/* What came of one record. */
static mlplat_status judge(part *p, mlp_verdict *verdict, mlplat_status s, const mlplat_error *why, mlplat_error *err)
{
    if (is_records_own(s))
        refuse(verdict, s, why);
    else if (s != MLPLAT_OK && err)
        *err = *why;
    p->refused = p->refused || verdict->status != MLPLAT_OK;
    return is_records_own(s) ? MLPLAT_OK : s;
}

/* ---- tags ------------------------------------------------------------------------------------------------------ */

static bool is_run_name(const char *key, size_t n)
{
    return n == strlen("mlflow.runName") && memcmp(key, "mlflow.runName", n) == 0;
}

static mlplat_status rename_run(mlp_db *db, const char *run_id, size_t run_n, const char *name, size_t n,
                                mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, "UPDATE runs SET name = ? WHERE run_uuid = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text_n(stmt, 1, name, n);
        mlp_stmt_text_n(stmt, 2, run_id, run_n);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_tracking_db_set_tag(mlp_db *db, const char *run_id, size_t run_n, const char *key, size_t key_n,
                                      const char *value, size_t value_n, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    if (is_run_name(key, key_n) && value_n == 0)
        return MLPLAT_OK; /* a run keeps its name, as in MLflow */
    mlplat_status s = is_run_name(key, key_n) ? rename_run(db, run_id, run_n, value, value_n, err) : MLPLAT_OK;
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?) "
                           "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value",
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text_n(stmt, 1, key, key_n);
        mlp_stmt_text_n(stmt, 2, value, value_n);
        mlp_stmt_text_n(stmt, 3, run_id, run_n);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* ---- runs ------------------------------------------------------------------------------------------------------ */

mlplat_status mlp_tracking_db_run_active(mlp_db *db, const char *run_id, size_t run_n, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, "SELECT lifecycle_stage FROM runs WHERE run_uuid = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text_n(stmt, 1, run_id, run_n);
        s = mlp_stmt_step(stmt, &row, err);
    }
    const char *stage = s == MLPLAT_OK && row ? mlp_stmt_col_text(stmt, 0) : NULL;
    if (s == MLPLAT_OK && !row)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %.*s is not in the store: check the id and the tracking URI",
                     (int)run_n, run_id);
    else if (s == MLPLAT_OK && (!stage || strcmp(stage, "active") != 0))
        s = mlp_fail(err, MLPLAT_STATE, "run %.*s is deleted: restore it first", (int)run_n, run_id);
    mlp_stmt_done(stmt);
    return s;
}

static bool is_about_the_run(mlplat_status s)
{
    return s == MLPLAT_NOT_FOUND || s == MLPLAT_STATE;
}

/* One that another process made offline, whose records may come later than these, is made now. */
static mlplat_status find_run(part *p, const mlp_record *r, mlplat_error *err)
{
    mlplat_status s = mlp_tracking_db_run_active(p->db, r->run_id, r->run_id_n, err);
    const mlp_tracking_db_records *others = mlp_tracking_db_others(p->store);
    if (s == MLPLAT_NOT_FOUND && others)
        s = others->find(p->store, r->run_id, r->run_id_n, err);
    return s;
}

/* *out: whether the record's run takes records; asked once a transaction. Lent by p until the next call. */
static mlplat_status look_at_run(part *p, const mlp_record *r, const mlp_verdict **out, mlplat_error *err)
{
    for (size_t i = 0; i < p->n_runs; i++)
        if (p->runs[i].n == r->run_id_n && memcmp(p->runs[i].id, r->run_id, r->run_id_n) == 0) {
            *out = &p->runs[i].verdict;
            return MLPLAT_OK;
        }
    mlplat_error why = {0};
    mlplat_status s = find_run(p, r, &why);
    if (s != MLPLAT_OK && !is_about_the_run(s)) {
        if (err)
            *err = why;
        return s;
    }
    known_run *run = &p->runs[p->n_runs < RUNS ? p->n_runs++ : RUNS - 1];
    *run = (known_run){.id = r->run_id, .n = r->run_id_n};
    refuse(&run->verdict, s, &why);
    *out = &run->verdict;
    return MLPLAT_OK;
}

/* ---- metrics --------------------------------------------------------------------------------------------------- */

static void bind_point(mlp_stmt *stmt, const mlp_record *r)
{
    bool is_nan;
    mlp_stmt_double(stmt, 3, mlp_tracking_db_stored(r->value, &is_nan));
    mlp_stmt_int(stmt, 4, r->timestamp_ms);
    mlp_stmt_int(stmt, 5, r->step);
    mlp_stmt_bool(stmt, 6, is_nan);
}

static mlplat_status put_point(mlp_stmt *stmt, const mlp_record *r, mlplat_error *err)
{
    bind_point(stmt, r);
    mlplat_status s = mlp_stmt_step(stmt, NULL, err);
    mlp_stmt_again(stmt);
    return s;
}

static bool later(const mlp_record *a, const mlp_record *b)
{
    bool is_nan;
    if (a->step != b->step)
        return a->step > b->step;
    if (a->timestamp_ms != b->timestamp_ms)
        return a->timestamp_ms > b->timestamp_ms;
    return mlp_tracking_db_stored(a->value, &is_nan) > mlp_tracking_db_stored(b->value, &is_nan);
}

/* ---- metrics of logged models ------------------------------------------------------------------------------------ */

/* Of one model, name, time, step and run the first value stays, as in MLflow. */
static mlplat_status put_model_metric(part *p, const mlp_record *r, const mlp_metric_origin *o, mlplat_error *err)
{
    bool is_nan;
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        p->db,
        "INSERT INTO logged_model_metrics (model_id, metric_name, metric_timestamp_ms, metric_step, metric_value, "
        "experiment_id, run_id, dataset_uuid, dataset_name, dataset_digest) SELECT ?, ?, ?, ?, ?, experiment_id, "
        "run_uuid, NULL, ?, ? FROM runs WHERE run_uuid = ? ON CONFLICT DO NOTHING",
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text_n(stmt, 1, o->model_id, o->model_id_n);
        mlp_stmt_text_n(stmt, 2, r->key, r->key_n);
        mlp_stmt_int(stmt, 3, r->timestamp_ms);
        mlp_stmt_int(stmt, 4, r->step);
        mlp_stmt_double(stmt, 5, mlp_tracking_db_stored(r->value, &is_nan));
        mlp_stmt_text_n(stmt, 6, o->dataset_name_n ? o->dataset_name : NULL, o->dataset_name_n);
        mlp_stmt_text_n(stmt, 7, o->dataset_digest_n ? o->dataset_digest : NULL, o->dataset_digest_n);
        mlp_stmt_text_n(stmt, 8, r->run_id, r->run_id_n);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* A model that is not there is the record's fault. */
static mlplat_status look_at_model(part *p, const mlp_metric_origin *o, mlp_verdict *verdict, mlplat_error *err)
{
    mlplat_status s = mlp_tracking_db_models_there(p->store, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_model_known(p->db, o->model_id, o->model_id_n, err);
    if (s != MLPLAT_NOT_FOUND && s != MLPLAT_UNSUPPORTED)
        return s;
    refuse(verdict, s, err);
    return MLPLAT_OK;
}

/* The point, and what it says of a logged model. */
static mlplat_status put_point_of(part *p, mlp_stmt *stmt, const mlp_record *r, mlp_verdict *verdict, mlplat_error *err)
{
    mlp_metric_origin origin;
    if (!r->text_n)
        return put_point(stmt, r, err);
    mlp_metric_origin_get(r, &origin);
    mlplat_status s = look_at_model(p, &origin, verdict, err);
    if (s != MLPLAT_OK || verdict->status != MLPLAT_OK)
        return s;
    s = put_point(stmt, r, err);
    return s == MLPLAT_OK ? put_model_metric(p, r, &origin, err) : s;
}

/* ---- a slice's metrics ------------------------------------------------------------------------------------------- */

static bool crowded(part *p)
{
    if (!mlp_db_crowded(p->db))
        return false;
    p->store->crowded_ns = mlp_clock_mono_ns();
    return true;
}

/* By a part that takes all of the batch: has it had its time, and does somebody wait? */
static bool must_stop(part *p)
{
    if (!p->alone || ++p->since_look < LOOK_EVERY)
        return false;
    p->since_look = 0;
    p->stopped = mlp_clock_mono_ns() - p->began_ns >= PART_NS && crowded(p);
    return p->stopped;
}

/* A slice's points of one metric; the texts are bound once. */
static mlplat_status put_metric(part *p, mlp_metric_group *g, mlp_stmt *row, mlplat_error *err)
{
    const mlp_verdict *run = NULL;
    mlplat_status s = look_at_run(p, g->first, &run, err);
    mlp_stmt_text_n(row, 1, g->first->key, g->first->key_n);
    mlp_stmt_text_n(row, 2, g->first->run_id, g->first->run_id_n);
    for (uint32_t i = g->head; s == MLPLAT_OK; i = p->order->next[i]) {
        const mlp_record *r = &p->records[i];
        mlplat_error why = {0};
        if (run->status == MLPLAT_OK)
            s = put_point_of(p, row, r, &p->verdicts[i], &why);
        else
            p->verdicts[i] = *run;
        s = judge(p, &p->verdicts[i], s, &why, err);
        if (s == MLPLAT_OK && must_stop(p))
            return MLPLAT_CANCELLED;
        if (p->verdicts[i].status == MLPLAT_OK && (!g->latest || later(r, g->latest)))
            g->latest = r;
        if (i == g->tail)
            break;
    }
    return s;
}

/* ---- the same on a server: the slice's points in one statement -----------------------------------------------------
 */

typedef struct point_range {
    part *p;
    const mlp_record **points;
    size_t n;
} point_range;

static mlplat_status put_range_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const point_range *range = ctx;
    return mlp_tracking_db_bulk_put(db, &range->p->store->rows, range->points, range->n, false, err);
}

/* One that is refused is found by halves. */
static mlplat_status put_range(part *p, const mlp_record **points, size_t n, mlplat_error *err)
{
    point_range range = {.p = p, .points = points, .n = n};
    mlplat_error why = {0};
    mlplat_status s = n ? mlp_db_attempt(p->db, put_range_fn, &range, &why) : MLPLAT_OK;
    if (n == 1 && s != MLPLAT_OK)
        return judge(p, &p->verdicts[points[0] - p->records], s, &why, err);
    if (n > 1 && is_records_own(s)) {
        s = put_range(p, points, n / 2, err);
        return s == MLPLAT_OK ? put_range(p, points + n / 2, n - n / 2, err) : s;
    }
    if (s != MLPLAT_OK && err)
        *err = why;
    return s;
}

/* Those of a metric that can be stored, as far as is known. */
static mlplat_status list_metric(part *p, const mlp_metric_group *g, size_t *n, mlplat_error *err)
{
    const mlp_verdict *run = NULL;
    mlplat_status s = look_at_run(p, g->first, &run, err);
    for (uint32_t i = g->head; s == MLPLAT_OK; i = p->order->next[i]) {
        const mlp_record *r = &p->records[i];
        mlp_metric_origin origin;
        if (run->status != MLPLAT_OK) {
            p->verdicts[i] = *run;
        } else if (r->text_n) {
            mlp_metric_origin_get(r, &origin);
            s = look_at_model(p, &origin, &p->verdicts[i], err);
        }
        p->refused = p->refused || p->verdicts[i].status != MLPLAT_OK;
        if (s == MLPLAT_OK && p->verdicts[i].status == MLPLAT_OK)
            p->store->points[(*n)++] = r;
        if (i == g->tail)
            break;
    }
    return s;
}

static mlplat_status put_model_metric_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const point_range *range = ctx;
    mlp_metric_origin origin;
    (void)db;
    mlp_metric_origin_get(range->points[0], &origin);
    return put_model_metric(range->p, range->points[0], &origin, err);
}

static mlplat_status note_stored(part *p, mlp_metric_group *g, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (uint32_t i = g->head; s == MLPLAT_OK; i = p->order->next[i]) {
        const mlp_record *r = &p->records[i];
        point_range one = {.p = p, .points = &r, .n = 1};
        mlplat_error why = {0};
        if (p->verdicts[i].status == MLPLAT_OK && r->text_n)
            s = judge(p, &p->verdicts[i], mlp_db_attempt(p->db, put_model_metric_fn, &one, &why), &why, err);
        if (p->verdicts[i].status == MLPLAT_OK && (!g->latest || later(r, g->latest)))
            g->latest = r;
        if (i == g->tail)
            break;
    }
    return s;
}

static mlplat_status need_points(mlp_tracking_db_store *store, size_t n, mlplat_error *err)
{
    if (n <= store->points_room)
        return MLPLAT_OK;
    mlp_free(store->points);
    store->points = mlp_alloc_array(n, sizeof *store->points);
    store->points_room = store->points ? n : 0;
    return store->points ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status put_metrics_there(part *p, mlplat_error *err)
{
    size_t n = 0;
    mlplat_status s = need_points(p->store, p->n, err);
    mlp_metric_order_sort(p->order);
    for (uint32_t i = 0; s == MLPLAT_OK && i < p->order->n_sliced; i++)
        s = list_metric(p, p->order->sliced[i], &n, err);
    if (s == MLPLAT_OK)
        s = put_range(p, p->store->points, n, err);
    for (uint32_t i = 0; s == MLPLAT_OK && i < p->order->n_sliced; i++)
        s = note_stored(p, p->order->sliced[i], err);
    return s;
}

static mlplat_status put_latest_there(part *p, mlplat_error *err)
{
    size_t n = 0;
    mlplat_status s = need_points(p->store, p->order->n, err);
    for (uint32_t i = 0; s == MLPLAT_OK && i < p->order->n; i++)
        if (p->order->groups[i].latest)
            p->store->points[n++] = p->order->groups[i].latest;
    return s == MLPLAT_OK ? mlp_tracking_db_bulk_put(p->db, &p->store->rows, p->store->points, n, true, err) : s;
}

/* ---- a slice's metrics, wherever they go ---------------------------------------------------------------------------
 */

static mlplat_status put_metrics(part *p, mlplat_error *err)
{
    mlp_stmt *row = NULL;
    if (mlp_db_has_arrays(p->db))
        return put_metrics_there(p, err);
    mlplat_status s = mlp_db_prepare(p->db,
                                     "INSERT INTO metrics (key, run_uuid, value, timestamp, step, is_nan) "
                                     "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                     &row, err);
    mlp_metric_order_sort(p->order);
    for (uint32_t i = 0; s == MLPLAT_OK && i < p->order->n_sliced; i++)
        s = put_metric(p, p->order->sliced[i], row, err);
    mlp_stmt_done(row);
    return s;
}

/* Of each metric once a transaction, not once a point. */
static mlplat_status put_latest(part *p, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    if (mlp_db_has_arrays(p->db))
        return put_latest_there(p, err);
    mlplat_status s = mlp_db_prepare(
        p->db,
        "INSERT INTO latest_metrics (key, run_uuid, value, timestamp, step, is_nan) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, "
        "step = excluded.step, is_nan = excluded.is_nan WHERE (excluded.step, excluded.timestamp, excluded.value) > "
        "(latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)",
        &stmt, err);
    for (uint32_t i = 0; s == MLPLAT_OK && i < p->order->n; i++) {
        const mlp_record *r = p->order->groups[i].latest;
        if (!r)
            continue;
        mlp_stmt_text_n(stmt, 1, r->key, r->key_n);
        mlp_stmt_text_n(stmt, 2, r->run_id, r->run_id_n);
        s = put_point(stmt, r, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* ---- a batch --------------------------------------------------------------------------------------------------- */

typedef struct put_call {
    mlp_tracking_db_store *store;
    const mlp_record *record;
} put_call;

static mlplat_status put_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const put_call *call = ctx;
    const mlp_record *r = call->record;
    if (r->kind == MLP_RECORD_TAG)
        return mlp_tracking_db_set_tag(db, r->run_id, r->run_id_n, r->key, r->key_n, r->text, r->text_n, err);
    const mlp_tracking_db_records *others = mlp_tracking_db_others(call->store);
    return others ? others->put(call->store, r, err)
                  : mlp_fail(err, MLPLAT_INVALID, "a record of a kind that no file takes");
}

/* Of what is no metric. A run's own record comes before the run. */
static mlplat_status put_other(part *p, const mlp_record *r, mlp_verdict *verdict, mlplat_error *err)
{
    const mlp_verdict *run = verdict;
    mlplat_error why = {0};
    mlplat_status s = r->kind == MLP_RECORD_CREATE ? MLPLAT_OK : look_at_run(p, r, &run, err);
    put_call call = {p->store, r};
    if (s != MLPLAT_OK)
        return s;
    *verdict = r->kind == MLP_RECORD_ARTIFACT ? p->sent : *run;
    if (verdict->status == MLPLAT_OK && r->kind != MLP_RECORD_ARTIFACT)
        s = mlp_db_attempt(p->db, put_fn, &call, &why);
    bool kind_of_server = mlp_tracking_db_others(p->store) && r->kind != MLP_RECORD_TAG;
    if (kind_of_server && (is_about_the_run(s) || s == MLPLAT_UNSUPPORTED)) {
        refuse(verdict, s, &why);
        s = MLPLAT_OK;
    }
    return judge(p, verdict, s, &why, err);
}

/* A slice shall take a quarter to a half of a part's time, so that a part ends in time. */
static void learn(mlp_tracking_db_store *store, int64_t took_ns, bool whole)
{
    if (took_ns > PART_NS / 2 && store->slice > SLICE_LEAST)
        store->slice /= 2;
    else if (whole && took_ns < PART_NS / 4 && store->slice < SLICE_MOST)
        store->slice *= 2;
}

/* The next records, as many as the last ones say that there is time for. Tags in their order, then the metrics. */
static mlplat_status store_slice(part *p, uint64_t mark, mlplat_error *err)
{
    int64_t began = mlp_clock_mono_ns();
    bool whole = p->n - p->to >= p->store->slice;
    size_t end = whole && !p->alone ? p->to + p->store->slice : p->n;
    if (mlp_db_has_arrays(p->db) && end > p->to + SLICE_MOST)
        end = p->to + SLICE_MOST; /* whoever comes is let in between two of them */
    mlplat_status s = MLPLAT_OK;
    mlp_metric_order_next(p->order);
    for (; s == MLPLAT_OK && p->to < end; p->to++) {
        const mlp_record *r = &p->records[p->to];
        mlp_verdict *verdict = &p->verdicts[p->to];
        mlp_verdict_clear(verdict);
        if (r->seq <= mark)
            continue;
        p->last = r->seq;
        if (r->kind == MLP_RECORD_METRIC)
            mlp_metric_order_add(p->order, p->records, p->to);
        else
            s = put_other(p, r, verdict, err);
    }
    if (s == MLPLAT_OK && p->order->n_sliced)
        s = put_metrics(p, err);
    if (!p->alone)
        learn(p->store, mlp_clock_mono_ns() - began, whole);
    return s;
}

static bool goes_on(part *p)
{
    return p->to == p->from || p->refused || (p->alone && !crowded(p)) || mlp_clock_mono_ns() - p->began_ns < PART_NS;
}

static mlplat_status begin_part(part *p, mlp_db *db, uint64_t *mark, mlplat_error *err)
{
    p->db = db;
    p->to = p->from;
    p->n_runs = 0;
    p->refused = p->stopped = false;
    p->began_ns = mlp_clock_mono_ns();
    crowded(p);
    p->alone = p->began_ns - p->store->crowded_ns > CALM_NS;
    mlp_metric_order_clear(p->order);
    mlplat_status s = mlp_tracking_db_journal_begin(db, p->journal_id, mark, err);
    p->last = *mark;
    return s;
}

/* A batch that was taken whole tells what the next one is best like. */
static mlplat_status adapt(const part *p, mlplat_error *err)
{
    size_t appetite = p->order->n > p->n / MANY ? BATCH_MANY : BATCH;
    if (p->n < BATCH || p->from > 0 || p->to < p->n ||
        appetite == atomic_exchange_explicit(&p->store->appetite, appetite, memory_order_relaxed) ||
        p->store->keeps_pages || !mlp_db_is_file(p->db))
        return MLPLAT_OK;
    return mlp_db_exec(p->db, err, appetite == BATCH ? "PRAGMA cache_size=-500" : "PRAGMA cache_size=-1000", 0);
}

static mlplat_status store_part(mlp_db *db, void *ctx, mlplat_error *err)
{
    part *p = ctx;
    uint64_t mark = 0;
    mlplat_status s = begin_part(p, db, &mark, err);
    while (s == MLPLAT_OK && p->to < p->n && goes_on(p))
        s = store_slice(p, mark, err);
    if (s == MLPLAT_OK && p->order->n)
        s = put_latest(p, err);
    if (s == MLPLAT_OK && p->refused)
        s = mlp_spool_set_aside(*p->spool, p->journal_id, p->records + p->from, p->verdicts + p->from, p->to - p->from,
                                err);
    if (s == MLPLAT_OK)
        s = adapt(p, err);
    return s == MLPLAT_OK && p->last > mark ? mlp_tracking_db_journal_set(db, p->journal_id, p->last, err) : s;
}

/* An artifact is sent before the transaction in which it is noted that it was. */
static mlplat_status send_first(part *p, mlplat_error *err)
{
    const mlp_record *r = &p->records[p->from];
    mlplat_error why = {0};
    uint64_t mark = 0;
    p->sent = (mlp_verdict){0};
    mlplat_status s = mlp_tracking_db_journal_mark(p->store, p->journal_id, &mark, err);
    if (s != MLPLAT_OK || r->seq <= mark)
        return s;
    s = mlp_tracking_db_others(p->store)->send(p->store, r, &why);
    if (!why.retryable && (is_records_own(s) || is_about_the_run(s)))
        refuse(&p->sent, s, &why);
    else if (s != MLPLAT_OK && err)
        *err = why;
    return p->sent.status != MLPLAT_OK ? MLPLAT_OK : s;
}

/* From p->from on: an artifact alone, or all that comes before the next one. */
static mlplat_status next_stretch(part *p, size_t n, mlplat_error *err)
{
    bool all_kinds = mlp_tracking_db_others(p->store) != NULL;
    p->n = all_kinds ? p->from + 1 : n;
    if (all_kinds && p->records[p->from].kind == MLP_RECORD_ARTIFACT)
        return send_first(p, err);
    while (p->n < n && p->records[p->n].kind != MLP_RECORD_ARTIFACT)
        p->n++;
    return MLPLAT_OK;
}

static mlplat_status sink_apply(void *ctx, const char *journal_id, const mlp_record *records, size_t n,
                                mlp_verdict *verdicts, mlplat_error *err)
{
    mlp_tracking_db_store *store = ctx;
    part p = {
        .store = store,
        .spool = store->spool,
        .journal_id = journal_id,
        .records = records,
        .verdicts = verdicts,
        .order = &store->order,
    };
    mlplat_status s = mlp_metric_order_room(p.order, n, err);
    while (s == MLPLAT_OK && p.from < n) {
        s = next_stretch(&p, n, err);
        if (s == MLPLAT_OK)
            s = mlp_db_write_loose(store->db, store_part, &p, err);
        if (p.stopped)
            s = MLPLAT_OK;
        else
            p.from = p.to;
    }
    if (s == MLPLAT_OK && mlp_tracking_db_others(store))
        mlp_tracking_db_others(store)->done(store, records, n);
    return s;
}

static size_t sink_appetite(void *ctx)
{
    mlp_tracking_db_store *store = ctx;
    return atomic_load_explicit(&store->appetite, memory_order_relaxed);
}

#ifdef MLPLAT_MINIMAL
#define end_at NULL /* nobody is far */
#else
static void end_at(void *store, int64_t mono_ns)
{
    mlp_db_end_at(((mlp_tracking_db_store *)store)->db, mono_ns);
}
#endif

mlp_sink mlp_tracking_db_sink(void *object, mlp_spool *const *spool)
{
    mlp_tracking_db_store *store = object;
    store->spool = spool;
    store->slice = SLICE_LEAST;
    atomic_store(&store->appetite, BATCH);
    return (mlp_sink){.apply = sink_apply,
                      .mark = mlp_tracking_db_journal_mark,
                      .forget = mlp_tracking_db_journal_forget,
                      .appetite = sink_appetite,
                      .until = end_at,
                      .ctx = store};
}
