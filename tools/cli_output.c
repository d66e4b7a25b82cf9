#include "cli.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* Milliseconds since 1970 as people read them. */
static bool show_time(const mlplat_doc *doc, const char *path, char *out, size_t n)
{
    int64_t ms;
    struct tm tm;
    if (mlplat_doc_int(doc, path, &ms, NULL) != MLPLAT_OK)
        return false;
    time_t seconds = (time_t)(ms / 1000);
    return gmtime_r(&seconds, &tm) && strftime(out, n, "%Y-%m-%d %H:%M:%S", &tm) > 0;
}

/* U+0080 to U+009F, two bytes each: U+009B begins a terminal's sequence as ESC [ does. */
static bool is_c1(const char *at)
{
    return (unsigned char)at[0] == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0;
}

/* U+2028 to U+202E and U+2066 to U+2069: line breaks, and what turns the direction of the text that follows, so that a
 * line reads as what it is not. */
static bool is_turn(const char *at)
{
    const unsigned char *c = (const unsigned char *)at;
    return c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
                            (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

/* What would break a line, or do something to a terminal, is shown as a space. */
static void clean(char *at, const char *keep)
{
    for (; *at; at++) {
        if (is_c1(at)) {
            at[0] = at[1] = ' ';
            at++;
        } else if (is_turn(at)) {
            memset(at, ' ', 3);
            at += 2;
        } else if (((unsigned char)*at < 0x20 || *at == 0x7f) && !strchr(keep, *at)) {
            *at = ' ';
        }
    }
}

/* The document as it is, but for what JSON may hold and a terminal would obey. */
static void put_json(const char *text)
{
    for (;;) {
        size_t n = strcspn(text, "\xc2\xe2\x7f"); /* what may be one of them */
        fwrite(text, 1, n, stdout);
        text += n;
        if (!*text)
            break;
        if (is_c1(text)) {
            printf("\\u%04x", (unsigned char)*++text);
        } else if (is_turn(text)) {
            printf("\\u20%02x", (unsigned)((text[1] & 1) << 6 | (text[2] & 0x3f)));
            text += 2;
        } else if (*text == 0x7f) {
            fputs("\\u007f", stdout);
        } else {
            putchar(*text);
        }
        text++;
    }
    putchar('\n');
}

/* A value for people: text as it is, numbers short, arrays and objects as JSON, nothing as "". malloc'd. */
static char *value_text(const mlplat_doc *doc, const char *path, bool is_time)
{
    mlplat_doc_type type;
    mlplat_doc *value = NULL;
    cli_text out = {0};
    const char *text = "";
    char when[64];
    if (is_time && show_time(doc, path, when, sizeof when))
        text = when;
    else if (mlplat_doc_type_at(doc, path, &type, NULL) == MLPLAT_OK && type != MLPLAT_DOC_NULL) {
        if (type == MLPLAT_DOC_STRING)
            mlplat_doc_string(doc, path, &text, NULL);
        else if (mlplat_doc_at(doc, path, &value, NULL) == MLPLAT_OK)
            text = mlplat_doc_text(value);
    }
    cli_text_add(&out, text, strlen(text));
    mlplat_doc_free(value);
    return out.data;
}

/* The same as a part of one line. */
static char *cell(const mlplat_doc *doc, const char *path, bool is_time)
{
    char *text = value_text(doc, path, is_time);
    clean(text, "");
    return text;
}

typedef struct {
    char name[MAX_COLUMNS][40];
    char path[MAX_COLUMNS][128];
    bool is_time[MAX_COLUMNS];
    int n;
    char more[MAX_COLUMNS][32]; /* lists of keys and values, "*=path": shown of a single document, in a table */
    int n_more;
} layout;

static layout parse_columns(const char *columns, bool table)
{
    layout out = {.n = 0};
    while (*columns && out.n < MAX_COLUMNS && out.n_more < MAX_COLUMNS) {
        size_t name_n = strcspn(columns, "="), path_n = strcspn(columns + name_n + 1, ",");
        const char *path = columns + name_n + 1;
        bool is_time = *path == '@';
        if (*columns == '*') {
            snprintf(out.more[out.n_more++], sizeof out.more[0], "%.*s", (int)path_n, path);
        } else {
            snprintf(out.name[out.n], sizeof out.name[0], "%.*s", (int)name_n, columns);
            snprintf(out.path[out.n], sizeof out.path[0], "%.*s", (int)path_n - is_time, path + is_time);
            out.is_time[out.n++] = is_time && table;
        }
        columns = path + path_n;
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
    size_t n = width_of(s);
    for (size_t gap = n < width ? width - n + 2 : 2; !last && gap; gap--)
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
        int last = columns->n - 1;
        while (last > 0 && !*rows[i][last])
            last--; /* no blanks at the end of a line */
        for (int k = 0; k <= last; k++)
            put_padded(rows[i][k], width[k], k == last);
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

static int print_rows(cli *c, const mlplat_doc *doc, const char *list /* NULL: the document is the row */, size_t n,
                      const char *spec)
{
    layout columns = parse_columns(spec, c->format == CLI_TABLE);
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
            rows[i][k] = cell(doc, path, columns.is_time[k]);
        }
    (c->format == CLI_TSV ? print_tsv : print_table)(&columns, rows, n);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < columns.n; k++)
            free(rows[i][k]);
    free(rows);
    return CLI_OK;
}

/* The lines of a card: names and values, both malloc'd. */
typedef struct {
    char *(*line)[2];
    size_t n, width;
} card;

static void card_add(card *lines, const char *name, char *value)
{
    cli_text text = {0};
    void *grown = realloc(lines->line, (lines->n + 1) * sizeof *lines->line);
    if (!grown) {
        fputs("mlplat: out of memory\n", stderr);
        exit(CLI_FAILED);
    }
    lines->line = grown;
    cli_text_add(&text, name, strlen(name));
    lines->line[lines->n][0] = text.data;
    lines->line[lines->n++][1] = value;
    if (width_of(name) > lines->width)
        lines->width = width_of(name);
}

/* "metrics.loss  0.25" per item of a list of keys and values. */
static void card_add_list(card *lines, const mlplat_doc *doc, const char *list)
{
    size_t n = 0;
    const char *dot = strrchr(list, '.'), *last = dot ? dot + 1 : list;
    mlplat_doc_size(doc, list, &n, NULL);
    for (size_t i = 0; i < n; i++) {
        char path[128];
        cli_text name = {0};
        snprintf(path, sizeof path, "%s[%zu].key", list, i);
        char *key = cell(doc, path, false);
        cli_text_add(&name, last, strlen(last));
        cli_text_add(&name, ".", 1);
        cli_text_add(&name, key, strlen(key));
        snprintf(path, sizeof path, "%s[%zu].value", list, i);
        card_add(lines, name.data, cell(doc, path, false));
        free(name.data);
        free(key);
    }
}

/* One document of many members reads better downwards. */
static int print_card(const mlplat_doc *doc, const char *spec)
{
    layout columns = parse_columns(spec, true);
    card lines = {0};
    for (int k = 0; k < columns.n; k++)
        card_add(&lines, columns.name[k], cell(doc, columns.path[k], columns.is_time[k]));
    for (int k = 0; k < columns.n_more; k++)
        card_add_list(&lines, doc, columns.more[k]);
    for (size_t i = 0; i < lines.n; i++) {
        put_padded(lines.line[i][0], lines.width, !*lines.line[i][1]);
        puts(lines.line[i][1]);
        free(lines.line[i][0]);
        free(lines.line[i][1]);
    }
    free(lines.line);
    return CLI_OK;
}

static int print_document(cli *c, const mlplat_doc *doc)
{
    if (c->format == CLI_JSON) {
        put_json(mlplat_doc_text(doc));
        return CLI_OK;
    }
    char *yaml = NULL;
    int code = cli_result(c, mlplat_doc_yaml(doc, &yaml, &c->err));
    if (code == CLI_OK)
        fputs(yaml, stdout);
    mlplat_free(yaml);
    return code;
}

int cli_written(int code)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || code != CLI_OK)
        return code;
    if (errno != EPIPE) /* a reader that has enough, as head has, need not be told */
        perror("mlplat: cannot write the result");
    return CLI_FAILED;
}

