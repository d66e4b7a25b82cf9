/* One metric of several runs. */
#include "base/alloc.h"
#include "base/check.h"
#include "base/err.h"
#include "tracking/tracking_store.h"
#include "tracking/validate.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The ids, cut at commas in place, blanks taken off. */
static mlplat_status cut(char *text, char **ids, size_t *n, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    char *rest = text, *id;
    *n = 0;
    while (s == MLPLAT_OK && (id = strsep(&rest, ","))) {
        id += strspn(id, " ");
        id[strcspn(id, " ")] = 0;
        s = mlp_check_run_id(id, err);
        ids[(*n)++] = id;
    }
    return s;
}

/* *out: the ids sorted, each once. */
static mlplat_status parse_ids(const char *run_ids, json_t **out, mlplat_error *err)
{
    size_t most = 1, n = 0;
    if (!run_ids || !*run_ids)
        return mlp_fail(err, MLPLAT_INVALID, "run_ids: expected ids joined by commas");
    for (const char *at = run_ids; (at = strchr(at, ',')); at++)
        most++;
    char *text = mlp_strdup(run_ids), **ids = mlp_alloc_array(most, sizeof *ids);
    *out = json_array();
    mlplat_status s = text && ids && *out ? cut(text, ids, &n, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        qsort(ids, n, sizeof *ids, by_text);
    for (size_t i = 0; s == MLPLAT_OK && i < n; i++)
        if (i == 0 || strcmp(ids[i], ids[i - 1]) != 0)
            s = mlp_json_push(*out, json_string(ids[i]), err);
    mlp_free(ids);
    mlp_free(text);
    return s;
}

mlplat_status mlplat_metric_history_bulk(mlplat *ml, const char *run_ids, const char *key, int64_t max_results,
                                         mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *ids = NULL, *json = NULL;
    *out = NULL;
    mlplat_status s = parse_ids(run_ids, &ids, err);
    if (s == MLPLAT_OK)
        s = mlp_check_key("metric key", key, err);
    if (s == MLPLAT_OK && max_results < 0)
        s = mlp_fail(err, MLPLAT_INVALID, "max_results is %" PRId64 ": 1 or more, or 0 for all", max_results);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_settle(t, err);
    if (s == MLPLAT_OK)
        s = t->ops->histories(t->store, ids, key, max_results, &json, err);
    json_decref(ids);
    return s == MLPLAT_OK ? mlp_doc_new(json, out, err) : s;
}
