#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/db_inside.h"
#include "db/schema_tables.h"
#include <stdio.h>
#include <string.h>

/* ---- from our notation to SQL ------------------------------------------------------------------------------------ */

static void put_type(mlp_buf *sql, const char *type, size_t n)
{
    static const struct {
        char letter;
        const char *name;
    } types[] = {{'i', "INTEGER"}, {'b', "BIGINT"}, {'f', "FLOAT"}, {'o', "BOOLEAN"},
                 {'t', "TEXT"},    {'j', "JSON"},   {'d', "DATE"},  {'x', "BLOB"}};
    if (type[0] == 's')
        mlp_buf_printf(sql, "VARCHAR(%.*s)", (int)(n - 1), type + 1);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (type[0] == types[i].letter)
            mlp_buf_puts(sql, types[i].name);
}

/* "step b!='0'" becomes "step BIGINT DEFAULT '0' NOT NULL". */
static void put_column(mlp_buf *sql, const char *column, size_t n)
{
    const char *end = column + n, *type = memchr(column, ' ', n);
    if (!type)
        return;
    size_t type_n = strcspn(++type, "!=@,");
    const char *rest = type + type_n;
    bool not_null = rest < end && *rest == '!';
    rest += not_null;
    mlp_buf_printf(sql, "%.*s ", (int)(type - 1 - column), column);
    put_type(sql, type, type_n);
    if (rest < end && *rest == '@')
        mlp_buf_printf(sql, " GENERATED ALWAYS AS (%.*s) STORED", (int)(end - rest - 1), rest + 1);
    if (rest < end && *rest == '=')
        mlp_buf_printf(sql, " DEFAULT %.*s", (int)(end - rest - 1), rest + 1);
    if (not_null)
        mlp_buf_puts(sql, " NOT NULL");
}

/* "fk name (a) table (b) ON DELETE CASCADE" becomes ", CONSTRAINT name FOREIGN KEY (a) REFERENCES table (b) ON ...". */
static void put_constraint(mlp_buf *sql, const char *text, size_t n)
{
    const char *name = text + 3, *end = text + n;
    size_t name_n = strcspn(name, " ");
    const char *rest = name + name_n + 1;
    mlp_buf_puts(sql, ", ");
    if (*name != '-')
        mlp_buf_printf(sql, "CONSTRAINT %.*s ", (int)name_n, name);
    if (memcmp(text, "fk", 2) != 0) {
        mlp_buf_puts(sql, text[0] == 'p' ? "PRIMARY KEY " : text[0] == 'u' ? "UNIQUE " : "CHECK ");
        mlp_buf_add(sql, rest, (size_t)(end - rest));
        return;
    }
    size_t columns_n = strcspn(rest, ")") + 1;
    mlp_buf_printf(sql, "FOREIGN KEY %.*s REFERENCES%.*s", (int)columns_n, rest, (int)(end - rest) - (int)columns_n,
                   rest + columns_n);
}

static void put_table(mlp_buf *sql, const mlp_schema_table *table)
{
    mlp_buf_printf(sql, "CREATE TABLE %s (", table->name);
    for (const char *at = table->columns; *at;) {
        const char *next = strstr(at, ", ");
        size_t n = next ? (size_t)(next - at) : strlen(at);
        put_column(sql, at, n);
        if (next)
            mlp_buf_puts(sql, ", ");
        at = next ? next + 2 : at + n;
    }
    for (const char *at = table->constraints; *at;) {
        size_t n = strcspn(at, ";");
        put_constraint(sql, at, n);
        at += at[n] ? n + 1 : n;
    }
    mlp_buf_puts(sql, ");\n");
}

static void put_indexes(mlp_buf *sql)
{
    for (const mlp_schema_index *index = mlp_schema_indexes; index->name; index++)
        mlp_buf_printf(sql, "CREATE %sINDEX %s ON %s (%s);\n", index->unique ? "UNIQUE " : "", index->name,
                       index->table, index->columns);
}

/* ---- looking -------------------------------------------------------------------------------------------------- */

