/* Values of comparisons. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "db/search.h"
#include <math.h>
#include <string.h>

static char *word_text(const mlp_search_lex *lex)
{
    return mlp_strndup(lex->word.at, lex->word.n);
}

static bool is_number(const mlp_search_lex *lex)
{
    return lex->word.kind == MLP_SEARCH_INTEGER || lex->word.kind == MLP_SEARCH_REAL;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* A number that is too large is infinite, which JSON cannot say: true and false stand for the two. */
static json_t *real_value(double v)
{
    return isinf(v) ? json_boolean(v > 0) : json_real(v);
}

static mlplat_status double_value(const mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    double v = 0;
    if (!is_number(lex))
        return mlp_search_lex_fail(lex, "expected a number without quotes", err);
    char *text = word_text(lex);
    if (text && mlp_text_to_double(text, &v)) /* the lexer has seen to its form */
        *out = real_value(v);
    mlp_free(text);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status whole_text(const mlp_search_lex *lex, char *text, json_t **out, mlplat_error *err)
{
    int64_t v = 0;
    mlplat_status s = text ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && !mlp_text_int64(text, &v))
        s = mlp_search_lex_fail(lex, "expected a whole number of at most 64 bits", err);
    mlp_free(text);
    if (s == MLPLAT_OK && !(*out = json_integer(v)))
        s = mlp_fail_memory(err);
    return s;
}

