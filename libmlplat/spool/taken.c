#include "spool/taken.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/os.h"
#include <fcntl.h>
#include <string.h>

/* As in the file, in native byte order like the frames. The first slot says how far all is taken, and asked_ms. */
typedef struct slot {
    uint32_t crc; /* begun with the journal's id: a slot of another journal is none */
    uint32_t n;   /* of the id; 0 in the first */
    uint64_t seq;
    char id[MLP_TAKEN_RUN];
} slot;

#define COOLS_MS 3000

_Static_assert(sizeof(slot) == 64, "a slot lies in one sector");

#define MOST (1u << 16) /* slots that are read */

static uint32_t checksum(const mlp_taken *t, const slot *s)
{
    uint32_t crc = mlp_crc32c(0, t->journal, sizeof t->journal - 1);
    return mlp_crc32c(crc, (const char *)s + sizeof s->crc, sizeof *s - sizeof s->crc);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static bool open_file(mlp_taken *t, int flags)
{
    if (t->fd == -1 && t->folder_fd != -1) {
        t->fd = mlp_sys.open(t->folder_fd, MLP_TAKEN_FILE, O_RDWR | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
        if (t->fd != -1 && flags)
            fchmod(t->fd, 0600);
    }
    return t->fd != -1;
}

/* A disk that is full costs the mark alone. */
static void put(mlp_taken *t, size_t at, uint64_t seq, const mlp_taken_run *run)
{
    slot s = {.seq = seq};
    if (!run)
        memcpy(s.id, &t->asked_ms, sizeof t->asked_ms);
    if (!open_file(t, O_CREAT))
        return;
    if (run) {
        s.n = run->n;
        memcpy(s.id, run->id, run->n);
    }
    s.crc = checksum(t, &s);
    (void)!mlp_sys.pwrite(t->fd, &s, sizeof s, (off_t)(at * sizeof s));
}

static mlp_taken_run *add_place(mlp_taken *t)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 8;
        mlp_taken_run *more = mlp_realloc(t->run, cap * sizeof *more);
        if (!more)
            return NULL;
        t->run = more;
        t->cap = cap;
    }
    t->run[t->n] = (mlp_taken_run){0};
    return &t->run[t->n++];
}

/* A slot that does not fit its checksum is a free place. */
static bool get(mlp_taken *t, size_t at)
{
    slot s;
    if (mlp_sys.pread(t->fd, &s, sizeof s, (off_t)(at * sizeof s)) != (ssize_t)sizeof s)
        return false;
    bool good = s.crc == checksum(t, &s) && s.n <= MLP_TAKEN_RUN;
    mlp_taken_run *run = at > 0 ? add_place(t) : NULL;
    if (at == 0 && good) {
        t->done = s.seq;
        memcpy(&t->asked_ms, s.id, sizeof t->asked_ms);
    }
    if (run && good) {
        run->seq = s.seq;
        run->n = s.n;
        memcpy(run->id, s.id, s.n);
    }
    return at == 0 || run;
}

void mlp_taken_open(mlp_taken *t, int folder_fd, const char *journal)
{
    *t = (mlp_taken){.folder_fd = folder_fd, .fd = -1};
    memcpy(t->journal, journal, sizeof t->journal - 1);
    if (!open_file(t, 0))
        return;
    t->named = true;
    for (size_t at = 0; at < MOST && get(t, at);)
        at++;
}

void mlp_taken_close(mlp_taken *t)
{
    if (t->journal[0] && t->fd != -1)
        mlp_sys.close(t->fd);
    mlp_free(t->run);
    *t = (mlp_taken){.folder_fd = -1, .fd = -1};
}

void mlp_taken_sync(mlp_taken *t)
{
    if (!t->journal[0] || t->fd == -1 || mlp_sys.fdatasync(t->fd) == -1 || t->named)
        return;
    t->named = mlp_sys.fsync(t->folder_fd) == 0;
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static bool is_of(const mlp_taken_run *run, const mlp_record *r)
{
    return run->n == r->run_id_n && run->n > 0 && memcmp(run->id, r->run_id, run->n) == 0;
}

uint64_t mlp_taken_of(const mlp_taken *t, const mlp_record *r)
{
    uint64_t seq = t->done;
    for (size_t i = 0; i < t->n; i++)
        if (is_of(&t->run[i], r) && t->run[i].seq > seq)
            seq = t->run[i].seq;
    return seq;
}

/* The run's place, or one of a run of which no more is known than of all; NULL: no memory. */
static mlp_taken_run *place_of(mlp_taken *t, const mlp_record *r)
{
    mlp_taken_run *free_one = NULL;
    for (size_t i = 0; i < t->n; i++) {
        if (is_of(&t->run[i], r))
            return &t->run[i];
        if (!free_one && t->run[i].seq <= t->done)
            free_one = &t->run[i];
    }
    return free_one ? free_one : add_place(t);
}

void mlp_taken_note(mlp_taken *t, const mlp_record *r)
{
    mlp_taken_run *run = NULL;
    if (t->journal[0] && r->run_id_n > 0 && r->run_id_n <= MLP_TAKEN_RUN)
        run = place_of(t, r);
    if (!run)
        return;
    run->seq = r->seq;
    run->n = (uint32_t)r->run_id_n;
    memcpy(run->id, r->run_id, r->run_id_n);
    t->news++;
    put(t, (size_t)(run - t->run) + 1, run->seq, run);
}

void mlp_taken_done(mlp_taken *t, uint64_t seq)
{
    if (!t->journal[0] || seq <= t->done)
        return;
    t->done = seq;
    t->news++;
    put(t, 0, seq, NULL);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

void mlp_taken_asks(mlp_taken *t, bool begin)
{
    if (!t->journal[0])
        return;
    t->asked_ms = begin ? mlp_sys.now_ms() : 0;
    put(t, 0, t->done, NULL);
}

/* A clock that was set makes it no longer. */
int64_t mlp_taken_cools_ms(const mlp_taken *t)
{
    int64_t age = mlp_sys.now_ms() - t->asked_ms;
    return t->asked_ms && age >= 0 && age < COOLS_MS ? COOLS_MS - age : 0;
}
