/* From a URI to its place. What a resolver answers may be a URI that another resolves: a model's version of runs:/...
 */
#include "artifacts/artifact_place.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/uri.h"
#include <string.h>

#define HOPS 8 /* models:/ to models:/ to runs:/ to a path is 3 */

static const mlp_resolver *resolver_of(const char *uri)
{
    for (const mlp_resolver *const *at = mlp_resolvers; *at; at++)
        if (mlp_uri_has_scheme(uri, (*at)->scheme))
            return *at;
    return NULL;
}

/* runs:/ are the tracking store's, models:/ the registry's. */
static mlplat_status check_told(const mlplat *ml, const mlp_resolver *resolver, const char *root, mlplat_error *err)
{
    bool run = strcmp(resolver->scheme, "runs") == 0;
    bool server = mlp_artifact_from_server(ml, run ? MLP_SET_TRACKING_URI : MLP_SET_REGISTRY_URI);
    return server ? mlp_artifact_trust(ml, root, err) : MLPLAT_OK;
}

/* The root that a resolver gave takes the place of the URI; what was left of the URI goes behind the name so far. */
static mlplat_status one_hop(mlplat *ml, const mlp_resolver *resolver, bool first, mlp_artifact_place *place,
                             mlplat_error *err)
{
    char *root = NULL, *rest = NULL;
    mlplat_status s = resolver->resolve(ml, place->root, &root, &rest, err);
    if (s == MLPLAT_OK)
        s = check_told(ml, resolver, root, err);
    if (s == MLPLAT_OK && rest && *rest)
        s = mlp_file_check_relative(rest, "artifact path", err);
    if (s == MLPLAT_OK && rest && *rest) {
        char *name = mlp_file_join(rest, place->name);
        if (!name)
            s = mlp_fail_memory(err);
        else if (!first)
            place->top += strlen(rest) + (*place->name != 0);
        if (name) {
            mlp_free(place->name);
            place->name = name;
        }
    }
    if (s == MLPLAT_OK) {
        mlp_free(place->root);
        place->root = root;
        root = NULL;
    }
    mlp_free(root);
    mlp_free(rest);
    return s;
}

/* Relative paths are for stores of old, which hold "./mlruns/..."; a caller's "runs/x" would be a mistyped URI. */
static mlplat_status check_absolute(const char *uri, mlplat_error *err)
{
    mlp_uri parsed = {0};
    mlplat_status s = mlp_uri_parse(uri, &parsed, err);
    if (s == MLPLAT_OK && !*parsed.scheme && parsed.path[0] != '/')
        s = mlp_fail(err, MLPLAT_INVALID,
                     "'%.200s' is no artifact URI: write an absolute path, file:///path, runs:/<run id>/<path> or "
                     "models:/<name>/<version>",
                     uri);
    mlp_uri_free(&parsed);
    return s;
}

static mlplat_status finish(mlp_artifact_place *place, mlplat_error *err)
{
    char *root = NULL;
    mlplat_error why = {0};
    place->store = mlp_artifact_store_for(place->root, &why);
    if (!place->store) {
        if (err)
            *err = why;
        return why.status;
    }
    mlplat_status s = place->store->root(place->root, &root, err);
    if (s == MLPLAT_OK) {
        mlp_free(place->root);
        place->root = root;
    }
    return s;
}

mlplat_status mlp_artifact_place_find(mlplat *ml, const char *uri, mlp_artifact_place *out, mlplat_error *err)
{
    const mlp_resolver *resolver;
    *out = (mlp_artifact_place){0};
    if (!uri)
        return mlp_fail(err, MLPLAT_INVALID, "the artifact URI is NULL");
    mlplat_status s = check_absolute(uri, err);
    if (s == MLPLAT_OK && (!(out->root = mlp_strdup(uri)) || !(out->name = mlp_strdup(""))))
        s = mlp_fail_memory(err);
    for (int hop = 0; s == MLPLAT_OK && (resolver = resolver_of(out->root)); hop++)
        s = hop < HOPS ? one_hop(ml, resolver, hop == 0, out, err)
                       : mlp_fail(err, MLPLAT_INVALID, "'%.200s' leads from one URI to the next without an end", uri);
    if (s == MLPLAT_OK)
        s = finish(out, err);
    if (s != MLPLAT_OK)
        mlp_artifact_place_free(out);
    return s;
}

static mlplat_status is_empty(mlplat *ml, const mlp_artifact_place *place, bool *out, mlplat_error *err)
{
    bool is_file = false;
    json_t *files = json_array();
    mlplat_status s = files ? place->store->list(ml, place->root, place->name, files, &is_file, err)
                            : mlp_fail_memory(err);
    *out = s == MLPLAT_OK && json_array_size(files) == 0;
    json_decref(files);
    return s;
}

/* NOT_FOUND: nowhere else. */
static mlplat_status find_other(mlplat *ml, const mlp_resolver *resolver, const char *uri,
                                mlp_artifact_place *out, mlplat_error *err)
{
    char *root = NULL, *rest = NULL, *shown = NULL;
    mlplat_status s = resolver->other(ml, uri, &root, &rest, &shown, err);
    if (s == MLPLAT_OK)
        s = check_told(ml, resolver, root, err);
    if (s == MLPLAT_OK && *rest)
        s = mlp_file_check_relative(rest, "artifact path", err);
    if (s == MLPLAT_OK)
        s = mlp_artifact_place_find(ml, root, out, err);
    if (s == MLPLAT_OK) {
        char *name = mlp_file_join(rest, "");
        mlp_free(out->name);
        out->name = name;
        out->shown = shown;
        shown = NULL;
        s = name ? MLPLAT_OK : mlp_fail_memory(err);
    }
    mlp_free(root);
    mlp_free(rest);
    mlp_free(shown);
    return s;
}

mlplat_status mlp_artifact_place_read(mlplat *ml, const char *uri, mlp_artifact_place *out, mlplat_error *err)
{
    mlp_artifact_place other = {0};
    mlplat_error why = {0};
    bool empty = false;
    const mlp_resolver *resolver = resolver_of(uri);
    mlplat_status s = mlp_artifact_place_find(ml, uri, out, err);
    if (s != MLPLAT_OK || !resolver || !resolver->other)
        return s;
    s = is_empty(ml, out, &empty, err);
    if (s == MLPLAT_OK && empty && (s = find_other(ml, resolver, uri, &other, &why)) == MLPLAT_OK) {
        mlp_artifact_place_free(out);
        *out = other;
        return s;
    }
    mlp_artifact_place_free(&other);
    if (s == MLPLAT_NOT_FOUND)
        return MLPLAT_OK; /* what reads tells what is not there */
    if (s != MLPLAT_OK) {
        mlp_artifact_place_free(out);
        if (err && why.status)
            *err = why;
    }
    return s;
}

void mlp_artifact_place_free(mlp_artifact_place *place)
{
    mlp_free(place->shown);
    mlp_free(place->root);
    mlp_free(place->name);
    *place = (mlp_artifact_place){0};
}

mlplat_status mlp_artifact_locate(mlplat *ml, const char *uri, const mlp_artifact_store **store, char **root,
                                  char **name, mlplat_error *err)
{
    mlp_artifact_place place;
    mlplat_status s = mlp_artifact_place_find(ml, uri, &place, err);
    *store = place.store;
    *root = place.root;
    *name = place.name;
    return s;
}
