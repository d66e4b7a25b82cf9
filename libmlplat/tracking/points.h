/*
 * The points of a metric as columns, for plots and tables: no documents in between, and the processors share the work.
 */
#ifndef MLP_POINTS_H
#define MLP_POINTS_H
#include "base/hook.h"
#include "session/session.h"
#include <stddef.h>
#include <stdint.h>

enum { MLP_POINTS_STEPS = 1, MLP_POINTS_TIMES = 2, MLP_POINTS_ALL = 3 }; /* which columns beside the values */

/* Zero is empty. */
typedef struct mlp_metric_points {
    double *values;
    int64_t *steps, *times; /* milliseconds since 1970; NULL if they were not asked for */
    size_t n;
} mlp_metric_points;

/*
 * All points of a metric that were logged so far, in the order (timestamp, step, value) if both columns are asked for,
 * else nearly so. The hook is called with the points read so far, on this thread, with no lock held; NULL: the
 * session's. No points is fine. NOT_FOUND: no such run; INVALID; CANCELLED. Yours: mlp_points_free.
 */
mlplat_status mlp_points_read(mlplat *ml, const char *run_id, const char *key, unsigned columns, const mlp_hook *hook,
                              mlp_metric_points *out, mlplat_error *err);
void mlp_points_free(mlp_metric_points *points);
/* MLflow's tables hold the largest doubles for infinities: for pictures, these become what they were logged as. */
void mlp_points_infinities(mlp_metric_points *points);

/* For stores: what a read fills, and the order of what was read. */
bool mlp_points_more(mlp_metric_points *points, size_t *room, unsigned columns); /* room; false: no memory */
static inline bool mlp_points_add(mlp_metric_points *p, size_t *room, unsigned columns, double value, int64_t step,
                                  int64_t time)
{
    if (p->n == *room && !mlp_points_more(p, room, columns))
        return false;
    p->values[p->n] = value;
    if (columns & MLP_POINTS_STEPS)
        p->steps[p->n] = step;
    if (columns & MLP_POINTS_TIMES)
        p->times[p->n] = time;
    p->n++;
    return true;
}
mlplat_status mlp_points_sort(mlp_metric_points *points, mlplat_error *err);

#endif
