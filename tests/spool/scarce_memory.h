/* An allocation that fails by its number, of the library or of jansson. */
#ifndef SCARCE_MEMORY_H
#define SCARCE_MEMORY_H
#include <jansson.h>
#include <mlplat.h>
#include <stdbool.h>
#include <stdlib.h>

static struct {
    long left; /* allocations that go well; negative: all do */
} memory = {-1};

static bool runs_out(void)
{
    return memory.left >= 0 && memory.left-- == 0;
}

static void *scarce_malloc(size_t n)
{
    return runs_out() ? NULL : malloc(n);
}

static void *scarce_realloc(void *p, size_t n)
{
    return runs_out() ? NULL : realloc(p, n);
}

static inline void memory_scarce(bool on)
{
    memory.left = -1;
    json_set_alloc_funcs(on ? scarce_malloc : malloc, free);
    if (on)
        mlplat_set_allocator(scarce_malloc, scarce_realloc, free);
    else
        mlplat_set_allocator(NULL, NULL, NULL);
}

#endif
