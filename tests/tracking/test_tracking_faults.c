/* Memory that runs out at every place, and a disk that is full: what was accepted is there in the end, once. */
#include "support/scarce_memory.h"
#include "support/support.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* Ok, or out of memory: nothing else may come of a failed allocation. */
static bool passed(mlplat_status s, const mlplat_error *err)
{
    if (s != MLPLAT_OK && s != MLPLAT_NO_MEMORY)
        fail_msg("%s: %s", mlplat_status_name(s), err->message);
    return s == MLPLAT_OK;
}

static mlplat *open_scarce(const char *folder)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    return passed(test_try_open(folder, &ml, &err), &err) ? ml : NULL;
}

/* Everything that a run does, once. Returns how many points were accepted; the run's id is "" if it did not start. */
static int whole_run(const char *folder, char id[40])
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    mlplat_search q = MLPLAT_SEARCH_INIT;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    static const double values[] = {1, 2, 3};
    int accepted = 0;
    id[0] = 0;
    mlplat *ml = open_scarce(folder);
    o.experiment = "scarce";
    o.tags = "{\"a\": \"b\"}";
    if (ml && passed(mlplat_run_start(ml, &o, &run, &err), &err)) {
        snprintf(id, 40, "%s", mlplat_run_id(run));
        accepted += passed(mlplat_run_log_metric(run, "m", 0, 0, &err), &err);
        accepted +=
            passed(mlplat_run_log_metrics(run, "m", (const int64_t[]){1, 2, 3}, NULL, values, 3, &err), &err) * 3;
        accepted +=
            passed(mlplat_run_log_batch(run,
                                        "{\"metrics\": [{\"key\": \"m\", \"value\": 1, \"step\": 4}], \"params\": "
                                        "{\"p\": 1}, \"tags\": {\"t\": \"u\"}}",
                                        &err),
                   &err);
        passed(mlplat_run_log_param(run, "q", "1", &err), &err);
        passed(mlplat_run_set_tag(run, "t", "v", &err), &err);
        passed(mlplat_run_get(ml, id, &doc, &err), &err);
        mlplat_doc_free(doc);
        q.filter = "metrics.m > 0 AND tags.a = 'b' AND run_id IN ('x', 'y')";
        q.order_by = "metrics.m DESC";
        passed(mlplat_run_search(ml, &q, &doc, &err), &err);
        mlplat_doc_free(doc);
        passed(mlplat_metric_history(ml, id, "m", 2, NULL, &doc, &err), &err);
        mlplat_doc_free(doc);
        passed(mlplat_run_end(run, NULL, &err), &err);
    }
    mlplat_run_free(run);
    mlplat_close(ml);
    return accepted;
}

static void no_failed_allocation_loses_or_doubles_a_point(void **state)
{
    (void)state;
    char *folder = test_folder_make(), id[40];
    bool reached = true;
    test_clear_environment();
    for (long nth = 0; reached; nth++) {
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        size_t n = 0;
        scarce_memory_on();
        scarce_memory_arm_any(nth);
        int accepted = whole_run(folder, id);
        reached = scarce_memory_disarm();
        if (!*id) {
            assert_true(reached);
            continue;
        }
        mlplat *ml = test_open(folder); /* stores what was left behind */
        assert_ok(mlplat_metric_history(ml, id, "m", 0, NULL, &doc, &err));
        assert_ok(mlplat_doc_size(doc, "metrics", &n, &err));
        if (n != (size_t)accepted)
            fail_msg("allocation %ld failed: %d points accepted, %zu stored", nth, accepted, n);
        mlplat_doc_free(doc);
        mlplat_close(ml);
    }
    scarce_memory_off();
    test_folder_remove(folder);
}

/* ---- memory, call by call: what belongs to a run and is not queued ----------------------------------------------- */

static mlplat_status update(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    change.name = "renamed";
    return mlplat_run_update(ml, mlplat_run_id(run), &change, err);
}

static mlplat_status rename_experiment(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    (void)run;
    return mlplat_experiment_rename(ml, "0", "other", err);
}

static mlplat_status inputs(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    (void)ml;
    return mlplat_run_log_inputs(run,
                                 "{\"datasets\": [{\"dataset\": {\"name\": \"d\", \"digest\": \"1\", \"source_type\": "
                                 "\"s\", \"source\": \"x\"}, \"tags\": [{\"key\": \"a\", \"value\": \"b\"}]}], "
                                 "\"models\": [{\"model_id\": \"m-1\"}]}",
                                 err);
}

