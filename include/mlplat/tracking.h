/**
 * Tracking: experiments, runs, metrics, params, tags, in MLflow's own store.
 *
 * Documents have the shape of MLflow's REST answers: an experiment is {"experiment_id", "name", "artifact_location",
 * "lifecycle_stage", "creation_time", "last_update_time", "tags": [{"key", "value"}]}; a run is {"info": {"run_id",
 * "run_name", "experiment_id", "user_id", "status", "start_time", "end_time", "artifact_uri", "lifecycle_stage"},
 * "data": {"metrics": [{"key", "value", "timestamp", "step"}], "params": [{"key", "value"}], "tags": [...]},
 * "inputs": {"dataset_inputs": [{"dataset": {"name", "digest", "source_type", "source", "schema"?, "profile"?}, "tags":
 * [{"key", "value"}]}], "model_inputs": [{"model_id"}]}, "outputs": {"model_outputs": [{"model_id", "step"}]}}. Ids are
 * strings, times are milliseconds since 1970, a value that is not finite is "NaN", "Infinity" or "-Infinity".
 *
 * Limits are MLflow's, in characters: keys 1 to 250 letters and digits (of any script) and _ / - . : and spaces, that
 * are also a clean relative path; param values 6,000 and tag values 8,000 (longer ones are cut, with a warning, unless
 * MLFLOW_TRUNCATE_LONG_VALUES is false), tags of experiments 20,000; names of experiments and runs 500 and 250.
 *
 * Every call but the log ones may wait for the store. Any thread.
 */
#ifndef MLPLAT_TRACKING_H
#define MLPLAT_TRACKING_H
#include <mlplat/artifacts.h>
#include <mlplat/doc.h>
#include <mlplat/session.h>
#ifdef __cplusplus
extern "C" {
#endif

/* ---- experiments ---------------------------------------------------------------------------------------------- */

/** How to create an experiment. */
typedef struct mlplat_experiment_options {
    size_t size;
    const char *artifact_location; /**< NULL: <artifact root>/<experiment id> */
    const char *tags;              /**< JSON object of strings, or NULL */
} mlplat_experiment_options;
#define MLPLAT_EXPERIMENT_OPTIONS_INIT { sizeof(mlplat_experiment_options), 0, 0 }

/**
 * Create an experiment. *id is yours: mlplat_free.
 * @return MLPLAT_OK; MLPLAT_EXISTS: the name is taken (also by a deleted one: the message says so); MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_experiment_create(mlplat *ml, const char *name,
                                                  const mlplat_experiment_options *options, char **id,
                                                  mlplat_error *err);

/** Get or create: the id of the experiment of this name. Safe when many processes do it at once. *id is yours.
 * @return MLPLAT_OK; MLPLAT_STATE: it is deleted; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_experiment_ensure(mlplat *ml, const char *name, char **id, mlplat_error *err);

/** An experiment by id. *out is yours. @return MLPLAT_OK; MLPLAT_NOT_FOUND */
MLPLAT_API mlplat_status mlplat_experiment_get(mlplat *ml, const char *id, mlplat_doc **out, mlplat_error *err);

/** An experiment by name. *out is yours. @return MLPLAT_OK; MLPLAT_NOT_FOUND */
MLPLAT_API mlplat_status mlplat_experiment_get_by_name(mlplat *ml, const char *name, mlplat_doc **out,
                                                       mlplat_error *err);

/** Which of the living and the deleted a list shows. */
typedef enum mlplat_view { MLPLAT_VIEW_ACTIVE = 0, MLPLAT_VIEW_DELETED = 1, MLPLAT_VIEW_ALL = 2 } mlplat_view;

/**
 * What to search, in MLflow's language. Zero means: all active ones in the usual order, first page.
 *
 * A filter is comparisons joined by AND: "metrics.loss < 0.5 AND params.depth = '6'". A key with other characters than
 * letters, digits, _ and . stands in backticks or double quotes: "tags.`git-branch` = 'main'". Numbers are compared
 * with =, !=, <, <=, > and >=, texts with =, !=, LIKE and ILIKE (% any characters, _ one), lists are IN ('a', 'b')
 * and NOT IN. An order is keys joined by commas, each with ASC or DESC: "metrics.loss ASC, start_time DESC". There may
 * be 500 comparisons, 50 keys and 30,000 experiment ids.
 */
typedef struct mlplat_search {
    size_t size;
    const char *experiment_ids; /**< of runs: ids joined by commas; NULL: all active experiments */
    const char *filter;         /**< NULL: all */
    const char *order_by;       /**< NULL: the usual one */
    mlplat_view view;           /**< of experiments and runs */
    int max_results;            /**< of one page; 0: as many as MLflow gives */
    const char *page_token;     /**< "next_page_token" of the page before; NULL: the first */
    const char *model;          /**< of model versions: those of this registered model; NULL: of all */
} mlplat_search;
#define MLPLAT_SEARCH_INIT { sizeof(mlplat_search), 0, 0, 0, MLPLAT_VIEW_ACTIVE, 0, 0, 0 }

/**
 * Experiments: {"experiments": [...], "next_page_token"}. *out is yours.
 *
 * A filter knows name (texts), creation_time and last_update_time (whole numbers), experiment_id (=, !=, IN, NOT IN,
 * with ids in quotes) and tags.<key> (texts, IS NULL, IS NOT NULL); LIKE, ILIKE and IN are written in capitals. An
 * order knows the same without tags; without one they are newest first, and equal ones have the greater id first.
 * @param query  NULL: all active ones; max_results 1 to 50,000, 0: 1,000
 * @return MLPLAT_OK; MLPLAT_INVALID: the filter, the order or the token, with the place
 */
MLPLAT_API mlplat_status mlplat_experiment_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out,
                                                mlplat_error *err);

