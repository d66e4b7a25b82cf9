/* component.h: a C function as a step of a pipeline. */
#include "pipelines/step.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "pipelines/port_artifact.h"
#include "pipelines/port_name.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the definition ---------------------------------------------------------------------------------------------- */

static const char *base_name(const char *program)
{
    const char *slash = program ? strrchr(program, '/') : NULL;
    const char *name = slash ? slash + 1 : program;
    return name && *name ? name : "component";
}

static mlplat_status define(mlplat_step *step, const char *program, mlplat_error *err)
{
    const mlplat_component_def *def = step->def;
    const char *const argv[] = {base_name(program), "--executor_input", "{{$}}"};
    if (!def || !def->fn || (def->n_ports > 0 && !def->ports))
        return mlp_fail(err, MLPLAT_INVALID, "the component's definition has no function or no ports");
    mlplat_status s =
        mlplat_component_container(def->name, def->image ? def->image : "mlplat-local", argv, 3, &step->component, err);
    if (s == MLPLAT_OK && def->description)
        s = (step->component->description = mlp_strdup(def->description)) ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < def->n_ports; i++) {
        const mlplat_port *p = &def->ports[i];
        s = mlp_component_add(step->component, p->direction == MLPLAT_IN, p->name, p->type,
                              p->direction == MLPLAT_IN ? p->default_json : NULL, p->description, err);
    }
    if (s == MLPLAT_OK) {
        step->definition = mlp_component_definition("exec", step->component->inputs, step->component->outputs);
        s = step->definition ? MLPLAT_OK : mlp_fail_memory(err);
    }
    return s;
}

/* ---- getters ----------------------------------------------------------------------------------------------------- */

static const char *name_of(const char *name)
{
    return name ? name : "";
}

/* The value of an input parameter of one of two types, NULL with err set. */
static const json_t *input_value(mlplat_step *step, const char *name, mlp_kind kind, mlp_kind also, mlplat_status *s,
                                 mlplat_error *err)
{
    mlp_port_type type = mlp_ir_port(step->definition, "inputDefinitions", name_of(name));
    const json_t *value = mlp_ir_at(step->input, "inputs", "parameterValues", name_of(name), NULL);
    *s = MLPLAT_OK;
    if (type.kind == MLP_KIND_NONE || type.kind == MLP_KIND_ARTIFACT)
        *s = mlp_fail(err, MLPLAT_NOT_FOUND, "component '%s' has no input parameter '%.100s'", step->def->name,
                      name_of(name));
    else if (type.kind != kind && type.kind != also)
        *s = mlp_fail(err, MLPLAT_INVALID, "input '%s' of component '%s' is %s", name, step->def->name,
                      mlp_port_type_name(type.kind));
    else if (!value)
        *s = mlp_fail(err, MLPLAT_NOT_FOUND, "input '%s' of component '%s' was not given", name, step->def->name);
    return *s == MLPLAT_OK ? value : NULL;
}

mlplat_status mlplat_step_int(mlplat_step *step, const char *name, int64_t *out, mlplat_error *err)
{
    mlplat_status s;
    const json_t *value = input_value(step, name, MLP_KIND_INTEGER, MLP_KIND_INTEGER, &s, err);
    if (value)
        *out = json_integer_value(value);
    return s;
}

mlplat_status mlplat_step_double(mlplat_step *step, const char *name, double *out, mlplat_error *err)
{
    mlplat_status s;
    const json_t *value = input_value(step, name, MLP_KIND_DOUBLE, MLP_KIND_INTEGER, &s, err);
    if (value)
        *out = json_number_value(value);
    return s;
}

mlplat_status mlplat_step_bool(mlplat_step *step, const char *name, int *out, mlplat_error *err)
{
    mlplat_status s;
    const json_t *value = input_value(step, name, MLP_KIND_BOOLEAN, MLP_KIND_BOOLEAN, &s, err);
    if (value)
        *out = json_is_true(value);
    return s;
}

/* Keeps text for as long as the step lives and hands it out. */
static mlplat_status lend(mlplat_step *step, const char *kind, const char *name, const char *text, const char **out,
                          mlplat_error *err)
{
    char *key = mlp_sprintf("%s:%s", kind, name);
    mlplat_status s = key ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && !json_object_get(step->lent, key))
        s = mlp_json_set(step->lent, key, mlp_json_string(text), err);
    if (s == MLPLAT_OK)
        *out = mlp_ir_text(step->lent, key);
    mlp_free(key);
    return s;
}

