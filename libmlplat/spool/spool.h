/*
 * The spool: call -> journal -> batch -> sink, for every sink alike. docs/architecture.md and the header's promise
 * ("what logged means") say what each level survives.
 */
#ifndef MLP_SPOOL_H
#define MLP_SPOOL_H
#include "base/file.h"
#include "base/hook.h"
#include "base/json.h"
#include "base/log.h"
#include <mlplat/session.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What records say. The embedded store's spool has metrics and tags alone; a server's has all that is logged, so that
 * no call waits for it. Numbers are in files: none is changed.
 */
typedef enum mlp_record_kind {
    MLP_RECORD_METRIC = 1,
    MLP_RECORD_TAG = 2,
    MLP_RECORD_PARAM = 3,
    MLP_RECORD_UNTAG = 4,    /* the tag is deleted; no text */
    MLP_RECORD_UPDATE = 5,   /* text: {"status", "run_name", "end_time"}, what is not there stays */
    MLP_RECORD_INPUTS = 6,   /* text: {"datasets", "models"} as MLflow's log-inputs has them */
    MLP_RECORD_OUTPUTS = 7,  /* text: {"models"} as MLflow's runs/outputs has them */
    MLP_RECORD_NOTE = 8,     /* text: {"entry", "once"}: goes to the JSON list in the tag */
    MLP_RECORD_CREATE = 9,   /* a run made offline: tracking/offline.h */
    /* key: its path below the run's; text: {"copy"} of the spool, or {"path", "size", "changed"} of a file that stays
     * where it is */
    MLP_RECORD_ARTIFACT = 10
} mlp_record_kind;
#define MLP_RECORD_LAST MLP_RECORD_ARTIFACT

/* One accepted record. Strings are not NUL-ended in the journal: lengths count. */
typedef struct mlp_record {
    mlp_record_kind kind;
    uint64_t seq; /* set by the spool, 1, 2, ... per journal */
    const char *run_id;
    size_t run_id_n;
    const char *key;
    size_t key_n;
    const char *text; /* a tag's or param's value; of a metric what metric_origin.h says, usually nothing */
    size_t text_n;
    double value; /* metric */
    int64_t step, timestamp_ms;
} mlp_record;

/* Points of one metric, accepted as that many records. */
typedef struct mlp_span {
    const char *run_id;
    size_t run_id_n;
    const char *key;
    size_t key_n;
    const double *values;
    const int64_t *steps, *timestamps_ms; /* NULL: `step` and those that follow; all at `timestamp_ms` */
    size_t n;
    int64_t step, timestamp_ms;
} mlp_span;

/* What the sink says of one record of a batch. */
typedef struct mlp_verdict {
    mlplat_status status; /* OK: stored (or there already). Anything else: set aside as a dead letter */
    char reason[200];
} mlp_verdict;

/* Nothing is said against the record. Those of a batch are large and hardly ever needed: memory that was never written
 * is none. */
static inline void mlp_verdict_clear(mlp_verdict *verdict)
{
    if (verdict->status == MLPLAT_OK)
        return;
    verdict->status = MLPLAT_OK;
    verdict->reason[0] = 0;
}

/* The store at the far end. Calls come from one thread at a time. */
typedef struct mlp_sink {
    /* Store the records of one journal, in order, in one transaction with the mark (journal id, last seq): records
     * whose seq is not above the stored mark are skipped. A long batch may be committed in parts. OK: all is committed
     * and synced, the verdicts are final. Anything else: the records above the mark are not stored. It is tried again
     * later; a refusal that is not retryable and may be about a record (INVALID, CONFLICT; NOT_FOUND, EXISTS, CORRUPT,
     * STATE, UNSUPPORTED if others of the batch go through) is first tried record by record. */
    mlplat_status (*apply)(void *ctx, const char *journal_id, const mlp_record *records, size_t n,
                           mlp_verdict *verdicts, mlplat_error *err);
    /* The stored mark of a journal, 0 if none. */
    mlplat_status (*mark)(void *ctx, const char *journal_id, uint64_t *seq, mlplat_error *err);
    /* Forget a journal's mark: its files are gone. */
    mlplat_status (*forget)(void *ctx, const char *journal_id, mlplat_error *err);
    /* How many records a batch had best have, if so many wait; asked by any thread. NULL: as many as it can have. */
    size_t (*appetite)(void *ctx);
    void *ctx;
    /* A server: an attempt may take long, so that room is kept by another thread, closing has a limit, what others left
     * is brought in meanwhile, and what fails is tried again later and later, at no fixed moment. */
    bool remote;
    /* Remote: not before this moment (monotonic ns) does it want to be asked again. NULL: at any time. */
    int64_t (*rest_until)(void *ctx);
    /* Remote: what runs then, and what is begun later, is CANCELLED. Any thread. NULL: there is no way. */
    void (*until)(void *ctx, int64_t mono_ns);
    /* mark cannot say what a server has: the spool keeps that, apply tells it by mlp_spool_took and asks it. */
    bool unmarked;
} mlp_sink;

