#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/db_inside.h"
#include "db/schema_tables.h"
#include <stdlib.h>
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

/* ---- looking ------------------------------------------------------------------------------------------------------ */

static mlplat_status count_tables(mlp_db *db, const char *sql, int64_t *out, mlplat_error *err)
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
    mlplat_status s = count_tables(db, "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'", &there, err);
    if (s != MLPLAT_OK || !there)
        return s;
    s = mlp_db_prepare(db, "SELECT version_num FROM alembic_version", &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, &row, err);
    if (s == MLPLAT_OK && row && !mlp_stmt_col_null(stmt, 0))
        strncpy(info->head, mlp_stmt_col_text(stmt, 0), sizeof info->head - 1);
    mlp_stmt_done(stmt);
    return s;
}

/* The names of a table's columns as ",a,b,c,", "," if there is no such table. */
static mlplat_status column_names(mlp_db *db, const char *table, mlp_buf *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlp_buf_clear(out);
    mlp_buf_putc(out, ',');
    mlplat_status s = mlp_db_prepare(db, "SELECT name FROM pragma_table_xinfo(?)", &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, table);
    while (s == MLPLAT_OK && row) {
        s = mlp_stmt_step(stmt, &row, err);
        if (s == MLPLAT_OK && row)
            mlp_buf_printf(out, "%s,", mlp_stmt_col_text(stmt, 0));
    }
    mlp_stmt_done(stmt);
    return s == MLPLAT_OK ? mlp_buf_ok(out, err) : s;
}

static bool has_column(const mlp_buf *names, const char *column, size_t n)
{
    for (const char *at = names->data; (at = strchr(at, ',')) && at[1]; at++)
        if (strncmp(at + 1, column, n) == 0 && at[1 + n] == ',')
            return true;
    return false;
}

/* Are the columns that we write there, and is no other one NOT NULL without a default? *workspace: is that one there? */
static mlplat_status known_shape(mlp_db *db, const char *table, bool *known, bool *workspace, mlplat_error *err)
{
    const mlp_schema_table *ours = mlp_schema_tables;
    mlp_buf names = {0};
    while (ours->name && strcmp(ours->name, table) != 0)
        ours++;
    mlplat_status s = column_names(db, table, &names, err);
    for (const char *at = ours->columns; s == MLPLAT_OK && at && *at;) {
        size_t n = strcspn(at, " ");
        bool optional = strncmp(at, "workspace ", n + 1) == 0 || strncmp(at, "storage_location ", n + 1) == 0;
        *known = *known && (optional || has_column(&names, at, n));
        at = strstr(at, ", ");
        at = at ? at + 2 : NULL;
    }
    if (s == MLPLAT_OK && workspace)
        *workspace = has_column(&names, "workspace", 9);
    mlp_buf_free(&names);
    return s;
}

static mlplat_status probe(mlp_db *db, mlp_schema_info *info, mlplat_error *err)
{
    static const char *const tracking[] = {"runs", "metrics", "latest_metrics", "params", "tags", "experiment_tags"};
    static const char *const registry[] = {"model_versions", "registered_model_tags", "model_version_tags",
                                           "registered_model_aliases"};
    info->tracking_known = info->registry_known = true;
    mlplat_status s = known_shape(db, "experiments", &info->tracking_known, &info->experiments_workspace, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof tracking / sizeof tracking[0]; i++)
        s = known_shape(db, tracking[i], &info->tracking_known, NULL, err);
    if (s == MLPLAT_OK)
        s = known_shape(db, "registered_models", &info->registry_known, &info->registry_workspace, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof registry / sizeof registry[0]; i++)
        s = known_shape(db, registry[i], &info->registry_known, NULL, err);
    return s;
}

/* ---- making ------------------------------------------------------------------------------------------------------- */

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

typedef struct {
    const char *artifact_root;
    mlp_schema_info *info;
} opening;

static mlplat_status look(mlp_db *db, void *ctx, mlplat_error *err)
{
    opening *o = ctx;
    int64_t all = 0, core = 0;
    mlplat_status s = count_tables(db, "SELECT count(*) FROM sqlite_master WHERE type = 'table'", &all, err);
    if (s == MLPLAT_OK)
        s = count_tables(db,
                         "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('experiments', 'runs', "
                         "'metrics', 'params', 'tags', 'alembic_version')",
                         &core, err);
    if (s != MLPLAT_OK)
        return s;
    *o->info = (mlp_schema_info){0};
    if (all == 0)
        return MLPLAT_OK;
    /* MLflow makes its first tables without a transaction: until they are all there it may be at work. */
    if (core == 0)
        return mlp_fail(err, MLPLAT_CORRUPT,
                        "%s is an SQLite file, but not MLflow's: it has no table experiments; name another file",
                        db->path);
    s = read_head(db, o->info, err);
    if (s == MLPLAT_OK)
        s = probe(db, o->info, err);
    if (s == MLPLAT_OK && !o->info->tracking_known && core < 6)
        s = mlp_fail(err, MLPLAT_UNAVAILABLE,
                     "%s: MLflow is creating its tables, or was stopped while it did: try again, or name another file",
                     db->path);
    return s;
}

static mlplat_status look_or_make(mlp_db *db, void *ctx, mlplat_error *err)
{
    opening *o = ctx;
    mlplat_status s = look(db, ctx, err);
    if (s != MLPLAT_OK || o->info->tracking_known)
        return s;
    if (o->info->head[0]) /* a shape we do not know: for reading */
        return MLPLAT_OK;
    s = make(db, o->artifact_root, err);
    if (s == MLPLAT_OK)
        s = look(db, ctx, err);
    o->info->created = s == MLPLAT_OK;
    return s;
}

mlplat_status mlp_schema_open(mlp_db *db, bool create, const char *artifact_root, mlp_schema_info *out,
                              const mlp_hook *hook, mlplat_error *err)
{
    opening o = {artifact_root, out};
    mlplat_status s = mlp_db_read(db, look, &o, hook, err);
    if (s == MLPLAT_OK && !out->tracking_known && !out->head[0])
        s = create ? mlp_db_write(db, look_or_make, &o, hook, err)
                   : mlp_fail(err, MLPLAT_NOT_FOUND, "%s is empty: create the store with `mlplat store create`", db->path);
    if (s == MLPLAT_OK) /* only now: a file of somebody else stays as it is */
        mlp_db_wal(db);
    return s;
}