static mlplat_status sample(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_metric_sample(ml, mlplat_run_id(run), "m", 2, MLPLAT_AXIS_STEP, &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status table(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    (void)ml;
    return mlplat_run_log_table(run, "{\"columns\": [\"b\"], \"data\": [[2]]}", "t.json", err);
}

static mlplat_status image(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    mlplat_image o = MLPLAT_IMAGE_INIT;
    (void)ml;
    o.key = "k";
    return mlplat_run_log_image(run, "\x89PNG\r\n\x1a\n", 8, &o, err);
}

static mlplat_status log_model(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    mlplat_model model = MLPLAT_MODEL_INIT;
    char *uri = NULL;
    (void)ml;
    model.loader_module = "loader";
    mlplat_status s = mlplat_run_log_model(run, &model, "model", &uri, err);
    mlplat_free(uri);
    return s;
}

static mlplat_status read_model(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    char uri[60];
    snprintf(uri, sizeof uri, "runs:/%s/model", mlplat_run_id(run));
    mlplat_status s = mlplat_model_info(ml, uri, &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status logged_model(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    const char *id = NULL;
    char batch[200];
    mlplat_logged_model_options o = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
    o.params = o.tags = "{\"a\": \"b\"}";
    mlplat_status s = mlplat_logged_model_create(ml, &o, &doc, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_string(doc, "info.model_id", &id, err);
    if (s == MLPLAT_OK) {
        snprintf(batch, sizeof batch, "{\"metrics\": [{\"key\": \"a\", \"value\": 1, \"model_id\": \"%s\"}]}", id);
        s = mlplat_run_log_batch(run, batch, err);
    }
    if (s == MLPLAT_OK)
        s = mlplat_logged_model_set_tags(ml, id, "{\"c\": \"d\"}", err);
    if (s == MLPLAT_OK)
        s = mlplat_logged_model_finalize(ml, id, "READY", NULL, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status get_run(mlplat *ml, mlplat_run *run, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_run_get(ml, mlplat_run_id(run), &doc, err);
    mlplat_doc_free(doc);
    return s;
}

/* Makes each allocation of a call fail once. */
static void sweep(mlplat *ml, mlplat_run *run, const char *name,
                  mlplat_status (*call)(mlplat *, mlplat_run *, mlplat_error *))
{
    bool reached = true;
    for (long nth = 0; reached; nth++) {
        mlplat_error err = {0};
        scarce_memory_arm_any(nth);
        mlplat_status s = call(ml, run, &err);
        reached = scarce_memory_disarm();
        if (!passed(s, &err) && !reached)
            fail_msg("%s is out of memory without a failed allocation", name);
    }
}

static void each_call_tells_that_memory_ran_out(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        mlplat_status (*call)(mlplat *, mlplat_run *, mlplat_error *);
    } calls[] = {
        {"update", update},       {"rename", rename_experiment}, {"inputs", inputs},       {"sample", sample},
        {"table", table},         {"image", image},              {"log model", log_model}, {"read model", read_model},
        {"logged model", logged_model}, {"get run", get_run},
    };
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1); /* thousands of syncs */
    char *folder = test_folder_make();
    scarce_memory_on();
    mlplat *ml = test_open(folder);
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    assert_ok(mlplat_run_log_metric(run, "m", 1, 0, &err));
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        sweep(ml, run, calls[i].name, calls[i].call);
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    mlplat_close(ml);
    scarce_memory_off();
    test_folder_remove(folder);
}

/* ---- disk ------------------------------------------------------------------------------------------------------ */

/* A file system of 64 MiB at folder, seen by this process alone. */
static bool small_disk(const char *folder)
{
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount("tmpfs", folder, "tmpfs", 0, "size=64m") == 0;
}

/* Takes what is left of the disk but `spare` bytes. */
static void fill_disk(const char *path, off_t spare)
{
    static char block[65536];
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    memset(block, 'x', sizeof block);
    for (size_t n = sizeof block; n > 0;)
        if (write(fd, block, n) <= 0)
            n /= 2;
    struct stat st;
    if (fstat(fd, &st) == 0 && ftruncate(fd, st.st_size > spare ? st.st_size - spare : 0) != 0)
        _exit(3);
    close(fd);
}

/* Ends the process if what must hold does not: cmocka is in another one. */
#define MUST(holds)                                                                                                    \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            fprintf(stderr, "line %d: %s: %s %s\n", __LINE__, #holds, mlplat_status_name(err.status), err.message);    \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)

static size_t stored_points(mlplat *ml, const char *id)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    size_t n = 0;
    MUST(mlplat_metric_history(ml, id, "m", 0, NULL, &doc, &err) == MLPLAT_OK);
    MUST(mlplat_doc_size(doc, "metrics", &n, &err) == MLPLAT_OK);
    mlplat_doc_free(doc);
    return n;
}

static void log_on_a_full_disk(const char *folder)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    size_t accepted = 0;
    mlplat *ml = open_scarce(folder);
    MUST(mlplat_run_start(ml, NULL, &run, &err) == MLPLAT_OK);
    for (; accepted < 1000; accepted++)
        MUST(mlplat_run_log_metric(run, "m", 1, (int64_t)accepted, &err) == MLPLAT_OK);
    fill_disk(test_path(folder, "ballast"), 256 * 1024);
    mlplat_status s = MLPLAT_OK;
    for (; s == MLPLAT_OK; accepted += s == MLPLAT_OK)
        s = mlplat_run_log_metric(run, "m", 1, (int64_t)accepted, &err);
    MUST(s == MLPLAT_NO_SPACE);
    MUST(strstr(err.message, folder));
    s = mlplat_run_log_param(run, "p", "1", &err);
    MUST(s == MLPLAT_NO_SPACE && strstr(err.message, folder));
    MUST(mlplat_run_end(run, NULL, &err) == MLPLAT_NO_SPACE);
    MUST(unlink(test_path(folder, "ballast")) == 0); /* the way out that the message names */
    MUST(mlplat_run_log_metric(run, "m", 1, (int64_t)accepted, &err) == MLPLAT_OK);
    accepted++;
    MUST(mlplat_run_log_param(run, "p", "1", &err) == MLPLAT_OK);
    MUST(stored_points(ml, mlplat_run_id(run)) == accepted);
    MUST(mlplat_run_end(run, NULL, &err) == MLPLAT_OK);
    mlplat_run_free(run);
    mlplat_close(ml);
}

static void a_full_disk_is_told_and_nothing_is_lost(void **state)
{
    (void)state;
    int status = 0;
    char *folder = test_folder_make();
    test_clear_environment();
    pid_t pid = fork();
    if (pid == 0) {
        if (!small_disk(folder))
            _exit(77);
        log_on_a_full_disk(folder);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    test_folder_remove(folder);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* no right to mount */
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_is_told_and_nothing_is_lost),
        cmocka_unit_test(no_failed_allocation_loses_or_doubles_a_point),
        cmocka_unit_test(each_call_tells_that_memory_ran_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
