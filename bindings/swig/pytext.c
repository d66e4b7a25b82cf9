#include "pytext.h"
#include "pyhooks.h"
#include <stdlib.h>
#include <string.h>

static const char *not_text(PyObject *object, const char *what, const char *wanted)
{
    PyObject *type = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__name__");
    if (type)
        PyErr_Format(PyExc_TypeError, "%s must be %s, not %S", what, wanted, type);
    Py_XDECREF(type);
    return NULL;
}

const char *mlp_pytext_utf8_n(PyObject *object, const char *what, size_t *n)
{
    Py_ssize_t size = 0;
    if (!PyUnicode_Check(object))
        return not_text(object, what, "str");
    const char *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (!text && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        mlp_pyhooks_invalid("%s is not valid Unicode: it holds a lone surrogate, so it has no UTF-8; decode it with "
                            "the right encoding", what);
    }
    *n = (size_t)size;
    return text;
}

static const char *no_nul(const char *text, size_t n, const char *what)
{
    if (!text || strlen(text) == n)
        return text;
    mlp_pyhooks_invalid("%s holds a NUL character after %zu bytes: remove it", what, strlen(text));
    return NULL;
}

const char *mlp_pytext_utf8(PyObject *object, const char *what)
{
    size_t n = 0;
    const char *text = mlp_pytext_utf8_n(object, what, &n);
    return no_nul(text, n, what);
}

const char *mlp_pytext_path(PyObject *object, const char *what, PyObject **keep)
{
    char *text = NULL;
    Py_ssize_t size = 0;
    PyObject *path = PyOS_FSPath(object);
    if (!path) {
        PyErr_Clear();
        return not_text(object, what, "str, bytes or os.PathLike");
    }
    *keep = PyUnicode_Check(path) ? PyUnicode_EncodeFSDefault(path) : Py_NewRef(path);
    Py_DECREF(path);
    if (!*keep && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        mlp_pyhooks_invalid("%s is not valid Unicode: it holds a lone surrogate that stands for no byte", what);
    }
    if (!*keep || PyBytes_AsStringAndSize(*keep, &text, &size) != 0)
        return NULL;
    return no_nul(text, (size_t)size, what);
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

static PyObject *tuple_of(PyObject *object, const char *what)
{
    if (!PyUnicode_Check(object) && !PyBytes_Check(object))
        return PySequence_Tuple(object);
    return (PyObject *)not_text(object, what, "a sequence");
}

int mlp_pytext_list(PyObject *object, const char *what, mlp_pytexts *out)
{
    out->items = tuple_of(object, what);
    Py_ssize_t n = out->items ? PyTuple_Size(out->items) : -1;
    if (n < 0)
        return -1;
    out->array = calloc((size_t)n + 1, sizeof *out->array);
    if (!out->array)
        return PyErr_NoMemory(), -1;
    for (; out->n < (size_t)n; out->n++) {
        out->array[out->n] = mlp_pytext_utf8(PyTuple_GetItem(out->items, (Py_ssize_t)out->n), what);
        if (!out->array[out->n])
            return -1;
    }
    return 0;
}

void mlp_pytext_list_free(mlp_pytexts *texts)
{
    free(texts->array);
    Py_XDECREF(texts->items);
}

static int port_text(PyObject *tuple, Py_ssize_t i, int needed, const char *what, const char **out)
{
    PyObject *item = PyTuple_GetItem(tuple, i);
    if (!item)
        return -1;
    if (item == Py_None && !needed)
        return 0;
    *out = mlp_pytext_utf8(item, what);
    return *out ? 0 : -1;
}

static int take_port(PyObject *tuple, mlplat_port *port)
{
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "a port must be a tuple (direction, name, type, default, description)");
        return -1;
    }
    PyObject *direction = PyTuple_GetItem(tuple, 0);
    long out = direction ? PyLong_AsLong(direction) : -1;
    if (out == -1 && PyErr_Occurred())
        return -1;
    port->direction = out ? MLPLAT_OUT : MLPLAT_IN;
    if (port_text(tuple, 1, 1, "the port's name", &port->name) != 0 ||
        port_text(tuple, 2, 1, "the port's type", &port->type) != 0 ||
        port_text(tuple, 3, 0, "the port's default", &port->default_json) != 0)
        return -1;
    return port_text(tuple, 4, 0, "the port's description", &port->description);
}

int mlp_pytext_ports(PyObject *object, mlp_pyports *out)
{
    out->items = tuple_of(object, "ports");
    Py_ssize_t n = out->items ? PyTuple_Size(out->items) : -1;
    if (n < 0)
        return -1;
    out->array = calloc((size_t)n + 1, sizeof *out->array);
    if (!out->array)
        return PyErr_NoMemory(), -1;
    for (; out->n < (size_t)n; out->n++)
        if (take_port(PyTuple_GetItem(out->items, (Py_ssize_t)out->n), &out->array[out->n]) != 0)
            return -1;
    return 0;
}

void mlp_pytext_ports_free(mlp_pyports *ports)
{
    free(ports->array);
    Py_XDECREF(ports->items);
}

/* ---- documents and words ---------------------------------------------------------------------------------------- */

mlplat_doc *mlp_pytext_doc(PyObject *object, const char *what)
{
    size_t n = 0;
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    const char *text = mlp_pytext_utf8_n(object, what, &n);
    mlplat_status status = text ? mlplat_doc_parse(text, n, &doc, &err) : MLPLAT_INVALID;
    if (status != MLPLAT_OK)
        mlp_pyhooks_raise(status, &err, NULL);
    return doc;
}

PyObject *mlp_pytext_str(const char *text)
{
    if (!text)
        return Py_NewRef(Py_None);
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

int mlp_pytext_choice(PyObject *object, const char *what, const char *const *names)
{
    char all[200] = "";
    if (object == Py_None)
        return 0;
    const char *word = mlp_pytext_utf8(object, what);
    if (!word)
        return -1;
    for (int i = 0; names[i]; i++) {
        size_t used = strlen(all);
        if (strcmp(names[i], word) == 0)
            return i;
        if (names[i][0])
            PyOS_snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", names[i]);
    }
    mlp_pyhooks_invalid("%s is '%.100s': it can be %s", what, word, all);
    return -1;
}
