/* Throwing away what nobody wants stored: dead letters, what ended programs left, files that were set aside. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "base/text.h"
#include "spool/replay_files.h"
#include "spool/spool_inside.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct dropping {
    mlp_spool *sp;
    const char *run_id; /* NULL: of all */
    bool dry;           /* only count */
    json_t *counts;     /* records by run */
    json_t *names;      /* of a place */
    const mlp_place *place;
    int64_t journals, files, busy;
} dropping;

/* ---- one journal ------------------------------------------------------------------------------------------------- */

typedef struct emptying {
    dropping *d;
    mlp_replay_files files;
    char id[33];
    uint64_t mark;
    bool others; /* it has records of other runs */
} emptying;

static bool goes(const dropping *d, const mlp_record *r)
{
    return !d->run_id || (strlen(d->run_id) == r->run_id_n && memcmp(d->run_id, r->run_id, r->run_id_n) == 0);
}

/* Whose it is, and what of it is stored. */
static bool look(emptying *e)
{
    bool ours = true;
    for (size_t i = 0; i < e->files.n; i++) {
        const mlp_segment_head *head = &e->files.file[i].head;
        if (e->files.file[i].state != MLP_HEAD_GOOD)
            continue;
        ours = ours && head->store == e->d->place->identity;
        memcpy(e->id, head->journal, 32);
    }
    if (ours && e->id[0])
        e->mark = mlp_spool_mark(e->d->sp, e->files.folder_fd, e->id);
    return ours;
}

static mlplat_status count(emptying *e, mlplat_error *err)
{
    const mlp_record *r = NULL;
    uint64_t last = e->mark;
    mlplat_status s;
    while ((s = mlp_replay_files_next(&e->files, &r, err)) == MLPLAT_OK && (r || e->files.used_up)) {
        bool fresh = r && r->seq > last; /* a segment given up may hold its heir's */
        last = fresh ? r->seq : last;
        e->others = e->others || (fresh && !goes(e->d, r));
        if (fresh && goes(e->d, r) && !mlp_status_count_run(e->d->counts, r->run_id, r->run_id_n))
            s = mlp_fail_memory(err);
        if (e->files.used_up)
            mlp_replay_files_give_back(&e->files);
        if (s != MLPLAT_OK)
            break;
    }
    return s;
}

/* A damaged one goes where sync brings such ones. */
static mlplat_status remove_file(const emptying *e, const mlp_home *home, const mlp_replay_file *f, mlplat_error *err)
{
    char to[160];
    snprintf(to, sizeof to, "%.8s-%.60s.bad", e->id[0] ? e->id : home->name + strlen(home->name) - 8, f->name);
    int done =
        f->damaged ? mlp_sys.rename(home->fd, f->name, home->place_fd, to) : mlp_sys.unlink(home->fd, f->name, 0);
    return done == -1 && errno != ENOENT ? mlp_fail_errno(err, errno, "journal segment %s", f->name) : MLPLAT_OK;
}

static bool remove_rest(void *user, const char *name)
{
    if (mlp_text_starts(name, "lock.") || mlp_text_ends(name, ".new") || strcmp(name, MLP_TAKEN_FILE) == 0)
        mlp_sys.unlink(*(int *)user, name, 0);
    return true;
}

static mlplat_status remove_journal(emptying *e, mlp_home *home, mlplat_error *err)
{
    mlp_sink *sink = &e->d->sp->sink;
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; i < e->files.n && s == MLPLAT_OK; i++)
        s = remove_file(e, home, &e->files.file[i], err);
    if (s != MLPLAT_OK)
        return s;
    bool gone = mlp_sys.fsync(home->fd) == 0; /* else a power cut may bring them back, and they need their mark */
    mlp_folder_each(home->fd, remove_rest, &home->fd, NULL);
    mlp_home_remove(home);
    e->d->journals++;
    pthread_mutex_lock(&e->d->sp->sink_lock);
    if (gone && e->id[0])
        sink->forget(sink->ctx, e->id, NULL);
    pthread_mutex_unlock(&e->d->sp->sink_lock);
    return MLPLAT_OK;
}

