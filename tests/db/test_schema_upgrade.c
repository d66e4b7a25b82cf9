/* Moving a file to another of MLflow's heads. tests/integration/test_schema_walk.py compares the outcome. */
#include "support/scarce_memory.h"
#include "support/support.h"
#include "db/db_inside.h"
#include "db/schema_inside.h"
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

static mlplat_status make(const char *path, const char *mlflow, mlplat_error *err)
{
    mlp_db *db = NULL;
    mlp_schema_info info;
    const mlp_db_options options = {.create = true};
    const mlp_schema_maker maker = {.artifact_root = "/data/mlruns", .mlflow = mlflow};
    mlplat_status s = mlp_db_open(path, &options, &db, err);
    if (s == MLPLAT_OK)
        s = mlp_schema_open(db, &maker, &info, NULL, err);
    mlp_db_close(db);
    return s;
}

static mlplat_status upgrade(const char *path, const char *to, const mlp_hook *hook, mlplat_error *err)
{
    mlp_schema_info before;
    int revision = 0;
    const mlp_db_options options = {.busy_ms = 300};
    mlplat_status s = mlp_schema_wanted(to, &revision, err);
    return s == MLPLAT_OK ? mlp_schema_upgrade(path, &options, revision, &before, hook, err) : s;
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

/* The rows of a statement, columns joined by "|", rows by newlines. Yours. */
static char *read_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    size_t n = 0;
    char *out = NULL;
    FILE *text = open_memstream(&out, &n);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    for (int row = 0; sqlite3_step(stmt) == SQLITE_ROW; row++)
        for (int i = 0; i < sqlite3_column_count(stmt); i++)
            fprintf(text, "%s%s", i ? "|" : row ? "\n" : "", (const char *)sqlite3_column_text(stmt, i));
    fclose(text);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return out;
}

static void assert_sql(const char *path, const char *sql, const char *want)
{
    char *got = read_sql(path, sql);
    assert_string_equal(got, want);
    free(got);
}

#define SHAPE "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"

/* Every sixth: the walk of the integration tests tries them all. */
static void old_heads_move_to_the_newest(void **state)
{
    fixture *f = *state;
    const char *newest = mlp_schema_revisions[mlp_schema_newest].head;
    mlplat_error err = {0};
    for (int i = 0; i <= mlp_schema_newest; i += 6) {
        assert_ok(make(f->path, mlp_schema_revisions[i].head, &err));
        assert_sql(f->path, "SELECT version_num FROM alembic_version", mlp_schema_revisions[i].head);
        run_sql(f->path, "CREATE TABLE mlplat_journal (journal_id TEXT PRIMARY KEY, seq INTEGER);"
                         "INSERT INTO mlplat_journal VALUES ('a', 7)");
        assert_ok(upgrade(f->path, newest, NULL, &err));
        assert_sql(f->path, "SELECT version_num FROM alembic_version", newest);
        assert_sql(f->path, "SELECT count(*) FROM sqlite_master WHERE type = 'table'", "66");
        assert_sql(f->path, "SELECT * FROM mlplat_journal", "a|7");
        assert_sql(f->path, "PRAGMA integrity_check", "ok");
        assert_sql(f->path, "PRAGMA foreign_key_check", "");
        assert_int_equal(remove(f->path), 0);
    }
}

