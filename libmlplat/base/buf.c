#include "base/buf.h"
#include "base/alloc.h"
#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for n more bytes and the NUL. */
static bool reserve(mlp_buf *b, size_t n)
{
    size_t need;
    if (b->failed || __builtin_add_overflow(b->size, n, &need) || __builtin_add_overflow(need, 1, &need))
        return !(b->failed = true);
    if (need <= b->cap)
        return true;
    size_t cap = b->cap < 64 ? 64 : b->cap + b->cap / 2;
    cap = cap < need ? need : cap;
    char *data = mlp_realloc(b->data, cap);
    if (!data)
        return !(b->failed = true);
    b->data = data;
    b->cap = cap;
    return true;
}

void mlp_buf_add(mlp_buf *b, const void *data, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n)
        memcpy(b->data + b->size, data, n);
    b->size += n;
    b->data[b->size] = 0;
}

void mlp_buf_puts(mlp_buf *b, const char *s)
{
    mlp_buf_add(b, s, strlen(s));
}

void mlp_buf_putc(mlp_buf *b, char c)
{
    mlp_buf_add(b, &c, 1);
}

void mlp_buf_printf(mlp_buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n < 0) {
        b->failed = true;
    } else if (reserve(b, (size_t)n)) {
        vsnprintf(b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void mlp_buf_clear(mlp_buf *b)
{
    b->size = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = 0;
}

void mlp_buf_free(mlp_buf *b)
{
    mlp_free(b->data);
    *b = (mlp_buf){0};
}

mlplat_status mlp_buf_ok(const mlp_buf *b, mlplat_error *err)
{
    return b->failed ? mlp_fail_memory(err) : MLPLAT_OK;
}

char *mlp_buf_take(mlp_buf *b)
{
    reserve(b, 0);
    char *out = b->failed ? NULL : b->data;
    if (out) {
        out[b->size] = 0;
        b->data = NULL;
    }
    mlp_buf_free(b);
    return out;
}
