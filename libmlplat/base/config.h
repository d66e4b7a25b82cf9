/* Settings: call > environment > profile file > default, and who won. */
#ifndef MLP_CONFIG_H
#define MLP_CONFIG_H
#include "base/json.h"
#include <mlplat/session.h>
#include <stdbool.h>

typedef enum mlp_setting {
    MLP_SET_TRACKING_URI,
    MLP_SET_MIRROR_URI, /* MLPLAT_MIRROR_URI: a second store that is given what is logged */
    MLP_SET_REGISTRY_URI,
    MLP_SET_ARTIFACT_ROOT,
    MLP_SET_SPOOL,
    MLP_SET_SPOOL_COPY, /* MLPLAT_SPOOL_COPY: files up to so many bytes are copied into the spool */
    MLP_SET_DURABILITY,
    MLP_SET_EXPERIMENT_NAME, /* MLFLOW_EXPERIMENT_NAME */
    MLP_SET_EXPERIMENT_ID,   /* MLFLOW_EXPERIMENT_ID */
    MLP_SET_RUN_NAME,        /* MLFLOW_RUN_NAME */
    MLP_SET_PARENT_RUN_ID,   /* MLPLAT_PARENT_RUN_ID */
    MLP_SET_PIPELINE_ROOT,   /* MLPLAT_PIPELINE_ROOT */
    MLP_SET_TRUNCATE,        /* MLFLOW_TRUNCATE_LONG_VALUES: "true" (default) cuts long param and tag values */
    MLP_SET_MLFLOW_VERSION,  /* MLPLAT_MLFLOW_VERSION: the MLflow that new stores are made for */
    MLP_SET_SPOOL_QUOTA,     /* MLPLAT_SPOOL_QUOTA: bytes, "none" */
    MLP_SET_SPOOL_FULL,      /* MLPLAT_SPOOL_FULL: block, drop-oldest or error */
    MLP_SET_CLOSE_TIMEOUT,   /* MLPLAT_CLOSE_TIMEOUT_MS: how long closing waits for a server */
    MLP_SET_SPOOL_RATE,      /* MLPLAT_SPOOL_RATE: records a second that a server is given; "none" */
    MLP_SET_COUNT
} mlp_setting;

typedef struct mlp_config {
    char *value[MLP_SET_COUNT];  /* NULL: not set and no default */
    char *source[MLP_SET_COUNT]; /* "call", "environment MLPLAT_SPOOL", "profile prod in /x.yaml", "default" */
} mlp_config;

/* "1048576", "64 MiB", "1GiB", "2k", "none" (UINT64_MAX). */
bool mlp_config_bytes(const char *text, uint64_t *out);
bool mlp_config_number(const char *text, uint64_t *out); /* decimal, or "none" (UINT64_MAX) */
mlplat_status mlp_config_load(const mlplat_options *options, mlp_config *out, mlplat_error *err);
void mlp_config_free(mlp_config *config);
json_t *mlp_config_json(const mlp_config *config); /* as mlplat_config hands out, redacted; new reference or NULL */

#endif
