/* The sink of the store on a PostgreSQL server by itself: what the database refuses, where memory ends, a server that
 * is there and takes nothing, and what is wrong with opening one. */
#include "base/file.h"
#include "db/db.h"
#include "spool/metric_origin.h"
#include "support/own_postgres.h"
#include "support/scarce_memory.h"
#include "tracking/tracking_db.h"
#include "tracking/tracking_store.h"
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static test_postgres *pg;

typedef struct fixture {
    char *folder;
    char uri[300];
    mlplat *ml;
    mlplat_run *run;
    uint64_t seq; /* of the last record of journal "j" */
} fixture;

static mlplat_status try_open(const fixture *f, const char *uri, mlplat **out, mlplat_error *err)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = uri;
    options.spool_dir = test_path(f->folder, "spool");
    return mlplat_open(&options, out, err);
}

static int setup(void **state)
{
    static int n;
    fixture *f = calloc(1, sizeof *f);
    char name[32];
    mlplat_error err = {0};
    snprintf(name, sizeof name, "sink_%d", ++n);
    f->folder = test_folder_make();
    test_clear_environment();
    test_postgres_create(pg, name, mlp_schema_newest);
    snprintf(f->uri, sizeof f->uri, "%s", test_postgres_uri(pg, name));
    setenv("MLPLAT_ARTIFACT_ROOT", test_path(f->folder, "mlruns"), 1);
    assert_ok(try_open(f, f->uri, &f->ml, &err));
    assert_ok(mlplat_run_start(f->ml, NULL, &f->run, &err));
    assert_ok(mlplat_flush(f->ml, 60000, &err));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    mlplat_run_free(f->run);
    mlplat_close(f->ml);
    unsetenv("MLPLAT_ARTIFACT_ROOT");
    test_folder_remove(f->folder);
    free(f);
    return 0;
}

static mlp_tracking *tracking(mlplat *ml)
{
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    assert_ok(mlp_tracking_of(ml, &t, &err));
    return t;
}

static mlp_record record(fixture *f, mlp_record_kind kind, const char *key, const char *text)
{
    const char *id = mlplat_run_id(f->run);
    return (mlp_record){.kind = kind, .seq = ++f->seq, .run_id = id, .run_id_n = strlen(id), .key = key,
                        .key_n = strlen(key), .text = text, .text_n = strlen(text)};
}

static mlplat_status apply(fixture *f, const mlp_record *r, size_t n, mlp_verdict *verdicts, mlplat_error *err)
{
    mlp_tracking *t = tracking(f->ml);
    mlp_sink sink = t->ops->sink(t->store, &t->spool);
    for (size_t i = 0; i < n; i++)
        verdicts[i] = (mlp_verdict){0};
    return sink.apply(sink.ctx, "j", r, n, verdicts, err);
}

static mlp_verdict verdict_of(fixture *f, const mlp_record *r)
{
    mlplat_error err = {0};
    mlp_verdict verdict;
    assert_ok(apply(f, r, 1, &verdict, &err));
    return verdict;
}

static void points(fixture *f, mlp_record *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = record(f, MLP_RECORD_METRIC, "m", "");
        out[i].value = (double)i;
        out[i].step = (int64_t)i;
        out[i].timestamp_ms = 1700000000000 + (int64_t)i;
    }
}

/* ---- what the database refuses ----------------------------------------------------------------------------------- */

static void of_many_points_only_those_that_are_refused_are_set_aside(void **state)
{
    enum { N = 100 };
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_record r[N];
    mlp_verdict verdicts[N];
    test_postgres_sql(f->uri, "ALTER TABLE metrics ADD CONSTRAINT known CHECK (value NOT IN (13, 66, 67))");
    points(f, r, N);
    assert_ok(apply(f, r, N, verdicts, &err));
    for (int i = 0; i < N; i++)
        assert_int_equal(verdicts[i].status, i == 13 || i == 66 || i == 67 ? MLPLAT_CONFLICT : MLPLAT_OK);
    assert_non_null(strstr(verdicts[13].reason, "\"known\""));
    assert_int_equal(test_postgres_number(f->uri, "SELECT count(*) FROM metrics"), N - 3);
}

static void what_is_wrong_with_the_table_is_no_points_fault(void **state)
{
    enum { N = 10 };
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_record r[N];
    mlp_verdict verdicts[N];
    points(f, r, N);
    test_postgres_sql(f->uri, "ALTER TABLE metrics RENAME TO hidden");
    assert_status(apply(f, r, N, verdicts, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "metrics"));
    test_postgres_sql(f->uri, "ALTER TABLE hidden RENAME TO metrics");
    assert_ok(apply(f, r, N, verdicts, &err));
    assert_int_equal(test_postgres_number(f->uri, "SELECT count(*) FROM metrics"), N);
}

