/* prompt: texts and chats in the registry. */
#include "cli.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROMPT_COLUMNS "NAME=name,UPDATED=@last_updated_timestamp,ALIASES=aliases,DESCRIPTION=description"

static int prompt_create(cli *c)
{
    char *tags = NULL;
    int code = cli_pairs(c, "tag", &tags);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_prompt_create(c->ml, c->args[0], cli_get(c, "description"), tags, &c->err));
    free(tags);
    return code == CLI_OK ? cli_print_pairs(c, "name", c->args[0], NULL) : code;
}

static int prompt_register(cli *c)
{
    mlplat_prompt_options options = MLPLAT_PROMPT_OPTIONS_INIT;
    cli_text text = {0};
    int64_t version = 0;
    char *tags = NULL, number[32];
    int code = cli_pairs(c, "tag", &tags);
    if (code == CLI_OK)
        code = cli_read(c->args[1], &text);
    if (code == CLI_OK)
        code = cli_open(c);
    options.commit_message = cli_get(c, "message");
    options.tags = tags;
    options.chat = cli_get(c, "chat") != NULL;
    options.response_format = cli_get(c, "response-format");
    options.model_config = cli_get(c, "model-config");
    options.experiment_id = cli_get(c, "experiment-id");
    if (code == CLI_OK)
        code = cli_result(c, mlplat_prompt_register(c->ml, c->args[0], text.data ? text.data : "", &options, &version,
                                                    &c->err));
    snprintf(number, sizeof number, "%" PRId64, version);
    free(text.data);
    free(tags);
    return code == CLI_OK ? cli_print_pairs(c, "version", number, "name", c->args[0], NULL) : code;
}

static int prompt_get(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_prompt_get(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, PROMPT_COLUMNS) : code;
}

static int prompt_list(cli *c)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    int code = cli_get_search(c, &query);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_prompt_search(c->ml, &query, &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "prompts", PROMPT_COLUMNS) : code;
}

static int prompt_versions(cli *c)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    int code = cli_get_search(c, &query);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_prompt_version_search(c->ml, c->args[0], &query, &doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "prompt_versions",
                                           "NAME=name,VERSION=version,ALIASES=aliases,TYPE=type,"
                                           "CREATED=@creation_timestamp,MESSAGE=commit_message")
                          : code;
}

static int prompt_load(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_prompt_load(c->ml, c->args[0], &doc, &c->err));
    return code == CLI_OK ? cli_print_value(c, doc, "template") : code;
}

static int prompt_configure(cli *c)
{
    const char *config = cli_get(c, "model-config");
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_prompt_version_set_config(c->ml, c->args[0], c->args[1], config, &c->err));
    return code == CLI_OK ? cli_print_pairs(c, "name", c->args[0], NULL) : code;
}

static int prompt_delete(cli *c)
{
    mlplat_doc *prompt = NULL;
    int code = cli_open(c);
    if (code == CLI_OK) /* a model of this name is none of ours */
        code = cli_result(c, mlplat_prompt_get(c->ml, c->args[0], &prompt, &c->err));
    mlplat_doc_free(prompt);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_registered_model_delete(c->ml, c->args[0], &c->err));
    return code == CLI_OK ? cli_print_pairs(c, "name", c->args[0], NULL) : code;
}

/* ---- format ------------------------------------------------------------------------------------------------------ */

/* {"template": ...}: the text, filled, as JSON. */
static mlplat_status fill(cli *c, const char *template_text, const char *values, cli_text *out)
{
    char *filled = NULL;
    mlplat_status s =
        mlplat_prompt_format(template_text, values, cli_get(c, "allow-partial") != NULL, &filled, &c->err);
    if (s == MLPLAT_OK)
        cli_text_quote(out, filled, strlen(filled));
    mlplat_free(filled);
    return s;
}

static mlplat_status fill_chat(cli *c, const mlplat_doc *prompt, const char *values, cli_text *out)
{
    size_t n = 0;
    mlplat_status s = mlplat_doc_size(prompt, "template", &n, &c->err);
    cli_text_add(out, "[", 1);
    for (size_t i = 0; s == MLPLAT_OK && i < n; i++) {
        char path[64];
        const char *role = "", *content = "";
        snprintf(path, sizeof path, "template[%zu].role", i);
        s = mlplat_doc_string(prompt, path, &role, &c->err);
        snprintf(path, sizeof path, "template[%zu].content", i);
        if (s == MLPLAT_OK)
            s = mlplat_doc_string(prompt, path, &content, &c->err);
        cli_text_add(out, i ? ", {\"role\": " : "{\"role\": ", i ? 11 : 9);
        cli_text_quote(out, role, strlen(role));
        cli_text_add(out, ", \"content\": ", 13);
        if (s == MLPLAT_OK)
            s = fill(c, content, values, out);
        cli_text_add(out, "}", 1);
    }
    cli_text_add(out, "]", 1);
    return s;
}

