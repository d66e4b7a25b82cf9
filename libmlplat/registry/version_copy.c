/* A version of one registered model becomes a version of another, as MLflow copies: by reference, not by file. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/uri.h"
#include "registry/registry_check.h"
#include "registry/registry_resolver.h"
#include "registry/registry_store.h"

/* What the copy takes over. The document lends its texts. */
typedef struct original {
    json_t *doc, *tags;
    char *source, *location;
} original;

static void free_original(original *from)
{
    json_decref(from->doc);
    json_decref(from->tags);
    mlp_free(from->source);
    mlp_free(from->location);
}

static const char *text_of(const original *from, const char *key)
{
    const char *text = json_string_value(json_object_get(from->doc, key));
    return text && *text ? text : NULL;
}

static mlplat_status take_tags(original *from, mlplat_error *err)
{
    size_t i;
    json_t *tag;
    mlplat_status s = (from->tags = json_object()) ? MLPLAT_OK : mlp_fail_memory(err);
    json_array_foreach(json_object_get(from->doc, "tags"), i, tag)
    {
        const char *key = json_string_value(json_object_get(tag, "key"));
        if (s == MLPLAT_OK)
            s = mlp_json_set(from->tags, key, json_incref(json_object_get(tag, "value")), err);
    }
    return s;
}

static mlplat_status read_original(mlp_registry *r, const mlp_models_uri *uri, original *from, mlplat_error *err)
{
    mlp_version_ref ref;
    mlplat_status s = mlp_registry_check_name(uri->name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_version(uri->version, &ref, err);
    if (s == MLPLAT_OK)
        s = r->ops->version_get(r->store, uri->name, &ref, &from->doc, err);
    const char *number = s == MLPLAT_OK ? text_of(from, "version") : NULL;
    if (s == MLPLAT_OK)
        s = take_tags(from, err);
    if (s == MLPLAT_OK && json_object_get(from->tags, MLP_PROMPT_TAG))
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "there is no registered model '%s': it is a prompt", uri->name);
    if (s == MLPLAT_OK && !(from->source = mlp_sprintf("models:/%s/%s", uri->name, number)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_version(number, &ref, err); /* an alias may have moved meanwhile */
    return s == MLPLAT_OK ? r->ops->version_location(r->store, uri->name, &ref, &from->location, err) : s;
}

static mlplat_status parse_source(const char *source, mlp_models_uri *uri, mlplat_error *err)
{
    if (!source || !mlp_uri_has_scheme(source, "models"))
        return mlp_fail(err, MLPLAT_INVALID, "the version to copy is given as models:/<name>/<version> or "
                                             "models:/<name>@<alias>");
    mlplat_status s = mlp_models_uri_parse(source, uri, err);
    if (s == MLPLAT_OK && uri->model_id)
        s = mlp_fail(err, MLPLAT_INVALID, "'%.200s' is no version of a registered model: register it instead", source);
    else if (s == MLPLAT_OK && *uri->rest)
        s = mlp_fail(err, MLPLAT_INVALID, "'%.200s' is a part of a model: copy the whole, models:/%s/%s", source,
                     uri->name, uri->version);
    return s;
}

mlplat_status mlplat_model_version_copy(mlplat *ml, const char *source, const char *to, int64_t *version,
                                        mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_models_uri uri = {0};
    original from = {0};
    int64_t number = 0;
    mlplat_status s = parse_source(source, &uri, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_name(to, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = read_original(r, &uri, &from, err);
    if (s == MLPLAT_OK) {
        const mlp_version_new fresh = {.name = to,
                                       .source = from.source,
                                       .location = from.location,
                                       .run_id = text_of(&from, "run_id"),
                                       .run_link = text_of(&from, "run_link"),
                                       .description = text_of(&from, "description"),
                                       .tags = from.tags};
        s = r->ops->version_create(r->store, &fresh, &number, err);
    }
    if (s == MLPLAT_OK && version)
        *version = number;
    free_original(&from);
    mlp_models_uri_free(&uri);
    return s;
}
