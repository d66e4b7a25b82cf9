/* experiment, run, metric, param, tag. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPERIMENT_COLUMNS                                                                                             \
    "ID=experiment_id,NAME=name,STAGE=lifecycle_stage,CREATED=@creation_time,ARTIFACTS=artifact_location"
#define RUN_COLUMNS                                                                                                    \
    "RUN_ID=info.run_id,NAME=info.run_name,EXPERIMENT=info.experiment_id,STATUS=info.status,START=@info.start_time,"   \
    "END=@info.end_time,STAGE=info.lifecycle_stage"

static mlplat_view view_of(cli *c, int *code)
{
    static const char *const names[] = {"active", "deleted", "all"};
    const char *given = cli_get(c, "view");
    for (int i = 0; given && i < 3; i++)
        if (strcmp(given, names[i]) == 0)
            return (mlplat_view)i;
    if (given)
        *code = cli_usage("--view %s: it is active, deleted or all", given);
    return MLPLAT_VIEW_ACTIVE;
}

static int take_search(cli *c, mlplat_search *query)
{
    int code = cli_get_search(c, query);
    query->view = view_of(c, &code);
    return code;
}

/* A name or an id: what is all digits is an id if there is one. *id is the caller's. */
static int experiment_id(cli *c, const char *given, char **id)
{
    mlplat_doc *doc = NULL;
    const char *found = NULL;
    mlplat_status s = MLPLAT_NOT_FOUND;
    if (given[strspn(given, "0123456789")] == '\0')
        s = mlplat_experiment_get(c->ml, given, &doc, &c->err);
    if (s == MLPLAT_NOT_FOUND)
        s = mlplat_experiment_get_by_name(c->ml, given, &doc, &c->err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_string(doc, "experiment_id", &found, &c->err);
    if (s == MLPLAT_OK && !(*id = strdup(found)))
        s = MLPLAT_NO_MEMORY;
    mlplat_doc_free(doc);
    return cli_result(c, s);
}

static int experiment_create(cli *c)
{
    mlplat_experiment_options options = MLPLAT_EXPERIMENT_OPTIONS_INIT;
    char *tags = NULL, *id = NULL;
    int code = cli_pairs(c, "tag", &tags);
    if (code == CLI_OK)
        code = cli_open(c);
    options.tags = tags;
    options.artifact_location = cli_get(c, "artifact-location");
    if (code == CLI_OK)
        code = cli_result(c, mlplat_experiment_create(c->ml, c->args[0], &options, &id, &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "experiment_id", id, "name", c->args[0], NULL);
    mlplat_free(id);
    free(tags);
    return code;
}

static int experiment_ensure(cli *c)
{
    char *id = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_experiment_ensure(c->ml, c->args[0], &id, &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "experiment_id", id, "name", c->args[0], NULL);
    mlplat_free(id);
    return code;
}

static int experiment_get(cli *c)
{
    char *id = NULL;
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = experiment_id(c, c->args[0], &id);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_experiment_get(c->ml, id, &doc, &c->err));
    if (code == CLI_OK)
        code = cli_print(c, doc, EXPERIMENT_COLUMNS);
    free(id);
    return code;
}

static int experiment_list(cli *c)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    int code = take_search(c, &query);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_experiment_search(c->ml, &query, &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "experiments", EXPERIMENT_COLUMNS) : code;
}

