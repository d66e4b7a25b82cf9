#include "base/file.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file_internal.h"
#include "base/os.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_PIECE ((size_t)65536)

/* One byte more than the limit is asked for: a file may grow while it is read. */
static mlplat_status read_to_end(int fd, const char *path, size_t limit, mlp_buf *out, mlplat_error *err)
{
    char piece[4096];
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    if (known && S_ISDIR(st.st_mode))
        return mlp_fail(err, MLPLAT_INVALID, "'%.300s' is a folder, not a file", path);
    if (known && st.st_size > 0 && (uint64_t)st.st_size > limit)
        return mlp_fail(err, MLPLAT_INVALID, "'%.300s' has %lld bytes; the limit is %zu", path, (long long)st.st_size,
                        limit);
    for (ssize_t n; (n = mlp_sys.read(fd, piece, sizeof piece)) != 0;) {
        if (n < 0)
            return mlp_fail_errno(err, errno, "cannot read '%.300s'", path);
        mlp_buf_add(out, piece, (size_t)n);
        if (out->size > limit)
            return mlp_fail(err, MLPLAT_INVALID, "'%.300s' has more than %zu bytes, the limit", path, limit);
        if (out->failed)
            break;
    }
    return mlp_buf_ok(out, err);
}

mlplat_status mlp_file_read(const char *path, size_t limit, mlp_buf *out, mlplat_error *err)
{
    int fd = mlp_sys.open(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0);
    if (fd == -1)
        return mlp_fail_errno(err, errno, "cannot open '%.300s'", path);
    mlp_buf_clear(out);
    mlplat_status s = read_to_end(fd, path, limit, out, err);
    mlp_sys.close(fd);
    return s;
}

mlplat_status mlp_file_write_all(int fd, const void *data, size_t n, mlplat_error *err)
{
    const char *at = data;
    while (n) {
        ssize_t done = mlp_sys.write(fd, at, n);
        if (done <= 0)
            return mlp_fail_errno(err, done ? errno : ENOSPC, "cannot write");
        at += done;
        n -= (size_t)done;
    }
    return MLPLAT_OK;
}

mlplat_status mlp_file_sync_folder(int dirfd, mlplat_error *err)
{
    if (mlp_sys.fsync(dirfd) == -1 && errno != EINVAL && errno != ENOTSUP) /* some file systems sync no folders */
        return mlp_fail_errno(err, errno, "cannot sync the folder");
    return MLPLAT_OK;
}

