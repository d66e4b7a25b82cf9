#include "base/json.h"
#include "base/err.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

#define TEXT_LIMIT   ((size_t)64 << 20)
#define VALUES_LIMIT ((size_t)1 << 22) /* "{}," takes 80 times its size in memory: 1 GiB */

mlplat_status mlp_json_parse(const char *text, size_t n, json_t **out, mlplat_error *err)
{
    return mlp_json_parse_few(text, n, VALUES_LIMIT, out, err);
}

mlplat_status mlp_json_parse_few(const char *text, size_t n, size_t most, json_t **out, mlplat_error *err)
{
    const mlp_json_rules strict = {.levels = 64, .values = most};
    *out = NULL;
    if (n > TEXT_LIMIT)
        return mlp_fail(err, MLPLAT_INVALID, "JSON of %zu bytes: the limit is 64 MiB", n);
    return mlp_json_read(text, n, &strict, out, err);
}

static mlplat_status check_tags(const json_t *tags, const char *what, mlplat_error *err)
{
    void *at;
    if (!json_is_object(tags))
        return mlp_fail(err, MLPLAT_INVALID, "%s: must be a JSON object of strings, like {\"team\": \"fraud\"}", what);
    for (at = json_object_iter((json_t *)tags); at; at = json_object_iter_next((json_t *)tags, at))
        if (!json_is_string(json_object_iter_value(at)))
            return mlp_fail(err, MLPLAT_INVALID, "%s: the value of '%.250s' must be a string: put it in quotes", what,
                            json_object_iter_key(at));
    return MLPLAT_OK;
}

mlplat_status mlp_json_parse_tags(const char *text, const char *what, json_t **out, mlplat_error *err)
{
    if (!text || !*text) {
        *out = json_object();
        return *out ? MLPLAT_OK : mlp_fail_memory(err);
    }
    mlplat_status s = mlp_json_parse(text, strlen(text), out, err);
    if (s != MLPLAT_OK)
        return mlp_fail_prefix(err, s, "%s", what);
    s = check_tags(*out, what, err);
    if (s != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}

json_t *mlp_json_double(double v)
{
    if (isfinite(v))
        return json_real(v);
    return json_string(isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
}

mlplat_status mlp_json_set(json_t *object, const char *key, json_t *value, mlplat_error *err)
{
    return json_object_set_new(object, key, value) == 0 ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_json_push(json_t *array, json_t *value, mlplat_error *err)
{
    return json_array_append_new(array, value) == 0 ? MLPLAT_OK : mlp_fail_memory(err);
}

json_t *mlp_json_string(const char *s)
{
    size_t n = s ? strlen(s) : 0;
    mlp_buf fixed = {0};
    if (mlp_text_utf8(s ? s : "", n))
        return json_stringn_nocheck(s ? s : "", n);
    for (size_t i = 0, size; i < n; i += size) {
        for (size = 1; size < 4 && i + size < n && ((unsigned char)s[i + size] & 0xc0) == 0x80; size++)
            ;
        while (size > 1 && !mlp_text_utf8(s + i, size))
            size--;
        if (mlp_text_utf8(s + i, size))
            mlp_buf_add(&fixed, s + i, size);
        else
            mlp_buf_puts(&fixed, "\xef\xbf\xbd");
    }
    json_t *out = fixed.failed ? NULL : json_stringn_nocheck(fixed.data, fixed.size);
    mlp_buf_free(&fixed);
    return out;
}
