/* Calls to an MLflow server. */
#include "transport/mlflow.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API "/api/2.0/mlflow/"

enum { SINK_MS = 30 * 1000 };

mlplat_status mlp_mlflow_open(const char *url, const mlp_logger *log, const mlp_hook *hook, mlp_mlflow *out,
                              mlplat_error *err)
{
    mlp_http_options options = {.url = url, .log = log};
    mlp_credentials credentials = {0};
    mlplat_status s = mlp_http_options_load(&options, err);
    *out = (mlp_mlflow){.hook = hook};
    if (s == MLPLAT_OK)
        s = mlp_credentials_load(&credentials, err);
    options.credentials = &credentials;
    if (s == MLPLAT_OK)
        s = mlp_http_open(&options, &out->http, err);
    mlp_credentials_free(&credentials);
    return s;
}

void mlp_mlflow_close(mlp_mlflow *server)
{
    mlp_http_close(server->http);
    server->http = NULL;
}

static void put_value(mlp_buf *out, const char *key, const json_t *value)
{
    bool more = out->data && memchr(out->data, '?', out->size);
    mlp_buf_printf(out, "%c%s=", more ? '&' : '?', key);
    if (json_is_integer(value))
        mlp_buf_printf(out, "%lld", (long long)json_integer_value(value));
    else
        mlp_text_percent(out, json_string_value(value), "");
}

/* "?key=value&key=value" of texts and numbers; a list's members each with the key. */
static void put_query(mlp_buf *out, const json_t *body)
{
    const char *key;
    json_t *value, *one;
    size_t i;
    json_object_foreach((json_t *)body, key, value)
    {
        if (json_is_array(value)) {
            json_array_foreach(value, i, one) put_value(out, key, one);
        } else {
            put_value(out, key, value);
        }
    }
}

/* What came with a later MLflow than the oldest that we know: its pages, and the release. */
static const struct {
    const char *path, *what, *release;
} later[] = {
    {API "experiments/delete-experiment-tag", "removing an experiment's tag needs", "3.2"},
    {API "logged-models", "logged models need", "3.0"},
    {API "runs/outputs", "logged models need", "3.0"},
    {API "webhooks", "webhooks need", "3.3"},
};

/* A server without the page says so, while one that has it says which of them does not exist. */
static mlplat_status told_age(mlplat_status s, const char *path, mlplat_error *err)
{
    if ((s != MLPLAT_NOT_FOUND && s != MLPLAT_UNSUPPORTED) || strstr(err->message, "RESOURCE_DOES_NOT_EXIST"))
        return s;
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (!mlp_text_starts(path, later[i].path))
            continue;
        err->status = MLPLAT_UNSUPPORTED;
        return mlp_fail_prefix(err, err->status, "%s a server with MLflow %s or newer", later[i].what,
                               later[i].release);
    }
    return s;
}

/* MLflow says of what is deleted that a parameter is wrong. */
static mlplat_status told(mlplat_status s, const char *path, mlplat_error *err)
{
    bool deleted = s == MLPLAT_INVALID && (strstr(err->message, "must be in the 'active' state") ||
                                           strstr(err->message, "must be in 'active'"));
    if (deleted)
        return err->status = MLPLAT_STATE;
    return told_age(s, path, err);
}

static _Thread_local int64_t hurry_until_ns; /* 0: no hurry */
static _Thread_local bool hurry_quiet;

void mlp_mlflow_hurry(int64_t ms, bool quiet)
{
    hurry_until_ns = ms ? mlp_clock_mono_ns() + ms * 1000000 : 0;
    hurry_quiet = quiet;
}

static int is_over(void *user, uint64_t done, uint64_t total)
{
    int64_t until = atomic_load(&((mlp_mlflow *)user)->sink_until_ns);
    (void)done, (void)total;
    return until && mlp_clock_mono_ns() >= until;
}

/* Quietly: the thread that delivers asks, and closing ends it. */
static void hurry_up(mlp_http_request *request, const mlp_hook *over)
{
    int64_t left = (hurry_until_ns - mlp_clock_mono_ns()) / 1000000;
    if (!hurry_until_ns || request->retries < 0)
        return;
    request->timeout_ms = request->budget_ms = left > 1 ? left : 1;
    request->retries = hurry_quiet ? -1 : 1;
    request->hook = hurry_quiet ? over : request->hook;
}

static bool is_get(mlp_mlflow_how how)
{
    return how == MLP_MLFLOW_GET || how == MLP_MLFLOW_GET_SINK;
}

