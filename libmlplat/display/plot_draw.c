/* Putting a plot together: what to show, axes, lines, legend, within a number of bytes. */
#include "base/alloc.h"
#include "base/err.h"
#include "display/decimate.h"
#include "display/markup.h"
#include "display/plot.h"
#include <math.h>
#include <string.h>

enum { WIDTH = 760, HEIGHT = 300, TOP = 12, RIGHT = 14, LABEL = 40, LEGEND_MOST = 30, ROW = 19, DOTS_MOST = 60 };

typedef struct line {
    mlp_points points;
    double x_from;
    uint32_t *order;
    double *smooth;
    const char *label;
} line;

typedef struct plot {
    const mlplat_plot_options *options;
    const mlp_plot_style *style;
    line *lines;
    size_t n;
    mlp_range range;
    double width, height, left, top, right, bottom; /* of the drawing, and of the frame in it */
    size_t named;                                   /* lines in the legend */
    mlp_axis x, y;
    mlp_tick x_ticks[MLP_AXIS_TICKS], y_ticks[MLP_AXIS_TICKS];
    size_t n_x_ticks, n_y_ticks;
} plot;

/* ---- what to show ------------------------------------------------------------------------------------------------ */

static mlplat_status take_line(plot *p, line *l, const mlplat_plot_series *s, bool first, mlplat_error *err)
{
    bool sorted;
    bool elapsed = p->options->x == MLPLAT_PLOT_ELAPSED;
    l->points = (mlp_points){.x = s->x, .y = s->y, .n = s->n};
    l->label = s->label;
    mlp_decimate_range(&l->points, p->options->log_y, elapsed, first, &p->range, &sorted);
    if (elapsed && s->x) {
        l->x_from = (double)INFINITY;
        for (size_t i = 0; i < s->n; i++)
            l->x_from = s->x[i] < l->x_from && s->x[i] - s->x[i] == 0 ? s->x[i] : l->x_from;
    }
    if (!sorted) {
        l->order = mlp_decimate_order(s->x, s->n, &l->points.n_order);
        l->points.order = l->order;
    }
    if (p->options->smoothing > 0) {
        l->smooth = mlp_alloc_array(s->n, sizeof *l->smooth);
        if (l->smooth && (sorted || l->order))
            mlp_decimate_smooth(&l->points, p->options->smoothing, l->smooth);
    }
    return (!sorted && !l->order) || (p->options->smoothing > 0 && !l->smooth) ? mlp_fail_memory(err) : MLPLAT_OK;
}

static mlplat_status take_lines(plot *p, const mlplat_plot_series *series, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    uint64_t total = 0, done = 0;
    for (size_t i = 0; i < p->n; i++)
        total += series[i].n;
    p->lines = mlp_alloc_array(p->n ? p->n : 1, sizeof *p->lines);
    if (!p->lines)
        return mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < p->n; i++) {
        s = take_line(p, &p->lines[i], &series[i], i == 0, err);
        done += series[i].n;
        if (s == MLPLAT_OK)
            s = mlp_hook_call(p->style->hook, done, total, "the plot", err);
    }
    return s;
}

/* ---- layout ------------------------------------------------------------------------------------------------------ */

static double label_width(const char *label)
{
    return 44 + 6.6 * (double)mlp_markup_width(label, LABEL);
}

/* Rows that the legend takes. */
static size_t legend_rows(const plot *p)
{
    double at = p->left;
    size_t rows = p->named ? 1 : 0;
    for (size_t i = 0; i < p->named; i++) {
        double width = label_width(p->lines[i].label);
        if (at + width > p->width && at > p->left) {
            rows++;
            at = p->left;
        }
        at += width;
    }
    return rows + (p->named < p->n && p->named ? 1 : 0);
}

static const char *x_name(const mlplat_plot_options *o)
{
    static const char *const names[] = {"step", "time since start", "time (UTC)"};
    return o->x_label ? o->x_label : names[o->x];
}

static size_t widest_tick(const plot *p)
{
    size_t widest = 0;
    for (size_t i = 0; i < p->n_y_ticks; i++)
        widest = strlen(p->y_ticks[i].label) > widest ? strlen(p->y_ticks[i].label) : widest;
    return widest;
}

