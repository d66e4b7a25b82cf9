/* System calls of one kind, on paths that hold a word, that fail by a plan; a hook may come before the first. */
#ifndef SPOOL_CALLS_H
#define SPOOL_CALLS_H
#include "spool_fixture.h"
#include <errno.h>
#include <fcntl.h>

typedef enum planned_call {
    ON_OPEN,
    ON_READ,
    ON_PREAD,
    ON_FSYNC,
    ON_FDATASYNC,
    ON_RENAME,
    ON_UNLINK,
    ON_FSTAT
} planned_call;

#define EACH ~0u /* of `which` */

static struct {
    planned_call call;
    const char *holding; /* NULL: any, also of a call without a path */
    unsigned which;      /* bit n: the nth of them fails; EACH: all, for ever */
    int error;           /* 0: none fails */
    void (*hook)(void *user);
    void *user;
    _Atomic unsigned met;
    mlp_os table;
} plan;

static bool plan_fails(planned_call call, const char *path)
{
    if (call != plan.call || (plan.holding && !(path && strstr(path, plan.holding))))
        return false;
    unsigned n = plan.met++;
    if (n == 0 && plan.hook)
        plan.hook(plan.user);
    if (plan.error == 0 || !(plan.which == EACH || (n < 32 && plan.which >> n & 1u)))
        return false;
    errno = plan.error;
    return true;
}

static int p_open(int dirfd, const char *path, int flags, mode_t mode)
{
    return plan_fails(ON_OPEN, path) ? -1 : mlp_os_default()->open(dirfd, path, flags, mode);
}

static ssize_t p_read(int fd, void *buf, size_t n)
{
    return plan_fails(ON_READ, NULL) ? -1 : mlp_os_default()->read(fd, buf, n);
}

static ssize_t p_pread(int fd, void *buf, size_t n, off_t at)
{
    return plan_fails(ON_PREAD, NULL) ? -1 : mlp_os_default()->pread(fd, buf, n, at);
}

static int p_fsync(int fd)
{
    return plan_fails(ON_FSYNC, NULL) ? -1 : mlp_os_default()->fsync(fd);
}

static int p_fdatasync(int fd)
{
    return plan_fails(ON_FDATASYNC, NULL) ? -1 : mlp_os_default()->fdatasync(fd);
}

static int p_rename(int a, const char *from, int b, const char *to)
{
    return plan_fails(ON_RENAME, to) ? -1 : mlp_os_default()->rename(a, from, b, to);
}

static int p_unlink(int dirfd, const char *path, int flags)
{
    return plan_fails(ON_UNLINK, path) ? -1 : mlp_os_default()->unlink(dirfd, path, flags);
}

static int p_fstat(int fd, struct stat *out)
{
    return plan_fails(ON_FSTAT, NULL) ? -1 : mlp_os_default()->fstat(fd, out);
}

/* From now on; the fixture's end takes it back, as does plan_none. */
static inline void plan_calls(planned_call call, const char *holding, unsigned which, int error)
{
    plan.call = call;
    plan.holding = holding;
    plan.which = which;
    plan.error = error;
    plan.hook = NULL;
    plan.met = 0;
    plan.table = *mlp_os_default();
    plan.table.open = p_open;
    plan.table.read = p_read;
    plan.table.pread = p_pread;
    plan.table.fsync = p_fsync;
    plan.table.fdatasync = p_fdatasync;
    plan.table.rename = p_rename;
    plan.table.unlink = p_unlink;
    plan.table.fstat = p_fstat;
    mlp_os_replace(&plan.table);
}

static inline void plan_hook(planned_call call, const char *holding, void (*hook)(void *user), void *user)
{
    plan_calls(call, holding, 0, 0);
    plan.user = user;
    plan.hook = hook;
}

static inline void plan_none(void)
{
    mlp_os_replace(NULL);
}

#endif