static mlplat_status send(mlp_mlflow *server, mlp_mlflow_how how, const char *path, const json_t *body, json_t **answer,
                          mlp_http_response *response, mlplat_error *err)
{
    static const char *const methods[] = {"GET", "POST", "POST", "PATCH", "DELETE", "DELETE", "POST", "GET"};
    bool sink = how == MLP_MLFLOW_SINK || how == MLP_MLFLOW_GET_SINK;
    bool once = how == MLP_MLFLOW_ONCE || how == MLP_MLFLOW_DELETE_ONCE;
    const mlp_hook over = {is_over, server};
    bool has_body = !is_get(how) && (how != MLP_MLFLOW_DELETE || json_object_size(body) > 0);
    mlp_http_request request = {.method = methods[how],
                                .path = path,
                                .repeatable = !once,
                                .once = once,
                                .timeout_ms = sink ? SINK_MS : 0,
                                .retries = sink ? -1 : 0,
                                .hook = sink ? &over : server->hook};
    hurry_up(&request, &over);
    mlplat_status s = mlp_http_json(server->http, &request, has_body ? body : NULL, answer, response, err);
    if (sink || (hurry_until_ns && hurry_quiet))
        s = mlp_http_whose(s, response, err);
    if (sink && s != MLPLAT_OK && response->retry_after_ms > 0)
        server->rest_until_ns =
            mlp_clock_mono_ns() + 1000000 * (response->retry_after_ms < SINK_MS ? response->retry_after_ms : SINK_MS);
    return told(s, path, err);
}

/* A pool that ran dry comes as 400, and too late to say that nothing was done. Who cancels does not want to know. */
static bool nobody_knows(mlplat_status s, const mlp_http_response *response)
{
    if (s == MLPLAT_CANCELLED)
        return false;
    if (response->fate != MLP_HTTP_ANSWERED)
        return response->fate == MLP_HTTP_NO_ANSWER;
    return response->status >= 500 || response->status == 408 || (s == MLPLAT_UNAVAILABLE && response->status != 429);
}

mlplat_status mlp_mlflow_call(mlp_mlflow *server, mlp_mlflow_how how, const char *path, json_t *body, json_t **out,
                              bool *unclear, mlplat_error *err)
{
    mlplat_error mine = {0};
    mlp_http_response response = {0};
    mlp_buf text = {0};
    json_t *answer = NULL;
    mlp_buf_printf(&text, API "%s", path);
    if (is_get(how) && body)
        put_query(&text, body);
    mlplat_status s = body ? mlp_buf_ok(&text, &mine) : mlp_fail_memory(&mine);
    if (s == MLPLAT_OK)
        s = send(server, how, text.data, body, &answer, &response, &mine);
    if (unclear)
        *unclear = s != MLPLAT_OK && nobody_knows(s, &response);
    if (s == MLPLAT_OK && out)
        *out = answer;
    else
        json_decref(answer);
    if (s != MLPLAT_OK && err)
        *err = mine;
    mlp_http_response_free(&response);
    mlp_buf_free(&text);
    json_decref(body);
    return s;
}

mlplat_status mlp_mlflow_call_id(mlp_mlflow *server, mlp_mlflow_how how, const char *collection, const char *id,
                                 const char *rest, json_t *body, json_t **out, bool *unclear, mlplat_error *err)
{
    mlp_buf path = {0};
    mlp_buf_printf(&path, "%s/", collection);
    mlp_text_percent(&path, id, "");
    mlp_buf_puts(&path, rest);
    mlplat_status s = mlp_buf_ok(&path, err);
    if (s == MLPLAT_OK)
        s = mlp_mlflow_call(server, how, path.data, body, out, unclear, err);
    else
        json_decref(body);
    mlp_buf_free(&path);
    return s;
}

/* ---- which MLflow it is ---------------------------------------------------------------------------------------- */

/* 1000 * major + minor; 1: it does not say. */
static int read_version(const mlp_buf *body)
{
    char text[32] = "", *end = text;
    snprintf(text, sizeof text, "%.*s", (int)(body->size < sizeof text ? body->size : sizeof text - 1),
             body->data ? body->data : "");
    long major = strtol(text, &end, 10), minor = *end == '.' ? strtol(end + 1, &end, 10) : -1;
    return major > 0 && major < 1000 && minor >= 0 && minor < 1000 ? (int)(1000 * major + minor) : 1;
}

/* A server that cannot be asked now is not known either: what comes next tells what is wrong with it. */
static int version_of(mlp_mlflow *server)
{
    int known = atomic_load_explicit(&server->version, memory_order_relaxed);
    const mlp_http_request request = {.method = "GET", .path = "/version", .retries = -1, .hook = server->hook};
    mlp_http_response response = {0};
    if (known)
        return known;
    mlplat_status s = mlp_http_send(server->http, &request, &response, NULL);
    if (s == MLPLAT_OK || response.status == 404)
        known = s == MLPLAT_OK ? read_version(&response.body) : 1;
    atomic_store_explicit(&server->version, known, memory_order_relaxed);
    mlp_http_response_free(&response);
    return known;
}

mlplat_status mlp_mlflow_need(mlp_mlflow *server, const char *what, int major, int minor, mlplat_error *err)
{
    int is = version_of(server);
    if (is < 1000 || is >= 1000 * major + minor)
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_UNSUPPORTED, "%s a server with MLflow %d.%d or newer: %s has %d.%d", what, major, minor,
                    mlp_http_name(server->http), is / 1000, is % 1000);
}
