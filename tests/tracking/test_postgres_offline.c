/* A PostgreSQL server that is away: what is made and logged meanwhile has its id at once, is read from its records, and
 * is there once, when the server is back. */
#include "base/clock.h"
#include "contract/tracking_fixture.h"
#include "db/db.h"
#include "support/own_postgres.h"
#include "support/scarce_memory.h"
#include "tracking/offline.h"
#include "tracking/tracking_store.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static test_postgres *pg;

typedef struct scene {
    char *folder;
    char uri[300];
    mlplat *ml;
} scene;

static mlplat *open_session(const scene *s)
{
    mlplat_error err = {0};
    mlplat *ml = NULL;
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = s->uri;
    options.spool_dir = test_path(s->folder, "spool");
    assert_ok(mlplat_open(&options, &ml, &err));
    return ml;
}

static int scene_setup(void **state)
{
    static int n;
    scene *s = calloc(1, sizeof *s);
    char name[32];
    snprintf(name, sizeof name, "away_%d", ++n);
    s->folder = test_folder_make();
    test_clear_environment();
    test_postgres_create(pg, name, mlp_schema_newest);
    snprintf(s->uri, sizeof s->uri, "%s", test_postgres_uri(pg, name));
    setenv("MLPLAT_ARTIFACT_ROOT", test_path(s->folder, "mlruns"), 1);
    *state = s;
    return 0;
}

static void back(void)
{
    assert_true(test_postgres_again(pg));
}

static int scene_teardown(void **state)
{
    scene *s = *state;
    mlplat_close(s->ml);
    unsetenv("MLPLAT_ARTIFACT_ROOT");
    unsetenv("MLPLAT_CLOSE_TIMEOUT_MS");
    test_folder_remove(s->folder);
    free(s);
    return 0;
}

/* The server dies, and a session is opened that never saw it. */
static void open_away(scene *s)
{
    test_postgres_kill(pg);
    s->ml = open_session(s);
}

static mlplat_run *start_in(scene *s, const char *name, const char *experiment, const char *parent)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.name = name;
    o.experiment = experiment;
    o.parent_run_id = parent;
    o.tags = "{\"team\": \"a\", \"gone\": \"soon\"}";
    assert_ok(mlplat_run_start(s->ml, &o, &run, &err));
    return run;
}

static void deliver(scene *s)
{
    mlplat_error err = {0};
    assert_ok(mlplat_flush(s->ml, 60000, &err));
}

/* The first value of a query with the run's id in it. */
static const char *ask(const scene *s, const char *format, const char *run_id)
{
    char sql[600];
    snprintf(sql, sizeof sql, format, run_id);
    return test_postgres_sql(s->uri, sql);
}

static void log_all(mlplat_run *run)
{
    mlplat_error err = {0};
    static const double values[] = {3, 1, 2};
    static const int64_t steps[] = {0, 2, 1}, times[] = {10, 30, 20};
    assert_ok(mlplat_run_log_metrics(run, "loss", steps, times, values, 3, &err));
    assert_ok(mlplat_run_log_param(run, "depth", "6", &err));
    assert_ok(mlplat_run_log_batch(run, "{\"params\": {\"width\": \"7\"}, \"tags\": {\"phase\": \"late\"}}", &err));
    assert_ok(mlplat_run_delete_tag(run, "gone", &err));
    assert_ok(mlplat_run_delete_tag(run, "never", &err)); /* is gone already */
    assert_ok(mlplat_run_log_inputs(run,
                                    "{\"datasets\": [{\"dataset\": {\"name\": \"d\", \"digest\": \"1\", "
                                    "\"source_type\": \"local\", \"source\": \"{}\"}}]}",
                                    &err));
    assert_ok(mlplat_run_log_text(run, "words", "notes/a.txt", &err));
}

