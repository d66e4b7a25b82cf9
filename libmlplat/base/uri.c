#include "base/uri.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Length of the scheme, 0 for a plain path. One letter is a drive or a file's name, not a scheme. */
static size_t scheme_length(const char *text)
{
    size_t n = 0;
    if (!isalpha((unsigned char)text[0]))
        return 0;
    while (isalnum((unsigned char)text[n]) || (text[n] && strchr("+-.", text[n])))
        n++;
    return n > 1 && text[n] == ':' ? n : 0;
}

bool mlp_uri_has_scheme(const char *text, const char *scheme)
{
    size_t n = scheme_length(text);
    return n == strlen(scheme) && strncasecmp(text, scheme, n) == 0;
}

static mlplat_status check_characters(const char *text, mlplat_error *err)
{
    size_t n = strlen(text);
    if (!n)
        return mlp_fail(err, MLPLAT_INVALID, "the URI is empty");
    if (!mlp_text_utf8(text, n))
        return mlp_fail(err, MLPLAT_INVALID, "the URI '%.200s' is not valid UTF-8", text);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return mlp_fail(err, MLPLAT_INVALID, "the URI '%.200s' has a control character at byte %zu", text, i + 1);
    return MLPLAT_OK;
}

/* file: has no query and no fragment; SQLAlchemy cuts an sqlite: path at "?". Elsewhere they belong to the scheme. */
static mlplat_status check_path(const char *text, const char *scheme, const char *path, mlplat_error *err)
{
    const char *odd = strcmp(scheme, "file") == 0 ? "?#" : strcmp(scheme, "sqlite") == 0 ? "?" : "";
    const char *at = strpbrk(path, odd);
    if (!at)
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "the URI '%.200s' has a '%c': %s: URIs take no query or fragment%s", text, *at,
                    scheme, *odd == '?' && odd[1] ? "; in a file's name write %3F or %23" : "");
}

/* The part after "scheme:". */
static mlplat_status split(const char *text, const char *rest, mlp_uri *out, mlplat_error *err)
{
    bool sqlite = strcmp(out->scheme, "sqlite") == 0;
    size_t n = 0;
    if (rest[0] == '/' && rest[1] == '/') {
        rest += 2;
        n = strcspn(rest, "/?#");
        if (memchr(rest, '@', n))
            return mlp_fail(err, MLPLAT_INVALID,
                            "the URI of scheme %s has a user name before its host: credentials do not belong into URIs",
                            out->scheme);
    } else if (sqlite) {
        return mlp_fail(err, MLPLAT_INVALID,
                        "'%.200s' is not a store: write sqlite:///relative/mlflow.db or sqlite:////absolute/mlflow.db",
                        text);
    }
    const char *path = rest + n + (sqlite && rest[n] == '/');
    if (sqlite && n)
        return mlp_fail(err, MLPLAT_INVALID,
                        "'%.200s' names a host: write sqlite:///relative/mlflow.db or sqlite:////absolute/mlflow.db",
                        text);
    mlplat_status s = check_path(text, out->scheme, path, err);
    if (s != MLPLAT_OK)
        return s;
    out->authority = mlp_strndup(rest, n);
    out->path = strcmp(out->scheme, "file") == 0 ? mlp_text_unpercent(path) : mlp_strdup(path);
    return out->authority && out->path ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_uri_parse(const char *text, mlp_uri *out, mlplat_error *err)
{
    *out = (mlp_uri){0};
    mlplat_status s = check_characters(text, err);
    if (s != MLPLAT_OK)
        return s;
    size_t n = scheme_length(text);
    out->scheme = mlp_strndup(text, n);
    for (char *at = out->scheme; at && *at; at++)
        *at = (char)tolower((unsigned char)*at);
    if (!out->scheme) {
        s = mlp_fail_memory(err);
    } else if (n) {
        s = split(text, text + n + 1, out, err);
    } else {
        out->authority = mlp_strdup("");
        out->path = mlp_strdup(text);
        s = out->authority && out->path ? MLPLAT_OK : mlp_fail_memory(err);
    }
    if (s != MLPLAT_OK)
        mlp_uri_free(out);
    return s;
}

void mlp_uri_free(mlp_uri *uri)
{
    mlp_free(uri->scheme);
    mlp_free(uri->authority);
    mlp_free(uri->path);
    *uri = (mlp_uri){0};
}

static mlplat_status check_local(const char *text, const mlp_uri *uri, mlplat_error *err)
{
    if (!*uri->scheme)
        return MLPLAT_OK;
    if (strcmp(uri->scheme, "file") != 0)
        return mlp_fail(err, MLPLAT_INVALID,
                        "'%.200s' is not a local path: scheme '%s' (for a file of that name write './%.100s')", text,
                        uri->scheme, text);
    if (*uri->authority && strcasecmp(uri->authority, "localhost") != 0)
        return mlp_fail(err, MLPLAT_INVALID, "'%.200s' names the host '%.100s': write file:///path for a local file",
                        text, uri->authority);
    if (uri->path[0] != '/')
        return mlp_fail(err, MLPLAT_INVALID, "'%.200s' has no absolute path: write file:///path, or the path alone",
                        text);
    if (strstr(uri->path, "%00"))
        return mlp_fail(err, MLPLAT_INVALID, "'%.200s' has a NUL in its path", text);
    return check_characters(uri->path, err);
}

mlplat_status mlp_uri_local_path(const char *text, char **out, mlplat_error *err)
{
    mlp_uri uri = {0};
    *out = NULL;
    mlplat_status s = mlp_uri_parse(text, &uri, err);
    if (s == MLPLAT_OK)
        s = check_local(text, &uri, err);
    if (s == MLPLAT_OK && !(*out = mlp_file_absolute(uri.path)))
        s = mlp_fail_memory(err);
    mlp_uri_free(&uri);
    return s;
}
