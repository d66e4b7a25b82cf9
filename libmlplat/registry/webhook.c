/* Webhooks: calls that a server makes when something happens in its registry. */
#include "base/check.h"
#include "base/err.h"
#include "base/take.h"
#include "registry/registry_check.h"
#include "registry/registry_store.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { USUAL = 100, MOST = 1000 };

/* ---- what it is called for --------------------------------------------------------------------------------------- */

/* As MLflow 3.17 knows them: to a word that it does not know a server answers that it failed. */
static const char *const entities[] = {
    "registered_model", "model_version",      "model_version_tag", "model_version_alias", "prompt", "prompt_version",
    "prompt_tag",       "prompt_version_tag", "prompt_alias",      "budget_policy",       NULL};
static const char *const actions[] = {"created", "updated", "deleted", "set", "exceeded", NULL};

static bool is_one_of(const char *const *words, const char *text, size_t n)
{
    for (; *words; words++)
        if (strlen(*words) == n && strncasecmp(*words, text, n) == 0)
            return true;
    return false;
}

static json_t *upper(const char *text, size_t n)
{
    char word[32];
    for (size_t i = 0; i < n; i++)
        word[i] = (char)toupper((unsigned char)text[i]);
    return json_stringn(word, n);
}

/* "model_version.created" */
static mlplat_status parse_event(const char *text, size_t n, json_t **out, mlplat_error *err)
{
    const char *dot = memchr(text, '.', n);
    size_t first = dot ? (size_t)(dot - text) : 0, second = dot ? n - first - 1 : 0;
    if (!is_one_of(entities, text, first) || !is_one_of(actions, dot ? dot + 1 : "", second))
        return mlp_fail(err, MLPLAT_INVALID,
                        "'%.*s' is no event: <entity>.<action>, of registered_model, model_version, model_version_tag, "
                        "model_version_alias, prompt, prompt_version, prompt_tag, prompt_version_tag, prompt_alias, "
                        "budget_policy, and created, updated, deleted, set, exceeded",
                        (int)(n < 60 ? n : 60), text);
    *out = json_pack("{s:o, s:o}", "entity", upper(text, first), "action", upper(dot + 1, second));
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status parse_events(const char *text, json_t *fields, mlplat_error *err)
{
    json_t *list = json_array();
    mlplat_status s = mlp_json_set(fields, "events", list, err);
    while (s == MLPLAT_OK) {
        json_t *event = NULL;
        text += strspn(text, ", ");
        size_t n = strcspn(text, ", ");
        if (!*text)
            break;
        s = parse_event(text, n, &event, err);
        if (s == MLPLAT_OK)
            s = mlp_json_push(list, event, err);
        text += n;
    }
    if (s == MLPLAT_OK && !json_array_size(list))
        s = mlp_fail(err, MLPLAT_INVALID, "events are missing: give some, like model_version.created");
    return s;
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

static mlplat_status put(json_t *fields, const char *name, const char *text, mlplat_error *err)
{
    if (!text)
        return MLPLAT_OK;
    bool secret = strcmp(name, "secret") == 0; /* which no message shows */
    mlplat_status s = mlp_check_text(name, text, secret ? NULL : err);
    if (s != MLPLAT_OK && secret)
        mlp_fail(err, s, "the secret is no valid UTF-8");
    return s == MLPLAT_OK ? mlp_json_set(fields, name, json_string(text), err) : s;
}

static mlplat_status make_fields(const mlplat_webhook *given, json_t **out, mlplat_error *err)
{
    mlplat_webhook w = MLPLAT_WEBHOOK_INIT;
    mlplat_status s = given ? MLP_TAKE(&w, given, MLPLAT_WEBHOOK_INIT, err)
                            : mlp_fail(err, MLPLAT_INVALID, "the webhook is NULL: give name, url and events");
    if (s == MLPLAT_OK && w.status && strcmp(w.status, "ACTIVE") != 0 && strcmp(w.status, "DISABLED") != 0)
        s = mlp_check_refuse("status", w.status, "it is ACTIVE or DISABLED", err);
    if (s == MLPLAT_OK && !(*out = json_object()))
        s = mlp_fail_memory(err);
    const struct {
        const char *name, *text;
    } texts[] = {
        {"name", w.name}, {"url", w.url}, {"description", w.description}, {"secret", w.secret}, {"status", w.status}};
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof texts / sizeof texts[0]; i++)
        s = put(*out, texts[i].name, texts[i].text, err);
    if (s == MLPLAT_OK && w.events)
        s = parse_events(w.events, *out, err);
    return s;
}

static mlplat_status need_all(const json_t *fields, mlplat_error *err)
{
    static const char *const names[] = {"name", "url", "events"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const json_t *value = json_object_get(fields, names[i]);
        if (!json_string_length(value) && !json_array_size(value))
            return mlp_fail(err, MLPLAT_INVALID, "a webhook needs %s", names[i]);
    }
    return MLPLAT_OK;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static mlplat_status open_for(mlplat *ml, mlp_registry **r, mlplat_error *err)
{
    mlplat_status s = mlp_registry_of(ml, r, err);
    if (s == MLPLAT_OK && !(*r)->ops->webhook_create)
        s = mlp_fail(err, MLPLAT_UNSUPPORTED,
                     "webhooks need an MLflow server, as an embedded store has nobody who would call them: set the "
                     "registry URI to http://host:5000");
    return s;
}

static mlplat_status check_id(const char *id, mlplat_error *err)
{
    mlplat_status s = mlp_check_text("webhook id", id, err);
    return s == MLPLAT_OK && !*id ? mlp_fail(err, MLPLAT_INVALID, "the webhook's id is empty") : s;
}

static mlplat_status hand_out(mlplat_status s, json_t *doc, mlplat_doc **out, mlplat_error *err)
{
    return s == MLPLAT_OK ? mlp_doc_new(doc, out, err) : s;
}

mlplat_status mlplat_webhook_create(mlplat *ml, const mlplat_webhook *webhook, mlplat_doc **out, mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *fields = NULL, *doc = NULL;
    *out = NULL;
    mlplat_status s = make_fields(webhook, &fields, err);
    if (s == MLPLAT_OK)
        s = need_all(fields, err);
    if (s == MLPLAT_OK)
        s = open_for(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->webhook_create(r->store, fields, &doc, err);
    json_decref(fields);
    return hand_out(s, doc, out, err);
}

mlplat_status mlplat_webhook_get(mlplat *ml, const char *webhook_id, mlplat_doc **out, mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *doc = NULL;
    *out = NULL;
    mlplat_status s = check_id(webhook_id, err);
    if (s == MLPLAT_OK)
        s = open_for(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->webhook_get(r->store, webhook_id, &doc, err);
    return hand_out(s, doc, out, err);
}

mlplat_status mlplat_webhook_list(mlplat *ml, const mlplat_search *query, mlplat_doc **out, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_registry_query q;
    json_t *doc = NULL;
    *out = NULL;
    mlplat_status s = mlp_registry_check_query(query, USUAL, MOST, &q, err);
    if (s == MLPLAT_OK && (q.filter || q.order_by || q.model))
        s = mlp_fail(err, MLPLAT_INVALID, "webhooks take max_results and page_token only");
    if (s == MLPLAT_OK)
        s = open_for(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->webhook_list(r->store, q.limit, q.page_token, &doc, err);
    return hand_out(s, doc, out, err);
}

mlplat_status mlplat_webhook_update(mlplat *ml, const char *webhook_id, const mlplat_webhook *webhook, mlplat_doc **out,
                                    mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *fields = NULL, *doc = NULL;
    *out = NULL;
    mlplat_status s = check_id(webhook_id, err);
    if (s == MLPLAT_OK)
        s = make_fields(webhook, &fields, err);
    if (s == MLPLAT_OK && !json_object_size(fields))
        s = mlp_fail(err, MLPLAT_INVALID, "nothing to change: give a name, a url, events or another member");
    if (s == MLPLAT_OK)
        s = open_for(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->webhook_update(r->store, webhook_id, fields, &doc, err);
    json_decref(fields);
    return hand_out(s, doc, out, err);
}

mlplat_status mlplat_webhook_delete(mlplat *ml, const char *webhook_id, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlplat_status s = check_id(webhook_id, err);
    if (s == MLPLAT_OK)
        s = open_for(ml, &r, err);
    return s == MLPLAT_OK ? r->ops->webhook_delete(r->store, webhook_id, err) : s;
}

mlplat_status mlplat_webhook_test(mlplat *ml, const char *webhook_id, const char *event, mlplat_doc **out,
                                  mlplat_error *err)
{
    mlp_registry *r = NULL;
    json_t *parsed = NULL, *doc = NULL;
    *out = NULL;
    mlplat_status s = check_id(webhook_id, err);
    if (s == MLPLAT_OK && event)
        s = parse_event(event, strlen(event), &parsed, err);
    if (s == MLPLAT_OK)
        s = open_for(ml, &r, err);
    if (s == MLPLAT_OK)
        s = r->ops->webhook_test(r->store, webhook_id, parsed, &doc, err);
    json_decref(parsed);
    return hand_out(s, doc, out, err);
}
