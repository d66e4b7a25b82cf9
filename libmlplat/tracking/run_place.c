#include "tracking/run_place.h"
#include "base/alloc.h"
#include "base/err.h"
#include "tracking/validate.h"

mlplat_status mlp_run_place_of(mlp_tracking *t, const char *run_id, char **out, mlplat_error *err)
{
    json_t *doc = NULL;
    mlplat_status s = t->ops->run_get(t->store, run_id, &doc, err);
    if (s != MLPLAT_OK)
        return s;
    const char *id = json_string_value(json_object_get(json_object_get(doc, "info"), "experiment_id"));
    *out = mlp_strdup(id ? id : "");
    json_decref(doc);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_run_place_wish(const mlp_tracking *t, const char **name, const char **id, mlplat_error *err)
{
    if (*name && *id)
        return mlp_fail(err, MLPLAT_INVALID, "experiment '%.80s' and experiment_id '%.40s' are both given: give one",
                        *name, *id);
    if (!*name && !*id) {
        *name = mlp_session_setting(t->ml, MLP_SET_EXPERIMENT_NAME);
        *id = *name ? NULL : mlp_session_setting(t->ml, MLP_SET_EXPERIMENT_ID);
    }
    return *name ? mlp_validate_experiment_name(*name, err) : MLPLAT_OK;
}

mlplat_status mlp_run_place_choose(mlp_tracking *t, const char *name, const char *id, const char *run_id, char **out,
                                   mlplat_error *err)
{
    mlplat_status wish = mlp_run_place_wish(t, &name, &id, err);
    if (wish != MLPLAT_OK)
        return wish;
    if (name)
        return mlplat_experiment_ensure(t->ml, name, out, err);
    if (!id && run_id) {
        mlplat_status s = mlp_run_place_of(t, run_id, out, err);
        return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "parent of a new run");
    }
    *out = mlp_strdup(id ? id : "0");
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}
