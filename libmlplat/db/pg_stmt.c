/* Statements on a PostgreSQL server. The types of parameters are those of the values, so they are sent with the first
 * ones; what a statement answers is read as a whole, so that others may run between two of its rows. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "db/pg_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one statement ----------------------------------------------------------------------------------------------- */

static bool has_room(const struct mlp_pg_stmt *p)
{
    return p->text && p->sql && (!p->n || (p->values && p->pointers && p->sizes && p->formats && p->types));
}

mlplat_status mlp_pg_prepare(mlp_stmt *stmt, const char *sql, mlplat_error *err)
{
    struct mlp_pg_stmt *p = stmt->pg = mlp_alloc(sizeof *p);
    if (!p)
        return mlp_fail_memory(err);
    p->text = mlp_strdup(sql);
    p->sql = mlp_pg_sql(sql, &p->n);
    if (p->n > 0) {
        size_t n = (size_t)p->n;
        p->values = mlp_alloc_array(n, sizeof *p->values);
        p->pointers = mlp_alloc_array(n, sizeof *p->pointers);
        p->sizes = mlp_alloc_array(n, sizeof *p->sizes);
        p->formats = mlp_alloc_array(n, sizeof *p->formats);
        p->types = mlp_alloc_array(n, sizeof *p->types);
    }
    if (!has_room(p))
        return mlp_fail_memory(err);
    mlp_pg_reset(stmt, true);
    if (stmt->key)
        snprintf(p->name, sizeof p->name, "mlplat%u", stmt->db->pg->names++);
    return MLPLAT_OK;
}

const char *mlp_pg_text(const mlp_stmt *stmt)
{
    return stmt->pg->text;
}

void mlp_pg_drop(mlp_stmt *stmt)
{
    struct mlp_pg_stmt *p = stmt->pg;
    if (!p)
        return;
    stmt->db->pg->pq.clear(p->result);
    for (int i = 0; p->values && i < p->n; i++)
        mlp_buf_free(&p->values[i].data);
    mlp_free(p->text);
    mlp_free(p->sql);
    mlp_free(p->values);
    mlp_free(p->pointers);
    mlp_free(p->sizes);
    mlp_free(p->formats);
    mlp_free(p->types);
    mlp_free(p);
    stmt->pg = NULL;
}

