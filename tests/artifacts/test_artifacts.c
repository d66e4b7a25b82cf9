/* Artifacts as a user sees them: URIs, files, folders, and what goes wrong. */
#include "support/support.h"
#include "base/file.h"
#include "support/fault_os.h"
#include "support/hostile_names.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct place {
    char *folder;
    mlplat *ml;
} place;

static void begin(place *p)
{
    p->folder = test_folder_make();
    p->ml = test_open(p->folder);
}

static void end(place *p)
{
    mlplat_close(p->ml);
    test_folder_remove(p->folder);
}

static void write_file(const char *path, const char *text)
{
    mlplat_error err = {0};
    char *parent = strdup(path);
    *strrchr(parent, '/') = 0;
    assert_ok(mlp_file_mkdirs(parent, 0777, &err));
    assert_ok(mlp_file_write_atomic(path, text, strlen(text), false, &err));
    free(parent);
}

static void check_file(const char *path, const char *want)
{
    mlplat_error err = {0};
    mlp_buf text = {0};
    assert_ok(mlp_file_read(path, 1000, &text, &err));
    assert_string_equal(text.data ? text.data : "", want);
    mlp_buf_free(&text);
}

static size_t names_in(const char *folder)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static int64_t collect(void *user, const void *data, size_t n)
{
    mlp_buf_add(user, data, n);
    return (int64_t)n;
}

static int64_t stop(void *user, const void *data, size_t n)
{
    (void)user;
    (void)data;
    (void)n;
    return -1;
}

static void a_folder_goes_there_and_comes_back(void **state)
{
    place p;
    mlplat_error err = {0};
    (void)state;
    begin(&p);
    write_file(test_path(p.folder, "in/a.txt"), "a");
    write_file(test_path(p.folder, "in/sub/b.txt"), "b");
    write_file(test_path(p.folder, "in/.mlplat-0123456789abcdef01234567.tmp"), "unfinished");
    assert_ok(mlp_file_mkdirs(test_path(p.folder, "in/empty"), 0777, &err));
    assert_ok(mlplat_artifact_put(p.ml, test_path(p.folder, "in"), test_path(p.folder, "store/x"), NULL, &err));
    write_file(test_path(p.folder, "out/keep.txt"), "keep");
    write_file(test_path(p.folder, "out/a.txt"), "old");
    assert_ok(mlplat_artifact_get(p.ml, test_path(p.folder, "store/x"), test_path(p.folder, "out"), NULL, &err));
    check_file(test_path(p.folder, "out/a.txt"), "a");
    check_file(test_path(p.folder, "out/sub/b.txt"), "b");
    check_file(test_path(p.folder, "out/keep.txt"), "keep");
    assert_true(mlp_file_exists(test_path(p.folder, "out/empty")));
    assert_false(mlp_file_exists(test_path(p.folder, "out/.mlplat-0123456789abcdef01234567.tmp")));
    end(&p);
}

static void a_file_uri_is_percent_decoded(void **state)
{
    place p;
    mlplat_error err = {0};
    mlp_buf text = {0};
    char uri[600], *resolved = NULL;
    (void)state;
    begin(&p);
    snprintf(uri, sizeof uri, "file://%s/a%%20b/%%C3%%9F.txt", p.folder);
    assert_ok(mlplat_artifact_put_bytes(p.ml, "x", 1, uri, &err));
    check_file(test_path(p.folder, "a b/ß.txt"), "x");
    assert_ok(mlplat_artifact_read(p.ml, uri, collect, &text, &err));
    assert_string_equal(text.data, "x");
    assert_ok(mlplat_artifact_resolve(p.ml, uri, &resolved, &err));
    assert_string_equal(resolved, test_path(p.folder, "a b/ß.txt"));
    mlplat_free(resolved);
    mlp_buf_free(&text);
    end(&p);
}

