/* Every member of mlplat_model is read and checked before anything is written. */
#include "artifacts/model_parts.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

/* Dotted Python names. */
static mlplat_status check_loader(const char *module, mlplat_error *err)
{
    bool start = true, ok = module && *module;
    for (const char *at = module; ok && *at; at++) {
        unsigned char c = (unsigned char)*at;
        ok = c == '.' ? !start : c == '_' || isalpha(c) || c >= 0x80 || (!start && isdigit(c));
        start = c == '.';
    }
    if (ok && !start && mlp_text_utf8(module, strlen(module)))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID,
                    "loader_module '%.100s' is not the name of a Python module: 'mlflow.sklearn', or one in code",
                    module ? module : "");
}

static mlplat_status check_version(const char *version, mlplat_error *err)
{
    if (!version)
        return MLPLAT_OK;
    size_t n = strspn(version, "0123456789.");
    if (isdigit((unsigned char)version[0]) && !version[n] && version[n - 1] != '.' && !strstr(version, ".."))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "python_version '%.60s' is not one like 3.11.2", version);
}

static mlplat_status check_texts(const mlplat_model *m, mlplat_error *err)
{
    mlplat_status s = check_loader(m->loader_module, err);
    if (s == MLPLAT_OK)
        s = check_version(m->python_version, err);
    if (s == MLPLAT_OK && m->artifact_path && !m->model_id) /* a logged model has its place there */
        s = mlp_file_check_relative(m->artifact_path, "artifact_path", err);
    if (s == MLPLAT_OK && m->run_id && (!*m->run_id || !mlp_text_utf8(m->run_id, strlen(m->run_id))))
        s = mlp_fail(err, MLPLAT_INVALID, "run_id is empty or not UTF-8");
    return s;
}

static mlplat_status read_object(const char *text, const char *what, json_t **out, mlplat_error *err)
{
    *out = NULL;
    if (!text)
        return MLPLAT_OK;
    mlplat_status s = mlp_json_parse(text, strlen(text), out, err);
    if (s != MLPLAT_OK)
        return mlp_fail_prefix(err, s, "%s", what);
    return json_is_object(*out) ? MLPLAT_OK : mlp_fail(err, MLPLAT_INVALID, "%s is not a JSON object", what);
}

static mlplat_status check_flavors(json_t *flavors, mlplat_error *err)
{
    static const char *const ours[] = {"loader_module", "data", "code", "env", "python_version"};
    const char *name;
    json_t *flavor;
    json_object_foreach(flavors, name, flavor)
    {
        if (!*name || !json_is_object(flavor))
            return mlp_fail(err, MLPLAT_INVALID, "flavors: '%.60s' is not a JSON object", name);
    }
    flavor = json_object_get(flavors, "python_function");
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (json_object_get(flavor, ours[i]))
            return mlp_fail(err, MLPLAT_INVALID,
                            "flavors: '%s' of python_function comes from the model's other members", ours[i]);
    return MLPLAT_OK;
}

/* The last part of a local path. */
static mlplat_status base_name(const char *path, const char *what, char **out, mlplat_error *err)
{
    char *full = *path ? mlp_file_absolute(path) : mlp_strdup("/");
    mlplat_status s = full ? mlp_file_check_relative(strrchr(full, '/') + 1, what, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK && !(*out = mlp_strdup(strrchr(full, '/') + 1)))
        s = mlp_fail_memory(err);
    mlp_free(full);
    return s;
}

static mlplat_status find_path(const char *path, const char *what, struct stat *st, mlplat_error *err)
{
    if (stat(path, st) == 0 && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_NOT_FOUND, "%s: there is no file or folder '%.300s'", what, path);
}

static mlplat_status name_data(mlp_model_parts *parts, mlplat_error *err)
{
    static const char *const taken[] = {"MLmodel",
                                        "code",
                                        "requirements.txt",
                                        "conda.yaml",
                                        "python_env.yaml",
                                        "input_example.json",
                                        "serving_input_example.json"};
    struct stat st;
    mlplat_status s = find_path(parts->model.data, "data", &st, err);
    if (s == MLPLAT_OK)
        s = base_name(parts->model.data, "data", &parts->data_name, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(parts->data_name, taken[i]) == 0)
            s = mlp_fail(err, MLPLAT_INVALID, "data: the name '%s' is taken in a model directory: rename the file",
                         taken[i]);
    return s;
}

