/*
 * Each column of each table of a store, one after the other, with values that MLflow would never write, in a file whose
 * schema forbids nothing. All that reads a store is called: it may refuse, it may not crash, hang, or leave its folder.
 */
#include "store/archive_support.h"
#include <fcntl.h>
#include <math.h>

static const char *const values[] = {
    "NULL", "''", "-1", "0", "9223372036854775807", "-9223372036854775808", "1e308", "9e999", "0.5", "x'ff00fe'",
    "CAST(x'c328fffe' AS TEXT)",          /* no UTF-8 */
    "CAST(x'610062' AS TEXT)",            /* a NUL in it */
    "'../../../../etc'", "'/etc'", "'file:///etc/passwd'", "'models:/digits/1'", "'runs:/x/../y'",
    "'s3://user:password@host/x'", "char(27) || '[2J<script>'", "'{\"a\": [[[[[[1]]]]]]}'",
    "'[' || replace(hex(zeroblob(50000)), '0', '[')", /* very deep */
    "replace(hex(zeroblob(500000)), '0', 'x')",       /* 1 MB */
};
enum { VALUES = sizeof values / sizeof values[0], BIG = 2 /* of them at the end */ };

/* The schema forbids nothing: a file may come from anywhere. */
static void forbid_nothing(sqlite3 *db)
{
    char *why = NULL;
    if (sqlite3_exec(db,
                     "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON;"
                     "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE "
                     "type = 'table'; CREATE TABLE bump (x); PRAGMA writable_schema = OFF",
                     NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
}

static void drop_doc(mlplat_doc **doc)
{
    if (*doc)
        assert_non_null(mlplat_doc_text(*doc));
    mlplat_doc_free(*doc);
    *doc = NULL;
}

static void drop_text(char **text)
{
    mlplat_free(*text);
    *text = NULL;
}

static void read_runs(mlplat *ml, const char *run_id)
{
    mlplat_doc *doc = NULL;
    char *html = NULL;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    mlplat_experiment_search(ml, NULL, &doc, NULL);
    drop_doc(&doc);
    if (mlplat_run_get(ml, run_id, &doc, NULL) == MLPLAT_OK)
        mlplat_run_html(ml, doc, &html, NULL);
    drop_text(&html);
    drop_doc(&doc);
    q.filter = "metrics.auc > 0.1 AND params.depth = '6' AND tags.team = 'risk'";
    q.order_by = "[\"metrics.auc DESC\"]";
    for (int i = 0; i < 2; i++, q = (mlplat_search)MLPLAT_SEARCH_INIT) {
        if (mlplat_run_search(ml, &q, &doc, NULL) == MLPLAT_OK)
            mlplat_run_search_html(doc, &html, NULL);
        drop_text(&html);
        drop_doc(&doc);
    }
    mlplat_metric_history(ml, run_id, "many", 0, NULL, &doc, NULL);
    drop_doc(&doc);
    mlplat_metric_sample(ml, run_id, "many", 10, MLPLAT_AXIS_STEP, &doc, NULL);
    drop_doc(&doc);
}

static void read_registry(mlplat *ml)
{
    mlplat_doc *doc = NULL;
    char *text = NULL;
    mlplat_registered_model_search(ml, NULL, &doc, NULL);
    drop_doc(&doc);
    mlplat_model_version_search(ml, NULL, &doc, NULL);
    drop_doc(&doc);
    if (mlplat_model_version_get(ml, "digits", "@champion", &doc, NULL) == MLPLAT_OK)
        mlplat_model_version_html(ml, doc, &text, NULL);
    drop_text(&text);
    drop_doc(&doc);
    mlplat_prompt_search(ml, NULL, &doc, NULL);
    drop_doc(&doc);
    mlplat_prompt_load(ml, "prompts:/digits/1", &doc, NULL);
    drop_doc(&doc);
    mlplat_artifact_resolve(ml, "models:/digits/1", &text, NULL);
    drop_text(&text);
    mlplat_artifact_list(ml, "models:/digits@champion", &doc, NULL);
    drop_doc(&doc);
    mlplat_logged_model_search(ml, NULL, &doc, NULL);
    drop_doc(&doc);
}

/* Through connections of their own, so only now and then. */
static void read_whole(mlplat *ml, const char *folder, const char *run_id)
{
    mlplat_doc *doc = NULL;
    char uri[100];
    mlplat_gc_options gc = MLPLAT_GC_OPTIONS_INIT;
    snprintf(uri, sizeof uri, "runs:/%s/", run_id);
    mlplat_artifact_list(ml, uri, &doc, NULL);
    drop_doc(&doc);
    gc.orphans = gc.dry_run = 1;
    mlplat_store_gc(ml, &gc, &doc, NULL);
    drop_doc(&doc);
    mlplat_store_check(ml, NULL, &doc, NULL);
    drop_doc(&doc);
    if (mlplat_export(ml, test_path(folder, "out"), NULL, &doc, NULL) == MLPLAT_OK)
        assert_int_equal(access(test_path(folder, "out/manifest.json"), F_OK), 0);
    drop_doc(&doc);
    mlp_file_remove_tree(test_path(folder, "out"), NULL);
}

typedef struct place {
    char table[64], column[64];
} place;

static size_t list_places(sqlite3 *db, place *out, size_t most)
{
    static const char text[] =
        "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name "
        "IN ('experiments', 'experiment_tags', 'runs', 'metrics', 'latest_metrics', 'params', 'tags', "
        "'registered_models', "
        "'registered_model_tags', 'model_versions', 'model_version_tags', 'registered_model_aliases', 'logged_models', "
        "'datasets', 'inputs') ORDER BY 1, 2";
    sqlite3_stmt *stmt = NULL;
    size_t n = 0;
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
    for (; sqlite3_step(stmt) == SQLITE_ROW && n < most; n++) {
        snprintf(out[n].table, sizeof out[n].table, "%s", (const char *)sqlite3_column_text(stmt, 0));
        snprintf(out[n].column, sizeof out[n].column, "%s", (const char *)sqlite3_column_text(stmt, 1));
    }
    sqlite3_finalize(stmt);
    return n;
}

/* As it was, from the copy beside it. */
static void restore(sqlite3 *db, const place *at)
{
    char text[400], *why = NULL;
    snprintf(text, sizeof text,
             "BEGIN; DELETE FROM main.%.63s; INSERT INTO main.%.63s SELECT * FROM good.%.63s; COMMIT", at->table,
             at->table, at->table);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
}

static void one_column(sqlite3 *db, mlplat *ml, const char *folder, const char *run_id, const place *at, size_t first,
                       size_t step)
{
    char text[600];
    for (size_t v = first; v < VALUES; v += step) {
        snprintf(text, sizeof text, "UPDATE OR IGNORE main.%.63s SET \"%.63s\" = %.99s", at->table, at->column,
                 values[v]);
        sqlite3_exec(db, text, NULL, NULL, NULL); /* an INTEGER PRIMARY KEY takes numbers alone */
        read_runs(ml, run_id);
        read_registry(ml);
        if (v % 5 == 0 || step == 1)
            read_whole(ml, folder, run_id);
        restore(db, at);
    }
}

static void no_value_of_any_column_breaks_a_reader(void **state)
{
    (void)state;
    static place places[400];
    mlplat_error err = {0};
    const char *heavy = getenv("MLPLAT_HEAVY");
    size_t step = heavy && strcmp(heavy, "1") == 0 ? 1 : 7;
    char *folder = two_folders(), run_id[64], text[1500];
    mlplat *a = open_in(folder, "a");
    sqlite3 *db = NULL;
    fill_store(a, run_id);
    mlplat_close(a);
    char *canary = strdup(test_path(folder, "canary"));
    assert_ok(mlp_file_write_atomic(canary, "alive", 5, false, &err));
    sql(test_path(folder, "a/mlflow.db"), "DELETE FROM metrics WHERE step > 20; PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(sqlite3_open(test_path(folder, "a/mlflow.db"), &db), SQLITE_OK);
    forbid_nothing(db);
    snprintf(text, sizeof text, "VACUUM INTO '%s/good.db'; ATTACH '%s/good.db' AS good", folder, folder);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 20000);
    size_t n = list_places(db, places, 400);
    assert_in_range(n, 80, 399);
    a = open_in(folder, "a");
    for (size_t i = 0; i < n; i++)
        one_column(db, a, folder, run_id, &places[i], i % step, step);
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_run_get(a, run_id, &doc, &err)); /* and all is well again */
    mlplat_doc_free(doc);
    mlplat_close(a);
    sqlite3_close(db);
    assert_int_equal(access(canary, F_OK), 0);
    free(canary);
    test_folder_remove(folder);
}

/* What our limit of a value forbids is an error, not a crash, and others can still be read. */
static void a_value_over_the_limit_is_an_error(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *folder = two_folders(), good[64], bad[64], text[300];
    mlplat *a = open_in(folder, "a");
    fill_store(a, good);
    fill_store(a, bad);
    snprintf(text, sizeof text,
             "UPDATE tags SET value = replace(hex(zeroblob(34000000)), '0', 'x') WHERE run_uuid = '%s' AND "
             "key = 'team'",
             bad);
    sql(test_path(folder, "a/mlflow.db"), text);
    assert_status(mlplat_run_get(a, bad, &doc, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "64 MiB"));
    assert_ok(mlplat_run_get(a, good, &doc, &err));
    mlplat_doc_free(doc);
    mlplat_close(a);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_value_of_any_column_breaks_a_reader),
        cmocka_unit_test(a_value_over_the_limit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
