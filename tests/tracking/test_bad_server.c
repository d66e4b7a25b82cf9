/* Servers that mean us ill, or that do not answer. */
#include "base/clock.h"
#include "tracking/http_fixture.h"
#include <sys/stat.h>
#include <unistd.h>

/* ---- places that a server tells --------------------------------------------------------------------------------- */

/* The run, and whatever else is asked for, has its artifacts there. */
static void answer_place(fixture *f, const char *place)
{
    char body[1500];
    snprintf(body, sizeof body,
             "{\"run\": {\"info\": {\"run_id\": \"" ID "\", \"experiment_id\": \"0\", \"lifecycle_stage\": \"active\", "
             "\"artifact_uri\": \"%s\"}}, \"model\": {\"info\": {\"model_id\": \"m-1\", \"artifact_uri\": \"%s\"}}}",
             place, place);
    answer(f, "200 OK", body);
}

static const char untouched[] = "untouched";

static void plant(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(untouched, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_untouched(const char *path)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, untouched);
}

/* What is read from and written to runs:/ where the server says that this is in a folder of ours. */
static void assert_place(fixture *f, const char *place, mlplat_status want)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_run *run = NULL;
    mlplat_model model = MLPLAT_MODEL_INIT;
    answer_place(f, place);
    assert_ok(mlplat_run_attach(f->ml, ID, &run, &err));
    assert_status(mlplat_run_log_text(run, "loot", "canary", &err), want);
    assert_status(mlplat_artifact_list(f->ml, "runs:/" ID "/", &doc, &err), want);
    mlplat_doc_free(doc);
    assert_status(mlplat_artifact_get(f->ml, "runs:/" ID "/canary", test_path(f->folder, "got"), NULL, &err), want);
    model.loader_module = "loader";
    model.data = test_path(f->folder, "canary");
    assert_status(mlplat_run_log_model(run, &model, "model", NULL, &err), want);
    assert_true(want == MLPLAT_OK || strstr(err.message, "MLPLAT_ARTIFACT_ROOT") || strstr(err.message, ".."));
    mlplat_run_free(run);
}

static const struct {
    const char *place; /* %s: a folder of ours */
    mlplat_status want;
} places[] = {
    {"%s/secret", MLPLAT_DENIED},
    {"file://%s/secret", MLPLAT_DENIED},
    {"file:%s/secret", MLPLAT_DENIED},
    {"FILE://%s/secret", MLPLAT_DENIED},
    {"%s/shared-not", MLPLAT_DENIED},
    {"%s/shared/../secret", MLPLAT_INVALID},
    {"%s", MLPLAT_DENIED},
    {"secret", MLPLAT_DENIED},
    {"./secret", MLPLAT_DENIED},
    {"file://%s/shared/%%2e%%2e/secret", MLPLAT_INVALID},
    {"%s/shared//.//x", MLPLAT_OK},
    {"file://%s/shared/1/run/artifacts", MLPLAT_OK},
};

static void a_servers_local_path_is_ours_only_below_the_root_that_the_user_set(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    assert_int_equal(mkdir(test_path(f->folder, "secret"), 0700), 0);
    plant(test_path(f->folder, "secret/canary"));
    plant(test_path(f->folder, "canary"));
    for (size_t i = 0; i < 2 * sizeof places / sizeof places[0]; i++) {
        bool shared = i % 2;
        char place[500];
        snprintf(place, sizeof place, places[i / 2].place, f->folder);
        reopen(f, shared ? test_path(f->folder, "shared") : NULL);
        mlplat_status want = places[i / 2].want;
        print_message("%s%s\n", place, shared ? ", shared" : "");
        assert_place(f, place, want == MLPLAT_OK && !shared ? MLPLAT_DENIED : want);
    }
    assert_untouched(test_path(f->folder, "secret/canary"));
    assert_untouched(test_path(f->folder, "canary"));
    assert_int_equal(access(test_path(f->folder, "shared-not"), F_OK), -1);
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

typedef struct watcher {
    int calls, stop_at; /* 0: never */
    char warning[500];
} watcher;

static int watch(void *user, uint64_t done, uint64_t total)
{
    watcher *w = user;
    (void)done;
    (void)total;
    return ++w->calls == w->stop_at;
}

static void keep_warning(void *user, mlplat_log_level level, const char *line)
{
    watcher *w = user;
    if (level == MLPLAT_LOG_WARNING)
        snprintf(w->warning, sizeof w->warning, "%s", line);
}

/* The session anew, on a port, with a watcher. */
static void reopen_watched(fixture *f, int port, watcher *w)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat_error err = {0};
    char uri[64];
    mlplat_close(f->ml);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", port);
    options.tracking_uri = uri;
    options.spool_dir = test_path(f->folder, "spool");
    options.progress = watch;
    options.log = keep_warning;
    options.user = w;
    assert_ok(mlplat_open(&options, &f->ml, &err));
}

static int64_t ask(fixture *f, mlplat_status want)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    int64_t begin = mlp_clock_mono_ns();
    assert_status(mlplat_experiment_get(f->ml, "0", &doc, &err), want);
    assert_null(doc);
    return (mlp_clock_mono_ns() - begin) / 1000000;
}

