/* What is logged to a run: metrics, params, tags and batches. */
#include "contract/tracking_fixture.h"
#include <math.h>

/* ---- metrics --------------------------------------------------------------------------------------------------- */

static void own_records_are_read_at_once(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    for (int i = 0; i < 50; i++) {
        assert_ok(mlplat_run_log_metric(run, "loss", i, i, &err));
        mlplat_doc *doc = get(f->ml, run);
        assert_true(double_at(doc, "data.metrics[0].value") == i);
        mlplat_doc_free(doc);
    }
    end(run);
}

static void values_that_are_not_finite_are_kept_as_mlflow_keeps_them(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    assert_ok(mlplat_run_log_metric_at(run, "m", NAN, 0, 1, &err));
    assert_ok(mlplat_run_log_metric_at(run, "m", INFINITY, 1, 1, &err));
    assert_ok(mlplat_run_log_metric_at(run, "m", -INFINITY, 2, 1, &err));
    assert_ok(mlplat_run_log_metric_at(run, "m", 5e-324, 3, 1, &err));
    assert_ok(mlplat_run_log_metric_at(run, "last", 1, 0, 1, &err));
    assert_ok(mlplat_run_log_metric_at(run, "last", NAN, 1, 1, &err));
    mlplat_doc *doc = history(f->ml, run, "m");
    assert_string_equal(text_at(doc, "metrics[0].value"), "NaN");
    assert_true(double_at(doc, "metrics[1].value") == 1.7976931348623157e308);
    assert_true(double_at(doc, "metrics[2].value") == -1.7976931348623157e308);
    assert_true(double_at(doc, "metrics[3].value") == 5e-324);
    mlplat_doc_free(doc);
    doc = get(f->ml, run);
    assert_string_equal(text_at(doc, "data.metrics[0].key"), "last");
    assert_string_equal(text_at(doc, "data.metrics[0].value"), "NaN");
    mlplat_doc_free(doc);
    end(run);
}

static const struct {
    const char *what;
    struct {
        double value;
        int64_t step, timestamp;
    } points[4];
    int n;
    double latest;
} latest[] = {
    {"the largest step", {{1, 5, 10}, {2, 4, 20}}, 2, 1},
    {"of one step the newest", {{1, 5, 10}, {2, 5, 20}, {3, 5, 15}}, 3, 2},
    {"of one time the largest value", {{1, 5, 10}, {3, 5, 10}, {2, 5, 10}}, 3, 3},
    {"negative steps are steps", {{1, -2, 10}, {2, -1, 10}}, 2, 2},
    {"steps may be large", {{1, INT64_MAX, 10}, {2, INT64_MIN + 1, 10}}, 2, 1},
};

static void the_latest_value_is_chosen_as_by_mlflow(void **state)
{
    fixture *f = *state;
    for (int together = 0; together < 2; together++) /* in one transaction, and each in its own */
        for (size_t i = 0; i < sizeof latest / sizeof latest[0]; i++) {
            mlplat_error err = {0};
            mlplat_run *run = start(f->ml, NULL);
            for (int p = 0; p < latest[i].n; p++) {
                assert_ok(mlplat_run_log_metric_at(run, "m", latest[i].points[p].value, latest[i].points[p].step,
                                                   latest[i].points[p].timestamp, &err));
                if (!together)
                    assert_ok(mlplat_flush(f->ml, -1, &err));
            }
            mlplat_doc *doc = get(f->ml, run);
            if (double_at(doc, "data.metrics[0].value") != latest[i].latest)
                fail_msg("%s: %s", latest[i].what, mlplat_doc_text(doc));
            mlplat_doc_free(doc);
            end(run);
        }
}