/* The same segment without records of the run. The calls that they came from do not matter any more: no kill tore
 * them. */
static size_t without_run(const dropping *d, const unsigned char *bytes, const mlp_replay_file *f, size_t size,
                          unsigned char *out)
{
    mlp_frame_walk walk = {.base = bytes, .size = size, .salt = f->head.salt};
    mlp_record r;
    size_t at = MLP_SEGMENT_HEAD, dropped = 0;
    memcpy(out, bytes, MLP_SEGMENT_HEAD);
    while (mlp_frame_next(&walk, &r) && walk.end <= f->limit) {
        dropped += goes(d, &r);
        if (!goes(d, &r) && walk.inside == 0) /* a frame's points are of one run */
            at += mlp_frame_move(out + at, bytes + walk.begin, true, f->head.salt);
    }
    return dropped;
}

static mlplat_status rewrite(const emptying *e, const mlp_home *home, const mlp_replay_file *f, mlplat_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    if (f->state != MLP_HEAD_GOOD)
        return MLPLAT_OK;
    mlplat_status s = mlp_segment_read(home->fd, f->name, 0, &bytes, &size, err);
    if (s != MLPLAT_OK)
        return s;
    unsigned char *out = mlp_alloc(size); /* zeros */
    if (!out)
        s = mlp_fail_memory(err);
    else if (without_run(e->d, bytes, f, size, out) > 0)
        s = mlp_segment_replace(home->fd, f->name, out, size, err);
    mlp_free(out);
    mlp_free(bytes);
    return s;
}

/* A damaged segment is not written anew: what is wrong with it would not be told any more. */
static mlplat_status check_whole(const emptying *e, const char *name, mlplat_error *err)
{
    for (size_t i = 0; i < e->files.n; i++)
        if (e->others && e->files.file[i].damaged)
            return mlp_fail(err, MLPLAT_CORRUPT,
                            "segment %s of journal %s is damaged: nothing of it can be dropped by run; drop all that "
                            "waits, or store it with `mlplat spool sync`",
                            e->files.file[i].name, name);
    return MLPLAT_OK;
}

static mlplat_status drop_claimed(dropping *d, int fd, const char *name, mlp_home *home, mlplat_error *err)
{
    emptying e = {.d = d};
    mlplat_status s = mlp_replay_files_list(&e.files, fd, d->sp->boot, err);
    bool ours = s == MLPLAT_OK && look(&e);
    if (ours)
        s = count(&e, err);
    if (s == MLPLAT_OK)
        s = check_whole(&e, name, err);
    if (ours && s == MLPLAT_OK && home && !e.others)
        s = remove_journal(&e, home, err);
    for (size_t i = 0; ours && s == MLPLAT_OK && home && e.others && i < e.files.n; i++)
        s = rewrite(&e, home, &e.files.file[i], err);
    mlp_replay_files_free(&e.files);
    return s;
}

/* Only counted: nobody takes it for that. */
static mlplat_status count_journal(dropping *d, int place_fd, const char *name, mlplat_error *err)
{
    int fd;
    mlp_claim claim = mlp_home_probe(place_fd, name);
    d->busy += claim == MLP_CLAIM_BUSY || claim == MLP_CLAIM_OWN_PROCESS;
    if (claim != MLP_CLAIM_FREE)
        return MLPLAT_OK;
    mlplat_status s = mlp_folder_open(place_fd, name, &fd, err);
    if (s != MLPLAT_OK)
        return s == MLPLAT_NOT_FOUND ? MLPLAT_OK : s;
    s = drop_claimed(d, fd, name, NULL, err);
    mlp_sys.close(fd);
    return s;
}

static mlplat_status drop_journal(dropping *d, int place_fd, const char *name, mlplat_error *err)
{
    mlp_home home;
    mlplat_error why = {0};
    mlp_claim claim = mlp_home_claim(place_fd, name, &home, &why);
    d->busy += claim == MLP_CLAIM_BUSY || claim == MLP_CLAIM_OWN_PROCESS;
    if (claim == MLP_CLAIM_FAILED && err)
        *err = why;
    if (claim != MLP_CLAIM_OURS)
        return claim == MLP_CLAIM_FAILED ? why.status : MLPLAT_OK;
    mlplat_status s = drop_claimed(d, home.fd, name, &home, err);
    mlp_home_leave(&home); /* unless it is gone */
    return s;
}

