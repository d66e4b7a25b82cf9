#include "base/config.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROFILE_LIMIT ((size_t)1 << 20)

/* One line per setting: its name in profile files and documents, the variables that set it (the first wins), its
 * default. */
static const struct {
    const char *name;
    const char *environment[2];
    const char *fallback;
} settings[MLP_SET_COUNT] = {
    [MLP_SET_TRACKING_URI] = {"tracking_uri", {"MLPLAT_TRACKING_URI", "MLFLOW_TRACKING_URI"}, "sqlite:///mlflow.db"},
    [MLP_SET_MIRROR_URI] = {"mirror_uri", {"MLPLAT_MIRROR_URI"}, NULL},
    [MLP_SET_REGISTRY_URI] = {"registry_uri", {"MLPLAT_REGISTRY_URI", "MLFLOW_REGISTRY_URI"}, NULL},
    [MLP_SET_ARTIFACT_ROOT] = {"artifact_root", {"MLPLAT_ARTIFACT_ROOT"}, NULL},
    [MLP_SET_SPOOL] = {"spool", {"MLPLAT_SPOOL"}, NULL},
    [MLP_SET_SPOOL_COPY] = {"spool_copy", {"MLPLAT_SPOOL_COPY"}, "64MiB"},
    [MLP_SET_DURABILITY] = {"durability", {"MLPLAT_DURABILITY"}, "process"},
    [MLP_SET_EXPERIMENT_NAME] = {"experiment_name", {"MLFLOW_EXPERIMENT_NAME"}, NULL},
    [MLP_SET_EXPERIMENT_ID] = {"experiment_id", {"MLFLOW_EXPERIMENT_ID"}, NULL},
    [MLP_SET_RUN_NAME] = {"run_name", {"MLFLOW_RUN_NAME"}, NULL},
    [MLP_SET_PARENT_RUN_ID] = {"parent_run_id", {"MLPLAT_PARENT_RUN_ID"}, NULL},
    [MLP_SET_PIPELINE_ROOT] = {"pipeline_root", {"MLPLAT_PIPELINE_ROOT"}, NULL},
    [MLP_SET_MLFLOW_VERSION] = {"mlflow_version", {"MLPLAT_MLFLOW_VERSION"}, NULL},
    [MLP_SET_SPOOL_QUOTA] = {"spool_quota", {"MLPLAT_SPOOL_QUOTA"}, "1GiB"},
    [MLP_SET_SPOOL_FULL] = {"spool_full", {"MLPLAT_SPOOL_FULL"}, "block"},
    [MLP_SET_CLOSE_TIMEOUT] = {"close_timeout_ms", {"MLPLAT_CLOSE_TIMEOUT_MS"}, "5000"},
    [MLP_SET_SPOOL_RATE] = {"spool_rate", {"MLPLAT_SPOOL_RATE"}, "none"},
    [MLP_SET_TRUNCATE] = {"truncate_long_values", {"MLFLOW_TRUNCATE_LONG_VALUES"}, "true"},
};
static const char *const durabilities[] = {NULL, "memory", "process", "disk", "remote"};

static const char *environment(const char *name)
{
    const char *value = name ? getenv(name) : NULL;
    return value && *value ? value : NULL;
}

/* Sets what is not set yet: whoever comes first wins. source is a format with one %s for its detail. */
static mlplat_status put(mlp_config *config, mlp_setting i, const char *value, const char *source, const char *detail,
                         mlplat_error *err)
{
    if (!value || !*value || config->value[i])
        return MLPLAT_OK;
    config->value[i] = mlp_strdup(value);
    config->source[i] = mlp_sprintf("%s%s", source, detail);
    return config->value[i] && config->source[i] ? MLPLAT_OK : mlp_fail_memory(err);
}

typedef struct number_text {
    char text[24];
} number_text;

/* 0: not given; negative: no limit. */
static const char *text_of(int64_t n, number_text *out)
{
    snprintf(out->text, sizeof out->text, "%lld", (long long)n);
    return n < 0 ? "none" : n ? out->text : NULL;
}

