#include "pipelines/port_type.h"
#include "base/err.h"
#include "base/text.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    mlp_kind kind;
} parameter_names[] = {
    {"NUMBER_DOUBLE", MLP_KIND_DOUBLE},
    {"NUMBER_INTEGER", MLP_KIND_INTEGER},
    {"STRING", MLP_KIND_STRING},
    {"BOOLEAN", MLP_KIND_BOOLEAN},
    {"LIST", MLP_KIND_LIST},
    {"STRUCT", MLP_KIND_STRUCT},
    {"Double", MLP_KIND_DOUBLE},
    {"Float", MLP_KIND_DOUBLE},
    {"Integer", MLP_KIND_INTEGER},
    {"Int", MLP_KIND_INTEGER},
    {"Str", MLP_KIND_STRING},
    {"Text", MLP_KIND_STRING},
    {"Bool", MLP_KIND_BOOLEAN},
    {"Dict", MLP_KIND_STRUCT},
    {"JsonObject", MLP_KIND_STRUCT},
    {"JsonArray", MLP_KIND_LIST},
};
static const char *const artifact_names[] = {
    "Artifact", "Model",    "Dataset", "Metrics", "ClassificationMetrics", "SlicedClassificationMetrics",
    "HTML",     "Markdown",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "ns.Name": letters, digits and underscores around dots, as schema titles are. */
static bool is_title(const char *text)
{
    const char *dot = strchr(text, '.');
    if (!dot || dot == text || !dot[1] || strlen(text) >= sizeof((mlp_port_type *)0)->title)
        return false;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '.')
            return false;
    return true;
}

mlplat_status mlp_port_type_parse(const char *text, const char *what, mlp_port_type *out, mlplat_error *err)
{
    *out = (mlp_port_type){0};
    if (!text || !*text)
        return mlp_fail(err, MLPLAT_INVALID, "%s has no type; give one as \"Integer\" or \"Dataset\"", what);
    for (size_t i = 0; i < COUNT(parameter_names) && out->kind == MLP_KIND_NONE; i++)
        if (strcasecmp(text, parameter_names[i].name) == 0)
            out->kind = parameter_names[i].kind;
    for (size_t i = 0; i < COUNT(artifact_names) && out->kind == MLP_KIND_NONE; i++)
        if (strcasecmp(text, artifact_names[i]) == 0) {
            out->kind = MLP_KIND_ARTIFACT;
            snprintf(out->title, sizeof out->title, "system.%s", artifact_names[i]);
        }
    if (out->kind == MLP_KIND_NONE && is_title(text)) {
        out->kind = MLP_KIND_ARTIFACT;
        snprintf(out->title, sizeof out->title, "%s", text);
    }
    if (out->kind == MLP_KIND_NONE)
        return mlp_fail(
            err, MLPLAT_INVALID,
            "%s has the unknown type '%.60s'; known: Integer, Double, String, Boolean, List, Dict, Artifact, "
            "Dataset, Model, Metrics, ... or a schema title such as system.Dataset",
            what, text);
    return MLPLAT_OK;
}

mlp_kind mlp_port_type_ir(const char *name)
{
    for (size_t i = 0; name && i < 6; i++)
        if (strcmp(name, parameter_names[i].name) == 0)
            return parameter_names[i].kind;
    return MLP_KIND_NONE;
}

const char *mlp_port_type_name(mlp_kind kind)
{
    for (size_t i = 0; i < 6; i++)
        if (parameter_names[i].kind == kind)
            return parameter_names[i].name;
    return kind == MLP_KIND_ARTIFACT ? "artifact" : "none";
}

bool mlp_port_type_fits(const mlp_port_type *given, const mlp_port_type *wanted)
{
    if (given->kind != wanted->kind)
        return false;
    if (given->kind != MLP_KIND_ARTIFACT)
        return true;
    return strcmp(given->title, wanted->title) == 0 || strcmp(given->title, "system.Artifact") == 0 ||
           strcmp(wanted->title, "system.Artifact") == 0;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static mlplat_status too_large(const char *what, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_INVALID,
                    "%s is beyond +-9007199254740991: KFP carries integers as doubles and would change it; "
                    "pass it as a String",
                    what);
}

