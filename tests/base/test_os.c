/* What only the system knows: processes, locks, mappings, forks, threads. */
#include "support/support.h"
#include "base/clock.h"
#include "base/os.h"
#include "base/text.h"
#include "base/thread.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs fn in a forked child; its result is the child's exit status. */
static int in_child(int (*fn)(void *arg), void *arg)
{
    pid_t pid = fork();
    int status = -1;
    if (pid == 0)
        _exit(fn(arg));
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int sees_fork(void *guard)
{
    bool forked = mlp_os_forked(guard);
    mlp_os_fork_guard_free(guard); /* neither hangs nor crashes there */
    return forked;
}

static void check_fork_guard(void)
{
    void *guard = mlp_os_fork_guard(), *other = mlp_os_fork_guard();
    assert_non_null(guard);
    assert_false(mlp_os_forked(guard));
    assert_int_equal(in_child(sees_fork, guard), 1);
    assert_int_equal(in_child(sees_fork, other), 1);
    assert_false(mlp_os_forked(guard));
    mlp_os_fork_guard_free(guard);
    assert_int_equal(in_child(sees_fork, other), 1);
    mlp_os_fork_guard_free(other);
    mlp_os_fork_guard_free(NULL);
}

static void a_forked_child_sees_the_guard_wiped(void **state)
{
    (void)state;
    check_fork_guard();
}

static int no_wiping(void *p, size_t n)
{
    (void)p, (void)n;
    errno = EINVAL;
    return -1;
}

static void a_kernel_that_cannot_wipe_is_helped(void **state)
{
    (void)state;
    mlp_os table = *mlp_os_default();
    table.wipe_on_fork = no_wiping;
    mlp_os_replace(&table);
    check_fork_guard();
    mlp_os_replace(NULL);
}

typedef struct mapped {
    unsigned char *memory;
    int fd;
} mapped;

static int misses_mapping(void *arg)
{
    mapped *m = arg;
    return msync(m->memory, 4096, MS_ASYNC) == -1 && errno == ENOMEM;
}

static int find_lock(void *arg)
{
    mapped *m = arg;
    int first = mlp_sys.lock(m->fd, 5, false);
    int why = errno;
    return first == -1 && why == EAGAIN && mlp_sys.lock(m->fd, 6, false) == 0;
}

static void a_mapping_is_shared_with_its_file_but_not_with_children(void **state)
{
    (void)state;
    char *folder = test_folder_make(), byte = 0;
    mapped m = {.fd = mlp_sys.open(AT_FDCWD, test_path(folder, "f"), O_RDWR | O_CREAT, 0600)};
    assert_int_equal(mlp_sys.fallocate(m.fd, 8192), 0);
    assert_int_equal(lseek(m.fd, 0, SEEK_END), 8192);
    m.memory = mlp_sys.mmap(4096, m.fd, 4096);
    assert_non_null(m.memory);
    m.memory[0] = 7;
    assert_int_equal(mlp_sys.pread(m.fd, &byte, 1, 4096), 1);
    assert_int_equal(byte, 7);
    assert_int_equal(in_child(misses_mapping, &m), 1);
    assert_int_equal(m.memory[0], 7);
    assert_int_equal(mlp_sys.munmap(m.memory, 4096), 0);
    mlp_sys.close(m.fd);
    test_folder_remove(folder);
}

static void space_made_sure_of_keeps_what_is_there(void **state)
{
    (void)state;
    char *folder = test_folder_make(), text[4] = "";
    int fd = mlp_sys.open(AT_FDCWD, test_path(folder, "f"), O_RDWR | O_CREAT, 0600);
    struct stat st;
    assert_int_equal(mlp_sys.write(fd, "abc", 3), 3);
    assert_int_equal(mlp_sys.fallocate(fd, 200000), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 200000);
    assert_int_equal(mlp_sys.pread(fd, text, 3, 0), 3);
    assert_string_equal(text, "abc");
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    mlp_sys.close(fd);
    test_folder_remove(folder);
}

static void a_lock_is_held_against_other_processes(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    mapped m = {.fd = mlp_sys.open(AT_FDCWD, test_path(folder, "lock"), O_RDWR | O_CREAT, 0600)};
    assert_int_equal(mlp_sys.lock(m.fd, 5, false), 0);
    assert_int_equal(in_child(find_lock, &m), 1);
    assert_int_equal(mlp_sys.unlock(m.fd, 5), 0);
    assert_int_equal(in_child(find_lock, &m), 0);
    mlp_sys.close(m.fd);
    test_folder_remove(folder);
}

static void *start_time_here(void *out)
{
    *(int64_t *)out = mlp_os_start_time(getpid());
    return NULL;
}

static void every_thread_tells_the_same_start_time(void **state)
{
    (void)state;
    mlplat_error err = {0};
    pthread_t thread;
    int64_t there = 0;
    assert_ok(mlp_thread_start(&thread, "asks", start_time_here, &there, &err));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(there > 0 && there == mlp_os_start_time(getpid()));
}

static void a_boot_has_a_name(void **state)
{
    (void)state;
    unsigned char first[16], again[16], none[16] = {0};
    mlp_os_boot_id(first);
    mlp_os_boot_id(again);
    assert_memory_equal(first, again, 16);
    assert_memory_not_equal(first, none, 16);
}

static void a_process_is_known_by_its_start_time(void **state)
{
    (void)state;
    char name[64], again[64], prefix[32];
    int64_t mine = mlp_os_start_time(getpid());
    assert_true(mine > 0);
    assert_true(mlp_os_start_time(getpid()) == mine);
    assert_true(mlp_os_start_time(getppid()) <= mine);
    assert_int_equal(mlp_os_start_time(0x7ffffff0), -1);
    mlp_os_process_name(name);
    mlp_os_process_name(again);
    assert_string_equal(name, again);
    snprintf(prefix, sizeof prefix, "%ld-", (long)getpid());
    assert_true(mlp_text_starts(name, prefix));
}

static void the_surroundings_have_names(void **state)
{
    (void)state;
    char program[4096], user[64], tiny[3];
    int proc = open("/proc", O_RDONLY | O_DIRECTORY);
    assert_true(mlp_text_ends(mlp_os_program(program, sizeof program), "test_os"));
    setenv("USERNAME", "last", 1);
    setenv("LNAME", "third", 1);
    unsetenv("LOGNAME");
    unsetenv("USER");
    assert_string_equal(mlp_os_user(user, sizeof user), "third");
    setenv("USER", "second", 1);
    assert_string_equal(mlp_os_user(user, sizeof user), "second");
    setenv("LOGNAME", "first", 1);
    assert_string_equal(mlp_os_user(user, sizeof user), "first");
    assert_string_equal(mlp_os_user(tiny, sizeof tiny), "fi");
    unsetenv("LOGNAME");
    unsetenv("USER");
    unsetenv("LNAME");
    unsetenv("USERNAME");
    assert_true(*mlp_os_user(user, sizeof user)); /* by the user id */
    assert_string_equal(mlp_os_fs_kind(proc), "");
    assert_string_equal(mlp_os_fs_kind(-1), "");
    close(proc);
}

static void time_goes_on(void **state)
{
    (void)state;
    int64_t start = mlp_clock_mono_ns(), now = mlp_clock_ms();
    mlp_clock_sleep_ms(5);
    assert_true(mlp_clock_mono_ns() - start >= 5000000);
    assert_true(now > 1700000000000);
    mlp_clock_sleep_ms(-1);
}

static int64_t frozen_ms(void)
{
    return 42;
}

static void a_test_can_move_the_clock(void **state)
{
    (void)state;
    mlp_os table = *mlp_os_default();
    table.now_ms = frozen_ms;
    mlp_os_replace(&table);
    assert_int_equal(mlp_clock_ms(), 42);
    mlp_os_replace(NULL);
    assert_true(mlp_clock_ms() > 42);
}

typedef struct worker {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool ready, signals_blocked;
} worker;

static void *work(void *arg)
{
    worker *w = arg;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    pthread_mutex_lock(&w->lock);
    w->signals_blocked = sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM) && sigismember(&mask, SIGUSR1);
    w->ready = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void a_thread_leaves_signals_to_the_host(void **state)
{
    (void)state;
    worker w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    mlplat_error err = {0};
    sigset_t mask;
    pthread_t thread;
    mlp_cond_init(&w.cond);
    assert_ok(mlp_thread_start(&thread, "a name that is too long for the kernel", work, &w, &err));
    pthread_mutex_lock(&w.lock);
    while (!w.ready)
        assert_true(mlp_cond_wait_ms(&w.cond, &w.lock, 10000));
    pthread_mutex_unlock(&w.lock);
    pthread_join(thread, NULL);
    assert_true(w.signals_blocked);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&mask, SIGINT));
    pthread_cond_destroy(&w.cond);
}

