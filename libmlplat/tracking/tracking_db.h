/* The store in a database of MLflow's schema: what its files share. */
#ifndef MLP_TRACKING_DB_H
#define MLP_TRACKING_DB_H
#include "db/array.h"
#include "db/db.h"
#include "db/metric_columns.h"
#include "tracking/metric_order.h"
#include "tracking/tracking_store.h"
#include <pthread.h>
#include <stdatomic.h>

/* Points as columns. */
typedef struct mlp_tracking_db_rows {
    mlp_array key, run, value, time, step, nan;
} mlp_tracking_db_rows;

typedef struct mlp_tracking_db_store mlp_tracking_db_store;

/* What a store on a server or a mirror (run_mirror.h) is given besides metrics and tags: tracking_postgres_record.c. */
typedef struct mlp_tracking_db_records {
    /* Inside of the sink's transaction. NOT_FOUND, STATE and UNSUPPORTED are about the record. */
    mlplat_status (*put)(mlp_tracking_db_store *store, const mlp_record *record, mlplat_error *err);
    /* The same: makes the run if it was made offline. NOT_FOUND: it was not. */
    mlplat_status (*find)(mlp_tracking_db_store *store, const char *run_id, size_t run_n, mlplat_error *err);
    /* Outside of it: a record ARTIFACT. INVALID, NOT_FOUND: it is the record's own fault. */
    mlplat_status (*send)(mlp_tracking_db_store *store, const mlp_record *record, mlplat_error *err);
    /* All of these are stored, or refused. */
    void (*done)(mlp_tracking_db_store *store, const mlp_record *records, size_t n);
} mlp_tracking_db_records;

struct mlp_tracking_db_store {
    mlplat *ml;
    mlp_db *db;
    mlp_schema_info schema;
    mlp_spool *const *spool; /* whose sink it is */
    size_t slice;                /* records that the sink stores between two looks at the clock, if others wait */
    int64_t crowded_ns;          /* when somebody was last seen to wait for the writer lock */
    mlp_metric_order order;      /* of the sink's batch */
    mlp_tracking_db_rows rows;   /* its memory, where statements take arrays */
    const mlp_record **points;   /* likewise */
    size_t points_room;
    _Atomic size_t appetite;     /* records that a batch had best have */
    mlp_metric_columns *columns; /* for searches, inside of transactions; NULL: not needed so far */
    int64_t many;                /* from how many runs on they are */
    bool keeps_pages;            /* its page cache is large, as there are so many */
    char *uri, *path, *spool_folder, *spool_name, *ticket_path, *artifact_root, *read_only;
    mlplat_status read_only_status;
    const mlp_tracking_db_records *others; /* ask by mlp_tracking_db_others */
    _Atomic bool late;                     /* it was not there when it was opened, and is not known yet */
    json_t *waiting;                       /* {id}: runs that this process made offline, and that wait */
    pthread_mutex_t waiting_lock;
};

/* NULL: metrics and tags are all that its sink is given. */
static inline const mlp_tracking_db_records *mlp_tracking_db_others(const mlp_tracking_db_store *store)
{
#ifdef MLPLAT_MINIMAL
    (void)store;
    return NULL;
#else
    return store->others;
#endif
}

/* ---- tracking_db.c */
#define MLP_TRACKING_DB_SHAPE                                                                                          \
    "the tables of experiments and runs have a shape that this version does not know (head %s; known up to %s): it "   \
    "can only be read; a newer libmlplat may know it"
