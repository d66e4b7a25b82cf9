/* Prompts: texts and chats with versions, aliases and tags. */
#include "contract/registry_fixture.h"

static int64_t write_prompt(fixture *f, const char *name, const char *text, const mlplat_prompt_options *o)
{
    int64_t number = 0;
    mlplat_error err = {0};
    assert_ok(mlplat_prompt_register(f->ml, name, text, o, &number, &err));
    return number;
}

static mlplat_doc *load(fixture *f, const char *uri)
{
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_prompt_load(f->ml, uri, &doc, &err));
    return doc;
}

static void assert_template(fixture *f, const char *uri, const char *want)
{
    mlplat_doc *doc = load(f, uri);
    assert_text(doc, "template", want);
    mlplat_doc_free(doc);
}

static void a_prompt_is_made_with_its_first_version(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
    o.commit_message = "the first";
    o.tags = "{\"team\": \"risk\"}";
    assert_int_equal(write_prompt(f, "greet", "Hello {{ name }}, {{title}} {{name}}", &o), 1);
    mlplat_doc *doc = load(f, "prompts:/greet/1");
    assert_text(doc, "name", "greet");
    assert_text(doc, "version", "1");
    assert_text(doc, "type", "text");
    assert_text(doc, "template", "Hello {{ name }}, {{title}} {{name}}");
    assert_text(doc, "commit_message", "the first");
    assert_int_equal(size_at(doc, "variables"), 2);
    assert_text(doc, "variables[0]", "name");
    assert_text(doc, "variables[1]", "title");
    assert_int_equal(size_at(doc, "tags"), 1); /* those that make it a prompt are not shown */
    assert_text(doc, "tags[0].value", "risk");
    mlplat_doc_free(doc);
    assert_ok(mlplat_prompt_get(f->ml, "greet", &doc, &err));
    assert_text(doc, "description", "the first");
    assert_text(doc, "tags[0].key", "_mlflow_experiment_ids");
    assert_text(doc, "tags[0].value", ",0,");
    assert_text(doc, "tags[1].key", "team");
    mlplat_doc_free(doc);
}

static void versions_and_aliases_of_a_prompt(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    write_prompt(f, "p", "one", NULL);
    assert_int_equal(write_prompt(f, "p", "two", NULL), 2);
    assert_ok(mlplat_model_alias_set(f->ml, "p", "live", "1", &err));
    assert_template(f, "p", "two");
    assert_template(f, "prompts:/p@latest", "two");
    assert_template(f, "prompts:/p@live", "one");
    assert_ok(mlplat_prompt_version_get(f->ml, "p", "@live", &doc, &err));
    assert_text(doc, "aliases[0]", "live");
    mlplat_doc_free(doc);
    assert_ok(mlplat_model_version_delete(f->ml, "p", "2", &err));
    assert_template(f, "p", "one");
    assert_int_equal(write_prompt(f, "p", "three", NULL), 3);
    assert_ok(mlplat_registered_model_delete(f->ml, "p", &err));
    assert_status(mlplat_prompt_get(f->ml, "p", &doc, &err), MLPLAT_NOT_FOUND);
}

static void a_chat_with_all_that_belongs_to_it(void **state)
{
    fixture *f = *state;
    mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
    double number = 0;
    mlplat_error err = {0};
    o.chat = 1;
    o.response_format = "{\"type\": \"object\"}";
    o.model_config = "{\"temperature\": 1, \"max_tokens\": 8.0, \"top_k\": null, \"own\": [1]}";
    write_prompt(f, "chat",
                 "[{\"role\": \"user\", \"content\": \"{{ b }}\"}, {\"role\": \"assistant\", \"content\": null}]", &o);
    mlplat_doc *doc = load(f, "chat");
    assert_text(doc, "type", "chat");
    assert_int_equal(size_at(doc, "template"), 2);
    assert_text(doc, "template[0].content", "{{ b }}");
    assert_text(doc, "variables[0]", "b");
    assert_text(doc, "response_format.type", "object");
    assert_ok(mlplat_doc_double(doc, "model_config.temperature", &number, &err));
    assert_true(number == 1);
    assert_int_equal(int_at(doc, "model_config.max_tokens"), 8);
    assert_int_equal(size_at(doc, "model_config.own"), 1);
    assert_int_equal(size_at(doc, "model_config"), 3);
    mlplat_doc_free(doc);
    assert_ok(mlplat_prompt_version_set_config(f->ml, "chat", "latest", "{\"top_k\": 3}", &err));
    doc = load(f, "chat");
    assert_int_equal(int_at(doc, "model_config.top_k"), 3);
    assert_int_equal(size_at(doc, "model_config"), 1);
    mlplat_doc_free(doc);
    assert_ok(mlplat_prompt_version_set_config(f->ml, "chat", "1", "{\"top_k\": null}", &err));
    doc = load(f, "chat");
    assert_int_equal(size_at(doc, "model_config"), 0); /* of nothing but nulls MLflow keeps an empty object */
    mlplat_doc_free(doc);
    assert_ok(mlplat_prompt_version_set_config(f->ml, "chat", "1", NULL, &err));
    doc = load(f, "chat");
    assert_int_equal(mlplat_doc_size(doc, "model_config", &(size_t){0}, &err), MLPLAT_NOT_FOUND);
    mlplat_doc_free(doc);
    assert_status(mlplat_prompt_version_set_config(f->ml, "chat", "1", "{\"top_k\": 0}", &err), MLPLAT_INVALID);
    assert_status(mlplat_prompt_version_set_config(f->ml, "chat", "2", "{}", &err), MLPLAT_NOT_FOUND);
}

