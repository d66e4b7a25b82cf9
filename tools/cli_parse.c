#include "cli.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_global_options[] = {
    {"tracking-uri", "URI", "the store: sqlite:///mlflow.db"},
    {"registry-uri", "URI", "the model registry's store; default: the tracking URI"},
    {"mirror-uri", "URI", "a second store that is given what is logged as well"},
    {"artifact-root", "PATH", "where new experiments keep artifacts"},
    {"spool", "FOLDER", "where accepted records wait; default: beside the store"},
    {"durability", "LEVEL", "what logging waits for: memory, process, disk or remote"},
    {"profile", "NAME", "profile of the configuration file"},
    {"config", "FILE", "configuration file"},
    {"output", "FORMAT", "table, json, yaml, tsv, or html of what has a page (also -o)"},
    {"quiet", NULL, "print no result (also -q)"},
    {"help", NULL, "what the command does and takes (also -h)"},
    {"version", NULL, "print the version of the library"},
    {NULL, NULL, NULL},
};

const cli_alias cli_aliases[] = {
    {"run create", "run start"},
    {"run describe", "run get"},
    {"run search", "run list"},
    {"experiment describe", "experiment get"},
    {"experiment search", "experiment list"},
    {"artifact download", "artifact get"},
    {"artifact log-artifact", "artifact log"},
    {"artifact upload", "artifact put"},
    {"metric latest", "metric get"},
    {"logged-model search", "logged-model list"},
    {"model describe", "model get"},
    {"model search", "model list"},
    {"version describe", "version get"},
    {"version search", "version list"},
    {NULL, NULL},
};

static const cli_option *find_option(const cli_option *options, const char *name, size_t n)
{
    for (; options && options->name; options++)
        if (strlen(options->name) == n && memcmp(options->name, name, n) == 0)
            return options;
    return NULL;
}

const char *cli_get(const cli *c, const char *option)
{
    for (int i = c->n_options - 1; i >= 0; i--)
        if (strcmp(c->options[i].name, option) == 0)
            return c->options[i].value;
    return NULL;
}

int cli_get_int(cli *c, const char *option, int64_t *out)
{
    const char *text = cli_get(c, option);
    char *end = NULL;
    if (!text)
        return CLI_OK;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || !*text || *end)
        return cli_usage("--%s %s: it takes a whole number", option, text);
    *out = value;
    return CLI_OK;
}

int cli_get_small(cli *c, const char *option, int *out)
{
    int64_t value = *out;
    int code = cli_get_int(c, option, &value);
    *out = value > INT_MAX ? INT_MAX : value < INT_MIN ? INT_MIN : (int)value;
    return code;
}

int cli_get_search(cli *c, mlplat_search *out)
{
    out->filter = cli_get(c, "filter");
    out->order_by = cli_get(c, "order-by");
    out->page_token = cli_get(c, "page-token");
    return cli_get_small(c, "max", &out->max_results);
}

int cli_pairs(cli *c, const char *option, char **out)
{
    cli_text json = {0};
    *out = NULL;
    for (int i = 0; i < c->n_options; i++) {
        if (strcmp(c->options[i].name, option) != 0)
            continue;
        const char *pair = c->options[i].value, *equals = strchr(pair, '=');
        if (!equals || equals == pair) {
            free(json.data);
            return cli_usage("--%s %s: it takes KEY=VALUE", option, pair);
        }
        cli_text_add(&json, json.data ? ", " : "{", json.data ? 2 : 1);
        cli_text_quote(&json, pair, (size_t)(equals - pair));
        cli_text_add(&json, ": ", 2);
        cli_text_quote(&json, equals + 1, strlen(equals + 1));
    }
    if (json.data)
        cli_text_add(&json, "}", 1);
    *out = json.data;
    return CLI_OK;
}

int cli_given(const cli *c, const char *option)
{
    int count = 0;
    for (int i = 0; i < c->n_options; i++)
        count += strcmp(c->options[i].name, option) == 0;
    return count;
}

/* Is it the word, or for the first word of a command its plural, as MLflow has them? */
static bool same_word(const char *arg, const char *word, size_t n, bool first)
{
    size_t length = strlen(arg);
    bool plural = first && length == n + 1 && arg[n] == 's';
    return (length == n || plural) && memcmp(arg, word, n) == 0;
}

