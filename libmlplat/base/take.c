#include "base/take.h"
#include "base/err.h"
#include <string.h>

mlplat_status mlp_take(void *to, size_t room, const void *from, const char *what, const char *init, mlplat_error *err)
{
    size_t size = 0;
    if (!from)
        return MLPLAT_OK;
    memcpy(&size, from, sizeof size);
    if (size < sizeof size + sizeof(void *))
        return mlp_fail(err, MLPLAT_INVALID, "%s: size is %zu: start from %s", what, size, init);
    memcpy(to, from, size < room ? size : room);
    return MLPLAT_OK;
}
