/* What may follow a half-written call: one candidate a line, a tab and its help. The last line is ":files", ":folders"
 * or ":none": what else the shell may offer. What an argument can be is told by its name in the table of commands. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 200, LONGEST_S = 3 };

typedef struct {
    cli c; /* what was given so far */
    char *words[CLI_MAX_ARGS];
    int n_words, used;
    const cli_option *pending; /* its value is to come */
    const char *current;       /* the word at the cursor */
    const char *before, *after; /* what stands around the candidates: "--view=" */
    const char *files;         /* the last line */
} state;

static void offer(const state *st, const char *value, const char *help)
{
    size_t skip = strlen(st->before);
    if (!*value || strpbrk(value, "\t\n\r") || strncmp(value, st->current + skip, strlen(st->current + skip)) != 0)
        return;
    printf("%s%s%s\t%.*s\n", st->before, value, st->after, (int)strcspn(help, "\t\n\r"), help);
}

/* ---- from the table ------------------------------------------------------------------------------------------- */

static void offer_words(const state *st)
{
    char last[64] = "";
    for (const cli_group *group = cli_groups; !st->n_words && group->name; group++)
        offer(st, group->name, group->help);
    for (const cli_command *const *table = cli_tables; *table; table++)
        for (const cli_command *command = *table; command->words; command++) {
            size_t n = strcspn(command->words, " ");
            if (!st->n_words && !command->words[n])
                offer(st, command->words, command->help);
            if (st->n_words != 1 || !command->words[n])
                continue;
            snprintf(last, sizeof last, "%.*s", (int)n, command->words);
            size_t given = strlen(st->words[0]);
            if (strncmp(st->words[0], last, n) == 0 && (given == n || (given == n + 1 && st->words[0][n] == 's')))
                offer(st, command->words + n + 1, command->help);
        }
}

static void offer_options(const state *st)
{
    const cli_option *lists[] = {st->c.command ? st->c.command->options : NULL, cli_global_options};
    for (int i = 0; i < 2; i++)
        for (const cli_option *option = lists[i]; option && option->name; option++) {
            char text[64];
            snprintf(text, sizeof text, "--%s", option->name);
            offer(st, text, option->help);
        }
}

/* The I-th argument's name: "RUN_ID [KEY] ..." has RUN_ID, KEY and KEY again. */
static void argument_name(const char *args, int i, char *out, size_t n)
{
    for (*out = '\0'; *args; args += strcspn(args, " "), args += *args == ' ') {
        size_t length = strcspn(args, " ");
        if (length == 3 && memcmp(args, "...", 3) == 0)
            return;
        snprintf(out, n, "%.*s", (int)(length - 2 * (size_t)(*args == '[')), args + (*args == '['));
        if (i-- == 0)
            return;
    }
    if (i >= 0)
        *out = '\0';
}

/* ---- from the store ------------------------------------------------------------------------------------------- */

/* Only a store that is there: completing makes none. */
static bool open_store(state *st)
{
    mlplat_doc *settings = NULL;
    const char *uri = "", *path;
    bool there = false;
    if (cli_open(&st->c) == CLI_OK && mlplat_config(st->c.ml, &settings, NULL) == MLPLAT_OK)
        mlplat_doc_string(settings, "tracking_uri.value", &uri, NULL);
    path = strncmp(uri, "sqlite:///", 10) == 0 ? uri + 10 : NULL;
    there = *uri && !strchr(uri, '%') && (!path || access(path, R_OK) == 0);
    mlplat_doc_free(settings);
    return there;
}

/* The text at a path of item i of a list; "" if there is none. */
static const char *item(const mlplat_doc *doc, const char *list, size_t i, const char *member)
{
    char path[128];
    const char *text = "";
    snprintf(path, sizeof path, "%s[%zu]%s%s", list, i, *member ? "." : "", member);
    if (mlplat_doc_string(doc, path, &text, NULL) != MLPLAT_OK)
        return "";
    return text;
}

