#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "base/uri.h"
#include "store/store_place.h"
#include <mlplat/store.h>
#include <string.h>

static mlplat_status describe(const char *path, const char *from, const char *head, mlplat_doc **out,
                              mlplat_error *err)
{
    char *uri = mlp_uri_of_sqlite(path);
    json_t *doc = uri ? json_object() : NULL;
    mlplat_status s = doc ? mlp_json_set(doc, "uri", mlp_json_string(uri), err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "path", mlp_json_string(path), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "from", mlp_json_string(from), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "head", mlp_json_string(head), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "changed", json_boolean(strcmp(from, head) != 0), err);
    mlp_free(uri);
    if (s == MLPLAT_OK)
        return mlp_doc_new(doc, out, err);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_store_upgrade(mlplat *ml, const char *to, mlplat_doc **out, mlplat_error *err)
{
    mlp_store_place place;
    mlp_schema_info before = {0};
    int revision = 0;
    if (out)
        *out = NULL;
    mlplat_status s = mlp_store_place_find(ml, &place, err);
    if (s == MLPLAT_OK && to && *to)
        place.maker.mlflow = to;
    if (s == MLPLAT_OK)
        s = mlp_schema_choose(&place.maker, &revision, err);
    if (s == MLPLAT_OK)
        s = mlp_schema_upgrade(place.path, &place.options, revision, &before, &ml->hook, err);
    if (s == MLPLAT_OK && out)
        s = describe(place.path, before.head, mlp_schema_revisions[revision].head, out, err);
    mlp_store_place_free(&place);
    return s;
}

static mlplat_status add_head(json_t *heads, const mlp_schema_revision *revision, mlplat_error *err)
{
    json_t *one = json_object();
    mlplat_status s = one ? mlp_json_set(one, "head", json_string(revision->head), err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(one, "mlflow", revision->release ? json_string(revision->release) : json_null(), err);
    if (s == MLPLAT_OK)
        return mlp_json_push(heads, one, err);
    json_decref(one);
    return s;
}

mlplat_status mlplat_store_heads(mlplat_doc **out, mlplat_error *err)
{
    json_t *doc = json_object(), *heads = json_array();
    mlplat_status s = doc && heads ? MLPLAT_OK : mlp_fail_memory(err);
    *out = NULL;
    for (int i = 0; s == MLPLAT_OK && i <= mlp_schema_newest; i++)
        s = add_head(heads, &mlp_schema_revisions[i], err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "heads", json_incref(heads), err);
    json_decref(heads);
    if (s == MLPLAT_OK)
        return mlp_doc_new(doc, out, err);
    json_decref(doc);
    return s;
}
