#include "base/doc_path.h"
#include "base/err.h"
#include <string.h>

static mlplat_status not_a_path(const char *path, const char *at, const char *why, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_INVALID,
                    "'%.200s' is not a path: %s at byte %zu (like data.params[0].key or tags.`a.b`)", path, why,
                    (size_t)(at - path) + 1);
}

/* A key in backticks, a backtick in it doubled, into key; *at moves behind it. */
static mlplat_status quoted_key(const char *path, const char **at, mlp_buf *key, mlplat_error *err)
{
    const char *start = (*at)++;
    while (**at && (**at != '`' || (*at)[1] == '`')) {
        *at += **at == '`';
        mlp_buf_putc(key, *(*at)++);
    }
    if (!**at)
        return not_a_path(path, start, "a backtick that is not closed", err);
    (*at)++;
    return MLPLAT_OK;
}

static mlplat_status next_key(const char *path, const char **at, mlp_buf *key, mlplat_error *err)
{
    mlp_buf_clear(key);
    if (**at == '`')
        return quoted_key(path, at, key, err);
    size_t n = strcspn(*at, ".[]`");
    if (!n)
        return not_a_path(path, *at, "a key is missing", err);
    mlp_buf_add(key, *at, n);
    *at += n;
    return MLPLAT_OK;
}

/* "[12]" */
static mlplat_status next_index(const char *path, const char **at, size_t *index, mlplat_error *err)
{
    const char *start = (*at)++;
    size_t n = strspn(*at, "0123456789");
    bool huge = false;
    *index = 0;
    for (size_t i = 0; i < n; i++)
        huge = huge || __builtin_mul_overflow(*index, 10, index) ||
               __builtin_add_overflow(*index, (size_t)((*at)[i] - '0'), index);
    *at += n;
    if (!n || **at != ']')
        return not_a_path(path, start, "an index is a number in brackets", err);
    (*at)++;
    *index = huge ? SIZE_MAX : *index;
    return MLPLAT_OK;
}

/* One step; *json is NULL once nothing was found. The path is read to its end in any case: a bad one is always INVALID.
 */
static mlplat_status step(const char *path, const char **at, const json_t **json, mlp_buf *key, mlplat_error *err)
{
    size_t index;
    mlplat_status s;
    if (**at == '[') {
        s = next_index(path, at, &index, err);
        if (s == MLPLAT_OK)
            *json = json_array_get(*json, index);
        return s;
    }
    if (*at != path) {
        if (**at != '.')
            return not_a_path(path, *at, "a dot is missing", err);
        (*at)++;
    }
    s = next_key(path, at, key, err);
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(key, err);
    if (s == MLPLAT_OK)
        *json = json_object_get(*json, key->data ? key->data : "");
    return s;
}

mlplat_status mlp_doc_path_find(const json_t *root, const char *path, const json_t **out, mlplat_error *err)
{
    mlp_buf key = {0};
    const char *at = path, *missing = NULL;
    mlplat_status s = MLPLAT_OK;
    *out = root;
    while (s == MLPLAT_OK && *at) {
        s = step(path, &at, out, &key, err);
        if (!*out && !missing)
            missing = at;
    }
    if (s == MLPLAT_OK && missing)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "the document has nothing at '%.*s'",
                     (int)(missing - path < 200 ? missing - path : 200), path);
    mlp_buf_free(&key);
    return s;
}
