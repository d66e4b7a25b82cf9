/* KFP's placeholders, names and values. */
#include "base/alloc.h"
#include "base/json.h"
#include "pipelines/placeholder.h"
#include "pipelines/port_name.h"
#include "pipelines/port_type.h"
#include "support/support.h"
#include <locale.h>
#include <stdlib.h>

static const char input_text[] =
    "{\"inputs\":{\"parameterValues\":{\"s\":\"a b\",\"n\":7,\"d\":0.5,\"big\":1e21,\"five\":5.0,\"small\":1.5e-7,"
    "\"t\":true,\"l\":[1,\"x\"],\"o\":{\"k\":null},\"evil\":\"{{$.inputs.parameters['s']}}\"},"
    "\"artifacts\":{\"in\":{\"artifacts\":[{\"name\":\"in\",\"uri\":\"/data/in\",\"metadata\":{\"k\":3,\"w\":\"v\"}}]},"
    "\"cloud\":{\"artifacts\":[{\"name\":\"cloud\",\"uri\":\"s3://bucket/key\"}]}}},"
    "\"outputs\":{\"parameters\":{\"p\":{\"outputFile\":\"/out/p\"}},"
    "\"artifacts\":{\"m\":{\"artifacts\":[{\"name\":\"m\",\"uri\":\"/out/m\"}]}},\"outputFile\":\"/out/e.json\"}}";
static const char component_text[] = "{\"inputDefinitions\":{\"parameters\":{\"s\":{},\"n\":{},\"d\":{},\"t\":{},\"l\":"
                                     "{},\"o\":{},\"evil\":{},\"absent\":{}},"
                                     "\"artifacts\":{\"in\":{},\"cloud\":{}}},\"outputDefinitions\":{\"parameters\":{"
                                     "\"p\":{}},\"artifacts\":{\"m\":{}}}}";

typedef struct fixture {
    json_t *input, *component;
    mlp_placeholders values;
} fixture;

static fixture make(void)
{
    fixture f = {0};
    mlplat_error err = {0};
    assert_ok(mlp_json_parse(input_text, strlen(input_text), &f.input, &err));
    assert_ok(mlp_json_parse(component_text, strlen(component_text), &f.component, &err));
    f.values = (mlp_placeholders){.input = f.input,
                                  .component = f.component,
                                  .job_name = "job",
                                  .job_uuid = "uuid",
                                  .task_name = "task",
                                  .root = "/root",
                                  .created = "2024-01-02T03:04:05Z"};
    return f;
}

static void destroy(fixture *f)
{
    json_decref(f->input);
    json_decref(f->component);
}

static void placeholders_become_values(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {"{{$.inputs.parameters['s']}}", "a b"},
        {"{{$.inputs.parameters[\"s\"]}}", "a b"},
        {"<{{$.inputs.parameters['n']}}|{{$.inputs.parameters['d']}}>", "<7|0.5>"},
        {"{{$.inputs.parameters['big']}}", "1000000000000000000000"},
        {"{{$.inputs.parameters['five']}}", "5"},
        {"{{$.inputs.parameters['small']}}", "0.00000015"},
        {"{{$.inputs.parameters['t']}}", "true"},
        {"{{$.inputs.parameters['l']}}", "[1,\"x\"]"},
        {"{{$.inputs.parameters['o']}}", "{\"k\":null}"},
        {"{{$.inputs.parameters['absent']}}.", "."},
        {"{{$.inputs.artifacts['in'].uri}} {{$.inputs.artifacts['in'].path}}", "/data/in /data/in"},
        {"{{$.inputs.artifacts['cloud'].path}}", "/s3/bucket/key"},
        {"{{$.inputs.artifacts['in'].metadata['k']}}{{$.inputs.artifacts['in'].metadata['w']}}", "3v"},
        {"{{$.outputs.parameters['p'].output_file}}", "/out/p"},
        {"{{$.outputs.artifacts['m'].path}} {{$.outputs.artifacts['m'].uri}}", "/out/m /out/m"},
        {"{{$.outputs.output_file}}", "/out/e.json"},
        {"{{$.pipeline_job_name}}/{{$.pipeline_task_name}}/{{$.pipeline_job_uuid}}", "job/task/uuid"},
        {"{{$.pipeline_root}} {{$.pipeline_job_create_time_utc}}", "/root 2024-01-02T03:04:05Z"},
        /* what was put in is never looked at again */
        {"{{$.inputs.parameters['evil']}}", "{{$.inputs.parameters['s']}}"},
        /* none of ours: stays */
        {"{{$.unknown_thing}}", "{{$.unknown_thing}}"},
        {"{{$.inputs.parameters['s']", "{{$.inputs.parameters['s']"},
        {"{{$.inputs.parameters['undeclared']}}", "{{$.inputs.parameters['undeclared']}}"},
        {"{{ jinja }} {{$", "{{ jinja }} {{$"},
        {"{{{{$.inputs.parameters['n']}}}}", "{{7}}"},
    };
    fixture f = make();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        mlp_buf out = {0};
        assert_ok(mlp_placeholder_expand(&f.values, cases[i].text, &out, &err));
        assert_string_equal(out.data ? out.data : "", cases[i].want);
        mlp_buf_free(&out);
    }
    destroy(&f);
}

