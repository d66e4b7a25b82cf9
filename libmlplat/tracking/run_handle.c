#include "tracking/run_handle.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "tracking/validate.h"
#include <string.h>
#include <strings.h>

mlplat_status mlp_run_handle_check(const mlplat_run *run, mlplat_error *err)
{
    if (!run)
        return mlp_fail(err, MLPLAT_INVALID, "run is NULL: start one with mlplat_run_start");
    if (mlp_os_forked(run->guard))
        return mlp_fail(err, MLPLAT_STATE,
                        "run %s was inherited by fork: open a session in this process and attach to it", run->id);
    if (atomic_load_explicit(&run->phase, memory_order_relaxed) == MLP_RUN_ENDED)
        return mlp_fail(err, MLPLAT_STATE, "run %s was ended through this handle: resume or attach to go on", run->id);
    return MLPLAT_OK;
}

static char *copy(const json_t *info, const char *name)
{
    const char *text = json_string_value(json_object_get(info, name));
    return mlp_strdup(text ? text : "");
}

/* A metric's next step comes after those that the run has. */
static mlplat_status seed_steps(mlplat_run *run, const json_t *metrics, mlplat_error *err)
{
    size_t i;
    json_t *metric;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach((json_t *)metrics, i, metric)
    {
        mlp_run_key *key = NULL;
        if (s == MLPLAT_OK)
            s = mlp_run_keys_add(&run->keys, json_string_value(json_object_get(metric, "key")), &key, err);
        if (s == MLPLAT_OK)
            mlp_run_keys_pass_step(key, json_integer_value(json_object_get(metric, "step")));
    }
    return s;
}

mlplat_status mlp_run_handle_new(mlp_tracking *tracking, const json_t *doc, mlplat_durability durability,
                                 mlplat_run **out, mlplat_error *err)
{
    const json_t *info = json_object_get(doc, "info");
    const char *cut = mlp_session_setting(tracking->ml, MLP_SET_TRUNCATE);
    mlplat_run *run = mlp_alloc(sizeof *run);
    if (!run)
        return mlp_fail_memory(err);
    mlp_run_keys_init(&run->keys);
    run->tracking = tracking;
    run->guard = tracking->ml->guard;
    run->durability = durability;
    run->cut = !cut || strcasecmp(cut, "true") == 0 || strcmp(cut, "1") == 0;
    run->id = copy(info, "run_id");
    run->name = copy(info, "run_name");
    run->experiment_id = copy(info, "experiment_id");
    run->artifact_uri = copy(info, "artifact_uri");
    run->id_n = run->id ? strlen(run->id) : 0;
    mlplat_status s =
        run->id && run->name && run->experiment_id && run->artifact_uri ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = seed_steps(run, json_object_get(json_object_get(doc, "data"), "metrics"), err);
    if (s == MLPLAT_OK)
        *out = run;
    else
        mlplat_run_free(run);
    return s;
}

size_t mlp_run_tag_limit(const mlp_tracking *tracking)
{
    mlp_tracking_about about;
    tracking->ops->about(tracking->store, &about);
    return about.tag_most ? about.tag_most : MLP_LIMIT_TAG;
}

void mlplat_run_free(mlplat_run *run)
{
    if (!run)
        return;
    mlp_run_keys_free(&run->keys);
    mlp_free(run->id);
    mlp_free(run->name);
    mlp_free(run->experiment_id);
    mlp_free(run->artifact_uri);
    mlp_free(run->mirror_id);
    mlp_free(run);
}

const char *mlplat_run_id(const mlplat_run *run)
{
    return run->id;
}

const char *mlplat_run_name(const mlplat_run *run)
{
    return run->name;
}

const char *mlplat_run_experiment_id(const mlplat_run *run)
{
    return run->experiment_id;
}

const char *mlplat_run_artifact_uri(const mlplat_run *run)
{
    return run->artifact_uri;
}
