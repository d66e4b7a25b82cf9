/* Delivery to a server: one that is slow, away or busy is asked as it can bear, and nobody waits for it. */
#include "spool_fixture.h"

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

static void all_there_once(fixture *f, int64_t n)
{
    assert_int_equal(count(f), n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
}

static void open_remote(fixture *f, int64_t close_ms, uint64_t rate)
{
    mlplat_error err = {0};
    f->sink->remote = true;
    f->sink->retryable = true;
    mlp_sink table = fake_sink_table(f->sink);
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    o.close_ms = close_ms;
    o.rate = rate;
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
}

static int64_t ms_since(int64_t begin)
{
    return (mlp_clock_mono_ns() - begin) / 1000000;
}

static void a_batch_that_takes_too_long_becomes_smaller(void **state)
{
    fixture *f = *state;
    f->sink->too_many = 300;
    open_remote(f, 0, 0);
    put_many(f->spool, "m", 0, 5000, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    all_there_once(f, 5000);
    f->sink->too_many = 0;
    f->sink->largest = 0;
    put_many(f->spool, "m", 5000, 60000, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    all_there_once(f, 60000);
    assert_true(f->sink->largest > 1000 && f->sink->largest <= MLP_PACE_MOST);
}

static void a_server_that_is_away_is_asked_seldom_and_for_little(void **state)
{
    fixture *f = *state;
    f->sink->fail_times = -1;
    f->sink->fail = MLPLAT_UNAVAILABLE;
    open_remote(f, 0, 0);
    put_many(f->spool, "m", 0, 20000, MLPLAT_DURABILITY_DEFAULT);
    int64_t begin = mlp_clock_mono_ns();
    wait_until(f->sink->calls >= 6);
    f->sink->largest = 0;
    int calls = f->sink->calls;
    wait_until(f->sink->calls >= calls + 2);
    assert_true(f->sink->largest <= MLP_PACE_REQUEST);
    assert_true(mlp_spool_is_down(f->spool) && ms_since(begin) > 20);
    f->sink->fail = 0;
    drain(f); /* who waits has it asked at once, not at the end of the pause */
    all_there_once(f, 20000);
}

static void the_pause_has_no_fixed_length_and_a_limit(void **state)
{
    fixture *f = *state;
    int64_t shortest = INT64_MAX, longest = 0;
    mlp_pace pace = {0};
    open_remote(f, 0, 0);
    mlp_pace_went_well(f->spool, &pace, 1); /* few records are no reason for small batches */
    assert_int_equal(mlp_pace_batch(f->spool, &pace), MLP_PACE_REQUEST);
    for (int i = 0; i < 400; i++) {
        mlp_pace_failed(f->spool, &pace, MLPLAT_UNAVAILABLE, 1000);
        int64_t left = mlp_pace_left_ms(f->spool, &pace, false);
        assert_true(left <= 10001);
        assert_true(mlp_pace_left_ms(f->spool, &pace, true) <= 1001);
        if (i < 10)
            continue;
        shortest = left < shortest ? left : shortest;
        longest = left > longest ? left : longest;
    }
    assert_true(shortest < 2000 && longest > 8000);
    mlp_pace_failed(f->spool, &pace, MLPLAT_TIMEOUT, 1000);
    assert_int_equal(mlp_pace_batch(f->spool, &pace), 500);
    mlp_pace_failed(f->spool, &pace, MLPLAT_TIMEOUT, 1);
    assert_int_equal(mlp_pace_batch(f->spool, &pace), 1);
    mlp_pace_went_well(f->spool, &pace, 1);
    assert_int_equal(mlp_pace_batch(f->spool, &pace), 2);
    f->sink->rest_until = mlp_clock_mono_ns() + 60000000000;
    assert_true(mlp_pace_left_ms(f->spool, &pace, true) > 50000);
}

static void a_server_that_asked_for_peace_has_it(void **state)
{
    fixture *f = *state;
    open_remote(f, 0, 0);
    f->sink->fail = MLPLAT_UNAVAILABLE;
    f->sink->fail_times = 1;
    int64_t until = mlp_clock_mono_ns() + 600000000;
    f->sink->rest_until = until;
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    wait_until(f->sink->calls >= 1);
    int before = f->sink->calls;
    drain(f);
    assert_true(mlp_clock_mono_ns() >= until);
    assert_true(f->sink->calls <= before + 2);
    all_there_once(f, 10);
}

static void a_rate_limit_is_kept(void **state)
{
    fixture *f = *state;
    open_remote(f, 0, 2000);
    int64_t begin = mlp_clock_mono_ns();
    put_many(f->spool, "m", 0, 5000, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    assert_true(ms_since(begin) >= 1500); /* the last batch, of 2,000 at most, is not waited for */
    assert_true(f->sink->largest <= 2000);
    all_there_once(f, 5000);
}

static void large_texts_make_small_batches(void **state)
{
    fixture *f = *state;
    enum { BIG = 400000 };
    char *text = malloc(BIG);
    mlplat_error err = {0};
    memset(text, 'x', BIG);
    f->sink->hold = true;
    open_remote(f, 0, 0);
    for (int i = 0; i < 20; i++) {
        mlp_record tag = {.kind = MLP_RECORD_TAG, .run_id = RUN, .run_id_n = 32, .key = "t", .key_n = 1, .text = text,
                          .text_n = BIG, .step = i};
        assert_ok(mlp_spool_append(f->spool, &tag, 1, MLPLAT_DURABILITY_DEFAULT, &err));
    }
    f->sink->hold = false;
    drain(f);
    assert_int_equal(count(f), 20);
    assert_true(f->sink->largest <= 6);
    free(text);
}

static void closing_with_a_dead_server_takes_its_time_and_no_longer(void **state)
{
    fixture *f = *state;
    open_remote(f, 300, 0);
    f->sink->hold = true; /* it takes the request and never answers */
    put_many(f->spool, "m", 0, 1000, MLPLAT_DURABILITY_DEFAULT);
    wait_until(f->sink->calls > 0);
    int64_t begin = mlp_clock_mono_ns();
    fixture_close(f);
    int64_t took = ms_since(begin);
    assert_true(took >= 300 && took < 5000);
    assert_true(fixture_logged(f, "1000 record(s) are not yet in the store"));
    assert_true(fixture_logged(f, "mlplat spool sync"));
    assert_int_equal(entries(f->spool_folder, "left-", NULL), 1);
    assert_int_equal(count(f), 0);
    f->sink->hold = false;
    f->sink->until = 0;
    open_remote(f, 0, 0);
    wait_until(count(f) == 1000);
    all_there_once(f, 1000);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

static void a_flush_has_a_limit_with_a_server_that_says_nothing(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    open_remote(f, 100, 0);
    f->sink->hold = true;
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    int64_t begin = mlp_clock_mono_ns();
    assert_status(mlp_spool_drain(f->spool, 200, NULL, &err), MLPLAT_TIMEOUT);
    assert_true(ms_since(begin) >= 200);
    assert_non_null(strstr(err.message, "10 record(s)"));
    f->sink->hold = false;
    drain(f);
    all_there_once(f, 10);
}

/* What another process left is brought in by the thread that delivers; what it was is older, so it goes first. */
static void nobody_waits_for_a_server_to_open_beside_an_orphan(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 3000, MLPLAT_DURABILITY_PROCESS);
    f->sink->hold = true;
    int64_t begin = mlp_clock_mono_ns();
    open_remote(f, 0, 0);
    put_many(f->spool, "m", 3000, 4000, MLPLAT_DURABILITY_DEFAULT);
    assert_true(ms_since(begin) < 5000);
    assert_int_equal(count(f), 0);
    f->sink->hold = false;
    drain(f);
    wait_until(count(f) == 4000);
    all_there_once(f, 4000);
    json_t *out = NULL;
    mlplat_error err = {0};
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    assert_int_equal(json_integer_value(json_object_get(out, "replayed")), 3000);
    json_decref(out);
}

static void an_orphan_waits_for_a_server_that_is_away(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 3000, MLPLAT_DURABILITY_PROCESS);
    f->sink->fail_times = -1;
    f->sink->fail = MLPLAT_UNAVAILABLE;
    open_remote(f, 100, 0);
    wait_until(fixture_logged(f, "could not be stored now"));
    fixture_close(f);
    f->sink->fail = 0;
    f->sink->until = 0;
    f->sink->too_many = 700;
    open_remote(f, 0, 0);
    wait_until(count(f) == 3000);
    all_there_once(f, 3000);
}

static int64_t slowest_of(fixture *f, int64_t from, int64_t to)
{
    int64_t slowest = 0;
    mlplat_error err = {0};
    for (int64_t i = from; i < to; i++) {
        int64_t begin = mlp_clock_mono_ns();
        assert_ok(put(f->spool, "m", i, MLPLAT_DURABILITY_DEFAULT, &err));
        int64_t took = mlp_clock_mono_ns() - begin;
        slowest = took > slowest ? took : slowest;
    }
    return slowest / 1000;
}

static void no_call_waits_for_a_server_that_does_not_answer(void **state)
{
    fixture *f = *state;
    open_remote(f, 0, 0);
    f->sink->hold = true;
    put_many(f->spool, "m", 0, 1000, MLPLAT_DURABILITY_DEFAULT);
    wait_until(f->sink->calls > 0);
    int64_t slowest = slowest_of(f, 1000, 300000);
    printf("slowest of 300,000 calls beside a server that does not answer: %lld us\n", (long long)slowest);
    assert_true(slowest < 2000000); /* of the machine, whatever runs beside; the server would be waited for for ever */
    wait_until(f->spool->quota.bytes < 20 << 20); /* and what waits is packed meanwhile */
    f->sink->hold = false;
    drain(f);
    all_there_once(f, 300000);
}

static void a_server_that_says_nothing_for_long_is_down_until_it_answers(void **state)
{
    fixture *f = *state;
    open_remote(f, 0, 0);
    assert_false(mlp_spool_is_down(f->spool));
    f->sink->hold = true;
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    wait_until(f->sink->calls > 0);
    int64_t begin = mlp_clock_mono_ns();
    wait_until(mlp_spool_is_down(f->spool));
    assert_true(ms_since(begin) > 1000); /* one that is slow is no such one */
    f->sink->hold = false;
    drain(f);
    assert_false(mlp_spool_is_down(f->spool));
    all_there_once(f, 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_batch_that_takes_too_long_becomes_smaller),
        TEST(a_server_that_is_away_is_asked_seldom_and_for_little),
        TEST(the_pause_has_no_fixed_length_and_a_limit),
        TEST(a_server_that_asked_for_peace_has_it),
        TEST(a_rate_limit_is_kept),
        TEST(large_texts_make_small_batches),
        TEST(closing_with_a_dead_server_takes_its_time_and_no_longer),
        TEST(a_flush_has_a_limit_with_a_server_that_says_nothing),
        TEST(nobody_waits_for_a_server_to_open_beside_an_orphan),
        TEST(an_orphan_waits_for_a_server_that_is_away),
        TEST(no_call_waits_for_a_server_that_does_not_answer),
        TEST(a_server_that_says_nothing_for_long_is_down_until_it_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
