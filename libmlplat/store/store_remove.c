/* Rows for good. In steps of some milliseconds each, because others write to the store meanwhile. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "store/import.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

bool mlp_store_made_id(const char *id)
{
    const char *digits = id + (mlp_text_starts(id, "m-") ? 2 : 0);
    return strlen(digits) == 32 && strspn(digits, "0123456789abcdef") == 32;
}

static bool is_called_after(const char *path, const char *id)
{
    size_t n = strlen(id);
    bool made = mlp_store_made_id(id);
    for (const char *at = path; n && (at = strstr(at, id)); at++)
        if (at > path && at[-1] == '/' && (made ? at[n] == '/' || !at[n] : strcmp(at + n, "/artifacts") == 0))
            return true;
    return false;
}

/* The run's own folder goes, too, where nothing else is in it. */
static void remove_parent(char *root)
{
    static const char last[] = "/artifacts";
    size_t n = strlen(root), end = sizeof last - 1;
    if (n <= end || strcmp(root + n - end, last) != 0)
        return;
    root[n - end] = 0;
    mlp_sys.unlink(AT_FDCWD, root, AT_REMOVEDIR);
}

/* A link is no folder of ours: it goes, what it points at stays. */
mlplat_status mlp_store_remove_files(const char *location, const char *id, mlplat_error *err)
{
    char *root = NULL;
    mlplat_status s = mlp_store_root(location, &root, err);
    if (s == MLPLAT_OK && mlp_file_exists(root)) {
        if (!is_called_after(root, id))
            s = mlp_fail(err, MLPLAT_INVALID, "'%.300s' is not called after %.80s, so it was not removed", root, id);
        if (s == MLPLAT_OK && (s = mlp_file_remove_tree(root, err)) == MLPLAT_OK)
            remove_parent(root);
    }
    mlp_free(root);
    return s;
}
