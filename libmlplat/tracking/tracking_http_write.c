/*
 * The sink: records of a journal by log-batch, run by run, in their order. What comes twice does no harm: points are
 * the same points, as each has its time, and MLflow drops them; with tags goes a mark that tells which ones a run has,
 * so that a replay leaves alone what others have made of them since.
 */
#include "base/clock.h"
#include "base/err.h"
#include "spool/metric_origin.h"
#include "tracking/tracking_http.h"
#include <stdio.h>
#include <string.h>

enum { ITEMS_MOST = 999, TAGS_MOST = 99, BYTES_MOST = 900000, RUN_ID_MOST = 256 }; /* and the mark */

typedef struct batch {
    mlp_tracking_http_store *store;
    const char *journal;
    char run[RUN_ID_MOST + 1];
    json_t *body, *metrics, *tags;
    size_t bytes;
    bool asked;          /* whether mark is known */
    uint64_t mark, last; /* of the tags: what the run has, and what it is to have */
} batch;

static mlplat_status begin(batch *b, const mlp_record *r, mlplat_error *err)
{
    b->body = json_object();
    b->metrics = json_array();
    b->tags = json_array();
    snprintf(b->run, sizeof b->run, "%.*s", (int)r->run_id_n, r->run_id);
    mlplat_status s = mlp_json_set(b->body, "metrics", b->metrics, err);
    mlplat_status also = mlp_json_set(b->body, "tags", b->tags, err);
    mlplat_status last = mlp_json_set(b->body, "run_id", json_string(b->run), err);
    return s != MLPLAT_OK ? s : also != MLPLAT_OK ? also : last;
}

static json_t *metric_of(const mlp_record *r)
{
    mlp_metric_origin o;
    mlp_metric_origin_get(r, &o);
    json_t *metric = json_pack("{s:s%, s:o, s:I, s:I}", "key", r->key, r->key_n, "value", mlp_json_double(r->value),
                               "timestamp", (json_int_t)r->timestamp_ms, "step", (json_int_t)r->step);
    int failed = metric ? 0 : -1;
    if (!failed && o.model_id_n)
        failed |= json_object_set_new(metric, "model_id", json_stringn(o.model_id, o.model_id_n));
    if (!failed && o.dataset_name_n)
        failed |= json_object_set_new(metric, "dataset_name", json_stringn(o.dataset_name, o.dataset_name_n));
    if (!failed && o.dataset_digest_n)
        failed |= json_object_set_new(metric, "dataset_digest", json_stringn(o.dataset_digest, o.dataset_digest_n));
    if (!failed)
        return metric;
    json_decref(metric);
    return NULL;
}

/* A tag that the run has, or had before somebody changed it, is left out. */
static mlplat_status add_tag(batch *b, const mlp_record *r, mlplat_error *err)
{
    mlplat_status s = b->asked ? MLPLAT_OK : mlp_tracking_http_mark_get(b->store, b->journal, b->run, &b->mark, err);
    b->asked = s == MLPLAT_OK;
    if (s != MLPLAT_OK || r->seq <= b->mark)
        return s;
    b->last = r->seq;
    return mlp_json_push(b->tags, json_pack("{s:s%, s:s%}", "key", r->key, r->key_n, "value", r->text, r->text_n), err);
}

static mlplat_status add(batch *b, const mlp_record *r, mlplat_error *err)
{
    b->bytes += r->key_n + r->text_n + 120;
    return r->kind == MLP_RECORD_METRIC ? mlp_json_push(b->metrics, metric_of(r), err) : add_tag(b, r, err);
}

/* Whether a record goes with the ones before it. A tag that comes twice in a batch begins another. */
static bool fits(const batch *b, const mlp_record *first, const mlp_record *r)
{
    size_t i;
    json_t *tag;
    bool same = r->run_id_n == first->run_id_n && memcmp(r->run_id, first->run_id, r->run_id_n) == 0;
    bool room = json_array_size(b->metrics) + json_array_size(b->tags) < ITEMS_MOST &&
                json_array_size(b->tags) < TAGS_MOST && b->bytes < BYTES_MOST;
    if (!same || !room || r->kind == MLP_RECORD_METRIC)
        return same && room;
    json_array_foreach(b->tags, i, tag)
    {
        const json_t *key = json_object_get(tag, "key");
        if (json_string_length(key) == r->key_n && memcmp(json_string_value(key), r->key, r->key_n) == 0)
            return false;
    }
    return true;
}

