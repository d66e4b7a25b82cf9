/*
 * The spool's inside. One journal per session: up to three lanes (memory, process, disk), each a list of segments,
 * under one numbering, so that records are delivered in the order in which they were accepted whatever their level.
 *
 * Threads. `lock` guards all but what says otherwise; a logging call holds it for the copy of its records. A segment's
 * bytes below `ready` never change until the delivery thread, which alone takes segments out of a list, has delivered
 * them. `sink_lock` is held around calls of the sink and is taken before `lock`.
 */
#ifndef MLP_SPOOL_INSIDE_H
#define MLP_SPOOL_INSIDE_H
#include "spool/run_map.h"
#include "spool/segment.h"
#include "spool/spool_folder.h"
#include "spool/taken.h"

#define MLP_SPOOL_BATCH           16384
#define MLP_SPOOL_PLACES          2
#define MLP_SPOOL_SPARES          8
#define MLP_SPOOL_MEMORY_SEGMENTS 32    /* at level memory, then a call waits for the delivery */
#define MLP_SPOOL_PACK_BEHIND     8  /* segments behind the first one that stay as they are while the sink works */
#define MLP_SPOOL_SILENT_MS       3000 /* without an answer to a batch: the sink is down */
#define MLP_SPOOL_PATIENCE_MS     30000 /* of level remote, level memory and close with a sink that fails */

/* One call that waits for its group to be written. */
typedef struct mlp_commit {
    struct mlp_commit *next;
    size_t n;
    bool remote, done; /* remote: durable only when the sink says so */
    mlplat_error error;
} mlp_commit;

/* One call at level remote that waits for the sink's word. */
typedef struct mlp_wait {
    struct mlp_wait *next;
    uint64_t first, last;
    mlp_verdict refusal; /* of one of its records */
    bool dropped;        /* one of them was, as the spool was full */
} mlp_wait;

/* On the stack of a logging call, listed while it waits. Set remote and led; the rest is filled at need. */
typedef struct mlp_ticket {
    bool remote;
    bool led; /* it wrote a group: those who wait for `progress` are to be woken, once the lock is free */
    mlp_commit commit;
    mlp_wait wait;
} mlp_ticket;

/* What one call brings: records, or a span. */
typedef struct mlp_entry {
    const mlp_record *records;
    const mlp_span *span;
    size_t n, bytes; /* records; what they take in a segment */
} mlp_entry;

typedef struct mlp_lane {
    mlp_lane_kind kind;
    mlp_segment_kind segments; /* MAPPED or WRITTEN: lane process on a file system that cannot be mapped */
    bool synced;               /* disk: a group is durable when it is written */
    mlp_segment *head, *tail;  /* from the one that is delivered next to the one that is filled */
    mlp_segment *spare[MLP_SPOOL_SPARES];
    int n_spare, n_segments;
    int ahead; /* spares to have: as many more as there were too few */
    bool used;
    int64_t no_spare_until; /* monotonic ns: making one failed, do not try at once again */
    /* group commit */
    mlp_commit *waiting;                 /* calls whose records the next group takes */
    bool leading;                        /* a thread writes a group */
    int came, crowd;                     /* calls within the last sync; that are worth waiting for, */
    int64_t patience_ns;                 /* and for how long */
    uint64_t group_first, collect_first; /* first records of the group being written and of the next; 0: none */
    /* of the delivery thread alone */
    size_t at, inside; /* in head, and in the frame there */
} mlp_lane;

typedef struct mlp_dead_mark { /* what mlp_spool_set_aside did inside the sink's transaction */
    bool retrying;             /* the records come from a dead letter file, which stays until all is done */
    bool done;
    uint64_t first;
} mlp_dead_mark;

/* The room that all files take. Under lock. */
typedef struct mlp_quota {
    uint64_t most, bytes, others; /* others: of other journals, when last looked */
    mlp_spool_full full;
    const mlp_hook *hook;
    uint64_t blocked, refused, dropped; /* calls that waited, calls refused, records dropped */
    bool told;                          /* that it is used up */
} mlp_quota;

/* The thread that keeps room: the one that delivers, or one of its own where that may wait long for its sink. */
typedef struct mlp_room {
    pthread_t thread;
    bool started, sleeping;
    int64_t looked; /* at other journals, monotonic ns */
} mlp_room;

/* What was brought in of processes that are gone. */
typedef struct mlp_replay_counts {
    uint64_t stored, dead, journals, damaged;
    uint64_t later; /* journals that are not yet to be touched */
    char heir[128]; /* one that another process stores just now; "": none */
} mlp_replay_counts;

struct mlp_spool {
    mlp_sink sink;
    mlp_place place[MLP_SPOOL_PLACES]; /* ours, and one more to look for orphans in */
    int n_places;
    char *store;
    mlplat_durability durability;
    const void *guard;
    void *own_guard;
    const mlp_logger *log;
    unsigned char boot[16];

