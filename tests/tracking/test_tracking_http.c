/* Servers that answer tracking with what no MLflow would say, and old ones. The suite of tracking stores runs on a real
 * server in tests/integration. */
#include "tracking/http_fixture.h"

#define RUN        "{\"info\": {\"run_id\": \"" ID "\", \"experiment_id\": \"0\"}, "
#define EXPERIMENT "{\"experiment_id\": \"0\", "
#define MODEL      "{\"model_id\": \"m-1\""
#define ANSWER(run, experiment, model)                                                                                 \
    "{\"run\": " run ", \"experiment\": " experiment ", \"model\": {\"info\": " model "}}"

static const char *const odd[] = {
    "{}",
    ANSWER("1", "[]", "\"\""),
    ANSWER("{}", "{}", "{}"),
    ANSWER("{\"info\": {}}", EXPERIMENT "\"tags\": [1]}", "7"),
    ANSWER(RUN "\"data\": {\"metrics\": [{\"key\": 1}]}}", EXPERIMENT "\"tags\": [{\"key\": null}]}",
           MODEL ", \"tags\": [[]]}"),
    ANSWER(RUN "\"inputs\": {\"dataset_inputs\": [3]}}", "{\"experiment_id\": 1}",
           MODEL "}, \"data\": {\"params\": [\"\"]}"),
};

static void documents_that_are_none_are_corrupt(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        mlplat_run *run = NULL;
        char *id = NULL;
        answer(f, "200 OK", odd[i]);
        assert_status(mlplat_run_get(f->ml, ID, &doc, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_run_attach(f->ml, ID, &run, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_run_start(f->ml, NULL, &run, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_experiment_get(f->ml, "0", &doc, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_experiment_create(f->ml, "e", NULL, &id, &err), MLPLAT_CORRUPT);
        assert_status(mlplat_logged_model_get(f->ml, "m-1", &doc, &err), MLPLAT_CORRUPT);
        assert_null(doc);
        assert_null(run);
        assert_null(id);
    }
}

static void a_server_without_logged_models_is_told_by_version(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    NEEDS_HTTP(f);
    answer(f, "404 NOT FOUND", "<!doctype html><title>404 Not Found</title><h1>Not Found</h1>");
    assert_status(mlplat_logged_model_get(f->ml, "m-1", &doc, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "MLflow 3.0"));
    answer(f, "404 NOT FOUND", "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"no such model\"}");
    assert_status(mlplat_logged_model_get(f->ml, "m-1", &doc, &err), MLPLAT_NOT_FOUND);
    assert_null(doc);
}

#define JSON(status, size, body)                                                                                       \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nContent-Length: " size "\r\n\r\n" body
#define NOT_THERE JSON("404 NOT FOUND", "60", "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"none\"}")
#define MADE      JSON("200 OK", "23", "{\"experiment_id\": \"77\"}")
#define THERE     JSON("200 OK", "39", "{\"experiment\": {\"experiment_id\": \"77\"}}")

static const struct {
    loopback_step steps[4];
    size_t requests;
} tries[] = {
    {{{.reply = "", .end = LOOPBACK_RESET}, {.reply = NOT_THERE}, {.reply = MADE}}, 3},
    {{{.reply = "", .end = LOOPBACK_RESET}, {.reply = THERE}}, 2},
    {{{.reply = "", .end = LOOPBACK_RESET},
      {.reply = NOT_THERE},
      {.reply = JSON("400 Bad", "64", "{\"error_code\": \"RESOURCE_ALREADY_EXISTS\", \"message\": \"it is so\"}")},
      {.reply = THERE}},
     4},
    {{{.reply = JSON("400 Bad", "69", "{\"error_code\":\"BAD_REQUEST\",\"message\":\"QueuePool limit of size\"}     ")},
      {.reply = THERE}},
     2},
};

static void an_experiment_whose_answer_is_lost_is_looked_for_and_made(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        mlplat_error err = {0};
        char *id = NULL;
        loopback_script(f->server, tries[i].steps, tries[i].requests);
        assert_ok(mlplat_experiment_create(f->ml, "e", NULL, &id, &err));
        assert_string_equal(id, "77");
        assert_int_equal(loopback_requests(f->server), tries[i].requests);
        mlplat_free(id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(documents_that_are_none_are_corrupt),
        CASE(a_server_without_logged_models_is_told_by_version),
        CASE(an_experiment_whose_answer_is_lost_is_looked_for_and_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
