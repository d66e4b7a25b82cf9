#include "base/alloc.h"
#include "base/err.h"
#include "pipelines/ir_plan.h"
#include "pipelines/placeholder.h"
#include "pipelines/port_name.h"
#include <mlplat/pipelines.h>
#include <string.h>

/* Where in the document a message points to. */
typedef struct place {
    char text[400];
} place;

static place at(const char *task, const char *kind, const char *name)
{
    place p;
    snprintf(p.text, sizeof p.text, "task '%s': %s '%s'", task, kind, name);
    return p;
}

static mlplat_status differ(const place *p, const mlp_port_type *given, const mlp_port_type *wanted, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_INVALID, "%s is %s and is given %s", p->text,
                    wanted->kind == MLP_KIND_ARTIFACT ? wanted->title : mlp_port_type_name(wanted->kind),
                    given->kind == MLP_KIND_ARTIFACT ? given->title : mlp_port_type_name(given->kind));
}

/* An input that the component does not declare is KFP's own channel into a constant: any type will do. */
static mlplat_status check_types(const place *p, const mlp_port_type *given, const mlp_port_type *wanted,
                                 mlplat_error *err)
{
    bool widened = given->kind == MLP_KIND_INTEGER && wanted->kind == MLP_KIND_DOUBLE;
    if (wanted->kind == MLP_KIND_NONE || widened || mlp_port_type_fits(given, wanted))
        return MLPLAT_OK;
    return differ(p, given, wanted, err);
}

static mlplat_status check_constant(const mlp_plan_task *task, const place *p, const json_t *constant,
                                    const mlp_port_type *wanted, const char *name, mlplat_error *err)
{
    json_t *value = NULL;
    const json_t *port = mlp_ir_at(task->component, "inputDefinitions", "parameters", name, NULL);
    if (!constant)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "%s: only runtimeValue.constant is supported", p->text);
    if (wanted->kind == MLP_KIND_NONE || (json_is_null(constant) && json_is_true(json_object_get(port, "isOptional"))))
        return MLPLAT_OK;
    mlplat_status s = mlp_port_value_fit(wanted->kind, constant, p->text, &value, err);
    json_decref(value);
    return s;
}

static mlplat_status check_producer(const mlp_plan *plan, const place *p, const json_t *from, const char *key,
                                    const mlp_port_type *wanted, mlplat_error *err)
{
    const char *producer = mlp_ir_text(from, "producerTask"), *output = mlp_ir_text(from, key);
    size_t number = mlp_plan_find(plan, producer); /* is there: the plan was linked by it */
    mlp_port_type given = mlp_ir_port(plan->tasks[number].component, "outputDefinitions", output ? output : "");
    bool artifact = strcmp(key, "outputArtifactKey") == 0;
    if (given.kind == MLP_KIND_NONE || (given.kind == MLP_KIND_ARTIFACT) != artifact)
        return mlp_fail(err, MLPLAT_INVALID, "%s: task '%s' has no output %s '%s'", p->text, producer,
                        artifact ? "artifact" : "parameter", output ? output : "");
    return check_types(p, &given, wanted, err);
}

static mlplat_status check_parameter(const mlp_plan *plan, const mlp_plan_task *task, const char *name,
                                     const json_t *input, mlplat_error *err)
{
    place p = at(task->name, "input parameter", name);
    mlp_port_type wanted = mlp_ir_port(task->component, "inputDefinitions", name);
    const char *pipeline_input = mlp_ir_text(input, "componentInputParameter");
    if (json_object_get(input, "parameterExpressionSelector"))
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "%s: an expression (parameterExpressionSelector) is not supported by the local runner", p.text);
    if (json_object_get(input, "taskFinalStatus"))
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "%s: the final status of a task is not supported by the local runner",
                        p.text);
    if (json_object_get(input, "taskOutputParameter"))
        return check_producer(plan, &p, json_object_get(input, "taskOutputParameter"), "outputParameterKey", &wanted,
                              err);
    if (json_object_get(input, "runtimeValue"))
        return check_constant(task, &p, mlp_ir_at(input, "runtimeValue", "constant", NULL), &wanted, name, err);
    if (!pipeline_input)
        return mlp_fail(err, MLPLAT_INVALID, "%s has no source", p.text);
    mlp_port_type given = mlp_ir_port(json_object_get(plan->spec, "root"), "inputDefinitions", pipeline_input);
    if (given.kind == MLP_KIND_NONE || given.kind == MLP_KIND_ARTIFACT)
        return mlp_fail(err, MLPLAT_INVALID, "%s: the pipeline has no input parameter '%s'", p.text, pipeline_input);
    return check_types(&p, &given, &wanted, err);
}

