/* Somebody swaps a run's folder, and a folder in it, for links to elsewhere and back while its files are at work. */
#include "store/archive_support.h"
#include "support/fault_os.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

typedef struct race {
    char *folder, run_id[64], run[1100], sub[1200], link[2][1200];
    mlplat *a;
    int64_t left_out; /* calls that a link kept from their work */
} race;

/* A process of its own: swaps each for the link beside it, until it is killed or its parent is gone. */
static pid_t start_swapper(const race *r)
{
    pid_t parent = getpid(), pid = fork();
    while (!pid && getppid() == parent) {
        test_swap(r->run, r->link[0]);
        test_swap(r->run, r->link[0]);
        test_swap(r->sub, r->link[1]);
        test_swap(r->sub, r->link[1]);
    }
    if (!pid)
        _exit(0);
    return pid;
}

/* victim/artifacts/notes/canary is where a followed link would lead. */
static void begin_race(race *r)
{
    mlplat_error err = {0};
    *r = (race){.folder = two_folders()};
    r->a = open_in(r->folder, "a");
    fill_store(r->a, r->run_id);
    snprintf(r->run, sizeof r->run, "%s/a/mlruns/1/%s", r->folder, r->run_id);
    snprintf(r->sub, sizeof r->sub, "%s/artifacts/notes", r->run);
    snprintf(r->link[0], sizeof r->link[0], "%s/a/mlruns/1/x", r->folder);
    snprintf(r->link[1], sizeof r->link[1], "%s/artifacts/x", r->run);
    assert_ok(mlp_file_mkdirs(test_path(r->folder, "victim/artifacts/notes"), 0777, &err));
    assert_ok(mlp_file_write_atomic(test_path(r->folder, "victim/artifacts/notes/canary"), "alive", 5, false, &err));
    assert_int_equal(symlink(test_path(r->folder, "victim"), r->link[0]), 0);
    assert_int_equal(symlink(test_path(r->folder, "victim/artifacts/notes"), r->link[1]), 0);
}

static void note(race *r, mlplat_status s)
{
    r->left_out += s != MLPLAT_OK;
}

static void try_all(race *r)
{
    char uri[200];
    mlplat_doc *doc = NULL;
    mlplat_backup_options with = MLPLAT_BACKUP_OPTIONS_INIT;
    with.artifacts = 1;
    snprintf(uri, sizeof uri, "runs:/%s/notes/planted", r->run_id);
    note(r, mlplat_artifact_put_bytes(r->a, "dead", 4, uri, NULL));
    snprintf(uri, sizeof uri, "runs:/%s/notes", r->run_id);
    note(r, mlplat_artifact_get(r->a, uri, test_path(r->folder, "got"), NULL, NULL));
    note(r, mlplat_artifact_list(r->a, uri, &doc, NULL));
    mlplat_doc_free(doc);
    note(r, mlplat_export(r->a, test_path(r->folder, "out"), NULL, NULL, NULL));
    note(r, mlplat_store_backup(r->a, test_path(r->folder, "copy.db"), &with, NULL, NULL));
    static const char *const made[] = {"got", "out", "copy.db", "copy.db.artifacts"};
    assert_int_equal(access(test_path(r->folder, "got/canary"), F_OK), -1);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        mlp_file_remove_tree(test_path(r->folder, made[i]), NULL);
}

static void check_victim(const race *r, const char *after)
{
    mlplat_error err = {0};
    mlp_buf text = {0};
    assert_ok(mlp_file_read(test_path(r->folder, "victim/artifacts/notes/canary"), 100, &text, &err));
    if (text.size != 5 || memcmp(text.data, "alive", 5) != 0)
        fail_msg("the canary changed: %s", after);
    mlp_buf_free(&text);
    if (access(test_path(r->folder, "victim/artifacts/notes/planted"), F_OK) == 0)
        fail_msg("something was written outside: %s", after);
}

static void race_for(int64_t ms)
{
    mlplat_error err = {0};
    race r;
    begin_race(&r);
    pid_t swapper = start_swapper(&r);
    for (int64_t end = now_ms() + ms; now_ms() < end;)
        try_all(&r);
    check_victim(&r, "put, get, list, export, backup");
    assert_ok(mlplat_run_delete(r.a, r.run_id, &err));
    assert_ok(mlplat_store_gc(r.a, NULL, NULL, &err));
    check_victim(&r, "gc");
    assert_int_equal(kill(swapper, SIGKILL), 0);
    assert_int_equal(waitpid(swapper, NULL, 0), swapper);
    assert_true(r.left_out > 0); /* the swapper was in time at least once */
    mlplat_close(r.a);
    test_folder_remove(r.folder);
}

static int64_t round_ms(void)
{
    const char *heavy = getenv("MLPLAT_HEAVY");
    return heavy && strcmp(heavy, "1") == 0 ? 60000 : 1500;
}

static void links_swapped_in_lead_nobody_out(void **state)
{
    (void)state;
    race_for(round_ms());
}

static void links_swapped_in_lead_nobody_out_on_an_old_kernel(void **state)
{
    (void)state;
    fault_os_without_openat2();
    race_for(round_ms());
    fault_os_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_swapped_in_lead_nobody_out),
        cmocka_unit_test(links_swapped_in_lead_nobody_out_on_an_old_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
