/*
 * HTTP for the layers above: a client for one origin, with kept connections that all threads share, retries, redirects
 * within the origin, credentials, and limits on everything that a server can do to us.
 *
 * libcurl is opened at the first mlp_http_open: a program that talks to no server has none of it in its process.
 */
#ifndef MLP_HTTP_H
#define MLP_HTTP_H
#include "base/buf.h"
#include "base/hook.h"
#include "base/json.h"
#include "base/log.h"
#include "transport/credentials.h"
#include "transport/trust.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct mlp_http mlp_http;

/* How far a request came. What is not idempotent may be sent again only where it was NOT_SENT, or where the answer says
 * that nothing was done. */
typedef enum mlp_http_fate {
    MLP_HTTP_NOT_SENT,  /* no byte of it left: nobody there, no connection */
    MLP_HTTP_NO_ANSWER, /* it left, whole or not, and no whole answer came: done or not, nobody knows here */
    MLP_HTTP_ANSWERED   /* a whole answer came: its status says what happened */
} mlp_http_fate;

typedef struct mlp_http_options {
    const char *url;                    /* with a path that all requests begin with, or without */
    const mlp_credentials *credentials; /* read during the call; NULL: nobody */
    const mlp_trust *trust;             /* read during the call; NULL: that of the environment */
    int64_t connect_ms;                 /* 0: 10 s, name and TLS included */
    int64_t timeout_ms;                 /* of one try. 0: 120 s; negative: none */
    int64_t budget_ms;                  /* of all tries with the waits between them. 0: 120 s, or one try's if more */
    int64_t stall_ms;                   /* as long the bytes may stand still once they flow. 0: 30 s */
    int64_t retry_first_ms;             /* the first wait is below this. 0: 500 ms */
    int64_t retries;                    /* 0: as many as fit into the budget; negative: none */
    bool ignore_retry_after;            /* wait as long as we think right, whatever the server asks for */
    const mlp_logger *log;              /* lent for the client's life; may be NULL */
    const char *library;                /* NULL: libcurl.so.4 */
} mlp_http_options;

/* Sets timeout_ms, retries and ignore_retry_after from MLflow's names (MLFLOW_HTTP_REQUEST_...), and budget_ms from
 * MLPLAT_HTTP_DEADLINE. INVALID. */
mlplat_status mlp_http_options_load(mlp_http_options *options, mlplat_error *err);

/* UNSUPPORTED: no libcurl, or one that is too old; INVALID: a URL that is none. */
mlplat_status mlp_http_open(const mlp_http_options *options, mlp_http **out, mlplat_error *err);
void mlp_http_close(mlp_http *http); /* no request may be on its way; in a forked child frees memory alone */
const char *mlp_http_name(const mlp_http *http); /* "https://host:port", for messages; lent */

typedef struct mlp_http_header {
    const char *name, *value;
} mlp_http_header;

/* A body that comes piece by piece. */
typedef struct mlp_http_source {
    int64_t (*read)(void *user, void *buf, size_t n, mlplat_error *err); /* bytes; 0: the end; -1: failed */
    mlplat_status (*rewind)(void *user, mlplat_error *err);              /* NULL: it can be read once */
    void *user;
    int64_t size; /* -1: not known */
} mlp_http_source;

/* Where the body of a good answer (2xx) goes piece by piece; those of others go to response.body. */
typedef struct mlp_http_sink {
    mlplat_status (*write)(void *user, const void *data, size_t n, mlplat_error *err);
    mlplat_status (*restart)(void *user, mlplat_error *err); /* forget it all, it comes again; NULL: no second try */
    void *user;
} mlp_http_sink;

typedef struct mlp_http_request {
    const char *method; /* "GET", "POST", ... */
    const char *path;   /* below the client's URL: "/api/2.0/mlflow/...", with query, percent-encoded */
    const mlp_http_header *headers;
    size_t n_headers;
    const void *body; /* a span, or */
    size_t body_size;
    const mlp_http_source *source;
    const mlp_http_sink *sink;
    uint64_t limit;                /* of the body that comes, unpacked. 0: 64 MiB in memory, none into a sink */
    bool repeatable;               /* twice does no harm, whatever the method says */
    bool once;                     /* twice does harm, whatever the method says */
    bool no_workspace;             /* the path names its workspace itself */
    int64_t timeout_ms, budget_ms; /* 0: as the client's */
    bool patient; /* timeout_ms is for the wait between request and answer alone: bytes may flow as long as they do */
    int64_t retries;               /* 0: as the client's; negative: none */
    const mlp_hook *hook;          /* on the caller's thread, every 50 ms; done counts bytes of both directions */
} mlp_http_request;

typedef struct mlp_http_response {
    int status; /* 0: no answer */
    mlp_http_fate fate;
    unsigned tries;
    int64_t retry_after_ms; /* what the last answer asked for; -1: nothing */
    bool coded;             /* it is no success, and has an error_code as MLflow's words do */
    mlp_buf body, headers;
} mlp_http_response;

/* OK for 2xx alone; else what the status, and MLflow's error_code in the body, mean. err.retryable tells whether the
 * same call may be made again later. The response is filled in any case and is the caller's: mlp_http_response_free. */
mlplat_status mlp_http_send(mlp_http *http, const mlp_http_request *request, mlp_http_response *response,
                            mlplat_error *err);
void mlp_http_response_free(mlp_http_response *response);                                  /* zero again */
const char *mlp_http_response_header(const mlp_http_response *response, const char *name); /* the last; NULL: none */

/* For who sends until it is taken: a refusal that MLflow did not put into words of its own (a redirect, a web page, a
 * gateway's 400) is about who answers there, not about what was sent, and is CORRUPT. */
mlplat_status mlp_http_whose(mlplat_status s, const mlp_http_response *response, mlplat_error *err);

/* The same with JSON both ways: body may be NULL. *out is a new reference to an object. What is no JSON object is told:
 * DENIED for a page to log in, INVALID for another web page, CORRUPT for a broken, too deep or too long text. */
mlplat_status mlp_http_json(mlp_http *http, const mlp_http_request *request, const json_t *body, json_t **out,
                            mlp_http_response *response, mlplat_error *err);

/* DENIED or INVALID, with what it calls itself: the answer is a web page, where none was expected. */
mlplat_status mlp_http_check_page(const mlp_http *http, const mlp_http_response *response, mlplat_error *err);

#endif