static bool integer_fits(int64_t v)
{
    return v >= -MLP_PORT_MAX_INTEGER && v <= MLP_PORT_MAX_INTEGER;
}

static mlplat_status fit_integer(const json_t *value, const char *what, json_t **out, mlplat_error *err)
{
    int64_t v = 0;
    if (json_is_integer(value)) {
        v = json_integer_value(value);
    } else {
        double d = json_real_value(value);
        if (!json_is_real(value) || d != floor(d))
            return mlp_fail(err, MLPLAT_INVALID, "%s must be an integer", what);
        if (fabs(d) > (double)MLP_PORT_MAX_INTEGER)
            return too_large(what, err);
        v = (int64_t)d;
    }
    if (!integer_fits(v))
        return too_large(what, err);
    *out = json_integer(v);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

/* Integers inside of lists and structs travel as doubles too. */
static mlplat_status check_inside(const json_t *value, const char *what, mlplat_error *err)
{
    const char *key;
    json_t *item;
    size_t i;
    mlplat_status s = MLPLAT_OK;
    if (json_is_integer(value) && !integer_fits(json_integer_value(value)))
        return too_large(what, err);
    if (json_is_array(value)) {
        json_array_foreach((json_t *)(uintptr_t)value, i, item) if (s == MLPLAT_OK) s = check_inside(item, what, err);
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, item) if (s == MLPLAT_OK) s =
            check_inside(item, what, err);
    }
    return s;
}