/**
 * Give an experiment another name. Its id and the place of its artifacts stay.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_STATE: it is deleted; MLPLAT_EXISTS: the name is taken; MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_experiment_rename(mlplat *ml, const char *id, const char *new_name, mlplat_error *err);

/** Mark an experiment and its runs deleted. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_STATE: it is deleted already */
MLPLAT_API mlplat_status mlplat_experiment_delete(mlplat *ml, const char *id, mlplat_error *err);

/** Bring a deleted experiment back, with all its runs. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_STATE */
MLPLAT_API mlplat_status mlplat_experiment_restore(mlplat *ml, const char *id, mlplat_error *err);

/** Set a tag of an experiment. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID; MLPLAT_STATE: it is deleted */
MLPLAT_API mlplat_status mlplat_experiment_set_tag(mlplat *ml, const char *id, const char *key, const char *value,
                                                   mlplat_error *err);

/** Remove a tag of an experiment. @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such experiment or tag; MLPLAT_STATE */
MLPLAT_API mlplat_status mlplat_experiment_delete_tag(mlplat *ml, const char *id, const char *key, mlplat_error *err);

/* ---- runs ----------------------------------------------------------------------------------------------------- */

typedef struct mlplat_run mlplat_run;

/** How to start a run. Zero: the configured experiment, a generated name. */
typedef struct mlplat_run_options {
    size_t size;
    const char *experiment;    /**< name, created if it is not there; NULL: MLFLOW_EXPERIMENT_NAME, else see next */
    const char *experiment_id; /**< instead of a name; NULL: MLFLOW_EXPERIMENT_ID, else the parent's, else "0",
                                    MLflow's Default */
    const char *name;          /**< NULL: MLFLOW_RUN_NAME, else generated: "able-finch-123" */
    const char *parent_run_id; /**< makes it a nested run; NULL: MLPLAT_PARENT_RUN_ID, else none; "": none */
    const char *description;   /**< shown by MLflow's UI; NULL: none */
    const char *tags;          /**< JSON object of strings, or NULL; wins over the context tags */
    const char *source_name;   /**< tag mlflow.source.name; NULL: the program's path */
    int64_t start_time_ms;     /**< 0: now */
    mlplat_durability durability; /**< of what this run logs; 0: the session's */
} mlplat_run_options;
#define MLPLAT_RUN_OPTIONS_INIT { sizeof(mlplat_run_options), 0, 0, 0, 0, 0, 0, 0, 0, MLPLAT_DURABILITY_DEFAULT }

/**
 * Start a run; it is in the store when this returns. *out is yours: mlplat_run_end, then mlplat_run_free.
 * A server that does not answer within 5 seconds, or did not a moment ago, stops nobody: the run is made offline, which
 * a warning says. Its id, which begins with "0ff11e", is good for every call from now on. What is logged waits, and the
 * run is made at the server, once, when that is back: by this process, the next one, or mlplat_spool_sync. From then on
 * the server's id names the same run.
 * MLflow's context tags are set: mlflow.runName, mlflow.user, mlflow.source.name, mlflow.source.type, and in a git
 * work tree mlflow.source.git.commit, .branch and .repoURL.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such experiment id or parent run; MLPLAT_STATE: the experiment is deleted;
 *         MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_run_start(mlplat *ml, const mlplat_run_options *options, mlplat_run **out,
                                          mlplat_error *err);

/**
 * Go on with a run, of this process or another; its status becomes RUNNING again. *out is yours.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_STATE: it is deleted
 */
