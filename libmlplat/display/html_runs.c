/* Runs as a table. */
#include "base/err.h"
#include "display/html.h"
#include <string.h>

enum { METRICS_MOST = 8, PARAMS_MOST = 6 };

typedef struct columns {
    json_t *metric_counts, *param_counts;
    const char *metrics[METRICS_MOST], *params[PARAMS_MOST];
    size_t n_metrics, n_params;
} columns;

static mlplat_status count_keys(const json_t *run, const char *list, json_t *counts, mlplat_error *err)
{
    size_t i;
    json_t *item;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach(json_object_get(json_object_get(run, "data"), list), i, item)
    {
        const char *key = mlp_markup_string(item, "key");
        if (s == MLPLAT_OK && *key)
            s = mlp_html_count(counts, key, err);
    }
    return s;
}

static mlplat_status find_columns(const json_t *runs, columns *out, mlplat_error *err)
{
    size_t i;
    json_t *run;
    mlplat_status s = MLPLAT_OK;
    out->metric_counts = json_object();
    out->param_counts = json_object();
    json_array_foreach((json_t *)runs, i, run)
    {
        if (s == MLPLAT_OK)
            s = count_keys(run, "metrics", out->metric_counts, err);
        if (s == MLPLAT_OK)
            s = count_keys(run, "params", out->param_counts, err);
    }
    out->n_metrics = mlp_html_commonest(out->metric_counts, METRICS_MOST, out->metrics);
    out->n_params = mlp_html_commonest(out->param_counts, PARAMS_MOST, out->params);
    return s;
}

static void put_keys(mlp_buf *out, const char *const *keys, size_t n, const char *class_)
{
    for (size_t i = 0; i < n; i++) {
        mlp_buf_printf(out, "<th%s>", class_);
        mlp_markup_text(out, keys[i], 32);
        mlp_buf_puts(out, "</th>");
    }
}

static void put_head(mlp_buf *out, const columns *c)
{
    mlp_buf_puts(out,
                 "<table class=\"c\"><thead><tr><th>run</th><th></th><th>started (UTC)</th><th class=\"n\">took</th>");
    put_keys(out, c->metrics, c->n_metrics, " class=\"n\"");
    put_keys(out, c->params, c->n_params, "");
    mlp_buf_puts(out, "</tr></thead><tbody>");
}

static void put_started(mlp_buf *out, int64_t ms)
{
    mlp_buf text = {0};
    mlp_markup_time(&text, ms);
    mlp_buf_add(out, text.data ? text.data : "", text.size > 7 ? text.size - 7 : 0); /* to the minute */
    out->failed |= text.failed;
    mlp_buf_free(&text);
}

static void put_row(mlp_buf *row, const json_t *run, const columns *c)
{
    const json_t *info = json_object_get(run, "info"), *data = json_object_get(run, "data");
    double value;
    mlp_buf_clear(row);
    mlp_buf_puts(row, "<tr><td title=\"");
    mlp_markup_text(row, mlp_markup_string(info, "run_id"), 40);
    mlp_buf_puts(row, "\">");
    mlp_markup_value(row, mlp_html_run_name(run), 40);
    mlp_buf_puts(row, "</td><td>");
    mlp_markup_state(row, mlp_markup_string(info, "status"));
    mlp_buf_puts(row, "</td><td>");
    put_started(row, mlp_markup_int(info, "start_time"));
    mlp_buf_puts(row, "</td><td class=\"n\">");
    mlp_markup_duration(row, mlp_html_run_seconds(run));
    mlp_buf_puts(row, "</td>");
    for (size_t i = 0; i < c->n_metrics; i++) {
        mlp_buf_puts(row, "<td class=\"n\">");
        const json_t *metric = mlp_html_find(json_object_get(data, "metrics"), c->metrics[i]);
        if (metric && mlp_markup_double(metric, "value", &value))
            mlp_markup_number(row, value);
        mlp_buf_puts(row, "</td>");
    }
    for (size_t i = 0; i < c->n_params; i++) {
        const char *param = mlp_markup_pair(json_object_get(data, "params"), c->params[i]);
        mlp_buf_puts(row, "<td>");
        mlp_markup_value(row, param ? param : "", 40);
        mlp_buf_puts(row, "</td>");
    }
    mlp_buf_puts(row, "</tr>");
}

static void put_rows(mlp_buf *out, const json_t *runs, const columns *c, size_t reserve)
{
    size_t i, shown = 0;
    json_t *run;
    mlp_buf row = {0};
    put_head(out, c);
    json_array_foreach((json_t *)runs, i, run)
    {
        put_row(&row, run, c);
        if (!mlp_markup_fits(out, &row, reserve))
            break;
        shown++;
    }
    mlp_buf_puts(out, "</tbody></table>");
    mlp_markup_more(out, json_array_size(runs) - shown, "runs");
    size_t more = json_object_size(c->metric_counts) - c->n_metrics + json_object_size(c->param_counts) - c->n_params;
    mlp_markup_more(out, more, "metrics and params");
    mlp_buf_free(&row);
}

mlplat_status mlp_html_runs(mlp_buf *out, const json_t *runs, size_t reserve, mlplat_error *err)
{
    columns c = {0};
    mlplat_status s = find_columns(runs, &c, err);
    if (s == MLPLAT_OK && json_array_size(runs) == 0)
        mlp_buf_puts(out, "<div class=\"m\">no runs</div>");
    else if (s == MLPLAT_OK)
        put_rows(out, runs, &c, reserve);
    json_decref(c.metric_counts);
    json_decref(c.param_counts);
    return s;
}

mlplat_status mlplat_run_search_html(const mlplat_doc *doc, char **out, mlplat_error *err)
{
    const json_t *json;
    mlp_buf page = {0};
    *out = NULL;
    mlplat_status s = mlp_html_take(doc, "runs", JSON_ARRAY, "list of runs", &json, err);
    if (s != MLPLAT_OK)
        return s;
    const json_t *runs = json_object_get(json, "runs");
    mlp_markup_begin(&page);
    mlp_buf_printf(&page, "<div class=\"h\"><span class=\"k\">runs</span><b>%zu</b>%s</div>", json_array_size(runs),
                   *mlp_markup_string(json, "next_page_token") ? "<span class=\"m\">and there are more pages</span>"
                                                               : "");
    s = mlp_html_runs(&page, runs, 200, err);
    return mlp_markup_finish(&page, s, out, err);
}
