#include "artifacts/artifact_local.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

bool mlp_artifact_local_temporary(const char *name)
{
    static const char start[] = ".mlplat-";
    size_t from = sizeof start - 1;
    return strncmp(name, start, from) == 0 && strspn(name + from, "0123456789abcdef") == 24 &&
           strcmp(name + from + 24, ".tmp") == 0;
}

static mlplat_status step(int from, const char *part, int *fd, mlplat_error *err)
{
    mlplat_status s = mlp_file_open_beneath(from, part, O_RDONLY | O_DIRECTORY, 0, fd, err);
    if (s != MLPLAT_NOT_FOUND)
        return s;
    if (mlp_sys.mkdir(from, part, 0777) == -1 && errno != EEXIST)
        return mlp_fail_errno(err, errno, "cannot make the folder '%.200s'", part);
    return mlp_file_open_beneath(from, part, O_RDONLY | O_DIRECTORY, 0, fd, err);
}

mlplat_status mlp_artifact_local_folder(int root_fd, const char *name, mlplat_error *err)
{
    char part[256];
    int now = root_fd;
    mlplat_status s = mlp_file_check_relative(name, "artifact path", err); /* bounds each part, too */
    while (s == MLPLAT_OK && *name) {
        int next = -1;
        size_t n = strcspn(name, "/");
        memcpy(part, name, n);
        part[n] = 0;
        name += n + (name[n] == '/');
        s = step(now, part, &next, err);
        if (now != root_fd)
            mlp_sys.close(now);
        now = next;
    }
    if (now != root_fd && now != -1)
        mlp_sys.close(now);
    return s;
}

size_t mlp_artifact_local_split(const char *root)
{
    size_t n = strlen(root);
    if (mlp_text_ends(root, "/artifacts"))
        n -= strlen("/artifacts");
    while (n && root[n - 1] != '/')
        n--;
    return n ? n : 1; /* "/artifacts" itself */
}

mlplat_status mlp_artifact_local_enter(const char *root, bool create, int *fd, mlplat_error *err)
{
    int top = -1;
    size_t split = mlp_artifact_local_split(root);
    *fd = -1;
    if (!mlp_text_ends(root, "/artifacts"))
        return mlp_file_open_root(root, create, fd, err);
    char *folder = mlp_strndup(root, split > 1 ? split - 1 : split);
    mlplat_status s = folder ? mlp_file_open_root(folder, create, &top, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK && create)
        s = mlp_artifact_local_folder(top, root + split, err);
    if (s == MLPLAT_OK)
        s = mlp_file_open_beneath(top, root + split, O_RDONLY | O_DIRECTORY, 0, fd, err);
    if (top != -1)
        mlp_sys.close(top);
    mlp_free(folder);
    return s;
}
