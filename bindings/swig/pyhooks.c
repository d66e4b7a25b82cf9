#include "pyhooks.h"
#include "pyhandle.h"
#include "pytext.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors ----------------------------------------------------------------------------------------------------- */

void mlp_pyhooks_raise(mlplat_status status, const mlplat_error *err, PyObject *document)
{
    if (PyErr_Occurred())
        return;
    const char *message = err->message[0] ? err->message : mlplat_status_name(status);
    PyObject *text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
    PyObject *module = text ? PyImport_ImportModule("mlplat.errors") : NULL;
    PyObject *exception = NULL;
    if (module)
        exception = PyObject_CallMethod(module, "from_status", "siiOO", mlplat_status_name(status), err->http_status,
                                        err->retryable, text, document ? document : Py_None);
    if (exception)
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_XDECREF(exception);
    Py_XDECREF(module);
    Py_XDECREF(text);
}

void mlp_pyhooks_invalid(const char *format, ...)
{
    mlplat_error err = {.status = MLPLAT_INVALID};
    va_list args;
    va_start(args, format);
    vsnprintf(err.message, sizeof err.message, format, args);
    va_end(args);
    mlp_pyhooks_raise(MLPLAT_INVALID, &err, NULL);
}

int mlp_pyhooks_check(PyObject *object, const char *what)
{
    if (object == Py_None || PyCallable_Check(object))
        return 0;
    PyErr_Format(PyExc_TypeError, "%s must be callable or None", what);
    return -1;
}

/* ---- progress and Ctrl-C ---------------------------------------------------------------------------------------- */

/* While an exception waits to be raised, the call that it cancelled tidies up: only a further signal stops that. */
static int tidy_on(void)
{
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    int going = PyErr_CheckSignals() == 0;
    if (going) {
        PyErr_Restore(kind, value, trace);
    } else {
        Py_XDECREF(kind);
        Py_XDECREF(value);
        Py_XDECREF(trace);
    }
    return going;
}

/* A signal's exception or the callable's stays set: the call that it cancels raises it. */
static int go_on(PyObject *callable, uint64_t done, uint64_t total)
{
    if (PyErr_Occurred())
        return tidy_on();
    if (PyErr_CheckSignals() != 0)
        return 0;
    if (!callable || callable == Py_None)
        return 1;
    PyObject *answer = PyObject_CallFunction(callable, "KK", (unsigned long long)done, (unsigned long long)total);
    int going = answer && answer != Py_False;
    Py_XDECREF(answer);
    return going;
}

int mlp_pyhooks_progress(void *user, uint64_t done, uint64_t total)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    int going = go_on(user, done, total);
    PyGILState_Release(gil);
    return !going;
}

/* ---- bytes out -------------------------------------------------------------------------------------------------- */

/* The view is over a copy: a slice of it that the callable keeps must outlive the library's buffer. */
static int64_t give(PyObject *callable, const void *data, size_t n)
{
    if (PyErr_Occurred() || PyErr_CheckSignals() != 0)
        return -1;
    PyObject *bytes = PyBytes_FromStringAndSize(data, (Py_ssize_t)n);
    PyObject *view = bytes ? PyMemoryView_FromObject(bytes) : NULL;
    PyObject *answer = view ? PyObject_CallFunctionObjArgs(callable, view, NULL) : NULL;
    int64_t taken = answer && answer != Py_False ? (int64_t)n : -1;
    if (answer) {
        PyObject *released = PyObject_CallMethod(view, "release", NULL);
        if (!released)
            taken = -1;
        Py_XDECREF(released);
    }
    Py_XDECREF(answer);
    Py_XDECREF(view);
    Py_XDECREF(bytes);
    return taken;
}

int64_t mlp_pyhooks_write(void *user, const void *data, size_t n)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    int64_t taken = give(user, data, n);
    PyGILState_Release(gil);
    return taken;
}

/* ---- the session's hooks ---------------------------------------------------------------------------------------- */

struct mlp_pyhooks {
    atomic_int owners;
    PyObject *progress;
    PyObject *log;
    char mlflow[64]; /* the version that is installed, once asked for */
};

mlp_pyhooks *mlp_pyhooks_new(PyObject *progress, PyObject *log)
{
    mlp_pyhooks *hooks = calloc(1, sizeof *hooks);
    if (!hooks) {
        PyErr_NoMemory();
        return NULL;
    }
    Py_INCREF(progress);
    Py_INCREF(log);
    hooks->progress = progress;
    hooks->log = log;
    atomic_store(&hooks->owners, 1);
    return hooks;
}

void mlp_pyhooks_free(mlp_pyhooks *hooks)
{
    if (!hooks || atomic_fetch_sub(&hooks->owners, 1) != 1)
        return;
    Py_DECREF(hooks->progress);
    Py_DECREF(hooks->log);
    free(hooks);
}

