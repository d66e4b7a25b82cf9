/* Export and import between two stores, and archives that are damaged or hostile. */
#include "archive_support.h"
#include <fcntl.h>
#include <inttypes.h>

static int64_t number_at(const mlplat_doc *doc, const char *path)
{
    mlplat_error err = {0};
    int64_t n = -1;
    assert_ok(mlplat_doc_int(doc, path, &n, &err));
    return n;
}

static char *slurp(const char *path, size_t *n)
{
    mlplat_error err = {0};
    mlp_buf text = {0};
    assert_ok(mlp_file_read(path, (size_t)1 << 26, &text, &err));
    *n = text.size;
    return mlp_buf_take(&text);
}

static void spill(const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    fclose(file);
}

static void assert_same_file(const char *a, const char *b)
{
    size_t n, m;
    char *one = slurp(a, &n), *two = slurp(b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(one, two, n);
    mlplat_free(one);
    mlplat_free(two);
}

static size_t count_runs(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_search all = MLPLAT_SEARCH_INIT;
    size_t n = 0;
    all.view = MLPLAT_VIEW_ALL;
    assert_ok(mlplat_run_search(ml, &all, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "runs", &n, &err));
    mlplat_doc_free(doc);
    return n;
}

/* ---- there and back ---------------------------------------------------------------------------------------------- */

static void a_run_goes_to_another_store_and_is_the_same_there(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *there = NULL, *here = NULL, *version = NULL;
    char *folder = two_folders(), run_id[64], *text = NULL;
    mlplat *a = open_in(folder, "a"), *b = open_in(folder, "b");
    fill_store(a, run_id);
    assert_ok(mlplat_export(a, test_path(folder, "archive"), NULL, NULL, &err));
    assert_ok(mlplat_import(b, test_path(folder, "archive"), NULL, NULL, &err));
    assert_ok(mlplat_metric_history(a, run_id, "many", 0, NULL, &here, &err));
    assert_ok(mlplat_metric_history(b, run_id, "many", 0, NULL, &there, &err));
    assert_string_equal(mlplat_doc_text(here), mlplat_doc_text(there));
    mlplat_doc_free(here);
    mlplat_doc_free(there);
    assert_ok(mlplat_run_get(b, run_id, &there, &err));
    assert_non_null(strstr(mlplat_doc_text(there), "/b/mlruns/"));
    assert_non_null(strstr(mlplat_doc_text(there), "\"NaN\""));
    assert_ok(mlplat_model_version_get(b, "digits", "@champion", &version, &err));
    assert_ok(mlplat_artifact_resolve(b, "models:/digits@champion", &text, &err));
    assert_non_null(strstr(text, "/b/mlruns/"));
    assert_int_equal(access(text, F_OK), 0);
    mlplat_free(text);
    mlplat_doc_free(version);
    mlplat_doc_free(there);
    mlplat_close(a);
    mlplat_close(b);
    test_folder_remove(folder);
}

static void exports_repeat_themselves_and_imports_change_nothing_twice(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *folder = two_folders(), run_id[64];
    mlplat *a = open_in(folder, "a"), *b = open_in(folder, "b");
    fill_store(a, run_id);
    assert_ok(mlplat_export(a, test_path(folder, "one"), NULL, NULL, &err));
    assert_ok(mlplat_import(b, test_path(folder, "one"), NULL, &doc, &err));
    assert_int_equal(number_at(doc, "runs.imported"), 1);
    mlplat_doc_free(doc);
    assert_ok(mlplat_import(b, test_path(folder, "one"), NULL, &doc, &err));
    assert_int_equal(number_at(doc, "runs.imported"), 0);
    assert_int_equal(number_at(doc, "runs.same"), 1);
    assert_int_equal(number_at(doc, "model_versions.same"), 1);
    assert_int_equal(number_at(doc, "artifacts"), 0);
    mlplat_doc_free(doc);
    assert_ok(mlplat_export(b, test_path(folder, "two"), NULL, NULL, &err));
    assert_same_file(test_path(folder, "one/manifest.json"), test_path(folder, "two/manifest.json"));
    assert_same_file(test_path(folder, "one/data.jsonl.zst"), test_path(folder, "two/data.jsonl.zst"));
    mlplat_close(a);
    mlplat_close(b);
    test_folder_remove(folder);
}

static void what_is_named_is_what_is_exported(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *folder = two_folders(), run_id[64], other[64], list[100];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    fill_store(a, other);
    static const struct {
        const char *experiments, *filter, *models;
        int runs;
        mlplat_status want;
    } cases[] = {
        {"[\"fraud\"]", NULL, NULL, 2, MLPLAT_OK},
        {"[\"Default\"]", NULL, NULL, 0, MLPLAT_OK},
        {NULL, "params.depth = '6'", NULL, 2, MLPLAT_OK},
        {"[\"Default\"]", "params.depth = '6'", NULL, 0, MLPLAT_OK},
        {NULL, "params.depth = '7'", NULL, 0, MLPLAT_OK},
        {NULL, NULL, "[\"digits\"]", 2, MLPLAT_OK},
        {"[\"nowhere\"]", NULL, NULL, 0, MLPLAT_NOT_FOUND},
        {NULL, NULL, "[\"none\"]", 0, MLPLAT_NOT_FOUND},
        {"fraud", NULL, NULL, 0, MLPLAT_INVALID},
        {"{}", NULL, NULL, 0, MLPLAT_INVALID},
        {"[1]", NULL, NULL, 0, MLPLAT_INVALID},
        {NULL, "metrics.", NULL, 0, MLPLAT_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_export_options o = MLPLAT_EXPORT_OPTIONS_INIT;
        char name[40];
        snprintf(name, sizeof name, "archive%zu", i);
        o.experiments = cases[i].experiments;
        o.filter = cases[i].filter;
        o.models = cases[i].models;
        assert_status(mlplat_export(a, test_path(folder, name), &o, &doc, &err), cases[i].want);
        if (cases[i].want == MLPLAT_OK)
            assert_int_equal(number_at(doc, "counts.runs"), cases[i].runs);
        assert_int_equal(access(test_path(folder, name), F_OK), cases[i].want == MLPLAT_OK ? 0 : -1);
        mlplat_doc_free(doc);
    }
    mlplat_export_options o = MLPLAT_EXPORT_OPTIONS_INIT;
    snprintf(list, sizeof list, "[\"%s\"]", other);
    o.runs = list;
    assert_ok(mlplat_export(a, test_path(folder, "by id"), &o, &doc, &err));
    assert_int_equal(number_at(doc, "counts.runs"), 1);
    assert_int_equal(number_at(doc, "counts.registered_models"), 0);
    mlplat_doc_free(doc);
    assert_status(mlplat_export(a, test_path(folder, "by id"), &o, &doc, &err), MLPLAT_EXISTS);
    assert_ok(mlplat_export(a, test_path(folder, "as a shell completes it//"), &o, NULL, &err));
    assert_int_equal(access(test_path(folder, "as a shell completes it/manifest.json"), F_OK), 0);
    mlplat_close(a);
    test_folder_remove(folder);
}

static void without_artifacts_the_places_stay(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_export_options o = MLPLAT_EXPORT_OPTIONS_INIT;
    char *folder = two_folders(), run_id[64];
    mlplat *a = open_in(folder, "a"), *b = open_in(folder, "b");
    fill_store(a, run_id);
    o.no_artifacts = 1;
    assert_ok(mlplat_export(a, test_path(folder, "rows"), &o, NULL, &err));
    assert_int_equal(rmdir(test_path(folder, "rows/files")), 0); /* nothing in it */
    assert_ok(mlplat_import(b, test_path(folder, "rows"), NULL, NULL, &err));
    assert_ok(mlplat_run_get(b, run_id, &doc, &err));
    assert_non_null(strstr(mlplat_doc_text(doc), "/a/mlruns/"));
    mlplat_doc_free(doc);
    mlplat_close(a);
    mlplat_close(b);
    test_folder_remove(folder);
}

/* ---- conflicts ------------------------------------------------------------------------------------------------- */

static void what_differs_is_a_conflict_and_policies_decide(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_run *run = NULL;
    mlplat_import_options o = MLPLAT_IMPORT_OPTIONS_INIT;
    char *folder = two_folders(), run_id[64], *archive;
    mlplat *a = open_in(folder, "a"), *b = open_in(folder, "b");
    fill_store(a, run_id);
    archive = strdup(test_path(folder, "archive"));
    assert_ok(mlplat_export(a, archive, NULL, NULL, &err));
    assert_ok(mlplat_import(b, archive, NULL, NULL, &err));
    assert_ok(mlplat_run_attach(b, run_id, &run, &err));
    assert_ok(mlplat_run_log_text(run, "changed", "notes/a.txt", &err)); /* bytes of an artifact count, too */
    mlplat_run_free(run);
    assert_status(mlplat_import(b, archive, NULL, NULL, &err), MLPLAT_CONFLICT);
    assert_non_null(strstr(err.message, run_id));
    o.on_conflict = "sometimes";
    assert_status(mlplat_import(b, archive, &o, NULL, &err), MLPLAT_INVALID);
    o.on_conflict = "replace";
    o.dry_run = 1;
    assert_ok(mlplat_import(b, archive, &o, &doc, &err));
    assert_int_equal(number_at(doc, "runs.replaced"), 1);
    mlplat_doc_free(doc);
    assert_status(mlplat_import(b, archive, NULL, NULL, &err), MLPLAT_CONFLICT); /* a dry run changed nothing */
    o.dry_run = 0;
    assert_ok(mlplat_import(b, archive, &o, NULL, &err));
    assert_ok(mlplat_import(b, archive, NULL, &doc, &err));
    assert_int_equal(number_at(doc, "runs.same"), 1);
    mlplat_doc_free(doc);
    assert_ok(mlplat_registered_model_set_tag(a, "digits", "team", "x", &err));
    assert_ok(mlplat_registered_model_set_tag(b, "digits", "team", "y", &err));
    assert_ok(mlplat_export(a, test_path(folder, "again"), NULL, NULL, &err));
    assert_status(mlplat_import(b, test_path(folder, "again"), NULL, NULL, &err), MLPLAT_CONFLICT);
    assert_ok(mlplat_import(b, test_path(folder, "again"), &o, NULL, &err));
    assert_ok(mlplat_registered_model_get(b, "digits", &doc, &err));
    assert_non_null(strstr(mlplat_doc_text(doc), "\"x\""));
    mlplat_doc_free(doc);
    free(archive);
    mlplat_close(a);
    mlplat_close(b);
    test_folder_remove(folder);
}

/* A registered model of the same name in another workspace is another one. */
static void other_workspaces_are_left_alone(void **state)
{
    (void)state;
    static const char *const theirs[] = {
        "INSERT INTO registered_models (name, workspace, creation_time) VALUES ('digits', 'theirs', 1)",
        ("INSERT INTO model_versions (name, version, workspace, source, run_id, current_stage, status) VALUES "
         "('digits', 1, 'theirs', '/theirs', 'r', 'None', 'READY')"),
        "INSERT INTO registered_model_tags (name, workspace, key, value) VALUES ('digits', 'theirs', 'team', 'theirs')",
    };
    mlplat_error err = {0};
    mlplat_import_options o = MLPLAT_IMPORT_OPTIONS_INIT;
    char *folder = two_folders(), run_id[64];
    mlplat *a = open_in(folder, "a"), *b = open_in(folder, "b");
    fill_store(a, run_id);
    assert_ok(mlplat_registered_model_set_tag(a, "digits", "team", "ours", &err));
    assert_ok(mlplat_store_create(b, NULL, NULL, &err));
    for (size_t i = 0; i < 3; i++)
        sql(test_path(folder, "b/mlflow.db"), theirs[i]);
    assert_ok(mlplat_export(a, test_path(folder, "one"), NULL, NULL, &err));
    assert_ok(mlplat_import(b, test_path(folder, "one"), NULL, NULL, &err)); /* their tag is no conflict */
    assert_ok(mlplat_model_version_set_tag(a, "digits", "1", "auc", "1", &err));
    assert_ok(mlplat_export(a, test_path(folder, "two"), NULL, NULL, &err));
    o.on_conflict = "replace";
    assert_ok(mlplat_import(b, test_path(folder, "two"), &o, NULL, &err));
    assert_int_equal(number(test_path(folder, "b/mlflow.db"),
                            "SELECT count(*) FROM model_versions WHERE workspace = 'theirs' AND source = '/theirs'"),
                     1);
    mlplat_close(a);
    mlplat_close(b);
    test_folder_remove(folder);
}

static void an_experiment_that_is_deleted_there_takes_nothing(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = two_folders(), run_id[64], *id = NULL;
    mlplat *a = open_in(folder, "a"), *b = open_in(folder, "b");
    fill_store(a, run_id);
    assert_ok(mlplat_export(a, test_path(folder, "archive"), NULL, NULL, &err));
    assert_ok(mlplat_experiment_create(b, "fraud", NULL, &id, &err));
    assert_ok(mlplat_experiment_delete(b, id, &err));
    assert_status(mlplat_import(b, test_path(folder, "archive"), NULL, NULL, &err), MLPLAT_STATE);
    assert_non_null(strstr(err.message, "fraud"));
    assert_int_equal(count_runs(b), 0);
    mlplat_free(id);
    mlplat_close(a);
    mlplat_close(b);
    test_folder_remove(folder);
}

/* ---- damage ------------------------------------------------------------------------------------------------------ */

static const char DATA[] = "data.jsonl.zst";
static const char HELLO[] = "files/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824.zst";

static void flip(const char *path)
{
    size_t n;
    char *data = slurp(path, &n);
    data[n / 2] ^= 0x10;
    spill(path, data, n);
    mlplat_free(data);
}

static void cut(const char *path)
{
    size_t n;
    char *data = slurp(path, &n);
    spill(path, data, n - 3);
    mlplat_free(data);
}

static void drop(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void link_away(const char *path)
{
    char other[1300];
    snprintf(other, sizeof other, "%s.there", path);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
}

static void add(const char *path)
{
    char other[1300];
    snprintf(other, sizeof other, "%s.more", path);
    spill(other, "x", 1);
}

static void be_a_folder(const char *path)
{
    drop(path);
    assert_int_equal(mkdir(path, 0777), 0);
}

static void a_damaged_archive_is_named_and_nothing_is_imported(void **state)
{
    (void)state;
    static void (*const damages[])(const char *) = {flip, cut, drop, link_away, add, be_a_folder};
    const char *const files[] = {DATA, HELLO, "manifest.json"};
    mlplat_error err = {0};
    char *folder = two_folders(), run_id[64], name[100];
    mlplat *a = open_in(folder, "a"), *b = open_in(folder, "b");
    fill_store(a, run_id);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        for (size_t k = 0; k < 3; k++) {
            snprintf(name, sizeof name, "archive%zu-%zu", i, k);
            char *archive = strdup(test_path(folder, name));
            assert_ok(mlplat_export(a, archive, NULL, NULL, &err));
            damages[i](test_path(archive, files[k]));
            assert_status(mlplat_import(b, archive, NULL, NULL, &err), MLPLAT_CORRUPT);
            if (k < 2 && i != 4)
                assert_non_null(strstr(err.message, files[k]));
            assert_int_equal(count_runs(b), 0);
            free(archive);
        }
    assert_status(mlplat_import(b, test_path(folder, "a"), NULL, NULL, &err), MLPLAT_CORRUPT);
    assert_status(mlplat_import(b, test_path(folder, "nowhere"), NULL, NULL, &err), MLPLAT_NOT_FOUND);
    mlplat_close(a);
    mlplat_close(b);
    test_folder_remove(folder);
}

#define EXPERIMENT "{\"table\":\"experiments\",\"creation_time\":1,\"lifecycle_stage\":\"active\",\"name\":\"e\"}\n"
#define RUN                                                                                                            \
    "{\"table\":\"runs\",\"experiment\":\"e\",\"lifecycle_stage\":\"active\",\"run_uuid\":\"r1\",\"status\":"          \
    "\"FINISHED\"}\n"
#define FILE_AT(path)                                                                                                  \
    "{\"table\":\"artifacts\",\"run_uuid\":\"r1\",\"path\":\"" path "\",\"size\":5,\"sha256\":"                        \
    "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"}\n"

static void a_hostile_archive_is_refused_before_anything_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        uint64_t runs, artifacts, params;
        mlplat_status want;
    } cases[] = {
        {EXPERIMENT RUN FILE_AT("a/b.txt"), 1, 1, 0, MLPLAT_OK},
        {EXPERIMENT RUN FILE_AT("../b.txt"), 1, 1, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN FILE_AT("a/../../b.txt"), 1, 1, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN FILE_AT("/etc/b.txt"), 1, 1, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN FILE_AT("%2e%2e/b.txt"), 1, 1, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN FILE_AT("a\\\\b"), 1, 1, 0, MLPLAT_CORRUPT},
        {EXPERIMENT FILE_AT("a"), 0, 1, 0, MLPLAT_CORRUPT}, /* of no run */
        {EXPERIMENT RUN FILE_AT("a"), 1, 2, 0, MLPLAT_CORRUPT}, /* not what the manifest counts */
        {EXPERIMENT "{\"table\":\"runs\",\"experiment\":\"e\",\"run_uuid\":\"../r\"}\n", 1, 0, 0, MLPLAT_CORRUPT},
        {EXPERIMENT "{\"table\":\"runs\",\"experiment\":\"e\",\"run_uuid\":\"\"}\n", 1, 0, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN "{\"table\":\"params\",\"run_uuid\":\"r2\",\"key\":\"k\",\"value\":\"v\"}\n", 1, 0, 1,
         MLPLAT_CORRUPT},
        {EXPERIMENT RUN "{\"table\":\"params\",\"run_uuid\":\"r1\",\"key\":\"k\",\"worth\":\"v\"}\n", 1, 0, 1,
         MLPLAT_UNSUPPORTED},
        {EXPERIMENT RUN "{\"table\":\"params\",\"run_uuid\":\"r1\",\"key\":\"k\",\"\":\"v\"}\n", 1, 0, 1,
         MLPLAT_UNSUPPORTED}, /* a key without a name */
        {"{\"table\":\"experiments\",\"artifact_location\":\"/tmp\",\"name\":\"f\"}\n" RUN, 1, 0, 0,
         MLPLAT_CORRUPT},
        {"{\"table\":\"experiments\",\"experiment_id\":7,\"name\":\"f\"}\n", 0, 0, 0, MLPLAT_CORRUPT},
        {EXPERIMENT "{\"table\":\"runs\",\"experiment\":\"e\",\"run_uuid\":\"r2\",\"artifact_uri\":\"/t\"}\n", 1, 0,
         0, MLPLAT_CORRUPT},
        {EXPERIMENT "{\"table\":\"runs\",\"experiment\":\"f\",\"run_uuid\":\"r2\"}\n", 1, 0, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN RUN, 2, 0, 0, MLPLAT_CORRUPT},
        {RUN EXPERIMENT, 1, 0, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN "{\"table\":\"sqlite_master\",\"name\":\"x\"}\n", 1, 0, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN "{\"name\":\"x\"}\n", 1, 0, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN "{\"table\":\"params\"\n", 1, 0, 1, MLPLAT_CORRUPT},
        {EXPERIMENT RUN "no json\n", 1, 0, 0, MLPLAT_CORRUPT},
        {EXPERIMENT "{\"table\":\"runs\"", 1, 0, 0, MLPLAT_CORRUPT}, /* without its end */
        {EXPERIMENT RUN "{\"table\":\"metrics\",\"run_uuid\":\"r1\",\"key\":\"k\",\"points\":[[1,2]]}\n", 1, 0, 0,
         MLPLAT_CORRUPT},
        {EXPERIMENT RUN "{\"table\":\"metrics\",\"run_uuid\":\"r1\",\"key\":\"k\"}\n", 1, 0, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN "{\"table\":\"artifacts\",\"run_uuid\":\"r1\",\"path\":\"a\",\"size\":5,\"sha256\":\"../x\"}\n",
         1, 1, 0, MLPLAT_CORRUPT},
        {EXPERIMENT RUN "{\"table\":\"artifacts\",\"run_uuid\":\"r1\",\"path\":\"a\",\"size\":6,\"sha256\":"
                        "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"}\n",
         1, 1, 0, MLPLAT_CORRUPT},
    };
    mlplat_error err = {0};
    char *folder = two_folders(), name[40];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_manifest m = {0};
        mlplat *b = open_in(folder, "b");
        m.counts[MLP_EXPERIMENTS] = 1;
        m.counts[MLP_RUNS] = cases[i].runs;
        m.counts[MLP_PARAMS] = cases[i].params;
        m.counts[MLP_STORE_TABLES] = cases[i].artifacts;
        snprintf(name, sizeof name, "archive%zu", i);
        craft(test_path(folder, name), cases[i].lines, &m);
        assert_status(mlplat_import(b, test_path(folder, name), NULL, NULL, &err), cases[i].want);
        assert_int_equal(count_runs(b), cases[i].want == MLPLAT_OK || i > 0); /* the first one's run */
        mlp_manifest_free(&m);
        mlplat_close(b);
    }
    assert_int_equal(access(test_path(folder, "b/mlruns/1/r1/artifacts/a/b.txt"), F_OK), 0);
    test_folder_remove(folder);
}