/* How many leading arguments are the words of a command; 0: not this one. */
static int match(const char *words, char *const *args, int n)
{
    int count = 0;
    for (const char *at = words; *at; count++) {
        size_t length = strcspn(at, " ");
        if (count >= n || !same_word(args[count], at, length, count == 0 && at[length]))
            return 0;
        at += length + (at[length] == ' ');
    }
    return count;
}

static const cli_command *find_words(char *const *args, int n, int *used)
{
    const cli_command *best = NULL;
    *used = 0;
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++) {
            int count = match(command->words, args, n);
            if (count > *used) {
                *used = count;
                best = command;
            }
        }
    return best;
}

const cli_command *cli_find_command(char *const *words, int n, int *used)
{
    const cli_command *found = find_words(words, n, used);
    for (const cli_alias *alias = cli_aliases; !found && alias->words; alias++) {
        int count = match(alias->words, words, n), same;
        char text[64], *canonical[2] = {text, text + strcspn(alias->command, " ") + 1};
        snprintf(text, sizeof text, "%s", alias->command);
        text[strcspn(text, " ")] = '\0';
        found = count ? find_words(canonical, 2, &same) : NULL;
        *used = count;
    }
    return found;
}

/* Before the command is known, all that matters of an option is whether a value follows. */
const cli_option *cli_find_option(const cli_command *of, const char *name, size_t n)
{
    const cli_option *found = find_option(cli_global_options, name, n);
    if (!found && of)
        found = find_option(of->options, name, n);
    for (const cli_command *const *table = cli_tables; !found && !of && *table; table++)
        for (const cli_command *command = *table; !found && command->words; command++)
            found = find_option(command->options, name, n);
    return found;
}

bool cli_is_option(const char *arg)
{
    return arg[0] == '-' && arg[1] && !(arg[1] >= '0' && arg[1] <= '9') && arg[1] != '.' && strcmp(arg, "-inf") != 0 &&
           strcmp(arg, "-Infinity") != 0;
}

/* Which arguments are words and which belong to options is only known with the command: look for it among the words
 * first. */
static const cli_command *command_of(int argc, char **argv, char **words, int *n_words)
{
    int used, n = 0;
    for (int i = 1; i < argc && n < CLI_MAX_ARGS && strcmp(argv[i], "--") != 0; i++) {
        const cli_option *option = NULL;
        if (!cli_is_option(argv[i]))
            words[n++] = argv[i];
        else if (argv[i][1] == '-' && !strchr(argv[i], '='))
            option = cli_find_option(NULL, argv[i] + 2, strlen(argv[i] + 2));
        i += (option && option->arg) || strcmp(argv[i], "-o") == 0;
    }
    *n_words = n;
    return cli_find_command(words, n, &used);
}

static const char *nearest_option(const cli *c, const char *name, size_t n)
{
    char word[64];
    const cli_option *lists[] = {cli_global_options, c->command ? c->command->options : NULL};
    const char *best = NULL;
    int nearest = 3;
    snprintf(word, sizeof word, "%.*s", (int)n, name);
    for (size_t l = 0; l < 2; l++)
        for (const cli_option *option = lists[l]; option && option->name; option++) {
            int d = cli_distance(word, option->name);
            if (d < nearest) {
                nearest = d;
                best = option->name;
            }
        }
    return best;
}

static int no_option(const cli *c, const char *name, size_t n)
{
    const char *of = c->command ? " of " : "", *words = c->command ? c->command->words : "";
    const char *best = nearest_option(c, name, n);
    if (best)
        return cli_usage("unknown option --%.*s%s%s: did you mean --%s?", (int)n, name, of, words, best);
    return cli_usage("unknown option --%.*s%s%s: `mlplat help%s%s` lists them", (int)n, name, of, words,
                     *words ? " " : "", words);
}

static int take_option(cli *c, const char *name, size_t n, const char *value, bool *needs_value)
{
    const cli_option *option = find_option(cli_global_options, name, n);
    if (!option && c->command)
        option = find_option(c->command->options, name, n);
    if (!option)
        return no_option(c, name, n);
    if (!option->arg && value)
        return cli_usage("--%s takes no value", option->name);
    if (c->n_options == CLI_MAX_OPTIONS)
        return cli_usage("more than %d options", CLI_MAX_OPTIONS);
    *needs_value = option->arg && !value;
    c->options[c->n_options].name = option->name;
    c->options[c->n_options++].value = value ? value : "";
    return CLI_OK;
}

