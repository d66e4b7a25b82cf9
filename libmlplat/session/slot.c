/* The modules of a session: opened at first need, flushed and closed together. */
#include "base/clock.h"
#include "base/err.h"
#include "session/session.h"

/* With the lock held: waits until nobody else opens the slot. */
static mlplat_status wait_for_opener(mlplat *ml, mlp_slot slot, mlplat_error *err)
{
    while (ml->slots[slot].opening) {
        if (pthread_equal(ml->slots[slot].opener, pthread_self()))
            return mlp_fail(err, MLPLAT_STATE, "module %d of the session needs itself to open", (int)slot);
        pthread_cond_wait(&ml->changed, &ml->lock);
    }
    return MLPLAT_OK;
}

/* With the lock held, which is given back while the module opens. */
static mlplat_status open_slot(mlplat *ml, mlp_slot slot, const mlp_slot_ops *ops, mlplat_error *err)
{
    void *object = NULL;
    ml->slots[slot].opening = true;
    ml->slots[slot].opener = pthread_self();
    pthread_mutex_unlock(&ml->lock);
    mlplat_status s = ops->open(ml, &object, err);
    pthread_mutex_lock(&ml->lock);
    ml->slots[slot].opening = false;
    if (s == MLPLAT_OK) {
        ml->slots[slot].ops = ops;
        ml->opened[ml->n_opened++] = (int)slot;
        __atomic_store_n(&ml->slots[slot].object, object, __ATOMIC_RELEASE);
    }
    pthread_cond_broadcast(&ml->changed);
    return s;
}

mlplat_status mlp_session_slot(mlplat *ml, mlp_slot slot, const mlp_slot_ops *ops, void **object, mlplat_error *err)
{
    mlplat_status s = mlp_session_check(ml, err);
    *object = NULL;
    if (s != MLPLAT_OK)
        return s;
    *object = __atomic_load_n(&ml->slots[slot].object, __ATOMIC_ACQUIRE);
    if (*object)
        return MLPLAT_OK;
    pthread_mutex_lock(&ml->lock);
    s = wait_for_opener(ml, slot, err);
    if (s == MLPLAT_OK && !ml->slots[slot].object)
        s = open_slot(ml, slot, ops, err);
    if (s == MLPLAT_OK)
        *object = ml->slots[slot].object;
    pthread_mutex_unlock(&ml->lock);
    return s;
}

/* What is left of a limit that began at start_ns. */
static int64_t left_ms(int64_t timeout_ms, int64_t start_ns)
{
    if (timeout_ms <= 0)
        return timeout_ms;
    int64_t left = timeout_ms - (mlp_clock_mono_ns() - start_ns) / 1000000;
    return left > 0 ? left : 0;
}

mlplat_status mlplat_flush(mlplat *ml, int64_t timeout_ms, mlplat_error *err)
{
    int order[MLP_SLOT_COUNT], n;
    int64_t start_ns = mlp_clock_mono_ns();
    mlplat_status s = mlp_session_check(ml, err);
    if (s != MLPLAT_OK)
        return s;
    pthread_mutex_lock(&ml->lock);
    n = ml->n_opened;
    for (int i = 0; i < n; i++)
        order[i] = ml->opened[i];
    pthread_mutex_unlock(&ml->lock);
    while (s == MLPLAT_OK && n-- > 0) { /* a module may put records into those opened before it */
        const mlp_slot_ops *ops = ml->slots[order[n]].ops;
        if (ops->flush)
            s = ops->flush(ml->slots[order[n]].object, left_ms(timeout_ms, start_ns), &ml->hook, err);
    }
    return s;
}
