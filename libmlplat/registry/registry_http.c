/* The registry of an MLflow server. */
#include "registry/registry_http.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

/* ---- the store ------------------------------------------------------------------------------------------------- */

static void http_close(void *object)
{
    mlp_registry_http_store *store = object;
    mlp_mlflow_close(&store->server);
    mlp_free(store);
}

static mlplat_status http_open(mlplat *ml, const char *uri, void **out, mlplat_error *err)
{
    mlp_registry_http_store *store = mlp_alloc(sizeof *store);
    if (!store)
        return mlp_fail_memory(err);
    store->ml = ml;
    mlplat_status s = mlp_mlflow_open(uri, &ml->log, &ml->hook, &store->server, err);
    if (s == MLPLAT_OK)
        *out = store;
    else
        mlp_free(store);
    return s;
}

/* ---- documents ------------------------------------------------------------------------------------------------- */

/* MLflow leaves out what is empty. */
static mlplat_status put_texts(json_t *doc, const char *const *names, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (; s == MLPLAT_OK && *names; names++)
        if (!json_is_string(json_object_get(doc, *names)))
            s = mlp_json_set(doc, *names, json_string(""), err);
    return s;
}

static mlplat_status normal_tags(json_t *doc, mlplat_error *err)
{
    static const char *const value[] = {"value", NULL};
    size_t i;
    json_t *tags = mlp_mlflow_list(doc, "tags"), *tag;
    mlplat_status s = mlp_mlflow_sort(tags, err);
    json_array_foreach(tags, i, tag) if (s == MLPLAT_OK) s = put_texts(tag, value, err);
    mlp_mlflow_unmark(tags);
    return s;
}

mlplat_status mlp_registry_http_version_normal(json_t *version, mlplat_error *err)
{
    static const char *const texts[] = {"current_stage", "description", "source",  "run_id",
                                        "run_link",      "status",      "user_id", NULL};
    if (!json_string_length(json_object_get(version, "name")) ||
        !json_string_length(json_object_get(version, "version")))
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no model version");
    mlplat_status s = put_texts(version, texts, err);
    if (s == MLPLAT_OK)
        s = normal_tags(version, err);
    return s == MLPLAT_OK ? mlp_mlflow_sort_aliases(mlp_mlflow_list(version, "aliases"), err) : s;
}

mlplat_status mlp_registry_http_put_aliases(json_t *version, const json_t *aliases, mlplat_error *err)
{
    size_t i;
    json_t *one, *list = mlp_mlflow_list(version, "aliases");
    mlplat_status s = list && json_array_clear(list) == 0 ? MLPLAT_OK : mlp_fail_memory(err);
    json_array_foreach((json_t *)aliases, i, one)
    {
        if (s == MLPLAT_OK && json_equal(json_object_get(one, "version"), json_object_get(version, "version")))
            s = mlp_json_push(list, json_incref(json_object_get(one, "alias")), err);
    }
    return s;
}

mlplat_status mlp_registry_http_model_normal(json_t *model, mlplat_error *err)
{
    static const char *const texts[] = {"description", NULL};
    size_t i;
    json_t *aliases = mlp_mlflow_list(model, "aliases"), *latest = mlp_mlflow_list(model, "latest_versions"), *one;
    if (!json_string_length(json_object_get(model, "name")))
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no registered model");
    mlplat_status s = put_texts(model, texts, err);
    if (s == MLPLAT_OK)
        s = normal_tags(model, err);
    if (s == MLPLAT_OK)
        s = mlp_mlflow_sort_aliases(aliases, err);
    if (s == MLPLAT_OK && !latest)
        s = mlp_fail_memory(err);
    json_array_foreach(latest, i, one)
    {
        if (s == MLPLAT_OK)
            s = mlp_registry_http_version_normal(one, err);
        if (s == MLPLAT_OK)
            s = mlp_registry_http_put_aliases(one, aliases, err);
    }
    return s;
}

mlplat_status mlp_registry_http_take(mlplat_status s, json_t *answer, const char *name, json_t **out, mlplat_error *err)
{
    json_t *doc = json_object_get(answer, name);
    if (s == MLPLAT_OK)
        s = strcmp(name, "model_version") == 0 ? mlp_registry_http_version_normal(doc, err)
                                               : mlp_registry_http_model_normal(doc, err);
    if (s == MLPLAT_OK && out)
        *out = json_incref(doc);
    json_decref(answer);
    return s;
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

#define TABLE(scheme_name)                                                                                             \
    {                                                                                                                  \
        .scheme = (scheme_name), .open = http_open, .close = http_close, .abandon = http_close,                        \
        .model_create = mlp_registry_http_model_create, .model_get = mlp_registry_http_model_get,                      \
        .model_search = mlp_registry_http_model_search, .model_update = mlp_registry_http_model_update,                \
        .model_rename = mlp_registry_http_model_rename, .model_delete = mlp_registry_http_model_delete,                \
        .model_tag = mlp_registry_http_model_tag, .version_create = mlp_registry_http_version_create,                  \
        .version_get = mlp_registry_http_version_get, .version_location = mlp_registry_http_version_location,          \
        .version_search = mlp_registry_http_version_search, .version_latest = mlp_registry_http_version_latest,        \
        .version_transition = mlp_registry_http_version_transition,                                                    \
        .version_update = mlp_registry_http_version_update, .version_delete = mlp_registry_http_version_delete,        \
        .version_tag = mlp_registry_http_version_tag, .alias_set = mlp_registry_http_alias_set,                        \
        .alias_delete = mlp_registry_http_alias_delete, .logged_model = mlp_registry_http_logged,                      \
        .logged_model_of_run = mlp_registry_http_logged_of_run, .webhook_create = mlp_registry_http_webhook_create,    \
        .webhook_get = mlp_registry_http_webhook_get, .webhook_list = mlp_registry_http_webhook_list,                  \
        .webhook_update = mlp_registry_http_webhook_update, .webhook_delete = mlp_registry_http_webhook_delete,        \
        .webhook_test = mlp_registry_http_webhook_test                                                                 \
    }

static const mlp_registry_store plain = TABLE("http"), tls = TABLE("https");

const mlp_registry_store *mlp_registry_http(void)
{
    return &plain;
}

const mlp_registry_store *mlp_registry_https(void)
{
    return &tls;
}
