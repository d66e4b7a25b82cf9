/* Accepting, order, levels, waiting, closing. */
#include "spool_fixture.h"
#include "support/scarce_memory.h"
#include <math.h>

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

static void records_arrive_whole_and_in_order(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_DEFAULT);
    put_many(f->spool, "m", 0, 25000, MLPLAT_DURABILITY_DEFAULT); /* more than two segments */
    mlp_record tag = {.kind = MLP_RECORD_TAG,
                      .run_id = RUN,
                      .run_id_n = 32,
                      .key = "t\xc3\xa4g",
                      .key_n = 4,
                      .text = "va\"lue\n",
                      .text_n = 7};
    assert_ok(mlp_spool_append(f->spool, &tag, 1, MLPLAT_DURABILITY_DEFAULT, &err));
    drain(f);
    assert_int_equal(count(f), 25001);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where seq != n"), 0);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where kind = 1 and (step != n - 1 or value != "
                                            "step * 0.5 or key != 'm' or time != 1700000000000 + step % 1000000)"),
                     0);
    assert_int_equal(fake_sink_ask(f->sink,
                                   "select count(*) from rows where kind = 2 and key = 't\xc3\xa4g' and text = "
                                   "'va\"lue\n' and run = '" RUN "'"),
                     1);
    assert_true(f->sink->largest <= MLP_SPOOL_BATCH);
    assert_true(mlp_spool_idle(f->spool));
}

static void one_call_is_all_or_none_and_may_be_large(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    size_t n = 40000; /* nearly four segments */
    mlp_record *records = calloc(n, sizeof *records);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    for (size_t i = 0; i < n; i++)
        records[i] = metric("m", (int64_t)i);
    assert_ok(mlp_spool_append(f->spool, records, n, MLPLAT_DURABILITY_DEFAULT, &err));
    records[n - 1].key_n = 70000;
    assert_status(mlp_spool_append(f->spool, records, n, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_INVALID);
    assert_ok(mlp_spool_append(f->spool, records, 0, MLPLAT_DURABILITY_DEFAULT, &err));
    drain(f);
    assert_int_equal(count(f), (int64_t)n);
    free(records);
}

static void every_level_delivers_in_the_order_of_acceptance(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_MEMORY);
    for (int i = 0; i < 400; i++)
        assert_ok(put(f->spool, "m", i, (mlplat_durability)(MLPLAT_DURABILITY_MEMORY + i * 7 % 3), &err));
    assert_ok(put(f->spool, "m", 400, MLPLAT_DURABILITY_REMOTE, &err));
    assert_int_equal(count(f), 401); /* remote waits for all before it */
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
}

static void counts_tell_what_was_promised(void **state)
{
    fixture *f = *state;
    uint64_t accepted, durable, stored, dead;
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    f->sink->hold = true;
    put_many(f->spool, "m", 0, 5, MLPLAT_DURABILITY_DEFAULT);
    mlp_spool_count(f->spool, &accepted, &durable, &stored, &dead);
    assert_int_equal(accepted, 5);
    assert_int_equal(durable, 5);
    assert_int_equal(stored + dead, 0);
    assert_false(mlp_spool_idle(f->spool));
    f->sink->hold = false;
    drain(f);
    mlp_spool_count(f->spool, &accepted, &durable, &stored, &dead);
    assert_int_equal(stored, 5);
    assert_int_equal(dead, 0);
}

typedef struct logger_thread {
    fixture *f;
    int number, n;
    mlplat_durability level;
    bool failed;
} logger_thread;

static void *log_many(void *arg)
{
    logger_thread *t = arg;
    mlplat_error err = {0};
    char key[16];
    snprintf(key, sizeof key, "k%d", t->number);
    for (int i = 0; i < t->n && !t->failed; i++)
        t->failed = put(t->f->spool, key, i, t->level, &err) != MLPLAT_OK;
    return NULL;
}

static void threads_log_at_once(fixture *f, mlplat_durability a, mlplat_durability b, int n)
{
    logger_thread t[8];
    pthread_t ids[8];
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    for (int i = 0; i < 8; i++) {
        t[i] = (logger_thread){.f = f, .number = i, .n = n, .level = i % 2 ? a : b};
        pthread_create(&ids[i], NULL, log_many, &t[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(ids[i], NULL);
        assert_false(t[i].failed);
    }
    drain(f);
    assert_int_equal(count(f), 8 * n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct key || step) from rows"), 8 * n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where seq != n"), 0);
    assert_int_equal(fake_sink_ask(f->sink,
                                   "select count(*) from (select step - lag(step) over (partition by key order by n) "
                                   "as d from rows) where d != 1"),
                     0);
    fixture_close(f);
}

static void eight_threads_lose_and_mix_nothing(void **state)
{
    threads_log_at_once(*state, MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_PROCESS, 5000);
}

static void threads_of_different_levels_lose_and_mix_nothing(void **state)
{
    threads_log_at_once(*state, MLPLAT_DURABILITY_DISK, MLPLAT_DURABILITY_PROCESS, 60);
}

