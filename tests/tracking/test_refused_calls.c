/* Calls of tracking that cannot be done: each says so by its status, and does nothing. */
#include "support/support.h"
#include <mlplat/display.h>
#include <stdlib.h>

typedef struct fixture {
    char *folder;
    mlplat *ml;
    mlplat_run *run;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->folder = test_folder_make();
    f->ml = test_open(f->folder);
    f->run = test_run_start(f->ml);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    mlplat_run_free(f->run);
    mlplat_close(f->ml);
    test_folder_remove(f->folder);
    free(f);
    return 0;
}

/* ---- a run's ----------------------------------------------------------------------------------------------------- */

static mlplat_status start_at_no_level(fixture *f, mlplat_error *err)
{
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.durability = (mlplat_durability)(MLPLAT_DURABILITY_REMOTE + 1);
    mlplat_status s = mlplat_run_start(f->ml, &o, &run, err);
    assert_null(run);
    return s;
}

static mlplat_status log_no_file(fixture *f, mlplat_error *err)
{
    return mlplat_run_log_artifact(f->run, "", NULL, err);
}

static mlplat_status log_no_text(fixture *f, mlplat_error *err)
{
    return mlplat_run_log_text(f->run, NULL, "a.txt", err);
}

static mlplat_status log_no_document(fixture *f, mlplat_error *err)
{
    return mlplat_run_log_dict(f->run, NULL, "a.json", err);
}

static mlplat_status log_no_values(fixture *f, mlplat_error *err)
{
    return mlplat_run_log_metrics(f->run, "m", NULL, NULL, NULL, 3, err);
}

static mlplat_status log_behind_the_last_step(fixture *f, mlplat_error *err)
{
    static const double values[] = {1, 2};
    mlplat_status s = mlplat_run_log_metric(f->run, "last", 1, INT64_MAX - 1, err);
    return s == MLPLAT_OK ? mlplat_run_log_metrics(f->run, "last", NULL, NULL, values, 2, err) : s;
}

/* ---- searches ---------------------------------------------------------------------------------------------------- */

static mlplat_status search_in_no_view(fixture *f, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.view = (mlplat_view)(MLPLAT_VIEW_ALL + 1);
    return mlplat_run_search(f->ml, &q, &doc, err);
}

static mlplat_status search_in_no_experiments(fixture *f, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.experiment_ids = "1 2";
    return mlplat_run_search(f->ml, &q, &doc, err);
}

static mlplat_status search_less_than_none(fixture *f, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_logged_model_query q = MLPLAT_LOGGED_MODEL_QUERY_INIT;
    q.max_results = -1;
    return mlplat_logged_model_search(f->ml, &q, &doc, err);
}

static mlplat_status sample_into_no_buckets(fixture *f, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    return mlplat_metric_sample(f->ml, mlplat_run_id(f->run), "m", -1, MLPLAT_AXIS_STEP, &doc, err);
}

/* ---- the spool's ------------------------------------------------------------------------------------------------- */

static mlplat_status look_at_what_is_no_kind(fixture *f, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    return mlplat_spool_inspect(f->ml, "alive", NULL, 0, &doc, err);
}

static mlplat_status look_at_less_than_none(fixture *f, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    return mlplat_spool_inspect(f->ml, NULL, NULL, -1, &doc, err);
}

static mlplat_status drop_what_is_no_kind(fixture *f, mlplat_error *err)
{
    return mlplat_spool_drop(f->ml, "alive", NULL, 0, NULL, err);
}

static mlplat_status drop_damaged_files_of_a_run(fixture *f, mlplat_error *err)
{
    return mlplat_spool_drop(f->ml, "damaged", mlplat_run_id(f->run), 0, NULL, err);
}

/* ---- stores ------------------------------------------------------------------------------------------------------ */

static mlplat_status open_another_kind(fixture *f, mlplat_error *err)
{
    mlplat *ml = NULL;
    mlplat_doc *doc = NULL;
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = "mysql://me:hunter2@host/db";
    options.spool_dir = test_path(f->folder, "other");
    mlplat_status s = mlplat_open(&options, &ml, err);
    if (s == MLPLAT_OK)
        s = mlplat_experiment_get(ml, "0", &doc, err);
    assert_null(strstr(err->message, "hunter2"));
    mlplat_close(ml);
    return s;
}

static const struct {
    mlplat_status (*call)(fixture *f, mlplat_error *err);
    mlplat_status want;
    const char *words; /* in the message */
} cases[] = {
    {start_at_no_level, MLPLAT_INVALID, "durability 5"},
    {log_no_file, MLPLAT_INVALID, "is empty"},
    {log_no_text, MLPLAT_INVALID, "NULL"},
    {log_no_document, MLPLAT_INVALID, "NULL"},
    {log_no_values, MLPLAT_INVALID, "values are NULL"},
    {log_behind_the_last_step, MLPLAT_INVALID, "'last'"},
    {search_in_no_view, MLPLAT_INVALID, "view 3"},
    {search_in_no_experiments, MLPLAT_INVALID, "joined by commas"},
    {search_less_than_none, MLPLAT_INVALID, "max_results is -1"},
    {sample_into_no_buckets, MLPLAT_INVALID, "-1"},
    {look_at_what_is_no_kind, MLPLAT_INVALID, "'alive'"},
    {look_at_less_than_none, MLPLAT_INVALID, "max_results is -1"},
    {drop_what_is_no_kind, MLPLAT_INVALID, "'alive'"},
    {drop_damaged_files_of_a_run, MLPLAT_INVALID, "of no run"},
    {open_another_kind, MLPLAT_UNSUPPORTED, "***@host"},
};

static void a_call_that_cannot_be_done_says_so(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        mlplat_status s = cases[i].call(f, &err);
        if (s != cases[i].want || !strstr(err.message, cases[i].words))
            fail_msg("case %zu: %s, not %s: %s", i, mlplat_status_name(s), mlplat_status_name(cases[i].want),
                     err.message);
    }
}

/* ---- what can be done -------------------------------------------------------------------------------------------- */

static void the_spool_is_looked_at_measured_and_emptied(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *text = NULL;
    size_t n = 1;
    int64_t dropped = -1;
    assert_ok(mlplat_run_log_metric(f->run, "m", 1, 0, &err));
    assert_ok(mlplat_flush(f->ml, 60000, &err));
    assert_ok(mlplat_spool_inspect(f->ml, "waiting", NULL, 0, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "records", &n, &err));
    assert_int_equal(n, 0);
    mlplat_doc_free(doc);
    assert_ok(mlplat_spool_prometheus(f->ml, &text, &err));
    assert_non_null(strstr(text, "mlplat_spool_delivered_total"));
    mlplat_free(text);
    assert_ok(mlplat_spool_drop(f->ml, "damaged", NULL, 0, &doc, &err));
    assert_ok(mlplat_doc_int(doc, "files", &dropped, &err));
    assert_int_equal(dropped, 0);
    mlplat_doc_free(doc);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_call_that_cannot_be_done_says_so),
        CASE(the_spool_is_looked_at_measured_and_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
