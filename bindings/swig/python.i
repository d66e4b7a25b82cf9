/* Typemaps for Python, one per rule of the headers; what they call is C in py*.c. */
%begin %{
#define PY_SSIZE_T_CLEAN
%}
%{
#include "pyhandle.h"
#include "pyhooks.h"
#include "pytable.h"
#include "pytext.h"
#include "pyvalues.h"
%}
%init %{
  if (mlp_pyhandle_init() != 0)
#if SWIG_VERSION >= 0x040400
    return -1;
#else
    return NULL;
#endif
%}

/* ---- statuses and errors: exceptions ---------------------------------------------------------------------------- */
%typemap(out) mlplat_status { $result = SWIG_Py_Void(); }
%typemap(in, numinputs=0) mlplat_error *err (mlplat_error error)
%{ error.status = MLPLAT_OK; error.http_status = 0; error.retryable = 0; error.message[0] = '\0'; $1 = &error; %}
/* Last of all: what came out before it goes with the exception. A callback's own exception wins. */
%typemap(argout) mlplat_error *err {
  if (result != MLPLAT_OK || PyErr_Occurred()) {
    mlp_pyhooks_raise(result, $1, $result);
    Py_XDECREF($result);
    SWIG_fail;
  }
}

/* What a handle's own life covers. */
%ignore mlplat_close;
%ignore mlplat_run_free;
%ignore mlplat_component_free;
%ignore mlplat_pipeline_free;
%ignore mlplat_doc_free;
%ignore mlplat_free;
/* Documents cross as JSON text, errors are exceptions. */
%ignore mlplat_doc_text;
%ignore mlplat_status_name;

/* ---- handles ---------------------------------------------------------------------------------------------------- */
%define HANDLE(TYPE, KIND, PARENT)
%typemap(in) TYPE * (mlp_pyhandle *handle = NULL), const TYPE * (mlp_pyhandle *handle = NULL) {
  $1 = ($1_ltype)mlp_pyhandle_pin($input, KIND, &handle);
  if (!$1) SWIG_fail;
}
%typemap(freearg) TYPE *, const TYPE * { mlp_pyhandle_unpin(handle$argnum); }
%typemap(in, numinputs=0) TYPE **out (TYPE *made = NULL) { $1 = &made; }
%typemap(argout) TYPE **out {
  if (*$1) {
    Py_XDECREF($result);
    $result = mlp_pyhandle_new(KIND, *$1, 0, PARENT);
  }
}
%enddef
HANDLE(mlplat, MLP_PY_SESSION, NULL)
HANDLE(mlplat_run, MLP_PY_RUN, handle1)
HANDLE(mlplat_component, MLP_PY_COMPONENT, NULL)
HANDLE(mlplat_pipeline, MLP_PY_PIPELINE, NULL)
HANDLE(mlplat_task, MLP_PY_TASK, handle1)
HANDLE(mlplat_step, MLP_PY_STEP, NULL)
/* What a step hands out is lent by it. */
%typemap(argout) mlplat_run **out {
  if (*$1) {
    Py_XDECREF($result);
    $result = mlp_pyhandle_new(MLP_PY_RUN, *$1, mlp_pyhandle_is(handle1, MLP_PY_STEP), handle1);
  }
}
%typemap(argout) mlplat **out {
  if (*$1) {
    Py_XDECREF($result);
    $result = mlp_pyhandle_new(MLP_PY_SESSION, *$1, 1, handle1);
  }
}

/* ---- text and documents ----------------------------------------------------------------------------------------- */
%typemap(in) const char * {
  $1 = ($1_ltype)mlp_pytext_utf8($input, "$1_name");
  if (!$1) SWIG_fail;
}
%typemap(freearg) const char * ""
%typemap(in) optional_text {
  $1 = NULL;
  if ($input != Py_None && !($1 = ($1_ltype)mlp_pytext_utf8($input, "$1_name"))) SWIG_fail;
}
%typemap(freearg) optional_text ""
%typemap(in) optional_path (PyObject *kept = NULL) {
  $1 = NULL;
  if ($input != Py_None && !($1 = ($1_ltype)mlp_pytext_path($input, "$1_name", &kept))) SWIG_fail;
}
%typemap(freearg) optional_path { Py_XDECREF(kept$argnum); }
%apply optional_text { const char *description, const char *tags, const char *default_json, const char *page_token,
                       const char *model_config,
                       const char *status, const char *artifact_path };
%typemap(in) const char *path (PyObject *kept = NULL), const char *dir (PyObject *kept = NULL),
             const char *uri (PyObject *kept = NULL) {
  $1 = ($1_ltype)mlp_pytext_path($input, "$1_name", &kept);
  if (!$1) SWIG_fail;
}
%typemap(freearg) const char *path, const char *dir, const char *uri { Py_XDECREF(kept$argnum); }
%typemap(out) const char * { $result = mlp_pytext_str($1); }

