/*
 * Stores that can only be read: a file without write permission, a folder without, both, and a file system mounted
 * read-only. Reading works and sees all; writing says why not. Done by a child that is no root, whom modes do not stop.
 */
#include "support/support.h"
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

typedef struct store {
    char *folder, run[64];
} store;

static const char *db_path(const store *st)
{
    return test_path(st->folder, "mlflow.db");
}

static mlplat *open_store(const store *st)
{
    char uri[1100];
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    snprintf(uri, sizeof uri, "sqlite:///%s", db_path(st));
    o.tracking_uri = uri;
    return mlplat_open(&o, &ml, &err) == MLPLAT_OK ? ml : NULL;
}

/* A store with one run, a point, and a registered model. */
static store make(void)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    store st = {.folder = test_folder_make()};
    mlplat *ml = test_open(st.folder);
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    assert_ok(mlplat_run_log_metric(run, "m", 1.5, 0, &err));
    assert_ok(mlplat_run_end(run, NULL, &err));
    assert_ok(mlplat_registered_model_create(ml, "model", NULL, NULL, &err));
    snprintf(st.run, sizeof st.run, "%s", mlplat_run_id(run));
    mlplat_run_free(run);
    mlplat_close(ml);
    return st;
}

static void set_modes(const store *st, mode_t file, mode_t folder)
{
    assert_int_equal(chmod(db_path(st), file), 0);
    assert_int_equal(chmod(st->folder, folder), 0);
}

static void give_to_nobody(const store *st)
{
    if (geteuid() == 0) {
        assert_int_equal(chown(db_path(st), NOBODY, NOBODY), 0);
        assert_int_equal(chown(st->folder, NOBODY, NOBODY), 0);
    }
}

static void drop(store *st)
{
    chmod(st->folder, 0755);
    test_folder_remove(st->folder);
}

/* ---- what a child does: 0 is good -------------------------------------------------------------------------------- */

static int wrong(const char *what, mlplat_status s, const mlplat_error *err)
{
    fprintf(stderr, "%s: %s: %s\n", what, mlplat_status_name(s), err->message);
    return 1;
}

static int reads(const store *st)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    double value = 0;
    mlplat *ml = open_store(st);
    mlplat_status s = mlplat_run_get(ml, st->run, &doc, &err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_double(doc, "data.metrics[0].value", &value, &err);
    int bad = s != MLPLAT_OK || value != 1.5 ? wrong("run_get", s, &err) : 0;
    mlplat_doc_free(doc);
    doc = NULL;
    s = mlplat_registered_model_get(ml, "model", &doc, &err);
    bad += s != MLPLAT_OK ? wrong("registered_model_get", s, &err) : 0;
    mlplat_doc_free(doc);
    doc = NULL;
    s = mlplat_run_search(ml, NULL, &doc, &err);
    bad += s != MLPLAT_OK ? wrong("run_search", s, &err) : 0;
    mlplat_doc_free(doc);
    mlplat_close(ml);
    return bad;
}

static int denied(const char *what, mlplat_status s, const mlplat_error *err)
{
    return s == MLPLAT_DENIED && strstr(err->message, "writable") ? 0 : wrong(what, s, err);
}

static int is_told_why_it_cannot_write(const store *st)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat *ml = open_store(st);
    int bad = denied("run_start", mlplat_run_start(ml, NULL, &run, &err), &err);
    bad += denied("run_attach", mlplat_run_attach(ml, st->run, &run, &err), &err);
    bad += denied("model", mlplat_registered_model_create(ml, "another", NULL, NULL, &err), &err);
    bad += denied("tag", mlplat_registered_model_set_tag(ml, "model", "a", "b", &err), &err);
    mlplat_close(ml);
    return bad;
}

static int reads_only(const store *st)
{
    return reads(st) + is_told_why_it_cannot_write(st);
}

static int is_refused_for_the_log(const store *st)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat *ml = open_store(st);
    mlplat_status s = mlplat_run_get(ml, st->run, &doc, &err);
    int bad = s == MLPLAT_DENIED && strstr(err.message, "write-ahead log") ? 0 : wrong("run_get", s, &err);
    mlplat_close(ml);
    return bad;
}

static int in_child(int (*work)(const store *), const store *st)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
            _exit(99);
        alarm(60);
        _exit(work(st));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* ---- tests ----------------------------------------------------------------------------------------------------- */

static void a_store_of_somebody_else_is_read(void **state)
{
    (void)state;
    static const struct {
        mode_t file, folder;
    } modes[] = {{0444, 0555}, {0644, 0555}, {0444, 0755}};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        for (int owner = 0; owner < 2; owner++) {
            store st = make();
            if (owner)
                give_to_nobody(&st);
            set_modes(&st, modes[i].file, modes[i].folder);
            if (in_child(reads_only, &st))
                fail_msg("file %o in folder %o, %s", (unsigned)modes[i].file, (unsigned)modes[i].folder,
                         owner ? "our own" : "of another user");
            drop(&st);
        }
}

