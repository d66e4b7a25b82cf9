/* Pictures and tables between Python and C: lines of a plot in, Arrow streams out. */
#ifndef MLP_PYTABLE_H
#define MLP_PYTABLE_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "pyvalues.h"
#include <mlplat.h>

/* Lines as a sequence of tuples (label or None, x or None, y): the numbers as mlp_pyvalues_floats takes them. Zero is
 * empty. 0, or -1 with an exception; mlp_pylines_free after either. */
typedef struct mlp_pylines {
    PyObject *items;
    mlplat_plot_series *array;
    mlp_pyspan *spans; /* two a line: x, y */
    size_t n;
} mlp_pylines;
int mlp_pylines_take(PyObject *object, mlp_pylines *out);
void mlp_pylines_free(mlp_pylines *lines);

/* An empty stream to be filled, and the capsule that Arrow's interface asks for, which releases it. */
struct ArrowArrayStream *mlp_pystream_new(void);                 /* NULL with an exception */
PyObject *mlp_pystream_capsule(struct ArrowArrayStream *stream); /* takes it, also on failure */
void mlp_pystream_free(struct ArrowArrayStream *stream);         /* NULL is fine */

#endif
