#include "support/scarce_memory.h"
#include "support/support.h"
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MOST = 50000 }; /* a sweep that comes so far does not end */

static _Thread_local long left = -1; /* allocations that go well; negative: all do */
static atomic_long left_of_any = -1;
static atomic_bool met;

static bool any_runs_out(void)
{
    long n = atomic_load(&left_of_any);
    while (n >= 0 && !atomic_compare_exchange_weak(&left_of_any, &n, n - 1))
        ;
    return n == 0;
}

static bool runs_out(void)
{
    bool now = (left >= 0 && left-- == 0) || any_runs_out();
    if (now)
        atomic_store(&met, true);
    return now;
}

static void *scarce_malloc(size_t n)
{
    return runs_out() ? NULL : malloc(n);
}

static void *scarce_realloc(void *p, size_t n)
{
    return runs_out() ? NULL : realloc(p, n);
}

void scarce_memory_on(void)
{
    scarce_memory_disarm();
    mlplat_set_allocator(scarce_malloc, scarce_realloc, free);
}

void scarce_memory_on_all(void)
{
    scarce_memory_on();
    json_set_alloc_funcs(scarce_malloc, free);
}

void scarce_memory_off(void)
{
    scarce_memory_disarm();
    json_set_alloc_funcs(malloc, free);
    mlplat_set_allocator(NULL, NULL, NULL);
}

void scarce_memory_arm(long n)
{
    assert_in_range(n, 0, MOST);
    scarce_memory_disarm();
    left = n;
}

void scarce_memory_arm_any(long n)
{
    assert_in_range(n, 0, MOST);
    scarce_memory_disarm();
    atomic_store(&left_of_any, n);
}

bool scarce_memory_disarm(void)
{
    left = -1;
    atomic_store(&left_of_any, -1);
    return atomic_exchange(&met, false);
}

void scarce_memory_begin(long n)
{
    scarce_memory_on_all();
    scarce_memory_arm(n);
}

bool scarce_memory_end(void)
{
    bool failed = scarce_memory_disarm();
    scarce_memory_off();
    return failed;
}
