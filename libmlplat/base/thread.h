/* Threads: pthreads with what we need on top. */
#ifndef MLP_THREAD_H
#define MLP_THREAD_H
#include <mlplat/error.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Starts a thread with all signals blocked and a 256 KiB stack; UNAVAILABLE if the system gives none. */
mlplat_status mlp_thread_start(pthread_t *thread, const char *name, void *(*body)(void *), void *arg,
                               mlplat_error *err);
void mlp_cond_init(pthread_cond_t *cond);                                        /* on the monotonic clock */
bool mlp_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t ms); /* false: time is up */

#endif
