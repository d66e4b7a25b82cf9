/* A pipeline run as tracking shows it: a parent run, a child run per started task, logs and the document as artifacts.
 */
#include "pipelines/pipeline_support.h"

static char *folder;
static mlplat *ml;

static int make(void **state)
{
    (void)state;
    folder = test_folder_make();
    ml = test_open(folder);
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    mlplat_close(ml);
    test_folder_remove(folder);
    return 0;
}

static mlplat_doc *get_run(const char *id)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_run_get(ml, id, &doc, &err));
    return doc;
}

/* The value of a key in one of a run's lists, "" if it is not there. */
static const char *value_of(const mlplat_doc *run, const char *list, const char *key)
{
    char path[100];
    size_t n = 0;
    snprintf(path, sizeof path, "data.%s", list);
    mlplat_doc_size(run, path, &n, NULL);
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "data.%s[%zu].key", list, i);
        if (strcmp(text_at(run, path), key) != 0)
            continue;
        snprintf(path, sizeof path, "data.%s[%zu].value", list, i);
        return text_at(run, path);
    }
    return "";
}

/* Text that is streamed out of an artifact. */
typedef struct text_buffer {
    char text[16384];
    size_t n;
} text_buffer;

static int64_t take_text(void *user, const void *data, size_t n)
{
    text_buffer *b = user;
    size_t room = sizeof b->text - 1 - b->n, some = n < room ? n : room;
    memcpy(b->text + b->n, data, some);
    b->n += some;
    return (int64_t)n;
}

static const char *artifact_text(const char *run_id, const char *name)
{
    static text_buffer b;
    char uri[200];
    mlplat_error err = {0};
    memset(&b, 0, sizeof b);
    snprintf(uri, sizeof uri, "runs:/%s/%s", run_id, name);
    assert_ok(mlplat_artifact_read(ml, uri, take_text, &b, &err));
    return b.text;
}

static mlplat_component *adder(void)
{
    mlplat_error err = {0};
    mlplat_component *c = NULL;
    assert_ok(mlplat_component_program((const char *[]){beside("pipeline_step"), NULL}, NULL, &c, &err));
    return c;
}

/* add (tracks a metric), then say, which ends with the code, then never. */
static mlplat_doc *run_pipeline(const char *code, mlplat_status want)
{
    mlplat_error err;
    mlplat_doc *result = NULL;
    mlplat_pipeline *p = NULL;
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    assert_status(mlplat_pipeline_new("tracked", "what it is for", &p, &err), MLPLAT_OK);
    assert_ok(mlplat_pipeline_input(p, "start", "Integer", "40", &err));
    assert_ok(mlplat_pipeline_input(p, "label", "String", "\"x y\"", &err));
    mlplat_task *add = add_task(p, adder(), "Add Numbers"),
                *say = add_task(p, TOOL("say", "say", "token=abc123", code), NULL);
    mlplat_task *last = add_task(p, TOOL("last", "print"), NULL);
    assert_ok(mlplat_task_set_input(add, "a", "start", &err));
    assert_ok(mlplat_task_set(add, "b", "2", &err));
    assert_ok(mlplat_task_set(add, "track", "true", &err));
    assert_ok(mlplat_task_after(say, add, &err));
    assert_ok(mlplat_task_after(last, say, &err));
    o.run_name = "nightly";
    mlplat_doc *ir = compile(p);
    assert_status(mlplat_pipeline_run(ml, ir, &o, &result, &err), want);
    mlplat_doc_free(ir);
    return result;
}

static void the_parent_run_tells_the_whole(void **state)
{
    mlplat_error err = {0};
    mlplat_doc *experiment = NULL, *pipeline = NULL;
    (void)state;
    mlplat_doc *result = run_pipeline("0", MLPLAT_OK), *parent = get_run(text_at(result, "run_id"));
    assert_string_equal(text_at(parent, "info.status"), "FINISHED");
    assert_string_equal(text_at(parent, "info.run_name"), "nightly");
    assert_string_equal(value_of(parent, "params", "start"), "40");
    assert_string_equal(value_of(parent, "params", "label"), "x y");
    assert_string_equal(value_of(parent, "tags", "mlplat.pipeline.name"), "tracked");
    assert_string_equal(value_of(parent, "tags", "mlplat.pipeline.state"), "SUCCEEDED");
    assert_ok(mlplat_experiment_get(ml, text_at(parent, "info.experiment_id"), &experiment, &err));
    assert_string_equal(text_at(experiment, "name"), "tracked");
    const char *yaml = artifact_text(text_at(result, "run_id"), "pipeline.yaml");
    assert_ok(mlplat_doc_parse_yaml(yaml, strlen(yaml), &pipeline, &err));
    assert_ok(mlplat_pipeline_validate(pipeline, &err));
    assert_string_equal(text_at(pipeline, "pipelineInfo.description"), "what it is for");
    mlplat_doc_free(pipeline);
    mlplat_doc_free(experiment);
    mlplat_doc_free(parent);
    mlplat_doc_free(result);
}

static void a_step_logs_to_its_own_child_run(void **state)
{
    mlplat_error err = {0};
    double sum = 0;
    (void)state;
    mlplat_doc *result = run_pipeline("0", MLPLAT_OK), *child = get_run(text_at(result, "tasks[0].run_id"));
    assert_string_equal(text_at(child, "info.status"), "FINISHED");
    assert_string_equal(text_at(child, "info.run_name"), "add-numbers");
    assert_string_equal(value_of(child, "tags", "mlflow.parentRunId"), text_at(result, "run_id"));
    assert_string_equal(value_of(child, "tags", "mlplat.pipeline.task"), "add-numbers");
    assert_string_equal(text_at(child, "data.metrics[0].key"), "sum");
    assert_ok(mlplat_doc_double(child, "data.metrics[0].value", &sum, &err));
    assert_true(sum == 42);
    mlplat_doc_free(child);
    assert_string_equal(artifact_text(text_at(result, "tasks[1].run_id"), "logs/task.log"),
                        "token=abc123\nlast words: token=abc123\n");
    mlplat_doc_free(result);
}

