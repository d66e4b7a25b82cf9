/* Looking at what lies in the spool: by its numbers, as text for Prometheus, and record by record. */
#include "base/text.h"
#include "spool_calls.h"
#include "support/scarce_memory.h"

#define OTHER "ffffffffffffffffffffffffffffffff"

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_t *status_of(fixture *f)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    return out;
}

static json_t *inspect(fixture *f, const char *what, const char *run, size_t most, bool more)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_inspect(f->spool, what, run, most, &out, &err));
    assert_int_equal(json_is_true(json_object_get(out, "more")), more);
    json_t *records = json_incref(json_object_get(out, "records"));
    json_decref(out);
    return records;
}

static size_t count_of(fixture *f, const char *what, const char *run)
{
    json_t *records = inspect(f, what, run, 100000, false);
    size_t n = json_array_size(records);
    json_decref(records);
    return n;
}

static mlp_buf prometheus(fixture *f)
{
    mlplat_error err = {0};
    mlp_buf text = {0};
    assert_ok(mlp_spool_prometheus(f->spool, &text, &err));
    assert_non_null(text.data);
    return text;
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

/* A session whose records stay in its journal. */
static void open_away(fixture *f)
{
    f->sink->fail = MLPLAT_UNAVAILABLE;
    f->sink->fail_times = -1;
    f->sink->retryable = true;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
}

static void put_record(fixture *f, mlp_record_kind kind, const char *run, const char *key, const char *text)
{
    mlplat_error err = {0};
    mlp_record r = metric(key, 0);
    r.kind = kind;
    r.run_id = run;
    r.run_id_n = strlen(run);
    r.text = text;
    r.text_n = strlen(text);
    assert_ok(mlp_spool_append(f->spool, &r, 1, MLPLAT_DURABILITY_DEFAULT, &err));
}

static void a_look_stores_nothing_and_the_first_use_does(void **state)
{
    fixture *f = *state;
    char before[300] = "", after[300] = "";
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(entries(f->spool_folder, "-", before), 1);
    open_later(f);
    json_t *status = status_of(f);
    assert_int_equal(number(status, "waiting"), 10);
    assert_true(number(status, "bytes") > 0);
    const json_t *run = json_array_get(json_object_get(status, "waiting_runs"), 0);
    assert_string_equal(text_of(run, "run_id"), RUN);
    assert_int_equal(number(run, "waiting"), 10);
    json_decref(status);
    assert_int_equal(count_of(f, NULL, NULL), 10);
    mlp_buf text = prometheus(f);
    assert_non_null(strstr(text.data, "\"} 10\n"));
    mlp_buf_free(&text);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 0);
    assert_int_equal(entries(f->spool_folder, "-", after), 1);
    assert_string_equal(after, before);
    for (int i = 0; i < 2; i++) {
        mlp_spool_bring_in(f->spool);
        assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 10);
    }
    assert_int_equal(count_of(f, NULL, NULL), 0);
}

static void closing_after_a_look_leaves_what_waits(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    open_later(f);
    assert_int_equal(count_of(f, "waiting", NULL), 10);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "-", NULL), 1);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 10);
}

static void what_is_stored_does_not_wait(void **state)
{
    fixture *f = *state;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 100, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    json_t *status = status_of(f);
    assert_int_equal(number(status, "waiting"), 0);
    assert_int_equal(number(status, "oldest_ms"), 0);
    assert_int_equal(json_array_size(json_object_get(status, "waiting_runs")), 0);
    json_decref(status);
    assert_int_equal(count_of(f, NULL, NULL), 0);
}

/* Of a batch that a killed program had stored half of, the rest waits. */
static void what_a_killed_program_had_stored_does_not_wait(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char sql[200], folder[300] = "";
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    open_later(f);
    json_t *records = inspect(f, "waiting", NULL, 1, true);
    const char *journal = text_of(json_array_get(records, 0), "journal");
    mlp_record stored[4];
    mlp_verdict verdicts[4] = {{0}};
    for (int i = 0; i < 4; i++) {
        stored[i] = metric("m", i);
        stored[i].seq = (uint64_t)i + 1;
    }
    mlp_sink table = fake_sink_table(f->sink);
    assert_ok(table.apply(table.ctx, journal, stored, 4, verdicts, &err));
    snprintf(sql, sizeof sql, "select count(*) from marks where journal = '%s'", journal);
    assert_int_equal(fake_sink_ask(f->sink, sql), 1);
    json_decref(records);
    assert_int_equal(count_of(f, "waiting", NULL), 6);
    json_t *status = status_of(f);
    assert_int_equal(number(status, "waiting"), 6);
    assert_int_equal(number(json_array_get(json_object_get(status, "waiting_runs"), 0), "waiting"), 6);
    json_decref(status);
    f->sink->mark_fails = true; /* then nothing is known to be stored */
    assert_int_equal(count_of(f, "waiting", NULL), 10);
    f->sink->mark_fails = false;
    assert_int_equal(entries(f->spool_folder, "-", folder), 1);
}