%typemap(in) (const char *text, size_t n) (size_t size = 0), (const char *yaml, size_t n) (size_t size = 0) {
  $1 = ($1_ltype)mlp_pytext_utf8_n($input, "$1_name", &size);
  if (!$1) SWIG_fail;
  $2 = size;
}
%typemap(freearg) (const char *text, size_t n), (const char *yaml, size_t n) ""
%typemap(in) (const void *data, size_t n) (Py_buffer bytes) %{
  if (PyObject_GetBuffer($input, &bytes, PyBUF_SIMPLE) != 0) { bytes.obj = NULL; SWIG_fail; }
  $1 = bytes.buf;
  $2 = (size_t)bytes.len;
%}
%typemap(arginit) (const void *data, size_t n) { bytes$argnum.obj = NULL; }
%typemap(freearg) (const void *data, size_t n) { if (bytes$argnum.obj) PyBuffer_Release(&bytes$argnum); }

%typemap(in, numinputs=0) char **OUTPUT (char *text = NULL) { $1 = &text; }
%typemap(argout) char **OUTPUT {
  if (*$1) { Py_XDECREF($result); $result = mlp_pytext_str(*$1); }
}
%typemap(freearg) char **OUTPUT { mlplat_free(*$1); }
%apply char **OUTPUT { char **out, char **id, char **uri };
%typemap(in, numinputs=0) const char **out (const char *lent = NULL) { $1 = ($1_ltype)&lent; }
%typemap(argout) const char **out {
  if (*$1) { Py_XDECREF($result); $result = mlp_pytext_str(*$1); }
}
%typemap(freearg) const char **out ""

/* A document is its JSON text; the thin layer parses on demand. */
%typemap(in) const mlplat_doc * (mlplat_doc *doc = NULL) {
  $1 = doc = mlp_pytext_doc($input, "$1_name");
  if (!$1) SWIG_fail;
}
%typemap(freearg) const mlplat_doc * { mlplat_doc_free(doc$argnum); }
%typemap(in, numinputs=0) mlplat_doc ** (mlplat_doc *doc = NULL) { $1 = &doc; }
%typemap(argout) mlplat_doc ** {
  if (*$1) { Py_XDECREF($result); $result = mlp_pytext_str(mlplat_doc_text(*$1)); }
}
%typemap(freearg) mlplat_doc ** { mlplat_doc_free(*$1); }

/* Lists: a sequence of str, an array that ends with NULL. */
%define TEXTS(POINTER, COUNT)
%typemap(in) (POINTER, COUNT) (mlp_pytexts texts = {0}) {
  if (mlp_pytext_list($input, "$1_name", &texts) != 0) SWIG_fail;
  $1 = ($1_ltype)texts.array;
  $2 = ($2_ltype)texts.n;
}
%typemap(freearg) (POINTER, COUNT) { mlp_pytext_list_free(&texts$argnum); }
%enddef
TEXTS(const char *const *argv, size_t argc)
%typemap(in) (int argc, char **argv) (mlp_pytexts texts = {0}) {
  if (mlp_pytext_list($input, "argv", &texts) != 0) SWIG_fail;
  $1 = ($1_ltype)texts.n;
  $2 = ($2_ltype)texts.array;
}
%typemap(freearg) (int argc, char **argv) { mlp_pytext_list_free(&texts$argnum); }
%typemap(in) const char *const *program (mlp_pytexts texts = {0}) {
  if (mlp_pytext_list($input, "program", &texts) != 0) SWIG_fail;
  $1 = ($1_ltype)texts.array;
}
%typemap(freearg) const char *const *program { mlp_pytext_list_free(&texts$argnum); }
%typemap(in) (const mlplat_port *ports, size_t n_ports) (mlp_pyports ports = {0}) {
  if (mlp_pytext_ports($input, &ports) != 0) SWIG_fail;
  $1 = ports.array;
  $2 = ports.n;
}
%typemap(freearg) (const mlplat_port *ports, size_t n_ports) { mlp_pytext_ports_free(&ports$argnum); }

