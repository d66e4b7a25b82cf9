/* An input example in MLflow's two forms: as it is loaded back, and as a request to a model server. */
#include "artifacts/model_parts.h"
#include "base/err.h"
#include <string.h>

/* {"columns": [...], "data": [[...], ...]}: one table; pandas' "index" may be there and is not kept. */
static bool is_table(const json_t *example)
{
    const json_t *columns = json_object_get(example, "columns"), *data = json_object_get(example, "data");
    size_t n = json_object_size(example) - (json_object_get(example, "index") != NULL);
    return n == 2 && json_is_array(columns) && json_is_array(data);
}

static mlplat_status check_table(const json_t *table, mlplat_error *err)
{
    size_t width = json_array_size(json_object_get(table, "columns")), i;
    const json_t *row;
    json_array_foreach(json_object_get(table, "data"), i, row)
    {
        if (!json_is_array(row) || json_array_size(row) != width)
            return mlp_fail(err, MLPLAT_INVALID,
                            "input_example: row %zu of data does not have the %zu values of columns", i, width);
    }
    return MLPLAT_OK;
}

/* Takes value. */
static mlplat_status note(json_t *info, const char *key, const char *value, mlplat_error *err)
{
    return mlp_json_set(info, key, json_string(value), err);
}

static mlplat_status describe(bool table, bool tensor, json_t *info, mlplat_error *err)
{
    mlplat_status s = note(info, "artifact_path", "input_example.json", err);
    if (s == MLPLAT_OK && table)
        s = note(info, "pandas_orient", "split", err);
    if (s == MLPLAT_OK)
        s = note(info, "serving_input_path", "serving_input_example.json", err);
    return s == MLPLAT_OK ? note(info, "type", table ? "dataframe" : tensor ? "ndarray" : "json_object", err) : s;
}

mlplat_status mlp_model_example_read(const char *text, bool tensor, mlp_model_parts *out, mlplat_error *err)
{
    json_t *example = NULL;
    if (!text)
        return MLPLAT_OK;
    mlplat_status s = mlp_json_parse(text, strlen(text), &example, err);
    if (s != MLPLAT_OK)
        return mlp_fail_prefix(err, s, "input_example");
    bool table = is_table(example);
    if (table) {
        s = check_table(example, err);
        json_object_del(example, "index");
    }
    out->example = example;
    out->example_info = json_object();
    out->serving_example = json_pack("{s:O}", table ? "dataframe_split" : "inputs", example);
    if (s == MLPLAT_OK && (!out->example_info || !out->serving_example))
        s = mlp_fail_memory(err);
    return s == MLPLAT_OK ? describe(table, tensor && !json_is_object(example), out->example_info, err) : s;
}
