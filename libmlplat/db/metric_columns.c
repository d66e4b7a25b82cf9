#include "db/metric_columns.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "db/db_inside.h"
#include <string.h>

enum { SLOTS = 64, SPARSE = 8, DENSE = 30 };
static const int64_t BYTES_MOST = 256 << 20;

enum kind { NONE, VALUE, NOT_A_NUMBER };

typedef struct column {
    char *key;
    double *values;      /* by rowid of the run */
    unsigned char *kind; /* likewise */
} column;

struct mlp_metric_columns {
    int64_t version, changes; /* of the file: what is kept is of then */
    int64_t rows;             /* the largest rowid of runs, plus one */
    /* From a run's id to its rowid: places in ids, open addressing. */
    char *ids;
    size_t ids_n;
    struct place {
        uint32_t at, n; /* n 0: free */
        int64_t row;
    } * places;
    size_t mask;
    column columns[SLOTS];
    int n;
};

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

static void forget(mlp_metric_columns *c)
{
    for (int i = 0; i < c->n; i++) {
        mlp_free(c->columns[i].key);
        mlp_free(c->columns[i].values);
        mlp_free(c->columns[i].kind);
        c->columns[i] = (column){0};
    }
    mlp_free(c->ids);
    mlp_free(c->places);
    *c = (mlp_metric_columns){0};
}

void mlp_metric_columns_free(mlp_metric_columns *c)
{
    if (!c)
        return;
    forget(c);
    mlp_free(c);
}

static mlplat_status one_number(mlp_db *db, const char *sql, int64_t *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, NULL, err);
    if (s == MLPLAT_OK)
        *out = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

/* Forgets what is of another state of the file. */
static mlplat_status check_version(mlp_metric_columns *c, mlp_db *db, mlplat_error *err)
{
    int64_t version = 0, changes = sqlite3_total_changes64(db->handle);
    mlplat_status s = one_number(db, "PRAGMA data_version", &version, err);
    if (s != MLPLAT_OK || (c->version == version && c->changes == changes))
        return s;
    forget(c);
    c->version = version;
    c->changes = changes;
    return MLPLAT_OK;
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static uint64_t hash(const char *id, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)id[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static struct place *find(const mlp_metric_columns *c, const char *id, size_t n)
{
    size_t i = (size_t)hash(id, n) & c->mask;
    while (c->places[i].n && (c->places[i].n != n || memcmp(c->ids + c->places[i].at, id, n) != 0))
        i = (i + 1) & c->mask;
    return &c->places[i];
}

static mlplat_status add_runs(mlp_metric_columns *c, mlp_stmt *stmt, size_t room, mlplat_error *err)
{
    bool row = true;
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        const char *id = mlp_stmt_col_text(stmt, 0);
        size_t n = id ? strlen(id) : 0;
        if (!n || c->ids_n + n > room)
            continue;
        struct place *place = find(c, id, n);
        *place = (struct place){.at = (uint32_t)c->ids_n, .n = (uint32_t)n, .row = mlp_stmt_col_int(stmt, 1)};
        memcpy(c->ids + c->ids_n, id, n);
        c->ids_n += n;
    }
    return s;
}

/* *worth false: the rowids are too far apart, or below 0, as a file of others may have them. */
static mlplat_status know_runs(mlp_metric_columns *c, mlp_db *db, bool *worth, mlplat_error *err)
{
    int64_t count = 0, bytes = 0, first = 0, last = 0;
    mlp_stmt *stmt = NULL;
    if ((*worth = c->places != NULL))
        return MLPLAT_OK;
    mlplat_status s = one_number(db, "SELECT count(*) FROM runs", &count, err);
    if (s == MLPLAT_OK)
        s = one_number(db, "SELECT coalesce(min(rowid), 0) FROM runs", &first, err);
    if (s == MLPLAT_OK)
        s = one_number(db, "SELECT coalesce(max(rowid), 0) FROM runs", &last, err);
    if (s == MLPLAT_OK)
        s = one_number(db, "SELECT coalesce(sum(length(CAST(run_uuid AS BLOB))), 0) FROM runs", &bytes, err);
    if (s != MLPLAT_OK || first < 0 || last > count * SPARSE || bytes > UINT32_MAX)
        return s;
    size_t places = 1024;
    while (places < (size_t)count * 2)
        places *= 2;
    c->places = mlp_alloc_array(places, sizeof *c->places);
    c->ids = mlp_alloc((size_t)bytes + 1);
    if (!c->places || !c->ids)
        return mlp_fail_memory(err);
    c->mask = places - 1;
    c->rows = last + 1;
    s = mlp_db_prepare(db, "SELECT run_uuid, rowid FROM runs", &stmt, err);
    if (s == MLPLAT_OK)
        s = add_runs(c, stmt, (size_t)bytes, err);
    mlp_stmt_done(stmt);
    *worth = s == MLPLAT_OK;
    return s;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static int find_column(const mlp_metric_columns *c, const char *key)
{
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->columns[i].key, key) == 0)
            return i + 1;
    return 0;
}

