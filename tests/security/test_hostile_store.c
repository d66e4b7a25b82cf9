/* A store file from somebody who wishes us ill: code in its schema, and values that no writer of ours would write. */
#include "store/archive_support.h"
#include <fcntl.h>
#include <time.h>

/* ---- code in the schema ------------------------------------------------------------------------------------------ */

static int64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void a_planted_trigger_does_not_run(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = two_folders(), run_id[64];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    sql(test_path(folder, "a/mlflow.db"),
        "CREATE TABLE loot (what TEXT);"
        "CREATE TRIGGER t1 AFTER INSERT ON metrics BEGIN INSERT INTO loot VALUES (new.key); END;"
        "CREATE TRIGGER t2 AFTER UPDATE ON runs BEGIN DELETE FROM params; END;"
        "CREATE TRIGGER t3 BEFORE INSERT ON runs BEGIN SELECT count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION "
        "ALL SELECT x + 1 FROM c) SELECT x FROM c); END");
    fill_store(a, run_id);
    assert_ok(mlplat_run_delete(a, run_id, &err));
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM loot"), 0);
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM params"), 2);
    mlplat_close(a);
    test_folder_remove(folder);
}

/* The names of MLflow's tables, with the columns that we read, but no tables. */
static const struct {
    const char *what, *sql;
} impostors[] = {
    {"a view", "ALTER TABLE runs RENAME TO real_runs; CREATE VIEW runs AS SELECT * FROM real_runs"},
    {"a view without an end",
     "ALTER TABLE params RENAME TO real; CREATE VIEW params AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
     "FROM c) SELECT 'k' AS key, 'v' AS value, x AS run_uuid FROM c"},
    {"a view with a trigger in its place",
     "ALTER TABLE tags RENAME TO real_tags; CREATE VIEW tags AS SELECT * FROM real_tags; CREATE TRIGGER t INSTEAD OF "
     "INSERT ON tags BEGIN DELETE FROM real_tags; END"},
    {"a virtual table", "DROP TABLE params; CREATE VIRTUAL TABLE params USING fts5(key, value, run_uuid)"},
    {"a view that says it is a table",
     "ALTER TABLE params RENAME TO real; PRAGMA writable_schema = ON; INSERT INTO sqlite_master VALUES ('table', "
     "'params', 'params', 7, 'CREATE VIEW params AS SELECT * FROM real'); CREATE TABLE x (y)"},
};

static void what_is_in_place_of_a_table_is_refused(void **state)
{
    (void)state;
    mlplat_error err = {0};
    for (size_t i = 0; i < sizeof impostors / sizeof impostors[0]; i++) {
        char *folder = two_folders(), run_id[64];
        mlplat_doc *doc = NULL;
        mlplat_run *run = NULL;
        mlplat *a = open_in(folder, "a");
        fill_store(a, run_id);
        mlplat_close(a);
        sql(test_path(folder, "a/mlflow.db"), impostors[i].sql);
        a = open_in(folder, "a");
        int64_t begin = mono_ms();
        mlplat_status s = mlplat_run_get(a, run_id, &doc, &err);
        if (s == MLPLAT_OK)
            fail_msg("%s was read: %.200s", impostors[i].what, mlplat_doc_text(doc));
        assert_true(s == MLPLAT_CORRUPT || s == MLPLAT_UNSUPPORTED);
        if (mlplat_run_start(a, NULL, &run, &err) == MLPLAT_OK) /* where its tables alone are whole */
            assert_status(mlplat_run_log_param(run, "a", "b", &err), MLPLAT_CORRUPT);
        mlplat_run_free(run);
        mlplat_close(a);
        assert_true(mono_ms() - begin < 20000);
        test_folder_remove(folder);
    }
}

static void what_an_index_computes_is_bounded(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = two_folders(), run_id[64];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    mlplat_close(a);
    sql(test_path(folder, "a/mlflow.db"),
        "CREATE INDEX large ON params (length(hex(zeroblob(length(value) * 60000000))))");
    a = open_in(folder, "a");
    mlplat_run *run = NULL;
    assert_ok(mlplat_run_start(a, NULL, &run, &err));
    assert_status(mlplat_run_log_param(run, "a", "much", &err), MLPLAT_INVALID); /* too big for our limit */
    mlplat_run_free(run);
    mlplat_close(a);
    test_folder_remove(folder);
}

/* ---- where rows say that artifacts are --------------------------------------------------------------------------- */

static void point_run_at(const char *db, const char *id, const char *place)
{
    char text[3000];
    snprintf(text, sizeof text,
             "INSERT OR REPLACE INTO runs (run_uuid, artifact_uri, experiment_id, lifecycle_stage, deleted_time, "
             "status, source_type) VALUES ('%s', '%s', 1, 'deleted', 1, 'FINISHED', 'LOCAL')",
             id, place);
    sql(db, text);
}

