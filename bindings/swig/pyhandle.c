#include "pyhandle.h"
#include <limits.h>
#include <mlplat.h>
#include <pthread.h>
#include <stdatomic.h>

/* users of a handle that is closed: so far below zero that pins in flight never reach it */
#define CLOSED (INT_MIN / 2)

struct mlp_pyhandle {
    PyObject_HEAD
    void *pointer;
    mlp_pykind kind;
    int lent;
    atomic_int waits;
    atomic_int users;
    mlp_pyhandle *parent;
    mlp_pyhooks *hooks;
    pthread_mutex_t lock; /* of the list of children */
    mlp_pyhandle *children;
    mlp_pyhandle *next, *previous; /* in the parent's list */
};

/* CPython has one heap type per process here; made at import, never changed. */
static PyTypeObject *handle_type;

static void free_session(void *p) { mlplat_close(p); }
static void free_run(void *p) { mlplat_run_free(p); }
static void free_component(void *p) { mlplat_component_free(p); }
static void free_pipeline(void *p) { mlplat_pipeline_free(p); }

static const struct {
    const char *noun;
    void (*release)(void *pointer);
} kinds[MLP_PY_KINDS] = {
    [MLP_PY_SESSION] = {"session", free_session},       [MLP_PY_RUN] = {"run", free_run},
    [MLP_PY_COMPONENT] = {"component", free_component}, [MLP_PY_PIPELINE] = {"pipeline", free_pipeline},
    [MLP_PY_TASK] = {"task", NULL},                     [MLP_PY_STEP] = {"step", NULL},
};

static void release(mlp_pyhandle *h)
{
    void *pointer = h->pointer;
    h->pointer = NULL;
    if (pointer && !h->lent && kinds[h->kind].release)
        kinds[h->kind].release(pointer);
}

/* 1 if nobody used it and it is closed now, 0 if it is in use, also 1 if it was closed before. */
static int shut(mlp_pyhandle *h)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&h->users, &none, CLOSED))
        return 1;
    return none < 0;
}

static void link_child(mlp_pyhandle *parent, mlp_pyhandle *h)
{
    pthread_mutex_lock(&parent->lock);
    h->next = parent->children;
    if (h->next)
        h->next->previous = h;
    parent->children = h;
    pthread_mutex_unlock(&parent->lock);
}

static void unlink_child(mlp_pyhandle *parent, mlp_pyhandle *h)
{
    pthread_mutex_lock(&parent->lock);
    if (h->previous)
        h->previous->next = h->next;
    else if (parent->children == h)
        parent->children = h->next;
    if (h->next)
        h->next->previous = h->previous;
    h->next = h->previous = NULL;
    pthread_mutex_unlock(&parent->lock);
}

/* A child cannot be in use here: that would have pinned the parent too. */
static void close_children(mlp_pyhandle *h)
{
    pthread_mutex_lock(&h->lock);
    for (mlp_pyhandle *child = h->children; child; child = child->next) {
        atomic_store(&child->users, CLOSED);
        release(child);
    }
    pthread_mutex_unlock(&h->lock);
}

/* Closing a session may wait for its store, and its hooks take the GIL themselves. The list's lock is only ever held
 * with the GIL, so a fork never copies it locked. */
static void finish(mlp_pyhandle *h)
{
    close_children(h);
    Py_BEGIN_ALLOW_THREADS
    release(h);
    Py_END_ALLOW_THREADS
    mlp_pyhooks_free(h->hooks);
    h->hooks = NULL;
}

int mlp_pyhandle_close(PyObject *object)
{
    if (object == Py_None)
        return 0;
    if (!PyObject_TypeCheck(object, handle_type)) {
        PyErr_SetString(PyExc_TypeError, "not a handle of mlplat");
        return -1;
    }
    mlp_pyhandle *h = (mlp_pyhandle *)object;
    if (atomic_load(&h->users) < 0)
        return 0;
    if (!shut(h)) {
        mlplat_error err = {.status = MLPLAT_STATE};
        PyOS_snprintf(err.message, sizeof err.message,
                      "the %s is in use by another thread or by the call that runs this callback: close it afterwards",
                      kinds[h->kind].noun);
        mlp_pyhooks_raise(MLPLAT_STATE, &err, NULL);
        return -1;
    }
    finish(h);
    return PyErr_Occurred() ? -1 : 0;
}

