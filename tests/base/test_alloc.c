/* Memory that the host chooses, and buffers whose failure sticks. */
#include "support/support.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include <stdbool.h>
#include <stdlib.h>

/* An allocator of the host that counts, and fails when it is told to. */
static struct {
    size_t live, calls, fail_at; /* fail_at 0: never */
} host;

static bool host_fails(void)
{
    return ++host.calls == host.fail_at;
}

static void *host_allocate(size_t n)
{
    void *p = host_fails() ? NULL : malloc(n);
    if (p) {
        host.live++;
        memset(p, 0xa5, n); /* memory of others is not zeroed */
    }
    return p;
}

static void *host_reallocate(void *p, size_t n)
{
    return host_fails() ? NULL : realloc(p, n);
}

static void host_release(void *p)
{
    host.live--;
    free(p);
}

static void use_host(size_t fail_at)
{
    memset(&host, 0, sizeof host);
    host.fail_at = fail_at;
    mlplat_set_allocator(host_allocate, host_reallocate, host_release);
}

static void memory_comes_from_the_host_and_goes_back(void **state)
{
    (void)state;
    use_host(0);
    char *copy = mlp_strdup("text");
    unsigned char *zeroed = mlp_alloc(1000);
    assert_string_equal(copy, "text");
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(zeroed[i], 0);
    assert_int_equal(host.live, 2);
    mlplat_free(copy);
    mlp_free(zeroed);
    mlplat_free(NULL);
    assert_int_equal(host.live, 0);
    mlplat_set_allocator(NULL, NULL, NULL);
}

static void half_an_allocator_is_not_mixed_with_another(void **state)
{
    (void)state;
    use_host(0);
    mlplat_set_allocator(host_allocate, NULL, host_release);
    char *copy = mlp_strdup("text");
    mlp_free(copy);
    assert_int_equal(host.calls, 0);
    mlplat_set_allocator(NULL, NULL, NULL);
}

static void sizes_that_overflow_give_no_memory(void **state)
{
    (void)state;
    assert_null(mlp_alloc_array(SIZE_MAX / 2, 3));
    assert_null(mlp_alloc_array(SIZE_MAX, 2));
    void *empty = mlp_alloc_array(0, 8);
    assert_non_null(empty);
    mlp_free(empty);
    empty = mlp_realloc(NULL, 0);
    assert_non_null(empty);
    mlp_free(empty);
}

static void text_is_copied_up_to_its_end(void **state)
{
    (void)state;
    char *cut = mlp_strndup("abcdef", 3), *whole = mlp_strndup("ab", 100), *made = mlp_sprintf("%s-%d", "x", 42);
    assert_string_equal(cut, "abc");
    assert_string_equal(whole, "ab");
    assert_string_equal(made, "x-42");
    assert_null(mlp_strdup(NULL));
    mlp_free(cut);
    mlp_free(whole);
    mlp_free(made);
}

static void buffer_grows_and_always_ends_with_nul(void **state)
{
    (void)state;
    mlp_buf b = {0};
    for (int i = 0; i < 1000; i++)
        mlp_buf_printf(&b, "%d,", i);
    assert_int_equal(b.size, 3890);
    assert_int_equal(strlen(b.data), b.size);
    mlp_buf_clear(&b);
    assert_string_equal(b.data, "");
    mlp_buf_add(&b, "a\0b", 3);
    assert_int_equal(b.size, 3);
    assert_memory_equal(b.data, "a\0b", 4);
    mlp_buf_free(&b);
    assert_null(b.data);
}

static void an_empty_buffer_gives_an_empty_text(void **state)
{
    (void)state;
    mlp_buf b = {0};
    char *text = mlp_buf_take(&b);
    assert_string_equal(text, "");
    mlp_free(text);
    mlp_buf_puts(&b, "again");
    text = mlp_buf_take(&b);
    assert_string_equal(text, "again");
    assert_int_equal(b.size, 0);
    mlp_free(text);
}

