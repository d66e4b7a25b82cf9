/* The sink of the store behind REST by itself: what a server is asked for records of each kind, what becomes of its
 * refusals, and how a journal that somebody else left is replayed. */
#include "base/clock.h"
#include "base/file.h"
#include "spool/metric_origin.h"
#include "support/scarce_memory.h"
#include "support/support.h"
#include "tracking/http_fixture.h"
#include "tracking/offline.h"
#include "tracking/tracking_store.h"
#include <jansson.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAG(key, value) "{\"key\": \"" key "\", \"value\": \"" value "\"}"
#define RUN(tags)                                                                                                      \
    "{\"run\": {\"info\": {\"run_id\": \"" ID "\", \"experiment_id\": \"7\", \"lifecycle_stage\": \"active\"}, "       \
    "\"data\": {\"tags\": [" tags "], \"params\": []}, \"outputs\": {\"model_outputs\": [{\"model_id\": \"m-1\"}]}}}"
#define BAD(code, words) "{\"error_code\": \"" code "\", \"message\": \"" words "\"}"
#define NO_TAG           BAD("RESOURCE_DOES_NOT_EXIST", "No tag with name: t")
#define ENTRY(json)      "{\"entry\": " json ", \"once\": false}"
#define ONCE(json)       "{\"entry\": " json ", \"once\": true}"

enum { MOST = 8 };

typedef struct route {
    const char *path, *status, *body;
} route;

static void answers(fixture *f, const route *routes, size_t n)
{
    loopback_step steps[MOST] = {{0}};
    for (size_t i = 0; i < n; i++)
        steps[i] = (loopback_step){.on = routes[i].path, .status = routes[i].status, .json = routes[i].body};
    loopback_script(f->server, steps, n);
}

static mlp_sink sink_of(fixture *f)
{
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    assert_ok(mlp_tracking_of(f->ml, &t, &err));
    return t->ops->sink(t->store, &t->spool);
}

static mlp_record record(mlp_record_kind kind, uint64_t seq, const char *key, const char *text)
{
    return (mlp_record){.kind = kind, .seq = seq, .run_id = ID, .run_id_n = strlen(ID), .key = key,
                        .key_n = strlen(key), .text = text, .text_n = strlen(text)};
}

/* One record of journal "j"; its verdict. */
static mlp_verdict apply(fixture *f, mlp_record_kind kind, uint64_t seq, const char *key, const char *text)
{
    mlplat_error err = {0};
    mlp_verdict verdict = {0};
    mlp_sink sink = sink_of(f);
    const mlp_record r = record(kind, seq, key, text);
    assert_ok(sink.apply(sink.ctx, "j", &r, 1, &verdict, &err));
    return verdict;
}

static void apply_fails(fixture *f, mlp_record_kind kind, uint64_t seq, const char *key, const char *text,
                        mlplat_status status)
{
    mlplat_error err = {0};
    mlp_verdict verdict = {0};
    mlp_sink sink = sink_of(f);
    const mlp_record r = record(kind, seq, key, text);
    assert_status(sink.apply(sink.ctx, "j", &r, 1, &verdict, &err), status);
    assert_int_equal(verdict.status, MLPLAT_OK);
}

/* How many requests had this, head or body. */
static size_t sent(fixture *f, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < loopback_requests(f->server); i++) {
        char *request = loopback_request(f->server, i);
        n += strstr(request, part) != NULL;
        free(request);
    }
    return n;
}

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

/* ---- runs made offline ------------------------------------------------------------------------------------------- */

#define MADE(more) "{\"run_name\": \"n\", \"op\": \"o\", \"start_time\": 5, \"tags\": {}" more "}"

/* A session's spool has its folder, and the map of runs in it, from the first record on. */
static void make_spool(fixture *f)
{
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    const mlp_record r = record(MLP_RECORD_METRIC, 0, "m", "");
    answers(f, NULL, 0);
    assert_ok(mlp_tracking_of(f->ml, &t, &err));
    assert_ok(mlp_spool_append(t->spool, &r, 1, MLPLAT_DURABILITY_DEFAULT, &err));
    assert_ok(mlplat_flush(f->ml, 60000, &err));
}

