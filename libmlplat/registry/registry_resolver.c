#include "registry/registry_resolver.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/uri.h"
#include "registry/registry_check.h"
#include "registry/registry_store.h"
#include <string.h>

static mlplat_status improper(const char *uri, mlplat_error *err)
{
    char shown[MLP_URI_SHOWN];
    if (!err)
        return MLPLAT_INVALID;
    mlp_uri_show(uri, shown);
    return mlp_fail(err, MLPLAT_INVALID,
                    "'%s' is not models:/<name>/<version>, models:/<name>@<alias>, models:/<name>/latest, "
                    "models:/<name>/<stage> or models:/<model id>",
                    shown);
}

/* Past the slashes at `at`. */
static const char *skip(const char *at)
{
    return at + strspn(at, "/");
}

/* m- and 32 hexadecimal digits. */
static bool is_model_id(const char *at, size_t n)
{
    return n == 34 && at[0] == 'm' && at[1] == '-' && strspn(at + 2, "0123456789abcdef") == 32;
}

/* MLflow's rule: an "@" in the first part makes it a name with an alias, else the second part is the version. The id of
 * a logged model may have a path behind it. */
static bool split(const char *at, mlp_models_uri *out)
{
    size_t n = strcspn(at, "/"), name_n = n;
    const char *second = skip(at + n), *rest = second, *version = second;
    size_t version_n = strcspn(second, "/");
    if (*second && is_model_id(at, n)) {
        out->model_id = mlp_strndup(at, n);
        out->rest = mlp_strdup(second);
        if (!out->rest) { /* told as memory by who called */
            mlp_free(out->model_id);
            out->model_id = NULL;
        }
        return true;
    }
    while (name_n && at[name_n - 1] != '@')
        name_n--;
    if (name_n) {
        version = at + --name_n;
        version_n = n - name_n;
    } else if (*second == '@') {
        return false; /* an alias stands behind the name, without a slash */
    } else if (*second) {
        name_n = n;
        rest = skip(second + version_n);
    } else {
        out->model_id = mlp_strndup(at, n);
        return n > 0;
    }
    out->name = mlp_strndup(at, name_n);
    out->version = mlp_strndup(version, version_n);
    out->rest = mlp_strdup(rest);
    return name_n > 0 && version_n > 0;
}

mlplat_status mlp_models_uri_parse(const char *uri, mlp_models_uri *out, mlplat_error *err)
{
    const char *at = uri + strcspn(uri, ":");
    *out = (mlp_models_uri){0};
    if (!mlp_uri_has_scheme(uri, "models") || at[1] != '/' || at[2] == '/')
        return improper(uri, err);
    if (!split(at + 2, out)) {
        mlp_models_uri_free(out);
        return improper(uri, err);
    }
    if (out->model_id || (out->name && out->version && out->rest))
        return MLPLAT_OK;
    mlp_models_uri_free(out);
    return mlp_fail_memory(err);
}

void mlp_models_uri_free(mlp_models_uri *uri)
{
    mlp_free(uri->model_id);
    mlp_free(uri->name);
    mlp_free(uri->version);
    mlp_free(uri->rest);
    *uri = (mlp_models_uri){0};
}

static mlplat_status locate_logged(mlp_registry *r, const char *model_id, char **root, mlplat_error *err)
{
    mlp_logged_model model = {0};
    if (!r->ops->logged_model)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "this registry knows no logged models (models:/%s)", model_id);
    mlplat_status s = r->ops->logged_model(r->store, model_id, &model, err);
    if (s == MLPLAT_OK) {
        *root = model.location;
        model.location = NULL;
    }
    mlp_logged_model_free(&model);
    return s;
}

static mlplat_status locate(mlp_registry *r, const mlp_models_uri *uri, char **root, mlplat_error *err)
{
    mlp_version_ref ref;
    if (uri->model_id)
        return locate_logged(r, uri->model_id, root, err);
    mlplat_status s = mlp_registry_check_name(uri->name, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_check_version(uri->version, &ref, err);
    return s == MLPLAT_OK ? r->ops->version_location(r->store, uri->name, &ref, root, err) : s;
}

static mlplat_status resolve(mlplat *ml, const char *uri, char **root, char **rest, mlplat_error *err)
{
    mlp_registry *r = NULL;
    mlp_models_uri parts = {0};
    *root = *rest = NULL;
    mlplat_status s = mlp_models_uri_parse(uri, &parts, err);
    if (s == MLPLAT_OK)
        s = mlp_registry_of(ml, &r, err);
    if (s == MLPLAT_OK)
        s = locate(r, &parts, root, err);
    if (s == MLPLAT_OK && !(*rest = mlp_strdup(parts.rest ? parts.rest : ""))) {
        mlp_free(*root);
        *root = NULL;
        s = mlp_fail_memory(err);
    }
    mlp_models_uri_free(&parts);
    return s;
}

const mlp_resolver mlp_registry_resolver = {.scheme = "models", .resolve = resolve};
