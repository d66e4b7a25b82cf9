/* The gate that a fork waits for. */
#include "base/fork_gate.h"
#include "support/support.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct worker {
    pthread_t thread;
    bool pauses;
    atomic_int in, stop, counted;
} worker;

static void *work(void *arg)
{
    worker *w = arg;
    mlp_fork_gate_enter();
    mlp_fork_gate_enter(); /* as a connection that is used in the transaction of another one */
    atomic_store(&w->in, 1);
    while (!atomic_load(&w->stop)) {
        atomic_store(&w->counted, 1); /* a fork between these two would be seen by the child */
        for (volatile int i = 0; i < 1000; i++)
            ;
        atomic_store(&w->counted, 0);
        if (w->pauses)
            mlp_fork_gate_pause();
    }
    mlp_fork_gate_leave();
    mlp_fork_gate_leave();
    return NULL;
}

static void begin(worker *w, bool pauses)
{
    *w = (worker){.pauses = pauses};
    assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
    while (!atomic_load(&w->in))
        ;
}

static void end(worker *w)
{
    atomic_store(&w->stop, 1);
    assert_int_equal(pthread_join(w->thread, NULL), 0);
}

static int child_says(pid_t pid)
{
    int status = 0;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_fork_comes_between_two_works(void **state)
{
    (void)state;
    mlplat_error err = {0};
    worker w[3];
    unsigned forks = mlp_fork_gate_forks();
    assert_ok(mlp_fork_gate_ready(&err));
    for (int i = 0; i < 3; i++)
        begin(&w[i], true);
    for (int k = 0; k < 50; k++) {
        pid_t pid = fork();
        if (pid == 0) {
            int wrong = mlp_fork_gate_forks() != forks + 1;
            wrong += mlp_fork_gate_ready(NULL) != MLPLAT_OK;
            for (int i = 0; i < 3; i++)
                wrong += atomic_load(&w[i].counted);
            mlp_fork_gate_enter(); /* nobody of the parent is in the way */
            mlp_fork_gate_leave();
            _exit(wrong);
        }
        assert_int_equal(child_says(pid), 0);
    }
    for (int i = 0; i < 3; i++)
        end(&w[i]);
    assert_int_equal(mlp_fork_gate_forks(), forks);
}

static void a_fork_by_a_thread_inside_waits_for_the_others_only(void **state)
{
    (void)state;
    mlp_fork_gate_enter();
    pid_t pid = fork();
    if (pid == 0) {
        mlp_fork_gate_leave();
        mlp_fork_gate_enter();
        _exit(mlp_fork_gate_ready(NULL) != MLPLAT_OK);
    }
    assert_int_equal(child_says(pid), 0);
    mlp_fork_gate_leave();
}

static void a_fork_that_cuts_a_thread_is_told_to_the_child(void **state)
{
    (void)state;
    worker w;
    begin(&w, false);
    pid_t pid = fork(); /* waits to its limit */
    if (pid == 0) {
        mlplat_error err = {0};
        int wrong = mlp_fork_gate_ready(&err) != MLPLAT_STATE || !strstr(err.message, "forked");
        pid_t again = fork();
        if (again == 0)
            _exit(mlp_fork_gate_ready(NULL) != MLPLAT_STATE);
        _exit(wrong + child_says(again));
    }
    end(&w);
    assert_int_equal(child_says(pid), 0);
    mlplat_error err = {0};
    assert_ok(mlp_fork_gate_ready(&err)); /* the parent lost nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_comes_between_two_works),
        cmocka_unit_test(a_fork_by_a_thread_inside_waits_for_the_others_only),
        cmocka_unit_test(a_fork_that_cuts_a_thread_is_told_to_the_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
