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
 * servers first: they open a store at their own head only. The progress hook is called in between, with revisions done
 * and in all.
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

/* ---- looking after: all of it while others write -------------------------------------------------------------- */

/** How to check. */
typedef struct mlplat_check_options {
    size_t size;
    int repair;               /**< 1: put right what can be derived: latest values, tags mlflow.runName */
    mlplat_progress progress; /**< in questions asked, the total is not known; NULL: the session's */
    void *user;
} mlplat_check_options;
#define MLPLAT_CHECK_OPTIONS_INIT { sizeof(mlplat_check_options), 0, 0, 0 }

/**
 * Is the store whole? Looks at SQLite's file and foreign keys, the schema, latest values against their points, names of
 * runs against their tags, files of logged models and versions, unfinished imports and the spool. A store that is
 * damaged is an answer, not a failure.
 * @param out  {"ok", "path", "head", "findings": [{"check", "severity": "error" or "note", "what", "count", "example"?,
 *             "repaired"}]}, yours; ok is false with an error that was not repaired
 * @return MLPLAT_OK: see ok; MLPLAT_NOT_FOUND: no store there; MLPLAT_CANCELLED; MLPLAT_IO, MLPLAT_DENIED
 */
MLPLAT_API mlplat_status mlplat_store_check(mlplat *ml, const mlplat_check_options *options, mlplat_doc **out,
                                            mlplat_error *err);

/** How to back up. */
typedef struct mlplat_backup_options {
    size_t size;
    int artifacts;            /**< 1: also the artifact root, into the folder "<path>.artifacts" */
    mlplat_progress progress; /**< in pages, with artifacts first in bytes; NULL: the session's */
    void *user;
} mlplat_backup_options;
#define MLPLAT_BACKUP_OPTIONS_INIT { sizeof(mlplat_backup_options), 0, 0, 0 }

/**
 * Copy the store's file to a new one: one consistent snapshot, with what this session and ended programs logged stored
 * first. The copy appears when it is whole, and is a store of its own. Places of artifacts stay what they are.
 * @param out  {"path", "size", "head", "files", "bytes", "artifacts"?}, yours, may be NULL
 * @return MLPLAT_OK; MLPLAT_EXISTS: the file or the folder is there; MLPLAT_CANCELLED; MLPLAT_NO_SPACE, MLPLAT_IO,
 *         MLPLAT_DENIED. Nothing is left of it then.
 */
MLPLAT_API mlplat_status mlplat_store_backup(mlplat *ml, const char *path, const mlplat_backup_options *options,
                                             mlplat_doc **out, mlplat_error *err);

/** What to remove for good. Nothing named: all that is deleted. */
typedef struct mlplat_gc_options {
    size_t size;
    const char *older_than;   /**< deleted at least so long ago, as MLflow writes it: "30d", "2d8h5m20s"; NULL: any */
    const char *runs;         /**< JSON array of run ids: these alone */
    const char *experiments;  /**< JSON array of experiment ids, with all their runs and logged models */
    const char *models;       /**< JSON array of ids of logged models */
    int orphans;              /**< 1: also artifact folders in the store's folder that no run or logged model has, of
                                   this store or of another one beside it, an hour old or older_than; what lies
                                   elsewhere is told under "kept" */
    int dry_run;              /**< 1: only tell */
    mlplat_progress progress; /**< in things removed; NULL: the session's */
    void *user;
} mlplat_gc_options;
#define MLPLAT_GC_OPTIONS_INIT { sizeof(mlplat_gc_options), 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * Remove for good what was deleted, with its artifacts, as `mlflow gc` does; in steps, so that nobody who writes waits
 * long. Artifacts that cannot be removed are told and do not stop it. What does not lie below the artifact root stays,
 * with its rows, and is told: open the session with the root that is meant.
 * @param out  {"dry_run", "runs", "experiments", "logged_models": [ids], "orphans": [paths], "kept": [{"id", "why"}]},
 *             yours, may be NULL
 * @return MLPLAT_OK; MLPLAT_STATE: one that is named is not deleted, or not so long ago (nothing was removed);
 *         MLPLAT_NOT_FOUND: no such id; MLPLAT_INVALID: an option; MLPLAT_CANCELLED: what is done is done
 */