int mlp_pyhooks_session_progress(void *user, uint64_t done, uint64_t total)
{
    const mlp_pyhooks *hooks = user;
    return mlp_pyhooks_progress(hooks->progress, done, total);
}

static int find_mlflow(char *out, size_t size)
{
    PyObject *module = PyImport_ImportModule("mlplat.store");
    PyObject *version = module ? PyObject_CallMethod(module, "installed_mlflow", NULL) : NULL;
    const char *text = version && version != Py_None ? mlp_pytext_utf8(version, "version") : NULL;
    if (text)
        snprintf(out, size, "%s", text);
    PyErr_Clear(); /* none is as good as one that cannot be told */
    Py_XDECREF(version);
    Py_XDECREF(module);
    return text != NULL;
}

const char *mlp_pyhooks_mlflow(void *user)
{
    mlp_pyhooks *hooks = user;
    PyObject *kind, *value, *trace;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyErr_Fetch(&kind, &value, &trace);
    int found = find_mlflow(hooks->mlflow, sizeof hooks->mlflow);
    PyErr_Restore(kind, value, trace);
    PyGILState_Release(gil);
    return found ? hooks->mlflow : NULL;
}

/* One line on its way from a thread of the library to Python's main thread. */
typedef struct line {
    mlp_pyhooks *hooks;
    int level;
    char text[];
} line;

static int deliver(void *arg)
{
    line *l = arg;
    PyObject *text = PyUnicode_DecodeUTF8(l->text, (Py_ssize_t)strlen(l->text), "replace");
    PyObject *answer = text ? PyObject_CallFunction(l->hooks->log, "iO", l->level, text) : NULL;
    if (!answer)
        PyErr_WriteUnraisable(l->hooks->log);
    Py_XDECREF(answer);
    Py_XDECREF(text);
    mlp_pyhooks_free(l->hooks);
    free(l);
    return 0;
}

/* Never waits for the GIL: the thread that holds it may wait for this one. Levels are those of Python's logging. */
void mlp_pyhooks_log(void *user, mlplat_log_level level, const char *text)
{
    mlp_pyhooks *hooks = user;
    size_t n = strlen(text) + 1;
    line *l = malloc(sizeof *l + n);
    if (l) {
        l->hooks = hooks;
        l->level = ((int)level + 1) * 10;
        memcpy(l->text, text, n);
        atomic_fetch_add(&hooks->owners, 1);
        if (Py_AddPendingCall(deliver, l) == 0)
            return;
        atomic_fetch_sub(&hooks->owners, 1); /* the session still owns it: never the last */
        free(l);
    }
    fprintf(stderr, "mlplat: %s\n", text); /* Python's queue is full: not lost, only less pretty */
}

/* ---- the body of a component ------------------------------------------------------------------------------------ */

/* The exception as the error of the step: its status if it is one of ours, else STATE; "KeyError: 'x'" as message. */
static void take_exception(mlplat_error *err)
{
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    PyErr_NormalizeException(&kind, &value, &trace);
    PyObject *name = kind ? PyObject_GetAttrString(kind, "__name__") : NULL;
    PyObject *text = name && value ? PyUnicode_FromFormat("%U: %S", name, value) : NULL;
    PyObject *bytes = text ? PyUnicode_AsEncodedString(text, "utf-8", "replace") : NULL;
    const char *message = bytes ? PyBytes_AsString(bytes) : NULL;
    PyErr_Clear();
    err->status = PyErr_GivenExceptionMatches(kind, PyExc_KeyboardInterrupt) ? MLPLAT_CANCELLED : MLPLAT_STATE;
    snprintf(err->message, sizeof err->message, "%s", message ? message : "the component raised an exception");
    for (char *p = err->message; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    Py_XDECREF(name);
    Py_XDECREF(kind);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static mlplat_status run_body(mlplat_step *step, PyObject *callable, mlplat_error *err)
{
    PyObject *handle = mlp_pyhandle_new(MLP_PY_STEP, step, 1, NULL);
    PyObject *answer = handle ? PyObject_CallFunctionObjArgs(callable, handle, NULL) : NULL;
    if (handle && mlp_pyhandle_close(handle) != 0) { /* lent: dead when this returns, kept or not */
        Py_XDECREF(answer);
        answer = NULL;
    }
    mlplat_status status = answer ? MLPLAT_OK : MLPLAT_STATE;
    if (!answer) {
        take_exception(err);
        status = err->status;
    }
    Py_XDECREF(answer);
    Py_XDECREF(handle);
    return status;
}

mlplat_status mlp_pyhooks_component(mlplat_step *step, void *user, mlplat_error *err)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    mlplat_error own = {0};
    mlplat_status status = run_body(step, user, err ? err : &own);
    PyGILState_Release(gil);
    return status;
}
