/*
 * What may be stored: MLflow's limits (its utils/validation.py) with the same decisions, plus valid UTF-8.
 * All answer INVALID with a message that names the thing and the limit.
 */
#ifndef MLP_VALIDATE_H
#define MLP_VALIDATE_H
#include "base/log.h"
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MLP_LIMIT_PARAM = 6000,
    MLP_LIMIT_TAG = 8000,
    MLP_LIMIT_RUN_NAME = 250,
    MLP_LIMIT_EXPERIMENT_NAME = 500,
    MLP_LIMIT_EXPERIMENT_TAG = 20000,
    MLP_LIMIT_LOCATION = 2048,
    MLP_LIMIT_DATASET_NAME = 500,
    MLP_LIMIT_DATASET_DIGEST = 36,
    MLP_LIMIT_DATASET_SOURCE = 65535,
    MLP_LIMIT_DATASET_SCHEMA = 1048575,
    MLP_LIMIT_DATASET_PROFILE = 16777215,
    MLP_LIMIT_INPUT_TAG_KEY = 255,
    MLP_LIMIT_INPUT_TAG_VALUE = 500,
    MLP_LIMIT_MODEL_ID = 36
};

/*
 * The value of a param or tag: limit counts characters. *n is how many bytes of it to store: all, or with cut what the
 * limit allows, and a warning tells of it, as MLFLOW_TRUNCATE_LONG_VALUES asks.
 */
mlplat_status mlp_validate_value(const char *what, const char *key, const char *value, size_t limit, bool cut,
                                 const mlp_logger *log, size_t *n, mlplat_error *err);
mlplat_status mlp_validate_experiment_name(const char *name, mlplat_error *err);
mlplat_status mlp_validate_experiment_tag(const char *key, const char *value, mlplat_error *err);
mlplat_status mlp_validate_location(const char *location, mlplat_error *err);
mlplat_status mlp_validate_run_name(const char *name, mlplat_error *err);
mlplat_status mlp_validate_model_name(const char *name, mlplat_error *err); /* of a logged model */
/* *out: the number that an experiment id is in a database. */
mlplat_status mlp_validate_experiment_id(const char *id, int64_t *out, mlplat_error *err);
/* CONFLICT: a param does not change. Its two values, unless its name says that they are secret. */
mlplat_status mlp_validate_param_change(const char *run_id, const char *key, const char *is, const char *value,
                                        mlplat_error *err);
mlplat_status mlp_validate_timestamp(const char *key, int64_t timestamp_ms, mlplat_error *err);

#endif
