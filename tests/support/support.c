#include "support/support.h"
#include "db/db_inside.h"
#include "tracking/tracking_db.h"
#include "tracking/tracking_store.h"
#include "base/file.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

char *test_folder_make(void)
{
    const char *tmp = getenv("TMPDIR");
    char name[512];
    snprintf(name, sizeof name, "%s/mlplat-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(name));
    return strdup(name);
}

void test_folder_remove(char *folder)
{
    mlplat_error err = {0};
    assert_ok(mlp_file_remove_tree(folder, &err));
    free(folder);
}

const char *test_path(const char *folder, const char *name)
{
    static char paths[8][1024];
    static int next;
    char *out = paths[next++ % 8];
    snprintf(out, sizeof paths[0], "%s/%s", folder, name);
    return out;
}

void test_clear_environment(void)
{
    static const char *const names[] = {
        "MLPLAT_TRACKING_URI", "MLFLOW_TRACKING_URI",    "MLPLAT_REGISTRY_URI",  "MLFLOW_REGISTRY_URI",
        "MLPLAT_ARTIFACT_ROOT", "MLPLAT_SPOOL",          "MLPLAT_DURABILITY",    "MLPLAT_PROFILE",
        "MLPLAT_CONFIG",        "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_NAME",
        "MLFLOW_RUN_ID",        "MLPLAT_PARENT_RUN_ID",  "MLPLAT_PIPELINE_ROOT", "MLFLOW_TRUNCATE_LONG_VALUES",
        "MLPLAT_SPOOL_QUOTA",   "MLPLAT_SPOOL_FULL",      "MLPLAT_SPOOL_RATE",    "MLPLAT_CLOSE_TIMEOUT_MS",
        "MLPLAT_MIRROR_URI",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1); /* the tester's own profile file is not ours */
}

mlplat_status test_try_open(const char *folder, mlplat **out, mlplat_error *err)
{
    char uri[1100];
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", folder);
    options.tracking_uri = uri;
    return mlplat_open(&options, out, err);
}

mlplat *test_open(const char *folder)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    test_clear_environment();
    assert_ok(test_try_open(folder, &ml, &err));
    return ml;
}

mlplat_run *test_run_start(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    return run;
}

int test_told(mlplat_status s, const mlplat_error *err)
{
    if (s != MLPLAT_OK)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err->message);
    return s != MLPLAT_OK;
}

void test_wait_good(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        fail_msg("a child ended with %x", (unsigned)status);
}

test_child test_child_make(test_work *work, size_t n)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    test_child child = {.pid = fork(), .words = ends[1]};
    if (child.pid == 0) {
        void *words = malloc(n);
        close(ends[1]);
        _exit(words && read(ends[0], words, n) == (ssize_t)n ? work(words) : 1); /* nobody may ever ask */
    }
    assert_true(child.pid > 0);
    close(ends[0]);
    return child;
}

void test_child_work(test_child *child, const void *words, size_t n)
{
    assert_int_equal(write(child->words, words, n), n);
    test_wait_good(child->pid);
    close(child->words);
}

uint64_t test_roll(uint64_t *state, uint64_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % n;
}

void test_swap(const char *one, const char *other)
{
    enum { EXCHANGE = 2 };
    syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, EXCHANGE);
}

void test_let_triggers_run(mlplat *ml)
{
    mlplat_error err = {0};
    mlp_tracking *tracking = NULL;
    assert_ok(mlp_tracking_of(ml, &tracking, &err));
    const mlp_tracking_db_store *store = tracking->store;
    assert_int_equal(sqlite3_db_config(store->db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL), SQLITE_OK);
}
