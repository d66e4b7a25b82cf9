/* libcurl's codes and words, and what is made of them. What of it can happen on a loopback happens in the other tests
 * too; here is all of it, also where TLS or a proxy is needed. */
#include "support/support.h"
#include "transport/flow.h"
#include <errno.h>

static const struct {
    CURLcode code;
    const char *curls;
    bool sent, receiving;
    mlplat_status want;
    int retryable;
    const char *words;
} cases[] = {
    {CURLE_OUT_OF_MEMORY, "", false, false, MLPLAT_NO_MEMORY, 0, "memory"},
    {CURLE_OUT_OF_MEMORY, "", true, true, MLPLAT_CORRUPT, 0, "header"},
    {CURLE_COULDNT_RESOLVE_HOST, "Could not resolve host: h", false, false, MLPLAT_UNAVAILABLE, 1, "its name"},
    {CURLE_COULDNT_RESOLVE_PROXY, "Could not resolve proxy: p", false, false, MLPLAT_UNAVAILABLE, 1, "http_proxy"},
    {CURLE_COULDNT_CONNECT, "Failed to connect", false, false, MLPLAT_UNAVAILABLE, 1, "nothing listens"},
    {CURLE_PROXY, "SOCKS", false, false, MLPLAT_UNAVAILABLE, 1, "cannot connect"},
    {CURLE_OPERATION_TIMEDOUT, "", false, false, MLPLAT_UNAVAILABLE, 1, "firewall"},
    {CURLE_OPERATION_TIMEDOUT, "slow", true, false, MLPLAT_TIMEOUT, 1, "no answer in time"},
    {CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: self-signed certificate", false, false, MLPLAT_DENIED, 0,
     "MLFLOW_TRACKING_SERVER_CERT_PATH"},
    {CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: certificate has expired", false, false, MLPLAT_DENIED, 0,
     "dates"},
    {CURLE_PEER_FAILED_VERIFICATION, "no alternative certificate subject name matches", false, false, MLPLAT_DENIED, 0,
     "the name that the certificate is for"},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, "", false, false, MLPLAT_DENIED, 0, "MLPLAT_TRACKING_SERVER_PIN"},
    {CURLE_SSL_CONNECT_ERROR, "wrong version number", false, false, MLPLAT_INVALID, 0, "http://"},
    {CURLE_SSL_CONNECT_ERROR, "tlsv13 alert certificate required", false, false, MLPLAT_DENIED, 0, "CLIENT_CERT_PATH"},
    {CURLE_SSL_CONNECT_ERROR, "alert handshake failure", false, false, MLPLAT_DENIED, 0, "CLIENT_CERT_PATH"},
    {CURLE_SSL_CONNECT_ERROR, "unexpected eof", false, false, MLPLAT_UNAVAILABLE, 1, "TLS"},
    {CURLE_SSL_CERTPROBLEM, "no start line", false, false, MLPLAT_INVALID, 0, "CLIENT_CERT_PATH"},
    {CURLE_SSL_CACERT_BADFILE, "no start line", false, false, MLPLAT_INVALID, 0, "SERVER_CERT_PATH"},
    {CURLE_FILESIZE_EXCEEDED, "", true, true, MLPLAT_CORRUPT, 0, "longer"},
    {CURLE_UNSUPPORTED_PROTOCOL, "Received HTTP/0.9", true, true, MLPLAT_CORRUPT, 0, "does not speak HTTP"},
    {CURLE_BAD_CONTENT_ENCODING, "incorrect header check", true, true, MLPLAT_CORRUPT, 0, "unpacked"},
    {CURLE_RECV_ERROR, "CONNECT tunnel failed, response 407", false, false, MLPLAT_DENIED, 0, "proxy"},
    {CURLE_RECV_ERROR, "CONNECT tunnel failed, response 502", false, false, MLPLAT_UNAVAILABLE, 1, "proxy"},
    {CURLE_RECV_ERROR, "alert certificate required", true, false, MLPLAT_DENIED, 0, "CLIENT_CERT_PATH"},
    {CURLE_RECV_ERROR, "Connection reset by peer", true, false, MLPLAT_UNAVAILABLE, 1, "before an answer"},
    {CURLE_PARTIAL_FILE, "bytes remaining", true, true, MLPLAT_UNAVAILABLE, 1, "within the answer"},
    {CURLE_SEND_ERROR, "Broken pipe", false, false, MLPLAT_UNAVAILABLE, 1, "at once"},
};

static void each_failure_has_words_that_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        mlp_exchange exchange = {.connect_ms = 100};
        mlp_flow flow = {.exchange = &exchange, .sent = cases[i].sent, .receiving = cases[i].receiving};
        snprintf(flow.words, sizeof flow.words, "%s", cases[i].curls);
        assert_int_equal(mlp_flow_fail(&flow, cases[i].code, ECONNREFUSED, NULL), cases[i].want);
        assert_status(mlp_flow_fail(&flow, cases[i].code, i == 4 ? ECONNREFUSED : 0, &err), cases[i].want);
        assert_int_equal(err.retryable, cases[i].retryable);
        if (!strstr(err.message, cases[i].words))
            fail_msg("case %zu: %s: not \"%s\"", i, err.message, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_failure_has_words_that_help)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
