/* Requests and answers as they should be. */
#include "transport/transport_fixture.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_request_arrives_as_it_was_given(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {
        {.reply = "HTTP/1.1 201 Created\r\nX-Two: 2\r\nContent-Length: 5\r\n\r\nhello"}};
    mlp_http_header headers[] = {{"X-One", "1 and a half"}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_ok(fixture_send(
        f,
        (mlp_http_request){
            .method = "POST", .path = "/a/b?c=d", .headers = headers, .n_headers = 1, .body = "body", .body_size = 4},
        &err));
    assert_int_equal(f->response.status, 201);
    assert_int_equal(f->response.fate, MLP_HTTP_ANSWERED);
    assert_int_equal(f->response.tries, 1);
    assert_string_equal(f->response.body.data, "hello");
    assert_string_equal(mlp_http_response_header(&f->response, "x-two"), "2");
    assert_null(mlp_http_response_header(&f->response, "x-three"));
    assert_true(fixture_sent(f, 0, "POST /a/b?c=d HTTP/1.1\r\n"));
    assert_true(fixture_sent(f, 0, "\r\nX-One: 1 and a half\r\n"));
    assert_true(fixture_sent(f, 0, "\r\nUser-Agent: libmlplat/"));
    assert_true(fixture_sent(f, 0, "\r\nAccept-Encoding: gzip"));
    assert_true(fixture_sent(f, 0, "\r\n\r\nbody"));
    assert_false(fixture_sent(f, 0, "Expect"));
    assert_false(fixture_sent(f, 0, "Authorization"));
}

static void the_clients_path_stands_before_the_requests(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char url[80];
    NEEDS_HTTP(f);
    snprintf(url, sizeof url, "%s/mlflow//", f->url);
    fixture_client(f, (mlp_http_options){.url = url});
    loopback_script(f->server, NULL, 0);
    assert_ok(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/api/x"}, &err));
    assert_true(fixture_sent(f, 0, "GET /mlflow/api/x HTTP"));
}

static void each_method_is_sent_with_its_body_or_without(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const struct {
        const char *method, *body, *line;
    } cases[] = {
        {"GET", NULL, NULL},
        {"GET", "q", "\r\nContent-Length: 1\r\n"},
        {"POST", NULL, "\r\nContent-Length: 0\r\n"},
        {"PUT", "ab", "\r\nContent-Length: 2\r\n"},
        {"PATCH", "abc", "\r\nContent-Length: 3\r\n"},
        {"DELETE", NULL, NULL},
        {"DELETE", "{}", "\r\nContent-Length: 2\r\n"},
    };
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char first[32];
        loopback_script(f->server, NULL, 0);
        assert_ok(fixture_send(f,
                               (mlp_http_request){.method = cases[i].method,
                                                  .path = "/m",
                                                  .body = cases[i].body,
                                                  .body_size = cases[i].body ? strlen(cases[i].body) : 0},
                               &err));
        snprintf(first, sizeof first, "%s /m HTTP/1.1\r\n", cases[i].method);
        assert_true(fixture_sent(f, 0, first));
        assert_int_equal(fixture_sent(f, 0, cases[i].line ? cases[i].line : "Content-Length"), cases[i].line != NULL);
    }
}

