#include "display/markup.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* The next character, 0xfffd for a byte that is none; *s moves on. */
static uint32_t next_character(const char **s)
{
    const unsigned char *at = (const unsigned char *)*s;
    size_t n = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4, have = 1;
    while (have < n && (at[have] & 0xc0) == 0x80)
        have++;
    if (have < n || !mlp_text_utf8(*s, n)) {
        *s += 1;
        return 0xfffd;
    }
    *s += n;
    uint32_t code = n == 1 ? at[0] : at[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        code = code << 6 | (at[i] & 0x3fu);
    return code;
}

/* Marks of direction, joiners of nothing, separators that break lines: what is not seen but changes what is. */
static bool is_unseen(uint32_t c)
{
    return c == 0x61c || c == 0xad || c == 0x180e || c == 0x200b || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

static void put_character(mlp_buf *out, uint32_t c)
{
    static const struct {
        char c;
        const char *name;
    } named[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (c == (unsigned char)named[i].c) {
            mlp_buf_puts(out, named[i].name);
            return;
        }
    if (c == '\t' || c == '\n' || c == '\r')
        mlp_buf_putc(out, ' ');
    else if (c < 0x20)
        mlp_buf_printf(out, "&#%u;", 0x2400 + c); /* the picture of the control character */
    else if (c == 0x7f)
        mlp_buf_puts(out, "&#9249;");
    else if (c < 0x7f)
        mlp_buf_putc(out, (char)c);
    else if (is_unseen(c))
        mlp_buf_printf(out, "[U+%04X]", c);
    else if (c < 0xa0 || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
        mlp_buf_puts(out, "&#65533;");
    else
        mlp_buf_printf(out, "&#%u;", c);
}

void mlp_markup_text(mlp_buf *out, const char *s, size_t limit)
{
    for (size_t n = 0; *s; n++) {
        if (n + 1 >= limit && mlp_text_length(s) > 1) {
            mlp_buf_puts(out, "&#8230;");
            return;
        }
        put_character(out, next_character(&s));
    }
}

void mlp_markup_value(mlp_buf *out, const char *s, size_t limit)
{
    bool cut = mlp_text_length(s) > limit;
    if (cut) {
        mlp_buf_puts(out, "<span title=\"");
        mlp_markup_text(out, s, MLP_MARKUP_HINT);
        mlp_buf_puts(out, "\">");
    }
    mlp_markup_text(out, s, limit);
    if (cut)
        mlp_buf_puts(out, "</span>");
}

size_t mlp_markup_width(const char *s, size_t limit)
{
    size_t width = 0;
    for (size_t n = 0; *s && n < limit; n++) {
        uint32_t c = next_character(&s);
        width += is_unseen(c) ? 8 : c >= 0x1100 ? 2 : 1;
    }
    return width;
}

/* ---- numbers and times ------------------------------------------------------------------------------------------- */

void mlp_markup_number(mlp_buf *out, double value)
{
    char text[32];
    if (isnan(value)) {
        mlp_buf_puts(out, "NaN");
    } else if (isinf(value)) {
        mlp_buf_puts(out, value > 0 ? "&#8734;" : "-&#8734;");
    } else if (fabs(value) < 1e12 && value == floor(value)) {
        mlp_buf_printf(out, "%lld", (long long)value);
    } else {
        snprintf(text, sizeof text, "%.6g", value);
        for (char *p = text; *p; p++)
            if (*p == ',')
                *p = '.'; /* the locale's */
        mlp_buf_puts(out, text);
    }
}

void mlp_markup_time(mlp_buf *out, int64_t ms)
{
    char text[64];
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);
    if (ms > 0 && ms < 253402300800000 && gmtime_r(&seconds, &tm) &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm) > 0)
        mlp_buf_puts(out, text);
}

void mlp_markup_duration(mlp_buf *out, double seconds)
{
    if (!(seconds >= 0) || seconds > 1e11)
        return;
    long long whole = (long long)seconds;
    if (seconds < 0.9995)
        mlp_buf_printf(out, "%.0f ms", seconds * 1000);
    else if (seconds < 60)
        mlp_buf_printf(out, "%lld.%d s", whole, (int)((seconds - (double)whole) * 10));
    else if (seconds < 3600)
        mlp_buf_printf(out, "%lld min %lld s", whole / 60, whole % 60);
    else if (seconds < 48 * 3600)
        mlp_buf_printf(out, "%lld h %lld min", whole / 3600, whole / 60 % 60);
    else
        mlp_buf_printf(out, "%lld d %lld h", whole / 86400, whole / 3600 % 24);
}

/* ---- members of documents ---------------------------------------------------------------------------------------- */

const char *mlp_markup_string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int64_t mlp_markup_int(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value))
        return json_integer_value(value);
    return json_is_real(value) && fabs(json_real_value(value)) < 9e18 ? (int64_t)json_real_value(value) : 0;
}

bool mlp_markup_double(const json_t *object, const char *key, double *value)
{
    const json_t *item = json_object_get(object, key);
    const char *text = json_string_value(item);
    *value = json_is_number(item) ? json_number_value(item) : (double)NAN;
    if (text && strcmp(text, "Infinity") == 0)
        *value = (double)INFINITY;
    else if (text && strcmp(text, "-Infinity") == 0)
        *value = -(double)INFINITY;
    else if (text && strcmp(text, "NaN") != 0)
        return mlp_text_to_double(text, value);
    return json_is_number(item) || text;
}

const char *mlp_markup_pair(const json_t *list, const char *key)
{
    size_t i;
    json_t *pair;
    json_array_foreach((json_t *)list, i, pair)
    {
        if (strcmp(mlp_markup_string(pair, "key"), key) == 0)
            return mlp_markup_string(pair, "value");
    }
    return NULL;
}
