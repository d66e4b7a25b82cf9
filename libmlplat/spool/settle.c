/* One batch, whoever it comes from: to the sink, and what the sink refuses to the dead letters. */
#include "base/clock.h"
#include "base/err.h"
#include "spool/spool_inside.h"
#include <stdio.h>

#define LATE_MS 1000
#define ENOUGH  16 /* records refused alone, and none taken: it is the store */

typedef enum refusal { OF_STORE, OF_RECORD, OF_EITHER } refusal;

/* Whom a failed apply is about. Of EITHER: if others of the batch go through alone, it was the record. */
static refusal about(mlplat_status status, const mlplat_error *err)
{
    if (err->retryable)
        return OF_STORE;
    switch (status) {
    case MLPLAT_INVALID:
    case MLPLAT_CONFLICT:
        return OF_RECORD;
    case MLPLAT_NOT_FOUND: /* a run, or the store's file */
    case MLPLAT_EXISTS:
    case MLPLAT_CORRUPT:
    case MLPLAT_UNSUPPORTED:
    case MLPLAT_STATE:
        return OF_EITHER;
    default:
        return OF_STORE;
    }
}

/* What was set aside counts if the transaction that refused it was committed: a sink may commit a batch in parts. */
static void check_aside(mlp_spool *sp, const char *id)
{
    uint64_t mark;
    if (sp->sink.mark(sp->sink.ctx, id, &mark, NULL) == MLPLAT_OK && mark < sp->dead_mark.first)
        mlp_deadletter_take_back(sp, id, sp->dead_mark.first);
    sp->dead_mark.done = false;
}

static mlplat_status apply(mlp_spool *sp, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts,
                           mlplat_error *err)
{
    *err = (mlplat_error){0};
    for (size_t i = 0; i < n; i++)
        mlp_verdict_clear(&verdicts[i]);
    sp->dead_mark.done = false;
    atomic_store(&sp->asked_ns, mlp_clock_mono_ns());
    mlplat_status status = sp->sink.apply(sp->sink.ctx, id, records, n, verdicts, err);
    atomic_store(&sp->asked_ns, 0);
    if (status != MLPLAT_OK && sp->dead_mark.done)
        check_aside(sp, id);
    return status;
}

/* A sink that did not call mlp_spool_set_aside has committed already: the refused records exist here alone. */
static mlplat_status put_late(mlp_spool *sp, const char *id, const mlp_record *records, size_t n,
                              const mlp_verdict *verdicts, mlplat_error *err)
{
    size_t refused = 0;
    mlplat_status status = mlp_deadletter_put(sp, id, records, verdicts, n, &refused, err);
    for (int ms = 10; status != MLPLAT_OK && ms < LATE_MS; ms *= 2) {
        mlp_clock_sleep_ms(ms);
        status = mlp_deadletter_put(sp, id, records, verdicts, n, &refused, err);
    }
    return status;
}

static mlplat_status keep_refused(mlp_spool *sp, const char *id, const mlp_record *records, size_t n,
                                  const mlp_verdict *verdicts, size_t *dead, mlplat_error *err)
{
    size_t refused = 0;
    for (size_t i = 0; i < n; i++)
        refused += verdicts[i].status != MLPLAT_OK;
    *dead += refused;
    if (refused == 0 && sp->dead_mark.done) /* the sink tried twice, and the second time it went well */
        mlp_deadletter_take_back(sp, id, sp->dead_mark.first);
    if (refused == 0 || sp->dead_mark.done || sp->dead_mark.retrying)
        return MLPLAT_OK;
    return put_late(sp, id, records, n, verdicts, err);
}

static mlplat_status apply_one(mlp_spool *sp, const char *id, const mlp_record *record, mlp_verdict *verdict,
                               size_t *dead, bool *alone, mlplat_error *err)
{
    mlplat_status status = apply(sp, id, record, 1, verdict, err);
    *alone = status != MLPLAT_OK && about(status, err) != OF_STORE;
    if (*alone) {
        verdict->status = status;
        snprintf(verdict->reason, sizeof verdict->reason, "%.199s", err->message);
    }
    if (status != MLPLAT_OK && !*alone)
        return status;
    return keep_refused(sp, id, record, 1, verdict, dead, err);
}

/* The whole batch was refused: those go through that can, the others become dead letters. If none goes through and it
 * may be the store's fault, nothing is set aside. */
