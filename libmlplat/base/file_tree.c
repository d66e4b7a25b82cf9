/* Removing a folder with all that is in it. */
#include "base/err.h"
#include "base/file.h"
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
    for (struct dirent *entry; s == MLPLAT_OK && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            s = remove_entry(dirfd(folder), entry->d_name, err);
    closedir(folder);
    return s;
}

mlplat_status mlp_file_remove_tree(const char *path, mlplat_error *err)
{
    mlplat_status s = remove_entry(AT_FDCWD, path, err);
    return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "removing '%.200s'", path);
}
