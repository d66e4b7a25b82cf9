/* The sink of the SQLite store by itself: replays, refusals, and batches that are stored in parts. */
#include "support/support.h"
#include "base/os.h"
#include "spool/metric_origin.h"
#include "support/scarce_memory.h"
#include "tracking/tracking_store.h"
#include <limits.h>
#include <math.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { N = 1000 };

typedef struct fixture {
    char *folder, *id;
    mlplat *ml;
    mlp_sink sink;
    mlp_record records[N];
    char keys[N][16];
    mlp_verdict verdicts[N];
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlp_tracking *t = NULL;
    f->folder = test_folder_make();
    f->ml = test_open(f->folder);
    assert_ok(mlplat_run_start(f->ml, NULL, &run, &err));
    f->id = strdup(mlplat_run_id(run));
    mlplat_run_free(run);
    assert_ok(mlp_tracking_of(f->ml, &t, &err));
    f->sink = t->ops->sink(t->store, &t->spool);
    for (size_t i = 0; i < N; i++) {
        snprintf(f->keys[i], sizeof f->keys[i], "k%zu",
                 i % 300); /* more keys than the table of the latest has room for */
        f->records[i] = (mlp_record){
            .kind = MLP_RECORD_METRIC,
            .seq = i + 1,
            .run_id = f->id,
            .run_id_n = 32,
            .key = f->keys[i],
            .key_n = strlen(f->keys[i]),
            .value = (double)i,
            .step = (int64_t)i,
            .timestamp_ms = 5,
        };
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    mlp_os_replace(NULL);
    mlplat_close(f->ml);
    test_folder_remove(f->folder);
    free(f->id);
    free(f);
    return 0;
}

static int64_t ask(const fixture *f, const char *text)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(test_path(f->folder, "mlflow.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return out;
}

static void apply(fixture *f, const char *journal, size_t from, size_t n)
{
    mlplat_error err = {0};
    memset(f->verdicts, 0xff, sizeof f->verdicts);
    assert_ok(f->sink.apply(f->sink.ctx, journal, f->records + from, n, f->verdicts, &err));
}

static void a_batch_is_stored_once_however_often_it_comes(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    uint64_t mark = 1;
    assert_ok(f->sink.mark(f->sink.ctx, "j", &mark, &err));
    assert_int_equal(mark, 0);
    apply(f, "j", 0, N);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(f->verdicts[i].status, MLPLAT_OK);
    assert_ok(f->sink.mark(f->sink.ctx, "j", &mark, &err));
    assert_int_equal(mark, N);
    apply(f, "j", 500, 500);
    apply(f, "other journal", 0, N); /* the same points through another journal are the same rows */
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), N);
    assert_int_equal(ask(f, "SELECT count(*) FROM latest_metrics"), 300);
    assert_int_equal(ask(f, "SELECT min(step) FROM latest_metrics"), 700);
    assert_ok(f->sink.forget(f->sink.ctx, "j", &err));
    assert_ok(f->sink.mark(f->sink.ctx, "j", &mark, &err));
    assert_int_equal(mark, 0);
}

