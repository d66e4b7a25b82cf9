/* Names that come from elsewhere: a listing, a database, a document. They never leave their root. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file_internal.h"
#include "base/os.h"
#include "base/text.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NAME_LIMIT 4095
#define PART_LIMIT 255

/* What is wrong with a name, NULL if nothing. */
static const char *fault_of(const char *name)
{
    size_t n = strlen(name);
    if (!n)
        return "is empty";
    if (n > NAME_LIMIT)
        return "is longer than 4095 bytes";
    if (!mlp_text_utf8(name, n))
        return "is not valid UTF-8";
    if (name[0] == '/')
        return "is absolute";
    if (isalpha((unsigned char)name[0]) && name[1] == ':')
        return "starts with a drive letter";
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return "has a control character";
        else if (name[i] == '\\')
            return "has a backslash";
    for (const char *at = name; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
        size_t part = strcspn(at, "/");
        if (!part)
            return "has an empty part";
        if (part > PART_LIMIT)
            return "has a part longer than 255 bytes";
        if (at[0] == '.' && (part == 1 || (part == 2 && at[1] == '.')))
            return "has a '.' or '..' part";
    }
    return strstr(name, "%00") ? "has an encoded NUL" : NULL;
}

static mlplat_status report(const char *name, const char *what, const char *fault, bool decoded, mlplat_error *err)
{
    mlp_buf text = {0};
    mlp_text_quote(&text, name, 120);
    mlplat_status s = mlp_fail(err, MLPLAT_INVALID, "%s %s %s%s: give a relative path like 'models/rf/model.pkl'", what,
                               text.failed ? "" : text.data, fault, decoded ? " once percent-decoded" : "");
    mlp_buf_free(&text);
    return s;
}

mlplat_status mlp_file_check_relative(const char *name, const char *what, mlplat_error *err)
{
    const char *fault = fault_of(name);
    char *now = NULL;
    mlplat_status s = fault ? report(name, what, fault, false, err) : MLPLAT_OK;
    while (s == MLPLAT_OK && strchr(now ? now : name, '%')) {
        char *next = mlp_text_unpercent(now ? now : name);
        bool same = next && strcmp(next, now ? now : name) == 0;
        mlp_free(now);
        now = next;
        if (!now)
            s = mlp_fail_memory(err);
        else if (same)
            break;
        else if ((fault = fault_of(now)))
            s = report(name, what, fault, true, err);
    }
    mlp_free(now);
    return s;
}

mlplat_status mlp_file_fail_open(int errnum, const char *name, mlplat_error *err)
{
    if (errnum == ELOOP || errnum == EXDEV)
        return mlp_fail(err, MLPLAT_DENIED, "'%.300s' goes through a symbolic link: links are not followed here", name);
    if (errnum == ENOTDIR)
        return mlp_fail(err, MLPLAT_INVALID, "'%.300s' goes through something that is not a folder", name);
    return mlp_fail_errno(err, errnum, "cannot open '%.300s'", name);
}

/* One step down. A link fails with ELOOP, or with ENOTDIR where O_DIRECTORY is looked at first. */
static int step_down(int dirfd, const char *part, bool create, mode_t mode)
{
    struct stat st;
    int fd = mlp_sys.open(dirfd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd == -1 && errno == ENOENT && create) {
        if (mlp_sys.mkdir(dirfd, part, mode) == -1 && errno != EEXIST)
            return -1;
        mlp_sys.fsync(dirfd); /* the new name; a failure shows when the file in it is synced */
        fd = mlp_sys.open(dirfd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    }
    if (fd == -1 && errno == ENOTDIR)
        errno = fstatat(dirfd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
    return fd;
}

int mlp_file_open_parent(int root_fd, const char *name, bool create, mode_t mode, const char **last)
{
    char part[PART_LIMIT + 1];
    int fd = mlp_sys.open(root_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    for (const char *slash; fd != -1 && (slash = strchr(name, '/')); name = slash + 1) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - name), name);
        int next = step_down(fd, part, create, mode);
        int failed = errno;
        mlp_sys.close(fd);
        errno = failed;
        fd = next;
    }
    *last = name;
    return fd;
}

static int open_by_parts(int root_fd, const char *name, int flags, mode_t mode)
{
    const char *last;
    mode_t folder_mode = mode & 0077 ? 0777 : 0700;
    int parent = mlp_file_open_parent(root_fd, name, flags & O_CREAT, folder_mode, &last);
    if (parent == -1)
        return -1;
    int fd = mlp_sys.open(parent, last, flags | O_NOFOLLOW, mode);
    int failed = errno;
    struct stat st;
    if (fd == -1 && failed == ENOTDIR && fstatat(parent, last, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
        failed = ELOOP;
    mlp_sys.close(parent);
    errno = failed;
    return fd;
}

/* Where openat2 is not there, is forbidden (EPERM in old containers), or cannot tell (EAGAIN), parts are opened one by
 * one. The same where a parent is missing and may be made. */
static bool try_parts(int errnum, int flags)
{
    return errnum == ENOSYS || errnum == EPERM || errnum == EAGAIN || errnum == EINVAL || errnum == E2BIG ||
           (errnum == ENOENT && (flags & O_CREAT));
}

mlplat_status mlp_file_open_beneath(int root_fd, const char *name, int flags, mode_t mode, int *fd, mlplat_error *err)
{
    struct stat st;
    *fd = -1;
    mlplat_status s = mlp_file_check_relative(name, "name", err);
    if (s != MLPLAT_OK)
        return s;
    int all = flags | O_NONBLOCK | O_NOCTTY; /* a FIFO of that name must not hang us */
    int got = mlp_sys.open_beneath(root_fd, name, all, mode);
    if (got == -1 && try_parts(errno, flags))
        got = open_by_parts(root_fd, name, all, mode);
    if (got == -1)
        return mlp_file_fail_open(errno, name, err);
    if (fstat(got, &st) == -1)
        s = mlp_fail_errno(err, errno, "cannot look at '%.300s'", name);
    else if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        s = mlp_fail(err, MLPLAT_INVALID, "'%.300s' is neither a file nor a folder", name);
    if (s == MLPLAT_OK)
        *fd = got;
    else
        mlp_sys.close(got);
    return s;
}

mlplat_status mlp_file_open_root(const char *path, bool create, int *fd, mlplat_error *err)
{
    *fd = -1;
    mlplat_status s = create ? mlp_file_mkdirs(path, 0777, err) : MLPLAT_OK;
    if (s == MLPLAT_OK)
        *fd = mlp_sys.open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (s == MLPLAT_OK && *fd == -1 && errno == ENOTDIR)
        s = mlp_fail(err, MLPLAT_INVALID, "'%.300s' is not a folder", path);
    else if (s == MLPLAT_OK && *fd == -1)
        s = mlp_fail_errno(err, errno, "cannot open the folder '%.300s'", path);
    return s;
}

mlplat_status mlp_file_put_beneath(int root_fd, const char *name, mlp_file_source source, void *user, mlplat_error *err)
{
    const char *last;
    mlplat_status s = mlp_file_check_relative(name, "name", err);
    if (s != MLPLAT_OK)
        return s;
    int parent = mlp_file_open_parent(root_fd, name, true, 0777, &last);
    if (parent == -1)
        return mlp_file_fail_open(errno, name, err);
    s = mlp_file_replace(parent, last, 0666, source, user, err);
    mlp_sys.close(parent);
    return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "writing '%.300s'", name);
}
