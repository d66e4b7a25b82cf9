/* Decimated history as a document. */
#include "base/err.h"
#include "base/json.h"
#include "tracking/metric_buckets.h"

enum { BUCKETS_DEFAULT = 1000 };

static mlplat_status set_point(json_t *object, const char *name, const mlp_bucket_point *p, mlplat_error *err)
{
    json_t *point = json_object();
    mlplat_status s = mlp_json_set(object, name, point, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(point, "value", mlp_json_double(p->value), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(point, "step", json_integer(p->step), err);
    return s == MLPLAT_OK ? mlp_json_set(point, "timestamp", json_integer(p->timestamp_ms), err) : s;
}

static mlplat_status push_bucket(json_t *list, const mlp_buckets *b, size_t i, mlplat_error *err)
{
    const mlp_bucket *at = &b->at[i];
    json_t *bucket = json_object();
    mlplat_status s = mlp_json_push(list, bucket, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(bucket, "start", json_integer(mlp_buckets_start(b, i)), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(bucket, "count", json_integer((json_int_t)at->n), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(bucket, "nan", json_integer((json_int_t)at->n_nan), err);
    if (s == MLPLAT_OK && at->n > at->n_nan)
        s = set_point(bucket, "min", &at->min, err);
    if (s == MLPLAT_OK && at->n > at->n_nan)
        s = set_point(bucket, "max", &at->max, err);
    return s == MLPLAT_OK ? set_point(bucket, "last", &at->last, err) : s;
}

static mlplat_status sample_head(const mlp_buckets *b, const char *run_id, const char *key, json_t *doc,
                                 mlplat_error *err)
{
    mlplat_status s = mlp_json_set(doc, "run_id", mlp_json_string(run_id), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "key", mlp_json_string(key), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "axis", json_string(b->by_time ? "time" : "step"), err);
    if (s == MLPLAT_OK && b->n_points)
        s = mlp_json_set(doc, "low", json_integer(b->low), err);
    if (s == MLPLAT_OK && b->n_points)
        s = mlp_json_set(doc, "high", json_integer(b->high), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "count", json_integer((json_int_t)b->n_points), err);
    return s == MLPLAT_OK ? mlp_json_set(doc, "nan", json_integer((json_int_t)b->n_nan), err) : s;
}

/* Buckets without a point are left out. */
static mlplat_status sample_doc(const mlp_buckets *b, const char *run_id, const char *key, mlplat_doc **out,
                                mlplat_error *err)
{
    json_t *doc = json_object(), *list = json_array();
    mlplat_status s = doc ? sample_head(b, run_id, key, doc, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "buckets", json_incref(list), err);
    for (size_t i = 0; s == MLPLAT_OK && i < b->n; i++)
        if (b->at[i].n)
            s = push_bucket(list, b, i, err);
    json_decref(list);
    if (s == MLPLAT_OK)
        return mlp_doc_new(doc, out, err);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_metric_sample(mlplat *ml, const char *run_id, const char *key, int buckets, mlplat_axis axis,
                                   mlplat_doc **out, mlplat_error *err)
{
    mlp_buckets b = {0};
    *out = NULL;
    if ((int)axis != MLPLAT_AXIS_STEP && (int)axis != MLPLAT_AXIS_TIME)
        return mlp_fail(err, MLPLAT_INVALID, "axis %d is none: take an MLPLAT_AXIS_ value", (int)axis);
    if (buckets < 0 || buckets > MLP_BUCKETS_MOST)
        return mlp_fail(err, MLPLAT_INVALID, "%d buckets: 1 to %d, or 0 for %d", buckets, MLP_BUCKETS_MOST,
                        BUCKETS_DEFAULT);
    size_t n = buckets ? (size_t)buckets : BUCKETS_DEFAULT;
    mlplat_status s = mlp_metric_buckets(ml, run_id, key, n, axis == MLPLAT_AXIS_TIME, &b, err);
    if (s == MLPLAT_OK)
        s = sample_doc(&b, run_id, key, out, err);
    mlp_buckets_free(&b);
    return s;
}
