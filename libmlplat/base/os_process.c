/* What a process knows of itself and its surroundings. */
#include "base/alloc.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* Field 22 of /proc/<pid>/stat. The second field is the program's name in brackets and may hold anything. */
static int64_t parse_start_time(char *text)
{
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoll(at, NULL, 10) : -2;
}

int64_t mlp_os_start_time(pid_t pid)
{
    char name[64], text[1024];
    snprintf(name, sizeof name, "/proc/%ld/stat", (long)pid);
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

void mlp_os_process_name(char out[64])
{
    char link[64];
    ssize_t n = readlink("/proc/self/ns/pid", link, sizeof link - 1);
    link[n < 0 ? 0 : n] = 0;
    const char *number = strpbrk(link, "0123456789");
    snprintf(out, 64, "%ld-%" PRId64 "-%lld", (long)getpid(), mlp_os_start_time(getpid()),
             number ? strtoll(number, NULL, 10) : 0);
}

const char *mlp_os_fs_of(int dirfd)
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

const char *mlp_os_fs_kind(int dirfd)
{
    return mlp_sys.fs_kind(dirfd);
}

const char *mlp_os_program(char *out, size_t n)
{
    ssize_t got = n ? readlink("/proc/self/exe", out, n - 1) : -1;
    if (n)
        out[got < 0 ? 0 : got] = 0;
    return n ? out : "";
}

const char *mlp_os_user(char *out, size_t n)
{
    static const char *const names[] = {"LOGNAME", "USER", "LNAME", "USERNAME"};
    const char *user = NULL;
    struct passwd entry, *found = NULL;
    char strings[2048];
    for (size_t i = 0; !user && i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        user = value && *value ? value : NULL;
    }
    if (!user && getpwuid_r(getuid(), &entry, strings, sizeof strings, &found) == 0 && found)
        user = found->pw_name;
    if (n)
        snprintf(out, n, "%s", user ? user : "");
    return n ? out : "";
}

/*
 * The fork guard: a page that a forked child finds zeroed. The kernel does it where it can; else the child's handler
 * walks a list, the one thing here that belongs to the process: fork does too.
 */
typedef struct guard_page {
    unsigned char alive;
    bool listed;
    struct guard_page *next;
} guard_page;

static struct {
    pthread_mutex_t lock;
    guard_page *first;
    bool registered;
} guards = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void guards_lock(void)
{
    pthread_mutex_lock(&guards.lock);
}

static void guards_unlock(void)
{
    pthread_mutex_unlock(&guards.lock);
}

static void guards_wipe(void)
{
    for (guard_page *page = guards.first; page; page = page->next)
        page->alive = 0;
    guards_unlock();
}

static bool guards_add(guard_page *page)
{
    guards_lock();
    if (!guards.registered)
        guards.registered = pthread_atfork(guards_lock, guards_unlock, guards_wipe) == 0;
    bool listed = guards.registered;
    if (listed) {
        page->listed = true;
        page->next = guards.first;
        guards.first = page;
    }
    guards_unlock();
    return listed;
}

static void guards_remove(guard_page *page)
{
    guards_lock();
    for (guard_page **at = &guards.first; *at; at = &(*at)->next)
        if (*at == page) {
            *at = page->next;
            break;
        }
    guards_unlock();
}

void mlp_os_memory_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

int mlp_os_processors(void)
{
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) == 0 && CPU_COUNT(&usable) > 0)
        return CPU_COUNT(&usable);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

void *mlp_os_fork_guard(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    guard_page *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    page->alive = 1;
    if (mlp_sys.wipe_on_fork(page, size) == -1 && !guards_add(page)) {
        munmap(page, size);
        return NULL;
    }
    return page;
}

void mlp_os_fork_guard_free(void *guard)
{
    guard_page *page = guard;
    if (!page)
        return;
    if (page->listed) /* not so in a child whose page the kernel has wiped: the lock may be held there for ever */
        guards_remove(page);
    munmap(guard, (size_t)sysconf(_SC_PAGESIZE));
}
