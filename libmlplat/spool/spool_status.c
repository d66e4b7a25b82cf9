/* What lies in the spool, and the commands on it. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "base/text.h"
#include "spool/spool_inside.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t mlp_spool_mark(mlp_spool *sp, int folder_fd, const char *id)
{
    mlp_taken taken;
    uint64_t mark = 0;
    if (sp->sink.unmarked) { /* nor is the server asked */
        mlp_taken_open(&taken, folder_fd, id);
        mark = taken.done;
        mlp_taken_close(&taken);
        return mark;
    }
    pthread_mutex_lock(&sp->sink_lock);
    if (sp->sink.mark(sp->sink.ctx, id, &mark, NULL) != MLPLAT_OK)
        mark = 0;
    pthread_mutex_unlock(&sp->sink_lock);
    return mark;
}

/* ---- one journal ------------------------------------------------------------------------------------------------- */

typedef struct survey {
    mlp_spool *sp;
    int fd;
    bool marked;  /* mark is known */
    json_t *runs; /* {id: records that wait} */
    char id[33];
    uint64_t mark, waiting, bytes;
    int64_t oldest_ms; /* when the oldest that waits was logged; 0: not known */
    bool damaged;
} survey;

static void ask_mark(survey *s, const mlp_segment_head *head)
{
    if (s->marked)
        return;
    s->marked = true;
    memcpy(s->id, head->journal, 32);
    s->mark = mlp_spool_mark(s->sp, s->fd, s->id);
}

