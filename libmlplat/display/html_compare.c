/* Runs side by side. */
#include "base/alloc.h"
#include "base/err.h"
#include "display/html.h"
#include "display/plot.h"
#include "display/plot_metric.h"
#include "session/session.h"
#include <math.h>
#include <string.h>

enum { RUNS_MOST = 8, PLOTS_MOST = 4, ROWS_RESERVE = 22000, PLOT_BYTES = 18000 };

typedef struct comparison {
    const json_t *runs[RUNS_MOST];
    size_t n, all;
    json_t *metrics, *params; /* counts of the runs that have each */
} comparison;

static const json_t *list_of(const comparison *c, size_t i, const char *list)
{
    return json_object_get(json_object_get(c->runs[i], "data"), list);
}

static mlplat_status count_of(const comparison *c, const char *list, json_t **counts, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    *counts = json_object();
    for (size_t i = 0; i < c->n; i++) {
        size_t k;
        json_t *item;
        json_array_foreach((json_t *)list_of(c, i, list), k, item)
        {
            if (s == MLPLAT_OK && *mlp_markup_string(item, "key"))
                s = mlp_html_count(*counts, mlp_markup_string(item, "key"), err);
        }
    }
    return s;
}

static void put_dot(mlp_buf *out, size_t i, size_t n)
{
    char colour[24];
    mlp_plot_colour(i, n, colour);
    mlp_buf_printf(out, "<span class=\"d\" style=\"background:%s\"></span>", colour);
}

static void put_head(mlp_buf *out, const comparison *c)
{
    mlp_buf_puts(out, "<table class=\"c\"><thead><tr><th></th>");
    for (size_t i = 0; i < c->n; i++) {
        mlp_buf_puts(out, "<th class=\"n o\">");
        put_dot(out, i, c->n);
        mlp_markup_text(out, mlp_html_run_name(c->runs[i]), 32);
        mlp_buf_puts(out, "</th>");
    }
    mlp_buf_puts(out, "</tr></thead><tbody>");
}

static void put_facts(mlp_buf *out, const comparison *c)
{
    mlp_buf_puts(out, "<tr><td class=\"m\">status</td>");
    for (size_t i = 0; i < c->n; i++) {
        mlp_buf_puts(out, "<td class=\"n\">");
        mlp_markup_state(out, mlp_markup_string(json_object_get(c->runs[i], "info"), "status"));
        mlp_buf_puts(out, "</td>");
    }
    mlp_buf_puts(out, "</tr><tr><td class=\"m\">took</td>");
    for (size_t i = 0; i < c->n; i++) {
        mlp_buf_puts(out, "<td class=\"n\">");
        mlp_markup_duration(out, mlp_html_run_seconds(c->runs[i]));
        mlp_buf_puts(out, "</td>");
    }
    mlp_buf_puts(out, "</tr>");
}

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

static double value_of(const comparison *c, size_t i, const char *key)
{
    double value = (double)NAN;
    const json_t *metric = mlp_html_find(list_of(c, i, "metrics"), key);
    if (metric)
        mlp_markup_double(metric, "value", &value);
    return value;
}

/* The best of all that have the metric; NaN: none is. */
static double best_of(const comparison *c, const char *key)
{
    int better = mlp_html_better(key);
    double best = (double)NAN;
    size_t have = 0;
    for (size_t i = 0; i < c->n; i++) {
        double value = value_of(c, i, key);
        if (isnan(value))
            continue;
        have++;
        if (isnan(best) || (better < 0 ? value < best : value > best))
            best = value;
    }
    return better && have > 1 ? best : (double)NAN;
}

