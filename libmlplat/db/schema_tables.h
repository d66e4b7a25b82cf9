/*
 * MLflow's tables since 2.14.0, in a notation of ours. Revisions are numbered from 0, see schema_revisions.c.
 * A table, column, constraint or index has a life: " +N" at its end, since revision N (else as long as its table), and
 * " -N", gone with revision N.
 *
 * columns: "name type[!][=default]" joined by ", ". Types: sN VARCHAR(N), i INTEGER, b BIGINT, f FLOAT, o BOOLEAN, t
 * TEXT, j JSON, d DATE, x BLOB; "!" is NOT NULL; "@expression" (to the end) a stored generated column. constraints:
 * "kind name rest" joined by ";". Kinds: pk and uq (columns), ck (expression), fk (columns) table (columns) actions;
 * the name "-" is none.
 */
#ifndef MLP_SCHEMA_TABLES_H
#define MLP_SCHEMA_TABLES_H
#include "base/buf.h"
#include "db/db.h"

typedef struct mlp_schema_table {
    int since;
    const char *name, *columns, *constraints;
} mlp_schema_table;

typedef struct mlp_schema_index {
    int since, until; /* until 0: still there */
    const char *name, *table, *columns;
    bool unique;
} mlp_schema_index;

typedef enum mlp_change_kind {
    MLP_CHANGE_REFUSE, /* sql gives the thing that stands in the way; what says it */
    MLP_CHANGE_FILL    /* the new column what ("table.column") gets the expression sql over the old row */
} mlp_change_kind;

/* What a revision does with rows that are there. */
typedef struct mlp_schema_change {
    int at;
    mlp_change_kind kind;
    const char *what, *sql;
} mlp_schema_change;

/* What is run when a revision's tables are there. */
typedef struct mlp_schema_after {
    int at;
    const char *sql;
} mlp_schema_after;

extern const mlp_schema_table mlp_schema_tables[];   /* ends with name NULL */
extern const mlp_schema_index mlp_schema_indexes[];  /* ends with name NULL */
extern const mlp_schema_change mlp_schema_changes[]; /* ends with sql NULL */
extern const mlp_schema_after mlp_schema_afters[];   /* ends with sql NULL */

/* ---- schema_sql.c: an item of a list, and SQL of it */
typedef struct mlp_schema_item {
    const char *text; /* lent, not terminated */
    size_t n;         /* without its life */
    int since, until; /* since -1: as its table; until 0: still there */
} mlp_schema_item;

/* The next item of a list; *at begins as the list and is moved on. false: no more. separator: ',' or ';'. */
bool mlp_schema_next(const char **at, char separator, mlp_schema_item *out);
bool mlp_schema_lives(const mlp_schema_item *item, int revision);
/* Of a column: the length of its name. */
size_t mlp_schema_name_n(const mlp_schema_item *column);
bool mlp_schema_generated(const mlp_schema_item *column);
void mlp_schema_put_column(mlp_buf *sql, const mlp_schema_item *column);
/* CREATE TABLE as it is at a revision, under this name. */
void mlp_schema_put_table(mlp_buf *sql, const mlp_schema_table *table, const char *name, int revision);
void mlp_schema_put_index(mlp_buf *sql, const mlp_schema_index *index);
const mlp_schema_table *mlp_schema_table_of(const char *name); /* NULL: not MLflow's */

#endif
