/* Dead letters where something is in the way: memory, the disk, files that are none of ours, a store in two minds. */
#include "spool_calls.h"
#include "support/scarce_memory.h"
#include <stdlib.h>

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static json_t *letters(fixture *f, json_t **state)
{
    mlplat_error err = {0};
    assert_ok(mlp_spool_status(f->spool, state, &err));
    return json_object_get(*state, "dead_letters");
}

static void dead_must_be(fixture *f, size_t want)
{
    json_t *state = NULL;
    assert_int_equal(json_array_size(letters(f, &state)), want);
    json_decref(state);
}

static const char *dead_folder(fixture *f)
{
    return test_path(f->spool_folder, "dead");
}

static void write_letter_file(fixture *f, const char *id, const char *text)
{
    char name[120];
    snprintf(name, sizeof name, "%s-%020d.jsonl", id, 7);
    FILE *file = fopen(test_path(dead_folder(f), name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A session with one dead letter. */
static void open_with_one(fixture *f)
{
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->set_aside = true;
    f->sink->refuse = MLPLAT_STATE;
    put_many(f->spool, "refused", 0, 1, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
}

static mlplat_status put_letters(fixture *f, const char *id, uint64_t first, mlplat_error *err)
{
    mlp_record r[2] = {metric("refused", 1), metric("refused too", 2)};
    mlp_verdict v[2] = {{MLPLAT_STATE, "run is deleted"}, {MLPLAT_NOT_FOUND, ""}};
    size_t dead = 0;
    r[0].seq = first;
    r[1].seq = first + 1;
    mlplat_status status = mlp_deadletter_put(f->spool, id, r, v, 2, &dead, err);
    if (status == MLPLAT_OK)
        assert_int_equal(dead, 2);
    return status;
}

/* ---- names and bytes of others ----------------------------------------------------------------------------------- */

static void a_file_of_another_kind_is_no_dead_letter(void **state)
{
    fixture *f = *state;
    open_with_one(f);
    FILE *file = fopen(test_path(dead_folder(f), "README"), "w");
    assert_non_null(file);
    fclose(file);
    dead_must_be(f, 1);
    f->sink->refuse = 0;
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_retry(f->spool, NULL, &out, &err));
    json_decref(out);
    assert_int_equal(access(test_path(dead_folder(f), "README"), F_OK), 0);
    unlink(test_path(dead_folder(f), "README"));
}

static void a_key_that_is_no_utf8_is_repaired_in_its_dead_letter(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    mlp_record r = metric("refused\xff", 0);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->refuse = MLPLAT_STATE;
    assert_ok(mlp_spool_append(f->spool, &r, 1, MLPLAT_DURABILITY_DEFAULT, &err));
    drain(f);
    json_t *letter = json_array_get(letters(f, &out), 0);
    assert_string_equal(json_string_value(json_object_get(letter, "key")), "refused\xef\xbf\xbd");
    json_decref(out);
}

static void a_damaged_file_is_told_and_costs_no_other(void **state)
{
    static const char *const texts[] = {"{\"kind\": \"metr", "[1]\n", "{\"kind\": \"tag\", \"run_id\": \"a\"}\n",
                                        "{\"kind\": \"metric\", \"run_id\": \"a\", \"key\": \"b\", \"value\": 1}\n"};
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    open_with_one(f);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_letter_file(f, "00000000000000000000000000000000", texts[i]);
        f->log[0] = 0;
        dead_must_be(f, 1);
        assert_true(fixture_logged(f, "is damaged at byte 0: it is left alone"));
        assert_status(mlp_spool_retry(f->spool, NULL, &out, &err), MLPLAT_CORRUPT);
        assert_non_null(strstr(err.message, "00000000000000000000000000000000"));
        assert_int_equal(entries(dead_folder(f), "00000000000000000000000000000000", NULL), 1);
    }
}

/* ---- what is in the way ------------------------------------------------------------------------------------------ */

static mlplat_status put_once(fixture *f, mlplat_error *err)
{
    return put_letters(f, "0123456789abcdef0123456789abcdef", 5, err);
}

static mlplat_status list_once(fixture *f, mlplat_error *err)
{
    json_t *out = NULL;
    mlplat_status status = mlp_spool_status(f->spool, &out, err);
    if (status == MLPLAT_OK)
        assert_int_equal(number(out, "dead"), 2);
    json_decref(out);
    return status;
}

static mlplat_status retry_once(fixture *f, mlplat_error *err)
{
    json_t *out = NULL;
    mlplat_status status = mlp_spool_retry(f->spool, NULL, &out, err);
    if (status == MLPLAT_OK)
        assert_int_equal(number(out, "dead"), 2);
    json_decref(out);
    return status;
}

/* What fails leaves the letters as they were, and says so; how many failures were told. */
static int sweep(fixture *f, mlplat_status (*call)(fixture *f, mlplat_error *err), mlplat_status want, int error)
{
    int told = 0;
    bool reached = true;
    for (unsigned nth = 0; reached && nth < 500; nth++) {
        mlplat_error err = {0};
        if (error)
            plan_calls(plan.call, plan.holding, nth < 32 ? 1u << nth : 0, error);
        else
            scarce_memory_arm(nth);
        mlplat_status status = call(f, &err);
        reached = error ? plan.met > nth : scarce_memory_disarm();
        plan_none();
        if (status != MLPLAT_OK && status != want)
            fail_msg("failure %u: %s: %s", nth, mlplat_status_name(status), err.message);
        told += status != MLPLAT_OK;
        assert_int_equal(entries(dead_folder(f), "new-", NULL), 0);
    }
    assert_false(reached);
    return told;
}

static void open_with_two(fixture *f)
{
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    mlplat_error err = {0};
    assert_ok(put_once(f, &err));
    f->sink->refuse = MLPLAT_STATE;
}

static void memory_that_runs_out_is_told_and_costs_no_letter(void **state)
{
    fixture *f = *state;
    open_with_two(f);
    scarce_memory_on_all();
    assert_true(sweep(f, put_once, MLPLAT_NO_MEMORY, 0) > 10);
    assert_true(sweep(f, list_once, MLPLAT_NO_MEMORY, 0) > 10);
    scarce_memory_off();
    dead_must_be(f, 2);
}

static void a_disk_that_fails_is_told_and_costs_no_letter(void **state)
{
    static const planned_call calls[] = {ON_OPEN, ON_FSYNC, ON_RENAME, ON_FSTAT};
    fixture *f = *state;
    open_with_two(f);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        plan.call = calls[i];
        plan.holding = NULL;
        assert_true(sweep(f, put_once, MLPLAT_IO, EIO) > 0);
        dead_must_be(f, 2);
    }
    plan.call = ON_OPEN;
    assert_true(sweep(f, list_once, MLPLAT_IO, EIO) > 0);
    plan.call = ON_READ;
    assert_true(sweep(f, list_once, MLPLAT_IO, EIO) > 0);
    dead_must_be(f, 2);
}

static void a_letter_that_cannot_be_removed_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    open_with_one(f);
    f->sink->refuse = 0;
    plan_calls(ON_UNLINK, ".jsonl", EACH, EIO);
    assert_status(mlp_spool_retry(f->spool, NULL, &out, &err), MLPLAT_IO);
    assert_non_null(strstr(err.message, ".jsonl"));
    plan_none();
    dead_must_be(f, 1);
}

