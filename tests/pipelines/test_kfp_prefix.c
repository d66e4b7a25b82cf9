/* kfp's own Python components: an installation of kfp alone is left out where python3 can import it. */
#include "pipelines/pipeline_support.h"
#include "base/json.h"

static char *folder;
static mlplat *ml;

static int make(void **state)
{
    (void)state;
    folder = test_folder_make();
    ml = test_open(folder);
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    mlplat_close(ml);
    test_folder_remove(folder);
    return 0;
}

/* A python3 that can import everything, and writes down what it is asked for. */
static void plant_python(const char *asked)
{
    char bin[600], program[700], path[4000];
    snprintf(bin, sizeof bin, "%s/bin", folder);
    snprintf(program, sizeof program, "%s/python3", bin);
    assert_int_equal(mkdir(bin, 0777), 0);
    FILE *f = fopen(program, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\necho \"$@\" >> '%s'\n", asked);
    fclose(f);
    assert_int_equal(chmod(program, 0755), 0);
    snprintf(path, sizeof path, "%s:%.3000s", bin, getenv("PATH"));
    assert_int_equal(setenv("PATH", path, 1), 0);
}

/* As kfp compiles a Python component: the installation, then its runtime. */
static void run_with_prefix(const char *prefix)
{
    mlplat_error err = {0};
    json_t *json = json_pack("{s:{s:s}, s:s, s:{s:{s:{s:{s:s, s:[s, s, s, s, s, s]}}}}, s:{s:{s:s}}, "
                             "s:{s:{s:{s:{s:{s:s}, s:{s:s}}}}}}",
                             "pipelineInfo", "name", "python", "schemaVersion", "2.1.0", "deploymentSpec", "executors",
                             "e", "container", "image", "python:3.11", "command", "sh", "-c", prefix, "sh", "-c",
                             "python3 the-component # kfp.dsl.executor_main", "components", "c", "executorLabel", "e",
                             "root", "dag", "tasks", "t", "componentRef", "name", "c", "taskInfo", "name", "t");
    mlplat_doc *ir = NULL;
    assert_ok(mlp_doc_new(json, &ir, &err));
    assert_ok(mlplat_pipeline_run(ml, ir, NULL, NULL, &err));
    mlplat_doc_free(ir);
}

static void kfp_is_installed_only_where_it_is_not_there(void **state)
{
    static const struct {
        const char *prefix;
        bool installs;
    } cases[] = {
        {"python3 -m pip install 'kfp==2.9.0' '--no-deps' 'typing-extensions>=3.7' && \"$0\" \"$@\"", false},
        {"python3 -m pip install 'kfp==2.9.0' && python3 -m pip install 'pandas' && \"$0\" \"$@\"", true},
        {"python3 -m pip install 'kfp==2.9.0' 'pandas' && \"$0\" \"$@\"", true},
        {"\"$0\" \"$@\"", false},
    };
    char asked[600], *before = strdup(getenv("PATH"));
    (void)state;
    snprintf(asked, sizeof asked, "%s/asked", folder);
    plant_python(asked);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_with_prefix(cases[i].prefix);
        const char *text = await_text(asked);
        assert_non_null(strstr(text, "the-component"));
        if ((strstr(text, "-m pip install") != NULL) != cases[i].installs)
            fail_msg("%s: %s", cases[i].prefix, text);
        assert_int_equal(unlink(asked), 0);
    }
    assert_int_equal(setenv("PATH", before, 1), 0);
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kfp_is_installed_only_where_it_is_not_there, make, destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
