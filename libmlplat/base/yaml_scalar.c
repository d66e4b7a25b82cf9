#include "base/yaml_scalar.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static bool all_in(const char *text, const char *set)
{
    return *text && text[strspn(text, set)] == 0;
}

static mlplat_status read_int(const char *text, int base, const char *digits, json_t **out, mlplat_error *err)
{
    errno = 0;
    long long value = strtoll(digits, NULL, base);
    if (errno == ERANGE)
        return mlp_fail(err, MLPLAT_INVALID,
                        "the number %.80s does not fit 64 bits: put it in quotes to keep it as text", text);
    *out = json_integer(value);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *text)
{
    static const char digits[] = "0123456789";
    const char *at = text + (*text == '-' || *text == '+');
    size_t whole = strspn(at, digits), fraction = 0;
    at += whole;
    if (*at == '.') {
        fraction = strspn(at + 1, digits);
        at += 1 + fraction;
    }
    if (!whole && !fraction)
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '-' || *at == '+';
        return all_in(at, digits);
    }
    return *at == 0;
}

mlplat_status mlp_yaml_scalar_read(const char *text, json_t **out, mlplat_error *err)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const truths[] = {"true", "True", "TRUE", NULL}, *const lies[] = {"false", "False", "FALSE",
                                                                                         NULL};
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL}, *const nans[] = {".nan", ".NaN", ".NAN",
                                                                                             NULL};
    const char *unsigned_text = text + (*text == '-' || *text == '+');
    double value;
    *out = NULL;
    if (all_in(unsigned_text, "0123456789"))
        return read_int(text, 10, text, out, err);
    if (text[0] == '0' && text[1] == 'o' && all_in(text + 2, "01234567"))
        return read_int(text, 8, text + 2, out, err);
    if (text[0] == '0' && text[1] == 'x' && all_in(text + 2, "0123456789abcdefABCDEF"))
        return read_int(text, 16, text + 2, out, err);
    if (one_of(text, nulls))
        *out = json_null();
    else if (one_of(text, truths) || one_of(text, lies))
        *out = json_boolean(one_of(text, truths));
    else if (one_of(unsigned_text, infinities))
        *out = mlp_json_double(*text == '-' ? -INFINITY : INFINITY);
    else if (one_of(text, nans))
        *out = mlp_json_double(NAN);
    else if (!is_float(text))
        *out = json_string(text);
    else if (mlp_text_to_double(text, &value))
        *out = mlp_json_double(value);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

/* Numbers, dates, times and versions all start so; quoting a few words too many costs nothing. */
bool mlp_yaml_scalar_ambiguous(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    if (!*text || strchr("0123456789+-.=~<", *text))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}
