/* Throwing away: what was refused, what ended programs left, damaged files; nothing else, and all of it is told. */
#include "spool_calls.h"
#include "support/scarce_memory.h"

#define OTHER   "ffffffffffffffffffffffffffffffff"
#define JOURNAL "abababababababababababababababab"

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static int64_t count(fixture *f, const char *where)
{
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from rows where %s", where);
    return fake_sink_ask(f->sink, sql);
}

static json_t *drop(fixture *f, const char *what, const char *run, bool dry)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_drop(f->spool, what, run, dry, &out, &err));
    assert_int_equal(json_is_true(json_object_get(out, "dry_run")), dry);
    return out;
}

static void drops(fixture *f, const char *what, const char *run, bool dry, int64_t records, int64_t journals)
{
    json_t *out = drop(f, what, run, dry);
    assert_int_equal(number(out, "records"), records);
    assert_int_equal(number(out, "journals"), journals);
    json_decref(out);
}

/* Of a run of which there is nothing, also as only living programs have it. */
static void drops_nothing(fixture *f, const char *what, const char *run, const char *words)
{
    for (int dry = 1; dry >= 0; dry--) {
        mlplat_error err = {0};
        json_t *out = NULL;
        assert_status(mlp_spool_drop(f->spool, what, run, dry, &out, &err), MLPLAT_NOT_FOUND);
        assert_null(out);
        assert_non_null(strstr(err.message, run));
        assert_non_null(strstr(err.message, words));
    }
}

static int64_t status_number(fixture *f, const char *key)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    int64_t n = number(out, key);
    json_decref(out);
    return n;
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static void open_later(fixture *f)
{
    mlplat_error err = {0};
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(f->sink);
    o.later = true;
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
}

static void put_of(fixture *f, const char *run, int64_t step)
{
    mlplat_error err = {0};
    mlp_record r = metric("m", step);
    r.run_id = run;
    assert_ok(mlp_spool_append(f->spool, &r, 1, MLPLAT_DURABILITY_DEFAULT, &err));
}

static void put_span(fixture *f, const char *run, int64_t step, size_t points)
{
    static double values[1000];
    mlplat_error err = {0};
    for (size_t i = 0; i < points; i++)
        values[i] = (double)(step + (int64_t)i);
    const mlp_span span = {.run_id = run, .run_id_n = 32, .key = "m", .key_n = 1, .values = values, .n = points,
                           .step = step};
    assert_ok(mlp_spool_append_span(f->spool, &span, MLPLAT_DURABILITY_DEFAULT, &err));
}

/* A journal with n calls of two runs in turn, of a record or a span each, left by a session whose store was away. */
static void leave_two_runs(fixture *f, int64_t n, size_t points, bool packed)
{
    mlplat_error err = {0};
    f->sink->fail = MLPLAT_UNAVAILABLE;
    f->sink->fail_times = -1;
    f->sink->retryable = f->sink->remote = true;
    mlp_sink table = fake_sink_table(f->sink);
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    char journal[800];
    o.close_ms = 1;
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
    for (int64_t i = 0; i < n; i++)
        if (points > 1)
            put_span(f, i % 3 == 0 ? OTHER : RUN, i * (int64_t)points, points);
        else
            put_of(f, i % 3 == 0 ? OTHER : RUN, i);
    snprintf(journal, sizeof journal, "%s/%s", f->spool_folder, f->spool->home.name);
    wait_until(!packed || entries(journal, ".mlz", NULL) > 0);
    fixture_close(f);
    f->sink->fail = MLPLAT_OK;
    f->sink->remote = false;
    f->sink->until = 0;
    assert_int_equal(entries(f->spool_folder, "left-", NULL), 1);
    open_later(f);
}

static const char *letter_file(fixture *f)
{
    return test_path(test_path(f->spool_folder, "dead"), JOURNAL "-00000000000000000007.jsonl");
}

static void put_letters(fixture *f)
{
    mlp_record r[3] = {metric("refused", 1), metric("refused too", 2), metric("refused", 3)};
    mlp_verdict v[3] = {{MLPLAT_STATE, "run is deleted"}, {MLPLAT_NOT_FOUND, ""}, {MLPLAT_STATE, "run is deleted"}};
    mlplat_error err = {0};
    size_t dead = 0;
    for (int i = 0; i < 3; i++)
        r[i].seq = 7 + (uint64_t)i;
    r[1].run_id = OTHER;
    assert_ok(mlp_deadletter_put(f->spool, JOURNAL, r, v, 3, &dead, &err));
    assert_int_equal(dead, 3);
}

