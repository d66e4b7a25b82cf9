/* What os_linux.c and os_macos.c give to the table of os.c: each as the member of mlp_os of that name says. */
#ifndef MLP_OS_PLATFORM_H
#define MLP_OS_PLATFORM_H
#include "base/os.h"

#define AGAIN(result, call)                                                                                            \
    do                                                                                                                 \
        (result) = (call);                                                                                             \
    while ((result) == -1 && errno == EINTR)

int mlp_os_platform_open_beneath(int dirfd, const char *path, int flags, mode_t mode);
int mlp_os_platform_fsync(int fd);
int mlp_os_platform_fdatasync(int fd);
int mlp_os_platform_reserve(int fd, off_t size); /* as fallocate, but -1 EOPNOTSUPP where it would have to write */
int mlp_os_platform_keep_from_fork(void *p, size_t n);
int mlp_os_platform_wipe_on_fork(void *p, size_t n);
ssize_t mlp_os_platform_random(void *buf, size_t n); /* at most 256 bytes; how many there are */
const char *mlp_os_platform_fs_of(int dirfd);
void mlp_os_platform_boot(char *out, size_t n); /* hexadecimal digits, with or without dashes; "": not known */
long long mlp_os_platform_namespace(void);      /* number of the namespace that this process's pid is of, or 0 */

#endif
