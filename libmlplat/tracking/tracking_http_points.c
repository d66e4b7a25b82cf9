/* Points of a server's metrics: it gives them page by page. */
#include "base/err.h"
#include "base/text.h"
#include "tracking/tracking_http.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbers come as numbers or, as JSON has no others, as texts. */
static double value_of(const json_t *value)
{
    const char *text = json_string_value(value);
    double v = NAN;
    if (!text)
        return json_number_value(value);
    if (strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0)
        return *text == '-' ? -HUGE_VAL : HUGE_VAL;
    mlp_text_to_double(text, &v);
    return v;
}

static int64_t whole_of(const json_t *point, const char *name)
{
    const json_t *value = json_object_get(point, name);
    int64_t number = 0;
    if (json_is_string(value))
        mlp_text_int64(json_string_value(value), &number);
    else
        number = json_integer_value(value);
    return number;
}

typedef mlp_offline_point point;

/* Every point, page after page, into a buffer of points. */
static mlplat_status read_server(void *store, const char *run_id, const char *key, mlp_buf *out, mlplat_error *err)
{
    json_t *page = NULL, *one;
    size_t i;
    mlplat_status s;
    do {
        json_t *last = page;
        const char *token = json_string_value(json_object_get(last, "next_page_token"));
        page = NULL;
        s = mlp_tracking_http_call(store, MLP_MLFLOW_GET, "metrics/get-history",
                                   json_pack("{s:s, s:s, s:i, s:s*}", "run_id", run_id, "metric_key", key,
                                             "max_results", 25000, "page_token", token),
                                   &page, NULL, err);
        json_array_foreach(json_object_get(page, "metrics"), i, one)
        {
            point p = {whole_of(one, "timestamp"), whole_of(one, "step"), value_of(json_object_get(one, "value"))};
            mlp_buf_add(out, &p, sizeof p);
        }
        json_decref(last);
    } while (s == MLPLAT_OK && json_string_length(json_object_get(page, "next_page_token")));
    json_decref(page);
    return s == MLPLAT_OK ? mlp_buf_ok(out, err) : s;
}

/* In order; of a run that waits those of its records. */
static mlplat_status read_all(mlp_tracking_http_store *store, const char *run_id, const char *key, mlp_buf *out,
                              mlplat_error *err)
{
    char id[MLP_TRACKING_HTTP_RUN_ID];
    bool waits = false;
    mlplat_status s = mlp_tracking_http_run_of(store, run_id, id, &waits, err);
    if (s == MLPLAT_OK)
        s = waits ? mlp_offline_points(*store->spool, run_id, key, out, err) : read_server(store, id, key, out, err);
    if (s == MLPLAT_OK)
        mlp_offline_sort(out);
    return s;
}

/* The same of a run that has to be there: a server tells no points of one that is not. */
static mlplat_status read_known(void *store, const char *run_id, const char *key, mlp_buf *out, mlplat_error *err)
{
    bool waits = false;
    mlplat_status s = read_all(store, run_id, key, out, err);
    if (s == MLPLAT_OK && !out->size)
        s = mlp_tracking_http_run_waits(store, run_id, &waits, err);
    return s == MLPLAT_OK && !out->size && !waits ? mlp_tracking_http_why_nothing(store, run_id, false, err) : s;
}

mlplat_status mlp_tracking_http_history(void *store, const mlp_history *wanted, json_t **out, mlplat_error *err)
{
    mlp_buf all = {0};
    mlplat_status s = read_known(store, wanted->run_id, wanted->key, &all, err);
    if (s == MLPLAT_OK)
        s = mlp_offline_history(&all, wanted, out, err);
    mlp_buf_free(&all);
    return s;
}

mlplat_status mlp_tracking_http_histories(void *store, const json_t *ids, const char *key, int64_t limit, json_t **out,
                                          mlplat_error *err)
{
    json_t *doc = json_object(), *list = json_array(), *id;
    size_t i;
    mlplat_status s = mlp_json_set(doc, "metrics", list, err);
    json_array_foreach((json_t *)ids, i, id)
    {
        mlp_buf all = {0};
        if (s == MLPLAT_OK)
            s = read_all(store, json_string_value(id), key, &all, err);
        if (s == MLPLAT_OK)
            s = mlp_offline_push(list, &all, key, json_string_value(id), limit, err);
        mlp_buf_free(&all);
    }
    if (s == MLPLAT_OK)
        *out = doc;
    else
        json_decref(doc);
    return s;
}

mlplat_status mlp_tracking_http_points(void *store, const char *run_id, const char *key, unsigned columns,
                                       const mlp_hook *hook, mlp_metric_points *out, mlplat_error *err)
{
    mlp_buf all = {0};
    (void)hook; /* the request calls the session's */
    mlplat_status s = read_known(store, run_id, key, &all, err);
    if (s == MLPLAT_OK)
        s = mlp_offline_columns(&all, columns, out, err);
    mlp_buf_free(&all);
    return s;
}

mlplat_status mlp_tracking_http_buckets(void *store, const char *run_id, const char *key, size_t n, bool by_time,
                                        mlp_buckets *out, mlplat_error *err)
{
    mlp_buf all = {0};
    mlplat_status s = read_known(store, run_id, key, &all, err);
    if (s == MLPLAT_OK)
        s = mlp_offline_buckets(&all, n, by_time, out, err);
    mlp_buf_free(&all);
    return s;
}
