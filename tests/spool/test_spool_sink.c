/* A store that fails, refuses, comes back; dead letters. */
#include "spool_fixture.h"

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

static void script_failure(fixture *f, mlplat_status status, bool retryable, int times)
{
    f->sink->retryable = retryable;
    f->sink->fail_times = times;
    f->sink->fail = (int)status;
}

static json_t *spool_state(fixture *f)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    return out;
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void dead_must_be(fixture *f, size_t want)
{
    json_t *state = spool_state(f);
    assert_int_equal(json_array_size(json_object_get(state, "dead_letters")), want);
    assert_int_equal(number(state, "dead"), (int64_t)want);
    json_decref(state);
}

static void a_store_that_comes_back_gets_everything_once(void **state)
{
    fixture *f = *state;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    script_failure(f, MLPLAT_UNAVAILABLE, true, 3);
    put_many(f->spool, "m", 0, 3000, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    assert_int_equal(count(f), 3000);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
    fixture_close(f);
    assert_true(fixture_logged(f, "does not take records (the fake store fails)"));
    assert_true(fixture_logged(f, "takes records again"));
    char *first = strstr(f->log, "does not take");
    assert_null(strstr(first + 1, "does not take")); /* once, not at every attempt */
}

static void draining_tells_why_the_store_refuses(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    script_failure(f, MLPLAT_NO_SPACE, false, -1);
    put_many(f->spool, "m", 0, 3, MLPLAT_DURABILITY_DEFAULT);
    assert_status(mlp_spool_drain(f->spool, -1, NULL, &err), MLPLAT_NO_SPACE); /* for good: no limit, yet it returns */
    assert_non_null(strstr(err.message, "the fake store fails"));
    script_failure(f, MLPLAT_UNAVAILABLE, true, -1);
    wait_until(f->sink->calls > 4);
    assert_status(mlp_spool_drain(f->spool, 100, NULL, &err), MLPLAT_UNAVAILABLE);
    assert_int_equal(err.retryable, 1);
    f->sink->fail = 0;
    drain(f);
    assert_int_equal(count(f), 3);
}

static void what_a_closed_session_left_is_stored_by_the_next(void **state)
{
    fixture *f = *state;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    script_failure(f, MLPLAT_DENIED, false, -1);
    put_many(f->spool, "m", 0, 1500, MLPLAT_DURABILITY_DEFAULT);
    put_many(f->spool, "m", 1500, 1510, MLPLAT_DURABILITY_DISK);
    fixture_close(f);
    assert_true(fixture_logged(f, "1510 record(s) are not yet in the store"));
    assert_true(fixture_logged(f, "mlplat spool sync"));
    assert_int_equal(entries(f->spool_folder, "left-", NULL), 1);
    f->sink->fail = 0;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS); /* in the same process */
    assert_int_equal(count(f), 1510);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

static void what_is_left_stays_while_the_store_still_refuses(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    script_failure(f, MLPLAT_DENIED, false, -1);
    put_many(f->spool, "m", 0, 5, MLPLAT_DURABILITY_DEFAULT);
    fixture_close(f);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_true(fixture_logged(f, "could not be stored now"));
    assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), MLPLAT_DENIED);
    json_t *state_now = spool_state(f);
    assert_int_equal(number(state_now, "waiting"), 5);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(state_now, "journals"), 0), "state")),
        "orphan");
    json_decref(state_now);
    f->sink->fail = 0;
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    assert_int_equal(number(out, "replayed"), 5);
    assert_int_equal(number(out, "journals"), 1);
    json_decref(out);
    assert_int_equal(count(f), 5);
}

/* ---- dead letters ------------------------------------------------------------------------------------------------ */

