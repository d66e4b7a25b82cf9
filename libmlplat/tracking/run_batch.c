/* A document of metrics, params and tags: all of it is checked, then all of it is accepted. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "spool/metric_origin.h"
#include "tracking/run_mirror.h"
#include "tracking/run_queue.h"
#include "tracking/run_record.h"
#include "tracking/validate.h"
#include <math.h>
#include <string.h>

typedef struct batch {
    mlplat_run *run;
    json_t *doc;
    json_t *texts;       /* values that were no strings, as text, and what metrics are of */
    const char *model;   /* the logged model that was looked up last; lent by doc */
    mlp_record *records; /* metrics, tags, and for a server params */
    mlp_run_key **keys;  /* of the metrics */
    size_t n_metrics, n_records;
    mlp_param *params;
    size_t n_params;
    int64_t now;
} batch;

/* ---- the document's forms -------------------------------------------------------------------------------------- */

/* Calls fn with each key and item of {key: item} or [{"key": key, ...}]. */
typedef mlplat_status (*item_fn)(batch *b, const char *key, const json_t *item, mlplat_error *err);

static mlplat_status each(batch *b, const char *section, item_fn fn, mlplat_error *err)
{
    json_t *list = json_object_get(b->doc, section), *item;
    const char *key;
    size_t i;
    mlplat_status s = MLPLAT_OK;
    if (json_is_object(list)) {
        json_object_foreach(list, key, item) if (s == MLPLAT_OK) s = fn(b, key, item, err);
        return s;
    }
    json_array_foreach(list, i, item)
    {
        key = json_string_value(json_object_get(item, "key"));
        if (s == MLPLAT_OK && !key)
            s = mlp_fail(err, MLPLAT_INVALID, "%s[%zu] has no \"key\"", section, i);
        if (s == MLPLAT_OK)
            s = fn(b, key, item, err);
    }
    return s;
}

static size_t count(const batch *b, const char *section)
{
    const json_t *list = json_object_get(b->doc, section);
    return json_is_object(list) ? json_object_size(list) : json_array_size(list);
}

static mlplat_status check_sections(const json_t *doc, mlplat_error *err)
{
    const char *key;
    json_t *section;
    if (!json_is_object(doc))
        return mlp_fail(err, MLPLAT_INVALID, "the batch is no JSON object: it is {\"metrics\", \"params\", \"tags\"}");
    json_object_foreach((json_t *)doc, key, section)
    {
        if (strcmp(key, "metrics") != 0 && strcmp(key, "params") != 0 && strcmp(key, "tags") != 0)
            return mlp_fail(err, MLPLAT_INVALID, "the batch has \"%.60s\": only metrics, params and tags are known",
                            key);
        if (!json_is_object(section) && !json_is_array(section))
            return mlp_fail(err, MLPLAT_INVALID, "%s of the batch are neither an object nor a list", key);
    }
    return MLPLAT_OK;
}

/* The item itself, or its "value". */
static const json_t *value_of(const json_t *item)
{
    return json_is_object(item) ? json_object_get(item, "value") : item;
}

/* ---- items ----------------------------------------------------------------------------------------------------- */

static mlplat_status number_of(const char *key, const json_t *value, double *out, mlplat_error *err)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"NaN", (double)NAN}, {"Infinity", (double)INFINITY}, {"-Infinity", -(double)INFINITY}};
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < 3; i++)
        if (strcmp(text, names[i].name) == 0) {
            *out = names[i].value;
            return MLPLAT_OK;
        }
    if (!json_is_number(value))
        return mlp_fail(err, MLPLAT_INVALID,
                        "value of metric '%s' is no number (nor \"NaN\", \"Infinity\", \"-Infinity\")", key);
    *out = json_number_value(value);
    return MLPLAT_OK;
}

/* A whole number of the item; what is not there leaves *out. */
static mlplat_status whole_of(const char *key, const json_t *item, const char *name, int64_t *out, mlplat_error *err)
{
    const json_t *value = json_is_object(item) ? json_object_get(item, name) : NULL;
    double real = json_real_value(value);
    if (!value || json_is_null(value))
        return MLPLAT_OK;
    if (json_is_integer(value))
        *out = json_integer_value(value);
    else if (json_is_real(value) && real == floor(real) && fabs(real) < 9007199254740992.0)
        *out = (int64_t)real;
    else
        return mlp_fail(err, MLPLAT_INVALID, "%s of metric '%s' is no whole number", name, key);
    return MLPLAT_OK;
}

/* A text of the item, NULL if it has none. */
static mlplat_status text_at(const char *key, const json_t *item, const char *name, const char **out, mlplat_error *err)
{
    const json_t *value = json_is_object(item) ? json_object_get(item, name) : NULL;
    *out = json_string_length(value) ? json_string_value(value) : NULL;
    if (!value || json_is_null(value) || json_is_string(value))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "%s of metric '%s' is no text", name, key);
}

/* A metric may be of a logged model too; its dataset counts only then, as in MLflow. */
static mlplat_status add_origin(batch *b, const char *key, const json_t *item, mlp_record *record, mlplat_error *err)
{
    const mlp_tracking *t = b->run->tracking;
    const char *model, *dataset, *digest;
    mlplat_status s = text_at(key, item, "model_id", &model, err);
    if (s == MLPLAT_OK)
        s = text_at(key, item, "dataset_name", &dataset, err);
    if (s == MLPLAT_OK)
        s = text_at(key, item, "dataset_digest", &digest, err);
    if (s != MLPLAT_OK || !model)
        return s;
    if (!t->ops->model_check)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "metric '%s': this store has no logged models", key);
    if (!b->model || strcmp(b->model, model) != 0)
        s = t->ops->model_check(t->store, model, err);
    b->model = model;
    return s == MLPLAT_OK ? mlp_metric_origin_put(model, dataset, digest, b->texts, record, err) : s;
}

