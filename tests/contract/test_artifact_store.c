/* What every artifact store keeps to. A new store is one more line in `stores`. */
#include "support/support.h"
#include "artifacts/store.h"
#include "artifacts/transfer.h"
#include "base/alloc.h"
#include "base/json.h"
#include "support/hostile_names.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A store with a root of its own inside a folder; beside the root lies a canary that nothing may touch. */
typedef struct fixture {
    char *folder, *root;
    mlplat *ml;
    const mlp_artifact_store *store;
} fixture;

static void quiet(void *user, mlplat_log_level level, const char *line)
{
    (void)level;
    snprintf(user, 400, "%s", line);
}
static char last_line[400];

static void begin(fixture *f)
{
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    *f = (fixture){.folder = test_folder_make(), .store = mlp_artifact_file()};
    options.log = quiet;
    options.user = last_line;
    options.tracking_uri = "sqlite:////nonexistent/x.db";
    assert_ok(mlplat_open(&options, &f->ml, &err));
    assert_ok(f->store->root(test_path(f->folder, "root"), &f->root, &err));
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "canary"), "alive", 5, false, &err));
    assert_ok(mlp_file_mkdirs(test_path(f->folder, "outside"), 0777, &err));
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "outside/canary"), "alive", 5, false, &err));
}

/* How many names there are below a folder: nothing may have come or gone. */
static size_t count_below(const char *path)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    fixture f = {.folder = NULL};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.log = quiet;
    options.user = last_line;
    size_t n = 0;
    assert_ok(mlplat_open(&options, &f.ml, &err));
    assert_ok(mlplat_artifact_list(f.ml, path, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "files", &n, &err));
    mlplat_doc_free(doc);
    mlplat_close(f.ml);
    return n;
}

static void check_canary(const fixture *f, const char *after)
{
    static const char *const canaries[] = {"canary", "outside/canary"};
    for (size_t i = 0; i < 2; i++) {
        mlplat_error err = {0};
        mlp_buf text = {0};
        if (mlp_file_read(test_path(f->folder, canaries[i]), 100, &text, &err) != MLPLAT_OK ||
            strcmp(text.data, "alive") != 0)
            fail_msg("'%s' reached %s: %s", after, canaries[i], err.message);
        mlp_buf_free(&text);
    }
    assert_int_equal(count_below(test_path(f->folder, "outside")), 1);
}

static void end(fixture *f)
{
    mlplat_close(f->ml);
    mlp_free(f->root);
    test_folder_remove(f->folder);
}

static int64_t collect(void *user, const void *data, size_t n)
{
    mlp_buf_add(user, data, n);
    return (int64_t)n;
}

static void put(fixture *f, const char *name, const char *text)
{
    mlplat_error err = {0};
    assert_ok(f->store->put_bytes(f->ml, f->root, name, text, strlen(text), &err));
}

static void check_text(fixture *f, const char *name, const char *want)
{
    mlplat_error err = {0};
    mlp_buf text = {0};
    assert_ok(f->store->read(f->ml, f->root, name, collect, &text, &err));
    assert_string_equal(text.data ? text.data : "", want);
    mlp_buf_free(&text);
}

static void what_is_put_is_read(void **state)
{
    static const char *const names[] = {"a",        "a b/c.txt", "deep/er/and/deeper/file",
                                        "100%.txt", "Größe/ß",   "x..y",
                                        "...",      ".hidden",   "aa:b",
                                        "~",        "-rf",       "con",
                                        "a'b\"c",   "%zz"};
    fixture f;
    (void)state;
    begin(&f);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put(&f, names[i], names[i]);
        check_text(&f, names[i], names[i]);
        put(&f, names[i], "");
        check_text(&f, names[i], "");
    }
    end(&f);
}

static int count_bytes(void *user, uint64_t done, uint64_t total)
{
    (void)total;
    *(uint64_t *)user = done;
    return done > 100000;
}

static void a_file_is_put_whole_or_not_at_all(void **state)
{
    fixture f;
    mlplat_error err = {0};
    uint64_t done = 0;
    mlp_hook hook = {.fn = count_bytes, .user = &done};
    (void)state;
    begin(&f);
    put(&f, "x/file", "before");
    char *many = test_malloc(200000);
    memset(many, 'x', 200000);
    assert_ok(mlp_file_write_atomic(test_path(f.folder, "many"), many, 90000, false, &err));
    int fd = open(test_path(f.folder, "many"), O_RDONLY);
    assert_ok(f.store->put_file(f.ml, f.root, "x/small", fd, &hook, &err));
    close(fd);
    assert_int_equal(done, 90000);
    assert_ok(mlp_file_write_atomic(test_path(f.folder, "many"), many, 200000, false, &err));
    fd = open(test_path(f.folder, "many"), O_RDONLY);
    assert_status(f.store->put_file(f.ml, f.root, "x/file", fd, &hook, &err), MLPLAT_CANCELLED);
    close(fd);
    check_text(&f, "x/file", "before");
    json_t *files = json_array();
    bool is_file;
    assert_ok(f.store->list(f.ml, f.root, "x", files, &is_file, &err));
    assert_int_equal(json_array_size(files), 2);
    json_decref(files);
    test_free(many);
    end(&f);
}