mlplat_status mlp_port_value_fit(mlp_kind kind, const json_t *value, const char *what, json_t **out, mlplat_error *err)
{
    static const char *const wanted[] = {"nothing",       "a number",      "an integer",       "a string",
                                         "true or false", "a list, [...]", "an object, {...}", "an artifact"};
    bool ok = (kind == MLP_KIND_STRING && json_is_string(value)) ||
              (kind == MLP_KIND_BOOLEAN && json_is_boolean(value)) || (kind == MLP_KIND_LIST && json_is_array(value)) ||
              (kind == MLP_KIND_STRUCT && json_is_object(value)) || (kind == MLP_KIND_DOUBLE && json_is_number(value));
    *out = NULL;
    if (kind == MLP_KIND_INTEGER)
        return fit_integer(value, what, out, err);
    if (!ok)
        return mlp_fail(err, MLPLAT_INVALID, "%s must be %s", what, wanted[kind]);
    mlplat_status s = check_inside(value, what, err);
    if (s != MLPLAT_OK)
        return s;
    *out = kind == MLP_KIND_DOUBLE ? json_real(json_number_value(value)) : json_deep_copy(value);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_port_value_json(mlp_kind kind, const char *json, const char *what, json_t **out, mlplat_error *err)
{
    json_t *value = NULL;
    *out = NULL;
    if (!json)
        return mlp_fail(err, MLPLAT_INVALID, "%s is NULL; give JSON text", what);
    mlplat_status s = mlp_json_parse(json, strlen(json), &value, err);
    if (s == MLPLAT_INVALID)
        s = mlp_fail_prefix(err, s, "%s is not JSON (a string stands in double quotes)", what);
    if (s == MLPLAT_OK)
        s = mlp_port_value_fit(kind, value, what, out, err);
    json_decref(value);
    return s;
}

static bool read_integer(const char *text)
{
    const char *p = text + (*text == '-' || *text == '+');
    size_t digits = strspn(p, "0123456789");
    return digits > 0 && !p[digits];
}

static mlplat_status read_number(mlp_kind kind, const char *text, const char *what, json_t **out, mlplat_error *err)
{
    int64_t v = 0;
    double d = 0;
    if (kind == MLP_KIND_INTEGER && read_integer(text)) {
        if (!mlp_text_int64(text + (*text == '+'), &v) || !integer_fits(v))
            return too_large(what, err);
        *out = json_integer(v);
    } else if (mlp_text_to_double(text, &d) && isfinite(d)) {
        json_t *real = json_real(d);
        mlplat_status s = real ? mlp_port_value_fit(kind, real, what, out, err) : mlp_fail_memory(err);
        json_decref(real);
        return s;
    } else {
        return mlp_fail(err, MLPLAT_INVALID, "%s must be %s, not '%.60s'", what,
                        kind == MLP_KIND_INTEGER ? "an integer" : "a finite number", text);
    }
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status read_boolean(const char *text, const char *what, json_t **out, mlplat_error *err)
{
    bool yes = strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!yes && strcasecmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return mlp_fail(err, MLPLAT_INVALID, "%s must be true or false, not '%.60s'", what, text);
    *out = json_boolean(yes);
    return MLPLAT_OK;
}

mlplat_status mlp_port_value_read(mlp_kind kind, const char *text, size_t n, const char *what, json_t **out,
                                  mlplat_error *err)
{
    mlp_buf buf = {0};
    *out = NULL;
    if (memchr(text, 0, n) || !mlp_text_utf8(text, n))
        return mlp_fail(err, MLPLAT_INVALID, "%s is not UTF-8 text", what);
    while (kind != MLP_KIND_STRING && n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    while (kind != MLP_KIND_STRING && n > 0 && isspace((unsigned char)*text))
        text++, n--;
    mlp_buf_add(&buf, text, n);
    mlplat_status s = mlp_buf_ok(&buf, err);
    const char *clean = buf.data ? buf.data : "";
    if (s == MLPLAT_OK && kind == MLP_KIND_STRING) {
        *out = json_stringn(clean, n);
        s = *out ? MLPLAT_OK : mlp_fail_memory(err);
    } else if (s == MLPLAT_OK && kind == MLP_KIND_BOOLEAN) {
        s = read_boolean(clean, what, out, err);
    } else if (s == MLPLAT_OK && (kind == MLP_KIND_INTEGER || kind == MLP_KIND_DOUBLE)) {
        s = read_number(kind, clean, what, out, err);
    } else if (s == MLPLAT_OK) {
        s = mlp_port_value_json(kind, clean, what, out, err);
    }
    mlp_buf_free(&buf);
    return s;
}

/* A finite double in plain digits: 1e+21 becomes 1000000000000000000000, 5.0 becomes 5, as KFP's launcher writes it. */
static void plain_double(double v, mlp_buf *out)
{
    char text[32], digits[32] = {0};
    mlp_text_double(v, text);
    char *e = strpbrk(text, "eE");
    int exponent = e ? atoi(e + 1) : 0;
    if (e)
        *e = 0;
    const char *p = text;
    if (*p == '-')
        mlp_buf_putc(out, *p++);
    const char *dot = strchr(p, '.');
    int n = 0, point = (int)(dot ? (size_t)(dot - p) : strlen(p)) + exponent;
    for (; *p && n < 31; p++)
        if (*p != '.')
            digits[n++] = *p;
    while (n > 1 && n > point && digits[n - 1] == '0')
        n--;
    if (point <= 0)
        mlp_buf_puts(out, "0");
    for (int i = 0; i < point; i++)
        mlp_buf_putc(out, i < n ? digits[i] : '0');
    if (n > point && !(n == 1 && digits[0] == '0')) {
        mlp_buf_putc(out, '.');
        for (int i = point; i < n; i++)
            mlp_buf_putc(out, i < 0 ? '0' : digits[i]);
    }
}

mlplat_status mlp_port_value_text(const json_t *value, mlp_buf *out, mlplat_error *err)
{
    if (json_is_string(value))
        mlp_buf_add(out, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        mlp_buf_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        plain_double(json_real_value(value), out);
    else
        return mlp_json_text(value, out, err);
    return mlp_buf_ok(out, err);
}
