/* run log-table, run log-image: what MLflow's pages show of a run. */
#include "cli.h"
#include <stdlib.h>

static int log_table(cli *c)
{
    cli_text table = {0};
    mlplat_run *run = NULL;
    int code = cli_read(c->args[1], &table);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_attach(c->ml, c->args[0], &run, &c->err));
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_log_table(run, table.data, c->args[2], &c->err));
    mlplat_run_free(run);
    free(table.data);
    return code == CLI_OK ? cli_print_pairs(c, "run_id", c->args[0], NULL) : code;
}

/* The image, with where it goes. */
static int put_image(cli *c, const cli_text *data, const mlplat_image *image)
{
    mlplat_run *run = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_attach(c->ml, c->args[0], &run, &c->err));
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_log_image(run, data->data, data->n, image, &c->err));
    if (code == CLI_OK)
        code = cli_result(c, mlplat_flush(c->ml, -1, &c->err));
    mlplat_run_free(run);
    return code == CLI_OK ? cli_print_pairs(c, "run_id", c->args[0], NULL) : code;
}

static int log_image(cli *c)
{
    mlplat_image image = MLPLAT_IMAGE_INIT;
    cli_text data = {0};
    int code = cli_get_int(c, "step", &image.step);
    if (code == CLI_OK)
        code = cli_get_int(c, "timestamp", &image.timestamp_ms);
    image.artifact_file = cli_get(c, "to");
    image.key = cli_get(c, "key");
    if (code == CLI_OK && !image.artifact_file == !image.key)
        code = cli_usage("an image has a name or a key: give --to or --key");
    if (code == CLI_OK)
        code = cli_read(c->args[1], &data);
    if (code == CLI_OK)
        code = put_image(c, &data, &image);
    free(data.data);
    return code;
}

static const cli_option image_options[] = {
    {"key", "KEY", "a series of PNG images, which MLflow's pages show by steps"},
    {"step", "N", "with --key; default 0"},
    {"timestamp", "MS", "with --key: milliseconds since 1970; default: now"},
    {"to", "NAME", "instead of a key: the file's name within the run's artifacts"},
    {NULL, NULL, NULL},
};

const cli_command cli_media_commands[] = {
    {"run log-table", "RUN_ID FILE NAME", "Add rows to a table of a run",
     "run log-table $run - answers.json <<< '{\"columns\": [\"x\", \"y\"], \"data\": [[1, 2]]}'", NULL, log_table},
    {"run log-image", "RUN_ID FILE", "Log an image",
     "run log-image $run roc.png --key roc --step 3\nrun log-image $run roc.png --to plots/roc.png", image_options,
     log_image},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
