/* Accepting records: room in a segment, the copy, and, where files are written, the group commit. */
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "spool/spool_inside.h"
#include <errno.h>
#include <string.h>

#define PATIENCE_NS 1000000

/* ---- group commit ------------------------------------------------------------------------------------------------ */

static void answer(mlp_commit *list, const mlplat_error *error)
{
    for (mlp_commit *next; list; list = next) {
        next = list->next; /* once done is set its owner may return and take it away */
        if (error)
            list->error = *error;
        list->done = true;
    }
}

static void add(_Atomic uint64_t *counter, size_t n) /* under lock: no locked instruction needed */
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

static void count(mlp_spool *sp, const mlp_commit *list)
{
    for (; list; list = list->next) {
        add(&sp->accepted, list->n);
        add(&sp->durable, list->remote ? 0 : list->n);
    }
}

/* The frames behind `ready` go to a new segment: the old file is in an unknown state and is never written again. What
 * lies before them was brought to the disk by earlier groups. */
static mlplat_status move_tail(mlp_spool *sp, mlp_lane *lane, mlp_segment *old, mlplat_error *err)
{
    size_t from = atomic_load(&old->ready);
    mlplat_status status = mlp_lane_roll(sp, lane, old->end - from, lane->group_first, err);
    mlp_segment *s = lane->tail;
    while (status == MLPLAT_OK && from < old->end) {
        size_t n = mlp_frame_move(s->base + s->end, old->base + from, false, s->salt);
        from += n;
        s->end += n;
    }
    return status;
}

/* Another file takes the group, and what was collected meanwhile; only if that fails too the callers are told. */
static mlplat_status rescue(mlp_spool *sp, mlp_lane *lane, mlp_segment *old, mlplat_error *err)
{
    mlplat_error again = {0};
    old->poisoned = true;
    mlplat_status status = move_tail(sp, lane, old, &again);
    if (status == MLPLAT_OK)
        status = mlp_segment_write(lane->tail, lane->tail->end, lane->synced, &again);
    mlp_segment_wipe(old, atomic_load(&old->ready));
    old->end = atomic_load(&old->ready);
    if (status != MLPLAT_OK) {
        *err = again;
        if (lane->tail != old) {
            lane->tail->poisoned = true;
            mlp_segment_wipe(lane->tail, MLP_SEGMENT_HEAD);
            lane->tail->end = MLP_SEGMENT_HEAD;
        }
    }
    return status;
}

static int length(const mlp_commit *list)
{
    int n = 0;
    for (; list; list = list->next)
        n++;
    return n;
}

/* How many calls came within one sync: of the last two the fewer, as one that met another by chance is not a crowd. */
static void note_crowd(mlp_lane *lane, const mlp_commit *group, int64_t took_ns)
{
    int now = length(group) + length(lane->waiting);
    lane->crowd = now < lane->came ? now : lane->came;
    lane->came = now;
    lane->patience_ns = took_ns / 2 < PATIENCE_NS ? took_ns / 2 : PATIENCE_NS;
}

/* This thread writes the group for all who wait; the lock is free meanwhile and the next group collects. Whoever waits
 * for `progress` is to be woken. */
static void lead(mlp_spool *sp, mlp_lane *lane)
{
    mlplat_error err = {0};
    mlp_commit *group = lane->waiting;
    mlp_segment *s = lane->tail;
    size_t to = s->end;
    lane->waiting = NULL;
    lane->leading = true;
    lane->group_first = lane->collect_first;
    lane->collect_first = 0;
    pthread_mutex_unlock(&sp->lock);
    int64_t begin = mlp_clock_mono_ns();
    mlplat_status status = mlp_segment_write(s, to, lane->synced, &err);
    int64_t took = mlp_clock_mono_ns() - begin;
    if (status != MLPLAT_OK)
        mlp_log(sp->log, MLPLAT_LOG_WARNING, "spool %s: %s; its segment is given up and another one takes the records",
                sp->place[0].path, err.message);
    pthread_mutex_lock(&sp->lock);
    if (status != MLPLAT_OK) {
        status = rescue(sp, lane, s, &err);
        s = lane->tail;
        to = s->end; /* the rescue wrote, or refused, what was collected meanwhile as well */
        mlp_commit **end = &group;
        while (*end)
            end = &(*end)->next;
        *end = lane->waiting;
        lane->waiting = NULL;
        lane->collect_first = 0;
    }
    if (status == MLPLAT_OK) {
        atomic_store_explicit(&s->ready, to, memory_order_release);
        count(sp, group);
    }
    lane->group_first = 0;
    lane->leading = false;
    note_crowd(lane, group, took);
    answer(group, status == MLPLAT_OK ? NULL : &err);
}

/* For whom there is no room. */
static void wait_for_group(mlp_spool *sp, mlp_lane *lane)
{
    if (lane->leading) {
        pthread_cond_wait(&sp->progress, &sp->lock);
        return;
    }
    lead(sp, lane);
    pthread_cond_broadcast(&sp->progress);
}

/* Where many log at once, those whom the last sync let go come back soon, and one that did not wait for them would make
 * them wait for two syncs. Who completes the crowd leads, and nobody has to be woken for it. */