    pthread_mutex_t lock, sink_lock;
    pthread_cond_t wake;     /* the delivery thread */
    pthread_cond_t progress; /* those who wait for it, and for a group */
    mlp_lane lane[MLP_LANE_COUNT];
    mlp_quota quota;
    mlp_room room;
    int64_t close_ms;
    uint64_t rate;
    _Atomic bool to_open; /* mlp_spool_bring_in has not been called */
    pthread_mutex_t bring_lock;
    bool orphans;   /* what others left is to be brought in by the delivery thread; under lock, as are */
    bool replaying; /* one thread does that */
    int syncing;    /* and so many want to: the delivery thread gives way */
    bool hurry;   /* somebody waits: what failed is tried again now */
    mlp_home home;
    const char *volatile_fs; /* the journal's file system, if it ends with our container */
    char id[33];
    uint64_t next_number;
    uint32_t salts;                                   /* counts lives of segments: no two have one salt */
    _Atomic uint64_t next_seq;                        /* of the next record; written under lock */
    _Atomic uint64_t done_seq;                        /* all up to here is stored, dead, or was never accepted */
    _Atomic uint64_t accepted, durable, stored, dead; /* written under lock */

    pthread_t thread;
    void *courier; /* what the delivery thread works with */
    bool started, stop, sleeping;
    int urgent; /* how many wait for the delivery */
    mlp_wait *waits;
    uint64_t attempts;       /* batches that the sink was given */
    mlplat_error sink_error; /* status OK: the last one went well */
    int64_t failing_since;   /* and took nothing; monotonic ns; 0: it is not */
    _Atomic int64_t asked_ns; /* since when the sink has a batch and has not answered; 0: it has none */
    uint64_t news;           /* of `taken`, when a batch failed last */

    mlp_run_map runs;
    mlp_taken taken;   /* of our journal, of the delivery thread */
    mlp_taken *taking; /* under sink_lock: of the journal that apply has a batch of; NULL: the sink knows itself */
    bool probing;      /* its records come one by one: what a later one says does not hold for those before it */
    mlp_dead_mark dead_mark;  /* under sink_lock, as is probed */
    size_t probed;            /* the batch of this failure that was tried record by record; 0: none */
    _Atomic bool left;        /* a segment's file is there that should not be */
    _Atomic bool stuck;       /* a journal that was taken over could not be given up again */
    _Atomic uint64_t damaged; /* segments set aside, not yet told by sync */
    mlp_replay_counts opening; /* of the replay when it was opened, not yet told by sync; under lock */
};

/* ---- journal.c: accepting ---------------------------------------------------------------------------------------- */

/* Under lock. A remote ticket is told the numbers and listed in `waits`. */
mlplat_status mlp_journal_append(mlp_spool *spool, mlp_lane *lane, const mlp_entry *entry, mlp_ticket *ticket,
                                 mlplat_error *err);

/* ---- lane.c: room ------------------------------------------------------------------------------------------------ */

/* Under lock: the lane's first record comes. Makes the journal's folder and starts the delivery thread. */
mlplat_status mlp_lane_open(mlp_spool *spool, mlp_lane *lane, mlplat_error *err);
/* Under lock: may the lane have a segment with room for `need` bytes of frames? */
bool mlp_lane_room(const mlp_spool *spool, const mlp_lane *lane, size_t need);
/* Under lock: a segment with room for `need` bytes of frames becomes the lane's last. */
mlplat_status mlp_lane_roll(mlp_spool *spool, mlp_lane *lane, size_t need, uint64_t first_seq, mlplat_error *err);
/* Without lock. */
void mlp_lane_prepare(mlp_spool *spool); /* the keeper: secures space ahead */
void mlp_lane_recycle(mlp_spool *spool, mlp_lane *lane, mlp_segment *segment); /* all of it is delivered */
void mlp_lane_warn(const mlp_spool *spool); /* once: the journal lies where it does not survive */
/* Nobody else uses the spool any more. remove: all is delivered; else the files stay for the next opener. */
bool mlp_lane_close(mlp_spool *spool, bool remove); /* is the journal gone? */

/* ---- quota.c ----------------------------------------------------------------------------------------------------- */

/* Under lock: may a file of so many bytes be made? */
bool mlp_quota_fits(const mlp_spool *spool, size_t bytes);
void mlp_quota_give(mlp_spool *spool, size_t bytes); /* under lock: a file went, or became smaller */
/* Under lock, which is given back meanwhile: does what a call has to do when it may not. OK: look again. *waited: false
 * at a call's first time. */
mlplat_status mlp_quota_make_room(mlp_spool *spool, bool *waited, mlplat_error *err);
void mlp_quota_look(mlp_spool *spool); /* the keeper: at what other journals take */

/* ---- room.c ---------------------------------------------------------------------------------------------------- */

void mlp_room_work(mlp_spool *spool); /* without lock */
mlplat_status mlp_room_start(mlp_spool *spool, mlplat_error *err);
void mlp_room_stop(mlp_spool *spool); /* when `stop` is set */

/* ---- deliver.c: storing ------------------------------------------------------------------------------------------ */

mlplat_status mlp_deliver_start(mlp_spool *spool, mlplat_error *err); /* under lock */
/* Waits until all up to seq is done: the sink's status if it refuses for good, TIMEOUT or its status when time is up.
 * patience_ms: counts only while the sink fails. Without lock. */
