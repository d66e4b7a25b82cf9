/* Where an http(s) URL leads: scheme, host and port are its origin, which secrets belong to, and a path goes on top. */
#ifndef MLP_ORIGIN_H
#define MLP_ORIGIN_H
#include <mlplat/error.h>
#include <stdbool.h>

#define MLP_ORIGIN_SHOWN 280 /* room for the name of an origin */

typedef struct mlp_origin {
    bool tls;
    int port;
    char *host; /* lower case; an IPv6 address in its brackets */
    char *path; /* as written, with query and without fragment; "" or begins with "/" or "?" */
} mlp_origin;

/* INVALID: another scheme, userinfo, no host, a port that is none, spaces, control characters, a host that is not
 * ASCII. */
mlplat_status mlp_origin_parse(const char *url, mlp_origin *out, mlplat_error *err);
void mlp_origin_free(mlp_origin *origin);
bool mlp_origin_same(const mlp_origin *a, const mlp_origin *b); /* paths do not count */
/* "https://host" or "https://host:8443". */
const char *mlp_origin_name(const mlp_origin *origin, char out[MLP_ORIGIN_SHOWN]);

#endif
