/* Starting a run at a server that may not answer: the program goes on in any case. */
#ifndef MLP_RUN_OFFLINE_H
#define MLP_RUN_OFFLINE_H
#include "tracking/tracking_store.h"

/* What starts the run while the server answers; its calls are in a hurry. */
typedef mlplat_status (*mlp_run_online)(void *user, mlplat_error *err);

typedef struct mlp_run_offline {
    mlp_tracking *tracking;
    const char *experiment, *experiment_id; /* as the call has them; NULL: not given */
    mlplat_durability durability;
    mlp_run_online online;
    void *user;
} mlp_run_offline;

/* Runs online first, and makes the run offline where the server does not answer in time; run->made gets the document of
 * that. run->op: the same for both, so that a run whose answer was lost is found. */
mlplat_status mlp_run_offline_start(const mlp_run_offline *start, const mlp_run_new *run, mlplat_error *err);

#endif
