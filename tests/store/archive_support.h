/* Two stores and an archive between them; archives that nobody would write. */
#ifndef ARCHIVE_SUPPORT_H
#define ARCHIVE_SUPPORT_H
#include "base/file.h"
#include "base/os.h"
#include "store/manifest.h"
#include "support/support.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with the stores a/ and b/. */
static inline char *two_folders(void)
{
    char *folder = test_folder_make();
    assert_int_equal(mkdir(test_path(folder, "a"), 0777), 0);
    assert_int_equal(mkdir(test_path(folder, "b"), 0777), 0);
    return folder;
}

/* A run with all that a run has, a registered version of it with an alias. */
static inline void fill_store(mlplat *ml, char run_id[64])
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_model_version_options v = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    char uri[100];
    int64_t version = 0;
    o.experiment = "fraud";
    o.tags = "{\"team\": \"risk\"}";
    v.tags = "{\"auc\": \"0.9\"}";
    assert_ok(mlplat_run_start(ml, &o, &run, &err));
    snprintf(run_id, 64, "%s", mlplat_run_id(run));
    assert_ok(mlplat_run_log_batch(run, "{\"params\": {\"depth\": 6}, \"metrics\": {\"loss\": \"NaN\", \"auc\": 0.25}}",
                                   &err));
    for (int i = 0; i < 1500; i++)
        assert_ok(mlplat_run_log_metric(run, "many", i / 7.0, i, &err));
    assert_ok(mlplat_run_log_text(run, "hello", "notes/a.txt", &err));
    assert_ok(mlplat_run_log_text(run, "hello", "model/MLmodel", &err));
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    snprintf(uri, sizeof uri, "runs:/%s/model", run_id);
    assert_ok(mlplat_model_version_create(ml, "digits", uri, &v, &version, &err));
    assert_ok(mlplat_model_alias_set(ml, "digits", "champion", "1", &err));
}

static inline void sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
    sqlite3_close(db);
}

static inline int64_t number(const char *path, const char *text)
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

/* An archive of these lines and of one file with the content "hello", with counts of its own. */
static inline void craft(const char *path, const char *lines, mlp_manifest *m)
{
    static const char sum[] = "files/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824.zst";
    mlplat_error err = {0};
    mlp_zout z = {0};
    mlp_zfile_info info;
    int fd = -1;
    assert_ok(mlp_file_open_root(path, true, &fd, &err));
    assert_ok(mlp_zout_open(fd, MLP_ARCHIVE_DATA, &z, &err));
    assert_ok(mlp_zout_write(&z, lines, strlen(lines), &err));
    assert_ok(mlp_zout_finish(&z, &info, &err));
    assert_ok(mlp_manifest_add(m, MLP_ARCHIVE_DATA, &info, &err));
    assert_ok(mlp_zout_open(fd, sum, &z, &err));
    assert_ok(mlp_zout_write(&z, "hello", 5, &err));
    assert_ok(mlp_zout_finish(&z, &info, &err));
    assert_ok(mlp_manifest_add(m, sum, &info, &err));
    m->artifacts = true;
    assert_ok(mlp_manifest_write(fd, m, &err));
    close(fd);
}

static inline mlplat *open_in(const char *folder, const char *name)
{
    return test_open(test_path(folder, name));
}

#endif
