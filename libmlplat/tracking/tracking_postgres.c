/*
 * The store in MLflow's schema on a PostgreSQL server. It may be away, when it is opened too: what is logged waits in
 * the spool, a run that is made meanwhile has the id that it keeps, and is read from its records until it is there.
 */
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/err.h"
#include "db/wait.h"
#include "tracking/offline.h"
#include "tracking/server_spool.h"
#include "tracking/tracking_db.h"
#include <string.h>

enum { OPEN_MS = 5000 };

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static mlplat_status open_server(mlp_tracking_db_store *store, const char *uri, mlplat_error *err)
{
    const mlp_db_options options = {.late = true, .log = &store->ml->log};
    mlplat_status s = mlp_db_open_server(uri, &options, &store->db, err);
    if (s != MLPLAT_OK)
        return s;
    const char *shown = mlp_db_path(store->db), *at = strrchr(shown, '@');
    store->uri = mlp_strdup(shown);
    store->path = mlp_strdup(shown);
    /* By whatever user: passwords and names change while records wait. */
    store->spool_name = mlp_sprintf("postgresql://%s", at ? at + 1 : shown + strlen("postgresql://"));
    store->spool_folder = store->spool_name ? mlp_server_spool_folder(store->spool_name) : NULL;
    return store->uri && store->path && store->spool_folder ? MLPLAT_OK : mlp_fail_memory(err);
}

static bool is_away(mlplat_status s)
{
    return s == MLPLAT_UNAVAILABLE || s == MLPLAT_TIMEOUT;
}

/* Nobody waits for a server that is not there: the first transaction that reaches it looks at it. */
static mlplat_status look(mlp_tracking_db_store *store, mlplat_error *err)
{
    mlplat_error why = {0};
    mlp_wait_hurry(OPEN_MS);
    mlplat_status s = mlp_tracking_db_look(store, &why);
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_settle_in(store, &why);
    mlp_wait_hurry(0);
    if (is_away(s)) {
        atomic_store(&store->late, true);
        mlp_db_on_change(store->db, mlp_tracking_db_settle_late, store);
        mlp_log(&store->ml->log, MLPLAT_LOG_WARNING, "%s; what is logged waits in the spool meanwhile", why.message);
        return MLPLAT_OK;
    }
    if (s != MLPLAT_OK && err)
        *err = why;
    return s;
}

static mlplat_status open_postgres(mlplat *ml, const char *uri, void **out, mlplat_error *err)
{
    mlp_tracking_db_store *store = NULL;
    mlplat_status s = mlp_tracking_db_new(ml, &store, err);
    if (s != MLPLAT_OK)
        return s;
    pthread_mutex_init(&store->waiting_lock, NULL);
    store->others = &mlp_tracking_postgres_records;
    s = mlp_artifact_ready(ml, err); /* the sink sends artifacts until it is closed */
    if (s == MLPLAT_OK)
        s = open_server(store, uri, err);
    if (s == MLPLAT_OK)
        s = look(store, err);
    if (s == MLPLAT_OK)
        *out = store;
    else
        mlp_tracking_db_close(store);
    return s;
}

static mlp_sink sink(void *store, mlp_spool *const *spool)
{
    mlp_sink s = mlp_tracking_db_sink(store, spool);
    s.remote = true;
    return s;
}

static void hurry(void *store, int64_t ms)
{
    (void)store;
    mlp_wait_hurry(ms);
}

/* ---- runs that wait ---------------------------------------------------------------------------------------------- */

static mlplat_status run_offline(void *object, const json_t *creation, mlplat_durability durability, mlp_made made,
                                 void *made_for, mlplat_error *err)
{
    mlp_tracking_db_store *store = object;
    const char *id = json_string_value(json_object_get(creation, "op"));
    mlplat_status s = mlp_tracking_postgres_wait(store, id, true, err);
    if (s == MLPLAT_OK)
        s = mlp_offline_put(*store->spool, id, creation, durability, made, made_for, err);
    if (s != MLPLAT_OK)
        (void)mlp_tracking_postgres_wait(store, id, false, NULL);
    return s;
}