static mlplat_status add_metric(batch *b, const char *name, const json_t *item, mlplat_error *err)
{
    int64_t step = MLPLAT_STEP_AUTO, timestamp_ms = b->now;
    double value = 0;
    mlp_run_key *key = NULL;
    mlplat_status s = mlp_run_record_key(b->run, name, &key, err);
    if (s == MLPLAT_OK)
        s = number_of(name, value_of(item), &value, err);
    if (s == MLPLAT_OK)
        s = whole_of(name, item, "step", &step, err);
    if (s == MLPLAT_OK)
        s = whole_of(name, item, "timestamp", &timestamp_ms, err);
    if (s == MLPLAT_OK)
        s = mlp_validate_timestamp(name, timestamp_ms, err);
    if (s != MLPLAT_OK)
        return s;
    b->keys[b->n_metrics++] = key;
    b->records[b->n_records] = mlp_run_record_metric(b->run, key, value, step, timestamp_ms);
    return add_origin(b, name, item, &b->records[b->n_records++], err);
}

/* The value as text: a number or true and false as JSON writes them. Lent by the batch. */
static mlplat_status text_of(batch *b, const char *what, const char *key, const json_t *item, const char **out,
                             mlplat_error *err)
{
    const json_t *value = value_of(item);
    mlp_buf text = {0};
    *out = json_string_value(value);
    if (*out)
        return MLPLAT_OK;
    if (!json_is_number(value) && !json_is_boolean(value))
        return mlp_fail(err, MLPLAT_INVALID, "value of %s '%s' is no text", what, key);
    mlplat_status s = mlp_json_text(value, &text, err);
    if (s == MLPLAT_OK)
        s = mlp_json_push(b->texts, json_string(text.data), err);
    if (s == MLPLAT_OK)
        *out = json_string_value(json_array_get(b->texts, json_array_size(b->texts) - 1));
    mlp_buf_free(&text);
    return s;
}

static mlplat_status add_tag(batch *b, const char *key, const json_t *item, mlplat_error *err)
{
    const char *text = NULL;
    mlplat_status s = text_of(b, "tag", key, item, &text, err);
    if (s == MLPLAT_OK)
        s = mlp_run_record_tag(b->run, key, text, &b->records[b->n_records], err);
    b->n_records += s == MLPLAT_OK;
    return s;
}

static mlplat_status add_param(batch *b, const char *key, const json_t *item, mlplat_error *err)
{
    const char *text = NULL;
    mlplat_status s = text_of(b, "param", key, item, &text, err);
    if (s == MLPLAT_OK)
        s = mlp_run_record_param(b->run, key, text, &b->params[b->n_params], err);
    for (size_t i = 0; s == MLPLAT_OK && i < b->n_params; i++)
        if (strcmp(b->params[i].key, key) == 0)
            s = mlp_fail(err, MLPLAT_INVALID, "param '%s' is twice in the batch: a param has one value", key);
    b->n_params += s == MLPLAT_OK;
    return s;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static mlplat_status check_all(batch *b, mlplat_error *err)
{
    size_t metrics = count(b, "metrics"), params = count(b, "params"), tags = count(b, "tags");
    b->texts = json_array();
    b->records = mlp_alloc_array(metrics + tags + params, sizeof *b->records);
    b->keys = mlp_alloc_array(metrics, sizeof(mlp_run_key *));
    b->params = mlp_alloc_array(params, sizeof *b->params);
    mlplat_status s = b->texts && b->records && b->keys && b->params ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = each(b, "metrics", add_metric, err);
    if (s == MLPLAT_OK)
        s = each(b, "tags", add_tag, err);
    return s == MLPLAT_OK ? each(b, "params", add_param, err) : s;
}

static mlplat_status accept_all(batch *b, mlplat_error *err)
{
    const mlp_tracking *t = b->run->tracking;
    mlplat_status s = MLPLAT_OK;
    if (b->n_params && !mlp_tracking_queued(t))
        s = mlp_run_queue_params(b->run, b->params, b->n_params, err);
    for (size_t i = 0; mlp_tracking_queued(t) && i < b->n_params; i++)
        b->records[b->n_records++] = mlp_run_queue_param(b->run, &b->params[i]);
    for (size_t i = 0; s == MLPLAT_OK && i < b->n_metrics; i++)
        s = mlp_run_record_step(b->keys[i], &b->records[i].step, err);
    return s == MLPLAT_OK && b->n_records ? mlp_run_accept(b->run, b->records, b->n_records, err) : s;
}

mlplat_status mlplat_run_log_batch(mlplat_run *run, const char *text, mlplat_error *err)
{
    batch b = {.run = run, .now = mlp_clock_ms()};
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK && !text)
        s = mlp_fail(err, MLPLAT_INVALID, "the batch is NULL: it is a JSON object");
    if (s == MLPLAT_OK)
        s = mlp_json_parse(text, strlen(text), &b.doc, err);
    if (s == MLPLAT_OK)
        s = check_sections(b.doc, err);
    if (s == MLPLAT_OK)
        s = check_all(&b, err);
    if (s == MLPLAT_OK)
        s = accept_all(&b, err);
    mlp_free(b.records);
    mlp_free(b.keys);
    mlp_free(b.params);
    json_decref(b.texts);
    json_decref(b.doc);
    return s;
}