static mlplat_status create(fixture *f, const char *text, mlp_verdict *verdict)
{
    mlplat_error err = {0};
    mlp_sink sink = sink_of(f);
    char id[MLP_OFFLINE_ID];
    assert_ok(mlp_offline_make_id(id, &err));
    mlp_record r = record(MLP_RECORD_CREATE, 1, "", text);
    r.run_id = id;
    *verdict = (mlp_verdict){0};
    return sink.apply(sink.ctx, "j", &r, 1, verdict, &err);
}

static void the_experiment_of_a_run_made_offline_is_made_unless_it_is_there(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlp_verdict verdict;
    static const char missing[] = BAD("RESOURCE_DOES_NOT_EXIST", "no e");
    static const char found[] = "{\"experiment\": {\"experiment_id\": \"9\", \"name\": \"e\"}}";
    static const loopback_step made[] = {{.on = "get-by-name", .status = "404 Not Found", .json = missing},
                                         {.on = "experiments/create", .json = "{\"experiment_id\": \"8\"}"},
                                         {.on = "runs/search", .json = "{\"runs\": []}"},
                                         {.on = "runs/create", .json = RUN("")}};
    static const loopback_step by_others[] = {
        {.on = "get-by-name", .status = "404 Not Found", .json = missing, .once = true},
        {.on = "get-by-name", .json = found},
        {.on = "experiments/create", .status = "400 Bad Request", .json = BAD("RESOURCE_ALREADY_EXISTS", "e is there")},
        {.on = "runs/search", .json = "{\"runs\": []}"},
        {.on = "runs/create", .json = RUN("")}};
    make_spool(f);
    loopback_script(f->server, made, 4);
    assert_int_equal(create(f, MADE(", \"experiment_name\": \"e\""), &verdict), MLPLAT_OK);
    assert_int_equal(sent(f, "\"experiment_id\":\"8\""), 1);
    loopback_script(f->server, by_others, 5);
    assert_int_equal(create(f, MADE(", \"experiment_name\": \"e\""), &verdict), MLPLAT_OK);
    assert_int_equal(sent(f, "\"experiment_id\":\"9\""), 1);
    assert_int_equal(verdict.status, MLPLAT_OK);
}

static void a_run_that_a_server_may_still_be_making_is_not_made_yet(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlp_verdict verdict;
    char text[200];
    static const route none[] = {{"runs/search", "200 OK", "{\"runs\": []}"}, {"runs/create", "200 OK", RUN("")}};
    snprintf(text, sizeof text, MADE(", \"experiment_id\": \"7\", \"not_before\": %lld"),
             (long long)mlp_clock_ms() + MLP_OFFLINE_DOUBT_MS / 2);
    make_spool(f);
    answers(f, none, 2);
    assert_int_equal(create(f, text, &verdict), MLPLAT_UNAVAILABLE);
    assert_int_equal(sent(f, "runs/create"), 0);
    assert_int_equal(create(f, MADE(", \"experiment_id\": \"7\", \"not_before\": 5"), &verdict), MLPLAT_OK);
    assert_int_equal(sent(f, "runs/create"), 1);
}

static void what_made_a_run_offline_and_names_none_is_set_aside(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlp_verdict verdict;
    make_spool(f);
    answers(f, NULL, 0);
    assert_int_equal(create(f, "{\"run_name\": \"n\", \"tags\": {}}", &verdict), MLPLAT_OK);
    assert_int_equal(verdict.status, MLPLAT_INVALID);
    assert_non_null(strstr(verdict.reason, "none of ours"));
    assert_int_equal(sent(f, "runs/create"), 0);
}

/* ---- what MLflow did not say ------------------------------------------------------------------------------------- */

#define AWAY "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.2:9/\r\nContent-Length: 0\r\n\r\n"

static const loopback_step strange[] = {
    {.on = "", .json = "<html><title>Back soon</title></html>"},
    {.on = "", .reply = AWAY},
    {.on = "", .status = "400 Bad Request", .json = "<html><title>gateway</title></html>"},
    {.on = "", .status = "409 Conflict", .json = "{}"},
};

