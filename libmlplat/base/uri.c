#include "base/uri.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include <ctype.h>
#include <stdio.h>
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
    size_t n = scheme_length(text), driver = strcspn(text, "+");
    if (driver < n && strcmp(scheme, "postgresql") == 0)
        n = driver;
    return n == strlen(scheme) && strncasecmp(text, scheme, n) == 0;
}

void mlp_uri_show(const char *text, char out[MLP_URI_SHOWN])
{
    char *whole = mlp_strdup(text);
    const char *shown = whole ? whole : "...";
    if (whole) {
        mlp_redact(whole);
        mlp_text_repair(whole);
    }
    size_t n = strlen(shown), room = MLP_URI_SHOWN - 4;
    for (n = n < room ? n : room; ((unsigned char)shown[n] & 0xc0) == 0x80;)
        n--;
    snprintf(out, MLP_URI_SHOWN, "%.*s%s", (int)n, shown, shown[n] ? "..." : "");
    mlp_free(whole);
}

/* INVALID, "the URI '<text>' <why>". */
static mlplat_status bad_uri(mlplat_error *err, const char *text, const char *why)
{
    char shown[MLP_URI_SHOWN];
    if (!err)
        return MLPLAT_INVALID; /* words take longer than all the rest */
    mlp_uri_show(text, shown);
    return mlp_fail(err, MLPLAT_INVALID, "the URI '%s' %s", shown, why);
}

#define SQLITE_FORMS "write sqlite:///relative/mlflow.db or sqlite:////absolute/mlflow.db"

static mlplat_status check_characters(const char *text, mlplat_error *err)
{
    size_t n = strlen(text);
    if (!n)
        return mlp_fail(err, MLPLAT_INVALID, "the URI is empty");
    if (!mlp_text_utf8(text, n))
        return bad_uri(err, text, "is not valid UTF-8");
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return bad_uri(err, text, "has a control character");
    return MLPLAT_OK;
}

/* file: has no query and no fragment; SQLAlchemy cuts an sqlite: path at "?". Elsewhere they belong to the scheme. */
static mlplat_status check_path(const char *text, const char *scheme, const char *path, mlplat_error *err)
{
    if (strcmp(scheme, "file") == 0 && strpbrk(path, "?#"))
        return bad_uri(err, text, "has a '?' or '#': file: URIs have no query or fragment; in a name write %3F or %23");
    if (strcmp(scheme, "sqlite") == 0 && strchr(path, '?'))
        return bad_uri(err, text, "has a '?': sqlite: URIs take no query here; in a name write %3F");
    return MLPLAT_OK;
}

/* What was decoded. */
static mlplat_status check_file_name(const char *text, const char *path, mlplat_error *err)
{
    if (strstr(path, "%00"))
        return bad_uri(err, text, "has a NUL in its path");
    return check_characters(path, err);
}

/* The part after "scheme:". */
static mlplat_status split(const char *text, const char *rest, mlp_uri *out, mlplat_error *err)
{
    bool sqlite = strcmp(out->scheme, "sqlite") == 0, slashes = rest[0] == '/' && rest[1] == '/';
    size_t n = slashes ? strcspn(rest + 2, "/?#") : 0;
    rest += slashes ? 2 : 0;
    if (memchr(rest, '@', n))
        return bad_uri(err, text, "has a user name before its host: credentials do not belong into URIs");
    if (sqlite && !slashes)
        return bad_uri(err, text, "is not a store: " SQLITE_FORMS);
    if (sqlite && n)
        return bad_uri(err, text, "names a host: " SQLITE_FORMS);
    const char *path = rest + n + (sqlite && rest[n] == '/');
    mlplat_status s = check_path(text, out->scheme, path, err);
    if (s != MLPLAT_OK)
        return s;
    out->authority = mlp_strndup(rest, n);
    out->path = sqlite || strcmp(out->scheme, "file") == 0 ? mlp_text_unpercent(path) : mlp_strdup(path);
    if (!out->authority || !out->path)
        return mlp_fail_memory(err);
    return sqlite && *path ? check_file_name(text, out->path, err) : MLPLAT_OK;
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

char *mlp_uri_of_sqlite(const char *path)
{
    mlp_buf uri = {0};
    mlp_buf_puts(&uri, "sqlite:///");
    mlp_text_percent_some(&uri, path, "%?");
    return mlp_buf_take(&uri);
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
        return bad_uri(err, text, "is not a local path (for a file with a ':' in its name write ./ in front)");
    if (*uri->authority && strcasecmp(uri->authority, "localhost") != 0)
        return bad_uri(err, text, "names a host: write file:///path for a local file");
    if (uri->path[0] != '/')
        return bad_uri(err, text, "has no absolute path: write file:///path, or the path alone");
    return check_file_name(text, uri->path, err);
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
