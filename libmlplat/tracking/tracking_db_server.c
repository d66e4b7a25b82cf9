/* What a store on a server still needs when it is opened: MLflow's first experiment, where its artifacts go, and the
 * right to keep marks. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "tracking/tracking_db.h"
#include <string.h>

typedef struct settling {
    mlp_tracking_db_store *store;
    char *location; /* of experiment 0; NULL: it is not there */
    bool empty;     /* there is no experiment at all */
    bool marks;     /* may be kept */
} settling;

static mlplat_status look_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    settling *c = ctx;
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlp_free(c->location);
    c->location = NULL;
    mlplat_status s = mlp_db_prepare(db,
                                     "SELECT (SELECT artifact_location FROM experiments WHERE experiment_id = 0), "
                                     "EXISTS (SELECT 1 FROM experiments)",
                                     &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, &row, err);
    const char *location = s == MLPLAT_OK && row ? mlp_stmt_col_text(stmt, 0) : NULL;
    c->empty = s == MLPLAT_OK && row && !mlp_stmt_col_int(stmt, 1);
    if (location && !(c->location = mlp_strdup(location)))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s == MLPLAT_OK ? mlp_tracking_db_journal_allowed(db, &c->marks, err) : s;
}

/* New experiments keep their artifacts where the first one does, as the server that made it was told; if the setting
 * does not say otherwise. */
static mlplat_status choose_root(settling *c, mlplat_error *err)
{
    mlp_tracking_db_store *store = c->store;
    const char *setting = mlp_session_setting(store->ml, MLP_SET_ARTIFACT_ROOT);
    mlp_free(store->artifact_root);
    size_t n = c->location ? strlen(c->location) : 0;
    if (setting)
        store->artifact_root = strstr(setting, ":/") ? mlp_strdup(setting) : mlp_file_absolute(setting);
    else if (c->location && mlp_text_ends(c->location, "/0") && n > 2)
        store->artifact_root = mlp_strndup(c->location, n - 2);
    else
        store->artifact_root = mlp_file_absolute("mlruns");
    return store->artifact_root ? MLPLAT_OK : mlp_fail_memory(err);
}

/* MLflow does the same when it finds none. */
static mlplat_status default_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const settling *c = ctx;
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        db,
        "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, "
        "last_update_time) VALUES (0, 'Default', rtrim(?1, '/') || '/0', 'active', ?2, ?2) ON CONFLICT DO NOTHING",
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, c->store->artifact_root);
        mlp_stmt_int(stmt, 2, mlp_clock_ms());
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

#define NO_MARKS                                                                                                       \
    "this role may not create or write the table mlplat_journal, in which it is kept what is delivered: it can only "  \
    "be read; let the owner run once CREATE TABLE mlplat_journal (journal_id TEXT PRIMARY KEY, seq BIGINT NOT NULL); " \
    "GRANT SELECT, INSERT, UPDATE, DELETE ON mlplat_journal TO <role>"

static mlplat_status refuse_writing(mlp_tracking_db_store *store, mlplat_error *err)
{
    store->read_only_status = MLPLAT_DENIED;
    store->read_only = mlp_strdup(NO_MARKS);
    return store->read_only ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_tracking_db_settle_in(mlp_tracking_db_store *store, mlplat_error *err)
{
    settling c = {.store = store};
    mlplat_status s = mlp_db_read(store->db, look_fn, &c, &store->ml->hook, err);
    if (s == MLPLAT_OK)
        s = choose_root(&c, err);
    if (s == MLPLAT_OK && !c.marks && !store->read_only)
        s = refuse_writing(store, err);
    if (s == MLPLAT_OK && c.empty && !store->read_only)
        s = mlp_db_write(store->db, default_fn, &c, &store->ml->hook, err);
    mlp_free(c.location);
    return s;
}

static mlplat_status look_late(mlp_db *db, settling *c, mlplat_error *err)
{
    mlp_tracking_db_store *store = c->store;
    mlplat_status s = mlp_schema_first(db, &store->schema, err);
    if (s == MLPLAT_OK && !store->schema.tracking_known)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "%s: " MLP_TRACKING_DB_SHAPE, store->path, store->schema.head,
                        mlp_schema_revisions[mlp_schema_newest].head);
    if (s == MLPLAT_OK)
        s = look_fn(db, c, err);
    return s == MLPLAT_OK && !c->marks ? mlp_fail(err, MLPLAT_DENIED, "%s: " NO_MARKS, store->path) : s;
}

/* A transaction that only reads leaves the first experiment to another one. */
mlplat_status mlp_tracking_db_settle_late(mlp_db *db, void *object, mlplat_error *err)
{
    mlp_tracking_db_store *store = object;
    settling c = {.store = store};
    if (!atomic_load(&store->late))
        return mlp_tracking_db_shape_changed(db, object, err);
    mlplat_status s = look_late(db, &c, err);
    if (s == MLPLAT_OK)
        s = choose_root(&c, err);
    if (s == MLPLAT_OK && c.empty)
        (void)mlp_db_attempt(db, default_fn, &c, NULL);
    mlp_free(c.location);
    atomic_store(&store->late, s != MLPLAT_OK);
    return s;
}