static void what_is_made_and_logged_meanwhile_is_there_once_under_its_id(void **state)
{
    scene *s = *state;
    open_away(s);
    mlplat_run *run = start_in(s, "first", "made later", NULL);
    const char *id = mlplat_run_id(run);
    log_all(run);
    mlplat_doc *doc = get(s->ml, run);
    assert_string_equal(text_at(doc, "info.delivery"), "waiting");
    assert_string_equal(text_at(doc, "info.run_id"), id);
    assert_string_equal(text_at(doc, "info.experiment_name"), "made later");
    assert_string_equal(pair(doc, "data.params", "width"), "7");
    assert_null(pair(doc, "data.tags", "gone"));
    mlplat_doc_free(doc);
    doc = history(s->ml, run, "loss");
    assert_int_equal(int_at(doc, "metrics[2].timestamp"), 30);
    mlplat_doc_free(doc);
    mlplat_error err = {0};
    assert_ok(mlplat_run_end(run, NULL, &err));
    back();
    deliver(s);
    doc = get(s->ml, run);
    assert_false(has(doc, "info.delivery"));
    assert_string_equal(text_at(doc, "info.run_id"), id);
    assert_string_equal(text_at(doc, "info.status"), "FINISHED");
    assert_string_equal(pair(doc, "data.params", "depth"), "6");
    assert_string_equal(pair(doc, "data.tags", "phase"), "late");
    assert_string_equal(pair(doc, "data.tags", "team"), "a");
    assert_null(pair(doc, "data.tags", "gone"));
    assert_int_equal(size_at(doc, "inputs.dataset_inputs"), 1);
    mlplat_doc_free(doc);
    assert_string_equal(ask(s, "SELECT e.name FROM runs JOIN experiments e USING (experiment_id) WHERE run_uuid = '%s'",
                            id),
                        "made later");
    assert_string_equal(ask(s, "SELECT count(*) FROM metrics WHERE run_uuid = '%s'", id), "3");
    assert_int_equal(test_postgres_number(s->uri, "SELECT count(*) FROM runs"), 1);
    char uri[100];
    snprintf(uri, sizeof uri, "runs:/%s/notes", id);
    assert_ok(mlplat_artifact_list(s->ml, uri, &doc, &err));
    assert_int_equal(size_at(doc, "files"), 1);
    mlplat_doc_free(doc);
    mlplat_run_free(run);
}


#define wait_until(condition)                                                                                          \
    do {                                                                                                               \
        int64_t begun = mlp_clock_mono_ns();                                                                           \
        while (!(condition)) {                                                                                         \
            assert_true(mlp_clock_mono_ns() - begun < INT64_C(60000000000));                                           \
            mlp_clock_sleep_ms(10);                                                                                    \
        }                                                                                                              \
    } while (0)

/* ---- a server that dies on the way ------------------------------------------------------------------------------- */

static void a_training_goes_on_and_what_it_changed_is_a_dead_letter(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    mlplat_spool_counts counts = {.size = sizeof counts};
    s->ml = open_session(s);
    mlplat_run *run = start_in(s, "goes on", "e", NULL);
    assert_ok(mlplat_run_log_param(run, "depth", "6", &err));
    deliver(s);
    test_postgres_kill(pg);
    assert_ok(mlplat_run_log_param(run, "depth", "7", &err));
    assert_ok(mlplat_run_log_param(run, "width", "7", &err));
    assert_ok(mlplat_run_log_metric(run, "m", 1, 0, &err));
    mlplat_run *later = start_in(s, "later", "e", mlplat_run_id(run));
    assert_ok(mlplat_run_log_metric(later, "m", 2, 0, &err));
    assert_ok(mlplat_run_end(later, "FAILED", &err));
    assert_ok(mlplat_run_end(run, NULL, &err));
    back();
    deliver(s);
    assert_ok(mlplat_spool_count(s->ml, &counts, &err));
    assert_int_equal(counts.dead, 1);
    mlplat_doc *doc = get(s->ml, run);
    assert_string_equal(pair(doc, "data.params", "depth"), "6");
    assert_string_equal(pair(doc, "data.params", "width"), "7");
    assert_string_equal(text_at(doc, "info.status"), "FINISHED");
    mlplat_doc_free(doc);
    doc = get(s->ml, later);
    assert_string_equal(text_at(doc, "info.status"), "FAILED");
    assert_string_equal(pair(doc, "data.tags", "mlflow.parentRunId"), mlplat_run_id(run));
    mlplat_doc_free(doc);
    assert_int_equal(test_postgres_number(s->uri, "SELECT count(*) FROM runs"), 2);
    mlplat_run_free(later);
    mlplat_run_free(run);
}

