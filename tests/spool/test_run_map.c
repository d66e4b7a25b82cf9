/* The map of runs made offline, and reading of what waits: torn lines, calls and allocations that fail, other
 * processes. */
#include "spool_calls.h"
#include "support/scarce_memory.h"

static const char *map_file(const fixture *f)
{
    return test_path(f->spool_folder, "runs.map");
}

static void write_map(const fixture *f, const char *text)
{
    mkdir(f->spool_folder, 0700);
    FILE *file = fopen(map_file(f), "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static const char *server_of(fixture *f, const char *id)
{
    mlplat_error err = {0};
    const char *out = "";
    assert_ok(mlp_spool_run_of(f->spool, id, &out, &err));
    return out;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void what_is_put_down_is_there_for_every_session(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *list = NULL;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_null(server_of(f, "one"));
    assert_ok(mlp_spool_run_is(f->spool, "one", "1", &err));
    assert_string_equal(server_of(f, "one"), "1");
    assert_ok(mlp_spool_run_is(f->spool, "two", "2", &err)); /* read from where it was read to */
    assert_string_equal(server_of(f, "two"), "2");
    fixture_close(f);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_string_equal(server_of(f, "one"), "1");
    assert_ok(mlp_spool_status(f->spool, &list, &err));
    assert_int_equal(json_array_size(json_object_get(list, "runs")), 2);
    json_decref(list);
}

static void lines_that_are_none_are_passed_over(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    write_map(f, "one 1\n\n 2\nthree \nfour 4 4\nfive \xff\none 9\nsix 6");
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_string_equal(server_of(f, "one"), "1"); /* the first counts: it is lent out */
    assert_null(server_of(f, "three"));
    assert_null(server_of(f, "four"));
    assert_null(server_of(f, "five"));
    assert_null(server_of(f, "six")); /* torn */
    assert_ok(mlp_spool_run_is(f->spool, "seven", "7", &err));
    assert_string_equal(server_of(f, "seven"), "7");
}

static void a_call_that_fails_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    const char *out = NULL;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(mlp_spool_run_is(f->spool, "one", "1", &err));
    plan_calls(ON_OPEN, "runs.map", EACH, EACCES);
    assert_status(mlp_spool_run_of(f->spool, "one", &out, &err), MLPLAT_DENIED);
    assert_status(mlp_spool_run_is(f->spool, "two", "2", &err), MLPLAT_DENIED);
    plan_calls(ON_PREAD, NULL, EACH, EIO);
    assert_status(mlp_spool_run_of(f->spool, "one", &out, &err), MLPLAT_IO);
    plan_calls(ON_FSYNC, NULL, EACH, EIO);
    assert_status(mlp_spool_run_is(f->spool, "two", "2", &err), MLPLAT_IO);
    plan_calls(ON_OPEN, "runs.lock", EACH, EACCES);
    assert_status(mlp_spool_run_lock(f->spool, &err), MLPLAT_DENIED);
    plan_none();
    assert_string_equal(server_of(f, "one"), "1");
    assert_ok(mlp_spool_run_lock(f->spool, &err));
    mlp_spool_run_unlock(f->spool);
}

static void a_folder_of_others_is_no_place_for_it(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    const char *out = NULL;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    write_map(f, "one 1\n");
    assert_int_equal(chmod(f->spool_folder, 0777), 0);
    assert_status(mlp_spool_run_of(f->spool, "one", &out, &err), MLPLAT_DENIED);
    assert_status(mlp_spool_run_is(f->spool, "two", "2", &err), MLPLAT_DENIED);
    assert_status(mlp_spool_run_lock(f->spool, &err), MLPLAT_DENIED);
    assert_status(mlp_spool_scan(f->spool, "one", NULL, NULL, &err), MLPLAT_DENIED);
    assert_int_equal(chmod(f->spool_folder, 0700), 0);
}

static void memory_that_runs_out_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *list = NULL;
    write_map(f, "one 1\n");
    bool reached = true;
    for (long n = 0; reached; n++) {
        const char *out = NULL;
        scarce_memory_on_all();
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        scarce_memory_arm(n);
        mlplat_status s = mlp_spool_run_of(f->spool, "one", &out, &err);
        if (s == MLPLAT_OK)
            s = mlp_spool_run_is(f->spool, "two", "2", &err);
        if (s == MLPLAT_OK)
            s = mlp_run_map_list(&f->spool->runs, f->spool->place, 1, &list, &err);
        reached = scarce_memory_disarm();
        assert_int_equal(json_array_size(list), s == MLPLAT_OK ? 2 : 0);
        json_decref(list);
        list = NULL;
        fixture_close(f);
        scarce_memory_off();
        assert_true(s == MLPLAT_OK || (reached && s == MLPLAT_NO_MEMORY));
    }
}

/* ---- one at a time ----------------------------------------------------------------------------------------------- */

static int no_lock(int fd, off_t at, bool wait)
{
    (void)fd, (void)at, (void)wait;
    errno = ENOLCK;
    return -1;
}

static void one_at_a_time_makes_a_run(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_run_map other;
    int told[2];
    char word;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    mlp_run_map_init(&other);
    assert_ok(mlp_spool_run_lock(f->spool, &err));
    assert_status(mlp_run_map_lock(&other, &f->spool->place[0], &err), MLPLAT_UNAVAILABLE); /* of our process */
    assert_true(err.retryable);
    mlp_spool_run_unlock(f->spool);
    mlp_spool_run_unlock(f->spool);
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) { /* the parent's lock was not held, and its own dies with it */
        bool good = mlp_run_map_lock(&other, &f->spool->place[0], &err) == MLPLAT_OK;
        _exit(write(told[1], good ? "y" : "n", 1) == 1 && pause() ? 0 : 1);
    }
    assert_int_equal(read(told[0], &word, 1), 1);
    assert_int_equal(word, 'y');
    assert_status(mlp_spool_run_lock(f->spool, &err), MLPLAT_UNAVAILABLE);
    assert_true(err.retryable);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_ok(mlp_spool_run_lock(f->spool, &err));
    mlp_spool_run_unlock(f->spool);
    plan.table = *mlp_os_default();
    plan.table.lock = no_lock;
    mlp_os_replace(&plan.table);
    assert_status(mlp_spool_run_lock(f->spool, &err), MLPLAT_IO);
    mlp_os_replace(NULL);
    mlp_run_map_free(&other);
    close(told[0]);
    close(told[1]);
}