/* ---- dead letters ------------------------------------------------------------------------------------------------ */

static void dead_letters_go_by_run_or_all(void **state)
{
    fixture *f = *state;
    open_later(f);
    put_letters(f);
    drops(f, "dead", NULL, true, 3, 0);
    drops_nothing(f, "dead", "0ff11e", "no dead record");
    assert_int_equal(status_number(f, "dead"), 3);
    json_t *out = drop(f, "dead", RUN, false);
    const json_t *run = json_array_get(json_object_get(out, "runs"), 0);
    assert_string_equal(json_string_value(json_object_get(run, "run_id")), RUN);
    assert_int_equal(number(run, "records"), 2);
    assert_int_equal(json_array_size(json_object_get(out, "runs")), 1);
    json_decref(out);
    assert_int_equal(status_number(f, "dead"), 1);
    drops(f, "dead", NULL, false, 1, 0);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    drops(f, "dead", NULL, false, 0, 0);
}

static void what_waits_stays_when_dead_letters_go(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    open_later(f);
    put_letters(f);
    drops(f, "dead", NULL, false, 3, 0);
    assert_int_equal(count(f, "1"), 0);
    mlp_spool_bring_in(f->spool);
    assert_int_equal(count(f, "1"), 10);
}

static void a_damaged_letter_file_is_told_and_stays(void **state)
{
    fixture *f = *state;
    open_later(f);
    put_letters(f);
    FILE *file = fopen(letter_file(f), "a");
    assert_true(fputs("{\"no letter\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    drops(f, "dead", NULL, false, 0, 0);
    assert_true(fixture_logged(f, "is damaged"));
    assert_int_equal(access(letter_file(f), F_OK), 0);
}

static void letters_that_cannot_be_dropped_stay_whole(void **state)
{
    static const struct {
        planned_call call;
        const char *holding;
        const char *run;
    } cases[] = {{ON_OPEN, "new-", RUN}, {ON_RENAME, "jsonl", RUN}, {ON_UNLINK, ".jsonl", NULL}, {ON_READ, NULL, RUN}};
    fixture *f = *state;
    open_later(f);
    put_letters(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        json_t *out = NULL;
        plan_calls(cases[i].call, cases[i].holding, EACH, EIO);
        assert_status(mlp_spool_drop(f->spool, "dead", cases[i].run, false, &out, &err), MLPLAT_IO);
        assert_null(out);
        plan_none();
        assert_int_equal(status_number(f, "dead"), 3);
    }
    plan_calls(ON_OPEN, ".jsonl", EACH, ENOENT); /* another process was first */
    drops(f, "dead", NULL, false, 0, 0);
    plan_calls(ON_OPEN, "dead", EACH, EACCES);
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_status(mlp_spool_drop(f->spool, "dead", NULL, false, &out, &err), MLPLAT_DENIED);
}

/* ---- what waits -------------------------------------------------------------------------------------------------- */

static void what_an_ended_program_left_goes_and_does_not_come_back(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_DISK);
    open_later(f);
    drops(f, "waiting", NULL, true, 10, 0);
    assert_int_equal(entries(f->spool_folder, "-", NULL), 1);
    drops(f, "waiting", NULL, false, 10, 1);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    assert_int_equal(f->sink->forgotten, 1);
    mlp_spool_bring_in(f->spool);
    assert_int_equal(count(f, "1"), 0);
}

static void of_one_run_alone(void **state)
{
    fixture *f = *state;
    leave_two_runs(f, 60000, 1, true);
    drops(f, "waiting", OTHER, true, 20000, 0);
    assert_int_equal(status_number(f, "waiting"), 60000);
    drops(f, "waiting", OTHER, false, 20000, 0);
    drops_nothing(f, "waiting", OTHER, "no waiting record");
    assert_int_equal(status_number(f, "waiting"), 40000);
    assert_int_equal(f->sink->forgotten, 0);
    mlp_spool_bring_in(f->spool);
    assert_int_equal(count(f, "run = '" RUN "' and step % 3 <> 0"), 40000);
    assert_int_equal(count(f, "1"), 40000);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows a join rows b on b.n = a.n + 1 "
                                            "and b.step < a.step"), 0);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

static void of_one_run_in_spans_alone(void **state)
{
    fixture *f = *state;
    leave_two_runs(f, 60, 1000, false);
    drops(f, "waiting", OTHER, false, 20000, 0);
    assert_int_equal(status_number(f, "waiting"), 40000);
    mlp_spool_bring_in(f->spool);
    assert_int_equal(count(f, "run = '" RUN "' and step / 1000 % 3 <> 0 and value = step"), 40000);
    assert_int_equal(count(f, "1"), 40000);
}