static void a_uri_that_is_none_is_refused(void **state)
{
    static const struct {
        const char *uri;
        mlplat_status want;
    } cases[] = {
        {"", MLPLAT_INVALID},
        {"relative/path", MLPLAT_INVALID},
        {"runs/abc/model", MLPLAT_INVALID},
        {"/a/../b", MLPLAT_INVALID},
        {"/a/%2e%2e/b", MLPLAT_INVALID},
        {"file:///a/../b", MLPLAT_INVALID},
        {"file:///a/%2e%2e/b", MLPLAT_INVALID},
        {"file:///a/%252e%252e/b", MLPLAT_INVALID},
        {"file:///a%00b", MLPLAT_INVALID},
        {"file:///a%0ab", MLPLAT_INVALID},
        {"file:///a%5cb", MLPLAT_INVALID},
        {"file://host/a", MLPLAT_INVALID},
        {"file:a", MLPLAT_INVALID},
        {"file:///a?x", MLPLAT_INVALID},
        {"s3://bucket/key", MLPLAT_UNSUPPORTED},
        {"/a\nb", MLPLAT_INVALID},
        {"/a\xff", MLPLAT_INVALID},
        {"runs:/../../x", MLPLAT_INVALID},
        {"runs:/", MLPLAT_INVALID},
        {"runs://host/0123", MLPLAT_INVALID},
        {"runs:/0123456789abcdef0123456789abcdef/x", MLPLAT_NOT_FOUND},
        {"models:/", MLPLAT_INVALID},
        {"models:/nobody/1", MLPLAT_NOT_FOUND},
        {"models:/nobody@champion", MLPLAT_NOT_FOUND},
    };
    place p;
    mlplat_error err = {0};
    mlplat_doc *doc;
    char *path;
    (void)state;
    begin(&p);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_status s = mlplat_artifact_put_bytes(p.ml, "x", 1, cases[i].uri, &err);
        if (s != cases[i].want)
            fail_msg("%s: %s, not %s: %s", cases[i].uri, mlplat_status_name(s), mlplat_status_name(cases[i].want),
                     err.message);
        assert_status(mlplat_artifact_list(p.ml, cases[i].uri, &doc, &err), cases[i].want);
        assert_status(mlplat_artifact_resolve(p.ml, cases[i].uri, &path, &err), cases[i].want);
        assert_status(mlplat_artifact_read(p.ml, cases[i].uri, stop, NULL, &err), cases[i].want);
        assert_status(mlplat_artifact_get(p.ml, cases[i].uri, test_path(p.folder, "x"), NULL, &err), cases[i].want);
    }
    end(&p);
}

static void what_cannot_be_sent_whole_is_not_sent_at_all(void **state)
{
    static const char *const bad[] = {"in/z\nb", "in/z\\b", "in/\xff", "in/z/%2e%2e", "in/zz/\x1b"};
    place p;
    mlplat_error err = {0};
    (void)state;
    begin(&p);
    write_file(test_path(p.folder, "in/a.txt"), "a");
    assert_int_equal(symlink("/etc/passwd", test_path(p.folder, "in/link")), 0);
    assert_status(mlplat_artifact_put(p.ml, test_path(p.folder, "in"), test_path(p.folder, "to"), NULL, &err),
                  MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "'link'"));
    assert_int_equal(unlink(test_path(p.folder, "in/link")), 0);
    assert_int_equal(mkfifo(test_path(p.folder, "in/fifo"), 0600), 0);
    assert_status(mlplat_artifact_put(p.ml, test_path(p.folder, "in"), test_path(p.folder, "to"), NULL, &err),
                  MLPLAT_INVALID);
    assert_status(mlplat_artifact_put(p.ml, test_path(p.folder, "in/fifo"), test_path(p.folder, "to"), NULL, &err),
                  MLPLAT_INVALID);
    assert_int_equal(unlink(test_path(p.folder, "in/fifo")), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file(test_path(p.folder, bad[i]), "x");
        assert_status(mlplat_artifact_put(p.ml, test_path(p.folder, "in"), test_path(p.folder, "to"), NULL, &err),
                      MLPLAT_INVALID);
        assert_int_equal(unlink(test_path(p.folder, bad[i])), 0);
    }
    assert_status(mlplat_artifact_put(p.ml, test_path(p.folder, "none"), test_path(p.folder, "to"), NULL, &err),
                  MLPLAT_NOT_FOUND);
    assert_false(mlp_file_exists(test_path(p.folder, "to")));
    assert_ok(mlplat_artifact_put(p.ml, test_path(p.folder, "in"), test_path(p.folder, "to"), NULL, &err));
    end(&p);
}

