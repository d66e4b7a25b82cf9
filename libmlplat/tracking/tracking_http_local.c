/* Runs made offline, at their server: found by their own ids, and made there when it is back. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "tracking/tracking_http.h"
#include <stdio.h>
#include <string.h>

enum { DELIVER_MS = 30 * 1000 };

static void keep(char out[MLP_TRACKING_HTTP_RUN_ID], const char *id)
{
    snprintf(out, MLP_TRACKING_HTTP_RUN_ID, "%s", id);
}

static const char *id_in(const json_t *run)
{
    return json_string_value(json_object_get(json_object_get(run, "info"), "run_id"));
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

/* The map was lost: the run's tag tells. */
static mlplat_status search(mlp_tracking_http_store *store, const char *run_id, char out[MLP_TRACKING_HTTP_RUN_ID],
                            mlplat_error *err)
{
    char filter[100];
    json_t *ids = json_array(), *answer = NULL;
    snprintf(filter, sizeof filter, "tags.`" MLP_OFFLINE_TAG "` = '%s'", run_id);
    mlplat_status s = ids ? mlp_tracking_http_put_ids(store, NULL, ids, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_http_call(store, MLP_MLFLOW_AGAIN, "runs/search",
                                   json_pack("{s:O, s:s, s:s, s:i}", "experiment_ids", ids, "filter", filter,
                                             "run_view_type", "ALL", "max_results", 1),
                                   &answer, NULL, err);
    const char *id = id_in(json_array_get(json_object_get(answer, "runs"), 0));
    if (s == MLPLAT_OK && id) {
        keep(out, id);
        s = mlp_spool_run_is(*store->spool, run_id, id, err);
    }
    json_decref(answer);
    json_decref(ids);
    return s;
}

static mlplat_status look_up(const mlp_tracking_http_store *store, const char *run_id,
                             char out[MLP_TRACKING_HTTP_RUN_ID], bool *found, mlplat_error *err)
{
    const char *id = NULL;
    mlplat_status s = mlp_spool_run_of(*store->spool, run_id, &id, err);
    *found = s == MLPLAT_OK && id;
    if (*found)
        keep(out, id);
    return s;
}

/* Between the look at the map and the one at the journals it may have been delivered. */
static mlplat_status look_for(const mlp_tracking_http_store *store, const char *run_id,
                              char out[MLP_TRACKING_HTTP_RUN_ID], bool *found, bool *waits, mlplat_error *err)
{
    json_t *creation = NULL;
    *waits = false;
    *found = !mlp_offline_is_id(run_id);
    keep(out, run_id);
    mlplat_status s = *found ? MLPLAT_OK : look_up(store, run_id, out, found, err);
    if (s == MLPLAT_OK && !*found)
        s = mlp_offline_creation(*store->spool, run_id, &creation, err);
    *waits = creation != NULL;
    json_decref(creation);
    return s == MLPLAT_OK && !*found && !*waits ? look_up(store, run_id, out, found, err) : s;
}

mlplat_status mlp_tracking_http_run_of(mlp_tracking_http_store *store, const char *run_id,
                                       char out[MLP_TRACKING_HTTP_RUN_ID], bool *waits, mlplat_error *err)
{
    bool found;
    mlplat_status s = look_for(store, run_id, out, &found, waits, err);
    return s == MLPLAT_OK && !found && !*waits ? search(store, run_id, out, err) : s;
}

mlplat_status mlp_tracking_http_run_waits(void *object, const char *run_id, bool *waits, mlplat_error *err)
{
    char id[MLP_TRACKING_HTTP_RUN_ID];
    bool found;
    return look_for(object, run_id, id, &found, waits, err);
}

mlplat_status mlp_tracking_http_run_there(mlp_tracking_http_store *store, const char *run_id,
                                          char out[MLP_TRACKING_HTTP_RUN_ID], mlplat_error *err)
{
    bool waits;
    mlplat_status s = mlp_tracking_http_run_of(store, run_id, out, &waits, err);
    if (s == MLPLAT_OK && waits)
        s = mlp_fail(err, MLPLAT_STATE, MLP_OFFLINE_NOT_YET, run_id);
    return s;
}

/* ---- making it at the server: by the thread that delivers -------------------------------------------------------- */

/* What is there by that name, or made. */
static mlplat_status experiment_named(mlp_tracking_http_store *store, const char *name, char **id, mlplat_error *err)
{
    json_t *found = NULL;
    mlplat_status s = mlp_tracking_http_experiment_by_name(store, name, &found, err);
    if (s == MLPLAT_NOT_FOUND) {
        s = mlp_tracking_http_experiment_create(store, name, NULL, NULL, id, err);
        if (s != MLPLAT_EXISTS)
            return s;
        s = mlp_tracking_http_experiment_by_name(store, name, &found, err);
    }
    if (s == MLPLAT_OK && !(*id = mlp_strdup(json_string_value(json_object_get(found, "experiment_id")))))
        s = mlp_fail_memory(err);
    json_decref(found);
    return s;
}

/* The one that the server told when it was asked for the run; of a server that lost it, one of its name. */
static mlplat_status experiment_told(mlp_tracking_http_store *store, const char *told, const char *name, char **id,
                                     mlplat_error *err)
{
    json_t *found = NULL;
    mlplat_status s = told ? mlp_tracking_http_experiment_get(store, told, &found, err) : MLPLAT_NOT_FOUND;
    json_decref(found);
    if (s == MLPLAT_NOT_FOUND)
        return experiment_named(store, name, id, err);
    if (s == MLPLAT_OK && !(*id = mlp_strdup(told)))
        s = mlp_fail_memory(err);
    return s;
}

static mlplat_status experiment_of(mlp_tracking_http_store *store, const json_t *creation, const char *parent,
                                   char **id, mlplat_error *err)
{
    const char *name = json_string_value(json_object_get(creation, "experiment_name"));
    const char *given = json_string_value(json_object_get(creation, "experiment_id"));
    json_t *run = NULL;
    mlplat_status s = MLPLAT_OK;
    if (name)
        return experiment_told(store, given, name, id, err);
    if (!given && parent && *parent)
        s = mlp_tracking_http_run_get(store, parent, &run, err);
    if (run)
        given = json_string_value(json_object_get(json_object_get(run, "info"), "experiment_id"));
    if (s == MLPLAT_OK && !(*id = mlp_strdup(given ? given : "0")))
        s = mlp_fail_memory(err);
    json_decref(run);
    return s;
}

static mlplat_status deliver(mlp_tracking_http_store *store, const char *run_id, const json_t *creation,
                             char out[MLP_TRACKING_HTTP_RUN_ID], mlplat_error *err);

/* A parent made offline comes first. */
static mlplat_status parent_of(mlp_tracking_http_store *store, const json_t *creation,
                               char out[MLP_TRACKING_HTTP_RUN_ID], mlplat_error *err)
{
    const char *parent = json_string_value(json_object_get(creation, "parent_run_id"));
    json_t *of_parent = NULL;
    keep(out, parent ? parent : "");
    if (!parent || !mlp_offline_is_id(parent))
        return MLPLAT_OK;
    mlplat_status s = mlp_offline_creation(*store->spool, parent, &of_parent, err);
    if (s == MLPLAT_OK)
        s = deliver(store, parent, of_parent, out, err);
    json_decref(of_parent);
    return s;
}

static mlplat_status tags_of(const char *run_id, const json_t *creation, const char *parent, json_t **out,
                             mlplat_error *err)
{
    json_t *tags = *out = json_object(), *given = json_object_get(creation, "tags");
    if (!tags || (given && json_object_update(tags, given) != 0)) /* json_copy would leave some out */
        return mlp_fail_memory(err);
    mlplat_status s = mlp_json_set(tags, MLP_OFFLINE_TAG, json_string(run_id), err);
    if (s == MLPLAT_OK && *parent)
        s = mlp_json_set(tags, "mlflow.parentRunId", json_string(parent), err);
    return s;
}

/* Where a server was asked to make the run and did not answer in time, it may still be at it. */
static mlplat_status check_doubt(const mlp_tracking_http_store *store, const json_t *creation, mlplat_error *err)
{
    int64_t left = json_integer_value(json_object_get(creation, "not_before")) - mlp_clock_ms();
    if ((left <= 0 || left > MLP_OFFLINE_DOUBT_MS) && mlp_clock_mono_ns() >= store->make_after_ns)
        return MLPLAT_OK;
    mlp_fail(err, MLPLAT_UNAVAILABLE, "%s may still be making a run that it was asked for", store->uri);
    if (err)
        err->retryable = 1;
    return MLPLAT_UNAVAILABLE;
}

static mlplat_status make(mlp_tracking_http_store *store, const char *run_id, const json_t *creation,
                          const char *parent, const char *experiment_id, json_t **out, mlplat_error *err)
{
    json_t *tags = NULL;
    mlplat_status s = tags_of(run_id, creation, parent, &tags, err);
    const char *user = json_string_value(json_object_get(creation, "user_id"));
    const mlp_run_new run = {.experiment_id = experiment_id,
                             .name = json_string_value(json_object_get(creation, "run_name")),
                             .user = user && *user ? user : NULL,
                             .start_time_ms = json_integer_value(json_object_get(creation, "start_time")),
                             .tags = tags,
                             .op = json_string_value(json_object_get(creation, "op"))};
    if (s == MLPLAT_OK && (!run.name || !run.op))
        s = mlp_fail(err, MLPLAT_INVALID, "the record of run %.40s, made offline, is none of ours", run_id);
    if (s == MLPLAT_OK)
        s = mlp_tracking_http_run_by_op(store, experiment_id, run.op, out, err);
    if (s == MLPLAT_NOT_FOUND)
        s = check_doubt(store, creation, err);
    if (s == MLPLAT_OK && !*out)
        s = mlp_tracking_http_run_create(store, &run, out, err);
    if (s == MLPLAT_TIMEOUT)
        store->make_after_ns = mlp_clock_mono_ns() + (int64_t)MLP_OFFLINE_DOUBT_MS * 1000000;
    json_decref(tags);
    return s;
}

/* The line in the map is on the disk before anything of the run is delivered. A run that is there already, as its
 * answer was lost, may be without our tag. */
static mlplat_status settle(mlp_tracking_http_store *store, const char *run_id, const json_t *run,
                            char out[MLP_TRACKING_HTTP_RUN_ID], mlplat_error *err)
{
    const char *id = id_in(run);
    keep(out, id);
    mlplat_status s = mlp_tracking_http_call(store, MLP_MLFLOW_SINK, "runs/set-tag",
                                             json_pack("{s:s, s:s, s:s}", "run_id", id, "key", MLP_OFFLINE_TAG,
                                                       "value", run_id),
                                             NULL, NULL, err);
    return s == MLPLAT_OK ? mlp_spool_run_is(*store->spool, run_id, id, err) : s;
}

static mlplat_status make_all(mlp_tracking_http_store *store, const char *run_id, const json_t *creation,
                              char out[MLP_TRACKING_HTTP_RUN_ID], mlplat_error *err)
{
    char parent[MLP_TRACKING_HTTP_RUN_ID], *experiment_id = NULL;
    json_t *run = NULL;
    mlplat_status s = parent_of(store, creation, parent, err);
    if (s == MLPLAT_OK)
        s = experiment_of(store, creation, parent, &experiment_id, err);
    if (s == MLPLAT_OK)
        s = make(store, run_id, creation, parent, experiment_id, &run, err);
    if (s == MLPLAT_OK)
        s = settle(store, run_id, run, out, err);
    json_decref(run);
    mlp_free(experiment_id);
    return s;
}

static mlplat_status deliver(mlp_tracking_http_store *store, const char *run_id, const json_t *creation,
                             char out[MLP_TRACKING_HTTP_RUN_ID], mlplat_error *err)
{
    bool found = false;
    keep(out, run_id);
    mlplat_status s = look_up(store, run_id, out, &found, err);
    if (s != MLPLAT_OK || found)
        return s;
    return creation ? make_all(store, run_id, creation, out, err) : search(store, run_id, out, err);
}

mlplat_status mlp_tracking_http_run_deliver(mlp_tracking_http_store *store, const char *run_id, const json_t *creation,
                                            char out[MLP_TRACKING_HTTP_RUN_ID], mlplat_error *err)
{
    mlplat_status s = mlp_spool_run_lock(*store->spool, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_mlflow_hurry(DELIVER_MS, true);
    s = deliver(store, run_id, creation, out, err);
    mlp_mlflow_hurry(0, false);
    mlp_spool_run_unlock(*store->spool);
    return s;
}

/* ---- making it here ---------------------------------------------------------------------------------------------- */

mlplat_status mlp_tracking_http_run_offline(void *object, const json_t *creation, mlplat_durability durability,
                                            mlp_made made, void *made_for, mlplat_error *err)
{
    const mlp_tracking_http_store *store = object;
    char id[MLP_OFFLINE_ID];
    mlplat_status s = mlp_offline_make_id(id, err);
    return s == MLPLAT_OK ? mlp_offline_put(*store->spool, id, creation, durability, made, made_for, err) : s;
}

void mlp_tracking_http_hurry(void *store, int64_t ms)
{
    (void)store;
    mlp_mlflow_hurry(ms, false);
}
