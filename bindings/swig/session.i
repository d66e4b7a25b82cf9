BLOCKING(mlplat_flush)
%include <mlplat/session.h>

#ifdef SWIGPYTHON
%{
static int session_waits(mlplat *ml, mlplat_durability asked)
{
    mlplat_doc *settings = NULL;
    const char *level = "";
    if (asked != MLPLAT_DURABILITY_DEFAULT)
        return asked >= MLPLAT_DURABILITY_DISK;
    int waits = mlplat_config(ml, &settings, NULL) == MLPLAT_OK &&
                mlplat_doc_string(settings, "durability.value", &level, NULL) == MLPLAT_OK &&
                (strcmp(level, "disk") == 0 || strcmp(level, "remote") == 0);
    mlplat_doc_free(settings);
    return waits;
}
%}

%inline %{
static mlplat_status session_open(optional_text tracking_uri, optional_text registry_uri, optional_path artifact_root,
                                  optional_path spool_dir, mlplat_durability durability, optional_text profile,
                                  optional_path config_file, optional_text mlflow_version, optional_text spool_full,
                                  int64_t spool_quota, int64_t spool_rate, int64_t close_timeout_ms,
                                  optional_text mirror_uri, PyObject *progress, PyObject *log, PyObject **made,
                                  mlplat_error *err)
{
    mlplat *ml = NULL;
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    if (mlp_pyhooks_check(progress, "progress") != 0 || mlp_pyhooks_check(log, "log") != 0)
        return MLPLAT_INVALID;
    mlp_pyhooks *hooks = mlp_pyhooks_new(progress, log);
    if (!hooks)
        return MLPLAT_NO_MEMORY;
    o.tracking_uri = tracking_uri;
    o.registry_uri = registry_uri;
    o.artifact_root = artifact_root;
    o.spool_dir = spool_dir;
    o.durability = durability;
    o.profile = profile;
    o.config_file = config_file;
    o.progress = mlp_pyhooks_session_progress;
    o.log = log == Py_None ? NULL : mlp_pyhooks_log;
    o.user = hooks;
    o.mlflow_version = mlflow_version;
    o.spool_full = spool_full;
    o.spool_quota = spool_quota;
    o.spool_rate = spool_rate;
    o.close_timeout_ms = close_timeout_ms;
    o.mirror_uri = mirror_uri;
    o.mlflow_installed = mlp_pyhooks_mlflow;
    mlplat_status status = mlplat_open(&o, &ml, err);
    if (status == MLPLAT_OK)
        *made = mlp_pyhandle_new(MLP_PY_SESSION, ml, 0, NULL);
    if (!*made) {
        mlp_pyhooks_free(hooks);
        return status;
    }
    mlp_pyhandle_keep_hooks(*made, hooks);
    mlp_pyhandle_set_waits((mlp_pyhandle *)*made, session_waits(ml, durability));
    return status;
}

/* Frees what a handle stands for; raises if a call still uses it. */
static PyObject *handle_close(PyObject *handle) { return mlp_pyhandle_close(handle) ? NULL : SWIG_Py_Void(); }

/* Logging through this run waits (or not), whatever its session does. */
static void run_set_waits(mlplat_run *run, PyObject *handle, int waits)
{
    (void)run;
    mlp_pyhandle_set_waits((mlp_pyhandle *)handle, waits);
}
%}
#endif

#ifdef SWIGGO
/* log: a handle for the lines of the log, 0: stderr. */
%inline %{
static mlplat_status session_open(optional_text tracking_uri, optional_text registry_uri, optional_path artifact_root,
                                  optional_path spool_dir, mlplat_durability durability, optional_text profile,
                                  optional_path config_file, optional_text mlflow_version, optional_text spool_full,
                                  int64_t spool_quota, int64_t spool_rate, int64_t close_timeout_ms,
                                  optional_text mirror_uri, uintptr_t log, mlplat **out, mlplat_error *err)
{
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    o.tracking_uri = tracking_uri;
    o.registry_uri = registry_uri;
    o.artifact_root = artifact_root;
    o.spool_dir = spool_dir;
    o.durability = durability;
    o.profile = profile;
    o.config_file = config_file;
    o.mlflow_version = mlflow_version;
    o.spool_full = spool_full;
    o.spool_quota = spool_quota;
    o.spool_rate = spool_rate;
    o.close_timeout_ms = close_timeout_ms;
    o.mirror_uri = mirror_uri;
    o.progress = mlp_gocall_session_progress;
    o.log = log ? mlp_gocall_log : NULL;
    o.user = (void *)log;
    return mlplat_open(&o, out, err);
}
%}
#endif
