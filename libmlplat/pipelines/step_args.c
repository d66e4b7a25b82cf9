/* The command line of a component: an ExecutorInput, or a value for each port. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "pipelines/step.h"
#include <string.h>

/* One argument "--name", "--name=value" or "--name value". */
typedef struct option {
    char name[160];
    const char *value; /* NULL: none */
} option;

static mlplat_status next_option(int argc, char **argv, int *i, option *out, mlplat_error *err)
{
    const char *word = argv[*i];
    if (strncmp(word, "--", 2) != 0 || !word[2])
        return mlp_fail(err, MLPLAT_INVALID, "unexpected argument '%.100s'; see --help", word);
    size_t n = strcspn(word + 2, "=");
    if (n >= sizeof out->name)
        return mlp_fail(err, MLPLAT_INVALID, "unknown option '%.100s...'; see --help", word);
    memcpy(out->name, word + 2, n);
    out->name[n] = 0;
    out->value = word[2 + n] == '=' ? word + 3 + n : NULL;
    ++*i;
    bool alone = strcmp(out->name, "help") == 0 || strcmp(out->name, "component-spec") == 0;
    if (!out->value && !alone && *i < argc)
        out->value = argv[(*i)++];
    return MLPLAT_OK;
}

/* The port of an option: --max-depth is max_depth. */
static const mlplat_port *find_port(const mlplat_component_def *def, const char *name)
{
    for (size_t i = 0; i < def->n_ports; i++) {
        const char *a = def->ports[i].name, *b = name;
        while (*a && (*a == *b || (*a == '_' && *b == '-')))
            a++, b++;
        if (!*a && !*b)
            return &def->ports[i];
    }
    return NULL;
}

/* ---- by hand ----------------------------------------------------------------------------------------------------- */

/* {"artifacts": [{"name", "uri", "metadata", "type"}]} of an artifact given by its path. */
static json_t *artifact_at(const char *name, const char *path, const char *title)
{
    char *absolute = mlp_file_absolute(path);
    json_t *out = absolute ? json_pack("{s:[{s:s, s:o, s:{}, s:{s:s}}]}", "artifacts", "name", name, "uri",
                                       mlp_json_string(absolute), "metadata", "type", "schemaTitle", title)
                           : NULL;
    mlp_free(absolute);
    return out;
}

static mlplat_status take_value(mlplat_step *step, const mlplat_port *port, const char *text, mlplat_error *err)
{
    char what[200];
    json_t *value = NULL;
    bool in = port->direction == MLPLAT_IN;
    mlp_port_type type = mlp_ir_port(step->definition, in ? "inputDefinitions" : "outputDefinitions", port->name);
    json_t *side = json_object_get(step->input, in ? "inputs" : "outputs");
    snprintf(what, sizeof what, "--%s", port->name);
    if (type.kind == MLP_KIND_ARTIFACT) {
        if (in && !mlp_file_exists(text))
            return mlp_fail(err, MLPLAT_NOT_FOUND, "%s: there is no file or directory '%.200s'", what, text);
        return mlp_json_set(json_object_get(side, "artifacts"), port->name, artifact_at(port->name, text, type.title),
                            err);
    }
    if (!in)
        return mlp_fail(err, MLPLAT_INVALID, "%s is an output parameter: it is printed, and takes no value", what);
    mlplat_status s = mlp_port_value_read(type.kind, text, strlen(text), what, &value, err);
    return s == MLPLAT_OK ? mlp_json_set(json_object_get(side, "parameterValues"), port->name, value, err) : s;
}

static mlplat_status take_default(mlplat_step *step, const mlplat_port *port, mlplat_error *err)
{
    json_t *value = NULL;
    const json_t *inputs = json_object_get(step->input, "inputs"), *outputs = json_object_get(step->input, "outputs");
    bool in = port->direction == MLPLAT_IN;
    mlp_port_type type = mlp_ir_port(step->definition, in ? "inputDefinitions" : "outputDefinitions", port->name);
    bool given = mlp_ir_at(in ? inputs : outputs, "artifacts", port->name, NULL) ||
                 mlp_ir_at(inputs, "parameterValues", port->name, NULL);
    if (given || (!in && type.kind != MLP_KIND_ARTIFACT))
        return MLPLAT_OK;
    if (!port->default_json)
        return mlp_fail(err, MLPLAT_INVALID, "--%s is needed: %s %s; see --help", port->name,
                        in ? "an input of type" : "a path for the output", in ? port->type : port->name);
    mlplat_status s = mlp_port_value_json(type.kind, port->default_json, port->name, &value, err);
    return s == MLPLAT_OK ? mlp_json_set(json_object_get(inputs, "parameterValues"), port->name, value, err) : s;
}

/* ---- by KFP ------------------------------------------------------------------------------------------------------ */

