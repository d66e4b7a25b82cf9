#include "transport/exchange.h"
#include "base/clock.h"
#include "base/err.h"
#include "transport/flow.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { POLL_MS = 50 };

/* A server that writes the headers and the body apart (uvicorn, which MLflow runs on) sends the second when we have
 * acknowledged the first, and the system would take its time with that: 40 ms for each request. */
static void acknowledge(const mlp_line *line)
{
#ifdef TCP_QUICKACK
    int on = 1;
    (void)setsockopt(line->socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
#else
    (void)line;
#endif
}

/* Until libcurl is done or we are: its code, with flow->failed set if a callback or a limit of ours ended it. */
static CURLcode drive(mlp_flow *flow, const mlp_curl *curl, const mlp_line *line)
{
    int running = 1, left = 0;
    CURLMcode code = CURLM_OK;
    while (code == CURLM_OK && flow->failed == MLPLAT_OK) {
        code = curl->multi_perform(line->multi, &running);
        if (!running || code != CURLM_OK)
            break;
        if (flow->failed == MLPLAT_OK)
            flow->failed = mlp_flow_check(flow, flow->err);
        if (flow->receiving)
            acknowledge(line);
        if (flow->failed == MLPLAT_OK)
            code = curl->multi_poll(line->multi, NULL, 0, POLL_MS, NULL);
    }
    const CURLMsg *message = code == CURLM_OK && !running ? curl->multi_info_read(line->multi, &left) : NULL;
    if (code == CURLM_OUT_OF_MEMORY)
        return CURLE_OUT_OF_MEMORY;
    return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_RECV_ERROR;
}

/* libcurl takes headers without their end for an answer without a body. */
static mlplat_status judge(mlp_flow *flow, const mlp_curl *curl, const mlp_line *line, CURLcode code, mlplat_error *err)
{
    long os_error = 0;
    code = code == CURLE_OK && flow->sent && !flow->headers_done ? CURLE_PARTIAL_FILE : code;
    bool whole = code == CURLE_OK || (code == CURLE_WRITE_ERROR && flow->enough);
    flow->out->fate = !flow->sent ? MLP_HTTP_NOT_SENT : whole ? MLP_HTTP_ANSWERED : MLP_HTTP_NO_ANSWER;
    if (flow->failed != MLPLAT_OK)
        return flow->failed;
    if (whole)
        return MLPLAT_OK;
    curl->easy_getinfo(line->easy, CURLINFO_OS_ERRNO, &os_error);
    return mlp_flow_fail(flow, code, os_error, err);
}

static mlplat_status run(mlp_flow *flow, const mlp_curl *curl, const mlp_line *line, mlplat_error *err)
{
    CURLMcode added = curl->multi_add_handle(line->multi, line->easy);
    if (added != CURLM_OK)
        return mlp_fail_memory(err);
    CURLcode code = drive(flow, curl, line);
    mlplat_status s = judge(flow, curl, line, code, err);
    curl->multi_remove_handle(line->multi, line->easy);
    return s;
}

mlplat_status mlp_exchange_run(mlp_lines *lines, const mlp_exchange *x, mlp_http_response *out, mlplat_error *err)
{
    mlplat_error mine = {0};
    const mlp_curl *curl = mlp_lines_curl(lines);
    int64_t now = mlp_clock_mono_ns();
    mlp_flow flow = {.exchange = x,
                     .out = out,
                     .err = err ? err : &mine,
                     .body_sent = !x->request->source && !x->request->body_size,
                     .begin_ns = now,
                     .hook_ns = now,
                     .window_ns = now};
    struct curl_slist *list = NULL;
    mlp_line *line = NULL;
    out->fate = MLP_HTTP_NOT_SENT;
    mlplat_status s = mlp_lines_take(lines, &line, err);
    if (s != MLPLAT_OK)
        return s;
    line->easy = curl->easy_init();
    s = line->easy ? mlp_flow_setup(&flow, curl, line, &list, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = run(&flow, curl, line, err);
    if (line->easy)
        curl->easy_cleanup(line->easy);
    curl->slist_free_all(list);
    mlp_lines_give(lines, line, s == MLPLAT_OK);
    return s;
}