/* ---- numbers and choices ---------------------------------------------------------------------------------------- */
%typemap(in) double { if (mlp_pyvalues_double($input, "$1_name", &$1) != 0) SWIG_fail; }
%typemap(in) int64_t (int64_t integer) {
  if (mlp_pyvalues_int64($input, "$1_name", &integer) != 0) SWIG_fail;
  $1 = integer;
}
%typemap(in) int {
  int64_t wide = 0;
  if (mlp_pyvalues_int64($input, "$1_name", &wide) != 0) SWIG_fail;
  if (wide < INT_MIN || wide > INT_MAX) { mlp_pyhooks_invalid("$1_name does not fit 32 bits"); SWIG_fail; }
  $1 = (int)wide;
}
%typemap(in, numinputs=0) int64_t * (int64_t integer = 0) { $1 = &integer; }
%typemap(argout) int64_t * { if (result == MLPLAT_OK) { Py_XDECREF($result); $result = PyLong_FromLongLong(*$1); } }
%typemap(in, numinputs=0) double * (double number = 0) { $1 = &number; }
%typemap(argout) double * { if (result == MLPLAT_OK) { Py_XDECREF($result); $result = PyFloat_FromDouble(*$1); } }
%typemap(in, numinputs=0) int *out (int yes = 0) { $1 = &yes; }
%typemap(argout) int *out { if (result == MLPLAT_OK) { Py_XDECREF($result); $result = PyBool_FromLong(*$1); } }
%typemap(in, numinputs=0) mlplat_spool_counts *out (mlplat_spool_counts counts)
%{ memset(&counts, 0, sizeof counts); counts.size = sizeof counts; $1 = &counts; %}
%typemap(argout) mlplat_spool_counts *out {
  if (result == MLPLAT_OK) {
    Py_XDECREF($result);
    $result = Py_BuildValue("KKKK", (unsigned long long)$1->accepted, (unsigned long long)$1->durable,
                            (unsigned long long)$1->stored, (unsigned long long)$1->dead);
  }
}

%define CHOICE(TYPE, WHAT, WORDS...)
%typemap(in) TYPE {
  static const char *const words[] = {WORDS, NULL};
  int chosen = mlp_pytext_choice($input, WHAT, words);
  if (chosen < 0) SWIG_fail;
  $1 = ($1_ltype)chosen;
}
%enddef
CHOICE(mlplat_durability, "durability", "", "memory", "process", "disk", "remote")
CHOICE(mlplat_view, "view", "active", "deleted", "all")
CHOICE(mlplat_plot_x, "x", "step", "elapsed", "clock")
CHOICE(mlplat_axis, "axis", "step", "time")

/* A number or a span of them; integers are optional. */
%typemap(in) const mlp_pyspan *value (mlp_pyspan span = {0}) {
  if (mlp_pyvalues_floats($input, "$1_name", &span) != 0) SWIG_fail;
  $1 = &span;
}
%typemap(in) const mlp_pyspan * (mlp_pyspan span = {0}) {
  if (mlp_pyvalues_integers($input, "$1_name", &span) != 0) SWIG_fail;
  $1 = &span;
}
%typemap(freearg) const mlp_pyspan *, const mlp_pyspan *value { mlp_pyvalues_free(&span$argnum); }

/* ---- pictures and tables ---------------------------------------------------------------------------------------- */
%typemap(in) (const mlplat_plot_series *series, size_t n_series) (mlp_pylines lines = {0}) {
  if (mlp_pylines_take($input, &lines) != 0) SWIG_fail;
  $1 = lines.array;
  $2 = lines.n;
}
%typemap(freearg) (const mlplat_plot_series *series, size_t n_series) { mlp_pylines_free(&lines$argnum); }
/* What is released late may outlive its call, so a stream is on the heap from the start. */
%typemap(in, numinputs=0) struct ArrowArrayStream *out (struct ArrowArrayStream *stream = NULL) {
  if (!(stream = mlp_pystream_new())) SWIG_fail;
  $1 = stream;
}
%typemap(argout) struct ArrowArrayStream *out {
  if (result == MLPLAT_OK) {
    Py_XDECREF($result);
    $result = mlp_pystream_capsule(stream$argnum);
    stream$argnum = NULL;
    if (!$result) SWIG_fail;
  }
}
%typemap(freearg) struct ArrowArrayStream *out { mlp_pystream_free(stream$argnum); }

/* ---- callbacks -------------------------------------------------------------------------------------------------- */
%define CALLBACK(TYPE, TRAMPOLINE)
%typemap(in) (TYPE, void *user) {
  if (mlp_pyhooks_check($input, "$1_name") != 0) SWIG_fail;
  $1 = TRAMPOLINE;
  $2 = $input;
}
%enddef
CALLBACK(mlplat_progress progress, mlp_pyhooks_progress)
CALLBACK(mlplat_write write, mlp_pyhooks_write)
CALLBACK(mlplat_component_fn fn, mlp_pyhooks_component)
%typemap(in) PyObject * { $1 = $input; }
%typemap(in, numinputs=0) PyObject **made (PyObject *object = NULL) { $1 = &object; }
%typemap(argout) PyObject **made { if (*$1) { Py_XDECREF($result); $result = *$1; } }

/* A logging call keeps the lock, for speed, unless its run waits for a disk or a server: then other threads go on. */
%define LOGGING(name, blocks)
%exception name {
  PyThreadState *unlocked = (blocks) || mlp_pyhandle_waits(handle1) ? PyEval_SaveThread() : NULL;
  $action
  if (unlocked)
    PyEval_RestoreThread(unlocked);
}
%enddef
