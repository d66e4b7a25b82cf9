/* Servers and networks that do not do what they should. */
#include "transport/transport_fixture.h"
#include <sys/resource.h>
#include <unistd.h>

#define GET(p)  ((mlp_http_request){.method = "GET", .path = (p)})
#define POST(p) ((mlp_http_request){.method = "POST", .path = (p), .body = "once", .body_size = 4})
#define ANSWER(status, headers, body_size, body)                                                                       \
    "HTTP/1.1 " status "\r\n" headers "Content-Length: " body_size "\r\n\r\n" body

#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char busy[] = ANSWER("503 Busy", "", "0", "");

static void what_is_idempotent_is_sent_again_until_it_works(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {
        {.reply = busy},
        {.reply = "", .end = LOOPBACK_RESET},
        {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", .end = LOOPBACK_CLOSE},
        {.reply = ANSWER("500 Oh", "", "0", "")},
        {.reply = NULL}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_ok(fixture_send(f, GET("/"), &err));
    assert_string_equal(f->response.body.data, "{}");
    assert_in_range(f->response.tries, 4, 5); /* libcurl itself repeats one whose kept connection died */
    assert_int_equal(loopback_requests(f->server), 5);
}

/* What became of a request that must not be sent twice, and that it was not. */
static void what_is_not_idempotent_is_sent_once_unless_nothing_was_done(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const struct {
        loopback_step step;
        bool warm; /* on a connection that was used before */
        mlplat_status status;
        mlp_http_fate fate;
    } cases[] = {
        {{.reply = "", .end = LOOPBACK_RESET}, false, MLPLAT_UNAVAILABLE, MLP_HTTP_NO_ANSWER},
        {{.reply = "", .end = LOOPBACK_RESET}, true, MLPLAT_UNAVAILABLE, MLP_HTTP_NO_ANSWER},
        {{.reply = "", .end = LOOPBACK_CLOSE}, false, MLPLAT_UNAVAILABLE, MLP_HTTP_NO_ANSWER},
        {{.reply = "", .end = LOOPBACK_CLOSE}, true, MLPLAT_UNAVAILABLE, MLP_HTTP_NO_ANSWER},
        {{.reply = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", .end = LOOPBACK_CLOSE},
         true,
         MLPLAT_UNAVAILABLE,
         MLP_HTTP_NO_ANSWER},
        {{.reply = "HTTP/1.1 200 OK\r\nSer", .end = LOOPBACK_CLOSE}, false, MLPLAT_UNAVAILABLE, MLP_HTTP_NO_ANSWER},
        {{.reply = "HTTP/1.1 200 OK\r\nA: b\r\n", .end = LOOPBACK_CLOSE}, true, MLPLAT_UNAVAILABLE, MLP_HTTP_NO_ANSWER},
        {{.reply = "HTTP/1.1 2", .end = LOOPBACK_CLOSE}, true, MLPLAT_UNAVAILABLE, MLP_HTTP_NO_ANSWER},
        {{.reply = busy}, true, MLPLAT_UNAVAILABLE, MLP_HTTP_ANSWERED},
        {{.reply = ANSWER("500 Oh", "", "0", "")}, true, MLPLAT_UNAVAILABLE, MLP_HTTP_ANSWERED},
        {{.reply = ANSWER("504 Late", "", "0", "")}, true, MLPLAT_UNAVAILABLE, MLP_HTTP_ANSWERED},
    };
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int form = 0; form < 3; form++) { /* without a body, with one, and a method that is harmless else */
            mlp_http_request request = {.method = form < 2 ? "POST" : "DELETE",
                                        .path = "/",
                                        .body = "once",
                                        .body_size = form ? 4 : 0,
                                        .once = form == 2};
            fixture_client(f, (mlp_http_options){0});
            loopback_script(f->server, NULL, 0);
            if (cases[i].warm)
                assert_ok(fixture_send(f, GET("/"), &err));
            loopback_script(f->server, &cases[i].step, 1);
            assert_status(fixture_send(f, request, &err), cases[i].status);
            assert_int_equal(f->response.fate, cases[i].fate);
            assert_int_equal(f->response.tries, 1);
            assert_int_equal(err.retryable, 0);
            assert_non_null(strstr(err.message, "not known whether"));
            assert_int_equal(loopback_requests(f->server), 1);
        }
    }
}

static void what_was_refused_before_it_was_done_is_sent_again(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {{.reply = ANSWER("429 Slow down", "", "0", "")}, {.reply = NULL}};
    static const loopback_step marked[] = {{.reply = "", .end = LOOPBACK_RESET}, {.reply = busy}, {.reply = NULL}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_ok(fixture_send(f, POST("/"), &err));
    assert_int_equal(loopback_requests(f->server), 2);
    mlp_http_request request = POST("/");
    request.repeatable = true;
    SCRIPT(f, marked);
    assert_ok(fixture_send(f, request, &err));
    assert_int_equal(loopback_requests(f->server), 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(fixture_sent(f, i, "\r\n\r\nonce"));
}

static void nobody_there_means_not_sent(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char url[64], port[16];
    NEEDS_HTTP(f);
    snprintf(port, sizeof port, "%d", loopback_closed_port());
    snprintf(url, sizeof url, "http://127.0.0.1:%s", port);
    fixture_client(f, (mlp_http_options){.url = url, .retries = 3});
    assert_status(fixture_send(f, POST("/x/y?secret=1"), &err), MLPLAT_UNAVAILABLE);
    assert_int_equal(f->response.fate, MLP_HTTP_NOT_SENT);
    assert_int_equal(f->response.tries, 4);
    assert_int_equal(err.retryable, 1);
    assert_non_null(strstr(err.message, port));
    assert_non_null(strstr(err.message, "POST http://127.0.0.1"));
    assert_null(strstr(err.message, "secret"));
    fixture_client(f, (mlp_http_options){.url = "http://no-such-host.invalid", .retries = -1});
    assert_status(fixture_send(f, POST("/"), &err), MLPLAT_UNAVAILABLE);
    assert_int_equal(f->response.fate, MLP_HTTP_NOT_SENT);
    assert_non_null(strstr(err.message, "no-such-host.invalid"));
}

static void retry_after_is_waited_for(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {{.reply = ANSWER("429 Slow", "Retry-After: 1\r\n", "0", "")},
                                          {.reply = NULL}};
    static const loopback_step late[] = {{.reply = ANSWER("503 Slow", "Retry-After: 3600\r\n", "0", "")}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    int64_t begin = mlp_clock_mono_ns();
    assert_ok(fixture_send(f, GET("/"), &err));
    assert_in_range(fixture_ms(begin), 1000, 20000);
    SCRIPT(f, late);
    begin = mlp_clock_mono_ns();
    assert_status(fixture_send(f, GET("/"), &err), MLPLAT_UNAVAILABLE); /* an hour does not fit into the budget */
    assert_in_range(fixture_ms(begin), 0, 10000);
    assert_int_equal(f->response.tries, 1);
    assert_int_equal(f->response.retry_after_ms, 3600000);
    assert_int_equal(err.retryable, 1);
    assert_int_equal(err.http_status, 503);
}

static void the_budget_ends_all_tries(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {{.reply = busy}};
    NEEDS_HTTP(f);
    fixture_client(f, (mlp_http_options){.budget_ms = 400});
    SCRIPT(f, steps);
    int64_t begin = mlp_clock_mono_ns();
    assert_status(fixture_send(f, GET("/"), &err), MLPLAT_UNAVAILABLE);
    assert_in_range(fixture_ms(begin), 0, 10000);
    assert_true(f->response.tries > 1);
    assert_int_equal(loopback_requests(f->server), f->response.tries);
}

static void silence_and_drips_and_stalls_end_in_time(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step cases[] = {
        {.reply = "", .end = LOOPBACK_STALL},
        {.reply = "HTTP/1.1 200 OK\r\nContent-Le", .end = LOOPBACK_STALL},
        {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", .end = LOOPBACK_STALL},
        {.reply =
             "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         .end = LOOPBACK_DRIP},
    };
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_client(f, (mlp_http_options){.timeout_ms = 300, .retries = -1});
        loopback_script(f->server, &cases[i], 1);
        int64_t begin = mlp_clock_mono_ns();
        assert_status(fixture_send(f, GET("/"), &err), MLPLAT_TIMEOUT);
        assert_in_range(fixture_ms(begin), 299, 10000);
        assert_int_equal(f->response.fate, MLP_HTTP_NO_ANSWER);
        assert_int_equal(err.retryable, 1);
    }
    fixture_client(f, (mlp_http_options){.stall_ms = 200, .retries = -1}); /* the time is long, but bytes stand still */
    loopback_script(f->server, &cases[2], 1);
    assert_status(fixture_send(f, GET("/"), &err), MLPLAT_TIMEOUT);
    assert_non_null(strstr(err.message, "stands still"));
}

static void a_server_that_thinks_is_not_one_that_stands_still(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {{.reply = "", .end = LOOPBACK_STALL}};
    NEEDS_HTTP(f);
    fixture_client(f, (mlp_http_options){.stall_ms = 100, .timeout_ms = 700, .retries = -1});
    SCRIPT(f, steps);
    int64_t begin = mlp_clock_mono_ns();
    assert_status(fixture_send(f, POST("/"), &err), MLPLAT_TIMEOUT);
    assert_in_range(fixture_ms(begin), 699, 10000);
}

typedef struct counter {
    int calls, stop_at;
    int64_t last_ns, longest_ms;
} counter;

static int count_call(void *user, uint64_t done, uint64_t total)
{
    counter *c = user;
    int64_t now = mlp_clock_mono_ns(), since = c->last_ns ? (now - c->last_ns) / 1000000 : 0;
    (void)done, (void)total;
    c->longest_ms = since > c->longest_ms ? since : c->longest_ms;
    c->last_ns = now;
    return ++c->calls == c->stop_at;
}

static void the_hook_is_called_while_nothing_moves_and_may_stop_it(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step stall[] = {{.reply = "", .end = LOOPBACK_STALL}};
    static const loopback_step wait[] = {{.reply = ANSWER("503 Slow", "Retry-After: 100\r\n", "0", "")}};
    NEEDS_HTTP(f);
    for (int waiting = 0; waiting < 2; waiting++) {
        counter c = {.stop_at = 8};
        mlp_hook hook = {.fn = count_call, .user = &c};
        mlp_http_request request = GET("/");
        request.hook = &hook;
        loopback_script(f->server, waiting ? wait : stall, 1);
        int64_t begin = mlp_clock_mono_ns();
        assert_status(fixture_send(f, request, &err), MLPLAT_CANCELLED);
        assert_in_range(fixture_ms(begin), 300, 10000);
        assert_int_equal(c.calls, 8);
    }
}

static void too_much_is_not_read(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const struct {
        loopback_step step;
        mlplat_status want;
    } cases[] = {
        {{.reply = "HTTP/1.1 200 OK\r\n\r\n" A40, .end = LOOPBACK_ENDLESS, .again = 40}, MLPLAT_CORRUPT},
        {{.reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
          .end = LOOPBACK_ENDLESS,
          .again = 6},
         MLPLAT_CORRUPT},
        {{.reply = "HTTP/1.1 200 OK\r\nX: " A40 "\r\n", .end = LOOPBACK_ENDLESS, .again = 45}, MLPLAT_CORRUPT},
        {{.reply = "HTTP/1.1 200 OK\r\nX: " A40, .end = LOOPBACK_ENDLESS, .again = 40}, MLPLAT_CORRUPT},
        {{.reply = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\naaa", .end = LOOPBACK_CLOSE},
         MLPLAT_CORRUPT},
        {{.reply = "HTTP/1.1 404 No\r\n\r\n" A40, .end = LOOPBACK_ENDLESS, .again = 40}, MLPLAT_NOT_FOUND},
    };
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_http_request request = GET("/");
        request.limit = 100000;
        request.retries = -1;
        request.timeout_ms = 20000;
        loopback_script(f->server, &cases[i].step, 1);
        mlplat_status s = fixture_send(f, request, &err);
        if (s != cases[i].want)
            fail_msg("case %zu: %s: %s", i, mlplat_status_name(s), err.message);
        assert_in_range(f->response.body.size, 0, 200000);
    }
}

static void a_flood_of_go_on_ends(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static char flood[120000];
    static loopback_step step = {.reply = flood};
    NEEDS_HTTP(f);
    flood[0] = 0;
    for (size_t n = 0; n + 64 < sizeof flood; n += 25)
        memcpy(flood + n, "HTTP/1.1 100 Continue\r\n\r\n", 26);
    step.end = LOOPBACK_CLOSE;
    loopback_script(f->server, &step, 1);
    mlp_http_request request = GET("/");
    request.retries = -1;
    assert_status(fixture_send(f, request, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "headers"));
}

static long resident_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* A gzip of blocks of zeros, unpacked a thousand times as long: made once by `head -c 1G /dev/zero | gzip`, whose
 * stream repeats itself, so that the server can go on for ever. */
static const char bomb_head[] =
    OK_WITH("Content-Encoding: gzip\r\n", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xec\xc1\x01\x01\x00\x00\x00\x80\x90"
                                          "\xfe\xaf\xee\x08\x0a");

static void a_bomb_is_not_unpacked(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static char reply[2000000]; /* zeros but for its head: each unpacks to 1,032 */
    size_t head = sizeof bomb_head - 1;
    NEEDS_HTTP(f);
    memcpy(reply, bomb_head, head);
    loopback_step step = {.reply = reply, .size = sizeof reply, .end = LOOPBACK_CLOSE};
    loopback_script(f->server, &step, 1);
    long before = resident_kib();
    mlp_http_request request = GET("/");
    request.limit = 16 << 20;
    request.retries = -1;
    assert_status(fixture_send(f, request, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "longer than 16777216"));
    assert_in_range(resident_kib() - before, 0, 64 << 10);
}

static void what_is_no_http_or_broken_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step cases[] = {
        {.reply = "SSH-2.0-OpenSSH_9.2p1\r\n", .end = LOOPBACK_CLOSE},
        {.reply = OK_WITH("Content-Encoding: gzip\r\nContent-Length: 5\r\n", "no gz")},
        {.reply = OK_WITH("Content-Encoding: zstd\r\nContent-Length: 5\r\n", "no zs")},
        {.reply = OK_WITH("Transfer-Encoding: chunked\r\n", "zz\r\nabc"), .end = LOOPBACK_CLOSE},
    };
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_http_request request = GET("/");
        request.retries = -1;
        loopback_script(f->server, &cases[i], 1);
        mlplat_status s = fixture_send(f, request, &err);
        if (s != MLPLAT_CORRUPT && !(i == 3 && s == MLPLAT_UNAVAILABLE))
            fail_msg("case %zu: %s: %s", i, mlplat_status_name(s), err.message);
    }
}

static void an_early_answer_to_a_long_body_is_taken(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {
        {.reply = ANSWER("413 Large", "Connection: close\r\n", "0", ""), .early = true, .end = LOOPBACK_STALL}};
    size_t n = 30 << 20;
    char *body = calloc(1, n);
    assert_non_null(body);
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_status(fixture_send(f, (mlp_http_request){.method = "PUT", .path = "/", .body = body, .body_size = n}, &err),
                  MLPLAT_INVALID);
    assert_int_equal(err.http_status, 413);
    free(body);
}

static void statuses_are_told_apart(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const struct {
        const char *reply;
        mlplat_status want;
        int retryable, http_status;
        const char *words;
    } cases[] = {
        {ANSWER("400 Bad", "", "70",
                "{\"error_code\":\"INVALID_PARAMETER_VALUE\",\"message\":\"name 'x' is odd\"}    "),
         MLPLAT_INVALID, 0, 400, "name 'x' is odd"},
        {ANSWER("400 Bad", "", "60", "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\",\"message\":\"there\"}    "),
         MLPLAT_EXISTS, 0, 400, "there"},
        {ANSWER("400 Bad", "", "66", "{\"error_code\":\"BAD_REQUEST\",\"message\":\"QueuePool limit of size\"}     "),
         MLPLAT_UNAVAILABLE, 1, 400, "QueuePool"},
        {ANSWER("401 No", "", "0", ""), MLPLAT_DENIED, 0, 401, "MLFLOW_TRACKING_TOKEN"},
        {ANSWER("403 No", "", "9", "forbidden"), MLPLAT_DENIED, 0, 403, "may not"},
        {ANSWER("404 No", "", "60", "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"no run\"}   "),
         MLPLAT_NOT_FOUND, 0, 404, "no run"},
        {ANSWER("404 No", "", "50", "{\"error_code\":\"ENDPOINT_NOT_FOUND\",\"message\":\"m\"}     "),
         MLPLAT_UNSUPPORTED, 0, 404, "ENDPOINT_NOT_FOUND"},
        {ANSWER("409 No", "", "2", "[]"), MLPLAT_CONFLICT, 0, 409, "409"},
        {ANSWER("418 Tea", "", "2", "{}"), MLPLAT_INVALID, 0, 418, "418"},
        {ANSWER("429 No", "", "0", ""), MLPLAT_UNAVAILABLE, 1, 429, "too many"},
        {ANSWER("501 No", "", "0", ""), MLPLAT_UNSUPPORTED, 0, 501, "501"},
        {ANSWER("599 No", "", "0", ""), MLPLAT_UNAVAILABLE, 1, 599, "599"},
        {ANSWER("304 Same", "", "0", ""), MLPLAT_CORRUPT, 0, 304, "304"},
        {ANSWER("502 Bad", "Content-Type: text/html\r\n", "40", "<html><title>nginx\n gate</title></html>    "),
         MLPLAT_UNAVAILABLE, 1, 502, "nginx gate"},
    };
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        loopback_step step = {.reply = cases[i].reply, .end = LOOPBACK_CLOSE};
        mlp_http_request request = GET("/p");
        request.retries = -1;
        loopback_script(f->server, &step, 1);
        assert_status(fixture_send(f, request, &err), cases[i].want);
        assert_int_equal(err.retryable, cases[i].retryable);
        assert_int_equal(err.http_status, cases[i].http_status);
        assert_int_equal(f->response.fate, MLP_HTTP_ANSWERED);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s: not \"%s\"", err.message, cases[i].words);
    }
}

static void what_is_no_json_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static char deep[300000];
    memset(deep, '[', sizeof deep - 1);
    memcpy(deep, "HTTP/1.1 200 OK\r\n\r\n", 19);
    static const struct {
        const char *reply;
        mlplat_status want;
        const char *words;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<title>Sign in</title><input type=password>",
         MLPLAT_DENIED, "Sign in"},
        {"HTTP/1.1 200 OK\r\n\r\n \n<!DOCTYPE html><html><title>It works!</title>", MLPLAT_INVALID, "It works!"},
        {"HTTP/1.1 200 OK\r\n\r\n{\"a\":", MLPLAT_CORRUPT, "broken"},
        {"HTTP/1.1 200 OK\r\n\r\n[]", MLPLAT_CORRUPT, "no JSON object"},
        {"HTTP/1.1 200 OK\r\n\r\n", MLPLAT_CORRUPT, "broken"},
        {"HTTP/1.1 200 OK\r\n\r\n{\"a\":1,\"a\":2}", MLPLAT_CORRUPT, "broken"},
        {"HTTP/1.1 200 OK\r\n\r\n{\"a\":\"\xff\"}", MLPLAT_CORRUPT, "broken"},
        {deep, MLPLAT_CORRUPT, "broken"},
    };
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        loopback_step step = {.reply = cases[i].reply, .end = LOOPBACK_CLOSE};
        mlp_http_request request = GET("/p");
        json_t *out = NULL;
        loopback_script(f->server, &step, 1);
        mlp_http_response_free(&f->response);
        assert_status(mlp_http_json(f->http, &request, NULL, &out, &f->response, &err), cases[i].want);
        assert_null(out);
        assert_int_equal(err.http_status, 200);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s: not \"%s\"", err.message, cases[i].words);
    }
}