static mlplat_status from_call(const mlplat_options *o, mlp_config *config, mlplat_error *err)
{
    const char *durability = NULL;
    int level = (int)o->durability;
    if (level < 0 || level > MLPLAT_DURABILITY_REMOTE)
        return mlp_fail(err, MLPLAT_INVALID, "durability %d (call) is none: take an MLPLAT_DURABILITY_ value", level);
    durability = durabilities[level];
    number_text quota = {{0}}, rate = {{0}}, close_timeout = {{0}};
    const struct {
        mlp_setting setting;
        const char *value;
    } given[] = {
        {MLP_SET_TRACKING_URI, o->tracking_uri},   {MLP_SET_REGISTRY_URI, o->registry_uri},
        {MLP_SET_ARTIFACT_ROOT, o->artifact_root}, {MLP_SET_SPOOL, o->spool_dir},
        {MLP_SET_DURABILITY, durability},          {MLP_SET_MLFLOW_VERSION, o->mlflow_version},
        {MLP_SET_SPOOL_FULL, o->spool_full},       {MLP_SET_SPOOL_QUOTA, text_of(o->spool_quota, &quota)},
        {MLP_SET_MIRROR_URI, o->mirror_uri},       {MLP_SET_SPOOL_RATE, text_of(o->spool_rate, &rate)},
        {MLP_SET_CLOSE_TIMEOUT, text_of(o->close_timeout_ms, &close_timeout)},
    };
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof given / sizeof given[0]; i++)
        s = put(config, given[i].setting, given[i].value, "call", "", err);
    return s;
}

static mlplat_status from_environment(mlp_config *config, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (int i = 0; s == MLPLAT_OK && i < MLP_SET_COUNT; i++)
        for (int k = 0; s == MLPLAT_OK && k < 2; k++)
            s = put(config, (mlp_setting)i, environment(settings[i].environment[k]), "environment ",
                    settings[i].environment[k] ? settings[i].environment[k] : "", err);
    return s;
}

static mlplat_status from_defaults(mlp_config *config, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (int i = 0; s == MLPLAT_OK && i < MLP_SET_COUNT; i++)
        s = put(config, (mlp_setting)i, settings[i].fallback, "default", "", err);
    if (s == MLPLAT_OK)
        s = put(config, MLP_SET_REGISTRY_URI, config->value[MLP_SET_TRACKING_URI], "default", "", err);
    return s;
}

/* Which file and which profile are asked for, and whether somebody did ask. */
typedef struct profile_choice {
    char *path;
    bool path_given;
    const char *name;
    bool name_given;
} profile_choice;

static mlplat_status choose(const mlplat_options *o, profile_choice *out, mlplat_error *err)
{
    const char *path = o->config_file && *o->config_file ? o->config_file : environment("MLPLAT_CONFIG");
    const char *name = o->profile && *o->profile ? o->profile : environment("MLPLAT_PROFILE");
    const char *base = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
    out->path_given = path != NULL;
    out->name_given = name != NULL;
    out->name = name ? name : "default";
    if (path)
        out->path = mlp_strdup(path);
    else if (base)
        out->path = mlp_sprintf("%s/mlplat/config.yaml", base);
    else if (home)
        out->path = mlp_sprintf("%s/.config/mlplat/config.yaml", home);
    return out->path || (!path && !base && !home) ? MLPLAT_OK : mlp_fail_memory(err);
}

/* The file as JSON; *out NULL if it is not there and nobody asked for it. */
static mlplat_status read_profiles(const profile_choice *choice, json_t **out, mlplat_error *err)
{
    mlp_buf text = {0};
    *out = NULL;
    mlplat_status s = choice->path ? mlp_file_read(choice->path, PROFILE_LIMIT, &text, err) : MLPLAT_NOT_FOUND;
    if (s == MLPLAT_OK)
        s = mlp_yaml_parse(text.data ? text.data : "", text.size, out, err);
    if (s == MLPLAT_NOT_FOUND && !choice->path_given)
        s = choice->name_given
                ? mlp_fail(err, MLPLAT_NOT_FOUND, "the profile '%.100s' was asked for, but there is no file %.200s",
                           choice->name, choice->path ? choice->path : "$XDG_CONFIG_HOME/mlplat/config.yaml")
                : MLPLAT_OK;
    else if (s != MLPLAT_OK)
        mlp_fail_prefix(err, s, "configuration file '%.200s'", choice->path);
    mlp_buf_free(&text);
    return s;
}

static void list_keys(const json_t *object, mlp_buf *out)
{
    for (void *at = json_object_iter((json_t *)object); at; at = json_object_iter_next((json_t *)object, at))
        mlp_buf_printf(out, "%s%s", out->size ? ", " : "", json_object_iter_key(at));
}

static void list_settings(mlp_buf *out)
{
    for (int i = 0; i < MLP_SET_COUNT; i++)
        mlp_buf_printf(out, "%s%s", i ? ", " : "", settings[i].name);
}

