#include "db/array.h"
#include <string.h>

/* Dimensions, whether there are NULLs, the type, how many, the first one's number: then a size and a value each. */
static const struct {
    uint32_t element, array;
} types[] = {[MLP_ARRAY_TEXT] = {25, 1009},
             [MLP_ARRAY_INT] = {20, 1016},
             [MLP_ARRAY_DOUBLE] = {701, 1022},
             [MLP_ARRAY_BOOL] = {16, 1000}};
enum { COUNT_AT = 12 };

static void put_number(mlp_buf *out, uint64_t value, size_t bytes)
{
    unsigned char raw[8];
    for (size_t i = 0; i < bytes; i++)
        raw[i] = (unsigned char)(value >> 8 * (bytes - 1 - i));
    mlp_buf_add(out, raw, bytes);
}

void mlp_array_begin(mlp_array *array, mlp_array_type type)
{
    array->type = type;
    array->n = 0;
    mlp_buf_clear(&array->data);
    put_number(&array->data, 1, 4);
    put_number(&array->data, 0, 4);
    put_number(&array->data, types[type].element, 4);
    put_number(&array->data, 0, 4);
    put_number(&array->data, 1, 4);
}

static void put(mlp_array *array, uint64_t value, size_t bytes)
{
    put_number(&array->data, bytes, 4);
    put_number(&array->data, value, bytes);
    array->n++;
}

void mlp_array_text(mlp_array *array, const char *value, size_t n)
{
    put_number(&array->data, n, 4);
    mlp_buf_add(&array->data, value, n);
    array->n++;
}

void mlp_array_int(mlp_array *array, int64_t value)
{
    put(array, (uint64_t)value, 8);
}

void mlp_array_double(mlp_array *array, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(array, bits, 8);
}

void mlp_array_bool(mlp_array *array, bool value)
{
    put(array, value, 1);
}

uint32_t mlp_array_close(mlp_array *array)
{
    if (!array->data.failed)
        for (size_t i = 0; i < 4; i++)
            array->data.data[COUNT_AT + i] = (char)(unsigned char)(array->n >> 8 * (3 - i));
    return types[array->type].array;
}

void mlp_array_free(mlp_array *array)
{
    mlp_buf_free(&array->data);
}