static void refused_records_become_dead_letters(fixture *f)
{
    uint64_t accepted, durable, stored, dead;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->refuse = MLPLAT_STATE;
    for (int i = 0; i < 30; i++)
        put_many(f->spool, i % 3 == 1 ? "refused" : "m", i, i + 1, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    mlp_spool_count(f->spool, &accepted, &durable, &stored, &dead);
    assert_int_equal(stored, 20);
    assert_int_equal(dead, 10);
    dead_must_be(f, 10);
    wait_until(fixture_logged(f, "refused") && fixture_logged(f, "run is deleted"));
}

static void a_dead_letter_tells_everything(fixture *f)
{
    json_t *state_now = spool_state(f);
    json_t *letter = json_array_get(json_object_get(state_now, "dead_letters"), 0);
    assert_string_equal(json_string_value(json_object_get(letter, "run_id")), RUN);
    assert_string_equal(json_string_value(json_object_get(letter, "kind")), "metric");
    assert_string_equal(json_string_value(json_object_get(letter, "key")), "refused");
    assert_string_equal(json_string_value(json_object_get(letter, "reason")), "run is deleted");
    assert_string_equal(json_string_value(json_object_get(letter, "status")), "STATE");
    assert_true(json_string_length(json_object_get(letter, "id")) > 9);
    assert_int_equal(number(letter, "step"), 1);
    assert_int_equal(number(letter, "timestamp"), 1700000000001);
    json_decref(state_now);
}

static void refused_records_are_set_aside_and_can_be_tried_again(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    f->sink->set_aside = true;
    refused_records_become_dead_letters(f);
    a_dead_letter_tells_everything(f);
    assert_ok(mlp_spool_retry(f->spool, NULL, &out, &err)); /* still refused */
    assert_int_equal(number(out, "stored"), 0);
    assert_int_equal(number(out, "dead"), 10);
    json_decref(out);
    dead_must_be(f, 10);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), 1); /* dead/ alone is kept */
    f->sink->refuse = 0;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    dead_must_be(f, 10);
    assert_ok(mlp_spool_retry(f->spool, NULL, &out, &err));
    assert_int_equal(number(out, "stored"), 10);
    assert_int_equal(number(out, "dead"), 0);
    json_decref(out);
    assert_int_equal(count(f), 30);
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct step) from rows where value = step * 0.5 and time = "
                                            "1700000000000 + step"),
                     30);
    dead_must_be(f, 0);
    assert_int_equal(fake_sink_ask(f->sink,
                                   "select count(*) from marks where journal not in (select journal from rows where "
                                   "key = 'm')"),
                     0);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

static void a_sink_that_does_not_set_aside_itself_loses_none_either(void **state)
{
    fixture *f = *state;
    refused_records_become_dead_letters(f);
}

static void values_that_json_does_not_know_survive_as_dead_letters(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    mlp_record r[4] = {metric("refused", -3), metric("refused", INT64_MAX), metric("refused", 0), metric("refused", 0)};
    r[0].value = -1.0 / 0.0;
    r[1].value = 0.1;
    r[2].value = 0.0 / 0.0;
    r[3] = (mlp_record){.kind = MLP_RECORD_TAG,
                        .run_id = RUN,
                        .run_id_n = 32,
                        .key = "refused",
                        .key_n = 7,
                        .text = "a\n\"b\xe2\x82\xac",
                        .text_n = 7};
    f->sink->refuse = MLPLAT_NOT_FOUND;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(mlp_spool_append(f->spool, r, 4, MLPLAT_DURABILITY_DEFAULT, &err));
    drain(f);
    dead_must_be(f, 4);
    f->sink->refuse = 0;
    assert_ok(mlp_spool_retry(f->spool, NULL, &out, &err));
    json_decref(out);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where value = -9e999 and step = -3"), 1);
    assert_int_equal(
        fake_sink_ask(f->sink, "select count(*) from rows where value = 0.1 and step = 9223372036854775807"), 1);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where value is null"), 1); /* SQLite's NaN */
    assert_int_equal(fake_sink_ask(f->sink,
                                   "select count(*) from rows where kind = 2 and text = 'a' || char(10) || '\"b' || "
                                   "char(8364)"),
                     1);
}

