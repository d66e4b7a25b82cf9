/* What libcurl is told. Everything it would do by itself that we want to decide, redirects, .netrc, passwords in
 * addresses, other protocols, is switched off. */
#include "base/err.h"
#include "base/file.h"
#include "transport/flow.h"
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct setup {
    const mlp_curl *curl;
    CURL *easy;
    CURLcode failed; /* the first */
} setup;

static void note(setup *set, CURLcode code)
{
    if (set->failed == CURLE_OK)
        set->failed = code;
}

static void number(setup *set, CURLoption option, long value)
{
    note(set, set->curl->easy_setopt(set->easy, option, value));
}

static void text(setup *set, CURLoption option, const char *value)
{
    note(set, set->curl->easy_setopt(set->easy, option, value));
}

/* What a newer or smaller libcurl may not know, and is not missed then. */
static void wish(setup *set, CURLoption option, long value)
{
    set->curl->easy_setopt(set->easy, option, value);
}

/* Programs that the process starts do not get our connections. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    mlp_line *line = user;
    (void)purpose;
#ifdef SOCK_CLOEXEC
    line->socket = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
    line->socket = socket(address->family, address->socktype, address->protocol);
    if (line->socket != -1)
        fcntl(line->socket, F_SETFD, FD_CLOEXEC);
#endif
    return line->socket;
}

static void set_callbacks(setup *set, mlp_flow *flow, mlp_line *line)
{
    const mlp_curl *curl = set->curl;
    note(set, curl->easy_setopt(set->easy, CURLOPT_HEADERFUNCTION, mlp_flow_header));
    note(set, curl->easy_setopt(set->easy, CURLOPT_HEADERDATA, flow));
    note(set, curl->easy_setopt(set->easy, CURLOPT_WRITEFUNCTION, mlp_flow_body));
    note(set, curl->easy_setopt(set->easy, CURLOPT_WRITEDATA, flow));
    note(set, curl->easy_setopt(set->easy, CURLOPT_READFUNCTION, mlp_flow_read));
    note(set, curl->easy_setopt(set->easy, CURLOPT_READDATA, flow));
    note(set, curl->easy_setopt(set->easy, CURLOPT_SEEKFUNCTION, mlp_flow_seek));
    note(set, curl->easy_setopt(set->easy, CURLOPT_SEEKDATA, flow));
    note(set, curl->easy_setopt(set->easy, CURLOPT_PREREQFUNCTION, mlp_flow_begin));
    note(set, curl->easy_setopt(set->easy, CURLOPT_PREREQDATA, flow));
    note(set, curl->easy_setopt(set->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket));
    note(set, curl->easy_setopt(set->easy, CURLOPT_OPENSOCKETDATA, line));
    note(set, curl->easy_setopt(set->easy, CURLOPT_ERRORBUFFER, flow->words));
}

static void set_rules(setup *set, const mlp_exchange *x)
{
    text(set, CURLOPT_PROTOCOLS_STR, "http,https");
    number(set, CURLOPT_FOLLOWLOCATION, 0);
    number(set, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    number(set, CURLOPT_DISALLOW_USERNAME_IN_URL, 1);
    number(set, CURLOPT_NOSIGNAL, 1);
    number(set, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
    number(set, CURLOPT_CONNECTTIMEOUT_MS, (long)x->connect_ms);
    number(set, CURLOPT_TCP_KEEPALIVE, 1);
    note(set, set->curl->easy_setopt(set->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)INT64_MAX));
    wish(set, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
    wish(set, CURLOPT_QUICK_EXIT, 1); /* a cancelled look-up of a name is not waited for */
    if (set->curl->encodings)
        text(set, CURLOPT_ACCEPT_ENCODING, set->curl->encodings);
}

static void set_trust(setup *set, const mlp_trust *trust)
{
    struct stat st;
    number(set, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (!trust)
        return;
    bool folder = trust->ca && stat(trust->ca, &st) == 0 && S_ISDIR(st.st_mode);
    if (trust->ca) {
        text(set, folder ? CURLOPT_CAPATH : CURLOPT_CAINFO, trust->ca);
        text(set, folder ? CURLOPT_PROXY_CAPATH : CURLOPT_PROXY_CAINFO, trust->ca);
    }
    if (folder) /* and no other */
        text(set, CURLOPT_CAINFO, NULL);
    if (trust->pin)
        text(set, CURLOPT_PINNEDPUBLICKEY, trust->pin);
    if (trust->client) {
        text(set, CURLOPT_SSLCERT, trust->client);
        text(set, CURLOPT_SSLKEY, trust->client_key ? trust->client_key : trust->client);
    }
    if (trust->insecure) {
        number(set, CURLOPT_SSL_VERIFYPEER, 0);
        number(set, CURLOPT_SSL_VERIFYHOST, 0);
    }
}

static void set_request(setup *set, const mlp_exchange *x)
{
    const mlp_http_request *request = x->request;
    bool head = strcmp(request->method, "HEAD") == 0;
    bool empty = !request->source && !request->body_size;
    bool body = !empty || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
                strcmp(request->method, "PATCH") == 0;
    curl_off_t size = request->source ? request->source->size : (curl_off_t)request->body_size;
    text(set, CURLOPT_URL, x->url);
    if (head)
        number(set, CURLOPT_NOBODY, 1);
    else if (body)
        number(set, CURLOPT_UPLOAD, 1);
    else
        number(set, CURLOPT_HTTPGET, 1);
    if (body)
        note(set, set->curl->easy_setopt(set->easy, CURLOPT_INFILESIZE_LARGE, size));
    if (!head)
        text(set, CURLOPT_CUSTOMREQUEST, request->method);
    if (x->once && empty) /* without a body there is nothing to rewind, so libcurl could not be stopped from a repeat */
        number(set, CURLOPT_FRESH_CONNECT, 1);
}

static mlplat_status set_headers(setup *set, const mlp_header_lines *lines, struct curl_slist **list, mlplat_error *err)
{
    for (size_t i = 0; i < lines->n; i++) {
        struct curl_slist *longer = set->curl->slist_append(*list, lines->line[i]);
        if (!longer)
            return mlp_fail_memory(err);
        *list = longer;
    }
    note(set, set->curl->easy_setopt(set->easy, CURLOPT_HTTPHEADER, *list));
    return MLPLAT_OK;
}

mlplat_status mlp_flow_setup(mlp_flow *flow, const mlp_curl *curl, mlp_line *line, struct curl_slist **list,
                             mlplat_error *err)
{
    setup set = {.curl = curl, .easy = line->easy};
    set_callbacks(&set, flow, line);
    set_rules(&set, flow->exchange);
    set_trust(&set, flow->exchange->trust);
    set_request(&set, flow->exchange);
    mlplat_status s = set_headers(&set, flow->exchange->headers, list, err);
    if (s != MLPLAT_OK || set.failed == CURLE_OK)
        return s;
    return set.failed == CURLE_OUT_OF_MEMORY
               ? mlp_fail_memory(err)
               : mlp_fail(err, MLPLAT_UNSUPPORTED, "libcurl refuses a setting: %s", curl->easy_strerror(set.failed));
}