static void a_prompt_belongs_to_experiments(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    static const char *const ids[] = {"12", "2", "12", "1", "2"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
        o.experiment_id = ids[i];
        write_prompt(f, "p", "text", &o);
    }
    assert_ok(mlplat_prompt_get(f->ml, "p", &doc, &err));
    assert_text(doc, "tags[0].value", ",12,2,1,");
    mlplat_doc_free(doc);
}

static void a_model_is_no_prompt_and_a_prompt_no_model(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    add(f->ml, "m", "/m");
    write_prompt(f, "p", "text", NULL);
    assert_ok(mlplat_prompt_create(f->ml, "empty", "words", "{\"a\": \"b\"}", &err));
    assert_status(mlplat_prompt_create(f->ml, "m", NULL, NULL, &err), MLPLAT_EXISTS);
    assert_status(mlplat_prompt_register(f->ml, "m", "text", NULL, NULL, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "'m'"));
    assert_status(mlplat_prompt_get(f->ml, "m", &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_prompt_load(f->ml, "prompts:/m/1", &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_registered_model_create(f->ml, "p", NULL, NULL, &err), MLPLAT_EXISTS);
    assert_status(mlplat_prompt_load(f->ml, "empty", &doc, &err), MLPLAT_NOT_FOUND);
    assert_int_equal(write_prompt(f, "empty", "first", NULL), 1);
}

static void what_is_no_prompt_is_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *longest = calloc(100002, 1);
    memset(longest, 'x', 100001);
    const struct {
        const char *name, *text;
        mlplat_prompt_options o;
    } cases[] = {
        {"p", longest, MLPLAT_PROMPT_OPTIONS_INIT},
        {"p", NULL, MLPLAT_PROMPT_OPTIONS_INIT},
        {"p", "\xff", MLPLAT_PROMPT_OPTIONS_INIT},
        {"a b", "text", MLPLAT_PROMPT_OPTIONS_INIT},
        {"", "text", MLPLAT_PROMPT_OPTIONS_INIT},
        {NULL, "text", MLPLAT_PROMPT_OPTIONS_INIT},
        {"p", "text", {0}},
        {"p", "text", {sizeof(mlplat_prompt_options), .tags = "[]"}},
        {"p", "text", {sizeof(mlplat_prompt_options), .chat = 1}},
        {"p", "{}", {sizeof(mlplat_prompt_options), .chat = 1}},
        {"p", "[1]", {sizeof(mlplat_prompt_options), .chat = 1}},
        {"p", "[{\"role\": \"user\", \"content\": 1}]", {sizeof(mlplat_prompt_options), .chat = 1}},
        {"p", "[{\"content\": \"x\"}]", {sizeof(mlplat_prompt_options), .chat = 1}},
        {"p", "text", {sizeof(mlplat_prompt_options), .response_format = "1"}},
        {"p", "text", {sizeof(mlplat_prompt_options), .model_config = "{"}},
        {"p", "text", {sizeof(mlplat_prompt_options), .model_config = "{\"top_p\": 2}"}},
        {"p", "text", {sizeof(mlplat_prompt_options), .model_config = "{\"max_tokens\": 1.5}"}},
        {"p", "text", {sizeof(mlplat_prompt_options), .model_config = "{\"stop_sequences\": [1]}"}},
        {"p", "text", {sizeof(mlplat_prompt_options), .experiment_id = "one"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_status(mlplat_prompt_register(f->ml, cases[i].name, cases[i].text, &cases[i].o, NULL, &err),
                      MLPLAT_INVALID);
    assert_status(mlplat_prompt_get(f->ml, "p", &doc, &err), MLPLAT_NOT_FOUND); /* nothing is left */
    free(longest);
}

static void uris_of_prompts(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    write_prompt(f, "p", "text", NULL);
    static const struct {
        const char *uri;
        mlplat_status want;
    } cases[] = {
        {"p", MLPLAT_OK},
        {"prompts:/p/1", MLPLAT_OK},
        {"prompts:/p@latest", MLPLAT_OK},
        {"prompts:/p/2", MLPLAT_NOT_FOUND},
        {"prompts:/p@none", MLPLAT_NOT_FOUND},
        {"prompts:/none/1", MLPLAT_NOT_FOUND},
        {"none", MLPLAT_NOT_FOUND},
        {"prompts:/", MLPLAT_INVALID},
        {"prompts:/p", MLPLAT_INVALID},
        {"prompts:/p/", MLPLAT_INVALID},
        {"prompts:/p/latest", MLPLAT_INVALID},
        {"prompts:/p/1/2", MLPLAT_INVALID},
        {"prompts:/p@", MLPLAT_INVALID},
        {"prompts:/@live", MLPLAT_INVALID},
        {"models:/p/1", MLPLAT_INVALID},
        {"", MLPLAT_INVALID},
        {NULL, MLPLAT_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(mlplat_prompt_load(f->ml, cases[i].uri, &doc, &err), cases[i].want);
        mlplat_doc_free(doc);
    }
}

static void assert_found(fixture *f, const mlplat_search *query, const char *want)
{
    char names[200] = "", path[64];
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    const char *name = NULL;
    assert_ok(mlplat_prompt_search(f->ml, query, &doc, &err));
    for (size_t i = 0, n = size_at(doc, "prompts"); i < n; i++) {
        snprintf(path, sizeof path, "prompts[%zu].name", i);
        assert_ok(mlplat_doc_string(doc, path, &name, &err));
        strcat(strcat(names, i ? " " : ""), name);
    }
    assert_string_equal(names, want);
    mlplat_doc_free(doc);
}

static void prompts_are_searched(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
    add(f->ml, "model", "/m");
    write_prompt(f, "a", "text", NULL);
    o.experiment_id = "12";
    o.tags = "{\"team\": \"risk\"}";
    write_prompt(f, "b", "text", &o);
    assert_ok(mlplat_prompt_create(f->ml, "c", NULL, NULL, &err));
    const struct {
        const char *filter, *order_by, *want;
    } cases[] = {
        {NULL, NULL, "a b c"},
        {"", "name DESC", "c b a"},
        {"tags.team = 'risk'", NULL, "b"},
        {"name LIKE '%'", NULL, "a b c"},
        {"experiment_id = '0'", NULL, "a"},
        {"experiment_id=\"12\" AND name = 'b'", NULL, "b"},
        {"name != 'b' AND experiment_id = '12'", NULL, ""},
        {"experiment_id = '2'", NULL, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_search query = MLPLAT_SEARCH_INIT;
        query.filter = cases[i].filter;
        query.order_by = cases[i].order_by;
        assert_found(f, &query, cases[i].want);
    }
    static const char *const wrong[] = {"experiment_id = 'x'", "experiment_id", "name", "foo = 'bar'"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mlplat_search query = MLPLAT_SEARCH_INIT;
        query.filter = wrong[i];
        assert_status(mlplat_prompt_search(f->ml, &query, &doc, &err), MLPLAT_INVALID);
    }
    assert_null(doc);
}

static void versions_of_a_prompt_come_in_pages(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *first = NULL, *rest = NULL;
    mlplat_search query = MLPLAT_SEARCH_INIT;
    write_prompt(f, "p", "one", NULL);
    write_prompt(f, "p", "two", NULL);
    write_prompt(f, "p", "three", NULL);
    query.max_results = 2;
    assert_ok(mlplat_prompt_version_search(f->ml, "p", &query, &first, &err));
    assert_int_equal(size_at(first, "prompt_versions"), 2);
    assert_text(first, "prompt_versions[0].template", "three");
    assert_ok(mlplat_doc_string(first, "next_page_token", &query.page_token, &err));
    assert_ok(mlplat_prompt_version_search(f->ml, "p", &query, &rest, &err));
    assert_int_equal(size_at(rest, "prompt_versions"), 1);
    assert_text(rest, "prompt_versions[0].version", "1");
    mlplat_doc_free(first);
    mlplat_doc_free(rest);
    first = NULL;
    add(f->ml, "m", "/m");
    assert_status(mlplat_prompt_version_search(f->ml, "m", NULL, &first, &err), MLPLAT_INVALID);
    assert_status(mlplat_prompt_version_search(f->ml, "none", NULL, &first, &err), MLPLAT_NOT_FOUND);
    query.page_token = NULL;
    query.filter = "name = 'p'";
    assert_status(mlplat_prompt_version_search(f->ml, "p", &query, &first, &err), MLPLAT_INVALID);
    assert_null(first);
}

static void a_text_is_filled(void **state)
{
    (void)state;
    mlplat_error err = {0};
    static const struct {
        const char *text, *values;
        int partial;
        mlplat_status want;
        const char *filled;
    } cases[] = {
        {"Hello {{ name }}", "{\"name\": \"you\"}", 0, MLPLAT_OK, "Hello you"},
        {"{{a}}{{b}}{{a}}", "{\"a\": \"{{b}}\", \"b\": \"\"}", 0, MLPLAT_OK, "{{b}}{{b}}"},
        {"{{a.b}} {{ _c }}", "{\"a.b\": \"1\", \"_c\": \"2\", \"more\": \"3\"}", 0, MLPLAT_OK, "1 2"},
        {"{{a}} {{ b }}", "{\"a\": \"1\"}", 1, MLPLAT_OK, "1 {{ b }}"},
        {"{{a}} {{ b }}", "{\"a\": \"1\"}", 0, MLPLAT_INVALID, "'b'"},
        {"{{1}} {{a-b}} {{}} {a}", NULL, 0, MLPLAT_OK, "{{1}} {{a-b}} {{}} {a}"},
        {"{{{a}}}", "{\"a\": \"1\"}", 0, MLPLAT_OK, "{1}"},
        {"{{\xc2\xa0" "a\n}}", "{\"a\": \"1\"}", 0, MLPLAT_OK, "1"},
        {"", "{}", 0, MLPLAT_OK, ""},
        {"{% if a %}{{a}}{% endif %}", "{\"a\": \"1\"}", 0, MLPLAT_UNSUPPORTED, "Jinja"},
        {"{{a}}", "{\"a\": 1}", 0, MLPLAT_INVALID, "values"},
        {"\xff", "{}", 0, MLPLAT_INVALID, "UTF-8"},
        {NULL, "{}", 0, MLPLAT_INVALID, "missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *out = NULL;
        assert_status(mlplat_prompt_format(cases[i].text, cases[i].values, cases[i].partial, &out, &err),
                      cases[i].want);
        if (cases[i].want == MLPLAT_OK)
            assert_string_equal(out, cases[i].filled);
        else
            assert_non_null(strstr(err.message, cases[i].filled));
        mlplat_free(out);
    }
}

static void an_old_store_says_what_it_lacks(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_status(mlplat_prompt_create(f->ml, "p", NULL, NULL, &err), MLPLAT_UNSUPPORTED);
    assert_status(mlplat_prompt_register(f->ml, "p", "text", NULL, NULL, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "MLflow 2.21"));
    assert_status(mlplat_registered_model_get(f->ml, "p", &doc, &err), MLPLAT_NOT_FOUND); /* nothing is left */
    assert_null(doc);
}

static int run_old(const char *store)
{
    const struct CMUnitTest tests[] = {CASE(an_old_store_says_what_it_lacks)};
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}

int prompts_contract_run(const char *store, registry_contract_open open)
{
    const struct CMUnitTest tests[] = {
        CASE(a_prompt_is_made_with_its_first_version),
        CASE(versions_and_aliases_of_a_prompt),
        CASE(a_chat_with_all_that_belongs_to_it),
        CASE(a_prompt_belongs_to_experiments),
        CASE(a_model_is_no_prompt_and_a_prompt_no_model),
        CASE(what_is_no_prompt_is_refused),
        CASE(uris_of_prompts),
        CASE(prompts_are_searched),
        CASE(versions_of_a_prompt_come_in_pages),
        CASE(a_text_is_filled),
    };
    open_store = open;
    if (registry_contract_old)
        return run_old(store);
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
