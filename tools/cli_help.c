#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cli_group cli_groups[] = {
    {"experiment", "Experiments: runs that belong together"},
    {"run", "Runs: start, end, find, follow and compare them"},
    {"metric", "Metrics of a run"},
    {"param", "Params of a run"},
    {"tag", "Tags of a run"},
    {"logged-model", "Models that runs made, as MLflow 3 keeps them"},
    {"artifact", "Files of runs and models, and any other"},
    {"model", "Registered models"},
    {"version", "Versions of registered models"},
    {"alias", "Names for versions, such as champion"},
    {"prompt", "Prompts: texts and chats with versions"},
    {"webhook", "Webhooks of an MLflow server"},
    {"pipeline", "Pipelines on this host"},
    {"component", "Programs that are steps of a pipeline"},
    {"store", "The store as a whole"},
    {"spool", "What was accepted and is not yet stored"},
    {"config", "Settings, and who set them"},
    {NULL, NULL},
};

const char *const cli_exit_codes[] = {
    "0 done",
    "1 failed: an input or output error, a damaged or foreign store, a step of a pipeline, a run that is deleted",
    "2 a wrong call, or a value that is not allowed",
    "3 not found",
    "4 denied",
    "5 unavailable or timed out: try again",
    "6 exists already, or has another value",
    "7 a check said no",
    "130 interrupted; a second Ctrl-C ends the program at once",
    NULL,
};

static void print_options(const cli_option *options)
{
    for (; options && options->name; options++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", options->name, options->arg ? " " : "",
                 options->arg ? options->arg : "");
        printf("  %-28s %s\n", left, options->help);
    }
}

static void print_examples(const char *example)
{
    puts(strchr(example, '\n') ? "\nExamples:" : "\nExample:");
    for (size_t n; *example; example += n, example += *example == '\n') {
        n = strcspn(example, "\n");
        printf("  mlplat %.*s\n", (int)n, example);
    }
}

static void print_command(const cli_command *command)
{
    printf("mlplat %s%s%s\n%s.\n", command->words, *command->args ? " " : "", command->args, command->help);
    if (command->options) {
        puts("\nOptions:");
        print_options(command->options);
    }
    puts("\nOptions of every command:");
    print_options(cli_global_options);
    if (command->example)
        print_examples(command->example);
}

bool cli_begins(const char *word)
{
    size_t n = strlen(word);
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++)
            if (strncmp(command->words, word, n) == 0 && command->words[n] == ' ')
                return true;
    return false;
}

static bool begins(const char *words, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(words, prefix, n) == 0 && (!n || !words[n] || words[n] == ' ');
}

static int list_commands(const char *prefix)
{
    int found = 0;
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++) {
            if (!begins(command->words, prefix))
                continue;
            char left[96];
            snprintf(left, sizeof left, "%s%s%s", command->words, *command->args ? " " : "", command->args);
            printf("  %-42s %s\n", left, command->help);
            found++;
        }
    return found;
}

static void add_member(cli_text *json, const char *key, const char *value)
{
    cli_text_add(json, json->data[json->n - 1] == '{' ? "\"" : ", \"", json->data[json->n - 1] == '{' ? 1 : 3);
    cli_text_add(json, key, strlen(key));
    cli_text_add(json, "\": ", 3);
    cli_text_quote(json, value, strlen(value));
}

static void add_command(cli_text *json, const cli_command *command)
{
    cli_text_add(json, "{", 1);
    add_member(json, "command", command->words);
    add_member(json, "args", command->args);
    add_member(json, "help", command->help);
    add_member(json, "example", command->example ? command->example : "");
    cli_text_add(json, ", \"options\": [", 14);
    for (const cli_option *option = command->options; option && option->name; option++) {
        cli_text_add(json, option == command->options ? "{" : ", {", option == command->options ? 1 : 3);
        add_member(json, "option", option->name);
        add_member(json, "arg", option->arg ? option->arg : "");
        add_member(json, "help", option->help);
        cli_text_add(json, "}", 1);
    }
    cli_text_add(json, "]}", 2);
}

int cli_help_all(cli *c)
{
    cli_text json = {0};
    mlplat_doc *doc = NULL;
    cli_text_add(&json, "{\"commands\": [", 14);
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++) {
            if (json.data[json.n - 1] == '}')
                cli_text_add(&json, ", ", 2);
            add_command(&json, command);
        }
    cli_text_add(&json, "]}", 2);
    int code = cli_result(c, mlplat_doc_parse(json.data, json.n, &doc, &c->err));
    free(json.data);
    return code == CLI_OK ? cli_print_list(c, doc, "commands", "COMMAND=command,ARGUMENTS=args,HELP=help") : code;
}

static void list_verbs(const char *group)
{
    size_t n = strlen(group), column = 15;
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++) {
            const char *verb = command->words + n + 1;
            if (strncmp(command->words, group, n) != 0 || command->words[n] != ' ')
                continue;
            if (column + strlen(verb) + 1 > 100) {
                printf("\n%15s", "");
                column = 15;
            }
            printf(" %s", verb);
            column += strlen(verb) + 1;
        }
    putchar('\n');
}

static int overview(void)
{
    puts("mlplat: an ML platform in one program\n\nmlplat COMMAND [ARGUMENTS] [OPTIONS]\n");
    for (const cli_group *group = cli_groups; group->name; group++) {
        printf("  %-13s", group->name);
        list_verbs(group->name);
    }
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++)
            if (!strchr(command->words, ' '))
                printf("  %-13s %s\n", command->words, command->help);
    puts("\nOptions of every command:");
    print_options(cli_global_options);
    puts("\n`mlplat help run` tells about the commands of run, `mlplat help run list` about one.\n\nExit codes:");
    for (const char *const *code = cli_exit_codes; *code; code++)
        printf("  %.*s%*s%s\n", (int)strcspn(*code, " "), *code, 6 - (int)strcspn(*code, " "), "",
               strchr(*code, ' ') + 1);
    return CLI_OK;
}

int cli_help(const char *const *words, int n)
{
    char prefix[256] = "";
    int used;
    const cli_command *command = cli_find_command((char *const *)words, n, &used);
    if (command && used == n) {
        print_command(command);
        return CLI_OK;
    }
    for (int i = 0; i < n; i++) {
        size_t end = strlen(prefix);
        snprintf(prefix + end, sizeof prefix - end, "%s%s", i ? " " : "", words[i]);
    }
    if (n == 1 && prefix[0] && prefix[strlen(prefix) - 1] == 's' && !cli_begins(prefix))
        prefix[strlen(prefix) - 1] = '\0'; /* "runs" */
    if (!n)
        return overview();
    return list_commands(prefix) ? CLI_OK : cli_no_command(prefix);
}

/* Levenshtein's distance. */
int cli_distance(const char *a, const char *b)
{
    int row[64], n = (int)strlen(b);
    if (n >= 63 || strlen(a) >= 63)
        return 99;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 0; a[i]; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int j = 0; j < n; j++) {
            int change = diagonal + (a[i] != b[j]), least = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < least ? change : least;
        }
    }
    return row[n];
}

const char *cli_suggest(const char *words)
{
    const char *best = NULL;
    int nearest = 4;
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++) {
            int d = cli_distance(words, command->words);
            if (d < nearest) {
                nearest = d;
                best = command->words;
            }
        }
    return best;
}

int cli_no_command(const char *words)
{
    const char *best = cli_suggest(words);
    if (best)
        return cli_usage("no command '%s': did you mean `mlplat %s`?", words, best);
    return cli_usage("no command '%s': `mlplat help` lists them", words);
}
