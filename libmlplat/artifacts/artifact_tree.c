/* The files below a folder, before anything of them is sent. */
#include "artifacts/artifact_local.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS 100

typedef struct walk {
    mlp_artifact_tree *tree;
    const char *path; /* of the top, for messages */
} walk;

/* Takes name. */
static mlplat_status add(mlp_artifact_tree *tree, char *name, const struct stat *st, mlplat_error *err)
{
    if (tree->n == tree->cap) {
        size_t cap = tree->cap ? tree->cap * 2 : 16;
        mlp_artifact_entry *grown = mlp_realloc(tree->entries, cap * sizeof *grown);
        if (!grown) {
            mlp_free(name);
            return mlp_fail_memory(err);
        }
        tree->entries = grown;
        tree->cap = cap;
    }
    bool is_folder = S_ISDIR(st->st_mode);
    uint64_t size = is_folder ? 0 : (uint64_t)st->st_size;
    tree->entries[tree->n++] = (mlp_artifact_entry){.name = name, .size = size, .is_folder = is_folder};
    tree->bytes += size;
    return MLPLAT_OK;
}

static mlplat_status take(const walk *w, int folder, const char *prefix, const char *name, mlplat_error *err)
{
    struct stat st;
    if (mlp_artifact_local_temporary(name))
        return MLPLAT_OK;
    char *full = mlp_file_join(prefix, name);
    mlplat_status s = full ? mlp_file_check_relative(full, "the file's name", err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        s = mlp_fail_errno(err, errno, "cannot look at '%.200s' in '%.200s'", full, w->path);
    if (s == MLPLAT_OK && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        s = mlp_fail(err, MLPLAT_INVALID, "'%.200s' in '%.200s' is %s: copy what it stands for in its place", full,
                     w->path, S_ISLNK(st.st_mode) ? "a symbolic link" : "neither a file nor a folder");
    if (s == MLPLAT_OK)
        return add(w->tree, full, &st, err);
    mlp_free(full);
    return s;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const mlp_artifact_entry *)a)->name, ((const mlp_artifact_entry *)b)->name);
}

/* Takes fd. */
static mlplat_status one_folder(const walk *w, int fd, const char *prefix, mlplat_error *err)
{
    size_t first = w->tree->n;
    mlplat_status s = MLPLAT_OK;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        s = mlp_fail_errno(err, errno, "cannot list '%.200s' in '%.200s'", prefix, w->path);
        mlp_sys.close(fd);
        return s;
    }
    for (const char *name; (name = mlp_file_next(folder, &s, err));)
        s = take(w, dirfd(folder), prefix, name, err);
    closedir(folder);
    if (s == MLPLAT_OK && w->tree->n > first)
        qsort(w->tree->entries + first, w->tree->n - first, sizeof *w->tree->entries, by_name);
    return s;
}

static size_t level_of(const char *name)
{
    size_t levels = 1;
    while ((name = strchr(name, '/'))) {
        levels++;
        name++;
    }
    return levels;
}

/* Breadth first: what a folder holds is appended, and its folders are met later in the same loop. */
mlplat_status mlp_artifact_tree_walk(int top_fd, const char *path, mlp_artifact_tree *out, mlplat_error *err)
{
    walk w = {.tree = out, .path = path};
    int fd = mlp_sys.open(top_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    mlplat_status s = fd == -1 ? mlp_fail_errno(err, errno, "cannot open '%.200s'", path) : one_folder(&w, fd, "", err);
    for (size_t i = 0; s == MLPLAT_OK && i < out->n; i++) {
        const char *name = out->entries[i].name; /* the array may move, the name does not */
        if (!out->entries[i].is_folder)
            continue;
        if (level_of(name) > LEVELS)
            s = mlp_fail(err, MLPLAT_INVALID, "'%.200s' has more than %d levels of folders", path, LEVELS);
        if (s == MLPLAT_OK)
            s = mlp_file_open_beneath(top_fd, name, O_RDONLY | O_DIRECTORY, 0, &fd, err);
        if (s == MLPLAT_OK)
            s = one_folder(&w, fd, name, err);
    }
    if (s != MLPLAT_OK)
        mlp_artifact_tree_free(out);
    return s;
}

void mlp_artifact_tree_free(mlp_artifact_tree *tree)
{
    for (size_t i = 0; i < tree->n; i++)
        mlp_free(tree->entries[i].name);
    mlp_free(tree->entries);
    *tree = (mlp_artifact_tree){0};
}
