/*
 * The sink: records of a journal by log-batch, run by run, in their order. There is no mark on a server: what comes
 * twice is the same points, which MLflow drops, as each has its time, and the same tags in the same order.
 */
#include "base/err.h"
#include "spool/metric_origin.h"
#include "tracking/tracking_http.h"
#include <string.h>

enum { METRICS_MOST = 1000, TAGS_MOST = 100, BYTES_MOST = 900000 };

typedef struct batch {
    json_t *body, *metrics, *tags;
    size_t bytes;
} batch;

static mlplat_status begin(batch *b, const mlp_record *r, mlplat_error *err)
{
    *b = (batch){.body = json_object(), .metrics = json_array(), .tags = json_array()};
    mlplat_status s = mlp_json_set(b->body, "metrics", b->metrics, err);
    mlplat_status also = mlp_json_set(b->body, "tags", b->tags, err);
    mlplat_status last = mlp_json_set(b->body, "run_id", json_stringn(r->run_id, r->run_id_n), err);
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

static mlplat_status add(batch *b, const mlp_record *r, mlplat_error *err)
{
    b->bytes += r->key_n + r->text_n + 120;
    if (r->kind == MLP_RECORD_METRIC)
        return mlp_json_push(b->metrics, metric_of(r), err);
    return mlp_json_push(b->tags, json_pack("{s:s%, s:s%}", "key", r->key, r->key_n, "value", r->text, r->text_n), err);
}

/* Whether a record goes with the ones before it. A tag that comes twice in a batch begins another. */
static bool fits(const batch *b, const mlp_record *first, const mlp_record *r)
{
    size_t i;
    json_t *tag;
    bool same = r->run_id_n == first->run_id_n && memcmp(r->run_id, first->run_id, r->run_id_n) == 0;
    bool room = json_array_size(b->metrics) + json_array_size(b->tags) < METRICS_MOST &&
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

/* One request's worth from the front; *n is how many. */
static mlplat_status send_some(void *store, const mlp_record *records, size_t most, size_t *n, mlplat_error *err)
{
    batch b;
    mlplat_status s = begin(&b, records, err);
    for (*n = 0; s == MLPLAT_OK && *n < most && fits(&b, records, &records[*n]); ++*n)
        s = add(&b, &records[*n], err);
    if (s == MLPLAT_OK)
        return mlp_tracking_http_call(store, MLP_TRACKING_HTTP_AGAIN, "runs/log-batch", b.body, NULL, NULL, err);
    json_decref(b.body);
    return s;
}

static mlplat_status apply(void *store, const char *journal_id, const mlp_record *records, size_t n,
                           mlp_verdict *verdicts, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    (void)journal_id, (void)verdicts;
    for (size_t at = 0, done = 0; s == MLPLAT_OK && at < n; at += done)
        s = send_some(store, records + at, n - at, &done, err);
    return s;
}

static mlplat_status mark(void *store, const char *journal_id, uint64_t *seq, mlplat_error *err)
{
    (void)store, (void)journal_id, (void)err;
    *seq = 0;
    return MLPLAT_OK;
}

static mlplat_status forget(void *store, const char *journal_id, mlplat_error *err)
{
    (void)store, (void)journal_id, (void)err;
    return MLPLAT_OK;
}

mlp_sink mlp_tracking_http_sink(void *store, mlp_spool *const *spool)
{
    (void)spool;
    return (mlp_sink){.apply = apply, .mark = mark, .forget = forget, .ctx = store};
}
