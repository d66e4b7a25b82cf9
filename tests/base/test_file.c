/* Files: read with a limit, written whole or not at all, folders made and removed. */
#include "support/fault_os.h"
#include "support/support.h"
#include "base/alloc.h"
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void check_content(const char *path, const char *want)
{
    mlp_buf text = {0};
    mlplat_error err = {0};
    assert_ok(mlp_file_read(path, 1 << 20, &text, &err));
    assert_string_equal(text.size ? text.data : "", want);
    mlp_buf_free(&text);
}

static size_t count_entries(const char *folder)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

static size_t count_descriptors(void)
{
    return count_entries("/proc/self/fd") - 1;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void reading_stops_at_the_limit(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    const char *path = test_path(folder, "f");
    mlp_buf text = {0};
    mlplat_error err = {0};
    assert_ok(mlp_file_write_atomic(path, "12345", 5, false, &err));
    assert_ok(mlp_file_read(path, 5, &text, &err));
    assert_string_equal(text.data, "12345");
    assert_status(mlp_file_read(path, 4, &text, &err), MLPLAT_INVALID);
    assert_status(mlp_file_read("/dev/zero", 100000, &text, &err), MLPLAT_INVALID); /* has no size that would tell */
    assert_status(mlp_file_read(test_path(folder, "none"), 5, &text, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "none"));
    assert_status(mlp_file_read(folder, 1 << 20, &text, &err), MLPLAT_INVALID);
    mlp_buf_free(&text);
    test_folder_remove(folder);
}

static void a_file_is_replaced_whole_with_the_mode_asked_for(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    const char *path = test_path(folder, "f");
    mlplat_error err = {0};
    mode_t mask = umask(022);
    assert_ok(mlp_file_write_atomic(path, "one", 3, false, &err));
    assert_int_equal(mode_of(path), 0644);
    assert_ok(mlp_file_write_atomic(path, NULL, 0, true, &err));
    assert_int_equal(mode_of(path), 0600);
    check_content(path, "");
    umask(mask);
    assert_int_equal(count_entries(folder), 1);
    assert_status(mlp_file_write_atomic(test_path(folder, ""), "x", 1, false, &err), MLPLAT_INVALID);
    assert_status(mlp_file_write_atomic(test_path(folder, "no/f"), "x", 1, false, &err), MLPLAT_NOT_FOUND);
    assert_int_equal(mkdir(test_path(folder, "d"), 0700), 0);
    assert_status(mlp_file_write_atomic(test_path(folder, "d"), "x", 1, false, &err), MLPLAT_IO);
    assert_int_equal(count_entries(folder), 2);
    test_folder_remove(folder);
}

static void a_file_in_the_working_folder_needs_no_slash(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    char before[4096];
    mlplat_error err = {0};
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_ok(mlp_file_write_atomic("plain", "x", 1, false, &err));
    check_content("plain", "x");
    assert_int_equal(chdir(before), 0);
    test_folder_remove(folder);
}

/* Fails each system call in turn: the old file stays, nothing else is left in the folder, no descriptor stays open. The
 * last two calls come after the rename: the new file is in force then. */
static void a_fault_at_any_call_leaves_the_old_file_and_nothing_else(void **state)
{
    (void)state;
    static const int errnums[] = {ENOSPC, EIO, EACCES, EDQUOT};
    char *folder = test_folder_make();
    const char *path = test_path(folder, "f");
    mlplat_error err = {0};
    size_t descriptors = count_descriptors();
    fault_os_begin(0, 0, true);
    assert_ok(mlp_file_write_atomic(path, "new, longer than one write", 26, false, &err));
    size_t all = fault_os_end(), renamed_at = all - 2;
    for (size_t e = 0; e < sizeof errnums / sizeof errnums[0]; e++) {
        size_t failures = 0;
        for (size_t n = 1; n <= all; n++) {
            assert_ok(mlp_file_write_atomic(path, "old", 3, false, &err));
            fault_os_begin(n, errnums[e], true);
            mlplat_status s = mlp_file_write_atomic(path, "new, longer than one write", 26, false, &err);
            fault_os_end();
            failures += s != MLPLAT_OK;
            if (s != MLPLAT_OK)
                assert_non_null(strstr(err.message, folder));
            check_content(path, s == MLPLAT_OK || n > renamed_at ? "new, longer than one write" : "old");
            assert_int_equal(count_entries(folder), 1);
            assert_int_equal(count_descriptors(), descriptors);
        }
        assert_int_equal(failures, all - 1); /* closing the folder cannot lose anything */
    }
    test_folder_remove(folder);
}

static int64_t failing_source(void *user, void *buf, size_t n, mlplat_error *err)
{
    int *calls = user;
    (void)n;
    memcpy(buf, "part", 4);
    if (++*calls < 3)
        return 4;
    if (err)
        *err = (mlplat_error){.status = MLPLAT_CANCELLED, .message = "stopped"};
    return -1;
}

static void a_source_that_fails_leaves_nothing(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    mlplat_error err = {0};
    int root, calls = 0;
    assert_ok(mlp_file_open_root(folder, false, &root, &err));
    assert_status(mlp_file_put_beneath(root, "f", failing_source, &calls, &err), MLPLAT_CANCELLED);
    calls = 0;
    assert_int_equal(mlp_file_put_beneath(root, "f", failing_source, &calls, NULL), MLPLAT_IO);
    assert_int_equal(count_entries(folder), 0);
    close(root);
    test_folder_remove(folder);
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    mlplat_error err = {0};
    assert_ok(mlp_file_mkdirs(test_path(folder, "a/b/c"), 0700, &err));
    assert_int_equal(mode_of(test_path(folder, "a/b/c")), 0700);
    assert_ok(mlp_file_mkdirs(test_path(folder, "a/b/c"), 0700, &err));
    assert_ok(mlp_file_mkdirs(test_path(folder, "a//b/./d/"), 0700, &err));
    assert_true(mlp_file_exists(test_path(folder, "a/b/d")));
    assert_ok(mlp_file_write_atomic(test_path(folder, "f"), "x", 1, false, &err));
    assert_status(mlp_file_mkdirs(test_path(folder, "f"), 0700, &err), MLPLAT_EXISTS);
    assert_status(mlp_file_mkdirs(test_path(folder, "f/x"), 0700, &err), MLPLAT_EXISTS);
    assert_false(mlp_file_exists(test_path(folder, "f/x")));
    test_folder_remove(folder);
}

static void removing_a_tree_follows_no_link(void **state)
{
    (void)state;
    char *folder = test_folder_make(), *outside = test_folder_make();
    mlplat_error err = {0};
    assert_ok(mlp_file_write_atomic(test_path(outside, "canary"), "x", 1, false, &err));
    assert_ok(mlp_file_mkdirs(test_path(folder, "t/a/b"), 0700, &err));
    assert_ok(mlp_file_write_atomic(test_path(folder, "t/a/f"), "x", 1, false, &err));
    assert_int_equal(symlink(outside, test_path(folder, "t/a/link")), 0);
    assert_int_equal(symlink("nowhere", test_path(folder, "t/broken")), 0);
    assert_int_equal(mkfifo(test_path(folder, "t/fifo"), 0600), 0);
    assert_ok(mlp_file_remove_tree(test_path(folder, "t"), &err));
    assert_false(mlp_file_exists(test_path(folder, "t")));
    assert_int_equal(symlink(outside, test_path(folder, "top")), 0);
    assert_ok(mlp_file_remove_tree(test_path(folder, "top"), &err)); /* the link itself */
    check_content(test_path(outside, "canary"), "x");
    assert_ok(mlp_file_remove_tree(test_path(folder, "not there"), &err));
    test_folder_remove(folder);
    test_folder_remove(outside);
}

static void paths_become_absolute_and_folded(void **state)
{
    (void)state;
    char cwd[4096], want[4200];
    static const char *const cases[][2] = {
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"//a///b/", "/a/b"},
        {"/a/./b/../c", "/a/c"},
        {"/../..", "/"},
        {"/a/b/../..", "/"},
        {"/..a/.b./...", "/..a/.b./..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = mlp_file_absolute(cases[i][0]);
        assert_string_equal(path, cases[i][1]);
        mlp_free(path);
    }
    assert_non_null(getcwd(cwd, sizeof cwd));
    snprintf(want, sizeof want, "%s/x", cwd);
    char *path = mlp_file_absolute("./y/../x");
    assert_string_equal(path, want);
    mlp_free(path);
}

/* Not the root: a store that is opened there would be made there. */
static void without_a_working_folder_a_path_stays_relative(void **state)
{
    (void)state;
    char before[4096], *folder = test_folder_make();
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(rmdir(folder), 0);
    char *path = mlp_file_absolute("mlflow.db"), *other = mlp_file_absolute("/a/../b");
    assert_int_equal(chdir(before), 0);
    assert_string_equal(path, "./mlflow.db");
    assert_string_equal(other, "/b");
    mlp_free(path);
    mlp_free(other);
    free(folder);
}

static void names_are_joined_with_one_slash(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"},       {"a/", "b", "a/b"}, {"/", "b", "/b"},
        {"a//", "b/c", "a/b/c"}, {"a", "", "a"},     {"", "b", "b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = mlp_file_join(cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
        mlp_free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_stops_at_the_limit),
        cmocka_unit_test(a_file_is_replaced_whole_with_the_mode_asked_for),
        cmocka_unit_test(a_file_in_the_working_folder_needs_no_slash),
        cmocka_unit_test(a_fault_at_any_call_leaves_the_old_file_and_nothing_else),
        cmocka_unit_test(a_source_that_fails_leaves_nothing),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(removing_a_tree_follows_no_link),
        cmocka_unit_test(paths_become_absolute_and_folded),
        cmocka_unit_test(without_a_working_folder_a_path_stays_relative),
        cmocka_unit_test(names_are_joined_with_one_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
