/* JSON text into jansson's values. Not by jansson's own reader: where memory runs out within a long word, that leaves a
 * character out and goes on. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *text, *at, *end;
    const mlp_json_rules *rules;
    size_t depth, values;
    mlp_buf word; /* the string or number that was read last */
    mlplat_error *err;
} reader;

static mlplat_status read_value(reader *r, json_t **out);

/* ---- what is wrong, and where ------------------------------------------------------------------------------------ */

static mlplat_status wrong(reader *r, const char *what)
{
    size_t line = 1;
    const char *start = r->text;
    for (const char *p = r->text; p < r->at; p++)
        if (*p == '\n') {
            line++;
            start = p + 1;
        }
    return mlp_fail(r->err, MLPLAT_INVALID, "JSON, line %zu, column %zu: %s", line, (size_t)(r->at - start) + 1, what);
}

static mlplat_status too_many(reader *r, size_t most, const char *what)
{
    char text[60];
    snprintf(text, sizeof text, "more than %zu %s", most, what);
    return wrong(r, text);
}

static mlplat_status made(reader *r, json_t *value, json_t **out)
{
    *out = value;
    return value ? MLPLAT_OK : mlp_fail_memory(r->err);
}

static char next(const reader *r)
{
    return r->at < r->end ? *r->at : 0;
}

