#include "base/alloc.h"
#include "base/err.h"
#include "base/uri.h"
#include "registry/registry_store.h"

const mlp_registry_store *mlp_registry_store_for(const char *uri, mlplat_error *err)
{
    const mlp_registry_store *const stores[] = {mlp_registry_db(), mlp_registry_http(), mlp_registry_https(),
                                                mlp_registry_postgres()};
    char shown[MLP_URI_SHOWN];
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        if (mlp_uri_has_scheme(uri, stores[i]->scheme))
            return stores[i];
    mlp_uri_show(uri, shown);
    mlp_fail(err, MLPLAT_UNSUPPORTED,
             "no registry for '%s': use sqlite:///<path>, as in sqlite:///mlflow.db, a server's http://host:5000, or "
             "postgresql://user@host/database",
             shown);
    return NULL;
}

void mlp_logged_model_free(mlp_logged_model *model)
{
    mlp_free(model->model_id);
    mlp_free(model->location);
    mlp_free(model->run_id);
    *model = (mlp_logged_model){0};
}
