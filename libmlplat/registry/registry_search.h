/* What registered models and their versions are searched by: tables for db/search.h. */
#ifndef MLP_REGISTRY_SEARCH_H
#define MLP_REGISTRY_SEARCH_H
#include "db/search.h"

/* workspaces: the tables have workspaces in their keys. FROM registered_models m; FROM model_versions v. */
const mlp_search_language *mlp_registry_search_models(bool workspaces);
const mlp_search_language *mlp_registry_search_versions(bool workspaces);

#endif
