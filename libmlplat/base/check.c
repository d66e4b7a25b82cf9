#include "base/check.h"
#include "base/err.h"
#include "base/text.h"
#include "base/word_chars.h"
#include <string.h>

enum { SHOWN = 60 }; /* of a value in a message */

mlplat_status mlp_check_refuse(const char *what, const char *text, const char *why, mlplat_error *err)
{
    mlp_buf quoted = {0};
    mlp_text_quote(&quoted, text, SHOWN);
    mlplat_status s = mlp_fail(err, MLPLAT_INVALID, "%s %s: %s", what, quoted.data ? quoted.data : "", why);
    mlp_buf_free(&quoted);
    return s;
}

static mlplat_status refuse_length(const char *what, const char *name, size_t length, size_t limit, mlplat_error *err)
{
    mlp_buf quoted = {0};
    mlp_text_quote(&quoted, name, SHOWN);
    mlplat_status s = mlp_fail(err, MLPLAT_INVALID, "%s %s has %zu characters: at most %zu are allowed", what,
                               quoted.data ? quoted.data : "", length, limit);
    mlp_buf_free(&quoted);
    return s;
}

mlplat_status mlp_check_text(const char *what, const char *text, mlplat_error *err)
{
    if (!text)
        return mlp_fail(err, MLPLAT_INVALID, "%s is missing", what);
    if (!mlp_text_utf8(text, strlen(text)))
        return mlp_check_refuse(what, text, "not valid UTF-8: encode it so", err);
    return MLPLAT_OK;
}

mlplat_status mlp_check_length(const char *what, const char *text, size_t most, mlplat_error *err)
{
    size_t n = mlp_text_length(text);
    return n <= most ? MLPLAT_OK : refuse_length(what, text, n, most, err);
}

/* The next code point of valid UTF-8. */
uint32_t mlp_check_next_char(const unsigned char **at)
{
    const unsigned char *p = *at;
    int more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? *p : (uint32_t)(*p & (0x3f >> more));
    for (int i = 1; i <= more; i++)
        c = c << 6 | (p[i] & 0x3fu);
    *at = p + more + 1;
    return c;
}

static bool key_chars(const char *key)
{
    const unsigned char *p = (const unsigned char *)key;
    while (*p) {
        uint32_t c = mlp_check_next_char(&p);
        if (c == '\n' && !*p)
            return true; /* MLflow's pattern ends with $, which looks past one last newline */
        if (!mlp_word_chars_has(c) && !(c < 0x80 && strchr("/.- :", (int)c)))
            return false;
    }
    return true;
}

/* The key names a file in some stores, so it must be a path that names itself: "a/b", not "/a", "a//b", "a/", "a/../b".
 */
static bool key_path(const char *key)
{
    if (*key == '/' || strncmp(key, "..", 2) == 0)
        return false;
    for (const char *part = key;; part++) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part += n;
        if (!*part)
            return true;
    }
}

mlplat_status mlp_check_key(const char *what, const char *key, mlplat_error *err)
{
    mlplat_status s = mlp_check_text(what, key, err);
    if (s != MLPLAT_OK)
        return s;
    if (!*key)
        return mlp_fail(err, MLPLAT_INVALID, "%s is empty: give it a name", what);
    if (!key_chars(key))
        return mlp_check_refuse(what, key, "only letters, digits, '_', '-', '.', ':', '/' and spaces are allowed", err);
    if (!key_path(key))
        return mlp_check_refuse(
            what, key, "it must be a clean relative path: no '.' or '..' part, no slash at an end or doubled", err);
    return mlp_check_length(what, key, MLP_CHECK_KEY_MOST, err);
}

mlplat_status mlp_check_run_id(const char *id, mlplat_error *err)
{
    mlplat_status s = mlp_check_text("run id", id, err);
    if (s != MLPLAT_OK)
        return s;
    const unsigned char *p = (const unsigned char *)id;
    bool good = *p != '_' && *p < 0x80 && mlp_word_chars_has(*p);
    size_t n = 0;
    for (; good && *p; n++) {
        uint32_t c = mlp_check_next_char(&p);
        good = mlp_word_chars_has(c) || c == '-' || (c == '\n' && !*p);
        n -= c == '\n'; /* as for keys */
    }
    if (!good || n > 256)
        return mlp_check_refuse(
            "run id", id, "it is 1 to 256 letters, digits, '_' and '-', usually 32 hexadecimal digits", err);
    return MLPLAT_OK;
}
