/* Settings: call > environment > profile file > default, and who won. */
#include "support/support.h"
#include "base/config.h"
#include "base/file.h"
#include <stdlib.h>

typedef struct place {
    char *folder;
    const char *file;
} place;

static place make(const char *yaml)
{
    mlplat_error err = {0};
    place p = {.folder = test_folder_make()};
    test_clear_environment();
    setenv("XDG_CONFIG_HOME", p.folder, 1);
    p.file = test_path(p.folder, "mlplat/config.yaml");
    if (yaml) {
        assert_ok(mlp_file_mkdirs(test_path(p.folder, "mlplat"), 0700, &err));
        assert_ok(mlp_file_write_atomic(p.file, yaml, strlen(yaml), false, &err));
    }
    return p;
}

static void done(place *p)
{
    test_clear_environment();
    test_folder_remove(p->folder);
}

static void check(const mlp_config *config, mlp_setting setting, const char *value, const char *source)
{
    assert_string_equal(config->value[setting], value);
    assert_string_equal(config->source[setting], source);
}

static void without_any_setting_the_embedded_default_holds(void **state)
{
    (void)state;
    place p = make(NULL);
    mlp_config config;
    mlplat_error err = {0};
    assert_ok(mlp_config_load(NULL, &config, &err));
    check(&config, MLP_SET_TRACKING_URI, "sqlite:///mlflow.db", "default");
    check(&config, MLP_SET_REGISTRY_URI, "sqlite:///mlflow.db", "default");
    check(&config, MLP_SET_DURABILITY, "process", "default");
    check(&config, MLP_SET_TRUNCATE, "true", "default");
    check(&config, MLP_SET_SPOOL_QUOTA, "1GiB", "default");
    check(&config, MLP_SET_SPOOL_FULL, "block", "default");
    assert_null(config.value[MLP_SET_SPOOL]);
    assert_null(config.value[MLP_SET_EXPERIMENT_NAME]);
    mlp_config_free(&config);
    done(&p);
}

static void the_nearest_source_wins(void **state)
{
    (void)state;
    place p = make("profiles:\n  default:\n    tracking_uri: sqlite:///profile.db\n    spool: /profile\n"
                   "    durability: disk\n    experiment_id: 7\n    truncate_long_values: false\n");
    char from_profile[1200];
    mlp_config config;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    snprintf(from_profile, sizeof from_profile, "profile default in %s", p.file);
    assert_ok(mlp_config_load(NULL, &config, &err));
    check(&config, MLP_SET_TRACKING_URI, "sqlite:///profile.db", from_profile);
    check(&config, MLP_SET_REGISTRY_URI, "sqlite:///profile.db", "default");
    check(&config, MLP_SET_SPOOL, "/profile", from_profile);
    check(&config, MLP_SET_DURABILITY, "disk", from_profile);
    check(&config, MLP_SET_EXPERIMENT_ID, "7", from_profile);
    check(&config, MLP_SET_TRUNCATE, "false", from_profile);
    mlp_config_free(&config);
    setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow-name.db", 1);
    setenv("MLPLAT_SPOOL", "", 1); /* empty is not set */
    setenv("MLFLOW_TRUNCATE_LONG_VALUES", "True", 1);
    assert_ok(mlp_config_load(NULL, &config, &err));
    check(&config, MLP_SET_TRACKING_URI, "sqlite:///mlflow-name.db", "environment MLFLOW_TRACKING_URI");
    check(&config, MLP_SET_SPOOL, "/profile", from_profile);
    check(&config, MLP_SET_TRUNCATE, "true", "environment MLFLOW_TRUNCATE_LONG_VALUES");
    mlp_config_free(&config);
    setenv("MLPLAT_TRACKING_URI", "sqlite:///our-name.db", 1);
    options.durability = MLPLAT_DURABILITY_REMOTE;
    assert_ok(mlp_config_load(&options, &config, &err));
    check(&config, MLP_SET_TRACKING_URI, "sqlite:///our-name.db", "environment MLPLAT_TRACKING_URI");
    check(&config, MLP_SET_DURABILITY, "remote", "call");
    mlp_config_free(&config);
    options.tracking_uri = "sqlite:///call.db";
    options.spool_dir = "/call";
    options.artifact_root = "/artifacts";
    assert_ok(mlp_config_load(&options, &config, &err));
    check(&config, MLP_SET_TRACKING_URI, "sqlite:///call.db", "call");
    check(&config, MLP_SET_SPOOL, "/call", "call");
    check(&config, MLP_SET_ARTIFACT_ROOT, "/artifacts", "call");
    mlp_config_free(&config);
    done(&p);
}

