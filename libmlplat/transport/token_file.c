/* Tokens that somebody else renews: Kubernetes writes a new one into the file long before the old one ends. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "transport/credentials.h"
#include "transport/secret.h"
#include <string.h>

#define TOKEN_MOST ((size_t)65536)

mlplat_status mlp_token_file_read(const char *path, char **out, mlplat_error *err)
{
    mlp_buf text = {0};
    *out = NULL;
    mlplat_status s = mlp_file_read(path, TOKEN_MOST, &text, err);
    const char *at = s == MLPLAT_OK && text.data ? text.data + strspn(text.data, " \t\r\n") : "";
    size_t n = strcspn(at, " \t\r\n");
    bool alone = !at[n + strspn(at + n, " \t\r\n")] && (!text.data || strlen(text.data) == text.size);
    if (s == MLPLAT_OK && (!n || !alone))
        s = mlp_fail(err, MLPLAT_INVALID, "the file '%.300s' holds no token: it is one word, and nothing else", path);
    if (s == MLPLAT_OK && !(*out = mlp_strndup(at, n)))
        s = mlp_fail_memory(err);
    mlp_secret_clear(&text);
    return s;
}
