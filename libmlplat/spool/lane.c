/* The room of a journal: its folder, its lanes, and the segments that come into their lists and go. */
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "spool/spool_inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- opening the journal, at the first record -------------------------------------------------------------------- */

static bool mappable(const char *kind)
{
    return !*kind || strcmp(kind, "tmpfs") == 0 || strcmp(kind, "overlay") == 0;
}

static bool in_container(void)
{
    static const char *const signs[] = {"/.dockerenv", "/run/.containerenv"};
    bool found = getenv("KUBERNETES_SERVICE_HOST") != NULL;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        found = found || access(signs[i], F_OK) == 0;
    return found;
}

/* What is on a layer of the container goes with it. The delivery thread says so: nothing is logged with a lock held. */
void mlp_lane_warn(const mlp_spool *sp)
{
    if (sp->volatile_fs)
        mlp_log(
            sp->log, MLPLAT_LOG_WARNING,
            "the spool %s lies on %s in a container: what is not yet stored when the container ends is lost. Mount a "
            "volume for it: docker run -v mlplat-spool:/spool -e MLPLAT_SPOOL=/spool (in Kubernetes a volumeMount "
            "at /spool)",
            sp->place[0].path, sp->volatile_fs);
}

static mlplat_status open_home(mlp_spool *sp, mlplat_error *err)
{
    mlplat_status status = mlp_home_make(&sp->place[0], sp->id, &sp->home, err);
    if (status != MLPLAT_OK)
        return status;
    const char *kind = mlp_os_fs_kind(sp->home.fd);
    if (in_container() && (strcmp(kind, "overlay") == 0 || strcmp(kind, "tmpfs") == 0))
        sp->volatile_fs = kind;
    if (mappable(kind))
        sp->lane[MLP_LANE_PROCESS].segments = MLP_SEGMENT_MAPPED;
    return MLPLAT_OK;
}

/* The names on the way to the first synced segment must survive a power cut as well. */
static mlplat_status sync_folders(const mlp_spool *sp, mlplat_error *err)
{
    int up = mlp_sys.open(sp->home.place_fd, "..", O_RDONLY | O_DIRECTORY, 0);
    bool synced = mlp_sys.fsync(sp->home.place_fd) == 0 && (up == -1 || mlp_sys.fsync(up) == 0);
    mlplat_status status =
        synced ? MLPLAT_OK
               : mlp_fail_errno(err, errno, "spool folder %s cannot be brought to the disk", sp->place[0].path);
    if (up != -1)
        mlp_sys.close(up);
    return status;
}

