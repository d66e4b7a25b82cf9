/* run diff: the params, metrics and tags in which runs differ. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 3 };
static const char *const kinds[KINDS] = {"param", "metric", "tag"};
static const char *const lists[KINDS] = {"data.params", "data.metrics", "data.tags"};

typedef struct {
    mlplat_doc *runs[CLI_MAX_ARGS];
    int n;
    bool all; /* also what is the same */
} comparison;

/* The value of a key as JSON text, "null" if the run has none. malloc'd. */
static char *value_of(const mlplat_doc *run, const char *list, const char *key)
{
    cli_text text = {0};
    mlplat_doc *value = NULL;
    const char *other = "";
    size_t n = 0;
    mlplat_doc_size(run, list, &n, NULL);
    for (size_t i = 0; i < n && !value; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s[%zu].key", list, i);
        if (mlplat_doc_string(run, path, &other, NULL) != MLPLAT_OK || strcmp(other, key) != 0)
            continue;
        snprintf(path, sizeof path, "%s[%zu].value", list, i);
        mlplat_doc_at(run, path, &value, NULL);
    }
    const char *json = value ? mlplat_doc_text(value) : "null";
    cli_text_add(&text, json, strlen(json));
    mlplat_doc_free(value);
    return text.data;
}

static const char *id_of(const mlplat_doc *run)
{
    const char *id = "";
    mlplat_doc_string(run, "info.run_id", &id, NULL);
    return id;
}

/* One object of the answer, if the runs differ in this key or everything is wanted. */
static void add_key(const comparison *c, int kind, const char *key, cli_text *out)
{
    cli_text row = {0};
    char *first = NULL;
    bool differ = false;
    cli_text_add(&row, "{\"kind\": ", 9);
    cli_text_quote(&row, kinds[kind], strlen(kinds[kind]));
    cli_text_add(&row, ", \"key\": ", 9);
    cli_text_quote(&row, key, strlen(key));
    cli_text_add(&row, ", \"values\": {", 13);
    for (int i = 0; i < c->n; i++) {
        char *value = value_of(c->runs[i], lists[kind], key);
        cli_text_add(&row, ", ", i ? 2 : 0);
        cli_text_quote(&row, id_of(c->runs[i]), strlen(id_of(c->runs[i])));
        cli_text_add(&row, ": ", 2);
        cli_text_add(&row, value, strlen(value));
        differ = differ || (first && strcmp(first, value) != 0);
        if (first)
            free(value);
        else
            first = value;
    }
    cli_text_add(&row, "}}", 2);
    if (differ || c->all) {
        cli_text_add(out, ", ", out->data[out->n - 1] == '[' ? 0 : 2);
        cli_text_add(out, row.data, row.n);
    }
    free(first);
    free(row.data);
}

/* Has one of the runs before this one the key? Then it was seen. */
static bool had(const comparison *c, int before, const char *list, const char *key)
{
    for (int i = 0; i < before; i++) {
        char *value = value_of(c->runs[i], list, key);
        bool there = strcmp(value, "null") != 0;
        free(value);
        if (there)
            return true;
    }
    return false;
}

static void add_kind(const comparison *c, int kind, cli_text *out)
{
    for (int run = 0; run < c->n; run++) {
        size_t n = 0;
        mlplat_doc_size(c->runs[run], lists[kind], &n, NULL);
        for (size_t i = 0; i < n; i++) {
            char path[64];
            const char *key = "";
            snprintf(path, sizeof path, "%s[%zu].key", lists[kind], i);
            mlplat_doc_string(c->runs[run], path, &key, NULL);
            if (!had(c, run, lists[kind], key))
                add_key(c, kind, key, out);
        }
    }
}

static int print(cli *c, const comparison *runs)
{
    cli_text json = {0}, columns = {0};
    mlplat_doc *doc = NULL;
    cli_text_add(&json, "{\"differences\": [", 17);
    for (int kind = 0; kind < KINDS; kind++)
        add_kind(runs, kind, &json);
    cli_text_add(&json, "]}", 2);
    cli_text_add(&columns, "KIND=kind,KEY=key", 17);
    for (int i = 0; i < runs->n; i++) {
        char column[160]; /* a table's head has the beginning of the id: the whole would push the values apart */
        snprintf(column, sizeof column, ",%.*s=values.%s", c->format == CLI_TABLE ? 8 : 32, id_of(runs->runs[i]),
                 id_of(runs->runs[i]));
        cli_text_add(&columns, column, strlen(column));
    }
    int code = cli_result(c, mlplat_doc_parse(json.data, json.n, &doc, &c->err));
    if (code == CLI_OK)
        code = cli_print_list(c, doc, "differences", columns.data);
    free(json.data);
    free(columns.data);
    return code;
}

static int same_twice(const cli *c)
{
    for (int i = 0; i < c->n_args; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(c->args[i], c->args[k]) == 0)
                return cli_usage("run %s is named twice: compare it with others", c->args[i]);
    return CLI_OK;
}

int cli_run_diff(cli *c)
{
    comparison runs = {.all = cli_get(c, "all") != NULL};
    int code = c->n_args > 14 ? cli_usage("run diff takes at most 14 runs") : same_twice(c);
    if (code == CLI_OK)
        code = cli_open(c);
    for (int i = 0; i < c->n_args && code == CLI_OK; i++) {
        code = cli_result(c, mlplat_run_get(c->ml, c->args[i], &runs.runs[runs.n], &c->err));
        runs.n += code == CLI_OK;
    }
    if (code == CLI_OK)
        code = print(c, &runs);
    for (int i = 0; i < runs.n; i++)
        mlplat_doc_free(runs.runs[i]);
    return code;
}
