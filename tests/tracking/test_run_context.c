/* Names and context of runs: generated names, and what git's files say, read without git. */
#include "support/support.h"
#include "base/alloc.h"
#include "tracking/git_head.h"
#include "db/page.h"
#include "tracking/run_context.h"
#include "tracking/run_keys.h"
#include "tracking/run_name.h"
#include <ctype.h>
#include <stdlib.h>
#include <sys/stat.h>

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define OTHER  "fedcba9876543210fedcba9876543210fedcba98"

/* Writes folder/name with its parents. */
static void put(const char *folder, const char *name, const char *text)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *p = path + strlen(folder) + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(path, 0777);
            *p = '/';
        }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static const struct {
    const char *what;
    const char *files[12]; /* name, text, name, text, ... */
    const char *at, *commit, *branch, *url;
} repositories[] = {
    {"a branch",
     {".git/HEAD", "ref: refs/heads/main\n", ".git/refs/heads/main", COMMIT "\n", "src/x", ""},
     "src",
     COMMIT,
     "main",
     NULL},
    {"a branch with slashes, packed",
     {".git/HEAD", "ref: refs/heads/topic/a\n", ".git/packed-refs",
      "# pack-refs with: peeled fully-peeled sorted\n" OTHER " refs/heads/main\n" COMMIT " refs/heads/topic/a\n^" OTHER
      "\n"},
     ".",
     COMMIT,
     "topic/a",
     NULL},
    {"a loose ref wins over a packed one",
     {".git/HEAD", "ref: refs/heads/main\n", ".git/refs/heads/main", COMMIT "\n", ".git/packed-refs",
      OTHER " refs/heads/main\n"},
     ".",
     COMMIT,
     "main",
     NULL},
    {"detached", {".git/HEAD", COMMIT "\n"}, ".", COMMIT, NULL, NULL},
    {"a symbolic ref",
     {".git/HEAD", "ref: refs/heads/alias\n", ".git/refs/heads/alias", "ref: refs/heads/main\n", ".git/refs/heads/main",
      COMMIT "\n"},
     ".",
     COMMIT,
     "alias",
     NULL},
    {"no commit yet",
     {".git/HEAD", "ref: refs/heads/main\n", ".git/config", "[remote \"o\"]\n\turl = u\n"},
     ".",
     NULL,
     NULL,
     NULL},
    {"a linked work tree",
     {"main/.git/worktrees/w/HEAD", "ref: refs/heads/side\n", "main/.git/worktrees/w/commondir", "../..\n",
      "main/.git/refs/heads/side", COMMIT "\n", "w/.git", "gitdir: ../main/.git/worktrees/w\n", "main/.git/config",
      "[remote \"origin\"]\n\turl = /srv/x.git\n"},
     "w",
     COMMIT,
     "side",
     "/srv/x.git"},
    {"a remote with a password",
     {".git/HEAD", COMMIT, ".git/config",
      "[core]\n\tbare = false\n[remote \"origin\"]\n\tfetch = +refs/*:refs/*\n\turl = "
      "\"https://me:s3cret@example.org/a.git\" ; x\n"
      "[remote \"other\"]\n\turl = https://example.org/b.git\n"},
     ".",
     COMMIT,
     NULL,
     "https://example.org/a.git"},
    {"an ssh remote",
     {".git/HEAD", COMMIT, ".git/config", "[remote \"o\"]\n url=git@example.org:a/b.git\n"},
     ".",
     COMMIT,
     NULL,
     "git@example.org:a/b.git"},
    {"a sha-256 repository",
     {".git/HEAD", "ref: refs/heads/main\n", ".git/refs/heads/main", COMMIT "0123456789abcdef01234567\n"},
     ".",
     COMMIT "0123456789abcdef01234567",
     "main",
     NULL},
    {"a ref that leads out",
     {".git/HEAD", "ref: refs/heads/../../../secret\n", "secret", COMMIT "\n"},
     ".",
     NULL,
     NULL,
     NULL},
    {"a ref to itself",
     {".git/HEAD", "ref: refs/heads/a\n", ".git/refs/heads/a", "ref: refs/heads/a\n"},
     ".",
     NULL,
     NULL,
     NULL},
    {"no words in HEAD", {".git/HEAD", "nonsense\n"}, ".", NULL, NULL, NULL},
};

static void same(const char *what, const char *is, const char *want)
{
    if ((is == NULL) != (want == NULL) || (is && strcmp(is, want) != 0))
        fail_msg("%s: %s, not %s", what, is ? is : "nothing", want ? want : "nothing");
}

static void git_is_read_from_its_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof repositories / sizeof repositories[0]; i++) {
        char *folder = test_folder_make();
        for (size_t f = 0; repositories[i].files[f]; f += 2)
            put(folder, repositories[i].files[f], repositories[i].files[f + 1]);
        mlp_git_head head = {0};
        mlplat_error err = {0};
        assert_ok(mlp_git_head_read(test_path(folder, repositories[i].at), &head, &err));
        same(repositories[i].what, head.commit, repositories[i].commit);
        same(repositories[i].what, head.branch, repositories[i].branch);
        same(repositories[i].what, head.url, repositories[i].url);
        mlp_git_head_free(&head);
        test_folder_remove(folder);
    }
}

