/* Runs made while their server is away: what it is asked once it is back, and what is known of them meanwhile. The
 * server answers by path; a real one is in tests/integration/test_offline.py. */
#include "support/scarce_memory.h"
#include "tracking/offline_scene.h"
#include <time.h>

/* ---- ids --------------------------------------------------------------------------------------------------------- */

static void an_id_of_our_own_is_no_servers(void **state)
{
    char id[MLP_OFFLINE_ID];
    mlplat_error err = {0};
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_ok(mlp_offline_make_id(id, &err));
        assert_true(mlp_offline_is_id(id));
        assert_memory_equal(id, "0ff11e", 6);
        id[12] = '4'; /* a server's */
        assert_false(mlp_offline_is_id(id));
    }
    assert_false(mlp_offline_is_id(SERVERS));
    assert_false(mlp_offline_is_id("0ff11e"));
    assert_false(mlp_offline_is_id("0ff11e0000008000000000000000000000"));
    assert_false(mlp_offline_is_id(""));
}

/* ---- while it waits ---------------------------------------------------------------------------------------------- */

static void log_all(mlplat_run *run)
{
    mlplat_error err = {0};
    static const double values[] = {3, 1, 2};
    static const int64_t steps[] = {0, 2, 1}, times[] = {10, 30, 20};
    assert_ok(mlplat_run_log_metrics(run, "loss", steps, times, values, 3, &err));
    assert_ok(mlplat_run_log_metric_at(run, "loss", 7, 2, 29, &err));
    assert_ok(mlplat_run_log_metric(run, "other", 1, 0, &err));
    assert_ok(mlplat_run_log_param(run, "depth", "6", &err));
    assert_ok(mlplat_run_log_batch(run, "{\"params\": {\"width\": \"7\"}, \"tags\": {\"phase\": \"late\"}}", &err));
    assert_ok(mlplat_run_delete_tag(run, "gone", &err));
    assert_ok(mlplat_run_log_inputs(run,
                                    "{\"datasets\": [{\"dataset\": {\"name\": \"d\", \"digest\": \"1\", "
                                    "\"source_type\": \"local\", \"source\": \"{}\"}}], \"models\": "
                                    "[{\"model_id\": \"m-0\"}]}",
                                    &err));
    assert_ok(mlplat_run_log_outputs(run, "{\"models\": [{\"model_id\": \"m-1\"}]}", &err));
}

static void a_run_that_waits_is_read_from_its_records(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_run *run = start_away(s, "first", NULL), *more = NULL;
    log_all(run);
    mlplat_doc *doc = get(s->ml, run);
    assert_string_equal(text_at(doc, "info.run_id"), mlplat_run_id(run));
    assert_string_equal(text_at(doc, "info.delivery"), "waiting");
    assert_string_equal(text_at(doc, "info.status"), "RUNNING");
    assert_string_equal(text_at(doc, "info.experiment_name"), "e");
    assert_string_equal(pair(doc, "data.params", "width"), "7");
    assert_string_equal(pair(doc, "data.tags", "phase"), "late");
    assert_string_equal(pair(doc, "data.tags", "team"), "a");
    assert_null(pair(doc, "data.tags", "gone"));
    assert_string_equal(text_at(doc, "data.metrics[0].key"), "loss");
    assert_true(double_at(doc, "data.metrics[0].value") == 1); /* of the largest step the latest */
    assert_int_equal(size_at(doc, "inputs.dataset_inputs"), 1);
    assert_string_equal(text_at(doc, "inputs.model_inputs[0].model_id"), "m-0");
    assert_string_equal(text_at(doc, "outputs.model_outputs[0].model_id"), "m-1");
    mlplat_doc_free(doc);
    doc = history(s->ml, run, "loss");
    assert_int_equal(size_at(doc, "metrics"), 4);
    assert_int_equal(int_at(doc, "metrics[0].timestamp"), 10);
    assert_int_equal(int_at(doc, "metrics[3].timestamp"), 30);
    mlplat_doc_free(doc);
    doc = history(s->ml, run, "nothing");
    assert_int_equal(size_at(doc, "metrics"), 0);
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_attach(s->ml, mlplat_run_id(run), &more, &err)); /* steps go on */
    assert_ok(mlplat_run_log_metric(more, "loss", 0, MLPLAT_STEP_AUTO, &err));
    mlplat_run_free(more);
    doc = get(s->ml, run);
    assert_int_equal(int_at(doc, "data.metrics[0].step"), 3);
    mlplat_doc_free(doc);
    end(run);
}

