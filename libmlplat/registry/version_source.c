/*
 * Where a new version comes from, and where its files are, which is kept beside it as MLflow does. A runs:/ source with
 * nothing there is the logged model of that name, as for MLflow's register_model. Only plain URIs are taken unseen.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/uri.h"
#include "registry/registry_check.h"
#include "registry/registry_resolver.h"
#include "registry/registry_store.h"
#include <mlplat/artifacts.h>
#include <string.h>

void mlp_version_source_free(mlp_version_source *source)
{
    mlp_free(source->source);
    mlp_free(source->location);
    mlp_free(source->run_id);
    mlp_free(source->model_id);
    *source = (mlp_version_source){0};
}

static mlplat_status keep_run(mlp_version_source *out, const char *run_id, mlplat_error *err)
{
    if (out->run_id || !run_id || !*run_id)
        return MLPLAT_OK;
    out->run_id = mlp_strdup(run_id);
    return out->run_id ? MLPLAT_OK : mlp_fail_memory(err);
}

/* ---- models:/ ---------------------------------------------------------------------------------------------------- */

static mlplat_status take_logged(mlp_version_source *out, mlp_logged_model *model, mlplat_error *err)
{
    mlplat_status s = keep_run(out, model->run_id, err);
    out->location = model->location;
    out->model_id = model->model_id;
    out->source = mlp_sprintf("models:/%s", model->model_id);
    model->location = model->model_id = NULL;
    mlp_logged_model_free(model);
    return s != MLPLAT_OK || out->source ? s : mlp_fail_memory(err);
}

static mlplat_status of_version(mlp_registry *r, const mlp_models_uri *uri, mlp_version_source *out, mlplat_error *err)
{
    mlp_version_ref ref;
    json_t *doc = NULL;
    mlplat_status s = mlp_registry_check_name(uri->name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_version(uri->version, &ref, err);
    if (s == MLPLAT_OK)
        s = r->ops->version_get(r->store, uri->name, &ref, &doc, err);
    const char *number = json_string_value(json_object_get(doc, "version"));
    if (s == MLPLAT_OK && mlp_registry_check_version(number, &ref, err) == MLPLAT_OK)
        s = r->ops->version_location(r->store, uri->name, &ref, &out->location, err);
    if (s == MLPLAT_OK && !(out->source = mlp_sprintf("models:/%s/%s", uri->name, number)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = keep_run(out, json_string_value(json_object_get(doc, "run_id")), err);
    json_decref(doc);
    return s;
}

static mlplat_status of_models(mlp_registry *r, const char *source, mlp_version_source *out, mlplat_error *err)
{
    mlp_models_uri uri = {0};
    mlp_logged_model model = {0};
    mlplat_status s = mlp_models_uri_parse(source, &uri, err);
    if (s == MLPLAT_OK && uri.rest && *uri.rest)
        s = mlp_fail(err, MLPLAT_INVALID, "'%.200s' is a part of a model: register the whole", source);
    else if (s == MLPLAT_OK && !uri.model_id)
        s = of_version(r, &uri, out, err);
    else if (s == MLPLAT_OK && !r->ops->logged_model)
        s = mlp_fail(err, MLPLAT_UNSUPPORTED, "this registry knows no logged models (%.200s)", source);
    else if (s == MLPLAT_OK && (s = r->ops->logged_model(r->store, uri.model_id, &model, err)) == MLPLAT_OK)
        s = take_logged(out, &model, err);
    mlp_models_uri_free(&uri);
    return s;
}

/* ---- runs:/ ------------------------------------------------------------------------------------------------------ */

static mlplat_status is_something(mlplat *ml, const char *source, bool *out, mlplat_error *err)
{
    mlplat_doc *list = NULL;
    size_t n = 0;
    mlplat_status s = mlplat_artifact_list(ml, source, &list, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_size(list, "files", &n, err);
    *out = n > 0;
    mlplat_doc_free(list);
    return s;
}

/* "runs:/<run id>/<path>" */
static mlplat_status split_run(const char *source, char **run_id, const char **path, mlplat_error *err)
{
    const char *at = strchr(source, ':') + 1;
    size_t n = *at == '/' ? strcspn(at + 1, "/") : 0;
    if (!n)
        return mlp_fail(err, MLPLAT_INVALID, "'%.200s' is not runs:/<run id>/<path>", source);
    *path = at + 1 + n + strspn(at + 1 + n, "/");
    *run_id = mlp_strndup(at + 1, n);
    return *run_id ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status of_run(mlp_registry *r, const char *source, mlp_version_source *out, mlplat_error *err)
{
    const char *path = "";
    char *run_id = NULL;
    bool there = false;
    mlp_logged_model model = {0};
    mlplat_status s = split_run(source, &run_id, &path, err);
    if (s == MLPLAT_OK)
        s = mlplat_artifact_resolve(r->ml, source, &out->location, err);
    if (s == MLPLAT_OK)
        s = is_something(r->ml, out->location, &there, err);
    if (s == MLPLAT_OK)
        s = keep_run(out, run_id, err);
    if (s == MLPLAT_OK && !there) {
        mlp_free(out->location); /* of the run's own artifacts */
        out->location = NULL;
    }
    if (s == MLPLAT_OK && there) {
        if (!(out->source = mlp_strdup(source)))
            s = mlp_fail_memory(err);
    } else if (s == MLPLAT_OK && r->ops->logged_model_of_run &&
               r->ops->logged_model_of_run(r->store, run_id, path, &model, NULL) == MLPLAT_OK) {
        s = take_logged(out, &model, err);
    } else if (s == MLPLAT_OK) {
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s has logged nothing at '%.200s': log the model there first", run_id,
                     path);
    }
    mlp_free(run_id);
    return s;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

/* Others will read it from elsewhere: a relative path would mean nothing to them. */
static mlplat_status of_plain(const char *source, mlp_version_source *out, mlplat_error *err)
{
    mlp_uri uri = {0};
    mlplat_status s = mlp_uri_parse(source, &uri, err);
    if (s == MLPLAT_OK) {
        out->source = *uri.scheme ? mlp_strdup(source) : mlp_file_absolute(source);
        out->location = mlp_strdup(out->source);
        s = out->source && out->location ? MLPLAT_OK : mlp_fail_memory(err);
    }
    mlp_uri_free(&uri);
    return s;
}

mlplat_status mlp_version_source_find(mlp_registry *r, const char *source, const char *run_id, mlp_version_source *out,
                                      mlplat_error *err)
{
    *out = (mlp_version_source){0};
    if (!source || !*source)
        return mlp_fail(err, MLPLAT_INVALID,
                        "the source of the version is missing: give runs:/<run id>/<path>, "
                        "models:/<name>/<version>, a path or another artifact URI");
    mlplat_status s = keep_run(out, run_id, err);
    if (s == MLPLAT_OK && mlp_uri_has_scheme(source, "models"))
        s = of_models(r, source, out, err);
    else if (s == MLPLAT_OK && mlp_uri_has_scheme(source, "runs"))
        s = of_run(r, source, out, err);
    else if (s == MLPLAT_OK)
        s = of_plain(source, out, err);
    if (s != MLPLAT_OK)
        mlp_version_source_free(out);
    return s;
}
