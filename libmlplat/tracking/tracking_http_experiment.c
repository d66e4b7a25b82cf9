/* Experiments of a server. */
#include "base/alloc.h"
#include "base/err.h"
#include "tracking/tracking_http.h"
#include "tracking/tracking_search.h"
#include <string.h>

#define GET   MLP_MLFLOW_GET
#define AGAIN MLP_MLFLOW_AGAIN
#define ONCE  MLP_MLFLOW_ONCE

static mlplat_status normal(json_t *experiment, mlplat_error *err)
{
    return json_string_length(json_object_get(experiment, "experiment_id"))
               ? mlp_mlflow_sort(mlp_mlflow_list(experiment, "tags"), err)
               : mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no experiment");
}

/* The experiment in an answer, which is given back. */
static mlplat_status take(mlplat_status s, json_t *answer, json_t **out, mlplat_error *err)
{
    json_t *experiment = json_object_get(answer, "experiment");
    if (s == MLPLAT_OK)
        s = normal(experiment, err);
    if (s == MLPLAT_OK)
        *out = json_incref(experiment);
    json_decref(answer);
    return s;
}

mlplat_status mlp_tracking_http_experiment_get(void *store, const char *id, json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s = mlp_tracking_http_call(store, GET, "experiments/get", json_pack("{s:s}", "experiment_id", id),
                                             &answer, NULL, err);
    return take(s, answer, out, err);
}

mlplat_status mlp_tracking_http_experiment_by_name(void *store, const char *name, json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s = mlp_tracking_http_call(store, GET, "experiments/get-by-name",
                                             json_pack("{s:s}", "experiment_name", name), &answer, NULL, err);
    return take(s, answer, out, err);
}

static mlplat_status id_of(const json_t *holder, char **id, mlplat_error *err)
{
    const char *text = json_string_value(json_object_get(holder, "experiment_id"));
    if (!text)
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no experiment_id");
    *id = mlp_strdup(text);
    return *id ? MLPLAT_OK : mlp_fail_memory(err);
}

/* Its answer was lost: names are unique, so what is there by now is what we made, or somebody else of the same mind. */
static mlplat_status made_after_all(void *store, const char *name, char **id, mlplat_error *err)
{
    json_t *found = NULL;
    mlplat_status s = mlp_tracking_http_experiment_by_name(store, name, &found, err);
    if (s == MLPLAT_OK)
        s = id_of(found, id, err);
    json_decref(found);
    return s;
}

/* With the body that the first try had. Nobody knows what became of that, so it may be there by now. */
static mlplat_status create_again(void *store, const char *name, json_t *body, char **id, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s = made_after_all(store, name, id, err);
    if (s != MLPLAT_NOT_FOUND)
        return s;
    s = mlp_tracking_http_call(store, AGAIN, "experiments/create", json_incref(body), &answer, NULL, err);
    if (s == MLPLAT_OK)
        s = id_of(answer, id, err);
    else if (s == MLPLAT_EXISTS)
        s = made_after_all(store, name, id, err);
    json_decref(answer);
    return s;
}

mlplat_status mlp_tracking_http_experiment_create(void *store, const char *name, const char *location,
                                                  const json_t *tags, char **id, mlplat_error *err)
{
    json_t *answer = NULL, *body = json_pack("{s:s, s:o*, s:s*}", "name", name, "tags", mlp_mlflow_pairs(tags),
                                             "artifact_location", location);
    bool unclear = false;
    mlplat_status s =
        mlp_tracking_http_call(store, ONCE, "experiments/create", json_incref(body), &answer, &unclear, err);
    if (s == MLPLAT_OK)
        s = id_of(answer, id, err);
    else if (unclear)
        s = create_again(store, name, body, id, err);
    else
        s = mlp_tracking_http_why_name(store, name, NULL, s, err);
    json_decref(answer);
    json_decref(body);
    return s;
}

