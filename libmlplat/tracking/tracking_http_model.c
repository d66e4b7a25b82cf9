/* Logged models of a server. */
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "tracking/tracking_http.h"
#include <string.h>

#define GET    MLP_MLFLOW_GET
#define AGAIN  MLP_MLFLOW_AGAIN
#define ONCE   MLP_MLFLOW_ONCE
#define OP     MLP_MLFLOW_OP
#define MODELS "logged-models"

mlplat_status mlp_tracking_http_model_normal(json_t *model, mlplat_error *err)
{
    json_t *info = json_object_get(model, "info");
    if (!json_string_length(json_object_get(info, "model_id")))
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no logged model");
    if (!json_is_object(json_object_get(model, "data")) && json_object_set_new(model, "data", json_object()) != 0)
        return mlp_fail_memory(err);
    static const char *const maybe[] = {"model_type", "source_run_id", "status_message"}; /* "" where there is none */
    for (size_t i = 0; i < sizeof maybe / sizeof maybe[0]; i++)
        if (!json_string_length(json_object_get(info, maybe[i])))
            json_object_del(info, maybe[i]);
    json_t *data = json_object_get(model, "data"), *tags = mlp_mlflow_list(info, "tags");
    mlplat_status s = mlp_mlflow_sort(tags, err);
    mlp_mlflow_unmark(tags);
    if (s == MLPLAT_OK)
        s = mlp_mlflow_sort(mlp_mlflow_list(data, "params"), err);
    return s == MLPLAT_OK && !mlp_mlflow_list(data, "metrics") ? mlp_fail_memory(err) : s;
}

/* The model in an answer, which is given back. */
static mlplat_status take(mlplat_status s, json_t *answer, json_t **out, mlplat_error *err)
{
    json_t *model = json_object_get(answer, "model");
    if (s == MLPLAT_OK)
        s = mlp_tracking_http_model_normal(model, err);
    if (s == MLPLAT_OK && out)
        *out = json_incref(model);
    json_decref(answer);
    return s;
}

/* ---- create ---------------------------------------------------------------------------------------------------- */

static json_t *create_body(const mlp_model_new *model, const char *op)
{
    json_t *tags = mlp_mlflow_pairs(model->tags);
    if (!tags || json_array_append_new(tags, json_pack("{s:s, s:s}", "key", OP, "value", op)) != 0) {
        json_decref(tags);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s*, s:s*, s:o, s:o}", "experiment_id", model->experiment_id, "name", model->name,
                     "model_type", model->type, "source_run_id", model->source_run_id, "params",
                     mlp_mlflow_pairs(model->params), "tags", tags);
}

/* Once more at most, with the same mark, where no model has it after an answer was lost. */
mlplat_status mlp_tracking_http_model_create(void *store, const mlp_model_new *model, json_t **out, mlplat_error *err)
{
    char op[33], filter[80];
    bool unclear = true;
    mlplat_status s = mlp_random_hex(op, err);
    snprintf(filter, sizeof filter, "tags.`" OP "` = '%s'", op);
    for (int i = 0; s == MLPLAT_OK && i < 2 && unclear && !*out; i++) {
        json_t *answer = NULL;
        s = mlp_tracking_http_call(store, ONCE, MODELS, create_body(model, op), &answer, &unclear, err);
        s = take(s, answer, out, err);
        if (s == MLPLAT_OK || !unclear)
            break;
        s = mlp_tracking_http_model_find(store, model->experiment_id, filter, out, err);
        s = s == MLPLAT_NOT_FOUND ? MLPLAT_OK : s;
    }
    if (s == MLPLAT_OK && !*out)
        s = mlp_fail(err, MLPLAT_UNAVAILABLE, "the server makes no logged model and does not say why");
    s = mlp_tracking_http_why_stage(store, model->experiment_id, "active", s, err);
    return s == MLPLAT_OK && model->made ? model->made(model->made_for, *out, err) : s;
}

/* ---- read and change ------------------------------------------------------------------------------------------- */

mlplat_status mlp_tracking_http_model_get(void *store, const char *id, json_t **out, mlplat_error *err)
{
    json_t *answer = NULL;
    mlplat_status s = mlp_tracking_http_call_id(store, GET, MODELS, id, "", json_object(), &answer, NULL, err);
    return take(s, answer, out, err);
}

mlplat_status mlp_tracking_http_model_check(void *store, const char *id, mlplat_error *err)
{
    return mlp_tracking_http_call_id(store, GET, MODELS, id, "", json_pack("{s:s}", "allow_deleted", "true"), NULL,
                                     NULL, err);
}

