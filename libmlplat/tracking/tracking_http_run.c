/* Runs of a server. */
#include "base/digest.h"
#include "base/err.h"
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

/* The run with our mark, if the lost answer was that of a run that is there. */
static mlplat_status made_after_all(void *store, const mlp_run_new *run, const char *op, json_t **out,
                                    mlplat_error *err)
{
    char filter[80];
    json_t *answer = NULL;
    snprintf(filter, sizeof filter, "tags.`" OP "` = '%s'", op);
    mlplat_status s = mlp_tracking_http_call(
        store, AGAIN, "runs/search",
        json_pack("{s:[s], s:s, s:i}", "experiment_ids", run->experiment_id, "filter", filter, "max_results", 1),
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

/* Twice at most: what was not made by the first try is made by the second, with the same mark. */
mlplat_status mlp_tracking_http_run_create(void *store, const mlp_run_new *run, json_t **out, mlplat_error *err)
{
    char op[33];
    bool unclear = true;
    mlplat_status s = MLPLAT_OK;
    if (run->parent_run_id) /* MLflow does not look whether it is there, or deleted */
        s = mlp_tracking_http_why_nothing(store, run->parent_run_id, true, err);
    if (s == MLPLAT_OK)
        s = mlp_random_hex(op, err);
    for (int i = 0; s == MLPLAT_OK && i < 2 && unclear; i++) {
        json_t *answer = NULL;
        s = mlp_tracking_http_call(store, ONCE, "runs/create", create_body(run, op), &answer, &unclear, err);
        s = take(s, answer, out, err);
        if (s == MLPLAT_OK || !unclear)
            break;
        mlplat_status there = made_after_all(store, run, op, out, err);
        s = there == MLPLAT_NOT_FOUND ? MLPLAT_OK : there;
        if (there == MLPLAT_OK)
            break;
    }
    if (s == MLPLAT_OK && !*out)
        s = mlp_fail(err, MLPLAT_UNAVAILABLE, "the server makes no run and does not say why");
    if (s == MLPLAT_OK && run->made)
        s = run->made(run->made_for, *out, err);
    return s;
}

/* ---- read ------------------------------------------------------------------------------------------------------ */

mlplat_status mlp_tracking_http_run_get(void *store, const char *run_id, json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s =
        mlp_tracking_http_call(store, GET, "runs/get", json_pack("{s:s}", "run_id", run_id), &answer, NULL, err);
    return take(s, answer, out, err);
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
    json_t *body = json_object(), *answer = NULL, *ids = json_array(), *one;
    size_t i;
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
    json_t *list = s == MLPLAT_OK ? mlp_mlflow_list(answer, "runs") : NULL;
    json_array_foreach(list, i, one) if (s == MLPLAT_OK) s = normal(one, err);
    if (s == MLPLAT_OK)
        *out = answer;
    else
        json_decref(answer);
    return s;
}

/* ---- change ---------------------------------------------------------------------------------------------------- */

mlplat_status mlp_tracking_http_run_update(void *store, const char *run_id, const mlplat_run_change *change,
                                           mlplat_error *err)
{
    json_t *body = json_pack("{s:s, s:s*, s:s*}", "run_id", run_id, "status", change->status, "run_name",
                             change->name && *change->name ? change->name : NULL);
    if (body && change->end_time_ms && json_object_set_new(body, "end_time", json_integer(change->end_time_ms)) != 0) {
        json_decref(body);
        body = NULL;
    }
    return mlp_tracking_http_call(store, AGAIN, "runs/update", body, NULL, NULL, err);
}

mlplat_status mlp_tracking_http_run_delete(void *store, const char *run_id, mlplat_error *err)
{
    return mlp_tracking_http_call(store, AGAIN, "runs/delete", json_pack("{s:s}", "run_id", run_id), NULL, NULL, err);
}

mlplat_status mlp_tracking_http_run_restore(void *store, const char *run_id, mlplat_error *err)
{
    return mlp_tracking_http_call(store, AGAIN, "runs/restore", json_pack("{s:s}", "run_id", run_id), NULL, NULL, err);
}

/* A server takes 100 params at a time: more of them are not stored all or none. */
mlplat_status mlp_tracking_http_run_params(void *store, const char *run_id, const mlp_param *params, size_t n,
                                           mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t from = 0; s == MLPLAT_OK && from < n; from += 100) {
        json_t *list = json_array();
        for (size_t i = from; s == MLPLAT_OK && i < n && i < from + 100; i++)
            s = mlp_json_push(
                list, json_pack("{s:s, s:s%}", "key", params[i].key, "value", params[i].value, params[i].value_n), err);
        if (s == MLPLAT_OK)
            s = mlp_tracking_http_call(store, AGAIN, "runs/log-batch",
                                       json_pack("{s:s, s:o}", "run_id", run_id, "params", list), NULL, NULL, err);
        else
            json_decref(list);
        s = mlp_tracking_http_why_param(store, run_id, params, n, s, err);
    }
    return s;
}

mlplat_status mlp_tracking_http_run_untag(void *store, const char *run_id, const char *key, mlplat_error *err)
{
    return mlp_tracking_http_call(store, AGAIN, "runs/delete-tag",
                                  json_pack("{s:s, s:s}", "run_id", run_id, "key", key), NULL, NULL, err);
}

static mlplat_status log_inputs(void *store, const char *run_id, const char *kind, const json_t *list,
                                mlplat_error *err)
{
    return mlp_tracking_http_call(store, AGAIN, "runs/log-inputs",
                                  json_pack("{s:s, s:O}", "run_id", run_id, kind, list), NULL, NULL, err);
}

/* Models first and by themselves: a server without logged models refuses them so, and drops them beside datasets. */
mlplat_status mlp_tracking_http_run_inputs(void *store, const char *run_id, const json_t *datasets,
                                           const json_t *models, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    if (!json_array_size(datasets) && !json_array_size(models)) /* which not every server takes */
        return mlp_tracking_http_why_nothing(store, run_id, true, err);
    if (json_array_size(models))
        s = log_inputs(store, run_id, "models", models, err);
    if (s == MLPLAT_INVALID && err && strstr(err->message, "required parameter 'datasets'"))
        s = mlp_fail(err, MLPLAT_UNSUPPORTED, "logged models need a server with MLflow 3.0 or newer");
    return s == MLPLAT_OK && json_array_size(datasets) ? log_inputs(store, run_id, "datasets", datasets, err) : s;
}

mlplat_status mlp_tracking_http_run_outputs(void *store, const char *run_id, const json_t *models, mlplat_error *err)
{
    bool unclear = false;
    if (!json_array_size(models)) /* which a server does not take */
        return mlp_tracking_http_why_nothing(store, run_id, true, err);
    mlplat_status s = mlp_tracking_http_call(
        store, ONCE, "runs/outputs", json_pack("{s:s, s:O*}", "run_id", run_id, "models", models), NULL, &unclear, err);
    return s == MLPLAT_OK ? s : mlp_tracking_http_why_output(store, run_id, models, unclear, s, err);
}

/* ---- lists in tags --------------------------------------------------------------------------------------------- */

/* The list in a tag, empty where there is none. New reference; NULL: no memory. */
static json_t *list_in(const json_t *run, const char *tag)
{
    json_t *tags = json_object_get(json_object_get(run, "data"), "tags"), *one, *list = NULL;
    size_t i;
    json_array_foreach(tags, i, one)
    {
        const char *key = json_string_value(json_object_get(one, "key"));
        const json_t *value = json_object_get(one, "value");
        if (!list && key && strcmp(key, tag) == 0 && json_is_string(value))
            mlp_json_parse(json_string_value(value), json_string_length(value), &list, NULL);
    }
    if (json_is_array(list))
        return list;
    json_decref(list);
    return json_array();
}

static bool is_in(const json_t *list, const json_t *entry)
{
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one) if (json_equal(one, entry)) return true;
    return false;
}

/* Read, changed and written: two programs at once on one run may lose an entry, as with MLflow's own client. */
mlplat_status mlp_tracking_http_run_note(void *store, const char *run_id, const char *tag, const json_t *entry,
                                         bool once, mlplat_error *err)
{
    json_t *run = NULL, *list = NULL;
    mlp_buf text = {0};
    mlplat_status s = mlp_tracking_http_run_get(store, run_id, &run, err);
    if (s == MLPLAT_OK && !(list = list_in(run, tag)))
        s = mlp_fail_memory(err);
    bool there = s == MLPLAT_OK && once && is_in(list, entry);
    if (s == MLPLAT_OK && !there)
        s = mlp_json_push(list, json_incref((json_t *)entry), err);
    if (s == MLPLAT_OK && !there)
        s = mlp_json_text(list, &text, err);
    if (s == MLPLAT_OK && !there)
        s = mlp_tracking_http_call(
            store, AGAIN, "runs/set-tag",
            json_pack("{s:s, s:s, s:s%}", "run_id", run_id, "key", tag, "value", text.data, text.size), NULL, NULL,
            err);
    mlp_buf_free(&text);
    json_decref(list);
    json_decref(run);
    return s;
}
