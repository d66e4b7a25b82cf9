/* All points of a metric of a run, out of the pages of the primary key's index. */
#ifndef MLP_METRIC_PAGES_H
#define MLP_METRIC_PAGES_H
#include "db/metric_scan.h"

typedef enum mlp_metric_pages_end {
    MLP_PAGES_NO, /* not this way; what point was called with counts for nothing */
    MLP_PAGES_ALL,
    MLP_PAGES_STOPPED /* by point */
} mlp_metric_pages_end;

/* Inside a read transaction that has read something. */
mlp_metric_pages_end mlp_metric_pages(mlp_db *db, const char *run_id, const char *key, mlp_metric_point point,
                                      void *user);

#endif
