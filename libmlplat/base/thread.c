#include "base/thread.h"
#include "base/err.h"
#include "base/os.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <time.h>

#define STACK ((size_t)256 * 1024)

mlplat_status mlp_thread_start(pthread_t *thread, const char *name, void *(*body)(void *), void *arg, mlplat_error *err)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int failed = pthread_attr_init(&attr);
    if (failed)
        return mlp_fail_memory(err);
    size_t least = (size_t)PTHREAD_STACK_MIN;
    pthread_attr_setstacksize(&attr, STACK > least ? STACK : least);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all,
                    &before); /* a thread starts with its maker's mask: the host's signals stay its own */
    failed = pthread_create(thread, &attr, body, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (failed) {
        mlp_fail(err, MLPLAT_UNAVAILABLE, "the system gives no thread for %s (%s): raise the limit of processes", name,
                 failed == EAGAIN ? "limit reached" : "refused");
        if (err)
            err->retryable = 1;
        return MLPLAT_UNAVAILABLE;
    }
    mlp_os_thread_name(*thread, name);
    return MLPLAT_OK;
}

void mlp_cond_init(pthread_cond_t *cond)
{
    mlp_os_cond_init(cond);
}

bool mlp_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t ms)
{
    int64_t left = ms < 0 ? 0 : ms;
    struct timespec most = {.tv_sec = (time_t)(left / 1000), .tv_nsec = (long)(left % 1000) * 1000000};
    return mlp_os_cond_wait(cond, mutex, &most) != ETIMEDOUT;
}
