#include "tracking/run_mirror.h"
#include "base/alloc.h"
#include "base/err.h"
#include "tracking/offline.h"
#include "tracking/run_queue.h"
#include <string.h>

enum { ASK_MS = 5000 };

/* ---- what is logged ---------------------------------------------------------------------------------------------- */

/* Nobody waits for the mirror. */
static mlplat_durability level(const mlplat_run *run)
{
    return run->durability == MLPLAT_DURABILITY_REMOTE ? MLPLAT_DURABILITY_DISK : run->durability;
}

static void missed(const mlp_tracking *t, size_t n, const mlplat_error *why)
{
    mlp_tracking *mirror = t->mirror;
    mlp_tracking_about about;
    mirror->ops->about(mirror->store, &about);
    if (atomic_fetch_add(&mirror->missed, n) == 0)
        mlp_log(&mirror->ml->log, MLPLAT_LOG_WARNING,
                "the mirror %s is not given what is logged (%s): the store alone has it", about.uri, why->message);
}

/* records: changed. */
static void put(const mlplat_run *run, mlp_record *records, size_t n)
{
    mlplat_error why = {0};
    for (size_t i = 0; i < n; i++) {
        records[i].run_id = run->mirror_id;
        records[i].run_id_n = strlen(run->mirror_id);
        if (records[i].kind == MLP_RECORD_METRIC)
            records[i].text_n = 0; /* which logged model it is of */
    }
    if (mlp_spool_append(run->tracking->mirror->spool, records, n, level(run), &why) != MLPLAT_OK)
        missed(run->tracking, n, &why);
}

void mlp_run_mirror_put(const mlplat_run *run, const mlp_record *records, size_t n)
{
    mlplat_error why = {0};
    mlp_record one = {0}, *many = n == 1 ? &one : mlp_alloc_array(n, sizeof *many);
    if (many) {
        memcpy(many, records, n * sizeof *many);
        put(run, many, n);
    } else {
        mlp_fail_memory(&why);
        missed(run->tracking, n, &why);
    }
    if (many != &one)
        mlp_free(many);
}

