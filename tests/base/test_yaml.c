/* YAML in, by the 1.2 core schema and no more than JSON can say; YAML out, the same to readers of 1.1 and 1.2. */
#include "support/support.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/yaml_scalar.h"
#include <stdlib.h>

static char *yaml_to_json(const char *yaml)
{
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    if (mlplat_doc_parse_yaml(yaml, strlen(yaml), &doc, &err) != MLPLAT_OK)
        return strdup(err.message);
    char *text = strdup(mlplat_doc_text(doc));
    mlplat_doc_free(doc);
    return text;
}

static const char *const scalars[][2] = {
    {"~", "null"},
    {"null", "null"},
    {"Null", "null"},
    {"NULL", "null"},
    {"", "null"},
    {"nULL", "\"nULL\""},
    {"true", "true"},
    {"True", "true"},
    {"TRUE", "true"},
    {"tRUE", "\"tRUE\""},
    {"false", "false"},
    {"False", "false"},
    {"FALSE", "false"},
    {"yes", "\"yes\""},
    {"no", "\"no\""},
    {"on", "\"on\""},
    {"off", "\"off\""},
    {"y", "\"y\""},
    {"0", "0"},
    {"-0", "0"},
    {"+12", "12"},
    {"-19", "-19"},
    {"0o7", "7"},
    {"0o17", "15"},
    {"0x1F", "31"},
    {"0xff", "255"},
    {"010", "10"},
    {"0o8", "\"0o8\""},
    {"0b1", "\"0b1\""},
    {"0xg", "\"0xg\""},
    {"0x", "\"0x\""},
    {"-0x1", "\"-0x1\""},
    {"1_000", "\"1_000\""},
    {"1:30", "\"1:30\""},
    {"9223372036854775807", "9223372036854775807"},
    {"0.", "0.0"},
    {"-0.0", "-0.0"},
    {".5", "0.5"},
    {"-.5", "-0.5"},
    {"+12.3e3", "12300.0"},
    {"12e03", "12000.0"},
    {"-2E+05", "-200000.0"},
    {"1e-3", "0.001"},
    {".", "\".\""},
    {"1e", "\"1e\""},
    {"e1", "\"e1\""},
    {"1.2.3", "\"1.2.3\""},
    {".inf", "\"Infinity\""},
    {"-.Inf", "\"-Infinity\""},
    {"+.INF", "\"Infinity\""},
    {".nan", "\"NaN\""},
    {".NaN", "\"NaN\""},
    {".NAN", "\"NaN\""},
    {".iNF", "\".iNF\""},
    {"-.nan", "\"-.nan\""},
    {"inf", "\"inf\""},
    {"nan", "\"nan\""},
    {"2024-01-31", "\"2024-01-31\""},
    {"2024-01-31T10:00:00Z", "\"2024-01-31T10:00:00Z\""},
    {"=", "\"=\""},
    {"'1'", "\"1\""},
    {"\"true\"", "\"true\""},
    {"'~'", "\"~\""},
    {"|\n  a\n  b\n", "\"a\\nb\\n\""},
    {">-\n  a\n  b\n", "\"a b\""},
    {"a b", "\"a b\""},
    {"\"\\u00e9\\n\"", "\"\xc3\xa9\\n\""},
};

static void plain_scalars_follow_the_core_schema(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
        char *json = yaml_to_json(scalars[i][0]);
        if (strcmp(json, scalars[i][1]) != 0)
            fail_msg("'%s' gave %s, not %s", scalars[i][0], json, scalars[i][1]);
        free(json);
    }
}

