/* store. */
#include "cli.h"

static int store_create(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_store_create(c->ml, &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, "URI=uri,HEAD=head,CREATED=created") : code;
}

const cli_command cli_store_commands[] = {
    {"store create", "", "Create the store if it is not there", "store create --tracking-uri sqlite:///mlflow.db", NULL,
     store_create},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
