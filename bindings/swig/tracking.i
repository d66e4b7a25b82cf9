BLOCKING(mlplat_experiment_ensure)
BLOCKING(mlplat_experiment_get)
BLOCKING(mlplat_experiment_get_by_name)
BLOCKING(mlplat_experiment_delete)
BLOCKING(mlplat_experiment_restore)
BLOCKING(mlplat_experiment_set_tag)
BLOCKING(mlplat_experiment_delete_tag)
BLOCKING(mlplat_experiment_rename)
BLOCKING(mlplat_logged_model_get)
BLOCKING(mlplat_logged_model_finalize)
BLOCKING(mlplat_logged_model_set_tags)
BLOCKING(mlplat_logged_model_delete_tag)
BLOCKING(mlplat_logged_model_log_params)
BLOCKING(mlplat_logged_model_delete)
BLOCKING(mlplat_run_resume)
BLOCKING(mlplat_run_attach)
BLOCKING(mlplat_run_end)
BLOCKING(mlplat_run_log_batch)
BLOCKING(mlplat_run_log_param)
BLOCKING(mlplat_run_log_inputs)
BLOCKING(mlplat_run_log_outputs)
BLOCKING(mlplat_run_delete_tag)
BLOCKING(mlplat_run_get)
BLOCKING(mlplat_run_delete)
BLOCKING(mlplat_run_restore)
BLOCKING(mlplat_metric_history)
BLOCKING(mlplat_metric_history_since)
BLOCKING(mlplat_metric_sample)
BLOCKING(mlplat_metric_history_bulk)
BLOCKING(mlplat_run_log_artifact)
BLOCKING(mlplat_run_log_text)
BLOCKING(mlplat_run_log_dict)
BLOCKING(mlplat_run_log_table)
BLOCKING(run_log_image)
REPLACED(mlplat_run_log_image)
BLOCKING(mlplat_spool_status)
BLOCKING(mlplat_spool_sync)
BLOCKING(mlplat_spool_prometheus)
BLOCKING(spool_inspect)
REPLACED(mlplat_spool_inspect)
BLOCKING(spool_drop)
REPLACED(mlplat_spool_drop)
BLOCKING(mlplat_spool_retry)
BLOCKING(experiment_create)
BLOCKING(experiment_search)
BLOCKING(run_start)
BLOCKING(run_search)
BLOCKING(run_log_model)
BLOCKING(run_update)
BLOCKING(logged_model_create)
BLOCKING(logged_model_search)
REPLACED(mlplat_run_update)
REPLACED(mlplat_logged_model_create)
REPLACED(mlplat_logged_model_search)
REPLACED(mlplat_experiment_create)
REPLACED(mlplat_experiment_search)
REPLACED(mlplat_run_start)
REPLACED(mlplat_run_search)
REPLACED(mlplat_run_log_model)
#ifdef SWIGPYTHON
REPLACED(mlplat_run_log_metric)
REPLACED(mlplat_run_log_metric_at)
REPLACED(mlplat_run_log_metrics)
#endif
LOGGING(mlplat_run_set_tag, 0)
LOGGING(run_log, !arg3->scalar)
%apply (const void *data, size_t n) { (const void *small, size_t small_n) };
%include <mlplat/tracking.h>

