/* What the files of MLflow's schema share. */
#ifndef MLP_SCHEMA_INSIDE_H
#define MLP_SCHEMA_INSIDE_H
#include "base/buf.h"
#include "db/db_inside.h"
#include "db/schema_tables.h"

/* ---- schema_look.c: inside a transaction */
/* One number: the first column of the first row. */
mlplat_status mlp_schema_number(mlp_db *db, const char *sql, int64_t *out, mlplat_error *err);
/* The shape of the store; *state tells whether it is one. CORRUPT: tables of something else. */
typedef enum mlp_schema_state { MLP_SCHEMA_EMPTY, MLP_SCHEMA_UNFINISHED, MLP_SCHEMA_STORE } mlp_schema_state;
mlplat_status mlp_schema_look(mlp_db *db, mlp_schema_info *info, mlp_schema_state *state, mlplat_error *err);
/* Has the file the columns that the table has at a revision? */
typedef struct mlp_schema_match {
    bool all;       /* ours are there */
    bool others;    /* and others */
    bool must_give; /* one of the others has no default and is never NULL */
} mlp_schema_match;
mlplat_status mlp_schema_compare(mlp_db *db, const mlp_schema_table *table, int revision, mlp_schema_match *out,
                                 mlplat_error *err);

/* Runs SQL without parameters and rows, one or more statements. */
mlplat_status mlp_schema_run(mlp_db *db, const char *sql, mlplat_error *err);
/* The same with the text of a buffer, which is emptied. */
mlplat_status mlp_schema_run_buf(mlp_db *db, mlp_buf *sql, mlplat_error *err);

/* ---- schema_values.c: mlp_count(x), mlp_finite(x), mlp_member(json, key), mlp_score(x), mlp_is_number(x) in SQL */
mlplat_status mlp_schema_values(mlp_db *db, mlplat_error *err);

#endif
