#include "contract/artifact_fixture.h"

static const artifact_contract *the_contract;

static void what_is_put_is_read(void **state)
{
    static const char *const names[] = {"a",        "a b/c.txt", "deep/er/and/deeper/file",
                                        "100%.txt", "Größe/ß",   "x..y",
                                        "...",      ".hidden",   "aa:b",
                                        "~",        "-rf",       "con",
                                        "a'b\"c",   "%zz"};
    fixture f;
    (void)state;
    begin(&f, the_contract);
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
    begin(&f, the_contract);
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

static void a_list_is_sorted_and_tells_files_from_folders(void **state)
{
    fixture f;
    bool is_file;
    mlplat_error err = {0};
    (void)state;
    begin(&f, the_contract);
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
    begin(&f, the_contract);
    put(&f, "folder/file", "x");
    assert_status(f.store->read(f.ml, f.root, "nothing", NULL, collect, &text, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "nothing"));
    assert_status(f.store->read(f.ml, f.root, "folder", NULL, collect, &text, &err), MLPLAT_INVALID);
    assert_status(f.store->put_bytes(f.ml, f.root, "folder", "x", 1, &err), MLPLAT_EXISTS);
    assert_status(f.store->put_bytes(f.ml, f.root, "folder/file/x", "x", 1, &err), MLPLAT_INVALID);
    end(&f);
}

static mlplat_status read_hostile(fixture *f, const char *name, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = f->store->read(f->ml, f->root, name, NULL, collect, &text, err);
    if (text.size)
        fail_msg("'%s' read %s", name, text.data);
    mlp_buf_free(&text);
    return s;
}

static void no_name_leaves_the_root(void **state)
{
    fixture f;
    mlplat_error err = {0};
    size_t n = 0;
    (void)state;
    begin(&f, the_contract);
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
    assert_int_equal(count_below(f.folder), f.store->far ? 2 : 3); /* canary, outside, and the root of a local store */
    end(&f);
}

/* ---- long files ------------------------------------------------------------------------------------------------- */

enum { LONG = 3 * 1000 * 1000 + 7 };

static char *long_text(void)
{
    uint64_t state = 7;
    char *text = test_malloc(LONG);
    for (size_t i = 0; i < LONG; i++)
        text[i] = (char)test_roll(&state, 256);
    return text;
}

static void a_long_file_comes_back_byte_for_byte(void **state)
{
    fixture f;
    mlplat_error err = {0};
    mlp_buf back = {0};
    char *text = long_text();
    (void)state;
    begin(&f, the_contract);
    assert_ok(mlp_file_write_atomic(test_path(f.folder, "long"), text, LONG, false, &err));
    int fd = open(test_path(f.folder, "long"), O_RDONLY);
    assert_ok(f.store->put_file(f.ml, f.root, "a/long", fd, NULL, &err));
    close(fd);
    assert_ok(f.store->read(f.ml, f.root, "a/long", NULL, collect, &back, &err));
    assert_int_equal(back.size, LONG);
    assert_memory_equal(back.data, text, LONG);
    put(&f, "a/long", "short");
    check_text(&f, "a/long", "short");
    mlp_buf_free(&back);
    test_free(text);
    end(&f);
}

static int64_t take_a_little(void *user, const void *data, size_t n)
{
    (void)data;
    *(uint64_t *)user += n;
    return *(uint64_t *)user > 100000 ? -1 : (int64_t)n;
}

static void a_reader_may_stop(void **state)
{
    fixture f;
    mlplat_error err = {0};
    uint64_t taken = 0;
    char *text = long_text();
    (void)state;
    begin(&f, the_contract);
    assert_ok(f.store->put_bytes(f.ml, f.root, "long", text, LONG, &err));
    assert_status(f.store->read(f.ml, f.root, "long", NULL, take_a_little, &taken, &err), MLPLAT_CANCELLED);
    assert_in_range(taken, 100001, LONG);
    test_free(text);
    end(&f);
}

int artifact_contract_run(const char *name, const artifact_contract *contract)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_read),
        cmocka_unit_test(a_file_is_put_whole_or_not_at_all),
        cmocka_unit_test(a_list_is_sorted_and_tells_files_from_folders),
        cmocka_unit_test(what_cannot_be_is_refused_with_a_reason),
        cmocka_unit_test(no_name_leaves_the_root),
        cmocka_unit_test(a_long_file_comes_back_byte_for_byte),
        cmocka_unit_test(a_reader_may_stop),
    };
    the_contract = contract;
    return _cmocka_run_group_tests(name, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
