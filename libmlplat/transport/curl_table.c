#include "transport/curl_table.h"
#include "base/err.h"
#include <dlfcn.h>
#include <stddef.h>

#define CURL_NAME   "libcurl.so.4"
#define CURL_LEAST  0x075500 /* 7.85 */
#define CURL_PLACES "it comes with the package libcurl4 (Debian, Ubuntu) or libcurl (others)"

#ifdef MLPLAT_CURL_LINKED
static mlplat_status fill(const char *name, mlp_curl *out, mlplat_error *err)
{
    (void)name, (void)err;
#define TAKE(function) out->function = (curl_##function);
    MLP_CURL_FUNCTIONS(TAKE)
#undef TAKE
    return MLPLAT_OK;
}
#else
static mlplat_status fill(const char *name, mlp_curl *out, mlplat_error *err)
{
    const char *shown = name ? name : CURL_NAME;
    /* It stays: its threads and what it left to run at the end of the process must find it. */
    void *library = dlopen(shown, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "http:// and https:// need %s: " CURL_PLACES, shown);
    const char *missing = NULL;
#define TAKE(function)                                                                                                 \
    if (!(*(void **)&out->function = dlsym(library, "curl_" #function)))                                               \
        missing = "curl_" #function;
    MLP_CURL_FUNCTIONS(TAKE)
#undef TAKE
    dlclose(library);
    if (missing)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "%s has no %s: 7.85 or newer is needed; " CURL_PLACES, shown, missing);
    return MLPLAT_OK;
}
#endif

static const char *encodings(int features)
{
    if (features & CURL_VERSION_ZSTD)
        return (features & CURL_VERSION_LIBZ) ? "gzip, zstd" : "zstd";
    return (features & CURL_VERSION_LIBZ) ? "gzip" : NULL;
}

mlplat_status mlp_curl_open(const char *name, mlp_curl *out, mlplat_error *err)
{
    *out = (mlp_curl){0};
    mlplat_status s = fill(name, out, err);
    if (s != MLPLAT_OK)
        return s;
    const curl_version_info_data *have = out->version_info(CURLVERSION_NOW);
    if (have->version_num < CURL_LEAST)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "libcurl is %s here: 7.85 or newer is needed, older ones do not start "
                        "safely beside threads",
                        have->version);
    if (!(have->features & CURL_VERSION_SSL))
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "libcurl %s has no TLS here: " CURL_PLACES, have->version);
    out->encodings = encodings(have->features);
    return out->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
               ? MLPLAT_OK
               : mlp_fail(err, MLPLAT_UNSUPPORTED, "libcurl %s does not start", have->version);
}

const char *mlp_curl_ca(const mlp_curl *curl)
{
    const curl_version_info_data *have = curl->version_info(CURLVERSION_NOW);
    return have->age >= CURLVERSION_SEVENTH ? have->cainfo : NULL;
}
