/* Copies of files that records name: whole or not there, ours alone, counted, and gone when nobody can name them. */
#include "spool/spool_fixture.h"
#include "support/fault_os.h"
#include "support/scarce_memory.h"
#include <errno.h>
#include <fcntl.h>
#include <utime.h>

typedef struct text_source {
    const char *text;
    size_t at;
    bool fails;
} text_source;

static int64_t some(void *user, void *buf, size_t n, mlplat_error *err)
{
    text_source *from = user;
    size_t left = strlen(from->text) - from->at;
    n = left < n ? left : n;
    n = n < 4 ? n : 4;
    if (from->fails && from->at >= 4) {
        if (err)
            *err = (mlplat_error){.status = MLPLAT_CANCELLED, .message = "not now"};
        return -1;
    }
    memcpy(buf, from->text + from->at, n);
    from->at += n;
    return (int64_t)n;
}

static mlplat_status put_copy(fixture *f, const char *text, bool sync, char name[33], mlplat_error *err)
{
    text_source from = {.text = text};
    return mlp_spool_copy_put(f->spool, some, &from, strlen(text), sync, name, err);
}

static const char *copies_folder(const fixture *f)
{
    return test_path(f->spool_folder, "artifacts");
}

static int copies(const fixture *f)
{
    char name[300];
    return entries(copies_folder(f), "", name);
}

static void check_copy(fixture *f, const char *name, const char *want)
{
    char text[100];
    int fd;
    mlplat_error err = {0};
    assert_ok(mlp_spool_copy_open(f->spool, name, &fd, &err));
    ssize_t n = read(fd, text, sizeof text - 1);
    assert_true(n >= 0);
    text[n] = 0;
    assert_string_equal(text, want);
    close(fd);
}

