/* JSON text beside jansson's own reader: both take the same texts and give the same values, and limits refuse what is
 * beyond them and nothing else. Input: a byte for what else than RFC 8259 is taken, two limits, JSON. */
#include "base/json.h"
#include "fuzz.h"

enum { NO_LIMIT = 2000 }; /* jansson has a limit of 2,048 levels, which a shorter text does not reach */

static bool same(const json_t *a, const json_t *b);

static bool same_real(const json_t *a, const json_t *b)
{
    double x = json_real_value(a), y = json_real_value(b);
    return memcmp(&x, &y, sizeof x) == 0; /* -0.0 is not 0.0 */
}

static bool same_string(const json_t *a, const json_t *b)
{
    size_t n = json_string_length(a);
    return n == json_string_length(b) && memcmp(json_string_value(a), json_string_value(b), n) == 0;
}

static bool same_array(const json_t *a, const json_t *b)
{
    size_t n = json_array_size(a), i = 0;
    while (n == json_array_size(b) && i < n && same(json_array_get(a, i), json_array_get(b, i)))
        i++;
    return n == json_array_size(b) && i == n;
}

/* The same keys in the same order too. */
static bool same_object(const json_t *a, const json_t *b)
{
    json_t *left = (json_t *)(uintptr_t)a, *right = (json_t *)(uintptr_t)b;
    void *at = json_object_iter(left), *beside = json_object_iter(right);
    for (; at && beside; at = json_object_iter_next(left, at), beside = json_object_iter_next(right, beside))
        if (strcmp(json_object_iter_key(at), json_object_iter_key(beside)) != 0 ||
            !same(json_object_iter_value(at), json_object_iter_value(beside)))
            return false;
    return !at && !beside;
}

static bool same(const json_t *a, const json_t *b)
{
    if (json_typeof(a) != json_typeof(b))
        return false;
    switch (json_typeof(a)) {
    case JSON_OBJECT: return same_object(a, b);
    case JSON_ARRAY: return same_array(a, b);
    case JSON_STRING: return same_string(a, b);
    case JSON_REAL: return same_real(a, b);
    case JSON_INTEGER: return json_integer_value(a) == json_integer_value(b);
    default: return true;
    }
}

static size_t levels_of(const json_t *json)
{
    size_t i, most = 0, n;
    const char *key;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)json, i, value) most = (n = levels_of(value)) > most ? n : most;
    json_object_foreach((json_t *)(uintptr_t)json, key, value) most = (n = levels_of(value)) > most ? n : most;
    return most + (json_is_array(json) || json_is_object(json));
}

static size_t values_of(const json_t *json)
{
    size_t i, n = 1;
    const char *key;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)json, i, value) n += values_of(value);
    json_object_foreach((json_t *)(uintptr_t)json, key, value) n += values_of(value);
    return n;
}

/* The same text and as many levels and values as it may have at most. Of keys that come twice values are lost, which
 * count as well. */
static void check_limits(fuzz_input in, mlp_json_rules rules, size_t levels, size_t values, const json_t *want)
{
    json_t *json = NULL;
    rules.levels = levels;
    rules.values = values;
    mlplat_status s = mlp_json_read((const char *)in.at, in.n, &rules, &json, NULL);
    if (!want || levels_of(want) > levels || values_of(want) > values)
        fuzz_check(s == MLPLAT_INVALID && !json);
    else if (!rules.duplicates)
        fuzz_check(s == MLPLAT_OK);
    fuzz_check(s == MLPLAT_OK ? same(json, want) : !json);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    unsigned how = fuzz_byte(&in), levels = fuzz_byte(&in), values = fuzz_byte(&in);
    mlp_json_rules rules = {
        .levels = NO_LIMIT, .values = NO_LIMIT, .duplicates = how & 1, .nul = how & 2, .reals = how & 4};
    size_t flags = JSON_DECODE_ANY | (how & 1 ? 0 : JSON_REJECT_DUPLICATES) | (how & 2 ? JSON_ALLOW_NUL : 0) |
                   (how & 4 ? JSON_DECODE_INT_AS_REAL : 0);
    json_t *json = NULL;
    if (in.n >= NO_LIMIT)
        return 0;
    /* No text has a NUL; jansson passes by one behind a number. */
    json_t *want = in.n && memchr(in.at, 0, in.n) ? NULL : json_loadb((const char *)in.at, in.n, flags, NULL);
    mlplat_status s = mlp_json_read((const char *)in.at, in.n, &rules, &json, err);
    fuzz_check(s == (want ? MLPLAT_OK : MLPLAT_INVALID) && !json == !want);
    fuzz_check(want ? same(json, want) : fuzz_refused(s, err));
    check_limits(in, rules, levels % 8, values % 16, want);
    json_decref(json);
    json_decref(want);
    return 0;
}
