#include "base/alloc.h"
#include "base/check.h"
#include "base/err.h"
#include "base/file.h"
#include "base/take.h"
#include "tracking/tracking_store.h"
#include "tracking/validate.h"
#include <string.h>

enum { ENSURE_ROUNDS = 4 }; /* between get and create somebody else may create, rename or delete */

/* *out: {key: value} of the options, checked. */
static mlplat_status parse_tags(const char *text, json_t **out, mlplat_error *err)
{
    const char *key;
    json_t *value;
    mlplat_status s = mlp_json_parse_tags(text, "experiment tags", out, err);
    json_object_foreach(*out, key, value) if (s == MLPLAT_OK) s =
        mlp_validate_experiment_tag(key, json_string_value(value), err);
    return s;
}

/* A plain path is made absolute: other processes have other working directories. */
static mlplat_status full_location(const char *location, char **out, mlplat_error *err)
{
    mlplat_status s = mlp_validate_location(location, err);
    if (s != MLPLAT_OK)
        return s;
    *out = strstr(location, ":/") ? mlp_strdup(location) : mlp_file_absolute(location);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlplat_experiment_create(mlplat *ml, const char *name, const mlplat_experiment_options *options,
                                       char **id, mlplat_error *err)
{
    mlplat_experiment_options o = MLPLAT_EXPERIMENT_OPTIONS_INIT;
    mlp_tracking *t = NULL;
    json_t *tags = NULL;
    char *location = NULL;
    *id = NULL;
    mlplat_status s = MLP_TAKE(&o, options, MLPLAT_EXPERIMENT_OPTIONS_INIT, err);
    if (s == MLPLAT_OK)
        s = mlp_validate_experiment_name(name, err);
    if (s == MLPLAT_OK)
        s = parse_tags(o.tags, &tags, err);
    if (s == MLPLAT_OK && o.artifact_location)
        s = full_location(o.artifact_location, &location, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_writable(t, err);
    if (s == MLPLAT_OK)
        s = t->ops->experiment_create(t->store, name, location, tags, id, err);
    json_decref(tags);
    mlp_free(location);
    return s;
}

/* The id of the experiment of this name. STATE: it is deleted. */
static mlplat_status active_id(mlp_tracking *t, const char *name, char **id, mlplat_error *err)
{
    json_t *doc = NULL;
    mlplat_status s = t->ops->experiment_by_name(t->store, name, &doc, err);
    const char *stage = json_string_value(json_object_get(doc, "lifecycle_stage"));
    const char *found = json_string_value(json_object_get(doc, "experiment_id"));
    if (s == MLPLAT_OK && stage && strcmp(stage, "deleted") == 0)
        s = mlp_fail(err, MLPLAT_STATE, "experiment '%s' (id %s) is deleted: restore it or take another name", name,
                     found);
    else if (s == MLPLAT_OK && !(*id = mlp_strdup(found)))
        s = mlp_fail_memory(err);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_experiment_ensure(mlplat *ml, const char *name, char **id, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    *id = NULL;
    mlplat_status s = mlp_validate_experiment_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s != MLPLAT_OK)
        return s;
    s = active_id(t, name, id, err);
    for (int round = 0; round < ENSURE_ROUNDS && s == MLPLAT_NOT_FOUND; round++) {
        s = mlplat_experiment_create(ml, name, NULL, id, err);
        if (s == MLPLAT_EXISTS)
            s = active_id(t, name, id, err);
    }
    if (s == MLPLAT_OK && err)
        *err = (mlplat_error){0}; /* what went wrong on the way is over */
    return s;
}

static mlplat_status give(mlplat_status s, json_t *json, mlplat_doc **out, mlplat_error *err)
{
    return s == MLPLAT_OK ? mlp_doc_new(json, out, err) : s;
}

mlplat_status mlplat_experiment_get(mlplat *ml, const char *id, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    mlplat_status s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->experiment_get(t->store, id, &json, err);
    return give(s, json, out, err);
}

mlplat_status mlplat_experiment_get_by_name(mlplat *ml, const char *name, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    mlplat_status s = mlp_validate_experiment_name(name, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->experiment_by_name(t->store, name, &json, err);
    return give(s, json, out, err);
}

mlplat_status mlplat_experiment_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out, mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    mlplat_status s = mlp_tracking_take_search(query, &q, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = t->ops->experiment_search(t->store, &q, &json, err);
    return give(s, json, out, err);
}

/* Opens for a change of what is there: what was logged before is stored before. */
static mlplat_status open_to_change(mlplat *ml, mlp_tracking **t, mlplat_error *err)
{
    mlplat_status s = mlp_tracking_of(ml, t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_writable(*t, err);
    return s == MLPLAT_OK ? mlp_tracking_settle(*t, err) : s;
}

mlplat_status mlplat_experiment_rename(mlplat *ml, const char *id, const char *new_name, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = mlp_validate_experiment_name(new_name, err);
    if (s == MLPLAT_OK)
        s = open_to_change(ml, &t, err);
    return s == MLPLAT_OK ? t->ops->experiment_rename(t->store, id, new_name, err) : s;
}

mlplat_status mlplat_experiment_delete(mlplat *ml, const char *id, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = open_to_change(ml, &t, err);
    return s == MLPLAT_OK ? t->ops->experiment_delete(t->store, id, err) : s;
}

mlplat_status mlplat_experiment_restore(mlplat *ml, const char *id, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = open_to_change(ml, &t, err);
    return s == MLPLAT_OK ? t->ops->experiment_restore(t->store, id, err) : s;
}

mlplat_status mlplat_experiment_set_tag(mlplat *ml, const char *id, const char *key, const char *value,
                                        mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = mlp_validate_experiment_tag(key, value, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_writable(t, err);
    return s == MLPLAT_OK ? t->ops->experiment_tag(t->store, id, key, value, err) : s;
}

mlplat_status mlplat_experiment_delete_tag(mlplat *ml, const char *id, const char *key, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_status s = mlp_check_text("experiment tag key", key, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_writable(t, err);
    return s == MLPLAT_OK ? t->ops->experiment_untag(t->store, id, key, err) : s;
}
