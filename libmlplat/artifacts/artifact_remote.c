/* From a root and a name to a server and a path there. */
#include "artifacts/artifact_remote.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "base/uri.h"
#include <string.h>

static bool is_http(const char *uri)
{
    return uri && (mlp_uri_has_scheme(uri, "http") || mlp_uri_has_scheme(uri, "https"));
}

/* ---- the URI ---------------------------------------------------------------------------------------------------- */

/* Where the path behind the service begins in an http(s) URI's path; NULL: that is another address. */
static const char *behind_service(const char *path)
{
    const char *at = strstr(path, MLP_ARTIFACT_SERVICE);
    at = at ? at + strlen(MLP_ARTIFACT_SERVICE) : NULL;
    return at && (!*at || *at == '/') ? at : NULL;
}

/* Decoded, without slashes at its ends or twice in a row; NULL: no memory. */
static char *tidy(const char *path)
{
    char *out = mlp_text_unpercent(path + strspn(path, "/"));
    size_t n = 0;
    for (const char *at = out; at && *at; at++)
        if (*at != '/' || (n && out[n - 1] != '/'))
            out[n++] = *at;
    if (out)
        out[n - (n && out[n - 1] == '/')] = 0;
    return out;
}

/* The proxy takes a path for a part of a URL: it cuts what is behind "#", drops a "?" or ";" with nothing behind it,
 * and decodes escapes until none is left. */
static bool proxy_keeps(const char *path)
{
    char *decoded = mlp_text_unpercent(path);
    bool keeps = (!decoded || strcmp(decoded, path) == 0) && !strstr(path, "%00") && !strchr(path, '#');
    for (const char *at = path; keeps && (at = strpbrk(at, "?;")); at++)
        keeps = at[1] && at[1] != '/' && at[1] != '?';
    mlp_free(decoded);
    return keeps;
}

static mlplat_status check_path(const char *path, const char *what, mlplat_error *err)
{
    mlplat_status s = *path ? mlp_file_check_relative(path, what, err) : MLPLAT_OK;
    if (s == MLPLAT_OK && !proxy_keeps(path))
        s = mlp_fail(err, MLPLAT_INVALID,
                     "'%.200s' is no name for MLflow's artifact proxy, which would change it: no '#', no escape like "
                     "'%%41', and no '?' or ';' at the end of a part",
                     path);
    return s;
}

/* *base: of "http://host:port/prefix/..." what is before the service; of "mlflow-artifacts://host:port" the host and
 * port, "" for the tracking server's. Both are the caller's. */
static mlplat_status split(const char *uri, char **base, char **path, mlplat_error *err)
{
    mlp_uri parts = {0};
    char shown[MLP_URI_SHOWN];
    *base = *path = NULL;
    mlplat_status s = mlp_uri_parse(uri, &parts, err);
    bool http = s == MLPLAT_OK && is_http(uri);
    const char *behind = s != MLPLAT_OK ? NULL : http ? behind_service(parts.path) : parts.path;
    mlp_uri_show(uri, shown);
    if (http && (!behind || strpbrk(parts.path, "?#")))
        s = mlp_fail(err, MLPLAT_INVALID,
                     "'%s' is not the address of MLflow's artifact proxy: that is http://host:port" MLP_ARTIFACT_SERVICE
                     "/path",
                     shown);
    if (s == MLPLAT_OK) {
        int before = http ? (int)(behind - strlen(MLP_ARTIFACT_SERVICE) - parts.path) : 0;
        *base = http ? mlp_sprintf("%s://%s%.*s", parts.scheme, parts.authority, before, parts.path)
                     : mlp_strdup(parts.authority);
        *path = tidy(behind);
        s = *base && *path ? check_path(*path, "artifact URI's path", err) : mlp_fail_memory(err);
    }
    mlp_uri_free(&parts);
    if (s == MLPLAT_OK)
        return s;
    mlp_free(*base);
    mlp_free(*path);
    *base = *path = NULL;
    return s;
}

mlplat_status mlp_artifact_remote_root(const char *uri, char **root, mlplat_error *err)
{
    char *base, *path;
    *root = NULL;
    mlplat_status s = split(uri, &base, &path, err);
    if (s != MLPLAT_OK)
        return s;
    *root = is_http(uri) ? mlp_sprintf("%s" MLP_ARTIFACT_SERVICE "%s%s", base, *path ? "/" : "", path)
            : *base      ? mlp_sprintf("mlflow-artifacts://%s/%s", base, path)
                         : mlp_sprintf("mlflow-artifacts:/%s", path);
    mlp_free(base);
    mlp_free(path);
    return *root ? MLPLAT_OK : mlp_fail_memory(err);
}

/* ---- the server ------------------------------------------------------------------------------------------------- */

/* The address that a mlflow-artifacts: URI is for: the tracking server's, with another host where the URI has one. */
static mlplat_status server_of(const mlplat *ml, const char *root, const char *host, char **out, mlplat_error *err)
{
    const char *uri = mlp_session_setting(ml, MLP_SET_TRACKING_URI);
    if (!is_http(uri))
        uri = mlp_session_setting(ml, MLP_SET_REGISTRY_URI);
    if (!is_http(uri))
        return mlp_fail(err, MLPLAT_INVALID,
                        "'%.200s' is on an MLflow server, and neither the tracking URI nor the registry URI is one: "
                        "set MLFLOW_TRACKING_URI to http://host:port",
                        root);
    mlp_uri parts = {0};
    mlplat_status s = mlp_uri_parse(uri, &parts, err);
    if (s == MLPLAT_OK &&
        !(*out = mlp_sprintf("%s://%s%s", parts.scheme, *host ? host : parts.authority, parts.path)))
        s = mlp_fail_memory(err);
    mlp_uri_free(&parts);
    return s;
}

static mlplat_status find_server(mlp_artifact_remote *remote, const char *base, mlplat_error *err)
{
    char *address = NULL;
    mlplat_status s = MLPLAT_OK;
    if (!is_http(remote->root))
        s = server_of(remote->ml, remote->root, base, &address, err);
    if (s == MLPLAT_OK)
        s = mlp_artifact_clients_of(remote->ml, &remote->clients, err);
    if (s == MLPLAT_OK)
        s = mlp_artifact_clients_get(remote->clients, remote->ml, address ? address : base, &remote->http, err);
    mlp_free(address);
    return s;
}

mlplat_status mlp_artifact_remote_find(mlplat *ml, const char *root, const char *name, mlp_artifact_remote *out,
                                       mlplat_error *err)
{
    char *base, *top;
    *out = (mlp_artifact_remote){.ml = ml, .root = root, .name = name};
    mlplat_status s = split(root, &base, &top, err);
    if (s == MLPLAT_OK && *name)
        s = check_path(name, "artifact path", err);
    if (s == MLPLAT_OK && !(out->path = *top ? mlp_file_join(top, name) : mlp_strdup(name)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = find_server(out, base, err);
    mlp_free(base);
    mlp_free(top);
    if (s != MLPLAT_OK)
        mlp_artifact_remote_free(out);
    return s;
}

void mlp_artifact_remote_free(mlp_artifact_remote *remote)
{
    mlp_free(remote->path);
    *remote = (mlp_artifact_remote){0};
}

const char *mlp_artifact_remote_shown(const mlp_artifact_remote *remote)
{
    return *remote->name ? remote->name : remote->root;
}
