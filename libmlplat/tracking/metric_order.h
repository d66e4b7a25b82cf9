/*
 * The metrics of a batch: records of one key and run belong to one metric, in the order in which they came, and the
 * metrics are put in the order of the tables' primary keys, so that rows go into neighbouring pages. A batch is taken
 * in slices; the metrics stay known from one to the next, so that the latest of each is written once. Records are named
 * by their place in an array.
 */
#ifndef MLP_METRIC_ORDER_H
#define MLP_METRIC_ORDER_H
#include "spool/spool.h"

typedef struct mlp_metric_group {
    const mlp_record *first;  /* it has the key and the run of all of them */
    const mlp_record *latest; /* the user's; NULL at first */
    uint32_t head, tail;      /* its records of this slice */
    bool sliced;              /* has some */
} mlp_metric_group;

typedef struct mlp_metric_order {
    mlp_metric_group *groups;
    uint32_t n, recent;        /* recent: the group of the last record */
    mlp_metric_group **sliced; /* those of this slice */
    uint32_t n_sliced;
    uint32_t *slots; /* open addressing: number of a group plus 1 */
    uint32_t mask;
    uint32_t *next; /* of each record: the metric's next one */
    size_t room;
} mlp_metric_order;

/* Empty, with room for records 0 to n - 1. What was there is kept: of memory for many metrics few touch much. */
mlplat_status mlp_metric_order_room(mlp_metric_order *order, size_t n, mlplat_error *err);
void mlp_metric_order_free(mlp_metric_order *order);
void mlp_metric_order_clear(mlp_metric_order *order);
void mlp_metric_order_add(mlp_metric_order *order, const mlp_record *records, size_t i);
void mlp_metric_order_sort(mlp_metric_order *order); /* those of this slice */
void mlp_metric_order_next(mlp_metric_order *order); /* begins a new slice */

#endif
