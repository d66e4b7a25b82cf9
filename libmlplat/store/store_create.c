#include "base/err.h"
#include "base/json.h"
#include "base/take.h"
#include "store/store_place.h"
#include "tracking/tracking_store.h"
#include <mlplat/store.h>

static mlplat_status make_file(mlplat *ml, const mlplat_store_options *o, mlp_schema_info *info, mlplat_error *err)
{
    mlp_store_place place;
    mlp_db *db = NULL;
    int revision = 0;
    mlplat_status s = mlp_store_place_find(ml, &place, err);
    if (s == MLPLAT_OK && o->mlflow && *o->mlflow) {
        place.maker.mlflow = o->mlflow;
        s = mlp_schema_choose(&place.maker, &revision, err); /* before a file is made */
    }
    if (s == MLPLAT_OK)
        s = mlp_db_open(place.path, &place.options, &db, err);
    if (s == MLPLAT_OK)
        s = mlp_schema_open(db, &place.maker, info, &ml->hook, err);
    mlp_db_close(db);
    mlp_store_place_free(&place);
    return s;
}

static mlplat_status describe(const mlp_tracking_about *about, const mlp_schema_info *info, mlplat_doc **out,
                              mlplat_error *err)
{
    json_t *doc = json_object();
    mlplat_status s = doc ? mlp_json_set(doc, "uri", mlp_json_string(about->uri), err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "path", mlp_json_string(about->path), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "head", mlp_json_string(info->head), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "created", json_boolean(info->created), err);
    if (s == MLPLAT_OK)
        return mlp_doc_new(doc, out, err);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_store_create(mlplat *ml, const mlplat_store_options *options, mlplat_doc **out, mlplat_error *err)
{
    mlplat_store_options o = MLPLAT_STORE_OPTIONS_INIT;
    mlp_schema_info info = {0};
    mlp_tracking *t = NULL;
    mlp_tracking_about about;
    if (out)
        *out = NULL;
    mlplat_status s = MLP_TAKE(&o, options, MLPLAT_STORE_OPTIONS_INIT, err);
    if (s == MLPLAT_OK)
        s = make_file(ml, &o, &info, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s != MLPLAT_OK || !out)
        return s;
    t->ops->about(t->store, &about);
    return describe(&about, &info, out, err);
}
