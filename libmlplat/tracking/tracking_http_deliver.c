/* Records that are a call each. All of them may come twice, as after a crash between the server's answer and our word
 * of it. */
#include "tracking/tracking_http_deliver.h"
#include "base/err.h"
#include <stdio.h>
#include <string.h>

/* ---- what all deliveries share ----------------------------------------------------------------------------------- */

mlplat_status mlp_deliver_call(const mlp_delivery *d, const char *path, json_t *body, mlplat_error *err)
{
    mlp_spool_asks(*d->store->spool, true);
    mlplat_status s = mlp_tracking_http_call(d->store, MLP_MLFLOW_SINK, path, body, NULL, NULL, err);
    if (s == MLPLAT_OK || (!err->retryable && s != MLPLAT_CANCELLED)) /* else it may still be on its way */
        mlp_spool_asks(*d->store->spool, false);
    return s;
}

mlplat_status mlp_deliver_get_run(const mlp_delivery *d, json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s = mlp_tracking_http_call(d->store, MLP_MLFLOW_GET_SINK, "runs/get",
                                             json_pack("{s:s}", "run_id", d->run), &answer, NULL, err);
    *out = json_incref(json_object_get(answer, "run"));
    json_decref(answer);
    return s;
}

mlplat_status mlp_deliver_has(mlp_delivery *d, const mlp_record *r, bool *has, mlplat_error *err)
{
    mlplat_status s =
        d->asked ? MLPLAT_OK : mlp_tracking_http_mark_get(d->store, d->journal, d->run, &d->mark, err);
    d->asked = s == MLPLAT_OK;
    *has = d->asked && r->seq <= d->mark;
    return s;
}

/* A page that is not there is the server's fault, a thing that is not there the record's: MLflow says which. */
static bool not_there(mlplat_status s, const mlplat_error *err)
{
    return s == MLPLAT_NOT_FOUND && strstr(err->message, "RESOURCE_DOES_NOT_EXIST");
}

bool mlp_deliver_refused(mlplat_status s, const mlplat_error *err)
{
    return !err->retryable && (s == MLPLAT_INVALID || s == MLPLAT_CONFLICT || s == MLPLAT_EXISTS ||
                               s == MLPLAT_STATE || not_there(s, err));
}

bool mlp_deliver_run_refused(const mlp_delivery *d, mlplat_status s, const mlplat_error *err)
{
    return s == MLPLAT_STATE || (not_there(s, err) && strstr(err->message, d->run));
}

void mlp_deliver_refuse(const mlp_delivery_item *item, mlplat_status status, const mlplat_error *err)
{
    item->verdict->status = status;
    snprintf(item->verdict->reason, sizeof item->verdict->reason, "%.199s", err->message);
}

/* ---- a call each ------------------------------------------------------------------------------------------------- */

/* The record's document with the run's id in it. */
static mlplat_status call_with(const mlp_delivery *d, const char *path, json_t *doc, mlplat_error *err)
{
    mlplat_status s = mlp_json_set(doc, "run_id", json_string(d->run), err);
    return s == MLPLAT_OK ? mlp_deliver_call(d, path, json_incref(doc), err) : s;
}

/* A tag that is gone already is deleted. */
static mlplat_status untag(const mlp_delivery *d, const mlp_record *r, mlplat_error *err)
{
    json_t *run = NULL;
    mlplat_status s = mlp_deliver_call(d, "runs/delete-tag",
                                       json_pack("{s:s, s:s%}", "run_id", d->run, "key", r->key, r->key_n), err);
    if (not_there(s, err))
        s = mlp_deliver_get_run(d, &run, err);
    json_decref(run);
    return s;
}

static mlplat_status log_inputs(const mlp_delivery *d, const char *kind, const json_t *list, mlplat_error *err)
{
    return mlp_deliver_call(d, "runs/log-inputs", json_pack("{s:s, s:O}", "run_id", d->run, kind, list), err);
}

/* Models first and by themselves: a server without logged models refuses them so, and drops them beside datasets. */
static mlplat_status inputs(const mlp_delivery *d, const json_t *doc, mlplat_error *err)
{
    const json_t *datasets = json_object_get(doc, "datasets"), *models = json_object_get(doc, "models");
    mlplat_status s = json_array_size(models) ? log_inputs(d, "models", models, err) : MLPLAT_OK;
    if (s == MLPLAT_INVALID && strstr(err->message, "required parameter 'datasets'"))
        s = mlp_fail(err, MLPLAT_UNSUPPORTED, "logged models need a server with MLflow 3.0 or newer");
    return s == MLPLAT_OK && json_array_size(datasets) ? log_inputs(d, "datasets", datasets, err) : s;
}

/* Outputs are refused where they are there: then nothing is left to do. */
static mlplat_status outputs(const mlp_delivery *d, json_t *doc, mlplat_error *err)
{
    json_t *run = NULL, *models = json_object_get(doc, "models");
    if (!json_array_size(models))
        return MLPLAT_OK;
    mlplat_status s = call_with(d, "runs/outputs", doc, err);
    if (s != MLPLAT_INVALID || mlp_deliver_get_run(d, &run, NULL) != MLPLAT_OK)
        return s;
    s = mlp_tracking_http_why_output(run, models, s, err);
    json_decref(run);
    return s;
}

