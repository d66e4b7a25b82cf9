/* model save, model log: a model directory out of files and JSON. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

/* All "--requirement TEXT", one a line; NULL: none. malloc'd. */
static char *requirements(const cli *c)
{
    cli_text lines = {0};
    for (int i = 0; i < c->n_options; i++)
        if (strcmp(c->options[i].name, "requirement") == 0) {
            cli_text_add(&lines, c->options[i].value, strlen(c->options[i].value));
            cli_text_add(&lines, "\n", 1);
        }
    return lines.data;
}

static int take_model(cli *c, mlplat_model *model, const char *lines)
{
    model->loader_module = cli_get(c, "loader-module");
    model->data = cli_get(c, "data");
    model->code = cli_get(c, "code");
    model->flavors = cli_get(c, "flavors");
    model->signature = cli_get(c, "signature");
    model->input_example = cli_get(c, "input-example");
    model->metadata = cli_get(c, "metadata");
    model->python_version = cli_get(c, "python-version");
    model->requirements = lines;
    if (!model->loader_module)
        return cli_usage("--loader-module is needed: the Python module that loads the model, such as mlflow.sklearn");
    return CLI_OK;
}

static int model_save(cli *c)
{
    mlplat_model model = MLPLAT_MODEL_INIT;
    char *lines = requirements(c);
    int code = take_model(c, &model, lines);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_model_save(c->ml, &model, c->args[0], &c->err));
    free(lines);
    return code == CLI_OK ? cli_print_pairs(c, "path", c->args[0], NULL) : code;
}

static int model_log(cli *c)
{
    mlplat_model model = MLPLAT_MODEL_INIT;
    mlplat_run *run = NULL;
    char *lines = requirements(c), *uri = NULL;
    int code = take_model(c, &model, lines);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_attach(c->ml, c->args[0], &run, &c->err));
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_log_model(run, &model, c->args[1], &uri, &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "uri", uri, NULL);
    mlplat_free(uri);
    mlplat_run_free(run);
    free(lines);
    return code;
}

static const cli_option write_options[] = {
    {"loader-module", "MODULE", "Python module that loads it, mlflow.sklearn or one in --code; required"},
    {"data", "PATH", "file or folder that is the model's data"},
    {"code", "PATH", "folder or .py file to take along"},
    {"flavors", "JSON", "further flavors: '{\"sklearn\": {\"pickled_model\": \"model.pkl\"}}'"},
    {"signature", "JSON", "'{\"inputs\": [{\"name\": \"x\", \"type\": \"double\"}]}'"},
    {"input-example", "JSON", "'{\"columns\": [\"x\"], \"data\": [[1.5]]}'"},
    {"requirement", "TEXT", "a pip requirement; may be given again"},
    {"python-version", "TEXT", "3.11.2; default: left out"},
    {"metadata", "JSON", "an object"},
    {NULL, NULL, NULL},
};

const cli_command cli_model_commands[] = {
    {"model save", "FOLDER", "Write a model directory",
     "model save saved --loader-module mlflow.sklearn --data model.pkl --requirement scikit-learn", write_options,
     model_save},
    {"model log", "RUN_ID NAME", "Write a model directory as a model of a run and print its URI",
     "model log $run forest --loader-module mlflow.sklearn --data model.pkl", write_options, model_log},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
