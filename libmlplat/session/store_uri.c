#include "session/store_uri.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/uri.h"
#include <string.h>

#define WRITE_THIS "sqlite:///mlflow.db (relative) or sqlite:////data/mlflow.db (absolute)"

/* Not sqlite: why not, as far as can be said. */
static mlplat_status unsupported(const char *what, const char *uri, const char *source, mlplat_error *err)
{
    bool path = mlp_uri_has_scheme(uri, "file") || !strchr(uri, ':');
    if (path)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "the %s '%.200s' (%s) is a folder; MLflow's folder stores are not read: write " WRITE_THIS,
                        what, uri, source);
    return mlp_fail(
        err, MLPLAT_UNSUPPORTED,
        "the %s '%.200s' (%s): this build has the embedded store only, so no servers and no other databases: "
        "write " WRITE_THIS,
        what, uri, source);
}

static mlplat_status check_store(const mlp_config *config, mlp_setting setting, const char *what, mlplat_error *err)
{
    const char *uri = config->value[setting], *source = config->source[setting];
    mlp_uri parts = {0};
    if (!mlp_uri_has_scheme(uri, "sqlite"))
        return unsupported(what, uri, source, err);
    mlplat_status s = mlp_uri_parse(uri, &parts, err);
    if (s != MLPLAT_OK)
        return mlp_fail_prefix(err, s, "the %s (%s)", what, source);
    size_t n = strlen(parts.path);
    if (!n || strcmp(parts.path, ":memory:") == 0)
        s = mlp_fail(err, MLPLAT_UNSUPPORTED,
                     "the %s '%.200s' (%s) is a database in memory; a store is a file: write " WRITE_THIS, what, uri,
                     source);
    else if (parts.path[n - 1] == '/')
        s = mlp_fail(err, MLPLAT_INVALID, "the %s '%.200s' (%s) ends with a slash: name the file, like " WRITE_THIS,
                     what, uri, source);
    mlp_uri_free(&parts);
    return s;
}

static mlplat_status check_artifact_root(const mlp_config *config, mlplat_error *err)
{
    const char *uri = config->value[MLP_SET_ARTIFACT_ROOT], *source = config->source[MLP_SET_ARTIFACT_ROOT];
    char *path = NULL;
    if (!uri)
        return MLPLAT_OK;
    if (strstr(uri, "://") && !mlp_uri_has_scheme(uri, "file"))
        return mlp_fail(
            err, MLPLAT_UNSUPPORTED,
            "the artifact root '%.200s' (%s): this build keeps artifacts in local folders only: write a path or "
            "file:///path",
            uri, source);
    mlplat_status s = mlp_uri_local_path(uri, &path, err);
    mlp_free(path);
    return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "the artifact root (%s)", source);
}

mlplat_status mlp_store_uri_check(const mlp_config *config, mlplat_error *err)
{
    mlplat_status s = check_store(config, MLP_SET_TRACKING_URI, "tracking URI", err);
    if (s == MLPLAT_OK)
        s = check_store(config, MLP_SET_REGISTRY_URI, "registry URI", err);
    return s == MLPLAT_OK ? check_artifact_root(config, err) : s;
}
