/* The builder's pipeline as KFP's PipelineSpec: what kfp's compiler writes, with components named by their tasks. */
#include "base/alloc.h"
#include "base/err.h"
#include "pipelines/component_spec.h"
#include "pipelines/ir_plan.h"
#include "pipelines/pipeline.h"
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* dependentTasks: sorted, each once, producers of data included. */
static mlplat_status put_dependencies(const mlplat_task *task, json_t *spec, mlplat_error *err)
{
    const mlp_graph_node *node = &task->pipeline->graph.nodes[task->number];
    if (node->n == 0)
        return MLPLAT_OK;
    json_t *list = json_array();
    const char **names = mlp_alloc_array(node->n, sizeof *names);
    mlplat_status s = list && names ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < node->n; i++)
        names[i] = task->pipeline->tasks[node->deps[i]]->id;
    if (s == MLPLAT_OK)
        qsort(names, node->n, sizeof *names, by_name);
    for (size_t i = 0; s == MLPLAT_OK && i < node->n; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            s = mlp_json_push(list, json_string(names[i]), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(spec, "dependentTasks", json_incref(list), err);
    mlp_free(names);
    json_decref(list);
    return s;
}

static mlplat_status check_arguments(const mlplat_task *task, const char *group, mlplat_error *err)
{
    const char *name;
    json_t *port;
    mlp_ir_each(json_object_get(task->inputs, group), name, port)
    {
        bool optional = json_is_true(json_object_get(port, "isOptional")) || json_object_get(port, "defaultValue");
        if (!optional && !mlp_ir_at(task->arguments, group, name, NULL))
            return mlp_fail(err, MLPLAT_INVALID,
                            "input '%s' of task '%s' has no value and no default: set or connect it", name, task->id);
    }
    return MLPLAT_OK;
}

/* Tasks of one component in a row need one look at its placeholders. */
static mlplat_status check_task(const mlplat_task *task, const mlplat_task *before, mlplat_error *err)
{
    char what[200];
    mlplat_status s = check_arguments(task, "parameters", err);
    if (s == MLPLAT_OK)
        s = check_arguments(task, "artifacts", err);
    if (s != MLPLAT_OK || (before && before->container == task->container && before->inputs == task->inputs &&
                           before->outputs == task->outputs))
        return s;
    snprintf(what, sizeof what, "task '%s'", task->id);
    return mlp_component_check(task->inputs, task->outputs, task->container, what, err);
}

/* The parts of the document that every task adds to, and one that they share. */
typedef struct parts {
    json_t *components, *executors, *tasks, *caching;
} parts;

static mlplat_status put_task(const mlplat_task *task, const parts *to, mlplat_error *err)
{
    char comp[160], label[160];
    snprintf(comp, sizeof comp, "comp-%s", task->id);
    snprintf(label, sizeof label, "exec-%s", task->id);
    json_t *spec = json_object();
    mlplat_status s = mlp_json_set(to->tasks, task->id, spec, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(spec, "cachingOptions", json_incref(to->caching), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(spec, "componentRef", json_pack("{s:s}", "name", comp), err);
    if (s == MLPLAT_OK)
        s = put_dependencies(task, spec, err);
    if (s == MLPLAT_OK && json_object_size(task->arguments) > 0)
        s = mlp_json_set(spec, "inputs", json_incref(task->arguments), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(spec, "taskInfo", json_pack("{s:s}", "name", task->shown), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(to->components, comp, mlp_component_definition(label, task->inputs, task->outputs), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(to->executors, label, json_pack("{s:O}", "container", task->container), err);
    return s;
}

static mlplat_status put_tasks(const mlplat_pipeline *p, const parts *to, mlplat_error *err)
{
    mlplat_status s = to->components && to->executors && to->tasks && to->caching ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && p->n == 0)
        s = mlp_fail(err, MLPLAT_INVALID, "pipeline '%s' has no tasks", p->name);
    for (size_t i = 0; s == MLPLAT_OK && i < p->n; i++) {
        s = check_task(p->tasks[i], i > 0 ? p->tasks[i - 1] : NULL, err);
        if (s == MLPLAT_OK)
            s = put_task(p->tasks[i], to, err);
    }
    return s;
}

mlplat_status mlplat_pipeline_compile(const mlplat_pipeline *pipeline, mlplat_doc **out, mlplat_error *err)
{
    json_t *spec = NULL;
    parts to = {json_object(), json_object(), json_object(), json_pack("{s:b}", "enableCache", 1)};
    *out = NULL;
    mlplat_status s = put_tasks(pipeline, &to, err);
    if (s == MLPLAT_OK) {
        spec =
            json_pack("{s:O, s:{s:O}, s:{s:s}, s:{s:{s:O}}, s:s, s:s}", "components", to.components, "deploymentSpec",
                      "executors", to.executors, "pipelineInfo", "name", pipeline->name, "root", "dag", "tasks",
                      to.tasks, "schemaVersion", "2.1.0", "sdkVersion", "mlplat-" MLPLAT_VERSION_TEXT);
        s = spec ? MLPLAT_OK : mlp_fail_memory(err);
    }
    if (s == MLPLAT_OK && pipeline->description)
        s = mlp_json_set(json_object_get(spec, "pipelineInfo"), "description", mlp_json_string(pipeline->description),
                         err);
    if (s == MLPLAT_OK && json_object_size(pipeline->inputs) > 0)
        s = mlp_json_set(json_object_get(spec, "root"), "inputDefinitions", json_deep_copy(pipeline->inputs), err);
    if (s == MLPLAT_OK)
        s = mlp_doc_new(json_incref(spec), out, err);
    json_decref(to.components);
    json_decref(to.executors);
    json_decref(to.tasks);
    json_decref(to.caching);
    json_decref(spec);
    return s;
}
