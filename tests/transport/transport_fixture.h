/* A client of a loopback server. */
#ifndef TRANSPORT_FIXTURE_H
#define TRANSPORT_FIXTURE_H
#include "base/alloc.h"
#include "base/clock.h"
#include "support/loopback.h"
#include "support/support.h"
#include "transport/http.h"
#include <stdlib.h>

typedef struct fixture {
    loopback *server;
    mlp_http *http;
    mlp_http_response response;
    char url[64];
} fixture;

#define SCRIPT(f, steps)       loopback_script((f)->server, steps, sizeof(steps) / sizeof(steps)[0])
#define OK_WITH(headers, body) "HTTP/1.1 200 OK\r\n" headers "Connection: keep-alive\r\n\r\n" body

static inline void fixture_no_proxy(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

/* The client anew, with these options; the URL is the server's where there is none. */
static inline void fixture_client(fixture *f, mlp_http_options options)
{
    mlplat_error err = {0};
    mlp_http_close(f->http);
    if (!options.url)
        options.url = f->url;
    if (!options.retry_first_ms)
        options.retry_first_ms = 20;
    assert_ok(mlp_http_open(&options, &f->http, &err));
}

static inline int fixture_setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    *state = f;
    fixture_no_proxy();
    f->server = loopback_start();
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d", loopback_port(f->server));
    mlplat_error err = {0};
    mlp_http_options options = {.url = f->url, .retry_first_ms = 20};
    mlplat_status s = mlp_http_open(&options, &f->http, &err);
    if (s == MLPLAT_UNSUPPORTED) { /* a machine without libcurl, a build without its headers */
        print_message("%s\n", err.message);
        f->http = NULL;
        return 0;
    }
    assert_int_equal(s, MLPLAT_OK);
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture *f = *state;
    mlp_http_response_free(&f->response);
    mlp_http_close(f->http);
    loopback_stop(f->server);
    free(f);
    return 0;
}

#define NEEDS_HTTP(f)                                                                                                  \
    do {                                                                                                               \
        if (!(f)->http)                                                                                                \
            skip();                                                                                                    \
    } while (0)

static inline mlplat_status fixture_send(fixture *f, mlp_http_request request, mlplat_error *err)
{
    mlp_http_response_free(&f->response);
    return mlp_http_send(f->http, &request, &f->response, err);
}

/* Whether request number i has this text in it. */
static inline bool fixture_sent(fixture *f, size_t i, const char *text)
{
    char *request = loopback_request(f->server, i);
    bool there = strstr(request, text) != NULL;
    free(request);
    return there;
}

static inline int64_t fixture_ms(int64_t since_ns)
{
    return (mlp_clock_mono_ns() - since_ns) / 1000000;
}

#endif
