/* Files, whole and safe. Paths come from the caller; names from elsewhere go through the *_beneath calls. */
#ifndef MLP_FILE_H
#define MLP_FILE_H
#include "base/buf.h"
#include "base/hook.h"
#include <dirent.h>
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

mlplat_status mlp_file_read(const char *path, size_t limit, mlp_buf *out, mlplat_error *err); /* INVALID over limit */
mlplat_status mlp_file_write_all(int fd, const void *data, size_t n, mlplat_error *err);
/* The next name in a folder but "." and "..", lent until the next call. NULL: the end, or *status is not OK. */
const char *mlp_file_next(DIR *folder, mlplat_status *status, mlplat_error *err);
mlplat_status mlp_file_sync_folder(int dirfd, mlplat_error *err); /* OK too where the file system syncs none */
/* Temporary name beside it, fsync, rename, fsync of the folder. Mode 0666 less umask, or 0600 if private_file. */
mlplat_status mlp_file_write_atomic(const char *path, const void *data, size_t n, bool private_file, mlplat_error *err);
mlplat_status mlp_file_mkdirs(const char *path, mode_t mode, mlplat_error *err); /* with parents; there already: fine */
mlplat_status mlp_file_remove_tree(const char *path, mlplat_error *err);         /* follows no link; not there: fine */
/* A new folder for us alone (0700 whatever the umask), with its parents, open. EXISTS: something has that name. */
mlplat_status mlp_file_make_private(const char *path, int *fd, mlplat_error *err);
/* cwd + path, "." and ".." and doubled slashes folded; NULL: no memory. Where the working folder was removed, or its
 * path is longer than the system can tell, "./" and the path: what is done with it there fails as it should. */
char *mlp_file_absolute(const char *path);
char *mlp_file_join(const char *dir, const char *name); /* one slash between; name "" gives dir */
bool mlp_file_exists(const char *path);

/* A clean relative path: not empty, no leading slash, no "", "." or ".." part, no backslash, no byte below 0x20 or
 * 0x7f, no drive letter, valid UTF-8, and the same for its percent-decoded form (decoded until it does not change).
 * what names the thing in the message ("artifact path"). */
mlplat_status mlp_file_check_relative(const char *name, const char *what, mlplat_error *err);

/* Open below a folder: name is checked as above and no part of it may be a symbolic link (openat2 RESOLVE_BENEATH and
 * NO_SYMLINKS, else part by part with O_NOFOLLOW). With O_CREAT the parents are made. */
mlplat_status mlp_file_open_beneath(int root_fd, const char *name, int flags, mode_t mode, int *fd, mlplat_error *err);
/* As mlp_file_remove_tree, of a name below a folder. */
mlplat_status mlp_file_remove_beneath(int root_fd, const char *name, mlplat_error *err);
/* The part of an absolute path that lies below the folder, however both are spelled; NULL: it does not lie below. */
const char *mlp_file_part_below(int root_fd, const char *path);
/* A folder, for the above. */
mlplat_status mlp_file_open_root(const char *path, bool create, int *fd, mlplat_error *err);
/* Write from a function that fills a buffer (returns bytes, 0 at the end, -1 with err set) to root/name, atomically. */
typedef int64_t (*mlp_file_source)(void *user, void *buf, size_t n, mlplat_error *err);
mlplat_status mlp_file_put_beneath(int root_fd, const char *name, mlp_file_source source, void *user,
                                   mlplat_error *err);

#endif
