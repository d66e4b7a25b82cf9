#include "tracking/tracking_db.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/uri.h"
#include "tracking/server_spool.h"
#include <string.h>

enum { MANY_RUNS = 5000 };

static mlplat_status fill_paths(mlp_tracking_db_store *store, mlplat_error *err)
{
    store->uri = mlp_uri_of_sqlite(store->path);
    store->spool_folder = mlp_sprintf("%s.spool", store->path);
    store->spool_name = mlp_strdup(store->path);
    store->ticket_path = mlp_sprintf("%s-ticket", store->path);
    store->artifact_root = mlp_db_artifact_root(mlp_session_setting(store->ml, MLP_SET_ARTIFACT_ROOT), store->path);
    bool all = store->uri && store->spool_folder && store->spool_name && store->ticket_path && store->artifact_root;
    return all ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status check_shape(mlp_tracking_db_store *store, mlplat_error *err)
{
    bool known = store->schema.tracking_known;
    if (known && !mlp_db_read_only(store->db))
        return MLPLAT_OK;
    store->read_only_status = known ? MLPLAT_DENIED : MLPLAT_UNSUPPORTED;
    store->read_only =
        known ? mlp_strdup("the file " MLP_DB_READ_ONLY)
              : mlp_sprintf("the tables of experiments and runs have a shape that this version does not know (head %s; "
                            "known up to %s): it can only be read; a newer libmlplat may know it",
                            store->schema.head, mlp_schema_revisions[mlp_schema_newest].head);
    return store->read_only ? MLPLAT_OK : mlp_fail_memory(err);
}

static void free_store(mlp_tracking_db_store *store)
{
    mlp_tracking_db_rows_free(&store->rows);
    mlp_free(store->points);
    mlp_metric_columns_free(store->columns);
    mlp_metric_order_free(&store->order);
    mlp_free(store->uri);
    mlp_free(store->path);
    mlp_free(store->spool_folder);
    mlp_free(store->spool_name);
    mlp_free(store->ticket_path);
    mlp_free(store->artifact_root);
    mlp_free(store->read_only);
    mlp_free(store);
}

static void db_close(void *object)
{
    mlp_tracking_db_store *store = object;
    mlp_db_close(store->db);
    free_store(store);
}

static void db_abandon(void *object)
{
    mlp_tracking_db_store *store = object;
    mlp_db_abandon(store->db);
    free_store(store);
}

static mlplat_status shape_changed(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_tracking_db_store *store = ctx;
    return mlp_schema_again(db, &store->schema, err);
}

static mlplat_status open_schema(mlp_tracking_db_store *store, mlplat_error *err)
{
    mlplat *ml = store->ml;
    const mlp_schema_maker maker = {.artifact_root = store->artifact_root,
                                    .mlflow = mlp_session_setting(ml, MLP_SET_MLFLOW_VERSION),
                                    .installed = ml->mlflow_installed,
                                    .user = ml->hook.user};
    mlplat_status s = mlp_schema_open(store->db, &maker, &store->schema, &ml->hook, err);
    if (s == MLPLAT_OK)
        mlp_db_on_change(store->db, shape_changed, store);
    return s;
}

typedef mlplat_status (*open_fn)(mlp_tracking_db_store *store, const char *uri, mlplat_error *err);

static mlplat_status open_file(mlp_tracking_db_store *store, const char *uri, mlplat_error *err)
{
    mlplat *ml = store->ml;
    mlplat_status s = mlp_db_uri_path(uri, &store->path, err);
    if (s == MLPLAT_OK)
        s = fill_paths(store, err);
    const mlp_db_options options = {.create = true, .ticket_path = store->ticket_path, .log = &ml->log};
    if (s == MLPLAT_OK)
        s = mlp_db_open(store->path, &options, &store->db, err);
    return s;
}

static mlplat_status db_open_by(mlplat *ml, const char *uri, open_fn open, void **out, mlplat_error *err)
{
    mlp_tracking_db_store *store = mlp_alloc(sizeof *store);
    if (!store)
        return mlp_fail_memory(err);
    store->ml = ml;
    store->many = MANY_RUNS;
    mlplat_status s = open(store, uri, err);
    if (s == MLPLAT_OK)
        s = open_schema(store, err);
    if (s == MLPLAT_OK)
        s = check_shape(store, err);
#ifndef MLPLAT_MINIMAL
    if (s == MLPLAT_OK && !mlp_db_is_file(store->db))
        s = mlp_tracking_db_settle_in(store, err);
#endif
    if (s == MLPLAT_OK) {
        *out = store;
        return MLPLAT_OK;
    }
    if (store->db)
        mlp_db_close(store->db);
    free_store(store);
    return s;
}

static mlplat_status db_open(mlplat *ml, const char *uri, void **out, mlplat_error *err)
{
    return db_open_by(ml, uri, open_file, out, err);
}

static void db_about(const void *object, mlp_tracking_about *out)
{
    const mlp_tracking_db_store *store = object;
    *out = (mlp_tracking_about){
        .uri = store->uri,
        .path = store->path,
        .head = store->schema.head,
        .spool_folder = store->spool_folder,
        .spool_name = store->spool_name,
        .created = store->schema.created,
        .read_only = store->read_only,
        .read_only_status = store->read_only_status,
    };
}

#ifdef MLPLAT_MINIMAL
#define WHOLE .points = NULL
#else
#define WHOLE                                                                                                          \
    .points = mlp_tracking_db_points, .model_create = mlp_tracking_db_model_create,                                    \
    .model_get = mlp_tracking_db_model_get, .model_search = mlp_tracking_db_model_search,                              \
    .model_finalize = mlp_tracking_db_model_finalize, .model_tags = mlp_tracking_db_model_tags,                        \
    .model_untag = mlp_tracking_db_model_untag, .model_params = mlp_tracking_db_model_params,                          \
    .model_metrics = mlp_tracking_db_model_metrics, .model_of_run = mlp_tracking_db_model_of_run,                      \
    .model_delete = mlp_tracking_db_model_delete
#endif
#define TABLE(scheme_name, is_server, open_store)                                                                      \
    {                                                                                                                  \
        .scheme = (scheme_name), .server = (is_server), .open = (open_store), .close = db_close,                       \
        .abandon = db_abandon, .about = db_about, .sink = mlp_tracking_db_sink,                                        \
        .experiment_create = mlp_tracking_db_experiment_create,                                                        \
        .experiment_get = mlp_tracking_db_experiment_get, .experiment_by_name = mlp_tracking_db_experiment_by_name,    \
        .experiment_search = mlp_tracking_db_experiment_search,                                                        \
        .experiment_rename = mlp_tracking_db_experiment_rename,                                                        \
        .experiment_delete = mlp_tracking_db_experiment_delete,                                                        \
        .experiment_restore = mlp_tracking_db_experiment_restore, .experiment_tag = mlp_tracking_db_experiment_tag,    \
        .experiment_untag = mlp_tracking_db_experiment_untag, .run_create = mlp_tracking_db_run_create,                \
        .run_get = mlp_tracking_db_run_get, .run_search = mlp_tracking_db_run_search,                                  \
        .run_update = mlp_tracking_db_run_update, .run_delete = mlp_tracking_db_run_delete,                            \
        .run_restore = mlp_tracking_db_run_restore, .run_params = mlp_tracking_db_run_params,                          \
        .run_untag = mlp_tracking_db_run_untag, .run_inputs = mlp_tracking_db_run_inputs,                              \
        .run_outputs = mlp_tracking_db_run_outputs, .run_note = mlp_tracking_db_run_note,                              \
        .history = mlp_tracking_db_history, .histories = mlp_tracking_db_histories,                                    \
        .buckets = mlp_tracking_db_buckets, .model_check = mlp_tracking_db_model_check, WHOLE                          \
    }

static const mlp_tracking_store on_file = TABLE("sqlite", false, db_open);

const mlp_tracking_store *mlp_tracking_db(void)
{
    return &on_file;
}

#ifndef MLPLAT_MINIMAL
static mlplat_status open_server(mlp_tracking_db_store *store, const char *uri, mlplat_error *err)
{
    const mlp_db_options options = {.log = &store->ml->log};
    mlplat_status s = mlp_db_open_server(uri, &options, &store->db, err);
    if (s != MLPLAT_OK)
        return s;
    const char *shown = mlp_db_path(store->db), *at = strrchr(shown, '@');
    store->uri = mlp_strdup(shown);
    store->path = mlp_strdup(shown);
    /* By whatever user: passwords and names change while records wait. */
    store->spool_name = mlp_sprintf("postgresql://%s", at ? at + 1 : shown + strlen("postgresql://"));
    store->spool_folder = store->spool_name ? mlp_server_spool_folder(store->spool_name) : NULL;
    return store->uri && store->path && store->spool_folder ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status db_open_server(mlplat *ml, const char *uri, void **out, mlplat_error *err)
{
    return db_open_by(ml, uri, open_server, out, err);
}

static const mlp_tracking_store on_server = TABLE("postgresql", true, db_open_server);

const mlp_tracking_store *mlp_tracking_postgres(void)
{
    return &on_server;
}
#endif
