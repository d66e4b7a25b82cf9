/* An artifact store: one file, one const table, one line in artifact_stores.c. */
#ifndef MLP_ARTIFACT_STORE_H
#define MLP_ARTIFACT_STORE_H
#include "base/file.h"
#include "base/hook.h"
#include "session/session.h"

typedef struct mlp_artifact_store {
    const char *scheme; /* "file"; a plain path counts as file */
    /* A URI of this scheme in the one form the other functions take and mlplat_artifact_resolve shows; INVALID if its
     * path could lead out of where it seems to be. *root is the caller's. */
    mlplat_status (*root)(const char *uri, char **root, mlplat_error *err);
    /* root is from the function above, name a clean relative path below it, "" for the root itself. The hook counts the
     * bytes of this file. */
    mlplat_status (*put_file)(mlplat *ml, const char *root, const char *name, int fd, mlp_hook *hook,
                              mlplat_error *err);
    mlplat_status (*put_bytes)(mlplat *ml, const char *root, const char *name, const void *data, size_t n,
                               mlplat_error *err);
    /* An empty folder; NULL where a store has no folders. */
    mlplat_status (*make_folder)(mlplat *ml, const char *root, const char *name, mlplat_error *err);
    /* The hook, which may be NULL, is asked while there is nothing to write; those who write count the bytes. */
    mlplat_status (*read)(mlplat *ml, const char *root, const char *name, const mlp_hook *hook, mlplat_write write,
                          void *user, mlplat_error *err);
    /* Appends {"path", "is_dir", "file_size"} (path relative to root) to files, by path; *is_file if name is a file
     * itself. Nothing there: OK, and nothing is appended. */
    mlplat_status (*list)(mlplat *ml, const char *root, const char *name, json_t *files, bool *is_file,
                          mlplat_error *err);
    bool far; /* a file's size in a list is what its bytes must come to: fewer were lost on the way */
} mlp_artifact_store;

const mlp_artifact_store *mlp_artifact_store_for(const char *uri, mlplat_error *err); /* NULL: UNSUPPORTED */
const mlp_artifact_store *mlp_artifact_file(void);
const mlp_artifact_store *mlp_artifact_proxy(void); /* mlflow-artifacts: */
const mlp_artifact_store *mlp_artifact_http(void);  /* the same by its address */
const mlp_artifact_store *mlp_artifact_https(void);

/* Whether the store of a setting, the tracking or the registry URI, is a server. */
bool mlp_artifact_from_server(const mlplat *ml, mlp_setting store);
/* Of a place that a server told: DENIED for a local path that is not below the artifact root that the user set. */
mlplat_status mlp_artifact_trust(const mlplat *ml, const char *uri, mlplat_error *err);
/* How calls of this thread go about servers: as long as they may, or ended by the first failure, or that without the
 * session's hook, for threads that are not the caller's. */
typedef enum mlp_artifact_manner { MLP_ARTIFACT_PATIENT, MLP_ARTIFACT_ONCE, MLP_ARTIFACT_QUIET } mlp_artifact_manner;
void mlp_artifact_behave(mlp_artifact_manner how);
/* The clients of servers outlive what is opened after this. */
mlplat_status mlp_artifact_ready(mlplat *ml, mlplat_error *err);

/* For tracking and registry: split any URI into store, root and name, with resolvers. root and name are the caller's.
 */
mlplat_status mlp_artifact_locate(mlplat *ml, const char *uri, const mlp_artifact_store **store, char **root,
                                  char **name, mlplat_error *err);

#endif
