/* A registered model gets another name, and all that refers to it with it. With foreign keys switched on, rows may have
 * followed the model already: none had the new name before. */
#include "base/clock.h"
#include "base/err.h"
#include "registry/registry_db.h"
#include <string.h>

static mlplat_status need_free_name(const mlp_registry_call *call, mlplat_error *err)
{
    mlplat_error none = {0};
    mlplat_status s = mlp_registry_db_need_model(call->store, call->value, &none);
    if (s == MLPLAT_NOT_FOUND)
        return MLPLAT_OK;
    if (s == MLPLAT_OK)
        return mlp_fail(err, MLPLAT_EXISTS, "registered model '%s' exists already: take another name for '%s'",
                        call->value, call->name);
    if (err)
        *err = none;
    return s;
}

static mlplat_status move(const mlp_registry_call *call, mlp_db *db, const char *sql, int64_t now_ms, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->name);
        mlp_stmt_text(stmt, 2, call->value);
        if (now_ms)
            mlp_stmt_int(stmt, 3, now_ms);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status rename_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_registry_call *call = ctx;
    int64_t now_ms = mlp_clock_ms();
    const struct {
        const char *sql;
        bool timed;
    } steps[] = {
        {MLP_REGISTRY_SQL(call->store,
                          "UPDATE registered_models SET name = ?2, last_updated_time = ?3 WHERE name = ?1", ""),
         true},
        {MLP_REGISTRY_SQL(call->store,
                          "UPDATE model_versions SET name = ?2, last_updated_time = ?3 WHERE name IN (?1, ?2)", ""),
         true},
        {MLP_REGISTRY_SQL(call->store, "UPDATE registered_model_tags SET name = ?2 WHERE name = ?1", ""), false},
        {MLP_REGISTRY_SQL(call->store, "UPDATE registered_model_aliases SET name = ?2 WHERE name = ?1", ""), false},
        {MLP_REGISTRY_SQL(call->store, "UPDATE model_version_tags SET name = ?2 WHERE name = ?1", ""), false},
    };
    mlplat_status s = mlp_registry_db_need_model(call->store, call->name, err);
    if (s == MLPLAT_OK && strcmp(call->name, call->value) != 0)
        s = need_free_name(call, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof steps / sizeof steps[0]; i++)
        s = move(call, db, steps[i].sql, steps[i].timed ? now_ms : 0, err);
    return s;
}

mlplat_status mlp_registry_db_model_rename(void *store, const char *name, const char *new_name, mlplat_error *err)
{
    mlp_registry_call call = {.store = store, .name = name, .value = new_name};
    return mlp_registry_db_write(&call, rename_fn, err);
}
