/* What an answer that is not 2xx means: by MLflow's error_code where there is one, else by its status. */
#include "base/alloc.h"
#include "base/err.h"
#include "transport/http_inside.h"
#include "transport/secret.h"
#include <string.h>

enum { TOO_LARGE = 413 };

static const struct {
    int status;
    mlplat_status means;
    bool again; /* the same request may succeed later */
    const char *hint;
} statuses[] = {
    {401, MLPLAT_DENIED, false,
     "it does not know us: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"},
    {403, MLPLAT_DENIED, false, "we may not do that there"},
    {404, MLPLAT_NOT_FOUND, false, "there is no such thing"},
    {405, MLPLAT_UNSUPPORTED, false, "it does not do that: is it an MLflow server, and new enough?"},
    {407, MLPLAT_DENIED, false,
     "the proxy does not know us: https_proxy and http_proxy may hold a user and a password"},
    {408, MLPLAT_TIMEOUT, true, "it waited too long for the request"},
    {409, MLPLAT_CONFLICT, false, "it has something else there by now"},
    {410, MLPLAT_NOT_FOUND, false, "it is gone"},
    {412, MLPLAT_CONFLICT, false, "it has something else there by now"},
    {TOO_LARGE, MLPLAT_INVALID, false, "that is more than it takes at once"},
    {429, MLPLAT_UNAVAILABLE, true, "it has too many requests"},
    {501, MLPLAT_UNSUPPORTED, false, "it does not do that"},
    {507, MLPLAT_NO_SPACE, true, "its disk is full"},
};

static const struct {
    const char *code;
    mlplat_status means;
    bool again;
} codes[] = {
    {"RESOURCE_ALREADY_EXISTS", MLPLAT_EXISTS, false},
    {"ALREADY_EXISTS", MLPLAT_EXISTS, false},
    {"RESOURCE_DOES_NOT_EXIST", MLPLAT_NOT_FOUND, false},
    {"NOT_FOUND", MLPLAT_NOT_FOUND, false},
    {"ENDPOINT_NOT_FOUND", MLPLAT_UNSUPPORTED, false},
    {"NOT_IMPLEMENTED", MLPLAT_UNSUPPORTED, false},
    {"FEATURE_DISABLED", MLPLAT_UNSUPPORTED, false},
    {"INVALID_PARAMETER_VALUE", MLPLAT_INVALID, false},
    {"RESOURCE_CONFLICT", MLPLAT_CONFLICT, false},
    {"ABORTED", MLPLAT_CONFLICT, false},
    {"INVALID_STATE", MLPLAT_CONFLICT, false},
    {"PERMISSION_DENIED", MLPLAT_DENIED, false},
    {"UNAUTHENTICATED", MLPLAT_DENIED, false},
    {"REQUEST_LIMIT_EXCEEDED", MLPLAT_UNAVAILABLE, true},
    {"RESOURCE_EXHAUSTED", MLPLAT_UNAVAILABLE, true},
    {"TEMPORARILY_UNAVAILABLE", MLPLAT_UNAVAILABLE, true},
    {"INTERNAL_ERROR", MLPLAT_UNAVAILABLE, true},
};

typedef struct verdict {
    mlplat_status means;
    bool again;
    const char *hint;
} verdict;

static verdict of_status(int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i].status == status)
            return (verdict){statuses[i].means, statuses[i].again, statuses[i].hint};
    if (status >= 500)
        return (verdict){MLPLAT_UNAVAILABLE, true, "it cannot do it now"};
    if (status >= 400)
        return (verdict){MLPLAT_INVALID, false, "it does not take the request"};
    return (verdict){MLPLAT_CORRUPT, false, "that is no answer to this request"};
}

/* A pool of connections that ran dry on the server comes as a wrong request; it is over soon. */
static bool server_is_full(const char *code, const char *words)
{
    return strcmp(code, "BAD_REQUEST") == 0 && (strstr(words, "QueuePool limit") || strstr(words, "too many clients"));
}

static verdict of_code(const char *code, const char *words, verdict otherwise)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(codes[i].code, code) == 0)
            return (verdict){codes[i].means, codes[i].again, otherwise.hint};
    if (server_is_full(code, words))
        return (verdict){MLPLAT_UNAVAILABLE, true, otherwise.hint};
    return otherwise;
}

/* A server may say to us what we said to it. */
static void hide_secrets(const mlp_http_call *call, char *words)
{
    const char *space = call->authorization ? strrchr(call->authorization, ' ') : NULL;
    if (space)
        mlp_secret_hide(words, space + 1);
    if (call->http->credentials.password)
        mlp_secret_hide(words, call->http->credentials.password);
}

static mlplat_status tell(const mlp_http_call *call, verdict v, const char *code, const char *words, mlplat_error *err)
{
    int status = call->out->status;
    char *shown = mlp_strdup(words);
    if (!shown)
        return mlp_fail_memory(err);
    hide_secrets(call, shown);
    mlplat_status s = *shown ? mlp_fail(err, v.means, "%s (%d%s%.60s)", shown, status, *code ? " " : "", code)
                             : mlp_fail(err, v.means, "%s (%d%s%.60s)", v.hint, status, *code ? " " : "", code);
    if (err)
        err->retryable = v.again;
    mlp_free(shown);
    return s;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

mlplat_status mlp_http_judge(const mlp_http_call *call, mlplat_error *err)
{
    const mlp_http_response *out = call->out;
    char title[80] = "";
    json_t *json = NULL;
    if (out->status >= 200 && out->status < 300)
        return MLPLAT_OK;
    verdict v = of_status(out->status);
    if (out->body.size && !mlp_http_page(out, title, NULL))
        mlp_json_parse(out->body.data, out->body.size, &json, NULL);
    const char *code = text_of(json, "error_code"), *words = text_of(json, "message");
    v = of_code(code, words, v);
    call->out->coded = *code != 0;
    mlplat_status s = v.means == MLPLAT_DENIED && !*code ? tell(call, v, title, "", err)
                                                         : tell(call, v, *code ? code : title, words, err);
    json_decref(json);
    return s;
}

mlplat_status mlp_http_whose(mlplat_status s, const mlp_http_response *response, mlplat_error *err)
{
    bool of_request = s == MLPLAT_INVALID || s == MLPLAT_CONFLICT;
    if (!of_request || response->coded || response->status == TOO_LARGE)
        return s;
    return err->status = MLPLAT_CORRUPT;
}
