/*
 * Records of all kinds into MLflow's tables on a server. What a call did at once elsewhere is done by the same code
 * here, as a part of the sink's transaction. A run that was made offline has the id that it keeps, so that making it
 * twice makes one.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "tracking/deliver_artifact.h"
#include "tracking/offline.h"
#include "tracking/tracking_db.h"
#include <string.h>

enum { PARENTS_MOST = 64, TRIES = 3 };

static const char *text_in(const json_t *doc, const char *name)
{
    return json_string_value(json_object_get(doc, name));
}

/* ---- runs made offline ------------------------------------------------------------------------------------------- */

/* What is there by that name, or made; somebody else may make it at the same moment. */
static mlplat_status experiment_named(mlp_tracking_db_store *store, const char *name, char **id, mlplat_error *err)
{
    json_t *found = NULL;
    mlplat_status s = MLPLAT_EXISTS;
    for (int i = 0; i < TRIES && s == MLPLAT_EXISTS; i++) {
        s = mlp_tracking_db_experiment_by_name(store, name, &found, err);
        if (s == MLPLAT_NOT_FOUND)
            s = mlp_tracking_db_experiment_create(store, name, NULL, NULL, id, err);
    }
    if (found && !(*id = mlp_strdup(text_in(found, "experiment_id"))))
        s = mlp_fail_memory(err);
    json_decref(found);
    return s;
}

/* The one that was told when the server was asked for the run, or else one of its name. */
static mlplat_status experiment_of(mlp_tracking_db_store *store, const json_t *creation, char **id, mlplat_error *err)
{
    const char *name = text_in(creation, "experiment_name"), *given = text_in(creation, "experiment_id");
    const char *parent = text_in(creation, "parent_run_id");
    json_t *found = NULL;
    mlplat_status s = MLPLAT_OK;
    if (name) {
        s = given ? mlp_tracking_db_experiment_get(store, given, &found, err) : MLPLAT_NOT_FOUND;
        if (s == MLPLAT_NOT_FOUND)
            return experiment_named(store, name, id, err);
    } else if (!given && parent) {
        s = mlp_tracking_db_run_get(store, parent, &found, err);
        given = text_in(json_object_get(found, "info"), "experiment_id");
    }
    if (s == MLPLAT_OK && !(*id = mlp_strdup(given ? given : "0")))
        s = mlp_fail_memory(err);
    json_decref(found);
    return s;
}

static mlplat_status create(mlp_tracking_db_store *store, const char *run_id, const json_t *creation, mlplat_error *err)
{
    char *experiment = NULL;
    json_t *doc = NULL;
    const char *user = text_in(creation, "user_id");
    mlp_run_new run = {.name = text_in(creation, "run_name"),
                       .user = user && *user ? user : NULL,
                       .parent_run_id = text_in(creation, "parent_run_id"),
                       .start_time_ms = json_integer_value(json_object_get(creation, "start_time")),
                       .tags = json_object_get(creation, "tags"),
                       .op = run_id};
    mlplat_status s = run.name ? experiment_of(store, creation, &experiment, err)
                               : mlp_fail(err, MLPLAT_INVALID, "the record of run %.40s, made offline, is none of ours",
                                          run_id);
    run.experiment_id = experiment;
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_run_create(store, &run, &doc, err);
    json_decref(doc);
    mlp_free(experiment);
    return s == MLPLAT_EXISTS ? MLPLAT_OK : s; /* an earlier try was stored after all */
}

static mlplat_status make_waiting(mlp_tracking_db_store *store, const char *run_id, int parents, mlplat_error *err);

/* A parent made offline comes first. */
static mlplat_status make(mlp_tracking_db_store *store, const char *run_id, const json_t *creation, int parents,
                          mlplat_error *err)
{
    const char *parent = text_in(creation, "parent_run_id");
    mlplat_status s = mlp_tracking_db_run_active(store->db, run_id, strlen(run_id), err);
    if (s != MLPLAT_NOT_FOUND)
        return s == MLPLAT_STATE ? MLPLAT_OK : s; /* it is there, and somebody deleted it */
    s = parent ? mlp_tracking_db_run_active(store->db, parent, strlen(parent), err) : MLPLAT_OK;
    if (s == MLPLAT_NOT_FOUND && parents < PARENTS_MOST)
        s = make_waiting(store, parent, parents + 1, err);
    return s == MLPLAT_OK ? create(store, run_id, creation, err) : s;
}

