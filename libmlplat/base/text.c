#include "base/text.h"
#include "base/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the character at s, 0 if it is not UTF-8 in shortest form. */
static size_t character(const unsigned char *s, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 4;
    if (size == 1)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4 || size > n)
        return 0;
    uint32_t code = s[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3fu);
    }
    return code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : size;
}

bool mlp_text_utf8(const char *s, size_t n)
{
    const unsigned char *at = (const unsigned char *)s;
    for (size_t size; n; n -= size, at += size)
        if (!(size = character(at, n)))
            return false;
    return true;
}

void mlp_text_put(mlp_buf *out, uint32_t code)
{
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    mlp_buf_putc(out, (char)(lead[more] | code >> (6 * more)));
    for (int i = more - 1; i >= 0; i--)
        mlp_buf_putc(out, (char)(0x80 | (code >> (6 * i) & 0x3f)));
}

void mlp_text_repair(char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n;) {
        size_t size = character((unsigned char *)s + i, n - i);
        if (!size)
            s[i] = '?';
        else if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            s[i] = ' ';
        else if (size == 2 && (unsigned char)s[i] == 0xc2 && (unsigned char)s[i + 1] < 0xa0)
            s[i] = s[i + 1] = ' '; /* U+0080 to U+009F are control characters as well: U+009B begins a sequence */
        i += size ? size : 1;
    }
}

size_t mlp_text_length(const char *s)
{
    size_t count = 0;
    for (; *s; s++)
        count += ((unsigned char)*s & 0xc0) != 0x80;
    return count;
}

size_t mlp_text_cut(const char *s, size_t codepoints)
{
    size_t i = 0;
    for (; s[i]; i++) {
        if (((unsigned char)s[i] & 0xc0) == 0x80)
            continue;
        if (codepoints == 0)
            break;
        codepoints--;
    }
    return i;
}

char *mlp_text_last(const char *s, char c, size_t n)
{
    while (n && s[n - 1] != c)
        n--;
    return n ? (char *)(uintptr_t)(s + n - 1) : NULL;
}

bool mlp_text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool mlp_text_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

void mlp_text_hex(const void *data, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = data;
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[at[i] >> 4];
        *out++ = digits[at[i] & 15];
    }
    *out = 0;
}

bool mlp_text_int64(const char *s, int64_t *out)
{
    const char *digits = s + (*s == '-' || *s == '+');
    char *end;
    if (*digits < '0' || *digits > '9') /* strtoll would take spaces and a second sign */
        return false;
    errno = 0;
    long long value = strtoll(s, &end, 10);
    if (*end || errno == ERANGE)
        return false;
    *out = value;
    return true;
}

/* The host may have chosen a locale with another decimal point; it is what printf puts between these two digits. */
static size_t decimal_point(char out[8])
{
    char text[16];
    snprintf(text, sizeof text, "%.1f", 1.5);
    size_t n = strlen(text) - 2;
    n = n < 8 ? n : 7;
    memcpy(out, text + 1, n);
    out[n] = 0;
    return n;
}

bool mlp_text_to_double(const char *s, double *out)
{
    char point[8], room[64], *end, *copy;
    size_t n = strlen(s), m = decimal_point(point);
    if (!n || strspn(s, "0123456789+-.eE") != n || !strpbrk(s, "0123456789"))
        return false;
    copy = n + m < sizeof room ? room : mlp_alloc(n + m + 1);
    if (!copy)
        return false;
    const char *dot = strchr(s, '.');
    size_t before = dot ? (size_t)(dot - s) : n;
    memset(room, 0, sizeof room);
    memcpy(copy, s, before);
    if (dot) {
        memcpy(copy + before, point, m);
        memcpy(copy + before + m, dot + 1, n - before - 1);
    }
    *out = strtod(copy, &end);
    bool whole = end != copy && !*end;
    if (copy != room)
        mlp_free(copy);
    return whole;
}

/* A positive number in decimal: d.ddd times ten to the exponent. */
typedef struct decimal {
    char digits[24];
    size_t n;
    int exponent;
} decimal;

static void strip_zeros(decimal *d)
{
    while (d->n > 1 && d->digits[d->n - 1] == '0')
        d->n--;
}

/* Most numbers that people write: a whole one of up to 15 digits over a power of ten. Both are exact, so the quotient
 * is what reading the text gives, and no two decimals of 15 digits are the same double: the text is the shortest. */
static bool easy_decimal(double v, decimal *out)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
    for (int i = 0; i < (int)(sizeof powers / sizeof powers[0]); i++) {
        double whole = v * powers[i];
        if (whole >= 1e15)
            return false;
        if (whole == trunc(whole) && whole / powers[i] == v) {
            out->n = (size_t)snprintf(out->digits, sizeof out->digits, "%" PRId64, (int64_t)whole);
            out->exponent = (int)out->n - 1 - i;
            return true;
        }
    }
    return false;
}