static mlplat_status one_by_one(mlp_spool *sp, const char *id, const mlp_record *records, size_t n,
                                mlp_verdict *verdicts, size_t *dead, mlplat_error *err)
{
    mlplat_error first = *err;
    bool alone, certain = about(err->status, err) == OF_RECORD;
    size_t passed = 0, tried = 0;
    *dead = 0;
    for (; tried < n && (certain || passed > 0 || tried < ENOUGH); tried++) {
        size_t i = tried;
        mlplat_status status = apply_one(sp, id, &records[i], &verdicts[i], dead, &alone, err);
        if (status != MLPLAT_OK)
            return status; /* those set aside until now are written again under the same names */
        passed += !alone;
    }
    if (passed > 0 || certain)
        return MLPLAT_OK;
    for (size_t i = 0; i < tried && !sp->dead_mark.retrying; i++)
        mlp_deadletter_take_back(sp, id, records[i].seq);
    *dead = 0;
    *err = first;
    return first.status;
}

/* A store that refuses everything is not asked record by record at every attempt, only when the batch has grown. */
static bool worth_probing(const mlp_spool *sp, size_t n, mlplat_status status, const mlplat_error *err)
{
    refusal whose = about(status, err);
    return whose == OF_RECORD || (whose == OF_EITHER && n / 2 >= sp->probed);
}

/* Under sink_lock. */
static mlplat_status settle(mlp_spool *sp, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts,
                            size_t *dead, mlplat_error *err)
{
    mlplat_status status = apply(sp, id, records, n, verdicts, err);
    if (status == MLPLAT_OK) {
        sp->probed = 0;
        return keep_refused(sp, id, records, n, verdicts, dead, err);
    }
    if (!worth_probing(sp, n, status, err))
        return status;
    err->status = status;
    sp->probed = n;
    sp->probing = true;
    status = one_by_one(sp, id, records, n, verdicts, dead, err);
    sp->probing = false;
    sp->probed = status == MLPLAT_OK ? 0 : n;
    return status;
}

/* That all is taken is said when the refused ones are safe among the dead letters. */
mlplat_status mlp_settle_batch(mlp_spool *sp, const mlp_origin *from, const mlp_record *records, size_t n,
                               mlp_verdict *verdicts, size_t *dead, mlplat_error *err)
{
    mlplat_error local = {0};
    mlplat_error *e = err ? err : &local;
    *dead = 0;
    pthread_mutex_lock(&sp->sink_lock);
    sp->dead_mark.retrying = from->retrying;
    sp->taking = from->taken;
    mlplat_status status = settle(sp, from->journal, records, n, verdicts, dead, e);
    if (status == MLPLAT_OK && from->taken)
        mlp_taken_done(from->taken, records[n - 1].seq);
    sp->taking = NULL;
    pthread_mutex_unlock(&sp->sink_lock);
    if (status != MLPLAT_OK)
        e->status = status;
    return status;
}

void mlp_spool_took(mlp_spool *sp, const mlp_record *record)
{
    if (sp && sp->taking && !sp->probing)
        mlp_taken_note(sp->taking, record);
}

void mlp_spool_asks(mlp_spool *sp, bool begin)
{
    if (sp && sp->taking)
        mlp_taken_asks(sp->taking, begin);
}

uint64_t mlp_spool_taken(const mlp_spool *sp, const mlp_record *record)
{
    return sp && sp->taking ? mlp_taken_of(sp->taking, record) : 0;
}

mlplat_status mlp_spool_set_aside(mlp_spool *sp, const char *journal_id, const mlp_record *records,
                                  const mlp_verdict *verdicts, size_t n, mlplat_error *err)
{
    size_t dead = 0;
    if (!sp || sp->dead_mark.retrying)
        return MLPLAT_OK;
    mlplat_status status = mlp_deadletter_put(sp, journal_id, records, verdicts, n, &dead, err);
    for (size_t i = 0; status == MLPLAT_OK && i < n; i++)
        if (verdicts[i].status != MLPLAT_OK) {
            if (sp->dead_mark.done && sp->dead_mark.first != records[i].seq)
                mlp_deadletter_take_back(sp, journal_id, sp->dead_mark.first); /* the same batch, tried once more */
            sp->dead_mark.done = true;
            sp->dead_mark.first = records[i].seq;
            break;
        }
    return status;
}
