/* Where a URI leads: a store, a root in it and a name below that. */
#ifndef MLP_ARTIFACT_PLACE_H
#define MLP_ARTIFACT_PLACE_H
#include "artifacts/store.h"

typedef struct mlp_artifact_place {
    const mlp_artifact_store *store;
    char *root, *name;
    char *shown; /* listings show paths below it; NULL: as they are */
    size_t top;  /* bytes of name that lead to the root of the run or model: listings show what is behind them */
} mlp_artifact_place;

mlplat_status mlp_artifact_place_find(mlplat *ml, const char *uri, mlp_artifact_place *out, mlplat_error *err);
/* The same for reading: what is not there may be elsewhere. */
mlplat_status mlp_artifact_place_read(mlplat *ml, const char *uri, mlp_artifact_place *out, mlplat_error *err);
void mlp_artifact_place_free(mlp_artifact_place *place);

#endif
