/* Versions on their way: stages, other names, copies. */
#include "contract/registry_fixture.h"

static void add_three(fixture *f)
{
    add(f->ml, "m", "/1");
    add(f->ml, "m", "/2");
    add(f->ml, "m", "/3");
}

static void move(fixture *f, const char *which, const char *stage, int archive)
{
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_model_version_transition(f->ml, "m", which, stage, archive, &doc, &err));
    mlplat_doc_free(doc);
}

static void assert_stage(fixture *f, const char *which, const char *want)
{
    mlplat_doc *doc = version(f->ml, "m", which);
    assert_text(doc, "current_stage", want);
    mlplat_doc_free(doc);
}

/* Where a URI leads. A place that no store of artifacts here knows is told in the refusal. */
static void assert_place(fixture *f, const char *uri, const char *path)
{
    char *is = NULL;
    mlplat_error err = {0};
    if (registry_contract_by_rest) {
        assert_status(mlplat_artifact_resolve(f->ml, uri, &is, &err), MLPLAT_UNSUPPORTED);
        assert_non_null(strstr(err.message, place(path)));
        return;
    }
    assert_ok(mlplat_artifact_resolve(f->ml, uri, &is, &err));
    assert_string_equal(is, path);
    mlplat_free(is);
}

/* ---- stages ------------------------------------------------------------------------------------------------------ */

static void a_version_moves_to_a_stage(void **state)
{
    fixture *f = *state;
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    add_three(f);
    assert_stage(f, "2", "None");
    assert_ok(mlplat_model_version_transition(f->ml, "m", "2", "pRODUCTION", 0, &doc, &err));
    assert_text(doc, "version", "2");
    assert_text(doc, "current_stage", "Production");
    assert_true(int_at(doc, "last_updated_timestamp") >= int_at(doc, "creation_timestamp"));
    mlplat_doc_free(doc);
    assert_number(f->ml, "m", "Production", "2");
    assert_number(f->ml, "m", "production", "2");
    assert_number(f->ml, "m", "None", "3");
    assert_place(f, "models:/m/Production", "/2");
    assert_place(f, "models:/m/none", "/3");
    assert_place(f, "models:/m/latest", "/3");
    assert_place(f, "models:/m@latest", "/3");
    assert_status(mlplat_model_version_delete(f->ml, "m", "Production", &err), MLPLAT_INVALID);
}

static void those_before_are_archived_when_asked(void **state)
{
    fixture *f = *state;
    add_three(f);
    move(f, "1", "Staging", 0);
    move(f, "2", "Staging", 0);
    assert_stage(f, "1", "Staging");
    move(f, "3", "Staging", 1);
    assert_stage(f, "1", "Archived");
    assert_stage(f, "2", "Archived");
    assert_stage(f, "3", "Staging");
    move(f, "3", "Staging", 1);
    assert_stage(f, "3", "Staging");
}

static void the_newest_of_each_stage_is_told(void **state)
{
    fixture *f = *state;
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    add_three(f);
    move(f, "1", "Staging", 0);
    move(f, "2", "Staging", 0);
    assert_ok(mlplat_model_alias_set(f->ml, "m", "champion", "2", &err));
    assert_ok(mlplat_model_version_latest(f->ml, "m", NULL, &doc, &err));
    assert_int_equal(size_at(doc, "model_versions"), 2);
    assert_text(doc, "model_versions[0].version", "2");
    assert_text(doc, "model_versions[0].aliases[0]", "champion");
    assert_text(doc, "model_versions[1].version", "3");
    mlplat_doc_free(doc);
    assert_ok(mlplat_model_version_latest(f->ml, "m", "production,STAGING", &doc, &err));
    assert_int_equal(size_at(doc, "model_versions"), 1);
    assert_text(doc, "model_versions[0].current_stage", "Staging");
    mlplat_doc_free(doc);
    assert_ok(mlplat_model_version_delete(f->ml, "m", "2", &err));
    assert_number(f->ml, "m", "Staging", "1");
    assert_ok(mlplat_model_version_latest(f->ml, "m", "Archived", &doc, &err));
    assert_int_equal(size_at(doc, "model_versions"), 0);
    mlplat_doc_free(doc);
}

