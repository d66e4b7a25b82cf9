#include "pipelines/port_name.h"
#include "base/alloc.h"
#include "base/err.h"
#include <ctype.h>
#include <string.h>

char *mlp_port_name_sanitise(const char *name)
{
    size_t n = 0;
    char *out = mlp_alloc(strlen(name) + 1);
    if (!out)
        return NULL;
    for (const char *p = name; *p; p++) {
        int c = *p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p;
        bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (keep)
            out[n++] = (char)c;
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
    }
    if (n > 0 && out[n - 1] == '-')
        n--;
    out[n] = 0;
    return out;
}

bool mlp_port_name_pipeline(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n >= 1 && n <= 128 && !name[n] && name[0] != '-';
}

mlplat_status mlp_port_name_check(const char *name, const char *what, mlplat_error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-";
    if (!name || !*name)
        return mlp_fail(err, MLPLAT_INVALID, "%s has no name", what);
    size_t n = strspn(name, letters);
    if (name[n] || n > 128 || isdigit((unsigned char)name[0]) || name[0] == '-')
        return mlp_fail(err, MLPLAT_INVALID,
                        "%s has the name '%.60s'; names are letters, digits, _ and -, 128 at most, and start with a "
                        "letter or _",
                        what, name);
    return MLPLAT_OK;
}

bool mlp_port_name_safe(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > 200 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (name[i] == '/' || name[i] == '\\' || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return true;
}
