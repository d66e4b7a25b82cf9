/* Runs of a server. */
#include "base/digest.h"
#include "base/err.h"
#include "tracking/run_queue.h"
#include "tracking/tracking_http.h"
#include "tracking/tracking_search.h"
#include <string.h>

#define GET   MLP_MLFLOW_GET
#define AGAIN MLP_MLFLOW_AGAIN
#define ONCE  MLP_MLFLOW_ONCE
#define OP    MLP_MLFLOW_OP

/* The object under name, made where it is not. NULL: no memory. */
static json_t *part(json_t *object, const char *name)
{
    if (!json_is_object(json_object_get(object, name)))
        json_object_set_new(object, name, json_object());
    return json_object_get(object, name);
}

/* What goes in and out. A server before 3.0 has no models. */
static mlplat_status normal_edges(json_t *run, mlplat_error *err)
{
    json_t *inputs = part(run, "inputs"), *one;
    json_t *datasets = mlp_mlflow_list(inputs, "dataset_inputs");
    json_t *outputs = mlp_mlflow_list(part(run, "outputs"), "model_outputs");
    size_t i;
    mlplat_status s = datasets && outputs && mlp_mlflow_list(inputs, "model_inputs")
                          ? MLPLAT_OK
                          : mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no list where one belongs");
    json_array_foreach(datasets, i, one) if (s == MLPLAT_OK) s = mlp_mlflow_sort(mlp_mlflow_list(one, "tags"), err);
    json_array_foreach(outputs, i, one) if (s == MLPLAT_OK && !json_object_get(one, "step")) s =
        mlp_json_set(one, "step", json_integer(0), err);
    return s;
}

/* As the embedded store tells it: every list there, sorted. */
static mlplat_status normal(json_t *run, mlplat_error *err)
{
    static const char *const lists[] = {"metrics", "params", "tags"};
    json_t *info = json_object_get(run, "info"), *data = json_is_object(run) ? part(run, "data") : NULL;
    if (!json_string_length(json_object_get(info, "run_id")) ||
        !json_string_length(json_object_get(info, "experiment_id")))
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no run");
    mlplat_status s = normal_edges(run, err);
    for (size_t i = 0; s == MLPLAT_OK && i < 3; i++)
        s = mlp_mlflow_sort(mlp_mlflow_list(data, lists[i]), err);
    mlp_mlflow_unmark(json_object_get(data, "tags"));
    json_object_del(info, "run_uuid"); /* the old name of run_id */
    return s;
}

static mlplat_status take(mlplat_status s, json_t *answer, json_t **out, mlplat_error *err)
{
    json_t *run = json_object_get(answer, "run");
    if (s == MLPLAT_OK)
        s = normal(run, err);
    if (s == MLPLAT_OK)
        *out = json_incref(run);
    json_decref(answer);
    return s;
}

/* ---- create ---------------------------------------------------------------------------------------------------- */

/* Its answer was lost: is it there? */
mlplat_status mlp_tracking_http_run_by_op(void *store, const char *experiment_id, const char *op, json_t **out,
                                          mlplat_error *err)
{
    char filter[80];
    json_t *answer = NULL;
    snprintf(filter, sizeof filter, "tags.`" OP "` = '%s'", op);
    mlplat_status s = mlp_tracking_http_call(
        store, AGAIN, "runs/search",
        json_pack("{s:[s], s:s, s:i}", "experiment_ids", experiment_id, "filter", filter, "max_results", 1),
        &answer, NULL, err);
    json_t *found = json_array_get(json_object_get(answer, "runs"), 0);
    if (s == MLPLAT_OK && !found)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "the server has not made the run");
    if (s == MLPLAT_OK)
        s = normal(found, err);
    if (s == MLPLAT_OK)
        *out = json_incref(found);
    json_decref(answer);
    return s;
}

static json_t *create_body(const mlp_run_new *run, const char *op)
{
    json_t *tags = mlp_mlflow_pairs(run->tags);
    if (!tags || json_array_append_new(tags, json_pack("{s:s, s:s}", "key", OP, "value", op)) != 0) {
        json_decref(tags);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:I, s:o}", "experiment_id", run->experiment_id, "run_name", run->name, "user_id",
                     run->user ? run->user : "", "start_time", (json_int_t)run->start_time_ms, "tags", tags);
}

/* One try, and whether it was done after all. *again: it was not, and the server is not at it any more, as it may be
 * where we did not wait for its answer. */
static mlplat_status try_create(void *store, const mlp_run_new *run, const char *op, json_t **out, bool *again,
                                mlplat_error *err)
{
    json_t *answer = NULL;
    bool unclear = false;
    mlplat_error there = {0};
    mlplat_status s = mlp_tracking_http_call(store, ONCE, "runs/create", create_body(run, op), &answer, &unclear, err);
    s = take(s, answer, out, err);
    *again = false;
    if (s == MLPLAT_OK || !unclear)
        return s;
    mlplat_status found = mlp_tracking_http_run_by_op(store, run->experiment_id, op, out, &there);
    *again = found == MLPLAT_NOT_FOUND && s != MLPLAT_TIMEOUT;
    return found == MLPLAT_OK ? found : s;
}