static void getting_needs_something_and_a_place(void **state)
{
    place p;
    mlplat_error err = {0};
    (void)state;
    begin(&p);
    write_file(test_path(p.folder, "a.txt"), "a");
    assert_status(mlplat_artifact_get(p.ml, test_path(p.folder, "none"), test_path(p.folder, "x"), NULL, &err),
                  MLPLAT_NOT_FOUND);
    assert_status(mlplat_artifact_get(p.ml, test_path(p.folder, "a.txt"), p.folder, NULL, &err), MLPLAT_EXISTS);
    assert_status(mlplat_artifact_get(p.ml, test_path(p.folder, "a.txt"), test_path(p.folder, "a.txt/x"), NULL, &err),
                  MLPLAT_EXISTS);
    assert_ok(mlplat_artifact_get(p.ml, test_path(p.folder, "a.txt"), test_path(p.folder, "new/b.txt"), NULL, &err));
    check_file(test_path(p.folder, "new/b.txt"), "a");
    assert_status(mlplat_artifact_read(p.ml, test_path(p.folder, "a.txt"), stop, NULL, &err), MLPLAT_CANCELLED);
    end(&p);
}

static void a_list_shows_paths_below_the_root(void **state)
{
    place p;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    const char *text;
    (void)state;
    begin(&p);
    write_file(test_path(p.folder, "root/sub/b.txt"), "four");
    write_file(test_path(p.folder, "root/a.txt"), "a");
    assert_ok(mlplat_artifact_list(p.ml, test_path(p.folder, "root"), &doc, &err));
    assert_ok(mlplat_doc_string(doc, "root_uri", &text, &err));
    assert_string_equal(text, test_path(p.folder, "root"));
    assert_non_null(strstr(mlplat_doc_text(doc), "\"files\":[{\"path\":\"a.txt\",\"is_dir\":false,\"file_size\":1},"
                                                 "{\"path\":\"sub\",\"is_dir\":true}]"));
    mlplat_doc_free(doc);
    end(&p);
}

static int cancel_late(void *user, uint64_t done, uint64_t total)
{
    uint64_t *seen = user;
    seen[0]++;
    seen[1] = total;
    return done >= 2;
}

static void a_caller_may_stop_between_files(void **state)
{
    place p;
    mlplat_error err = {0};
    uint64_t seen[2] = {0};
    mlplat_transfer t = MLPLAT_TRANSFER_INIT;
    (void)state;
    begin(&p);
    for (int i = 0; i < 5; i++) {
        char name[20];
        snprintf(name, sizeof name, "in/%d", i);
        write_file(test_path(p.folder, name), "x");
    }
    t.progress = cancel_late;
    t.user = seen;
    assert_status(mlplat_artifact_put(p.ml, test_path(p.folder, "in"), test_path(p.folder, "to"), &t, &err),
                  MLPLAT_CANCELLED);
    assert_int_equal(seen[1], 5);
    assert_true(mlp_file_exists(test_path(p.folder, "to/1")));
    assert_false(mlp_file_exists(test_path(p.folder, "to/2")));
    end(&p);
}

/* The Nth system call fails, for every N: the old file or the new one, never a part, and no temporary file stays. */
static void a_fault_leaves_the_old_file_or_the_new_one(void **state)
{
    place p;
    mlplat_error err = {0};
    mlplat_status s = MLPLAT_IO;
    size_t n = 0, calls = 1, failed = 0;
    (void)state;
    begin(&p);
    write_file(test_path(p.folder, "in/a"), "new");
    while (n <= calls) { /* until no call is left that the fault could hit */
        write_file(test_path(p.folder, "to/a"), "old");
        fault_os_begin(++n, ENOSPC, true);
        s = mlplat_artifact_put(p.ml, test_path(p.folder, "in"), test_path(p.folder, "to"), NULL, &err);
        calls = fault_os_end();
        mlp_buf text = {0};
        mlplat_error why = {0};
        assert_int_equal(mlp_file_read(test_path(p.folder, "to/a"), 100, &text, &why), MLPLAT_OK);
        assert_true(strcmp(text.data, "new") == 0 || (s != MLPLAT_OK && strcmp(text.data, "old") == 0));
        mlp_buf_free(&text);
        failed += s != MLPLAT_OK;
        assert_true(s == MLPLAT_OK || err.message[0]);
        assert_int_equal(names_in(test_path(p.folder, "to")), 1);
    }
    assert_int_equal(s, MLPLAT_OK);
    assert_true(failed > 8);
    end(&p);
}

