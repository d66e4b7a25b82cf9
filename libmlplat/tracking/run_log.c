/* Logging: what a call takes is checked, stamped and handed to the spool. */
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "tracking/run_mirror.h"
#include "tracking/run_queue.h"
#include "tracking/run_record.h"
#include "tracking/validate.h"
#include <string.h>

/* ---- metrics --------------------------------------------------------------------------------------------------- */

mlplat_status mlp_run_record_key(mlplat_run *run, const char *name, mlp_run_key **out, mlplat_error *err)
{
    *out = name ? mlp_run_keys_find(&run->keys, name) : NULL;
    if (*out)
        return MLPLAT_OK; /* it was checked when it came first */
    mlplat_status s = mlp_check_key("metric key", name, err);
    return s == MLPLAT_OK ? mlp_run_keys_add(&run->keys, name, out, err) : s;
}

static mlplat_status out_of_steps(const mlp_run_key *key, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_INVALID, "metric '%s' has had the largest step: name the steps from now on", key->name);
}

mlplat_status mlp_run_record_step(mlp_run_key *key, int64_t *step, mlplat_error *err)
{
    if (*step != MLPLAT_STEP_AUTO) {
        mlp_run_keys_pass_step(key, *step);
        return MLPLAT_OK;
    }
    return mlp_run_keys_take_steps(key, 1, step) ? MLPLAT_OK : out_of_steps(key, err);
}

mlp_record mlp_run_record_metric(const mlplat_run *run, const mlp_run_key *key, double value, int64_t step,
                                 int64_t timestamp_ms)
{
    return (mlp_record){
        .kind = MLP_RECORD_METRIC,
        .run_id = run->id,
        .run_id_n = run->id_n,
        .key = key->name,
        .key_n = key->n,
        .value = value,
        .step = step,
        .timestamp_ms = timestamp_ms,
    };
}

mlplat_status mlplat_run_log_metric_at(mlplat_run *run, const char *name, double value, int64_t step,
                                       int64_t timestamp_ms, mlplat_error *err)
{
    mlp_run_key *key = NULL;
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK)
        s = mlp_run_record_key(run, name, &key, err);
    if (s == MLPLAT_OK && timestamp_ms == MLPLAT_TIME_NOW)
        timestamp_ms = mlp_clock_ms();
    if (s == MLPLAT_OK)
        s = mlp_validate_timestamp(key->name, timestamp_ms, err);
    if (s == MLPLAT_OK)
        s = mlp_run_record_step(key, &step, err);
    if (s != MLPLAT_OK)
        return s;
    const mlp_record record = mlp_run_record_metric(run, key, value, step, timestamp_ms);
    return mlp_run_accept(run, &record, 1, err);
}

mlplat_status mlplat_run_log_metric(mlplat_run *run, const char *key, double value, int64_t step, mlplat_error *err)
{
    return mlplat_run_log_metric_at(run, key, value, step, MLPLAT_TIME_NOW, err);
}

/* All steps and times of a span, before anything of it is accepted. */
static mlplat_status check_span(const mlp_run_key *key, const int64_t *steps, const int64_t *timestamps_ms, size_t n,
                                mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && steps && i < n; i++)
        if (steps[i] == MLPLAT_STEP_AUTO)
            s = mlp_fail(err, MLPLAT_INVALID,
                         "metric '%s': step %zu of the span asks for the next one: pass no steps for that", key->name,
                         i);
    for (size_t i = 0; s == MLPLAT_OK && timestamps_ms && i < n; i++)
        s = mlp_validate_timestamp(key->name, timestamps_ms[i], err);
    return s;
}

static int64_t largest(const int64_t *steps, size_t n)
{
    int64_t most = steps[0];
    for (size_t i = 1; i < n; i++)
        most = steps[i] > most ? steps[i] : most;
    return most;
}

