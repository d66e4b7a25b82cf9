/* Versions and aliases of a server. What names a version by an alias, a stage or "latest" is asked for first. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "registry/registry_check.h"
#include "registry/registry_http.h"
#include <stdio.h>
#include <string.h>

#define VERSIONS    "model-versions/"
#define NUMBER_MOST INT32_MAX /* of MLflow's column; PostgreSQL fails at more */

typedef char number_text[24];

/* A version that is not there, or the model is not. */
static mlplat_status missing(mlp_registry_http_store *store, const char *name, const mlp_version_ref *ref,
                             mlplat_error *err)
{
    mlplat_status s = mlp_registry_http_model_get(store, name, NULL, err);
    return s == MLPLAT_OK ? mlp_registry_no_version(name, ref, err) : s;
}

/* ---- which ----------------------------------------------------------------------------------------------------- */

static int64_t number_of(const json_t *version)
{
    int64_t number = 0;
    const char *text = json_string_value(json_object_get(version, "version"));
    return text && mlp_text_int64(text, &number) ? number : 0;
}

static const char *stage_of(const json_t *version)
{
    return json_string_value(json_object_get(version, "current_stage"));
}

/* The newest of all, or of one stage. The model has the newest of each, with aliases, which an old server leaves out
 * where it is asked for them alone. */
static mlplat_status get_newest(mlp_registry_http_store *store, const char *name, const mlp_version_ref *ref,
                                json_t **out, mlplat_error *err)
{
    size_t i;
    json_t *model = NULL, *one, *newest = NULL;
    mlplat_status s = mlp_registry_http_model_get(store, name, &model, err);
    json_array_foreach(json_object_get(model, "latest_versions"), i, one)
    {
        bool wanted = ref->kind == MLP_VERSION_LATEST || strcmp(stage_of(one), ref->stage) == 0;
        if (wanted && number_of(one) > number_of(newest))
            newest = one;
    }
    if (s == MLPLAT_OK && !newest)
        s = mlp_registry_no_version(name, ref, err);
    if (s == MLPLAT_OK && out)
        *out = json_incref(newest);
    json_decref(model);
    return s;
}

static mlplat_status get_number(mlp_registry_http_store *store, const char *name, const mlp_version_ref *ref,
                                json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    number_text number;
    if (ref->number < 1 || ref->number > NUMBER_MOST)
        return missing(store, name, ref, err);
    snprintf(number, sizeof number, "%lld", (long long)ref->number);
    mlplat_status s = mlp_mlflow_call(&store->server, MLP_MLFLOW_GET, VERSIONS "get",
                                      json_pack("{s:s, s:s}", "name", name, "version", number), &answer, NULL, err);
    if (s == MLPLAT_NOT_FOUND)
        s = missing(store, name, ref, err);
    return mlp_registry_http_take(s, answer, "model_version", out, err);
}

/* MLflow says of an alias that is none that a parameter is wrong. */
static mlplat_status get_alias(mlp_registry_http_store *store, const char *name, const mlp_version_ref *ref,
                               json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s = mlp_mlflow_call(&store->server, MLP_MLFLOW_GET, "registered-models/alias",
                                      json_pack("{s:s, s:s}", "name", name, "alias", ref->alias), &answer, NULL, err);
    if (s == MLPLAT_NOT_FOUND || s == MLPLAT_INVALID)
        s = missing(store, name, ref, err);
    return mlp_registry_http_take(s, answer, "model_version", out, err);
}

mlplat_status mlp_registry_http_version_get(void *store, const char *name, const mlp_version_ref *ref, json_t **out,
                                            mlplat_error *err)
{
    return ref->kind == MLP_VERSION_NUMBER  ? get_number(store, name, ref, out, err)
           : ref->kind == MLP_VERSION_ALIAS ? get_alias(store, name, ref, out, err)
                                            : get_newest(store, name, ref, out, err);
}

/* The number of a version as text; of one that is given by its number the server says whether it is there. */
static mlplat_status find(mlp_registry_http_store *store, const char *name, const mlp_version_ref *ref,
                          number_text number, mlplat_error *err)
{
    json_t *version = NULL;
    bool given = ref->kind == MLP_VERSION_NUMBER && ref->number >= 1 && ref->number <= NUMBER_MOST;
    mlplat_status s = given ? MLPLAT_OK : mlp_registry_http_version_get(store, name, ref, &version, err);
    if (s == MLPLAT_OK)
        snprintf(number, sizeof(number_text), "%lld", (long long)(given ? ref->number : number_of(version)));
    json_decref(version);
    return s;
}

/* ---- read ------------------------------------------------------------------------------------------------------ */

