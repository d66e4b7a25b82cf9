/*
 * A logging call at level process: nothing is allocated, the kernel is not asked, and the statements that store its
 * points are those prepared before. The thread that logs is caught at each system call, all others go on; only futex
 * is let through, with which it waits for a moment if the delivery thread holds the lock.
 */
#include "support/support.h"
#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { CALLS = 100000, BLOCK = 500, KEYS = 10 };

static _Atomic int system_calls, last_system_call, allocations, prepared;
static _Thread_local bool counts;

/* ---- what is counted --------------------------------------------------------------------------------------------- */

static void *count_alloc(size_t n)
{
    allocations += counts;
    return malloc(n);
}

static void *count_realloc(void *p, size_t n)
{
    allocations += counts;
    return realloc(p, n);
}

#if defined(__GLIBC__) && !SANITIZED
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
__attribute__((visibility("default"))) void *malloc(size_t n) /* of all libraries in this process */
{
    allocations += counts;
    return __libc_malloc(n);
}
__attribute__((visibility("default"))) void *calloc(size_t count, size_t n)
{
    allocations += counts;
    return __libc_calloc(count, n);
}
#endif

/* Takes SQLite's place for the library. */
int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **out, const char **tail)
{
    static int (*theirs)(sqlite3 *, const char *, int, unsigned, sqlite3_stmt **, const char **);
    if (!theirs)
        theirs = (__typeof__(theirs))dlsym(RTLD_NEXT, "sqlite3_prepare_v3");
    prepared++;
    return theirs(db, sql, n, flags, out, tail);
}

static void on_system_call(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    system_calls++;
    last_system_call = info->si_syscall;
}

/* From now on this thread's system calls come to nothing but on_system_call; it may end. */
static bool catch_system_calls(void)
{
#define LET(number)                                                                                                    \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, nr)),
        LET(__NR_futex),
        LET(__NR_rt_sigreturn),
        LET(__NR_rt_sigprocmask),
        LET(__NR_madvise),
        LET(__NR_munmap),
        LET(__NR_exit),
        LET(__NR_exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* ---- logging ----------------------------------------------------------------------------------------------------- */

typedef struct logger {
    mlplat *ml;
    mlplat_run *run;
    bool caught, waits;
    int calls;
    mlplat_status status;
} logger;

/* Until all is in the store; as fast as it can take points, so that the delivery thread keeps up with what is ahead. */
static bool stored(logger *l)
{
    mlplat_spool_counts n = {.size = sizeof n};
    do {
        l->status = mlplat_spool_count(l->ml, &n, NULL);
    } while (l->status == MLPLAT_OK && n.stored < n.accepted);
    return l->status == MLPLAT_OK;
}

static mlplat_status log_block(logger *l, int from)
{
    static const double values[BLOCK] = {1, 2, 3};
    static const char *const keys[KEYS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    mlplat_status s = MLPLAT_OK;
    counts = l->caught;
    for (int i = 0; s == MLPLAT_OK && i < BLOCK; i++)
        s = mlplat_run_log_metric(l->run, keys[i % KEYS], i * 0.5, MLPLAT_STEP_AUTO, NULL);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_metrics(l->run, keys[0], NULL, NULL, values, BLOCK, NULL);
    counts = false;
    l->calls = from + BLOCK;
    return s;
}

static void *log_caught(void *arg)
{
    logger *l = arg;
    free(count_alloc(1000)); /* the allocator knows this thread: an allocation is counted, and needs no system call */
    l->caught = catch_system_calls();
    for (int i = 0; l->caught && l->status == MLPLAT_OK && i < CALLS; i += BLOCK) {
        l->status = log_block(l, i);
        if (l->status == MLPLAT_OK && !stored(l))
            break;
    }
    return NULL;
}

static void start(logger *l, const char *folder)
{
    mlplat_error err = {0};
    l->ml = test_open(folder);
    assert_ok(mlplat_run_start(l->ml, NULL, &l->run, &err));
    for (int i = 0; i < 20; i++) { /* warm: the journal, its spares, the statements */
        assert_int_equal(log_block(l, 0), MLPLAT_OK);
        assert_true(stored(l));
    }
}

static void a_logging_call_neither_allocates_nor_asks_the_kernel(void **state)
{
    const struct sigaction act = {.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO};
    const char *preload = getenv("LD_PRELOAD");
    logger l = {0};
    pthread_t thread;
    (void)state;
#if SANITIZED
    preload = "vgpreload";
#endif
    if (preload && strstr(preload, "vgpreload")) {
        print_message("under valgrind or a sanitizer, which make system calls of their own\n");
        skip();
    }
    mlplat_set_allocator(count_alloc, count_realloc, free);
    char *folder = test_folder_make();
    start(&l, folder);
    assert_int_equal(sigaction(SIGSYS, &act, NULL), 0);
    prepared = 0;
    assert_int_equal(pthread_create(&thread, NULL, log_caught, &l), 0);
    pthread_join(thread, NULL);
    int made = prepared;
    if (l.caught && system_calls)
        print_message("system call %d\n", last_system_call);
    mlplat_run_free(l.run);
    mlplat_close(l.ml);
    mlplat_set_allocator(NULL, NULL, NULL);
    test_folder_remove(folder);
    if (!l.caught) {
        print_message("no seccomp here: system calls cannot be caught\n");
        skip();
    }
    assert_int_equal(l.status, MLPLAT_OK);
    assert_int_equal(l.calls, CALLS);
    assert_int_equal(system_calls, 0);
    assert_int_equal(allocations, 0);
    assert_int_equal(made, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_logging_call_neither_allocates_nor_asks_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