static void a_refusal_that_is_not_mlflows_own_sets_nothing_aside(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlp_verdict verdict;
    make_spool(f);
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        loopback_script(f->server, &strange[i], 1);
        apply_fails(f, MLP_RECORD_METRIC, 1, "m", "", MLPLAT_CORRUPT);
        apply_fails(f, MLP_RECORD_PARAM, 2, "p", "1", MLPLAT_CORRUPT);
        apply_fails(f, MLP_RECORD_UPDATE, 3, "", "{\"status\": \"FINISHED\"}", MLPLAT_CORRUPT);
        apply_fails(f, MLP_RECORD_INPUTS, 4, "", "{\"datasets\": [{}]}", MLPLAT_CORRUPT);
        apply_fails(f, MLP_RECORD_NOTE, 5, "t", ENTRY("1"), MLPLAT_CORRUPT);
        assert_int_equal(create(f, MADE(", \"experiment_name\": \"e\""), &verdict), MLPLAT_CORRUPT);
        assert_int_equal(verdict.status, MLPLAT_OK);
    }
}

/* What is too large for a gateway stays so. */
static void a_record_that_is_too_large_is_set_aside(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const route small[] = {{"log-batch", "413 Content Too Large", "<html><title>nginx</title></html>"}};
    answers(f, small, 1);
    assert_int_equal(apply(f, MLP_RECORD_PARAM, 1, "p", "1").status, MLPLAT_INVALID);
}

