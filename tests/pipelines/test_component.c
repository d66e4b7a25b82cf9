/* A program of component.h, seen from outside. */
#include "pipelines/pipeline_support.h"

static char *folder;

static int make(void **state)
{
    (void)state;
    test_clear_environment();
    folder = test_folder_make();
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

#define RUN(...) run_program(folder, (char *const[]){(char *)(uintptr_t)beside("pipeline_step"), __VA_ARGS__, NULL})

static const char *out(void)
{
    return read_text(test_path(folder, "out"));
}

static const char *complaint(void)
{
    return read_text(test_path(folder, "err"));
}

static void it_runs_by_hand(void **state)
{
    (void)state;
    assert_int_equal(RUN("--a", "2", "--b=40", "--note", "made/note.txt"), 0);
    assert_string_equal(out(), "sum=42\n");
    assert_string_equal(complaint(), "");
    assert_string_equal(read_text(test_path(folder, "made/note.txt")), "sum is 42\n");
}

static void wrong_calls_end_with_2_and_one_line(void **state)
{
    static const struct {
        const char *a, *b, *c, *says;
    } cases[] = {
        {"--a", "x", NULL, "--a must be an integer"},
        {"--a", "9007199254740993", NULL, "--a is beyond"},
        {"--a", NULL, NULL, "--a needs a value"},
        {"--note", "n", NULL, "--a is needed"},
        {"--a", "1", NULL, "--note is needed"},
        {"--nope", "1", NULL, "--nope"},
        {"plain", NULL, NULL, "plain"},
        {"--sum", "1", NULL, "printed"},
        {"--executor_input", "{", NULL, "--executor_input"},
        {"--executor_input", "{}", NULL, "outputFile"},
        {"--executor_input", "{\"outputs\":{\"outputFile\":\"o\"}}", NULL, "'a' has no value"},
        {"--executor_input", "{\"inputs\":{\"parameterValues\":{\"a\":\"1\"}},\"outputs\":{\"outputFile\":\"o\"}}",
         NULL, "'a' must be"},
        {"--executor_input",
         "{\"inputs\":{\"parameterValues\":{\"a\":9007199254740993}},\"outputs\":{\"outputFile\":\"o\"}}", NULL,
         "'a' is beyond"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(RUN((char *)(uintptr_t)cases[i].a, (char *)(uintptr_t)cases[i].b), 2);
        const char *line = complaint();
        if (!strstr(line, cases[i].says) || strncmp(line, "add_numbers: error: ", 20) != 0)
            fail_msg("%s %s: %s", cases[i].a, cases[i].b ? cases[i].b : "", line);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        assert_string_equal(out(), "");
    }
}

static void what_a_body_asks_for_and_is_not_there_is_refused(void **state)
{
    (void)state;
    assert_int_equal(RUN("--a", "2", "--b=40", "--note", "note.txt", "--mode", "wrong"), 0);
    assert_string_equal(out(), "sum=42\n"); /* and one more for each that was not */
    assert_string_equal(complaint(), "");
}

static void a_failing_body_ends_with_1(void **state)
{
    (void)state;
    assert_int_equal(RUN("--a", "2", "--note", "n", "--mode", "fail"), 1);
    assert_string_equal(complaint(), "add_numbers: error: the body was told to fail\n");
    assert_string_equal(out(), "");
    assert_int_equal(RUN("--a", "2", "--note", "n", "--mode", "silent"), 1);
    assert_string_equal(complaint(), "add_numbers: error: output parameter 'sum' was not set\n");
}

static void help_names_every_port(void **state)
{
    static const char *const names[] = {
        "adds two numbers", "--a Integer", "[--b Integer]", "first number", "sum", "note", "Dataset"};
    (void)state;
    assert_int_equal(RUN("--help"), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strstr(out(), names[i]))
            fail_msg("no '%s' in %s", names[i], out());
}

static void it_prints_its_specification(void **state)
{
    mlplat_error err = {0};
    mlplat_component *c = NULL;
    mlplat_doc *spec = NULL;
    int64_t b = 0;
    (void)state;
    assert_int_equal(RUN("--component-spec"), 0);
    assert_ok(mlplat_component_load(out(), strlen(out()), &c, &err));
    assert_ok(mlplat_component_spec(c, &spec, &err));
    assert_string_equal(text_at(spec, "pipelineInfo.name"), "add-numbers");
    assert_string_equal(text_at(spec, "pipelineInfo.description"), "adds two numbers");
    assert_string_equal(text_at(spec, "deploymentSpec.executors.exec-add-numbers.container.command[0]"),
                        "pipeline_step");
    assert_string_equal(text_at(spec, "deploymentSpec.executors.exec-add-numbers.container.args[1]"), "{{$}}");
    assert_ok(mlplat_doc_int(spec, "components.comp-add-numbers.inputDefinitions.parameters.b.defaultValue", &b, &err));
    assert_int_equal(b, 1);
    mlplat_doc_free(spec);
    mlplat_component_free(c);
}

#define ANSWER "answer/output.json"

static void kfps_launcher_gets_its_answer(void **state)
{
    char input[4096];
    mlplat_error err = {0};
    mlplat_doc *answer = NULL;
    int64_t sum = 0;
    (void)state;
    /* as protojson writes: numbers as doubles, spaces anywhere, unknown members, no default filled in */
    snprintf(input, sizeof input,
             "{ \"inputs\":  {\"parameterValues\": {\"a\": 4.0e1, \"b\":2}}, "
             "\"outputs\":{\"artifacts\":{\"note\":{\"artifacts\":"
             "[{\"name\":\"n\",\"uri\":\"%s/deep/"
             "note\",\"type\":{\"schemaTitle\":\"system.Dataset\"},\"metadata\":{\"old\":1}}]}},"
             "\"parameters\":{\"sum\":{\"outputFile\":\"%s/sum\"}}, \"outputFile\":\"%s/" ANSWER "\"}, \"more\":[] }",
             folder, folder, folder);
    assert_int_equal(RUN("--executor_input", input), 0);
    assert_string_equal(out(), "");
    const char *text = read_text(test_path(folder, ANSWER));
    assert_non_null(text);
    answer = parse(text);
    assert_ok(mlplat_doc_int(answer, "parameterValues.sum", &sum, &err));
    assert_int_equal(sum, 42);
    assert_ok(mlplat_doc_int(answer, "artifacts.note.artifacts[0].metadata.sum", &sum, &err));
    assert_int_equal(sum, 42);
    assert_ok(mlplat_doc_int(answer, "artifacts.note.artifacts[0].metadata.old", &sum, &err));
    assert_string_equal(text_at(answer, "artifacts.note.artifacts[0].name"), "n");
    mlplat_doc_free(answer);
    assert_string_equal(read_text(test_path(folder, "deep/note")), "sum is 42\n");
}

static void a_failing_body_writes_no_answer(void **state)
{
    char input[2048];
    (void)state;
    snprintf(input, sizeof input,
             "{\"inputs\":{\"parameterValues\":{\"a\":1,\"mode\":\"fail\"}},\"outputs\":{\"outputFile\":\"%s/" ANSWER
             "\"}}",
             folder);
    assert_int_equal(RUN("--executor_input", input), 1);
    assert_null(read_text(test_path(folder, ANSWER)));
}

static void a_program_becomes_a_component(void **state)
{
    mlplat_error err = {0};
    mlplat_component *c = NULL;
    mlplat_doc *spec = NULL;
    const char *program[] = {beside("pipeline_step"), NULL};
    (void)state;
    assert_ok(mlplat_component_program(program, NULL, &c, &err));
    assert_ok(mlplat_component_spec(c, &spec, &err));
    assert_string_equal(text_at(spec, "deploymentSpec.executors.exec-add-numbers.container.command[0]"), program[0]);
    assert_string_equal(text_at(spec, "deploymentSpec.executors.exec-add-numbers.container.image"), "mlplat-local");
    mlplat_doc_free(spec);
    mlplat_component_free(c);
    assert_ok(mlplat_component_program(program, "registry/image:1", &c, &err));
    assert_ok(mlplat_component_spec(c, &spec, &err));
    assert_string_equal(text_at(spec, "deploymentSpec.executors.exec-add-numbers.container.command[0]"),
                        "pipeline_step");
    assert_string_equal(text_at(spec, "deploymentSpec.executors.exec-add-numbers.container.image"), "registry/image:1");
    mlplat_doc_free(spec);
    mlplat_component_free(c);
}

/* 128 characters are kept, none of which is a dash at the end: that would be another name when it is read again. */
static void a_long_name_is_cut_to_one_that_stays(void **state)
{
    static const char form[] = "{\"pipelineInfo\":{\"name\":\"%s b\"},\"schemaVersion\":\"2.1.0\","
                               "\"components\":{\"c\":{\"executorLabel\":\"e\"}},\"deploymentSpec\":{\"executors\":"
                               "{\"e\":{\"container\":{\"image\":\"i\",\"command\":[\"c\"]}}}},\"root\":{\"dag\":"
                               "{\"tasks\":{\"c\":{\"taskInfo\":{\"name\":\"c\"},\"componentRef\":"
                               "{\"name\":\"c\"}}}}}}";
    mlplat_error err = {0};
    mlplat_component *c = NULL;
    mlplat_doc *spec = NULL;
    char name[128], text[1000];
    (void)state;
    memset(name, 'a', 127);
    name[127] = 0;
    snprintf(text, sizeof text, form, name);
    assert_ok(mlplat_component_load(text, strlen(text), &c, &err));
    assert_ok(mlplat_component_spec(c, &spec, &err));
    assert_string_equal(text_at(spec, "pipelineInfo.name"), name);
    mlplat_doc_free(spec);
    mlplat_component_free(c);
}

static void what_is_no_component_is_refused(void **state)
{
    mlplat_error err;
    mlplat_component *c = NULL;
    char file[1024];
    snprintf(file, sizeof file, "%s/plain", folder);
    FILE *f = fopen(file, "w");
    (void)state;
    fputs("text\n", f);
    fclose(f);
    assert_status(mlplat_component_program((const char *[]){"/nonexistent/program", NULL}, NULL, &c, &err),
                  MLPLAT_NOT_FOUND);
    assert_status(mlplat_component_program((const char *[]){"no-such-program-in-path", NULL}, NULL, &c, &err),
                  MLPLAT_NOT_FOUND);
    assert_status(mlplat_component_program((const char *[]){file, NULL}, NULL, &c, &err), MLPLAT_DENIED);
    assert_non_null(strstr(err.message, "chmod"));
    assert_status(mlplat_component_program((const char *[]){folder, NULL}, NULL, &c, &err), MLPLAT_DENIED);
    assert_int_equal(chmod(file, 0755), 0);
    assert_status(mlplat_component_program((const char *[]){file, NULL}, NULL, &c, &err), MLPLAT_INVALID);
    assert_status(mlplat_component_program((const char *[]){beside("pipeline_tool"), NULL}, NULL, &c, &err),
                  MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "exit code 7"));
    assert_status(mlplat_component_program((const char *[]){"/bin/echo", NULL}, NULL, &c, &err), MLPLAT_INVALID);
    assert_status(mlplat_component_program((const char *[]){NULL}, NULL, &c, &err), MLPLAT_INVALID);
    assert_null(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_runs_by_hand),
        TEST(wrong_calls_end_with_2_and_one_line),
        TEST(what_a_body_asks_for_and_is_not_there_is_refused),
        TEST(a_failing_body_ends_with_1),
        TEST(help_names_every_port),
        TEST(it_prints_its_specification),
        TEST(kfps_launcher_gets_its_answer),
        TEST(a_failing_body_writes_no_answer),
        TEST(a_program_becomes_a_component),
        TEST(a_long_name_is_cut_to_one_that_stays),
        TEST(what_is_no_component_is_refused),
    };
    return cmocka_run_group_tests_name("component", tests, NULL, NULL);
}
