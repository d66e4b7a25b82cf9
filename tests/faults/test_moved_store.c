/*
 * The store's file is moved, replaced or deleted under a session. SQLite would go on with a file that has no name, and
 * what is stored there is gone with the last process. So nothing counts as stored that is not in the file of that name:
 * it waits in the spool for the file to come back.
 */
#include "support/support.h"
#include <stdio.h>
#include <unistd.h>

enum { BEFORE = 100, AFTER = 1000 };

typedef struct scene {
    char *folder, run_id[64];
    mlplat *ml;
    mlplat_run *run;
} scene;

static void quiet(void *user, mlplat_log_level level, const char *line)
{
    (void)user, (void)level, (void)line;
}

static mlplat *open_quietly(const char *folder)
{
    char uri[1100];
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", folder);
    options.tracking_uri = uri;
    options.log = quiet;
    assert_ok(mlplat_open(&options, &ml, &err));
    return ml;
}

static void log_points(scene *s, int first, int n)
{
    mlplat_error err = {0};
    for (int i = first; i < first + n; i++)
        assert_ok(mlplat_run_log_metric(s->run, "loss", i, i, &err));
}

/* A run with some points in the store, whose log is in the file. */
static scene begin(void)
{
    mlplat_error err = {0};
    scene s = {.folder = test_folder_make()};
    s.ml = open_quietly(s.folder);
    s.run = test_run_start(s.ml);
    snprintf(s.run_id, sizeof s.run_id, "%s", mlplat_run_id(s.run));
    log_points(&s, 0, BEFORE);
    assert_ok(mlplat_flush(s.ml, 10000, &err));
    return s;
}

static void close_scene(scene *s)
{
    mlplat_run_free(s->run);
    mlplat_close(s->ml);
    s->ml = NULL;
}

/* All points are in the store once. */
static void check_points(const scene *s, size_t want)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    size_t n = 0;
    mlplat *ml = open_quietly(s->folder);
    assert_ok(mlplat_metric_history(ml, s->run_id, "loss", 10000, NULL, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "metrics", &n, &err));
    assert_int_equal(n, want);
    mlplat_doc_free(doc);
    mlplat_close(ml);
}

static void move(const scene *s, const char *from, const char *to)
{
    assert_int_equal(rename(test_path(s->folder, from), test_path(s->folder, to)), 0);
}

static void nothing_is_stored_in_a_file_without_a_name(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    scene s = begin();
    move(&s, "mlflow.db", "away.db");
    log_points(&s, BEFORE, AFTER); /* accepted: the journal is there */
    assert_status(mlplat_flush(s.ml, 10000, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "mlflow.db' was moved, replaced or deleted"));
    assert_status(mlplat_run_log_param(s.run, "p", "1", &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_run_get(s.ml, s.run_id, &doc, &err), MLPLAT_NOT_FOUND);
    close_scene(&s);
    move(&s, "away.db", "mlflow.db");
    check_points(&s, BEFORE + AFTER);
    test_folder_remove(s.folder);
}

static void a_session_goes_on_when_the_file_is_back(void **state)
{
    (void)state;
    mlplat_error err = {0};
    scene s = begin();
    move(&s, "mlflow.db", "away.db");
    log_points(&s, BEFORE, AFTER);
    assert_status(mlplat_flush(s.ml, 10000, &err), MLPLAT_NOT_FOUND);
    move(&s, "away.db", "mlflow.db");
    assert_ok(mlplat_flush(s.ml, 10000, &err));
    close_scene(&s);
    check_points(&s, BEFORE + AFTER);
    test_folder_remove(s.folder);
}

/* As by a tool that writes a copy and renames it. */
static void what_was_logged_goes_to_the_file_that_took_its_place(void **state)
{
    (void)state;
    mlplat_error err = {0};
    scene s = begin();
    assert_ok(mlplat_store_backup(s.ml, test_path(s.folder, "copy.db"), NULL, NULL, &err));
    move(&s, "copy.db", "mlflow.db");
    log_points(&s, BEFORE, AFTER);
    assert_status(mlplat_flush(s.ml, 10000, &err), MLPLAT_NOT_FOUND);
    close_scene(&s);
    check_points(&s, BEFORE + AFTER);
    test_folder_remove(s.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_stored_in_a_file_without_a_name),
        cmocka_unit_test(a_session_goes_on_when_the_file_is_back),
        cmocka_unit_test(what_was_logged_goes_to_the_file_that_took_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
