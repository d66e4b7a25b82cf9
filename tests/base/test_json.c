/* JSON in, with limits, and out, in its shortest form. */
#include "support/support.h"
#include "base/json.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static const struct {
    const char *text;
    const char *out; /* NULL: refused */
} cases[] = {
    {"{}", "{}"},
    {"[]", "[]"},
    {" [1 , 2]\n", "[1,2]"},
    {"null", "null"},
    {"\"top\"", "\"top\""},
    {"-0.0", "-0.0"},
    {"[0.1,1e5,1.0,3e-7,-2.5]", "[0.1,100000.0,1.0,3e-07,-2.5]"},
    {"{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}"},
    {"\"\\u00e9\\ud83c\\udf0d\\n\\t\\\"\\\\\\u0001\\u007f/\"",
     "\"\xc3\xa9\xf0\x9f\x8c\x8d\\n\\t\\\"\\\\\\u0001\\u007f/\""},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"[\"]]]]{{{{\"]", "[\"]]]]{{{{\"]"},
    {"[-0,0,-0e1,1e-400,1E+2]", "[0,0,-0.0,0.0,100.0]"},
    {"", NULL},
    {" ", NULL},
    {"{", NULL},
    {"[1,]", NULL},
    {"{\"a\":1,\"a\":2}", NULL},
    {"{\"a\":{\"b\":1,\"b\":1}}", NULL},
    {"1 2", NULL},
    {"{} x", NULL},
    {"01", NULL},
    {"+1", NULL},
    {".5", NULL},
    {"NaN", NULL},
    {"Infinity", NULL},
    {"nul", NULL},
    {"'a'", NULL},
    {"\"a\nb\"", NULL},
    {"\"\\x41\"", NULL},
    {"\"\\ud800\"", NULL},
    {"\"\\udc00\"", NULL},
    {"\"\\ud800\\u0041\"", NULL},
    {"\"\\ud800\\", NULL},
    {"\"\\u12", NULL},
    {"\"\xed\xa0\x80\"", NULL},
    {"{\"a", NULL},
    {"{\"a\"", NULL},
    {"[{\"a\":", NULL},
    {"-", NULL},
    {"1.", NULL},
    {"1e", NULL},
    {"-9223372036854775809", NULL},
    {"-1e400", NULL},
    {"\"\\u0000\"", NULL},
    {"\"\xff\"", NULL},
    {"\"\xc0\xaf\"", NULL},
    {"9223372036854775808", NULL},
    {"1e999", NULL},
    {"[1}", NULL},
    {"// x\n1", NULL},
    {"\xef\xbb\xbf{}", NULL},
};

static void json_is_taken_or_refused_by_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_doc *doc = NULL;
        mlplat_error err = {0};
        mlplat_status s = mlplat_doc_parse(cases[i].text, strlen(cases[i].text), &doc, &err);
        if (s != (cases[i].out ? MLPLAT_OK : MLPLAT_INVALID))
            fail_msg("'%s' gave %s: %s", cases[i].text, mlplat_status_name(s), err.message);
        if (cases[i].out)
            assert_string_equal(mlplat_doc_text(doc), cases[i].out);
        else
            assert_non_null(strstr(err.message, "line "));
        mlplat_doc_free(doc);
    }
}

static void a_message_says_where(void **state)
{
    (void)state;
    mlplat_doc *doc;
    mlplat_error err = {0};
    static const char text[] = "{\n  \"a\": 1,\n  \"b\": x\n}";
    assert_status(mlplat_doc_parse(text, sizeof text - 1, &doc, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "line 3"));
    assert_null(doc);
}

static void the_text_need_not_end_with_nul(void **state)
{
    (void)state;
    mlplat_doc *doc;
    mlplat_error err = {0};
    assert_ok(mlplat_doc_parse("[1,2]garbage", 5, &doc, &err));
    assert_string_equal(mlplat_doc_text(doc), "[1,2]");
    mlplat_doc_free(doc);
}

static char *nested(size_t levels, const char *open, const char *close)
{
    size_t n = strlen(open), m = strlen(close);
    char *text = malloc(levels * (n + m) + 2), *at = text;
    assert_non_null(text);
    for (size_t i = 0; i < levels; i++, at += n)
        memcpy(at, open, n);
    *at++ = '1';
    for (size_t i = 0; i < levels; i++, at += m)
        memcpy(at, close, m);
    *at = 0;
    return text;
}

