/* A line: a handle of libcurl with the connection it keeps. */
#ifndef MLP_LINE_H
#define MLP_LINE_H
#include "transport/curl_table.h"
#include "transport/exchange.h"

typedef struct mlp_line {
    CURL *easy;
    CURLM *multi;
    struct mlp_line *next;
} mlp_line;

mlplat_status mlp_lines_take(mlp_lines *lines, mlp_line **out, mlplat_error *err);
void mlp_lines_give(mlp_lines *lines, mlp_line *line, bool keep);
const mlp_curl *mlp_lines_curl(const mlp_lines *lines);

#endif
