/* The store as a whole when memory runs out: every allocation fails once, and nothing is lost, half or leaked. */
#include "archive_support.h"
#include "support/scarce_memory.h"
#include <stdbool.h>

typedef mlplat_status (*call)(mlplat *ml, const char *folder, mlplat_error *err);

static mlplat_status call_export(mlplat *ml, const char *folder, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_export_options o = MLPLAT_EXPORT_OPTIONS_INIT;
    o.experiments = "[\"fraud\"]";
    o.models = "[\"digits\"]";
    mlplat_status s = mlplat_export(ml, test_path(folder, "out"), &o, &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status call_import(mlplat *ml, const char *folder, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_import(ml, test_path(folder, "archive"), NULL, &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status call_check(mlplat *ml, const char *folder, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    (void)folder;
    mlplat_status s = mlplat_store_check(ml, NULL, &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status call_backup(mlplat *ml, const char *folder, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_backup_options o = MLPLAT_BACKUP_OPTIONS_INIT;
    o.artifacts = 1;
    mlplat_status s = mlplat_store_backup(ml, test_path(folder, "copy.db"), &o, &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status call_gc(mlplat *ml, const char *folder, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    (void)folder;
    o.orphans = 1;
    mlplat_status s = mlplat_store_gc(ml, &o, &doc, err);
    mlplat_doc_free(doc);
    return s;
}

/* Fails each allocation of a call in turn, the later ones in larger steps, until it goes through. */
static void sweep(mlplat *ml, const char *folder, call fn)
{
    for (long nth = 0;; nth += nth < 60 ? 1 : nth / 20) {
        mlplat_error err = {0};
        scarce_memory_arm_any(nth);
        mlplat_status s = fn(ml, folder, &err);
        bool reached = scarce_memory_disarm();
        if (s != MLPLAT_OK && s != MLPLAT_NO_MEMORY)
            fail_msg("allocation %ld: %s: %s", nth, mlplat_status_name(s), err.message);
        if (s == MLPLAT_OK && !reached)
            break;
        if (s == MLPLAT_OK) { /* it did without: what it made is in the way of the next round */
            mlp_file_remove_tree(test_path(folder, "out"), NULL);
            mlp_file_remove_tree(test_path(folder, "copy.db"), NULL);
        } else {
            assert_int_equal(access(test_path(folder, "out"), F_OK), -1);
            assert_int_equal(access(test_path(folder, "copy.db"), F_OK), -1);
        }
    }
    mlp_file_remove_tree(test_path(folder, "out"), NULL);
    mlp_file_remove_tree(test_path(folder, "copy.db"), NULL);
}

static void no_failed_allocation_of_a_call_leaves_half_of_it(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *folder = two_folders(), run_id[64], second[64];
    int ok = 0;
    int64_t n = 0;
    mlplat *a = open_in(folder, "a"), *b = open_in(folder, "b");
    fill_store(a, run_id);
    fill_store(a, second);
    assert_ok(mlplat_export(a, test_path(folder, "archive"), NULL, NULL, &err));
    sweep(a, folder, call_export);
    sweep(b, folder, call_import);
    assert_ok(mlplat_import(b, test_path(folder, "archive"), NULL, &doc, &err));
    assert_ok(mlplat_doc_int(doc, "runs.same", &n, &err));
    assert_int_equal(n, 2);
    mlplat_doc_free(doc);
    sweep(a, folder, call_check);
    sweep(a, folder, call_backup);
    assert_ok(mlplat_run_delete(a, second, &err));
    sweep(a, folder, call_gc);
    assert_status(mlplat_run_get(a, second, &doc, &err), MLPLAT_NOT_FOUND);
    assert_ok(mlplat_store_check(a, NULL, &doc, &err));
    assert_ok(mlplat_doc_bool(doc, "ok", &ok, &err));
    mlplat_doc_free(doc);
    mlplat_close(a);
    mlplat_close(b);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_failed_allocation_of_a_call_leaves_half_of_it),
    };
    scarce_memory_on();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
