#include "transport/secret.h"
#include "base/alloc.h"
#include <string.h>

/* Not memset: a compiler may leave out what nobody reads. */
static void wipe(void *memory, size_t n)
{
    volatile unsigned char *at = memory;
    while (n--)
        *at++ = 0;
}

void mlp_secret_free(char *text)
{
    if (text)
        wipe(text, strlen(text));
    mlp_free(text);
}

void mlp_secret_clear(mlp_buf *text)
{
    if (text->data)
        wipe(text->data, text->cap);
    mlp_buf_free(text);
}

bool mlp_secret_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

char *mlp_secret_base64(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = (const unsigned char *)text;
    size_t n = strlen(text);
    char *out = mlp_alloc((n + 2) / 3 * 4 + 1), *to = out;
    for (size_t i = 0; out && i < n; i += 3) {
        size_t left = n - i;
        unsigned bits = (unsigned)from[i] << 16 | (left > 1 ? (unsigned)from[i + 1] << 8 : 0) |
                        (left > 2 ? (unsigned)from[i + 2] : 0);
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[bits & 63] : '=';
    }
    return out;
}

void mlp_secret_hide(char *text, const char *secret)
{
    size_t n = strlen(secret), stars = n < 3 ? n : 3;
    for (char *at = text; n && (at = strstr(at, secret)); at += stars) {
        memset(at, '*', stars);
        memmove(at + stars, at + n, strlen(at + n) + 1);
    }
}

bool mlp_secret_fits_header(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}
