/* Searches over a server's registered models and their versions. */
#include "base/err.h"
#include "registry/registry_http.h"
#include "registry/registry_search.h"
#include <string.h>

/* INVALID with the place, where our own reader does not understand it either. */
static mlplat_status why(const mlp_search_language *language, const mlp_registry_query *query, mlplat_status s,
                         mlplat_error *err)
{
    mlp_search search = {0};
    mlplat_error mine = {0};
    if (s != MLPLAT_INVALID)
        return s;
    if (mlp_search_parse(language, query->filter, query->order_by, &search, &mine) == MLPLAT_INVALID && err)
        *err = mine;
    mlp_search_free(&search);
    return s;
}

static bool given(const char *text)
{
    return text && *text;
}

/* The filter, with "name = '...'" before it where versions of one model are wanted. */
static mlplat_status put_filter(const mlp_registry_query *query, json_t *body, mlplat_error *err)
{
    mlp_buf text = {0};
    const char *quote = query->model && strchr(query->model, '\'') ? "\"" : "'";
    if (query->model && strpbrk(query->model, "'\\") && strpbrk(query->model, "\"\\"))
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "a server's filter cannot name the model '%.100s', for its quotes: search without a model",
                        query->model);
    if (query->model)
        mlp_buf_printf(&text, "name = %s%s%s%s", quote, query->model, quote, given(query->filter) ? " AND " : "");
    if (given(query->filter))
        mlp_buf_puts(&text, query->filter);
    mlplat_status s = mlp_buf_ok(&text, err);
    if (s == MLPLAT_OK && text.size)
        s = mlp_json_set(body, "filter", json_string(text.data), err);
    mlp_buf_free(&text);
    return s;
}

static mlplat_status ask(mlp_registry_http_store *store, const char *path, const mlp_registry_query *query,
                         json_t **out, mlplat_error *err)
{
    json_t *body = json_object();
    mlplat_status s = body ? put_filter(query, body, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(body, "max_results", json_integer(query->limit), err);
    if (s == MLPLAT_OK && given(query->page_token))
        s = mlp_json_set(body, "page_token", json_string(query->page_token), err);
    if (s == MLPLAT_OK && given(query->order_by))
        s = mlp_mlflow_put_order(query->order_by, body, err);
    if (s == MLPLAT_OK)
        return mlp_mlflow_call(&store->server, MLP_MLFLOW_GET, path, body, out, NULL, err);
    json_decref(body);
    return s;
}

mlplat_status mlp_registry_http_model_search(void *store, const mlp_registry_query *query, json_t **out,
                                             mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s = ask(store, "registered-models/search", query, &answer, err);
    s = why(mlp_registry_search_models(true), query, s, err);
    return mlp_mlflow_normal_list(s, answer, "registered_models", mlp_registry_http_model_normal, out, err);
}

/* ---- versions -------------------------------------------------------------------------------------------------- */

/* A search of MLflow's leaves aliases out: their models know them, each asked once. */
static mlplat_status put_aliases(mlp_registry_http_store *store, const json_t *answer, json_t *known, mlplat_error *err)
{
    size_t i;
    json_t *version;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach(json_object_get(answer, "model_versions"), i, version)
    {
        const char *name = json_string_value(json_object_get(version, "name"));
        json_t *model = json_object_get(known, name);
        if (s == MLPLAT_OK && !model) {
            s = mlp_registry_http_model_get(store, name, &model, err);
            s = s == MLPLAT_NOT_FOUND ? MLPLAT_OK : s; /* deleted meanwhile */
            if (s == MLPLAT_OK)
                s = mlp_json_set(known, name, model ? model : json_object(), err);
        }
        if (s == MLPLAT_OK)
            s = mlp_registry_http_put_aliases(version, json_object_get(model, "aliases"), err);
    }
    return s;
}

mlplat_status mlp_registry_http_version_search(void *object, const mlp_registry_query *query, json_t **out,
                                               mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    json_t *answer = NULL, *model = NULL, *known = json_object();
    mlplat_status s = known ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && query->model &&
        (s = mlp_registry_http_model_get(store, query->model, &model, err)) == MLPLAT_OK)
        s = mlp_json_set(known, query->model, model, err);
    if (s == MLPLAT_OK)
        s = ask(store, "model-versions/search", query, &answer, err);
    s = why(mlp_registry_search_versions(true), query, s, err);
    s = mlp_mlflow_normal_list(s, answer, "model_versions", mlp_registry_http_version_normal, out, err);
    if (s == MLPLAT_OK && (s = put_aliases(store, *out, known, err)) != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    json_decref(known);
    return s;
}
