/* The Arrow C data and stream interfaces: who owns what is in base/alloc's memory until its release. */
#include "base/alloc.h"
#include "base/err.h"
#include "display/arrow_table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- arrays ------------------------------------------------------------------------------------------------------ */

static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_buffers && array->buffers; i++)
        mlp_free((void *)(uintptr_t)array->buffers[i]);
    for (int64_t i = 0; i < array->n_children && array->children; i++) {
        if (array->children[i] && array->children[i]->release)
            array->children[i]->release(array->children[i]);
        mlp_free(array->children[i]);
    }
    mlp_free(array->children);
    mlp_free((void *)(uintptr_t)array->buffers);
    array->release = NULL;
}

/* An array with room for its buffers and children; false: no memory, and the array can be released. */
static bool make_array(struct ArrowArray *out, int64_t length, int64_t nulls, int64_t n_buffers, int64_t n_children)
{
    *out = (struct ArrowArray){.length = length, .null_count = nulls, .release = release_array};
    out->buffers = mlp_alloc_array((size_t)n_buffers, sizeof *out->buffers);
    out->children = n_children ? mlp_alloc_array((size_t)n_children, sizeof *out->children) : NULL;
    if (!out->buffers || (n_children && !out->children))
        return false;
    out->n_buffers = n_buffers;
    for (; out->n_children < n_children; out->n_children++)
        if (!(out->children[out->n_children] = mlp_alloc(sizeof **out->children)))
            return false;
    return true;
}

/* The buffer's memory, which is the caller's now; never NULL but when there is none. */
static const void *take(mlp_buf *buf)
{
    return mlp_buf_take(buf);
}

static bool column_array(mlp_column *c, struct ArrowArray *out)
{
    bool offsets = c->format[0] == 'u' || c->format[0] == '+';
    int64_t n_buffers = c->items ? 2 : offsets ? 3 : 2, at = 0;
    if (!make_array(out, c->n, c->nulls, n_buffers, c->items ? 1 : 0))
        return false;
    if (offsets && !c->offsets.size)
        mlp_buf_add(&c->offsets, &(int32_t){0}, sizeof(int32_t));
    if (c->nulls)
        out->buffers[at] = take(&c->valid);
    mlp_buf_free(&c->valid);
    at++;
    if (offsets)
        out->buffers[at++] = take(&c->offsets);
    if (!c->items)
        out->buffers[at++] = take(&c->data);
    bool all = (!c->nulls || out->buffers[0]) && out->buffers[1] && out->buffers[n_buffers - 1];
    if (all && c->items)
        all = column_array(c->items, out->children[0]);
    c->n = c->nulls = 0;
    return all;
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children && schema->children; i++) {
        if (schema->children[i] && schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
        mlp_free(schema->children[i]);
    }
    mlp_free(schema->children);
    mlp_free((void *)(uintptr_t)schema->name);
    schema->release = NULL;
}

static bool make_schema(struct ArrowSchema *out, const char *format, const char *name, int64_t n_children)
{
    *out = (struct ArrowSchema){.format = format, .name = mlp_strdup(name), .release = release_schema};
    out->flags = *name ? ARROW_FLAG_NULLABLE : 0;
    out->children = n_children ? mlp_alloc_array((size_t)n_children, sizeof *out->children) : NULL;
    if (!out->name || (n_children && !out->children))
        return false;
    for (; out->n_children < n_children; out->n_children++)
        if (!(out->children[out->n_children] = mlp_alloc(sizeof **out->children)))
            return false;
    return true;
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

typedef struct stream {
    char **names;
    const char **formats;
    size_t n;
    struct ArrowArray *batches;
    size_t n_batches, given;
} stream;

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    const stream *s = self->private_data;
    bool all = make_schema(out, "+s", "", (int64_t)s->n);
    for (size_t i = 0; all && i < s->n; i++) {
        bool list = strcmp(s->formats[i], MLP_ARROW_TEXTS) == 0;
        all = make_schema(out->children[i], s->formats[i], s->names[i], list);
        if (all && list)
            all = make_schema(out->children[i]->children[0], MLP_ARROW_TEXT, "item", 0);
    }
    if (!all)
        out->release(out);
    return all ? 0 : ENOMEM;
}

static int get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    stream *s = self->private_data;
    *out = (struct ArrowArray){0};
    if (s->given < s->n_batches) {
        *out = s->batches[s->given];
        s->batches[s->given++].release = NULL;
    }
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *self)
{
    (void)self;
    return "no memory";
}

static void release_stream(struct ArrowArrayStream *self)
{
    stream *s = self->private_data;
    for (size_t i = 0; i < s->n_batches; i++)
        if (s->batches[i].release)
            s->batches[i].release(&s->batches[i]);
    for (size_t i = 0; s->names && i < s->n; i++)
        mlp_free(s->names[i]);
    mlp_free(s->batches);
    mlp_free(s->names);
    mlp_free((void *)s->formats);
    mlp_free(s);
    self->release = NULL;
}

mlplat_status mlp_arrow_stream(const mlp_table *table, struct ArrowArrayStream *out, mlplat_error *err)
{
    stream *s = mlp_alloc(sizeof *s);
    *out = (struct ArrowArrayStream){0};
    if (!s)
        return mlp_fail_memory(err);
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, s};
    s->names = mlp_alloc_array(table->n + 1, sizeof *s->names);
    s->formats = mlp_alloc_array(table->n + 1, sizeof *s->formats);
    bool all = s->names && s->formats;
    for (; all && s->n < table->n; s->n++) {
        s->formats[s->n] = table->columns[s->n].format;
        if (!(s->names[s->n] = mlp_strdup(table->columns[s->n].name)))
            all = false;
    }
    if (!all)
        release_stream(out);
    return all ? MLPLAT_OK : mlp_fail_memory(err);
}

static bool too_long(const mlp_column *c)
{
    return c->data.size > INT32_MAX && (c->format[0] == 'u');
}

static bool failed(const mlp_column *c)
{
    return c->data.failed || c->valid.failed || c->offsets.failed || (c->items && failed(c->items));
}

mlplat_status mlp_arrow_batch(mlp_table *table, int64_t rows, struct ArrowArrayStream *out, mlplat_error *err)
{
    stream *s = out->private_data;
    for (size_t i = 0; i < table->n; i++) {
        if (failed(&table->columns[i]))
            return mlp_fail_memory(err);
        if (too_long(&table->columns[i]))
            return mlp_fail(err, MLPLAT_INVALID, "column '%.100s' has more than 2 GB of text: ask for fewer rows",
                            table->columns[i].name);
    }
    void *grown = mlp_realloc(s->batches, (s->n_batches + 1) * sizeof *s->batches);
    if (!grown)
        return mlp_fail_memory(err);
    s->batches = grown;
    struct ArrowArray *batch = &s->batches[s->n_batches];
    bool all = make_array(batch, rows, 0, 1, (int64_t)table->n);
    for (size_t i = 0; all && i < table->n; i++)
        all = column_array(&table->columns[i], batch->children[i]);
    if (!all)
        release_array(batch);
    s->n_batches += all;
    return all ? MLPLAT_OK : mlp_fail_memory(err);
}
