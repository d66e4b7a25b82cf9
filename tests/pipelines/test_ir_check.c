/* Documents of others: what is wrong with them and what the local runner cannot run. */
#include "pipelines/pipeline_support.h"

/* A sound document, in pieces that the cases replace. */
#define HEAD "\"pipelineInfo\":{\"name\":\"p\"},\"schemaVersion\":\"2.1.0\",\"sdkVersion\":\"kfp-2.17.0\""
#define EXEC "\"deploymentSpec\":{\"executors\":{\"exec-a\":{\"container\":{\"image\":\"i\",\"command\":[\"true\"]}}}}"
#define IN_N "\"inputDefinitions\":{\"parameters\":{\"n\":{\"parameterType\":\"NUMBER_INTEGER\"}}}"
#define OUT_M                                                                                                          \
    "\"outputDefinitions\":{\"artifacts\":{\"m\":{\"artifactType\":{\"schemaTitle\":\"system.Model\"}}},"              \
    "\"parameters\":{\"s\":{\"parameterType\":\"STRING\"},\"k\":{\"parameterType\":\"NUMBER_INTEGER\"}}}"
#define COMP                                                                                                           \
    "\"components\":{\"comp-a\":{\"executorLabel\":\"exec-a\"},\"comp-n\":{\"executorLabel\":\"exec-a\"," IN_N "},"    \
    "\"comp-m\":{\"executorLabel\":\"exec-a\"," OUT_M "},"                                                             \
    "\"comp-d\":{\"executorLabel\":\"exec-a\",\"inputDefinitions\":{\"artifacts\":{\"d\":{\"artifactType\":{"          \
    "\"schemaTitle\":\"system.Dataset\"}}}}},"                                                                         \
    "\"comp-dag\":{\"dag\":{\"tasks\":{}}}}"
#define TASKS(text) "\"root\":{\"dag\":{\"tasks\":{" text "}}}"
#define TASK(name, comp, more)                                                                                         \
    "\"" name "\":{\"componentRef\":{\"name\":\"" comp "\"},\"taskInfo\":{\"name\":\"x\"}" more "}"
#define DOC(tasks)      "{" HEAD "," EXEC "," COMP "," TASKS(tasks) "}"
#define N(source)       ",\"inputs\":{\"parameters\":{\"n\":{" source "}}}"
#define CONSTANT(v)     "\"runtimeValue\":{\"constant\":" v "}"
#define FROM(task, key) "\"taskOutputParameter\":{\"producerTask\":\"" task "\",\"outputParameterKey\":\"" key "\"}"
#define ARTIFACT(task, key)                                                                                            \
    ",\"inputs\":{\"artifacts\":{\"d\":{\"taskOutputArtifact\":{\"producerTask\":\"" task                              \
    "\",\"outputArtifactKey\":\"" key "\"}}}}"

