#include "registry/registry_check.h"
#include "base/check.h"
#include "base/err.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
    NAME_MOST = 256,
    DESCRIPTION_MOST = 5000,
    TAG_KEY_MOST = 250,
    TAG_VALUE_MOST = 100000,
    ALIAS_MOST = 255,
    RUN_ID_MOST = 256,
    PAGE_DEFAULT = 100,
    PAGE_MOST = 1000,
};

static mlplat_status check_text(const char *what, const char *text, size_t most, mlplat_error *err)
{
    mlplat_status s = mlp_check_text(what, text, err);
    return s == MLPLAT_OK ? mlp_check_length(what, text, most, err) : s;
}

/* Of ASCII, in any locale. */
static bool is_alnum(unsigned char c)
{
    return c < 0x80 && isalnum(c);
}

static bool is_blank(const char *text)
{
    return !text[strspn(text, " \t\n\r\v\f")];
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

mlplat_status mlp_registry_check_tag_key(const char *key, mlplat_error *err)
{
    return mlp_check_key("tag key", key, TAG_KEY_MOST, err);
}

mlplat_status mlp_registry_check_tag(const char *key, const char *value, mlplat_error *err)
{
    mlplat_status s = mlp_registry_check_tag_key(key, err);
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
    for (const char *p = alias; *p; p++)
        if (!is_alnum((unsigned char)*p) && *p != '_' && *p != '-')
            return mlp_check_refuse("alias", alias, "only letters, digits, '_' and '-' are allowed", err);
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

mlplat_status mlp_registry_check_run_id(const char *run_id, mlplat_error *err)
{
    if (!run_id)
        return MLPLAT_OK;
    size_t n = strlen(run_id);
    bool good = n >= 1 && n <= RUN_ID_MOST && is_alnum((unsigned char)*run_id);
    for (size_t i = 0; good && i < n; i++)
        good = is_alnum((unsigned char)run_id[i]) || run_id[i] == '_' || run_id[i] == '-';
    return good ? MLPLAT_OK : mlp_check_refuse("run id", run_id, "it has letters, digits, '_' and '-' only", err);
}

mlplat_status mlp_registry_check_version(const char *version, mlp_version_ref *ref, mlplat_error *err)
{
    *ref = (mlp_version_ref){0};
    if (!version)
        return mlp_fail(err, MLPLAT_INVALID, "version is missing: give a number, \"@alias\" or \"latest\"");
    if (*version == '@') {
        ref->kind = MLP_VERSION_ALIAS;
        ref->alias = version + 1;
        return mlp_registry_check_alias(ref->alias, err);
    }
    if (strcasecmp(version, "latest") == 0) {
        ref->kind = MLP_VERSION_LATEST;
        return MLPLAT_OK;
    }
    if (!mlp_text_int64(version, &ref->number))
        return mlp_check_refuse("version", version, "give a number, \"@alias\" or \"latest\"", err);
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

mlplat_status mlp_registry_check_page(const mlplat_search *query, mlp_registry_page *out, mlplat_error *err)
{
    mlplat_search all = MLPLAT_SEARCH_INIT;
    *out = (mlp_registry_page){.limit = PAGE_DEFAULT};
    if (!query)
        return MLPLAT_OK;
    if (query->size < sizeof query->size + sizeof query->experiment_ids)
        return mlp_fail(err, MLPLAT_INVALID, "query: size is %zu: start from MLPLAT_SEARCH_INIT", query->size);
    memcpy(&all, query, query->size < sizeof all ? query->size : sizeof all);
    if (all.filter || all.order_by || all.experiment_ids)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "lists of the registry take max_results and page_token only: leave "
                        "filter, order_by and experiment_ids out");
    if (all.max_results < 0 || all.max_results > PAGE_MOST)
        return mlp_fail(err, MLPLAT_INVALID, "max_results is %d: take 1 to %d, or 0 for %d", all.max_results, PAGE_MOST,
                        PAGE_DEFAULT);
    if (all.max_results)
        out->limit = all.max_results;
    out->token = all.page_token && *all.page_token ? all.page_token : NULL;
    return MLPLAT_OK;
}