MLPLAT_API mlplat_status mlplat_run_resume(mlplat *ml, const char *run_id, mlplat_run **out, mlplat_error *err);

/** A handle to log to a run without changing its status, as a second process of one training does. *out is yours.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_STATE: it is deleted */
MLPLAT_API mlplat_status mlplat_run_attach(mlplat *ml, const char *run_id, mlplat_run **out, mlplat_error *err);

/** Free the handle; NULL is fine. The run keeps its status: end it first. */
MLPLAT_API void mlplat_run_free(mlplat_run *run);

/** The run's id, 32 hexadecimal digits; it stays what it was when the handle was made. Of a run made offline it is the
 * run's own; mlplat_run_get tells the server's once it is delivered, in info.run_id. Lent by the run. */
MLPLAT_API const char *mlplat_run_id(const mlplat_run *run);
/** The run's name as it was at the start. Lent by the run. */
MLPLAT_API const char *mlplat_run_name(const mlplat_run *run);
/** The id of the run's experiment. Lent by the run. */
MLPLAT_API const char *mlplat_run_experiment_id(const mlplat_run *run);
/** Where the run's artifacts are, a URI or an absolute path; "" of a run made offline, whose server says so later.
 * Lent by the run. */
MLPLAT_API const char *mlplat_run_artifact_uri(const mlplat_run *run);

/**
 * End a run: its records are stored first, then its status and end time. For a server that is queued behind them, and
 * the call returns at once: mlplat_flush waits.
 * @param status  "FINISHED" (also for NULL), "FAILED" or "KILLED"
 * @return MLPLAT_OK; MLPLAT_INVALID; MLPLAT_STATE: it is deleted, or it was ended through this handle already
 */
MLPLAT_API mlplat_status mlplat_run_end(mlplat_run *run, const char *status, mlplat_error *err);

/** The step that asks for the key's next one: 0, 1, 2, ... per handle, after the largest that was given and, of a
 * resumed or attached run, that it had then. */
#define MLPLAT_STEP_AUTO INT64_MIN
/** The timestamp that asks for now. */
#define MLPLAT_TIME_NOW (-1)

/**
 * Log one value; returns as the run's durability says. Does not wait for the store below level remote.
 * @param key    1 to 250 characters, see above
 * @param value  any double: NaN and infinities are stored as MLflow stores them
 * @param step   any but INT64_MIN, which is MLPLAT_STEP_AUTO
 * @return MLPLAT_OK: accepted; MLPLAT_INVALID: the key; MLPLAT_STATE: the run is ended or inherited by fork;
 *         MLPLAT_NO_SPACE, MLPLAT_IO: the journal cannot take it: nothing was accepted
 */
MLPLAT_API mlplat_status mlplat_run_log_metric(mlplat_run *run, const char *key, double value, int64_t step,
                                               mlplat_error *err);

/** Log one value with the caller's timestamp. @param timestamp_ms  0 to INT64_MAX, or MLPLAT_TIME_NOW */
MLPLAT_API mlplat_status mlplat_run_log_metric_at(mlplat_run *run, const char *key, double value, int64_t step,
                                                  int64_t timestamp_ms, mlplat_error *err);

/**
 * Log n values of one key: all are accepted or none.
 * @param steps          n steps, or NULL: the key's next ones
 * @param timestamps_ms  n times, or NULL: now for all
 * @param values         n values
 */
MLPLAT_API mlplat_status mlplat_run_log_metrics(mlplat_run *run, const char *key, const int64_t *steps,
                                                const int64_t *timestamps_ms, const double *values, size_t n,
                                                mlplat_error *err);

/**
 * Log metrics, params and tags of one document: {"metrics": [{"key", "value", "step"?, "timestamp"?, "model_id"?,
 * "dataset_name"?, "dataset_digest"?}] or {key: value}, "params": {key: value} or [{"key", "value"}], "tags":
 * likewise}. A metric with a "model_id" is the run's and that logged model's, measured on the dataset. All of it is
 * checked before any of it is accepted; any number of each. Values of params and tags are texts; numbers, true and
 * false are taken as JSON writes them.
 * @return MLPLAT_OK; MLPLAT_INVALID; MLPLAT_CONFLICT: a param has another value; MLPLAT_STATE; MLPLAT_NOT_FOUND: no
 *         such logged model; MLPLAT_UNSUPPORTED: the store has none
 */
