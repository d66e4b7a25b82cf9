/* Every allocation of ours on the way to a server's registry and back fails once. */
#include "registry/registry_http_fixture.h"
#include "support/scarce_memory.h"

/* ---- what is done ------------------------------------------------------------------------------------------------ */

typedef mlplat_status (*work)(mlplat *ml, mlplat_error *err);

static mlplat_status done(mlplat_status s, mlplat_doc **doc)
{
    mlplat_doc_free(*doc);
    *doc = NULL;
    return s;
}

static mlplat_status make_model(mlplat *ml, mlplat_error *err)
{
    return mlplat_registered_model_create(ml, "m", NULL, "{\"b\": \"1\"}", err);
}

static mlplat_status get_model(mlplat *ml, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    return done(mlplat_registered_model_get(ml, "m", &doc, err), &doc);
}

static mlplat_status search_models(mlplat *ml, mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    q.filter = "name = 'm'";
    q.order_by = "name";
    return done(mlplat_registered_model_search(ml, &q, &doc, err), &doc);
}

static mlplat_status search_versions(mlplat *ml, mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    mlplat_doc *doc = NULL;
    q.model = "m";
    q.page_token = "t";
    return done(mlplat_model_version_search(ml, &q, &doc, err), &doc);
}

static mlplat_status change_model(mlplat *ml, mlplat_error *err)
{
    mlplat_status s = mlplat_registered_model_update(ml, "m", "words", err);
    if (s == MLPLAT_OK)
        s = mlplat_registered_model_rename(ml, "m", "n", err);
    if (s == MLPLAT_OK)
        s = mlplat_registered_model_set_tag(ml, "m", "k", "v", err);
    if (s == MLPLAT_OK)
        s = mlplat_registered_model_delete_tag(ml, "m", "k", err);
    if (s == MLPLAT_OK)
        s = mlplat_model_alias_delete(ml, "m", "a", err);
    return s == MLPLAT_OK ? mlplat_registered_model_delete(ml, "m", err) : s;
}

static mlplat_status make_version(mlplat *ml, mlplat_error *err)
{
    return mlplat_model_version_create(ml, "m", "models:/m-0123456789abcdef0123456789abcdef", NULL, NULL, err);
}

static mlplat_status make_version_of_a_run(mlplat *ml, mlplat_error *err)
{
    mlplat_model_version_options o = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    o.tags = "{\"a\": \"b\"}";
    return mlplat_model_version_create(ml, "m", "s3://b/m", &o, NULL, err);
}

static mlplat_status make_prompt(mlplat *ml, mlplat_error *err)
{
    mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
    o.tags = "{\"a\": \"b\"}";
    return mlplat_prompt_register(ml, "m", "Hello", &o, NULL, err);
}

static mlplat_status read_version(mlplat *ml, mlplat_error *err)
{
    static const char *const which[] = {"2", "@c", "latest", "Staging"};
    mlplat_doc *doc = NULL;
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof which / sizeof which[0]; i++)
        s = done(mlplat_model_version_get(ml, "m", which[i], &doc, err), &doc);
    if (s == MLPLAT_OK)
        s = done(mlplat_model_version_latest(ml, "m", "Staging", &doc, err), &doc);
    return s;
}

static mlplat_status change_version(mlplat *ml, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_model_version_update(ml, "m", "2", NULL, err);
    if (s == MLPLAT_OK)
        s = done(mlplat_model_version_transition(ml, "m", "2", "Staging", 1, &doc, err), &doc);
    if (s == MLPLAT_OK)
        s = mlplat_model_version_set_tag(ml, "m", "@c", "k", "v", err);
    if (s == MLPLAT_OK)
        s = mlplat_model_version_delete_tag(ml, "m", "2", "k", err);
    if (s == MLPLAT_OK)
        s = mlplat_model_alias_set(ml, "m", "a", "2", err);
    return s == MLPLAT_OK ? mlplat_model_version_delete(ml, "m", "2", err) : s;
}

static mlplat_status resolve(mlplat *ml, mlplat_error *err)
{
    char *place = NULL;
    mlplat_status s = mlplat_artifact_resolve(ml, "models:/m@c", &place, err);
    mlplat_free(place);
    return s;
}

static mlplat_status use_webhooks(mlplat *ml, mlplat_error *err)
{
    static const mlplat_webhook hook = {sizeof hook, "w", "https://x", "prompt.created", "words", "secret", "ACTIVE"};
    mlplat_doc *doc = NULL;
    mlplat_status s = done(mlplat_webhook_create(ml, &hook, &doc, err), &doc);
    if (s == MLPLAT_OK)
        s = done(mlplat_webhook_update(ml, "w1", &hook, &doc, err), &doc);
    if (s == MLPLAT_OK)
        s = done(mlplat_webhook_list(ml, NULL, &doc, err), &doc);
    if (s == MLPLAT_OK)
        s = done(mlplat_webhook_test(ml, "w1", "prompt.created", &doc, err), &doc);
    return s == MLPLAT_OK ? mlplat_webhook_delete(ml, "w1", err) : s;
}

static const struct {
    const char *what;
    work run;
    mlplat_status want;
} works[] = {
    {"make a model", make_model, MLPLAT_OK},
    {"get a model", get_model, MLPLAT_OK},
    {"search models", search_models, MLPLAT_OK},
    {"search versions", search_versions, MLPLAT_OK},
    {"change a model", change_model, MLPLAT_OK},
    {"make a version", make_version, MLPLAT_OK},
    {"make a version of a run", make_version_of_a_run, MLPLAT_OK},
    {"make a prompt", make_prompt, MLPLAT_INVALID}, /* the name is a model's */
    {"read a version", read_version, MLPLAT_OK},
    {"change a version", change_version, MLPLAT_OK},
    {"resolve", resolve, MLPLAT_UNSUPPORTED}, /* there is no store for its place */
    {"use webhooks", use_webhooks, MLPLAT_OK},
};

/* A server takes so many connections and no more. */
static void renew_server(fixture *f)
{
    if (loopback_connections(f->server) < 20)
        return;
    loopback_stop(f->server);
    f->server = loopback_start();
    answer(f, ALL);
}

/* Each with a session of its own, so that opening the client is part of it. */
static mlplat_status run_scarce(fixture *f, size_t w, long nth, bool *reached, mlplat_error *err)
{
    renew_server(f);
    mlplat *ml = open_session(f, err);
    scarce_memory_arm(nth);
    mlplat_status s = works[w].run(ml, err);
    *reached = scarce_memory_disarm();
    mlplat_close(ml);
    return s;
}

static void a_failed_allocation_is_told_and_costs_nothing(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    answer(f, ALL);
    scarce_memory_on();
    for (size_t w = 0; w < sizeof works / sizeof works[0]; w++) {
        long failed = 0;
        bool reached = true;
        for (long nth = 0; reached; nth++) {
            mlplat_error err = {0};
            mlplat_status s = run_scarce(f, w, nth, &reached, &err);
            if (s != works[w].want && (s != MLPLAT_NO_MEMORY || !reached))
                fail_msg("%s, allocation %ld: %s: %s", works[w].what, nth, mlplat_status_name(s), err.message);
            failed += s == MLPLAT_NO_MEMORY;
        }
        assert_true(failed > 5);
    }
    scarce_memory_off();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failed_allocation_is_told_and_costs_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
