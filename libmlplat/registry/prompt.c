/* Prompts: registered models with a tag, whose versions keep a text in tags, as MLflow stores them. */
#include "registry/prompt.h"
#include "base/check.h"
#include "base/err.h"
#include "base/take.h"
#include "registry/registry_check.h"
#include "registry/registry_store.h"
#include <string.h>

enum { TEXT_MOST = 100000 };

/* ---- making ------------------------------------------------------------------------------------------------------ */

static mlplat_status put_text(json_t *tags, const char *key, const char *value, mlplat_error *err)
{
    return mlp_json_set(tags, key, json_string(value), err);
}

/* A value as text of JSON; NULL is none. */
static mlplat_status put_json(json_t *tags, const char *key, const json_t *value, mlplat_error *err)
{
    mlp_buf text = {0};
    if (!value)
        return MLPLAT_OK;
    mlplat_status s = mlp_json_text(value, &text, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_tag(key, text.data, err);
    if (s == MLPLAT_OK)
        s = put_text(tags, key, text.data, err);
    mlp_buf_free(&text);
    return s;
}

static mlplat_status check_template(const char *text, int chat, mlplat_error *err)
{
    mlplat_status s = mlp_check_text("prompt text", text, err);
    if (s == MLPLAT_OK)
        s = mlp_check_length("prompt text", text, TEXT_MOST, err);
    return s == MLPLAT_OK && chat ? mlp_prompt_check_messages(text, err) : s;
}

/* The tags of the version: the user's, and what makes it a prompt. */
static mlplat_status version_tags(const char *text, const mlplat_prompt_options *o, const json_t *given, json_t **out,
                                  mlplat_error *err)
{
    json_t *tags = json_deep_copy(given), *format = NULL, *config = NULL;
    mlplat_status s = tags ? mlp_prompt_check_format(o->response_format, &format, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_prompt_check_config(o->model_config, &config, err);
    if (s == MLPLAT_OK)
        s = put_text(tags, MLP_PROMPT_TAG, "true", err);
    if (s == MLPLAT_OK)
        s = put_text(tags, MLP_PROMPT_TYPE_TAG, o->chat ? "chat" : "text", err);
    if (s == MLPLAT_OK)
        s = put_text(tags, MLP_PROMPT_TEXT_TAG, text, err);
    if (s == MLPLAT_OK)
        s = put_json(tags, MLP_PROMPT_FORMAT_TAG, format, err);
    if (s == MLPLAT_OK)
        s = put_json(tags, MLP_PROMPT_CONFIG_TAG, config, err);
    json_decref(format);
    json_decref(config);
    if (s != MLPLAT_OK) {
        json_decref(tags);
        tags = NULL;
    }
    *out = tags;
    return s;
}

static mlplat_status store_version(mlp_registry *r, const char *name, const mlplat_prompt_options *o,
                                   const json_t *given, const json_t *tags, int64_t *number, mlplat_error *err)
{
    const char *set = mlp_session_setting(r->ml, MLP_SET_EXPERIMENT_ID);
    const mlp_prompt_new prompt = {.description = o->commit_message,
                                   .tags = given,
                                   .experiment_id = o->experiment_id ? o->experiment_id : set ? set : "0"};
    const mlp_version_new fresh = {.name = name,
                                   .source = MLP_PROMPT_SOURCE,
                                   .location = MLP_PROMPT_SOURCE,
                                   .description = o->commit_message,
                                   .tags = tags,
                                   .prompt = &prompt};
    mlplat_status s = mlp_prompt_check_experiment(prompt.experiment_id, err);
    return s == MLPLAT_OK ? r->ops->version_create(r->store, &fresh, number, err) : s;
}

mlplat_status mlplat_prompt_register(mlplat *ml, const char *name, const char *text,
                                     const mlplat_prompt_options *options, int64_t *version, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
    json_t *given = NULL, *tags = NULL;
    int64_t number = 0;
    mlplat_status s = mlp_prompt_check_name(name, err);
    if (s == MLPLAT_OK)
        s = MLP_TAKE(&o, options, MLPLAT_PROMPT_OPTIONS_INIT, err);
    if (s == MLPLAT_OK)
        s = check_template(text, o.chat, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_description(o.commit_message, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_tags(o.tags, &given, err);
    if (s == MLPLAT_OK)
        s = version_tags(text, &o, given, &tags, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = store_version(r, name, &o, given, tags, &number, err);
    if (s == MLPLAT_OK && version)
        *version = number;
    json_decref(given);
    json_decref(tags);
    return s;
}

mlplat_status mlplat_prompt_create(mlplat *ml, const char *name, const char *description, const char *tags,
                                   mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *all = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_description(description, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_tags(tags, &all, err);
    if (s == MLPLAT_OK)
        s = put_text(all, MLP_PROMPT_TAG, "true", err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->model_create(r->store, name, description, all, err);
    json_decref(all);
    return s;
}

mlplat_status mlplat_prompt_version_set_config(mlplat *ml, const char *name, const char *version,
                                               const char *model_config, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_version_ref ref;
    mlp_buf text = {0};
    json_t *config = NULL, *prompt = NULL;
    mlplat_status s = mlp_registry_check_version(version, &ref, err);
    if (s == MLPLAT_OK)
        s = mlp_prompt_check_config(model_config, &config, err);
    if (s == MLPLAT_OK && config)
        s = mlp_json_text(config, &text, err);
    else if (s == MLPLAT_OK && model_config)
        mlp_buf_puts(&text, "{}");
    if (s == MLPLAT_OK && model_config && (s = mlp_buf_ok(&text, err)) == MLPLAT_OK)
        s = mlp_registry_check_tag(MLP_PROMPT_CONFIG_TAG, text.data, err);
    if (s == MLPLAT_OK)
        s = mlp_prompt_read(ml, name, &r, &prompt, err);
    if (s == MLPLAT_OK)
        s = r->ops->version_tag(r->store, name, &ref, MLP_PROMPT_CONFIG_TAG, text.data, err);
    mlp_buf_free(&text);
    json_decref(config);
    json_decref(prompt);
    return s;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

mlplat_status mlp_prompt_read(mlplat *ml, const char *name, mlp_registry **r, json_t **out, mlplat_error *err)
{
    json_t *model = NULL;
    *out = NULL;
    mlplat_status s = mlp_registry_check_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, r, err);
    if (s == MLPLAT_OK)
        s = (*r)->ops->model_get((*r)->store, name, &model, err);
    if (s == MLPLAT_OK)
        s = mlp_prompt_doc(model, out, err);
    json_decref(model);
    return s;
}

mlplat_status mlplat_prompt_get(mlplat *ml, const char *name, mlplat_doc **out, mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *prompt = NULL;
    *out = NULL;
    mlplat_status s = mlp_prompt_read(ml, name, &r, &prompt, err);
    return s == MLPLAT_OK ? mlp_doc_new(prompt, out, err) : s;
}

static mlplat_status read_version(mlplat *ml, const char *name, const mlp_version_ref *ref, mlplat_doc **out,
                                  mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *prompt = NULL, *model_version = NULL, *version = NULL;
    mlplat_status s = mlp_prompt_read(ml, name, &r, &prompt, err);
    if (s == MLPLAT_OK)
        s = r->ops->version_get(r->store, name, ref, &model_version, err);
    if (s == MLPLAT_OK)
        s = mlp_prompt_doc_version(model_version, &version, err);
    json_decref(prompt);
    json_decref(model_version);
    return s == MLPLAT_OK ? mlp_doc_new(version, out, err) : s;
}

mlplat_status mlplat_prompt_version_get(mlplat *ml, const char *name, const char *version, mlplat_doc **out,
                                        mlplat_error *err)
{
    mlp_version_ref ref;
    *out = NULL;
    mlplat_status s = mlp_registry_check_version(version, &ref, err);
    return s == MLPLAT_OK ? read_version(ml, name, &ref, out, err) : s;
}

/* ---- prompts:/ --------------------------------------------------------------------------------------------------- */

/* "name", "name@alias", "name/3": where the name ends, and the version; NULL: it is none of these. */
static const char *split(const char *text, size_t *name_n)
{
    const char *slash = strchr(text, '/'), *at = strrchr(text, '@');
    const char *cut = slash ? slash : at;
    if (!cut || cut == text || !cut[1])
        return NULL;
    *name_n = (size_t)(cut - text);
    if (slash)
        return slash[1 + strspn(slash + 1, "0123456789")] ? NULL : slash + 1;
    return at;
}

static mlplat_status load_uri(mlplat *ml, const char *uri, mlplat_doc **out, mlplat_error *err)
{
    mlp_version_ref ref;
    char name[1100];
    size_t n = 0;
    const char *text = uri + strlen("prompts:/");
    const char *version = split(text + strspn(text, "/"), &n);
    text += strspn(text, "/");
    if (!version || n >= sizeof name)
        return mlp_fail(err, MLPLAT_INVALID, "'%.200s' is not prompts:/<name>/<version> or prompts:/<name>@<alias>",
                        uri);
    memcpy(name, text, n);
    name[n] = '\0';
    mlplat_status s = mlp_registry_check_version(version, &ref, err);
    return s == MLPLAT_OK ? read_version(ml, name, &ref, out, err) : s;
}

mlplat_status mlplat_prompt_load(mlplat *ml, const char *uri, mlplat_doc **out, mlplat_error *err)
{
    *out = NULL;
    mlplat_status s = mlp_check_text("prompt", uri, err);
    if (s != MLPLAT_OK)
        return s;
    if (strncmp(uri, "prompts:/", strlen("prompts:/")) == 0)
        return load_uri(ml, uri, out, err);
    return mlplat_prompt_version_get(ml, uri, "latest", out, err);
}