/* Fails the Nth allocation, N = 1, 2, ..., until none is left to fail: no leak, and the failure is reported. */
static void a_failed_append_sticks_until_it_is_asked_for(void **state)
{
    (void)state;
    mlplat_error err = {0};
    bool done = false;
    for (size_t n = 1; !done; n++) {
        mlp_buf b = {0};
        use_host(n);
        for (int i = 0; i < 200; i++)
            mlp_buf_puts(&b, "0123456789");
        mlp_buf_putc(&b, 'x');
        done = host.calls < n;
        if (done) {
            assert_status(mlp_buf_ok(&b, &err), MLPLAT_OK);
            assert_int_equal(b.size, 2001);
        } else {
            assert_status(mlp_buf_ok(&b, &err), MLPLAT_NO_MEMORY);
            assert_null(mlp_buf_take(&b));
        }
        mlp_buf_free(&b);
        assert_int_equal(host.live, 0);
    }
    mlplat_set_allocator(NULL, NULL, NULL);
}

static void a_document_survives_every_failed_allocation(void **state)
{
    (void)state;
    static const char text[] = "{\"a\": [1, 2.5, \"three\", null, true], \"b\": {\"c\": \"x\\ny\"}}";
    mlplat_error err = {0};
    bool done = false;
    for (size_t n = 1; !done; n++) {
        mlplat_doc *doc = NULL;
        char *yaml = NULL;
        use_host(n);
        mlplat_status s = mlplat_doc_parse(text, sizeof text - 1, &doc, &err);
        if (s == MLPLAT_OK)
            s = mlplat_doc_yaml(doc, &yaml, &err);
        done = host.calls < n;
        assert_int_equal(s, done ? MLPLAT_OK : MLPLAT_NO_MEMORY);
        if (done)
            assert_string_equal(yaml, "a:\n- 1\n- 2.5\n- three\n- null\n- true\nb:\n  c: |-\n    x\n    y\n");
        else
            assert_null(yaml);
        mlplat_free(yaml);
        mlplat_doc_free(doc);
        assert_int_equal(host.live, 0);
    }
    mlplat_set_allocator(NULL, NULL, NULL);
}

static void a_session_survives_every_failed_allocation(void **state)
{
    (void)state;
    static const char yaml[] = "profiles: {default: {spool: /spool, experiment_id: 3, durability: disk}}\n";
    char *folder = test_folder_make();
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat_error err = {0};
    bool done = false;
    test_clear_environment();
    setenv("MLFLOW_TRACKING_URI", "sqlite:///a.db", 1);
    options.artifact_root = "artifacts";
    options.config_file = test_path(folder, "config.yaml");
    assert_ok(mlp_file_write_atomic(options.config_file, yaml, sizeof yaml - 1, true, &err));
    for (size_t n = 1; !done; n++) {
        mlplat *ml = NULL;
        mlplat_doc *doc = NULL;
        use_host(n);
        mlplat_status s = mlplat_open(&options, &ml, &err);
        if (s == MLPLAT_OK)
            s = mlplat_config(ml, &doc, &err);
        done = host.calls < n;
        if (s != (done ? MLPLAT_OK : MLPLAT_NO_MEMORY))
            fail_msg("allocation %zu: %s: %s", n, mlplat_status_name(s), err.message);
        mlplat_doc_free(doc);
        mlplat_close(ml);
        assert_int_equal(host.live, 0);
    }
    mlplat_set_allocator(NULL, NULL, NULL);
    test_clear_environment();
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_from_the_host_and_goes_back),
        cmocka_unit_test(half_an_allocator_is_not_mixed_with_another),
        cmocka_unit_test(sizes_that_overflow_give_no_memory),
        cmocka_unit_test(text_is_copied_up_to_its_end),
        cmocka_unit_test(buffer_grows_and_always_ends_with_nul),
        cmocka_unit_test(an_empty_buffer_gives_an_empty_text),
        cmocka_unit_test(a_failed_append_sticks_until_it_is_asked_for),
        cmocka_unit_test(a_document_survives_every_failed_allocation),
        cmocka_unit_test(a_session_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