static void runs_and_the_age_of_the_oldest_are_told(void **state)
{
    fixture *f = *state;
    open_away(f);
    put_many(f->spool, "m", 5, 8, MLPLAT_DURABILITY_DEFAULT);
    put_record(f, MLP_RECORD_TAG, OTHER, "team", "risk");
    json_t *status = status_of(f), *runs = json_object_get(status, "waiting_runs");
    int64_t age = mlp_clock_ms() - 1700000000000;
    assert_int_equal(json_array_size(runs), 2);
    assert_string_equal(text_of(json_array_get(runs, 0), "run_id"), RUN);
    assert_int_equal(number(json_array_get(runs, 0), "waiting"), 3);
    assert_string_equal(text_of(json_array_get(runs, 1), "run_id"), OTHER);
    assert_int_equal(number(json_array_get(runs, 1), "waiting"), 1);
    assert_in_range(number(status, "oldest_ms"), age - 60000, age);
    json_decref(status);
    assert_int_equal(count_of(f, "waiting", RUN), 3);
    assert_int_equal(count_of(f, "waiting", OTHER), 1);
    assert_int_equal(count_of(f, "waiting", "0ff11e"), 0);
    f->sink->fail = MLPLAT_OK;
}

static void a_record_without_a_time_is_as_old_as_its_file(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_record tag = metric("team", 0);
    tag.kind = MLP_RECORD_TAG;
    tag.timestamp_ms = 0;
    open_away(f);
    assert_ok(mlp_spool_append(f->spool, &tag, 1, MLPLAT_DURABILITY_DISK, &err));
    json_t *status = status_of(f);
    assert_in_range(number(status, "oldest_ms"), 0, 60000);
    assert_int_equal(number(status, "waiting"), 1);
    json_decref(status);
    f->sink->fail = MLPLAT_OK;
}

