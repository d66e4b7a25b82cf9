/**
 * The store as a whole: made, looked after, taken along.
 *
 * A store is the SQLite file that the tracking URI names, with the artifacts of its experiments. Every call may wait
 * for it. Any thread.
 */
#ifndef MLPLAT_STORE_H
#define MLPLAT_STORE_H
#include <mlplat/doc.h>
#include <mlplat/session.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Create the store that the tracking URI names, if it is not there; an existing one of ours or MLflow's is fine.
 * *out: {"uri", "path", "head", "created": did this session make it?}, yours, may be NULL.
 * @return MLPLAT_OK; MLPLAT_CORRUPT: the file is not MLflow's; MLPLAT_DENIED, MLPLAT_IO, MLPLAT_NO_SPACE */
MLPLAT_API mlplat_status mlplat_store_create(mlplat *ml, mlplat_doc **out, mlplat_error *err);

#ifdef __cplusplus
}
#endif
#endif
