/* The sink of the store behind REST by itself: what a server is asked for records of each kind, what becomes of its
 * refusals, and how a journal that somebody else left is replayed. */
#include "spool/metric_origin.h"
#include "tracking/deliver_fixture.h"
#include <jansson.h>

/* ---- notes ------------------------------------------------------------------------------------------------------- */

static void a_note_goes_behind_what_the_tag_has(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const struct {
        const char *tag, *text, *value; /* NULL: nothing is written */
    } cases[] = {
        {TAG("other", "[7]"), ENTRY("2"), "\"[2]\""},
        {TAG("notes", "[1]"), ENTRY("2"), "\"[1,2]\""},
        {TAG("notes", "[1,2]"), ENTRY("2"), NULL},
        {TAG("notes", "[2,1]"), ENTRY("2"), "\"[2,1,2]\""},
        {TAG("notes", "[2,1]"), ONCE("2"), NULL},
        {TAG("notes", "[3,1]"), ONCE("2"), "\"[3,1,2]\""},
        {TAG("notes", "words of somebody"), ENTRY("2"), "\"[2]\""},
        {TAG("notes", "{}"), ENTRY("2"), "\"[2]\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char run[400];
        snprintf(run, sizeof run, RUN("%s"), cases[i].tag);
        const route routes[] = {{"runs/get", "200 OK", run}};
        answers(f, routes, 1);
        assert_int_equal(apply(f, MLP_RECORD_NOTE, i + 1, "notes", cases[i].text).status, MLPLAT_OK);
        assert_int_equal(sent(f, "runs/set-tag"), cases[i].value != NULL);
        if (cases[i].value)
            assert_int_equal(sent(f, cases[i].value), 1);
    }
}

static void a_note_of_a_run_that_is_gone_is_set_aside(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const route gone[] = {
        {"runs/get", "404 Not Found", BAD("RESOURCE_DOES_NOT_EXIST", "Run with id=" ID " not found")}};
    answers(f, gone, 1);
    mlp_verdict verdict = apply(f, MLP_RECORD_NOTE, 1, "notes", ENTRY("2"));
    assert_int_equal(verdict.status, MLPLAT_NOT_FOUND);
    assert_non_null(strstr(verdict.reason, ID));
    assert_int_equal(sent(f, "runs/set-tag"), 0);
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static void a_tag_that_is_gone_is_deleted_and_one_of_a_run_that_is_gone_is_not(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const route no_tag[] = {{"delete-tag", "404 Not Found", NO_TAG}};
    static const route no_run[] = {
        {"delete-tag", "404 Not Found", NO_TAG},
        {"runs/get", "404 Not Found", BAD("RESOURCE_DOES_NOT_EXIST", "Run with id=" ID " not found")}};
    static const route no_page[] = {{"delete-tag", "404 Not Found", "<html>"}};
    answers(f, no_tag, 1);
    assert_int_equal(apply(f, MLP_RECORD_UNTAG, 1, "t", "").status, MLPLAT_OK);
    answers(f, no_run, 2);
    assert_int_equal(apply(f, MLP_RECORD_UNTAG, 2, "t", "").status, MLPLAT_NOT_FOUND);
    answers(f, no_page, 1); /* the server's fault: it is tried again */
    apply_fails(f, MLP_RECORD_UNTAG, 3, "t", "", MLPLAT_NOT_FOUND);
}

static void models_as_inputs_need_a_newer_server_and_datasets_wait_for_them(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const char both[] = "{\"datasets\": [{\"dataset\": {\"name\": \"d\"}}], "
                               "\"models\": [{\"model_id\": \"m\"}]}";
    static const route old[] = {{"\"models\"", "400 Bad Request",
                                 BAD("INVALID_PARAMETER_VALUE", "Missing value for required parameter 'datasets'")}};
    answers(f, old, 1);
    mlp_verdict verdict = apply(f, MLP_RECORD_INPUTS, 1, "", both);
    assert_int_equal(verdict.status, MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(verdict.reason, "MLflow 3.0"));
    assert_int_equal(sent(f, "\"datasets\""), 0);
    answers(f, NULL, 0);
    assert_int_equal(apply(f, MLP_RECORD_INPUTS, 2, "", both).status, MLPLAT_OK);
    assert_int_equal(sent(f, "\"datasets\""), 1);
    assert_int_equal(sent(f, "\"models\""), 1);
}

static void outputs_that_are_refused_are_compared_with_what_the_run_has(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const char one[] = "{\"models\": [{\"model_id\": \"m-1\"}]}";
    static const char other[] = "{\"models\": [{\"model_id\": \"m-2\"}]}";
    static const route known[] = {{"runs/outputs", "400 Bad Request", BAD("INVALID_PARAMETER_VALUE", "no")},
                                  {"runs/get", "200 OK", RUN("")}};
    static const route unknown[] = {{"runs/outputs", "400 Bad Request", BAD("INVALID_PARAMETER_VALUE", "no")},
                                    {"runs/get", "500 Internal Server Error", "{}"}};
    answers(f, known, 2);
    assert_int_equal(apply(f, MLP_RECORD_OUTPUTS, 1, "", one).status, MLPLAT_OK);
    assert_int_equal(apply(f, MLP_RECORD_OUTPUTS, 2, "", other).status, MLPLAT_INVALID);
    answers(f, unknown, 2);
    assert_int_equal(apply(f, MLP_RECORD_OUTPUTS, 3, "", one).status, MLPLAT_INVALID);
    answers(f, NULL, 0);
    assert_int_equal(apply(f, MLP_RECORD_OUTPUTS, 4, "", "{}").status, MLPLAT_OK);
    assert_int_equal(loopback_requests(f->server), 0);
}

static void an_update_waits_for_a_server_that_is_away(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const route away[] = {{"runs/update", "503 Service Unavailable", "{}"}};
    answers(f, away, 1);
    apply_fails(f, MLP_RECORD_UPDATE, 1, "", "{\"status\": \"FINISHED\"}", MLPLAT_UNAVAILABLE);
    answers(f, NULL, 0);
    assert_int_equal(apply(f, MLP_RECORD_UPDATE, 1, "", "{\"status\": \"FINISHED\"}").status, MLPLAT_OK);
    assert_int_equal(sent(f, "FINISHED"), 1);
    assert_int_equal(sent(f, "\"run_id\":\"" ID "\""), 1);
}

static void a_record_that_nobody_understands_is_set_aside(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    answers(f, NULL, 0);
    mlp_verdict verdict = apply(f, (mlp_record_kind)(MLP_RECORD_LAST + 1), 1, "", "");
    assert_int_equal(verdict.status, MLPLAT_INVALID);
    assert_non_null(strstr(verdict.reason, "kind"));
    assert_int_equal(apply(f, MLP_RECORD_UPDATE, 2, "", "{").status, MLPLAT_INVALID);
    assert_int_equal(apply(f, MLP_RECORD_CREATE, 3, "", "{}").status, MLPLAT_OK); /* of a run that is there */
    assert_int_equal(loopback_requests(f->server), 0);
}

static void a_run_without_a_place_for_artifacts_gets_none(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const route homeless[] = {{"runs/get", "200 OK", RUN("")}};
    static const route odd[] = {{"runs/get", "200 OK", "{\"run\": {\"info\": {\"artifact_uri\": \"gopher://x/y\"}}}"}};
    answers(f, homeless, 1);
    mlp_verdict verdict = apply(f, MLP_RECORD_ARTIFACT, 1, "a.txt", "{\"path\": \"/nowhere\"}");
    assert_int_equal(verdict.status, MLPLAT_INVALID);
    assert_non_null(strstr(verdict.reason, "no place for artifacts"));
    answers(f, odd, 1);
    assert_int_equal(apply(f, MLP_RECORD_ARTIFACT, 2, "a.txt", "{\"path\": \"/nowhere\"}").status, MLPLAT_INVALID);
}

static void a_record_of_an_artifact_that_names_no_file_is_set_aside(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const route proxied[] = {
        {"runs/get", "200 OK", "{\"run\": {\"info\": {\"artifact_uri\": \"mlflow-artifacts:/7/r/artifacts\"}}}"}};
    answers(f, proxied, 1);
    mlp_verdict verdict = apply(f, MLP_RECORD_ARTIFACT, 1, "a.txt", "{}");
    assert_int_equal(verdict.status, MLPLAT_INVALID);
    assert_non_null(strstr(verdict.reason, "names no file"));
    verdict = apply(f, MLP_RECORD_ARTIFACT, 2, "a.txt", "{\"path\": \"/not/here\"}");
    assert_int_equal(verdict.status, MLPLAT_INVALID);
    assert_non_null(strstr(verdict.reason, "/not/here"));
}

static void an_artifact_that_the_server_has_otherwise_is_set_aside(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    char text[900];
    static const route has[] = {
        {"PUT ", "400 Bad Request", BAD("RESOURCE_ALREADY_EXISTS", "another a.txt is there")},
        {"runs/get", "200 OK", "{\"run\": {\"info\": {\"artifact_uri\": \"mlflow-artifacts:/7/r/artifacts\"}}}"}};
    file_record(f, text, sizeof text);
    answers(f, has, 2);
    mlp_verdict verdict = apply(f, MLP_RECORD_ARTIFACT, 1, "a.txt", text);
    assert_int_equal(verdict.status, MLPLAT_INVALID);
    assert_int_equal(sent(f, "PUT "), 1);
}

/* ---- patience ---------------------------------------------------------------------------------------------------- */

static void a_server_that_asks_to_be_left_alone_is(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlplat_error err = {0};
    mlp_verdict verdict = {0};
    mlp_sink sink = sink_of(f);
    const mlp_record r = record(MLP_RECORD_TAG, 1, "t", "one");
    static const loopback_step busy = {
        .reply = "HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"};
    loopback_script(f->server, &busy, 1);
    apply_fails(f, MLP_RECORD_TAG, 1, "t", "one", MLPLAT_UNAVAILABLE);
    answers(f, NULL, 0);
    assert_status(sink.apply(sink.ctx, "j", &r, 1, &verdict, &err), MLPLAT_UNAVAILABLE);
    assert_non_null(strstr(err.message, "asked to be left alone"));
    assert_true(err.retryable);
    assert_int_equal(loopback_requests(f->server), 0);
}

/* Of what waits, the first was answered and the second was not: the first is not sent again. */
static void what_was_answered_is_not_sent_again(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    static const route away[] = {{"/api/", "503 Service Unavailable", "{}"}};
    static const route half[] = {{"delete-tag", "503 Service Unavailable", "{}"}};
    const mlp_record r[2] = {record(MLP_RECORD_TAG, 0, "first", "one"), record(MLP_RECORD_UNTAG, 0, "second", "")};
    answers(f, away, 1);
    assert_ok(mlp_tracking_of(f->ml, &t, &err));
    assert_ok(mlp_spool_append(t->spool, r, 2, MLPLAT_DURABILITY_DEFAULT, &err));
    answers(f, half, 1);
    assert_status(mlplat_flush(f->ml, 3000, &err), MLPLAT_UNAVAILABLE);
    assert_int_equal(sent(f, "\"first\""), 1);
    assert_true(sent(f, "\"second\"") >= 1);
    answers(f, NULL, 0);
    assert_ok(mlplat_flush(f->ml, 60000, &err));
    assert_int_equal(sent(f, "\"first\""), 0);
    assert_int_equal(sent(f, "\"second\""), 1);
}

/* ---- marks ------------------------------------------------------------------------------------------------------- */

static void a_journal_that_others_left_goes_on_where_the_run_says(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlplat_error err = {0};
    mlp_sink sink = sink_of(f);
    uint64_t mark = 9;
    static const route has_seven[] = {{"runs/get", "200 OK",
                                       RUN(TAG("mlplat.mark.other", "99") "," TAG("mlplat.mark.j", "7") "," TAG(
                                           "team", "a"))}};
    answers(f, has_seven, 1);
    assert_ok(sink.mark(sink.ctx, "j", &mark, &err));
    assert_int_equal(mark, 0);
    assert_int_equal(apply(f, MLP_RECORD_TAG, 5, "t", "five").status, MLPLAT_OK);
    assert_int_equal(apply(f, MLP_RECORD_UNTAG, 6, "t", "").status, MLPLAT_OK);
    assert_int_equal(apply(f, MLP_RECORD_UPDATE, 7, "", "{\"status\": \"FAILED\"}").status, MLPLAT_OK);
    assert_int_equal(sent(f, "runs/get"), 1); /* once */
    assert_int_equal(loopback_requests(f->server), 1);
    assert_int_equal(apply(f, MLP_RECORD_TAG, 8, "t", "eight").status, MLPLAT_OK);
    assert_int_equal(sent(f, "\"eight\""), 1);
    assert_int_equal(sent(f, "{\"key\":\"mlplat.mark.j\",\"value\":\"8\"}"), 1);
    assert_ok(sink.forget(sink.ctx, "j", &err));
    assert_int_equal(sent(f, "delete-tag"), 1);
    assert_ok(sink.forget(sink.ctx, "j", &err)); /* nothing is left of it */
    assert_int_equal(sent(f, "delete-tag"), 1);
}

static void a_mark_that_is_no_number_is_none(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlplat_error err = {0};
    mlp_sink sink = sink_of(f);
    uint64_t mark = 9;
    static const route odd[] = {
        {"runs/get", "200 OK", RUN(TAG("mlplat.mark.j", "many") "," TAG("mlplat.mark.j", "-4"))}};
    answers(f, odd, 1);
    assert_ok(sink.mark(sink.ctx, "j", &mark, &err));
    assert_int_equal(apply(f, MLP_RECORD_TAG, 1, "t", "one").status, MLPLAT_OK);
    assert_int_equal(sent(f, "\"one\""), 1);
}

static void after_an_answer_that_was_lost_the_run_is_asked_what_it_has(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const route lost[] = {{"log-batch", "503 Service Unavailable", "{}"}};
    static const route away[] = {{"/api/", "503 Service Unavailable", "{}"}};
    static const route stored[] = {{"runs/get", "200 OK", RUN(TAG("mlplat.mark.j", "3"))}};
    answers(f, lost, 1);
    apply_fails(f, MLP_RECORD_TAG, 3, "t", "three", MLPLAT_UNAVAILABLE);
    answers(f, away, 1);
    apply_fails(f, MLP_RECORD_TAG, 3, "t", "three", MLPLAT_UNAVAILABLE);
    assert_int_equal(sent(f, "log-batch"), 0); /* it cannot be known */
    answers(f, stored, 1);
    assert_int_equal(apply(f, MLP_RECORD_TAG, 3, "t", "three").status, MLPLAT_OK);
    assert_int_equal(sent(f, "runs/get"), 1);
    assert_int_equal(sent(f, "log-batch"), 0);
}

/* It may be tried again, and then it must not be taken for one that is there. */
static void behind_a_tag_that_is_refused_no_mark_is_set(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlplat_error err = {0};
    mlp_sink sink = sink_of(f);
    static const route refused[] = {{"log-batch", "400 Bad Request", BAD("INVALID_PARAMETER_VALUE", "no such tag")}};
    answers(f, refused, 1);
    assert_int_equal(apply(f, MLP_RECORD_TAG, 1, "t", "one").status, MLPLAT_INVALID);
    answers(f, NULL, 0);
    assert_int_equal(apply(f, MLP_RECORD_TAG, 2, "u", "two").status, MLPLAT_OK);
    assert_int_equal(apply(f, MLP_RECORD_TAG, 1, "t", "one").status, MLPLAT_OK);
    assert_int_equal(sent(f, "mlplat.mark.j"), 0);
    assert_int_equal(sent(f, "log-batch"), 2);
    assert_ok(sink.forget(sink.ctx, "j", &err));
    assert_int_equal(sent(f, "delete-tag"), 0);
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

static void of_a_batch_that_is_refused_only_the_culprit_is_set_aside(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlplat_error err = {0};
    mlp_sink sink = sink_of(f);
    mlp_verdict verdicts[6] = {{0}};
    static const route refused[] = {{"culprit", "400 Bad Request", BAD("INVALID_PARAMETER_VALUE", "no")}};
    const mlp_record records[] = {
        record(MLP_RECORD_METRIC, 1, "m", ""),      record(MLP_RECORD_PARAM, 2, "p", "1"),
        record(MLP_RECORD_TAG, 3, "t", "1"),        record(MLP_RECORD_PARAM, 4, "culprit", "1"),
        record(MLP_RECORD_TAG, 5, "t", "2"), /* begins another request */
        record(MLP_RECORD_PARAM, 6, "p", "1"),
    };
    answers(f, refused, 1);
    assert_ok(sink.apply(sink.ctx, "j", records, 6, verdicts, &err));
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(verdicts[i].status, i == 3 ? MLPLAT_INVALID : MLPLAT_OK);
    assert_int_equal(sent(f, "{\"key\":\"t\",\"value\":\"2\"}"), 1);
}

static void a_metric_tells_what_it_is_of(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlplat_error err = {0};
    mlp_verdict verdict = {0};
    mlp_sink sink = sink_of(f);
    mlp_record r = record(MLP_RECORD_METRIC, 1, "m", "");
    json_t *keep = json_array();
    assert_ok(mlp_metric_origin_put("m-1", "digits", "d1", keep, &r, &err));
    answers(f, NULL, 0);
    assert_ok(sink.apply(sink.ctx, "j", &r, 1, &verdict, &err));
    assert_int_equal(sent(f, "\"model_id\":\"m-1\""), 1);
    assert_int_equal(sent(f, "\"dataset_name\":\"digits\""), 1);
    assert_int_equal(sent(f, "\"dataset_digest\":\"d1\""), 1);
    json_decref(keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_note_goes_behind_what_the_tag_has),
        CASE(a_note_of_a_run_that_is_gone_is_set_aside),
        CASE(a_tag_that_is_gone_is_deleted_and_one_of_a_run_that_is_gone_is_not),
        CASE(models_as_inputs_need_a_newer_server_and_datasets_wait_for_them),
        CASE(outputs_that_are_refused_are_compared_with_what_the_run_has),
        CASE(an_update_waits_for_a_server_that_is_away),
        CASE(a_record_that_nobody_understands_is_set_aside),
        CASE(a_run_without_a_place_for_artifacts_gets_none),
        CASE(a_record_of_an_artifact_that_names_no_file_is_set_aside),
        CASE(an_artifact_that_the_server_has_otherwise_is_set_aside),
        CASE(a_server_that_asks_to_be_left_alone_is),
        CASE(what_was_answered_is_not_sent_again),
        CASE(a_journal_that_others_left_goes_on_where_the_run_says),
        CASE(a_mark_that_is_no_number_is_none),
        CASE(after_an_answer_that_was_lost_the_run_is_asked_what_it_has),
        CASE(behind_a_tag_that_is_refused_no_mark_is_set),
        CASE(of_a_batch_that_is_refused_only_the_culprit_is_set_aside),
        CASE(a_metric_tells_what_it_is_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
