#include "pyvalues.h"
#include "pyhooks.h"
#include <mlplat/arrow.h>
#include <stdlib.h>
#include <string.h>

/* Formats of items: Python's struct letters and Arrow's both come down to these. */
typedef enum item { NONE, F8, F4, I8, I4, U1 } item;

static const size_t sizes[] = {[F8] = 8, [F4] = 4, [I8] = 8, [I4] = 4, [U1] = 1};

#define ACCEPTED "64- or 32-bit floats, or 64-, 32-bit or unsigned 8-bit integers"

/* ---- single numbers --------------------------------------------------------------------------------------------- */

static const char *type_name(PyObject *object, char *room, size_t size)
{
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__name__");
    const char *text = name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    PyOS_snprintf(room, size, "%s", text ? text : "?");
    PyErr_Clear();
    Py_XDECREF(name);
    return room;
}

int mlp_pyvalues_double(PyObject *object, const char *what, double *out)
{
    char type[100];
    *out = PyFloat_AsDouble(object);
    if (*out != -1.0 || !PyErr_Occurred())
        return 0;
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s must be a number, not %s", what, type_name(object, type, sizeof type));
    } else if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        mlp_pyhooks_invalid("%s is too large for a 64-bit float", what);
    }
    return -1;
}

int mlp_pyvalues_int64(PyObject *object, const char *what, int64_t *out)
{
    char type[100];
    *out = PyLong_AsLongLong(object);
    if (*out != -1 || !PyErr_Occurred())
        return 0;
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s must be an integer, not %s", what, type_name(object, type, sizeof type));
    } else if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        mlp_pyhooks_invalid("%s does not fit 64 bits", what);
    }
    return -1;
}

/* ---- conversion ------------------------------------------------------------------------------------------------- */

static double as_double(const char *p, item from)
{
    double f8;
    float f4;
    int64_t i8;
    int32_t i4;
    switch (from) {
    case F8: memcpy(&f8, p, sizeof f8); return f8;
    case F4: memcpy(&f4, p, sizeof f4); return f4;
    case I8: memcpy(&i8, p, sizeof i8); return (double)i8;
    case I4: memcpy(&i4, p, sizeof i4); return i4;
    default: return (unsigned char)*p;
    }
}

static int64_t as_int64(const char *p, item from)
{
    int64_t i8;
    int32_t i4;
    switch (from) {
    case I8: memcpy(&i8, p, sizeof i8); return i8;
    case I4: memcpy(&i4, p, sizeof i4); return i4;
    default: return (unsigned char)*p;
    }
}

/* Room for more items behind those that are there. */
static int grow(mlp_pyspan *span, size_t more)
{
    if (more > SIZE_MAX / 8 - span->n)
        return PyErr_NoMemory(), -1;
    size_t bytes = (span->n + more) * 8;
    void *owned = realloc(span->owned, bytes ? bytes : 1);
    if (!owned)
        return PyErr_NoMemory(), -1;
    span->data = span->owned = owned;
    return 0;
}

static int append(mlp_pyspan *span, item want, const char *first, ptrdiff_t stride, size_t n, item from)
{
    if (grow(span, n) != 0)
        return -1;
    for (size_t i = 0; i < n; i++, first += stride)
        if (want == F8)
            ((double *)span->owned)[span->n++] = as_double(first, from);
        else
            ((int64_t *)span->owned)[span->n++] = as_int64(first, from);
    return 0;
}

static int accept_item(item from, item want, const char *what, const char *format)
{
    if (from != NONE && (want == F8 || (from != F8 && from != F4)))
        return 0;
    mlp_pyhooks_invalid("%s holds items of format '%s': %s are taken%s", what, format,
                        want == F8 ? ACCEPTED : "64-, 32-bit or unsigned 8-bit integers",
                        want == F8 ? "; convert it, e.g. with .astype(float)" : "");
    return -1;
}

/* ---- the buffer protocol ---------------------------------------------------------------------------------------- */

static item buffer_item(const Py_buffer *view)
{
    const char *f = view->format ? view->format : "B";
    if (*f == '@' || *f == '=' || *f == '<') /* little-endian machines only, as all that the library runs on */
        f++;
    if (strlen(f) != 1)
        return NONE;
    item found = NONE;
    switch (*f) {
    case 'd': found = F8; break;
    case 'f': found = F4; break;
    case 'q':
    case 'l':
    case 'i': found = view->itemsize == 8 ? I8 : I4; break;
    case 'B':
    case '?': found = U1; break;
    default: break;
    }
    return found != NONE && (size_t)view->itemsize == sizes[found] ? found : NONE;
}

