/*
 * A registry store: one file, one const table, one line in registry_stores.c. Code above the table never asks which
 * store it has. What is given was checked; what comes out are documents as <mlplat/registry.h> describes them.
 */
#ifndef MLP_REGISTRY_STORE_H
#define MLP_REGISTRY_STORE_H
#include "base/json.h"
#include "session/session.h"
#include <mlplat/registry.h>

/* Which version of a model: stores look it up in the same step as what they do with it. */
typedef enum mlp_version_kind {
    MLP_VERSION_NUMBER,
    MLP_VERSION_ALIAS,
    MLP_VERSION_LATEST,
    MLP_VERSION_STAGE /* the latest one in a stage */
} mlp_version_kind;
typedef struct mlp_version_ref {
    mlp_version_kind kind;
    int64_t number;
    const char *alias;
    const char *stage; /* as MLflow writes it */
} mlp_version_ref;

/* MLflow's stages, in its order; a set of them has bit 1 << i for the i-th. */
extern const char *const mlp_stages[];
enum { MLP_STAGE_NONE, MLP_STAGE_STAGING, MLP_STAGE_PRODUCTION, MLP_STAGE_ARCHIVED, MLP_STAGE_COUNT };

/* A prompt is a registered model with this tag, "true", and so is each of its versions. */
#define MLP_PROMPT_TAG "mlflow.prompt.is_prompt"

/* Of a prompt that is made with its version, or gets one more. */
typedef struct mlp_prompt_new {
    const char *description;   /* of a prompt that is not there yet */
    const json_t *tags;        /* of the prompt */
    const char *experiment_id; /* the experiment that it belongs to */
} mlp_prompt_new;

/* A version to be made; NULL: has none. */
typedef struct mlp_version_new {
    const char *name;
    const char *source;   /* as shown */
    const char *location; /* where its files are */
    const char *run_id, *run_link, *description;
    const char *model_id; /* the logged model that it is; told of the version */
    const json_t *tags;
    const mlp_prompt_new *prompt; /* NULL: a version of a model */
} mlp_version_new;

/* A search; NULL: no restriction, the usual order. */
typedef struct mlp_registry_query {
    const char *filter, *order_by;
    const char *model; /* of versions: only its own */
    int64_t limit;
    const char *page_token; /* as the store gave it; NULL: the first page */
} mlp_registry_query;

/* A model that was logged by a run and is not registered yet. The strings are the caller's. */
typedef struct mlp_logged_model {
    char *model_id, *location, *run_id;
} mlp_logged_model;
void mlp_logged_model_free(mlp_logged_model *model);

typedef struct mlp_registry_store {
    const char *scheme; /* "sqlite" */
    mlplat_status (*open)(mlplat *ml, const char *uri, void **store, mlplat_error *err);
    void (*close)(void *store);
    void (*abandon)(void *store); /* in a forked child: frees memory only */

    mlplat_status (*model_create)(void *store, const char *name, const char *description, const json_t *tags,
                                  mlplat_error *err);
    mlplat_status (*model_get)(void *store, const char *name, json_t **out, mlplat_error *err);
    mlplat_status (*model_search)(void *store, const mlp_registry_query *query, json_t **out, mlplat_error *err);
    mlplat_status (*model_update)(void *store, const char *name, const char *description, mlplat_error *err);
    mlplat_status (*model_rename)(void *store, const char *name, const char *new_name, mlplat_error *err);
    mlplat_status (*model_delete)(void *store, const char *name, mlplat_error *err);
    mlplat_status (*model_tag)(void *store, const char *name, const char *key, const char *value /* NULL: remove */,
                               mlplat_error *err);

    mlplat_status (*version_create)(void *store, const mlp_version_new *version, int64_t *number, mlplat_error *err);
    mlplat_status (*version_get)(void *store, const char *name, const mlp_version_ref *ref, json_t **out,
                                 mlplat_error *err);
    mlplat_status (*version_location)(void *store, const char *name, const mlp_version_ref *ref, char **out,
                                      mlplat_error *err);
    mlplat_status (*version_search)(void *store, const mlp_registry_query *query, json_t **out, mlplat_error *err);
    /* The newest version of each stage in the set, the stage that was used first first. */
    mlplat_status (*version_latest)(void *store, const char *name, unsigned stages, json_t **out, mlplat_error *err);
    /* *out, if asked for, is the version as it is then; archive: others in this stage are archived. */
    mlplat_status (*version_transition)(void *store, const char *name, const mlp_version_ref *ref, const char *stage,
                                        bool archive, json_t **out, mlplat_error *err);
    mlplat_status (*version_update)(void *store, const char *name, const mlp_version_ref *ref, const char *description,
                                    mlplat_error *err);
    mlplat_status (*version_delete)(void *store, const char *name, const mlp_version_ref *ref, mlplat_error *err);
    mlplat_status (*version_tag)(void *store, const char *name, const mlp_version_ref *ref, const char *key,
                                 const char *value /* NULL: remove */, mlplat_error *err);
    mlplat_status (*alias_set)(void *store, const char *name, const char *alias, const mlp_version_ref *ref,
                               mlplat_error *err);
    mlplat_status (*alias_delete)(void *store, const char *name, const char *alias, mlplat_error *err);

    /* By its id, or the newest that a run logged under a name. NULL where a store has none. */
    mlplat_status (*logged_model)(void *store, const char *model_id, mlp_logged_model *out, mlplat_error *err);
    mlplat_status (*logged_model_of_run)(void *store, const char *run_id, const char *name, mlp_logged_model *out,
                                         mlplat_error *err);

    /* Webhooks; NULL where nobody is there who would call them. fields: as they are sent, the events checked. */
    mlplat_status (*webhook_create)(void *store, const json_t *fields, json_t **out, mlplat_error *err);
    mlplat_status (*webhook_get)(void *store, const char *id, json_t **out, mlplat_error *err);
    mlplat_status (*webhook_list)(void *store, int64_t limit, const char *page_token, json_t **out, mlplat_error *err);
    mlplat_status (*webhook_update)(void *store, const char *id, const json_t *fields, json_t **out, mlplat_error *err);
    mlplat_status (*webhook_delete)(void *store, const char *id, mlplat_error *err);
    mlplat_status (*webhook_test)(void *store, const char *id, const json_t *event /* NULL: the first */, json_t **out,
                                  mlplat_error *err);
} mlp_registry_store;

/* The store for a registry URI; NULL: UNSUPPORTED, naming the schemes there are. */
const mlp_registry_store *mlp_registry_store_for(const char *uri, mlplat_error *err);
const mlp_registry_store *mlp_registry_db(void);
const mlp_registry_store *mlp_registry_http(void);
const mlp_registry_store *mlp_registry_https(void);
const mlp_registry_store *mlp_registry_postgres(void);

/* What is in the session's slot. */
typedef struct mlp_registry {
    mlplat *ml;
    const mlp_registry_store *ops;
    void *store;
} mlp_registry;

mlplat_status mlp_registry_of(mlplat *ml, mlp_registry **out, mlplat_error *err);

/* Where a version's files are, and the run and logged model it comes from. The strings are the caller's. */
typedef struct mlp_version_source {
    char *source, *location, *run_id, *model_id;
} mlp_version_source;
mlplat_status mlp_version_source_find(mlp_registry *registry, const char *source, const char *run_id,
                                      mlp_version_source *out, mlplat_error *err);
void mlp_version_source_free(mlp_version_source *source);

#endif
