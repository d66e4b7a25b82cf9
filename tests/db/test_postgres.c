/* PostgreSQL as an engine: statements, transactions, what goes wrong, and libraries that are not libpq. */
#include "base/clock.h"
#include "base/os.h"
#include "db/pg_inside.h"
#include "support/own_postgres.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static test_postgres *pg;
static char uri[200];

static mlp_db *open_db(const char *where)
{
    const mlp_db_options options = {.busy_ms = 10000};
    mlplat_error err = {0};
    mlp_db *db = NULL;
    assert_ok(mlp_db_open_server(where, &options, &db, &err));
    return db;
}

/* ---- SQL --------------------------------------------------------------------------------------------------------- */

static void shared_sql_becomes_postgresqls(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *want;
        int n;
    } cases[] = {
        {"SELECT ?, ?", "SELECT $1, $2", 2},
        {"SELECT ?2, ?1, ?2", "SELECT $2, $1, $2", 2},
        {"SELECT '?', \"rowid\", ?", "SELECT '?', \"rowid\", $1", 1},
        {"ORDER BY x.rowid, rowids", "ORDER BY x.ctid, rowids", 0},
        {"ORDER BY key COLLATE BINARY DESC", "ORDER BY key COLLATE \"C\" DESC", 0},
        {"SELECT 'open", "SELECT 'open", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int n = -1;
        char *sql = mlp_pg_sql(cases[i].sql, &n);
        assert_string_equal(sql, cases[i].want);
        assert_int_equal(n, cases[i].n);
        free(sql);
    }
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

#define ALL_KINDS "SELECT ?::text, ?::bigint, ?::float8, ?::boolean, NULL, ?::bytea, 1.5::real, 7::smallint"

static mlplat_status values_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    const double *number = ctx;
    static const mlp_col_type types[] = {MLP_COL_TEXT, MLP_COL_INT,  MLP_COL_DOUBLE, MLP_COL_INT,
                                         MLP_COL_NULL, MLP_COL_BLOB, MLP_COL_DOUBLE, MLP_COL_INT};
    assert_int_equal(mlp_db_prepare(db, ALL_KINDS, &stmt, err), MLPLAT_OK);
    mlp_stmt_text_n(stmt, 1, "caf\xc3\xa9!", 5);
    mlp_stmt_int(stmt, 2, INT64_MIN);
    mlp_stmt_double(stmt, 3, *number);
    mlp_stmt_bool(stmt, 4, true);
    mlp_stmt_text(stmt, 5, "x");
    assert_int_equal(mlp_stmt_step(stmt, &row, err), MLPLAT_OK);
    assert_true(row);
    assert_string_equal(mlp_stmt_col_text(stmt, 0), "caf\xc3\xa9");
    assert_int_equal(mlp_stmt_col_bytes(stmt, 0), 5);
    assert_true(mlp_stmt_col_int(stmt, 1) == INT64_MIN);
    double back = mlp_stmt_col_double(stmt, 2);
    assert_true(isnan(*number) ? isnan(back) : back == *number);
    assert_int_equal(mlp_stmt_col_int(stmt, 3), 1);
    assert_true(mlp_stmt_col_null(stmt, 4));
    assert_null(mlp_stmt_col_text(stmt, 4));
    assert_int_equal(mlp_stmt_col_bytes(stmt, 4), 0);
    assert_int_equal(mlp_stmt_col_int(stmt, 4), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(mlp_stmt_col_type(stmt, i), types[i]);
    assert_int_equal(mlp_stmt_step(stmt, &row, err), MLPLAT_OK);
    assert_false(row);
    assert_null(mlp_stmt_col_text(stmt, 0));
    mlp_stmt_done(stmt);
    return MLPLAT_OK;
}

static void values_come_back_as_they_were(void **state)
{
    (void)state;
    static const double numbers[] = {0.1, -0.0, 1.7976931348623157e308, 5e-324, 1.0 / 3, INFINITY, -INFINITY, NAN};
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    assert_false(mlp_db_is_file(db));
    assert_false(mlp_db_read_only(db));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_ok(mlp_db_read(db, values_fn, (void *)(uintptr_t)&numbers[i], NULL, &err));
    mlp_db_close(db);
}

static mlplat_status arrays_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_array columns[4] = {{0}};
    static const mlp_array_type types[] = {MLP_ARRAY_TEXT, MLP_ARRAY_INT, MLP_ARRAY_DOUBLE, MLP_ARRAY_BOOL};
    mlp_stmt *stmt = NULL;
    bool row = true;
    (void)ctx;
    for (int i = 0; i < 4; i++)
        mlp_array_begin(&columns[i], types[i]);
    for (int i = 0; i < 3; i++) {
        mlp_array_text(&columns[0], "abc", (size_t)i);
        mlp_array_int(&columns[1], -i);
        mlp_array_double(&columns[2], i / 3.0);
        mlp_array_bool(&columns[3], i == 1);
    }
    assert_int_equal(
        mlp_db_prepare(db, "SELECT * FROM unnest(?::text[], ?::bigint[], ?::float8[], ?::boolean[])", &stmt, err),
        MLPLAT_OK);
    for (int i = 0; i < 4; i++)
        mlp_stmt_array(stmt, i + 1, &columns[i]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mlp_stmt_step(stmt, &row, err), MLPLAT_OK);
        assert_int_equal(mlp_stmt_col_bytes(stmt, 0), i);
        assert_int_equal(mlp_stmt_col_int(stmt, 1), -i);
        assert_true(mlp_stmt_col_double(stmt, 2) == i / 3.0);
        assert_int_equal(mlp_stmt_col_int(stmt, 3), i == 1);
    }
    assert_int_equal(mlp_db_changes(db), 3);
    mlp_stmt_done(stmt);
    for (int i = 0; i < 4; i++)
        mlp_array_free(&columns[i]);
    return MLPLAT_OK;
}

