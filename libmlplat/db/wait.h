/* Waiting for somebody else: short naps, the caller's hook, a limit. */
#ifndef MLP_WAIT_H
#define MLP_WAIT_H
#include "base/hook.h"
#include <stdint.h>

typedef struct mlp_wait {
    const mlp_hook *hook;
    const char *what; /* the file, for messages; lent */
    int64_t limit_ms;
    int64_t begin_ns, hook_ns; /* when waiting began, when the hook was last called */
    int64_t nap_us;
    const _Atomic int64_t *end_ns; /* set by somebody else: a moment at which it is over, 0: none; NULL: likewise */
} mlp_wait;

/* What this thread waits for in databases from now on ends within so many milliseconds, all together; 0: no more. */
void mlp_wait_hurry(int64_t ms);
int64_t mlp_wait_until(int64_t mono_ns); /* the moment, or that of the hurry if it is sooner */

mlp_wait mlp_wait_begin(const mlp_hook *hook, const char *what, int64_t limit_ms);
int64_t mlp_wait_ms(const mlp_wait *wait); /* waited so far */
/* Calls the hook when it is due (every 50 ms). CANCELLED, or TIMEOUT when the limit is over. No lock may be held. */
mlplat_status mlp_wait_check(mlp_wait *wait, mlplat_error *err);
/* The same after a nap of 0.2 to 5 ms. */
mlplat_status mlp_wait_nap(mlp_wait *wait, mlplat_error *err);

#endif
