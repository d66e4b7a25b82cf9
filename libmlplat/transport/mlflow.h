/*
 * MLflow's REST, for the modules that have a store on a server: a client, its calls, what its refusals mean, and what
 * all of its documents have.
 */
#ifndef MLP_MLFLOW_H
#define MLP_MLFLOW_H
#include "transport/http.h"
#include <stdatomic.h>

/* The tag that tells what we made from what others did, where the answer was lost. */
#define MLP_MLFLOW_OP   "mlplat.op"
#define MLP_MLFLOW_MARK "mlplat.mark." /* and a journal's id: tracking's, which nobody else is shown either */

typedef struct mlp_mlflow {
    mlp_http *http;
    const mlp_hook *hook;  /* of calls that somebody waits for; lent */
    atomic_int version;    /* mlp_mlflow_need; 0: not asked yet */
    _Atomic int64_t rest_until_ns; /* a server asked the thread that delivers to leave it alone until then */
    _Atomic int64_t sink_until_ns; /* that thread's calls are CANCELLED then; 0: never */
} mlp_mlflow;

/* The client for a server's address, with what the environment says of it. log, hook: lent for its life. */
mlplat_status mlp_mlflow_open(const char *url, const mlp_logger *log, const mlp_hook *hook, mlp_mlflow *out,
                              mlplat_error *err);
void mlp_mlflow_close(mlp_mlflow *server); /* in a forked child frees memory alone */

/* What may be done with a call whose answer did not come. */
typedef enum mlp_mlflow_how {
    MLP_MLFLOW_GET,   /* GET, the body's members as its query */
    MLP_MLFLOW_AGAIN, /* POST that does no harm twice */
    MLP_MLFLOW_ONCE,  /* POST that does */
    MLP_MLFLOW_PATCH, /* these two do no harm twice either */
    MLP_MLFLOW_DELETE,
    MLP_MLFLOW_DELETE_ONCE, /* twice it is NOT_FOUND */
    MLP_MLFLOW_SINK,        /* POST of the thread that delivers: tried once, as that tries again; without the hook */
    MLP_MLFLOW_GET_SINK     /* its GET */
} mlp_mlflow_how;

/* A call below /api/2.0/mlflow/. body: stolen, NULL is NO_MEMORY. *out: the answer, a new reference; NULL: not wanted.
 * *unclear: nobody knows whether it was done; may be NULL. STATE where MLflow says that something is deleted;
 * UNSUPPORTED with the version that is needed, where a server is too old for the page. */
mlplat_status mlp_mlflow_call(mlp_mlflow *server, mlp_mlflow_how how, const char *path, json_t *body, json_t **out,
                              bool *unclear, mlplat_error *err);
/* The same below <collection>/<id><rest>, the id as a part of a path. */
mlplat_status mlp_mlflow_call_id(mlp_mlflow *server, mlp_mlflow_how how, const char *collection, const char *id,
                                 const char *rest, json_t *body, json_t **out, bool *unclear, mlplat_error *err);

/* UNSUPPORTED, "<what> a server with ...", where the server says that it is older; what does not say is taken for new
 * enough. what: "prompts need". Asked once. */
mlplat_status mlp_mlflow_need(mlp_mlflow *server, const char *what, int major, int minor, mlplat_error *err);

/* Calls of this thread end within so many milliseconds from now, all together, and are tried once more at most; quiet:
 * once, by the thread that delivers: without the hook, and closing ends them. 0: no more. */
void mlp_mlflow_hurry(int64_t ms, bool quiet);

/* ---- mlflow_doc.c */
/* The list under name, which MLflow leaves out where it is empty: made there. Lent; NULL: no memory. */
json_t *mlp_mlflow_list(json_t *object, const char *name);
/* The end of a search that came to s: the list of its answer, each made normal. The answer is *out, or given back. */
mlplat_status mlp_mlflow_normal_list(mlplat_status s, json_t *answer, const char *name,
                                     mlplat_status (*normal)(json_t *one, mlplat_error *err), json_t **out,
                                     mlplat_error *err);
/* Sorts a list of {"key"} as the embedded store has it; one of {"alias"} or of texts. */
mlplat_status mlp_mlflow_sort(json_t *list, mlplat_error *err);
mlplat_status mlp_mlflow_sort_aliases(json_t *list, mlplat_error *err);
/* Takes our own tags out of a list: who reads it has no use for them. */
void mlp_mlflow_unmark(json_t *tags);
json_t *mlp_mlflow_pairs(const json_t *tags); /* {key: value} as [{"key", "value"}]; NULL: no memory */
/* "a, b DESC" as the list "order_by" of a body. */
mlplat_status mlp_mlflow_put_order(const char *order, json_t *body, mlplat_error *err);

#endif
