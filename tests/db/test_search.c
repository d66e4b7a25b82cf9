/* The search language: what it becomes, and where it says it went wrong. Results are compared with MLflow's in
 * tests/differential/. */
#include "db/search.h"
#include "support/support.h"
#include "tracking/tracking_search.h"

static const struct {
    const char *filter, *where, *value; /* what must be in the SQL, and the last value bound, as JSON */
} good[] = {
    {"metrics.loss < 0.5",
     "latest_metrics x WHERE x.run_uuid = r.run_uuid AND x.key = ? AND (x.value < ? AND NOT x.is_nan)", "0.5"},
    {"metric.loss != .5", "(x.value != ? OR x.is_nan)", "0.5"},
    {"metrics.`val loss` >= -1e-3", "x.value >= ?", "-0.001"},
    {"metrics.\"val/loss\" = 3", "x.value = ?", "3.0"},
    {"metrics.'val loss' > 5.", "x.value > ?", "5.0"},
    {"`metrics`.loss = 007", "x.value = ?", "7.0"},
    {"metrics.1st>-2", "x.value > ?", "-2.0"},
    {"metrics.a < 1e999", "x.value < ?", "true"},
    {"params.depth = '6'", "FROM params x", "\"6\""},
    {"parameters.depth != \"6\"", "x.value != ?", "\"6\""},
    {"tags.mlflow.user LIKE 'a%_[*?'", "x.value LIKE ?", "\"a%_[*?\""},
    {"tag.team ilike 'A%'", "lower(x.value) LIKE lower(?)", "\"A%\""},
    {"tags.team IS NULL", "NOT EXISTS (SELECT 1 FROM tags x", "\"team\""},
    {"params.a is not null", " AND EXISTS (SELECT 1 FROM params x", "\"a\""},
    {"attributes.status = 'FINISHED'", "r.status = ?", "\"FINISHED\""},
    {"status != 'FAILED'", "r.status != ?", "\"FAILED\""},
    {"run.start_time > 1000", "r.start_time > ?", "1000"},
    {"attr.created <= 12.5", "r.start_time <= ?", "12.5"},
    {"attributes.run_name = 'a'", "FROM tags x", "\"a\""},
    {"`Run Name` LIKE 'a%'", "FROM tags x", "\"a%\""},
    {"run_id IN ('a', 'b')", "r.run_uuid IN (?, ?)", "\"b\""},
    {"run_id IN('a' \"b\",)", "r.run_uuid IN (?)", "\"ab\""},
    {"run_id IN ('it\\'s\\x41\\u00e4')", "r.run_uuid IN (?)", "\"it'sA\xc3\xa4\""},
    {"attributes.run_id not in ('a')", "r.run_uuid NOT IN (?)", "\"a\""},
    {"datasets.name = 'iris'", "d.name = ?", "\"iris\""},
    {"dataset.context IN ('train', 'eval')", "c.value IN (?, ?)", "\"eval\""},
    {"params.a = '1' AND tags.b = '2' and metrics.c > 0", "x.value > ?", "0.0"},
    {"params.a = '1' tags.b = '2' AND", "x.value = ?", "\"2\""},
    {"params.a = 'it''s'", "x.value = ?", "\"it''s\""}, /* as it stands between the quotes, like MLflow */
    {"params.a = 'x\\'", "x.value = ?", "\"x\\\\\""},
    {"params.\xc3\xa4.\xe6\x97\xa5 = 'x'", "x.value = ?", "\"x\""},
    {"", "", NULL},
    {"and", "", NULL},
};

static mlplat_status compile(const char *filter, const char *order, mlp_search_sql *sql, mlplat_error *err)
{
    mlp_search search = {0};
    mlplat_status s = mlp_search_parse(&mlp_tracking_search_runs, filter, order, &search, err);
    if (s == MLPLAT_OK)
        s = mlp_search_sql_make(&search, sql, err);
    mlp_search_free(&search);
    return s;
}

static void filters_become_sql_with_bound_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        mlplat_error err = {0};
        mlp_search_sql sql = {0};
        mlp_buf text = {0};
        if (compile(good[i].filter, NULL, &sql, &err) != MLPLAT_OK)
            fail_msg("%s: %s", good[i].filter, err.message);
        if (!strstr(sql.where.data, good[i].where))
            fail_msg("%s: %s", good[i].filter, sql.where.data);
        size_t n = json_array_size(sql.where_values);
        if (good[i].value) {
            assert_true(n > 0);
            assert_ok(mlp_json_text(json_array_get(sql.where_values, n - 1), &text, &err));
            if (strcmp(text.data, good[i].value) != 0)
                fail_msg("%s: %s", good[i].filter, text.data);
        }
        mlp_buf_free(&text);
        mlp_search_sql_free(&sql);
    }
}

static void no_value_of_a_filter_is_in_the_sql(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_search_sql sql = {0};
    assert_ok(compile("params.`secret; --` = 'x'' OR 1=1 --'", "tags.`b\"; --`", &sql, &err));
    assert_null(strstr(sql.where.data, "secret"));
    assert_null(strstr(sql.where.data, "OR 1=1"));
    assert_null(strstr(sql.joins.data, "--"));
    mlp_search_sql_free(&sql);
}

