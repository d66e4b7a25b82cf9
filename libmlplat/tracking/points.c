#include "tracking/points.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/err.h"
#include "tracking/tracking_store.h"
#include "tracking/validate.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

void mlp_points_free(mlp_metric_points *points)
{
    mlp_free(points->values);
    mlp_free(points->steps);
    mlp_free(points->times);
    *points = (mlp_metric_points){0};
}

static bool grow(void **column, size_t room)
{
    void *grown = mlp_realloc(*column, room * 8);
    *column = grown ? grown : *column;
    return grown;
}

bool mlp_points_more(mlp_metric_points *p, size_t *room, unsigned columns)
{
    size_t wanted = *room ? *room * 2 : 256;
    void *values = p->values, *steps = p->steps, *times = p->times;
    bool all = grow(&values, wanted) && (!(columns & MLP_POINTS_STEPS) || grow(&steps, wanted)) &&
               (!(columns & MLP_POINTS_TIMES) || grow(&times, wanted));
    p->values = values;
    p->steps = steps;
    p->times = times;
    if (all)
        *room = wanted;
    return all;
}

void mlp_points_infinities(mlp_metric_points *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->values[i] >= DBL_MAX || p->values[i] <= -DBL_MAX)
            p->values[i] = p->values[i] > 0 ? (double)INFINITY : -(double)INFINITY;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

typedef struct point {
    int64_t time, step;
    double value;
} point;

/* NaN as MLflow's tables hold it: a 0. */
static double rank(double value)
{
    return value != value ? 0 : value;
}

static int compare(const void *a, const void *b)
{
    const point *p = a, *q = b;
    if (p->time != q->time)
        return p->time < q->time ? -1 : 1;
    if (p->step != q->step)
        return p->step < q->step ? -1 : 1;
    return rank(p->value) < rank(q->value) ? -1 : rank(p->value) > rank(q->value);
}

static bool in_order(const mlp_metric_points *p)
{
    for (size_t i = 1; i < p->n; i++)
        if (p->times[i - 1] >= p->times[i]) {
            const point a = {p->times[i - 1], p->steps[i - 1], p->values[i - 1]};
            const point b = {p->times[i], p->steps[i], p->values[i]};
            if (compare(&a, &b) > 0)
                return false;
        }
    return true;
}

mlplat_status mlp_points_sort(mlp_metric_points *p, mlplat_error *err)
{
    if (!p->times || !p->steps || in_order(p))
        return MLPLAT_OK;
    point *all = mlp_alloc_array(p->n, sizeof *all);
    if (!all)
        return mlp_fail_memory(err);
    for (size_t i = 0; i < p->n; i++)
        all[i] = (point){p->times[i], p->steps[i], p->values[i]};
    qsort(all, p->n, sizeof *all, compare);
    for (size_t i = 0; i < p->n; i++) {
        p->times[i] = all[i].time;
        p->steps[i] = all[i].step;
        p->values[i] = all[i].value;
    }
    mlp_free(all);
    return MLPLAT_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

mlplat_status mlp_points_read(mlplat *ml, const char *run_id, const char *key, unsigned columns, const mlp_hook *hook,
                              mlp_metric_points *out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    *out = (mlp_metric_points){0};
    mlplat_status s = mlp_check_run_id(run_id, err);
    if (s == MLPLAT_OK)
        s = mlp_check_key("metric key", key, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_settle_run(t, run_id, err);
    if (s == MLPLAT_OK)
        s = t->ops->points(t->store, run_id, key, columns, hook && hook->fn ? hook : &ml->hook, out, err);
    if (s == MLPLAT_OK)
        s = mlp_points_sort(out, err);
    if (s != MLPLAT_OK)
        mlp_points_free(out);
    return s;
}