static void memory_level_waits_when_its_ring_is_full(void **state)
{
    fixture *f = *state;
    pthread_t id;
    logger_thread t = {.f = f, .n = 200000, .level = MLPLAT_DURABILITY_MEMORY};
    uint64_t accepted, durable, stored, dead, before = 0;
    fixture_open(f, MLPLAT_DURABILITY_MEMORY);
    f->sink->hold = true;
    pthread_create(&id, NULL, log_many, &t);
    wait_until(f->sink->calls > 0);
    do { /* until it stands still for 50 ms */
        before = atomic_load(&f->sink->calls) ? before : 0;
        mlp_spool_count(f->spool, &before, &durable, &stored, &dead);
        int64_t end = mlp_clock_mono_ns() + 50000000;
        wait_until(mlp_clock_mono_ns() > end);
        mlp_spool_count(f->spool, &accepted, &durable, &stored, &dead);
    } while (accepted != before);
    assert_true(accepted < 100000); /* 8 MiB */
    f->sink->hold = false;
    pthread_join(id, NULL);
    assert_false(t.failed);
    drain(f);
    assert_int_equal(count(f), 200000);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1); /* no file at all */
}

static void draining_says_when_time_is_up(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(mlp_spool_drain(f->spool, 0, NULL, &err));
    f->sink->hold = true;
    put_many(f->spool, "m", 0, 3, MLPLAT_DURABILITY_DEFAULT);
    assert_status(mlp_spool_drain(f->spool, 0, NULL, &err), MLPLAT_TIMEOUT);
    assert_status(mlp_spool_drain(f->spool, 30, NULL, &err), MLPLAT_TIMEOUT);
    f->sink->hold = false;
    assert_ok(mlp_spool_drain(f->spool, -1, NULL, &err));
    assert_int_equal(count(f), 3);
}

static int cancel_at_third(void *user, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    return ++*(int *)user == 3;
}

static void the_hook_cancels_a_drain(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int calls = 0;
    mlp_hook hook = {cancel_at_third, &calls};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->hold = true;
    put_many(f->spool, "m", 0, 3, MLPLAT_DURABILITY_DEFAULT);
    assert_status(mlp_spool_drain(f->spool, -1, &hook, &err), MLPLAT_CANCELLED);
    assert_int_equal(calls, 3);
    f->sink->hold = false;
}

static void closing_leaves_nothing_behind(void **state)
{
    fixture *f = *state;
    int descriptors = entries("/proc/self/fd", "", NULL);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 100, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 100, 110, MLPLAT_DURABILITY_DISK);
    assert_int_equal(entries(f->spool_folder, "", NULL), 1);
    fixture_close(f);
    assert_int_equal(count(f), 110);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from marks"), 0);
    assert_int_equal(entries("/proc/self/fd", "", NULL), descriptors);
}

static void opening_and_closing_alone_touches_no_file(void **state)
{
    fixture *f = *state;
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    assert_int_equal(f->sink->calls + f->sink->forgotten, 0);
}

