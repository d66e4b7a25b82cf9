/* The inside of an exchange: what libcurl's callbacks and the loop around them share. */
#ifndef MLP_FLOW_H
#define MLP_FLOW_H
#include "transport/line.h"

typedef struct mlp_flow {
    const mlp_exchange *exchange;
    mlp_http_response *out;
    mlplat_error *err;
    mlplat_status failed; /* what a callback of ours came to, with err filled */
    bool sent;            /* the request was begun to be sent */
    bool body_sent;       /* nothing of it is left here */
    bool receiving;       /* a byte of an answer was there */
    bool headers_done;    /* of the answer that counts */
    bool enough;          /* of a body that is for messages alone */
    bool handed;          /* a byte went into the sink */
    size_t body_at;       /* in the span, or of the source */
    uint64_t sent_bytes, received, header_bytes, body_bytes;
    int64_t begin_ns, hook_ns;
    int64_t asked_ns; /* when nothing of the request was left to send */
    int64_t window_ns; /* when the window for bytes that stand still began, and how many there were */
    uint64_t window_bytes;
    char words[CURL_ERROR_SIZE]; /* libcurl's own */
} mlp_flow;

/* Everything that libcurl is told about the exchange. *list is the caller's to free. NO_MEMORY, UNSUPPORTED. */
mlplat_status mlp_flow_setup(mlp_flow *flow, const mlp_curl *curl, mlp_line *line, struct curl_slist **list,
                             mlplat_error *err);

/* The callbacks; user is the flow. */
size_t mlp_flow_header(char *data, size_t size, size_t n, void *user);
size_t mlp_flow_body(char *data, size_t size, size_t n, void *user);
size_t mlp_flow_read(char *data, size_t size, size_t n, void *user);
int mlp_flow_seek(void *user, curl_off_t at, int origin);
int mlp_flow_begin(void *user, char *to, char *from, int to_port, int from_port);

/* CANCELLED by the hook, TIMEOUT of the whole or of bytes that stand still; called after every step. */
mlplat_status mlp_flow_check(mlp_flow *flow, mlplat_error *err);

/* What libcurl's own failure means in words that help; err.retryable is set. */
mlplat_status mlp_flow_fail(const mlp_flow *flow, CURLcode code, long os_error, mlplat_error *err);

#endif
