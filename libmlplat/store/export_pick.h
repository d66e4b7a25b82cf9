/* What an export takes: temporary tables picked_experiments, picked_runs, picked_models, picked_datasets (id) in the
 * tracking connection and picked_registered (name) in the registry's. */
#ifndef MLP_EXPORT_PICK_H
#define MLP_EXPORT_PICK_H
#include "base/json.h"
#include "store/rows.h"
#include "store/store_view.h"

typedef struct mlp_export_wish {
    json_t *experiments, *runs, *models; /* arrays of strings; NULL: not asked for */
    json_t *found;                       /* runs that the filter found; NULL: no filter */
} mlp_export_wish;

/* Before the snapshot: reads the options, and searches. */
mlplat_status mlp_export_wish_take(mlplat *ml, const char *experiments, const char *runs, const char *filter,
                                   const char *models, mlp_export_wish *out, mlplat_error *err);
void mlp_export_wish_free(mlp_export_wish *wish);
/* Inside the snapshot: with all that belongs to what is wished for. NOT_FOUND names what is not there. */
mlplat_status mlp_export_pick(mlp_rows *rows, const mlp_export_wish *wish, const mlp_store_view *view,
                              mlplat_error *err);

#endif
