#include "tracking/tracking_db.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/uri.h"
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
              : mlp_sprintf(MLP_TRACKING_DB_SHAPE, store->schema.head, mlp_schema_revisions[mlp_schema_newest].head);
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
    json_decref(store->waiting);
    mlp_free(store);
}

void mlp_tracking_db_close(void *object)
{
    mlp_tracking_db_store *store = object;
    mlp_db_close(store->db);
    free_store(store);
}

void mlp_tracking_db_abandon(void *object)
{
    mlp_tracking_db_store *store = object;
    mlp_db_abandon(store->db);
    free_store(store);
}

mlplat_status mlp_tracking_db_shape_changed(mlp_db *db, void *object, mlplat_error *err)
{
    mlp_tracking_db_store *store = object;
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
        mlp_db_on_change(store->db, mlp_tracking_db_shape_changed, store);
    return s;
}

mlplat_status mlp_tracking_db_look(mlp_tracking_db_store *store, mlplat_error *err)
{
    mlplat_status s = open_schema(store, err);
    return s == MLPLAT_OK ? check_shape(store, err) : s;
}

mlplat_status mlp_tracking_db_new(mlplat *ml, mlp_tracking_db_store **out, mlplat_error *err)
{
    mlp_tracking_db_store *store = *out = mlp_alloc(sizeof *store);
    if (!store)
        return mlp_fail_memory(err);
    store->ml = ml;
    store->many = MANY_RUNS;
    return MLPLAT_OK;
}

static mlplat_status open_file(mlp_tracking_db_store *store, const char *uri, mlplat_error *err)
{
    mlplat *ml = store->ml;
#ifndef MLPLAT_MINIMAL
    store->others = &mlp_tracking_postgres_records; /* of a mirror, or of one whose program is gone */
#endif
    mlplat_status s = mlp_db_uri_path(uri, &store->path, err);
    if (s == MLPLAT_OK)
        s = fill_paths(store, err);
    const mlp_db_options options = {.create = true, .ticket_path = store->ticket_path, .log = &ml->log};
    return s == MLPLAT_OK ? mlp_db_open(store->path, &options, &store->db, err) : s;
}

static mlplat_status db_open(mlplat *ml, const char *uri, void **out, mlplat_error *err)
{
    mlp_tracking_db_store *store = NULL;
    mlplat_status s = mlp_tracking_db_new(ml, &store, err);
    if (s != MLPLAT_OK)
        return s;
    s = open_file(store, uri, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_look(store, err);
    if (s == MLPLAT_OK)
        *out = store;
    else
        mlp_tracking_db_close(store);
    return s;
}

/* SQLite does not count characters. */
static size_t tag_most(const mlp_tracking_db_store *store)
{
    enum { BEFORE_2_17 = 5000, REVISION_2_17 = 2 };
    bool counts = mlp_tracking_db_others(store) && !atomic_load(&store->late);
    return counts && store->schema.revision >= 0 && store->schema.revision < REVISION_2_17 ? BEFORE_2_17 : 0;
}

void mlp_tracking_db_about(const void *object, mlp_tracking_about *out)
{
    const mlp_tracking_db_store *store = object;
    *out = (mlp_tracking_about){
        .uri = store->uri,
        .path = store->path,
        .head = store->schema.head,
        .spool_folder = store->spool_folder,
        .spool_name = store->spool_name,
        .created = store->schema.created,
        .tag_most = tag_most(store),
        .read_only = store->read_only,
        .read_only_status = store->read_only_status,
    };
}

#ifdef MLPLAT_MINIMAL
#define WHOLE .points = NULL
#else
#define WHOLE                                                                                                          \
    .points = mlp_tracking_db_points, MLP_TRACKING_DB_MODELS
#endif

static const mlp_tracking_store on_file = {
    .scheme = "sqlite",
    .open = db_open,
    .close = mlp_tracking_db_close,
    .sink = mlp_tracking_db_sink,
    .run_create = mlp_tracking_db_run_create,
    .run_get = mlp_tracking_db_run_get,
    .run_search = mlp_tracking_db_run_search,
    .run_update = mlp_tracking_db_run_update,
    .run_delete = mlp_tracking_db_run_delete,
    .run_restore = mlp_tracking_db_run_restore,
    .run_params = mlp_tracking_db_run_params,
    .run_untag = mlp_tracking_db_run_untag,
    .run_inputs = mlp_tracking_db_run_inputs,
    .run_outputs = mlp_tracking_db_run_outputs,
    .run_note = mlp_tracking_db_run_note,
    .history = mlp_tracking_db_history,
    .histories = mlp_tracking_db_histories,
    .buckets = mlp_tracking_db_buckets,
    MLP_TRACKING_DB_EXPERIMENTS,
    WHOLE,
};

const mlp_tracking_store *mlp_tracking_db(void)
{
    return &on_file;
}
