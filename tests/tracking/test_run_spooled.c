/* Artifacts of a run whose server comes and goes, played on the loopback. A real one: tests/integration. */
#include "base/file.h"
#include "base/os.h"
#include "support/http_session.h"
#include "support/scarce_memory.h"
#include "support/support.h"
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    char *folder;
    loopback *server;
    mlplat *ml;
    mlplat_run *run;
    bool no_http;
} fixture;

#define ID   "0123456789abcdef0123456789abcdef"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
/* One answer for all: a run, its place, an experiment, a list of one file, and what a put answers. */
#define RUN_AT(where, files)                                                                                           \
    HEAD "{\"run\": {\"info\": {\"run_id\": \"" ID "\", \"run_name\": \"n\", \"experiment_id\": \"0\", "               \
         "\"status\": \"RUNNING\", \"lifecycle_stage\": \"active\", \"artifact_uri\": \"" where "\"}, "                \
         "\"data\": {}}, \"files\": [" files "]}"

static const char good[] = RUN_AT("mlflow-artifacts:/0/" ID "/artifacts", "{\"path\": \"kept.txt\"}");
static const char empty[] = RUN_AT("mlflow-artifacts:/0/" ID "/artifacts", "");
static const char foreign[] = RUN_AT("/srv/of-the-server", "");
static const char bucket[] = RUN_AT("s3://bucket/x", "");
static const char nowhere[] = RUN_AT("", "");
static const char down[] = "HTTP/1.1 503 Away\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

static void answer(fixture *f, const char *reply)
{
    static loopback_step step;
    step = (loopback_step){.reply = reply, .end = LOOPBACK_CLOSE};
    loopback_script(f->server, &step, 1);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    char uri[64];
    test_clear_environment();
    setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1", 1);
    setenv("MLPLAT_SPOOL_COPY", "100", 1);
    f->folder = test_folder_make();
    f->server = loopback_start();
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", loopback_port(f->server));
    options.tracking_uri = uri;
    options.spool_dir = test_path(f->folder, "spool");
    assert_ok(mlplat_open(&options, &f->ml, &err));
    answer(f, good);
    f->no_http = mlplat_run_attach(f->ml, ID, &f->run, &err) == MLPLAT_UNSUPPORTED;
    *state = f;
    return f->no_http || f->run ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    answer(f, good);
    mlplat_run_free(f->run);
    mlplat_close(f->ml);
    loopback_stop(f->server);
    test_folder_remove(f->folder);
    unsetenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES");
    unsetenv("MLPLAT_SPOOL_COPY");
    free(f);
    return 0;
}

static void file_of(fixture *f, const char *name, size_t n)
{
    mlplat_error err = {0};
    char *text = test_malloc(n + 1);
    memset(text, 'x', n);
    assert_ok(mlp_file_write_atomic(test_path(f->folder, name), text, n, false, &err));
    test_free(text);
}

static uint64_t waiting(fixture *f)
{
    mlplat_error err = {0};
    mlplat_spool_counts counts = {.size = sizeof counts};
    assert_ok(mlplat_spool_count(f->ml, &counts, &err));
    return counts.accepted - counts.stored - counts.dead;
}

static uint64_t dead(fixture *f)
{
    mlplat_error err = {0};
    mlplat_spool_counts counts = {.size = sizeof counts};
    assert_ok(mlplat_spool_count(f->ml, &counts, &err));
    return counts.dead;
}

/* Whether a request that came since the script was set has this text. */
static bool came(fixture *f, const char *text)
{
    bool found = false;
    for (size_t i = 0, n = loopback_requests(f->server); i < n && !found; i++) {
        char *request = loopback_request(f->server, i);
        found = strstr(request, text) != NULL;
        free(request);
    }
    return found;
}

static void what_is_there_is_asked_at_once(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    answer(f, empty);
    assert_ok(mlplat_run_log_text(f->run, "hello", "notes/a.txt", &err));
    assert_true(came(f, "PUT /api/2.0/mlflow-artifacts/artifacts/0/" ID "/artifacts/notes/a.txt"));
    assert_int_equal(waiting(f), 0);
}

