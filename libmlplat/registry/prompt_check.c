/* What a prompt takes, with MLflow's decisions. */
#include "base/check.h"
#include "base/err.h"
#include "registry/prompt.h"
#include "registry/registry_check.h"
#include <string.h>

mlplat_status mlp_prompt_check_name(const char *name, mlplat_error *err)
{
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s != MLPLAT_OK)
        return s;
    for (const char *p = name; *p; p++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-", *p))
            return mlp_check_refuse("prompt name", name, "only letters, digits, '_', '-' and '.' are allowed", err);
    return MLPLAT_OK;
}

mlplat_status mlp_prompt_check_experiment(const char *id, mlplat_error *err)
{
    if (*id && !id[strspn(id, "0123456789")])
        return MLPLAT_OK;
    return mlp_check_refuse("experiment id", id, "it is a number", err);
}

static mlplat_status parse(const char *what, const char *text, json_type type, json_t **out, mlplat_error *err)
{
    mlplat_status s = mlp_json_parse(text, strlen(text), out, err);
    if (s == MLPLAT_OK && json_typeof(*out) != type) {
        json_decref(*out);
        *out = NULL;
        return mlp_fail(err, MLPLAT_INVALID, "%s is no JSON %s", what, type == JSON_OBJECT ? "object" : "array");
    }
    return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "%s", what);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static bool is_content(const json_t *content)
{
    size_t i;
    json_t *part;
    json_array_foreach(content, i, part)
    {
        if (!json_is_string(json_object_get(part, "type")))
            return false;
    }
    return !content || json_is_null(content) || json_is_string(content) || json_is_array(content);
}

mlplat_status mlp_prompt_check_messages(const char *text, mlplat_error *err)
{
    json_t *messages = NULL, *message;
    size_t i;
    mlplat_status s = parse("the text of a chat prompt", text, JSON_ARRAY, &messages, err);
    json_array_foreach(messages, i, message)
    {
        if (!json_is_string(json_object_get(message, "role")) || !is_content(json_object_get(message, "content"))) {
            s = mlp_fail(err, MLPLAT_INVALID, "message %zu of the prompt has no \"role\" or no \"content\" as text", i);
            break;
        }
    }
    json_decref(messages);
    return s;
}

/* MLflow keeps no empty objects. */
static mlplat_status parse_object(const char *what, const char *text, json_t **out, mlplat_error *err)
{
    *out = NULL;
    mlplat_status s = text ? parse(what, text, JSON_OBJECT, out, err) : MLPLAT_OK;
    if (s == MLPLAT_OK && !json_object_size(*out)) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}

mlplat_status mlp_prompt_check_format(const char *text, json_t **out, mlplat_error *err)
{
    return parse_object("response format", text, out, err);
}

/* ---- the model's configuration ----------------------------------------------------------------------------------- */

typedef enum config_kind { TEXT, REAL, COUNT, TEXTS } config_kind;
static const struct {
    const char *key;
    config_kind kind;
    double least, most;
    const char *words;
} known[] = {
    {"provider", TEXT, 0, 0, "text"},
    {"model_name", TEXT, 0, 0, "text"},
    {"temperature", REAL, 0, 1e308, "a number from 0"},
    {"max_tokens", COUNT, 1, 1e15, "a whole number from 1"},
    {"top_p", REAL, 0, 1, "a number from 0 to 1"},
    {"top_k", COUNT, 1, 1e15, "a whole number from 1"},
    {"frequency_penalty", REAL, -1e308, 1e308, "a number"},
    {"presence_penalty", REAL, -1e308, 1e308, "a number"},
    {"stop_sequences", TEXTS, 0, 0, "a list of texts"},
};
enum { KNOWN = sizeof known / sizeof known[0] };

static bool is_texts(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return json_is_array(value);
}

static bool fits(size_t k, const json_t *value)
{
    double number = json_number_value(value);
    if (known[k].kind == TEXT)
        return json_is_string(value);
    if (known[k].kind == TEXTS)
        return is_texts(value);
    return json_is_number(value) && number >= known[k].least && number <= known[k].most &&
           (known[k].kind == REAL || number == (double)(json_int_t)number);
}

/* The value as it is kept: numbers in the type that MLflow gives them. NULL: no memory. */
static json_t *convert(size_t k, json_t *value)
{
    double number = json_number_value(value);
    if (known[k].kind == REAL)
        return json_real(number);
    return known[k].kind == COUNT ? json_integer((json_int_t)number) : json_incref(value);
}

static size_t find_known(const char *key)
{
    size_t k = 0;
    while (k < KNOWN && strcmp(known[k].key, key) != 0)
        k++;
    return k;
}

static mlplat_status fill_config(json_t *given, json_t *kept, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    const char *key;
    json_t *value;
    for (size_t k = 0; s == MLPLAT_OK && k < KNOWN; k++) {
        value = json_object_get(given, known[k].key);
        if (!value || json_is_null(value))
            continue;
        s = fits(k, value) ? mlp_json_set(kept, known[k].key, convert(k, value), err)
                           : mlp_fail(err, MLPLAT_INVALID, "\"%s\" of the model config is not %s", known[k].key,
                                      known[k].words);
    }
    json_object_foreach(given, key, value) if (s == MLPLAT_OK && find_known(key) == KNOWN) s =
        mlp_json_set(kept, key, json_incref(value), err);
    return s;
}

mlplat_status mlp_prompt_check_config(const char *text, json_t **out, mlplat_error *err)
{
    json_t *given = NULL;
    *out = NULL;
    mlplat_status s = parse_object("model config", text, &given, err);
    if (s == MLPLAT_OK && given && !(*out = json_object()))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK && given)
        s = fill_config(given, *out, err);
    json_decref(given);
    if (s != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}
