/* In which experiment a run that was made offline is made, and what else its record need not say. */
#include "tracking/offline_scene.h"

/* The server told the experiment, and then made no run. */
static void a_run_goes_to_the_experiment_that_was_told(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    static const route no_run[] = {{"runs/create", "503 Service Unavailable", "{}"}};
    static const route told[] = {
        {"experiments/get-by-name", "200 OK", "{\"experiment\": {\"experiment_id\": \"8\", \"name\": \"e\"}}"},
        {"experiments/get", "200 OK", "{\"experiment\": {\"experiment_id\": \"7\", \"name\": \"before\"}}"}};
    char *request = NULL;
    answers(s, no_run, 1);
    mlplat_run *run = start_away(s, "first", NULL);
    mlplat_doc *doc = get(s->ml, run);
    assert_string_equal(text_at(doc, "info.experiment_id"), "7");
    assert_string_equal(text_at(doc, "info.experiment_name"), "e");
    mlplat_doc_free(doc);
    answers(s, told, 2);
    deliver(s);
    assert_true(asked(s, "runs/create", &request) > 0);
    assert_has(request, "\"experiment_id\":\"7\"");
    free(request);
    mlplat_run_free(run);
}

static void append_creation(scene *s, const char *id, const char *text)
{
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    const mlp_record record = {.kind = MLP_RECORD_CREATE, .run_id = id, .run_id_n = strlen(id), .key = "",
                               .text = text, .text_n = strlen(text)};
    assert_ok(mlp_tracking_of(s->ml, &t, &err));
    assert_ok(mlp_spool_append(t->spool, &record, 1, MLPLAT_DURABILITY_DEFAULT, &err));
}

static void a_run_without_tags_is_made(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    char id[MLP_OFFLINE_ID], *request = NULL;
    mlplat_error err = {0};
    assert_ok(mlp_offline_make_id(id, &err));
    append_creation(s, id, "{\"op\": \"o\", \"run_name\": \"bare\", \"experiment_id\": \"7\", \"start_time\": 1}");
    back(s);
    deliver(s);
    assert_int_equal(asked(s, "runs/create", &request), 1);
    assert_has(request, id);
    free(request);
}

/* Another server lost what the first one told. */
static void of_an_experiment_that_is_gone_the_name_counts(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    static const route lost[] = {
        {"experiments/get-by-name", "200 OK", "{\"experiment\": {\"experiment_id\": \"8\", \"name\": \"e\"}}"},
        {"experiments/get", "404 NOT FOUND", "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"No 7\"}"}};
    char id[MLP_OFFLINE_ID], *request = NULL;
    mlplat_error err = {0};
    assert_ok(mlp_offline_make_id(id, &err));
    append_creation(s, id,
                    "{\"op\": \"o\", \"run_name\": \"n\", \"experiment_id\": \"7\", \"experiment_name\": \"e\"}");
    answers(s, lost, 2);
    deliver(s);
    assert_int_equal(asked(s, "runs/create", &request), 1);
    assert_has(request, "\"experiment_id\":\"8\"");
    free(request);
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_run_goes_to_the_experiment_that_was_told),
        CASE(of_an_experiment_that_is_gone_the_name_counts),
        CASE(a_run_without_tags_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
