/* A preloaded allocator that counts, and fails one allocation of the process: malloc, calloc, realloc, posix_memalign,
 * aligned_alloc, memalign, valloc, and what libc makes of them: strdup, opendir, fopen, the memory of threads. The
 * blocks come from whom it stands before, so that it may stand before a sanitizer's allocator too. */
#include "faults/alloc_shim.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if __has_include(<execinfo.h>) /* musl has none */
#include <execinfo.h>
#else
static int backtrace(void **frames, int n)
{
    return frames && n ? 0 : -1;
}
static void backtrace_symbols_fd(void *const *frames, int n, int fd)
{
    (void)frames, (void)n, (void)fd;
}
#endif

#define SHOWN __attribute__((visibility("default")))

SHOWN void *malloc(size_t n);
SHOWN void *calloc(size_t count, size_t n);
SHOWN void *realloc(void *p, size_t n);
SHOWN void free(void *p);
SHOWN int posix_memalign(void **out, size_t align, size_t n);
SHOWN void *aligned_alloc(size_t align, size_t n);
SHOWN void *memalign(size_t align, size_t n);
SHOWN void *valloc(size_t n);

static struct {
    void *(*malloc)(size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    void *(*aligned_alloc)(size_t, size_t);
} next;
static atomic_long blocks, calls, fail_at;
static atomic_bool armed;
static bool trace;

/* What is asked for while the real functions are looked up. */
static _Alignas(16) char early[16384];
static size_t early_used;

static bool is_early(const void *p)
{
    return (const char *)p >= early && (const char *)p < early + sizeof early;
}

static void *take_early(size_t n)
{
    void *p = early + early_used;
    early_used += (n + 15) / 16 * 16;
    return early_used <= sizeof early ? p : NULL;
}

static bool ready(void)
{
    static bool busy;
    if (next.aligned_alloc)
        return true;
    if (busy)
        return false;
    busy = true;
    *(void **)&next.malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next.realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next.free = dlsym(RTLD_NEXT, "free");
    *(void **)&next.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    busy = false;
    return true;
}

__attribute__((constructor)) static void start(void)
{
    void *frames[4];
    ready();
    trace = getenv("ALLOC_SHIM_TRACE") != NULL;
    if (trace)
        backtrace(frames, 4); /* loads what it needs */
}

static bool fails(void)
{
    if (!atomic_load(&armed) || atomic_fetch_add(&calls, 1) + 1 != atomic_load(&fail_at))
        return false;
    if (trace) {
        void *frames[40];
        int n = backtrace(frames, 40);
        backtrace_symbols_fd(frames, n, 2);
    }
    errno = ENOMEM;
    return true;
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add(&blocks, 1);
    return p;
}

void *malloc(size_t n)
{
    if (!ready())
        return take_early(n);
    return fails() ? NULL : counted(next.malloc(n));
}

/* Not by the next one's: musl's asks malloc, which would be counted, and fail, a second time. */
void *calloc(size_t count, size_t n)
{
    size_t size;
    if (__builtin_mul_overflow(count, n, &size)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = malloc(size);
    return p ? memset(p, 0, size) : NULL;
}

void *realloc(void *p, size_t n)
{
    if (!ready() || is_early(p)) {
        void *q = malloc(n);
        size_t room = is_early(p) ? (size_t)(early + sizeof early - (char *)p) : 0;
        return q && p ? memcpy(q, p, n < room ? n : room) : q;
    }
    if (fails())
        return NULL;
    void *q = next.realloc(p, n);
    atomic_fetch_add(&blocks, !p && q ? 1 : p && !q && n == 0 ? -1 : 0);
    return q;
}

void free(void *p)
{
    if (!p || is_early(p) || !ready())
        return;
    atomic_fetch_sub(&blocks, 1);
    next.free(p);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    void *p = aligned_alloc(align, (n + align - 1) / align * align);
    if (p)
        *out = p;
    return p ? 0 : ENOMEM;
}

void *aligned_alloc(size_t align, size_t n)
{
    ready();
    return fails() ? NULL : counted(next.aligned_alloc(align, n));
}

void *memalign(size_t align, size_t n)
{
    return aligned_alloc(align, n);
}

void *valloc(size_t n)
{
    return aligned_alloc((size_t)sysconf(_SC_PAGESIZE), n);
}

/* A sanitizer's strdup takes memory that does not come by here. */
SHOWN char *strndup(const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *copy = malloc(length + 1);
    if (copy) {
        memcpy(copy, s, length);
        copy[length] = 0;
    }
    return copy;
}

SHOWN char *strdup(const char *s)
{
    return strndup(s, strlen(s));
}

SHOWN void alloc_shim_arm(long nth)
{
    atomic_store(&calls, 0);
    atomic_store(&fail_at, nth);
    atomic_store(&armed, true);
}

SHOWN long alloc_shim_disarm(void)
{
    atomic_store(&armed, false);
    return atomic_load(&calls);
}

SHOWN long alloc_shim_blocks(void)
{
    return atomic_load(&blocks);
}