static mlplat_status make_temporary(int dirfd, mode_t mode, char name[MLP_FILE_TEMPORARY], int *fd, mlplat_error *err)
{
    for (int tries = 0; tries < 8; tries++) {
        char id[33];
        mlplat_status s = mlp_random_hex(id, err);
        if (s != MLPLAT_OK)
            return s;
        snprintf(name, MLP_FILE_TEMPORARY, ".mlplat-%.24s.tmp", id);
        *fd = mlp_sys.open(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
        if (*fd != -1)
            return MLPLAT_OK;
        if (errno != EEXIST)
            break;
    }
    name[0] = 0;
    return mlp_fail_errno(err, errno, "cannot make a temporary file in the folder");
}

mlplat_status mlp_file_replace(int dirfd, const char *name, mode_t mode, mlp_file_source source, void *user,
                               mlplat_error *err)
{
    char temporary[MLP_FILE_TEMPORARY] = "";
    char *piece = mlp_alloc(READ_PIECE);
    int fd = -1;
    int64_t n = 0;
    mlplat_status s = piece ? make_temporary(dirfd, mode, temporary, &fd, err) : mlp_fail_memory(err);
    while (s == MLPLAT_OK && (n = source(user, piece, READ_PIECE, err)) > 0)
        s = mlp_file_write_all(fd, piece, (size_t)n, err);
    if (s == MLPLAT_OK && n < 0)
        s = err && err->status != MLPLAT_OK ? err->status : MLPLAT_IO;
    if (s == MLPLAT_OK && mlp_sys.fsync(fd) == -1)
        s = mlp_fail_errno(err, errno, "cannot sync");
    if (fd != -1 && mlp_sys.close(fd) == -1 && s == MLPLAT_OK)
        s = mlp_fail_errno(err, errno, "cannot close");
    if (s == MLPLAT_OK && mlp_sys.rename(dirfd, temporary, dirfd, name) == -1)
        s = mlp_fail_errno(err, errno, "cannot rename the finished file");
    else if (s == MLPLAT_OK)
        temporary[0] = 0;
    if (temporary[0])
        mlp_sys.unlink(dirfd, temporary, 0);
    mlp_free(piece);
    return s == MLPLAT_OK ? mlp_file_sync_folder(dirfd, err) : s;
}

typedef struct span {
    const char *at;
    size_t left;
} span;

static int64_t from_span(void *user, void *buf, size_t n, mlplat_error *err)
{
    span *data = user;
    size_t take = data->left < n ? data->left : n;
    (void)err;
    if (take == 0)
        return 0; /* and no sum with the NULL of an empty span */
    memcpy(buf, data->at, take);
    data->at += take;
    data->left -= take;
    return (int64_t)take;
}

mlplat_status mlp_file_write_atomic(const char *path, const void *data, size_t n, bool private_file, mlplat_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    span rest = {.at = data, .left = n};
    if (!*name)
        return mlp_fail(err, MLPLAT_INVALID, "'%.300s' names a folder, not a file", path);
    char *folder = !slash          ? mlp_strdup(".")
                   : slash == path ? mlp_strdup("/")
                                   : mlp_strndup(path, (size_t)(slash - path));
    if (!folder)
        return mlp_fail_memory(err);
    int dirfd = mlp_sys.open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
    mlplat_status s = dirfd == -1 ? mlp_fail_errno(err, errno, "cannot open the folder '%.300s'", folder) : MLPLAT_OK;
    if (s == MLPLAT_OK) {
        s = mlp_file_replace(dirfd, name, private_file ? 0600 : 0666, from_span, &rest, err);
        if (s != MLPLAT_OK)
            s = mlp_fail_prefix(err, s, "writing '%.300s'", path);
        mlp_sys.close(dirfd);
    }
    mlp_free(folder);
    return s;
}

/* One folder of a path; there already is fine. */
static mlplat_status make_folder(const char *path, mode_t mode, mlplat_error *err)
{
    struct stat st;
    if (mlp_sys.mkdir(AT_FDCWD, path, mode) == 0)
        return MLPLAT_OK;
    int failed = errno;
    if (stat(path, &st) == 0) /* also where making it is not allowed or the file system is read-only */
        return S_ISDIR(st.st_mode) ? MLPLAT_OK
                                   : mlp_fail(err, MLPLAT_EXISTS, "'%.300s' is there and is not a folder", path);
    return mlp_fail_errno(err, failed, "cannot make the folder '%.300s'", path);
}

mlplat_status mlp_file_mkdirs(const char *path, mode_t mode, mlplat_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return MLPLAT_OK;
    char *copy = mlp_file_absolute(path);
    mlplat_status s = copy ? MLPLAT_OK : mlp_fail_memory(err);
    for (char *at = copy ? strchr(copy + 1, '/') : NULL; s == MLPLAT_OK && at; at = strchr(at + 1, '/')) {
        *at = 0;
        s = make_folder(copy, mode, err);
        *at = '/';
    }
    if (s == MLPLAT_OK)
        s = make_folder(copy, mode, err);
    mlp_free(copy);
    return s;
}

mlplat_status mlp_file_make_private(const char *path, int *fd, mlplat_error *err)
{
    *fd = -1;
    char *whole = mlp_file_absolute(path), *slash = whole ? strrchr(whole, '/') : NULL;
    mlplat_status s = whole ? MLPLAT_OK : mlp_fail_memory(err);
    if (slash && slash > whole) {
        *slash = 0;
        s = mlp_file_mkdirs(whole, 0777, err);
        *slash = '/';
    }
    if (s == MLPLAT_OK && mlp_sys.mkdir(AT_FDCWD, whole, 0700) == -1)
        s = mlp_fail_errno(err, errno, "cannot make the folder '%.300s'", path);
    if (s == MLPLAT_OK && (*fd = mlp_sys.open(AT_FDCWD, whole, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)) == -1) {
        s = mlp_fail_errno(err, errno, "cannot open the folder '%.300s'", path);
        mlp_sys.unlink(AT_FDCWD, whole, AT_REMOVEDIR); /* what failed is not there */
    }
    if (s == MLPLAT_OK)
        fchmod(*fd, 0700);
    mlp_free(whole);
    return s;
}

/* Appends the parts of path to out, folding "." and "..". out is "" for the root, else starts with a slash. */
static void fold(mlp_buf *out, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (out->size && out->data[--out->size] != '/')
                ;
        } else if (n && !(n == 1 && path[0] == '.')) {
            mlp_buf_putc(out, '/');
            mlp_buf_add(out, path, n);
        }
        path += n + (path[n] == '/');
    }
}

char *mlp_file_absolute(const char *path)
{
    char cwd[4096];
    mlp_buf out = {0};
    if (*path != '/' && !getcwd(cwd, sizeof cwd))
        return mlp_sprintf("./%s", path);
    if (*path != '/')
        fold(&out, cwd);
    fold(&out, path);
    if (!out.size)
        mlp_buf_putc(&out, '/');
    return mlp_buf_take(&out);
}

char *mlp_file_join(const char *dir, const char *name)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    if (!*name)
        return mlp_strdup(dir);
    return mlp_sprintf("%.*s%s%s", (int)n, dir, n && dir[n - 1] == '/' ? "" : n ? "/" : "", name);
}

bool mlp_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}