static mlplat_status take_member(const char *key, const json_t *value, const profile_choice *choice, mlp_config *config,
                                 mlplat_error *err)
{
    char number[32];
    const char *text = NULL;
    int i = 0;
    while (i < MLP_SET_COUNT && strcmp(settings[i].name, key) != 0)
        i++;
    if (i == MLP_SET_COUNT) {
        mlp_buf known = {0};
        list_settings(&known);
        mlplat_status s = mlp_fail(err, MLPLAT_INVALID, "profile '%.100s' in %.150s: no setting '%.60s'; there are %s",
                                   choice->name, choice->path, key, known.failed ? "others" : known.data);
        mlp_buf_free(&known);
        return s;
    }
    if (json_is_string(value))
        text = json_string_value(value);
    else if (json_is_boolean(value))
        text = json_is_true(value) ? "true" : "false";
    else if (json_is_integer(value) &&
             snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value)) > 0)
        text = number;
    else if (!json_is_null(value))
        return mlp_fail(err, MLPLAT_INVALID, "profile '%.100s' in %.150s: '%s' must be text", choice->name,
                        choice->path, key);
    char *detail = mlp_sprintf("%s in %s", choice->name, choice->path);
    mlplat_status s = detail ? put(config, (mlp_setting)i, text, "profile ", detail, err) : mlp_fail_memory(err);
    mlp_free(detail);
    return s;
}

static mlplat_status find_profile(const json_t *file, const profile_choice *choice, const json_t **out,
                                  mlplat_error *err)
{
    const json_t *profiles = json_object_get(file, "profiles");
    mlp_buf names = {0};
    *out = NULL;
    if (json_is_null(file))
        file = NULL;
    else if (!json_is_object(file) || json_object_size(file) != 1 || !json_is_object(profiles))
        return mlp_fail(
            err, MLPLAT_INVALID,
            "configuration file '%.200s' must hold 'profiles:' alone, and under it a name and its settings, like "
            "profiles: {default: {tracking_uri: ...}}",
            choice->path);
    *out = json_object_get(profiles, choice->name);
    if (*out && !json_is_object(*out) && !json_is_null(*out))
        return mlp_fail(err, MLPLAT_INVALID, "profile '%.100s' in %.200s must hold settings", choice->name,
                        choice->path);
    if (*out || !choice->name_given)
        return MLPLAT_OK;
    list_keys(profiles, &names);
    mlplat_status s = mlp_fail(err, MLPLAT_NOT_FOUND, "there is no profile '%.100s' in %.200s; it has: %.100s",
                               choice->name, choice->path, names.size ? names.data : "none");
    mlp_buf_free(&names);
    return s;
}

static mlplat_status from_profile(const mlplat_options *o, mlp_config *config, mlplat_error *err)
{
    profile_choice choice = {0};
    json_t *file = NULL;
    const json_t *profile = NULL;
    mlplat_status s = choose(o, &choice, err);
    if (s == MLPLAT_OK)
        s = read_profiles(&choice, &file, err);
    if (s == MLPLAT_OK && file)
        s = find_profile(file, &choice, &profile, err);
    void *at = profile ? json_object_iter((json_t *)profile) : NULL;
    for (; s == MLPLAT_OK && at; at = json_object_iter_next((json_t *)profile, at))
        s = take_member(json_object_iter_key(at), json_object_iter_value(at), &choice, config, err);
    json_decref(file);
    mlp_free(choice.path);
    return s;
}

static mlplat_status check_durability(const mlp_config *config, mlplat_error *err)
{
    const char *value = config->value[MLP_SET_DURABILITY];
    for (int i = MLPLAT_DURABILITY_MEMORY; i <= MLPLAT_DURABILITY_REMOTE; i++)
        if (strcmp(value, durabilities[i]) == 0)
            return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "durability '%.60s' (%s): write memory, process, disk or remote", value,
                    config->source[MLP_SET_DURABILITY]);
}

/* "", "B", "K", "KB", "KiB" and so on: all powers of 1024. */
static bool unit_of(const char *unit, int *shift)
{
    static const char letters[] = "kmgt";
    const char *at = *unit ? strchr(letters, *unit | 0x20) : NULL;
    *shift = at ? (int)(at - letters + 1) * 10 : 0;
    unit += at != NULL;
    return strcmp(unit, "") == 0 || strcasecmp(unit, "b") == 0 || (at && strcasecmp(unit, "ib") == 0);
}

bool mlp_config_bytes(const char *text, uint64_t *out)
{
    char *end;
    int shift;
    *out = UINT64_MAX;
    if (strcasecmp(text, "none") == 0)
        return true;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    while (*end == ' ')
        end++;
    if (errno || !unit_of(end, &shift) || n > UINT64_MAX >> 1 >> shift)
        return false;
    *out = (uint64_t)n << shift;
    return true;
}

bool mlp_config_number(const char *text, uint64_t *out)
{
    size_t n = strlen(text);
    return mlp_config_bytes(text, out) && (*out == UINT64_MAX || strspn(text, "0123456789") == n);
}

