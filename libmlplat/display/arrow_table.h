/* Tables as Arrow streams: columns are filled value by value, a batch of them becomes an array, arrays become a stream.
 */
#ifndef MLP_ARROW_TABLE_H
#define MLP_ARROW_TABLE_H
#include "base/buf.h"
#include <mlplat/arrow.h>
#include <stdint.h>

/* Formats of Arrow that we write. */
#define MLP_ARROW_TEXT   "u"
#define MLP_ARROW_INT    "l"
#define MLP_ARROW_DOUBLE "g"
#define MLP_ARROW_TIME   "tsm:UTC"
#define MLP_ARROW_TEXTS  "+l" /* a list of texts */

/* Zero but for name and format is empty. Failures to get memory stick and come out of mlp_arrow_batch. */
typedef struct mlp_column {
    char *name;         /* the table's */
    const char *format; /* one of those above */
    mlp_buf valid, offsets, data;
    struct mlp_column *items; /* of a list */
    int64_t n, nulls;
} mlp_column;

/* Zero is empty. */
typedef struct mlp_table {
    mlp_column *columns;
    size_t n, room;
} mlp_table;

/* Adds a column; its place is *at (may be NULL), which later additions do not change. NO_MEMORY; INVALID: too many. */
mlplat_status mlp_table_column(mlp_table *table, const char *prefix, const char *name, const char *format, size_t *at,
                               mlplat_error *err);
void mlp_table_free(mlp_table *table);

void mlp_column_null(mlp_column *column);
void mlp_column_text(mlp_column *column, const char *text, size_t n);
void mlp_column_int(mlp_column *column, int64_t value); /* of MLP_ARROW_INT and _TIME */
void mlp_column_double(mlp_column *column, double value);
void mlp_column_end_list(mlp_column *column); /* what was added to items is one row */
/* Many at once, none of them null. */
void mlp_column_many(mlp_column *column, const void *values, size_t n);
void mlp_column_same_text(mlp_column *column, const char *text, size_t n);

/* A stream of the table's columns and no batches yet. *out is the caller's: its release. */
mlplat_status mlp_arrow_stream(const mlp_table *table, struct ArrowArrayStream *out, mlplat_error *err);
/* Moves the columns' rows into the stream as one more batch; the table is empty again. NO_MEMORY; INVALID: more than
 * 2 GB of text in one column. */
mlplat_status mlp_arrow_batch(mlp_table *table, int64_t rows, struct ArrowArrayStream *out, mlplat_error *err);

#endif
