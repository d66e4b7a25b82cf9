/* The local runner: processes, order, failures, cancelling. What tracking sees of it is in test_runner_track.c. */
#include "pipelines/pipeline_support.h"
#include <sys/resource.h>

static char *folder;
static mlplat *ml;

static void quiet(void *user, mlplat_log_level level, const char *line)
{
    (void)user;
    (void)level;
    (void)line;
}

static int make(void **state)
{
    char uri[1100];
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    (void)state;
    test_clear_environment();
    folder = test_folder_make();
    snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", folder);
    options.tracking_uri = uri;
    options.log = quiet;
    assert_ok(mlplat_open(&options, &ml, &err));
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    mlplat_close(ml);
    test_folder_remove(folder);
    return 0;
}

/* Runs and frees the document. */
static mlplat_doc *run_with(mlplat_doc *ir, mlplat_pipeline_options *o, mlplat_status want)
{
    mlplat_error err;
    mlplat_doc *result = NULL;
    assert_status(mlplat_pipeline_run(ml, ir, o, &result, &err), want);
    mlplat_doc_free(ir);
    return result;
}

static mlplat_doc *run(mlplat_pipeline *p, mlplat_status want)
{
    return run_with(compile(p), NULL, want);
}

/* A member of the result's task of this name; "" if it is not there. */
static const char *of_task(const mlplat_doc *result, const char *task, const char *member)
{
    char path[200];
    size_t n = 0;
    mlplat_doc_size(result, "tasks", &n, NULL);
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "tasks[%zu].name", i);
        if (strcmp(text_at(result, path), task) != 0)
            continue;
        snprintf(path, sizeof path, "tasks[%zu].%s", i, member);
        return text_at(result, path);
    }
    return "";
}

#define assert_state(result, task, want) assert_string_equal(of_task(result, task, "state"), want)

/* A component that writes its text to an artifact and an output parameter. */
static mlplat_component *writer(void)
{
    mlplat_error err = {0};
    mlplat_component *c =
        TOOL("writer", "write", "{{$.outputs.artifacts['data'].path}}", "{{$.inputs.parameters['text']}}");
    assert_ok(mlplat_component_input(c, "text", "String", NULL, &err));
    assert_ok(mlplat_component_output(c, "data", "Dataset", &err));
    return c;
}

static mlplat_component *copier(void)
{
    mlplat_error err = {0};
    mlplat_component *c =
        TOOL("copier", "copy", "{{$.inputs.artifacts['from'].path}}", "{{$.outputs.artifacts['to'].uri}}");
    assert_ok(mlplat_component_input(c, "from", "Dataset", NULL, &err));
    assert_ok(mlplat_component_output(c, "to", "Dataset", &err));
    return c;
}

static mlplat_component *adder(void)
{
    mlplat_error err = {0};
    mlplat_component *c = NULL;
    assert_ok(mlplat_component_program((const char *[]){beside("pipeline_step"), NULL}, NULL, &c, &err));
    return c;
}

static void values_and_artifacts_go_from_task_to_task(void **state)
{
    mlplat_error err = {0};
    mlplat_pipeline *p = new_pipeline("flow");
    int64_t sum = 0;
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    (void)state;
    assert_ok(mlplat_pipeline_input(p, "start", "Integer", "1", &err));
    mlplat_task *first = add_task(p, adder(), "first"), *second = add_task(p, adder(), "second");
    mlplat_task *copy = add_task(p, copier(), "copy");
    assert_ok(mlplat_task_set_input(first, "a", "start", &err));
    assert_ok(mlplat_task_set(first, "text", "\"{{$.inputs.parameters['mode']}} \\\"quoted\\\" $HOME\"", &err));
    assert_ok(mlplat_task_connect(second, "a", first, "sum", &err));
    assert_ok(mlplat_task_set(second, "b", "30", &err));
    assert_ok(mlplat_task_connect(copy, "from", second, "note", &err));
    o.params = "{\"start\": 11}";
    mlplat_doc *result = run_with(compile(p), &o, MLPLAT_OK);
    assert_string_equal(text_at(result, "state"), "SUCCEEDED");
    assert_string_equal(text_at(result, "pipeline"), "flow");
    assert_ok(mlplat_doc_int(result, "tasks[1].outputs.parameters.sum", &sum, &err));
    assert_int_equal(sum, 42);
    assert_string_equal(read_text(of_task(result, "copy", "outputs.artifacts.to.uri")), "sum is 42\n");
    assert_string_equal(read_text(of_task(result, "first", "outputs.artifacts.note.uri")), "ok \"quoted\" $HOME 12\n");
    assert_ok(mlplat_doc_int(result, "tasks[1].outputs.artifacts.note.metadata.sum", &sum, &err));
    assert_int_equal(sum, 42);
    assert_non_null(strstr(of_task(result, "copy", "outputs.artifacts.to.uri"), text_at(result, "root")));
    assert_non_null(strstr(text_at(result, "root"), "/mlplat-pipelines/"));
    assert_non_null(strstr(text_at(result, "root"), text_at(result, "run_id")));
    mlplat_doc_free(result);
}

