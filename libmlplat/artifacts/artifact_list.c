#include "artifacts/artifact_list.h"
#include "base/alloc.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

mlplat_status mlp_artifact_list_add(json_t *files, const char *path, bool is_folder, int64_t size, mlplat_error *err)
{
    json_t *entry = json_object();
    mlplat_status s = entry ? mlp_json_set(entry, "path", json_string(path), err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(entry, "is_dir", json_boolean(is_folder), err);
    if (s == MLPLAT_OK && !is_folder && size >= 0)
        s = mlp_json_set(entry, "file_size", json_integer(size), err);
    if (s == MLPLAT_OK)
        return mlp_json_push(files, entry, err);
    json_decref(entry);
    return s;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "path")),
                  json_string_value(json_object_get(*(json_t *const *)b, "path")));
}

mlplat_status mlp_artifact_list_sort(json_t *files, size_t first, mlplat_error *err)
{
    size_t n = json_array_size(files) - first;
    json_t **all = mlp_alloc_array(n + 1, sizeof *all);
    if (!all)
        return mlp_fail_memory(err);
    for (size_t i = 0; i < n; i++)
        all[i] = json_incref(json_array_get(files, first + i));
    qsort(all, n, sizeof *all, by_path);
    for (size_t i = 0; i < n; i++)
        json_array_set_new(files, first + i, all[i]);
    mlp_free(all);
    return MLPLAT_OK;
}
