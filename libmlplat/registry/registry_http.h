/* The registry behind MLflow's REST: what its files share. */
#ifndef MLP_REGISTRY_HTTP_H
#define MLP_REGISTRY_HTTP_H
#include "registry/registry_store.h"
#include "transport/mlflow.h"

typedef struct mlp_registry_http_store {
    mlplat *ml;
    mlp_mlflow server;
} mlp_registry_http_store;

/* The document under a name of an answer, as the embedded store tells it; the answer is given back. *out may be NULL.
 */
mlplat_status mlp_registry_http_take(mlplat_status s, json_t *answer, const char *name, json_t **out,
                                     mlplat_error *err);
mlplat_status mlp_registry_http_version_normal(json_t *version, mlplat_error *err);
mlplat_status mlp_registry_http_model_normal(json_t *model, mlplat_error *err);
/* A version's aliases out of those of its model: some of MLflow's answers leave them out. */
mlplat_status mlp_registry_http_put_aliases(json_t *version, const json_t *aliases, mlplat_error *err);

/* ---- registry_http_model.c */
mlplat_status mlp_registry_http_model_create(void *object, const char *name, const char *description,
                                             const json_t *tags, mlplat_error *err);
mlplat_status mlp_registry_http_model_get(void *object, const char *name, json_t **out, mlplat_error *err);
mlplat_status mlp_registry_http_model_update(void *store, const char *name, const char *description, mlplat_error *err);
mlplat_status mlp_registry_http_model_rename(void *store, const char *name, const char *new_name, mlplat_error *err);
mlplat_status mlp_registry_http_model_delete(void *store, const char *name, mlplat_error *err);
mlplat_status mlp_registry_http_model_tag(void *store, const char *name, const char *key, const char *value,
                                          mlplat_error *err);
mlplat_status mlp_registry_http_alias_delete(void *store, const char *name, const char *alias, mlplat_error *err);
/* The prompt of a version, made or changed. INVALID: the name is a model's. */
mlplat_status mlp_registry_http_prompt(mlp_registry_http_store *store, const char *name, const mlp_prompt_new *prompt,
                                       mlplat_error *err);

/* ---- registry_http_create.c */
mlplat_status mlp_registry_http_version_create(void *object, const mlp_version_new *fresh, int64_t *number,
                                               mlplat_error *err);

/* ---- registry_http_version.c */
mlplat_status mlp_registry_http_version_get(void *store, const char *name, const mlp_version_ref *ref, json_t **out,
                                            mlplat_error *err);
mlplat_status mlp_registry_http_version_location(void *object, const char *name, const mlp_version_ref *ref, char **out,
                                                 mlplat_error *err);
mlplat_status mlp_registry_http_version_latest(void *store, const char *name, unsigned stages, json_t **out,
                                               mlplat_error *err);
mlplat_status mlp_registry_http_version_transition(void *store, const char *name, const mlp_version_ref *ref,
                                                   const char *stage, bool archive, json_t **out, mlplat_error *err);
mlplat_status mlp_registry_http_version_update(void *store, const char *name, const mlp_version_ref *ref,
                                               const char *description, mlplat_error *err);
mlplat_status mlp_registry_http_version_delete(void *store, const char *name, const mlp_version_ref *ref,
                                               mlplat_error *err);
mlplat_status mlp_registry_http_version_tag(void *store, const char *name, const mlp_version_ref *ref, const char *key,
                                            const char *value, mlplat_error *err);
mlplat_status mlp_registry_http_alias_set(void *store, const char *name, const char *alias, const mlp_version_ref *ref,
                                          mlplat_error *err);

/* ---- registry_http_search.c */
mlplat_status mlp_registry_http_model_search(void *store, const mlp_registry_query *query, json_t **out,
                                             mlplat_error *err);
mlplat_status mlp_registry_http_version_search(void *object, const mlp_registry_query *query, json_t **out,
                                               mlplat_error *err);

/* ---- registry_http_logged.c */
mlplat_status mlp_registry_http_logged(void *object, const char *model_id, mlp_logged_model *out, mlplat_error *err);
mlplat_status mlp_registry_http_logged_of_run(void *object, const char *run_id, const char *name, mlp_logged_model *out,
                                              mlplat_error *err);

/* ---- registry_http_webhook.c */
mlplat_status mlp_registry_http_webhook_create(void *object, const json_t *fields, json_t **out, mlplat_error *err);
mlplat_status mlp_registry_http_webhook_get(void *object, const char *id, json_t **out, mlplat_error *err);
mlplat_status mlp_registry_http_webhook_list(void *object, int64_t limit, const char *page_token, json_t **out,
                                             mlplat_error *err);
mlplat_status mlp_registry_http_webhook_update(void *object, const char *id, const json_t *fields, json_t **out,
                                               mlplat_error *err);
mlplat_status mlp_registry_http_webhook_delete(void *object, const char *id, mlplat_error *err);
mlplat_status mlp_registry_http_webhook_test(void *object, const char *id, const json_t *event, json_t **out,
                                             mlplat_error *err);

#endif
