/* A column of values as one parameter of a statement, for engines where each statement is a way to a server and back.
 */
#ifndef MLP_ARRAY_H
#define MLP_ARRAY_H
#include "base/buf.h"
#include <stdint.h>

typedef enum mlp_array_type { MLP_ARRAY_TEXT, MLP_ARRAY_INT, MLP_ARRAY_DOUBLE, MLP_ARRAY_BOOL } mlp_array_type;

typedef struct mlp_array {
    mlp_array_type type;
    mlp_buf data; /* as PostgreSQL takes it; failure sticks */
    uint32_t n;
} mlp_array;

void mlp_array_begin(mlp_array *array, mlp_array_type type); /* keeps the memory of what it was */
void mlp_array_text(mlp_array *array, const char *value, size_t n);
void mlp_array_int(mlp_array *array, int64_t value);
void mlp_array_double(mlp_array *array, double value);
void mlp_array_bool(mlp_array *array, bool value);
/* Ends it, as the engine needs it; returns PostgreSQL's number of its type. */
uint32_t mlp_array_close(mlp_array *array);
void mlp_array_free(mlp_array *array);

#endif