/* NOT_FOUND: no journal knows of it. */
static mlplat_status make_waiting(mlp_tracking_db_store *store, const char *run_id, int parents, mlplat_error *err)
{
    json_t *creation = NULL;
    mlplat_status s = mlp_offline_creation(*store->spool, run_id, &creation, err);
    if (s == MLPLAT_OK && !creation)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "run %s is not in the store: check the id and the tracking URI", run_id);
    if (s == MLPLAT_OK)
        s = make(store, run_id, creation, parents, err);
    json_decref(creation);
    return s;
}

/* ---- by the sink ------------------------------------------------------------------------------------------------- */

typedef struct find_call {
    mlp_tracking_db_store *store;
    const char *run_id;
    size_t n;
} find_call;

static mlplat_status find_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const find_call *call = ctx;
    char *id = mlp_strndup(call->run_id, call->n);
    if (!id)
        return mlp_fail_memory(err);
    mlp_db_nest(db);
    mlplat_status s = make_waiting(call->store, id, 0, err);
    mlp_db_nest(NULL);
    mlp_free(id);
    return s;
}

static mlplat_status find(mlp_tracking_db_store *store, const char *run_id, size_t run_n, mlplat_error *err)
{
    find_call call = {store, run_id, run_n};
    return mlp_db_attempt(store->db, find_fn, &call, err);
}

/* A record with its texts ended, and its document. */
typedef struct parcel {
    char *run, *key, *value;
    json_t *doc;
} parcel;

static mlplat_status open_parcel(const mlp_record *r, parcel *p, mlplat_error *err)
{
    p->run = mlp_strndup(r->run_id, r->run_id_n);
    p->key = mlp_strndup(r->key, r->key_n);
    p->value = mlp_strndup(r->text ? r->text : "", r->text_n);
    mlplat_status s = p->run && p->key && p->value ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && r->kind != MLP_RECORD_PARAM && r->text_n)
        s = mlp_json_parse(r->text, r->text_n, &p->doc, err);
    return s;
}

static void free_parcel(parcel *p)
{
    mlp_free(p->run);
    mlp_free(p->key);
    mlp_free(p->value);
    json_decref(p->doc);
}

/* Somebody else may set it at the same moment: then it is there the next time. */
static mlplat_status put_param(mlp_tracking_db_store *store, const parcel *p, const mlp_record *r, mlplat_error *err)
{
    const mlp_param param = {p->key, p->value, r->text_n};
    mlplat_status s = MLPLAT_EXISTS;
    for (int i = 0; i < TRIES && s == MLPLAT_EXISTS; i++)
        s = mlp_tracking_db_run_params(store, p->run, &param, 1, err);
    return s;
}

static mlplat_status put_update(mlp_tracking_db_store *store, const parcel *p, mlplat_error *err)
{
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    change.name = text_in(p->doc, "run_name");
    change.status = text_in(p->doc, "status");
    change.end_time_ms = json_integer_value(json_object_get(p->doc, "end_time"));
    return mlp_tracking_db_run_update(store, p->run, &change, err);
}

/* What is no list is the tag's fault, and thereby the record's. */
static mlplat_status put_note(mlp_tracking_db_store *store, const parcel *p, mlplat_error *err)
{
    bool once = json_is_true(json_object_get(p->doc, "once"));
    mlplat_status s =
        mlp_tracking_db_run_note(store, p->run, p->key, json_object_get(p->doc, "entry"), once, err);
    return s == MLPLAT_CORRUPT ? MLPLAT_INVALID : s;
}