static void closing_has_a_limit_and_the_next_one_delivers_the_rest(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char id[64];
    setenv("MLPLAT_CLOSE_TIMEOUT_MS", "300", 1);
    open_away(s);
    mlplat_run *run = start_in(s, "left", "e", NULL);
    snprintf(id, sizeof id, "%s", mlplat_run_id(run));
    assert_ok(mlplat_run_log_metric(run, "m", 1, 0, &err));
    mlplat_run_free(run);
    int64_t began = (mlp_clock_mono_ns() / 1000000);
    mlplat_close(s->ml);
    assert_in_range((mlp_clock_mono_ns() / 1000000) - began, 300, 3000);
    s->ml = open_session(s); /* it waits in a journal that nobody has, and is read from there */
    assert_ok(mlplat_run_get(s->ml, id, &doc, &err));
    assert_string_equal(text_at(doc, "info.delivery"), "waiting");
    mlplat_doc_free(doc);
    assert_ok(mlplat_metric_history(s->ml, id, "m", 0, NULL, &doc, &err));
    assert_int_equal(size_at(doc, "metrics"), 1);
    mlplat_doc_free(doc);
    assert_status(mlplat_run_get(s->ml, "0123456789abcdef0123456789abcdef", &doc, &err), MLPLAT_UNAVAILABLE);
    back();
    assert_ok(mlplat_spool_sync(s->ml, &doc, &err));
    mlplat_doc_free(doc);
    wait_until(strcmp(ask(s, "SELECT count(*) FROM metrics WHERE run_uuid = '%s'", id), "1") == 0);
    assert_ok(mlplat_run_get(s->ml, id, &doc, &err));
    assert_false(has(doc, "info.delivery"));
    mlplat_doc_free(doc);
}

/* ---- while it waits ---------------------------------------------------------------------------------------------- */

static void a_run_that_waits_is_changed_and_not_deleted(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    open_away(s);
    mlplat_run *run = start_in(s, "first", NULL, NULL), *more = NULL;
    const char *id = mlplat_run_id(run);
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    change.name = "second";
    assert_ok(mlplat_run_update(s->ml, id, &change, &err));
    assert_status(mlplat_run_delete(s->ml, id, &err), MLPLAT_STATE);
    assert_non_null(strstr(err.message, "mlplat spool sync"));
    assert_status(mlplat_run_restore(s->ml, id, &err), MLPLAT_STATE);
    assert_ok(mlplat_run_log_metric(run, "m", 1, 4, &err));
    assert_ok(mlplat_run_attach(s->ml, id, &more, &err)); /* steps go on */
    assert_ok(mlplat_run_log_metric(more, "m", 2, MLPLAT_STEP_AUTO, &err));
    mlplat_run_free(more);
    back();
    deliver(s);
    assert_string_equal(ask(s, "SELECT name FROM runs WHERE run_uuid = '%s'", id), "second");
    assert_string_equal(ask(s, "SELECT experiment_id FROM runs WHERE run_uuid = '%s'", id), "0");
    assert_string_equal(ask(s, "SELECT step FROM latest_metrics WHERE run_uuid = '%s'", id), "5");
    end(run);
}

static void look_at_points(scene *s, const char *id, size_t n)
{
    mlplat_error err = {0};
    mlp_metric_points points = {0};
    mlp_buckets buckets = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlp_points_read(s->ml, id, "loss", MLP_POINTS_ALL, NULL, &points, &err));
    assert_int_equal(points.n, n);
    assert_true(points.values[0] == 3 && points.times[n - 1] == 30 && points.steps[n - 1] == 2);
    mlp_points_free(&points);
    assert_ok(mlp_metric_buckets(s->ml, id, "loss", 2, false, &buckets, &err));
    assert_int_equal(buckets.n_points, n);
    assert_int_equal(buckets.high, 2);
    mlp_buckets_free(&buckets);
    assert_ok(mlplat_metric_history(s->ml, id, "loss", 2, NULL, &doc, &err));
    assert_int_equal(size_at(doc, "metrics"), 2);
    assert_true(has(doc, "next_page_token"));
    mlplat_doc_free(doc);
}

