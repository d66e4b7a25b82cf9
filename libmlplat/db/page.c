#include "db/page.h"
#include "base/err.h"
#include <stdio.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(const char *text, size_t n, mlp_buf *out)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        unsigned three = (unsigned char)text[i] * 65536u;
        three += left > 1 ? (unsigned char)text[i + 1] * 256u : 0;
        three += left > 2 ? (unsigned char)text[i + 2] : 0;
        mlp_buf_putc(out, alphabet[three >> 18 & 63]);
        mlp_buf_putc(out, alphabet[three >> 12 & 63]);
        mlp_buf_putc(out, left > 1 ? alphabet[three >> 6 & 63] : '=');
        mlp_buf_putc(out, left > 2 ? alphabet[three & 63] : '=');
    }
}

mlplat_status mlp_page_fail(const char *token, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_INVALID,
                    "'%.40s' is no token of a page: give next_page_token of the page before as it is", token);
}

static mlplat_status decode(const char *token, mlp_buf *out, mlplat_error *err)
{
    unsigned bits = 0, have = 0;
    size_t n = strcspn(token, "=");
    for (size_t i = 0; i < n; i++) {
        const char *at = strchr(alphabet, token[i]);
        if (!at)
            return mlp_page_fail(token, err);
        bits = (bits << 6 | (unsigned)(at - alphabet)) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            mlp_buf_putc(out, (char)(unsigned char)(bits >> have & 255));
        }
    }
    return mlp_buf_ok(out, err);
}

mlplat_status mlp_page_encode(const json_t *document, mlp_buf *token, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = mlp_json_text(document, &text, err);
    if (s == MLPLAT_OK) {
        encode(text.data, text.size, token);
        s = mlp_buf_ok(token, err);
    }
    mlp_buf_free(&text);
    return s;
}

mlplat_status mlp_page_decode(const char *token, json_t **document, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = decode(token, &text, err);
    if (s == MLPLAT_OK)
        s = mlp_json_parse(text.data ? text.data : "", text.size, document, err);
    if (s == MLPLAT_INVALID || (s == MLPLAT_OK && !json_is_object(*document)))
        s = mlp_page_fail(token, err);
    mlp_buf_free(&text);
    return s;
}

mlplat_status mlp_page_parse(const char *token, int64_t *offset, mlplat_error *err)
{
    json_t *document = NULL;
    *offset = 0;
    if (!token || !*token)
        return MLPLAT_OK;
    mlplat_status s = mlp_page_decode(token, &document, err);
    const json_t *number = json_object_get(document, "offset");
    if (s == MLPLAT_OK && (!json_is_integer(number) || json_integer_value(number) < 1))
        s = mlp_page_fail(token, err);
    else if (s == MLPLAT_OK)
        *offset = json_integer_value(number);
    json_decref(document);
    return s;
}

mlplat_status mlp_page_put(json_t *object, int64_t offset, mlplat_error *err)
{
    char text[48];
    mlp_buf token = {0};
    int n = snprintf(text, sizeof text, "{\"offset\": %lld}", (long long)offset); /* spaced as MLflow's */
    encode(text, (size_t)n, &token);
    mlplat_status s = mlp_buf_ok(&token, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(object, "next_page_token", json_string(token.data), err);
    mlp_buf_free(&token);
    return s;
}
