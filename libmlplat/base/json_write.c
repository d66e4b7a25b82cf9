/* JSON text: order kept, numbers in their shortest form (jansson would write 0.1 with 17 digits). */
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include <string.h>

#define COMPACT (-1)

void mlp_json_put_string(mlp_buf *out, const char *s, size_t n)
{
    mlp_buf_putc(out, '"');
    for (size_t i = 0, plain; i < n; i += plain + 1) {
        for (plain = 0; i + plain < n; plain++) {
            unsigned char c = (unsigned char)s[i + plain];
            if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
                break;
        }
        mlp_buf_add(out, s + i, plain);
        if (i + plain == n)
            break;
        unsigned char c = (unsigned char)s[i + plain];
        if (c == '"' || c == '\\')
            mlp_buf_printf(out, "\\%c", c);
        else if (c == '\n' || c == '\t' || c == '\r')
            mlp_buf_puts(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
        else
            mlp_buf_printf(out, "\\u%04x", c);
    }
    mlp_buf_putc(out, '"');
}

static void new_line(mlp_buf *out, int indent)
{
    if (indent != COMPACT)
        mlp_buf_printf(out, "\n%*s", indent, "");
}

static void write_value(const json_t *json, int indent, mlp_buf *out);

static void write_array(const json_t *json, int indent, mlp_buf *out)
{
    int inner = indent == COMPACT ? COMPACT : indent + 2;
    size_t n = json_array_size(json);
    mlp_buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            mlp_buf_putc(out, ',');
        new_line(out, inner);
        write_value(json_array_get(json, i), inner, out);
    }
    if (n)
        new_line(out, indent);
    mlp_buf_putc(out, ']');
}

static void write_object(const json_t *json, int indent, mlp_buf *out)
{
    int inner = indent == COMPACT ? COMPACT : indent + 2;
    const char *comma = "";
    json_t *object = (json_t *)json; /* jansson's iterators are not const, but change nothing */
    mlp_buf_putc(out, '{');
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        mlp_buf_puts(out, comma);
        new_line(out, inner);
        mlp_json_put_string(out, json_object_iter_key(at), strlen(json_object_iter_key(at)));
        mlp_buf_puts(out, indent == COMPACT ? ":" : ": ");
        write_value(json_object_iter_value(at), inner, out);
        comma = ",";
    }
    if (*comma)
        new_line(out, indent);
    mlp_buf_putc(out, '}');
}

static void write_value(const json_t *json, int indent, mlp_buf *out)
{
    char number[32];
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        write_object(json, indent, out);
        break;
    case JSON_ARRAY:
        write_array(json, indent, out);
        break;
    case JSON_STRING:
        mlp_json_put_string(out, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        mlp_buf_printf(out, "%lld", (long long)json_integer_value(json));
        break;
    case JSON_REAL:
        mlp_text_double(json_real_value(json), number);
        mlp_buf_puts(out, number);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        mlp_buf_puts(out, json_is_true(json) ? "true" : "false");
        break;
    default:
        mlp_buf_puts(out, "null");
    }
}

mlplat_status mlp_json_text(const json_t *json, mlp_buf *out, mlplat_error *err)
{
    write_value(json, COMPACT, out);
    return mlp_buf_ok(out, err);
}

mlplat_status mlp_json_pretty(const json_t *json, mlp_buf *out, mlplat_error *err)
{
    write_value(json, 0, out);
    return mlp_buf_ok(out, err);
}
