/* The three YAML files of a model directory. */
#include "artifacts/model_parts.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include <stdio.h>
#include <time.h>

#define LAYOUT "3.17.2" /* the MLflow whose layout this is */

static mlplat_status set_text(json_t *object, const char *key, const char *value, mlplat_error *err)
{
    return value ? mlp_json_set(object, key, json_string(value), err) : MLPLAT_OK;
}

static mlplat_status set_copy(json_t *object, const char *key, json_t *value, mlplat_error *err)
{
    return value ? mlp_json_set(object, key, json_incref(value), err) : MLPLAT_OK;
}

static mlplat_status set_environment(json_t *pyfunc, mlplat_error *err)
{
    return mlp_json_set(pyfunc, "env", json_pack("{s:s, s:s}", "conda", "conda.yaml", "virtualenv", "python_env.yaml"),
                        err);
}

/* Ours on top of what the caller's flavors say of it. */
static mlplat_status python_function(const mlp_model_parts *parts, json_t **out, mlplat_error *err)
{
    json_t *more = json_object_get(parts->flavors, "python_function");
    *out = more ? json_deep_copy(more) : json_object();
    mlplat_status s = *out ? set_text(*out, "loader_module", parts->model.loader_module, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = set_text(*out, "data", parts->data_name, err);
    if (s == MLPLAT_OK)
        s = set_text(*out, "code", parts->code_name ? "code" : NULL, err);
    if (s == MLPLAT_OK && parts->requirements)
        s = set_environment(*out, err);
    return s == MLPLAT_OK ? set_text(*out, "python_version", parts->model.python_version, err) : s;
}

static mlplat_status all_flavors(const mlp_model_parts *parts, json_t **out, mlplat_error *err)
{
    json_t *pyfunc = NULL;
    *out = parts->flavors ? json_deep_copy(parts->flavors) : json_object();
    mlplat_status s = *out ? python_function(parts, &pyfunc, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        return mlp_json_set(*out, "python_function", pyfunc, err);
    json_decref(pyfunc);
    return s;
}

/* As MLflow stamps it: UTC with microseconds. */
static mlplat_status set_time(json_t *object, mlplat_error *err)
{
    char text[64], day[32];
    int64_t ms = mlp_clock_ms();
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(text, sizeof text, "%s.%06d", day, (int)(ms % 1000) * 1000);
    return set_text(object, "utc_time_created", text, err);
}

static mlplat_status set_stamp(json_t *object, const char *model_id, uint64_t model_size, mlplat_error *err)
{
    char uuid[33];
    mlplat_status s = set_text(object, "mlflow_version", LAYOUT, err);
    if (s == MLPLAT_OK)
        s = set_text(object, "model_id", model_id, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(object, "model_size_bytes", json_integer((json_int_t)model_size), err);
    if (s == MLPLAT_OK && !model_id)
        s = mlp_random_hex(uuid, err);
    if (s == MLPLAT_OK)
        s = set_text(object, "model_uuid", model_id ? model_id : uuid, err);
    return s == MLPLAT_OK ? set_time(object, err) : s;
}

mlplat_status mlp_model_yaml_mlmodel(const mlp_model_parts *parts, uint64_t model_size, json_t **out, mlplat_error *err)
{
    json_t *flavors = NULL;
    *out = json_object();
    mlplat_status s = *out ? set_text(*out, "artifact_path", parts->model.artifact_path, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK && (s = all_flavors(parts, &flavors, err)) == MLPLAT_OK) {
        s = mlp_json_set(*out, "flavors", flavors, err);
        flavors = NULL;
    }
    if (s == MLPLAT_OK)
        s = set_copy(*out, "metadata", parts->metadata, err);
    if (s == MLPLAT_OK)
        s = set_stamp(*out, parts->model.model_id, model_size, err);
    if (s == MLPLAT_OK)
        s = set_text(*out, "run_id", parts->model.run_id, err);
    if (s == MLPLAT_OK)
        s = set_copy(*out, "saved_input_example_info", parts->example_info, err);
    if (s == MLPLAT_OK)
        s = set_copy(*out, "signature", parts->signature, err);
    json_decref(flavors);
    return s;
}

/* {"channels", "dependencies": ["python=3.11.2", "pip", {"pip": [...]}], "name"} */
mlplat_status mlp_model_yaml_conda(const mlp_model_parts *parts, json_t **out, mlplat_error *err)
{
    char python[80];
    json_t *list = json_array();
    *out = json_pack("{s:[s], s:o, s:s}", "channels", "conda-forge", "dependencies", list, "name", "mlflow-env");
    mlplat_status s = *out ? MLPLAT_OK : mlp_fail_memory(err);
    snprintf(python, sizeof python, "python=%.60s", parts->model.python_version ? parts->model.python_version : "");
    if (s == MLPLAT_OK && parts->model.python_version)
        s = mlp_json_push(list, json_string(python), err);
    if (s == MLPLAT_OK)
        s = mlp_json_push(list, json_string("pip"), err);
    return s == MLPLAT_OK ? mlp_json_push(list, json_pack("{s:O}", "pip", parts->requirements), err) : s;
}

mlplat_status mlp_model_yaml_python_env(const mlp_model_parts *parts, json_t **out, mlplat_error *err)
{
    *out = json_object();
    mlplat_status s = *out ? set_text(*out, "python", parts->model.python_version, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(*out, "build_dependencies", json_pack("[s, s, s]", "pip", "setuptools", "wheel"), err);
    return s == MLPLAT_OK ? mlp_json_set(*out, "dependencies", json_pack("[s]", "-r requirements.txt"), err) : s;
}
