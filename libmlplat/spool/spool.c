/* The public face of the spool. */
#include "spool/spool.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/os.h"
#include "base/thread.h"
#include "spool/spool_inside.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void set_lanes(mlp_spool *sp)
{
    for (int i = 0; i < MLP_LANE_COUNT; i++) {
        sp->lane[i].kind = (mlp_lane_kind)i;
        sp->lane[i].segments = i == MLP_LANE_MEMORY ? MLP_SEGMENT_MEMORY : MLP_SEGMENT_WRITTEN;
        sp->lane[i].synced = i == MLP_LANE_DISK;
    }
}

static mlplat_status set_places(mlp_spool *sp, const mlp_spool_options *o, mlplat_error *err)
{
    mlplat_status status = mlp_place_init(&sp->place[0], o->folder, o->store, err);
    sp->n_places = 1;
    if (status == MLPLAT_OK && o->also_folder) {
        status = mlp_place_init(&sp->place[1], o->also_folder, o->store, err);
        if (status == MLPLAT_OK && strcmp(sp->place[0].path, sp->place[1].path) != 0)
            sp->n_places = 2;
    }
    return status;
}

static void destroy(mlp_spool *sp)
{
    for (int i = 0; i < MLP_SPOOL_PLACES; i++)
        mlp_place_free(&sp->place[i]);
    mlp_run_map_free(&sp->runs);
    mlp_taken_close(&sp->taken);
    mlp_os_fork_guard_free(sp->own_guard);
    mlp_free(sp->store);
    mlp_free(sp);
}

static mlplat_status make(const mlp_spool_options *o, const mlp_sink *sink, mlp_spool **out, mlplat_error *err)
{
    mlp_spool *sp = mlp_alloc(sizeof *sp);
    *out = NULL;
    if (!sp)
        return mlp_fail_memory(err);
    mlp_run_map_init(&sp->runs);
    sp->sink = *sink;
    sp->log = o->log;
    sp->quota = (mlp_quota){.most = o->quota ? o->quota : MLP_SPOOL_QUOTA, .full = o->full, .hook = o->hook};
    sp->close_ms = o->close_ms ? o->close_ms : MLP_SPOOL_CLOSE_MS;
    sp->rate = o->rate;
    sp->durability = o->durability == MLPLAT_DURABILITY_DEFAULT ? MLPLAT_DURABILITY_PROCESS : o->durability;
    sp->store = mlp_strdup(o->store);
    sp->guard = o->guard ? o->guard : (sp->own_guard = mlp_os_fork_guard());
    mlplat_status status = sp->store && sp->guard ? set_places(sp, o, err) : mlp_fail_memory(err);
    if (status == MLPLAT_OK)
        status = mlp_random_hex(sp->id, err);
    if (status != MLPLAT_OK) {
        destroy(sp);
        return status;
    }
    mlp_sys.random(&sp->salts, sizeof sp->salts);
    atomic_store(&sp->next_seq, 1);
    mlp_os_boot_id(sp->boot);
    set_lanes(sp);
    mlp_os_brief_init(&sp->lock);
    pthread_mutex_init(&sp->sink_lock, NULL);
    pthread_mutex_init(&sp->bring_lock, NULL);
    mlp_cond_init(&sp->wake);
    mlp_cond_init(&sp->progress);
    *out = sp;
    return MLPLAT_OK;
}

#ifndef MLPLAT_MINIMAL
/* Nobody waits for a server to open. */
static void bring_in_later(mlp_spool *sp)
{
    if (!mlp_replay_any(sp))
        return;
    pthread_mutex_lock(&sp->lock);
    sp->orphans = true;
    (void)mlp_deliver_start(sp, NULL); /* if not, the first record starts it */
    pthread_mutex_unlock(&sp->lock);
}
#endif

