/* "models:/<name>/<version>[/<path>]", "models:/<name>@<alias>[/<path>]", "models:/<name>/latest",
 * "models:/<name>/<stage>" and "models:/<model id>" for artifacts/. */
#ifndef MLP_REGISTRY_RESOLVER_H
#define MLP_REGISTRY_RESOLVER_H
#include "session/session.h"

extern const mlp_resolver mlp_registry_resolver;

/* The parts of a models: URI; NULL where it has no such part. Zero is empty. */
typedef struct mlp_models_uri {
    char *model_id; /* of a logged model; no other part is there then */
    char *name;
    char *version; /* "3", "@champion", "latest", "Production" */
    char *rest;    /* path below the model, "" for the model itself */
} mlp_models_uri;

mlplat_status mlp_models_uri_parse(const char *uri, mlp_models_uri *out, mlplat_error *err);
void mlp_models_uri_free(mlp_models_uri *uri);

#endif