static void more_than_a_slice_is_stored_whole_and_once(void **state)
{
    enum { N = 10000 };
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_record *r = calloc(N, sizeof *r);
    mlp_verdict *verdicts = calloc(N, sizeof *verdicts);
    points(f, r, N);
    for (int i = 0; i < 2; i++)
        assert_ok(apply(f, r, N, verdicts, &err));
    assert_int_equal(test_postgres_number(f->uri, "SELECT count(*) FROM metrics"), N);
    assert_int_equal(test_postgres_number(f->uri, "SELECT value FROM latest_metrics"), N - 1);
    free(r);
    free(verdicts);
}

static void a_metric_of_a_model_that_is_not_there_is_set_aside(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_record r = record(f, MLP_RECORD_METRIC, "m", "");
    json_t *keep = json_array();
    assert_ok(mlp_metric_origin_put("m-0", "digits", "d1", keep, &r, &err));
    assert_int_equal(verdict_of(f, &r).status, MLPLAT_NOT_FOUND);
    assert_int_equal(test_postgres_number(f->uri, "SELECT count(*) FROM metrics"), 0);
    json_decref(keep);
}

static void a_record_that_goes_another_way_is_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_tracking_db_store *store = tracking(f->ml)->store;
    const mlp_record r = record(f, MLP_RECORD_METRIC, "m", "");
    assert_status(mlp_tracking_db_others(store)->put(store, &r, &err), MLPLAT_INVALID);
}

/* ---- where memory ends ------------------------------------------------------------------------------------------- */

