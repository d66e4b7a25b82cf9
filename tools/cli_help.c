#include "cli.h"
#include <stdio.h>
#include <string.h>

static void print_options(const cli_option *options)
{
    for (; options && options->name; options++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", options->name, options->arg ? " " : "",
                 options->arg ? options->arg : "");
        printf("  %-28s %s\n", left, options->help);
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
        printf("\nExample:\n  mlplat %s\n", command->example);
}

static bool begins(const char *words, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(words, prefix, n) == 0 && (!n || !words[n] || words[n] == ' ');
}

static int list_commands(const char *prefix, bool bare)
{
    int found = 0;
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++) {
            if (!begins(command->words, prefix))
                continue;
            char left[96];
            snprintf(left, sizeof left, "%s%s%s", command->words, *command->args ? " " : "", command->args);
            if (bare)
                puts(command->words);
            else
                printf("  %-38s %s\n", left, command->help);
            found++;
        }
    return found;
}

int cli_help(const char *const *words, int n, bool all)
{
    char prefix[256] = "";
    for (int i = 0; i < n; i++) {
        size_t used = strlen(prefix);
        snprintf(prefix + used, sizeof prefix - used, "%s%s", i ? " " : "", words[i]);
    }
    if (all) {
        list_commands(prefix, true);
        return CLI_OK;
    }
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++)
            if (strcmp(command->words, prefix) == 0) {
                print_command(command);
                return CLI_OK;
            }
    if (!n)
        puts("mlplat: an ML platform in one program\n\nmlplat COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:");
    if (!list_commands(prefix, false)) {
        cli_usage("no command '%s': `mlplat help` lists them", prefix);
        cli_suggest(prefix);
        return CLI_USAGE;
    }
    if (!n) {
        puts("\nOptions of every command:");
        print_options(cli_global_options);
        puts("\n`mlplat help COMMAND` tells more. Exit codes: 0 ok, 1 failed, 2 wrong call, 3 not found, 4 denied,\n"
             "5 unavailable or timed out, 6 exists or conflict, 7 a check said no, 130 interrupted.");
    }
    return CLI_OK;
}

/* Letters to insert, drop or change from one to the other (Levenshtein's distance). */
static int distance(const char *a, const char *b)
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

void cli_suggest(const char *words)
{
    const char *best = NULL;
    int nearest = 4;
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++) {
            int d = distance(words, command->words);
            if (d < nearest) {
                nearest = d;
                best = command->words;
            }
        }
    if (best)
        fprintf(stderr, "mlplat: did you mean `mlplat %s`?\n", best);
}