static void one_record_that_chokes_the_store_does_not_stop_the_others(void **state)
{
    static const mlplat_status how[] = {MLPLAT_INVALID, MLPLAT_CONFLICT, MLPLAT_NOT_FOUND, MLPLAT_CORRUPT,
                                        MLPLAT_STATE};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        f->sink->poison = (int)how[i];
        f->sink->hold = true; /* one batch */
        put_many(f->spool, "m", 0, 5, MLPLAT_DURABILITY_DEFAULT);
        put_many(f->spool, "poison", 5, 6, MLPLAT_DURABILITY_DEFAULT);
        put_many(f->spool, "m", 6, 10, MLPLAT_DURABILITY_DEFAULT);
        f->sink->hold = false;
        drain(f);
        assert_int_equal(count(f), 9 * (int)(i + 1));
        dead_must_be(f, i + 1);
        fixture_close(f);
    }
}

static void a_broken_store_makes_no_dead_letters(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    script_failure(f, MLPLAT_CORRUPT, false, -1);
    put_many(f->spool, "m", 0, 100, MLPLAT_DURABILITY_DEFAULT);
    assert_status(mlp_spool_drain(f->spool, -1, NULL, &err), MLPLAT_CORRUPT);
    dead_must_be(f, 0);
    f->sink->fail = 0;
    drain(f);
    assert_int_equal(count(f), 100);
}

static void level_remote_tells_what_the_store_said(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    uint64_t accepted, durable, stored, dead;
    fixture_open(f, MLPLAT_DURABILITY_REMOTE);
    f->sink->refuse = MLPLAT_STATE;
    assert_ok(put(f->spool, "m", 0, MLPLAT_DURABILITY_DEFAULT, &err));
    assert_status(put(f->spool, "refused", 1, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_STATE);
    assert_non_null(strstr(err.message, "run is deleted"));
    script_failure(f, MLPLAT_DENIED, false, -1);
    assert_status(put(f->spool, "m", 2, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_DENIED);
    assert_non_null(strstr(err.message, "goes on trying"));
    mlp_spool_count(f->spool, &accepted, &durable, &stored, &dead);
    assert_int_equal(accepted, 3);
    assert_int_equal(durable, 1);
    f->sink->fail = 0;
    drain(f);
    assert_int_equal(count(f), 2);
}

static void a_kill_between_commit_and_dead_letter_loses_nothing(void **state)
{
    fixture *f = *state;
    fake_sink_close(f->sink);
    f->sink = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        f->sink = fake_sink_open(f->store);
        f->sink->set_aside = true;
        f->sink->refuse = MLPLAT_STATE;
        f->sink->die_after_commit = true;
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        mlp_record r[5] = {metric("m", 0), metric("refused", 1), metric("m", 2), metric("refused", 3), metric("m", 4)};
        mlp_spool_append(f->spool, r, 5, MLPLAT_DURABILITY_DEFAULT, NULL); /* one call is one batch */
        for (;;)
            pause();
    }
    waitpid(pid, NULL, 0);
    f->sink = fake_sink_open(f->store);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 3);
    dead_must_be(f, 2);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_store_that_comes_back_gets_everything_once),
        TEST(draining_tells_why_the_store_refuses),
        TEST(what_a_closed_session_left_is_stored_by_the_next),
        TEST(what_is_left_stays_while_the_store_still_refuses),
        TEST(refused_records_are_set_aside_and_can_be_tried_again),
        TEST(a_sink_that_does_not_set_aside_itself_loses_none_either),
        TEST(values_that_json_does_not_know_survive_as_dead_letters),
        TEST(one_record_that_chokes_the_store_does_not_stop_the_others),
        TEST(a_broken_store_makes_no_dead_letters),
        TEST(level_remote_tells_what_the_store_said),
        TEST(a_kill_between_commit_and_dead_letter_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
