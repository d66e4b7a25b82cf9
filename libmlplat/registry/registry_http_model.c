/* Registered models and prompts of a server. */
#include "base/alloc.h"
#include "base/err.h"
#include "registry/prompt.h"
#include "registry/registry_check.h"
#include "registry/registry_http.h"
#include <string.h>

#define MODELS "registered-models/"

static json_t *body_of(const char *name, const char *key, const char *value)
{
    return json_pack("{s:s, s:s*}", "name", name, key, value);
}

/* A call about a model that may not be there. */
static mlplat_status call(mlp_registry_http_store *store, mlp_mlflow_how how, const char *path, const char *name,
                          json_t *body, bool *unclear, mlplat_error *err)
{
    mlplat_status s = mlp_mlflow_call(&store->server, how, path, body, NULL, unclear, err);
    return s == MLPLAT_NOT_FOUND ? mlp_registry_no_model(name, err) : s;
}

mlplat_status mlp_registry_http_model_get(void *object, const char *name, json_t **out, mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    json_t *answer = NULL;
    mlplat_status s = mlp_mlflow_call(&store->server, MLP_MLFLOW_GET, MODELS "get", json_pack("{s:s}", "name", name),
                                      &answer, NULL, err);
    if (s == MLPLAT_NOT_FOUND)
        s = mlp_registry_no_model(name, err);
    return mlp_registry_http_take(s, answer, "registered_model", out, err);
}

/* ---- create ---------------------------------------------------------------------------------------------------- */

/* {key: value} is a list of tags, which may have more. */
static bool has_tags(const json_t *model, const json_t *tags)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)tags, key, value)
    {
        const char *is = mlp_prompt_doc_tag(model, key);
        if (!is || strcmp(is, json_string_value(value)) != 0)
            return false;
    }
    return true;
}

/* Its answer was lost. What is there as it was wanted is what we made, or somebody else of the same mind. */
static mlplat_status made_after_all(mlp_registry_http_store *store, const char *name, const char *description,
                                    const json_t *tags, mlplat_status s)
{
    json_t *model = NULL;
    if (mlp_registry_http_model_get(store, name, &model, NULL) != MLPLAT_OK)
        return s;
    const char *is = json_string_value(json_object_get(model, "description"));
    s = strcmp(is, description ? description : "") == 0 && has_tags(model, tags) ? MLPLAT_OK : MLPLAT_EXISTS;
    json_decref(model);
    return s;
}

mlplat_status mlp_registry_http_model_create(void *object, const char *name, const char *description,
                                             const json_t *tags, mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    bool unclear = false;
    mlplat_status s =
        json_object_get(tags, MLP_PROMPT_TAG) ? mlp_mlflow_need(&store->server, "prompts need", 2, 21, err) : MLPLAT_OK;
    if (s != MLPLAT_OK)
        return s;
    s = mlp_mlflow_call(
        &store->server, MLP_MLFLOW_ONCE, MODELS "create",
        json_pack("{s:s, s:s*, s:o}", "name", name, "description", description, "tags", mlp_mlflow_pairs(tags)), NULL,
        &unclear, err);
    if (unclear)
        s = made_after_all(store, name, description, tags, s);
    if (s == MLPLAT_EXISTS)
        s = mlp_fail(err, s, "registered model '%s' exists already: register a version of it, or take another name",
                     name);
    return s;
}

/* ---- change ---------------------------------------------------------------------------------------------------- */

mlplat_status mlp_registry_http_model_update(void *store, const char *name, const char *description, mlplat_error *err)
{
    return call(store, MLP_MLFLOW_PATCH, MODELS "update", name, body_of(name, "description", description), NULL, err);
}

/* Where its answer was lost, the names tell. */
static bool was_renamed(mlp_registry_http_store *store, const char *name, const char *new_name)
{
    return mlp_registry_http_model_get(store, new_name, NULL, NULL) == MLPLAT_OK &&
           mlp_registry_http_model_get(store, name, NULL, NULL) == MLPLAT_NOT_FOUND;
}

mlplat_status mlp_registry_http_model_rename(void *store, const char *name, const char *new_name, mlplat_error *err)
{
    bool unclear = false;
    mlplat_status s =
        call(store, MLP_MLFLOW_ONCE, MODELS "rename", name, body_of(name, "new_name", new_name), &unclear, err);
    if (s == MLPLAT_EXISTS)
        s = mlp_fail(err, s, "registered model '%s' exists already: take another name for '%s'", new_name, name);
    return unclear && was_renamed(store, name, new_name) ? MLPLAT_OK : s;
}

