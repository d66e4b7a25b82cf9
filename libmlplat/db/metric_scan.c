/*
 * A row that SQLite hands out costs more than what it holds. So the points go to an aggregate function of ours, which
 * hands none out: half the time.
 */
#include "db/metric_scan.h"
#include "base/err.h"
#include "db/db_inside.h"

enum { FEW_RUNS = 2 };

static void take_point(sqlite3_context *context, int n, sqlite3_value **values)
{
    const mlp_db *db = sqlite3_user_data(context);
    int64_t timestamp = n > 3 ? sqlite3_value_int64(values[3]) : 0;
    if (!db->point(db->point_user, sqlite3_value_int64(values[0]), timestamp, sqlite3_value_double(values[1]),
                   sqlite3_value_int(values[2]) != 0))
        sqlite3_result_error_code(context, SQLITE_INTERRUPT);
}

static void end_points(sqlite3_context *context)
{
    (void)context;
}

/* Once a connection. */
static mlplat_status register_function(mlp_db *db, mlplat_error *err)
{
    if (db->scans)
        return MLPLAT_OK;
    int code = sqlite3_create_function_v2(db->handle, "mlplat_point", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, db, NULL,
                                          take_point, end_points, NULL);
    db->scans = code == SQLITE_OK;
    return db->scans ? MLPLAT_OK : mlp_db_fail(db, code, err);
}

/* One number that a statement with the parameters run and key gives; *any false: no row, or NULL. */
static mlplat_status one_number(mlp_db *db, const char *sql, const char *run_id, const char *key, int64_t *out,
                                bool *any, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    *any = false;
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, run_id);
        mlp_stmt_text(stmt, 2, key);
        s = mlp_stmt_step(stmt, any, err);
    }
    *any = s == MLPLAT_OK && *any && !mlp_stmt_col_null(stmt, 0);
    if (*any)
        *out = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

/*
 * The primary key (key, timestamp, step, run, value, is_nan) holds all of a point, but those of all runs lie mixed in
 * it: it is read if hardly another run has the metric. Else the run's own index, which leads to each row.
 */
static const char *plan(int64_t runs)
{
    return runs <= FEW_RUNS
               ? "SELECT mlplat_point(step, value, is_nan, timestamp) FROM metrics WHERE +run_uuid = ?1 AND key = ?2"
               : "SELECT mlplat_point(step, value, is_nan, timestamp) FROM metrics WHERE run_uuid = ?1 AND key = ?2";
}

/* On a server: some thousands of rows at a time. The cursor goes with the transaction. */
#define FETCH_ROWS 10000
static mlplat_status fetch(mlp_db *db, mlp_metric_point point, void *user, int *n, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare_once(db, "FETCH 10000 FROM mlplat_points", &stmt, err);
    for (*n = 0; s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row; ++*n)
        if (!point(user, mlp_stmt_col_int(stmt, 0), mlp_stmt_col_int(stmt, 3), mlp_stmt_col_double(stmt, 1),
                   mlp_stmt_col_int(stmt, 2) != 0))
            s = mlp_fail_cancelled(err, "reading the metric");
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status scan_server(mlp_db *db, const char *run_id, const char *key, mlp_metric_point point, void *user,
                                 mlplat_error *err)
{
    int n = FETCH_ROWS;
    mlplat_status s = mlp_db_exec(db, err,
                                  "DECLARE mlplat_points NO SCROLL CURSOR FOR SELECT step, value, is_nan, timestamp "
                                  "FROM metrics WHERE run_uuid = ? AND key = ?",
                                  2, run_id, key);
    while (s == MLPLAT_OK && n == FETCH_ROWS)
        s = fetch(db, point, user, &n, err);
    return s == MLPLAT_OK ? mlp_db_exec(db, err, "CLOSE mlplat_points", 0) : s;
}

mlplat_status mlp_metric_scan(mlp_db *db, const char *run_id, const char *key, mlp_metric_point point, void *user,
                              mlplat_error *err)
{
    if (!mlp_db_is_file(db))
        return scan_server(db, run_id, key, point, user, err);
    int64_t runs = 0, none;
    bool any;
    mlplat_status s = register_function(db, err);
    if (s == MLPLAT_OK)
        s = one_number(db, "SELECT count(*) FROM (SELECT 1 FROM latest_metrics WHERE key = ?2 AND ?1 <> '' LIMIT 3)",
                       run_id, key, &runs, &any, err);
    db->point = point;
    db->point_user = user;
    return s == MLPLAT_OK ? one_number(db, plan(runs), run_id, key, &none, &any, err) : s;
}

mlplat_status mlp_metric_scan_stretch(mlp_db *db, const char *run_id, const char *key,
                                      const mlp_metric_stretch *stretch, bool times, mlp_metric_point point, void *user,
                                      mlplat_error *err)
{
#define OF_KEY     " FROM metrics WHERE +run_uuid = ? AND key = ?"
#define OF_TIMES   OF_KEY " AND timestamp >= ? AND timestamp <= ?"
#define OF_STEPS   OF_KEY " AND timestamp = ? AND step >= ? AND step <= ?"
#define WITH_TIMES "SELECT mlplat_point(step, value, is_nan, timestamp)"
#define WITHOUT    "SELECT mlplat_point(step, value, is_nan)"
    /* A comparison of pairs would be made anew for each row, so there is a statement for either kind of stretch. */
    static const char *const sql[2][2] = {{WITHOUT OF_TIMES, WITHOUT OF_STEPS},
                                          {WITH_TIMES OF_TIMES, WITH_TIMES OF_STEPS}};
    mlp_stmt *stmt = NULL;
    bool one_time = stretch->time_low == stretch->time_high;
    mlplat_status s = register_function(db, err);
    db->point = point;
    db->point_user = user;
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db, sql[times][one_time], &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, run_id);
        mlp_stmt_text(stmt, 2, key);
        mlp_stmt_int(stmt, 3, stretch->time_low);
        mlp_stmt_int(stmt, 4, one_time ? stretch->step_low : stretch->time_high);
        if (one_time)
            mlp_stmt_int(stmt, 5, stretch->step_high);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_metric_range(mlp_db *db, const char *run_id, const char *key, bool by_time, int64_t *low,
                               int64_t *high, bool *any, mlplat_error *err)
{
    static const char *const sql[3][2] = {
        {"SELECT step FROM metrics WHERE run_uuid = ?1 AND key = ?2 ORDER BY step LIMIT 1",
         "SELECT step FROM metrics WHERE run_uuid = ?1 AND key = ?2 ORDER BY step DESC LIMIT 1"},
        {"SELECT timestamp FROM metrics WHERE +run_uuid = ?1 AND key = ?2 ORDER BY timestamp LIMIT 1",
         "SELECT timestamp FROM metrics WHERE +run_uuid = ?1 AND key = ?2 ORDER BY timestamp DESC LIMIT 1"},
        {"SELECT min(timestamp) FROM metrics WHERE run_uuid = ?1 AND key = ?2",
         "SELECT max(timestamp) FROM metrics WHERE run_uuid = ?1 AND key = ?2"},
    };
    int i = !by_time ? 0 : mlp_db_is_file(db) ? 1 : 2;
    *low = *high = 0;
    mlplat_status s = one_number(db, sql[i][0], run_id, key, low, any, err);
    return s == MLPLAT_OK && *any ? one_number(db, sql[i][1], run_id, key, high, any, err) : s;
}
