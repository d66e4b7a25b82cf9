#include "display/plot.h"
#include "base/err.h"
#include "base/take.h"
#include "display/decimate.h"
#include <math.h>
#include <stdio.h>

enum { SERIES_MOST = 1000 };

void mlp_plot_colour(size_t i, size_t n, char out[24])
{
    static const char *const colours[MLP_PLOT_COLOURS] = {"#3b82d6", "#e8833a", "#2fa36b", "#d1495b", "#8f6ed5",
                                                          "#14a0b5", "#c2569b", "#a08a2e", "#7d8590", "#6b8e23"};
    if (n <= MLP_PLOT_COLOURS)
        snprintf(out, 24, "%s", colours[i % MLP_PLOT_COLOURS]);
    else
        snprintf(out, 24, "hsl(%u,60%%,52%%)", (unsigned)(i * 360 / n % 360));
}

mlplat_status mlp_plot_take(const mlplat_plot_options *options, mlplat_plot_options *o, mlplat_error *err)
{
    *o = (mlplat_plot_options)MLPLAT_PLOT_OPTIONS_INIT;
    mlplat_status s = MLP_TAKE(o, options, MLPLAT_PLOT_OPTIONS_INIT, err);
    if (s != MLPLAT_OK)
        return s;
    if (o->width && (o->width < 160 || o->width > 4000))
        return mlp_fail(err, MLPLAT_INVALID, "a plot of width %d: it is 160 to 4000 pixels, or 0 for 760", o->width);
    if (o->height && (o->height < 80 || o->height > 4000))
        return mlp_fail(err, MLPLAT_INVALID, "a plot of height %d: it is 80 to 4000 pixels, or 0 for 300", o->height);
    if (!(o->smoothing >= 0 && o->smoothing <= 0.999))
        return mlp_fail(err, MLPLAT_INVALID, "smoothing %g: it is 0 (none) to 0.999", o->smoothing);
    if ((int)o->x < MLPLAT_PLOT_STEP || o->x > MLPLAT_PLOT_CLOCK)
        return mlp_fail(err, MLPLAT_INVALID, "x axis %d: it is MLPLAT_PLOT_STEP, _ELAPSED or _CLOCK", (int)o->x);
    return MLPLAT_OK;
}

mlplat_status mlplat_plot(const mlplat_plot_series *series, size_t n_series, const mlplat_plot_options *options,
                          char **out, mlplat_error *err)
{
    mlp_buf svg = {0};
    mlplat_plot_options own;
    *out = NULL;
    mlplat_status s = mlp_plot_take(options, &own, err);
    mlp_hook hook = {own.progress, own.user};
    mlp_plot_style style = {.limit = MLPLAT_SVG_LIMIT, .legend = true, .hook = &hook};
    if (s == MLPLAT_OK && n_series > SERIES_MOST)
        s = mlp_fail(err, MLPLAT_INVALID, "a plot of %zu lines: at most %d", n_series, SERIES_MOST);
    for (size_t i = 0; s == MLPLAT_OK && i < n_series; i++)
        if (series[i].n > UINT32_MAX - 1)
            s = mlp_fail(err, MLPLAT_INVALID, "line %zu of the plot has %zu points: at most 4 billion", i, series[i].n);
    if (s == MLPLAT_OK)
        s = mlp_plot_draw(series, n_series, &own, &style, &svg, err);
    if (s == MLPLAT_OK && !(*out = mlp_buf_take(&svg)))
        s = mlp_fail_memory(err);
    mlp_buf_free(&svg);
    return s;
}

void mlp_plot_spark(const double *values, size_t n, mlp_buf *out)
{
    mlp_points points = {.y = values, .n = n};
    mlp_range range;
    bool sorted;
    mlp_buf marks = {0};
    mlp_decimate_range(&points, false, false, true, &range, &sorted);
    if (range.shown < 2)
        return;
    mlp_axis x = mlp_axis_make(MLP_AXIS_NUMBER, 0, (double)(n - 1), 0, 2, 118);
    mlp_axis y = mlp_axis_make(MLP_AXIS_NUMBER, range.y_low, range.y_high, 0, 20, 2);
    mlp_buf_puts(out, "<svg width=\"120\" height=\"22\" viewBox=\"0 0 120 22\"><path fill=\"none\" stroke=\"#3b82d6\" "
                      "stroke-width=\"1.3\" stroke-linejoin=\"round\" stroke-linecap=\"round\" d=\"");
    mlp_decimate_path(&points, &x, &y, 0, 40, out, &marks);
    mlp_buf_puts(out, "\"/></svg>");
    mlp_buf_free(&marks);
}