/* What became of a request with tags. */
static void note(const batch *b, mlplat_status s, bool alone, const mlplat_error *err)
{
    if (s == MLPLAT_OK && !mlp_tracking_http_mark_stuck(b->store, b->journal, b->run))
        mlp_tracking_http_mark_set(b->store, b->journal, b->run, b->last);
    if (s != MLPLAT_OK)
        mlp_tracking_http_mark_doubt(b->store, b->journal);
    if (s != MLPLAT_OK && alone && !err->retryable)
        mlp_tracking_http_mark_stick(b->store, b->journal, b->run);
}

static mlplat_status send(const batch *b, mlplat_error *err)
{
    size_t tags = json_array_size(b->tags), metrics = json_array_size(b->metrics);
    mlplat_status s = MLPLAT_OK;
    if (tags && !mlp_tracking_http_mark_stuck(b->store, b->journal, b->run))
        s = mlp_json_push(b->tags, mlp_tracking_http_mark_tag(b->journal, b->last), err);
    if (s == MLPLAT_OK && (tags || metrics))
        s = mlp_tracking_http_call(b->store, MLP_MLFLOW_SINK, "runs/log-batch", json_incref(b->body), NULL, NULL, err);
    if (tags)
        note(b, s, tags == 1 && !metrics, err);
    return s;
}

/* One request's worth from the front; *n is how many. */
static mlplat_status send_some(batch *b, const mlp_record *records, size_t most, size_t *n, mlplat_error *err)
{
    mlplat_status s = begin(b, records, err);
    for (*n = 0; s == MLPLAT_OK && *n < most && fits(b, records, &records[*n]); ++*n)
        s = add(b, &records[*n], err);
    if (s == MLPLAT_OK)
        s = send(b, err);
    json_decref(b->body);
    return s;
}

static mlplat_status check_rest(const mlp_tracking_http_store *store, mlplat_error *err)
{
    int64_t left = store->server.rest_until_ns - mlp_clock_mono_ns();
    if (left <= 0)
        return MLPLAT_OK;
    mlp_fail(err, MLPLAT_UNAVAILABLE, "%s asked to be left alone for another %lld ms", store->uri,
             (long long)(left / 1000000));
    if (err)
        err->retryable = 1;
    return MLPLAT_UNAVAILABLE;
}

static mlplat_status apply(void *store, const char *journal_id, const mlp_record *records, size_t n,
                           mlp_verdict *verdicts, mlplat_error *err)
{
    mlplat_error local = {0};
    err = err ? err : &local;
    mlplat_status s = check_rest(store, err);
    (void)verdicts;
    for (size_t at = 0, done = 0; s == MLPLAT_OK && at < n; at += done) {
        batch b = {.store = store, .journal = journal_id};
        s = send_some(&b, records + at, n - at, &done, err);
    }
    return s;
}

/* Asked of journals that others left: what they had delivered the server alone can say, run by run. */
static mlplat_status mark(void *store, const char *journal_id, uint64_t *seq, mlplat_error *err)
{
    (void)err;
    mlp_tracking_http_mark_doubt(store, journal_id);
    *seq = 0;
    return MLPLAT_OK;
}

static mlplat_status forget(void *store, const char *journal_id, mlplat_error *err)
{
    (void)err;
    mlp_tracking_http_mark_forget(store, journal_id);
    return MLPLAT_OK;
}

mlp_sink mlp_tracking_http_sink(void *store, mlp_spool *const *spool)
{
    (void)spool;
    return (mlp_sink){.apply = apply, .mark = mark, .forget = forget, .ctx = store};
}
