#include "db/db.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/uri.h"
#include <string.h>

mlplat_status mlp_db_uri_path(const char *uri, char **path, mlplat_error *err)
{
    mlp_uri parts = {0};
    if (mlp_uri_has_scheme(uri, "http") || mlp_uri_has_scheme(uri, "https") || mlp_uri_has_scheme(uri, "postgresql"))
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "this is for stores that are a file, sqlite:///<path>: the one set here is a server's, which "
                        "has tools of its own for that (pg_dump, mlflow gc)");
    mlplat_status s = mlp_uri_parse(uri, &parts, err);
    if (s == MLPLAT_OK && (!*parts.path || strcmp(parts.path, ":memory:") == 0 || *parts.authority))
        s = mlp_fail(err, MLPLAT_INVALID,
                     "'%s' names no file: write sqlite:///<path>, as in sqlite:///mlflow.db, or "
                     "sqlite:////<absolute path>",
                     uri);
    if (s == MLPLAT_OK && !(*path = mlp_file_absolute(parts.path)))
        s = mlp_fail_memory(err);
    mlp_uri_free(&parts);
    return s;
}

char *mlp_db_artifact_root(const char *setting, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (setting)
        return strstr(setting, ":/") ? mlp_strdup(setting) : mlp_file_absolute(setting);
    return mlp_sprintf("%.*s/mlruns", slash ? (int)(slash - path) : 0, path);
}