static mlplat_status in_journals(const mlp_tracking_db_store *store, const char *run_id, bool *there, mlplat_error *err)
{
    json_t *creation = NULL;
    mlplat_status s = mlp_offline_creation(*store->spool, run_id, &creation, err);
    *there = creation != NULL;
    json_decref(creation);
    return s;
}

/* Those of this process are known. Of others it is looked for where the server cannot tell. */
static mlplat_status run_waits(void *object, const char *run_id, bool *waits, mlplat_error *err)
{
    mlp_tracking_db_store *store = object;
    bool away = atomic_load(&store->late) || mlp_spool_is_down(*store->spool);
    *waits = mlp_tracking_postgres_waits(store, run_id);
    return *waits || !away ? MLPLAT_OK : in_journals(store, run_id, waits, err);
}

/* After s, what the server said of the run: does it wait in the journal of whatever process? */
static mlplat_status look_behind(const mlp_tracking_db_store *store, const char *run_id, mlplat_status s, bool *waits,
                                 mlplat_error *err)
{
    *waits = false;
    return is_away(s) || s == MLPLAT_NOT_FOUND ? in_journals(store, run_id, waits, err) : MLPLAT_OK;
}

/* What came of asking the server, and where the run waits that. */
static mlplat_status told(const mlp_tracking_db_store *store, const char *run_id, mlplat_status s,
                          const mlplat_error *why, bool *waits, mlplat_error *err)
{
    mlplat_status behind = look_behind(store, run_id, s, waits, err);
    if (behind != MLPLAT_OK || *waits)
        return behind;
    if (s != MLPLAT_OK && err)
        *err = *why;
    return s;
}

/* Delivered while its records were read: then the server has it. */
static mlplat_status run_get(void *object, const char *run_id, json_t **out, mlplat_error *err)
{
    mlp_tracking_db_store *store = object;
    mlplat_error why = {0};
    json_t *view = NULL;
    bool waits = mlp_tracking_postgres_waits(store, run_id);
    mlplat_status s = MLPLAT_OK;
    if (waits) {
        s = mlp_offline_run(*store->spool, run_id, out, err);
        if (s != MLPLAT_OK || (*out && mlp_tracking_postgres_waits(store, run_id)))
            return s;
        json_decref(*out);
        *out = NULL;
    }
    s = mlp_tracking_db_run_get(store, run_id, out, &why);
    s = told(store, run_id, s, &why, &waits, err);
    if (s != MLPLAT_OK || !waits)
        return s;
    s = mlp_offline_run(*store->spool, run_id, &view, err);
    if (s == MLPLAT_OK && mlp_tracking_db_run_get(store, run_id, out, &why) != MLPLAT_OK)
        *out = json_incref(view);
    json_decref(view);
    if (s == MLPLAT_OK && !*out)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s is not in the store: check the id and the tracking URI", run_id);
    return s;
}

static mlplat_status run_update(void *object, const char *run_id, const mlplat_run_change *change, mlplat_error *err)
{
    mlp_tracking_db_store *store = object;
    mlplat_error why = {0};
    bool waits = mlp_tracking_postgres_waits(store, run_id);
    mlplat_status s = waits ? MLPLAT_OK : mlp_tracking_db_run_update(store, run_id, change, &why);
    if (!waits)
        s = told(store, run_id, s, &why, &waits, err);
    return s == MLPLAT_OK && waits ? mlp_offline_change(*store->spool, run_id, change, err) : s;
}

typedef mlplat_status (*move_fn)(void *store, const char *run_id, mlplat_error *err);

static mlplat_status move(mlp_tracking_db_store *store, const char *run_id, move_fn fn, mlplat_error *err)
{
    mlplat_error why = {0};
    bool waits = mlp_tracking_postgres_waits(store, run_id);
    mlplat_status s = waits ? MLPLAT_OK : fn(store, run_id, &why);
    if (!waits)
        s = told(store, run_id, s, &why, &waits, err);
    if (s == MLPLAT_OK && waits)
        s = mlp_fail(err, MLPLAT_STATE, MLP_OFFLINE_NOT_YET, run_id);
    return s;
}

