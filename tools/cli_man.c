/* Pages of the manual from the table of commands, in the macros of man(7). */
#include "cli.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Text as it is: a backslash is "\e", a dash "\-", and a line never begins with a macro's dot or quote. */
static void put(const char *text, size_t n)
{
    for (size_t i = 0; i < n && text[i]; i++) {
        if (text[i] == '\\')
            fputs("\\e", stdout);
        else if (text[i] == '-')
            fputs("\\-", stdout);
        else if (text[i] == '\'')
            fputs("\\(aq", stdout);
        else if (text[i] == '"')
            fputs("\\(dq", stdout);
        else if (text[i] == '.' && i == 0)
            fputs("\\&.", stdout);
        else
            putchar(text[i]);
    }
}

static void puts_text(const char *text)
{
    put(text, strlen(text));
}

static void put_option(const cli_option *option)
{
    fputs(".TP\n\\fB", stdout);
    const char *letter = strcmp(option->name, "output") == 0  ? "o"
                         : strcmp(option->name, "quiet") == 0 ? "q"
                         : strcmp(option->name, "help") == 0  ? "h"
                                                              : NULL;
    if (letter)
        printf("\\-%s\\fR, \\fB", letter);
    fputs("\\-\\-", stdout);
    puts_text(option->name);
    fputs("\\fR", stdout);
    if (option->arg) {
        fputs(" \\fI", stdout);
        puts_text(option->arg);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    puts_text(option->help);
    putchar('\n');
}

/* "RUN_ID [KEY] ...": the words in italics, the signs as they are. */
static void put_arguments(const char *args)
{
    for (size_t n; *args; args += n) {
        n = strspn(args, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
        if (n) {
            printf("\\fI%.*s\\fR", (int)n, args);
        } else {
            n = 1;
            putchar(*args);
        }
    }
}

static void put_call(const cli_command *command)
{
    fputs("\\fBmlplat ", stdout);
    puts_text(command->words);
    fputs("\\fR", stdout);
    if (*command->args)
        putchar(' ');
    put_arguments(command->args);
    if (command->options)
        fputs(" [\\fIoptions\\fR]", stdout);
    putchar('\n');
}

static void put_examples(const char *example)
{
    puts(".PP\n.RS 4\n.nf");
    for (size_t n; *example; example += n, example += *example == '\n') {
        n = strcspn(example, "\n");
        fputs("mlplat ", stdout);
        put(example, n);
        putchar('\n');
    }
    puts(".fi\n.RE");
}

static void put_command(const cli_command *command)
{
    fputs(".SS ", stdout);
    put_call(command);
    puts_text(command->help);
    puts(".");
    for (const cli_option *option = command->options; option && option->name; option++)
        put_option(option);
    if (command->example)
        put_examples(command->example);
}

static void put_title(const char *name)
{
    fputs(".TH ", stdout);
    for (const char *at = name; *at; at++)
        putchar(toupper((unsigned char)*at));
    printf(" 1 \"\" \"mlplat %s\" \"User Commands\"\n", mlplat_version());
}

static bool in_group(const cli_command *command, const char *group)
{
    size_t n = strlen(group);
    return strncmp(command->words, group, n) == 0 && command->words[n] == ' ';
}

static int group_page(const cli_group *group)
{
    char name[64];
    snprintf(name, sizeof name, "mlplat-%s", group->name);
    put_title(name);
    fputs(".SH NAME\n", stdout);
    puts_text(name);
    fputs(" \\- ", stdout);
    puts_text(group->help);
    puts("\n.SH SYNOPSIS\n.nf");
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++)
            if (in_group(command, group->name))
                put_call(command);
    puts(".fi\n.SH COMMANDS");
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++)
            if (in_group(command, group->name))
                put_command(command);
    puts(".SH SEE ALSO\n.BR mlplat (1)\nhas the options of every command, the forms of output and the exit codes.");
    return cli_written(CLI_OK);
}

static void put_commands(void)
{
    puts(".SH COMMANDS");
    for (const cli_group *group = cli_groups; group->name; group++) {
        printf(".TP\n.BR mlplat\\-%s (1)\n", group->name);
        puts_text(group->help);
        puts(".");
    }
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++)
            if (!strchr(command->words, ' '))
                put_command(command);
}

static void put_codes(void)
{
    puts(".SH EXIT STATUS");
    for (const char *const *code = cli_exit_codes; *code; code++) {
        printf(".TP\n.B %.*s\n", (int)strcspn(*code, " "), *code);
        puts_text(strchr(*code, ' ') + 1);
        putchar('\n');
    }
}

static const char environment[] =
    ".SH ENVIRONMENT\n"
    ".TP\n.BR MLPLAT_TRACKING_URI \", \" MLFLOW_TRACKING_URI\nThe store, if no option names it.\n"
    ".TP\n.BR MLPLAT_REGISTRY_URI \", \" MLFLOW_REGISTRY_URI\nThe store of the model registry.\n"
    ".TP\n.BR MLFLOW_EXPERIMENT_NAME \", \" MLFLOW_EXPERIMENT_ID\nThe experiment of new runs.\n"
    ".TP\n.B MLPLAT_DURABILITY\nWhat logging waits for.\n"
    ".TP\n.BR MLPLAT_PROFILE \", \" MLPLAT_CONFIG\nThe profile, and the file that it is in.\n"
    ".PP\n.B mlplat config show\nlists every setting and who set it.\n";

static int whole_page(void)
{
    put_title("mlplat");
    puts(".SH NAME\nmlplat \\- track experiments, register models, keep artifacts and run pipelines\n"
         ".SH SYNOPSIS\n\\fBmlplat\\fR \\fIcommand\\fR [\\fIarguments\\fR] [\\fIoptions\\fR]\n.SH DESCRIPTION\n"
         "A store is an SQLite file in MLflow\\(aqs own format; no server is needed.\n"
         "Results go to standard output, words to standard error, one line each.\n"
         "A table is for people; json, yaml and tsv are for programs, a list being one object a line.");
    put_commands();
    puts(".SH OPTIONS\nThey stand anywhere, as \\fB\\-\\-name value\\fR or \\fB\\-\\-name=value\\fR;\n"
         "behind \\fB\\-\\-\\fR everything is an argument.");
    for (const cli_option *option = cli_global_options; option->name; option++)
        put_option(option);
    put_codes();
    fputs(environment, stdout);
    puts(".SH FILES\n.TP\n.I mlflow.db\nthe store, in the current folder, if nothing names another\n"
         ".TP\n.I ~/.config/mlplat/config.yaml\nprofiles of settings");
    return cli_written(CLI_OK);
}

int cli_man(const char *group)
{
    if (!group)
        return whole_page();
    for (const cli_group *one = cli_groups; one->name; one++)
        if (strcmp(one->name, group) == 0)
            return group_page(one);
    return cli_usage("no page for '%s': `mlplat help --man` is that of all commands", group);
}
