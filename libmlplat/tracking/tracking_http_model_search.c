/* Searches over a server's logged models. */
#include "base/alloc.h"
#include "base/err.h"
#include "tracking/tracking_http.h"
#include "tracking/tracking_search.h"
#include "tracking/validate.h"
#include <string.h>

#define AGAIN  MLP_MLFLOW_AGAIN
#define SEARCH "logged-models/search"

static mlplat_status check_datasets(const json_t *list, mlplat_error *err)
{
    size_t i;
    json_t *one;
    if (!json_is_array(list))
        return mlp_fail(err, MLPLAT_INVALID, "datasets: expected a JSON list of {\"dataset_name\": ...}");
    json_array_foreach((json_t *)list, i, one)
    {
        const json_t *digest = json_object_get(one, "dataset_digest");
        if (!json_string_length(json_object_get(one, "dataset_name")))
            return mlp_fail(err, MLPLAT_INVALID, "datasets: each needs a \"dataset_name\"");
        if (digest && !json_is_string(digest) && !json_is_null(digest))
            return mlp_fail(err, MLPLAT_INVALID, "datasets: a \"dataset_digest\" is no text");
        if (!json_string_length(digest)) /* MLflow 3.17.2 takes it for one without a digest and finds nothing */
            return mlp_fail(err, MLPLAT_UNSUPPORTED,
                            "datasets: a server finds a dataset by its name and digest alone: add \"dataset_digest\"");
    }
    return MLPLAT_OK;
}

static mlplat_status put_datasets(const char *text, json_t *body, mlplat_error *err)
{
    json_t *list = NULL;
    mlplat_status s = mlp_json_parse(text, strlen(text), &list, err);
    if (s == MLPLAT_OK)
        s = check_datasets(list, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(body, "datasets", json_incref(list), err);
    json_decref(list);
    return s;
}

/* "metrics.auc DESC" as the list that a server wants. */
static mlplat_status order_of_text(const char *order, json_t *list, mlplat_error *err)
{
    mlp_search search = {0};
    mlplat_status s = mlp_search_parse(&mlp_tracking_search_models, NULL, order, &search, err);
    for (size_t i = 0; s == MLPLAT_OK && i < search.n_orders; i++) {
        const mlp_search_term *t = &search.orders[i];
        json_t *name = t->attribute ? json_string(t->attribute->name) : json_sprintf("metrics.%s", t->key);
        s = mlp_json_push(list, json_pack("{s:o, s:b}", "field_name", name, "ascending", !t->down), err);
    }
    mlp_search_free(&search);
    return s;
}

static mlplat_status check_order(const json_t *list, mlplat_error *err)
{
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one)
    {
        const json_t *up = json_object_get(one, "ascending");
        if (!json_string_length(json_object_get(one, "field_name")) || (up && !json_is_boolean(up)))
            return mlp_fail(err, MLPLAT_INVALID,
                            "order_by: expected a JSON list of {\"field_name\": \"metrics.auc\", \"ascending\": true}");
    }
    return MLPLAT_OK;
}

static mlplat_status put_order(const char *order, json_t *body, mlplat_error *err)
{
    bool listed = order[strspn(order, " \t\r\n")] == '[';
    json_t *list = listed ? NULL : json_array();
    mlplat_status s = listed ? mlp_json_parse(order, strlen(order), &list, err) : order_of_text(order, list, err);
    if (s == MLPLAT_OK && listed)
        s = check_order(list, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(body, "order_by", json_incref(list), err);
    json_decref(list);
    return s;
}

static mlplat_status put_query(void *store, const mlplat_logged_model_query *q, json_t *body, mlplat_error *err)
{
    json_t *ids = json_array();
    mlplat_status s = mlp_json_set(body, "experiment_ids", ids, err);
    if (s == MLPLAT_OK && q->max_results < 0)
        s = mlp_fail(err, MLPLAT_INVALID, "max_results is %d: 1 or more, or 0 for the server's own", q->max_results);
    if (s == MLPLAT_OK && q->max_results)
        s = mlp_json_set(body, "max_results", json_integer(q->max_results), err);
    if (s == MLPLAT_OK && q->filter && *q->filter)
        s = mlp_json_set(body, "filter", json_string(q->filter), err);
    if (s == MLPLAT_OK && q->page_token && *q->page_token)
        s = mlp_json_set(body, "page_token", json_string(q->page_token), err);
    if (s == MLPLAT_OK && q->datasets)
        s = put_datasets(q->datasets, body, err);
    if (s == MLPLAT_OK && q->order_by && *q->order_by)
        s = put_order(q->order_by, body, err);
    return s == MLPLAT_OK ? mlp_tracking_http_put_ids(store, q->experiment_ids, ids, err) : s;
}

/* Sends a query, which is stolen. */
static mlplat_status ask(void *store, json_t *body, json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s = mlp_tracking_http_call(store, AGAIN, SEARCH, body, &answer, NULL, err);
    return mlp_mlflow_normal_list(s, answer, "models", mlp_tracking_http_model_normal, out, err);
}

mlplat_status mlp_tracking_http_model_search(void *store, const mlplat_logged_model_query *query, json_t **out,
                                             mlplat_error *err)
{
    json_t *body = json_object();
    mlplat_status s = body ? put_query(store, query, body, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = ask(store, body, out, err);
    else
        json_decref(body);
    return mlp_tracking_http_why_search(&mlp_tracking_search_models, query->filter, NULL, s, err);
}

mlplat_status mlp_tracking_http_model_find(void *store, const char *experiment_id, const char *filter, json_t **out,
                                           mlplat_error *err)
{
    json_t *page = NULL,
           *body = json_pack("{s:[s], s:s, s:i, s:[{s:s, s:b}]}", "experiment_ids", experiment_id, "filter", filter,
                             "max_results", 1, "order_by", "field_name", "creation_timestamp", "ascending", 0);
    mlplat_status s = ask(store, body, &page, err);
    json_t *first = json_array_get(json_object_get(page, "models"), 0);
    if (s == MLPLAT_OK && !first)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "there is no logged model with %s", filter);
    if (s == MLPLAT_OK)
        *out = json_incref(first);
    json_decref(page);
    return s;
}

mlplat_status mlp_tracking_http_model_of_run(void *store, const char *run_id, const char *name, char **location,
                                             mlplat_error *err)
{
    json_t *run = NULL, *model = NULL;
    mlp_buf filter = {0};
    mlplat_status s = mlp_tracking_http_run_get(store, run_id, &run, err);
    const char *experiment = json_string_value(json_object_get(json_object_get(run, "info"), "experiment_id"));
    mlp_buf_printf(&filter, "source_run_id = '%s' AND name = '%s'", run_id, name);
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(&filter, err);
    if (s == MLPLAT_OK && (mlp_validate_model_name(name, NULL) != MLPLAT_OK || !experiment))
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s has logged no model '%.200s'", run_id, name);
    if (s == MLPLAT_OK)
        s = mlp_tracking_http_model_find(store, experiment, filter.data, &model, err);
    const char *place = json_string_value(json_object_get(json_object_get(model, "info"), "artifact_uri"));
    if (s == MLPLAT_OK && !(*location = mlp_strdup(place ? place : "")))
        s = mlp_fail_memory(err);
    mlp_buf_free(&filter);
    json_decref(model);
    json_decref(run);
    return s;
}
