/*
 * What belongs to one experiment, run, logged model, registered model or version, as lines of JSON: the same lines for
 * the same things in every store, whatever their ids, places and schema head. An export writes them, an import compares
 * by them. docs/store.md describes them.
 */
#ifndef MLP_ROWS_H
#define MLP_ROWS_H
#include "base/buf.h"
#include "store/store_tables.h"

typedef struct mlp_rows_sink {
    /* One line without its end. compared: so many bytes of it tell whether two things are equal. */
    mlplat_status (*line)(void *ctx, const char *text, size_t n, size_t compared, mlplat_error *err);
    /* The bytes of an artifact, from an open file. */
    mlplat_status (*file)(void *ctx, int fd, char sha256[65], uint64_t *size, mlplat_error *err);
    void *ctx;
} mlp_rows_sink;

typedef struct mlp_rows {
    mlp_db *tracking, *registry; /* both inside a read transaction */
    bool artifacts;              /* they come along, so that places do not count */
    mlp_store_table tables[MLP_STORE_TABLES];
    mlp_rows_sink sink;
    mlp_buf line;
    size_t compared;
    bool in_tail;
    uint64_t points; /* of metrics, so far */
    /* Where the run and the logged model of the version in hand lie. */
    struct {
        char *uri, *location;
    } bases[2];
} mlp_rows;

/* Zero, then the members above `tables`, then this. */
mlplat_status mlp_rows_begin(mlp_rows *rows, mlplat_error *err);
void mlp_rows_end(mlp_rows *rows);

/* NOT_FOUND: no such thing; nothing was put out. */
mlplat_status mlp_rows_experiment(mlp_rows *rows, int64_t id, mlplat_error *err);
mlplat_status mlp_rows_run(mlp_rows *rows, const char *run_id, mlplat_error *err);
mlplat_status mlp_rows_model(mlp_rows *rows, const char *model_id, mlplat_error *err);
mlplat_status mlp_rows_registered(mlp_rows *rows, const char *name, mlplat_error *err);
mlplat_status mlp_rows_version(mlp_rows *rows, const char *name, int64_t version, mlplat_error *err);
mlplat_status mlp_rows_aliases(mlp_rows *rows, const char *name, mlplat_error *err);

/* rows_line.c: parts of a line */
void mlp_rows_open(mlp_rows *rows, const char *table);
void mlp_rows_key(mlp_rows *rows, const char *key);
mlplat_status mlp_rows_text(mlp_rows *rows, const char *text, size_t n, mlplat_error *err);
mlplat_status mlp_rows_value(mlp_rows *rows, mlp_stmt *stmt, int i, mlplat_error *err);
void mlp_rows_tail(mlp_rows *rows); /* what follows is carried and not compared */
mlplat_status mlp_rows_close(mlp_rows *rows, mlplat_error *err);

/* rows_table.c: all rows of a table that belong to an owner; *n of them. */
typedef struct mlp_rows_owner {
    const char *text; /* NULL: the number alone */
    int64_t number;
} mlp_rows_owner;
mlplat_status mlp_rows_table(mlp_rows *rows, mlp_store_table_id id, const mlp_rows_owner *owner, size_t *n,
                             mlplat_error *err);

/* rows_run.c: what is not one line a row */
mlplat_status mlp_rows_metrics(mlp_rows *rows, const char *run_id, mlplat_error *err);
mlplat_status mlp_rows_inputs(mlp_rows *rows, const char *run_id, mlplat_error *err);

/* rows_files.c: the artifacts at a place, none if nothing is there. owner: "run_uuid" or "model_id". */
mlplat_status mlp_rows_files(mlp_rows *rows, const char *owner, const char *id, const char *location,
                             mlplat_error *err);

#endif
