/* A second store that is given what is logged as well. With a real server: tests/integration/test_mirror.py. */
#define CONTRACT_OPEN test_open
#include "contract/contract_fixture.h"
#include "support/loopback.h"
#include "support/scarce_memory.h"
#include "tracking/offline.h"
#include "tracking/tracking_store.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SERVERS "0123456789abcdef0123456789abcdef"
#define RUN                                                                                                            \
    "{\"run\": {\"info\": {\"run_id\": \"" SERVERS "\", \"run_name\": \"n\", "                                         \
    "\"experiment_id\": \"7\", \"lifecycle_stage\": \"active\", \"user_id\": \"ann\", "                                \
    "\"start_time\": 5}, \"data\": {\"tags\": [{\"key\": \"team\", \"value\": \"a\"}]}}}"
#define EXPERIMENT "{\"experiment\": {\"experiment_id\": \"7\", \"name\": \"far\", \"lifecycle_stage\": \"active\"}}"

typedef struct scene {
    char *folder;
    loopback *server;
    char file[1100], copy[1100], http[64];
    mlplat *ml;
    char said[2000]; /* by the log */
} scene;

static void note(void *user, mlplat_log_level level, const char *line)
{
    scene *s = user;
    (void)level;
    strncat(s->said, line, sizeof s->said - strlen(s->said) - 1);
}

static mlplat_status try_open_both(scene *s, const char *store, const char *mirror, mlplat **out, mlplat_error *err)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = store;
    options.mirror_uri = mirror;
    options.spool_dir = test_path(s->folder, "spool");
    options.close_timeout_ms = 200;
    options.log = note;
    options.user = s;
    return mlplat_open(&options, out, err);
}

static mlplat *open_both(scene *s, const char *store, const char *mirror)
{
    mlplat_error err = {0};
    mlplat *ml = NULL;
    assert_ok(try_open_both(s, store, mirror, &ml, &err));
    return ml;
}

/* What follows may fail, and the end of the test closes what is open. */
static void close_both(scene *s)
{
    mlplat_close(s->ml);
    s->ml = NULL;
}

static int setup_scene(void **state)
{
    scene *s = calloc(1, sizeof *s);
    s->folder = test_folder_make();
    s->server = loopback_start();
    snprintf(s->file, sizeof s->file, "sqlite:///%s", test_path(s->folder, "store.db"));
    snprintf(s->copy, sizeof s->copy, "sqlite:///%s", test_path(s->folder, "copy.db"));
    snprintf(s->http, sizeof s->http, "http://127.0.0.1:%d", loopback_port(s->server));
    test_clear_environment();
    setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1", 1);
    setenv("XDG_STATE_HOME", s->folder, 1);
    *state = s;
    return 0;
}

static int teardown_scene(void **state)
{
    scene *s = *state;
    mlplat_close(s->ml);
    loopback_stop(s->server);
    test_folder_remove(s->folder);
    unsetenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES");
    unsetenv("XDG_STATE_HOME");
    free(s);
    return 0;
}
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_scene, teardown_scene)

/* A server that has one run, and takes what it is given. */
static void answers(scene *s, const char *experiment)
{
    const loopback_step steps[] = {
        {.on = "experiments/get-by-name", .json = EXPERIMENT},
        {.on = "experiments/get?",
         .status = experiment ? "200 OK" : "503 Away",
         .json = experiment ? experiment : "{}"},
        {.on = "runs/search", .json = "{\"runs\": []}"},
        {.on = "runs/create", .json = RUN},
        {.on = "runs/get", .json = RUN},
    };
    loopback_script(s->server, steps, sizeof steps / sizeof steps[0]);
}

static void away(scene *s)
{
    static const loopback_step step = {.on = "/", .status = "503 Away", .json = "{}"};
    loopback_script(s->server, &step, 1);
}

/* How many requests had this anywhere. */
static size_t sent(scene *s, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < loopback_requests(s->server); i++) {
        char *request = loopback_request(s->server, i);
        n += strstr(request, part) != NULL;
        free(request);
    }
    return n;
}

