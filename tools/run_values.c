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

static int run_update(cli *c)
{
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    int code = cli_get_int(c, "end-time", &change.end_time_ms);
    change.name = cli_get(c, "name");
    change.status = cli_get(c, "status");
    if (code == CLI_OK && !change.name && !change.status && !change.end_time_ms)
        code = cli_usage("run update changes nothing: give --name, --status or --end-time");
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_update(c->ml, c->args[0], &change, &c->err));
    return code == CLI_OK ? cli_print_pairs(c, "run_id", c->args[0], NULL) : code;
}

static int log_document(cli *c, mlplat_status (*log)(mlplat_run *, const char *, mlplat_error *))
{
    mlplat_run *run = NULL;
    cli_text text = {0};
    int code = cli_read(c->args[1], &text);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_attach(c->ml, c->args[0], &run, &c->err));
    if (code == CLI_OK)
        code = cli_result(c, log(run, text.data, &c->err));
    mlplat_run_free(run);
    free(text.data);
    return code == CLI_OK ? cli_print_pairs(c, "run_id", c->args[0], NULL) : code;
}

static int run_log_inputs(cli *c)
{
    return log_document(c, mlplat_run_log_inputs);
}

static int run_log_outputs(cli *c)
{
    return log_document(c, mlplat_run_log_outputs);
}

static int metric_sample(cli *c)
{
    const char *axis = cli_get(c, "axis");
    mlplat_doc *doc = NULL;
    int buckets = 0, code = cli_get_small(c, "buckets", &buckets);
    if (code == CLI_OK && axis && strcmp(axis, "step") != 0 && strcmp(axis, "time") != 0)
        code = cli_usage("--axis %s: it is step or time", axis);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_metric_sample(c->ml, c->args[0], c->args[1], buckets,
                                                  axis && *axis == 't' ? MLPLAT_AXIS_TIME : MLPLAT_AXIS_STEP, &doc,
                                                  &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "buckets",
                                           "START=start,COUNT=count,MIN=min.value,MAX=max.value,LAST=last.value,"
                                           "STEP=last.step")
                          : code;
}

static const cli_option update_options[] = {
    {"name", "NAME", "another name"},
    {"status", "STATUS", "RUNNING, SCHEDULED, FINISHED, FAILED or KILLED"},
    {"end-time", "MS", "milliseconds since 1970"},
    {NULL, NULL, NULL},
};
static const cli_option sample_options[] = {
    {"buckets", "N", "at most so many; default 1000"},
    {"axis", "MEASURE", "what they divide, step or time; default step"},
    {NULL, NULL, NULL},
};

const cli_command cli_values_commands[] = {
    {"run resume", "RUN_ID", "Set a run that has ended to RUNNING again", "run resume $run", NULL, run_resume},
    {"run log-batch", "RUN_ID FILE", "Log the metrics, params and tags of a JSON document",
     "run log-batch $run batch.json\n"
     "run log-batch $run - <<< '{\"metrics\": {\"loss\": 0.5}, \"params\": {\"depth\": 6}}'",
     NULL, run_log_batch},
    {"run update", "RUN_ID", "Change a run's name, status or end time", "run update $run --name better",
     update_options, run_update},
    {"run log-inputs", "RUN_ID FILE", "Say which datasets and logged models a run read",
     "run log-inputs $run inputs.json", NULL, run_log_inputs},
    {"run log-outputs", "RUN_ID FILE", "Say which logged models a run made",
     "run log-outputs $run outputs.json", NULL, run_log_outputs},
    {"metric sample", "RUN_ID KEY", "Show a metric's history in buckets, exact over all points",
     "metric sample $run loss --buckets 100", sample_options, metric_sample},
    {"metric list", "RUN_ID", "List the latest value of each metric of a run", "metric list $run", NULL, metric_list},
    {"metric get", "RUN_ID KEY", "Print the latest value of a metric", "metric get $run loss", NULL, metric_get},
    {"param list", "RUN_ID", "List the params of a run", "param list $run -o tsv", NULL, param_list},
    {"param get", "RUN_ID KEY", "Print the value of a param", "param get $run depth", NULL, param_get},
    {"tag list", "RUN_ID", "List the tags of a run", "tag list $run", NULL, tag_list},
    {"tag get", "RUN_ID KEY", "Print the value of a tag", "tag get $run team", NULL, tag_get},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
