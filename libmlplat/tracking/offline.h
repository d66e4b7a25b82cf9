/*
 * Runs made while their server cannot be reached.
 *
 * Such a run has an id of its own at once. Of an MLflow server, which gives each run an id, that is 32 hex digits that
 * begin with "0ff11e" and have an 8 where a server's have a 4, so that nobody takes one for the other. Of a database it
 * is the id that the run keeps, "op". It is a record CREATE of the journal, whose text is
 *
 *   {"op", "experiment_id", "experiment_name" (both: that one, or else one of the name; neither: the parent's),
 *    "run_name", "user_id", "start_time", "parent_run_id" (may be of a run made offline itself; not there: none),
 *    "tags": {key: value} (not there: none), "not_before" (the server did not answer in time and may be at it: until
 *    then it is looked for, and not made)}
 *
 * and its other records have its own id. Delivery makes the run at the server once, whoever's journal comes first, and
 * puts down which one that is (spool/run_map.h); an MLflow server's run has the tag "mlplat.local_id". From then on
 * every call with the own id is one with the server's. Until then the run waits: what is known of it is in the
 * journals.
 */
#ifndef MLP_OFFLINE_H
#define MLP_OFFLINE_H
#include "base/json.h"
#include "tracking/tracking_store.h"

#define MLP_OFFLINE_TAG "mlplat.local_id"
#define MLP_OFFLINE_NOT_YET                                                                                            \
    "run %s was made offline and is not at the server yet: this can be done once it is delivered (mlplat spool sync)"

enum { MLP_OFFLINE_ID = 33, MLP_OFFLINE_DOUBT_MS = 20 * 1000 };

typedef struct mlp_offline_point {
    int64_t time, step;
    double value;
} mlp_offline_point;

bool mlp_offline_is_id(const char *run_id);
mlplat_status mlp_offline_make_id(char out[MLP_OFFLINE_ID], mlplat_error *err);
/* Makes a run: its record CREATE, after made had its document. */
mlplat_status mlp_offline_put(mlp_spool *spool, const char *run_id, const json_t *creation,
                              mlplat_durability durability, mlp_made made, void *made_for, mlplat_error *err);
/* A change of a run that waits goes behind its records. */
mlplat_status mlp_offline_change(mlp_spool *spool, const char *run_id, const mlplat_run_change *change,
                                 mlplat_error *err);

/* ---- offline_view.c: from the journals of all processes */
/* *out: the text of the run's record CREATE, a new reference; NULL: there is none (any more). */
mlplat_status mlp_offline_creation(mlp_spool *spool, const char *run_id, json_t **out, mlplat_error *err);
/* *out: the run as a store tells it, with "delivery": "waiting" in its info; NULL as above. */
mlplat_status mlp_offline_run(mlp_spool *spool, const char *run_id, json_t **out, mlplat_error *err);
/* The same of what a record CREATE says alone. */
mlplat_status mlp_offline_fresh(const char *run_id, const json_t *creation, json_t **out, mlplat_error *err);
/* ---- offline_points.c: points of a metric, a buffer of mlp_offline_point, as a store tells them */
/* Adds those of a run that waits. */
mlplat_status mlp_offline_points(mlp_spool *spool, const char *run_id, const char *key, mlp_buf *out,
                                 mlplat_error *err);
void mlp_offline_sort(mlp_buf *points);
/* Of sorted ones. run_id NULL: is not told; limit 0: none. */
mlplat_status mlp_offline_push(json_t *list, const mlp_buf *points, const char *key, const char *run_id, int64_t limit,
                               mlplat_error *err);
mlplat_status mlp_offline_history(const mlp_buf *points, const mlp_history *wanted, json_t **out, mlplat_error *err);
mlplat_status mlp_offline_columns(const mlp_buf *points, unsigned columns, mlp_metric_points *out, mlplat_error *err);
mlplat_status mlp_offline_buckets(const mlp_buf *points, size_t n, bool by_time, mlp_buckets *out, mlplat_error *err);

#endif