/* A kill in the middle of packing leaves both. */
static bool packed_too(int fd, const char *name)
{
    struct stat st;
    char packed[40];
    mlp_segment_name(strtoull(name, NULL, 10), true, packed);
    return mlp_text_ends(name, ".mls") && fstatat(fd, packed, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

#ifdef MLPLAT_MINIMAL
/* Of runs it does not tell there. */
static bool look_at_records(survey *s, mlp_frame_walk *walk, size_t limit, int64_t written_ms)
{
    (void)s, (void)walk, (void)limit, (void)written_ms;
    return true;
}
#else
bool mlp_status_count_run(json_t *runs, const char *id, size_t n)
{
    char text[64]; /* longer ones are none of ours: cut */
    snprintf(text, sizeof text, "%.*s", n < sizeof text ? (int)n : (int)sizeof text - 1, id);
    mlp_text_repair(text);
    json_t *count = json_object_get(runs, text);
    return count ? json_integer_set(count, json_integer_value(count) + 1) == 0
                 : json_object_set_new(runs, text, json_integer(1)) == 0;
}

/* Of whose records they are, and how old: those that tell no time are as old as what was written last in their file. */
static bool look_at_records(survey *s, mlp_frame_walk *walk, size_t limit, int64_t written_ms)
{
    mlp_record r;
    while (mlp_frame_next(walk, &r) && walk->end <= limit) {
        if (r.seq <= s->mark)
            continue;
        int64_t at = r.timestamp_ms > 0 ? r.timestamp_ms : written_ms;
        s->oldest_ms = s->oldest_ms == 0 || at < s->oldest_ms ? at : s->oldest_ms;
        if (!mlp_status_count_run(s->runs, r.run_id, r.run_id_n))
            return false;
    }
    return true;
}
#endif

static bool survey_segment(void *user, const char *name)
{
    survey *s = user;
    unsigned char *bytes;
    size_t size;
    mlp_segment_head head;
    mlp_frame_summary sum;
    struct stat st;
    bool counted = true;
    if (!mlp_segment_named(name) || fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 || packed_too(s->fd, name) ||
        mlp_segment_read(s->fd, name, 0, &bytes, &size, NULL) != MLPLAT_OK)
        return true;
    mlp_head_state state = mlp_frame_head_get(bytes, size, &head);
    s->bytes += (uint64_t)st.st_size;
    s->damaged = s->damaged || state == MLP_HEAD_DAMAGED;
    if (state == MLP_HEAD_GOOD) {
        ask_mark(s, &head);
        mlp_frame_summarize(bytes, size, &head, s->sp->boot, s->mark, &sum);
        s->waiting += sum.records;
        s->damaged = s->damaged || sum.damaged;
        mlp_frame_walk walk = {.base = bytes, .size = size, .salt = head.salt};
        struct timespec at = mlp_os_changed(&st);
        counted = look_at_records(s, &walk, sum.limit, (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000);
    }
    mlp_free(bytes);
    return counted;
}

static size_t count_dead(const json_t *letters, const char *id)
{
    size_t i, n = 0;
    json_t *letter;
    json_array_foreach(letters, i, letter)
    {
        const char *of = json_string_value(json_object_get(letter, "journal"));
        n += of && id[0] && strcmp(of, id) == 0;
    }
    return n;
}

static const char *state_of(const survey *s, mlp_claim claim)
{
    if (claim == MLP_CLAIM_OWN_PROCESS)
        return "open";
    if (claim == MLP_CLAIM_BUSY)
        return "busy";
    return s->damaged ? "damaged" : "orphan";
}

/* ---- a place ----------------------------------------------------------------------------------------------------- */

typedef struct listing {
    mlp_spool *sp;
    int fd;
    json_t *journals;
    const json_t *letters;
    char own[128];        /* the folder of this session's journal; "": none yet */
    uint64_t own_waiting; /* not yet in `waiting` */
    uint64_t own_done;
    uint64_t waiting, bytes;
    int64_t oldest_ms;
    json_t *runs;
    mlp_quota quota;
    mlplat_status status;
    mlplat_error *err;
} listing;

static void add_entry(listing *l, const char *id, long pid, const char *state, uint64_t waiting, size_t dead,
                      uint64_t bytes)
{
    json_t *entry =
        json_pack("{s:o, s:I, s:s, s:I, s:I, s:I}", "id", mlp_json_string(id), "pid", (json_int_t)pid, "state", state,
                  "waiting", (json_int_t)waiting, "dead", (json_int_t)dead, "bytes", (json_int_t)bytes);
    l->waiting += waiting;
    l->bytes += bytes;
    l->status = mlp_json_push(l->journals, entry, l->err);
}

static void list_journal(listing *l, const char *name)
{
    mlp_claim claim = mlp_home_probe(l->fd, name);
    bool own = strcmp(l->own, name) == 0;
    survey s = {.sp = l->sp, .marked = own, .mark = own ? l->own_done : 0, .runs = l->runs};
    mlplat_status opened = mlp_folder_open(l->fd, name, &s.fd, NULL);
    if (claim == MLP_CLAIM_GONE || opened == MLPLAT_NOT_FOUND)
        return;
    if (opened != MLPLAT_OK) {
        add_entry(l, name, mlp_home_pid(name), "damaged", 0, 0, 0);
        return;
    }
    l->status = mlp_folder_each(s.fd, survey_segment, &s, NULL);
    mlp_sys.close(s.fd);
    if (l->status == MLPLAT_NO_MEMORY) { /* else: it went away */
        mlp_fail_memory(l->err);
        return;
    }
    if (s.oldest_ms && (l->oldest_ms == 0 || s.oldest_ms < l->oldest_ms))
        l->oldest_ms = s.oldest_ms;
    if (own) {
        s.waiting = l->own_waiting; /* level memory too, which no file shows */
        l->own_waiting = 0;
        memcpy(s.id, l->sp->id, sizeof s.id);
    }
    add_entry(l, name, mlp_home_pid(name), state_of(&s, claim), s.waiting, count_dead(l->letters, s.id), s.bytes);
}

static bool list_name(void *user, const char *name)
{
    listing *l = user;
    struct stat st;
    if (mlp_home_is_journal(name))
        list_journal(l, name);
    else if (mlp_text_ends(name, ".bad") && fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        add_entry(l, name, 0, "damaged", 0, 0, (uint64_t)st.st_size);
    return l->status == MLPLAT_OK;
}

static mlplat_status list_place(listing *l, const mlp_place *place, mlplat_error *err)
{
    mlplat_status status = mlp_place_open(place, false, &l->fd, err);
    if (status != MLPLAT_OK)
        return status == MLPLAT_NOT_FOUND ? MLPLAT_OK : status;
    status = mlp_folder_each(l->fd, list_name, l, err);
    mlp_sys.close(l->fd);
    return status != MLPLAT_OK ? status : l->status;
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

static mlplat_status letters_with_ids(json_t *letters, mlplat_error *err)
{
    size_t i;
    json_t *letter;
    mlplat_status status = MLPLAT_OK;
    json_array_foreach(letters, i, letter)
    {
        json_t *id = json_sprintf("%.8s:%lld", json_string_value(json_object_get(letter, "journal")),
                                  (long long)json_integer_value(json_object_get(letter, "seq")));
        if (status == MLPLAT_OK)
            status = mlp_json_set(letter, "id", id, err);
        else
            json_decref(id);
    }
    return status;
}

static void look_at_own(listing *l)
{
    mlp_spool *sp = l->sp;
    pthread_mutex_lock(&sp->lock);
    if (sp->home.held)
        memcpy(l->own, sp->home.name, sizeof l->own);
    l->quota = sp->quota;
    l->own_done = atomic_load(&sp->done_seq);
    l->own_waiting =
        atomic_load(&sp->accepted) - atomic_load(&sp->stored) - atomic_load(&sp->dead) - sp->quota.dropped;
    pthread_mutex_unlock(&sp->lock);
}

#ifdef MLPLAT_MINIMAL
json_t *mlp_status_runs(const json_t *counts, const char *member)
{
    (void)counts, (void)member;
    return json_array();
}
#else
json_t *mlp_status_runs(const json_t *counts, const char *member)
{
    const char *id;
    json_t *count, *list = json_array();
    json_object_foreach((json_t *)counts, id, count)
    {
        if (json_array_append_new(list, json_pack("{s:s, s:O}", "run_id", id, member, count)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
#endif

/* Takes letters and runs. */
static json_t *document(const listing *l, json_t *letters, json_t *runs)
{
    const mlp_spool *sp = l->sp;
    const mlp_quota *q = &l->quota;
    uint64_t accepted, durable, stored, dead;
    mlp_spool_count(sp, &accepted, &durable, &stored, &dead);
    int64_t age = l->oldest_ms ? mlp_sys.now_ms() - l->oldest_ms : 0;
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:o, s:o, s:o}", "store",
                     mlp_json_string(sp->store), "folder", mlp_json_string(sp->place[0].path), "accepted",
                     (json_int_t)accepted, "stored", (json_int_t)stored, "waiting",
                     (json_int_t)l->waiting + (json_int_t)l->own_waiting, "dead",
                     (json_int_t)json_array_size(letters), "dropped", (json_int_t)q->dropped, "refused",
                     (json_int_t)q->refused, "blocked", (json_int_t)q->blocked, "bytes", (json_int_t)l->bytes,
                     "quota", (json_int_t)(q->most == UINT64_MAX ? 0 : q->most),
                     "oldest_ms", (json_int_t)(age > 0 ? age : 0), "journals", l->journals, "dead_letters", letters,
                     "runs", runs, "waiting_runs", mlp_status_runs(l->runs, "waiting"));
}

mlplat_status mlp_spool_status(mlp_spool *sp, json_t **out, mlplat_error *err)
{
    *out = NULL;
    mlplat_status status = mlp_spool_usable(sp, err);
    if (status != MLPLAT_OK)
        return status;
    json_t *letters = json_array(), *runs = NULL;
    listing l = {.sp = sp, .journals = json_array(), .letters = letters, .runs = json_object(), .err = err};
    look_at_own(&l);
    status = letters && l.journals && l.runs ? mlp_deadletter_list(sp, letters, err) : mlp_fail_memory(err);
    for (int p = 0; p < sp->n_places && status == MLPLAT_OK; p++)
        status = list_place(&l, &sp->place[p], err);
    if (status == MLPLAT_OK)
        status = letters_with_ids(letters, err);
    if (status == MLPLAT_OK)
        status = mlp_run_map_list(&sp->runs, sp->place, sp->n_places, &runs, err);
    if (status == MLPLAT_OK)
        *out = document(&l, letters, runs);
    else
        json_decref(letters);
    json_decref(l.journals);
    json_decref(l.runs);
    return status != MLPLAT_OK || *out ? status : mlp_fail_memory(err);
}

mlplat_status mlp_spool_retry(mlp_spool *sp, const mlp_hook *hook, json_t **out, mlplat_error *err)
{
    uint64_t stored, dead;
    *out = NULL;
    mlplat_status status = mlp_spool_usable(sp, err);
    if (status == MLPLAT_OK)
        status = mlp_deadletter_retry(sp, hook, &stored, &dead, err);
    if (status != MLPLAT_OK)
        return status;
    *out = json_pack("{s:I, s:I}", "stored", (json_int_t)stored, "dead", (json_int_t)dead);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}
