/* A run that waits, as its records tell it. */
#include "base/alloc.h"
#include "base/err.h"
#include "tracking/offline.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct view {
    json_t *creation, *info;        /* info: what records UPDATE say */
    json_t *metrics, *params, *tags; /* {key: ...} */
    json_t *datasets, *inputs, *outputs;
    bool failed; /* no memory */
} view;

/* False: no memory. What is no document is none. */
static bool parse(const mlp_record *r, json_t **out)
{
    return mlp_json_parse(r->text, r->text_n, out, NULL) != MLPLAT_NO_MEMORY;
}

static bool see_creation(void *user, const mlp_record *r)
{
    view *v = user;
    if (r->kind == MLP_RECORD_CREATE)
        v->failed = !parse(r, &v->creation);
    return !v->creation && !v->failed;
}

mlplat_status mlp_offline_creation(mlp_spool *spool, const char *run_id, json_t **out, mlplat_error *err)
{
    view v = {0};
    mlplat_status s = mlp_spool_scan(spool, run_id, see_creation, &v, err);
    if (s == MLPLAT_OK && v.failed)
        s = mlp_fail_memory(err);
    *out = s == MLPLAT_OK ? json_incref(v.creation) : NULL;
    json_decref(v.creation);
    return s;
}

/* ---- records into the view --------------------------------------------------------------------------------------- */

static bool set(json_t *object, const mlp_record *r, json_t *value)
{
    char *key = mlp_strndup(r->key, r->key_n);
    bool good = key && json_object_set_new(object, key, value) == 0;
    if (!key)
        json_decref(value);
    mlp_free(key);
    return good;
}

static bool get(const json_t *object, const mlp_record *r, json_t **value)
{
    char *key = mlp_strndup(r->key, r->key_n);
    bool good = key != NULL;
    *value = good ? json_object_get(object, key) : NULL;
    mlp_free(key);
    return good;
}

/* The metric's latest point, MLflow's way: of the largest step, then the latest, then the largest. */
static bool is_later(const json_t *than, const mlp_record *r)
{
    json_int_t step = json_integer_value(json_object_get(than, "step"));
    json_int_t time = json_integer_value(json_object_get(than, "timestamp"));
    const json_t *value = json_object_get(than, "value");
    if (!than || r->step != step || r->timestamp_ms != time)
        return !than || r->step > step || (r->step == step && r->timestamp_ms > time);
    return json_is_number(value) && r->value > json_number_value(value);
}

static bool add_metric(view *v, const mlp_record *r)
{
    json_t *before;
    if (!get(v->metrics, r, &before))
        return false;
    if (!is_later(before, r))
        return true;
    return set(v->metrics, r,
               json_pack("{s:s%, s:o, s:I, s:I}", "key", r->key, r->key_n, "value", mlp_json_double(r->value),
                         "timestamp", (json_int_t)r->timestamp_ms, "step", (json_int_t)r->step));
}

static bool add_param(view *v, const mlp_record *r)
{
    json_t *before;
    return get(v->params, r, &before) && (before || set(v->params, r, json_stringn(r->text, r->text_n)));
}

static bool add_edges(view *v, const mlp_record *r)
{
    json_t *doc = NULL;
    bool good = parse(r, &doc);
    json_t *datasets = json_object_get(doc, "datasets"), *models = json_object_get(doc, "models");
    if (datasets)
        good = json_array_extend(v->datasets, datasets) == 0 && good;
    if (models)
        good = json_array_extend(r->kind == MLP_RECORD_INPUTS ? v->inputs : v->outputs, models) == 0 && good;
    json_decref(doc);
    return good;
}

static bool add_update(view *v, const mlp_record *r)
{
    json_t *doc = NULL;
    bool good = parse(r, &doc) && (!doc || json_object_update(v->info, doc) == 0);
    json_t *name = json_object_get(doc, "run_name");
    if (name)
        good = json_object_set(v->tags, "mlflow.runName", name) == 0 && good;
    json_decref(doc);
    return good;
}

static bool add(view *v, const mlp_record *r)
{
    switch (r->kind) {
    case MLP_RECORD_METRIC:
        return add_metric(v, r);
    case MLP_RECORD_PARAM:
        return add_param(v, r);
    case MLP_RECORD_TAG:
        return set(v->tags, r, json_stringn(r->text, r->text_n));
    case MLP_RECORD_UNTAG: /* the run may have been made with it */
        return set(v->tags, r, json_null());
    case MLP_RECORD_UPDATE:
        return add_update(v, r);
    case MLP_RECORD_INPUTS:
    case MLP_RECORD_OUTPUTS:
        return add_edges(v, r);
    case MLP_RECORD_CREATE:
        return v->creation || parse(r, &v->creation);
    default:
        return true;
    }
}

