#include "support/fault_os.h"
#include "base/os.h"
#include <errno.h>
#include <stdatomic.h>

static struct {
    _Atomic size_t calls;
    size_t fail_at;
    int errnum;
    bool short_writes, old_kernel;
    mlp_os table;
} fault;

static bool hit(void)
{
    if (atomic_fetch_add(&fault.calls, 1) + 1 != fault.fail_at)
        return false;
    errno = fault.errnum;
    return true;
}

static int fault_open(int dirfd, const char *path, int flags, mode_t mode)
{
    return hit() ? -1 : mlp_os_default()->open(dirfd, path, flags, mode);
}

static int fault_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
    if (fault.old_kernel) {
        errno = ENOSYS;
        return -1;
    }
    return hit() ? -1 : mlp_os_default()->open_beneath(dirfd, path, flags, mode);
}

static int fault_close(int fd)
{
    bool fails = hit(); /* the descriptor goes in any case, as the kernel's does */
    int result = mlp_os_default()->close(fd);
    errno = fails ? fault.errnum : errno;
    return fails ? -1 : result;
}

static ssize_t fault_read(int fd, void *buf, size_t n)
{
    return hit() ? -1 : mlp_os_default()->read(fd, buf, n);
}

static ssize_t fault_write(int fd, const void *buf, size_t n)
{
    return hit() ? -1 : mlp_os_default()->write(fd, buf, fault.short_writes && n > 7 ? 7 : n);
}

static ssize_t fault_pread(int fd, void *buf, size_t n, off_t at)
{
    return hit() ? -1 : mlp_os_default()->pread(fd, buf, n, at);
}

static ssize_t fault_pwrite(int fd, const void *buf, size_t n, off_t at)
{
    return hit() ? -1 : mlp_os_default()->pwrite(fd, buf, fault.short_writes && n > 7 ? 7 : n, at);
}

static int fault_fsync(int fd)
{
    return hit() ? -1 : mlp_os_default()->fsync(fd);
}

static int fault_fdatasync(int fd)
{
    return hit() ? -1 : mlp_os_default()->fdatasync(fd);
}

static int fault_fstat(int fd, struct stat *out)
{
    return hit() ? -1 : mlp_os_default()->fstat(fd, out);
}

static int fault_ftruncate(int fd, off_t size)
{
    return hit() ? -1 : mlp_os_default()->ftruncate(fd, size);
}

static int fault_fallocate(int fd, off_t size)
{
    return hit() ? -1 : mlp_os_default()->fallocate(fd, size);
}

static void *fault_mmap(size_t n, int fd, off_t at)
{
    return hit() ? NULL : mlp_os_default()->mmap(n, fd, at);
}

static int fault_rename(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
    return hit() ? -1 : mlp_os_default()->rename(from_dirfd, from, to_dirfd, to);
}

static int fault_link(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
    return hit() ? -1 : mlp_os_default()->link(from_dirfd, from, to_dirfd, to);
}

static int fault_unlink(int dirfd, const char *path, int flags)
{
    return hit() ? -1 : mlp_os_default()->unlink(dirfd, path, flags);
}

static int fault_mkdir(int dirfd, const char *path, mode_t mode)
{
    return hit() ? -1 : mlp_os_default()->mkdir(dirfd, path, mode);
}

static int fault_lock(int fd, off_t at, bool wait)
{
    return hit() ? -1 : mlp_os_default()->lock(fd, at, wait);
}

static int fault_random(void *buf, size_t n)
{
    return hit() ? -1 : mlp_os_default()->random(buf, n);
}

void fault_os_begin(size_t fail_at, int errnum, bool short_writes)
{
    fault.calls = 0;
    fault.fail_at = fail_at;
    fault.errnum = errnum;
    fault.short_writes = short_writes;
    fault.table = *mlp_os_default();
    fault.table.open = fault_open;
    fault.table.open_beneath = fault_open_beneath;
    fault.table.close = fault_close;
    fault.table.read = fault_read;
    fault.table.write = fault_write;
    fault.table.pread = fault_pread;
    fault.table.pwrite = fault_pwrite;
    fault.table.fsync = fault_fsync;
    fault.table.fdatasync = fault_fdatasync;
    fault.table.fstat = fault_fstat;
    fault.table.ftruncate = fault_ftruncate;
    fault.table.fallocate = fault_fallocate;
    fault.table.mmap = fault_mmap;
    fault.table.rename = fault_rename;
    fault.table.link = fault_link;
    fault.table.unlink = fault_unlink;
    fault.table.mkdir = fault_mkdir;
    fault.table.lock = fault_lock;
    fault.table.random = fault_random;
    mlp_os_replace(&fault.table);
}

size_t fault_os_end(void)
{
    mlp_os_replace(NULL);
    fault.old_kernel = false;
    return fault.calls;
}

void fault_os_without_openat2(void)
{
    fault_os_begin(0, 0, false);
    fault.old_kernel = true;
}