mlplat_status mlplat_step_string(mlplat_step *step, const char *name, const char **out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    mlp_buf text = {0};
    mlp_kind kind = mlp_ir_port(step->definition, "inputDefinitions", name_of(name)).kind;
    const json_t *value = kind == MLP_KIND_LIST || kind == MLP_KIND_STRUCT
                              ? input_value(step, name, kind, kind, &s, err)
                              : input_value(step, name, MLP_KIND_STRING, MLP_KIND_STRING, &s, err);
    if (json_is_string(value)) {
        *out = json_string_value(value);
    } else if (value) {
        s = mlp_json_text(value, &text, err);
        if (s == MLPLAT_OK)
            s = lend(step, "json", name, text.data, out, err);
        mlp_buf_free(&text);
    }
    return s;
}

static const json_t *find_artifact(const mlplat_step *step, const char *side, const char *name)
{
    return mlp_port_artifact_first(mlp_ir_at(step->input, side, "artifacts", name_of(name), NULL));
}

static mlplat_status artifact_path(mlplat_step *step, const char *side, const char *name, const char **out,
                                   mlplat_error *err)
{
    char *path = NULL;
    const json_t *artifact = find_artifact(step, side, name);
    if (!artifact)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "component '%s' was given no %s artifact '%.100s'", step->def->name,
                        side[0] == 'i' ? "input" : "output", name_of(name));
    mlplat_status s = mlp_port_artifact_path(artifact, &path, err);
    if (s == MLPLAT_OK)
        s = lend(step, side, name, path, out, err);
    mlp_free(path);
    return s;
}

mlplat_status mlplat_step_input_path(mlplat_step *step, const char *name, const char **out, mlplat_error *err)
{
    return artifact_path(step, "inputs", name, out, err);
}

mlplat_status mlplat_step_output_path(mlplat_step *step, const char *name, const char **out, mlplat_error *err)
{
    return artifact_path(step, "outputs", name, out, err);
}

mlplat_status mlplat_step_artifact(mlplat_step *step, const char *name, mlplat_doc **out, mlplat_error *err)
{
    const json_t *artifact = find_artifact(step, "inputs", name);
    if (!artifact)
        artifact = find_artifact(step, "outputs", name);
    *out = NULL;
    if (!artifact)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "component '%s' was given no artifact '%.100s'", step->def->name,
                        name_of(name));
    const json_t *given = json_object_get(artifact, "metadata");
    json_t *metadata = json_is_object(given) ? json_deep_copy(given) : json_object(),
           *set = json_object_get(step->metadata, name);
    if (set && json_object_update(metadata, set) != 0) {
        json_decref(metadata);
        return mlp_fail_memory(err);
    }
    json_t *doc = json_pack("{s:O?, s:O?, s:o}", "name", json_object_get(artifact, "name"), "uri",
                            json_object_get(artifact, "uri"), "metadata", metadata);
    return mlp_doc_new(doc, out, err);
}

/* ---- setters ----------------------------------------------------------------------------------------------------- */

mlplat_status mlplat_step_output(mlplat_step *step, const char *name, const char *json, mlplat_error *err)
{
    char what[200];
    json_t *value = NULL;
    mlp_port_type type = mlp_ir_port(step->definition, "outputDefinitions", name_of(name));
    if (type.kind == MLP_KIND_NONE || type.kind == MLP_KIND_ARTIFACT)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "component '%s' has no output parameter '%.100s'", step->def->name,
                        name_of(name));
    snprintf(what, sizeof what, "output '%s'", name);
    mlplat_status s = mlp_port_value_json(type.kind, json, what, &value, err);
    return s == MLPLAT_OK ? mlp_json_set(step->parameters, name, value, err) : s;
}

mlplat_status mlplat_step_metadata(mlplat_step *step, const char *name, const char *key, const char *json,
                                   mlplat_error *err)
{
    json_t *value = NULL, *all;
    if (!find_artifact(step, "outputs", name))
        return mlp_fail(err, MLPLAT_NOT_FOUND, "component '%s' has no output artifact '%.100s'", step->def->name,
                        name_of(name));
    if (!key || !*key || !json)
        return mlp_fail(err, MLPLAT_INVALID, "metadata of artifact '%s' needs a key and a JSON value", name);
    mlplat_status s = mlp_json_parse(json, strlen(json), &value, err);
    if (s != MLPLAT_OK)
        return mlp_fail_prefix(err, s, "metadata '%.60s' of artifact '%s'", key, name);
    all = json_object_get(step->metadata, name);
    if (!all) {
        all = json_object();
        s = mlp_json_set(step->metadata, name, all, err);
    }
    if (s == MLPLAT_OK)
        return mlp_json_set(all, key, value, err);
    json_decref(value);
    return s;
}

/* ---- tracking ---------------------------------------------------------------------------------------------------- */

