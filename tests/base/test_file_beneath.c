/* Names from elsewhere never leave their root: a generated table of hostile ones, links, and both ways to open. */
#include "support/fault_os.h"
#include "support/support.h"
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void good_names_pass(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a",     "a/b/c.txt", "model.pkl", "..a",  "a..",   "...",     ".hidden",
        "a b",   "100%",      "50%25 off", "x%41", "ab:c",  "dir/C:x", "\xc3\xa9/\xe2\x82\xac",
        "a%2Fb", "~",         "~root/x",   "-rf",  "a#b?c", "CON",
    };
    mlplat_error err = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_ok(mlp_file_check_relative(names[i], "artifact path", &err));
}

/* Every hostile part in every place, each plain and percent-encoded up to three times. */
static const char *const parts[] = {
    "..", ".", "", "\\", "a\\..\\b", "\x01", "\n", "\x7f", "\x1f", "\xff", "\xc0\xae\xc0\xae", "\xed\xa0\x80", "\xc3",
};
static const char *const places[] = {"%s", "%s/a", "a/%s", "a/%s/b", "a/b/%s", "%s/%s", "a/%s/%s/b"};

static void encode(const char *in, char *out, size_t room, bool upper)
{
    size_t used = 0;
    for (; *in && used + 4 < room; in++) {
        unsigned char c = (unsigned char)*in;
        bool plain = c > 0x20 && c < 0x7f && c != '%' && c != '.' && c != '\\' && c != '/';
        used += (size_t)snprintf(out + used, room - used, plain ? "%c" : upper ? "%%%02X" : "%%%02x", c);
    }
    out[used] = 0;
}

static size_t refuse_all_forms(const char *name)
{
    mlplat_error err = {0};
    size_t tried = 0;
    char now[1000], next[1000];
    snprintf(now, sizeof now, "%s", name);
    for (int level = 0; level < 4; level++, tried++) {
        if (mlp_file_check_relative(now, "artifact path", &err) != MLPLAT_INVALID)
            fail_msg("level %d of '%s' was taken: '%s'", level, name, now);
        assert_non_null(strstr(err.message, "artifact path"));
        encode(now, next, sizeof next, level % 2 == 0);
        memcpy(now, next, sizeof now);
        if (!*now)
            break;
    }
    return tried;
}

static void hostile_names_are_refused_in_every_place_and_coding(void **state)
{
    (void)state;
    size_t tried = 0;
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
        for (size_t q = 0; q < sizeof places / sizeof places[0]; q++) {
            char name[200] = "";
            const char *at = places[q];
            while (*at) { /* the place's %s are the part */
                if (at[0] == '%' && at[1] == 's') {
                    strcat(name, parts[p]);
                    at += 2;
                } else {
                    strncat(name, at++, 1);
                }
            }
            tried += refuse_all_forms(name);
        }
    assert_true(tried > 300);
}

static void other_hostile_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "/etc/passwd",
        "//etc/passwd",
        "C:\\x",
        "C:/x",
        "c:x",
        "/",
        "a/",
        "a//b",
        "%2fetc/passwd",
        "%2e%2e/x",
        "..%2fx",
        "%252e%252e%252fx",
        "a%00b",
        "a%2500b",
        "%2e/x",
        "..%5cx",
        "%5c%5chost%5cshare",
        "a/%2e%2e",
        "a%2f..%2f..%2fx",
        "file:///etc/passwd",
        "http://h/x",
        "%43:/x",
        "..%c0%af",
        "%c0%ae%c0%ae/x",
        "%ff",
        "a%0ab",
        "a%0d%0aHost: x",
        "a%7f",
    };
    char longest[5000];
    mlplat_error err = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (mlp_file_check_relative(names[i], "artifact path", &err) != MLPLAT_INVALID)
            fail_msg("'%s' was taken", names[i]);
    memset(longest, 'a', sizeof longest);
    longest[255] = 0;
    assert_ok(mlp_file_check_relative(longest, "name", &err));
    longest[255] = 'a';
    longest[256] = 0;
    assert_status(mlp_file_check_relative(longest, "name", &err), MLPLAT_INVALID);
    for (size_t i = 1; i < sizeof longest; i += 2)
        longest[i] = '/';
    longest[256] = 'a';
    longest[4999] = 0;
    assert_status(mlp_file_check_relative(longest, "name", &err), MLPLAT_INVALID);
    assert_true(strlen(err.message) < 400); /* quoted, but not whole */
}

typedef struct tree {
    char *folder, *outside;
    int root;
} tree;

