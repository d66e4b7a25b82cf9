/* The artifact stores of this build. */
#include "artifacts/store.h"
#include "base/uri.h"
#include <string.h>

const mlp_artifact_store *mlp_artifact_store_for(const char *uri, mlplat_error *err)
{
    const mlp_artifact_store *const stores[] = {mlp_artifact_file()};
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
                 "no artifact store for '%.200s': this build has local ones (an absolute path or file:///path)", uri);
    mlp_uri_free(&parsed);
    return found;
}
