/* Python callables as the library's hooks, and the library's errors as Python's exceptions. */
#ifndef MLP_PYHOOKS_H
#define MLP_PYHOOKS_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <mlplat.h>

/* The callables of a session; shared with the lines of log that are still on their way to Python. */
typedef struct mlp_pyhooks mlp_pyhooks;

/* progress and log: callables or None. NULL with an exception. */
mlp_pyhooks *mlp_pyhooks_new(PyObject *progress, PyObject *log);
void mlp_pyhooks_free(mlp_pyhooks *hooks); /* with the GIL; NULL is fine */

/* mlplat_progress and mlplat_log with an mlp_pyhooks as user. */
int mlp_pyhooks_session_progress(void *user, uint64_t done, uint64_t total);
void mlp_pyhooks_log(void *user, mlplat_log_level level, const char *text);
/* mlplat_options.mlflow_installed, the same way. */
const char *mlp_pyhooks_mlflow(void *user);
/* mlplat_progress, mlplat_write and mlplat_component_fn with a callable (or None) as user. */
int mlp_pyhooks_progress(void *user, uint64_t done, uint64_t total);
int64_t mlp_pyhooks_write(void *user, const void *data, size_t n);
mlplat_status mlp_pyhooks_component(mlplat_step *step, void *user, mlplat_error *err);

/* 0 if object is callable or None; else -1 and TypeError. */
int mlp_pyhooks_check(PyObject *object, const char *what);
/* Sets the exception for a status, unless a callback has set one that wins. document: what came out nonetheless. */
void mlp_pyhooks_raise(mlplat_status status, const mlplat_error *err, PyObject *document);
/* Sets mlplat.Invalid. */
void mlp_pyhooks_invalid(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
