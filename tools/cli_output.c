#include "cli.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 16, WIDEST = 60 };

void cli_text_add(cli_text *text, const char *s, size_t n)
{
    char *grown = realloc(text->data, text->n + n + 1);
    if (!grown) {
        fputs("mlplat: out of memory\n", stderr);
        exit(CLI_FAILED);
    }
    memcpy(grown + text->n, s, n);
    text->data = grown;
    text->n += n;
    text->data[text->n] = '\0';
}

void cli_text_quote(cli_text *text, const char *s, size_t n)
{
    cli_text_add(text, "\"", 1);
    for (size_t i = 0; i < n; i++) {
        char escaped[8];
        unsigned char ch = (unsigned char)s[i];
        if (ch == '"' || ch == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", ch);
        else if (ch < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", ch);
        else
            snprintf(escaped, sizeof escaped, "%c", ch);
        cli_text_add(text, escaped, strlen(escaped));
    }
    cli_text_add(text, "\"", 1);
}

/* A value for people: text as it is, numbers short, arrays and objects as JSON, nothing as "". malloc'd. */
static char *cell(const mlplat_doc *doc, const char *path)
{
    mlplat_doc_type type;
    mlplat_doc *value = NULL;
    cli_text out = {0};
    const char *text = "";
    if (mlplat_doc_type_at(doc, path, &type, NULL) == MLPLAT_OK && type != MLPLAT_DOC_NULL) {
        if (type == MLPLAT_DOC_STRING)
            mlplat_doc_string(doc, path, &text, NULL);
        else if (mlplat_doc_at(doc, path, &value, NULL) == MLPLAT_OK)
            text = mlplat_doc_text(value);
    }
    /* One row is one line: what would break it is shown as a space. */
    cli_text_add(&out, text, strlen(text));
    for (char *at = out.data; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    mlplat_doc_free(value);
    return out.data;
}

typedef struct {
    char name[MAX_COLUMNS][32];
    char path[MAX_COLUMNS][128];
    int n;
} layout;

static layout parse_columns(const char *columns)
{
    layout out = {.n = 0};
    while (*columns && out.n < MAX_COLUMNS) {
        size_t name_n = strcspn(columns, "="), path_n = strcspn(columns + name_n + 1, ",");
        snprintf(out.name[out.n], sizeof out.name[0], "%.*s", (int)name_n, columns);
        snprintf(out.path[out.n++], sizeof out.path[0], "%.*s", (int)path_n, columns + name_n + 1);
        columns += name_n + 1 + path_n;
        columns += *columns == ',';
    }
    return out;
}

static size_t width_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void put_padded(const char *s, size_t width, bool last)
{
    fputs(s, stdout);
    for (size_t n = width_of(s); !last && n < width + 2; n++)
        putchar(' ');
}

static void print_table(const layout *columns, char *(*rows)[MAX_COLUMNS], size_t n)
{
    size_t width[MAX_COLUMNS] = {0};
    for (int k = 0; k < columns->n; k++) {
        width[k] = strlen(columns->name[k]);
        for (size_t i = 0; i < n; i++)
            if (width_of(rows[i][k]) > width[k])
                width[k] = width_of(rows[i][k]);
        if (width[k] > WIDEST)
            width[k] = WIDEST;
    }
    for (int k = 0; k < columns->n; k++)
        put_padded(columns->name[k], width[k], k == columns->n - 1);
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < columns->n; k++)
            put_padded(rows[i][k], width[k], k == columns->n - 1);
        putchar('\n');
    }
}

static void print_tsv(const layout *columns, char *(*rows)[MAX_COLUMNS], size_t n)
{
    for (int k = 0; k < columns->n; k++)
        printf("%s%s", k ? "\t" : "", columns->name[k]);
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < columns->n; k++)
            printf("%s%s", k ? "\t" : "", rows[i][k]);
        putchar('\n');
    }
}