mlplat_status mlp_tracking_db_new(mlplat *ml, mlp_tracking_db_store **out, mlplat_error *err);
/* Looks at the tables, and at whether they can be written. */
mlplat_status mlp_tracking_db_look(mlp_tracking_db_store *store, mlplat_error *err);
void mlp_tracking_db_close(void *object);
void mlp_tracking_db_abandon(void *object);
void mlp_tracking_db_about(const void *object, mlp_tracking_about *out);
/* What the tables of all its stores say. */
#define MLP_TRACKING_DB_EXPERIMENTS                                                                                    \
    .abandon = mlp_tracking_db_abandon, .about = mlp_tracking_db_about,                                                \
    .experiment_create = mlp_tracking_db_experiment_create, .experiment_get = mlp_tracking_db_experiment_get,          \
    .experiment_by_name = mlp_tracking_db_experiment_by_name,                                                          \
    .experiment_search = mlp_tracking_db_experiment_search, .experiment_rename = mlp_tracking_db_experiment_rename,    \
    .experiment_delete = mlp_tracking_db_experiment_delete, .experiment_restore = mlp_tracking_db_experiment_restore,  \
    .experiment_tag = mlp_tracking_db_experiment_tag, .experiment_untag = mlp_tracking_db_experiment_untag,            \
    .model_check = mlp_tracking_db_model_check
#define MLP_TRACKING_DB_MODELS                                                                                         \
    .model_create = mlp_tracking_db_model_create, .model_get = mlp_tracking_db_model_get,                              \
    .model_search = mlp_tracking_db_model_search, .model_finalize = mlp_tracking_db_model_finalize,                    \
    .model_tags = mlp_tracking_db_model_tags, .model_untag = mlp_tracking_db_model_untag,                              \
    .model_params = mlp_tracking_db_model_params, .model_metrics = mlp_tracking_db_model_metrics,                      \
    .model_of_run = mlp_tracking_db_model_of_run, .model_delete = mlp_tracking_db_model_delete
/* For mlp_db_on_change. */
mlplat_status mlp_tracking_db_shape_changed(mlp_db *db, void *object, mlplat_error *err);

