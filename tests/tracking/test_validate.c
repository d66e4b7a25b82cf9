/* MLflow's limits, with its decisions; tests/integration/test_validation.py asks MLflow itself about the same cases. */
#include "support/support.h"
#include "base/check.h"
#include "tracking/validate.h"
#include <stdlib.h>

static char *repeat(const char *what, size_t times)
{
    char *out = calloc(times * strlen(what) + 1, 1);
    for (size_t i = 0; i < times; i++)
        strcat(out, what);
    return out;
}

static const struct {
    const char *key;
    bool good;
} keys[] = {
    {"loss", true},
    {"val/loss", true},
    {"a b", true},
    {"a.b-c_d:e", true},
    {"0", true},
    {"-", true},
    {" ", true},
    {" a ", true},
    {"a/..b", true},
    {"a/...", true},
    {"Genauigkeit_\xc3\xa4", true},
    /* a umlaut */ {"\xe7\xb2\xbe\xe5\xba\xa6", true},
    {"x\xc2\xb2", true},
    {"loss\n", true}, /* MLflow's pattern lets one last newline pass */
    {"", false},
    {".", false},
    {"..", false},
    {"..a", false},
    {"...", false},
    {"/a", false},
    {"//a", false},
    {"a/", false},
    {"a//b", false},
    {"a/./b", false},
    {"a/../b", false},
    {"../a", false},
    {"./a", false},
    {"a/..", false},
    {"a\\b", false},
    {"a\tb", false},
    {"a\nb", false},
    {"a\n\n", false},
    {"a%b", false},
    {"a=b", false},
    {"a,b", false},
    {"a(b)", false},
    {"a\"b", false},
    {"a'b", false},
    {"a@b", false},
    {"\xf0\x9f\x98\x80", false},
    /* a face */
    {"a\xe2\x80\x93"
     "b",
     false}, /* a dash that is not '-' */
    {"a\xff", false},
    {"\xc3", false},
    {"\xc0\xaf", false},
    {"\xed\xa0\x80", false},
};

static void keys_are_decided_as_by_mlflow(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        mlplat_error err = {0};
        mlplat_status s = mlp_check_key("metric key", keys[i].key, &err);
        if (s != (keys[i].good ? MLPLAT_OK : MLPLAT_INVALID))
            fail_msg("key '%s': %s %s", keys[i].key, mlplat_status_name(s), err.message);
    }
}

static void a_missing_key_is_refused(void **state)
{
    (void)state;
    mlplat_error err = {0};
    assert_status(mlp_check_key("metric key", NULL, &err), MLPLAT_INVALID);
}

static void keys_have_at_most_250_characters(void **state)
{
    (void)state;
    static const char *const letters[] = {"k", "\xc3\xa4", "\xe7\xb2\xbe"};
    for (size_t i = 0; i < 3; i++) {
        mlplat_error err = {0};
        char *most = repeat(letters[i], 250), *more = repeat(letters[i], 251);
        assert_ok(mlp_check_key("metric key", most, &err));
        assert_status(mlp_check_key("metric key", more, &err), MLPLAT_INVALID);
        assert_non_null(strstr(err.message, "251"));
        assert_non_null(strstr(err.message, "250"));
        free(most);
        free(more);
    }
}

static void long_values_are_cut_or_refused(void **state)
{
    (void)state;
    size_t n = 0;
    mlplat_error err = {0};
    char *fits = repeat("\xc3\xa4", 6000), *longer = repeat("\xc3\xa4", 6001);
    assert_ok(mlp_validate_value("param", "p", fits, MLP_LIMIT_PARAM, false, NULL, &n, &err));
    assert_int_equal(n, 12000);
    assert_status(mlp_validate_value("param", "p", longer, MLP_LIMIT_PARAM, false, NULL, &n, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "MLFLOW_TRUNCATE_LONG_VALUES"));
    assert_ok(mlp_validate_value("param", "p", longer, MLP_LIMIT_PARAM, true, NULL, &n, &err));
    assert_int_equal(n, 12000);
    assert_ok(mlp_validate_value("param", "p", "", MLP_LIMIT_PARAM, false, NULL, &n, &err));
    assert_int_equal(n, 0);
    assert_status(mlp_validate_value("param", "p", NULL, MLP_LIMIT_PARAM, true, NULL, &n, &err), MLPLAT_INVALID);
    assert_status(mlp_validate_value("param", "p", "\xff", MLP_LIMIT_PARAM, true, NULL, &n, &err), MLPLAT_INVALID);
    free(fits);
    free(longer);
}

static void names_of_experiments_and_runs_have_limits(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *name500 = repeat("n", 500), *name501 = repeat("n", 501), *name250 = repeat("n", 250),
         *name251 = repeat("n", 251);
    assert_ok(mlp_validate_experiment_name(name500, &err));
    assert_status(mlp_validate_experiment_name(name501, &err), MLPLAT_INVALID);
    assert_status(mlp_validate_experiment_name("", &err), MLPLAT_INVALID);
    assert_status(mlp_validate_experiment_name(NULL, &err), MLPLAT_INVALID);
    assert_ok(mlp_validate_experiment_name("any / thing: goes \xf0\x9f\x98\x80", &err));
    assert_ok(mlp_validate_run_name(name250, &err));
    assert_status(mlp_validate_run_name(name251, &err), MLPLAT_INVALID);
    free(name500);
    free(name501);
    free(name250);
    free(name251);
}

