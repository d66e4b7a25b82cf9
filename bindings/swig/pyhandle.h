/*
 * Handles of the library as Python objects.
 *
 * A handle is pinned while a call uses it, with everything it was made from, so that closing it meanwhile (from another
 * thread, or from a callback of the call itself) is refused and never frees what is in use. A handle that is dropped is
 * freed; what was made from a session is freed before the session.
 */
#ifndef MLP_PYHANDLE_H
#define MLP_PYHANDLE_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "pyhooks.h"

typedef enum mlp_pykind {
    MLP_PY_SESSION,
    MLP_PY_RUN,
    MLP_PY_COMPONENT,
    MLP_PY_PIPELINE,
    MLP_PY_TASK,
    MLP_PY_STEP,
    MLP_PY_KINDS
} mlp_pykind;

typedef struct mlp_pyhandle mlp_pyhandle;

/* Makes the type; once, when the module is loaded. 0 or -1 with an exception. */
int mlp_pyhandle_init(void);
/* A handle for pointer, which is freed even if this fails. lent: never freed by us. parent may be NULL, else the new
 * handle keeps it alive and is unusable once it is closed. */
PyObject *mlp_pyhandle_new(mlp_pykind kind, void *pointer, int lent, mlp_pyhandle *parent);
/* The pointer, and the handle to unpin after the call; NULL with ValueError "run is closed" or TypeError. */
void *mlp_pyhandle_pin(PyObject *object, mlp_pykind kind, mlp_pyhandle **pinned);
void mlp_pyhandle_unpin(mlp_pyhandle *handle); /* NULL is fine */
/* Frees what it stands for, and what was made from it. Again is fine. 0; -1 with an exception: a call still uses it. */
int mlp_pyhandle_close(PyObject *object);
/* What the session's callbacks need; taken over. */
void mlp_pyhandle_keep_hooks(PyObject *object, mlp_pyhooks *hooks);
/* Logging through it waits for a disk or a server: let other threads run meanwhile. Set for a session, inherited. */
void mlp_pyhandle_set_waits(mlp_pyhandle *handle, int waits);
int mlp_pyhandle_waits(const mlp_pyhandle *handle);
int mlp_pyhandle_is(const mlp_pyhandle *handle, mlp_pykind kind);

#endif