/* 0: there is no room for it. */
static mlplat_status add_column(mlp_metric_columns *c, const char *key, int *slot, mlplat_error *err)
{
    column *col = &c->columns[c->n];
    *slot = 0;
    if (c->n == SLOTS || (c->n + 1) * c->rows * 9 > BYTES_MOST)
        return MLPLAT_OK;
    c->n++; /* it is freed with the others if a part is missing */
    col->key = mlp_strdup(key);
    col->values = mlp_alloc_array((size_t)c->rows, sizeof *col->values);
    col->kind = mlp_alloc((size_t)c->rows);
    *slot = c->n;
    return col->key && col->values && col->kind ? MLPLAT_OK : mlp_fail_memory(err);
}

/* Rows of run, value, is_nan, key; the key is looked at only where several columns are filled at once. */
static mlplat_status fill(mlp_metric_columns *c, mlp_stmt *stmt, int first, mlplat_error *err)
{
    bool row = true;
    int slot = first;
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        const char *id = mlp_stmt_col_text(stmt, 0);
        struct place *place = id ? find(c, id, strlen(id)) : NULL;
        if (!place || !place->n)
            continue;
        if (c->n > first)
            slot = find_column(c, mlp_stmt_col_text(stmt, 3));
        if (!slot)
            continue;
        column *col = &c->columns[slot - 1];
        col->values[place->row] = mlp_stmt_col_double(stmt, 1);
        col->kind[place->row] = mlp_stmt_col_int(stmt, 2) ? NOT_A_NUMBER : VALUE;
    }
    return s;
}

/* Is the key in so many rows that reading the whole table is faster than looking them up? */
static mlplat_status is_dense(mlp_db *db, const char *key, int64_t rows, bool *dense, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    int64_t enough = rows / DENSE + 1;
    mlplat_status s =
        mlp_db_prepare(db, "SELECT count(*) FROM (SELECT 1 FROM latest_metrics WHERE key = ? LIMIT ?)", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, key);
        mlp_stmt_int(stmt, 2, enough);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    if (s == MLPLAT_OK)
        *dense = mlp_stmt_col_int(stmt, 0) == enough;
    mlp_stmt_done(stmt);
    return s;
}

#define COLUMNS "SELECT run_uuid, value, is_nan, key FROM latest_metrics "