void mlp_pg_reset(mlp_stmt *stmt, bool unbind)
{
    struct mlp_pg_stmt *p = stmt->pg;
    stmt->db->pg->pq.clear(p->result);
    p->result = NULL;
    p->ran = false;
    p->row = p->rows = 0;
    if (!unbind)
        return;
    p->bad = false;
    for (int i = 0; i < p->n; i++) {
        mlp_buf_clear(&p->values[i].data);
        p->values[i] = (mlp_pg_value){.data = p->values[i].data, .null = true};
    }
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static mlp_pg_value *value_at(mlp_stmt *stmt, int i, unsigned type)
{
    mlp_pg_value *v = i >= 1 && i <= stmt->pg->n ? &stmt->pg->values[i - 1] : NULL;
    if (!v) {
        stmt->pg->bad = true;
        return NULL;
    }
    mlp_buf_clear(&v->data);
    v->type = type;
    v->null = v->binary = false;
    return v;
}

void mlp_pg_bind_text(mlp_stmt *stmt, int i, const char *value, size_t n)
{
    mlp_pg_value *v = value_at(stmt, i, 0);
    if (!v)
        return;
    stmt->pg->bad = stmt->pg->bad || memchr(value, 0, n);
    mlp_buf_add(&v->data, value, n);
    mlp_buf_add(&v->data, "", 0);
}

void mlp_pg_bind_int(mlp_stmt *stmt, int i, int64_t value)
{
    mlp_pg_value *v = value_at(stmt, i, MLP_PG_INT8);
    if (v)
        mlp_buf_printf(&v->data, "%lld", (long long)value);
}

void mlp_pg_bind_bool(mlp_stmt *stmt, int i, bool value)
{
    mlp_pg_value *v = value_at(stmt, i, MLP_PG_BOOL);
    if (v)
        mlp_buf_puts(&v->data, value ? "t" : "f");
}

void mlp_pg_bind_double(mlp_stmt *stmt, int i, double value)
{
    mlp_pg_value *v = value_at(stmt, i, MLP_PG_FLOAT8);
    char text[32];
    mlp_text_double(value, text);
    if (v)
        mlp_buf_puts(&v->data, text);
}

void mlp_pg_bind_null(mlp_stmt *stmt, int i)
{
    mlp_pg_value *v = value_at(stmt, i, 0);
    if (v)
        v->null = true;
}

void mlp_pg_bind_array(mlp_stmt *stmt, int i, mlp_array *array)
{
    mlp_pg_value *v = value_at(stmt, i, mlp_array_close(array));
    if (!v)
        return;
    v->binary = true;
    mlp_buf_add(&v->data, array->data.data, array->data.size);
    v->data.failed = v->data.failed || array->data.failed;
}

/* ---- running it -------------------------------------------------------------------------------------------------- */

static mlplat_status gather(struct mlp_pg_stmt *p, mlplat_error *err)
{
    if (p->bad)
        return mlp_fail(err, MLPLAT_INVALID, "a text has a NUL byte in it: PostgreSQL cannot keep those");
    for (int i = 0; i < p->n; i++) {
        const mlp_pg_value *v = &p->values[i];
        if (mlp_buf_ok(&v->data, err) != MLPLAT_OK)
            return MLPLAT_NO_MEMORY;
        p->pointers[i] = v->null ? NULL : v->data.data ? v->data.data : "";
        p->sizes[i] = (int)v->data.size;
        p->formats[i] = v->binary;
        p->types[i] = v->type;
    }
    return MLPLAT_OK;
}

/* A kept one is prepared once a connection. */
static mlplat_status prepare_there(mlp_stmt *stmt, mlplat_error *err)
{
    struct mlp_pg_stmt *p = stmt->pg;
    const mlp_pg *pg = stmt->db->pg;
    mlp_pg_result *result = NULL;
    if (!stmt->key || p->session == pg->session)
        return MLPLAT_OK;
    int sent = pg->pq.sendPrepare(pg->conn, p->name, p->sql, p->n, p->types);
    mlplat_status s = mlp_pg_answer(stmt->db, sent, &result, err);
    pg->pq.clear(result);
    if (s == MLPLAT_OK)
        p->session = pg->session;
    return s;
}

static int send(mlp_stmt *stmt)
{
    const struct mlp_pg_stmt *p = stmt->pg;
    const mlp_pg *pg = stmt->db->pg;
    return stmt->key ? pg->pq.sendQueryPrepared(pg->conn, p->name, p->n, p->pointers, p->sizes, p->formats, 0)
                     : pg->pq.sendQueryParams(pg->conn, p->sql, p->n, p->types, p->pointers, p->sizes, p->formats, 0);
}

static mlplat_status run(mlp_stmt *stmt, mlplat_error *err)
{
    struct mlp_pg_stmt *p = stmt->pg;
    mlp_pg *pg = stmt->db->pg;
    mlplat_status s = stmt->db->engine->check(stmt->db, err);
    if (s == MLPLAT_OK)
        s = gather(p, err);
    if (s == MLPLAT_OK && !pg->conn)
        s = mlp_pg_fail_connection(stmt->db, err);
    if (s == MLPLAT_OK)
        s = prepare_there(stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_pg_answer(stmt->db, send(stmt), &p->result, err);
    if (s != MLPLAT_OK)
        return s;
    pg->changes = strtoll(pg->pq.cmdTuples(p->result), NULL, 10);
    p->ran = true;
    p->rows = pg->pq.ntuples(p->result);
    return MLPLAT_OK;
}

mlplat_status mlp_pg_step(mlp_stmt *stmt, bool *row, mlplat_error *err)
{
    struct mlp_pg_stmt *p = stmt->pg;
    mlplat_status s = p->ran ? MLPLAT_OK : run(stmt, err);
    if (s != MLPLAT_OK)
        return s;
    p->row += p->row <= p->rows;
    if (row)
        *row = p->row <= p->rows;
    return MLPLAT_OK;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static const char *raw(const mlp_stmt *stmt, int i)
{
    const struct mlp_pg_stmt *p = stmt->pg;
    const mlp_pg_table *pq = &stmt->db->pg->pq;
    if (!p->result || p->row < 1 || p->row > p->rows || pq->getisnull(p->result, p->row - 1, i))
        return NULL;
    return pq->getvalue(p->result, p->row - 1, i);
}

const char *mlp_pg_col_text(mlp_stmt *stmt, int i)
{
    return raw(stmt, i);
}

int64_t mlp_pg_col_int(mlp_stmt *stmt, int i)
{
    const char *text = raw(stmt, i);
    return !text ? 0 : *text == 't' ? 1 : strtoll(text, NULL, 10);
}

double mlp_pg_col_double(mlp_stmt *stmt, int i)
{
    const char *text = raw(stmt, i);
    double value = 0;
    return !text || mlp_text_to_double(text, &value) ? value : strtod(text, NULL); /* NaN, Infinity */
}

size_t mlp_pg_col_bytes(mlp_stmt *stmt, int i)
{
    const struct mlp_pg_stmt *p = stmt->pg;
    return raw(stmt, i) ? (size_t)stmt->db->pg->pq.getlength(p->result, p->row - 1, i) : 0;
}

mlp_col_type mlp_pg_col_type(mlp_stmt *stmt, int i)
{
    if (!raw(stmt, i))
        return MLP_COL_NULL;
    switch (stmt->db->pg->pq.ftype(stmt->pg->result, i)) {
    case MLP_PG_BOOL:
    case MLP_PG_INT2:
    case MLP_PG_INT4:
    case MLP_PG_INT8:
        return MLP_COL_INT;
    case MLP_PG_FLOAT4:
    case MLP_PG_FLOAT8:
        return MLP_COL_DOUBLE;
    case MLP_PG_BYTEA:
        return MLP_COL_BLOB;
    default:
        return MLP_COL_TEXT;
    }
}
