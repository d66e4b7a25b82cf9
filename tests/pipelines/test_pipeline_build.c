/* The builder and the document it writes. */
#include "pipelines/pipeline_support.h"

static mlplat_component *producer(void)
{
    mlplat_component *c = NULL;
    mlplat_error err = {0};
    const char *argv[] = {"make", "--rows", "{{$.inputs.parameters['rows']}}", "{{$.outputs.artifacts['data'].path}}",
                          "{{$.outputs.parameters['count'].output_file}}"};
    assert_ok(mlplat_component_container("Make Data", "image:1", argv, 5, &c, &err));
    assert_ok(mlplat_component_input(c, "rows", "Integer", NULL, &err));
    assert_ok(mlplat_component_output(c, "data", "Dataset", &err));
    assert_ok(mlplat_component_output(c, "count", "Integer", &err));
    return c;
}

static mlplat_component *consumer(void)
{
    mlplat_component *c = NULL;
    mlplat_error err = {0};
    const char *argv[] = {"train", "{{$}}"};
    assert_ok(mlplat_component_container("train", "image:2", argv, 2, &c, &err));
    assert_ok(mlplat_component_input(c, "data", "Dataset", NULL, &err));
    assert_ok(mlplat_component_input(c, "n", "Integer", "3", &err));
    assert_ok(mlplat_component_input(c, "name", "String", "\"x\"", &err));
    assert_ok(mlplat_component_output(c, "model", "Model", &err));
    assert_ok(mlplat_component_env(c, "A", "1", &err));
    return c;
}

static void the_document_is_kfps(void **state)
{
    /* written by hand after what kfp's compiler writes for the same pipeline */
    static const char want[] =
        "components:\n"
        "  comp-make-data:\n"
        "    executorLabel: exec-make-data\n"
        "    inputDefinitions:\n"
        "      parameters:\n"
        "        rows: {parameterType: NUMBER_INTEGER}\n"
        "    outputDefinitions:\n"
        "      artifacts:\n"
        "        data:\n"
        "          artifactType: {schemaTitle: system.Dataset, schemaVersion: 0.0.1}\n"
        "      parameters:\n"
        "        count: {parameterType: NUMBER_INTEGER}\n"
        "  comp-train:\n"
        "    executorLabel: exec-train\n"
        "    inputDefinitions:\n"
        "      artifacts:\n"
        "        data:\n"
        "          artifactType: {schemaTitle: system.Dataset, schemaVersion: 0.0.1}\n"
        "      parameters:\n"
        "        n: {defaultValue: 3, isOptional: true, parameterType: NUMBER_INTEGER}\n"
        "        name: {defaultValue: x, isOptional: true, parameterType: STRING}\n"
        "    outputDefinitions:\n"
        "      artifacts:\n"
        "        model:\n"
        "          artifactType: {schemaTitle: system.Model, schemaVersion: 0.0.1}\n"
        "deploymentSpec:\n"
        "  executors:\n"
        "    exec-make-data:\n"
        "      container:\n"
        "        image: image:1\n"
        "        command: [make]\n"
        "        args:\n"
        "        - --rows\n"
        "        - \"{{$.inputs.parameters['rows']}}\"\n"
        "        - \"{{$.outputs.artifacts['data'].path}}\"\n"
        "        - \"{{$.outputs.parameters['count'].output_file}}\"\n"
        "    exec-train:\n"
        "      container:\n"
        "        image: image:2\n"
        "        command: [train]\n"
        "        args: ['{{$}}']\n"
        "        env:\n"
        "        - {name: A, value: '1'}\n"
        "pipelineInfo: {name: my-pipeline, description: what it does}\n"
        "root:\n"
        "  dag:\n"
        "    tasks:\n"
        "      make-data:\n"
        "        cachingOptions: {enableCache: true}\n"
        "        componentRef: {name: comp-make-data}\n"
        "        inputs:\n"
        "          parameters:\n"
        "            rows: {componentInputParameter: rows}\n"
        "        taskInfo: {name: make-data}\n"
        "      train:\n"
        "        cachingOptions: {enableCache: true}\n"
        "        componentRef: {name: comp-train}\n"
        "        dependentTasks: [make-data]\n"
        "        inputs:\n"
        "          artifacts:\n"
        "            data:\n"
        "              taskOutputArtifact: {outputArtifactKey: data, producerTask: make-data}\n"
        "          parameters:\n"
        "            n:\n"
        "              taskOutputParameter: {outputParameterKey: count, producerTask: make-data}\n"
        "            name:\n"
        "              runtimeValue: {constant: it}\n"
        "        taskInfo: {name: Train}\n"
        "  inputDefinitions:\n"
        "    parameters:\n"
        "      rows: {defaultValue: 10, isOptional: true, parameterType: NUMBER_INTEGER}\n"
        "schemaVersion: 2.1.0\n"
        "sdkVersion: mlplat-" MLPLAT_VERSION_TEXT "\n";
    mlplat_error err = {0};
    mlplat_pipeline *p = NULL;
    mlplat_doc *golden = NULL, *back = NULL;
    char *yaml = NULL;
    (void)state;
    assert_ok(mlplat_pipeline_new("my-pipeline", "what it does", &p, &err));
    assert_ok(mlplat_pipeline_input(p, "rows", "Integer", "10", &err));
    mlplat_task *make = add_task(p, producer(), NULL), *train = add_task(p, consumer(), "Train");
    assert_ok(mlplat_task_set_input(make, "rows", "rows", &err));
    assert_ok(mlplat_task_connect(train, "data", make, "data", &err));
    assert_ok(mlplat_task_connect(train, "n", make, "count", &err));
    assert_ok(mlplat_task_set(train, "name", "\"it\"", &err));
    mlplat_doc *ir = compile(p);
    assert_ok(mlplat_doc_parse_yaml(want, strlen(want), &golden, &err));
    assert_string_equal(mlplat_doc_text(ir), mlplat_doc_text(golden));
    assert_ok(mlplat_pipeline_validate(ir, &err));
    assert_ok(mlplat_doc_yaml(ir, &yaml, &err));
    assert_ok(mlplat_doc_parse_yaml(yaml, strlen(yaml), &back, &err));
    assert_string_equal(mlplat_doc_text(back), mlplat_doc_text(ir));
    mlplat_free(yaml);
    mlplat_doc_free(back);
    mlplat_doc_free(golden);
    mlplat_doc_free(ir);
}

