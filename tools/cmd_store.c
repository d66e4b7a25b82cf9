/* store. */
#include "cli.h"

static int store_create(cli *c)
{
    mlplat_doc *doc = NULL;
    mlplat_store_options options = MLPLAT_STORE_OPTIONS_INIT;
    int code = cli_open(c);
    options.mlflow = cli_get(c, "mlflow");
    if (code == CLI_OK)
        code = cli_result(c, mlplat_store_create(c->ml, &options, &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, "URI=uri,HEAD=head,CREATED=created") : code;
}

static int store_upgrade(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_store_upgrade(c->ml, cli_get(c, "to"), &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, "URI=uri,FROM=from,HEAD=head,CHANGED=changed") : code;
}

static int store_heads(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_result(c, mlplat_store_heads(&doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "heads", "HEAD=head,MLFLOW=mlflow") : code;
}

static const cli_option create_options[] = {
    {"mlflow", "VERSION", "the MLflow that it is made for, such as 2.14.0, or a head; default: the newest known"},
    {NULL, NULL, NULL},
};
static const cli_option upgrade_options[] = {
    {"to", "VERSION", "a release of MLflow or a head; default: the newest known"},
    {NULL, NULL, NULL},
};

const cli_command cli_store_commands[] = {
    {"store create", "", "Create the store if it is not there", "store create --mlflow 2.14.0", create_options,
     store_create},
    {"store upgrade", "", "Move the store to the head of a newer MLflow", "store upgrade", upgrade_options,
     store_upgrade},
    {"store heads", "", "List the heads of MLflow's schema that are known", "store heads", NULL, store_heads},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
