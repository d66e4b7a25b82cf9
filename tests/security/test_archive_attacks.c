/* Archives that are bombs, sizes that overflow, and an import that is killed at the worst moment. */
#include "store/archive_support.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <zstd.h>

/* ---- a kill while a run is replaced ------------------------------------------------------------------------------ */

static int die_at_the_first_artifact(int dirfd, const char *path, int flags)
{
    if (strcmp(path, "a.txt") == 0)
        _exit(9);
    return mlp_os_default()->unlink(dirfd, path, flags);
}

static void import_and_die(const char *folder)
{
    mlplat_error err = {0};
    mlplat_import_options o = MLPLAT_IMPORT_OPTIONS_INIT;
    mlp_os table = *mlp_os_default();
    mlplat *a = open_in(folder, "a");
    table.unlink = die_at_the_first_artifact;
    mlp_os_replace(&table);
    o.on_conflict = "replace";
    mlplat_import(a, test_path(folder, "archive"), &o, NULL, &err);
    _exit(1);
}

static void a_run_whose_replacement_was_killed_is_no_whole_run_and_is_finished_by_the_next_import(void **state)
{
    (void)state;
    mlplat_error err = {0};
    int status = 0;
    char *folder = two_folders(), run_id[64], text[200];
    mlplat *a = open_in(folder, "a");
    fill_store(a, run_id);
    assert_ok(mlplat_export(a, test_path(folder, "archive"), NULL, NULL, &err));
    mlplat_close(a);
    sql(test_path(folder, "a/mlflow.db"), "UPDATE params SET value = '7'");
    pid_t pid = fork();
    if (!pid)
        import_and_die(folder);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    snprintf(text, sizeof text, "SELECT count(*) FROM runs WHERE lifecycle_stage = 'active' AND run_uuid = '%s'",
             run_id);
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM params"), 0); /* in the middle */
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), text), 0);
    a = open_in(folder, "a");
    assert_ok(mlplat_store_gc(a, NULL, NULL, &err)); /* is not deleted, but unfinished */
    assert_ok(mlplat_import(a, test_path(folder, "archive"), NULL, NULL, &err));
    mlplat_close(a);
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), text), 1);
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM params WHERE value = '6'"), 1);
    assert_int_equal(number(test_path(folder, "a/mlflow.db"), "SELECT count(*) FROM metrics WHERE key = 'many'"), 1500);
    snprintf(text, sizeof text, "a/mlruns/1/%s/artifacts/notes/a.txt", run_id);
    assert_int_equal(access(test_path(folder, text), F_OK), 0);
    test_folder_remove(folder);
}

/* ---- bombs ------------------------------------------------------------------------------------------------------- */

/* Data of so many zeros, as a file of an archive with a window of 2^log; the digest and size are those of the file. */
static void write_bomb(int root, const char *name, uint64_t zeros, int log, char fill, mlp_zfile_info *info)
{
    static char piece[1 << 17], out[1 << 17];
    mlp_sha256 sha;
    ZSTD_CCtx *z = ZSTD_createCCtx();
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(z && fd != -1);
    ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, log);
    memset(piece, fill, sizeof piece);
    mlp_sha256_begin(&sha);
    *info = (mlp_zfile_info){.raw_size = zeros};
    size_t left = 1;
    for (uint64_t at = 0; at < zeros || left;) {
        uint64_t n = zeros - at < sizeof piece ? zeros - at : sizeof piece;
        ZSTD_inBuffer in = {piece, (size_t)n, 0};
        do {
            ZSTD_outBuffer to = {out, sizeof out, 0};
            left = ZSTD_compressStream2(z, &to, &in, at + n == zeros ? ZSTD_e_end : ZSTD_e_continue);
            assert_false(ZSTD_isError(left));
            assert_int_equal(write(fd, out, to.pos), (ssize_t)to.pos);
            mlp_sha256_add(&sha, out, to.pos);
            info->size += to.pos;
        } while (in.pos < in.size || (at + n == zeros && left));
        at += n;
        left = 0;
    }
    mlp_sha256_end(&sha, info->sha256);
    ZSTD_freeCCtx(z);
    close(fd);
}

static void make_bomb(const char *path, uint64_t zeros, int log, char fill)
{
    mlplat_error err = {0};
    mlp_manifest m = {0};
    mlp_zfile_info info;
    int root = -1;
    assert_ok(mlp_file_open_root(path, true, &root, &err));
    write_bomb(root, MLP_ARCHIVE_DATA, zeros, log, fill, &info);
    assert_ok(mlp_manifest_add(&m, MLP_ARCHIVE_DATA, &info, &err));
    assert_ok(mlp_manifest_write(root, &m, &err));
    mlp_manifest_free(&m);
    close(root);
}