/* What is imported by name must lie in code/: a module or a package as itself, else what is in the folder. */
static mlplat_status name_code(mlp_model_parts *parts, mlplat_error *err)
{
    struct stat st;
    char *base = NULL, *init = mlp_file_join(parts->model.code, "__init__.py");
    mlplat_status s = init ? find_path(parts->model.code, "code", &st, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = base_name(parts->model.code, "code", &base, err);
    if (s == MLPLAT_OK && S_ISREG(st.st_mode) && !mlp_text_ends(base, ".py"))
        s = mlp_fail(err, MLPLAT_INVALID, "code: '%.200s' is neither a folder nor a .py file", parts->model.code);
    bool as_itself = s == MLPLAT_OK && (S_ISREG(st.st_mode) || mlp_file_exists(init));
    if (s == MLPLAT_OK && !(parts->code_name = mlp_file_join("code", as_itself ? base : "")))
        s = mlp_fail_memory(err);
    mlp_free(base);
    mlp_free(init);
    return s;
}

static mlplat_status read_requirements(mlp_model_parts *parts, mlplat_error *err)
{
    const char *at = parts->model.requirements;
    mlplat_status s = MLPLAT_OK;
    if (!mlp_text_utf8(at, strlen(at)))
        return mlp_fail(err, MLPLAT_INVALID, "requirements are not valid UTF-8");
    if (!(parts->requirements = json_array()))
        return mlp_fail_memory(err);
    while (s == MLPLAT_OK && *at) {
        size_t n = strcspn(at, "\r\n"), from = strspn(at, " \t"), to = n;
        while (to > from && (at[to - 1] == ' ' || at[to - 1] == '\t'))
            to--;
        if (to > from && at[from] != '#')
            s = mlp_json_push(parts->requirements, json_stringn(at + from, to - from), err);
        at += n + strspn(at + n, "\r\n");
    }
    return s;
}

mlplat_status mlp_model_parts_read(const mlplat_model *model, mlp_model_parts *out, mlplat_error *err)
{
    bool tensor;
    *out = (mlp_model_parts){.model = MLPLAT_MODEL_INIT};
    if (!model || model->size < sizeof(size_t) + sizeof(char *))
        return mlp_fail(err, MLPLAT_INVALID, "mlplat_model is NULL or without its size: start from MLPLAT_MODEL_INIT");
    memcpy(&out->model, model, model->size < sizeof *model ? model->size : sizeof *model);
    mlplat_status s = check_texts(&out->model, err);
    if (s == MLPLAT_OK)
        s = read_object(out->model.flavors, "flavors", &out->flavors, err);
    if (s == MLPLAT_OK)
        s = check_flavors(out->flavors, err);
    if (s == MLPLAT_OK)
        s = read_object(out->model.metadata, "metadata", &out->metadata, err);
    if (s == MLPLAT_OK)
        s = mlp_model_signature_read(out->model.signature, &out->signature, &tensor, err);
    if (s == MLPLAT_OK)
        s = mlp_model_example_read(out->model.input_example, tensor, out, err);
    if (s == MLPLAT_OK && out->model.requirements)
        s = read_requirements(out, err);
    if (s == MLPLAT_OK && out->model.data)
        s = name_data(out, err);
    if (s == MLPLAT_OK && out->model.code)
        s = name_code(out, err);
    if (s != MLPLAT_OK)
        mlp_model_parts_free(out);
    return s;
}

void mlp_model_parts_free(mlp_model_parts *parts)
{
    mlp_free(parts->data_name);
    mlp_free(parts->code_name);
    json_decref(parts->flavors);
    json_decref(parts->signature);
    json_decref(parts->metadata);
    json_decref(parts->example_info);
    json_decref(parts->example);
    json_decref(parts->serving_example);
    json_decref(parts->requirements);
    *parts = (mlp_model_parts){0};
}