static void what_the_server_misses_waits_and_comes_in_its_order(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    file_of(f, "small", 50);
    file_of(f, "large", 500);
    assert_ok(mlp_file_mkdirs(test_path(f->folder, "tree/deep"), 0777, &err));
    file_of(f, "tree/deep/one", 10);
    answer(f, down);
    assert_ok(mlplat_run_log_text(f->run, "first", "a.txt", &err));
    assert_ok(mlplat_run_log_dict(f->run, "{\"a\": 1}", "a.json", &err));
    assert_ok(mlplat_run_log_artifact(f->run, test_path(f->folder, "small"), NULL, &err));
    assert_ok(mlplat_run_log_artifact(f->run, test_path(f->folder, "large"), "big", &err));
    assert_ok(mlplat_run_log_artifact(f->run, test_path(f->folder, "tree"), NULL, &err));
    assert_int_equal(waiting(f), 5);
    answer(f, empty);
    assert_ok(mlplat_flush(f->ml, 60000, &err));
    assert_int_equal(waiting(f) + dead(f), 0);
    static const char *const names[] = {"/a.txt", "/a.json", "/small", "/big/large", "/tree/deep/one"};
    for (size_t i = 0; i < 5; i++) {
        char text[200];
        snprintf(text, sizeof text, "PUT /api/2.0/mlflow-artifacts/artifacts/0/" ID "/artifacts%s HTTP", names[i]);
        assert_true(came(f, text));
    }
}

/* The run answers, and what is put does not. */
static void what_is_put_when_the_server_goes_waits(void **state)
{
    static const loopback_step steps[] = {{.on = "PUT ", .status = "503 Away", .json = "{}"},
                                          {.on = "/api/", .json = good + sizeof HEAD - 1}};
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *other = NULL;
    NEEDS_HTTP(f);
    file_of(f, "small", 50);
    loopback_script(f->server, steps, 2);
    assert_ok(mlplat_run_attach(f->ml, ID, &other, &err));
    assert_ok(mlplat_run_log_artifact(f->run, test_path(f->folder, "small"), NULL, &err));
    assert_int_equal(waiting(f), 1);
    assert_true(came(f, "artifacts/small HTTP"));
    answer(f, empty);
    assert_ok(mlplat_flush(f->ml, 60000, &err));
    loopback_script(f->server, steps, 2); /* of another run it is not known that the server is away */
    assert_ok(mlplat_run_log_text(other, "x", "a.txt", &err));
    assert_int_equal(waiting(f), 1);
    assert_true(came(f, "artifacts/a.txt HTTP"));
    answer(f, empty);
    assert_ok(mlplat_flush(f->ml, 60000, &err));
    assert_int_equal(waiting(f) + dead(f), 0);
    mlplat_run_free(other);
}

static _Thread_local long synced;

static int count_fsync(int fd)
{
    synced++;
    return mlp_os_default()->fsync(fd);
}

/* The level is the session's where the run has none of its own. */
static void of_a_server_that_is_away_level_remote_is_level_disk(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat *ml = NULL;
    mlplat_run *run = NULL, *made = NULL;
    mlp_os table = *mlp_os_default();
    char uri[64];
    NEEDS_HTTP(f);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", loopback_port(f->server));
    options.tracking_uri = uri;
    options.spool_dir = test_path(f->folder, "remote");
    options.durability = MLPLAT_DURABILITY_REMOTE;
    assert_ok(mlplat_open(&options, &ml, &err));
    assert_ok(mlplat_run_attach(ml, ID, &run, &err));
    answer(f, down);
    assert_ok(mlplat_run_log_text(run, "x", "a.txt", &err));
    table.fsync = count_fsync;
    mlp_os_replace(&table);
    synced = 0;
    assert_ok(mlplat_run_log_text(run, "x", "b.txt", &err));
    mlp_os_replace(NULL);
    assert_int_equal(synced, 2); /* the copy, and its name */
    assert_ok(mlplat_run_start(ml, NULL, &made, &err));
    mlplat_run_free(made);
    answer(f, empty);
    assert_ok(mlplat_flush(ml, 60000, &err));
    assert_true(came(f, "artifacts/a.txt HTTP"));
    mlplat_run_free(run);
    mlplat_close(ml);
}