static void offer_list(state *st, mlplat_doc *doc, const char *list, const char *value, const char *help)
{
    size_t n = 0;
    mlplat_doc_size(doc, list, &n, NULL);
    for (size_t i = 0; i < n; i++)
        offer(st, item(doc, list, i, value), item(doc, list, i, help));
    mlplat_doc_free(doc);
}

static void offer_runs(state *st)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    char filter[96];
    const char *begun = st->current + strlen(st->before);
    size_t digits = strspn(begun, "0123456789abcdef");
    query.max_results = MOST;
    query.view = strcmp(st->c.command->words, "run restore") == 0 ? MLPLAT_VIEW_DELETED : MLPLAT_VIEW_ACTIVE;
    snprintf(filter, sizeof filter, "attributes.run_id LIKE '%.32s%%'", begun);
    query.filter = *begun ? filter : NULL;
    if (digits <= 32 && begun[digits] == '\0' && mlplat_run_search(st->c.ml, &query, &doc, NULL) == MLPLAT_OK)
        offer_list(st, doc, "runs", "info.run_id", "info.run_name");
}

static void offer_all_experiments(state *st, const char *value, const char *help)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    query.max_results = MOST;
    query.view = strcmp(st->c.command->words, "experiment restore") == 0 ? MLPLAT_VIEW_DELETED : MLPLAT_VIEW_ACTIVE;
    if (mlplat_experiment_search(st->c.ml, &query, &doc, NULL) == MLPLAT_OK)
        offer_list(st, doc, "experiments", value, help);
}

static void offer_experiments(state *st)
{
    offer_all_experiments(st, "name", "experiment_id");
}

static void offer_experiment_ids(state *st)
{
    offer_all_experiments(st, "experiment_id", "name");
}

static void offer_models(state *st)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    query.max_results = MOST;
    if (mlplat_registered_model_search(st->c.ml, &query, &doc, NULL) == MLPLAT_OK)
        offer_list(st, doc, "registered_models", "name", "description");
}

static void offer_prompts(state *st)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    query.max_results = MOST;
    if (mlplat_prompt_search(st->c.ml, &query, &doc, NULL) == MLPLAT_OK)
        offer_list(st, doc, "prompts", "name", "description");
}

static void offer_logged_models(state *st)
{
    mlplat_logged_model_query query = MLPLAT_LOGGED_MODEL_QUERY_INIT;
    mlplat_doc *doc = NULL;
    query.max_results = MOST;
    if (mlplat_logged_model_search(st->c.ml, &query, &doc, NULL) == MLPLAT_OK)
        offer_list(st, doc, "models", "info.model_id", "info.name");
}

/* The model is the first argument. */
static void offer_aliases(state *st, const char *sign)
{
    mlplat_doc *doc = NULL;
    size_t n = 0;
    if (!st->c.n_args || mlplat_registered_model_get(st->c.ml, st->c.args[0], &doc, NULL) != MLPLAT_OK)
        return;
    mlplat_doc_size(doc, "aliases", &n, NULL);
    for (size_t i = 0; i < n; i++) {
        char text[300];
        snprintf(text, sizeof text, "%s%s", sign, item(doc, "aliases", i, "alias"));
        offer(st, text, item(doc, "aliases", i, "version"));
    }
    mlplat_doc_free(doc);
}

static void offer_list_of_versions(state *st)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    query.max_results = MOST;
    query.model = st->c.args[0];
    if (st->c.n_args && mlplat_model_version_search(st->c.ml, &query, &doc, NULL) == MLPLAT_OK)
        offer_list(st, doc, "model_versions", "version", "description");
}

static void offer_versions(state *st)
{
    offer_list_of_versions(st);
    offer_aliases(st, "@");
    offer(st, "latest", "the version with the largest number");
}