MLPLAT_API mlplat_status mlplat_store_gc(mlplat *ml, const mlplat_gc_options *options, mlplat_doc **out,
                                         mlplat_error *err);

/* ---- taking along: an archive is one folder; docs/store.md describes what is in it ------------------------------- */

/** What to export, and how. Nothing named: all experiments, runs, logged models and registered models. */
typedef struct mlplat_export_options {
    size_t size;
    const char *experiments; /**< JSON array of names: all that is in them; with a filter: where to search */
    const char *runs;        /**< JSON array of run ids */
    const char *filter;      /**< runs that match, as mlplat_run_search, deleted ones too */
    const char *models;      /**< JSON array of names of registered models, each with all versions and aliases */
    int no_artifacts;        /**< 1: rows alone, which then keep the places where the artifacts are now */
    mlplat_progress progress; /**< in bytes written, uncompressed, the total is not known; NULL: the session's */
    void *user;
} mlplat_export_options;
#define MLPLAT_EXPORT_OPTIONS_INIT { sizeof(mlplat_export_options), 0, 0, 0, 0, 0, 0, 0 }

/**
 * Export to a new folder, which appears when it is whole. What is taken is one snapshot of the store, while others
 * write to it. Runs bring the logged models that they made or used, logged models the runs that made or judged them,
 * registered models the runs and logged models that their versions come from. The same content gives the same bytes.
 * @param path  of a folder that is not there yet, or is empty
 * @param out   {"path", "files", "size", "raw_size", "counts": {table: rows}}, yours, may be NULL
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such experiment, run or model; MLPLAT_EXISTS: the folder; MLPLAT_INVALID: an
 *         option, or artifacts with links or names that no artifact may have; MLPLAT_UNSUPPORTED: artifacts in a place
 *         that this build cannot read; MLPLAT_CANCELLED; MLPLAT_NO_SPACE, MLPLAT_IO, MLPLAT_DENIED
 */
MLPLAT_API mlplat_status mlplat_export(mlplat *ml, const char *path, const mlplat_export_options *options,
                                       mlplat_doc **out, mlplat_error *err);

/** How to import. */
typedef struct mlplat_import_options {
    size_t size;
    const char *on_conflict; /**< what is in the store already and differs: "fail" (also NULL): nothing is imported;
                                  "keep": it stays; "replace": the archive's takes its place */
    int dry_run;             /**< 1: everything is checked, and told what would be done; nothing is changed */
    uint64_t max_bytes;      /**< most that the archive may hold uncompressed; 0: 1 TiB */
    mlplat_progress progress; /**< in bytes, uncompressed, read twice; NULL: the session's */
    void *user;
} mlplat_import_options;
#define MLPLAT_IMPORT_OPTIONS_INIT { sizeof(mlplat_import_options), 0, 0, 0, 0, 0 }

/**
 * Import an archive. All of it is checked, with all digests, and compared with the store before the first row is
 * written. Experiments are found by name, and made where there is none; artifacts go below the store's own places. Runs
 * and logged models keep their ids and are visible when they are whole; what is there and equal is left alone, so that
 * an import that was stopped, in whatever way, is completed by doing it again. Imports into one store take turns: one
 * that waits says so in the log and calls the hook.
 * @param out  {"path", "dry_run", "artifacts", and for each of "experiments", "runs", "logged_models",
 *             "registered_models", "model_versions": {"imported", "same", "kept", "replaced"}}, yours, may be NULL
 * @return MLPLAT_OK; MLPLAT_CONFLICT: a run, model, version, tag or alias is there with other content (nothing was
 *         changed); MLPLAT_CORRUPT: the archive is damaged or none: the file is named (nothing was changed);
 *         MLPLAT_STATE: an experiment is deleted in the store; MLPLAT_UNSUPPORTED: its schema cannot hold the archive,
 *         or it is a folder of MLflow's file store; MLPLAT_NOT_FOUND: no such folder; MLPLAT_INVALID: an option, or it
 *         holds more than max_bytes; MLPLAT_CANCELLED; MLPLAT_NO_SPACE, MLPLAT_IO, MLPLAT_DENIED
 */
MLPLAT_API mlplat_status mlplat_import(mlplat *ml, const char *path, const mlplat_import_options *options,
                                       mlplat_doc **out, mlplat_error *err);

#ifdef __cplusplus
}
#endif
#endif
