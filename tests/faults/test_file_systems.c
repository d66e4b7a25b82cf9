/*
 * File systems without memory that processes share, and those that go with a container. Told by the table of system
 * calls, so that each way is taken everywhere; on real mounts where this machine allows them.
 */
#include "base/os.h"
#include "support/support.h"
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POINTS = 3000 };

static struct {
    mlp_os table;
    const char *kind;
    int maps;
    int lock_fd;     /* of a journal, while it is open */
    bool taken_open; /* its name was taken away meanwhile */
} told;

static const char *told_kind(int dirfd)
{
    (void)dirfd;
    return told.kind;
}

static void *count_map(size_t n, int fd, off_t at)
{
    told.maps++;
    return mlp_os_default()->mmap(n, fd, at);
}

static int open_lock(int dirfd, const char *path, int flags, mode_t mode)
{
    int fd = mlp_os_default()->open(dirfd, path, flags, mode);
    if (strcmp(path, "lock") == 0)
        told.lock_fd = fd;
    return fd;
}

static int close_lock(int fd)
{
    if (fd == told.lock_fd)
        told.lock_fd = -1;
    return mlp_os_default()->close(fd);
}

static int unlink_lock(int dirfd, const char *path, int flags)
{
    told.taken_open = told.taken_open || (strcmp(path, "lock") == 0 && told.lock_fd != -1);
    return mlp_os_default()->unlink(dirfd, path, flags);
}

/* The kind that every folder is of from now on; NULL: as it is. Mappings are counted. */
static void tell_kind(const char *kind)
{
    told.table = *mlp_os_default();
    told.kind = kind;
    told.maps = 0;
    told.table.mmap = count_map;
    if (kind)
        told.table.fs_kind = told_kind;
    mlp_os_replace(&told.table);
}

static struct {
    int lines;
    char last[2048];
} warned;

static void take_line(void *user, mlplat_log_level level, const char *line)
{
    (void)user;
    if (level == MLPLAT_LOG_WARNING && strstr(line, "Mount a volume")) {
        warned.lines++;
        snprintf(warned.last, sizeof warned.last, "%s", line);
    }
}

static mlplat *open_in(const char *folder)
{
    char uri[1100];
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    warned.lines = 0;
    snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", folder);
    o.tracking_uri = uri;
    o.log = take_line;
    assert_ok(mlplat_open(&o, &ml, &err));
    return ml;
}

