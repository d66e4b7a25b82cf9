/* Checks, backups and clean-ups of a store, and what they say when something is in the way. */
#include "archive_support.h"
#include "support/fault_os.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static bool is_ok(mlplat *ml, int repair, size_t *findings)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    int ok = 0;
    mlplat_check_options o = MLPLAT_CHECK_OPTIONS_INIT;
    o.repair = repair;
    assert_ok(mlplat_store_check(ml, &o, &doc, &err));
    assert_ok(mlplat_doc_bool(doc, "ok", &ok, &err));
    assert_ok(mlplat_doc_size(doc, "findings", findings, &err));
    mlplat_doc_free(doc);
    return ok;
}

/* ---- check ------------------------------------------------------------------------------------------------------- */

static void a_check_finds_each_kind_of_fault_and_repairs_what_it_can(void **state)
{
    (void)state;
    static const struct {
        const char *damage;
        bool repairable;
    } cases[] = {
        {"UPDATE latest_metrics SET value = 17 WHERE key = 'many'", true},
        {"DELETE FROM latest_metrics WHERE key = 'many'", true},
        {"UPDATE latest_metrics SET step = 3 WHERE key = 'many'", true},
        {"INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) SELECT 'none', 1, 1, 1, 0, "
         "run_uuid FROM runs",
         true},
        {"INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms, "
         "last_updated_timestamp_ms, status, lifecycle_stage) VALUES ('m-1', 1, 'm', '/x', 1, 1, 1, 'deleted'); "
         "INSERT INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value) VALUES ('m-1', 1, "
         "'mlplat.import', 'unfinished')",
         false},
        {"UPDATE tags SET value = 'other' WHERE key = 'mlflow.runName'", true},
        {"PRAGMA foreign_keys = OFF; INSERT INTO params (key, value, run_uuid) VALUES ('k', 'v', 'nobody')", false},
        {"UPDATE model_versions SET storage_location = '/nowhere/at/all'", false},
        {"DELETE FROM alembic_version", false},
        {"INSERT INTO tags (key, value, run_uuid) SELECT 'mlplat.import', 'unfinished', run_uuid FROM runs", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = two_folders(), run_id[64];
        size_t n = 0;
        mlplat *a = open_in(folder, "a");
        fill_store(a, run_id);
        assert_true(is_ok(a, 0, &n));
        assert_int_equal(n, 0);
        sql(test_path(folder, "a/mlflow.db"), cases[i].damage);
        assert_false(is_ok(a, 0, &n));
        assert_int_equal(n, 1);
        assert_int_equal(is_ok(a, 1, &n), cases[i].repairable);
        assert_int_equal(is_ok(a, 0, &n), cases[i].repairable);
        assert_int_equal(n, cases[i].repairable ? 0 : 1);
        mlplat_close(a);
        test_folder_remove(folder);
    }
}

/* Its latest values stand before their points. */
static void a_run_that_is_being_imported_is_not_repaired(void **state)
{
    (void)state;
    static const char *const damages[] = {"DELETE FROM metrics WHERE key = 'many'",
                                          "DELETE FROM metrics WHERE key = 'many' AND step > 700"};
    for (size_t i = 0; i < 2; i++) {
        char *folder = two_folders(), run_id[64];
        size_t n = 0;
        mlplat *a = open_in(folder, "a");
        fill_store(a, run_id);
        sql(test_path(folder, "a/mlflow.db"), damages[i]);
        sql(test_path(folder, "a/mlflow.db"),
            "INSERT INTO tags (key, value, run_uuid) SELECT 'mlplat.import', 'unfinished', run_uuid FROM runs");
        assert_false(is_ok(a, 1, &n));
        assert_int_equal(n, 1);
        assert_int_equal(number(test_path(folder, "a/mlflow.db"),
                                "SELECT step FROM latest_metrics WHERE key = 'many'"),
                         1499);
        sql(test_path(folder, "a/mlflow.db"), "DELETE FROM tags WHERE key = 'mlplat.import'");
        assert_true(is_ok(a, 1, &n));
        mlplat_close(a);
        test_folder_remove(folder);
    }
}

static void what_is_no_store_is_an_answer_and_nothing_is_not(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *folder = two_folders();
    size_t n = 0;
    mlplat *a = open_in(folder, "a");
    assert_status(mlplat_store_check(a, NULL, &doc, &err), MLPLAT_NOT_FOUND);
    assert_null(doc);
    assert_int_equal(access(test_path(folder, "a/mlflow.db"), F_OK), -1);
    sql(test_path(folder, "a/mlflow.db"), "CREATE TABLE customers (id INTEGER PRIMARY KEY)");
    assert_false(is_ok(a, 1, &n));
    assert_int_equal(n, 1);
    mlplat_close(a);
    test_folder_remove(folder);
}

/* ---- backup ------------------------------------------------------------------------------------------------------ */

static void a_backup_has_what_was_logged_a_moment_ago(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    char *folder = two_folders(), run_id[64];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    assert_ok(mlplat_run_attach(a, run_id, &run, &err));
    for (int i = 0; i < 5000; i++)
        assert_ok(mlplat_run_log_metric(run, "late", i, i, &err));
    assert_ok(mlplat_store_backup(a, test_path(folder, "copy.db"), NULL, NULL, &err));
    assert_int_equal(number(test_path(folder, "copy.db"), "SELECT count(*) FROM metrics WHERE key = 'late'"), 5000);
    assert_status(mlplat_store_backup(a, test_path(folder, "copy.db"), NULL, NULL, &err), MLPLAT_EXISTS);
    assert_status(mlplat_store_backup(a, test_path(folder, "no/copy.db"), NULL, NULL, &err), MLPLAT_DENIED);
    assert_status(mlplat_store_backup(a, "", NULL, NULL, &err), MLPLAT_INVALID);
    mlplat_run_free(run);
    mlplat_close(a);
    test_folder_remove(folder);
}

static size_t count_entries(const char *folder)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int stop_in_artifacts(void *user, uint64_t done, uint64_t total)
{
    (void)user, (void)done;
    return total > 0;
}

static void nothing_is_left_of_half_a_backup(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_backup_options o = MLPLAT_BACKUP_OPTIONS_INIT;
    struct rlimit before, small;
    char *folder = two_folders(), run_id[64];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    size_t n = count_entries(test_path(folder, "b"));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 200000; /* as on a full disk */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    mlplat_status s = mlplat_store_backup(a, test_path(folder, "b/copy.db"), NULL, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(s == MLPLAT_IO || s == MLPLAT_NO_SPACE);
    assert_int_equal(count_entries(test_path(folder, "b")), n);
    o.artifacts = 1;
    o.progress = stop_in_artifacts;
    assert_status(mlplat_store_backup(a, test_path(folder, "b/copy.db"), &o, NULL, &err), MLPLAT_CANCELLED);
    assert_int_equal(count_entries(test_path(folder, "b")), n);
    o.progress = NULL;
    assert_int_equal(mkdir(test_path(folder, "b/copy.db.artifacts"), 0777), 0); /* of another backup */
    assert_status(mlplat_store_backup(a, test_path(folder, "b/copy.db"), &o, NULL, &err), MLPLAT_EXISTS);
    assert_ok(mlplat_store_backup(a, test_path(folder, "b/copy.db"), NULL, NULL, &err));
    mlplat_close(a);
    test_folder_remove(folder);
}

/* As soon as something beside "." and ".." is there: the artifacts come first. */
static int end_in_artifacts(void *folder, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    return count_entries(folder) > 2 ? raise(SIGKILL) : 0;
}

static void a_killed_backup_is_in_no_other_ones_way(void **state)
{
    (void)state;
    int status = 0;
    mlplat_error err = {0};
    mlplat_backup_options o = MLPLAT_BACKUP_OPTIONS_INIT;
    char *folder = two_folders(), run_id[64];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    mlplat_close(a);
    o.artifacts = 1;
    pid_t child = fork();
    if (child == 0) {
        o.progress = end_in_artifacts;
        o.user = strdup(test_path(folder, "b"));
        mlplat_store_backup(open_in(folder, "a"), test_path(folder, "b/copy.db"), &o, NULL, &err);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    a = open_in(folder, "a");
    o.progress = NULL;
    assert_ok(mlplat_store_backup(a, test_path(folder, "b/copy.db"), &o, NULL, &err));
    assert_int_equal(access(test_path(folder, "b/copy.db.artifacts"), F_OK), 0);
    mlplat_close(a);
    test_folder_remove(folder);
}

/* ---- clean-up ---------------------------------------------------------------------------------------------------- */

static void what_was_deleted_goes_and_the_rest_stays(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    char *folder = two_folders(), keep[64], gone[64], list[100];
    mlplat *a = open_in(folder, "a");
    fill_store(a, keep);
    fill_store(a, gone);
    assert_ok(mlplat_run_delete(a, gone, &err));
    snprintf(list, sizeof list, "[\"%s\"]", keep);
    o.runs = list;
    assert_status(mlplat_store_gc(a, &o, NULL, &err), MLPLAT_STATE);
    o.runs = "[\"nobody\"]";
    assert_status(mlplat_store_gc(a, &o, NULL, &err), MLPLAT_NOT_FOUND);
    o.runs = "nobody";
    assert_status(mlplat_store_gc(a, &o, NULL, &err), MLPLAT_INVALID);
    o.runs = NULL;
    for (int i = 0; i < 4; i++) { /* SQLite would take all of them for the number 0 or 1 */
        static const char *const no_ids[] = {"[\"\"]", "[\"Default\"]", "[\"1x\"]", "[\"fraud\"]"};
        o.experiments = no_ids[i];
        assert_status(mlplat_store_gc(a, &o, NULL, &err), MLPLAT_NOT_FOUND);
    }
    o.experiments = NULL;
    o.older_than = "1h";
    assert_ok(mlplat_store_gc(a, &o, NULL, &err));
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM runs"), 2);
    o.older_than = NULL;
    assert_ok(mlplat_store_gc(a, &o, &doc, &err));
    assert_non_null(strstr(mlplat_doc_text(doc), gone));
    assert_null(strstr(mlplat_doc_text(doc), keep));
    mlplat_doc_free(doc);
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM runs"), 1);
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(DISTINCT run_uuid) FROM metrics"), 1);
    snprintf(list, sizeof list, "a/mlruns/1/%s", gone);
    assert_int_equal(access(test_path(folder, list), F_OK), -1);
    snprintf(list, sizeof list, "a/mlruns/1/%s/artifacts/notes/a.txt", keep);
    assert_int_equal(access(test_path(folder, list), F_OK), 0);
    mlplat_close(a);
    test_folder_remove(folder);
}

/* A run's place that is a link, or the root of the file system: what it leads to is not ours. */
static void a_link_is_not_followed_by_a_clean_up(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = two_folders(), gone[64], place[200];
    mlplat *a = open_in(folder, "a");
    fill_store(a, gone);
    snprintf(place, sizeof place, "a/mlruns/1/%s/artifacts", gone);
    assert_ok(mlp_file_remove_tree(test_path(folder, place), &err));
    assert_int_equal(mkdir(test_path(folder, "b/mine"), 0777), 0);
    assert_int_equal(symlink(test_path(folder, "b/mine"), test_path(folder, place)), 0);
    assert_ok(mlplat_run_delete(a, gone, &err));
    assert_ok(mlplat_store_gc(a, NULL, NULL, &err));
    assert_int_equal(access(test_path(folder, "b/mine"), F_OK), 0);
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM runs"), 0);
    mlplat_close(a);
    test_folder_remove(folder);
}

/* A row may come from anywhere, as from an archive without artifacts: it does not choose what is removed. */
static void a_place_that_is_not_the_runs_stays(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *folder = two_folders(), gone[64], text[1400];
    mlplat *a = open_in(folder, "a");
    fill_store(a, gone);
    snprintf(text, sizeof text, "UPDATE runs SET artifact_uri = '%s'", test_path(folder, "b"));
    sql(test_path(folder, "a/mlflow.db"), text);
    assert_ok(mlplat_run_delete(a, gone, &err));
    assert_ok(mlplat_store_gc(a, NULL, &doc, &err));
    assert_non_null(strstr(mlplat_doc_text(doc), "is not called after"));
    assert_int_equal(access(test_path(folder, "b"), F_OK), 0);
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM runs"), 0);
    mlplat_doc_free(doc);
    mlplat_close(a);
    test_folder_remove(folder);
}

/* An id from an archive may be the name of any folder. */
static void a_place_that_is_only_called_like_the_run_stays(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = two_folders(), run_id[64], text[1400];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    const char *const places[] = {"b", "b/mine", "b/artifacts/mine"};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(mlp_file_mkdirs(test_path(folder, places[i]), 0777, &err));
        snprintf(text, sizeof text,
                 "INSERT OR REPLACE INTO runs (run_uuid, artifact_uri, experiment_id, lifecycle_stage, deleted_time, "
                 "status, source_type) VALUES ('b', '%s', 1, 'deleted', 1, 'FINISHED', 'LOCAL')",
                 test_path(folder, places[i]));
        sql(test_path(folder, "a/mlflow.db"), text);
        assert_ok(mlplat_store_gc(a, NULL, NULL, &err));
        assert_int_equal(access(test_path(folder, places[i]), F_OK), 0);
        assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM runs"), 1);
    }
    mlplat_close(a);
    test_folder_remove(folder);
}

/* MLflow's file store may have the same folder: its runs are called like ours. */
static void runs_of_the_file_store_are_no_orphans(void **state)
{
    (void)state;
    static const char orphan[] = "a/mlruns/1/0123456789abcdef0123456789abcdef",
                      theirs[] = "a/mlruns/1/0123456789abcdef0123456789abcdee";
    const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    mlplat_error err = {0};
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    char *folder = two_folders(), run_id[64], meta[100];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    snprintf(meta, sizeof meta, "%s/meta.yaml", theirs);
    assert_ok(mlp_file_mkdirs(test_path(folder, orphan), 0777, &err));
    assert_ok(mlp_file_mkdirs(test_path(folder, theirs), 0777, &err));
    assert_ok(mlp_file_write_atomic(test_path(folder, meta), "x", 1, false, &err));
    assert_int_equal(utimensat(AT_FDCWD, test_path(folder, orphan), old, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, test_path(folder, theirs), old, 0), 0);
    o.orphans = 1;
    assert_ok(mlplat_store_gc(a, &o, NULL, &err));
    assert_int_equal(access(test_path(folder, orphan), F_OK), -1);
    assert_int_equal(access(test_path(folder, meta), F_OK), 0);
    mlplat_close(a);
    test_folder_remove(folder);
}

/* ---- a system that refuses --------------------------------------------------------------------------------------- */

/* Whatever call fails for want of room, in turn: nothing half is left, and what stands is whole. */
static void a_full_disk_leaves_no_half_of_an_archive(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = two_folders(), run_id[64];
    size_t n = 0;
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    for (size_t nth = 1;; nth += 1 + nth / 8) {
        fault_os_begin(nth, ENOSPC, false);
        mlplat_status s = mlplat_export(a, test_path(folder, "b/archive"), NULL, NULL, &err);
        size_t calls = fault_os_end();
        if (s == MLPLAT_OK && calls < nth)
            break;
        if (s == MLPLAT_OK) {
            assert_ok(mlp_file_remove_tree(test_path(folder, "b/archive"), &err));
            continue;
        }
        assert_true(err.message[0]);
        assert_int_equal(access(test_path(folder, "b/archive"), F_OK), -1);
    }
    assert_true(is_ok(a, 0, &n));
    mlplat_close(a);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_finds_each_kind_of_fault_and_repairs_what_it_can),
        cmocka_unit_test(a_run_that_is_being_imported_is_not_repaired),
        cmocka_unit_test(what_is_no_store_is_an_answer_and_nothing_is_not),
        cmocka_unit_test(a_backup_has_what_was_logged_a_moment_ago),
        cmocka_unit_test(nothing_is_left_of_half_a_backup),
        cmocka_unit_test(a_killed_backup_is_in_no_other_ones_way),
        cmocka_unit_test(what_was_deleted_goes_and_the_rest_stays),
        cmocka_unit_test(a_link_is_not_followed_by_a_clean_up),
        cmocka_unit_test(a_place_that_is_not_the_runs_stays),
        cmocka_unit_test(a_place_that_is_only_called_like_the_run_stays),
        cmocka_unit_test(runs_of_the_file_store_are_no_orphans),
        cmocka_unit_test(a_full_disk_leaves_no_half_of_an_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