mlplat_status mlp_tracking_http_query(const mlplat_search *query, const char *view_name, json_t *body,
                                      mlplat_error *err)
{
    static const char *const views[] = {"ACTIVE_ONLY", "DELETED_ONLY", "ALL"};
    mlplat_status s = body ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(body, "max_results", json_integer(query && query->max_results ? query->max_results : 1000),
                         err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(body, view_name, json_string(views[query ? query->view : MLPLAT_VIEW_ACTIVE]), err);
    if (s == MLPLAT_OK && query && query->filter && *query->filter)
        s = mlp_json_set(body, "filter", json_string(query->filter), err);
    if (s == MLPLAT_OK && query && query->page_token && *query->page_token)
        s = mlp_json_set(body, "page_token", json_string(query->page_token), err);
    if (s == MLPLAT_OK && query && query->order_by && *query->order_by)
        s = mlp_mlflow_put_order(query->order_by, body, err);
    return s;
}

mlplat_status mlp_tracking_http_experiment_search(void *store, const mlplat_search *query, json_t **out,
                                                  mlplat_error *err)
{
    json_t *body = json_object(), *answer = NULL;
    mlplat_status s = mlp_tracking_http_query(query, "view_type", body, err);
    if (s == MLPLAT_OK && query && query->experiment_ids && *query->experiment_ids)
        s = mlp_fail(err, MLPLAT_INVALID,
                     "experiment_ids is for searches over runs: here use the filter "
                     "\"experiment_id = '...'\"");
    if (s != MLPLAT_OK) {
        json_decref(body);
        return s;
    }
    s = mlp_tracking_http_call(store, AGAIN, "experiments/search", body, &answer, NULL, err);
    if (query)
        s = mlp_tracking_http_why_search(&mlp_tracking_search_experiments, query->filter, query->order_by, s, err);
    return mlp_mlflow_normal_list(s, answer, "experiments", normal, out, err);
}

mlplat_status mlp_tracking_http_experiment_rename(void *store, const char *id, const char *name, mlplat_error *err)
{
    mlplat_status s =
        mlp_tracking_http_call(store, AGAIN, "experiments/update",
                               json_pack("{s:s, s:s}", "experiment_id", id, "new_name", name), NULL, NULL, err);
    s = mlp_tracking_http_why_stage(store, id, "active", s, err);
    return mlp_tracking_http_why_name(store, name, id, s, err);
}

/* Moves an experiment between its stages. Where the answer was lost, the stage tells whether it was done. */
static mlplat_status move(void *store, const char *path, const char *id, const char *from, const char *to,
                          mlplat_error *err)
{
    json_t *experiment = NULL;
    bool unclear = false;
    mlplat_status s =
        mlp_tracking_http_call(store, ONCE, path, json_pack("{s:s}", "experiment_id", id), NULL, &unclear, err);
    if (!unclear)
        return mlp_tracking_http_why_stage(store, id, from, s, err);
    if (mlp_tracking_http_experiment_get(store, id, &experiment, NULL) == MLPLAT_OK) {
        const char *stage = json_string_value(json_object_get(experiment, "lifecycle_stage"));
        s = stage && strcmp(stage, to) == 0 ? MLPLAT_OK : s;
    }
    json_decref(experiment);
    return s;
}

mlplat_status mlp_tracking_http_experiment_delete(void *store, const char *id, mlplat_error *err)
{
    return move(store, "experiments/delete", id, "active", "deleted", err);
}

mlplat_status mlp_tracking_http_experiment_restore(void *store, const char *id, mlplat_error *err)
{
    return move(store, "experiments/restore", id, "deleted", "active", err);
}

mlplat_status mlp_tracking_http_experiment_tag(void *store, const char *id, const char *key, const char *value,
                                               mlplat_error *err)
{
    mlplat_status s = mlp_tracking_http_call(
        store, AGAIN, "experiments/set-experiment-tag",
        json_pack("{s:s, s:s, s:s}", "experiment_id", id, "key", key, "value", value), NULL, NULL, err);
    return mlp_tracking_http_why_stage(store, id, "active", s, err);
}

mlplat_status mlp_tracking_http_experiment_untag(void *store, const char *id, const char *key, mlplat_error *err)
{
    mlplat_status s = mlp_tracking_http_call(store, AGAIN, "experiments/delete-experiment-tag",
                                             json_pack("{s:s, s:s}", "experiment_id", id, "key", key), NULL, NULL, err);
    return mlp_tracking_http_why_stage(store, id, "active", s, err);
}