static void dealloc(PyObject *self)
{
    mlp_pyhandle *h = (mlp_pyhandle *)self;
    mlp_pyhandle *parent = h->parent;
    PyTypeObject *type = Py_TYPE(self);
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    if (parent)
        unlink_child(parent, h);
    if (shut(h) && (h->pointer || h->hooks))
        finish(h);
    if (PyErr_Occurred())
        PyErr_WriteUnraisable(NULL);
    PyErr_Restore(kind, value, trace);
    pthread_mutex_destroy(&h->lock);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
    Py_XDECREF((PyObject *)parent);
}

static PyObject *show(PyObject *self)
{
    const mlp_pyhandle *h = (const mlp_pyhandle *)self;
    return PyUnicode_FromFormat("<%s handle of mlplat%s>", kinds[h->kind].noun,
                                atomic_load(&h->users) < 0 ? ", closed" : "");
}

int mlp_pyhandle_init(void)
{
    PyType_Slot slots[] = {{Py_tp_dealloc, (void *)dealloc}, {Py_tp_repr, (void *)show}, {0, NULL}};
    PyType_Spec spec = {.name = "mlplat._c.handle",
                        .basicsize = (int)sizeof(mlp_pyhandle),
                        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                        .slots = slots};
    if (!handle_type)
        handle_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return handle_type ? 0 : -1;
}

PyObject *mlp_pyhandle_new(mlp_pykind kind, void *pointer, int lent, mlp_pyhandle *parent)
{
    mlp_pyhandle *h = (mlp_pyhandle *)PyType_GenericAlloc(handle_type, 0);
    if (!h) {
        if (!lent && kinds[kind].release)
            kinds[kind].release(pointer);
        return NULL;
    }
    h->kind = kind;
    h->pointer = pointer;
    h->lent = lent;
    pthread_mutex_init(&h->lock, NULL);
    if (parent) {
        h->parent = parent;
        atomic_store(&h->waits, atomic_load(&parent->waits));
        Py_INCREF((PyObject *)parent);
        link_child(parent, h);
    }
    return (PyObject *)h;
}

void mlp_pyhandle_unpin(mlp_pyhandle *h)
{
    for (; h; h = h->parent)
        atomic_fetch_sub_explicit(&h->users, 1, memory_order_release);
}

static void *refuse(PyObject *object, mlp_pykind kind)
{
    if (object == Py_None)
        return PyErr_Format(PyExc_ValueError, "%s is closed", kinds[kind].noun);
    PyObject *type = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__name__");
    if (type)
        PyErr_Format(PyExc_TypeError, "a %s is wanted here, not %S", kinds[kind].noun, type);
    Py_XDECREF(type);
    return NULL;
}

void *mlp_pyhandle_pin(PyObject *object, mlp_pykind kind, mlp_pyhandle **pinned)
{
    mlp_pyhandle *h = (mlp_pyhandle *)object;
    if (!PyObject_TypeCheck(object, handle_type) || h->kind != kind)
        return refuse(object, kind);
    mlp_pyhandle *closed = NULL;
    for (mlp_pyhandle *p = h; p; p = p->parent)
        if (atomic_fetch_add_explicit(&p->users, 1, memory_order_acquire) < 0)
            closed = p;
    if (closed) {
        mlp_pyhandle_unpin(h);
        return PyErr_Format(PyExc_ValueError, "%s is closed", kinds[closed->kind].noun);
    }
    *pinned = h;
    return h->pointer;
}

void mlp_pyhandle_keep_hooks(PyObject *object, mlp_pyhooks *hooks) { ((mlp_pyhandle *)object)->hooks = hooks; }

void mlp_pyhandle_set_waits(mlp_pyhandle *h, int waits) { atomic_store(&h->waits, waits); }

int mlp_pyhandle_waits(const mlp_pyhandle *h) { return atomic_load_explicit(&h->waits, memory_order_relaxed); }

int mlp_pyhandle_is(const mlp_pyhandle *h, mlp_pykind kind) { return h->kind == kind; }