static int64_t once_read(void *user, void *buf, size_t n, mlplat_error *err)
{
    int *left = user;
    (void)err;
    size_t take = *left && n ? 1 : 0;
    memset(buf, 'x', take);
    *left -= (int)take;
    return (int64_t)take;
}

static int64_t broken_read(void *user, void *buf, size_t n, mlplat_error *err)
{
    (void)user, (void)buf, (void)n;
    err->status = MLPLAT_IO;
    snprintf(err->message, sizeof err->message, "the disk is gone");
    return -1;
}

static mlplat_status full_write(void *user, const void *data, size_t n, mlplat_error *err)
{
    (void)user, (void)data, (void)n;
    err->status = MLPLAT_NO_SPACE;
    snprintf(err->message, sizeof err->message, "the disk is full");
    return MLPLAT_NO_SPACE;
}

static void streams_that_fail_end_the_call_with_their_words(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_http_source broken = {.read = broken_read, .size = 10};
    mlp_http_sink full = {.write = full_write};
    NEEDS_HTTP(f);
    loopback_script(f->server, NULL, 0);
    assert_status(fixture_send(f, (mlp_http_request){.method = "PUT", .path = "/", .source = &broken}, &err),
                  MLPLAT_IO);
    assert_non_null(strstr(err.message, "the disk is gone"));
    assert_status(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/", .sink = &full}, &err),
                  MLPLAT_NO_SPACE);
    assert_non_null(strstr(err.message, "the disk is full"));
}