/* 0 is not given, as everywhere in options; negative is no limit. */
static void a_call_says_how_much_may_wait_and_for_how_long(void **state)
{
    (void)state;
    place p = make(NULL);
    mlp_config config;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    setenv("MLPLAT_SPOOL_QUOTA", "64MiB", 1);
    setenv("MLPLAT_SPOOL_RATE", "7", 1);
    options.spool_full = "drop-oldest";
    options.spool_quota = INT64_C(5) << 30;
    options.close_timeout_ms = 250;
    assert_ok(mlp_config_load(&options, &config, &err));
    check(&config, MLP_SET_SPOOL_FULL, "drop-oldest", "call");
    check(&config, MLP_SET_SPOOL_QUOTA, "5368709120", "call");
    check(&config, MLP_SET_SPOOL_RATE, "7", "environment MLPLAT_SPOOL_RATE");
    check(&config, MLP_SET_CLOSE_TIMEOUT, "250", "call");
    mlp_config_free(&config);
    options = (mlplat_options)MLPLAT_OPTIONS_INIT;
    options.spool_quota = options.spool_rate = options.close_timeout_ms = -1;
    assert_ok(mlp_config_load(&options, &config, &err));
    check(&config, MLP_SET_SPOOL_FULL, "block", "default");
    check(&config, MLP_SET_SPOOL_QUOTA, "none", "call");
    check(&config, MLP_SET_SPOOL_RATE, "none", "call");
    check(&config, MLP_SET_CLOSE_TIMEOUT, "none", "call");
    mlp_config_free(&config);
    options.spool_quota = 4096;
    assert_status(mlp_config_load(&options, &config, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "spool quota '4096' (call)"));
    options.spool_quota = 0;
    options.spool_full = "forget";
    assert_status(mlp_config_load(&options, &config, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "'forget' (call)"));
    done(&p);
}

static void a_profile_is_chosen_by_call_or_environment(void **state)
{
    (void)state;
    place p = make("profiles: {default: {spool: /a}, prod: {spool: /b}, test: {spool: /c}, empty: }\n");
    mlp_config config;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    setenv("MLPLAT_PROFILE", "prod", 1);
    assert_ok(mlp_config_load(NULL, &config, &err));
    assert_string_equal(config.value[MLP_SET_SPOOL], "/b");
    mlp_config_free(&config);
    options.profile = "test";
    assert_ok(mlp_config_load(&options, &config, &err));
    assert_string_equal(config.value[MLP_SET_SPOOL], "/c");
    mlp_config_free(&config);
    options.profile = "empty";
    assert_ok(mlp_config_load(&options, &config, &err));
    assert_null(config.value[MLP_SET_SPOOL]);
    mlp_config_free(&config);
    done(&p);
}

