/* A growing buffer of bytes. Zero is empty. Failure sticks: append freely, then ask mlp_buf_ok once.
 * data always ends with a NUL that does not count. */
#ifndef MLP_BUF_H
#define MLP_BUF_H
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct mlp_buf {
    char *data;
    size_t size, cap;
    bool failed;
} mlp_buf;

void mlp_buf_add(mlp_buf *b, const void *data, size_t n);
void mlp_buf_puts(mlp_buf *b, const char *s);
void mlp_buf_putc(mlp_buf *b, char c);
void mlp_buf_printf(mlp_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mlp_buf_clear(mlp_buf *b); /* keeps the memory */
void mlp_buf_free(mlp_buf *b);
mlplat_status mlp_buf_ok(const mlp_buf *b, mlplat_error *err); /* NO_MEMORY if any append failed */
char *mlp_buf_take(mlp_buf *b); /* the string is the caller's now; "" if empty, NULL if failed */

#endif