static void bring_in(mlp_spool *sp)
{
    mlplat_error why = {0};
#ifndef MLPLAT_MINIMAL
    if (sp->sink.remote) {
        bring_in_later(sp);
        return;
    }
#endif
    mlplat_status status = mlp_replay_orphans(sp, NULL, true, &sp->opening, &why);
    mlp_replay_tell(sp, status, &sp->opening, &why);
}

void mlp_spool_bring_in(mlp_spool *sp)
{
    if (!atomic_load_explicit(&sp->to_open, memory_order_acquire))
        return;
    pthread_mutex_lock(&sp->bring_lock);
    if (atomic_load(&sp->to_open))
        bring_in(sp);
    atomic_store_explicit(&sp->to_open, false, memory_order_release);
    pthread_mutex_unlock(&sp->bring_lock);
}

/* A store that cannot be written, or a folder that is not ours, shall not keep anybody from reading. */
mlplat_status mlp_spool_open(const mlp_spool_options *options, const mlp_sink *sink, mlp_spool **out, mlplat_error *err)
{
    mlplat_status status = make(options, sink, out, err);
    if (status != MLPLAT_OK)
        return status;
    atomic_store(&(*out)->to_open, !options->only_read);
    if (!options->later)
        mlp_spool_bring_in(*out);
    return MLPLAT_OK;
}

mlplat_status mlp_spool_usable(const mlp_spool *sp, mlplat_error *err)
{
    if (!mlp_os_forked(sp->guard))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_STATE, "this session was inherited by fork: open one in the child");
}

/* ---- accepting --------------------------------------------------------------------------------------------------- */

static mlplat_status size_of(mlp_entry *entry, mlplat_error *err)
{
    for (size_t i = 0; i < (entry->span ? 1 : entry->n); i++) {
        size_t one = entry->span ? mlp_frame_span_size(entry->span) : mlp_frame_size(&entry->records[i]);
        if (one == 0)
            return mlp_fail(err, MLPLAT_INVALID, "a key, run id or text is too long for the journal");
        entry->bytes += one;
        if (entry->bytes > MLP_SEGMENT_MAX / 2)
            return mlp_fail(err, MLPLAT_INVALID, "%zu records are more than one call may log: split them", entry->n);
    }
    return MLPLAT_OK;
}

static mlp_lane *lane_of(mlp_spool *sp, mlplat_durability durability)
{
    if (durability == MLPLAT_DURABILITY_MEMORY)
        return &sp->lane[MLP_LANE_MEMORY];
    return &sp->lane[durability == MLPLAT_DURABILITY_DISK ? MLP_LANE_DISK : MLP_LANE_PROCESS];
}

static void unlist(mlp_spool *sp, const mlp_wait *wait)
{
    mlp_wait **at = &sp->waits;
    while (*at && *at != wait)
        at = &(*at)->next;
    if (*at)
        *at = wait->next;
}

/* Level remote: the record is in the journal whatever comes; the call tells what the store said. */
static mlplat_status wait_for_store(mlp_spool *sp, mlp_wait *wait, size_t n, mlplat_error *err)
{
    mlplat_status status = mlp_deliver_wait(sp, wait->last, -1, MLP_SPOOL_PATIENCE_MS, NULL, err);
    pthread_mutex_lock(&sp->lock);
    unlist(sp, wait);
    if (status == MLPLAT_OK && wait->refusal.status == MLPLAT_OK)
        atomic_fetch_add(&sp->durable, n);
    pthread_mutex_unlock(&sp->lock);
    if (status != MLPLAT_OK && !wait->dropped)
        return mlp_fail_prefix(err, status, "accepted by the spool, which goes on trying, but not yet stored");
    if (wait->dropped)
        return mlp_fail(err, MLPLAT_NO_SPACE,
                        "dropped, as the spool was full, before the store had it: allow it more (MLPLAT_SPOOL_QUOTA), "
                        "or let calls wait (MLPLAT_SPOOL_FULL=block)");
    if (wait->refusal.status != MLPLAT_OK)
        return mlp_fail(err, wait->refusal.status, "refused by the store and set aside: %s", wait->refusal.reason);
    return MLPLAT_OK;
}

