/*
 * What changes a run besides metrics and tags. A store in this process does it at once. For a server each is a record
 * of the journal, as metrics and tags are for every store: the call never waits, and what the server refuses becomes a
 * dead letter, unless the run's level is remote, which waits for the server's word.
 */
#ifndef MLP_RUN_QUEUE_H
#define MLP_RUN_QUEUE_H
#include "tracking/run_handle.h"

mlp_record mlp_run_queue_param(const mlplat_run *run, const mlp_param *param); /* lends the param's texts */
mlplat_status mlp_run_queue_params(mlplat_run *run, const mlp_param *params, size_t n, mlplat_error *err);
mlplat_status mlp_run_queue_untag(mlplat_run *run, const char *key, mlplat_error *err);
mlplat_status mlp_run_queue_update(mlplat_run *run, const mlplat_run_change *change, mlplat_error *err);
json_t *mlp_run_queue_body(const mlplat_run_change *change); /* the text of a record UPDATE; NULL: no memory */
mlplat_status mlp_run_queue_inputs(mlplat_run *run, const json_t *datasets, const json_t *models, mlplat_error *err);
mlplat_status mlp_run_queue_outputs(const mlplat_run *run, const json_t *models, mlplat_error *err);
mlplat_status mlp_run_queue_note(mlplat_run *run, const char *tag, const json_t *entry, bool once, mlplat_error *err);

#endif