static bool has_http(scene *s)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat *ml = open_both(s, s->http, NULL);
    answers(s, EXPERIMENT);
    bool no = mlplat_experiment_get_by_name(ml, "far", &doc, &err) == MLPLAT_UNSUPPORTED;
    mlplat_doc_free(doc);
    mlplat_close(ml);
    return !no;
}
#define NEEDS_HTTP(s)                                                                                                  \
    do {                                                                                                               \
        if (!has_http(s)) {                                                                                            \
            print_message("no libcurl here\n");                                                                        \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

static void log_all(mlplat_run *run)
{
    static const double values[] = {1, 2, 3, 4};
    mlplat_error err = {0};
    assert_ok(mlplat_run_log_metric(run, "loss", 0.5, 3, &err));
    assert_ok(mlplat_run_log_metrics(run, "curve", NULL, NULL, values, 4, &err));
    assert_ok(mlplat_run_log_param(run, "depth", "6", &err));
    assert_ok(mlplat_run_set_tag(run, "phase", "late", &err));
    assert_ok(mlplat_run_set_tag(run, "gone", "soon", &err));
    assert_ok(mlplat_run_delete_tag(run, "gone", &err));
    assert_ok(mlplat_run_log_batch(run, "{\"metrics\": {\"m\": 1}, \"params\": {\"p\": 1}, \"tags\": {\"t\": \"u\"}}",
                                   &err));
    assert_ok(mlplat_run_log_inputs(run,
                                    "{\"datasets\": [{\"dataset\": {\"name\": \"d\", \"digest\": \"1\", "
                                    "\"source_type\": \"local\", \"source\": \"{}\"}, \"tags\": []}]}",
                                    &err));
    assert_ok(mlplat_run_end(run, "FAILED", &err));
    mlplat_run_free(run);
}

static mlplat_run *start_in(mlplat *ml, const char *experiment, mlplat_durability durability)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.name = "n";
    o.experiment = experiment;
    o.durability = durability;
    assert_ok(mlplat_run_start(ml, &o, &run, &err));
    return run;
}

/* The run, as a session on the copy alone reads it: yours. */
static mlplat_doc *in_copy(scene *s, const char *run_id)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat *ml = open_both(s, s->copy, NULL);
    mlplat_status status = mlplat_run_get(ml, run_id, &doc, &err);
    mlplat_close(ml);
    if (status != MLPLAT_OK)
        fail_msg("%s", err.message);
    return doc;
}

static void check_all_logged(scene *s, const char *run_id)
{
    mlplat_doc *doc = in_copy(s, run_id);
    const char *text = mlplat_doc_text(doc);
    static const char *const there[] = {"\"loss\"", "\"curve\"", "\"depth\"", "\"phase\"", "\"m\"",
                                        "\"p\"",    "\"t\"",     "\"FAILED\"", "\"digest\""};
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        if (!strstr(text, there[i]))
            fail_msg("no %s in %s", there[i], text);
    assert_null(strstr(text, "\"gone\""));
    mlplat_doc_free(doc);
}

static void all_that_is_logged_to_a_file_is_in_its_mirror_too(void **state)
{
    scene *s = *state;
    char id[40];
    s->ml = open_both(s, s->file, s->copy);
    mlplat_run *run = start_in(s->ml, "mirrored", MLPLAT_DURABILITY_REMOTE);
    snprintf(id, sizeof id, "%s", mlplat_run_id(run));
    log_all(run);
    close_both(s);
    check_all_logged(s, id);
    assert_string_equal(s->said, "");
}

static void what_a_server_is_given_is_in_the_mirror_under_the_servers_id(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    answers(s, EXPERIMENT);
    s->ml = open_both(s, s->http, s->copy);
    log_all(start_in(s->ml, "far", MLPLAT_DURABILITY_DEFAULT));
    assert_ok(mlplat_flush(s->ml, 10000, &err));
    check_all_logged(s, SERVERS);
    assert_true(sent(s, "log-batch") > 0);
}

