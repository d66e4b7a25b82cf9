/* logged-model: models as entities of their own, as MLflow 3 has them. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

#define LOGGED_COLUMNS                                                                                                 \
    "MODEL_ID=info.model_id,NAME=info.name,STATUS=info.status,EXPERIMENT=info.experiment_id,"                         \
    "RUN_ID=info.source_run_id,CREATED=@info.creation_timestamp_ms,TYPE=info.model_type"
#define LOGGED_LISTS ",*=data.metrics,*=data.params,*=info.tags"

static int logged_create(cli *c)
{
    mlplat_logged_model_options options = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    const char *id = "";
    char *tags = NULL, *params = NULL;
    int code = cli_pairs(c, "tag", &tags);
    if (code == CLI_OK)
        code = cli_pairs(c, "param", &params);
    if (code == CLI_OK)
        code = cli_open(c);
    options.name = c->n_args ? c->args[0] : NULL;
    options.experiment_id = cli_get(c, "experiment-id");
    options.source_run_id = cli_get(c, "run-id");
    options.model_type = cli_get(c, "type");
    options.params = params;
    options.tags = tags;
    if (code == CLI_OK)
        code = cli_result(c, mlplat_logged_model_create(c->ml, &options, &doc, &c->err));
    if (code == CLI_OK && mlplat_doc_string(doc, "info.model_id", &id, NULL) == MLPLAT_OK)
        code = cli_print_pairs(c, "model_id", id, NULL);
    mlplat_doc_free(doc);
    free(params);
    free(tags);
    return code;
}

static int logged_get(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_logged_model_get(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, LOGGED_COLUMNS LOGGED_LISTS) : code;
}

static int logged_list(cli *c)
{
    mlplat_logged_model_query query = MLPLAT_LOGGED_MODEL_QUERY_INIT;
    mlplat_doc *doc = NULL;
    int code = cli_get_small(c, "max", &query.max_results);
    query.experiment_ids = cli_get(c, "experiment-id");
    query.filter = cli_get(c, "filter");
    query.datasets = cli_get(c, "datasets");
    query.order_by = cli_get(c, "order-by");
    query.page_token = cli_get(c, "page-token");
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_logged_model_search(c->ml, &query, &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "models", LOGGED_COLUMNS) : code;
}

/* The end of a command that changed something and has the id to show. */
static int changed(cli *c, mlplat_status s)
{
    int code = cli_result(c, s);
    return code == CLI_OK ? cli_print_pairs(c, "model_id", c->args[0], NULL) : code;
}

static int logged_finalize(cli *c)
{
    const char *status = cli_get(c, "status");
    int code = cli_open(c);
    return code == CLI_OK
               ? changed(c, mlplat_logged_model_finalize(c->ml, c->args[0], status ? status : "READY", NULL, &c->err))
               : code;
}

/* {"key": "value"} of two arguments. */
static char *pair(const char *key, const char *value)
{
    cli_text json = {0};
    cli_text_add(&json, "{", 1);
    cli_text_quote(&json, key, strlen(key));
    cli_text_add(&json, ": ", 2);
    cli_text_quote(&json, value, strlen(value));
    cli_text_add(&json, "}", 1);
    return json.data;
}

static int logged_tag(cli *c)
{
    char *tags = pair(c->args[1], c->args[2]);
    int code = cli_open(c);
    if (code == CLI_OK)
        code = changed(c, mlplat_logged_model_set_tags(c->ml, c->args[0], tags, &c->err));
    free(tags);
    return code;
}

static int logged_untag(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? changed(c, mlplat_logged_model_delete_tag(c->ml, c->args[0], c->args[1], &c->err)) : code;
}

static int logged_param(cli *c)
{
    char *params = pair(c->args[1], c->args[2]);
    int code = cli_open(c);
    if (code == CLI_OK)
        code = changed(c, mlplat_logged_model_log_params(c->ml, c->args[0], params, &c->err));
    free(params);
    return code;
}

static int logged_delete(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? changed(c, mlplat_logged_model_delete(c->ml, c->args[0], &c->err)) : code;
}

static const cli_option create_options[] = {
    {"experiment-id", "ID", "default: that of the run, else the configured one, else 0"},
    {"run-id", "RUN_ID", "the run that makes it"},
    {"type", "TEXT", "any word to search by"},
    {"param", "KEY=VALUE", "a param; may be given again"},
    {"tag", "KEY=VALUE", "a tag; may be given again"},
    {NULL, NULL, NULL},
};
static const cli_option finalize_options[] = {
    {"status", "OUTCOME", "READY or FAILED; default READY"},
    {NULL, NULL, NULL},
};

static const cli_option list_options[] = {
    {"experiment-id", "IDS", "ids joined by commas; default: all"},
    {"filter", "FILTER", "\"metrics.auc > 0.9\", \"params.depth = '6'\", \"name LIKE 'forest%'\""},
    {"datasets", "JSON", "only metrics on these count: '[{\"dataset_name\": \"rows\"}]'"},
    {"order-by", "KEYS", "\"metrics.auc DESC, name\"; default: newest first"},
    {"max", "N", "most results of one page; default 100"},
    {"page-token", "TOKEN", "the next page, as the page before told"},
    {NULL, NULL, NULL},
};

const cli_command cli_logged_commands[] = {
    {"logged-model create", "[NAME]", "Create a logged model and print its id",
     "logged-model create forest --run-id $run --param depth=6", create_options, logged_create},
    {"logged-model get", "MODEL_ID", "Show a logged model", "logged-model get $model -o yaml", NULL, logged_get},
    {"logged-model list", "", "List or search logged models, newest first",
     "logged-model list --filter \"name = 'forest'\"", list_options, logged_list},
    {"logged-model finalize", "MODEL_ID", "Say that the files of a logged model are whole, or not",
     "logged-model finalize $model", finalize_options, logged_finalize},
    {"logged-model tag", "MODEL_ID KEY VALUE", "Set a tag of a logged model", "logged-model tag $model team risk", NULL,
     logged_tag},
    {"logged-model untag", "MODEL_ID KEY", "Remove a tag of a logged model", "logged-model untag $model stage", NULL,
     logged_untag},
    {"logged-model param", "MODEL_ID KEY VALUE", "Add a param to a logged model", "logged-model param $model lr 0.1",
     NULL, logged_param},
    {"logged-model delete", "MODEL_ID", "Mark a logged model deleted", "logged-model delete $model", NULL,
     logged_delete},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
