/* Searches over very many runs are done in another way, with metrics in memory: the answers are the same. */
#include "support/scarce_memory.h"
#include "support/support.h"
#include "tracking/tracking_db.h"
#include <math.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { RUNS = 40 };

static const char *const filters[] = {
    NULL,
    "metrics.loss > 5",
    "metrics.loss >= 5 AND metrics.loss < 12",
    "metrics.loss != 5",
    "metrics.loss = 0",
    "metrics.loss <= 3.5 AND metrics.rare > 0",
    "metrics.none > 0",
    "metrics.rare != 1",
    "params.depth = '3'",
    "params.depth != '3' AND metrics.loss > 2",
    "params.depth LIKE '%1'",
    "params.depth ILIKE '1%' AND tags.team = 'x'",
    "tags.team IS NULL AND metrics.loss > 1",
    "tags.team IS NOT NULL",
    "tags.none = 'x'",
    "run_name LIKE 'run-1%' AND metrics.acc > 0.5",
    "attributes.run_name != 'run-3'",
    "status = 'FINISHED' AND metrics.acc > 0.1",
    "metrics.loss < 1e999 AND metrics.loss > -1e999",
};
static const char *const orders[] = {
    NULL,
    "metrics.loss",
    "metrics.loss DESC",
    "metrics.rare DESC, metrics.acc",
    "metrics.none",
    "params.depth, metrics.loss",
};

static void log_runs(mlplat *ml)
{
    mlplat_error err = {0};
    for (int i = 0; i < RUNS; i++) {
        mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
        mlplat_run *run = NULL;
        char name[32], value[32];
        snprintf(name, sizeof name, "run-%d", i);
        snprintf(value, sizeof value, "%d", i % 7);
        o.name = name;
        o.start_time_ms = 1000 + i / 4; /* ties */
        assert_ok(mlplat_run_start(ml, &o, &run, &err));
        double loss = i % 9 == 0 ? (double)NAN : i % 11 == 0 ? (double)INFINITY : i % 10 == 0 ? 0 : i % 13;
        if (i % 5)
            assert_ok(mlplat_run_log_metric(run, "loss", loss, i, &err));
        assert_ok(mlplat_run_log_metric(run, "acc", 1.0 / (i + 1), 0, &err));
        if (i == 7 || i == 21)
            assert_ok(mlplat_run_log_metric(run, "rare", i, 0, &err));
        assert_ok(mlplat_run_log_param(run, "depth", value, &err));
        if (i % 3)
            assert_ok(mlplat_run_set_tag(run, "team", i % 2 ? "x" : "y", &err));
        assert_ok(mlplat_run_end(run, "FINISHED", &err));
        mlplat_run_free(run);
    }
}

static char *answer(mlplat *ml, int64_t many, const char *filter, const char *order, int size)
{
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    mlplat_doc *doc = NULL;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    assert_ok(mlp_tracking_of(ml, &t, &err));
    ((mlp_tracking_db_store *)t->store)->many = many;
    q.filter = filter;
    q.order_by = order;
    q.max_results = size;
    assert_ok(mlplat_run_search(ml, &q, &doc, &err));
    char *text = strdup(mlplat_doc_text(doc));
    mlplat_doc_free(doc);
    return text;
}

static void assert_same(mlplat *ml, const char *filter, const char *order, int size)
{
    char *few = answer(ml, INT64_MAX, filter, order, size), *many = answer(ml, 0, filter, order, size);
    if (strcmp(few, many) != 0)
        fail_msg("%s, %s:\n%s\n%s", filter ? filter : "all", order ? order : "", few, many);
    free(few);
    free(many);
}

static void the_answers_are_the_same(void **state)
{
    mlplat *ml = *state;
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
        for (size_t j = 0; j < sizeof orders / sizeof orders[0]; j++)
            for (int size = 7; size <= 100; size += 93)
                assert_same(ml, filters[i], orders[j], size);
}

