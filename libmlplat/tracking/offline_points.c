/* Points of a metric that were read one by one: of a run that waits, or of a server. */
#include "base/err.h"
#include "db/page.h"
#include "tracking/offline.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef mlp_offline_point point;

typedef struct metric {
    const char *key;
    size_t key_n;
    mlp_buf *out;
} metric;

static bool see_point(void *user, const mlp_record *r)
{
    const metric *w = user;
    const mlp_offline_point p = {r->timestamp_ms, r->step, r->value};
    if (r->kind == MLP_RECORD_METRIC && r->key_n == w->key_n && memcmp(r->key, w->key, r->key_n) == 0)
        mlp_buf_add(w->out, &p, sizeof p);
    return !w->out->failed;
}

mlplat_status mlp_offline_points(mlp_spool *spool, const char *run_id, const char *key, mlp_buf *out,
                                 mlplat_error *err)
{
    metric w = {key, strlen(key), out};
    mlplat_status s = mlp_spool_scan(spool, run_id, see_point, &w, err);
    return s == MLPLAT_OK ? mlp_buf_ok(out, err) : s;
}

static int in_order(const void *a, const void *b)
{
    const point *p = a, *q = b;
    if (p->time != q->time)
        return p->time < q->time ? -1 : 1;
    if (p->step != q->step)
        return p->step < q->step ? -1 : 1;
    return p->value < q->value ? -1 : p->value > q->value;
}

static size_t many(const mlp_buf *points)
{
    return points->size / sizeof(point);
}

static const point *at(const mlp_buf *points, size_t i)
{
    return (const point *)(const void *)points->data + i;
}

void mlp_offline_sort(mlp_buf *points)
{
    if (points->size)
        qsort(points->data, many(points), sizeof(point), in_order);
}

static mlplat_status push(json_t *list, const char *key, const char *run_id, const point *p, mlplat_error *err)
{
    json_t *one = json_pack("{s:s, s:o, s:I, s:I}", "key", key, "value", mlp_json_double(p->value), "timestamp",
                            (json_int_t)p->time, "step", (json_int_t)p->step);
    mlplat_status s = mlp_json_push(list, one, err);
    return s == MLPLAT_OK && run_id ? mlp_json_set(one, "run_id", json_string(run_id), err) : s;
}

mlplat_status mlp_offline_push(json_t *list, const mlp_buf *points, const char *key, const char *run_id, int64_t limit,
                               mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < many(points); i++)
        if (!limit || (int64_t)json_array_size(list) < limit)
            s = push(list, key, run_id, at(points, i), err);
    return s;
}

mlplat_status mlp_offline_history(const mlp_buf *points, const mlp_history *wanted, json_t **out, mlplat_error *err)
{
    json_t *doc = json_object(), *list = json_array();
    int64_t seen = 0, given = 0;
    mlplat_status s = mlp_json_set(doc, "metrics", list, err);
    for (size_t i = 0; s == MLPLAT_OK && i < many(points); i++) {
        if (at(points, i)->time < wanted->since_ms || seen++ < wanted->offset)
            continue;
        if (wanted->limit && given == wanted->limit) {
            s = mlp_page_put(doc, wanted->offset + given, err);
            break;
        }
        given++;
        s = push(list, wanted->key, NULL, at(points, i), err);
    }
    if (s == MLPLAT_OK)
        *out = doc;
    else
        json_decref(doc);
    return s;
}

mlplat_status mlp_offline_columns(const mlp_buf *points, unsigned columns, mlp_metric_points *out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    size_t room = 0;
    for (size_t i = 0; s == MLPLAT_OK && i < many(points); i++)
        if (!mlp_points_add(out, &room, columns, at(points, i)->value, at(points, i)->step, at(points, i)->time))
            s = mlp_fail_memory(err);
    return s;
}

mlplat_status mlp_offline_buckets(const mlp_buf *points, size_t n, bool by_time, mlp_buckets *out, mlplat_error *err)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; i < many(points); i++) {
        int64_t place = by_time ? at(points, i)->time : at(points, i)->step;
        low = place < low ? place : low;
        high = place > high ? place : high;
    }
    if (many(points))
        s = mlp_buckets_make(out, n, by_time, low, high, err);
    for (size_t i = 0; s == MLPLAT_OK && i < many(points); i++)
        mlp_buckets_add(out, at(points, i)->step, at(points, i)->time, at(points, i)->value,
                        isnan(at(points, i)->value));
    return s;
}
