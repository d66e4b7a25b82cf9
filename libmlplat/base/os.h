/*
 * Every system call of ours that can fail for a reason outside the program, in one table, so that faults can be put
 * into the library as it is shipped (tests replace the table) and so that what differs between platforms lives here
 * alone. Functions return what the call returns: -1 and errno on failure. EINTR is handled inside.
 */
#ifndef MLP_OS_H
#define MLP_OS_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

typedef struct mlp_os {
    int (*open)(int dirfd, const char *path, int flags, mode_t mode); /* openat, always O_CLOEXEC */
    /* The same, never leaving dirfd and following no link; -1 ENOSYS where the system cannot promise that. */
    int (*open_beneath)(int dirfd, const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *buf, size_t n);
    ssize_t (*write)(int fd, const void *buf, size_t n);
    ssize_t (*pread)(int fd, void *buf, size_t n, off_t at);
    ssize_t (*pwrite)(int fd, const void *buf, size_t n, off_t at);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*fstat)(int fd, struct stat *out);
    int (*ftruncate)(int fd, off_t size);
    int (*fallocate)(int fd, off_t size); /* space is really there afterwards; zero-written where not supported */
    /* Shared, read and write, not inherited by fork; NULL and errno on failure. */
    void *(*mmap)(size_t n, int fd, off_t at);
    int (*munmap)(void *p, size_t n);
    int (*wipe_on_fork)(void *p, size_t n); /* a forked child finds these pages zeroed; -1 EINVAL where not known */
    int (*rename)(int from_dirfd, const char *from, int to_dirfd, const char *to);
    int (*link)(int from_dirfd, const char *from, int to_dirfd, const char *to);
    int (*unlink)(int dirfd, const char *path, int flags);
    int (*mkdir)(int dirfd, const char *path, mode_t mode);
    int (*lock)(int fd, off_t at, bool wait); /* POSIX record lock of one byte, exclusive; -1 EAGAIN when held */
    int (*unlock)(int fd, off_t at);
    /* Does another process hold one of the n bytes from `from` on (n 0: to the end of all)? 1: *at is the first byte of
     * a lock of one, not always the first one; 0: none; -1. */
    int (*locked)(int fd, off_t from, off_t n, off_t *at);
    int64_t (*now_ms)(void);
    int64_t (*mono_ns)(void);
    int (*random)(void *buf, size_t n); /* 0 or -1 */
    const char *(*fs_kind)(int dirfd);  /* what mlp_os_fs_kind tells */
} mlp_os;

extern const mlp_os *_Atomic mlp_os_now; /* the table in force; tests change it while threads run */
#define mlp_sys (*atomic_load_explicit(&mlp_os_now, memory_order_acquire))
const mlp_os *mlp_os_default(void);
void mlp_os_replace(const mlp_os *table); /* for tests; NULL brings the default back */

/* What each platform does in its own way: os_linux.c, os_macos.c. */
int64_t mlp_os_start_time(pid_t pid);   /* of a process, in ticks of some kind; -1: no such process, -2: not known */
void mlp_os_process_name(char out[64]); /* "<pid>-<start time>-<pid namespace>": names this process on this host */
int mlp_os_processors(void);            /* how many this process can use, at least 1 */
void mlp_os_memory_back(void);          /* freed memory goes back to the system, where the C library can do that */
void mlp_os_boot_id(unsigned char out[16]); /* another one after each boot; zeros: not known */
const char *mlp_os_fs_kind(int dirfd);  /* "nfs", "fuse", "overlay", "tmpfs", ... or "" (a normal file system) */
const char *mlp_os_program(char *out, size_t n); /* path of the running program; "" if not known */
const char *mlp_os_user(char *out, size_t n);    /* user name, MLflow's way: LOGNAME, USER, LNAME, USERNAME, passwd */
char **mlp_os_environ(void);
#ifdef __APPLE__
#define MLP_OS_VFORK() fork() /* vfork is deprecated there */
#else
#define MLP_OS_VFORK() vfork() /* no function of ours may return in the child */
#endif
int mlp_os_pipe(int ends[2]);       /* closed on exec */
int mlp_os_socketpair(int ends[2]); /* a stream, closed on exec */
ssize_t mlp_os_send(int fd, const void *data, size_t n); /* into one of those, whoever is gone: never a signal */
int mlp_os_watch(pid_t pid);        /* a descriptor that poll finds readable when this child has ended; or -1 */
void mlp_os_end_with_parent(void);  /* in a child: SIGTERM when its parent ends, where the system can */
/* Closes what is open of these, at once or at exec; false: not known how, go one by one. */
bool mlp_os_close_range(unsigned from, unsigned to, bool at_exec);
void mlp_os_thread_name(pthread_t thread, const char *name); /* for debuggers, where the system can */
void mlp_os_cond_init(pthread_cond_t *cond);
/* Held for moments: who finds it taken looks again for a while, where the system can, before it sleeps. */
void mlp_os_brief_init(pthread_mutex_t *mutex);
/* Spans of time, whatever the clock of the day does; the result is pthread_cond_timedwait's. */
int mlp_os_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *most);
static inline struct timespec mlp_os_changed(const struct stat *st) /* when the file was last written */
{
#ifdef __APPLE__
    return st->st_mtimespec;
#else
    return st->st_mtim;
#endif
}
void *mlp_os_fork_guard(void); /* one page that a forked child finds zeroed, else non-zero; NULL: no memory */
void mlp_os_fork_guard_free(void *guard);
static inline bool mlp_os_forked(const void *guard)
{
    return *(const volatile unsigned char *)guard == 0;
}

#endif