static bool see(void *user, const mlp_record *r)
{
    view *v = user;
    v->failed = !add(v, r);
    return !v->failed;
}

/* ---- the view as a document -------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* {key: item} as a sorted list: an item that is a text as {"key", "value"}, one that is null not at all. */
static json_t *list_of(json_t *object)
{
    size_t n = json_object_size(object), i = 0;
    const char **keys = mlp_alloc_array(n + 1, sizeof *keys), *key;
    json_t *list = json_array(), *item;
    bool good = keys && list;
    json_object_foreach(object, key, item) if (good && !json_is_null(item)) keys[i++] = key;
    if (good)
        qsort(keys, n = i, sizeof *keys, by_key);
    for (i = 0; good && i < n; i++) {
        item = json_object_get(object, keys[i]);
        good = json_array_append_new(list, json_is_string(item)
                                               ? json_pack("{s:s, s:O}", "key", keys[i], "value", item)
                                               : json_incref(item)) == 0;
    }
    mlp_free(keys);
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *member(const json_t *object, const char *name, const char *otherwise)
{
    json_t *value = json_object_get(object, name);
    return value ? json_incref(value) : json_string(otherwise);
}

static json_t *info_of(const view *v, const char *run_id)
{
    const json_t *c = v->creation;
    json_t *info = json_pack("{s:s, s:o, s:o, s:o, s:s, s:O, s:s, s:s, s:s}", "run_id", run_id, "run_name",
                             member(c, "run_name", ""), "experiment_id", member(c, "experiment_id", ""), "user_id",
                             member(c, "user_id", ""), "status", "RUNNING", "start_time",
                             json_object_get(c, "start_time"), "artifact_uri", "", "lifecycle_stage", "active",
                             "delivery", "waiting");
    const json_t *name = json_object_get(c, "experiment_name");
    if (name && json_object_set(info, "experiment_name", (json_t *)name) != 0) {
        json_decref(info);
        return NULL;
    }
    if (info && json_object_update(info, v->info) == 0)
        return info;
    json_decref(info);
    return NULL;
}

/* Tags that were set later win over those that it was made with. */
static json_t *all_tags(const view *v)
{
    json_t *tags = json_object(), *made_with = json_object_get(v->creation, "tags");
    bool good = json_object_update(tags, made_with) == 0 && json_object_update(tags, v->tags) == 0;
    json_t *list = good ? list_of(tags) : NULL; /* json_copy would leave out what there is no memory for */
    json_decref(tags);
    return list;
}

static json_t *document(const view *v, const char *run_id)
{
    return json_pack("{s:o, s:{s:o, s:o, s:o}, s:{s:O, s:O}, s:{s:O}}", "info", info_of(v, run_id), "data", "metrics",
                     list_of(v->metrics), "params", list_of(v->params), "tags", all_tags(v), "inputs",
                     "dataset_inputs", v->datasets, "model_inputs", v->inputs, "outputs", "model_outputs", v->outputs);
}

static mlplat_status begin(view *v, mlplat_error *err)
{
    *v = (view){.info = json_object(), .metrics = json_object(), .params = json_object(), .tags = json_object(),
                .datasets = json_array(), .inputs = json_array(), .outputs = json_array()};
    return v->info && v->metrics && v->params && v->tags && v->datasets && v->inputs && v->outputs
               ? MLPLAT_OK
               : mlp_fail_memory(err);
}

static void end(view *v)
{
    json_t *parts[] = {v->creation, v->info, v->metrics, v->params, v->tags, v->datasets, v->inputs, v->outputs};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        json_decref(parts[i]);
}

static mlplat_status show(view *v, const char *run_id, json_t **out, mlplat_error *err)
{
    if (v->creation && !v->failed)
        *out = document(v, run_id);
    return v->failed || (v->creation && !*out) ? mlp_fail_memory(err) : MLPLAT_OK;
}

mlplat_status mlp_offline_run(mlp_spool *spool, const char *run_id, json_t **out, mlplat_error *err)
{
    view v;
    *out = NULL;
    mlplat_status s = begin(&v, err);
    if (s == MLPLAT_OK)
        s = mlp_spool_scan(spool, run_id, see, &v, err);
    if (s == MLPLAT_OK)
        s = show(&v, run_id, out, err);
    end(&v);
    return s;
}

mlplat_status mlp_offline_fresh(const char *run_id, const json_t *creation, json_t **out, mlplat_error *err)
{
    view v;
    *out = NULL;
    mlplat_status s = begin(&v, err);
    v.creation = json_incref((json_t *)creation);
    if (s == MLPLAT_OK)
        s = show(&v, run_id, out, err);
    end(&v);
    return s;
}