static void a_run_that_has_a_journal_alone_takes_it_with_it(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    open_later(f);
    drops_nothing(f, "waiting", OTHER, "no waiting record");
    drops(f, "waiting", RUN, false, 10, 1);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

static void what_was_stored_is_not_told_as_dropped(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    mlp_record stored[4];
    mlp_verdict verdicts[4] = {{0}};
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    open_later(f);
    assert_ok(mlp_spool_inspect(f->spool, "waiting", NULL, 1, &out, &err));
    const json_t *first = json_array_get(json_object_get(out, "records"), 0);
    for (int i = 0; i < 4; i++) {
        stored[i] = metric("m", i);
        stored[i].seq = (uint64_t)i + 1;
    }
    mlp_sink table = fake_sink_table(f->sink);
    assert_ok(table.apply(table.ctx, json_string_value(json_object_get(first, "journal")), stored, 4, verdicts, &err));
    json_decref(out);
    drops(f, "waiting", NULL, true, 6, 0);
    f->sink->mark_fails = true; /* it cannot say what it has */
    drops(f, "waiting", NULL, true, 10, 0);
    f->sink->mark_fails = false;
    drops(f, "waiting", NULL, false, 6, 1);
    assert_int_equal(count(f, "1"), 4);
}

/* A child that holds its records until it is told to end; then it stores them. */
static void what_a_living_program_has_is_left_alone(void **state)
{
    fixture *f = *state;
    _Atomic int *stage = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fake_sink_close(f->sink);
    pid_t pid = fork();
    if (pid == 0) {
        f->sink = fake_sink_open(f->store);
        f->sink->hold = true;
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
        *stage = 1;
        while (*stage == 1)
            mlp_clock_sleep_ms(1);
        f->sink->hold = false;
        fixture_close(f);
        fake_sink_close(f->sink);
        _exit(0);
    }
    f->sink = fake_sink_open(f->store);
    wait_until(*stage == 1);
    open_later(f);
    for (int dry = 1; dry >= 0; dry--) {
        json_t *out = drop(f, "waiting", NULL, dry);
        assert_int_equal(number(out, "busy"), 1);
        assert_int_equal(number(out, "records"), 0);
        json_decref(out);
    }
    drops_nothing(f, "waiting", RUN, "living programs, left alone: 1");
    *stage = 2;
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(how, 0);
    assert_int_equal(count(f, "1"), 10);
    munmap((void *)stage, 4096);
}

static void our_own_journal_is_left_alone(void **state)
{
    fixture *f = *state;
    f->sink->hold = true;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    f->sink->mark_fails = true;
    drops_nothing(f, "waiting", RUN, "living programs, left alone: 1");
    f->sink->hold = false;
    drain(f);
    assert_int_equal(count(f, "1"), 10);
}

static void the_journal_of_another_store_is_left_alone(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    open_later(f);
    f->spool->place[0].identity++;
    drops(f, "waiting", NULL, false, 0, 0);
    f->spool->place[0].identity--;
    drops(f, "waiting", NULL, true, 10, 0);
}

static void what_others_began_beside_a_journal_goes_with_it(void **state)
{
    static const char *const begun[] = {"lock.4711", "00000000000000000009.mls.new", MLP_TAKEN_FILE};
    fixture *f = *state;
    char journal[300];
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(entries(f->spool_folder, "-", journal), 1);
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++)
        write_file(test_path(test_path(f->spool_folder, journal), begun[i]), "x", 1);
    open_later(f);
    drops(f, "waiting", NULL, false, 10, 1);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

static void a_segment_that_was_only_made_ready_is_no_hindrance(void **state)
{
    static const char blank[MLP_SEGMENT_HEAD + 100];
    fixture *f = *state;
    char journal[300];
    leave_two_runs(f, 30, 1, false);
    assert_int_equal(entries(f->spool_folder, "left-", journal), 1);
    write_file(test_path(test_path(f->spool_folder, journal), "00000000000000000009.mls"), blank, sizeof blank);
    drops(f, "waiting", OTHER, false, 10, 0);
    mlp_spool_bring_in(f->spool);
    assert_int_equal(count(f, "run = '" RUN "'"), 20);
    assert_int_equal(count(f, "1"), 20);
}

/* ---- damaged ones ------------------------------------------------------------------------------------------------ */

static const char *a_segment(fixture *f)
{
    static char path[1000];
    char journal[300] = "", file[300] = "";
    assert_int_equal(entries(f->spool_folder, "-", journal), 1);
    const char *folder = test_path(f->spool_folder, journal);
    assert_true(entries(folder, "00001.mls", file) == 1);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return path;
}

static void break_segment(fixture *f)
{
    int fd = open(a_segment(f), O_RDWR);
    assert_int_equal(pwrite(fd, "xxxx", 4, MLP_SEGMENT_HEAD + 20), 4);
    close(fd);
}

static void a_damaged_segment_is_set_aside_and_goes_when_that_is_asked_for(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    break_segment(f);
    open_later(f);
    drops(f, "waiting", NULL, false, 9, 1);
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
    for (int dry = 1; dry >= 0; dry--) {
        out = drop(f, "damaged", NULL, dry);
        assert_int_equal(number(out, "files"), 1);
        json_decref(out);
        assert_int_equal(entries(f->spool_folder, ".bad", NULL), dry ? 1 : -1);
    }
    assert_ok(mlp_spool_drop(f->spool, "damaged", NULL, false, &out, &err));
    assert_int_equal(number(out, "files"), 0);
    json_decref(out);
}

static void a_damaged_segment_is_not_written_anew(void **state)
{
    fixture *f = *state;
    leave_two_runs(f, 30, 1, false);
    break_segment(f);
    for (int dry = 0; dry <= 1; dry++) {
        mlplat_error err = {0};
        json_t *out = NULL;
        assert_status(mlp_spool_drop(f->spool, "waiting", OTHER, dry, &out, &err), MLPLAT_CORRUPT);
        assert_non_null(strstr(err.message, "00001.mls"));
        assert_non_null(strstr(err.message, "mlplat spool sync"));
        assert_int_equal(status_number(f, "waiting"), 29);
    }
    mlp_spool_bring_in(f->spool);
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
    assert_int_equal(count(f, "1"), 29);
}

/* ---- what fails -------------------------------------------------------------------------------------------------- */

static void what_cannot_be_dropped_is_told_and_stays(void **state)
{
    static const struct {
        planned_call call;
        const char *holding, *run;
    } cases[] = {
        {ON_UNLINK, ".mls", NULL}, {ON_OPEN, ".new", OTHER},  {ON_RENAME, ".mls", OTHER},
        {ON_OPEN, ".mls", OTHER},  {ON_FSYNC, NULL, OTHER},
    };
    fixture *f = *state;
    leave_two_runs(f, 30, 1, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        json_t *out = NULL;
        plan_calls(cases[i].call, cases[i].holding, EACH, EIO);
        assert_status(mlp_spool_drop(f->spool, "waiting", cases[i].run, false, &out, &err), MLPLAT_IO);
        assert_null(out);
        plan_none();
        assert_int_equal(status_number(f, "waiting"), 30);
    }
    mlp_spool_bring_in(f->spool);
    assert_int_equal(count(f, "1"), 30);
}

static mlplat_status try_drop(fixture *f, const char *what, const char *run, bool dry)
{
    json_t *out = NULL;
    mlplat_error err = {0};
    mlplat_status status = mlp_spool_drop(f->spool, what, run, dry, &out, &err);
    assert_true((status == MLPLAT_OK) == (out != NULL));
    json_decref(out);
    return status;
}

/* The disk fails between the two names of a segment: nothing that was to stay is lost. */
static void what_is_dropped_in_part_costs_no_other_run(void **state)
{
    static const struct {
        planned_call call;
        const char *holding;
        unsigned which;
        const char *words;
    } cases[] = {{ON_UNLINK, ".mlz", EACH, "cannot be removed"}, {ON_FSYNC, NULL, 1u << 1, "brought to the disk"}};
    fixture *f = *state;
    leave_two_runs(f, 60000, 1, true);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        json_t *out = NULL;
        plan_calls(cases[i].call, cases[i].holding, cases[i].which, EIO);
        assert_status(mlp_spool_drop(f->spool, "waiting", OTHER, false, &out, &err), MLPLAT_IO);
        plan_none();
        assert_non_null(strstr(err.message, cases[i].words));
    }
    assert_int_equal(try_drop(f, "waiting", OTHER, false), MLPLAT_OK);
    assert_int_equal(status_number(f, "waiting"), 40000);
    mlp_spool_bring_in(f->spool);
    assert_int_equal(count(f, "run = '" RUN "' and step % 3 <> 0"), 40000);
    assert_int_equal(count(f, "1"), 40000);
}

