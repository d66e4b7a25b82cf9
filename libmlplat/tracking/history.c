#include "base/err.h"
#include "tracking/page.h"
#include "tracking/tracking_store.h"
#include "tracking/validate.h"

mlplat_status mlplat_metric_history(mlplat *ml, const char *run_id, const char *key, int64_t max_results,
                                    const char *page_token, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    int64_t offset = 0;
    *out = NULL;
    mlplat_status s = mlp_validate_run_id(run_id, err);
    if (s == MLPLAT_OK)
        s = mlp_validate_key("metric key", key, err);
    if (s == MLPLAT_OK && max_results < 0)
        s = mlp_fail(err, MLPLAT_INVALID, "max_results is %lld: 1 or more, or 0 for all", (long long)max_results);
    if (s == MLPLAT_OK)
        s = mlp_page_parse(page_token, &offset, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_settle(t, err);
    if (s == MLPLAT_OK)
        s = t->ops->history(t->store, run_id, key, max_results, offset, &json, err);
    return s == MLPLAT_OK ? mlp_doc_new(json, out, err) : s;
}
