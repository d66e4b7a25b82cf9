/* Logged models of a server, as far as the registry needs them. */
#include "base/alloc.h"
#include "base/err.h"
#include "registry/registry_http.h"
#include <stdio.h>
#include <string.h>

static mlplat_status take(const json_t *model, mlp_logged_model *out, mlplat_error *err)
{
    const json_t *info = json_object_get(model, "info");
    const char *id = json_string_value(json_object_get(info, "model_id"));
    const char *location = json_string_value(json_object_get(info, "artifact_uri"));
    const char *run = json_string_value(json_object_get(info, "source_run_id"));
    if (!id || !*id || !location || !*location)
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no logged model with a place");
    out->model_id = mlp_strdup(id);
    out->location = mlp_strdup(location);
    out->run_id = mlp_strdup(run ? run : "");
    if (out->model_id && out->location && out->run_id)
        return MLPLAT_OK;
    mlp_logged_model_free(out);
    return mlp_fail_memory(err);
}

mlplat_status mlp_registry_http_logged(void *object, const char *model_id, mlp_logged_model *out, mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    json_t *answer = NULL;
    mlplat_status s = mlp_mlflow_call_id(&store->server, MLP_MLFLOW_GET, "logged-models", model_id, "", json_object(),
                                         &answer, NULL, err);
    if (s == MLPLAT_NOT_FOUND && strncmp(model_id, "m-", 2) != 0)
        s = mlp_fail(err, s,
                     "there is no logged model '%.80s': of a registered model name the version too, models:/%.80s/1 or "
                     "models:/%.80s@<alias>",
                     model_id, model_id, model_id);
    if (s == MLPLAT_OK)
        s = take(json_object_get(answer, "model"), out, err);
    json_decref(answer);
    return s;
}

static mlplat_status experiment_of(mlp_registry_http_store *store, const char *run_id, char **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s = mlp_mlflow_call(&store->server, MLP_MLFLOW_GET, "runs/get", json_pack("{s:s}", "run_id", run_id),
                                      &answer, NULL, err);
    const json_t *info = json_object_get(json_object_get(answer, "run"), "info");
    const char *id = json_string_value(json_object_get(info, "experiment_id"));
    if (s == MLPLAT_OK && !id)
        s = mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no run");
    else if (s == MLPLAT_OK && !(*out = mlp_strdup(id)))
        s = mlp_fail_memory(err);
    json_decref(answer);
    return s;
}

/* Of several, the newest. */
static mlplat_status find_newest(mlp_registry_http_store *store, const char *experiment_id, const char *run_id,
                                 const char *name, mlp_logged_model *out, mlplat_error *err)
{
    const char *quote = strchr(name, '\'') ? "\"" : "'";
    char *filter = mlp_sprintf("name = %s%s%s AND source_run_id = '%s'", quote, name, quote, run_id);
    json_t *answer = NULL;
    mlplat_status s = filter ? mlp_mlflow_call(&store->server, MLP_MLFLOW_AGAIN, "logged-models/search",
                                               json_pack("{s:[s], s:s, s:i, s:[{s:s, s:b}]}", "experiment_ids",
                                                         experiment_id, "filter", filter, "max_results", 1, "order_by",
                                                         "field_name", "creation_timestamp", "ascending", 0),
                                               &answer, NULL, err)
                             : mlp_fail_memory(err);
    const json_t *first = json_array_get(json_object_get(answer, "models"), 0);
    if (s == MLPLAT_OK)
        s = first ? take(first, out, err)
                  : mlp_fail(err, MLPLAT_NOT_FOUND, "run %.40s has logged no model '%.80s'", run_id, name);
    json_decref(answer);
    mlp_free(filter);
    return s;
}

mlplat_status mlp_registry_http_logged_of_run(void *object, const char *run_id, const char *name, mlp_logged_model *out,
                                              mlplat_error *err)
{
    char *experiment_id = NULL;
    mlplat_status s = experiment_of(object, run_id, &experiment_id, err);
    if (s == MLPLAT_OK)
        s = find_newest(object, experiment_id, run_id, name, out, err);
    mlp_free(experiment_id);
    return s;
}