/* Keys of what the command is about: "metric history" has those of metrics. The run is the first argument. */
static void offer_keys(state *st)
{
    mlplat_doc *doc = NULL;
    const char *group = st->c.command->words, *list = NULL;
    list = strncmp(group, "metric ", 7) == 0 || strncmp(group, "run ", 4) == 0 ? "data.metrics"
           : strncmp(group, "param ", 6) == 0                                  ? "data.params"
           : strncmp(group, "tag ", 4) == 0                                    ? "data.tags"
                                                                               : NULL;
    if (list && st->c.n_args && mlplat_run_get(st->c.ml, st->c.args[0], &doc, NULL) == MLPLAT_OK)
        offer_list(st, doc, list, "key", "value");
}

/* What is in the folder of a URI that ends in a slash. */
static void offer_files(state *st, char *folder)
{
    mlplat_doc *doc = NULL;
    size_t n = 0, top = strcspn(strchr(folder, '/') + 1, "/") + (size_t)(strchr(folder, '/') + 1 - folder) + 1;
    folder[strlen(folder) - 1] = '\0';
    if (mlplat_artifact_list(st->c.ml, folder, &doc, NULL) != MLPLAT_OK)
        return;
    folder[top - 1] = '/';
    mlplat_doc_size(doc, "files", &n, NULL);
    for (size_t i = 0; i < n; i++) {
        char text[1024], path[64];
        int is_dir = 0;
        snprintf(path, sizeof path, "files[%zu].is_dir", i);
        mlplat_doc_bool(doc, path, &is_dir, NULL);
        snprintf(text, sizeof text, "%.*s%s%s", (int)top, folder, item(doc, "files", i, "path"), is_dir ? "/" : "");
        offer(st, text, is_dir ? "folder" : "file");
    }
    mlplat_doc_free(doc);
}

/* Every candidate stands between the two texts. */
static void offer_within(state *st, const char *prefix, const char *suffix, void (*list)(state *st))
{
    const char *before = st->before;
    char text[400];
    snprintf(text, sizeof text, "%.60s%.320s", before, prefix);
    st->before = text;
    st->after = suffix;
    list(st);
    st->before = before;
    st->after = "";
}

/* Of the model in "models:/name/". */
static void offer_numbers(state *st, const char *folder)
{
    char name[300], prefix[304];
    snprintf(prefix, sizeof prefix, "%.300s", folder);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(folder + 8, "/"), folder + 8);
    st->c.args[0] = name;
    st->c.n_args = 1;
    offer_within(st, prefix, "/", offer_list_of_versions);
}

static void offer_uris(state *st)
{
    char folder[1024];
    const char *begun = st->current + strlen(st->before), *slash = strrchr(begun, '/');
    size_t runs = strncmp(begun, "runs:/", 6) == 0 ? 6 : 0, models = strncmp(begun, "models:/", 8) == 0 ? 8 : 0;
    if (!runs && !models) {
        offer(st, "runs:/", "artifacts of a run");
        offer(st, "models:/", "a version of a registered model");
        st->files = ":files";
    } else if (slash == begun + runs + models - 1) {
        offer_within(st, runs ? "runs:/" : "models:/", "/", runs ? offer_runs : offer_models);
    } else {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - begun + 1), begun);
        models = models && strchr(folder + models, '/') == folder + strlen(folder) - 1 && !strchr(folder, '@');
        models ? offer_numbers(st, folder) : offer_files(st, folder);
    }
}

/* ---- by the name of the argument ------------------------------------------------------------------------------ */

/* Of MLflow, for which a store can be made. */
static void offer_releases(state *st)
{
    mlplat_doc *doc = NULL;
    if (mlplat_store_heads(&doc, NULL) == MLPLAT_OK)
        offer_list(st, doc, "heads", "mlflow", "head");
}

static void offer_aliases_plain(state *st)
{
    offer_aliases(st, "");
}

