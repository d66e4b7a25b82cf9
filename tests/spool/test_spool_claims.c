/* Whose journal it is, and what is in the way of taking it over: locks that are gone or none, folders that vanish,
 * calls that fail at any place. */
#include "spool_calls.h"
#include "base/file.h"
#include "support/scarce_memory.h"

static void all_there_once(fixture *f, int64_t n)
{
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct step) from rows"), n);
}

static const char *journal(fixture *f)
{
    char name[300];
    assert_int_equal(entries(f->spool_folder, "-", name), 1);
    return test_path(f->spool_folder, name);
}

static void rename_journal(fixture *f, const char *name)
{
    assert_int_equal(rename(journal(f), test_path(f->spool_folder, name)), 0);
}

static const char *lock_of(fixture *f)
{
    return test_path(journal(f), "lock");
}

static void state_must_be(fixture *f, const char *want, int64_t waiting)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    json_t *entry = json_array_get(json_object_get(out, "journals"), 0);
    assert_non_null(entry);
    assert_string_equal(json_string_value(json_object_get(entry, "state")), want);
    assert_int_equal(json_integer_value(json_object_get(entry, "waiting")), waiting);
    json_decref(out);
}

static void nothing_is_left(fixture *f)
{
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

/* ---- locks ------------------------------------------------------------------------------------------------------- */

static void an_orphan_without_its_lock_is_stored(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(unlink(lock_of(f)), 0);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 10);
    nothing_is_left(f);
}

static void an_orphan_whose_lock_is_no_file_is_stored(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        make_orphan(f, i * 10, 10, MLPLAT_DURABILITY_PROCESS);
        assert_int_equal(unlink(lock_of(f)), 0);
        assert_int_equal(i == 0 ? mkdir(lock_of(f), 0700) : mkfifo(lock_of(f), 0600), 0);
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        /* What may be opened and is no file is not removed for a new one: it is replaced. */
        all_there_once(f, (i + 1) * 10);
        nothing_is_left(f);
    }
}

static void the_journal_of_another_world_without_a_lock_is_left_alone(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(unlink(lock_of(f)), 0);
    rename_journal(f, "17-3-1-0123abcd"); /* of a pid namespace that is not ours: nobody here knows if it lives */
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 0);
    assert_int_equal(entries(test_path(f->spool_folder, "17-3-1-0123abcd"), ".mls", NULL), 1);
    assert_int_equal(mkdir(test_path(f->spool_folder, "17-3-1-0123abcd/lock"), 0700), 0);
    state_must_be(f, "busy", 10);
    assert_int_equal(rmdir(test_path(f->spool_folder, "17-3-1-0123abcd/lock")), 0);
    rename_journal(f, "left-17-3-1-0123abcd"); /* given up by its owner: anybody's, in any world */
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    json_decref(out);
    all_there_once(f, 10);
}

static void the_journal_of_a_process_whose_start_is_not_known_is_stored(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    rename_journal(f, "17--2-1-0123abcd"); /* its lock is free */
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 10);
    nothing_is_left(f);
}

static void an_empty_folder_of_a_dead_process_goes(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 1, MLPLAT_DURABILITY_PROCESS);
    char name[300];
    entries(journal(f), ".mls", name);
    assert_int_equal(unlink(test_path(journal(f), name)), 0);
    assert_int_equal(unlink(lock_of(f)), 0);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    nothing_is_left(f);
}

static void what_a_killed_heir_left_of_its_lock_goes_with_the_journal(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    FILE *rest = fopen(test_path(journal(f), "lock.123"), "w");
    assert_non_null(rest);
    fclose(rest);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 10);
    nothing_is_left(f);
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

static void a_journal_that_others_may_write_is_shown_as_damaged(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    char path[700];
    snprintf(path, sizeof path, "%s", journal(f));
    assert_int_equal(chmod(path, 0777), 0);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    state_must_be(f, "damaged", 0);
    assert_int_equal(chmod(path, 0700), 0);
    state_must_be(f, "orphan", 10);
}

static void take_journal_away(void *user)
{
    mlplat_error err = {0};
    assert_ok(mlp_file_remove_tree(journal(user), &err));
}

static void a_journal_that_goes_just_now_is_passed_by(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    f->sink->fail = MLPLAT_DENIED;
    f->sink->fail_times = -1;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    plan_hook(ON_OPEN, strrchr(journal(f), '/') + 1, take_journal_away, f);
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    assert_int_equal(plan.met > 0, 1);
    assert_int_equal(json_array_size(json_object_get(out, "journals")), 0);
    json_decref(out);
}

static void a_spool_folder_that_somebody_removes_costs_a_session_nothing(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    assert_ok(mlp_file_remove_tree(f->spool_folder, &err));
    put_many(f->spool, "m", 10, 20, MLPLAT_DURABILITY_DEFAULT);
    nothing_is_left(f);
    all_there_once(f, 20);
}

static int open_a_file(int dirfd, const char *path, int flags, mode_t mode)
{
    bool listed = strcmp(path, ".") == 0;
    return mlp_os_default()->open(dirfd, listed ? "/dev/null" : path, listed ? O_RDONLY : flags, mode);
}