mlplat_status mlp_tracking_http_model_finalize(void *store, const char *id, mlp_model_status status, json_t **out,
                                               mlplat_error *err)
{
    json_t *answer = NULL,
           *body = json_pack("{s:s, s:s}", "model_id", id, "status",
                             status == MLP_MODEL_READY ? "LOGGED_MODEL_READY" : "LOGGED_MODEL_UPLOAD_FAILED");
    mlplat_status s = mlp_tracking_http_call_id(store, MLP_MLFLOW_PATCH, MODELS, id, "", body, &answer, NULL, err);
    return take(s, answer, out, err);
}

mlplat_status mlp_tracking_http_model_tags(void *store, const char *id, const json_t *tags, mlplat_error *err)
{
    return mlp_tracking_http_call_id(store, MLP_MLFLOW_PATCH, MODELS, id, "/tags",
                                     json_pack("{s:s, s:o}", "model_id", id, "tags", mlp_mlflow_pairs(tags)), NULL,
                                     NULL, err);
}

mlplat_status mlp_tracking_http_model_untag(void *store, const char *id, const char *key, mlplat_error *err)
{
    mlp_buf rest = {0};
    mlp_buf_puts(&rest, "/tags/");
    mlp_text_percent(&rest, key, "");
    mlplat_status s = mlp_buf_ok(&rest, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_http_call_id(store, MLP_MLFLOW_DELETE, MODELS, id, rest.data, json_object(), NULL, NULL, err);
    mlp_buf_free(&rest);
    return s;
}

mlplat_status mlp_tracking_http_model_params(void *store, const char *id, const json_t *params, mlplat_error *err)
{
    bool unclear = false;
    json_t *body = json_pack("{s:s, s:o}", "model_id", id, "params", mlp_mlflow_pairs(params));
    mlplat_status s = mlp_tracking_http_call_id(store, ONCE, MODELS, id, "/params", body, NULL, &unclear, err);
    return s == MLPLAT_OK ? s : mlp_tracking_http_why_model_param(store, id, params, unclear, s, err);
}

mlplat_status mlp_tracking_http_model_delete(void *store, const char *id, mlplat_error *err)
{
    return mlp_tracking_http_call_id(store, MLP_MLFLOW_DELETE, MODELS, id, "", json_object(), NULL, NULL, err);
}

/* ---- metrics --------------------------------------------------------------------------------------------------- */

/* A metric's points of the step, once more and with the model: the run has them, so that they are new to the model
 * alone. */
static mlplat_status push_points(void *store, const char *id, const char *run_id, const char *key, int64_t step,
                                 json_t *list, mlplat_error *err)
{
    json_t *history = NULL, *one;
    size_t i;
    const mlp_history wanted = {.run_id = run_id, .key = key};
    mlplat_status s = mlp_tracking_http_history(store, &wanted, &history, err);
    json_array_foreach(json_object_get(history, "metrics"), i, one)
    {
        if (s == MLPLAT_OK && json_integer_value(json_object_get(one, "step")) == step) {
            s = mlp_json_set(one, "model_id", json_string(id), err);
            if (s == MLPLAT_OK)
                s = mlp_json_push(list, json_incref(one), err);
        }
    }
    json_decref(history);
    return s;
}

static mlplat_status send_points(void *store, const char *run_id, json_t *points, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t from = 0; s == MLPLAT_OK && from < json_array_size(points); from += 1000) {
        json_t *some = json_array();
        for (size_t i = from; s == MLPLAT_OK && i < from + 1000 && i < json_array_size(points); i++)
            s = mlp_json_push(some, json_incref(json_array_get(points, i)), err);
        if (s == MLPLAT_OK)
            s = mlp_tracking_http_call(store, AGAIN, "runs/log-batch",
                                       json_pack("{s:s, s:o}", "run_id", run_id, "metrics", some), NULL, NULL, err);
        else
            json_decref(some);
    }
    return s;
}

mlplat_status mlp_tracking_http_model_metrics(void *store, const char *id, const char *run_id, int64_t step,
                                              mlplat_error *err)
{
    json_t *run = NULL, *points = json_array(), *one;
    size_t i;
    mlplat_status s = points ? mlp_tracking_http_run_get(store, run_id, &run, err) : mlp_fail_memory(err);
    json_array_foreach(json_object_get(json_object_get(run, "data"), "metrics"), i, one) if (s == MLPLAT_OK) s =
        push_points(store, id, run_id, json_string_value(json_object_get(one, "key")), step, points, err);
    if (s == MLPLAT_OK)
        s = send_points(store, run_id, points, err);
    json_decref(points);
    json_decref(run);
    return s;
}
