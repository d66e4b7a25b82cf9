#include "support/http_session.h"

static const char *const waits[] = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT",
                                    "MLPLAT_HTTP_DEADLINE"};

http_session *http_session_begin(void)
{
    http_session *h = calloc(1, sizeof *h);
    test_clear_environment();
    setenv(waits[0], "1", 1);
    h->folder = test_folder_make();
    h->server = loopback_start();
    return h;
}

mlplat_status http_session_open(const http_session *h, const mlplat_options *options, mlplat **out, mlplat_error *err)
{
    mlplat_options with = MLPLAT_OPTIONS_INIT;
    char uri[64];
    if (options)
        with = *options;
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", loopback_port(h->server));
    with.tracking_uri = with.tracking_uri ? with.tracking_uri : uri;
    with.spool_dir = test_path(h->folder, "spool");
    return mlplat_open(&with, out, err);
}

void http_session_end(http_session *h)
{
    mlplat_close(h->ml);
    loopback_stop(h->server);
    test_folder_remove(h->folder);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
        unsetenv(waits[i]);
    free(h);
}
