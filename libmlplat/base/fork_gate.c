#include "base/fork_gate.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/thread.h"
#include <stdatomic.h>

enum { FORK_WAIT_MS = 5000 };

/* It belongs to the process, as fork does. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_int forking; /* threads that are about to fork */
    int inside;         /* threads in the gate */
    bool registered, quiet, cut;
    unsigned forks;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local int depth;

static void before_fork(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.forking++;
    int own = depth > 0; /* it stands in a function of the caller's */
    int64_t until_ns = mlp_clock_mono_ns() + (int64_t)FORK_WAIT_MS * 1000000, left_ns = 1;
    while (gate.inside > own && (left_ns = until_ns - mlp_clock_mono_ns()) > 0)
        mlp_cond_wait_ms(&gate.changed, &gate.lock, left_ns / 1000000 + 1);
    gate.quiet = gate.inside == own;
}

static void in_parent(void)
{
    gate.forking--;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void in_child(void)
{
    mlp_cond_init(&gate.changed); /* those who waited are not here */
    gate.forking = 0;
    gate.inside = depth > 0;
    gate.cut = gate.cut || !gate.quiet;
    gate.forks++;
    pthread_mutex_unlock(&gate.lock);
}

mlplat_status mlp_fork_gate_ready(mlplat_error *err)
{
    pthread_mutex_lock(&gate.lock);
    if (!gate.registered) {
        mlp_cond_init(&gate.changed);
        gate.registered = pthread_atfork(before_fork, in_parent, in_child) == 0;
    }
    bool registered = gate.registered, cut = gate.cut;
    pthread_mutex_unlock(&gate.lock);
    if (!registered)
        return mlp_fail_memory(err);
    return cut ? mlp_fail(err, MLPLAT_STATE,
                          "this process was forked while another thread of its parent was in the middle of SQLite for "
                          "more than %d s: no store can be opened here; exec a program, or fork at another moment",
                          FORK_WAIT_MS / 1000)
               : MLPLAT_OK;
}

static void come_in(void)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.forking)
        pthread_cond_wait(&gate.changed, &gate.lock);
    gate.inside++;
    pthread_mutex_unlock(&gate.lock);
}

static void go_out(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.inside--;
    if (gate.forking)
        pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

void mlp_fork_gate_enter(void)
{
    if (depth++ == 0)
        come_in();
}

void mlp_fork_gate_leave(void)
{
    if (--depth == 0)
        go_out();
}

int mlp_fork_gate_step_out(void)
{
    int was = depth;
    depth = 0;
    if (was > 0)
        go_out();
    return was;
}

void mlp_fork_gate_step_in(int was)
{
    if (was > 0)
        come_in();
    depth = was;
}

void mlp_fork_gate_pause(void)
{
    if (atomic_load_explicit(&gate.forking, memory_order_relaxed) > 0)
        mlp_fork_gate_step_in(mlp_fork_gate_step_out());
}

unsigned mlp_fork_gate_forks(void)
{
    return gate.forks;
}
