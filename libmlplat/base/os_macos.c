/*
 * macOS's own, 11 and newer. What it has not, and what is there instead: pages wiped by fork (the handler of
 * os_process.c); descriptors that are closed on exec from their birth (set right after, so a fork and exec of the
 * program's own in between hands them on); a signal at the parent's death (the pipeline's keeper ends its steps); pid
 * namespaces (there are none); names for another thread (threads have none).
 */
#include "base/os_platform.h"
#include <crt_externs.h>
#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <mach/vm_inherit.h>
#include <malloc/malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/event.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <unistd.h>

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool goes_up(const char *path)
{
    if (*path == '/')
        return true;
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || !at[2]))
            return true;
    }
    return false;
}

/* Without a link and without "..", no name leads out. */
int mlp_os_platform_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
    int fd;
    if (goes_up(path)) {
        errno = EXDEV;
        return -1;
    }
    AGAIN(fd, openat(dirfd, path, flags | O_CLOEXEC | O_NOFOLLOW_ANY, mode));
    return fd;
}

/* fsync leaves the data in the drive's cache; only this asks the drive to write. Not every file system knows it. */
int mlp_os_platform_fsync(int fd)
{
    int result;
    AGAIN(result, fcntl(fd, F_FULLFSYNC));
    if (result == -1 && (errno == ENOTSUP || errno == EINVAL || errno == ENOTTY))
        AGAIN(result, fsync(fd));
    return result == -1 ? -1 : 0;
}

int mlp_os_platform_fdatasync(int fd)
{
    return mlp_os_platform_fsync(fd);
}

int mlp_os_platform_reserve(int fd, off_t size)
{
    struct stat st;
    int result = fstat(fd, &st);
    if (result == -1 || st.st_size >= size)
        return result;
    fstore_t more = {.fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE, .fst_length = size - st.st_size};
    AGAIN(result, fcntl(fd, F_PREALLOCATE, &more));
    if (result == -1) {
        errno = errno == ENOTSUP || errno == EINVAL || errno == ENOTTY ? EOPNOTSUPP : errno;
        return -1;
    }
    AGAIN(result, ftruncate(fd, size));
    return result;
}

const char *mlp_os_platform_fs_of(int dirfd)
{
    static const struct {
        const char *theirs, *name;
    } kinds[] = {
        {"nfs", "nfs"},       {"smbfs", "smb"},      {"afpfs", "afs"},    {"webdav", "fuse"}, {"macfuse", "fuse"},
        {"osxfuse", "fuse"},  {"fuse-t", "fuse"},    {"lifs", "fuse"},    {"tmpfs", "tmpfs"}, {"virtiofs", "fuse"},
    };
    struct statfs fs;
    if (fstatfs(dirfd, &fs) == -1)
        return "";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(fs.f_fstypename, kinds[i].theirs) == 0)
            return kinds[i].name;
    return "";
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

int mlp_os_platform_keep_from_fork(void *p, size_t n)
{
    return minherit(p, n, VM_INHERIT_NONE);
}

int mlp_os_platform_wipe_on_fork(void *p, size_t n)
{
    (void)p, (void)n;
    errno = EINVAL;
    return -1;
}

void mlp_os_memory_back(void)
{
    malloc_zone_pressure_relief(NULL, 0);
}

ssize_t mlp_os_platform_random(void *buf, size_t n)
{
    return getentropy(buf, n) == 0 ? (ssize_t)n : -1;
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

/* In microseconds since 1970: a number to know it by, as ticks since boot are elsewhere. */
int64_t mlp_os_start_time(pid_t pid)
{
    struct proc_bsdinfo info;
    int got = proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, (int)sizeof info);
    if (got == (int)sizeof info)
        return (int64_t)info.pbi_start_tvsec * 1000000 + (int64_t)info.pbi_start_tvusec;
    return kill(pid, 0) == -1 && errno == ESRCH ? -1 : -2;
}

long long mlp_os_platform_namespace(void)
{
    return 0;
}

void mlp_os_platform_boot(char *out, size_t n)
{
    size_t room = n;
    if (sysctlbyname("kern.bootsessionuuid", out, &room, NULL, 0) == -1)
        out[0] = 0;
    out[n - 1] = 0;
}

const char *mlp_os_program(char *out, size_t n)
{
    uint32_t room = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    if (n && proc_pidpath(getpid(), out, room) <= 0)
        out[0] = 0;
    return n ? out : "";
}

char **mlp_os_environ(void)
{
    return *_NSGetEnviron(); /* a shared library has no environ of its own */
}

int mlp_os_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

int mlp_os_watch(pid_t pid)
{
    struct kevent change;
    int queue = kqueue();
    if (queue == -1)
        return -1;
    EV_SET(&change, (uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    if (kevent(queue, &change, 1, NULL, 0, NULL) == 0)
        return queue;
    int saved = errno;
    close(queue);
    errno = saved;
    return -1;
}

void mlp_os_end_with_parent(void)
{
}

bool mlp_os_close_range(unsigned from, unsigned to, bool at_exec)
{
    (void)from, (void)to, (void)at_exec;
    return false;
}

static int on_both(int ends[2], int made, bool sockets)
{
    int one = 1;
    for (int i = 0; made == 0 && i < 2; i++)
        if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) == -1 ||
            (sockets && setsockopt(ends[i], SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one) == -1)) {
            int saved = errno;
            close(ends[0]);
            close(ends[1]);
            errno = saved;
            return -1;
        }
    return made;
}

int mlp_os_pipe(int ends[2])
{
    return on_both(ends, pipe(ends), false);
}

int mlp_os_socketpair(int ends[2])
{
    return on_both(ends, socketpair(AF_UNIX, SOCK_STREAM, 0, ends), true);
}

ssize_t mlp_os_send(int fd, const void *data, size_t n)
{
    return send(fd, data, n, 0); /* SO_NOSIGPIPE is set */
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

void mlp_os_thread_name(pthread_t thread, const char *name)
{
    (void)thread, (void)name;
}

void mlp_os_cond_init(pthread_cond_t *cond)
{
    pthread_cond_init(cond, NULL);
}

void mlp_os_brief_init(pthread_mutex_t *mutex)
{
    pthread_mutex_init(mutex, NULL);
}

int mlp_os_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *most)
{
    return pthread_cond_timedwait_relative_np(cond, mutex, most); /* a span of time: no clock that jumps */
}
