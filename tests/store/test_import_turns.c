/* Imports into one store take turns, in one process and in several. */
#include "archive_support.h"
#include "store/import_lock.h"
#include <pthread.h>
#include <sys/wait.h>

enum { IMPORTS = 4 };

static char *two_stores_and_an_archive(void)
{
    mlplat_error err = {0};
    char *folder = two_folders(), id[64];
    mlplat *a = open_in(folder, "a");
    fill_store(a, id);
    assert_ok(mlplat_export(a, test_path(folder, "archive"), NULL, NULL, &err));
    mlplat_close(a);
    return folder;
}

typedef struct importer {
    pthread_t thread;
    char to[1024], archive[1024];
    mlplat_status status;
    mlplat_error err;
    int64_t imported, same;
} importer;

static void *run_import(void *arg)
{
    importer *i = arg;
    mlplat *ml = NULL;
    mlplat_doc *doc = NULL;
    i->status = test_try_open(i->to, &ml, &i->err);
    if (i->status == MLPLAT_OK)
        i->status = mlplat_import(ml, i->archive, NULL, &doc, &i->err);
    if (i->status == MLPLAT_OK)
        i->status = mlplat_doc_int(doc, "runs.imported", &i->imported, &i->err);
    if (i->status == MLPLAT_OK)
        i->status = mlplat_doc_int(doc, "runs.same", &i->same, &i->err);
    mlplat_doc_free(doc);
    mlplat_close(ml);
    return NULL;
}

static void threads_import_one_archive_once(void **state)
{
    (void)state;
    char *folder = two_stores_and_an_archive();
    importer importers[IMPORTS] = {0};
    int64_t imported = 0, same = 0;
    mlplat_close(open_in(folder, "b"));
    for (int i = 0; i < IMPORTS; i++) {
        snprintf(importers[i].to, sizeof importers[i].to, "%s", test_path(folder, "b"));
        snprintf(importers[i].archive, sizeof importers[i].archive, "%s", test_path(folder, "archive"));
        assert_int_equal(pthread_create(&importers[i].thread, NULL, run_import, &importers[i]), 0);
    }
    for (int i = 0; i < IMPORTS; i++) {
        pthread_join(importers[i].thread, NULL);
        if (importers[i].status != MLPLAT_OK)
            fail_msg("%s", importers[i].err.message);
        imported += importers[i].imported;
        same += importers[i].same;
    }
    assert_int_equal(imported, 1);
    assert_int_equal(same, IMPORTS - 1);
    assert_int_equal(number(test_path(folder, "b/mlflow.db"), "SELECT count(*) FROM metrics"), 1502);
    assert_int_equal(access(test_path(folder, "b/mlflow.db-import"), F_OK), -1);
    test_folder_remove(folder);
}

static int cancel_at_the_third_call(void *user, uint64_t done, uint64_t total)
{
    int *calls = user;
    (void)total;
    return done == 0 && ++*calls == 3;
}

/* While somebody else has the turn. Its hook is called while nothing moves. */
static void assert_waits_and_is_cancelled(const char *folder)
{
    mlplat_error err = {0};
    mlplat_import_options o = MLPLAT_IMPORT_OPTIONS_INIT;
    int calls = 0;
    mlplat *b = open_in(folder, "b");
    o.progress = cancel_at_the_third_call;
    o.user = &calls;
    assert_status(mlplat_import(b, test_path(folder, "archive"), &o, NULL, &err), MLPLAT_CANCELLED);
    assert_int_equal(calls, 3);
    mlplat_close(b);
    assert_int_equal(number(test_path(folder, "b/mlflow.db"), "SELECT count(*) FROM runs"), 0);
}

static void an_import_that_waits_can_be_cancelled(void **state)
{
    (void)state;
    mlplat_error err = {0};
    const mlp_logger quiet = {0};
    mlp_import_lock lock = {0};
    char *folder = two_stores_and_an_archive(), byte = 0;
    int ready[2], done[2];
    mlplat *b = open_in(folder, "b");
    assert_ok(mlplat_store_create(b, NULL, NULL, &err));
    mlplat_close(b);
    assert_ok(mlp_import_lock_take(&lock, test_path(folder, "b/mlflow.db"), &quiet, NULL, &err));
    assert_waits_and_is_cancelled(folder);
    mlp_import_lock_give(&lock);
    assert_true(pipe(ready) == 0 && pipe(done) == 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(done[1]);
        if (mlp_import_lock_take(&lock, test_path(folder, "b/mlflow.db"), &quiet, NULL, &err) != MLPLAT_OK ||
            write(ready[1], "r", 1) != 1)
            _exit(1);
        _exit(read(done[0], &byte, 1) != 0); /* and leaves its file, as one that is killed */
    }
    close(done[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_waits_and_is_cancelled(folder);
    close(done[1]);
    test_wait_good(pid);
    b = open_in(folder, "b");
    assert_ok(mlplat_import(b, test_path(folder, "archive"), NULL, NULL, &err));
    mlplat_close(b);
    assert_int_equal(access(test_path(folder, "b/mlflow.db-import"), F_OK), -1);
    close(ready[0]);
    close(ready[1]);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_import_one_archive_once),
        cmocka_unit_test(an_import_that_waits_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
