/* What a component answers. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "pipelines/port_artifact.h"
#include "pipelines/step.h"
#include <string.h>

/* The folder above path, made if it is not there. */
static mlplat_status make_parent(const char *path, mlplat_error *err)
{
    char *parent = mlp_strdup(path);
    char *slash = parent ? strrchr(parent, '/') : NULL;
    mlplat_status s = parent ? MLPLAT_OK : mlp_fail_memory(err);
    if (slash && slash != parent) {
        *slash = 0;
        s = mlp_file_mkdirs(parent, 0777, err);
    }
    mlp_free(parent);
    return s;
}

mlplat_status mlp_step_make_folders(const mlplat_step *step, mlplat_error *err)
{
    const char *name;
    json_t *list;
    mlplat_status s = MLPLAT_OK;
    mlp_ir_each(mlp_ir_at(step->input, "outputs", "artifacts", NULL), name, list)
    {
        char *path = NULL;
        if (s == MLPLAT_OK)
            s = mlp_port_artifact_path(mlp_port_artifact_first(list), &path, err);
        if (s == MLPLAT_OK)
            s = make_parent(path, err);
        mlp_free(path);
    }
    return s;
}

/* Every declared output parameter, in the order of the ports. */
static mlplat_status check_set(const mlplat_step *step, mlplat_error *err)
{
    for (size_t i = 0; i < step->def->n_ports; i++) {
        const mlplat_port *port = &step->def->ports[i];
        mlp_kind kind = mlp_ir_port(step->definition, "outputDefinitions", port->name).kind;
        if (port->direction == MLPLAT_OUT && kind != MLP_KIND_ARTIFACT &&
            !json_object_get(step->parameters, port->name))
            return mlp_fail(err, MLPLAT_STATE, "output parameter '%s' was not set", port->name);
    }
    return MLPLAT_OK;
}

static mlplat_status answer_artifacts(const mlplat_step *step, json_t *out, mlplat_error *err)
{
    const char *name;
    json_t *list;
    mlplat_status s = MLPLAT_OK;
    mlp_ir_each(mlp_ir_at(step->input, "outputs", "artifacts", NULL), name, list)
    {
        json_t *artifact = json_deep_copy(mlp_port_artifact_first(list));
        json_t *metadata = json_object_get(artifact, "metadata");
        if (s == MLPLAT_OK && !json_is_object(metadata))
            s = mlp_json_set(artifact, "metadata", metadata = json_object(), err);
        if (s == MLPLAT_OK && json_object_update(metadata, json_object_get(step->metadata, name)) != 0 &&
            json_object_get(step->metadata, name))
            s = mlp_fail_memory(err);
        json_object_del(artifact, "type"); /* ExecutorOutput has none */
        if (s == MLPLAT_OK)
            s = mlp_json_set(out, name, json_pack("{s:[O]}", "artifacts", artifact), err);
        json_decref(artifact);
    }
    return s;
}

static mlplat_status write_answer(const mlplat_step *step, mlplat_error *err)
{
    mlp_buf text = {0};
    json_t *artifacts = json_object(), *answer = NULL;
    const char *file = mlp_ir_text(json_object_get(step->input, "outputs"), "outputFile");
    mlplat_status s = artifacts ? answer_artifacts(step, artifacts, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK) {
        answer = json_pack("{s:O, s:O}", "artifacts", artifacts, "parameterValues", step->parameters);
        s = answer ? mlp_json_text(answer, &text, err) : mlp_fail_memory(err);
    }
    if (s == MLPLAT_OK)
        s = make_parent(file, err);
    if (s == MLPLAT_OK)
        s = mlp_file_write_atomic(file, text.data, text.size, false, err);
    mlp_buf_free(&text);
    json_decref(answer);
    json_decref(artifacts);
    return s;
}

mlplat_status mlp_step_finish(mlplat_step *step, mlp_buf *printed, mlplat_error *err)
{
    const char *name;
    json_t *value;
    mlplat_status s = check_set(step, err);
    if (s != MLPLAT_OK || !step->by_hand)
        return s == MLPLAT_OK ? write_answer(step, err) : s;
    mlp_ir_each(step->parameters, name, value)
    {
        mlp_buf_printf(printed, "%s=", name);
        if (s == MLPLAT_OK)
            s = mlp_port_value_text(value, printed, err);
        mlp_buf_putc(printed, '\n');
    }
    return s == MLPLAT_OK ? mlp_buf_ok(printed, err) : s;
}