static const struct {
    const char *json;
    mlplat_status want;
    const char *says; /* in the message */
} cases[] = {
    {DOC(TASK("a", "comp-a", "")), MLPLAT_OK, NULL},
    {DOC(TASK("a", "comp-a", ",\"cachingOptions\":{\"enableCache\":true,\"cacheKey\":\"k\"}")), MLPLAT_OK, NULL},
    {DOC(TASK("a", "comp-a", ",\"unknownField\":1")), MLPLAT_OK, NULL},
    {DOC(TASK("a", "comp-n", N(CONSTANT("7.0")))), MLPLAT_OK, NULL},
    {DOC(TASK("m", "comp-m", "") "," TASK("a", "comp-n", N(FROM("m", "k")))), MLPLAT_OK, NULL},
    {"{\"pipeline_spec\":" DOC(TASK("a", "comp-a", "")) "}", MLPLAT_OK, NULL},
    {"{\"kind\":\"PipelineVersion\",\"spec\":{\"pipelineSpec\":" DOC(TASK("a", "comp-a", "")) "}}", MLPLAT_OK, NULL},
    /* shape */
    {"[]", MLPLAT_INVALID, "PipelineSpec"},
    {"{}", MLPLAT_INVALID, "pipelineInfo"},
    {"{\"implementation\":{}}", MLPLAT_INVALID, "version 1"},
    {"{\"pipelineInfo\":{\"name\":\"P p\"}}", MLPLAT_INVALID, "P p"},
    {"{\"pipelineInfo\":{\"name\":\"p\"},\"schemaVersion\":\"3.0.0\"}", MLPLAT_UNSUPPORTED, "3.0.0"},
    {DOC(""), MLPLAT_INVALID, "no tasks"},
    {DOC(TASK("../a", "comp-a", "")), MLPLAT_INVALID, "../a"},
    {DOC(TASK("..", "comp-a", "")), MLPLAT_INVALID, "folder"},
    {DOC(TASK("a", "comp-x", "")), MLPLAT_INVALID, "comp-x"},
    {"{" HEAD ",\"components\":{\"comp-a\":{\"executorLabel\":\"gone\"}}," TASKS(TASK("a", "comp-a", "")) "}",
     MLPLAT_INVALID, "gone"},
    {"{" HEAD ",\"components\":{\"comp-a\":{}}," TASKS(TASK("a", "comp-a", "")) "}", MLPLAT_INVALID, "executorLabel"},
    {"{" HEAD ",\"deploymentSpec\":{\"executors\":{\"e\":{\"container\":{\"image\":\"i\",\"command\":[1]}}}},"
     "\"components\":{\"comp-a\":{\"executorLabel\":\"e\"}}," TASKS(TASK("a", "comp-a", "")) "}",
     MLPLAT_INVALID, "command"},
    /* references */
    {DOC(TASK("a", "comp-a", ",\"dependentTasks\":[\"b\"]")), MLPLAT_INVALID, "'b'"},
    {DOC(TASK("a", "comp-a", ",\"dependentTasks\":[\"b\"]") "," TASK("b", "comp-a", ",\"dependentTasks\":[\"a\"]")),
     MLPLAT_INVALID, "circle"},
    {DOC(TASK("a", "comp-a", ",\"dependentTasks\":[\"a\"]")), MLPLAT_INVALID, "circle"},
    {DOC(TASK("a", "comp-n", "")), MLPLAT_INVALID, "no value"},
    {DOC(TASK("a", "comp-n", N(FROM("b", "k")))), MLPLAT_INVALID, "'b'"},
    {DOC(TASK("m", "comp-m", "") "," TASK("a", "comp-n", N(FROM("m", "x")))), MLPLAT_INVALID, "'x'"},
    {DOC(TASK("m", "comp-m", "") "," TASK("a", "comp-n", N(FROM("m", "m")))), MLPLAT_INVALID, "parameter 'm'"},
    {DOC(TASK("a", "comp-n", N("\"componentInputParameter\":\"z\""))), MLPLAT_INVALID, "'z'"},
    {DOC(TASK("a", "comp-n", N(""))), MLPLAT_INVALID, "source"},
    /* types */
    {DOC(TASK("a", "comp-n", N(CONSTANT("\"x\"")))), MLPLAT_INVALID, "integer"},
    {DOC(TASK("a", "comp-n", N(CONSTANT("1.5")))), MLPLAT_INVALID, "integer"},
    {DOC(TASK("m", "comp-m", "") "," TASK("a", "comp-n", N(FROM("m", "s")))), MLPLAT_INVALID, "STRING"},
    {DOC(TASK("m", "comp-m", "") "," TASK("a", "comp-d", ARTIFACT("m", "m"))), MLPLAT_INVALID, "system.Model"},
    {DOC(TASK("m", "comp-m", "") "," TASK("a", "comp-d", ARTIFACT("m", "k"))), MLPLAT_INVALID, "'k'"},
    /* placeholders */
    {"{" HEAD ",\"deploymentSpec\":{\"executors\":{\"exec-a\":{\"container\":{\"image\":\"i\",\"command\":[\"echo\"],"
     "\"args\":[\"{{$.inputs.parameters['typo']}}\"]}}}}," COMP "," TASKS(TASK("a", "comp-a", "")) "}",
     MLPLAT_INVALID, "typo"},
    /* what is to come */
    {DOC(TASK("a", "comp-a", ",\"triggerPolicy\":{\"condition\":\"1 == 1\"}")), MLPLAT_UNSUPPORTED, "condition"},
    {DOC(TASK("a", "comp-a", ",\"triggerPolicy\":{\"strategy\":\"ALL_UPSTREAM_TASKS_COMPLETED\"}")), MLPLAT_UNSUPPORTED,
     "exit handler"},
    {DOC(TASK("a", "comp-a", ",\"parameterIterator\":{}")), MLPLAT_UNSUPPORTED, "loop"},
    {DOC(TASK("a", "comp-a", ",\"artifactIterator\":{}")), MLPLAT_UNSUPPORTED, "loop"},
    {DOC(TASK("a", "comp-dag", "")), MLPLAT_UNSUPPORTED, "nested"},
    {DOC(TASK("a", "comp-n", N("\"taskFinalStatus\":{\"producerTask\":\"a\"}"))), MLPLAT_UNSUPPORTED, "final status"},
    {DOC(TASK("a", "comp-n", N("\"componentInputParameter\":\"z\",\"parameterExpressionSelector\":\"x\""))),
     MLPLAT_UNSUPPORTED, "expression"},
    {DOC(TASK("a", "comp-d", ",\"inputs\":{\"artifacts\":{\"d\":{\"componentInputArtifact\":\"d\"}}}")),
     MLPLAT_UNSUPPORTED, "outside"},
    {"{" HEAD ",\"deploymentSpec\":{\"executors\":{\"exec-a\":{\"importer\":{}}}}," COMP
     "," TASKS(TASK("a", "comp-a", "")) "}",
     MLPLAT_UNSUPPORTED, "importer"},
    {"{" HEAD ",\"deploymentSpec\":{\"executors\":{\"exec-a\":{\"container\":{\"image\":\"i\"}}}}," COMP
     "," TASKS(TASK("a", "comp-a", "")) "}",
     MLPLAT_UNSUPPORTED, "entry point"},
};

