/* How MLflow's upgrade of traces reads numbers out of what was written down as text: functions for SQL. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "db/schema_inside.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* How long is a number at this place that is none of JSON's: NaN, Infinity, or one too large? 0: there is none. */
static size_t odd_number(const char *at)
{
    static const char *const names[] = {"-Infinity", "Infinity", "NaN"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(at, names[i], strlen(names[i])) == 0)
            return strlen(names[i]);
    size_t n = *at == '-' || isdigit((unsigned char)*at) ? strspn(at, "0123456789+-.eE") : 0;
    return n > 1 && isinf(strtod(at, NULL)) ? n : 0;
}

/* Such numbers become [], in place: no number either. MLflow writes them. */
static void hide_odd_numbers(char *text)
{
    bool quoted = false;
    for (char *at = text; *at; at++) {
        size_t n = quoted ? 0 : odd_number(at);
        if (*at == '\\' && quoted && at[1])
            at++;
        else if (*at == '"')
            quoted = !quoted;
        if (n) {
            memset(at, ' ', n);
            memcpy(at, "[]", 2);
            at += n - 1;
        }
    }
}

/* *out NULL: it is no JSON. false: no memory, which is told to SQLite. */
static bool load(sqlite3_context *context, const char *text, bool reals, json_t **out)
{
    const mlp_json_rules loose = {
        .levels = 1000, .values = SIZE_MAX, .duplicates = true, .nul = true, .reals = reals};
    if (mlp_json_read(text, strlen(text), &loose, out, NULL) != MLPLAT_NO_MEMORY)
        return true;
    sqlite3_result_error_nomem(context);
    return false;
}

/* Whole numbers that no 64 bits hold are real. */
static bool read_json(sqlite3_context *context, const char *text, json_t **out)
{
    if (!load(context, text, false, out))
        return false;
    char *copy = *out ? NULL : mlp_strdup(text);
    if (!*out && !copy) {
        sqlite3_result_error_nomem(context);
        return false;
    }
    if (copy)
        hide_odd_numbers(copy);
    bool good = !copy || load(context, copy, true, out);
    mlp_free(copy);
    return good;
}

/* The text without blanks around it; false: too long to be a number. */
static bool bare(const char *text, char *out, size_t size)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    if (n >= size)
        return false;
    memcpy(out, text, n);
    out[n] = 0;
    return true;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* A decimal that is a whole number of 64 bits: "12", "12.0", "1.2e1". */
static bool whole_number(const char *text, int64_t *out)
{
    char digits[400], *end;
    int n = 0, places = 0;
    bool minus = *text == '-', point = false;
    text += minus || *text == '+';
    for (; isdigit((unsigned char)*text) || (*text == '.' && !point); text++) {
        point = point || *text == '.';
        places += point && *text != '.';
        if (*text != '.')
            digits[n++] = *text;
        if (n == sizeof digits)
            return false;
    }
    long exponent = 0;
    if (n && (*text == 'e' || *text == 'E')) {
        exponent = strtol(text + 1, &end, 10);
        text = end > text + 1 ? end : text;
    }
    if (!n || *text || exponent > 400 || exponent < -400)
        return false;
    exponent -= places;
    while (n > 1 && digits[n - 1] == '0')
        n--, exponent++;
    char plain[900];
    int m = 0;
    plain[m++] = minus ? '-' : '+';
    memcpy(plain + m, digits, (size_t)n);
    m += n;
    if (n == 1 && digits[0] == '0')
        exponent = 0;
    if (exponent < 0)
        return false;
    memset(plain + m, '0', (size_t)exponent);
    plain[m + (int)exponent] = 0;
    return mlp_text_int64(plain + !minus, out);
}

