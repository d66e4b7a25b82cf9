/* Metrics of runs: their points out of the store, lines that are named well, and the plot. */
#include "display/plot_metric.h"
#include "base/alloc.h"
#include "base/err.h"
#include "session/session.h"
#include "tracking/points.h"
#include <mlplat/tracking.h>
#include <string.h>

enum { LINES_MOST = 1000 };

/* ---- lists ------------------------------------------------------------------------------------------------------- */

mlplat_status mlp_names_split(const char *text, const char *what, mlp_names *out, mlplat_error *err)
{
    *out = (mlp_names){.text = mlp_strdup(text ? text : "")};
    size_t most = 1;
    for (const char *p = out->text; p && *p; p++)
        most += *p == ',';
    out->names = out->text ? mlp_alloc_array(most, sizeof *out->names) : NULL;
    if (!out->names)
        return mlp_fail_memory(err);
    for (char *at = out->text, *comma; at; at = comma ? comma + 1 : NULL) {
        comma = strchr(at, ',');
        if (comma)
            *comma = 0;
        at += strspn(at, " ");
        for (size_t n = strlen(at); n && at[n - 1] == ' '; n--)
            at[n - 1] = 0;
        if (!*at)
            return mlp_fail(err, MLPLAT_INVALID, "an empty name among the %s: give them joined by commas", what);
        out->names[out->n++] = at;
    }
    return MLPLAT_OK;
}

void mlp_names_free(mlp_names *names)
{
    mlp_free(names->names);
    mlp_free(names->text);
    *names = (mlp_names){0};
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* Whole numbers become doubles where they are: both take 8 bytes. */
static double *as_doubles(int64_t *numbers, size_t n)
{
    char *at = (char *)numbers;
    for (size_t i = 0; i < n; i++) {
        int64_t whole;
        memcpy(&whole, at + i * 8, 8);
        double number = (double)whole;
        memcpy(at + i * 8, &number, 8);
    }
    return (double *)(void *)at;
}

mlplat_status mlp_metric_line_read(mlplat *ml, const char *run_id, const char *key, mlplat_plot_x x,
                                   const mlp_hook *hook, mlp_metric_line *out, mlplat_error *err)
{
    mlp_metric_points points;
    bool steps = x == MLPLAT_PLOT_STEP;
    *out = (mlp_metric_line){0};
    mlplat_status s = mlp_points_read(ml, run_id, key, steps ? MLP_POINTS_STEPS : MLP_POINTS_TIMES, hook, &points, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_points_infinities(&points);
    out->y = points.values;
    out->n = points.n;
    out->x = as_doubles(steps ? points.steps : points.times, points.n);
    return MLPLAT_OK;
}

void mlp_metric_line_free(mlp_metric_line *line)
{
    mlp_free(line->x);
    mlp_free(line->y);
    mlp_free(line->label);
    *line = (mlp_metric_line){0};
}

/* The run's name if there are several runs, the key if there are several keys. */
static mlplat_status name_line(mlplat *ml, const char *run_id, const char *key, bool runs, bool keys, char **out,
                               mlplat_error *err)
{
    mlplat_doc *run = NULL;
    const char *name = NULL;
    mlplat_status s = mlplat_run_get(ml, run_id, &run, err);
    if (s == MLPLAT_OK && (mlplat_doc_string(run, "info.run_name", &name, NULL) != MLPLAT_OK || !*name))
        name = run_id;
    if (s == MLPLAT_OK)
        *out = !keys ? mlp_strdup(name) : runs ? mlp_sprintf("%s: %s", name, key) : mlp_strdup(key);
    if (s == MLPLAT_OK && !*out)
        s = mlp_fail_memory(err);
    mlplat_doc_free(run);
    return s;
}

/* ---- the plot ---------------------------------------------------------------------------------------------------- */

static mlplat_status read_lines(mlplat *ml, const mlp_names *runs, const mlp_names *keys, mlplat_plot_x x,
                                const mlp_hook *hook, mlp_metric_line *lines, mlplat_plot_series *series,
                                mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < runs->n * keys->n; i++) {
        const char *run = runs->names[i % runs->n], *key = keys->names[i / runs->n];
        s = mlp_metric_line_read(ml, run, key, x, hook, &lines[i], err);
        if (s == MLPLAT_OK)
            s = name_line(ml, run, key, runs->n > 1, keys->n > 1, &lines[i].label, err);
        series[i] = (mlplat_plot_series){lines[i].label, lines[i].x, lines[i].y, lines[i].n};
    }
    return s;
}

static mlplat_status draw_metrics(mlplat *ml, const mlp_names *runs, const mlp_names *keys,
                                  const mlplat_plot_options *options, mlp_buf *svg, mlplat_error *err)
{
    mlplat_plot_options own = *options;
    size_t n = runs->n * keys->n;
    mlp_metric_line *lines = mlp_alloc_array(n, sizeof *lines);
    mlplat_plot_series *series = mlp_alloc_array(n, sizeof *series);
    mlp_hook hook = options->progress ? (mlp_hook){options->progress, options->user} : ml->hook;
    mlp_plot_style style = {.limit = MLPLAT_SVG_LIMIT, .legend = true, .hook = &hook};
    mlplat_status s = lines && series ? MLPLAT_OK : mlp_fail_memory(err);
    if (!own.title && keys->n == 1)
        own.title = keys->names[0];
    style.n_runs = runs->n > 1 && keys->n > 1 ? runs->n : 0;
    if (s == MLPLAT_OK)
        s = read_lines(ml, runs, keys, own.x, &hook, lines, series, err);
    if (s == MLPLAT_OK)
        s = mlp_plot_draw(series, n, &own, &style, svg, err);
    for (size_t i = 0; lines && i < n; i++)
        mlp_metric_line_free(&lines[i]);
    mlp_free(lines);
    mlp_free(series);
    return s;
}

mlplat_status mlplat_metric_plot(mlplat *ml, const char *run_ids, const char *keys, const mlplat_plot_options *options,
                                 char **out, mlplat_error *err)
{
    mlp_names runs = {0}, metrics = {0};
    mlplat_plot_options own;
    mlp_buf svg = {0};
    *out = NULL;
    mlplat_status s = mlp_plot_take(options, &own, err);
    if (s == MLPLAT_OK)
        s = mlp_names_split(run_ids, "runs to plot", &runs, err);
    if (s == MLPLAT_OK)
        s = mlp_names_split(keys, "metrics to plot", &metrics, err);
    if (s == MLPLAT_OK && runs.n * metrics.n > LINES_MOST)
        s = mlp_fail(err, MLPLAT_INVALID, "a plot of %zu lines (%zu runs, %zu metrics): at most %d", runs.n * metrics.n,
                     runs.n, metrics.n, LINES_MOST);
    if (s == MLPLAT_OK)
        s = ml ? mlp_session_check(ml, err)
               : mlp_fail(err, MLPLAT_INVALID, "session is NULL: open one with mlplat_open");
    if (s == MLPLAT_OK)
        s = draw_metrics(ml, &runs, &metrics, &own, &svg, err);
    if (s == MLPLAT_OK && !(*out = mlp_buf_take(&svg)))
        s = mlp_fail_memory(err);
    mlp_buf_free(&svg);
    mlp_names_free(&runs);
    mlp_names_free(&metrics);
    return s;
}
