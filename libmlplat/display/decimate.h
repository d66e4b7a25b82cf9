/*
 * Many points on few pixels, exactly: of all points in a column of the plot the first, the lowest, the highest and the
 * last are kept, in their order, so that the drawn line touches every pixel that a line through all points would.
 */
#ifndef MLP_DECIMATE_H
#define MLP_DECIMATE_H
#include "base/buf.h"
#include "base/hook.h"
#include "display/axis.h"
#include <stdint.h>

typedef struct mlp_points {
    const double *x; /* NULL: 0, 1, 2, ... */
    const double *y;
    size_t n;
    const uint32_t *order; /* n_order of the points by x; NULL: all as they are */
    size_t n_order;
} mlp_points;

/* What there is to show; low > high: nothing. Zero is not empty: mlp_decimate_range starts it. */
typedef struct mlp_range {
    double x_low, x_high, y_low, y_high;
    size_t shown, gaps, infinite, not_positive;
} mlp_range;

/* Takes the points into *range (first: the first series of it). log_y: values of 0 and below are counted only.
 * from_zero: x counts from the smallest of the series. *sorted tells whether x never goes back. */
void mlp_decimate_range(const mlp_points *points, bool log_y, bool from_zero, bool first, mlp_range *range,
                        bool *sorted);
/* Those points whose x is finite by x, equal ones as they are; yours: mlp_free. NULL: no memory. */
uint32_t *mlp_decimate_order(const double *x, size_t n, size_t *n_order);

/* Appends the data of an SVG path, and of one that marks infinities at the edges. columns: how many the width has.
 * x_from is taken off every x. Returns how many points were drawn. */
size_t mlp_decimate_path(const mlp_points *points, const mlp_axis *x, const mlp_axis *y, double x_from, size_t columns,
                         mlp_buf *path, mlp_buf *marks);

/* A running mean that forgets by weight, without bias at the start; of NaN and infinities nothing is taken. */
void mlp_decimate_smooth(const mlp_points *points, double weight, double *out);

/* Tenths as a decimal, "-12.3"; " " in front if one is needed after a number. */
void mlp_decimate_tenths(mlp_buf *out, long tenths, bool after);

#endif
