#include "transport/retry.h"
#include "base/clock.h"
#include "base/os.h"

void mlp_retry_begin(mlp_retry *retry)
{
    retry->begin_ns = mlp_clock_mono_ns();
    retry->done = 0;
}

int64_t mlp_retry_elapsed_ms(const mlp_retry *retry)
{
    return (mlp_clock_mono_ns() - retry->begin_ns) / 1000000;
}

/* Anywhere below the limit, so that many clients that lost a server together do not come back together. */
static int64_t roll(int64_t limit)
{
    uint64_t random = 0;
    if (mlp_sys.random(&random, sizeof random) == -1)
        random = (uint64_t)mlp_clock_mono_ns() * 0x9e3779b97f4a7c15u >> 16;
    return (int64_t)(random % ((uint64_t)limit + 1));
}

int64_t mlp_retry_next(mlp_retry *retry, int64_t after_ms)
{
    int64_t limit = retry->first_ms;
    for (int64_t i = 0; i < retry->done && limit < retry->most_ms; i++)
        limit *= 2;
    int64_t wait = roll(limit < retry->most_ms ? limit : retry->most_ms);
    wait += after_ms > 0 ? after_ms : 0;
    if ((retry->tries >= 0 && retry->done >= retry->tries) || wait > retry->budget_ms - mlp_retry_elapsed_ms(retry))
        return -1;
    retry->done++;
    return wait;
}
