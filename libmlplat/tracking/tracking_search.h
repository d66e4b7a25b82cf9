/* What runs, experiments and logged models are searched by: tables for db/search.h. */
#ifndef MLP_TRACKING_SEARCH_H
#define MLP_TRACKING_SEARCH_H
#include "db/search.h"

extern const mlp_search_language mlp_tracking_search_runs;        /* FROM runs r */
extern const mlp_search_language mlp_tracking_search_experiments; /* FROM experiments e */
extern const mlp_search_language mlp_tracking_search_models;      /* FROM logged_models m */

#endif
