#include "base/alloc.h"
#include "base/doc_path.h"
#include "base/err.h"
#include "base/json.h"
#include <math.h>
#include <string.h>

/* The text is made with the document: it is asked for by every binding, and a getter must not fail or lock. */
struct mlplat_doc {
    json_t *json;
    char *text;
};

mlplat_status mlp_doc_new(json_t *json, mlplat_doc **out, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_doc *doc = json ? mlp_alloc(sizeof *doc) : NULL;
    *out = NULL;
    if (!doc) {
        json_decref(json);
        return mlp_fail_memory(err);
    }
    doc->json = json;
    mlplat_status s = mlp_json_text(json, &text, err);
    doc->text = mlp_buf_take(&text);
    if (s == MLPLAT_OK)
        *out = doc;
    else
        mlplat_doc_free(doc);
    return s;
}

const json_t *mlp_doc_json(const mlplat_doc *doc)
{
    return doc->json;
}

mlplat_status mlplat_doc_parse(const char *text, size_t n, mlplat_doc **out, mlplat_error *err)
{
    json_t *json;
    *out = NULL;
    mlplat_status s = mlp_json_parse(text, n, &json, err);
    return s == MLPLAT_OK ? mlp_doc_new(json, out, err) : s;
}

mlplat_status mlplat_doc_parse_yaml(const char *text, size_t n, mlplat_doc **out, mlplat_error *err)
{
    json_t *json;
    *out = NULL;
    mlplat_status s = mlp_yaml_parse(text, n, &json, err);
    return s == MLPLAT_OK ? mlp_doc_new(json, out, err) : s;
}

void mlplat_doc_free(mlplat_doc *doc)
{
    if (!doc)
        return;
    json_decref(doc->json);
    mlp_free(doc->text);
    mlp_free(doc);
}

const char *mlplat_doc_text(const mlplat_doc *doc)
{
    return doc->text;
}

mlplat_status mlplat_doc_yaml(const mlplat_doc *doc, char **out, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = mlp_yaml_text(doc->json, &text, err);
    *out = mlp_buf_take(&text);
    if (s == MLPLAT_OK && !*out)
        s = mlp_fail_memory(err);
    if (s != MLPLAT_OK) {
        mlp_free(*out);
        *out = NULL;
    }
    return s;
}

static mlplat_doc_type type_of(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return MLPLAT_DOC_OBJECT;
    case JSON_ARRAY:
        return MLPLAT_DOC_ARRAY;
    case JSON_STRING:
        return MLPLAT_DOC_STRING;
    case JSON_INTEGER:
        return MLPLAT_DOC_INT;
    case JSON_REAL:
        return MLPLAT_DOC_DOUBLE;
    case JSON_TRUE:
    case JSON_FALSE:
        return MLPLAT_DOC_BOOL;
    default:
        return MLPLAT_DOC_NULL;
    }
}

static mlplat_status wrong_type(const json_t *json, const char *path, const char *want, mlplat_error *err)
{
    static const char *const names[] = {"null",     "a boolean", "an integer", "a number",
                                        "a string", "an array",  "an object"};
    return mlp_fail(err, MLPLAT_INVALID, "'%.200s' is %s, not %s", path, names[type_of(json)], want);
}

mlplat_status mlplat_doc_type_at(const mlplat_doc *doc, const char *path, mlplat_doc_type *out, mlplat_error *err)
{
    const json_t *json;
    mlplat_status s = mlp_doc_path_find(doc->json, path, &json, err);
    if (s == MLPLAT_OK)
        *out = type_of(json);
    return s;
}

mlplat_status mlplat_doc_string(const mlplat_doc *doc, const char *path, const char **out, mlplat_error *err)
{
    const json_t *json;
    mlplat_status s = mlp_doc_path_find(doc->json, path, &json, err);
    if (s == MLPLAT_OK && !json_is_string(json))
        s = wrong_type(json, path, "a string", err);
    if (s == MLPLAT_OK)
        *out = json_string_value(json);
    return s;
}

mlplat_status mlplat_doc_int(const mlplat_doc *doc, const char *path, int64_t *out, mlplat_error *err)
{
    const json_t *json;
    mlplat_status s = mlp_doc_path_find(doc->json, path, &json, err);
    if (s != MLPLAT_OK)
        return s;
    double real = json_real_value(json); /* 0 if it is none; 2^63 itself does not fit */
    if (json_is_integer(json))
        *out = json_integer_value(json);
    else if (json_is_real(json) && real == trunc(real) && real >= -0x1p63 && real < 0x1p63)
        *out = (int64_t)real;
    else
        s = wrong_type(json, path, "an integer", err);
    return s;
}

/* The numbers that JSON cannot write. */
static bool read_special(const char *text, double *out)
{
    if (strcmp(text, "NaN") != 0 && strcmp(text, "Infinity") != 0 && strcmp(text, "-Infinity") != 0)
        return false;
    *out = *text == 'N' ? NAN : *text == '-' ? -INFINITY : INFINITY;
    return true;
}

mlplat_status mlplat_doc_double(const mlplat_doc *doc, const char *path, double *out, mlplat_error *err)
{
    const json_t *json;
    mlplat_status s = mlp_doc_path_find(doc->json, path, &json, err);
    if (s != MLPLAT_OK)
        return s;
    if (json_is_number(json))
        *out = json_number_value(json);
    else if (!json_is_string(json) || !read_special(json_string_value(json), out))
        s = wrong_type(json, path, "a number", err);
    return s;
}

mlplat_status mlplat_doc_bool(const mlplat_doc *doc, const char *path, int *out, mlplat_error *err)
{
    const json_t *json;
    mlplat_status s = mlp_doc_path_find(doc->json, path, &json, err);
    if (s == MLPLAT_OK && !json_is_boolean(json))
        s = wrong_type(json, path, "a boolean", err);
    if (s == MLPLAT_OK)
        *out = json_is_true(json);
    return s;
}

mlplat_status mlplat_doc_size(const mlplat_doc *doc, const char *path, size_t *out, mlplat_error *err)
{
    const json_t *json;
    mlplat_status s = mlp_doc_path_find(doc->json, path, &json, err);
    if (s == MLPLAT_OK && !json_is_array(json) && !json_is_object(json))
        s = wrong_type(json, path, "an array or an object", err);
    if (s == MLPLAT_OK)
        *out = json_is_array(json) ? json_array_size(json) : json_object_size(json);
    return s;
}

mlplat_status mlplat_doc_key(const mlplat_doc *doc, const char *path, size_t i, const char **out, mlplat_error *err)
{
    const json_t *json;
    mlplat_status s = mlp_doc_path_find(doc->json, path, &json, err);
    if (s == MLPLAT_OK && !json_is_object(json))
        s = wrong_type(json, path, "an object", err);
    if (s != MLPLAT_OK)
        return s;
    void *at = i < json_object_size(json) ? json_object_iter((json_t *)json) : NULL;
    for (size_t skipped = 0; at && skipped < i; skipped++)
        at = json_object_iter_next((json_t *)json, at);
    if (!at)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "'%.200s' has %zu members; there is no member %zu (they start at 0)",
                        path, json_object_size(json), i);
    *out = json_object_iter_key(at);
    return MLPLAT_OK;
}

mlplat_status mlplat_doc_at(const mlplat_doc *doc, const char *path, mlplat_doc **out, mlplat_error *err)
{
    const json_t *json;
    *out = NULL;
    mlplat_status s = mlp_doc_path_find(doc->json, path, &json, err);
    return s == MLPLAT_OK ? mlp_doc_new(json_deep_copy(json), out, err) : s;
}
