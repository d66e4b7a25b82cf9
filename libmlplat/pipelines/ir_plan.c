#include "pipelines/ir_plan.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "pipelines/port_name.h"
#include <stdarg.h>
#include <string.h>

const json_t *mlp_ir_at(const json_t *json, ...)
{
    va_list keys;
    va_start(keys, json);
    for (const char *key = va_arg(keys, const char *); key && json; key = va_arg(keys, const char *))
        json = json_object_get(json, key);
    va_end(keys);
    return json;
}

const char *mlp_ir_text(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

mlp_port_type mlp_ir_port_of(const json_t *ports, const char *name)
{
    mlp_port_type type = {0};
    const json_t *port = mlp_ir_at(ports, "parameters", name, NULL);
    if (port) {
        type.kind = mlp_port_type_ir(mlp_ir_text(port, "parameterType"));
    } else if ((port = mlp_ir_at(ports, "artifacts", name, NULL)) != NULL) {
        const char *title = mlp_ir_text(json_object_get(port, "artifactType"), "schemaTitle");
        type.kind = MLP_KIND_ARTIFACT;
        snprintf(type.title, sizeof type.title, "%s", title && *title ? title : "system.Artifact");
    }
    return type;
}

mlp_port_type mlp_ir_port(const json_t *component, const char *side, const char *name)
{
    return mlp_ir_port_of(json_object_get(component, side), name);
}

size_t mlp_plan_find(const mlp_plan *plan, const char *name)
{
    const json_t *number = name ? json_object_get(plan->index, name) : NULL;
    return number ? (size_t)json_integer_value(number) : plan->n;
}

/* ---- what the runner cannot run ---------------------------------------------------------------------------------- */

static mlplat_status unsupported(const char *task, const char *what, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_UNSUPPORTED, "task '%s': %s is not supported by the local runner", task, what);
}

static mlplat_status check_constructs(const char *name, const json_t *task, const json_t *component, mlplat_error *err)
{
    static const struct {
        const char *key, *what;
    } loops[] = {{"parameterIterator", "a loop (ParallelFor over parameters)"},
                 {"artifactIterator", "a loop (ParallelFor over artifacts)"},
                 {"iterator", "a loop (iterator)"}};
    const char *strategy = mlp_ir_text(json_object_get(task, "triggerPolicy"), "strategy");
    if (mlp_ir_text(json_object_get(task, "triggerPolicy"), "condition"))
        return unsupported(name, "a condition (triggerPolicy.condition)", err);
    if (strategy && strcmp(strategy, "ALL_UPSTREAM_TASKS_SUCCEEDED") != 0 &&
        strcmp(strategy, "TRIGGER_STRATEGY_UNSPECIFIED") != 0)
        return unsupported(name, "an exit handler (triggerPolicy.strategy)", err);
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++)
        if (json_object_get(task, loops[i].key))
            return unsupported(name, loops[i].what, err);
    if (json_object_get(component, "dag"))
        return unsupported(name, "a nested pipeline or group (dag)", err);
    return MLPLAT_OK;
}

/* An array of strings, or nothing. */
static bool is_words(const json_t *words)
{
    size_t i;
    json_t *word;
    if (words && !json_is_array(words))
        return false;
    mlp_ir_items(words, i, word) if (!json_is_string(word)) return false;
    return true;
}

mlplat_status mlp_ir_executor(const json_t *spec, const json_t *component, const char *what, const json_t **container,
                              mlplat_error *err)
{
    const char *label = mlp_ir_text(component, "executorLabel");
    const json_t *executor = label ? mlp_ir_at(spec, "deploymentSpec", "executors", label, NULL) : NULL;
    if (!label)
        return mlp_fail(err, MLPLAT_INVALID, "%s: its component has neither an executorLabel nor a dag", what);
    if (!json_is_object(executor))
        return mlp_fail(err, MLPLAT_INVALID, "%s: there is no executor '%s' in deploymentSpec.executors", what, label);
    *container = json_object_get(executor, "container");
    if (!json_is_object(*container))
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "%s: %s is not supported by the local runner", what,
                        json_object_get(executor, "importer") ? "an importer" : "an executor that is no container");
    const json_t *command = json_object_get(*container, "command"), *args = json_object_get(*container, "args");
    if (!is_words(command) || !is_words(args))
        return mlp_fail(err, MLPLAT_INVALID, "%s: command and args must be lists of strings", what);
    if (json_array_size(command) == 0)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "%s: it runs the entry point of its image, which the local runner cannot know; name a command",
                        what);
    return MLPLAT_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static mlplat_status read_task(const json_t *spec, const char *name, const json_t *task, mlp_plan_task *out,
                               mlplat_error *err)
{
    const char *ref = mlp_ir_text(json_object_get(task, "componentRef"), "name");
    char what[280];
    if (!mlp_port_name_safe(name))
        return mlp_fail(err, MLPLAT_INVALID,
                        "root.dag.tasks: '%.80s' is not a name of a task: it would leave the run's folder", name);
    *out = (mlp_plan_task){.name = name, .spec = task};
    out->component = ref ? mlp_ir_at(spec, "components", ref, NULL) : NULL;
    if (!out->component)
        return mlp_fail(err, MLPLAT_INVALID, "task '%s': there is no component '%s'", name, ref ? ref : "");
    mlplat_status s = check_constructs(name, task, out->component, err);
    snprintf(what, sizeof what, "task '%s'", name);
    if (s == MLPLAT_OK)
        s = mlp_ir_executor(spec, out->component, what, &out->container, err);
    return s;
}

