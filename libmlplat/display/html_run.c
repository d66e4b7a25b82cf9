/* A run, and an experiment with its latest runs. */
#include "base/clock.h"
#include "base/err.h"
#include "display/html.h"
#include "display/plot.h"
#include "display/plot_metric.h"
#include "session/session.h"
#include <mlplat/tracking.h>
#include <string.h>

enum { SPARK_MS = 250, METRICS_RESERVE = 16000, PAIRS_RESERVE = 3000, LATEST = 10 };

/* ---- sparklines -------------------------------------------------------------------------------------------------- */

/* Reading for pictures goes on as long as it is worth it; the session's own hook is asked first. */
typedef struct patience {
    const mlp_hook *session;
    int64_t until_ns;
    mlplat_status said;
} patience;

static int go_on(void *user, uint64_t done, uint64_t total)
{
    patience *p = user;
    p->said = mlp_hook_call(p->session, done, total, "reading the metrics", NULL);
    return p->said != MLPLAT_OK || mlp_clock_mono_ns() > p->until_ns;
}

/* Nothing where there is no time, or nothing to read; only the caller's own "stop" is an error. */
static mlplat_status put_spark(mlp_buf *out, mlplat *ml, const char *run_id, const char *key, patience *p,
                               mlplat_error *err)
{
    mlp_hook hook = {go_on, p};
    mlp_metric_line line;
    mlplat_error passing = {0};
    if (!ml || mlp_clock_mono_ns() > p->until_ns)
        return MLPLAT_OK;
    mlplat_status s = mlp_metric_line_read(ml, run_id, key, MLPLAT_PLOT_STEP, &hook, &line, &passing);
    if (s == MLPLAT_OK)
        mlp_plot_spark(line.y, line.n, out);
    mlp_metric_line_free(&line);
    if (p->said != MLPLAT_OK || s == MLPLAT_NO_MEMORY) {
        if (err)
            *err = passing;
        return s;
    }
    return MLPLAT_OK;
}

/* ---- a run ------------------------------------------------------------------------------------------------------- */

static mlplat_status put_metric(mlp_buf *row, mlplat *ml, const char *run_id, const json_t *metric, patience *p,
                                mlplat_error *err)
{
    const char *key = mlp_markup_string(metric, "key");
    double value;
    mlp_buf_clear(row);
    mlp_buf_puts(row, "<tr><td>");
    mlp_markup_value(row, key, MLP_MARKUP_NAME);
    mlp_buf_puts(row, "</td><td class=\"n\">");
    if (mlp_markup_double(metric, "value", &value))
        mlp_markup_number(row, value);
    mlp_buf_printf(row, "</td><td class=\"n m\">%lld</td><td class=\"l\">", (long long)mlp_markup_int(metric, "step"));
    mlplat_status s = put_spark(row, ml, run_id, key, p, err);
    mlp_buf_puts(row, "</td></tr>");
    return s;
}

static mlplat_status put_metrics(mlp_buf *out, mlplat *ml, const char *run_id, const json_t *metrics, mlplat_error *err)
{
    patience p = {.session = ml ? &ml->hook : NULL, .until_ns = mlp_clock_mono_ns() + SPARK_MS * (int64_t)1000000};
    size_t i, n = json_array_size(metrics), shown = 0;
    json_t *metric;
    mlp_buf row = {0};
    mlplat_status s = MLPLAT_OK;
    if (!n)
        return s;
    mlp_markup_section(out, "Metrics", n);
    mlp_buf_puts(out,
                 "<table><thead><tr><th>metric</th><th class=\"n\">last value</th><th class=\"n\">step</th><th></th>"
                 "</tr></thead><tbody>");
    json_array_foreach((json_t *)metrics, i, metric)
    {
        s = put_metric(&row, ml, run_id, metric, &p, err);
        if (s != MLPLAT_OK || !mlp_markup_fits(out, &row, METRICS_RESERVE))
            break;
        shown++;
    }
    mlp_buf_puts(out, "</tbody></table>");
    mlp_markup_more(out, n - shown, "metrics");
    mlp_buf_free(&row);
    return s;
}

static void put_run_facts(mlp_buf *out, const json_t *run)
{
    const json_t *info = json_object_get(run, "info"), *tags = json_object_get(json_object_get(run, "data"), "tags");
    const char *source = mlp_markup_pair(tags, "mlflow.source.name"),
               *commit = mlp_markup_pair(tags, "mlflow.source.git.commit"),
               *note = mlp_markup_pair(tags, "mlflow.note.content");
    mlp_buf took = {0};
    mlp_buf_puts(out, "<div class=\"f\">");
    mlp_html_time_fact(out, "started", mlp_markup_int(info, "start_time"));
    mlp_markup_duration(&took, mlp_html_run_seconds(run));
    mlp_markup_fact(out, "took", took.size ? took.data : "");
    mlp_markup_fact(out, "experiment", mlp_markup_string(info, "experiment_id"));
    mlp_markup_fact(out, "user", mlp_markup_string(info, "user_id"));
    mlp_markup_fact(out, "source", source ? source : "");
    mlp_markup_fact(out, "commit", commit ? commit : "");
    mlp_markup_fact(out, "artifacts", mlp_markup_string(info, "artifact_uri"));
    if (strcmp(mlp_markup_string(info, "lifecycle_stage"), "deleted") == 0)
        mlp_markup_fact(out, "stage", "deleted");
    mlp_buf_puts(out, "</div>");
    if (note && *note) {
        mlp_buf_puts(out, "<div>");
        mlp_markup_text(out, note, MLP_MARKUP_HINT);
        mlp_buf_puts(out, "</div>");
    }
    out->failed |= took.failed;
    mlp_buf_free(&took);
}

