/* Receiving a file piece by piece: a temporary name in its folder, fsync, rename, fsync of the folder. */
#include "artifacts/artifact_local.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

static char *temporary_beside(const char *name, mlplat_error *err)
{
    char id[33];
    const char *slash = strrchr(name, '/');
    if (mlp_random_hex(id, err) != MLPLAT_OK)
        return NULL;
    char *out = mlp_sprintf("%.*s.mlplat-%.24s.tmp", slash ? (int)(slash + 1 - name) : 0, name, id);
    if (!out)
        mlp_fail_memory(err);
    return out;
}

mlplat_status mlp_artifact_sink_open(int root_fd, const char *name, mlp_artifact_sink *out, mlplat_error *err)
{
    mlplat_error why = {0};
    *out = (mlp_artifact_sink){.root_fd = root_fd, .fd = -1};
    mlplat_status s = mlp_file_check_relative(name, "artifact path", err);
    if (s != MLPLAT_OK)
        return s;
    if (!(out->name = mlp_strdup(name))) {
        s = mlp_fail_memory(err);
    } else if (!(out->temporary = temporary_beside(name, &why))) {
        s = why.status;
        if (err)
            *err = why;
    } else {
        s = mlp_file_open_beneath(root_fd, out->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666, &out->fd, err);
    }
    if (s != MLPLAT_OK)
        mlp_artifact_sink_free(out);
    return s;
}

/* The folder of a name, open. */
static mlplat_status open_folder(const mlp_artifact_sink *sink, int *fd, mlplat_error *err)
{
    const char *slash = strrchr(sink->name, '/');
    if (!slash) {
        *fd = mlp_sys.open(sink->root_fd, ".", O_RDONLY | O_DIRECTORY, 0);
        return *fd == -1 ? mlp_fail_errno(err, errno, "cannot open the folder of '%.200s'", sink->name) : MLPLAT_OK;
    }
    char *folder = mlp_strndup(sink->name, (size_t)(slash - sink->name));
    *fd = -1;
    mlplat_status s = folder ? mlp_file_open_beneath(sink->root_fd, folder, O_RDONLY | O_DIRECTORY, 0, fd, err)
                             : mlp_fail_memory(err);
    mlp_free(folder);
    return s;
}

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

mlplat_status mlp_artifact_sink_commit(mlp_artifact_sink *sink, mlplat_error *err)
{
    int folder = -1, fd = sink->fd;
    sink->fd = -1;
    mlplat_status s = MLPLAT_OK;
    if (mlp_sys.fsync(fd) == -1)
        s = mlp_fail_errno(err, errno, "cannot sync '%.200s'", sink->name);
    if (mlp_sys.close(fd) == -1 && s == MLPLAT_OK)
        s = mlp_fail_errno(err, errno, "cannot close '%.200s'", sink->name);
    if (s == MLPLAT_OK)
        s = open_folder(sink, &folder, err);
    if (s == MLPLAT_OK && mlp_sys.rename(folder, last_part(sink->temporary), folder, last_part(sink->name)) == -1)
        s = mlp_fail_errno(err, errno, "cannot rename the finished file to '%.200s'", sink->name);
    else if (s == MLPLAT_OK)
        sink->temporary[0] = 0;
    if (s == MLPLAT_OK && mlp_sys.fsync(folder) == -1 && errno != EINVAL && errno != ENOTSUP)
        s = mlp_fail_errno(err, errno, "cannot sync the folder of '%.200s'", sink->name);
    if (folder != -1)
        mlp_sys.close(folder);
    return s;
}

void mlp_artifact_sink_free(mlp_artifact_sink *sink)
{
    int folder;
    if (sink->name && sink->fd != -1)
        mlp_sys.close(sink->fd);
    if (sink->temporary && *sink->temporary && open_folder(sink, &folder, NULL) == MLPLAT_OK) {
        mlp_sys.unlink(folder, last_part(sink->temporary), 0);
        mlp_sys.close(folder);
    }
    mlp_free(sink->name);
    mlp_free(sink->temporary);
    *sink = (mlp_artifact_sink){.fd = -1};
}