static void steps_that_are_not_named_count_up(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const int64_t want[] = {0, 1, 10, 11, 5, 12};
    mlplat_run *run = start(f->ml, NULL);
    assert_ok(mlplat_run_log_metric(run, "m", 0, MLPLAT_STEP_AUTO, &err));
    assert_ok(mlplat_run_log_metric(run, "m", 1, MLPLAT_STEP_AUTO, &err));
    assert_ok(mlplat_run_log_metric(run, "m", 2, 10, &err));
    assert_ok(mlplat_run_log_metric(run, "m", 3, MLPLAT_STEP_AUTO, &err));
    assert_ok(mlplat_run_log_metric(run, "m", 4, 5, &err));
    assert_ok(mlplat_run_log_metric(run, "m", 5, MLPLAT_STEP_AUTO, &err));
    assert_ok(mlplat_run_log_metric(run, "other", 0, MLPLAT_STEP_AUTO, &err));
    mlplat_doc *doc = history(f->ml, run, "m");
    assert_int_equal(size_at(doc, "metrics"), 6);
    for (size_t i = 0; i < 6; i++) {
        char path[40];
        snprintf(path, sizeof path, "metrics[%zu].value", i);
        size_t value = (size_t)double_at(doc, path);
        snprintf(path, sizeof path, "metrics[%zu].step", i);
        assert_int_equal(int_at(doc, path), want[value]);
    }
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_log_metric(run, "m", 6, INT64_MAX, &err));
    assert_status(mlplat_run_log_metric(run, "m", 7, MLPLAT_STEP_AUTO, &err), MLPLAT_INVALID);
    end(run);
}

static void equal_values_without_a_step_do_not_collapse(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    for (int i = 0; i < 1000; i++)
        assert_ok(mlplat_run_log_metric(run, "m", 1.5, MLPLAT_STEP_AUTO, &err));
    for (int i = 0; i < 10; i++) /* the same point is one point */
        assert_ok(mlplat_run_log_metric_at(run, "same", 1.5, 3, 77, &err));
    mlplat_doc *doc = history(f->ml, run, "m");
    assert_int_equal(size_at(doc, "metrics"), 1000);
    mlplat_doc_free(doc);
    doc = history(f->ml, run, "same");
    assert_int_equal(size_at(doc, "metrics"), 1);
    mlplat_doc_free(doc);
    end(run);
}