/* Twice at most: what was not made by the first try is made by the second, with the same mark. */
mlplat_status mlp_tracking_http_run_create(void *store, const mlp_run_new *run, json_t **out, mlplat_error *err)
{
    char made_op[33], parent[MLP_TRACKING_HTTP_RUN_ID];
    const char *op = run->op ? run->op : made_op;
    mlplat_error mine = {0};
    bool again = false;
    mlplat_status s = run->op ? MLPLAT_OK : mlp_random_hex(made_op, &mine);
    if (s == MLPLAT_OK && run->parent_run_id)
        s = mlp_tracking_http_run_there(store, run->parent_run_id, parent, &mine);
    if (s == MLPLAT_OK && run->parent_run_id) /* MLflow does not look whether it is there, or deleted */
        s = mlp_tracking_http_why_nothing(store, parent, true, &mine);
    if (s == MLPLAT_OK)
        s = try_create(store, run, op, out, &again, &mine);
    if (again)
        s = try_create(store, run, op, out, &again, &mine);
    if (s == MLPLAT_OK && run->made)
        s = run->made(run->made_for, *out, &mine);
    if (s != MLPLAT_OK && err)
        *err = mine;
    return s;
}

/* ---- read ------------------------------------------------------------------------------------------------------ */

static mlplat_status get_there(void *store, const char *run_id, json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s =
        mlp_tracking_http_call(store, GET, "runs/get", json_pack("{s:s}", "run_id", run_id), &answer, NULL, err);
    return take(s, answer, out, err);
}

/* Delivered while its records were read: then the server has it. */
mlplat_status mlp_tracking_http_run_get(void *object, const char *run_id, json_t **out, mlplat_error *err)
{
    mlp_tracking_http_store *store = object;
    char id[MLP_TRACKING_HTTP_RUN_ID];
    bool waits = false;
    mlplat_status s = mlp_tracking_http_run_of(store, run_id, id, &waits, err);
    if (s == MLPLAT_OK && waits) {
        s = mlp_offline_run(*store->spool, run_id, out, err);
        if (s != MLPLAT_OK || *out)
            return s;
        s = mlp_tracking_http_run_there(store, run_id, id, err);
    }
    return s == MLPLAT_OK ? get_there(store, id, out, err) : s;
}

static mlplat_status put_given_ids(const char *ids, json_t *list, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && *ids) {
        size_t n = strcspn(ids, ",");
        size_t blank = strspn(ids, " ");
        if (blank < n)
            s = mlp_json_push(list, json_stringn(ids + blank, n - blank), err);
        ids += n + (ids[n] == ',');
    }
    return s;
}

/* All active experiments, page by page. */
static mlplat_status put_all_ids(void *store, json_t *list, mlplat_error *err)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    json_t *page = NULL, *one;
    size_t i;
    mlplat_status s;
    do {
        json_t *last = page;
        query.page_token = json_string_value(json_object_get(last, "next_page_token"));
        page = NULL;
        s = mlp_tracking_http_experiment_search(store, &query, &page, err);
        json_array_foreach(json_object_get(page, "experiments"), i, one) if (s == MLPLAT_OK) s =
            mlp_json_push(list, json_incref(json_object_get(one, "experiment_id")), err);
        json_decref(last);
    } while (s == MLPLAT_OK && json_object_get(page, "next_page_token"));
    json_decref(page);
    return s;
}

mlplat_status mlp_tracking_http_put_ids(void *store, const char *ids, json_t *list, mlplat_error *err)
{
    return ids && *ids ? put_given_ids(ids, list, err) : put_all_ids(store, list, err);
}

mlplat_status mlp_tracking_http_run_search(void *store, const mlplat_search *query, json_t **out, mlplat_error *err)
{
    json_t *body = json_object(), *answer = NULL, *ids = json_array();
    mlplat_status s = mlp_json_set(body, "experiment_ids", ids, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_http_put_ids(store, query ? query->experiment_ids : NULL, ids, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_http_query(query, "run_view_type", body, err);
    if (s != MLPLAT_OK) {
        json_decref(body);
        return s;
    }
    s = mlp_tracking_http_call(store, AGAIN, "runs/search", body, &answer, NULL, err);
    if (query)
        s = mlp_tracking_http_why_search(&mlp_tracking_search_runs, query->filter, query->order_by, s, err);
    return mlp_mlflow_normal_list(s, answer, "runs", normal, out, err);
}

/* ---- change ---------------------------------------------------------------------------------------------------- */

static mlplat_status update_there(void *store, const char *run_id, const mlplat_run_change *change, mlplat_error *err)
{
    json_t *body = mlp_run_queue_body(change);
    mlplat_status s = mlp_json_set(body, "run_id", json_string(run_id), err);
    if (s != MLPLAT_OK) {
        json_decref(body);
        return s;
    }
    return mlp_tracking_http_call(store, AGAIN, "runs/update", body, NULL, NULL, err);
}

mlplat_status mlp_tracking_http_run_update(void *object, const char *run_id, const mlplat_run_change *change,
                                           mlplat_error *err)
{
    mlp_tracking_http_store *store = object;
    char id[MLP_TRACKING_HTTP_RUN_ID];
    bool waits = false;
    mlplat_status s = mlp_tracking_http_run_of(store, run_id, id, &waits, err);
    if (s == MLPLAT_OK && waits)
        return mlp_offline_change(*store->spool, run_id, change, err);
    return s == MLPLAT_OK ? update_there(store, id, change, err) : s;
}

static mlplat_status move(void *store, const char *path, const char *run_id, mlplat_error *err)
{
    char id[MLP_TRACKING_HTTP_RUN_ID];
    mlplat_status s = mlp_tracking_http_run_there(store, run_id, id, err);
    return s == MLPLAT_OK
               ? mlp_tracking_http_call(store, AGAIN, path, json_pack("{s:s}", "run_id", id), NULL, NULL, err)
               : s;
}

mlplat_status mlp_tracking_http_run_delete(void *store, const char *run_id, mlplat_error *err)
{
    return move(store, "runs/delete", run_id, err);
}

mlplat_status mlp_tracking_http_run_restore(void *store, const char *run_id, mlplat_error *err)
{
    return move(store, "runs/restore", run_id, err);
}
