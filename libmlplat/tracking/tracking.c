#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/take.h"
#include "db/page.h"
#include "tracking/tracking_store.h"
#include <string.h>

enum { SETTLE_MS = 60 * 1000, AWAY_MS = 5000, PAGE_DEFAULT = 1000, PAGE_MOST = 50000 };

static mlplat_durability durability_of(const char *name)
{
    static const char *const names[] = {"default", "memory", "process", "disk", "remote"};
    for (size_t i = 1; name && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return (mlplat_durability)i;
    return MLPLAT_DURABILITY_PROCESS;
}

static mlp_spool_full full_of(const char *name)
{
    return strcmp(name, "error") == 0         ? MLP_FULL_ERROR
           : strcmp(name, "drop-oldest") == 0 ? MLP_FULL_DROP_OLDEST
                                              : MLP_FULL_BLOCK;
}

/* A mirror's is where the mirror says, and no call waits for its store. */
static mlplat_status open_spool(mlp_tracking *t, bool mirror, mlplat_error *err)
{
    mlp_tracking_about about;
    t->ops->about(t->store, &about);
    const char *setting = mirror ? NULL : mlp_session_setting(t->ml, MLP_SET_SPOOL);
    mlp_spool_options options = {
        .folder = setting ? setting : about.spool_folder,
        .also_folder = setting ? about.spool_folder : NULL,
        .store = about.spool_name,
        .durability = durability_of(mlp_session_setting(t->ml, MLP_SET_DURABILITY)),
        .guard = t->ml->guard,
        .log = &t->ml->log,
        .later = true,
        .only_read = about.read_only != NULL,
        .full = full_of(mlp_session_setting(t->ml, MLP_SET_SPOOL_FULL)),
        .hook = &t->ml->hook,
    };
    uint64_t close_ms;
    if (mirror && options.durability == MLPLAT_DURABILITY_REMOTE)
        options.durability = MLPLAT_DURABILITY_DISK;
    mlp_config_bytes(mlp_session_setting(t->ml, MLP_SET_SPOOL_QUOTA), &options.quota);
    mlp_config_number(mlp_session_setting(t->ml, MLP_SET_SPOOL_RATE), &options.rate);
    mlp_config_number(mlp_session_setting(t->ml, MLP_SET_CLOSE_TIMEOUT), &close_ms);
    options.close_ms = close_ms > INT32_MAX ? -1 : (int64_t)close_ms;
    options.rate = options.rate > INT32_MAX ? 0 : options.rate;
    mlp_sink sink = t->ops->sink(t->store, &t->spool);
    if (mirror && !sink.remote) { /* nobody waits for it, but it is as fast as it can be */
        sink.remote = true;
        options.rate = 0;
    }
    return mlp_spool_open(&options, &sink, &t->spool, err);
}

static mlp_tracking *mirror_of(const mlp_tracking *t)
{
#ifdef MLPLAT_MINIMAL
    (void)t;
    return NULL;
#else
    return t->mirror;
#endif
}

static void close_one(mlp_tracking *t, const mlp_hook *hook)
{
    mlp_tracking *mirror = mirror_of(t);
    mlp_spool_close(t->spool, hook);
    t->ops->close(t->store);
    if (mirror && mirror->missed)
        mlp_log(&t->ml->log, MLPLAT_LOG_WARNING, "%llu record(s) are missing in the mirror",
                (unsigned long long)mirror->missed);
    if (mirror)
        close_one(mirror, hook);
    mlp_free(t);
}

static mlplat_status open_one(mlplat *ml, const char *uri, bool mirror, mlp_tracking **out, mlplat_error *err)
{
    const mlp_tracking_store *ops = mlp_tracking_store_for(uri, err);
    if (!ops)
        return MLPLAT_UNSUPPORTED;
    mlp_tracking *t = mlp_alloc(sizeof *t);
    if (!t)
        return mlp_fail_memory(err);
    t->ml = ml;
    t->ops = ops;
    mlplat_status s = ops->open(ml, uri, &t->store, err);
    if (s == MLPLAT_OK)
        s = open_spool(t, mirror, err);
    if (s == MLPLAT_OK) {
        *out = t;
        return MLPLAT_OK;
    }
    if (t->store)
        ops->close(t->store);
    mlp_free(t);
    return s;
}

#ifndef MLPLAT_MINIMAL
static mlplat_status check_mirror(const mlp_tracking *t, mlplat_error *err)
{
    mlp_tracking_about here, there;
    t->ops->about(t->store, &here);
    t->mirror->ops->about(t->mirror->store, &there);
    if (strcmp(here.spool_name, there.spool_name) == 0)
        return mlp_fail(err, MLPLAT_INVALID, "%s is the store itself: name another one", there.uri);
    return mlp_tracking_writable(t->mirror, err);
}

static mlplat_status open_mirror(mlp_tracking *t, mlplat_error *err)
{
    const char *uri = mlp_session_setting(t->ml, MLP_SET_MIRROR_URI);
    const char *own = mlp_session_setting(t->ml, MLP_SET_TRACKING_URI);
    if (!uri || (own && strcmp(uri, own) == 0)) /* whoever looks at the mirror itself may have it set still */
        return MLPLAT_OK;
    mlplat_status s = open_one(t->ml, uri, true, &t->mirror, err);
    if (s == MLPLAT_OK)
        s = check_mirror(t, err);
    return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "the mirror");
}

