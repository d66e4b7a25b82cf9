/* Until nothing waits, or with what does and why. */
#include "base/clock.h"
#include "base/err.h"
#include "spool/spool_inside.h"
#include <string.h>

/* Whoever asks for a sync opened the store to do so, and that brought in most of it. */
static void add_opening(mlp_spool *sp, mlp_replay_counts *n)
{
    pthread_mutex_lock(&sp->lock);
    n->stored += sp->opening.stored;
    n->dead += sp->opening.dead;
    n->journals += sp->opening.journals;
    sp->opening = (mlp_replay_counts){0};
    pthread_mutex_unlock(&sp->lock);
}

/* What living processes have is theirs, but for what an heir stores (NULL: there is none). alone: of that only. */
static uint64_t what_stays(mlp_spool *sp, const char *heir, bool alone)
{
    json_t *state = NULL, *one;
    size_t i;
    uint64_t n = 0;
    if (mlp_spool_status(sp, &state, NULL) != MLPLAT_OK)
        return 0;
    json_array_foreach(json_object_get(state, "journals"), i, one)
    {
        const char *how = json_string_value(json_object_get(one, "state"));
        const char *id = json_string_value(json_object_get(one, "id"));
        bool its = heir && id && strcmp(id, heir) == 0;
        n += its || (!alone && how && strcmp(how, "busy") != 0)
                 ? (uint64_t)json_integer_value(json_object_get(one, "waiting"))
                 : 0;
    }
    json_decref(state);
    return n;
}

static mlplat_status replay_once(mlp_spool *sp, const mlp_hook *hook, mlp_replay_counts *n, mlplat_error *err)
{
    mlp_replay_counts now = {0};
    mlplat_status status = mlp_replay_begin(sp, hook, err);
    if (status != MLPLAT_OK)
        return status;
    status = mlp_replay_orphans(sp, hook, true, &now, err);
    mlp_replay_end(sp, status);
    n->stored += now.stored;
    n->dead += now.dead;
    n->journals += now.journals;
    memcpy(n->heir, now.heir, sizeof n->heir);
    return status;
}

#ifdef MLPLAT_MINIMAL
static mlplat_status sync_orphans(mlp_spool *sp, const mlp_hook *hook, mlp_replay_counts *n, mlplat_error *err)
{
    return replay_once(sp, hook, n, err);
}

static mlplat_status sync_own(mlp_spool *sp, const mlp_hook *hook, mlplat_error *err)
{
    return mlp_deliver_wait(sp, atomic_load(&sp->next_seq) - 1, -1, MLP_SPOOL_PATIENCE_MS, hook, err);
}
#else
typedef struct advance {
    uint64_t done, news, attempts;
    bool failing;
} advance;

static advance look_at_advance(mlp_spool *sp)
{
    pthread_mutex_lock(&sp->lock);
    advance now = {atomic_load(&sp->done_seq), sp->news, sp->attempts, sp->failing_since != 0};
    pthread_mutex_unlock(&sp->lock);
    return now;
}

#define LOOK_MS 2000
#define HEIR_MS 50
#define TRIES   3 /* that failed, since anything went well */

/* With an heir that is another process. */
typedef struct patience {
    char heir[128];
    uint64_t left;
    int64_t look_ns, until_ns;
} patience;

/* As long as it comes on. */
static mlplat_status wait_for_heir(mlp_spool *sp, const char *heir, const mlp_hook *hook, patience *p,
                                   mlplat_error *err)
{
    int64_t now = mlp_clock_mono_ns();
    bool other = strcmp(p->heir, heir) != 0;
    if (other || now >= p->look_ns) {
        uint64_t left = what_stays(sp, heir, true);
        if (other || left != p->left)
            p->until_ns = now + (int64_t)MLP_SPOOL_PATIENCE_MS * 1000000;
        snprintf(p->heir, sizeof p->heir, "%.127s", heir);
        p->left = left;
        p->look_ns = now + (int64_t)LOOK_MS * 1000000;
    }
    mlplat_status status = mlp_hook_call(hook, 0, 0, "waiting for a process that stores what dead ones left", err);
    if (status == MLPLAT_OK && now >= p->until_ns) {
        status = mlp_fail(err, MLPLAT_UNAVAILABLE,
                          "process %ld stores what a dead one left, and stands still: end it, or wait for it",
                          mlp_home_pid(heir));
        err->retryable = 1;
    }
    if (status == MLPLAT_OK)
        mlp_clock_sleep_ms(HEIR_MS);
    return status;
}

static mlplat_status sync_orphans(mlp_spool *sp, const mlp_hook *hook, mlp_replay_counts *n, mlplat_error *err)
{
    patience p = {0};
    mlplat_status status;
    do {
        status = replay_once(sp, hook, n, err);
        if (status == MLPLAT_OK && n->heir[0])
            status = wait_for_heir(sp, n->heir, hook, &p, err);
    } while (status == MLPLAT_OK && n->heir[0]);
    return status;
}

/* As long as the store takes something, or has not yet failed again and again since we came. */
static mlplat_status sync_own(mlp_spool *sp, const mlp_hook *hook, mlplat_error *err)
{
    uint64_t last = atomic_load(&sp->next_seq) - 1;
    advance from = look_at_advance(sp), now;
    int64_t until = mlp_clock_mono_ns() + (int64_t)MLP_SPOOL_PATIENCE_MS * 1000000;
    mlplat_status status;
    do {
        status = mlp_deliver_wait(sp, last, LOOK_MS, -1, hook, err);
        now = look_at_advance(sp);
        if (now.done > from.done || now.news > from.news) {
            from = now;
            until = mlp_clock_mono_ns() + (int64_t)MLP_SPOOL_PATIENCE_MS * 1000000;
        }
    } while (status != MLPLAT_OK && err->retryable && mlp_clock_mono_ns() < until &&
             !(now.failing && now.attempts >= from.attempts + TRIES));
    return status;
}
#endif

mlplat_status mlp_spool_sync(mlp_spool *sp, const mlp_hook *hook, json_t **out, mlplat_error *err)
{
    mlp_replay_counts n = {0};
    mlplat_error local = {0};
    err = err ? err : &local;
    *out = NULL;
    mlplat_status status = mlp_spool_usable(sp, err);
    if (status != MLPLAT_OK)
        return status;
    status = sync_orphans(sp, hook, &n, err);
    if (status == MLPLAT_OK && atomic_load(&sp->stuck))
        status = mlp_fail(err, MLPLAT_IO, "a journal could not be given up: it is stored when this process has ended");
    if (status == MLPLAT_OK)
        status = sync_own(sp, hook, err);
    if (status != MLPLAT_OK)
        return mlp_fail_prefix(err, status, "%llu record(s) still wait in %s",
                               (unsigned long long)what_stays(sp, n.heir, false), sp->place[0].path);
    add_opening(sp, &n);
    uint64_t damaged = atomic_exchange(&sp->damaged, 0);
    if (damaged > 0)
        return mlp_fail(
            err, MLPLAT_CORRUPT,
            "%llu damaged segment(s) set aside as .bad in %s; all other records are stored (%llu now): look at "
            "the disk, remove the files when you are done",
            (unsigned long long)damaged, sp->place[0].path, (unsigned long long)n.stored);
    *out = json_pack("{s:I, s:I, s:I}", "replayed", (json_int_t)n.stored, "dead", (json_int_t)n.dead, "journals",
                     (json_int_t)n.journals);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}