static void an_artifact_waits_for_a_proxy_that_is_itself_again(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    char text[900];
    struct stat st;
    mlplat_error err = {0};
    static const char home[] = "{\"run\": {\"info\": {\"artifact_uri\": \"mlflow-artifacts:/7/r/artifacts\"}}}";
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "file"), "x", 1, false, &err));
    assert_int_equal(stat(test_path(f->folder, "file"), &st), 0);
    snprintf(text, sizeof text, "{\"path\": \"%s\", \"size\": 1, \"changed\": %lld}", test_path(f->folder, "file"),
             (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        loopback_step steps[] = {{.on = "runs/get", .json = home}, {.on = "GET ", .json = "{}"}, strange[i]};
        loopback_script(f->server, steps, 3); /* of the upload */
        apply_fails(f, MLP_RECORD_ARTIFACT, 1, i % 2 ? "a.txt" : "b.txt", text, MLPLAT_CORRUPT);
        loopback_step lists[] = {steps[0], strange[i]};
        loopback_script(f->server, lists, 2); /* of the lists before it */
        apply_fails(f, MLP_RECORD_ARTIFACT, 1, i % 2 ? "c/a.txt" : "d/b.txt", text, MLPLAT_CORRUPT);
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static mlplat_status apply_scarce(fixture *f, const mlp_record *r, long nth, bool *reached)
{
    mlplat_error err = {0};
    mlp_verdict verdict = {0};
    mlp_sink sink = sink_of(f);
    scarce_memory_on_all();
    scarce_memory_arm_any(nth);
    mlplat_status s = sink.apply(sink.ctx, "j", r, 1, &verdict, &err);
    *reached = scarce_memory_disarm();
    scarce_memory_off();
    if (verdict.status != MLPLAT_OK)
        fail_msg("allocation %ld: set aside: %s", nth, verdict.reason);
    if (s != MLPLAT_OK && s != MLPLAT_NO_MEMORY)
        fail_msg("allocation %ld: %s: %s", nth, mlplat_status_name(s), err.message);
    return s;
}

/* Whatever fails, the record is delivered at the next try, and nothing else but what it says. */
static void where_memory_ends_a_record_of_any_kind_stays_and_is_delivered_whole(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const route has[] = {{"runs/get", "200 OK", RUN(TAG("notes", "[1]"))}};
    static const struct {
        mlp_record_kind kind;
        const char *key, *text, *path, *part; /* what each request to the path has */
    } cases[] = {
        {MLP_RECORD_METRIC, "m", "", "log-batch", "\"m\""},
        {MLP_RECORD_PARAM, "p", "v", "log-batch", "{\"key\":\"p\",\"value\":\"v\"}"},
        {MLP_RECORD_TAG, "t", "v", "log-batch", "{\"key\":\"t\",\"value\":\"v\"}"},
        {MLP_RECORD_UNTAG, "t", "", "delete-tag", "\"t\""},
        {MLP_RECORD_UPDATE, "", "{\"status\": \"FAILED\"}", "runs/update", "FAILED"},
        {MLP_RECORD_INPUTS, "", "{\"datasets\": [{\"dataset\": {\"name\": \"d\"}}]}", "log-inputs", "\"d\""},
        {MLP_RECORD_OUTPUTS, "", "{\"models\": [{\"model_id\": \"m-1\"}]}", "runs/outputs", "m-1"},
        {MLP_RECORD_NOTE, "notes", ENTRY("2"), "set-tag", "\"[1,2]\""},
    };
    uint64_t seq = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool reached = true;
        for (long nth = 0; reached; nth++) {
            const mlp_record r = record(cases[i].kind, ++seq, cases[i].key, cases[i].text);
            if (r.kind == MLP_RECORD_TAG) /* also what is kept of a journal */
                reopen(f, NULL);
            answers(f, has, 1);
            mlplat_status s = apply_scarce(f, &r, nth, &reached);
            size_t n = sent(f, cases[i].path);
            if (n != sent(f, cases[i].part) || (s == MLPLAT_OK && n != 1))
                fail_msg("kind %d, allocation %ld: %zu requests, %zu of them whole", (int)cases[i].kind, nth, n,
                         sent(f, cases[i].part));
            if (s != MLPLAT_OK)
                assert_int_equal(apply(f, r.kind, r.seq, cases[i].key, cases[i].text).status, MLPLAT_OK);
            assert_true(sent(f, cases[i].path) >= 1);
        }
    }
}

/* A place that has to be looked at first, and a file that is read. */
static void where_memory_ends_an_artifact_is_no_dead_letter(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    char text[900], run[900], place[700];
    struct stat st;
    bool reached = true;
    mlplat_error err = {0};
    snprintf(place, sizeof place, "%s", test_path(f->folder, "place"));
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "file"), "x", 1, false, &err));
    assert_int_equal(stat(test_path(f->folder, "file"), &st), 0);
    snprintf(text, sizeof text, "{\"path\": \"%s\", \"size\": 1, \"changed\": %lld}", test_path(f->folder, "file"),
             (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
    snprintf(run, sizeof run, "{\"run\": {\"info\": {\"artifact_uri\": \"%s\"}}}", place);
    reopen(f, place);
    const route routes[] = {{"runs/get", "200 OK", run}};
    answers(f, routes, 1);
    for (long nth = 0; reached; nth++) {
        char name[32];
        snprintf(name, sizeof name, "place/a%ld", nth);
        const mlp_record r = record(MLP_RECORD_ARTIFACT, (uint64_t)nth + 1, name + strlen("place/"), text);
        mlplat_status s = apply_scarce(f, &r, nth, &reached);
        if (s != MLPLAT_OK)
            assert_int_equal(apply(f, r.kind, r.seq, r.key, text).status, MLPLAT_OK);
        assert_int_equal(access(test_path(f->folder, name), R_OK), 0);
    }
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
        CASE(a_journal_that_others_left_goes_on_where_the_run_says),
        CASE(a_mark_that_is_no_number_is_none),
        CASE(after_an_answer_that_was_lost_the_run_is_asked_what_it_has),
        CASE(behind_a_tag_that_is_refused_no_mark_is_set),
        CASE(of_a_batch_that_is_refused_only_the_culprit_is_set_aside),
        CASE(a_metric_tells_what_it_is_of),
        CASE(the_experiment_of_a_run_made_offline_is_made_unless_it_is_there),
        CASE(a_run_that_a_server_may_still_be_making_is_not_made_yet),
        CASE(what_made_a_run_offline_and_names_none_is_set_aside),
        CASE(a_refusal_that_is_not_mlflows_own_sets_nothing_aside),
        CASE(a_record_that_is_too_large_is_set_aside),
        CASE(an_artifact_waits_for_a_proxy_that_is_itself_again),
        CASE(where_memory_ends_a_record_of_any_kind_stays_and_is_delivered_whole),
        CASE(where_memory_ends_an_artifact_is_no_dead_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
