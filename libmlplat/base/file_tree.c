/* Removing a folder with all that is in it. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file_internal.h"
#include "base/os.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static mlplat_status remove_inside(int fd, mlplat_error *err);

/* A folder says EISDIR, or EPERM by POSIX; what cannot be entered as a folder then is a file that may not go. */
static mlplat_status remove_entry(int dirfd, const char *name, mlplat_error *err)
{
    if (mlp_sys.unlink(dirfd, name, 0) == 0 || errno == ENOENT)
        return MLPLAT_OK;
    int why = errno;
    if (why != EISDIR && why != EPERM)
        return mlp_fail_errno(err, why, "cannot remove '%.200s'", name);
    int fd = mlp_sys.open(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd == -1)
        return mlp_fail_errno(err, errno == ENOTDIR ? why : errno, "cannot remove '%.200s'", name);
    mlplat_status s = remove_inside(fd, err);
    if (s == MLPLAT_OK && mlp_sys.unlink(dirfd, name, AT_REMOVEDIR) == -1 && errno != ENOENT)
        s = mlp_fail_errno(err, errno, "cannot remove the folder '%.200s'", name);
    return s;
}

const char *mlp_file_next(DIR *folder, mlplat_status *status, mlplat_error *err)
{
    struct dirent *entry = NULL;
    if (*status != MLPLAT_OK)
        return NULL;
    do {
        errno = 0;
        entry = readdir(folder);
    } while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    if (!entry && errno)
        *status = mlp_fail_errno(err, errno, "a folder cannot be listed to its end");
    return entry ? entry->d_name : NULL;
}

/* Takes fd. */
static mlplat_status remove_inside(int fd, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        s = mlp_fail_errno(err, errno, "cannot list a folder");
        mlp_sys.close(fd);
        return s;
    }
    for (const char *name; (name = mlp_file_next(folder, &s, err));)
        s = remove_entry(dirfd(folder), name, err);
    closedir(folder);
    return s;
}

mlplat_status mlp_file_remove_tree(const char *path, mlplat_error *err)
{
    mlplat_status s = remove_entry(AT_FDCWD, path, err);
    return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "removing '%.200s'", path);
}

mlplat_status mlp_file_remove_beneath(int root_fd, const char *name, mlplat_error *err)
{
    const char *last;
    mlplat_status s = mlp_file_check_relative(name, "name", err);
    if (s != MLPLAT_OK)
        return s;
    int parent = mlp_file_open_parent(root_fd, name, false, 0, &last);
    if (parent == -1)
        return errno == ENOENT ? MLPLAT_OK : mlp_file_fail_open(errno, name, err);
    s = remove_entry(parent, last, err);
    mlp_sys.close(parent);
    return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "removing '%.200s'", name);
}

const char *mlp_file_part_below(int root_fd, const char *path)
{
    struct stat root = {0}, st;
    const char *found = NULL;
    char above[4096]; /* of a longer one stat would not know anything */
    if (strlen(path) >= sizeof above || fstat(root_fd, &root) == -1)
        path = "";
    memcpy(above, path, strlen(path) + 1);
    for (const char *slash = strchr(path, '/'); slash && slash[1]; slash = strchr(slash + 1, '/')) {
        size_t n = slash == path ? 1 : (size_t)(slash - path);
        char kept = above[n];
        above[n] = 0;
        if (stat(above, &st) == 0 && st.st_dev == root.st_dev && st.st_ino == root.st_ino)
            found = slash + 1;
        above[n] = kept;
    }
    return found;
}
