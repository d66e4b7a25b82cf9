/* The delivery thread: records after the mark, in batches, to the sink; and waiting for it. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/thread.h"
#include "spool/spool_inside.h"
#include <string.h>

#define POLL_MS         5  /* while records flow: what comes meanwhile is a batch, and no logging call wakes anybody */
#define IDLE_POLLS      40 /* then it sleeps until the next record */
#define HOOK_MS         100
#define ORPHANS_MS      10000 /* until what others left is tried again */
#define LATER_MS        3000  /* where it was too early */
#define PIECE_BYTES     1000  /* of a record, of a remote sink's batch: more of them make it smaller */

/* ---- gathering: the lanes' records in the order of their numbers ------------------------------------------------- */

typedef struct courier {
    mlp_spool *sp;
    mlp_record *records;
    mlp_verdict *verdicts;
    struct {
        mlp_segment *segment; /* in the lane's list; NULL: not begun */
        size_t at, inside; /* of the next record */
    } cursor[MLP_LANE_COUNT], next[MLP_LANE_COUNT]; /* next: behind the record that peek found */
    mlp_pace pace;
    int64_t orphans_ns, orphans_ms; /* when what others left was tried last, 0: never; and how long until it is again */
    int idle;
} courier;

/* Under lock. Its bytes stay where they are from now on. */
static mlp_segment *hold(mlp_spool *sp, mlp_segment *s)
{
    while (s && s->packing)
        pthread_cond_wait(&sp->progress, &sp->lock);
    if (s)
        s->held = true;
    return s;
}

/* The first of a list may come, and the next of a sealed one, under lock only. */
static mlp_segment *next_segment(mlp_spool *sp, int lane, const mlp_segment *after)
{
    mlp_segment *next = NULL;
    pthread_mutex_lock(&sp->lock);
    if (!after)
        next = sp->lane[lane].head;
    else if (after->sealed)
        next = after->next;
    hold(sp, next);
    pthread_mutex_unlock(&sp->lock);
    return next;
}

/* The lane's next record, if there is one. A damaged piece of a segment that came back from its file is passed over. */
static mlplat_status peek(courier *c, int lane, mlp_record *out, bool *found, mlplat_error *err)
{
    *found = false;
    for (;;) {
        mlp_segment *s = c->cursor[lane].segment;
        size_t ready = s ? atomic_load_explicit(&s->ready, memory_order_acquire) : 0;
        if (!s || c->cursor[lane].at >= ready) {
            mlp_segment *next = next_segment(c->sp, lane, s);
            if (s && atomic_load_explicit(&s->ready, memory_order_acquire) != ready)
                continue; /* it was filled up and sealed in between */
            if (!next)
                return MLPLAT_OK;
            c->cursor[lane].segment = next;
            c->cursor[lane].at = MLP_SEGMENT_HEAD;
            c->cursor[lane].inside = 0;
            continue;
        }
        mlplat_status status = mlp_segment_load(s, c->sp->home.fd, err);
        if (status != MLPLAT_OK)
            return status;
        mlp_frame_walk w = {.base = s->base,
                            .size = ready,
                            .at = c->cursor[lane].at,
                            .end = c->cursor[lane].at,
                            .inside = c->cursor[lane].inside,
                            .salt = s->salt,
                            .trusted = !s->reloaded};
        *found = mlp_frame_next(&w, out);
        s->damaged = s->damaged || w.hole || !*found;
        if (*found) {
            c->next[lane] = c->cursor[lane];
            c->next[lane].at = w.at;
            c->next[lane].inside = w.inside;
            return MLPLAT_OK;
        }
        c->cursor[lane].at = ready;
        c->cursor[lane].inside = 0;
    }
}

static uint64_t before(uint64_t limit, uint64_t first)
{
    return first && first <= limit ? first - 1 : limit;
}

/* Up to this number everything that will ever be there is there. Under lock. */
static uint64_t settled(const mlp_spool *sp)
{
    uint64_t limit = atomic_load(&sp->next_seq) - 1;
    for (int i = 0; i < MLP_LANE_COUNT; i++) {
        limit = before(limit, sp->lane[i].group_first);
        limit = before(limit, sp->lane[i].collect_first);
    }
    return limit;
}

