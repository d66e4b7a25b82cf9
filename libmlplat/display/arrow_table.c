/* Columns that grow. */
#include "display/arrow_table.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

enum { COLUMNS_MOST = 100000 };

mlplat_status mlp_table_column(mlp_table *table, const char *prefix, const char *name, const char *format, size_t *at,
                               mlplat_error *err)
{
    if (table->n == COLUMNS_MOST)
        return mlp_fail(err, MLPLAT_INVALID, "a table of more than %d columns", COLUMNS_MOST);
    if (table->n == table->room) {
        size_t room = table->room ? table->room * 2 : 16;
        void *grown = mlp_realloc(table->columns, room * sizeof *table->columns);
        if (!grown)
            return mlp_fail_memory(err);
        table->columns = grown;
        table->room = room;
    }
    mlp_column *c = &table->columns[table->n];
    *c = (mlp_column){.name = mlp_sprintf("%s%s", prefix, name), .format = format};
    if (c->name && strcmp(format, MLP_ARROW_TEXTS) == 0) {
        c->items = mlp_alloc(sizeof *c->items);
        if (c->items)
            *c->items = (mlp_column){.name = mlp_strdup("item"), .format = MLP_ARROW_TEXT};
    }
    if (at)
        *at = table->n;
    table->n += c->name != NULL;
    return c->name && (!c->items || c->items->name) && (c->items || strcmp(format, MLP_ARROW_TEXTS) != 0)
               ? MLPLAT_OK
               : mlp_fail_memory(err);
}

static void free_column(mlp_column *c)
{
    if (c->items)
        free_column(c->items);
    mlp_free(c->items);
    mlp_free(c->name);
    mlp_buf_free(&c->valid);
    mlp_buf_free(&c->offsets);
    mlp_buf_free(&c->data);
}

void mlp_table_free(mlp_table *table)
{
    for (size_t i = 0; i < table->n; i++)
        free_column(&table->columns[i]);
    mlp_free(table->columns);
    *table = (mlp_table){0};
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool has_offsets(const mlp_column *c)
{
    return c->format[0] == 'u' || c->format[0] == '+';
}

static void put_offset(mlp_column *c, size_t end)
{
    int32_t offset = end > INT32_MAX ? -1 : (int32_t)end;
    if (!c->offsets.size)
        mlp_buf_add(&c->offsets, &(int32_t){0}, sizeof offset);
    mlp_buf_add(&c->offsets, &offset, sizeof offset);
}

static void put_valid(mlp_column *c, bool valid)
{
    if (c->n % 8 == 0)
        mlp_buf_putc(&c->valid, 0);
    if (valid && c->valid.data)
        c->valid.data[c->n / 8] = (char)(c->valid.data[c->n / 8] | 1 << c->n % 8);
    c->n++;
    c->nulls += !valid;
}

void mlp_column_null(mlp_column *c)
{
    put_valid(c, false);
    if (c->items)
        put_offset(c, (size_t)c->items->n);
    else if (has_offsets(c))
        put_offset(c, c->data.size);
    else
        mlp_buf_add(&c->data, &(int64_t){0}, sizeof(int64_t));
}

void mlp_column_text(mlp_column *c, const char *text, size_t n)
{
    put_valid(c, true);
    mlp_buf_add(&c->data, text, n);
    put_offset(c, c->data.size);
}

void mlp_column_int(mlp_column *c, int64_t value)
{
    put_valid(c, true);
    mlp_buf_add(&c->data, &value, sizeof value);
}

void mlp_column_double(mlp_column *c, double value)
{
    put_valid(c, true);
    mlp_buf_add(&c->data, &value, sizeof value);
}

void mlp_column_end_list(mlp_column *c)
{
    put_valid(c, true);
    put_offset(c, (size_t)c->items->n);
}

/* Without a bitmap: none is null. */
void mlp_column_many(mlp_column *c, const void *values, size_t n)
{
    mlp_buf_add(&c->data, values, n * 8);
    c->n += (int64_t)n;
}

/* By blocks, as a million additions of one text take longer than reading a million points. */
void mlp_column_same_text(mlp_column *c, const char *text, size_t n)
{
    int32_t offsets[512];
    size_t length = strlen(text), have = 0;
    mlp_buf block = {0};
    if (!c->offsets.size)
        mlp_buf_add(&c->offsets, &(int32_t){0}, sizeof(int32_t));
    for (size_t i = 0; i < 512 && i < n; i++)
        mlp_buf_add(&block, text, length);
    for (size_t i = 0; i < n; i++) {
        size_t end = c->data.size + (have + 1) * length;
        offsets[have++] = end > INT32_MAX ? -1 : (int32_t)end;
        if (have == 512 || i + 1 == n) {
            mlp_buf_add(&c->offsets, offsets, have * sizeof *offsets);
            mlp_buf_add(&c->data, block.data ? block.data : "", block.failed ? 0 : have * length);
            have = 0;
        }
    }
    c->data.failed |= block.failed;
    c->n += (int64_t)n;
    mlp_buf_free(&block);
}
