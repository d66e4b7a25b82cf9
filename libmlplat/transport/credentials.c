#include "transport/credentials.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "transport/environment.h"
#include "transport/ini.h"
#include "transport/secret.h"
#include <string.h>

#define FILE_MOST ((size_t)1 << 20)
#define ACCOUNT   "/var/run/secrets/kubernetes.io/serviceaccount/"
#define IN_HOME   ".mlflow/credentials"

/* Sets what is not set yet. */
static mlplat_status take(char **to, const char *value, mlplat_error *err)
{
    if (*to || !value || !*value)
        return MLPLAT_OK;
    *to = mlp_strdup(value);
    return *to ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status take_from_file(const char *text, const char *key, char **to, mlplat_error *err)
{
    char *value = NULL;
    mlplat_status s = *to ? MLPLAT_OK : mlp_ini_find(text, "mlflow", key, &value, err);
    if (s == MLPLAT_OK)
        s = take(to, value, err);
    mlp_secret_free(value);
    return s;
}

static mlplat_status load_file(mlp_credentials *out, mlplat_error *err)
{
    const char *home = mlp_environment("HOME");
    char *path = home ? mlp_file_join(home, IN_HOME) : NULL;
    mlp_buf text = {0};
    if (!home)
        return MLPLAT_OK;
    mlplat_status s = path ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && mlp_file_exists(path)) {
        s = mlp_file_read(path, FILE_MOST, &text, err);
        if (s == MLPLAT_OK && text.data)
            s = take_from_file(text.data, "mlflow_tracking_username", &out->username, err);
        if (s == MLPLAT_OK && text.data)
            s = take_from_file(text.data, "mlflow_tracking_password", &out->password, err);
        if (s == MLPLAT_INVALID)
            s = mlp_fail_prefix(err, s, "the credentials in '%.200s'", path);
    }
    mlp_secret_clear(&text);
    mlp_free(path);
    return s;
}

/* MLFLOW_TRACKING_AUTH, with the kinds that MLflow brings itself. */
static mlplat_status load_kind(mlp_credentials *out, mlplat_error *err)
{
    const char *kind = mlp_environment("MLFLOW_TRACKING_AUTH");
    bool namespaced = kind && strcmp(kind, "kubernetes-namespaced") == 0;
    bool aws = false;
    mlplat_status s = mlp_environment_flag("MLFLOW_TRACKING_AWS_SIGV4", &aws, err);
    if (s != MLPLAT_OK)
        return s;
    if (aws)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "MLFLOW_TRACKING_AWS_SIGV4 asks for requests signed the way of AWS, "
                        "which is not here yet: use a token or a password");
    if (kind && !namespaced && strcmp(kind, "kubernetes") != 0)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "MLFLOW_TRACKING_AUTH=%.100s needs a plug-in of Python: kubernetes and kubernetes-namespaced "
                        "are known here, and MLFLOW_TRACKING_TOKEN, or MLPLAT_TRACKING_TOKEN_PATH for a file",
                        kind);
    if (kind) {
        mlp_secret_free(out->username);
        mlp_secret_free(out->password);
        out->username = out->password = NULL;
        s = take(&out->token_path, ACCOUNT "token", err);
    }
    if (s == MLPLAT_OK && namespaced && !out->workspace)
        s = take(&out->workspace_path, ACCOUNT "namespace", err);
    return s;
}

static mlplat_status load_environment(mlp_credentials *out, mlplat_error *err)
{
    const struct {
        char **to;
        const char *name;
    } names[] = {
        {&out->username, "MLFLOW_TRACKING_USERNAME"},     {&out->password, "MLFLOW_TRACKING_PASSWORD"},
        {&out->token, "MLFLOW_TRACKING_TOKEN"},           {&out->workspace, "MLFLOW_WORKSPACE"},
        {&out->token_path, "MLPLAT_TRACKING_TOKEN_PATH"},
    };
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof names / sizeof names[0]; i++)
        s = take(names[i].to, mlp_environment(names[i].name), err);
    return s;
}