static mlplat_status nul_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    assert_int_equal(mlp_db_prepare_once(db, "SELECT ?", &stmt, err), MLPLAT_OK);
    mlp_stmt_text_n(stmt, 1, "a\0b", ctx ? 3 : 1);
    mlp_stmt_null(stmt, ctx ? 1 : 7); /* there is no seventh */
    mlplat_status s = mlp_stmt_step(stmt, NULL, err);
    mlp_stmt_done(stmt);
    return s;
}

static void columns_are_parameters_and_nul_bytes_are_none(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    assert_true(mlp_db_has_arrays(db));
    assert_ok(mlp_db_read(db, arrays_fn, NULL, NULL, &err));
    assert_status(mlp_db_read(db, nul_fn, &err, NULL, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "NUL"));
    assert_status(mlp_db_read(db, nul_fn, NULL, NULL, &err), MLPLAT_INVALID);
    mlp_db_close(db);
}

/* ---- what goes wrong --------------------------------------------------------------------------------------------- */

static mlplat_status raise_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    return mlp_db_exec(db, err, ctx, 0);
}

static void codes_become_statuses(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        mlplat_status want;
        int retryable;
        const char *words;
    } cases[] = {
        {"23503", MLPLAT_CONFLICT, 0, ""},         {"23514", MLPLAT_CONFLICT, 0, ""},
        {"22001", MLPLAT_INVALID, 0, ""},          {"25006", MLPLAT_DENIED, 0, "target_session_attrs"},
        {"42501", MLPLAT_DENIED, 0, "role"},       {"42P01", MLPLAT_CORRUPT, 0, "tables"},
        {"53100", MLPLAT_NO_SPACE, 0, "free"},     {"53300", MLPLAT_UNAVAILABLE, 1, "try again"},
        {"54000", MLPLAT_INVALID, 0, ""},          {"57014", MLPLAT_TIMEOUT, 1, "too long"},
        {"08006", MLPLAT_UNAVAILABLE, 1, ""},      {"XX001", MLPLAT_CORRUPT, 0, "backup"},
        {"XX002", MLPLAT_CORRUPT, 0, "index"},     {"58030", MLPLAT_IO, 0, ""},
        {"28000", MLPLAT_DENIED, 0, "PGPASSWORD"},
    };
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "DO $$ BEGIN RAISE EXCEPTION 'odd' USING ERRCODE = '%s'; END $$", cases[i].code);
        assert_status(mlp_db_write(db, raise_fn, sql, NULL, &err), cases[i].want);
        assert_int_equal(err.retryable, cases[i].retryable);
        if (!strstr(err.message, "odd") || !strstr(err.message, cases[i].code) || !strstr(err.message, cases[i].words))
            fail_msg("%s: %s", cases[i].code, err.message);
    }
    mlp_db_close(db);
}

