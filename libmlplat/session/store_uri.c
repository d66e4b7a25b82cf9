#include "session/store_uri.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/uri.h"
#include <stdbool.h>
#include <string.h>

#define WRITE_THIS "sqlite:///mlflow.db (relative) or sqlite:////data/mlflow.db (absolute)"

#ifdef MLPLAT_MINIMAL
#define HAS "is not in this build, which has the embedded store only"
#else
#define HAS "is of no kind that is known here, which are http://, https://, postgresql:// and sqlite:///"
#endif

/* One setting, what it is called in messages, and where it came from. */
typedef struct setting {
    const char *what, *uri, *source;
} setting;

static setting get(const mlp_config *config, mlp_setting i, const char *what)
{
    return (setting){what, config->value[i], config->source[i]};
}

static mlplat_status refuse(const setting *it, mlplat_status status, const char *why, mlplat_error *err)
{
    char shown[MLP_URI_SHOWN];
    mlp_uri_show(it->uri, shown);
    return mlp_fail(err, status, "the %s '%s' (%.120s) %s", it->what, shown, it->source, why);
}

/* MLflow's file store: MLflow itself brings it into a database. */
static mlplat_status refuse_folder(const setting *it, mlplat_error *err)
{
    char shown[MLP_URI_SHOWN];
    const char *folder = strncmp(it->uri, "file://", 7) == 0 ? it->uri + 7 : it->uri;
    mlp_uri_show(folder, shown);
    return mlp_fail(err, MLPLAT_UNSUPPORTED,
                    "the %s '%s' (%.80s) is a folder of MLflow's old file store, which is not read: bring it into a "
                    "database with `mlflow migrate-filestore --source %s --target sqlite:///mlflow.db`, and open that",
                    it->what, shown, it->source, shown);
}

/* A word that is meant to be a file, or one of the names that MLflow has for a platform. */
static bool is_word_for(const char *uri, bool *platform)
{
    static const char *const endings[] = {".db", ".sqlite", ".sqlite3"};
    *platform = strcmp(uri, "databricks") == 0 || strcmp(uri, "databricks-uc") == 0;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(uri), end = strlen(endings[i]);
        if (n > end && strcmp(uri + n - end, endings[i]) == 0)
            return true;
    }
    return false;
}

static mlplat_status check_store(const setting *it, mlplat_error *err)
{
    mlp_uri parts = {0};
    bool platform = false;
    if (is_word_for(it->uri, &platform) && !strchr(it->uri, ':'))
        return refuse(it, MLPLAT_INVALID, "is a path: write " WRITE_THIS, err);
    if (!platform && (mlp_uri_has_scheme(it->uri, "file") || !strchr(it->uri, ':')))
        return refuse_folder(it, err);
#ifndef MLPLAT_MINIMAL
    if (mlp_uri_has_scheme(it->uri, "postgresql"))
        return MLPLAT_OK; /* libpq reads it, which is opened at first use */
    if (mlp_uri_has_scheme(it->uri, "http") || mlp_uri_has_scheme(it->uri, "https")) {
        mlplat_status s = mlp_uri_parse(it->uri, &parts, err);
        mlp_uri_free(&parts);
        return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "the %s (%.120s)", it->what, it->source);
    }
#endif
    if (!mlp_uri_has_scheme(it->uri, "sqlite"))
        return refuse(it, MLPLAT_UNSUPPORTED,
                      HAS ": write " WRITE_THIS, err);
    mlplat_status s = mlp_uri_parse(it->uri, &parts, err);
    if (s != MLPLAT_OK)
        return mlp_fail_prefix(err, s, "the %s (%.120s)", it->what, it->source);
    size_t n = strlen(parts.path);
    if (!n || strcmp(parts.path, ":memory:") == 0)
        s = refuse(it, MLPLAT_UNSUPPORTED, "is a database in memory; a store is a file: write " WRITE_THIS, err);
    else if (parts.path[n - 1] == '/')
        s = refuse(it, MLPLAT_INVALID, "ends with a slash: name the file, like " WRITE_THIS, err);
    mlp_uri_free(&parts);
    return s;
}

