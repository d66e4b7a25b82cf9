/* What the files of the client share. */
#ifndef MLP_HTTP_INSIDE_H
#define MLP_HTTP_INSIDE_H
#include "transport/exchange.h"
#include "transport/origin.h"
#include "transport/retry.h"

struct mlp_http {
    void *guard; /* mlp_os_fork_guard */
    mlp_lines *lines;
    mlp_origin origin; /* its path: what all requests begin with, without a slash at its end */
    char name[MLP_ORIGIN_SHOWN];
    mlp_credentials credentials;
    mlp_trust trust;
    int64_t connect_ms, timeout_ms, budget_ms, stall_ms, retry_first_ms, retries;
    bool ignore_retry_after;
    const mlp_logger *log;
};

/* One call on its way. */
typedef struct mlp_http_call {
    mlp_http *http;
    const mlp_http_request *request;
    mlp_http_response *out;
    char *path;          /* with the client's own in front, and where redirects led to */
    char *authorization; /* the line that was sent last */
    mlp_header_lines lines;
    mlp_retry retry;
    int64_t timeout_ms; /* 0: none */
    bool repeatable;    /* by its method or by the caller's word */
    bool renewed;       /* a new token was tried after a 401 */
    bool said;          /* that it takes long */
} mlp_http_call;

/* The headers of a try, with the credentials as they are now. */
mlplat_status mlp_http_headers(mlp_http_call *call, mlplat_error *err);
/* The exchange, and those that redirects lead to. */
mlplat_status mlp_http_try(mlp_http_call *call, mlplat_error *err);
/* OK for 2xx; else what the answer means. Secrets of the call are in none of its words. */
mlplat_status mlp_http_judge(const mlp_http_call *call, mlplat_error *err);

/* Whether the answer is a web page, and, if title is not NULL, what it calls itself; login: it asks who we are. */
bool mlp_http_page(const mlp_http_response *response, char title[80], bool *login);

#endif