#endif

static mlplat_status open_tracking(mlplat *ml, void **object, mlplat_error *err)
{
    const char *uri = mlp_session_setting(ml, MLP_SET_TRACKING_URI);
    mlp_tracking *t = NULL;
    mlplat_status s = open_one(ml, uri ? uri : "sqlite:///mlflow.db", false, &t, err);
#ifndef MLPLAT_MINIMAL
    if (s == MLPLAT_OK && (s = open_mirror(t, err)) != MLPLAT_OK)
        close_one(t, &ml->hook);
#endif
    if (s == MLPLAT_OK)
        *object = t;
    return s;
}

static void close_tracking(mlplat *ml, void *object)
{
    close_one(object, &ml->hook);
}

static void abandon_tracking(void *object)
{
    mlp_tracking *t = object;
    mlp_spool_abandon(t->spool);
    t->ops->abandon(t->store);
    if (mirror_of(t))
        abandon_tracking(mirror_of(t));
    mlp_free(t);
}

static mlplat_status drain(const mlp_tracking *t, int64_t timeout_ms, const mlp_hook *hook, mlplat_error *err)
{
    return mlp_spool_idle(t->spool) ? MLPLAT_OK : mlp_spool_drain(t->spool, timeout_ms, hook, err);
}

/* The mirror has the time that the store left, and is waited for whatever the store says. */
static mlplat_status flush_tracking(void *object, int64_t timeout_ms, const mlp_hook *hook, mlplat_error *err)
{
    const mlp_tracking *t = object;
    int64_t began = mlp_clock_mono_ns();
    mlplat_status s = drain(t, timeout_ms, hook, err);
    if (!mirror_of(t))
        return s;
    mlplat_error why = {0};
    int64_t left = timeout_ms - (mlp_clock_mono_ns() - began) / 1000000;
    mlplat_status m = drain(t->mirror, timeout_ms < 0 ? timeout_ms : left < 0 ? 0 : left, hook, &why);
    if (s != MLPLAT_OK || m == MLPLAT_OK)
        return s;
    return mlp_fail(err, m, "the mirror: %s", why.message);
}

static const mlp_slot_ops slot_ops = {
    .open = open_tracking,
    .close = close_tracking,
    .abandon = abandon_tracking,
    .flush = flush_tracking,
};

mlplat_status mlp_tracking_look(mlplat *ml, mlp_tracking **out, mlplat_error *err)
{
    void *object = NULL;
    if (!ml)
        return mlp_fail(err, MLPLAT_INVALID, "session is NULL: open one with mlplat_open");
    mlplat_status s = mlp_session_slot(ml, MLP_SLOT_TRACKING, &slot_ops, &object, err);
    *out = object;
    return s;
}

mlplat_status mlp_tracking_of(mlplat *ml, mlp_tracking **out, mlplat_error *err)
{
    mlplat_status s = mlp_tracking_look(ml, out, err);
    if (s == MLPLAT_OK)
        mlp_spool_bring_in((*out)->spool);
    if (s == MLPLAT_OK && mirror_of(*out))
        mlp_spool_bring_in((*out)->mirror->spool);
    return s;
}

/* A server that is away is not waited for as one that is slow. */
mlplat_status mlp_tracking_settle(mlp_tracking *t, mlplat_error *err)
{
    if (t->ops->server && !mlp_spool_idle(t->spool))
        return mlp_spool_settle(t->spool, SETTLE_MS, AWAY_MS, &t->ml->hook, err);
    return drain(t, SETTLE_MS, &t->ml->hook, err);
}

mlplat_status mlp_tracking_settle_run(mlp_tracking *t, const char *run_id, mlplat_error *err)
{
    bool waits = false;
    mlplat_status s = run_id && t->ops->run_waits ? t->ops->run_waits(t->store, run_id, &waits, err) : MLPLAT_OK;
    return s != MLPLAT_OK || waits ? s : mlp_tracking_settle(t, err);
}

mlplat_status mlp_tracking_writable(const mlp_tracking *t, mlplat_error *err)
{
    mlp_tracking_about about;
    t->ops->about(t->store, &about);
    return about.read_only ? mlp_fail(err, about.read_only_status, "%s: %s", about.uri, about.read_only) : MLPLAT_OK;
}

mlplat_status mlp_tracking_take_search(const mlplat_search *query, mlplat_search *out, mlplat_error *err)
{
    mlplat_status s = MLP_TAKE(out, query, MLPLAT_SEARCH_INIT, err);
    if (s == MLPLAT_OK && ((int)out->view < MLPLAT_VIEW_ACTIVE || (int)out->view > MLPLAT_VIEW_ALL))
        s = mlp_fail(err, MLPLAT_INVALID, "view %d is none: take an MLPLAT_VIEW_ value", (int)out->view);
    return s;
}

mlplat_status mlp_tracking_page(const mlplat_search *query, int64_t *limit, int64_t *offset, mlplat_error *err)
{
    int asked = query ? query->max_results : 0;
    *limit = asked ? asked : PAGE_DEFAULT;
    if (asked < 0 || asked > PAGE_MOST)
        return mlp_fail(err, MLPLAT_INVALID, "max_results is %d: 1 to %d, or 0 for %d", asked, PAGE_MOST, PAGE_DEFAULT);
    return mlp_page_parse(query ? query->page_token : NULL, offset, err);
}
