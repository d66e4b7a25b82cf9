/* YAML: what is read is written and read again as the same; what is JSON too means the same in both. */
#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"

enum { DEPTH_MOST = 64 };

static void check_value(const json_t *json, int depth)
{
    size_t i;
    const char *key;
    json_t *value;
    bool inner = json_is_array(json) || json_is_object(json);
    fuzz_check(depth + inner <= DEPTH_MOST);
    if (json_is_string(json))
        fuzz_check(mlp_text_utf8(json_string_value(json), json_string_length(json)));
    json_array_foreach((json_t *)(uintptr_t)json, i, value) check_value(value, depth + 1);
    json_object_foreach((json_t *)(uintptr_t)json, key, value) check_value(value, depth + 1);
}

static void check_written(const json_t *json)
{
    mlplat_error err = {0};
    mlp_buf text = {0};
    json_t *again = NULL;
    fuzz_check(mlp_yaml_text(json, &text, &err) == MLPLAT_OK);
    if (mlp_yaml_parse(text.data, text.size, &again, &err) != MLPLAT_OK || !json_equal(json, again)) {
        fprintf(stderr, "%s\n%s\n", err.message, text.data);
        fuzz_fail(__FILE__, __LINE__, "written YAML reads back");
    }
    json_decref(again);
    mlp_buf_free(&text);
}

/* Line breaks of YAML 1.1, which libyaml reads, and of no newer one: they are folded in quotes. */
static bool old_breaks(const char *text, size_t n)
{
    static const char breaks[][4] = {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++)
        if (memmem(text, n, breaks[i], strlen(breaks[i])))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlplat_error *err = fuzz_error(data, size);
    json_t *all = NULL, *one = NULL, *json = NULL;
    const char *text = (const char *)data;
    mlplat_status s = mlp_yaml_parse_all(text, size, &all, err);
    if (s == MLPLAT_OK)
        check_value(all, -1);
    else
        fuzz_check(s == MLPLAT_INVALID && fuzz_refused(s, err) && !all);
    s = mlp_yaml_parse(text, size, &one, err);
    fuzz_check((s == MLPLAT_OK) == (all && json_array_size(all) <= 1));
    if (s == MLPLAT_OK) {
        fuzz_check(json_array_size(all) ? json_equal(one, json_array_get(all, 0)) : json_is_null(one));
        check_written(one);
    }
    if (mlp_json_parse(text, size, &json, err) == MLPLAT_OK) {
        check_written(json);
        fuzz_check(!one || old_breaks(text, size) || json_equal(one, json));
    }
    json_decref(all);
    json_decref(one);
    json_decref(json);
    return 0;
}