static void a_replay_does_not_undo_what_others_did_since(void **state)
{
    fixture *f = *state;
    sqlite3 *db = NULL;
    f->records[0].kind = MLP_RECORD_TAG;
    f->records[0].text = "ours";
    f->records[0].text_n = 4;
    apply(f, "j", 0, 1);
    assert_int_equal(sqlite3_open(test_path(f->folder, "mlflow.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE tags SET value = 'theirs' WHERE key = 'k0'", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    apply(f, "j", 0, 2);
    assert_int_equal(ask(f, "SELECT count(*) FROM tags WHERE key = 'k0' AND value = 'theirs'"), 1);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), 1);
}

/* Each look at the clock finds a second gone. */
static _Atomic int64_t hasty_ns;

static int64_t hasty_clock(void)
{
    return atomic_fetch_add(&hasty_ns, 1000000000);
}

/* Another process stands in the queue of writers from our turn's so-many-th look on. Who looks behind himself does not
 * begin at the first place. */
static int looks_alone;

static int locked_in_a_crowd(int fd, off_t from, off_t n, off_t *at)
{
    if (n > 0 || from == 1)
        return mlp_os_default()->locked(fd, from, n, at);
    *at = from;
    return looks_alone-- <= 0;
}

static mlp_os hasty_in_a_crowd(int alone)
{
    mlp_os table = *mlp_os_default();
    table.mono_ns = hasty_clock;
    table.locked = locked_in_a_crowd;
    looks_alone = alone;
    return table;
}

static void run_sql(const fixture *f, const char *text)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(test_path(f->folder, "mlflow.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
    sqlite3_close(db);
}

/* From now on the table `parts` has a row for each transaction that moved a mark. */
static void watch_parts(fixture *f)
{
    apply(f, "first", 0, 1);
    test_let_triggers_run(f->ml);
    run_sql(f, "CREATE TABLE parts (seq INTEGER);"
               "CREATE TRIGGER a AFTER INSERT ON mlplat_journal BEGIN INSERT INTO parts VALUES (new.seq); END;"
               "CREATE TRIGGER b AFTER UPDATE ON mlplat_journal BEGIN INSERT INTO parts VALUES (new.seq); END");
}

static void a_slow_batch_is_stored_in_parts_if_others_wait(void **state)
{
    fixture *f = *state;
    mlp_os table = hasty_in_a_crowd(0);
    watch_parts(f);
    mlp_os_replace(&table);
    apply(f, "j", 0, N);
    mlp_os_replace(NULL);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), N);
    assert_int_equal(ask(f, "SELECT seq FROM mlplat_journal WHERE journal_id = 'j'"), N);
    assert_int_equal(ask(f, "SELECT count(*) FROM latest_metrics WHERE step < 700"), 0);
    assert_in_range(ask(f, "SELECT count(*) FROM parts"), 10, 40);
}

static void a_slow_batch_is_stored_at_once_if_nobody_waits(void **state)
{
    fixture *f = *state;
    mlp_os table = hasty_in_a_crowd(INT_MAX);
    watch_parts(f);
    mlp_os_replace(&table);
    apply(f, "j", 0, N);
    mlp_os_replace(NULL);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), N);
    assert_int_equal(ask(f, "SELECT count(*) FROM parts"), 1);
}

/* What was put in is taken back, and comes again in parts. */
static void whoever_comes_while_a_batch_is_stored_is_let_in(void **state)
{
    fixture *f = *state;
    mlp_os table = hasty_in_a_crowd(3); /* three looks: the beginning and 128 points */
    watch_parts(f);
    f->records[10].kind = MLP_RECORD_TAG;
    f->records[10].text = "once";
    f->records[10].text_n = 4;
    f->records[20].run_id = "ffffffffffffffffffffffffffffffff";
    mlp_os_replace(&table);
    apply(f, "j", 0, N);
    mlp_os_replace(NULL);
    assert_true(looks_alone < 0);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), N - 2);
    assert_int_equal(ask(f, "SELECT count(*) FROM tags WHERE value = 'once'"), 1);
    assert_int_equal(ask(f, "SELECT count(*) FROM latest_metrics WHERE step < 700"), 0);
    assert_int_equal(ask(f, "SELECT seq FROM mlplat_journal WHERE journal_id = 'j'"), N);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(f->verdicts[i].status, i == 20 ? MLPLAT_NOT_FOUND : MLPLAT_OK);
}

/* What was set aside is taken back if its transaction fails: nothing of it may be in one that did not. */
static void nothing_is_in_parts_behind_a_refusal(void **state)
{
    fixture *f = *state;
    mlp_os table = hasty_in_a_crowd(0);
    watch_parts(f);
    f->records[100].run_id = "ffffffffffffffffffffffffffffffff";
    mlp_os_replace(&table);
    apply(f, "j", 0, N);
    mlp_os_replace(NULL);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), N - 1);
    assert_int_equal(ask(f, "SELECT count(*) FROM parts WHERE seq > 100"), 1);
    assert_in_range(ask(f, "SELECT count(*) FROM parts WHERE seq <= 100"), 2, 4);
}

