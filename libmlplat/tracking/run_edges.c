/* What went into a run and what came out of it: datasets and logged models. */
#include "base/err.h"
#include "base/text.h"
#include "tracking/run_handle.h"
#include "tracking/run_queue.h"
#include "tracking/run_record.h"
#include "tracking/validate.h"
#include <string.h>

/* ---- checks, MLflow's -------------------------------------------------------------------------------------------- */

/* The list of the document under this name; one that is not there is empty. */
static mlplat_status list_of(const json_t *doc, const char *name, json_t **out, mlplat_error *err)
{
    *out = json_object_get(doc, name);
    if (!*out || json_is_null(*out) || json_is_array(*out))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "\"%s\" is no list", name);
}

static mlplat_status check_member(const json_t *of, const char *what, const char *name, size_t most, bool required,
                                  mlplat_error *err)
{
    const json_t *value = json_object_get(of, name);
    const char *text = json_string_value(value);
    if ((!value || json_is_null(value)) && !required)
        return MLPLAT_OK;
    if (!text)
        return mlp_fail(err, MLPLAT_INVALID, "%s has no text \"%s\"", what, name);
    size_t n = mlp_text_length(text);
    return n <= most ? MLPLAT_OK
                     : mlp_fail(err, MLPLAT_INVALID, "%s: \"%s\" has %zu characters: at most %zu are allowed", what,
                                name, n, most);
}

static mlplat_status check_dataset(const json_t *dataset, mlplat_error *err)
{
    static const struct {
        const char *name;
        size_t most;
        bool required;
    } members[] = {{"name", MLP_LIMIT_DATASET_NAME, true},       {"digest", MLP_LIMIT_DATASET_DIGEST, true},
                   {"source_type", SIZE_MAX, true},              {"source", MLP_LIMIT_DATASET_SOURCE, true},
                   {"schema", MLP_LIMIT_DATASET_SCHEMA, false},  {"profile", MLP_LIMIT_DATASET_PROFILE, false}};
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof members / sizeof members[0]; i++)
        s = check_member(dataset, "a dataset", members[i].name, members[i].most, members[i].required, err);
    return s;
}

static mlplat_status check_input(const json_t *input, mlplat_error *err)
{
    json_t *tags = NULL, *tag;
    size_t i;
    if (!json_is_object(json_object_get(input, "dataset")))
        return mlp_fail(err, MLPLAT_INVALID, "an item of \"datasets\" has no \"dataset\"");
    mlplat_status s = check_dataset(json_object_get(input, "dataset"), err);
    if (s == MLPLAT_OK)
        s = list_of(input, "tags", &tags, err);
    json_array_foreach(tags, i, tag)
    {
        if (s == MLPLAT_OK)
            s = check_member(tag, "a tag of a dataset", "key", MLP_LIMIT_INPUT_TAG_KEY, true, err);
        if (s == MLPLAT_OK)
            s = check_member(tag, "a tag of a dataset", "value", MLP_LIMIT_INPUT_TAG_VALUE, true, err);
    }
    return s;
}

static mlplat_status check_model(const json_t *model, bool output, mlplat_error *err)
{
    const json_t *step = json_object_get(model, "step");
    mlplat_status s = check_member(model, "an item of \"models\"", "model_id", MLP_LIMIT_MODEL_ID, true, err);
    if (s == MLPLAT_OK && output && step && !json_is_null(step) && !json_is_integer(step))
        s = mlp_fail(err, MLPLAT_INVALID, "\"step\" of a model is no whole number");
    return s;
}

static mlplat_status check_models(const json_t *models, bool output, mlplat_error *err)
{
    size_t i;
    json_t *model;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach((json_t *)models, i, model) if (s == MLPLAT_OK) s = check_model(model, output, err);
    return s;
}

static mlplat_status parse(const char *text, const char *what, json_t **out, mlplat_error *err)
{
    if (!text)
        return mlp_fail(err, MLPLAT_INVALID, "the %s are NULL: they are a JSON object", what);
    mlplat_status s = mlp_json_parse(text, strlen(text), out, err);
    if (s == MLPLAT_OK && !json_is_object(*out))
        s = mlp_fail(err, MLPLAT_INVALID, "the %s are no JSON object", what);
    return s;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

mlplat_status mlplat_run_log_inputs(mlplat_run *run, const char *text, mlplat_error *err)
{
    json_t *doc = NULL, *datasets = NULL, *models = NULL, *input;
    size_t i;
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK)
        s = parse(text, "inputs", &doc, err);
    if (s == MLPLAT_OK)
        s = list_of(doc, "datasets", &datasets, err);
    if (s == MLPLAT_OK)
        s = list_of(doc, "models", &models, err);
    json_array_foreach(datasets, i, input) if (s == MLPLAT_OK) s = check_input(input, err);
    if (s == MLPLAT_OK)
        s = check_models(models, false, err);
    if (s == MLPLAT_OK)
        s = mlp_run_queue_inputs(run, datasets, models, err);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_run_log_outputs(mlplat_run *run, const char *text, mlplat_error *err)
{
    json_t *doc = NULL, *models = NULL;
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK)
        s = parse(text, "outputs", &doc, err);
    if (s == MLPLAT_OK)
        s = list_of(doc, "models", &models, err);
    if (s == MLPLAT_OK)
        s = check_models(models, true, err);
    if (s == MLPLAT_OK)
        s = mlp_run_queue_outputs(run, models, err);
    json_decref(doc);
    return s;
}