/* Where its answer was lost, the model is looked for; once more at most. */
mlplat_status mlp_registry_http_model_delete(void *store, const char *name, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    bool unclear = true;
    for (int i = 0; i < 2 && unclear; i++) {
        s = call(store, MLP_MLFLOW_DELETE_ONCE, MODELS "delete", name, json_pack("{s:s}", "name", name), &unclear, err);
        if (unclear && mlp_registry_http_model_get(store, name, NULL, NULL) == MLPLAT_NOT_FOUND)
            return MLPLAT_OK;
    }
    return s;
}

mlplat_status mlp_registry_http_model_tag(void *store, const char *name, const char *key, const char *value,
                                          mlplat_error *err)
{
    json_t *body = json_pack("{s:s, s:s, s:s*}", "name", name, "key", key, "value", value);
    return call(store, value ? MLP_MLFLOW_AGAIN : MLP_MLFLOW_DELETE, value ? MODELS "set-tag" : MODELS "delete-tag",
                name, body, NULL, err);
}

mlplat_status mlp_registry_http_alias_delete(void *store, const char *name, const char *alias, mlplat_error *err)
{
    return call(store, MLP_MLFLOW_DELETE, MODELS "alias", name, body_of(name, "alias", alias), NULL, err);
}

/* ---- prompts --------------------------------------------------------------------------------------------------- */

static mlplat_status make_prompt(mlp_registry_http_store *store, const char *name, const mlp_prompt_new *prompt,
                                 mlplat_error *err)
{
    json_t *tags = prompt->tags ? json_deep_copy(prompt->tags) : json_object();
    mlplat_status s = tags ? mlp_json_set(tags, MLP_PROMPT_TAG, json_string("true"), err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_registry_http_model_create(store, name, prompt->description, tags, err);
    json_decref(tags);
    return s == MLPLAT_EXISTS ? MLPLAT_OK : s; /* another program was faster */
}

/* The prompt as a registered model, made if there is nothing of this name. */
static mlplat_status need_prompt(mlp_registry_http_store *store, const char *name, const mlp_prompt_new *prompt,
                                 json_t **out, mlplat_error *err)
{
    mlplat_error why = {0};
    mlplat_status s = mlp_registry_http_model_get(store, name, out, &why);
    if (s == MLPLAT_NOT_FOUND) {
        s = make_prompt(store, name, prompt, err);
        return s == MLPLAT_OK ? mlp_registry_http_model_get(store, name, out, err) : s;
    }
    if (s != MLPLAT_OK && err)
        *err = why;
    if (s == MLPLAT_OK && !mlp_prompt_doc_tag(*out, MLP_PROMPT_TAG))
        s = mlp_fail(err, MLPLAT_INVALID, "'%s' is a registered model: take another name for the prompt", name);
    return s;
}

static mlplat_status add_experiment(mlp_registry_http_store *store, const char *name, const json_t *model,
                                    const char *id, mlplat_error *err)
{
    const char *list = mlp_prompt_doc_tag(model, MLP_PROMPT_EXPERIMENTS_TAG);
    char *longer = NULL;
    mlplat_status s = mlp_prompt_experiments(list ? list : "", id, &longer, err);
    if (s == MLPLAT_OK && longer)
        s = mlp_registry_http_model_tag(store, name, MLP_PROMPT_EXPERIMENTS_TAG, longer, err);
    mlp_free(longer);
    return s;
}

mlplat_status mlp_registry_http_prompt(mlp_registry_http_store *store, const char *name, const mlp_prompt_new *prompt,
                                       mlplat_error *err)
{
    json_t *model = NULL, *value;
    const char *key;
    mlplat_status s = mlp_mlflow_need(&store->server, "prompts need", 2, 21, err);
    if (s == MLPLAT_OK)
        s = need_prompt(store, name, prompt, &model, err);
    json_object_foreach((json_t *)prompt->tags, key, value)
    {
        const char *is = mlp_prompt_doc_tag(model, key);
        if (s == MLPLAT_OK && (!is || strcmp(is, json_string_value(value)) != 0))
            s = mlp_registry_http_model_tag(store, name, key, json_string_value(value), err);
    }
    if (s == MLPLAT_OK)
        s = add_experiment(store, name, model, prompt->experiment_id, err);
    json_decref(model);
    return s;
}
