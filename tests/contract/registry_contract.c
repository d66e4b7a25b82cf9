#include "contract/registry_fixture.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

bool registry_contract_by_rest, registry_contract_old, registry_contract_narrow;

static char *repeat(const char *what, size_t n)
{
    size_t one = strlen(what);
    char *out = calloc(n * one + 1, 1);
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * one, what, one);
    return out;
}

/* ---- registered models ------------------------------------------------------------------------------------------- */

static void a_model_is_created_once(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    assert_ok(mlplat_registered_model_create(f->ml, "fraud", "finds it", "{\"team\": \"risk\", \"a\": \"1\"}", &err));
    mlplat_doc *doc = model(f->ml, "fraud");
    assert_text(doc, "name", "fraud");
    assert_text(doc, "description", "finds it");
    assert_int_equal(size_at(doc, "tags"), 2);
    assert_text(doc, "tags[0].key", "a");
    assert_text(doc, "tags[1].value", "risk");
    assert_int_equal(size_at(doc, "aliases"), 0);
    assert_int_equal(size_at(doc, "latest_versions"), 0);
    assert_true(int_at(doc, "creation_timestamp") > 1600000000000);
    assert_int_equal(int_at(doc, "creation_timestamp"), int_at(doc, "last_updated_timestamp"));
    mlplat_doc_free(doc);
    assert_status(mlplat_registered_model_create(f->ml, "fraud", NULL, NULL, &err), MLPLAT_EXISTS);
    assert_non_null(strstr(err.message, "fraud"));
}

static void a_refused_model_leaves_nothing(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_status(mlplat_registered_model_create(f->ml, "fraud", NULL, "{\"a\": \"1\", \"../b\": \"2\"}", &err),
                  MLPLAT_INVALID);
    assert_status(mlplat_registered_model_get(f->ml, "fraud", &doc, &err), MLPLAT_NOT_FOUND);
    assert_null(doc);
}

