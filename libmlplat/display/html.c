#include "display/html.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>

mlplat_status mlp_html_take(const mlplat_doc *doc, const char *key, json_type type, const char *kind,
                            const json_t **out, mlplat_error *err)
{
    const json_t *json = doc ? mlp_doc_json(doc) : NULL;
    const json_t *member = key ? json_object_get(json, key) : json;
    *out = json;
    if (!json_is_object(json) || !member || json_typeof(member) != type)
        return mlp_fail(err, MLPLAT_INVALID, "the document is no %s: an object%s%s%s is expected", kind,
                        key ? " with \"" : "", key ? key : "", key ? "\"" : "");
    return MLPLAT_OK;
}

const char *mlp_html_run_name(const json_t *run)
{
    const json_t *info = json_object_get(run, "info");
    const char *name = mlp_markup_string(info, "run_name");
    return *name ? name : mlp_markup_string(info, "run_id");
}

double mlp_html_run_seconds(const json_t *run)
{
    const json_t *info = json_object_get(run, "info");
    int64_t start = mlp_markup_int(info, "start_time"), end = mlp_markup_int(info, "end_time");
    if (start <= 0)
        return -1;
    if (end <= 0 && strcmp(mlp_markup_string(info, "status"), "RUNNING") == 0)
        end = mlp_clock_ms();
    return end >= start ? ((double)end - (double)start) / 1000 : -1;
}

bool mlp_html_is_internal(const char *key)
{
    return mlp_text_starts(key, "mlflow.") || mlp_text_starts(key, "mlplat.");
}

void mlp_html_time_fact(mlp_buf *out, const char *label, int64_t ms)
{
    mlp_buf text = {0};
    mlp_markup_time(&text, ms);
    if (text.size)
        mlp_markup_fact(out, label, text.data);
    out->failed |= text.failed;
    mlp_buf_free(&text);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

mlplat_status mlp_html_count(json_t *counts, const char *key, mlplat_error *err)
{
    json_int_t before = json_integer_value(json_object_get(counts, key));
    return mlp_json_set(counts, key, json_integer(before + 1), err);
}

size_t mlp_html_commonest(const json_t *counts, size_t n, const char **out)
{
    size_t found = 0;
    json_int_t least = 1, most = 0;
    const char *key;
    json_t *count;
    json_object_foreach((json_t *)counts, key, count)
    {
        most = json_integer_value(count) > most ? json_integer_value(count) : most;
    }
    /* The smallest count that leaves no more than n; of what would be too many the first ones. */
    for (json_int_t low = 1, high = most; low <= high;) {
        json_int_t middle = (low + high) / 2;
        size_t above = 0;
        json_object_foreach((json_t *)counts, key, count) above += json_integer_value(count) >= middle;
        if (above >= n) {
            least = middle;
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    size_t equal = n;
    json_object_foreach((json_t *)counts, key, count) equal -= equal && json_integer_value(count) > least;
    json_object_foreach((json_t *)counts, key, count)
    {
        json_int_t has = json_integer_value(count);
        if (found < n && (has > least || (has == least && equal))) {
            equal -= has == least;
            out[found++] = key;
        }
    }
    return found;
}

const json_t *mlp_html_find(const json_t *list, const char *key)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (strcmp(mlp_markup_string(item, "key"), key) == 0)
            return item;
    }
    return NULL;
}

/* ---- what is better ---------------------------------------------------------------------------------------------- */

static bool is_among(const char *word, size_t n, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == n && strncasecmp(*words, word, n) == 0)
            return true;
    return false;
}

int mlp_html_better(const char *metric)
{
    static const char *const lower[] = {"loss",    "logloss", "error", "err",        "mse",   "rmse", "mae",
                                        "mape",    "msle",    "wer",   "cer",        "fpr",   "fnr",  "latency",
                                        "seconds", "ms",      "brier", "perplexity", "rmsle", "nll",  NULL};
    static const char *const higher[] = {"accuracy", "acc",   "auc",   "f1",          "precision",   "recall",
                                         "r2",       "score", "map",   "ap",          "ndcg",        "bleu",
                                         "rouge",    "iou",   "mrr",   "dice",        "tpr",         "tnr",
                                         "mcc",      "auroc", "auprc", "sensitivity", "specificity", NULL};
    int found = 0;
    for (const char *at = metric; *at;) {
        size_t n = 0;
        while (isalnum((unsigned char)at[n]))
            n++;
        if (n && is_among(at, n, lower))
            return -1;
        if (n && is_among(at, n, higher))
            found = 1;
        at += n ? n : 1;
    }
    return found;
}