static void a_journal_that_cannot_be_opened_is_told_and_one_that_went_away_is_not(void **state)
{
    static const struct {
        int error;
        mlplat_status want;
    } cases[] = {{ENOENT, MLPLAT_OK}, {EACCES, MLPLAT_DENIED}};
    fixture *f = *state;
    leave_two_runs(f, 30, 1, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int dry = 0; dry <= 1; dry++) {
            plan_calls(ON_OPEN, "left-", EACH, cases[i].error);
            assert_int_equal(try_drop(f, "waiting", NULL, dry), cases[i].want);
            plan_none();
            assert_int_equal(status_number(f, "waiting"), 30);
        }
}

static void a_damaged_file_that_cannot_go_is_told_and_one_that_went_away_is_not(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    break_segment(f);
    open_later(f);
    drops(f, "waiting", NULL, false, 9, 1);
    plan_calls(ON_UNLINK, ".bad", EACH, EIO);
    assert_int_equal(try_drop(f, "damaged", NULL, false), MLPLAT_IO);
    plan_calls(ON_UNLINK, ".bad", EACH, ENOENT);
    json_t *out = drop(f, "damaged", NULL, false);
    plan_none();
    assert_int_equal(number(out, "files"), 0);
    json_decref(out);
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
}

static void without_memory_nothing_else_is_dropped(void **state)
{
    static const struct {
        const char *what, *run;
        bool dry;
    } cases[] = {{"dead", RUN, true},   {"dead", RUN, false},      {"waiting", NULL, true},
                 {"waiting", RUN, false}, {"waiting", NULL, false}, {"damaged", NULL, false}};
    fixture *f = *state;
    leave_two_runs(f, 30, 1, false);
    put_letters(f);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        bool reached = true;
        for (long n = 0; reached; n++) {
            scarce_memory_begin(n);
            mlplat_status status = try_drop(f, cases[k].what, cases[k].run, cases[k].dry);
            reached = scarce_memory_end();
            bool gone = status == MLPLAT_NOT_FOUND && cases[k].run && !cases[k].dry; /* memory for the answer lacked */
            assert_true(status == MLPLAT_OK || gone || (reached && status == MLPLAT_NO_MEMORY));
            int64_t left = status_number(f, "waiting");
            assert_true(left == 30 || (k >= 3 && left == 10) || (k >= 4 && left == 0));
            if (status != MLPLAT_NO_MEMORY)
                assert_int_equal(left, k < 3 ? 30 : k == 3 ? 10 : 0);
        }
    }
    assert_int_equal(status_number(f, "waiting"), 0);
    assert_int_equal(status_number(f, "dead"), 1);
    assert_int_equal(count(f, "1"), 0);
}