/* The file first, then the run's tag that tells of it. */
static void a_table_is_noted_at_the_run(void **state)
{
    static const loopback_step steps[] = {{.on = "GET /api/2.0/mlflow-artifacts/artifacts/0", .status = "404 Not Found",
                                           .json = "{}"},
                                          {.on = "/api/", .json = empty + sizeof HEAD - 1}};
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    loopback_script(f->server, steps, 2);
    assert_ok(mlplat_run_log_table(f->run, "{\"columns\": [\"a\"], \"data\": [[1]]}", "t.json", &err));
    assert_ok(mlplat_flush(f->ml, 60000, &err));
    assert_true(came(f, "PUT /api/2.0/mlflow-artifacts/artifacts/0/" ID "/artifacts/t.json"));
    assert_true(came(f, "mlflow.loggedArtifacts"));
}

/* ---- faults of the thread that logs ------------------------------------------------------------------------------ */

static _Thread_local long calls_left = -1; /* calls that go well; negative: all do */

static bool fails_now(void)
{
    return calls_left >= 0 && calls_left-- == 0;
}

static int broken_fstat(int fd, struct stat *st)
{
    errno = EIO;
    return fails_now() ? -1 : mlp_os_default()->fstat(fd, st);
}

static ssize_t broken_read(int fd, void *buf, size_t n)
{
    errno = EIO;
    return fails_now() ? -1 : mlp_os_default()->read(fd, buf, n);
}

static mlplat_status log_some(fixture *f, uint64_t *logged)
{
    mlplat_error err = {0};
    mlplat_status s = mlplat_run_log_text(f->run, "x", "a.txt", &err);
    *logged += s == MLPLAT_OK;
    if (s == MLPLAT_OK)
        s = mlplat_run_log_artifact(f->run, test_path(f->folder, "small"), NULL, &err);
    *logged += s == MLPLAT_OK;
    if (s == MLPLAT_OK)
        s = mlplat_run_log_param(f->run, "p", "v", &err);
    *logged += s == MLPLAT_OK;
    return s;
}

static void where_memory_ends_nothing_waits_that_was_not_accepted(void **state)
{
    fixture *f = *state;
    uint64_t logged = 0;
    bool reached = true;
    NEEDS_HTTP(f);
    file_of(f, "small", 50);
    answer(f, down);
    assert_int_equal(log_some(f, &logged), MLPLAT_OK);
    for (long nth = 0; reached; nth++) {
        scarce_memory_begin(nth);
        mlplat_status s = log_some(f, &logged);
        reached = scarce_memory_end();
        if (s != MLPLAT_OK && s != MLPLAT_NO_MEMORY)
            fail_msg("allocation %ld: %s", nth, mlplat_status_name(s));
        assert_int_equal(waiting(f), logged);
    }
}

static void a_file_that_cannot_be_read_is_not_taken(void **state)
{
    fixture *f = *state;
    uint64_t logged = 0;
    NEEDS_HTTP(f);
    file_of(f, "small", 50);
    answer(f, down);
    assert_int_equal(log_some(f, &logged), MLPLAT_OK);
    for (int i = 0; i < 2; i++) {
        mlp_os table = *mlp_os_default();
        bool reached = true;
        long failed = 0;
        table.fstat = i ? table.fstat : broken_fstat;
        table.read = i ? broken_read : table.read;
        mlp_os_replace(&table);
        for (long nth = 0; reached; nth++) {
            calls_left = nth;
            failed += log_some(f, &logged) != MLPLAT_OK;
            reached = calls_left < 0;
            calls_left = -1;
            assert_in_range(nth, 0, 200);
        }
        mlp_os_replace(NULL);
        assert_true(failed > 0);
        assert_int_equal(waiting(f), logged);
    }
}

