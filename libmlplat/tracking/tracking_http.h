/* The store behind MLflow's REST: what its files share. */
#ifndef MLP_TRACKING_HTTP_H
#define MLP_TRACKING_HTTP_H
#include "db/search.h"
#include "tracking/offline.h"
#include "tracking/tracking_store.h"
#include "transport/mlflow.h"

typedef struct mlp_tracking_http_store {
    mlplat *ml;
    mlp_mlflow server;
    char *uri, *spool_folder;
    mlp_spool *const *spool; /* as mlp_tracking_store.sink says */
    json_t *marks; /* tracking_http_mark.c; under the spool's lock */
    int64_t make_after_ns; /* tracking_http_local.c */
    json_t *creation; /* of the run that was looked for last */
    char creation_of[MLP_OFFLINE_ID];
} mlp_tracking_http_store;

/* mlp_mlflow_call and mlp_mlflow_call_id on the store's server. */
mlplat_status mlp_tracking_http_call(mlp_tracking_http_store *store, mlp_mlflow_how how, const char *path, json_t *body,
                                     json_t **out, bool *unclear, mlplat_error *err);
mlplat_status mlp_tracking_http_call_id(mlp_tracking_http_store *store, mlp_mlflow_how how, const char *collection,
                                        const char *id, const char *rest, json_t *body, json_t **out, bool *unclear,
                                        mlplat_error *err);

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
/* Pushes ids of experiments: those of a text, or of all active ones where it is NULL or empty. */
mlplat_status mlp_tracking_http_put_ids(void *store, const char *ids, json_t *list, mlplat_error *err);
mlplat_status mlp_tracking_http_run_get(void *object, const char *run_id, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_run_search(void *store, const mlplat_search *query, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_run_update(void *object, const char *run_id, const mlplat_run_change *change,
                                           mlplat_error *err);
mlplat_status mlp_tracking_http_run_delete(void *store, const char *run_id, mlplat_error *err);
mlplat_status mlp_tracking_http_run_restore(void *store, const char *run_id, mlplat_error *err);

/* The run with this mark in an experiment. NOT_FOUND. */
mlplat_status mlp_tracking_http_run_by_op(void *store, const char *experiment_id, const char *op, json_t **out,
                                          mlplat_error *err);

/* ---- tracking_http_local.c: runs made offline, by their own ids */
enum { MLP_TRACKING_HTTP_RUN_ID = 257 };
/* The server's id of a run, whichever it was called by; *waits: it has none yet. An id that nobody knows stays. */
mlplat_status mlp_tracking_http_run_of(mlp_tracking_http_store *store, const char *run_id,
                                       char out[MLP_TRACKING_HTTP_RUN_ID], bool *waits, mlplat_error *err);
/* The same where it has to have one. STATE: it waits. */
mlplat_status mlp_tracking_http_run_there(mlp_tracking_http_store *store, const char *run_id,
                                          char out[MLP_TRACKING_HTTP_RUN_ID], mlplat_error *err);
mlplat_status mlp_tracking_http_run_waits(void *object, const char *run_id, bool *waits, mlplat_error *err);
void mlp_tracking_http_hurry(void *store, int64_t ms);
mlplat_status mlp_tracking_http_run_offline(void *object, const json_t *creation, mlplat_durability durability,
                                            mlp_made made, void *made_for, mlplat_error *err);
/* Of the thread that delivers: the run is made at the server, unless it is there, by the text of its record CREATE. */
mlplat_status mlp_tracking_http_run_deliver(mlp_tracking_http_store *store, const char *run_id, const json_t *creation,
                                            char out[MLP_TRACKING_HTTP_RUN_ID], mlplat_error *err);

/* ---- tracking_http_points.c */
mlplat_status mlp_tracking_http_buckets(void *store, const char *run_id, const char *key, size_t n, bool by_time,
                                        mlp_buckets *out, mlplat_error *err);
mlplat_status mlp_tracking_http_history(void *store, const mlp_history *wanted, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_histories(void *store, const json_t *ids, const char *key, int64_t limit, json_t **out,
                                          mlplat_error *err);
mlplat_status mlp_tracking_http_points(void *store, const char *run_id, const char *key, unsigned columns,
                                       const mlp_hook *hook, mlp_metric_points *out, mlplat_error *err);

/* ---- tracking_http_model.c */
mlplat_status mlp_tracking_http_model_create(void *store, const mlp_model_new *model, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_model_get(void *store, const char *id, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_http_model_check(void *store, const char *id, mlplat_error *err);
mlplat_status mlp_tracking_http_model_finalize(void *store, const char *id, mlp_model_status status, json_t **out,
                                               mlplat_error *err);
mlplat_status mlp_tracking_http_model_tags(void *store, const char *id, const json_t *tags, mlplat_error *err);
mlplat_status mlp_tracking_http_model_untag(void *store, const char *id, const char *key, mlplat_error *err);
mlplat_status mlp_tracking_http_model_params(void *store, const char *id, const json_t *params, mlplat_error *err);
mlplat_status mlp_tracking_http_model_metrics(void *store, const char *id, const char *run_id, int64_t step,
                                              mlplat_error *err);
mlplat_status mlp_tracking_http_model_delete(void *store, const char *id, mlplat_error *err);
mlplat_status mlp_tracking_http_model_normal(json_t *model, mlplat_error *err); /* as the embedded store tells it */

/* ---- tracking_http_model_search.c */
mlplat_status mlp_tracking_http_model_search(void *store, const mlplat_logged_model_query *query, json_t **out,
                                             mlplat_error *err);
mlplat_status mlp_tracking_http_model_of_run(void *store, const char *run_id, const char *name, char **location,
                                             mlplat_error *err);
/* The first model that a filter finds in an experiment, the newest first. NOT_FOUND. */
mlplat_status mlp_tracking_http_model_find(void *store, const char *experiment_id, const char *filter, json_t **out,
                                           mlplat_error *err);

/* ---- tracking_http_why.c: s with an error that tells what it is about; s as it was where that is not to be had */
/* STATE: the experiment is not in the stage that was needed. */
mlplat_status mlp_tracking_http_why_stage(void *store, const char *id, const char *needed, mlplat_status s,
                                          mlplat_error *err);
/* EXISTS: another experiment than own_id (NULL: none is) has the name. */
mlplat_status mlp_tracking_http_why_name(void *store, const char *name, const char *own_id, mlplat_status s,
                                         mlplat_error *err);
/* CONFLICT: the run has the param with another value. */
mlplat_status mlp_tracking_http_why_param(const json_t *run, const mlp_param *param, mlplat_status s,
                                          mlplat_error *err);
/* OK: the run has all of these outputs; EXISTS: one of them. */
mlplat_status mlp_tracking_http_why_output(const json_t *run, const json_t *models, mlplat_status s,
                                           mlplat_error *err);
/* INVALID with the place, where our own reader does not understand it either; UNSUPPORTED where a server is too old. */
mlplat_status mlp_tracking_http_why_search(const mlp_search_language *language, const char *filter, const char *order,
                                           mlplat_status s, mlplat_error *err);
/* Where a server says nothing of it: NOT_FOUND, and STATE where a run has to be active. */
mlplat_status mlp_tracking_http_why_nothing(void *store, const char *run_id, bool active, mlplat_error *err);
/* EXISTS: a logged model has one of the params; OK: it was unclear whether it got them, and it did. */
mlplat_status mlp_tracking_http_why_model_param(void *store, const char *id, const json_t *params, bool unclear,
                                                mlplat_status s, mlplat_error *err);

/* ---- tracking_http_mark.c: which of a journal's tags a run has. Under the spool's lock. */
/* *seq: the last one; 0: none. Asks the server where that may know better than we do. */
mlplat_status mlp_tracking_http_mark_get(mlp_tracking_http_store *store, const char *journal, const char *run_id,
                                         uint64_t *seq, mlplat_error *err);
json_t *mlp_tracking_http_mark_tag(const char *journal, uint64_t seq); /* goes with the tags; NULL: no memory */
void mlp_tracking_http_mark_set(mlp_tracking_http_store *store, const char *journal, const char *run_id, uint64_t seq);
/* A tag was refused, which may be tried again later: the run's mark stays below it. */
void mlp_tracking_http_mark_stick(mlp_tracking_http_store *store, const char *journal, const char *run_id);
bool mlp_tracking_http_mark_stuck(mlp_tracking_http_store *store, const char *journal, const char *run_id);
/* What was sent may have been stored: from now on the server is asked. */
void mlp_tracking_http_mark_doubt(mlp_tracking_http_store *store, const char *journal);
void mlp_tracking_http_mark_forget(mlp_tracking_http_store *store, const char *journal); /* takes them off the runs */

/* ---- tracking_http_write.c */
mlp_sink mlp_tracking_http_sink(void *store, mlp_spool *const *spool);

#endif
