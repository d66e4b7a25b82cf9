/* Logged models, and changes of experiments and runs that are there. */
#include "contract/tracking_fixture.h"

static mlplat_doc *create(mlplat *ml, const mlplat_logged_model_options *o)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_logged_model_create(ml, o, &doc, &err));
    return doc;
}

/* ---- experiments and runs ---------------------------------------------------------------------------------------- */

static void an_experiment_is_renamed(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *id = NULL, *other = NULL;
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_experiment_create(f->ml, "fraud", NULL, &id, &err));
    assert_ok(mlplat_experiment_create(f->ml, "taken", NULL, &other, &err));
    assert_ok(mlplat_experiment_rename(f->ml, id, "fraud 2", &err));
    assert_ok(mlplat_experiment_rename(f->ml, id, "fraud 2", &err)); /* its own name */
    assert_ok(mlplat_experiment_rename(f->ml, "0", "Default", &err));
    assert_ok(mlplat_experiment_get_by_name(f->ml, "fraud 2", &doc, &err));
    assert_string_equal(text_at(doc, "experiment_id"), id);
    assert_true(int_at(doc, "last_update_time") >= int_at(doc, "creation_time"));
    mlplat_doc_free(doc);
    assert_status(mlplat_experiment_get_by_name(f->ml, "fraud", &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_experiment_rename(f->ml, id, "taken", &err), MLPLAT_EXISTS);
    assert_status(mlplat_experiment_rename(f->ml, id, "", &err), MLPLAT_INVALID);
    assert_status(mlplat_experiment_rename(f->ml, "77", "x", &err), MLPLAT_NOT_FOUND);
    assert_ok(mlplat_experiment_delete(f->ml, id, &err));
    assert_status(mlplat_experiment_rename(f->ml, id, "x", &err), MLPLAT_STATE);
    mlplat_free(id);
    mlplat_free(other);
}

static void a_tag_of_an_experiment_is_removed(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_experiment_set_tag(f->ml, "0", "team", "risk", &err));
    if (tracking_contract_old) {
        assert_status(mlplat_experiment_delete_tag(f->ml, "0", "team", &err), MLPLAT_UNSUPPORTED);
        assert_non_null(strstr(err.message, "MLflow 3.2"));
        return;
    }
    assert_ok(mlplat_experiment_delete_tag(f->ml, "0", "team", &err));
    assert_ok(mlplat_experiment_get(f->ml, "0", &doc, &err));
    assert_null(pair(doc, "tags", "team"));
    mlplat_doc_free(doc);
    assert_status(mlplat_experiment_delete_tag(f->ml, "0", "team", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_experiment_delete_tag(f->ml, "77", "team", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_experiment_delete_tag(f->ml, "0", NULL, &err), MLPLAT_INVALID);
}

static void a_run_is_updated(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, "before");
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    assert_ok(mlplat_run_update(f->ml, mlplat_run_id(run), &change, &err));
    change.name = "after";
    change.status = "SCHEDULED";
    change.end_time_ms = 123456;
    assert_ok(mlplat_run_update(f->ml, mlplat_run_id(run), &change, &err));
    mlplat_doc *doc = get(f->ml, run);
    assert_string_equal(text_at(doc, "info.run_name"), "after");
    assert_string_equal(pair(doc, "data.tags", "mlflow.runName"), "after");
    assert_string_equal(text_at(doc, "info.status"), "SCHEDULED");
    assert_int_equal(int_at(doc, "info.end_time"), 123456);
    mlplat_doc_free(doc);
    change = (mlplat_run_change)MLPLAT_RUN_CHANGE_INIT;
    change.status = "LAZY";
    assert_status(mlplat_run_update(f->ml, mlplat_run_id(run), &change, &err), MLPLAT_INVALID);
    change.status = NULL;
    change.end_time_ms = -1;
    assert_status(mlplat_run_update(f->ml, mlplat_run_id(run), &change, &err), MLPLAT_INVALID);
    change.end_time_ms = 0;
    assert_status(mlplat_run_update(f->ml, "nobody", &change, &err), MLPLAT_NOT_FOUND);
    assert_ok(mlplat_run_delete(f->ml, mlplat_run_id(run), &err));
    assert_status(mlplat_run_update(f->ml, mlplat_run_id(run), &change, &err), MLPLAT_STATE);
    mlplat_run_free(run);
}

/* ---- logged models ----------------------------------------------------------------------------------------------- */

