#include "transport/flow.h"
#include "base/clock.h"
#include "base/err.h"
#include <string.h>

enum {
    HEADERS_MOST = 65536, /* of all answers to one request, those that only say "go on" included */
    WORDS_MOST = 65536,   /* of a body that is not the one asked for */
    HOOK_EVERY_MS = 50,
    SLOWEST = 100 /* bytes a second */
};

static size_t fail_callback(mlp_flow *flow, mlplat_status status)
{
    flow->failed = status;
    return 0;
}

size_t mlp_flow_header(char *data, size_t size, size_t n, void *user)
{
    mlp_flow *flow = user;
    mlp_http_response *out = flow->out;
    n *= size;
    flow->receiving = true;
    flow->received += n;
    flow->header_bytes += n;
    if (flow->header_bytes > HEADERS_MOST)
        return fail_callback(
            flow, mlp_fail(flow->err, MLPLAT_CORRUPT, "the answer has more than %d bytes of headers", HEADERS_MOST));
    int status = mlp_header_status(data, n);
    if (status) {
        out->status = status;
        mlp_buf_clear(&out->headers);
    } else {
        flow->headers_done = flow->headers_done || (out->status >= 200 && (data[0] == '\r' || data[0] == '\n'));
        mlp_header_add(&out->headers, data, n);
    }
    return out->headers.failed ? fail_callback(flow, mlp_fail_memory(flow->err)) : n;
}

static size_t to_sink(mlp_flow *flow, const char *data, size_t n)
{
    const mlp_http_sink *sink = flow->exchange->request->sink;
    flow->handed = true;
    mlplat_status s = sink->write(sink->user, data, n, flow->err);
    return s == MLPLAT_OK ? n : fail_callback(flow, s);
}

static size_t to_memory(mlp_flow *flow, const char *data, size_t n)
{
    mlp_buf_add(&flow->out->body, data, n);
    return flow->out->body.failed ? fail_callback(flow, mlp_fail_memory(flow->err)) : n;
}

size_t mlp_flow_body(char *data, size_t size, size_t n, void *user)
{
    mlp_flow *flow = user;
    const mlp_exchange *x = flow->exchange;
    bool good = flow->out->status >= 200 && flow->out->status < 300;
    n *= size;
    flow->received += n;
    flow->body_bytes += n;
    if (!good && flow->body_bytes > WORDS_MOST) {
        flow->enough = true;
        return 0;
    }
    if (good && x->limit && flow->body_bytes > x->limit)
        return fail_callback(flow, mlp_fail(flow->err, MLPLAT_CORRUPT,
                                            "the answer is longer than %llu bytes, the limit: it was not read to its "
                                            "end",
                                            (unsigned long long)x->limit));
    return good && x->request->sink ? to_sink(flow, data, n) : to_memory(flow, data, n);
}

static size_t from_source(mlp_flow *flow, char *data, size_t room)
{
    const mlp_http_source *source = flow->exchange->request->source;
    int64_t n = source->read(source->user, data, room, flow->err);
    if (n < 0) {
        flow->failed = flow->err->status != MLPLAT_OK ? flow->err->status : MLPLAT_IO;
        return CURL_READFUNC_ABORT;
    }
    flow->body_at += (size_t)n;
    flow->body_sent = n == 0 || (source->size >= 0 && flow->body_at >= (uint64_t)source->size);
    return (size_t)n;
}

size_t mlp_flow_read(char *data, size_t size, size_t n, void *user)
{
    mlp_flow *flow = user;
    const mlp_http_request *request = flow->exchange->request;
    n *= size;
    if (request->source) {
        n = from_source(flow, data, n);
    } else {
        size_t left = request->body_size - flow->body_at;
        n = n < left ? n : left;
        if (n)
            memcpy(data, (const char *)request->body + flow->body_at, n);
        flow->body_at += n;
        flow->body_sent = flow->body_at == request->body_size;
    }
    if (n != CURL_READFUNC_ABORT)
        flow->sent_bytes += n;
    if (flow->body_sent)
        flow->asked_ns = mlp_clock_mono_ns();
    return n;
}

/* libcurl sends a request again by itself when a kept connection dies before an answer. Whether the server has done it
 * by then nobody knows, so it may do so with what is repeatable alone. */
int mlp_flow_seek(void *user, curl_off_t at, int origin)
{
    mlp_flow *flow = user;
    const mlp_http_source *source = flow->exchange->request->source;
    if (flow->exchange->once || at != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_FAIL;
    if (source && (!source->rewind || source->rewind(source->user, flow->err) != MLPLAT_OK))
        return CURL_SEEKFUNC_FAIL;
    flow->body_at = 0;
    flow->body_sent = false;
    return CURL_SEEKFUNC_OK;
}

int mlp_flow_begin(void *user, char *to, char *from, int to_port, int from_port)
{
    mlp_flow *flow = user;
    (void)to, (void)from, (void)to_port, (void)from_port;
    flow->sent = true;
    flow->window_ns = flow->asked_ns = mlp_clock_mono_ns();
    return CURL_PREREQFUNC_OK;
}

/* While a server thinks nothing moves, and that is fine until the time is up. */
static mlplat_status check_still(mlp_flow *flow, int64_t now, mlplat_error *err)
{
    int64_t limit = flow->exchange->stall_ms, lasted = (now - flow->window_ns) / 1000000;
    uint64_t bytes = flow->sent_bytes + flow->received;
    bool waiting = !flow->sent || (flow->body_sent && !flow->receiving);
    if (!waiting && lasted < limit)
        return MLPLAT_OK;
    if (!waiting && bytes - flow->window_bytes < (uint64_t)(SLOWEST * limit / 1000)) {
        mlplat_status s = mlp_fail(err, MLPLAT_TIMEOUT, "the connection stands still: %llu bytes in %lld s",
                                   (unsigned long long)(bytes - flow->window_bytes), (long long)(lasted / 1000));
        if (err)
            err->retryable = 1;
        return s;
    }
    flow->window_ns = now;
    flow->window_bytes = bytes;
    return MLPLAT_OK;
}

static mlplat_status check_whole(const mlp_flow *flow, int64_t now, mlplat_error *err)
{
    int64_t limit = flow->exchange->timeout_ms;
    bool patient = flow->exchange->patient, thinking = flow->sent && flow->body_sent && !flow->receiving;
    if (!limit || (patient && !thinking) || now - (patient ? flow->asked_ns : flow->begin_ns) < limit * 1000000)
        return MLPLAT_OK;
    mlplat_status s = mlp_fail(err, MLPLAT_TIMEOUT, "%s within %lld ms",
                               flow->receiving ? "the answer did not come to its end"
                               : flow->sent    ? "no answer came"
                                               : "no connection came about",
                               (long long)limit);
    if (err)
        err->retryable = 1;
    return s;
}

mlplat_status mlp_flow_check(mlp_flow *flow, mlplat_error *err)
{
    int64_t now = mlp_clock_mono_ns();
    mlplat_status s = check_whole(flow, now, err);
    if (s == MLPLAT_OK)
        s = check_still(flow, now, err);
    if (s != MLPLAT_OK || now - flow->hook_ns < (int64_t)HOOK_EVERY_MS * 1000000)
        return s;
    flow->hook_ns = now;
    return mlp_hook_call(flow->exchange->request->hook, flow->sent_bytes + flow->received, 0, "the request", err);
}
