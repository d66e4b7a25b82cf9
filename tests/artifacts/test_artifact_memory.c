/* Every allocation of a transfer and of a model directory fails once: no leak, no half a file, an error that says why.
 */
#include "support/scarce_memory.h"
#include "support/support.h"
#include "base/file.h"
#include <stdlib.h>

static int64_t swallow(void *user, const void *data, size_t n)
{
    (void)user;
    (void)data;
    return (int64_t)n;
}

static mlplat_status put_folder(mlplat *ml, const char *folder, mlplat_error *err)
{
    return mlplat_artifact_put(ml, test_path(folder, "in"), test_path(folder, "store"), NULL, err);
}

static mlplat_status get_folder(mlplat *ml, const char *folder, mlplat_error *err)
{
    return mlplat_artifact_get(ml, test_path(folder, "in"), test_path(folder, "out"), NULL, err);
}

static mlplat_status get_file(mlplat *ml, const char *folder, mlplat_error *err)
{
    return mlplat_artifact_get(ml, test_path(folder, "in/a.txt"), test_path(folder, "out.txt"), NULL, err);
}

static mlplat_status read_file(mlplat *ml, const char *folder, mlplat_error *err)
{
    char uri[600];
    snprintf(uri, sizeof uri, "file://%s/in/sub/b.txt", folder);
    return mlplat_artifact_read(ml, uri, swallow, NULL, err);
}

static mlplat_status list_folder(mlplat *ml, const char *folder, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_artifact_list(ml, test_path(folder, "in"), &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status resolve(mlplat *ml, const char *folder, mlplat_error *err)
{
    char *path = NULL;
    mlplat_status s = mlplat_artifact_resolve(ml, test_path(folder, "in"), &path, err);
    mlplat_free(path);
    return s;
}

static mlplat_status save_model(mlplat *ml, const char *folder, mlplat_error *err)
{
    mlplat_model m = MLPLAT_MODEL_INIT;
    m.loader_module = "loader";
    m.data = test_path(folder, "in/a.txt");
    m.code = test_path(folder, "in");
    m.signature = "{\"inputs\": [{\"name\": \"a\", \"type\": \"double\"}]}";
    m.input_example = "{\"columns\": [\"a\"], \"data\": [[1.5]]}";
    m.requirements = "numpy\npandas\n";
    m.python_version = "3.11.2";
    return mlplat_model_save(ml, &m, test_path(folder, "model"), err);
}

static mlplat_status read_info(mlplat *ml, const char *folder, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_model_info(ml, test_path(folder, "in"), &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static const struct {
    const char *what;
    mlplat_status (*run)(mlplat *ml, const char *folder, mlplat_error *err);
} works[] = {
    {"put", put_folder},   {"get", get_folder},  {"get a file", get_file}, {"read", read_file},
    {"list", list_folder}, {"resolve", resolve}, {"save", save_model},     {"info", read_info},
};

static void fill(const char *folder)
{
    mlplat_error err = {0};
    assert_ok(mlp_file_mkdirs(test_path(folder, "in/sub"), 0777, &err));
    assert_ok(mlp_file_write_atomic(test_path(folder, "in/a.txt"), "a", 1, false, &err));
    assert_ok(mlp_file_write_atomic(test_path(folder, "in/sub/b.txt"), "b", 1, false, &err));
    assert_ok(mlp_file_write_atomic(test_path(folder, "in/MLmodel"), "flavors: {}\n", 12, false, &err));
}

static void clear(const char *folder)
{
    static const char *const made[] = {"store", "out", "out.txt", "model"};
    mlplat_error err = {0};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        assert_ok(mlp_file_remove_tree(test_path(folder, made[i]), &err));
}

static void a_failed_allocation_is_told_and_costs_nothing(void **state)
{
    mlplat_error err = {0};
    scarce_memory_on();
    char *folder = test_folder_make();
    mlplat *ml = test_open(folder);
    (void)state;
    fill(folder);
    for (size_t w = 0; w < sizeof works / sizeof works[0]; w++) {
        long failed = 0;
        bool reached = true;
        for (long nth = 0; reached; nth++) {
            err = (mlplat_error){0};
            scarce_memory_arm(nth);
            mlplat_status s = works[w].run(ml, folder, &err);
            reached = scarce_memory_disarm();
            if (s != MLPLAT_OK && (!reached || s != MLPLAT_NO_MEMORY || err.status != s))
                fail_msg("%s, allocation %ld: %s: %s", works[w].what, nth, mlplat_status_name(s), err.message);
            failed += s != MLPLAT_OK;
            assert_true(s == MLPLAT_OK || !mlp_file_exists(test_path(folder, "model")));
            clear(folder);
        }
        assert_true(failed > 2);
    }
    mlplat_close(ml);
    test_folder_remove(folder);
    scarce_memory_off();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_failed_allocation_is_told_and_costs_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
