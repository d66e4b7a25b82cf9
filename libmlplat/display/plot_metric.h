/* Lines of a plot that are metrics of runs. */
#ifndef MLP_PLOT_METRIC_H
#define MLP_PLOT_METRIC_H
#include "display/plot.h"

/* Names joined by commas. Zero is empty. INVALID: an empty one; what names them in messages. */
typedef struct mlp_names {
    char *text;
    const char **names;
    size_t n;
} mlp_names;
mlplat_status mlp_names_split(const char *text, const char *what, mlp_names *out, mlplat_error *err);
void mlp_names_free(mlp_names *names);

/* Zero is empty. */
typedef struct mlp_metric_line {
    double *x, *y;
    char *label;
    size_t n;
} mlp_metric_line;
mlplat_status mlp_metric_line_read(mlplat *ml, const char *run_id, const char *key, mlplat_plot_x x,
                                   const mlp_hook *hook, mlp_metric_line *out, mlplat_error *err);
void mlp_metric_line_free(mlp_metric_line *line);

#endif
