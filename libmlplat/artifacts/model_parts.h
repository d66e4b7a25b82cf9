/* A model directory before it is written: the documents of its files, checked. */
#ifndef MLP_MODEL_PARTS_H
#define MLP_MODEL_PARTS_H
#include "base/json.h"
#include <mlplat/artifacts.h>
#include <stdbool.h>

/* Zero is empty. Values are NULL where the model has no such part. */
typedef struct mlp_model_parts {
    mlplat_model model; /* the caller's, of full size */
    char *data_name;    /* what the data is called in the directory */
    char *code_name;    /* where the code goes: "code" or "code/<package>" or "code/<module>.py" */
    json_t *flavors;    /* further flavors, python_function's further members among them */
    json_t *signature;  /* inputs, outputs, params as JSON strings or null */
    json_t *metadata;
    json_t *example_info;    /* saved_input_example_info */
    json_t *example;         /* input_example.json */
    json_t *serving_example; /* serving_input_example.json */
    json_t *requirements;    /* array of lines that name something */
} mlp_model_parts;

mlplat_status mlp_model_parts_read(const mlplat_model *model, mlp_model_parts *out, mlplat_error *err);
void mlp_model_parts_free(mlp_model_parts *parts);

/* saved_input_example_info and the two forms of the example, as MLflow writes them. tensor: the signature's inputs are.
 */
mlplat_status mlp_model_example_read(const char *text, bool tensor, mlp_model_parts *out, mlplat_error *err);
/* {"inputs": "[...]", "outputs": null, "params": null}: MLflow keeps them as texts. */
mlplat_status mlp_model_signature_read(const char *text, json_t **out, bool *tensor, mlplat_error *err);

/* New documents; model_size is that of the data in bytes. */
mlplat_status mlp_model_yaml_mlmodel(const mlp_model_parts *parts, uint64_t model_size, json_t **out,
                                     mlplat_error *err);
mlplat_status mlp_model_yaml_conda(const mlp_model_parts *parts, json_t **out, mlplat_error *err);
mlplat_status mlp_model_yaml_python_env(const mlp_model_parts *parts, json_t **out, mlplat_error *err);

#endif
