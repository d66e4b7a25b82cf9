/*
 * Keeping room while a sink is slow or away: spares are made ahead of need, and segments that wait are packed. Done by
 * the delivery thread between its batches, or, where a request may take long, by a thread of its own.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/thread.h"
#include "spool/spool_inside.h"

#define AT_ONCE    16 /* segments packed before anything else is looked at */
#define POLL_MS    5
#define IDLE_POLLS 40

/* ---- packing ----------------------------------------------------------------------------------------------------- */

/* Of one that is held nothing else is looked at: who delivers it changes the rest without the lock. */
static bool can_pack(const mlp_segment *s)
{
    return !s->held && mlp_segment_in_file(s) && !s->base && !s->packed && !s->no_pack;
}

/* Under lock: one that nobody will want soon; while the sink is away none is. */
static mlp_segment *to_pack(const mlp_spool *sp, const mlp_lane *lane)
{
    int skip = sp->failing_since || !mlp_quota_fits(sp, MLP_SEGMENT_BYTES) ? 0 : MLP_SPOOL_PACK_BEHIND;
    mlp_segment *s = lane->n_segments > skip && (sp->failing_since || sp->room.started) ? lane->head : NULL;
    for (; s && skip > 0; skip--)
        s = s->next;
    while (s && !can_pack(s))
        s = s->next;
    return s;
}

static bool pack_one(mlp_spool *sp, mlp_lane *lane)
{
    size_t disk = 0;
    pthread_mutex_lock(&sp->lock);
    mlp_segment *s = to_pack(sp, lane);
    if (s)
        s->packing = true;
    pthread_mutex_unlock(&sp->lock);
    if (!s)
        return false;
    mlplat_status status = mlp_segment_pack(sp->home.fd, s->number, s->end, lane->synced, &disk, NULL);
    pthread_mutex_lock(&sp->lock);
    s->packing = false;
    s->packed = status == MLPLAT_OK;
    s->no_pack = status != MLPLAT_OK; /* what failed once is not tried for ever */
    if (s->packed) {
        mlp_quota_give(sp, s->disk - disk);
        s->disk = disk;
    }
    pthread_cond_broadcast(&sp->progress);
    pthread_mutex_unlock(&sp->lock);
    return true;
}

static bool behind(mlp_spool *sp)
{
    pthread_mutex_lock(&sp->lock);
    bool much = sp->lane[MLP_LANE_PROCESS].n_segments + sp->lane[MLP_LANE_DISK].n_segments > MLP_SPOOL_PACK_BEHIND;
    pthread_mutex_unlock(&sp->lock);
    return much;
}

void mlp_room_work(mlp_spool *sp)
{
    mlp_lane_prepare(sp);
    if (!sp->room.looked || behind(sp))
        mlp_quota_look(sp);
    for (int i = MLP_LANE_PROCESS; i < MLP_LANE_COUNT; i++)
        for (int n = 0; n < AT_ONCE && pack_one(sp, &sp->lane[i]); n++)
            mlp_lane_prepare(sp);
}

/* ---- a thread of its own ----------------------------------------------------------------------------------------- */

/* Under lock: until records come, if none came for some time. */
static void rest(mlp_spool *sp, int idle)
{
    if (idle < IDLE_POLLS) {
        mlp_cond_wait_ms(&sp->wake, &sp->lock, POLL_MS);
        return;
    }
    sp->room.sleeping = true;
    while (sp->room.sleeping && !sp->stop)
        pthread_cond_wait(&sp->wake, &sp->lock);
    sp->room.sleeping = false;
}

static void *room_main(void *arg)
{
    mlp_spool *sp = arg;
    uint64_t seen = 0;
    int idle = 0;
    pthread_mutex_lock(&sp->lock);
    while (!sp->stop) {
        pthread_mutex_unlock(&sp->lock);
        mlp_room_work(sp);
        uint64_t next = atomic_load(&sp->next_seq);
        idle = next == seen ? idle + 1 : 0;
        seen = next;
        pthread_mutex_lock(&sp->lock);
        if (!sp->stop)
            rest(sp, idle);
    }
    pthread_mutex_unlock(&sp->lock);
    return NULL;
}

mlplat_status mlp_room_start(mlp_spool *sp, mlplat_error *err)
{
    mlplat_status status = mlp_thread_start(&sp->room.thread, "mlplat-room", room_main, sp, err);
    sp->room.started = status == MLPLAT_OK;
    return status;
}

void mlp_room_stop(mlp_spool *sp)
{
    if (!sp->room.started)
        return;
    pthread_join(sp->room.thread, NULL);
    pthread_mutex_lock(&sp->lock);
    sp->room.started = false;
    pthread_mutex_unlock(&sp->lock);
}
