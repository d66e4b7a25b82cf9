#include "db/search_lex.h"
#include "base/check.h"
#include "base/err.h"
#include "base/text.h"
#include "base/word_chars.h"
#include <string.h>
#include <strings.h>

enum { SHOWN = 60 }; /* of a word in a message */

/* ---- characters -------------------------------------------------------------------------------------------------- */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The character at p, and where the next one begins. */
static uint32_t char_at(const char *p, const char **next)
{
    const unsigned char *at = (const unsigned char *)p;
    uint32_t c = *at ? mlp_check_next_char(&at) : 0;
    *next = (const char *)at;
    return c;
}

/* What the lexer takes for a letter where a number must not go on: Latin ones and the underscore. */
static bool letter(const char *p)
{
    const char *next;
    uint32_t c = char_at(p, &next);
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || (c >= 0xc0 && c <= 0xdc) || (c >= 0xe0 && c <= 0xfc);
}

static const char *word_end(const char *p)
{
    const char *next;
    while (*p && mlp_word_chars_has(char_at(p, &next)))
        p = next;
    return p;
}

/* ---- quotes ------------------------------------------------------------------------------------------------------ */

/* Where the quoted part that begins at p ends, behind its quote; NULL if it does not. A doubled quote and one behind a
 * backslash do not end it, unless the text ends before another quote does. */
static const char *quoted_end(const char *p)
{
    const char *last = NULL;
    char quote = *p;
    for (p++; *p; p++) {
        if (*p == '\\' && p[1] == quote && quote != '`')
            last = p++ + 2;
        else if (*p == quote && p[1] == quote)
            last = ++p;
        else if (*p == quote)
            return p + 1;
    }
    return last;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static const char *digits_end(const char *p)
{
    while (digit(*p))
        p++;
    return p;
}

/* Digits from p, as many as stand before no letter; NULL: none. */
static const char *whole_digits(const char *p)
{
    const char *end = digits_end(p);
    if (end == p || !letter(end))
        return end == p ? NULL : end;
    return end - p > 1 ? end - 1 : NULL;
}

static const char *exponent_end(const char *p)
{
    const char *end = digits_end(p);
    if (end == p)
        return NULL;
    if (*end == '.' && digit(end[1]))
        end = digits_end(end + 1);
    if ((*end | 0x20) != 'e')
        return NULL;
    end += 1 + (end[1] == '-');
    return digit(*end) ? digits_end(end) : NULL;
}

/* "1.", "1.5", ".5": p is behind the minus. */
static const char *fraction_end(const char *p)
{
    const char *dot = digits_end(p);
    if (*dot != '.')
        return NULL;
    const char *end = whole_digits(dot + 1);
    if (end || dot == p)
        return end;
    return !letter(dot + 1) || digit(dot[1]) ? dot + 1 : NULL;
}

static const char *number_end(const char *p, mlp_search_word_kind *kind)
{
    p += *p == '-';
    *kind = MLP_SEARCH_REAL;
    if (*p == '0' && (p[1] | 0x20) == 'x')
        return NULL;
    const char *end = exponent_end(p);
    if (!end)
        end = fraction_end(p);
    if (end)
        return end;
    *kind = MLP_SEARCH_INTEGER;
    return whole_digits(p);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Words that stay keywords behind a dot. */
static bool keyword(const char *p, const char *end)
{
    static const char *const words[] = {"case", "in", "values", "using", "from", "as"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == (size_t)(end - p) && strncasecmp(words[i], p, (size_t)(end - p)) == 0)
            return true;
    return false;
}

/* The end of the part that begins at p; p: there is none. NULL: its quote is not closed. */
static const char *part_end(const char *p)
{
    mlp_search_word_kind kind;
    if (*p == '`' || *p == '"' || *p == '\'')
        return quoted_end(p);
    if (*p == '*')
        return p + 1;
    if (digit(*p) && number_end(p, &kind))
        return p;
    bool plain = letter(p) && *p != '_';
    const char *end = word_end(p);
    if (plain)
        return keyword(p, end) ? p : end;
    while (end > p && (*end == '$' || *end == '#'))
        end = word_end(end + 1);
    return end;
}

/* The name's end; a dot with a number behind it is the number's. */
static const char *name_end(const char *p)
{
    const char *end = *p == '`' || *p == '"' ? quoted_end(p) : word_end(p);
    while (end && *end == '.' && !whole_digits(end + 1)) {
        p = end + 1;
        end = part_end(p);
        if (end == p)
            break;
    }
    return end;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static const char *sign_end(const char *p)
{
    const char *next;
    size_t n = strspn(p, "<>=~!");
    if (n)
        return p + n;
    char_at(p, &next);
    return next;
}

static const char *find_word(const char *p, mlp_search_word_kind *kind)
{
    const char *next, *end;
    *kind = MLP_SEARCH_END;
    if (!*p)
        return p;
    if ((digit(*p) || *p == '-' || *p == '.') && (end = number_end(p, kind)))
        return end;
    *kind = MLP_SEARCH_TEXT;
    if (*p == '\'')
        return quoted_end(p);
    *kind = MLP_SEARCH_NAME;
    if (*p == '`' || *p == '"' || mlp_word_chars_has(char_at(p, &next)))
        return name_end(p);
    *kind = MLP_SEARCH_SIGN;
    return sign_end(p);
}

mlplat_status mlp_search_lex_next(mlp_search_lex *lex, mlplat_error *err)
{
    const char *p = lex->next + strspn(lex->next, " \t\r\n\v\f");
    const char *end = find_word(p, &lex->word.kind);
    lex->word.at = p;
    lex->word.n = end ? (size_t)(end - p) : strlen(p);
    lex->next = p + lex->word.n;
    return end ? MLPLAT_OK : mlp_search_lex_fail(lex, "this quote is not closed", err);
}

mlplat_status mlp_search_lex_skip(mlp_search_lex *lex, const char *to, mlplat_error *err)
{
    lex->next = to;
    return mlp_search_lex_next(lex, err);
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

mlplat_status mlp_search_lex_fail_at(const mlp_search_lex *lex, const char *at, const char *why, mlplat_error *err)
{
    mlp_search_lex there = *lex;
    there.word = (mlp_search_word){.kind = *at ? MLP_SEARCH_SIGN : MLP_SEARCH_END, .at = at, .n = strlen(at)};
    return mlp_search_lex_fail(&there, why, err);
}

mlplat_status mlp_search_lex_fail(const mlp_search_lex *lex, const char *why, mlplat_error *err)
{
    size_t place = 1, shown = lex->word.n;
    for (const char *p = lex->text; p < lex->word.at; p++)
        place += ((unsigned char)*p & 0xc0) != 0x80;
    if (lex->word.kind == MLP_SEARCH_END)
        return mlp_fail(err, MLPLAT_INVALID, "%s, at the end: %s", lex->what, why);
    if (shown > SHOWN)
        for (shown = SHOWN; shown && ((unsigned char)lex->word.at[shown] & 0xc0) == 0x80; shown--)
            ;
    return mlp_fail(err, MLPLAT_INVALID, "%s, character %zu, at %.*s: %s", lex->what, place, (int)shown, lex->word.at,
                    why);
}