/* In a process of its own, whose memory is told: KiB. */
static long import_apart(const char *folder, mlplat_status want)
{
    int status = 0;
    struct rusage use;
    pid_t pid = fork();
    if (!pid) {
        mlplat_error err = {0};
        mlplat *b = open_in(folder, "b");
        mlplat_status s = mlplat_import(b, test_path(folder, "bomb"), NULL, NULL, &err);
        if (s != want)
            fprintf(stderr, "import: %s: %s\n", mlplat_status_name(s), err.message);
        mlplat_close(b);
        _exit(s == want ? 0 : 1);
    }
    assert_int_equal(wait4(pid, &status, 0, &use), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return use.ru_maxrss;
}

static void a_bomb_takes_little_memory(void **state)
{
    (void)state;
    const char *heavy = getenv("MLPLAT_HEAVY");
    uint64_t zeros = heavy && strcmp(heavy, "1") == 0 ? (uint64_t)10 << 30 : (uint64_t)256 << 20;
    static const struct {
        char fill;
        int log;
    } cases[] = {{0, 21}, {'[', 21}, {'\n', 21}, {' ', 23}, {'x', 27}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = two_folders();
        make_bomb(test_path(folder, "bomb"), zeros, cases[i].log, cases[i].fill);
        long kib = import_apart(folder, MLPLAT_CORRUPT);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        if (kib >= 64 * 1024)
            fail_msg("bomb %zu took %ld KiB", i, kib);
#else
        assert_true(kib > 0);
#endif
        test_folder_remove(folder);
    }
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

static const char *const numbers[] = {"-1",
                                      "1",
                                      "2147483647",
                                      "2147483648",
                                      "2147483649",
                                      "4294967295",
                                      "4294967296",
                                      "4294967297",
                                      "1125899906842624",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "18446744073709551616",
                                      "-9223372036854775808",
                                      "1e308",
                                      "0.5",
                                      "null",
                                      "\"5\"",
                                      "true",
                                      "[]"};

/* Replaces the number behind the nth key of this name. */
static void put_number(const char *path, const char *key, const char *number_text)
{
    mlplat_error err = {0};
    mlp_buf text = {0}, out = {0};
    char name[1200];
    snprintf(name, sizeof name, "%s/manifest.json", path);
    assert_ok(mlp_file_read(name, 1 << 20, &text, &err));
    char *at = strstr(text.data, key);
    assert_non_null(at);
    at += strlen(key);
    size_t digits = strspn(at, " 0123456789");
    mlp_buf_add(&out, text.data, (size_t)(at - text.data));
    mlp_buf_puts(&out, number_text);
    mlp_buf_puts(&out, at + digits);
    assert_ok(mlp_file_write_atomic(name, out.data, out.size, false, &err));
    mlp_buf_free(&text);
    mlp_buf_free(&out);
}

static void every_size_of_a_manifest_is_checked(void **state)
{
    (void)state;
    static const char *const keys[] = {"\"size\": ", "\"raw_size\": ", "\"version\": ", "\"runs\": ", "\"metrics\": ",
                                       "\"artifacts\": "};
    mlplat_error err = {0};
    char *folder = two_folders();
    mlplat *b = open_in(folder, "b");
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            mlp_manifest m = {0};
            craft(test_path(folder, "bomb"), "{\"table\":\"experiments\",\"name\":\"e\"}\n", &m);
            mlp_manifest_free(&m);
            bool good = (k == 2 && strcmp(numbers[i], "1") == 0) || (k == 5 && strcmp(numbers[i], "true") == 0);
            put_number(test_path(folder, "bomb"), keys[k], numbers[i]);
            mlplat_status s = mlplat_import(b, test_path(folder, "bomb"), NULL, NULL, &err);
            if (!good && s != MLPLAT_CORRUPT && s != MLPLAT_UNSUPPORTED && s != MLPLAT_INVALID)
                fail_msg("%s%s: %s", keys[k], numbers[i], mlplat_status_name(s));
            assert_ok(mlp_file_remove_tree(test_path(folder, "bomb"), &err));
        }
    mlplat_close(b);
    test_folder_remove(folder);
}

static void sizes_that_add_up_to_nothing_do_not_pass_the_limit(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_manifest m = {0};
    const mlp_zfile_info info = {.raw_size = (uint64_t)1 << 49};
    for (int i = 0; i < 1 << 15; i++)
        assert_ok(mlp_manifest_add(&m, MLP_ARCHIVE_DATA, &info, &err));
    assert_true(mlp_manifest_raw(&m) == UINT64_MAX);
    mlp_manifest_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_whose_replacement_was_killed_is_no_whole_run_and_is_finished_by_the_next_import),
        cmocka_unit_test(a_bomb_takes_little_memory),
        cmocka_unit_test(every_size_of_a_manifest_is_checked),
        cmocka_unit_test(sizes_that_add_up_to_nothing_do_not_pass_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
