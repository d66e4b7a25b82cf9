/* What a run has: metric, param and tag list and get; a batch from a file or from standard input. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR_COLUMNS "KEY=key,VALUE=value"

static int print_of_run(cli *c, const char *list, const char *columns)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_get(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, list, columns) : code;
}

static int metric_list(cli *c)
{
    return print_of_run(c, "data.metrics", "KEY=key,VALUE=value,STEP=step,TIMESTAMP=@timestamp");
}

static int param_list(cli *c)
{
    return print_of_run(c, "data.params", PAIR_COLUMNS);
}

static int tag_list(cli *c)
{
    return print_of_run(c, "data.tags", PAIR_COLUMNS);
}

/* The item of this key, as a document of its own; NULL: there is none. */
static mlplat_doc *item_of(const mlplat_doc *run, const char *list, const char *key)
{
    mlplat_doc *found = NULL;
    const char *other = "";
    size_t n = 0;
    mlplat_doc_size(run, list, &n, NULL);
    for (size_t i = 0; i < n && !found; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s[%zu].key", list, i);
        if (mlplat_doc_string(run, path, &other, NULL) != MLPLAT_OK || strcmp(other, key) != 0)
            continue;
        snprintf(path, sizeof path, "%s[%zu]", list, i);
        mlplat_doc_at(run, path, &found, NULL);
    }
    return found;
}

static int print_one_of_run(cli *c, const char *list, const char *kind)
{
    mlplat_doc *run = NULL, *item = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_get(c->ml, c->args[0], &run, &c->err));
    if (code == CLI_OK && !(item = item_of(run, list, c->args[1]))) {
        cli_usage("run %s has no %s '%s': `mlplat %s list %s` shows what it has", c->args[0], kind, c->args[1], kind,
                  c->args[0]);
        code = CLI_NOT_FOUND;
    }
    mlplat_doc_free(run);
    return code == CLI_OK ? cli_print_value(c, item, "value") : code;
}

static int metric_get(cli *c)
{
    return print_one_of_run(c, "data.metrics", "metric");
}

static int param_get(cli *c)
{
    return print_one_of_run(c, "data.params", "param");
}

static int tag_get(cli *c)
{
    return print_one_of_run(c, "data.tags", "tag");
}

static int run_resume(cli *c)
{
    mlplat_run *run = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_resume(c->ml, c->args[0], &run, &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "run_id", mlplat_run_id(run), NULL);
    mlplat_run_free(run);
    return code;
}

static mlplat_status act_batch(cli *c, mlplat_run *run)
{
    return mlplat_run_log_batch(run, c->args[1], &c->err);
}

static int run_log_batch(cli *c)
{
    cli_text batch = {0};
    int code = cli_read(c->args[1], &batch);
    c->args[1] = batch.data;
    code = code == CLI_OK ? cli_with_run(c, act_batch) : code;
    free(batch.data);
    return code;
}

const cli_command cli_values_commands[] = {
    {"run resume", "RUN_ID", "Set a run that has ended to RUNNING again", "run resume $run", NULL, run_resume},
    {"run log-batch", "RUN_ID FILE", "Log the metrics, params and tags of a JSON document",
     "run log-batch $run batch.json\n"
     "run log-batch $run - <<< '{\"metrics\": {\"loss\": 0.5}, \"params\": {\"depth\": 6}}'",
     NULL, run_log_batch},
    {"metric list", "RUN_ID", "List the latest value of each metric of a run", "metric list $run", NULL, metric_list},
    {"metric get", "RUN_ID KEY", "Print the latest value of a metric", "metric get $run loss", NULL, metric_get},
    {"param list", "RUN_ID", "List the params of a run", "param list $run -o tsv", NULL, param_list},
    {"param get", "RUN_ID KEY", "Print the value of a param", "param get $run depth", NULL, param_get},
    {"tag list", "RUN_ID", "List the tags of a run", "tag list $run", NULL, tag_list},
    {"tag get", "RUN_ID KEY", "Print the value of a tag", "tag get $run team", NULL, tag_get},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
