/* pipeline, component. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_document(cli *c, const char *path, mlplat_doc **out)
{
    cli_text text = {0};
    int code = cli_read(path, &text);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_doc_parse_yaml(text.data, text.n, out, &c->err));
    free(text.data);
    return code;
}

static int pipeline_validate(cli *c)
{
    mlplat_doc *ir = NULL;
    const char *name = "";
    int code = read_document(c, c->args[0], &ir);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_pipeline_validate(ir, &c->err));
    if (code == CLI_OK) {
        mlplat_doc_string(ir, "pipelineInfo.name", &name, NULL);
        code = cli_print_pairs(c, "pipeline", name, NULL);
    }
    mlplat_doc_free(ir);
    return code;
}

/* A value is JSON where the pipeline's input is not a string; "6" for a string stays text. */
static void add_value(cli_text *json, const mlplat_doc *ir, const char *name, size_t n, const char *value)
{
    char path[512];
    const char *type = "";
    mlplat_doc *parsed = NULL;
    snprintf(path, sizeof path, "root.inputDefinitions.parameters.`%.*s`.parameterType", (int)n, name);
    mlplat_doc_string(ir, path, &type, NULL);
    bool is_json = strcmp(type, "STRING") != 0 && mlplat_doc_parse(value, strlen(value), &parsed, NULL) == MLPLAT_OK;
    if (is_json)
        cli_text_add(json, value, strlen(value));
    else
        cli_text_quote(json, value, strlen(value));
    mlplat_doc_free(parsed);
}

static int take_params(cli *c, const mlplat_doc *ir, char **out)
{
    cli_text json = {0};
    cli_text_add(&json, "{", 1);
    for (int i = 0; i < c->n_options; i++) {
        if (strcmp(c->options[i].name, "param") != 0)
            continue;
        const char *pair = c->options[i].value, *equals = strchr(pair, '=');
        if (!equals || equals == pair) {
            free(json.data);
            return cli_usage("--param %s: it takes NAME=VALUE", pair);
        }
        if (json.n > 1)
            cli_text_add(&json, ", ", 2);
        cli_text_quote(&json, pair, (size_t)(equals - pair));
        cli_text_add(&json, ": ", 2);
        add_value(&json, ir, pair, (size_t)(equals - pair), equals + 1);
    }
    cli_text_add(&json, "}", 1);
    *out = json.data;
    return CLI_OK;
}

/* A table shows the tasks, all other forms the whole result; it is there also when tasks failed. */
static void print_result(cli *c, mlplat_doc *result)
{
    if (!result)
        return;
    if (c->format == CLI_JSON || c->format == CLI_YAML)
        cli_print(c, result, "");
    else
        cli_print_list(c, result, "tasks", "TASK=name,STATE=state,SECONDS=seconds,RUN_ID=run_id,LOG=log");
}

static int pipeline_run(cli *c)
{
    mlplat_pipeline_options options = MLPLAT_PIPELINE_OPTIONS_INIT;
    mlplat_doc *ir = NULL, *result = NULL;
    char *params = NULL;
    int64_t workers = 0;
    int code = cli_get_int(c, "workers", &workers);
    if (code == CLI_OK && (workers < 0 || workers > 1024))
        code = cli_usage("--workers %lld: it is 1 to 1024, or 0 for one a processor", (long long)workers);
    if (code == CLI_OK)
        code = read_document(c, c->args[0], &ir);
    if (code == CLI_OK)
        code = take_params(c, ir, &params);
    if (code == CLI_OK)
        code = cli_open(c);
    options.params = params;
    options.root = cli_get(c, "root");
    options.experiment = cli_get(c, "experiment");
    options.run_name = cli_get(c, "run-name");
    options.workers = (int)workers;
    options.keep_going = cli_get(c, "keep-going") != NULL;
    if (code == CLI_OK) {
        mlplat_status s = mlplat_pipeline_run(c->ml, ir, &options, &result, &c->err);
        print_result(c, result);
        code = cli_result(c, s);
    }
    free(params);
    mlplat_doc_free(ir);
    return code;
}

static int component_spec(cli *c)
{
    mlplat_component *component = NULL;
    mlplat_doc *doc = NULL;
    c->args[c->n_args] = NULL;
    int code = cli_result(c, mlplat_component_program(c->args, cli_get(c, "image"), &component, &c->err));
    if (code == CLI_OK)
        code = cli_result(c, mlplat_component_spec(component, &doc, &c->err));
    if (code == CLI_OK && (c->format == CLI_TABLE || c->format == CLI_TSV))
        c->format = CLI_YAML; /* a specification is a document, not a table */
    if (code == CLI_OK)
        code = cli_print(c, doc, "");
    mlplat_component_free(component);
    return code;
}

static const cli_option run_options[] = {
    {"param", "NAME=VALUE", "a pipeline input; may be given again"},
    {"root", "FOLDER", "work files, logs and artifacts; default: mlplat-pipelines beside the store"},
    {"experiment", "EXPERIMENT", "of the parent run; default: the pipeline's name"},
    {"run-name", "NAME", "default: generated"},
    {"workers", "N", "tasks at once; default: one a processor"},
    {"keep-going", NULL, "after a failure still run what does not depend on it"},
    {NULL, NULL, NULL},
};
static const cli_option spec_options[] = {
    {"image", "IMAGE", "container image for a real cluster"},
    {NULL, NULL, NULL},
};

const cli_command cli_pipelines_commands[] = {
    {"pipeline validate", "FILE", "Check a KFP pipeline file and that it can run here",
     "pipeline validate pipeline.yaml", NULL, pipeline_validate},
    {"pipeline run", "FILE", "Run a KFP pipeline file on this host", "pipeline run pipeline.yaml --param depth=6",
     run_options, pipeline_run},
    {"component spec", "PROGRAM ...", "Print the component specification of a program", "component spec ./preprocess",
     spec_options, component_spec},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
