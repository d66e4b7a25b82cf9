/* Templates: text with variables as "{{ name }}". */
#include "base/alloc.h"
#include "base/check.h"
#include "base/err.h"
#include "registry/prompt.h"
#include "registry/registry_check.h"
#include <mlplat/registry.h>
#include <stdlib.h>
#include <string.h>

/* ---- variables --------------------------------------------------------------------------------------------------- */

static const char *skip_space(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;
    for (const unsigned char *next = p; *p && mlp_registry_check_space(mlp_check_next_char(&next)); p = next)
        ;
    return (const char *)p;
}

static size_t word(const char *at)
{
    size_t n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return *at >= '0' && *at <= '9' ? 0 : n;
}

/* "a.b.c": words joined by dots; 0: none. */
static size_t name_at(const char *at)
{
    size_t n = word(at), more;
    while (n && at[n] == '.' && (more = word(at + n + 1)) > 0)
        n += 1 + more;
    return n;
}

bool mlp_prompt_variable_next(const char *text, mlp_prompt_variable *out)
{
    for (const char *at = strstr(text, "{{"); at; at = strstr(at + 1, "{{")) {
        const char *name = skip_space(at + 2);
        size_t n = name_at(name);
        const char *end = n ? skip_space(name + n) : name;
        if (n && end[0] == '}' && end[1] == '}') {
            *out = (mlp_prompt_variable){.name = name, .name_n = n, .begin = at, .end = end + 2};
            return true;
        }
    }
    return false;
}

static int by_text(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    return strcmp(json_string_value(*x), json_string_value(*y));
}

/* The names as the keys of an object, which holds each once. */
static mlplat_status gather(const char *text, json_t *names, mlplat_error *err)
{
    mlp_prompt_variable v;
    mlplat_status s = MLPLAT_OK;
    for (; s == MLPLAT_OK && mlp_prompt_variable_next(text, &v); text = v.end) {
        json_t *name = json_stringn(v.name, v.name_n);
        s = name ? mlp_json_set(names, json_string_value(name), json_incref(name), err) : mlp_fail_memory(err);
        json_decref(name);
    }
    return s;
}

static mlplat_status sort(json_t *names, json_t *out, mlplat_error *err)
{
    size_t n = json_object_size(names), i = 0;
    json_t **items = mlp_alloc((n ? n : 1) * sizeof *items), *name;
    const char *key;
    mlplat_status s = items ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK) {
        json_object_foreach(names, key, name) items[i++] = name;
        qsort(items, n, sizeof *items, by_text);
    }
    for (i = 0; s == MLPLAT_OK && i < n; i++)
        s = mlp_json_push(out, json_incref(items[i]), err);
    mlp_free(items);
    return s;
}

mlplat_status mlp_prompt_variables(const char *text, json_t **out, mlplat_error *err)
{
    json_t *names = json_object(), *list = json_array();
    mlplat_status s = names && list ? gather(text, names, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = sort(names, list, err);
    json_decref(names);
    if (s != MLPLAT_OK) {
        json_decref(list);
        list = NULL;
    }
    *out = list;
    return s;
}

/* ---- filling ----------------------------------------------------------------------------------------------------- */

static const char *value_of(const json_t *values, const mlp_prompt_variable *v)
{
    return json_string_value(json_object_getn(values, v->name, v->name_n));
}

static void fill(const char *text, const json_t *values, mlp_buf *out, mlp_buf *missing)
{
    mlp_prompt_variable v;
    for (; mlp_prompt_variable_next(text, &v); text = v.end) {
        const char *value = value_of(values, &v);
        mlp_buf_add(out, text, (size_t)(v.begin - text));
        if (value) {
            mlp_buf_add(out, value, strlen(value));
        } else {
            mlp_buf_add(out, v.begin, (size_t)(v.end - v.begin));
            mlp_buf_printf(missing, "%s'%.*s'", missing->size ? ", " : "", (int)v.name_n, v.name);
        }
    }
    mlp_buf_add(out, text, strlen(text));
}

mlplat_status mlplat_prompt_format(const char *text, const char *values, int partial, char **out, mlplat_error *err)
{
    json_t *given = NULL;
    mlp_buf filled = {0}, missing = {0};
    *out = NULL;
    mlplat_status s = mlp_check_text("template", text, err);
    if (s == MLPLAT_OK && strstr(text, "{%") && strstr(text, "%}"))
        s = mlp_fail(err, MLPLAT_UNSUPPORTED, "the template has statements, {%% ... %%}: fill it with Jinja");
    if (s == MLPLAT_OK)
        s = mlp_json_parse_tags(values, "values", &given, err);
    if (s == MLPLAT_OK) {
        fill(text, given, &filled, &missing);
        s = mlp_buf_ok(&missing, err);
    }
    if (s == MLPLAT_OK && missing.size && !partial)
        s = mlp_fail(err, MLPLAT_INVALID, "the template has variables without a value: %.300s", missing.data);
    if (s == MLPLAT_OK && !(*out = mlp_buf_take(&filled)))
        s = mlp_fail_memory(err);
    json_decref(given);
    mlp_buf_free(&filled);
    mlp_buf_free(&missing);
    return s;
}