static void skip_blanks(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static mlplat_status read_mark(reader *r, char mark, const char *missing)
{
    if (next(r) != mark)
        return wrong(r, missing);
    r->at++;
    return MLPLAT_OK;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static bool hex4(reader *r, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        char c = next(r);
        if (!isxdigit((unsigned char)c))
            return false;
        *out = *out * 16 + (unsigned)(isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10);
    }
    return true;
}

/* \uXXXX, of which two make one character beyond the first 65,536. */
static mlplat_status read_unicode(reader *r)
{
    unsigned c, low;
    if (!hex4(r, &c))
        return wrong(r, "\\u needs four hexadecimal digits");
    if (c >= 0xd800 && c < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
        r->at += 2;
        if (!hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
            return wrong(r, "half a character: \\ud800 to \\udbff need \\udc00 to \\udfff behind them");
        c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
    }
    if (c >= 0xd800 && c <= 0xdfff)
        return wrong(r, "half a character: \\ud800 to \\udbff need \\udc00 to \\udfff behind them");
    if (c == 0 && !r->rules->nul)
        return wrong(r, "\\u0000 is not taken");
    mlp_text_put(&r->word, c);
    return MLPLAT_OK;
}

static mlplat_status read_escape(reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found = next(r) ? strchr(from, next(r)) : NULL;
    if (next(r) == 'u') {
        r->at++;
        return read_unicode(r);
    }
    if (!found)
        return wrong(r, "no escape that JSON has");
    r->at++;
    mlp_buf_putc(&r->word, to[found - from]);
    return MLPLAT_OK;
}

/* Behind the opening quote; the text goes to r->word. */
static mlplat_status read_string(reader *r)
{
    mlplat_status s = MLPLAT_OK;
    r->word.size = 0;
    while (s == MLPLAT_OK && r->at < r->end && *r->at != '"') {
        const char *start = r->at;
        while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (unsigned char)*r->at >= 0x20)
            r->at++;
        mlp_buf_add(&r->word, start, (size_t)(r->at - start));
        if (r->at < r->end && *r->at != '"' && *r->at != '\\')
            return wrong(r, "a control character in a string");
        if (!mlp_text_utf8(start, (size_t)(r->at - start)))
            return wrong(r, "a string that is not UTF-8");
        if (next(r) == '\\') {
            r->at++;
            s = read_escape(r);
        }
    }
    if (s != MLPLAT_OK)
        return s;
    if (r->at == r->end)
        return wrong(r, "a string without its end");
    r->at++;
    return mlp_buf_ok(&r->word, r->err);
}

static bool digits(reader *r)
{
    const char *start = r->at;
    while (isdigit((unsigned char)next(r)))
        r->at++;
    return r->at > start;
}

/* *real: it has a fraction or an exponent. */
static bool read_number_word(reader *r, bool *real)
{
    *real = false;
    r->at += next(r) == '-';
    if (next(r) == '0')
        r->at++;
    else if (!digits(r))
        return false;
    if (next(r) == '.') {
        *real = true;
        r->at++;
        if (!digits(r))
            return false;
    }
    if ((next(r) | 32) == 'e') {
        *real = true;
        r->at++;
        r->at += next(r) == '+' || next(r) == '-';
        return digits(r);
    }
    return true;
}

static mlplat_status read_number(reader *r, json_t **out)
{
    bool real;
    double value = 0;
    const char *start = r->at;
    if (!read_number_word(r, &real))
        return wrong(r, "no value that JSON has");
    r->word.size = 0;
    mlp_buf_add(&r->word, start, (size_t)(r->at - start));
    mlp_buf_putc(&r->word, 0);
    mlplat_status s = mlp_buf_ok(&r->word, r->err);
    if (s != MLPLAT_OK)
        return s;
    errno = 0;
    if (!real && !r->rules->reals) {
        long long whole = strtoll(r->word.data, NULL, 10);
        return errno ? wrong(r, "a whole number beyond 64 bits") : made(r, json_integer(whole), out);
    }
    if (!mlp_text_to_double(r->word.data, &value)) /* it is well formed */
        return mlp_fail_memory(r->err);
    if (!isfinite(value))
        return wrong(r, "a number too large");
    return made(r, json_real(value), out);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static mlplat_status read_array(reader *r, json_t **out)
{
    mlplat_status s = made(r, json_array(), out);
    skip_blanks(r);
    if (s == MLPLAT_OK && next(r) == ']') {
        r->at++;
        return s;
    }
    while (s == MLPLAT_OK) {
        json_t *item = NULL;
        s = read_value(r, &item);
        if (s == MLPLAT_OK)
            s = mlp_json_push(*out, item, r->err);
        skip_blanks(r);
        if (s != MLPLAT_OK || next(r) != ',')
            break;
        r->at++;
    }
    return s == MLPLAT_OK ? read_mark(r, ']', "',' or ']' is missing") : s;
}

static mlplat_status read_member(reader *r, json_t *object)
{
    json_t *value = NULL;
    char *key = NULL;
    skip_blanks(r);
    mlplat_status s = read_mark(r, '"', "a key in quotes is missing");
    if (s == MLPLAT_OK)
        s = read_string(r);
    if (s == MLPLAT_OK && memchr(r->word.data ? r->word.data : "", 0, r->word.size))
        s = wrong(r, "\\u0000 in a key");
    if (s == MLPLAT_OK && !(key = mlp_strndup(r->word.data ? r->word.data : "", r->word.size)))
        s = mlp_fail_memory(r->err);
    if (s == MLPLAT_OK && !r->rules->duplicates && json_object_get(object, key))
        s = wrong(r, "a key that was there before");
    skip_blanks(r);
    if (s == MLPLAT_OK)
        s = read_mark(r, ':', "':' is missing");
    if (s == MLPLAT_OK)
        s = read_value(r, &value);
    if (s == MLPLAT_OK && json_object_set_new_nocheck(object, key, value) != 0)
        s = mlp_fail_memory(r->err);
    mlp_free(key);
    return s;
}

static mlplat_status read_object(reader *r, json_t **out)
{
    mlplat_status s = made(r, json_object(), out);
    skip_blanks(r);
    if (s == MLPLAT_OK && next(r) == '}') {
        r->at++;
        return s;
    }
    while (s == MLPLAT_OK) {
        s = read_member(r, *out);
        skip_blanks(r);
        if (s != MLPLAT_OK || next(r) != ',')
            break;
        r->at++;
    }
    return s == MLPLAT_OK ? read_mark(r, '}', "',' or '}' is missing") : s;
}

static bool word_is(reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

static mlplat_status read_nested(reader *r, json_t **out)
{
    if (r->depth == r->rules->levels)
        return too_many(r, r->rules->levels, "levels");
    r->depth++;
    mlplat_status s = *r->at++ == '[' ? read_array(r, out) : read_object(r, out);
    r->depth--;
    return s;
}

/* *out is NULL after a failure. */
static mlplat_status read_value(reader *r, json_t **out)
{
    mlplat_status s;
    *out = NULL;
    skip_blanks(r);
    if (r->values++ == r->rules->values)
        return too_many(r, r->rules->values, "values");
    char c = next(r);
    if (c == '[' || c == '{') {
        s = read_nested(r, out);
    } else if (c == '"') {
        r->at++;
        s = read_string(r);
        if (s == MLPLAT_OK)
            s = made(r, json_stringn_nocheck(r->word.data ? r->word.data : "", r->word.size), out);
    } else if (c == '-' || isdigit((unsigned char)c)) {
        s = read_number(r, out);
    } else if (word_is(r, "true") || word_is(r, "false")) {
        s = made(r, json_boolean(c == 't'), out);
    } else if (word_is(r, "null")) {
        s = made(r, json_null(), out);
    } else {
        s = wrong(r, r->at < r->end ? "no value that JSON has" : "a value is missing");
    }
    if (s != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}

mlplat_status mlp_json_read(const char *text, size_t n, const mlp_json_rules *rules, json_t **out, mlplat_error *err)
{
    reader r = {.text = text, .at = text, .end = text + n, .rules = rules, .err = err};
    mlplat_status s = read_value(&r, out);
    skip_blanks(&r);
    if (s == MLPLAT_OK && r.at < r.end) {
        s = wrong(&r, "something behind the value");
        json_decref(*out);
        *out = NULL;
    }
    mlp_buf_free(&r.word);
    return s;
}