static mlplat_status run_delete(void *store, const char *run_id, mlplat_error *err)
{
    return move(store, run_id, mlp_tracking_db_run_delete, err);
}

static mlplat_status run_restore(void *store, const char *run_id, mlplat_error *err)
{
    return move(store, run_id, mlp_tracking_db_run_restore, err);
}

/* ---- their points ------------------------------------------------------------------------------------------------ */

static mlplat_status sorted(const mlp_tracking_db_store *store, const char *run_id, const char *key, mlp_buf *out,
                            mlplat_error *err)
{
    mlplat_status s = mlp_offline_points(*store->spool, run_id, key, out, err);
    if (s == MLPLAT_OK)
        mlp_offline_sort(out);
    return s;
}

static mlplat_status history(void *object, const mlp_history *wanted, json_t **out, mlplat_error *err)
{
    mlp_tracking_db_store *store = object;
    mlplat_error why = {0};
    mlp_buf all = {0};
    bool waits = mlp_tracking_postgres_waits(store, wanted->run_id);
    mlplat_status s = waits ? MLPLAT_OK : mlp_tracking_db_history(store, wanted, out, &why);
    if (!waits)
        s = told(store, wanted->run_id, s, &why, &waits, err);
    if (s == MLPLAT_OK && waits)
        s = sorted(store, wanted->run_id, wanted->key, &all, err);
    if (s == MLPLAT_OK && waits)
        s = mlp_offline_history(&all, wanted, out, err);
    mlp_buf_free(&all);
    return s;
}

static mlplat_status points(void *object, const char *run_id, const char *key, unsigned columns, const mlp_hook *hook,
                            mlp_metric_points *out, mlplat_error *err)
{
    mlp_tracking_db_store *store = object;
    mlplat_error why = {0};
    mlp_buf all = {0};
    bool waits = mlp_tracking_postgres_waits(store, run_id);
    mlplat_status s = waits ? MLPLAT_OK : mlp_tracking_db_points(store, run_id, key, columns, hook, out, &why);
    if (!waits)
        s = told(store, run_id, s, &why, &waits, err);
    if (s == MLPLAT_OK && waits)
        s = sorted(store, run_id, key, &all, err);
    if (s == MLPLAT_OK && waits)
        s = mlp_offline_columns(&all, columns, out, err);
    mlp_buf_free(&all);
    return s;
}

static mlplat_status buckets(void *object, const char *run_id, const char *key, size_t n, bool by_time,
                             mlp_buckets *out, mlplat_error *err)
{
    mlp_tracking_db_store *store = object;
    mlplat_error why = {0};
    mlp_buf all = {0};
    bool waits = mlp_tracking_postgres_waits(store, run_id);
    mlplat_status s = waits ? MLPLAT_OK : mlp_tracking_db_buckets(store, run_id, key, n, by_time, out, &why);
    if (!waits)
        s = told(store, run_id, s, &why, &waits, err);
    if (s == MLPLAT_OK && waits)
        s = sorted(store, run_id, key, &all, err);
    if (s == MLPLAT_OK && waits)
        s = mlp_offline_buckets(&all, n, by_time, out, err);
    mlp_buf_free(&all);
    return s;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const mlp_tracking_store on_server = {
    .scheme = "postgresql",
    .server = true,
    .queued = true,
    .open = open_postgres,
    .close = mlp_tracking_db_close,
    .sink = sink,
    .run_waits = run_waits,
    .hurry = hurry,
    .run_offline = run_offline,
    .run_create = mlp_tracking_db_run_create,
    .run_get = run_get,
    .run_search = mlp_tracking_db_run_search,
    .run_update = run_update,
    .run_delete = run_delete,
    .run_restore = run_restore,
    .history = history,
    .histories = mlp_tracking_db_histories,
    .buckets = buckets,
    .points = points,
    MLP_TRACKING_DB_EXPERIMENTS,
    MLP_TRACKING_DB_MODELS,
};

const mlp_tracking_store *mlp_tracking_postgres(void)
{
    return &on_server;
}