static mlplat_durability level_of(const mlp_spool *sp, mlplat_durability durability)
{
    return durability == MLPLAT_DURABILITY_DEFAULT ? sp->durability : durability;
}

mlplat_durability mlp_spool_own_level(const mlp_spool *sp, mlplat_durability durability)
{
    mlplat_durability level = level_of(sp, durability);
    return level == MLPLAT_DURABILITY_REMOTE ? MLPLAT_DURABILITY_DISK : level;
}

static mlplat_status append(mlp_spool *sp, mlp_entry *entry, mlplat_durability durability, mlplat_error *err)
{
    mlplat_durability level = level_of(sp, durability);
    mlplat_status status = mlp_spool_usable(sp, err);
    if (status != MLPLAT_OK || entry->n == 0)
        return status;
    status = size_of(entry, err);
    if (status != MLPLAT_OK)
        return status;
    mlp_ticket ticket;
    ticket.remote = level == MLPLAT_DURABILITY_REMOTE;
    ticket.led = false;
    pthread_mutex_lock(&sp->lock);
    status = mlp_journal_append(sp, lane_of(sp, level), entry, &ticket, err);
    if (status != MLPLAT_OK && ticket.remote)
        unlist(sp, &ticket.wait);
    pthread_mutex_unlock(&sp->lock);
    if (ticket.led)
        pthread_cond_broadcast(&sp->progress);
    return status == MLPLAT_OK && ticket.remote ? wait_for_store(sp, &ticket.wait, entry->n, err) : status;
}

mlplat_status mlp_spool_append(mlp_spool *sp, const mlp_record *records, size_t n, mlplat_durability durability,
                               mlplat_error *err)
{
    mlp_entry entry = {.records = records, .n = n};
    return append(sp, &entry, durability, err);
}

mlplat_status mlp_spool_append_span(mlp_spool *sp, const mlp_span *span, mlplat_durability durability,
                                    mlplat_error *err)
{
    mlp_entry entry = {.span = span, .n = span->n};
    return append(sp, &entry, durability, err);
}

/* ---- waiting and counting ---------------------------------------------------------------------------------------- */

mlplat_status mlp_spool_settle(mlp_spool *sp, int64_t timeout_ms, int64_t patience_ms, const mlp_hook *hook,
                               mlplat_error *err)
{
    mlplat_status status = mlp_spool_usable(sp, err);
    if (status != MLPLAT_OK || mlp_spool_idle(sp))
        return status;
    return mlp_deliver_wait(sp, atomic_load(&sp->next_seq) - 1, timeout_ms, patience_ms, hook, err);
}

mlplat_status mlp_spool_drain(mlp_spool *sp, int64_t timeout_ms, const mlp_hook *hook, mlplat_error *err)
{
    return mlp_spool_settle(sp, timeout_ms, -1, hook, err);
}

bool mlp_spool_idle(const mlp_spool *sp)
{
    return atomic_load_explicit(&sp->done_seq, memory_order_acquire) + 1 == atomic_load(&sp->next_seq);
}

void mlp_spool_count(const mlp_spool *sp, uint64_t *accepted, uint64_t *durable, uint64_t *stored, uint64_t *dead)
{
    *stored = atomic_load(&sp->stored);
    *dead = atomic_load(&sp->dead);
    *durable = atomic_load(&sp->durable);
    *accepted = atomic_load(&sp->accepted); /* last, so that it is never the smaller one */
}

bool mlp_spool_is_down(mlp_spool *sp)
{
    pthread_mutex_lock(&sp->lock);
    bool down = sp->failing_since != 0 && sp->sink_error.retryable;
    pthread_mutex_unlock(&sp->lock);
    int64_t asked = atomic_load(&sp->asked_ns);
    return down || (asked && mlp_clock_mono_ns() - asked > (int64_t)MLP_SPOOL_SILENT_MS * 1000000);
}