int cli_print(cli *c, mlplat_doc *doc, const char *columns)
{
    int code = CLI_OK;
    if (!c->quiet)
        code = c->format == CLI_TABLE  ? print_card(doc, columns)
               : c->format == CLI_TSV  ? print_rows(c, doc, NULL, 1, columns)
               : c->format == CLI_HTML ? cli_html(c, doc)
                                       : print_document(c, doc);
    mlplat_doc_free(doc);
    return cli_written(code);
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
        code = c->format == CLI_HTML                              ? cli_html(c, doc)
               : c->format == CLI_JSON || c->format == CLI_YAML ? print_items(c, doc, list, n)
                                                                : print_rows(c, doc, list, n, columns);
    code = cli_written(code);
    if (code == CLI_OK && !c->quiet && mlplat_doc_string(doc, "next_page_token", &token, NULL) == MLPLAT_OK && *token)
        fprintf(stderr, "mlplat: there are more: --page-token %s\n", token);
    mlplat_doc_free(doc);
    return code;
}

int cli_print_value(cli *c, mlplat_doc *doc, const char *member)
{
    int code = CLI_OK;
    if (!c->quiet && (c->format == CLI_TABLE || c->format == CLI_TSV)) {
        char *text = value_text(doc, member, false);
        size_t n = strlen(text);
        clean(text, "\n\t"); /* alone it may have lines: a prompt has */
        fputs(text, stdout);
        if (!n || text[n - 1] != '\n')
            putchar('\n');
        free(text);
    } else if (!c->quiet) {
        code = c->format == CLI_HTML ? cli_html(c, doc) : print_document(c, doc);
    }
    mlplat_doc_free(doc);
    return cli_written(code);
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
        puts(columns.data ? columns.data : "");
    else if (!c->quiet && (code = cli_result(c, mlplat_doc_parse(json.data, json.n, &doc, &c->err))) == CLI_OK)
        code = print_document(c, doc);
    mlplat_doc_free(doc);
    free(columns.data);
    free(json.data);
    return cli_written(code);
}