static int experiment_change(cli *c, mlplat_status (*change)(mlplat *, const char *, mlplat_error *))
{
    char *id = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = experiment_id(c, c->args[0], &id);
    if (code == CLI_OK)
        code = cli_result(c, change(c->ml, id, &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "experiment_id", id, NULL);
    free(id);
    return code;
}

static int experiment_delete(cli *c)
{
    return experiment_change(c, mlplat_experiment_delete);
}

static int experiment_restore(cli *c)
{
    return experiment_change(c, mlplat_experiment_restore);
}

static int experiment_tag(cli *c)
{
    char *id = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = experiment_id(c, c->args[0], &id);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_experiment_set_tag(c->ml, id, c->args[1], c->args[2], &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "experiment_id", id, NULL);
    free(id);
    return code;
}

static int experiment_rename(cli *c)
{
    char *id = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = experiment_id(c, c->args[0], &id);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_experiment_rename(c->ml, id, c->args[1], &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "experiment_id", id, "name", c->args[1], NULL);
    free(id);
    return code;
}

static int experiment_untag(cli *c)
{
    char *id = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = experiment_id(c, c->args[0], &id);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_experiment_delete_tag(c->ml, id, c->args[1], &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "experiment_id", id, NULL);
    free(id);
    return code;
}

static int run_start(cli *c)
{
    mlplat_run_options options = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_run *run = NULL;
    char *tags = NULL;
    int code = cli_pairs(c, "tag", &tags);
    if (code == CLI_OK)
        code = cli_open(c);
    options.tags = tags;
    options.experiment = cli_get(c, "experiment");
    options.experiment_id = cli_get(c, "experiment-id");
    options.name = cli_get(c, "name");
    options.parent_run_id = cli_get(c, "parent");
    options.description = cli_get(c, "description");
    options.source_name = cli_get(c, "source-name");
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_start(c->ml, &options, &run, &c->err));
    if (code == CLI_OK)
        code = cli_print_pairs(c, "run_id", mlplat_run_id(run), "run_name", mlplat_run_name(run), "experiment_id",
                               mlplat_run_experiment_id(run), "artifact_uri", mlplat_run_artifact_uri(run), NULL);
    mlplat_run_free(run);
    free(tags);
    return code;
}

int cli_with_run(cli *c, mlplat_status (*act)(cli *c, mlplat_run *run))
{
    mlplat_run *run = NULL;
    mlplat_spool_counts counts = {.size = sizeof counts};
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_attach(c->ml, c->args[0], &run, &c->err));
    if (code == CLI_OK)
        code = cli_result(c, act(c, run));
    if (code == CLI_OK)
        code = cli_result(c, mlplat_flush(c->ml, -1, &c->err));
    if (code == CLI_OK)
        code = cli_result(c, mlplat_spool_count(c->ml, &counts, &c->err));
    if (code == CLI_OK && counts.dead) {
        cli_usage("run %s: the store refused it: `mlplat spool status` tells why", c->args[0]);
        code = CLI_FAILED;
    }
    if (code == CLI_OK)
        code = cli_print_pairs(c, "run_id", c->args[0], NULL);
    mlplat_run_free(run);
    return code;
}

static mlplat_status act_end(cli *c, mlplat_run *run)
{
    return mlplat_run_end(run, cli_get(c, "status"), &c->err);
}

static int run_end(cli *c)
{
    return cli_with_run(c, act_end);
}

static int run_get(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_get(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, RUN_COLUMNS ",*=data.metrics,*=data.params,*=data.tags") : code;
}

static int run_list(cli *c)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    char *id = NULL;
    int code = take_search(c, &query);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK && cli_get(c, "experiment"))
        code = experiment_id(c, cli_get(c, "experiment"), &id);
    query.experiment_ids = id ? id : cli_get(c, "experiment-id");
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_search(c->ml, &query, &doc, &c->err));
    if (code == CLI_OK)
        code = cli_print_list(c, doc, "runs", RUN_COLUMNS);
    free(id);
    return code;
}

static int run_change(cli *c, mlplat_status (*change)(mlplat *, const char *, mlplat_error *))
{
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, change(c->ml, c->args[0], &c->err));
    return code == CLI_OK ? cli_print_pairs(c, "run_id", c->args[0], NULL) : code;
}

static int run_delete(cli *c)
{
    return run_change(c, mlplat_run_delete);
}

static int run_restore(cli *c)
{
    return run_change(c, mlplat_run_restore);
}

/* The command line was read before anything was opened. */
typedef struct {
    double value;
    int64_t step, time_ms;
} point;