static void connections_that_are_refused_say_why(void **state)
{
    (void)state;
    const mlp_db_options options = {0};
    char guarded[4][200];
    static const char *const forms[] = {
        "postgresql://guarded:hunter2@127.0.0.1:%s", "postgresql://guarded@127.0.0.1:%s",
        "postgresql://mlflow@127.0.0.1:%s_not_there", "postgresql://mlflow@127.0.0.1:%s?sslmode=require"};
    for (int i = 0; i < 4; i++)
        snprintf(guarded[i], sizeof guarded[i], forms[i], strrchr(uri, ':') + 1);
    const struct {
        const char *uri;
        mlplat_status want;
        const char *words;
    } cases[] = {
        {guarded[0], MLPLAT_DENIED, "password authentication failed"},
        {guarded[1], MLPLAT_DENIED, "no password supplied"},
        {guarded[2], MLPLAT_NOT_FOUND, "does not exist"},
        {guarded[3], MLPLAT_DENIED, "SSL"},
        {"postgresql+psycopg2://mlflow@127.0.0.1:1/x", MLPLAT_UNAVAILABLE, "Connection refused"},
        {"postgresql://mlflow:hunter2@127.0.0.1:1/x?no_such_word=1", MLPLAT_INVALID, "cannot be read"},
        {"postgresql://mlflow:hunter2%zz@127.0.0.1/x", MLPLAT_INVALID, "cannot be read"},
        {"postgresql:", MLPLAT_INVALID, "cannot be read"},
        {"postgresql://mlflow@127.0.0.1/x?sslmode=maybe", MLPLAT_INVALID, "sslmode"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        mlp_db *db = NULL;
        assert_status(mlp_db_open_server(cases[i].uri, &options, &db, &err), cases[i].want);
        assert_null(db);
        if (!strstr(err.message, cases[i].words) || strstr(err.message, "hunter2"))
            fail_msg("%s: %s", cases[i].uri, err.message);
    }
}

static void the_environment_says_what_the_uri_does_not(void **state)
{
    (void)state;
    char port[10];
    mlplat_error err = {0};
    snprintf(port, sizeof port, "%.*s", (int)strcspn(strrchr(uri, ':') + 1, "/"), strrchr(uri, ':') + 1);
    setenv("PGHOST", "127.0.0.1", 1);
    setenv("PGPORT", port, 1);
    setenv("PGUSER", "guarded", 1);
    setenv("PGPASSWORD", "secret", 1);
    setenv("PGCONNECT_TIMEOUT", "20", 1);
    mlp_db *db = open_db("postgresql:///postgres");
    assert_non_null(strstr(mlp_db_path(db), "guarded@127.0.0.1:"));
    assert_null(strstr(mlp_db_path(db), "secret"));
    assert_int_equal(db->pg->connect_ms, 20000);
    assert_ok(mlp_db_read(db, raise_fn, (void *)(uintptr_t) "SELECT 1", NULL, &err));
    mlp_db_close(db);
    static const char *const names[] = {"PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGCONNECT_TIMEOUT"};
    for (int i = 0; i < 5; i++)
        unsetenv(names[i]);
}

static void a_library_that_is_not_libpq_is_told(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_pg_table table;
    assert_status(mlp_pg_table_open("libnothing.so.9", &table, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "libpq5"));
    assert_status(mlp_pg_table_open("libm.so.6", &table, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "9.2"));
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

typedef struct step {
    int calls;
    const char *other; /* run by somebody else in the first call */
    mlplat_status inner;
} step;

static mlplat_status add_one_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    step *s = ctx;
    mlp_stmt *stmt = NULL;
    char text[24];
    assert_int_equal(mlp_db_prepare(db, "SELECT n FROM counted WHERE id = 1", &stmt, err), MLPLAT_OK);
    mlplat_status status = mlp_stmt_step(stmt, NULL, err);
    snprintf(text, sizeof text, "%lld", (long long)mlp_stmt_col_int(stmt, 0) + 1);
    mlp_stmt_done(stmt);
    if (s->calls++ == 0 && s->other)
        test_postgres_sql(uri, s->other);
    return status == MLPLAT_OK ? mlp_db_exec(db, err, "UPDATE counted SET n = ?::int WHERE id = 1", 1, text) : status;
}

static void make_counted(void)
{
    test_postgres_sql(uri,
                      "DROP TABLE IF EXISTS counted; CREATE TABLE counted (id INT PRIMARY KEY, n INT); INSERT INTO "
                      "counted VALUES (1, 0)");
}

static void what_others_wrote_meanwhile_is_read_again(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    make_counted();
    step s = {.other = "UPDATE counted SET n = 10 WHERE id = 1"};
    assert_ok(mlp_db_write(db, add_one_fn, &s, NULL, &err));
    assert_int_equal(s.calls, 2);
    assert_int_equal(test_postgres_number(uri, "SELECT n FROM counted WHERE id = 1"), 11);
    mlp_db_close(db);
}

/* Inserts the key after the largest, as the number of a version is. */
static mlplat_status next_key_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    step *s = ctx;
    mlp_stmt *stmt = NULL;
    char text[24];
    assert_int_equal(mlp_db_prepare(db, "SELECT max(id) + 1 FROM counted", &stmt, err), MLPLAT_OK);
    mlplat_status status = mlp_stmt_step(stmt, NULL, err);
    snprintf(text, sizeof text, "%lld", (long long)mlp_stmt_col_int(stmt, 0));
    mlp_stmt_done(stmt);
    if (s->calls++ == 0 && s->other)
        test_postgres_sql(uri, s->other);
    return status == MLPLAT_OK ? mlp_db_exec(db, err, "INSERT INTO counted VALUES (?::int, 0)", 1, text) : status;
}

