/* The local store: a folder. Names never leave it: all goes through the *_beneath calls of base/file.h. */
#include "artifacts/artifact_list.h"
#include "artifacts/artifact_local.h"
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "base/uri.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536

/* A path is looked at before "." and ".." are folded away: a root from a database with ".." in it points elsewhere than
 * whoever reads it thinks. */
static mlplat_status file_root(const char *uri, char **root, mlplat_error *err)
{
    mlp_uri parsed = {0};
    *root = NULL;
    mlplat_status s = mlp_uri_parse(uri, &parsed, err);
    const char *at = parsed.path;
    while (s == MLPLAT_OK && at && *at) {
        size_t n = strcspn(at, "/");
        if (n == 2 && strncmp(at, "..", 2) == 0)
            s = mlp_fail(err, MLPLAT_INVALID, "'%.200s' has a '..' part: write the path without", uri);
        at += n + (at[n] == '/');
    }
    if (s == MLPLAT_OK)
        s = mlp_uri_local_path(uri, root, err);
    if (s == MLPLAT_OK && (*root)[1])
        s = mlp_file_check_relative(*root + 1, "artifact URI's path", err);
    if (s != MLPLAT_OK) {
        mlp_free(*root);
        *root = NULL;
    }
    mlp_uri_free(&parsed);
    return s;
}

/* The folder to go down from, open, and the name below it. The root itself is a part of what is above it. */
static mlplat_status enter(const char *root, const char *name, bool create, int *fd, const char **below,
                           mlplat_error *err)
{
    size_t split = mlp_artifact_local_split(root);
    *below = *name ? name : root + split;
    *fd = -1;
    if (!**below)
        return mlp_fail(err, MLPLAT_INVALID, "'/' is no place for an artifact");
    if (*name)
        return mlp_artifact_local_enter(root, create, fd, err);
    char *folder = mlp_strndup(root, split > 1 ? split - 1 : split);
    mlplat_status s = folder ? mlp_file_open_root(folder, create, fd, err) : mlp_fail_memory(err);
    mlp_free(folder);
    return s;
}

static mlplat_status open_existing(const char *root, const char *name, int flags, int *fd, mlplat_error *err)
{
    int folder;
    const char *below;
    *fd = -1;
    mlplat_status s = enter(root, name, false, &folder, &below, err);
    if (s == MLPLAT_OK)
        s = mlp_file_open_beneath(folder, below, O_RDONLY | flags, 0, fd, err);
    if (folder != -1)
        mlp_sys.close(folder);
    return s;
}

/* ---- put ---------------------------------------------------------------------------------------------------- */

/* Where the bytes of a put come from: a descriptor, or memory. */
typedef struct source {
    int fd;
    const char *at;
    size_t left;
    uint64_t done;
    const mlp_hook *hook;
    bool cancelled;
} source;

static int64_t next_piece(void *user, void *buf, size_t n, mlplat_error *err)
{
    source *from = user;
    ssize_t got = (ssize_t)(from->left < n ? from->left : n);
    if (from->fd == -1 && got) {
        memcpy(buf, from->at, (size_t)got);
        from->at += got;
        from->left -= (size_t)got;
    } else if (from->fd != -1 && (got = mlp_sys.read(from->fd, buf, n)) == -1) {
        mlp_fail_errno(err, errno, "cannot read the file to copy");
        return -1;
    }
    from->done += (uint64_t)got;
    if (got && mlp_hook_call(from->hook, from->done, 0, "copying an artifact", err) != MLPLAT_OK) {
        from->cancelled = true;
        return -1;
    }
    return got;
}

/* rename(2) would say of a folder in the way that it "is a directory" and no more. */
static mlplat_status check_no_folder(int folder, const char *name, mlplat_error *err)
{
    int fd;
    if (mlp_file_open_beneath(folder, name, O_RDONLY | O_DIRECTORY, 0, &fd, NULL) != MLPLAT_OK)
        return MLPLAT_OK;
    mlp_sys.close(fd);
    return mlp_fail(err, MLPLAT_EXISTS, "'%.200s' is a folder there: give the file a name inside it", name);
}

static mlplat_status put(const char *root, const char *name, source *from, mlplat_error *err)
{
    int folder;
    const char *below;
    mlplat_status s = enter(root, name, true, &folder, &below, err);
    if (s == MLPLAT_OK)
        s = check_no_folder(folder, below, err);
    if (s == MLPLAT_OK)
        s = mlp_file_put_beneath(folder, below, next_piece, from, err);
    if (folder != -1)
        mlp_sys.close(folder);
    if (s != MLPLAT_OK && folder != -1 && !from->cancelled) /* they know the name only, not the folder */
        mlp_fail_prefix(err, s, "in '%.200s'", root);
    return from->cancelled ? MLPLAT_CANCELLED : s; /* also where the caller has no mlplat_error */
}

static mlplat_status file_put_file(mlplat *ml, const char *root, const char *name, int fd, mlp_hook *hook,
                                   mlplat_error *err)
{
    source from = {.fd = fd, .hook = hook};
    (void)ml;
    return put(root, name, &from, err);
}

static mlplat_status file_put_bytes(mlplat *ml, const char *root, const char *name, const void *data, size_t n,
                                    mlplat_error *err)
{
    source from = {.fd = -1, .at = data, .left = n};
    (void)ml;
    return put(root, name, &from, err);
}