static void a_record_that_the_tables_refuse_is_refused_alone(void **state)
{
    fixture *f = *state;
    test_let_triggers_run(f->ml);
    run_sql(
        f,
        "CREATE TRIGGER stop BEFORE INSERT ON metrics WHEN new.step = 600 BEGIN SELECT raise(ABORT, 'not now'); END");
    apply(f, "j", 0, N);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(f->verdicts[i].status == MLPLAT_OK, i != 600);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), N - 1);
}

static void refusals_are_told_one_by_one_and_the_rest_is_stored(void **state)
{
    static const char unknown[] = "ffffffffffffffffffffffffffffffff";
    fixture *f = *state;
    for (int parts = 0; parts < 2; parts++) {
        mlp_os table = hasty_in_a_crowd(0);
        for (size_t i = 0; i < N; i++)
            f->records[i].run_id = i % 100 == 7 ? unknown : f->id;
        if (parts)
            mlp_os_replace(&table);
        apply(f, parts ? "in parts" : "at once", 0, N);
        mlp_os_replace(NULL);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(f->verdicts[i].status, i % 100 == 7 ? MLPLAT_NOT_FOUND : MLPLAT_OK);
            if (i % 100 == 7)
                assert_non_null(strstr(f->verdicts[i].reason, unknown));
        }
        assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), N - 10);
    }
}

static int64_t no_time(void)
{
    return 1;
}

/* Points that come in any order lie in the table as in its primary key. */
static void a_batch_is_stored_in_the_order_of_the_table(void **state)
{
    fixture *f = *state;
    mlp_os table = *mlp_os_default();
    table.mono_ns = no_time;
    mlp_os_replace(&table);
    apply(f, "first", 0, N); /* it takes no time: from now on the sink takes more at once */
    run_sql(f, "DELETE FROM metrics");
    apply(f, "second", 0, 400);
    mlp_os_replace(NULL);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), 400);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics a JOIN metrics b ON b.rowid = a.rowid + 1 "
                            "WHERE (b.key, b.step) < (a.key, a.step)"),
                     0);
}

/* The latest by step, then time, then value, whatever came last; NaN counts as 0, as in MLflow. */
static void the_latest_value_is_the_latest_whatever_came_last(void **state)
{
    static const struct {
        int64_t step, ms;
        double value;
    } points[] = {{7, 5, 1.0}, {9, 5, 2.0}, {9, 6, -3.0}, {9, 6, (double)NAN}, {9, 6, -0.5}, {8, 9, 9.0}};
    fixture *f = *state;
    for (size_t i = 0; i < 6; i++) {
        f->records[i].key = "k";
        f->records[i].key_n = 1;
        f->records[i].step = points[i].step;
        f->records[i].timestamp_ms = points[i].ms;
        f->records[i].value = points[i].value;
    }
    apply(f, "j", 0, 6);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), 6);
    assert_int_equal(ask(f, "SELECT count(*) FROM latest_metrics WHERE step = 9 AND timestamp = 6 AND is_nan = 1 "
                            "AND value = 0"),
                     1);
}

/* ---- what a metric is of ----------------------------------------------------------------------------------------- */

#ifndef MLPLAT_MINIMAL /* which has no logged models */
static char *make_model(const fixture *f)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    const char *id = NULL;
    assert_ok(mlplat_logged_model_create(f->ml, NULL, &doc, &err));
    assert_ok(mlplat_doc_string(doc, "info.model_id", &id, &err));
    char *out = strdup(id);
    mlplat_doc_free(doc);
    return out;
}

