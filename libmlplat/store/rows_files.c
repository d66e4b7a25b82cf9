/* Artifacts as lines: a path below the run's or model's folder, size and digest. */
#include "artifacts/artifact_local.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "store/rows.h"
#include "store/store_view.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(((const mlp_artifact_entry *)a)->name, ((const mlp_artifact_entry *)b)->name);
}

/* A folder shows by what is in it; only an empty one needs a line. Entries are sorted. */
static bool is_empty(const mlp_artifact_tree *tree, size_t i)
{
    size_t n = strlen(tree->entries[i].name);
    for (size_t k = i + 1; k < tree->n && strncmp(tree->entries[k].name, tree->entries[i].name, n) == 0; k++)
        if (tree->entries[k].name[n] == '/')
            return false;
    return true;
}

static mlplat_status put_file(mlp_rows *rows, int top, const mlp_artifact_entry *entry, mlplat_error *err)
{
    char sha256[65];
    uint64_t size = 0;
    int fd = -1;
    mlplat_status s = mlp_file_open_beneath(top, entry->name, O_RDONLY, 0, &fd, err);
    if (s == MLPLAT_OK)
        s = rows->sink.file(rows->sink.ctx, fd, sha256, &size, err);
    if (fd != -1)
        mlp_sys.close(fd);
    if (s != MLPLAT_OK)
        return s;
    mlp_rows_key(rows, "size");
    mlp_buf_printf(&rows->line, "%" PRIu64, size);
    mlp_rows_key(rows, "sha256");
    return mlp_rows_text(rows, sha256, 64, err);
}

static mlplat_status put_entry(mlp_rows *rows, int top, const mlp_artifact_entry *entry, const char *owner,
                               const char *id, mlplat_error *err)
{
    mlp_rows_open(rows, "artifacts");
    mlp_rows_key(rows, owner);
    mlplat_status s = mlp_rows_text(rows, id, strlen(id), err);
    mlp_rows_key(rows, "path");
    if (s == MLPLAT_OK)
        s = mlp_rows_text(rows, entry->name, strlen(entry->name), err);
    if (s == MLPLAT_OK && entry->is_folder) {
        mlp_rows_key(rows, "folder");
        mlp_buf_puts(&rows->line, "true");
    } else if (s == MLPLAT_OK) {
        s = put_file(rows, top, entry, err);
    }
    return s == MLPLAT_OK ? mlp_rows_close(rows, err) : s;
}

static mlplat_status put_tree(mlp_rows *rows, int top, const char *root, const char *owner, const char *id,
                              mlplat_error *err)
{
    mlp_artifact_tree tree = {0};
    mlplat_status s = mlp_artifact_tree_walk(top, root, &tree, err);
    if (s == MLPLAT_OK && tree.n)
        qsort(tree.entries, tree.n, sizeof *tree.entries, by_name);
    for (size_t i = 0; s == MLPLAT_OK && i < tree.n; i++)
        if (!tree.entries[i].is_folder || is_empty(&tree, i))
            s = put_entry(rows, top, &tree.entries[i], owner, id, err);
    mlp_artifact_tree_free(&tree);
    return s;
}

mlplat_status mlp_rows_files(mlp_rows *rows, const char *owner, const char *id, const char *location,
                             mlplat_error *err)
{
    char *root = NULL;
    int top = -1;
    mlplat_status s = mlp_store_root(location, &root, err);
    if (s == MLPLAT_OK)
        s = mlp_artifact_local_enter(root, false, &top, err);
    bool none = s == MLPLAT_NOT_FOUND;
    if (s == MLPLAT_OK && !mlp_store_called_after(root, id))
        s = mlp_fail(err, MLPLAT_DENIED,
                     "'%.200s' is not called after it, and a row must not choose what is taken along: export without "
                     "artifacts, or other runs",
                     root);
    if (s == MLPLAT_OK)
        s = put_tree(rows, top, root, owner, id, err);
    if (top != -1)
        mlp_sys.close(top);
    mlp_free(root);
    if (none || s == MLPLAT_OK)
        return MLPLAT_OK;
    return mlp_fail_prefix(err, s, "artifacts of %s", id);
}