static void what_cannot_be_logged_is_refused_also_when_the_server_is_away(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    answer(f, down);
    assert_ok(mlplat_run_log_text(f->run, "x", "a.txt", &err));
    assert_status(mlplat_run_log_artifact(f->run, test_path(f->folder, "none"), NULL, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_run_log_artifact(f->run, "/dev/null", NULL, &err), MLPLAT_INVALID);
    assert_status(mlplat_run_log_text(f->run, "x", "../a.txt", &err), MLPLAT_INVALID);
    assert_int_equal(symlink("none", test_path(f->folder, "tree")), 0);
    assert_int_equal(waiting(f), 1);
}

/* A record that no server will take does not hold up the others. */
static void what_will_never_pass_is_a_dead_letter(void **state)
{
    static const char *const places[] = {foreign, bucket, nowhere};
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    for (size_t i = 0; i < 3; i++) {
        answer(f, down);
        assert_ok(mlplat_run_log_text(f->run, "x", "a.txt", &err));
        assert_int_equal(waiting(f), 1);
        answer(f, places[i]);
        mlplat_flush(f->ml, 60000, &err);
        assert_int_equal(dead(f), i + 1);
    }
}

static void a_file_that_changed_or_went_is_a_dead_letter(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    file_of(f, "large", 500);
    file_of(f, "larger", 600);
    answer(f, down);
    assert_ok(mlplat_run_log_artifact(f->run, test_path(f->folder, "large"), NULL, &err));
    assert_ok(mlplat_run_log_artifact(f->run, test_path(f->folder, "larger"), NULL, &err));
    file_of(f, "large", 501);
    assert_int_equal(unlink(test_path(f->folder, "larger")), 0);
    answer(f, empty);
    mlplat_flush(f->ml, 60000, &err);
    assert_int_equal(dead(f), 2);
    assert_false(came(f, "PUT "));
}

/* After a crash between the server's word and ours the copy is gone and the file is there. */
static void a_copy_that_is_gone_was_delivered_where_the_file_is_there(void **state)
{
    /* the run, nothing below the file's path, and the folder with it; of the other the folder is empty */
    static const loopback_step steps[] = {{.reply = good, .end = LOOPBACK_CLOSE},
                                          {.reply = empty, .end = LOOPBACK_CLOSE},
                                          {.reply = good, .end = LOOPBACK_CLOSE},
                                          {.reply = empty, .end = LOOPBACK_CLOSE}};
    fixture *f = *state;
    mlplat_error err = {0};
    char command[700];
    NEEDS_HTTP(f);
    answer(f, down);
    assert_ok(mlplat_run_log_text(f->run, "x", "kept.txt", &err));
    assert_ok(mlplat_run_log_text(f->run, "x", "lost.txt", &err));
    snprintf(command, sizeof command, "rm %s/spool/*/artifacts/*", f->folder);
    assert_int_equal(system(command), 0);
    loopback_script(f->server, steps, sizeof steps / sizeof steps[0]);
    mlplat_flush(f->ml, 60000, &err);
    assert_int_equal(dead(f), 1);
    assert_false(came(f, "PUT "));
}

static void a_deleted_run_is_told(void **state)
{
    static const char deleted[] =
        HEAD "{\"run\": {\"info\": {\"run_id\": \"" ID "\", \"run_name\": \"n\", \"experiment_id\": \"0\", "
             "\"status\": \"RUNNING\", \"lifecycle_stage\": \"deleted\"}, \"data\": {}}}";
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    answer(f, deleted);
    assert_status(mlplat_run_log_text(f->run, "x", "a.txt", &err), MLPLAT_STATE);
    answer(f, "HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_status(mlplat_run_log_text(f->run, "x", "a.txt", &err), MLPLAT_DENIED);
    assert_int_equal(waiting(f), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_there_is_asked_at_once),
        CASE(what_the_server_misses_waits_and_comes_in_its_order),
        CASE(what_is_put_when_the_server_goes_waits),
        CASE(of_a_server_that_is_away_level_remote_is_level_disk),
        CASE(a_table_is_noted_at_the_run),
        CASE(where_memory_ends_nothing_waits_that_was_not_accepted),
        CASE(a_file_that_cannot_be_read_is_not_taken),
        CASE(what_cannot_be_logged_is_refused_also_when_the_server_is_away),
        CASE(what_will_never_pass_is_a_dead_letter),
        CASE(a_file_that_changed_or_went_is_a_dead_letter),
        CASE(a_copy_that_is_gone_was_delivered_where_the_file_is_there),
        CASE(a_deleted_run_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