static void dead_letters_come_first_and_with_their_reason(void **state)
{
    fixture *f = *state;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->set_aside = true;
    f->sink->refuse = MLPLAT_NOT_FOUND;
    put_record(f, MLP_RECORD_METRIC, OTHER, "refused", "");
    put_many(f->spool, "refused", 0, 2, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    f->sink->retryable = true;
    f->sink->fail_times = -1;
    f->sink->fail = MLPLAT_UNAVAILABLE;
    put_many(f->spool, "m", 0, 3, MLPLAT_DURABILITY_DEFAULT);
    json_t *all = inspect(f, NULL, NULL, 6, false);
    assert_int_equal(json_array_size(all), 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(text_of(json_array_get(all, i), "state"), i < 3 ? "dead" : "waiting");
    const json_t *first = json_array_get(all, 0), *last = json_array_get(all, 5);
    assert_string_equal(text_of(first, "run_id"), OTHER);
    assert_string_equal(text_of(first, "status"), "NOT_FOUND");
    assert_true(strlen(text_of(first, "reason")) > 0);
    assert_string_equal(text_of(last, "kind"), "metric");
    assert_int_equal(number(last, "step"), 2);
    assert_int_equal(number(last, "timestamp"), 1700000000002);
    json_decref(all);
    assert_int_equal(count_of(f, "dead", NULL), 3);
    assert_int_equal(count_of(f, "dead", OTHER), 1);
    assert_int_equal(count_of(f, NULL, RUN), 5);
    json_decref(inspect(f, NULL, NULL, 3, true));
    json_decref(inspect(f, NULL, NULL, 2, true));
    json_decref(inspect(f, "dead", NULL, 3, false));
    json_decref(inspect(f, "waiting", NULL, 2, true));
    f->sink->fail = MLPLAT_OK;
}

static void no_secret_is_shown(void **state)
{
    fixture *f = *state;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->set_aside = true;
    f->sink->refuse = MLPLAT_STATE;
    put_record(f, MLP_RECORD_PARAM, RUN, "refused_password", "hunter2 and more");
    drain(f);
    f->sink->retryable = true;
    f->sink->fail_times = -1;
    f->sink->fail = MLPLAT_UNAVAILABLE;
    put_record(f, MLP_RECORD_PARAM, RUN, "db_password", "hunter2 and more");
    put_record(f, MLP_RECORD_TAG, RUN, "source", "https://me:hunter2@host/data");
    put_record(f, MLP_RECORD_TAG, RUN, "key", "the order of keys");
    put_record(f, MLP_RECORD_TAG, RUN, "password: hunter2", "x");
    json_t *all = inspect(f, NULL, NULL, 10, false);
    mlp_buf text = {0};
    mlplat_error err = {0};
    assert_int_equal(json_array_size(all), 5);
    assert_ok(mlp_json_text(all, &text, &err));
    assert_null(strstr(text.data, "hunter2"));
    assert_null(strstr(text.data, "and more"));
    assert_non_null(strstr(text.data, "https://***@host/data"));
    assert_non_null(strstr(text.data, "the order of keys"));
    mlp_buf_free(&text);
    json_decref(all);
    f->sink->fail = MLPLAT_OK;
}

static void bytes_that_are_no_text_are_shown_as_text(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_buf text = {0};
    open_away(f);
    put_record(f, MLP_RECORD_TAG, "\xff\xfe run", "k\x01\n\"", "\x80\xc2");
    json_t *all = inspect(f, NULL, NULL, 10, false), *status = status_of(f);
    assert_int_equal(json_array_size(all), 1);
    assert_ok(mlp_json_text(all, &text, &err));
    assert_true(mlp_text_utf8(text.data, text.size));
    const json_t *run = json_array_get(json_object_get(status, "waiting_runs"), 0);
    assert_true(mlp_text_utf8(text_of(run, "run_id"), strlen(text_of(run, "run_id"))));
    mlp_buf_free(&text);
    json_decref(all);
    json_decref(status);
    f->sink->fail = MLPLAT_OK;
}

static void prometheus_escapes_the_name_of_the_store(void **state)
{
    fixture *f = *state;
    snprintf(f->store, sizeof f->store, "%s/a\"b\\c\nd.db", f->folder);
    snprintf(f->spool_folder, sizeof f->spool_folder, "%s.spool", f->store);
    open_away(f);
    put_many(f->spool, "m", 0, 3, MLPLAT_DURABILITY_DEFAULT);
    mlp_buf text = prometheus(f);
    const char *row = strstr(text.data, "\nmlplat_spool_waiting_records{");
    assert_non_null(row);
    assert_non_null(strstr(row, "/a\\\"b\\\\c\\nd.db\"} 3\n"));
    assert_non_null(strstr(text.data, ",state=\"open\"} 1\n"));
    assert_non_null(strstr(text.data, "# TYPE mlplat_spool_delivered_total counter\n"));
    mlp_buf_free(&text);
    f->sink->fail = MLPLAT_OK;
}

/* ---- without memory ---------------------------------------------------------------------------------------------- */

static mlplat_status try_status(fixture *f, mlplat_error *err)
{
    json_t *out = NULL;
    mlplat_status status = mlp_spool_status(f->spool, &out, err);
    assert_true((status == MLPLAT_OK) == (out != NULL));
    json_decref(out);
    return status;
}

static mlplat_status try_inspect(fixture *f, mlplat_error *err)
{
    json_t *out = NULL;
    mlplat_status status = mlp_spool_inspect(f->spool, NULL, NULL, 100, &out, err);
    assert_true((status == MLPLAT_OK) == (out != NULL));
    json_decref(out);
    return status;
}

static mlplat_status try_prometheus(fixture *f, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status status = mlp_spool_prometheus(f->spool, &text, err);
    mlp_buf_free(&text);
    return status;
}

static void without_memory_a_look_says_so(void **state)
{
    fixture *f = *state;
    mlplat_status (*const looks[])(fixture *, mlplat_error *) = {try_status, try_inspect, try_prometheus};
    make_orphan(f, 0, 3, MLPLAT_DURABILITY_PROCESS);
    open_later(f);
    mlp_record r[2] = {metric("refused", 1), metric("refused too", 2)};
    mlp_verdict v[2] = {{MLPLAT_STATE, "run is deleted"}, {MLPLAT_NOT_FOUND, ""}};
    mlplat_error err = {0};
    size_t dead = 0;
    r[1].kind = MLP_RECORD_TAG;
    assert_ok(mlp_deadletter_put(f->spool, OTHER, r, v, 2, &dead, &err));
    for (size_t k = 0; k < sizeof looks / sizeof looks[0]; k++) {
        bool reached = true;
        long n = 0;
        for (; reached; n++) {
            scarce_memory_begin(n);
            mlplat_status status = looks[k](f, &err);
            reached = scarce_memory_end();
            assert_true(status == MLPLAT_OK || (reached && status == MLPLAT_NO_MEMORY));
        }
        assert_true(n > 10);
    }
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), 0);
}

static void a_forked_child_is_told(void **state)
{
    fixture *f = *state;
    open_later(f);
    pid_t pid = fork();
    if (pid == 0) {
        mlplat_error err = {0};
        _exit(try_inspect(f, &err) == MLPLAT_STATE && try_prometheus(f, &err) == MLPLAT_STATE ? 0 : 1);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(how, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_look_stores_nothing_and_the_first_use_does),
        CASE(closing_after_a_look_leaves_what_waits),
        CASE(what_is_stored_does_not_wait),
        CASE(what_a_killed_program_had_stored_does_not_wait),
        CASE(runs_and_the_age_of_the_oldest_are_told),
        CASE(a_record_without_a_time_is_as_old_as_its_file),
        CASE(dead_letters_come_first_and_with_their_reason),
        CASE(no_secret_is_shown),
        CASE(bytes_that_are_no_text_are_shown_as_text),
        CASE(prometheus_escapes_the_name_of_the_store),
        CASE(without_memory_a_look_says_so),
        CASE(a_forked_child_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
