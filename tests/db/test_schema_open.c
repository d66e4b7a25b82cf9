/* Making MLflow's tables and finding out what a file holds. tests/integration/test_schema.py compares the tables. */
#include "support/support.h"
#include "db/db.h"
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct fixture {
    char *folder;
    char path[1024];
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->folder = test_folder_make();
    snprintf(f->path, sizeof f->path, "%s/mlflow.db", f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    test_folder_remove(f->folder);
    free(f);
    return 0;
}

static mlplat_status open_with(const char *path, const mlp_schema_maker *maker, int64_t busy_ms, const mlp_hook *hook,
                               mlp_schema_info *info, mlplat_error *err)
{
    mlp_db *db = NULL;
    const mlp_db_options options = {.create = maker != NULL, .busy_ms = busy_ms};
    mlplat_status s = mlp_db_open(path, &options, &db, err);
    if (s == MLPLAT_OK)
        s = mlp_schema_open(db, maker, info, hook, err);
    mlp_db_close(db);
    return s;
}

static mlplat_status open_store(const char *path, bool create, int64_t busy_ms, const mlp_hook *hook,
                                mlp_schema_info *info, mlplat_error *err)
{
    const mlp_schema_maker maker = {.artifact_root = "/data/mlruns"};
    return open_with(path, create ? &maker : NULL, busy_ms, hook, info, err);
}

/* With SQLite alone, as another program would. */
static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void assert_sql(const char *path, const char *sql, const char *want)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), want);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void a_new_store_is_whole(void **state)
{
    fixture *f = *state;
    mlp_schema_info info;
    mlplat_error err = {0};
    assert_ok(open_store(f->path, true, 0, NULL, &info, &err));
    assert_true(info.created && info.tracking_known && info.registry_known);
    assert_true(info.experiments_workspace && info.registry_workspace);
    assert_string_equal(info.head, mlp_schema_revisions[mlp_schema_newest].head);
    assert_ok(open_store(f->path, true, 0, NULL, &info, &err));
    assert_false(info.created);
    assert_string_equal(info.head, mlp_schema_revisions[mlp_schema_newest].head);
    assert_sql(f->path, "SELECT count(*) FROM sqlite_master WHERE type = 'table'", "65");
    assert_sql(f->path, "SELECT version_num FROM alembic_version", mlp_schema_revisions[mlp_schema_newest].head);
    assert_sql(f->path,
               "SELECT experiment_id || name || artifact_location || lifecycle_stage || workspace FROM experiments",
               "0Default/data/mlruns/0activedefault");
    assert_sql(f->path, "SELECT name || description FROM workspaces", "defaultDefault workspace for legacy resources");
    assert_sql(f->path, "PRAGMA journal_mode", "wal");
    assert_sql(f->path, "PRAGMA integrity_check", "ok");
}

static const char *told_version;
static const char *tell(void *user)
{
    ++*(int *)user;
    return told_version;
}

/* The setting wins, then the MLflow that is installed if we know it; nobody is asked about a store that is there. */
static void a_new_store_is_made_for_the_mlflow_that_is_there(void **state)
{
    fixture *f = *state;
    const char *newest = mlp_schema_revisions[mlp_schema_newest].head;
    const struct {
        const char *setting, *installed, *want;
        int asked;
    } cases[] = {
        {NULL, "2.14.3", "5b0e9adcef9c", 1},     {NULL, "3.1.4", "bda7b8c39065", 1},
        {NULL, "99.0", newest, 1},               {NULL, "1.30.0", newest, 1},
        {NULL, "of some kind", newest, 1},       {NULL, NULL, newest, 1},
        {"3.9.0", "2.14.3", "d3e4f5a6b7c8", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int asked = 0;
        mlp_schema_info info;
        mlplat_error err = {0};
        const mlp_schema_maker maker = {
            .artifact_root = "/data/mlruns", .mlflow = cases[i].setting, .installed = tell, .user = &asked};
        told_version = cases[i].installed;
        for (int again = 0; again < 2; again++) {
            assert_ok(open_with(f->path, &maker, 0, NULL, &info, &err));
            assert_string_equal(info.head, cases[i].want);
            assert_int_equal(asked, cases[i].asked);
        }
        assert_int_equal(unlink(f->path), 0);
    }
}

static void an_empty_file_is_filled_only_if_asked(void **state)
{
    fixture *f = *state;
    mlp_schema_info info;
    mlplat_error err = {0};
    struct stat st;
    close(open(f->path, O_WRONLY | O_CREAT, 0644));
    assert_status(open_store(f->path, false, 0, NULL, &info, &err), MLPLAT_NOT_FOUND);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_ok(open_store(f->path, true, 0, NULL, &info, &err));
    assert_true(info.created);
    assert_ok(open_store(f->path, false, 0, NULL, &info, &err));
}

static char *read_all(const char *path, size_t *n)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_int_equal(fstat(fd, &st), 0);
    char *out = malloc((size_t)st.st_size);
    assert_int_equal(read(fd, out, (size_t)st.st_size), st.st_size);
    close(fd);
    *n = (size_t)st.st_size;
    return out;
}