static void a_logged_model_is_created_pending(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    if (contract_models_are_too_new(f->ml))
        return;
    mlplat_run *run = start(f->ml, NULL);
    mlplat_logged_model_options o = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
    mlplat_doc *same = NULL;
    o.name = "forest \xc3\xa4";
    o.model_type = "classifier";
    o.source_run_id = mlplat_run_id(run);
    o.params = "{\"depth\": \"6\"}";
    o.tags = "{\"team\": \"risk\"}";
    mlplat_doc *doc = create(f->ml, &o);
    const char *id = text_at(doc, "info.model_id");
    assert_int_equal(strlen(id), 34);
    assert_memory_equal(id, "m-", 2);
    assert_string_equal(text_at(doc, "info.name"), o.name);
    assert_string_equal(text_at(doc, "info.status"), "LOGGED_MODEL_PENDING");
    assert_string_equal(text_at(doc, "info.model_type"), "classifier");
    assert_string_equal(text_at(doc, "info.source_run_id"), mlplat_run_id(run));
    assert_string_equal(text_at(doc, "info.experiment_id"), mlplat_run_experiment_id(run));
    assert_int_equal(int_at(doc, "info.creation_timestamp_ms"), int_at(doc, "info.last_updated_timestamp_ms"));
    assert_string_equal(pair(doc, "data.params", "depth"), "6");
    assert_string_equal(pair(doc, "info.tags", "team"), "risk");
    char end_of_uri[80];
    snprintf(end_of_uri, sizeof end_of_uri, "/models/%s/artifacts", id);
    assert_non_null(strstr(text_at(doc, "info.artifact_uri"), end_of_uri));
    assert_ok(mlplat_logged_model_get(f->ml, id, &same, &err));
    assert_string_equal(mlplat_doc_text(doc), mlplat_doc_text(same));
    mlplat_doc_free(doc);
    mlplat_doc_free(same);
    end(run);
}

