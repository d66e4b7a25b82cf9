/* A store of MLflow's tables: opened, and made in an empty file. */
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "db/schema_inside.h"
#include <sys/stat.h>

/* ---- making ------------------------------------------------------------------------------------------------------ */

mlplat_status mlp_schema_run(mlp_db *db, const char *sql, mlplat_error *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? MLPLAT_OK : mlp_db_fail(db, code, err);
}

mlplat_status mlp_schema_run_buf(mlp_db *db, mlp_buf *sql, mlplat_error *err)
{
    mlplat_status s = mlp_buf_ok(sql, err);
    if (s == MLPLAT_OK && sql->size)
        s = mlp_schema_run(db, sql->data, err);
    mlp_buf_free(sql);
    return s;
}

mlplat_status mlp_schema_choose(const mlp_schema_maker *maker, int *revision, mlplat_error *err)
{
    *revision = mlp_schema_newest;
    if (maker->mlflow)
        return mlp_schema_wanted(maker->mlflow, revision, err);
    const char *installed = maker->installed ? maker->installed(maker->user) : NULL;
    if (installed && mlp_schema_wanted(installed, revision, NULL) != MLPLAT_OK)
        *revision = mlp_schema_newest;
    return MLPLAT_OK;
}

static mlplat_status first_rows(mlp_db *db, const char *artifact_root, int revision, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_exec(db, err, "INSERT INTO alembic_version VALUES (?)", 1,
                                  mlp_schema_revisions[revision].head);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, "
                           "creation_time, last_update_time) "
                           "VALUES (0, 'Default', rtrim(?1, '/') || '/0', 'active', ?2, ?2)",
                           &stmt, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_stmt_text(stmt, 1, artifact_root);
    mlp_stmt_int(stmt, 2, mlp_clock_ms());
    s = mlp_stmt_step(stmt, NULL, err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status make(mlp_db *db, const char *artifact_root, int revision, mlplat_error *err)
{
    mlp_buf sql = {0};
    for (const mlp_schema_table *table = mlp_schema_tables; table->name; table++)
        if (table->since <= revision)
            mlp_schema_put_table(&sql, table, table->name, revision);
    for (const mlp_schema_index *index = mlp_schema_indexes; index->name; index++)
        if (index->since <= revision && (!index->until || revision < index->until))
            mlp_schema_put_index(&sql, index);
    for (const mlp_schema_after *after = mlp_schema_afters; after->sql; after++)
        if (after->at <= revision)
            mlp_buf_printf(&sql, "%s;\n", after->sql);
    mlplat_status s = mlp_schema_run_buf(db, &sql, err);
    return s == MLPLAT_OK ? first_rows(db, artifact_root, revision, err) : s;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

typedef struct opening {
    const mlp_schema_maker *maker;
    int revision;
    mlp_schema_info *info;
    mlp_schema_state state;
} opening;

static mlplat_status look(mlp_db *db, void *ctx, mlplat_error *err)
{
    opening *o = ctx;
    return mlp_schema_look(db, o->info, &o->state, err);
}

static mlplat_status look_or_make(mlp_db *db, void *ctx, mlplat_error *err)
{
    opening *o = ctx;
    mlplat_status s = look(db, ctx, err);
    if (s != MLPLAT_OK || o->state != MLP_SCHEMA_EMPTY)
        return s; /* somebody was faster */
    s = make(db, o->maker->artifact_root, o->revision, err);
    if (s == MLPLAT_OK)
        s = look(db, ctx, err);
    o->info->created = s == MLPLAT_OK;
    return s;
}

static mlplat_status fail_without_tables(const mlp_db *db, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_NOT_FOUND,
                    "%s has no tables of MLflow: they are made by `mlflow db upgrade %s` (with the password, or by "
                    "`mlflow server`); if they are in another schema, the role's search_path must name it",
                    db->path, db->path);
}

static mlplat_status make_new(mlp_db *db, opening *o, const mlp_hook *hook, mlplat_error *err)
{
    if (!mlp_db_is_file(db))
        return fail_without_tables(db, err);
    if (!o->maker)
        return mlp_fail(err, MLPLAT_NOT_FOUND, "'%s' is empty: create the store with `mlplat store create`", db->path);
    mlplat_status s = mlp_schema_choose(o->maker, &o->revision, err);
    return s == MLPLAT_OK ? mlp_db_write(db, look_or_make, o, hook, err) : s;
}

/* Who makes a store changes its file: one that has been left alone for longer than we would wait is not being made. */
static int64_t maker_may_need_ms(const mlp_db *db)
{
    struct stat st;
    int64_t age_ms = stat(db->path, &st) == 0 ? mlp_clock_ms() - (int64_t)mlp_os_changed(&st).tv_sec * 1000 : 0;
    return age_ms <= 0 ? db->busy_ms : age_ms < db->busy_ms ? db->busy_ms - age_ms : 0;
}

static mlplat_status wait_for_maker(mlp_db *db, opening *o, const mlp_hook *hook, mlplat_error *err)
{
    mlp_wait wait = mlp_wait_begin(hook, db->path, maker_may_need_ms(db));
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && o->state == MLP_SCHEMA_UNFINISHED)
        if ((s = mlp_wait_nap(&wait, err)) == MLPLAT_OK)
            s = mlp_db_read(db, look, o, hook, err);
    if (s == MLPLAT_TIMEOUT && o->state == MLP_SCHEMA_UNFINISHED)
        s = mlp_fail(err, MLPLAT_UNAVAILABLE,
                     "'%s': MLflow is creating its tables, or was stopped while it did: try again, "
                     "run `mlflow db upgrade` on it, or name another file",
                     db->path);
    return s;
}

/* Making the tables takes a megabyte more than using them. */
static void give_memory_back(mlp_db *db)
{
    mlp_fork_gate_enter();
    sqlite3_db_release_memory(db->handle);
    mlp_fork_gate_leave();
    mlp_os_memory_back();
}

mlplat_status mlp_schema_open(mlp_db *db, const mlp_schema_maker *maker, mlp_schema_info *out, const mlp_hook *hook,
                              mlplat_error *err)
{
    opening o = {.maker = maker, .info = out};
    mlplat_status s = mlp_db_read(db, look, &o, hook, err);
    if (s == MLPLAT_OK && o.state == MLP_SCHEMA_EMPTY)
        s = make_new(db, &o, hook, err);
    if (s == MLPLAT_OK)
        s = wait_for_maker(db, &o, hook, err);
    if (s == MLPLAT_OK && mlp_db_is_file(db)) /* only now: a file of somebody else stays as it is */
        mlp_db_wal(db);
    if (s == MLPLAT_OK && out->created)
        give_memory_back(db);
    return s;
}

#ifndef MLPLAT_MINIMAL
mlplat_status mlp_schema_first(mlp_db *db, mlp_schema_info *out, mlplat_error *err)
{
    mlp_schema_state state;
    mlplat_status s = mlp_schema_look(db, out, &state, err);
    return s == MLPLAT_OK && state != MLP_SCHEMA_STORE ? fail_without_tables(db, err) : s;
}
#endif
