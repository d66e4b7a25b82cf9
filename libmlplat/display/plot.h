/* Plots inside the library: the drawing itself, and a line without axes. */
#ifndef MLP_PLOT_H
#define MLP_PLOT_H
#include "base/buf.h"
#include "base/hook.h"
#include <mlplat/display.h>

enum { MLP_PLOT_COLOURS = 10 };
/* The colour of line i of n: one of ten that read on white and on black, or, of more lines, one of as many hues. */
void mlp_plot_colour(size_t i, size_t n, char out[24]);

/* How to draw beyond the caller's options. */
typedef struct mlp_plot_style {
    size_t limit;  /* bytes */
    bool legend;   /* name the lines */
    size_t n_runs; /* lines come in groups of one per run, which share a colour; 0: each has its own */
    const mlp_hook *hook;
} mlp_plot_style;

/* Copies what the caller gave (NULL: defaults) and checks it. */
mlplat_status mlp_plot_take(const mlplat_plot_options *options, mlplat_plot_options *out, mlplat_error *err);
/* Appends one <svg>. options as mlp_plot_take gives them. */
mlplat_status mlp_plot_draw(const mlplat_plot_series *series, size_t n, const mlplat_plot_options *options,
                            const mlp_plot_style *style, mlp_buf *out, mlplat_error *err);

/* Appends a small line of n values without axes; nothing for less than two. */
void mlp_plot_spark(const double *values, size_t n, mlp_buf *out);

#endif