static void a_folder_that_cannot_be_listed_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    mlp_os table = *mlp_os_default();
    table.open = open_a_file;
    mlp_os_replace(&table);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    mlplat_status status = mlp_spool_sync(f->spool, NULL, &out, &err);
    mlp_os_replace(NULL);
    assert_int_not_equal(status, MLPLAT_OK);
    assert_non_null(strstr(err.message, "cannot be read"));
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    json_decref(out);
    all_there_once(f, 10);
}

static void a_session_that_only_reads_takes_nothing_over(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(f->sink);
    o.only_read = true;
    assert_ok(mlp_spool_open(&o, &table, &f->spool, &err));
    all_there_once(f, 0);
    state_must_be(f, "orphan", 10);
    fixture_close(f);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 10);
}

static void a_call_at_level_remote_that_finds_no_journal_is_forgotten(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_REMOTE);
    plan_calls(ON_OPEN, "lock", EACH, EIO);
    assert_status(put(f->spool, "m", 0, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_IO);
    plan_none();
    assert_null(f->spool->waits);
    assert_ok(put(f->spool, "m", 1, MLPLAT_DURABILITY_DEFAULT, &err));
    assert_int_equal(fake_sink_ask(f->sink, "select sum(step) from rows"), 1);
    all_there_once(f, 1);
}

/* ---- any call, any allocation ------------------------------------------------------------------------------------ */

static void sync_again(fixture *f)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    json_decref(out);
}

/* What could not be removed is this process's until it ends, without records. */
static void keep_nothing(fixture *f, bool may_be_there)
{
    mlplat_error err = {0};
    assert_true(may_be_there);
    assert_int_equal(entries(journal(f), ".mls", NULL), 0);
    assert_ok(mlp_file_remove_tree(f->spool_folder, &err));
}

static void a_takeover_survives_any_call_that_fails(void **state)
{
    static const struct {
        planned_call call;
        int error;
    } faults[] = {{ON_OPEN, EIO},   {ON_OPEN, EMFILE},   {ON_RENAME, EIO},    {ON_RENAME, ENOSPC},
                  {ON_UNLINK, EIO}, {ON_FSYNC, EIO},     {ON_PREAD, EIO},     {ON_FSTAT, EIO}};
    fixture *f = *state;
    int64_t n = 0;
    long told = 0;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        bool reached = true;
        for (unsigned nth = 0; reached && nth < 32; nth++) {
            make_orphan(f, n, 10, MLPLAT_DURABILITY_PROCESS);
            n += 10;
            plan_calls(faults[i].call, NULL, 1u << nth, faults[i].error);
            fixture_open(f, MLPLAT_DURABILITY_PROCESS);
            reached = plan.met > nth;
            plan_none();
            told += fixture_logged(f, "could not be stored now");
            f->log[0] = 0;
            sync_again(f);
            if (fake_sink_ask(f->sink, "select count(*) from rows") != n)
                fail_msg("fault %zu at call %u: not all are there", i, nth);
            all_there_once(f, n);
            fixture_close(f);
            if (entries(f->spool_folder, "", NULL) != -1)
                keep_nothing(f, faults[i].call == ON_UNLINK);
        }
    }
    assert_true(told > 5);
}

static void a_takeover_survives_any_allocation_that_fails(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    bool reached = true;
    long told = 0;
    for (long nth = 0; reached && nth < 200; nth++) {
        make_orphan(f, nth * 10, 10, MLPLAT_DURABILITY_PROCESS);
        f->sink->fail = MLPLAT_DENIED; /* what is there when the session opens stays for the sync */
        f->sink->fail_times = -1;
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        f->sink->fail = 0;
        scarce_memory_begin(nth);
        mlplat_status status = mlp_spool_sync(f->spool, NULL, &out, &err);
        reached = scarce_memory_end();
        if (status == MLPLAT_OK)
            json_decref(out);
        else
            assert_int_equal(status, MLPLAT_NO_MEMORY);
        told += status != MLPLAT_OK;
        sync_again(f);
        all_there_once(f, (nth + 1) * 10);
        nothing_is_left(f);
    }
    assert_false(reached);
    assert_true(told > 5);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_orphan_without_its_lock_is_stored),
        TEST(an_orphan_whose_lock_is_no_file_is_stored),
        TEST(the_journal_of_another_world_without_a_lock_is_left_alone),
        TEST(the_journal_of_a_process_whose_start_is_not_known_is_stored),
        TEST(an_empty_folder_of_a_dead_process_goes),
        TEST(what_a_killed_heir_left_of_its_lock_goes_with_the_journal),
        TEST(a_journal_that_others_may_write_is_shown_as_damaged),
        TEST(a_journal_that_goes_just_now_is_passed_by),
        TEST(a_spool_folder_that_somebody_removes_costs_a_session_nothing),
        TEST(a_folder_that_cannot_be_listed_is_told),
        TEST(a_session_that_only_reads_takes_nothing_over),
        TEST(a_call_at_level_remote_that_finds_no_journal_is_forgotten),
        TEST(a_takeover_survives_any_call_that_fails),
        TEST(a_takeover_survives_any_allocation_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