MLPLAT_API mlplat_status mlplat_run_log_batch(mlplat_run *run, const char *batch, mlplat_error *err);

/**
 * Log a param; it is in the store when this returns. The same value again is fine. For a server it is queued like a
 * metric, and another value becomes a dead letter, unless the run's level is remote, which waits for the answer.
 * @return MLPLAT_OK; MLPLAT_CONFLICT: it has another value, which stays; MLPLAT_INVALID; MLPLAT_STATE
 */
MLPLAT_API mlplat_status mlplat_run_log_param(mlplat_run *run, const char *key, const char *value, mlplat_error *err);

/** Set a tag; queued like a metric. @return as mlplat_run_log_metric */
MLPLAT_API mlplat_status mlplat_run_set_tag(mlplat_run *run, const char *key, const char *value, mlplat_error *err);

/** Remove a tag; waits for the store. @return MLPLAT_OK; MLPLAT_NOT_FOUND: the run has no such tag; MLPLAT_STATE */
MLPLAT_API mlplat_status mlplat_run_delete_tag(mlplat_run *run, const char *key, mlplat_error *err);

/**
 * Say what the run read, datasets and logged models: {"datasets": [{"dataset": {"name", "digest", "source_type",
 * "source", "schema"?, "profile"?}, "tags": [{"key", "value"}]?}], "models": [{"model_id"}]}, both optional. The tag
 * mlflow.data.context says what for: "training". A dataset of one name and digest is one of the experiment; what the
 * run has already stays as it is. At most 500, 36, 65,535, 1,048,575 and 16,777,215 characters of name, digest, source,
 * schema and profile, 255 and 500 of a tag. In the store when this returns.
 * @return MLPLAT_OK; MLPLAT_INVALID; MLPLAT_STATE; MLPLAT_UNSUPPORTED: models, in a store of MLflow 2
 */
MLPLAT_API mlplat_status mlplat_run_log_inputs(mlplat_run *run, const char *inputs, mlplat_error *err);

/** Say which logged models the run made: {"models": [{"model_id", "step"}]}; step is 0 if it is left out.
 * @return MLPLAT_OK; MLPLAT_INVALID; MLPLAT_EXISTS: it is an output already; MLPLAT_STATE; MLPLAT_UNSUPPORTED */
MLPLAT_API mlplat_status mlplat_run_log_outputs(mlplat_run *run, const char *outputs, mlplat_error *err);

/** A run with its latest metrics, params and tags. One that was made offline and is not at its server yet is told from
 * what was logged, with "delivery": "waiting" in its info. *out is yours. @return MLPLAT_OK; MLPLAT_NOT_FOUND */
MLPLAT_API mlplat_status mlplat_run_get(mlplat *ml, const char *run_id, mlplat_doc **out, mlplat_error *err);

/**
 * Runs, without their "model_inputs": {"runs": [...], "next_page_token"}. *out is yours.
 *
 * A filter knows metrics.<key> (numbers: the latest value; NaN is unequal to all), params.<key> and tags.<key> (texts,
 * IS NULL, IS NOT NULL), datasets.name, .digest and .context (texts, lists) and the attributes run_id (texts, lists),
 * run_name, status, user_id, artifact_uri (texts), start_time, end_time (numbers), with or without "attributes." in
 * front. An order knows the same without datasets; nulls and NaN come last, equal ones newest first, then by id.
 * A run that was made offline is not found until it is delivered: mlplat_run_get tells it by its id.
 * @param query  NULL: all active runs; max_results 1 to 50,000, 0: 1,000
 * @return MLPLAT_OK; MLPLAT_INVALID: the filter, the order or the token, with the place
 */
MLPLAT_API mlplat_status mlplat_run_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out,
                                           mlplat_error *err);

/** What to change of a run. Zero: nothing. */
typedef struct mlplat_run_change {
    size_t size;
    const char *name;     /**< new name, also in the tag mlflow.runName; NULL or "": stays */
    const char *status;   /**< RUNNING, SCHEDULED, FINISHED, FAILED or KILLED; NULL: stays */
    int64_t end_time_ms;  /**< milliseconds since 1970; 0: stays */
} mlplat_run_change;
#define MLPLAT_RUN_CHANGE_INIT { sizeof(mlplat_run_change), 0, 0, 0 }

/**
 * Change name, status and end time of a run that is there, after what was logged before.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_STATE: it is deleted; MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_run_update(mlplat *ml, const char *run_id, const mlplat_run_change *change,
                                           mlplat_error *err);

/** Mark a run deleted. @return MLPLAT_OK; MLPLAT_NOT_FOUND */
MLPLAT_API mlplat_status mlplat_run_delete(mlplat *ml, const char *run_id, mlplat_error *err);