static void a_metric_of_a_model_that_is_not_there_is_refused_alone(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *keep = json_array();
    char *id = make_model(f);
    assert_ok(mlp_metric_origin_put(id, "digits", "d1", keep, &f->records[1], &err));
    assert_ok(mlp_metric_origin_put("m-none", NULL, NULL, keep, &f->records[2], &err));
    apply(f, "j", 0, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(f->verdicts[i].status, i == 2 ? MLPLAT_NOT_FOUND : MLPLAT_OK);
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), 3);
    assert_int_equal(ask(f, "SELECT count(*) FROM logged_model_metrics WHERE dataset_name = 'digits'"), 1);
    json_decref(keep);
    free(id);
}

static void where_memory_ends_a_metric_of_a_model_is_stored_at_the_next_try(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *keep = json_array();
    char *id = make_model(f);
    bool reached = true;
    long nth = 0;
    for (; reached; nth++) {
        assert_true(nth < N);
        assert_ok(mlp_metric_origin_put(id, "digits", "d1", keep, &f->records[nth], &err));
        f->verdicts[0] = (mlp_verdict){0};
        scarce_memory_begin(nth);
        mlplat_status s = f->sink.apply(f->sink.ctx, "j", &f->records[nth], 1, f->verdicts, &err);
        reached = scarce_memory_end();
        assert_int_equal(f->verdicts[0].status, MLPLAT_OK);
        assert_true(s == MLPLAT_OK || (reached && s == MLPLAT_NO_MEMORY));
        apply(f, "j", (size_t)nth, 1);
        assert_int_equal(f->verdicts[0].status, MLPLAT_OK);
    }
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), nth);
    assert_int_equal(ask(f, "SELECT count(*) FROM logged_model_metrics"), nth);
    json_decref(keep);
    free(id);
}
#endif

/* ---- how much it asks for ---------------------------------------------------------------------------------------- */

static void a_batch_with_few_points_of_each_metric_makes_the_next_one_larger(void **state)
{
    enum { FULL = 4096, LARGER = 16384 };
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_record *records = calloc(FULL, sizeof *records);
    mlp_verdict *verdicts = calloc(FULL, sizeof *verdicts);
    char(*keys)[16] = calloc(FULL, sizeof *keys);
    for (int few = 1; few >= 0; few--) {
        for (size_t i = 0; i < FULL; i++) {
            records[i] = f->records[0];
            records[i].seq = i + 1;
            snprintf(keys[i], sizeof keys[i], "k%zu", few ? i : 0);
            records[i].key = keys[i];
            records[i].key_n = strlen(keys[i]);
            records[i].step = (int64_t)i;
        }
        assert_ok(f->sink.apply(f->sink.ctx, few ? "j" : "k", records, FULL, verdicts, &err));
        assert_int_equal(f->sink.appetite(f->sink.ctx), few ? LARGER : FULL);
    }
    assert_int_equal(ask(f, "SELECT count(*) FROM metrics"), 2 * FULL - 1); /* the first points of both are one */
    free(records);
    free(verdicts);
    free(keys);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_batch_is_stored_once_however_often_it_comes),
        CASE(a_replay_does_not_undo_what_others_did_since),
        CASE(a_slow_batch_is_stored_in_parts_if_others_wait),
        CASE(a_slow_batch_is_stored_at_once_if_nobody_waits),
        CASE(whoever_comes_while_a_batch_is_stored_is_let_in),
        CASE(nothing_is_in_parts_behind_a_refusal),
        CASE(a_record_that_the_tables_refuse_is_refused_alone),
        CASE(a_batch_is_stored_in_the_order_of_the_table),
        CASE(the_latest_value_is_the_latest_whatever_came_last),
#ifndef MLPLAT_MINIMAL
        CASE(a_metric_of_a_model_that_is_not_there_is_refused_alone),
        CASE(where_memory_ends_a_metric_of_a_model_is_stored_at_the_next_try),
#endif
        CASE(a_batch_with_few_points_of_each_metric_makes_the_next_one_larger),
        CASE(refusals_are_told_one_by_one_and_the_rest_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