static void put_metric(mlp_buf *row, const comparison *c, const char *key)
{
    double best = best_of(c, key);
    mlp_buf_clear(row);
    mlp_buf_puts(row, "<tr><td>");
    mlp_markup_value(row, key, MLP_MARKUP_NAME);
    mlp_buf_puts(row, "</td>");
    for (size_t i = 0; i < c->n; i++) {
        double value = value_of(c, i, key);
        bool marked = !isnan(best) && value == best;
        mlp_buf_printf(row, "<td class=\"n%s\"%s>", marked ? " b" : "", marked ? " title=\"best\"" : "");
        if (mlp_html_find(list_of(c, i, "metrics"), key))
            mlp_markup_number(row, value);
        mlp_buf_puts(row, "</td>");
    }
    mlp_buf_puts(row, "</tr>");
}

/* ---- params ------------------------------------------------------------------------------------------------------ */

static bool differs(const comparison *c, const char *key)
{
    const char *first = mlp_markup_pair(list_of(c, 0, "params"), key);
    for (size_t i = 1; i < c->n; i++) {
        const char *other = mlp_markup_pair(list_of(c, i, "params"), key);
        if (!first != !other || (first && strcmp(first, other) != 0))
            return true;
    }
    return false;
}

static void put_param(mlp_buf *row, const comparison *c, const char *key)
{
    mlp_buf_clear(row);
    mlp_buf_puts(row, "<tr><td>");
    mlp_markup_value(row, key, MLP_MARKUP_NAME);
    mlp_buf_puts(row, "</td>");
    for (size_t i = 0; i < c->n; i++) {
        const char *value = mlp_markup_pair(list_of(c, i, "params"), key);
        mlp_buf_puts(row, "<td class=\"n\">");
        mlp_markup_text(row, value ? value : "", 40);
        mlp_buf_puts(row, "</td>");
    }
    mlp_buf_puts(row, "</tr>");
}

/* A row across all columns that names what follows. */
static void put_group(mlp_buf *out, const comparison *c, const char *name)
{
    mlp_buf_printf(out, "<tr><th colspan=\"%zu\"><b>%s</b></th></tr>", c->n + 1, name);
}

static size_t put_rows(mlp_buf *out, const comparison *c, const json_t *keys, bool params, size_t reserve)
{
    const char *key;
    json_t *count;
    mlp_buf row = {0};
    size_t left = 0;
    bool full = false;
    json_object_foreach((json_t *)keys, key, count)
    {
        if (params && !differs(c, key))
            continue;
        (params ? put_param : put_metric)(&row, c, key);
        full = full || !mlp_markup_fits(out, &row, reserve);
        left += full;
    }
    mlp_buf_free(&row);
    return left;
}

static size_t count_different(const comparison *c)
{
    size_t n = 0;
    const char *key;
    json_t *count;
    json_object_foreach(c->params, key, count) n += differs(c, key);
    return n;
}

static void put_table(mlp_buf *out, const comparison *c, bool plots)
{
    size_t reserve = plots ? ROWS_RESERVE : 1000, left = 0, different = count_different(c);
    put_head(out, c);
    put_facts(out, c);
    if (json_object_size(c->metrics))
        put_group(out, c, "metrics");
    left += put_rows(out, c, c->metrics, false, reserve + 4000);
    if (different)
        put_group(out, c, "params that differ");
    left += put_rows(out, c, c->params, true, reserve);
    mlp_buf_puts(out, "</tbody></table>");
    mlp_markup_more(out, left, "rows");
    size_t same = json_object_size(c->params) - different;
    if (same)
        mlp_buf_printf(out, "<div class=\"m\">%zu param%s the same in all</div>", same, same == 1 ? " is" : "s are");
}

/* ---- plots ------------------------------------------------------------------------------------------------------- */

typedef struct lines {
    mlp_metric_line line[RUNS_MOST];
    mlplat_plot_series series[RUNS_MOST];
    size_t with_points; /* how many have more than one */
} lines;