static const char *const documents[][2] = {
    {"a: 1\nb: [x, 2, {c: d}]\n", "{\"a\":1,\"b\":[\"x\",2,{\"c\":\"d\"}]}"},
    {"- a\n-\n- - b\n", "[\"a\",null,[\"b\"]]"},
    {"a:\n  - 1\n  # comment\n  - 2\n", "{\"a\":[1,2]}"},
    {"1: a\ntrue: b\n~: c\n2.50: d\n", "{\"1\":\"a\",\"true\":\"b\",\"~\":\"c\",\"2.50\":\"d\"}"},
    {"%YAML 1.2\n---\na: 1\n...\n", "{\"a\":1}"},
    {"{\"a\": [1, \"b\"], 'c': null}", "{\"a\":[1,\"b\"],\"c\":null}"},
    {"# nothing\n", "null"},
    {"a: &x 1\n", NULL},
    {"a: *x\n", NULL},
    {"&x a: 1\n", NULL},
    {"a: &x [1]\nb: *x\n", NULL},
    {"&x {a: 1}", NULL},
    {"a: !!str 1\n", NULL},
    {"!!python/object/apply:os.system ['id']", NULL},
    {"a: ! 1\n", NULL},
    {"!x [1]", NULL},
    {"!x {a: 1}", NULL},
    {"!!str a: 1\n", NULL},
    {"b: {a: 1}\n<<: {c: 2}\n", NULL},
    {"a: 1\na: 2\n", NULL},
    {"a: {b: 1, b: 2}\n", NULL},
    {"'a': 1\na: 2\n", NULL},
    {"[a]: 1\n", NULL},
    {"? {a: 1}\n: 2\n", NULL},
    {"a: 1\n---\nb: 2\n", NULL},
    {"a: b: c\n", NULL},
    {"a: [1\n", NULL},
    {"\tx: 1\n", NULL},
    {"a: 'x\n", NULL},
    {"a: \"\\0\"\n", NULL},
    {"\"\\0\": a\n", NULL},
    {"a: \xff\n", NULL},
    {"a: \x01\n", NULL},
    {"a: 9223372036854775808\n", NULL},
    {"a: -9223372036854775809\n", NULL},
    {"0xffffffffffffffff", NULL},
    {"%YAML 3.0\n---\na\n", NULL},
};

static void documents_hold_what_json_can_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        char *json = yaml_to_json(documents[i][0]);
        bool good = documents[i][1] ? strcmp(json, documents[i][1]) == 0 : strncmp(json, "YAML, line ", 11) == 0;
        if (!good)
            fail_msg("'%s' gave %s", documents[i][0], json);
        free(json);
    }
}

static void a_quoted_merge_key_is_a_key(void **state)
{
    (void)state;
    char *json = yaml_to_json("'<<': 1\n");
    assert_string_equal(json, "{\"<<\":1}");
    free(json);
}

static void a_stream_is_an_array_of_documents(void **state)
{
    (void)state;
    static const char text[] = "a: 1\n---\n- 2\n--- x\n...\n";
    mlp_buf out = {0};
    mlplat_error err = {0};
    json_t *all = NULL;
    assert_ok(mlp_yaml_parse_all(text, sizeof text - 1, &all, &err));
    assert_ok(mlp_json_text(all, &out, &err));
    assert_string_equal(out.data, "[{\"a\":1},[2],\"x\"]");
    mlp_buf_free(&out);
    json_decref(all);
    assert_ok(mlp_yaml_parse_all("", 0, &all, &err));
    assert_int_equal(json_array_size(all), 0);
    json_decref(all);
}

static void deep_and_wide_bombs_are_refused(void **state)
{
    (void)state;
    static const char *const openings[] = {"[", "{a: ", "- ", "? ", "[[[[{"};
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        mlp_buf text = {0};
        mlplat_error err = {0};
        mlplat_doc *doc;
        for (int k = 0; k < 20000; k++)
            mlp_buf_puts(&text, openings[i]);
        assert_status(mlplat_doc_parse_yaml(text.data, text.size, &doc, &err), MLPLAT_INVALID);
        mlp_buf_free(&text);
    }
}

static void sixty_four_levels_are_enough(void **state)
{
    (void)state;
    for (int levels = 64; levels <= 65; levels++) {
        char text[200] = "";
        mlplat_doc *doc;
        mlplat_error err = {0};
        memset(text, '[', (size_t)levels);
        memset(text + levels, ']', (size_t)levels);
        assert_status(mlplat_doc_parse_yaml(text, strlen(text), &doc, &err), levels == 64 ? MLPLAT_OK : MLPLAT_INVALID);
        mlplat_doc_free(doc);
    }
}

static void what_another_reader_might_take_for_something_else_is_quoted(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "",
        "~",
        "null",
        "NULL",
        "Null",
        "true",
        "True",
        "FALSE",
        "yes",
        "Yes",
        "YES",
        "no",
        "on",
        "off",
        "OFF",
        "y",
        "N",
        "0",
        "1",
        "-1",
        "+1",
        "1_000",
        "0o7",
        "07",
        "0x1f",
        "0b11",
        "1:30",
        "190:20:30",
        "1.5",
        ".5",
        "1.",
        "1e3",
        "1.0e+3",
        "-.inf",
        ".nan",
        ".NaN",
        "2024-01-31",
        "2024-01-31 10:00:00",
        "=",
        "<<",
        "685.230_15e+03",
        "12e5",
        "1234e567",
        "3.11.2",
        "---",
        "...",
    };
    static const char *const plain[] = {"a", "fraud-detector", "true story", "null and void", "x1", "s3://b/k", "a.b"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        if (!mlp_yaml_scalar_ambiguous(odd[i]))
            fail_msg("'%s' would be plain", odd[i]);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        assert_false(mlp_yaml_scalar_ambiguous(plain[i]));
}

