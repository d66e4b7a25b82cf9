/*
 * One import into a store at a time: two that bring the same run would remove each other's rows, each as what a killed
 * import left. A file beside the store is locked, so that the lock goes with its process, and removed with the import.
 */
#ifndef MLP_IMPORT_LOCK_H
#define MLP_IMPORT_LOCK_H
#include "base/hook.h"
#include "base/log.h"

typedef struct mlp_import_lock {
    char *path;
    int fd; /* plus 1; 0: not held */
} mlp_import_lock;

/* Waits for the import that has it, as long as the hook lets it. store is the path of the store's file. */
mlplat_status mlp_import_lock_take(mlp_import_lock *lock, const char *store, const mlp_logger *log,
                                   const mlp_hook *hook, mlplat_error *err);
void mlp_import_lock_give(mlp_import_lock *lock); /* of a zeroed one: nothing */

#endif