static mlplat_status put_parcel(mlp_tracking_db_store *store, const parcel *p, const mlp_record *r, mlplat_error *err)
{
    const json_t *models = json_object_get(p->doc, "models");
    mlplat_status s;
    switch (r->kind) {
    case MLP_RECORD_PARAM:
        return put_param(store, p, r, err);
    case MLP_RECORD_UNTAG: /* a tag that is gone already is deleted */
        s = mlp_tracking_db_run_untag(store, p->run, p->key, err);
        return s == MLPLAT_NOT_FOUND ? MLPLAT_OK : s;
    case MLP_RECORD_UPDATE:
        return put_update(store, p, err);
    case MLP_RECORD_INPUTS:
        return mlp_tracking_db_run_inputs(store, p->run, json_object_get(p->doc, "datasets"), models, err);
    case MLP_RECORD_OUTPUTS:
        return mlp_tracking_db_run_outputs(store, p->run, models, err);
    case MLP_RECORD_NOTE:
        return put_note(store, p, err);
    case MLP_RECORD_CREATE:
        return make(store, p->run, p->doc, 0, err);
    default:
        return mlp_fail(err, MLPLAT_INVALID, "a record of a kind that no database takes");
    }
}

static mlplat_status put(mlp_tracking_db_store *store, const mlp_record *r, mlplat_error *err)
{
    parcel p = {0};
    mlplat_status s = open_parcel(r, &p, err);
    mlp_db_nest(store->db);
    if (s == MLPLAT_OK)
        s = put_parcel(store, &p, r, err);
    mlp_db_nest(NULL);
    free_parcel(&p);
    return s;
}

/* ---- artifacts --------------------------------------------------------------------------------------------------- */

static mlplat_status get_run(mlp_tracking_db_store *store, const mlp_record *r, const char *run_id, json_t **out,
                             mlplat_error *err)
{
    find_call call = {store, r->run_id, r->run_id_n};
    mlplat_status s = mlp_tracking_db_run_get(store, run_id, out, err);
    if (s == MLPLAT_NOT_FOUND && (s = mlp_db_write_loose(store->db, find_fn, &call, err)) == MLPLAT_OK)
        s = mlp_tracking_db_run_get(store, run_id, out, err);
    return s;
}

static mlplat_status send(mlp_tracking_db_store *store, const mlp_record *r, mlplat_error *err)
{
    parcel p = {0};
    json_t *run = NULL;
    mlplat_status s = open_parcel(r, &p, err);
    if (s == MLPLAT_OK)
        s = get_run(store, r, p.run, &run, err);
    const mlp_artifact_delivery file = {store->ml, *store->spool, p.run,
                                        text_in(json_object_get(run, "info"), "artifact_uri")};
    if (s == MLPLAT_OK)
        s = mlp_deliver_artifact(&file, r, p.doc, err);
    json_decref(run);
    free_parcel(&p);
    return s;
}

/* ---- which runs of this process wait ----------------------------------------------------------------------------- */

bool mlp_tracking_postgres_waits(mlp_tracking_db_store *store, const char *run_id)
{
    pthread_mutex_lock(&store->waiting_lock);
    bool waits = json_object_get(store->waiting, run_id) != NULL;
    pthread_mutex_unlock(&store->waiting_lock);
    return waits;
}

mlplat_status mlp_tracking_postgres_wait(mlp_tracking_db_store *store, const char *run_id, bool waits,
                                         mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    pthread_mutex_lock(&store->waiting_lock);
    if (waits && !store->waiting && !(store->waiting = json_object()))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK && waits)
        s = mlp_json_set(store->waiting, run_id, json_true(), err);
    else if (s == MLPLAT_OK)
        json_object_del(store->waiting, run_id);
    pthread_mutex_unlock(&store->waiting_lock);
    return s;
}

/* Before their records go, so that whoever read them knows that they were all. */
static void done(mlp_tracking_db_store *store, const mlp_record *records, size_t n)
{
    char id[MLP_OFFLINE_ID];
    for (size_t i = 0; i < n; i++)
        if (records[i].kind == MLP_RECORD_CREATE && records[i].run_id_n < sizeof id) {
            memcpy(id, records[i].run_id, records[i].run_id_n);
            id[records[i].run_id_n] = 0;
            (void)mlp_tracking_postgres_wait(store, id, false, NULL);
        }
}

const mlp_tracking_db_records mlp_tracking_postgres_records = {.put = put, .find = find, .send = send, .done = done};