static void a_run_gets_its_context(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *folder = test_folder_make();
    put(folder, "train.py", "");
    put(folder, ".git/HEAD", "ref: refs/heads/main\n");
    put(folder, ".git/refs/heads/main", COMMIT "\n");
    json_t *tags = json_object();
    setenv("MLFLOW_TRACKING_USERNAME", "ada", 1);
    assert_ok(mlp_run_context_add(test_path(folder, "train.py"), tags, &err));
    unsetenv("MLFLOW_TRACKING_USERNAME");
    assert_string_equal(json_string_value(json_object_get(tags, "mlflow.user")), "ada");
    assert_string_equal(json_string_value(json_object_get(tags, "mlflow.source.name")), test_path(folder, "train.py"));
    assert_string_equal(json_string_value(json_object_get(tags, "mlflow.source.type")), "LOCAL");
    assert_string_equal(json_string_value(json_object_get(tags, "mlflow.source.git.commit")), COMMIT);
    assert_string_equal(json_string_value(json_object_get(tags, "mlflow.source.git.branch")), "main");
    assert_null(json_object_get(tags, "mlflow.source.git.repoURL"));
    json_decref(tags);
    test_folder_remove(folder);
}

static void a_program_is_its_own_source(void **state)
{
    (void)state;
    mlplat_error err = {0};
    json_t *tags = json_object();
    assert_ok(mlp_run_context_add(NULL, tags, &err));
    assert_non_null(strstr(json_string_value(json_object_get(tags, "mlflow.source.name")), "test_run_context"));
    assert_true(json_string_length(json_object_get(tags, "mlflow.user")) > 0);
    json_decref(tags);
}

static void names_are_a_predicate_a_noun_and_a_number(void **state)
{
    (void)state;
    char first[21] = "", name[21];
    int other = 0;
    for (int i = 0; i < 1000; i++) {
        mlplat_error err = {0};
        assert_ok(mlp_run_name_make(name, &err));
        size_t predicate = strcspn(name, "-"), noun = strcspn(name + predicate + 1, "-");
        const char *number = name + predicate + noun + 2;
        assert_in_range(strlen(name), 7, 20);
        assert_true(predicate >= 3 && noun >= 3 && *number);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz"), predicate);
        assert_int_equal(strspn(number, "0123456789"), strlen(number));
        assert_in_range(atoi(number), 0, 1000);
        other += strcmp(first, name) != 0;
        memcpy(first, name, sizeof first);
    }
    assert_true(other > 900);
}

static void page_tokens_are_mlflows(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        int64_t offset;
    } tokens[] = {
        {NULL, 0},
        {"", 0},
        {"eyJvZmZzZXQiOiAxfQ==", 1},
        {"eyJvZmZzZXQiOiAxMDAwfQ==", 1000},
        {"eyJvZmZzZXQiOiAxMH0=", 10},
    };
    static const char *const none[] = {"x",           "!!!", "e30=", "eyJvZmZzZXQiOiAtMX0=", "eyJvZmZzZXQiOiAiMSJ9",
                                       "bm8gSlNPTg=="};
    mlplat_error err = {0};
    int64_t offset = -1;
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        assert_ok(mlp_page_parse(tokens[i].token, &offset, &err));
        assert_int_equal(offset, tokens[i].offset);
        if (!offset)
            continue;
        json_t *doc = json_object();
        assert_ok(mlp_page_put(doc, offset, &err));
        assert_string_equal(json_string_value(json_object_get(doc, "next_page_token")), tokens[i].token);
        json_decref(doc);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_status(mlp_page_parse(none[i], &offset, &err), MLPLAT_INVALID);
}

static void a_table_of_keys_grows_and_counts_steps(void **state)
{
    (void)state;
    mlp_run_keys keys;
    char name[32];
    mlp_run_key *key = NULL;
    int64_t step = -1;
    mlp_run_keys_init(&keys);
    assert_null(mlp_run_keys_find(&keys, "k0"));
    for (int i = 0; i < 1000; i++) {
        mlplat_error err = {0};
        snprintf(name, sizeof name, "k%d", i);
        assert_ok(mlp_run_keys_add(&keys, name, &key, &err));
        mlp_run_keys_pass_step(key, i);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "k%d", i);
        key = mlp_run_keys_find(&keys, name);
        assert_non_null(key);
        assert_true(mlp_run_keys_take_steps(key, 3, &step));
        assert_int_equal(step, i + 1);
        assert_true(mlp_run_keys_take_steps(key, 1, &step));
        assert_int_equal(step, i + 4);
    }
    mlp_run_keys_pass_step(key, -5);
    assert_true(mlp_run_keys_take_steps(key, 1, &step));
    assert_int_equal(step, 1004);
    mlp_run_keys_pass_step(key, INT64_MAX);
    assert_false(mlp_run_keys_take_steps(key, 1, &step));
    mlp_run_keys_free(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(git_is_read_from_its_files),  cmocka_unit_test(a_run_gets_its_context),
        cmocka_unit_test(a_program_is_its_own_source), cmocka_unit_test(names_are_a_predicate_a_noun_and_a_number),
        cmocka_unit_test(page_tokens_are_mlflows),     cmocka_unit_test(a_table_of_keys_grows_and_counts_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
