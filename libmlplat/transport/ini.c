#include "transport/ini.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "transport/secret.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\f\v"

typedef struct reader {
    const char *section, *key; /* looked for */
    const char *line;
    size_t size; /* of the line, without the blanks at its end */
    size_t number;
    size_t indent; /* of the last key */
    bool in_section, in_default, any_section, any_key;
    bool section_seen;
    mlp_buf *open; /* what a continued line is added to */
    bool value_seen, default_seen;
    mlp_buf value, fallback, ignored;
} reader;

static mlplat_status refuse(const reader *r, const char *why, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_INVALID, "line %zu %s", r->number, why);
}

static mlplat_status read_section(reader *r, const char *at, mlplat_error *err)
{
    const char *end = mlp_text_last(at, ']', (size_t)(r->line + r->size - at));
    if (!end || end == at + 1)
        return refuse(r, "begins a section that has no name or no ']'", err);
    size_t n = (size_t)(end - at - 1);
    r->in_default = n == 7 && strncmp(at + 1, "DEFAULT", n) == 0;
    r->in_section = n == strlen(r->section) && strncmp(at + 1, r->section, n) == 0;
    if (r->in_section && r->section_seen)
        return refuse(r, "begins a section that was there before", err);
    r->section_seen = r->section_seen || r->in_section;
    r->any_section = true;
    r->any_key = false;
    return MLPLAT_OK;
}

/* "%%" is a percent sign. Python refuses a single one; it is taken as it stands here. */
static mlplat_status add_value(const reader *r, const char *at, size_t n, mlplat_error *err)
{
    for (size_t i = 0; i < n; i++) {
        bool wanted = r->open != &r->ignored;
        if (wanted && at[i] == '%' && i + 1 < n && at[i + 1] == '(')
            return refuse(r, "has a value that refers to another by %(name)s: write it out", err);
        mlp_buf_putc(r->open, at[i]);
        i += at[i] == '%' && i + 1 < n && at[i + 1] == '%';
    }
    return MLPLAT_OK;
}

/* Where values of the key go; the key looked for may be there once. */
static mlplat_status choose(reader *r, const char *at, size_t n, mlplat_error *err)
{
    bool same = n == strlen(r->key) && strncasecmp(at, r->key, n) == 0;
    bool *seen = !same ? NULL : r->in_section ? &r->value_seen : r->in_default ? &r->default_seen : NULL;
    r->open = !seen ? &r->ignored : r->in_section ? &r->value : &r->fallback;
    if (seen && *seen)
        return refuse(r, "has a key that was there before", err);
    if (seen)
        *seen = true;
    mlp_secret_clear(&r->ignored);
    return MLPLAT_OK;
}

static mlplat_status read_key(reader *r, const char *at, mlplat_error *err)
{
    size_t rest = (size_t)(r->line + r->size - at), n = 0, value;
    if (!r->any_section)
        return refuse(r, "stands before the first section: write [mlflow] above it", err);
    while (n < rest && at[n] != '=' && at[n] != ':')
        n++;
    if (n == rest || n == 0)
        return refuse(r, "is no section, no comment and no 'key = value'", err);
    for (value = n + 1; value < rest && strchr(BLANKS, at[value]);)
        value++;
    while (n && strchr(BLANKS, at[n - 1]))
        n--;
    r->any_key = true;
    r->indent = (size_t)(at - r->line);
    mlplat_status s = choose(r, at, n, err);
    return s == MLPLAT_OK ? add_value(r, at + value, rest - value, err) : s;
}

static mlplat_status read_line(reader *r, mlplat_error *err)
{
    size_t blank = strspn(r->line, BLANKS);
    const char *at = r->line + blank;
    if (blank >= r->size || *at == '#' || *at == ';')
        return MLPLAT_OK;
    if (r->any_key && blank > r->indent) {
        mlp_buf_putc(r->open, '\n');
        return add_value(r, at, r->size - blank, err);
    }
    return *at == '[' ? read_section(r, at, err) : read_key(r, at, err);
}

static mlplat_status read_lines(reader *r, const char *text, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && *text) {
        size_t n = strcspn(text, "\n");
        r->line = text;
        r->size = n;
        r->number++;
        while (r->size && strchr(BLANKS, text[r->size - 1]))
            r->size--;
        s = read_line(r, err);
        text += n + (text[n] == '\n');
    }
    return s;
}

mlplat_status mlp_ini_find(const char *text, const char *section, const char *key, char **out, mlplat_error *err)
{
    reader r = {.section = section, .key = key};
    *out = NULL;
    mlplat_status s = read_lines(&r, text, err);
    mlp_buf *found = r.value_seen ? &r.value : r.default_seen && r.section_seen ? &r.fallback : NULL;
    if (s == MLPLAT_OK && found && (found->failed || !(*out = mlp_strdup(found->data ? found->data : ""))))
        s = mlp_fail_memory(err);
    mlp_secret_clear(&r.value);
    mlp_secret_clear(&r.fallback);
    mlp_secret_clear(&r.ignored);
    return s;
}
