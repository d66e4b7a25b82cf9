/* From our notation of MLflow's tables to SQL. */
#include "base/buf.h"
#include "db/schema_tables.h"
#include <stdlib.h>
#include <string.h>

/* ---- items ------------------------------------------------------------------------------------------------------- */

/* Cuts " +N" or " -N" off the end. */
static bool take_life(mlp_schema_item *item)
{
    size_t n = item->n;
    while (n && item->text[n - 1] >= '0' && item->text[n - 1] <= '9')
        n--;
    if (n == item->n || n < 2 || item->text[n - 2] != ' ' || (item->text[n - 1] != '+' && item->text[n - 1] != '-'))
        return false;
    int revision = (int)strtol(item->text + n, NULL, 10);
    if (item->text[n - 1] == '+')
        item->since = revision;
    else
        item->until = revision;
    item->n = n - 2;
    return true;
}

bool mlp_schema_next(const char **at, char separator, mlp_schema_item *out)
{
    const char *text = *at + strspn(*at, " ");
    size_t n = 0;
    if (!*text)
        return false;
    while (text[n] && (text[n] != separator || (separator == ',' && text[n + 1] != ' ')))
        n++;
    *at = text + n + (text[n] != 0);
    *out = (mlp_schema_item){.text = text, .n = n, .since = -1};
    while (take_life(out))
        ;
    return true;
}

bool mlp_schema_lives(const mlp_schema_item *item, int revision)
{
    return item->since <= revision && (!item->until || revision < item->until);
}

size_t mlp_schema_name_n(const mlp_schema_item *column)
{
    return strcspn(column->text, " ");
}

bool mlp_schema_generated(const mlp_schema_item *column)
{
    return memchr(column->text, '@', column->n) != NULL;
}

const mlp_schema_table *mlp_schema_table_of(const char *name)
{
    const mlp_schema_table *table = mlp_schema_tables;
    while (table->name && strcmp(table->name, name) != 0)
        table++;
    return table->name ? table : NULL;
}

/* ---- SQL --------------------------------------------------------------------------------------------------------- */

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
void mlp_schema_put_column(mlp_buf *sql, const mlp_schema_item *column)
{
    const char *end = column->text + column->n, *type = column->text + mlp_schema_name_n(column) + 1;
    size_t type_n = 0;
    while (type + type_n < end && !strchr("!=@", type[type_n]))
        type_n++;
    const char *rest = type + type_n;
    bool not_null = rest < end && *rest == '!';
    rest += not_null;
    mlp_buf_add(sql, column->text, (size_t)(type - column->text));
    put_type(sql, type, type_n);
    if (rest < end && *rest == '@')
        mlp_buf_printf(sql, " GENERATED ALWAYS AS (%.*s) STORED", (int)(end - rest - 1), rest + 1);
    if (rest < end && *rest == '=')
        mlp_buf_printf(sql, " DEFAULT %.*s", (int)(end - rest - 1), rest + 1);
    if (not_null)
        mlp_buf_puts(sql, " NOT NULL");
}

/* "fk name (a) table (b) ON DELETE CASCADE" becomes ", CONSTRAINT name FOREIGN KEY (a) REFERENCES table (b) ON ...". */
static void put_constraint(mlp_buf *sql, const mlp_schema_item *constraint)
{
    const char *text = constraint->text, *name = text + 3, *end = text + constraint->n;
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

void mlp_schema_put_table(mlp_buf *sql, const mlp_schema_table *table, const char *name, int revision)
{
    mlp_schema_item item;
    const char *at = table->columns, *before = "";
    mlp_buf_printf(sql, "CREATE TABLE %s (", name);
    while (mlp_schema_next(&at, ',', &item))
        if (mlp_schema_lives(&item, revision)) {
            mlp_buf_puts(sql, before);
            mlp_schema_put_column(sql, &item);
            before = ", ";
        }
    at = table->constraints;
    while (mlp_schema_next(&at, ';', &item))
        if (mlp_schema_lives(&item, revision))
            put_constraint(sql, &item);
    mlp_buf_puts(sql, ");\n");
}

void mlp_schema_put_index(mlp_buf *sql, const mlp_schema_index *index)
{
    mlp_buf_printf(sql, "CREATE %sINDEX %s ON %s (%s);\n", index->unique ? "UNIQUE " : "", index->name, index->table,
                   index->columns);
}
