/* URIs of stores and artifacts. */
#include "support/support.h"
#include "base/alloc.h"
#include "base/uri.h"
#include <unistd.h>

static void uris_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *scheme, *authority, *path; /* scheme NULL: refused */
    } cases[] = {
        {"sqlite:///mlflow.db", "sqlite", "", "mlflow.db"},
        {"sqlite:////data/mlflow.db", "sqlite", "", "/data/mlflow.db"},
        {"SQLite:///a/b c#d.db", "sqlite", "", "a/b c#d.db"},
        {"sqlite:///a%20b%25%3f.db", "sqlite", "", "a b%?.db"},
        {"sqlite:///a%2", "sqlite", "", "a%2"},
        {"sqlite://", "sqlite", "", ""},
        {"runs:/0123/model/a#b?c", "runs", "", "/0123/model/a#b?c"},
        {"models:/fraud@champion", "models", "", "/fraud@champion"},
        {"models:/fraud/3", "models", "", "/fraud/3"},
        {"mlflow-artifacts:/1/2", "mlflow-artifacts", "", "/1/2"},
        {"http://host:5000/a?b#c", "http", "host:5000", "/a?b#c"},
        {"s3://bucket/k@v", "s3", "bucket", "/k@v"},
        {"s3://bucket", "s3", "bucket", ""},
        {"file:///a%20b/c", "file", "", "/a b/c"},
        {"file://localhost/a", "file", "localhost", "/a"},
        {"file:/a", "file", "", "/a"},
        {"/a/b", "", "", "/a/b"},
        {"a/b:c", "", "", "a/b:c"},
        {"./x#y", "", "", "./x#y"},
        {"C:/x", "", "", "C:/x"},
        {"//host/share", "", "", "//host/share"},
        {"", NULL, NULL, NULL},
        {"a\nb", NULL, NULL, NULL},
        {"file:///a\x7f", NULL, NULL, NULL},
        {"file:///a\xff", NULL, NULL, NULL},
        {"http://user:pw@host/x", NULL, NULL, NULL},
        {"http://user@host", NULL, NULL, NULL},
        {"s3://key:secret@bucket/x", NULL, NULL, NULL},
        {"sqlite:mlflow.db", NULL, NULL, NULL},
        {"sqlite:/mlflow.db", NULL, NULL, NULL},
        {"sqlite://mlflow.db", NULL, NULL, NULL},
        {"sqlite:///a.db?mode=ro", NULL, NULL, NULL},
        {"sqlite:///a%00b", NULL, NULL, NULL},
        {"sqlite:///a%0ab", NULL, NULL, NULL},
        {"sqlite:///a%ffb", NULL, NULL, NULL},
        {"file:///a#/../../etc", NULL, NULL, NULL},
        {"file:///a?b", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_uri uri;
        mlplat_error err = {0};
        mlplat_status s = mlp_uri_parse(cases[i].text, &uri, &err);
        if (s != (cases[i].scheme ? MLPLAT_OK : MLPLAT_INVALID))
            fail_msg("'%s': %s %s", cases[i].text, mlplat_status_name(s), err.message);
        if (s == MLPLAT_OK) {
            assert_string_equal(uri.scheme, cases[i].scheme);
            assert_string_equal(uri.authority, cases[i].authority);
            assert_string_equal(uri.path, cases[i].path);
        } else {
            assert_null(strstr(err.message, "pw"));
            assert_null(strstr(err.message, "secret"));
            assert_null(uri.path);
        }
        mlp_uri_free(&uri);
    }
}

static void local_paths_are_absolute(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path; /* NULL: refused */
    } cases[] = {
        {"/a/../b", "/b"},
        {"file:///a/b", "/a/b"},
        {"file:/a", "/a"},
        {"file:///a%20b", "/a b"},
        {"FILE://LOCALHOST/a", "/a"},
        {"file:///a%2500b", NULL},
        {"file://host/a", NULL},
        {"file:a", NULL},
        {"file:", NULL},
        {"file:///a%00b", NULL},
        {"file:///a%0ab", NULL},
        {"file:///a%ffb", NULL},
        {"s3://b/k", NULL},
        {"http://h/x", NULL},
        {"runs:/x/y", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = NULL;
        mlplat_error err = {0};
        mlplat_status s = mlp_uri_local_path(cases[i].text, &path, &err);
        if (s != (cases[i].path ? MLPLAT_OK : MLPLAT_INVALID))
            fail_msg("'%s': %s %s", cases[i].text, mlplat_status_name(s), err.message);
        if (cases[i].path)
            assert_string_equal(path, cases[i].path);
        else
            assert_null(path);
        mlp_free(path);
    }
}

static void a_relative_path_is_below_the_working_folder(void **state)
{
    (void)state;
    char cwd[4096], want[4200], *path;
    mlplat_error err = {0};
    assert_non_null(getcwd(cwd, sizeof cwd));
    snprintf(want, sizeof want, "%s/mlruns", cwd);
    assert_ok(mlp_uri_local_path("mlruns", &path, &err));
    assert_string_equal(path, want);
    mlp_free(path);
}

static void a_long_password_is_gone_from_messages(void **state)
{
    (void)state;
    char uri[700] = "http://ann:", shown[MLP_URI_SHOWN];
    mlp_uri parts;
    mlplat_error err = {0};
    memset(uri + 11, 'x', 500);
    strcpy(uri + 511, "@host/path");
    assert_status(mlp_uri_parse(uri, &parts, &err), MLPLAT_INVALID);
    assert_null(strstr(err.message, "xx"));
    assert_non_null(strstr(err.message, "http://***@host/path"));
    memset(uri, 'y', 600);
    uri[600] = 0;
    mlp_uri_show(uri, shown);
    assert_int_equal(strlen(shown), sizeof shown - 1);
    assert_string_equal(shown + sizeof shown - 4, "...");
    mlp_uri_show("s3://bucket/k", shown);
    assert_string_equal(shown, "s3://bucket/k");
}

static void a_scheme_is_told_from_a_name(void **state)
{
    (void)state;
    assert_true(mlp_uri_has_scheme("runs:/x", "runs"));
    assert_true(mlp_uri_has_scheme("RUNS:/x", "runs"));
    assert_false(mlp_uri_has_scheme("runsx:/x", "runs"));
    assert_false(mlp_uri_has_scheme("run:/x", "runs"));
    assert_false(mlp_uri_has_scheme("runs", "runs"));
    assert_false(mlp_uri_has_scheme("/runs:/x", "runs"));
    assert_false(mlp_uri_has_scheme("", "runs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris_are_taken_apart),
        cmocka_unit_test(local_paths_are_absolute),
        cmocka_unit_test(a_relative_path_is_below_the_working_folder),
        cmocka_unit_test(a_long_password_is_gone_from_messages),
        cmocka_unit_test(a_scheme_is_told_from_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