/* root/{file, dir/file, out -> outside, dir/up -> .., same -> file, fifo}, outside/canary */
static tree tree_make(void)
{
    tree t = {.folder = test_folder_make(), .outside = test_folder_make()};
    mlplat_error err = {0};
    assert_ok(mlp_file_mkdirs(test_path(t.folder, "root/dir"), 0755, &err));
    assert_ok(mlp_file_write_atomic(test_path(t.outside, "canary"), "alive", 5, false, &err));
    assert_ok(mlp_file_write_atomic(test_path(t.folder, "root/file"), "top", 3, false, &err));
    assert_ok(mlp_file_write_atomic(test_path(t.folder, "root/dir/file"), "inner", 5, false, &err));
    assert_int_equal(symlink(t.outside, test_path(t.folder, "root/out")), 0);
    assert_int_equal(symlink("..", test_path(t.folder, "root/dir/up")), 0);
    assert_int_equal(symlink("file", test_path(t.folder, "root/same")), 0);
    assert_int_equal(mkfifo(test_path(t.folder, "root/fifo"), 0600), 0);
    assert_ok(mlp_file_open_root(test_path(t.folder, "root"), false, &t.root, &err));
    return t;
}

static void tree_remove(tree *t)
{
    mlp_buf text = {0};
    mlplat_error err = {0};
    assert_ok(mlp_file_read(test_path(t->outside, "canary"), 100, &text, &err));
    assert_string_equal(text.data, "alive");
    mlp_buf_free(&text);
    close(t->root);
    test_folder_remove(t->folder);
    test_folder_remove(t->outside);
}