static void every_fault_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        mlplat_doc *ir = parse(cases[i].json);
        mlplat_status s = mlplat_pipeline_validate(ir, &err);
        if (s != cases[i].want || (cases[i].says && !strstr(err.message, cases[i].says)))
            fail_msg("%s: %s: %s", cases[i].json, mlplat_status_name(s), err.message);
        mlplat_doc_free(ir);
    }
}

static void tasks_are_named_by_unsupported(void **state)
{
    mlplat_error err;
    mlplat_doc *ir = parse(DOC(TASK("gate", "comp-a", ",\"triggerPolicy\":{\"condition\":\"true\"}")));
    (void)state;
    assert_status(mlplat_pipeline_validate(ir, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "task 'gate'"));
    mlplat_doc_free(ir);
}

/* Every prefix and every damaged byte of a document is answered, never a crash. */
static void damaged_documents_are_answered(void **state)
{
    static const char sound[] = DOC(TASK("m", "comp-m", "") "," TASK("a", "comp-n", N(FROM("m", "k"))));
    char text[sizeof sound];
    (void)state;
    for (size_t i = 0; i + 1 < sizeof sound; i++) {
        mlplat_doc *ir = NULL;
        memcpy(text, sound, sizeof sound);
        text[i] = text[i] == '"' ? '1' : '"';
        if (mlplat_doc_parse(text, sizeof sound - 1, &ir, NULL) == MLPLAT_OK) {
            mlplat_error err = {0};
            mlplat_status s = mlplat_pipeline_validate(ir, &err);
            assert_true(s == MLPLAT_OK || s == MLPLAT_INVALID || s == MLPLAT_UNSUPPORTED);
        }
        mlplat_doc_free(ir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(tasks_are_named_by_unsupported),
        cmocka_unit_test(damaged_documents_are_answered),
    };
    return cmocka_run_group_tests_name("ir_check", tests, NULL, NULL);
}
