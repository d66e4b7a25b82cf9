/* Filters and orders that nobody writes: whatever the bytes are, they become SQL that SQLite takes, or an error that
 * names a place. */
#include "db/search.h"
#include "registry/registry_search.h"
#include "support/support.h"
#include "tracking/tracking_search.h"
#include <sqlite3.h>
#include <stdlib.h>

static const char *const seeds[] = {
    "metrics.loss < 0.5 AND params.depth = '6'",
    "tags.`git branch` LIKE 'a%' AND tags.team IS NOT NULL",
    "run_id NOT IN ('a', \"b\", 'c' 'd', 'e\\'f\\x41\\u00e4')",
    "attributes.status != 'FINISHED' and start_time >= -12.5e-3",
    "datasets.context IN ('train') metrics.\"a/b\" = .5",
    "name ILIKE 'it''s' AND version_number > '3'",
    "experiment_id IN ('1', '2') AND creation_time > 5",
    "metrics.\xc3\xa4.\xe6\x97\xa5 > 1 AND params.1st = 'x\\'",
    "metrics.loss DESC, params.`a,b`, start_time ASC",
    "creation_timestamp DESC, name",
};
static const char *const pieces[] = {"'",     "\"",       "`",     ".",   ",", "(",  ")",     "\\", "''", "\\'",
                                     " AND ", " IS NULL", " IN (", "NOT", "-", "0x", "1e999", "\n", "--", "/*",
                                     "\xff",  "\xc3",     "*",     "%",   "=", "!=", "<>",    "\t", "in", "9"};

static uint32_t state_of_chance = 1;

static size_t chance(size_t n)
{
    state_of_chance = state_of_chance * 1664525u + 1013904223u;
    return (state_of_chance >> 8) % n;
}

/* Drops, doubles, changes or adds somewhere. */
static void mutate(char *text, size_t room)
{
    size_t n = strlen(text), at = chance(n + 1);
    const char *piece = pieces[chance(sizeof pieces / sizeof pieces[0])];
    switch (chance(4)) {
    case 0:
        if (at < n)
            memmove(text + at, text + at + 1, n - at);
        break;
    case 1:
        if (at < n)
            text[at] = (char)(1 + chance(255));
        break;
    case 2:
        text[at] = 0; /* cut */
        break;
    default:
        if (n + strlen(piece) + 1 < room) {
            memmove(text + at + strlen(piece), text + at, n - at + 1);
            memcpy(text + at, piece, strlen(piece));
        }
    }
}

static const mlp_search_language *language_of(size_t i, const char **from)
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

static void assert_sql(sqlite3 *db, const mlp_search_sql *sql, const char *from, const char *text)
{
    mlp_buf all = {0};
    sqlite3_stmt *stmt = NULL;
    mlp_buf_printf(&all, "SELECT 1 FROM %s%s WHERE 1%s ORDER BY %s", from, sql->joins.data, sql->where.data,
                   sql->order.data);
    if (sqlite3_prepare_v2(db, all.data, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s in %s", text, sqlite3_errmsg(db), all.data);
    size_t values = json_array_size(sql->join_values) + json_array_size(sql->where_values);
    assert_int_equal(sqlite3_bind_parameter_count(stmt), values);
    sqlite3_finalize(stmt);
    mlp_buf_free(&all);
}

/* true: it was taken. */
static bool try_text(sqlite3 *db, const char *text, bool order, size_t language)
{
    const char *from = NULL;
    mlplat_error err = {0};
    mlp_search search = {0};
    mlp_search_sql sql = {0};
    mlplat_status s =
        mlp_search_parse(language_of(language, &from), order ? NULL : text, order ? text : NULL, &search, &err);
    if (s == MLPLAT_OK) {
        assert_ok(mlp_search_sql_make(&search, &sql, &err));
        assert_sql(db, &sql, from, text);
    } else {
        assert_int_equal(s, MLPLAT_INVALID);
        const char *what = order ? "order_by" : "filter";
        if (strncmp(err.message, what, strlen(what)) != 0 ||
            (!strstr(err.message, ", character ") && !strstr(err.message, ", at the end") &&
             !strstr(err.message, "UTF-8") && !strstr(err.message, "twice")))
            fail_msg("%s: %s", text, err.message);
    }
    mlp_search_sql_free(&sql);
    mlp_search_free(&search);
    return s == MLPLAT_OK;
}

static int open_store(void **state)
{
    char *folder = test_folder_make();
    mlplat_error err = {0};
    mlplat *ml = test_open(folder);
    mlplat_doc *doc = NULL;
    sqlite3 *db = NULL;
    char path[512];
    assert_ok(mlplat_experiment_search(ml, NULL, &doc, &err));
    mlplat_doc_free(doc);
    mlplat_close(ml);
    snprintf(path, sizeof path, "%s/mlflow.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT 1 FROM runs", NULL, NULL, NULL), SQLITE_OK);
    test_folder_remove(folder);
    *state = db;
    return 0;
}

static int close_store(void **state)
{
    sqlite3_close(*state);
    return 0;
}

static void mutated_filters_become_sql_or_an_error_with_its_place(void **state)
{
    size_t rounds = getenv("MLPLAT_HEAVY") ? 400000 : 20000, taken = 0;
    state_of_chance = (uint32_t)(getenv("MLPLAT_SEED") ? strtoul(getenv("MLPLAT_SEED"), NULL, 10) : 1);
    for (size_t i = 0; i < rounds; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s", seeds[chance(sizeof seeds / sizeof seeds[0])]);
        for (size_t n = chance(6); n > 0; n--)
            mutate(text, sizeof text);
        taken += try_text(*state, text, chance(4) == 0, chance(5));
    }
    assert_true(taken > rounds / 100); /* it does reach behind the parser */
}

static void random_bytes_are_refused_with_their_place(void **state)
{
    for (size_t i = 0; i < 20000; i++) {
        char text[64];
        size_t n = chance(sizeof text);
        for (size_t at = 0; at < n; at++)
            text[at] = (char)(1 + chance(i % 2 ? 127 : 255));
        text[n] = 0;
        try_text(*state, text, chance(2) == 0, chance(5));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutated_filters_become_sql_or_an_error_with_its_place),
        cmocka_unit_test(random_bytes_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, open_store, close_store);
}
