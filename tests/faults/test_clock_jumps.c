/* The clock of the wall is set back and forward by hours and years while programs log: times in records follow it, and
 * nothing that waits, delivers, times out or finds orphans does. */
#include "spool/spool_fixture.h"
#include <errno.h>
#include <fcntl.h>

static _Atomic int64_t jump_ms;

static int64_t jumping_now(void)
{
    return mlp_os_default()->now_ms() + jump_ms;
}

static void jumps_on(void)
{
    static mlp_os table;
    table = *mlp_os_default();
    table.now_ms = jumping_now;
    jump_ms = 0;
    mlp_os_replace(&table);
}

#define HOUR_MS (int64_t)3600000
#define YEAR_MS (HOUR_MS * 24 * 365)
static const int64_t jumps[] = {HOUR_MS, -HOUR_MS, 20 * YEAR_MS, -20 * YEAR_MS, -60 * YEAR_MS, 0};
#define JUMPS (sizeof jumps / sizeof jumps[0])

static void delivery_goes_on(void **state)
{
    fixture *f = *state;
    jumps_on();
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    for (size_t i = 0; i < JUMPS; i++) {
        int64_t begin = mlp_clock_mono_ns();
        jump_ms = jumps[i];
        put_many(f->spool, "m", (int64_t)i * 100, (int64_t)i * 100 + 100, MLPLAT_DURABILITY_DEFAULT);
        drain(f);
        assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), (i + 1) * 100);
        assert_true(mlp_clock_mono_ns() - begin < 30 * (int64_t)1000000000);
    }
}

static void a_deadline_is_of_the_time_that_passes(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    jumps_on();
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->hold = true;
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    for (size_t i = 0; i < JUMPS; i++) {
        int64_t begin = mlp_clock_mono_ns();
        jump_ms = jumps[i];
        assert_status(mlp_spool_drain(f->spool, 100, NULL, &err), MLPLAT_TIMEOUT);
        int64_t took_ms = (mlp_clock_mono_ns() - begin) / 1000000;
        assert_true(took_ms >= 100 && took_ms < 30000);
    }
    f->sink->hold = false;
    drain(f);
}

typedef struct hooked {
    int calls;
    int64_t last, longest;
} hooked;

static int on_progress(void *user, uint64_t done, uint64_t total)
{
    hooked *h = user;
    int64_t now = mlp_clock_mono_ns();
    (void)done;
    (void)total;
    jump_ms = jumps[(size_t)h->calls % JUMPS]; /* every time it is asked, the wall shows another year */
    if (h->last && now - h->last > h->longest)
        h->longest = now - h->last;
    h->last = now;
    return ++h->calls == 8;
}

static void the_hook_is_called_as_often_and_cancels(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    hooked h = {0};
    const mlp_hook hook = {on_progress, &h};
    jumps_on();
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->hold = true;
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    int64_t begin = mlp_clock_mono_ns();
    assert_status(mlp_spool_drain(f->spool, -1, &hook, &err), MLPLAT_CANCELLED);
    assert_int_equal(h.calls, 8);
    assert_true(mlp_clock_mono_ns() - begin < 30 * (int64_t)1000000000);
    f->sink->hold = false;
    drain(f);
}

static void a_failing_store_is_given_its_time_whatever_the_wall_shows(void **state)
{
    fixture *f = *state;
    jumps_on();
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->fail = MLPLAT_UNAVAILABLE;
    f->sink->retryable = true;
    f->sink->fail_times = 6;
    for (int64_t i = 0; i < 50; i++) {
        jump_ms = jumps[(size_t)i % JUMPS];
        put_many(f->spool, "m", i, i + 1, MLPLAT_DURABILITY_DEFAULT);
    }
    drain(f);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 50);
    assert_true(f->sink->calls > 6);
}

/* Who is alive is told by the lock and by ticks since boot. */
static void an_orphan_is_one_in_any_year(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < JUMPS; i++) {
        jumps_on();
        jump_ms = -jumps[i];
        make_orphan(f, 0, 30, i % 2 ? MLPLAT_DURABILITY_DISK : MLPLAT_DURABILITY_PROCESS);
        jump_ms = jumps[i];
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 30);
        fixture_close(f);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

static void runs_keep_the_times_that_the_wall_showed(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    jumps_on();
    mlplat *ml = test_open(f->folder);
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    for (size_t i = 0; i < JUMPS; i++) {
        if (jumps[i] < -50 * YEAR_MS)
            continue; /* before 1970, which MLflow has no number for */
        jump_ms = jumps[i];
        assert_ok(mlplat_run_log_metric(run, "m", (double)i, (int64_t)i, &err));
    }
    assert_ok(mlplat_run_end(run, NULL, &err));
    assert_ok(mlplat_metric_history(ml, mlplat_run_id(run), "m", 0, NULL, &doc, &err));
    int64_t back = 0, forward = 0;
    assert_ok(mlplat_doc_int(doc, "metrics[0].timestamp", &back, &err));
    assert_ok(mlplat_doc_int(doc, "metrics[4].timestamp", &forward, &err));
    assert_true(forward - back > 39 * YEAR_MS && forward - back < 41 * YEAR_MS);
    mlplat_doc_free(doc);
    mlplat_run_free(run);
    mlplat_close(ml);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(delivery_goes_on),
        TEST(a_deadline_is_of_the_time_that_passes),
        TEST(the_hook_is_called_as_often_and_cancels),
        TEST(a_failing_store_is_given_its_time_whatever_the_wall_shows),
        TEST(an_orphan_is_one_in_any_year),
        TEST(runs_keep_the_times_that_the_wall_showed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