/* ---- other processes --------------------------------------------------------------------------------------------- */

static void take_letters_away(void *user)
{
    fixture *f = user;
    char name[300];
    while (entries(dead_folder(f), ".jsonl", name) > 0)
        assert_int_equal(unlink(test_path(dead_folder(f), name)), 0);
}

static void a_letter_that_another_process_stores_just_now_is_passed_by(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    open_with_one(f);
    plan_hook(ON_OPEN, ".jsonl", take_letters_away, f);
    dead_must_be(f, 0);
    plan_none();
    assert_ok(put_letters(f, "0123456789abcdef0123456789abcdef", 5, &err));
    plan_hook(ON_OPEN, ".jsonl", take_letters_away, f);
    assert_ok(mlp_spool_retry(f->spool, NULL, &out, &err));
    assert_int_equal(number(out, "stored") + number(out, "dead"), 0);
    json_decref(out);
}

static void what_was_never_committed_is_forgotten(void **state)
{
    static const char id[] = "0123456789abcdef0123456789abcdef";
    fixture *f = *state;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    mlp_deadletter_take_back(f->spool, id, 5); /* nothing is there */
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    assert_ok(put_letters(f, id, 5, &err));
    assert_ok(put_letters(f, id, 50, &err));
    assert_ok(put_letters(f, "ffffffffffffffffffffffffffffffff", 60, &err));
    mlp_deadletter_reset(f->spool, id, 20);
    dead_must_be(f, 4);
    mlp_deadletter_take_back(f->spool, id, 5);
    dead_must_be(f, 2);
}