/* {"dataset_inputs": [{"dataset": {"name", "digest"}}]} */
static void put_datasets(mlp_buf *out, const json_t *run)
{
    const json_t *inputs = json_object_get(json_object_get(run, "inputs"), "dataset_inputs");
    size_t i, n = json_array_size(inputs);
    json_t *input;
    if (!n)
        return;
    mlp_markup_section(out, "Datasets", n);
    json_array_foreach((json_t *)inputs, i, input)
    {
        const json_t *dataset = json_object_get(input, "dataset");
        if (i == 10)
            break;
        mlp_buf_puts(out, "<div>");
        mlp_markup_value(out, mlp_markup_string(dataset, "name"), MLP_MARKUP_NAME);
        mlp_buf_puts(out, " <span class=\"i\">");
        mlp_markup_text(out, mlp_markup_string(dataset, "digest"), 40);
        mlp_buf_puts(out, "</span></div>");
    }
    mlp_markup_more(out, n > 10 ? n - 10 : 0, "datasets");
}

mlplat_status mlplat_run_html(mlplat *ml, const mlplat_doc *doc, char **out, mlplat_error *err)
{
    const json_t *run;
    mlp_buf page = {0};
    *out = NULL;
    mlplat_status s = mlp_html_take(doc, "info", JSON_OBJECT, "run", &run, err);
    if (s != MLPLAT_OK)
        return s;
    const json_t *info = json_object_get(run, "info"), *data = json_object_get(run, "data");
    const char *id = mlp_markup_string(info, "run_id");
    mlp_markup_begin(&page);
    mlp_markup_heading(&page, "run", mlp_html_run_name(run), mlp_markup_string(info, "status"), id);
    put_run_facts(&page, run);
    s = put_metrics(&page, ml, id, json_object_get(data, "metrics"), err);
    mlp_markup_pairs(&page, "Params", json_object_get(data, "params"), true, PAIRS_RESERVE * 2, NULL);
    put_datasets(&page, run);
    mlp_markup_pairs(&page, "Tags", json_object_get(data, "tags"), false, PAIRS_RESERVE / 2, mlp_html_is_internal);
    return mlp_markup_finish(&page, s, out, err);
}

/* ---- an experiment ----------------------------------------------------------------------------------------------- */

static mlplat_status put_latest(mlp_buf *out, mlplat *ml, const char *id, mlplat_error *err)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *found = NULL;
    mlplat_error passing = {0};
    query.experiment_ids = id;
    query.max_results = LATEST;
    mlplat_status s = mlplat_run_search(ml, &query, &found, &passing);
    if (s == MLPLAT_CANCELLED || s == MLPLAT_NO_MEMORY) {
        if (err)
            *err = passing;
        return s;
    }
    if (s != MLPLAT_OK)
        return MLPLAT_OK; /* a picture without what cannot be had now */
    const json_t *json = mlp_doc_json(found), *runs = json_object_get(json, "runs");
    mlp_markup_section(out, *mlp_markup_string(json, "next_page_token") ? "Latest runs" : "Runs",
                       json_array_size(runs));
    s = mlp_html_runs(out, runs, PAIRS_RESERVE, err);
    mlplat_doc_free(found);
    return s;
}

mlplat_status mlplat_experiment_html(mlplat *ml, const mlplat_doc *doc, char **out, mlplat_error *err)
{
    const json_t *experiment;
    mlp_buf page = {0};
    *out = NULL;
    mlplat_status s = mlp_html_take(doc, "experiment_id", JSON_STRING, "experiment", &experiment, err);
    if (s != MLPLAT_OK)
        return s;
    const char *id = mlp_markup_string(experiment, "experiment_id");
    const char *stage = mlp_markup_string(experiment, "lifecycle_stage");
    mlp_markup_begin(&page);
    mlp_markup_heading(&page, "experiment", mlp_markup_string(experiment, "name"),
                       strcmp(stage, "active") == 0 ? "" : stage, id);
    mlp_buf_puts(&page, "<div class=\"f\">");
    mlp_html_time_fact(&page, "created", mlp_markup_int(experiment, "creation_time"));
    mlp_html_time_fact(&page, "changed", mlp_markup_int(experiment, "last_update_time"));
    mlp_markup_fact(&page, "artifacts", mlp_markup_string(experiment, "artifact_location"));
    mlp_buf_puts(&page, "</div>");
    mlp_markup_pairs(&page, "Tags", json_object_get(experiment, "tags"), true, PAIRS_RESERVE * 8, mlp_html_is_internal);
    if (ml)
        s = put_latest(&page, ml, id, err);
    return mlp_markup_finish(&page, s, out, err);
}
