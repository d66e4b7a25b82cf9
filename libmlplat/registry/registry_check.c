#include "registry/registry_check.h"
#include "base/check.h"
#include "base/err.h"
#include "base/take.h"
#include "base/text.h"
#include "base/word_chars.h"
#include <string.h>
#include <strings.h>

enum {
    NAME_MOST = 256,
    DESCRIPTION_MOST = 5000,
    TAG_VALUE_MOST = 100000,
    ALIAS_MOST = 255,
};

static mlplat_status check_text(const char *what, const char *text, size_t most, mlplat_error *err)
{
    mlplat_status s = mlp_check_text(what, text, err);
    return s == MLPLAT_OK ? mlp_check_length(what, text, most, err) : s;
}

bool mlp_registry_check_space(uint32_t c)
{
    return c == ' ' || (c >= 0x9 && c <= 0xd) || (c >= 0x1c && c <= 0x1f) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_blank(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at)
        if (!mlp_registry_check_space(mlp_check_next_char(&at)))
            return false;
    return true;
}

mlplat_status mlp_registry_check_name(const char *name, mlplat_error *err)
{
    mlplat_status s = check_text("model name", name, NAME_MOST, err);
    if (s != MLPLAT_OK)
        return s;
    if (is_blank(name))
        return mlp_fail(err, MLPLAT_INVALID, "model name is empty: give it one");
    if (strpbrk(name, "/:"))
        return mlp_check_refuse("model name", name, "'/' and ':' are not allowed", err);
    if (strcmp(name, ".") == 0 || strncmp(name, "..", 2) == 0)
        return mlp_check_refuse("model name", name, "it would be a path to somewhere else", err);
    return MLPLAT_OK;
}

mlplat_status mlp_registry_check_description(const char *description, mlplat_error *err)
{
    return description ? check_text("description", description, DESCRIPTION_MOST, err) : MLPLAT_OK;
}

mlplat_status mlp_registry_check_tag(const char *key, const char *value, mlplat_error *err)
{
    mlplat_status s = mlp_check_key("tag key", key, err);
    if (s == MLPLAT_OK && !value)
        s = mlp_fail(err, MLPLAT_INVALID, "value of tag '%s' is missing", key);
    if (s == MLPLAT_OK && (s = check_text("tag value", value, TAG_VALUE_MOST, err)) != MLPLAT_OK)
        mlp_fail_prefix(err, s, "tag '%s'", key);
    return s;
}

mlplat_status mlp_registry_check_alias(const char *alias, mlplat_error *err)
{
    mlplat_status s = check_text("alias", alias, ALIAS_MOST, err);
    if (s != MLPLAT_OK)
        return s;
    if (!*alias)
        return mlp_fail(err, MLPLAT_INVALID, "alias is empty: give it a name");
    for (const unsigned char *p = (const unsigned char *)alias; *p;) {
        uint32_t c = mlp_check_next_char(&p);
        if (c != '-' && !mlp_word_chars_has(c))
            return mlp_check_refuse("alias", alias, "only letters, digits, '_' and '-' are allowed", err);
    }
    return MLPLAT_OK;
}

mlplat_status mlp_registry_check_new_alias(const char *alias, mlplat_error *err)
{
    mlplat_status s = mlp_registry_check_alias(alias, err);
    if (s != MLPLAT_OK)
        return s;
    size_t digits = strspn(alias + 1, "0123456789");
    if (strcasecmp(alias, "latest") == 0 || ((*alias == 'v' || *alias == 'V') && digits && !alias[1 + digits]))
        return mlp_check_refuse("alias", alias, "'latest' and 'v' with a number are reserved: take another", err);
    return MLPLAT_OK;
}

const char *const mlp_stages[] = {"None", "Staging", "Production", "Archived", NULL};

static int find_stage(const char *stage, size_t n)
{
    for (int i = 0; i < MLP_STAGE_COUNT; i++)
        if (strlen(mlp_stages[i]) == n && strncasecmp(stage, mlp_stages[i], n) == 0)
            return i;
    return -1;
}

static mlplat_status no_stage(const char *stage, mlplat_error *err)
{
    return mlp_check_refuse("stage", stage, "it is one of None, Staging, Production, Archived", err);
}