mlplat_status mlp_credentials_load(mlp_credentials *out, mlplat_error *err)
{
    *out = (mlp_credentials){0};
    mlplat_status s = load_environment(out, err);
    if (s == MLPLAT_OK)
        s = load_file(out, err);
    if (s == MLPLAT_OK)
        s = load_kind(out, err);
    if (s != MLPLAT_OK)
        mlp_credentials_free(out);
    return s;
}

mlplat_status mlp_credentials_copy(const mlp_credentials *from, mlp_credentials *out, mlplat_error *err)
{
    *out = (mlp_credentials){0};
    mlplat_status s = take(&out->username, from->username, err);
    const struct {
        char **to;
        const char *value;
    } rest[] = {{&out->password, from->password},
                {&out->token, from->token},
                {&out->token_path, from->token_path},
                {&out->workspace, from->workspace},
                {&out->workspace_path, from->workspace_path}};
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof rest / sizeof rest[0]; i++)
        s = take(rest[i].to, rest[i].value, err);
    if (s != MLPLAT_OK)
        mlp_credentials_free(out);
    return s;
}

void mlp_credentials_free(mlp_credentials *credentials)
{
    mlp_secret_free(credentials->username);
    mlp_secret_free(credentials->password);
    mlp_secret_free(credentials->token);
    mlp_free(credentials->token_path);
    mlp_free(credentials->workspace);
    mlp_free(credentials->workspace_path);
    *credentials = (mlp_credentials){0};
}

static mlplat_status basic_line(const mlp_credentials *c, char **out, mlplat_error *err)
{
    char *pair = mlp_sprintf("%s:%s", c->username, c->password);
    char *coded = pair ? mlp_secret_base64(pair) : NULL;
    *out = coded ? mlp_sprintf("Authorization: Basic %s", coded) : NULL;
    mlp_secret_free(pair);
    mlp_secret_free(coded);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status bearer_line(const char *token, char **out, mlplat_error *err)
{
    if (!mlp_secret_fits_header(token))
        return mlp_fail(err, MLPLAT_INVALID,
                        "the token for the server has a character that no header may hold, such "
                        "as a line's end: give the token alone");
    *out = mlp_sprintf("Authorization: Bearer %s", token);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status file_line(const char *path, char **out, mlplat_error *err)
{
    char *token = NULL;
    mlplat_status s = mlp_token_file_read(path, &token, err);
    if (s == MLPLAT_NOT_FOUND)
        s = mlp_fail(err, MLPLAT_DENIED,
                     "there is no token in '%.300s', mount one there (in Kubernetes, that of a "
                     "service account), or set MLFLOW_TRACKING_TOKEN",
                     path);
    if (s == MLPLAT_OK)
        s = bearer_line(token, out, err);
    mlp_secret_free(token);
    return s;
}

mlplat_status mlp_credentials_line(const mlp_credentials *c, char **out, mlplat_error *err)
{
    *out = NULL;
    if (c->username && c->password)
        return basic_line(c, out, err);
    if (c->token)
        return bearer_line(c->token, out, err);
    return c->token_path ? file_line(c->token_path, out, err) : MLPLAT_OK;
}

mlplat_status mlp_credentials_workspace(const mlp_credentials *c, char **out, mlplat_error *err)
{
    char *read = NULL;
    *out = NULL;
    if (!c->workspace && !c->workspace_path)
        return MLPLAT_OK;
    mlplat_status s = c->workspace ? MLPLAT_OK : mlp_token_file_read(c->workspace_path, &read, err);
    const char *name = c->workspace ? c->workspace : read;
    if (s == MLPLAT_OK && !mlp_secret_fits_header(name))
        s = mlp_fail(err, MLPLAT_INVALID, "the workspace (MLFLOW_WORKSPACE) has a character that no header may hold");
    if (s == MLPLAT_OK && !(*out = mlp_sprintf("X-MLFLOW-WORKSPACE: %s", name)))
        s = mlp_fail_memory(err);
    mlp_secret_free(read);
    return s;
}
