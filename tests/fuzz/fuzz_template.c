/* Prompts: templates with variables, and what else a prompt takes. Input: a template, NUL, JSON. */
#include "base/buf.h"
#include "fuzz.h"
#include "registry/prompt.h"
#include <mlplat/registry.h>

static bool statements(const char *text)
{
    return strstr(text, "{%") && strstr(text, "%}");
}

/* All variables with the same value, or each with itself in the shortest form. NULL: no variable. */
static char *values_for(const json_t *names, const char *value)
{
    size_t i;
    json_t *name, *values = json_object();
    mlplat_error err = {0};
    mlp_buf text = {0};
    json_array_foreach((json_t *)(uintptr_t)names, i, name) json_object_set_new(
        values, json_string_value(name), value ? json_string(value) : json_sprintf("{{%s}}", json_string_value(name)));
    fuzz_check(mlp_json_text(values, &text, &err) == MLPLAT_OK);
    json_decref(values);
    return mlp_buf_take(&text);
}

static char *format(const char *text, const char *values, bool partial)
{
    char *out = NULL;
    mlplat_error err = {0};
    fuzz_check(mlplat_prompt_format(text, values, partial, &out, &err) == MLPLAT_OK);
    return out;
}

/* Each name once, in order, words and dots. */
static void check_names(const json_t *names)
{
    const char *last = "";
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        const char *now = json_string_value(name);
        fuzz_check(strcmp(last, now) < 0);
        fuzz_check(!now[strspn(now, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.")]);
        last = now;
    }
}

/* Filling with nothing changes nothing; filling each with itself leaves a template of the same meaning; a value is
 * never looked at again. */
static void check_filling(const char *text, const json_t *names)
{
    mlplat_error err = {0};
    char *same = format(text, "{}", true), *out = NULL;
    char *itself = values_for(names, NULL), *empty = values_for(names, ""), *word = values_for(names, "{{x}}");
    fuzz_check(strcmp(same, text) == 0);
    mlplat_status s = mlplat_prompt_format(text, "{}", false, &out, &err);
    fuzz_check(json_array_size(names) ? fuzz_refused(s, &err) && !out : s == MLPLAT_OK && strcmp(out, text) == 0);
    char *normal = format(text, itself, false), *plain = format(text, empty, false);
    char *filled = format(text, word, false);
    char *again = format(normal, empty, false);
    fuzz_check(strcmp(plain, again) == 0);
    size_t places = (strlen(filled) - strlen(plain)) / 5;
    fuzz_check(strlen(filled) == strlen(plain) + 5 * places && (places > 0) == (json_array_size(names) > 0));
    char *const all[] = {same, out, itself, empty, word, normal, plain, filled, again};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static void try_template(const char *text, mlplat_error *err)
{
    char *out = NULL;
    json_t *names = NULL;
    mlplat_status s = mlplat_prompt_format(text, NULL, 1, &out, err);
    free(out);
    fuzz_check(s == MLPLAT_OK || ((s == MLPLAT_UNSUPPORTED) == statements(text) && fuzz_refused(s, err)) ||
               s == MLPLAT_INVALID);
    if (s != MLPLAT_OK)
        return;
    fuzz_check(mlp_prompt_variables(text, &names, err) == MLPLAT_OK);
    check_names(names);
    check_filling(text, names);
    json_decref(names);
}

/* What is kept is taken again, and kept as it is: an object of which nothing is left (all null) as none. */
static void try_json(mlplat_status (*check)(const char *, json_t **, mlplat_error *), const char *text,
                     mlplat_error *err)
{
    json_t *kept = NULL, *again = NULL;
    mlp_buf out = {0};
    mlplat_status s = check(text, &kept, err);
    fuzz_check(s == MLPLAT_OK || (s == MLPLAT_INVALID && fuzz_refused(s, err) && !kept));
    if (kept) {
        fuzz_check(mlp_json_text(kept, &out, err) == MLPLAT_OK);
        fuzz_check(check(out.data, &again, err) == MLPLAT_OK);
        fuzz_check(json_object_size(kept) ? json_equal(kept, again) : !again);
    }
    json_decref(kept);
    json_decref(again);
    mlp_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    char *text = fuzz_text(&in), *json = fuzz_text(&in);
    mlplat_error *err = fuzz_error(data, size);
    try_template(text, err);
    try_json(mlp_prompt_check_config, json, err);
    try_json(mlp_prompt_check_format, json, err);
    mlplat_status s = mlp_prompt_check_messages(json, err);
    fuzz_check(s == MLPLAT_OK || (s == MLPLAT_INVALID && fuzz_refused(s, err)));
    free(text);
    free(json);
    return 0;
}