mlplat_status mlplat_step_session(mlplat_step *step, mlplat **out, mlplat_error *err)
{
    mlplat_status s = step->ml ? MLPLAT_OK : mlplat_open(NULL, &step->ml, err);
    if (s == MLPLAT_OK)
        *out = step->ml;
    return s;
}

mlplat_status mlplat_step_run(mlplat_step *step, mlplat_run **out, mlplat_error *err)
{
    mlplat *ml = NULL;
    const char *id = getenv("MLFLOW_RUN_ID");
    mlplat_status s = mlplat_step_session(step, &ml, err);
    if (s == MLPLAT_OK && !step->run) {
        mlplat_run_options options = MLPLAT_RUN_OPTIONS_INIT;
        const char *name = getenv("MLFLOW_RUN_NAME");
        options.name = name && *name ? NULL : step->def->name;
        step->own_run = !id || !*id;
        s = step->own_run ? mlplat_run_start(ml, &options, &step->run, err)
                          : mlplat_run_attach(ml, id, &step->run, err);
    }
    if (s == MLPLAT_OK)
        *out = step->run;
    return s;
}

static mlplat_status close_tracking(mlplat_step *step, mlplat_status body, mlplat_error *err)
{
    mlplat_error why = {0};
    mlplat_status s = MLPLAT_OK;
    if (step->run && step->own_run)
        s = mlplat_run_end(step->run, body == MLPLAT_OK ? "FINISHED" : "FAILED", &why);
    mlplat_run_free(step->run);
    mlplat_close(step->ml);
    if (body != MLPLAT_OK || s == MLPLAT_OK)
        return body;
    return mlp_fail(err, s, "the step's run could not be ended: %s", why.message);
}

/* ---- main -------------------------------------------------------------------------------------------------------- */

static void print(int fd, const char *text, size_t n)
{
    mlp_file_write_all(fd, text, n, NULL);
}

static int complain(const mlplat_step *step, const mlplat_error *err, int code)
{
    mlp_buf line = {0};
    mlp_buf_printf(&line, "%s: error: %s\n", step->def && step->def->name ? step->def->name : "component",
                   err->message[0] ? err->message : "it failed and did not say why");
    if (line.data)
        print(STDERR_FILENO, line.data, line.size);
    mlp_buf_free(&line);
    return code;
}

static mlplat_status print_spec(const mlplat_step *step, mlp_buf *out, mlplat_error *err)
{
    json_t *spec = NULL;
    mlplat_status s = mlp_component_pipeline(step->component, &spec, err);
    if (s == MLPLAT_OK)
        s = mlp_yaml_text(spec, out, err);
    json_decref(spec);
    return s;
}

static mlplat_status run_body(mlplat_step *step, mlp_buf *printed, mlplat_error *err)
{
    step->parameters = json_object();
    step->metadata = json_object();
    step->lent = json_object();
    mlplat_status s =
        step->parameters && step->metadata && step->lent ? mlp_step_make_folders(step, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK) {
        s = step->def->fn(step, step->def->user, err);
        fflush(stdout); /* what the body printed comes before what we print */
    }
    if (s == MLPLAT_OK)
        s = mlp_step_finish(step, printed, err);
    return close_tracking(step, s, err);
}

static void step_free(mlplat_step *step)
{
    mlplat_component_free(step->component);
    json_decref(step->definition);
    json_decref(step->input);
    json_decref(step->parameters);
    json_decref(step->metadata);
    json_decref(step->lent);
}

int mlplat_component_main(int argc, char **argv, const mlplat_component_def *def)
{
    mlplat_component_def known = MLPLAT_COMPONENT_DEF_INIT;
    mlplat_step step = {.def = &known};
    mlplat_error err = {0};
    mlp_step_call call = MLP_STEP_RUN;
    mlp_buf printed = {0};
    int code = 0;
    if (def)
        memcpy(&known, def, def->size && def->size < sizeof known ? def->size : sizeof known);
    const char *program = argc > 0 ? argv[0] : NULL;
    mlplat_status s = define(&step, program, &err);
    if (s == MLPLAT_OK)
        s = mlp_step_args(&step, argc, argv, &call, &err);
    if (s != MLPLAT_OK)
        code = complain(&step, &err, 2);
    else if (call == MLP_STEP_SPEC)
        s = print_spec(&step, &printed, &err);
    else if (call == MLP_STEP_HELP)
        s = mlp_step_help(&step, base_name(program), &printed, &err);
    else
        s = run_body(&step, &printed, &err);
    if (s != MLPLAT_OK && code == 0)
        code = complain(&step, &err, 1);
    if (code == 0 && printed.size > 0)
        print(STDOUT_FILENO, printed.data, printed.size);
    mlp_buf_free(&printed);
    step_free(&step);
    return code;
}