static void waiting_ends_in_time(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    int64_t start = mlp_clock_mono_ns();
    mlp_cond_init(&cond);
    pthread_mutex_lock(&lock);
    while (mlp_cond_wait_ms(&cond, &lock, 20))
        ; /* a wake without a reason */
    assert_true(mlp_clock_mono_ns() - start >= 20000000);
    assert_false(mlp_cond_wait_ms(&cond, &lock, -5));
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&cond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forked_child_sees_the_guard_wiped),
        cmocka_unit_test(a_kernel_that_cannot_wipe_is_helped),
        cmocka_unit_test(a_mapping_is_shared_with_its_file_but_not_with_children),
        cmocka_unit_test(space_made_sure_of_keeps_what_is_there),
        cmocka_unit_test(a_lock_is_held_against_other_processes),
        cmocka_unit_test(a_process_is_known_by_its_start_time),
        cmocka_unit_test(every_thread_tells_the_same_start_time),
        cmocka_unit_test(a_boot_has_a_name),
        cmocka_unit_test(the_surroundings_have_names),
        cmocka_unit_test(time_goes_on),
        cmocka_unit_test(a_test_can_move_the_clock),
        cmocka_unit_test(a_thread_leaves_signals_to_the_host),
        cmocka_unit_test(waiting_ends_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
