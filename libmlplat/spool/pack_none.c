/* Of builds without zstd: what waits stays as it is. */
#include "base/err.h"
#include "spool/pack.h"

mlplat_status mlp_pack_bytes(const unsigned char *base, size_t end, mlp_buf *out, mlplat_error *err)
{
    (void)base, (void)end, (void)out;
    return mlp_fail(err, MLPLAT_UNSUPPORTED, "this build has no zstd");
}

mlplat_status mlp_pack_open(const unsigned char *packed, size_t n, size_t least, unsigned char **out, size_t *size,
                            mlplat_error *err)
{
    (void)packed, (void)n, (void)least;
    *out = NULL;
    *size = 0;
    return mlp_fail(err, MLPLAT_UNSUPPORTED, "a packed journal segment needs a build with zstd");
}
