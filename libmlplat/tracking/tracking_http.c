/* The store of an MLflow server. */
#include "tracking/tracking_http.h"
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "tracking/server_spool.h"
#include <stdlib.h>
#include <string.h>

/* ---- the store --------------------------------------------------------------------------------------------------- */

static void free_store(mlp_tracking_http_store *store)
{
    mlp_free(store->uri);
    mlp_free(store->spool_folder);
    json_decref(store->marks);
    json_decref(store->creation);
    mlp_free(store);
}

static void http_close(void *object)
{
    mlp_tracking_http_store *store = object;
    mlp_mlflow_close(&store->server);
    free_store(store);
}

static mlplat_status http_open(mlplat *ml, const char *uri, void **out, mlplat_error *err)
{
    mlp_tracking_http_store *store = mlp_alloc(sizeof *store);
    if (!store)
        return mlp_fail_memory(err);
    store->ml = ml;
    store->uri = mlp_strdup(uri);
    store->spool_folder = mlp_server_spool_folder(uri);
    mlplat_status s = store->uri && store->spool_folder ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK) /* the sink sends artifacts until it is closed */
        s = mlp_artifact_ready(ml, err);
    if (s == MLPLAT_OK)
        s = mlp_mlflow_open(uri, &ml->log, &ml->hook, &store->server, err);
    if (s == MLPLAT_OK)
        *out = store;
    else
        free_store(store);
    return s;
}

static void http_about(const void *object, mlp_tracking_about *out)
{
    const mlp_tracking_http_store *store = object;
    *out = (mlp_tracking_about){.uri = store->uri,
                                .path = store->uri,
                                .head = "",
                                .spool_folder = store->spool_folder,
                                .spool_name = store->uri};
}

mlplat_status mlp_tracking_http_call(mlp_tracking_http_store *store, mlp_mlflow_how how, const char *path, json_t *body,
                                     json_t **out, bool *unclear, mlplat_error *err)
{
    return mlp_mlflow_call(&store->server, how, path, body, out, unclear, err);
}

mlplat_status mlp_tracking_http_call_id(mlp_tracking_http_store *store, mlp_mlflow_how how, const char *collection,
                                        const char *id, const char *rest, json_t *body, json_t **out, bool *unclear,
                                        mlplat_error *err)
{
    return mlp_mlflow_call_id(&store->server, how, collection, id, rest, body, out, unclear, err);
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

#define TABLE(scheme_name)                                                                                             \
    {                                                                                                                  \
        .scheme = (scheme_name), .server = true, .queued = true, .open = http_open, .close = http_close,               \
        .abandon = http_close, .about = http_about, .sink = mlp_tracking_http_sink,                                    \
        .experiment_create = mlp_tracking_http_experiment_create, .experiment_get = mlp_tracking_http_experiment_get,  \
        .experiment_by_name = mlp_tracking_http_experiment_by_name,                                                    \
        .experiment_search = mlp_tracking_http_experiment_search,                                                      \
        .experiment_rename = mlp_tracking_http_experiment_rename,                                                      \
        .experiment_delete = mlp_tracking_http_experiment_delete,                                                      \
        .experiment_restore = mlp_tracking_http_experiment_restore,                                                    \
        .experiment_tag = mlp_tracking_http_experiment_tag, .experiment_untag = mlp_tracking_http_experiment_untag,    \
        .run_waits = mlp_tracking_http_run_waits, .hurry = mlp_tracking_http_hurry,                                    \
        .run_offline = mlp_tracking_http_run_offline, .run_create = mlp_tracking_http_run_create,                      \
        .run_get = mlp_tracking_http_run_get, .run_search = mlp_tracking_http_run_search,                              \
        .run_update = mlp_tracking_http_run_update, .run_delete = mlp_tracking_http_run_delete,                        \
        .run_restore = mlp_tracking_http_run_restore, .history = mlp_tracking_http_history,                            \
        .histories = mlp_tracking_http_histories, .buckets = mlp_tracking_http_buckets,                                \
        .points = mlp_tracking_http_points, .model_create = mlp_tracking_http_model_create,                            \
        .model_get = mlp_tracking_http_model_get, .model_search = mlp_tracking_http_model_search,                      \
        .model_check = mlp_tracking_http_model_check, .model_finalize = mlp_tracking_http_model_finalize,              \
        .model_tags = mlp_tracking_http_model_tags, .model_untag = mlp_tracking_http_model_untag,                      \
        .model_params = mlp_tracking_http_model_params, .model_metrics = mlp_tracking_http_model_metrics,              \
        .model_of_run = mlp_tracking_http_model_of_run, .model_delete = mlp_tracking_http_model_delete                 \
    }

static const mlp_tracking_store plain = TABLE("http"), tls = TABLE("https");

const mlp_tracking_store *mlp_tracking_http(void)
{
    return &plain;
}

const mlp_tracking_store *mlp_tracking_https(void)
{
    return &tls;
}
