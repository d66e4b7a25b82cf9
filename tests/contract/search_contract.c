/* Searches over experiments and logged models; those over runs are in tracking_contract.c. */
#include "contract/tracking_fixture.h"

/* "a b": the members at a path of what a search finds, which is freed. */
static void assert_found(mlplat_doc *doc, const char *list, const char *member, const char *want, const char *question)
{
    char found[256] = "", path[64];
    for (size_t i = 0, n = size_at(doc, list); i < n; i++) {
        snprintf(path, sizeof path, "%s[%zu].%s", list, i, member);
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? " " : "", text_at(doc, path));
    }
    if (strcmp(found, want) != 0)
        fail_msg("%s: found \"%s\", not \"%s\"", question ? question : "all", found, want);
    mlplat_doc_free(doc);
}

static const struct {
    const char *filter, *order, *want;
} experiments[] = {
    {NULL, "name", "B Default a c"},
    {"name LIKE '_'", "name DESC", "c a B"},
    {"name ILIKE 'b' AND tags.team = 'x'", NULL, "B"},
    {"tags.team IS NULL", "name", "Default c"},
    {"tags.team != 'x'", NULL, "a"},
    {"experiment_id IN ('0', '1')", "experiment_id", "Default a"},
    {"experiment_id != '0' AND creation_time > 0 AND last_update_time >= 0", "experiment_id DESC", "c B a"},
};

static void experiments_are_searched_and_ordered(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const char *const names[] = {"a", "B", "c"}, *const tags[] = {"{\"team\": \"y\"}", "{\"team\": \"x\"}",
                                                                         NULL};
    for (int i = 0; i < 3; i++) {
        mlplat_experiment_options o = MLPLAT_EXPERIMENT_OPTIONS_INIT;
        char *id = NULL;
        o.tags = tags[i];
        assert_ok(mlplat_experiment_create(f->ml, names[i], &o, &id, &err));
        mlplat_free(id);
    }
    for (size_t i = 0; i < sizeof experiments / sizeof experiments[0]; i++) {
        mlplat_search q = MLPLAT_SEARCH_INIT;
        mlplat_doc *doc = NULL;
        q.filter = experiments[i].filter;
        q.order_by = experiments[i].order;
        if (contract_too_new(mlplat_experiment_search(f->ml, &q, &doc, &err), q.filter, &err))
            continue;
        assert_found(doc, "experiments", "name", experiments[i].want, q.filter);
    }
}

