/**
 * Display: what a notebook and a report show. HTML of documents, plots of metrics as SVG, tables as Arrow streams.
 *
 * HTML is a fragment to put into a page: one <div class="mlplat">, ASCII only, with its own style sheet, plots as
 * inline SVG, no script, nothing fetched, at most MLPLAT_HTML_LIMIT bytes: what does not fit is counted in words. It
 * takes its colour from the page around it, so it reads in the light and in the dark. Text of users is escaped, long
 * text is shortened, and characters that would not show (controls, marks of writing direction) are made visible.
 *
 * SVG is one <svg> element of at most MLPLAT_SVG_LIMIT bytes, fit for a page and for a file of its own.
 *
 * Documents are those of tracking.h, registry.h and pipelines.h; members that are missing or of another type are left
 * out. Where a session is taken, NULL leaves out what would have to be asked for: sparklines, plots, signatures.
 *
 * Calls that take a session wait for its store. Any thread.
 */
#ifndef MLPLAT_DISPLAY_H
#define MLPLAT_DISPLAY_H
#include <mlplat/arrow.h>
#include <mlplat/doc.h>
#include <mlplat/session.h>
#ifdef __cplusplus
extern "C" {
#endif

/** The most bytes of a piece of HTML. */
#define MLPLAT_HTML_LIMIT 50000
/** The most bytes of a plot. */
#define MLPLAT_SVG_LIMIT 200000

/* ---- HTML ------------------------------------------------------------------------------------------------------- */

/**
 * A run: state, times, metrics, params, tags. *out is yours: mlplat_free.
 * @param ml   NULL, or where its metrics' sparklines come from: as many as can be read within a quarter of a second
 * @param run  as mlplat_run_get gives it
 * @return MLPLAT_OK; MLPLAT_INVALID: the document is not of this kind; MLPLAT_CANCELLED; MLPLAT_NO_MEMORY
 */
MLPLAT_API mlplat_status mlplat_run_html(mlplat *ml, const mlplat_doc *run, char **out, mlplat_error *err);

/** An experiment: place, times, tags. *out is yours: mlplat_free.
 * @param ml          NULL, or where its latest runs come from
 * @param experiment  as mlplat_experiment_get gives it
 * @return as mlplat_run_html */
MLPLAT_API mlplat_status mlplat_experiment_html(mlplat *ml, const mlplat_doc *experiment, char **out,
                                                mlplat_error *err);

/** Runs as a table: one row each, the metrics and params that most of them have as columns. *out is yours: mlplat_free.
 * @param runs  as mlplat_run_search gives it
 * @return as mlplat_run_html */
MLPLAT_API mlplat_status mlplat_run_search_html(const mlplat_doc *runs, char **out, mlplat_error *err);

/**
 * Runs side by side, one column each: metrics with the best of each row marked, the params that differ, plots with all
 * runs in one. *out is yours: mlplat_free.
 * Which of two values is better is told by the metric's name: of loss, error, mse, rmse, mae, logloss, perplexity and
 * the like the lowest, of accuracy, auc, f1, precision, recall, r2, score and the like the highest; of others none.
 * @param ml    NULL, or where the plots come from
 * @param runs  as mlplat_run_search gives it; the first 8 runs are compared
 * @param keys  the metrics to plot, joined by commas; NULL: the first 4 that two runs have with more than one point
 * @return as mlplat_run_html; MLPLAT_INVALID also for a key that is none
 */
MLPLAT_API mlplat_status mlplat_run_compare_html(mlplat *ml, const mlplat_doc *runs, const char *keys, char **out,
                                                 mlplat_error *err);

/** A model version: stage, aliases, source, tags. *out is yours: mlplat_free.
 * @param ml       NULL, or where the model's signature comes from, if its directory can be read
 * @param version  as mlplat_model_version_get gives it
 * @return as mlplat_run_html */
MLPLAT_API mlplat_status mlplat_model_version_html(mlplat *ml, const mlplat_doc *version, char **out,
                                                   mlplat_error *err);

/** The result of a pipeline run: its tasks with state, time and outputs, and when each of them ran.
 * *out is yours: mlplat_free.
 * @param result  as mlplat_pipeline_run gives it
 * @return as mlplat_run_html */
MLPLAT_API mlplat_status mlplat_pipeline_run_html(const mlplat_doc *result, char **out, mlplat_error *err);

/* ---- plots ------------------------------------------------------------------------------------------------------ */

/** What the x axis shows. */
typedef enum mlplat_plot_x {
    MLPLAT_PLOT_STEP = 0,    /**< the step; of plain numbers: the numbers */
    MLPLAT_PLOT_ELAPSED = 1, /**< time since the first point of each series; of plain numbers: milliseconds */
    MLPLAT_PLOT_CLOCK = 2    /**< date and time, UTC; of plain numbers: milliseconds since 1970 */
} mlplat_plot_x;

/** How to draw. Zero or NULL is the default. */
typedef struct mlplat_plot_options {
    size_t size;
    const char *title;        /**< NULL: none; of metrics: the key, if there is one */
    const char *x_label;      /**< NULL: what the axis shows */
    const char *y_label;      /**< NULL: none */
    int width;                /**< pixels, 160 to 4,000; 0: 760 */
    int height;               /**< pixels, 80 to 4,000; 0: 300, and more for a long legend */
    mlplat_plot_x x;          /**< what the x axis shows */
    int log_y;                /**< 1: the y axis is logarithmic; values of 0 and below are left out, and counted */
    double smoothing;         /**< 0 to 0.999: weight of the past in a running mean, drawn over the pale values */
    mlplat_progress progress; /**< in points; NULL: the session's */
    void *user;               /**< for progress */
} mlplat_plot_options;
#define MLPLAT_PLOT_OPTIONS_INIT { sizeof(mlplat_plot_options), 0, 0, 0, 0, 0, MLPLAT_PLOT_STEP, 0, 0, 0, 0 }

/** One line of a plot. */
typedef struct mlplat_plot_series {
    const char *label; /**< for the legend; NULL: none */
    const double *x;   /**< n numbers, in any order; NULL: 0, 1, 2, ... */
    const double *y;   /**< n numbers; a NaN is a gap, an infinity a mark at the edge */
    size_t n;          /**< how many points */
} mlplat_plot_series;

/**
 * Draw lines. What many points share of a pixel's width is drawn from the first, the smallest, the largest and the last
 * of them, so that no spike is lost; points are joined in the order of x. *out is yours: mlplat_free.
 * @param series  n_series of them, at most 1,000; read during the call only; points whose x is not finite are left out
 * @return MLPLAT_OK (also without points: a plot that says so); MLPLAT_INVALID: an option; MLPLAT_CANCELLED;
 *         MLPLAT_NO_MEMORY
 */
MLPLAT_API mlplat_status mlplat_plot(const mlplat_plot_series *series, size_t n_series,
                                     const mlplat_plot_options *options, char **out, mlplat_error *err);

/**
 * Draw metrics of runs: a line per run and key, named by the run, the key, or both. *out is yours: mlplat_free.
 * @param run_ids  ids joined by commas
 * @param keys     metrics joined by commas
 * @return as mlplat_plot (a run without points of a key has no line); MLPLAT_NOT_FOUND: no such run; MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_metric_plot(mlplat *ml, const char *run_ids, const char *keys,
                                            const mlplat_plot_options *options, char **out, mlplat_error *err);

/* ---- tables ----------------------------------------------------------------------------------------------------- */

/**
 * The list in a document as an Arrow stream of one batch. *out is yours: its release.
 *
 * Runs: run_id, run_name, experiment_id, user_id, status, start_time, end_time, artifact_uri, lifecycle_stage, then
 * metrics.<key> (double), params.<key> and tags.<key> in the order of their keys. Experiments, registered models and
 * model versions: their members, then tags.<key>; aliases are lists. Metrics: key, value, timestamp, step. Times are
 * timestamp[ms, UTC]; what a row does not have is null.
 * @param list  as the list and search calls give it: {"runs": [...]}, {"experiments": ...}, {"model_versions": ...},
 *              {"registered_models": ...}, {"metrics": ...}
 * @return MLPLAT_OK; MLPLAT_INVALID: no such list in it; MLPLAT_NO_MEMORY
 */
MLPLAT_API mlplat_status mlplat_list_arrow(const mlplat_doc *list, struct ArrowArrayStream *out, mlplat_error *err);

/**
 * Points of metrics of runs as an Arrow stream, a batch per run and key: run_id, key, step, timestamp[ms, UTC], value,
 * in the order (timestamp, step, value). *out is yours: its release. Read when called, whatever is logged later.
 * @param run_ids   ids joined by commas
 * @param keys      metrics joined by commas
 * @param progress  in points; NULL: the session's
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such run; MLPLAT_INVALID; MLPLAT_CANCELLED; MLPLAT_NO_MEMORY
 */
MLPLAT_API mlplat_status mlplat_metric_arrow(mlplat *ml, const char *run_ids, const char *keys,
                                             mlplat_progress progress, void *user, struct ArrowArrayStream *out,
                                             mlplat_error *err);

#ifdef __cplusplus
}
#endif
#endif
