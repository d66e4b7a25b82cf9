/* URIs of stores and artifacts. */
#ifndef MLP_URI_H
#define MLP_URI_H
#include <mlplat/error.h>
#include <stdbool.h>

typedef struct mlp_uri {
    char *scheme;    /* lower case; "" for a plain path */
    char *authority; /* host[:port] or model/run part; "" if none. userinfo is refused */
    char *path;      /* of "sqlite:///a/b": "a/b" is relative, "sqlite:////a" absolute; else as written, percent-decoded for file: */
} mlp_uri;

/* INVALID: control characters, userinfo, a fragment or query in a path scheme; never prints userinfo. */
mlplat_status mlp_uri_parse(const char *text, mlp_uri *out, mlplat_error *err);
void mlp_uri_free(mlp_uri *uri);
/* The absolute local path of "file:///a", "file:/a", "/a" or "a"; INVALID for another scheme or host. */
mlplat_status mlp_uri_local_path(const char *text, char **out, mlplat_error *err);
bool mlp_uri_has_scheme(const char *text, const char *scheme); /* "runs:/..." has "runs" */

#endif
