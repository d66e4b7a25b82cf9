#include "store/manifest.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mlp_manifest_artifacts = "artifacts";

mlplat_status mlp_manifest_add(mlp_manifest *m, const char *name, const mlp_zfile_info *info, mlplat_error *err)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        mlp_manifest_file *grown = mlp_realloc(m->files, cap * sizeof *grown);
        if (!grown)
            return mlp_fail_memory(err);
        m->files = grown;
        m->cap = cap;
    }
    mlp_manifest_file *file = &m->files[m->n++];
    *file = (mlp_manifest_file){.info = *info};
    snprintf(file->name, sizeof file->name, "%s", name);
    return MLPLAT_OK;
}

uint64_t mlp_manifest_raw(const mlp_manifest *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->n; i++)
        if (__builtin_add_overflow(sum, m->files[i].info.raw_size, &sum))
            return UINT64_MAX;
    return sum;
}

uint64_t mlp_manifest_size(const mlp_manifest *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->n; i++)
        sum += m->files[i].info.size;
    return sum;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const mlp_manifest_file *)a)->name, ((const mlp_manifest_file *)b)->name);
}

const mlp_manifest_file *mlp_manifest_find(const mlp_manifest *m, const char *name)
{
    mlp_manifest_file key = {.info = {0}};
    if (!m->n || strlen(name) >= sizeof key.name)
        return NULL;
    snprintf(key.name, sizeof key.name, "%s", name);
    return bsearch(&key, m->files, m->n, sizeof key, by_name);
}

/* One line a file: an archive may hold very many. */
static void put_manifest(mlp_buf *text, const mlp_manifest *m)
{
    const char *comma = "";
    mlp_buf_printf(text, "{\n  \"format\": \"%s\",\n  \"version\": %d,\n  \"artifacts\": %s,\n  \"counts\": {",
                   MLP_ARCHIVE_FORMAT, MLP_ARCHIVE_VERSION, m->artifacts ? "true" : "false");
    for (int i = 0; i <= MLP_STORE_TABLES; i++) {
        const char *name = i < MLP_STORE_TABLES ? mlp_store_specs[i].name : mlp_manifest_artifacts;
        if (i == MLP_INPUT_TAGS) /* they stand with their inputs */
            continue;
        mlp_buf_printf(text, "%s\n    \"%s\": %" PRIu64, comma, name, m->counts[i]);
        comma = ",";
    }
    mlp_buf_puts(text, "\n  },\n  \"files\": [");
    for (size_t i = 0; i < m->n; i++)
        mlp_buf_printf(text, "%s\n    {\"name\": \"%s\", \"size\": %" PRIu64 ", \"raw_size\": %" PRIu64
                       ", \"sha256\": \"%s\"}",
                       i ? "," : "", m->files[i].name, m->files[i].info.size, m->files[i].info.raw_size,
                       m->files[i].info.sha256);
    mlp_buf_puts(text, "\n  ]\n}\n");
}

mlplat_status mlp_manifest_write(int root_fd, mlp_manifest *m, mlplat_error *err)
{
    mlp_buf text = {0};
    int fd = -1;
    qsort(m->files, m->n, sizeof *m->files, by_name);
    put_manifest(&text, m);
    mlplat_status s = mlp_buf_ok(&text, err);
    if (s == MLPLAT_OK)
        s = mlp_file_open_beneath(root_fd, "manifest.json", O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, err);
    if (s == MLPLAT_OK)
        s = mlp_file_write_all(fd, text.data, text.size, err);
    if (s == MLPLAT_OK && mlp_sys.fsync(fd) == -1)
        s = mlp_fail_errno(err, errno, "cannot sync the manifest");
    if (fd != -1)
        mlp_sys.close(fd);
    mlp_buf_free(&text);
    return s;
}

void mlp_manifest_free(mlp_manifest *m)
{
    mlp_free(m->files);
    *m = (mlp_manifest){0};
}
