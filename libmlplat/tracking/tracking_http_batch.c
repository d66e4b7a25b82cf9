/*
 * Metrics, params and tags of one run, as many as a request may have. What comes twice does no harm: points are the
 * same points, as each has its time, and MLflow drops them; a param has the value that it has; with tags goes a mark
 * that tells which ones a run has, so that a replay leaves alone what others have made of them since. Where a server
 * refuses a request it is halved, until it is known whose fault that is: the others are stored.
 */
#include "base/err.h"
#include "spool/metric_origin.h"
#include "tracking/tracking_http_deliver.h"
#include <string.h>

enum { ITEMS_MOST = 999, PARAMS_MOST = 100, TAGS_MOST = 99, BYTES_MOST = 900000 }; /* and the mark */

typedef struct batch {
    json_t *body, *metrics, *params, *tags; /* the lists are lent by body */
    uint64_t last;                          /* of the tags */
} batch;

bool mlp_deliver_is_value(const mlp_record *r)
{
    return r->kind == MLP_RECORD_METRIC || r->kind == MLP_RECORD_TAG || r->kind == MLP_RECORD_PARAM;
}

static bool same_key(const mlp_record *a, const mlp_record *b)
{
    return a->kind == b->kind && a->key_n == b->key_n && memcmp(a->key, b->key, a->key_n) == 0;
}

/* A tag or a param that comes again begins another request. */
static bool comes_again(const mlp_delivery_item *items, const size_t *keyed, size_t n, const mlp_record *r)
{
    for (size_t i = 0; i < n; i++)
        if (same_key(items[keyed[i]].record, r))
            return true;
    return false;
}

size_t mlp_deliver_room(const mlp_delivery_item *items, size_t n)
{
    size_t keyed[PARAMS_MOST + TAGS_MOST], params = 0, tags = 0, bytes = 0, i;
    for (i = 0; i < n && i < ITEMS_MOST; i++) {
        const mlp_record *r = items[i].record;
        bool metric = r->kind == MLP_RECORD_METRIC, param = r->kind == MLP_RECORD_PARAM;
        bytes += r->key_n + r->text_n + 120;
        if (!mlp_deliver_is_value(r) || (i > 0 && bytes > BYTES_MOST) || (param && params == PARAMS_MOST) ||
            (!param && !metric && tags == TAGS_MOST) || (!metric && comes_again(items, keyed, params + tags, r)))
            break;
        if (!metric)
            keyed[params + tags] = i;
        params += param;
        tags += !param && !metric;
    }
    return i;
}

/* ---- one request ------------------------------------------------------------------------------------------------- */

static mlplat_status begin(const mlp_delivery *d, batch *b, mlplat_error *err)
{
    *b = (batch){.metrics = json_array(), .params = json_array(), .tags = json_array()};
    b->body = json_pack("{s:s, s:o, s:o, s:o}", "run_id", d->run, "metrics", b->metrics, "params", b->params, "tags",
                        b->tags);
    return b->body ? MLPLAT_OK : mlp_fail_memory(err);
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

static json_t *text_of(const mlp_record *r)
{
    return json_pack("{s:s%, s:s%}", "key", r->key, r->key_n, "value", r->text, r->text_n);
}

static mlplat_status add_tag(mlp_delivery *d, batch *b, const mlp_record *r, mlplat_error *err)
{
    bool has = false;
    mlplat_status s = mlp_deliver_has(d, r, &has, err);
    if (s != MLPLAT_OK || has)
        return s;
    b->last = r->seq;
    return mlp_json_push(b->tags, text_of(r), err);
}

static mlplat_status add(mlp_delivery *d, batch *b, const mlp_record *r, mlplat_error *err)
{
    if (r->kind == MLP_RECORD_TAG)
        return add_tag(d, b, r, err);
    return r->kind == MLP_RECORD_METRIC ? mlp_json_push(b->metrics, metric_of(r), err)
                                        : mlp_json_push(b->params, text_of(r), err);
}

/* What became of a request with tags. */
static void note(const mlp_delivery *d, const batch *b, mlplat_status s, bool alone, const mlplat_error *err)
{
    if (s == MLPLAT_OK && !mlp_tracking_http_mark_stuck(d->store, d->journal, d->run))
        mlp_tracking_http_mark_set(d->store, d->journal, d->run, b->last);
    if (s != MLPLAT_OK)
        mlp_tracking_http_mark_doubt(d->store, d->journal);
    if (s != MLPLAT_OK && alone && !err->retryable)
        mlp_tracking_http_mark_stick(d->store, d->journal, d->run);
}

static mlplat_status send(mlp_delivery *d, const batch *b, size_t n, mlplat_error *err)
{
    size_t tags = json_array_size(b->tags);
    mlplat_status s = MLPLAT_OK;
    if (tags && !mlp_tracking_http_mark_stuck(d->store, d->journal, d->run))
        s = mlp_json_push(b->tags, mlp_tracking_http_mark_tag(d->journal, b->last), err);
    if (s == MLPLAT_OK && (tags || json_array_size(b->metrics) || json_array_size(b->params)))
        s = mlp_deliver_call(d, "runs/log-batch", json_incref(b->body), err);
    if (tags)
        note(d, b, s, n == 1, err);
    if (tags && s != MLPLAT_OK)
        d->asked = false;
    return s;
}

/* The server's words on a param tell its values, which may be secret: ours do not. */
static mlplat_status why_param(const mlp_delivery *d, const mlp_record *r, mlplat_status s, mlplat_error *err)
{
    json_t *run = NULL;
    char key[1024], value[8192];
    if (r->kind != MLP_RECORD_PARAM || s != MLPLAT_INVALID || r->key_n >= sizeof key || r->text_n >= sizeof value ||
        mlp_deliver_get_run(d, &run, NULL) != MLPLAT_OK)
        return s;
    memcpy(key, r->key, r->key_n);
    memcpy(value, r->text, r->text_n);
    key[r->key_n] = value[r->text_n] = 0;
    const mlp_param param = {.key = key, .value = value, .value_n = r->text_n};
    s = mlp_tracking_http_why_param(run, &param, s, err);
    json_decref(run);
    return s;
}

mlplat_status mlp_deliver_values(mlp_delivery *d, const mlp_delivery_item *items, size_t n, mlplat_error *err)
{
    batch b;
    mlplat_status s = begin(d, &b, err);
    for (size_t i = 0; s == MLPLAT_OK && i < n; i++)
        s = add(d, &b, items[i].record, err);
    if (s == MLPLAT_OK)
        s = send(d, &b, n, err);
    json_decref(b.body);
    if (s == MLPLAT_OK || !mlp_deliver_refused(s, err))
        return s;
    if (n == 1)
        s = why_param(d, items[0].record, s, err);
    if (n == 1 || mlp_deliver_run_refused(d, s, err)) {
        for (size_t i = 0; i < n; i++)
            mlp_deliver_refuse(&items[i], s, err);
        return MLPLAT_OK;
    }
    s = mlp_deliver_values(d, items, n / 2, err);
    return s == MLPLAT_OK ? mlp_deliver_values(d, items + n / 2, n - n / 2, err) : s;
}
