/* A line: the part of libcurl that keeps a connection, and a handle for the request that is on it. */
#ifndef MLP_LINE_H
#define MLP_LINE_H
#include "transport/curl_table.h"
#include "transport/exchange.h"

typedef struct mlp_line {
    CURL *easy; /* each request has its own: one that is only reset may keep half of its defaults without memory */
    CURLM *multi;
    int socket; /* the one opened last: libcurl tells it after the request only. -1: none */
    struct mlp_line *next;
} mlp_line;

mlplat_status mlp_lines_take(mlp_lines *lines, mlp_line **out, mlplat_error *err);
void mlp_lines_give(mlp_lines *lines, mlp_line *line, bool keep);
const mlp_curl *mlp_lines_curl(const mlp_lines *lines);

#endif
