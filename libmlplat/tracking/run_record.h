/* What is given to be logged, checked and in the form that the spool and the store take. */
#ifndef MLP_RUN_RECORD_H
#define MLP_RUN_RECORD_H
#include "tracking/run_handle.h"

/* The metric's entry in the handle's table; the name is checked when it comes first. */
mlplat_status mlp_run_record_key(mlplat_run *run, const char *name, mlp_run_key **out, mlplat_error *err);
/* MLPLAT_STEP_AUTO becomes the key's next step, any other is the one to go on after. */
mlplat_status mlp_run_record_step(mlp_run_key *key, int64_t *step, mlplat_error *err);
mlp_record mlp_run_record_metric(const mlplat_run *run, const mlp_run_key *key, double value, int64_t step,
                                 int64_t timestamp_ms);
/* These lend key and value. */
mlplat_status mlp_run_record_tag(const mlplat_run *run, const char *key, const char *value, mlp_record *out,
                                 mlplat_error *err);
mlplat_status mlp_run_record_param(const mlplat_run *run, const char *key, const char *value, mlp_param *out,
                                   mlplat_error *err);

#endif