/* Its writer is there: the log and its shared memory are beside the file. */
static void a_store_that_somebody_else_writes_is_read_with_its_log(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    store st = make();
    mlplat *ml = test_open(st.folder);
    assert_ok(mlplat_run_start(ml, NULL, &run, &err));
    snprintf(st.run, sizeof st.run, "%s", mlplat_run_id(run));
    assert_ok(mlplat_run_log_metric(run, "m", 1.5, 0, &err));
    assert_ok(mlplat_flush(ml, -1, &err));
    assert_int_equal(access(test_path(st.folder, "mlflow.db-wal"), F_OK), 0);
    set_modes(&st, 0644, 0755);
    if (geteuid() != 0)
        set_modes(&st, 0444, 0555);
    assert_int_equal(in_child(reads, &st), 0);
    mlplat_run_free(run);
    mlplat_close(ml);
    drop(&st);
}

/* A log that a killed writer left behind, without the shared memory that leads through it. */
static void changes_that_wait_in_a_log_are_told_and_not_missed(void **state)
{
    (void)state;
    store st = make();
    char wal[1100], copy[1100], command[2300];
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(db_path(&st), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE runs SET name = 'newer'", NULL, NULL, NULL), SQLITE_OK);
    snprintf(wal, sizeof wal, "%s-wal", db_path(&st));
    snprintf(copy, sizeof copy, "%s-kept", db_path(&st));
    snprintf(command, sizeof command, "cp '%s' '%s'", wal, copy);
    assert_int_equal(system(command), 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(rename(copy, wal), 0);
    set_modes(&st, 0444, 0555);
    assert_int_equal(in_child(is_refused_for_the_log, &st), 0);
    drop(&st);
}

/* A session that reads a still file is told when it is not still any more. */
static int sees_the_change(const store *st)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char byte = 0;
    mlplat *ml = open_store(st);
    mlplat_status s = mlplat_run_get(ml, st->run, &doc, &err);
    mlplat_doc_free(doc);
    doc = NULL;
    if (s != MLPLAT_OK || write(4, "r", 1) != 1 || read(3, &byte, 1) != 1)
        return wrong("first", s, &err);
    s = mlplat_run_get(ml, st->run, &doc, &err);
    int bad = s == MLPLAT_UNAVAILABLE && strstr(err.message, "again") ? 0 : wrong("second", s, &err);
    mlplat_close(ml);
    return bad + reads(st);
}

static void a_change_of_a_still_file_is_noticed(void **state)
{
    (void)state;
    int there[2], back[2], status = 0;
    char byte = 0;
    store st = make();
    sqlite3 *db = NULL;
    assert_true(pipe(there) == 0 && pipe(back) == 0);
    if (geteuid() != 0) {
        print_message("skipped: only root can change a file in a folder that its owner cannot write\n");
        skip();
    }
    set_modes(&st, 0444, 0555);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (dup2(there[0], 3) == -1 || dup2(back[1], 4) == -1 || setgid(NOBODY) || setuid(NOBODY))
            _exit(99);
        alarm(60);
        _exit(sees_the_change(&st));
    }
    close(back[1]);
    assert_int_equal(read(back[0], &byte, 1), 1);
    assert_int_equal(sqlite3_open(db_path(&st), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE runs SET name = 'newer'", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(write(there[1], "g", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(there[0]);
    close(there[1]);
    close(back[0]);
    drop(&st);
}

/* As root, too: nobody can write there. */
static void a_file_system_mounted_read_only(void **state)
{
    (void)state;
    store st = make();
    if (mount(st.folder, st.folder, NULL, MS_BIND, NULL) == -1) {
        print_message("skipped: no mount here (%s)\n", strerror(errno));
        test_folder_remove(st.folder);
        skip();
    }
    int failed = mount(NULL, st.folder, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
    int bad = failed ? 0 : reads_only(&st);
    umount2(st.folder, MNT_DETACH);
    assert_int_equal(failed, 0);
    assert_int_equal(bad, 0);
    test_folder_remove(st.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_of_somebody_else_is_read),
        cmocka_unit_test(a_store_that_somebody_else_writes_is_read_with_its_log),
        cmocka_unit_test(changes_that_wait_in_a_log_are_told_and_not_missed),
        cmocka_unit_test(a_change_of_a_still_file_is_noticed),
        cmocka_unit_test(a_file_system_mounted_read_only),
    };
    umask(022);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
