/*
 * The latest values of metrics, by run, in memory: for searches in stores with very many runs. A value is a table's row
 * away from its key in MLflow's schema, which costs a microsecond each; here it is an array's element. What is kept is
 * thrown away as soon as anybody has changed the file.
 *
 * In SQL, while the columns live: mlplat_metric(slot, rowid of the run) is the value, NULL for NaN and for none;
 * mlplat_metric_kind(slot, rowid) is 0 for a number, 1 for NaN, 2 for none.
 */
#ifndef MLP_METRIC_COLUMNS_H
#define MLP_METRIC_COLUMNS_H
#include "db/db.h"

typedef struct mlp_metric_columns mlp_metric_columns;

/* For one connection; it must be freed after that is closed. */
mlplat_status mlp_metric_columns_new(mlp_db *db, mlp_metric_columns **out, mlplat_error *err);
void mlp_metric_columns_free(mlp_metric_columns *columns);
/* Inside a read transaction: slots for keys, from 1; 0: not worth it, or too much. */
mlplat_status mlp_metric_columns_need(mlp_metric_columns *columns, mlp_db *db, const char *const *keys, size_t n,
                                      int *slots, mlplat_error *err);

#endif