/* ---- runs:/ and models:/ ------------------------------------------------------------------------------------ */

static void a_run_keeps_its_artifacts_to_itself(void **state)
{
    place p;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    char uri[6000];
    (void)state;
    begin(&p);
    assert_ok(mlplat_run_start(p.ml, NULL, &run, &err));
    write_file(test_path(p.folder, "canary"), "alive");
    assert_ok(mlplat_run_log_text(run, "x", "a/b", &err));
    for (size_t i = 0; hostile_name(i); i++) {
        const char *name = hostile_name(i);
        assert_status(mlplat_run_log_text(run, "dead", name, &err), MLPLAT_INVALID);
        assert_status(mlplat_run_log_artifact(run, test_path(p.folder, "canary"), name, &err), MLPLAT_INVALID);
        snprintf(uri, sizeof uri, "runs:/%s/%s", mlplat_run_id(run), name);
        assert_status(mlplat_artifact_put_bytes(p.ml, "dead", 4, uri, &err), MLPLAT_INVALID);
        assert_status(mlplat_artifact_list(p.ml, uri, &doc, &err), MLPLAT_INVALID);
        assert_status(mlplat_artifact_get(p.ml, uri, test_path(p.folder, "to"), NULL, &err), MLPLAT_INVALID);
    }
    check_file(test_path(p.folder, "canary"), "alive");
    snprintf(uri, sizeof uri, "runs:/%s", mlplat_run_id(run));
    assert_ok(mlplat_artifact_list(p.ml, uri, &doc, &err));
    assert_non_null(strstr(mlplat_doc_text(doc), "\"files\":[{\"path\":\"a\",\"is_dir\":true}]"));
    mlplat_doc_free(doc);
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    end(&p);
}

static void a_version_and_an_alias_lead_to_the_files_of_the_model(void **state)
{
    static const char *const uris[] = {"models:/m/1", "models:/m@best", "models:/m/1/", "models:/m/latest"};
    place p;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    mlp_buf text = {0};
    int64_t version = 0;
    char uri[100];
    (void)state;
    begin(&p);
    assert_ok(mlplat_run_start(p.ml, NULL, &run, &err));
    assert_ok(mlplat_run_log_text(run, "hello", "model/data/file.txt", &err));
    snprintf(uri, sizeof uri, "runs:/%s/model", mlplat_run_id(run));
    assert_ok(mlplat_model_version_create(p.ml, "m", uri, NULL, &version, &err));
    assert_ok(mlplat_model_alias_set(p.ml, "m", "best", "1", &err));
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        assert_ok(mlplat_artifact_list(p.ml, uris[i], &doc, &err));
        assert_non_null(strstr(mlplat_doc_text(doc), "\"files\":[{\"path\":\"data\",\"is_dir\":true}]"));
        mlplat_doc_free(doc);
    }
    assert_ok(mlplat_artifact_read(p.ml, "models:/m@best/data/file.txt", collect, &text, &err));
    assert_string_equal(text.data, "hello");
    mlp_buf_free(&text);
    assert_ok(mlplat_artifact_get(p.ml, "models:/m/1", test_path(p.folder, "to"), NULL, &err));
    check_file(test_path(p.folder, "to/data/file.txt"), "hello");
    assert_status(mlplat_artifact_get(p.ml, "models:/m/1/../../x", test_path(p.folder, "to"), NULL, &err),
                  MLPLAT_INVALID);
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_goes_there_and_comes_back),
        cmocka_unit_test(a_file_uri_is_percent_decoded),
        cmocka_unit_test(what_cannot_be_sent_whole_is_not_sent_at_all),
        cmocka_unit_test(getting_needs_something_and_a_place),
        cmocka_unit_test(a_list_shows_paths_below_the_root),
        cmocka_unit_test(a_caller_may_stop_between_files),
        cmocka_unit_test(a_fault_leaves_the_old_file_or_the_new_one),
        cmocka_unit_test(a_uri_that_is_none_is_refused),
        cmocka_unit_test(a_run_keeps_its_artifacts_to_itself),
        cmocka_unit_test(a_version_and_an_alias_lead_to_the_files_of_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
