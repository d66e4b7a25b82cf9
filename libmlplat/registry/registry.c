/* The session's registry, and registered models. */
#include "base/alloc.h"
#include "base/check.h"
#include "base/err.h"
#include "registry/registry_check.h"
#include "registry/registry_store.h"

enum { MODELS_USUAL = 100, MODELS_MOST = 1000 };

static mlplat_status open_registry(mlplat *ml, void **object, mlplat_error *err)
{
    const char *uri = mlp_session_setting(ml, MLP_SET_REGISTRY_URI);
    const mlp_registry_store *ops = mlp_registry_store_for(uri ? uri : "sqlite:///mlflow.db", err);
    if (!ops)
        return MLPLAT_UNSUPPORTED;
    mlp_registry *r = mlp_alloc(sizeof *r);
    if (!r)
        return mlp_fail_memory(err);
    *r = (mlp_registry){.ml = ml, .ops = ops};
    mlplat_status s = ops->open(ml, uri ? uri : "sqlite:///mlflow.db", &r->store, err);
    if (s == MLPLAT_OK)
        *object = r;
    else
        mlp_free(r);
    return s;
}

static void close_registry(mlplat *ml, void *object)
{
    mlp_registry *r = object;
    (void)ml;
    r->ops->close(r->store);
    mlp_free(r);
}

static void abandon_registry(void *object)
{
    mlp_registry *r = object;
    r->ops->abandon(r->store);
    mlp_free(r);
}

static const mlp_slot_ops slot_ops = {
    .open = open_registry,
    .close = close_registry,
    .abandon = abandon_registry,
};

mlplat_status mlp_registry_of(mlplat *ml, mlp_registry **out, mlplat_error *err)
{
    void *object = NULL;
    *out = NULL;
    if (!ml)
        return mlp_fail(err, MLPLAT_INVALID, "session is NULL: open one with mlplat_open");
    mlplat_status s = mlp_session_slot(ml, MLP_SLOT_REGISTRY, &slot_ops, &object, err);
    *out = object;
    return s;
}

mlplat_status mlplat_registered_model_create(mlplat *ml, const char *name, const char *description, const char *tags,
                                             mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *parsed = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_description(description, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_tags(tags, &parsed, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->model_create(r->store, name, description, parsed, err);
    json_decref(parsed);
    return s;
}

mlplat_status mlplat_registered_model_get(mlplat *ml, const char *name, mlplat_doc **out, mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *model = NULL;
    *out = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->model_get(r->store, name, &model, err);
    return s == MLPLAT_OK ? mlp_doc_new(model, out, err) : s;
}

mlplat_status mlplat_registered_model_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out,
                                             mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_registry_query q;
    json_t *list = NULL;
    *out = NULL;
    mlplat_status s = mlp_registry_check_query(query, MODELS_USUAL, MODELS_MOST, &q, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->model_search(r->store, &q, &list, err);
    return s == MLPLAT_OK ? mlp_doc_new(list, out, err) : s;
}

mlplat_status mlplat_registered_model_update(mlplat *ml, const char *name, const char *description, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_description(description, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    return s == MLPLAT_OK ? r->ops->model_update(r->store, name, description, err) : s;
}

mlplat_status mlplat_registered_model_rename(mlplat *ml, const char *name, const char *new_name, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlplat_status s = mlp_registry_check_name(new_name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    return s == MLPLAT_OK ? r->ops->model_rename(r->store, name, new_name, err) : s;
}

mlplat_status mlplat_registered_model_delete(mlplat *ml, const char *name, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    return s == MLPLAT_OK ? r->ops->model_delete(r->store, name, err) : s;
}

mlplat_status mlplat_registered_model_set_tag(mlplat *ml, const char *name, const char *key, const char *value,
                                              mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_tag(key, value, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    return s == MLPLAT_OK ? r->ops->model_tag(r->store, name, key, value, err) : s;
}

mlplat_status mlplat_registered_model_delete_tag(mlplat *ml, const char *name, const char *key, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_check_key("tag key", key, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    return s == MLPLAT_OK ? r->ops->model_tag(r->store, name, key, NULL, err) : s;
}

mlplat_status mlplat_model_alias_delete(mlplat *ml, const char *name, const char *alias, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_alias(alias, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    return s == MLPLAT_OK ? r->ops->alias_delete(r->store, name, alias, err) : s;
}