void mlp_run_mirror_span(const mlplat_run *run, const mlp_span *span)
{
    mlplat_error why = {0};
    mlp_span mine = *span;
    mine.run_id = run->mirror_id;
    mine.run_id_n = strlen(run->mirror_id);
    if (mlp_spool_append_span(run->tracking->mirror->spool, &mine, level(run), &why) != MLPLAT_OK)
        missed(run->tracking, span->n, &why);
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

mlplat_status mlp_run_mirror_id(const mlp_tracking *t, char room[MLP_OFFLINE_ID], const char **out, mlplat_error *err)
{
    if (!t->mirror || !t->mirror->ops->server)
        return MLPLAT_OK;
    *out = room;
    return mlp_offline_make_id(room, err);
}

/* What the store calls it. A server that does not answer is not waited for long, nor asked where the run waits. */
static json_t *experiment_there(const mlplat_run *run)
{
    const mlp_tracking *t = run->tracking;
    json_t *doc = NULL;
    bool waits = false;
    if (t->ops->hurry)
        t->ops->hurry(t->store, ASK_MS);
    if (t->ops->run_waits)
        (void)t->ops->run_waits(t->store, run->id, &waits, NULL);
    if (*run->experiment_id && !waits)
        (void)t->ops->experiment_get(t->store, run->experiment_id, &doc, NULL);
    if (t->ops->hurry)
        t->ops->hurry(t->store, 0);
    return doc;
}

/* *out: NULL where it is the first one, or the parent's. */
static mlplat_status experiment_of(const mlplat_run *run, const char *wish, char **out, mlplat_error *err)
{
    json_t *doc = experiment_there(run);
    const char *told = json_string_value(json_object_get(doc, "name")), *name = told ? told : wish;
    bool none = !name && (!*run->experiment_id || strcmp(run->experiment_id, "0") == 0);
    *out = none ? NULL : name ? mlp_strdup(name) : mlp_sprintf("experiment %s", run->experiment_id);
    json_decref(doc);
    return none || *out ? MLPLAT_OK : mlp_fail_memory(err);
}

/* The text of the record: offline.h. The tags tell a parent that the mirror may not have. */
static json_t *creation_of(const mlplat_run *run, const mlp_run_new *made, const char *experiment)
{
    const char *parent = made->parent_run_id;
    if (parent && (run->tracking->mirror->ops->server ? !mlp_offline_is_id(parent) : experiment != NULL))
        parent = NULL;
    return json_pack("{s:s, s:s*, s:s, s:s, s:I, s:s*, s:O}", "op", run->mirror_id, "experiment_name", experiment,
                     "run_name", run->name, "user_id", made->user ? made->user : "", "start_time",
                     (json_int_t)made->start_time_ms, "parent_run_id", parent, "tags", made->tags);
}

/* doc: stolen, NULL is NO_MEMORY. */
static mlplat_status put_doc(const mlplat_run *run, mlp_record_kind kind, json_t *doc, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = doc ? mlp_json_text(doc, &text, err) : mlp_fail_memory(err);
    const mlp_record record = {.kind = kind,
                               .run_id = run->mirror_id,
                               .run_id_n = strlen(run->mirror_id),
                               .key = "",
                               .text = text.data,
                               .text_n = text.size};
    if (s == MLPLAT_OK)
        s = mlp_spool_append(run->tracking->mirror->spool, &record, 1, level(run), err);
    mlp_buf_free(&text);
    json_decref(doc);
    return s;
}

/* Its record goes before all others of the run, or none goes. */
static mlplat_status make(mlplat_run *run, const char *id, const mlp_run_new *made, const char *wish,
                          mlplat_error *err)
{
    char *experiment = NULL;
    mlplat_status s = experiment_of(run, wish, &experiment, err);
    if (s == MLPLAT_OK && !(run->mirror_id = mlp_strdup(id)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = put_doc(run, MLP_RECORD_CREATE, creation_of(run, made, experiment), err);
    if (s != MLPLAT_OK) {
        mlp_free(run->mirror_id);
        run->mirror_id = NULL;
    }
    mlp_free(experiment);
    return s;
}

void mlp_run_mirror_begin(mlplat_run *run, const mlp_run_new *made, const char *experiment)
{
    mlplat_error why = {0};
    const mlp_tracking *mirror = run->tracking->mirror;
    const char *id = json_string_value(json_object_get(made->tags, MLP_OFFLINE_TAG));
    id = id && mlp_offline_is_id(id) ? id : run->id;
    if (!mirror)
        return;
    mlplat_status s = mirror->ops->server && !mlp_offline_is_id(id)
                          ? mlp_fail(&why, MLPLAT_UNSUPPORTED, "run %s was made without a mirror on a server", id)
                          : make(run, id, made, experiment, &why);
    if (s != MLPLAT_OK)
        missed(run->tracking, 1, &why);
}

static mlplat_status tags_of(const json_t *doc, json_t **out, mlplat_error *err)
{
    json_t *list = json_object_get(json_object_get(doc, "data"), "tags"), *tag;
    size_t i;
    mlplat_status s = (*out = json_object()) ? MLPLAT_OK : mlp_fail_memory(err);
    json_array_foreach(list, i, tag) if (s == MLPLAT_OK) s =
        mlp_json_set(*out, json_string_value(json_object_get(tag, "key")),
                     json_incref(json_object_get(tag, "value")), err);
    return s;
}

void mlp_run_mirror_attach(mlplat_run *run, const json_t *doc)
{
    mlplat_error why = {0};
    const json_t *info = json_object_get(doc, "info");
    json_t *tags = NULL;
    if (!run->tracking->mirror)
        return;
    mlplat_status s = tags_of(doc, &tags, &why);
    const mlp_run_new made = {.user = json_string_value(json_object_get(info, "user_id")),
                              .start_time_ms = json_integer_value(json_object_get(info, "start_time")),
                              .parent_run_id = json_string_value(json_object_get(tags, "mlflow.parentRunId")),
                              .tags = tags};
    if (s == MLPLAT_OK)
        mlp_run_mirror_begin(run, &made, NULL);
    else
        missed(run->tracking, 1, &why);
    json_decref(tags);
}

void mlp_run_mirror_change(mlp_tracking *t, const char *run_id, const mlplat_run_change *change)
{
    mlplat_error why = {0};
    mlplat_run *run = NULL;
    json_t *doc = NULL;
    if (!t->mirror)
        return;
    mlplat_status s = t->ops->run_get(t->store, run_id, &doc, &why);
    if (s == MLPLAT_OK)
        s = mlp_run_handle_new(t, doc, MLPLAT_DURABILITY_DEFAULT, &run, &why);
    if (s == MLPLAT_OK)
        mlp_run_mirror_attach(run, doc);
    if (s == MLPLAT_OK && mlp_run_is_mirrored(run))
        s = put_doc(run, MLP_RECORD_UPDATE, mlp_run_queue_body(change), &why);
    if (s != MLPLAT_OK)
        missed(t, 1, &why);
    mlplat_run_free(run);
    json_decref(doc);
}