static void place_y(plot *p)
{
    mlp_axis_kind kind = p->options->log_y ? MLP_AXIS_LOG : MLP_AXIS_NUMBER;
    double low = p->range.y_low, high = p->range.y_high;
    if (kind == MLP_AXIS_LOG && low <= high) {
        low = mlp_axis_log(low);
        high = mlp_axis_log(high);
    }
    p->y = mlp_axis_make(kind, low, high, 0.04, p->bottom, p->top);
    p->n_y_ticks = mlp_axis_ticks(&p->y, (int)fmax((p->bottom - p->top) / 40, 4), p->y_ticks);
}

static void place(plot *p)
{
    static const mlp_axis_kind kinds[] = {MLP_AXIS_NUMBER, MLP_AXIS_ELAPSED, MLP_AXIS_CLOCK};
    const mlplat_plot_options *o = p->options;
    p->width = o->width ? o->width : WIDTH;
    p->top = TOP + (o->title && *o->title ? 22 : 0) + (o->y_label && *o->y_label ? 16 : 0);
    p->left = 40;
    for (size_t i = 0; p->style->legend && i < p->n && i < LEGEND_MOST; i++)
        p->named += p->lines[i].label && *p->lines[i].label && p->named == i;
    double below = 22 + (*x_name(o) ? 16 : 0) + (double)legend_rows(p) * ROW + 4;
    p->height = o->height ? o->height : fmax(HEIGHT, p->top + below + 220);
    p->bottom = fmax(p->height - below, p->top + 20);
    p->right = p->width - RIGHT;
    place_y(p);
    p->left = floor(fmin(14 + 6.6 * (double)widest_tick(p), p->width / 3)); /* columns are pixels */
    p->x = mlp_axis_make(kinds[o->x], p->range.x_low, p->range.x_high, 0, p->left, p->right);
    p->n_x_ticks = mlp_axis_ticks(&p->x, (int)((p->right - p->left) / 90), p->x_ticks);
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

static void put_text(mlp_buf *out, double x, double y, const char *attributes, const char *text, size_t limit)
{
    mlp_buf_printf(out, "<text x=\"%ld\" y=\"%ld\"%s%s>", lround(x), lround(y), *attributes ? " " : "", attributes);
    mlp_markup_text(out, text, limit);
    mlp_buf_puts(out, "</text>");
}

static void draw_frame(const plot *p, mlp_buf *out)
{
    const mlplat_plot_options *o = p->options;
    mlp_buf_puts(out, "<g stroke=\"currentColor\" stroke-opacity=\".15\" shape-rendering=\"crispEdges\"><path d=\"");
    for (size_t i = 0; i < p->n_y_ticks; i++)
        mlp_buf_printf(out, "M%ld %ldH%ld", lround(p->left), lround(p->y_ticks[i].at), lround(p->right));
    mlp_buf_puts(out, "\"/><path stroke-opacity=\".45\" d=\"");
    mlp_buf_printf(out, "M%ld %ldH%ld", lround(p->left), lround(p->bottom), lround(p->right));
    for (size_t i = 0; i < p->n_x_ticks; i++)
        mlp_buf_printf(out, "M%ld %ldv4", lround(p->x_ticks[i].at), lround(p->bottom));
    mlp_buf_puts(out, "\"/></g><g fill=\"currentColor\" fill-opacity=\".7\" font-size=\"11\" text-anchor=\"end\">");
    for (size_t i = 0; i < p->n_y_ticks; i++)
        put_text(out, p->left - 6, p->y_ticks[i].at + 4, "", p->y_ticks[i].label, 32);
    mlp_buf_puts(out, "</g><g fill=\"currentColor\" fill-opacity=\".7\" font-size=\"11\" text-anchor=\"middle\">");
    for (size_t i = 0; i < p->n_x_ticks; i++)
        put_text(out, fmin(p->x_ticks[i].at, p->width - 3 - 3 * (double)strlen(p->x_ticks[i].label)), p->bottom + 17,
                 "", p->x_ticks[i].label, 32);
    if (*x_name(o))
        put_text(out, (p->left + p->right) / 2, p->bottom + 33, "", x_name(o), LABEL * 2);
    mlp_buf_puts(out, "</g>");
    if (o->title && *o->title)
        put_text(out, 4, 17, "fill=\"currentColor\" font-size=\"13\" font-weight=\"600\"", o->title,
                 (size_t)(p->width / 7.5));
    if (o->y_label && *o->y_label)
        put_text(out, 4, p->top - 8, "fill=\"currentColor\" fill-opacity=\".7\" font-size=\"11\"", o->y_label,
                 LABEL * 2);
}

static size_t line_colour(const plot *p, size_t i)
{
    return p->style->n_runs ? i % p->style->n_runs : i;
}

/* Lines of one run share its colour and differ in their dashes. */
static const char *line_dash(const plot *p, size_t i)
{
    static const char *const dashes[] = {"", " stroke-dasharray=\"6 3\"", " stroke-dasharray=\"2 3\"",
                                         " stroke-dasharray=\"8 3 2 3\""};
    return p->style->n_runs ? dashes[i / p->style->n_runs % 4] : "";
}

static void draw_legend(const plot *p, mlp_buf *out)
{
    double x = p->left, y = p->bottom + 22 + (*x_name(p->options) ? 16 : 0) + ROW - 6;
    char colour[24];
    size_t colours = p->style->n_runs ? p->style->n_runs : p->n;
    for (size_t i = 0; i < p->named; i++) {
        double width = label_width(p->lines[i].label);
        if (x + width > p->width && x > p->left) {
            x = p->left;
            y += ROW;
        }
        mlp_plot_colour(line_colour(p, i), colours, colour);
        mlp_buf_printf(out, "<path d=\"M%ld %ldh18\" stroke=\"%s\" stroke-width=\"2.5\"%s/>", lround(x), lround(y - 4),
                       colour, line_dash(p, i));
        put_text(out, x + 24, y, "fill=\"currentColor\" font-size=\"12\"", p->lines[i].label, LABEL);
        x += width;
    }
    if (p->named && p->named < p->n) {
        mlp_buf_printf(out, "<text x=\"%ld\" y=\"%ld\" fill=\"currentColor\" fill-opacity=\".7\" font-size=\"12\">",
                       lround(p->left), lround(y + ROW));
        mlp_buf_printf(out, "and %zu more</text>", p->n - p->named);
    }
}

static void note(mlp_buf *out, size_t count, const char *what)
{
    if (count)
        mlp_buf_printf(out, "%s%zu %s", out->size ? ", " : "", count, what);
}

/* What is not in the picture, in words. */
static void draw_notes(const plot *p, mlp_buf *out)
{
    mlp_buf text = {0};
    note(&text, p->range.gaps, "NaN");
    note(&text, p->range.infinite, "infinite");
    note(&text, p->range.not_positive, "not above 0");
    if (text.size)
        put_text(out, p->right, p->top - 3,
                 "fill=\"currentColor\" fill-opacity=\".7\" font-size=\"10\" text-anchor=\"end\"", text.data, 120);
    if (!p->range.shown)
        put_text(out, (p->left + p->right) / 2, (p->top + p->bottom) / 2,
                 "fill=\"currentColor\" fill-opacity=\".7\" font-size=\"13\" text-anchor=\"middle\"",
                 "no points to show", 40);
    out->failed |= text.failed;
    mlp_buf_free(&text);
}

/* A few points are shown as dots, too. */
static void draw_dots(const plot *p, const line *l, const char *colour, mlp_buf *out)
{
    mlp_buf_printf(out, "<path fill=\"%s\" d=\"", colour);
    for (size_t i = 0; i < l->points.n; i++) {
        double x = l->points.x ? l->points.x[i] : (double)i, y = l->points.y[i];
        if (p->options->log_y)
            y = mlp_axis_log(y);
        if (x - x != 0 || y - y != 0)
            continue;
        mlp_buf_putc(out, 'M');
        mlp_decimate_tenths(out, lround(mlp_axis_from(&p->x, x, l->x_from) * 10) - 22, false);
        mlp_decimate_tenths(out, lround(mlp_axis_at(&p->y, y) * 10), true);
        mlp_buf_puts(out, "a2.2 2.2 0 1 1 0 .1z");
    }
    mlp_buf_puts(out, "\"/>");
}

static void draw_line(const plot *p, size_t i, size_t columns, mlp_buf *out)
{
    const line *l = &p->lines[i];
    size_t colours = p->style->n_runs ? p->style->n_runs : p->n;
    mlp_buf marks = {0}, unused = {0};
    char colour[24];
    mlp_plot_colour(line_colour(p, i), colours, colour);
    mlp_buf_printf(out, "<path stroke=\"%s\"%s%s d=\"", colour, l->smooth ? " stroke-opacity=\".3\"" : "",
                   line_dash(p, i));
    size_t drawn = mlp_decimate_path(&l->points, &p->x, &p->y, l->x_from, columns, out, &marks);
    mlp_buf_puts(out, "\"/>");
    if (l->smooth) {
        mlp_points smooth = l->points;
        smooth.y = l->smooth;
        mlp_buf_printf(out, "<path stroke=\"%s\"%s d=\"", colour, line_dash(p, i));
        mlp_decimate_path(&smooth, &p->x, &p->y, l->x_from, columns, out, &unused);
        mlp_buf_puts(out, "\"/>");
    }
    if (drawn <= DOTS_MOST && l->points.n <= DOTS_MOST && p->n <= MLP_PLOT_COLOURS && !l->smooth)
        draw_dots(p, l, colour, out);
    if (marks.size)
        mlp_buf_printf(out, "<path stroke=\"none\" fill=\"%s\" d=\"%s\"/>", colour, marks.data);
    out->failed |= marks.failed || unused.failed;
    mlp_buf_free(&marks);
    mlp_buf_free(&unused);
}

/* All lines in bytes that are left; each try has half the columns of the one before. */
static mlplat_status draw_lines(const plot *p, mlp_buf *out, mlplat_error *err)
{
    const size_t start = out->size;
    size_t columns = (size_t)fmax(p->right - p->left, 8), points = 0;
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; i < p->n; i++)
        points += p->lines[i].smooth ? 2 : 1;
    while (columns > 2 && columns * points * 28 > p->style->limit)
        columns /= 2;
    for (; s == MLPLAT_OK; columns /= 2) {
        out->size = start;
        mlp_buf_printf(out, "<g fill=\"none\" stroke-width=\"%s\" stroke-linejoin=\"round\" stroke-linecap=\"round\">",
                       p->n > 12 ? "1" : "1.5");
        for (size_t i = 0; s == MLPLAT_OK && i < p->n; i++) {
            draw_line(p, i, columns, out);
            s = mlp_hook_call(p->style->hook, i + 1, p->n, "the plot", err);
        }
        mlp_buf_puts(out, "</g>");
        if (columns <= 1 || out->failed || out->size + 12 <= p->style->limit)
            break;
    }
    return s;
}