static void what_was_logged_since_is_seen(void **state)
{
    mlplat *ml = *state, *other = NULL;
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    mlplat_run *run = NULL;
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    char uri[600];
    free(answer(ml, 0, "metrics.acc > 5", NULL, 10));
    assert_ok(mlplat_run_start(ml, NULL, &run, &err)); /* by this session */
    assert_ok(mlplat_run_log_metric(run, "acc", 6, 0, &err));
    char *text = answer(ml, 0, "metrics.acc > 5", NULL, 10);
    assert_non_null(strstr(text, mlplat_run_id(run)));
    free(text);
    assert_ok(mlp_tracking_of(ml, &t, &err));
    snprintf(uri, sizeof uri, "%s", ((mlp_tracking_db_store *)t->store)->uri);
    o.tracking_uri = uri;
    assert_ok(mlplat_open(&o, &other, &err)); /* and by another one */
    mlplat_run *again = NULL;
    assert_ok(mlplat_run_attach(other, mlplat_run_id(run), &again, &err));
    assert_ok(mlplat_run_log_metric(again, "acc", 4, 1, &err));
    assert_ok(mlplat_flush(other, -1, &err));
    text = answer(ml, 0, "metrics.acc > 5", NULL, 10);
    assert_null(strstr(text, mlplat_run_id(run)));
    free(text);
    mlplat_run_free(again);
    mlplat_close(other);
    assert_same(ml, "metrics.acc > 0.5", "metrics.acc", 100);
    mlplat_run_free(run);
}

/* ---- memory runs out -----------------------------------------------------------------------------------------------
 */

/* Searches of every kind; true: nothing failed. */
static bool search_all(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_search runs = MLPLAT_SEARCH_INIT, experiments = MLPLAT_SEARCH_INIT;
    mlplat_logged_model_query models = MLPLAT_LOGGED_MODEL_QUERY_INIT;
    runs.experiment_ids = "0";
    runs.filter = "metrics.loss > 5 AND params.depth LIKE '%' AND metrics.rare != 1 AND run_id NOT IN ('a', 'b')";
    runs.order_by = "metrics.acc DESC, params.depth";
    runs.max_results = 1;
    experiments.filter = "name LIKE '%' AND experiment_id IN ('0') AND tags.a IS NULL";
    models.filter = "metrics.auc > 0.5 AND name IN ('a')";
    models.datasets = "[{\"dataset_name\": \"a\", \"dataset_digest\": \"b\"}]";
    models.order_by = "[{\"field_name\": \"metrics.auc\", \"dataset_name\": \"a\"}]";
    mlplat_status s = mlplat_run_search(ml, &runs, &doc, &err);
    mlplat_doc_free(s == MLPLAT_OK ? doc : NULL);
    if (s == MLPLAT_OK)
        s = mlplat_experiment_search(ml, &experiments, &doc, &err);
    mlplat_doc_free(s == MLPLAT_OK ? doc : NULL);
    if (s == MLPLAT_OK)
        s = mlplat_logged_model_search(ml, &models, &doc, &err);
    mlplat_doc_free(s == MLPLAT_OK ? doc : NULL);
    if (s != MLPLAT_OK && s != MLPLAT_NO_MEMORY)
        fail_msg("%s: %s", mlplat_status_name(s), err.message);
    return s == MLPLAT_OK;
}

static void no_failed_allocation_breaks_a_search(void **state)
{
    mlplat *ml = *state;
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    assert_ok(mlp_tracking_of(ml, &t, &err));
    mlp_tracking_db_store *store = t->store;
    store->many = 0;
    bool reached = true;
    scarce_memory_on();
    for (long nth = 0; reached; nth++) {
        mlplat_run *run = NULL; /* what is kept is of before */
        assert_ok(mlplat_run_start(ml, NULL, &run, &err));
        mlplat_run_free(run);
        scarce_memory_arm_any(nth);
        bool well = search_all(ml);
        reached = scarce_memory_disarm();
        assert_true(well || reached);
    }
    scarce_memory_off();
    assert_same(ml, "metrics.loss > 5", "metrics.acc", 100);
}

static char *folder;

/* A file that others made may number its rows as it likes. */
static void rows_below_0_are_found(void **state)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(test_path(folder, "mlflow.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_exec(db, "UPDATE runs SET rowid = -rowid WHERE name = 'run-3'", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_same(*state, "metrics.acc > 0.1", "metrics.acc", 100);
}

static int open_session(void **state)
{
    folder = test_folder_make();
    *state = test_open(folder);
    log_runs(*state);
    return 0;
}

static int close_session(void **state)
{
    mlplat_close(*state);
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answers_are_the_same),
        cmocka_unit_test(what_was_logged_since_is_seen),
        cmocka_unit_test(no_failed_allocation_breaks_a_search),
        cmocka_unit_test(rows_below_0_are_found),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
