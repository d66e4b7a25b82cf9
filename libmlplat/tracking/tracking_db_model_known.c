/* Whether a store has logged models, and one of an id: runs ask too, whose metrics may be of a model. */
#include "base/err.h"
#include "tracking/tracking_db.h"
#include <string.h>

#define FIRST_HEAD "6953534de441" /* MLflow 3.0.0's */

mlplat_status mlp_tracking_db_models_there(const mlp_tracking_db_store *store, mlplat_error *err)
{
    if (store->schema.logged_models)
        return MLPLAT_OK;
    if (store->schema.revision < 0 || store->schema.revision >= mlp_schema_find(FIRST_HEAD))
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "%s: the tables of logged models have a shape that this version does not know (head %s): a "
                        "newer libmlplat may know it",
                        store->path, store->schema.head);
    return mlp_fail(err, MLPLAT_UNSUPPORTED,
                    "%s has no logged models: they came with MLflow 3.0, and its tables are older (head %s): "
                    "`%s upgrade` adds them",
                    store->path, store->schema.head, mlp_db_is_file(store->db) ? "mlplat store" : "mlflow db");
}

static mlplat_status nothing_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    (void)db, (void)ctx, (void)err;
    return MLPLAT_OK;
}

/* Every transaction begins with a look at what the tables have become. */
mlplat_status mlp_tracking_db_models_look(const mlp_tracking_db_store *store, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    if (!store->schema.logged_models)
        s = mlp_db_read(store->db, nothing_fn, NULL, &store->ml->hook, err);
    return s == MLPLAT_OK ? mlp_tracking_db_models_there(store, err) : s;
}

mlplat_status mlp_tracking_db_model_known(mlp_db *db, const char *id, size_t id_n, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, "SELECT 1 FROM logged_models WHERE model_id = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text_n(stmt, 1, id, id_n);
        s = mlp_stmt_step(stmt, &row, err);
    }
    mlp_stmt_done(stmt);
    if (s == MLPLAT_OK && !row)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "there is no logged model '%.*s'", (int)(id_n < 60 ? id_n : 60), id);
    return s;
}

static mlplat_status check_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const char *id = ctx;
    return mlp_tracking_db_model_known(db, id, strlen(id), err);
}

mlplat_status mlp_tracking_db_model_check(void *object, const char *id, mlplat_error *err)
{
    const mlp_tracking_db_store *store = object;
    mlplat_status s = mlp_tracking_db_models_look(store, err);
    return s == MLPLAT_OK ? mlp_db_read(store->db, check_fn, (void *)id, &store->ml->hook, err) : s;
}
