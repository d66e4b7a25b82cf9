/* A session on a server of the loopback that plays MLflow's artifact proxy. */
#ifndef ARTIFACT_HTTP_FIXTURE_H
#define ARTIFACT_HTTP_FIXTURE_H
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/json.h"
#include "support/http_session.h"
#include <stdlib.h>

typedef http_session fixture;

#define SCRIPT(f, steps) loopback_script((f)->server, steps, sizeof(steps) / sizeof(steps)[0])
#define JSON(body_size, body)                                                                                          \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " body_size "\r\n\r\n" body
#define FILE_OF(body_size, body)                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " body_size "\r\n\r\n" body
#define FAILS(status, body_size, body) "HTTP/1.1 " status "\r\nContent-Length: " body_size "\r\n\r\n" body
#define LOGIN                                                                                                          \
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 43\r\n\r\n"                                         \
    "<html><input type=\"password\">Sign in</html>"
#define PLACE "mlflow-artifacts:/0/run/artifacts/"

static const char nothing[] = JSON("2", "{}");
static const char file_of_ten[] = JSON("61", "{\"files\": [{\"path\": \"f\", \"is_dir\": false, \"file_size\": 10 }]}");
static const char folder_f[] = JSON("42", "{\"files\": [{\"path\": \"f\", \"is_dir\": true}]}");
static const char busy[] = FAILS("503 Busy", "0", "");

/* uri: NULL: the server's. */
static inline mlplat *open_session(fixture *f, const char *uri, const char *registry)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = uri;
    options.registry_uri = registry;
    assert_ok(http_session_open(f, &options, &ml, &err));
    return ml;
}

static inline void set_up(fixture *f)
{
    static const loopback_step step = {.reply = nothing};
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    f->ml = open_session(f, NULL, NULL);
    loopback_script(f->server, &step, 1);
    f->no_http = mlplat_artifact_list(f->ml, PLACE, &doc, &err) == MLPLAT_UNSUPPORTED;
    mlplat_doc_free(doc);
}

static inline int setup(void **state)
{
    *state = http_session_begin();
    set_up(*state);
    return 0;
}

static inline int teardown(void **state)
{
    http_session_end(*state);
    return 0;
}

static inline mlplat_status get(fixture *f, const char *uri, mlplat_error *err)
{
    return mlplat_artifact_get(f->ml, uri, test_path(f->folder, "to"), NULL, err);
}

static inline mlplat_status put(fixture *f, const char *uri, mlplat_error *err)
{
    return mlplat_artifact_put_bytes(f->ml, "0123456789", 10, uri, err);
}

#endif
