#include "pipelines/pipeline.h"
#include "base/alloc.h"
#include "base/err.h"
#include "pipelines/component_spec.h"
#include "pipelines/ir_plan.h"
#include "pipelines/port_name.h"
#include <string.h>

mlplat_status mlplat_pipeline_new(const char *name, const char *description, mlplat_pipeline **out, mlplat_error *err)
{
    *out = NULL;
    if (!name || !mlp_port_name_pipeline(name))
        return mlp_fail(err, MLPLAT_INVALID,
                        "'%.80s' cannot be the name of a pipeline: lower case letters, digits and -, 128 at most, not "
                        "starting with -",
                        name ? name : "");
    mlplat_pipeline *p = mlp_alloc(sizeof *p);
    if (!p)
        return mlp_fail_memory(err);
    p->name = mlp_strdup(name);
    p->description = mlp_strdup(description);
    p->inputs = json_object();
    p->names = json_object();
    if (!p->name || (description && !p->description) || !p->inputs || !p->names) {
        mlplat_pipeline_free(p);
        return mlp_fail_memory(err);
    }
    *out = p;
    return MLPLAT_OK;
}

static void task_free(mlplat_task *task)
{
    if (!task)
        return;
    mlp_free(task->id);
    mlp_free(task->shown);
    json_decref(task->inputs);
    json_decref(task->outputs);
    json_decref(task->container);
    json_decref(task->arguments);
    mlp_free(task);
}

void mlplat_pipeline_free(mlplat_pipeline *pipeline)
{
    if (!pipeline)
        return;
    for (size_t i = 0; i < pipeline->n; i++)
        task_free(pipeline->tasks[i]);
    mlp_free(pipeline->tasks);
    mlp_graph_free(&pipeline->graph);
    mlp_free(pipeline->name);
    mlp_free(pipeline->description);
    json_decref(pipeline->inputs);
    json_decref(pipeline->names);
    mlp_free(pipeline);
}

mlplat_status mlplat_pipeline_input(mlplat_pipeline *pipeline, const char *name, const char *type,
                                    const char *default_json, mlplat_error *err)
{
    char what[300], text[340];
    mlp_port_type parsed = {0};
    json_t *port = NULL;
    snprintf(what, sizeof what, "input '%.100s' of pipeline '%.100s'", name ? name : "", pipeline->name);
    snprintf(text, sizeof text, "the default of %s", what);
    mlplat_status s = mlp_port_name_check(name, what, err);
    if (s == MLPLAT_OK && mlp_ir_at(pipeline->inputs, "parameters", name, NULL))
        s = mlp_fail(err, MLPLAT_EXISTS, "%s: the name is taken", what);
    if (s == MLPLAT_OK)
        s = mlp_port_type_parse(type, what, &parsed, err);
    if (s == MLPLAT_OK && parsed.kind == MLP_KIND_ARTIFACT)
        s = mlp_fail(err, MLPLAT_INVALID, "%s is an artifact; a pipeline takes parameters, let a task produce it",
                     what);
    if (s == MLPLAT_OK)
        s = mlp_component_parameter(parsed.kind, default_json, text, &port, err);
    json_t *ports = json_object_get(pipeline->inputs, "parameters");
    if (s == MLPLAT_OK && !ports) {
        ports = json_object();
        s = mlp_json_set(pipeline->inputs, "parameters", ports, err);
    }
    if (s == MLPLAT_OK)
        s = mlp_json_set(ports, name, json_incref(port), err);
    json_decref(port);
    return s;
}

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

/* "train", "train-2", "train-3": the first that is free, remembered so that the next search starts behind it. */
static mlplat_status unique_id(mlplat_pipeline *p, const char *base, char **out, mlplat_error *err)
{
    char *id = mlp_strdup(base);
    json_int_t next = json_integer_value(json_object_get(p->names, base));
    while (id && json_object_get(p->names, id)) {
        next = next < 2 ? 2 : next;
        mlp_free(id);
        id = mlp_sprintf("%s-%lld", base, (long long)next++);
    }
    if (!id)
        return mlp_fail_memory(err);
    mlplat_status s = mlp_json_set(p->names, id, json_integer(0), err);
    if (s == MLPLAT_OK && strcmp(id, base) != 0)
        s = mlp_json_set(p->names, base, json_integer(next), err);
    if (s == MLPLAT_OK)
        *out = id;
    else
        mlp_free(id);
    return s;
}

