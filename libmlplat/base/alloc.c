#include "base/alloc.h"
#include <mlplat/session.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one setting of the library that belongs to the process: it must be in force before anything is opened. */
static struct {
    void *(*allocate)(size_t);
    void *(*reallocate)(void *, size_t);
    void (*release)(void *);
} allocator = {malloc, realloc, free};

void mlplat_set_allocator(void *(*allocate)(size_t), void *(*reallocate)(void *, size_t), void (*release)(void *))
{
    bool complete = allocate && reallocate && release; /* mixing two allocators would free with the wrong one */
    allocator.allocate = complete ? allocate : malloc;
    allocator.reallocate = complete ? reallocate : realloc;
    allocator.release = complete ? release : free;
}

void *mlp_alloc(size_t n)
{
    size_t size = n ? n : 1;
    if (allocator.allocate == malloc)
        return calloc(1, size); /* large blocks come zeroed from the system */
    void *p = allocator.allocate(size);
    return p ? memset(p, 0, size) : NULL;
}

void *mlp_alloc_array(size_t count, size_t size)
{
    size_t n;
    return __builtin_mul_overflow(count, size, &n) ? NULL : mlp_alloc(n);
}

void *mlp_realloc(void *p, size_t n)
{
    size_t size = n ? n : 1;
    return p ? allocator.reallocate(p, size) : allocator.allocate(size);
}

void mlp_free(void *p)
{
    if (p)
        allocator.release(p);
}

void mlplat_free(void *memory)
{
    mlp_free(memory);
}

char *mlp_strdup(const char *s)
{
    return s ? mlp_strndup(s, strlen(s)) : NULL;
}

char *mlp_strndup(const char *s, size_t n)
{
    size_t length = s ? strnlen(s, n) : 0;
    char *copy = s ? mlp_alloc(length + 1) : NULL;
    if (copy)
        memcpy(copy, s, length);
    return copy;
}

char *mlp_sprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *out = n < 0 ? NULL : mlp_alloc((size_t)n + 1);
    if (out)
        vsnprintf(out, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return out;
}