/* "-o json", "-ojson", "-q", "-h". */
static int take_letter(cli *c, int argc, char **argv, int *i)
{
    const char *arg = argv[*i], *value = arg[2] ? arg + 2 : NULL;
    bool needs_value = false;
    const char *name = arg[1] == 'o' ? "output" : arg[1] == 'q' ? "quiet" : arg[1] == 'h' ? "help" : NULL;
    if (!name || (value && arg[1] != 'o'))
        return cli_usage("unknown option %s: `mlplat help` lists them", arg);
    int code = take_option(c, name, strlen(name), value, &needs_value);
    if (code == CLI_OK && needs_value) {
        if (*i + 1 >= argc)
            return cli_usage("-%c needs a value", arg[1]);
        c->options[c->n_options - 1].value = argv[++*i];
    }
    return code;
}

static int take_dashed(cli *c, int argc, char **argv, int *i)
{
    if (argv[*i][1] != '-')
        return take_letter(c, argc, argv, i);
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    bool needs_value = false;
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    int code = take_option(c, name, n, equals ? equals + 1 : NULL, &needs_value);
    if (code == CLI_OK && needs_value) {
        if (*i + 1 >= argc)
            return cli_usage("--%.*s needs a value", (int)n, name);
        c->options[c->n_options - 1].value = argv[++*i];
    }
    return code;
}

/* "A B [C] ...": how many must be there and how many may. */
static void arity(const char *args, int *least, int *most)
{
    *least = *most = 0;
    for (const char *at = args; at && *at;) {
        size_t n = strcspn(at, " ");
        if (n == 3 && memcmp(at, "...", 3) == 0)
            *most = CLI_MAX_ARGS;
        else if (*at == '[')
            ++*most;
        else
            ++*least, ++*most;
        at += n + (at[n] == ' ');
    }
}

static int check(cli *c)
{
    static const char *const formats[] = {"table", "json", "yaml", "tsv", "html"};
    const char *format = cli_get(c, "output");
    int least, most, i = 0;
    while (format && i < 5 && strcmp(format, formats[i]) != 0)
        i++;
    if (i == 5)
        return cli_usage("--output %s: it is table, json, yaml, tsv or html", format);
    c->format = (cli_format)i;
    c->quiet = cli_get(c, "quiet") != NULL;
    arity(c->command->args, &least, &most);
    if (c->n_args < least || c->n_args > most)
        return cli_usage("%s takes %s: `mlplat help %s`", c->command->words,
                         *c->command->args ? c->command->args : "no argument", c->command->words);
    return CLI_OK;
}

/* "run" alone is half a command. */
static int no_command(char *const *words, int n)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s%s", words[0], n > 1 ? " " : "", n > 1 ? words[1] : "");
    if (n == 1 && cli_begins(words[0]))
        return cli_usage("%s: one more word is needed: `mlplat help %s` lists them", words[0], words[0]);
    if (cli_begins(words[0]) && !cli_suggest(text))
        return cli_usage("no command '%s': `mlplat help %s` lists those of %s", text, words[0], words[0]);
    return cli_no_command(text);
}

int cli_parse(cli *c, int argc, char **argv)
{
    char *words[CLI_MAX_ARGS] = {0};
    int n_words, skip_words = 0, code = CLI_OK;
    bool options = true;
    c->command = command_of(argc, argv, words, &n_words);
    cli_find_command(words, n_words, &skip_words);
    int skip = skip_words;
    for (int i = 1; i < argc && code == CLI_OK; i++) {
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && cli_is_option(argv[i]))
            code = take_dashed(c, argc, argv, &i);
        else if (skip)
            skip--;
        else if (c->n_args < CLI_MAX_ARGS)
            c->args[c->n_args++] = argv[i];
        else
            code = cli_usage("more than %d arguments", CLI_MAX_ARGS);
    }
    if (code != CLI_OK)
        return code;
    if (cli_get(c, "version")) {
        c->command = NULL;
        printf("mlplat %s\n", mlplat_version());
        return cli_written(CLI_OK);
    }
    if (cli_get(c, "help") || (!c->command && !n_words)) {
        int n = c->command ? skip_words : n_words; /* what follows the words of a command are its arguments */
        c->command = NULL;
        return cli_help((const char *const *)words, n);
    }
    if (!c->command)
        return no_command(words, n_words);
    return check(c);
}
