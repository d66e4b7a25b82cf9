/*
 * The sink: records of a journal into MLflow's tables, with the journal's mark in the same transaction, so that each
 * record has its effect exactly once. A batch that takes long is stored in parts, each a transaction. What is refused
 * is set aside before its COMMIT; from the first refusal on there are no more parts, so that what fails after it takes
 * back all of it.
 */
#include "base/clock.h"
#include "base/err.h"
#include "spool/metric_origin.h"
#include "tracking/tracking_db.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum {
    PART_NS = 8 * 1000 * 1000, /* a transaction takes records this long: others wait for the writer lock */
    PART_STEP = 32,            /* records between two looks at the clock */
    LATEST = 256,              /* metrics of a transaction, by run and key; a power of two */
    RUNS = 16                  /* runs whose state a transaction remembers */
};

typedef struct latest_metric {
    const mlp_record *record; /* NULL: free */
    double value;
    bool is_nan;
} latest_metric;

typedef struct known_run {
    const char *id;
    size_t n;
    mlp_verdict verdict;
} known_run;

/* One transaction's share of a batch. */
typedef struct part {
    const mlp_tracking_db_store *store;
    mlp_db *db;
    mlp_spool *const *spool;
    const char *journal_id;
    const mlp_record *records;
    mlp_verdict *verdicts;
    size_t from, to, n;
    latest_metric latest[LATEST];
    size_t n_latest;
    known_run runs[RUNS];
    size_t n_runs;
    bool refused;
} part;

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

/* ---- metrics --------------------------------------------------------------------------------------------------- */

/* As MLflow stores what SQL cannot hold: NaN as 0 with a mark, infinities as the largest doubles. */
static double stored_value(double value, bool *is_nan)
{
    *is_nan = isnan(value);
    if (*is_nan)
        return 0;
    return isinf(value) ? (value > 0 ? DBL_MAX : -DBL_MAX) : value;
}

static void bind_metric(mlp_stmt *stmt, const mlp_record *r, double value, bool is_nan)
{
    mlp_stmt_text_n(stmt, 1, r->key, r->key_n);
    mlp_stmt_double(stmt, 2, value);
    mlp_stmt_int(stmt, 3, r->timestamp_ms);
    mlp_stmt_int(stmt, 4, r->step);
    mlp_stmt_int(stmt, 5, is_nan);
    mlp_stmt_text_n(stmt, 6, r->run_id, r->run_id_n);
}

static mlplat_status put_latest(mlp_db *db, const latest_metric *l, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        db,
        "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, "
        "step = excluded.step, is_nan = excluded.is_nan WHERE (excluded.step, excluded.timestamp, excluded.value) > "
        "(latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)",
        &stmt, err);
    if (s == MLPLAT_OK) {
        bind_metric(stmt, l->record, l->value, l->is_nan);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status put_all_latest(part *p, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; p->n_latest && i < LATEST; i++) {
        if (s == MLPLAT_OK && p->latest[i].record)
            s = put_latest(p->db, &p->latest[i], err);
        p->latest[i].record = NULL;
    }
    p->n_latest = 0;
    return s;
}

static bool same_metric(const mlp_record *a, const mlp_record *b)
{
    return a->key_n == b->key_n && a->run_id_n == b->run_id_n && memcmp(a->key, b->key, a->key_n) == 0 &&
           memcmp(a->run_id, b->run_id, a->run_id_n) == 0;
}

