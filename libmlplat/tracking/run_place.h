/* Which experiment something new goes into. */
#ifndef MLP_RUN_PLACE_H
#define MLP_RUN_PLACE_H
#include "tracking/tracking_store.h"

/* The call's name or id, else the configured ones, else both are NULL. INVALID: both are given, or the name is none. */
mlplat_status mlp_run_place_wish(const mlp_tracking *t, const char **name, const char **id, mlplat_error *err);
/* The call's (one of name, which is made at need, and id), else the configured one, else that of the run, else MLflow's
 * Default. Those not given are NULL. *out is the caller's. INVALID: both are given. */
mlplat_status mlp_run_place_choose(mlp_tracking *t, const char *name, const char *id, const char *run_id, char **out,
                                   mlplat_error *err);
/* That of a run. */
mlplat_status mlp_run_place_of(mlp_tracking *t, const char *run_id, char **out, mlplat_error *err);

#endif