static void journal_mode(const char *folder, const char *change, char out[16])
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(test_path(folder, "mlflow.db"), &db), SQLITE_OK);
    if (change)
        assert_int_equal(sqlite3_exec(db, change, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    snprintf(out, 16, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* A run with points, a registered model; all of it is there afterwards. */
static void use(const char *folder)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    size_t n = 0;
    char id[64];
    mlplat *ml = open_in(folder);
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    for (int i = 0; i < POINTS; i++)
        assert_ok(mlplat_run_log_metric(run, "m", i, i, &err));
    assert_ok(mlplat_run_log_param(run, "p", "1", &err));
    assert_ok(mlplat_run_end(run, NULL, &err));
    snprintf(id, sizeof id, "%s", mlplat_run_id(run));
    mlplat_run_free(run);
    mlplat_close(ml);
    ml = open_in(folder);
    assert_ok(mlplat_metric_history(ml, id, "m", 0, NULL, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "metrics", &n, &err));
    assert_int_equal(n, POINTS);
    mlplat_doc_free(doc);
    mlplat_close(ml);
}

/* ---- no shared memory ------------------------------------------------------------------------------------------- */

static void without_shared_memory_nothing_is_mapped_and_the_journal_is_a_rollback_one(void **state)
{
    (void)state;
    static const char *const kinds[] = {"nfs", "fuse", "cifs", "9p"};
    char mode[16];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char *folder = test_folder_make();
        tell_kind(kinds[i]);
        use(folder);
        assert_int_equal(told.maps, 0);
        mlp_os_replace(NULL);
        journal_mode(folder, NULL, mode);
        assert_string_equal(mode, "delete");
        test_folder_remove(folder);
    }
}

/* Such file systems keep a file that is open in its folder, which cannot be removed then. */
static void a_journals_lock_is_closed_before_its_name_goes(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    tell_kind("fuse");
    told.lock_fd = -1;
    told.taken_open = false;
    told.table.open = open_lock;
    told.table.close = close_lock;
    told.table.unlink = unlink_lock;
    use(folder);
    mlp_os_replace(NULL);
    assert_false(told.taken_open);
    assert_int_equal(access(test_path(folder, "mlflow.db.spool"), F_OK), -1);
    test_folder_remove(folder);
}

static void a_normal_one_is_mapped_and_has_a_write_ahead_log(void **state)
{
    (void)state;
    char *folder = test_folder_make(), mode[16];
    tell_kind("");
    use(folder);
    assert_true(told.maps > 0);
    mlp_os_replace(NULL);
    journal_mode(folder, NULL, mode);
    assert_string_equal(mode, "wal");
    test_folder_remove(folder);
}

static void a_file_with_a_write_ahead_log_that_came_there_gives_it_up(void **state)
{
    (void)state;
    char *folder = test_folder_make(), mode[16];
    use(folder);
    journal_mode(folder, "PRAGMA journal_mode=WAL", mode);
    assert_string_equal(mode, "wal");
    tell_kind("nfs");
    use(folder);
    mlp_os_replace(NULL);
    journal_mode(folder, NULL, mode);
    assert_string_equal(mode, "delete");
    test_folder_remove(folder);
}

/* ---- containers ------------------------------------------------------------------------------------------------- */

static void what_goes_with_a_container_is_said_once(void **state)
{
    (void)state;
    static const char *const kinds[] = {"overlay", "tmpfs"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        mlplat_error err = {0};
        mlplat_run *run = NULL;
        char *folder = test_folder_make();
        tell_kind(kinds[i]);
        setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
        mlplat *ml = open_in(folder);
        assert_ok(mlplat_run_start(ml, NULL, &run, &err));
        for (int k = 0; k < 5; k++) {
            assert_ok(mlplat_run_log_metric(run, "m", k, k, &err));
            assert_ok(mlplat_flush(ml, -1, &err));
        }
        mlplat_run_free(run);
        mlplat_close(ml);
        unsetenv("KUBERNETES_SERVICE_HOST");
        assert_int_equal(warned.lines, 1);
        assert_non_null(strstr(warned.last, kinds[i]));
        assert_non_null(strstr(warned.last, "-v mlplat-spool:/spool"));
        mlp_os_replace(NULL);
        test_folder_remove(folder);
    }
}

/* ---- real mounts ------------------------------------------------------------------------------------------------ */

static void on_a_real_tmpfs(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    if (mount("none", folder, "tmpfs", 0, "size=64m") == -1) {
        print_message("skipped: no tmpfs can be mounted here (%s)\n", strerror(errno));
        test_folder_remove(folder);
        skip();
    }
    char mode[16];
    use(folder);
    journal_mode(folder, NULL, mode);
    umount2(folder, MNT_DETACH);
    assert_string_equal(mode, "wal");
    test_folder_remove(folder);
}

/* The layers lie on a tmpfs of their own: an overlay is no layer of another one. */
static void on_a_real_overlay(void **state)
{
    (void)state;
    char *folder = test_folder_make(), options[4000], merged[1100];
    int mounted = mount("none", folder, "tmpfs", 0, "size=64m");
    static const char *const names[] = {"lower", "upper", "work", "merged"};
    for (int i = 0; i < 4 && mounted == 0; i++)
        assert_int_equal(mkdir(test_path(folder, names[i]), 0755), 0);
    snprintf(merged, sizeof merged, "%s/merged", folder);
    snprintf(options, sizeof options, "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", folder, folder, folder);
    if (mounted == -1 || mount("overlay", merged, "overlay", 0, options) == -1) {
        print_message("skipped: no overlay can be mounted here (%s)\n", strerror(errno));
        umount2(folder, MNT_DETACH);
        test_folder_remove(folder);
        skip();
    }
    char mode[16];
    use(merged);
    journal_mode(merged, NULL, mode);
    umount2(merged, MNT_DETACH);
    umount2(folder, MNT_DETACH);
    assert_string_equal(mode, "wal");
    test_folder_remove(folder);
}

static int run_program(const char *program, const char *a, const char *b)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        execlp(program, program, a, b, (char *)NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void on_a_real_fuse_mount(void **state)
{
    (void)state;
    char *folder = test_folder_make(), mode[16], under[1100], mounted[1100];
    snprintf(under, sizeof under, "%s", test_path(folder, "under"));
    snprintf(mounted, sizeof mounted, "%s", test_path(folder, "mounted"));
    assert_true(mkdir(under, 0755) == 0 && mkdir(mounted, 0755) == 0);
    if (access("/dev/fuse", R_OK | W_OK) == -1 || run_program("bindfs", under, mounted) != 0) {
        print_message("skipped: no /dev/fuse, or bindfs cannot mount here\n");
        test_folder_remove(folder);
        skip();
    }
    tell_kind(NULL);
    use(mounted);
    int maps = told.maps;
    mlp_os_replace(NULL);
    journal_mode(mounted, NULL, mode);
    assert_int_equal(umount2(mounted, MNT_DETACH), 0);
    assert_int_equal(maps, 0);
    assert_string_equal(mode, "delete");
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_shared_memory_nothing_is_mapped_and_the_journal_is_a_rollback_one),
        cmocka_unit_test(a_journals_lock_is_closed_before_its_name_goes),
        cmocka_unit_test(a_normal_one_is_mapped_and_has_a_write_ahead_log),
        cmocka_unit_test(a_file_with_a_write_ahead_log_that_came_there_gives_it_up),
        cmocka_unit_test(what_goes_with_a_container_is_said_once),
        cmocka_unit_test(on_a_real_tmpfs),
        cmocka_unit_test(on_a_real_overlay),
        cmocka_unit_test(on_a_real_fuse_mount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