static void count_fn(sqlite3_context *context, int n, sqlite3_value **values)
{
    char text[64];
    int64_t count = 0;
    bool good = false;
    (void)n;
    if (sqlite3_value_type(values[0]) == SQLITE_INTEGER) {
        sqlite3_result_value(context, values[0]);
        return;
    }
    if (sqlite3_value_type(values[0]) == SQLITE_FLOAT) {
        mlp_text_double(sqlite3_value_double(values[0]), text);
        good = whole_number(text, &count);
    } else if (sqlite3_value_type(values[0]) == SQLITE_TEXT) {
        good = bare((const char *)sqlite3_value_text(values[0]), text, sizeof text) && whole_number(text, &count);
    }
    if (good)
        sqlite3_result_int64(context, count);
}

static void finite_fn(sqlite3_context *context, int n, sqlite3_value **values)
{
    char text[400];
    double value = NAN;
    (void)n;
    int type = sqlite3_value_type(values[0]);
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        value = sqlite3_value_double(values[0]);
    else if (type != SQLITE_TEXT || !bare((const char *)sqlite3_value_text(values[0]), text, sizeof text) ||
             !mlp_text_to_double(text, &value))
        return;
    if (isfinite(value))
        sqlite3_result_double(context, value);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* The text or number of a member; NULL: none. */
static void member_fn(sqlite3_context *context, int n, sqlite3_value **values)
{
    const char *text = (const char *)sqlite3_value_text(values[0]);
    json_t *json = NULL;
    (void)n;
    if (!text || !read_json(context, text, &json))
        return;
    const json_t *member = json_object_get(json, (const char *)sqlite3_value_text(values[1]));
    if (json_is_integer(member))
        sqlite3_result_int64(context, json_integer_value(member));
    else if (json_is_real(member))
        sqlite3_result_double(context, json_real_value(member));
    else if (json_is_string(member))
        sqlite3_result_text(context, json_string_value(member), -1, SQLITE_TRANSIENT);
    json_decref(json);
}

static bool word_score(const char *text, double *out)
{
    char word[8];
    bool yes = bare(text, word, sizeof word) && strcasecmp(word, "yes") == 0;
    *out = yes;
    return yes || (bare(text, word, sizeof word) && strcasecmp(word, "no") == 0);
}

/* What an assessment counts for: numbers as they are, true and "yes" 1, false and "no" 0. false: nothing. */
static bool score(const json_t *json, const char *text, double *out)
{
    *out = json_is_true(json) ? 1 : json_real_value(json);
    if (!json || json_is_string(json))
        return word_score(json ? json_string_value(json) : text, out);
    return json_is_boolean(json) || json_is_real(json);
}

static void score_fn(sqlite3_context *context, int n, sqlite3_value **values)
{
    const char *text = (const char *)sqlite3_value_text(values[0]);
    json_t *json = NULL;
    double value = 0;
    (void)n;
    if (!text || !load(context, text, JSON_DECODE_INT_AS_REAL, &json))
        return;
    bool good = score(json, text, &value);
    if (sqlite3_user_data(context))
        sqlite3_result_int(context, json_is_real(json));
    else if (good)
        sqlite3_result_double(context, value);
    json_decref(json);
}

mlplat_status mlp_schema_values(mlp_db *db, mlplat_error *err)
{
    static int asks_for_number;
    static const struct {
        const char *name;
        int n;
        void (*fn)(sqlite3_context *, int, sqlite3_value **);
        void *user;
    } functions[] = {
        {"mlp_count", 1, count_fn, NULL},   {"mlp_finite", 1, finite_fn, NULL},
        {"mlp_member", 2, member_fn, NULL}, {"mlp_score", 1, score_fn, NULL},
        {"mlp_is_number", 1, score_fn, &asks_for_number},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        int code = sqlite3_create_function_v2(db->handle, functions[i].name, functions[i].n,
                                              SQLITE_UTF8 | SQLITE_DETERMINISTIC, functions[i].user, functions[i].fn,
                                              NULL, NULL, NULL);
        if (code != SQLITE_OK)
            return mlp_db_fail(db, code, err);
    }
    return MLPLAT_OK;
}
