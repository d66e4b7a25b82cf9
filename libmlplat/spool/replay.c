/* Orphans: journals whose process is gone. What the sink does not have yet is delivered, then their files go. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "base/text.h"
#include "base/thread.h"
#include "spool/replay_files.h"
#include "spool/spool_inside.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_NS 2000000000 /* with a store that asks to be tried again */
#define TURN_MS     100
#define COOL_MS     50

typedef struct replay {
    mlp_spool *sp;
    const mlp_hook *hook;
    const mlp_place *place;
    mlp_home home;
    mlp_replay_files files;
    char id[33];
    mlp_taken taken;
    bool wait;
    bool stop; /* what went wrong is the store's, or the caller wants an end: the other journals have to wait as well */
    uint64_t mark, last;
    mlp_record *records;
    mlp_verdict *verdicts;
    size_t n;
    mlp_replay_counts *counts;
} replay;

/* *ours: the journal is of this store. */
static mlplat_status list_files(replay *r, bool *ours, mlplat_error *err)
{
    mlplat_status status = mlp_replay_files_list(&r->files, r->home.fd, r->sp->boot, err);
    *ours = true;
    for (size_t i = 0; i < r->files.n; i++) {
        const mlp_segment_head *head = &r->files.file[i].head;
        if (r->files.file[i].state != MLP_HEAD_GOOD)
            continue;
        *ours = *ours && head->store == r->place->identity;
        memcpy(r->id, head->journal, 32);
    }
    return status;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* A line that breaks now and then lets it through in the end: patience is with a store that takes nothing at all. */
static mlplat_status store_some(replay *r, size_t at, size_t n, size_t *dead, mlplat_error *err)
{
    const mlp_origin from = {.journal = r->id, .taken = r->sp->sink.unmarked ? &r->taken : NULL};
    int64_t until = mlp_clock_mono_ns() + PATIENCE_NS;
    for (int i = 0;; i++) {
        uint64_t news = r->taken.news;
        mlplat_error tried = {0};
        mlplat_status status = mlp_hook_call(r->hook, r->counts->stored, 0, "storing what dead processes left", err);
        if (status != MLPLAT_OK)
            return status;
        if (i > 0)
            mlp_clock_sleep_ms(i < 5 ? 10 << i : 300);
        status = mlp_settle_batch(r->sp, &from, r->records + at, n, r->verdicts + at, dead, &tried);
        if (status != MLPLAT_OK && err)
            *err = tried;
        if (r->taken.news != news) {
            until = mlp_clock_mono_ns() + PATIENCE_NS;
            i = 0;
        }
        if (status == MLPLAT_OK || !tried.retryable || mlp_clock_mono_ns() > until)
            return status;
    }
}

/* A server that is too slow for so many gets fewer. */
static mlplat_status store_batch(replay *r, size_t *dead, mlplat_error *err)
{
    size_t most = r->sp->sink.remote ? MLP_PACE_MOST : r->n, n, refused = 0;
    *dead = 0;
    for (size_t at = 0; at < r->n; at += n, *dead += refused) {
        mlplat_status status;
        do {
            n = r->n - at < most ? r->n - at : most;
            status = store_some(r, at, n, &refused, err);
        } while (status == MLPLAT_TIMEOUT && r->sp->sink.remote && (most = n / 2) > 0);
        if (status != MLPLAT_OK)
            return status;
    }
    return MLPLAT_OK;
}

static bool of_store(mlplat_status status, const mlplat_error *err)
{
    return err->retryable || status == MLPLAT_CANCELLED || status == MLPLAT_DENIED || status == MLPLAT_UNAVAILABLE ||
           status == MLPLAT_TIMEOUT || status == MLPLAT_NO_SPACE || status == MLPLAT_NO_MEMORY;
}

static mlplat_status flush_batch(replay *r, mlplat_error *err)
{
    size_t dead = 0;
    mlplat_status status = r->n > 0 ? store_batch(r, &dead, err) : MLPLAT_OK;
    if (status != MLPLAT_OK) {
        r->stop = of_store(status, err);
        return status;
    }
    r->counts->stored += r->n - dead;
    r->counts->dead += dead;
    r->n = 0;
    mlp_replay_files_give_back(&r->files); /* the batch pointed into it */
    return MLPLAT_OK;
}

static mlplat_status deliver_all(replay *r, mlplat_error *err)
{
    const mlp_record *record = NULL;
    mlplat_status status;
    while ((status = mlp_replay_files_next(&r->files, &record, err)) == MLPLAT_OK && (record || r->files.used_up)) {
        if (record && record->seq > r->mark && record->seq > r->last) /* a segment given up may hold its heir's */
            r->records[r->n++] = *record;
        if (record && record->seq > r->last)
            r->last = record->seq;
        if (r->n == MLP_SPOOL_BATCH || r->files.used_up)
            status = flush_batch(r, err);
        if (status != MLPLAT_OK)
            return status;
    }
    return status == MLPLAT_OK ? flush_batch(r, err) : status;
}

static mlplat_status ask_mark(replay *r, mlplat_error *err)
{
    if (!r->id[0])
        return MLPLAT_OK;
    pthread_mutex_lock(&r->sp->sink_lock);
    mlplat_status status = r->sp->sink.mark(r->sp->sink.ctx, r->id, &r->mark, err);
    pthread_mutex_unlock(&r->sp->sink_lock);
    r->stop = status != MLPLAT_OK;
    if (r->sp->sink.unmarked) {
        mlp_taken_open(&r->taken, r->home.fd, r->id);
        r->mark = r->taken.done > r->mark ? r->taken.done : r->mark;
    }
    if (status == MLPLAT_OK)
        mlp_deadletter_reset(r->sp, r->id, r->mark);
    return status;
}

/* ---- the end of a journal ---------------------------------------------------------------------------------------- */

static mlplat_status set_aside(replay *r, const mlp_replay_file *f, mlplat_error *err)
{
    char to[160];
    snprintf(to, sizeof to, "%.8s-%.60s.bad", r->id[0] ? r->id : r->home.name + strlen(r->home.name) - 8, f->name);
    if (mlp_sys.rename(r->home.fd, f->name, r->home.place_fd, to) == -1 && errno != ENOENT)
        return mlp_fail_errno(err, errno, "the damaged segment %s cannot be set aside as %s", f->name, to);
    r->counts->damaged++;
    atomic_fetch_add(&r->sp->damaged, 1);
    mlp_log(r->sp->log, MLPLAT_LOG_ERROR, "spool %s: a segment of journal %s is damaged; %s, the file is kept as %s",
            r->place->path, r->home.name,
            r->id[0] ? "what could be read of it was stored" : "no segment tells whose records these are", to);
    return MLPLAT_OK;
}

/* Of takeovers and of packing that did not come to their ends; and what was taken, as nothing can be sent again. */
static bool remove_rest(void *user, const char *name)
{
    const replay *r = user;
    if (mlp_text_starts(name, "lock.") || mlp_text_ends(name, ".new") || strcmp(name, MLP_TAKEN_FILE) == 0)
        mlp_sys.unlink(r->home.fd, name, 0);
    return true;
}

static void forget(replay *r)
{
    pthread_mutex_lock(&r->sp->sink_lock);
    r->sp->sink.forget(r->sp->sink.ctx, r->id, NULL);
    pthread_mutex_unlock(&r->sp->sink_lock);
}

/* Everything is committed in the sink: now, and not before, the files go, damaged ones to a place of their own. The
 * mark goes when no power cut can bring them back. */
static mlplat_status remove_journal(replay *r, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    mlp_taken_sync(&r->taken);
    mlp_taken_close(&r->taken);
    for (size_t i = 0; i < r->files.n && status == MLPLAT_OK; i++)
        if (r->files.file[i].damaged)
            status = set_aside(r, &r->files.file[i], err);
    if (status != MLPLAT_OK)
        return status;
    bool gone = true;
    for (size_t i = 0; i < r->files.n; i++)
        if (mlp_sys.unlink(r->home.fd, r->files.file[i].name, 0) == -1 && errno != ENOENT)
            gone = false;
    if (!gone) { /* with its mark, or its records would be stored again */
        (void)mlp_home_leave(&r->home);
        return MLPLAT_OK;
    }
    gone = mlp_sys.fsync(r->home.fd) == 0;
    mlp_folder_each(r->home.fd, remove_rest, r, NULL);
    mlp_home_remove(&r->home);
    r->counts->journals++;
    if (r->id[0] && gone)
        forget(r);
    return MLPLAT_OK;
}

/* The server may have a request of the dead process: until it is done with that, or ours would be overtaken. */
static mlplat_status let_cool(replay *r, bool *ours, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    int64_t left;
    while (status == MLPLAT_OK && *ours && (left = mlp_taken_cools_ms(&r->taken)) > 0) {
        *ours = r->wait;
        r->counts->later += !r->wait;
        status = mlp_hook_call(r->hook, 0, 0, "waiting for a request of a dead process", err);
        if (status == MLPLAT_OK && r->wait)
            mlp_clock_sleep_ms(left < COOL_MS ? left : COOL_MS);
    }
    r->stop = r->stop || status != MLPLAT_OK;
    return status;
}

static mlplat_status replay_claimed(replay *r, mlplat_error *err)
{
    bool ours = false;
    mlplat_status status = MLPLAT_OK;
    r->records = mlp_alloc_array(MLP_SPOOL_BATCH, sizeof *r->records);
    r->verdicts = mlp_alloc_array(MLP_SPOOL_BATCH, sizeof *r->verdicts);
    if (!r->records || !r->verdicts)
        status = mlp_fail_memory(err);
    if (status == MLPLAT_OK)
        status = list_files(r, &ours, err);
    if (status == MLPLAT_OK && ours)
        status = ask_mark(r, err);
    if (status == MLPLAT_OK)
        status = let_cool(r, &ours, err);
    if (status == MLPLAT_OK && ours && r->id[0])
        status = deliver_all(r, err);
    if (status == MLPLAT_OK && ours)
        status = remove_journal(r, err);
    if (!mlp_home_leave(&r->home)) /* unless it is gone */
        atomic_store(&r->sp->stuck, true);
    mlp_taken_close(&r->taken);
    mlp_replay_files_free(&r->files);
    mlp_free(r->records);
    mlp_free(r->verdicts);
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static bool collect(void *user, const char *name)
{
    return json_array_append_new(user, json_string(name)) == 0;
}

static void look_for_heir(int fd, const char *name, mlp_claim claim, mlp_replay_counts *counts)
{
#ifndef MLPLAT_MINIMAL
    if (claim != MLP_CLAIM_OWN_PROCESS && mlp_home_has_heir(fd, name))
        snprintf(counts->heir, sizeof counts->heir, "%.127s", name);
#else
    (void)fd, (void)name, (void)claim, (void)counts;
#endif
}

static mlplat_status replay_named(mlp_spool *sp, const mlp_place *place, int fd, const char *name, const mlp_hook *hook,
                                  bool wait, mlp_replay_counts *counts, bool *stop, mlplat_error *err)
{
    replay r = {.sp = sp, .hook = hook, .place = place, .wait = wait, .counts = counts};
    char was[128];
    if (!mlp_home_is_journal(name)) {
        mlp_home_sweep(fd, name);
        return MLPLAT_OK;
    }
    mlp_claim claim = mlp_home_claim(fd, name, &r.home, err);
    if (claim != MLP_CLAIM_OURS && claim != MLP_CLAIM_FAILED) {
        look_for_heir(fd, name, claim, counts);
        return MLPLAT_OK;
    }
    snprintf(was, sizeof was, "%.127s", name);
    mlplat_status status = claim == MLP_CLAIM_OURS ? replay_claimed(&r, err) : err->status;
    *stop = r.stop;
    return status == MLPLAT_OK ? status : mlp_fail_prefix(err, status, "journal %s in %s", was, place->path);
}

static mlplat_status replay_place(mlp_spool *sp, const mlp_place *place, const mlp_hook *hook, bool wait,
                                  mlp_replay_counts *counts, mlplat_error *err)
{
    int fd = -1;
    size_t i;
    json_t *name, *names = json_array();
    mlplat_status status = names ? mlp_place_open(place, false, &fd, err) : mlp_fail_memory(err);
    if (status != MLPLAT_OK) {
        json_decref(names);
        return status == MLPLAT_NOT_FOUND ? MLPLAT_OK : status;
    }
    status = mlp_folder_each(fd, collect, names, err); /* first the names: replaying renames */
    json_array_foreach(names, i, name)
    {
        mlplat_error one = {0};
        bool stop = false;
        mlplat_status s = replay_named(sp, place, fd, json_string_value(name), hook, wait, counts, &stop, &one);
        if (s != MLPLAT_OK && status == MLPLAT_OK) {
            status = s;
            if (err)
                *err = one;
        }
        if (stop) /* one bad journal does not stop the others, the store does */
            break;
    }
    mlp_sys.close(fd);
    json_decref(names);
    mlp_place_tidy(place);
    return status;
}

static bool is_others(void *user, const char *name)
{
    bool *any = user;
    *any = *any || mlp_home_is_journal(name);
    return true;
}

bool mlp_replay_any(const mlp_spool *sp)
{
    bool any = false;
    for (int p = 0; p < sp->n_places && !any; p++) {
        int fd;
        if (mlp_place_open(&sp->place[p], false, &fd, NULL) != MLPLAT_OK)
            continue;
        mlp_folder_each(fd, is_others, &any, NULL);
        mlp_sys.close(fd);
    }
    return any;
}

void mlp_replay_tell(const mlp_spool *sp, mlplat_status status, const mlp_replay_counts *n, const mlplat_error *err)
{
    if (status != MLPLAT_OK && status != MLPLAT_CANCELLED)
        mlp_log(sp->log, MLPLAT_LOG_WARNING,
                "what an earlier process left in the spool of %s could not be stored now (%s): try `mlplat spool sync`",
                sp->store, err->message);
    if (n->stored + n->dead > 0)
        mlp_log(sp->log, MLPLAT_LOG_INFO, "stored %llu record(s) that an earlier process left in the spool of %s",
                (unsigned long long)n->stored, sp->store);
}

mlplat_status mlp_replay_begin(mlp_spool *sp, const mlp_hook *hook, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    pthread_mutex_lock(&sp->lock);
    sp->syncing++;
    while (status == MLPLAT_OK && sp->replaying) {
        mlp_cond_wait_ms(&sp->progress, &sp->lock, TURN_MS);
        pthread_mutex_unlock(&sp->lock);
        status = mlp_hook_call(hook, 0, 0, "waiting for a thread that stores what dead processes left", err);
        pthread_mutex_lock(&sp->lock);
    }
    sp->replaying = sp->replaying || status == MLPLAT_OK;
    sp->syncing--;
    pthread_mutex_unlock(&sp->lock);
    return status;
}

void mlp_replay_end(mlp_spool *sp, mlplat_status status)
{
    pthread_mutex_lock(&sp->lock);
    sp->replaying = false;
    sp->orphans = sp->orphans && status != MLPLAT_OK;
    pthread_cond_broadcast(&sp->progress);
    pthread_mutex_unlock(&sp->lock);
}

mlplat_status mlp_replay_orphans(mlp_spool *sp, const mlp_hook *hook, bool wait, mlp_replay_counts *out,
                                 mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    *out = (mlp_replay_counts){0};
    for (int p = 0; p < sp->n_places && status == MLPLAT_OK; p++)
        status = replay_place(sp, &sp->place[p], hook, wait, out, err);
    return status;
}
