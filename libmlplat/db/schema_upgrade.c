/* From one revision of MLflow's to a newer one, step by step, in one transaction. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/schema_inside.h"
#include <string.h>

enum { HOOK_MS = 50, HOOK_STEPS = 10000 };

/* A table is made anew under this name, filled, and renamed. */
#define NEW_NAME "mlplat_new_table"

typedef struct upgrade {
    int from, to, at; /* at: the revision that is being made */
    mlp_schema_info *info;
    const mlp_hook *hook;
    int64_t hook_ns;
} upgrade;

/* ---- what a revision changes ------------------------------------------------------------------------------------- */

/* Does something in this list begin or end with the revision? */
static bool turns(const char *list, char separator, int at)
{
    mlp_schema_item item;
    while (mlp_schema_next(&list, separator, &item))
        if (item.since == at || item.until == at)
            return true;
    return false;
}

static bool table_turns(const mlp_schema_table *table, int at)
{
    return table->since < at && (turns(table->columns, ',', at) || turns(table->constraints, ';', at));
}

static const char *fill_of(const mlp_schema_table *table, const mlp_schema_item *column, int at)
{
    size_t table_n = strlen(table->name), name_n = mlp_schema_name_n(column);
    for (const mlp_schema_change *change = mlp_schema_changes; change->sql; change++)
        if (change->at == at && change->kind == MLP_CHANGE_FILL && strlen(change->what) == table_n + 1 + name_n &&
            memcmp(change->what, table->name, table_n) == 0 &&
            memcmp(change->what + table_n + 1, column->text, name_n) == 0)
            return change->sql;
    return NULL;
}

/* SQLite can add columns at the end by itself: are they all there is to do, with nothing to fill in? */
static bool only_adds(const mlp_schema_table *table, int at)
{
    mlp_schema_item column;
    const char *list = table->columns;
    bool added = false;
    if (turns(table->constraints, ';', at))
        return false;
    while (mlp_schema_next(&list, ',', &column)) {
        if (column.until == at || fill_of(table, &column, at))
            return false;
        if (added && column.since != at && mlp_schema_lives(&column, at))
            return false;
        added = added || column.since == at;
    }
    return true;
}

/* ---- one table --------------------------------------------------------------------------------------------------- */

static mlplat_status add_columns(mlp_db *db, const mlp_schema_table *table, int at, mlplat_error *err)
{
    mlp_buf sql = {0};
    mlp_schema_item column;
    const char *list = table->columns;
    while (mlp_schema_next(&list, ',', &column))
        if (column.since == at) {
            mlp_buf_printf(&sql, "ALTER TABLE %s ADD COLUMN ", table->name);
            mlp_schema_put_column(&sql, &column);
            mlp_buf_puts(&sql, ";\n");
        }
    return mlp_schema_run_buf(db, &sql, err);
}

static bool had_column(const mlp_schema_table *table, const mlp_schema_item *wanted, int before)
{
    mlp_schema_item column;
    const char *list = table->columns;
    size_t n = mlp_schema_name_n(wanted) + 1;
    while (mlp_schema_next(&list, ',', &column))
        if (mlp_schema_lives(&column, before) && strncmp(column.text, wanted->text, n) == 0)
            return true;
    return false;
}

/* "INSERT INTO new (a, b) SELECT a, expression of b FROM table": columns that were there, and those that are filled. */
static void put_copy(mlp_buf *sql, const mlp_schema_table *table, int at)
{
    mlp_buf values = {0};
    mlp_schema_item column;
    const char *list = table->columns, *before = "";
    mlp_buf_puts(sql, "INSERT INTO " NEW_NAME " (");
    while (mlp_schema_next(&list, ',', &column)) {
        const char *fill = fill_of(table, &column, at);
        int n = (int)mlp_schema_name_n(&column);
        if (!mlp_schema_lives(&column, at) || mlp_schema_generated(&column) ||
            (!fill && !had_column(table, &column, at - 1)))
            continue;
        mlp_buf_printf(sql, "%s%.*s", before, n, column.text);
        mlp_buf_printf(&values, "%s%.*s", before, fill ? (int)strlen(fill) : n, fill ? fill : column.text);
        before = ", ";
    }
    mlp_buf_printf(sql, ") SELECT %s FROM %s;\n", values.data ? values.data : "", table->name);
    sql->failed = sql->failed || values.failed;
    mlp_buf_free(&values);
}

