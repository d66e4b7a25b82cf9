/* The system says no: full disk, broken disk, folders that are not ours. */
#include "spool_fixture.h"
#include <errno.h>
#include <fcntl.h>

/* ---- a table of system calls that fails -------------------------------------------------------------------------- */

typedef enum call_kind {
    CALL_ANY,
    CALL_OPEN,
    CALL_PWRITE,
    CALL_MKDIR,
    CALL_RENAME,
    CALL_FSYNC,
    CALL_FDATASYNC,
    CALL_MMAP,
    CALL_LOCK,
    CALL_WRITE,
    CALL_KINDS
} call_kind;

static struct {
    _Atomic int kind;  /* CALL_ANY: each of them */
    _Atomic int after; /* calls that still go well */
    _Atomic int times; /* how many then fail; negative: all */
    _Atomic int error;
    _Atomic int failed; /* how many did */
    _Atomic int count[CALL_KINDS];
} fault;

static bool fails(call_kind kind)
{
    fault.count[kind]++;
    if (fault.error == 0 || (fault.kind != CALL_ANY && fault.kind != (int)kind))
        return false;
    if (fault.after > 0) {
        fault.after--;
        return false;
    }
    if (fault.times == 0)
        return false;
    fault.times--;
    fault.failed++;
    errno = fault.error;
    return true;
}

static int f_open(int dirfd, const char *path, int flags, mode_t mode)
{
    return flags & O_CREAT && fails(CALL_OPEN) ? -1 : mlp_os_default()->open(dirfd, path, flags, mode);
}

static ssize_t f_write(int fd, const void *buf, size_t n)
{
    return fails(CALL_WRITE) ? -1 : mlp_os_default()->write(fd, buf, n);
}

static ssize_t f_pwrite(int fd, const void *buf, size_t n, off_t at)
{
    return fails(CALL_PWRITE) ? -1
                              : mlp_os_default()->pwrite(fd, buf, n > 5000 ? 5000 : n, at); /* short ones are normal */
}

static int f_mkdir(int dirfd, const char *path, mode_t mode)
{
    return fails(CALL_MKDIR) ? -1 : mlp_os_default()->mkdir(dirfd, path, mode);
}

static int f_rename(int a, const char *from, int b, const char *to)
{
    return fails(CALL_RENAME) ? -1 : mlp_os_default()->rename(a, from, b, to);
}

static int f_fsync(int fd)
{
    return fails(CALL_FSYNC) ? -1 : mlp_os_default()->fsync(fd);
}

static int f_fdatasync(int fd)
{
    return fails(CALL_FDATASYNC) ? -1 : mlp_os_default()->fdatasync(fd);
}

static void *f_mmap(size_t n, int fd, off_t at)
{
    return fails(CALL_MMAP) ? NULL : mlp_os_default()->mmap(n, fd, at);
}

static int f_lock(int fd, off_t at, bool wait)
{
    return fails(CALL_LOCK) ? -1 : mlp_os_default()->lock(fd, at, wait);
}

static mlp_os faulty;

static void faults_on(void)
{
    faulty = *mlp_os_default();
    faulty.open = f_open;
    faulty.write = f_write;
    faulty.pwrite = f_pwrite;
    faulty.mkdir = f_mkdir;
    faulty.rename = f_rename;
    faulty.fsync = f_fsync;
    faulty.fdatasync = f_fdatasync;
    faulty.mmap = f_mmap;
    faulty.lock = f_lock;
    fault.error = 0;
    fault.failed = 0;
    for (int i = 0; i < CALL_KINDS; i++)
        fault.count[i] = 0;
    mlp_os_replace(&faulty);
}

static void fault_set(call_kind kind, int after, int times, int error)
{
    fault.error = 0;
    fault.kind = (int)kind;
    fault.after = after;
    fault.times = times;
    fault.failed = 0;
    fault.error = error;
}

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

