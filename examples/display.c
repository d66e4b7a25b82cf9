/*
 * Display in one page: two runs, a plot of their losses as SVG, both of them side by side as HTML.
 *
 *     cc display.c $(pkg-config --cflags --libs mlplat) -o display && ./display
 *     xdg-open losses.svg comparison.html
 */
#include <math.h>
#include <mlplat.h>
#include <stdio.h>
#include <string.h>

static mlplat_status train(mlplat *ml, const char *rate, double speed, char id[40], mlplat_error *err)
{
    mlplat_run *run = NULL;
    mlplat_status s = mlplat_run_start(ml, NULL, &run, err);
    if (s != MLPLAT_OK)
        return s;
    snprintf(id, 40, "%s", mlplat_run_id(run));
    s = mlplat_run_log_param(run, "learning_rate", rate, err);
    for (int epoch = 0; s == MLPLAT_OK && epoch < 200; epoch++)
        s = mlplat_run_log_metric(run, "loss", exp(-epoch * speed), epoch, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_end(run, "FINISHED", err);
    mlplat_run_free(run);
    return s;
}

static void save(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file && fputs(text, file) >= 0)
        printf("%s: %zu bytes\n", path, strlen(text));
    if (file)
        fclose(file);
}

static mlplat_status show(mlplat *ml, const char *ids, mlplat_error *err)
{
    mlplat_plot_options options = MLPLAT_PLOT_OPTIONS_INIT;
    mlplat_doc *runs = NULL;
    char *svg = NULL, *html = NULL;
    options.log_y = 1;
    mlplat_status s = mlplat_metric_plot(ml, ids, "loss", &options, &svg, err);
    if (s == MLPLAT_OK) {
        save("losses.svg", svg);
        s = mlplat_run_search(ml, NULL, &runs, err);
    }
    if (s == MLPLAT_OK)
        s = mlplat_run_compare_html(ml, runs, "loss", &html, err);
    if (s == MLPLAT_OK)
        save("comparison.html", html);
    mlplat_free(svg);
    mlplat_free(html);
    mlplat_doc_free(runs);
    return s;
}

int main(void)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    char one[40] = "", two[40] = "", ids[90];
    mlplat_status s = mlplat_open(NULL, &ml, &err); /* environment, else sqlite:///mlflow.db */
    if (s == MLPLAT_OK)
        s = train(ml, "0.1", 0.05, one, &err);
    if (s == MLPLAT_OK)
        s = train(ml, "0.02", 0.01, two, &err);
    snprintf(ids, sizeof ids, "%s,%s", one, two);
    if (s == MLPLAT_OK)
        s = show(ml, ids, &err);
    mlplat_close(ml);
    if (s != MLPLAT_OK)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    return s != MLPLAT_OK;
}