static const struct {
    const char *name;
    void (*offer)(state *st); /* from the store */
    const char *values;       /* or these, by blanks */
    const char *files;        /* or these */
} kinds[] = {
    {"RUN_ID", offer_runs, NULL, NULL},
    {"EXPERIMENT", offer_experiments, NULL, NULL},
    {"ID", offer_experiment_ids, NULL, NULL}, /* --experiment-id */
    {"IDS", offer_experiment_ids, NULL, NULL},
    {"MODEL", offer_models, NULL, NULL},
    {"MODEL_ID", offer_logged_models, NULL, NULL},
    {"PROMPT", offer_prompts, NULL, NULL},
    {"VERSION", offer_versions, NULL, NULL},
    {"ALIAS", offer_aliases_plain, NULL, NULL},
    {"KEY", offer_keys, NULL, NULL},
    {"URI", offer_uris, NULL, NULL},
    {"SOURCE", offer_uris, NULL, NULL},
    {"AXIS", NULL, "step elapsed clock", NULL},
    {"FORMAT", NULL, "table json yaml tsv html", NULL},
    {"LEVEL", NULL, "memory process disk remote", NULL},
    {"VIEW", NULL, "active deleted all", NULL},
    {"STATUS", NULL, "FINISHED FAILED KILLED", NULL},
    {"OUTCOME", NULL, "READY FAILED", NULL},
    {"MEASURE", NULL, "step time", NULL},
    {"STAGE", NULL, "None Staging Production Archived", NULL},
    {"STAGES", NULL, "None Staging Production Archived", NULL},
    {"WHAT", NULL, "fail keep replace", NULL},
    {"RECORDS", NULL, "dead waiting", NULL},
    {"LEFTOVERS", NULL, "dead waiting damaged", NULL},
    {"RELEASE", offer_releases, NULL, NULL},
    {"SHELL", NULL, "bash zsh fish", NULL},
    {"COMMAND", NULL, NULL, NULL}, /* see offer_all */
    {"FILE", NULL, NULL, ":files"},
    {"PATH", NULL, NULL, ":files"},
    {"PROGRAM", NULL, NULL, ":files"},
    {"FOLDER", NULL, NULL, ":folders"},
};

/* No candidates, as only the user knows: NAME NEW_NAME TEXT DESCRIPTION VALUE KEY=VALUE NAME=VALUE N MS MODULE JSON
 * KEYS FILTER TOKEN URL IMAGE TIME PIXELS WEIGHT WEBHOOK_ID EVENT EVENTS PID. */

static void offer_values(const state *st, const char *values)
{
    for (size_t n; *values; values += n, values += *values == ' ') {
        char one[32];
        n = strcspn(values, " ");
        snprintf(one, sizeof one, "%.*s", (int)n, values);
        offer(st, one, "");
    }
}

/* --tracking-uri and --registry-uri name stores, not artifacts. */
static void offer_store_uri(state *st)
{
    offer(st, "sqlite:///", "a file");
    st->files = ":files";
}