static mlplat_status fill_task(mlplat_task *task, const mlplat_component *component, const char *name,
                               mlplat_error *err)
{
    const char *shown = name ? name : component->name;
    char *base = mlp_port_name_sanitise(shown);
    mlplat_status s = base ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && !*base)
        s = mlp_fail(err, MLPLAT_INVALID, "the task's name '%.60s' has no letter and no digit", shown);
    if (s == MLPLAT_OK && strlen(base) > 128)
        s = mlp_fail(err, MLPLAT_INVALID, "the task's name '%.60s...' is longer than 128 characters", shown);
    if (s == MLPLAT_OK)
        s = unique_id(task->pipeline, base, &task->id, err);
    mlp_free(base);
    if (s != MLPLAT_OK)
        return s;
    task->shown = mlp_strdup(name ? name : task->id);
    task->inputs = json_incref(component->inputs);
    task->outputs = json_incref(component->outputs);
    task->container = json_incref(component->container);
    task->arguments = json_object();
    return task->shown && task->arguments ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlplat_pipeline_task(mlplat_pipeline *pipeline, const mlplat_component *component, const char *name,
                                   mlplat_task **out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    *out = NULL;
    if (pipeline->n == pipeline->cap) {
        size_t more = pipeline->cap ? pipeline->cap * 2 : 8;
        mlplat_task **bigger = mlp_realloc(pipeline->tasks, more * sizeof(mlplat_task *));
        if (!bigger)
            return mlp_fail_memory(err);
        pipeline->tasks = bigger;
        pipeline->cap = more;
    }
    mlplat_task *task = mlp_alloc(sizeof *task);
    if (!task)
        return mlp_fail_memory(err);
    task->pipeline = pipeline;
    task->number = pipeline->n;
    s = fill_task(task, component, name, err);
    if (s == MLPLAT_OK)
        s = mlp_graph_add(&pipeline->graph, err);
    if (s == MLPLAT_OK)
        *out = pipeline->tasks[pipeline->n++] = task;
    else
        task_free(task);
    return s;
}

const char *mlplat_task_name(const mlplat_task *task)
{
    return task->id;
}

/* ---- inputs of tasks --------------------------------------------------------------------------------------------- */

static mlp_port_type port_of(const json_t *side, const char *name)
{
    return mlp_ir_port_of(name ? side : NULL, name ? name : "");
}

static mlplat_status input_of(const mlplat_task *task, const char *input, mlp_port_type *type, mlplat_error *err)
{
    *type = port_of(task->inputs, input);
    if (type->kind == MLP_KIND_NONE)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "task '%s' has no input '%.60s'", task->id, input ? input : "");
    return MLPLAT_OK;
}

/* The task that the input comes from now, or NULL. */
static mlplat_task *source_of(const mlplat_task *task, const char *input)
{
    const json_t *from = mlp_ir_at(task->arguments, "parameters", input, "taskOutputParameter", NULL);
    if (!from)
        from = mlp_ir_at(task->arguments, "artifacts", input, "taskOutputArtifact", NULL);
    const char *producer = mlp_ir_text(from, "producerTask");
    for (size_t i = 0; producer && i < task->pipeline->n; i++)
        if (strcmp(task->pipeline->tasks[i]->id, producer) == 0)
            return task->pipeline->tasks[i];
    return NULL;
}

/* Gives the input its source (reference stolen); a former one is forgotten, with its link. */
static mlplat_status give(mlplat_task *task, const char *group, const char *input, json_t *source, mlplat_error *err)
{
    const mlplat_task *former = source_of(task, input);
    mlplat_status s = source ? mlp_component_own(&task->arguments, err) : mlp_fail_memory(err);
    json_t *arguments = json_object_get(task->arguments, group);
    if (s == MLPLAT_OK && !arguments) {
        arguments = json_object();
        s = mlp_json_set(task->arguments, group, arguments, err);
    }
    if (s == MLPLAT_OK)
        s = mlp_json_set(arguments, input, json_incref(source), err);
    if (s == MLPLAT_OK && former)
        mlp_graph_unlink(&task->pipeline->graph, task->number, former->number);
    json_decref(source);
    return s;
}

