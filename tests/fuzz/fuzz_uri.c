/* URIs of stores, artifacts and models. */
#include "base/uri.h"
#include "base/alloc.h"
#include "base/text.h"
#include "db/db.h"
#include "fuzz.h"
#include "registry/registry_resolver.h"
#include <ctype.h>

#define SECRET "hunter2-is-secret"

static bool same_uri(const mlp_uri *a, const mlp_uri *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->authority, b->authority) == 0 &&
           strcmp(a->path, b->path) == 0;
}

/* The parts put together again are a URI of the same parts. */
static void check_parts(const mlp_uri *uri)
{
    mlplat_error err = {0};
    mlp_uri again = {0};
    bool decoded = strcmp(uri->scheme, "file") == 0, sqlite = strcmp(uri->scheme, "sqlite") == 0;
    fuzz_check(!strchr(uri->authority, '@') && !strpbrk(uri->authority, "/?#"));
    for (const char *p = uri->scheme; *p; p++)
        fuzz_check(!isupper((unsigned char)*p));
    if (decoded || !*uri->scheme)
        return;
    bool slashes = *uri->authority || strncmp(uri->path, "//", 2) == 0;
    char *text = sqlite ? mlp_uri_of_sqlite(uri->path)
                        : mlp_sprintf("%s:%s%s%s", uri->scheme, slashes ? "//" : "", uri->authority, uri->path);
    fuzz_check(mlp_uri_parse(text, &again, &err) == MLPLAT_OK && same_uri(uri, &again));
    mlp_uri_free(&again);
    mlp_free(text);
}

static void try_uri(const char *text, mlplat_error *err)
{
    mlp_uri uri = {0};
    mlplat_status s = mlp_uri_parse(text, &uri, err);
    if (s != MLPLAT_OK) {
        fuzz_check(s == MLPLAT_INVALID && fuzz_refused(s, err));
        fuzz_check(!uri.scheme && !uri.authority && !uri.path);
        return;
    }
    fuzz_check(*uri.scheme || strcmp(uri.path, text) == 0);
    fuzz_check(!*uri.scheme || mlp_uri_has_scheme(text, uri.scheme));
    check_parts(&uri);
    mlp_uri_free(&uri);
}

/* Absolute, without "." and "..", and a path of its own. */
static void check_absolute(const char *path)
{
    mlplat_error err = {0};
    char *again = NULL;
    fuzz_check(path[0] == '/');
    for (const char *at = path; at; at = strchr(at + 1, '/')) {
        size_t n = strcspn(at + 1, "/");
        fuzz_check((n > 0 || !path[1]) && !(n == 1 && at[1] == '.') && !(n == 2 && at[1] == '.' && at[2] == '.'));
    }
    fuzz_check(mlp_uri_local_path(path, &again, &err) == MLPLAT_OK && strcmp(path, again) == 0);
    mlp_free(again);
}

static void try_paths(const char *text, mlplat_error *err)
{
    char *path = NULL;
    mlplat_status s = mlp_uri_local_path(text, &path, err);
    fuzz_check(s == MLPLAT_OK || (s == MLPLAT_INVALID && fuzz_refused(s, err) && !path));
    if (path)
        check_absolute(path);
    mlp_free(path);
    path = NULL;
    s = mlp_db_uri_path(text, &path, err);
    bool server = mlp_uri_has_scheme(text, "http") || mlp_uri_has_scheme(text, "https") ||
                  mlp_uri_has_scheme(text, "postgresql");
    fuzz_check(s == MLPLAT_OK ? path && path[0] == '/' : fuzz_refused(s, err) && !path);
    fuzz_check(s == MLPLAT_OK || s == (server ? MLPLAT_UNSUPPORTED : MLPLAT_INVALID));
    mlp_free(path);
}

static bool same_model(const mlp_models_uri *a, const mlp_models_uri *b)
{
    if (a->model_id || b->model_id)
        return a->model_id && b->model_id && strcmp(a->model_id, b->model_id) == 0;
    return strcmp(a->name, b->name) == 0 && strcmp(a->version, b->version) == 0;
}

static void check_model(const mlp_models_uri *uri)
{
    mlplat_error err = {0};
    mlp_models_uri again = {0};
    const char *rest = uri->rest ? uri->rest : "";
    fuzz_check(*rest != '/');
    char *text = uri->model_id ? mlp_sprintf("models:/%s%s%s", uri->model_id, *rest ? "/" : "", rest)
                               : mlp_sprintf("models:/%s%s%s%s%s", uri->name, *uri->version == '@' ? "" : "/",
                                             uri->version, *rest ? "/" : "", rest);
    if (uri->model_id)
        fuzz_check(!uri->name && !uri->version && *uri->model_id && !strchr(uri->model_id, '/'));
    else
        fuzz_check(*uri->name && *uri->version && !strchr(uri->name, '/') && !strchr(uri->version, '/'));
    fuzz_check(mlp_models_uri_parse(text, &again, &err) == MLPLAT_OK && same_model(uri, &again));
    fuzz_check(strcmp(rest, again.rest ? again.rest : "") == 0);
    mlp_models_uri_free(&again);
    mlp_free(text);
}

static void try_model(const char *text, mlplat_error *err)
{
    mlp_models_uri uri = {0};
    mlplat_status s = mlp_models_uri_parse(text, &uri, err);
    fuzz_check(s == MLPLAT_OK || (s == MLPLAT_INVALID && fuzz_refused(s, err)));
    if (s == MLPLAT_OK)
        check_model(&uri);
    mlp_models_uri_free(&uri);
}

/* Whatever stands around it, a password is never shown. */
static void try_secret(const char *text)
{
    mlplat_error err = {0};
    mlp_uri uri = {0};
    char shown[MLP_URI_SHOWN];
    if (strstr(text, SECRET))
        return;
    char *with = mlp_sprintf("http://user:" SECRET "@%s", text);
    fuzz_check(mlp_uri_parse(with, &uri, &err) == MLPLAT_INVALID && !strstr(err.message, SECRET));
    mlp_uri_show(with, shown);
    fuzz_check(strlen(shown) < sizeof shown && !strstr(shown, SECRET) && mlp_text_utf8(shown, strlen(shown)));
    mlp_uri_free(&uri);
    mlp_free(with);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    char *text = fuzz_text(&in);
    try_uri(text, err);
    try_paths(text, err);
    try_model(text, err);
    if (err)
        try_secret(text);
    free(text);
    return 0;
}
