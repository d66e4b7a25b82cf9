/* A build without servers makes no run offline. */
#include "tracking/run_offline.h"

mlplat_status mlp_run_offline_start(const mlp_run_offline *start, const mlp_run_new *run, mlplat_error *err)
{
    (void)run;
    return start->online(start->user, err);
}
