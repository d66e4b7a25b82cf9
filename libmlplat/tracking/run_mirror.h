/*
 * The mirror: a second store that is given what is logged as well, and of which nothing is read. It has a spool of its
 * own, so that what it has not taken waits for it alone. What that spool cannot accept is missing in the mirror, which
 * is counted and warned of: the call went well, as the store has it, and made again it would be there twice.
 *
 * A run has the same id there, or where it was made offline the id that it had then. A server gives each run an id: as
 * a mirror it is given runs as if they were made offline (offline.h), under an id that the store here gave them for
 * that. Experiments have the same names. Artifacts, logged models and what is said about them stay in the one store.
 */
#ifndef MLP_RUN_MIRROR_H
#define MLP_RUN_MIRROR_H
#include "tracking/run_handle.h"

#ifndef MLPLAT_MINIMAL
/* Of a run to be made: *out is the id that it must have for its mirror, in room; else it stays. */
mlplat_status mlp_run_mirror_id(const mlp_tracking *tracking, char room[33], const char **out, mlplat_error *err);
/* The run was made, in an experiment of a name that may not be known (NULL). Without a mirror nothing is done. */
void mlp_run_mirror_begin(mlplat_run *run, const mlp_run_new *made, const char *experiment);
/* Of a run that is there: the mirror makes it if it does not have it. doc: the run's. */
void mlp_run_mirror_attach(mlplat_run *run, const json_t *doc);
/* A change of a run that was made without its handle. */
void mlp_run_mirror_change(mlp_tracking *tracking, const char *run_id, const mlplat_run_change *change);
/* To the mirror alone, of a run that is mirrored. */
void mlp_run_mirror_put(const mlplat_run *run, const mlp_record *records, size_t n);
void mlp_run_mirror_span(const mlplat_run *run, const mlp_span *span);

static inline bool mlp_run_is_mirrored(const mlplat_run *run)
{
    return run->mirror_id != NULL;
}
#else
#define mlp_run_mirror_id(...)     MLPLAT_OK
#define mlp_run_mirror_begin(...)  (void)0
#define mlp_run_mirror_attach(...) (void)0
#define mlp_run_mirror_change(...) (void)0
#define mlp_run_mirror_put(...)    (void)0
#define mlp_run_mirror_span(...)   (void)0
#define mlp_run_is_mirrored(run)   false
#endif

/* To the spool of the store, and to that of the mirror if there is one. */
static inline mlplat_status mlp_run_accept(const mlplat_run *run, const mlp_record *records, size_t n,
                                           mlplat_error *err)
{
    mlplat_status s = mlp_spool_append(run->tracking->spool, records, n, run->durability, err);
    if (s == MLPLAT_OK && mlp_run_is_mirrored(run))
        mlp_run_mirror_put(run, records, n);
    return s;
}

#endif