/* The texts of the table's indexes and triggers, also of those that somebody else made: they go with the old table. */
static mlplat_status keep_others(mlp_db *db, const char *table, mlp_buf *sql, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(db,
                                     "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL AND "
                                     "type IN ('index', 'trigger') ORDER BY rowid",
                                     &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, table);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        mlp_buf_printf(sql, "%s;\n", mlp_stmt_col_text(stmt, 0));
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status make_anew(mlp_db *db, const mlp_schema_table *table, int at, mlplat_error *err)
{
    mlp_buf sql = {0};
    mlp_schema_put_table(&sql, table, NEW_NAME, at);
    put_copy(&sql, table, at);
    mlp_buf_printf(&sql, "DROP TABLE %s;\nALTER TABLE " NEW_NAME " RENAME TO %s;\n", table->name, table->name);
    /* The buffer is read before anything is dropped: all of it is one text. */
    mlplat_status s = keep_others(db, table->name, &sql, err);
    if (s == MLPLAT_OK)
        return mlp_schema_run_buf(db, &sql, err);
    mlp_buf_free(&sql);
    return s;
}

/* ---- one revision ------------------------------------------------------------------------------------------------ */

static mlplat_status refuse(mlp_db *db, const mlp_schema_change *change, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, change->sql, &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, &row, err);
    if (s == MLPLAT_OK && row)
        s = mlp_fail(err, MLPLAT_CONFLICT, "'%s' cannot be upgraded to %s, by MLflow neither: there is %s: %.200s",
                     db->path, mlp_schema_revisions[change->at].head, change->what, mlp_stmt_col_text(stmt, 0));
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status refuse_all(mlp_db *db, int at, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (const mlp_schema_change *change = mlp_schema_changes; s == MLPLAT_OK && change->sql; change++)
        if (change->at == at && change->kind == MLP_CHANGE_REFUSE)
            s = refuse(db, change, err);
    return s;
}

static mlplat_status run_afters(mlp_db *db, int at, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (const mlp_schema_after *after = mlp_schema_afters; s == MLPLAT_OK && after->sql; after++)
        if (after->at == at)
            s = mlp_schema_run(db, after->sql, err);
    return s;
}

static mlplat_status change_indexes(mlp_db *db, bool drop, int at, mlplat_error *err)
{
    mlp_buf sql = {0};
    for (const mlp_schema_index *index = mlp_schema_indexes; index->name; index++)
        if (drop && index->until == at)
            mlp_buf_printf(&sql, "DROP INDEX IF EXISTS %s;\n", index->name);
        else if (!drop && index->since == at)
            mlp_schema_put_index(&sql, index);
    return mlp_schema_run_buf(db, &sql, err);
}

static mlplat_status change_tables(mlp_db *db, int at, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (const mlp_schema_table *table = mlp_schema_tables; s == MLPLAT_OK && table->name; table++)
        if (table->since == at) {
            mlp_buf sql = {0};
            mlp_schema_put_table(&sql, table, table->name, at);
            s = mlp_schema_run_buf(db, &sql, err);
        } else if (table_turns(table, at)) {
            s = only_adds(table, at) ? add_columns(db, table, at, err) : make_anew(db, table, at, err);
        }
    return s;
}

static mlplat_status step(mlp_db *db, int at, mlplat_error *err)
{
    mlplat_status s = refuse_all(db, at, err);
    if (s == MLPLAT_OK)
        s = change_indexes(db, true, at, err);
    if (s == MLPLAT_OK)
        s = change_tables(db, at, err);
    if (s == MLPLAT_OK)
        s = change_indexes(db, false, at, err);
    return s == MLPLAT_OK ? run_afters(db, at, err) : s;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* Tables that are made anew would lose columns that are not MLflow's. */
static mlplat_status check_tables(mlp_db *db, const upgrade *u, mlplat_error *err)
{
    for (const mlp_schema_table *table = mlp_schema_tables; table->name; table++) {
        mlp_schema_match match = {0};
        bool turning = false;
        for (int at = u->from + 1; at <= u->to; at++)
            turning = turning || table_turns(table, at);
        if (!turning || table->since > u->from)
            continue;
        mlplat_status s = mlp_schema_compare(db, table, u->from, &match, err);
        if (s != MLPLAT_OK)
            return s;
        if (!match.all || match.others)
            return mlp_fail(err, MLPLAT_UNSUPPORTED,
                            "'%s' is left at %s: its table %s has %s, so `mlflow db upgrade` must do it", db->path,
                            u->info->head, table->name,
                            match.all ? "columns that are not MLflow's" : "not all of MLflow's columns");
    }
    return MLPLAT_OK;
}

static mlplat_status check_state(mlp_db *db, upgrade *u, mlp_schema_state state, mlplat_error *err)
{
    if (state != MLP_SCHEMA_STORE)
        return mlp_fail(err, MLPLAT_STATE, "'%s' is %s: there is nothing to upgrade", db->path,
                        state == MLP_SCHEMA_EMPTY ? "empty" : "being made by MLflow");
    u->from = u->info->revision;
    if (u->from < 0)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "'%s' is at %s, which this libmlplat does not know (%s to %s): `mlflow db upgrade` can do it",
                        db->path, u->info->head[0] ? u->info->head : "no head", mlp_schema_revisions[0].head,
                        mlp_schema_revisions[mlp_schema_newest].head);
    if (u->from > u->to)
        return mlp_fail(err, MLPLAT_CONFLICT,
                        "'%s' is at %s, which is newer than %s: a store is never taken back, as data would be lost; "
                        "restore a backup of before, or create a new store and import into it",
                        db->path, u->info->head, mlp_schema_revisions[u->to].head);
    return MLPLAT_OK;
}

static mlplat_status upgrade_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    upgrade *u = ctx;
    mlp_schema_state state;
    u->at = u->from;
    mlplat_status s = mlp_schema_look(db, u->info, &state, err);
    if (s == MLPLAT_OK)
        s = check_state(db, u, state, err);
    if (s == MLPLAT_OK)
        s = check_tables(db, u, err);
    for (u->at = u->from + 1; s == MLPLAT_OK && u->at <= u->to; u->at++)
        s = step(db, u->at, err);
    if (s == MLPLAT_OK && u->from != u->to)
        s = mlp_db_exec(db, err, "UPDATE alembic_version SET version_num = ?", 1, mlp_schema_revisions[u->to].head);
    return s;
}

