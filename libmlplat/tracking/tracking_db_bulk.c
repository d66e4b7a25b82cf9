/* Many points in one statement, where each statement is a way to a server and back. */
#include "tracking/tracking_db.h"
#include <float.h>
#include <math.h>

double mlp_tracking_db_stored(double value, bool *is_nan)
{
    *is_nan = isnan(value);
    if (*is_nan)
        return 0;
    return isinf(value) ? (value > 0 ? DBL_MAX : -DBL_MAX) : value;
}

#define ROWS                                                                                                           \
    " (key, run_uuid, value, timestamp, step, is_nan) SELECT * FROM unnest(?::text[], ?::text[], ?::float8[], "        \
    "?::bigint[], ?::bigint[], ?::boolean[]) "
#define POINTS "INSERT INTO metrics" ROWS "ON CONFLICT DO NOTHING"
#define LATEST                                                                                                         \
    "INSERT INTO latest_metrics" ROWS                                                                                  \
    "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, step = "        \
    "excluded.step, is_nan = excluded.is_nan WHERE (excluded.step, excluded.timestamp, excluded.value) > "             \
    "(latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)"

static void add(mlp_tracking_db_rows *rows, const mlp_record *r)
{
    bool is_nan;
    mlp_array_double(&rows->value, mlp_tracking_db_stored(r->value, &is_nan));
    mlp_array_text(&rows->key, r->key, r->key_n);
    mlp_array_text(&rows->run, r->run_id, r->run_id_n);
    mlp_array_int(&rows->time, r->timestamp_ms);
    mlp_array_int(&rows->step, r->step);
    mlp_array_bool(&rows->nan, is_nan);
}

mlplat_status mlp_tracking_db_bulk_put(mlp_db *db, mlp_tracking_db_rows *rows, const mlp_record *const *records,
                                       size_t n, bool latest, mlplat_error *err)
{
    mlp_array *const columns[] = {&rows->key, &rows->run, &rows->value, &rows->time, &rows->step, &rows->nan};
    static const mlp_array_type types[] = {MLP_ARRAY_TEXT, MLP_ARRAY_TEXT, MLP_ARRAY_DOUBLE,
                                           MLP_ARRAY_INT,  MLP_ARRAY_INT,  MLP_ARRAY_BOOL};
    mlp_stmt *stmt = NULL;
    mlplat_status s = n ? mlp_db_prepare(db, latest ? LATEST : POINTS, &stmt, err) : MLPLAT_OK;
    if (!n || s != MLPLAT_OK)
        return s;
    for (int i = 0; i < 6; i++)
        mlp_array_begin(columns[i], types[i]);
    for (size_t i = 0; i < n; i++)
        add(rows, records[i]);
    for (int i = 0; i < 6; i++)
        mlp_stmt_array(stmt, i + 1, columns[i]);
    s = mlp_stmt_step(stmt, NULL, err);
    mlp_stmt_done(stmt);
    return s;
}

void mlp_tracking_db_rows_free(mlp_tracking_db_rows *rows)
{
    mlp_array *const columns[] = {&rows->key, &rows->run, &rows->value, &rows->time, &rows->step, &rows->nan};
    for (int i = 0; i < 6; i++)
        mlp_array_free(columns[i]);
}
