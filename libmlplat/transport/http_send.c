/* A call: tries, and what lies between them. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "transport/http_inside.h"
#include "transport/secret.h"
#include <stdio.h>
#include <string.h>

enum { NAP_MS = 50, RETRY_MOST_MS = 15000, NOBODY_MS = 30000, SILENT_MS = 2000 };
enum { TOO_MANY_REQUESTS = 429, UNAUTHORIZED = 401 };

/* As RFC 9110 has it. */
static bool idempotent(const char *method)
{
    static const char *const names[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(method, names[i]) == 0)
            return true;
    return false;
}

static mlplat_status check(const mlp_http *http, const mlp_http_request *request, mlplat_error *err)
{
    if (mlp_os_forked(http->guard))
        return mlp_fail(err, MLPLAT_STATE,
                        "the connections to %s were inherited by fork: open a session in this "
                        "process",
                        http->name);
    if (!*request->method || request->method[strspn(request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
        return mlp_fail(err, MLPLAT_INVALID, "a request's method is not one word of capital letters");
    bool plain = request->path[0] == '/' || request->path[0] == '?' || !request->path[0];
    for (const char *at = request->path; plain && *at; at++)
        plain = (unsigned char)*at > 0x20 && (unsigned char)*at < 0x7f && *at != '#';
    return plain ? MLPLAT_OK
                 : mlp_fail(err, MLPLAT_INVALID, "a request's path has a character that must be percent-encoded");
}

static mlplat_status begin(mlp_http_call *call, mlplat_error *err)
{
    const mlp_http *http = call->http;
    const mlp_http_request *request = call->request;
    int64_t timeout = request->timeout_ms ? request->timeout_ms : http->timeout_ms;
    int64_t retries = request->retries ? request->retries : http->retries;
    *call->out = (mlp_http_response){.retry_after_ms = -1};
    mlplat_status s = check(http, request, err);
    if (s != MLPLAT_OK)
        return s;
    call->timeout_ms = timeout < 0 ? 0 : timeout;
    call->repeatable = !request->once && (request->repeatable || idempotent(request->method));
    call->retry = (mlp_retry){.first_ms = http->retry_first_ms,
                              .most_ms = RETRY_MOST_MS,
                              .budget_ms = request->budget_ms ? request->budget_ms : http->budget_ms,
                              .tries = retries < 0   ? 0
                                       : retries > 0 ? retries
                                                     : -1};
    mlp_retry_begin(&call->retry);
    call->path = mlp_sprintf("%s%s%s", http->origin.path, *http->origin.path || request->path[0] == '/' ? "" : "/",
                             request->path);
    return call->path ? MLPLAT_OK : mlp_fail_memory(err);
}

/* Whether what was read and written can be had again. */
static bool can_restart(const mlp_http_call *call)
{
    const mlp_http_request *request = call->request;
    const mlp_http_response *out = call->out;
    bool handed = request->sink && out->status >= 200 && out->status < 300;
    bool read = request->source && out->fate != MLP_HTTP_NOT_SENT;
    return (!handed || request->sink->restart) && (!read || request->source->rewind);
}

static mlplat_status restart(const mlp_http_call *call, mlplat_error *err)
{
    const mlp_http_request *request = call->request;
    const mlp_http_response *out = call->out;
    mlplat_status s = MLPLAT_OK;
    if (request->sink && request->sink->restart && out->status >= 200 && out->status < 300)
        s = request->sink->restart(request->sink->user, err);
    if (s == MLPLAT_OK && request->source && out->fate != MLP_HTTP_NOT_SENT)
        s = request->source->rewind(request->source->user, err);
    return s;
}

/* Nobody knows whether it was done, and twice would do harm. */
static bool unclear(const mlp_http_call *call)
{
    const mlp_http_response *out = call->out;
    return !call->repeatable && out->fate != MLP_HTTP_NOT_SENT && out->status != TOO_MANY_REQUESTS;
}

/* A token that was renewed since it was sent deserves a second try, once. */
static bool token_renewed(mlp_http_call *call)
{
    char *line = NULL;
    if (call->renewed || call->out->status != UNAUTHORIZED || !call->http->credentials.token_path)
        return false;
    bool now = mlp_credentials_line(&call->http->credentials, &line, NULL) == MLPLAT_OK &&
               !mlp_secret_same(line, call->authorization);
    mlp_secret_free(line);
    call->renewed = now;
    return now;
}

/* How long to wait before the next try; -1: this was the last. */
static int64_t next_wait(mlp_http_call *call, mlplat_error *err)
{
    const char *after = mlp_header_find(&call->out->headers, "retry-after");
    call->out->retry_after_ms = after ? mlp_retry_after(after, mlp_clock_ms()) : -1;
    if (!can_restart(call))
        return -1;
    if (token_renewed(call))
        return 0;
    if (!err->retryable)
        return -1;
    if (unclear(call)) {
        err->retryable = 0;
        mlp_fail_prefix(err, err->status, "it is not known whether it was done");
        return -1;
    }
    if (call->out->fate == MLP_HTTP_NOT_SENT && mlp_retry_elapsed_ms(&call->retry) > NOBODY_MS)
        return -1;
    return mlp_retry_next(&call->retry, call->http->ignore_retry_after ? -1 : call->out->retry_after_ms);
}

static mlplat_status nap(const mlp_http_call *call, int64_t ms, mlplat_error *err)
{
    mlplat_status s = mlp_hook_call(call->request->hook, 0, 0, "the request", err);
    int64_t until = mlp_clock_mono_ns() + ms * 1000000, left;
    /* Rounded up: a server that said "in a second" is not asked a part of a millisecond before. */
    while (s == MLPLAT_OK && (left = (until - mlp_clock_mono_ns() + 999999) / 1000000) > 0) {
        mlp_clock_sleep_ms(left < NAP_MS ? left : NAP_MS);
        s = mlp_hook_call(call->request->hook, 0, 0, "the request", err);
    }
    return s;
}

/* Who waits is told why, once. */
static void note(mlp_http_call *call, int64_t wait, const mlplat_error *err)
{
    int64_t elapsed = mlp_retry_elapsed_ms(&call->retry);
    bool loud = !call->said && elapsed + wait >= SILENT_MS;
    call->said |= loud;
    mlp_log(call->http->log, loud ? MLPLAT_LOG_WARNING : MLPLAT_LOG_INFO, "%s: try %u: %s; the next in %lld ms%s",
            call->http->name, call->out->tries, err->message, (long long)wait,
            loud ? " (MLPLAT_HTTP_DEADLINE=<seconds> says how long to go on)" : "");
}

static mlplat_status run_tries(mlp_http_call *call, mlplat_error *err)
{
    for (;;) {
        *err = (mlplat_error){0};
        call->out->tries++;
        mlplat_status s = mlp_http_try(call, err);
        err->http_status = call->out->status;
        if (s == MLPLAT_OK)
            return s;
        int64_t wait = next_wait(call, err);
        if (wait < 0)
            return s;
        note(call, wait, err);
        s = nap(call, wait, err);
        if (s == MLPLAT_OK)
            s = restart(call, err);
        if (s != MLPLAT_OK)
            return s;
    }
}

/* "POST https://host/path (5 tries): ...". A query may hold what nobody else should read. */
static mlplat_status tell(const mlp_http_call *call, mlplat_status s, mlplat_error *err)
{
    char path[100], tries[32] = "";
    size_t n = strcspn(call->request->path, "?");
    bool cut = n >= sizeof path;
    snprintf(path, sizeof path, "%.*s", (int)(cut ? sizeof path - 4 : n), call->request->path);
    if (call->out->tries > 1)
        snprintf(tries, sizeof tries, " (%u tries)", call->out->tries);
    return mlp_fail_prefix(err, s, "%.16s %.120s%.60s%s%s%s", call->request->method, call->http->name,
                           call->http->origin.path, path, cut ? "..." : "", tries);
}

mlplat_status mlp_http_send(mlp_http *http, const mlp_http_request *request, mlp_http_response *response,
                            mlplat_error *err)
{
    mlplat_error mine = {0};
    mlp_http_call call = {.http = http, .request = request, .out = response};
    mlplat_status s = begin(&call, &mine);
    if (s == MLPLAT_OK) {
        s = run_tries(&call, &mine);
        if (s != MLPLAT_OK)
            tell(&call, s, &mine);
    }
    mlp_header_lines_free(&call.lines);
    mlp_secret_free(call.authorization);
    mlp_free(call.path);
    if (err && s != MLPLAT_OK)
        *err = mine;
    return s;
}