static void a_foreign_file_is_refused_and_left_alone(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"CREATE TABLE shopping (item TEXT)", "no table experiments"},
        {"CREATE TABLE runs (id INTEGER); CREATE TABLE tags (t TEXT)", "no table experiments"},
        {"CREATE TABLE experiments (id INTEGER, name TEXT)", "other columns"},
        {"CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('abc')",
         "no table experiments"},
        {"CREATE VIEW v AS SELECT 1", "no table experiments"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_schema_info info;
        mlplat_error err = {0};
        size_t n = 0, after_n = 0;
        run_sql(f->path, cases[i].sql);
        char *before = read_all(f->path, &n);
        assert_status(open_store(f->path, true, 0, NULL, &info, &err), MLPLAT_CORRUPT);
        assert_non_null(strstr(err.message, f->path));
        assert_non_null(strstr(err.message, cases[i].says));
        char *after = read_all(f->path, &after_n);
        assert_int_equal(n, after_n);
        assert_memory_equal(before, after, n);
        free(before);
        free(after);
        assert_int_equal(unlink(f->path), 0);
    }
}

/* Bits: tracking known, registry known, experiments have a workspace, the registry has. */
static void shapes_are_known_by_their_columns(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *sql;
        int want;
    } cases[] = {
        {"UPDATE alembic_version SET version_num = 'ffffffffffff'", 15},
        {"ALTER TABLE runs ADD COLUMN mood TEXT", 15},
        {"ALTER TABLE runs ADD COLUMN mood TEXT NOT NULL DEFAULT 'fine'", 15},
        {"ALTER TABLE params RENAME COLUMN value TO val", 14},
        {"DROP TABLE experiment_tags", 14},
        {"DROP TABLE experiment_tags; CREATE TABLE experiment_tags (key, value, experiment_id, mood NOT NULL)", 14},
        {"ALTER TABLE model_versions DROP COLUMN storage_location", 13},
        {"DROP TABLE registered_model_aliases; CREATE TABLE registered_model_aliases (alias, version, name)", 13},
        {"ALTER TABLE scorers RENAME TO judges", 15}, /* none of ours */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_schema_info info;
        mlplat_error err = {0};
        assert_ok(open_store(f->path, true, 0, NULL, &info, &err));
        run_sql(f->path, cases[i].sql);
        assert_ok(open_store(f->path, true, 0, NULL, &info, &err));
        int got = info.tracking_known + 2 * info.registry_known + 4 * info.experiments_workspace +
                  8 * info.registry_workspace;
        if (got != cases[i].want)
            fail_msg("%s: %d, not %d", cases[i].sql, got, cases[i].want);
        assert_int_equal(unlink(f->path), 0);
    }
}

typedef struct finisher {
    const char *path;
    int calls, finish_at;
} finisher;

static int finish(void *user, uint64_t done, uint64_t total)
{
    finisher *it = user;
    (void)done, (void)total;
    if (++it->calls == it->finish_at)
        run_sql(it->path, "ALTER TABLE experiments ADD COLUMN creation_time BIGINT;"
                          "INSERT INTO alembic_version VALUES ('dc11669786a5')");
    return 0;
}

/* As MLflow has it between its first tables and the first step. */
static void undo_steps(const char *path)
{
    run_sql(path, "DELETE FROM alembic_version; DROP INDEX idx_experiments_workspace_creation_time;"
                  "ALTER TABLE experiments DROP COLUMN creation_time");
}

static void a_store_that_is_being_made_is_waited_for(void **state)
{
    fixture *f = *state;
    mlp_schema_info info;
    mlplat_error err = {0};
    finisher it = {.path = f->path, .finish_at = 2};
    const mlp_hook hook = {.fn = finish, .user = &it};
    assert_ok(open_store(f->path, true, 0, NULL, &info, &err));
    undo_steps(f->path);
    assert_status(open_store(f->path, true, 120, NULL, &info, &err), MLPLAT_UNAVAILABLE);
    assert_non_null(strstr(err.message, "creating"));
    assert_ok(open_store(f->path, true, 0, &hook, &info, &err));
    assert_int_equal(it.calls, 2);
    assert_true(info.tracking_known && !info.created);
}