static void names_follow_mlflows_rules(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *longest = repeat("\xc3\xa9", 256), *over = repeat("\xc3\xa9", 257);
    const struct {
        const char *name;
        mlplat_status want;
    } cases[] = {
        {"a", MLPLAT_OK},         {"with space", MLPLAT_OK}, {".hidden", MLPLAT_OK},   {"\xe6\xa8\xa1", MLPLAT_OK},
        {"'; DROP--", MLPLAT_OK}, {longest, MLPLAT_OK},      {over, MLPLAT_INVALID},   {"", MLPLAT_INVALID},
        {" \t", MLPLAT_INVALID},  {"a/b", MLPLAT_INVALID},   {"a:b", MLPLAT_INVALID},  {".", MLPLAT_INVALID},
        {"..", MLPLAT_INVALID},   {"..a", MLPLAT_INVALID},   {"\xff", MLPLAT_INVALID}, {NULL, MLPLAT_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(mlplat_registered_model_create(f->ml, cases[i].name, NULL, NULL, &err), cases[i].want);
        assert_status(mlplat_model_version_create(f->ml, cases[i].name, place("/m"), NULL, NULL, &err), cases[i].want);
    }
    free(longest);
    free(over);
}

static void a_description_is_changed_and_limited(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *longest = repeat("\xc3\xa9", 5000), *over = repeat("x", 5001);
    add(f->ml, "m", "/m");
    assert_ok(mlplat_registered_model_update(f->ml, "m", longest, &err));
    assert_ok(mlplat_model_version_update(f->ml, "m", "1", "of the version", &err));
    assert_status(mlplat_registered_model_update(f->ml, "m", over, &err), MLPLAT_INVALID);
    assert_status(mlplat_model_version_update(f->ml, "m", "1", over, &err), MLPLAT_INVALID);
    assert_status(mlplat_registered_model_create(f->ml, "n", over, NULL, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "5000"));
    mlplat_doc *doc = model(f->ml, "m"), *one = version(f->ml, "m", "1");
    assert_text(doc, "description", longest);
    assert_text(one, "description", "of the version");
    assert_true(int_at(doc, "last_updated_timestamp") >= int_at(doc, "creation_timestamp"));
    mlplat_doc_free(doc);
    mlplat_doc_free(one);
    free(longest);
    free(over);
}

static void tags_are_set_replaced_and_removed(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    add(f->ml, "m", "/m");
    assert_ok(mlplat_registered_model_set_tag(f->ml, "m", "k", "1", &err));
    assert_ok(mlplat_registered_model_set_tag(f->ml, "m", "k", "2", &err));
    assert_ok(mlplat_registered_model_set_tag(f->ml, "m", "gone", "", &err));
    assert_ok(mlplat_registered_model_delete_tag(f->ml, "m", "gone", &err));
    assert_ok(mlplat_registered_model_delete_tag(f->ml, "m", "gone", &err));
    assert_ok(mlplat_model_version_set_tag(f->ml, "m", "1", "v/k", "x", &err));
    assert_ok(mlplat_model_version_set_tag(f->ml, "m", "latest", "v/k", "y", &err));
    assert_ok(mlplat_model_version_set_tag(f->ml, "m", "1", "gone", "z", &err));
    assert_ok(mlplat_model_version_delete_tag(f->ml, "m", "1", "gone", &err));
    assert_ok(mlplat_model_version_delete_tag(f->ml, "m", "1", "gone", &err));
    mlplat_doc *doc = model(f->ml, "m"), *one = version(f->ml, "m", "1");
    assert_int_equal(size_at(doc, "tags"), 1);
    assert_text(doc, "tags[0].value", "2");
    assert_int_equal(size_at(one, "tags"), 1);
    assert_text(one, "tags[0].key", "v/k");
    assert_text(one, "tags[0].value", "y");
    mlplat_doc_free(doc);
    mlplat_doc_free(one);
}

static void tags_follow_mlflows_rules(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *key = repeat("k", 250), *over_key = repeat("k", 251), *over = repeat("v", 100001);
    char *value = repeat("v", registry_contract_old ? 5000 : 100000);
    const struct {
        const char *key, *value;
        mlplat_status want;
    } cases[] = {
        {key, value, MLPLAT_OK},         {over_key, "v", MLPLAT_INVALID}, {"k", over, MLPLAT_INVALID},
        {"", "v", MLPLAT_INVALID},       {NULL, "v", MLPLAT_INVALID},     {"k", NULL, MLPLAT_INVALID},
        {"a/../b", "v", MLPLAT_INVALID}, {"/a", "v", MLPLAT_INVALID},     {"a//b", "v", MLPLAT_INVALID},
        {"a\nb", "v", MLPLAT_INVALID},   {"a*", "v", MLPLAT_INVALID},     {"k", "\xc3", MLPLAT_INVALID},
        {registry_contract_old ? "a/b.c-d ef" : "a/b.c-d e:f", "", MLPLAT_OK},
        {"caf\xc3\xa9", "v", MLPLAT_OK},   {"snow\xe2\x98\x83", "v", MLPLAT_INVALID},
    };
    add(f->ml, "m", "/m");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_status want = registry_contract_narrow && cases[i].value == value ? MLPLAT_INVALID : cases[i].want;
        assert_status(mlplat_registered_model_set_tag(f->ml, "m", cases[i].key, cases[i].value, &err), want);
        assert_status(mlplat_model_version_set_tag(f->ml, "m", "1", cases[i].key, cases[i].value, &err), cases[i].want);
    }
    char *const texts[] = {key, over_key, value, over};
    for (int i = 0; i < 4; i++)
        free(texts[i]);
}

