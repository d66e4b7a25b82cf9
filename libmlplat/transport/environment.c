#include "transport/environment.h"
#include "base/err.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

const char *mlp_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

mlplat_status mlp_environment_flag(const char *name, bool *out, mlplat_error *err)
{
    const char *value = mlp_environment(name);
    if (!value)
        return MLPLAT_OK;
    bool yes = strcasecmp(value, "true") == 0 || strcasecmp(value, "1") == 0;
    if (!yes && strcasecmp(value, "false") != 0 && strcasecmp(value, "0") != 0)
        return mlp_fail(err, MLPLAT_INVALID, "%s is '%.60s': it is true or false", name, value);
    *out = yes;
    return MLPLAT_OK;
}

mlplat_status mlp_environment_number(const char *name, int64_t least, int64_t most, int64_t *out, mlplat_error *err)
{
    const char *value = mlp_environment(name);
    int64_t number = 0;
    if (!value)
        return MLPLAT_OK;
    if (!mlp_text_int64(value, &number) || number < least || number > most)
        return mlp_fail(err, MLPLAT_INVALID, "%s is '%.60s': it is a whole number from %" PRId64 " to %" PRId64, name,
                        value, least, most);
    *out = number;
    return MLPLAT_OK;
}
