/* Who we are: MLflow's names, its file, tokens that are renewed. And that nobody else hears of it. */
#include "transport/transport_fixture.h"
#include "transport/environment.h"
#include "transport/ini.h"
#include "transport/secret.h"
#include <unistd.h>

#define NEEDS_CLIENT(f)                                                                                                \
    do {                                                                                                               \
        if (!(f)->http) {                                                                                              \
            fixture_teardown((void **)&(f));                                                                           \
            skip();                                                                                                    \
            return; /* skip does not come back */                                                                      \
        }                                                                                                              \
    } while (0)

static const char *const names[] = {
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_AWS_SIGV4",
    "MLFLOW_WORKSPACE",
    "MLPLAT_TRACKING_TOKEN_PATH",
    "MLFLOW_TRACKING_INSECURE_TLS",
    "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
    "MLPLAT_TRACKING_SERVER_PIN",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "MLFLOW_HTTP_REQUEST_TIMEOUT",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER",
};

static void clear_names(void)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

/* A home of our own, and none of the names set. */
static int home_setup(void **state)
{
    char *folder = test_folder_make();
    clear_names();
    setenv("HOME", folder, 1);
    *state = folder;
    return 0;
}

static int home_teardown(void **state)
{
    clear_names();
    test_folder_remove(*state);
    return 0;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_credentials(const char *home, const char *text)
{
    char path[800];
    snprintf(path, sizeof path, "mkdir -p %s/.mlflow", home);
    assert_int_equal(system(path), 0);
    write_text(test_path(home, ".mlflow/credentials"), text);
}

static void the_environment_goes_before_the_file(void **state)
{
    const char *home = *state;
    static const struct {
        const char *username, *password, *token, *file, *line;
    } cases[] = {
        {NULL, NULL, NULL, NULL, NULL},
        {"ann", "pw", NULL, NULL, "Authorization: Basic YW5uOnB3"},
        {"ann", "pw", "tok", NULL, "Authorization: Basic YW5uOnB3"},
        {"ann", NULL, "tok", NULL, "Authorization: Bearer tok"},
        {NULL, NULL, "tok", NULL, "Authorization: Bearer tok"},
        {NULL, "pw", NULL, NULL, NULL},
        {NULL, NULL, NULL, "ann pw", "Authorization: Basic YW5uOnB3"},
        {"bob", NULL, NULL, "ann pw", "Authorization: Basic Ym9iOnB3"},
        {NULL, NULL, "tok", "ann pw", "Authorization: Basic YW5uOnB3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        mlp_credentials c;
        char *line = NULL;
        cases[i].username ? setenv(names[0], cases[i].username, 1) : unsetenv(names[0]);
        cases[i].password ? setenv(names[1], cases[i].password, 1) : unsetenv(names[1]);
        cases[i].token ? setenv(names[2], cases[i].token, 1) : unsetenv(names[2]);
        write_credentials(home, cases[i].file ? "[mlflow]\nmlflow_tracking_username = ann\n"
                                                "MLFLOW_TRACKING_PASSWORD : pw  \n"
                                              : "# nothing\n");
        assert_ok(mlp_credentials_load(&c, &err));
        assert_ok(mlp_credentials_line(&c, &line, &err));
        if (!mlp_secret_same(line, cases[i].line))
            fail_msg("case %zu: %s", i, line ? line : "none");
        mlp_secret_free(line);
        mlp_credentials_free(&c);
    }
}

static void the_file_is_read_as_python_reads_it(void **state)
{
    static const struct {
        const char *text, *value; /* value NULL: not there; "!": refused */
    } cases[] = {
        {"", NULL},
        {"[mlflow]\nkey=v", "v"},
        {"[mlflow]\r\nkey = v w \r\n", "v w"},
        {"[mlflow]\nKEY: v=w:x", "v=w:x"},
        {"[mlflow]\nkey =", ""},
        {"[mlflow]\nkey = a#b ;c", "a#b ;c"},
        {"; x\n# y\n\n[mlflow]\n  # z\n  key = 1\n", "1"},
        {"[mlflow]\nkey = a\n  b\n\n  c\nother = d", "a\nb\nc"},
        {"[mlflow]\nkey = a%%b%c", "a%b%c"},
        {"[mlflow]\nkey = %(other)s", "!"},
        {"[other]\nkey = %(x)s\n[mlflow]\nkey=v", "v"},
        {"[other]\nkey=w\n[mlflow]\nkey2=v", NULL},
        {"[DEFAULT]\nkey=w\n[mlflow]\nx=v", "w"},
        {"[DEFAULT]\nkey=w\n[mlflow]\nkey=v", "v"},
        {"[DEFAULT]\nkey=w\n", NULL},
        {"[MLflow]\nkey=v", NULL},
        {"key=v\n[mlflow]", "!"},
        {"[mlflow]\nkey", "!"},
        {"[mlflow]\n=v", "!"},
        {"[mlflow\nkey=v", "!"},
        {"[]\nkey=v", "!"},
        {"[mlflow]\nkey=v\nKey=w", "!"},
        {"[mlflow]\nkey=v\n[mlflow]\n", "!"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        char *value = NULL;
        bool refused = cases[i].value && strcmp(cases[i].value, "!") == 0;
        mlplat_status s = mlp_ini_find(cases[i].text, "mlflow", "key", &value, &err);
        if (s != (refused ? MLPLAT_INVALID : MLPLAT_OK) || !mlp_secret_same(value, refused ? NULL : cases[i].value))
            fail_msg("case %zu: %s '%s' %s", i, mlplat_status_name(s), value ? value : "none", err.message);
        assert_true(!refused || strstr(err.message, "line "));
        mlp_secret_free(value);
    }
}

static void a_broken_file_is_named_and_nothing_of_it_is_shown(void **state)
{
    mlplat_error err = {0};
    mlp_credentials c;
    write_credentials(*state, "[mlflow]\nmlflow_tracking_password = hunter2\nhunter2\n");
    assert_status(mlp_credentials_load(&c, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, ".mlflow/credentials"));
    assert_non_null(strstr(err.message, "line 3"));
    assert_null(strstr(err.message, "hunter2"));
}

static void kinds_that_need_a_plugin_are_refused(void **state)
{
    mlplat_error err = {0};
    mlp_credentials c;
    (void)state;
    setenv("MLFLOW_TRACKING_AUTH", "my-plugin", 1);
    assert_status(mlp_credentials_load(&c, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "my-plugin"));
    unsetenv("MLFLOW_TRACKING_AUTH");
    setenv("MLFLOW_TRACKING_AWS_SIGV4", "True", 1);
    assert_status(mlp_credentials_load(&c, &err), MLPLAT_UNSUPPORTED);
    setenv("MLFLOW_TRACKING_AWS_SIGV4", "maybe", 1);
    assert_status(mlp_credentials_load(&c, &err), MLPLAT_INVALID);
}

static void kubernetes_takes_the_service_accounts_files(void **state)
{
    mlplat_error err = {0};
    mlp_credentials c;
    char *line = NULL;
    (void)state;
    setenv("MLFLOW_TRACKING_AUTH", "kubernetes-namespaced", 1);
    setenv("MLFLOW_TRACKING_USERNAME", "ann", 1);
    setenv("MLFLOW_TRACKING_PASSWORD", "pw", 1);
    assert_ok(mlp_credentials_load(&c, &err));
    assert_null(c.username);
    assert_string_equal(c.token_path, "/var/run/secrets/kubernetes.io/serviceaccount/token");
    assert_string_equal(c.workspace_path, "/var/run/secrets/kubernetes.io/serviceaccount/namespace");
    if (!mlp_credentials_line(&c, &line, &err)) { /* we are in a pod */
        mlp_secret_free(line);
    } else {
        assert_status(mlp_credentials_line(&c, &line, &err), MLPLAT_DENIED);
        assert_non_null(strstr(err.message, "service"));
    }
    mlp_credentials_free(&c);
    setenv("MLFLOW_WORKSPACE", "team", 1);
    assert_ok(mlp_credentials_load(&c, &err));
    assert_null(c.workspace_path);
    assert_ok(mlp_credentials_workspace(&c, &line, &err));
    assert_string_equal(line, "X-MLFLOW-WORKSPACE: team");
    mlp_free(line);
    mlp_credentials_free(&c);
}

static void a_token_is_one_word(void **state)
{
    static const struct {
        const char *text, *token; /* NULL: refused */
    } cases[] = {{"abc", "abc"}, {" abc\n", "abc"}, {"", NULL}, {" \n", NULL}, {"a b", NULL}, {"a\nb\n", NULL}};
    const char *path = test_path(*state, "token");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        char *token = NULL;
        write_text(path, cases[i].text);
        assert_int_equal(mlp_token_file_read(path, &token, &err), cases[i].token ? MLPLAT_OK : MLPLAT_INVALID);
        assert_true(mlp_secret_same(token, cases[i].token));
        mlp_secret_free(token);
    }
}

#define UNAUTHORIZED(echo) "HTTP/1.1 401 No\r\nContent-Length: 60\r\n\r\n" echo

static void a_token_that_was_renewed_is_sent_at_once(void **state)
{
    mlplat_error err = {0};
    char *path = strdup(test_path(*state, "token"));
    mlp_credentials c = {.token_path = path};
    fixture *f = NULL;
    assert_int_equal(fixture_setup((void **)&f), 0);
    static const loopback_step steps[] = {{.reply = NULL}, {.reply = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"}};
    write_text(path, "first\n");
    NEEDS_CLIENT(f);
    fixture_client(f, (mlp_http_options){.credentials = &c});
    SCRIPT(f, steps);
    assert_ok(fixture_send(f, (mlp_http_request){.method = "POST", .path = "/"}, &err));
    assert_true(fixture_sent(f, 0, "\r\nAuthorization: Bearer first\r\n"));
    write_text(path, "second\n");
    assert_status(fixture_send(f, (mlp_http_request){.method = "POST", .path = "/"}, &err), MLPLAT_DENIED);
    assert_true(fixture_sent(f, 1, "\r\nAuthorization: Bearer second\r\n"));
    assert_int_equal(loopback_requests(f->server), 2); /* the token is the same still: no second try */
    unlink(path);
    assert_status(fixture_send(f, (mlp_http_request){.method = "POST", .path = "/"}, &err), MLPLAT_DENIED);
    assert_int_equal(loopback_requests(f->server), 2);
    fixture_teardown((void **)&f);
    free(path);
}

/* The token is renewed between the try and its refusal: by the hook, while the server waits. */
static int renew_token(void *user, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    write_text(user, "new\n");
    return 0;
}

static void a_401_of_an_old_token_is_tried_again_with_the_new(void **state)
{
    mlplat_error err = {0};
    char *path = strdup(test_path(*state, "token"));
    mlp_credentials c = {.token_path = path};
    fixture *f = NULL;
    assert_int_equal(fixture_setup((void **)&f), 0);
    static const loopback_step steps[] = {
        {.reply = "HTTP/1.1 401 Noooooo\r\nContent-Length: 0\r\n\r\n", .end = LOOPBACK_DRIP}, {.reply = NULL}};
    write_text(path, "old\n");
    mlp_hook hook = {.fn = renew_token, .user = path};
    NEEDS_CLIENT(f);
    fixture_client(f, (mlp_http_options){.credentials = &c});
    SCRIPT(f, steps);
    assert_ok(fixture_send(f, (mlp_http_request){.method = "POST", .path = "/", .hook = &hook}, &err));
    assert_true(fixture_sent(f, 0, "\r\nAuthorization: Bearer old\r\n"));
    assert_true(fixture_sent(f, 1, "\r\nAuthorization: Bearer new\r\n"));
    fixture_teardown((void **)&f);
    free(path);
}

static char logged[4000];

static void keep_line(void *user, mlplat_log_level level, const char *line)
{
    (void)user, (void)level;
    snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%s\n", line);
}

static void what_a_server_says_back_of_our_secrets_is_not_shown(void **state)
{
    static const struct {
        mlp_credentials credentials;
        const char *secret, *reply;
    } cases[] = {
        {{.token = (char *)"s3cr3t-token"},
         "s3cr3t",
         UNAUTHORIZED("{\"error_code\":\"X\",\"message\":\"bad s3cr3t-token!\"}"
                      "            ")},
        {{.username = (char *)"ann", .password = (char *)"s3cr3t"},
         "s3cr3t",
         UNAUTHORIZED("{\"error_code\":\"X\",\"message\":\"ann, not s3cr3t!\"}              ")},
        {{.username = (char *)"ann", .password = (char *)"s3cr3t"},
         "YW5uOnMzY3IzdA",
         "HTTP/1.1 503 No\r\nContent-Length: 60\r\n\r\n{\"error_code\":\"X\",\"message\":\"it was YW5uOnMzY3IzdA==\"}  "
         "     "},
    };
    fixture *f = NULL;
    (void)state;
    assert_int_equal(fixture_setup((void **)&f), 0);
    mlp_logger logger = {.fn = keep_line};
    NEEDS_CLIENT(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        loopback_step step = {.reply = cases[i].reply};
        logged[0] = 0;
        fixture_client(f, (mlp_http_options){.credentials = &cases[i].credentials, .log = &logger, .retries = 2});
        loopback_script(f->server, &step, 1);
        mlplat_status s = fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err);
        assert_true(s == MLPLAT_DENIED || s == MLPLAT_UNAVAILABLE);
        assert_non_null(strstr(err.message, "***"));
        assert_null(strstr(err.message, cases[i].secret));
        assert_null(strstr(logged, cases[i].secret));
        assert_int_equal(logged[0] != 0, s == MLPLAT_UNAVAILABLE);
    }
    fixture_teardown((void **)&f);
}

static void credentials_and_workspace_are_sent_as_mlflow_sends_them(void **state)
{
    mlp_credentials c = {.username = (char *)"ann", .password = (char *)"pw", .workspace = (char *)"team"};
    mlplat_error err = {0};
    fixture *f = NULL;
    (void)state;
    assert_int_equal(fixture_setup((void **)&f), 0);
    NEEDS_CLIENT(f);
    fixture_client(f, (mlp_http_options){.credentials = &c});
    loopback_script(f->server, NULL, 0);
    assert_ok(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err));
    assert_ok(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/", .no_workspace = true}, &err));
    assert_true(fixture_sent(f, 0, "\r\nAuthorization: Basic YW5uOnB3\r\n"));
    assert_true(fixture_sent(f, 0, "\r\nX-MLFLOW-WORKSPACE: team\r\n"));
    assert_false(fixture_sent(f, 1, "WORKSPACE"));
    c = (mlp_credentials){.token = (char *)"a\r\nX-Evil: 1"};
    fixture_client(f, (mlp_http_options){.credentials = &c});
    assert_status(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err), MLPLAT_INVALID);
    c = (mlp_credentials){.workspace = (char *)"a\nX-Evil: 1"};
    fixture_client(f, (mlp_http_options){.credentials = &c});
    assert_status(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err), MLPLAT_INVALID);
    assert_int_equal(loopback_requests(f->server), 2);
    fixture_teardown((void **)&f);
}

static void trust_comes_from_the_names_that_python_clients_take(void **state)
{
    mlplat_error err = {0};
    mlp_trust trust;
    const char *ca = test_path(*state, "ca.pem"), *pin = test_path(*state, "pin");
    write_text(ca, "x");
    write_text(pin, "sha256//AAAA=\n");
    assert_ok(mlp_trust_load(ca, &trust, &err)); /* libcurl's own is there */
    assert_null(trust.ca);
    mlp_trust_free(&trust);
    setenv("CURL_CA_BUNDLE", ca, 1);
    setenv("MLPLAT_TRACKING_SERVER_PIN", pin, 1);
    setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", ca, 1);
    assert_ok(mlp_trust_load("/nowhere", &trust, &err));
    assert_string_equal(trust.ca, ca);
    assert_string_equal(trust.client, ca);
    assert_string_equal(trust.pin, "sha256//AAAA=");
    mlp_trust_free(&trust);
    setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", "/not/there", 1);
    assert_status(mlp_trust_load(NULL, &trust, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "MLFLOW_TRACKING_SERVER_CERT_PATH"));
    setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", ca, 1);
    setenv("MLFLOW_TRACKING_INSECURE_TLS", "true", 1);
    assert_status(mlp_trust_load(NULL, &trust, &err), MLPLAT_INVALID);
    unsetenv("MLFLOW_TRACKING_SERVER_CERT_PATH");
    assert_ok(mlp_trust_load(NULL, &trust, &err));
    assert_true(trust.insecure && !trust.ca);
    mlp_trust_free(&trust);
    setenv("MLPLAT_TRACKING_SERVER_PIN", "/not/there", 1);
    assert_status(mlp_trust_load(NULL, &trust, &err), MLPLAT_NOT_FOUND);
}

static void limits_come_from_mlflows_names(void **state)
{
    mlplat_error err = {0};
    mlp_http_options options = {0};
    (void)state;
    assert_ok(mlp_http_options_load(&options, &err));
    assert_int_equal(options.timeout_ms, 0);
    setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7", 1);
    setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0", 1);
    setenv("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", "false", 1);
    assert_ok(mlp_http_options_load(&options, &err));
    assert_int_equal(options.timeout_ms, 7000);
    assert_int_equal(options.retries, -1);
    assert_true(options.ignore_retry_after);
    setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3", 1);
    assert_ok(mlp_http_options_load(&options, &err));
    assert_int_equal(options.retries, 3);
    setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon", 1);
    assert_status(mlp_http_options_load(&options, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "MLFLOW_HTTP_REQUEST_TIMEOUT"));
}

static void base64_is_that_of_rfc_4648(void **state)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"\xff\xfe\xfd?>", "//79Pz4="}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = mlp_secret_base64(cases[i][0]);
        assert_string_equal(text, cases[i][1]);
        mlp_secret_free(text);
    }
}

int main(void)
{
#define HOME(test) cmocka_unit_test_setup_teardown(test, home_setup, home_teardown)
    const struct CMUnitTest tests[] = {
        HOME(the_environment_goes_before_the_file),
        cmocka_unit_test(the_file_is_read_as_python_reads_it),
        HOME(a_broken_file_is_named_and_nothing_of_it_is_shown),
        HOME(kinds_that_need_a_plugin_are_refused),
        HOME(kubernetes_takes_the_service_accounts_files),
        HOME(a_token_is_one_word),
        HOME(a_token_that_was_renewed_is_sent_at_once),
        HOME(a_401_of_an_old_token_is_tried_again_with_the_new),
        HOME(what_a_server_says_back_of_our_secrets_is_not_shown),
        HOME(credentials_and_workspace_are_sent_as_mlflow_sends_them),
        HOME(trust_comes_from_the_names_that_python_clients_take),
        HOME(limits_come_from_mlflows_names),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