static void of_points_at_one_moment_the_largest_is_the_latest(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_run *run = start_away(s, "first", NULL);
    static const double values[] = {1, 3, 2};
    for (size_t i = 0; i < 3; i++)
        assert_ok(mlplat_run_log_metric_at(run, "m", values[i], 4, 5, &err));
    assert_ok(mlplat_run_log_text(run, "x", "a.txt", &err)); /* is nothing that is shown */
    mlplat_doc *doc = get(s->ml, run);
    assert_true(double_at(doc, "data.metrics[0].value") == 3);
    assert_int_equal(size_at(doc, "data.metrics"), 1);
    mlplat_doc_free(doc);
    end(run);
}

static void where_memory_ends_a_run_that_waits_is_not_shown_in_part(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    json_t *whole = NULL;
    mlplat_run *run = start_away(s, "first", NULL);
    bool reached = true;
    log_all(run);
    assert_ok(mlp_tracking_of(s->ml, &t, &err));
    assert_ok(t->ops->run_get(t->store, mlplat_run_id(run), &whole, &err));
    for (long nth = 0; reached; nth++) {
        json_t *shown = NULL;
        scarce_memory_begin(nth);
        mlplat_status status = t->ops->run_get(t->store, mlplat_run_id(run), &shown, &err);
        reached = scarce_memory_end();
        if (status != MLPLAT_OK && status != MLPLAT_NO_MEMORY)
            fail_msg("allocation %ld: %s: %s", nth, mlplat_status_name(status), err.message);
        if (status == MLPLAT_OK && !json_equal(whole, shown))
            fail_msg("allocation %ld: %s", nth, json_dumps(shown, 0));
        json_decref(shown);
    }
    json_decref(whole);
    mlplat_run_free(run);
}

/* Else it would be taken for one that does not wait, and its server would be waited for. */
static void where_memory_ends_a_run_is_not_called_delivered(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    mlplat_run *run = start_away(s, "first", NULL);
    bool reached = true;
    assert_ok(mlp_tracking_of(s->ml, &t, &err));
    for (long nth = 0; reached; nth++) {
        bool waits = false;
        scarce_memory_begin(nth);
        mlplat_status status = t->ops->run_waits(t->store, mlplat_run_id(run), &waits, &err);
        reached = scarce_memory_end();
        if (status != MLPLAT_NO_MEMORY && (status != MLPLAT_OK || !waits))
            fail_msg("allocation %ld: %s, %d", nth, mlplat_status_name(status), waits);
    }
    mlplat_run_free(run);
}

static void a_run_that_waits_is_changed_and_ended(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_run *run = start_away(s, "first", NULL);
    const char *id = mlplat_run_id(run);
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    change.name = "second";
    assert_ok(mlplat_run_update(s->ml, id, &change, &err));
    assert_ok(mlplat_run_end(run, "FAILED", &err));
    mlplat_doc *doc = get(s->ml, run);
    assert_string_equal(text_at(doc, "info.status"), "FAILED");
    assert_string_equal(text_at(doc, "info.run_name"), "second");
    assert_string_equal(pair(doc, "data.tags", "mlflow.runName"), "second");
    assert_true(int_at(doc, "info.end_time") > 0);
    mlplat_doc_free(doc);
    assert_status(mlplat_run_delete(s->ml, id, &err), MLPLAT_STATE);
    assert_non_null(strstr(err.message, "mlplat spool sync"));
    assert_status(mlplat_run_restore(s->ml, id, &err), MLPLAT_STATE);
    mlplat_run_free(run);
}

static void what_is_wrong_with_a_call_is_no_reason_to_go_offline(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.experiment = "e";
    o.experiment_id = "7";
    assert_status(mlplat_run_start(s->ml, &o, &run, &err), MLPLAT_INVALID);
    o.experiment_id = NULL;
    static const route denied[] = {{"/api/", "401 Unauthorized", "{}"}};
    answers(s, denied, 1);
    assert_status(mlplat_run_start(s->ml, &o, &run, &err), MLPLAT_DENIED);
    assert_null(run);
}

/* A server that did not answer a moment ago is not asked: nobody waits for it. */
static void of_a_server_that_is_down_no_run_is_asked_for(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    mlplat_run *run = start_away(s, "one", NULL), *other = NULL;
    assert_ok(mlplat_run_log_metric(run, "m", 1, 0, &err));
    assert_ok(mlp_tracking_of(s->ml, &t, &err));
    assert_status(mlplat_flush(s->ml, 3000, &err), MLPLAT_UNAVAILABLE);
    assert_true(mlp_spool_is_down(t->spool));
    size_t before = asked(s, "runs/create", NULL);
    assert_ok(mlplat_run_start(s->ml, NULL, &other, &err));
    assert_int_equal(asked(s, "runs/create", NULL), before);
    back(s);
    deliver(s);
    assert_int_equal(asked(s, "runs/create", NULL), 2);
    assert_int_equal(sent(s, "\"experiment_id\":\"0\""), 1); /* it named none */
    mlplat_run_free(other);
    mlplat_run_free(run);
}

