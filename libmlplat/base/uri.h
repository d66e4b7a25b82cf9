/* URIs of stores and artifacts. */
#ifndef MLP_URI_H
#define MLP_URI_H
#include <mlplat/error.h>
#include <stdbool.h>

#define MLP_URI_SHOWN 168 /* room for a URI in a message */

typedef struct mlp_uri {
    char *scheme;    /* lower case; "" for a plain path */
    char *authority; /* host[:port] or model/run part; "" if none. userinfo is refused */
    char *path; /* of "sqlite:///a/b": "a/b" is relative, "sqlite:////a" absolute; as written, but percent-decoded for
                   file: and, as in SQLAlchemy from 2.1 on, for sqlite: */
} mlp_uri;

/* INVALID: control characters, bytes that are not UTF-8, userinfo, a query or fragment in file:, a query in sqlite:
 * (where SQLAlchemy takes "#" for part of the name, and so do we); never prints userinfo. One letter before ":" is no
 * scheme. */
mlplat_status mlp_uri_parse(const char *text, mlp_uri *out, mlplat_error *err);
char *mlp_uri_of_sqlite(const char *path); /* "sqlite:///<path>"; NULL: no memory */
void mlp_uri_free(mlp_uri *uri);
/* The absolute local path of "file:///a", "file:/a", "/a" or "a"; INVALID for another scheme or host. */
mlplat_status mlp_uri_local_path(const char *text, char **out, mlplat_error *err);
/* For messages: without secrets, then cut. (Cut first, a password would stand there without the "@" that tells it.) */
void mlp_uri_show(const char *text, char out[MLP_URI_SHOWN]);
/* "runs:/..." has "runs"; and "postgresql+psycopg2://...", as SQLAlchemy has it, "postgresql". */
bool mlp_uri_has_scheme(const char *text, const char *scheme);

#endif
