/* What is asked of a store that has runs in it. */
#include "faults/scene.h"
#include <stdio.h>
#include <string.h>

static void add_run(scene *sc, mlplat *ml, int number, char id[64])
{
    char text[100];
    mlplat_run *run = scene_run(sc, ml, MLPLAT_DURABILITY_DEFAULT);
    snprintf(id, 64, "%s", mlplat_run_id(run));
    for (int i = 0; i < 12; i++)
        DO(mlplat_run_log_metric(run, "loss", (double)number / (i + 1), i, &sc->err));
    snprintf(text, sizeof text, "{\"params\": {\"depth\": %d}, \"tags\": {\"kind\": \"k%d\"}}", number, number % 2);
    DO(mlplat_run_log_batch(run, text, &sc->err));
    DO(mlplat_run_end(run, NULL, &sc->err));
    mlplat_run_free(run);
}

/* Four runs; the ids of the first two are in "ids". */
static void prepare_runs(scene *sc)
{
    char ids[4][64], text[140];
    mlplat *ml = scene_open(sc);
    for (int i = 0; i < 4; i++)
        add_run(sc, ml, i, ids[i]);
    snprintf(text, sizeof text, "%s,%s", ids[0], ids[1]);
    scene_write(sc, "ids", text);
    mlplat_close(ml);
}

/* The first id, and both joined by a comma. */
static void read_ids(scene *sc, char id[64], char both[140])
{
    FILE *f = fopen(scene_path(sc, "ids"), "r");
    MUST(f && fgets(both, 140, f));
    fclose(f);
    snprintf(id, 64, "%.*s", (int)strcspn(both, ","), both);
}

static void search(scene *sc)
{
    mlplat *ml = scene_ready(sc);
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = "metrics.loss >= 0 AND params.depth != '9' AND tags.kind LIKE 'k%' AND run_id NOT IN ('x', 'y') AND "
               "attributes.status = 'FINISHED'";
    q.order_by = "metrics.loss DESC, params.depth ASC, start_time DESC";
    q.max_results = 2;
    mlplat_doc *page = NULL;
    DO(mlplat_run_search(ml, &q, &page, &sc->err));
    DO(mlplat_doc_string(page, "next_page_token", &q.page_token, &sc->err));
    READ(doc, mlplat_run_search(ml, &q, &doc, &sc->err));
    mlplat_doc_free(page);
    mlplat_search e = MLPLAT_SEARCH_INIT;
    e.filter = "name LIKE 'f%' AND creation_time > 0";
    e.order_by = "name DESC";
    READ(doc, mlplat_experiment_search(ml, &e, &doc, &sc->err));
    READ(doc, mlplat_experiment_get_by_name(ml, "faults", &doc, &sc->err));
    mlplat_close(ml);
}

static void history(scene *sc)
{
    char id[64], both[140];
    read_ids(sc, id, both);
    mlplat_doc *page = NULL;
    const char *token = NULL;
    mlplat *ml = scene_ready(sc);
    READ(doc, mlplat_run_get(ml, id, &doc, &sc->err));
    DO(mlplat_metric_history(ml, id, "loss", 5, NULL, &page, &sc->err));
    DO(mlplat_doc_string(page, "next_page_token", &token, &sc->err));
    READ(doc, mlplat_metric_history(ml, id, "loss", 5, token, &doc, &sc->err));
    mlplat_doc_free(page);
    READ(doc, mlplat_metric_history_since(ml, id, "loss", 0, 0, NULL, &doc, &sc->err));
    READ(doc, mlplat_metric_history_bulk(ml, both, "loss", 0, &doc, &sc->err));
    READ(doc, mlplat_metric_sample(ml, id, "loss", 4, MLPLAT_AXIS_STEP, &doc, &sc->err));
    READ(doc, mlplat_metric_sample(ml, id, "loss", 4, MLPLAT_AXIS_TIME, &doc, &sc->err));
    mlplat_close(ml);
}

/* ---- display ----------------------------------------------------------------------------------------------------- */

