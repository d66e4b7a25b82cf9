#include "pipelines/component_spec.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "pipelines/ir_plan.h"
#include "pipelines/placeholder.h"
#include "pipelines/port_name.h"
#include <string.h>

void mlplat_component_free(mlplat_component *component)
{
    if (!component)
        return;
    mlp_free(component->name);
    mlp_free(component->description);
    json_decref(component->inputs);
    json_decref(component->outputs);
    json_decref(component->container);
    mlp_free(component);
}

static mlplat_status check_component_name(const char *name, mlplat_error *err)
{
    char *clean = name ? mlp_port_name_sanitise(name) : NULL;
    mlplat_status s = MLPLAT_OK;
    if (!name || (clean && !*clean))
        s = mlp_fail(err, MLPLAT_INVALID, "the component's name '%.60s' has no letter and no digit", name ? name : "");
    else if (!clean)
        s = mlp_fail_memory(err);
    mlp_free(clean);
    return s;
}

static mlplat_status component_new(const char *name, mlplat_component **out, mlplat_error *err)
{
    mlplat_status s = check_component_name(name, err);
    if (s != MLPLAT_OK)
        return s;
    mlplat_component *c = mlp_alloc(sizeof *c);
    if (!c)
        return mlp_fail_memory(err);
    c->name = mlp_strdup(name);
    c->inputs = json_object();
    c->outputs = json_object();
    c->container = json_object();
    if (!c->name || !c->inputs || !c->outputs || !c->container) {
        mlplat_component_free(c);
        return mlp_fail_memory(err);
    }
    *out = c;
    return MLPLAT_OK;
}

/* ---- a container component -------------------------------------------------------------------------------------- */

static mlplat_status set_words(json_t *container, const char *const *argv, size_t argc, const char *name,
                               mlplat_error *err)
{
    json_t *command = json_array(), *args = json_array();
    mlplat_status s = command && args ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < argc; i++) {
        const char *word = argv[i];
        if (!word || !mlp_text_utf8(word, strlen(word)))
            s = mlp_fail(err, MLPLAT_INVALID, "component '%s': word %zu of its command is %s", name, i,
                         word ? "not UTF-8" : "NULL");
        else
            s = mlp_json_push(i == 0 ? command : args, json_string(word), err);
    }
    if (s == MLPLAT_OK)
        s = mlp_json_set(container, "command", json_incref(command), err);
    if (s == MLPLAT_OK && argc > 1)
        s = mlp_json_set(container, "args", json_incref(args), err);
    json_decref(command);
    json_decref(args);
    return s;
}

