#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/take.h"
#include "tracking/run_context.h"
#include "tracking/run_handle.h"
#include "tracking/run_mirror.h"
#include "tracking/run_name.h"
#include "tracking/run_offline.h"
#include "tracking/run_place.h"
#include "tracking/run_queue.h"
#include "tracking/validate.h"
#include <strings.h>
#include <string.h>

#define NAME_TAG   "mlflow.runName"
#define PARENT_TAG "mlflow.parentRunId"
#define NOTE_TAG   "mlflow.note.content"

/* A run on its way. */
typedef struct start {
    mlp_tracking *tracking;
    mlplat_run_options o;
    json_t *tags;
    char *experiment_id;
    const char *parent; /* lent; NULL: none */
    char made_name[21];
    mlplat_run *run; /* the handle in the making */
    mlp_run_new new;
    char op[33];
} start;

static const char *given(const char *option, const mlplat *ml, mlp_setting setting)
{
    return option ? option : mlp_session_setting(ml, setting);
}

/* ---- tags ------------------------------------------------------------------------------------------------------ */

static mlplat_status set_tag(const start *st, json_t *tags, const char *key, const char *value, mlplat_error *err)
{
    const mlplat *ml = st->tracking->ml;
    const char *cut = mlp_session_setting(ml, MLP_SET_TRUNCATE);
    bool may_cut = !cut || strcasecmp(cut, "true") == 0 || strcmp(cut, "1") == 0;
    size_t n = 0;
    mlplat_status s = mlp_check_key("tag key", key, err);
    if (s == MLPLAT_OK)
        s = mlp_validate_value("tag", key, value, mlp_run_tag_limit(st->tracking), may_cut, &ml->log, &n, err);
    return s == MLPLAT_OK ? mlp_json_set(tags, key, json_stringn(value, n), err) : s;
}

static mlplat_status add_given_tags(start *st, mlplat_error *err)
{
    json_t *tags = NULL;
    const char *key;
    json_t *value;
    mlplat_status s = mlp_json_parse_tags(st->o.tags, "run tags", &tags, err);
    json_object_foreach(tags, key, value) if (s == MLPLAT_OK) s =
        set_tag(st, st->tags, key, json_string_value(value), err);
    json_decref(tags);
    return s;
}

/* The name: of the call, of the tags, configured, made. */
static mlplat_status add_name(start *st, mlplat_error *err)
{
    const char *tag = json_string_value(json_object_get(st->tags, NAME_TAG));
    const char *name = st->o.name && *st->o.name ? st->o.name : NULL;
    mlplat_status s = MLPLAT_OK;
    if (name && tag && strcmp(name, tag) != 0)
        return mlp_fail(err, MLPLAT_INVALID, "run name is '%.80s' and tag " NAME_TAG " is '%.80s': give one of them",
                        name, tag);
    if (!name)
        name = tag && *tag ? tag : mlp_session_setting(st->tracking->ml, MLP_SET_RUN_NAME);
    if (!name || !*name) {
        s = mlp_run_name_make(st->made_name, err);
        name = st->made_name;
    }
    if (s == MLPLAT_OK)
        s = mlp_validate_run_name(name, err);
    return s == MLPLAT_OK ? mlp_json_set(st->tags, NAME_TAG, json_string(name), err) : s;
}

