/* Making a store. */
#include "support/support.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_is_made_once_and_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
