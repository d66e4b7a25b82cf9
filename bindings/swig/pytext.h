/* Text, paths, lists of text, and documents between Python and C. `what` names the argument in messages. */
#ifndef MLP_PYTEXT_H
#define MLP_PYTEXT_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <mlplat.h>

/* str as UTF-8 lent by the object, or NULL and an exception: not text, a NUL inside, a lone surrogate. */
const char *mlp_pytext_utf8(PyObject *object, const char *what);
/* str, bytes or os.PathLike as the file system spells it, lent by *keep (yours), or NULL and an exception. */
const char *mlp_pytext_path(PyObject *object, const char *what, PyObject **keep);
/* The text of a str that may hold anything, with its length. */
const char *mlp_pytext_utf8_n(PyObject *object, const char *what, size_t *n);

/* A sequence of str as an array that ends with NULL. Zero is empty. */
typedef struct mlp_pytexts {
    PyObject *items;
    const char **array;
    size_t n;
} mlp_pytexts;
int mlp_pytext_list(PyObject *object, const char *what, mlp_pytexts *out);
void mlp_pytext_list_free(mlp_pytexts *texts);

/* Ports as a sequence of tuples (direction, name, type, default_json or None, description or None). Zero is empty. */
typedef struct mlp_pyports {
    PyObject *items;
    mlplat_port *array;
    size_t n;
} mlp_pyports;
int mlp_pytext_ports(PyObject *object, mlp_pyports *out);
void mlp_pytext_ports_free(mlp_pyports *ports);

/* JSON text in a str as a document, yours; NULL and mlplat.Invalid. */
mlplat_doc *mlp_pytext_doc(PyObject *object, const char *what);
/* A str of what C wrote; NULL is None. */
PyObject *mlp_pytext_str(const char *text);
/* The place of a word in names, which ends with NULL; None is 0. -1 with an exception that lists them. */
int mlp_pytext_choice(PyObject *object, const char *what, const char *const *names);

#endif
