/* Prompts in MLflow's schema: registered models with a tag. */
#include "base/alloc.h"
#include "base/err.h"
#include "registry/prompt.h"
#include "registry/registry_db.h"
#include <string.h>

/* The value of a tag, "" if it has none; *there says whether it does. */
static mlplat_status read_tag(mlp_registry_db_store *store, const char *name, const char *key, char **out, bool *there,
                              mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        store->db, MLP_REGISTRY_SQL(store, "SELECT value FROM registered_model_tags WHERE name = ?1 AND key = ?2", ""),
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        mlp_stmt_text(stmt, 2, key);
        s = mlp_stmt_step(stmt, there, err);
    }
    const char *value = s == MLPLAT_OK && *there ? mlp_stmt_col_text(stmt, 0) : NULL;
    if (s == MLPLAT_OK && !(*out = mlp_strdup(value ? value : "")))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status add_experiment(mlp_registry_db_store *store, const char *name, const char *id, mlplat_error *err)
{
    char *list = NULL, *longer = NULL;
    bool there = false;
    mlplat_status s = read_tag(store, name, MLP_PROMPT_EXPERIMENTS_TAG, &list, &there, err);
    if (s == MLPLAT_OK)
        s = mlp_prompt_experiments(list, id, &longer, err);
    if (s == MLPLAT_OK && longer)
        s = mlp_registry_db_put_tag(store, name, MLP_PROMPT_EXPERIMENTS_TAG, longer, err);
    mlp_free(list);
    mlp_free(longer);
    return s;
}

static mlplat_status insert(mlp_registry_db_store *store, const char *name, const char *description, int64_t now_ms,
                            mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(store->db,
                                     "INSERT INTO registered_models (name, creation_time, last_updated_time, "
                                     "description) VALUES (?1, ?2, ?2, ?3)",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        mlp_stmt_int(stmt, 2, now_ms);
        mlp_stmt_text(stmt, 3, description);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s == MLPLAT_OK ? mlp_registry_db_put_tag(store, name, MLP_PROMPT_TAG, "true", err) : s;
}

/* The prompt, made if there is nothing of this name. */
static mlplat_status need_prompt(mlp_registry_db_store *store, const char *name, const char *description,
                                 int64_t now_ms, mlplat_error *err)
{
    mlplat_error why = {0};
    char *value = NULL;
    bool there = false;
    mlplat_status s = mlp_registry_db_need_model(store, name, &why);
    if (s == MLPLAT_NOT_FOUND)
        return insert(store, name, description, now_ms, err);
    if (s != MLPLAT_OK) {
        if (err)
            *err = why;
        return s;
    }
    s = read_tag(store, name, MLP_PROMPT_TAG, &value, &there, err);
    mlp_free(value);
    if (s == MLPLAT_OK && !there)
        s = mlp_fail(err, MLPLAT_INVALID, "'%s' is a registered model: take another name for the prompt", name);
    return s == MLPLAT_OK ? mlp_registry_db_touch(store, name, err) : s;
}

mlplat_status mlp_registry_db_prompt(mlp_registry_db_store *store, const char *name, const mlp_prompt_new *prompt,
                                     int64_t now_ms, mlplat_error *err)
{
    const char *key;
    json_t *value;
    mlplat_status s = need_prompt(store, name, prompt->description, now_ms, err);
    json_object_foreach((json_t *)(uintptr_t)prompt->tags, key, value) if (s == MLPLAT_OK) s =
        mlp_registry_db_put_tag(store, name, key, json_string_value(value), err);
    return s == MLPLAT_OK ? add_experiment(store, name, prompt->experiment_id, err) : s;
}
