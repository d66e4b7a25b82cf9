#include "artifacts/artifact_local.h"
#include "artifacts/transfer.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>

static mlplat_status send_entry(mlplat *ml, int top, const mlp_artifact_entry *entry, const mlp_artifact_place *to,
                                mlp_transfer *t, mlplat_error *err)
{
    int fd = -1;
    mlplat_status s = MLPLAT_OK;
    char *name = mlp_file_join(to->name, entry->name);
    if (!name)
        s = mlp_fail_memory(err);
    else if (entry->is_folder)
        s = to->store->make_folder ? to->store->make_folder(ml, to->root, name, err) : MLPLAT_OK;
    else if ((s = mlp_file_open_beneath(top, entry->name, O_RDONLY, 0, &fd, err)) == MLPLAT_OK)
        s = to->store->put_file(ml, to->root, name, fd, &t->hook, err);
    if (fd != -1)
        mlp_sys.close(fd);
    mlp_free(name);
    t->done += entry->size;
    return s == MLPLAT_OK ? mlp_transfer_tell(t, err) : s;
}

static mlplat_status send_folder(mlplat *ml, const char *path, int top, const mlp_artifact_place *to, mlp_transfer *t,
                                 mlplat_error *err)
{
    mlp_artifact_tree tree = {0};
    mlplat_status s = mlp_artifact_tree_walk(top, path, &tree, err);
    t->total = tree.bytes;
    if (s == MLPLAT_OK)
        s = mlp_transfer_tell(t, err);
    if (s == MLPLAT_OK && !tree.n && to->store->make_folder && (*to->name || !mlp_file_exists(to->root)))
        s = to->store->make_folder(ml, to->root, to->name, err);
    for (size_t i = 0; s == MLPLAT_OK && i < tree.n; i++)
        s = send_entry(ml, top, &tree.entries[i], to, t, err);
    mlp_artifact_tree_free(&tree);
    return s;
}

static mlplat_status send_file(mlplat *ml, int fd, uint64_t size, const mlp_artifact_place *to, mlp_transfer *t,
                               mlplat_error *err)
{
    t->total = size;
    mlplat_status s = mlp_transfer_tell(t, err);
    if (s == MLPLAT_OK)
        s = to->store->put_file(ml, to->root, to->name, fd, &t->hook, err);
    t->done = size;
    return s == MLPLAT_OK ? mlp_transfer_tell(t, err) : s;
}

/* The path itself is the caller's word and may be a link; what is in a folder is not. */
mlplat_status mlp_transfer_send(mlplat *ml, const char *path, const mlp_artifact_place *to, mlp_transfer *t,
                                mlplat_error *err)
{
    struct stat st;
    mlplat_status s;
    int fd = mlp_sys.open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0); /* a FIFO must not hang us */
    if (fd == -1)
        return mlp_fail_errno(err, errno, "cannot open '%.300s' to copy it", path);
    if (fstat(fd, &st) == -1)
        s = mlp_fail_errno(err, errno, "cannot look at '%.300s'", path);
    else if (S_ISDIR(st.st_mode))
        s = send_folder(ml, path, fd, to, t, err);
    else if (S_ISREG(st.st_mode))
        s = send_file(ml, fd, (uint64_t)st.st_size, to, t, err);
    else
        s = mlp_fail(err, MLPLAT_INVALID, "'%.300s' is neither a file nor a folder", path);
    mlp_sys.close(fd);
    return s;
}
