/**
 * The session: one handle for everything, opened with URIs.
 *
 * Opening does no I/O but reading the profile file: stores are opened, and threads started, at first need. A session
 * may be used by any number of threads. After fork the child opens its own: an inherited one answers MLPLAT_STATE.
 * A fork waits until no thread is inside SQLite, 5 seconds at most; a child of a fork that could not wait any longer
 * gets MLPLAT_STATE when it opens a store.
 */
#ifndef MLPLAT_SESSION_H
#define MLPLAT_SESSION_H
#include <mlplat/doc.h>
#include <mlplat/error.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlplat mlplat;

/**
 * The progress hook of calls that may wait: called on the caller's thread, at least every 100 ms even if nothing
 * moves, with no lock held. done and total are in the call's own unit (total 0: not known).
 * @return 0 to go on; anything else cancels: the call returns MLPLAT_CANCELLED
 */
typedef int (*mlplat_progress)(void *user, uint64_t done, uint64_t total);

/** Takes bytes that come out of the library. @return n if all were taken; anything else stops with MLPLAT_CANCELLED */
typedef int64_t (*mlplat_write)(void *user, const void *data, size_t n);

/** What a logging call waits for; each includes those above it. */
typedef enum mlplat_durability {
    MLPLAT_DURABILITY_DEFAULT = 0, /**< as configured, else MLPLAT_DURABILITY_PROCESS */
    MLPLAT_DURABILITY_MEMORY = 1,  /**< in memory: lost with the process */
    MLPLAT_DURABILITY_PROCESS = 2, /**< in the journal's page cache: survives kill -9 of the process */
    MLPLAT_DURABILITY_DISK = 3,    /**< in the journal on disk: survives power loss */
    MLPLAT_DURABILITY_REMOTE = 4   /**< in the store, durably */
} mlplat_durability;

/** Levels of what the library has to say. */
typedef enum mlplat_log_level {
    MLPLAT_LOG_DEBUG = 0,
    MLPLAT_LOG_INFO = 1,
    MLPLAT_LOG_WARNING = 2,
    MLPLAT_LOG_ERROR = 3
} mlplat_log_level;

/** Takes one line of log, UTF-8, secrets already replaced; from any thread of the library. */
typedef void (*mlplat_log)(void *user, mlplat_log_level level, const char *line);

/** Tells the version of something that is installed. @return NULL: it is not; else lent until the next call */
typedef const char *(*mlplat_installed)(void *user);

/** How to open a session. Zero or NULL means: environment, then profile file, then the embedded default. */
typedef struct mlplat_options {
    size_t size;                  /**< set by MLPLAT_OPTIONS_INIT */
    const char *tracking_uri;     /**< MLPLAT_TRACKING_URI, MLFLOW_TRACKING_URI; default "sqlite:///mlflow.db" */
    const char *registry_uri;     /**< MLPLAT_REGISTRY_URI, MLFLOW_REGISTRY_URI; default: the tracking URI */
    const char *artifact_root;    /**< MLPLAT_ARTIFACT_ROOT: where new experiments keep artifacts;
                                       default: mlruns beside the SQLite file */
    const char *spool_dir;        /**< MLPLAT_SPOOL; default: the store's path with ".spool" appended */
    mlplat_durability durability; /**< MLPLAT_DURABILITY: memory, process, disk or remote */
    const char *profile;          /**< MLPLAT_PROFILE: the profile to read; default "default" */
    const char *config_file;      /**< MLPLAT_CONFIG; default $XDG_CONFIG_HOME/mlplat/config.yaml */
    mlplat_progress progress;     /**< for every call of this session that may wait and has none of its own */
    mlplat_log log;               /**< NULL: warnings and errors go to stderr */
    void *user;                   /**< for progress, log and mlflow_installed */
    const char *mlflow_version;   /**< MLPLAT_MLFLOW_VERSION: a store that has to be made is made for this MLflow, such
                                       as "2.14.0", or at this head; default: the installed one, else the newest */
    mlplat_installed mlflow_installed; /**< asked for that one's version, when a store has to be made */
    const char *spool_full;   /**< MLPLAT_SPOOL_FULL: a call that finds the quota used up: block, drop-oldest, error */
    int64_t spool_quota;      /**< MLPLAT_SPOOL_QUOTA: bytes of files that may wait for the store; negative: any */
    int64_t spool_rate;       /**< MLPLAT_SPOOL_RATE: records a second that a server is given; negative: any */
    int64_t close_timeout_ms; /**< MLPLAT_CLOSE_TIMEOUT_MS: how long closing waits for a server; negative: no limit */
    const char *mirror_uri;   /**< MLPLAT_MIRROR_URI: a second store that is given what is logged too; default: none */
} mlplat_options;
#define MLPLAT_OPTIONS_INIT                                                                                           \
    { sizeof(mlplat_options), 0, 0, 0, 0, MLPLAT_DURABILITY_DEFAULT, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * Open a session.
 * @param options  NULL: all defaults; strings are copied
 * @return MLPLAT_OK; MLPLAT_INVALID: a setting cannot be read (the message says which one and where it came from);
 *         MLPLAT_UNSUPPORTED: no store for the URI's scheme; MLPLAT_NO_MEMORY
 */
MLPLAT_API mlplat_status mlplat_open(const mlplat_options *options, mlplat **out, mlplat_error *err);

/**
 * Close a session; NULL is fine. Drains an embedded store whole. What cannot be stored stays in the spool, and a
 * warning in the log says so. Runs that are still open stay RUNNING: end them. Handles of runs are freed before: they
 * do not outlive their session. No other thread may use it any more.
 */
MLPLAT_API void mlplat_close(mlplat *ml);

/**
 * Wait until everything accepted so far is in its store.
 * @param timeout_ms  0: do not wait; negative: no limit
 * @return MLPLAT_OK; MLPLAT_TIMEOUT; MLPLAT_CANCELLED; the store's own status if it refuses (the records stay)
 */
MLPLAT_API mlplat_status mlplat_flush(mlplat *ml, int64_t timeout_ms, mlplat_error *err);

/**
 * Every setting, its value and who set it: {"tracking_uri": {"value": "...", "source": "environment
 * MLFLOW_TRACKING_URI"}, ...}; secrets replaced by ***. *out is yours.
 */
MLPLAT_API mlplat_status mlplat_config(mlplat *ml, mlplat_doc **out, mlplat_error *err);

/** Free memory that the library handed out as char *; NULL is fine. */
MLPLAT_API void mlplat_free(void *memory);

/**
 * Take memory from other functions; all NULL brings back malloc, realloc and free. Before the first call of any other
 * function only. SQLite, jansson and libyaml keep their own.
 */
MLPLAT_API void mlplat_set_allocator(void *(*allocate)(size_t), void *(*reallocate)(void *, size_t),
                                     void (*release)(void *));

#ifdef __cplusplus
}
#endif
#endif
