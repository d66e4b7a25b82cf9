/*
 * Numbers that come from Python: one number, or a span of them from whatever holds numbers.
 *
 * In this order: the buffer protocol (numpy, array.array, memoryview), the Arrow C array and the Arrow C stream
 * interface (pyarrow, polars, ...), any iterable. 64-bit floats, or integers where integers are wanted, go in without a
 * copy; 32-bit floats, 64-, 32-bit and unsigned 8-bit integers and strides are converted. Nulls are refused.
 */
#ifndef MLP_PYVALUES_H
#define MLP_PYVALUES_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>

/* Zero: None was given. */
typedef struct mlp_pyspan {
    int given;
    int scalar;       /* number or integer holds it, and there is no span */
    double number;    /* where floats are wanted */
    int64_t integer;  /* where integers are wanted */
    const void *data; /* n doubles or int64_t */
    size_t n;
    void *owned;     /* data, if it is a copy */
    Py_buffer view;  /* what data is lent by, if it is not */
    PyObject *lender; /* likewise */
} mlp_pyspan;

/* what names the argument in messages. 0, or -1 with an exception. mlp_pyvalues_free after either. */
int mlp_pyvalues_floats(PyObject *object, const char *what, mlp_pyspan *out);
int mlp_pyvalues_integers(PyObject *object, const char *what, mlp_pyspan *out);
void mlp_pyvalues_free(mlp_pyspan *span);

/* One number or integer, from anything that converts itself to one. 0, or -1 with an exception. */
int mlp_pyvalues_double(PyObject *object, const char *what, double *out);
int mlp_pyvalues_int64(PyObject *object, const char *what, int64_t *out);

#endif