static mlplat_status read_lines(mlplat *ml, const comparison *c, const char *key, lines *out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < c->n; i++) {
        if (!mlp_html_find(list_of(c, i, "metrics"), key))
            continue;
        const char *id = mlp_markup_string(json_object_get(c->runs[i], "info"), "run_id");
        s = mlp_metric_line_read(ml, id, key, MLPLAT_PLOT_STEP, &ml->hook, &out->line[i], err);
        out->series[i] = (mlplat_plot_series){NULL, out->line[i].x, out->line[i].y, out->line[i].n};
        out->with_points += out->line[i].n > 1;
    }
    return s;
}

/* asked: the caller named it, so it is drawn whatever there is. */
static mlplat_status put_plot(mlp_buf *out, mlplat *ml, const comparison *c, const char *key, bool asked, size_t *drawn,
                              mlplat_error *err)
{
    lines l = {0};
    mlplat_plot_options options = MLPLAT_PLOT_OPTIONS_INIT;
    const mlp_plot_style style = {.limit = PLOT_BYTES / PLOTS_MOST, .hook = &ml->hook};
    options.title = key;
    options.width = 460;
    options.height = 210;
    mlplat_status s = read_lines(ml, c, key, &l, err);
    if (s == MLPLAT_OK && (asked || l.with_points > 1)) {
        s = mlp_plot_draw(l.series, c->n, &options, &style, out, err);
        *drawn += 1;
    }
    for (size_t i = 0; i < c->n; i++)
        mlp_metric_line_free(&l.line[i]);
    return s;
}

static mlplat_status put_plots(mlp_buf *out, mlplat *ml, const comparison *c, const mlp_names *asked, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    size_t drawn = 0;
    const char *key;
    json_t *count;
    mlp_buf_puts(out, "<div class=\"g\">");
    for (size_t i = 0; s == MLPLAT_OK && i < asked->n && i < PLOTS_MOST; i++)
        s = put_plot(out, ml, c, asked->names[i], true, &drawn, err);
    json_object_foreach(c->metrics, key, count)
    {
        if (s == MLPLAT_OK && !asked->n && drawn < PLOTS_MOST && json_integer_value(count) > 1)
            s = put_plot(out, ml, c, key, false, &drawn, err);
    }
    mlp_buf_puts(out, "</div>");
    return s;
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static mlplat_status take_runs(const mlplat_doc *doc, comparison *c, mlplat_error *err)
{
    const json_t *json;
    mlplat_status s = mlp_html_take(doc, "runs", JSON_ARRAY, "list of runs", &json, err);
    if (s != MLPLAT_OK)
        return s;
    const json_t *runs = json_object_get(json, "runs");
    c->all = json_array_size(runs);
    for (c->n = 0; c->n < c->all && c->n < RUNS_MOST; c->n++)
        c->runs[c->n] = json_array_get(runs, c->n);
    s = count_of(c, "metrics", &c->metrics, err);
    return s == MLPLAT_OK ? count_of(c, "params", &c->params, err) : s;
}

mlplat_status mlplat_run_compare_html(mlplat *ml, const mlplat_doc *doc, const char *keys, char **out,
                                      mlplat_error *err)
{
    comparison c = {0};
    mlp_names asked = {0};
    mlp_buf page = {0};
    *out = NULL;
    mlplat_status s = take_runs(doc, &c, err);
    if (s == MLPLAT_OK && keys)
        s = mlp_names_split(keys, "metrics to plot", &asked, err);
    if (s == MLPLAT_OK) {
        mlp_markup_begin(&page);
        mlp_buf_printf(&page, "<div class=\"h\"><span class=\"k\">comparison</span><b>%zu runs</b></div>", c.n);
        put_table(&page, &c, ml != NULL);
        mlp_markup_more(&page, c.all - c.n, "runs, which are not compared");
        if (ml)
            s = put_plots(&page, ml, &c, &asked, err);
    }
    s = mlp_markup_finish(&page, s, out, err);
    mlp_names_free(&asked);
    json_decref(c.metrics);
    json_decref(c.params);
    return s;
}