static char *make_canary(const char *folder, const char *place)
{
    mlplat_error err = {0};
    char name[300];
    assert_ok(mlp_file_mkdirs(test_path(folder, place), 0777, &err));
    snprintf(name, sizeof name, "%s/canary", place);
    assert_ok(mlp_file_write_atomic(test_path(folder, name), "alive", 5, false, &err));
    return strdup(test_path(folder, name));
}

#define ID "0123456789abcdef0123456789abcdef"

static void a_clean_up_removes_nothing_outside_the_artifact_root(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = two_folders(), run_id[64], place[1500];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    static const struct {
        const char *id, *canary, *uri; /* uri: %s is the folder */
    } cases[] = {
        {"data", "b/data/artifacts", "%s/b/data/artifacts"},
        {"data", "b/data/artifacts", "file://%s/b/data/artifacts"},
        {"data", "b/data/artifacts", "%s/a/mlruns/../../b/data/artifacts"},
        {"data", "b/data/artifacts", "%s/a/mlruns/%%2e%%2e/%%2e%%2e/b/data/artifacts"},
        {ID, "b/mlruns/1/" ID "/artifacts", "%s/b/mlruns/1/" ID "/artifacts"},
        {ID, "b/mlruns/1/" ID "/artifacts", "%s/b/mlruns/1/" ID},
        {ID, "a/mlrunsx/1/" ID "/artifacts", "%s/a/mlrunsx/1/" ID "/artifacts"},
        {"data", "b/data/artifacts", "%s/a/mlruns/1/link/data/artifacts"}, /* link -> b */
        {ID, "b/mlruns/1/" ID "/artifacts", "%s/a/mlruns/link/1/" ID "/artifacts"}, /* link -> b/mlruns */
    };
    assert_int_equal(symlink("../../../b", test_path(folder, "a/mlruns/1/link")), 0);
    assert_int_equal(symlink("../../b/mlruns", test_path(folder, "a/mlruns/link")), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_doc *doc = NULL;
        char *canary = make_canary(folder, cases[i].canary);
        snprintf(place, sizeof place, cases[i].uri, folder);
        point_run_at(test_path(folder, "a/mlflow.db"), cases[i].id, place);
        assert_ok(mlplat_store_gc(a, NULL, &doc, &err));
        if (access(canary, F_OK) != 0)
            fail_msg("run '%s' with its artifacts at '%s': the canary is gone: %s", cases[i].id, place,
                     mlplat_doc_text(doc));
        mlplat_doc_free(doc);
        free(canary);
    }
    mlplat_close(a);
    test_folder_remove(folder);
}

static void who_names_the_root_has_the_rest_removed(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    char *folder = two_folders(), run_id[64], place[1500], uri[1500];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    char *canary = make_canary(folder, "b/mlruns/1/" ID "/artifacts");
    snprintf(place, sizeof place, "%s/b/mlruns/1/" ID "/artifacts", folder);
    point_run_at(test_path(folder, "a/mlflow.db"), ID, place);
    assert_ok(mlplat_store_gc(a, NULL, &doc, &err));
    assert_non_null(strstr(mlplat_doc_text(doc), "does not lie below the artifact root"));
    assert_null(strstr(mlplat_doc_text(doc), "\"runs\":[\"" ID));
    mlplat_doc_free(doc);
    mlplat_close(a);
    snprintf(uri, sizeof uri, "sqlite:///%s/a/mlflow.db", folder);
    snprintf(place, sizeof place, "%s/b/mlruns", folder);
    o.tracking_uri = uri;
    o.artifact_root = place;
    assert_ok(mlplat_open(&o, &a, &err));
    assert_ok(mlplat_store_gc(a, NULL, &doc, &err)); /* the row stayed for this */
    assert_non_null(strstr(mlplat_doc_text(doc), "\"runs\":[\"" ID));
    assert_int_equal(access(canary, F_OK), -1);
    mlplat_doc_free(doc);
    free(canary);
    mlplat_close(a);
    test_folder_remove(folder);
}

static void an_export_takes_no_folder_that_is_not_the_runs(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_export_options o = MLPLAT_EXPORT_OPTIONS_INIT;
    char *folder = two_folders(), run_id[64], place[1500], name[300];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    char *canary = make_canary(folder, "b/secret");
    const char *const places[] = {"%s/b/secret", "file://%s/b/secret", "%s/b"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(place, sizeof place, places[i], folder);
        point_run_at(test_path(folder, "a/mlflow.db"), "data", place);
        assert_status(mlplat_export(a, test_path(folder, "out"), NULL, NULL, &err), MLPLAT_DENIED);
        assert_non_null(strstr(err.message, "not called after"));
        assert_int_equal(access(test_path(folder, "out"), F_OK), -1);
    }
    snprintf(name, sizeof name, "a/mlruns/1/%s/artifacts", run_id); /* a folder of the run that is a link */
    assert_ok(mlp_file_remove_tree(test_path(folder, name), &err));
    assert_int_equal(symlink(test_path(folder, "b/secret"), test_path(folder, name)), 0);
    sql(test_path(folder, "a/mlflow.db"), "DELETE FROM runs WHERE run_uuid = 'data'");
    assert_status(mlplat_export(a, test_path(folder, "out"), NULL, NULL, &err), MLPLAT_DENIED);
    o.no_artifacts = 1;
    assert_ok(mlplat_export(a, test_path(folder, "out"), &o, NULL, &err));
    free(canary);
    mlplat_close(a);
    test_folder_remove(folder);
}