static int from_buffer(PyObject *object, const char *what, item want, mlp_pyspan *out)
{
    if (PyObject_GetBuffer(object, &out->view, PyBUF_FORMAT | PyBUF_STRIDES) != 0)
        return -1;
    out->lender = object; /* from here on mlp_pyvalues_free releases the view */
    Py_INCREF(object);
    const Py_buffer *view = &out->view;
    if (view->ndim != 1) {
        mlp_pyhooks_invalid("%s has %d dimensions: one is wanted; use .ravel()", what, view->ndim);
        return -1;
    }
    item from = buffer_item(view);
    if (accept_item(from, want, what, view->format ? view->format : "B") != 0)
        return -1;
    size_t n = (size_t)view->shape[0];
    ptrdiff_t stride = view->strides ? view->strides[0] : view->itemsize;
    if (from != want || stride != 8 || (uintptr_t)view->buf % 8)
        return append(out, want, view->buf, stride, n, from);
    out->data = view->buf;
    out->n = n;
    return 0;
}

/* ---- Arrow ------------------------------------------------------------------------------------------------------ */

static item arrow_item(const char *format)
{
    if (strlen(format) != 1)
        return NONE;
    switch (*format) {
    case 'g': return F8;
    case 'f': return F4;
    case 'l': return I8;
    case 'i': return I4;
    case 'C': return U1;
    default: return NONE;
    }
}

static int has_null(const struct ArrowArray *array)
{
    const unsigned char *valid = array->n_buffers > 0 ? array->buffers[0] : NULL;
    if (!valid || array->null_count == 0)
        return 0;
    for (int64_t i = array->offset; i < array->offset + array->length; i++)
        if (!(valid[i / 8] >> (i % 8) & 1))
            return 1;
    return 0;
}

static int arrow_check(const struct ArrowSchema *schema, const struct ArrowArray *array, const char *what, item want)
{
    if (schema->dictionary) {
        mlp_pyhooks_invalid("%s is dictionary-encoded: numbers are wanted", what);
        return -1;
    }
    if (accept_item(arrow_item(schema->format), want, what, schema->format) != 0)
        return -1;
    if (has_null(array)) {
        mlp_pyhooks_invalid("%s holds nulls: drop them, or fill them with NaN", what);
        return -1;
    }
    return 0;
}

static const char *arrow_first(const struct ArrowArray *array, item from)
{
    return (const char *)array->buffers[1] + (size_t)array->offset * sizes[from];
}

static int from_arrow_array(PyObject *pair, const char *what, item want, mlp_pyspan *out)
{
    PyObject *first = PyTuple_GetItem(pair, 0), *second = first ? PyTuple_GetItem(pair, 1) : NULL;
    const struct ArrowSchema *schema = second ? PyCapsule_GetPointer(first, "arrow_schema") : NULL;
    const struct ArrowArray *array = schema ? PyCapsule_GetPointer(second, "arrow_array") : NULL;
    if (!array || arrow_check(schema, array, what, want) != 0)
        return -1;
    item from = arrow_item(schema->format);
    size_t n = (size_t)array->length;
    if (n == 0)
        return 0;
    if (from != want)
        return append(out, want, arrow_first(array, from), (ptrdiff_t)sizes[from], n, from);
    out->data = arrow_first(array, from);
    out->n = n;
    out->lender = pair;
    Py_INCREF(pair);
    return 0;
}

static int stream_failed(struct ArrowArrayStream *stream, const char *what)
{
    const char *why = stream->get_last_error(stream);
    mlp_pyhooks_invalid("%s: its Arrow stream failed: %s", what, why ? why : "no reason given");
    return -1;
}

static int take_chunks(struct ArrowArrayStream *stream, const struct ArrowSchema *schema, const char *what, item want,
                       mlp_pyspan *out)
{
    for (;;) {
        struct ArrowArray chunk = {0};
        if (stream->get_next(stream, &chunk) != 0)
            return stream_failed(stream, what);
        if (!chunk.release)
            return 0;
        int failed = arrow_check(schema, &chunk, what, want);
        item from = arrow_item(schema->format);
        if (!failed && chunk.length > 0)
            failed = append(out, want, arrow_first(&chunk, from), (ptrdiff_t)sizes[from], (size_t)chunk.length, from);
        chunk.release(&chunk);
        if (failed)
            return -1;
    }
}