static bool stored_once(fixture *f, const bool *accepted, int n)
{
    bool right = true;
    for (int i = 0; i < n; i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "select count(*) from rows where step = %d", i);
        right = right && fake_sink_ask(f->sink, sql) == accepted[i];
    }
    return right;
}

/* ---- full and broken disks --------------------------------------------------------------------------------------- */

static void a_disk_full_at_any_call_loses_nothing_accepted(void **state)
{
    static const mlplat_durability levels[] = {MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_DISK};
    fixture *f = *state;
    for (int l = 0; l < 2; l++) {
        bool reached = true;
        for (int nth = 0; reached && nth < 400; nth++) {
            mlplat_error err = {0};
            bool accepted[20];
            faults_on();
            fixture_open(f, levels[l]);
            fault_set(CALL_ANY, nth, -1, ENOSPC);
            for (int i = 0; i < 20; i++) {
                if (i == 10) {
                    reached = fault.failed > 0;
                    fault.error = 0; /* somebody made room */
                }
                mlplat_status status = put(f->spool, "m", i, MLPLAT_DURABILITY_DEFAULT, &err);
                accepted[i] = status == MLPLAT_OK;
                if (!accepted[i])
                    assert_int_equal(status, MLPLAT_NO_SPACE);
                if (i >= 10)
                    assert_true(accepted[i]);
            }
            drain(f);
            fixture_close(f);
            assert_true(stored_once(f, accepted, 20));
            assert_int_equal(entries(f->spool_folder, "", NULL), -1);
            fake_sink_ask(f->sink, "delete from rows");
        }
        assert_false(reached); /* the sweep went past the last call */
    }
}

static void a_disk_full_while_segments_fill_refuses_and_recovers(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t n = 0;
    faults_on();
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 1, MLPLAT_DURABILITY_DEFAULT);
    fault_set(CALL_PWRITE, 0, -1, ENOSPC);
    f->sink->hold = true; /* nothing becomes free */
    mlplat_status status = MLPLAT_OK;
    for (n = 1; status == MLPLAT_OK && n < 100000; n++)
        status = put(f->spool, "m", n, MLPLAT_DURABILITY_DEFAULT, &err);
    assert_int_equal(status, MLPLAT_NO_SPACE);
    assert_non_null(strstr(err.message, f->spool_folder));
    fault.error = 0;
    put_many(f->spool, "m", n - 1, n + 1000, MLPLAT_DURABILITY_DEFAULT);
    f->sink->hold = false;
    drain(f);
    assert_int_equal(count(f), n + 1000);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
}

static void a_failed_sync_gives_its_segment_up_and_nobody_notices(void **state)
{
    fixture *f = *state;
    faults_on();
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    put_many(f->spool, "m", 0, 5, MLPLAT_DURABILITY_DEFAULT);
    fault_set(CALL_FDATASYNC, 0, 1, EIO);
    put_many(f->spool, "m", 5, 10, MLPLAT_DURABILITY_DEFAULT);
    assert_int_equal(fault.failed, 1);
    assert_true(fixture_logged(f, "given up"));
    drain(f);
    assert_int_equal(count(f), 10);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

static void a_disk_that_never_syncs_is_told_to_the_caller(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    faults_on();
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    put_many(f->spool, "m", 0, 5, MLPLAT_DURABILITY_DEFAULT);
    f->sink->hold = true;
    fault_set(CALL_FDATASYNC, 0, -1, EIO);
    for (int i = 0; i < 3; i++)
        assert_status(put(f->spool, "lost", i, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_IO);
    fault.error = 0;
    put_many(f->spool, "m", 5, 10, MLPLAT_DURABILITY_DEFAULT);
    f->sink->hold = false;
    drain(f);
    assert_int_equal(count(f), 10);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where key = 'lost'"), 0);
}

typedef struct writer {
    fixture *f;
    int number;
    bool accepted[100];
} writer;

static void *write_hundred(void *arg)
{
    writer *w = arg;
    mlplat_error err = {0};
    for (int i = 0; i < 100; i++)
        w->accepted[i] = put(w->f->spool, "m", w->number * 100 + i, MLPLAT_DURABILITY_DISK, &err) == MLPLAT_OK;
    return NULL;
}

static void threads_that_share_a_failing_sync_each_hear_the_truth(void **state)
{
    fixture *f = *state;
    writer w[6];
    pthread_t id[6];
    faults_on();
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    fault_set(CALL_FDATASYNC, 20, 5, EIO); /* the group, its rescue, and the next ones */
    for (int i = 0; i < 6; i++) {
        w[i] = (writer){.f = f, .number = i};
        pthread_create(&id[i], NULL, write_hundred, &w[i]);
    }
    for (int i = 0; i < 6; i++)
        pthread_join(id[i], NULL);
    assert_int_equal(fault.failed, 5);
    drain(f);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 100; k++) {
            char sql[100];
            snprintf(sql, sizeof sql, "select count(*) from rows where step = %d", i * 100 + k);
            assert_int_equal(fake_sink_ask(f->sink, sql), w[i].accepted[k]);
        }
}

static void a_file_system_that_cannot_be_mapped_is_written(void **state)
{
    fixture *f = *state;
    faults_on();
    fault_set(CALL_MMAP, 0, -1, ENODEV);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 20000, MLPLAT_DURABILITY_DEFAULT);
    assert_int_equal(fault.count[CALL_FDATASYNC], 0); /* level process: the page cache is enough */
    drain(f);
    assert_int_equal(count(f), 20000);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
}

