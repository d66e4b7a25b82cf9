#include "pipelines/port_artifact.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "base/uri.h"
#include <string.h>

json_t *mlp_port_artifact_first(const json_t *list)
{
    return json_array_get(json_object_get(list, "artifacts"), 0);
}

mlplat_status mlp_port_artifact_path(const json_t *artifact, char **out, mlplat_error *err)
{
    static const struct {
        const char *scheme, *folder, *ending;
    } mounts[] = {
        {"gs://", "/gcs/", ""}, {"s3://", "/s3/", ""}, {"minio://", "/minio/", ""}, {"oci://", "/oci/", "/models"}};
    const char *uri = json_string_value(json_object_get(artifact, "uri"));
    const char *custom = json_string_value(json_object_get(artifact, "customPath"));
    const char *name = json_string_value(json_object_get(artifact, "name"));
    *out = NULL;
    if (custom && *custom)
        return (*out = mlp_strdup(custom)) ? MLPLAT_OK : mlp_fail_memory(err);
    if (!uri || !*uri)
        return mlp_fail(err, MLPLAT_INVALID, "artifact '%s' has no uri", name ? name : "");
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++)
        if (mlp_text_starts(uri, mounts[i].scheme)) {
            char *rest = mlp_strdup(uri + strlen(mounts[i].scheme));
            for (char *p = rest; p && mounts[i].ending[0] && *p; p++)
                *p = *p == '/' ? '_' : *p; /* an image's name becomes one folder */
            *out = rest ? mlp_sprintf("%s%s%s", mounts[i].folder, rest, mounts[i].ending) : NULL;
            mlp_free(rest);
            return *out ? MLPLAT_OK : mlp_fail_memory(err);
        }
    return mlp_uri_local_path(uri, out, err);
}
