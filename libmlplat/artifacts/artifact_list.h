/* What stores list: {"path", "is_dir", "file_size"?}, by path. */
#ifndef MLP_ARTIFACT_LIST_H
#define MLP_ARTIFACT_LIST_H
#include "base/json.h"
#include <stdbool.h>
#include <stdint.h>

/* size: of a file; negative: not known. */
mlplat_status mlp_artifact_list_add(json_t *files, const char *path, bool is_folder, int64_t size, mlplat_error *err);
/* The entries from index first on, in order. */
mlplat_status mlp_artifact_list_sort(json_t *files, size_t first, mlplat_error *err);

#endif
