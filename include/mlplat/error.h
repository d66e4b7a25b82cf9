/**
 * Statuses and errors.
 *
 * Every call that can fail returns a status. The details go into the caller's own mlplat_error, the last argument,
 * which may be NULL. Nothing is kept per thread or per process.
 */
#ifndef MLPLAT_ERROR_H
#define MLPLAT_ERROR_H

#if defined(__GNUC__)
#define MLPLAT_API __attribute__((visibility("default")))
#else
#define MLPLAT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What a call returns. docs/errors.md says what the caller does about each. */
typedef enum mlplat_status {
    MLPLAT_OK = 0,
    MLPLAT_INVALID = 1,      /**< an argument is wrong: correct it */
    MLPLAT_NOT_FOUND = 2,    /**< no such thing: check the name or make it */
    MLPLAT_EXISTS = 3,       /**< the name is taken: use what is there or another name */
    MLPLAT_CONFLICT = 4,     /**< somebody changed it meanwhile, or it has another value: read again, decide */
    MLPLAT_DENIED = 5,       /**< no permission: check credentials or file modes */
    MLPLAT_UNAVAILABLE = 6,  /**< the store cannot be reached now: try again later */
    MLPLAT_TIMEOUT = 7,      /**< not done in the time given: try again or allow more */
    MLPLAT_CANCELLED = 8,    /**< the progress hook said stop */
    MLPLAT_CORRUPT = 9,      /**< stored data is damaged or foreign: restore it or point elsewhere */
    MLPLAT_IO = 10,          /**< the system refused a read or a write: look at the message */
    MLPLAT_NO_SPACE = 11,    /**< disk or quota is full: free some and call again */
    MLPLAT_NO_MEMORY = 12,   /**< an allocation failed; nothing was changed */
    MLPLAT_UNSUPPORTED = 13, /**< this store or this build cannot do it: the message names what can */
    MLPLAT_STATE = 14        /**< not possible in this state: ended run, closed or forked handle */
} mlplat_status;

/** Details of a failure, in the caller's memory. All zero means no error. */
typedef struct mlplat_error {
    mlplat_status status; /**< the status that the call returned */
    int http_status;      /**< of the last answer of a server, 0 if there was none */
    int retryable;        /**< 1 if the same call may succeed later; set where the cause is known */
    char message[500];    /**< UTF-8, one line, no secret; names the thing, what was wrong and what would help */
} mlplat_error;

/** The status' name without its prefix, "NOT_FOUND"; "UNKNOWN" for a number that is none. Lent, lives for ever. */
MLPLAT_API const char *mlplat_status_name(mlplat_status status);

#ifdef __cplusplus
}
#endif
#endif