/* A file that unpacks to more than it says stops at what it says. */
static void a_bomb_does_not_unpack(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_import_options o = MLPLAT_IMPORT_OPTIONS_INIT;
    mlp_manifest m = {0};
    int fd = -1;
    char *folder = two_folders();
    size_t n = (size_t)8 << 20;
    char *lines = malloc(n + 1);
    memset(lines, ' ', n);
    lines[n] = 0;
    mlplat *b = open_in(folder, "b");
    craft(test_path(folder, "big"), lines, &m);
    o.max_bytes = 1000000;
    assert_status(mlplat_import(b, test_path(folder, "big"), &o, NULL, &err), MLPLAT_INVALID);
    m.files[0].info.raw_size = 100;
    assert_int_equal(unlink(test_path(folder, "big/manifest.json")), 0);
    assert_ok(mlp_file_open_root(test_path(folder, "big"), false, &fd, &err));
    assert_ok(mlp_manifest_write(fd, &m, &err));
    close(fd);
    assert_status(mlplat_import(b, test_path(folder, "big"), NULL, NULL, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "more than the manifest says"));
    mlp_manifest_free(&m);
    free(lines);
    mlplat_close(b);
    test_folder_remove(folder);
}

/* A gigabyte of memory from some megabytes of text. */
static void a_line_of_many_values_is_not_made_a_document(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_manifest m = {0};
    mlp_buf lines = {0};
    char *folder = two_folders();
    mlp_buf_puts(&lines, "{\"table\":\"metrics\",\"points\":[{}");
    for (int i = 0; i < 2000000; i++)
        mlp_buf_puts(&lines, ",{}");
    mlp_buf_puts(&lines, "]}\n");
    craft(test_path(folder, "many"), lines.data, &m);
    mlplat *b = open_in(folder, "b");
    assert_status(mlplat_import(b, test_path(folder, "many"), NULL, NULL, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "line 1"));
    assert_non_null(strstr(err.message, "more values than a row"));
    mlp_manifest_free(&m);
    mlp_buf_free(&lines);
    mlplat_close(b);
    test_folder_remove(folder);
}

