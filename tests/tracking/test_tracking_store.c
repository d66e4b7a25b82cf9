/* What is about the SQLite store: settings, where things are put, and files that cannot be used. */
#include "support/support.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *text_at(const mlplat_doc *doc, const char *path)
{
    const char *out = NULL;
    mlplat_error err = {0};
    if (mlplat_doc_string(doc, path, &out, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    return out;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static char *read_file(const char *path)
{
    static char text[4096];
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s is not there", path);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    return text;
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
    sqlite3_close(db);
}

/* The first column of the first row, as a number. */
static int64_t sql_number(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return out;
}

static mlplat *open_uri(const char *uri)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    o.tracking_uri = uri;
    assert_ok(mlplat_open(&o, &ml, &err));
    return ml;
}

static mlplat *open_path(const char *path)
{
    char uri[1200];
    snprintf(uri, sizeof uri, "sqlite:///%s", path);
    return open_uri(uri);
}

/* ---- making and opening ---------------------------------------------------------------------------------------- */

static void nothing_is_left_of_the_spool_after_a_clean_close(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make();
    mlplat *ml = test_open(folder);
    mlplat_run *run = NULL;
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    for (int i = 0; i < 5000; i++)
        assert_ok(mlplat_run_log_metric(run, "m", i, i, &err));
    mlplat_run_free(run);
    mlplat_close(ml); /* embedded: close drains */
    assert_int_equal(access(test_path(folder, "mlflow.db.spool"), F_OK), -1);
    assert_int_equal(sql_number(test_path(folder, "mlflow.db"), "SELECT count(*) FROM metrics"), 5000);
    assert_int_equal(sql_number(test_path(folder, "mlflow.db"), "SELECT count(*) FROM mlplat_journal"), 0);
    test_folder_remove(folder);
}

static void artifacts_are_beside_the_file_or_where_the_setting_says(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make(), want[1200];
    mlplat *ml = test_open(folder);
    mlplat_run *run = NULL;
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    snprintf(want, sizeof want, "%s/mlruns/0/%s/artifacts", folder, mlplat_run_id(run));
    assert_string_equal(mlplat_run_artifact_uri(run), want);
    mlplat_run_free(run);
    mlplat_close(ml);
    setenv("MLPLAT_ARTIFACT_ROOT", test_path(folder, "elsewhere"), 1);
    ml = open_path(test_path(folder, "mlflow.db"));
    unsetenv("MLPLAT_ARTIFACT_ROOT");
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.experiment = "new";
    assert_ok(mlplat_run_start(ml, &o, &run, &err));
    snprintf(want, sizeof want, "%s/elsewhere/1/%s/artifacts", folder, mlplat_run_id(run));
    assert_string_equal(mlplat_run_artifact_uri(run), want);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

static void runs_follow_the_environment(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make(), parent_id[64];
    test_clear_environment();
    setenv("MLFLOW_EXPERIMENT_NAME", "from environment", 1);
    setenv("MLFLOW_RUN_NAME", "named there", 1);
    mlplat *ml = open_path(test_path(folder, "mlflow.db"));
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    assert_string_equal(mlplat_run_name(run), "named there");
    assert_ok(mlplat_experiment_get(ml, mlplat_run_experiment_id(run), &doc, &err));
    assert_string_equal(text_at(doc, "name"), "from environment");
    mlplat_doc_free(doc);
    snprintf(parent_id, sizeof parent_id, "%s", mlplat_run_id(run));
    mlplat_run_free(run);
    mlplat_close(ml);

    test_clear_environment();
    setenv("MLPLAT_PARENT_RUN_ID", parent_id, 1);
    setenv("MLFLOW_TRUNCATE_LONG_VALUES", "false", 1);
    ml = open_path(test_path(folder, "mlflow.db"));
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    assert_string_equal(mlplat_run_experiment_id(run), "1"); /* the parent's */
    char *value = calloc(9001, 1);
    memset(value, 'v', 9000);
    assert_status(mlplat_run_log_param(run, "p", value, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_set_tag(run, "t", value, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "MLFLOW_TRUNCATE_LONG_VALUES"));
    free(value);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_clear_environment();
    test_folder_remove(folder);
}

static void a_clash_of_ids_and_workspaces_is_avoided(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make(), *id = NULL;
    mlplat *ml = test_open(folder);
    assert_ok(mlplat_store_create(ml, NULL, NULL, &err));
    sql(test_path(folder, "mlflow.db"), "INSERT INTO experiments (experiment_id, name, artifact_location, "
                                        "lifecycle_stage, creation_time, last_update_time, "
                                        "workspace) VALUES (41, 'fraud', '/x', 'active', 1, 1, 'somebody else')");
    assert_ok(mlplat_experiment_create(ml, "fraud", NULL, &id, &err)); /* names are one workspace's */
    assert_string_equal(id, "42");
    assert_int_equal(sql_number(test_path(folder, "mlflow.db"),
                                "SELECT count(*) FROM experiments WHERE experiment_id = 42 AND workspace = 'default'"),
                     1);
    mlplat_free(id);
    mlplat_close(ml);
    test_folder_remove(folder);
}

/* As MLflow made it before it had workspaces. */
static void a_store_without_workspaces_is_written_too(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    char *folder = test_folder_make(), *id = NULL;
    mlplat *ml = test_open(folder);
    assert_ok(mlplat_store_create(ml, NULL, NULL, &err));
    mlplat_close(ml);
    sql(test_path(folder, "mlflow.db"),
        "PRAGMA foreign_keys = OFF;"
        "CREATE TABLE before (experiment_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(256) NOT NULL UNIQUE, "
        "artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT);"
        "INSERT INTO before SELECT experiment_id, name, artifact_location, lifecycle_stage, creation_time, "
        "last_update_time FROM experiments; DROP TABLE experiments; ALTER TABLE before RENAME TO experiments;"
        "UPDATE alembic_version SET version_num = '5b0e9adcef9c'");
    ml = test_open(folder);
    assert_ok(mlplat_experiment_create(ml, "fraud", NULL, &id, &err));
    mlplat_free(id);
    assert_status(mlplat_experiment_create(ml, "fraud", NULL, &id, &err), MLPLAT_EXISTS);
    assert_ok(mlplat_experiment_get_by_name(ml, "fraud", &doc, &err));
    mlplat_doc_free(doc);
    o.experiment = "fraud";
    assert_ok(mlplat_run_start(ml, &o, &run, &err));
    assert_ok(mlplat_run_log_metric(run, "m", 1, 0, &err));
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    mlplat_close(ml);
    assert_int_equal(sql_number(test_path(folder, "mlflow.db"), "SELECT count(*) FROM latest_metrics"), 1);
    test_folder_remove(folder);
}

static void old_runs_have_their_name_in_the_tag_alone(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make();
    mlplat *ml = test_open(folder);
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.name = "old";
    assert_ok(mlplat_run_start(ml, &o, &run, &err));
    sql(test_path(folder, "mlflow.db"), "UPDATE runs SET name = ''");
    assert_ok(mlplat_run_get(ml, mlplat_run_id(run), &doc, &err));
    assert_string_equal(text_at(doc, "info.run_name"), "old");
    mlplat_doc_free(doc);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

/* ---- files that cannot be used --------------------------------------------------------------------------------- */

static void a_foreign_file_is_named_and_left_alone(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    char *folder = test_folder_make();
    test_clear_environment();
    write_file(test_path(folder, "notes.txt"),
               "These are notes, longer than a header of a hundred bytes would need to be, "
               "and no database of any kind at all.\n");
    sql(test_path(folder, "shop.db"),
        "CREATE TABLE customers (id INTEGER PRIMARY KEY); INSERT INTO customers VALUES (7)");
    mlplat *ml = open_path(test_path(folder, "notes.txt"));
    assert_status(mlplat_run_start(ml, NULL, &run, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "notes.txt"));
    mlplat_close(ml);
    ml = open_path(test_path(folder, "shop.db"));
    assert_status(mlplat_run_start(ml, NULL, &run, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "shop.db"));
    assert_status(mlplat_store_create(ml, NULL, NULL, &err), MLPLAT_CORRUPT);
    mlplat_close(ml);
    assert_non_null(strstr(read_file(test_path(folder, "notes.txt")), "no database"));
    assert_int_equal(sql_number(test_path(folder, "shop.db"), "SELECT count(*) FROM sqlite_master"), 1);
    assert_int_equal(sql_number(test_path(folder, "shop.db"), "SELECT id FROM customers"), 7);
    test_folder_remove(folder);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    char *folder = test_folder_make();
    test_clear_environment();
    mlplat *ml = open_path(test_path(folder, "not/there/mlflow.db"));
    mlplat_status s = mlplat_run_start(ml, NULL, &run, &err);
    assert_true(s == MLPLAT_NOT_FOUND || s == MLPLAT_IO);
    assert_non_null(strstr(err.message, "not/there"));
    mlplat_close(ml);
    test_folder_remove(folder);
}

static int open_without_rights(const char *folder)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    mlplat *ml = open_path(test_path(folder, "mlflow.db"));
    mlplat_status s = mlplat_run_start(ml, NULL, &run, &err);
    if (s != MLPLAT_DENIED || !strstr(err.message, folder))
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    mlplat_close(ml);
    return s != MLPLAT_DENIED || !strstr(err.message, folder);
}

static void a_folder_without_rights_is_denied(void **state)
{
    (void)state;
    int status = 0;
    char *folder = test_folder_make();
    test_clear_environment();
    assert_int_equal(chmod(folder, 0555), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(open_without_rights(folder));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    test_folder_remove(folder);
}

static void tables_of_an_unknown_shape_are_only_read(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    char *folder = test_folder_make(), *id = NULL;
    mlplat *ml = test_open(folder);
    assert_ok(mlplat_experiment_ensure(ml, "seen", &id, &err));
    mlplat_free(id);
    mlplat_close(ml);
    sql(test_path(folder, "mlflow.db"), "ALTER TABLE runs RENAME COLUMN deleted_time TO removed_at; "
                                        "UPDATE alembic_version SET version_num = 'ffffffffffff'");
    ml = test_open(folder);
    assert_status(mlplat_run_start(ml, NULL, &run, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "ffffffffffff"));
    assert_status(mlplat_experiment_create(ml, "new", NULL, &id, &err), MLPLAT_UNSUPPORTED);
    assert_ok(mlplat_experiment_get_by_name(ml, "seen", &doc, &err));
    mlplat_doc_free(doc);
    mlplat_close(ml);
    test_folder_remove(folder);
}

/* ---- artifacts ------------------------------------------------------------------------------------------------- */

static void files_texts_and_documents_are_logged(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make(), path[1400];
    mlplat *ml = test_open(folder);
    mlplat_run *run = NULL;
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    mkdir(test_path(folder, "plots"), 0777);
    mkdir(test_path(folder, "plots/deep"), 0777);
    write_file(test_path(folder, "plots/roc 100%.svg"), "<svg/>");
    write_file(test_path(folder, "plots/deep/a.txt"), "deep");
    write_file(test_path(folder, "notes.md"), "# notes");
    assert_ok(mlplat_run_log_artifact(run, test_path(folder, "notes.md"), NULL, &err));
    assert_ok(mlplat_run_log_artifact(run, test_path(folder, "plots/"), "figures/final", &err));
    assert_ok(mlplat_run_log_text(run, "hello\n", "texts/hello.txt", &err));
    assert_ok(mlplat_run_log_dict(run, "{\"b\": [1, 2.5], \"a\": null}", "params.json", &err));
    assert_ok(mlplat_run_log_dict(run, "{\"b\": [1, 2.5]}", "params.yaml", &err));
    static const struct {
        const char *name, *text;
    } want[] = {
        {"notes.md", "# notes"},
        {"figures/final/plots/roc 100%.svg", "<svg/>"},
        {"figures/final/plots/deep/a.txt", "deep"},
        {"texts/hello.txt", "hello\n"},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", mlplat_run_artifact_uri(run), want[i].name);
        assert_string_equal(read_file(path), want[i].text);
    }
    snprintf(path, sizeof path, "%s/params.json", mlplat_run_artifact_uri(run));
    assert_non_null(strstr(read_file(path), "\"b\": ["));
    snprintf(path, sizeof path, "%s/params.yaml", mlplat_run_artifact_uri(run));
    assert_non_null(strstr(read_file(path), "b:"));
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

static void no_artifact_leaves_its_run(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make();
    mlplat *ml = test_open(folder);
    mlplat_run *run = NULL;
    static const char *const bad[] = {"..",   "../x", "a/../../x", "/x",         "a//b",
                                      "a\\b", "",     "%2e%2e/x",  "a/%2e%2e/b", "\xff"};
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    write_file(test_path(folder, "f"), "f");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_status(mlplat_run_log_text(run, "x", bad[i], &err), MLPLAT_INVALID);
        assert_status(mlplat_run_log_dict(run, "{}", bad[i], &err), MLPLAT_INVALID);
        if (*bad[i])
            assert_status(mlplat_run_log_artifact(run, test_path(folder, "f"), bad[i], &err), MLPLAT_INVALID);
    }
    assert_status(mlplat_run_log_text(run, "x", NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_dict(run, "{", "a.json", &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_artifact(run, test_path(folder, "nothing"), NULL, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_run_log_artifact(run, "/", NULL, &err), MLPLAT_INVALID);
    assert_ok(mlplat_run_delete(ml, mlplat_run_id(run), &err));
    assert_status(mlplat_run_log_text(run, "x", "x.txt", &err), MLPLAT_STATE);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

/* As MLflow made it before it had logged models. */
static mlplat *open_old(const char *folder)
{
    mlplat_error err = {0};
    mlplat *ml = test_open(folder);
    mlplat_store_options o = MLPLAT_STORE_OPTIONS_INIT;
    o.mlflow = "2.22.0";
    assert_ok(mlplat_store_create(ml, &o, NULL, &err));
    return ml;
}

static void logged_models_of_mlflow_2_are_unsupported(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make();
    mlplat *ml = open_old(folder);
    mlplat_doc *doc = NULL;
    mlplat_run *run = NULL;
    static const char *const inputs = "{\"datasets\": [{\"dataset\": {\"name\": \"d\", \"digest\": \"1\", "
                                      "\"source_type\": \"s\", \"source\": \"{}\"}}]}";
    static const char *const models = "{\"models\": [{\"model_id\": \"m-1\"}]}";
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    assert_status(mlplat_logged_model_create(ml, NULL, &doc, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "MLflow 3.0"));
    assert_status(mlplat_logged_model_get(ml, "m-1", &doc, &err), MLPLAT_UNSUPPORTED);
    assert_status(mlplat_logged_model_delete(ml, "m-1", &err), MLPLAT_UNSUPPORTED);
    assert_status(mlplat_run_log_outputs(run, models, &err), MLPLAT_UNSUPPORTED);
    assert_status(mlplat_run_log_inputs(run, models, &err), MLPLAT_UNSUPPORTED);
    assert_status(
        mlplat_run_log_batch(run, "{\"metrics\": [{\"key\": \"a\", \"value\": 1, \"model_id\": \"m-1\"}]}", &err),
        MLPLAT_UNSUPPORTED);
    assert_ok(mlplat_run_log_inputs(run, inputs, &err)); /* datasets they have */
    assert_ok(mlplat_run_get(ml, mlplat_run_id(run), &doc, &err));
    assert_string_equal(text_at(doc, "inputs.dataset_inputs[0].dataset.name"), "d");
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

static void a_refused_metric_keeps_its_model_as_a_dead_letter(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make(), batch[300];
    const char *path = test_path(folder, "mlflow.db");
    mlplat *ml = test_open(folder);
    mlplat_run *run = NULL;
    mlplat_doc *model = NULL, *doc = NULL;
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    assert_ok(mlplat_logged_model_create(ml, NULL, &model, &err));
    snprintf(batch, sizeof batch,
             "{\"metrics\": [{\"key\": \"auc\", \"value\": 0.5, \"model_id\": \"%s\", \"dataset_name\": \"train\", "
             "\"dataset_digest\": \"abc\"}]}",
             text_at(model, "info.model_id"));
    test_let_triggers_run(ml);
    sql(path, "CREATE TRIGGER stop BEFORE INSERT ON logged_model_metrics BEGIN SELECT raise(ABORT, 'not now'); END");
    assert_ok(mlplat_run_log_batch(run, batch, &err));
    assert_ok(mlplat_flush(ml, -1, &err));
    assert_ok(mlplat_spool_status(ml, &doc, &err));
    assert_string_equal(text_at(doc, "dead_letters[0].model_id"), text_at(model, "info.model_id"));
    assert_string_equal(text_at(doc, "dead_letters[0].dataset_name"), "train");
    mlplat_doc_free(doc);
    sql(path, "DROP TRIGGER stop");
    assert_ok(mlplat_spool_retry(ml, NULL, &err));
    assert_int_equal(sql_number(path, "SELECT count(*) FROM logged_model_metrics WHERE dataset_name = 'train' AND "
                                      "dataset_digest = 'abc' AND metric_value = 0.5"),
                     1);
    mlplat_doc_free(model);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

static void a_model_is_an_output_of_its_run(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make(), *uri = NULL, path[200];
    mlplat *ml = test_open(folder);
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL, *model_doc = NULL;
    mlplat_model model = MLPLAT_MODEL_INIT;
    write_file(test_path(folder, "model.bin"), "weights");
    model.loader_module = "my_loader";
    model.data = test_path(folder, "model.bin");
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    assert_ok(mlplat_run_log_param(run, "depth", "6", &err));
    assert_ok(mlplat_run_log_metric(run, "auc", 0.5, 0, &err));
    assert_ok(mlplat_run_log_metric(run, "auc", 0.7, 1, &err));
    assert_ok(mlplat_run_log_model(run, &model, "forest", &uri, &err));
    assert_memory_equal(uri, "models:/m-", 10);
    assert_ok(mlplat_run_get(ml, mlplat_run_id(run), &doc, &err));
    assert_string_equal(text_at(doc, "outputs.model_outputs[0].model_id"), uri + 8);
    assert_ok(mlplat_logged_model_get(ml, uri + 8, &model_doc, &err));
    assert_string_equal(text_at(model_doc, "info.status"), "LOGGED_MODEL_READY");
    assert_string_equal(text_at(model_doc, "info.name"), "forest");
    assert_string_equal(text_at(model_doc, "info.source_run_id"), mlplat_run_id(run));
    assert_string_equal(text_at(model_doc, "data.params[0].value"), "6");
    size_t n = 0;
    assert_ok(mlplat_doc_size(model_doc, "data.metrics", &n, &err));
    assert_int_equal(n, 1); /* that of step 0 */
    mlplat_doc_free(doc);
    snprintf(path, sizeof path, "runs:/%s/forest", mlplat_run_id(run));
    for (int i = 0; i < 2; i++) {
        assert_ok(mlplat_model_info(ml, i ? path : uri, &doc, &err));
        assert_string_equal(text_at(doc, "run_id"), mlplat_run_id(run));
        assert_string_equal(text_at(doc, "model_id"), uri + 8);
        assert_string_equal(text_at(doc, "model_uuid"), uri + 8);
        assert_string_equal(text_at(doc, "artifact_path"), text_at(model_doc, "info.artifact_uri"));
        mlplat_doc_free(doc);
    }
    assert_ok(mlplat_artifact_list(ml, path, &doc, &err));
    assert_string_equal(text_at(doc, "files[0].path"), "forest/MLmodel");
    mlplat_doc_free(doc);
    assert_status(mlplat_run_log_model(run, &model, "../model", NULL, &err), MLPLAT_INVALID);
    model.data = test_path(folder, "nothing");
    assert_status(mlplat_run_log_model(run, &model, "broken", NULL, &err), MLPLAT_NOT_FOUND);
    assert_int_equal(sql_number(test_path(folder, "mlflow.db"),
                                "SELECT count(*) FROM logged_models WHERE name = 'broken' AND status = 3"),
                     1);
    mlplat_doc_free(model_doc);
    mlplat_free(uri);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

static void a_model_of_mlflow_2_is_logged_with_its_history(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make(), *uri = NULL, want[200];
    mlplat *ml = open_old(folder);
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL, *tag = NULL;
    mlplat_model model = MLPLAT_MODEL_INIT;
    write_file(test_path(folder, "model.bin"), "weights");
    model.loader_module = "my_loader";
    model.data = test_path(folder, "model.bin");
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    assert_ok(mlplat_run_log_model(run, &model, "model", &uri, &err));
    assert_ok(mlplat_run_log_model(run, &model, "second", NULL, &err));
    snprintf(want, sizeof want, "runs:/%s/model", mlplat_run_id(run));
    assert_string_equal(uri, want);
    assert_ok(mlplat_model_info(ml, uri, &doc, &err));
    assert_string_equal(text_at(doc, "run_id"), mlplat_run_id(run));
    assert_string_equal(text_at(doc, "artifact_path"), "model");
    mlplat_doc_free(doc);
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = "tags.`mlflow.log-model.history` LIKE '%python_function%'";
    assert_ok(mlplat_run_search(ml, &q, &doc, &err));
    size_t n = 0;
    assert_ok(mlplat_doc_size(doc, "runs[0].data.tags", &n, &err));
    for (size_t i = 0; i < n && !tag; i++) {
        char path[64];
        snprintf(path, sizeof path, "runs[0].data.tags[%zu].key", i);
        if (strcmp(text_at(doc, path), "mlflow.log-model.history") != 0)
            continue;
        snprintf(path, sizeof path, "runs[0].data.tags[%zu].value", i);
        assert_ok(mlplat_doc_parse(text_at(doc, path), strlen(text_at(doc, path)), &tag, &err));
    }
    assert_non_null(tag);
    assert_ok(mlplat_doc_size(tag, "", &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(text_at(tag, "[0].artifact_path"), "model");
    assert_string_equal(text_at(tag, "[1].artifact_path"), "second");
    assert_string_equal(text_at(tag, "[0].flavors.python_function.loader_module"), "my_loader");
    assert_status(mlplat_run_log_model(run, &model, "../model", NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_model(run, NULL, "model", NULL, &err), MLPLAT_INVALID);
    mlplat_doc_free(tag);
    mlplat_doc_free(doc);
    mlplat_free(uri);
    mlplat_run_free(run);
    mlplat_close(ml);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_of_the_spool_after_a_clean_close),
        cmocka_unit_test(artifacts_are_beside_the_file_or_where_the_setting_says),
        cmocka_unit_test(runs_follow_the_environment),
        cmocka_unit_test(a_clash_of_ids_and_workspaces_is_avoided),
        cmocka_unit_test(a_store_without_workspaces_is_written_too),
        cmocka_unit_test(old_runs_have_their_name_in_the_tag_alone),
        cmocka_unit_test(a_foreign_file_is_named_and_left_alone),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
        cmocka_unit_test(a_folder_without_rights_is_denied),
        cmocka_unit_test(tables_of_an_unknown_shape_are_only_read),
        cmocka_unit_test(files_texts_and_documents_are_logged),
        cmocka_unit_test(no_artifact_leaves_its_run),
        cmocka_unit_test(logged_models_of_mlflow_2_are_unsupported),
        cmocka_unit_test(a_refused_metric_keeps_its_model_as_a_dead_letter),
        cmocka_unit_test(a_model_is_an_output_of_its_run),
        cmocka_unit_test(a_model_of_mlflow_2_is_logged_with_its_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