static mlplat_status check_artifact(const mlp_plan *plan, const mlp_plan_task *task, const char *name,
                                    const json_t *input, mlplat_error *err)
{
    place p = at(task->name, "input artifact", name);
    mlp_port_type wanted = mlp_ir_port(task->component, "inputDefinitions", name);
    if (json_object_get(input, "componentInputArtifact"))
        return mlp_fail(
            err, MLPLAT_UNSUPPORTED,
            "%s comes from outside of the pipeline, which the local runner does not support; let a task produce it",
            p.text);
    if (!json_object_get(input, "taskOutputArtifact"))
        return mlp_fail(err, MLPLAT_INVALID, "%s has no source", p.text);
    if (wanted.kind != MLP_KIND_ARTIFACT)
        return mlp_fail(err, MLPLAT_INVALID, "%s is not declared by the component", p.text);
    return check_producer(plan, &p, json_object_get(input, "taskOutputArtifact"), "outputArtifactKey", &wanted, err);
}

/* The declared ports: names that can be files, types that are ours, inputs that have a source or may be absent. */
static mlplat_status check_ports(const mlp_plan_task *task, const char *side, const char *group, mlplat_error *err)
{
    const char *name;
    json_t *port;
    bool inputs = side[0] == 'i';
    mlp_ir_each(mlp_ir_at(task->component, side, group, NULL), name, port)
    {
        place p = at(task->name, inputs ? "input" : "output", name);
        mlp_port_type type = mlp_ir_port(task->component, side, name);
        bool optional = json_is_true(json_object_get(port, "isOptional")) || json_object_get(port, "defaultValue");
        if (!mlp_port_name_safe(name))
            return mlp_fail(err, MLPLAT_INVALID, "%s: the name would leave the task's folder", p.text);
        if (type.kind == MLP_KIND_NONE)
            return mlp_fail(err, MLPLAT_UNSUPPORTED, "%s: the type '%s' is not supported by the local runner", p.text,
                            mlp_ir_text(port, "parameterType") ? mlp_ir_text(port, "parameterType") : "");
        if (json_is_true(json_object_get(port, "isArtifactList")))
            return mlp_fail(err, MLPLAT_UNSUPPORTED, "%s: a list of artifacts is not supported by the local runner",
                            p.text);
        if (inputs && !optional && !mlp_ir_at(task->spec, "inputs", group, name, NULL))
            return mlp_fail(err, MLPLAT_INVALID, "%s has no value and no default", p.text);
    }
    return MLPLAT_OK;
}

static bool runs_python_source(const json_t *command)
{
    size_t i;
    json_t *word;
    mlp_ir_items(command, i, word) if (strstr(json_string_value(word), "kfp.dsl.executor_main")) return true;
    return false;
}

static mlplat_status check_words(const mlp_plan_task *task, const char *key, mlplat_error *err)
{
    size_t i;
    json_t *word;
    mlplat_status s = MLPLAT_OK;
    if (runs_python_source(json_object_get(task->container, "command")))
        return MLPLAT_OK; /* source text may speak of placeholders without meaning them */
    mlp_ir_items(json_object_get(task->container, key), i, word)
    {
        place p = at(task->name, "container", key);
        if (s == MLPLAT_OK)
            s = mlp_placeholder_check(task->component, json_string_value(word), p.text, err);
    }
    return s;
}

