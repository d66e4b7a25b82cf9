/* Servers that answer the registry with what no MLflow would say, lose answers, or know less. */
#include "registry/registry_http_fixture.h"

static const mlplat_webhook hook = {
    sizeof hook, "w", "https://x", "prompt.created", "words", "s3cr3t", "ACTIVE",
};

/* ---- documents --------------------------------------------------------------------------------------------------- */

static void answers_become_documents_of_one_shape(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    NEEDS_HTTP(f);
    answer(f, ALL);
    assert_ok(mlplat_registered_model_get(f->ml, "m", &doc, &err));
    assert_non_null(strstr(mlplat_doc_text(doc), "\"description\":\"\""));
    assert_non_null(strstr(mlplat_doc_text(doc), "[{\"key\":\"a\",\"value\":\"\"},{\"key\":\"b\",\"value\":\"1\"}]"));
    assert_non_null(strstr(mlplat_doc_text(doc), "\"aliases\":[\"c\",\"z\"]")); /* of the version: the model's */
    mlplat_doc_free(doc);
    assert_ok(mlplat_model_version_search(f->ml, NULL, &doc, &err));
    assert_non_null(strstr(mlplat_doc_text(doc), "\"aliases\":[\"c\",\"z\"]"));
    mlplat_doc_free(doc);
    assert_ok(mlplat_webhook_get(f->ml, "w1", &doc, &err));
    assert_null(strstr(mlplat_doc_text(doc), "s3cr3t"));
    mlplat_doc_free(doc);
}

static const char *const odd[] = {
    "{}",
    "{\"registered_model\": 1, \"model_version\": [], \"model_versions\": [3], \"registered_models\": [\"\"], "
    "\"webhook\": 7, "
    "\"webhooks\": [{}], \"result\": [], \"model\": {\"info\": {\"model_id\": \"m-1\"}}}",
    "{\"registered_model\": {\"name\": \"m\", \"tags\": [7]}, \"model_version\": {\"name\": \"m\", \"version\": "
    "\"one\", "
    "\"aliases\": [1]}, \"model_versions\": [{\"name\": \"m\"}], \"registered_models\": [{}], \"webhook\": {}, "
    "\"webhooks\": [1]}",
    "{\"registered_model\": {\"name\": \"m\", \"latest_versions\": [{}]}, \"model_version\": {\"name\": \"m\", "
    "\"version\": \"1\", \"tags\": [{\"key\": null}]}, \"model_versions\": [[]], \"registered_models\": [[]], "
    "\"webhooks\": [[]]}",
};

