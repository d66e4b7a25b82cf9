/* Points out of the pages of an index, against what SQLite says, wherever the pages are. */
#include "db/metric_pages.h"
#include "support/support.h"
#include <sqlite3.h>
#include <stdlib.h>

enum { ROWS = 30000, RUNS = 3, KEYS = 5 };

static const char *const keys[KEYS] = {"a", "loss", "loss2", "l\xc3\xb6ss", "z/very/long/name.of-a metric"};

typedef struct sums {
    int64_t n, nans;
    uint64_t steps, times, values; /* of the bits: in any order */
} sums;

static bool add(void *user, int64_t step, int64_t timestamp_ms, double value, bool is_nan)
{
    sums *s = user;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    s->n++;
    s->steps += (uint64_t)step;
    s->times += (uint64_t)timestamp_ms;
    s->nans += is_nan;
    s->values += bits;
    return true;
}

static void exec(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

static void run_name(unsigned i, char out[40])
{
    snprintf(out, 40, "%032x", i * 2654435761u);
}

/* Whole and broken numbers of all sizes. */
static double value_of(unsigned i)
{
    static const double some[] = {0, 1, -1, 127, 128, -32769, 8388608, 2147483648.0, 1e15, 0.1, -1e-300, 1e308};
    return some[i % (sizeof some / sizeof some[0])];
}

static void fill(sqlite3 *db, unsigned from, unsigned to)
{
    sqlite3_stmt *stmt = NULL;
    exec(db, "BEGIN");
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT OR IGNORE INTO metrics VALUES (?, ?, ?, ?, ?, ?)", -1, &stmt, NULL),
                     SQLITE_OK);
    for (unsigned i = from; i < to; i++) {
        char run[40];
        run_name(i % RUNS, run);
        sqlite3_bind_text(stmt, 1, keys[i * 7 % KEYS], -1, SQLITE_STATIC);
        sqlite3_bind_double(stmt, 2, value_of(i));
        sqlite3_bind_int64(stmt, 3, i % 100 == 0 ? INT64_MAX - i : 1700000000000 + i);
        sqlite3_bind_text(stmt, 4, run, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(stmt, 5, i % 3 ? (int64_t)i * i * (i % 2 ? 1 : -1) : (int64_t)i);
        sqlite3_bind_int(stmt, 6, i % 11 == 0);
        assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    exec(db, "COMMIT");
}

static sqlite3 *make(const char *path, const char *mode, int page_size)
{
    sqlite3 *db = NULL;
    char sql[200];
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    snprintf(sql, sizeof sql, "PRAGMA page_size=%d; PRAGMA journal_mode=%s; PRAGMA wal_autocheckpoint=0", page_size,
             mode);
    exec(db, sql);
    exec(db, "CREATE TABLE latest_metrics (key VARCHAR(250), run_uuid VARCHAR(32), step BIGINT);"
             "CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL, "
             "run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL, "
             "CONSTRAINT metric_pk PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan))");
    return db;
}

static mlplat_status by_sql(mlp_db *db, const char *run, const char *key, sums *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(
        db, "SELECT step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ? AND key = ?", &stmt, err);
    mlp_stmt_text(stmt, 1, run);
    mlp_stmt_text(stmt, 2, key);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        add(out, mlp_stmt_col_int(stmt, 0), mlp_stmt_col_int(stmt, 1), mlp_stmt_col_double(stmt, 2),
            mlp_stmt_col_int(stmt, 3) != 0);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status compare_all(mlp_db *db, void *ctx, mlplat_error *err)
{
    const bool *expected = ctx;
    mlplat_status s = MLPLAT_OK;
    for (unsigned i = 0; s == MLPLAT_OK && i <= RUNS; i++)
        for (int k = 0; s == MLPLAT_OK && k <= KEYS; k++) {
            char run[40];
            sums want = {0}, have = {0};
            const char *key = k < KEYS ? keys[k] : "none";
            run_name(i, run);
            s = by_sql(db, run, key, &want, err);
            assert_int_equal(mlp_metric_pages(db, run, key, add, &have), *expected ? MLP_PAGES_ALL : MLP_PAGES_NO);
            if (!*expected)
                continue;
            assert_int_equal(have.n, want.n);
            assert_int_equal(have.n > 0, i < RUNS && k < KEYS);
            assert_true(have.steps == want.steps && have.times == want.times);
            assert_int_equal(have.nans, want.nans);
            assert_true(have.values == want.values);
        }
    return s;
}

static void check(const char *path, bool expected)
{
    mlplat_error err = {0};
    mlp_db *db = NULL;
    const mlp_db_options options = {0};
    assert_ok(mlp_db_open(path, &options, &db, &err));
    assert_ok(mlp_db_read(db, compare_all, &expected, NULL, &err));
    mlp_db_close(db);
}

static void points_are_found_wherever_their_pages_are(void **state)
{
    (void)state;
    static const int sizes[] = {1024, 4096, 65536};
    char *folder = test_folder_make();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char name[40];
        snprintf(name, sizeof name, "wal%d.db", sizes[i]);
        const char *path = test_path(folder, name);
        sqlite3 *db = make(path, "wal", sizes[i]);
        fill(db, 0, ROWS / 3);
        check(path, true); /* all of it in the log */
        exec(db, "PRAGMA wal_checkpoint(PASSIVE)");
        check(path, true); /* all of it in the file, and the log still there */
        fill(db, ROWS / 3, ROWS);
        check(path, true); /* some here, some there */
        exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
        check(path, true);
        sqlite3_close(db);
        snprintf(name, sizeof name, "old%d.db", sizes[i]);
        path = test_path(folder, name);
        db = make(path, "delete", sizes[i]);
        fill(db, 0, ROWS);
        sqlite3_close(db);
        check(path, true);
    }
    test_folder_remove(folder);
}

static void a_commit_that_is_not_whole_is_not_seen(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    const char *path = test_path(folder, "m.db");
    sqlite3 *db = make(path, "wal", 4096);
    fill(db, 0, 2000);
    exec(db, "PRAGMA cache_size=10; BEGIN");
    exec(db, "INSERT INTO metrics SELECT key, value, timestamp - 7, run_uuid, step, is_nan FROM metrics"); /* spills */
    check(path, true);
    exec(db, "COMMIT");
    check(path, true);
    sqlite3_close(db);
    test_folder_remove(folder);
}

static bool add_few(void *user, int64_t step, int64_t timestamp_ms, double value, bool is_nan)
{
    sums *s = user;
    add(user, step, timestamp_ms, value, is_nan);
    return s->n < 5;
}

static mlplat_status stop_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    char run[40];
    sums few = {0};
    run_name(0, run);
    (void)ctx;
    mlplat_status s = by_sql(db, run, "none", &few, err); /* begins to read */
    assert_int_equal(mlp_metric_pages(db, run, "loss", add_few, &few), MLP_PAGES_STOPPED);
    assert_int_equal(few.n, 5);
    return s;
}

static void who_has_enough_stops_it(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = NULL;
    const mlp_db_options options = {0};
    char *folder = test_folder_make();
    const char *path = test_path(folder, "m.db");
    sqlite3 *writer = make(path, "wal", 4096);
    fill(writer, 0, 3000);
    assert_ok(mlp_db_open(path, &options, &db, &err));
    assert_ok(mlp_db_read(db, stop_fn, NULL, NULL, &err));
    mlp_db_close(db);
    sqlite3_close(writer);
    test_folder_remove(folder);
}

static void another_index_is_left_to_sqlite(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    const char *path = test_path(folder, "m.db");
    sqlite3 *db = make(path, "delete", 4096);
    exec(db, "DROP TABLE metrics");
    exec(db, "CREATE TABLE metrics (key TEXT COLLATE NOCASE, value FLOAT, timestamp BIGINT, run_uuid TEXT, "
             "step BIGINT, is_nan BOOLEAN, PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan))");
    fill(db, 0, 1000);
    sqlite3_close(db);
    check(path, false);
    path = test_path(folder, "n.db");
    db = make(path, "delete", 4096);
    fill(db, 0, 20);
    exec(db, "INSERT INTO metrics SELECT printf('%.*c', 2000, ' '), 1, 1, 'r', 1, 0"); /* has pages of its own */
    sqlite3_close(db);
    check(path, false);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_found_wherever_their_pages_are),
        cmocka_unit_test(a_commit_that_is_not_whole_is_not_seen),
        cmocka_unit_test(who_has_enough_stops_it),
        cmocka_unit_test(another_index_is_left_to_sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