/* As MLflow's migrations read the texts of spans and assessments: Python's int, float and json. */
static void values_are_read_as_mlflow_reads_them(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"mlp_count(7)", "7"}, {"mlp_count(7.0)", "7"}, {"mlp_count(7.5)", NULL}, {"mlp_count('12')", "12"},
        {"mlp_count(' 12.0 ')", "12"}, {"mlp_count('1.2e1')", "12"}, {"mlp_count('1000e-3')", "1"},
        {"mlp_count('.5e1')", "5"}, {"mlp_count('-3')", "-3"}, {"mlp_count('+3')", "3"}, {"mlp_count('0e99')", "0"},
        {"mlp_count('1.5')", NULL}, {"mlp_count('1e')", NULL}, {"mlp_count('1e500')", NULL}, {"mlp_count('x')", NULL},
        {"mlp_count('')", NULL}, {"mlp_count(x'31')", NULL}, {"mlp_count(NULL)", NULL},
        {"mlp_count('9223372036854775807')", "9223372036854775807"}, {"mlp_count('9223372036854775808')", NULL},
        {"mlp_count(replace(hex(zeroblob(300)), '0', '1'))", NULL}, {"mlp_finite(2)", "2.0"},
        {"mlp_finite(0.5)", "0.5"}, {"mlp_finite(' 2.5 ')", "2.5"}, {"mlp_finite('inf')", NULL},
        {"mlp_finite('nan')", NULL}, {"mlp_finite('x')", NULL}, {"mlp_finite(x'31')", NULL},
        {"mlp_member('{\"a\": 1}', 'a')", "1"}, {"mlp_member('{\"a\": 1.5}', 'a')", "1.5"},
        {"mlp_member('{\"a\": \"x\"}', 'a')", "x"}, {"mlp_member('{\"a\": [1]}', 'a')", NULL},
        {"mlp_member('{\"a\": 1}', 'b')", NULL}, {"mlp_member('no json', 'a')", NULL}, {"mlp_member(NULL, 'a')", NULL},
        {"mlp_member('{\"a\": NaN, \"b\": -Infinity, \"c\": 2}', 'c')", "2.0"},
        {"mlp_member('{\"a\": NaN}', 'a')", NULL},
        {"mlp_member('{\"a\": \"NaN \\\" Infinity\", \"b\": NaN}', 'a')", "NaN \" Infinity"},
        {"mlp_member('{\"a\": 99999999999999999999, \"b\": 3}', 'b')", "3.0"}, {"mlp_score('0.5')", "0.5"},
        {"mlp_score('3')", "3.0"}, {"mlp_score('true')", "1.0"}, {"mlp_score('false')", "0.0"},
        {"mlp_score('\"yes\"')", "1.0"}, {"mlp_score(' Yes ')", "1.0"}, {"mlp_score('no')", "0.0"},
        {"mlp_score('maybe')", NULL}, {"mlp_score('\"maybe\"')", NULL}, {"mlp_score('[1]')", NULL},
        {"mlp_score('null')", NULL}, {"mlp_score(NULL)", NULL}, {"mlp_is_number('3')", "1"},
        {"mlp_is_number('true')", "0"}, {"mlp_is_number('yes')", "0"},
    };
    const mlp_db_options options = {.create = true};
    mlplat_error err = {0};
    mlp_db *db = NULL;
    assert_ok(mlp_db_open(f->path, &options, &db, &err));
    assert_ok(mlp_schema_values(db, &err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sql[300];
        sqlite3_stmt *stmt = NULL;
        snprintf(sql, sizeof sql, "SELECT %s", cases[i].sql);
        assert_int_equal(sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        const char *got = (const char *)sqlite3_column_text(stmt, 0);
        if (!got != !cases[i].want || (got && strcmp(got, cases[i].want) != 0))
            fail_msg("%s: %s, not %s", cases[i].sql, got ? got : "NULL", cases[i].want ? cases[i].want : "NULL");
        sqlite3_finalize(stmt);
    }
    mlp_db_close(db);
}

static void releases_and_heads_are_found(void **state)
{
    static const struct {
        const char *text;
        mlplat_status want;
        const char *head;
    } cases[] = {
        {"2.14.0", MLPLAT_OK, "5b0e9adcef9c"},   {"2.14", MLPLAT_OK, "5b0e9adcef9c"},
        {"2.16.2", MLPLAT_OK, "4465047574b1"},   {"2.22.5", MLPLAT_OK, "0584bdc529eb"},
        {"3.0.0", MLPLAT_OK, "6953534de441"},    {"3.0.1", MLPLAT_OK, "bda7b8c39065"},
        {"3.1.0", MLPLAT_OK, "bda7b8c39065"},    {"3.10.1rc0", MLPLAT_OK, "1b5f0d9ad7c1"},
        {"3.9.9", MLPLAT_OK, "d3e4f5a6b7c8"},    {"3.17.99", MLPLAT_OK, "dc11669786a5"},
        {"400f98739977", MLPLAT_OK, "400f98739977"}, /* of no release */
        {"2.13.3", MLPLAT_UNSUPPORTED, NULL},    {"1.30.0", MLPLAT_UNSUPPORTED, NULL},
        {"3.18.0", MLPLAT_UNSUPPORTED, NULL},    {"4.0", MLPLAT_UNSUPPORTED, NULL},
        {"", MLPLAT_INVALID, NULL},              {"newest", MLPLAT_INVALID, NULL},
        {"3", MLPLAT_INVALID, NULL},             {"-3.1", MLPLAT_INVALID, NULL},
        {"3.1 or so", MLPLAT_INVALID, NULL},     {"acf3f17fdcc7", MLPLAT_INVALID, NULL}, /* 2.13's */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int revision = -1;
        mlplat_error err = {0};
        mlplat_status s = mlp_schema_wanted(cases[i].text, &revision, &err);
        if (s != cases[i].want)
            fail_msg("'%s': %s: %s", cases[i].text, mlplat_status_name(s), err.message);
        if (s == MLPLAT_OK)
            assert_string_equal(mlp_schema_revisions[revision].head, cases[i].head);
    }
}

static void what_cannot_be_upgraded_stays_as_it_is(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *from, *sql, *to;
        mlplat_status want;
        const char *says;
    } cases[] = {
        {"3.10.0", "", "3.9.0", MLPLAT_CONFLICT, "never taken back"},
        {"2.14.0", "UPDATE alembic_version SET version_num = 'acf3f17fdcc7'", "3.9.0", MLPLAT_UNSUPPORTED,
         "mlflow db upgrade"},
        {"2.14.0", "DELETE FROM alembic_version", "3.9.0", MLPLAT_UNSUPPORTED, "no head"},
        {"2.14.0", "DELETE FROM alembic_version; ALTER TABLE experiments DROP COLUMN creation_time", "3.9.0",
         MLPLAT_STATE, "being made"},
        {"2.14.0", "ALTER TABLE experiments ADD COLUMN mood TEXT", "3.10.0", MLPLAT_UNSUPPORTED,
         "table experiments has columns that are not MLflow's"},
        {"2.14.0", "DROP TABLE datasets", "3.10.0", MLPLAT_UNSUPPORTED, "table datasets has not all"},
        {"2.14.0", "CREATE TABLE logged_models (a)", "3.0.0", MLPLAT_CORRUPT, "logged_models"},
        {"3.16.0", "INSERT INTO spans VALUES ('tr', 0, 's', NULL, 'n', NULL, 'OK', 1, 2, '{}', NULL)", "3.17.0",
         MLPLAT_CONFLICT, "a span whose trace is not there: tr"},
        {"3.16.0",
         "INSERT INTO trace_info (request_id, experiment_id, timestamp_ms, status) VALUES ('tr', 0, 1, 'OK');"
         "INSERT INTO spans VALUES ('tr', 0, 's', NULL, 'n', NULL, 'OK', 1, 2, '{}', '{\"mlflow.llm.model\": 3}')",
         "3.17.0", MLPLAT_CONFLICT, "dimension_attributes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        assert_ok(make(f->path, cases[i].from, &err));
        run_sql(f->path, cases[i].sql);
        char *before = read_sql(f->path, SHAPE);
        assert_status(upgrade(f->path, cases[i].to, NULL, &err), cases[i].want);
        if (!strstr(err.message, cases[i].says) || !strstr(err.message, f->path))
            fail_msg("%s: %s", cases[i].sql, err.message);
        assert_sql(f->path, SHAPE, before);
        free(before);
        assert_int_equal(remove(f->path), 0);
    }
}

static void what_others_added_is_kept(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    assert_ok(make(f->path, "2.14.0", &err));
    run_sql(f->path, "CREATE INDEX of_mine ON tags (value);"
                     "CREATE TABLE notes (about TEXT REFERENCES experiments (experiment_id));"
                     "CREATE VIEW named AS SELECT name FROM experiments;"
                     "CREATE TRIGGER noted AFTER INSERT ON experiments BEGIN INSERT INTO notes VALUES (new.name); END");
    assert_ok(upgrade(f->path, "3.17.0", NULL, &err));
    run_sql(f->path, "INSERT INTO experiments (experiment_id, name) VALUES (1, 'risk')");
    assert_sql(f->path, "SELECT about FROM notes", "risk");
    assert_sql(f->path, "SELECT * FROM named ORDER BY name", "Default\nrisk");
    assert_sql(f->path, "SELECT tbl_name FROM sqlite_master WHERE name = 'of_mine'", "tags");
    assert_sql(f->path, "SELECT sql FROM sqlite_master WHERE name = 'notes'",
               "CREATE TABLE notes (about TEXT REFERENCES experiments (experiment_id))");
}

/* Rows that refer to what is made anew are neither deleted nor left behind. */
static void foreign_keys_hold_afterwards(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    assert_ok(make(f->path, "2.14.0", &err));
    run_sql(f->path, "INSERT INTO registered_models (name) VALUES ('m');"
                     "INSERT INTO model_versions (name, version) VALUES ('m', 1);"
                     "INSERT INTO registered_model_aliases VALUES ('best', 1, 'm');"
                     "INSERT INTO trace_info VALUES ('tr', 0, 1, 1, 'OK');"
                     "INSERT INTO trace_tags VALUES ('k', 'v', 'tr');"
                     "INSERT INTO runs (run_uuid, experiment_id) VALUES ('r', 0);"
                     "INSERT INTO tags VALUES ('k', 'v', 'r');"
                     "INSERT INTO datasets VALUES ('d', 0, 'n', 'g', 't', 's', NULL, NULL)");
    assert_ok(upgrade(f->path, "3.17.0", NULL, &err));
    assert_sql(f->path, "PRAGMA foreign_key_check", "");
    assert_sql(f->path,
               "SELECT (SELECT count(*) FROM model_versions), (SELECT count(*) FROM registered_model_aliases), "
               "(SELECT count(*) FROM trace_tags), (SELECT count(*) FROM tags), (SELECT count(*) FROM datasets)",
               "1|1|1|1|1");
    run_sql(f->path, "PRAGMA foreign_keys = ON; DELETE FROM trace_info; UPDATE registered_models SET name = 'n'");
    assert_sql(f->path, "SELECT count(*) FROM trace_tags", "0");
    assert_sql(f->path, "SELECT name, alias FROM registered_model_aliases", "n|best");
}

static int stop_at_once(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    *(uint64_t *)user = total;
    return 1;
}

static void a_cancelled_upgrade_leaves_the_file_as_it_was(void **state)
{
    fixture *f = *state;
    uint64_t total = 0;
    const mlp_hook hook = {.fn = stop_at_once, .user = &total};
    mlplat_error err = {0};
    assert_ok(make(f->path, "2.15.0", &err));
    run_sql(f->path, "INSERT INTO runs (run_uuid, experiment_id) VALUES ('r', 0);"
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
                     "INSERT INTO tags SELECT 'key ' || i, 'value', 'r' FROM n");
    char *before = read_sql(f->path, SHAPE);
    assert_status(upgrade(f->path, "3.17.0", &hook, &err), MLPLAT_CANCELLED);
    assert_int_equal(total, mlp_schema_newest - 1);
    assert_sql(f->path, SHAPE, before);
    assert_sql(f->path, "SELECT version_num FROM alembic_version", "4465047574b1");
    free(before);
}

static void a_file_that_is_held_is_not_upgraded(void **state)
{
    fixture *f = *state;
    sqlite3 *holder = NULL;
    mlplat_error err = {0};
    assert_ok(make(f->path, "2.14.0", &err));
    assert_int_equal(sqlite3_open(f->path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_status(upgrade(f->path, "3.17.0", NULL, &err), MLPLAT_TIMEOUT);
    assert_int_equal(sqlite3_exec(holder, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(upgrade(f->path, "3.17.0", NULL, &err));
    sqlite3_close(holder);
}

/* In a process of its own: no file may grow beyond a limit, as on a full disk. */
static int upgrade_on_a_full_disk(const char *path)
{
    mlplat_error err = {0};
    const struct rlimit limit = {1 << 20, 1 << 20};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
        return 99;
    mlplat_status s = upgrade(path, "3.17.0", NULL, &err);
    if (s != MLPLAT_NO_SPACE)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    return s == MLPLAT_NO_SPACE ? 0 : 1;
}

static void a_full_disk_leaves_the_file_as_it_was(void **state)
{
    fixture *f = *state;
    int code = -1;
    mlplat_error err = {0};
    assert_ok(make(f->path, "2.15.0", &err));
    run_sql(f->path, "INSERT INTO runs (run_uuid, experiment_id) VALUES ('r', 0);"
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                     "INSERT INTO tags SELECT 'key ' || i, printf('%.100c', 'x'), 'r' FROM n");
    char *before = read_sql(f->path, SHAPE);
    pid_t pid = fork();
    if (pid == 0)
        _exit(upgrade_on_a_full_disk(f->path));
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_int_equal(code, 0);
    assert_sql(f->path, SHAPE, before);
    assert_sql(f->path, "PRAGMA integrity_check", "ok");
    assert_sql(f->path, "SELECT count(*), version_num FROM tags, alembic_version", "20000|4465047574b1");
    assert_ok(upgrade(f->path, "3.17.0", NULL, &err)); /* there is room again */
    free(before);
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static void no_failed_allocation_leaves_half_an_upgrade(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    assert_ok(make(f->path, "3.16.0", &err));
    run_sql(f->path,
            "INSERT INTO trace_info (request_id, experiment_id, timestamp_ms, status) VALUES ('tr', 0, 1, 'OK');"
            "INSERT INTO trace_request_metadata VALUES ('mlflow.trace.cost', '{\"total_cost\": NaN, "
            "\"input_cost\": 0.5}', 'tr')");
    char *before = read_sql(f->path, SHAPE);
    mlplat_status s = MLPLAT_NO_MEMORY;
    scarce_memory_on();
    for (long nth = 0; s != MLPLAT_OK; nth++) {
        scarce_memory_arm_any(nth);
        s = upgrade(f->path, "3.17.0", NULL, &err);
        scarce_memory_disarm();
        if (s != MLPLAT_OK) {
            assert_int_equal(s, MLPLAT_NO_MEMORY);
            assert_sql(f->path, SHAPE, before);
        }
    }
    scarce_memory_off();
    assert_sql(f->path, "SELECT input_cost, total_cost IS NULL FROM trace_info", "0.5|1");
    free(before);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(old_heads_move_to_the_newest),
        CASE(values_are_read_as_mlflow_reads_them),
        CASE(releases_and_heads_are_found),
        CASE(what_cannot_be_upgraded_stays_as_it_is),
        CASE(what_others_added_is_kept),
        CASE(foreign_keys_hold_afterwards),
        CASE(a_cancelled_upgrade_leaves_the_file_as_it_was),
        CASE(a_file_that_is_held_is_not_upgraded),
        CASE(a_full_disk_leaves_the_file_as_it_was),
        CASE(no_failed_allocation_leaves_half_an_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
