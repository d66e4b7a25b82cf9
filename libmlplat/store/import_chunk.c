/* Rows that are written in one transaction: few enough that nobody else waits long. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/import.h"

mlplat_status mlp_import_chunk_add(mlp_import_chunk *chunk, const mlp_import_op *op, size_t rows, mlplat_error *err)
{
    if (chunk->n == chunk->cap) {
        size_t cap = chunk->cap ? chunk->cap * 2 : 64;
        mlp_import_op *grown = mlp_realloc(chunk->ops, cap * sizeof *grown);
        if (!grown) {
            json_decref(op->row);
            return mlp_fail_memory(err);
        }
        chunk->ops = grown;
        chunk->cap = cap;
    }
    chunk->ops[chunk->n++] = *op;
    chunk->rows += rows;
    return MLPLAT_OK;
}

typedef struct writing {
    mlp_importing *im;
    const mlp_import_chunk *chunk;
} writing;

static mlplat_status write_ops(mlp_db *db, void *ctx, mlplat_error *err)
{
    writing *w = ctx;
    mlplat_status s = MLPLAT_OK;
    (void)db;
    for (size_t i = 0; s == MLPLAT_OK && i < w->chunk->n; i++) {
        const mlp_import_op *op = &w->chunk->ops[i];
        s = op->end ? mlp_import_end(w->im, op, err) : mlp_import_row(w->im, op, err);
    }
    return s;
}

static void forget(mlp_import_chunk *chunk)
{
    for (size_t i = 0; i < chunk->n; i++)
        json_decref(chunk->ops[i].row);
    chunk->n = chunk->rows = 0;
}

mlplat_status mlp_import_chunk_write(mlp_importing *im, mlp_import_chunk *chunk, mlplat_error *err)
{
    writing w = {im, chunk};
    if (!chunk->n)
        return MLPLAT_OK;
    mlp_db *db = mlp_store_specs[chunk->ops[0].table].registry ? im->view.registry : im->view.tracking;
    mlplat_status s = mlp_db_write(db, write_ops, &w, im->view.hook, err);
    forget(chunk);
    return s;
}

void mlp_import_chunk_free(mlp_import_chunk *chunk)
{
    forget(chunk);
    mlp_free(chunk->ops);
    *chunk = (mlp_import_chunk){0};
}
