/* Where the store is that the tracking URI names, for work on its file as a whole. */
#ifndef MLP_STORE_PLACE_H
#define MLP_STORE_PLACE_H
#include "db/db.h"
#include "session/session.h"

typedef struct mlp_store_place {
    char *path, *ticket, *artifact_root;
    mlp_db_options options;
    mlp_schema_maker maker; /* as the session has it */
} mlp_store_place;

/* UNSUPPORTED, if it is not one of SQLite's. Zero is empty; free it in any case. */
mlplat_status mlp_store_place_find(mlplat *ml, mlp_store_place *out, mlplat_error *err);
void mlp_store_place_free(mlp_store_place *place);

#endif
