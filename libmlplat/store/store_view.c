#include "store/store_view.h"
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "registry/registry_store.h"
#include <string.h>

enum { TELL_NS = 50 * 1000 * 1000 };

static bool stopped(void *ctx)
{
    return mlp_pace_add(ctx, 0, NULL) != MLPLAT_OK;
}

static mlplat_status open_db(mlp_store_view *view, const char *path, const char *ticket, mlp_db **db,
                             mlp_schema_info *schema, mlplat_error *err)
{
    const mlp_db_options options = {.ticket_path = ticket, .log = &view->ml->log};
    mlplat_status s = mlp_db_open(path, &options, db, err);
    if (s == MLPLAT_OK)
        mlp_db_watch(*db, stopped, view->pace);
    return s == MLPLAT_OK ? mlp_schema_open(*db, NULL, schema, view->hook, err) : s;
}

static mlplat_status find_registry(mlp_store_view *view, mlplat_error *err)
{
    const char *uri = mlp_session_setting(view->ml, MLP_SET_REGISTRY_URI);
    if (!uri)
        view->registry_path = mlp_strdup(view->about.path);
    else if (mlp_db_uri_path(uri, &view->registry_path, err) != MLPLAT_OK)
        return err ? err->status : MLPLAT_INVALID;
    return view->registry_path ? MLPLAT_OK : mlp_fail_memory(err);
}

/* A registry in a file of its own is made by its module, as by any other call. */
static mlplat_status open_registry(mlp_store_view *view, mlplat_error *err)
{
    mlplat_status s = find_registry(view, err);
    if (s != MLPLAT_OK)
        return s;
    if (strcmp(view->registry_path, view->about.path) == 0) {
        view->registry = view->tracking;
        view->registry_schema = view->schema;
        return MLPLAT_OK;
    }
    mlp_registry *registry = NULL;
    if ((s = mlp_registry_of(view->ml, &registry, err)) != MLPLAT_OK)
        return s;
    if (!(view->registry_ticket = mlp_sprintf("%s-ticket", view->registry_path)))
        return mlp_fail_memory(err);
    return open_db(view, view->registry_path, view->registry_ticket, &view->registry, &view->registry_schema, err);
}

static mlplat_status open_all(mlp_store_view *view, mlplat_error *err)
{
    mlplat_status s = mlp_tracking_settle(view->module, err);
    if (s != MLPLAT_OK)
        return s;
    view->module->ops->about(view->module->store, &view->about);
    char *path = NULL;
    s = mlp_db_uri_path(view->about.uri, &path, err); /* a server is none of ours */
    mlp_free(path);
    if (s != MLPLAT_OK)
        return s;
    view->ticket = mlp_sprintf("%s-ticket", view->about.path);
    view->artifact_root = mlp_db_artifact_root(mlp_session_setting(view->ml, MLP_SET_ARTIFACT_ROOT), view->about.path);
    if (!view->ticket || !view->artifact_root)
        return mlp_fail_memory(err);
    s = open_db(view, view->about.path, view->ticket, &view->tracking, &view->schema, err);
    return s == MLPLAT_OK ? open_registry(view, err) : s;
}

mlplat_status mlp_store_view_open(mlplat *ml, mlp_pace *pace, mlp_store_view *out, mlplat_error *err)
{
    *out = (mlp_store_view){.ml = ml, .pace = pace, .hook = pace->hook};
    mlplat_status s = mlp_tracking_of(ml, &out->module, err);
    if (s != MLPLAT_OK)
        return s;
    s = open_all(out, err);
    if (s != MLPLAT_OK)
        mlp_store_view_close(out);
    return s;
}

void mlp_store_view_close(mlp_store_view *view)
{
    if (view->registry != view->tracking)
        mlp_db_close(view->registry);
    mlp_db_close(view->tracking);
    mlp_free(view->registry_path);
    mlp_free(view->ticket);
    mlp_free(view->registry_ticket);
    mlp_free(view->artifact_root);
    *view = (mlp_store_view){0};
}

typedef struct reading {
    mlp_store_view *view;
    mlp_store_view_fn fn;
    void *ctx;
} reading;

static mlplat_status inner(mlp_db *db, void *ctx, mlplat_error *err)
{
    reading *r = ctx;
    (void)db;
    return r->fn(r->ctx, err);
}

static mlplat_status outer(mlp_db *db, void *ctx, mlplat_error *err)
{
    reading *r = ctx;
    if (r->view->registry == db)
        return inner(db, ctx, err);
    return mlp_db_read(r->view->registry, inner, ctx, r->view->hook, err);
}

mlplat_status mlp_store_view_read(mlp_store_view *view, mlp_store_view_fn fn, void *ctx, mlplat_error *err)
{
    reading r = {view, fn, ctx};
    return mlp_db_read(view->tracking, outer, &r, view->hook, err);
}

mlplat_status mlp_store_root(const char *location, char **root, mlplat_error *err)
{
    mlplat_error why = {0};
    *root = NULL;
    const mlp_artifact_store *store = mlp_artifact_store_for(location, &why);
    if (store)
        return store->root(location, root, err);
    if (err)
        *err = why;
    return why.status;
}

bool mlp_store_made_id(const char *id)
{
    const char *digits = id + (mlp_text_starts(id, "m-") ? 2 : 0);
    return strlen(digits) == 32 && strspn(digits, "0123456789abcdef") == 32;
}

bool mlp_store_called_after(const char *path, const char *id)
{
    size_t n = strlen(id);
    bool made = mlp_store_made_id(id);
    for (const char *at = path; n && (at = strstr(at, id)); at++)
        if (at > path && at[-1] == '/' && (made ? at[n] == '/' || !at[n] : strcmp(at + n, "/artifacts") == 0))
            return true;
    return false;
}

mlplat_status mlp_store_has_row(mlp_db *db, const char *sql, const char *value, bool *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, value);
        s = mlp_stmt_step(stmt, out, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_pace_add(mlp_pace *pace, uint64_t n, mlplat_error *err)
{
    int64_t now = mlp_clock_mono_ns();
    pace->done += n;
    if (pace->told_ns && now - pace->told_ns < TELL_NS)
        return MLPLAT_OK;
    pace->told_ns = now;
    return mlp_hook_call(pace->hook, pace->done, pace->total, pace->what, err);
}