static void output_files_and_words_with_spaces_arrive(void **state)
{
    mlplat_error err = {0};
    int64_t n = 0;
    mlplat_pipeline *p = new_pipeline("files");
    (void)state;
    mlplat_component *c = TOOL("number", "write", "{{$.outputs.parameters['n'].output_file}}", " 17\n");
    assert_ok(mlplat_component_output(c, "n", "Integer", &err));
    mlplat_task *number = add_task(p, c, "number");
    c = TOOL("print", "print", "a b", "", "*;`x`$(y)", "{{$.inputs.parameters['n']}}", "{{$.pipeline_task_name}}",
             "{\"Concat\": [\"x\", \"{{$.inputs.parameters['n']}}\"]}");
    assert_ok(mlplat_component_input(c, "n", "Integer", NULL, &err));
    mlplat_task *print = add_task(p, c, "print");
    assert_ok(mlplat_task_connect(print, "n", number, "n", &err));
    mlplat_doc *result = run(p, MLPLAT_OK);
    assert_ok(mlplat_doc_int(result, "tasks[0].outputs.parameters.n", &n, &err));
    assert_int_equal(n, 17);
    assert_string_equal(read_text(of_task(result, "print", "log")), "[a b][][*;`x`$(y)][17][print][x17]\n");
    mlplat_doc_free(result);
}

static void a_failure_skips_what_depends_on_it(void **state)
{
    static const char *const want[2] = {"SKIPPED", "SUCCEEDED"};
    (void)state;
    for (int keep_going = 0; keep_going < 2; keep_going++) {
        mlplat_error err = {0};
        int64_t code = 0;
        mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
        mlplat_pipeline *p = new_pipeline("failing");
        mlplat_task *bad = add_task(p, TOOL("bad", "say", "so it goes", "3"), NULL);
        mlplat_task *after = add_task(p, TOOL("after", "print"), NULL), *far = add_task(p, TOOL("far", "print"), NULL);
        add_task(p, TOOL("alone", "print"), NULL);
        assert_ok(mlplat_task_after(after, bad, &err));
        assert_ok(mlplat_task_after(far, after, &err));
        o.workers = 1;
        o.keep_going = keep_going;
        mlplat_doc *ir = compile(p), *result = NULL;
        assert_status(mlplat_pipeline_run(ml, ir, &o, &result, &err), MLPLAT_STATE);
        assert_string_equal(err.message, "pipeline 'failing': task 'bad' failed: exit code 3: last words: so it goes");
        assert_string_equal(text_at(result, "error"), err.message);
        assert_string_equal(text_at(result, "state"), "FAILED");
        assert_state(result, "bad", "FAILED");
        assert_state(result, "after", "SKIPPED");
        assert_state(result, "far", "SKIPPED");
        assert_state(result, "alone", want[keep_going]);
        assert_string_equal(of_task(result, "bad", "error"), "exit code 3: last words: so it goes");
        assert_ok(mlplat_doc_int(result, "tasks[0].exit_code", &code, &err));
        assert_int_equal(code, 3);
        assert_string_equal(read_text(of_task(result, "bad", "log")), "so it goes\nlast words: so it goes\n");
        mlplat_doc_free(result);
        mlplat_doc_free(ir);
    }
}

