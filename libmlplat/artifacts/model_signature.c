/* A signature: what a model takes and gives, column by column or tensor by tensor. */
#include "artifacts/model_parts.h"
#include "base/err.h"
#include <string.h>

static bool known_type(const char *type)
{
    static const char *const types[] = {"boolean",  "integer", "long",   "float", "double", "string", "binary",
                                        "datetime", "tensor",  "object", "array", "map",    "any"};
    for (size_t i = 0; type && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

/* One column, tensor or parameter. */
static mlplat_status check_column(const char *part, size_t i, const json_t *column, mlplat_error *err)
{
    const char *type = json_string_value(json_object_get(column, "type"));
    bool param = strcmp(part, "params") == 0;
    const json_t *tensor = json_object_get(column, "tensor-spec");
    if (!json_is_object(column) || !type)
        return mlp_fail(err, MLPLAT_INVALID,
                        "signature of the model: %s[%zu] has no \"type\": write {\"name\": \"x\", "
                        "\"type\": \"double\"}", part,
                        i);
    if (!known_type(type))
        return mlp_fail(
            err, MLPLAT_INVALID,
            "signature of the model: %s[%zu] has the type '%.60s': MLflow's are boolean, integer, long, float, double, "
            "string, binary, datetime, tensor, object, array, map and any",
            part, i, type);
    if (strcmp(type, "tensor") == 0 &&
        (!json_is_string(json_object_get(tensor, "dtype")) || !json_is_array(json_object_get(tensor, "shape"))))
        return mlp_fail(err, MLPLAT_INVALID,
                        "signature of the model: %s[%zu] is a tensor without \"tensor-spec\": {\"dtype\", \"shape\"}",
                        part, i);
    if (param && (!json_is_string(json_object_get(column, "name")) || !json_object_get(column, "default")))
        return mlp_fail(err, MLPLAT_INVALID, "signature of the model: params[%zu] needs \"name\" and \"default\"", i);
    return MLPLAT_OK;
}

/* MLflow reads "shape" of a parameter without asking whether it is there, and "required" of none. */
static mlplat_status complete(const char *part, json_t *column, mlplat_error *err)
{
    const char *key = strcmp(part, "params") == 0 ? "shape" : "required";
    bool tensor = strcmp(json_string_value(json_object_get(column, "type")), "tensor") == 0;
    if (json_object_get(column, key) || (tensor && *key == 'r'))
        return MLPLAT_OK;
    return mlp_json_set(column, key, *key == 's' ? json_null() : json_true(), err);
}

/* A part as a text, or null. */
static mlplat_status one_part(const json_t *signature, const char *part, json_t *out, mlplat_error *err)
{
    json_t *columns = json_object_get(signature, part), *column;
    mlplat_status s = MLPLAT_OK;
    mlp_buf text = {0};
    size_t i;
    if (!columns || json_is_null(columns))
        return mlp_json_set(out, part, json_null(), err);
    if (!json_is_array(columns) || !json_array_size(columns))
        return mlp_fail(err, MLPLAT_INVALID,
                        "signature of the model: \"%s\" is not an array with something in it", part);
    json_array_foreach(columns, i, column)
    {
        if (s == MLPLAT_OK)
            s = check_column(part, i, column, err);
        if (s == MLPLAT_OK)
            s = complete(part, column, err);
    }
    if (s == MLPLAT_OK)
        s = mlp_json_text(columns, &text, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(out, part, json_string(text.data), err);
    mlp_buf_free(&text);
    return s;
}

static mlplat_status check_members(const json_t *signature, mlplat_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(signature))
        return mlp_fail(err, MLPLAT_INVALID,
                        "signature of the model: not a JSON object {\"inputs\", \"outputs\", \"params\"}");
    json_object_foreach((json_t *)signature, key, value)
    {
        if (strcmp(key, "inputs") != 0 && strcmp(key, "outputs") != 0 && strcmp(key, "params") != 0)
            return mlp_fail(err, MLPLAT_INVALID,
                            "signature of the model: \"%.60s\" is none of inputs, outputs and params", key);
    }
    return MLPLAT_OK;
}

mlplat_status mlp_model_signature_read(const char *text, json_t **out, bool *tensor, mlplat_error *err)
{
    json_t *signature = NULL;
    *out = NULL;
    *tensor = false;
    if (!text)
        return MLPLAT_OK;
    mlplat_status s = mlp_json_parse(text, strlen(text), &signature, err);
    if (s != MLPLAT_OK)
        return mlp_fail_prefix(err, s, "signature of the model");
    s = check_members(signature, err);
    if (s == MLPLAT_OK && !(*out = json_object()))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = one_part(signature, "inputs", *out, err);
    if (s == MLPLAT_OK)
        s = one_part(signature, "outputs", *out, err);
    if (s == MLPLAT_OK)
        s = one_part(signature, "params", *out, err);
    const char *type =
        json_string_value(json_object_get(json_array_get(json_object_get(signature, "inputs"), 0), "type"));
    *tensor = type && strcmp(type, "tensor") == 0;
    json_decref(signature);
    return s;
}
