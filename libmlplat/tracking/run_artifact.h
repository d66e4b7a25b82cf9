/* What calls share that put something into a run's artifacts. */
#ifndef MLP_RUN_ARTIFACT_H
#define MLP_RUN_ARTIFACT_H
#include "tracking/run_handle.h"

/* STATE: nothing is put into a deleted run. */
mlplat_status mlp_run_artifact_check(mlplat_run *run, mlplat_error *err);
/* "runs:/<id>/<folder>/<name>"; an empty folder is the top. *out is the caller's. */
mlplat_status mlp_run_artifact_uri(const mlplat_run *run, const char *folder, const char *name, char **out,
                                   mlplat_error *err);
mlplat_status mlp_run_artifact_put(mlplat_run *run, const void *data, size_t n, const char *artifact_file,
                                   mlplat_error *err);

#endif