static mlplat_status make_tags(start *st, mlplat_error *err)
{
    const char *parent = given(st->o.parent_run_id, st->tracking->ml, MLP_SET_PARENT_RUN_ID);
    st->parent = parent && *parent ? parent : NULL;
    st->tags = json_object();
    mlplat_status s = st->tags ? mlp_run_context_add(st->o.source_name, st->tags, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = add_given_tags(st, err);
    if (s == MLPLAT_OK)
        s = add_name(st, err);
    if (s == MLPLAT_OK && st->parent && (s = mlp_check_run_id(st->parent, err)) == MLPLAT_OK)
        s = mlp_json_set(st->tags, PARENT_TAG, json_string(st->parent), err);
    if (s == MLPLAT_OK && st->o.description)
        s = set_tag(st, st->tags, NOTE_TAG, st->o.description, err);
    return s;
}

/* ---- start ----------------------------------------------------------------------------------------------------- */

static mlplat_status make_handle(void *user, json_t *doc, mlplat_error *err)
{
    start *st = user;
    mlplat_run_free(st->run);
    st->run = NULL;
    return mlp_run_handle_new(st->tracking, doc, st->o.durability, &st->run, err);
}

static mlplat_status create(void *user, mlplat_error *err)
{
    start *st = user;
    json_t *doc = NULL;
    mlplat_status s =
        mlp_run_place_choose(st->tracking, st->o.experiment, st->o.experiment_id, st->parent, &st->experiment_id, err);
    st->new.experiment_id = st->experiment_id;
    if (s == MLPLAT_OK)
        s = st->tracking->ops->run_create(st->tracking->store, &st->new, &doc, err);
    json_decref(doc);
    return s;
}

static mlplat_status create_far(start *st, mlplat_error *err)
{
    const mlp_run_offline far = {.tracking = st->tracking,
                                 .experiment = st->o.experiment,
                                 .experiment_id = st->o.experiment_id,
                                 .durability = st->o.durability,
                                 .online = create,
                                 .user = st};
    mlplat_status s = mlp_random_hex(st->op, err);
    st->new.op = st->op;
    return s == MLPLAT_OK ? mlp_run_offline_start(&far, &st->new, err) : s;
}

/* The name that was asked for is of use where the store cannot be asked for its own. */
static void mirror(start *st)
{
    const char *name = st->o.experiment, *id = st->o.experiment_id;
    (void)mlp_run_place_wish(st->tracking, &name, &id, NULL); /* it went well before */
    mlp_run_mirror_begin(st->run, &st->new, name);
}

static mlplat_status make(start *st, mlplat_run **out, mlplat_error *err)
{
    st->new = (mlp_run_new){
        .name = json_string_value(json_object_get(st->tags, NAME_TAG)),
        .user = json_string_value(json_object_get(st->tags, "mlflow.user")),
        .parent_run_id = st->parent,
        .start_time_ms = st->o.start_time_ms ? st->o.start_time_ms : mlp_clock_ms(),
        .tags = st->tags,
        .made = make_handle,
        .made_for = st,
    };
    mlplat_status s = mlp_run_mirror_id(st->tracking, st->op, &st->new.op, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_queued(st->tracking) ? create_far(st, err) : create(st, err);
    if (s != MLPLAT_OK) {
        mlplat_run_free(st->run);
        return s;
    }
    mirror(st);
    *out = st->run;
    return s;
}

static mlplat_status check_options(const mlplat_run_options *o, mlplat_error *err)
{
    if (o->start_time_ms < 0)
        return mlp_fail(err, MLPLAT_INVALID, "start_time_ms is %lld: it counts milliseconds since 1970",
                        (long long)o->start_time_ms);
    if ((int)o->durability < 0 || (int)o->durability > MLPLAT_DURABILITY_REMOTE)
        return mlp_fail(err, MLPLAT_INVALID, "durability %d is none: take an MLPLAT_DURABILITY_ value",
                        (int)o->durability);
    return MLPLAT_OK;
}

mlplat_status mlplat_run_start(mlplat *ml, const mlplat_run_options *options, mlplat_run **out, mlplat_error *err)
{
    start st = {.o = MLPLAT_RUN_OPTIONS_INIT};
    *out = NULL;
    mlplat_status s = MLP_TAKE(&st.o, options, MLPLAT_RUN_OPTIONS_INIT, err);
    if (s == MLPLAT_OK)
        s = check_options(&st.o, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &st.tracking, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_writable(st.tracking, err);
    if (s == MLPLAT_OK)
        s = make_tags(&st, err);
    if (s == MLPLAT_OK)
        s = make(&st, out, err);
    json_decref(st.tags);
    mlp_free(st.experiment_id);
    return s;
}

/* ---- resume, attach, end --------------------------------------------------------------------------------------- */

static mlplat_status check_active(const json_t *doc, const char *run_id, mlplat_error *err)
{
    const char *stage = json_string_value(json_object_get(json_object_get(doc, "info"), "lifecycle_stage"));
    if (stage && strcmp(stage, "active") == 0)
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_STATE, "run %s is deleted: restore it first", run_id);
}

/* What was logged through other handles of this process is stored first: steps go on after it. */
static mlplat_status attach(mlplat *ml, const char *run_id, mlp_tracking **t, mlplat_run **out, mlplat_error *err)
{
    json_t *doc = NULL;
    *out = NULL;
    mlplat_status s = mlp_check_run_id(run_id, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_writable(*t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_settle_run(*t, run_id, err);
    if (s == MLPLAT_OK)
        s = (*t)->ops->run_get((*t)->store, run_id, &doc, err);
    if (s == MLPLAT_OK)
        s = check_active(doc, run_id, err);
    if (s == MLPLAT_OK)
        s = mlp_run_handle_new(*t, doc, MLPLAT_DURABILITY_DEFAULT, out, err);
    if (s == MLPLAT_OK)
        mlp_run_mirror_attach(*out, doc);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_run_attach(mlplat *ml, const char *run_id, mlplat_run **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    return attach(ml, run_id, &t, out, err);
}

mlplat_status mlplat_run_resume(mlplat *ml, const char *run_id, mlplat_run **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = attach(ml, run_id, &t, out, err);
    const mlplat_run_change change = {.status = "RUNNING"};
    if (s == MLPLAT_OK)
        s = mlp_run_queue_update(*out, &change, err);
    if (s != MLPLAT_OK) {
        mlplat_run_free(*out);
        *out = NULL;
    }
    return s;
}

static mlplat_status check_final(const char *status, mlplat_error *err)
{
    if (strcmp(status, "FINISHED") == 0 || strcmp(status, "FAILED") == 0 || strcmp(status, "KILLED") == 0)
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "'%.40s' does not end a run: use FINISHED, FAILED or KILLED", status);
}

mlplat_status mlplat_run_end(mlplat_run *run, const char *status, mlplat_error *err)
{
    int open = MLP_RUN_OPEN;
    const mlplat_run_change change = {.status = status ? status : "FINISHED", .end_time_ms = mlp_clock_ms()};
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK)
        s = check_final(change.status, err);
    if (s != MLPLAT_OK)
        return s;
    if (!atomic_compare_exchange_strong(&run->phase, &open, MLP_RUN_ENDING))
        return mlp_fail(err, MLPLAT_STATE, "run %s is being ended by another thread", run->id);
    s = mlp_run_queue_update(run, &change, err);
    atomic_store(&run->phase, s == MLPLAT_OK ? MLP_RUN_ENDED : MLP_RUN_OPEN);
    return s;
}

/* ---- read and change ------------------------------------------------------------------------------------------- */

static mlplat_status open_settled(mlplat *ml, const char *run_id, mlp_tracking **t, mlplat_error *err)
{
    mlplat_status s = mlp_tracking_of(ml, t, err);
    return s == MLPLAT_OK ? mlp_tracking_settle_run(*t, run_id, err) : s;
}

mlplat_status mlplat_run_get(mlplat *ml, const char *run_id, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    mlplat_status s = mlp_check_run_id(run_id, err);
    if (s == MLPLAT_OK)
        s = open_settled(ml, run_id, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->run_get(t->store, run_id, &json, err);
    return s == MLPLAT_OK ? mlp_doc_new(json, out, err) : s;
}

mlplat_status mlplat_run_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out, mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    mlplat_status s = mlp_tracking_take_search(query, &q, err);
    if (s == MLPLAT_OK)
        s = open_settled(ml, NULL, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->run_search(t->store, &q, &json, err);
    return s == MLPLAT_OK ? mlp_doc_new(json, out, err) : s;
}

/* Opens for a change of a run that is there. */
static mlplat_status open_to_change(mlplat *ml, const char *run_id, mlp_tracking **t, mlplat_error *err)
{
    mlplat_status s = mlp_check_run_id(run_id, err);
    if (s == MLPLAT_OK)
        s = open_settled(ml, run_id, t, err);
    return s == MLPLAT_OK ? mlp_tracking_writable(*t, err) : s;
}

static mlplat_status check_change(const mlplat_run_change *change, mlplat_error *err)
{
    static const char *const names[] = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};
    bool known = !change->status;
    for (size_t i = 0; !known && i < sizeof names / sizeof names[0]; i++)
        known = strcmp(change->status, names[i]) == 0;
    if (!known)
        return mlp_fail(err, MLPLAT_INVALID, "'%.40s' is no status: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED",
                        change->status);
    if (change->end_time_ms < 0)
        return mlp_fail(err, MLPLAT_INVALID, "end_time_ms is %lld: it counts milliseconds since 1970",
                        (long long)change->end_time_ms);
    return change->name && *change->name ? mlp_validate_run_name(change->name, err) : MLPLAT_OK;
}

mlplat_status mlplat_run_update(mlplat *ml, const char *run_id, const mlplat_run_change *change, mlplat_error *err)
{
    mlplat_run_change c = MLPLAT_RUN_CHANGE_INIT;
    mlp_tracking *t = NULL;
    mlplat_status s = MLP_TAKE(&c, change, MLPLAT_RUN_CHANGE_INIT, err);
    if (s == MLPLAT_OK)
        s = check_change(&c, err);
    if (s == MLPLAT_OK)
        s = open_to_change(ml, run_id, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->run_update(t->store, run_id, &c, err);
    if (s == MLPLAT_OK)
        mlp_run_mirror_change(t, run_id, &c);
    return s;
}

mlplat_status mlplat_run_delete(mlplat *ml, const char *run_id, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = open_to_change(ml, run_id, &t, err);
    return s == MLPLAT_OK ? t->ops->run_delete(t->store, run_id, err) : s;
}

mlplat_status mlplat_run_restore(mlplat *ml, const char *run_id, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = open_to_change(ml, run_id, &t, err);
    return s == MLPLAT_OK ? t->ops->run_restore(t->store, run_id, err) : s;
}