/* *all: nothing up to the limit is left. */
static mlplat_status gather(courier *c, uint64_t limit, size_t most, size_t *n, bool *all, mlplat_error *err)
{
    mlp_record ahead[MLP_LANE_COUNT] = {{0}};
    bool found[MLP_LANE_COUNT] = {false}, asked[MLP_LANE_COUNT] = {false};
    size_t bytes = 0;
    mlplat_status status = MLPLAT_OK;
    *n = 0;
    *all = false;
    while (*n < most && (!c->sp->sink.remote || bytes < most * PIECE_BYTES)) {
        int best = -1;
        for (int i = 0; i < MLP_LANE_COUNT && status == MLPLAT_OK; i++) {
            if (!asked[i])
                status = peek(c, i, &ahead[i], &found[i], err);
            asked[i] = true;
            if (status == MLPLAT_OK && found[i] && ahead[i].seq <= limit &&
                (best < 0 || ahead[i].seq < ahead[best].seq))
                best = i;
        }
        *all = status == MLPLAT_OK && best < 0;
        if (status != MLPLAT_OK || best < 0)
            break;
        bytes += ahead[best].key_n + ahead[best].text_n;
        c->records[(*n)++] = ahead[best];
        c->cursor[best] = c->next[best];
        asked[best] = false;
    }
    return *n > 0 ? MLPLAT_OK : status; /* what was found before a segment that cannot be read goes first */
}

/* Under lock. Those that were looked at for nothing need no memory until they are looked at again. */
static void let_go(mlp_segment *first, const mlp_segment *last)
{
    while (first != last && (first = first->next)) {
        first->held = false;
        if (mlp_segment_in_file(first))
            mlp_segment_unload(first);
    }
}

static void rewind_cursors(courier *c)
{
    for (int i = 0; i < MLP_LANE_COUNT; i++) {
        pthread_mutex_lock(&c->sp->lock);
        if (c->cursor[i].segment)
            let_go(c->sp->lane[i].head, c->cursor[i].segment);
        c->cursor[i].segment = hold(c->sp, c->sp->lane[i].head);
        c->cursor[i].at = c->sp->lane[i].at;
        c->cursor[i].inside = c->sp->lane[i].inside;
        pthread_mutex_unlock(&c->sp->lock);
    }
}