mlplat_status mlp_registry_http_version_location(void *object, const char *name, const mlp_version_ref *ref, char **out,
                                                 mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    json_t *answer = NULL;
    number_text number;
    mlplat_status s = find(store, name, ref, number, err);
    if (s == MLPLAT_OK)
        s = mlp_mlflow_call(&store->server, MLP_MLFLOW_GET, VERSIONS "get-download-uri",
                            json_pack("{s:s, s:s}", "name", name, "version", number), &answer, NULL, err);
    if (s == MLPLAT_NOT_FOUND)
        s = missing(store, name, ref, err);
    const char *location = json_string_value(json_object_get(answer, "artifact_uri"));
    if (s == MLPLAT_OK && (!location || !*location))
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "version %s of registered model '%s' says nowhere where its files are",
                     number, name);
    else if (s == MLPLAT_OK && !(*out = mlp_strdup(location)))
        s = mlp_fail_memory(err);
    json_decref(answer);
    return s;
}

static bool is_in(unsigned stages, const json_t *version)
{
    for (int i = 0; i < MLP_STAGE_COUNT; i++)
        if (strcmp(stage_of(version), mlp_stages[i]) == 0)
            return stages >> i & 1;
    return false;
}

mlplat_status mlp_registry_http_version_latest(void *store, const char *name, unsigned stages, json_t **out,
                                               mlplat_error *err)
{
    json_t *model = NULL, *list;
    mlplat_status s = mlp_registry_http_model_get(store, name, &model, err);
    if (s == MLPLAT_OK && !(*out = json_pack("{s:O}", "model_versions", json_object_get(model, "latest_versions"))))
        s = mlp_fail_memory(err);
    list = json_object_get(*out, "model_versions");
    for (size_t i = json_array_size(list); s == MLPLAT_OK && i-- > 0;)
        if (!is_in(stages, json_array_get(list, i)))
            json_array_remove(list, i);
    json_decref(model);
    return s;
}

/* ---- change ---------------------------------------------------------------------------------------------------- */

/* A call about a version, which goes into the body (stolen). */
static mlplat_status call(mlp_registry_http_store *store, mlp_mlflow_how how, const char *path, const char *name,
                          const mlp_version_ref *ref, json_t *body, json_t **out, bool *unclear, mlplat_error *err)
{
    number_text number;
    mlplat_status s = body ? find(store, name, ref, number, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(body, "name", json_string(name), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(body, "version", json_string(number), err);
    if (s != MLPLAT_OK) {
        json_decref(body);
        return s;
    }
    s = mlp_mlflow_call(&store->server, how, path, body, out, unclear, err);
    return s == MLPLAT_NOT_FOUND ? missing(store, name, ref, err) : s;
}

mlplat_status mlp_registry_http_version_transition(void *store, const char *name, const mlp_version_ref *ref,
                                                   const char *stage, bool archive, json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s =
        call(store, MLP_MLFLOW_AGAIN, VERSIONS "transition-stage", name, ref,
             json_pack("{s:s, s:b}", "stage", stage, "archive_existing_versions", archive), &answer, NULL, err);
    return mlp_registry_http_take(s, answer, "model_version", out, err);
}

mlplat_status mlp_registry_http_version_update(void *store, const char *name, const mlp_version_ref *ref,
                                               const char *description, mlplat_error *err)
{
    return call(store, MLP_MLFLOW_PATCH, VERSIONS "update", name, ref, json_pack("{s:s*}", "description", description),
                NULL, NULL, err);
}

/* Where its answer was lost, the version is looked for; once more at most. */
mlplat_status mlp_registry_http_version_delete(void *store, const char *name, const mlp_version_ref *ref,
                                               mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    bool unclear = true;
    for (int i = 0; i < 2 && unclear; i++) {
        unclear = false;
        s = call(store, MLP_MLFLOW_DELETE_ONCE, VERSIONS "delete", name, ref, json_object(), NULL, &unclear, err);
        if (unclear && mlp_registry_http_version_get(store, name, ref, NULL, NULL) == MLPLAT_NOT_FOUND)
            return MLPLAT_OK;
    }
    return s;
}

mlplat_status mlp_registry_http_version_tag(void *store, const char *name, const mlp_version_ref *ref, const char *key,
                                            const char *value, mlplat_error *err)
{
    return call(store, value ? MLP_MLFLOW_AGAIN : MLP_MLFLOW_DELETE, value ? VERSIONS "set-tag" : VERSIONS "delete-tag",
                name, ref, json_pack("{s:s, s:s*}", "key", key, "value", value), NULL, NULL, err);
}

mlplat_status mlp_registry_http_alias_set(void *store, const char *name, const char *alias, const mlp_version_ref *ref,
                                          mlplat_error *err)
{
    return call(store, MLP_MLFLOW_AGAIN, "registered-models/alias", name, ref, json_pack("{s:s}", "alias", alias), NULL,
                NULL, err);
}
