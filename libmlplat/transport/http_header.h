/* Header lines, those that come and those that go. */
#ifndef MLP_HTTP_HEADER_H
#define MLP_HTTP_HEADER_H
#include "base/buf.h"
#include "transport/http.h"

/* What came, as name NUL value NUL ..., names in lower case. */
void mlp_header_add(mlp_buf *headers, const char *line, size_t n);
const char *mlp_header_find(const mlp_buf *headers, const char *name); /* the last of that name; NULL: none */
int mlp_header_status(const char *line, size_t n);                     /* of a line that begins an answer, else 0 */

/* Lines to send, owned. */
typedef struct mlp_header_lines {
    char *line[24];
    size_t n;
} mlp_header_lines;

/* Takes the line over, also on failure; NULL: NO_MEMORY. */
mlplat_status mlp_header_push(mlp_header_lines *lines, char *line, mlplat_error *err);
/* INVALID: a name or a value that would become something else in a request. */
mlplat_status mlp_header_push_pair(mlp_header_lines *lines, const mlp_http_header *header, mlplat_error *err);
void mlp_header_lines_free(mlp_header_lines *lines); /* wiped: there are secrets among them */

#endif
