/* Stages of versions. */
#include "base/err.h"
#include "registry/registry_check.h"
#include "registry/registry_store.h"

mlplat_status mlplat_model_version_latest(mlplat *ml, const char *name, const char *stages, mlplat_doc **out,
                                          mlplat_error *err)
{
    mlp_registry *r = NULL;
    unsigned set = 0;
    json_t *list = NULL;
    *out = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_stages(stages, &set, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->version_latest(r->store, name, set, &list, err);
    return s == MLPLAT_OK ? mlp_doc_new(list, out, err) : s;
}

mlplat_status mlplat_model_version_transition(mlplat *ml, const char *name, const char *version, const char *stage,
                                              int archive_existing, mlplat_doc **out, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_version_ref ref;
    json_t *doc = NULL;
    int to = 0;
    *out = NULL;
    mlplat_status s = mlp_registry_check_stage(stage, &to, err);
    if (s == MLPLAT_OK && archive_existing && to != MLP_STAGE_STAGING && to != MLP_STAGE_PRODUCTION)
        s = mlp_fail(err, MLPLAT_INVALID,
                     "versions in stage '%s' are not archived: only those in Staging or Production", mlp_stages[to]);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_version(version, &ref, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->version_transition(r->store, name, &ref, mlp_stages[to], archive_existing != 0, &doc, err);
    return s == MLPLAT_OK ? mlp_doc_new(doc, out, err) : s;
}
