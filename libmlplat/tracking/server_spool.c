#include "tracking/server_spool.h"
#include "base/alloc.h"
#include "base/sha256.h"
#include <stdlib.h>
#include <string.h>

char *mlp_server_spool_folder(const char *address)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    mlp_sha256 sha;
    char hex[65];
    mlp_sha256_begin(&sha);
    mlp_sha256_add(&sha, address, strlen(address));
    mlp_sha256_end(&sha, hex);
    if (state && *state == '/')
        return mlp_sprintf("%s/mlplat/spool/%.16s", state, hex);
    return mlp_sprintf("%s/.local/state/mlplat/spool/%.16s", home && *home ? home : "/var/tmp", hex);
}
