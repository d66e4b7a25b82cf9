/*
 * The tables that an archive holds, as a store has them: which rows belong to what, and their columns, which are read
 * from the database, so that those of other MLflow versions come along.
 */
#ifndef MLP_STORE_TABLES_H
#define MLP_STORE_TABLES_H
#include "db/db.h"

typedef enum mlp_store_table_id {
    MLP_EXPERIMENTS,
    MLP_EXPERIMENT_TAGS,
    MLP_DATASETS,
    MLP_RUNS,
    MLP_PARAMS,
    MLP_TAGS,
    MLP_METRICS,
    MLP_LATEST_METRICS,
    MLP_INPUTS,
    MLP_INPUT_TAGS,
    MLP_LOGGED_MODELS,
    MLP_LOGGED_MODEL_PARAMS,
    MLP_LOGGED_MODEL_TAGS,
    MLP_LOGGED_MODEL_METRICS,
    MLP_REGISTERED_MODELS,
    MLP_REGISTERED_MODEL_TAGS,
    MLP_MODEL_VERSIONS,
    MLP_MODEL_VERSION_TAGS,
    MLP_REGISTERED_MODEL_ALIASES,
    MLP_STORE_TABLES
} mlp_store_table_id;

/* What we know of a table. */
typedef struct mlp_store_spec {
    const char *name;
    const char *where;   /* the rows of one owner; ?1, and ?2 where it needs a second word */
    const char *order;   /* the same in every store */
    const char *hidden;  /* columns that mean nothing elsewhere: " a b " */
    const char *located; /* the same, if artifacts come along: where they lie */
    const char *tail;    /* columns that are carried and not compared */
    bool registry;       /* in the registry's file */
} mlp_store_spec;
extern const mlp_store_spec mlp_store_specs[MLP_STORE_TABLES];

typedef struct mlp_store_column {
    char *name;
    char *preset; /* the default of a column that must not be NULL, without quotes; NULL: none */
} mlp_store_column;

typedef struct mlp_store_table {
    mlp_store_column *columns; /* by name */
    size_t n;                  /* 0: the store has no such table */
    char *select, *insert;     /* made at first use */
} mlp_store_table;

mlplat_status mlp_store_tables_read(mlp_db *tracking, mlp_db *registry, mlp_store_table tables[MLP_STORE_TABLES],
                                    mlplat_error *err); /* inside a transaction of both, or of one that is both */
void mlp_store_tables_free(mlp_store_table tables[MLP_STORE_TABLES]);
bool mlp_store_has_column(const mlp_store_table *table, const char *name);
bool mlp_store_word(const char *words, const char *word); /* is it among " these words "? */
int mlp_store_table_find(const char *name);               /* an id, -1: no table of an archive */

#endif
