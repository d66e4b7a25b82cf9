/*
 * Artifacts of a run whose server is away. What is logged then is a record of the spool: small files and what was made
 * in the program as copies there, large ones (MLPLAT_SPOOL_COPY says from which size on) by the path that they have,
 * and which they must keep. While earlier ones of this handle wait, later ones do too: their order stays.
 */
#ifndef MLP_RUN_SPOOLED_H
#define MLP_RUN_SPOOLED_H
#include "tracking/run_handle.h"

/* Of a store that is far. STATE: the run is deleted. OK too where the server does not say so within 5 s. */
mlplat_status mlp_run_spooled_check(mlplat_run *run, mlplat_error *err);
/* Puts at the server, or else into the spool. name: the path below the run's; uri: the same of runs:/. */
mlplat_status mlp_run_spooled_bytes(mlplat_run *run, const void *data, size_t n, const char *name, const char *uri,
                                    mlplat_error *err);
mlplat_status mlp_run_spooled_path(mlplat_run *run, const char *path, const char *name, const char *uri,
                                   mlplat_error *err);

#endif
