#include "tracking/metric_buckets.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/err.h"
#include "tracking/tracking_store.h"
#include "tracking/validate.h"
#include <math.h>

typedef unsigned __int128 wide;

/*
 * The place of a value is offset * magic / 2^64, with magic = n * 2^64 / span rounded down: one multiplication a point.
 * mlp_buckets_start is its exact inverse. With no more values than buckets each value has its own.
 */
mlplat_status mlp_buckets_make(mlp_buckets *b, size_t n, bool by_time, int64_t low, int64_t high, mlplat_error *err)
{
    wide span = (wide)((uint64_t)high - (uint64_t)low) + 1;
    b->by_time = by_time;
    b->low = low;
    b->high = high;
    b->n = span < n ? (size_t)span : n;
    b->magic = span <= n ? 0 : (uint64_t)(((wide)n << 64) / span);
    b->n_points = b->n_nan = 0;
    mlp_free(b->at);
    b->at = mlp_alloc_array(b->n, sizeof *b->at);
    return b->at ? MLPLAT_OK : mlp_fail_memory(err);
}

void mlp_buckets_free(mlp_buckets *b)
{
    mlp_free(b->at);
    *b = (mlp_buckets){0};
}

int64_t mlp_buckets_start(const mlp_buckets *b, size_t i)
{
    uint64_t offset = i;
    if (b->magic)
        offset = (uint64_t)((((wide)i << 64) + b->magic - 1) / b->magic);
    return (int64_t)((uint64_t)b->low + offset);
}

/* As MLflow chooses the latest value, and by time first for an axis of time. */
static bool later(const mlp_buckets *b, const mlp_bucket_point *p, double value, const mlp_bucket_point *q)
{
    int64_t p1 = b->by_time ? p->timestamp_ms : p->step, q1 = b->by_time ? q->timestamp_ms : q->step;
    int64_t p2 = b->by_time ? p->step : p->timestamp_ms, q2 = b->by_time ? q->step : q->timestamp_ms;
    if (p1 != q1)
        return p1 > q1;
    return p2 != q2 ? p2 > q2 : value >= (isnan(q->value) ? 0 : q->value);
}

static bool earlier(const mlp_bucket_point *p, const mlp_bucket_point *q)
{
    return p->step != q->step ? p->step < q->step : p->timestamp_ms < q->timestamp_ms;
}

bool mlp_buckets_add(void *buckets, int64_t step, int64_t timestamp_ms, double value, bool is_nan)
{
    mlp_buckets *b = buckets;
    uint64_t offset = (uint64_t)(b->by_time ? timestamp_ms : step) - (uint64_t)b->low;
    size_t i = b->magic ? (size_t)(((wide)offset * b->magic) >> 64) : (size_t)offset;
    if (i >= b->n)
        return true; /* a range that was looked up in the same transaction holds all */
    mlp_bucket *at = &b->at[i];
    mlp_bucket_point p = {.step = step, .timestamp_ms = timestamp_ms, .value = is_nan ? (double)NAN : value};
    if (at->n == 0 || later(b, &p, value, &at->last))
        at->last = p;
    b->n_points++;
    at->n++;
    if (is_nan) {
        at->n_nan++;
        b->n_nan++;
        return true;
    }
    bool first = at->n - at->n_nan == 1;
    if (first || value < at->min.value || (value == at->min.value && earlier(&p, &at->min)))
        at->min = p;
    if (first || value > at->max.value || (value == at->max.value && earlier(&p, &at->max)))
        at->max = p;
    return true;
}

mlplat_status mlp_metric_buckets(mlplat *ml, const char *run_id, const char *key, size_t n, bool by_time,
                                 mlp_buckets *out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = mlp_check_run_id(run_id, err);
    if (s == MLPLAT_OK)
        s = mlp_check_key("metric key", key, err);
    if (s == MLPLAT_OK && (n < 1 || n > MLP_BUCKETS_MOST))
        s = mlp_fail(err, MLPLAT_INVALID, "%zu buckets: 1 to %d", n, MLP_BUCKETS_MOST);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_settle_run(t, run_id, err);
    return s == MLPLAT_OK ? t->ops->buckets(t->store, run_id, key, n, by_time, out, err) : s;
}
