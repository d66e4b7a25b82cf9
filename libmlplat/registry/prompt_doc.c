/* Documents of prompts, out of those of registered models and their versions. */
#include "base/alloc.h"
#include "base/err.h"
#include "registry/prompt.h"
#include "registry/registry_store.h"
#include <string.h>

const char *mlp_prompt_doc_tag(const json_t *doc, const char *key)
{
    size_t i;
    json_t *tag;
    json_array_foreach(json_object_get(doc, "tags"), i, tag)
    {
        if (strcmp(json_string_value(json_object_get(tag, "key")), key) == 0)
            return json_string_value(json_object_get(tag, "value"));
    }
    return NULL;
}

static bool is_reserved(const char *key)
{
    static const char *const reserved[] = {MLP_PROMPT_TAG, MLP_PROMPT_TEXT_TAG, MLP_PROMPT_TYPE_TAG,
                                           MLP_PROMPT_FORMAT_TAG, MLP_PROMPT_CONFIG_TAG};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(key, reserved[i]) == 0)
            return true;
    return false;
}

/* The tags that people have set. */
static mlplat_status put_tags(const json_t *from, json_t *doc, mlplat_error *err)
{
    size_t i;
    json_t *tag, *tags = json_array();
    mlplat_status s = tags ? mlp_json_set(doc, "tags", tags, err) : mlp_fail_memory(err);
    json_array_foreach(json_object_get(from, "tags"), i, tag)
    {
        if (s == MLPLAT_OK && !is_reserved(json_string_value(json_object_get(tag, "key"))))
            s = mlp_json_push(tags, json_incref(tag), err);
    }
    return s;
}

/* from's member of one name under another, if it has it. */
static mlplat_status put(const json_t *from, const char *name, json_t *doc, const char *as, mlplat_error *err)
{
    json_t *value = json_object_get(from, name);
    return value ? mlp_json_set(doc, as, json_incref(value), err) : MLPLAT_OK;
}

static mlplat_status finish(mlplat_status s, json_t *doc, json_t **out)
{
    if (s != MLPLAT_OK) {
        json_decref(doc);
        doc = NULL;
    }
    *out = doc;
    return s;
}

mlplat_status mlp_prompt_doc(const json_t *model, json_t **out, mlplat_error *err)
{
    static const char *const names[] = {"name", "creation_timestamp", "last_updated_timestamp", "description",
                                        "aliases"};
    const char *is = mlp_prompt_doc_tag(model, MLP_PROMPT_TAG);
    *out = NULL;
    if (!is || strcmp(is, "true") != 0)
        return mlp_fail(err, MLPLAT_INVALID, "'%s' is a registered model, no prompt",
                        json_string_value(json_object_get(model, "name")));
    json_t *doc = json_object();
    mlplat_status s = doc ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof names / sizeof names[0]; i++)
        s = put(model, names[i], doc, names[i], err);
    if (s == MLPLAT_OK)
        s = put_tags(model, doc, err);
    return finish(s, doc, out);
}

/* ---- versions ---------------------------------------------------------------------------------------------------- */

/* A tag's text as JSON under `as`, if there is such a tag. */
static mlplat_status put_json(const json_t *version, const char *tag, json_t *doc, const char *as, mlplat_error *err)
{
    json_t *value = NULL;
    const char *text = mlp_prompt_doc_tag(version, tag);
    if (!text)
        return MLPLAT_OK;
    mlplat_status s = mlp_json_parse(text, strlen(text), &value, err);
    if (s == MLPLAT_INVALID)
        return mlp_fail(err, MLPLAT_CORRUPT, "tag '%s' of version %s of prompt '%s' is no JSON", tag,
                        json_string_value(json_object_get(version, "version")),
                        json_string_value(json_object_get(version, "name")));
    return s == MLPLAT_OK ? mlp_json_set(doc, as, value, err) : s;
}

static mlplat_status put_template(const json_t *version, json_t *doc, mlplat_error *err)
{
    const char *type = mlp_prompt_doc_tag(version, MLP_PROMPT_TYPE_TAG);
    const char *text = mlp_prompt_doc_tag(version, MLP_PROMPT_TEXT_TAG);
    bool chat = type && strcmp(type, "chat") == 0;
    json_t *names = NULL;
    mlplat_status s = mlp_json_set(doc, "type", json_string(chat ? "chat" : "text"), err);
    if (s == MLPLAT_OK)
        s = chat ? put_json(version, MLP_PROMPT_TEXT_TAG, doc, "template", err)
                 : mlp_json_set(doc, "template", mlp_json_string(text), err);
    if (s == MLPLAT_OK)
        s = mlp_prompt_variables(text, &names, err);
    return s == MLPLAT_OK ? mlp_json_set(doc, "variables", names, err) : s;
}

static mlplat_status need_text(const json_t *version, mlplat_error *err)
{
    const char *name = json_string_value(json_object_get(version, "name"));
    const char *number = json_string_value(json_object_get(version, "version"));
    if (!mlp_prompt_doc_tag(version, MLP_PROMPT_TAG))
        return mlp_fail(err, MLPLAT_NOT_FOUND, "version %s of '%s' is no version of a prompt", number, name);
    if (!mlp_prompt_doc_tag(version, MLP_PROMPT_TEXT_TAG))
        return mlp_fail(err, MLPLAT_INVALID, "version %s of prompt '%s' has no text", number, name);
    return MLPLAT_OK;
}

mlplat_status mlp_prompt_doc_version(const json_t *version, json_t **out, mlplat_error *err)
{
    static const char *const names[] = {"name", "version", "creation_timestamp", "last_updated_timestamp"};
    *out = NULL;
    mlplat_status s = need_text(version, err);
    if (s != MLPLAT_OK)
        return s;
    json_t *doc = json_object();
    if (!doc)
        s = mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof names / sizeof names[0]; i++)
        s = put(version, names[i], doc, names[i], err);
    if (s == MLPLAT_OK)
        s = put(version, "description", doc, "commit_message", err);
    if (s == MLPLAT_OK)
        s = put_template(version, doc, err);
    if (s == MLPLAT_OK)
        s = put_json(version, MLP_PROMPT_FORMAT_TAG, doc, "response_format", err);
    if (s == MLPLAT_OK)
        s = put_json(version, MLP_PROMPT_CONFIG_TAG, doc, "model_config", err);
    if (s == MLPLAT_OK)
        s = put_tags(version, doc, err);
    if (s == MLPLAT_OK)
        s = put(version, "aliases", doc, "aliases", err);
    return finish(s, doc, out);
}

/* ---- experiments ------------------------------------------------------------------------------------------------- */

/* "1,12" has 1 and 12, not 2. */
static bool has_id(const char *list, size_t n, const char *id)
{
    for (size_t at = 0, part; at < n; at += part + 1) {
        part = strcspn(list + at, ",");
        part = at + part > n ? n - at : part;
        if (part == strlen(id) && strncmp(list + at, id, part) == 0)
            return true;
    }
    return false;
}

mlplat_status mlp_prompt_experiments(const char *list, const char *id, char **longer, mlplat_error *err)
{
    const char *ids = list + strspn(list, ",");
    size_t n = strlen(ids);
    while (n && ids[n - 1] == ',')
        n--;
    *longer = NULL;
    if (has_id(ids, n, id))
        return MLPLAT_OK;
    *longer = mlp_sprintf(",%.*s%s%s,", (int)n, ids, n ? "," : "", id);
    return *longer ? MLPLAT_OK : mlp_fail_memory(err);
}
