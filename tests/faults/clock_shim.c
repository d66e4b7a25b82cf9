/* Preloaded: the clock of the wall jumps back and forth, every so many looks at it. */
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOKS = 40 };
#define HOUR 3600L
#define YEAR (HOUR * 24 * 365)

int clock_gettime(clockid_t clock, struct timespec *t)
{
    static const long jumps[] = {0, HOUR, -HOUR, 20 * YEAR, -20 * YEAR, -50 * YEAR};
    static _Atomic unsigned looks;
    long failed = syscall(SYS_clock_gettime, clock, t);
    if (failed == 0 && clock == CLOCK_REALTIME)
        t->tv_sec += jumps[atomic_fetch_add(&looks, 1) / LOOKS % (sizeof jumps / sizeof jumps[0])];
    return (int)failed;
}