static void a_body_that_can_be_read_once_is_sent_once(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {{.reply = busy}, {.reply = NULL}};
    int left = 5;
    mlp_http_source source = {.read = once_read, .user = &left, .size = 5};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_status(fixture_send(f, (mlp_http_request){.method = "PUT", .path = "/", .source = &source}, &err),
                  MLPLAT_UNAVAILABLE);
    assert_int_equal(loopback_requests(f->server), 1);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH(what_is_idempotent_is_sent_again_until_it_works),
        WITH(what_is_not_idempotent_is_sent_once_unless_nothing_was_done),
        WITH(what_was_refused_before_it_was_done_is_sent_again),
        WITH(nobody_there_means_not_sent),
        WITH(retry_after_is_waited_for),
        WITH(the_budget_ends_all_tries),
        WITH(silence_and_drips_and_stalls_end_in_time),
        WITH(a_server_that_thinks_is_not_one_that_stands_still),
        WITH(the_hook_is_called_while_nothing_moves_and_may_stop_it),
        WITH(too_much_is_not_read),
        WITH(a_flood_of_go_on_ends),
        WITH(a_bomb_is_not_unpacked),
        WITH(what_is_no_http_or_broken_is_told),
        WITH(an_early_answer_to_a_long_body_is_taken),
        WITH(statuses_are_told_apart),
        WITH(what_is_no_json_is_told),
        WITH(streams_that_fail_end_the_call_with_their_words),
        WITH(a_body_that_can_be_read_once_is_sent_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