typedef struct mlp_spool mlp_spool;

/* What a call does that finds the quota used up. */
typedef enum mlp_spool_full { MLP_FULL_BLOCK, MLP_FULL_DROP_OLDEST, MLP_FULL_ERROR } mlp_spool_full;

#define MLP_SPOOL_QUOTA    ((uint64_t)1 << 30)
#define MLP_SPOOL_CLOSE_MS 5000

typedef struct mlp_spool_options {
    const char *folder;      /* <store>.spool, or the setting */
    const char *also_folder; /* a second folder to look for orphans in; NULL: none */
    const char *store;       /* for messages and for the journal's header: only journals of this store are replayed */
    mlplat_durability durability; /* of the journal: MEMORY, PROCESS, DISK, REMOTE */
    const void *guard;            /* fork guard of the session */
    const mlp_logger *log;
    bool later;     /* what others left is brought in by mlp_spool_bring_in, not by opening */
    bool only_read; /* the sink cannot be written: what others left is not looked for */
    uint64_t quota; /* bytes of files that the spool may take; 0: MLP_SPOOL_QUOTA; UINT64_MAX: any */
    mlp_spool_full full;
    const mlp_hook *hook; /* of calls that wait for room; may be NULL */
    int64_t close_ms;     /* how long closing waits for a remote sink; 0: MLP_SPOOL_CLOSE_MS; negative: no limit */
    uint64_t rate;        /* records a second that a remote sink is given at most; 0: any */
} mlp_spool_options;

/* Replays orphans through the sink, then is ready. Makes its journal and its thread at the first append. */
mlplat_status mlp_spool_open(const mlp_spool_options *options, const mlp_sink *sink, mlp_spool **out,
                             mlplat_error *err);
/* With `later`: once what opening does else. Before anything is read from the store or logged. */
void mlp_spool_bring_in(mlp_spool *spool);
/* Waits until all is delivered (the hook may cancel; what stays is warned about), removes the journal, frees. */
void mlp_spool_close(mlp_spool *spool, const mlp_hook *hook);
void mlp_spool_abandon(mlp_spool *spool); /* in a forked child */

/* For a sink, inside apply before its commit, when it refuses some of the batch: brings those to the dead letters
 * first, so that a crash right behind the commit loses none of them. If it fails, apply must roll back and fail too;
 * the part of a batch that is committed last may hold refusals, those before it not. What apply refuses without this
 * call is set aside after it returned, as well as that goes. spool: as mlp_spool_open puts it out, which is before
 * replay. */
mlplat_status mlp_spool_set_aside(mlp_spool *spool, const char *journal_id, const mlp_record *records,
                                  const mlp_verdict *verdicts, size_t n, mlplat_error *err);

/* For a sink that is unmarked, inside apply: the server has the record and those before it of its run, and refused none
 * of them in this batch; so they are not sent again, whatever breaks or is killed. */
void mlp_spool_took(mlp_spool *spool, const mlp_record *record);
/* A request goes out to it that must not be carried out behind later ones; and its answer came. */
void mlp_spool_asks(mlp_spool *spool, bool begin);
/* Up to which number it has the records of this one's run; 0: nothing is known. */
uint64_t mlp_spool_taken(const mlp_spool *spool, const mlp_record *record);

