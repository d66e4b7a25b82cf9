#include "tracking/validate.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "tracking/word_chars.h"
#include <string.h>

enum { SHOWN = 60 }; /* of a value in a message */

/* Fails with "<what> <name, quoted and cut>: <why>". */
static mlplat_status refuse(const char *what, const char *name, const char *why, mlplat_error *err)
{
    mlp_buf quoted = {0};
    mlp_text_quote(&quoted, name, SHOWN);
    mlplat_status s = mlp_fail(err, MLPLAT_INVALID, "%s %s: %s", what, quoted.data ? quoted.data : "", why);
    mlp_buf_free(&quoted);
    return s;
}

static mlplat_status refuse_length(const char *what, const char *name, size_t length, size_t limit, mlplat_error *err)
{
    mlp_buf quoted = {0};
    mlp_text_quote(&quoted, name, SHOWN);
    mlplat_status s = mlp_fail(err, MLPLAT_INVALID, "%s %s has %zu characters: at most %zu are allowed", what,
                               quoted.data ? quoted.data : "", length, limit);
    mlp_buf_free(&quoted);
    return s;
}

static mlplat_status check_text(const char *what, const char *text, mlplat_error *err)
{
    if (!text)
        return mlp_fail(err, MLPLAT_INVALID, "%s is missing", what);
    if (!mlp_text_utf8(text, strlen(text)))
        return refuse(what, text, "not valid UTF-8: encode it so", err);
    return MLPLAT_OK;
}

static mlplat_status check_length(const char *what, const char *text, size_t limit, mlplat_error *err)
{
    size_t n = mlp_text_length(text);
    return n <= limit ? MLPLAT_OK : refuse_length(what, text, n, limit, err);
}

/* The next code point of valid UTF-8. */
static uint32_t next_char(const unsigned char **at)
{
    const unsigned char *p = *at;
    int more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? *p : (uint32_t)(*p & (0x3f >> more));
    for (int i = 1; i <= more; i++)
        c = c << 6 | (p[i] & 0x3fu);
    *at = p + more + 1;
    return c;
}

static bool key_chars(const char *key)
{
    const unsigned char *p = (const unsigned char *)key;
    while (*p) {
        uint32_t c = next_char(&p);
        if (c == '\n' && !*p)
            return true; /* MLflow's pattern ends with $, which looks past one last newline */
        if (!mlp_word_chars_has(c) && !(c < 0x80 && strchr("/.- :", (int)c)))
            return false;
    }
    return true;
}

/* The key names a file in some stores, so it must be a path that names itself: "a/b", not "/a", "a//b", "a/", "a/../b".
 */
static bool key_path(const char *key)
{
    if (*key == '/' || strncmp(key, "..", 2) == 0)
        return false;
    for (const char *part = key;; part++) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part += n;
        if (!*part)
            return true;
    }
}

mlplat_status mlp_validate_key(const char *what, const char *key, mlplat_error *err)
{
    mlplat_status s = check_text(what, key, err);
    if (s != MLPLAT_OK)
        return s;
    if (!*key)
        return mlp_fail(err, MLPLAT_INVALID, "%s is empty: give it a name", what);
    if (!key_chars(key))
        return refuse(what, key, "only letters, digits, '_', '-', '.', ':', '/' and spaces are allowed", err);
    if (!key_path(key))
        return refuse(what, key, "it must be a clean relative path: no '.' or '..' part, no slash at an end or doubled",
                      err);
    return check_length(what, key, MLP_LIMIT_KEY, err);
}

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
    mlplat_status s = check_text("experiment name", name, err);
    if (s == MLPLAT_OK && !*name)
        s = mlp_fail(err, MLPLAT_INVALID, "experiment name is empty: give it one");
    return s == MLPLAT_OK ? check_length("experiment name", name, MLP_LIMIT_EXPERIMENT_NAME, err) : s;
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
    bool good = mlp_json_parse(value, strlen(value), &json, NULL) == MLPLAT_OK && json_is_object(json);
    const char *type = json_string_value(json_object_get(json, "type"));
    const json_t *duration = json_object_get(json, retention ? "value" : "older_than");
    if (retention)
        good = good && type && strcmp(type, "duration") == 0;
    if (retention || (duration && !json_is_null(duration)))
        good = good && json_is_string(duration) && is_duration(json_string_value(duration));
    json_decref(json);
    if (good)
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "value of experiment tag '%s' is not as MLflow reads it: %s", key,
                    retention ? "{\"type\": \"duration\", \"value\": \"30d\"}" : "{\"older_than\": \"30d\"} or {}");
}

mlplat_status mlp_validate_experiment_tag(const char *key, const char *value, mlplat_error *err)
{
    size_t n;
    mlplat_status s = mlp_validate_key("experiment tag key", key, err);
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
    mlplat_status s = check_text("artifact location", location, err);
    if (s != MLPLAT_OK)
        return s;
    if (!*location)
        return mlp_fail(err, MLPLAT_INVALID, "artifact location is empty: leave it out for the default");
    if (mlp_text_starts(location, "runs:"))
        return refuse("artifact location", location, "it cannot be inside a run: name a folder or a bucket", err);
    return check_length("artifact location", location, MLP_LIMIT_LOCATION, err);
}

mlplat_status mlp_validate_run_name(const char *name, mlplat_error *err)
{
    mlplat_status s = check_text("run name", name, err);
    return s == MLPLAT_OK ? check_length("run name", name, MLP_LIMIT_RUN_NAME, err) : s;
}

mlplat_status mlp_validate_run_id(const char *id, mlplat_error *err)
{
    mlplat_status s = check_text("run id", id, err);
    if (s != MLPLAT_OK)
        return s;
    const unsigned char *p = (const unsigned char *)id;
    bool good = *p != '_' && *p < 0x80 && mlp_word_chars_has(*p);
    size_t n = 0;
    for (; good && *p; n++) {
        uint32_t c = next_char(&p);
        good = mlp_word_chars_has(c) || c == '-' || (c == '\n' && !*p);
        n -= c == '\n'; /* as for keys */
    }
    if (!good || n > 256)
        return refuse("run id", id, "it is 1 to 256 letters, digits, '_' and '-', usually 32 hexadecimal digits", err);
    return MLPLAT_OK;
}

mlplat_status mlp_validate_experiment_id(const char *id, int64_t *out, mlplat_error *err)
{
    mlplat_status s = check_text("experiment id", id, err);
    if (s == MLPLAT_OK && !mlp_text_int64(id, out))
        s = refuse("experiment id", id, "it is a whole number here; use the name to find an experiment by name", err);
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
