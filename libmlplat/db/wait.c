#include "db/wait.h"
#include "base/clock.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum { HOOK_EVERY_MS = 50, NAP_FIRST_US = 200, NAP_MOST_US = 5000 };

#ifndef MLPLAT_MINIMAL
static _Thread_local int64_t hurry_until_ns; /* 0: no hurry */

void mlp_wait_hurry(int64_t ms)
{
    hurry_until_ns = ms ? mlp_clock_mono_ns() + ms * 1000000 : 0;
}

int64_t mlp_wait_until(int64_t mono_ns)
{
    return hurry_until_ns && hurry_until_ns < mono_ns ? hurry_until_ns : mono_ns;
}
static bool is_over(const mlp_wait *wait, int64_t now)
{
    int64_t end_ns = wait->end_ns ? atomic_load(wait->end_ns) : 0;
    return (end_ns && now >= end_ns) || mlp_wait_until(now + 1) <= now;
}
#else
#define is_over(wait, now) false /* nobody is in a hurry */
#endif

mlp_wait mlp_wait_begin(const mlp_hook *hook, const char *what, int64_t limit_ms)
{
    int64_t now = mlp_clock_mono_ns();
    return (mlp_wait){
        .hook = hook, .what = what, .limit_ms = limit_ms, .begin_ns = now, .hook_ns = now, .nap_us = NAP_FIRST_US};
}

int64_t mlp_wait_ms(const mlp_wait *wait)
{
    return (mlp_clock_mono_ns() - wait->begin_ns) / 1000000;
}

mlplat_status mlp_wait_check(mlp_wait *wait, mlplat_error *err)
{
    int64_t now = mlp_clock_mono_ns(), waited_ms = (now - wait->begin_ns) / 1000000;
    if (waited_ms >= wait->limit_ms || is_over(wait, now))
        return mlp_fail(err, MLPLAT_TIMEOUT,
                        "%s: other writers held it for %lld ms: try again, or look for a program that "
                        "keeps a transaction open",
                        wait->what, (long long)waited_ms);
    if (now - wait->hook_ns < (int64_t)HOOK_EVERY_MS * 1000000)
        return MLPLAT_OK;
    wait->hook_ns = now;
    return mlp_hook_call(wait->hook, 0, 0, "waiting for other writers", err);
}

mlplat_status mlp_wait_nap(mlp_wait *wait, mlplat_error *err)
{
    struct timespec nap = {.tv_nsec = (long)wait->nap_us * 1000};
    int gate = mlp_fork_gate_step_out();
    nanosleep(&nap, NULL); /* cut short by a signal: just an earlier try */
    mlp_fork_gate_step_in(gate);
    wait->nap_us = wait->nap_us * 3 / 2;
    if (wait->nap_us > NAP_MOST_US)
        wait->nap_us = NAP_MOST_US;
    return mlp_wait_check(wait, err);
}
