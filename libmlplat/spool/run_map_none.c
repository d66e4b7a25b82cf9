/* A build without servers makes no run offline. */
#include "base/err.h"
#include "spool/run_map.h"

void mlp_run_map_init(mlp_run_map *map)
{
    *map = (mlp_run_map){0};
}

void mlp_run_map_free(mlp_run_map *map)
{
    (void)map;
}

mlplat_status mlp_run_map_get(mlp_run_map *map, const mlp_place *places, int n, const char *id, const char **out,
                              mlplat_error *err)
{
    (void)map, (void)places, (void)n, (void)id, (void)err;
    *out = NULL;
    return MLPLAT_OK;
}

mlplat_status mlp_run_map_list(mlp_run_map *map, const mlp_place *places, int n, json_t **out, mlplat_error *err)
{
    (void)map, (void)places, (void)n;
    *out = json_array();
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status none(mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_UNSUPPORTED, "this build makes no runs offline");
}

mlplat_status mlp_run_map_put(const mlp_place *place, const char *id, const char *server_id, mlplat_error *err)
{
    (void)place, (void)id, (void)server_id;
    return none(err);
}

mlplat_status mlp_run_map_lock(mlp_run_map *map, const mlp_place *place, mlplat_error *err)
{
    (void)map, (void)place;
    return none(err);
}

void mlp_run_map_unlock(mlp_run_map *map)
{
    (void)map;
}
