/* A session on a server that answers what a test wants. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H
#include "support/http_session.h"
#include <stdbool.h>
#include <stdlib.h>

typedef http_session fixture;

/* From now on everything is answered with this body. */
static inline void answer(fixture *f, const char *status, const char *body)
{
    static char replies[16][2000]; /* a server may still send the one before */
    static loopback_step step;
    static unsigned n;
    char *reply = replies[n++ % 16];
    snprintf(reply, sizeof replies[0], "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             status, strlen(body), body);
    step = (loopback_step){.reply = reply};
    loopback_script(f->server, &step, 1);
}

/* The session anew; root: of artifacts, NULL: not set. */
static inline void reopen(fixture *f, const char *root)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat_error err = {0};
    mlplat_close(f->ml);
    f->ml = NULL;
    options.artifact_root = root;
    assert_ok(http_session_open(f, &options, &f->ml, &err));
}

static inline int setup(void **state)
{
    fixture *f = http_session_begin();
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    reopen(f, NULL);
    answer(f, "200 OK", "{}");
    f->no_http = mlplat_experiment_get(f->ml, "0", &doc, &err) == MLPLAT_UNSUPPORTED;
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    http_session_end(*state);
    return 0;
}

#define ID "0123456789abcdef0123456789abcdef"

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