/** Bring a deleted run back. @return MLPLAT_OK; MLPLAT_NOT_FOUND */
MLPLAT_API mlplat_status mlplat_run_restore(mlplat *ml, const char *run_id, mlplat_error *err);

/**
 * All points of a metric in the order (timestamp, step, value): {"metrics": [{"key", "value", "timestamp", "step"}],
 * "next_page_token"}. *out is yours.
 * @param max_results  of one page; 0: all
 * @param page_token   NULL: the first page
 * @return MLPLAT_OK (no points: an empty list); MLPLAT_NOT_FOUND: no such run; MLPLAT_INVALID: the token
 */
MLPLAT_API mlplat_status mlplat_metric_history(mlplat *ml, const char *run_id, const char *key, int64_t max_results,
                                               const char *page_token, mlplat_doc **out, mlplat_error *err);

/**
 * The points of a metric from a time on, as mlplat_metric_history has them: for following a run, however many points
 * came before. Points may come late, with an earlier time than others: ask from some seconds before the newest one.
 * @param since_ms  milliseconds since 1970, 0 or more; points with this timestamp or a later one
 * @return as mlplat_metric_history; MLPLAT_INVALID: since_ms is negative
 */
MLPLAT_API mlplat_status mlplat_metric_history_since(mlplat *ml, const char *run_id, const char *key,
                                                     int64_t since_ms, int64_t max_results, const char *page_token,
                                                     mlplat_doc **out, mlplat_error *err);

/**
 * All points of one metric of several runs, by run id, then in the order (timestamp, step, value): {"metrics":
 * [{"run_id", "key", "value", "timestamp", "step"}]}. Runs that are not there have none. *out is yours.
 * @param run_ids      ids joined by commas
 * @param max_results  in all; 0: no limit
 * @return MLPLAT_OK; MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_metric_history_bulk(mlplat *ml, const char *run_ids, const char *key,
                                                    int64_t max_results, mlplat_doc **out, mlplat_error *err);

/** What a sample's buckets divide. */
typedef enum mlplat_axis { MLPLAT_AXIS_STEP = 0, MLPLAT_AXIS_TIME = 1 } mlplat_axis;

/**
 * A metric's history decimated for plots, exact over all points: the range of its steps (or times) in buckets of equal
 * width, each with its smallest, its largest and its last point: {"run_id", "key", "axis": "step" | "time", "low"?,
 * "high"?, "count", "nan", "buckets": [{"start", "count", "nan", "min"?: {"value", "step", "timestamp"}, "max"?,
 * "last"}]}. Buckets without points are left out. NaN counts in "count" and "nan", is never "min" or "max" (which are
 * left out if there is nothing else), and may be "last": the point of the largest (step, timestamp, value), or
 * (timestamp, step, value) on the axis of time. Of equal values the first one is "min" and "max". *out is yours.
 * @param buckets  at most so many, to 100,000; 0: 1,000
 * @return MLPLAT_OK (no points: no buckets); MLPLAT_NOT_FOUND: no such run; MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_metric_sample(mlplat *ml, const char *run_id, const char *key, int buckets,
                                              mlplat_axis axis, mlplat_doc **out, mlplat_error *err);

/* ---- artifacts of a run: see artifacts.h for those of any URI --------------------------------------------------- */

/** Copy a file or a directory into the run's artifacts.
 * @param artifact_path  a clean relative folder to put it in, NULL or "": the top
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such file; MLPLAT_INVALID: the path leaves the run; MLPLAT_NO_SPACE */
MLPLAT_API mlplat_status mlplat_run_log_artifact(mlplat_run *run, const char *path, const char *artifact_path,
                                                 mlplat_error *err);

/** Write text as an artifact. @param artifact_file  clean relative path with the file's name: "notes/readme.md" */
MLPLAT_API mlplat_status mlplat_run_log_text(mlplat_run *run, const char *text, const char *artifact_file,
                                             mlplat_error *err);

/** Write a JSON document as an artifact, as YAML if the name ends in .yaml or .yml.
 * @param json  JSON text @return MLPLAT_OK; MLPLAT_INVALID: not JSON, or the path */
MLPLAT_API mlplat_status mlplat_run_log_dict(mlplat_run *run, const char *json, const char *artifact_file,
                                             mlplat_error *err);

