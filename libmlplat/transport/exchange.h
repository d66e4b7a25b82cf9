/*
 * One request and its answer on one connection, driven on the caller's thread. Kept connections are "lines": a line is
 * one thread's at a time.
 */
#ifndef MLP_EXCHANGE_H
#define MLP_EXCHANGE_H
#include "transport/http.h"
#include "transport/http_header.h"

typedef struct mlp_lines mlp_lines; /* the idle ones, and libcurl */

mlplat_status mlp_lines_open(const char *library, mlp_lines **out, mlplat_error *err);
void mlp_lines_close(mlp_lines *lines);
void mlp_lines_abandon(mlp_lines *lines); /* in a forked child: the sockets are the parent's and stay as they are */
const char *mlp_lines_ca(const mlp_lines *lines); /* where libcurl looks for certificates by itself; NULL: nowhere */

typedef struct mlp_exchange {
    const char *url;    /* whole */
    const char *origin; /* for messages */
    const mlp_http_request *request;
    const mlp_header_lines *headers;
    const mlp_trust *trust;                   /* may be NULL */
    bool once;                                /* the same request may not go out twice, not even by libcurl itself */
    uint64_t limit;                           /* of a good body; 0: none */
    bool patient;                             /* timeout_ms is from the request's end to the answer's begin */
    int64_t connect_ms, timeout_ms, stall_ms; /* timeout_ms 0: none */
} mlp_exchange;

/* Fills status, fate, headers and body of *out. Not OK: the network's failures and the callers' own (hook,
 * source, sink); what a status means is for others to say. */
mlplat_status mlp_exchange_run(mlp_lines *lines, const mlp_exchange *x, mlp_http_response *out, mlplat_error *err);

#endif