/* SQLite's own hook: the caller's is asked now and then, also in the middle of a long statement. */
static int on_progress(void *ctx)
{
    upgrade *u = ctx;
    int64_t now = mlp_clock_mono_ns();
    mlp_fork_gate_pause();
    if (now - u->hook_ns < (int64_t)HOOK_MS * 1000000)
        return 0;
    u->hook_ns = now;
    return mlp_hook_call(u->hook, (uint64_t)(u->at - u->from), (uint64_t)(u->to - u->from), "", NULL) != MLPLAT_OK;
}

mlplat_status mlp_schema_upgrade(const char *path, const mlp_db_options *options, int to, mlp_schema_info *before,
                                 const mlp_hook *hook, mlplat_error *err)
{
    mlp_db *db = NULL;
    mlp_db_options own = *options;
    upgrade u = {.to = to, .info = before, .hook = hook};
    own.create = false;
    own.alter = true;
    mlplat_status s = mlp_db_open(path, &own, &db, err);
    if (s == MLPLAT_OK)
        s = mlp_schema_values(db, err);
    if (s == MLPLAT_OK && hook && hook->fn)
        sqlite3_progress_handler(db->handle, HOOK_STEPS, on_progress, &u);
    if (s == MLPLAT_OK)
        s = mlp_db_write(db, upgrade_fn, &u, hook, err);
    if (s == MLPLAT_CANCELLED)
        s = mlp_fail_cancelled(err, "the upgrade; the store is as it was");
    mlp_db_close(db);
    return s;
}
