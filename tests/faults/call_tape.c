#include "faults/call_tape.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STORE = 1 << 28 };

static struct {
    pthread_mutex_t lock;
    call_tape *tape; /* NULL: nothing is recorded */
    char folder[TAPE_PATH];
    atomic_long calls, kill_at; /* kill_at -1: not counted */
    ino_t inode[TAPE_EVENTS];
    mlp_os table;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER, .kill_at = -1};

call_tape *call_tape_new(void)
{
    void *p = mmap(NULL, sizeof(call_tape) + STORE, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void call_tape_free(call_tape *tape)
{
    munmap(tape, sizeof(call_tape) + STORE);
}

void call_tape_clear(call_tape *tape)
{
    tape->n_events = tape->n_files = 0;
    tape->used = 0;
    tape->full = false;
}

/* ---- what a call is about ---------------------------------------------------------------------------------------- */

/* The part of a path that lies below the folder; false: it lies elsewhere, or is memory of SQLite's, which no cut
 * keeps. */
static bool below(const char *path, char out[TAPE_PATH])
{
    size_t n = strlen(watch.folder), m = strlen(path);
    if (n == 0 || strncmp(path, watch.folder, n) != 0 || path[n] != '/' || m - n >= TAPE_PATH ||
        (m > 4 && strcmp(path + m - 4, "-shm") == 0))
        return false;
    memcpy(out, path + n + 1, m - n);
    return true;
}

static bool of_fd(int fd, char out[TAPE_PATH])
{
    char link[64], path[1024];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 2);
    if (n <= 0)
        return false;
    path[n] = 0;
    return below(path, out) || (strcmp(path, watch.folder) == 0 && (out[0] = 0, true));
}

static bool of_name(int dirfd, const char *name, char out[TAPE_PATH])
{
    char full[TAPE_PATH * 3], folder[TAPE_PATH];
    if (name[0] == '/')
        return below(name, out);
    if (dirfd == AT_FDCWD || !of_fd(dirfd, folder))
        return false;
    snprintf(full, sizeof full, "%s/%s%s%s", watch.folder, folder, folder[0] ? "/" : "", name);
    return below(full, out);
}

static bool watching(void)
{
    return watch.tape || watch.kill_at >= 0;
}

/* Before the call. */
static void count_call(void)
{
    if (watch.kill_at >= 0 && atomic_fetch_add(&watch.calls, 1) + 1 == watch.kill_at)
        kill(getpid(), SIGKILL);
}

/* ---- the tape ---------------------------------------------------------------------------------------------------- */

static int file_of(int fd)
{
    struct stat st;
    if (fstat(fd, &st) == -1)
        return -1;
    for (int i = watch.tape->n_files - 1; i >= 0; i--)
        if (watch.inode[i] == st.st_ino)
            return i;
    return -1;
}

static int new_file(ino_t inode)
{
    if (watch.tape->n_files == TAPE_EVENTS)
        return -1;
    watch.inode[watch.tape->n_files] = inode;
    return watch.tape->n_files++;
}

static void note(tape_event e, const void *bytes)
{
    call_tape *t = watch.tape;
    if (t->n_events == TAPE_EVENTS || t->used + e.n > STORE) {
        t->full = true;
        return;
    }
    if (bytes) {
        e.bytes = t->used;
        memcpy(t->store + t->used, bytes, e.n);
        t->used += e.n;
    }
    t->events[t->n_events++] = e;
}

static void note_made(int fd, const char *path)
{
    struct stat st;
    tape_event e = {.kind = TAPE_MADE};
    fstat(fd, &st);
    snprintf(e.path, sizeof e.path, "%s", path);
    pthread_mutex_lock(&watch.lock);
    e.file = new_file(st.st_ino);
    note(e, NULL);
    pthread_mutex_unlock(&watch.lock);
}

static void note_fd(tape_kind kind, int fd, off_t at, const void *bytes, size_t n)
{
    pthread_mutex_lock(&watch.lock);
    tape_event e = {.kind = kind, .file = file_of(fd), .at = at, .n = n};
    if (e.file >= 0 || kind == TAPE_NAMES)
        note(e, bytes);
    pthread_mutex_unlock(&watch.lock);
}

static void note_names(tape_kind kind, const char *path, const char *other)
{
    tape_event e = {.kind = kind};
    snprintf(e.path, sizeof e.path, "%s", path);
    snprintf(e.other, sizeof e.other, "%s", other);
    pthread_mutex_lock(&watch.lock);
    note(e, NULL);
    pthread_mutex_unlock(&watch.lock);
}

void call_tape_told(void)
{
    if (watch.tape)
        note_names(TAPE_TOLD, "", "");
}

static int see(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    char name[TAPE_PATH];
    (void)ftw;
    if (type != FTW_F || !below(path, name))
        return 0;
    tape_event e = {.kind = TAPE_MADE, .file = new_file(st->st_ino)};
    snprintf(e.path, sizeof e.path, "%s", name);
    note(e, NULL);
    return 0;
}

static int beneath(int dirfd, const char *path, int flags, mode_t mode)
{
    char name[TAPE_PATH];
    bool seen = watching() && flags & O_CREAT && of_name(dirfd, path, name) && faccessat(dirfd, path, F_OK, 0) == -1;
    if (seen)
        count_call();
    int fd = mlp_os_default()->open_beneath(dirfd, path, flags, mode);
    if (seen && fd != -1 && watch.tape)
        note_made(fd, name);
    return fd;
}

static void begin(const char *folder)
{
    snprintf(watch.folder, sizeof watch.folder, "%s", folder);
    watch.table = *mlp_os_default();
    watch.table.open_beneath = beneath; /* there is no function of libc for it */
    mlp_os_replace(&watch.table);
}

void call_tape_record(call_tape *tape, const char *folder)
{
    begin(folder);
    call_tape_clear(tape);
    watch.tape = tape;
    nftw(folder, see, 16, FTW_PHYS);
    tape->n_base = tape->n_events;
}

void call_tape_kill(const char *folder, long nth)
{
    begin(folder);
    watch.calls = 0;
    watch.kill_at = nth;
}

long call_tape_count(void)
{
    return watch.calls;
}

/* ---- libc -------------------------------------------------------------------------------------------------------- */

static int do_open(int dirfd, const char *path, int flags, mode_t mode)
{
    char name[TAPE_PATH];
    bool seen = watching() && flags & (O_CREAT | O_TRUNC) && of_name(dirfd, path, name);
    bool fresh = seen && faccessat(dirfd, path, F_OK, 0) == -1;
    if (seen)
        count_call();
    int fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    if (fd != -1 && seen && watch.tape && fresh)
        note_made(fd, name);
    else if (fd != -1 && seen && watch.tape && flags & O_TRUNC)
        note_fd(TAPE_SIZED, fd, 0, NULL, 0);
    return fd;
}

#define OPENS(name, dirfd_arg, dirfd)                                                                                  \
    int name(dirfd_arg const char *path, int flags, ...)                                                               \
    {                                                                                                                  \
        mode_t mode = 0;                                                                                               \
        if (flags & O_CREAT) {                                                                                         \
            va_list args;                                                                                              \
            va_start(args, flags);                                                                                     \
            mode = (mode_t)va_arg(args, int);                                                                          \
            va_end(args);                                                                                              \
        }                                                                                                              \
        return do_open(dirfd, path, flags, mode);                                                                      \
    }
#define NO_DIRFD
#define DIRFD int dirfd,
OPENS(open, NO_DIRFD, AT_FDCWD)
OPENS(openat, DIRFD, dirfd)

static bool sees(int fd)
{
    char name[TAPE_PATH];
    bool seen = watching() && of_fd(fd, name);
    if (seen)
        count_call();
    return seen && watch.tape;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    bool seen = sees(fd);
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, n, at);
    if (seen && done > 0)
        note_fd(TAPE_WRITTEN, fd, at, bytes, (size_t)done);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    bool seen = sees(fd);
    off_t at = seen ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = syscall(SYS_write, fd, bytes, n);
    if (seen && done > 0)
        note_fd(TAPE_WRITTEN, fd, at, bytes, (size_t)done);
    return done;
}