static void level_process_makes_no_call_per_record(void **state)
{
    fixture *f = *state;
    faults_on();
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 1, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    int before = fault.count[CALL_PWRITE] + fault.count[CALL_WRITE] + fault.count[CALL_FSYNC];
    put_many(f->spool, "m", 1, 150, MLPLAT_DURABILITY_DEFAULT); /* within the first quarter of the segment */
    assert_int_equal(fault.count[CALL_PWRITE] + fault.count[CALL_WRITE] + fault.count[CALL_FSYNC], before);
}

static void dead_letters_wait_for_a_full_disk(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out;
    faults_on();
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->set_aside = true;
    f->sink->refuse = MLPLAT_STATE;
    put_many(f->spool, "m", 0, 1, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    fault_set(CALL_ANY, 0, -1, ENOSPC);
    put_many(f->spool, "refused", 1, 2, MLPLAT_DURABILITY_DEFAULT);
    assert_status(mlp_spool_drain(f->spool, -1, NULL, &err), MLPLAT_NO_SPACE);
    fault.error = 0;
    drain(f);
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    assert_int_equal(json_integer_value(json_object_get(out, "dead")), 1);
    json_decref(out);
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

static void check_modes(const char *path, mode_t folder, mode_t file)
{
    struct stat st;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, folder);
    for (struct dirent *e; (e = readdir(dir));) {
        const char *name = test_path(path, e->d_name);
        if (e->d_name[0] == '.' || lstat(name, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            char copy[1024];
            snprintf(copy, sizeof copy, "%s", name);
            check_modes(copy, folder, file);
        } else
            assert_int_equal(st.st_mode & 07777, file);
    }
    closedir(dir);
}

static void modes_are_private_whatever_the_umask(void **state)
{
    static const mode_t masks[] = {0, 022, 0277, 0777};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        mode_t old = umask(masks[i]);
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        f->sink->refuse = MLPLAT_STATE;
        put_many(f->spool, "refused", 0, 5, MLPLAT_DURABILITY_PROCESS);
        put_many(f->spool, "refused", 5, 6, MLPLAT_DURABILITY_DISK);
        drain(f);
        umask(old);
        check_modes(f->spool_folder, 0700, 0600);
        fixture_close(f);
    }
}

static void refused_with(fixture *f, const char *words)
{
    mlplat_error err = {0};
    json_t *out;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS); /* reading goes on */
    assert_status(put(f->spool, "m", 0, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_DENIED);
    assert_non_null(strstr(err.message, words));
    assert_non_null(strstr(err.message, "MLPLAT_SPOOL"));
    assert_status(put(f->spool, "m", 0, MLPLAT_DURABILITY_DISK, &err), MLPLAT_DENIED);
    assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), MLPLAT_DENIED);
    assert_status(mlp_spool_status(f->spool, &out, &err), MLPLAT_DENIED);
    fixture_close(f);
}