static void nobody_waits_for_a_maker_that_left_long_ago(void **state)
{
    fixture *f = *state;
    mlp_schema_info info;
    mlplat_error err = {0};
    finisher it = {.path = f->path, .finish_at = 1};
    const mlp_hook hook = {.fn = finish, .user = &it};
    const struct timespec hour_ago[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
    assert_ok(open_store(f->path, true, 0, NULL, &info, &err));
    undo_steps(f->path);
    assert_int_equal(utimensat(AT_FDCWD, f->path, hour_ago, 0), 0);
    assert_status(open_store(f->path, true, 60000, &hook, &info, &err), MLPLAT_UNAVAILABLE);
    assert_non_null(strstr(err.message, "was stopped"));
    assert_int_equal(it.calls, 0); /* the hook is called every 50 ms of a wait */
}

/* No head, and more than MLflow's first tables: the tables alone say what can be read and written, at once. */
static void a_lost_head_is_no_store_in_the_making(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *sql;
        bool known;
    } cases[] = {
        {"DELETE FROM alembic_version", true},
        {"UPDATE alembic_version SET version_num = ''", true},
        {"UPDATE alembic_version SET version_num = x'00ff'", true},
        {"DROP TABLE alembic_version", true},
        {"DROP TABLE alembic_version; CREATE TABLE alembic_version (head)", true},
        {"DROP TABLE alembic_version; CREATE TABLE alembic_version (version_num);"
         "INSERT INTO alembic_version VALUES (NULL)",
         true},
        {"DROP TABLE alembic_version; DROP TABLE tags", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_schema_info info;
        mlplat_error err = {0};
        finisher it = {.path = f->path, .finish_at = -1};
        const mlp_hook hook = {.fn = finish, .user = &it};
        assert_ok(open_store(f->path, true, 0, NULL, &info, &err));
        run_sql(f->path, cases[i].sql);
        if (open_store(f->path, true, 1000, &hook, &info, &err) != MLPLAT_OK || info.tracking_known != cases[i].known)
            fail_msg("%s: %s, known %d", cases[i].sql, err.message, info.tracking_known);
        assert_string_equal(info.head, "");
        assert_int_equal(it.calls, 0);
        assert_int_equal(unlink(f->path), 0);
    }
}

enum { ROUNDS = 20, PROCESSES = 4 };

/* Each wants another head. The exit code: was it the one that made the store, at its own head? */
static int open_as_process(const char *path, int start, int revision)
{
    char one;
    mlp_schema_info info;
    mlplat_error err = {0};
    const mlp_schema_maker maker = {.artifact_root = "/data/mlruns", .mlflow = mlp_schema_revisions[revision].head};
    while (read(start, &one, 1) > 0) /* until all are there */
        ;
    mlplat_status s = open_with(path, &maker, 0, NULL, &info, &err);
    if (s != MLPLAT_OK || (info.created && info.revision != revision) || !info.tracking_known || !info.registry_known) {
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
        return 2;
    }
    return info.created;
}

static void many_processes_make_one_store(void **state)
{
    fixture *f = *state;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pids[PROCESSES];
        int start[2], made = 0;
        assert_int_equal(pipe(start), 0);
        for (int i = 0; i < PROCESSES; i++)
            if ((pids[i] = fork()) == 0) {
                close(start[1]);
                _exit(open_as_process(f->path, start[0], (i * 14 + round) % (mlp_schema_newest + 1)));
            }
        close(start[0]);
        close(start[1]);
        for (int i = 0; i < PROCESSES; i++) {
            int code = -1;
            assert_int_equal(waitpid(pids[i], &code, 0), pids[i]);
            assert_true(WIFEXITED(code));
            assert_in_range(WEXITSTATUS(code), 0, 1);
            made += WEXITSTATUS(code);
        }
        assert_int_equal(made, 1);
        assert_sql(f->path, "SELECT count(*) FROM experiments", "1");
        assert_int_equal(unlink(f->path), 0);
    }
}

static void uris_name_files(void **state)
{
    fixture *f = *state;
    char cwd[1024], *path = NULL, *root = NULL;
    static const char *const bad[] = {"sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://host/x.db",
                                      "sqlite:///a?b"};
    mlplat_error err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_status(mlp_db_uri_path(bad[i], &path, &err), MLPLAT_INVALID);
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_ok(mlp_db_uri_path("sqlite:////data/./mlflow.db", &path, &err));
    assert_string_equal(path, "/data/mlflow.db");
    assert_string_equal(root = mlp_db_artifact_root(NULL, path), "/data/mlruns");
    mlplat_free(root);
    assert_string_equal(root = mlp_db_artifact_root("s3://bucket/a", path), "s3://bucket/a");
    mlplat_free(root);
    root = mlp_db_artifact_root("here", path);
    assert_memory_equal(root, cwd, strlen(cwd));
    assert_string_equal(root + strlen(cwd), "/here");
    mlplat_free(root);
    mlplat_free(path);
    assert_ok(mlp_db_uri_path("sqlite:///b.db", &path, &err));
    assert_string_equal(path + strlen(cwd), "/b.db");
    mlplat_free(path);
    (void)f;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_new_store_is_whole),
        CASE(a_new_store_is_made_for_the_mlflow_that_is_there),
        CASE(an_empty_file_is_filled_only_if_asked),
        CASE(a_foreign_file_is_refused_and_left_alone),
        CASE(shapes_are_known_by_their_columns),
        CASE(a_store_that_is_being_made_is_waited_for),
        CASE(nobody_waits_for_a_maker_that_left_long_ago),
        CASE(a_lost_head_is_no_store_in_the_making),
        CASE(many_processes_make_one_store),
        CASE(uris_name_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
