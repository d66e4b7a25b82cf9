/* libcurl's failures in words that help. */
#include "base/err.h"
#include "base/text.h"
#include "transport/flow.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static mlplat_status again(mlplat_error *err, mlplat_status s)
{
    if (err)
        err->retryable = 1;
    return s;
}

static mlplat_status no_name(const mlp_flow *flow, CURLcode code, mlplat_error *err)
{
    const char *what = code == CURLE_COULDNT_RESOLVE_PROXY ? "the proxy's name (https_proxy, http_proxy)" : "its name";
    return again(err, mlp_fail(err, MLPLAT_UNAVAILABLE,
                               "%s cannot be found: is it written right, and does this machine reach its DNS? (%.150s)",
                               what, flow->words));
}

static mlplat_status no_connection(const mlp_flow *flow, long os_error, mlplat_error *err)
{
    const char *hint = os_error == ECONNREFUSED ? "nothing listens there: is the server up, and the port right?"
                                                : "is the server up, and is there a way to it from here?";
    return again(err, mlp_fail(err, MLPLAT_UNAVAILABLE, "cannot connect: %s (%.150s)", hint, flow->words));
}

static mlplat_status too_late(const mlp_flow *flow, mlplat_error *err)
{
    if (flow->sent)
        return again(err, mlp_fail(err, MLPLAT_TIMEOUT, "no answer in time (%.150s)", flow->words));
    return again(err, mlp_fail(err, MLPLAT_UNAVAILABLE,
                               "no connection within %lld ms: is the server up, and does no firewall swallow it?",
                               (long long)flow->exchange->connect_ms));
}

static mlplat_status not_trusted(const mlp_flow *flow, mlplat_error *err)
{
    bool name = strstr(flow->words, "subject name") || strstr(flow->words, "does not match");
    bool expired = strstr(flow->words, "expired") || strstr(flow->words, "not yet valid");
    const char *hint = name      ? "use the name that the certificate is for"
                       : expired ? "look at its dates and at this machine's clock"
                                 : "if its CA is your own, name the CA's file in MLFLOW_TRACKING_SERVER_CERT_PATH";
    return mlp_fail(err, MLPLAT_DENIED, "its certificate is not trusted: %s (%.150s)", hint, flow->words);
}

static mlplat_status not_welcome(const mlp_flow *flow, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_DENIED,
                    "it refuses us, and may want a certificate of ours that it knows: name its file in "
                    "MLFLOW_TRACKING_CLIENT_CERT_PATH (%.100s)",
                    flow->words);
}

static mlplat_status no_tls(const mlp_flow *flow, mlplat_error *err)
{
    if (strstr(flow->words, "wrong version number") || strstr(flow->words, "packet length"))
        return mlp_fail(err, MLPLAT_INVALID, "it speaks no TLS on that port: write http:// if that is meant (%.100s)",
                        flow->words);
    if (strstr(flow->words, "alert") &&
        (strstr(flow->words, "certificate") || strstr(flow->words, "handshake failure")))
        return not_welcome(flow, err);
    return again(err, mlp_fail(err, MLPLAT_UNAVAILABLE, "TLS with it fails (%.150s)", flow->words));
}

static mlplat_status bad_file(const mlp_flow *flow, CURLcode code, mlplat_error *err)
{
    bool ours = code == CURLE_SSL_CERTPROBLEM;
    return mlp_fail(err, MLPLAT_INVALID, "%s cannot be used: is it PEM, and may we read it? (%.150s)",
                    ours ? "our certificate or its key (MLFLOW_TRACKING_CLIENT_CERT_PATH)"
                         : "the CA's file (MLFLOW_TRACKING_SERVER_CERT_PATH)",
                    flow->words);
}

static mlplat_status proxy_refuses(const mlp_flow *flow, mlplat_error *err)
{
    if (strstr(flow->words, "407"))
        return mlp_fail(err, MLPLAT_DENIED, "the proxy does not know us: write user and password into https_proxy");
    return again(
        err, mlp_fail(err, MLPLAT_UNAVAILABLE, "the proxy (https_proxy) does not lead there (%.150s)", flow->words));
}

/* What fails once a connection is there. TLS 1.3 refuses our certificate that late. */
static mlplat_status cut(const mlp_flow *flow, mlplat_error *err)
{
    const char *when = flow->receiving ? "within the answer" : flow->sent ? "before an answer" : "at once";
    if (strstr(flow->words, "alert") && strstr(flow->words, "certificate"))
        return not_welcome(flow, err);
    if (strstr(flow->words, "CONNECT"))
        return proxy_refuses(flow, err);
    return again(err, mlp_fail(err, MLPLAT_UNAVAILABLE, "the connection was cut %s (%.150s)", when, flow->words));
}

static mlplat_status not_http(const mlp_flow *flow, CURLcode code, mlplat_error *err)
{
    if (code == CURLE_BAD_CONTENT_ENCODING)
        return mlp_fail(err, MLPLAT_CORRUPT, "the answer cannot be unpacked (%.150s)", flow->words);
    return mlp_fail(err, MLPLAT_CORRUPT, "what answers there does not speak HTTP: is the port right? (%.150s)",
                    flow->words);
}

/* libcurl calls a line of a header that does not end the same as no memory. */
static mlplat_status no_room(const mlp_flow *flow, mlplat_error *err)
{
    if (!flow->sent || flow->headers_done)
        return mlp_fail_memory(err);
    return mlp_fail(err, MLPLAT_CORRUPT, "the answer has a header that does not end, or there is no memory for it");
}

mlplat_status mlp_flow_fail(const mlp_flow *flow, CURLcode code, long os_error, mlplat_error *err)
{
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return no_room(flow, err);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return no_name(flow, code, err);
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
        return no_connection(flow, os_error, err);
    case CURLE_OPERATION_TIMEDOUT:
        return too_late(flow, err);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return not_trusted(flow, err);
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return mlp_fail(err, MLPLAT_DENIED,
                        "its key is not the one of MLPLAT_TRACKING_SERVER_PIN: was it renewed, or "
                        "is somebody between?");
    case CURLE_SSL_CONNECT_ERROR:
        return no_tls(flow, err);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return bad_file(flow, code, err);
    case CURLE_FILESIZE_EXCEEDED:
        return mlp_fail(err, MLPLAT_CORRUPT, "the answer says that it is longer than anything can be");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return not_http(flow, code, err);
    default:
        return cut(flow, err);
    }
}
