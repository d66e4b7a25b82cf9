/* Moving a store to the head of another MLflow, also while others have it open. */
#include "support/support.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static const char *text_at(const mlplat_doc *doc, const char *path)
{
    const char *text = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_doc_string(doc, path, &text, &err));
    return text;
}

static void make_at(mlplat *ml, const char *mlflow)
{
    mlplat_error err = {0};
    mlplat_store_options options = MLPLAT_STORE_OPTIONS_INIT;
    options.mlflow = mlflow;
    assert_ok(mlplat_store_create(ml, &options, NULL, &err));
}

static void heads_are_listed(void **state)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    (void)state;
    assert_ok(mlplat_store_heads(&doc, &err));
    assert_string_equal(text_at(doc, "heads[0].head"), "5b0e9adcef9c");
    assert_string_equal(text_at(doc, "heads[0].mlflow"), "2.14.0");
    mlplat_doc_type type = MLPLAT_DOC_STRING;
    assert_ok(mlplat_doc_type_at(doc, "heads[4].mlflow", &type, &err)); /* of no release */
    assert_int_equal(type, MLPLAT_DOC_NULL);
    mlplat_doc_free(doc);
}

static void an_upgrade_says_what_it_did(void **state)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    (void)state;
    char *folder = test_folder_make();
    mlplat *ml = test_open(folder);
    assert_status(mlplat_store_upgrade(ml, "3.1.0", NULL, &err), MLPLAT_NOT_FOUND);
    assert_int_equal(access(test_path(folder, "mlflow.db"), F_OK), -1); /* and made none */
    make_at(ml, "2.14.0");
    for (int i = 0; i < 2; i++) {
        int changed = -1;
        assert_ok(mlplat_store_upgrade(ml, "3.1.0", &doc, &err));
        assert_string_equal(text_at(doc, "from"), i ? "bda7b8c39065" : "5b0e9adcef9c");
        assert_string_equal(text_at(doc, "head"), "bda7b8c39065");
        assert_ok(mlplat_doc_bool(doc, "changed", &changed, &err));
        assert_int_equal(changed, i == 0);
        mlplat_doc_free(doc);
    }
    assert_status(mlplat_store_upgrade(ml, "2.14.0", &doc, &err), MLPLAT_CONFLICT);
    assert_null(doc);
    assert_status(mlplat_store_upgrade(ml, "soon", NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_store_upgrade(ml, "99.0.0", NULL, &err), MLPLAT_UNSUPPORTED);
    mlplat_close(ml);
    test_folder_remove(folder);
}

/* A session that opened the store at the old head knows nothing of workspaces. */
static void open_sessions_go_on_in_the_new_tables(void **state)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *id = NULL;
    int64_t version = 0;
    (void)state;
    char *folder = test_folder_make();
    mlplat *old = test_open(folder), *other = test_open(folder);
    make_at(old, "2.14.0");
    assert_ok(mlplat_registered_model_create(old, "before", NULL, NULL, &err));
    assert_ok(mlplat_experiment_create(old, "before", NULL, &id, &err));
    mlplat_free(id);
    assert_ok(mlplat_store_upgrade(other, "3.17.0", NULL, &err));

    assert_status(mlplat_registered_model_create(old, "before", NULL, NULL, &err), MLPLAT_EXISTS);
    assert_ok(mlplat_registered_model_create(old, "after", NULL, NULL, &err));
    assert_ok(mlplat_registered_model_set_tag(old, "before", "k", "v", &err));
    assert_ok(mlplat_registered_model_set_tag(old, "before", "k", "w", &err));
    assert_ok(mlplat_model_version_create(old, "before", folder, NULL, &version, &err));
    assert_ok(mlplat_model_alias_set(old, "before", "champion", "1", &err));
    assert_ok(mlplat_model_alias_set(old, "before", "champion", "1", &err));
    assert_status(mlplat_experiment_create(old, "before", NULL, &id, &err), MLPLAT_EXISTS);
    mlplat_logged_model_options model = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
    model.name = "tree";
    assert_ok(mlplat_logged_model_create(old, &model, &doc, &err)); /* that MLflow had none */
    mlplat_doc_free(doc);
    assert_ok(mlplat_registered_model_get(other, "before", &doc, &err));
    assert_string_equal(text_at(doc, "tags[0].value"), "w");
    mlplat_doc_free(doc);
    mlplat_close(old);
    mlplat_close(other);
    test_folder_remove(folder);
}

typedef struct writer {
    mlplat *ml;
    sem_t began; /* posted when the first point is logged */
    atomic_bool stop;
    int64_t logged;
} writer;

static void *write_on(void *arg)
{
    writer *w = arg;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    assert_ok(mlplat_run_start(w->ml, NULL, &run, &err));
    while (!atomic_load(&w->stop)) {
        assert_ok(mlplat_run_log_metric(run, "loss", 0.5, w->logged++, &err));
        if (w->logged == 1)
            sem_post(&w->began);
        if (w->logged % 50 == 0)
            assert_ok(mlplat_run_log_param(run, mlplat_run_id(run), "same", &err)); /* waits for the store */
    }
    assert_ok(mlplat_run_end(run, "FINISHED", &err));
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_metric_history(w->ml, mlplat_run_id(run), "loss", 1, NULL, &doc, &err));
    mlplat_doc_free(doc);
    mlplat_run_free(run);
    return NULL;
}

/* From head to head, while a program logs: nothing is lost, nothing is refused. */
static void upgrades_and_writers_take_turns(void **state)
{
    mlplat_error err = {0};
    mlplat_doc *heads = NULL, *status = NULL;
    pthread_t thread;
    int64_t dead = -1, waiting = -1;
    size_t n = 0;
    (void)state;
    char *folder = test_folder_make();
    writer w = {.ml = test_open(folder)};
    mlplat *other = test_open(folder);
    make_at(other, "2.14.0");
    assert_ok(mlplat_store_heads(&heads, &err));
    assert_int_equal(sem_init(&w.began, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
    assert_int_equal(sem_wait(&w.began), 0);
    assert_ok(mlplat_doc_size(heads, "heads", &n, &err));
    for (size_t i = 0; i < n; i++) {
        char path[48];
        snprintf(path, sizeof path, "heads[%zu].head", i);
        assert_ok(mlplat_store_upgrade(other, text_at(heads, path), NULL, &err));
    }
    atomic_store(&w.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ok(mlplat_flush(w.ml, -1, &err));
    assert_ok(mlplat_spool_status(w.ml, &status, &err));
    assert_ok(mlplat_doc_int(status, "dead", &dead, &err));
    assert_ok(mlplat_doc_int(status, "waiting", &waiting, &err));
    assert_int_equal(dead, 0);
    assert_int_equal(waiting, 0);
    sem_destroy(&w.began);
    mlplat_doc_free(status);
    mlplat_doc_free(heads);
    mlplat_close(w.ml);
    mlplat_close(other);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_listed),
        cmocka_unit_test(an_upgrade_says_what_it_did),
        cmocka_unit_test(open_sessions_go_on_in_the_new_tables),
        cmocka_unit_test(upgrades_and_writers_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
