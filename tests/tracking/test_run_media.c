/* Tables and images among a run's artifacts. */
#include "support/support.h"
#include <stdbool.h>
#include <stdlib.h>

typedef struct fixture {
    char *folder;
    mlplat *ml;
    mlplat_run *run;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    mlplat_error err = {0};
    f->folder = test_folder_make();
    f->ml = test_open(f->folder);
    if (mlplat_run_start(f->ml, NULL, &f->run, &err) != MLPLAT_OK)
        return -1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    mlplat_run_free(f->run);
    mlplat_close(f->ml);
    test_folder_remove(f->folder);
    free(f);
    return 0;
}
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

typedef struct bytes {
    char data[4096];
    size_t n;
} bytes;

static int64_t collect(void *user, const void *data, size_t n)
{
    bytes *b = user;
    if (b->n + n >= sizeof b->data)
        return -1;
    memcpy(b->data + b->n, data, n);
    b->n += n;
    return (int64_t)n;
}

/* The artifact's text, in a static buffer. */
static const char *text_of(const fixture *f, const char *name)
{
    static bytes b;
    char uri[300];
    mlplat_error err = {0};
    b = (bytes){0};
    snprintf(uri, sizeof uri, "runs:/%s/%s", mlplat_run_id(f->run), name);
    assert_ok(mlplat_artifact_read(f->ml, uri, collect, &b, &err));
    return b.data;
}

static char *tag_of(const fixture *f, const char *key)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    size_t n = 0;
    char *value = NULL;
    assert_ok(mlplat_run_get(f->ml, mlplat_run_id(f->run), &doc, &err));
    assert_ok(mlplat_doc_size(doc, "data.tags", &n, &err));
    for (size_t i = 0; i < n && !value; i++) {
        char path[60];
        const char *text = NULL;
        snprintf(path, sizeof path, "data.tags[%zu].key", i);
        assert_ok(mlplat_doc_string(doc, path, &text, &err));
        bool found = strcmp(text, key) == 0;
        snprintf(path, sizeof path, "data.tags[%zu].value", i);
        if (found && mlplat_doc_string(doc, path, &text, &err) == MLPLAT_OK)
            value = strdup(text);
    }
    mlplat_doc_free(doc);
    return value;
}

static void a_table_grows(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    assert_ok(mlplat_run_log_table(f->run, "{\"columns\": [\"a\", \"b\"], \"data\": [[1, \"x\"]]}", "t/x.json", &err));
    assert_string_equal(text_of(f, "t/x.json"), "{\"columns\":[\"a\",\"b\"],\"data\":[[1,\"x\"]]}");
    static const char more[] = "{\"columns\": [\"c\", \"a\"], \"data\": [[true, 2], [null, 3]]}";
    assert_ok(mlplat_run_log_table(f->run, more, "t/x.json", &err));
    assert_string_equal(text_of(f, "t/x.json"), "{\"columns\":[\"a\",\"b\",\"c\"],\"data\":[[1,\"x\",null],"
                                                "[2,null,true],[3,null,null]]}");
    assert_ok(mlplat_run_log_table(f->run, "{\"columns\": [], \"data\": []}", "u.json", &err));
    char *tag = tag_of(f, "mlflow.loggedArtifacts");
    assert_string_equal(tag, "[{\"path\":\"t/x.json\",\"type\":\"table\"},{\"path\":\"u.json\",\"type\":\"table\"}]");
    free(tag);
}

