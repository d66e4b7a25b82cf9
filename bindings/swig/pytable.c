#include "pytable.h"
#include "pyhooks.h"
#include "pytext.h"
#include <stdlib.h>

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static int take_numbers(PyObject *object, const char *what, mlp_pyspan *out)
{
    if (mlp_pyvalues_floats(object, what, out) != 0)
        return -1;
    if (!out->scalar)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s must be many numbers, not one", what);
    return -1;
}

static int take_line(PyObject *item, mlplat_plot_series *out, mlp_pyspan *spans)
{
    if (!PyTuple_Check(item) || PyTuple_Size(item) != 3) {
        PyErr_SetString(PyExc_TypeError, "a line must be a tuple (label, x, y)");
        return -1;
    }
    PyObject *label = PyTuple_GetItem(item, 0), *x = PyTuple_GetItem(item, 1);
    if (label != Py_None && !(out->label = mlp_pytext_utf8(label, "label")))
        return -1;
    if (x != Py_None && take_numbers(x, "x", &spans[0]) != 0)
        return -1;
    if (take_numbers(PyTuple_GetItem(item, 2), "y", &spans[1]) != 0)
        return -1;
    out->x = spans[0].given ? spans[0].data : NULL;
    out->y = spans[1].data;
    out->n = spans[1].n;
    if (spans[0].given && spans[0].n != out->n) {
        mlp_pyhooks_invalid("a line has %zu x and %zu y: give one x per y, or none", spans[0].n, out->n);
        return -1;
    }
    return 0;
}

int mlp_pylines_take(PyObject *object, mlp_pylines *out)
{
    out->items = PySequence_Tuple(object);
    if (!out->items)
        return -1;
    size_t n = (size_t)PyTuple_Size(out->items);
    out->array = calloc(n + 1, sizeof *out->array);
    out->spans = calloc(2 * n + 1, sizeof *out->spans);
    if (!out->array || !out->spans) {
        PyErr_NoMemory();
        return -1;
    }
    for (; out->n < n; out->n++)
        if (take_line(PyTuple_GetItem(out->items, (Py_ssize_t)out->n), &out->array[out->n], &out->spans[2 * out->n])) {
            out->n++;
            return -1;
        }
    return 0;
}

void mlp_pylines_free(mlp_pylines *lines)
{
    for (size_t i = 0; lines->spans && i < 2 * lines->n; i++)
        mlp_pyvalues_free(&lines->spans[i]);
    free(lines->spans);
    free(lines->array);
    Py_XDECREF(lines->items);
}

/* ---- Arrow streams ---------------------------------------------------------------------------------------------- */

static const char capsule_name[] = "arrow_array_stream";

struct ArrowArrayStream *mlp_pystream_new(void)
{
    struct ArrowArrayStream *stream = calloc(1, sizeof *stream);
    if (!stream)
        PyErr_NoMemory();
    return stream;
}

void mlp_pystream_free(struct ArrowArrayStream *stream)
{
    if (stream && stream->release)
        stream->release(stream);
    free(stream);
}

static void free_capsule(PyObject *capsule)
{
    mlp_pystream_free(PyCapsule_GetPointer(capsule, capsule_name));
}

PyObject *mlp_pystream_capsule(struct ArrowArrayStream *stream)
{
    PyObject *capsule = PyCapsule_New(stream, capsule_name, free_capsule);
    if (!capsule)
        mlp_pystream_free(stream);
    return capsule;
}