static void a_failure_is_seen_in_the_runs(void **state)
{
    size_t n = 0;
    mlplat_error err = {0};
    mlplat_doc *all = NULL;
    mlplat_search query = MLPLAT_SEARCH_INIT;
    (void)state;
    mlplat_doc *result = run_pipeline("4", MLPLAT_STATE);
    mlplat_doc *parent = get_run(text_at(result, "run_id")), *child = get_run(text_at(result, "tasks[1].run_id"));
    assert_string_equal(text_at(parent, "info.status"), "FAILED");
    assert_string_equal(value_of(parent, "tags", "mlplat.pipeline.state"), "FAILED");
    assert_string_equal(text_at(child, "info.status"), "FAILED");
    assert_string_equal(value_of(child, "tags", "mlplat.pipeline.error"), "exit code 4: last words: token=***");
    assert_string_equal(text_at(result, "tasks[1].error"), "exit code 4: last words: token=***");
    query.experiment_ids = text_at(parent, "info.experiment_id");
    assert_ok(mlplat_run_search(ml, &query, &all, &err));
    assert_ok(mlplat_doc_size(all, "runs", &n, &err));
    assert_int_equal(n, 3); /* the task that never started has none */
    mlplat_doc_free(all);
    mlplat_doc_free(child);
    mlplat_doc_free(parent);
    mlplat_doc_free(result);
}

static int cancel_when(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return access(user, F_OK) == 0;
}

static void a_cancelled_run_is_killed(void **state)
{
    char pids[600];
    mlplat_error err;
    mlplat_doc *result = NULL;
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    mlplat_pipeline *p = new_pipeline("endless");
    (void)state;
    snprintf(pids, sizeof pids, "%s/pids", folder);
    add_task(p, TOOL("stay", "stay", pids, "normal"), NULL);
    o.progress = cancel_when;
    o.user = pids;
    mlplat_doc *ir = compile(p);
    assert_status(mlplat_pipeline_run(ml, ir, &o, &result, &err), MLPLAT_CANCELLED);
    mlplat_doc *parent = get_run(text_at(result, "run_id")), *child = get_run(text_at(result, "tasks[0].run_id"));
    assert_string_equal(text_at(parent, "info.status"), "KILLED");
    assert_string_equal(text_at(child, "info.status"), "KILLED");
    mlplat_doc_free(parent);
    mlplat_doc_free(child);
    mlplat_doc_free(result);
    mlplat_doc_free(ir);
}

/* The hook of the session, not of the call: it is asked in every call that waits, and never stops saying no. */
static void a_session_that_goes_on_cancelling_leaves_no_run_running(void **state)
{
    char pids[600];
    mlplat_error err;
    mlplat *ours = ml;
    mlplat_doc *result = NULL, *settings = NULL;
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat_pipeline *p = new_pipeline("endless");
    (void)state;
    snprintf(pids, sizeof pids, "%s/pids", folder);
    add_task(p, TOOL("stay", "stay", pids, "normal"), NULL);
    mlplat_doc *ir = compile(p);
    assert_status(mlplat_config(ml, &settings, &err), MLPLAT_OK);
    options.tracking_uri = text_at(settings, "tracking_uri.value");
    options.progress = cancel_when;
    options.user = pids;
    assert_status(mlplat_open(&options, &ml, &err), MLPLAT_OK);
    assert_status(mlplat_pipeline_run(ml, ir, NULL, &result, &err), MLPLAT_CANCELLED);
    mlplat_close(ml);
    ml = ours;
    mlplat_doc *parent = get_run(text_at(result, "run_id")), *child = get_run(text_at(result, "tasks[0].run_id"));
    assert_string_equal(text_at(parent, "info.status"), "KILLED");
    assert_string_equal(text_at(child, "info.status"), "KILLED");
    mlplat_doc_free(parent);
    mlplat_doc_free(child);
    mlplat_doc_free(settings);
    mlplat_doc_free(result);
    mlplat_doc_free(ir);
}

static void a_store_that_cannot_be_opened_is_the_answer(void **state)
{
    mlplat_error err;
    mlplat *other = NULL;
    mlplat_doc *result = NULL;
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat_pipeline *p = new_pipeline("nowhere");
    (void)state;
    options.tracking_uri = "sqlite:////nonexistent/folder/mlflow.db";
    assert_status(mlplat_open(&options, &other, &err), MLPLAT_OK);
    add_task(p, TOOL("print", "print"), NULL);
    mlplat_doc *ir = compile(p);
    mlplat_status s = mlplat_pipeline_run(other, ir, NULL, &result, &err);
    assert_true(s != MLPLAT_OK && s != MLPLAT_STATE);
    assert_null(result);
    assert_true(err.message[0] != 0);
    mlplat_doc_free(ir);
    mlplat_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_parent_run_tells_the_whole),
        TEST(a_step_logs_to_its_own_child_run),
        TEST(a_failure_is_seen_in_the_runs),
        TEST(a_cancelled_run_is_killed),
        TEST(a_session_that_goes_on_cancelling_leaves_no_run_running),
        TEST(a_store_that_cannot_be_opened_is_the_answer),
    };
    return cmocka_run_group_tests_name("runner_track", tests, NULL, NULL);
}