mlplat_status mlp_registry_check_stage(const char *stage, int *out, mlplat_error *err)
{
    if (!stage)
        return mlp_fail(err, MLPLAT_INVALID, "stage is missing: give None, Staging, Production or Archived");
    *out = find_stage(stage, strlen(stage));
    return *out < 0 ? no_stage(stage, err) : MLPLAT_OK;
}

mlplat_status mlp_registry_check_stages(const char *stages, unsigned *out, mlplat_error *err)
{
    *out = 0;
    for (const char *at = stages ? stages : ""; *at;) {
        size_t n = strcspn(at, ",");
        int i = find_stage(at, n);
        if (i < 0)
            return no_stage(stages, err);
        *out |= 1u << i;
        at += n + (at[n] == ',');
    }
    if (!*out)
        *out = (1u << MLP_STAGE_COUNT) - 1;
    return MLPLAT_OK;
}

mlplat_status mlp_registry_check_version(const char *version, mlp_version_ref *ref, mlplat_error *err)
{
    int stage;
    *ref = (mlp_version_ref){0};
    if (!version)
        return mlp_fail(err, MLPLAT_INVALID, "version is missing: give a number, \"@alias\", \"latest\" or a stage");
    if (strcasecmp(version + (*version == '@'), "latest") == 0) {
        ref->kind = MLP_VERSION_LATEST;
    } else if (*version == '@') {
        ref->kind = MLP_VERSION_ALIAS;
        ref->alias = version + 1;
        return mlp_registry_check_alias(ref->alias, err);
    } else if ((stage = find_stage(version, strlen(version))) >= 0) {
        ref->kind = MLP_VERSION_STAGE;
        ref->stage = mlp_stages[stage];
    } else if (!mlp_text_int64(version, &ref->number)) {
        return mlp_check_refuse("version", version, "give a number, \"@alias\", \"latest\" or a stage", err);
    }
    return MLPLAT_OK;
}

mlplat_status mlp_registry_check_tags(const char *text, json_t **out, mlplat_error *err)
{
    const char *key;
    json_t *value;
    *out = NULL;
    mlplat_status s = mlp_json_parse_tags(text, "tags", out, err);
    if (s != MLPLAT_OK)
        return s;
    json_object_foreach(*out, key, value)
    {
        if ((s = mlp_registry_check_tag(key, json_string_value(value), err)) != MLPLAT_OK)
            break;
    }
    if (s != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}

mlplat_status mlp_registry_check_query(const mlplat_search *query, int usual, int most, mlp_registry_query *out,
                                       mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    *out = (mlp_registry_query){.limit = usual};
    mlplat_status s = MLP_TAKE(&q, query, MLPLAT_SEARCH_INIT, err);
    if (s != MLPLAT_OK || !query)
        return s;
    if (q.experiment_ids || q.view != MLPLAT_VIEW_ACTIVE)
        return mlp_fail(err, MLPLAT_INVALID, "experiment_ids and view are not for the registry: leave them out");
    if (q.max_results < 0 || q.max_results > most)
        return mlp_fail(err, MLPLAT_INVALID, "max_results is %d: take 1 to %d, or 0 for %d", q.max_results, most,
                        usual);
    if (q.max_results)
        out->limit = q.max_results;
    out->filter = q.filter;
    out->order_by = q.order_by;
    out->model = q.model;
    out->page_token = q.page_token;
    return q.model ? mlp_registry_check_name(q.model, err) : MLPLAT_OK;
}

mlplat_status mlp_registry_no_model(const char *name, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_NOT_FOUND, "there is no registered model '%s'", name);
}

mlplat_status mlp_registry_no_version(const char *name, const mlp_version_ref *ref, mlplat_error *err)
{
    switch (ref->kind) {
    case MLP_VERSION_NUMBER:
        return mlp_fail(err, MLPLAT_NOT_FOUND, "registered model '%s' has no version %lld", name,
                        (long long)ref->number);
    case MLP_VERSION_ALIAS:
        return mlp_fail(err, MLPLAT_NOT_FOUND, "registered model '%s' has no alias '%s'", name, ref->alias);
    case MLP_VERSION_STAGE:
        return mlp_fail(err, MLPLAT_NOT_FOUND, "registered model '%s' has no version in stage '%s'", name, ref->stage);
    default:
        return mlp_fail(err, MLPLAT_NOT_FOUND, "registered model '%s' has no versions yet", name);
    }
}