/* ---- delivery ---------------------------------------------------------------------------------------------------- */

static void a_run_is_made_once_and_answers_to_both_ids(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_run *run = start_away(s, "first", NULL);
    char *request = NULL, local[80];
    log_all(run);
    assert_ok(mlplat_run_end(run, NULL, &err));
    back(s);
    deliver(s);
    assert_int_equal(asked(s, "runs/create", &request), 1);
    assert_has(request, "mlplat.op");
    snprintf(local, sizeof local, "\"mlplat.local_id\",\"value\":\"%s\"", mlplat_run_id(run));
    assert_has(request, local);
    assert_int_equal(sent(s, "\"run_id\":\"" SERVERS "\""), sent(s, "\"run_id\":\""));
    assert_int_equal(sent(s, "\"depth\""), 1);
    assert_int_equal(asked(s, "runs/delete-tag", NULL), 1);
    assert_int_equal(asked(s, "runs/log-inputs", NULL), 2);
    assert_int_equal(asked(s, "runs/outputs", NULL), 1);
    assert_int_equal(asked(s, "runs/update", &request), 1);
    assert_has(request, "FINISHED");
    mlplat_doc *doc = get(s->ml, run);
    assert_string_equal(text_at(doc, "info.run_id"), SERVERS);
    mlplat_doc_free(doc);
    assert_true(asked(s, "runs/get?run_id=" SERVERS, NULL) > 0);
    assert_ok(mlplat_spool_status(s->ml, &doc, &err));
    assert_string_equal(text_at(doc, "runs[0].local_id"), mlplat_run_id(run));
    assert_string_equal(text_at(doc, "runs[0].run_id"), SERVERS);
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_delete(s->ml, mlplat_run_id(run), &err));
    assert_int_equal(asked(s, "runs/delete ", &request), 1);
    assert_has(request, SERVERS);
    free(request);
    mlplat_run_free(run);
}

static void a_run_whose_answer_was_lost_is_not_made_again(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_run *run = start_away(s, "first", NULL);
    static const route found[] = {{"runs/search", "200 OK", FOUND}};
    answers(s, found, 1);
    deliver(s);
    assert_int_equal(asked(s, "runs/create", NULL), 0);
    mlplat_doc *doc = get(s->ml, run);
    assert_string_equal(text_at(doc, "info.run_id"), SERVERS);
    mlplat_doc_free(doc);
    end(run);
}

static void a_parent_that_waits_comes_first(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_run *parent = start_away(s, "parent", NULL);
    mlplat_error err = {0};
    char *request = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_run *child = NULL;
    o.parent_run_id = mlplat_run_id(parent); /* and its experiment */
    assert_ok(mlplat_run_start(s->ml, &o, &child, &err));
    assert_true(mlp_offline_is_id(mlplat_run_id(child)));
    back(s);
    deliver(s);
    assert_int_equal(asked(s, "runs/create", &request), 2);
    assert_has(request, "\"mlflow.parentRunId\",\"value\":\"" SERVERS "\"");
    assert_has(request, "\"experiment_id\":\"7\"");
    free(request);
    end(child);
    end(parent);
}

static void a_run_that_the_server_will_not_have_is_a_dead_letter_and_so_is_what_it_has(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_run *run = start_away(s, "first", NULL);
    assert_ok(mlplat_run_log_metric(run, "m", 1, 0, &err));
    static const route refused[] = {
        {"runs/create", "400 Bad Request", BAD("The experiment 7 must be in the 'active' state")}};
    answers(s, refused, 1);
    deliver(s);
    assert_ok(mlplat_spool_status(s->ml, &doc, &err));
    assert_int_equal(int_at(doc, "dead"), 2);
    assert_string_equal(text_at(doc, "dead_letters[0].kind"), "create");
    assert_string_equal(text_at(doc, "dead_letters[0].status"), "STATE");
    mlplat_doc_free(doc);
    back(s);
    assert_ok(mlplat_spool_retry(s->ml, &doc, &err));
    assert_int_equal(int_at(doc, "stored"), 2);
    mlplat_doc_free(doc);
    mlplat_run_free(run);
}