/* One number: the first column of the first row. */
static mlplat_status read_number(mlp_db *db, const char *sql, int64_t *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    *out = 0;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, &row, err);
    if (s == MLPLAT_OK && row)
        *out = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status read_head(mlp_db *db, mlp_schema_info *info, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    int64_t there = 0;
    mlplat_status s = read_number(db,
                                  "SELECT count(*) FROM pragma_table_info('alembic_version') WHERE name = "
                                  "'version_num'",
                                  &there, err);
    if (s != MLPLAT_OK || !there)
        return s;
    s = mlp_db_prepare(db, "SELECT version_num FROM alembic_version", &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, &row, err);
    if (s == MLPLAT_OK && row && !mlp_stmt_col_null(stmt, 0))
        snprintf(info->head, sizeof info->head, "%s", mlp_stmt_col_text(stmt, 0));
    mlp_stmt_done(stmt);
    return s;
}

/* The column's place in our statement of the table, NULL: not in it. */
static const char *our_column(const mlp_schema_table *table, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = table->columns; at; at = strstr(at, ", ") ? strstr(at, ", ") + 2 : NULL)
        if (strncmp(at, name, n) == 0 && at[n] == ' ')
            return at;
    return NULL;
}

static size_t count_columns(const mlp_schema_table *table)
{
    size_t n = 1;
    for (const char *at = table->columns; (at = strstr(at, ", ")); at += 2)
        n++;
    return n;
}

/*
 * A shape is known if all our columns are there, but for workspace, which came late, and if no other column must be
 * given. *workspace: is that one there?
 */
static mlplat_status probe_table(mlp_db *db, const char *name, bool *known, bool *workspace, mlplat_error *err)
{
    const mlp_schema_table *table = mlp_schema_tables;
    mlp_stmt *stmt = NULL;
    bool row = true, has_workspace = false;
    size_t ours = 0;
    while (strcmp(table->name, name) != 0)
        table++;
    mlplat_status s =
        mlp_db_prepare(db, "SELECT name, \"notnull\" AND dflt_value IS NULL FROM pragma_table_xinfo(?)", &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, name);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        bool mine = our_column(table, mlp_stmt_col_text(stmt, 0)) != NULL;
        ours += mine;
        has_workspace = has_workspace || strcmp(mlp_stmt_col_text(stmt, 0), "workspace") == 0;
        if (!mine && mlp_stmt_col_int(stmt, 1))
            *known = false;
    }
    mlp_stmt_done(stmt);
    if (ours + (our_column(table, "workspace") && !has_workspace) != count_columns(table))
        *known = false;
    if (workspace)
        *workspace = has_workspace;
    return s;
}

static mlplat_status probe(mlp_db *db, mlp_schema_info *info, mlplat_error *err)
{
    static const char *const tracking[] = {"runs", "metrics", "latest_metrics", "params", "tags", "experiment_tags"};
    static const char *const registry[] = {"model_versions", "registered_model_tags", "model_version_tags",
                                           "registered_model_aliases"};
    info->tracking_known = info->registry_known = true;
    mlplat_status s = probe_table(db, "experiments", &info->tracking_known, &info->experiments_workspace, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof tracking / sizeof tracking[0]; i++)
        s = probe_table(db, tracking[i], &info->tracking_known, NULL, err);
    if (s == MLPLAT_OK)
        s = probe_table(db, "registered_models", &info->registry_known, &info->registry_workspace, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof registry / sizeof registry[0]; i++) {
        bool workspace = false;
        s = probe_table(db, registry[i], &info->registry_known, &workspace, err);
        info->registry_known = info->registry_known && workspace == info->registry_workspace;
    }
    return s;
}

typedef enum state { EMPTY, UNFINISHED, STORE } state;

typedef struct opening {
    const char *artifact_root;
    mlp_schema_info *info;
    state state;
} opening;

/* MLflow makes its first tables and then changes them step by step, without a transaction around all of it; the head is
 * written with the first step. */
