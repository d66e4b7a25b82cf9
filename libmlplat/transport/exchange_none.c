/* The library was built where libcurl's headers were not: everything but the exchange itself is here. */
#include "base/err.h"
#include "transport/exchange.h"

mlplat_status mlp_lines_open(const char *library, mlp_lines **out, mlplat_error *err)
{
    (void)library;
    *out = NULL;
    return mlp_fail(err, MLPLAT_UNSUPPORTED,
                    "this libmlplat was built without HTTP: build it where the package "
                    "libcurl4-openssl-dev (Debian) or libcurl-devel (Fedora) is installed");
}

void mlp_lines_close(mlp_lines *lines)
{
    (void)lines;
}

void mlp_lines_abandon(mlp_lines *lines)
{
    (void)lines;
}

const char *mlp_lines_ca(const mlp_lines *lines)
{
    (void)lines;
    return NULL;
}

mlplat_status mlp_exchange_run(mlp_lines *lines, const mlp_exchange *exchange, mlp_http_response *response,
                               mlplat_error *err)
{
    (void)lines, (void)exchange, (void)response;
    return mlp_fail(err, MLPLAT_UNSUPPORTED, "this libmlplat was built without HTTP");
}