static void open_again(scene *s)
{
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    char uri[64];
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", loopback_port(s->server));
    options.tracking_uri = uri;
    options.spool_dir = test_path(s->folder, "spool");
    assert_ok(mlplat_open(&options, &s->ml, &err));
}

static void a_map_that_is_lost_is_found_again_by_the_tag(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char path[600], id[MLP_OFFLINE_ID], *request = NULL;
    mlplat_run *run = start_away(s, "first", NULL);
    snprintf(id, sizeof id, "%s", mlplat_run_id(run));
    assert_ok(mlplat_spool_status(s->ml, &doc, &err));
    snprintf(path, sizeof path, "%s/runs.map", text_at(doc, "folder"));
    mlplat_doc_free(doc);
    back(s);
    end(run);
    deliver(s);
    mlplat_close(s->ml);
    assert_int_equal(unlink(path), 0);
    static const route found[] = {{"runs/search", "200 OK", FOUND}};
    answers(s, found, 1);
    open_again(s);
    assert_ok(mlplat_run_get(s->ml, id, &doc, &err));
    assert_string_equal(text_at(doc, "info.run_id"), SERVERS);
    mlplat_doc_free(doc);
    assert_int_equal(asked(s, "runs/search", &request), 1);
    assert_has(request, id);
    free(request);
    assert_ok(mlplat_spool_status(s->ml, &doc, &err)); /* and is written down */
    assert_string_equal(text_at(doc, "runs[0].run_id"), SERVERS);
    mlplat_doc_free(doc);
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static void a_param_with_another_value_is_a_dead_letter_and_the_rest_goes_on(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_spool_counts counts = {.size = sizeof counts};
    mlplat_run *run = start_away(s, "first", NULL);
    assert_ok(mlplat_run_log_param(run, "api_token", "hunter2", &err));
    static const route refused[] = {
        {"log-batch", "400 Bad Request", BAD("Changing param values is not allowed: 'hunter1' and 'hunter2'")},
        {"runs/get", "200 OK", RUN("", "{\"key\": \"api_token\", \"value\": \"hunter1\"}")}};
    answers(s, refused, 2);
    deliver(s);
    assert_ok(mlplat_spool_count(s->ml, &counts, &err));
    assert_int_equal(counts.dead, 1);
    assert_ok(mlplat_spool_status(s->ml, &doc, &err));
    assert_string_equal(text_at(doc, "dead_letters[0].kind"), "param");
    assert_string_equal(text_at(doc, "dead_letters[0].status"), "CONFLICT");
    assert_null(strstr(text_at(doc, "dead_letters[0].reason"), "hunter"));
    mlplat_doc_free(doc);
    back(s);
    assert_ok(mlplat_run_log_param(run, "other", "1", &err));
    end(run);
    deliver(s);
    assert_ok(mlplat_spool_count(s->ml, &counts, &err));
    assert_int_equal(counts.dead, 1);
}

static void a_request_that_is_refused_is_halved(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_spool_counts counts = {.size = sizeof counts};
    static const double values[8] = {0};
    mlplat_run *run = start_away(s, "first", NULL);
    back(s);
    deliver(s); /* then it takes more than one record at a time */
    static const route refused[] = {{"log-batch", "400 Bad Request", BAD("something in it is wrong")}};
    answers(s, refused, 1);
    assert_ok(mlplat_run_log_metrics(run, "m", NULL, NULL, values, 8, &err));
    deliver(s);
    size_t n = asked(s, "log-batch", NULL); /* 15, less one for each batch that they came in besides the first */
    assert_true(n > 8 && n <= 15);
    assert_ok(mlplat_spool_count(s->ml, &counts, &err));
    assert_int_equal(counts.dead, 8);
    assert_int_equal(counts.stored, 1);
    mlplat_run_free(run);
}

static void what_is_done_already_is_no_failure(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_spool_counts counts = {.size = sizeof counts};
    mlplat_run *run = start_away(s, "first", NULL);
    assert_ok(mlplat_run_delete_tag(run, "t", &err));
    assert_ok(mlplat_run_log_outputs(run, "{\"models\": [{\"model_id\": \"m-1\"}]}", &err));
    assert_ok(mlplat_run_log_outputs(run, "{}", &err));
    static const route done[] = {{"delete-tag", "404 Not Found", NO_TAG},
                                 {"runs/outputs", "400 Bad Request", BAD("it is an output")}};
    answers(s, done, 2);
    deliver(s);
    assert_ok(mlplat_spool_count(s->ml, &counts, &err));
    assert_int_equal(counts.dead, 0);
    answers(s, done, 2);
    assert_ok(mlplat_run_log_outputs(run, "{\"models\": [{\"model_id\": \"m-1\"}, {\"model_id\": \"m-9\"}]}", &err));
    deliver(s);
    assert_ok(mlplat_spool_count(s->ml, &counts, &err));
    assert_int_equal(counts.dead, 1);
    mlplat_run_free(run);
}

/* ---- two processes ----------------------------------------------------------------------------------------------- */

typedef struct inherited {
    char uri[64], spool[1024], run_id[64];
} inherited;

static test_child child;

static int log_of_child(const void *words)
{
    const inherited *from = words;
    mlplat_error err = {0};
    mlplat *ml = NULL;
    mlplat_run *mine = NULL;
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = from->uri;
    options.spool_dir = from->spool;
    bool good = mlplat_open(&options, &ml, &err) == MLPLAT_OK &&
                mlplat_run_attach(ml, from->run_id, &mine, &err) == MLPLAT_OK &&
                mlplat_run_log_metric(mine, "of_child", 1, 0, &err) == MLPLAT_OK;
    return test_told(good ? MLPLAT_OK : err.status, &err); /* and is gone, as if killed */
}

/* A child logs to the run by its own id and is killed; whoever delivers first makes the run. */
static void a_child_logs_to_the_run_of_its_parent(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    inherited words = {0};
    mlplat_run *run = start_away(s, "first", NULL);
    snprintf(words.uri, sizeof words.uri, "http://127.0.0.1:%d", loopback_port(s->server));
    snprintf(words.spool, sizeof words.spool, "%s", test_path(s->folder, "spool"));
    snprintf(words.run_id, sizeof words.run_id, "%s", mlplat_run_id(run));
    test_child_work(&child, &words, sizeof words);
    doc = get(s->ml, run);
    assert_string_equal(text_at(doc, "data.metrics[0].key"), "of_child");
    mlplat_doc_free(doc);
    back(s);
    assert_ok(mlplat_spool_sync(s->ml, &doc, &err));
    assert_int_equal(int_at(doc, "replayed"), 1);
    mlplat_doc_free(doc);
    deliver(s);
    assert_int_equal(asked(s, "runs/create", NULL), 1);
    assert_int_equal(asked(s, "log-batch", NULL), 1);
    end(run);
}

/* The thread that delivers is in the middle of a request about the run, which would take 30 s. */
static void closing_waits_no_longer_than_it_may_for_a_server_that_is_silent_about_a_run(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    static const loopback_step silent[] = {{.reply = "", .end = LOOPBACK_STALL}};
    struct timespec begin, end_of_it;
    mlplat_error err = {0};
    end(start_away(s, "first", NULL));
    loopback_script(s->server, silent, 1);
    while (loopback_requests(s->server) == 0) /* somebody waits, so that what failed is tried again now */
        (void)mlplat_flush(s->ml, 20, &err);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    mlplat_close(s->ml);
    clock_gettime(CLOCK_MONOTONIC, &end_of_it);
    s->ml = NULL;
    assert_true(end_of_it.tv_sec - begin.tv_sec < 20); /* 5 s by default */
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_of_our_own_is_no_servers),
        CASE(a_run_that_waits_is_read_from_its_records),
        CASE(of_points_at_one_moment_the_largest_is_the_latest),
        CASE(where_memory_ends_a_run_that_waits_is_not_shown_in_part),
        CASE(where_memory_ends_a_run_is_not_called_delivered),
        CASE(a_run_that_waits_is_changed_and_ended),
        CASE(what_is_wrong_with_a_call_is_no_reason_to_go_offline),
        CASE(of_a_server_that_is_down_no_run_is_asked_for),
        CASE(a_run_is_made_once_and_answers_to_both_ids),
        CASE(a_run_whose_answer_was_lost_is_not_made_again),
        CASE(a_parent_that_waits_comes_first),
        CASE(a_run_that_the_server_will_not_have_is_a_dead_letter_and_so_is_what_it_has),
        CASE(a_map_that_is_lost_is_found_again_by_the_tag),
        CASE(a_param_with_another_value_is_a_dead_letter_and_the_rest_goes_on),
        CASE(a_request_that_is_refused_is_halved),
        CASE(what_is_done_already_is_no_failure),
        CASE(a_child_logs_to_the_run_of_its_parent),
        CASE(closing_waits_no_longer_than_it_may_for_a_server_that_is_silent_about_a_run),
    };
    child = test_child_make(log_of_child, sizeof(inherited));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
