#include "store/store_place.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"

mlplat_status mlp_store_place_find(mlplat *ml, mlp_store_place *out, mlplat_error *err)
{
    const char *uri = mlp_session_setting(ml, MLP_SET_TRACKING_URI);
    *out = (mlp_store_place){0};
    mlplat_status s = mlp_session_check(ml, err);
    if (s == MLPLAT_OK && !mlp_text_starts(uri, "sqlite:"))
        s = mlp_fail(err, MLPLAT_UNSUPPORTED,
                     "the tracking URI names no file: only stores of sqlite:///<path> are made and upgraded here");
    if (s == MLPLAT_OK)
        s = mlp_db_uri_path(uri, &out->path, err);
    if (s != MLPLAT_OK)
        return s;
    out->ticket = mlp_sprintf("%s-ticket", out->path);
    out->artifact_root = mlp_db_artifact_root(mlp_session_setting(ml, MLP_SET_ARTIFACT_ROOT), out->path);
    out->options = (mlp_db_options){.create = true, .ticket_path = out->ticket, .log = &ml->log};
    out->maker = (mlp_schema_maker){.artifact_root = out->artifact_root,
                                    .mlflow = mlp_session_setting(ml, MLP_SET_MLFLOW_VERSION),
                                    .installed = ml->mlflow_installed,
                                    .user = ml->hook.user};
    return out->ticket && out->artifact_root ? MLPLAT_OK : mlp_fail_memory(err);
}

void mlp_store_place_free(mlp_store_place *place)
{
    mlp_free(place->path);
    mlp_free(place->ticket);
    mlp_free(place->artifact_root);
}