static void a_logged_model_is_finalized_and_deleted(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    if (contract_models_are_too_new(f->ml))
        return;
    mlplat_doc *doc = create(f->ml, NULL), *now = NULL;
    const char *id = text_at(doc, "info.model_id");
    assert_true(text_at(doc, "info.name")[0]);
    assert_false(has(doc, "info.source_run_id"));
    assert_ok(mlplat_logged_model_finalize(f->ml, id, "FAILED", NULL, &err));
    assert_ok(mlplat_logged_model_finalize(f->ml, id, "READY", &now, &err));
    assert_string_equal(text_at(now, "info.status"), "LOGGED_MODEL_READY");
    mlplat_doc_free(now);
    assert_status(mlplat_logged_model_finalize(f->ml, id, "PENDING", &now, &err), MLPLAT_INVALID);
    assert_status(mlplat_logged_model_finalize(f->ml, "m-0", "READY", &now, &err), MLPLAT_NOT_FOUND);
    assert_ok(mlplat_logged_model_delete(f->ml, id, &err));
    assert_ok(mlplat_logged_model_delete(f->ml, id, &err)); /* again, as in MLflow */
    assert_status(mlplat_logged_model_get(f->ml, id, &now, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_logged_model_delete(f->ml, "m-0", &err), MLPLAT_NOT_FOUND);
    mlplat_doc_free(doc);
}

static void tags_and_params_of_a_logged_model(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    if (contract_models_are_too_new(f->ml))
        return;
    mlplat_doc *doc = create(f->ml, NULL), *now = NULL;
    const char *id = text_at(doc, "info.model_id");
    assert_ok(mlplat_logged_model_set_tags(f->ml, id, "{\"a\": \"1\", \"b\": \"2\"}", &err));
    assert_ok(mlplat_logged_model_set_tags(f->ml, id, "{\"a\": \"3\"}", &err));
    assert_ok(mlplat_logged_model_delete_tag(f->ml, id, "b", &err));
    assert_status(mlplat_logged_model_delete_tag(f->ml, id, "b", &err), MLPLAT_NOT_FOUND);
    assert_ok(mlplat_logged_model_log_params(f->ml, id, "{\"depth\": \"6\"}", &err));
    assert_status(mlplat_logged_model_log_params(f->ml, id, "{\"x\": \"1\", \"depth\": \"7\"}", &err), MLPLAT_EXISTS);
    assert_status(mlplat_logged_model_log_params(f->ml, id, "[]", &err), MLPLAT_INVALID);
    assert_status(mlplat_logged_model_set_tags(f->ml, "m-0", "{}", &err), MLPLAT_NOT_FOUND);
    assert_ok(mlplat_logged_model_get(f->ml, id, &now, &err));
    assert_int_equal(size_at(now, "info.tags"), 1);
    assert_string_equal(pair(now, "info.tags", "a"), "3");
    assert_int_equal(size_at(now, "data.params"), 1); /* all of a call, or none */
    assert_string_equal(pair(now, "data.params", "depth"), "6");
    mlplat_doc_free(now);
    mlplat_doc_free(doc);
}

static void a_metric_is_the_runs_and_the_models(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    if (contract_models_are_too_new(f->ml))
        return;
    mlplat_run *run = start(f->ml, NULL);
    mlplat_doc *doc = create(f->ml, NULL), *now = NULL;
    char batch[600];
    const char *id = text_at(doc, "info.model_id");
    snprintf(batch, sizeof batch,
             "{\"metrics\": [{\"key\": \"auc\", \"value\": 0.5, \"step\": 3, \"timestamp\": 7, \"model_id\": \"%s\", "
             "\"dataset_name\": \"train\", \"dataset_digest\": \"abc\"}, "
             "{\"key\": \"auc\", \"value\": \"NaN\", \"step\": 4, \"timestamp\": 8, \"model_id\": \"%s\"}, "
             "{\"key\": \"loss\", \"value\": 1, \"dataset_name\": \"train\"}]}",
             id, id);
    assert_ok(mlplat_run_log_batch(run, batch, &err));
    assert_ok(mlplat_run_log_batch(run, batch, &err)); /* once all the same */
    assert_ok(mlplat_logged_model_get(f->ml, id, &now, &err));
    assert_int_equal(size_at(now, "data.metrics"), 2);
    assert_string_equal(text_at(now, "data.metrics[0].key"), "auc");
    assert_true(double_at(now, "data.metrics[0].value") == 0.5);
    assert_int_equal(int_at(now, "data.metrics[0].step"), 3);
    assert_int_equal(int_at(now, "data.metrics[0].timestamp"), 7);
    assert_string_equal(text_at(now, "data.metrics[0].model_id"), id);
    assert_string_equal(text_at(now, "data.metrics[0].run_id"), mlplat_run_id(run));
    assert_string_equal(text_at(now, "data.metrics[0].dataset_name"), "train");
    assert_string_equal(text_at(now, "data.metrics[0].dataset_digest"), "abc");
    assert_true(double_at(now, "data.metrics[1].value") == 0); /* MLflow has no column for NaN here */
    assert_false(has(now, "data.metrics[1].dataset_name"));
    mlplat_doc_free(now);
    now = get(f->ml, run);
    assert_int_equal(size_at(now, "data.metrics"), 2);
    mlplat_doc_free(now);
    static const char no_model[] = "{\"metrics\": [{\"key\": \"a\", \"value\": 1, \"model_id\": \"m-0\"}]}";
    static const char number[] = "{\"metrics\": [{\"key\": \"a\", \"value\": 1, \"model_id\": 7}]}";
    assert_status(mlplat_run_log_batch(run, no_model, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_run_log_batch(run, number, &err), MLPLAT_INVALID);
    mlplat_doc_free(doc);
    end(run);
}

static void bad_logged_models_are_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    if (contract_models_are_too_new(f->ml))
        return;
    static const char *const names[] = {"", "a/b", "a:b", "a.b", "a%b", "a\"b", "a'b", "\xff"};
    mlplat_logged_model_options o = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    char *id = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        o.name = names[i];
        assert_status(mlplat_logged_model_create(f->ml, &o, &doc, &err), MLPLAT_INVALID);
    }
    o.name = NULL;
    o.experiment_id = "77";
    assert_status(mlplat_logged_model_create(f->ml, &o, &doc, &err), MLPLAT_NOT_FOUND);
    assert_ok(mlplat_experiment_create(f->ml, "gone", NULL, &id, &err));
    assert_ok(mlplat_experiment_delete(f->ml, id, &err));
    o.experiment_id = id;
    assert_status(mlplat_logged_model_create(f->ml, &o, &doc, &err), MLPLAT_STATE);
    o.experiment_id = NULL;
    o.tags = "{\"a\": 1}";
    assert_status(mlplat_logged_model_create(f->ml, &o, &doc, &err), MLPLAT_INVALID);
    assert_null(doc);
    mlplat_free(id);
}

int model_contract_run(const char *store)
{
    const struct CMUnitTest tests[] = {
        CASE(an_experiment_is_renamed),
        CASE(a_tag_of_an_experiment_is_removed),
        CASE(a_run_is_updated),
        CASE(a_logged_model_is_created_pending),
        CASE(a_logged_model_is_finalized_and_deleted),
        CASE(tags_and_params_of_a_logged_model),
        CASE(a_metric_is_the_runs_and_the_models),
        CASE(bad_logged_models_are_refused),
    };
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
