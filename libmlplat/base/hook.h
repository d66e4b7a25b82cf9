/* The caller's progress hook, carried to where waiting happens. Zero: nobody listens. */
#ifndef MLP_HOOK_H
#define MLP_HOOK_H
#include "base/err.h"
#include "base/fork_gate.h"
#include <mlplat/session.h>

typedef struct mlp_hook {
    mlplat_progress fn;
    void *user;
} mlp_hook;

/* Never with a lock held. CANCELLED if the caller wants to stop; what names the work in the message. */
static inline mlplat_status mlp_hook_call(const mlp_hook *hook, uint64_t done, uint64_t total, const char *what,
                                          mlplat_error *err)
{
    if (!hook || !hook->fn)
        return MLPLAT_OK;
    int gate = mlp_fork_gate_step_out();
    int cancelled = hook->fn(hook->user, done, total);
    mlp_fork_gate_step_in(gate);
    return cancelled ? mlp_fail_cancelled(err, what) : MLPLAT_OK;
}

#endif
