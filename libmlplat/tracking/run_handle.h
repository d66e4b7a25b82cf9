/* A run handle's inside. */
#ifndef MLP_RUN_HANDLE_H
#define MLP_RUN_HANDLE_H
#include "tracking/run_keys.h"
#include "tracking/tracking_store.h"

typedef enum mlp_run_phase { MLP_RUN_OPEN = 0, MLP_RUN_ENDING = 1, MLP_RUN_ENDED = 2 } mlp_run_phase;

struct mlplat_run {
    mlp_tracking *tracking;
    const void *guard; /* of the session */
    _Atomic int phase;
    bool cut; /* long values are cut, as MLFLOW_TRUNCATE_LONG_VALUES says */
    mlplat_durability durability;
    _Atomic bool spooled; /* run_spooled.c: artifacts may wait in the spool */
    _Atomic int64_t away_until_ns;
    size_t id_n;
    char *id, *name, *experiment_id, *artifact_uri;
    char *mirror_id; /* run_mirror.h; NULL: what is logged goes to the store alone */
    mlp_run_keys keys;
};

/* Characters that the value of a tag may have in this store. */
size_t mlp_run_tag_limit(const mlp_tracking *tracking);
/* STATE: the handle was ended, or inherited by fork. */
mlplat_status mlp_run_handle_check(const mlplat_run *run, mlplat_error *err);
/* INVALID for a document that is none of a run's. */
mlplat_status mlp_run_handle_new(mlp_tracking *tracking, const json_t *doc, mlplat_durability durability,
                                 mlplat_run **out, mlplat_error *err);

#endif
