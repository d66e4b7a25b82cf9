#include "base/check.h"
#include "base/err.h"
#include "db/page.h"
#include "tracking/tracking_store.h"
#include "tracking/validate.h"

#include <inttypes.h>

static mlplat_status points(mlplat *ml, const mlp_history *wanted, const char *page_token, mlplat_doc **out,
                            mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    mlp_history history = *wanted;
    *out = NULL;
    mlplat_status s = mlp_check_run_id(history.run_id, err);
    if (s == MLPLAT_OK)
        s = mlp_check_key("metric key", history.key, err);
    if (s == MLPLAT_OK && history.limit < 0)
        s = mlp_fail(err, MLPLAT_INVALID, "max_results is %" PRId64 ": 1 or more, or 0 for all", history.limit);
    if (s == MLPLAT_OK)
        s = mlp_page_parse(page_token, &history.offset, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_settle_run(t, history.run_id, err);
    if (s == MLPLAT_OK)
        s = t->ops->history(t->store, &history, &json, err);
    return s == MLPLAT_OK ? mlp_doc_new(json, out, err) : s;
}

mlplat_status mlplat_metric_history(mlplat *ml, const char *run_id, const char *key, int64_t max_results,
                                    const char *page_token, mlplat_doc **out, mlplat_error *err)
{
    mlp_history history = {.run_id = run_id, .key = key, .since_ms = INT64_MIN, .limit = max_results};
    return points(ml, &history, page_token, out, err);
}

mlplat_status mlplat_metric_history_since(mlplat *ml, const char *run_id, const char *key, int64_t since_ms,
                                          int64_t max_results, const char *page_token, mlplat_doc **out,
                                          mlplat_error *err)
{
    mlp_history history = {.run_id = run_id, .key = key, .since_ms = since_ms, .limit = max_results};
    *out = NULL;
    if (since_ms < 0)
        return mlp_fail(err, MLPLAT_INVALID, "since_ms is %" PRId64 ": milliseconds since 1970, 0 or more", since_ms);
    return points(ml, &history, page_token, out, err);
}
