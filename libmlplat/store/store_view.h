/* The files of a session's store, with connections of our own: a long look at them keeps nobody from logging. */
#ifndef MLP_STORE_VIEW_H
#define MLP_STORE_VIEW_H
#include "db/db.h"
#include "tracking/tracking_store.h"

/* How far a long call is; tells the caller when it is time. */
typedef struct mlp_pace {
    const mlp_hook *hook;
    const char *what;
    uint64_t done, total;
    int64_t told_ns;
} mlp_pace;

typedef struct mlp_store_view {
    mlplat *ml;
    mlp_tracking *module;
    mlp_tracking_about about;
    mlp_db *tracking, *registry; /* one and the same where the registry is in the same file */
    mlp_schema_info schema, registry_schema;
    char *registry_path, *ticket, *registry_ticket;
    char *artifact_root; /* of new experiments */
    const mlp_hook *hook;
    mlp_pace *pace; /* asked while a statement takes long; its hook is the view's */
} mlp_store_view;

/* What this process logged is stored first. */
mlplat_status mlp_store_view_open(mlplat *ml, mlp_pace *pace, mlp_store_view *out, mlplat_error *err);
void mlp_store_view_close(mlp_store_view *view); /* of a zeroed one: nothing */
/* fn in a read transaction of both: one snapshot of each. */
typedef mlplat_status (*mlp_store_view_fn)(void *ctx, mlplat_error *err);
mlplat_status mlp_store_view_read(mlp_store_view *view, mlp_store_view_fn fn, void *ctx, mlplat_error *err);

/* The folder that a location stands for, the caller's. UNSUPPORTED: in a store that this build cannot reach. */
mlplat_status mlp_store_root(const char *location, char **root, mlplat_error *err);

/* Is a folder on the path called after the run or logged model? A row may come from anywhere: it must not choose what
 * is removed or taken along. An id that MLflow did not make may be the name of any folder: then it must be
 * <id>/artifacts. */
bool mlp_store_called_after(const char *path, const char *id);
bool mlp_store_made_id(const char *id); /* 32 random digits, with m- before them for a logged model: MLflow's own */

/* Inside a transaction: whether SQL with one parameter gives a row. */
mlplat_status mlp_store_has_row(mlp_db *db, const char *sql, const char *value, bool *out, mlplat_error *err);

mlplat_status mlp_pace_add(mlp_pace *pace, uint64_t n, mlplat_error *err);

#endif
