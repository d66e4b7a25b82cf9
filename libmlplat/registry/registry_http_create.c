/* A new version on a server: made once, whatever happens to answers, and waited for until it is ready. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/hook.h"
#include "base/text.h"
#include "registry/registry_check.h"
#include "registry/registry_http.h"
#include <stdio.h>
#include <string.h>

enum { READY_MS = 300 * 1000, POLL_FIRST_MS = 50, POLL_MOST_MS = 3000, NAP_MS = 50 };

/* ---- make ------------------------------------------------------------------------------------------------------ */

static json_t *create_body(const mlp_version_new *fresh, const char *op)
{
    json_t *tags = mlp_mlflow_pairs(fresh->tags);
    if (!tags || json_array_append_new(tags, json_pack("{s:s, s:s}", "key", MLP_MLFLOW_OP, "value", op)) != 0) {
        json_decref(tags);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:o}", "name", fresh->name, "source", fresh->source, "run_id",
                     fresh->run_id, "run_link", fresh->run_link, "description", fresh->description, "model_id",
                     fresh->model_id, "tags", tags);
}

/* The version with our mark; *out stays NULL: there is none. */
static mlplat_status find_made(mlp_registry_http_store *store, const mlp_version_new *fresh, const char *op,
                               json_t **out, mlplat_error *err)
{
    char filter[200];
    json_t *answer = NULL;
    snprintf(filter, sizeof filter, "%stags.`" MLP_MLFLOW_OP "` = '%s'",
             fresh->prompt ? "tags.`" MLP_PROMPT_TAG "` = 'true' AND " : "", op);
    mlplat_status s = mlp_mlflow_call(&store->server, MLP_MLFLOW_GET, "model-versions/search",
                                      json_pack("{s:s, s:i}", "filter", filter, "max_results", 1), &answer, NULL, err);
    json_t *first = json_array_get(json_object_get(answer, "model_versions"), 0);
    if (s == MLPLAT_OK && first && (s = mlp_registry_http_version_normal(first, err)) == MLPLAT_OK)
        *out = json_incref(first);
    json_decref(answer);
    return s;
}

/* Once more at most, with the same mark, where no version has it after an answer was lost. */
static mlplat_status make(mlp_registry_http_store *store, const mlp_version_new *fresh, const char *op, json_t **out,
                          mlplat_error *err)
{
    bool unclear = true;
    mlplat_status s = MLPLAT_OK;
    for (int i = 0; s == MLPLAT_OK && i < 2 && unclear && !*out; i++) {
        json_t *answer = NULL;
        s = mlp_mlflow_call(&store->server, MLP_MLFLOW_ONCE, "model-versions/create", create_body(fresh, op), &answer,
                            &unclear, err);
        s = mlp_registry_http_take(s, answer, "model_version", out, err);
        if (s == MLPLAT_OK || !unclear)
            break;
        s = find_made(store, fresh, op, out, err);
    }
    if (s == MLPLAT_OK && !*out)
        s = mlp_fail(err, MLPLAT_UNAVAILABLE, "the server makes no version of '%s' and does not say why", fresh->name);
    return s;
}

/* The model is made with its first version, once that was refused for want of it: so that what is refused for another
 * reason leaves none. */
static mlplat_status make_with_model(mlp_registry_http_store *store, const mlp_version_new *fresh, const char *op,
                                     json_t **out, mlplat_error *err)
{
    mlplat_error why = {0};
    mlplat_status s = make(store, fresh, op, out, &why);
    if (s == MLPLAT_NOT_FOUND && !fresh->prompt) {
        s = mlp_registry_http_model_get(store, fresh->name, NULL, &why); /* another program may have made it by now */
        if (s == MLPLAT_NOT_FOUND)
            s = mlp_registry_http_model_create(store, fresh->name, NULL, NULL, &why);
        if (s == MLPLAT_OK || s == MLPLAT_EXISTS)
            s = make(store, fresh, op, out, &why);
    }
    if (s != MLPLAT_OK && err)
        *err = why;
    return s;
}

/* ---- wait ------------------------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *version, const char *name)
{
    const char *text = json_string_value(json_object_get(version, name));
    return text ? text : "";
}

static mlplat_status nap(const mlp_registry_http_store *store, int64_t ms, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (; s == MLPLAT_OK && ms > 0; ms -= NAP_MS) {
        s = mlp_hook_call(store->server.hook, 0, 0, "waiting for the version", err);
        if (s == MLPLAT_OK)
            mlp_clock_sleep_ms(ms < NAP_MS ? ms : NAP_MS);
    }
    return s;
}

/* Some registries copy the files first. */
static mlplat_status wait_until_ready(mlp_registry_http_store *store, const char *name, const mlp_version_ref *ref,
                                      json_t **version, mlplat_error *err)
{
    int64_t until = mlp_clock_mono_ns() + READY_MS * (int64_t)1000000, wait = POLL_FIRST_MS;
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && strcmp(text_of(*version, "status"), "PENDING_REGISTRATION") == 0) {
        if (mlp_clock_mono_ns() > until)
            return mlp_fail(err, MLPLAT_TIMEOUT, "version %lld of '%s' is not ready after %d s: look at it later",
                            (long long)ref->number, name, READY_MS / 1000);
        s = nap(store, wait, err);
        wait = 2 * wait < POLL_MOST_MS ? 2 * wait : POLL_MOST_MS;
        json_t *now = NULL;
        if (s == MLPLAT_OK)
            s = mlp_registry_http_version_get(store, name, ref, &now, err);
        if (s == MLPLAT_OK) {
            json_decref(*version);
            *version = now;
        }
    }
    if (s == MLPLAT_OK && strcmp(text_of(*version, "status"), "FAILED_REGISTRATION") == 0)
        s = mlp_fail(err, MLPLAT_IO, "version %lld of '%s' could not be registered: %.300s", (long long)ref->number,
                     name, text_of(*version, "status_message"));
    return s;
}

mlplat_status mlp_registry_http_version_create(void *object, const mlp_version_new *fresh, int64_t *number,
                                               mlplat_error *err)
{
    mlp_registry_http_store *store = object;
    mlp_version_ref ref = {.kind = MLP_VERSION_NUMBER};
    char op[33];
    json_t *version = NULL;
    mlplat_status s = mlp_random_hex(op, err);
    if (s == MLPLAT_OK && fresh->prompt)
        s = mlp_registry_http_prompt(store, fresh->name, fresh->prompt, err);
    if (s == MLPLAT_OK)
        s = make_with_model(store, fresh, op, &version, err);
    if (s == MLPLAT_OK && !mlp_text_int64(text_of(version, "version"), &ref.number))
        s = mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has a version without a number");
    if (s == MLPLAT_OK)
        s = wait_until_ready(store, fresh->name, &ref, &version, err);
    *number = ref.number;
    json_decref(version);
    return s;
}
