/* The session's inside: settings, log, hook, and one lazily filled slot per module. */
#ifndef MLP_SESSION_H
#define MLP_SESSION_H
#include "base/config.h"
#include "base/hook.h"
#include "base/log.h"
#include <mlplat/session.h>
#include <pthread.h>
#include <stdbool.h>

typedef enum mlp_slot {
    MLP_SLOT_TRACKING,
    MLP_SLOT_REGISTRY,
    MLP_SLOT_ARTIFACTS,
    MLP_SLOT_PIPELINES,
    MLP_SLOT_COUNT
} mlp_slot;

/* What a module puts into its slot. */
typedef struct mlp_slot_ops {
    mlplat_status (*open)(mlplat *ml, void **object, mlplat_error *err);
    void (*close)(mlplat *ml, void *object); /* drains what can be drained */
    void (*abandon)(void *object); /* in a forked child: frees memory only, touches no file and no lock; may be NULL */
    mlplat_status (*flush)(void *object, int64_t timeout_ms, const mlp_hook *hook, mlplat_error *err); /* may be NULL */
} mlp_slot_ops;

struct mlplat {
    mlp_config config;
    char *places[MLP_SET_COUNT]; /* of settings that are relative paths: absolute, from the folder it was opened in */
    mlp_logger log;
    mlp_hook hook;
    mlplat_installed mlflow_installed; /* with the hook's user; may be NULL */
    void *guard;          /* mlp_os_fork_guard */
    pthread_mutex_t lock; /* never held while a module's function runs */
    pthread_cond_t changed;
    struct {
        void *object; /* set once, read without the lock */
        const mlp_slot_ops *ops;
        bool opening; /* by the thread opener; others wait for `changed` */
        pthread_t opener;
    } slots[MLP_SLOT_COUNT];
    int opened[MLP_SLOT_COUNT]; /* slots in the order of opening; closed in reverse */
    int n_opened;
};

/* The module's object, opened at the first call, once also with many threads; a failed opening is tried again by the
 * next call. An open may ask for other slots; asking for the one it opens is STATE, as is every call after fork. Do not
 * call with a lock held that open may want. */
mlplat_status mlp_session_slot(mlplat *ml, mlp_slot slot, const mlp_slot_ops *ops, void **object, mlplat_error *err);
/* STATE if this process inherited the session by fork. */
mlplat_status mlp_session_check(const mlplat *ml, mlplat_error *err);
/* A setting's value, a path absolute; NULL if not set. Lent. */
const char *mlp_session_setting(const mlplat *ml, mlp_setting setting);

/*
 * Resolvers: what belongs to a higher layer reaches artifacts/ through this table, which wiring/ defines.
 * root is the URI or path of the run's or model's artifacts, rest the relative path below it ("" for the top).
 */
typedef struct mlp_resolver {
    const char *scheme; /* "runs", "models" */
    mlplat_status (*resolve)(mlplat *ml, const char *uri, char **root, char **rest, mlplat_error *err);
    /* Where to read what is not there, as resolve; top is what paths are shown below. NOT_FOUND: nowhere. Or NULL. */
    mlplat_status (*other)(mlplat *ml, const char *uri, char **root, char **rest, char **top, mlplat_error *err);
} mlp_resolver;
extern const mlp_resolver *const mlp_resolvers[]; /* of pointers; ends with NULL */

#endif
