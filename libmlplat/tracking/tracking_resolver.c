#include "tracking/tracking_resolver.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/err.h"
#include "tracking/tracking_store.h"
#include <string.h>

static mlplat_status split(const char *uri, char **run_id, const char **rest, mlplat_error *err)
{
    const char *at = uri + strcspn(uri, ":");
    if (at[0] != ':' || at[1] != '/' || at[2] == '/' || !at[2])
        return mlp_fail(err, MLPLAT_INVALID, "'%.200s' is not runs:/<run id>/<path>", uri);
    at += 2;
    size_t n = strcspn(at, "/");
    *rest = at + n + (at[n] == '/');
    *run_id = mlp_strndup(at, n);
    return *run_id ? mlp_check_run_id(*run_id, err) : mlp_fail_memory(err);
}

static mlplat_status resolve(mlplat *ml, const char *uri, char **root, char **rest, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *doc = NULL;
    char *run_id = NULL;
    const char *path = NULL;
    mlplat_status s = split(uri, &run_id, &path, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->run_get(t->store, run_id, &doc, err);
    const char *where = json_string_value(json_object_get(json_object_get(doc, "info"), "artifact_uri"));
    if (s == MLPLAT_OK && (!where || !*where))
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s has no place for artifacts", run_id);
    if (s == MLPLAT_OK) {
        *root = mlp_strdup(where);
        *rest = mlp_strdup(path);
        if (!*root || !*rest) {
            mlp_free(*root);
            mlp_free(*rest);
            *root = *rest = NULL; /* the caller frees what it holds */
            s = mlp_fail_memory(err);
        }
    }
    json_decref(doc);
    mlp_free(run_id);
    return s;
}

/* A run's model is a logged model of its name, elsewhere. */
static mlplat_status other(mlplat *ml, const char *uri, char **root, char **rest, char **top, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    char *run_id = NULL, *name = NULL;
    const char *path = NULL;
    mlplat_status s = split(uri, &run_id, &path, err);
    size_t n = s == MLPLAT_OK ? strcspn(path, "/") : 0;
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK && (!n || !t->ops->model_of_run))
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "there is nothing at '%.200s'", uri);
    if (s == MLPLAT_OK && !(name = mlp_strndup(path, n)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = t->ops->model_of_run(t->store, run_id, name, root, err);
    if (s == MLPLAT_OK && !(*rest = mlp_strdup(path + n + (path[n] == '/')))) {
        mlp_free(*root);
        *root = NULL;
        s = mlp_fail_memory(err);
    }
    if (s == MLPLAT_OK)
        *top = name;
    else
        mlp_free(name);
    mlp_free(run_id);
    return s;
}

const mlp_resolver mlp_tracking_resolver = {.scheme = "runs", .resolve = resolve, .other = other};
