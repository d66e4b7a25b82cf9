/*
 * A tracking store: one file, one const table, one line in tracking_stores.c. Code above the table never asks which
 * store it has. What is given was validated; what comes out are documents as <mlplat/tracking.h> describes them.
 */
#ifndef MLP_TRACKING_STORE_H
#define MLP_TRACKING_STORE_H
#include "base/json.h"
#include "session/session.h"
#include "spool/spool.h"
#include "tracking/metric_buckets.h"
#include "tracking/points.h"
#include <mlplat/tracking.h>

/* A param. */
typedef struct mlp_param {
    const char *key, *value;
    size_t value_n; /* bytes of value that count */
} mlp_param;

/* A run to be made. */
/* Called with the document of what is being made before that is committed, perhaps more than once: what the caller
 * needs memory for is made here, so that nothing is there after a failure. */
typedef mlplat_status (*mlp_made)(void *user, json_t *doc, mlplat_error *err);

typedef struct mlp_run_new {
    const char *experiment_id, *name, *user, *parent_run_id; /* parent NULL: none */
    int64_t start_time_ms;
    const json_t *tags; /* all of them, mlflow.runName too: {key: value} */
    mlp_made made; /* NULL: nothing is */
    void *made_for;
    const char *op; /* of a store that is far: tells a run that was made from one that was not; of a database it is the
                     * run's id; NULL: its own */
} mlp_run_new;

/* A logged model to be made. */
typedef struct mlp_model_new {
    const char *experiment_id, *name, *type, *source_run_id; /* the last two may be NULL */
    const json_t *params, *tags;                             /* {key: value} */
    mlp_made made; /* NULL: nothing is */
    void *made_for;
} mlp_model_new;

/* What the store's column says. */
typedef enum mlp_model_status { MLP_MODEL_PENDING = 1, MLP_MODEL_READY = 2, MLP_MODEL_FAILED = 3 } mlp_model_status;

/* Which points of a metric. */
typedef struct mlp_history {
    const char *run_id, *key;
    int64_t since_ms;      /* of this time and later ones */
    int64_t limit, offset; /* of the page; limit 0: all */
} mlp_history;

/* Lent by the store. */
typedef struct mlp_tracking_about {
    const char *uri, *path, *head;
    const char *spool_folder; /* where its journals are if no setting says otherwise */
    const char *spool_name;   /* names the store in them */
    bool created;
    size_t tag_most; /* characters that its tables have room for in a tag's value; 0: MLflow's own limit */
    const char *read_only; /* why nothing can be written, NULL: it can */
    mlplat_status read_only_status;
} mlp_tracking_about;

