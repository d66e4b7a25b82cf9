/* What a server says is a place on this machine is one only where the user says the same. */
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/uri.h"
#include <string.h>

bool mlp_artifact_from_server(const mlplat *ml, mlp_setting store)
{
    const char *uri = mlp_session_setting(ml, store);
    return uri && (mlp_uri_has_scheme(uri, "http") || mlp_uri_has_scheme(uri, "https"));
}

/* The local path of a URI, the caller's; NULL and OK: it is not local. INVALID: it has "..". */
static mlplat_status local_path(const char *uri, char **out, mlplat_error *err)
{
    mlplat_error why = {0};
    const mlp_artifact_store *store = uri ? mlp_artifact_store_for(uri, &why) : NULL;
    *out = NULL;
    if (why.status == MLPLAT_NO_MEMORY) /* then it is not known */
        return mlp_fail_memory(err);
    return store == mlp_artifact_file() ? mlp_artifact_file()->root(uri, out, err) : MLPLAT_OK;
}

static bool below(const char *path, const char *root)
{
    size_t n = root ? strlen(root) : 0;
    while (n && root[n - 1] == '/')
        n--;
    return n && strncmp(path, root, n) == 0 && (!path[n] || path[n] == '/');
}

mlplat_status mlp_artifact_trust(const mlplat *ml, const char *uri, mlplat_error *err)
{
    char *path = NULL, *root = NULL;
    mlplat_status s = local_path(uri, &path, err);
    if (s == MLPLAT_OK && path)
        s = local_path(mlp_session_setting(ml, MLP_SET_ARTIFACT_ROOT), &root, err);
    if (s == MLPLAT_OK && path && !below(path, root))
        s = mlp_fail(err, MLPLAT_DENIED,
                     "the server says that these artifacts are in %.200s: if this machine has that folder too, name it "
                     "in MLPLAT_ARTIFACT_ROOT; else the server has to serve them (mlflow server "
                     "--artifacts-destination)",
                     path);
    mlp_free(path);
    mlp_free(root);
    return s;
}