static const struct {
    loopback_end end; /* of a server that says nothing; KEEP: nobody listens */
    mlplat_status after;
} silent[] = {
    {LOOPBACK_KEEP, MLPLAT_UNAVAILABLE}, {LOOPBACK_STALL, MLPLAT_TIMEOUT}, {LOOPBACK_RESET, MLPLAT_UNAVAILABLE}};

static void a_call_on_a_dead_server_ends_by_its_deadline_and_says_what_it_waits_for(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    unsetenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES");
    setenv("MLPLAT_HTTP_DEADLINE", "4", 1);
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        watcher w = {0};
        loopback_step nothing = {.reply = "", .end = silent[i].end};
        loopback_script(f->server, &nothing, 1);
        reopen_watched(f, silent[i].end == LOOPBACK_KEEP ? loopback_closed_port() : loopback_port(f->server), &w);
        int64_t ms = ask(f, silent[i].after);
        assert_in_range(ms, silent[i].end == LOOPBACK_STALL ? 3500 : 0, 8000);
        assert_true(w.calls >= ms / 200);                 /* the hook, all the time */
        if (silent[i].end != LOOPBACK_STALL && ms > 2500) /* where chance made the waits short it ends earlier */
            assert_non_null(strstr(w.warning, "MLPLAT_HTTP_DEADLINE"));
        reopen(f, NULL);
    }
}

static void a_call_on_a_dead_server_is_cancelled_at_once(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    unsetenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES");
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        watcher w = {.stop_at = 4};
        loopback_step nothing = {.reply = "", .end = silent[i].end};
        loopback_script(f->server, &nothing, 1);
        reopen_watched(f, silent[i].end == LOOPBACK_KEEP ? loopback_closed_port() : loopback_port(f->server), &w);
        assert_in_range(ask(f, MLPLAT_CANCELLED), 0, 5000);
        assert_int_equal(w.calls, 4);
        reopen(f, NULL);
    }
}

/* What became of it is not asked: who cancels has gone. */
static void a_call_that_makes_something_is_cancelled_at_once(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    loopback_step nothing = {.reply = "", .end = LOOPBACK_STALL};
    for (int i = 0; i < 5; i++) {
        watcher w = {.stop_at = 4};
        mlplat_error err = {0};
        mlplat_run *run = NULL;
        char *id = NULL;
        loopback_script(f->server, &nothing, 1);
        reopen_watched(f, loopback_port(f->server), &w);
        mlplat_status s = i == 0   ? mlplat_run_start(f->ml, NULL, &run, &err)
                          : i == 1 ? mlplat_experiment_create(f->ml, "e", NULL, &id, &err)
                          : i == 2 ? mlplat_registered_model_create(f->ml, "m", NULL, NULL, &err)
                          : i == 3 ? mlplat_experiment_delete(f->ml, "1", &err)
                                   : mlplat_registered_model_delete(f->ml, "m", &err);
        assert_string_equal(mlplat_status_name(s), "CANCELLED");
        assert_non_null(strstr(err.message, "cancelled"));
        assert_int_equal(loopback_requests(f->server), 1);
        assert_null(run);
        reopen(f, NULL);
    }
}

static void one_request_may_take_as_long_as_is_said(void **state)
{
    fixture *f = *state;
    loopback_step nothing = {.reply = "", .end = LOOPBACK_STALL};
    NEEDS_HTTP(f);
    setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1", 1);
    loopback_script(f->server, &nothing, 1);
    reopen(f, NULL);
    assert_in_range(ask(f, MLPLAT_TIMEOUT), 1900, 8000); /* two tries */
    assert_int_equal(loopback_requests(f->server), 2);
}

static const struct {
    const char *name, *value;
} settings[] = {
    {"MLPLAT_HTTP_DEADLINE", "0"},
    {"MLPLAT_HTTP_DEADLINE", "1s"},
    {"MLFLOW_HTTP_REQUEST_TIMEOUT", "-1"},
    {"MLFLOW_HTTP_REQUEST_TIMEOUT", "x"},
    {"MLFLOW_HTTP_REQUEST_MAX_RETRIES", "many"},
};

static void a_setting_that_is_no_number_is_refused_by_name(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        unsetenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES");
        setenv(settings[i].name, settings[i].value, 1);
        reopen(f, NULL);
        assert_status(mlplat_experiment_get(f->ml, "0", &doc, &err), MLPLAT_INVALID);
        assert_non_null(strstr(err.message, settings[i].name));
        unsetenv(settings[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_servers_local_path_is_ours_only_below_the_root_that_the_user_set),
        CASE(a_call_on_a_dead_server_ends_by_its_deadline_and_says_what_it_waits_for),
        CASE(a_call_on_a_dead_server_is_cancelled_at_once),
        CASE(a_call_that_makes_something_is_cancelled_at_once),
        CASE(one_request_may_take_as_long_as_is_said),
        CASE(a_setting_that_is_no_number_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