static mlplat_status whole_value(const mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    if (lex->word.kind != MLP_SEARCH_INTEGER)
        return mlp_search_lex_fail(lex, "expected a whole number without quotes", err);
    return whole_text(lex, word_text(lex), out, err);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static bool quoted(const mlp_search_word *w)
{
    return w->n >= 2 && (*w->at == '\'' || *w->at == '"') && w->at[w->n - 1] == *w->at;
}

/* A text in single or double quotes, taken as it stands between them, as MLflow does. */
static mlplat_status text_value(const mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    if (!quoted(&lex->word))
        return mlp_search_lex_fail(lex, "expected a text in quotes, such as 'my-value'", err);
    *out = json_stringn(lex->word.at + 1, lex->word.n - 2);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

/* A word as it stands, without single quotes at its ends. */
static mlplat_status bare_value(const mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    const char *p = lex->word.at, *end = p + lex->word.n;
    if (lex->word.kind == MLP_SEARCH_END || lex->word.kind == MLP_SEARCH_SIGN)
        return mlp_search_lex_fail(lex, "expected a text in single quotes, such as 'my-value'", err);
    while (p < end && *p == '\'')
        p++;
    while (end > p && end[-1] == '\'')
        end--;
    *out = json_stringn(p, (size_t)(end - p));
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status id_value(const mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    if (!quoted(&lex->word))
        return mlp_search_lex_fail(lex, "expected an id in quotes, such as '1'", err);
    return whole_text(lex, mlp_strndup(lex->word.at + 1, lex->word.n - 2), out, err);
}

static mlplat_status count_value(const mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    return quoted(&lex->word) ? id_value(lex, out, err) : whole_value(lex, out, err);
}

/* ---- lists: a tuple of Python's, as in MLflow ------------------------------------------------------------------- */

static int hex_digits(const char *p, int n, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        int c = (unsigned char)p[i] | 0x20;
        int v = p[i] >= '0' && p[i] <= '9' ? p[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (v < 0)
            return 0;
        *out = *out << 4 | (uint32_t)v;
    }
    return n;
}

/* A character by its number, \x41; NULL: none of ours. */
static const char *put_numbered(const char *p, int n, mlp_buf *out)
{
    uint32_t c = 0;
    if (!hex_digits(p + 1, n, &c) || !c || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return NULL;
    mlp_text_put(out, c);
    return p + 1 + n;
}

/* Behind a backslash at p - 1; the place behind it, NULL: none of ours. */
static const char *put_escaped(const char *p, mlp_buf *out)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    const char *at = strchr(from, *p);
    if (*p == 'x' || *p == 'u' || *p == 'U')
        return put_numbered(p, *p == 'x' ? 2 : *p == 'u' ? 4 : 8, out);
    if (*p == 'N' || (*p >= '0' && *p <= '7') || !*p)
        return NULL;
    if (at)
        mlp_buf_putc(out, to[at - from]);
    else if (*p != '\n') { /* one that means nothing stays */
        mlp_buf_putc(out, '\\');
        mlp_buf_putc(out, *p);
    }
    return p + 1;
}

/* The text in quotes at p goes to out; the place behind it, NULL: it is not one. */
static const char *put_literal(const char *p, mlp_buf *out)
{
    char quote = *p;
    if ((quote != '\'' && quote != '"') || (p[1] == quote && p[2] == quote))
        return NULL;
    for (p++; p && *p != quote;) {
        if (!*p || *p == '\n' || *p == '\r')
            return NULL;
        if (*p == '\\')
            p = put_escaped(p + 1, out);
        else
            mlp_buf_putc(out, *p++);
    }
    return p ? p + 1 : NULL;
}

static const char *blank_end(const char *p)
{
    return p + strspn(p, " \t\r\n\f");
}

/* One text, which may be written in pieces; moves *p to what follows. */
static mlplat_status list_item(const mlp_search_lex *lex, const char **p, json_t *list, mlplat_error *err)
{
    mlp_buf text = {0};
    const char *end = *p;
    do {
        *p = end;
        end = put_literal(*p, &text);
        end = end ? blank_end(end) : NULL;
    } while (end && (*end == '\'' || *end == '"'));
    mlplat_status s = end ? mlp_buf_ok(&text, err)
                          : mlp_search_lex_fail_at(lex, *p, "expected a text in quotes, such as ('a', 'b')", err);
    if (s == MLPLAT_OK)
        s = mlp_json_push(list, json_stringn(text.data ? text.data : "", text.size), err);
    mlp_buf_free(&text);
    if (end)
        *p = end;
    return s;
}

static mlplat_status list_value(mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    if (!mlp_search_lex_is(lex, "("))
        return mlp_search_lex_fail(lex, "expected a list of texts, such as ('a', 'b')", err);
    const char *p = lex->word.at;
    mlplat_status s = (*out = json_array()) ? MLPLAT_OK : mlp_fail_memory(err);
    do {
        p = blank_end(p + 1);
        if (*p == ')' && json_array_size(*out))
            break; /* a comma may come last */
        if (s == MLPLAT_OK)
            s = list_item(lex, &p, *out, err);
    } while (s == MLPLAT_OK && *p == ',');
    if (s == MLPLAT_OK && *p != ')')
        s = mlp_search_lex_fail_at(lex, p, "expected , or ) here", err);
    return s == MLPLAT_OK ? mlp_search_lex_skip(lex, p + 1, err) : s;
}

static mlplat_status id_list(mlp_search_lex *lex, json_t **out, mlplat_error *err)
{
    size_t i;
    json_t *item;
    const mlp_search_lex start = *lex;
    mlplat_status s = list_value(lex, out, err);
    json_array_foreach(*out, i, item)
    {
        json_t *id = NULL;
        if (s == MLPLAT_OK)
            s = whole_text(&start, mlp_strdup(json_string_value(item)), &id, err);
        if (s == MLPLAT_OK && json_array_set_new(*out, i, id) != 0)
            s = mlp_fail_memory(err);
    }
    return s;
}

mlplat_status mlp_search_read_value(mlp_search_lex *lex, const mlp_search_language *language, mlp_search_value kind,
                                    bool list, json_t **out, mlplat_error *err)
{
    mlplat_status s;
    if (list)
        return kind == MLP_SEARCH_ID ? id_list(lex, out, err) : list_value(lex, out, err);
    if (kind == MLP_SEARCH_DOUBLE || (kind == MLP_SEARCH_TIME && lex->word.kind != MLP_SEARCH_INTEGER))
        s = double_value(lex, out, err);
    else if (kind == MLP_SEARCH_TIME || kind == MLP_SEARCH_WHOLE)
        s = whole_value(lex, out, err);
    else if (kind == MLP_SEARCH_COUNT)
        s = count_value(lex, out, err);
    else if (kind == MLP_SEARCH_ID)
        s = id_value(lex, out, err);
    else
        s = language->bare_texts ? bare_value(lex, out, err) : text_value(lex, out, err);
    return s == MLPLAT_OK ? mlp_search_lex_next(lex, err) : s;
}