static int take_point(cli *c, point *out)
{
    char *end = NULL;
    out->step = MLPLAT_STEP_AUTO;
    out->time_ms = MLPLAT_TIME_NOW;
    out->value = strtod(c->args[2], &end);
    if (!*c->args[2] || *end)
        return cli_usage("'%.40s' is not a number: give one, or nan, inf, -inf", c->args[2]);
    int code = cli_get_int(c, "step", &out->step);
    return code == CLI_OK ? cli_get_int(c, "timestamp", &out->time_ms) : code;
}

static mlplat_status act_metric(cli *c, mlplat_run *run)
{
    point p = {0};
    take_point(c, &p);
    return mlplat_run_log_metric_at(run, c->args[1], p.value, p.step, p.time_ms, &c->err);
}

static int metric_log(cli *c)
{
    point p = {0};
    int code = take_point(c, &p);
    return code == CLI_OK ? cli_with_run(c, act_metric) : code;
}

static int metric_history(cli *c)
{
    int64_t most = 0, since = 0;
    mlplat_doc *doc = NULL;
    const char *token = cli_get(c, "page-token"), **args = c->args;
    int code = cli_get_int(c, "max", &most);
    if (code == CLI_OK)
        code = cli_get_int(c, "since", &since);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK && cli_get(c, "since"))
        code = cli_result(c, mlplat_metric_history_since(c->ml, args[0], args[1], since, most, token, &doc, &c->err));
    else if (code == CLI_OK)
        code = cli_result(c, mlplat_metric_history(c->ml, args[0], args[1], most, token, &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "metrics", "STEP=step,VALUE=value,TIMESTAMP=@timestamp") : code;
}

static mlplat_status act_param(cli *c, mlplat_run *run)
{
    return mlplat_run_log_param(run, c->args[1], c->args[2], &c->err);
}

static int param_log(cli *c)
{
    return cli_with_run(c, act_param);
}

static mlplat_status act_tag(cli *c, mlplat_run *run)
{
    return mlplat_run_set_tag(run, c->args[1], c->args[2], &c->err);
}

static int tag_set(cli *c)
{
    return cli_with_run(c, act_tag);
}

static mlplat_status act_untag(cli *c, mlplat_run *run)
{
    return mlplat_run_delete_tag(run, c->args[1], &c->err);
}

static int tag_delete(cli *c)
{
    return cli_with_run(c, act_untag);
}

static const cli_option create_options[] = {
    {"artifact-location", "URI", "where its runs keep artifacts; default: below the artifact root"},
    {"tag", "KEY=VALUE", "a tag; may be given again"},
    {NULL, NULL, NULL},
};
static const cli_option list_options[] = {
    {"filter", "FILTER", "\"name LIKE 'fraud%'\", \"tags.team = 'risk'\""},
    {"order-by", "KEYS", "\"name ASC\"; default: newest first"},
    {"view", "VIEW", "active, deleted or all; default active"},
    {"max", "N", "most results of one page; default 1000"},
    {"page-token", "TOKEN", "the next page, as the page before told"},
    {NULL, NULL, NULL},
};
static const cli_option start_options[] = {
    {"experiment", "EXPERIMENT", "name, made if it is not there; default MLFLOW_EXPERIMENT_NAME, else Default"},
    {"experiment-id", "ID", "instead of a name"},
    {"name", "NAME", "default: generated"},
    {"parent", "RUN_ID", "makes it a nested run"},
    {"description", "TEXT", "shown by MLflow's UI"},
    {"source-name", "TEXT", "tag mlflow.source.name"},
    {"tag", "KEY=VALUE", "a tag; may be given again"},
    {NULL, NULL, NULL},
};
static const cli_option end_options[] = {
    {"status", "STATUS", "FINISHED, FAILED or KILLED; default FINISHED"},
    {NULL, NULL, NULL},
};
static const cli_option search_options[] = {
    {"experiment", "EXPERIMENT", "name or id; default: all"},
    {"experiment-id", "IDS", "ids joined by commas"},
    {"filter", "FILTER", "\"metrics.loss < 0.5\", \"params.depth = '6'\", \"tags.team LIKE 'a%'\""},
    {"order-by", "KEYS", "\"metrics.loss ASC, start_time\"; default: newest first"},
    {"view", "VIEW", "active, deleted or all; default active"},
    {"max", "N", "most results of one page; default 1000"},
    {"page-token", "TOKEN", "the next page, as the page before told"},
    {NULL, NULL, NULL},
};
static const cli_option tail_options[] = {
    {"key", "KEY", "only this metric, param or tag; may be given again"},
    {"all", NULL, "begin with every value that is there; default: the latest of each metric"},
    {NULL, NULL, NULL},
};
static const cli_option diff_options[] = {
    {"all", NULL, "also what is the same in all of them"},
    {NULL, NULL, NULL},
};
static const cli_option metric_options[] = {
    {"step", "N", "default: the key's next"},
    {"timestamp", "MS", "milliseconds since 1970; default: now"},
    {NULL, NULL, NULL},
};
static const cli_option history_options[] = {
    {"since", "MS", "only points of this time and later, milliseconds since 1970"},
    {"max", "N", "most points of one page; default: all"},
    {"page-token", "TOKEN", "the next page, as the page before told"},
    {NULL, NULL, NULL},
};

