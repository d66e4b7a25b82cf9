/*
 * A model of a run. MLflow 3 has it as a logged model with a place of its own, to which the run has an edge; in a store
 * of MLflow 2 it is an artifact of the run with an entry in a tag.
 */
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/take.h"
#include "tracking/run_artifact.h"
#include "tracking/run_queue.h"
#include "tracking/validate.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* A new private folder in the place for temporary files. *out is the caller's. */
static mlplat_status make_temporary(char **out, mlplat_error *err)
{
    const char *tmp = getenv("TMPDIR");
    char name[33];
    mlplat_status s = mlp_random_hex(name, err);
    if (s == MLPLAT_OK && !(*out = mlp_sprintf("%s/mlplat-model-%s", tmp && *tmp == '/' ? tmp : "/tmp", name)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK && mlp_sys.mkdir(AT_FDCWD, *out, 0700) == -1) {
        s = mlp_fail_errno(err, errno, "temporary folder %s (TMPDIR moves it)", *out);
        mlp_free(*out);
        *out = NULL;
    }
    return s;
}

/* The folder is whole before anything of it is at its place. */
static mlplat_status put_model(mlplat *ml, const mlplat_model *model, const char *uri, char **dir, mlplat_error *err)
{
    mlplat_status s = make_temporary(dir, err);
    if (s == MLPLAT_OK)
        s = mlplat_model_save(ml, model, *dir, err);
    return s == MLPLAT_OK ? mlplat_artifact_put(ml, *dir, uri, NULL, err) : s;
}

static void drop_temporary(char *dir)
{
    if (dir)
        mlp_file_remove_tree(dir, NULL);
    mlp_free(dir);
}

/* ---- a store of MLflow 2 ----------------------------------------------------------------------------------------- */

/* What the history of models holds of an MLmodel. */
static mlplat_status history_entry(const json_t *model, json_t **out, mlplat_error *err)
{
    static const char *const names[] = {"run_id", "artifact_path", "utc_time_created", "model_uuid"};
    const char *flavor;
    json_t *config, *flavors = json_object();
    mlplat_status s = (*out = json_object()) && flavors ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof names / sizeof names[0]; i++)
        if (json_object_get(model, names[i]))
            s = mlp_json_set(*out, names[i], json_incref(json_object_get(model, names[i])), err);
    json_object_foreach(json_object_get(model, "flavors"), flavor, config)
    {
        json_t *kept = s == MLPLAT_OK ? json_deep_copy(config) : NULL;
        json_object_del(kept, "config");
        if (s == MLPLAT_OK)
            s = mlp_json_set(flavors, flavor, kept, err);
    }
    if (s == MLPLAT_OK)
        return mlp_json_set(*out, "flavors", flavors, err);
    json_decref(flavors);
    return s;
}

static mlplat_status record_model(mlplat_run *run, const char *dir, mlplat_error *err)
{
    mlplat_doc *info = NULL;
    json_t *entry = NULL;
    mlplat_status s = mlplat_model_info(run->tracking->ml, dir, &info, err);
    if (s == MLPLAT_OK)
        s = history_entry(mlp_doc_json(info), &entry, err);
    if (s == MLPLAT_OK)
        s = mlp_run_queue_note(run, "mlflow.log-model.history", entry, false, err);
    json_decref(entry);
    mlplat_doc_free(info);
    return s;
}

static mlplat_status log_artifact_model(mlplat_run *run, mlplat_model *model, const char *name, char **uri,
                                        mlplat_error *err)
{
    char *dir = NULL, *where = NULL;
    mlplat_status s = mlp_run_artifact_uri(run, NULL, name, &where, err);
    model->artifact_path = name;
    if (s == MLPLAT_OK)
        s = put_model(run->tracking->ml, model, where, &dir, err);
    if (s == MLPLAT_OK)
        s = record_model(run, dir, err);
    drop_temporary(dir);
    if (s == MLPLAT_OK && uri) {
        *uri = where;
        where = NULL;
    }
    mlp_free(where);
    return s;
}

/* ---- a logged model ---------------------------------------------------------------------------------------------- */

