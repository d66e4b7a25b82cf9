/* The minimal profile has no libyaml. JSON is YAML too, and that is read. */
#include "base/err.h"
#include "base/json.h"

#define TEXT_LIMIT ((size_t)16 << 20)

mlplat_status mlp_yaml_parse(const char *text, size_t n, json_t **out, mlplat_error *err)
{
    mlplat_error why;
    *out = NULL;
    if (n > TEXT_LIMIT)
        return mlp_fail(err, MLPLAT_INVALID, "YAML of %zu bytes: the limit is 16 MiB", n);
    mlplat_status s = n ? mlp_json_parse(text, n, out, &why) : MLPLAT_OK;
    if (!n)
        *out = json_null();
    if (s == MLPLAT_OK || s == MLPLAT_NO_MEMORY)
        return s == MLPLAT_OK ? s : mlp_fail_memory(err);
    return mlp_fail(err, MLPLAT_UNSUPPORTED, "this library has the minimal profile, which reads only JSON of YAML: %s",
                    why.message);
}

mlplat_status mlp_yaml_text(const json_t *json, mlp_buf *out, mlplat_error *err)
{
    (void)json, (void)out;
    return mlp_fail(err, MLPLAT_UNSUPPORTED, "this library has the minimal profile, which has no YAML: take JSON");
}
