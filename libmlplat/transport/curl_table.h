/*
 * libcurl's functions, opened when a client is: the library brings 30 others, 9 ms and 9 MB. Each client has a table of
 * its own, so there is nothing global of ours; opening it again costs some microseconds. With MLPLAT_CURL_LINKED the
 * functions are linked instead.
 *
 * libcurl starts itself (curl_global_init) when it is opened, which is safe beside other threads and other users of it
 * since 7.84; 7.85 is asked for, Debian 12 has 7.88. It is never ended: others in the process may use it.
 */
#ifndef MLP_CURL_TABLE_H
#define MLP_CURL_TABLE_H
#include <curl/curl.h>
#include <mlplat/error.h>

#define MLP_CURL_FUNCTIONS(X)                                                                                          \
    X(global_init)                                                                                                     \
    X(version_info)                                                                                                    \
    X(easy_init)                                                                                                       \
    X(easy_setopt)                                                                                                     \
    X(easy_getinfo)                                                                                                    \
    X(easy_strerror)                                                                                                   \
    X(easy_cleanup)                                                                                                    \
    X(slist_append)                                                                                                    \
    X(slist_free_all)                                                                                                  \
    X(multi_init)                                                                                                      \
    X(multi_setopt)                                                                                                    \
    X(multi_add_handle)                                                                                                \
    X(multi_remove_handle)                                                                                             \
    X(multi_perform)                                                                                                   \
    X(multi_poll)                                                                                                      \
    X(multi_info_read)                                                                                                 \
    X(multi_cleanup)

typedef struct mlp_curl {
#define MLP_CURL_MEMBER(name) __typeof__(curl_##name) *name;
    MLP_CURL_FUNCTIONS(MLP_CURL_MEMBER)
#undef MLP_CURL_MEMBER
    const char *encodings; /* what it unpacks and we ask for: "gzip, zstd"; static */
} mlp_curl;

/* name NULL: libcurl.so.4. UNSUPPORTED: not there, too old, without TLS. */
mlplat_status mlp_curl_open(const char *name, mlp_curl *out, mlplat_error *err);
const char *mlp_curl_ca(const mlp_curl *curl); /* the file of certificates it was built with; NULL: none */

#endif
