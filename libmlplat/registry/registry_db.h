/* What the files of the registry on a database share. */
#ifndef MLP_REGISTRY_DB_H
#define MLP_REGISTRY_DB_H
#include "db/db.h"
#include "registry/registry_store.h"

typedef struct mlp_registry_db_store {
    mlplat *ml;
    mlp_db *db;
    char *path;
    mlp_schema_info schema;
} mlp_registry_db_store;

/* SQL for a store of this shape: rows of other workspaces are not ours, and stores of old have no workspaces. */
#define MLP_REGISTRY_SQL(store, before, after)                                                                         \
    ((store)->schema.registry_workspace ? before " AND workspace = 'default'" after : before after)

/* The same for the columns of a key. */
#define MLP_REGISTRY_KEY(store, before, after)                                                                         \
    ((store)->schema.registry_workspace ? before "workspace, " after : before after)

/* A call: the arguments of one operation, and what comes out. It is run again from the start when the store was busy.
 */
typedef struct mlp_registry_call {
    mlp_registry_db_store *store;
    const char *name, *key, *value;
    const json_t *tags;
    const mlp_version_ref *ref;
    const mlp_version_new *fresh;
    json_t *doc;
    char *text;
    int64_t number;
    unsigned stages;
    bool archive;
    mlp_logged_model logged;
} mlp_registry_call;

mlplat_status mlp_registry_db_write(mlp_registry_call *call, mlp_db_fn fn, mlplat_error *err);
mlplat_status mlp_registry_db_read(mlp_registry_call *call, mlp_db_fn fn, mlplat_error *err);

/* Hands call->doc out, or drops it after a failure. */
mlplat_status mlp_registry_db_answer(mlp_registry_call *call, mlplat_status s, json_t **out);

/* Inside of transactions. */
mlplat_status mlp_registry_db_need_model(mlp_registry_db_store *store, const char *name,
                                         mlplat_error *err); /* NOT_FOUND */
mlplat_status mlp_registry_db_touch(mlp_registry_db_store *store, const char *name,
                                    mlplat_error *err); /* its time of change */
mlplat_status mlp_registry_db_find(mlp_registry_db_store *store, const char *name, const mlp_version_ref *ref,
                                   int64_t *number, mlplat_error *err);
/* {"key", "value"} of every row (text, text) of a prepared statement, which is done then. *out is a new reference. */
mlplat_status mlp_registry_db_pairs(mlp_stmt *stmt, const char *key, const char *value, json_t **out,
                                    mlplat_error *err);
mlplat_status mlp_registry_db_put_tag(const mlp_registry_db_store *store, const char *name, const char *key,
                                      const char *value, mlplat_error *err);
mlplat_status mlp_registry_db_model_doc(mlp_registry_db_store *store, const char *name, json_t **out,
                                        mlplat_error *err);
mlplat_status mlp_registry_db_version_doc(mlp_registry_db_store *store, const char *name, int64_t number, json_t **out,
                                          mlplat_error *err);

mlplat_status mlp_registry_db_model_create(void *store, const char *name, const char *description, const json_t *tags,
                                           mlplat_error *err);
mlplat_status mlp_registry_db_model_get(void *store, const char *name, json_t **out, mlplat_error *err);
mlplat_status mlp_registry_db_model_search(void *object, const mlp_registry_query *query, json_t **out,
                                           mlplat_error *err);
mlplat_status mlp_registry_db_model_update(void *store, const char *name, const char *description, mlplat_error *err);
mlplat_status mlp_registry_db_model_rename(void *store, const char *name, const char *new_name, mlplat_error *err);
mlplat_status mlp_registry_db_model_delete(void *store, const char *name, mlplat_error *err);
mlplat_status mlp_registry_db_model_tag(void *store, const char *name, const char *key, const char *value,
                                        mlplat_error *err);
mlplat_status mlp_registry_db_version_create(void *store, const mlp_version_new *version, int64_t *number,
                                             mlplat_error *err);
mlplat_status mlp_registry_db_version_get(void *store, const char *name, const mlp_version_ref *ref, json_t **out,
                                          mlplat_error *err);
mlplat_status mlp_registry_db_version_location(void *store, const char *name, const mlp_version_ref *ref, char **out,
                                               mlplat_error *err);
mlplat_status mlp_registry_db_version_search(void *object, const mlp_registry_query *query, json_t **out,
                                             mlplat_error *err);
mlplat_status mlp_registry_db_version_latest(void *store, const char *name, unsigned stages, json_t **out,
                                             mlplat_error *err);
mlplat_status mlp_registry_db_version_transition(void *store, const char *name, const mlp_version_ref *ref,
                                                 const char *stage, bool archive, json_t **out, mlplat_error *err);
mlplat_status mlp_registry_db_version_update(void *store, const char *name, const mlp_version_ref *ref,
                                             const char *description, mlplat_error *err);
mlplat_status mlp_registry_db_version_delete(void *store, const char *name, const mlp_version_ref *ref,
                                             mlplat_error *err);
mlplat_status mlp_registry_db_version_tag(void *store, const char *name, const mlp_version_ref *ref, const char *key,
                                          const char *value, mlplat_error *err);
mlplat_status mlp_registry_db_alias_set(void *store, const char *name, const char *alias, const mlp_version_ref *ref,
                                        mlplat_error *err);
mlplat_status mlp_registry_db_alias_delete(void *store, const char *name, const char *alias, mlplat_error *err);
mlplat_status mlp_registry_db_logged(void *store, const char *model_id, mlp_logged_model *out, mlplat_error *err);
mlplat_status mlp_registry_db_logged_of_run(void *store, const char *run_id, const char *name, mlp_logged_model *out,
                                            mlplat_error *err);
/* The prompt of a version, made or changed. INVALID: the name is a model's. */
mlplat_status mlp_registry_db_prompt(mlp_registry_db_store *store, const char *name, const mlp_prompt_new *prompt,
                                     int64_t now_ms, mlplat_error *err);
mlplat_status mlp_registry_db_logged_note(mlp_registry_db_store *store, const mlp_version_new *version, int64_t number,
                                          mlplat_error *err);

#endif
