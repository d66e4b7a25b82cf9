/* The artifact stores of this build. */
#include "artifacts/store.h"
#include "base/uri.h"
#include <string.h>

#ifdef MLPLAT_MINIMAL
#define KNOWN "local ones (an absolute path or file:///path)"
#else
#define KNOWN "local ones (an absolute path or file:///path) and MLflow's proxy (mlflow-artifacts:/path)"
#endif

const mlp_artifact_store *mlp_artifact_store_for(const char *uri, mlplat_error *err)
{
    const mlp_artifact_store *const stores[] = {
        mlp_artifact_file(),
#ifndef MLPLAT_MINIMAL
        mlp_artifact_proxy(),
        mlp_artifact_http(),
        mlp_artifact_https(),
#endif
    };
    mlp_uri parsed = {0};
    const mlp_artifact_store *found = NULL;
    if (mlp_uri_parse(uri, &parsed, err) != MLPLAT_OK)
        return NULL;
    const char *scheme = *parsed.scheme ? parsed.scheme : "file";
    for (size_t i = 0; !found && i < sizeof stores / sizeof stores[0]; i++)
        if (strcmp(stores[i]->scheme, scheme) == 0)
            found = stores[i];
    if (!found)
        mlp_fail(err, MLPLAT_UNSUPPORTED,
                 "no artifact store for '%.200s': this build has " KNOWN, uri);
    mlp_uri_free(&parsed);
    return found;
}