/* ---- runs made offline ------------------------------------------------------------------------------------------- */

mlplat_status mlp_spool_run_of(mlp_spool *sp, const char *id, const char **out, mlplat_error *err)
{
    return mlp_run_map_get(&sp->runs, sp->place, sp->n_places, id, out, err);
}

mlplat_status mlp_spool_run_is(mlp_spool *sp, const char *id, const char *server_id, mlplat_error *err)
{
    return mlp_run_map_put(&sp->place[0], id, server_id, err);
}

mlplat_status mlp_spool_run_lock(mlp_spool *sp, mlplat_error *err)
{
    return mlp_run_map_lock(&sp->runs, &sp->place[0], err);
}

void mlp_spool_run_unlock(mlp_spool *sp)
{
    mlp_run_map_unlock(&sp->runs);
}

/* ---- closing ----------------------------------------------------------------------------------------------------- */

#define FORGET_NS 1000000000 /* a server that has taken all has this long to forget that */

static void forget_journal(mlp_spool *sp)
{
    mlplat_error err = {0};
    if (atomic_load(&sp->next_seq) > 1 && sp->sink.forget(sp->sink.ctx, sp->id, &err) != MLPLAT_OK)
        mlp_log(sp->log, MLPLAT_LOG_DEBUG, "the mark of a finished journal stays in %s: %s", sp->store, err.message);
}

void mlp_spool_close(mlp_spool *sp, const mlp_hook *hook)
{
    mlplat_error err = {0};
    if (!sp)
        return;
    if (mlp_os_forked(sp->guard)) {
        mlp_spool_abandon(sp);
        return;
    }
    if (!mlp_spool_idle(sp))
        (void)mlp_deliver_wait(sp, atomic_load(&sp->next_seq) - 1, sp->sink.remote ? sp->close_ms : -1,
                               MLP_SPOOL_PATIENCE_MS, hook, &err);
    if (sp->sink.remote && sp->sink.until)
        sp->sink.until(sp->sink.ctx, mlp_clock_mono_ns());
    mlp_deliver_stop(sp);
    bool all = mlp_spool_idle(sp);
    if (!all)
        mlp_log(sp->log, MLPLAT_LOG_WARNING,
                "%llu record(s) are not yet in the store %s (%s): they wait in %s; store them with `mlplat spool sync`",
                (unsigned long long)(atomic_load(&sp->accepted) - atomic_load(&sp->stored) - atomic_load(&sp->dead)),
                sp->store, err.message, sp->place[0].path);
    if (sp->sink.remote && sp->sink.until)
        sp->sink.until(sp->sink.ctx, mlp_clock_mono_ns() + FORGET_NS);
    if (mlp_lane_close(sp, all))
        forget_journal(sp);
    pthread_cond_destroy(&sp->wake);
    pthread_cond_destroy(&sp->progress);
    pthread_mutex_destroy(&sp->sink_lock);
    pthread_mutex_destroy(&sp->bring_lock);
    pthread_mutex_destroy(&sp->lock);
    destroy(sp);
}

/* Only memory, and only if no thread of the parent held the lock: else the lists may be half changed. */
void mlp_spool_abandon(mlp_spool *sp)
{
    if (!sp || pthread_mutex_trylock(&sp->lock) != 0)
        return;
    for (int i = 0; i < MLP_LANE_COUNT; i++) {
        mlp_lane *lane = &sp->lane[i];
        for (mlp_segment *s = lane->head, *next; s; s = next) {
            next = s->next;
            mlp_segment_forget(s);
        }
        for (int k = 0; k < lane->n_spare; k++)
            mlp_segment_forget(lane->spare[k]);
    }
    mlp_deliver_free(sp);
    pthread_mutex_unlock(&sp->lock);
    destroy(sp);
}
