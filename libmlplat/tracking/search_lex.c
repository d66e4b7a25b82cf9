#include "tracking/search_lex.h"
#include "base/err.h"
#include "base/text.h"
#include <string.h>
#include <strings.h>

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool name_char(char c)
{
    return digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Where the quoted part that begins at p ends, behind its quote; NULL if it does not. A doubled quote and one behind a
 * backslash do not end it. */
static const char *quoted_end(const char *p)
{
    char quote = *p;
    for (p++; *p; p++) {
        if (*p == '\\' && p[1] && quote != '`')
            p++;
        else if (*p == quote && p[1] == quote)
            p++;
        else if (*p == quote)
            return p + 1;
    }
    return NULL;
}

/* The name's end; NULL if a quote is not closed. */
static const char *name_end(const char *p)
{
    for (;;) {
        if (*p == '`' || *p == '"')
            p = quoted_end(p);
        else
            while (name_char(*p))
                p++;
        if (!p || *p != '.')
            return p;
        p++;
    }
}

static const char *number_end(const char *p)
{
    p += *p == '-';
    while (digit(*p))
        p++;
    if (*p == '.' && digit(p[1]))
        for (p++; digit(*p); p++)
            ;
    if ((*p | 0x20) == 'e') {
        const char *exponent = p + 1 + (p[1] == '-' || p[1] == '+');
        if (digit(*exponent))
            for (p = exponent; digit(*p); p++)
                ;
    }
    return p;
}

static bool number_starts(const char *p)
{
    p += *p == '-';
    return digit(*p) || (*p == '.' && digit(p[1]));
}

static const char *sign_end(const char *p)
{
    if ((*p == '!' || *p == '<' || *p == '>' || *p == '=') && p[1] == '=')
        return p + 2;
    return p + (*p == '<' && p[1] == '>' ? 2 : 1);
}

mlplat_status mlp_search_lex_next(mlp_search_lex *lex, mlplat_error *err)
{
    const char *p = lex->next + strspn(lex->next, " \t\r\n"), *end = p;
    lex->word.kind = MLP_SEARCH_SIGN;
    if (!*p) {
        lex->word.kind = MLP_SEARCH_END;
    } else if (number_starts(p)) {
        lex->word.kind = MLP_SEARCH_NUMBER;
        end = number_end(p);
    } else if (*p == '\'') {
        lex->word.kind = MLP_SEARCH_TEXT;
        end = quoted_end(p);
    } else if (name_char(*p) || *p == '`' || *p == '"') {
        lex->word.kind = MLP_SEARCH_NAME;
        end = name_end(p);
    } else {
        end = sign_end(p);
    }
    lex->word.at = p;
    lex->word.n = end ? (size_t)(end - p) : strlen(p);
    lex->next = p + lex->word.n;
    return end ? MLPLAT_OK : mlp_search_lex_fail(lex, "this quote is not closed", err);
}

mlplat_status mlp_search_lex_start(mlp_search_lex *lex, const char *what, const char *text, mlplat_error *err)
{
    *lex = (mlp_search_lex){.what = what, .text = text, .next = text};
    if (!mlp_text_utf8(text, strlen(text)))
        return mlp_fail(err, MLPLAT_INVALID, "%s is not valid UTF-8: encode it so", what);
    return mlp_search_lex_next(lex, err);
}

bool mlp_search_lex_is(const mlp_search_lex *lex, const char *word)
{
    return lex->word.n == strlen(word) && strncasecmp(lex->word.at, word, lex->word.n) == 0;
}

mlplat_status mlp_search_lex_fail(const mlp_search_lex *lex, const char *why, mlplat_error *err)
{
    size_t place = 1;
    for (const char *p = lex->text; p < lex->word.at; p++)
        place += ((unsigned char)*p & 0xc0) != 0x80;
    if (lex->word.kind == MLP_SEARCH_END)
        return mlp_fail(err, MLPLAT_INVALID, "%s, at the end: %s", lex->what, why);
    int shown = lex->word.n < 60 ? (int)lex->word.n : 60;
    return mlp_fail(err, MLPLAT_INVALID, "%s, character %zu, at %.*s: %s", lex->what, place, shown, lex->word.at, why);
}