/* The run's params, and what its tags say of where it was made: MLflow gives both to the model. */
static mlplat_status from_run(const mlplat_run *run, json_t *params, json_t *tags, mlplat_error *err)
{
    json_t *doc = NULL, *item;
    size_t i;
    mlplat_status s = run->tracking->ops->run_get(run->tracking->store, run->id, &doc, err);
    const json_t *data = json_object_get(doc, "data");
    json_array_foreach(json_object_get(data, "params"), i, item) if (s == MLPLAT_OK) s =
        mlp_json_set(params, json_string_value(json_object_get(item, "key")),
                     json_incref(json_object_get(item, "value")), err);
    json_array_foreach(json_object_get(data, "tags"), i, item)
    {
        const char *key = json_string_value(json_object_get(item, "key"));
        if (s == MLPLAT_OK && (strcmp(key, "mlflow.user") == 0 || strncmp(key, "mlflow.source.", 14) == 0))
            s = mlp_json_set(tags, key, json_incref(json_object_get(item, "value")), err);
    }
    json_decref(doc);
    return s;
}

static mlplat_status create_model(const mlplat_run *run, const char *name, json_t **out, mlplat_error *err)
{
    json_t *params = json_object(), *tags = json_object();
    const mlp_model_new model = {
        .experiment_id = run->experiment_id,
        .name = name,
        .source_run_id = run->id,
        .params = params,
        .tags = tags,
    };
    mlplat_status s = params && tags ? from_run(run, params, tags, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = run->tracking->ops->model_create(run->tracking->store, &model, out, err);
    json_decref(params);
    json_decref(tags);
    return s;
}

/* The edge from the run, and the metrics that the run has at the step, which are the model's too. */
static mlplat_status tie_to_run(const mlplat_run *run, const char *model_id, mlplat_error *err)
{
    const mlp_tracking *t = run->tracking;
    json_t *models = json_pack("[{s:s, s:i}]", "model_id", model_id, "step", 0);
    mlplat_status s = models ? mlp_run_queue_outputs(run, models, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = t->ops->model_metrics(t->store, model_id, run->id, 0, err);
    json_decref(models);
    return s;
}

/* Its status tells how it went. */
static mlplat_status finish(const mlp_tracking *t, const char *model_id, mlplat_status s, mlplat_error *err)
{
    if (s == MLPLAT_OK)
        return t->ops->model_finalize(t->store, model_id, MLP_MODEL_READY, NULL, err);
    t->ops->model_finalize(t->store, model_id, MLP_MODEL_FAILED, NULL, NULL);
    return s;
}

static mlplat_status log_logged_model(mlplat_run *run, mlplat_model *model, const json_t *doc, char **uri,
                                      mlplat_error *err)
{
    const json_t *info = json_object_get(doc, "info");
    const char *id = json_string_value(json_object_get(info, "model_id"));
    char *dir = NULL;
    model->model_id = id;
    model->artifact_path = json_string_value(json_object_get(info, "artifact_uri"));
    mlplat_status s = MLPLAT_OK;
    if (mlp_artifact_from_server(run->tracking->ml, MLP_SET_TRACKING_URI))
        s = mlp_artifact_trust(run->tracking->ml, model->artifact_path, err);
    if (s == MLPLAT_OK)
        s = tie_to_run(run, id, err);
    if (s == MLPLAT_OK)
        s = put_model(run->tracking->ml, model, model->artifact_path, &dir, err);
    drop_temporary(dir);
    s = finish(run->tracking, id, s, err);
    if (s == MLPLAT_OK && uri && !(*uri = mlp_sprintf("models:/%s", id)))
        s = mlp_fail_memory(err);
    return s;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static mlplat_status log_model(mlplat_run *run, mlplat_model *model, const char *name, char **uri, mlplat_error *err)
{
    json_t *doc = NULL;
    mlplat_error why = {0};
    mlplat_status s = MLPLAT_UNSUPPORTED;
    if (run->tracking->ops->model_create)
        s = create_model(run, name, &doc, &why);
    if (s == MLPLAT_UNSUPPORTED)
        return log_artifact_model(run, model, name, uri, err);
    if (s != MLPLAT_OK && err)
        *err = why;
    if (s == MLPLAT_OK)
        s = log_logged_model(run, model, doc, uri, err);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_run_log_model(mlplat_run *run, const mlplat_model *model, const char *name, char **uri,
                                   mlplat_error *err)
{
    mlplat_model m = MLPLAT_MODEL_INIT;
    if (uri)
        *uri = NULL;
    mlplat_status s = mlp_run_artifact_check(run, err);
    if (s == MLPLAT_OK && !model)
        s = mlp_fail(err, MLPLAT_INVALID, "the model to log is NULL");
    if (s == MLPLAT_OK)
        s = MLP_TAKE(&m, model, MLPLAT_MODEL_INIT, err);
    if (s == MLPLAT_OK)
        s = mlp_validate_model_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_settle(run->tracking, err);
    m.size = sizeof m;
    if (s == MLPLAT_OK) {
        m.run_id = run->id;
        s = log_model(run, &m, name, uri, err);
    }
    return s;
}
