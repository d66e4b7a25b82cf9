/* One transfer: how far it is, and the caller who wants to know. */
#ifndef MLP_TRANSFER_H
#define MLP_TRANSFER_H
#include "artifacts/artifact_place.h"
#include <mlplat/artifacts.h>

typedef struct mlp_transfer {
    mlp_hook caller;
    mlp_hook hook;        /* counts within one file, for stores */
    uint64_t done, total; /* done: of the files before this one */
    int64_t told_ns;      /* when the caller was last told */
} mlp_transfer;

/* options may be NULL. The transfer stays where it is: hook points at it. */
mlplat_status mlp_transfer_init(mlplat *ml, const mlplat_transfer *options, mlp_transfer *out, mlplat_error *err);
/* Tells the caller; CANCELLED if it wants to stop. */
mlplat_status mlp_transfer_tell(mlp_transfer *t, mlplat_error *err);

/* A local file or folder to a place; of a folder nothing is sent before all of it has been looked at. */
mlplat_status mlp_transfer_send(mlplat *ml, const char *path, const mlp_artifact_place *to, mlp_transfer *t,
                                mlplat_error *err);
/* A file or folder at a place to a local path. */
mlplat_status mlp_transfer_receive(mlplat *ml, const mlp_artifact_place *from, const char *path, mlp_transfer *t,
                                   mlplat_error *err);

#endif