/* ---- orphans ----------------------------------------------------------------------------------------------------- */

static void make_old(const char *path)
{
    const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

static void orphans_of_one_store_are_runs_of_the_one_beside_it(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    mlplat_options other = MLPLAT_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    char *folder = two_folders(), mine[64], theirs[64], name[300], uri[1500];
    mlplat *a = open_in(folder, "a"), *b = NULL;
    fill_store(a, mine);
    snprintf(uri, sizeof uri, "sqlite:///%s/a/other.db", folder);
    other.tracking_uri = uri;
    assert_ok(mlplat_open(&other, &b, &err));
    fill_store(b, theirs);
    mlplat_close(b);
    assert_ok(mlp_file_write_atomic(test_path(folder, "a/table.csv"), test_path(folder, "x"), 20, false, &err));
    char *canary = make_canary(folder, "a/mlruns/1/" ID "/artifacts");
    snprintf(name, sizeof name, "a/mlruns/1/%s", theirs);
    make_old(test_path(folder, name));
    make_old(test_path(folder, "a/mlruns/1/" ID));
    o.orphans = 1;
    assert_ok(mlplat_store_gc(a, &o, &doc, &err));
    assert_null(strstr(mlplat_doc_text(doc), theirs));
    assert_non_null(strstr(mlplat_doc_text(doc), ID)); /* nobody has it */
    assert_int_equal(access(test_path(folder, name), F_OK), 0);
    assert_int_equal(access(canary, F_OK), -1);
    free(canary);
    mlplat_doc_free(doc);
    mlplat_close(a);
    test_folder_remove(folder);
}

static void a_store_beside_it_that_cannot_be_asked_stops_the_search_for_orphans(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    char *folder = two_folders(), mine[64], text[4096];
    mlplat *a = open_in(folder, "a");
    fill_store(a, mine);
    char *canary = make_canary(folder, "a/mlruns/1/" ID "/artifacts");
    make_old(test_path(folder, "a/mlruns/1/" ID));
    memset(text, 0x5a, sizeof text);
    memcpy(text, "SQLite format 3", 16);
    assert_ok(mlp_file_write_atomic(test_path(folder, "a/broken.db"), text, sizeof text, false, &err));
    o.orphans = 1;
    mlplat_status s = mlplat_store_gc(a, &o, NULL, &err);
    assert_true(s != MLPLAT_OK);
    assert_non_null(strstr(err.message, "broken.db"));
    assert_int_equal(access(canary, F_OK), 0);
    free(canary);
    mlplat_close(a);
    test_folder_remove(folder);
}

static void orphans_outside_of_the_stores_folder_stay(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    char *folder = two_folders(), mine[64], text[1500];
    mlplat *a = open_in(folder, "a");
    fill_store(a, mine);
    char *canary = make_canary(folder, "b/mlruns/1/" ID "/artifacts");
    make_old(test_path(folder, "b/mlruns/1/" ID));
    snprintf(text, sizeof text, "UPDATE experiments SET artifact_location = '%s/b/mlruns/1'", folder);
    sql(test_path(folder, "a/mlflow.db"), text);
    o.orphans = 1;
    assert_ok(mlplat_store_gc(a, &o, &doc, &err));
    assert_non_null(strstr(mlplat_doc_text(doc), "may be another store's"));
    assert_int_equal(access(canary, F_OK), 0);
    free(canary);
    mlplat_doc_free(doc);
    mlplat_close(a);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_planted_trigger_does_not_run),
        cmocka_unit_test(what_is_in_place_of_a_table_is_refused),
        cmocka_unit_test(what_an_index_computes_is_bounded),
        cmocka_unit_test(a_clean_up_removes_nothing_outside_the_artifact_root),
        cmocka_unit_test(who_names_the_root_has_the_rest_removed),
        cmocka_unit_test(an_export_takes_no_folder_that_is_not_the_runs),
        cmocka_unit_test(orphans_of_one_store_are_runs_of_the_one_beside_it),
        cmocka_unit_test(a_store_beside_it_that_cannot_be_asked_stops_the_search_for_orphans),
        cmocka_unit_test(orphans_outside_of_the_stores_folder_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