/* Of this process and of another one, which does not know of it. */
static void points_of_a_run_that_waits_are_read_from_its_records(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    open_away(s);
    mlplat_run *run = start_in(s, "first", "e", NULL);
    const char *id = mlplat_run_id(run);
    log_all(run);
    look_at_points(s, id, 3);
    scene other = *s;
    other.ml = open_session(s);
    look_at_points(&other, id, 3);
    change.status = "KILLED";
    assert_ok(mlplat_run_update(other.ml, id, &change, &err)); /* behind its records */
    assert_status(mlplat_run_delete(other.ml, id, &err), MLPLAT_STATE);
    back();
    deliver(s);
    deliver(&other);
    look_at_points(&other, id, 3);
    look_at_points(s, id, 3);
    assert_string_equal(ask(s, "SELECT status FROM runs WHERE run_uuid = '%s'", id), "KILLED");
    assert_ok(mlplat_run_delete(other.ml, id, &err));
    assert_ok(mlplat_run_restore(other.ml, id, &err));
    mlplat_close(other.ml);
    mlplat_run_free(run);
}

/* Runs call with each of its allocations failing once: OK, or NO_MEMORY. */
static void sweep(scene *s, const char *id, mlplat_status (*call)(mlplat *ml, const char *id, mlplat_error *err))
{
    bool reached = true;
    for (long nth = 0; reached; nth++) {
        mlplat_error err = {0};
        scarce_memory_begin(nth);
        mlplat_status status = call(s->ml, id, &err);
        reached = scarce_memory_end();
        if (status != MLPLAT_OK && status != MLPLAT_NO_MEMORY)
            fail_msg("allocation %ld: %s: %s", nth, mlplat_status_name(status), err.message);
    }
}

