/* All points of one metric of one run, the fast way. */
#ifndef MLP_METRIC_SCAN_H
#define MLP_METRIC_SCAN_H
#include "db/db.h"

/* A point as the table holds it: NaN is value 0 with is_nan, infinities are the largest doubles. false: no more,
 * the scan is CANCELLED. */
typedef bool (*mlp_metric_point)(void *user, int64_t step, int64_t timestamp_ms, double value, bool is_nan);

/* Inside a transaction: calls point for each point, in no order. It must not use db. */
mlplat_status mlp_metric_scan(mlp_db *db, const char *run_id, const char *key, mlp_metric_point point, void *user,
                              mlplat_error *err);
/* A stretch of the primary key: of some times whole, or of one time some steps; the ends are in it. */
typedef struct mlp_metric_stretch {
    int64_t time_low, time_high, step_low, step_high; /* steps count if it is one time */
} mlp_metric_stretch;
/* The points of a stretch, in the order (timestamp, step, value); without times they are given as 0, in less time. */
mlplat_status mlp_metric_scan_stretch(mlp_db *db, const char *run_id, const char *key,
                                      const mlp_metric_stretch *stretch, bool times, mlp_metric_point point, void *user,
                                      mlplat_error *err);
/* The smallest and the largest step, or time, of its points; *any false: it has none. */
mlplat_status mlp_metric_range(mlp_db *db, const char *run_id, const char *key, bool by_time, int64_t *low,
                               int64_t *high, bool *any, mlplat_error *err);

#endif
