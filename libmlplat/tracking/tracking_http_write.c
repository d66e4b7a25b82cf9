/* The sink: records of a journal, run by run, each run's in their order. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "tracking/tracking_http_deliver.h"
#include <stdio.h>
#include <string.h>

typedef struct parcel {
    mlp_tracking_http_store *store;
    const char *journal;
    const mlp_record *records;
    mlp_verdict *verdicts;
    size_t n;
    bool *taken;
    mlp_delivery_item *items; /* of one run */
} parcel;

/* What went well of a batch that is tried again is not sent again: a line that fails now and then lets it through in
 * the end. Those that were refused are: their verdicts are the new try's. */
static bool keep_progress(const mlp_delivery *d, const mlp_delivery_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].verdict->status != MLPLAT_OK)
            return false;
    mlp_spool_took(*d->store->spool, items[n - 1].record);
    return true;
}

static mlplat_status deliver_run(const parcel *p, mlp_delivery *d, size_t n, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    size_t at = 0;
    bool whole = true;
    for (uint64_t done = mlp_spool_taken(*d->store->spool, p->items[0].record);
         at < n && p->items[at].record->seq <= done;)
        at++;
    for (size_t many; s == MLPLAT_OK && at < n; at += many) {
        const mlp_delivery_item *items = p->items + at;
        many = mlp_deliver_room(items, n - at);
        s = many ? mlp_deliver_values(d, items, many, err) : mlp_deliver_other(d, items, err);
        many = many ? many : 1;
        whole = s == MLPLAT_OK && whole && keep_progress(d, items, many);
    }
    return s;
}

/* The records of the run of the first one. */
static size_t collect(parcel *p, size_t first)
{
    const mlp_record *of = &p->records[first];
    size_t n = 0;
    for (size_t i = first; i < p->n; i++) {
        const mlp_record *r = &p->records[i];
        if (p->taken[i] || r->run_id_n != of->run_id_n || memcmp(r->run_id, of->run_id, of->run_id_n) != 0)
            continue;
        p->taken[i] = true;
        p->items[n++] = (mlp_delivery_item){r, &p->verdicts[i]};
    }
    return n;
}

/* The record that made a run offline: this one, or, for a process that logs to another one's run, one in that one's
 * journal, which is not searched at every try. */
static mlplat_status creation_of(mlp_tracking_http_store *store, const char *id, const mlp_record *first, json_t **out,
                                 mlplat_error *err)
{
    if (first->kind == MLP_RECORD_CREATE)
        return mlp_json_parse(first->text, first->text_n, out, err);
    mlplat_status s = MLPLAT_OK;
    if (!store->creation || strcmp(store->creation_of, id) != 0) {
        json_decref(store->creation);
        s = mlp_offline_creation(*store->spool, id, &store->creation, err);
        snprintf(store->creation_of, sizeof store->creation_of, "%.32s", id);
    }
    *out = json_incref(store->creation);
    return s;
}

/* The server's run of these records; one that was made offline is made there first. */
static mlplat_status find_run(mlp_delivery *d, const mlp_record *first, mlplat_error *err)
{
    char id[MLP_TRACKING_HTTP_RUN_ID];
    const char *known = NULL;
    json_t *creation = NULL;
    snprintf(id, sizeof id, "%.*s", (int)first->run_id_n, first->run_id);
    bool offline = mlp_offline_is_id(id);
    mlplat_status s = offline ? mlp_spool_run_of(*d->store->spool, id, &known, err) : MLPLAT_OK;
    snprintf(d->run, sizeof d->run, "%s", known ? known : id);
    if (s != MLPLAT_OK || known || !offline)
        return s;
    s = creation_of(d->store, id, first, &creation, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_http_run_deliver(d->store, id, creation, d->run, err);
    json_decref(creation);
    return s;
}

/* A run that the server will not have takes its records with it. */
static mlplat_status deliver_one(parcel *p, size_t first, mlplat_error *err)
{
    mlp_delivery d = {.store = p->store, .journal = p->journal};
    size_t n = collect(p, first);
    mlplat_status s = find_run(&d, &p->records[first], err);
    if (s == MLPLAT_OK)
        return deliver_run(p, &d, n, err);
    if (!mlp_deliver_refused(s, err))
        return s;
    for (size_t i = 0; i < n; i++)
        mlp_deliver_refuse(&p->items[i], s, err);
    return MLPLAT_OK;
}

static mlplat_status deliver_all(parcel *p, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < p->n; i++)
        if (!p->taken[i])
            s = deliver_one(p, i, err);
    return s;
}

static mlplat_status check_rest(const mlp_tracking_http_store *store, mlplat_error *err)
{
    int64_t left = store->server.rest_until_ns - mlp_clock_mono_ns();
    if (left <= 0)
        return MLPLAT_OK;
    mlp_fail(err, MLPLAT_UNAVAILABLE, "%s asked to be left alone for another %lld ms", store->uri,
             (long long)(left / 1000000));
    err->retryable = 1;
    return MLPLAT_UNAVAILABLE;
}

static mlplat_status apply(void *store, const char *journal_id, const mlp_record *records, size_t n,
                           mlp_verdict *verdicts, mlplat_error *err)
{
    mlplat_error local = {0};
    err = err ? err : &local;
    parcel p = {.store = store, .journal = journal_id, .records = records, .verdicts = verdicts, .n = n};
    p.taken = mlp_alloc_array(n, sizeof *p.taken);
    p.items = mlp_alloc_array(n, sizeof *p.items);
    mlplat_status s = p.taken && p.items ? check_rest(store, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = deliver_all(&p, err);
    mlp_free(p.taken);
    mlp_free(p.items);
    return s;
}

/* Asked of journals that others left: what they had delivered the server alone can say, run by run. */
static mlplat_status mark(void *store, const char *journal_id, uint64_t *seq, mlplat_error *err)
{
    (void)err;
    mlp_tracking_http_mark_doubt(store, journal_id);
    *seq = 0;
    return MLPLAT_OK;
}

static mlplat_status forget(void *store, const char *journal_id, mlplat_error *err)
{
    (void)err;
    mlp_tracking_http_mark_forget(store, journal_id);
    return MLPLAT_OK;
}

static int64_t rest_until(void *store)
{
    return ((mlp_tracking_http_store *)store)->server.rest_until_ns;
}

static void until(void *store, int64_t mono_ns)
{
    ((mlp_tracking_http_store *)store)->server.sink_until_ns = mono_ns;
}

mlp_sink mlp_tracking_http_sink(void *store, mlp_spool *const *spool)
{
    ((mlp_tracking_http_store *)store)->spool = spool;
    return (mlp_sink){.apply = apply,
                      .mark = mark,
                      .forget = forget,
                      .ctx = store,
                      .remote = true,
                      .rest_until = rest_until,
                      .until = until,
                      .unmarked = true};
}
