BLOCKING(mlplat_run_html)
BLOCKING(mlplat_experiment_html)
BLOCKING(mlplat_run_search_html)
BLOCKING(mlplat_run_compare_html)
BLOCKING(mlplat_model_version_html)
BLOCKING(mlplat_pipeline_run_html)
BLOCKING(mlplat_list_arrow)
BLOCKING(mlplat_metric_arrow)
BLOCKING(metric_plot)
BLOCKING(lines_plot)
REPLACED(mlplat_plot)
REPLACED(mlplat_metric_plot)

#ifdef SWIGPYTHON
/* Of a page, a session that is not there leaves out what would have to be asked for. */
%typemap(in) mlplat *ml (mlp_pyhandle *handle = NULL) {
  $1 = NULL;
  if ($input != Py_None && !($1 = ($1_ltype)mlp_pyhandle_pin($input, MLP_PY_SESSION, &handle))) SWIG_fail;
}
%typemap(in) const char *keys {
  $1 = NULL;
  if ($input != Py_None && !($1 = ($1_ltype)mlp_pytext_utf8($input, "$1_name"))) SWIG_fail;
}
#endif
%include <mlplat/display.h>

%inline %{
static mlplat_status metric_plot(mlplat *ml, const char *run_ids, const char *keys, optional_text title,
                                 optional_text x_label, optional_text y_label, int width, int height, mlplat_plot_x x,
                                 int log_y, double smoothing, mlplat_progress progress, void *user, char **out,
                                 mlplat_error *err)
{
    mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
    o.title = title;
    o.x_label = x_label;
    o.y_label = y_label;
    o.width = width;
    o.height = height;
    o.x = x;
    o.log_y = log_y;
    o.smoothing = smoothing;
    o.progress = progress;
    o.user = user;
    return mlplat_metric_plot(ml, run_ids, keys, &o, out, err);
}

static mlplat_status lines_plot(const mlplat_plot_series *series, size_t n_series, optional_text title,
                                optional_text x_label, optional_text y_label, int width, int height, mlplat_plot_x x,
                                int log_y, double smoothing, mlplat_progress progress, void *user, char **out,
                                mlplat_error *err)
{
    mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
    o.title = title;
    o.x_label = x_label;
    o.y_label = y_label;
    o.width = width;
    o.height = height;
    o.x = x;
    o.log_y = log_y;
    o.smoothing = smoothing;
    o.progress = progress;
    o.user = user;
    return mlplat_plot(series, n_series, &o, out, err);
}
%}
#ifdef SWIGPYTHON
%clear mlplat *ml;
%clear const char *keys;
#endif
