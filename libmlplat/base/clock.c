#include "base/clock.h"
#include "base/os.h"
#include <errno.h>
#include <time.h>

int64_t mlp_clock_ms(void)
{
    return mlp_sys.now_ms();
}

int64_t mlp_clock_mono_ns(void)
{
    return mlp_sys.mono_ns();
}

void mlp_clock_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
}