static void head_has_headers_alone(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {{.reply = "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_ok(fixture_send(f, (mlp_http_request){.method = "HEAD", .path = "/m"}, &err));
    assert_string_equal(mlp_http_response_header(&f->response, "Content-Length"), "1234");
    assert_int_equal(f->response.body.size, 0);
}

static void one_connection_serves_many_requests(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    for (int i = 0; i < 20; i++)
        assert_ok(fixture_send(
            f,
            (mlp_http_request){.method = i % 2 ? "GET" : "POST", .path = "/", .body = "x", .body_size = i % 2 ? 0 : 1},
            &err));
    assert_int_equal(loopback_requests(f->server), 20);
    assert_int_equal(loopback_connections(f->server), 1);
}

enum { THREADS = 6, EACH = 30 };

static void *send_some(void *arg)
{
    fixture *f = arg;
    mlplat_error err = {0};
    intptr_t bad = 0;
    for (int i = 0; i < EACH; i++) {
        mlp_http_response response = {0};
        mlp_http_request request = {.method = "POST", .path = "/t", .body = "abc", .body_size = 3};
        bad += mlp_http_send(f->http, &request, &response, &err) != MLPLAT_OK || response.body.size != 2;
        mlp_http_response_free(&response);
    }
    return (void *)bad;
}

static void many_threads_share_the_connections(void **state)
{
    fixture *f = *state;
    pthread_t threads[THREADS];
    NEEDS_HTTP(f);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_some, f), 0);
    for (int i = 0; i < THREADS; i++) {
        void *bad = NULL;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    assert_int_equal(loopback_requests(f->server), THREADS * EACH);
    assert_in_range(loopback_connections(f->server), 1, THREADS);
}

typedef struct stream {
    size_t left, step;
    int rewinds;
    mlp_buf got;
    int restarts;
} stream;

static int64_t stream_read(void *user, void *buf, size_t n, mlplat_error *err)
{
    stream *s = user;
    (void)err;
    n = n < s->step ? n : s->step;
    n = n < s->left ? n : s->left;
    memset(buf, 'z', n);
    s->left -= n;
    return (int64_t)n;
}

static mlplat_status stream_write(void *user, const void *data, size_t n, mlplat_error *err)
{
    stream *s = user;
    mlp_buf_add(&s->got, data, n);
    return mlp_buf_ok(&s->got, err);
}

static void bodies_may_be_streams_both_ways(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {
        {.reply = OK_WITH("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    for (int known = 0; known < 2; known++) {
        stream s = {.left = 100000, .step = 777};
        mlp_http_source source = {.read = stream_read, .user = &s, .size = known ? 100000 : -1};
        mlp_http_sink sink = {.write = stream_write, .user = &s};
        assert_ok(
            fixture_send(f, (mlp_http_request){.method = "PUT", .path = "/s", .source = &source, .sink = &sink}, &err));
        assert_string_equal(s.got.data, "abcdefg");
        assert_int_equal(f->response.body.size, 0);
        assert_true(fixture_sent(f, (size_t)known, known ? "Content-Length: 100000" : "Transfer-Encoding: chunked"));
        mlp_buf_free(&s.got);
    }
}

static void answers_that_only_say_go_on_are_passed_over(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {
        {.reply = "HTTP/1.1 100 Continue\r\nX-One: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_ok(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err));
    assert_int_equal(f->response.status, 200);
    assert_null(mlp_http_response_header(&f->response, "x-one"));
    assert_string_equal(f->response.body.data, "x");
}

/* Made by gzip and zstd of "hello\n" x 1. */
static const char packed_gzip[] =
    OK_WITH("Content-Encoding: gzip\r\nContent-Length: 26\r\n",
            "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36\x06\x00\x00\x00");
static const char packed_zstd[] =
    OK_WITH("Content-Encoding: zstd\r\nContent-Length: 15\r\n", "\x28\xb5\x2f\xfd\x20\x06\x31\x00\x00hello\n");

static void packed_answers_are_unpacked(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {{.reply = packed_gzip, .size = sizeof packed_gzip - 1},
                                          {.reply = packed_zstd, .size = sizeof packed_zstd - 1}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    for (int i = 0; i < 2; i++) {
        assert_ok(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err));
        assert_string_equal(f->response.body.data, "hello\n");
    }
}

static void what_would_become_something_else_in_a_request_is_refused(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    for (int c = 1; c < 256; c++) {
        char path[8] = {'/', (char)c, 0}, value[4] = {'a', (char)c, 'b', 0};
        mlp_http_header header = {"X", value};
        bool plain = c > 0x20 && c < 0x7f && c != '#', shown = c >= 0x20 && c != 0x7f;
        loopback_script(f->server, NULL, 0);
        assert_int_equal(fixture_send(f, (mlp_http_request){.method = "GET", .path = path}, &err),
                         plain ? MLPLAT_OK : MLPLAT_INVALID);
        assert_int_equal(
            fixture_send(f, (mlp_http_request){.method = "GET", .path = "/", .headers = &header, .n_headers = 1}, &err),
            shown ? MLPLAT_OK : MLPLAT_INVALID);
        assert_int_equal(loopback_requests(f->server), plain + shown);
    }
    assert_status(fixture_send(f, (mlp_http_request){.method = "GET X", .path = "/"}, &err), MLPLAT_INVALID);
    assert_status(fixture_send(f, (mlp_http_request){.method = "GET", .path = "//x\r\nA: b"}, &err), MLPLAT_INVALID);
    mlp_http_header bad = {"A: b\r\nC", "d"};
    assert_status(
        fixture_send(f, (mlp_http_request){.method = "GET", .path = "/", .headers = &bad, .n_headers = 1}, &err),
        MLPLAT_INVALID);
}

static void json_goes_and_comes(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {{.reply = OK_WITH("Content-Length: 17\r\n", "{\"run\":{\"id\":\"x\"}}")},
                                          {.reply = OK_WITH("Content-Length: 18\r\n", "{\"run\":{\"id\":\"x\"}}")}};
    json_t *body = json_pack("{s:s}", "name", "n"), *out = NULL;
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    mlp_http_request request = {.method = "POST", .path = "/j"};
    assert_status(mlp_http_json(f->http, &request, body, &out, &f->response, &err), MLPLAT_CORRUPT); /* a byte short */
    mlp_http_response_free(&f->response);
    assert_null(out);
    assert_ok(mlp_http_json(f->http, &request, body, &out, &f->response, &err));
    assert_string_equal(json_string_value(json_object_get(json_object_get(out, "run"), "id")), "x");
    assert_true(fixture_sent(f, 1, "\r\nContent-Type: application/json\r\n"));
    assert_true(fixture_sent(f, 1, "\r\n\r\n{\"name\":\"n\"}"));
    json_decref(body);
    json_decref(out);
}

static void a_child_of_fork_is_told_and_the_parent_goes_on(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    NEEDS_PLAIN_MEMORY();
    assert_ok(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err));
    pid_t child = fork();
    if (child == 0) {
        mlp_http_response response = {0};
        mlp_http_request request = {.method = "GET", .path = "/"};
        mlplat_status s = mlp_http_send(f->http, &request, &response, &err);
        mlp_http_response_free(&response);
        mlp_http_close(f->http);
        _exit(s == MLPLAT_STATE ? 0 : 1);
    }
    test_wait_good(child);
    assert_ok(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err));
    assert_int_equal(loopback_connections(f->server), 1);
}

static void trust_may_be_the_callers(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_http *http = NULL;
    mlp_trust trust = {.ca = (char *)"/",
                       .pin = (char *)"sha256//AAAA",
                       .client = (char *)"c",
                       .client_key = (char *)"k",
                       .insecure = true};
    mlp_http_options options = {.url = f->url, .trust = &trust};
    NEEDS_HTTP(f);
    fixture_client(f, options); /* without TLS nothing of it is looked at */
    assert_ok(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err));
    options.url = "https://127.0.0.1:1";
    options.retries = -1;
    assert_ok(mlp_http_open(&options, &http, &err));
    mlp_http_response response = {0};
    mlp_http_request request = {.method = "GET", .path = "/"};
    assert_string_equal(mlp_http_name(http), "https://127.0.0.1:1");
    assert_status(mlp_http_send(http, &request, &response, &err), MLPLAT_UNAVAILABLE);
    mlp_http_response_free(&response);
    mlp_http_close(http);
}

static void a_missing_libcurl_is_named(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_http *http = NULL;
    mlp_http_options options = {.url = f->url, .library = "libcurl-that-is-not-here.so.4"};
    NEEDS_HTTP(f);
    assert_status(mlp_http_open(&options, &http, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "libcurl4"));
    options.library = "libm.so.6";
    assert_status(mlp_http_open(&options, &http, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "curl_"));
    assert_null(http);
}

static void addresses_that_are_none_are_refused(void **state)
{
    static const char *const urls[] = {
        "",           "ftp://host",       "http://",      "http://:80",    "http://h:0", "http://h:70000",
        "http://h:x", "http://user:pw@h", "http://h/a b", "http://h/?a=b", "http://h#x", "http://h\\evil/",
        "sqlite:///x"};
    mlplat_error err = {0};
    mlp_http *http = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        mlp_http_options options = {.url = urls[i]};
        assert_status(mlp_http_open(&options, &http, &err), MLPLAT_INVALID);
        assert_null(strstr(err.message, "pw"));
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH(a_request_arrives_as_it_was_given),
        WITH(the_clients_path_stands_before_the_requests),
        WITH(each_method_is_sent_with_its_body_or_without),
        WITH(head_has_headers_alone),
        WITH(one_connection_serves_many_requests),
        WITH(many_threads_share_the_connections),
        WITH(bodies_may_be_streams_both_ways),
        WITH(answers_that_only_say_go_on_are_passed_over),
        WITH(packed_answers_are_unpacked),
        WITH(what_would_become_something_else_in_a_request_is_refused),
        WITH(json_goes_and_comes),
        WITH(a_child_of_fork_is_told_and_the_parent_goes_on),
        WITH(trust_may_be_the_callers),
        WITH(a_missing_libcurl_is_named),
        cmocka_unit_test(addresses_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
