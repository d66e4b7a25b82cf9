/* Linux's own. */
#include "base/os_platform.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* openat2, by the kernel's numbers: its headers may be missing or old, as for musl. */
int mlp_os_platform_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
#ifdef SYS_openat2
    enum { NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8 };
    struct {
        uint64_t flags, mode, resolve;
    } how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = BENEATH | NO_SYMLINKS | NO_MAGICLINKS,
    };
    long fd;
    AGAIN(fd, syscall(SYS_openat2, dirfd, path, &how, sizeof how));
    return (int)fd;
#else
    (void)dirfd, (void)path, (void)flags, (void)mode;
    errno = ENOSYS;
    return -1;
#endif
}

int mlp_os_platform_fsync(int fd)
{
    int result;
    AGAIN(result, fsync(fd));
    return result;
}

int mlp_os_platform_fdatasync(int fd)
{
    int result;
    AGAIN(result, fdatasync(fd));
    return result;
}

int mlp_os_platform_reserve(int fd, off_t size)
{
    int result;
    AGAIN(result, fallocate(fd, 0, 0, size));
    if (result == -1 && (errno == ENOSYS || errno == EINVAL))
        errno = EOPNOTSUPP;
    return result;
}

const char *mlp_os_platform_fs_of(int dirfd)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } kinds[] = {
        {0x6969, "nfs"},       {0x65735546, "fuse"}, {0x794c7630, "overlay"}, {0x01021994, "tmpfs"},
        {0x858458f6, "ramfs"}, {0xff534d42, "cifs"}, {0xfe534d42, "smb"},     {0x517b, "smb"},
        {0x01021997, "9p"},    {0x00c36400, "ceph"}, {0x0bd00bd0, "lustre"},  {0x47504653, "gpfs"},
        {0x5346414f, "afs"},   {0x73757245, "coda"}, {0x786f4256, "vboxsf"},
    };
    struct statfs fs;
    if (fstatfs(dirfd, &fs) == -1)
        return "";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (((unsigned long)fs.f_type & 0xffffffffUL) == kinds[i].magic)
            return kinds[i].name;
    return "";
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

int mlp_os_platform_keep_from_fork(void *p, size_t n)
{
    return madvise(p, n, MADV_DONTFORK);
}

int mlp_os_platform_wipe_on_fork(void *p, size_t n)
{
    return madvise(p, n, MADV_WIPEONFORK);
}

void mlp_os_memory_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

ssize_t mlp_os_platform_random(void *buf, size_t n)
{
    ssize_t done;
    AGAIN(done, getrandom(buf, n, 0));
    return done;
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

/* Field 22 of /proc/<pid>/stat. The second field is the program's name in brackets and may hold anything. */
static int64_t parse_start_time(char *text)
{
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoll(at, NULL, 10) : -2;
}

/* The first thread's: qemu-user makes up a /proc/<pid>/stat, with another time for each thread that asks. */
int64_t mlp_os_start_time(pid_t pid)
{
    char name[64], text[1024];
    snprintf(name, sizeof name, "/proc/%ld/task/%ld/stat", (long)pid, (long)pid);
    int fd = mlp_sys.open(AT_FDCWD, name, O_RDONLY, 0);
    if (fd == -1)
        return kill(pid, 0) == -1 && errno == ESRCH ? -1 : -2;
    ssize_t n = mlp_sys.read(fd, text, sizeof text - 1);
    int failed = errno;
    mlp_sys.close(fd);
    if (n <= 0)
        return n < 0 && failed == ESRCH ? -1 : -2;
    text[n] = 0;
    return parse_start_time(text);
}

long long mlp_os_platform_namespace(void)
{
    char link[64];
    ssize_t n = readlink("/proc/self/ns/pid", link, sizeof link - 1);
    link[n < 0 ? 0 : n] = 0;
    const char *number = strpbrk(link, "0123456789");
    return number ? strtoll(number, NULL, 10) : 0;
}

void mlp_os_platform_boot(char *out, size_t n)
{
    int fd = mlp_sys.open(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY, 0);
    ssize_t got = fd == -1 ? 0 : mlp_sys.read(fd, out, n - 1);
    out[got < 0 ? 0 : got] = 0;
    if (fd != -1)
        mlp_sys.close(fd);
}

const char *mlp_os_program(char *out, size_t n)
{
    ssize_t got = n ? readlink("/proc/self/exe", out, n - 1) : -1;
    if (n)
        out[got < 0 ? 0 : got] = 0;
    return n ? out : "";
}

char **mlp_os_environ(void)
{
    return environ;
}

int mlp_os_processors(void)
{
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) == 0 && CPU_COUNT(&usable) > 0)
        return CPU_COUNT(&usable);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

int mlp_os_watch(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    errno = ENOSYS;
    return -1;
#endif
}

void mlp_os_end_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

bool mlp_os_close_range(unsigned from, unsigned to, bool at_exec)
{
#ifdef SYS_close_range
    enum { AT_EXEC = 4 };
    return syscall(SYS_close_range, from, to, at_exec ? AT_EXEC : 0) == 0;
#else
    (void)from, (void)to, (void)at_exec;
    return false;
#endif
}

int mlp_os_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC);
}

int mlp_os_socketpair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

ssize_t mlp_os_send(int fd, const void *data, size_t n)
{
    return send(fd, data, n, MSG_NOSIGNAL);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

void mlp_os_thread_name(pthread_t thread, const char *name)
{
    char cut[16] = "";
    snprintf(cut, sizeof cut, "%.15s", name);
    pthread_setname_np(thread, cut);
}

void mlp_os_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

/* Others than glibc do so of themselves. */
void mlp_os_brief_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
#ifdef __GLIBC__
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
    pthread_mutex_init(mutex, &attr);
    pthread_mutexattr_destroy(&attr);
}

int mlp_os_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *most)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += most->tv_sec;
    until.tv_nsec += most->tv_nsec;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return pthread_cond_timedwait(cond, mutex, &until);
}
