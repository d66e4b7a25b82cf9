/* What the files of a clean-up share. */
#ifndef MLP_STORE_GC_H
#define MLP_STORE_GC_H
#include "base/json.h"
#include "store/store_view.h"
#include <mlplat/store.h>

typedef struct mlp_gc {
    mlp_store_view view;
    mlp_pace pace;
    int64_t before_ms; /* deleted before this moment */
    bool aged, dry_run;
    json_t *doc, *runs, *experiments, *models, *orphans, *kept; /* the report; doc holds the others */
} mlp_gc;

mlplat_status mlp_gc_keep(mlp_gc *gc, const char *id, const char *why, mlplat_error *err);
mlplat_status mlp_gc_orphans(mlp_gc *gc, mlplat_error *err);
/* Takes out of the orphans what another store in the same folder has. */
mlplat_status mlp_gc_ask_neighbours(mlp_gc *gc, int folder_fd, const char *folder, mlplat_error *err);

#endif