static void two_sessions_of_a_process_keep_out_of_each_others_way(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(f->sink);
    mlp_spool *second;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->hold = true;
    put_many(f->spool, "a", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    assert_ok(mlp_spool_open(&o, &table, &second, &err));
    put_many(second, "b", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    assert_int_equal(entries(f->spool_folder, "", NULL), 2);
    f->sink->hold = false;
    mlp_spool_close(second, NULL);
    put_many(f->spool, "a", 10, 20, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct key || step) from rows"), 30);
    assert_int_equal(count(f), 30);
}

static void what_is_not_finite_or_small_passes(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_record r[3] = {metric("m", INT64_MIN + 1), metric("m", INT64_MAX), metric("", 0)};
    r[0].value = INFINITY;
    r[1].value = -5e-324;
    r[2].run_id_n = 0;
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    assert_ok(mlp_spool_append(f->spool, r, 3, MLPLAT_DURABILITY_DEFAULT, &err));
    drain(f);
    assert_int_equal(
        fake_sink_ask(f->sink, "select count(*) from rows where value = 9e999 and step = -9223372036854775807"), 1);
    assert_int_equal(
        fake_sink_ask(f->sink, "select count(*) from rows where value = -5e-324 and step = 9223372036854775807"), 1);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where key = '' and run = ''"), 1);
}

static void a_text_larger_than_a_segment_passes(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    size_t n = 3u << 20;
    char *text = malloc(n);
    memset(text, 'x', n);
    mlp_record tag = {
        .kind = MLP_RECORD_TAG, .run_id = RUN, .run_id_n = 32, .key = "t", .key_n = 1, .text = text, .text_n = n};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(mlp_spool_append(f->spool, &tag, 1, MLPLAT_DURABILITY_PROCESS, &err));
    assert_ok(mlp_spool_append(f->spool, &tag, 1, MLPLAT_DURABILITY_DISK, &err));
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_PROCESS);
    drain(f);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where length(text) = 3145728"), 2);
    free(text);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static int mapped_segments(void)
{
    char line[1000];
    int n = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        n += strstr(line, ".mls") != NULL;
    fclose(maps);
    return n;
}

static void a_long_outage_of_the_store_does_not_make_the_process_large(void **state)
{
    fixture *f = *state;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->retryable = true;
    f->sink->fail_times = -1;
    f->sink->fail = MLPLAT_UNAVAILABLE;
    put_many(f->spool, "m", 0, 300, MLPLAT_DURABILITY_DISK);
    put_many(f->spool, "m", 300, 250000, MLPLAT_DURABILITY_PROCESS); /* 24 segments */
    wait_until(mapped_segments() <= 8);
    f->sink->fail = 0;
    drain(f);
    assert_int_equal(count(f), 250000);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
    assert_false(fixture_logged(f, "damaged"));
}

static void an_allocation_that_fails_loses_nothing_accepted(void **state)
{
    static const mlplat_durability levels[] = {MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_DISK,
                                               MLPLAT_DURABILITY_MEMORY};
    fixture *f = *state;
    bool reached = true;
    scarce_memory_on();
    for (long nth = 0; reached; nth++) {
        mlplat_error err = {0};
        mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
        mlp_sink table = fake_sink_table(f->sink);
        int accepted = 0;
        scarce_memory_arm_any(nth);
        mlplat_status opened = mlp_spool_open(&o, &table, &f->sink->spool, &err);
        f->spool = f->sink->spool;
        for (int i = 0; opened == MLPLAT_OK && i < 30; i++) {
            mlplat_status status = put(f->spool, i % 10 == 9 ? "refused" : "m", i, levels[i % 3], &err);
            accepted += status == MLPLAT_OK;
            assert_true(status == MLPLAT_OK || status == MLPLAT_NO_MEMORY);
        }
        f->sink->set_aside = true;
        f->sink->refuse = MLPLAT_STATE;
        if (opened == MLPLAT_OK)
            (void)mlp_spool_drain(f->spool, 2000, NULL, &err);
        reached = scarce_memory_disarm();
        uint64_t a = 0, b, stored = 0, dead = 0;
        if (opened == MLPLAT_OK) {
            drain(f);
            mlp_spool_count(f->spool, &a, &b, &stored, &dead);
            fixture_close(f);
        }
        assert_int_equal(a, accepted);
        assert_int_equal(stored + dead, accepted);
        assert_int_equal(count(f), stored);
        fake_sink_ask(f->sink, "delete from rows");
    }
    scarce_memory_off();
}

/* ---- fork -------------------------------------------------------------------------------------------------------- */

static int child_of_fork(mlp_spool *spool)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    uint64_t a, b, c, d;
    bool right = put(spool, "m", 1, MLPLAT_DURABILITY_DEFAULT, &err) == MLPLAT_STATE && err.message[0] &&
                 put(spool, "m", 1, MLPLAT_DURABILITY_DISK, &err) == MLPLAT_STATE &&
                 mlp_spool_drain(spool, -1, NULL, &err) == MLPLAT_STATE &&
                 mlp_spool_status(spool, &out, &err) == MLPLAT_STATE &&
                 mlp_spool_sync(spool, NULL, &out, &err) == MLPLAT_STATE &&
                 mlp_spool_retry(spool, NULL, &out, &err) == MLPLAT_STATE;
    mlp_spool_count(spool, &a, &b, &c, &d);
    mlp_spool_close(spool, NULL);
    return right ? 0 : 1;
}

static void a_forked_child_is_told_and_disturbs_nobody(void **state)
{
    fixture *f = *state;
    int how;
    NEEDS_PLAIN_MEMORY();
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 100, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 100, 110, MLPLAT_DURABILITY_DISK);
    for (int i = 0; i < 20; i++) {
        put_many(f->spool, "m", 110 + 50 * i, 110 + 50 * (i + 1),
                 MLPLAT_DURABILITY_PROCESS); /* while it is delivering */
        pid_t pid = fork();
        if (pid == 0)
            _exit(child_of_fork(f->spool));
        waitpid(pid, &how, 0);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
    drain(f);
    assert_int_equal(count(f), 1110);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_forked_child_is_told_and_disturbs_nobody),
        TEST(records_arrive_whole_and_in_order),
        TEST(one_call_is_all_or_none_and_may_be_large),
        TEST(every_level_delivers_in_the_order_of_acceptance),
        TEST(counts_tell_what_was_promised),
        TEST(eight_threads_lose_and_mix_nothing),
        TEST(threads_of_different_levels_lose_and_mix_nothing),
        TEST(memory_level_waits_when_its_ring_is_full),
        TEST(draining_says_when_time_is_up),
        TEST(the_hook_cancels_a_drain),
        TEST(closing_leaves_nothing_behind),
        TEST(opening_and_closing_alone_touches_no_file),
        TEST(two_sessions_of_a_process_keep_out_of_each_others_way),
        TEST(what_is_not_finite_or_small_passes),
        TEST(a_text_larger_than_a_segment_passes),
        TEST(a_long_outage_of_the_store_does_not_make_the_process_large),
        TEST(an_allocation_that_fails_loses_nothing_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
