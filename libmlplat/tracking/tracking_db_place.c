/* Where what is below an experiment keeps its artifacts. */
#include "base/alloc.h"
#include "base/err.h"
#include "tracking/tracking_db.h"
#include <string.h>

/* base/<below>/artifacts; of a URI with a query, before it. */
static char *artifact_uri(const char *base, const char *below)
{
    size_t n = strstr(base, "://") ? strcspn(base, "?") : strlen(base);
    const char *query = base + n;
    while (n > 1 && base[n - 1] == '/')
        n--;
    return mlp_sprintf("%.*s/%s/artifacts%s", (int)n, base, below, query);
}

mlplat_status mlp_tracking_db_place(mlp_db *db, const mlp_tracking_db_store *store, int64_t experiment,
                                    const char *below, char **uri, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(
        db, "SELECT artifact_location, lifecycle_stage, name FROM experiments WHERE experiment_id = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, experiment);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && !row) {
        s = mlp_fail(err, MLPLAT_NOT_FOUND,
                     "no experiment has the id %lld in %s: give a name and it is made; a call that gives neither takes "
                     "MLFLOW_EXPERIMENT_ID",
                     (long long)experiment, store->path);
    } else if (s == MLPLAT_OK) {
        const char *location = mlp_stmt_col_text(stmt, 0), *stage = mlp_stmt_col_text(stmt, 1);
        const char *name = mlp_stmt_col_text(stmt, 2);
        if (!stage || strcmp(stage, "active") != 0)
            s = mlp_fail(err, MLPLAT_STATE, "experiment %lld ('%s') is deleted: restore it or use another",
                         (long long)experiment, name ? name : "");
        else if (!(*uri = artifact_uri(location ? location : "", below)))
            s = mlp_fail_memory(err);
    }
    mlp_stmt_done(stmt);
    return s;
}