#define SHOW(text, call)                                                                                               \
    do {                                                                                                               \
        char *text = NULL;                                                                                             \
        DO(call);                                                                                                      \
        MUST(text && strlen(text) > 100);                                                                              \
        mlplat_free(text);                                                                                             \
    } while (0)

static void display_html(scene *sc)
{
    char id[64], both[140];
    read_ids(sc, id, both);
    mlplat_doc *run = NULL, *runs = NULL, *experiment = NULL;
    mlplat *ml = scene_ready(sc);
    DO(mlplat_run_get(ml, id, &run, &sc->err));
    DO(mlplat_run_search(ml, NULL, &runs, &sc->err));
    DO(mlplat_experiment_get_by_name(ml, "faults", &experiment, &sc->err));
    SHOW(html, mlplat_run_html(ml, run, &html, &sc->err));
    SHOW(html, mlplat_run_search_html(runs, &html, &sc->err));
    SHOW(html, mlplat_experiment_html(ml, experiment, &html, &sc->err));
    mlplat_doc_free(experiment);
    mlplat_doc_free(runs);
    mlplat_doc_free(run);
    mlplat_close(ml);
}

static void display_compare(scene *sc)
{
    mlplat_doc *runs = NULL;
    mlplat *ml = scene_ready(sc);
    DO(mlplat_run_search(ml, NULL, &runs, &sc->err));
    SHOW(html, mlplat_run_compare_html(ml, runs, NULL, &html, &sc->err));
    mlplat_doc_free(runs);
    mlplat_close(ml);
}

static void display_plots(scene *sc)
{
    static const double y[] = {1, 3, 2, 5};
    mlplat_plot_series series = {"y", NULL, y, 4};
    char id[64], both[140];
    read_ids(sc, id, both);
    mlplat *ml = scene_ready(sc);
    mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
    o.title = "loss";
    o.smoothing = 0.5;
    SHOW(svg, mlplat_metric_plot(ml, both, "loss", &o, &svg, &sc->err));
    SHOW(svg, mlplat_plot(&series, 1, NULL, &svg, &sc->err));
    mlplat_close(ml);
}

/* Takes all of a stream. What it says by a number is a status here. */
static mlplat_status drain(struct ArrowArrayStream *stream, mlplat_error *err)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray array = {0};
    int code = stream->get_schema(stream, &schema);
    if (code == 0)
        schema.release(&schema);
    while (code == 0 && (code = stream->get_next(stream, &array)) == 0 && array.release)
        array.release(&array);
    if (code != 0) {
        const char *why = stream->get_last_error(stream);
        err->status = code == 12 ? MLPLAT_NO_MEMORY : MLPLAT_IO;
        snprintf(err->message, sizeof err->message, "%s", why ? why : "");
    }
    return code == 0 ? MLPLAT_OK : err->status;
}

static void display_arrow(scene *sc)
{
    char id[64], both[140];
    read_ids(sc, id, both);
    struct ArrowArrayStream stream = {0};
    mlplat_doc *runs = NULL;
    mlplat *ml = scene_ready(sc);
    DO(mlplat_run_search(ml, NULL, &runs, &sc->err));
    DO(mlplat_list_arrow(runs, &stream, &sc->err));
    DO(drain(&stream, &sc->err));
    stream.release(&stream);
    DO(mlplat_metric_arrow(ml, both, "loss", NULL, NULL, &stream, &sc->err));
    DO(drain(&stream, &sc->err));
    stream.release(&stream);
    mlplat_doc_free(runs);
    mlplat_close(ml);
}

const scenario scenarios_of_reading[] = {
    {"search", prepare_runs, search, false},
    {"history", prepare_runs, history, false},
    {NULL, NULL, NULL, false},
};

const scenario scenarios_of_display[] = {
    {"display_html", prepare_runs, display_html, false},
    {"display_compare", prepare_runs, display_compare, false},
    {"display_plots", prepare_runs, display_plots, false},
    {"display_arrow", prepare_runs, display_arrow, false},
    {NULL, NULL, NULL, false},
};
