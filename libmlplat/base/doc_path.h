/* The paths of documents: data.params[0].key, tags.`mlflow.user`. */
#ifndef MLP_DOC_PATH_H
#define MLP_DOC_PATH_H
#include "base/json.h"

/* The value at path, lent. NOT_FOUND: nothing there; INVALID: not a path. */
mlplat_status mlp_doc_path_find(const json_t *root, const char *path, const json_t **out, mlplat_error *err);

#endif