/* The sink has what is before the cursors: segments that lie behind them are free. */
static void advance(courier *c)
{
    for (int i = 0; i < MLP_LANE_COUNT; i++) {
        mlp_lane *lane = &c->sp->lane[i];
        while (c->cursor[i].segment && lane->head != c->cursor[i].segment) {
            mlp_segment *s = lane->head;
            pthread_mutex_lock(&c->sp->lock);
            lane->head = s->next;
            pthread_mutex_unlock(&c->sp->lock);
            if (lane->synced)
                mlp_taken_sync(&c->sp->taken);
            mlp_lane_recycle(c->sp, lane, s);
        }
        if (!c->cursor[i].segment)
            continue;
        lane->at = c->cursor[i].at;
        lane->inside = c->cursor[i].inside;
    }
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static void tell_waits(mlp_spool *sp, const courier *c, size_t n)
{
    for (mlp_wait *w = sp->waits; w; w = w->next)
        for (size_t i = 0; i < n; i++)
            if (c->verdicts[i].status != MLPLAT_OK && c->records[i].seq >= w->first && c->records[i].seq <= w->last)
                w->refusal = c->verdicts[i];
}

/* Under lock. Returns what is to be said in the log, once it is free: +1 it fails now, -1 it works again. */
static int note(mlp_spool *sp, mlplat_status status, const mlplat_error *err)
{
    bool failed = sp->failing_since != 0;
    sp->attempts++;
    if (status == MLPLAT_OK) {
        sp->failing_since = 0;
        sp->sink_error = (mlplat_error){0};
        return failed ? -1 : 0;
    }
    if (!failed)
        sp->failing_since = mlp_clock_mono_ns();
    int change = !failed || sp->sink_error.status != status ? 1 : 0;
    sp->sink_error = *err;
    return change;
}

static void say(const mlp_spool *sp, int change, const mlplat_error *err)
{
    if (change > 0)
        mlp_log(sp->log, MLPLAT_LOG_WARNING,
                "the store %s does not take records (%s); they stay in %s and are tried again", sp->store, err->message,
                sp->place[0].path);
    if (change < 0)
        mlp_log(sp->log, MLPLAT_LOG_INFO, "the store %s takes records again", sp->store);
}

static const char *first_reason(const courier *c, size_t n)
{
    const mlp_verdict *v = c->verdicts;
    while (v->status == MLPLAT_OK && v + 1 < c->verdicts + n)
        v++;
    return v->reason[0] ? v->reason : mlplat_status_name(v->status);
}

static void finish(courier *c, size_t n, size_t dead, uint64_t done)
{
    mlp_spool *sp = c->sp;
    advance(c);
    pthread_mutex_lock(&sp->lock);
    tell_waits(sp, c, n);
    atomic_fetch_add(&sp->stored, n - dead);
    atomic_fetch_add(&sp->dead, dead);
    atomic_store_explicit(&sp->done_seq, done, memory_order_release);
    int change = n > 0 ? note(sp, MLPLAT_OK, NULL) : 0;
    pthread_cond_broadcast(&sp->progress);
    pthread_mutex_unlock(&sp->lock);
    say(sp, change, NULL);
    if (dead)
        mlp_log(
            sp->log, MLPLAT_LOG_WARNING,
            "the store %s refused %zu record(s), which were set aside (%s): see them with `mlplat spool status`, try "
            "them again with `mlplat spool retry`",
            sp->store, dead, first_reason(c, n));
    mlp_pace_went_well(sp, &c->pace, n);
}

static void fail(courier *c, mlplat_status status, size_t n, const mlplat_error *err)
{
    mlp_spool *sp = c->sp;
    pthread_mutex_lock(&sp->lock);
    int change = note(sp, status, err);
    bool ours = sp->stop && status == MLPLAT_CANCELLED; /* closing did not wait, and says itself what is left */
    if (sp->taken.news != sp->news) { /* a line that breaks now and then: it took some of the batch */
        sp->news = sp->taken.news;
        sp->failing_since = mlp_clock_mono_ns();
        c->pace.back_off_ms = 0;
    }
    pthread_cond_broadcast(&sp->progress);
    pthread_mutex_unlock(&sp->lock);
    say(sp, ours ? 0 : change, err);
    rewind_cursors(c);
    mlp_pace_failed(sp, &c->pace, status, n);
}

/* The journal may have no folder yet, as long as all its records are in memory alone. */
static mlp_taken *own_taken(mlp_spool *sp)
{
    if (!sp->sink.unmarked)
        return NULL;
    if (!sp->taken.journal[0])
        mlp_taken_open(&sp->taken, -1, sp->id);
    pthread_mutex_lock(&sp->lock);
    sp->taken.folder_fd = sp->home.held ? sp->home.fd : -1;
    pthread_mutex_unlock(&sp->lock);
    return &sp->taken;
}

/* Delivers one batch. false: nothing was there. */
static bool deliver(courier *c, uint64_t limit, bool *full)
{
    mlplat_error err = {0};
    size_t n = 0, dead = 0, most = mlp_pace_batch(c->sp, &c->pace);
    bool all;
    mlplat_status status = gather(c, limit, most, &n, &all, &err);
    *full = n > 0 && !all;
    if (n > 0)
        status = mlp_settle_batch(c->sp, &(mlp_origin){.journal = c->sp->id, .taken = own_taken(c->sp)}, c->records, n,
                                  c->verdicts, &dead, &err);
    if (status != MLPLAT_OK)
        fail(c, status, n, &err);
    else if (n > 0 || atomic_load(&c->sp->done_seq) < limit)
        finish(c, n, dead, all ? limit : c->records[n - 1].seq);
    return n > 0 || status != MLPLAT_OK;
}

/* Under lock: until there may be something to do. */
static void rest(courier *c, bool full)
{
    mlp_spool *sp = c->sp;
    bool behind = atomic_load(&sp->done_seq) < settled(sp);
    int64_t left;
    if (sp->stop)
        return;
    if ((behind || full) && mlp_pace_left_ms(sp, &c->pace, sp->hurry) > 0) {
        while (!sp->stop && (left = mlp_pace_left_ms(sp, &c->pace, sp->hurry)) > 0)
            if (mlp_cond_wait_ms(&sp->wake, &sp->lock, left) && !sp->sink.remote)
                break; /* somebody waits, and one that is near may be asked at once */
        sp->hurry = false;
    } else if (full || (behind && sp->urgent > 0))
        return;
    else if (behind || c->idle < IDLE_POLLS)
        mlp_cond_wait_ms(&sp->wake, &sp->lock, POLL_MS);
    else if (sp->orphans)
        mlp_cond_wait_ms(&sp->wake, &sp->lock, LATER_MS);
    else {
        sp->sleeping = true; /* the next record wakes us: it is accepted under the same lock */
        while (sp->sleeping && !sp->stop)
            pthread_cond_wait(&sp->wake, &sp->lock);
        sp->sleeping = false;
        c->idle = 0;
    }
}

/* Who asked for a sync goes on from where we are. */
static int stop_asked(void *user, uint64_t done, uint64_t total)
{
    mlp_spool *sp = user;
    (void)done, (void)total;
    pthread_mutex_lock(&sp->lock);
    bool stop = sp->stop || sp->syncing > 0;
    pthread_mutex_unlock(&sp->lock);
    return stop;
}

/* What others left for a server: before our own records, as it is older, and never while somebody waits for opening. */
static void bring_in(courier *c)
{
    mlp_spool *sp = c->sp;
    mlplat_error err = {0};
    mlp_replay_counts n = {0};
    const mlp_hook hook = {stop_asked, sp};
    bool late = !c->orphans_ns || mlp_clock_mono_ns() - c->orphans_ns > c->orphans_ms * 1000000;
    pthread_mutex_lock(&sp->lock);
    bool wanted = late && sp->orphans && !sp->failing_since && !sp->replaying && sp->syncing == 0;
    sp->replaying = sp->replaying || wanted;
    pthread_mutex_unlock(&sp->lock);
    if (!wanted)
        return;
    mlplat_status status = mlp_replay_orphans(sp, &hook, false, &n, &err);
    c->orphans_ns = mlp_clock_mono_ns();
    c->orphans_ms = n.later ? LATER_MS : ORPHANS_MS;
    pthread_mutex_lock(&sp->lock);
    sp->opening.stored += n.stored;
    sp->opening.dead += n.dead;
    sp->opening.journals += n.journals;
    pthread_mutex_unlock(&sp->lock);
    mlp_replay_end(sp, n.later ? MLPLAT_UNAVAILABLE : status);
    mlp_replay_tell(sp, status, &n, &err);
}

static void *courier_main(void *arg)
{
    courier *c = arg;
    mlp_spool *sp = c->sp;
    bool full = false;
    mlp_lane_warn(sp);
    pthread_mutex_lock(&sp->lock);
    while (!sp->stop) {
        uint64_t limit = settled(sp);
        bool alone = !sp->room.started;
        pthread_mutex_unlock(&sp->lock);
        if (alone)
            mlp_room_work(sp);
        bring_in(c);
        bool some = deliver(c, limit, &full);
        pthread_mutex_lock(&sp->lock);
        c->idle = some ? 0 : c->idle + 1;
        rest(c, full);
    }
    pthread_mutex_unlock(&sp->lock);
    return NULL;
}

void mlp_deliver_free(mlp_spool *sp)
{
    courier *c = sp->courier;
    if (c) {
        mlp_free(c->records);
        mlp_free(c->verdicts);
    }
    mlp_free(c);
    sp->courier = NULL;
}

mlplat_status mlp_deliver_start(mlp_spool *sp, mlplat_error *err)
{
    courier *c = sp->courier = mlp_alloc(sizeof *c);
    mlplat_status status = MLPLAT_OK;
    if (c) {
        c->sp = sp;
        c->records = mlp_alloc_array(MLP_SPOOL_BATCH, sizeof *c->records);
        c->verdicts = mlp_alloc_array(MLP_SPOOL_BATCH, sizeof *c->verdicts);
    }
    if (!c || !c->records || !c->verdicts)
        status = mlp_fail_memory(err);
    if (status == MLPLAT_OK)
        status = mlp_thread_start(&sp->thread, "mlplat-spool", courier_main, c, err);
    sp->started = status == MLPLAT_OK;
    if (status == MLPLAT_OK && sp->sink.remote)
        (void)mlp_room_start(sp, NULL); /* if not, the thread that delivers keeps room */
    if (status != MLPLAT_OK)
        mlp_deliver_free(sp);
    return status;
}

void mlp_deliver_stop(mlp_spool *sp)
{
    if (!sp->started)
        return;
    pthread_mutex_lock(&sp->lock);
    sp->stop = true;
    pthread_cond_broadcast(&sp->wake);
    pthread_mutex_unlock(&sp->lock);
    mlp_room_stop(sp);
    pthread_join(sp->thread, NULL);
    mlp_deliver_free(sp);
    sp->started = false;
}

/* ---- waiting for it ---------------------------------------------------------------------------------------------- */

/* Under lock. An attempt that began before the wait may have failed for another reason: its end does not count. */
static mlplat_status verdict_of_sink(const mlp_spool *sp, uint64_t attempts, int64_t deadline, int64_t patience_ms,
                                     mlplat_error *err)
{
    int64_t now = mlp_clock_mono_ns();
    bool failing = sp->failing_since != 0;
    bool for_good = failing && !sp->sink_error.retryable && sp->attempts > attempts + 1;
    bool tired = failing && patience_ms >= 0 && now - sp->failing_since > patience_ms * 1000000;
    if (!for_good && !tired && (deadline < 0 || now < deadline))
        return MLPLAT_OK;
    if (failing) {
        if (err)
            *err = sp->sink_error;
        return sp->sink_error.status;
    }
    mlp_fail(err, MLPLAT_TIMEOUT, "the store %s has not yet taken %llu record(s): allow more time", sp->store,
             (unsigned long long)(atomic_load(&sp->next_seq) - 1 - atomic_load(&sp->done_seq)));
    if (err)
        err->retryable = 1;
    return MLPLAT_TIMEOUT;
}

static int64_t slice(int64_t deadline)
{
    int64_t left = deadline < 0 ? HOOK_MS : (deadline - mlp_clock_mono_ns()) / 1000000 + 1;
    return left > HOOK_MS ? HOOK_MS : left;
}

mlplat_status mlp_deliver_wait(mlp_spool *sp, uint64_t seq, int64_t timeout_ms, int64_t patience_ms,
                               const mlp_hook *hook, mlplat_error *err)
{
    int64_t deadline = timeout_ms < 0 ? -1 : mlp_clock_mono_ns() + timeout_ms * 1000000;
    mlplat_status status = MLPLAT_OK;
    pthread_mutex_lock(&sp->lock);
    uint64_t attempts = sp->attempts, from = atomic_load(&sp->done_seq);
    sp->urgent++;
    sp->hurry = true;
    pthread_cond_broadcast(&sp->wake);
    while (status == MLPLAT_OK && atomic_load(&sp->done_seq) < seq) {
        status = verdict_of_sink(sp, attempts, deadline, patience_ms, err);
        if (status != MLPLAT_OK)
            break;
        mlp_cond_wait_ms(&sp->progress, &sp->lock, slice(deadline));
        uint64_t done = atomic_load(&sp->done_seq);
        pthread_mutex_unlock(&sp->lock);
        status = mlp_hook_call(hook, done - from, seq - from, "waiting for the store", err);
        pthread_mutex_lock(&sp->lock);
    }
    sp->urgent--;
    pthread_mutex_unlock(&sp->lock);
    return status;
}