/* A server gives each run an id: two of them cannot have the same. */
static mlplat_status check_mirror(const setting *it, const setting *tracking, mlplat_error *err)
{
    if (!it->uri || strcmp(it->uri, tracking->uri) == 0) /* of itself: it is none */
        return MLPLAT_OK;
#ifdef MLPLAT_MINIMAL
    return refuse(it, MLPLAT_UNSUPPORTED, "is not in this build, which has one store", err);
#else
    mlplat_status s = check_store(it, err);
    if (s == MLPLAT_OK && !mlp_uri_has_scheme(it->uri, "sqlite") &&
        !mlp_uri_has_scheme(tracking->uri, "sqlite"))
        s = refuse(it, MLPLAT_UNSUPPORTED, "is a server, as the store is: one of them has to be a file, sqlite:///...",
                   err);
    return s;
#endif
}

static mlplat_status check_artifact_root(const setting *it, mlplat_error *err)
{
    char *path = NULL;
    if (!it->uri)
        return MLPLAT_OK;
    if (strstr(it->uri, "://") && !mlp_uri_has_scheme(it->uri, "file"))
        return refuse(it, MLPLAT_UNSUPPORTED,
                      "is not in this build, which keeps artifacts in local folders only: write a path or file:///path",
                      err);
    mlplat_status s = mlp_uri_local_path(it->uri, &path, err);
    mlp_free(path);
    return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "the artifact root (%.120s)", it->source);
}

mlplat_status mlp_store_uri_check(const mlp_config *config, mlplat_error *err)
{
    setting tracking = get(config, MLP_SET_TRACKING_URI, "tracking URI");
    setting mirror = get(config, MLP_SET_MIRROR_URI, "mirror URI");
    setting registry = get(config, MLP_SET_REGISTRY_URI, "registry URI");
    setting root = get(config, MLP_SET_ARTIFACT_ROOT, "artifact root");
    mlplat_status s = check_store(&tracking, err);
    if (s == MLPLAT_OK)
        s = check_store(&registry, err);
    if (s == MLPLAT_OK)
        s = check_mirror(&mirror, &tracking, err);
    return s == MLPLAT_OK ? check_artifact_root(&root, err) : s;
}

static mlplat_status anchor_file(const char *value, char **out, mlplat_error *err)
{
    mlp_uri uri = {0};
    mlplat_status s = mlp_uri_parse(value, &uri, err);
    if (s == MLPLAT_OK && uri.path[0] != '/') {
        char *path = mlp_file_absolute(uri.path);
        *out = path ? mlp_uri_of_sqlite(path) : NULL;
        s = *out ? MLPLAT_OK : mlp_fail_memory(err);
        mlp_free(path);
    }
    mlp_uri_free(&uri);
    return s;
}

static mlplat_status anchor(const char *value, char **out, mlplat_error *err)
{
    if (mlp_uri_has_scheme(value, "sqlite"))
        return anchor_file(value, out, err);
    if (value[0] == '/' || strstr(value, "://") || mlp_uri_has_scheme(value, "file"))
        return MLPLAT_OK;
    *out = mlp_file_absolute(value);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_store_uri_anchor(const mlp_config *config, char *places[MLP_SET_COUNT], mlplat_error *err)
{
    static const mlp_setting of_places[] = {MLP_SET_TRACKING_URI,  MLP_SET_MIRROR_URI, MLP_SET_REGISTRY_URI,
                                            MLP_SET_ARTIFACT_ROOT, MLP_SET_SPOOL,      MLP_SET_PIPELINE_ROOT};
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof of_places / sizeof of_places[0]; i++)
        if (config->value[of_places[i]])
            s = anchor(config->value[of_places[i]], &places[of_places[i]], err);
    return s;
}