static mlplat_status get_it(mlplat *ml, const char *id, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_run_get(ml, id, &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status read_it(mlplat *ml, const char *id, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlp_metric_points points = {0};
    mlp_buckets buckets = {0};
    mlplat_status s = mlplat_metric_history(ml, id, "loss", 0, NULL, &doc, err);
    if (s == MLPLAT_OK)
        s = mlp_points_read(ml, id, "loss", MLP_POINTS_ALL, NULL, &points, err);
    if (s == MLPLAT_OK)
        s = mlp_metric_buckets(ml, id, "loss", 2, true, &buckets, err);
    mlp_points_free(&points);
    mlp_buckets_free(&buckets);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status make_one(mlplat *ml, const char *id, mlplat_error *err)
{
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.parent_run_id = id;
    mlplat_status s = mlplat_run_start(ml, &o, &run, err);
    mlplat_run_free(run);
    return s;
}

static void where_memory_ends_that_is_told(void **state)
{
    scene *s = *state;
    mlplat_spool_counts counts = {.size = sizeof counts};
    mlplat_error err = {0};
    open_away(s);
    mlplat_run *run = start_in(s, "first", "e", NULL);
    log_all(run);
    sweep(s, mlplat_run_id(run), get_it);
    sweep(s, mlplat_run_id(run), read_it);
    sweep(s, mlplat_run_id(run), make_one);
    back();
    deliver(s);
    assert_ok(mlplat_spool_count(s->ml, &counts, &err));
    assert_int_equal(counts.dead, 0);
    end(run);
}

typedef struct inherited {
    char uri[300], folder[1024], run_id[64];
} inherited;

static test_child child;

static int log_of_child(const void *words)
{
    const inherited *from = words;
    mlplat_error err = {0};
    mlplat_run *mine = NULL;
    scene s = {.folder = (char *)from->folder};
    snprintf(s.uri, sizeof s.uri, "%s", from->uri);
    test_clear_environment();
    setenv("MLPLAT_ARTIFACT_ROOT", test_path(s.folder, "mlruns"), 1);
    bool good = mlplat_run_attach(open_session(&s), from->run_id, &mine, &err) == MLPLAT_OK &&
                mlplat_run_log_text(mine, "words", "of_child.txt", &err) == MLPLAT_OK &&
                mlplat_run_log_metric(mine, "of_child", 1, 0, &err) == MLPLAT_OK;
    return test_told(good ? MLPLAT_OK : err.status, &err); /* and is gone, as if killed */
}

/* A child logs to the run and is killed; what it left is stored before the run's own records are. */
static void a_child_logs_to_the_run_of_its_parent(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    inherited words = {0};
    open_away(s);
    mlplat_run *above = start_in(s, "above", "e", NULL), *run = start_in(s, "first", NULL, mlplat_run_id(above));
    const char *id = mlplat_run_id(run);
    snprintf(words.uri, sizeof words.uri, "%s", s->uri);
    snprintf(words.folder, sizeof words.folder, "%s", s->folder);
    snprintf(words.run_id, sizeof words.run_id, "%s", id);
    test_child_work(&child, &words, sizeof words);
    doc = get(s->ml, run);
    assert_string_equal(text_at(doc, "data.metrics[0].key"), "of_child");
    mlplat_doc_free(doc);
    mlplat *other = open_session(s);
    back();
    assert_ok(mlplat_spool_sync(other, &doc, &err));
    mlplat_doc_free(doc);
    wait_until(strcmp(ask(s, "SELECT count(*) FROM metrics WHERE run_uuid = '%s'", id), "1") == 0);
    mlplat_close(other);
    deliver(s);
    assert_int_equal(test_postgres_number(s->uri, "SELECT count(*) FROM runs"), 2);
    assert_string_equal(ask(s, "SELECT e.name FROM runs JOIN experiments e USING (experiment_id) WHERE run_uuid = '%s'",
                            id),
                        "e");
    end(run);
    end(above);
}

/* ---- what it refuses --------------------------------------------------------------------------------------------- */

static void append(scene *s, mlp_record_kind kind, const char *id, const char *key, const char *text)
{
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    const mlp_record record = {.kind = kind, .run_id = id, .run_id_n = strlen(id), .key = key, .key_n = strlen(key),
                               .text = text, .text_n = strlen(text)};
    assert_ok(mlp_tracking_of(s->ml, &t, &err));
    assert_ok(mlp_spool_append(t->spool, &record, 1, MLPLAT_DURABILITY_DEFAULT, &err));
}

static void what_will_never_pass_is_a_dead_letter_and_the_rest_goes_on(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    mlplat_spool_counts counts = {.size = sizeof counts};
    s->ml = open_session(s);
    mlplat_run *run = start_in(s, "first", "e", NULL);
    const char *id = mlplat_run_id(run);
    static const char *const creations[] = {
        "{}", "no document", "{\"run_name\": \"n\", \"experiment_id\": \"777\"}",
        "{\"run_name\": \"n\", \"parent_run_id\": \"nobody\"}"};
    for (size_t i = 0; i < sizeof creations / sizeof creations[0]; i++) {
        char made[40];
        snprintf(made, sizeof made, "0ff11e0000008000000000000000000%zu", i);
        append(s, MLP_RECORD_CREATE, made, "", creations[i]);
        append(s, MLP_RECORD_METRIC, made, "m", ""); /* goes where its run does */
    }
    append(s, MLP_RECORD_NOTE, id, "team", "{\"entry\": 1}"); /* the tag is no list */
    append(s, MLP_RECORD_UPDATE, id, "", "no document");
    append(s, MLP_RECORD_ARTIFACT, id, "a.txt", "{}");
    append(s, MLP_RECORD_ARTIFACT, "nobody", "a.txt", "{}");
    assert_ok(mlplat_run_log_outputs(run, "{\"models\": [{\"model_id\": \"m-1\"}, {\"model_id\": \"m-1\"}]}", &err));
    assert_ok(mlplat_run_log_metric(run, "m", 1, 0, &err));
    deliver(s);
    assert_ok(mlplat_spool_count(s->ml, &counts, &err));
    assert_int_equal(counts.dead, 8 + 5);
    assert_int_equal(test_postgres_number(s->uri, "SELECT count(*) FROM metrics"), 1);
    assert_int_equal(test_postgres_number(s->uri, "SELECT count(*) FROM runs"), 1);
    end(run);
}

static void a_run_goes_to_the_experiment_that_was_told_or_else_to_one_of_its_name(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    char *told = NULL, text[200];
    s->ml = open_session(s);
    assert_ok(mlplat_experiment_ensure(s->ml, "before", &told, &err));
    assert_ok(mlplat_experiment_rename(s->ml, told, "after", &err));
    snprintf(text, sizeof text, "{\"run_name\": \"n\", \"experiment_id\": \"%s\", \"experiment_name\": \"before\"}",
             told);
    append(s, MLP_RECORD_CREATE, "told", "", text);
    append(s, MLP_RECORD_CREATE, "lost", "",
           "{\"run_name\": \"n\", \"experiment_id\": \"777\", \"experiment_name\": \"before\"}");
    append(s, MLP_RECORD_CREATE, "lost", "", "{\"run_name\": \"n\"}"); /* is there */
    deliver(s);
    assert_string_equal(ask(s, "SELECT experiment_id FROM runs WHERE run_uuid = '%s'", "told"), told);
    assert_string_equal(ask(s, "SELECT e.name FROM runs JOIN experiments e USING (experiment_id) WHERE run_uuid = '%s'",
                            "lost"),
                        "before");
    assert_int_equal(test_postgres_number(s->uri, "SELECT count(*) FROM runs"), 2);
    mlplat_free(told);
}

/* ---- a server that is another than was thought ------------------------------------------------------------------- */

static void a_database_without_tables_takes_nothing_and_loses_nothing(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    test_postgres_sql(s->uri, "ALTER TABLE experiments RENAME TO hidden");
    open_away(s);
    mlplat_run *run = start_in(s, "first", "e", NULL);
    back();
    assert_status(mlplat_flush(s->ml, 3000, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "mlflow db upgrade"));
    assert_status(mlplat_experiment_get(s->ml, "0", &doc, &err), MLPLAT_NOT_FOUND);
    test_postgres_sql(s->uri, "ALTER TABLE hidden RENAME TO experiments");
    deliver(s);
    assert_int_equal(test_postgres_number(s->uri, "SELECT count(*) FROM runs"), 1);
    end(run);
}

static void an_empty_store_gets_its_first_experiment_when_it_is_there(void **state)
{
    scene *s = *state;
    test_postgres_sql(s->uri, "DELETE FROM experiments");
    open_away(s);
    mlplat_run *run = start_in(s, "first", NULL, NULL);
    back();
    deliver(s);
    assert_string_equal(ask(s, "SELECT experiment_id FROM runs WHERE run_uuid = '%s'", mlplat_run_id(run)), "0");
    assert_string_equal(test_postgres_sql(s->uri, "SELECT name FROM experiments"), "Default");
    end(run);
}

static void a_role_that_may_keep_no_marks_is_told_so_when_the_server_is_there(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    char owner[300];
    snprintf(owner, sizeof owner, "%s", s->uri);
    test_postgres_sql(owner, "REVOKE CREATE ON SCHEMA public FROM PUBLIC; DROP ROLE IF EXISTS late_reader; "
                             "CREATE ROLE late_reader LOGIN; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO "
                             "late_reader");
    snprintf(s->uri, sizeof s->uri, "postgresql://late_reader%s", strchr(owner, '@'));
    open_away(s);
    mlplat_run *run = start_in(s, "first", NULL, NULL);
    back();
    assert_status(mlplat_flush(s->ml, 5000, &err), MLPLAT_DENIED);
    assert_non_null(strstr(err.message, "mlplat_journal"));
    test_postgres_sql(owner, "GRANT ALL ON SCHEMA public TO late_reader; GRANT ALL ON ALL TABLES IN SCHEMA public TO "
                             "late_reader");
    deliver(s);
    assert_int_equal(test_postgres_number(owner, "SELECT count(*) FROM runs"), 1);
    end(run);
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_made_and_logged_meanwhile_is_there_once_under_its_id),
        CASE(a_training_goes_on_and_what_it_changed_is_a_dead_letter),
        CASE(closing_has_a_limit_and_the_next_one_delivers_the_rest),
        CASE(a_run_that_waits_is_changed_and_not_deleted),
        CASE(points_of_a_run_that_waits_are_read_from_its_records),
        CASE(where_memory_ends_that_is_told),
        CASE(a_child_logs_to_the_run_of_its_parent),
        CASE(what_will_never_pass_is_a_dead_letter_and_the_rest_goes_on),
        CASE(a_run_goes_to_the_experiment_that_was_told_or_else_to_one_of_its_name),
        CASE(a_database_without_tables_takes_nothing_and_loses_nothing),
        CASE(an_empty_store_gets_its_first_experiment_when_it_is_there),
        CASE(a_role_that_may_keep_no_marks_is_told_so_when_the_server_is_there),
    };
    child = test_child_make(log_of_child, sizeof(inherited));
    if (!(pg = test_postgres_start()))
        return 0;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_postgres_stop(pg);
    return failed;
}