static int prompt_format(cli *c)
{
    mlplat_doc *doc = NULL, *filled = NULL;
    cli_text json = {0};
    const char *text = NULL;
    char *values = NULL;
    int code = cli_pairs(c, "set", &values);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_prompt_load(c->ml, c->args[0], &doc, &c->err));
    if (code == CLI_OK) {
        cli_text_add(&json, "{\"template\": ", 13);
        bool chat = mlplat_doc_string(doc, "template", &text, NULL) != MLPLAT_OK;
        mlplat_status s = chat ? fill_chat(c, doc, values, &json) : fill(c, text, values, &json);
        cli_text_add(&json, "}", 1);
        if (s == MLPLAT_OK)
            s = mlplat_doc_parse(json.data, json.n, &filled, &c->err);
        code = cli_result(c, s);
    }
    mlplat_doc_free(doc);
    free(json.data);
    free(values);
    return code == CLI_OK ? cli_print_value(c, filled, "template") : code;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const cli_option create_options[] = {
    {"description", "TEXT", "what it is for"},
    {"tag", "KEY=VALUE", "a tag; may be given again"},
    {NULL, NULL, NULL},
};
static const cli_option register_options[] = {
    {"message", "TEXT", "what is new in it"},
    {"tag", "KEY=VALUE", "a tag; may be given again"},
    {"chat", NULL, "the file is a JSON array of messages, with role and content"},
    {"response-format", "JSON", "the schema of answers"},
    {"model-config", "JSON", "the model and its settings"},
    {"experiment-id", "ID", "whose page in MLflow shows it; default: MLFLOW_EXPERIMENT_ID, else 0"},
    {NULL, NULL, NULL},
};
static const cli_option list_options[] = {
    {"filter", "FILTER", "\"name LIKE 'greet%'\", \"tags.team = 'risk'\", \"experiment_id = '1'\""},
    {"order-by", "KEYS", "\"last_updated_timestamp DESC\"; default: by name"},
    {"max", "N", "most results of one page; default 100"},
    {"page-token", "TOKEN", "the next page, as the page before told"},
    {NULL, NULL, NULL},
};
static const cli_option versions_options[] = {
    {"max", "N", "most results of one page; default 100"},
    {"page-token", "TOKEN", "the next page, as the page before told"},
    {NULL, NULL, NULL},
};
static const cli_option configure_options[] = {
    {"model-config", "JSON", "the model and its settings; left out: none"},
    {NULL, NULL, NULL},
};
static const cli_option format_options[] = {
    {"set", "NAME=VALUE", "the value of a variable; may be given again"},
    {"allow-partial", NULL, "variables without a value stay as they are"},
    {NULL, NULL, NULL},
};

const cli_command cli_prompt_commands[] = {
    {"prompt create", "NAME", "Create a prompt without versions", "prompt create farewell --tag team=risk",
     create_options, prompt_create},
    {"prompt register", "NAME FILE", "Register a version of a prompt and print its number",
     "prompt register greeting greeting.txt --message shorter", register_options, prompt_register},
    {"prompt get", "PROMPT", "Show a prompt", "prompt get greeting -o yaml", NULL, prompt_get},
    {"prompt list", "", "List or search prompts, by name", "prompt list", list_options, prompt_list},
    {"prompt versions", "PROMPT", "List the versions of a prompt, newest first", "prompt versions greeting",
     versions_options, prompt_versions},
    {"prompt load", "PROMPT", "Print the text of a version", "prompt load prompts:/greeting@live", NULL, prompt_load},
    {"prompt format", "PROMPT", "Print the text of a version with its variables filled",
     "prompt format greeting --set name=Ada", format_options, prompt_format},
    {"prompt configure", "PROMPT VERSION", "Change the model and the settings that a version names",
     "prompt configure greeting 1 --model-config '{\"temperature\": 0.2}'", configure_options, prompt_configure},
    {"prompt delete", "PROMPT", "Delete a prompt with its versions", "prompt delete greeting", NULL, prompt_delete},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
