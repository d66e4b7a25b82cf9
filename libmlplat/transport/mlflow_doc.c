/* What MLflow's documents have in common. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "transport/mlflow.h"
#include <stdlib.h>
#include <string.h>

json_t *mlp_mlflow_list(json_t *object, const char *name)
{
    json_t *list = json_object_get(object, name);
    if (!json_is_array(list) && json_is_object(object) && json_object_set_new(object, name, json_array()) == 0)
        list = json_object_get(object, name);
    return json_is_array(list) ? list : NULL;
}

mlplat_status mlp_mlflow_normal_list(mlplat_status s, json_t *answer, const char *name,
                                     mlplat_status (*normal)(json_t *one, mlplat_error *err), json_t **out,
                                     mlplat_error *err)
{
    size_t i;
    json_t *one, *list = s == MLPLAT_OK ? mlp_mlflow_list(answer, name) : NULL;
    if (s == MLPLAT_OK && !list)
        s = mlp_fail_memory(err);
    json_array_foreach(list, i, one) if (s == MLPLAT_OK) s = normal(one, err);
    if (s == MLPLAT_OK)
        *out = answer;
    else
        json_decref(answer);
    return s;
}

/* What an entry is known by; NULL: it has none. */
static const char *name_of(const json_t *entry)
{
    const char *key = json_string_value(json_object_get(entry, "key"));
    key = key ? key : json_string_value(json_object_get(entry, "alias"));
    return key ? key : json_string_value(entry);
}

static const char *key_of(const json_t *entry)
{
    const char *key = name_of(entry);
    return key ? key : "";
}

static int by_key(const void *a, const void *b)
{
    return strcmp(key_of(*(json_t *const *)a), key_of(*(json_t *const *)b));
}

static mlplat_status sort(json_t *list, bool aliases, mlplat_error *err)
{
    size_t n = json_array_size(list);
    if (!list)
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no list where one belongs");
    json_t **entries = mlp_alloc_array(n, sizeof(json_t *));
    if (!entries)
        return mlp_fail_memory(err);
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        entries[i] = json_incref(json_array_get(list, i));
        good = good && (aliases ? name_of(entries[i]) != NULL : json_is_string(json_object_get(entries[i], "key")));
    }
    qsort(entries, n, sizeof(json_t *), by_key);
    for (size_t i = 0; i < n; i++)
        json_array_set_new(list, i, entries[i]);
    mlp_free(entries);
    return good ? MLPLAT_OK : mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has an entry without a key");
}

mlplat_status mlp_mlflow_sort(json_t *list, mlplat_error *err)
{
    return sort(list, false, err);
}

mlplat_status mlp_mlflow_sort_aliases(json_t *list, mlplat_error *err)
{
    return sort(list, true, err);
}

void mlp_mlflow_unmark(json_t *tags)
{
    for (size_t i = json_array_size(tags); i-- > 0;) {
        const char *key = key_of(json_array_get(tags, i));
        if (strcmp(key, MLP_MLFLOW_OP) == 0 || mlp_text_starts(key, MLP_MLFLOW_MARK))
            json_array_remove(tags, i);
    }
}

json_t *mlp_mlflow_pairs(const json_t *tags)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach(
        (json_t *)tags, key,
        value) if (list && json_array_append_new(list, json_pack("{s:s, s:O}", "key", key, "value", value)) != 0)
    {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* "a, b DESC" as a list: a comma inside of quotes or backticks is none. */
mlplat_status mlp_mlflow_put_order(const char *order, json_t *body, mlplat_error *err)
{
    json_t *list = json_array();
    char quote = 0;
    mlplat_status s = list ? MLPLAT_OK : mlp_fail_memory(err);
    for (const char *from = order, *at = order; s == MLPLAT_OK && from; at++) {
        if (quote ? *at == quote : *at && strchr("`\"'", *at))
            quote = quote ? 0 : *at;
        if ((*at != ',' || quote) && *at)
            continue;
        s = mlp_json_push(list, json_stringn(from, (size_t)(at - from)), err);
        from = *at ? at + 1 + strspn(at + 1, " ") : NULL; /* versions are ordered by no name with a space before it */
    }
    mlplat_status also = mlp_json_set(body, "order_by", list, err);
    return s == MLPLAT_OK ? also : s;
}
