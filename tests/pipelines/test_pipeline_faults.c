/* Pipelines when memory runs out: every allocation of building and reading fails once, and many of running. */
#include "pipelines/pipeline_support.h"
#include "support/scarce_memory.h"
#include <jansson.h>

static int be_scarce(void **state)
{
    (void)state;
    test_clear_environment();
    scarce_memory_on();
    return 0;
}

static int be_plenty(void **state)
{
    (void)state;
    scarce_memory_off();
    return 0;
}

static mlplat_status make_component(const char *const *argv, size_t argc, mlplat_component **out, mlplat_error *err)
{
    mlplat_status s = mlplat_component_container("part", "alpine", argv, argc, out, err);
    if (s == MLPLAT_OK)
        s = mlplat_component_input(*out, "n", "Integer", "1", err);
    if (s == MLPLAT_OK)
        s = mlplat_component_input(*out, "from", "Dataset", NULL, err);
    if (s == MLPLAT_OK)
        s = mlplat_component_output(*out, "to", "Dataset", err);
    return s == MLPLAT_OK ? mlplat_component_env(*out, "A", "b", err) : s;
}

/* A component, printed, loaded back, and a pipeline of two of it, checked. */
static mlplat_status build_all(mlplat_doc **ir, mlplat_error *err)
{
    const char *first[] = {beside("pipeline_tool"), "write", "{{$.outputs.artifacts['to'].path}}", "text"};
    const char *second[] = {beside("pipeline_tool"), "copy", "{{$.inputs.artifacts['from'].path}}",
                            "{{$.outputs.artifacts['to'].path}}"};
    mlplat_component *source = NULL, *c = NULL, *loaded = NULL;
    mlplat_doc *spec = NULL;
    mlplat_pipeline *p = NULL;
    mlplat_task *a = NULL, *b = NULL;
    char *yaml = NULL;
    mlplat_status s = mlplat_component_container("source", "alpine", first, 4, &source, err);
    if (s == MLPLAT_OK)
        s = mlplat_component_output(source, "to", "Dataset", err);
    if (s == MLPLAT_OK)
        s = make_component(second, 4, &c, err);
    if (s == MLPLAT_OK)
        s = mlplat_component_spec(c, &spec, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_yaml(spec, &yaml, err);
    if (s == MLPLAT_OK)
        s = mlplat_component_load(yaml, strlen(yaml), &loaded, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_new("scarce", "what it is for", &p, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_input(p, "n", "Integer", "3", err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_task(p, source, NULL, &a, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_task(p, loaded, NULL, &b, err);
    if (s == MLPLAT_OK)
        s = mlplat_task_connect(b, "from", a, "to", err);
    if (s == MLPLAT_OK)
        s = mlplat_task_set(b, "n", "2", err);
    if (s == MLPLAT_OK)
        s = mlplat_task_set_input(b, "n", "n", err);
    if (s == MLPLAT_OK)
        s = mlplat_task_after(b, a, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_compile(p, ir, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_validate(*ir, err);
    mlplat_component_free(source);
    mlplat_component_free(c);
    mlplat_component_free(loaded);
    mlplat_doc_free(spec);
    mlplat_pipeline_free(p);
    mlplat_free(yaml);
    return s;
}

/* @param strict  a failure must be NO_MEMORY; jansson's own parser takes some of its for faults of the text */
static void build_with_failures(bool strict)
{
    bool reached = true;
    mlplat_error err = {0};
    mlplat_doc *whole = NULL;
    assert_ok(build_all(&whole, &err));
    for (long nth = 0; reached; nth++) {
        mlplat_doc *ir = NULL;
        err = (mlplat_error){0};
        scarce_memory_arm_any(nth);
        mlplat_status s = build_all(&ir, &err);
        reached = scarce_memory_disarm();
        if (s != MLPLAT_OK && (!reached || (strict && s != MLPLAT_NO_MEMORY)))
            fail_msg("allocation %ld: %s: %s", nth, mlplat_status_name(s), err.message);
        if (s == MLPLAT_OK)
            assert_string_equal(mlplat_doc_text(ir), mlplat_doc_text(whole)); /* all of it or an error */
        mlplat_doc_free(ir);
    }
    mlplat_doc_free(whole);
}

static void building_without_memory_is_answered(void **state)
{
    (void)state;
    build_with_failures(true);
}

static void documents_without_memory_are_answered(void **state)
{
    (void)state;
    scarce_memory_on_all();
    mlplat_set_allocator(NULL, NULL, NULL); /* jansson's alone */
    build_with_failures(false);
}

/* A run that lacks memory once ends: well (what failed was not needed), or with the task or the whole failed; never
 * with a step left behind, which would still hold the store's folder. */
static void running_without_memory_ends(void **state)
{
    mlplat_error err = {0};
    mlplat_doc *ir = NULL;
    bool reached = true;
    (void)state;
    assert_ok(build_all(&ir, &err));
    for (long nth = 0; reached; nth += 23) {
        char uri[1100];
        char *folder = test_folder_make();
        mlplat *ml = NULL;
        mlplat_doc *result = NULL;
        mlplat_options options = MLPLAT_OPTIONS_INIT;
        snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", folder);
        options.tracking_uri = uri;
        assert_ok(mlplat_open(&options, &ml, &err));
        assert_ok(mlplat_store_create(ml, NULL, NULL, &err));
        scarce_memory_arm_any(nth);
        mlplat_status s = mlplat_pipeline_run(ml, ir, NULL, &result, &err);
        reached = scarce_memory_disarm();
        if (s != MLPLAT_OK && (!reached || (s != MLPLAT_NO_MEMORY && s != MLPLAT_STATE)))
            fail_msg("allocation %ld: %s: %s", nth, mlplat_status_name(s), err.message);
        if (result && s == MLPLAT_OK)
            assert_string_equal(text_at(result, "state"), "SUCCEEDED");
        else if (result)
            assert_string_equal(text_at(result, "state"), "FAILED");
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
        mlplat_doc_free(result);
        mlplat_close(ml);
        test_folder_remove(folder);
    }
    mlplat_doc_free(ir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, be_scarce, be_plenty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(building_without_memory_is_answered),
        TEST(documents_without_memory_are_answered),
        TEST(running_without_memory_ends),
    };
    return cmocka_run_group_tests_name("pipeline_faults", tests, NULL, NULL);
}