static mlplat_status same_key_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    ((step *)ctx)->calls++;
    return mlp_db_exec(db, err, "INSERT INTO counted VALUES (1, 0)", 0);
}

static void a_key_that_another_took_is_chosen_again_and_one_that_stays_is_told(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    make_counted();
    step s = {.other = "INSERT INTO counted VALUES (2, 7)"};
    assert_ok(mlp_db_write(db, next_key_fn, &s, NULL, &err));
    assert_int_equal(s.calls, 2);
    assert_int_equal(test_postgres_number(uri, "SELECT max(id) FROM counted"), 3);
    for (int i = 0; i < 2; i++) {
        step same = {0};
        assert_status(mlp_db_write(db, same_key_fn, &same, NULL, &err), MLPLAT_EXISTS);
        assert_in_range(same.calls, 2, 10);
    }
    mlp_db_close(db);
}

static mlplat_status half_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    step *s = ctx;
    mlplat_status status = mlp_db_exec(db, err, "INSERT INTO counted VALUES (50, 0)", 0);
    if (status == MLPLAT_OK)
        status = mlp_db_attempt(db, raise_fn, (void *)(uintptr_t) "INSERT INTO counted VALUES (51, 0)", err);
    s->inner = mlp_db_attempt(db, same_key_fn, ctx, NULL);
    return status == MLPLAT_OK ? mlp_db_exec(db, err, "INSERT INTO counted VALUES (52, 0)", 0) : status;
}

static void an_attempt_that_fails_takes_back_only_itself(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    make_counted();
    step s = {0};
    assert_ok(mlp_db_write_loose(db, half_fn, &s, &err));
    assert_int_equal(s.inner, MLPLAT_EXISTS);
    assert_int_equal(s.calls, 1);
    assert_int_equal(test_postgres_number(uri, "SELECT count(*) FROM counted WHERE id >= 50"), 3);
    mlp_db_close(db);
}

/* A failed statement that nobody heeded: the server does not store the rest either. */
static mlplat_status careless_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    (void)ctx, (void)err;
    assert_int_not_equal(mlp_db_exec(db, NULL, "INSERT INTO nowhere VALUES (1)", 0), MLPLAT_OK);
    return MLPLAT_OK;
}

static void what_the_server_took_back_is_not_called_stored(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    assert_status(mlp_db_write(db, careless_fn, NULL, NULL, &err), MLPLAT_IO);
    mlp_db_close(db);
}

/* ---- connections that break -------------------------------------------------------------------------------------- */