static bool wait_for_others(mlp_spool *sp, mlp_lane *lane, const mlp_commit *me)
{
    const struct timespec most = {.tv_nsec = (long)lane->patience_ns};
    if (!lane->synced || length(lane->waiting) >= lane->crowd)
        return false;
    if (me->next) { /* the first of them looks at the clock */
        pthread_cond_wait(&sp->progress, &sp->lock);
        return true;
    }
    return mlp_os_cond_wait(&sp->progress, &sp->lock, &most) != ETIMEDOUT;
}

static mlplat_status commit(mlp_spool *sp, mlp_lane *lane, size_t n, mlp_ticket *ticket, mlplat_error *err)
{
    mlp_commit *me = &ticket->commit;
    *me = (mlp_commit){.next = lane->waiting, .n = n, .remote = ticket->remote};
    lane->waiting = me;
    while (!me->done)
        if (lane->leading)
            pthread_cond_wait(&sp->progress, &sp->lock);
        else if (!wait_for_others(sp, lane, me) && !me->done && !lane->leading) {
            lead(sp, lane);
            ticket->led = true;
        }
    if (me->error.status != MLPLAT_OK && err)
        *err = me->error;
    return me->error.status;
}

/* ---- appending --------------------------------------------------------------------------------------------------- */

static bool fits(const mlp_lane *lane, size_t need)
{
    const mlp_segment *s = lane->tail;
    return s && !s->poisoned && s->cap - s->end >= need;
}

/* Level memory has a bounded ring. */
static mlplat_status wait_for_ring(mlp_spool *sp, mlplat_error *err)
{
    uint64_t some = atomic_load(&sp->done_seq) + 1;
    pthread_mutex_unlock(&sp->lock);
    mlplat_status status = mlp_deliver_wait(sp, some, -1, MLP_SPOOL_PATIENCE_MS, NULL, err);
    pthread_mutex_lock(&sp->lock);
    return status == MLPLAT_OK ? status : mlp_fail_prefix(err, status, "the ring of level memory is full");
}

static mlplat_status make_room(mlp_spool *sp, mlp_lane *lane, size_t need, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    bool waited = false;
    while (status == MLPLAT_OK && !fits(lane, need)) {
        if (lane->leading || lane->waiting)
            wait_for_group(sp, lane); /* a group never spans two segments */
        else if (lane->kind == MLP_LANE_MEMORY && lane->n_segments >= MLP_SPOOL_MEMORY_SEGMENTS)
            status = wait_for_ring(sp, err);
        else if (lane->kind != MLP_LANE_MEMORY && !mlp_lane_room(sp, lane, need))
            status = mlp_quota_make_room(sp, &waited, err);
        else
            status = mlp_lane_roll(sp, lane, need, atomic_load(&sp->next_seq), err);
    }
    return status;
}

static size_t put_records(mlp_segment *s, const mlp_entry *entry, uint64_t first, uint32_t durable)
{
    size_t at = s->end, n = entry->n;
    for (size_t i = 0; i < n; i++)
        at += mlp_frame_put(s->base + at, &entry->records[i], first + i, i + 1 < n, durable, s->salt);
    return at - s->end;
}

static void put(mlp_spool *sp, mlp_segment *s, const mlp_entry *entry, bool synced, uint64_t first)
{
    uint32_t durable = synced ? (uint32_t)atomic_load_explicit(&s->ready, memory_order_relaxed) : 0;
    s->end += entry->span ? mlp_frame_put_span(s->base + s->end, entry->span, first, durable, s->salt)
                          : put_records(s, entry, first, durable);
    s->records += (uint32_t)entry->n;
    s->last_seq = first + entry->n - 1;
    atomic_store_explicit(&sp->next_seq, first + entry->n, memory_order_relaxed);
}

mlplat_status mlp_journal_append(mlp_spool *sp, mlp_lane *lane, const mlp_entry *entry, mlp_ticket *ticket,
                                 mlplat_error *err)
{
    const size_t n = entry->n;
    mlplat_status status = lane->used ? MLPLAT_OK : mlp_lane_open(sp, lane, err);
    if (status == MLPLAT_OK && !fits(lane, entry->bytes))
        status = make_room(sp, lane, entry->bytes, err);
    if (status != MLPLAT_OK)
        return status;
    mlp_segment *s = lane->tail;
    uint64_t first = atomic_load_explicit(&sp->next_seq, memory_order_relaxed);
    put(sp, s, entry, lane->synced, first);
    if (ticket->remote) {
        ticket->wait = (mlp_wait){.next = sp->waits, .first = first, .last = first + n - 1};
        sp->waits = &ticket->wait;
    }
    if (s->kind != MLP_SEGMENT_WRITTEN) {
        add(&sp->accepted, n);
        add(&sp->durable, ticket->remote ? 0 : n);
        atomic_store_explicit(&s->ready, s->end, memory_order_release);
    } else {
        if (lane->collect_first == 0)
            lane->collect_first = first;
        status = commit(sp, lane, n, ticket, err);
    }
    if (sp->sleeping || sp->room.sleeping) {
        sp->sleeping = sp->room.sleeping = false;
        pthread_cond_broadcast(&sp->wake);
    }
    return status;
}