/* Accept n records: all or none. Returns when they are as durable as `durability` says (0: the spool's own; a higher
 * one than the spool's journal opens one of that kind at need). Any thread; no allocation, no system call at level
 * PROCESS. */
mlplat_status mlp_spool_append(mlp_spool *spool, const mlp_record *records, size_t n, mlplat_durability durability,
                               mlplat_error *err);
/* The level that durability means (0: the spool's own), for what nobody waits for the store for: DISK for REMOTE. */
mlplat_durability mlp_spool_own_level(const mlp_spool *spool, mlplat_durability durability);
/* Accept a span: what its points have in common is looked at, checksummed and written once for many. */
mlplat_status mlp_spool_append_span(mlp_spool *spool, const mlp_span *span, mlplat_durability durability,
                                    mlplat_error *err);
/* Wait until all accepted so far is delivered or dead. timeout_ms as mlplat_flush; TIMEOUT; the sink's last status when
 * it refuses for good. */
mlplat_status mlp_spool_drain(mlp_spool *spool, int64_t timeout_ms, const mlp_hook *hook, mlplat_error *err);
/* The same, with a sink that fails for patience_ms at most. */
mlplat_status mlp_spool_settle(mlp_spool *spool, int64_t timeout_ms, int64_t patience_ms, const mlp_hook *hook,
                               mlplat_error *err);
bool mlp_spool_idle(const mlp_spool *spool); /* nothing waits: cheap, no lock */

/* Copies of files that records name, made before them; name is its id. size: what the source will give, which the quota
 * counts. sync: it survives a power cut. NO_SPACE: more than the quota, or that is used up and calls are refused. */
mlplat_status mlp_spool_copy_put(mlp_spool *spool, mlp_file_source source, void *user, uint64_t size, bool sync,
                                 char name[33], mlplat_error *err);
mlplat_status mlp_spool_copy_open(mlp_spool *spool, const char *name, int *fd, mlplat_error *err); /* NOT_FOUND */
void mlp_spool_copy_remove(mlp_spool *spool, const char *name);

void mlp_spool_count(const mlp_spool *spool, uint64_t *accepted, uint64_t *durable, uint64_t *stored, uint64_t *dead);
/* Shows the records of a run that lie in journals of any process, a journal's in their order, until see says false.
 * What is stored may be shown still, for a while; what is in memory alone (level memory) is not. */
typedef bool (*mlp_spool_see)(void *user, const mlp_record *record);
mlplat_status mlp_spool_scan(mlp_spool *spool, const char *run_id, mlp_spool_see see, void *user, mlplat_error *err);

/* Runs made offline: run_map.h. *out: the server's id, lent for the spool's life; NULL: it has none yet. */
mlplat_status mlp_spool_run_of(mlp_spool *spool, const char *id, const char **out, mlplat_error *err);
mlplat_status mlp_spool_run_is(mlp_spool *spool, const char *id, const char *server_id, mlplat_error *err);
mlplat_status mlp_spool_run_lock(mlp_spool *spool, mlplat_error *err);
void mlp_spool_run_unlock(mlp_spool *spool);
/* Does the sink fail now with what will pass, or say nothing to a batch for long, so that it is not worth asking? */
bool mlp_spool_is_down(mlp_spool *spool);

/* The public documents of tracking.h. New references. */
mlplat_status mlp_spool_status(mlp_spool *spool, json_t **out, mlplat_error *err);
mlplat_status mlp_spool_prometheus(mlp_spool *spool, mlp_buf *out, mlplat_error *err); /* the status, as text for it */
mlplat_status mlp_spool_inspect(mlp_spool *spool, const char *what, const char *run_id, size_t most, json_t **out,
                                mlplat_error *err);
/* NOT_FOUND: nothing is of that run. */
mlplat_status mlp_spool_drop(mlp_spool *spool, const char *what, const char *run_id, bool dry, json_t **out,
                             mlplat_error *err);
/* OK: what this process accepted and what dead ones left is stored or dead. Else it says how much waits on, and why. */
mlplat_status mlp_spool_sync(mlp_spool *spool, const mlp_hook *hook, json_t **out, mlplat_error *err);
mlplat_status mlp_spool_retry(mlp_spool *spool, const mlp_hook *hook, json_t **out, mlplat_error *err);

#endif