static const struct {
    const char *filter, *order, *words; /* what the message must hold */
} bad[] = {
    {"metrics.loss < 'a'", NULL, "filter, character 16"},
    {"metrics.loss", NULL, "at the end"},
    {"metrics.loss <", NULL, "at the end"},
    {"metrics.loss LIKE 'a'", NULL, "character 14"},
    {"metrics.val-loss < 1", NULL, "backticks"},
    {"metrics.12 < 1", NULL, "character 1,"},
    {"metrics.in < 1", NULL, "character 9"},
    {"params.depth = 6", NULL, "quotes"},
    {"params.depth < '6'", NULL, "character 14"},
    {"tags.a = `b`", NULL, "quotes"},
    {"tags.a IS NOT  NULL", NULL, "character 8"},
    {"metrics.loss IS NULL", NULL, "character 14"},
    {"attributes.nothing = 'a'", NULL, "run_id"},
    {"loss < 1", NULL, "metrics."},
    {"models.a = 'b'", NULL, "metrics."},
    {"\"metrics\".a = 'b'", NULL, "metrics."},
    {"status IN ('FINISHED')", NULL, "character 8"},
    {"run_id IN ()", NULL, "character 12"},
    {"run_id IN ('a' 'b'", NULL, "at the end"},
    {"run_id IN ('a', 1)", NULL, "character 17"},
    {"run_id IN ('\\N{DASH}')", NULL, "character 12"},
    {"run_id = ('a')", NULL, "character 10"},
    {"params.a = '1' OR params.b = '2'", NULL, "character 16"},
    {"params.a = 'x", NULL, "not closed"},
    {"metrics.`a < 1", NULL, "not closed"},
    {"datasets.size = 'x'", NULL, "context"},
    {"metrics.a < 0x10", NULL, "character 13"},
    {"metrics.a < 1e+5", NULL, "character 13"},
    {"metrics.a == 1", NULL, "character 11"},
    {"metrics.a <> 1", NULL, "character 11"},
    {"metrics.a > 1 -- more", NULL, "character 15"},
    {"start_time > 99999999999999999999", NULL, "64 bits"},
    {"tags.\xff = 'a'", NULL, "UTF-8"},
    {"\xc3\xa4.a = 'a' ", NULL, "character 1"},
    {"  ", NULL, "blanks"},
    {NULL, "metrics.a UP", "order_by, character 11"},
    {NULL, "metrics.a,", "behind the comma"},
    {NULL, "metrics.a, start_time, metrics.`a` DESC", "twice"},
    {NULL, "created, attributes.start_time", "twice"},
    {NULL, "datasets.name", "order_by, character 1"},
    {NULL, "`Run Name`", "order_by"},
    {NULL, "loss DESC", "metrics."},
};

static void what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mlplat_error err = {0};
        mlp_search_sql sql = {0};
        mlplat_status s = compile(bad[i].filter, bad[i].order, &sql, &err);
        mlp_search_sql_free(&sql);
        if (s != MLPLAT_INVALID || !strstr(err.message, bad[i].words))
            fail_msg("%s %s: %s %s", bad[i].filter ? bad[i].filter : "", bad[i].order ? bad[i].order : "",
                     mlplat_status_name(s), err.message);
    }
}

static const struct {
    const char *order, *joins, *sql;
} orders[] = {
    {NULL, "", "r.start_time DESC, r.run_uuid"},
    {"metrics.loss DESC", " LEFT JOIN latest_metrics o0 ON o0.run_uuid = r.run_uuid AND o0.key = ?",
     "CASE WHEN o0.is_nan THEN 1 WHEN o0.value IS NULL THEN 2 ELSE 0 END, o0.value DESC, r.start_time DESC, "
     "r.run_uuid"},
    {"params.depth", " LEFT JOIN params o0", "o0.value IS NULL, o0.value, r.start_time DESC"},
    {"attributes.end_time asc, tags.a desc", " LEFT JOIN tags o1",
     "r.end_time IS NULL, r.end_time, o1.value IS NULL, o1.value DESC, "},
    {"Created", "", "r.start_time IS NULL, r.start_time, r.run_uuid"},
};

static void order_keys_become_sql(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        mlplat_error err = {0};
        mlp_search_sql sql = {0};
        assert_ok(compile(NULL, orders[i].order, &sql, &err));
        if (!strstr(sql.order.data, orders[i].sql) || !strstr(sql.joins.data, orders[i].joins))
            fail_msg("%s: %s / %s", orders[i].order ? orders[i].order : "", sql.joins.data, sql.order.data);
        mlp_search_sql_free(&sql);
    }
}

/* More of them than SQLite takes in a statement. */
static void searches_have_a_size(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_search_sql sql = {0};
    mlp_buf filter = {0}, order = {0};
    for (int i = 0; i < 500; i++)
        mlp_buf_printf(&filter, "%sparams.p%d = 'x'", i ? " AND " : "", i);
    for (int i = 0; i < 50; i++)
        mlp_buf_printf(&order, "%sparams.p%d", i ? ", " : "", i);
    assert_ok(compile(filter.data, order.data, &sql, &err));
    mlp_search_sql_free(&sql);
    mlp_buf_puts(&filter, " AND status = 'FINISHED'");
    assert_status(compile(filter.data, NULL, &sql, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "at most 500"));
    mlp_search_sql_free(&sql);
    mlp_buf_puts(&order, ", status");
    assert_status(compile(NULL, order.data, &sql, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "more than 50"));
    mlp_search_sql_free(&sql);
    mlp_buf_free(&filter);
    mlp_buf_free(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_become_sql_with_bound_values),
        cmocka_unit_test(no_value_of_a_filter_is_in_the_sql),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(order_keys_become_sql),
        cmocka_unit_test(searches_have_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