static int print_rows(cli *c, const mlplat_doc *doc, const char *list, size_t n, const char *spec)
{
    layout columns = parse_columns(spec);
    char *(*rows)[MAX_COLUMNS] = calloc(n ? n : 1, sizeof *rows);
    if (!rows)
        return cli_result(c, MLPLAT_NO_MEMORY);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < columns.n; k++) {
            char path[256];
            if (list)
                snprintf(path, sizeof path, "%s[%zu]%s%s", list, i, *columns.path[k] ? "." : "", columns.path[k]);
            else
                snprintf(path, sizeof path, "%s", columns.path[k]);
            rows[i][k] = cell(doc, path);
        }
    (c->format == CLI_TSV ? print_tsv : print_table)(&columns, rows, n);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < columns.n; k++)
            free(rows[i][k]);
    free(rows);
    return CLI_OK;
}

static int print_document(cli *c, const mlplat_doc *doc)
{
    if (c->format == CLI_JSON) {
        puts(mlplat_doc_text(doc));
        return CLI_OK;
    }
    char *yaml = NULL;
    int code = cli_result(c, mlplat_doc_yaml(doc, &yaml, &c->err));
    if (code == CLI_OK)
        fputs(yaml, stdout);
    mlplat_free(yaml);
    return code;
}

/* What could not be written is a failure: a full disk behind a redirection must not look like success. */
static int written(int code)
{
    if (fflush(stdout) != 0 && code == CLI_OK) {
        perror("mlplat: cannot write the result");
        return CLI_FAILED;
    }
    return code;
}

int cli_print(cli *c, mlplat_doc *doc, const char *columns)
{
    int code = CLI_OK;
    if (!c->quiet)
        code = c->format == CLI_JSON || c->format == CLI_YAML ? print_document(c, doc)
                                                              : print_rows(c, doc, NULL, 1, columns);
    mlplat_doc_free(doc);
    return written(code);
}

static int print_items(cli *c, const mlplat_doc *doc, const char *list, size_t n)
{
    int code = CLI_OK;
    for (size_t i = 0; i < n && code == CLI_OK; i++) {
        char path[128];
        mlplat_doc *item = NULL;
        snprintf(path, sizeof path, "%s[%zu]", list, i);
        code = cli_result(c, mlplat_doc_at(doc, path, &item, &c->err));
        if (code == CLI_OK && i && c->format == CLI_YAML)
            puts("---");
        if (code == CLI_OK)
            code = print_document(c, item);
        mlplat_doc_free(item);
    }
    return code;
}

int cli_print_list(cli *c, mlplat_doc *doc, const char *list, const char *columns)
{
    size_t n = 0;
    int code = CLI_OK;
    const char *token = NULL;
    mlplat_doc_size(doc, list, &n, NULL);
    if (!c->quiet)
        code = c->format == CLI_JSON || c->format == CLI_YAML ? print_items(c, doc, list, n)
                                                              : print_rows(c, doc, list, n, columns);
    code = written(code);
    if (code == CLI_OK && !c->quiet && mlplat_doc_string(doc, "next_page_token", &token, NULL) == MLPLAT_OK && *token)
        fprintf(stderr, "mlplat: there are more: --page-token %s\n", token);
    mlplat_doc_free(doc);
    return code;
}

int cli_print_pairs(cli *c, ...)
{
    cli_text json = {0}, columns = {0};
    mlplat_doc *doc = NULL;
    va_list values;
    va_start(values, c);
    for (const char *key; (key = va_arg(values, const char *));) {
        const char *value = va_arg(values, const char *);
        cli_text_add(&json, json.data ? ", " : "{", json.data ? 2 : 1);
        cli_text_quote(&json, key, strlen(key));
        cli_text_add(&json, ": ", 2);
        cli_text_quote(&json, value, strlen(value));
        if (!columns.data)
            cli_text_add(&columns, value, strlen(value));
    }
    va_end(values);
    cli_text_add(&json, "}", 1);
    int code = CLI_OK;
    if (!c->quiet && (c->format == CLI_TABLE || c->format == CLI_TSV))
        puts(columns.data);
    else if (!c->quiet && cli_result(c, mlplat_doc_parse(json.data, json.n, &doc, &c->err)) == CLI_OK)
        code = print_document(c, doc);
    mlplat_doc_free(doc);
    free(columns.data);
    free(json.data);
    return written(code);
}
