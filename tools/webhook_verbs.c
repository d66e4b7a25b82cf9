/* webhook: what a server calls when something happens in its registry. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

#define COLUMNS "WEBHOOK_ID=webhook_id,NAME=name,STATUS=status,URL=url"

/* The first line of a file: a secret in an argument would be seen by everybody on the machine. */
static int read_secret(cli *c, cli_text *text, mlplat_webhook *webhook)
{
    const char *path = cli_get(c, "secret-file");
    if (!path)
        return CLI_OK;
    int code = cli_read(path, text);
    if (code == CLI_OK && text->data) {
        text->data[strcspn(text->data, "\r\n")] = '\0';
        webhook->secret = text->data;
    }
    return code;
}

/* Fills webhook from the options. */
static int from_options(cli *c, cli_text *secret, mlplat_webhook *webhook)
{
    webhook->description = cli_get(c, "description");
    webhook->status = cli_get(c, "disabled") ? "DISABLED" : cli_get(c, "enabled") ? "ACTIVE" : NULL;
    return read_secret(c, secret, webhook);
}

static int webhook_create(cli *c)
{
    mlplat_webhook webhook = MLPLAT_WEBHOOK_INIT;
    cli_text secret = {0};
    mlplat_doc *doc = NULL;
    int code = from_options(c, &secret, &webhook);
    webhook.name = c->args[0];
    webhook.url = c->args[1];
    webhook.events = c->args[2];
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_webhook_create(c->ml, &webhook, &doc, &c->err));
    free(secret.data);
    return code == CLI_OK ? cli_print(c, doc, COLUMNS) : code;
}

static int webhook_list(cli *c)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    int code = cli_get_search(c, &query);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_webhook_list(c->ml, &query, &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "webhooks", COLUMNS) : code;
}

static int webhook_get(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_webhook_get(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, COLUMNS) : code;
}

static int webhook_update(cli *c)
{
    mlplat_webhook webhook = MLPLAT_WEBHOOK_INIT;
    cli_text secret = {0};
    mlplat_doc *doc = NULL;
    int code = from_options(c, &secret, &webhook);
    webhook.name = cli_get(c, "name");
    webhook.url = cli_get(c, "url");
    webhook.events = cli_get(c, "events");
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_webhook_update(c->ml, c->args[0], &webhook, &doc, &c->err));
    free(secret.data);
    return code == CLI_OK ? cli_print(c, doc, COLUMNS) : code;
}

static int webhook_delete(cli *c)
{
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_webhook_delete(c->ml, c->args[0], &c->err));
    return code == CLI_OK ? cli_print_pairs(c, "webhook_id", c->args[0], NULL) : code;
}

static int webhook_test(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_webhook_test(c->ml, c->args[0], cli_get(c, "event"), &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, "SUCCESS=success,STATUS=response_status,ERROR=error_message") : code;
}

#define SECRET {"secret-file", "FILE", "calls are signed with the file's first line; - is standard input"}
static const cli_option create_options[] = {
    {"description", "TEXT", "what it is for"},
    SECRET,
    {"disabled", NULL, "it is not called yet"},
    {NULL, NULL, NULL},
};
static const cli_option update_options[] = {
    {"name", "NAME", "another name"},
    {"url", "URL", "another URL"},
    {"events", "EVENTS", "what it is called for, as model_version.created,model_version_alias.created"},
    {"description", "TEXT", "what it is for"},
    SECRET,
    {"enabled", NULL, "it is called"},
    {"disabled", NULL, "it is not called"},
    {NULL, NULL, NULL},
};
static const cli_option list_options[] = {
    {"max", "N", "most results of one page; default 100"},
    {"page-token", "TOKEN", "the next page, as the page before told"},
    {NULL, NULL, NULL},
};
static const cli_option test_options[] = {
    {"event", "EVENT", "as model_version.created; default: the webhook's first"},
    {NULL, NULL, NULL},
};

const cli_command cli_webhook_commands[] = {
    {"webhook create", "NAME URL EVENTS", "Create a webhook on an MLflow server",
     "webhook create deploy https://ci.example.org/hook model_version_alias.created", create_options, webhook_create},
    {"webhook list", "", "List webhooks", "webhook list", list_options, webhook_list},
    {"webhook get", "WEBHOOK_ID", "Show a webhook", "webhook get $webhook -o yaml", NULL, webhook_get},
    {"webhook update", "WEBHOOK_ID", "Change a webhook", "webhook update $webhook --disabled", update_options,
     webhook_update},
    {"webhook delete", "WEBHOOK_ID", "Delete a webhook", "webhook delete $webhook", NULL, webhook_delete},
    {"webhook test", "WEBHOOK_ID", "Have the server call a webhook with an example", "webhook test $webhook",
     test_options, webhook_test},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