/**
 * Write a table as a JSON artifact, as MLflow's load_table and its UI read it, and note it in the tag
 * mlflow.loggedArtifacts. If the file is there, the rows are added to it: columns that it has not come last, and what a
 * row has no value for is null.
 * @param table          {"columns": ["a", ...], "data": [[1, ...], ...]}
 * @param artifact_file  clean relative path that ends in .json
 * @return MLPLAT_OK; MLPLAT_INVALID: the table, the path, or what is there is no table; MLPLAT_UNSUPPORTED: .parquet,
 *         which the Python package writes; MLPLAT_STATE
 */
MLPLAT_API mlplat_status mlplat_run_log_table(mlplat_run *run, const char *table, const char *artifact_file,
                                              mlplat_error *err);

/** Where an image goes: to artifact_file, or to a name that MLflow's UI makes a series of by key and step. */
typedef struct mlplat_image {
    size_t size;
    const char *artifact_file; /**< clean relative path with the file's name, alone; NULL: the others count */
    const char *key;           /**< letters, digits, _ - . / and spaces; NULL: artifact_file counts */
    int64_t step;
    int64_t timestamp_ms;      /**< 0: now */
    const void *small;         /**< WebP of at most 256 by 256 pixels, shown in lists; NULL: the image itself */
    size_t small_n;            /**< its bytes */
} mlplat_image;
#define MLPLAT_IMAGE_INIT { sizeof(mlplat_image), 0, 0, 0, 0, 0, 0 }

/**
 * Write an encoded image as an artifact; with a key also its small form, and the tag mlflow.loggedImages is set.
 * @param data  n bytes of the file: with a key PNG, else of any format
 * @return MLPLAT_OK; MLPLAT_INVALID: no name or two, the key, no PNG; MLPLAT_STATE; as mlplat_artifact_put
 */
MLPLAT_API mlplat_status mlplat_run_log_image(mlplat_run *run, const void *data, size_t n, const mlplat_image *image,
                                              mlplat_error *err);

#ifndef MLPLAT_MINIMAL
/**
 * Save a model directory and log it as the run's: a logged model with the run's params, its metrics of step 0 and a
 * place of its own, which is an output of the run, as MLflow 3 does it. A store of MLflow 2 has it as an artifact of
 * the run, with the tag mlflow.log-model.history.
 * @param name  of the logged model, usually "model"; model->run_id, ->artifact_path and ->model_id are set for you
 * @param uri   "models:/<model id>", ready for mlplat_model_version_create; of MLflow 2 "runs:/<run id>/<name>". Yours:
 *              mlplat_free; NULL: not wanted. runs:/<run id>/<name> leads to it either way
 * @return MLPLAT_OK; as mlplat_model_save and mlplat_run_log_artifact
 */
MLPLAT_API mlplat_status mlplat_run_log_model(mlplat_run *run, const mlplat_model *model, const char *name,
                                              char **uri, mlplat_error *err);
#endif

/* ---- logged models ------------------------------------------------------------------------------------------------
 *
 * A model of MLflow 3: an entity of its own below an experiment, with an id m-..., params, tags, metrics and a folder
 * for its files. Its document is MLflow's: {"info": {"model_id", "experiment_id", "name", "artifact_uri",
 * "creation_timestamp_ms", "last_updated_timestamp_ms", "status": "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY" or
 * "LOGGED_MODEL_UPLOAD_FAILED", "model_type"?, "source_run_id"?, "status_message"?, "tags": [{"key", "value"}]},
 * "data": {"params": [{"key", "value"}], "metrics": [{"key", "value", "timestamp", "step", "model_id", "run_id",
 * "dataset_name"?, "dataset_digest"?}]}}. Metrics come by mlplat_run_log_batch with "model_id". Stores of MLflow 2 have
 * no logged models: MLPLAT_UNSUPPORTED. A deleted model is marked, and only mlplat_logged_model_get misses it.
 */

/** How to create a logged model. Zero: in the configured experiment, with a generated name. */
typedef struct mlplat_logged_model_options {
    size_t size;
    const char *experiment_id; /**< NULL: that of source_run_id, else the configured one, else "0" */
    const char *name;          /**< without / : . % " and '; NULL: generated: "able-finch-123" */
    const char *model_type;    /**< any word to search by: "agent"; NULL: none */
    const char *source_run_id; /**< the run that makes it; NULL: none */
    const char *params;        /**< JSON object of strings, or NULL */
    const char *tags;          /**< JSON object of strings, or NULL */
} mlplat_logged_model_options;
#define MLPLAT_LOGGED_MODEL_OPTIONS_INIT { sizeof(mlplat_logged_model_options), 0, 0, 0, 0, 0, 0 }

