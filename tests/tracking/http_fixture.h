/* A session on a server that answers what a test wants. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H
#include "support/loopback.h"
#include "support/support.h"
#include <stdbool.h>
#include <stdlib.h>

typedef struct fixture {
    char *folder;
    loopback *server;
    mlplat *ml;
    bool no_http;
} fixture;

/* A machine without libcurl, or a build without its headers. */
#define NEEDS_HTTP(f)                                                                                                  \
    do {                                                                                                               \
        if ((f)->no_http) {                                                                                            \
            print_message("no libcurl here\n");                                                                        \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

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
    char uri[64];
    mlplat_close(f->ml);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", loopback_port(f->server));
    options.tracking_uri = uri;
    options.spool_dir = test_path(f->folder, "spool");
    options.artifact_root = root;
    assert_ok(mlplat_open(&options, &f->ml, &err));
}

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    f->folder = test_folder_make();
    f->server = loopback_start();
    test_clear_environment();
    setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1", 1);
    reopen(f, NULL);
    answer(f, "200 OK", "{}");
    f->no_http = mlplat_experiment_get(f->ml, "0", &doc, &err) == MLPLAT_UNSUPPORTED;
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    mlplat_close(f->ml);
    loopback_stop(f->server);
    test_folder_remove(f->folder);
    unsetenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES");
    unsetenv("MLFLOW_HTTP_REQUEST_TIMEOUT");
    unsetenv("MLPLAT_HTTP_DEADLINE");
    free(f);
    return 0;
}

#define ID "0123456789abcdef0123456789abcdef"

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