static mlplat_status append_span(mlplat_run *run, mlp_run_key *key, const int64_t *steps, const int64_t *timestamps_ms,
                                 const double *values, size_t n, mlplat_error *err)
{
    mlp_span span = {.run_id = run->id,
                     .run_id_n = run->id_n,
                     .key = key->name,
                     .key_n = key->n,
                     .values = values,
                     .steps = steps,
                     .timestamps_ms = timestamps_ms,
                     .n = n,
                     .timestamp_ms = mlp_clock_ms()};
    if (steps)
        mlp_run_keys_pass_step(key, largest(steps, n));
    else if (!mlp_run_keys_take_steps(key, (int64_t)n, &span.step))
        return out_of_steps(key, err);
    mlplat_status s = mlp_spool_append_span(run->tracking->spool, &span, run->durability, err);
    if (s == MLPLAT_OK && mlp_run_is_mirrored(run))
        mlp_run_mirror_span(run, &span);
    return s;
}

mlplat_status mlplat_run_log_metrics(mlplat_run *run, const char *name, const int64_t *steps,
                                     const int64_t *timestamps_ms, const double *values, size_t n, mlplat_error *err)
{
    mlp_run_key *key = NULL;
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK)
        s = mlp_run_record_key(run, name, &key, err);
    if (s == MLPLAT_OK && n && !values)
        s = mlp_fail(err, MLPLAT_INVALID, "metric '%s': values are NULL", key->name);
    if (s == MLPLAT_OK)
        s = check_span(key, steps, timestamps_ms, n, err);
    return s == MLPLAT_OK && n ? append_span(run, key, steps, timestamps_ms, values, n, err) : s;
}

/* ---- tags and params ------------------------------------------------------------------------------------------- */

mlplat_status mlp_run_record_tag(const mlplat_run *run, const char *key, const char *value, mlp_record *out,
                                 mlplat_error *err)
{
    size_t n = 0;
    mlplat_status s = mlp_check_key("tag key", key, err);
    if (s == MLPLAT_OK)
        s = mlp_validate_value("tag", key, value, mlp_run_tag_limit(run->tracking), run->cut,
                               &run->tracking->ml->log, &n, err);
    if (s == MLPLAT_OK && strcmp(key, "mlflow.runName") == 0)
        s = mlp_validate_run_name(value, err);
    if (s == MLPLAT_OK)
        *out = (mlp_record){
            .kind = MLP_RECORD_TAG,
            .run_id = run->id,
            .run_id_n = run->id_n,
            .key = key,
            .key_n = strlen(key),
            .text = value,
            .text_n = n,
        };
    return s;
}

mlplat_status mlp_run_record_param(const mlplat_run *run, const char *key, const char *value, mlp_param *out,
                                   mlplat_error *err)
{
    *out = (mlp_param){.key = key, .value = value};
    mlplat_status s = mlp_check_key("param key", key, err);
    if (s == MLPLAT_OK)
        s = mlp_validate_value("param", key, value, MLP_LIMIT_PARAM, run->cut, &run->tracking->ml->log, &out->value_n,
                               err);
    return s;
}

mlplat_status mlplat_run_set_tag(mlplat_run *run, const char *key, const char *value, mlplat_error *err)
{
    mlp_record record;
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK)
        s = mlp_run_record_tag(run, key, value, &record, err);
    return s == MLPLAT_OK ? mlp_run_accept(run, &record, 1, err) : s;
}

mlplat_status mlplat_run_log_param(mlplat_run *run, const char *key, const char *value, mlplat_error *err)
{
    mlp_param param;
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK)
        s = mlp_run_record_param(run, key, value, &param, err);
    return s == MLPLAT_OK ? mlp_run_queue_params(run, &param, 1, err) : s;
}

mlplat_status mlplat_run_delete_tag(mlplat_run *run, const char *key, mlplat_error *err)
{
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK)
        s = mlp_check_key("tag key", key, err);
    return s == MLPLAT_OK ? mlp_run_queue_untag(run, key, err) : s;
}
