/* Delivery to a server of what was made while it was away, and where memory ends. */
#include "base/clock.h"
#include "support/scarce_memory.h"
#include "tracking/deliver_fixture.h"
#include "tracking/offline.h"
#include <unistd.h>

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

static mlplat_status create_as(fixture *f, const char *id, const char *text, mlp_verdict *verdict)
{
    mlplat_error err = {0};
    mlp_sink sink = sink_of(f);
    mlp_record r = record(MLP_RECORD_CREATE, 1, "", text);
    r.run_id = id;
    *verdict = (mlp_verdict){0};
    return sink.apply(sink.ctx, "j", &r, 1, verdict, &err);
}

static mlplat_status create(fixture *f, const char *text, mlp_verdict *verdict)
{
    mlplat_error err = {0};
    char id[MLP_OFFLINE_ID];
    assert_ok(mlp_offline_make_id(id, &err));
    return create_as(f, id, text, verdict);
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

/* It was asked for the run: it may be at it, so it is not asked again at once. */
static void a_server_that_ran_out_of_time_over_a_run_may_still_be_making_it(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlp_verdict verdict;
    static const loopback_step late[] = {
        {.on = "runs/search", .json = "{\"runs\": []}"},
        {.on = "runs/create", .status = "408 Request Timeout", .json = "{}"}};
    static const route none[] = {{"runs/search", "200 OK", "{\"runs\": []}"}, {"runs/create", "200 OK", RUN("")}};
    make_spool(f);
    loopback_script(f->server, late, 2);
    assert_int_equal(create(f, MADE(", \"experiment_id\": \"7\""), &verdict), MLPLAT_TIMEOUT);
    answers(f, none, 2);
    assert_int_equal(create(f, MADE(", \"experiment_id\": \"7\""), &verdict), MLPLAT_UNAVAILABLE);
    assert_int_equal(sent(f, "runs/create"), 0);
}

static void a_run_that_another_one_makes_just_now_waits(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlplat_error err = {0};
    mlp_verdict verdict;
    mlp_tracking *t = NULL;
    static const route none[] = {{"runs/search", "200 OK", "{\"runs\": []}"}, {"runs/create", "200 OK", RUN("")}};
    make_spool(f);
    answers(f, none, 2);
    assert_ok(mlp_tracking_of(f->ml, &t, &err));
    assert_ok(mlp_spool_run_lock(t->spool, &err));
    mlplat_status s = create(f, MADE(", \"experiment_id\": \"7\""), &verdict);
    mlp_spool_run_unlock(t->spool);
    assert_int_equal(s, MLPLAT_UNAVAILABLE);
    assert_int_equal(sent(f, "runs/create"), 0);
    assert_int_equal(create(f, MADE(", \"experiment_id\": \"7\""), &verdict), MLPLAT_OK);
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
    static const char home[] = "{\"run\": {\"info\": {\"artifact_uri\": \"mlflow-artifacts:/7/r/artifacts\"}}}";
    file_record(f, text, sizeof text);
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

/* What memory ended is no reason to set a run aside: it is made at the next try. */
static void where_memory_ends_a_run_made_offline_is_made_at_the_next_try(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    static const char *const texts[] = {
        MADE(", \"experiment_name\": \"e\""),
        MADE(", \"experiment_name\": \"e\", \"experiment_id\": \"7\""),
        MADE(", \"parent_run_id\": \"" ID "\""),
    };
    static const route there[] = {
        {"get-by-name", "200 OK", "{\"experiment\": {\"experiment_id\": \"7\", \"name\": \"e\"}}"},
        {"experiments/get?", "200 OK", "{\"experiment\": {\"experiment_id\": \"7\", \"name\": \"e\"}}"},
        {"runs/search", "200 OK", "{\"runs\": []}"},
        {"runs/create", "200 OK", RUN("")},
        {"runs/get", "200 OK", RUN("")}};
    mlp_verdict verdict;
    make_spool(f);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bool reached = true;
        for (long nth = 0; reached; nth++) {
            char id[MLP_OFFLINE_ID];
            mlplat_error err = {0};
            assert_ok(mlp_offline_make_id(id, &err));
            answers(f, there, 5);
            scarce_memory_begin(nth);
            mlplat_status s = create_as(f, id, texts[i], &verdict);
            reached = scarce_memory_end();
            if (verdict.status != MLPLAT_OK || (s != MLPLAT_OK && !reached))
                fail_msg("case %zu, allocation %ld: %s, %s", i, nth, mlplat_status_name(s), verdict.reason);
            assert_int_equal(create_as(f, id, texts[i], &verdict), MLPLAT_OK);
            assert_int_equal(verdict.status, MLPLAT_OK);
            assert_true(sent(f, "runs/create") >= 1);
        }
    }
}

/* A place that has to be looked at first, and a file that is read. */
static void where_memory_ends_an_artifact_is_no_dead_letter(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    char text[900], run[900], place[700];
    bool reached = true;
    snprintf(place, sizeof place, "%s", test_path(f->folder, "place"));
    file_record(f, text, sizeof text);
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
        CASE(the_experiment_of_a_run_made_offline_is_made_unless_it_is_there),
        CASE(a_run_that_a_server_may_still_be_making_is_not_made_yet),
        CASE(a_server_that_ran_out_of_time_over_a_run_may_still_be_making_it),
        CASE(a_run_that_another_one_makes_just_now_waits),
        CASE(what_made_a_run_offline_and_names_none_is_set_aside),
        CASE(a_refusal_that_is_not_mlflows_own_sets_nothing_aside),
        CASE(a_record_that_is_too_large_is_set_aside),
        CASE(an_artifact_waits_for_a_proxy_that_is_itself_again),
        CASE(where_memory_ends_a_record_of_any_kind_stays_and_is_delivered_whole),
        CASE(where_memory_ends_a_run_made_offline_is_made_at_the_next_try),
        CASE(where_memory_ends_an_artifact_is_no_dead_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