static mlplat_status link_to(mlp_plan *plan, size_t task, const char *producer, mlplat_error *err)
{
    size_t dep = mlp_plan_find(plan, producer);
    if (dep == plan->n)
        return mlp_fail(err, MLPLAT_INVALID, "task '%s' depends on '%s', which is no task of the pipeline",
                        plan->tasks[task].name, producer ? producer : "");
    if (mlp_graph_linked(&plan->graph, task, dep))
        return MLPLAT_OK;
    return mlp_graph_link(&plan->graph, task, dep, err);
}

static mlplat_status link_task(mlp_plan *plan, size_t task, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    const json_t *spec = plan->tasks[task].spec;
    const char *key;
    json_t *value;
    size_t i;
    mlp_ir_items(json_object_get(spec, "dependentTasks"), i, value) if (s == MLPLAT_OK) s =
        link_to(plan, task, json_string_value(value), err);
    mlp_ir_each(mlp_ir_at(spec, "inputs", "parameters", NULL), key,
                value) if (s == MLPLAT_OK && json_object_get(value, "taskOutputParameter")) s =
        link_to(plan, task, mlp_ir_text(json_object_get(value, "taskOutputParameter"), "producerTask"), err);
    mlp_ir_each(mlp_ir_at(spec, "inputs", "artifacts", NULL), key,
                value) if (s == MLPLAT_OK && json_object_get(value, "taskOutputArtifact")) s =
        link_to(plan, task, mlp_ir_text(json_object_get(value, "taskOutputArtifact"), "producerTask"), err);
    return s;
}

static mlplat_status order_tasks(mlp_plan *plan, mlplat_error *err)
{
    size_t ordered = 0;
    mlplat_status s = mlp_graph_order(&plan->graph, plan->order, &ordered, err);
    if (s != MLPLAT_OK || ordered == plan->n)
        return s;
    json_t *done = json_object();
    for (size_t i = 0; done && i < ordered; i++)
        json_object_set_new(done, plan->tasks[plan->order[i]].name, json_true());
    size_t stuck = 0;
    while (stuck < plan->n && json_object_get(done, plan->tasks[stuck].name))
        stuck++;
    json_decref(done);
    return mlp_fail(err, MLPLAT_INVALID, "the tasks depend on each other in a circle, '%s' is on it or behind it",
                    plan->tasks[stuck < plan->n ? stuck : 0].name);
}

/* Also takes what the server's inline form and its Kubernetes objects wrap around the PipelineSpec. */
static const json_t *find_spec(const json_t *ir)
{
    const json_t *wrapped = json_object_get(ir, "pipeline_spec");
    if (!wrapped)
        wrapped = mlp_ir_at(ir, "spec", "pipelineSpec", NULL);
    return wrapped ? wrapped : ir;
}

static mlplat_status check_head(mlp_plan *plan, mlplat_error *err)
{
    const char *schema = mlp_ir_text(plan->spec, "schemaVersion");
    plan->name = mlp_ir_text(json_object_get(plan->spec, "pipelineInfo"), "name");
    if (!json_is_object(plan->spec))
        return mlp_fail(err, MLPLAT_INVALID, "the pipeline is not an object; it must be KFP's PipelineSpec");
    if (json_object_get(plan->spec, "implementation"))
        return mlp_fail(err, MLPLAT_INVALID, "this is a component of KFP version 1; load and compile it with kfp 2");
    if (!plan->name || !mlp_port_name_pipeline(plan->name))
        return mlp_fail(err, MLPLAT_INVALID, "pipelineInfo.name '%.80s' must match ^[a-z0-9][a-z0-9-]{0,127}$",
                        plan->name ? plan->name : "");
    if (!schema || !mlp_text_starts(schema, "2."))
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "schemaVersion is '%.40s'; 2.1.0 is what can be run",
                        schema ? schema : "");
    if (!json_is_object(mlp_ir_at(plan->spec, "root", "dag", "tasks", NULL)) ||
        json_object_size(mlp_ir_at(plan->spec, "root", "dag", "tasks", NULL)) == 0)
        return mlp_fail(err, MLPLAT_INVALID, "pipeline '%s' has no tasks (root.dag.tasks)", plan->name);
    return MLPLAT_OK;
}

mlplat_status mlp_plan_make(const json_t *ir, mlp_plan *out, mlplat_error *err)
{
    const char *name;
    json_t *task;
    *out = (mlp_plan){.spec = find_spec(ir), .index = json_object()};
    mlplat_status s = out->index ? check_head(out, err) : mlp_fail_memory(err);
    const json_t *tasks = s == MLPLAT_OK ? mlp_ir_at(out->spec, "root", "dag", "tasks", NULL) : NULL;
    size_t count = json_object_size(tasks);
    if (s == MLPLAT_OK) {
        out->tasks = mlp_alloc_array(count, sizeof *out->tasks);
        out->order = mlp_alloc_array(count, sizeof *out->order);
        s = out->tasks && out->order ? MLPLAT_OK : mlp_fail_memory(err);
    }
    mlp_ir_each(tasks, name, task)
    {
        if (s == MLPLAT_OK)
            s = read_task(out->spec, name, task, &out->tasks[out->n], err);
        if (s == MLPLAT_OK)
            s = mlp_graph_add(&out->graph, err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(out->index, name, json_integer((json_int_t)out->n++), err);
    }
    for (size_t i = 0; s == MLPLAT_OK && i < out->n; i++)
        s = link_task(out, i, err);
    if (s == MLPLAT_OK)
        s = order_tasks(out, err);
    if (s != MLPLAT_OK)
        mlp_plan_free(out);
    return s;
}

void mlp_plan_free(mlp_plan *plan)
{
    mlp_graph_free(&plan->graph);
    mlp_free(plan->tasks);
    mlp_free(plan->order);
    json_decref(plan->index);
    *plan = (mlp_plan){0};
}