static void task_ids_are_unique(void **state)
{
    static const char *const names[] = {"A b", "a-b", "a-b-2", NULL, "a b"};
    static const char *const want[] = {"a-b", "a-b-2", "a-b-2-2", "train", "a-b-3"};
    mlplat_pipeline *p = new_pipeline("p");
    mlplat_error err;
    mlplat_task *t = NULL;
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(mlplat_task_name(add_task(p, consumer(), names[i])), want[i]);
    mlplat_component *c = consumer();
    assert_status(mlplat_pipeline_task(p, c, "!!!", &t, &err), MLPLAT_INVALID);
    mlplat_component_free(c);
    mlplat_pipeline_free(p);
}

static void wrong_calls_are_refused_where_they_are_made(void **state)
{
    mlplat_error err;
    mlplat_component *c = NULL;
    mlplat_pipeline *p = NULL, *q = new_pipeline("q");
    const char *argv[] = {"x", "\xff"};
    (void)state;
    assert_status(mlplat_pipeline_new("Upper", NULL, &p, &err), MLPLAT_INVALID);
    assert_status(mlplat_pipeline_new("-x", NULL, &p, &err), MLPLAT_INVALID);
    assert_status(mlplat_component_container("..", "i", argv, 1, &c, &err), MLPLAT_INVALID);
    assert_status(mlplat_component_container("c", NULL, argv, 1, &c, &err), MLPLAT_INVALID);
    assert_status(mlplat_component_container("c", "i", argv, 0, &c, &err), MLPLAT_INVALID);
    assert_status(mlplat_component_container("c", "i", argv, 2, &c, &err), MLPLAT_INVALID);
    c = producer();
    assert_status(mlplat_component_input(c, "rows", "Integer", NULL, &err), MLPLAT_EXISTS);
    assert_status(mlplat_component_output(c, "rows", "Integer", &err), MLPLAT_EXISTS);
    assert_status(mlplat_component_input(c, "9x", "Integer", NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_component_input(c, "a/b", "Integer", NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_component_input(c, "x", "Nothing", NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_component_input(c, "x", "Integer", "1.5", &err), MLPLAT_INVALID);
    assert_status(mlplat_component_input(c, "x", "Integer", "9007199254740993", &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "'x'"));
    assert_status(mlplat_component_input(c, "x", "Dataset", "\"no\"", &err), MLPLAT_INVALID);
    assert_status(mlplat_component_env(c, "A=B", "1", &err), MLPLAT_INVALID);
    p = new_pipeline("p");
    assert_status(mlplat_pipeline_input(p, "d", "Dataset", NULL, &err), MLPLAT_INVALID);
    assert_ok(mlplat_pipeline_input(p, "s", "String", NULL, &err));
    assert_status(mlplat_pipeline_input(p, "s", "String", NULL, &err), MLPLAT_EXISTS);
    mlplat_task *make = add_task(p, c, NULL), *train = add_task(p, consumer(), NULL);
    mlplat_task *other = add_task(q, producer(), NULL);
    assert_status(mlplat_task_set(make, "rows", "\"x\"", &err), MLPLAT_INVALID);
    assert_status(mlplat_task_set(make, "rows", "not json", &err), MLPLAT_INVALID);
    assert_status(mlplat_task_set(make, "nope", "1", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_task_set(train, "data", "1", &err), MLPLAT_INVALID);
    assert_status(mlplat_task_set_input(make, "rows", "s", &err), MLPLAT_INVALID);
    assert_status(mlplat_task_set_input(make, "rows", "nope", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_task_connect(train, "data", make, "count", &err), MLPLAT_INVALID);
    assert_status(mlplat_task_connect(train, "name", make, "count", &err), MLPLAT_INVALID);
    assert_status(mlplat_task_connect(train, "data", make, "nope", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_task_connect(train, "nope", make, "data", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_task_connect(train, "data", other, "data", &err), MLPLAT_INVALID);
    mlplat_pipeline_free(p);
    mlplat_pipeline_free(q);
}

static void a_cycle_is_refused(void **state)
{
    mlplat_error err;
    mlplat_pipeline *p = new_pipeline("p");
    mlplat_task *t[4];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        t[i] = add_task(p, producer(), NULL);
    assert_ok(mlplat_task_connect(t[1], "rows", t[0], "count", &err));
    assert_ok(mlplat_task_after(t[2], t[1], &err));
    assert_ok(mlplat_task_after(t[3], t[0], &err));
    assert_status(mlplat_task_after(t[0], t[0], &err), MLPLAT_INVALID);
    assert_status(mlplat_task_connect(t[0], "rows", t[2], "count", &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "cycle"));
    assert_ok(mlplat_task_after(t[3], t[2], &err));
    assert_status(mlplat_task_after(t[1], t[3], &err), MLPLAT_INVALID);
    /* giving the input another source takes the link away, and with it the circle */
    assert_ok(mlplat_task_set(t[1], "rows", "5", &err));
    assert_ok(mlplat_task_connect(t[0], "rows", t[2], "count", &err));
    mlplat_pipeline_free(p);
}

static void compiling_wants_every_input(void **state)
{
    mlplat_error err;
    mlplat_doc *ir = NULL;
    mlplat_pipeline *p = new_pipeline("p");
    (void)state;
    assert_status(mlplat_pipeline_compile(p, &ir, &err), MLPLAT_INVALID);
    mlplat_task *make = add_task(p, producer(), NULL), *train = add_task(p, consumer(), NULL);
    assert_status(mlplat_pipeline_compile(p, &ir, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "'rows' of task 'make-data'"));
    assert_ok(mlplat_task_set(make, "rows", "1", &err));
    assert_status(mlplat_pipeline_compile(p, &ir, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "'data' of task 'train'"));
    assert_ok(mlplat_task_connect(train, "data", make, "data", &err));
    mlplat_doc_free(compile(p));

    mlplat_component *c = NULL;
    const char *argv[] = {"x", "{{$.inputs.parameters['typo']}}"};
    p = new_pipeline("p");
    assert_ok(mlplat_component_container("c", "i", argv, 2, &c, &err));
    add_task(p, c, NULL);
    assert_status(mlplat_pipeline_compile(p, &ir, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "typo"));
    mlplat_pipeline_free(p);
}

static void a_task_keeps_the_component_as_it_was(void **state)
{
    mlplat_error err;
    mlplat_doc *ir = NULL;
    mlplat_doc_type type;
    mlplat_task *t = NULL;
    mlplat_pipeline *p = new_pipeline("p");
    mlplat_component *c = producer();
    (void)state;
    assert_ok(mlplat_pipeline_task(p, c, NULL, &t, &err));
    assert_ok(mlplat_task_set(t, "rows", "1", &err));
    assert_ok(mlplat_component_input(c, "later", "String", NULL, &err));
    assert_ok(mlplat_component_env(c, "LATER", "1", &err));
    ir = compile(p);
    assert_status(mlplat_doc_type_at(ir, "components.comp-make-data.inputDefinitions.parameters.later", &type, &err),
                  MLPLAT_NOT_FOUND);
    assert_status(mlplat_doc_type_at(ir, "deploymentSpec.executors.exec-make-data.container.env", &type, &err),
                  MLPLAT_NOT_FOUND);
    mlplat_doc_free(ir);
    mlplat_component_free(c);
}

static void a_specification_loads_back(void **state)
{
    mlplat_error err;
    mlplat_component *c = consumer(), *back = NULL;
    mlplat_doc *spec = NULL, *again = NULL;
    char *yaml = NULL;
    (void)state;
    assert_ok(mlplat_component_spec(c, &spec, &err));
    assert_ok(mlplat_doc_yaml(spec, &yaml, &err));
    assert_ok(mlplat_component_load(yaml, strlen(yaml), &back, &err));
    assert_ok(mlplat_component_spec(back, &again, &err));
    assert_string_equal(mlplat_doc_text(again), mlplat_doc_text(spec));
    assert_string_equal(text_at(spec, "root.dag.outputs.artifacts.model.artifactSelectors[0].producerSubtask"),
                        "train");
    mlplat_component_free(back);
    mlplat_doc_free(again);
    mlplat_doc_free(spec);
    mlplat_free(yaml);
    mlplat_component_free(c);
}

static void what_is_no_specification_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "a: b",
        "implementation: {}",
        "pipelineInfo: {name: x}\nroot: {dag: {tasks: {}}}",
        "pipelineInfo: {name: x}\nroot: {dag: {tasks: {a: {componentRef: {name: comp-a}}}}}",
        ("pipelineInfo: {name: x}\ncomponents: {comp-a: {executorLabel: e}}\nroot: {dag: {tasks: {a: {componentRef: "
         "{name: comp-a}}}}}"),
        "a: [",
        "{{",
    };
    mlplat_error err;
    mlplat_component *c = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_status(mlplat_component_load(texts[i], strlen(texts[i]), &c, &err), MLPLAT_INVALID);
        assert_null(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_kfps),
        cmocka_unit_test(task_ids_are_unique),
        cmocka_unit_test(wrong_calls_are_refused_where_they_are_made),
        cmocka_unit_test(a_cycle_is_refused),
        cmocka_unit_test(compiling_wants_every_input),
        cmocka_unit_test(a_task_keeps_the_component_as_it_was),
        cmocka_unit_test(a_specification_loads_back),
        cmocka_unit_test(what_is_no_specification_is_refused),
    };
    return cmocka_run_group_tests_name("pipeline_build", tests, NULL, NULL);
}
