/* Every allocation of whole scenarios fails once, whoever makes it: the library, SQLite, jansson, libyaml, zstd, libc.
 * MLPLAT_HEAVY=1 tries every one of them, otherwise a share. By hand: test_allocations [scenario [points]];
 * points -n is allocation n alone, and ALLOC_SHIM_TRACE=1 tells who asked for it. */
#include "faults/sweep.h"
#include "support/support.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
enum { MOST = 6, MOST_COLD = 6 };
#else
enum { MOST = 50, MOST_COLD = 20 };
#endif

static long points, places, most_by_hand;

static bool says_memory(mlplat_status status)
{
    return status == MLPLAT_NO_MEMORY;
}

static void sweep_one(const scenario *s, const sweep_fault *fault, long most)
{
    struct timespec from, to;
    sweep_result r;
    clock_gettime(CLOCK_MONOTONIC, &from);
    sweep_run(s, fault, most_by_hand ? most_by_hand : getenv("MLPLAT_HEAVY") ? 0 : most, &r);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("%-20s %-6s %6ld of %6ld allocations, %5ld calls failed, %.1f s\n", s->name, fault->cold ? "(cold)" : "",
           r.points, r.places, r.failed_calls, seconds);
    points += r.points;
    places += r.places;
    if (*r.complaint)
        fail_msg("%s", r.complaint);
    assert_true(r.points > 0);
}

static sweep_fault warm = {.name = "allocation", .truthful = says_memory};
static sweep_fault cold = {.name = "allocation", .truthful = says_memory, .cold = true};

static void a_failed_allocation_is_told_and_loses_nothing(void **state)
{
    sweep_one(*state, &warm, MOST);
}

static void the_first_use_of_the_libraries_may_fail(void **state)
{
    sweep_one(*state, &cold, MOST_COLD);
}

/* What alloc_shim.h declares. */
static bool find_shim(void)
{
    *(void **)&warm.arm = dlsym(RTLD_DEFAULT, "alloc_shim_arm");
    *(void **)&warm.disarm = dlsym(RTLD_DEFAULT, "alloc_shim_disarm");
    *(void **)&warm.blocks = dlsym(RTLD_DEFAULT, "alloc_shim_blocks");
    cold.arm = warm.arm;
    cold.disarm = warm.disarm;
    return warm.arm && warm.disarm && warm.blocks;
}

/* In front of everything: started again with the shim preloaded. */
static void preload(char **argv)
{
    char shim[4200];
    ssize_t n = readlink("/proc/self/exe", shim, 4000);
    if (n <= 0 || find_shim() || getenv("ALLOC_SHIM"))
        return;
    shim[n] = 0;
    snprintf(strrchr(shim, '/') + 1, 100, "liballoc_shim.so");
    setenv("LD_PRELOAD", shim, 1);
    setenv("ALLOC_SHIM", shim, 1); /* once */
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:allocator_may_return_null=1", 1);
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1); /* thousands of syncs */
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[80];
    size_t n = 0;
    static const char *const colds[] = {"create_store", "log_process", "compile"};
    preload(argv);
    most_by_hand = argc > 2 ? atol(argv[2]) : 0;
    if (!find_shim()) {
        fprintf(stderr, "the allocator could not be preloaded\n");
        return 1;
    }
    unsetenv("LD_PRELOAD"); /* not for steps, which may be of another libc */
    for (size_t i = 0; scenario_at(i); i++)
        if (argc < 2 || strcmp(argv[1], scenario_at(i)->name) == 0)
            tests[n++] = (struct CMUnitTest){scenario_at(i)->name, a_failed_allocation_is_told_and_loses_nothing, NULL,
                                             NULL, (void *)scenario_at(i)};
    for (size_t i = 0; argc < 2 && i < sizeof colds / sizeof colds[0]; i++)
        tests[n++] = (struct CMUnitTest){"cold", the_first_use_of_the_libraries_may_fail, NULL, NULL,
                                         (void *)scenario_named(colds[i])};
    int failed = _cmocka_run_group_tests("allocations", tests, n, NULL, NULL);
    printf("%ld points of %ld allocations were tried\n", points, places);
    return failed;
}
