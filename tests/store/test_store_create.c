/* Making a store. */
#include "support/support.h"
#include "base/file.h"

static const char *text_at(const mlplat_doc *doc, const char *path)
{
    const char *text = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_doc_string(doc, path, &text, &err));
    return text;
}

static void a_store_is_made_once_and_found_again(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *folder = test_folder_make();
    mlplat *ml = NULL;
    for (int i = 0; i < 3; i++) { /* also in the session that made it */
        int created = -1;
        if (i != 1)
            ml = test_open(folder);
        assert_ok(mlplat_store_create(ml, NULL, &doc, &err));
        assert_string_equal(text_at(doc, "path"), test_path(folder, "mlflow.db"));
        assert_int_equal(strlen(text_at(doc, "head")), 12);
        assert_ok(mlplat_doc_bool(doc, "created", &created, &err));
        assert_int_equal(created, i == 0);
        mlplat_doc_free(doc);
        if (i)
            mlplat_close(ml);
    }
    test_folder_remove(folder);
}

static void a_path_beyond_what_sqlite_opens_is_told_as_that(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make(), deep[600];
    int n = snprintf(deep, sizeof deep, "%s", folder);
    while (n < 504 - 10) { /* "/mlflow.db" */
        deep[n] = n % 100 ? 'd' : '/';
        n++;
    }
    for (int over = 1; over >= 0; over--) {
        deep[n] = over ? 'd' : 0;
        deep[n + 1] = 0;
        assert_ok(mlp_file_mkdirs(deep, 0700, &err));
        mlplat *ml = test_open(deep);
        assert_status(mlplat_store_create(ml, NULL, NULL, &err), over ? MLPLAT_INVALID : MLPLAT_OK);
        if (over)
            assert_non_null(strstr(err.message, "505 bytes, and SQLite opens 504"));
        mlplat_close(ml);
    }
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_is_made_once_and_found_again),
        cmocka_unit_test(a_path_beyond_what_sqlite_opens_is_told_as_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