/* Its name cannot be asked for then. */
static void an_experiment_that_the_server_does_not_tell_has_the_name_that_was_asked_for(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    answers(s, NULL);
    s->ml = open_both(s, s->http, s->copy);
    mlplat_run_free(start_in(s->ml, "far", MLPLAT_DURABILITY_DEFAULT));
    o.experiment_id = "7";
    assert_ok(mlplat_run_attach(s->ml, SERVERS, &run, &err));
    mlplat_run_free(run);
    away(s);
    assert_ok(mlplat_run_start(s->ml, &o, &run, &err));
    mlplat_run_free(run);
    close_both(s);
    s->ml = open_both(s, s->copy, NULL);
    assert_ok(mlplat_experiment_get_by_name(s->ml, "far", &doc, &err));
    mlplat_doc_free(doc);
    assert_ok(mlplat_experiment_get_by_name(s->ml, "experiment 7", &doc, &err));
    mlplat_doc_free(doc);
}

static void a_run_that_the_mirror_does_not_know_is_made_there_when_it_is_changed(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    char id[40];
    mlplat_run *run = NULL;
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    mlplat *alone = open_both(s, s->file, NULL);
    run = start_in(alone, "older", MLPLAT_DURABILITY_DEFAULT);
    snprintf(id, sizeof id, "%s", mlplat_run_id(run));
    mlplat_run_free(run);
    mlplat_close(alone);
    s->ml = open_both(s, s->file, s->copy);
    change.name = "renamed";
    assert_ok(mlplat_run_update(s->ml, id, &change, &err));
    assert_ok(mlplat_flush(s->ml, 10000, &err));
    mlplat_doc *doc = in_copy(s, id);
    assert_string_equal(text_at(doc, "info.run_name"), "renamed");
    mlplat_doc_free(doc);
}

static void a_run_of_a_file_is_given_to_a_server_as_one_made_offline(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_run *child = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    answers(s, EXPERIMENT);
    s->ml = open_both(s, s->file, s->http);
    mlplat_run *run = start_in(s->ml, "far", MLPLAT_DURABILITY_DEFAULT);
    assert_true(mlp_offline_is_id(mlplat_run_id(run)));
    o.parent_run_id = mlplat_run_id(run);
    assert_ok(mlplat_run_start(s->ml, &o, &child, &err));
    mlplat_run_free(child);
    log_all(run);
    assert_ok(mlplat_flush(s->ml, 10000, &err));
    assert_true(sent(s, "runs/create") == 2 && sent(s, "log-batch") > 0 && sent(s, "FAILED") == 1);
}

/* A server gives each run an id: this one has an id of the file's, and was never made there. */
static void a_run_that_was_made_without_a_mirror_on_a_server_is_not_given_to_it(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    char id[40];
    mlplat *alone = open_both(s, s->file, NULL);
    run = start_in(alone, "older", MLPLAT_DURABILITY_DEFAULT);
    snprintf(id, sizeof id, "%s", mlplat_run_id(run));
    mlplat_run_free(run);
    mlplat_close(alone);
    s->ml = open_both(s, s->file, s->http);
    assert_ok(mlplat_run_attach(s->ml, id, &run, &err));
    assert_ok(mlplat_run_log_metric(run, "loss", 1, 1, &err));
    mlplat_run_free(run);
    assert_ok(mlplat_spool_status(s->ml, &doc, &err));
    assert_int_equal(int_at(doc, "mirror.accepted"), 0);
    assert_int_equal(int_at(doc, "mirror.missed"), 1);
    mlplat_doc_free(doc);
    assert_non_null(strstr(s->said, "was made without a mirror on a server"));
    close_both(s);
    assert_non_null(strstr(s->said, "1 record(s) are missing in the mirror"));
}

