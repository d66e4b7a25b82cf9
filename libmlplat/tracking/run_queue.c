#include "tracking/run_queue.h"
#include "base/alloc.h"
#include "base/err.h"
#include "tracking/run_mirror.h"
#include <string.h>

static mlp_record record_of(const mlplat_run *run, mlp_record_kind kind, const char *key, const char *text, size_t n)
{
    return (mlp_record){.kind = kind,
                        .run_id = run->id,
                        .run_id_n = run->id_n,
                        .key = key,
                        .key_n = strlen(key),
                        .text = text,
                        .text_n = n};
}

/* Who has not got it yet: the store's spool, the mirror's, both or none. */
enum { TO_SPOOL = 1, TO_MIRROR = 2 };

static int whom(const mlplat_run *run)
{
    return (mlp_tracking_queued(run->tracking) ? TO_SPOOL : 0) | (mlp_run_is_mirrored(run) ? TO_MIRROR : 0);
}

static mlplat_status put(const mlplat_run *run, int to, const mlp_record *records, size_t n, mlplat_error *err)
{
    mlplat_status s =
        to & TO_SPOOL ? mlp_spool_append(run->tracking->spool, records, n, run->durability, err) : MLPLAT_OK;
    if (s == MLPLAT_OK && (to & TO_MIRROR))
        mlp_run_mirror_put(run, records, n);
    return s;
}

/* body: stolen, NULL is NO_MEMORY. */
static mlplat_status queue(const mlplat_run *run, int to, mlp_record_kind kind, const char *key, json_t *body,
                           mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = body ? mlp_json_text(body, &text, err) : mlp_fail_memory(err);
    const mlp_record record = record_of(run, kind, key, text.data, text.size);
    if (s == MLPLAT_OK)
        s = put(run, to, &record, 1, err);
    mlp_buf_free(&text);
    json_decref(body);
    return s;
}

mlp_record mlp_run_queue_param(const mlplat_run *run, const mlp_param *param)
{
    return record_of(run, MLP_RECORD_PARAM, param->key, param->value, param->value_n);
}

static mlplat_status queue_params(mlplat_run *run, const mlp_param *params, size_t n, mlplat_error *err)
{
    mlp_record *records = mlp_alloc_array(n, sizeof *records);
    if (!records)
        return mlp_fail_memory(err);
    for (size_t i = 0; i < n; i++)
        records[i] = mlp_run_queue_param(run, &params[i]);
    mlplat_status s = put(run, whom(run), records, n, err);
    mlp_free(records);
    return s;
}

mlplat_status mlp_run_queue_params(mlplat_run *run, const mlp_param *params, size_t n, mlplat_error *err)
{
    const mlp_tracking *t = run->tracking;
    mlplat_status s = mlp_tracking_queued(t) ? MLPLAT_OK : mlp_tracking_settle(run->tracking, err);
    if (s == MLPLAT_OK && !mlp_tracking_queued(t))
        s = t->ops->run_params(t->store, run->id, params, n, err);
    return s == MLPLAT_OK && whom(run) ? queue_params(run, params, n, err) : s;
}

mlplat_status mlp_run_queue_untag(mlplat_run *run, const char *key, mlplat_error *err)
{
    const mlp_tracking *t = run->tracking;
    const mlp_record record = record_of(run, MLP_RECORD_UNTAG, key, NULL, 0);
    mlplat_status s = mlp_tracking_queued(t) ? MLPLAT_OK : mlp_tracking_settle(run->tracking, err);
    if (s == MLPLAT_OK && !mlp_tracking_queued(t))
        s = t->ops->run_untag(t->store, run->id, key, err);
    return s == MLPLAT_OK ? put(run, whom(run), &record, 1, err) : s;
}

json_t *mlp_run_queue_body(const mlplat_run_change *change)
{
    const char *name = change->name && *change->name ? change->name : NULL;
    json_t *body = json_pack("{s:s*, s:s*}", "status", change->status, "run_name", name);
    if (body && change->end_time_ms && json_object_set_new(body, "end_time", json_integer(change->end_time_ms)) != 0) {
        json_decref(body);
        return NULL;
    }
    return body;
}

mlplat_status mlp_run_queue_update(mlplat_run *run, const mlplat_run_change *change, mlplat_error *err)
{
    const mlp_tracking *t = run->tracking;
    mlplat_status s = mlp_tracking_queued(t) ? MLPLAT_OK : mlp_tracking_settle(run->tracking, err);
    if (s == MLPLAT_OK && !mlp_tracking_queued(t))
        s = t->ops->run_update(t->store, run->id, change, err);
    return s == MLPLAT_OK && whom(run)
               ? queue(run, whom(run), MLP_RECORD_UPDATE, "", mlp_run_queue_body(change), err)
               : s;
}

mlplat_status mlp_run_queue_inputs(mlplat_run *run, const json_t *datasets, const json_t *models, mlplat_error *err)
{
    const mlp_tracking *t = run->tracking;
    mlplat_status s;
    if (mlp_tracking_queued(t))
        s = queue(run, TO_SPOOL, MLP_RECORD_INPUTS, "",
                  json_pack("{s:O*, s:O*}", "datasets", datasets, "models", models), err);
    else if ((s = mlp_tracking_settle(run->tracking, err)) == MLPLAT_OK)
        s = t->ops->run_inputs(t->store, run->id, datasets, models, err);
    if (s != MLPLAT_OK || !mlp_run_is_mirrored(run) || !json_array_size(datasets))
        return s;
    return queue(run, TO_MIRROR, MLP_RECORD_INPUTS, "", json_pack("{s:O}", "datasets", datasets), err);
}

mlplat_status mlp_run_queue_outputs(const mlplat_run *run, const json_t *models, mlplat_error *err)
{
    const mlp_tracking *t = run->tracking;
    if (mlp_tracking_queued(t))
        return queue(run, TO_SPOOL, MLP_RECORD_OUTPUTS, "", json_pack("{s:O*}", "models", models), err);
    mlplat_status s = mlp_tracking_settle(run->tracking, err);
    return s == MLPLAT_OK ? t->ops->run_outputs(t->store, run->id, models, err) : s;
}

mlplat_status mlp_run_queue_note(mlplat_run *run, const char *tag, const json_t *entry, bool once, mlplat_error *err)
{
    const mlp_tracking *t = run->tracking;
    if (mlp_tracking_queued(t))
        return queue(run, TO_SPOOL, MLP_RECORD_NOTE, tag, json_pack("{s:O, s:b}", "entry", entry, "once", once), err);
    mlplat_status s = mlp_tracking_settle(run->tracking, err);
    return s == MLPLAT_OK ? t->ops->run_note(t->store, run->id, tag, entry, once, err) : s;
}