int ftruncate(int fd, off_t size)
{
    bool seen = sees(fd);
    int result = (int)syscall(SYS_ftruncate, fd, size);
    if (seen && result == 0)
        note_fd(TAPE_SIZED, fd, size, NULL, 0);
    return result;
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    struct stat st;
    bool seen = sees(fd);
    int result = (int)syscall(SYS_fallocate, fd, mode, at, n);
    if (seen && result == 0 && fstat(fd, &st) == 0)
        note_fd(TAPE_SIZED, fd, st.st_size, NULL, 0);
    return result;
}

static int do_sync(int fd, long number)
{
    struct stat st;
    bool seen = sees(fd);
    int result = (int)syscall(number, fd);
    if (seen && result == 0 && fstat(fd, &st) == 0)
        note_fd(S_ISDIR(st.st_mode) ? TAPE_NAMES : TAPE_SYNCED, fd, 0, NULL, 0);
    return result;
}

int fsync(int fd)
{
    return do_sync(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return do_sync(fd, SYS_fdatasync);
}

int unlinkat(int dirfd, const char *path, int flags)
{
    char name[TAPE_PATH];
    bool seen = watching() && of_name(dirfd, path, name);
    if (seen)
        count_call();
    int result = (int)syscall(SYS_unlinkat, dirfd, path, flags);
    if (seen && result == 0 && watch.tape)
        note_names(TAPE_REMOVED, name, "");
    return result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
    char name[TAPE_PATH];
    bool seen = watching() && of_name(dirfd, path, name);
    if (seen)
        count_call();
    int result = (int)syscall(SYS_mkdirat, dirfd, path, mode);
    if (seen && result == 0 && watch.tape)
        note_names(TAPE_FOLDER, name, "");
    return result;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

static int two_names(tape_kind kind, int dirfd, const char *path, int other_dirfd, const char *other)
{
    char from[TAPE_PATH], to[TAPE_PATH];
    bool seen = watching() && of_name(dirfd, path, from) && of_name(other_dirfd, other, to);
    if (seen)
        count_call();
    int result = (int)(kind == TAPE_RENAMED ? syscall(SYS_renameat2, dirfd, path, other_dirfd, other, 0)
                                            : syscall(SYS_linkat, dirfd, path, other_dirfd, other, 0));
    if (seen && result == 0 && watch.tape)
        note_names(kind, from, to);
    return result;
}

int renameat(int dirfd, const char *path, int other_dirfd, const char *other)
{
    return two_names(TAPE_RENAMED, dirfd, path, other_dirfd, other);
}

int rename(const char *path, const char *other)
{
    return renameat(AT_FDCWD, path, AT_FDCWD, other);
}

int linkat(int dirfd, const char *path, int other_dirfd, const char *other, int flags)
{
    (void)flags;
    return two_names(TAPE_LINKED, dirfd, path, other_dirfd, other);
}

#ifdef __GLIBC__ /* has them under two names; others under one */
OPENS(open64, NO_DIRFD, AT_FDCWD)
OPENS(openat64, DIRFD, dirfd)

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t to)
{
    return pwrite(fd, bytes, n, to);
}

int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

int fallocate64(int fd, int mode, off_t from, off_t n)
{
    return fallocate(fd, mode, from, n);
}
#endif