static void bad_stages_are_refused(void **state)
{
    fixture *f = *state;
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    add_three(f);
    static const char *const wrong[] = {"", "Prod", "Deleted_Internal", " None", NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_status(mlplat_model_version_transition(f->ml, "m", "1", wrong[i], 0, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_model_version_transition(f->ml, "m", "1", "None", 1, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_model_version_transition(f->ml, "m", "1", "Archived", 1, &doc, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "Archived"));
    assert_status(mlplat_model_version_transition(f->ml, "m", "4", "Staging", 0, &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_version_transition(f->ml, "x", "1", "Staging", 0, &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_version_latest(f->ml, "m", "None,,Staging", &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_model_version_latest(f->ml, "x", NULL, &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_model_version_get(f->ml, "m", "Archived", &doc, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "Archived"));
    assert_null(doc);
    assert_stage(f, "1", "None");
}

/* ---- other names ------------------------------------------------------------------------------------------------- */

static void a_renamed_model_keeps_what_it_has(void **state)
{
    fixture *f = *state;
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    add_three(f);
    assert_ok(mlplat_registered_model_set_tag(f->ml, "m", "k", "v", &err));
    assert_ok(mlplat_model_version_set_tag(f->ml, "m", "2", "k", "v", &err));
    assert_ok(mlplat_model_alias_set(f->ml, "m", "champion", "2", &err));
    assert_ok(mlplat_model_version_delete(f->ml, "m", "3", &err));
    assert_ok(mlplat_registered_model_rename(f->ml, "m", "new", &err));
    assert_status(mlplat_registered_model_get(f->ml, "m", &doc, &err), MLPLAT_NOT_FOUND);
    doc = model(f->ml, "new");
    assert_text(doc, "tags[0].value", "v");
    assert_text(doc, "aliases[0].version", "2");
    mlplat_doc_free(doc);
    doc = version(f->ml, "new", "@champion");
    assert_text(doc, "name", "new");
    assert_text(doc, "tags[0].value", "v");
    mlplat_doc_free(doc);
    assert_int_equal(add(f->ml, "new", "/4"), 4); /* numbers go on */
    assert_int_equal(add(f->ml, "m", "/1"), 1);   /* and the old name is free */
}

static void a_name_that_is_taken_or_bad_is_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    add_three(f);
    add(f->ml, "o", "/o");
    assert_status(mlplat_registered_model_rename(f->ml, "m", "o", &err), MLPLAT_EXISTS);
    assert_non_null(strstr(err.message, "'o'"));
    assert_status(mlplat_registered_model_rename(f->ml, "m", "a/b", &err), MLPLAT_INVALID);
    assert_status(mlplat_registered_model_rename(f->ml, "m", "", &err), MLPLAT_INVALID);
    assert_status(mlplat_registered_model_rename(f->ml, "m", NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_registered_model_rename(f->ml, "x", "y", &err), MLPLAT_NOT_FOUND);
    assert_ok(mlplat_registered_model_rename(f->ml, "m", "m", &err));
    assert_number(f->ml, "m", "latest", "3");
    assert_number(f->ml, "o", "latest", "1");
}

/* ---- copies ------------------------------------------------------------------------------------------------------ */

static void a_copy_refers_to_the_version_it_was_made_of(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_model_version_options o = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    int64_t number = 0;
    o.run_id = "0123456789abcdef0123456789abcdef";
    o.description = "the first";
    o.tags = "{\"auc\": \"0.9\"}";
    o.run_link = "http://example.org/run";
    assert_ok(mlplat_model_version_create(f->ml, "m", place("/1"), &o, NULL, &err));
    assert_ok(mlplat_model_alias_set(f->ml, "m", "champion", "1", &err));
    assert_ok(mlplat_model_version_copy(f->ml, "models:/m@champion", "live", &number, &err));
    assert_int_equal(number, 1);
    mlplat_doc *doc = version(f->ml, "live", "1");
    assert_text(doc, "source", "models:/m/1");
    assert_text(doc, "run_id", o.run_id);
    assert_text(doc, "run_link", o.run_link);
    assert_text(doc, "description", "the first");
    assert_text(doc, "tags[0].key", "auc");
    assert_text(doc, "current_stage", "None");
    assert_int_equal(size_at(doc, "aliases"), 0);
    mlplat_doc_free(doc);
    assert_place(f, "models:/live/1", "/1");
    assert_ok(mlplat_model_version_copy(f->ml, "models:/live/1", "m", NULL, &err));
    assert_place(f, "models:/m/2", "/1");
    assert_ok(mlplat_registered_model_delete(f->ml, "live", &err));
    assert_place(f, "models:/m/2", "/1");
}

static void what_is_no_version_is_not_copied(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    add_three(f);
    add_prompt(f->ml, "prompt", "{\"mlflow.prompt.is_prompt\": \"true\"}");
    static const struct {
        const char *source, *to;
        mlplat_status want;
    } cases[] = {
        {"models:/m/9", "to", MLPLAT_NOT_FOUND},      {"models:/x/1", "to", MLPLAT_NOT_FOUND},
        {"models:/m@none", "to", MLPLAT_NOT_FOUND},   {"models:/m/Staging", "to", MLPLAT_NOT_FOUND},
        {"models:/m", "to", MLPLAT_INVALID},          {"models:/m/1/part", "to", MLPLAT_INVALID},
        {"models:/", "to", MLPLAT_INVALID},           {"runs:/0/model", "to", MLPLAT_INVALID},
        {"/some/path", "to", MLPLAT_INVALID},         {"", "to", MLPLAT_INVALID},
        {NULL, "to", MLPLAT_INVALID},                 {"models:/m/1", "a/b", MLPLAT_INVALID},
        {"models:/prompt/1", "to", MLPLAT_NOT_FOUND}, {"models:/m/1", NULL, MLPLAT_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_status(mlplat_model_version_copy(f->ml, cases[i].source, cases[i].to, NULL, &err), cases[i].want);
    assert_status(mlplat_registered_model_get(f->ml, "to", &doc, &err), MLPLAT_NOT_FOUND);
}

int promotion_contract_run(const char *store, registry_contract_open open)
{
    const struct CMUnitTest tests[] = {
        CASE(a_version_moves_to_a_stage),
        CASE(those_before_are_archived_when_asked),
        CASE(the_newest_of_each_stage_is_told),
        CASE(bad_stages_are_refused),
        CASE(a_renamed_model_keeps_what_it_has),
        CASE(a_name_that_is_taken_or_bad_is_refused),
        CASE(a_copy_refers_to_the_version_it_was_made_of),
        CASE(what_is_no_version_is_not_copied),
    };
    open_store = open;
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