static void offer_kind(state *st, const char *name)
{
    if (st->pending && strlen(st->pending->name) > 4 &&
        strcmp(st->pending->name + strlen(st->pending->name) - 4, "-uri") == 0) {
        offer_store_uri(st);
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        if (kinds[i].values)
            offer_values(st, kinds[i].values);
        if (kinds[i].files)
            st->files = kinds[i].files;
        if (kinds[i].offer && (kinds[i].offer == offer_releases || open_store(st)))
            kinds[i].offer(st);
        else if (kinds[i].offer == offer_uris)
            st->files = ":files";
    }
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void take_value(state *st, const cli_option *option, const char *value)
{
    if (st->c.n_options == CLI_MAX_OPTIONS)
        return;
    st->c.options[st->c.n_options].name = option->name;
    st->c.options[st->c.n_options++].value = value;
}

static const cli_option *option_of(const cli_command *command, const char *word, size_t n)
{
    if (strcmp(word, "-o") == 0)
        return cli_find_option(NULL, "output", 6);
    return word[1] == '-' ? cli_find_option(command, word + 2, n - 2) : NULL;
}

/* All words but the last. */
static void read_words(state *st, int n, char **words, const cli_command *command)
{
    bool options = true;
    st->n_words = st->c.n_options = 0;
    st->pending = NULL;
    for (int i = 0; i < n; i++) {
        size_t length = strcspn(words[i], "=");
        if (options && strcmp(words[i], "--") == 0) {
            options = false;
        } else if (!options || !cli_is_option(words[i])) {
            if (st->n_words < CLI_MAX_ARGS)
                st->words[st->n_words++] = words[i];
        } else {
            const cli_option *option = option_of(command, words[i], length);
            if (option && words[i][length])
                take_value(st, option, words[i] + length + 1);
            else if (option && option->arg && i + 1 < n)
                take_value(st, option, words[++i]);
            else if (option && option->arg)
                st->pending = option;
        }
    }
    st->current = words[n];
    if (!options)
        st->files = ":none"; /* behind "--" no option may follow */
}

static void read_call(state *st, int n, char **words)
{
    read_words(st, n - 1, words, NULL);
    st->c.command = cli_find_command(st->words, st->n_words, &st->used);
    if (st->c.command)
        read_words(st, n - 1, words, st->c.command);
    for (int i = st->used; i < st->n_words; i++)
        st->c.args[st->c.n_args++] = st->words[i];
}

/* bash hands over words as they were typed, with their quotes. */
static void unquote(char *word)
{
    char quote = '\0', *out = word;
    for (char *at = word; *at; at++) {
        if (quote != '\'' && *at == '\\' && at[1])
            *out++ = *++at;
        else if (quote ? *at == quote : *at == '"' || *at == '\'')
            quote = quote ? '\0' : *at;
        else
            *out++ = *at;
    }
    *out = '\0';
}

/* "--view=del": the value's candidates stand behind "--view=". */
static bool offer_joined(state *st)
{
    size_t n = strcspn(st->current, "=");
    const cli_option *option = st->current[n] && cli_is_option(st->current) ? option_of(st->c.command, st->current, n)
                                                                            : NULL;
    char before[80];
    if (!option || !option->arg || n + 2 > sizeof before)
        return false;
    snprintf(before, sizeof before, "%.*s", (int)n + 1, st->current);
    st->before = before;
    st->pending = option;
    offer_kind(st, option->arg);
    st->before = "";
    return true;
}

static void offer_all(state *st)
{
    char name[64];
    if (st->pending) {
        offer_kind(st, st->pending->arg);
    } else if (st->current[0] == '-' && offer_joined(st)) {
        return;
    } else if (st->current[0] == '-') {
        offer_options(st);
    } else if (!st->c.command) {
        offer_words(st);
    } else if (strcmp(st->c.command->words, "help") == 0) {
        st->n_words -= st->used;
        memmove(st->words, st->words + st->used, (size_t)st->n_words * sizeof *st->words);
        offer_words(st);
    } else {
        argument_name(st->c.command->args, st->c.n_args, name, sizeof name);
        offer_kind(st, name);
    }
}

int cli_complete(int n, char **words)
{
    state st = {.before = "", .after = "", .files = ":none"};
    if (n < 2 || n > CLI_MAX_ARGS || !freopen("/dev/null", "w", stderr))
        return CLI_USAGE;
    alarm(LONGEST_S); /* a store that is slow to answer must not hold up who is typing */
    for (int i = 1; i < n && strcmp(words[0], "bash") == 0; i++)
        unquote(words[i]);
    read_call(&st, n - 1, words + 1);
    offer_all(&st);
    puts(st.files);
    mlplat_close(st.c.ml);
    return CLI_OK;
}