static void siblings_of_a_failure_finish(void **state)
{
    char mine[600];
    mlplat_pipeline *p = new_pipeline("siblings");
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    (void)state;
    snprintf(mine, sizeof mine, "%s/meet", folder);
    /* the second leaves its mark and waits for itself: it runs while the first fails */
    add_task(p, TOOL("bad", "signal", "9"), NULL);
    add_task(p, TOOL("sibling", "meet", mine, mine), NULL);
    o.workers = 2;
    mlplat_doc *result = run_with(compile(p), &o, MLPLAT_STATE);
    assert_state(result, "sibling", "SUCCEEDED");
    assert_state(result, "bad", "FAILED");
    assert_non_null(strstr(of_task(result, "bad", "error"), "signal 9"));
    assert_non_null(strstr(of_task(result, "bad", "error"), "about to go"));
    mlplat_doc_free(result);
}

static void bad_programs_and_missing_outputs_fail_their_task(void **state)
{
    static const struct {
        const char *const words[6]; /* of the command; NULL: the plain tool's own */
        const char *says;
    } cases[] = {
        {{"/nonexistent/prog"}, "/nonexistent/prog"},
        {{"no-such-program-anywhere"}, "not in PATH"},
        {{"/etc/passwd"}, "not executable"},
        {{NULL, "print"}, "output parameter 'n' was not written"},
        {{NULL, "write", "{{$.outputs.parameters['n'].output_file}}", "seven"},
         "output parameter 'n' must be an integer"},
        {{NULL, "write", "{{$.outputs.parameters['n'].output_file}}", "9007199254740993"},
         "output parameter 'n' is beyond"},
        {{NULL, "write", "{{$.outputs.output_file}}", "{\"parameterValues\": {\"n\": \"x\"}}"},
         "output parameter 'n' must be"},
        {{NULL, "write", "{{$.outputs.output_file}}", "["}, "ExecutorOutput"},
        {{NULL, "write", "{{$.outputs.output_file}}", "[]"}, "ExecutorOutput"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        const char *argv[6];
        size_t n = 0;
        mlplat_component *c = NULL;
        mlplat_pipeline *p = new_pipeline("bad");
        for (; n < 6 && (n == 0 || cases[i].words[n]); n++)
            argv[n] = cases[i].words[n] ? cases[i].words[n] : beside("pipeline_tool");
        assert_ok(mlplat_component_container("bad", "i", argv, n, &c, &err));
        assert_ok(mlplat_component_output(c, "n", "Integer", &err));
        add_task(p, c, NULL);
        mlplat_doc *result = run(p, MLPLAT_STATE);
        assert_state(result, "bad", "FAILED");
        if (!strstr(of_task(result, "bad", "error"), cases[i].says))
            fail_msg("'%s' is not in: %s", cases[i].says, of_task(result, "bad", "error"));
        mlplat_doc_free(result);
    }
}

static void the_answer_wins_over_files(void **state)
{
    mlplat_error err = {0};
    int64_t n = 0;
    mlplat_pipeline *p = new_pipeline("wins");
    (void)state;
    mlplat_component *c =
        TOOL("both", "write", "{{$.outputs.output_file}}",
             "{\"parameterValues\": {\"n\": 2}, \"artifacts\": {\"d\": {\"artifacts\": [{\"name\": \"d\", "
             "\"metadata\": {\"rows\": 3}}]}}}");
    assert_ok(mlplat_component_output(c, "n", "Integer", &err));
    assert_ok(mlplat_component_output(c, "d", "Dataset", &err));
    mlplat_task *both = add_task(p, c, NULL);
    c = TOOL("print", "print", "{{$.inputs.artifacts['d'].metadata['rows']}}", "{{$.inputs.artifacts['d'].uri}}");
    assert_ok(mlplat_component_input(c, "d", "Artifact", NULL, &err));
    mlplat_task *print = add_task(p, c, NULL);
    assert_ok(mlplat_task_connect(print, "d", both, "d", &err));
    mlplat_doc *result = run(p, MLPLAT_OK);
    assert_ok(mlplat_doc_int(result, "tasks[0].outputs.parameters.n", &n, &err));
    assert_int_equal(n, 2);
    char want[2000];
    snprintf(want, sizeof want, "[3][%s/both/outputs/d]\n", text_at(result, "root"));
    assert_string_equal(read_text(of_task(result, "print", "log")), want);
    mlplat_doc_free(result);
}

static void tasks_run_at_once(void **state)
{
    char a[600], b[600];
    mlplat_pipeline *p = new_pipeline("together");
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    (void)state;
    snprintf(a, sizeof a, "%s/a", folder);
    snprintf(b, sizeof b, "%s/b", folder);
    add_task(p, TOOL("left", "meet", a, b), NULL); /* each waits for the other's file */
    add_task(p, TOOL("right", "meet", b, a), NULL);
    o.workers = 2;
    mlplat_doc_free(run_with(compile(p), &o, MLPLAT_OK));
}

static void a_failed_task_is_tried_again(void **state)
{
    char counter[600];
    mlplat_pipeline *p = new_pipeline("retry");
    mlplat_error err = {0};
    mlplat_doc *policy = NULL;
    (void)state;
    snprintf(counter, sizeof counter, "%s/counter", folder);
    add_task(p, TOOL("flaky", "count", counter, "3"), NULL);
    mlplat_doc *ir = compile(p);
    char text[8192];
    const char *at = strstr(mlplat_doc_text(ir), "\"taskInfo\"");
    assert_non_null(at);
    snprintf(text, sizeof text,
             "%.*s\"retryPolicy\":{\"maxRetryCount\":2,\"backoffDuration\":\"0.01s\",\"backoffFactor\":2},%s",
             (int)(at - mlplat_doc_text(ir)), mlplat_doc_text(ir), at);
    mlplat_doc_free(ir);
    assert_ok(mlplat_doc_parse(text, strlen(text), &policy, &err));
    mlplat_doc *result = run_with(policy, NULL, MLPLAT_OK);
    assert_string_equal(read_text(of_task(result, "flaky", "log")), "attempt 1\nattempt 2\nattempt 3\n");
    mlplat_doc_free(result);
}

static void a_step_finds_its_run_and_store(void **state)
{
    char want[1200];
    mlplat_error err = {0};
    mlplat_pipeline *p = new_pipeline("environment");
    mlplat_component *c = TOOL("env", "environment", "{{$.outputs.artifacts['env'].path}}");
    (void)state;
    assert_ok(mlplat_component_output(c, "env", "Artifact", &err));
    assert_ok(mlplat_component_env(c, "FIRST", "one", &err));
    assert_ok(mlplat_component_env(c, "SECOND", "$(FIRST)-two $(NOT_SET) $$(FIRST) {{$.pipeline_task_name}}", &err));
    add_task(p, c, NULL);
    setenv("MLPLAT_TRACKING_URI", "sqlite:///elsewhere.db", 1); /* of the caller, not of the pipeline's session */
    setenv("MLFLOW_EXPERIMENT_NAME", "other", 1);
    mlplat_doc *result = run(p, MLPLAT_OK);
    unsetenv("MLPLAT_TRACKING_URI");
    unsetenv("MLFLOW_EXPERIMENT_NAME");
    const char *text = read_text(of_task(result, "env", "outputs.artifacts.env.uri"));
    assert_non_null(text);
    const struct {
        const char *name, *value;
    } cases[] = {
        {"MLFLOW_RUN_ID", of_task(result, "env", "run_id")},
        {"MLPLAT_PARENT_RUN_ID", text_at(result, "run_id")},
        {"FIRST", "one"},
        {"SECOND", "one-two $(NOT_SET) $(FIRST) env"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(want, sizeof want, "%s=%s\n", cases[i].name, cases[i].value);
        if (!strstr(text, want))
            fail_msg("no %s in %s", want, text);
    }
    snprintf(want, sizeof want, "MLFLOW_TRACKING_URI=sqlite:///%s/mlflow.db\n", folder);
    assert_non_null(strstr(text, want));
    snprintf(want, sizeof want, "CWD=%s/env/work\n", text_at(result, "root"));
    assert_non_null(strstr(text, want));
    snprintf(want, sizeof want, "MLPLAT_PIPELINE_ROOT=%s/mlplat-pipelines\n", folder);
    assert_non_null(strstr(text, want));
    assert_null(strstr(text, "elsewhere.db"));
    assert_null(strstr(text, "MLFLOW_EXPERIMENT_NAME"));
    mlplat_doc_free(result);
}

/* done and total of the last call, for a bar that fills. */
static int note_progress(void *user, uint64_t done, uint64_t total)
{
    uint64_t *last = user;
    last[0] = done;
    last[1] = total;
    return 0;
}

static void the_last_word_of_progress_is_that_all_is_done(void **state)
{
    uint64_t last[2] = {0, 0};
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    mlplat_pipeline *p = new_pipeline("bar");
    (void)state;
    add_task(p, TOOL("one", "print"), NULL);
    add_task(p, TOOL("two", "print"), NULL);
    o.progress = note_progress;
    o.user = last;
    mlplat_doc_free(run_with(compile(p), &o, MLPLAT_OK));
    assert_int_equal(last[0], 2);
    assert_int_equal(last[1], 2);
}

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

/* Cancels once a file is there. */
static int cancel_when(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return access(user, F_OK) == 0;
}

static void cancelling_ends_the_steps_and_their_children(void **state)
{
    char pids[600];
    int leader = 0, child = 0;
    mlplat_error err = {0};
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    mlplat_pipeline *p = new_pipeline("endless");
    (void)state;
    snprintf(pids, sizeof pids, "%s/pids", folder);
    mlplat_task *stay = add_task(p, TOOL("stay", "stay", pids, "normal"), NULL);
    mlplat_task *after = add_task(p, TOOL("after", "print"), NULL);
    assert_ok(mlplat_task_after(after, stay, &err));
    o.progress = cancel_when;
    o.user = pids;
    mlplat_doc *result = run_with(compile(p), &o, MLPLAT_CANCELLED);
    assert_string_equal(text_at(result, "state"), "CANCELED");
    assert_state(result, "stay", "CANCELED");
    assert_state(result, "after", "CANCELED");
    assert_int_equal(sscanf(read_text(pids), "%d %d", &leader, &child), 2);
    assert_true(process_is_gone(leader));
    await_gone(child);
    mlplat_doc_free(result);
}

static void a_step_that_will_not_end_is_killed(void **state)
{
    char pids[600];
    int leader = 0, child = 0;
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    mlplat_pipeline *p = new_pipeline("deaf");
    (void)state;
    snprintf(pids, sizeof pids, "%s/pids", folder);
    add_task(p, TOOL("stay", "stay", pids, "deaf"), NULL);
    o.progress = cancel_when;
    o.user = pids;
    mlplat_doc *result = run_with(compile(p), &o, MLPLAT_CANCELLED);
    assert_state(result, "stay", "CANCELED");
    assert_int_equal(sscanf(read_text(pids), "%d %d", &leader, &child), 2);
    assert_true(process_is_gone(leader));
    await_gone(child);
    mlplat_doc_free(result);
}

static void what_a_step_leaves_behind_ends_with_it(void **state)
{
    char pids[600];
    int leader = 0, child = 0;
    mlplat_pipeline *p = new_pipeline("leave");
    (void)state;
    snprintf(pids, sizeof pids, "%s/pids", folder);
    add_task(p, TOOL("leave", "leave", pids), NULL);
    mlplat_doc_free(run(p, MLPLAT_OK));
    assert_int_equal(sscanf(read_text(pids), "%d %d", &leader, &child), 2);
    await_gone(child);
}

/* A process that runs a pipeline of one endless step; returns when the step runs. */
static pid_t start_endless(const char *pids)
{
    pid_t runner = fork();
    if (runner == 0) {
        char uri[1100];
        mlplat *own = NULL;
        mlplat_options options = MLPLAT_OPTIONS_INIT;
        snprintf(uri, sizeof uri, "sqlite:///%s/other.db", folder);
        options.tracking_uri = uri;
        mlplat_pipeline *p = new_pipeline("endless");
        add_task(p, TOOL("stay", "stay", pids, "normal"), NULL);
        if (mlplat_open(&options, &own, NULL) == MLPLAT_OK)
            mlplat_pipeline_run(own, compile(p), NULL, NULL, NULL);
        _exit(1);
    }
    assert_true(runner > 0);
    assert_non_null(await_text(pids));
    return runner;
}

static void killing_the_runner_ends_the_steps(void **state)
{
    char pids[600];
    int leader = 0, child = 0, status = 0;
    (void)state;
    snprintf(pids, sizeof pids, "%s/pids", folder);
    pid_t runner = start_endless(pids);
    assert_int_equal(sscanf(read_text(pids), "%d %d", &leader, &child), 2);
    assert_int_equal(kill(runner, SIGKILL), 0);
    assert_int_equal(waitpid(runner, &status, 0), runner);
    await_gone(leader);
    await_gone(child);
}

static const char *status_of(const mlplat_doc *runs, size_t i)
{
    char path[64];
    snprintf(path, sizeof path, "runs[%zu].info.status", i);
    return text_at(runs, path);
}

/* Two runs, the pipeline's and its task's; how many of them are RUNNING. */
static int left_running(mlplat *own)
{
    mlplat_doc *runs = NULL;
    mlplat_error err = {0};
    mlplat_search query = MLPLAT_SEARCH_INIT;
    query.filter = "tags.mlplat.pipeline.name = 'endless'";
    size_t n = 0;
    int running = 0;
    assert_ok(mlplat_run_search(own, &query, &runs, &err));
    assert_ok(mlplat_doc_size(runs, "runs", &n, &err));
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        running += strcmp(status_of(runs, i), "RUNNING") == 0;
        if (strcmp(status_of(runs, i), "RUNNING") != 0) {
            assert_string_equal(status_of(runs, i), "FAILED");
            assert_non_null(strstr(mlplat_doc_text(runs), "the process that ran the pipeline ended before it"));
        }
    }
    mlplat_doc_free(runs);
    return running;
}

static void run_a_short_one(mlplat *own)
{
    mlplat_error err = {0};
    mlplat_pipeline *p = new_pipeline("short");
    assert_ok(mlplat_task_set(add_task(p, writer(), NULL), "text", "\"short\"", &err));
    mlplat_doc *ir = compile(p);
    assert_ok(mlplat_pipeline_run(own, ir, NULL, NULL, &err));
    mlplat_doc_free(ir);
}

static void the_next_run_ends_what_a_killed_runner_left(void **state)
{
    char pids[600], uri[1100];
    int leader = 0, child = 0, status = 0;
    mlplat *own = NULL;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    (void)state;
    snprintf(pids, sizeof pids, "%s/pids", folder);
    pid_t runner = start_endless(pids);
    snprintf(uri, sizeof uri, "sqlite:///%s/other.db", folder);
    options.tracking_uri = uri;
    assert_ok(mlplat_open(&options, &own, &err));
    run_a_short_one(own);
    assert_int_equal(left_running(own), 2); /* its runner lives */
    run_a_short_one(ml); /* another store, the same root */
    assert_int_equal(sscanf(read_text(pids), "%d %d", &leader, &child), 2);
    assert_int_equal(kill(runner, SIGKILL), 0);
    assert_int_equal(waitpid(runner, &status, 0), runner);
    run_a_short_one(ml);
    assert_int_equal(left_running(own), 2);
    run_a_short_one(own);
    assert_int_equal(left_running(own), 0);
    const char *marks = test_path(folder, "mlplat-pipelines/running");
    assert_int_equal(rmdir(marks), 0); /* nothing is left in it */
    await_gone(leader);
    await_gone(child);
    mlplat_close(own);
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void two_runs_at_once_never_meet(void **state)
{
    char a[600], b[600];
    int status = 0;
    mlplat_error err = {0};
    (void)state;
    snprintf(a, sizeof a, "%s/a", folder);
    snprintf(b, sizeof b, "%s/b", folder);
    pid_t other = fork();
    const char *mine = other == 0 ? a : b, *theirs = other == 0 ? b : a;
    mlplat *own = ml;
    mlplat_pipeline *p = new_pipeline("same");
    mlplat_task *meet = add_task(p, TOOL("meet", "meet", mine, theirs), NULL), *write = add_task(p, writer(), NULL);
    mlplat_task *copy = add_task(p, copier(), NULL);
    assert_ok(mlplat_task_after(write, meet, &err));
    assert_ok(mlplat_task_set(write, "text", other == 0 ? "\"theirs\"" : "\"mine\"", &err));
    assert_ok(mlplat_task_connect(copy, "from", write, "data", &err));
    mlplat_doc *ir = compile(p), *result = NULL;
    if (other == 0) { /* a session of its own on the same store */
        char uri[1100];
        mlplat_options options = MLPLAT_OPTIONS_INIT;
        snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", folder);
        options.tracking_uri = uri;
        bool ok = mlplat_open(&options, &own, NULL) == MLPLAT_OK &&
                  mlplat_pipeline_run(own, ir, NULL, &result, NULL) == MLPLAT_OK &&
                  strcmp(read_text(of_task(result, "copier", "outputs.artifacts.to.uri")), "theirs") == 0;
        mlplat_close(own);
        _exit(ok ? 0 : 1);
    }
    result = run_with(ir, NULL, MLPLAT_OK);
    assert_string_equal(read_text(of_task(result, "copier", "outputs.artifacts.to.uri")), "mine");
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    mlplat_doc_free(result);
}

static void wrong_parameters_are_refused_before_anything_runs(void **state)
{
    static const struct {
        const char *params, *says;
    } cases[] = {
        {NULL, "'n' of the pipeline has no default"},
        {"{}", "'n'"},
        {"{\"n\": \"x\"}", "'n'"},
        {"{\"n\": 1, \"z\": 2}", "'z'"},
        {"[]", "parameters"},
        {"{", "JSON"},
        {"{\"n\": 9007199254740993}", "beyond"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        mlplat_doc *result = NULL;
        mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
        mlplat_pipeline *p = new_pipeline("params");
        assert_ok(mlplat_pipeline_input(p, "n", "Integer", NULL, &err));
        add_task(p, TOOL("print", "print"), NULL);
        mlplat_doc *ir = compile(p);
        o.params = cases[i].params;
        assert_status(mlplat_pipeline_run(ml, ir, &o, &result, &err), MLPLAT_INVALID);
        if (!strstr(err.message, cases[i].says))
            fail_msg("%s: %s", cases[i].params, err.message);
        assert_null(result);
        mlplat_doc_free(ir);
    }
    assert_int_not_equal(access(test_path(folder, "mlplat-pipelines"), F_OK), 0);
}

static double cpu_seconds(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* The limits are CPU time, ten to twenty times what is usual, so that a busy machine does not fail them. */
static void a_chain_of_twenty_is_cheap(void **state)
{
    mlplat_error err = {0};
    mlplat_pipeline *p = new_pipeline("chain");
    mlplat_task *last = NULL;
    (void)state;
    double before = cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN);
    for (int i = 0; i < 20; i++) {
        mlplat_task *t = add_task(p, TOOL("link", "print"), NULL);
        if (last)
            assert_ok(mlplat_task_after(t, last, &err));
        last = t;
    }
    mlplat_doc_free(run(p, MLPLAT_OK));
    assert_true(cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN) - before < 1.0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_and_artifacts_go_from_task_to_task),
        TEST(output_files_and_words_with_spaces_arrive),
        TEST(a_failure_skips_what_depends_on_it),
        TEST(siblings_of_a_failure_finish),
        TEST(bad_programs_and_missing_outputs_fail_their_task),
        TEST(the_answer_wins_over_files),
        TEST(tasks_run_at_once),
        TEST(a_failed_task_is_tried_again),
        TEST(a_step_finds_its_run_and_store),
        TEST(the_last_word_of_progress_is_that_all_is_done),
        TEST(cancelling_ends_the_steps_and_their_children),
        TEST(a_step_that_will_not_end_is_killed),
        TEST(what_a_step_leaves_behind_ends_with_it),
        TEST(killing_the_runner_ends_the_steps),
        TEST(the_next_run_ends_what_a_killed_runner_left),
        TEST(two_runs_at_once_never_meet),
        TEST(wrong_parameters_are_refused_before_anything_runs),
        TEST(a_chain_of_twenty_is_cheap),
    };
    return cmocka_run_group_tests_name("runner", tests, NULL, NULL);
}
