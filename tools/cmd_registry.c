/* model, version, alias. */
#include "cli.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MODEL_COLUMNS "NAME=name,UPDATED=@last_updated_timestamp,ALIASES=aliases,DESCRIPTION=description"
#define VERSION_COLUMNS                                                                                                \
    "NAME=name,VERSION=version,ALIASES=aliases,STATUS=status,RUN_ID=run_id,CREATED=@creation_timestamp,SOURCE=source"
#define LATEST_COLUMNS "NAME=name,STAGE=current_stage,VERSION=version,ALIASES=aliases,RUN_ID=run_id,SOURCE=source"

/* The end of a command that changed something and has the name to show. */
static int done(cli *c, mlplat_status s)
{
    int code = cli_result(c, s);
    return code == CLI_OK ? cli_print_pairs(c, "name", c->args[0], NULL) : code;
}

static int model_create(cli *c)
{
    char *tags = NULL;
    int code = cli_pairs(c, "tag", &tags);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = done(c, mlplat_registered_model_create(c->ml, c->args[0], cli_get(c, "description"), tags, &c->err));
    free(tags);
    return code;
}

static int model_get(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_registered_model_get(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, MODEL_COLUMNS) : code;
}

static int model_list(cli *c)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    int code = cli_get_search(c, &query);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_registered_model_search(c->ml, &query, &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "registered_models", MODEL_COLUMNS) : code;
}

static int model_update(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? done(c, mlplat_registered_model_update(c->ml, c->args[0], c->args[1], &c->err)) : code;
}

static int model_rename(cli *c)
{
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_registered_model_rename(c->ml, c->args[0], c->args[1], &c->err));
    return code == CLI_OK ? cli_print_pairs(c, "name", c->args[1], NULL) : code;
}

static int model_delete(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? done(c, mlplat_registered_model_delete(c->ml, c->args[0], &c->err)) : code;
}

static int model_tag(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? done(c, mlplat_registered_model_set_tag(c->ml, c->args[0], c->args[1], c->args[2], &c->err))
                          : code;
}

static int model_untag(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? done(c, mlplat_registered_model_delete_tag(c->ml, c->args[0], c->args[1], &c->err)) : code;
}

static int version_create(cli *c)
{
    mlplat_model_version_options options = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    int64_t version = 0;
    char *tags = NULL, number[32];
    int code = cli_pairs(c, "tag", &tags);
    if (code == CLI_OK)
        code = cli_open(c);
    options.tags = tags;
    options.run_id = cli_get(c, "run-id");
    options.description = cli_get(c, "description");
    options.run_link = cli_get(c, "run-link");
    if (code == CLI_OK)
        code = cli_result(c, mlplat_model_version_create(c->ml, c->args[0], c->args[1], &options, &version, &c->err));
    snprintf(number, sizeof number, "%" PRId64, version);
    if (code == CLI_OK)
        code = cli_print_pairs(c, "version", number, "name", c->args[0], NULL);
    free(tags);
    return code;
}

static int version_get(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_model_version_get(c->ml, c->args[0], c->args[1], &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, VERSION_COLUMNS) : code;
}

static int version_list(cli *c)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    int code = cli_get_search(c, &query);
    query.model = c->n_args ? c->args[0] : NULL;
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_model_version_search(c->ml, &query, &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "model_versions", VERSION_COLUMNS) : code;
}

static int version_latest(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_model_version_latest(c->ml, c->args[0], cli_get(c, "stages"), &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "model_versions", LATEST_COLUMNS) : code;
}

static int version_transition(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_model_version_transition(c->ml, c->args[0], c->args[1], c->args[2],
                                                             cli_get(c, "archive-existing") != NULL, &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, LATEST_COLUMNS) : code;
}

static int version_copy(cli *c)
{
    int64_t version = 0;
    char number[32];
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_model_version_copy(c->ml, c->args[0], c->args[1], &version, &c->err));
    snprintf(number, sizeof number, "%" PRId64, version);
    return code == CLI_OK ? cli_print_pairs(c, "version", number, "name", c->args[1], NULL) : code;
}

static int version_update(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? done(c, mlplat_model_version_update(c->ml, c->args[0], c->args[1], c->args[2], &c->err))
                          : code;
}

static int version_delete(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? done(c, mlplat_model_version_delete(c->ml, c->args[0], c->args[1], &c->err)) : code;
}

static int version_tag(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK
               ? done(c, mlplat_model_version_set_tag(c->ml, c->args[0], c->args[1], c->args[2], c->args[3], &c->err))
               : code;
}

static int version_untag(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? done(c, mlplat_model_version_delete_tag(c->ml, c->args[0], c->args[1], c->args[2], &c->err))
                          : code;
}

static int alias_set(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? done(c, mlplat_model_alias_set(c->ml, c->args[0], c->args[1], c->args[2], &c->err)) : code;
}

