/* The local store: what every artifact store keeps to, and links. */
#include "contract/artifact_fixture.h"

static char *local_root(const char *folder)
{
    return mlp_file_join(folder, "root");
}

static artifact_contract local = {.tracking_uri = "sqlite:////nonexistent/x.db", .root = local_root};

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

static mlplat_status fake_read(mlplat *ml, const char *root, const char *name, const mlp_hook *hook,
                               mlplat_write write, void *user,
                               mlplat_error *err)
{
    (void)ml;
    (void)root;
    (void)name, (void)hook;
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
    begin(&f, &local);
    for (size_t i = 0; (fake_path = hostile_name(i)); i++) {
        mlp_transfer t;
        assert_ok(mlp_transfer_init(f.ml, NULL, &t, &err));
        assert_status(mlp_transfer_receive(f.ml, &place, test_path(f.folder, "to"), &t, &err), MLPLAT_INVALID);
    }
    check_canary(&f, "a hostile listing");
    assert_int_equal(count_below(test_path(f.folder, "to")), 0);
    end(&f);
}

/* ---- links ------------------------------------------------------------------------------------------------- */

static void a_link_in_the_root_leads_nowhere(void **state)
{
    fixture f;
    mlplat_error err = {0};
    mlp_buf text = {0};
    bool is_file;
    (void)state;
    begin(&f, &local);
    put(&f, "a/b", "x");
    assert_int_equal(symlink("../outside", test_path(f.folder, "root/parent")), 0);
    assert_int_equal(symlink("../canary", test_path(f.folder, "root/link")), 0);
    assert_int_equal(symlink("b", test_path(f.folder, "root/a/inside")), 0);
    assert_status(f.store->read(f.ml, f.root, "link", NULL, collect, &text, &err), MLPLAT_DENIED);
    assert_status(f.store->read(f.ml, f.root, "a/inside", NULL, collect, &text, &err), MLPLAT_DENIED);
    assert_status(f.store->read(f.ml, f.root, "parent/canary", NULL, collect, &text, &err), MLPLAT_DENIED);
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
    begin(&f, &local);
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
        cmocka_unit_test(no_listing_leaves_the_destination),
        cmocka_unit_test(a_link_in_the_root_leads_nowhere),
        cmocka_unit_test(a_link_at_the_destination_leads_nowhere),
    };
    local.store = mlp_artifact_file();
    int failed = artifact_contract_run("a local folder", &local);
    return failed + cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
