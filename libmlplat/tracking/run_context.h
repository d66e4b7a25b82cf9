/* MLflow's context tags of a new run: who, from where, at which commit. */
#ifndef MLP_RUN_CONTEXT_H
#define MLP_RUN_CONTEXT_H
#include "base/json.h"

/* Adds mlflow.user, mlflow.source.name, mlflow.source.type and, in a git work tree, mlflow.source.git.commit, .branch
 * and .repoURL to tags. source_name NULL: the program's path. What cannot be found out is left out. */
mlplat_status mlp_run_context_add(const char *source_name, json_t *tags, mlplat_error *err);

#endif
