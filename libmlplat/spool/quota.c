/* The room that a spool may take, and what a call does that finds it used up. */
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "base/thread.h"
#include "spool/spool_inside.h"
#include <fcntl.h>
#include <string.h>

#define HOOK_MS 100
#define LOOK_NS 2000000000 /* other journals are looked at so often, while ours grows */

bool mlp_quota_fits(const mlp_spool *sp, size_t bytes)
{
    const mlp_quota *q = &sp->quota;
    return q->most == UINT64_MAX || q->bytes + q->others + bytes <= q->most;
}

void mlp_quota_give(mlp_spool *sp, size_t bytes)
{
    mlp_quota *q = &sp->quota;
    q->bytes -= bytes;
    if (q->bytes + q->others <= q->most - q->most / 4)
        q->told = false;
}

/* Once, until there is room again. */
static void tell(mlp_spool *sp, const char *what)
{
    bool told = sp->quota.told;
    sp->quota.told = true;
    pthread_mutex_unlock(&sp->lock);
    if (!told)
        mlp_log(sp->log, MLPLAT_LOG_WARNING,
                "the spool %s has used up its %llu bytes (MLPLAT_SPOOL_QUOTA), as the store %s does not take what "
                "waits: %s",
                sp->place[0].path, (unsigned long long)sp->quota.most, sp->store, what);
    pthread_mutex_lock(&sp->lock);
}

static mlplat_status block(mlp_spool *sp, mlplat_error *err)
{
    uint64_t done = atomic_load(&sp->done_seq);
    sp->urgent++;
    sp->hurry = true;
    mlp_cond_wait_ms(&sp->progress, &sp->lock, HOOK_MS);
    sp->urgent--;
    pthread_mutex_unlock(&sp->lock);
    mlplat_status status =
        mlp_hook_call(sp->quota.hook, done, atomic_load(&sp->next_seq) - 1, "waiting for room in the spool", err);
    pthread_mutex_lock(&sp->lock);
    return status;
}

static mlplat_status refuse(mlp_spool *sp, mlplat_error *err)
{
    sp->quota.refused++;
    return mlp_fail(err, MLPLAT_NO_SPACE,
                    "the spool %s holds the %llu bytes that it may (MLPLAT_SPOOL_QUOTA): they wait for the store %s",
                    sp->place[0].path, (unsigned long long)sp->quota.most, sp->store);
}

/* ---- dropping ---------------------------------------------------------------------------------------------------- */

/* The oldest that is neither filled nor delivered nor packed just now. */
static mlp_segment **oldest(mlp_lane *lane)
{
    for (mlp_segment **at = &lane->head; *at && (*at)->sealed; at = &(*at)->next)
        if (!(*at)->held && !(*at)->packing)
            return at;
    return NULL;
}

static void refuse_waits(mlp_spool *sp, uint64_t first, uint64_t last)
{
    for (mlp_wait *w = sp->waits; w; w = w->next)
        if (w->last >= first && w->first <= last) {
            w->refusal.status = MLPLAT_NO_SPACE;
            w->dropped = true;
        }
}

static bool drop_oldest(mlp_spool *sp)
{
    mlp_segment **best = NULL;
    mlp_lane *of = NULL;
    for (int i = MLP_LANE_PROCESS; i < MLP_LANE_COUNT; i++) {
        mlp_segment **at = oldest(&sp->lane[i]);
        if (at && (!best || (*at)->first_seq < (*best)->first_seq)) {
            best = at;
            of = &sp->lane[i];
        }
    }
    if (!best)
        return false;
    mlp_segment *s = *best;
    *best = s->next;
    of->n_segments--;
    sp->quota.dropped += s->records;
    mlp_quota_give(sp, s->disk);
    if (of->kind == MLP_LANE_PROCESS) /* where records of level remote are */
        refuse_waits(sp, s->first_seq, s->last_seq);
    if (!mlp_segment_drop(s, sp->home.fd))
        atomic_store(&sp->left, true);
    return true;
}

mlplat_status mlp_quota_make_room(mlp_spool *sp, bool *waited, mlplat_error *err)
{
    switch (sp->quota.full) {
    case MLP_FULL_DROP_OLDEST:
        tell(sp, "the oldest records are dropped");
        return drop_oldest(sp) ? MLPLAT_OK : block(sp, err); /* what is being delivered is not dropped */
    case MLP_FULL_ERROR:
        tell(sp, "calls are refused");
        return refuse(sp, err);
    default:
        sp->quota.blocked += !*waited;
        *waited = true;
        tell(sp, "calls wait until there is room");
        return block(sp, err);
    }
}

/* ---- other journals of the store --------------------------------------------------------------------------------- */

typedef struct sizes {
    const char *own;
    int fd;
    uint64_t bytes;
} sizes;

static bool add_file(void *user, const char *name)
{
    sizes *s = user;
    struct stat st;
    if (mlp_segment_named(name) && fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        s->bytes += (uint64_t)st.st_size;
    return true;
}

static bool add_journal(void *user, const char *name)
{
    sizes *all = user, one = {0};
    if (!mlp_home_is_journal(name) || strcmp(name, all->own) == 0 ||
        mlp_folder_open(all->fd, name, &one.fd, NULL) != MLPLAT_OK)
        return true;
    mlp_folder_each(one.fd, add_file, &one, NULL);
    mlp_sys.close(one.fd);
    all->bytes += one.bytes;
    return true;
}

void mlp_quota_look(mlp_spool *sp)
{
    int64_t now = mlp_clock_mono_ns();
    sizes all = {.own = sp->home.name};
    if (sp->quota.most == UINT64_MAX || (sp->room.looked && now - sp->room.looked < LOOK_NS) ||
        mlp_place_open(&sp->place[0], false, &all.fd, NULL) != MLPLAT_OK)
        return;
    sp->room.looked = now;
    mlp_folder_each(all.fd, add_journal, &all, NULL);
    mlp_sys.close(all.fd);
#ifndef MLPLAT_MINIMAL
    all.bytes += mlp_copies_size(&sp->place[0]);
#endif
    pthread_mutex_lock(&sp->lock);
    sp->quota.others = all.bytes;
    pthread_mutex_unlock(&sp->lock);
}