/* A record of an artifact: a file of a byte. */
static void file_record(const fixture *f, char *text, size_t n)
{
    struct stat st;
    mlplat_error err = {0};
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "file"), "x", 1, false, &err));
    assert_int_equal(stat(test_path(f->folder, "file"), &st), 0);
    snprintf(text, n, "{\"path\": \"%s\", \"size\": 1, \"changed\": %lld}", test_path(f->folder, "file"),
             (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
}

/* One record with each of its allocations failing once: nothing is set aside, and the next try stores it. */
static void sweep(fixture *f, mlp_record_kind kind, const char *run_id, const char *key, const char *text)
{
    bool reached = true;
    for (long nth = 0; reached; nth++) {
        mlplat_error err = {0};
        mlp_verdict verdict;
        char id[64];
        mlp_record r = record(f, kind, key, text);
        if (run_id) {
            snprintf(id, sizeof id, "%s%ld", run_id, nth);
            r.run_id = id;
            r.run_id_n = strlen(id);
        }
        scarce_memory_begin(nth);
        mlplat_status s = apply(f, &r, 1, &verdict, &err);
        reached = scarce_memory_end();
        if (verdict.status != MLPLAT_OK || (s != MLPLAT_OK && (s != MLPLAT_NO_MEMORY || !reached)))
            fail_msg("kind %d, allocation %ld: %s: %s; %s", (int)kind, nth, mlplat_status_name(s), err.message,
                     verdict.reason);
        if (s != MLPLAT_OK)
            assert_int_equal(verdict_of(f, &r).status, MLPLAT_OK);
    }
}

static void where_memory_ends_no_record_is_set_aside(void **state)
{
    fixture *f = *state;
    char text[900], of_parent[200];
    file_record(f, text, sizeof text);
    snprintf(of_parent, sizeof of_parent, "{\"run_name\": \"n\", \"parent_run_id\": \"%s\"}", mlplat_run_id(f->run));
    sweep(f, MLP_RECORD_CREATE, "named", "", "{\"run_name\": \"n\", \"experiment_name\": \"e\"}");
    sweep(f, MLP_RECORD_CREATE, "told", "",
          "{\"run_name\": \"n\", \"experiment_name\": \"Default\", \"experiment_id\": \"0\"}");
    sweep(f, MLP_RECORD_CREATE, "below", "", of_parent);
    sweep(f, MLP_RECORD_METRIC, NULL, "m", "");
    sweep(f, MLP_RECORD_PARAM, NULL, "p", "v");
    sweep(f, MLP_RECORD_TAG, NULL, "t", "v");
    sweep(f, MLP_RECORD_UNTAG, NULL, "t", "");
    sweep(f, MLP_RECORD_UPDATE, NULL, "", "{\"status\": \"FAILED\"}");
    sweep(f, MLP_RECORD_INPUTS, NULL, "", "{\"datasets\": [{\"dataset\": {\"name\": \"d\", \"digest\": \"1\", "
                                          "\"source_type\": \"local\", \"source\": \"{}\"}}]}");
    sweep(f, MLP_RECORD_NOTE, NULL, "notes", "{\"entry\": 1, \"once\": true}");
    sweep(f, MLP_RECORD_ARTIFACT, NULL, "a.txt", text);
    assert_int_equal(test_postgres_number(f->uri, "SELECT count(*) FROM params"), 1);
    assert_int_equal(test_postgres_number(f->uri, "SELECT count(*) FROM runs WHERE status = 'FAILED'"), 1);
    assert_string_equal(test_postgres_sql(f->uri, "SELECT value FROM tags WHERE key = 'notes'"), "[1]");
    assert_int_equal(test_postgres_number(f->uri, "SELECT count(*) FROM experiments"), 2);
}

/* ---- a server that is away, or there and takes nothing ----------------------------------------------------------- */

static void an_artifact_waits_for_a_server_that_is_away(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_verdict verdict;
    char text[900];
    file_record(f, text, sizeof text);
    const mlp_record r = record(f, MLP_RECORD_ARTIFACT, "a.txt", text);
    test_postgres_kill(pg);
    assert_status(apply(f, &r, 1, &verdict, &err), MLPLAT_UNAVAILABLE);
    assert_int_equal(verdict.status, MLPLAT_OK);
    assert_true(test_postgres_again(pg));
    assert_int_equal(verdict_of(f, &r).status, MLPLAT_OK);
}

#define BUSY                                                                                                           \
    "CREATE FUNCTION busy() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'too many' USING ERRCODE = '53300'; END $$ "   \
    "LANGUAGE plpgsql; CREATE TRIGGER busy BEFORE INSERT ON runs EXECUTE FUNCTION busy()"

/* The server says that there is no such run, and a journal says that it waits. */
static void a_run_that_another_session_could_not_make_yet_is_logged_to(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat *other = NULL;
    mlplat_run *run = NULL, *same = NULL;
    mlplat_doc *doc = NULL;
    const char *delivery = NULL;
    test_postgres_sql(f->uri, BUSY);
    assert_ok(mlplat_run_start(f->ml, NULL, &run, &err));
    const char *id = mlplat_run_id(run);
    assert_ok(try_open(f, f->uri, &other, &err));
    assert_ok(mlplat_run_get(other, id, &doc, &err));
    assert_ok(mlplat_doc_string(doc, "info.delivery", &delivery, &err));
    assert_string_equal(delivery, "waiting");
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_attach(other, id, &same, &err));
    assert_status(mlplat_run_delete(other, id, &err), MLPLAT_STATE);
    assert_ok(mlplat_run_log_text(same, "words", "a.txt", &err));
    test_postgres_sql(f->uri, "DROP TRIGGER busy ON runs");
    assert_ok(mlplat_flush(f->ml, 60000, &err));
    assert_ok(mlplat_flush(other, 60000, &err));
    assert_int_equal(test_postgres_number(f->uri, "SELECT count(*) FROM runs"), 2);
    assert_ok(mlplat_run_get(other, id, &doc, &err));
    assert_status(mlplat_doc_string(doc, "info.delivery", &delivery, &err), MLPLAT_NOT_FOUND);
    mlplat_doc_free(doc);
    mlplat_run_free(same);
    mlplat_run_free(run);
    mlplat_close(other);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void what_is_no_store_is_not_opened(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat *ml = NULL;
    mlp_tracking *t = NULL;
    static const struct {
        const char *uri;
        mlplat_status want;
    } cases[] = {{"postgresql://127.0.0.1/x?no_such_option=1", MLPLAT_INVALID}, {NULL, MLPLAT_NOT_FOUND}};
    test_postgres_sql(f->uri, "ALTER TABLE experiments RENAME TO hidden");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(try_open(f, cases[i].uri ? cases[i].uri : f->uri, &ml, &err));
        assert_status(mlp_tracking_of(ml, &t, &err), cases[i].want);
        mlplat_close(ml);
    }
    test_postgres_sql(f->uri, "ALTER TABLE hidden RENAME TO experiments");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(of_many_points_only_those_that_are_refused_are_set_aside),
        CASE(what_is_wrong_with_the_table_is_no_points_fault),
        CASE(more_than_a_slice_is_stored_whole_and_once),
        CASE(a_metric_of_a_model_that_is_not_there_is_set_aside),
        CASE(a_record_that_goes_another_way_is_refused),
        CASE(where_memory_ends_no_record_is_set_aside),
        CASE(an_artifact_waits_for_a_server_that_is_away),
        CASE(a_run_that_another_session_could_not_make_yet_is_logged_to),
        CASE(what_is_no_store_is_not_opened),
    };
    if (!(pg = test_postgres_start()))
        return 0;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_postgres_stop(pg);
    return failed;
}
