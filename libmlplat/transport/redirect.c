#include "transport/redirect.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/uri.h"
#include <string.h>

bool mlp_redirect_status(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The whole address that a reference means, seen from a path of the origin. NULL: no memory. */
static char *resolve(const mlp_origin *origin, const char *path, const char *location)
{
    char name[MLP_ORIGIN_SHOWN];
    size_t whole = strcspn(path, "?"), folder = 0;
    for (size_t i = 0; i < whole; i++)
        folder = path[i] == '/' ? i + 1 : folder;
    mlp_origin_name(origin, name);
    if (location[0] == '/' && location[1] == '/')
        return mlp_sprintf("%s:%s", origin->tls ? "https" : "http", location);
    if (strstr(location, "://") && strcspn(location, "/?#") > strcspn(location, ":"))
        return mlp_strdup(location);
    if (location[0] == '/')
        return mlp_sprintf("%s%s", name, location);
    if (location[0] == '?' || location[0] == '#' || !location[0])
        return mlp_sprintf("%s%.*s%s", name, (int)whole, path, location);
    return mlp_sprintf("%s%.*s%s%s", name, (int)folder, path, folder ? "" : "/", location);
}

static mlplat_status refuse_origin(const mlp_origin *origin, const mlp_origin *to, mlplat_error *err)
{
    char from_name[MLP_ORIGIN_SHOWN], to_name[MLP_ORIGIN_SHOWN];
    mlp_origin_name(origin, from_name);
    mlp_origin_name(to, to_name);
    if (origin->tls && !to->tls)
        return mlp_fail(err, MLPLAT_INVALID,
                        "%.120s sends us on to %.120s, where anybody could listen: that is not followed", from_name,
                        to_name);
    return mlp_fail(err, MLPLAT_INVALID,
                    "%.120s sends us on to %.120s: nothing is sent to another address by itself; if that is the "
                    "server, use it as the URI",
                    from_name, to_name);
}

/* 301, 302 and 303 turn a request with a body into one without. */
static bool loses_body(int status, const char *method)
{
    return status < 307 && strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

mlplat_status mlp_redirect_follow(const mlp_origin *origin, int status, const char *method, const char *path,
                                  const char *location, char **out, mlplat_error *err)
{
    mlp_origin to = {0};
    *out = NULL;
    if (!location)
        return mlp_fail(err, MLPLAT_INVALID, "the server answered %d, which sends us on, but not where to", status);
    char *whole = resolve(origin, path, location);
    mlplat_status s = whole ? mlp_origin_parse(whole, &to, err) : mlp_fail_memory(err);
    if (s == MLPLAT_INVALID)
        s = mlp_fail_prefix(err, s, "the server sends us on (%d)", status);
    if (s == MLPLAT_OK && !mlp_origin_same(origin, &to))
        s = refuse_origin(origin, &to, err);
    else if (s == MLPLAT_OK && loses_body(status, method))
        s = mlp_fail(err, MLPLAT_INVALID,
                     "the server sends a %.16s on with %d, on which its body is lost: this happens with a login page "
                     "or a wrong URI",
                     method, status);
    if (s == MLPLAT_OK && !(*out = mlp_sprintf("%s%s", to.path[0] == '/' ? "" : "/", to.path)))
        s = mlp_fail_memory(err);
    mlp_origin_free(&to);
    mlp_free(whole);
    return s;
}
