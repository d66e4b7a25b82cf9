#include "contract/tracking_contract.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct fixture {
    char *folder;
    mlplat *ml;
} fixture;

static tracking_contract_open open_store;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->folder = test_folder_make();
    f->ml = open_store(f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    mlplat_close(f->ml);
    test_folder_remove(f->folder);
    free(f);
    return 0;
}

/* ---- short hands ------------------------------------------------------------------------------------------------- */

static const char *text_at(const mlplat_doc *doc, const char *path)
{
    const char *out = NULL;
    mlplat_error err = {0};
    if (mlplat_doc_string(doc, path, &out, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    return out;
}

static int64_t int_at(const mlplat_doc *doc, const char *path)
{
    int64_t out = 0;
    mlplat_error err = {0};
    if (mlplat_doc_int(doc, path, &out, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    return out;
}

static double double_at(const mlplat_doc *doc, const char *path)
{
    double out = 0;
    mlplat_error err = {0};
    if (mlplat_doc_double(doc, path, &out, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    return out;
}

static size_t size_at(const mlplat_doc *doc, const char *path)
{
    size_t out = 0;
    mlplat_error err = {0};
    if (mlplat_doc_size(doc, path, &out, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    return out;
}

static bool has(const mlplat_doc *doc, const char *path)
{
    mlplat_doc_type type;
    return mlplat_doc_type_at(doc, path, &type, NULL) == MLPLAT_OK;
}

/* The "value" of the pair with this key in a list of a run, NULL if there is none. */
static const char *pair(const mlplat_doc *doc, const char *list, const char *key)
{
    char path[100];
    for (size_t i = 0, n = size_at(doc, list); i < n; i++) {
        snprintf(path, sizeof path, "%s[%zu].key", list, i);
        if (strcmp(text_at(doc, path), key) != 0)
            continue;
        snprintf(path, sizeof path, "%s[%zu].value", list, i);
        return text_at(doc, path);
    }
    return NULL;
}

static mlplat_run *start(mlplat *ml, const char *name)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.name = name;
    assert_ok(mlplat_run_start(ml, &o, &run, &err));
    return run;
}

static mlplat_doc *get(mlplat *ml, const mlplat_run *run)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_run_get(ml, mlplat_run_id(run), &doc, &err));
    return doc;
}

static void end(mlplat_run *run)
{
    mlplat_error err = {0};
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
}

static mlplat_doc *history(mlplat *ml, const mlplat_run *run, const char *key)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_metric_history(ml, mlplat_run_id(run), key, 0, NULL, &doc, &err));
    return doc;
}

static char *repeat(char c, size_t n)
{
    char *out = calloc(n + 1, 1);
    memset(out, c, n);
    return out;
}

/* ---- experiments ------------------------------------------------------------------------------------------------- */

static void an_experiment_is_found_by_id_and_name(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *id = NULL, *other = NULL;
    mlplat_doc *doc = NULL, *same = NULL;
    mlplat_experiment_options o = MLPLAT_EXPERIMENT_OPTIONS_INIT;
    o.tags = "{\"team\": \"risk\", \"area\": \"fraud\"}";
    assert_ok(mlplat_experiment_create(f->ml, "fraud / \xc3\xa4", &o, &id, &err));
    assert_ok(mlplat_experiment_create(f->ml, "other", NULL, &other, &err));
    assert_string_not_equal(id, other);
    assert_ok(mlplat_experiment_get(f->ml, id, &doc, &err));
    assert_ok(mlplat_experiment_get_by_name(f->ml, "fraud / \xc3\xa4", &same, &err));
    assert_string_equal(mlplat_doc_text(doc), mlplat_doc_text(same));
    assert_string_equal(text_at(doc, "experiment_id"), id);
    assert_string_equal(text_at(doc, "name"), "fraud / \xc3\xa4");
    assert_string_equal(text_at(doc, "lifecycle_stage"), "active");
    assert_string_equal(pair(doc, "tags", "team"), "risk");
    assert_string_equal(pair(doc, "tags", "area"), "fraud");
    assert_true(int_at(doc, "creation_time") > 0);
    assert_int_equal(int_at(doc, "creation_time"), int_at(doc, "last_update_time"));
    size_t n = strlen(text_at(doc, "artifact_location"));
    assert_string_equal(text_at(doc, "artifact_location") + n - strlen(id), id);
    mlplat_doc_free(doc);
    mlplat_doc_free(same);
    mlplat_free(id);
    mlplat_free(other);
}

static void the_default_experiment_is_there(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_experiment_get(f->ml, "0", &doc, &err));
    assert_string_equal(text_at(doc, "name"), "Default");
    mlplat_doc_free(doc);
}

static void an_experiment_keeps_the_location_given(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *id = NULL, *relative = NULL;
    mlplat_doc *doc = NULL;
    mlplat_run *run = NULL;
    mlplat_experiment_options o = MLPLAT_EXPERIMENT_OPTIONS_INIT;
    mlplat_run_options r = MLPLAT_RUN_OPTIONS_INIT;
    char uri[200];
    o.artifact_location = "s3://bucket/models?versionId=1";
    assert_ok(mlplat_experiment_create(f->ml, "bucket", &o, &id, &err));
    r.experiment_id = id;
    assert_ok(mlplat_run_start(f->ml, &r, &run, &err));
    snprintf(uri, sizeof uri, "s3://bucket/models/%s/artifacts?versionId=1", mlplat_run_id(run));
    assert_string_equal(mlplat_run_artifact_uri(run), uri);
    o.artifact_location = "artifacts/here";
    assert_ok(mlplat_experiment_create(f->ml, "relative", &o, &relative, &err));
    assert_ok(mlplat_experiment_get(f->ml, relative, &doc, &err));
    assert_int_equal(text_at(doc, "artifact_location")[0], '/');
    mlplat_doc_free(doc);
    end(run);
    mlplat_free(id);
    mlplat_free(relative);
}

static void a_taken_name_is_refused_and_named(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *id = NULL, *again = NULL;
    assert_ok(mlplat_experiment_create(f->ml, "fraud", NULL, &id, &err));
    assert_status(mlplat_experiment_create(f->ml, "fraud", NULL, &again, &err), MLPLAT_EXISTS);
    assert_null(again);
    assert_non_null(strstr(err.message, "fraud"));
    assert_null(strstr(err.message, "deleted"));
    assert_ok(mlplat_experiment_delete(f->ml, id, &err));
    assert_status(mlplat_experiment_create(f->ml, "fraud", NULL, &again, &err), MLPLAT_EXISTS);
    assert_non_null(strstr(err.message, "deleted"));
    mlplat_free(id);
}

static void ensure_makes_an_experiment_once(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *id = NULL, *again = NULL;
    assert_ok(mlplat_experiment_ensure(f->ml, "fraud", &id, &err));
    assert_int_equal(err.status, MLPLAT_OK);
    assert_ok(mlplat_experiment_ensure(f->ml, "fraud", &again, &err));
    assert_string_equal(id, again);
    mlplat_free(again);
    assert_ok(mlplat_experiment_delete(f->ml, id, &err));
    assert_status(mlplat_experiment_ensure(f->ml, "fraud", &again, &err), MLPLAT_STATE);
    mlplat_free(id);
}

static void a_deleted_experiment_takes_its_runs_along_and_back(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *id = NULL;
    mlplat_run *run = NULL, *more = NULL;
    mlplat_doc *doc = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.experiment = "fraud";
    assert_ok(mlplat_experiment_ensure(f->ml, "fraud", &id, &err));
    assert_ok(mlplat_run_start(f->ml, &o, &run, &err));
    assert_ok(mlplat_experiment_delete(f->ml, id, &err));
    assert_status(mlplat_experiment_delete(f->ml, id, &err), MLPLAT_STATE);
    assert_status(mlplat_experiment_set_tag(f->ml, id, "a", "b", &err), MLPLAT_STATE);
    o.experiment = NULL;
    o.experiment_id = id;
    assert_status(mlplat_run_start(f->ml, &o, &more, &err), MLPLAT_STATE);
    doc = get(f->ml, run);
    assert_string_equal(text_at(doc, "info.lifecycle_stage"), "deleted");
    mlplat_doc_free(doc);
    assert_ok(mlplat_experiment_restore(f->ml, id, &err));
    assert_status(mlplat_experiment_restore(f->ml, id, &err), MLPLAT_STATE);
    doc = get(f->ml, run);
    assert_string_equal(text_at(doc, "info.lifecycle_stage"), "active");
    mlplat_doc_free(doc);
    end(run);
    mlplat_free(id);
}

static void an_experiment_tag_is_set_and_replaced(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_experiment_set_tag(f->ml, "0", "team", "a", &err));
    assert_ok(mlplat_experiment_set_tag(f->ml, "0", "team", "b", &err));
    assert_ok(mlplat_experiment_get(f->ml, "0", &doc, &err));
    assert_int_equal(size_at(doc, "tags"), 1);
    assert_string_equal(pair(doc, "tags", "team"), "b");
    mlplat_doc_free(doc);
}

static void what_is_not_there_is_not_found(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    static const char id[] = "0123456789abcdef0123456789abcdef";
    assert_status(mlplat_experiment_get(f->ml, "999", &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_experiment_get(f->ml, "x", &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_experiment_get_by_name(f->ml, "nothing", &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_experiment_delete(f->ml, "999", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_experiment_restore(f->ml, "999", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_experiment_set_tag(f->ml, "999", "a", "b", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_run_get(f->ml, id, &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_run_get(f->ml, "a/b", &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_attach(f->ml, id, &run, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_run_resume(f->ml, id, &run, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_run_delete(f->ml, id, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_run_restore(f->ml, id, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_metric_history(f->ml, id, "loss", 0, NULL, &doc, &err), MLPLAT_NOT_FOUND);
    o.experiment_id = "999";
    assert_status(mlplat_run_start(f->ml, &o, &run, &err), MLPLAT_NOT_FOUND);
    o.experiment_id = NULL;
    o.parent_run_id = id;
    assert_status(mlplat_run_start(f->ml, &o, &run, &err), MLPLAT_NOT_FOUND);
    assert_null(doc);
    assert_null(run);
}

static void experiments_are_listed_in_pages_by_view(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *page = NULL, *next = NULL;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    char name[32], *id = NULL;
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "e%d", i);
        mlplat_free(id);
        assert_ok(mlplat_experiment_ensure(f->ml, name, &id, &err));
    }
    assert_ok(mlplat_experiment_delete(f->ml, id, &err));
    q.max_results = 3;
    assert_ok(mlplat_experiment_list(f->ml, &q, &page, &err));
    assert_int_equal(size_at(page, "experiments"), 3);
    q.page_token = text_at(page, "next_page_token");
    assert_ok(mlplat_experiment_list(f->ml, &q, &next, &err));
    assert_int_equal(size_at(next, "experiments"), 2); /* with Default, without e4 */
    assert_false(has(next, "next_page_token"));
    mlplat_doc_free(page);
    mlplat_doc_free(next);
    q = (mlplat_search)MLPLAT_SEARCH_INIT;
    q.view = MLPLAT_VIEW_DELETED;
    assert_ok(mlplat_experiment_list(f->ml, &q, &page, &err));
    assert_int_equal(size_at(page, "experiments"), 1);
    assert_string_equal(text_at(page, "experiments[0].name"), "e4");
    mlplat_doc_free(page);
    q.view = MLPLAT_VIEW_ALL;
    assert_ok(mlplat_experiment_list(f->ml, &q, &page, &err));
    assert_int_equal(size_at(page, "experiments"), 6);
    mlplat_doc_free(page);
    mlplat_free(id);
}

/* ---- runs --------------------------------------------------------------------------------------------------------- */

static void a_run_starts_with_its_context(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.experiment = "fraud";
    o.name = "first";
    o.description = "a try";
    o.tags = "{\"team\": \"risk\", \"mlflow.user\": \"ada\"}";
    o.source_name = "train.py";
    o.start_time_ms = 1234;
    assert_ok(mlplat_run_start(f->ml, &o, &run, &err));
    mlplat_doc *doc = get(f->ml, run);
    assert_int_equal(strspn(mlplat_run_id(run), "0123456789abcdef"), 32);
    assert_string_equal(text_at(doc, "info.run_id"), mlplat_run_id(run));
    assert_string_equal(text_at(doc, "info.run_name"), "first");
    assert_string_equal(mlplat_run_name(run), "first");
    assert_string_equal(text_at(doc, "info.experiment_id"), mlplat_run_experiment_id(run));
    assert_string_equal(text_at(doc, "info.user_id"), "ada");
    assert_string_equal(text_at(doc, "info.status"), "RUNNING");
    assert_string_equal(text_at(doc, "info.lifecycle_stage"), "active");
    assert_string_equal(text_at(doc, "info.artifact_uri"), mlplat_run_artifact_uri(run));
    assert_int_equal(int_at(doc, "info.start_time"), 1234);
    assert_false(has(doc, "info.end_time"));
    assert_string_equal(pair(doc, "data.tags", "mlflow.runName"), "first");
    assert_string_equal(pair(doc, "data.tags", "mlflow.note.content"), "a try");
    assert_string_equal(pair(doc, "data.tags", "mlflow.user"), "ada");
    assert_string_equal(pair(doc, "data.tags", "mlflow.source.name"), "train.py");
    assert_string_equal(pair(doc, "data.tags", "mlflow.source.type"), "LOCAL");
    assert_string_equal(pair(doc, "data.tags", "team"), "risk");
    assert_int_equal(size_at(doc, "data.metrics"), 0);
    assert_int_equal(size_at(doc, "data.params"), 0);
    mlplat_doc_free(doc);
    end(run);
}

static void a_run_without_a_name_is_given_one(void **state)
{
    fixture *f = *state;
    mlplat_run *run = start(f->ml, NULL);
    mlplat_doc *doc = get(f->ml, run);
    assert_in_range(strlen(mlplat_run_name(run)), 7, 20);
    assert_string_equal(text_at(doc, "info.run_name"), mlplat_run_name(run));
    assert_string_equal(pair(doc, "data.tags", "mlflow.runName"), mlplat_run_name(run));
    assert_string_equal(mlplat_run_experiment_id(run), "0");
    mlplat_doc_free(doc);
    end(run);
}

static void two_names_for_one_run_are_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.name = "a";
    o.tags = "{\"mlflow.runName\": \"b\"}";
    assert_status(mlplat_run_start(f->ml, &o, &run, &err), MLPLAT_INVALID);
    o.name = NULL;
    assert_ok(mlplat_run_start(f->ml, &o, &run, &err));
    assert_string_equal(mlplat_run_name(run), "b");
    end(run);
    o.experiment = "a";
    o.experiment_id = "0";
    assert_status(mlplat_run_start(f->ml, &o, &run, &err), MLPLAT_INVALID);
}

static void a_nested_run_is_in_its_parents_experiment(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *parent = NULL, *child = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.experiment = "fraud";
    assert_ok(mlplat_run_start(f->ml, &o, &parent, &err));
    o = (mlplat_run_options)MLPLAT_RUN_OPTIONS_INIT;
    o.parent_run_id = mlplat_run_id(parent);
    assert_ok(mlplat_run_start(f->ml, &o, &child, &err));
    assert_string_equal(mlplat_run_experiment_id(child), mlplat_run_experiment_id(parent));
    mlplat_doc *doc = get(f->ml, child);
    assert_string_equal(pair(doc, "data.tags", "mlflow.parentRunId"), mlplat_run_id(parent));
    mlplat_doc_free(doc);
    end(child);
    assert_ok(mlplat_run_delete(f->ml, mlplat_run_id(parent), &err));
    assert_status(mlplat_run_start(f->ml, &o, &child, &err), MLPLAT_STATE);
    mlplat_run_free(parent);
}

static void a_run_ends_once_through_a_handle(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const char *const ends[] = {"FINISHED", "FAILED", "KILLED"};
    for (size_t i = 0; i < 3; i++) {
        mlplat_run *run = start(f->ml, NULL);
        assert_status(mlplat_run_end(run, "RUNNING", &err), MLPLAT_INVALID);
        assert_ok(mlplat_run_log_metric(run, "loss", 1, 0, &err));
        assert_ok(mlplat_run_end(run, ends[i], &err));
        mlplat_doc *doc = get(f->ml, run);
        assert_string_equal(text_at(doc, "info.status"), ends[i]);
        assert_true(int_at(doc, "info.end_time") >= int_at(doc, "info.start_time"));
        assert_int_equal(size_at(doc, "data.metrics"), 1);
        mlplat_doc_free(doc);
        assert_status(mlplat_run_end(run, NULL, &err), MLPLAT_STATE);
        assert_status(mlplat_run_log_metric(run, "loss", 1, 1, &err), MLPLAT_STATE);
        assert_status(mlplat_run_set_tag(run, "a", "b", &err), MLPLAT_STATE);
        assert_status(mlplat_run_log_param(run, "a", "b", &err), MLPLAT_STATE);
        assert_status(mlplat_run_log_batch(run, "{}", &err), MLPLAT_STATE);
        assert_status(mlplat_run_delete_tag(run, "a", &err), MLPLAT_STATE);
        mlplat_run_free(run);
    }
    mlplat_run_free(NULL);
}

static void a_run_is_resumed_and_attached(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, "long"), *again = NULL, *also = NULL;
    for (int i = 0; i < 3; i++)
        assert_ok(mlplat_run_log_metric(run, "loss", i, MLPLAT_STEP_AUTO, &err));
    assert_ok(mlplat_run_end(run, "FAILED", &err));
    assert_ok(mlplat_run_attach(f->ml, mlplat_run_id(run), &also, &err));
    mlplat_doc *doc = get(f->ml, run);
    assert_string_equal(text_at(doc, "info.status"), "FAILED");
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_resume(f->ml, mlplat_run_id(run), &again, &err));
    doc = get(f->ml, run);
    assert_string_equal(text_at(doc, "info.status"), "RUNNING");
    mlplat_doc_free(doc);
    assert_string_equal(mlplat_run_name(again), "long");
    assert_ok(mlplat_run_log_metric(again, "loss", 3, MLPLAT_STEP_AUTO, &err));
    doc = get(f->ml, run);
    assert_int_equal(int_at(doc, "data.metrics[0].step"), 3);
    mlplat_doc_free(doc);
    mlplat_run_free(run);
    mlplat_run_free(also);
    end(again);
}

/* ---- metrics ------------------------------------------------------------------------------------------------------ */

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

/* ---- params and tags ---------------------------------------------------------------------------------------------- */

static void a_param_keeps_its_value(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
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
    assert_status(mlplat_run_log_batch(run, "{\"params\": {\"new\": \"1\", \"depth\": \"7\"}, \"metrics\": {\"m\": 1}}", &err),
                  MLPLAT_CONFLICT);
    mlplat_doc *doc = get(f->ml, run);
    assert_int_equal(size_at(doc, "data.params"), 3); /* "new" went with the other */
    assert_string_equal(pair(doc, "data.params", "depth"), "6");
    assert_string_equal(pair(doc, "data.params", "empty"), "");
    assert_int_equal(size_at(doc, "data.metrics"), 0);
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
    assert_int_equal(strlen(pair(doc, "data.params", "p")), 6000);
    assert_int_equal(strlen(pair(doc, "data.tags", "t")), 8000);
    mlplat_doc_free(doc);
    free(value);
    end(run);
}

static void tags_are_set_replaced_and_removed_in_order(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    assert_ok(mlplat_run_set_tag(run, "phase", "train", &err));
    assert_ok(mlplat_run_set_tag(run, "phase", "test", &err));
    assert_ok(mlplat_run_set_tag(run, "phase", "train", &err));
    mlplat_doc *doc = get(f->ml, run);
    assert_string_equal(pair(doc, "data.tags", "phase"), "train");
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_set_tag(run, "phase", "again", &err));
    assert_ok(mlplat_run_delete_tag(run, "phase", &err));
    assert_status(mlplat_run_delete_tag(run, "phase", &err), MLPLAT_NOT_FOUND);
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

/* ---- batches ------------------------------------------------------------------------------------------------------ */

static void a_batch_is_taken_in_both_forms(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    assert_ok(mlplat_run_log_batch(run, "{\"metrics\": {\"a\": 1.5, \"b\": \"NaN\", \"c\": \"-Infinity\"}, \"params\": {\"p\": \"1\", "
                                        "\"q\": 2.5, \"r\": true}, \"tags\": {\"t\": \"x\"}}", &err));
    assert_ok(mlplat_run_log_batch(run, "{\"metrics\": [{\"key\": \"a\", \"value\": 2, \"step\": 7, \"timestamp\": 99}, {\"key\": "
                                        "\"a\", \"value\": 3}], \"params\": [{\"key\": \"s\", \"value\": \"1\"}], \"tags\": "
                                        "[{\"key\": \"t\", \"value\": \"y\"}]}", &err));
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
    "", "[]", "{", "{\"metric\": {}}", "{\"metrics\": 1}", "{\"metrics\": {\"a\": true}}", "{\"metrics\": {\"a\": \"one\"}}",
    "{\"metrics\": {\"a\": null}}", "{\"metrics\": [{\"value\": 1}]}", "{\"metrics\": [{\"key\": \"a\", \"value\": 1, \"step\": 1.5}]}",
    "{\"metrics\": [{\"key\": \"a\", \"value\": 1, \"timestamp\": -1}]}", "{\"metrics\": {\"a//b\": 1}}",
    "{\"params\": {\"a\": null}}", "{\"params\": {\"a\": []}}", "{\"params\": {\"..\": \"1\"}}",
    "{\"params\": [{\"key\": \"a\", \"value\": \"1\"}, {\"key\": \"a\", \"value\": \"1\"}]}", "{\"tags\": {\"\": \"1\"}}",
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
        snprintf(text, sizeof text, "{\"%s\": {\"good\": 1}, %s", strstr(bad_batches[i], "metrics") ? "tags" : "metrics",
                 bad_batches[i] + 1);
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

/* ---- deleted runs ------------------------------------------------------------------------------------------------- */

static void a_deleted_run_refuses_and_nothing_accepted_is_lost(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, "gone"), *other = start(f->ml, "stays"), *more = NULL;
    mlplat_spool_counts counts = {.size = sizeof counts};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_run_log_metric(run, "m", 0, 0, &err));
    assert_ok(mlplat_run_delete(f->ml, mlplat_run_id(run), &err));
    assert_status(mlplat_run_log_param(run, "a", "b", &err), MLPLAT_STATE);
    assert_status(mlplat_run_delete_tag(run, "a", &err), MLPLAT_STATE);
    assert_status(mlplat_run_end(run, NULL, &err), MLPLAT_STATE);
    assert_non_null(strstr(err.message, mlplat_run_id(run)));
    assert_status(mlplat_run_attach(f->ml, mlplat_run_id(run), &more, &err), MLPLAT_STATE);
    assert_status(mlplat_run_resume(f->ml, mlplat_run_id(run), &more, &err), MLPLAT_STATE);
    assert_ok(mlplat_run_log_metric(run, "m", 1, 1, &err)); /* queued: refused by the store, set aside */
    assert_ok(mlplat_run_log_metric(other, "m", 2, 0, &err));
    assert_ok(mlplat_run_set_tag(run, "t", "late", &err));
    assert_ok(mlplat_flush(f->ml, -1, &err));
    assert_ok(mlplat_spool_count(f->ml, &counts, &err));
    assert_int_equal(counts.accepted, 4);
    assert_int_equal(counts.stored, 2);
    assert_int_equal(counts.dead, 2);
    assert_ok(mlplat_spool_status(f->ml, &doc, &err));
    assert_int_equal(int_at(doc, "dead"), 2);
    assert_string_equal(text_at(doc, "dead_letters[0].run_id"), mlplat_run_id(run));
    assert_non_null(strstr(text_at(doc, "dead_letters[0].reason"), "deleted"));
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_restore(f->ml, mlplat_run_id(run), &err));
    assert_ok(mlplat_spool_retry(f->ml, &doc, &err));
    assert_int_equal(int_at(doc, "stored"), 2);
    assert_int_equal(int_at(doc, "dead"), 0);
    mlplat_doc_free(doc);
    doc = get(f->ml, run);
    assert_true(double_at(doc, "data.metrics[0].value") == 1);
    assert_string_equal(pair(doc, "data.tags", "t"), "late");
    mlplat_doc_free(doc);
    end(run);
    end(other);
}

/* ---- bad input ---------------------------------------------------------------------------------------------------- */

static void bad_keys_and_values_are_refused_by_every_call(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL);
    char *longest = repeat('k', 250), *longer = repeat('k', 251);
    const char *const bad[] = {NULL, "", "..", "a/../b", "/a", "a\\b", "\xff", longer};
    double value = 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_status(mlplat_run_log_metric(run, bad[i], 1, 0, &err), MLPLAT_INVALID);
        assert_status(mlplat_run_log_metrics(run, bad[i], NULL, NULL, &value, 1, &err), MLPLAT_INVALID);
        assert_status(mlplat_run_log_param(run, bad[i], "1", &err), MLPLAT_INVALID);
        assert_status(mlplat_run_set_tag(run, bad[i], "1", &err), MLPLAT_INVALID);
        assert_status(mlplat_run_delete_tag(run, bad[i], &err), MLPLAT_INVALID);
        assert_status(mlplat_experiment_set_tag(f->ml, "0", bad[i], "1", &err), MLPLAT_INVALID);
    }
    assert_ok(mlplat_run_log_metric(run, longest, 1, 0, &err));
    assert_status(mlplat_run_log_metric_at(run, "m", 1, 0, -7, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_param(run, "p", NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_param(run, "p", "\xff", &err), MLPLAT_INVALID);
    assert_status(mlplat_run_set_tag(run, "t", "\xc3", &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_metric(NULL, "m", 1, 0, &err), MLPLAT_INVALID);
    mlplat_doc *doc = get(f->ml, run);
    assert_int_equal(size_at(doc, "data.metrics"), 1);
    assert_int_equal(size_at(doc, "data.params"), 0);
    mlplat_doc_free(doc);
    free(longest);
    free(longer);
    end(run);
}

static void bad_options_are_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    char *id = NULL, *name = repeat('n', 251);
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    mlplat_experiment_options e = MLPLAT_EXPERIMENT_OPTIONS_INIT;
    static const char *const tags[] = {"[]", "{\"a\": 1}", "{\"a//b\": \"c\"}", "{", "{\"a\": \"\xff\"}"};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        o.tags = e.tags = tags[i];
        assert_status(mlplat_run_start(f->ml, &o, &run, &err), MLPLAT_INVALID);
        assert_status(mlplat_experiment_create(f->ml, "e", &e, &id, &err), MLPLAT_INVALID);
    }
    o.tags = NULL;
    o.name = name;
    assert_status(mlplat_run_start(f->ml, &o, &run, &err), MLPLAT_INVALID);
    o.name = NULL;
    o.start_time_ms = -1;
    assert_status(mlplat_run_start(f->ml, &o, &run, &err), MLPLAT_INVALID);
    o.start_time_ms = 0;
    o.size = 1;
    assert_status(mlplat_run_start(f->ml, &o, &run, &err), MLPLAT_INVALID);
    q.max_results = -1;
    assert_status(mlplat_run_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    q.max_results = 50001;
    assert_status(mlplat_experiment_list(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    q.max_results = 0;
    q.page_token = "?";
    assert_status(mlplat_run_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    q.page_token = NULL;
    q.experiment_ids = "1;2";
    assert_status(mlplat_run_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_experiment_create(f->ml, "", NULL, &id, &err), MLPLAT_INVALID);
    assert_status(mlplat_experiment_create(f->ml, "\xff", NULL, &id, &err), MLPLAT_INVALID);
    assert_status(mlplat_experiment_ensure(f->ml, NULL, &id, &err), MLPLAT_INVALID);
    free(name);
}

/* ---- search ------------------------------------------------------------------------------------------------------- */

/* Six runs: r0 ... r5, the newest last. */
static void fill(fixture *f)
{
    static const char *const status[] = {"FINISHED", "FAILED", "KILLED", "FINISHED", NULL, "FINISHED"};
    for (int i = 0; i < 6; i++) {
        mlplat_error err = {0};
        mlplat_run *run = NULL;
        char name[8], text[16], tags[64];
        mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
        snprintf(name, sizeof name, "r%d", i);
        snprintf(text, sizeof text, "%d", i % 3);
        snprintf(tags, sizeof tags, "{\"team\": \"%s\", \"a b\": \"x\"}", i % 2 ? "Risk" : "ris_k");
        o.name = name;
        o.tags = i == 4 ? NULL : tags;
        o.start_time_ms = 1000 + i;
        o.experiment = i == 5 ? "second" : "first";
        assert_ok(mlplat_run_start(f->ml, &o, &run, &err));
        assert_ok(mlplat_run_log_metric(run, "loss", i == 2 ? NAN : i / 10.0, 0, &err));
        if (i < 4)
            assert_ok(mlplat_run_log_metric(run, "val/acc", 10 - i, 0, &err));
        assert_ok(mlplat_run_log_param(run, "depth", text, &err));
        if (status[i])
            assert_ok(mlplat_run_end(run, status[i], &err));
        mlplat_run_free(run);
    }
}

static const struct {
    const char *filter, *order, *names; /* names in order, joined by spaces */
} searches[] = {
    {NULL, NULL, "r5 r4 r3 r2 r1 r0"},
    {"metrics.loss < 0.3", NULL, "r1 r0"},
    {"metrics.loss >= 0.3", NULL, "r5 r4 r3"},
    {"metrics.loss = 0", NULL, "r0"}, /* not r2, whose NaN is stored as 0 */
    {"metrics.loss != 0.1", NULL, "r5 r4 r3 r2 r0"},
    {"metrics.`val/acc` > 8", NULL, "r1 r0"},
    {"metrics.nothing > 0", NULL, ""},
    {"params.depth = '1'", NULL, "r4 r1"},
    {"params.depth != '1'", NULL, "r5 r3 r2 r0"},
    {"params.depth LIKE '%'", NULL, "r5 r4 r3 r2 r1 r0"},
    {"tags.team = 'Risk'", NULL, "r5 r3 r1"},
    {"tags.team LIKE 'ris%'", NULL, "r2 r0"},
    {"tags.team LIKE 'ris_k'", NULL, "r2 r0"},
    {"tags.team ILIKE 'RIS%'", NULL, "r5 r3 r2 r1 r0"},
    {"tags.team IS NULL", NULL, "r4"},
    {"tags.`a b` IS NOT NULL", NULL, "r5 r3 r2 r1 r0"},
    {"attributes.status = 'FINISHED'", NULL, "r5 r3 r0"},
    {"status != 'FINISHED'", NULL, "r4 r2 r1"},
    {"attributes.run_name = 'r2'", NULL, "r2"},
    {"run_name LIKE 'r%'", NULL, "r5 r4 r3 r2 r1 r0"},
    {"start_time > 1003", NULL, "r5 r4"},
    {"end_time > 0", NULL, "r5 r3 r2 r1 r0"},
    {"datasets.name = 'none'", NULL, ""},
    {"metrics.loss > 0 AND tags.team = 'Risk' AND status = 'FINISHED'", NULL, "r5 r3"},
    {NULL, "metrics.loss", "r0 r1 r3 r4 r5 r2"},
    {NULL, "metrics.loss DESC", "r5 r4 r3 r1 r0 r2"},
    {NULL, "metrics.`val/acc` ASC", "r3 r2 r1 r0 r5 r4"},
    {NULL, "params.depth DESC", "r5 r2 r4 r1 r3 r0"},
    {NULL, "tags.team", "r5 r3 r1 r2 r0 r4"},
    {NULL, "attributes.start_time ASC", "r0 r1 r2 r3 r4 r5"},
    {NULL, "run_name DESC", "r5 r4 r3 r2 r1 r0"},
    {"params.depth = '0'", "metrics.loss DESC", "r3 r0"},
};

static void names_of(const mlplat_doc *doc, char *out, size_t room)
{
    out[0] = 0;
    for (size_t i = 0, n = size_at(doc, "runs"); i < n; i++) {
        char path[60];
        snprintf(path, sizeof path, "runs[%zu].info.run_name", i);
        snprintf(out + strlen(out), room - strlen(out), "%s%s", i ? " " : "", text_at(doc, path));
    }
}

static void runs_are_searched_and_ordered(void **state)
{
    fixture *f = *state;
    fill(f);
    for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++) {
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        char names[200];
        mlplat_search q = MLPLAT_SEARCH_INIT;
        q.filter = searches[i].filter;
        q.order_by = searches[i].order;
        assert_ok(mlplat_run_search(f->ml, &q, &doc, &err));
        names_of(doc, names, sizeof names);
        if (strcmp(names, searches[i].names) != 0)
            fail_msg("%s / %s: %s, not %s", q.filter ? q.filter : "", q.order_by ? q.order_by : "", names,
                     searches[i].names);
        mlplat_doc_free(doc);
    }
}

static void runs_are_searched_by_experiment_view_and_page(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char names[200], ids[64], token[100];
    char *first = NULL, *second = NULL;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    fill(f);
    assert_ok(mlplat_experiment_ensure(f->ml, "first", &first, &err));
    assert_ok(mlplat_experiment_ensure(f->ml, "second", &second, &err));
    q.experiment_ids = second;
    assert_ok(mlplat_run_search(f->ml, &q, &doc, &err));
    names_of(doc, names, sizeof names);
    assert_string_equal(names, "r5");
    char gone[64];
    snprintf(gone, sizeof gone, "%s", text_at(doc, "runs[0].info.run_id"));
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_delete(f->ml, gone, &err));
    snprintf(ids, sizeof ids, "%s, %s", first, second);
    q.experiment_ids = ids;
    q.max_results = 2;
    assert_ok(mlplat_run_search(f->ml, &q, &doc, &err));
    names_of(doc, names, sizeof names);
    assert_string_equal(names, "r4 r3");
    snprintf(token, sizeof token, "%s", text_at(doc, "next_page_token"));
    mlplat_doc_free(doc);
    q.page_token = token;
    q.max_results = 3;
    assert_ok(mlplat_run_search(f->ml, &q, &doc, &err));
    names_of(doc, names, sizeof names);
    assert_string_equal(names, "r2 r1 r0");
    assert_false(has(doc, "next_page_token"));
    mlplat_doc_free(doc);
    q = (mlplat_search)MLPLAT_SEARCH_INIT;
    q.view = MLPLAT_VIEW_DELETED;
    assert_ok(mlplat_run_search(f->ml, &q, &doc, &err));
    names_of(doc, names, sizeof names);
    assert_string_equal(names, "r5");
    mlplat_doc_free(doc);
    q.view = MLPLAT_VIEW_ALL;
    assert_ok(mlplat_run_search(f->ml, &q, &doc, &err));
    assert_int_equal(size_at(doc, "runs"), 6);
    mlplat_doc_free(doc);
    q.filter = "metrics.loss <";
    assert_status(mlplat_run_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    mlplat_free(first);
    mlplat_free(second);
}

int tracking_contract_run(const char *store, tracking_contract_open open)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(an_experiment_is_found_by_id_and_name),
        CASE(the_default_experiment_is_there),
        CASE(an_experiment_keeps_the_location_given),
        CASE(a_taken_name_is_refused_and_named),
        CASE(ensure_makes_an_experiment_once),
        CASE(a_deleted_experiment_takes_its_runs_along_and_back),
        CASE(an_experiment_tag_is_set_and_replaced),
        CASE(what_is_not_there_is_not_found),
        CASE(experiments_are_listed_in_pages_by_view),
        CASE(a_run_starts_with_its_context),
        CASE(a_run_without_a_name_is_given_one),
        CASE(two_names_for_one_run_are_refused),
        CASE(a_nested_run_is_in_its_parents_experiment),
        CASE(a_run_ends_once_through_a_handle),
        CASE(a_run_is_resumed_and_attached),
        CASE(own_records_are_read_at_once),
        CASE(values_that_are_not_finite_are_kept_as_mlflow_keeps_them),
        CASE(the_latest_value_is_chosen_as_by_mlflow),
        CASE(steps_that_are_not_named_count_up),
        CASE(equal_values_without_a_step_do_not_collapse),
        CASE(a_span_is_logged_whole_or_not_at_all),
        CASE(history_comes_in_order_and_in_pages),
        CASE(a_param_keeps_its_value),
        CASE(long_values_are_cut),
        CASE(tags_are_set_replaced_and_removed_in_order),
        CASE(the_name_and_its_tag_are_one),
        CASE(a_batch_is_taken_in_both_forms),
        CASE(a_bad_batch_leaves_nothing_behind),
        CASE(a_deleted_run_refuses_and_nothing_accepted_is_lost),
        CASE(bad_keys_and_values_are_refused_by_every_call),
        CASE(bad_options_are_refused),
        CASE(runs_are_searched_and_ordered),
        CASE(runs_are_searched_by_experiment_view_and_page),
    };
    open_store = open;
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
