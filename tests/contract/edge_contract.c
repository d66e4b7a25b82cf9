/* What goes into runs and comes out of them. */
#include "contract/tracking_fixture.h"

#define TRAIN                                                                                                          \
    "{\"dataset\": {\"name\": \"train\", \"digest\": \"abc\", \"source_type\": \"local\", \"source\": \"{}\", "        \
    "\"schema\": \"{\\\"a\\\": 1}\"}, \"tags\": [{\"key\": \"mlflow.data.context\", \"value\": \"training\"}]}"
#define TEST "{\"dataset\": {\"name\": \"test\", \"digest\": \"abd\", \"source_type\": \"s3\", \"source\": \"s3://b\"}}"

static void datasets_are_inputs_once(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start(f->ml, NULL), *other = start(f->ml, NULL);
    for (int i = 0; i < 2; i++)
        assert_ok(mlplat_run_log_inputs(run, "{\"datasets\": [" TRAIN ", " TEST ", " TRAIN "]}", &err));
    assert_ok(mlplat_run_log_inputs(other, "{\"datasets\": [" TRAIN "], \"models\": null}", &err));
    assert_ok(mlplat_run_log_inputs(other, "{}", &err));
    mlplat_doc *doc = get(f->ml, run), *also = get(f->ml, other);
    assert_int_equal(size_at(doc, "inputs.dataset_inputs"), 2);
    assert_string_equal(text_at(doc, "inputs.dataset_inputs[0].dataset.name"), "train");
    assert_string_equal(text_at(doc, "inputs.dataset_inputs[0].dataset.digest"), "abc");
    assert_string_equal(text_at(doc, "inputs.dataset_inputs[0].dataset.source_type"), "local");
    assert_string_equal(text_at(doc, "inputs.dataset_inputs[0].dataset.source"), "{}");
    assert_string_equal(text_at(doc, "inputs.dataset_inputs[0].dataset.schema"), "{\"a\": 1}");
    assert_false(has(doc, "inputs.dataset_inputs[0].dataset.profile"));
    assert_string_equal(pair(doc, "inputs.dataset_inputs[0].tags", "mlflow.data.context"), "training");
    assert_int_equal(size_at(doc, "inputs.dataset_inputs[1].tags"), 0);
    assert_int_equal(size_at(also, "inputs.dataset_inputs"), 1);
    assert_int_equal(size_at(also, "inputs.model_inputs"), 0);
    assert_int_equal(size_at(also, "outputs.model_outputs"), 0);
    mlplat_doc_free(doc);
    mlplat_doc_free(also);
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = "dataset.name = 'test' AND datasets.context = 'training'";
    assert_ok(mlplat_run_search(f->ml, &q, &doc, &err));
    assert_int_equal(size_at(doc, "runs"), 1);
    assert_int_equal(size_at(doc, "runs[0].inputs.dataset_inputs"), 2);
    mlplat_doc_free(doc);
    end(run);
    end(other);
}

static void models_are_inputs_and_outputs(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const char two[] = "{\"models\": [{\"model_id\": \"m-2\", \"step\": 7}, {\"model_id\": \"m-3\"}]}";
    mlplat_run *run = start_told(f->ml, NULL);
    if (tracking_contract_old) { /* nothing of the call is stored */
        static const char both[] = "{\"datasets\": [" TEST "], \"models\": [{\"model_id\": \"m-1\"}]}";
        assert_status(mlplat_run_log_inputs(run, both, &err), MLPLAT_UNSUPPORTED);
        assert_non_null(strstr(err.message, "MLflow 3.0"));
        assert_status(mlplat_run_log_outputs(run, two, &err), MLPLAT_UNSUPPORTED);
        assert_non_null(strstr(err.message, "MLflow 3.0"));
        mlplat_doc *none = get(f->ml, run);
        assert_int_equal(size_at(none, "inputs.dataset_inputs"), 0);
        mlplat_doc_free(none);
        end(run);
        return;
    }
    assert_ok(mlplat_run_log_inputs(run, "{\"models\": [{\"model_id\": \"m-1\"}, {\"model_id\": \"m-1\"}]}", &err));
    assert_ok(mlplat_run_log_outputs(run, two, &err));
    assert_status(mlplat_run_log_outputs(run, "{\"models\": [{\"model_id\": \"m-4\"}, {\"model_id\": \"m-2\"}]}", &err),
                  MLPLAT_EXISTS);
    mlplat_doc *doc = get(f->ml, run);
    assert_int_equal(size_at(doc, "inputs.model_inputs"), 1);
    assert_string_equal(text_at(doc, "inputs.model_inputs[0].model_id"), "m-1");
    assert_int_equal(size_at(doc, "outputs.model_outputs"), 2); /* all of a call, or none */
    assert_string_equal(text_at(doc, "outputs.model_outputs[0].model_id"), "m-2");
    assert_int_equal(int_at(doc, "outputs.model_outputs[0].step"), 7);
    assert_int_equal(int_at(doc, "outputs.model_outputs[1].step"), 0);
    mlplat_doc_free(doc);
    end(run);
}

static void bad_edges_are_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = start_told(f->ml, NULL);
    static const char *const bad[] = {
        "",
        "[]",
        "{\"datasets\": {}}",
        "{\"datasets\": [{}]}",
        "{\"datasets\": [" TEST ", {\"dataset\": {\"digest\": \"a\", \"source_type\": \"b\", \"source\": \"c\"}}]}",
        "{\"datasets\": [{\"dataset\": {\"name\": 1, \"digest\": \"a\", \"source_type\": \"b\", \"source\": \"c\"}}]}",
        ("{\"datasets\": [{\"dataset\": {\"name\": \"a\", \"digest\": \"0123456789012345678901234567890123456\", "
         "\"source_type\": \"b\", \"source\": \"c\"}}]}"),
        "{\"models\": [{}]}",
        "{\"models\": [{\"model_id\": 3}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (mlplat_run_log_inputs(run, bad[i], &err) != MLPLAT_INVALID)
            fail_msg("%s was taken", bad[i]);
    assert_status(mlplat_run_log_inputs(run, NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_outputs(run, NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_outputs(run, "{\"models\": [{\"model_id\": \"m-1\", \"step\": \"x\"}]}", &err),
                  MLPLAT_INVALID);
    mlplat_doc *doc = get(f->ml, run);
    assert_int_equal(size_at(doc, "inputs.dataset_inputs"), 0);
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_delete(f->ml, mlplat_run_id(run), &err));
    assert_status(mlplat_run_log_inputs(run, "{\"datasets\": [" TEST "]}", &err), MLPLAT_STATE);
    assert_status(mlplat_run_log_outputs(run, "{\"models\": [{\"model_id\": \"m-1\"}]}", &err),
                  tracking_contract_old ? MLPLAT_UNSUPPORTED : MLPLAT_STATE);
    mlplat_run_free(run);
}

int edge_contract_run(const char *store)
{
    const struct CMUnitTest tests[] = {
        CASE(datasets_are_inputs_once),
        CASE(models_are_inputs_and_outputs),
        CASE(bad_edges_are_refused),
    };
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
