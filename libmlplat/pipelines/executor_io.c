/* The executor contract: what a task is told (ExecutorInput) and what it answers (parameter files, ExecutorOutput). */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "pipelines/placeholder.h"
#include "pipelines/port_artifact.h"
#include "pipelines/runner.h"
#include <string.h>

enum { PARAMETER_LIMIT = 16 << 20, OUTPUT_LIMIT = 64 << 20 };

static void port_text(const char *what, const char *name, char out[300])
{
    snprintf(out, 300, "%s '%.200s'", what, name);
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static const mlp_runner_task *producer_of(const mlp_runner *r, const json_t *from)
{
    return &r->tasks[mlp_plan_find(&r->plan, mlp_ir_text(from, "producerTask"))];
}

/* The value of an input, lent: NULL if it has none. */
static const json_t *source_value(const mlp_runner *r, const json_t *source)
{
    const json_t *from = json_object_get(source, "taskOutputParameter");
    const char *key = mlp_ir_text(source, "componentInputParameter");
    if (from)
        return json_object_get(producer_of(r, from)->parameters, mlp_ir_text(from, "outputParameterKey"));
    if (key)
        return json_object_get(r->params, key);
    const json_t *constant = mlp_ir_at(source, "runtimeValue", "constant", NULL);
    return json_is_null(constant) ? NULL : constant;
}

static mlplat_status set_value(const mlp_runner_task *t, const char *name, const json_t *value, json_t *values,
                               mlplat_error *err)
{
    char what[300];
    json_t *fit = NULL;
    mlp_port_type type = mlp_ir_port(t->plan->component, "inputDefinitions", name);
    port_text("input parameter", name, what);
    mlplat_status s = MLPLAT_OK;
    if (type.kind == MLP_KIND_NONE)
        fit = json_incref((json_t *)(uintptr_t)value); /* KFP's channel into a constant: as the producer gave it */
    else
        s = mlp_port_value_fit(type.kind, value, what, &fit, err);
    return s == MLPLAT_OK ? mlp_json_set(values, name, fit, err) : s;
}

static bool has_placeholder(const json_t *value)
{
    return json_is_string(value) && mlp_placeholder_any(json_string_value(value));
}

/* A constant made of text around other inputs: "{{$.inputs.parameters['pipelinechannel--x']}}-suffix". */
static mlplat_status set_composed(const mlp_runner *r, const mlp_runner_task *t, const char *name, const char *text,
                                  json_t *values, json_t *composed, mlplat_error *err)
{
    mlp_buf out = {0};
    mlp_placeholders names = {0};
    json_t *input = json_pack("{s:{s:O}}", "inputs", "parameterValues", values);
    mlp_runner_placeholders(r, t, &names);
    names.input = input;
    mlplat_status s = input ? mlp_placeholder_expand(&names, text, &out, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(composed, name, json_stringn(out.data ? out.data : "", out.size), err);
    mlp_buf_free(&out);
    json_decref(input);
    return s;
}

/* The defaults of what has no source, or one without a value. */
static mlplat_status set_defaults(const mlp_runner *r, const mlp_runner_task *t, json_t *values, mlplat_error *err)
{
    const char *name;
    json_t *port;
    mlplat_status s = MLPLAT_OK;
    mlp_ir_each(mlp_ir_at(t->plan->component, "inputDefinitions", "parameters", NULL), name, port)
    {
        const json_t *value = json_object_get(port, "defaultValue");
        const json_t *source = mlp_ir_at(t->plan->spec, "inputs", "parameters", name, NULL);
        if (s == MLPLAT_OK && value && !source_value(r, source))
            s = set_value(t, name, value, values, err);
    }
    return s;
}

static mlplat_status input_parameters(const mlp_runner *r, const mlp_runner_task *t, json_t *values, mlplat_error *err)
{
    const char *name;
    json_t *source, *composed = json_object();
    mlplat_status s = composed ? MLPLAT_OK : mlp_fail_memory(err);
    const json_t *sources = mlp_ir_at(t->plan->spec, "inputs", "parameters", NULL);
    mlp_ir_each(sources, name, source)
    {
        const json_t *value = source_value(r, source);
        if (s == MLPLAT_OK && value && !(json_object_get(source, "runtimeValue") && has_placeholder(value)))
            s = set_value(t, name, value, values, err);
    }
    if (s == MLPLAT_OK)
        s = set_defaults(r, t, values, err);
    mlp_ir_each(sources, name, source)
    {
        const json_t *value = source_value(r, source);
        if (s == MLPLAT_OK && json_object_get(source, "runtimeValue") && has_placeholder(value))
            s = set_composed(r, t, name, json_string_value(value), values, composed, err);
    }
    if (s == MLPLAT_OK && json_object_update(values, composed) != 0)
        s = mlp_fail_memory(err);
    json_decref(composed);
    return s;
}

static mlplat_status input_artifacts(const mlp_runner *r, const mlp_runner_task *t, json_t *artifacts,
                                     mlplat_error *err)
{
    const char *name;
    json_t *source;
    mlplat_status s = MLPLAT_OK;
    mlp_ir_each(mlp_ir_at(t->plan->spec, "inputs", "artifacts", NULL), name, source)
    {
        const json_t *from = json_object_get(source, "taskOutputArtifact");
        const json_t *artifact =
            json_object_get(producer_of(r, from)->artifacts, mlp_ir_text(from, "outputArtifactKey"));
        if (s == MLPLAT_OK)
            s = mlp_json_set(artifacts, name, json_pack("{s:[O]}", "artifacts", artifact), err);
    }
    return s;
}

/* ---- where the outputs go ---------------------------------------------------------------------------------------- */

static mlplat_status output_places(const mlp_runner_task *t, json_t *parameters, json_t *artifacts, mlplat_error *err)
{
    const char *name;
    json_t *port;
    mlplat_status s = MLPLAT_OK;
    const json_t *definitions = json_object_get(t->plan->component, "outputDefinitions");
    mlp_ir_each(json_object_get(definitions, "parameters"), name, port)
    {
        char *path = mlp_sprintf("%s/parameters/%s", t->folder, name);
        if (s == MLPLAT_OK)
            s = mlp_json_set(parameters, name, path ? json_pack("{s:o}", "outputFile", mlp_json_string(path)) : NULL,
                             err);
        mlp_free(path);
    }
    mlp_ir_each(json_object_get(definitions, "artifacts"), name, port)
    {
        char *path = mlp_sprintf("%s/outputs/%s", t->folder, name);
        json_t *type = json_object_get(port, "artifactType");
        if (s == MLPLAT_OK)
            s = mlp_json_set(artifacts, name,
                             path ? json_pack("{s:[{s:s, s:o, s:{}, s:O?}]}", "artifacts", "name", name, "uri",
                                              mlp_json_string(path), "metadata", "type", type)
                                  : NULL,
                             err);
        mlp_free(path);
    }
    return s;
}

mlplat_status mlp_executor_input(const mlp_runner *runner, mlp_runner_task *task, mlplat_error *err)
{
    json_t *values = json_object(), *in = json_object(), *parameters = json_object(), *out = json_object();
    char *file = mlp_sprintf("%s/executor_output.json", task->folder);
    mlplat_status s = values && in && parameters && out && file ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = input_parameters(runner, task, values, err);
    if (s == MLPLAT_OK)
        s = input_artifacts(runner, task, in, err);
    if (s == MLPLAT_OK)
        s = output_places(task, parameters, out, err);
    if (s == MLPLAT_OK) {
        task->input =
            json_pack("{s:{s:O, s:O}, s:{s:O, s:O, s:o}}", "inputs", "parameterValues", values, "artifacts", in,
                      "outputs", "parameters", parameters, "artifacts", out, "outputFile", mlp_json_string(file));
        s = task->input ? MLPLAT_OK : mlp_fail_memory(err);
    }
    json_decref(values);
    json_decref(in);
    json_decref(parameters);
    json_decref(out);
    mlp_free(file);
    return s;
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

/* ExecutorOutput as the task wrote it; *out NULL if it wrote none. */
static mlplat_status read_answer(const mlp_runner_task *t, json_t **out, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_error why = {0};
    *out = NULL;
    mlplat_status s =
        mlp_file_read(mlp_ir_text(json_object_get(t->input, "outputs"), "outputFile"), OUTPUT_LIMIT, &text, &why);
    if (s == MLPLAT_OK && text.size > 0)
        s = mlp_json_parse(text.data, text.size, out, &why);
    if (s == MLPLAT_OK && *out && !json_is_object(*out))
        s = mlp_fail(&why, MLPLAT_INVALID, "not a JSON object");
    mlp_buf_free(&text);
    if (s == MLPLAT_OK || s == MLPLAT_NOT_FOUND)
        return MLPLAT_OK;
    json_decref(*out);
    *out = NULL;
    return mlp_fail(err, s, "what it wrote as ExecutorOutput cannot be read: %s", why.message);
}

static mlplat_status take_parameter(mlp_runner_task *t, const char *name, const json_t *answer, mlplat_error *err)
{
    char what[300];
    mlp_buf text = {0};
    json_t *value = NULL;
    const char *file = mlp_ir_text(mlp_ir_at(t->input, "outputs", "parameters", name, NULL), "outputFile");
    const json_t *written = mlp_ir_at(answer, "parameterValues", name, NULL);
    mlp_kind kind = mlp_ir_port(t->plan->component, "outputDefinitions", name).kind;
    port_text("output parameter", name, what);
    mlplat_status s = MLPLAT_OK;
    if (written) {
        s = mlp_port_value_fit(kind, written, what, &value, err);
    } else {
        s = mlp_file_read(file, PARAMETER_LIMIT, &text, err);
        if (s == MLPLAT_OK)
            s = mlp_port_value_read(kind, text.data ? text.data : "", text.size, what, &value, err);
        else if (s == MLPLAT_NOT_FOUND)
            s = mlp_fail(err, MLPLAT_INVALID, "%s was not written: neither its file nor the ExecutorOutput has it",
                         what);
        else
            s = mlp_fail_prefix(err, s, "%s", what);
    }
    mlp_buf_free(&text);
    return s == MLPLAT_OK ? mlp_json_set(t->parameters, name, value, err) : s;
}

/* Name, URI and metadata as the task answered them, on top of what it was told. */
static mlplat_status take_artifact(const mlp_runner *r, mlp_runner_task *t, const char *name, const json_t *answer,
                                   mlplat_error *err)
{
    static const char *const keys[] = {"name", "uri", "metadata"};
    const json_t *told = mlp_port_artifact_first(mlp_ir_at(t->input, "outputs", "artifacts", name, NULL));
    const json_t *written = mlp_port_artifact_first(mlp_ir_at(answer, "artifacts", name, NULL));
    json_t *artifact = json_deep_copy(told);
    mlplat_status s = artifact ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(written, keys[i]);
        bool good = i == 2 ? json_is_object(value) : json_string_length(value) > 0;
        if (good && json_object_set(artifact, keys[i], value) != 0)
            s = mlp_fail_memory(err);
    }
    const char *custom =
        mlp_ir_text(written, "customPath") ? mlp_ir_text(written, "customPath") : mlp_ir_text(written, "custom_path");
    if (s == MLPLAT_OK && custom && *custom)
        s = mlp_json_set(artifact, "customPath", mlp_json_string(custom), err);
    char *path = NULL;
    if (s == MLPLAT_OK)
        s = mlp_port_artifact_path(artifact, &path, err);
    if (s == MLPLAT_OK && !mlp_file_exists(path))
        mlp_log(&r->ml->log, MLPLAT_LOG_WARNING, "task '%s' wrote nothing for its output artifact '%s' (%s)",
                t->plan->name, name, path);
    mlp_free(path);
    if (s == MLPLAT_OK)
        s = mlp_json_set(t->artifacts, name, json_incref(artifact), err);
    json_decref(artifact);
    return s;
}

mlplat_status mlp_executor_output(const mlp_runner *runner, mlp_runner_task *task, mlplat_error *err)
{
    const char *name;
    json_t *port, *answer = NULL;
    const json_t *definitions = json_object_get(task->plan->component, "outputDefinitions");
    mlplat_status s = read_answer(task, &answer, err);
    mlp_ir_each(json_object_get(definitions, "parameters"), name, port) if (s == MLPLAT_OK) s =
        take_parameter(task, name, answer, err);
    mlp_ir_each(json_object_get(definitions, "artifacts"), name, port) if (s == MLPLAT_OK) s =
        take_artifact(runner, task, name, answer, err);
    json_decref(answer);
    return s;
}