static void the_whole_input_is_json(void **state)
{
    fixture f = make();
    mlplat_error err = {0};
    mlp_buf out = {0};
    json_t *back = NULL;
    (void)state;
    assert_ok(mlp_placeholder_expand(&f.values, "{{$}}", &out, &err));
    assert_ok(mlp_json_parse(out.data, out.size, &back, &err));
    assert_true(json_equal(back, f.input));
    json_decref(back);
    mlp_buf_free(&out);
    destroy(&f);
}

static void structures_become_words(void **state)
{
    static const struct {
        const char *word, *want; /* JSON array of words */
    } cases[] = {
        {"plain", "[\"plain\"]"},
        {"{\"Concat\": [\"a\", \"{{$.inputs.parameters['n']}}\", \"b\"]}", "[\"a7b\"]"},
        {"{\"IfPresent\": {\"InputName\": \"s\", \"Then\": [\"--s\", \"{{$.inputs.parameters['s']}}\"], \"Else\": "
         "[\"no\"]}}",
         "[\"--s\",\"a b\"]"},
        {"{\"IfPresent\": {\"InputName\": \"absent\", \"Then\": \"x\", \"Else\": \"no\"}}", "[\"no\"]"},
        {"{\"IfPresent\": {\"InputName\": \"absent\", \"Then\": \"x\"}}", "[]"},
        {"{\"IfPresent\": {\"InputName\": \"in\", \"Then\": {\"Concat\": [\"p=\", "
         "\"{{$.inputs.artifacts['in'].path}}\"]}}}",
         "[\"p=/data/in\"]"},
        {"{\"Concat\": [\"a\", {\"IfPresent\": {\"InputName\": \"absent\", \"Then\": \"b\", \"Else\": \"c\"}}]}",
         "[\"ac\"]"},
        {" { \"Concat\" : [ \"a\" ] } ", "[\"a\"]"},
        /* not a structure of KFP's: a word like any other */
        {"{\"Concat\": \"a\"}", "[\"{\\\"Concat\\\": \\\"a\\\"}\"]"},
        {"{\"Concat\": [\"a\"], \"more\": 1}", "[\"{\\\"Concat\\\": [\\\"a\\\"], \\\"more\\\": 1}\"]"},
        {"{\"IfPresent\"", "[\"{\\\"IfPresent\\\"\"]"},
    };
    fixture f = make();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        json_t *words = json_array();
        mlp_buf text = {0};
        assert_ok(mlp_placeholder_word(&f.values, cases[i].word, words, &err));
        assert_ok(mlp_json_text(words, &text, &err));
        assert_string_equal(text.data, cases[i].want);
        mlp_buf_free(&text);
        json_decref(words);
    }
    destroy(&f);
}

static void missing_metadata_is_an_error(void **state)
{
    fixture f = make();
    mlplat_error err = {0};
    mlp_buf out = {0};
    (void)state;
    assert_status(mlp_placeholder_expand(&f.values, "{{$.inputs.artifacts['in'].metadata['no']}}", &out, &err),
                  MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "'no'"));
    mlp_buf_free(&out);
    destroy(&f);
}

static void undeclared_names_are_found(void **state)
{
    static const struct {
        const char *text;
        mlplat_status want;
    } cases[] = {
        {"{{$}} {{$.outputs.output_file}} {{$.pipeline_root}}", MLPLAT_OK},
        {"{{$.inputs.parameters['s']}}", MLPLAT_OK},
        {"{{$.inputs.parameters['x']}}", MLPLAT_INVALID},
        {"{{$.inputs.artifacts['s'].path}}", MLPLAT_INVALID},
        {"{{$.outputs.parameters['m'].output_file}}", MLPLAT_INVALID},
        {"{{$.outputs.artifacts['p'].path}}", MLPLAT_INVALID},
        {"{{$.anything}}", MLPLAT_OK},
    };
    fixture f = make();
    mlplat_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_status(mlp_placeholder_check(f.component, cases[i].text, "task 't'", &err), cases[i].want);
    destroy(&f);
}

static void names_are_sanitised_as_kfp_does(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"Train Model", "train-model"}, {"a__b--c", "a-b-c"}, {"--x--", "x"},     {"already-fine-2", "already-fine-2"},
        {"\xc3\xa9t\xc3\xa9", "t"},     {"_!_", ""},          {"A.B/C", "a-b-c"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *out = mlp_port_name_sanitise(cases[i].name);
        assert_string_equal(out, cases[i].want);
        mlp_free(out);
    }
}

