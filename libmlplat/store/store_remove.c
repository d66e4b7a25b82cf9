/* Rows for good. In steps of some milliseconds each, because others write to the store meanwhile. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file_internal.h"
#include "base/os.h"
#include "base/text.h"
#include "store/import.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

typedef struct removal {
    mlp_store_view *view;
    const char *id;
    const char *step;       /* for rows that may be many: removes some of them */
    const char *const *all; /* the rest, in one transaction; ends with NULL */
    int64_t removed;
} removal;

static mlplat_status some(mlp_db *db, void *ctx, mlplat_error *err)
{
    removal *r = ctx;
    mlplat_status s = mlp_db_exec(db, err, r->step, 1, r->id);
    r->removed = s == MLPLAT_OK ? mlp_db_changes(db) : 0;
    return s;
}

static mlplat_status rest(mlp_db *db, void *ctx, mlplat_error *err)
{
    const removal *r = ctx;
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && r->all[i]; i++)
        s = mlp_db_exec(db, err, r->all[i], 1, r->id);
    return s;
}

static mlplat_status run_removal(removal *r, mlplat_error *err)
{
    mlplat_status s;
    do
        s = mlp_db_write(r->view->tracking, some, r, r->view->hook, err);
    while (s == MLPLAT_OK && r->removed);
    return s == MLPLAT_OK ? mlp_db_write(r->view->tracking, rest, r, r->view->hook, err) : s;
}

#define OF_RUN                                                                                                         \
    "(destination_type = 'RUN' AND destination_id = ?1) OR (source_type IN ('RUN', 'RUN_INPUT', 'RUN_OUTPUT') AND "    \
    "source_id = ?1)"

mlplat_status mlp_store_remove_run(mlp_store_view *view, const char *run_id, bool rest_only, mlplat_error *err)
{
    static const char *const all[] = {
        "DELETE FROM latest_metrics WHERE run_uuid = ?1",
        "DELETE FROM params WHERE run_uuid = ?1",
        "DELETE FROM tags WHERE run_uuid = ?1 AND key <> '" MLP_IMPORT_MARK "'",
        "DELETE FROM input_tags WHERE input_uuid IN (SELECT input_uuid FROM inputs WHERE " OF_RUN ")",
        "DELETE FROM inputs WHERE " OF_RUN,
        NULL,
        "DELETE FROM tags WHERE run_uuid = ?1",
        "DELETE FROM runs WHERE run_uuid = ?1",
        NULL,
    };
    removal r = {view, run_id,
                 "DELETE FROM metrics WHERE rowid IN (SELECT rowid FROM metrics WHERE run_uuid = ? LIMIT 2000)", all,
                 0};
    mlplat_status s = run_removal(&r, err);
    r.all = all + 6;
    return s == MLPLAT_OK && !rest_only ? mlp_db_write(view->tracking, rest, &r, view->hook, err) : s;
}

mlplat_status mlp_store_remove_model(mlp_store_view *view, const char *model_id, bool rest_only, mlplat_error *err)
{
    static const char *const all[] = {
        "DELETE FROM logged_model_params WHERE model_id = ?1",
        "DELETE FROM logged_model_tags WHERE model_id = ?1 AND tag_key <> '" MLP_IMPORT_MARK "'",
        NULL,
        "DELETE FROM logged_model_tags WHERE model_id = ?1",
        "DELETE FROM logged_models WHERE model_id = ?1",
        NULL,
    };
    removal r = {view, model_id,
                 "DELETE FROM logged_model_metrics WHERE rowid IN (SELECT rowid FROM logged_model_metrics "
                 "WHERE model_id = ? LIMIT 2000)",
                 all, 0};
    mlplat_status s = run_removal(&r, err);
    r.all = all + 3;
    return s == MLPLAT_OK && !rest_only ? mlp_db_write(view->tracking, rest, &r, view->hook, err) : s;
}

/* The run's own folder goes, too, where nothing else is in it. */
static mlplat_status remove_with_parent(int top, const char *name, mlplat_error *err)
{
    const char *last = NULL;
    char *parent = mlp_strdup(name);
    if (!parent)
        return mlp_fail_memory(err);
    bool own = mlp_text_ends(name, "/artifacts");
    if (own)
        *strrchr(parent, '/') = 0;
    int fd = own ? mlp_file_open_parent(top, parent, false, 0, &last) : -1;
    mlplat_status s =
        own && fd == -1 && errno == ENOMEM ? mlp_fail_memory(err) : mlp_file_remove_beneath(top, name, err);
    if (fd != -1) {
        if (s == MLPLAT_OK)
            mlp_sys.unlink(fd, last, AT_REMOVEDIR);
        mlp_sys.close(fd);
    }
    mlp_free(parent);
    return s;
}

static mlplat_status remove_below(const char *below, const char *root, mlplat_error *err)
{
    char *folder = NULL;
    const char *name = NULL;
    int top = -1;
    mlplat_status s = mlp_store_root(below, &folder, err);
    if (s == MLPLAT_OK)
        s = mlp_file_open_root(folder, false, &top, err);
    if (s == MLPLAT_OK)
        name = mlp_file_part_below(top, root);
    if (s == MLPLAT_NOT_FOUND || (s == MLPLAT_OK && !name))
        s = mlp_fail(err, MLPLAT_STATE,
                     "'%.200s' does not lie below the artifact root '%.200s', so it was not removed: name its root "
                     "with MLPLAT_ARTIFACT_ROOT if that is meant",
                     root, folder);
    if (s == MLPLAT_OK)
        s = remove_with_parent(top, name, err);
    if (top != -1)
        mlp_sys.close(top);
    mlp_free(folder);
    return s;
}

/* A link is no folder of ours: it goes, what it points at stays. */
mlplat_status mlp_store_remove_files(const char *below, const char *location, const char *id, mlplat_error *err)
{
    char *root = NULL;
    mlplat_status s = mlp_store_root(location, &root, err);
    if (s == MLPLAT_OK && mlp_file_exists(root)) {
        if (!mlp_store_called_after(root, id))
            s = mlp_fail(err, MLPLAT_INVALID, "'%.300s' is not called after %.80s, so it was not removed", root, id);
        if (s == MLPLAT_OK)
            s = remove_below(below, root, err);
    }
    mlp_free(root);
    return s;
}