static mlplat_status take_input(mlplat_step *step, const char *text, mlplat_error *err)
{
    json_t *input = NULL;
    mlplat_status s = mlp_json_parse(text, strlen(text), &input, err);
    if (s != MLPLAT_OK)
        return mlp_fail_prefix(err, s, "--executor_input");
    if (!json_is_object(json_object_get(input, "outputs")) ||
        !mlp_ir_text(json_object_get(input, "outputs"), "outputFile")) {
        json_decref(input);
        return mlp_fail(err, MLPLAT_INVALID, "--executor_input is no ExecutorInput: it has no outputs.outputFile");
    }
    json_decref(step->input);
    step->input = input;
    step->by_hand = false;
    return MLPLAT_OK;
}

/* The launcher fills in defaults; a runner that does not is helped. Every value is checked before the body runs. */
static mlplat_status check_values(mlplat_step *step, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < step->def->n_ports; i++) {
        const mlplat_port *port = &step->def->ports[i];
        char what[200];
        json_t *fit = NULL, *inputs = json_object_get(step->input, "inputs");
        mlp_port_type type = mlp_ir_port(step->definition, "inputDefinitions", port->name);
        const json_t *value = mlp_ir_at(inputs, "parameterValues", port->name, NULL);
        snprintf(what, sizeof what, "input '%s'", port->name);
        if (port->direction != MLPLAT_IN || type.kind == MLP_KIND_ARTIFACT)
            continue;
        if (value)
            s = mlp_port_value_fit(type.kind, value, what, &fit, err);
        else if (port->default_json)
            s = mlp_port_value_json(type.kind, port->default_json, what, &fit, err);
        else
            s = mlp_fail(err, MLPLAT_INVALID, "%s has no value in --executor_input", what);
        json_t *values = json_object_get(inputs, "parameterValues");
        if (s == MLPLAT_OK && !inputs)
            s = mlp_json_set(step->input, "inputs", inputs = json_object(), err);
        if (s == MLPLAT_OK && !values)
            s = mlp_json_set(inputs, "parameterValues", values = json_object(), err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(values, port->name, json_incref(fit), err);
        json_decref(fit);
    }
    return s;
}

static mlplat_status empty_input(mlplat_step *step, mlplat_error *err)
{
    step->by_hand = true;
    step->input = json_pack("{s:{s:{}, s:{}}, s:{s:{}, s:{}}}", "inputs", "parameterValues", "artifacts", "outputs",
                            "parameters", "artifacts");
    return step->input ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_step_args(mlplat_step *step, int argc, char **argv, mlp_step_call *call, mlplat_error *err)
{
    mlplat_status s = empty_input(step, err);
    *call = MLP_STEP_RUN;
    for (int i = 1; s == MLPLAT_OK && i < argc;) {
        option o;
        if (strcmp(argv[i], "-h") == 0) {
            *call = MLP_STEP_HELP;
            return MLPLAT_OK;
        }
        s = next_option(argc, argv, &i, &o, err);
        if (s != MLPLAT_OK)
            break;
        const mlplat_port *port = find_port(step->def, o.name);
        if (strcmp(o.name, "help") == 0 || strcmp(o.name, "component-spec") == 0) {
            *call = o.name[0] == 'h' ? MLP_STEP_HELP : MLP_STEP_SPEC;
            return MLPLAT_OK;
        }
        if (strcmp(o.name, "executor_input") != 0 && !port)
            s = mlp_fail(err, MLPLAT_INVALID, "unknown option '--%.100s'; see --help", o.name);
        else if (!o.value)
            s = mlp_fail(err, MLPLAT_INVALID, "--%s needs a value; see --help", o.name);
        else
            s = port ? take_value(step, port, o.value, err) : take_input(step, o.value, err);
    }
    for (size_t i = 0; s == MLPLAT_OK && step->by_hand && i < step->def->n_ports; i++)
        s = take_default(step, &step->def->ports[i], err);
    return s == MLPLAT_OK && !step->by_hand ? check_values(step, err) : s;
}

mlplat_status mlp_step_help(const mlplat_step *step, const char *program, mlp_buf *out, mlplat_error *err)
{
    const mlplat_component_def *def = step->def;
    mlp_buf_printf(out, "%s%s%s\n\nusage: %s --executor_input JSON | --component-spec | --help\n       %s", def->name,
                   def->description ? ": " : "", def->description ? def->description : "", program, program);
    for (size_t i = 0; i < def->n_ports; i++) {
        const mlplat_port *p = &def->ports[i];
        bool printed = p->direction == MLPLAT_OUT &&
                       mlp_ir_port(step->definition, "outputDefinitions", p->name).kind != MLP_KIND_ARTIFACT;
        if (!printed)
            mlp_buf_printf(out, p->default_json ? " [--%s %s]" : " --%s %s", p->name, p->type);
    }
    mlp_buf_puts(out, "\n\n");
    for (size_t i = 0; i < def->n_ports; i++) {
        const mlplat_port *p = &def->ports[i];
        mlp_buf_printf(out, "  %-3s  %-20s %-12s %s", p->direction == MLPLAT_IN ? "in" : "out", p->name, p->type,
                       p->description ? p->description : "");
        if (p->default_json)
            mlp_buf_printf(out, " [%s]", p->default_json);
        mlp_buf_putc(out, '\n');
    }
    return mlp_buf_ok(out, err);
}