static void a_deleted_model_is_gone_with_all_it_had(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    add(f->ml, "m", "/m");
    add(f->ml, "other", "/m");
    assert_ok(mlplat_registered_model_set_tag(f->ml, "m", "k", "1", &err));
    assert_ok(mlplat_model_version_set_tag(f->ml, "m", "1", "k", "1", &err));
    assert_ok(mlplat_model_alias_set(f->ml, "m", "champion", "1", &err));
    assert_ok(mlplat_registered_model_delete(f->ml, "m", &err));
    assert_status(mlplat_registered_model_get(f->ml, "m", &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_version_get(f->ml, "m", "1", &doc, &err), MLPLAT_NOT_FOUND);
    assert_int_equal(add(f->ml, "m", "/m"), 1); /* a new life */
    doc = model(f->ml, "m");
    assert_int_equal(size_at(doc, "tags") + size_at(doc, "aliases"), 0);
    mlplat_doc_free(doc);
    assert_number(f->ml, "other", "1", "1");
}

static void models_are_listed_by_name_in_pages(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const char *const names[] = {"a", "b%2", "B", "c\"d", "\xc3\xa9"}; /* made in another order than listed */
    static const char *const sorted[] = {"B", "a", "b%2", "c\"d", "\xc3\xa9"};
    for (size_t i = 0; i < 5; i++)
        assert_ok(mlplat_registered_model_create(f->ml, names[i], NULL, NULL, &err));
    add_prompt(f->ml, "a prompt", "{\"mlflow.prompt.is_prompt\": \"true\"}");
    for (int size = 1; size <= 5; size++) {
        mlplat_search query = MLPLAT_SEARCH_INIT;
        mlplat_doc *page = NULL, *before = NULL;
        size_t seen = 0;
        query.max_results = size;
        do {
            assert_ok(mlplat_registered_model_search(f->ml, &query, &page, &err));
            assert_true(size_at(page, "registered_models") <= (size_t)size);
            for (size_t i = 0, n = size_at(page, "registered_models"); i < n; i++) {
                char path[64];
                snprintf(path, sizeof path, "registered_models[%zu].name", i);
                assert_true(seen < 5);
                assert_text(page, path, sorted[seen++]);
            }
            mlplat_doc_free(before);
            before = page;
        } while (mlplat_doc_string(page, "next_page_token", &query.page_token, NULL) == MLPLAT_OK);
        mlplat_doc_free(before);
        assert_int_equal(seen, 5);
    }
}

static void bad_pages_are_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    static const struct {
        mlplat_search query;
        mlplat_status want;
    } cases[] = {
        {{.size = sizeof(mlplat_search), .max_results = -1}, MLPLAT_INVALID},
        {{.size = sizeof(mlplat_search), .max_results = 200001}, MLPLAT_INVALID},
        {{.size = sizeof(mlplat_search), .page_token = "nonsense"}, MLPLAT_INVALID},
        {{.size = sizeof(mlplat_search), .page_token = "%5B%5B%5D%5D"}, MLPLAT_INVALID},
        {{.size = sizeof(mlplat_search), .filter = "name = 'a"}, MLPLAT_INVALID},
        {{.size = sizeof(mlplat_search), .filter = "metrics.a > 1"}, MLPLAT_INVALID},
        {{.size = sizeof(mlplat_search), .order_by = "run_id"}, MLPLAT_INVALID},
        {{.size = sizeof(mlplat_search), .experiment_ids = "1"}, MLPLAT_INVALID},
        {{.size = sizeof(mlplat_search), .filter = "name = 'a'"}, MLPLAT_OK},
        {{.size = 0}, MLPLAT_INVALID},
        {{.size = sizeof(mlplat_search), .max_results = 1000}, MLPLAT_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(mlplat_registered_model_search(f->ml, &cases[i].query, &doc, &err), cases[i].want);
        mlplat_doc_free(doc);
        assert_status(mlplat_model_version_search(f->ml, &cases[i].query, &doc, &err), cases[i].want);
        mlplat_doc_free(doc);
    }
}

/* ---- versions ---------------------------------------------------------------------------------------------------- */

static void versions_count_up_and_make_their_model(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_model_version_options o = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    int64_t number = 0;
    o.run_id = "0123456789abcdef0123456789abcdef";
    o.description = "the first";
    o.tags = "{\"auc\": \"0.9\"}";
    o.run_link = "http://example.org/run";
    assert_ok(mlplat_model_version_create(f->ml, "fraud", "s3://bucket/model", &o, &number, &err));
    assert_int_equal(number, 1);
    assert_int_equal(add(f->ml, "fraud", "/models/2"), 2);
    mlplat_doc *doc = version(f->ml, "fraud", "1");
    assert_text(doc, "name", "fraud");
    assert_text(doc, "version", "1");
    assert_text(doc, "source", "s3://bucket/model");
    assert_text(doc, "run_id", o.run_id);
    assert_text(doc, "run_link", o.run_link);
    assert_text(doc, "description", "the first");
    assert_text(doc, "status", "READY");
    assert_text(doc, "current_stage", "None");
    assert_text(doc, "tags[0].value", "0.9");
    assert_int_equal(size_at(doc, "aliases"), 0);
    assert_int_equal(int_at(doc, "creation_timestamp"), int_at(doc, "last_updated_timestamp"));
    mlplat_doc_free(doc);
    doc = model(f->ml, "fraud");
    assert_int_equal(size_at(doc, "latest_versions"), 1);
    assert_text(doc, "latest_versions[0].version", "2");
    mlplat_doc_free(doc);
}

/* One rule for all modules: what a run may be called, a version may name. */
static void a_version_names_a_run_as_runs_are_called(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_model_version_options o = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    o.run_id = "r\xc3\xa4-_9";
    assert_ok(mlplat_model_version_create(f->ml, "m", place("/m"), &o, NULL, &err));
    assert_ok(mlplat_model_version_get(f->ml, "m", "1", &doc, &err));
    assert_text(doc, "run_id", o.run_id);
    mlplat_doc_free(doc);
}

static void a_deleted_version_is_gone_and_its_number_too(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    add(f->ml, "m", "/1");
    add(f->ml, "m", "/2");
    assert_ok(mlplat_model_alias_set(f->ml, "m", "champion", "2", &err));
    assert_status(mlplat_model_version_delete(f->ml, "m", "latest", &err), MLPLAT_INVALID);
    assert_ok(mlplat_model_version_delete(f->ml, "m", "@champion", &err));
    assert_status(mlplat_model_version_get(f->ml, "m", "2", &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_version_get(f->ml, "m", "@champion", &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_version_delete(f->ml, "m", "2", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_version_set_tag(f->ml, "m", "2", "k", "v", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_version_update(f->ml, "m", "2", "d", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_alias_set(f->ml, "m", "champion", "2", &err), MLPLAT_NOT_FOUND);
    assert_number(f->ml, "m", "latest", "1");
    mlplat_search of_m = MLPLAT_SEARCH_INIT;
    of_m.model = "m";
    assert_ok(mlplat_model_version_search(f->ml, &of_m, &doc, &err));
    assert_int_equal(size_at(doc, "model_versions"), 1);
    mlplat_doc_free(doc);
    assert_int_equal(add(f->ml, "m", "/3"), 3);
}

static void versions_are_listed_newest_first_in_pages(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    for (int i = 0; i < 5; i++) {
        add(f->ml, "a", "/a");
        add(f->ml, "b", "/b");
    }
    for (int all = 0; all < 2; all++)
        for (int size = 1; size <= 5; size++) {
            mlplat_search query = MLPLAT_SEARCH_INIT;
            mlplat_doc *page = NULL, *before = NULL;
            size_t seen = 0;
            int64_t last[2] = {6, 6};
            query.max_results = size;
            do {
                query.model = all ? NULL : "a";
                assert_ok(mlplat_model_version_search(f->ml, &query, &page, &err));
                for (size_t i = 0, n = size_at(page, "model_versions"); i < n; i++, seen++) {
                    char path[64];
                    const char *name = "", *number = "";
                    snprintf(path, sizeof path, "model_versions[%zu].name", i);
                    assert_ok(mlplat_doc_string(page, path, &name, &err));
                    snprintf(path, sizeof path, "model_versions[%zu].version", i);
                    assert_ok(mlplat_doc_string(page, path, &number, &err));
                    assert_int_equal(atoi(number), --last[*name == 'b']); /* each once, from 5 to 1 */
                }
                mlplat_doc_free(before);
                before = page;
            } while (mlplat_doc_string(page, "next_page_token", &query.page_token, NULL) == MLPLAT_OK);
            mlplat_doc_free(before);
            assert_int_equal(seen, all ? 10 : 5);
        }
}

/* "1 3": the members at a path of what a search finds. */
static void assert_found(mlplat_doc *doc, const char *list, const char *member, const char *want)
{
    mlplat_error err = {0};
    char found[256] = "", path[64];
    for (size_t i = 0, n = size_at(doc, list); i < n; i++) {
        const char *text = "";
        snprintf(path, sizeof path, "%s[%zu].%s", list, i, member);
        assert_ok(mlplat_doc_string(doc, path, &text, &err));
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? " " : "", text);
    }
    assert_string_equal(found, want);
    mlplat_doc_free(doc);
}

static void versions_are_searched(void **state)
{
    static const struct {
        const char *filter, *order, *want;
    } cases[] = {
        {"name = 'a' AND version_number > 1", "version_number ASC", "2 3"},
        {"name = 'a' AND version_number != '2'", "version_number DESC", "3 1"},
        {"tags.team = 'x' AND source_path LIKE '%/a%'", "version_number", "1 2 3"},
        {"tags.team != 'y' AND name IN ('b')", NULL, "1"},
        {"tags.mlflow.none = 'x'", NULL, ""},
        {"run_id IN ('0123456789abcdef0123456789abcdef')", NULL, ""},
        {NULL, "name DESC, version_number ASC", "1 1 2 3"},
    };
    fixture *f = *state;
    mlplat_error err = {0};
    for (int i = 0; i < 4; i++)
        add(f->ml, i < 3 ? "a" : "b", i < 3 ? "/a" : "/b");
    for (int i = 0; i < 4; i++) {
        const char number[] = {(char)('1' + i % 3), 0};
        assert_ok(mlplat_model_version_set_tag(f->ml, i < 3 ? "a" : "b", number, "team", "x", &err));
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_search query = MLPLAT_SEARCH_INIT;
        mlplat_doc *doc = NULL;
        query.filter = cases[i].filter;
        query.order_by = cases[i].order;
        if (registry_contract_old && cases[i].filter && strstr(cases[i].filter, "name IN"))
            continue;
        assert_ok(mlplat_model_version_search(f->ml, &query, &doc, &err));
        assert_found(doc, "model_versions", "version", cases[i].want);
    }
}

static void prompts_are_found_when_asked_for(void **state)
{
    static const struct {
        const char *filter, *want;
    } cases[] = {
        {NULL, "a b"},
        {"tags.`mlflow.prompt.is_prompt` = 'true'", "p"},
        {"tags.`mlflow.prompt.is_prompt` != 'false'", "p"},
        {"tags.`mlflow.prompt.is_prompt` = 'false' AND name != 'b'", "a"},
        {"tags.team ILIKE 'X'", "b"},
    };
    fixture *f = *state;
    mlplat_error err = {0};
    assert_ok(mlplat_registered_model_create(f->ml, "a", NULL, NULL, &err));
    assert_ok(mlplat_registered_model_create(f->ml, "b", NULL, "{\"team\": \"x\"}", &err));
    if (!add_prompt(f->ml, "p", "{\"mlflow.prompt.is_prompt\": \"true\", \"team\": \"x\"}"))
        return;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_search query = MLPLAT_SEARCH_INIT;
        mlplat_doc *doc = NULL;
        query.filter = cases[i].filter;
        assert_ok(mlplat_registered_model_search(f->ml, &query, &doc, &err));
        assert_found(doc, "registered_models", "name", cases[i].want);
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_registered_model_create(f->ml, "m", NULL, NULL, &err));
    assert_status(mlplat_registered_model_get(f->ml, "x", &doc, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "'x'"));
    assert_status(mlplat_registered_model_update(f->ml, "x", "d", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_registered_model_delete(f->ml, "x", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_registered_model_set_tag(f->ml, "x", "k", "v", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_registered_model_delete_tag(f->ml, "x", "k", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_alias_delete(f->ml, "x", "a", &err), MLPLAT_NOT_FOUND);
    mlplat_search of_x = MLPLAT_SEARCH_INIT;
    of_x.model = "x";
    assert_status(mlplat_model_version_search(f->ml, &of_x, &doc, &err), MLPLAT_NOT_FOUND);
    static const char *const which[] = {"1", "latest", "@champion", "-1", "99999999999"};
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) {
        assert_status(mlplat_model_version_get(f->ml, "m", which[i], &doc, &err), MLPLAT_NOT_FOUND);
        assert_non_null(strstr(err.message, "'m'"));
        assert_status(mlplat_model_alias_set(f->ml, "m", "a", which[i], &err), MLPLAT_NOT_FOUND);
    }
    static const char *const wrong[] = {"", "one", "1.5", "@", "@a b", "v1", NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_status(mlplat_model_version_get(f->ml, "m", wrong[i], &doc, &err), MLPLAT_INVALID);
}

/* ---- aliases ----------------------------------------------------------------------------------------------------- */

static void an_alias_moves_in_one_step(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    add(f->ml, "m", "/1");
    add(f->ml, "m", "/2");
    assert_ok(mlplat_model_alias_set(f->ml, "m", "champion", "1", &err));
    assert_ok(mlplat_model_alias_set(f->ml, "m", "old", "@champion", &err));
    assert_ok(mlplat_model_alias_set(f->ml, "m", "champion", "latest", &err));
    assert_number(f->ml, "m", "@champion", "2");
    mlplat_doc *doc = model(f->ml, "m"), *one = version(f->ml, "m", "1");
    assert_int_equal(size_at(doc, "aliases"), 2);
    assert_text(doc, "aliases[0].alias", "champion");
    assert_text(doc, "aliases[0].version", "2");
    assert_int_equal(size_at(one, "aliases"), 1);
    assert_text(one, "aliases[0]", "old");
    mlplat_doc_free(doc);
    mlplat_doc_free(one);
    assert_ok(mlplat_model_alias_delete(f->ml, "m", "champion", &err));
    assert_ok(mlplat_model_alias_delete(f->ml, "m", "champion", &err));
    assert_status(mlplat_model_version_get(f->ml, "m", "@champion", &doc, &err), MLPLAT_NOT_FOUND);
}

static void aliases_follow_mlflows_rules(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *longest = repeat("a", 255), *over = repeat("a", 256);
    const struct {
        const char *alias;
        mlplat_status want;
    } cases[] = {
        {longest, MLPLAT_OK},       {over, MLPLAT_INVALID},     {"A-b_9", MLPLAT_OK},   {"9", MLPLAT_OK},
        {"v", MLPLAT_OK},           {"v1a", MLPLAT_OK},         {"v1", MLPLAT_INVALID}, {"V12", MLPLAT_INVALID},
        {"latest", MLPLAT_INVALID}, {"LATEST", MLPLAT_INVALID}, {"", MLPLAT_INVALID},   {"a b", MLPLAT_INVALID},
        {"a.b", MLPLAT_INVALID},    {"@a", MLPLAT_INVALID},     {NULL, MLPLAT_INVALID},
    };
    add(f->ml, "m", "/1");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_status(mlplat_model_alias_set(f->ml, "m", cases[i].alias, "1", &err), cases[i].want);
    free(longest);
    free(over);
}

/* ---- where versions come from ------------------------------------------------------------------------------------ */

static mlplat_run *run_with_model(fixture *f, char uri[200])
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    char file[200];
    assert_ok(mlplat_run_start(f->ml, NULL, &run, &err));
    snprintf(uri, 200, "runs:/%s/model", mlplat_run_id(run));
    snprintf(file, sizeof file, "%s/MLmodel", uri);
    assert_ok(mlplat_artifact_put_bytes(f->ml, "flavors: {}\n", 12, file, &err));
    return run;
}

static void assert_same_place(mlplat *ml, const char *one, const char *other)
{
    mlplat_error err = {0};
    char *a = NULL, *b = NULL;
    assert_ok(mlplat_artifact_resolve(ml, one, &a, &err));
    assert_ok(mlplat_artifact_resolve(ml, other, &b, &err));
    assert_string_equal(a, b);
    mlplat_free(a);
    mlplat_free(b);
}

static void a_version_knows_the_run_it_comes_from(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char uri[200];
    mlplat_run *run = run_with_model(f, uri);
    assert_int_equal(add(f->ml, "m", uri), 1);
    mlplat_doc *doc = version(f->ml, "m", "1");
    assert_text(doc, "source", uri);
    assert_text(doc, "run_id", mlplat_run_id(run));
    mlplat_doc_free(doc);
    assert_ok(mlplat_model_alias_set(f->ml, "m", "champion", "1", &err));
    assert_same_place(f->ml, "models:/m/1", uri);
    assert_same_place(f->ml, "models:/m@champion", uri);
    assert_same_place(f->ml, "models:/m/latest", uri);
    char file[220];
    snprintf(file, sizeof file, "%s/MLmodel", uri);
    assert_same_place(f->ml, "models:/m/1/MLmodel", file);
    assert_same_place(f->ml, "models:/m@champion/MLmodel", file);
    char *place = NULL;
    assert_status(mlplat_artifact_resolve(f->ml, "models:/m/@champion", &place, &err), MLPLAT_INVALID);
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
}

static void a_version_is_made_of_another(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char uri[200];
    mlplat_run *run = run_with_model(f, uri);
    add(f->ml, "dev", uri);
    assert_ok(mlplat_model_alias_set(f->ml, "dev", "good", "1", &err));
    assert_int_equal(add(f->ml, "prod", "models:/dev@good"), 1);
    mlplat_doc *doc = version(f->ml, "prod", "1");
    assert_text(doc, "source", "models:/dev/1"); /* the alias may move */
    assert_text(doc, "run_id", mlplat_run_id(run));
    mlplat_doc_free(doc);
    assert_ok(mlplat_registered_model_delete(f->ml, "dev", &err));
    assert_same_place(f->ml, "models:/prod/1", uri);
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
}

static void a_source_that_is_not_there_is_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    char empty[200];
    assert_ok(mlplat_run_start(f->ml, NULL, &run, &err));
    snprintf(empty, sizeof empty, "runs:/%s/model", mlplat_run_id(run));
    const mlplat_status no_model = registry_contract_old ? MLPLAT_UNSUPPORTED : MLPLAT_NOT_FOUND;
    const struct {
        const char *source;
        mlplat_status want;
    } cases[] = {
        {empty, MLPLAT_NOT_FOUND},
        {"runs:/00000000000000000000000000000000/model", MLPLAT_NOT_FOUND},
        {"models:/none/1", MLPLAT_NOT_FOUND},
        {"models:/m-00000000000000000000000000000000", no_model},
        {"models:/none/1/part", MLPLAT_INVALID},
        {"models:/none", no_model},
        {"models:/none@", MLPLAT_INVALID},
        {"models:/@champion", MLPLAT_INVALID},
        {"models:/", MLPLAT_INVALID},
        {"models://host/m/1", MLPLAT_INVALID},
        {"runs:/", MLPLAT_INVALID},
        {"s3://user:secret@host/m", MLPLAT_INVALID},
        {"", MLPLAT_INVALID},
        {NULL, MLPLAT_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(mlplat_model_version_create(f->ml, "m", cases[i].source, NULL, NULL, &err), cases[i].want);
        assert_null(strstr(err.message, "secret"));
    }
    assert_status(mlplat_registered_model_get(f->ml, "m", &doc, &err), MLPLAT_NOT_FOUND); /* nothing was made */
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
}

static void a_relative_path_becomes_absolute(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    if (registry_contract_by_rest) { /* a server takes a local path from a run alone */
        assert_status(mlplat_model_version_create(f->ml, "m", "some/model", NULL, NULL, &err), MLPLAT_INVALID);
        assert_non_null(strstr(err.message, "/some/model"));
        return;
    }
    add(f->ml, "m", "some/model");
    mlplat_doc *doc = version(f->ml, "m", "1");
    const char *source = "";
    assert_ok(mlplat_doc_string(doc, "source", &source, &err));
    assert_int_equal(source[0], '/');
    assert_string_equal(source + strlen(source) - 11, "/some/model");
    mlplat_doc_free(doc);
}

/* ---- many at once ------------------------------------------------------------------------------------------------ */

enum { THREADS = 4, EACH = 10 };

typedef struct worker {
    mlplat *ml;
    pthread_t thread;
    int64_t numbers[EACH];
    mlplat_status failed;
} worker;

static void *register_some(void *arg)
{
    worker *w = arg;
    for (int i = 0; i < EACH && !w->failed; i++)
        w->failed = mlplat_model_version_create(w->ml, "m", place("/m"), NULL, &w->numbers[i], NULL);
    return NULL;
}

static void threads_never_get_the_same_number(void **state)
{
    fixture *f = *state;
    worker workers[THREADS] = {{0}};
    bool seen[THREADS * EACH + 1] = {false};
    for (int t = 0; t < THREADS; t++) {
        workers[t].ml = f->ml;
        assert_int_equal(pthread_create(&workers[t].thread, NULL, register_some, &workers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(workers[t].thread, NULL);
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(workers[t].failed, MLPLAT_OK);
        for (int i = 0; i < EACH; i++) {
            int64_t n = workers[t].numbers[i];
            assert_true(n >= 1 && n <= THREADS * EACH && !seen[n]);
            seen[n] = true;
        }
    }
}

static void bad_options_are_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *over = repeat("x", 5001);
    const mlplat_model_version_options cases[] = {
        {0, NULL, NULL, NULL, NULL},
        {sizeof cases[0], "../x", NULL, NULL, NULL},
        {sizeof cases[0], "", NULL, NULL, NULL},
        {sizeof cases[0], "_a", NULL, NULL, NULL},
        {sizeof cases[0], "a\xff", NULL, NULL, NULL},
        {sizeof cases[0], NULL, over, NULL, NULL},
        {sizeof cases[0], NULL, NULL, "[]", NULL},
        {sizeof cases[0], NULL, NULL, "{\"a\": 1}", NULL},
        {sizeof cases[0], NULL, NULL, "{\"a\": ", NULL},
    };
    mlplat_doc *doc = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_status(mlplat_model_version_create(f->ml, "m", "/m", &cases[i], NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_registered_model_get(NULL, "m", &doc, &err), MLPLAT_INVALID);
    free(over);
}

int registry_contract_run(const char *store, registry_contract_open open)
{
    const struct CMUnitTest tests[] = {
        CASE(a_model_is_created_once),
        CASE(a_refused_model_leaves_nothing),
        CASE(names_follow_mlflows_rules),
        CASE(a_description_is_changed_and_limited),
        CASE(tags_are_set_replaced_and_removed),
        CASE(tags_follow_mlflows_rules),
        CASE(a_deleted_model_is_gone_with_all_it_had),
        CASE(models_are_listed_by_name_in_pages),
        CASE(bad_pages_are_refused),
        CASE(versions_count_up_and_make_their_model),
        CASE(a_version_names_a_run_as_runs_are_called),
        CASE(a_deleted_version_is_gone_and_its_number_too),
        CASE(versions_are_listed_newest_first_in_pages),
        CASE(versions_are_searched),
        CASE(prompts_are_found_when_asked_for),
        CASE(what_is_not_there_is_not_found),
        CASE(an_alias_moves_in_one_step),
        CASE(aliases_follow_mlflows_rules),
        CASE(a_version_knows_the_run_it_comes_from),
        CASE(a_version_is_made_of_another),
        CASE(a_source_that_is_not_there_is_refused),
        CASE(a_relative_path_becomes_absolute),
        CASE(threads_never_get_the_same_number),
        CASE(bad_options_are_refused),
    };
    open_store = open;
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