static void check_open(const tree *t)
{
    static const struct {
        const char *name;
        int flags;
        mlplat_status want;
    } cases[] = {
        {"file", O_RDONLY, MLPLAT_OK},
        {"dir/file", O_RDONLY, MLPLAT_OK},
        {"dir", O_RDONLY | O_DIRECTORY, MLPLAT_OK},
        {"none", O_RDONLY, MLPLAT_NOT_FOUND},
        {"dir/none/x", O_RDONLY, MLPLAT_NOT_FOUND},
        {"out/canary", O_RDONLY, MLPLAT_DENIED},
        {"out/canary", O_WRONLY | O_TRUNC, MLPLAT_DENIED},
        {"out/new", O_WRONLY | O_CREAT, MLPLAT_DENIED},
        {"out/a/b/new", O_WRONLY | O_CREAT, MLPLAT_DENIED},
        {"out", O_RDONLY | O_DIRECTORY, MLPLAT_DENIED},
        {"dir/up/file", O_RDONLY, MLPLAT_DENIED},
        {"same", O_RDONLY, MLPLAT_DENIED},
        {"same", O_WRONLY | O_CREAT | O_TRUNC, MLPLAT_DENIED},
        {"file/x", O_RDONLY, MLPLAT_INVALID},
        {"file/x", O_WRONLY | O_CREAT, MLPLAT_INVALID},
        {"fifo", O_RDONLY, MLPLAT_INVALID}, /* and does not wait for a writer */
        {"../outside", O_RDONLY, MLPLAT_INVALID},
        {"made/for/it", O_WRONLY | O_CREAT, MLPLAT_OK},
        {"made/for/it", O_RDONLY, MLPLAT_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        int fd = -2;
        mlplat_status s = mlp_file_open_beneath(t->root, cases[i].name, cases[i].flags, 0644, &fd, &err);
        if (s != cases[i].want)
            fail_msg("%s: %s, not %s: %s", cases[i].name, mlplat_status_name(s), mlplat_status_name(cases[i].want),
                     err.message);
        assert_true(s == MLPLAT_OK ? fd >= 0 : fd == -1);
        if (fd >= 0)
            close(fd);
    }
    assert_int_equal(access(test_path(t->outside, "new"), F_OK), -1);
    assert_int_equal(access(test_path(t->outside, "a"), F_OK), -1);
}

static void links_and_odd_files_are_not_opened(void **state)
{
    (void)state;
    tree t = tree_make();
    check_open(&t);
    tree_remove(&t);
}

static void an_old_kernel_opens_the_same(void **state)
{
    (void)state;
    tree t = tree_make();
    fault_os_without_openat2();
    check_open(&t);
    fault_os_end();
    tree_remove(&t);
}

static int64_t one_word(void *user, void *buf, size_t n, mlplat_error *err)
{
    bool *done = user;
    (void)n, (void)err;
    if (*done)
        return 0;
    *done = true;
    memcpy(buf, "word", 4);
    return 4;
}

static int count_entries(const char *folder)
{
    int n = -2; /* "." and ".." */
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void writing_replaces_a_link_and_never_its_target(void **state)
{
    (void)state;
    tree t = tree_make();
    mlplat_error err = {0};
    mlp_buf text = {0};
    bool done = false;
    assert_int_equal(symlink(test_path(t.outside, "canary"), test_path(t.folder, "root/canary")), 0);
    assert_ok(mlp_file_put_beneath(t.root, "canary", one_word, &done, &err));
    assert_ok(mlp_file_read(test_path(t.folder, "root/canary"), 100, &text, &err));
    assert_string_equal(text.data, "word");
    done = false;
    assert_status(mlp_file_put_beneath(t.root, "out/canary", one_word, &done, &err), MLPLAT_DENIED);
    assert_status(mlp_file_put_beneath(t.root, "dir/../x", one_word, &done, &err), MLPLAT_INVALID);
    assert_ok(mlp_file_put_beneath(t.root, "new/deep/file", one_word, &done, &err));
    assert_ok(mlp_file_read(test_path(t.folder, "root/new/deep/file"), 100, &text, &err));
    assert_string_equal(text.data, "word");
    mlp_buf_free(&text);
    tree_remove(&t);
}

/* Fails each system call in turn: the file is there whole or not at all, and no temporary one stays. */
static void a_fault_while_writing_leaves_no_half_file(void **state)
{
    (void)state;
    mlplat_error err = {0};
    size_t failures = 0;
    bool more = true;
    for (size_t n = 1; more; n++) {
        tree t = tree_make();
        bool done = false;
        fault_os_begin(n, EIO, false);
        mlplat_status s = mlp_file_put_beneath(t.root, "new/deep/file", one_word, &done, &err);
        more = fault_os_end() >= n;
        failures += s != MLPLAT_OK;
        bool whole = access(test_path(t.folder, "root/new/deep/file"), F_OK) == 0;
        assert_true(whole || s != MLPLAT_OK);
        if (whole) {
            mlp_buf text = {0};
            assert_ok(mlp_file_read(test_path(t.folder, "root/new/deep/file"), 100, &text, &err));
            assert_string_equal(text.data, "word");
            mlp_buf_free(&text);
        }
        if (access(test_path(t.folder, "root/new/deep"), F_OK) == 0)
            assert_int_equal(count_entries(test_path(t.folder, "root/new/deep")), whole);
        tree_remove(&t);
    }
    assert_true(failures > 10);
}

/* Somebody swaps a folder for a link to the outside and back, as fast as he can, so and so many times. */
typedef struct swapper {
    char inside[1024], link[1024];
    bool done;
} swapper;

static void *swap(void *arg)
{
    swapper *s = arg;
    for (int i = 0; i < 40000; i++)
        test_swap(s->inside, s->link);
    __atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
    return NULL;
}

static void race(const tree *t)
{
    swapper s = {.done = false};
    pthread_t thread;
    snprintf(s.inside, sizeof s.inside, "%s/root/dir", t->folder);
    snprintf(s.link, sizeof s.link, "%s/root/out", t->folder);
    assert_int_equal(pthread_create(&thread, NULL, swap, &s), 0);
    while (!__atomic_load_n(&s.done, __ATOMIC_ACQUIRE)) {
        mlplat_error err = {0};
        bool done = false;
        int fd;
        mlplat_status status =
            mlp_file_open_beneath(t->root, "dir/canary", O_WRONLY | O_CREAT | O_TRUNC, 0644, &fd, &err);
        if (status == MLPLAT_OK)
            close(fd);
        mlp_file_put_beneath(t->root, "dir/canary", one_word, &done, &err); /* made or refused: both are fine */
    }
    pthread_join(thread, NULL);
}

static void a_racing_link_leads_nobody_out(void **state)
{
    (void)state;
    for (int old_kernel = 0; old_kernel < 2; old_kernel++) {
        tree t = tree_make();
        if (old_kernel)
            fault_os_without_openat2();
        race(&t);
        fault_os_end();
        tree_remove(&t); /* looks at the canary */
    }
}

static void a_root_is_a_folder(void **state)
{
    (void)state;
    char *folder = test_folder_make();
    mlplat_error err = {0};
    int fd;
    assert_status(mlp_file_open_root(test_path(folder, "none"), false, &fd, &err), MLPLAT_NOT_FOUND);
    assert_ok(mlp_file_open_root(test_path(folder, "a/b"), true, &fd, &err));
    close(fd);
    assert_ok(mlp_file_write_atomic(test_path(folder, "f"), "x", 1, false, &err));
    assert_status(mlp_file_open_root(test_path(folder, "f"), false, &fd, &err), MLPLAT_INVALID);
    assert_int_equal(fd, -1);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_names_pass),
        cmocka_unit_test(hostile_names_are_refused_in_every_place_and_coding),
        cmocka_unit_test(other_hostile_names_are_refused),
        cmocka_unit_test(links_and_odd_files_are_not_opened),
        cmocka_unit_test(an_old_kernel_opens_the_same),
        cmocka_unit_test(writing_replaces_a_link_and_never_its_target),
        cmocka_unit_test(a_fault_while_writing_leaves_no_half_file),
        cmocka_unit_test(a_racing_link_leads_nobody_out),
        cmocka_unit_test(a_root_is_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
