#include "display/decimate.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what there is ----------------------------------------------------------------------------------------------- */

/* x: smallest and largest finite one; *odd: there are others. */
static void range_x(const mlp_points *p, double *low, double *high, bool *sorted, bool *odd)
{
    double before = -(double)INFINITY;
    *sorted = true;
    *odd = false;
    *low = p->x ? (double)INFINITY : 0;
    *high = p->x ? -(double)INFINITY : (double)p->n - 1;
    for (size_t i = 0; p->x && i < p->n; i++) {
        double x = p->x[i];
        if (x - x != 0) {
            *odd = true;
            continue;
        }
        *sorted &= x >= before;
        before = x;
        *low = x < *low ? x : *low;
        *high = x > *high ? x : *high;
    }
}

static void range_y(const mlp_points *p, bool log_y, bool odd, mlp_range *range)
{
    double low = range->y_low, high = range->y_high;
    size_t shown = 0;
    for (size_t i = 0; i < p->n; i++) {
        double y = p->y[i];
        if (odd && p->x[i] - p->x[i] != 0)
            continue;
        if (y - y != 0) {
            range->gaps += y != y;
            range->infinite += y == y;
        } else if (log_y && y <= 0) {
            range->not_positive++;
        } else {
            shown++;
            low = y < low ? y : low;
            high = y > high ? y : high;
        }
    }
    range->shown += shown;
    range->y_low = low;
    range->y_high = high;
}

