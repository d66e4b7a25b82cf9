/* Versions of registered models. */
#include "base/check.h"
#include "base/err.h"
#include "base/take.h"
#include "registry/registry_check.h"
#include "registry/registry_store.h"

enum { VERSIONS_USUAL = 10000, VERSIONS_MOST = 200000 };

/* What nearly every call here begins with. */
static mlplat_status begin(mlplat *ml, const char *name, const char *version, mlp_registry **r, mlp_version_ref *ref,
                           mlplat_error *err)
{
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_version(version, ref, err);
    return s == MLPLAT_OK ? mlp_registry_of(ml, r, err) : s;
}

static mlplat_status check_options(const mlplat_model_version_options *options, json_t **tags, mlplat_error *err)
{
    mlplat_status s = options->run_id ? mlp_check_run_id(options->run_id, err) : MLPLAT_OK;
    if (s == MLPLAT_OK)
        s = mlp_registry_check_description(options->description, err);
    return s == MLPLAT_OK ? mlp_registry_check_tags(options->tags, tags, err) : s;
}

mlplat_status mlplat_model_version_create(mlplat *ml, const char *name, const char *source,
                                          const mlplat_model_version_options *options, int64_t *version,
                                          mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *tags = NULL;
    mlp_version_source found = {0};
    mlplat_model_version_options o = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    int64_t number = 0;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = MLP_TAKE(&o, options, MLPLAT_MODEL_VERSION_OPTIONS_INIT, err);
    if (s == MLPLAT_OK)
        s = check_options(&o, &tags, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = mlp_version_source_find(r, source, o.run_id, &found, err);
    if (s == MLPLAT_OK) {
        const mlp_version_new fresh = {.name = name,
                                       .source = found.source,
                                       .location = found.location,
                                       .run_id = found.run_id,
                                       .run_link = o.run_link,
                                       .description = o.description,
                                       .model_id = found.model_id,
                                       .tags = tags};
        s = r->ops->version_create(r->store, &fresh, &number, err);
    }
    if (s == MLPLAT_OK && version)
        *version = number;
    mlp_version_source_free(&found);
    json_decref(tags);
    return s;
}

mlplat_status mlplat_model_version_get(mlplat *ml, const char *name, const char *version, mlplat_doc **out,
                                       mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_version_ref ref;
    json_t *doc = NULL;
    *out = NULL;
    mlplat_status s = begin(ml, name, version, &r, &ref, err);
    if (s == MLPLAT_OK)
        s = r->ops->version_get(r->store, name, &ref, &doc, err);
    return s == MLPLAT_OK ? mlp_doc_new(doc, out, err) : s;
}

mlplat_status mlplat_model_version_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_registry_query q;
    json_t *list = NULL;
    *out = NULL;
    mlplat_status s = mlp_registry_check_query(query, VERSIONS_USUAL, VERSIONS_MOST, &q, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->version_search(r->store, &q, &list, err);
    return s == MLPLAT_OK ? mlp_doc_new(list, out, err) : s;
}

mlplat_status mlplat_model_version_update(mlplat *ml, const char *name, const char *version, const char *description,
                                          mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_version_ref ref;
    mlplat_status s = mlp_registry_check_description(description, err);
    if (s == MLPLAT_OK)
        s = begin(ml, name, version, &r, &ref, err);
    return s == MLPLAT_OK ? r->ops->version_update(r->store, name, &ref, description, err) : s;
}

mlplat_status mlplat_model_version_delete(mlplat *ml, const char *name, const char *version, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_version_ref ref;
    mlplat_status s = begin(ml, name, version, &r, &ref, err);
    if (s == MLPLAT_OK && (ref.kind == MLP_VERSION_LATEST || ref.kind == MLP_VERSION_STAGE)) /* may be another now */
        s = mlp_fail(err, MLPLAT_INVALID, "\"%s\" of model '%s' cannot be deleted: say which version by its number",
                     version, name);
    return s == MLPLAT_OK ? r->ops->version_delete(r->store, name, &ref, err) : s;
}

mlplat_status mlplat_model_version_set_tag(mlplat *ml, const char *name, const char *version, const char *key,
                                           const char *value, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_version_ref ref;
    mlplat_status s = mlp_registry_check_tag(key, value, err);
    if (s == MLPLAT_OK)
        s = begin(ml, name, version, &r, &ref, err);
    return s == MLPLAT_OK ? r->ops->version_tag(r->store, name, &ref, key, value, err) : s;
}

mlplat_status mlplat_model_version_delete_tag(mlplat *ml, const char *name, const char *version, const char *key,
                                              mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_version_ref ref;
    mlplat_status s = mlp_check_key("tag key", key, err);
    if (s == MLPLAT_OK)
        s = begin(ml, name, version, &r, &ref, err);
    return s == MLPLAT_OK ? r->ops->version_tag(r->store, name, &ref, key, NULL, err) : s;
}

mlplat_status mlplat_model_alias_set(mlplat *ml, const char *name, const char *alias, const char *version,
                                     mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_version_ref ref;
    mlplat_status s = mlp_registry_check_new_alias(alias, err);
    if (s == MLPLAT_OK)
        s = begin(ml, name, version, &r, &ref, err);
    return s == MLPLAT_OK ? r->ops->alias_set(r->store, name, alias, &ref, err) : s;
}
