/* Orphans: journals whose process is gone. What the sink does not have yet is delivered, then their files go. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "base/text.h"
#include "spool/spool_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS 2000000000 /* with a store that asks to be tried again */

typedef struct file {
    char name[64];
    mlp_segment_head head;
    mlp_head_state state;
    bool damaged;
} file;

/* One of the two kinds of segment, disk or not: within a kind the order of the segments is that of the records. */
typedef struct reader {
    bool disk, has;
    size_t next; /* file to open next */
    unsigned char *bytes;
    mlp_frame_walk walk;
    size_t limit;
    mlp_record record;
} reader;

typedef struct replay {
    mlp_spool *sp;
    const mlp_hook *hook;
    const mlp_place *place;
    mlp_home home;
    file *files;
    size_t n_files, cap;
    bool failed; /* of an allocation while listing */
    char id[33];
    uint64_t mark, last;
    reader readers[2];
    mlp_record *records;
    mlp_verdict *verdicts;
    size_t n;
    mlp_replay_counts *counts;
} replay;

/* ---- what is there ----------------------------------------------------------------------------------------------- */

static bool list_segment(void *user, const char *name)
{
    replay *r = user;
    size_t n = strlen(name);
    if (n >= sizeof r->files->name || n < 5 || !mlp_text_ends(name, ".mls"))
        return true;
    if (r->n_files == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        file *more = mlp_realloc(r->files, cap * sizeof *more);
        if (!more) {
            r->failed = true;
            return false;
        }
        r->files = more;
        r->cap = cap;
    }
    r->files[r->n_files] = (file){0};
    memcpy(r->files[r->n_files++].name, name, n + 1);
    return true;
}

static mlplat_status read_head(replay *r, file *f, mlplat_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    mlplat_status status = mlp_segment_read(r->home.fd, f->name, &bytes, &size, err);
    if (status == MLPLAT_OK) {
        f->state = mlp_frame_head_get(bytes, size, &f->head);
        f->damaged = f->state == MLP_HEAD_DAMAGED;
    } else if (status == MLPLAT_CORRUPT) { /* no file of ours */
        f->state = MLP_HEAD_DAMAGED;
        f->damaged = true;
        status = MLPLAT_OK;
    }
    mlp_free(bytes);
    return status;
}

static int by_first(const void *a, const void *b)
{
    const file *x = a, *y = b;
    if (x->head.first_seq != y->head.first_seq)
        return x->head.first_seq < y->head.first_seq ? -1 : 1;
    return x->head.number < y->head.number ? -1 : x->head.number > y->head.number;
}