/* ---- stopping -------------------------------------------------------------------------------------------------- */

static int stop_at(void *user, uint64_t done, uint64_t total)
{
    int *left = user;
    (void)done, (void)total;
    return (*left)-- <= 0;
}

static void a_cancelled_export_leaves_nothing(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_export_options o = MLPLAT_EXPORT_OPTIONS_INIT;
    char *folder = two_folders(), run_id[64];
    int left = 0;
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    o.progress = stop_at;
    o.user = &left;
    assert_status(mlplat_export(a, test_path(folder, "b/archive"), &o, NULL, &err), MLPLAT_CANCELLED);
    assert_int_equal(rmdir(test_path(folder, "b")), 0); /* empty */
    mlplat_close(a);
    test_folder_remove(folder);
}

static void a_cancelled_import_is_completed_by_the_next(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_import_options o = MLPLAT_IMPORT_OPTIONS_INIT;
    char *folder = two_folders(), run_id[64];
    int calls = 0, left = 0;
    mlplat *a = open_in(folder, "a"), *b = open_in(folder, "b");
    fill_store(a, run_id);
    assert_ok(mlplat_export(a, test_path(folder, "archive"), NULL, NULL, &err));
    o.progress = stop_at;
    o.user = &left;
    for (; calls < 5; left = ++calls)
        if (mlplat_import(b, test_path(folder, "archive"), &o, NULL, &err) == MLPLAT_OK)
            break;
    assert_ok(mlplat_import(b, test_path(folder, "archive"), NULL, NULL, &err));
    assert_ok(mlplat_import(b, test_path(folder, "archive"), NULL, &doc, &err));
    assert_int_equal(number_at(doc, "runs.same"), 1);
    mlplat_doc_free(doc);
    mlplat_close(a);
    mlplat_close(b);
    test_folder_remove(folder);
}