/* The list in a tag, empty where there is none. Memory that ends is no reason to take it for empty. */
static mlplat_status list_in(const json_t *run, const mlp_record *r, json_t **list, mlplat_error *err)
{
    json_t *tags = json_object_get(json_object_get(run, "data"), "tags"), *one;
    size_t i;
    json_array_foreach(tags, i, one)
    {
        const json_t *key = json_object_get(one, "key"), *value = json_object_get(one, "value");
        if (!*list && json_string_length(key) == r->key_n && memcmp(json_string_value(key), r->key, r->key_n) == 0 &&
            json_is_string(value) &&
            mlp_json_parse(json_string_value(value), json_string_length(value), list, NULL) == MLPLAT_NO_MEMORY)
            return mlp_fail_memory(err);
    }
    if (json_is_array(*list))
        return MLPLAT_OK;
    json_decref(*list);
    *list = json_array();
    return *list ? MLPLAT_OK : mlp_fail_memory(err);
}

static bool is_in(const json_t *list, const json_t *entry)
{
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one) if (json_equal(one, entry)) return true;
    return false;
}

/* Read, changed and written: two programs at once on one run may lose an entry, as with MLflow's own client. An entry
 * that is the last one already was brought by an earlier try. */
static mlplat_status note(const mlp_delivery *d, const mlp_record *r, const json_t *doc, mlplat_error *err)
{
    json_t *run = NULL, *list = NULL, *entry = json_object_get(doc, "entry");
    mlp_buf text = {0};
    mlplat_status s = mlp_deliver_get_run(d, &run, err);
    if (s == MLPLAT_OK)
        s = list_in(run, r, &list, err);
    bool last = json_equal(json_array_get(list, json_array_size(list) - 1), entry);
    bool there = last || (json_is_true(json_object_get(doc, "once")) && is_in(list, entry));
    if (s == MLPLAT_OK && !there)
        s = mlp_json_push(list, json_incref(entry), err);
    if (s == MLPLAT_OK && !there)
        s = mlp_json_text(list, &text, err);
    if (s == MLPLAT_OK && !there)
        s = mlp_deliver_call(d, "runs/set-tag",
                             json_pack("{s:s, s:s%, s:s%}", "run_id", d->run, "key", r->key, r->key_n, "value",
                                       text.data, text.size),
                             err);
    mlp_buf_free(&text);
    json_decref(list);
    json_decref(run);
    return s;
}

static mlplat_status artifact(const mlp_delivery *d, const mlp_record *r, const json_t *doc, mlplat_error *err)
{
    json_t *run = NULL;
    mlplat_status s = mlp_deliver_get_run(d, &run, err);
    const char *uri = json_string_value(json_object_get(json_object_get(run, "info"), "artifact_uri"));
    const mlp_artifact_delivery file = {d->store->ml, *d->store->spool, d->run, uri};
    if (s == MLPLAT_OK)
        s = mlp_deliver_artifact(&file, r, doc, err);
    json_decref(run);
    return s;
}

static mlplat_status deliver(mlp_delivery *d, const mlp_record *r, const json_t *doc, mlplat_error *err)
{
    bool has = false;
    mlplat_status s = MLPLAT_OK;
    switch (r->kind) {
    case MLP_RECORD_UNTAG: /* what was done before tags that the run has was done */
        s = mlp_deliver_has(d, r, &has, err);
        return s != MLPLAT_OK || has ? s : untag(d, r, err);
    case MLP_RECORD_UPDATE:
        s = mlp_deliver_has(d, r, &has, err);
        return s != MLPLAT_OK || has ? s : call_with(d, "runs/update", (json_t *)doc, err);
    case MLP_RECORD_INPUTS:
        return inputs(d, doc, err);
    case MLP_RECORD_OUTPUTS:
        return outputs(d, (json_t *)doc, err);
    case MLP_RECORD_CREATE: /* it is there: its other records came here too */
        return MLPLAT_OK;
    case MLP_RECORD_NOTE:
        return note(d, r, doc, err);
    case MLP_RECORD_ARTIFACT:
        return artifact(d, r, doc, err);
    default:
        return mlp_fail(err, MLPLAT_INVALID, "a record of a kind that no server takes");
    }
}

mlplat_status mlp_deliver_other(mlp_delivery *d, const mlp_delivery_item *item, mlplat_error *err)
{
    json_t *doc = NULL;
    const mlp_record *r = item->record;
    mlplat_status s = r->text_n ? mlp_json_parse(r->text, r->text_n, &doc, err) : MLPLAT_OK;
    if (s == MLPLAT_OK)
        s = deliver(d, r, doc, err);
    json_decref(doc);
    bool old = s == MLPLAT_UNSUPPORTED && (r->kind == MLP_RECORD_INPUTS || r->kind == MLP_RECORD_OUTPUTS);
    if (s == MLPLAT_OK || (!old && !mlp_deliver_refused(s, err)))
        return s;
    mlp_deliver_refuse(item, s, err);
    return MLPLAT_OK;
}
