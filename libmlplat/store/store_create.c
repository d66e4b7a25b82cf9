#include "base/err.h"
#include "base/json.h"
#include "tracking/tracking_store.h"
#include <mlplat/store.h>

static mlplat_status describe(const mlp_tracking_about *about, json_t *doc, mlplat_error *err)
{
    mlplat_status s = mlp_json_set(doc, "uri", mlp_json_string(about->uri), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "path", mlp_json_string(about->path), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "head", mlp_json_string(about->head), err);
    return s == MLPLAT_OK ? mlp_json_set(doc, "created", json_boolean(about->created), err) : s;
}

mlplat_status mlplat_store_create(mlplat *ml, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlp_tracking_about about;
    if (out)
        *out = NULL;
    mlplat_status s = mlp_tracking_of(ml, &t, err);
    if (s != MLPLAT_OK || !out)
        return s;
    t->ops->about(t->store, &about);
    json_t *doc = json_object();
    s = doc ? describe(&about, doc, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        return mlp_doc_new(doc, out, err);
    json_decref(doc);
    return s;
}
