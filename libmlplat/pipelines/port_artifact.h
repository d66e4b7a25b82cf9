/* An artifact as it travels: {"name", "uri", "type", "metadata"}. */
#ifndef MLP_PORT_ARTIFACT_H
#define MLP_PORT_ARTIFACT_H
#include "base/json.h"

/* Where its data is on this machine: a path or file: URI itself; other schemes where KFP's launcher puts them
 * (gs://b/k is /gcs/b/k). *out is the caller's. */
mlplat_status mlp_port_artifact_path(const json_t *artifact, char **out, mlplat_error *err);
/* {"artifacts": [{...}]} -> its first item, or NULL. Lent. */
json_t *mlp_port_artifact_first(const json_t *list);

#endif
