/* What every test needs: cmocka in its order, a folder of its own, checks of a status that print the error. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <mlplat.h>
#include <sys/types.h>

/* A new empty folder below TMPDIR, removed with all in it by test_folder_remove. Yours: free. */
char *test_folder_make(void);
void test_folder_remove(char *folder);
/* "<folder>/<name>", in one of eight static buffers. */
const char *test_path(const char *folder, const char *name);
/* A session on an empty store in the folder: "sqlite:///<folder>/mlflow.db". Clears the settings in the environment. */
mlplat *test_open(const char *folder);
/* The same for children and for faults: it may fail, and the environment is left alone. */
mlplat_status test_try_open(const char *folder, mlplat **out, mlplat_error *err);
/* A run of the default experiment. */
mlplat_run *test_run_start(mlplat *ml);
void test_clear_environment(void);
/* Triggers of the store's file run in this session, which they do not by themselves: for refusals and to watch. */
void test_let_triggers_run(mlplat *ml);
/* Two names of one file system change places, whatever lies there; an error is not told. glibc alone calls it. */
void test_swap(const char *one, const char *other);
/* For children, whose exit code counts: 0, or 1 with the error on stderr. And their parent, which wants a 0. */
int test_told(mlplat_status s, const mlplat_error *err);
void test_wait_good(pid_t pid);
/* A child that is there before threads are, and does its work with the words that it is given, once. */
typedef struct test_child {
    pid_t pid;
    int words; /* the end of a pipe */
} test_child;
typedef int test_work(const void *words); /* returns what the child's exit code is to be */
test_child test_child_make(test_work *work, size_t n);
/* Gives the words, n bytes, and wants a 0 back. */
void test_child_work(test_child *child, const void *words, size_t n);
/* A number below n, the same row of them for the same first state, which is not 0 (xorshift64). */
uint64_t test_roll(uint64_t *state, uint64_t n);

/* A fork beside busy threads: of a sanitizer's memory a thread of the parent may hold the lock, which the child then
 * waits for for ever (gcc 12, clang 14). ThreadSanitizer allows no threads in such a child. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NEEDS_PLAIN_MEMORY()                                                                                           \
    do {                                                                                                               \
        print_message("skipped: a sanitizer's own locks do not survive a fork beside busy threads\n");                 \
        skip();                                                                                                        \
    } while (0)
#else
#define NEEDS_PLAIN_MEMORY() (void)0
#endif

#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        mlplat_status test_status = (call);                                                                            \
        if (test_status != MLPLAT_OK)                                                                                  \
            fail_msg("%s: %s: %s", #call, mlplat_status_name(test_status), err.message);                               \
    } while (0)
/* Both need a local `mlplat_error err`. */
#define assert_status(call, want)                                                                                      \
    do {                                                                                                               \
        err = (mlplat_error){0};                                                                                       \
        mlplat_status test_status = (call);                                                                            \
        if (test_status != (want))                                                                                     \
            fail_msg("%s: %s, not %s: %s", #call, mlplat_status_name(test_status), mlplat_status_name(want),           \
                     err.message);                                                                                     \
        if ((want) != MLPLAT_OK && !err.message[0])                                                                    \
            fail_msg("%s: no message", #call);                                                                         \
    } while (0)

#endif