static void a_copy_comes_back_and_is_ours_alone(void **state)
{
    fixture *f = *state;
    char one[33], two[33];
    int fd;
    struct stat st;
    mlplat_error err = {0};
    mode_t mask = umask(0);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(put_copy(f, "a text of some length", false, one, &err));
    assert_ok(put_copy(f, "", true, two, &err));
    umask(mask);
    check_copy(f, one, "a text of some length");
    check_copy(f, two, "");
    assert_int_equal(stat(copies_folder(f), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(test_path(copies_folder(f), one), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    mlp_spool_copy_remove(f->spool, one);
    assert_status(mlp_spool_copy_open(f->spool, one, &fd, &err), MLPLAT_NOT_FOUND);
    mlp_spool_copy_remove(f->spool, one);
    mlp_spool_copy_remove(f->spool, two);
    put_many(f->spool, "a", 0, 1, MLPLAT_DURABILITY_DEFAULT); /* what a copy is made for */
    fixture_close(f);
    assert_int_equal(access(f->spool_folder, F_OK), -1);
}

static void a_name_that_is_none_of_ours_is_nowhere(void **state)
{
    static const char *const names[] = {"", "../store.db", "0123456789abcdef0123456789abcde",
                                        "0123456789abcdef0123456789abcdef0", "0123456789abcdef0123456789abcdeg"};
    fixture *f = *state;
    char one[33];
    int fd;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(put_copy(f, "x", false, one, &err));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_status(mlp_spool_copy_open(f->spool, names[i], &fd, &err), MLPLAT_NOT_FOUND);
        mlp_spool_copy_remove(f->spool, names[i]);
    }
    assert_int_equal(copies(f), 1);
    mlp_spool_copy_remove(f->spool, one);
}

static void a_source_that_fails_leaves_nothing(void **state)
{
    fixture *f = *state;
    char name[33];
    mlplat_error err = {0};
    text_source from = {.text = "0123456789", .fails = true};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_status(mlp_spool_copy_put(f->spool, some, &from, 10, false, name, &err), MLPLAT_CANCELLED);
    assert_string_equal(err.message, "not now");
    from.at = 0;
    assert_int_equal(mlp_spool_copy_put(f->spool, some, &from, 10, false, name, NULL), MLPLAT_CANCELLED);
    assert_int_equal(copies(f), 0);
    assert_int_equal(f->spool->quota.others, 0);
}

/* Each system call of a copy fails once: nothing is left of it, and the room that it took is given back. */
static void a_failed_call_leaves_nothing(void **state)
{
    fixture *f = *state;
    char name[33];
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    size_t failed = 0;
    for (size_t nth = 1, used = 1; used >= nth; nth++) {
        mlplat_error err = {0};
        fault_os_begin(nth, EIO, false);
        mlplat_status s = put_copy(f, "0123456789", true, name, &err);
        used = fault_os_end() + (s != MLPLAT_OK);
        failed += s != MLPLAT_OK;
        assert_true(s == MLPLAT_OK || err.message[0]);
        if (s == MLPLAT_OK)
            mlp_spool_copy_remove(f->spool, name);
        int left = copies(f);
        if (left > 0 && s != MLPLAT_OK) /* what was renamed, and not synced, is there whole */
            assert_int_equal(left, 1);
        mlp_file_remove_tree(copies_folder(f), NULL);
        assert_int_equal(f->spool->quota.others, 0);
    }
    assert_true(failed > 5);
}

static int tidied;

static int mkdir_beside_a_tidier(int dir, const char *path, mode_t mode)
{
    int result = mlp_os_default()->mkdir(dir, path, mode);
    if (strcmp(path, "artifacts") == 0 && tidied < 3 && unlinkat(dir, path, AT_REMOVEDIR) == 0)
        tidied++;
    return result;
}

/* Another process closes, and finds the folder empty. */
static void a_folder_that_is_tidied_up_is_made_again(void **state)
{
    fixture *f = *state;
    char name[33];
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(put_copy(f, "0123456789", false, name, &err)); /* all else is there */
    mlp_spool_copy_remove(f->spool, name);
    mlp_os table = *mlp_os_default();
    table.mkdir = mkdir_beside_a_tidier;
    mlp_os_replace(&table);
    mlplat_status s = put_copy(f, "0123456789", false, name, &err);
    mlp_os_replace(NULL);
    assert_int_equal(tidied, 3);
    if (s != MLPLAT_OK)
        fail_msg("%s", err.message);
    assert_int_equal(copies(f), 1);
    mlp_spool_copy_remove(f->spool, name);
}

static void a_copy_that_cannot_be_opened_is_told(void **state)
{
    fixture *f = *state;
    char name[33];
    int fd;
    size_t failed = 0;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(put_copy(f, "0123456789", false, name, &err));
    for (size_t nth = 1, used = 1; used >= nth; nth++) {
        fault_os_begin(nth, EACCES, false);
        mlplat_status s = mlp_spool_copy_open(f->spool, name, &fd, &err);
        used = fault_os_end() + (s != MLPLAT_OK);
        failed += s != MLPLAT_OK;
        assert_true(s == MLPLAT_OK || s == MLPLAT_DENIED);
        if (fd != -1)
            close(fd);
    }
    assert_true(failed > 2);
    mlp_spool_copy_remove(f->spool, name);
}

static void a_folder_of_somebody_else_is_refused(void **state)
{
    fixture *f = *state;
    char name[33];
    int fd;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(put_copy(f, "x", false, name, &err));
    assert_ok(mlp_file_remove_tree(copies_folder(f), &err));
    assert_int_equal(symlink("/tmp", copies_folder(f)), 0);
    assert_status(put_copy(f, "x", false, name, &err), MLPLAT_DENIED);
    assert_status(mlp_spool_copy_open(f->spool, name, &fd, &err), MLPLAT_DENIED);
    mlp_spool_copy_remove(f->spool, name);
    assert_int_equal(unlink(copies_folder(f)), 0);
}

static int stop(void *user, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    ++*(int *)user;
    return 1;
}

static void open_with(fixture *f, uint64_t quota, mlp_spool_full full, const mlp_hook *hook)
{
    mlplat_error err = {0};
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(f->sink);
    o.quota = quota;
    o.full = full;
    o.hook = hook;
    fixture_close(f);
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
}

static void the_quota_counts_copies(void **state)
{
    fixture *f = *state;
    char one[33], two[33];
    int asked = 0;
    mlplat_error err = {0};
    const mlp_hook hook = {.fn = stop, .user = &asked};
    open_with(f, 20, MLP_FULL_ERROR, NULL);
    assert_status(put_copy(f, "more than there may be at all", false, one, &err), MLPLAT_NO_SPACE);
    assert_non_null(strstr(err.message, "MLPLAT_SPOOL_QUOTA"));
    assert_ok(put_copy(f, "0123456789abcde", false, one, &err));
    assert_status(put_copy(f, "0123456789", false, two, &err), MLPLAT_NO_SPACE);
    mlp_spool_copy_remove(f->spool, one);
    assert_ok(put_copy(f, "0123456789", false, two, &err));
    mlp_spool_copy_remove(f->spool, two);
    open_with(f, 20, MLP_FULL_DROP_OLDEST, NULL);
    assert_ok(put_copy(f, "0123456789abcde", false, one, &err));
    assert_status(put_copy(f, "0123456789", false, two, &err), MLPLAT_NO_SPACE);
    mlp_spool_copy_remove(f->spool, one);
    open_with(f, 20, MLP_FULL_BLOCK, &hook);
    assert_ok(put_copy(f, "0123456789abcde", false, one, &err));
    assert_status(put_copy(f, "0123456789", false, two, &err), MLPLAT_CANCELLED);
    assert_int_equal(asked, 1);
    assert_status(put_copy(f, "more than there may be at all", false, two, &err), MLPLAT_NO_SPACE);
    assert_int_equal(mlp_copies_size(&f->spool->place[0]), 15);
    mlp_spool_copy_remove(f->spool, one);
}

static void make_old(const fixture *f, const char *name)
{
    struct utimbuf times = {.actime = 1000, .modtime = 1000};
    assert_int_equal(utime(test_path(copies_folder(f), name), &times), 0);
}

/* What a killed process left goes after a day, where no journal and no dead letter could name it. */
static void what_nobody_can_name_goes_after_a_day(void **state)
{
    static const char *const left[] = {"00000000000000000000000000000001", "new-00000000000000000000000000000002",
                                       "00000000000000000000000000000003", "stranger"};
    fixture *f = *state;
    char name[33];
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(put_copy(f, "x", false, name, &err));
    for (size_t i = 0; i < 4; i++)
        assert_ok(mlp_file_write_atomic(test_path(copies_folder(f), left[i]), "x", 1, true, &err));
    for (size_t i = 0; i < 4; i++)
        if (i != 2)
            make_old(f, left[i]);
    assert_ok(mlp_file_mkdirs(test_path(f->spool_folder, "dead/x"), 0700, &err));
    mlp_place_tidy(&f->spool->place[0]);
    assert_int_equal(copies(f), 5); /* a dead letter may name them */
    assert_ok(mlp_file_remove_tree(test_path(f->spool_folder, "dead"), &err));
    put_many(f->spool, "a", 0, 1, MLPLAT_DURABILITY_DEFAULT);
    mlp_place_tidy(&f->spool->place[0]);
    assert_int_equal(copies(f), 5); /* a journal may */
    fixture_close(f);
    assert_int_equal(copies(f), 3);
    assert_int_equal(access(test_path(copies_folder(f), left[0]), F_OK), -1);
    assert_int_equal(access(test_path(copies_folder(f), left[1]), F_OK), -1);
}

static void a_copy_in_the_other_place_is_found(void **state)
{
    fixture *f = *state;
    char name[33];
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(put_copy(f, "of before", false, name, &err));
    fixture_close(f);
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(f->sink);
    o.folder = test_path(f->folder, "shared");
    o.also_folder = f->spool_folder;
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
    check_copy(f, name, "of before");
    mlp_spool_copy_remove(f->spool, name);
    assert_int_equal(copies(f), 0);
}

static void a_failed_allocation_is_told(void **state)
{
    fixture *f = *state;
    char name[33];
    mlplat_error err = {0};
    text_source from = {.text = "0123456789"};
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    scarce_memory_begin(0);
    mlplat_status s = mlp_spool_copy_put(f->spool, some, &from, 10, false, name, &err);
    assert_true(scarce_memory_end());
    assert_int_equal(s, MLPLAT_NO_MEMORY);
    assert_int_equal(copies(f), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_copy_comes_back_and_is_ours_alone),
        CASE(a_name_that_is_none_of_ours_is_nowhere),
        CASE(a_source_that_fails_leaves_nothing),
        CASE(a_failed_call_leaves_nothing),
        CASE(a_folder_that_is_tidied_up_is_made_again),
        CASE(a_copy_that_cannot_be_opened_is_told),
        CASE(a_folder_of_somebody_else_is_refused),
        CASE(the_quota_counts_copies),
        CASE(what_nobody_can_name_goes_after_a_day),
        CASE(a_copy_in_the_other_place_is_found),
        CASE(a_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
