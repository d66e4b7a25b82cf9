/* What the caller asks for. */
#include "base/err.h"
#include "store/export_pick.h"
#include <mlplat/tracking.h>
#include <string.h>

static mlplat_status take_list(const char *text, const char *what, json_t **out, mlplat_error *err)
{
    size_t i;
    json_t *item;
    *out = NULL;
    if (!text)
        return MLPLAT_OK;
    mlplat_status s = mlp_json_parse(text, strlen(text), out, err);
    if (s != MLPLAT_OK)
        return mlp_fail_prefix(err, s, "%s", what);
    if (!json_is_array(*out))
        return mlp_fail(err, MLPLAT_INVALID, "%s: must be a JSON array of strings, like [\"fraud\"]", what);
    json_array_foreach(*out, i, item) if (!json_is_string(item)) return mlp_fail(
        err, MLPLAT_INVALID, "%s: item %zu is no string: it is a JSON array of strings, like [\"fraud\"]", what, i);
    return MLPLAT_OK;
}

/* Ids of the experiments asked for, joined by commas; "" with none asked for. */
static mlplat_status experiment_ids(mlplat *ml, const json_t *names, mlp_buf *out, mlplat_error *err)
{
    size_t i;
    json_t *name;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach((json_t *)names, i, name)
    {
        mlplat_doc *doc = NULL;
        const char *id = NULL;
        if (s == MLPLAT_OK)
            s = mlplat_experiment_get_by_name(ml, json_string_value(name), &doc, err);
        if (s == MLPLAT_OK)
            s = mlplat_doc_string(doc, "experiment_id", &id, err);
        if (s == MLPLAT_OK)
            mlp_buf_printf(out, "%s%s", i ? "," : "", id);
        mlplat_doc_free(doc);
    }
    return s == MLPLAT_OK ? mlp_buf_ok(out, err) : s;
}

static mlplat_status add_found(const mlplat_doc *page, json_t *found, mlplat_error *err)
{
    size_t i;
    json_t *run;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach(json_object_get(mlp_doc_json(page), "runs"), i, run) if (s == MLPLAT_OK) s =
        mlp_json_push(found, json_incref(json_object_get(json_object_get(run, "info"), "run_id")), err);
    return s;
}

static mlplat_status search(mlplat *ml, const char *filter, mlp_export_wish *wish, mlplat_error *err)
{
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_doc *page = NULL, *before = NULL;
    mlp_buf ids = {0};
    if (!(wish->found = json_array()))
        return mlp_fail_memory(err);
    mlplat_status s = experiment_ids(ml, wish->experiments, &ids, err);
    query.experiment_ids = ids.size ? ids.data : NULL;
    query.filter = filter;
    query.view = MLPLAT_VIEW_ALL;
    do {
        if (s == MLPLAT_OK)
            s = mlplat_run_search(ml, &query, &page, err);
        if (s == MLPLAT_OK)
            s = add_found(page, wish->found, err);
        mlplat_doc_free(before);
        before = page;
        page = NULL;
        if (s == MLPLAT_OK && mlplat_doc_string(before, "next_page_token", &query.page_token, NULL) != MLPLAT_OK)
            query.page_token = NULL;
    } while (s == MLPLAT_OK && query.page_token && *query.page_token);
    mlplat_doc_free(before);
    mlp_buf_free(&ids);
    return s;
}

mlplat_status mlp_export_wish_take(mlplat *ml, const char *experiments, const char *runs, const char *filter,
                                   const char *models, mlp_export_wish *out, mlplat_error *err)
{
    *out = (mlp_export_wish){0};
    mlplat_status s = take_list(experiments, "experiments", &out->experiments, err);
    if (s == MLPLAT_OK)
        s = take_list(runs, "runs", &out->runs, err);
    if (s == MLPLAT_OK)
        s = take_list(models, "models", &out->models, err);
    return s == MLPLAT_OK && filter ? search(ml, filter, out, err) : s;
}

void mlp_export_wish_free(mlp_export_wish *wish)
{
    json_decref(wish->experiments);
    json_decref(wish->runs);
    json_decref(wish->models);
    json_decref(wish->found);
    *wish = (mlp_export_wish){0};
}
