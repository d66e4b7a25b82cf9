/* The store in a database of MLflow's schema: what its files share. */
#ifndef MLP_TRACKING_DB_H
#define MLP_TRACKING_DB_H
#include "db/db.h"
#include "tracking/tracking_store.h"

typedef struct mlp_tracking_db_store {
    mlplat *ml;
    mlp_db *db;
    mlp_schema_info schema;
    mlp_spool *const *spool; /* whose sink it is */
    char *uri, *path, *spool_folder, *spool_name, *ticket_path, *artifact_root, *read_only;
} mlp_tracking_db_store;

/* ---- tracking_db_experiment.c */
mlplat_status mlp_tracking_db_experiment_create(void *store, const char *name, const char *location, const json_t *tags,
                                                char **id, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_get(void *store, const char *id, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_by_name(void *store, const char *name, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_list(void *store, const mlplat_search *query, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_delete(void *store, const char *id, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_restore(void *store, const char *id, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_tag(void *store, const char *id, const char *key, const char *value,
                                             mlplat_error *err);

/* ---- tracking_db_run.c */
mlplat_status mlp_tracking_db_run_create(void *store, const mlp_run_new *run, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_run_update(void *store, const char *run_id, const mlp_run_change *change,
                                         mlplat_error *err);
mlplat_status mlp_tracking_db_run_delete(void *store, const char *run_id, mlplat_error *err);
mlplat_status mlp_tracking_db_run_restore(void *store, const char *run_id, mlplat_error *err);
mlplat_status mlp_tracking_db_run_params(void *store, const char *run_id, const mlp_param *params, size_t n,
                                         mlplat_error *err);
mlplat_status mlp_tracking_db_run_untag(void *store, const char *run_id, const char *key, mlplat_error *err);
mlplat_status mlp_tracking_db_run_model(void *store, const char *run_id, const json_t *model, mlplat_error *err);

/* ---- tracking_db_read.c */
mlplat_status mlp_tracking_db_run_get(void *store, const char *run_id, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_run_search(void *store, const mlplat_search *query, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_history(void *store, const char *run_id, const char *key, int64_t max_results,
                                      int64_t offset, json_t **out, mlplat_error *err);
/* Inside a transaction: the run's document. NOT_FOUND. */
mlplat_status mlp_tracking_db_run_doc(mlp_db *db, const char *run_id, json_t **out, mlplat_error *err);
/* Inside a transaction: appends {"key", "value"} of the rows that sql gives for one parameter. */
mlplat_status mlp_tracking_db_pairs(mlp_db *db, const char *sql, const char *owner, json_t *out, mlplat_error *err);

/* ---- tracking_db_write.c */
mlp_sink mlp_tracking_db_sink(void *store, mlp_spool *const *spool);
/* Inside a transaction: NOT_FOUND, or STATE if the run is deleted. run_n bytes of run_id count. */
mlplat_status mlp_tracking_db_run_active(mlp_db *db, const char *run_id, size_t run_n, mlplat_error *err);
/* Inside a transaction: sets a tag of a run; mlflow.runName renames the run. */
mlplat_status mlp_tracking_db_set_tag(mlp_db *db, const char *run_id, size_t run_n, const char *key, size_t key_n,
                                      const char *value, size_t value_n, mlplat_error *err);

#endif