/* Each has its spool: here the mirror's is full, as its server does not come. */
static void what_the_mirrors_spool_cannot_accept_is_said_and_the_store_has_it(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    enum { N = 2000 };
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char tag[4001];
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    uint64_t row = 7;
    tag[sizeof tag - 1] = 0;
    away(s);
    options.tracking_uri = s->file;
    options.mirror_uri = s->http;
    options.spool_full = "error";
    options.spool_quota = 4 << 20;
    options.close_timeout_ms = 100;
    options.log = note;
    options.user = s;
    assert_ok(mlplat_open(&options, &s->ml, &err));
    mlplat_run *run = start_in(s->ml, "e", MLPLAT_DURABILITY_DEFAULT);
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k + 1 < sizeof tag; k++)
            tag[k] = (char)('!' + test_roll(&row, 94)); /* what waits is packed */
        assert_ok(mlplat_run_set_tag(run, "long", tag, &err));
        if (i % 100 == 0) { /* what is read comes after what was logged: the store's own spool is never full */
            assert_ok(mlplat_run_get(s->ml, mlplat_run_id(run), &doc, &err));
            mlplat_doc_free(doc);
        }
    }
    assert_ok(mlplat_spool_status(s->ml, &doc, &err));
    assert_true(int_at(doc, "mirror.missed") > 0);
    assert_true(int_at(doc, "mirror.missed") + int_at(doc, "mirror.accepted") >= N);
    mlplat_doc_free(doc);
    assert_non_null(strstr(s->said, "is not given what is logged"));
    mlplat_run_free(run);
}

