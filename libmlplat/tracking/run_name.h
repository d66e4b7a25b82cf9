/* Names of runs that were given none: "able-finch-123", at most 20 characters, as MLflow shapes them. */
#ifndef MLP_RUN_NAME_H
#define MLP_RUN_NAME_H
#include <mlplat/error.h>

mlplat_status mlp_run_name_make(char out[21], mlplat_error *err);

#endif