static void bad_tables_are_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const char good[] = "{\"columns\": [\"a\"], \"data\": [[1]]}";
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"columns\": [\"a\"]}",
        "{\"columns\": {}, \"data\": []}",
        "{\"columns\": [\"a\", \"a\"], \"data\": []}",
        "{\"columns\": [null], \"data\": []}",
        "{\"columns\": [\"a\"], \"data\": [[1, 2]]}",
        "{\"columns\": [\"a\"], \"data\": [1]}",
        "{\"columns\": [\"a\"], \"data\": {}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (mlplat_run_log_table(f->run, bad[i], "x.json", &err) != MLPLAT_INVALID)
            fail_msg("%s was taken", bad[i]);
    assert_status(mlplat_run_log_table(f->run, NULL, "x.json", &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_table(f->run, good, NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_table(f->run, good, "x.csv", &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_table(f->run, good, "../x.json", &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_table(f->run, good, "x.parquet", &err), MLPLAT_UNSUPPORTED);
    assert_ok(mlplat_run_log_text(f->run, "no table", "y.json", &err));
    assert_status(mlplat_run_log_table(f->run, good, "y.json", &err), MLPLAT_INVALID);
    assert_string_equal(text_of(f, "y.json"), "no table"); /* what was there stays */
    assert_null(tag_of(f, "mlflow.loggedArtifacts"));
    assert_ok(mlplat_run_delete(f->ml, mlplat_run_id(f->run), &err));
    assert_status(mlplat_run_log_table(f->run, good, "z.json", &err), MLPLAT_STATE);
}

static const char png[] = "\x89PNG\r\n\x1a\nrest";

static void an_image_of_a_key_has_two_files(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_image image = MLPLAT_IMAGE_INIT;
    mlplat_doc *doc = NULL;
    char uri[100];
    const char *name = NULL;
    size_t n = 0;
    image.key = "dogs/big";
    image.step = -3;
    image.timestamp_ms = 77;
    image.small = "webp";
    image.small_n = 4;
    assert_ok(mlplat_run_log_image(f->run, png, sizeof png - 1, &image, &err));
    snprintf(uri, sizeof uri, "runs:/%s/images", mlplat_run_id(f->run));
    assert_ok(mlplat_artifact_list(f->ml, uri, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "files", &n, &err));
    assert_int_equal(n, 2);
    assert_ok(mlplat_doc_string(doc, "files[0].path", &name, &err));
    assert_non_null(strstr(name, "+compressed.webp"));
    assert_string_equal(text_of(f, name), "webp");
    assert_ok(mlplat_doc_string(doc, "files[1].path", &name, &err));
    assert_memory_equal(name, "images/dogs~big+step+-3+timestamp+77+", 37);
    assert_string_equal(text_of(f, name), png);
    mlplat_doc_free(doc);
    char *tag = tag_of(f, "mlflow.loggedImages");
    assert_string_equal(tag, "True");
    free(tag);
}

static void an_image_has_the_name_given(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_image image = MLPLAT_IMAGE_INIT;
    image.artifact_file = "a/b.gif";
    assert_ok(mlplat_run_log_image(f->run, "GIF", 3, &image, &err));
    assert_string_equal(text_of(f, "a/b.gif"), "GIF");
    assert_null(tag_of(f, "mlflow.loggedImages"));
}

static void bad_images_are_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_image image = MLPLAT_IMAGE_INIT;
    static const char *const keys[] = {"", "a%", "a+b", "\xc3\xa4", "\xff", "a\n"};
    assert_status(mlplat_run_log_image(f->run, png, sizeof png, NULL, &err), MLPLAT_INVALID);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        image.key = keys[i];
        assert_status(mlplat_run_log_image(f->run, png, sizeof png, &image, &err), MLPLAT_INVALID);
    }
    image.key = "k";
    assert_status(mlplat_run_log_image(f->run, "GIF", 3, &image, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_image(f->run, NULL, 3, &image, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_image(f->run, png, 0, &image, &err), MLPLAT_INVALID);
    image.timestamp_ms = -1;
    assert_status(mlplat_run_log_image(f->run, png, sizeof png, &image, &err), MLPLAT_INVALID);
    image.artifact_file = "x.png";
    assert_status(mlplat_run_log_image(f->run, png, sizeof png, &image, &err), MLPLAT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_table_grows),
        CASE(bad_tables_are_refused),
        CASE(an_image_of_a_key_has_two_files),
        CASE(an_image_has_the_name_given),
        CASE(bad_images_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
