/*
 * MLflow's search language as a table: who searches says in a language which names there are, how each may be compared
 * and what column it is; a filter and an order become terms, and terms become SQL with bound values.
 *
 *     SELECT ... FROM runs r <joins> WHERE <where> ORDER BY <order>
 */
#ifndef MLP_SEARCH_H
#define MLP_SEARCH_H
#include "base/json.h"
#include "db/db.h"
#include "db/search_lex.h"

/* Which comparisons a name takes. */
enum {
    MLP_SEARCH_EQUAL = 1, /* = != */
    MLP_SEARCH_SIZE = 2,  /* < <= > >= */
    MLP_SEARCH_LIKE = 4,  /* LIKE ILIKE */
    MLP_SEARCH_NULL = 8,  /* IS NULL, IS NOT NULL */
    MLP_SEARCH_LIST = 16, /* IN, NOT IN */
    MLP_SEARCH_NUMBERS = MLP_SEARCH_EQUAL | MLP_SEARCH_SIZE,
    MLP_SEARCH_TEXTS = MLP_SEARCH_EQUAL | MLP_SEARCH_LIKE
};

/* What a name is compared with. */
typedef enum mlp_search_value {
    MLP_SEARCH_QUOTED, /* a text */
    MLP_SEARCH_DOUBLE, /* any number */
    MLP_SEARCH_TIME,   /* any number; whole ones stay so */
    MLP_SEARCH_WHOLE,  /* a whole number */
    MLP_SEARCH_COUNT,  /* a whole number, in quotes or not */
    MLP_SEARCH_ID      /* a whole number in quotes */
} mlp_search_value;

typedef struct mlp_search_entity mlp_search_entity;

typedef struct mlp_search_attribute {
    const char *name, *column;
    unsigned compares;
    mlp_search_value value;
    const mlp_search_entity *kept; /* not a column but a key there; NULL: a column */
    const char *kept_as;
} mlp_search_attribute;

/* What stands in front of the dot. */
struct mlp_search_entity {
    const char *title;              /* of messages: "a metric" */
    const mlp_search_attribute *of; /* its names, ends with name NULL; NULL: any key */
    /* Of what is in a table of its own: the table as x, which of its rows belong to the object that is searched, its
     * columns; nan NULL: it has no mark for NaN. */
    const char *table, *match, *key, *value, *nan;
    const char *newest; /* columns that order rows of one key, the one that counts first; NULL: there is one row */
    unsigned compares;
    mlp_search_value kind;
    bool order; /* its keys may be an order */
    bool among; /* mlp_search.among counts for it */
    /* Where there are very many objects: the column of x that names the object, and the object's; NULL: it is not used.
     */
    const char *owner, *object;
    bool columns; /* its latest values are in db/metric_columns.h */
};

/* What may stand in front of a dot. */
typedef struct mlp_search_prefix {
    const char *name; /* "" is for names without a dot */
    const mlp_search_entity *entity;
} mlp_search_prefix;

typedef struct mlp_search_tie {
    const char *column, *order; /* appended unless the column is in the order already */
} mlp_search_tie;

typedef struct mlp_search_language {
    const char *names;                 /* for messages: which names there are */
    const mlp_search_prefix *prefixes; /* ends with name NULL */
    const mlp_search_prefix *orders;   /* the same for order_by */
    const char *default_order;         /* without an order_by */
    mlp_search_tie ties[3];            /* ends with column NULL */
    bool nulls_last, twice, capitals;  /* a key may come twice; LIKE and IN in capitals alone */
    bool quoted_entities;              /* `metrics`.loss is metrics.loss */
    bool bare_attributes;              /* attributes never stand in quotes */
    const char *row;                   /* the object's rowid, for columns of metrics */
    bool bare_texts;                   /* texts and keys as logged models have them: without quotes too */
} mlp_search_language;

typedef struct mlp_search_comparator {
    const char *words[3];
    const char *sql; /* behind a column */
    unsigned group;  /* which of the comparisons above it is of */
} mlp_search_comparator;

/* A comparison, or a key of an order. */
typedef struct mlp_search_term {
    const mlp_search_entity *entity;
    const mlp_search_attribute *attribute; /* NULL: key */
    char *key;
    const mlp_search_comparator *how;
    json_t *value;                        /* a scalar, or an array of texts for lists; NULL: none is needed */
    const char *dataset, *dataset_digest; /* of an order by a metric: only on this dataset; lent */
    bool down;
    /* How it is looked up, which changes no result. slot: a metric's column; among_all: by a list of all objects that
     * have such a row, whole: made by reading the whole table. */
    int slot;
    bool among_all, whole;
} mlp_search_term;

typedef struct mlp_search {
    const mlp_search_language *language;
    mlp_search_term *terms, *orders;
    size_t n_terms, n_orders;
    const char *among; /* SQL that restricts the rows of entities with that mark, and its values; lent */
    const json_t *among_values;
} mlp_search;

/* INVALID names the place: "filter, character 9: ...". NULL or "": all, and the default order. */
mlplat_status mlp_search_parse(const mlp_search_language *language, const char *filter, const char *order_by,
                               mlp_search *out, mlplat_error *err);
void mlp_search_free(mlp_search *search);
void mlp_search_drop(mlp_search *search, size_t i); /* a comparison */
/* Adds a key to the order; INVALID if it is there already and may not. *term is copied and its key taken. */
mlplat_status mlp_search_add_order(mlp_search *search, mlp_search_term *term, mlplat_error *err);

typedef struct mlp_search_sql {
    mlp_buf joins, where, order;        /* where begins with " AND" or is empty */
    json_t *join_values, *where_values; /* to bind: strings and numbers; true and false are infinite ones, + and - */
} mlp_search_sql;

mlplat_status mlp_search_sql_make(const mlp_search *search, mlp_search_sql *out, mlplat_error *err);
void mlp_search_sql_free(mlp_search_sql *sql);
/* Binds values from *i + 1 on, and moves *i. */
void mlp_search_bind(mlp_stmt *stmt, int *i, const json_t *values);

/* ---- search_value.c: the value at the current word, which is moved past */
mlplat_status mlp_search_read_value(mlp_search_lex *lex, const mlp_search_language *language, mlp_search_value kind,
                                    bool list, json_t **out, mlplat_error *err);
/* ---- search_name.c: the name at the current word, which is moved past */
mlplat_status mlp_search_read_name(mlp_search_lex *lex, const mlp_search_language *language, mlp_search_term *t,
                                   mlplat_error *err);
mlplat_status mlp_search_read_order(mlp_search_lex *lex, const mlp_search_language *language, mlp_search_term *t,
                                    mlplat_error *err);

#endif