static void types_are_known_by_all_their_names(void **state)
{
    static const struct {
        const char *text;
        mlp_kind kind;
        const char *title;
    } cases[] = {
        {"Integer", MLP_KIND_INTEGER, ""},
        {"int", MLP_KIND_INTEGER, ""},
        {"NUMBER_INTEGER", MLP_KIND_INTEGER, ""},
        {"float", MLP_KIND_DOUBLE, ""},
        {"String", MLP_KIND_STRING, ""},
        {"bool", MLP_KIND_BOOLEAN, ""},
        {"List", MLP_KIND_LIST, ""},
        {"dict", MLP_KIND_STRUCT, ""},
        {"Dataset", MLP_KIND_ARTIFACT, "system.Dataset"},
        {"html", MLP_KIND_ARTIFACT, "system.HTML"},
        {"system.Model", MLP_KIND_ARTIFACT, "system.Model"},
        {"google.VertexModel", MLP_KIND_ARTIFACT, "google.VertexModel"},
        {"Number", MLP_KIND_NONE, ""},
        {"", MLP_KIND_NONE, ""},
        {"a.", MLP_KIND_NONE, ""},
        {"a b.c", MLP_KIND_NONE, ""},
    };
    mlplat_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_port_type type;
        assert_status(mlp_port_type_parse(cases[i].text, "port", &type, &err),
                      cases[i].kind == MLP_KIND_NONE ? MLPLAT_INVALID : MLPLAT_OK);
        assert_int_equal(type.kind, cases[i].kind);
        assert_string_equal(type.title, cases[i].title);
    }
}

static void values_are_read_from_text(void **state)
{
    static const struct {
        mlp_kind kind;
        const char *text, *want; /* NULL: INVALID */
    } cases[] = {
        {MLP_KIND_INTEGER, "42", "42"},
        {MLP_KIND_INTEGER, " -7\n", "-7"},
        {MLP_KIND_INTEGER, "+5", "5"},
        {MLP_KIND_INTEGER, "5.0", "5"},
        {MLP_KIND_INTEGER, "1e3", "1000"},
        {MLP_KIND_INTEGER, "9007199254740991", "9007199254740991"},
        {MLP_KIND_INTEGER, "9007199254740993", NULL},
        {MLP_KIND_INTEGER, "-9007199254740992", NULL},
        {MLP_KIND_INTEGER, "99999999999999999999999", NULL},
        {MLP_KIND_INTEGER, "1.5", NULL},
        {MLP_KIND_INTEGER, "", NULL},
        {MLP_KIND_INTEGER, "0x10", NULL},
        {MLP_KIND_DOUBLE, "0.25", "0.25"},
        {MLP_KIND_DOUBLE, "3", "3.0"},
        {MLP_KIND_DOUBLE, "nan", NULL},
        {MLP_KIND_DOUBLE, "1e999", NULL},
        {MLP_KIND_DOUBLE, "1,5", NULL},
        {MLP_KIND_STRING, " as it is\n", "\" as it is\\n\""},
        {MLP_KIND_STRING, "", "\"\""},
        {MLP_KIND_STRING, "\xff", NULL},
        {MLP_KIND_BOOLEAN, "True", "true"},
        {MLP_KIND_BOOLEAN, "false\n", "false"},
        {MLP_KIND_BOOLEAN, "yes", NULL},
        {MLP_KIND_LIST, "[1, 2]", "[1,2]"},
        {MLP_KIND_LIST, "{}", NULL},
        {MLP_KIND_LIST, "[9007199254740993]", NULL},
        {MLP_KIND_STRUCT, "{\"a\": [true]}", "{\"a\":[true]}"},
        {MLP_KIND_STRUCT, "nonsense", NULL},
    };
    mlplat_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *value = NULL;
        mlp_buf text = {0};
        assert_status(
            mlp_port_value_read(cases[i].kind, cases[i].text, strlen(cases[i].text), "parameter 'p'", &value, &err),
            cases[i].want ? MLPLAT_OK : MLPLAT_INVALID);
        if (cases[i].want) {
            assert_ok(mlp_json_text(value, &text, &err));
            assert_string_equal(text.data, cases[i].want);
        } else {
            assert_non_null(strstr(err.message, "parameter 'p'"));
        }
        mlp_buf_free(&text);
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_become_values),
        cmocka_unit_test(the_whole_input_is_json),
        cmocka_unit_test(structures_become_words),
        cmocka_unit_test(missing_metadata_is_an_error),
        cmocka_unit_test(undeclared_names_are_found),
        cmocka_unit_test(names_are_sanitised_as_kfp_does),
        cmocka_unit_test(types_are_known_by_all_their_names),
        cmocka_unit_test(values_are_read_from_text),
    };
    return cmocka_run_group_tests_name("placeholder", tests, NULL, NULL);
}