/* "path dir|size" per entry, joined by spaces. */
static const char *listed(fixture *f, const char *name, bool *is_file)
{
    static char out[1000];
    mlplat_error err = {0};
    json_t *files = json_array(), *entry;
    size_t i, at = 0;
    out[0] = 0;
    assert_ok(f->store->list(f->ml, f->root, name, files, is_file, &err));
    json_array_foreach(files, i, entry)
    {
        const json_t *size = json_object_get(entry, "file_size");
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%s ", json_string_value(json_object_get(entry, "path")),
                               json_is_true(json_object_get(entry, "is_dir")) ? "/" : "");
        if (size)
            at += (size_t)snprintf(out + at, sizeof out - at, "%lld ", (long long)json_integer_value(size));
    }
    json_decref(files);
    return out;
}

static void a_list_is_sorted_and_tells_files_from_folders(void **state)
{
    fixture f;
    bool is_file;
    mlplat_error err = {0};
    (void)state;
    begin(&f);
    assert_string_equal(listed(&f, "", &is_file), "");
    assert_string_equal(listed(&f, "not/there", &is_file), "");
    put(&f, "b", "12");
    put(&f, "a/z", "1");
    put(&f, "a/y/x", "");
    assert_string_equal(listed(&f, "", &is_file), "a/ b 2 ");
    assert_false(is_file);
    assert_string_equal(listed(&f, "a", &is_file), "a/y/ a/z 1 ");
    assert_string_equal(listed(&f, "a/z", &is_file), "a/z 1 ");
    assert_true(is_file);
    if (f.store->make_folder) {
        assert_ok(f.store->make_folder(f.ml, f.root, "c/d", &err));
        assert_ok(f.store->make_folder(f.ml, f.root, "c/d", &err));
        assert_string_equal(listed(&f, "c", &is_file), "c/d/ ");
    }
    end(&f);
}

static void what_cannot_be_is_refused_with_a_reason(void **state)
{
    fixture f;
    mlplat_error err = {0};
    mlp_buf text = {0};
    (void)state;
    begin(&f);
    put(&f, "folder/file", "x");
    assert_status(f.store->read(f.ml, f.root, "nothing", collect, &text, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "nothing"));
    assert_status(f.store->read(f.ml, f.root, "folder", collect, &text, &err), MLPLAT_INVALID);
    assert_status(f.store->put_bytes(f.ml, f.root, "folder", "x", 1, &err), MLPLAT_EXISTS);
    assert_status(f.store->put_bytes(f.ml, f.root, "folder/file/x", "x", 1, &err), MLPLAT_INVALID);
    end(&f);
}

static mlplat_status read_hostile(fixture *f, const char *name, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = f->store->read(f->ml, f->root, name, collect, &text, err);
    if (text.size)
        fail_msg("'%s' read %s", name, text.data);
    mlp_buf_free(&text);
    return s;
}

static mlplat_status list_hostile(fixture *f, const char *name, mlplat_error *err)
{
    bool is_file;
    json_t *files = json_array();
    mlplat_status s = f->store->list(f->ml, f->root, name, files, &is_file, err);
    if (json_array_size(files))
        fail_msg("'%s' listed something", name);
    json_decref(files);
    return s;
}

static void no_name_leaves_the_root(void **state)
{
    fixture f;
    mlplat_error err = {0};
    size_t n = 0;
    (void)state;
    begin(&f);
    put(&f, "a/b", "x"); /* so that "a/.." has something to go up from */
    for (const char *name; (name = hostile_name(n)); n++) {
        int fd = open(test_path(f.folder, "canary"), O_RDONLY);
        assert_status(f.store->put_bytes(f.ml, f.root, name, "dead", 4, &err), MLPLAT_INVALID);
        assert_status(f.store->put_file(f.ml, f.root, name, fd, NULL, &err), MLPLAT_INVALID);
        assert_status(read_hostile(&f, name, &err), MLPLAT_INVALID);
        assert_status(list_hostile(&f, name, &err), MLPLAT_INVALID);
        if (f.store->make_folder)
            assert_status(f.store->make_folder(f.ml, f.root, name, &err), MLPLAT_INVALID);
        close(fd);
    }
    assert_true(n >= 200);
    check_canary(&f, "a hostile name");
    bool is_file;
    assert_string_equal(listed(&f, "", &is_file), "a/ ");
    assert_int_equal(count_below(f.folder), 3); /* canary, outside, root */
    end(&f);
}

/* ---- what a store lists is not believed --------------------------------------------------------------------- */

static const char *fake_path;