mlplat_status mlplat_component_container(const char *name, const char *image, const char *const *argv, size_t argc,
                                         mlplat_component **out, mlplat_error *err)
{
    *out = NULL;
    mlplat_component *c = NULL;
    mlplat_status s = component_new(name, &c, err);
    if (s == MLPLAT_OK && (!image || !*image))
        s = mlp_fail(err, MLPLAT_INVALID, "component '%s' has no image", name);
    if (s == MLPLAT_OK && (!argv || argc == 0 || !argv[0] || !*argv[0]))
        s = mlp_fail(err, MLPLAT_INVALID, "component '%s' has no command", name);
    if (s == MLPLAT_OK)
        s = mlp_json_set(c->container, "image", mlp_json_string(image), err);
    if (s == MLPLAT_OK)
        s = set_words(c->container, argv, argc, name, err);
    if (s == MLPLAT_OK)
        *out = c;
    else
        mlplat_component_free(c);
    return s;
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

void mlp_component_port_text(const mlplat_component *c, const char *side, const char *name, char out[300])
{
    snprintf(out, 300, "%s '%.100s' of component '%.100s'", side, name ? name : "", c->name);
}

mlplat_status mlp_component_own(json_t **part, mlplat_error *err)
{
    if ((*part)->refcount == 1)
        return MLPLAT_OK;
    json_t *copy = json_deep_copy(*part);
    if (!copy)
        return mlp_fail_memory(err);
    json_decref(*part);
    *part = copy;
    return MLPLAT_OK;
}

static bool is_taken(const mlplat_component *c, const char *name)
{
    return mlp_ir_at(c->inputs, "parameters", name, NULL) || mlp_ir_at(c->inputs, "artifacts", name, NULL) ||
           mlp_ir_at(c->outputs, "parameters", name, NULL) || mlp_ir_at(c->outputs, "artifacts", name, NULL);
}

mlplat_status mlp_component_parameter(mlp_kind kind, const char *default_json, const char *what, json_t **out,
                                      mlplat_error *err)
{
    json_t *value = NULL;
    mlplat_status s = MLPLAT_OK;
    *out = json_object();
    if (!*out)
        return mlp_fail_memory(err);
    if (default_json)
        s = mlp_port_value_json(kind, default_json, what, &value, err);
    if (s == MLPLAT_OK && value)
        s = mlp_json_set(*out, "defaultValue", value, err);
    if (s == MLPLAT_OK && default_json)
        s = mlp_json_set(*out, "isOptional", json_true(), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(*out, "parameterType", json_string(mlp_port_type_name(kind)), err);
    if (s != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}

static mlplat_status make_port(const mlp_port_type *type, const char *default_json, const char *what, json_t **out,
                               mlplat_error *err)
{
    char text[360];
    snprintf(text, sizeof text, "the default of %s", what);
    if (type->kind != MLP_KIND_ARTIFACT)
        return mlp_component_parameter(type->kind, default_json, text, out, err);
    if (default_json)
        return mlp_fail(err, MLPLAT_INVALID, "%s is an artifact, which cannot have a default", what);
    *out = json_pack("{s:{s:s, s:s}}", "artifactType", "schemaTitle", type->title, "schemaVersion", "0.0.1");
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

/* The group of the ports, made at the first one. */
static mlplat_status add_to(json_t *side, const char *group, const char *name, json_t *port, mlplat_error *err)
{
    json_t *ports = json_object_get(side, group);
    if (!ports && json_object_set_new(side, group, ports = json_object()) != 0) {
        json_decref(port);
        return mlp_fail_memory(err);
    }
    return mlp_json_set(ports, name, port, err);
}

mlplat_status mlp_component_add(mlplat_component *c, bool input, const char *name, const char *type,
                                const char *default_json, const char *description, mlplat_error *err)
{
    char what[300];
    mlp_port_type parsed = {0};
    json_t *port = NULL;
    mlp_component_port_text(c, input ? "input" : "output", name, what);
    mlplat_status s = mlp_port_name_check(name, what, err);
    if (s == MLPLAT_OK && is_taken(c, name))
        s = mlp_fail(err, MLPLAT_EXISTS, "%s: the name is taken", what);
    if (s == MLPLAT_OK)
        s = mlp_port_type_parse(type, what, &parsed, err);
    if (s == MLPLAT_OK)
        s = mlp_component_own(input ? &c->inputs : &c->outputs, err);
    if (s == MLPLAT_OK)
        s = make_port(&parsed, default_json, what, &port, err);
    if (s == MLPLAT_OK && description && *description)
        s = mlp_json_set(port, "description", mlp_json_string(description), err);
    if (s == MLPLAT_OK)
        s = add_to(input ? c->inputs : c->outputs, parsed.kind == MLP_KIND_ARTIFACT ? "artifacts" : "parameters", name,
                   json_incref(port), err);
    json_decref(port);
    return s;
}

mlplat_status mlplat_component_input(mlplat_component *component, const char *name, const char *type,
                                     const char *default_json, mlplat_error *err)
{
    return mlp_component_add(component, true, name, type, default_json, NULL, err);
}

mlplat_status mlplat_component_output(mlplat_component *component, const char *name, const char *type,
                                      mlplat_error *err)
{
    return mlp_component_add(component, false, name, type, NULL, NULL, err);
}

mlplat_status mlplat_component_env(mlplat_component *component, const char *name, const char *value, mlplat_error *err)
{
    size_t i;
    json_t *item;
    if (!name || !*name || strchr(name, '=') || !value)
        return mlp_fail(err, MLPLAT_INVALID,
                        "component '%s': '%.60s' cannot be the name of a variable, or it has no value", component->name,
                        name ? name : "");
    mlplat_status s = mlp_component_own(&component->container, err);
    if (s != MLPLAT_OK)
        return s;
    json_t *env = json_object_get(component->container, "env");
    if (!env && json_object_set_new(component->container, "env", env = json_array()) != 0)
        return mlp_fail_memory(err);
    json_array_foreach(env, i, item)
    {
        const char *taken = mlp_ir_text(item, "name");
        if (taken && strcmp(taken, name) == 0)
            return mlp_json_set(item, "value", mlp_json_string(value), err);
    }
    return mlp_json_push(env, json_pack("{s:o, s:o}", "name", mlp_json_string(name), "value", mlp_json_string(value)),
                         err);
}

/* ---- as a document ----------------------------------------------------------------------------------------------- */

json_t *mlp_component_definition(const char *label, json_t *inputs, json_t *outputs)
{
    json_t *out = json_pack("{s:s}", "executorLabel", label);
    bool ok = out != NULL;
    if (ok && json_object_size(inputs) > 0)
        ok = json_object_set(out, "inputDefinitions", inputs) == 0;
    if (ok && json_object_size(outputs) > 0)
        ok = json_object_set(out, "outputDefinitions", outputs) == 0;
    if (ok)
        return out;
    json_decref(out);
    return NULL;
}

mlplat_status mlp_component_check(json_t *inputs, json_t *outputs, const json_t *container, const char *what,
                                  mlplat_error *err)
{
    static const char *const keys[] = {"command", "args"};
    json_t *definition = mlp_component_definition("exec", inputs, outputs), *word;
    mlplat_status s = definition ? MLPLAT_OK : mlp_fail_memory(err);
    size_t i;
    for (size_t k = 0; k < 2; k++)
        mlp_ir_items(json_object_get(container, keys[k]), i, word)
        {
            const char *text = json_string_value(word);
            if (s == MLPLAT_OK && text && !strstr(text, "kfp.dsl"))
                s = mlp_placeholder_check(definition, text, what, err);
        }
    json_decref(definition);
    return s;
}

/* {name: {"componentInputParameter": name}} for each port of a group, or the like. */
static mlplat_status pass_ports(const json_t *side, const char *group, const char *key, json_t *out, mlplat_error *err)
{
    const char *name;
    json_t *port, *passed = json_object();
    mlplat_status s = passed ? MLPLAT_OK : mlp_fail_memory(err);
    mlp_ir_each(json_object_get(side, group), name, port) if (s == MLPLAT_OK) s =
        mlp_json_set(passed, name, json_pack("{s:s}", key, name), err);
    if (s == MLPLAT_OK && json_object_size(passed) > 0)
        s = mlp_json_set(out, group, json_incref(passed), err);
    json_decref(passed);
    return s;
}

static mlplat_status pass_outputs(const mlplat_component *c, const char *task, json_t *dag, mlplat_error *err)
{
    const char *name;
    json_t *port, *parameters = json_object(), *artifacts = json_object(), *outputs = json_object();
    mlplat_status s = parameters && artifacts && outputs ? MLPLAT_OK : mlp_fail_memory(err);
    mlp_ir_each(json_object_get(c->outputs, "parameters"), name, port) if (s == MLPLAT_OK) s = mlp_json_set(
        parameters, name,
        json_pack("{s:{s:s, s:s}}", "valueFromParameter", "outputParameterKey", name, "producerSubtask", task), err);
    mlp_ir_each(json_object_get(c->outputs, "artifacts"), name, port) if (s == MLPLAT_OK) s = mlp_json_set(
        artifacts, name,
        json_pack("{s:[{s:s, s:s}]}", "artifactSelectors", "outputArtifactKey", name, "producerSubtask", task), err);
    if (s == MLPLAT_OK && json_object_size(artifacts) > 0)
        s = mlp_json_set(outputs, "artifacts", json_incref(artifacts), err);
    if (s == MLPLAT_OK && json_object_size(parameters) > 0)
        s = mlp_json_set(outputs, "parameters", json_incref(parameters), err);
    if (s == MLPLAT_OK && json_object_size(outputs) > 0)
        s = mlp_json_set(dag, "outputs", json_incref(outputs), err);
    json_decref(parameters);
    json_decref(artifacts);
    json_decref(outputs);
    return s;
}

/* The dag around the one task, with the component's own inputs and outputs. */
static mlplat_status make_root(const mlplat_component *c, const char *id, json_t **out, mlplat_error *err)
{
    char comp[200];
    snprintf(comp, sizeof comp, "comp-%s", id);
    json_t *dag = json_object(), *inputs = json_object(), *task = NULL;
    mlplat_status s = dag && inputs ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = pass_outputs(c, id, dag, err);
    if (s == MLPLAT_OK)
        s = pass_ports(c->inputs, "artifacts", "componentInputArtifact", inputs, err);
    if (s == MLPLAT_OK)
        s = pass_ports(c->inputs, "parameters", "componentInputParameter", inputs, err);
    if (s == MLPLAT_OK) {
        task = json_pack("{s:{s:b}, s:{s:s}, s:{s:s}}", "cachingOptions", "enableCache", 1, "componentRef", "name",
                         comp, "taskInfo", "name", id);
        s = task ? MLPLAT_OK : mlp_fail_memory(err);
    }
    if (s == MLPLAT_OK && json_object_size(inputs) > 0)
        s = mlp_json_set(task, "inputs", json_incref(inputs), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(dag, "tasks", json_pack("{s:O}", id, task), err);
    if (s == MLPLAT_OK) {
        *out = json_pack("{s:O}", "dag", dag);
        s = *out ? MLPLAT_OK : mlp_fail_memory(err);
    }
    if (s == MLPLAT_OK && json_object_size(c->inputs) > 0)
        s = mlp_json_set(*out, "inputDefinitions", json_incref(c->inputs), err);
    if (s == MLPLAT_OK && json_object_size(c->outputs) > 0)
        s = mlp_json_set(*out, "outputDefinitions", json_incref(c->outputs), err);
    json_decref(dag);
    json_decref(inputs);
    json_decref(task);
    return s;
}

mlplat_status mlp_component_pipeline(const mlplat_component *component, json_t **out, mlplat_error *err)
{
    char label[200], comp[200];
    json_t *root = NULL;
    *out = NULL;
    char *id = mlp_port_name_sanitise(component->name);
    if (!id)
        return mlp_fail_memory(err);
    if (strlen(id) > 128)
        id[id[127] == '-' ? 127 : 128] = 0; /* cut at a dash, it would be another name when it is read again */
    snprintf(label, sizeof label, "exec-%s", id);
    snprintf(comp, sizeof comp, "comp-%s", id);
    mlplat_status s = make_root(component, id, &root, err);
    if (s == MLPLAT_OK) {
        *out = json_pack("{s:{s:o}, s:{s:{s:{s:O}}}, s:{s:s}, s:O, s:s, s:s}", "components", comp,
                         mlp_component_definition(label, component->inputs, component->outputs), "deploymentSpec",
                         "executors", label, "container", component->container, "pipelineInfo", "name", id, "root",
                         root, "schemaVersion", "2.1.0", "sdkVersion", "mlplat-" MLPLAT_VERSION_TEXT);
        s = *out ? MLPLAT_OK : mlp_fail_memory(err);
    }
    if (s == MLPLAT_OK && component->description)
        s = mlp_json_set(json_object_get(*out, "pipelineInfo"), "description", mlp_json_string(component->description),
                         err);
    json_decref(root);
    mlp_free(id);
    return s;
}

mlplat_status mlplat_component_spec(const mlplat_component *component, mlplat_doc **out, mlplat_error *err)
{
    json_t *spec = NULL;
    *out = NULL;
    mlplat_status s = mlp_component_pipeline(component, &spec, err);
    return s == MLPLAT_OK ? mlp_doc_new(spec, out, err) : s;
}

/* ---- from a document --------------------------------------------------------------------------------------------- */

/* The component of the one task of a spec. */
static mlplat_status find_component(const json_t *spec, const json_t **out, mlplat_error *err)
{
    const json_t *tasks = mlp_ir_at(spec, "root", "dag", "tasks", NULL);
    const json_t *task = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)tasks));
    const char *ref = mlp_ir_text(json_object_get(task, "componentRef"), "name");
    if (json_object_get(spec, "implementation"))
        return mlp_fail(err, MLPLAT_INVALID, "this is a component of KFP version 1; load and compile it with kfp 2");
    if (!mlp_ir_text(json_object_get(spec, "pipelineInfo"), "name"))
        return mlp_fail(err, MLPLAT_INVALID, "this is no component specification: it has no pipelineInfo.name");
    if (json_object_size(tasks) != 1)
        return mlp_fail(err, MLPLAT_INVALID,
                        "this is no component specification: root.dag.tasks holds %zu tasks, not one",
                        json_object_size(tasks));
    *out = ref ? mlp_ir_at(spec, "components", ref, NULL) : NULL;
    return *out ? MLPLAT_OK
                : mlp_fail(err, MLPLAT_INVALID, "there is no component '%s' in the specification", ref ? ref : "");
}

static mlplat_status take_copy(json_t **part, const json_t *from, mlplat_error *err)
{
    if (!from)
        return MLPLAT_OK;
    json_t *copy = json_deep_copy(from);
    if (!copy)
        return mlp_fail_memory(err);
    json_decref(*part);
    *part = copy;
    return MLPLAT_OK;
}

static mlplat_status load_spec(const json_t *spec, mlplat_component **out, mlplat_error *err)
{
    const json_t *definition = NULL, *container = NULL;
    mlplat_component *c = NULL;
    mlplat_status s = find_component(spec, &definition, err);
    const json_t *info = json_object_get(spec, "pipelineInfo");
    if (s == MLPLAT_OK)
        s = component_new(mlp_ir_text(info, "name"), &c, err);
    if (s == MLPLAT_OK)
        s = mlp_ir_executor(spec, definition, "the component", &container, err);
    if (s == MLPLAT_OK)
        s = take_copy(&c->inputs, json_object_get(definition, "inputDefinitions"), err);
    if (s == MLPLAT_OK)
        s = take_copy(&c->outputs, json_object_get(definition, "outputDefinitions"), err);
    if (s == MLPLAT_OK)
        s = take_copy(&c->container, container, err);
    if (s == MLPLAT_OK && mlp_ir_text(info, "description"))
        s = (c->description = mlp_strdup(mlp_ir_text(info, "description"))) ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        *out = c;
    else
        mlplat_component_free(c);
    return s;
}

mlplat_status mlplat_component_load(const char *yaml, size_t n, mlplat_component **out, mlplat_error *err)
{
    json_t *documents = NULL;
    *out = NULL;
    mlplat_status s = mlp_yaml_parse_all(yaml, n, &documents, err);
    if (s == MLPLAT_OK && json_array_size(documents) == 0)
        s = mlp_fail(err, MLPLAT_INVALID, "the component specification is empty");
    if (s == MLPLAT_OK)
        s = load_spec(json_array_get(documents, 0), out, err);
    json_decref(documents);
    return s;
}