/* ---- what waits -------------------------------------------------------------------------------------------------- */

typedef struct seen {
    int64_t n, steps, most; /* most: then it is enough */
} seen;

static bool see(void *user, const mlp_record *r)
{
    seen *s = user;
    s->n++;
    s->steps += r->step;
    return s->n < s->most;
}

/* Of a process that is gone, and of ours. */
static void open_without_delivery(fixture *f)
{
    mlplat_error err = {0};
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(f->sink);
    o.only_read = true;
    f->sink->fail = MLPLAT_UNAVAILABLE;
    f->sink->fail_times = -1;
    f->sink->retryable = true;
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
    put_many(f->spool, "m", 10, 20, MLPLAT_DURABILITY_PROCESS);
}

static seen scan_of(fixture *f, const char *run, int64_t most)
{
    mlplat_error err = {0};
    seen s = {.most = most};
    assert_ok(mlp_spool_scan(f->spool, run, see, &s, &err));
    return s;
}

static void what_waits_is_shown_of_every_journal(void **state)
{
    fixture *f = *state;
    open_without_delivery(f);
    seen all = scan_of(f, RUN, INT64_MAX), none = scan_of(f, "0ff11e", INT64_MAX), some = scan_of(f, RUN, 3);
    assert_int_equal(all.n, 20);
    assert_int_equal(all.steps, 190);
    assert_int_equal(none.n, 0);
    assert_int_equal(some.n, 3);
    wait_until(mlp_spool_is_down(f->spool));
    f->sink->fail = MLPLAT_OK;
    drain(f);
    assert_false(mlp_spool_is_down(f->spool));
    fixture_close(f);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(scan_of(f, RUN, INT64_MAX).n, 0);
}

static void a_file_that_goes_while_it_is_read_costs_nothing(void **state)
{
    fixture *f = *state;
    open_without_delivery(f);
    for (unsigned n = 0; n < 4; n++) { /* gone under that name at the nth look: packed meanwhile */
        plan_calls(ON_OPEN, ".mls", 1u << n, ENOENT);
        assert_int_equal(scan_of(f, RUN, INT64_MAX).n, 20);
        plan_none();
    }
    plan_calls(ON_OPEN, "-", EACH, ENOENT); /* each journal went */
    assert_int_equal(scan_of(f, RUN, INT64_MAX).n, 0);
    plan_none();
    f->sink->fail = MLPLAT_OK;
}

static void a_scan_that_fails_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    seen s = {.most = INT64_MAX};
    open_without_delivery(f);
    plan_calls(ON_OPEN, ".mls", EACH, EACCES);
    assert_status(mlp_spool_scan(f->spool, RUN, see, &s, &err), MLPLAT_DENIED);
    plan_none();
    bool reached = true;
    for (long n = 0; reached; n++) {
        s.n = 0;
        scarce_memory_begin(n);
        mlplat_status status = mlp_spool_scan(f->spool, RUN, see, &s, &err);
        reached = scarce_memory_end();
        assert_int_equal(status, reached ? MLPLAT_NO_MEMORY : MLPLAT_OK);
    }
    assert_int_equal(s.n, 20);
    f->sink->fail = MLPLAT_OK;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_put_down_is_there_for_every_session),
        CASE(lines_that_are_none_are_passed_over),
        CASE(a_call_that_fails_is_told),
        CASE(a_folder_of_others_is_no_place_for_it),
        CASE(memory_that_runs_out_is_told),
        CASE(one_at_a_time_makes_a_run),
        CASE(what_waits_is_shown_of_every_journal),
        CASE(a_file_that_goes_while_it_is_read_costs_nothing),
        CASE(a_scan_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