static mlplat_status look(mlp_db *db, void *ctx, mlplat_error *err)
{
    opening *o = ctx;
    int64_t tables = 0, experiments = 0;
    *o->info = (mlp_schema_info){0};
    o->state = EMPTY;
    mlplat_status s = read_number(db, "SELECT count(*) FROM sqlite_master", &tables, err);
    if (s != MLPLAT_OK || !tables)
        return s;
    s = read_number(db,
                    "SELECT count(*) FROM pragma_table_info('experiments') WHERE name IN ('experiment_id', 'name', "
                    "'artifact_location', 'lifecycle_stage')",
                    &experiments, err);
    if (s == MLPLAT_OK && experiments < 4)
        return mlp_fail(err, MLPLAT_CORRUPT, "'%s' is an SQLite file, but not MLflow's: %s; name another file",
                        db->path, experiments ? "its table experiments has other columns" : "no table experiments");
    if (s == MLPLAT_OK)
        s = read_head(db, o->info, err);
    o->state = o->info->head[0] ? STORE : UNFINISHED;
    return s == MLPLAT_OK && o->state == STORE ? probe(db, o->info, err) : s;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static mlplat_status first_rows(mlp_db *db, const char *artifact_root, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_exec(db, err, "INSERT INTO alembic_version VALUES (?)", 1, mlp_schema_head);
    if (s == MLPLAT_OK)
        s = mlp_db_exec(db, err, "INSERT INTO workspaces (name, description) VALUES (?, ?)", 2, "default",
                        "Default workspace for legacy resources");
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           "INSERT INTO experiments VALUES (0, 'Default', rtrim(?1, '/') || '/0', 'active', ?2, ?2, "
                           "'default')",
                           &stmt, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_stmt_text(stmt, 1, artifact_root);
    mlp_stmt_int(stmt, 2, mlp_clock_ms());
    s = mlp_stmt_step(stmt, NULL, err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status make(mlp_db *db, const char *artifact_root, mlplat_error *err)
{
    mlp_buf sql = {0};
    for (const mlp_schema_table *table = mlp_schema_tables; table->name; table++)
        put_table(&sql, table);
    put_indexes(&sql);
    mlp_buf_puts(&sql, mlp_schema_trigger);
    mlplat_status s = mlp_buf_ok(&sql, err);
    if (s == MLPLAT_OK) {
        int result = sqlite3_exec(db->handle, sql.data, NULL, NULL, NULL);
        if (result != SQLITE_OK)
            s = mlp_db_fail(db, result, err);
    }
    mlp_buf_free(&sql);
    return s == MLPLAT_OK ? first_rows(db, artifact_root, err) : s;
}

static mlplat_status look_or_make(mlp_db *db, void *ctx, mlplat_error *err)
{
    opening *o = ctx;
    mlplat_status s = look(db, ctx, err);
    if (s != MLPLAT_OK || o->state != EMPTY)
        return s; /* somebody was faster */
    s = make(db, o->artifact_root, err);
    if (s == MLPLAT_OK)
        s = look(db, ctx, err);
    o->info->created = s == MLPLAT_OK;
    return s;
}

static mlplat_status wait_for_maker(mlp_db *db, opening *o, const mlp_hook *hook, mlplat_error *err)
{
    mlp_wait wait = mlp_wait_begin(hook, db->path, db->busy_ms);
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && o->state == UNFINISHED)
        if ((s = mlp_wait_nap(&wait, err)) == MLPLAT_OK)
            s = mlp_db_read(db, look, o, hook, err);
    if (s == MLPLAT_TIMEOUT && o->state == UNFINISHED)
        s = mlp_fail(err, MLPLAT_UNAVAILABLE,
                     "'%s': MLflow is creating its tables, or was stopped while it did: try again, "
                     "run `mlflow db upgrade` on it, or name another file",
                     db->path);
    return s;
}

mlplat_status mlp_schema_open(mlp_db *db, bool create, const char *artifact_root, mlp_schema_info *out,
                              const mlp_hook *hook, mlplat_error *err)
{
    opening o = {.artifact_root = artifact_root, .info = out};
    mlplat_status s = mlp_db_read(db, look, &o, hook, err);
    if (s == MLPLAT_OK && o.state == EMPTY)
        s = create ? mlp_db_write(db, look_or_make, &o, hook, err)
                   : mlp_fail(err, MLPLAT_NOT_FOUND, "'%s' is empty: create the store with `mlplat store create`",
                              db->path);
    if (s == MLPLAT_OK)
        s = wait_for_maker(db, &o, hook, err);
    if (s == MLPLAT_OK) /* only now: a file of somebody else stays as it is */
        mlp_db_wal(db);
    return s;
}
