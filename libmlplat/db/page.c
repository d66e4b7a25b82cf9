#include "db/page.h"
#include "base/err.h"
#include <stdio.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(const char *text, char *out)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i += 3) {
        unsigned left = (unsigned)(n - i), three = (unsigned char)text[i] * 65536u;
        three += left > 1 ? (unsigned char)text[i + 1] * 256u : 0;
        three += left > 2 ? (unsigned char)text[i + 2] : 0;
        *out++ = alphabet[three >> 18 & 63];
        *out++ = alphabet[three >> 12 & 63];
        *out++ = left > 1 ? alphabet[three >> 6 & 63] : '=';
        *out++ = left > 2 ? alphabet[three & 63] : '=';
    }
    *out = 0;
}

static mlplat_status decode(const char *token, mlp_buf *out, mlplat_error *err)
{
    unsigned bits = 0, have = 0;
    size_t n = strcspn(token, "=");
    for (size_t i = 0; i < n; i++) {
        const char *at = strchr(alphabet, token[i]);
        if (!at)
            return mlp_fail(err, MLPLAT_INVALID,
                            "page token is damaged: use next_page_token of the page before as it is");
        bits = (bits << 6 | (unsigned)(at - alphabet)) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            mlp_buf_putc(out, (char)(unsigned char)(bits >> have & 255));
        }
    }
    return mlp_buf_ok(out, err);
}

mlplat_status mlp_page_parse(const char *token, int64_t *offset, mlplat_error *err)
{
    *offset = 0;
    if (!token || !*token)
        return MLPLAT_OK;
    mlp_buf text = {0};
    json_t *json = NULL;
    mlplat_status s = decode(token, &text, err);
    if (s == MLPLAT_OK && mlp_json_parse(text.data ? text.data : "", text.size, &json, NULL) == MLPLAT_OK &&
        json_is_integer(json_object_get(json, "offset")))
        *offset = json_integer_value(json_object_get(json, "offset"));
    else if (s == MLPLAT_OK)
        *offset = -1;
    if (s == MLPLAT_OK && *offset < 0)
        s = mlp_fail(err, MLPLAT_INVALID, "page token is none: use next_page_token of the page before as it is");
    json_decref(json);
    mlp_buf_free(&text);
    return s;
}

mlplat_status mlp_page_put(json_t *object, int64_t offset, mlplat_error *err)
{
    char text[48], token[72];
    snprintf(text, sizeof text, "{\"offset\": %lld}", (long long)offset);
    encode(text, token);
    return mlp_json_set(object, "next_page_token", json_string(token), err);
}
