/* What a dead process left is being stored by another living one: a sync waits for that, as long as it comes on. */
#include "spool_fixture.h"

enum { RECORDS = 20000, REQUEST = 100 };

typedef struct heir {
    pid_t pid, parent;
    _Atomic int *let; /* so many batches may go through */
    _Atomic int *has; /* it has the journal */
} heir;

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(distinct step) from rows");
}

static heir *gate; /* of the child that is the heir */

/* A test that failed does not end its child. */
static void rest_while_needed(void)
{
    if (kill(gate->parent, 0) == -1)
        _exit(1);
    mlp_clock_sleep_ms(1);
}

static mlplat_status apply_if_let(void *ctx, const char *id, const mlp_record *records, size_t n,
                                  mlp_verdict *verdicts, mlplat_error *err)
{
    static int passed;
    *gate->has = 1;
    while (passed >= *gate->let)
        rest_while_needed();
    passed++;
    return fake_server_apply(ctx, id, records, n, verdicts, err);
}

static void open_server(fixture *f, bool gated)
{
    mlplat_error err = {0};
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->remote = true;
    f->sink->request = REQUEST;
    mlp_sink table = fake_sink_table(f->sink);
    table.apply = gated ? apply_if_let : table.apply;
    o.later = !gated;
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
}

static void be_heir(fixture *f)
{
    f->sink = fake_sink_open(f->store);
    open_server(f, true);
    for (;;)
        rest_while_needed();
}

static heir make_heir(fixture *f)
{
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    heir h = {.parent = getpid(), .let = shared, .has = (_Atomic int *)shared + 1};
    make_orphan(f, 0, RECORDS, MLPLAT_DURABILITY_PROCESS);
    fake_sink_close(f->sink);
    f->sink = NULL;
    gate = &h;
    h.pid = fork();
    if (h.pid == 0)
        be_heir(f);
    f->sink = fake_sink_open(f->store);
    wait_until(*h.has);
    open_server(f, false);
    return h;
}

static void end_heir(const heir *h)
{
    kill(h->pid, SIGKILL);
    waitpid(h->pid, NULL, 0);
    munmap((void *)h->let, 4096);
}

/* ---- the hook of who waits --------------------------------------------------------------------------------------- */

static struct {
    mlp_os table;
    _Atomic int64_t ahead_ns; /* of the clock */
} sky;

static int64_t later(void)
{
    return mlp_os_default()->mono_ns() + sky.ahead_ns;
}

static void move_clock(void)
{
    sky.table = *mlp_os_default();
    sky.table.mono_ns = later;
    sky.ahead_ns = 0;
    mlp_os_replace(&sky.table);
}

typedef struct waiter {
    const heir *h;
    int times, step_s, let_all_at, cancel_at; /* step_s: so much goes by each time */
    bool let_one;                             /* of the heir's batches, each time */
    fixture *f;
} waiter;

static int while_waiting(void *user, uint64_t done, uint64_t total)
{
    waiter *w = user;
    (void)done, (void)total;
    w->times++;
    sky.ahead_ns += (int64_t)w->step_s * 1000000000;
    if (w->let_one && w->times < w->let_all_at) {
        int64_t there = count(w->f);
        ++*w->h->let;
        int64_t end = mlp_os_default()->mono_ns() + 60000000000;
        while (count(w->f) == there && mlp_os_default()->mono_ns() < end)
            mlp_clock_sleep_ms(1);
    }
    if (w->times == w->let_all_at)
        *w->h->let = RECORDS;
    return w->times == w->cancel_at;
}

static mlplat_status sync_with(fixture *f, waiter *w, int64_t *replayed, mlplat_error *err)
{
    json_t *out = NULL;
    const mlp_hook hook = {while_waiting, w};
    w->f = f;
    mlplat_status status = mlp_spool_sync(f->spool, &hook, &out, err);
    *replayed = json_integer_value(json_object_get(out, "replayed"));
    json_decref(out);
    return status;
}

/* ---- what happens ------------------------------------------------------------------------------------------------ */

static void sync_comes_back_when_what_another_process_stores_is_there(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t replayed;
    heir h = make_heir(f);
    waiter w = {.h = &h, .let_all_at = 3};
    assert_ok(sync_with(f, &w, &replayed, &err));
    assert_true(w.times >= 3);
    assert_int_equal(replayed, 0); /* it was not us */
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), RECORDS);
    assert_int_equal(count(f), RECORDS);
    end_heir(&h);
}

static void one_that_stands_still_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t replayed;
    char words[64];
    heir h = make_heir(f);
    waiter w = {.h = &h, .step_s = 10};
    move_clock();
    assert_status(sync_with(f, &w, &replayed, &err), MLPLAT_UNAVAILABLE);
    assert_true(err.retryable);
    assert_in_range(w.times, 2, 4);
    snprintf(words, sizeof words, "%d record(s) still wait in ", RECORDS);
    assert_non_null(strstr(err.message, words));
    snprintf(words, sizeof words, "process %ld stores", (long)h.pid);
    assert_non_null(strstr(err.message, words));
    assert_non_null(strstr(err.message, "stands still"));
    end_heir(&h); /* what it had is ours now */
    w = (waiter){0};
    assert_ok(sync_with(f, &w, &replayed, &err));
    assert_int_equal(replayed, RECORDS);
    assert_int_equal(count(f), RECORDS);
}

static void one_that_is_slow_is_waited_for(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t replayed;
    heir h = make_heir(f);
    waiter w = {.h = &h, .step_s = 20, .let_one = true, .let_all_at = 4};
    move_clock();
    assert_ok(sync_with(f, &w, &replayed, &err));
    assert_true(w.times >= 4);
    assert_int_equal(count(f), RECORDS);
    end_heir(&h);
}

static void one_that_is_killed_leaves_the_rest_to_who_waits(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t replayed;
    heir h = make_heir(f);
    waiter w = {.h = &h, .cancel_at = 2};
    assert_status(sync_with(f, &w, &replayed, &err), MLPLAT_CANCELLED);
    end_heir(&h);
    w.cancel_at = 0;
    assert_ok(sync_with(f, &w, &replayed, &err));
    assert_int_equal(replayed, RECORDS);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), RECORDS);
}

/* A living program's own journal is nobody's heir's: nobody waits for it. */
static void what_a_living_program_logs_is_not_waited_for(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t replayed;
    _Atomic int *stage = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    heir living = {.parent = getpid()};
    gate = &living;
    fake_sink_close(f->sink);
    f->sink = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        f->sink = fake_sink_open(f->store);
        f->sink->hold = true;
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
        *stage = 1;
        for (;;)
            rest_while_needed();
    }
    f->sink = fake_sink_open(f->store);
    wait_until(*stage == 1);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    waiter w = {0};
    assert_ok(sync_with(f, &w, &replayed, &err));
    assert_int_equal(w.times, 0);
    assert_int_equal(replayed, 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_ok(sync_with(f, &w, &replayed, &err));
    assert_int_equal(replayed, 10);
    munmap((void *)stage, 4096);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(sync_comes_back_when_what_another_process_stores_is_there),
        TEST(one_that_stands_still_is_told),
        TEST(one_that_is_slow_is_waited_for),
        TEST(one_that_is_killed_leaves_the_rest_to_who_waits),
        TEST(what_a_living_program_logs_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