static void bad_searches_over_experiments_are_refused(void **state)
{
    static const char *const bad[] = {"name like 'a'",       "name > 'a'",          "experiment_id = 1",
                                      "experiment_id = 'x'", "creation_time > 1.5", "tags.team IN ('x')",
                                      "status = 'x'"};
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mlplat_search q = MLPLAT_SEARCH_INIT;
        q.filter = bad[i];
        if (tracking_contract_old && strcmp(q.filter, "creation_time > 1.5") == 0)
            continue; /* it takes that */
        assert_status(mlplat_experiment_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
        assert_non_null(strstr(err.message, "filter, character"));
    }
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.order_by = "tags.team";
    assert_status(mlplat_experiment_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    q.order_by = NULL;
    q.experiment_ids = "1";
    assert_status(mlplat_experiment_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
}

#define TEST_DATA "{\"dataset_name\": \"test\", \"dataset_digest\": \"1\"}"

static const struct {
    const char *filter, *datasets, *order, *want;
} models[] = {
    {NULL, NULL, "name", "a b c"},
    {"name IN ('a', 'c')", NULL, "name DESC", "c a"},
    {"params.depth = '1' AND tags.team = 'x'", NULL, NULL, "b"},
    {"metrics.auc > 0.5", NULL, "name", "a b"},
    {"metrics.auc > 0.5", "[{\"dataset_name\": \"test\"}]", NULL, "b"},
    {NULL, "[" TEST_DATA ", {\"dataset_name\": \"x\", \"dataset_digest\": \"1\"}]", "name", "a b"},
    {"metrics.auc > 0.5", "[" TEST_DATA "]", NULL, "b"},
    {NULL, NULL, "metrics.auc", "a b c"},
    {NULL, NULL, "metrics.auc DESC", "b a c"},
    {NULL, NULL, "[{\"field_name\": \"metrics.auc\", \"ascending\": false, \"dataset_name\": \"train\"}]", "a b c"},
    {"model_type = 'agent' AND creation_timestamp > 1", NULL, NULL, "c"},
};

/* Models a, b, c; a and b have auc on two datasets each. */
static void make_models(mlplat *ml)
{
    static const char *const names[] = {"a", "b", "c"};
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    for (int i = 0; i < 3; i++) {
        mlplat_logged_model_options o = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
        mlplat_doc *doc = NULL;
        char batch[600];
        o.name = names[i];
        o.params = i ? "{\"depth\": \"1\"}" : NULL;
        o.tags = i == 1 ? "{\"team\": \"x\"}" : NULL;
        o.model_type = i == 2 ? "agent" : NULL;
        assert_ok(mlplat_logged_model_create(ml, &o, &doc, &err));
        snprintf(
            batch, sizeof batch,
            "{\"metrics\": [{\"key\": \"auc\", \"value\": %s, \"step\": 0, \"timestamp\": 1, \"model_id\": \"%s\", "
            "\"dataset_name\": \"train\", \"dataset_digest\": \"1\"}, {\"key\": \"auc\", \"value\": %s, \"step\": "
            "1, \"timestamp\": 2, \"model_id\": \"%s\", \"dataset_name\": \"test\", \"dataset_digest\": \"1\"}]}",
            i ? "0.6" : "0.9", text_at(doc, "info.model_id"), i ? "0.8" : "0.3", text_at(doc, "info.model_id"));
        if (i < 2)
            assert_ok(mlplat_run_log_batch(run, batch, &err));
        mlplat_doc_free(doc);
    }
    assert_ok(mlplat_run_end(run, "FINISHED", &err));
    mlplat_run_free(run);
}

static void logged_models_are_searched_and_ordered(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    if (contract_models_are_too_new(f->ml))
        return;
    make_models(f->ml);
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        mlplat_logged_model_query q = MLPLAT_LOGGED_MODEL_QUERY_INIT;
        mlplat_doc *doc = NULL;
        q.filter = models[i].filter;
        q.datasets = models[i].datasets;
        q.order_by = models[i].order;
        if (tracking_contract_by_rest && q.datasets && !strstr(q.datasets, "dataset_digest")) {
            assert_status(mlplat_logged_model_search(f->ml, &q, &doc, &err), MLPLAT_UNSUPPORTED);
            continue;
        }
        assert_ok(mlplat_logged_model_search(f->ml, &q, &doc, &err));
        assert_found(doc, "models", "info.name", models[i].want, models[i].filter);
    }
}

static void pages_of_logged_models_know_their_search(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    if (contract_models_are_too_new(f->ml))
        return;
    mlplat_doc *first = NULL, *doc = NULL;
    mlplat_logged_model_query q = MLPLAT_LOGGED_MODEL_QUERY_INIT;
    make_models(f->ml);
    q.order_by = "name";
    q.max_results = 2;
    assert_ok(mlplat_logged_model_search(f->ml, &q, &first, &err));
    q.page_token = text_at(first, "next_page_token");
    assert_ok(mlplat_logged_model_search(f->ml, &q, &doc, &err));
    assert_found(doc, "models", "info.name", "c", "the second page");
    q.order_by = "[{\"field_name\": \"name\", \"ascending\": true}]"; /* the same in other words */
    assert_ok(mlplat_logged_model_search(f->ml, &q, &doc, &err));
    mlplat_doc_free(doc);
    q.order_by = "name DESC";
    assert_status(mlplat_logged_model_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "page token"));
    q.order_by = "name";
    q.filter = "name = 'a'";
    assert_status(mlplat_logged_model_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
    mlplat_doc_free(first);
}

static void bad_searches_over_logged_models_are_refused(void **state)
{
    static const struct {
        const char *filter, *datasets, *order;
    } bad[] = {
        {"name > 'a'", NULL, NULL},
        {"nothing = 'a'", NULL, NULL},
        {NULL, "[{}]", NULL},
        {NULL, "{}", NULL},
        {NULL, "[", NULL},
        {NULL, NULL, "params.depth"},
        {NULL, NULL, "[{}]"},
        {NULL, NULL, "[{\"field_name\": \"nothing\"}]"},
        {NULL, NULL, "[{\"field_name\": \"name\", \"ascending\": 1}]"},
        {NULL, "[{\"dataset_name\": \"a\", \"dataset_digest\": 1}]", NULL},
    };
    fixture *f = *state;
    mlplat_error err = {0};
    if (contract_models_are_too_new(f->ml))
        return;
    mlplat_doc *doc = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mlplat_logged_model_query q = MLPLAT_LOGGED_MODEL_QUERY_INIT;
        q.filter = bad[i].filter;
        q.datasets = bad[i].datasets;
        q.order_by = bad[i].order;
        assert_status(mlplat_logged_model_search(f->ml, &q, &doc, &err), MLPLAT_INVALID);
        assert_null(doc);
    }
}

int search_contract_run(const char *store)
{
    const struct CMUnitTest tests[] = {
        CASE(experiments_are_searched_and_ordered),        CASE(bad_searches_over_experiments_are_refused),
        CASE(logged_models_are_searched_and_ordered),      CASE(pages_of_logged_models_know_their_search),
        CASE(bad_searches_over_logged_models_are_refused),
    };
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
