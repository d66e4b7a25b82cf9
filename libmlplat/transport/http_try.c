/* One try of a request: its headers, the exchange, and the exchanges that redirects lead to. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "transport/http_inside.h"
#include "transport/redirect.h"
#include "transport/secret.h"
#include <string.h>

#define MEMORY_LIMIT ((uint64_t)64 << 20)

/* The line is kept beside the list, to see later whether a token was renewed. */
static mlplat_status push_credentials(mlp_http_call *call, mlplat_error *err)
{
    char *line = NULL;
    mlplat_status s = mlp_credentials_line(&call->http->credentials, &line, err);
    mlp_secret_free(call->authorization);
    call->authorization = line;
    if (s == MLPLAT_OK && line)
        s = mlp_header_push(&call->lines, mlp_strdup(line), err);
    line = NULL;
    if (s == MLPLAT_OK && !call->request->no_workspace)
        s = mlp_credentials_workspace(&call->http->credentials, &line, err);
    return s == MLPLAT_OK && line ? mlp_header_push(&call->lines, line, err) : s;
}

mlplat_status mlp_http_headers(mlp_http_call *call, mlplat_error *err)
{
    const mlp_http_request *request = call->request;
    mlp_header_lines_free(&call->lines);
    mlplat_status s = mlp_header_push(&call->lines, mlp_strdup("User-Agent: libmlplat/" MLPLAT_VERSION_TEXT), err);
    if (s == MLPLAT_OK) /* a server that does not know this question answers it late */
        s = mlp_header_push(&call->lines, mlp_strdup("Expect:"), err);
    if (s == MLPLAT_OK)
        s = push_credentials(call, err);
    for (size_t i = 0; s == MLPLAT_OK && i < request->n_headers; i++)
        s = mlp_header_push_pair(&call->lines, &request->headers[i], err);
    return s;
}

static int64_t time_left(const mlp_http_call *call)
{
    int64_t left = call->retry.budget_ms - mlp_retry_elapsed_ms(&call->retry);
    if (!call->timeout_ms)
        return 0;
    left = left < call->timeout_ms ? left : call->timeout_ms;
    return left > 0 ? left : 1;
}

static mlplat_status exchange(mlp_http_call *call, mlplat_error *err)
{
    const mlp_http *http = call->http;
    char *url = mlp_sprintf("%s%s", http->name, call->path);
    if (!url)
        return mlp_fail_memory(err);
    mlp_exchange x = {.url = url,
                      .origin = http->name,
                      .request = call->request,
                      .headers = &call->lines,
                      .trust = &http->trust,
                      .once = !call->repeatable,
                      .limit = call->request->limit || call->request->sink ? call->request->limit : MEMORY_LIMIT,
                      .patient = call->request->patient,
                      .connect_ms = http->connect_ms,
                      .timeout_ms = call->request->patient ? call->timeout_ms : time_left(call),
                      .stall_ms = http->stall_ms};
    call->out->status = 0;
    call->out->coded = false;
    mlp_buf_clear(&call->out->body);
    mlp_buf_clear(&call->out->headers);
    mlplat_status s = mlp_exchange_run(http->lines, &x, call->out, err);
    mlp_free(url);
    return s;
}

/* The body goes out again, to the same server. */
static mlplat_status rewind_body(const mlp_http_request *request, mlplat_error *err)
{
    if (!request->source)
        return MLPLAT_OK;
    if (!request->source->rewind)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "the server sends us on, and the body can be read only once");
    return request->source->rewind(request->source->user, err);
}

static mlplat_status follow(mlp_http_call *call, mlplat_error *err)
{
    char *next = NULL;
    mlplat_status s = mlp_redirect_follow(&call->http->origin, call->out->status, call->request->method, call->path,
                                          mlp_header_find(&call->out->headers, "location"), &next, err);
    if (s == MLPLAT_OK)
        s = rewind_body(call->request, err);
    if (s != MLPLAT_OK) {
        mlp_free(next);
        return s;
    }
    mlp_free(call->path);
    call->path = next;
    return MLPLAT_OK;
}

mlplat_status mlp_http_try(mlp_http_call *call, mlplat_error *err)
{
    mlplat_status s = mlp_http_headers(call, err);
    for (int hops = 0; s == MLPLAT_OK; hops++) {
        s = exchange(call, err);
        if (s != MLPLAT_OK || !mlp_redirect_status(call->out->status))
            break;
        s = hops < MLP_REDIRECT_MOST
                ? follow(call, err)
                : mlp_fail(err, MLPLAT_INVALID, "the server sends us on more than %d times", (int)MLP_REDIRECT_MOST);
    }
    return s == MLPLAT_OK ? mlp_http_judge(call, err) : s;
}