/* Made part by part like a file's parents: a file that is never put there makes them. */
static mlplat_status file_make_folder(mlplat *ml, const char *root, const char *name, mlplat_error *err)
{
    int folder, fd = -1;
    const char *below;
    mlplat_status s = enter(root, name, true, &folder, &below, err);
    (void)ml;
    if (s == MLPLAT_OK)
        s = mlp_artifact_local_folder(folder, below, err);
    if (s == MLPLAT_OK)
        s = mlp_file_open_beneath(folder, below, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (fd != -1)
        mlp_sys.close(fd);
    if (folder != -1)
        mlp_sys.close(folder);
    return s;
}

/* ---- read --------------------------------------------------------------------------------------------------- */

static mlplat_status hand_out(int fd, const char *name, mlplat_write write, void *user, mlplat_error *err)
{
    struct stat st;
    if (fstat(fd, &st) == -1)
        return mlp_fail_errno(err, errno, "cannot look at '%.200s'", name);
    if (!S_ISREG(st.st_mode))
        return mlp_fail(err, MLPLAT_INVALID, "'%.200s' is a folder, not a file: list it and name a file in it", name);
    char *piece = mlp_alloc(PIECE);
    mlplat_status s = piece ? MLPLAT_OK : mlp_fail_memory(err);
    ssize_t n = 0;
    while (s == MLPLAT_OK && (n = mlp_sys.read(fd, piece, PIECE)) > 0)
        if (write(user, piece, (size_t)n) != n)
            s = mlp_fail_cancelled(err, "reading an artifact");
    if (s == MLPLAT_OK && n < 0)
        s = mlp_fail_errno(err, errno, "cannot read '%.200s'", name);
    mlp_free(piece);
    return s;
}

static mlplat_status file_read(mlplat *ml, const char *root, const char *name, const mlp_hook *hook,
                               mlplat_write write, void *user, mlplat_error *err)
{
    int fd;
    mlplat_status s = open_existing(root, name, 0, &fd, err);
    (void)ml, (void)hook; /* there is a piece to write all the time */
    if (s == MLPLAT_NOT_FOUND)
        s = *name ? mlp_fail(err, s, "no artifact '%.200s' in '%.200s'", name, root)
                  : mlp_fail(err, s, "there is no file '%.200s'", root);
    if (s == MLPLAT_OK)
        s = hand_out(fd, *name ? name : root, write, user, err);
    if (fd != -1)
        mlp_sys.close(fd);
    return s;
}

/* ---- list --------------------------------------------------------------------------------------------------- */

static mlplat_status add_entry(json_t *files, const char *path, const struct stat *st, mlplat_error *err)
{
    return mlp_artifact_list_add(files, path, S_ISDIR(st->st_mode), S_ISREG(st->st_mode) ? st->st_size : -1, err);
}

/* What could not be read by its name is left out, and said. */
static mlplat_status add_name(mlplat *ml, int folder, const char *prefix, const char *name, json_t *files,
                              mlplat_error *err)
{
    struct stat st;
    mlplat_error why = {0};
    if (mlp_artifact_local_temporary(name) || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return MLPLAT_OK; /* not finished, or just gone */
    if (mlp_file_check_relative(name, "name", &why) != MLPLAT_OK) {
        mlp_log(&ml->log, MLPLAT_LOG_WARNING, "left out of a list of artifacts: %s", why.message);
        return MLPLAT_OK;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        mlp_log(&ml->log, MLPLAT_LOG_WARNING, "left out of a list of artifacts: '%.200s' is %s", name,
                S_ISLNK(st.st_mode) ? "a symbolic link" : "neither a file nor a folder");
        return MLPLAT_OK;
    }
    char *path = mlp_file_join(prefix, name);
    mlplat_status s = path ? add_entry(files, path, &st, err) : mlp_fail_memory(err);
    mlp_free(path);
    return s;
}

/* Takes fd, a folder. */
static mlplat_status list_folder(mlplat *ml, int fd, const char *name, json_t *files, mlplat_error *err)
{
    size_t first = json_array_size(files);
    mlplat_status s = MLPLAT_OK;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        s = mlp_fail_errno(err, errno, "cannot list '%.200s'", name);
        mlp_sys.close(fd);
        return s;
    }
    for (const char *inside; (inside = mlp_file_next(folder, &s, err));)
        s = add_name(ml, dirfd(folder), name, inside, files, err);
    closedir(folder);
    return s == MLPLAT_OK ? mlp_artifact_list_sort(files, first, err) : s;
}

static mlplat_status file_list(mlplat *ml, const char *root, const char *name, json_t *files, bool *is_file,
                               mlplat_error *err)
{
    int fd = -1;
    struct stat st;
    *is_file = false;
    mlplat_status s = *name ? open_existing(root, name, 0, &fd, err)
                            : mlp_artifact_local_enter(root, false, &fd, err);
    if (!*name && s == MLPLAT_INVALID) /* the root is a file */
        s = open_existing(root, name, 0, &fd, err);
    if (s == MLPLAT_NOT_FOUND)
        return MLPLAT_OK;
    if (s == MLPLAT_OK && fstat(fd, &st) == -1)
        s = mlp_fail_errno(err, errno, "cannot look at '%.200s'", *name ? name : root);
    if (s == MLPLAT_OK && S_ISDIR(st.st_mode))
        return list_folder(ml, fd, name, files, err);
    if (s == MLPLAT_OK) {
        *is_file = true;
        s = add_entry(files, *name ? name : strrchr(root, '/') + 1, &st, err);
    }
    if (fd != -1)
        mlp_sys.close(fd);
    return s;
}

static const mlp_artifact_store file_store = {
    .scheme = "file",
    .root = file_root,
    .put_file = file_put_file,
    .put_bytes = file_put_bytes,
    .make_folder = file_make_folder,
    .read = file_read,
    .list = file_list,
};

const mlp_artifact_store *mlp_artifact_file(void)
{
    return &file_store;
}