static void a_span_is_logged_whole_or_not_at_all(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    enum { N = 5000 };
    static double values[N];
    static int64_t steps[N], times[N];
    for (int i = 0; i < N; i++) {
        values[i] = i / 8.0;
        steps[i] = i * 2;
        times[i] = 1000 + i;
    }
    mlplat_run *run = start(f->ml, NULL);
    assert_ok(mlplat_run_log_metrics(run, "a", steps, times, values, N, &err));
    assert_ok(mlplat_run_log_metrics(run, "b", NULL, NULL, values, N, &err));
    assert_ok(mlplat_run_log_metrics(run, "b", NULL, NULL, values, 2, &err));
    assert_ok(mlplat_run_log_metrics(run, "none", NULL, NULL, NULL, 0, &err));
    times[N - 1] = -5;
    assert_status(mlplat_run_log_metrics(run, "c", steps, times, values, N, &err), MLPLAT_INVALID);
    steps[3] = MLPLAT_STEP_AUTO;
    assert_status(mlplat_run_log_metrics(run, "c", steps, NULL, values, N, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_metrics(run, "a//b", NULL, NULL, values, N, &err), MLPLAT_INVALID);
    mlplat_doc *a = history(f->ml, run, "a"), *b = history(f->ml, run, "b"), *c = history(f->ml, run, "c");
    assert_int_equal(size_at(a, "metrics"), N);
    assert_int_equal(int_at(a, "metrics[4999].step"), 9998);
    assert_int_equal(int_at(a, "metrics[4999].timestamp"), 5999);
    assert_true(double_at(a, "metrics[4999].value") == 4999 / 8.0);
    assert_int_equal(size_at(b, "metrics"), N + 2);
    assert_int_equal(size_at(c, "metrics"), 0);
    mlplat_doc_free(a);
    mlplat_doc_free(b);
    mlplat_doc_free(c);
    mlplat_doc *doc = get(f->ml, run);
    assert_int_equal(size_at(doc, "data.metrics"), 2);
    assert_int_equal(int_at(doc, "data.metrics[1].step"), N + 1);
    mlplat_doc_free(doc);
    end(run);
}

static void history_comes_in_order_and_in_pages(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    static const struct {
        int64_t time, step;
        double value;
    } points[] = {{20, 0, 1}, {10, 2, 9}, {10, 1, 5}, {10, 1, 4}, {30, -1, 0}};
    static const double want[] = {4, 5, 9, 1, 0};
    for (size_t i = 0; i < 5; i++)
        assert_ok(mlplat_run_log_metric_at(run, "m", points[i].value, points[i].step, points[i].time, &err));
    mlplat_doc *doc = NULL;
    char token[100] = "";
    for (size_t seen = 0; seen < 5; seen += 2) {
        assert_ok(mlplat_metric_history(f->ml, mlplat_run_id(run), "m", 2, token, &doc, &err));
        assert_true(double_at(doc, "metrics[0].value") == want[seen]);
        assert_int_equal(has(doc, "next_page_token"), seen < 4);
        if (seen < 4)
            snprintf(token, sizeof token, "%s", text_at(doc, "next_page_token"));
        mlplat_doc_free(doc);
    }
    assert_status(mlplat_metric_history(f->ml, mlplat_run_id(run), "m", 2, "rubbish", &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_metric_history(f->ml, mlplat_run_id(run), "m", -1, NULL, &doc, &err), MLPLAT_INVALID);
    assert_ok(mlplat_metric_history(f->ml, mlplat_run_id(run), "nothing", 0, NULL, &doc, &err));
    assert_int_equal(size_at(doc, "metrics"), 0);
    mlplat_doc_free(doc);
    end(run);
}

static void history_since_a_time_has_that_time_and_later(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    mlplat_doc *doc = NULL;
    static const struct {
        int64_t since;
        size_t want;
    } cases[] = {{0, 4}, {10, 4}, {11, 2}, {20, 2}, {21, 1}, {30, 1}, {31, 0}, {INT64_MAX, 0}};
    for (int64_t i = 0; i < 4; i++) /* at 10, 10, 20, 30 */
        assert_ok(mlplat_run_log_metric_at(run, "m", (double)i, i, i ? i * 10 : 10, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(mlplat_metric_history_since(f->ml, mlplat_run_id(run), "m", cases[i].since, 0, NULL, &doc, &err));
        assert_int_equal(size_at(doc, "metrics"), cases[i].want);
        mlplat_doc_free(doc);
    }
    assert_ok(mlplat_metric_history_since(f->ml, mlplat_run_id(run), "m", 11, 1, NULL, &doc, &err));
    char token[100];
    snprintf(token, sizeof token, "%s", text_at(doc, "next_page_token"));
    mlplat_doc_free(doc);
    assert_ok(mlplat_metric_history_since(f->ml, mlplat_run_id(run), "m", 11, 1, token, &doc, &err));
    assert_true(double_at(doc, "metrics[0].value") == 3 && !has(doc, "next_page_token"));
    mlplat_doc_free(doc);
    assert_status(mlplat_metric_history_since(f->ml, mlplat_run_id(run), "m", -1, 0, NULL, &doc, &err), MLPLAT_INVALID);
    assert_null(doc);
    end(run);
}

/* ---- params and tags ------------------------------------------------------------------------------------------- */

static void a_param_keeps_its_value(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start_told(f->ml, NULL);
    assert_ok(mlplat_run_log_param(run, "depth", "6", &err));
    assert_ok(mlplat_run_log_param(run, "depth", "6", &err));
    assert_ok(mlplat_run_log_param(run, "empty", "", &err));
    assert_status(mlplat_run_log_param(run, "depth", "7", &err), MLPLAT_CONFLICT);
    assert_non_null(strstr(err.message, "'depth'"));
    assert_non_null(strstr(err.message, "'6'"));
    assert_non_null(strstr(err.message, "'7'"));
    assert_ok(mlplat_run_log_param(run, "api_token", "hunter2", &err));
    assert_status(mlplat_run_log_param(run, "api_token", "hunter3", &err), MLPLAT_CONFLICT);
    assert_null(strstr(err.message, "hunter"));
    assert_status(
        mlplat_run_log_batch(run, "{\"params\": {\"new\": \"1\", \"depth\": \"7\"}, \"metrics\": {\"m\": 1}}", &err),
        MLPLAT_CONFLICT);
    mlplat_doc *doc = get(f->ml, run);
    if (tracking_contract_queued) /* one record is refused, and the rest goes on */
        assert_string_equal(pair(doc, "data.params", "new"), "1");
    else
        assert_null(pair(doc, "data.params", "new"));
    assert_string_equal(pair(doc, "data.params", "depth"), "6");
    assert_string_equal(pair(doc, "data.params", "empty"), "");
    assert_int_equal(size_at(doc, "data.metrics"), tracking_contract_queued ? 1 : 0);
    mlplat_doc_free(doc);
    end(run);
}

static void long_values_are_cut(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    char *value = repeat('v', 9000);
    assert_ok(mlplat_run_log_param(run, "p", value, &err));
    assert_ok(mlplat_run_log_param(run, "p", value, &err));
    assert_ok(mlplat_run_set_tag(run, "t", value, &err));
    mlplat_doc *doc = get(f->ml, run);
    const char *param = pair(doc, "data.params", "p"), *tag = pair(doc, "data.tags", "t");
    assert_non_null(param);
    assert_int_equal(strlen(param), 6000);
    assert_non_null(tag); /* the tables of 2.14 have no room for 8000 */
    assert_int_equal(strlen(tag), tracking_contract_old ? 5000 : 8000);
    mlplat_doc_free(doc);
    free(value);
    end(run);
}

static void tags_are_set_replaced_and_removed_in_order(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start_told(f->ml, NULL);
    assert_ok(mlplat_run_set_tag(run, "phase", "train", &err));
    assert_ok(mlplat_run_set_tag(run, "phase", "test", &err));
    assert_ok(mlplat_run_set_tag(run, "phase", "train", &err));
    mlplat_doc *doc = get(f->ml, run);
    assert_string_equal(pair(doc, "data.tags", "phase"), "train");
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_set_tag(run, "phase", "again", &err));
    assert_ok(mlplat_run_delete_tag(run, "phase", &err));
    /* What is queued may come twice, and a tag that is gone is deleted. */
    assert_status(mlplat_run_delete_tag(run, "phase", &err), tracking_contract_queued ? MLPLAT_OK : MLPLAT_NOT_FOUND);
    doc = get(f->ml, run);
    assert_null(pair(doc, "data.tags", "phase"));
    mlplat_doc_free(doc);
    end(run);
}

static void the_name_and_its_tag_are_one(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, "before");
    assert_ok(mlplat_run_set_tag(run, "mlflow.runName", "after", &err));
    assert_ok(mlplat_run_set_tag(run, "mlflow.runName", "", &err)); /* a run keeps a name */
    mlplat_doc *doc = get(f->ml, run);
    assert_string_equal(text_at(doc, "info.run_name"), "after");
    assert_string_equal(pair(doc, "data.tags", "mlflow.runName"), "after");
    mlplat_doc_free(doc);
    end(run);
}

/* ---- batches --------------------------------------------------------------------------------------------------- */

static void a_batch_is_taken_in_both_forms(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    assert_ok(mlplat_run_log_batch(
        run,
        "{\"metrics\": {\"a\": 1.5, \"b\": \"NaN\", \"c\": \"-Infinity\"}, \"params\": {\"p\": \"1\", "
        "\"q\": 2.5, \"r\": true}, \"tags\": {\"t\": \"x\"}}",
        &err));
    assert_ok(
        mlplat_run_log_batch(run,
                             "{\"metrics\": [{\"key\": \"a\", \"value\": 2, \"step\": 7, \"timestamp\": 99}, {\"key\": "
                             "\"a\", \"value\": 3}], \"params\": [{\"key\": \"s\", \"value\": \"1\"}], \"tags\": "
                             "[{\"key\": \"t\", \"value\": \"y\"}]}",
                             &err));
    mlplat_doc *doc = get(f->ml, run);
    assert_string_equal(text_at(doc, "data.metrics[1].value"), "NaN");
    assert_true(double_at(doc, "data.metrics[2].value") == -1.7976931348623157e308);
    assert_true(double_at(doc, "data.metrics[0].value") == 3);
    assert_int_equal(int_at(doc, "data.metrics[0].step"), 8);
    assert_string_equal(pair(doc, "data.params", "q"), "2.5");
    assert_string_equal(pair(doc, "data.params", "r"), "true");
    assert_string_equal(pair(doc, "data.params", "s"), "1");
    assert_string_equal(pair(doc, "data.tags", "t"), "y");
    mlplat_doc_free(doc);
    end(run);
}

static const char *const bad_batches[] = {
    "",
    "[]",
    "{",
    "{\"metric\": {}}",
    "{\"metrics\": 1}",
    "{\"metrics\": {\"a\": true}}",
    "{\"metrics\": {\"a\": \"one\"}}",
    "{\"metrics\": {\"a\": null}}",
    "{\"metrics\": [{\"value\": 1}]}",
    "{\"metrics\": [{\"key\": \"a\", \"value\": 1, \"step\": 1.5}]}",
    "{\"metrics\": [{\"key\": \"a\", \"value\": 1, \"timestamp\": -1}]}",
    "{\"metrics\": {\"a//b\": 1}}",
    "{\"params\": {\"a\": null}}",
    "{\"params\": {\"a\": []}}",
    "{\"params\": {\"..\": \"1\"}}",
    "{\"params\": [{\"key\": \"a\", \"value\": \"1\"}, {\"key\": \"a\", \"value\": \"1\"}]}",
    "{\"tags\": {\"\": \"1\"}}",
    "{\"tags\": {\"a\": {}}}",
};

static void a_bad_batch_leaves_nothing_behind(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    for (size_t i = 0; i < sizeof bad_batches / sizeof bad_batches[0]; i++) {
        char text[600];
        if (mlplat_run_log_batch(run, bad_batches[i], &err) != MLPLAT_INVALID)
            fail_msg("%s was taken", bad_batches[i]);
        if (bad_batches[i][0] != '{' || !bad_batches[i][1])
            continue;
        snprintf(text, sizeof text, "{\"%s\": {\"good\": 1}, %s",
                 strstr(bad_batches[i], "metrics") ? "tags" : "metrics", bad_batches[i] + 1);
        if (mlplat_run_log_batch(run, text, &err) != MLPLAT_INVALID)
            fail_msg("%s was taken", text);
    }
    assert_status(mlplat_run_log_batch(run, NULL, &err), MLPLAT_INVALID);
    mlplat_doc *doc = get(f->ml, run);
    assert_int_equal(size_at(doc, "data.metrics"), 0);
    assert_int_equal(size_at(doc, "data.params"), 0);
    assert_null(pair(doc, "data.tags", "good"));
    mlplat_doc_free(doc);
    end(run);
}

int logging_contract_run(const char *store)
{
    const struct CMUnitTest tests[] = {
        CASE(own_records_are_read_at_once),
        CASE(values_that_are_not_finite_are_kept_as_mlflow_keeps_them),
        CASE(the_latest_value_is_chosen_as_by_mlflow),
        CASE(steps_that_are_not_named_count_up),
        CASE(equal_values_without_a_step_do_not_collapse),
        CASE(a_span_is_logged_whole_or_not_at_all),
        CASE(history_comes_in_order_and_in_pages),
        CASE(history_since_a_time_has_that_time_and_later),
        CASE(a_param_keeps_its_value),
        CASE(long_values_are_cut),
        CASE(tags_are_set_replaced_and_removed_in_order),
        CASE(the_name_and_its_tag_are_one),
        CASE(a_batch_is_taken_in_both_forms),
        CASE(a_bad_batch_leaves_nothing_behind),
    };
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