mlplat_status mlp_deliver_wait(mlp_spool *spool, uint64_t seq, int64_t timeout_ms, int64_t patience_ms,
                               const mlp_hook *hook, mlplat_error *err);
void mlp_deliver_stop(mlp_spool *spool);
void mlp_deliver_free(mlp_spool *spool); /* memory only; the thread is not, or not in this process */

/* ---- settle.c: one batch ----------------------------------------------------------------------------------------- */

typedef struct mlp_origin {
    const char *journal;
    mlp_taken *taken; /* NULL: nothing is kept */
    bool retrying;    /* the records come from a dead letter file, which the caller keeps up to date */
} mlp_origin;

/* Gives a batch to the sink. OK: each record is stored or a dead letter, *dead are the latter. */
mlplat_status mlp_settle_batch(mlp_spool *spool, const mlp_origin *from, const mlp_record *records, size_t n,
                               mlp_verdict *verdicts, size_t *dead, mlplat_error *err);

/* ---- pace.c: how fast a remote sink is asked --------------------------------------------------------------------- */

#define MLP_PACE_REQUEST 1000 /* records of one request */
#define MLP_PACE_MOST    8192 /* of one batch, which the sink brings in several */

typedef struct mlp_pace {
    size_t most;            /* records of the next batch */
    int64_t back_off_ms;    /* 0: it does not fail */
    int64_t not_before_ns;  /* the next attempt */
    int64_t last_ns;        /* the last one's end */
} mlp_pace;

size_t mlp_pace_batch(const mlp_spool *spool, const mlp_pace *pace);
void mlp_pace_went_well(const mlp_spool *spool, mlp_pace *pace, size_t n);
void mlp_pace_failed(const mlp_spool *spool, mlp_pace *pace, mlplat_status status, size_t n);
/* How long until the next attempt, 0: now; hurry: somebody waits for it. */
int64_t mlp_pace_left_ms(const mlp_spool *spool, const mlp_pace *pace, bool hurry);

/* ---- replay.c ---------------------------------------------------------------------------------------------------- */

bool mlp_replay_any(const mlp_spool *spool); /* does anybody's journal but ours lie there? */
/* One thread at a time: between the two that follow. wait: for a server that may have a request of a dead process. */
mlplat_status mlp_replay_orphans(mlp_spool *spool, const mlp_hook *hook, bool wait, mlp_replay_counts *out,
                                 mlplat_error *err);
/* Waits until it is this thread's turn; the hook may cancel. */
mlplat_status mlp_replay_begin(mlp_spool *spool, const mlp_hook *hook, mlplat_error *err);
void mlp_replay_end(mlp_spool *spool, mlplat_status status);
void mlp_replay_tell(const mlp_spool *spool, mlplat_status status, const mlp_replay_counts *n, const mlplat_error *err);

/* spool_status.c: up to which number another one's journal is known to be stored; 0: nothing is known. */
uint64_t mlp_spool_mark(mlp_spool *spool, int folder_fd, const char *id);
mlplat_status mlp_spool_usable(const mlp_spool *spool, mlplat_error *err); /* spool.c. STATE: inherited by fork */

/* ---- spool_status.c: records by run ------------------------------------------------------------------------------ */

bool mlp_status_count_run(json_t *counts, const char *run_id, size_t n); /* false: no memory */
json_t *mlp_status_runs(const json_t *counts, const char *member);       /* [{"run_id", member}]; NULL: no memory */

/* ---- scan.c ------------------------------------------------------------------------------------------------------ */

/* As mlp_spool_scan, of one run or of all (NULL), without what is known to be stored. */
typedef bool (*mlp_scan_see)(void *user, const char *journal_id, const mlp_record *record);
mlplat_status mlp_scan_waiting(mlp_spool *spool, const char *run_id, mlp_scan_see see, void *user, mlplat_error *err);

/* ---- deadletter.c ------------------------------------------------------------------------------------------------ */

/* Makes those records durable whose verdict is not OK; *n_dead counts them. Under sink_lock. */
mlplat_status mlp_deadletter_put(mlp_spool *spool, const char *journal_id, const mlp_record *records,
                                 const mlp_verdict *verdicts, size_t n, size_t *n_dead, mlplat_error *err);
void mlp_deadletter_take_back(mlp_spool *spool, const char *journal_id, uint64_t first_seq);
/* Removes what was written for batches of the journal that were never committed. */
void mlp_deadletter_reset(mlp_spool *spool, const char *journal_id, uint64_t mark);
/* The dead letters of all places, pushed to an array, each with "file". */
mlplat_status mlp_deadletter_list(mlp_spool *spool, json_t *out, mlplat_error *err);
/* Removes those of a run, or all (NULL), and counts them; dry: counts them. */
mlplat_status mlp_deadletter_drop(mlp_spool *spool, const char *run_id, bool dry, json_t *counts, mlplat_error *err);
mlplat_status mlp_deadletter_retry(mlp_spool *spool, const mlp_hook *hook, uint64_t *stored, uint64_t *dead,
                                   mlplat_error *err);

#endif