static void yaml_is_written_as_people_do(void **state)
{
    (void)state;
    static const char in[] =
        "{\"name\":\"fraud\",\"empty\":{},\"none\":[],\"steps\":[{\"a\":1,\"b\":[true,null]},\"yes\"],"
        "\"text\":\"line 1\\nline 2\\n\",\"x\":1e300,\"z\":1e-7,\"version\":\"3.11\",\"on\":-1.5}";
    mlplat_doc *doc;
    mlplat_error err = {0};
    char *yaml;
    assert_ok(mlplat_doc_parse(in, sizeof in - 1, &doc, &err));
    assert_ok(mlplat_doc_yaml(doc, &yaml, &err));
    assert_string_equal(yaml, "name: fraud\nempty: {}\nnone: []\nsteps:\n- a: 1\n  b:\n  - true\n  - null\n- 'yes'\n"
                              "text: |\n  line 1\n  line 2\nx: 1.0e+300\nz: 1.0e-07\nversion: '3.11'\n'on': -1.5\n");
    mlplat_free(yaml);
    mlplat_doc_free(doc);
}

/* Strings from every corner, as values, keys and items, come back as they went. */
static const char *const strings[] = {
    "",
    " ",
    "a",
    "a ",
    " a",
    "a: b",
    "a #b",
    "#a",
    "a:",
    ":a",
    "- a",
    "-",
    "?",
    "? a",
    "[a",
    "a]",
    "{a",
    "}",
    ",",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "'",
    "\"",
    "%a",
    "@a",
    "`a",
    "a'b",
    "a\"b",
    "\\",
    "a\\nb",
    "\t",
    "a\tb",
    "\n",
    "\n\n",
    "a\n",
    "a\n\n",
    "\na",
    "a\nb",
    "a\n b",
    " a\nb",
    "a \nb",
    "a\n\nb\n",
    "a\n \nb",
    "a\nb ",
    "a\n#b",
    "a\n---\nb",
    "---\na",
    "...\n",
    "a\r\nb",
    "\r",
    "\x01",
    "\x7f",
    "\x1b[0m",
    "\xc2\x85",
    "a\xe2\x80\xa8z",
    "a\xe2\x80\xa9z",
    "\xef\xbb\xbfx",
    "\xc2\xa0",
    "\xc3\xa9",
    "\xf0\x9f\x8c\x8d",
    "a\nb\xf0\x9f\x8c\x8d",
    "yes",
    "1",
    "1e5",
    "~",
    "key: |",
    "a\n\tb",
    "\ta\nb",
    "a, b",
    "a: \"b\"\nc: 'd'",
    "{\"a\": 1}",
    "[1, 2]",
    "<<",
    "=",
    "!!str",
    "a\\",
    "%YAML 1.1",
    "a\n...",
    "---",
    "- - -",
    "\n ",
    " \n",
    "\n\n a\n",
};

static void any_string_comes_back_as_it_went(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        mlp_buf text = {0};
        mlplat_error err = {0};
        json_t *in = json_object(), *items = json_array(), *back = NULL;
        char *long_key = mlp_sprintf("%s%0200d", strings[i], 7);
        json_object_set_new(in, strings[i], json_string(strings[i]));
        json_array_append_new(items, json_string(strings[i]));
        json_object_set_new(in, long_key, items);
        assert_ok(mlp_yaml_text(in, &text, &err));
        assert_ok(mlp_yaml_parse(text.data, text.size, &back, &err));
        if (!json_equal(in, back))
            fail_msg("case %zu: %s", i, text.data);
        mlp_buf_free(&text);
        mlp_free(long_key);
        json_decref(in);
        json_decref(back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_follow_the_core_schema),
        cmocka_unit_test(documents_hold_what_json_can_say),
        cmocka_unit_test(a_quoted_merge_key_is_a_key),
        cmocka_unit_test(a_stream_is_an_array_of_documents),
        cmocka_unit_test(deep_and_wide_bombs_are_refused),
        cmocka_unit_test(sixty_four_levels_are_enough),
        cmocka_unit_test(what_another_reader_might_take_for_something_else_is_quoted),
        cmocka_unit_test(yaml_is_written_as_people_do),
        cmocka_unit_test(any_string_comes_back_as_it_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