#define END_OTHERS "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'mlplat'"

static void a_connection_that_broke_is_made_again(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    make_counted();
    step s = {0};
    assert_ok(mlp_db_write(db, add_one_fn, &s, NULL, &err));
    test_postgres_sql(uri, END_OTHERS); /* while nobody uses it */
    assert_ok(mlp_db_write(db, add_one_fn, &s, NULL, &err));
    step inside = {.other = END_OTHERS}; /* in the middle of a transaction */
    assert_ok(mlp_db_write(db, add_one_fn, &inside, NULL, &err));
    assert_int_equal(inside.calls, 2);
    assert_int_equal(test_postgres_number(uri, "SELECT n FROM counted WHERE id = 1"), 3);
    mlp_db_close(db);
}

/* The session ends as it commits, the first time. */
static void a_commit_that_the_server_took_back_is_done_again(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    make_counted();
    test_postgres_sql(uri,
                      "CREATE SEQUENCE cuts; CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
                      "nextval('cuts') IN (1, 3) THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM "
                      "pg_sleep(1); END IF; RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON "
                      "counted DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()");
    step write = {0}, loose = {0};
    assert_ok(mlp_db_write(db, add_one_fn, &write, NULL, &err)); /* the server tells that it did not */
    assert_int_equal(write.calls, 2);
    assert_int_equal(test_postgres_number(uri, "SELECT n FROM counted WHERE id = 1"), 1);
    assert_ok(mlp_db_write_loose(db, add_one_fn, &loose, &err));
    assert_int_equal(loose.calls, 2);
    assert_int_equal(test_postgres_number(uri, "SELECT n FROM counted WHERE id = 1"), 2);
    mlp_db_close(db);
}

static void *start_again(void *arg)
{
    usleep(300 * 1000);
    return test_postgres_again(arg) ? arg : NULL;
}

static void a_server_that_comes_back_is_waited_for_by_who_has_a_hook(void **state)
{
    (void)state;
    const mlp_hook hook = {0};
    mlplat_error err = {0};
    pthread_t thread;
    void *started = NULL;
    mlp_db *db = open_db(uri);
    make_counted();
    step s = {0};
    assert_ok(mlp_db_write(db, add_one_fn, &s, &hook, &err));
    test_postgres_kill(pg);
    assert_status(mlp_db_write_loose(db, add_one_fn, &s, &err), MLPLAT_UNAVAILABLE); /* a sink tries again later */
    assert_int_equal(err.retryable, 1);
    assert_int_equal(pthread_create(&thread, NULL, start_again, pg), 0);
    mlplat_status status = mlp_db_write(db, add_one_fn, &s, &hook, &err);
    pthread_join(thread, &started);
    assert_non_null(started);
    if (status != MLPLAT_OK) { /* it took the server longer than that */
        assert_int_equal(status, MLPLAT_UNAVAILABLE);
        assert_ok(mlp_db_write(db, add_one_fn, &s, &hook, &err));
    }
    assert_int_equal(test_postgres_number(uri, "SELECT n FROM counted WHERE id = 1"), 2);
    mlp_db_close(db);
}

static int stop_at_once(void *user, uint64_t done, uint64_t total)
{
    (void)user, (void)done, (void)total;
    return 1;
}

static bool watched(void *ctx)
{
    return ++*(int *)ctx > 1;
}

static void who_waits_can_stop(void **state)
{
    (void)state;
    const mlp_hook hook = {.fn = stop_at_once};
    mlplat_error err = {0};
    int asked = 0;
    mlp_db *db = open_db(uri);
    int64_t began = mlp_clock_mono_ns();
    assert_status(mlp_db_read(db, raise_fn, (void *)(uintptr_t) "SELECT pg_sleep(30)", &hook, &err), MLPLAT_CANCELLED);
    mlp_db_watch(db, watched, &asked);
    assert_status(mlp_db_read(db, raise_fn, (void *)(uintptr_t) "SELECT pg_sleep(30)", NULL, &err), MLPLAT_CANCELLED);
    mlp_db_watch(db, NULL, NULL);
    assert_true(mlp_clock_mono_ns() - began < INT64_C(20) * 1000 * 1000 * 1000);
    assert_ok(mlp_db_read(db, raise_fn, (void *)(uintptr_t) "SELECT 1", NULL, &err));
    mlp_db_close(db);
}