/* ---- a store in two minds ---------------------------------------------------------------------------------------- */

typedef struct minded {
    mlp_sink real;
    fixture *f;
    _Atomic int fail_after_aside; /* so often it fails when the letters are set aside, before it commits */
    bool second_thoughts; /* once: refuses, sets aside, and then takes everything */
    bool other_thoughts;  /* once: sets the second aside, then the first */
    int away_after;       /* calls, then it is away; negative: never */
    int most;             /* records that it takes at once; 0: any */
} minded;

static mlplat_status set_aside(const minded *m, const char *id, const mlp_record *r, size_t at, size_t n,
                               mlplat_error *err)
{
    mlp_verdict verdicts[16] = {{MLPLAT_OK, ""}};
    assert_true(n <= 16);
    verdicts[at].status = MLPLAT_STATE;
    return mlp_spool_set_aside(m->f->spool, id, r, verdicts, n, err);
}

static mlplat_status minded_apply(void *ctx, const char *id, const mlp_record *r, size_t n, mlp_verdict *verdicts,
                                  mlplat_error *err)
{
    minded *m = ctx;
    if (m->away_after >= 0 && m->away_after-- == 0) {
        m->away_after = -1;
        mlp_fail(err, MLPLAT_UNAVAILABLE, "gone for a moment");
        err->retryable = 1;
        return MLPLAT_UNAVAILABLE;
    }
    if (m->most && n > (size_t)m->most)
        return mlp_fail(err, MLPLAT_INVALID, "too many at once");
    if (m->fail_after_aside > 0) {
        m->fail_after_aside--;
        assert_int_equal(set_aside(m, id, r, 0, n, err), MLPLAT_OK);
        return mlp_fail(err, MLPLAT_NO_SPACE, "the commit does not go through");
    }
    if (m->second_thoughts) {
        m->second_thoughts = false;
        set_aside(m, id, r, 0, n, err);
    }
    if (m->other_thoughts) {
        m->other_thoughts = false;
        set_aside(m, id, r, 1, n, err);
        mlplat_status status = m->real.apply(m->real.ctx, id, r + 1, n - 1, verdicts + 1, err);
        verdicts[0].status = MLPLAT_STATE;
        return status == MLPLAT_OK ? set_aside(m, id, r, 0, n, err) : status;
    }
    return m->real.apply(m->real.ctx, id, r, n, verdicts, err);
}

static mlplat_status minded_mark(void *ctx, const char *id, uint64_t *seq, mlplat_error *err)
{
    minded *m = ctx;
    return m->real.mark(m->real.ctx, id, seq, err);
}

static mlplat_status minded_forget(void *ctx, const char *id, mlplat_error *err)
{
    minded *m = ctx;
    return m->real.forget(m->real.ctx, id, err);
}

