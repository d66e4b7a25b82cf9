/* Documents: typed getters by path. */
#include "support/support.h"
#include <math.h>

static const char text[] =
    "{\"data\":{\"params\":[{\"key\":\"depth\",\"value\":\"6\"},{\"key\":\"eta\",\"value\":\"0.1\"}]},"
    "\"tags\":{\"mlflow.user\":\"ann\",\"a`b\":1,\"[0]\":2,\"\":3,\"a]b\":4},"
    "\"n\":42,\"whole\":7.0,\"half\":0.5,\"huge\":1e19,\"nan\":\"NaN\",\"inf\":\"-Infinity\",\"yes\":true,\"none\":"
    "null,"
    "\"matrix\":[[1,2],[3,4]],\"neg\":-9223372036854775808}";

static mlplat_doc *make(void)
{
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_doc_parse(text, sizeof text - 1, &doc, &err));
    return doc;
}

static void paths_find_what_they_name(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        mlplat_status want;
        mlplat_doc_type type;
    } cases[] = {
        {"", MLPLAT_OK, MLPLAT_DOC_OBJECT},
        {"n", MLPLAT_OK, MLPLAT_DOC_INT},
        {"half", MLPLAT_OK, MLPLAT_DOC_DOUBLE},
        {"yes", MLPLAT_OK, MLPLAT_DOC_BOOL},
        {"none", MLPLAT_OK, MLPLAT_DOC_NULL},
        {"data.params", MLPLAT_OK, MLPLAT_DOC_ARRAY},
        {"data.params[1].key", MLPLAT_OK, MLPLAT_DOC_STRING},
        {"matrix[1][0]", MLPLAT_OK, MLPLAT_DOC_INT},
        {"tags.`mlflow.user`", MLPLAT_OK, MLPLAT_DOC_STRING},
        {"tags.`a``b`", MLPLAT_OK, MLPLAT_DOC_INT},
        {"tags.`[0]`", MLPLAT_OK, MLPLAT_DOC_INT},
        {"tags.``", MLPLAT_OK, MLPLAT_DOC_INT},
        {"tags.`a]b`", MLPLAT_OK, MLPLAT_DOC_INT},
        {"`data`.`params`[0].`key`", MLPLAT_OK, MLPLAT_DOC_STRING},
        {"nothing", MLPLAT_NOT_FOUND, 0},
        {"data.params[2]", MLPLAT_NOT_FOUND, 0},
        {"data.params[99999999999999999999999]", MLPLAT_NOT_FOUND, 0},
        {"data.params.key", MLPLAT_NOT_FOUND, 0},
        {"n.x", MLPLAT_NOT_FOUND, 0},
        {"n[0]", MLPLAT_NOT_FOUND, 0},
        {"nothing.at.all[3]", MLPLAT_NOT_FOUND, 0},
        {"tags.mlflow.user", MLPLAT_NOT_FOUND, 0},
        {".", MLPLAT_INVALID, 0},
        {".n", MLPLAT_INVALID, 0},
        {"n.", MLPLAT_INVALID, 0},
        {"data..params", MLPLAT_INVALID, 0},
        {"data.params[", MLPLAT_INVALID, 0},
        {"data.params[]", MLPLAT_INVALID, 0},
        {"data.params[-1]", MLPLAT_INVALID, 0},
        {"data.params[x]", MLPLAT_INVALID, 0},
        {"data.params[0", MLPLAT_INVALID, 0},
        {"data.params[0]key", MLPLAT_INVALID, 0},
        {"data.params]", MLPLAT_INVALID, 0},
        {"`data", MLPLAT_INVALID, 0},
        {"`a```", MLPLAT_NOT_FOUND, 0},
        {"`a``", MLPLAT_INVALID, 0},
        {"`data`x", MLPLAT_INVALID, 0},
        {"da`ta`", MLPLAT_INVALID, 0},
        {"nothing..x", MLPLAT_INVALID, 0},
    };
    mlplat_doc *doc = make();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_doc_type type;
        mlplat_error err = {0};
        mlplat_status s = mlplat_doc_type_at(doc, cases[i].path, &type, &err);
        if (s != cases[i].want || (s == MLPLAT_OK && type != cases[i].type) || (s != MLPLAT_OK && !*err.message))
            fail_msg("'%s': %s %s", cases[i].path, mlplat_status_name(s), err.message);
    }
    mlplat_doc_free(doc);
}