/* *ours: the journal is of this store. */
static mlplat_status list_files(replay *r, bool *ours, mlplat_error *err)
{
    mlplat_status status = mlp_folder_each(r->home.fd, list_segment, r, err);
    if (status == MLPLAT_OK && r->failed)
        status = mlp_fail_memory(err);
    *ours = true;
    for (size_t i = 0; i < r->n_files && status == MLPLAT_OK; i++) {
        file *f = &r->files[i];
        status = read_head(r, f, err);
        if (status != MLPLAT_OK || f->state != MLP_HEAD_GOOD)
            continue;
        *ours = *ours && f->head.store == r->place->identity;
        memcpy(r->id, f->head.journal, 32);
    }
    if (r->n_files > 0)
        qsort(r->files, r->n_files, sizeof *r->files, by_first);
    return status;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static mlplat_status flush_batch(replay *r, mlplat_error *err)
{
    size_t dead = 0;
    mlplat_status status = MLPLAT_OK;
    int64_t until = mlp_clock_mono_ns() + PATIENCE_NS;
    for (int i = 0; r->n > 0; i++) {
        mlplat_error tried = {0};
        status = mlp_hook_call(r->hook, r->counts->stored, 0, "storing what dead processes left", err);
        if (status != MLPLAT_OK)
            return status;
        if (i > 0)
            mlp_clock_sleep_ms(i < 5 ? 10 << i : 300);
        status = mlp_settle_batch(r->sp, r->id, r->records, r->n, r->verdicts, false, &dead, &tried);
        if (status != MLPLAT_OK && err)
            *err = tried;
        if (status == MLPLAT_OK || !tried.retryable || mlp_clock_mono_ns() > until)
            break;
    }
    if (status == MLPLAT_OK) {
        r->counts->stored += r->n - dead;
        r->counts->dead += dead;
        r->n = 0;
    }
    return status;
}

/* A head that does not fit its checksum may still hold the right salt: then the frames tell. */
static mlplat_status open_next(replay *r, reader *d, bool *opened, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    *opened = false;
    while (d->next < r->n_files && !*opened && status == MLPLAT_OK) {
        file *f = &r->files[d->next++];
        bool disk = f->head.lane == MLP_LANE_DISK;
        size_t size = 0;
        if (f->state == MLP_HEAD_BLANK || disk != d->disk)
            continue;
        status = mlp_segment_read(r->home.fd, f->name, &d->bytes, &size, err);
        if (status == MLPLAT_CORRUPT) {
            status = MLPLAT_OK;
            continue;
        }
        if (status == MLPLAT_OK) {
            mlp_frame_summary sum;
            mlp_frame_summarize(d->bytes, size, &f->head, r->sp->boot, r->mark, &sum);
            f->damaged = f->damaged || sum.damaged;
            d->limit = sum.limit;
            d->walk = (mlp_frame_walk){.base = d->bytes, .size = size, .salt = f->head.salt};
            *opened = true;
        }
    }
    return status;
}

/* The batch points into the bytes: it goes out before they do. */
static mlplat_status read_next(replay *r, reader *d, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    bool opened = true;
    d->has = false;
    while (status == MLPLAT_OK && opened) {
        if (d->bytes && mlp_frame_next(&d->walk, &d->record) && d->walk.end <= d->limit) {
            d->has = true;
            return MLPLAT_OK;
        }
        if (d->bytes)
            status = flush_batch(r, err);
        if (status != MLPLAT_OK)
            break;
        mlp_free(d->bytes);
        d->bytes = NULL;
        status = open_next(r, d, &opened, err);
    }
    return status;
}

static mlplat_status deliver_all(replay *r, mlplat_error *err)
{
    reader *a = &r->readers[0], *b = &r->readers[1];
    b->disk = true;
    mlplat_status status = read_next(r, a, err);
    if (status == MLPLAT_OK)
        status = read_next(r, b, err);
    while (status == MLPLAT_OK && (a->has || b->has)) {
        reader *d = !b->has || (a->has && a->record.seq <= b->record.seq) ? a : b;
        if (d->record.seq > r->mark && d->record.seq > r->last) /* a segment given up may hold what its heir holds */
            r->records[r->n++] = d->record;
        if (d->record.seq > r->last)
            r->last = d->record.seq;
        if (r->n == MLP_SPOOL_BATCH)
            status = flush_batch(r, err);
        if (status == MLPLAT_OK)
            status = read_next(r, d, err);
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
    if (status == MLPLAT_OK)
        mlp_deadletter_reset(r->sp, r->id, r->mark);
    return status;
}

/* ---- the end of a journal ---------------------------------------------------------------------------------------- */

static void set_aside(replay *r, const file *f)
{
    char to[160];
    snprintf(to, sizeof to, "%.8s-%.60s.bad", r->id[0] ? r->id : r->home.name + strlen(r->home.name) - 8, f->name);
    if (mlp_sys.rename(r->home.fd, f->name, r->home.place_fd, to) == -1)
        return;
    r->counts->damaged++;
    atomic_fetch_add(&r->sp->damaged, 1);
    mlp_log(r->sp->log, MLPLAT_LOG_ERROR,
            "spool %s: a segment of journal %s is damaged; what could be read of it was stored, the file is kept as %s",
            r->place->path, r->home.name, to);
}

static bool remove_lock_rest(void *user, const char *name)
{
    const replay *r = user;
    if (mlp_text_starts(name, "lock."))
        mlp_sys.unlink(r->home.fd, name, 0);
    return true;
}

/* Everything is committed in the sink: now, and not before, the files go; the mark after them. */
static void remove_journal(replay *r)
{
    for (size_t i = 0; i < r->n_files; i++) {
        if (r->files[i].damaged)
            set_aside(r, &r->files[i]);
        mlp_sys.unlink(r->home.fd, r->files[i].name, 0);
    }
    mlp_folder_each(r->home.fd, remove_lock_rest, r, NULL);
    mlp_home_remove(&r->home);
    r->counts->journals++;
    if (!r->id[0])
        return;
    pthread_mutex_lock(&r->sp->sink_lock);
    r->sp->sink.forget(r->sp->sink.ctx, r->id, NULL);
    pthread_mutex_unlock(&r->sp->sink_lock);
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
    if (status == MLPLAT_OK && ours && r->id[0])
        status = deliver_all(r, err);
    for (int i = 0; i < 2; i++)
        mlp_free(r->readers[i].bytes);
    if (status == MLPLAT_OK && ours)
        remove_journal(r);
    else
        mlp_home_leave(&r->home);
    mlp_free(r->files);
    mlp_free(r->records);
    mlp_free(r->verdicts);
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static bool collect(void *user, const char *name)
{
    return json_array_append_new(user, json_string(name)) == 0;
}

static mlplat_status replay_named(mlp_spool *sp, const mlp_place *place, int fd, const char *name, const mlp_hook *hook,
                                  mlp_replay_counts *counts, mlplat_error *err)
{
    replay r = {.sp = sp, .hook = hook, .place = place, .counts = counts};
    char was[128];
    if (!mlp_home_is_journal(name)) {
        mlp_home_sweep(fd, name);
        return MLPLAT_OK;
    }
    if (mlp_home_claim(fd, name, &r.home) != MLP_CLAIM_OURS)
        return MLPLAT_OK;
    snprintf(was, sizeof was, "%.127s", name);
    mlplat_status status = replay_claimed(&r, err);
    return status == MLPLAT_OK ? status : mlp_fail_prefix(err, status, "journal %s in %s", was, place->path);
}

static bool of_store(mlplat_status status, const mlplat_error *err)
{
    return err->retryable || status == MLPLAT_CANCELLED || status == MLPLAT_DENIED || status == MLPLAT_UNAVAILABLE ||
           status == MLPLAT_TIMEOUT || status == MLPLAT_NO_SPACE || status == MLPLAT_NO_MEMORY;
}

static mlplat_status replay_place(mlp_spool *sp, const mlp_place *place, const mlp_hook *hook,
                                  mlp_replay_counts *counts, mlplat_error *err)
{
    int fd;
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
        mlplat_status s = replay_named(sp, place, fd, json_string_value(name), hook, counts, &one);
        if (s != MLPLAT_OK && status == MLPLAT_OK) {
            status = s;
            if (err)
                *err = one;
        }
        if (s != MLPLAT_OK && of_store(s, &one)) /* one bad journal does not stop the others, the store does */
            break;
    }
    mlp_sys.close(fd);
    json_decref(names);
    mlp_place_tidy(place);
    return status;
}

mlplat_status mlp_replay_orphans(mlp_spool *sp, const mlp_hook *hook, mlp_replay_counts *out, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    *out = (mlp_replay_counts){0};
    for (int p = 0; p < sp->n_places && status == MLPLAT_OK; p++)
        status = replay_place(sp, &sp->place[p], hook, out, err);
    return status;
}
