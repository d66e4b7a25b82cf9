#include "transport/http.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "transport/environment.h"
#include "transport/http_inside.h"
#include <string.h>

enum { CONNECT_MS = 10000, TIMEOUT_MS = 120000, STALL_MS = 30000, RETRY_FIRST_MS = 500 };

mlplat_status mlp_http_options_load(mlp_http_options *options, mlplat_error *err)
{
    int64_t seconds = 0, deadline = 0, retries = -1;
    bool respect = true;
    mlplat_status s = mlp_environment_number("MLFLOW_HTTP_REQUEST_TIMEOUT", 1, 86400, &seconds, err);
    if (s == MLPLAT_OK)
        s = mlp_environment_number("MLPLAT_HTTP_DEADLINE", 1, 86400, &deadline, err);
    if (s == MLPLAT_OK)
        s = mlp_environment_number("MLFLOW_HTTP_REQUEST_MAX_RETRIES", 0, 1000, &retries, err);
    if (s == MLPLAT_OK)
        s = mlp_environment_flag("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", &respect, err);
    if (s != MLPLAT_OK)
        return s;
    if (seconds)
        options->timeout_ms = seconds * 1000;
    options->budget_ms = deadline * 1000;
    if (retries >= 0)
        options->retries = retries ? retries : -1;
    options->ignore_retry_after = !respect;
    return MLPLAT_OK;
}

static int64_t or_else(int64_t value, int64_t fallback)
{
    return value ? value : fallback;
}

static void take_numbers(mlp_http *http, const mlp_http_options *o)
{
    http->connect_ms = or_else(o->connect_ms, CONNECT_MS);
    http->timeout_ms = or_else(o->timeout_ms, TIMEOUT_MS);
    http->budget_ms = or_else(o->budget_ms, http->timeout_ms > TIMEOUT_MS ? http->timeout_ms : TIMEOUT_MS);
    http->stall_ms = or_else(o->stall_ms, STALL_MS);
    http->retry_first_ms = or_else(o->retry_first_ms, RETRY_FIRST_MS);
    http->retries = o->retries;
    http->ignore_retry_after = o->ignore_retry_after;
    http->log = o->log;
}

static mlplat_status take_url(mlp_http *http, const char *url, mlplat_error *err)
{
    mlplat_status s = mlp_origin_parse(url, &http->origin, err);
    if (s != MLPLAT_OK)
        return s;
    const char *wrong = strpbrk(url, "?#");
    if (wrong)
        return mlp_fail(err, MLPLAT_INVALID,
                        "the address of a server has a '%c': it is http://host:port, and a path "
                        "where the server has one",
                        *wrong);
    for (size_t n = strlen(http->origin.path); n && http->origin.path[n - 1] == '/';)
        http->origin.path[--n] = 0;
    mlp_origin_name(&http->origin, http->name);
    return MLPLAT_OK;
}

static mlplat_status fill(mlp_http *http, const mlp_http_options *o, mlplat_error *err)
{
    mlplat_status s = take_url(http, o->url, err);
    take_numbers(http, o);
    if (s == MLPLAT_OK && o->credentials)
        s = mlp_credentials_copy(o->credentials, &http->credentials, err);
    if (s == MLPLAT_OK && !(http->guard = mlp_os_fork_guard()))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_lines_open(o->library, &http->lines, err);
    if (s != MLPLAT_OK)
        return s;
    return o->trust ? mlp_trust_copy(o->trust, &http->trust, err)
                    : mlp_trust_load(mlp_lines_ca(http->lines), &http->trust, err);
}

mlplat_status mlp_http_open(const mlp_http_options *options, mlp_http **out, mlplat_error *err)
{
    mlp_http *http = mlp_alloc(sizeof *http);
    *out = NULL;
    mlplat_status s = http ? fill(http, options, err) : mlp_fail_memory(err);
    if (s != MLPLAT_OK) {
        mlp_http_close(http);
        return s;
    }
    if (http->trust.insecure && http->origin.tls)
        mlp_log(http->log, MLPLAT_LOG_WARNING,
                "%s: who the server is is not looked at (MLFLOW_TRACKING_INSECURE_TLS): "
                "anybody between can read and change everything",
                http->name);
    *out = http;
    return MLPLAT_OK;
}

void mlp_http_close(mlp_http *http)
{
    if (!http)
        return;
    if (http->guard && mlp_os_forked(http->guard))
        mlp_lines_abandon(http->lines);
    else
        mlp_lines_close(http->lines);
    mlp_os_fork_guard_free(http->guard);
    mlp_credentials_free(&http->credentials);
    mlp_trust_free(&http->trust);
    mlp_origin_free(&http->origin);
    mlp_free(http);
}

const char *mlp_http_name(const mlp_http *http)
{
    return http->name;
}

void mlp_http_response_free(mlp_http_response *response)
{
    mlp_buf_free(&response->body);
    mlp_buf_free(&response->headers);
    *response = (mlp_http_response){0};
}

const char *mlp_http_response_header(const mlp_http_response *response, const char *name)
{
    return mlp_header_find(&response->headers, name);
}
