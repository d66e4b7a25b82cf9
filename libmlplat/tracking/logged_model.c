/* Logged models, as programs see them. */
#include "base/alloc.h"
#include "base/check.h"
#include "base/err.h"
#include "base/take.h"
#include "tracking/run_name.h"
#include "tracking/run_place.h"
#include "tracking/validate.h"
#include <string.h>

/* Opens for a call about logged models, after what was logged before. */
static mlplat_status open_models(mlplat *ml, bool change, mlp_tracking **t, mlplat_error *err)
{
    mlplat_status s = mlp_tracking_of(ml, t, err);
    if (s == MLPLAT_OK && change)
        s = mlp_tracking_writable(*t, err);
    if (s == MLPLAT_OK && !(*t)->ops->model_create)
        s = mlp_fail(err, MLPLAT_UNSUPPORTED, "this store has no logged models");
    return s == MLPLAT_OK ? mlp_tracking_settle(*t, err) : s;
}

static mlplat_status open_model(mlplat *ml, const char *model_id, bool change, mlp_tracking **t, mlplat_error *err)
{
    mlplat_status s = mlp_check_text("model id", model_id, err);
    return s == MLPLAT_OK ? open_models(ml, change, t, err) : s;
}

static mlplat_status give(mlplat_status s, json_t *json, mlplat_doc **out, mlplat_error *err)
{
    if (s == MLPLAT_OK && out)
        return mlp_doc_new(json, out, err);
    json_decref(json);
    return s;
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

static mlplat_status take_options(const mlplat_logged_model_options *options, mlplat_logged_model_options *o,
                                  mlp_model_new *model, json_t *pairs[2], mlplat_error *err)
{
    mlplat_status s = MLP_TAKE(o, options, MLPLAT_LOGGED_MODEL_OPTIONS_INIT, err);
    if (s == MLPLAT_OK && o->name)
        s = mlp_validate_model_name(o->name, err);
    if (s == MLPLAT_OK && o->model_type)
        s = mlp_check_text("model type", o->model_type, err);
    if (s == MLPLAT_OK && o->source_run_id)
        s = mlp_check_run_id(o->source_run_id, err);
    if (s == MLPLAT_OK)
        s = mlp_json_parse_tags(o->params, "params of a logged model", &pairs[0], err);
    if (s == MLPLAT_OK)
        s = mlp_json_parse_tags(o->tags, "tags of a logged model", &pairs[1], err);
    *model = (mlp_model_new){.experiment_id = o->experiment_id,
                             .name = o->name,
                             .type = o->model_type,
                             .source_run_id = o->source_run_id,
                             .params = pairs[0],
                             .tags = pairs[1]};
    return s;
}

static mlplat_status choose_experiment(mlp_tracking *t, const mlplat_logged_model_options *o, char **id,
                                       mlplat_error *err)
{
    if (!o->experiment_id && o->source_run_id)
        return mlp_run_place_of(t, o->source_run_id, id, err);
    return mlp_run_place_choose(t, NULL, o->experiment_id, NULL, id, err);
}

static mlplat_status make_doc(void *user, json_t *json, mlplat_error *err)
{
    mlplat_doc **out = user;
    mlplat_doc_free(*out);
    *out = NULL;
    return mlp_doc_new(json_incref(json), out, err);
}

mlplat_status mlplat_logged_model_create(mlplat *ml, const mlplat_logged_model_options *options, mlplat_doc **out,
                                         mlplat_error *err)
{
    mlplat_logged_model_options o = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
    mlp_model_new model;
    mlp_tracking *t = NULL;
    json_t *pairs[2] = {0}, *json = NULL;
    char made_name[21], *experiment_id = NULL;
    *out = NULL;
    mlplat_status s = take_options(options, &o, &model, pairs, err);
    if (s == MLPLAT_OK && !o.name) {
        s = mlp_run_name_make(made_name, err);
        model.name = made_name;
    }
    if (s == MLPLAT_OK)
        s = open_models(ml, true, &t, err);
    if (s == MLPLAT_OK)
        s = choose_experiment(t, &o, &experiment_id, err);
    model.experiment_id = experiment_id;
    model.made = make_doc;
    model.made_for = out;
    if (s == MLPLAT_OK)
        s = t->ops->model_create(t->store, &model, &json, err);
    if (s != MLPLAT_OK) {
        mlplat_doc_free(*out);
        *out = NULL;
    }
    json_decref(json);
    json_decref(pairs[0]);
    json_decref(pairs[1]);
    mlp_free(experiment_id);
    return s;
}

/* ---- read and change --------------------------------------------------------------------------------------------- */

mlplat_status mlplat_logged_model_get(mlplat *ml, const char *model_id, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    mlplat_status s = open_model(ml, model_id, false, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->model_get(t->store, model_id, &json, err);
    return give(s, json, out, err);
}

mlplat_status mlplat_logged_model_search(mlplat *ml, const mlplat_logged_model_query *query, mlplat_doc **out,
                                         mlplat_error *err)
{
    mlplat_logged_model_query q = MLPLAT_LOGGED_MODEL_QUERY_INIT;
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    mlplat_status s = MLP_TAKE(&q, query, MLPLAT_LOGGED_MODEL_QUERY_INIT, err);
    if (s == MLPLAT_OK)
        s = open_models(ml, false, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->model_search(t->store, &q, &json, err);
    return give(s, json, out, err);
}

static mlplat_status status_of(const char *name, mlp_model_status *out, mlplat_error *err)
{
    static const struct {
        const char *name;
        mlp_model_status status;
    } names[] = {{"READY", MLP_MODEL_READY},
                 {"LOGGED_MODEL_READY", MLP_MODEL_READY},
                 {"FAILED", MLP_MODEL_FAILED},
                 {"UPLOAD_FAILED", MLP_MODEL_FAILED},
                 {"LOGGED_MODEL_UPLOAD_FAILED", MLP_MODEL_FAILED}};
    for (size_t i = 0; name && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i].name) == 0) {
            *out = names[i].status;
            return MLPLAT_OK;
        }
    return mlp_fail(err, MLPLAT_INVALID, "'%.40s' does not finalize a model: use READY or FAILED", name ? name : "");
}

mlplat_status mlplat_logged_model_finalize(mlplat *ml, const char *model_id, const char *status, mlplat_doc **out,
                                           mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlp_model_status to = MLP_MODEL_PENDING;
    json_t *json = NULL;
    if (out)
        *out = NULL;
    mlplat_status s = status_of(status, &to, err);
    if (s == MLPLAT_OK)
        s = open_model(ml, model_id, true, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->model_finalize(t->store, model_id, to, out ? &json : NULL, err);
    return give(s, json, out, err);
}

mlplat_status mlplat_logged_model_set_tags(mlplat *ml, const char *model_id, const char *tags, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    mlplat_status s = mlp_json_parse_tags(tags, "tags of a logged model", &json, err);
    if (s == MLPLAT_OK)
        s = open_model(ml, model_id, true, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->model_tags(t->store, model_id, json, err);
    json_decref(json);
    return s;
}

mlplat_status mlplat_logged_model_delete_tag(mlplat *ml, const char *model_id, const char *key, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = mlp_check_text("tag key", key, err);
    if (s == MLPLAT_OK)
        s = open_model(ml, model_id, true, &t, err);
    return s == MLPLAT_OK ? t->ops->model_untag(t->store, model_id, key, err) : s;
}

mlplat_status mlplat_logged_model_log_params(mlplat *ml, const char *model_id, const char *params, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    mlplat_status s = mlp_json_parse_tags(params, "params of a logged model", &json, err);
    if (s == MLPLAT_OK)
        s = open_model(ml, model_id, true, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->model_params(t->store, model_id, json, err);
    json_decref(json);
    return s;
}

mlplat_status mlplat_logged_model_delete(mlplat *ml, const char *model_id, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = open_model(ml, model_id, true, &t, err);
    return s == MLPLAT_OK ? t->ops->model_delete(t->store, model_id, err) : s;
}