static void a_folder_that_others_can_write_is_refused(void **state)
{
    static const mode_t modes[] = {0777, 0770, 0702, 01777};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        mkdir(f->spool_folder, 0700);
        chmod(f->spool_folder, modes[i]);
        refused_with(f, "can be written by others");
        rmdir(f->spool_folder);
    }
}

static void a_folder_of_somebody_else_is_refused(void **state)
{
    fixture *f = *state;
    mkdir(f->spool_folder, 0700);
    if (chown(f->spool_folder, 12345, 12345) != 0)
        skip(); /* only root can give folders away */
    refused_with(f, "belongs to user 12345");
}

static void a_link_in_place_of_the_folder_is_refused(void **state)
{
    fixture *f = *state;
    const char *target = test_path(f->folder, "target");
    mkdir(target, 0700);
    assert_int_equal(symlink(target, f->spool_folder), 0);
    refused_with(f, "is a link");
    assert_int_equal(entries(target, "", NULL), 0);
    unlink(f->spool_folder);
}

static void a_journal_of_somebody_else_is_left_alone(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    char name[300];
    entries(f->spool_folder, "-", name);
    const char *folder = test_path(f->spool_folder, name);
    assert_int_equal(chmod(folder, 0777), 0);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 0);
    fixture_close(f);
    chmod(folder, 0700);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 10);
}

static void a_read_only_file_system_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    faults_on();
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    fault_set(CALL_MKDIR, 0, -1, EROFS);
    assert_status(put(f->spool, "m", 0, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_DENIED);
    assert_non_null(strstr(err.message, f->spool_folder));
    assert_ok(put(f->spool, "m", 1, MLPLAT_DURABILITY_MEMORY, &err)); /* this level needs no folder */
    drain(f);
    assert_int_equal(count(f), 1);
}

static void a_volatile_folder_in_a_container_is_said_once(void **state)
{
    fixture *f = *state;
    char *shm = NULL;
    char name[] = "/dev/shm/mlplat-test-XXXXXX";
    if (access("/dev/shm", W_OK) != 0 || !(shm = mkdtemp(name)))
        skip();
    snprintf(f->spool_folder, sizeof f->spool_folder, "%s/spool", shm);
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    put_many(f->spool, "m", 10, 20, MLPLAT_DURABILITY_DISK);
    drain(f);
    unsetenv("KUBERNETES_SERVICE_HOST");
    fixture_close(f);
    char *said = strstr(f->log, "in a container");
    assert_non_null(said);
    assert_non_null(strstr(said, "MLPLAT_SPOOL"));
    assert_null(strstr(said + 1, "in a container"));
    rmdir(f->spool_folder);
    rmdir(shm);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_disk_full_at_any_call_loses_nothing_accepted),
        TEST(a_disk_full_while_segments_fill_refuses_and_recovers),
        TEST(a_failed_sync_gives_its_segment_up_and_nobody_notices),
        TEST(a_disk_that_never_syncs_is_told_to_the_caller),
        TEST(threads_that_share_a_failing_sync_each_hear_the_truth),
        TEST(a_file_system_that_cannot_be_mapped_is_written),
        TEST(level_process_makes_no_call_per_record),
        TEST(dead_letters_wait_for_a_full_disk),
        TEST(modes_are_private_whatever_the_umask),
        TEST(a_folder_that_others_can_write_is_refused),
        TEST(a_folder_of_somebody_else_is_refused),
        TEST(a_link_in_place_of_the_folder_is_refused),
        TEST(a_journal_of_somebody_else_is_left_alone),
        TEST(a_read_only_file_system_is_told),
        TEST(a_volatile_folder_in_a_container_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
