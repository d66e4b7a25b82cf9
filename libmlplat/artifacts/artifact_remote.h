/* The far side of MLflow's artifact proxy: which server, and what a place is called there. */
#ifndef MLP_ARTIFACT_REMOTE_H
#define MLP_ARTIFACT_REMOTE_H
#include "base/json.h"
#include "session/session.h"
#include "transport/http.h"

#define MLP_ARTIFACT_SERVICE "/api/2.0/mlflow-artifacts/artifacts" /* behind a server's address */

typedef struct mlp_artifact_clients mlp_artifact_clients; /* of a session: one for each server */

typedef struct mlp_artifact_remote {
    mlplat *ml;
    mlp_artifact_clients *clients; /* these two are the session's */
    mlp_http *http;
    const char *root, *name; /* as the caller gave them */
    char *path;              /* both together, below the top of the proxy; "" is the top */
} mlp_artifact_remote;

/* mlp_artifact_store.root of mlflow-artifacts:/path, mlflow-artifacts://host:port/path and
 * http(s)://host:port/api/2.0/mlflow-artifacts/artifacts/path. */
mlplat_status mlp_artifact_remote_root(const char *uri, char **root, mlplat_error *err);
/* INVALID: a name that leaves the root, or that the proxy would change; no server is known. root and name are lent. */
mlplat_status mlp_artifact_remote_find(mlplat *ml, const char *root, const char *name, mlp_artifact_remote *out,
                                       mlplat_error *err);
void mlp_artifact_remote_free(mlp_artifact_remote *remote);
const char *mlp_artifact_remote_shown(const mlp_artifact_remote *remote); /* for messages: the name, or the root */

/* The one that is asked while a request waits: given, or the session's, or none (mlp_artifact_behave). */
const mlp_hook *mlp_artifact_remote_hook(const mlplat *ml, const mlp_hook *given);
/* mlp_http_whose for the thread that delivers, which sends again what the server is to blame for. */
mlplat_status mlp_artifact_remote_whose(mlplat_status s, const mlp_http_response *response, mlplat_error *err);
/* A request to the place itself; method, body and the like are the caller's. MLflow answers 500 to what will never
 * work, so the first try is looked at, by why, before it is tried again; why may be NULL, and OK means that it does not
 * know. UNSUPPORTED: the server serves no artifacts. */
typedef mlplat_status (*mlp_artifact_remote_why)(const mlp_artifact_remote *remote, mlplat_error *err);
mlplat_status mlp_artifact_remote_send(const mlp_artifact_remote *remote, mlp_http_request *request,
                                       mlp_artifact_remote_why why, mlp_http_response *response, mlplat_error *err);

/* What the server lists in a folder, by its path: a new array of {"path": one part, "is_dir", "file_size"?}, empty
 * where nothing is there. INVALID: a name that could lead out. */
mlplat_status mlp_artifact_remote_list(const mlp_artifact_remote *remote, const char *path, json_t **out,
                                       mlplat_error *err);

typedef enum mlp_artifact_kind { MLP_ARTIFACT_NOTHING, MLP_ARTIFACT_FILE, MLP_ARTIFACT_FOLDER } mlp_artifact_kind;
/* size: of a file; -1: not told. An empty folder is a folder where its parent lists it. */
mlplat_status mlp_artifact_remote_kind(const mlp_artifact_remote *remote, const char *path, mlp_artifact_kind *kind,
                                       int64_t *size, mlplat_error *err);
/* EXISTS: a folder has the name of the file to put there. Remembered for a while, for those who put many. */
mlplat_status mlp_artifact_remote_check_free(const mlp_artifact_remote *remote, mlplat_error *err);

/* ---- artifact_clients.c */
mlplat_status mlp_artifact_clients_of(mlplat *ml, mlp_artifact_clients **out, mlplat_error *err);
/* The client of a server by its address, with our credentials if it is the tracking server or the registry. Lent. */
mlplat_status mlp_artifact_clients_get(mlp_artifact_clients *clients, mlplat *ml, const char *address, mlp_http **out,
                                       mlplat_error *err);
/* Whether a folder was listed lately, and if so, whether a name in it is a folder. */
bool mlp_artifact_clients_know(mlp_artifact_clients *clients, const mlp_http *http, const char *path, const char *name,
                               bool *is_folder);
/* The folders in a folder, an object by their names: stolen. */
void mlp_artifact_clients_keep(mlp_artifact_clients *clients, const mlp_http *http, const char *path, json_t *folders);

#endif