/* ---- tracking_db_experiment.c */
mlplat_status mlp_tracking_db_experiment_create(void *store, const char *name, const char *location, const json_t *tags,
                                                char **id, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_get(void *store, const char *id, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_by_name(void *store, const char *name, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_rename(void *store, const char *id, const char *name, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_delete(void *store, const char *id, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_restore(void *store, const char *id, mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_tag(void *store, const char *id, const char *key, const char *value,
                                             mlplat_error *err);
mlplat_status mlp_tracking_db_experiment_untag(void *store, const char *id, const char *key, mlplat_error *err);

/* ---- tracking_db_place.c */
/* Where the artifacts of what is below an active experiment are: <location>/<below>/artifacts, the caller's. NOT_FOUND,
 * STATE. Inside a transaction. */
mlplat_status mlp_tracking_db_place(mlp_db *db, const mlp_tracking_db_store *store, int64_t experiment,
                                    const char *below, char **uri, mlplat_error *err);

/* ---- tracking_db_model.c */
/* What a statement must select for mlp_tracking_db_model_doc. */
#define MLP_TRACKING_DB_MODEL_COLUMNS                                                                                  \
    "m.model_id, m.experiment_id, m.name, m.artifact_location, m.creation_timestamp_ms, m.last_updated_timestamp_ms, " \
    "m.status, m.model_type, m.source_run_id, m.status_message"
mlplat_status mlp_tracking_db_model_create(void *store, const mlp_model_new *model, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_model_get(void *store, const char *id, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_model_finalize(void *store, const char *id, mlp_model_status status, json_t **out,
                                             mlplat_error *err);
mlplat_status mlp_tracking_db_model_tags(void *store, const char *id, const json_t *tags, mlplat_error *err);
mlplat_status mlp_tracking_db_model_untag(void *store, const char *id, const char *key, mlplat_error *err);
mlplat_status mlp_tracking_db_model_params(void *store, const char *id, const json_t *params, mlplat_error *err);
mlplat_status mlp_tracking_db_model_metrics(void *store, const char *id, const char *run_id, int64_t step,
                                            mlplat_error *err);
mlplat_status mlp_tracking_db_model_of_run(void *store, const char *run_id, const char *name, char **location,
                                           mlplat_error *err);
mlplat_status mlp_tracking_db_model_delete(void *store, const char *id, mlplat_error *err);
/* Inside a transaction: of the row that stmt is at. */
mlplat_status mlp_tracking_db_model_doc(mlp_db *db, mlp_stmt *stmt, json_t **out, mlplat_error *err);

/* ---- tracking_db_model_known.c */
/* Inside a transaction: NOT_FOUND; a deleted one is known. id_n bytes of id count. */
mlplat_status mlp_tracking_db_model_known(mlp_db *db, const char *id, size_t id_n, mlplat_error *err);
mlplat_status mlp_tracking_db_model_check(void *object, const char *id, mlplat_error *err);
/* Inside a transaction: UNSUPPORTED, naming the MLflow that is needed, if the store has no logged models. */
mlplat_status mlp_tracking_db_models_there(const mlp_tracking_db_store *store, mlplat_error *err);
/* The same outside of a transaction: they may have come since the store was opened. */
mlplat_status mlp_tracking_db_models_look(const mlp_tracking_db_store *store, mlplat_error *err);

/* Inside a transaction: the experiment's document, NULL if there is none. */
mlplat_status mlp_tracking_db_experiment_doc(mlp_db *db, int64_t id, json_t **out, mlplat_error *err);

/* ---- tracking_db_search.c */
mlplat_status mlp_tracking_db_experiment_search(void *store, const mlplat_search *query, json_t **out,
                                                mlplat_error *err);
mlplat_status mlp_tracking_db_run_search(void *store, const mlplat_search *query, json_t **out, mlplat_error *err);
/* Ids of experiments, "1, 2", as an array of numbers; and " AND <column> IN (?, ?)" for them, NULL: for the active
 * ones. */
mlplat_status mlp_tracking_db_parse_ids(const char *text, json_t **out, mlplat_error *err);
void mlp_tracking_db_put_ids(const json_t *ids, const char *column, mlp_buf *out);

/* ---- tracking_db_model_search.c */
mlplat_status mlp_tracking_db_model_search(void *store, const mlplat_logged_model_query *query, json_t **out,
                                           mlplat_error *err);

/* ---- tracking_db_run.c */
mlplat_status mlp_tracking_db_run_create(void *store, const mlp_run_new *run, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_run_update(void *store, const char *run_id, const mlplat_run_change *change,
                                         mlplat_error *err);
mlplat_status mlp_tracking_db_run_delete(void *store, const char *run_id, mlplat_error *err);
mlplat_status mlp_tracking_db_run_restore(void *store, const char *run_id, mlplat_error *err);
mlplat_status mlp_tracking_db_run_params(void *store, const char *run_id, const mlp_param *params, size_t n,
                                         mlplat_error *err);
mlplat_status mlp_tracking_db_run_untag(void *store, const char *run_id, const char *key, mlplat_error *err);
mlplat_status mlp_tracking_db_run_note(void *store, const char *run_id, const char *tag, const json_t *entry, bool once,
                                       mlplat_error *err);

/* ---- tracking_db_edges.c */
mlplat_status mlp_tracking_db_run_inputs(void *store, const char *run_id, const json_t *datasets, const json_t *models,
                                         mlplat_error *err);
mlplat_status mlp_tracking_db_run_outputs(void *store, const char *run_id, const json_t *models, mlplat_error *err);
/* Inside a transaction: puts "inputs" and "outputs" into a run's document. MLflow's searches leave model inputs out. */
mlplat_status mlp_tracking_db_run_edges(mlp_db *db, const mlp_tracking_db_store *store, const char *run_id,
                                        bool model_inputs, json_t *doc, mlplat_error *err);

/* ---- tracking_db_read.c */
mlplat_status mlp_tracking_db_run_get(void *store, const char *run_id, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_history(void *store, const mlp_history *wanted, json_t **out, mlplat_error *err);
mlplat_status mlp_tracking_db_histories(void *object, const json_t *ids, const char *key, int64_t limit, json_t **out,
                                        mlplat_error *err);
mlplat_status mlp_tracking_db_buckets(void *object, const char *run_id, const char *key, size_t n, bool by_time,
                                      mlp_buckets *out, mlplat_error *err);
/* Inside a transaction: the run's document. NOT_FOUND. */
mlplat_status mlp_tracking_db_run_doc(mlp_db *db, const mlp_tracking_db_store *store, const char *run_id,
                                      bool model_inputs, json_t **out, mlplat_error *err);
/* Inside a transaction: appends {"key", "value"} of the rows that sql gives for one parameter. */
mlplat_status mlp_tracking_db_pairs(mlp_db *db, const char *sql, const char *owner, json_t *out, mlplat_error *err);

/* ---- tracking_db_points.c */
mlplat_status mlp_tracking_db_points(void *store, const char *run_id, const char *key, unsigned columns,
                                     const mlp_hook *hook, mlp_metric_points *out, mlplat_error *err);

/* ---- tracking_db_server.c */
mlplat_status mlp_tracking_db_settle_in(mlp_tracking_db_store *store, mlplat_error *err);
/* The same for mlp_db_on_change, and with the look at the tables before it: for one that was not there. */
mlplat_status mlp_tracking_db_settle_late(mlp_db *db, void *object, mlplat_error *err);

/* ---- tracking_postgres_record.c */
extern const mlp_tracking_db_records mlp_tracking_postgres_records;
bool mlp_tracking_postgres_waits(mlp_tracking_db_store *store, const char *run_id); /* made offline by this process */
mlplat_status mlp_tracking_postgres_wait(mlp_tracking_db_store *store, const char *run_id, bool waits,
                                         mlplat_error *err);

/* ---- tracking_db_journal.c: the first three inside a transaction */
mlplat_status mlp_tracking_db_journal_allowed(mlp_db *db, bool *allowed, mlplat_error *err);
/* The journal's mark, 0 if it has none; nobody else changes it until the transaction's end. */
mlplat_status mlp_tracking_db_journal_begin(mlp_db *db, const char *journal_id, uint64_t *seq, mlplat_error *err);
mlplat_status mlp_tracking_db_journal_set(mlp_db *db, const char *journal_id, uint64_t seq, mlplat_error *err);
mlplat_status mlp_tracking_db_journal_mark(void *ctx, const char *journal_id, uint64_t *seq, mlplat_error *err);
mlplat_status mlp_tracking_db_journal_forget(void *ctx, const char *journal_id, mlplat_error *err);

/* ---- tracking_db_bulk.c */
/* A point as MLflow stores what SQL cannot hold: NaN as 0 with a mark, infinities as the largest doubles. */
double mlp_tracking_db_stored(double value, bool *is_nan);
/* Inside a transaction, where statements take arrays: the records' points in one statement. latest: what is newest of
 * each metric, and each metric once. */
mlplat_status mlp_tracking_db_bulk_put(mlp_db *db, mlp_tracking_db_rows *rows, const mlp_record *const *records,
                                       size_t n, bool latest, mlplat_error *err);
void mlp_tracking_db_rows_free(mlp_tracking_db_rows *rows);

/* ---- tracking_db_write.c */
mlp_sink mlp_tracking_db_sink(void *object, mlp_spool *const *spool);
/* Inside a transaction: NOT_FOUND, or STATE if the run is deleted. run_n bytes of run_id count. */
mlplat_status mlp_tracking_db_run_active(mlp_db *db, const char *run_id, size_t run_n, mlplat_error *err);
/* Inside a transaction: sets a tag of a run; mlflow.runName renames the run. */
mlplat_status mlp_tracking_db_set_tag(mlp_db *db, const char *run_id, size_t run_n, const char *key, size_t key_n,
                                      const char *value, size_t value_n, mlplat_error *err);

#endif