static void experiment_tags_have_limits(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *most = repeat("v", 20000), *more = repeat("v", 20001);
    assert_ok(mlp_validate_experiment_tag("team", most, &err));
    assert_status(mlp_validate_experiment_tag("team", more, &err), MLPLAT_INVALID);
    assert_status(mlp_validate_experiment_tag("a//b", "v", &err), MLPLAT_INVALID);
    assert_ok(mlp_validate_experiment_tag("mlflow.trace.archivalRetention",
                                          "{\"type\": \"duration\", \"value\": \"30d\"}", &err));
    assert_status(mlp_validate_experiment_tag("mlflow.trace.archivalRetention", "30d", &err), MLPLAT_INVALID);
    free(most);
    free(more);
}

static const struct {
    const char *id;
    bool good;
} run_ids[] = {
    {"0123456789abcdef0123456789abcdef", true},
    {"a", true},
    {"A-b_c", true},
    {"", false},
    {"-a", false},
    {"_a", false},
    {"a/b", false},
    {"a b", false},
    {"..", false},
    {"a.b", false},
    {"\xc3\xa4", false},
    {"a\xc3\xa4", true},
    {"a\n", true},
    {"a\xff", false},
};

static void run_ids_are_decided_as_by_mlflow(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof run_ids / sizeof run_ids[0]; i++) {
        mlplat_error err = {0};
        mlplat_status s = mlp_check_run_id(run_ids[i].id, &err);
        if (s != (run_ids[i].good ? MLPLAT_OK : MLPLAT_INVALID))
            fail_msg("run id '%s': %s %s", run_ids[i].id, mlplat_status_name(s), err.message);
    }
    mlplat_error err = {0};
    char *most = repeat("a", 256), *more = repeat("a", 257);
    assert_ok(mlp_check_run_id(most, &err));
    assert_status(mlp_check_run_id(more, &err), MLPLAT_INVALID);
    free(most);
    free(more);
}

static void experiment_ids_are_numbers(void **state)
{
    (void)state;
    int64_t id = -1;
    mlplat_error err = {0};
    assert_ok(mlp_validate_experiment_id("12", &id, &err));
    assert_int_equal(id, 12);
    assert_status(mlp_validate_experiment_id("twelve", &id, &err), MLPLAT_INVALID);
    assert_status(mlp_validate_experiment_id("", &id, &err), MLPLAT_INVALID);
    assert_status(mlp_validate_experiment_id("99999999999999999999", &id, &err), MLPLAT_INVALID);
}

static void locations_outside_runs_are_taken(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *more = repeat("l", 2049);
    assert_ok(mlp_validate_location("s3://bucket/path", &err));
    assert_ok(mlp_validate_location("/srv/artifacts", &err));
    assert_status(mlp_validate_location("runs:/abc/model", &err), MLPLAT_INVALID);
    assert_status(mlp_validate_location(more, &err), MLPLAT_INVALID);
    assert_status(mlp_validate_location("", &err), MLPLAT_INVALID);
    free(more);
}

static void times_are_not_negative(void **state)
{
    (void)state;
    mlplat_error err = {0};
    assert_ok(mlp_validate_timestamp("loss", 0, &err));
    assert_ok(mlp_validate_timestamp("loss", INT64_MAX, &err));
    assert_status(mlp_validate_timestamp("loss", -2, &err), MLPLAT_INVALID);
}

/* As "validate <kind>" it reads one hexadecimal value a line and answers 1 or 0: so MLflow is asked about the same. */
static int answer(const char *kind)
{
    static char line[200000], text[100000];
    while (fgets(line, sizeof line, stdin)) {
        size_t n = strcspn(line, "\r\n") / 2;
        for (size_t i = 0; i < n; i++) {
            unsigned byte = 0;
            if (sscanf(line + 2 * i, "%2x", &byte) != 1)
                return 2;
            text[i] = (char)byte;
        }
        text[n] = 0;
        size_t kept = 0;
        int64_t id = 0;
        mlplat_status s = MLPLAT_UNSUPPORTED;
        if (strcmp(kind, "key") == 0)
            s = mlp_check_key("key", text, NULL);
        else if (strcmp(kind, "run_id") == 0)
            s = mlp_check_run_id(text, NULL);
        else if (strcmp(kind, "param") == 0)
            s = mlp_validate_value("param", "p", text, MLP_LIMIT_PARAM, false, NULL, &kept, NULL);
        else if (strcmp(kind, "tag") == 0)
            s = mlp_validate_value("tag", "t", text, MLP_LIMIT_TAG, false, NULL, &kept, NULL);
        else if (strcmp(kind, "experiment_name") == 0)
            s = mlp_validate_experiment_name(text, NULL);
        else if (strcmp(kind, "experiment_tag") == 0)
            s = mlp_validate_experiment_tag("t", text, NULL);
        else if (strcmp(kind, "retention_tag") == 0)
            s = mlp_validate_experiment_tag("mlflow.trace.archivalRetention", text, NULL);
        else if (strcmp(kind, "archive_now_tag") == 0)
            s = mlp_validate_experiment_tag("mlflow.trace.archiveNow", text, NULL);
        else if (strcmp(kind, "location") == 0)
            s = mlp_validate_location(text, NULL);
        else if (strcmp(kind, "experiment_id") == 0)
            s = mlp_validate_experiment_id(text, &id, NULL);
        printf("%d\n", s == MLPLAT_OK);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "validate") == 0)
        return answer(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_decided_as_by_mlflow),
        cmocka_unit_test(a_missing_key_is_refused),
        cmocka_unit_test(keys_have_at_most_250_characters),
        cmocka_unit_test(long_values_are_cut_or_refused),
        cmocka_unit_test(names_of_experiments_and_runs_have_limits),
        cmocka_unit_test(experiment_tags_have_limits),
        cmocka_unit_test(run_ids_are_decided_as_by_mlflow),
        cmocka_unit_test(experiment_ids_are_numbers),
        cmocka_unit_test(locations_outside_runs_are_taken),
        cmocka_unit_test(times_are_not_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
