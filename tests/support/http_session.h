/* A session on a server of the loopback, which answers what a test wants. */
#ifndef HTTP_SESSION_H
#define HTTP_SESSION_H
#include "support/loopback.h"
#include "support/support.h"
#include <stdbool.h>
#include <stdlib.h>

typedef struct http_session {
    char *folder;
    loopback *server;
    mlplat *ml;
    bool no_http; /* a machine without libcurl, or a build without its headers: for the test to find out */
} http_session;

#define NEEDS_HTTP(f)                                                                                                  \
    do {                                                                                                               \
        if ((f)->no_http) {                                                                                            \
            print_message("no libcurl here\n");                                                                        \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

/* With a folder, a server, and an environment in which a request is tried once; without a session. */
http_session *http_session_begin(void);
/* Another session on the server, or on options' tracking URI; the spool is in the folder. options may be NULL. */
mlplat_status http_session_open(const http_session *h, const mlplat_options *options, mlplat **out, mlplat_error *err);
/* Closes the session and takes all of it back; the waits that tests set too. */
void http_session_end(http_session *h);

#endif
