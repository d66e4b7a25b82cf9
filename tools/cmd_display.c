/* Pages and plots: -o html of what other commands show, run compare, metric plot. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- pages ------------------------------------------------------------------------------------------------------- */

static bool has(const mlplat_doc *doc, const char *path, mlplat_doc_type type)
{
    mlplat_doc_type found;
    return mlplat_doc_type_at(doc, path, &found, NULL) == MLPLAT_OK && found == type;
}

/* The page of a document, which tells by its members what it is. */
int cli_html(cli *c, const mlplat_doc *doc)
{
    char *html = NULL;
    mlplat_status s = MLPLAT_OK;
    if (has(doc, "info.run_id", MLPLAT_DOC_STRING) && has(doc, "data", MLPLAT_DOC_OBJECT))
        s = mlplat_run_html(c->ml, doc, &html, &c->err);
    else if (has(doc, "runs", MLPLAT_DOC_ARRAY))
        s = mlplat_run_search_html(doc, &html, &c->err);
    else if (has(doc, "tasks", MLPLAT_DOC_ARRAY))
        s = mlplat_pipeline_run_html(doc, &html, &c->err);
    else if (has(doc, "version", MLPLAT_DOC_STRING) && has(doc, "source", MLPLAT_DOC_STRING))
        s = mlplat_model_version_html(c->ml, doc, &html, &c->err);
    else if (has(doc, "experiment_id", MLPLAT_DOC_STRING) && has(doc, "lifecycle_stage", MLPLAT_DOC_STRING))
        s = mlplat_experiment_html(c->ml, doc, &html, &c->err);
    else
        return cli_usage("%s has no page: -o html is for run get, run list, experiment get, version get, pipeline run",
                         c->command->words);
    if (s == MLPLAT_OK)
        puts(html);
    mlplat_free(html);
    return cli_result(c, s);
}

/* The runs of the arguments as one document: {"runs": [...]}. */
static int collect_runs(cli *c, mlplat_doc **out)
{
    cli_text text = {0};
    int code = CLI_OK;
    cli_text_add(&text, "{\"runs\": [", 10);
    for (int i = 0; i < c->n_args && code == CLI_OK; i++) {
        mlplat_doc *run = NULL;
        code = cli_result(c, mlplat_run_get(c->ml, c->args[i], &run, &c->err));
        if (code == CLI_OK) {
            const char *json = mlplat_doc_text(run);
            cli_text_add(&text, ",", i > 0);
            cli_text_add(&text, json, strlen(json));
        }
        mlplat_doc_free(run);
    }
    cli_text_add(&text, "]}", 2);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_doc_parse(text.data, text.n, out, &c->err));
    free(text.data);
    return code;
}

static int run_compare(cli *c)
{
    mlplat_doc *runs = NULL;
    char *html = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = collect_runs(c, &runs);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_run_compare_html(c->ml, runs, cli_get(c, "plot"), &html, &c->err));
    if (code == CLI_OK && !c->quiet)
        puts(html);
    mlplat_free(html);
    mlplat_doc_free(runs);
    return cli_written(code);
}

/* ---- plots ------------------------------------------------------------------------------------------------------- */

static int take_plot(cli *c, mlplat_plot_options *options)
{
    static const char *const axes[] = {"step", "elapsed", "clock"};
    const char *axis = cli_get(c, "x"), *smoothing = cli_get(c, "smoothing");
    char *end = NULL;
    int i = 0, code = cli_get_small(c, "width", &options->width);
    if (code == CLI_OK)
        code = cli_get_small(c, "height", &options->height);
    while (axis && i < 3 && strcmp(axis, axes[i]) != 0)
        i++;
    if (code == CLI_OK && i == 3)
        code = cli_usage("--x %s: it is step, elapsed or clock", axis);
    options->x = (mlplat_plot_x)i;
    options->log_y = cli_get(c, "log-y") != NULL;
    options->title = cli_get(c, "title");
    if (smoothing)
        options->smoothing = strtod(smoothing, &end);
    if (code == CLI_OK && smoothing && (!*smoothing || *end))
        code = cli_usage("--smoothing %s: it is a number from 0 to 0.999", smoothing);
    return code;
}

static int metric_plot(cli *c)
{
    mlplat_plot_options options = MLPLAT_PLOT_OPTIONS_INIT;
    cli_text runs = {0};
    char *svg = NULL;
    int code = take_plot(c, &options);
    for (int i = 1; i < c->n_args; i++) {
        cli_text_add(&runs, ",", i > 1);
        cli_text_add(&runs, c->args[i], strlen(c->args[i]));
    }
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_metric_plot(c->ml, runs.data, c->args[0], &options, &svg, &c->err));
    if (code == CLI_OK && !c->quiet)
        puts(svg);
    mlplat_free(svg);
    free(runs.data);
    return cli_written(code);
}

static const cli_option compare_options[] = {
    {"plot", "KEYS", "the metrics to plot, joined by commas; default: what two runs have with more than one point"},
    {NULL, NULL, NULL},
};
static const cli_option plot_options[] = {
    {"x", "AXIS", "step, elapsed (time since each run's first point) or clock; default step"},
    {"log-y", NULL, "a logarithmic y axis"},
    {"smoothing", "WEIGHT", "0 to 0.999: of the past in a running mean, drawn over the pale values"},
    {"title", "TEXT", "default: the metric, if there is one"},
    {"width", "PIXELS", "160 to 4000; default 760"},
    {"height", "PIXELS", "80 to 4000; default 300, and more for a long legend"},
    {NULL, NULL, NULL},
};

const cli_command cli_display_commands[] = {
    {"run compare", "RUN_ID RUN_ID ...", "Show runs side by side as a page of HTML, with plots",
     "run compare $run $other > comparison.html", compare_options, run_compare},
    {"metric plot", "KEYS RUN_ID ...", "Draw metrics of runs as SVG", "metric plot loss $run $other > loss.svg",
     plot_options, metric_plot},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