static int from_arrow_stream(PyObject *capsule, const char *what, item want, mlp_pyspan *out)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    struct ArrowSchema schema = {0};
    if (!stream)
        return -1;
    if (stream->get_schema(stream, &schema) != 0)
        return stream_failed(stream, what);
    int failed = accept_item(arrow_item(schema.format), want, what, schema.format);
    if (!failed)
        failed = take_chunks(stream, &schema, what, want, out);
    if (schema.release)
        schema.release(&schema);
    return failed;
}

/* 1: it has this method, *result is what it answered; 0: it has none; -1: it failed. */
static int ask(PyObject *object, const char *method, PyObject **result)
{
    if (!PyObject_HasAttrString(object, method))
        return 0;
    *result = PyObject_CallMethod(object, method, NULL);
    return *result ? 1 : -1;
}

/* ---- any iterable ----------------------------------------------------------------------------------------------- */

static int take_item(PyObject *object, Py_ssize_t i, const char *what, item want, mlp_pyspan *out)
{
    char name[200];
    double number = 0;
    int64_t integer = 0;
    PyOS_snprintf(name, sizeof name, "%s[%lld]", what, (long long)i);
    if (want == F8 ? mlp_pyvalues_double(object, name, &number) : mlp_pyvalues_int64(object, name, &integer))
        return -1;
    if (want == F8)
        ((double *)out->owned)[out->n++] = number;
    else
        ((int64_t *)out->owned)[out->n++] = integer;
    return 0;
}

static int from_iterable(PyObject *object, const char *what, item want, mlp_pyspan *out)
{
    PyObject *items = PySequence_List(object);
    Py_ssize_t n = items ? PyList_Size(items) : -1;
    int failed = n < 0 || grow(out, (size_t)n) != 0;
    for (Py_ssize_t i = 0; !failed && i < n; i++)
        failed = take_item(PyList_GetItem(items, i), i, what, want, out);
    Py_XDECREF(items);
    return failed ? -1 : 0;
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

/* Text is iterable and bytes are a buffer, and neither is a span of numbers. */
static int is_text(PyObject *object)
{
    return PyUnicode_Check(object) || PyBytes_Check(object) || PyDict_Check(object);
}

/* A number that is no array: a 0-dimensional array counts as one. */
static int is_scalar(PyObject *object)
{
    if (PyFloat_Check(object) || PyLong_Check(object) || is_text(object))
        return 1;
    if (PyObject_HasAttrString(object, "__arrow_c_array__") || PyObject_HasAttrString(object, "__arrow_c_stream__"))
        return 0;
    Py_ssize_t n = PyObject_Size(object);
    if (n >= 0)
        return 0;
    PyErr_Clear();
    return !PyObject_HasAttrString(object, "__iter__") || PyObject_HasAttrString(object, "__float__");
}

static int take_span(PyObject *object, const char *what, item want, mlp_pyspan *out)
{
    PyObject *answer = NULL;
    if (PyObject_CheckBuffer(object))
        return from_buffer(object, what, want, out);
    int asked = ask(object, "__arrow_c_array__", &answer);
    int result = asked;
    if (asked == 1) {
        result = from_arrow_array(answer, what, want, out);
    } else if (asked == 0 && (asked = ask(object, "__arrow_c_stream__", &answer)) != 0) {
        result = asked == 1 ? from_arrow_stream(answer, what, want, out) : -1;
    } else if (asked == 0) {
        result = from_iterable(object, what, want, out);
    }
    Py_XDECREF(answer);
    return result;
}

int mlp_pyvalues_floats(PyObject *object, const char *what, mlp_pyspan *out)
{
    out->given = 1;
    if (!is_scalar(object))
        return take_span(object, what, F8, out);
    out->scalar = 1;
    return mlp_pyvalues_double(object, what, &out->number);
}

int mlp_pyvalues_integers(PyObject *object, const char *what, mlp_pyspan *out)
{
    if (object == Py_None)
        return 0;
    out->given = 1;
    if (!is_scalar(object))
        return take_span(object, what, I8, out);
    out->scalar = 1;
    return mlp_pyvalues_int64(object, what, &out->integer);
}

void mlp_pyvalues_free(mlp_pyspan *span)
{
    if (span->view.obj)
        PyBuffer_Release(&span->view);
    Py_XDECREF(span->lender);
    free(span->owned);
}
