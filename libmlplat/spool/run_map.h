/*
 * Runs made offline: which of the server's runs each became. Lines "<its own id> <the server's>" in the file "runs.map"
 * of a place: appended, never changed, on the disk before a record of the run goes to the server, and read by every
 * process. A line that a power cut tore is passed over: delivery finds the run again by its tag.
 */
#ifndef MLP_RUN_MAP_H
#define MLP_RUN_MAP_H
#include "base/json.h"
#include "spool/spool_folder.h"
#include <pthread.h>
#include <sys/types.h>

enum { MLP_RUN_MAP_PLACES = 2 };

typedef struct mlp_run_map {
    pthread_mutex_t lock;
    json_t *ids;                    /* {own: server's}; NULL: none yet */
    off_t read[MLP_RUN_MAP_PLACES]; /* how far each file is known */
    int lock_fd;                    /* of the file "runs.lock", plus 1; 0: not locked */
} mlp_run_map;

void mlp_run_map_init(mlp_run_map *map);
void mlp_run_map_free(mlp_run_map *map);
/* *out: the server's id, lent for the map's life; NULL: it has none yet. */
mlplat_status mlp_run_map_get(mlp_run_map *map, const mlp_place *places, int n, const char *id, const char **out,
                              mlplat_error *err);
mlplat_status mlp_run_map_put(const mlp_place *place, const char *id, const char *server_id, mlplat_error *err);
/* All of them, as [{"local_id", "run_id"}]. New reference. */
mlplat_status mlp_run_map_list(mlp_run_map *map, const mlp_place *places, int n, json_t **out, mlplat_error *err);
/* One process at a time makes the server's run. UNAVAILABLE, to be tried again: another does now. */
mlplat_status mlp_run_map_lock(mlp_run_map *map, const mlp_place *place, mlplat_error *err);
void mlp_run_map_unlock(mlp_run_map *map);

#endif