static mlplat_status fake_list(mlplat *ml, const char *root, const char *name, json_t *files, bool *is_file,
                               mlplat_error *err)
{
    (void)ml;
    (void)root;
    *is_file = false;
    /* json_stringn_nocheck: a real listing can hold what is no UTF-8 */
    json_t *path = json_stringn_nocheck(fake_path, strlen(fake_path));
    return *name ? MLPLAT_OK : mlp_json_push(files, json_pack("{s:o, s:b}", "path", path, "is_dir", 0), err);
}

static mlplat_status fake_read(mlplat *ml, const char *root, const char *name, mlplat_write write, void *user,
                               mlplat_error *err)
{
    (void)ml;
    (void)root;
    (void)name;
    return write(user, "dead", 4) == 4 ? MLPLAT_OK : mlp_fail(err, MLPLAT_CANCELLED, "stopped");
}

static void no_listing_leaves_the_destination(void **state)
{
    static const mlp_artifact_store liar = {.scheme = "liar", .list = fake_list, .read = fake_read};
    fixture f;
    mlplat_error err = {0};
    char root[] = "liar:/x", top[] = "";
    mlp_artifact_place place = {.store = &liar, .root = root, .name = top};
    (void)state;
    begin(&f);
    for (size_t i = 0; (fake_path = hostile_name(i)); i++) {
        mlp_transfer t;
        assert_ok(mlp_transfer_init(f.ml, NULL, &t, &err));
        assert_status(mlp_transfer_receive(f.ml, &place, test_path(f.folder, "to"), &t, &err), MLPLAT_INVALID);
    }
    check_canary(&f, "a hostile listing");
    assert_int_equal(count_below(test_path(f.folder, "to")), 0);
    end(&f);
}

/* ---- local stores: links ------------------------------------------------------------------------------------ */

static void a_link_in_the_root_leads_nowhere(void **state)
{
    fixture f;
    mlplat_error err = {0};
    mlp_buf text = {0};
    bool is_file;
    (void)state;
    begin(&f);
    put(&f, "a/b", "x");
    assert_int_equal(symlink("../outside", test_path(f.folder, "root/parent")), 0);
    assert_int_equal(symlink("../canary", test_path(f.folder, "root/link")), 0);
    assert_int_equal(symlink("b", test_path(f.folder, "root/a/inside")), 0);
    assert_status(f.store->read(f.ml, f.root, "link", collect, &text, &err), MLPLAT_DENIED);
    assert_status(f.store->read(f.ml, f.root, "a/inside", collect, &text, &err), MLPLAT_DENIED);
    assert_status(f.store->read(f.ml, f.root, "parent/canary", collect, &text, &err), MLPLAT_DENIED);
    assert_non_null(strstr(err.message, "symbolic link"));
    assert_status(f.store->put_bytes(f.ml, f.root, "parent/canary", "dead", 4, &err), MLPLAT_DENIED);
    assert_status(f.store->put_bytes(f.ml, f.root, "parent/new", "dead", 4, &err), MLPLAT_DENIED);
    assert_status(f.store->make_folder(f.ml, f.root, "parent/new", &err), MLPLAT_DENIED);
    assert_status(list_hostile(&f, "parent", &err), MLPLAT_DENIED);
    assert_int_equal(text.size, 0);
    assert_string_equal(listed(&f, "", &is_file), "a/ ");
    assert_non_null(strstr(last_line, "symbolic link"));
    assert_ok(f.store->put_bytes(f.ml, f.root, "link", "new", 3, &err)); /* takes the link's place */
    check_text(&f, "link", "new");
    check_canary(&f, "a link");
    mlp_buf_free(&text);
    end(&f);
}

static void a_link_at_the_destination_leads_nowhere(void **state)
{
    fixture f;
    mlplat_error err = {0};
    (void)state;
    begin(&f);
    put(&f, "sub/canary", "dead");
    put(&f, "canary", "dead");
    assert_ok(mlp_file_mkdirs(test_path(f.folder, "to"), 0777, &err));
    assert_int_equal(symlink("../outside", test_path(f.folder, "to/sub")), 0);
    assert_int_equal(symlink("../canary", test_path(f.folder, "to/canary")), 0);
    assert_status(mlplat_artifact_get(f.ml, f.root, test_path(f.folder, "to"), NULL, &err), MLPLAT_DENIED);
    check_canary(&f, "a get");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_read),
        cmocka_unit_test(a_file_is_put_whole_or_not_at_all),
        cmocka_unit_test(a_list_is_sorted_and_tells_files_from_folders),
        cmocka_unit_test(what_cannot_be_is_refused_with_a_reason),
        cmocka_unit_test(no_name_leaves_the_root),
        cmocka_unit_test(no_listing_leaves_the_destination),
        cmocka_unit_test(a_link_in_the_root_leads_nowhere),
        cmocka_unit_test(a_link_at_the_destination_leads_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