/* Above a power of two doubles lie twice as far apart as below, so the next decimal may be right where the nearest is
 * not. */
static bool next_decimal_fits(double v, char text[32])
{
    char *last = strchr(text, 'e') - 1;
    if (*last == '9')
        return false;
    ++*last;
    return strtod(text, NULL) == v;
}

/* The fewest significant digits that read back equal. 15 digits are always enough for a decimal of 15 or fewer, so 16
 * and 17 are tried only where they are needed; numbers below the normal range have fewer. */
static void shortest_decimal(double v, decimal *out)
{
    char text[32];
    int digits = v < 2.3e-308 ? 0 : 14;
    for (bool fits = false; !fits; digits++) {
        snprintf(text, sizeof text, "%.*e", digits, v);
        fits = digits >= 16 || strtod(text, NULL) == v || (digits == 15 && next_decimal_fits(v, text));
    }
    const char *exponent = strchr(text, 'e');
    out->n = 0;
    for (const char *at = text; at < exponent; at++)
        if (*at >= '0' && *at <= '9') /* the point may be a comma here */
            out->digits[out->n++] = *at;
    out->exponent = (int)strtol(exponent + 1, NULL, 10);
}

/* Positional where Python's repr is, else with an exponent. */
static void lay_out(const char *digits, size_t n, int exponent, char out[32])
{
    char *at = out;
    if (exponent < -4 || exponent >= 16) {
        *at++ = digits[0];
        if (n > 1)
            at += snprintf(at, 24, ".%.*s", (int)(n - 1), digits + 1);
        snprintf(at, 8, "e%c%02u", exponent < 0 ? '-' : '+', (unsigned)abs(exponent) % 1000);
        return;
    }
    if (exponent < 0)
        at += snprintf(at, 8, "0.%.*s", -exponent - 1, "000");
    for (int i = 0; i < (int)n || i <= exponent; i++) {
        *at++ = i < (int)n ? digits[i] : '0';
        if (i == exponent && i + 1 < (int)n)
            *at++ = '.';
    }
    bool whole = exponent >= 0 && (int)n <= exponent + 1;
    memcpy(at, whole ? ".0" : "", whole ? 3 : 1);
}

void mlp_text_double(double v, char out[32])
{
    decimal d = {.n = 0};
    if (isnan(v) || isinf(v)) {
        snprintf(out, 32, "%s", isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
        return;
    }
    if (signbit(v))
        *out++ = '-';
    if (!easy_decimal(fabs(v), &d))
        shortest_decimal(fabs(v), &d);
    strip_zeros(&d);
    lay_out(d.digits, d.n, d.exponent, out);
}

void mlp_text_quote(mlp_buf *out, const char *s, size_t limit)
{
    size_t n = strlen(s), used = 0;
    mlp_buf_putc(out, '\'');
    for (size_t i = 0; i < n && used < limit; used++) {
        size_t size = character((const unsigned char *)s + i, n - i);
        unsigned char c = (unsigned char)s[i];
        if (!size || c < 0x20 || c == 0x7f)
            mlp_buf_add(out, (char[]){'\\', 'x', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]}, 4);
        else
            mlp_buf_add(out, s + i, size);
        i += size ? size : 1;
        if (used + 1 >= limit && i < n)
            mlp_buf_puts(out, "...");
    }
    mlp_buf_putc(out, '\'');
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

char *mlp_text_unpercent(const char *s)
{
    char *out = mlp_alloc(strlen(s) + 1);
    char *to = out;
    while (out && *s) {
        int high = *s == '%' ? hex_digit(s[1]) : -1;
        int low = high >= 0 ? hex_digit(s[2]) : -1;
        bool decoded = low >= 0 && (high || low); /* a NUL would end the text early: it stays %00 */
        char c = *s;
        if (decoded)
            c = (char)(high * 16 + low);
        *to++ = c;
        s += decoded ? 3 : 1;
    }
    return out;
}

void mlp_text_percent_some(mlp_buf *out, const char *s, const char *unsafe)
{
    for (; *s; s++)
        mlp_buf_printf(out, strchr(unsafe, *s) ? "%%%02X" : "%c", (unsigned)(unsigned char)*s);
}

void mlp_text_percent(mlp_buf *out, const char *s, const char *safe)
{
    for (; *s; s++) {
        char c = *s;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c) ||
                     strchr(safe, c);
        if (plain)
            mlp_buf_putc(out, c);
        else
            mlp_buf_printf(out, "%%%02X", (unsigned char)c);
    }
}
