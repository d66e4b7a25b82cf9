/* A pipeline run as tracking sees it: a parent run, and a child run for every task that was started. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "pipelines/port_type.h"
#include "pipelines/runner.h"
#include <string.h>

static mlplat_status tags_text(const char *key, const char *value, const char *name, mlp_buf *out, mlplat_error *err)
{
    json_t *tags = json_pack("{s:s, s:s}", key, value, "mlplat.pipeline.name", name);
    mlplat_status s = tags ? mlp_json_text(tags, out, err) : mlp_fail_memory(err);
    json_decref(tags);
    return s;
}

/* The pipeline's inputs as params. */
static mlplat_status log_params(mlp_runner *r, mlplat_error *err)
{
    const char *name;
    json_t *value, *params = json_object(), *batch = NULL;
    mlp_buf text = {0};
    mlplat_status s = params ? MLPLAT_OK : mlp_fail_memory(err);
    mlp_ir_each(r->params, name, value)
    {
        mlp_buf plain = {0};
        if (s == MLPLAT_OK)
            s = mlp_port_value_text(value, &plain, err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(params, name, mlp_json_string(plain.data), err);
        mlp_buf_free(&plain);
    }
    if (s == MLPLAT_OK && json_object_size(params) > 0) {
        batch = json_pack("{s:O}", "params", params);
        s = batch ? mlp_json_text(batch, &text, err) : mlp_fail_memory(err);
        if (s == MLPLAT_OK)
            s = mlplat_run_log_batch(r->run, text.data, err);
    }
    mlp_buf_free(&text);
    json_decref(batch);
    json_decref(params);
    return s;
}

/* The document that runs, as an artifact of the parent. */
static mlplat_status log_pipeline(mlp_runner *r, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = mlp_json_text(r->plan.spec, &text, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_dict(r->run, text.data, "pipeline.yaml", err);
    mlp_buf_free(&text);
    return s;
}

mlplat_status mlp_track_begin(mlp_runner *runner, const mlplat_pipeline_options *o, mlplat_error *err)
{
    mlp_buf tags = {0};
    mlplat_run_options options = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_status s = tags_text("mlplat.pipeline.state", "RUNNING", runner->plan.name, &tags, err);
    options.experiment = o->experiment && *o->experiment ? o->experiment : runner->plan.name;
    options.name = o->run_name;
    options.tags = tags.data;
    options.description = mlp_ir_text(json_object_get(runner->plan.spec, "pipelineInfo"), "description");
    if (s == MLPLAT_OK)
        s = mlplat_run_start(runner->ml, &options, &runner->run, err);
    mlp_buf_free(&tags);
    if (s == MLPLAT_OK)
        s = log_params(runner, err);
    return s == MLPLAT_OK ? log_pipeline(runner, err) : s;
}

/* Both are told even if the first fails; its error is the one that counts. */
static mlplat_status tell_end(mlplat_run *run, const char *key, const char *text, const char *status, mlplat_error *err)
{
    mlplat_status s = *text ? mlplat_run_set_tag(run, key, text, err) : MLPLAT_OK;
    mlplat_status ended = mlplat_run_end(run, status, s == MLPLAT_OK ? err : NULL);
    return s == MLPLAT_OK ? ended : s;
}

/* A session like the runner's own, with nobody who could cancel its calls. */
static mlplat_status open_quiet(const mlp_runner *runner, mlplat **out, mlplat_error *err)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = mlp_session_setting(runner->ml, MLP_SET_TRACKING_URI);
    options.registry_uri = mlp_session_setting(runner->ml, MLP_SET_REGISTRY_URI);
    options.artifact_root = mlp_session_setting(runner->ml, MLP_SET_ARTIFACT_ROOT);
    options.mirror_uri = mlp_session_setting(runner->ml, MLP_SET_MIRROR_URI);
    options.spool_dir = mlp_session_setting(runner->ml, MLP_SET_SPOOL);
    options.log = runner->ml->log.fn;
    options.user = runner->ml->log.user;
    return mlplat_open(&options, out, err);
}

/* A hook that goes on saying "cancel" would cancel the ending of the runs as well, and leave them RUNNING. */
static mlplat_status end_run(const mlp_runner *runner, mlplat_run *run, const char *key, const char *text,
                             const char *status, mlplat_error *err)
{
    mlplat *quiet = NULL;
    mlplat_run *again = NULL;
    mlplat_status s = tell_end(run, key, text, status, err);
    if (s != MLPLAT_CANCELLED)
        return s;
    s = open_quiet(runner, &quiet, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_attach(quiet, mlplat_run_id(run), &again, err);
    if (s == MLPLAT_OK)
        s = tell_end(again, key, text, status, err);
    mlplat_run_free(again);
    mlplat_close(quiet);
    return s;
}

mlplat_status mlp_track_end(mlp_runner *runner, mlplat_error *err)
{
    bool stopped = runner->cancelled || runner->trouble.status != MLPLAT_OK;
    const char *state = runner->cancelled ? "CANCELED" : stopped || runner->failed ? "FAILED" : "SUCCEEDED";
    const char *status = runner->cancelled ? "KILLED" : stopped || runner->failed ? "FAILED" : "FINISHED";
    return end_run(runner, runner->run, "mlplat.pipeline.state", state, status, err);
}

mlplat_status mlp_track_task_begin(mlp_runner *runner, mlp_runner_task *task, mlplat_error *err)
{
    mlp_buf tags = {0};
    mlplat_run_options options = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_status s = tags_text("mlplat.pipeline.task", task->plan->name, runner->plan.name, &tags, err);
    options.experiment_id = mlplat_run_experiment_id(runner->run);
    options.parent_run_id = mlplat_run_id(runner->run);
    options.name = task->plan->name;
    options.tags = tags.data;
    if (s == MLPLAT_OK)
        s = mlplat_run_start(runner->ml, &options, &task->run, err);
    mlp_buf_free(&tags);
    return s;
}

mlplat_status mlp_track_task_end(mlp_runner *runner, mlp_runner_task *task, mlplat_error *err)
{
    mlplat_error why = {0};
    const char *status = task->state == MLP_TASK_SUCCEEDED  ? "FINISHED"
                         : task->state == MLP_TASK_CANCELED ? "KILLED"
                                                            : "FAILED";
    if (!task->run)
        return MLPLAT_OK;
    if (task->log && mlp_file_exists(task->log) &&
        mlplat_run_log_artifact(task->run, task->log, "logs", &why) != MLPLAT_OK)
        mlp_log(&runner->ml->log, MLPLAT_LOG_WARNING, "the log of task '%s' stays at %s: %s", task->plan->name,
                task->log, why.message);
    return end_run(runner, task->run, "mlplat.pipeline.error", task->error, status, err);
}
