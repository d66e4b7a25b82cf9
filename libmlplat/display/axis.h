/* An axis of a plot: from values to pixels, and ticks at round values. */
#ifndef MLP_AXIS_H
#define MLP_AXIS_H
#include <stdbool.h>
#include <stddef.h>

typedef enum mlp_axis_kind {
    MLP_AXIS_NUMBER,
    MLP_AXIS_LOG,     /* powers of ten; low and high above 0 */
    MLP_AXIS_ELAPSED, /* milliseconds */
    MLP_AXIS_CLOCK    /* milliseconds since 1970, UTC */
} mlp_axis_kind;

enum { MLP_AXIS_TICKS = 24 };

typedef struct mlp_axis {
    mlp_axis_kind kind;
    double low, high; /* of the values; log: their logarithms */
    double from, to;  /* in pixels: where low is and where high is */
    double scale;     /* pixels per half of a value: the difference of two doubles may be more than a double holds */
} mlp_axis;

typedef struct mlp_tick {
    double at; /* in pixels */
    char label[32];
} mlp_tick;

/* An axis that shows low to high (equal, or none at all: a range around them), with a margin of values at each end. */
mlp_axis mlp_axis_make(mlp_axis_kind kind, double low, double high, double margin, double from, double to);
double mlp_axis_log(double value); /* what a logarithmic axis places; NaN if it cannot */

/* The pixel of a value that counts from another; never far away. */
static inline double mlp_axis_from(const mlp_axis *axis, double value, double zero)
{
    double at = axis->from + (value / 2 - zero / 2 - axis->low / 2) * axis->scale;
    return at < -1e5 ? -1e5 : at > 1e5 ? 1e5 : at;
}

/* The pixel of a value that lies between low and high (of a logarithmic axis: of its logarithm). */
static inline double mlp_axis_at(const mlp_axis *axis, double value)
{
    return mlp_axis_from(axis, value, 0);
}

/* About `wanted` ticks; returns how many. */
size_t mlp_axis_ticks(const mlp_axis *axis, int wanted, mlp_tick out[MLP_AXIS_TICKS]);

#endif