/** What to search logged models by. Zero: all of the active experiments, newest first, first page of 100. */
typedef struct mlplat_logged_model_query {
    size_t size;
    const char *experiment_ids; /**< joined by commas; NULL: all active experiments */
    const char *filter;         /**< comparisons joined by AND; NULL: all */
    const char *datasets;       /**< only metrics on these count: JSON [{"dataset_name", "dataset_digest"?}], or NULL */
    const char *order_by;       /**< keys joined by commas, "metrics.auc DESC, name", or as MLflow's REST has it: JSON
                                     [{"field_name", "ascending"?, "dataset_name"?, "dataset_digest"?}]; NULL: newest
                                     first */
    int max_results;            /**< of one page; 0: 100 */
    const char *page_token;     /**< "next_page_token" of the page before, for the same search; NULL: the first */
} mlplat_logged_model_query;
#define MLPLAT_LOGGED_MODEL_QUERY_INIT { sizeof(mlplat_logged_model_query), 0, 0, 0, 0, 0, 0 }

#ifndef MLPLAT_MINIMAL
/**
 * Create a logged model; its status is LOGGED_MODEL_PENDING until mlplat_logged_model_finalize. *out is yours.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such experiment; MLPLAT_STATE: it is deleted; MLPLAT_INVALID;
 *         MLPLAT_UNSUPPORTED: a store of MLflow 2
 */
MLPLAT_API mlplat_status mlplat_logged_model_create(mlplat *ml, const mlplat_logged_model_options *options,
                                                    mlplat_doc **out, mlplat_error *err);

/** A logged model. *out is yours. @return MLPLAT_OK; MLPLAT_NOT_FOUND: there is none, or it is deleted */
MLPLAT_API mlplat_status mlplat_logged_model_get(mlplat *ml, const char *model_id, mlplat_doc **out,
                                                 mlplat_error *err);

/**
 * Logged models: {"models": [...], "next_page_token"}. *out is yours.
 *
 * A filter knows metrics.<key> (numbers: any of its points), params.<key>, tags.<key> and the attributes model_id,
 * name, model_type, status (1 to 3), source_run_id and experiment_id (=, !=, LIKE, ILIKE, IN, NOT IN and texts in
 * single quotes), creation_timestamp and last_updated_timestamp (numbers). An order knows attributes and metrics, whose
 * newest point counts; nulls come last, equal ones newest first, then by id.
 * @param query  NULL: see above
 * @return MLPLAT_OK; MLPLAT_INVALID: also a token of another search; MLPLAT_UNSUPPORTED: a store of MLflow 2
 */
MLPLAT_API mlplat_status mlplat_logged_model_search(mlplat *ml, const mlplat_logged_model_query *query,
                                                    mlplat_doc **out, mlplat_error *err);

/** Say that its files are whole, or not.
 * @param status  "READY" or "FAILED", also as documents have them
 * @param out     the document as it is now, yours; NULL: not wanted
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: the status */
MLPLAT_API mlplat_status mlplat_logged_model_finalize(mlplat *ml, const char *model_id, const char *status,
                                                      mlplat_doc **out, mlplat_error *err);

/** Set tags: {key: value}, of which the last one wins. @param tags  JSON object of strings
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_logged_model_set_tags(mlplat *ml, const char *model_id, const char *tags,
                                                      mlplat_error *err);

/** Remove a tag. @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such model or tag */
MLPLAT_API mlplat_status mlplat_logged_model_delete_tag(mlplat *ml, const char *model_id, const char *key,
                                                        mlplat_error *err);

/** Add params: all of them or none. @param params  JSON object of strings
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_EXISTS: it has one of them already; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_logged_model_log_params(mlplat *ml, const char *model_id, const char *params,
                                                        mlplat_error *err);

/** Mark it deleted; its files stay. @return MLPLAT_OK; MLPLAT_NOT_FOUND */
MLPLAT_API mlplat_status mlplat_logged_model_delete(mlplat *ml, const char *model_id, mlplat_error *err);
#endif

/* ---- the spool: what was accepted and is not yet stored ---------------------------------------------------------- */

/** Counts of this session's spool. */
typedef struct mlplat_spool_counts {
    size_t size;       /**< set by the caller: sizeof(mlplat_spool_counts) */
    uint64_t accepted; /**< records that calls returned MLPLAT_OK for */
    uint64_t durable;  /**< of these, durable at the level asked for */
    uint64_t stored;   /**< of these, in the store */
    uint64_t dead;     /**< of these, refused by the store and set aside */
} mlplat_spool_counts;