/* ---- the file store ---------------------------------------------------------------------------------------------- */

static void a_folder_of_the_file_store_is_pointed_to_mlflow(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    char *folder = two_folders();
    mlplat *b = open_in(folder, "b"), *other = NULL;
    assert_int_equal(mkdir(test_path(folder, "a/.trash"), 0777), 0);
    assert_status(mlplat_import(b, test_path(folder, "a"), NULL, NULL, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "mlflow migrate-filestore --source"));
    options.tracking_uri = test_path(folder, "a");
    assert_status(mlplat_open(&options, &other, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "mlflow migrate-filestore --source"));
    mlplat_close(b);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_to_another_store_and_is_the_same_there),
        cmocka_unit_test(exports_repeat_themselves_and_imports_change_nothing_twice),
        cmocka_unit_test(what_is_named_is_what_is_exported),
        cmocka_unit_test(without_artifacts_the_places_stay),
        cmocka_unit_test(what_differs_is_a_conflict_and_policies_decide),
        cmocka_unit_test(other_workspaces_are_left_alone),
        cmocka_unit_test(an_experiment_that_is_deleted_there_takes_nothing),
        cmocka_unit_test(a_damaged_archive_is_named_and_nothing_is_imported),
        cmocka_unit_test(a_hostile_archive_is_refused_before_anything_is_written),
        cmocka_unit_test(a_bomb_does_not_unpack),
        cmocka_unit_test(a_line_of_many_values_is_not_made_a_document),
        cmocka_unit_test(a_cancelled_export_leaves_nothing),
        cmocka_unit_test(a_cancelled_import_is_completed_by_the_next),
        cmocka_unit_test(a_folder_of_the_file_store_is_pointed_to_mlflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