/* The library's own threads have 256 KiB, and frames are several times as large with sanitizers. */
#ifdef __SANITIZE_ADDRESS__
#define SMALL_STACK ((size_t)256 * 1024)
#else
#define SMALL_STACK ((size_t)64 * 1024)
#endif

static void *bombs(void *arg)
{
    static const struct {
        size_t levels;
        mlplat_status want;
    } depths[] = {{63, MLPLAT_OK}, {64, MLPLAT_OK}, {65, MLPLAT_INVALID}, {1000000, MLPLAT_INVALID}};
    int *good = arg;
    for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++)
        for (int k = 0; k < 2; k++) {
            char *text = nested(depths[i].levels, k ? "{\"a\":" : "[", k ? "}" : "]");
            mlplat_doc *doc = NULL;
            mlplat_error err = {0};
            *good += mlplat_doc_parse(text, strlen(text), &doc, &err) == depths[i].want;
            mlplat_doc_free(doc);
            free(text);
        }
    return NULL;
}

static void bombs_are_refused_on_a_small_stack(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_attr_t attr;
    int good = 0;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, SMALL_STACK);
    assert_int_equal(pthread_create(&thread, &attr, bombs, &good), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    assert_int_equal(good, 8);
}

static void brackets_in_strings_are_no_levels(void **state)
{
    (void)state;
    char text[1000] = "[\"\\\"";
    mlplat_doc *doc;
    mlplat_error err = {0};
    memset(text + 4, '[', 500);
    strcpy(text + 504, "\"]");
    assert_ok(mlplat_doc_parse(text, strlen(text), &doc, &err));
    mlplat_doc_free(doc);
}

static void more_values_than_are_allowed_are_refused_before_they_are_made(void **state)
{
    (void)state;
    json_t *json = NULL;
    mlplat_error err = {0};
    const char text[] = "{\"a,[{\": [1, \",,,\"], \"b\": {}}"; /* the whole, [, 1, "" and {} */
    assert_ok(mlp_json_parse_few(text, strlen(text), 5, &json, &err));
    json_decref(json);
    assert_status(mlp_json_parse_few(text, strlen(text), 4, &json, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "more than 4 values"));
    assert_null(json);
}

/* So many small values that they would take some ten times the text's size, or more. */
static void a_bomb_of_small_values_is_refused(void **state)
{
    (void)state;
    static const struct {
        mlplat_status (*parse)(const char *text, size_t n, mlplat_doc **out, mlplat_error *err);
        size_t most;
        const char *says;
    } doors[] = {{mlplat_doc_parse, (size_t)1 << 22, "more than 4194304 values"},
#ifndef MLPLAT_MINIMAL /* which has no YAML */
                 {mlplat_doc_parse_yaml, (size_t)1 << 20, "more than 1048576 values"}
#endif
    };
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++) {
        size_t n = 2 * doors[i].most; /* the array itself is a value */
        char *text = malloc(n + 1);
        mlplat_doc *doc = NULL;
        mlplat_error err = {0};
        assert_non_null(text);
        for (size_t at = 1; at < n; at += 2)
            memcpy(text + at, "0,", 2);
        text[0] = '[';
        text[n] = ']';
        assert_status(doors[i].parse(text, n + 1, &doc, &err), MLPLAT_INVALID);
        assert_non_null(strstr(err.message, doors[i].says));
        assert_null(doc);
        memcpy(text + n - 2, "  ", 2); /* one value less */
        assert_ok(doors[i].parse(text, n + 1, &doc, &err));
        mlplat_doc_free(doc);
        free(text);
    }
}

static void a_text_over_the_limit_is_not_looked_at(void **state)
{
    (void)state;
    mlplat_doc *doc;
    mlplat_error err = {0};
    assert_status(mlplat_doc_parse("[", ((size_t)64 << 20) + 1, &doc, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "64 MiB"));
    assert_status(mlplat_doc_parse_yaml("[", ((size_t)16 << 20) + 1, &doc, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "16 MiB"));
}

static void tags_are_an_object_of_strings(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[]", "1", "{\"a\": 1}", "{\"a\": null}", "{\"a\": {}}", "{", "{\"a\":\"b\",\"a\":\"c\"}"};
    mlplat_error err = {0};
    json_t *tags = NULL;
    assert_ok(mlp_json_parse_tags(NULL, "run tags", &tags, &err));
    assert_int_equal(json_object_size(tags), 0);
    json_decref(tags);
    assert_ok(mlp_json_parse_tags("{\"a\": \"b\"}", "run tags", &tags, &err));
    assert_string_equal(json_string_value(json_object_get(tags, "a")), "b");
    json_decref(tags);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_status(mlp_json_parse_tags(bad[i], "run tags", &tags, &err), MLPLAT_INVALID);
        assert_non_null(strstr(err.message, "run tags"));
        assert_null(tags);
    }
}