const cli_command cli_tracking_commands[] = {
    {"experiment create", "NAME", "Create an experiment", "experiment create fraud --tag team=risk", create_options,
     experiment_create},
    {"experiment ensure", "NAME", "Print the id of an experiment, which is made if it is not there",
     "experiment ensure fraud", NULL, experiment_ensure},
    {"experiment get", "EXPERIMENT", "Show an experiment by name or id", "experiment get fraud -o json", NULL,
     experiment_get},
    {"experiment list", "", "List or search experiments, newest first", "experiment list --view all", list_options,
     experiment_list},
    {"experiment delete", "EXPERIMENT", "Mark an experiment and its runs deleted", "experiment delete fraud", NULL,
     experiment_delete},
    {"experiment restore", "EXPERIMENT", "Bring a deleted experiment back", "experiment restore fraud", NULL,
     experiment_restore},
    {"experiment tag", "EXPERIMENT KEY VALUE", "Set a tag of an experiment", "experiment tag fraud team risk", NULL,
     experiment_tag},
    {"experiment untag", "EXPERIMENT KEY", "Remove a tag of an experiment", "experiment untag fraud owner", NULL,
     experiment_untag},
    {"experiment rename", "EXPERIMENT NEW_NAME", "Give an experiment another name", "experiment rename fraud phishing",
     NULL, experiment_rename},
    {"run start", "", "Start a run and print its id", "run start --experiment fraud --name first", start_options,
     run_start},
    {"run end", "RUN_ID", "End a run", "run end $run --status FAILED", end_options,
     run_end},
    {"run get", "RUN_ID", "Show a run", "run get $run -o yaml", NULL, run_get},
    {"run list", "", "List or search runs, newest first", "run list --filter \"metrics.auc > 0.9\"", search_options,
     run_list},
    {"run tail", "RUN_ID", "Follow a run: what is logged to it, as it comes, until it ends",
     "run tail $run\nrun tail $run --key loss -o json", tail_options, cli_run_tail},
    {"run diff", "RUN_ID RUN_ID ...", "Show the params, metrics and tags in which runs differ", "run diff $run $other",
     diff_options, cli_run_diff},
    {"run delete", "RUN_ID", "Mark a run deleted", "run delete $run", NULL, run_delete},
    {"run restore", "RUN_ID", "Bring a deleted run back", "run restore $run", NULL,
     run_restore},
    {"metric log", "RUN_ID KEY VALUE", "Log one value",
     "metric log $run loss 0.25 --step 3", metric_options, metric_log},
    {"metric history", "RUN_ID KEY", "List all values of a metric",
     "metric history $run loss -o tsv", history_options, metric_history},
    {"param log", "RUN_ID KEY VALUE", "Log a param", "param log $run depth 6", NULL,
     param_log},
    {"tag set", "RUN_ID KEY VALUE", "Set a tag of a run", "tag set $run team risk", NULL,
     tag_set},
    {"tag delete", "RUN_ID KEY", "Remove a tag of a run", "tag delete $run team", NULL,
     tag_delete},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
