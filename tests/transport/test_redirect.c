/* Where servers may send us, and where not: nothing of a request reaches another origin. */
#include "transport/transport_fixture.h"
#include "transport/redirect.h"

static void locations_are_resolved_within_the_origin(void **state)
{
    static const struct {
        const char *origin, *path, *location, *to; /* to NULL: refused */
    } cases[] = {
        {"http://h:5000", "/a/b?c", "/x", "/x"},
        {"http://h:5000", "/a/b?c", "/x?y=1#z", "/x?y=1"},
        {"http://h:5000", "/a/b?c", "d", "/a/d"},
        {"http://h:5000", "/a/b?c/d", "e", "/a/e"},
        {"http://h:5000", "/a/b?c", "?d", "/a/b?d"},
        {"http://h:5000", "/a/b?c", "", "/a/b"},
        {"http://h:5000", "/a/b", "http://h:5000/q", "/q"},
        {"http://h:5000", "/a/b", "HTTP://H:5000", "/"},
        {"http://h:5000", "/a/b", "//h:5000/q", "/q"},
        {"http://h", "/a", "http://h:80/q", "/q"},
        {"https://h", "/a", "https://h:443/q", "/q"},
        {"http://[::1]:5000", "/a", "http://[::1]:5000/b", "/b"},
        {"http://h:5000", "/a", "x?u=http://other/", "/x?u=http://other/"},
        {"http://h:5000", "/a", "http://h/q", NULL},
        {"http://h:5000", "/a", "http://other:5000/q", NULL},
        {"http://h:5000", "/a", "//other/q", NULL},
        {"http://h:5000", "/a", "https://h:5000/q", NULL},
        {"https://h:5000", "/a", "http://h:5000/q", NULL},
        {"http://h", "/a", "http://h.evil/", NULL},
        {"http://h", "/a", "http://h@evil/", NULL},
        {"http://h", "/a", "http://h:80@evil/", NULL},
        {"http://h", "/a", "http://h\\@evil/", NULL},
        {"http://h", "/a", "file:///etc/passwd", NULL},
        {"http://h", "/a", "ftp://h/", NULL},
        {"http://h", "/a", "/b c", NULL},
        {"http://h", "/a", "/b\x01", NULL},
        {"http://h", "/a", "/b\xc3\xa4", NULL},
        {"http://h", "/a", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        mlp_origin origin;
        char *to = NULL;
        assert_ok(mlp_origin_parse(cases[i].origin, &origin, &err));
        mlplat_status s = mlp_redirect_follow(&origin, 302, "GET", cases[i].path, cases[i].location, &to, &err);
        if (s != (cases[i].to ? MLPLAT_OK : MLPLAT_INVALID) || (to && strcmp(to, cases[i].to) != 0))
            fail_msg("case %zu: %s to '%s': %s", i, mlplat_status_name(s), to ? to : "", err.message);
        mlp_free(to);
        mlp_origin_free(&origin);
    }
}

static void a_redirect_within_the_origin_is_followed_with_what_belongs_to_it(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {
        {.reply = "HTTP/1.1 307 There\r\nLocation: /two?x=1\r\nContent-Length: 0\r\n\r\n"}, {.reply = NULL}};
    mlp_credentials credentials = {.token = (char *)"tok"};
    NEEDS_HTTP(f);
    fixture_client(f, (mlp_http_options){.credentials = &credentials});
    SCRIPT(f, steps);
    assert_ok(fixture_send(f, (mlp_http_request){.method = "POST", .path = "/one", .body = "b", .body_size = 1}, &err));
    assert_true(fixture_sent(f, 1, "POST /two?x=1 HTTP/1.1\r\n"));
    assert_true(fixture_sent(f, 1, "\r\nAuthorization: Bearer tok\r\n"));
    assert_true(fixture_sent(f, 1, "\r\n\r\nb"));
}

/* Every status, method and kind of target: no connection is made to the other server. */
static void nothing_reaches_another_origin(void **state)
{
    fixture *f = *state;
    static const int statuses[] = {301, 302, 303, 307, 308};
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    loopback *other = loopback_start();
    mlp_credentials credentials = {.username = (char *)"u", .password = (char *)"hunter2"};
    mlp_http_options options = {.url = f->url, .credentials = &credentials};
    if (!f->http) {
        loopback_stop(other);
        skip();
    }
    fixture_client(f, options);
    const char *forms[] = {"http://127.0.0.1:%d/", "//127.0.0.1:%d/", "http://localhost:%d/", "https://127.0.0.1:%d/",
                           "http://u:hunter2@127.0.0.1:%d/"};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        for (size_t j = 0; j < sizeof methods / sizeof methods[0]; j++)
            for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++) {
                mlplat_error err = {0};
                char location[80], reply[200];
                snprintf(location, sizeof location, forms[k], loopback_port(other));
                snprintf(reply, sizeof reply, "HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                         statuses[i], location);
                loopback_step step = {.reply = reply};
                loopback_script(f->server, &step, 1);
                assert_status(
                    fixture_send(
                        f, (mlp_http_request){.method = methods[j], .path = "/", .body = "data", .body_size = 4}, &err),
                    MLPLAT_INVALID);
                assert_int_equal(err.retryable, 0);
                assert_null(strstr(err.message, "hunter2"));
                assert_int_equal(loopback_requests(f->server), 1);
                loopback_script(f->server, NULL, 0);
            }
    assert_int_equal(loopback_connections(other), 0);
    loopback_stop(other);
}

static void a_body_is_not_lost_on_the_way(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {
        {.reply = "HTTP/1.1 302 Login\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_status(fixture_send(f, (mlp_http_request){.method = "POST", .path = "/", .body = "b", .body_size = 1}, &err),
                  MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "login page"));
    assert_int_equal(loopback_requests(f->server), 1);
}

static void a_circle_ends(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const loopback_step steps[] = {{.reply = "HTTP/1.1 302 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"}};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_status(fixture_send(f, (mlp_http_request){.method = "GET", .path = "/"}, &err), MLPLAT_INVALID);
    assert_int_equal(loopback_requests(f->server), 4);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locations_are_resolved_within_the_origin),
        WITH(a_redirect_within_the_origin_is_followed_with_what_belongs_to_it),
        WITH(nothing_reaches_another_origin),
        WITH(a_body_is_not_lost_on_the_way),
        WITH(a_circle_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
