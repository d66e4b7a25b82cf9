/* Webhooks of a server. */
#include "base/err.h"
#include "registry/registry_http.h"
#include "transport/secret.h"
#include <string.h>

#define WEBHOOKS "webhooks"

/* As a document of ours: without the secret, whatever a server says of it. */
static mlplat_status normal(json_t *webhook, mlplat_error *err)
{
    if (!json_string_length(json_object_get(webhook, "webhook_id")))
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no webhook");
    json_object_del(webhook, "secret");
    return mlp_mlflow_list(webhook, "events") ? MLPLAT_OK : mlp_fail_memory(err);
}

/* The webhook in an answer, which is given back. */
static mlplat_status take(mlplat_status s, json_t *answer, json_t **out, mlplat_error *err)
{
    json_t *webhook = json_object_get(answer, "webhook");
    if (s == MLPLAT_OK)
        s = normal(webhook, err);
    if (s == MLPLAT_OK && out)
        *out = json_incref(webhook);
    json_decref(answer);
    return s;
}

/* A server's refusal may repeat what it was sent. */
static mlplat_status hide(const json_t *fields, mlplat_status s, mlplat_error *err)
{
    const char *secret = json_string_value(json_object_get(fields, "secret"));
    if (s != MLPLAT_OK && err && secret && *secret)
        mlp_secret_hide(err->message, secret);
    return s;
}

mlplat_status mlp_registry_http_webhook_get(void *object, const char *id, json_t **out, mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    json_t *answer = NULL;
    mlplat_status s =
        mlp_mlflow_call_id(&store->server, MLP_MLFLOW_GET, WEBHOOKS, id, "", json_object(), &answer, NULL, err);
    return take(s, answer, out, err);
}

mlplat_status mlp_registry_http_webhook_list(void *object, int64_t limit, const char *page_token, json_t **out,
                                             mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    json_t *answer = NULL;
    json_t *body = json_pack("{s:I, s:s*}", "max_results", (json_int_t)limit, "page_token",
                             page_token && *page_token ? page_token : NULL);
    mlplat_status s = mlp_mlflow_call(&store->server, MLP_MLFLOW_GET, WEBHOOKS, body, &answer, NULL, err);
    if (!json_string_length(json_object_get(answer, "next_page_token"))) /* "" where there is no more */
        json_object_del(answer, "next_page_token");
    return mlp_mlflow_normal_list(s, answer, "webhooks", normal, out, err);
}

static bool same(const json_t *webhook, const json_t *fields, const char *name)
{
    return json_equal(json_object_get(webhook, name), json_object_get(fields, name));
}

/* The same events, in any order. */
static bool same_events(const json_t *webhook, const json_t *fields)
{
    const json_t *there = json_object_get(webhook, "events"), *wanted = json_object_get(fields, "events");
    size_t i, k, found = 0;
    json_t *one, *other;
    json_array_foreach((json_t *)wanted, i, one)
    {
        bool has = false;
        json_array_foreach((json_t *)there, k, other) has = has || json_equal(one, other);
        found += has;
    }
    return found == json_array_size(wanted) && found == json_array_size(there);
}

/* The answer of a creation was lost: what is there with the name, the URL and the events is what we made, or as good.
 * *out stays NULL: there is none. */
static mlplat_status find_made(mlp_registry_http_store *store, const json_t *fields, json_t **out)
{
    char token[200] = "";
    mlplat_status s = MLPLAT_OK;
    do {
        size_t i;
        json_t *page = NULL, *one;
        s = mlp_registry_http_webhook_list(store, 1000, token, &page, NULL);
        json_array_foreach(json_object_get(page, "webhooks"), i, one)
        {
            if (!*out && same(one, fields, "name") && same(one, fields, "url") && same_events(one, fields))
                *out = json_incref(one);
        }
        const char *next = json_string_value(json_object_get(page, "next_page_token"));
        snprintf(token, sizeof token, "%s", next ? next : "");
        json_decref(page);
    } while (s == MLPLAT_OK && !*out && *token);
    return s;
}

mlplat_status mlp_registry_http_webhook_create(void *object, const json_t *fields, json_t **out, mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    json_t *answer = NULL;
    bool unclear = false;
    mlplat_status s =
        mlp_mlflow_call(&store->server, MLP_MLFLOW_ONCE, WEBHOOKS, json_deep_copy(fields), &answer, &unclear, err);
    s = take(s, answer, out, err);
    if (unclear && find_made(store, fields, out) == MLPLAT_OK && *out)
        s = MLPLAT_OK;
    return hide(fields, s, err);
}

mlplat_status mlp_registry_http_webhook_update(void *object, const char *id, const json_t *fields, json_t **out,
                                               mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    json_t *answer = NULL;
    mlplat_status s = mlp_mlflow_call_id(&store->server, MLP_MLFLOW_PATCH, WEBHOOKS, id, "", json_deep_copy(fields),
                                         &answer, NULL, err);
    return hide(fields, take(s, answer, out, err), err);
}

/* Where its answer was lost, the webhook is looked for; once more at most. */
mlplat_status mlp_registry_http_webhook_delete(void *object, const char *id, mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    mlplat_status s = MLPLAT_OK;
    bool unclear = true;
    for (int i = 0; i < 2 && unclear; i++) {
        unclear = false;
        s = mlp_mlflow_call_id(&store->server, MLP_MLFLOW_DELETE_ONCE, WEBHOOKS, id, "", json_object(), NULL, &unclear,
                               err);
        if (unclear && mlp_registry_http_webhook_get(store, id, NULL, NULL) == MLPLAT_NOT_FOUND)
            return MLPLAT_OK;
    }
    return s;
}

mlplat_status mlp_registry_http_webhook_test(void *object, const char *id, const json_t *event, json_t **out,
                                             mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    json_t *answer = NULL, *body = json_pack("{s:O*}", "event", event);
    mlplat_status s =
        mlp_mlflow_call_id(&store->server, MLP_MLFLOW_ONCE, WEBHOOKS, id, "/test", body, &answer, NULL, err);
    json_t *result = json_object_get(answer, "result");
    if (s == MLPLAT_OK && !json_is_object(result))
        s = mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no result of a test");
    if (s == MLPLAT_OK)
        *out = json_incref(result);
    json_decref(answer);
    return s;
}
