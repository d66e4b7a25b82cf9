/* The local side of a transfer: a tree of files to send, and a folder to receive into. */
#ifndef MLP_ARTIFACT_LOCAL_H
#define MLP_ARTIFACT_LOCAL_H
#include "base/file.h"

bool mlp_artifact_local_temporary(const char *name); /* a file that is still being written: ".mlplat-<hex>.tmp" */
/* The folder at a clean relative name below, made with its parents; no link is followed. There already: fine. */
mlplat_status mlp_artifact_local_folder(int root_fd, const char *name, mlplat_error *err);

/* Where the part of a root begins that no link may be in: "<id>/artifacts" of a run or model, else its last part. What
 * is before it may be the user's own arrangement. */
size_t mlp_artifact_local_split(const char *root);
/* A root, open. create: made with its parents. */
mlplat_status mlp_artifact_local_enter(const char *root, bool create, int *fd, mlplat_error *err);

/* All below a folder, folders before what is in them. Links, devices and names that are no clean relative path are
 * refused: nothing is sent of a tree that cannot be sent whole. */
typedef struct mlp_artifact_entry {
    char *name; /* below the top */
    uint64_t size;
    bool is_folder;
} mlp_artifact_entry;
typedef struct mlp_artifact_tree {
    mlp_artifact_entry *entries;
    size_t n, cap;
    uint64_t bytes;
} mlp_artifact_tree;
mlplat_status mlp_artifact_tree_walk(int top_fd, const char *path, mlp_artifact_tree *out, mlplat_error *err);
void mlp_artifact_tree_free(mlp_artifact_tree *tree);

/* A file that appears below a folder when it is whole: open, write, then commit or drop. */
typedef struct mlp_artifact_sink {
    int root_fd, fd; /* root_fd is lent */
    char *name, *temporary;
} mlp_artifact_sink;
mlplat_status mlp_artifact_sink_open(int root_fd, const char *name, mlp_artifact_sink *out, mlplat_error *err);
mlplat_status mlp_artifact_sink_commit(mlp_artifact_sink *sink, mlplat_error *err);
void mlp_artifact_sink_free(mlp_artifact_sink *sink); /* drops what is not committed; of a zeroed one: nothing */

#endif