/* What is asked for and is not there, or cannot be read. */
static void a_bad_setting_is_refused_with_its_source(void **state)
{
    (void)state;
    static const struct {
        const char *yaml; /* NULL: no file */
        const char *variable, *value;
        mlplat_status want;
        const char *words;
    } cases[] = {
        {NULL, "MLPLAT_CONFIG", "/nonexistent/c.yaml", MLPLAT_NOT_FOUND, "/nonexistent/c.yaml"},
        {NULL, "MLPLAT_PROFILE", "prod", MLPLAT_NOT_FOUND, "prod"},
        {"profiles: {default: {spool: /a}}\n", "MLPLAT_PROFILE", "prod", MLPLAT_NOT_FOUND, "it has: default"},
        {"profiles: {default: {spol: /a}}\n", NULL, NULL, MLPLAT_INVALID, "no setting 'spol'; there are tracking_uri"},
        {"profiles: {default: {spool: [a]}}\n", NULL, NULL, MLPLAT_INVALID, "'spool' must be text"},
        {"profiles: {default: [a]}\n", NULL, NULL, MLPLAT_INVALID, "must hold settings"},
        {"profiles: [a]\n", NULL, NULL, MLPLAT_INVALID, "profiles"},
        {"profile: {default: {}}\n", NULL, NULL, MLPLAT_INVALID, "profiles"},
        {"profiles: {}\nspool: /a\n", NULL, NULL, MLPLAT_INVALID, "alone"},
        {"- a\n", NULL, NULL, MLPLAT_INVALID, "profiles"},
        {"profiles: {default: {spool: &x a}}\n", NULL, NULL, MLPLAT_INVALID, "line 1"},
        {"profiles: {default: {durability: fast}}\n", NULL, NULL, MLPLAT_INVALID, "profile default in"},
        {NULL, "MLPLAT_DURABILITY", "DISK!", MLPLAT_INVALID, "environment MLPLAT_DURABILITY"},
        {NULL, "MLFLOW_TRUNCATE_LONG_VALUES", "maybe", MLPLAT_INVALID, "environment MLFLOW_TRUNCATE_LONG_VALUES"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        place p = make(cases[i].yaml);
        mlp_config config;
        mlplat_error err = {0};
        if (cases[i].variable)
            setenv(cases[i].variable, cases[i].value, 1);
        mlplat_status s = mlp_config_load(NULL, &config, &err);
        if (s != cases[i].want || !strstr(err.message, cases[i].words))
            fail_msg("case %zu: %s: %s", i, mlplat_status_name(s), err.message);
        assert_null(config.value[MLP_SET_TRACKING_URI]);
        done(&p);
    }
}

static void a_durability_that_is_none_is_refused(void **state)
{
    (void)state;
    mlp_config config;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    options.durability = (mlplat_durability)5;
    assert_status(mlp_config_load(&options, &config, &err), MLPLAT_INVALID);
}

static void an_empty_file_is_no_file(void **state)
{
    (void)state;
    place p = make("# nothing yet\n");
    mlp_config config;
    mlplat_error err = {0};
    assert_ok(mlp_config_load(NULL, &config, &err));
    check(&config, MLP_SET_TRACKING_URI, "sqlite:///mlflow.db", "default");
    mlp_config_free(&config);
    setenv("MLPLAT_PROFILE", "prod", 1);
    assert_status(mlp_config_load(NULL, &config, &err), MLPLAT_NOT_FOUND);
    done(&p);
}

static void home_is_used_where_xdg_is_not_set(void **state)
{
    (void)state;
    place p = make(NULL);
    char *before = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    mlp_config config;
    mlplat_error err = {0};
    static const char yaml[] = "profiles: {default: {spool: /home-profile}}\n";
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", p.folder, 1);
    assert_ok(mlp_file_mkdirs(test_path(p.folder, ".config/mlplat"), 0700, &err));
    assert_ok(
        mlp_file_write_atomic(test_path(p.folder, ".config/mlplat/config.yaml"), yaml, sizeof yaml - 1, false, &err));
    assert_ok(mlp_config_load(NULL, &config, &err));
    assert_string_equal(config.value[MLP_SET_SPOOL], "/home-profile");
    mlp_config_free(&config);
    if (before)
        setenv("HOME", before, 1);
    else
        unsetenv("HOME");
    free(before);
    done(&p);
}

static void shown_settings_have_no_secrets(void **state)
{
    (void)state;
    place p = make(NULL);
    mlp_config config;
    mlplat_error err = {0};
    mlp_buf text = {0};
    setenv("MLFLOW_TRACKING_URI", "http://ann:hunter2@host:5000", 1);
    assert_ok(mlp_config_load(NULL, &config, &err));
    json_t *json = mlp_config_json(&config);
    assert_int_equal(json_object_size(json), MLP_SET_COUNT);
    assert_ok(mlp_json_text(json, &text, &err));
    assert_null(strstr(text.data, "hunter2"));
    assert_non_null(strstr(text.data, "\"tracking_uri\":{\"value\":\"http://***@host:5000\","
                                      "\"source\":\"environment MLFLOW_TRACKING_URI\"}"));
    assert_non_null(strstr(text.data, "\"spool\":{\"value\":null,\"source\":\"not set\"}"));
    mlp_buf_free(&text);
    json_decref(json);
    mlp_config_free(&config);
    done(&p);
}

static void sizes_have_units(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t bytes;
    } cases[] = {
        {"0", true, 0},           {"4194304", true, 4194304},       {"64 MiB", true, 64 << 20},
        {"1GiB", true, 1 << 30},  {"2k", true, 2048},               {"1TB", true, (uint64_t)1 << 40},
        {"7b", true, 7},          {"None", true, UINT64_MAX},       {"", false, 0},
        {"-1", false, 0},         {"1 giga", false, 0},             {"1e9", false, 0},
        {"1.5GiB", false, 0},     {"99999999999999999999", false, 0}, {"9000000000 GiB", false, 0},
        {" 1", false, 0},         {"1ib", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 1;
        assert_int_equal(mlp_config_bytes(cases[i].text, &bytes), cases[i].good);
        if (cases[i].good)
            assert_int_equal(bytes, cases[i].bytes);
    }
}

static void a_quota_or_a_way_that_is_none_is_told(void **state)
{
    static const char *const cases[][3] = {
        {"MLPLAT_SPOOL_QUOTA", "much", "spool quota 'much'"},
        {"MLPLAT_SPOOL_QUOTA", "4095KiB", "4MiB at least"},
        {"MLPLAT_SPOOL_COPY", "1e9", "64MiB"},
        {"MLPLAT_SPOOL_FULL", "forget", "block, drop-oldest or error"},
        {"MLPLAT_CLOSE_TIMEOUT_MS", "0", "close_timeout_ms '0'"},
        {"MLPLAT_CLOSE_TIMEOUT_MS", "5s", "number of milliseconds"},
        {"MLPLAT_SPOOL_RATE", "1k", "number of records"},
    };
    (void)state;
    place p = make(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_config config;
        mlplat_error err = {0};
        setenv(cases[i][0], cases[i][1], 1);
        assert_status(mlp_config_load(NULL, &config, &err), MLPLAT_INVALID);
        assert_non_null(strstr(err.message, cases[i][2]));
        assert_non_null(strstr(err.message, cases[i][0]));
        unsetenv(cases[i][0]);
    }
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_setting_the_embedded_default_holds),
        cmocka_unit_test(the_nearest_source_wins),
        cmocka_unit_test(a_call_says_how_much_may_wait_and_for_how_long),
        cmocka_unit_test(a_profile_is_chosen_by_call_or_environment),
        cmocka_unit_test(a_bad_setting_is_refused_with_its_source),
        cmocka_unit_test(a_durability_that_is_none_is_refused),
        cmocka_unit_test(an_empty_file_is_no_file),
        cmocka_unit_test(home_is_used_where_xdg_is_not_set),
        cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(a_quota_or_a_way_that_is_none_is_told),
        cmocka_unit_test(shown_settings_have_no_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