static size_t metric_hash(const mlp_record *r)
{
    size_t h = 1469598103u;
    for (size_t i = 0; i < r->key_n; i++)
        h = (h ^ (unsigned char)r->key[i]) * 1099511628211u;
    for (size_t i = 0; i < r->run_id_n; i++)
        h = (h ^ (unsigned char)r->run_id[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static bool later(const mlp_record *a, double a_value, const latest_metric *b)
{
    if (a->step != b->record->step)
        return a->step > b->record->step;
    if (a->timestamp_ms != b->record->timestamp_ms)
        return a->timestamp_ms > b->record->timestamp_ms;
    return a_value > b->value;
}

/* The latest of each metric goes into the table once a transaction, not once a point. */
static mlplat_status note_latest(part *p, const mlp_record *r, double value, bool is_nan, mlplat_error *err)
{
    size_t i = metric_hash(r) & (LATEST - 1);
    while (p->latest[i].record && !same_metric(p->latest[i].record, r))
        i = (i + 1) & (LATEST - 1);
    latest_metric *l = &p->latest[i];
    if (l->record && !later(r, value, l))
        return MLPLAT_OK;
    p->n_latest += !l->record;
    *l = (latest_metric){.record = r, .value = value, .is_nan = is_nan};
    return p->n_latest < LATEST * 3 / 4 ? MLPLAT_OK : put_all_latest(p, err);
}

static mlplat_status put_metric(part *p, const mlp_record *r, mlplat_error *err)
{
    bool is_nan;
    double value = stored_value(r->value, &is_nan);
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(p->db,
                                     "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) "
                                     "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        bind_metric(stmt, r, value, is_nan);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s == MLPLAT_OK ? note_latest(p, r, value, is_nan, err) : s;
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
        mlp_stmt_double(stmt, 5, stored_value(r->value, &is_nan));
        mlp_stmt_text_n(stmt, 6, o->dataset_name_n ? o->dataset_name : NULL, o->dataset_name_n);
        mlp_stmt_text_n(stmt, 7, o->dataset_digest_n ? o->dataset_digest : NULL, o->dataset_digest_n);
        mlp_stmt_text_n(stmt, 8, r->run_id, r->run_id_n);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* The metric, and what it says of a logged model; a model that is not there is the record's fault. */
static mlplat_status put_metric_of(part *p, const mlp_record *r, mlp_verdict *verdict, mlplat_error *err)
{
    mlp_metric_origin origin;
    if (!r->text_n)
        return put_metric(p, r, err);
    mlp_metric_origin_get(r, &origin);
    mlplat_status s = mlp_tracking_db_models_there(p->store, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_model_known(p->db, origin.model_id, origin.model_id_n, err);
    if (s == MLPLAT_NOT_FOUND || s == MLPLAT_UNSUPPORTED) {
        verdict->status = s;
        snprintf(verdict->reason, sizeof verdict->reason, "%.*s", (int)sizeof verdict->reason - 1, err->message);
        return MLPLAT_OK;
    }
    if (s == MLPLAT_OK)
        s = put_metric(p, r, err);
    return s == MLPLAT_OK ? put_model_metric(p, r, &origin, err) : s;
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

/* *out: whether the record's run takes records; asked once a transaction. Lent by p until the next call. */
static mlplat_status look_at_run(part *p, const mlp_record *r, const mlp_verdict **out, mlplat_error *err)
{
    for (size_t i = 0; i < p->n_runs; i++)
        if (p->runs[i].n == r->run_id_n && memcmp(p->runs[i].id, r->run_id, r->run_id_n) == 0) {
            *out = &p->runs[i].verdict;
            return MLPLAT_OK;
        }
    mlplat_error why = {0};
    mlplat_status s = mlp_tracking_db_run_active(p->db, r->run_id, r->run_id_n, &why);
    if (s != MLPLAT_OK && s != MLPLAT_NOT_FOUND && s != MLPLAT_STATE) {
        if (err)
            *err = why;
        return s;
    }
    known_run *run = &p->runs[p->n_runs < RUNS ? p->n_runs++ : RUNS - 1];
    *run = (known_run){.id = r->run_id, .n = r->run_id_n, .verdict = {.status = s}};
    snprintf(run->verdict.reason, sizeof run->verdict.reason, "%.*s", (int)sizeof run->verdict.reason - 1, why.message);
    *out = &run->verdict;
    return MLPLAT_OK;
}

/* ---- marks ----------------------------------------------------------------------------------------------------- */

static mlplat_status has_table(mlp_db *db, const char *name, bool *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        s = mlp_stmt_step(stmt, out, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status get_mark(mlp_db *db, const char *journal_id, uint64_t *seq, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, "SELECT seq FROM mlplat_journal WHERE journal_id = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, journal_id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    *seq = s == MLPLAT_OK && row ? (uint64_t)mlp_stmt_col_int(stmt, 0) : 0;
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status set_mark(mlp_db *db, const char *journal_id, uint64_t seq, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db,
                                     "INSERT INTO mlplat_journal (journal_id, seq) VALUES (?, ?) "
                                     "ON CONFLICT (journal_id) DO UPDATE SET seq = excluded.seq",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, journal_id);
        mlp_stmt_int(stmt, 2, (int64_t)seq);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* ---- a batch --------------------------------------------------------------------------------------------------- */

static mlplat_status store_record(part *p, const mlp_record *r, mlp_verdict *verdict, mlplat_error *err)
{
    const mlp_verdict *run = NULL;
    mlplat_error why = {0};
    mlplat_status s = look_at_run(p, r, &run, err);
    if (s != MLPLAT_OK)
        return s;
    *verdict = *run;
    if (verdict->status == MLPLAT_OK) {
        s = r->kind == MLP_RECORD_METRIC
                ? put_metric_of(p, r, verdict, &why)
                : mlp_tracking_db_set_tag(p->db, r->run_id, r->run_id_n, r->key, r->key_n, r->text, r->text_n, &why);
        if (s == MLPLAT_CONFLICT || s == MLPLAT_EXISTS) { /* a constraint of the tables: this record will never fit */
            verdict->status = s;
            snprintf(verdict->reason, sizeof verdict->reason, "%.*s", (int)sizeof verdict->reason - 1, why.message);
        } else if (s != MLPLAT_OK) {
            if (err)
                *err = why;
            return s;
        }
    }
    p->refused = p->refused || verdict->status != MLPLAT_OK;
    return MLPLAT_OK;
}

static mlplat_status begin_part(part *p, mlp_db *db, uint64_t *mark, mlplat_error *err)
{
    p->db = db;
    p->to = p->from;
    p->n_latest = p->n_runs = 0;
    memset(p->latest, 0, sizeof p->latest);
    p->refused = false;
    mlplat_status s = mlp_db_exec(
        db, err, "CREATE TABLE IF NOT EXISTS mlplat_journal (journal_id TEXT PRIMARY KEY, seq INTEGER NOT NULL)", 0);
    return s == MLPLAT_OK ? get_mark(db, p->journal_id, mark, err) : s;
}

static mlplat_status store_part(mlp_db *db, void *ctx, mlplat_error *err)
{
    part *p = ctx;
    uint64_t mark = 0;
    int64_t until = mlp_clock_mono_ns() + PART_NS;
    mlplat_status s = begin_part(p, db, &mark, err);
    uint64_t last = mark;
    for (size_t i = p->from; s == MLPLAT_OK && i < p->n; i++) {
        const mlp_record *r = &p->records[i];
        if (i % PART_STEP == 0 && i > p->from && !p->refused && mlp_clock_mono_ns() > until)
            break;
        p->verdicts[i] = (mlp_verdict){0};
        if (r->seq > mark)
            s = store_record(p, r, &p->verdicts[i], err);
        last = r->seq > last ? r->seq : last;
        p->to = i + 1;
    }
    if (s == MLPLAT_OK)
        s = put_all_latest(p, err);
    if (s == MLPLAT_OK && p->refused)
        s = mlp_spool_set_aside(*p->spool, p->journal_id, p->records + p->from, p->verdicts + p->from, p->to - p->from,
                                err);
    return s == MLPLAT_OK && last > mark ? set_mark(db, p->journal_id, last, err) : s;
}

static mlplat_status sink_apply(void *ctx, const char *journal_id, const mlp_record *records, size_t n,
                                mlp_verdict *verdicts, mlplat_error *err)
{
    const mlp_tracking_db_store *store = ctx;
    part p = {
        .store = store,
        .spool = store->spool,
        .journal_id = journal_id,
        .records = records,
        .verdicts = verdicts,
        .n = n,
    };
    mlplat_status s = MLPLAT_OK;
    for (; s == MLPLAT_OK && p.from < n; p.from = p.to)
        s = mlp_db_write(store->db, store_part, &p, NULL, err);
    return s;
}

typedef struct mark_call {
    const char *journal_id;
    uint64_t seq;
} mark_call;

static mlplat_status mark_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mark_call *call = ctx;
    bool there = false;
    mlplat_status s = has_table(db, "mlplat_journal", &there, err);
    return s == MLPLAT_OK && there ? get_mark(db, call->journal_id, &call->seq, err) : s;
}

static mlplat_status sink_mark(void *ctx, const char *journal_id, uint64_t *seq, mlplat_error *err)
{
    const mlp_tracking_db_store *store = ctx;
    mark_call call = {.journal_id = journal_id};
    mlplat_status s = mlp_db_read(store->db, mark_fn, &call, NULL, err);
    *seq = call.seq;
    return s;
}

static mlplat_status forget_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const mark_call *call = ctx;
    bool journal = false;
    mlplat_status s = has_table(db, "mlplat_journal", &journal, err);
    if (s == MLPLAT_OK && journal)
        s = mlp_db_exec(db, err, "DELETE FROM mlplat_journal WHERE journal_id = ?", 1, call->journal_id);
    return s;
}

static mlplat_status sink_forget(void *ctx, const char *journal_id, mlplat_error *err)
{
    const mlp_tracking_db_store *store = ctx;
    mark_call call = {.journal_id = journal_id};
    return mlp_db_write(store->db, forget_fn, &call, NULL, err);
}

mlp_sink mlp_tracking_db_sink(void *object, mlp_spool *const *spool)
{
    mlp_tracking_db_store *store = object;
    store->spool = spool;
    return (mlp_sink){.apply = sink_apply, .mark = sink_mark, .forget = sink_forget, .ctx = store};
}
