/* How the terms of a search over very many objects are looked up. It changes no result. */
#ifndef MLP_SEARCH_PLAN_H
#define MLP_SEARCH_PLAN_H
#include "db/metric_columns.h"
#include "db/search.h"

/* Is there a term that may be looked up in another way? */
bool mlp_search_plan_helps(const mlp_search *search);
/* Inside a read transaction, before the terms become SQL. */
mlplat_status mlp_search_plan(mlp_search *search, mlp_db *db, mlp_metric_columns *columns, mlplat_error *err);
/* Back to how it is done without a plan. */
void mlp_search_unplan(mlp_search *search);

#endif