static void a_flush_names_the_mirror_where_that_does_not_come(void **state)
{
    scene *s = *state;
    NEEDS_HTTP(s);
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    away(s);
    s->ml = open_both(s, s->file, s->http);
    mlplat_run_free(start_in(s->ml, "e", MLPLAT_DURABILITY_DEFAULT));
    assert_true(mlplat_flush(s->ml, 50, &err) != MLPLAT_OK);
    assert_non_null(strstr(err.message, "the mirror: "));
    assert_true(mlplat_spool_sync(s->ml, &doc, &err) != MLPLAT_OK);
    assert_non_null(strstr(err.message, "the mirror: "));
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A writer waits 20 s for another one: not here, also where an earlier session left something for the file. */
static void a_file_that_somebody_holds_keeps_no_call_and_closing_ends_in_its_time(void **state)
{
    scene *s = *state;
    enum { N = 2 };
    char id[N][40];
    sqlite3 *db = NULL;
    mlplat_error err = {0};
    s->ml = open_both(s, s->file, s->copy);
    mlplat_run_free(start_in(s->ml, "e", MLPLAT_DURABILITY_DEFAULT));
    close_both(s);
    assert_int_equal(sqlite3_open(test_path(s->folder, "copy.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    double begin = seconds();
    for (int i = 0; i < N; i++) {
        s->ml = open_both(s, s->file, s->copy);
        mlplat_run *run = start_in(s->ml, "e", MLPLAT_DURABILITY_REMOTE);
        snprintf(id[i], sizeof id[i], "%s", mlplat_run_id(run));
        log_all(run);
        close_both(s);
    }
    assert_true(seconds() - begin < 10);
    assert_non_null(strstr(s->said, "are not yet in the store"));
    sqlite3_close(db);
    s->ml = open_both(s, s->file, s->copy);
    assert_ok(mlplat_spool_sync(s->ml, NULL, &err));
    for (int i = 0; i < N; i++)
        check_all_logged(s, id[i]);
}

static void a_mirror_that_cannot_be_one_is_refused_with_its_source(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char same[1200], none[1200];
    assert_status(try_open_both(s, s->http, "https://host:5000", &s->ml, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "mirror URI"));
    assert_non_null(strstr(err.message, "(call)"));
    assert_status(try_open_both(s, s->file, "gopher://x", &s->ml, &err), MLPLAT_UNSUPPORTED);
    snprintf(same, sizeof same, "sqlite:///%s/./store.db", s->folder);
    s->ml = open_both(s, s->file, same);
    assert_status(mlplat_experiment_get(s->ml, "0", &doc, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "the mirror: "));
    close_both(s);
    snprintf(none, sizeof none, "sqlite:///%s/no/such/folder/copy.db", s->folder);
    s->ml = open_both(s, s->file, none);
    assert_true(mlplat_experiment_get(s->ml, "0", &doc, &err) != MLPLAT_OK);
    assert_non_null(strstr(err.message, "the mirror: "));
}

/* Whoever looks at the mirror may have it set in the environment still. */
static void a_store_is_no_mirror_of_itself(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_close(open_both(s, s->http, s->http));
    s->ml = open_both(s, s->copy, s->copy);
    assert_ok(mlplat_spool_status(s->ml, &doc, &err));
    assert_null(strstr(mlplat_doc_text(doc), "mirror"));
    mlplat_doc_free(doc);
}

static void a_child_of_fork_leaves_both_alone(void **state)
{
    scene *s = *state;
    NEEDS_PLAIN_MEMORY();
    s->ml = open_both(s, s->file, s->copy);
    mlplat_run *run = start_in(s->ml, "e", MLPLAT_DURABILITY_DEFAULT);
    pid_t pid = fork();
    if (pid == 0) {
        mlplat_run_free(run);
        mlplat_close(s->ml);
        _exit(0);
    }
    test_wait_good(pid);
    log_all(run);
}

/* ---- no memory --------------------------------------------------------------------------------------------------- */

/* A start, a batch and a change, in which allocation n of this thread's fails. Is there none so late? */
static bool log_scarcely(scene *s, long n, mlplat_status status[3])
{
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    mlplat_run *run = NULL;
    o.experiment = "e";
    change.name = "renamed";
    scarce_memory_arm(n);
    status[0] = mlplat_run_start(s->ml, &o, &run, NULL);
    status[1] = run ? mlplat_run_log_batch(run, "{\"metrics\": {\"m\": 1, \"n\": 2}}", NULL) : status[0];
    status[2] = run ? mlplat_run_update(s->ml, mlplat_run_id(run), &change, NULL) : status[0];
    bool over = !scarce_memory_disarm();
    mlplat_run_free(run);
    return over;
}

/* Where it was the mirror's part, the call went well and the gap is counted. */
static void without_memory_a_call_fails_or_the_mirrors_gap_is_counted(void **state)
{
    scene *s = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_status status[3];
    int64_t missed = 0;
    long n = 0;
    s->ml = open_both(s, s->file, s->copy);
    mlplat_run_free(start_in(s->ml, "e", MLPLAT_DURABILITY_DEFAULT));
    for (bool over = false; !over; n++) {
        over = log_scarcely(s, n, status);
        assert_ok(mlplat_spool_status(s->ml, &doc, &err));
        bool counted = int_at(doc, "mirror.missed") > missed;
        missed = int_at(doc, "mirror.missed");
        mlplat_doc_free(doc);
        bool told = false;
        for (int i = 0; i < 3; i++) {
            assert_true(status[i] == MLPLAT_OK || status[i] == MLPLAT_NO_MEMORY);
            told = told || status[i] == MLPLAT_NO_MEMORY;
        }
        if (over && (told || counted))
            fail_msg("nothing failed, and yet told %d, counted %d", told, counted);
    }
    print_message("%ld allocations, %lld records missed\n", n, (long long)missed);
    assert_true(missed > 3 && n > 20);
}

int main(void)
{
    scarce_memory_on_all();
    const struct CMUnitTest tests[] = {
        TEST(all_that_is_logged_to_a_file_is_in_its_mirror_too),
        TEST(what_a_server_is_given_is_in_the_mirror_under_the_servers_id),
        TEST(an_experiment_that_the_server_does_not_tell_has_the_name_that_was_asked_for),
        TEST(a_run_that_the_mirror_does_not_know_is_made_there_when_it_is_changed),
        TEST(a_run_of_a_file_is_given_to_a_server_as_one_made_offline),
        TEST(a_run_that_was_made_without_a_mirror_on_a_server_is_not_given_to_it),
        TEST(what_the_mirrors_spool_cannot_accept_is_said_and_the_store_has_it),
        TEST(a_flush_names_the_mirror_where_that_does_not_come),
        TEST(a_file_that_somebody_holds_keeps_no_call_and_closing_ends_in_its_time),
        TEST(a_mirror_that_cannot_be_one_is_refused_with_its_source),
        TEST(a_store_is_no_mirror_of_itself),
        TEST(a_child_of_fork_leaves_both_alone),
        TEST(without_memory_a_call_fails_or_the_mirrors_gap_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