/* The rule colours a plot that is a document of its own; inside a page it matches nothing. */
static mlplat_status draw(const plot *p, mlp_buf *out, mlplat_error *err)
{
    mlp_buf_printf(out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%ld\" height=\"%ld\" viewBox=\"0 0 %ld %ld\" "
                   "role=\"img\" font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\"><style>svg:root"
                   "{color-scheme:light dark;color:CanvasText;background:Canvas}</style>",
                   lround(p->width), lround(p->height), lround(p->width), lround(p->height));
    draw_frame(p, out);
    draw_notes(p, out);
    draw_legend(p, out);
    mlplat_status s = draw_lines(p, out, err);
    mlp_buf_puts(out, "</svg>");
    return s == MLPLAT_OK ? mlp_buf_ok(out, err) : s;
}

mlplat_status mlp_plot_draw(const mlplat_plot_series *series, size_t n, const mlplat_plot_options *options,
                            const mlp_plot_style *style, mlp_buf *out, mlplat_error *err)
{
    mlp_buf own = {0};
    plot p = {.options = options, .style = style, .n = n};
    mlp_points none = {0};
    bool sorted;
    mlp_decimate_range(&none, false, false, true, &p.range, &sorted);
    mlplat_status s = take_lines(&p, series, err);
    if (s == MLPLAT_OK) {
        place(&p);
        s = draw(&p, &own, err);
    }
    if (s == MLPLAT_OK)
        mlp_buf_add(out, own.data, own.size);
    for (size_t i = 0; p.lines && i < n; i++) {
        mlp_free(p.lines[i].order);
        mlp_free(p.lines[i].smooth);
    }
    mlp_free(p.lines);
    mlp_buf_free(&own);
    return s;
}