static void open_minded(fixture *f, minded *m)
{
    mlplat_error err = {0};
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = {.apply = minded_apply, .mark = minded_mark, .forget = minded_forget, .ctx = m};
    m->f = f;
    m->real = fake_sink_table(f->sink);
    assert_ok(mlp_spool_open(&o, &table, &f->spool, &err));
}

static void log_one_call(fixture *f, int n)
{
    mlplat_error err = {0};
    mlp_record r[16];
    for (int i = 0; i < n; i++)
        r[i] = metric("m", i);
    assert_ok(mlp_spool_append(f->spool, r, (size_t)n, MLPLAT_DURABILITY_DEFAULT, &err));
}

static void what_was_set_aside_for_a_commit_that_failed_is_taken_back(void **state)
{
    fixture *f = *state;
    minded m = {.fail_after_aside = 2, .away_after = -1};
    open_minded(f, &m);
    log_one_call(f, 3);
    wait_until(m.fail_after_aside == 0);
    drain(f);
    dead_must_be(f, 0);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 3);
    fixture_close(f);
}

static void a_store_that_takes_what_it_first_refused_leaves_no_letter(void **state)
{
    fixture *f = *state;
    minded m = {.second_thoughts = true, .away_after = -1};
    open_minded(f, &m);
    log_one_call(f, 3);
    drain(f);
    dead_must_be(f, 0);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 3);
    fixture_close(f);
}

static void of_two_tries_of_a_batch_the_last_one_counts(void **state)
{
    fixture *f = *state;
    minded m = {.other_thoughts = true, .away_after = -1};
    json_t *out = NULL;
    open_minded(f, &m);
    log_one_call(f, 3);
    drain(f);
    json_t *list = letters(f, &out);
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(number(json_array_get(list, 0), "step"), 0);
    json_decref(out);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 2);
    fixture_close(f);
}

static void a_store_that_goes_away_between_single_records_gets_the_rest_later(void **state)
{
    fixture *f = *state;
    minded m = {.most = 1, .away_after = 3};
    open_minded(f, &m);
    log_one_call(f, 5);
    drain(f);
    dead_must_be(f, 0);
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct step) from rows"), 5);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 5);
    fixture_close(f);
}

static void a_late_letter_is_written_when_the_disk_can(void **state)
{
    fixture *f = *state;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->refuse = MLPLAT_STATE; /* and does not set aside itself */
    plan_calls(ON_RENAME, ".jsonl", 3, EIO);
    put_many(f->spool, "refused", 0, 1, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    assert_int_equal(plan.met, 3);
    plan_none();
    dead_must_be(f, 1);
}

static void a_retry_without_memory_changes_nothing(void **state)
{
    fixture *f = *state;
    open_with_two(f);
    scarce_memory_on_all();
    assert_true(sweep(f, retry_once, MLPLAT_NO_MEMORY, 0) > 10);
    scarce_memory_off();
    dead_must_be(f, 2);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_file_of_another_kind_is_no_dead_letter),
        TEST(a_key_that_is_no_utf8_is_repaired_in_its_dead_letter),
        TEST(a_damaged_file_is_told_and_costs_no_other),
        TEST(memory_that_runs_out_is_told_and_costs_no_letter),
        TEST(a_disk_that_fails_is_told_and_costs_no_letter),
        TEST(a_letter_that_cannot_be_removed_is_told),
        TEST(a_letter_that_another_process_stores_just_now_is_passed_by),
        TEST(what_was_never_committed_is_forgotten),
        TEST(what_was_set_aside_for_a_commit_that_failed_is_taken_back),
        TEST(a_store_that_takes_what_it_first_refused_leaves_no_letter),
        TEST(of_two_tries_of_a_batch_the_last_one_counts),
        TEST(a_store_that_goes_away_between_single_records_gets_the_rest_later),
        TEST(a_late_letter_is_written_when_the_disk_can),
        TEST(a_retry_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
