#include "tracking/validate.h"
#include "base/check.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "base/word_chars.h"
#include <string.h>

mlplat_status mlp_validate_value(const char *what, const char *key, const char *value, size_t limit, bool cut,
                                 const mlp_logger *log, size_t *n, mlplat_error *err)
{
    if (!value || !mlp_text_utf8(value, strlen(value))) {
        const char *why = value ? "is not valid UTF-8: encode it so" : "is missing";
        return mlp_fail(err, MLPLAT_INVALID, "value of %s '%s' %s", what, key, why);
    }
    *n = strlen(value);
    if (*n <= limit)
        return MLPLAT_OK; /* never more characters than bytes */
    size_t length = mlp_text_length(value);
    if (length <= limit)
        return MLPLAT_OK;
    if (!cut)
        return mlp_fail(err, MLPLAT_INVALID,
                        "value of %s '%s' has %zu characters: at most %zu are allowed "
                        "(MLFLOW_TRUNCATE_LONG_VALUES=true cuts it)",
                        what, key, length, limit);
    *n = mlp_text_cut(value, limit);
    mlp_log(log, MLPLAT_LOG_WARNING, "value of %s '%s' has %zu characters and is cut to %zu", what, key, length, limit);
    return MLPLAT_OK;
}

mlplat_status mlp_validate_experiment_name(const char *name, mlplat_error *err)
{
    mlplat_status s = mlp_check_text("experiment name", name, err);
    if (s == MLPLAT_OK && !*name)
        s = mlp_fail(err, MLPLAT_INVALID, "experiment name is empty: give it one");
    return s == MLPLAT_OK ? mlp_check_length("experiment name", name, MLP_LIMIT_EXPERIMENT_NAME, err) : s;
}

/* "30d": a number and m, h or d; blanks around it do not count. */
static bool is_duration(const char *text)
{
    static const char blanks[] = " \t\n\r\v\f";
    text += strspn(text, blanks);
    size_t digits = strspn(text, "0123456789");
    const char *end = text + digits + 1;
    return *text != '0' && digits > 0 && digits < 32 && text[digits] && strchr("mhd", text[digits]) &&
           !end[strspn(end, blanks)];
}

/* Two tags of experiments steer MLflow's archive of traces: it reads them as JSON. */
static mlplat_status check_trace_tag(const char *key, const char *value, mlplat_error *err)
{
    bool retention = strcmp(key, "mlflow.trace.archivalRetention") == 0;
    if (!retention && strcmp(key, "mlflow.trace.archiveNow") != 0)
        return MLPLAT_OK;
    json_t *json = NULL;
    mlplat_status s = mlp_json_parse(value, strlen(value), &json, NULL);
    bool good = s == MLPLAT_OK && json_is_object(json);
    const char *type = json_string_value(json_object_get(json, "type"));
    const json_t *duration = json_object_get(json, retention ? "value" : "older_than");
    if (retention)
        good = good && type && strcmp(type, "duration") == 0;
    if (retention || (duration && !json_is_null(duration)))
        good = good && json_is_string(duration) && is_duration(json_string_value(duration));
    json_decref(json);
    if (s == MLPLAT_NO_MEMORY)
        return mlp_fail_memory(err);
    if (good)
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "value of experiment tag '%s' is not as MLflow reads it: %s", key,
                    retention ? "{\"type\": \"duration\", \"value\": \"30d\"}" : "{\"older_than\": \"30d\"} or {}");
}

mlplat_status mlp_validate_experiment_tag(const char *key, const char *value, mlplat_error *err)
{
    size_t n;
    mlplat_status s = mlp_check_key("experiment tag key", key, err);
    if (s != MLPLAT_OK)
        return s;
    s = mlp_validate_value("experiment tag", key, value, SIZE_MAX, false, NULL, &n, err);
    if (s == MLPLAT_OK && mlp_text_length(value) > MLP_LIMIT_EXPERIMENT_TAG)
        s = mlp_fail(err, MLPLAT_INVALID, "value of experiment tag '%s' has %zu characters: at most %d are allowed",
                     key, mlp_text_length(value), MLP_LIMIT_EXPERIMENT_TAG);
    return s == MLPLAT_OK ? check_trace_tag(key, value, err) : s;
}

mlplat_status mlp_validate_location(const char *location, mlplat_error *err)
{
    mlplat_status s = mlp_check_text("artifact location", location, err);
    if (s != MLPLAT_OK)
        return s;
    if (!*location)
        return mlp_fail(err, MLPLAT_INVALID, "artifact location is empty: leave it out for the default");
    if (mlp_text_starts(location, "runs:"))
        return mlp_check_refuse("artifact location", location,
                                "it cannot be inside a run: name a folder or a bucket", err);
    return mlp_check_length("artifact location", location, MLP_LIMIT_LOCATION, err);
}

mlplat_status mlp_validate_run_name(const char *name, mlplat_error *err)
{
    mlplat_status s = mlp_check_text("run name", name, err);
    return s == MLPLAT_OK ? mlp_check_length("run name", name, MLP_LIMIT_RUN_NAME, err) : s;
}

mlplat_status mlp_validate_model_name(const char *name, mlplat_error *err)
{
    mlplat_status s = mlp_check_text("model name", name, err);
    if (s == MLPLAT_OK && !*name)
        s = mlp_fail(err, MLPLAT_INVALID, "model name is empty: give it one, or none and one is made");
    if (s == MLPLAT_OK && strpbrk(name, "/:.%\"'"))
        s = mlp_check_refuse("model name", name, "it cannot have / : . % \" or '", err);
    return s;
}

mlplat_status mlp_validate_experiment_id(const char *id, int64_t *out, mlplat_error *err)
{
    mlplat_status s = mlp_check_text("experiment id", id, err);
    if (s == MLPLAT_OK && !mlp_text_int64(id, out))
        s = mlp_check_refuse("experiment id", id,
                             "it is a whole number here; use the name to find an experiment by name", err);
    return s;
}

mlplat_status mlp_validate_timestamp(const char *key, int64_t timestamp_ms, mlplat_error *err)
{
    if (timestamp_ms < 0)
        return mlp_fail(err, MLPLAT_INVALID,
                        "metric '%s': timestamp %lld is negative: it counts milliseconds since 1970", key,
                        (long long)timestamp_ms);
    return MLPLAT_OK;
}

mlplat_status mlp_validate_param_change(const char *run_id, const char *key, const char *is, const char *value,
                                        mlplat_error *err)
{
    char probe[MLP_CHECK_KEY_MOST * 4 + 16];
    snprintf(probe, sizeof probe, "%s=value", key);
    mlp_redact(probe);
    bool secret = !mlp_text_ends(probe, "=value");
    int n = secret ? 3 : (int)mlp_text_cut(value, 60), was = secret ? 3 : (int)mlp_text_cut(is, 60);
    return mlp_fail(err, MLPLAT_CONFLICT,
                    "param '%.80s' of run %s is '%.*s' and cannot become '%.*s': log it under another key "
                    "or in a new run",
                    key, run_id, was, secret ? "***" : is, n, secret ? "***" : value);
}
