/* The store behind MLflow's REST: what its files share. */
#ifndef MLP_TRACKING_HTTP_H
#define MLP_TRACKING_HTTP_H
#include "tracking/tracking_store.h"
#include "transport/http.h"

typedef struct mlp_tracking_http_store {
    mlplat *ml;
    mlp_http *http;
    char *uri, *spool_folder;
} mlp_tracking_http_store;

/* What may be done with a call whose answer did not come. */
typedef enum mlp_tracking_http_how {
    MLP_TRACKING_HTTP_GET,   /* GET, the body's members as its query */
    MLP_TRACKING_HTTP_AGAIN, /* POST that does no harm twice */
    MLP_TRACKING_HTTP_ONCE   /* POST that does */
} mlp_tracking_http_how;

/* A call below /api/2.0/mlflow/. body: stolen, NULL is NO_MEMORY. *out: the answer, a new reference; NULL: not wanted.
 * *unclear: nobody knows whether it was done; may be NULL. STATE where MLflow says that something is deleted. */
mlplat_status mlp_tracking_http_call(const mlp_tracking_http_store *store, mlp_tracking_http_how how, const char *path,
                                     json_t *body, json_t **out, bool *unclear, mlplat_error *err);
/* The list under name, which MLflow leaves out where it is empty: made there. Lent; NULL: no memory. */
json_t *mlp_tracking_http_list(json_t *object, const char *name);
/* Sorts a list of {"key"} as the embedded store has it. */
mlplat_status mlp_tracking_http_sort(json_t *list, mlplat_error *err);
json_t *mlp_tracking_http_pairs(const json_t *tags); /* {key: value} as [{"key", "value"}]; NULL: no memory */

/* ---- tracking_http_experiment.c */
mlplat_status mlp_tracking_http_experiment_create(void *store, const char *name, const char *location,
                                                  const json_t *tags, char **id, mlplat_error *err);
mlplat_status mlp_tracking_http_experiment_get(void *store, const char *id, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_experiment_by_name(void *store, const char *name, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_experiment_search(void *store, const mlplat_search *query, json_t **out,
                                                  mlplat_error *err);
mlplat_status mlp_tracking_http_experiment_rename(void *store, const char *id, const char *name, mlplat_error *err);
mlplat_status mlp_tracking_http_experiment_delete(void *store, const char *id, mlplat_error *err);
mlplat_status mlp_tracking_http_experiment_restore(void *store, const char *id, mlplat_error *err);
mlplat_status mlp_tracking_http_experiment_tag(void *store, const char *id, const char *key, const char *value,
                                               mlplat_error *err);
mlplat_status mlp_tracking_http_experiment_untag(void *store, const char *id, const char *key, mlplat_error *err);
/* What a query says besides its filter; body gets it. */
mlplat_status mlp_tracking_http_query(const mlplat_search *query, const char *view_name, json_t *body,
                                      mlplat_error *err);

/* ---- tracking_http_run.c */
mlplat_status mlp_tracking_http_run_create(void *store, const mlp_run_new *run, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_run_get(void *store, const char *run_id, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_run_search(void *store, const mlplat_search *query, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_run_update(void *store, const char *run_id, const mlplat_run_change *change,
                                           mlplat_error *err);
mlplat_status mlp_tracking_http_run_delete(void *store, const char *run_id, mlplat_error *err);
mlplat_status mlp_tracking_http_run_restore(void *store, const char *run_id, mlplat_error *err);
mlplat_status mlp_tracking_http_run_params(void *store, const char *run_id, const mlp_param *params, size_t n,
                                           mlplat_error *err);
mlplat_status mlp_tracking_http_run_untag(void *store, const char *run_id, const char *key, mlplat_error *err);
mlplat_status mlp_tracking_http_run_inputs(void *store, const char *run_id, const json_t *datasets,
                                           const json_t *models, mlplat_error *err);
mlplat_status mlp_tracking_http_run_outputs(void *store, const char *run_id, const json_t *models, mlplat_error *err);

mlplat_status mlp_tracking_http_run_note(void *store, const char *run_id, const char *tag, const json_t *entry,
                                         bool once, mlplat_error *err);

/* ---- tracking_http_points.c */
mlplat_status mlp_tracking_http_buckets(void *store, const char *run_id, const char *key, size_t n, bool by_time,
                                        mlp_buckets *out, mlplat_error *err);
mlplat_status mlp_tracking_http_history(void *store, const mlp_history *wanted, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_histories(void *store, const json_t *ids, const char *key, int64_t limit, json_t **out,
                                          mlplat_error *err);
mlplat_status mlp_tracking_http_points(void *store, const char *run_id, const char *key, unsigned columns,
                                       const mlp_hook *hook, mlp_metric_points *out, mlplat_error *err);

/* ---- tracking_http_write.c */
mlp_sink mlp_tracking_http_sink(void *store, mlp_spool *const *spool);

#endif