static int alias_delete(cli *c)
{
    int code = cli_open(c);
    return code == CLI_OK ? done(c, mlplat_model_alias_delete(c->ml, c->args[0], c->args[1], &c->err)) : code;
}

static int alias_list(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_registered_model_get(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "aliases", "ALIAS=alias,VERSION=version") : code;
}

static const cli_option model_options[] = {
    {"description", "TEXT", "what it is for"},
    {"tag", "KEY=VALUE", "a tag; may be given again"},
    {NULL, NULL, NULL},
};
static const cli_option version_options[] = {
    {"run-id", "RUN_ID", "the run that made it; default: that of a runs:/ source"},
    {"run-link", "URL", "a link to the run"},
    {"description", "TEXT", "what is new in it"},
    {"tag", "KEY=VALUE", "a tag; may be given again"},
    {NULL, NULL, NULL},
};
static const cli_option latest_options[] = {
    {"stages", "STAGES", "of these stages only, as Staging,Production"},
    {NULL, NULL, NULL},
};
static const cli_option transition_options[] = {
    {"archive-existing", NULL, "all other versions in Staging or Production become Archived"},
    {NULL, NULL, NULL},
};
static const cli_option model_search_options[] = {
    {"filter", "FILTER", "\"name LIKE 'fraud%'\", \"tags.team = 'risk'\""},
    {"order-by", "KEYS", "\"last_updated_timestamp DESC\"; default: by name"},
    {"max", "N", "most results of one page; default 100"},
    {"page-token", "TOKEN", "the next page, as the page before told"},
    {NULL, NULL, NULL},
};
static const cli_option version_search_options[] = {
    {"filter", "FILTER", "\"version_number > 2\", \"tags.checked = 'yes'\""},
    {"order-by", "KEYS", "\"version_number DESC\"; default: those that changed last first"},
    {"max", "N", "most results of one page; default 10000"},
    {"page-token", "TOKEN", "the next page, as the page before told"},
    {NULL, NULL, NULL},
};

const cli_command cli_registry_commands[] = {
    {"model create", "NAME", "Create a registered model", "model create fraud-detector --tag team=risk", model_options,
     model_create},
    {"model get", "MODEL", "Show a registered model", "model get fraud-detector -o yaml", NULL, model_get},
    {"model list", "", "List or search registered models, by name", "model list", model_search_options, model_list},
    {"model update", "MODEL DESCRIPTION", "Change the description", "model update fraud-detector \"Phishing pages\"",
     NULL, model_update},
    {"model rename", "MODEL NEW_NAME", "Give a registered model another name",
     "model rename fraud-detector phishing-detector", NULL, model_rename},
    {"model delete", "MODEL", "Delete a registered model with its versions", "model delete fraud-detector", NULL,
     model_delete},
    {"model tag", "MODEL KEY VALUE", "Set a tag of a registered model", "model tag fraud-detector team risk", NULL,
     model_tag},
    {"model untag", "MODEL KEY", "Remove a tag of a registered model", "model untag fraud-detector team", NULL,
     model_untag},
    {"version create", "MODEL SOURCE", "Register a model version and print its number",
     "version create fraud-detector runs:/$run/model", version_options, version_create},
    {"version get", "MODEL VERSION", "Show a version by number, @alias, latest or stage",
     "version get fraud-detector @champion", NULL, version_get},
    {"version list", "[MODEL]", "List or search versions, those that changed last first", "version list fraud-detector",
     version_search_options, version_list},
    {"version latest", "MODEL", "Show the newest version of each stage",
     "version latest fraud-detector --stages Production", latest_options, version_latest},
    {"version transition", "MODEL VERSION STAGE", "Move a version to a stage",
     "version transition fraud-detector 2 Production --archive-existing", transition_options, version_transition},
    {"version copy", "SOURCE MODEL", "Make a version of one model a version of another",
     "version copy models:/fraud-detector@champion fraud-live", NULL, version_copy},
    {"version update", "MODEL VERSION DESCRIPTION", "Change the description",
     "version update fraud-detector 2 \"deeper trees\"", NULL, version_update},
    {"version delete", "MODEL VERSION", "Delete a version", "version delete fraud-detector 2", NULL, version_delete},
    {"version tag", "MODEL VERSION KEY VALUE", "Set a tag of a version", "version tag fraud-detector 2 checked yes",
     NULL, version_tag},
    {"version untag", "MODEL VERSION KEY", "Remove a tag of a version", "version untag fraud-detector 2 checked", NULL,
     version_untag},
    {"alias list", "MODEL", "List the aliases of a model and the versions they point at", "alias list fraud-detector",
     NULL, alias_list},
    {"alias set", "MODEL ALIAS VERSION", "Point an alias at a version", "alias set fraud-detector champion 2", NULL,
     alias_set},
    {"alias delete", "MODEL ALIAS", "Remove an alias", "alias delete fraud-detector champion", NULL, alias_delete},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