%inline %{
static mlplat_status spool_inspect(mlplat *ml, optional_text what, optional_text run_id, int max_results,
                                   mlplat_doc **out, mlplat_error *err)
{
    return mlplat_spool_inspect(ml, what, run_id, max_results, out, err);
}

static mlplat_status spool_drop(mlplat *ml, const char *what, optional_text run_id, int dry_run, mlplat_doc **out,
                                mlplat_error *err)
{
    return mlplat_spool_drop(ml, what, run_id, dry_run, out, err);
}

static mlplat_status experiment_create(mlplat *ml, const char *name, optional_path artifact_location,
                                       optional_text tags, char **id, mlplat_error *err)
{
    mlplat_experiment_options o = MLPLAT_EXPERIMENT_OPTIONS_INIT;
    o.artifact_location = artifact_location;
    o.tags = tags;
    return mlplat_experiment_create(ml, name, &o, id, err);
}

static mlplat_status experiment_search(mlplat *ml, optional_text filter, optional_text order_by, mlplat_view view,
                                       int max_results, optional_text page_token, mlplat_doc **out, mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = filter;
    q.order_by = order_by;
    q.view = view;
    q.max_results = max_results;
    q.page_token = page_token;
    return mlplat_experiment_search(ml, &q, out, err);
}

static mlplat_status run_start(mlplat *ml, optional_text experiment, optional_text experiment_id, optional_text name,
                               optional_text parent_run_id, optional_text description, optional_text tags,
                               optional_text source_name, int64_t start_time_ms, mlplat_durability durability,
                               mlplat_run **out, mlplat_error *err)
{
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.experiment = experiment;
    o.experiment_id = experiment_id;
    o.name = name;
    o.parent_run_id = parent_run_id;
    o.description = description;
    o.tags = tags;
    o.source_name = source_name;
    o.start_time_ms = start_time_ms;
    o.durability = durability;
    return mlplat_run_start(ml, &o, out, err);
}

static mlplat_status run_update(mlplat *ml, const char *run_id, optional_text name, optional_text status,
                                int64_t end_time_ms, mlplat_error *err)
{
    mlplat_run_change c = MLPLAT_RUN_CHANGE_INIT;
    c.name = name;
    c.status = status;
    c.end_time_ms = end_time_ms;
    return mlplat_run_update(ml, run_id, &c, err);
}

static mlplat_status logged_model_search(mlplat *ml, optional_text experiment_ids, optional_text filter,
                                         optional_text datasets, optional_text order_by, int max_results,
                                         optional_text page_token, mlplat_doc **out, mlplat_error *err)
{
    mlplat_logged_model_query q = MLPLAT_LOGGED_MODEL_QUERY_INIT;
    q.experiment_ids = experiment_ids;
    q.filter = filter;
    q.datasets = datasets;
    q.order_by = order_by;
    q.max_results = max_results;
    q.page_token = page_token;
    return mlplat_logged_model_search(ml, &q, out, err);
}

static mlplat_status logged_model_create(mlplat *ml, optional_text experiment_id, optional_text name,
                                         optional_text model_type, optional_text source_run_id, optional_text params,
                                         optional_text tags, mlplat_doc **out, mlplat_error *err)
{
    mlplat_logged_model_options o = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
    o.experiment_id = experiment_id;
    o.name = name;
    o.model_type = model_type;
    o.source_run_id = source_run_id;
    o.params = params;
    o.tags = tags;
    return mlplat_logged_model_create(ml, &o, out, err);
}

static mlplat_status run_search(mlplat *ml, optional_text experiment_ids, optional_text filter, optional_text order_by,
                                mlplat_view view, int max_results, optional_text page_token, mlplat_doc **out,
                                mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.experiment_ids = experiment_ids;
    q.filter = filter;
    q.order_by = order_by;
    q.view = view;
    q.max_results = max_results;
    q.page_token = page_token;
    return mlplat_run_search(ml, &q, out, err);
}

/* small: no bytes, and the image itself is taken. */
static mlplat_status run_log_image(mlplat_run *run, const void *data, size_t n, optional_text artifact_file,
                                   optional_text key, int64_t step, int64_t timestamp_ms, const void *small,
                                   size_t small_n, mlplat_error *err)
{
    mlplat_image o = MLPLAT_IMAGE_INIT;
    o.artifact_file = artifact_file;
    o.key = key;
    o.step = step;
    o.timestamp_ms = timestamp_ms;
    o.small = small;
    o.small_n = small_n;
    return mlplat_run_log_image(run, data, n, &o, err);
}

static mlplat_status run_log_model(mlplat_run *run, const char *name, const char *loader_module, optional_path data,
                                   optional_path code, optional_text flavors, optional_text signature,
                                   optional_text input_example, optional_text requirements,
                                   optional_text python_version, optional_text metadata, char **uri, mlplat_error *err)
{
    mlplat_model m = MLPLAT_MODEL_INIT;
    m.loader_module = loader_module;
    m.data = data;
    m.code = code;
    m.flavors = flavors;
    m.signature = signature;
    m.input_example = input_example;
    m.requirements = requirements;
    m.python_version = python_version;
    m.metadata = metadata;
    return mlplat_run_log_model(run, &m, name, uri, err);
}
%}

#ifdef SWIGPYTHON
%{
static mlplat_status bad_span(mlplat_error *err, const char *key, const char *what, size_t has, size_t wants)
{
    err->status = MLPLAT_INVALID;
    PyOS_snprintf(err->message, sizeof err->message,
                  "metric '%.250s': %zu value%s need%s as many %s, and %zu came: give one per value, or none", key,
                  wants, wants == 1 ? "" : "s", wants == 1 ? "s" : "", what, has);
    return MLPLAT_INVALID;
}
%}

%inline %{
/* One value, or a span of values, each with its own step and time or none. */
static mlplat_status run_log(mlplat_run *run, const char *key, const mlp_pyspan *value, const mlp_pyspan *step,
                             const mlp_pyspan *timestamp, mlplat_error *err)
{
    size_t n = value->scalar ? 1 : value->n;
    if (step->given && (step->scalar != value->scalar || (!step->scalar && step->n != n)))
        return bad_span(err, key, "steps", step->scalar ? 1 : step->n, n);
    if (timestamp->given && (timestamp->scalar != value->scalar || (!timestamp->scalar && timestamp->n != n)))
        return bad_span(err, key, "timestamps", timestamp->scalar ? 1 : timestamp->n, n);
    if (!value->scalar)
        return mlplat_run_log_metrics(run, key, step->data, timestamp->data, value->data, n, err);
    int64_t at = step->given ? step->integer : MLPLAT_STEP_AUTO;
    if (!timestamp->given)
        return mlplat_run_log_metric(run, key, value->number, at, err);
    return mlplat_run_log_metric_at(run, key, value->number, at, timestamp->integer, err);
}
%}
#endif