/* The columns from first on, which are new and empty. */
static mlplat_status read_dense(mlp_metric_columns *c, mlp_db *db, int first, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlp_buf sql = {0};
    mlp_buf_puts(&sql, COLUMNS "NOT INDEXED WHERE key IN (?");
    for (int i = first; i < c->n; i++)
        mlp_buf_puts(&sql, ", ?");
    mlp_buf_putc(&sql, ')');
    mlplat_status s = mlp_buf_ok(&sql, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare_once(db, sql.data, &stmt, err);
    for (int i = first; s == MLPLAT_OK && i <= c->n; i++)
        mlp_stmt_text(stmt, i - first + 1, c->columns[i - 1].key);
    if (s == MLPLAT_OK)
        s = fill(c, stmt, first, err);
    mlp_stmt_done(stmt);
    mlp_buf_free(&sql);
    return s;
}

static mlplat_status read_rare(mlp_metric_columns *c, mlp_db *db, const char *key, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, COLUMNS "WHERE key = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, key);
        s = fill(c, stmt, c->n, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* Those of the keys that are dense, or those that are not, become columns, without their values. */
static mlplat_status add_columns(mlp_metric_columns *c, mlp_db *db, const char *const *keys, size_t n, bool dense,
                                 mlplat_error *err)
{
    int64_t rows = 0;
    mlplat_status s = one_number(db, "SELECT coalesce(max(rowid), 0) FROM latest_metrics", &rows, err);
    for (size_t i = 0; s == MLPLAT_OK && i < n; i++) {
        bool is = false;
        int slot = 0;
        if (find_column(c, keys[i]))
            continue;
        s = is_dense(db, keys[i], rows, &is, err);
        if (s == MLPLAT_OK && is == dense)
            s = add_column(c, keys[i], &slot, err);
        if (s == MLPLAT_OK && slot && !dense)
            s = read_rare(c, db, keys[i], err);
    }
    return s;
}

/* The rare ones first, one by one; then the others in one go. */
static mlplat_status read_new(mlp_metric_columns *c, mlp_db *db, const char *const *keys, size_t n, mlplat_error *err)
{
    mlplat_status s = add_columns(c, db, keys, n, false, err);
    int first = c->n + 1;
    if (s == MLPLAT_OK)
        s = add_columns(c, db, keys, n, true, err);
    return s == MLPLAT_OK && c->n >= first ? read_dense(c, db, first, err) : s;
}

mlplat_status mlp_metric_columns_need(mlp_metric_columns *c, mlp_db *db, const char *const *keys, size_t n, int *slots,
                                      mlplat_error *err)
{
    bool worth = false;
    mlplat_status s = check_version(c, db, err);
    if (s == MLPLAT_OK)
        s = know_runs(c, db, &worth, err);
    if (s == MLPLAT_OK && worth)
        s = read_new(c, db, keys, n, err);
    for (size_t i = 0; s == MLPLAT_OK && i < n; i++)
        slots[i] = worth ? find_column(c, keys[i]) : 0;
    if (s != MLPLAT_OK)
        forget(c); /* half a column is none */
    return s;
}

/* ---- for SQL ----------------------------------------------------------------------------------------------------- */

static int kind_at(const mlp_metric_columns *c, sqlite3_value **args, const column **col, int64_t *row)
{
    int slot = sqlite3_value_int(args[0]);
    *row = sqlite3_value_int64(args[1]);
    if (slot < 1 || slot > c->n || *row < 0 || *row >= c->rows)
        return NONE;
    *col = &c->columns[slot - 1];
    return (*col)->kind[*row];
}

static void metric_value(sqlite3_context *context, int n, sqlite3_value **args)
{
    const column *col = NULL;
    int64_t row = 0;
    (void)n;
    if (kind_at(sqlite3_user_data(context), args, &col, &row) == VALUE)
        sqlite3_result_double(context, col->values[row]);
}

static void metric_kind(sqlite3_context *context, int n, sqlite3_value **args)
{
    static const int told[] = {[NONE] = 2, [VALUE] = 0, [NOT_A_NUMBER] = 1};
    const column *col = NULL;
    int64_t row = 0;
    (void)n;
    sqlite3_result_int(context, told[kind_at(sqlite3_user_data(context), args, &col, &row)]);
}

static int set_functions(mlp_db *db, mlp_metric_columns *c)
{
    int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    int code = sqlite3_create_function(db->handle, "mlplat_metric", 2, flags, c, c ? metric_value : NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function(db->handle, "mlplat_metric_kind", 2, flags, c, c ? metric_kind : NULL, NULL,
                                       NULL);
    return code;
}

mlplat_status mlp_metric_columns_new(mlp_db *db, mlp_metric_columns **out, mlplat_error *err)
{
    mlp_metric_columns *c = mlp_alloc(sizeof *c);
    *out = NULL;
    if (!c)
        return mlp_fail_memory(err);
    int code = set_functions(db, c);
    if (code == SQLITE_OK) {
        *out = c;
        return MLPLAT_OK;
    }
    mlplat_status s = mlp_db_fail(db, code, err);
    set_functions(db, NULL);
    mlp_free(c);
    return s;
}
