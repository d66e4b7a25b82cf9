/* Artifact folders that no run and no logged model has: what a clean-up that was stopped, or somebody's hand, left. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "store/import.h"
#include "store/store_gc.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { YOUNG_MS = 3600 * 1000 }; /* a run's folder may be there a moment before its row */

typedef struct looking {
    mlp_gc *gc;
    mlp_db *db;
} looking;

/* MLflow's file store keeps its runs and models in folders of the same names, each with this file. */
static bool is_of_file_store(int folder, const char *name)
{
    char path[280];
    struct stat st;
    snprintf(path, sizeof path, "%s/meta.yaml", name);
    return fstatat(folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static bool is_old(const mlp_gc *gc, int folder, const char *name)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISDIR(st.st_mode))
        return false;
    int64_t changed_ms = (int64_t)mlp_os_changed(&st).tv_sec * 1000;
    return changed_ms <= gc->before_ms && (gc->aged || changed_ms <= gc->before_ms - YOUNG_MS);
}

static mlplat_status look_at(looking *l, const char *path, int folder, const char *name, bool models, mlplat_error *err)
{
    bool known = true, mine = mlp_store_made_id(name) && models == (name[1] == '-');
    if (!mine || !is_old(l->gc, folder, name) || is_of_file_store(folder, name))
        return MLPLAT_OK;
    mlplat_status s = mlp_store_has_row(l->db,
                                        models ? "SELECT 1 FROM logged_models WHERE model_id = ?"
                                               : "SELECT 1 FROM runs WHERE run_uuid = ?",
                                        name, &known, err);
    if (s != MLPLAT_OK || known)
        return s;
    return mlp_json_push(l->gc->orphans, json_sprintf("%s/%s", path, name), err);
}

static mlplat_status look_in(looking *l, const char *path, bool models, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    int fd = mlp_sys.open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    DIR *folder = fd == -1 ? NULL : fdopendir(fd);
    bool none = !folder && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES);
    if (!folder && !none)
        s = mlp_fail_errno(err, errno, "the folder '%.200s' cannot be listed", path);
    if (fd != -1 && !folder)
        mlp_sys.close(fd);
    if (!folder)
        return s; /* nothing was logged there yet, or it is no folder */
    for (const char *name; (name = mlp_file_next(folder, &s, err));)
        s = look_at(l, path, dirfd(folder), name, models, err);
    closedir(folder);
    return s;
}

static mlplat_status look_at_experiment(looking *l, const char *location, mlplat_error *err)
{
    char *root = NULL, *models = NULL;
    if (mlp_store_root(location, &root, NULL) != MLPLAT_OK)
        return MLPLAT_OK; /* another store's: not ours to clean */
    mlplat_status s = look_in(l, root, false, err);
    if (s == MLPLAT_OK && l->gc->view.schema.logged_models) {
        models = mlp_sprintf("%s/models", root);
        s = models ? look_in(l, models, true, err) : mlp_fail_memory(err);
    }
    mlp_free(models);
    mlp_free(root);
    return s;
}

static mlplat_status look_everywhere(mlp_db *db, void *ctx, mlplat_error *err)
{
    looking l = {ctx, db};
    mlp_stmt *stmt = NULL;
    bool row = true;
    json_array_clear(l.gc->orphans);
    mlplat_status s = mlp_db_prepare(db,
                                     "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location <> '' "
                                     "ORDER BY 1",
                                     &stmt, err);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = look_at_experiment(&l, mlp_stmt_col_text(stmt, 0), err);
    mlp_stmt_done(stmt);
    return s;
}

/* Outside of the store's folder nobody can tell whose a folder is. */
static mlplat_status keep_elsewhere(mlp_gc *gc, int top, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < json_array_size(gc->orphans);) {
        const char *path = json_string_value(json_array_get(gc->orphans, i));
        if (mlp_file_part_below(top, path)) {
            i++;
            continue;
        }
        s = mlp_gc_keep(gc, path, "it does not lie in the store's folder, so it may be another store's: remove it by "
                                  "hand if no store has it",
                        err);
        json_array_remove(gc->orphans, i);
    }
    return s;
}

static mlplat_status remove_orphans(mlp_gc *gc, int top, mlplat_error *err)
{
    size_t i;
    json_t *path;
    mlplat_error why = {0};
    mlplat_status s = MLPLAT_OK;
    json_array_foreach(gc->orphans, i, path)
    {
        const char *name = mlp_file_part_below(top, json_string_value(path));
        if (s == MLPLAT_OK && !gc->dry_run && name && mlp_file_remove_beneath(top, name, &why) != MLPLAT_OK)
            s = mlp_gc_keep(gc, json_string_value(path), why.message, err);
        if (s == MLPLAT_OK)
            s = mlp_pace_add(&gc->pace, 1, err);
    }
    return s;
}

mlplat_status mlp_gc_orphans(mlp_gc *gc, mlplat_error *err)
{
    const char *store = gc->view.about.path, *slash = strrchr(store, '/');
    char *folder = mlp_strndup(store, slash == store ? 1 : (size_t)(slash - store));
    int top = -1;
    mlplat_status s = folder ? mlp_file_open_root(folder, false, &top, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_db_read(gc->view.tracking, look_everywhere, gc, gc->view.hook, err);
    if (s == MLPLAT_OK)
        s = keep_elsewhere(gc, top, err);
    if (s == MLPLAT_OK)
        s = mlp_gc_ask_neighbours(gc, top, folder, err);
    if (s == MLPLAT_OK)
        s = remove_orphans(gc, top, err);
    if (top != -1)
        mlp_sys.close(top);
    mlp_free(folder);
    return s;
}
