/* The table, of calls that every system has. os_linux.c or os_macos.c has what differs. */
#include "base/os.h"
#include "base/os_platform.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int os_open(int dirfd, const char *path, int flags, mode_t mode)
{
    int fd;
    AGAIN(fd, openat(dirfd, path, flags | O_CLOEXEC, mode));
    return fd;
}

static int os_close(int fd)
{
    int result = close(fd);
    return result == -1 && errno == EINTR ? 0 : result; /* the descriptor is gone in any case */
}

static ssize_t os_read(int fd, void *buf, size_t n)
{
    ssize_t done;
    AGAIN(done, read(fd, buf, n));
    return done;
}

static ssize_t os_write(int fd, const void *buf, size_t n)
{
    ssize_t done;
    AGAIN(done, write(fd, buf, n));
    return done;
}

static ssize_t os_pread(int fd, void *buf, size_t n, off_t at)
{
    ssize_t done;
    AGAIN(done, pread(fd, buf, n, at));
    return done;
}

static ssize_t os_pwrite(int fd, const void *buf, size_t n, off_t at)
{
    ssize_t done;
    AGAIN(done, pwrite(fd, buf, n, at));
    return done;
}

static int os_fstat(int fd, struct stat *out)
{
    return fstat(fd, out);
}

static int os_ftruncate(int fd, off_t size)
{
    int result;
    AGAIN(result, ftruncate(fd, size));
    return result;
}

static int write_zeros(int fd, off_t from, off_t to)
{
    static char zeros[65536]; /* never written; const would make it a part of the file */
    while (from < to) {
        size_t n = to - from < (off_t)sizeof zeros ? (size_t)(to - from) : sizeof zeros;
        ssize_t done = os_pwrite(fd, zeros, n, from);
        if (done <= 0) {
            errno = done == 0 ? ENOSPC : errno;
            return -1;
        }
        from += done;
    }
    return 0;
}

static int os_fallocate(int fd, off_t size)
{
    struct stat st;
    int result = mlp_os_platform_reserve(fd, size);
    if (result == 0 || errno != EOPNOTSUPP)
        return result;
    return fstat(fd, &st) == -1 ? -1 : write_zeros(fd, st.st_size, size);
}

static void *os_mmap(size_t n, int fd, off_t at)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);
    if (p == MAP_FAILED)
        return NULL;
    if (mlp_os_platform_keep_from_fork(p, n) == -1) {
        int saved = errno;
        munmap(p, n);
        errno = saved;
        return NULL;
    }
    return p;
}

static int os_munmap(void *p, size_t n)
{
    return munmap(p, n);
}

static int os_rename(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
    return renameat(from_dirfd, from, to_dirfd, to);
}

static int os_link(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
    return linkat(from_dirfd, from, to_dirfd, to, 0);
}

static int os_unlink(int dirfd, const char *path, int flags)
{
    return unlinkat(dirfd, path, flags);
}

static int os_mkdir(int dirfd, const char *path, mode_t mode)
{
    return mkdirat(dirfd, path, mode);
}

static int set_lock(int fd, off_t at, short type, bool wait)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    int result;
    AGAIN(result, fcntl(fd, wait ? F_SETLKW : F_SETLK, &lock));
    if (result == -1 && errno == EACCES)
        errno = EAGAIN; /* POSIX allows both for a lock that is held */
    return result == -1 ? -1 : 0;
}

static int os_lock(int fd, off_t at, bool wait)
{
    return set_lock(fd, at, F_WRLCK, wait);
}

static int os_locked(int fd, off_t from, off_t n, off_t *at)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = n};
    if (fcntl(fd, F_GETLK, &lock) == -1)
        return -1;
    *at = lock.l_start;
    return lock.l_type != F_UNLCK;
}

static int os_unlock(int fd, off_t at)
{
    return set_lock(fd, at, F_UNLCK, false);
}

static int64_t os_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t os_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int os_random(void *buf, size_t n)
{
    char *at = buf;
    while (n) {
        ssize_t done = mlp_os_platform_random(at, n < 256 ? n : 256);
        if (done <= 0)
            return -1;
        at += done;
        n -= (size_t)done;
    }
    return 0;
}

static const mlp_os default_table = {
    .open = os_open,
    .open_beneath = mlp_os_platform_open_beneath,
    .close = os_close,
    .read = os_read,
    .write = os_write,
    .pread = os_pread,
    .pwrite = os_pwrite,
    .fsync = mlp_os_platform_fsync,
    .fdatasync = mlp_os_platform_fdatasync,
    .fstat = os_fstat,
    .ftruncate = os_ftruncate,
    .fallocate = os_fallocate,
    .mmap = os_mmap,
    .munmap = os_munmap,
    .wipe_on_fork = mlp_os_platform_wipe_on_fork,
    .rename = os_rename,
    .link = os_link,
    .unlink = os_unlink,
    .mkdir = os_mkdir,
    .lock = os_lock,
    .locked = os_locked,
    .unlock = os_unlock,
    .now_ms = os_now_ms,
    .mono_ns = os_mono_ns,
    .random = os_random,
    .fs_kind = mlp_os_platform_fs_of,
};
const mlp_os *_Atomic mlp_os_now = &default_table;

const mlp_os *mlp_os_default(void)
{
    return &default_table;
}

void mlp_os_replace(const mlp_os *table)
{
    atomic_store_explicit(&mlp_os_now, table ? table : &default_table, memory_order_release);
}
