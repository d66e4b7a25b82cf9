/*
 * What a server's refusal is about. It is asked once the refusal came, so that what goes well costs nothing more; where
 * asking brings no light the refusal stays as the server told it.
 */
#include "base/err.h"
#include "tracking/tracking_http.h"
#include "tracking/tracking_search.h"
#include "tracking/validate.h"
#include <string.h>

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

mlplat_status mlp_tracking_http_why_stage(void *store, const char *id, const char *needed, mlplat_status s,
                                          mlplat_error *err)
{
    json_t *experiment = NULL;
    if ((s != MLPLAT_NOT_FOUND && s != MLPLAT_INVALID && s != MLPLAT_CONFLICT) ||
        mlp_tracking_http_experiment_get(store, id, &experiment, NULL) != MLPLAT_OK)
        return s;
    const char *stage = member(experiment, "lifecycle_stage");
    if (strcmp(stage, needed) != 0)
        s = mlp_fail(err, MLPLAT_STATE, "experiment %.40s is %.20s%s", id, stage,
                     strcmp(needed, "active") == 0 ? ": restore it first" : ": only a deleted one can be restored");
    json_decref(experiment);
    return s;
}

mlplat_status mlp_tracking_http_why_name(void *store, const char *name, const char *own_id, mlplat_status s,
                                         mlplat_error *err)
{
    json_t *experiment = NULL;
    if ((s != MLPLAT_EXISTS && s != MLPLAT_INVALID) ||
        mlp_tracking_http_experiment_by_name(store, name, &experiment, NULL) != MLPLAT_OK)
        return s;
    bool deleted = strcmp(member(experiment, "lifecycle_stage"), "deleted") == 0;
    const char *id = member(experiment, "experiment_id");
    if (!own_id || strcmp(own_id, id) != 0)
        s = mlp_fail(err, MLPLAT_EXISTS, "experiment '%s' exists already%s (id %s): %s", name,
                     deleted ? " and is deleted" : "", id,
                     deleted ? "restore it or take another name" : "use it or take another name");
    json_decref(experiment);
    return s;
}

/* The value of a param that a run has, lent; NULL: none. */
static const char *param_of(const json_t *run, const char *key)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(json_object_get(run, "data"), "params"), i, one)
    {
        if (strcmp(member(one, "key"), key) == 0)
            return member(one, "value");
    }
    return NULL;
}

mlplat_status mlp_tracking_http_why_param(const json_t *run, const mlp_param *param, mlplat_status s,
                                          mlplat_error *err)
{
    const char *is = param_of(run, param->key);
    if (!is || (strlen(is) == param->value_n && memcmp(is, param->value, param->value_n) == 0))
        return s;
    const char *run_id = json_string_value(json_object_get(json_object_get(run, "info"), "run_id"));
    return mlp_validate_param_change(run_id ? run_id : "", param->key, is, param->value, err);
}

static bool is_output(const json_t *run, const char *model_id)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(json_object_get(run, "outputs"), "model_outputs"), i, one)
    {
        if (strcmp(member(one, "model_id"), model_id) == 0)
            return true;
    }
    return false;
}

mlplat_status mlp_tracking_http_why_output(const json_t *run, const json_t *models, mlplat_status s,
                                           mlplat_error *err)
{
    size_t i, there = 0;
    json_t *one;
    const char *first = NULL;
    json_array_foreach((json_t *)models, i, one)
    {
        if (is_output(run, member(one, "model_id")) && !there++)
            first = member(one, "model_id");
    }
    if (!first)
        return s;
    return there == json_array_size(models)
               ? MLPLAT_OK
               : mlp_fail(err, MLPLAT_EXISTS, "logged model %.60s is an output of the run already", first);
}

/* The MLflow that a comparison came with, as "3.11"; NULL: 2.14 has it. */
static const char *release_of(const mlp_search *search, const mlp_search_term *t)
{
    bool of_experiments = search->language == &mlp_tracking_search_experiments;
    if (of_experiments && t->attribute && strcmp(t->attribute->name, "experiment_id") == 0)
        return "3.17";
    return t->how->group == MLP_SEARCH_NULL ? "3.11" : NULL;
}

static mlplat_status told_age(const mlp_search *search, mlplat_status s, mlplat_error *err)
{
    for (size_t i = 0; i < search->n_terms; i++) {
        const mlp_search_term *t = &search->terms[i];
        const char *release = release_of(search, t), *key = t->attribute ? t->attribute->name : t->key;
        if (release)
            return mlp_fail(err, MLPLAT_UNSUPPORTED, "'%.80s %s ...' needs a server with MLflow %s or newer", key,
                            t->how->words[0], release);
    }
    return s;
}

mlplat_status mlp_tracking_http_why_search(const mlp_search_language *language, const char *filter, const char *order,
                                           mlplat_status s, mlplat_error *err)
{
    mlp_search search = {0};
    mlplat_error mine = {0};
    if (s != MLPLAT_INVALID)
        return s;
    mlplat_status ours = mlp_search_parse(language, filter, order, &search, &mine);
    if (ours == MLPLAT_INVALID && err)
        *err = mine; /* it tells the place */
    if (ours == MLPLAT_OK)
        s = told_age(&search, s, err);
    mlp_search_free(&search);
    return s;
}

mlplat_status mlp_tracking_http_why_nothing(void *store, const char *run_id, bool active, mlplat_error *err)
{
    json_t *run = NULL;
    mlplat_status s = mlp_tracking_http_run_get(store, run_id, &run, err);
    if (s == MLPLAT_OK && active && strcmp(member(json_object_get(run, "info"), "lifecycle_stage"), "deleted") == 0)
        s = mlp_fail(err, MLPLAT_STATE, "run %.40s is deleted: restore it first", run_id);
    json_decref(run);
    return s;
}

mlplat_status mlp_tracking_http_why_model_param(void *store, const char *id, const json_t *params, bool unclear,
                                                mlplat_status s, mlplat_error *err)
{
    const char *key, *first = NULL;
    json_t *model = NULL, *value;
    size_t there = 0;
    if ((!unclear && s != MLPLAT_INVALID) || mlp_tracking_http_model_get(store, id, &model, NULL) != MLPLAT_OK)
        return s;
    json_object_foreach((json_t *)params, key, value)
    {
        const char *is = param_of(model, key);
        first = is && !first ? key : first;
        there += is && strcmp(is, json_string_value(value)) == 0;
    }
    if (unclear && there == json_object_size(params))
        s = MLPLAT_OK;
    else if (!unclear && first)
        s = mlp_fail(err, MLPLAT_EXISTS, "logged model %.60s has the param '%.80s' already: params do not change", id,
                     first);
    json_decref(model);
    return s;
}