static void documents_that_are_none_are_corrupt(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        char *place = NULL;
        int64_t number = 0;
        answer(f, odd[i]);
        assert_status(mlplat_registered_model_get(f->ml, "m", &doc, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_model_version_get(f->ml, "m", "1", &doc, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_model_version_get(f->ml, "m", "@a", &doc, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_model_version_get(f->ml, "m", "latest", &doc, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_model_version_latest(f->ml, "m", NULL, &doc, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_model_version_create(f->ml, "m", "s3://b/m", NULL, &number, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_artifact_resolve(f->ml, "models:/m-1", &place, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_webhook_get(f->ml, "w1", &doc, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_webhook_test(f->ml, "w1", NULL, &doc, &err), MLPLAT_CORRUPT);
        if (i) {
            assert_status(mlplat_registered_model_search(f->ml, NULL, &doc, &err), MLPLAT_CORRUPT);
            assert_status(mlplat_model_version_search(f->ml, NULL, &doc, &err), MLPLAT_CORRUPT);
            assert_status(mlplat_webhook_list(f->ml, NULL, &doc, &err), MLPLAT_CORRUPT);
        }
        assert_null(doc);
        assert_null(place);
    }
}

static void a_list_that_is_left_out_is_empty(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *place = NULL;
    NEEDS_HTTP(f);
    answer(f, "{}");
    assert_ok(mlplat_registered_model_search(f->ml, NULL, &doc, &err));
    assert_string_equal(mlplat_doc_text(doc), "{\"registered_models\":[]}");
    mlplat_doc_free(doc);
    assert_ok(mlplat_webhook_list(f->ml, NULL, &doc, &err));
    assert_string_equal(mlplat_doc_text(doc), "{\"webhooks\":[]}");
    mlplat_doc_free(doc);
    assert_status(mlplat_artifact_resolve(f->ml, "models:/m/1", &place, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "says nowhere"));
}

/* ---- lost answers ------------------------------------------------------------------------------------------------ */

typedef mlplat_status (*work)(fixture *f, mlplat_error *err);

static mlplat_status create_model(fixture *f, mlplat_error *err)
{
    return mlplat_registered_model_create(f->ml, "m", NULL, "{\"b\": \"1\"}", err);
}

static mlplat_status create_other(fixture *f, mlplat_error *err)
{
    return mlplat_registered_model_create(f->ml, "m", "other words", NULL, err);
}

static mlplat_status create_version(fixture *f, mlplat_error *err)
{
    int64_t number = 0;
    mlplat_status s = mlplat_model_version_create(f->ml, "m", "s3://b/m", NULL, &number, err);
    assert_int_equal(number, s == MLPLAT_OK ? 2 : 0);
    return s;
}

static mlplat_status register_prompt(fixture *f, mlplat_error *err)
{
    return mlplat_prompt_register(f->ml, "m", "Hello", NULL, NULL, err);
}

static mlplat_status rename_model(fixture *f, mlplat_error *err)
{
    return mlplat_registered_model_rename(f->ml, "n", "m", err);
}

static mlplat_status delete_model(fixture *f, mlplat_error *err)
{
    return mlplat_registered_model_delete(f->ml, "m", err);
}

static mlplat_status delete_version(fixture *f, mlplat_error *err)
{
    return mlplat_model_version_delete(f->ml, "m", "2", err);
}

static mlplat_status delete_alias(fixture *f, mlplat_error *err)
{
    return mlplat_model_version_delete(f->ml, "m", "@a", err);
}

static mlplat_status create_webhook(fixture *f, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_webhook_create(f->ml, &hook, &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status delete_webhook(fixture *f, mlplat_error *err)
{
    return mlplat_webhook_delete(f->ml, "w1", err);
}

static mlplat_status set_alias(fixture *f, mlplat_error *err)
{
    return mlplat_model_alias_set(f->ml, "m", "a", "2", err);
}

#define PENDING "{\"model_version\": {\"name\": \"m\", \"version\": \"2\", \"status\": \"PENDING_REGISTRATION\"}}"
#define FAILED                                                                                                         \
    "{\"model_version\": {\"name\": \"m\", \"version\": \"2\", \"status\": \"FAILED_REGISTRATION\", "                  \
    "\"status_message\": \"no space\"}}"
#define OTHER_HOOK                                                                                                     \
    "{\"webhooks\": [{\"webhook_id\": \"w2\", \"name\": \"w\", \"url\": \"https://y\"}], \"next_page_token\": \"t\"}"
#define DOWN  "503 Down\n{\"error_code\": \"TEMPORARILY_UNAVAILABLE\", \"message\": \"down, s3cr3t\"}"
#define TAKEN "400 BAD\n{\"error_code\": \"RESOURCE_ALREADY_EXISTS\", \"message\": \"taken\"}"
#define WRONG "400 BAD\n{\"error_code\": \"INVALID_PARAMETER_VALUE\", \"message\": \"wrong, s3cr3t\"}"

static const struct {
    work run;
    mlplat_status want;
    size_t n; /* requests: no more, no less */
    const char *replies[8];
} cases[] = {
    {create_model, MLPLAT_OK, 1, {ALL}},
    {create_model, MLPLAT_OK, 2, {NULL, ALL}}, /* it is there as it was wanted */
    {create_other, MLPLAT_EXISTS, 2, {NULL, ALL}},
    {create_model, MLPLAT_UNAVAILABLE, 2, {NULL, NONE}},
    {create_model, MLPLAT_EXISTS, 1, {TAKEN}},
    {create_version, MLPLAT_OK, 1, {ALL}},
    {create_version, MLPLAT_OK, 2, {NULL, ALL}}, /* found by its mark */
    {create_version, MLPLAT_OK, 3, {NULL, "{}", ALL}},
    {create_version, MLPLAT_UNAVAILABLE, 4, {NULL, "{}", NULL, "{}"}},
    {create_version, MLPLAT_OK, 4, {NONE, NONE, ALL, ALL}},   /* made with its model */
    {create_version, MLPLAT_OK, 4, {NONE, NONE, TAKEN, ALL}}, /* that another program made */
    {create_version, MLPLAT_OK, 3, {NONE, ALL, ALL}},
    {create_version, MLPLAT_INVALID, 1, {WRONG}},
    {create_version, MLPLAT_OK, 3, {PENDING, PENDING, ALL}},
    {create_version, MLPLAT_IO, 2, {PENDING, FAILED}},
    {create_version, MLPLAT_NOT_FOUND, 3, {PENDING, NONE, ALL}},
    {rename_model, MLPLAT_OK, 3, {NULL, ALL, NONE}},
    {rename_model, MLPLAT_UNAVAILABLE, 3, {NULL, ALL, ALL}},
    {rename_model, MLPLAT_UNAVAILABLE, 2, {NULL, NONE}},
    {rename_model, MLPLAT_EXISTS, 1, {TAKEN}},
    {delete_model, MLPLAT_OK, 2, {NULL, NONE}},
    {delete_model, MLPLAT_OK, 3, {NULL, ALL, "{}"}},
    {delete_model, MLPLAT_UNAVAILABLE, 4, {NULL, ALL, NULL, ALL}},
    {delete_model, MLPLAT_NOT_FOUND, 1, {NONE}},
    {delete_version, MLPLAT_OK, 3, {NULL, NONE, ALL}},
    {delete_version, MLPLAT_OK, 3, {NULL, ALL, "{}"}},
    {delete_version, MLPLAT_NOT_FOUND, 2, {NONE, ALL}},
    {delete_alias, MLPLAT_NOT_FOUND, 2, {WRONG, ALL}}, /* what MLflow says of an alias that is none */
    {delete_alias, MLPLAT_OK, 2, {ALL, "{}"}},
    {set_alias, MLPLAT_OK, 2, {NULL, "{}"}}, /* twice does no harm */
    {create_webhook, MLPLAT_OK, 2, {NULL, ALL}},
    {create_webhook, MLPLAT_OK, 3, {NULL, OTHER_HOOK, ALL}},
    {create_webhook, MLPLAT_UNAVAILABLE, 2, {DOWN, "{}"}},
    {create_webhook, MLPLAT_INVALID, 1, {WRONG}},
    {delete_webhook, MLPLAT_OK, 2, {NULL, NONE}},
    {delete_webhook, MLPLAT_OK, 3, {NULL, ALL, "{}"}},
    {register_prompt, MLPLAT_UNSUPPORTED, 1, {"2.14.0"}},
};

static void what_became_of_a_lost_answer_is_looked_for(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture *f = *state;
        mlplat_error err = {0};
        NEEDS_HTTP(f);
        answers(f, cases[i].replies, cases[i].n);
        mlplat_status s = cases[i].run(f, &err);
        if (s != cases[i].want || loopback_requests(f->server) != cases[i].n)
            fail_msg("case %zu: %s after %zu requests: %s", i, mlplat_status_name(s), loopback_requests(f->server),
                     err.message);
        if (cases[i].run == create_webhook) /* the server repeats it */
            assert_null(strstr(err.message, "s3cr3t"));
    }
}

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static void assert_asked(fixture *f, const char *words)
{
    char *request = loopback_request(f->server, 0);
    if (!strstr(request, words))
        fail_msg("'%s' is not in '%s'", words, request);
    free(request);
}

static void names_are_put_into_filters_with_quotes_that_hold(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    NEEDS_HTTP(f);
    static const char *const replies[] = {ALL, "{}"};
    const struct {
        const char *model, *want;
    } names[] = {{"m", "name%20%3D%20%27m%27%20AND%20run_id%20%3D%20%27r%27"}, {"it's", "name%20%3D%20%22it%27s%22"}};
    for (size_t i = 0; i < 2; i++) {
        q.model = names[i].model;
        q.filter = "run_id = 'r'";
        q.order_by = "name DESC, version_number";
        q.page_token = "t";
        answers(f, replies, 2);
        assert_ok(mlplat_model_version_search(f->ml, &q, &doc, &err));
        char *request = loopback_request(f->server, 1);
        assert_non_null(strstr(request, names[i].want));
        assert_non_null(strstr(request, "order_by=name%20DESC&order_by=version_number"));
        assert_non_null(strstr(request, "page_token=t"));
        free(request);
        mlplat_doc_free(doc);
        doc = NULL;
    }
    q.model = "it's \"m\"";
    answer(f, ALL);
    assert_status(mlplat_model_version_search(f->ml, &q, &doc, &err), MLPLAT_UNSUPPORTED);
    assert_null(doc);
}

static void a_filter_that_is_refused_is_told_with_its_place(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    NEEDS_HTTP(f);
    answer(f, WRONG);
    q.filter = "nonsense = 1";
    assert_status(mlplat_registered_model_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "nonsense"));
    q.filter = "name = 'fine'";
    assert_status(mlplat_model_version_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "wrong"));
    assert_null(doc);
}

static void a_number_that_no_version_can_have_is_not_asked_for(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    NEEDS_HTTP(f);
    answer(f, ALL);
    assert_status(mlplat_model_version_get(f->ml, "m", "99999999999", &doc, &err), MLPLAT_NOT_FOUND);
    assert_int_equal(loopback_requests(f->server), 1); /* the model: which of both is not there? */
    assert_asked(f, "registered-models/get?name=m");
    assert_status(mlplat_model_version_set_tag(f->ml, "m", "0", "k", "v", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_version_get(f->ml, "m", "Production", &doc, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "Production"));
    assert_null(doc);
}

static void a_model_that_a_run_logged_is_registered_by_its_id(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t number = 0;
    NEEDS_HTTP(f);
    answer(f, ALL);
    assert_ok(
        mlplat_model_version_create(f->ml, "m", "models:/m-0123456789abcdef0123456789abcdef", NULL, &number, &err));
    char *request = loopback_request(f->server, 1);
    assert_non_null(strstr(request, "\"model_id\":\"m-1\""));
    assert_non_null(strstr(request, "\"source\":\"models:/m-1\""));
    assert_non_null(strstr(request, "\"run_id\":\"r1\""));
    free(request);
    answer(f, NONE);
    assert_status(mlplat_model_version_create(f->ml, "m", "models:/none", NULL, &number, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "models:/none/1"));
}

/* Opens the session again, with the folder as the root of artifacts that a server may name. */
static void share_folder(fixture *f)
{
    mlplat_error err = {0};
    mlplat_close(f->ml);
    setenv("MLPLAT_ARTIFACT_ROOT", f->folder, 1);
    f->ml = open_session(f, &err);
    assert_non_null(f->ml);
}

static void a_run_that_logged_a_model_elsewhere_is_asked_for_it(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t number = 0;
    char all[6000];
    NEEDS_HTTP(f);
    share_folder(f);
#define RUN                                                                                                            \
    "\"run\": {\"info\": {\"run_id\": \"r1\", \"experiment_id\": \"0\", \"artifact_uri\": \"%s/none\"}, \"data\": {}}"
    snprintf(all, sizeof all, "{" RUN ", \"models\": [" LOGGED "], \"model_version\": " VERSION "}", f->folder);
    answer(f, all);
    assert_ok(mlplat_model_version_create(f->ml, "m", "runs:/r1/it's", NULL, &number, &err));
    assert_int_equal(number, 2);
    char *request = loopback_request(f->server, 2);
    assert_non_null(strstr(request, "name = \\\"it's\\\" AND source_run_id = 'r1'"));
    free(request);
    request = loopback_request(f->server, 3);
    assert_non_null(strstr(request, "\"source\":\"models:/m-1\""));
    free(request);
    snprintf(all, sizeof all, "{" RUN "}", f->folder);
    answer(f, all);
    assert_status(mlplat_model_version_create(f->ml, "m", "runs:/r1/model", NULL, &number, &err), MLPLAT_NOT_FOUND);
    unsetenv("MLPLAT_ARTIFACT_ROOT");
}

#define PROMPT                                                                                                         \
    "{\"registered_model\": {\"name\": \"p\", \"tags\": [{\"key\": \"mlflow.prompt.is_prompt\", \"value\": "           \
    "\"true\"}]}}"

static void a_prompt_is_made_with_its_tags_before_its_version(void **state)
{
    static const char *const replies[] = {"3.17.2", NONE, TAKEN, PROMPT, "{}", "{}", ALL};
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
    int64_t number = 0;
    NEEDS_HTTP(f);
    o.tags = "{\"a\": \"b\"}";
    answers(f, replies, 7);
    assert_ok(mlplat_prompt_register(f->ml, "p", "Hello", &o, &number, &err));
    assert_int_equal(number, 2);
    assert_int_equal(loopback_requests(f->server), 7);
    char *tag = loopback_request(f->server, 4), *experiments = loopback_request(f->server, 5);
    assert_non_null(strstr(tag, "\"key\":\"a\",\"value\":\"b\""));
    assert_non_null(strstr(experiments, "\"value\":\",0,\""));
    free(tag);
    free(experiments);
}

/* ---- webhooks ---------------------------------------------------------------------------------------------------- */

static void a_webhook_that_is_none_is_refused_before_it_is_sent(void **state)
{
    static const mlplat_webhook wrong[] = {
        {0, "w", "https://x", "prompt.created", NULL, NULL, NULL},
        {sizeof wrong[0], NULL, "https://x", "prompt.created", NULL, NULL, NULL},
        {sizeof wrong[0], "w", "", "prompt.created", NULL, NULL, NULL},
        {sizeof wrong[0], "w", "https://x", NULL, NULL, NULL, NULL},
        {sizeof wrong[0], "w", "https://x", " , ", NULL, NULL, NULL},
        {sizeof wrong[0], "w", "https://x", "prompt", NULL, NULL, NULL},
        {sizeof wrong[0], "w", "https://x", "prompt.created, prompt.", NULL, NULL, NULL},
        {sizeof wrong[0], "w", "https://x", "\xc3\xa9.created", NULL, NULL, NULL},
        {sizeof wrong[0], "w", "https://x", "prompt.created", NULL, "s3cr3t\xff", NULL},
        {sizeof wrong[0], "w", "https://x", "prompt.created", NULL, NULL, "asleep"},
    };
    fixture *f = *state;
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    mlplat_search q = MLPLAT_SEARCH_INIT;
    NEEDS_HTTP(f);
    answer(f, ALL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_status(mlplat_webhook_create(f->ml, &wrong[i], &doc, &err), MLPLAT_INVALID);
        assert_null(strstr(err.message, "s3cr3t"));
    }
    assert_status(mlplat_webhook_create(f->ml, NULL, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_webhook_update(f->ml, "w1", &(mlplat_webhook)MLPLAT_WEBHOOK_INIT, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_webhook_get(f->ml, "", &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_webhook_get(f->ml, NULL, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_webhook_test(f->ml, "w1", "x.created", &doc, &err), MLPLAT_INVALID);
    q.filter = "name = 'w'";
    assert_status(mlplat_webhook_list(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    assert_null(doc);
    assert_int_equal(loopback_requests(f->server), 0);
}

static void an_old_server_without_webhooks_is_told_by_version(void **state)
{
    fixture *f = *state;
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    answer(f, "404 NOT FOUND\n<!doctype html><title>404 Not Found</title><h1>Not Found</h1>");
    assert_status(mlplat_webhook_create(f->ml, &hook, &doc, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "MLflow 3.3"));
    assert_null(doc);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(answers_become_documents_of_one_shape),
        CASE(documents_that_are_none_are_corrupt),
        CASE(a_list_that_is_left_out_is_empty),
        CASE(what_became_of_a_lost_answer_is_looked_for),
        CASE(names_are_put_into_filters_with_quotes_that_hold),
        CASE(a_filter_that_is_refused_is_told_with_its_place),
        CASE(a_number_that_no_version_can_have_is_not_asked_for),
        CASE(a_model_that_a_run_logged_is_registered_by_its_id),
        CASE(a_run_that_logged_a_model_elsewhere_is_asked_for_it),
        CASE(a_prompt_is_made_with_its_tags_before_its_version),
        CASE(a_webhook_that_is_none_is_refused_before_it_is_sent),
        CASE(an_old_server_without_webhooks_is_told_by_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