static void a_forked_child_leaves_the_parents_session_alone(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = open_db(uri);
    step s = {0};
    make_counted();
    assert_ok(mlp_db_write(db, add_one_fn, &s, NULL, &err));
    pid_t pid = fork();
    if (pid == 0) {
        bool good = mlp_db_write(db, add_one_fn, &s, NULL, &err) == MLPLAT_STATE;
        mlp_db_abandon(db);
        _exit(good ? 0 : 1);
    }
    test_wait_good(pid);
    assert_ok(mlp_db_write(db, add_one_fn, &s, NULL, &err));
    assert_int_equal(db->pg->session, 1);
    mlp_db_close(db);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static void tables_of_others_and_none_are_told(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_schema_info info;
    test_postgres_sql(test_postgres_uri(pg, "postgres"), "CREATE DATABASE empty_one");
    mlp_db *db = open_db(test_postgres_uri(pg, "empty_one"));
    assert_status(mlp_schema_open(db, NULL, &info, NULL, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "mlflow db upgrade"));
    test_postgres_sql(test_postgres_uri(pg, "empty_one"), "CREATE TABLE experiments (experiment_id INT, title TEXT)");
    assert_status(mlp_schema_open(db, NULL, &info, NULL, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "other columns"));
    mlp_db_close(db);
}

static void heads_are_known_by_their_tables(void **state)
{
    (void)state;
    static const int revisions[] = {0, 5, 24};
    mlplat_error err = {0};
    for (size_t i = 0; i < sizeof revisions / sizeof revisions[0]; i++) {
        char name[20];
        mlp_schema_info info;
        snprintf(name, sizeof name, "head%d", revisions[i]);
        test_postgres_create(pg, name, revisions[i]);
        mlp_db *db = open_db(test_postgres_uri(pg, name));
        assert_ok(mlp_schema_open(db, NULL, &info, NULL, &err));
        assert_int_equal(info.revision, revisions[i]);
        assert_true(info.tracking_known && info.registry_known && info.inputs_known);
        assert_int_equal(info.logged_models, revisions[i] >= 5);
        assert_int_equal(info.registry_workspace, revisions[i] >= 24);
        mlp_db_close(db);
    }
}

int main(void)
{
    static const struct CMUnitTest offline[] = {
        cmocka_unit_test(shared_sql_becomes_postgresqls),
        cmocka_unit_test(a_library_that_is_not_libpq_is_told),
    };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_they_were),
        cmocka_unit_test(columns_are_parameters_and_nul_bytes_are_none),
        cmocka_unit_test(codes_become_statuses),
        cmocka_unit_test(connections_that_are_refused_say_why),
        cmocka_unit_test(the_environment_says_what_the_uri_does_not),
        cmocka_unit_test(what_others_wrote_meanwhile_is_read_again),
        cmocka_unit_test(a_key_that_another_took_is_chosen_again_and_one_that_stays_is_told),
        cmocka_unit_test(an_attempt_that_fails_takes_back_only_itself),
        cmocka_unit_test(what_the_server_took_back_is_not_called_stored),
        cmocka_unit_test(a_connection_that_broke_is_made_again),
        cmocka_unit_test(a_commit_that_the_server_took_back_is_done_again),
        cmocka_unit_test(who_waits_can_stop),
        cmocka_unit_test(a_forked_child_leaves_the_parents_session_alone),
        cmocka_unit_test(tables_of_others_and_none_are_told),
        cmocka_unit_test(heads_are_known_by_their_tables),
        cmocka_unit_test(a_server_that_comes_back_is_waited_for_by_who_has_a_hook),
    };
    int failed = cmocka_run_group_tests_name("PostgreSQL, without a server", offline, NULL, NULL);
    test_clear_environment();
    if (!(pg = test_postgres_start()))
        return failed != 0;
    test_postgres_sql(test_postgres_uri(pg, "postgres"), "CREATE DATABASE store");
    snprintf(uri, sizeof uri, "%s", test_postgres_uri(pg, "store"));
    failed += cmocka_run_group_tests_name("PostgreSQL", tests, NULL, NULL);
    test_postgres_stop(pg);
    return failed != 0;
}
