/*
 * MLflow's search language for runs, turned into SQL with bound values: comparisons joined by AND, and order keys.
 * The runs table is r in the SQL: SELECT ... FROM runs r <joins> WHERE <where> ORDER BY <order>.
 */
#ifndef MLP_SEARCH_H
#define MLP_SEARCH_H
#include "base/json.h"

typedef struct mlp_search_sql {
    mlp_buf joins, where, order;        /* where is "1" at least */
    json_t *join_values, *where_values; /* to bind, in the order of the SQL: strings, integers and reals */
} mlp_search_sql;

/* INVALID names the place: "filter, character 9: ...". NULL or "" filter: all; order: newest first. */
mlplat_status mlp_search_compile(const char *filter, const char *order_by, mlp_search_sql *out, mlplat_error *err);
void mlp_search_free(mlp_search_sql *sql);

#endif