static void a_forked_child_is_told(void **state)
{
    fixture *f = *state;
    open_later(f);
    pid_t pid = fork();
    if (pid == 0)
        _exit(try_drop(f, "waiting", NULL, false) == MLPLAT_STATE ? 0 : 1);
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(how, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(dead_letters_go_by_run_or_all),
        CASE(what_waits_stays_when_dead_letters_go),
        CASE(a_damaged_letter_file_is_told_and_stays),
        CASE(letters_that_cannot_be_dropped_stay_whole),
        CASE(what_an_ended_program_left_goes_and_does_not_come_back),
        CASE(of_one_run_alone),
        CASE(of_one_run_in_spans_alone),
        CASE(a_run_that_has_a_journal_alone_takes_it_with_it),
        CASE(what_was_stored_is_not_told_as_dropped),
        CASE(what_a_living_program_has_is_left_alone),
        CASE(our_own_journal_is_left_alone),
        CASE(the_journal_of_another_store_is_left_alone),
        CASE(what_others_began_beside_a_journal_goes_with_it),
        CASE(a_segment_that_was_only_made_ready_is_no_hindrance),
        CASE(a_damaged_segment_is_set_aside_and_goes_when_that_is_asked_for),
        CASE(a_damaged_segment_is_not_written_anew),
        CASE(what_cannot_be_dropped_is_told_and_stays),
        CASE(what_is_dropped_in_part_costs_no_other_run),
        CASE(a_journal_that_cannot_be_opened_is_told_and_one_that_went_away_is_not),
        CASE(a_damaged_file_that_cannot_go_is_told_and_one_that_went_away_is_not),
        CASE(without_memory_nothing_else_is_dropped),
        CASE(a_forked_child_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