static mlplat_status check_task(const mlp_plan *plan, const mlp_plan_task *task, mlplat_error *err)
{
    static const char *const sides[] = {"inputDefinitions", "outputDefinitions"};
    mlplat_status s = MLPLAT_OK;
    const char *name;
    json_t *input;
    for (size_t i = 0; s == MLPLAT_OK && i < 2; i++) {
        s = check_ports(task, sides[i], "parameters", err);
        if (s == MLPLAT_OK)
            s = check_ports(task, sides[i], "artifacts", err);
    }
    mlp_ir_each(mlp_ir_at(task->spec, "inputs", "parameters", NULL), name, input) if (s == MLPLAT_OK) s =
        check_parameter(plan, task, name, input, err);
    mlp_ir_each(mlp_ir_at(task->spec, "inputs", "artifacts", NULL), name, input) if (s == MLPLAT_OK) s =
        check_artifact(plan, task, name, input, err);
    if (s == MLPLAT_OK)
        s = check_words(task, "command", err);
    return s == MLPLAT_OK ? check_words(task, "args", err) : s;
}

static mlplat_status check_defaults(const mlp_plan *plan, mlplat_error *err)
{
    const char *name;
    json_t *port;
    mlplat_status s = MLPLAT_OK;
    mlp_ir_each(mlp_ir_at(plan->spec, "root", "inputDefinitions", "parameters", NULL), name, port)
    {
        json_t *value = NULL;
        char what[300];
        mlp_kind kind = mlp_port_type_ir(mlp_ir_text(port, "parameterType"));
        snprintf(what, sizeof what, "the default of the pipeline's input '%s'", name);
        if (s == MLPLAT_OK && kind == MLP_KIND_NONE)
            s = mlp_fail(err, MLPLAT_UNSUPPORTED,
                         "the pipeline's input '%s' has a type that is not supported by the local runner", name);
        if (s == MLPLAT_OK && json_object_get(port, "defaultValue"))
            s = mlp_port_value_fit(kind, json_object_get(port, "defaultValue"), what, &value, err);
        json_decref(value);
    }
    return s;
}

mlplat_status mlp_ir_check(const mlp_plan *plan, mlplat_error *err)
{
    mlplat_status s = check_defaults(plan, err);
    for (size_t i = 0; s == MLPLAT_OK && i < plan->n; i++)
        s = check_task(plan, &plan->tasks[i], err);
    return s;
}

mlplat_status mlplat_pipeline_validate(const mlplat_doc *ir, mlplat_error *err)
{
    mlp_plan plan = {0};
    if (!ir)
        return mlp_fail(err, MLPLAT_INVALID, "no pipeline document was given");
    mlplat_status s = mlp_plan_make(mlp_doc_json(ir), &plan, err);
    if (s == MLPLAT_OK)
        s = mlp_ir_check(&plan, err);
    mlp_plan_free(&plan);
    return s;
}

/* ---- the pipeline's own inputs ----------------------------------------------------------------------------------- */

static mlplat_status set_param(const char *name, const json_t *port, const json_t *given, json_t *out,
                               mlplat_error *err)
{
    json_t *value = NULL;
    char what[300];
    const json_t *chosen = given ? given : json_object_get(port, "defaultValue");
    snprintf(what, sizeof what, "parameter '%s' of the pipeline", name);
    if (!chosen && json_is_true(json_object_get(port, "isOptional")))
        return MLPLAT_OK;
    if (!chosen)
        return mlp_fail(err, MLPLAT_INVALID, "%s has no default: give it a value", what);
    mlplat_status s =
        mlp_port_value_fit(mlp_port_type_ir(mlp_ir_text(port, "parameterType")), chosen, what, &value, err);
    return s == MLPLAT_OK ? mlp_json_set(out, name, value, err) : s;
}

mlplat_status mlp_ir_params(const mlp_plan *plan, const char *given, json_t **out, mlplat_error *err)
{
    json_t *values = NULL, *port, *value;
    const char *name;
    const json_t *ports = mlp_ir_at(plan->spec, "root", "inputDefinitions", "parameters", NULL);
    *out = json_object();
    mlplat_status s = *out ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && given)
        s = mlp_port_value_json(MLP_KIND_STRUCT, given, "the parameters of the pipeline", &values, err);
    mlp_ir_each(values, name, value) if (s == MLPLAT_OK && !json_object_get(ports, name)) s =
        mlp_fail(err, MLPLAT_INVALID, "pipeline '%s' has no input '%s'", plan->name, name);
    mlp_ir_each(ports, name, port) if (s == MLPLAT_OK) s =
        set_param(name, port, json_object_get(values, name), *out, err);
    json_decref(values);
    if (s != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}