#define QUOTA_LEAST ((uint64_t)4 << 20)

static mlplat_status check_count(const mlp_config *config, mlp_setting i, const char *of, mlplat_error *err)
{
    uint64_t n;
    if (mlp_config_number(config->value[i], &n) && n > 0)
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "%s '%.60s' (%s): write a number of %s, 1 at least, or none", settings[i].name,
                    config->value[i], config->source[i], of);
}

static mlplat_status check_spool(const mlp_config *config, mlplat_error *err)
{
    const char *quota = config->value[MLP_SET_SPOOL_QUOTA], *full = config->value[MLP_SET_SPOOL_FULL];
    uint64_t bytes;
    if (!mlp_config_bytes(quota, &bytes) || bytes < QUOTA_LEAST)
        return mlp_fail(err, MLPLAT_INVALID,
                        "spool quota '%.60s' (%s): write bytes such as 512MiB, 4MiB at least, or none",
                        quota, config->source[MLP_SET_SPOOL_QUOTA]);
    if (strcmp(full, "block") != 0 && strcmp(full, "drop-oldest") != 0 && strcmp(full, "error") != 0)
        return mlp_fail(err, MLPLAT_INVALID, "'%.60s' (%s) for a full spool: write block, drop-oldest or error", full,
                        config->source[MLP_SET_SPOOL_FULL]);
    if (!mlp_config_bytes(config->value[MLP_SET_SPOOL_COPY], &bytes))
        return mlp_fail(err, MLPLAT_INVALID, "spool_copy '%.60s' (%s): write bytes such as 64MiB, or none for any size",
                        config->value[MLP_SET_SPOOL_COPY], config->source[MLP_SET_SPOOL_COPY]);
    return check_count(config, MLP_SET_CLOSE_TIMEOUT, "milliseconds", err);
}

/* "true", "1" and so on, in any case, become "true" or "false", as MLflow reads them. */
static mlplat_status check_truncate(mlp_config *config, mlplat_error *err)
{
    char **value = &config->value[MLP_SET_TRUNCATE];
    bool yes = strcasecmp(*value, "true") == 0 || strcmp(*value, "1") == 0;
    if (!yes && strcasecmp(*value, "false") != 0 && strcmp(*value, "0") != 0)
        return mlp_fail(err, MLPLAT_INVALID, "%s '%.60s' (%s): write true or false", settings[MLP_SET_TRUNCATE].name,
                        *value, config->source[MLP_SET_TRUNCATE]);
    mlp_free(*value);
    *value = mlp_strdup(yes ? "true" : "false");
    return *value ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_config_load(const mlplat_options *options, mlp_config *out, mlplat_error *err)
{
    const mlplat_options none = MLPLAT_OPTIONS_INIT;
    const mlplat_options *o = options ? options : &none;
    *out = (mlp_config){0};
    mlplat_status s = from_call(o, out, err);
    if (s == MLPLAT_OK)
        s = from_environment(out, err);
    if (s == MLPLAT_OK)
        s = from_profile(o, out, err);
    if (s == MLPLAT_OK)
        s = from_defaults(out, err);
    if (s == MLPLAT_OK)
        s = check_durability(out, err);
    if (s == MLPLAT_OK)
        s = check_truncate(out, err);
    if (s == MLPLAT_OK)
        s = check_spool(out, err);
    if (s == MLPLAT_OK)
        s = check_count(out, MLP_SET_SPOOL_RATE, "records", err);
    if (s != MLPLAT_OK)
        mlp_config_free(out);
    return s;
}

void mlp_config_free(mlp_config *config)
{
    for (int i = 0; i < MLP_SET_COUNT; i++) {
        mlp_free(config->value[i]);
        mlp_free(config->source[i]);
    }
    *config = (mlp_config){0};
}

static json_t *entry(const char *value, const char *source)
{
    char *shown = mlp_strdup(value);
    json_t *out = json_object();
    if (shown)
        mlp_redact(shown);
    bool ok = out && (shown || !value) &&
              json_object_set_new(out, "value", value ? mlp_json_string(shown) : json_null()) == 0 &&
              json_object_set_new(out, "source", mlp_json_string(source ? source : "not set")) == 0;
    mlp_free(shown);
    if (!ok) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

json_t *mlp_config_json(const mlp_config *config)
{
    json_t *out = json_object();
    for (int i = 0; out && i < MLP_SET_COUNT; i++)
        if (json_object_set_new(out, settings[i].name, entry(config->value[i], config->source[i])) != 0) {
            json_decref(out);
            out = NULL;
        }
    return out;
}