static void values_have_types(void **state)
{
    (void)state;
    mlplat_doc *doc = make();
    mlplat_error err = {0};
    const char *s;
    int64_t n;
    double d;
    int yes;
    assert_ok(mlplat_doc_string(doc, "data.params[0].value", &s, &err));
    assert_string_equal(s, "6");
    assert_status(mlplat_doc_string(doc, "n", &s, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "'n' is an integer, not a string"));
    assert_ok(mlplat_doc_int(doc, "n", &n, &err));
    assert_int_equal(n, 42);
    assert_ok(mlplat_doc_int(doc, "whole", &n, &err));
    assert_int_equal(n, 7);
    assert_ok(mlplat_doc_int(doc, "neg", &n, &err));
    assert_true(n == INT64_MIN);
    assert_status(mlplat_doc_int(doc, "half", &n, &err), MLPLAT_INVALID);
    assert_status(mlplat_doc_int(doc, "huge", &n, &err), MLPLAT_INVALID);
    assert_status(mlplat_doc_int(doc, "yes", &n, &err), MLPLAT_INVALID);
    assert_ok(mlplat_doc_double(doc, "n", &d, &err));
    assert_true(d == 42);
    assert_ok(mlplat_doc_double(doc, "nan", &d, &err));
    assert_true(isnan(d));
    assert_ok(mlplat_doc_double(doc, "inf", &d, &err));
    assert_true(isinf(d) && d < 0);
    assert_status(mlplat_doc_double(doc, "data.params[0].value", &d, &err), MLPLAT_INVALID);
    assert_ok(mlplat_doc_bool(doc, "yes", &yes, &err));
    assert_int_equal(yes, 1);
    assert_status(mlplat_doc_bool(doc, "n", &yes, &err), MLPLAT_INVALID);
    assert_status(mlplat_doc_bool(doc, "nothing", &yes, &err), MLPLAT_NOT_FOUND);
    mlplat_doc_free(doc);
}

static void members_are_counted_and_named_in_order(void **state)
{
    (void)state;
    mlplat_doc *doc = make();
    mlplat_error err = {0};
    static const char *const keys[] = {"mlflow.user", "a`b", "[0]", "", "a]b"};
    const char *key;
    size_t n;
    assert_ok(mlplat_doc_size(doc, "tags", &n, &err));
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++) {
        assert_ok(mlplat_doc_key(doc, "tags", i, &key, &err));
        assert_string_equal(key, keys[i]);
    }
    assert_status(mlplat_doc_key(doc, "tags", n, &key, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_doc_key(doc, "tags", SIZE_MAX, &key, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_doc_key(doc, "matrix", 0, &key, &err), MLPLAT_INVALID);
    assert_ok(mlplat_doc_size(doc, "matrix", &n, &err));
    assert_int_equal(n, 2);
    assert_status(mlplat_doc_size(doc, "n", &n, &err), MLPLAT_INVALID);
    mlplat_doc_free(doc);
}

static void a_part_outlives_the_whole(void **state)
{
    (void)state;
    mlplat_doc *doc = make(), *part, *missing = doc;
    mlplat_error err = {0};
    assert_ok(mlplat_doc_at(doc, "data.params[1]", &part, &err));
    assert_status(mlplat_doc_at(doc, "data.params[7]", &missing, &err), MLPLAT_NOT_FOUND);
    assert_null(missing);
    mlplat_doc_free(doc);
    assert_string_equal(mlplat_doc_text(part), "{\"key\":\"eta\",\"value\":\"0.1\"}");
    mlplat_doc_free(part);
    mlplat_doc_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_what_they_name),
        cmocka_unit_test(values_have_types),
        cmocka_unit_test(members_are_counted_and_named_in_order),
        cmocka_unit_test(a_part_outlives_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
