#include "base/err.h"
#include "base/log.h"
#include "base/uri.h"
#include "tracking/tracking_store.h"
#include <stdio.h>
#include <string.h>

#ifdef MLPLAT_MINIMAL
#define MLP_TRACKING_REMOTE NULL
#else
#define MLP_TRACKING_REMOTE mlp_tracking_http(), mlp_tracking_https(), mlp_tracking_postgres()
#endif

const mlp_tracking_store *mlp_tracking_store_for(const char *uri, mlplat_error *err)
{
    const mlp_tracking_store *const stores[] = {mlp_tracking_db(), MLP_TRACKING_REMOTE};
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        if (stores[i] && mlp_uri_has_scheme(uri, stores[i]->scheme))
            return stores[i];
    char shown[200];
    snprintf(shown, sizeof shown, "%s", uri);
    mlp_redact(shown);
    mlp_fail(err, MLPLAT_UNSUPPORTED,
             "no tracking store for '%s': use sqlite:///<path>, as in sqlite:///mlflow.db, a server's "
             "http://host:5000, or postgresql://user@host/database",
             shown);
    return NULL;
}
