/* A model directory: what is told of a model becomes MLmodel and its neighbours. Input: texts with a NUL between them:
 * signature, input example, flavors, metadata, loader, Python version, requirements. */
#include "artifacts/model_parts.h"
#include "base/text.h"
#include "fuzz.h"

/* Written as YAML and read again, it is the same. */
static void check_yaml(json_t *document)
{
    mlplat_error err = {0};
    mlp_buf text = {0};
    json_t *again = NULL;
    fuzz_check(mlp_yaml_text(document, &text, &err) == MLPLAT_OK);
    if (mlp_yaml_parse(text.data, text.size, &again, &err) != MLPLAT_OK || !json_equal(document, again)) {
        fprintf(stderr, "%s\n%s\n", err.message, text.data);
        fuzz_fail(__FILE__, __LINE__, "the file of a model reads back");
    }
    json_decref(again);
    json_decref(document);
    mlp_buf_free(&text);
}

/* MLflow keeps the parts of a signature as JSON in texts. */
static void check_signature(const json_t *signature)
{
    static const char *const parts[] = {"inputs", "outputs", "params"};
    mlplat_error err = {0};
    for (size_t i = 0; signature && i < 3; i++) {
        json_t *columns = NULL;
        const json_t *part = json_object_get(signature, parts[i]);
        fuzz_check(json_is_null(part) || json_is_string(part));
        if (json_is_null(part))
            continue;
        fuzz_check(mlp_json_parse(json_string_value(part), json_string_length(part), &columns, &err) == MLPLAT_OK);
        fuzz_check(json_array_size(columns) > 0 && json_is_string(json_object_get(json_array_get(columns, 0), "type")));
        json_decref(columns);
    }
}

static void check_requirements(const json_t *lines)
{
    size_t i;
    json_t *line;
    json_array_foreach((json_t *)(uintptr_t)lines, i, line)
    {
        const char *text = json_string_value(line);
        fuzz_check(*text && !strpbrk(text, "\r\n") && *text != '#' && *text != ' ');
    }
}

static void check_files(const mlp_model_parts *parts, mlplat_error *err)
{
    json_t *mlmodel = NULL, *conda = NULL, *python = NULL;
    check_signature(parts->signature);
    check_requirements(parts->requirements);
    fuzz_check(mlp_model_yaml_mlmodel(parts, 7, &mlmodel, err) == MLPLAT_OK);
    const json_t *flavor = json_object_get(json_object_get(mlmodel, "flavors"), "python_function");
    fuzz_check(strcmp(json_string_value(json_object_get(flavor, "loader_module")), parts->model.loader_module) == 0);
    check_yaml(mlmodel);
    if (!parts->requirements)
        return;
    fuzz_check(mlp_model_yaml_conda(parts, &conda, err) == MLPLAT_OK);
    check_yaml(conda);
    fuzz_check(mlp_model_yaml_python_env(parts, &python, err) == MLPLAT_OK);
    check_yaml(python);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    mlplat_model model = MLPLAT_MODEL_INIT;
    mlp_model_parts parts = {0};
    const char **members[] = {&model.signature,     &model.input_example,  &model.flavors,     &model.metadata,
                              &model.loader_module, &model.python_version, &model.requirements};
    char *texts[sizeof members / sizeof members[0]];
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        texts[i] = fuzz_text(&in);
        *members[i] = *texts[i] ? texts[i] : NULL;
    }
    model.loader_module = model.loader_module ? model.loader_module : "mlflow.sklearn";
    mlplat_status s = mlp_model_parts_read(&model, &parts, err);
    if (s == MLPLAT_OK)
        check_files(&parts, err);
    else
        fuzz_check(s == MLPLAT_INVALID && fuzz_refused(s, err));
    mlp_model_parts_free(&parts);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    return 0;
}
