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

/** How to make a store. */
typedef struct mlplat_store_options {
    size_t size;        /**< set by MLPLAT_STORE_OPTIONS_INIT */
    const char *mlflow; /**< the MLflow that it is made for: a release such as "2.14.0", or a head; NULL: the session's
                             mlflow_version, else the MLflow that is installed, else the newest known */
} mlplat_store_options;
#define MLPLAT_STORE_OPTIONS_INIT { sizeof(mlplat_store_options), 0 }

/** Create the store that the tracking URI names, if it is not there; an existing one of ours or MLflow's is fine and
 * stays at its head. When many do it at once, one makes it and all get it.
 * *out: {"uri", "path", "head", "created": did this call make it?}, yours, may be NULL.
 * @param options  NULL: all defaults
 * @return MLPLAT_OK; MLPLAT_INVALID: no release and no head; MLPLAT_UNSUPPORTED: an MLflow older than 2.14.0 or newer
 *         than known; MLPLAT_CORRUPT: the file is not MLflow's; MLPLAT_DENIED, MLPLAT_IO, MLPLAT_NO_SPACE */
MLPLAT_API mlplat_status mlplat_store_create(mlplat *ml, const mlplat_store_options *options, mlplat_doc **out,
                                             mlplat_error *err);

/** Move the store to the head of a newer MLflow, as `mlflow db upgrade` would, in one transaction: all or nothing.
 * Others may have it open: writers wait, and sessions of this library go on with the new tables. End MLflow's own
 * servers first: they know one head only. The progress hook is called in between, with revisions done and in all.
 * *out: {"uri", "path", "from", "head", "changed"}, yours, may be NULL.
 * @param to  a release of MLflow, or a head; NULL: as mlplat_store_create would make it
 * @return MLPLAT_OK, also if it is there already; MLPLAT_CONFLICT: the store is newer, or holds rows that MLflow
 *         refuses too; MLPLAT_UNSUPPORTED: its head or one of its tables is not known; MLPLAT_INVALID: to is no release
 *         and no head; MLPLAT_NOT_FOUND: no store; MLPLAT_STATE: MLflow is making it; MLPLAT_TIMEOUT: others would not
 *         let it; MLPLAT_CANCELLED; MLPLAT_NO_SPACE. Nothing is changed then. */
MLPLAT_API mlplat_status mlplat_store_upgrade(mlplat *ml, const char *to, mlplat_doc **out, mlplat_error *err);

/** The heads that are known, oldest first: {"heads": [{"head", "mlflow": the first release that has it, null: none}]}.
 * *out is yours. */
MLPLAT_API mlplat_status mlplat_store_heads(mlplat_doc **out, mlplat_error *err);

#ifdef __cplusplus
}
#endif
#endif
