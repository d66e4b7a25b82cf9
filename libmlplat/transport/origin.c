#include "transport/origin.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "base/uri.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { PORT_HTTP = 80, PORT_HTTPS = 443, HOST_MOST = 253 };

static mlplat_status refuse(const char *url, const char *why, mlplat_error *err)
{
    char shown[MLP_URI_SHOWN];
    mlp_uri_show(url, shown);
    return mlp_fail(err, MLPLAT_INVALID, "the address '%s' %s", shown, why);
}

/* What may stand in a URL that is sent as it is. */
static bool plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f || strchr("\\\"<>", *text))
            return false;
    return true;
}

/* Bytes of the host at the front of an authority; 0: there is none. */
static size_t host_length(const char *authority)
{
    size_t n = authority[0] == '[' ? strspn(authority + 1, "0123456789abcdefABCDEF:.") + 1
                                   : strspn(authority, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                       "0123456789.-_");
    if (authority[0] == '[')
        n = n > 2 && authority[n] == ']' ? n + 1 : 0;
    return n > HOST_MOST ? 0 : n;
}

static bool read_port(const char *text, int fallback, int *port)
{
    int64_t number = fallback;
    *port = fallback;
    if (!*text || strcmp(text, ":") == 0)
        return true;
    if (*text != ':' || !isdigit((unsigned char)text[1]) || !mlp_text_int64(text + 1, &number) || number < 1 ||
        number > 65535)
        return false;
    *port = (int)number;
    return true;
}

static mlplat_status take_parts(const char *url, const mlp_uri *uri, mlp_origin *out, mlplat_error *err)
{
    size_t n = host_length(uri->authority);
    out->tls = strcmp(uri->scheme, "https") == 0;
    if (!out->tls && strcmp(uri->scheme, "http") != 0)
        return refuse(url, "is not one of http:// or https://", err);
    if (!n)
        return refuse(url, "names no host: write http://host:port or https://host", err);
    if (!read_port(uri->authority + n, out->tls ? PORT_HTTPS : PORT_HTTP, &out->port))
        return refuse(url, "has a port that is none: it is a number from 1 to 65535 behind the host", err);
    if (!plain(uri->path))
        return refuse(url, "has a character that must be percent-encoded", err);
    out->host = mlp_strndup(uri->authority, n);
    out->path = mlp_strndup(uri->path, strcspn(uri->path, "#"));
    for (char *at = out->host; at && *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return out->host && out->path ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_origin_parse(const char *url, mlp_origin *out, mlplat_error *err)
{
    mlp_uri uri = {0};
    *out = (mlp_origin){0};
    mlplat_status s = mlp_uri_parse(url, &uri, err);
    if (s == MLPLAT_OK)
        s = take_parts(url, &uri, out, err);
    if (s != MLPLAT_OK)
        mlp_origin_free(out);
    mlp_uri_free(&uri);
    return s;
}

void mlp_origin_free(mlp_origin *origin)
{
    mlp_free(origin->host);
    mlp_free(origin->path);
    *origin = (mlp_origin){0};
}

bool mlp_origin_same(const mlp_origin *a, const mlp_origin *b)
{
    return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

const char *mlp_origin_name(const mlp_origin *origin, char out[MLP_ORIGIN_SHOWN])
{
    int usual = origin->tls ? PORT_HTTPS : PORT_HTTP;
    int n = snprintf(out, MLP_ORIGIN_SHOWN, "%s://%s", origin->tls ? "https" : "http", origin->host);
    if (origin->port != usual && n > 0)
        snprintf(out + n, MLP_ORIGIN_SHOWN - (size_t)n, ":%d", origin->port);
    return out;
}
