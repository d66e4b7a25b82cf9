/* Filters and orders: what is taken becomes SQL of our own words with everything else bound; what is not is told with
 * its place. Now and then SQLite compiles the SQL against MLflow's tables. */
#include "db/search.h"
#include "db/schema_inside.h"
#include "fuzz_folder.h"
#include "registry/registry_search.h"
#include "tracking/tracking_search.h"
#include <sqlite3.h>

static sqlite3 *tables;

/* Nothing but reading of tables, with the functions that the languages name. */
static int allow(void *user, int action, const char *a, const char *b, const char *database, const char *from)
{
    static const char *const functions[] = {"lower", "like", "row_number"};
    (void)user;
    (void)database;
    (void)from;
    (void)a;
    if (action == SQLITE_SELECT || action == SQLITE_READ)
        return SQLITE_OK;
    for (size_t i = 0; action == SQLITE_FUNCTION && i < sizeof functions / sizeof functions[0]; i++)
        if (strcmp(b, functions[i]) == 0)
            return SQLITE_OK;
    fuzz_fail(__FILE__, __LINE__, "a filter only reads");
}

static void copy_tables(const char *path)
{
    sqlite3 *file = NULL;
    fuzz_check(sqlite3_open(path, &file) == SQLITE_OK && sqlite3_open(":memory:", &tables) == SQLITE_OK);
    sqlite3_backup *copy = sqlite3_backup_init(tables, "main", file, "main");
    fuzz_check(copy && sqlite3_backup_step(copy, -1) == SQLITE_DONE);
    sqlite3_backup_finish(copy);
    sqlite3_close(file);
    sqlite3_set_authorizer(tables, allow, NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    mlplat_error err = {0};
    mlp_db *db = NULL;
    mlp_schema_info info = {0};
    const mlp_schema_maker maker = {.artifact_root = "/nowhere"};
    const mlp_db_options options = {.create = true};
    char path[80];
    (void)argc;
    (void)argv;
    snprintf(path, sizeof path, "%s/mlflow.db", fuzz_folder());
    fuzz_check(mlp_db_open(path, &options, &db, &err) == MLPLAT_OK);
    fuzz_check(mlp_schema_open(db, &maker, &info, NULL, &err) == MLPLAT_OK);
    mlp_db_close(db);
    copy_tables(path);
    return 0;
}

static const mlp_search_language *language_of(unsigned i, const char **from)
{
    static const char *const froms[] = {"runs r", "experiments e", "logged_models m", "registered_models m",
                                        "model_versions v"};
    *from = froms[i];
    switch (i) {
    case 0:
        return &mlp_tracking_search_runs;
    case 1:
        return &mlp_tracking_search_experiments;
    case 2:
        return &mlp_tracking_search_models;
    case 3:
        return mlp_registry_search_models(true);
    default:
        return mlp_registry_search_versions(true);
    }
}

static void check_compiles(const mlp_search_sql *sql, const char *from)
{
    sqlite3_stmt *stmt = NULL;
    mlp_buf all = {0};
    mlp_buf_printf(&all, "SELECT 1 FROM %s%s WHERE 1%s ORDER BY %s", from, sql->joins.data, sql->where.data,
                   sql->order.data);
    if (sqlite3_prepare_v2(tables, all.data, (int)all.size, &stmt, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sqlite3_errmsg(tables), all.data);
        fuzz_fail(__FILE__, __LINE__, "SQLite takes the SQL");
    }
    size_t values = json_array_size(sql->join_values) + json_array_size(sql->where_values);
    fuzz_check((size_t)sqlite3_bind_parameter_count(stmt) == values);
    sqlite3_finalize(stmt);
    mlp_buf_free(&all);
}

/* Texts of the caller that no table of ours has stand nowhere in the SQL. */
static void check_bound(const mlp_search_sql *sql, const json_t *values)
{
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)values, i, value)
    {
        const char *text = json_string_value(value);
        if (!text || strlen(text) < 3 || !text[strcspn(text, "'\";-\\%\n\t{}@#!")])
            continue;
        fuzz_check(!strstr(sql->where.data, text) && !strstr(sql->joins.data, text) && !strstr(sql->order.data, text));
    }
}

static size_t marks(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '?';
    return n;
}

static void check_sql(const mlp_search *search, const char *from, bool compile)
{
    mlplat_error err = {0};
    mlp_search_sql sql = {0};
    fuzz_check(mlp_search_sql_make(search, &sql, &err) == MLPLAT_OK);
    fuzz_check(marks(sql.where.data) == json_array_size(sql.where_values));
    fuzz_check(marks(sql.joins.data) == json_array_size(sql.join_values) && !marks(sql.order.data));
    check_bound(&sql, sql.where_values);
    check_bound(&sql, sql.join_values);
    if (compile)
        check_compiles(&sql, from);
    mlp_search_sql_free(&sql);
}

static void check_message(const mlplat_error *err)
{
    const char *text = err->message;
    fuzz_check(strncmp(text, "filter", 6) == 0 || strncmp(text, "order_by", 8) == 0);
    fuzz_check(strstr(text, ", character ") || strstr(text, ", at the end") || strstr(text, "UTF-8") ||
               strstr(text, "twice") || strstr(text, "more than"));
}

/* Words follow each other to the end of the text. */
static void try_words(const char *text, mlplat_error *err)
{
    mlp_search_lex lex;
    const char *at = text;
    mlplat_status s = mlp_search_lex_start(&lex, "filter", text, err);
    while (s == MLPLAT_OK && lex.word.kind != MLP_SEARCH_END) {
        fuzz_check(lex.word.at >= at && lex.word.n > 0 && lex.next == lex.word.at + lex.word.n);
        at = lex.next;
        s = mlp_search_lex_next(&lex, err);
    }
    fuzz_check(s == MLPLAT_OK ? !*lex.word.at : s == MLPLAT_INVALID && fuzz_refused(s, err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    const char *from = NULL;
    const mlp_search_language *language = language_of(fuzz_byte(&in) % 5, &from);
    char *filter = fuzz_text(&in), *order = fuzz_text(&in);
    mlplat_error *err = fuzz_error(data, size);
    mlp_search search = {0};
    mlplat_status s = mlp_search_parse(language, filter, *order ? order : NULL, &search, err);
    if (s == MLPLAT_OK) {
        check_sql(&search, from, fuzz_now_and_then(data, size, 64));
    } else {
        fuzz_check(s == MLPLAT_INVALID && fuzz_refused(s, err));
        if (err)
            check_message(err);
    }
    try_words(filter, err);
    mlp_search_free(&search);
    free(filter);
    free(order);
    return 0;
}
