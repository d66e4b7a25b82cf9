/* The queue of the processes that write to one store. */
#include "support/support.h"
#include "base/clock.h"
#include "base/os.h"
#include "db/ticket.h"
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
    char *folder = test_folder_make();
    FILE *store = fopen(test_path(folder, "store"), "w"); /* without one nobody stands in line */
    *state = folder;
    return store ? fclose(store) : -1;
}

static int teardown(void **state)
{
    test_folder_remove(*state);
    return 0;
}

/* A child that stands in the queue, says so through `told` when it is its turn, and waits for the end of `go`. */
static pid_t fork_into_queue(const char *path, const char *store, char name, const int told[2], const int go[2])
{
    char one;
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    mlp_ticket ticket;
    mlp_wait wait = mlp_wait_begin(NULL, "child", 60000);
    close(go[1]);
    bool good = mlp_ticket_init(&ticket, path, store, NULL) == MLPLAT_OK &&
                mlp_ticket_take(&ticket, &wait, NULL) == MLPLAT_OK && ticket.place > 0 &&
                write(told[1], &name, 1) == 1 && read(go[0], &one, 1) == 0;
    mlp_ticket_give(&ticket);
    _exit(good ? 0 : 1);
}

static void wait_for_place(const mlp_ticket *ticket, off_t place)
{
    off_t at = 0;
    int64_t limit = mlp_clock_mono_ns() + (int64_t)20 * 1000 * 1000 * 1000;
    while (mlp_sys.locked(ticket->fd - 1, place, 1, &at) != 1)
        assert_true(mlp_clock_mono_ns() < limit);
    assert_int_equal(at, place);
}

static void processes_write_in_the_order_in_which_they_came(void **state)
{
    enum { CHILDREN = 4 };
    const char *folder = *state;
    mlplat_error err = {0};
    mlp_ticket ours;
    int told[2], go[2], code;
    char got[CHILDREN];
    const char *path = test_path(folder, "ticket"), *store = test_path(folder, "store");
    mlp_wait wait = mlp_wait_begin(NULL, path, 60000);
    assert_int_equal(pipe(told) | pipe(go), 0);
    assert_ok(mlp_ticket_init(&ours, path, store, &err));
    assert_ok(mlp_ticket_take(&ours, &wait, &err));
    assert_false(mlp_ticket_wanted(&ours));
    for (int i = 0; i < CHILDREN; i++) {
        assert_true(fork_into_queue(path, store, (char)i, told, go) > 0);
        wait_for_place(&ours, ours.place + 1 + i);
    }
    assert_true(mlp_ticket_wanted(&ours));
    close(go[1]); /* nobody keeps a turn */
    mlp_ticket_give(&ours);
    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(read(told[0], &got[i], 1), 1);
        assert_int_equal(got[i], i);
    }
    while (wait3(&code, 0, NULL) > 0)
        assert_int_equal(code, 0);
    mlp_ticket_free(&ours);
    close(told[0]);
    close(told[1]);
    close(go[0]);
}

static void who_stands_still_in_the_queue_costs_its_second_once(void **state)
{
    const char *folder = *state;
    mlplat_error err = {0};
    mlp_ticket ours;
    int told[2], go[2], code = -1;
    char one;
    const char *path = test_path(folder, "ticket"), *store = test_path(folder, "store");
    assert_int_equal(pipe(told) | pipe(go), 0);
    pid_t pid = fork_into_queue(path, store, '+', told, go);
    assert_int_equal(read(told[0], &one, 1), 1);
    assert_ok(mlp_ticket_init(&ours, path, store, &err));
    for (int i = 0; i < 3; i++) {
        mlp_wait wait = mlp_wait_begin(NULL, path, 60000);
        const int64_t first_us = wait.nap_us;
        assert_ok(mlp_ticket_take(&ours, &wait, &err));
        assert_int_equal(wait.nap_us != first_us, i == 0); /* naps grow */
        assert_true(ours.place > ours.passed);
        mlp_ticket_give(&ours);
    }
    close(go[1]);
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_int_equal(code, 0);
    mlp_wait wait = mlp_wait_begin(NULL, path, 60000);
    assert_ok(mlp_ticket_take(&ours, &wait, &err)); /* the queue begins anew */
    assert_int_equal(ours.passed, 0);
    mlp_ticket_free(&ours);
    close(told[0]);
    close(told[1]);
    close(go[0]);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(processes_write_in_the_order_in_which_they_came),
        CASE(who_stands_still_in_the_queue_costs_its_second_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