/* ---- a place ----------------------------------------------------------------------------------------------------- */

static bool collect(void *user, const char *name)
{
    return json_array_append_new(((dropping *)user)->names, json_string(name)) == 0;
}

static mlplat_status waiting(dropping *d, int fd, const char *name, mlplat_error *err)
{
    if (!mlp_home_is_journal(name))
        return MLPLAT_OK;
    return d->dry ? count_journal(d, fd, name, err) : drop_journal(d, fd, name, err);
}

static mlplat_status damaged(dropping *d, int fd, const char *name, mlplat_error *err)
{
    if (!mlp_text_ends(name, ".bad"))
        return MLPLAT_OK;
    if (!d->dry && mlp_sys.unlink(fd, name, 0) == -1)
        return errno == ENOENT ? MLPLAT_OK : mlp_fail_errno(err, errno, "the damaged segment %s", name);
    d->files++;
    return MLPLAT_OK;
}

typedef mlplat_status (*dropper)(dropping *d, int fd, const char *name, mlplat_error *err);

static mlplat_status drop_place(dropping *d, const mlp_place *place, dropper drop, mlplat_error *err)
{
    int fd;
    size_t i;
    json_t *name;
    d->place = place;
    json_array_clear(d->names);
    mlplat_status s = mlp_place_open(place, false, &fd, err);
    if (s != MLPLAT_OK)
        return s == MLPLAT_NOT_FOUND ? MLPLAT_OK : s;
    s = mlp_folder_each(fd, collect, d, err); /* first the names: dropping renames */
    json_array_foreach(d->names, i, name)
    {
        if (s == MLPLAT_OK)
            s = drop(d, fd, json_string_value(name), err);
    }
    mlp_sys.close(fd);
    return s;
}

static json_t *document(const dropping *d, const char *what)
{
    const char *id;
    json_t *n;
    json_int_t records = 0;
    json_object_foreach(d->counts, id, n)
    {
        records += json_integer_value(n);
    }
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:o}", "what", what, "dry_run", (int)d->dry, "records", records,
                     "journals", (json_int_t)d->journals, "files", (json_int_t)d->files, "busy", (json_int_t)d->busy,
                     "runs", mlp_status_runs(d->counts, "records"));
}

static mlplat_status check_any(const dropping *d, const char *what, mlplat_error *err)
{
    if (!d->run_id || json_object_size(d->counts) > 0)
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_NOT_FOUND,
                    "run %s has no %s record that could be dropped (journals of living programs, left alone: %lld): "
                    "`mlplat spool inspect` shows whose there are",
                    d->run_id, what, (long long)d->busy);
}

mlplat_status mlp_spool_drop(mlp_spool *sp, const char *what, const char *run_id, bool dry, json_t **out,
                             mlplat_error *err)
{
    dropping d = {.sp = sp, .run_id = run_id, .dry = dry, .counts = json_object(), .names = json_array()};
    bool dead = strcmp(what, "dead") == 0;
    dropper drop = strcmp(what, "waiting") == 0 ? waiting : damaged;
    *out = NULL;
    mlplat_status s = d.counts && d.names ? mlp_spool_usable(sp, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK && dead)
        s = mlp_deadletter_drop(sp, run_id, dry, d.counts, err);
    for (int p = 0; p < sp->n_places && s == MLPLAT_OK; p++) {
        s = dead ? MLPLAT_OK : drop_place(&d, &sp->place[p], drop, err);
        if (!dry)
            mlp_place_tidy(&sp->place[p]);
    }
    if (s == MLPLAT_OK)
        s = check_any(&d, what, err);
    if (s == MLPLAT_OK && !(*out = document(&d, what)))
        s = mlp_fail_memory(err);
    json_decref(d.counts);
    json_decref(d.names);
    return s;
}
