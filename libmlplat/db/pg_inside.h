/* What the files of the engine PostgreSQL share. */
#ifndef MLP_PG_INSIDE_H
#define MLP_PG_INSIDE_H
#include "db/array.h"
#include "db/db_inside.h"
#include "db/pg_table.h"
#include <stdatomic.h>

enum {
    MLP_PG_BOOL = 16,
    MLP_PG_INT8 = 20,
    MLP_PG_FLOAT4 = 700,
    MLP_PG_FLOAT8 = 701,
    MLP_PG_INT2 = 21,
    MLP_PG_INT4 = 23,
    MLP_PG_BYTEA = 17
}; /* types, by their number in every database */

typedef struct mlp_pg {
    mlp_pg_table pq;
    mlp_pg_option *options; /* what the URI says */
    mlp_pg_conn *conn;      /* NULL: none at the moment */
    int64_t session;        /* how many there were: what was prepared in another one is gone */
    int64_t connect_ms;
    int64_t tries_until_ns; /* a server that was there before may come back so long */
    int64_t changes;        /* rows of the last statement */
    unsigned names;         /* of prepared statements given so far */
    unsigned forks;         /* of the process that made the connection */
    int collisions;         /* attempts in a row that met a key that is there */
    char transaction[24];   /* number of the one that goes on, "": not asked for */
} mlp_pg;

typedef struct mlp_pg_value {
    mlp_buf data;
    unsigned type; /* 0: as the server finds it in the statement */
    bool null, binary;
} mlp_pg_value;

struct mlp_pg_stmt {
    char *text, *sql; /* as it was given, and as the server reads it */
    int n;            /* parameters */
    mlp_pg_value *values;
    const char **pointers;
    int *sizes, *formats;
    unsigned *types;
    char name[16];   /* of the kept ones */
    int64_t session; /* it is prepared in */
    mlp_pg_result *result;
    int row, rows; /* the row that is read, from 1 */
    bool ran, bad; /* bad: a value cannot be sent */
};

extern const mlp_engine mlp_engine_postgres;

/* ---- pg_wait.c */
#define MLP_PG_STATEMENT_MS (60 * 1000)
/* Until the socket can be read (or written); the hook is called meanwhile. TIMEOUT, CANCELLED. */
mlplat_status mlp_pg_wait(mlp_db *db, bool write, int64_t until_ns, mlplat_error *err);
/* The results of what was sent: the last one, or the first that failed, which the caller clears; NULL with a status
 * after which there is no connection any more. */
mlplat_status mlp_pg_take(mlp_db *db, int sent, mlp_pg_result **out, mlplat_error *err);
/* The same, with a failure told and cleared: then *out is NULL. */
mlplat_status mlp_pg_answer(mlp_db *db, int sent, mlp_pg_result **out, mlplat_error *err);

/* ---- pg_connect.c */
/* *options becomes what the URI says, *shown the URI without its secrets. */
mlplat_status mlp_pg_options(const mlp_pg_table *pq, const char *uri, mlp_pg_option **options, char **shown,
                             mlplat_error *err);
const char *mlp_pg_option_of(const mlp_pg *pg, const char *keyword); /* NULL: not said */
mlplat_status mlp_pg_connect(mlp_db *db, mlplat_error *err);
void mlp_pg_disconnect(mlp_db *db);

/* ---- pg_error.c */
/* What a failed result says, as a status. Raises db->busy where it may be right another time. Clears it. */
mlplat_status mlp_pg_fail(mlp_db *db, mlp_pg_result *result, mlplat_error *err);
/* The connection broke, or was never made: libpq's words. */
mlplat_status mlp_pg_fail_connection(mlp_db *db, mlplat_error *err);

/* ---- pg_sql.c: for PostgreSQL, the caller's. *n: how many parameters it has. NULL: no memory. */
char *mlp_pg_sql(const char *sql, int *n);

/* ---- pg_stmt.c */
mlplat_status mlp_pg_prepare(mlp_stmt *stmt, const char *sql, mlplat_error *err);
const char *mlp_pg_text(const mlp_stmt *stmt);
void mlp_pg_drop(mlp_stmt *stmt);
void mlp_pg_reset(mlp_stmt *stmt, bool unbind);
void mlp_pg_bind_text(mlp_stmt *stmt, int i, const char *value, size_t n);
void mlp_pg_bind_int(mlp_stmt *stmt, int i, int64_t value);
void mlp_pg_bind_bool(mlp_stmt *stmt, int i, bool value);
void mlp_pg_bind_double(mlp_stmt *stmt, int i, double value);
void mlp_pg_bind_null(mlp_stmt *stmt, int i);
void mlp_pg_bind_array(mlp_stmt *stmt, int i, mlp_array *array);
mlplat_status mlp_pg_step(mlp_stmt *stmt, bool *row, mlplat_error *err);
const char *mlp_pg_col_text(mlp_stmt *stmt, int i);
int64_t mlp_pg_col_int(mlp_stmt *stmt, int i);
double mlp_pg_col_double(mlp_stmt *stmt, int i);
size_t mlp_pg_col_bytes(mlp_stmt *stmt, int i);
mlp_col_type mlp_pg_col_type(mlp_stmt *stmt, int i);

#endif
