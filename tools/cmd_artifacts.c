/* artifact, and the model directory. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_COLUMNS "PATH=path,DIR=is_dir,SIZE=file_size"

/* What comes in at standard input becomes the file at the URI. */
static int put_stdin(cli *c)
{
    cli_text data = {0};
    int code = cli_read("-", &data);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_artifact_put_bytes(c->ml, data.data, data.n, c->args[1], &c->err));
    free(data.data);
    return code == CLI_OK ? cli_print_pairs(c, "uri", c->args[1], NULL) : code;
}

static int artifact_put(cli *c)
{
    if (strcmp(c->args[0], "-") == 0)
        return put_stdin(c);
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_artifact_put(c->ml, c->args[0], c->args[1], NULL, &c->err));
    return code == CLI_OK ? cli_print_pairs(c, "uri", c->args[1], NULL) : code;
}

static int artifact_get(cli *c)
{
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_artifact_get(c->ml, c->args[0], c->args[1], NULL, &c->err));
    return code == CLI_OK ? cli_print_pairs(c, "path", c->args[1], NULL) : code;
}

static int artifact_list(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_artifact_list(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "files", FILE_COLUMNS) : code;
}

static int64_t to_stdout(void *user, const void *data, size_t n)
{
    (void)user;
    return (int64_t)fwrite(data, 1, n, stdout);
}

static int artifact_cat(cli *c)
{
    mlplat_status s = MLPLAT_OK;
    int code = cli_open(c);
    if (code == CLI_OK)
        s = mlplat_artifact_read(c->ml, c->args[0], to_stdout, NULL, &c->err);
    if (ferror(stdout))
        return cli_written(CLI_OK); /* this is what stopped it */
    return code == CLI_OK ? cli_written(cli_result(c, s)) : code;
}

static int artifact_resolve(cli *c)
{
    char *uri = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_artifact_resolve(c->ml, c->args[0], &uri, &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "uri", uri, NULL);
    mlplat_free(uri);
    return code;
}

static int artifact_log(cli *c)
{
    mlplat_run *run = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_attach(c->ml, c->args[0], &run, &c->err));
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_log_artifact(run, c->args[1], cli_get(c, "to"), &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "run_id", c->args[0], NULL);
    mlplat_run_free(run);
    return code;
}

static int model_info(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_model_info(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc,
                                      "LOADER=flavors.python_function.loader_module,RUN_ID=run_id,"
                                      "CREATED=utc_time_created,SIZE=model_size_bytes")
                          : code;
}

static const cli_option log_options[] = {
    {"to", "FOLDER", "folder within the run's artifacts; default: the top"},
    {NULL, NULL, NULL},
};

const cli_command cli_artifacts_commands[] = {
    {"artifact log", "RUN_ID PATH", "Copy a file or directory into a run's artifacts",
     "artifact log $run plots --to figures", log_options, artifact_log},
    {"artifact put", "PATH URI", "Copy a local file or directory to a URI",
     "artifact put model.pkl runs:/$run/model.pkl\n"
     "artifact put - runs:/$run/notes/readme.txt <<< 'it went well'", NULL, artifact_put},
    {"artifact get", "URI PATH", "Copy the file or directory at a URI here",
     "artifact get models:/fraud-detector@champion model", NULL, artifact_get},
    {"artifact list", "URI", "List what is at a URI", "artifact list runs:/$run", NULL,
     artifact_list},
    {"artifact cat", "URI", "Print the file at a URI", "artifact cat models:/fraud-detector/1/MLmodel", NULL,
     artifact_cat},
    {"artifact resolve", "URI", "Tell where a runs:/ or models:/ URI is",
     "artifact resolve models:/fraud-detector@champion", NULL, artifact_resolve},
    {"model info", "URI", "Show the MLmodel file of a model directory", "model info models:/fraud-detector/1 -o yaml",
     NULL, model_info},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
