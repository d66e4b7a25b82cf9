/*
 * MLflow's tables in a notation of ours, one entry a table.
 *
 * columns: "name type[!][=default]" joined by ", ". Types: sN VARCHAR(N), i INTEGER, b BIGINT, f FLOAT, o BOOLEAN, t
 * TEXT, j JSON, d DATE, x BLOB; "!" is NOT NULL; "@expression" (to the end) a stored generated column. constraints:
 * "kind name rest" joined by ";". Kinds: pk and uq (columns), ck (expression), fk (columns) table (columns) actions;
 * the name "-" is none.
 */
#ifndef MLP_SCHEMA_TABLES_H
#define MLP_SCHEMA_TABLES_H
#include "db/db.h"

typedef struct mlp_schema_table {
    const char *name, *columns, *constraints;
} mlp_schema_table;

typedef struct mlp_schema_index {
    const char *name, *table, *columns;
    bool unique;
} mlp_schema_index;

extern const mlp_schema_table mlp_schema_tables[];  /* ends with name NULL */
extern const mlp_schema_index mlp_schema_indexes[]; /* ends with name NULL */
extern const char mlp_schema_trigger[];

#endif