typedef struct mlp_tracking_store {
    const char *scheme; /* "sqlite" */
    bool server;        /* it may be away, and is not waited for as one that is slow */
    bool queued;        /* it is far: all that is logged is a record of the spool, and these calls are NULL: run_params,
                         * run_untag, run_inputs, run_outputs, run_note */
    mlplat_status (*open)(mlplat *ml, const char *uri, void **store, mlplat_error *err);
    void (*close)(void *store);
    void (*abandon)(void *store); /* in a forked child: frees memory only */
    void (*about)(const void *store, mlp_tracking_about *out);
    mlp_sink (*sink)(void *store,
                     mlp_spool *const *spool); /* of metrics and tags; *spool is set when it is first called */

    /* location NULL: the default one. *id is the caller's. EXISTS: the name is taken. */
    mlplat_status (*experiment_create)(void *store, const char *name, const char *location, const json_t *tags,
                                       char **id, mlplat_error *err);
    mlplat_status (*experiment_get)(void *store, const char *id, json_t **out, mlplat_error *err);
    mlplat_status (*experiment_by_name)(void *store, const char *name, json_t **out, mlplat_error *err);
    mlplat_status (*experiment_search)(void *store, const mlplat_search *query, json_t **out, mlplat_error *err);
    mlplat_status (*experiment_rename)(void *store, const char *id, const char *name, mlplat_error *err);
    mlplat_status (*experiment_delete)(void *store, const char *id, mlplat_error *err);
    mlplat_status (*experiment_restore)(void *store, const char *id, mlplat_error *err);
    mlplat_status (*experiment_tag)(void *store, const char *id, const char *key, const char *value, mlplat_error *err);
    mlplat_status (*experiment_untag)(void *store, const char *id, const char *key, mlplat_error *err);

    /* Of a store that is far; NULL elsewhere. Was the run made offline, and does it wait? */
    mlplat_status (*run_waits)(void *store, const char *run_id, bool *waits, mlplat_error *err);
    /* Calls of this thread end within so many milliseconds, all together; 0: no more. */
    void (*hurry)(void *store, int64_t ms);
    /* Makes a run offline, of the text of a record CREATE (offline.h): made gets its document before it is accepted. */
    mlplat_status (*run_offline)(void *store, const json_t *creation, mlplat_durability durability, mlp_made made,
                                 void *made_for, mlplat_error *err);
    /* *out: the run's document. STATE: the experiment or the parent is deleted. */
    mlplat_status (*run_create)(void *store, const mlp_run_new *run, json_t **out, mlplat_error *err);
    mlplat_status (*run_get)(void *store, const char *run_id, json_t **out, mlplat_error *err);
    mlplat_status (*run_search)(void *store, const mlplat_search *query, json_t **out, mlplat_error *err);
    mlplat_status (*run_update)(void *store, const char *run_id, const mlplat_run_change *change, mlplat_error *err);
    mlplat_status (*run_delete)(void *store, const char *run_id, mlplat_error *err);
    mlplat_status (*run_restore)(void *store, const char *run_id, mlplat_error *err);
    /* All or none. CONFLICT: one has another value. */
    mlplat_status (*run_params)(void *store, const char *run_id, const mlp_param *params, size_t n, mlplat_error *err);
    mlplat_status (*run_untag)(void *store, const char *run_id, const char *key, mlplat_error *err);
    /* Lists as MLflow's REST calls log-inputs and outputs have them, NULL or empty: none. EXISTS: it is an output. */
    mlplat_status (*run_inputs)(void *store, const char *run_id, const json_t *datasets, const json_t *models,
                                mlplat_error *err);
    mlplat_status (*run_outputs)(void *store, const char *run_id, const json_t *models, mlplat_error *err);
    /* Appends entry to the JSON list in a tag; once: unless it is in it. */
    mlplat_status (*run_note)(void *store, const char *run_id, const char *tag, const json_t *entry, bool once,
                              mlplat_error *err);
    mlplat_status (*history)(void *store, const mlp_history *wanted, json_t **out, mlplat_error *err);
    /* Of the runs in ids, each once, in their order; limit 0: none. */
    mlplat_status (*histories)(void *store, const json_t *ids, const char *key, int64_t limit, json_t **out,
                               mlplat_error *err);
    /* At most n buckets; no points: none. */
    mlplat_status (*buckets)(void *store, const char *run_id, const char *key, size_t n, bool by_time,
                             mlp_buckets *out, mlplat_error *err);
    /* Points as mlp_points_read gives them, in any order. */
    mlplat_status (*points)(void *store, const char *run_id, const char *key, unsigned columns, const mlp_hook *hook,
                            mlp_metric_points *out, mlplat_error *err);

    /* Logged models; *out is the document, and NULL if it is not wanted. All are NULL where there are none. */
    mlplat_status (*model_create)(void *store, const mlp_model_new *model, json_t **out, mlplat_error *err);
    mlplat_status (*model_get)(void *store, const char *id, json_t **out, mlplat_error *err);
    mlplat_status (*model_search)(void *store, const mlplat_logged_model_query *query, json_t **out, mlplat_error *err);
    mlplat_status (*model_check)(void *store, const char *id, mlplat_error *err); /* NOT_FOUND; deleted is fine */
    mlplat_status (*model_finalize)(void *store, const char *id, mlp_model_status status, json_t **out,
                                    mlplat_error *err);
    mlplat_status (*model_tags)(void *store, const char *id, const json_t *tags, mlplat_error *err);
    mlplat_status (*model_untag)(void *store, const char *id, const char *key, mlplat_error *err);
    mlplat_status (*model_params)(void *store, const char *id, const json_t *params, mlplat_error *err);
    /* The run's points of a step become the model's too. */
    mlplat_status (*model_metrics)(void *store, const char *id, const char *run_id, int64_t step, mlplat_error *err);
    /* *location: of the run's newest model of that name, the caller's. NOT_FOUND. */
    mlplat_status (*model_of_run)(void *store, const char *run_id, const char *name, char **location,
                                  mlplat_error *err);
    mlplat_status (*model_delete)(void *store, const char *id, mlplat_error *err);
} mlp_tracking_store;

/* The store for a tracking URI; NULL: UNSUPPORTED, naming the schemes there are. */
const mlp_tracking_store *mlp_tracking_store_for(const char *uri, mlplat_error *err);
const mlp_tracking_store *mlp_tracking_db(void);
const mlp_tracking_store *mlp_tracking_http(void);
const mlp_tracking_store *mlp_tracking_https(void);
const mlp_tracking_store *mlp_tracking_postgres(void);

/* For stores: the page that a query asks for. */
mlplat_status mlp_tracking_page(const mlplat_search *query, int64_t *limit, int64_t *offset, mlplat_error *err);

/* What is in the session's slot. */
typedef struct mlp_tracking mlp_tracking;
struct mlp_tracking {
    mlplat *ml;
    const mlp_tracking_store *ops;
    void *store;
    mlp_spool *spool;
    mlp_tracking *mirror; /* run_mirror.h; NULL: what is logged goes to one store */
    _Atomic uint64_t missed; /* of a mirror: records that it was not given */
};

/* All that is logged is a record of the spool. */
static inline bool mlp_tracking_queued(const mlp_tracking *tracking)
{
#ifdef MLPLAT_MINIMAL
    (void)tracking;
    return false;
#else
    return tracking->ops->queued;
#endif
}

/* A query as a program gives it; NULL: all defaults. */
mlplat_status mlp_tracking_take_search(const mlplat_search *query, mlplat_search *out, mlplat_error *err);
mlplat_status mlp_tracking_of(mlplat *ml, mlp_tracking **out, mlplat_error *err);
mlplat_status mlp_tracking_look(mlplat *ml, mlp_tracking **out, mlplat_error *err); /* what others left stays there */
/* Waits until all that this process logged is stored, so that what is read or changed next comes after it. */
mlplat_status mlp_tracking_settle(mlp_tracking *tracking, mlplat_error *err);
/* The same for what is about one run (NULL: about all): one that waits to be delivered is read from what is logged. */
mlplat_status mlp_tracking_settle_run(mlp_tracking *tracking, const char *run_id, mlplat_error *err);
/* UNSUPPORTED with the reason if the store can only be read. */
mlplat_status mlp_tracking_writable(const mlp_tracking *tracking, mlplat_error *err);

#endif