static void numbers_that_json_lacks_become_words(void **state)
{
    (void)state;
    const double values[] = {NAN, INFINITY, -INFINITY, 1.5};
    mlp_buf text = {0};
    mlplat_error err = {0};
    json_t *array = json_array();
    for (size_t i = 0; i < 4; i++)
        assert_ok(mlp_json_push(array, mlp_json_double(values[i]), &err));
    assert_ok(mlp_json_text(array, &text, &err));
    assert_string_equal(text.data, "[\"NaN\",\"Infinity\",\"-Infinity\",1.5]");
    mlp_buf_free(&text);
    json_decref(array);
}

static void text_that_is_no_utf8_is_repaired(void **state)
{
    (void)state;
    static const char *const repairs[][2] = {
        {"plain", "plain"},
        {"", ""},
        {NULL, ""},
        {"a\xff", "a\xef\xbf\xbd"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xc3\xa9\xe2\x82z", "\xc3\xa9\xef\xbf\xbd\xef\xbf\xbdz"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x8c\x8d", "\xf0\x9f\x8c\x8d"},
    };
    for (size_t i = 0; i < sizeof repairs / sizeof repairs[0]; i++) {
        json_t *json = mlp_json_string(repairs[i][0]);
        assert_string_equal(json_string_value(json), repairs[i][1]);
        json_decref(json);
    }
}

static void pretty_text_is_indented_by_two(void **state)
{
    (void)state;
    mlp_buf text = {0};
    mlplat_error err = {0};
    json_t *json = NULL;
    static const char in[] = "{\"a\":[1,{\"b\":[]}],\"c\":{}}";
    assert_ok(mlp_json_parse(in, sizeof in - 1, &json, &err));
    assert_ok(mlp_json_pretty(json, &text, &err));
    assert_string_equal(text.data, "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
    mlp_buf_free(&text);
    json_decref(json);
}

static void a_missing_value_is_no_memory(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc;
    json_t *object = json_object(), *array = json_array();
    assert_status(mlp_json_set(object, "a", NULL, &err), MLPLAT_NO_MEMORY);
    assert_status(mlp_json_push(array, NULL, &err), MLPLAT_NO_MEMORY);
    assert_status(mlp_doc_new(NULL, &doc, &err), MLPLAT_NO_MEMORY);
    json_decref(object);
    json_decref(array);
}

static int until_failure;

static void *scarce_malloc(size_t n)
{
    return until_failure-- == 0 ? NULL : malloc(n);
}

/* What the stack held before must not choose the answer. */
static void dirty_the_stack(int byte)
{
    volatile char room[8192];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = (char)byte;
}

static void no_memory_to_begin_with_is_told_as_that(void **state)
{
    json_t *json = NULL;
    mlplat_error err = {0};
    (void)state;
    json_set_alloc_funcs(scarce_malloc, free);
    for (int byte = 0; byte < 256; byte += 85) {
        dirty_the_stack(byte);
        until_failure = 0;
        assert_status(mlp_json_parse("{\"a\": 1}", 8, &json, &err), MLPLAT_NO_MEMORY);
        assert_null(json);
    }
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_taken_or_refused_by_the_rfc), cmocka_unit_test(a_message_says_where),
        cmocka_unit_test(the_text_need_not_end_with_nul),      cmocka_unit_test(bombs_are_refused_on_a_small_stack),
        cmocka_unit_test(brackets_in_strings_are_no_levels),   cmocka_unit_test(a_text_over_the_limit_is_not_looked_at),
        cmocka_unit_test(tags_are_an_object_of_strings),       cmocka_unit_test(numbers_that_json_lacks_become_words),
        cmocka_unit_test(text_that_is_no_utf8_is_repaired),    cmocka_unit_test(pretty_text_is_indented_by_two),
        cmocka_unit_test(a_bomb_of_small_values_is_refused),
        cmocka_unit_test(a_missing_value_is_no_memory),
        cmocka_unit_test(more_values_than_are_allowed_are_refused_before_they_are_made),
        cmocka_unit_test(no_memory_to_begin_with_is_told_as_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
