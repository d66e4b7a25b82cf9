/* spool, config, completion, help. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int spool_prometheus(cli *c)
{
    char *text = NULL;
    int code = cli_result(c, mlplat_spool_prometheus(c->ml, &text, &c->err));
    if (code == CLI_OK && !c->quiet)
        fputs(text, stdout);
    mlplat_free(text);
    return cli_written(code);
}

static int spool_status(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK && cli_get(c, "prometheus"))
        return spool_prometheus(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_spool_status(c->ml, &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc,
                                      "WAITING=waiting,DEAD=dead,BYTES=bytes,OLDEST_MS=oldest_ms,STORED=stored,"
                                      "ACCEPTED=accepted,STORE=store,FOLDER=folder")
                          : code;
}

static int spool_inspect(cli *c)
{
    mlplat_doc *doc = NULL;
    int most = 0, more = 0;
    int code = cli_get_small(c, "max", &most);
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_spool_inspect(c->ml, c->n_args ? c->args[0] : NULL, cli_get(c, "run"), most, &doc,
                                                  &c->err));
    if (code != CLI_OK)
        return code;
    mlplat_doc_bool(doc, "more", &more, NULL);
    code = cli_print_list(c, doc, "records",
                          "STATE=state,KIND=kind,RUN=run_id,KEY=key,VALUE=value,STEP=step,REASON=reason");
    if (code == CLI_OK && more && !c->quiet)
        fputs("mlplat: there are more: --max N\n", stderr);
    return code;
}

static int spool_drop(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_spool_drop(c->ml, c->args[0], cli_get(c, "run"), cli_get(c, "dry-run") != NULL,
                                               &doc, &c->err));
    return code == CLI_OK
               ? cli_print(c, doc, "RECORDS=records,JOURNALS=journals,FILES=files,BUSY=busy,DRY_RUN=dry_run,RUNS=runs")
               : code;
}

static int spool_sync(cli *c)
{
    mlplat_doc *doc = NULL;
    if (cli_get(c, "pid") && !cli_get(c, "follow"))
        return cli_usage("--pid: it tells --follow when to end");
    if (cli_get(c, "follow"))
        return cli_spool_follow(c);
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_spool_sync(c->ml, &doc, &c->err));
    int printed = doc ? cli_print(c, doc, "REPLAYED=replayed,DEAD=dead,JOURNALS=journals") : CLI_OK;
    return code == CLI_OK ? printed : code; /* what was stored is told, also where a journal was damaged */
}

static int spool_retry(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_spool_retry(c->ml, &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, "STORED=stored,DEAD=dead") : code;
}

/* {"a": {...}, "b": {...}} as the rows of a table. */
static int print_settings(cli *c, mlplat_doc *doc)
{
    cli_text rows = {0};
    const char *name;
    mlplat_doc *value = NULL, *list = NULL;
    cli_text_add(&rows, "{\"settings\": [", 14);
    for (size_t i = 0; mlplat_doc_key(doc, "", i, &name, NULL) == MLPLAT_OK; i++) {
        if (mlplat_doc_at(doc, name, &value, NULL) != MLPLAT_OK)
            continue;
        cli_text_add(&rows, i ? ", {\"name\": " : "{\"name\": ", i ? 11 : 9);
        cli_text_quote(&rows, name, strlen(name));
        cli_text_add(&rows, ", \"setting\": ", 13);
        cli_text_add(&rows, mlplat_doc_text(value), strlen(mlplat_doc_text(value)));
        cli_text_add(&rows, "}", 1);
        mlplat_doc_free(value);
    }
    cli_text_add(&rows, "]}", 2);
    int code = cli_result(c, mlplat_doc_parse(rows.data, rows.n, &list, &c->err));
    free(rows.data);
    mlplat_doc_free(doc);
    return code == CLI_OK
               ? cli_print_list(c, list, "settings", "SETTING=name,VALUE=setting.value,SOURCE=setting.source")
               : code;
}

static int config_show(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_config(c->ml, &doc, &c->err));
    if (code != CLI_OK || c->format == CLI_JSON || c->format == CLI_YAML)
        return code == CLI_OK ? cli_print(c, doc, "") : code;
    return print_settings(c, doc);
}

static int completion(cli *c)
{
    for (const cli_script *script = cli_scripts; script->shell; script++)
        if (strcmp(script->shell, c->args[0]) == 0) {
            fputs(script->text, stdout);
            return cli_written(CLI_OK);
        }
    return cli_usage("completion %s: it is bash, zsh or fish", c->args[0]);
}

static int help(cli *c)
{
    if (cli_get(c, "man"))
        return c->n_args > 1 ? cli_usage("a page has all commands of a group: `mlplat help %s --man`", c->args[0])
                             : cli_man(c->n_args ? c->args[0] : NULL);
    return cli_get(c, "all") ? cli_help_all(c) : cli_help(c->args, c->n_args);
}

static const cli_option help_options[] = {
    {"all", NULL, "every command with its arguments; -o json: with its options"},
    {"man", NULL, "the page of the manual, as roff"},
    {NULL, NULL, NULL},
};

static const cli_option status_options[] = {
    {"prometheus", NULL, "as text for Prometheus"},
    {NULL, NULL, NULL},
};
static const cli_option inspect_options[] = {
    {"run", "RUN_ID", "of one run"},
    {"max", "N", "at most so many; default 1000"},
    {NULL, NULL, NULL},
};
static const cli_option sync_options[] = {
    {"follow", NULL, "go on until SIGTERM or Ctrl-C, as programs end"},
    {"pid", "PID", "or until this process has ended"},
    {NULL, NULL, NULL},
};
static const cli_option drop_options[] = {
    {"run", "RUN_ID", "of one run"},
    {"dry-run", NULL, "only tell"},
    {NULL, NULL, NULL},
};

const cli_command cli_session_commands[] = {
    {"spool status", "", "Tell what was accepted and is not yet stored",
     "spool status -o json\nspool status --prometheus", status_options, spool_status},
    {"spool inspect", "[RECORDS]", "Show records that wait, and those that were set aside: waiting, dead, or both",
     "spool inspect dead\nspool inspect waiting --run $run -o json", inspect_options, spool_inspect},
    {"spool sync", "", "Store what ended programs left behind", "spool sync\nspool sync --follow --pid $pid",
     sync_options, spool_sync},
    {"spool retry", "", "Try the dead letters again", "spool retry", NULL, spool_retry},
    {"spool drop", "LEFTOVERS", "Throw away for good: dead (refused), waiting (left by ended programs) or damaged",
     "spool drop dead --run $run --dry-run\nspool drop waiting", drop_options, spool_drop},
    {"config show", "", "Show every setting and who set it", "config show", NULL, config_show},
    {"completion", "SHELL", "Print the completion script of bash, zsh or fish", "completion bash", NULL, completion},
    {"help", "[COMMAND] ...", "Tell about commands", "help run list\nhelp run --man", help_options, help},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
