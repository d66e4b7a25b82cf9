/* The spool as programs see it. */
#include "base/check.h"
#include "base/err.h"
#include "tracking/tracking_store.h"
#include <string.h>

mlplat_status mlplat_spool_count(mlplat *ml, mlplat_spool_counts *out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_spool_counts counts = {0};
    size_t size = out->size;
    if (size < sizeof size + sizeof counts.accepted)
        return mlp_fail(err, MLPLAT_INVALID, "mlplat_spool_counts: size is %zu: set it to sizeof(mlplat_spool_counts)",
                        size);
    mlplat_status s = mlp_tracking_look(ml, &t, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_spool_count(t->spool, &counts.accepted, &counts.durable, &counts.stored, &counts.dead);
    counts.size = size;
    memcpy(out, &counts, size < sizeof counts ? size : sizeof counts);
    return MLPLAT_OK;
}

/* Gives json to the caller, or drops it if nobody wants it. */
static mlplat_status give(mlplat_status s, json_t *json, mlplat_doc **out, mlplat_error *err)
{
    if (s == MLPLAT_OK && out)
        return mlp_doc_new(json, out, err);
    json_decref(json);
    return s;
}

typedef mlplat_status (*ask_fn)(mlp_spool *spool, const mlp_hook *hook, json_t **out, mlplat_error *err);

/* The store's spool, and the mirror's whatever the store's says: that is told as "mirror". */
static mlplat_status ask(const mlp_tracking *t, ask_fn fn, json_t **out, mlplat_error *err)
{
    mlplat_status s = fn(t->spool, &t->ml->hook, out, err);
#ifndef MLPLAT_MINIMAL
    json_t *there = NULL;
    mlplat_error why = {0};
    mlplat_status m = t->mirror ? fn(t->mirror->spool, &t->ml->hook, &there, &why) : MLPLAT_OK;
    if (s == MLPLAT_OK && m != MLPLAT_OK)
        s = mlp_fail(err, m, "the mirror: %s", why.message);
    if (s == MLPLAT_OK && there)
        s = mlp_json_set(there, "missed", json_integer((json_int_t)t->mirror->missed), err);
    if (s == MLPLAT_OK && there)
        s = mlp_json_set(*out, "mirror", json_incref(there), err);
    json_decref(there);
#endif
    return s;
}

static mlplat_status status_of(mlp_spool *spool, const mlp_hook *hook, json_t **out, mlplat_error *err)
{
    (void)hook;
    return mlp_spool_status(spool, out, err);
}

mlplat_status mlplat_spool_status(mlplat *ml, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    mlplat_status s = mlp_tracking_look(ml, &t, err);
    if (s == MLPLAT_OK)
        s = ask(t, status_of, &json, err);
    return give(s, json, out, err);
}

static mlplat_status move(mlplat *ml, ask_fn fn, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    if (out)
        *out = NULL;
    mlplat_status s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = ask(t, fn, &json, err);
    return give(s, json, out, err);
}

mlplat_status mlplat_spool_sync(mlplat *ml, mlplat_doc **out, mlplat_error *err)
{
    return move(ml, mlp_spool_sync, out, err);
}

mlplat_status mlplat_spool_retry(mlplat *ml, mlplat_doc **out, mlplat_error *err)
{
    return move(ml, mlp_spool_retry, out, err);
}

#ifndef MLPLAT_MINIMAL
static mlplat_status check_what(const char *what, mlplat_error *err)
{
    return !what || strcmp(what, "dead") == 0 || strcmp(what, "waiting") == 0
               ? MLPLAT_OK
               : mlp_fail(err, MLPLAT_INVALID, "'%.60s' is nothing that lies in a spool: write dead or waiting", what);
}

mlplat_status mlplat_spool_inspect(mlplat *ml, const char *what, const char *run_id, int max_results, mlplat_doc **out,
                                   mlplat_error *err)
{
    enum { RECORDS = 1000 };
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    if (max_results < 0)
        return mlp_fail(err, MLPLAT_INVALID, "max_results is %d: at least 1, or 0 for %d", max_results, RECORDS);
    mlplat_status s = check_what(what, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_look(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_spool_inspect(t->spool, what, run_id, max_results ? (size_t)max_results : RECORDS, &json, err);
    return give(s, json, out, err);
}

mlplat_status mlplat_spool_drop(mlplat *ml, const char *what, const char *run_id, int dry_run, mlplat_doc **out,
                                mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    if (out)
        *out = NULL;
    bool damaged = strcmp(what, "damaged") == 0;
    if (!damaged && strcmp(what, "dead") != 0 && strcmp(what, "waiting") != 0)
        return mlp_fail(err, MLPLAT_INVALID, "'%.60s' cannot be dropped: write dead, waiting or damaged", what);
    if (damaged && run_id)
        return mlp_fail(err, MLPLAT_INVALID, "damaged files are of no run: drop all of them, or none");
    mlplat_status s = run_id ? mlp_check_run_id(run_id, err) : MLPLAT_OK;
    if (s == MLPLAT_OK)
        s = mlp_tracking_look(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_spool_drop(t->spool, what, run_id, dry_run != 0, &json, err);
    return give(s, json, out, err);
}

mlplat_status mlplat_spool_prometheus(mlplat *ml, char **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlp_buf text = {0};
    *out = NULL;
    mlplat_status s = mlp_tracking_look(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_spool_prometheus(t->spool, &text, err);
    if (s == MLPLAT_OK)
        *out = mlp_buf_take(&text);
    mlp_buf_free(&text);
    return s == MLPLAT_OK && !*out ? mlp_fail_memory(err) : s;
}
#endif
