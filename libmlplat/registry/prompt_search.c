/* Searches over prompts and their versions: those over models and versions, with MLflow's tag in the filter. */
#include "base/err.h"
#include "registry/prompt.h"
#include "registry/registry_check.h"
#include "registry/registry_store.h"
#include <string.h>

enum { USUAL = 100, MOST = 1000, VERSIONS_MOST = 200000 };
#define IS_PROMPT "tags.`" MLP_PROMPT_TAG "` = 'true'"

/* ---- experiment_id = '1' ----------------------------------------------------------------------------------------- */

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\n\r\f\v");
}

/* The comparison at `at`, where "experiment_id" begins: its end and the id; NULL: it is another word. */
static const char *comparison(const char *at, const char **id, size_t *n)
{
    at = skip_spaces(at + strlen("experiment_id"));
    if (*at != '=')
        return NULL;
    at = skip_spaces(at + 1);
    if (*at != '\'' && *at != '"')
        return NULL;
    *id = at + 1;
    *n = strcspn(at + 1, "'\"");
    return *n && at[1 + *n] ? at + 1 + *n + 1 : NULL;
}

/* MLflow keeps experiments in a tag as ",1,12,": a comparison with one becomes a pattern. */
static mlplat_status add_filter(mlp_buf *out, const char *filter, mlplat_error *err)
{
    const char *id = NULL, *end = NULL;
    size_t n = 0;
    const char *at = filter;
    while ((at = strstr(at, "experiment_id")) && !(end = comparison(at, &id, &n)))
        at++;
    if (!at) {
        mlp_buf_printf(out, "%s", filter);
        return MLPLAT_OK;
    }
    if (strspn(id, "0123456789") < n)
        return mlp_fail(err, MLPLAT_INVALID, "experiment_id is compared with '%.*s': it is a number", (int)n, id);
    mlp_buf_add(out, filter, (size_t)(at - filter));
    mlp_buf_printf(out, "tags." MLP_PROMPT_EXPERIMENTS_TAG " LIKE '%%,%.*s,%%'%s", (int)n, id, end);
    return MLPLAT_OK;
}

static mlplat_status make_filter(const char *filter, mlp_buf *out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    mlp_buf_puts(out, IS_PROMPT);
    if (filter && *filter) {
        mlp_buf_puts(out, " AND ");
        s = add_filter(out, filter, err);
    }
    return s == MLPLAT_OK ? mlp_buf_ok(out, err) : s;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

/* {"prompts": [...], "next_page_token"} of what was found in a list of models or versions. */
static mlplat_status convert(const json_t *found, const char *from, const char *to,
                             mlplat_status (*one)(const json_t *, json_t **, mlplat_error *), json_t **out,
                             mlplat_error *err)
{
    size_t i;
    json_t *item, *list = json_array(), *token = json_object_get(found, "next_page_token");
    mlplat_status s = (*out = json_object()) ? mlp_json_set(*out, to, list, err) : mlp_fail_memory(err);
    if (!*out)
        json_decref(list);
    json_array_foreach(json_object_get(found, from), i, item)
    {
        json_t *made = NULL;
        if (s == MLPLAT_OK && (s = one(item, &made, err)) == MLPLAT_OK)
            s = mlp_json_push(list, made, err);
    }
    if (s == MLPLAT_OK && token)
        s = mlp_json_set(*out, "next_page_token", json_incref(token), err);
    return s;
}

static mlplat_status hand_out(mlplat_status s, json_t *doc, mlplat_doc **out, mlplat_error *err)
{
    if (s == MLPLAT_OK)
        return mlp_doc_new(doc, out, err);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_prompt_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_registry_query q;
    mlp_buf filter = {0};
    json_t *found = NULL, *doc = NULL;
    *out = NULL;
    mlplat_status s = mlp_registry_check_query(query, USUAL, MOST, &q, err);
    if (s == MLPLAT_OK && q.model)
        s = mlp_fail(err, MLPLAT_INVALID, "model is not for prompts: leave it out");
    if (s == MLPLAT_OK)
        s = make_filter(q.filter, &filter, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    q.filter = filter.data;
    if (s == MLPLAT_OK)
        s = r->ops->model_search(r->store, &q, &found, err);
    if (s == MLPLAT_OK)
        s = convert(found, "registered_models", "prompts", mlp_prompt_doc, &doc, err);
    mlp_buf_free(&filter);
    json_decref(found);
    return hand_out(s, doc, out, err);
}

mlplat_status mlplat_prompt_version_search(mlplat *ml, const char *name, const mlplat_search *query, mlplat_doc **out,
                                           mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_registry_query q;
    json_t *prompt = NULL, *found = NULL, *doc = NULL;
    *out = NULL;
    mlplat_status s = mlp_registry_check_query(query, USUAL, VERSIONS_MOST, &q, err);
    if (s == MLPLAT_OK && (q.filter || q.order_by || q.model))
        s = mlp_fail(err, MLPLAT_INVALID, "versions of a prompt take max_results and page_token only");
    if (s == MLPLAT_OK)
        s = mlp_prompt_read(ml, name, &r, &prompt, err);
    q.filter = IS_PROMPT;
    q.order_by = "version_number DESC";
    q.model = name;
    if (s == MLPLAT_OK)
        s = r->ops->version_search(r->store, &q, &found, err);
    if (s == MLPLAT_OK)
        s = convert(found, "model_versions", "prompt_versions", mlp_prompt_doc_version, &doc, err);
    json_decref(prompt);
    json_decref(found);
    return hand_out(s, doc, out, err);
}