/** This session's counts; takes no lock that a logging call could wait for. @return MLPLAT_OK; MLPLAT_STATE: forked */
MLPLAT_API mlplat_status mlplat_spool_count(mlplat *ml, mlplat_spool_counts *out, mlplat_error *err);

/**
 * What waits, and where: {"store", "folder", "accepted", "stored", "waiting", "dead", "dropped", "refused", "blocked",
 * "bytes", "quota" (0: none), "oldest_ms" (the age of the oldest record that waits, by its own time), "journals":
 * [{"id", "pid", "state": "open" | "busy" | "orphan" | "damaged", "waiting", "dead", "bytes"}], "dead_letters": [{"id",
 * "run_id", "kind", "key", "reason", ...}], "runs": [{"local_id", "run_id"}], "waiting_runs": [{"run_id", "waiting"}]};
 * runs: what those made offline became at their server. accepted, stored, dropped, refused and blocked count this
 * session. The minimal profile tells no waiting_runs and no age. *out is yours. It stores nothing and changes nothing,
 * also where it is the session's first call; what the program of a "busy" journal has stored a moment ago may be
 * counted as waiting. With a mirror also "mirror": the same of its spool, with "missed", the records that this session
 * could not give it. Syncing and trying again do the mirror's part too, whatever the store says, and tell it likewise.
 */
MLPLAT_API mlplat_status mlplat_spool_status(mlplat *ml, mlplat_doc **out, mlplat_error *err);

#ifndef MLPLAT_MINIMAL
/** The numbers of mlplat_spool_status as text for Prometheus: mlplat_spool_waiting_records{store="..."} and others.
 * *out is yours: mlplat_free. */
MLPLAT_API mlplat_status mlplat_spool_prometheus(mlplat *ml, char **out, mlplat_error *err);

/**
 * Record by record, what was set aside and what waits, of each journal in its order: {"records": [{"state": "dead" |
 * "waiting", "journal", "seq", "kind", "run_id", "key", "value", "step", "timestamp", "status", "reason"}], "more":
 * there are more}; step and timestamp: of a metric; status and reason: of a dead letter. What looks like a secret is
 * replaced by ***. *out is yours. It stores nothing and changes nothing.
 * @param what         "dead", "waiting"; NULL: both
 * @param run_id       as the records have it; NULL: of all runs
 * @param max_results  at most so many; 0: 1,000
 * @return MLPLAT_OK; MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_spool_inspect(mlplat *ml, const char *what, const char *run_id, int max_results,
                                              mlplat_doc **out, mlplat_error *err);

/**
 * Throw away for good, and tell what: {"what", "dry_run", "records", "journals", "files", "busy": journals of programs
 * that live, which are left alone, "runs": [{"run_id", "records"}]}. Nothing is stored first. *out is yours, may be
 * NULL.
 * @param what     "dead": records that the store refused; "waiting": records that ended programs left; "damaged": files
 *                 of damaged segments
 * @param run_id   of one run, as the records have it; NULL: of all
 * @param dry_run  1: only tell
 * @return MLPLAT_OK; MLPLAT_INVALID: such as a run_id that is none; MLPLAT_NOT_FOUND: there is nothing of that run, or
 *         living programs alone have it; MLPLAT_STATE: forked
 */
MLPLAT_API mlplat_status mlplat_spool_drop(mlplat *ml, const char *what, const char *run_id, int dry_run,
                                           mlplat_doc **out, mlplat_error *err);
#endif

/** Store what dead processes left behind, and what this session accepted: {"replayed", "dead", "journals"}, with what
 * came in when this session opened the store, told once. *out is yours, may be NULL. A server that fails is tried again
 * as long as it takes something. What another process is storing that a dead one left is waited for, as long as it
 * comes on; the minimal profile does not.
 * @return MLPLAT_OK: nothing waits but what living processes logged; the store's own status if it refuses, or takes
 *         nothing for some seconds: the message says how much still waits, and it stays; MLPLAT_CORRUPT: a journal is
 *         damaged and was set aside; MLPLAT_CANCELLED */
MLPLAT_API mlplat_status mlplat_spool_sync(mlplat *ml, mlplat_doc **out, mlplat_error *err);

/** Try the dead letters again: {"stored", "dead"}. *out is yours, may be NULL. */
MLPLAT_API mlplat_status mlplat_spool_retry(mlplat *ml, mlplat_doc **out, mlplat_error *err);

#ifdef __cplusplus
}
#endif
#endif