void mlp_decimate_range(const mlp_points *points, bool log_y, bool from_zero, bool first, mlp_range *range,
                        bool *sorted)
{
    double low, high;
    bool odd;
    if (first)
        *range = (mlp_range){.x_low = (double)INFINITY,
                             .x_high = -(double)INFINITY,
                             .y_low = (double)INFINITY,
                             .y_high = -(double)INFINITY};
    *sorted = true;
    if (!points->n)
        return;
    range_x(points, &low, &high, sorted, &odd);
    if (from_zero && low <= high) {
        high -= low;
        low = 0;
    }
    range->x_low = low < range->x_low ? low : range->x_low;
    range->x_high = high > range->x_high ? high : range->x_high;
    range_y(points, log_y, odd, range);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* Merges two sorted halves; stable. */
static void merge(const double *x, const uint32_t *from, uint32_t *to, size_t a, size_t middle, size_t b)
{
    size_t i = a, j = middle;
    for (size_t k = a; k < b; k++)
        to[k] = i < middle && (j >= b || !(x[from[j]] < x[from[i]])) ? from[i++] : from[j++];
}

uint32_t *mlp_decimate_order(const double *x, size_t n, size_t *n_order)
{
    uint32_t *from = mlp_alloc_array(n, sizeof *from), *to = mlp_alloc_array(n, sizeof *to);
    size_t finite = 0;
    for (size_t i = 0; from && to && i < n; i++)
        if (x[i] - x[i] == 0)
            from[finite++] = (uint32_t)i;
    for (size_t width = 1; from && to && width < finite; width *= 2) {
        for (size_t a = 0; a < finite; a += 2 * width) {
            size_t middle = a + width < finite ? a + width : finite;
            merge(x, from, to, a, middle, a + 2 * width < finite ? a + 2 * width : finite);
        }
        uint32_t *other = from;
        from = to;
        to = other;
    }
    if (!to) {
        mlp_free(from);
        from = NULL;
    }
    mlp_free(to);
    *n_order = finite;
    return from;
}

/* ---- the path ---------------------------------------------------------------------------------------------------- */

typedef struct pen {
    const mlp_points *points;
    const mlp_axis *x, *y;
    double x_from;
    mlp_buf *path;
    long at_x, at_y; /* in tenths of a pixel */
    size_t run;      /* points since it was lifted */
    bool lifted;
    size_t drawn;
} pen;

static inline double x_of(const mlp_points *p, size_t i)
{
    return p->x ? p->x[i] : (double)i;
}

static inline double y_of(const mlp_axis *axis, double y)
{
    return axis->kind == MLP_AXIS_LOG ? mlp_axis_log(y) : y;
}

void mlp_decimate_tenths(mlp_buf *out, long tenths, bool after)
{
    char text[24];
    size_t n = 0;
    unsigned long v = tenths < 0 ? 0 - (unsigned long)tenths : (unsigned long)tenths;
    if (v % 10) {
        text[n++] = (char)('0' + v % 10);
        text[n++] = '.';
    }
    v /= 10;
    if (v || !n || text[n - 1] != '.')
        do {
            text[n++] = (char)('0' + v % 10);
            v /= 10;
        } while (v);
    if (tenths < 0)
        text[n++] = '-';
    else if (after)
        text[n++] = ' ';
    for (size_t i = 0; i < n / 2; i++) {
        char c = text[i];
        text[i] = text[n - 1 - i];
        text[n - 1 - i] = c;
    }
    mlp_buf_add(out, text, n);
}

/* A lone point is a dot. */
static void lift(pen *p)
{
    if (p->run == 1)
        mlp_buf_puts(p->path, "h0");
    p->lifted = true;
    p->run = 0;
}

static void put(pen *p, size_t i)
{
    long to_x = lround(mlp_axis_from(p->x, x_of(p->points, i), p->x_from) * 10);
    long to_y = lround(mlp_axis_at(p->y, y_of(p->y, p->points->y[i])) * 10);
    if (p->lifted) {
        mlp_buf_putc(p->path, 'M');
        mlp_decimate_tenths(p->path, to_x, false);
        mlp_decimate_tenths(p->path, to_y, true);
    } else {
        if (p->run == 1)
            mlp_buf_putc(p->path, 'l');
        mlp_decimate_tenths(p->path, to_x - p->at_x, p->run > 1);
        mlp_decimate_tenths(p->path, to_y - p->at_y, true);
    }
    p->lifted = false;
    p->at_x = to_x;
    p->at_y = to_y;
    p->run++;
    p->drawn++;
}

/* One column of pixels: the positions, in the order of drawing, of those of its points that are drawn. */
typedef struct column {
    long number;
    size_t first, low, high, last;
    double low_y, high_y;
    bool any, broken; /* broken: something that cannot be drawn lies before it */
    bool up, down;    /* an infinity is marked already */
} column;

static inline size_t point_at(const mlp_points *p, size_t position)
{
    return p->order ? p->order[position] : position;
}

static void put_column(pen *p, const column *c)
{
    size_t a = c->low < c->high ? c->low : c->high, b = c->low < c->high ? c->high : c->low;
    if (!c->any)
        return;
    if (c->broken)
        lift(p);
    put(p, point_at(p->points, c->first));
    if (a != c->first && a != c->last)
        put(p, point_at(p->points, a));
    if (b != a && b != c->first && b != c->last)
        put(p, point_at(p->points, b));
    if (c->last != c->first)
        put(p, point_at(p->points, c->last));
}

/* A triangle at the edge that the line left through. */
static void mark(const pen *p, double x, bool up, mlp_buf *marks)
{
    double edge = up == (p->y->to < p->y->from) ? p->y->to : p->y->from;
    long at = lround(mlp_axis_from(p->x, x, p->x_from) * 10), to = lround(edge * 10);
    mlp_buf_putc(marks, 'M');
    mlp_decimate_tenths(marks, at, false);
    mlp_decimate_tenths(marks, to, true);
    mlp_buf_puts(marks, up ? "l-4 7h8z" : "l-4-7h8z");
}

static inline void take(column *c, size_t position, double y)
{
    if (!c->any) {
        c->first = c->low = c->high = position;
        c->low_y = c->high_y = y;
        c->any = true;
    } else if (y < c->low_y) {
        c->low_y = y;
        c->low = position;
    } else if (y > c->high_y) {
        c->high_y = y;
        c->high = position;
    }
    c->last = position;
}

/* What has no place in the plot: a gap, and an infinity is marked once per column. */
static void leave_out(const pen *p, column *c, double x, double y, mlp_buf *marks)
{
    if (y == (double)INFINITY && !c->up) {
        mark(p, x, true, marks);
        c->up = true;
    } else if (y == -(double)INFINITY && !c->down) {
        mark(p, x, false, marks);
        c->down = true;
    }
}

/* An axis may be so short that its points lie columns without number apart. */
static long column_of(double x, double per_x)
{
    const double most = 1e18;
    double at = x * per_x;
    return at > most ? (long)most : at < -most ? (long)-most : at == at ? (long)at : 0;
}

size_t mlp_decimate_path(const mlp_points *points, const mlp_axis *x, const mlp_axis *y, double x_from, size_t columns,
                         mlp_buf *path, mlp_buf *marks)
{
    pen p = {.points = points, .x = x, .y = y, .x_from = x_from, .path = path, .lifted = true};
    column c = {.number = -1};
    double per_x = (double)columns / (x->high / 2 - x->low / 2), from = x_from / 2 + x->low / 2;
    bool log_y = y->kind == MLP_AXIS_LOG, gap = true;
    size_t n = points->order ? points->n_order : points->n;
    for (size_t k = 0; k < n; k++) {
        size_t i = point_at(points, k);
        double at = x_of(points, i), value = points->y[i];
        if (at - at != 0)
            continue;
        long number = column_of(at / 2 - from, per_x);
        if (number != c.number) {
            put_column(&p, &c);
            c = (column){.number = number, .broken = gap};
        }
        if (value - value != 0 || (log_y && value <= 0)) {
            leave_out(&p, &c, at, value, marks);
            gap = true;
            c.broken |= !c.any;
        } else {
            take(&c, k, value);
            gap = false;
        }
    }
    put_column(&p, &c);
    lift(&p);
    return p.drawn;
}

void mlp_decimate_smooth(const mlp_points *points, double weight, double *out)
{
    double mean = 0, share = 0; /* share: of the weights that values have had */
    size_t n = points->order ? points->n_order : points->n;
    for (size_t i = 0; points->order && i < points->n; i++)
        out[i] = points->y[i];
    for (size_t k = 0; k < n; k++) {
        size_t i = point_at(points, k);
        double y = points->y[i];
        if (y - y != 0) {
            out[i] = y;
            continue;
        }
        mean = mean * weight + (1 - weight) * y;
        share = share * weight + (1 - weight);
        out[i] = mean / share;
    }
}