static mlplat_status want_parameter(const mlplat_task *task, const char *input, mlp_port_type *type, mlplat_error *err)
{
    mlplat_status s = input_of(task, input, type, err);
    if (s == MLPLAT_OK && type->kind == MLP_KIND_ARTIFACT)
        return mlp_fail(err, MLPLAT_INVALID,
                        "input '%s' of task '%s' is an artifact: connect it to another task's output", input, task->id);
    return s;
}

mlplat_status mlplat_task_set(mlplat_task *task, const char *input, const char *json, mlplat_error *err)
{
    char what[300];
    json_t *value = NULL;
    mlp_port_type type;
    mlplat_status s = want_parameter(task, input, &type, err);
    if (s != MLPLAT_OK)
        return s;
    snprintf(what, sizeof what, "input '%.100s' of task '%s'", input, task->id);
    s = mlp_port_value_json(type.kind, json, what, &value, err);
    if (s != MLPLAT_OK)
        return s;
    return give(task, "parameters", input, json_pack("{s:{s:o}}", "runtimeValue", "constant", value), err);
}

mlplat_status mlplat_task_set_input(mlplat_task *task, const char *input, const char *pipeline_input, mlplat_error *err)
{
    mlp_port_type wanted, given = port_of(task->pipeline->inputs, pipeline_input);
    mlplat_status s = want_parameter(task, input, &wanted, err);
    if (s != MLPLAT_OK)
        return s;
    if (given.kind == MLP_KIND_NONE)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "pipeline '%s' has no input '%.60s'", task->pipeline->name,
                        pipeline_input ? pipeline_input : "");
    if (!mlp_port_type_fits(&given, &wanted))
        return mlp_fail(err, MLPLAT_INVALID, "input '%s' of task '%s' is %s, the pipeline's '%s' is %s", input,
                        task->id, mlp_port_type_name(wanted.kind), pipeline_input, mlp_port_type_name(given.kind));
    return give(task, "parameters", input, json_pack("{s:s}", "componentInputParameter", pipeline_input), err);
}

static mlplat_status check_link(const mlplat_task *task, const mlplat_task *before, mlplat_error *err)
{
    bool cycle = false;
    if (before->pipeline != task->pipeline)
        return mlp_fail(err, MLPLAT_INVALID, "tasks '%s' and '%s' belong to different pipelines", task->id, before->id);
    mlplat_status s = mlp_graph_closes(&task->pipeline->graph, task->number, before->number, &cycle, err);
    if (s == MLPLAT_OK && cycle)
        s = mlp_fail(err, MLPLAT_INVALID, "task '%s' cannot come after '%s', which needs it itself: that makes a cycle",
                     task->id, before->id);
    return s;
}

static const char *type_text(const mlp_port_type *type)
{
    return type->kind == MLP_KIND_ARTIFACT ? type->title : mlp_port_type_name(type->kind);
}

mlplat_status mlplat_task_connect(mlplat_task *task, const char *input, const mlplat_task *producer, const char *output,
                                  mlplat_error *err)
{
    mlp_port_type wanted, given = port_of(producer->outputs, output);
    mlplat_status s = input_of(task, input, &wanted, err);
    if (s == MLPLAT_OK && given.kind == MLP_KIND_NONE)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "task '%s' has no output '%.60s'", producer->id, output ? output : "");
    if (s == MLPLAT_OK && !mlp_port_type_fits(&given, &wanted))
        s = mlp_fail(err, MLPLAT_INVALID, "input '%s' of task '%s' is %s, output '%s' of task '%s' is %s", input,
                     task->id, type_text(&wanted), output, producer->id, type_text(&given));
    if (s == MLPLAT_OK)
        s = check_link(task, producer, err);
    if (s != MLPLAT_OK)
        return s;
    bool artifact = wanted.kind == MLP_KIND_ARTIFACT;
    s = give(task, artifact ? "artifacts" : "parameters", input,
             json_pack("{s:{s:s, s:s}}", artifact ? "taskOutputArtifact" : "taskOutputParameter",
                       artifact ? "outputArtifactKey" : "outputParameterKey", output, "producerTask", producer->id),
             err);
    return s == MLPLAT_OK ? mlp_graph_link(&task->pipeline->graph, task->number, producer->number, err) : s;
}

mlplat_status mlplat_task_after(mlplat_task *task, const mlplat_task *before, mlplat_error *err)
{
    mlplat_status s = check_link(task, before, err);
    return s == MLPLAT_OK ? mlp_graph_link(&task->pipeline->graph, task->number, before->number, err) : s;
}