mlplat_status mlp_lane_open(mlp_spool *sp, mlp_lane *lane, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    if (lane->kind != MLP_LANE_MEMORY && !sp->home.held)
        status = open_home(sp, err);
    if (status == MLPLAT_OK && lane->synced)
        status = sync_folders(sp, err);
    if (status == MLPLAT_OK && !sp->started)
        status = mlp_deliver_start(sp, err);
    lane->used = status == MLPLAT_OK;
    return status;
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

/* Mixes a counter into a salt: a bijection, so that no salt comes twice in a journal's life. */
static uint32_t next_salt(mlp_spool *sp)
{
    uint32_t x = ++sp->salts;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

static void begin(mlp_spool *sp, mlp_lane *lane, mlp_segment *s, uint64_t first_seq)
{
    mlp_segment_head head = {
        .lane = (uint16_t)lane->kind,
        .salt = next_salt(sp),
        .number = s->number,
        .first_seq = first_seq,
        .store = sp->place[0].identity,
        .capacity = s->cap,
    };
    memcpy(head.journal, sp->id, sizeof head.journal);
    memcpy(head.boot, sp->boot, sizeof head.boot);
    mlp_segment_begin(s, &head);
}

/* On a file system that says it can be mapped and cannot, the lane goes on with written segments. */
static mlplat_status make(mlp_spool *sp, mlp_lane *lane, uint64_t number, size_t cap, mlp_segment **out,
                          mlplat_error *err)
{
    int fd = lane->kind == MLP_LANE_MEMORY ? -1 : sp->home.fd;
    mlplat_error first = {0};
    mlplat_status status = mlp_segment_make(lane->segments, fd, number, cap, lane->synced, out, &first);
    if (status != MLPLAT_OK && status != MLPLAT_NO_SPACE && lane->segments == MLP_SEGMENT_MAPPED && !lane->tail) {
        lane->segments = MLP_SEGMENT_WRITTEN;
        status = mlp_segment_make(lane->segments, fd, number, cap, lane->synced, out, &first);
    }
    if (status != MLPLAT_OK && err)
        *err = first;
    return status;
}

#define LOADED 3 /* segments of a lane that stay in memory while the sink is behind */

/* A sink that is slow, or away for long, must not make the process large. */
static void give_memory_back(const mlp_lane *lane, mlp_segment *full)
{
    if (lane->n_segments >= LOADED && !full->held && mlp_segment_in_file(full))
        mlp_segment_unload(full);
}

static void push(mlp_lane *lane, mlp_segment *s)
{
    if (lane->tail) {
        lane->tail->sealed = true;
        give_memory_back(lane, lane->tail);
        lane->tail->next = s;
    } else {
        lane->head = s;
        lane->at = MLP_SEGMENT_HEAD;
        lane->inside = 0;
    }
    lane->tail = s;
    lane->n_segments++;
}

/* One whose memory cannot be had just now waits on. */
static mlp_segment *take_spare(mlp_lane *lane, size_t cap)
{
    mlp_segment *s = lane->n_spare > 0 ? lane->spare[lane->n_spare - 1] : NULL;
    if (!s || s->cap < cap || mlp_segment_wake(s, NULL) != MLPLAT_OK)
        return NULL;
    lane->n_spare--;
    return s;
}

/* A lane's first is small: many programs log a few points. */
static size_t capacity_for(const mlp_lane *lane, size_t need)
{
    size_t cap = need + MLP_SEGMENT_HEAD, usual = lane->tail ? MLP_SEGMENT_BYTES : MLP_SEGMENT_FIRST;
    return cap > usual ? (cap + 4095) & ~(size_t)4095 : usual;
}

bool mlp_lane_room(const mlp_spool *sp, const mlp_lane *lane, size_t need)
{
    size_t cap = capacity_for(lane, need);
    bool spare = lane->n_spare > 0 && lane->spare[lane->n_spare - 1]->cap >= cap;
    return spare || mlp_quota_fits(sp, cap);
}

mlplat_status mlp_lane_roll(mlp_spool *sp, mlp_lane *lane, size_t need, uint64_t first_seq, mlplat_error *err)
{
    size_t cap = capacity_for(lane, need);
    mlp_segment *s = take_spare(lane, cap);
    if (!s && lane->ahead < MLP_SPOOL_SPARES)
        lane->ahead++;
    bool spare = s != NULL;
    mlplat_status status = spare ? MLPLAT_OK : make(sp, lane, ++sp->next_number, cap, &s, err);
    if (!s)
        return mlp_fail_prefix(err, status, "spool %s", sp->place[0].path);
    sp->quota.bytes += spare ? 0 : s->disk;
    begin(sp, lane, s, first_seq);
    push(lane, s);
    return MLPLAT_OK;
}

/* ---- by the delivery thread, ahead of need ----------------------------------------------------------------------- */

#define AWAKE 2 /* spares with their memory: those that come next; the others are files */

/* Under lock. */
static int count_awake(const mlp_lane *lane)
{
    int n = 0;
    while (n < lane->n_spare && lane->spare[lane->n_spare - 1 - n]->base)
        n++;
    return n;
}

static void drop(mlp_spool *sp, mlp_segment *s)
{
    size_t disk = s->disk;
    if (!mlp_segment_drop(s, s->damaged ? -1 : sp->home.fd))
        atomic_store(&sp->left, true);
    pthread_mutex_lock(&sp->lock);
    mlp_quota_give(sp, disk);
    pthread_mutex_unlock(&sp->lock);
}

/* One for which there is no place goes. */
static void add_spare(mlp_spool *sp, mlp_lane *lane, mlp_segment *s)
{
    pthread_mutex_lock(&sp->lock);
    bool enough = count_awake(lane) >= AWAKE;
    pthread_mutex_unlock(&sp->lock);
    if (enough)
        mlp_segment_rest(s);
    pthread_mutex_lock(&sp->lock);
    bool room = lane->n_spare < MLP_SPOOL_SPARES;
    if (room) {
        int at = s->base ? lane->n_spare : 0;
        memmove(lane->spare + at + 1, lane->spare + at, (size_t)(lane->n_spare - at) * sizeof *lane->spare);
        lane->spare[at] = s;
        lane->n_spare++;
    }
    pthread_mutex_unlock(&sp->lock);
    if (!room)
        drop(sp, s);
}

/* Those that rest lie below those that do not. */
static mlp_segment *take_resting(mlp_spool *sp, mlp_lane *lane)
{
    mlp_segment *s = NULL;
    pthread_mutex_lock(&sp->lock);
    int awake = count_awake(lane), at = lane->n_spare - 1 - awake;
    if (awake < AWAKE && at >= 0) {
        s = lane->spare[at];
        lane->n_spare--;
        memmove(lane->spare + at, lane->spare + at + 1, (size_t)awake * sizeof *lane->spare);
    }
    pthread_mutex_unlock(&sp->lock);
    return s;
}

static void wake_next(mlp_spool *sp, mlp_lane *lane)
{
    mlp_segment *s;
    mlplat_status status = MLPLAT_OK;
    while (status == MLPLAT_OK && (s = take_resting(sp, lane))) {
        status = mlp_segment_wake(s, NULL); /* if not, the call that takes it tries again */
        add_spare(sp, lane, s);
    }
}

#define NO_SPARE_NS 1000000000 /* a full disk is not asked all the time */

static bool wants_spare(const mlp_lane *lane)
{
    return lane->used && lane->kind != MLP_LANE_MEMORY && lane->n_spare < lane->ahead && lane->tail &&
           lane->tail->end > lane->tail->cap / 4 && mlp_clock_mono_ns() >= lane->no_spare_until;
}

static bool prepare_spare(mlp_spool *sp, mlp_lane *lane)
{
    mlp_segment *s = NULL;
    pthread_mutex_lock(&sp->lock);
    bool wanted = wants_spare(lane) && mlp_quota_fits(sp, MLP_SEGMENT_BYTES);
    sp->quota.bytes += wanted ? MLP_SEGMENT_BYTES : 0;
    uint64_t number = wanted ? ++sp->next_number : 0;
    mlp_segment_kind kind = lane->segments;
    pthread_mutex_unlock(&sp->lock);
    if (!wanted)
        return false;
    mlplat_status status = mlp_segment_make(kind, sp->home.fd, number, MLP_SEGMENT_BYTES, lane->synced, &s, NULL);
    if (status == MLPLAT_OK) {
        add_spare(sp, lane, s);
        return true;
    }
    pthread_mutex_lock(&sp->lock);
    lane->no_spare_until = mlp_clock_mono_ns() + NO_SPARE_NS;
    sp->quota.bytes -= MLP_SEGMENT_BYTES;
    pthread_mutex_unlock(&sp->lock);
    return false;
}

void mlp_lane_prepare(mlp_spool *sp)
{
    for (int i = MLP_LANE_PROCESS; i < MLP_LANE_COUNT; i++) {
        wake_next(sp, &sp->lane[i]);
        while (prepare_spare(sp, &sp->lane[i]))
            ;
    }
}

/* What did not fit its checksum stays for whoever wants to look. */
static void set_bad_aside(mlp_spool *sp, const mlp_segment *s)
{
    char from[40], to[80];
    mlp_segment_name(s->number, s->packed, from);
    snprintf(to, sizeof to, "%.8s-%llu.bad", sp->id, (unsigned long long)s->number);
    if (mlp_sys.rename(sp->home.fd, from, sp->home.place_fd, to) == 0)
        mlp_log(sp->log, MLPLAT_LOG_ERROR, "spool %s: a segment of our own journal is damaged and was set aside as %s",
                sp->place[0].path, to);
    atomic_fetch_add(&sp->damaged, 1);
}

void mlp_lane_recycle(mlp_spool *sp, mlp_lane *lane, mlp_segment *s)
{
    bool again = s->base && !s->poisoned && !s->reloaded && !s->damaged && s->cap == MLP_SEGMENT_BYTES &&
                 s->kind == lane->segments;
    if (again)
        mlp_segment_blank(s);
    if (s->damaged)
        set_bad_aside(sp, s);
    pthread_mutex_lock(&sp->lock);
    lane->n_segments--;
    again = again && lane->n_spare < lane->ahead;
    pthread_mutex_unlock(&sp->lock);
    if (again)
        add_spare(sp, lane, s);
    else
        drop(sp, s);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void drop_all(mlp_spool *sp, mlp_lane *lane, int folder_fd)
{
    for (mlp_segment *s = lane->head, *next; s; s = next) {
        next = s->next;
        if (!mlp_segment_drop(s, folder_fd))
            atomic_store(&sp->left, true);
    }
    while (lane->n_spare > 0)
        if (!mlp_segment_drop(lane->spare[--lane->n_spare], sp->home.held ? sp->home.fd : -1))
            atomic_store(&sp->left, true);
    lane->head = lane->tail = NULL;
}

/* A file that could not be removed is left with its folder and its mark: without that the next opener would store its
 * records again. */
bool mlp_lane_close(mlp_spool *sp, bool remove)
{
    for (int i = 0; i < MLP_LANE_COUNT; i++)
        drop_all(sp, &sp->lane[i], remove && sp->home.held ? sp->home.fd : -1);
    if (!sp->home.held)
        return remove;
    remove = remove && !atomic_load(&sp->left);
    if (remove && sp->lane[MLP_LANE_DISK].used)
        mlp_sys.fsync(sp->home.fd); /* no power cut brings a segment back whose mark is forgotten */
    bool kept = sp->taken.journal[0] != 0;
    mlp_taken_close(&sp->taken);
    if (remove && kept)
        mlp_sys.unlink(sp->home.fd, MLP_TAKEN_FILE, 0);
    if (remove)
        mlp_home_remove(&sp->home);
    else
        (void)mlp_home_leave(&sp->home);
    mlp_place_tidy(&sp->place[0]);
    return remove;
}
