/* The store of an MLflow server. */
#include "tracking/tracking_http.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

#define API "/api/2.0/mlflow/"

enum { SINK_MS = 30 * 1000 };

/* ---- the store ------------------------------------------------------------------------------------------------- */

/* Journals wait below the user's state folder, by the server's address. */
static char *spool_folder_of(const char *uri)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    mlp_sha256 sha;
    char hex[65];
    mlp_sha256_begin(&sha);
    mlp_sha256_add(&sha, uri, strlen(uri));
    mlp_sha256_end(&sha, hex);
    if (state && *state == '/')
        return mlp_sprintf("%s/mlplat/spool/%.16s", state, hex);
    return mlp_sprintf("%s/.local/state/mlplat/spool/%.16s", home && *home ? home : "/var/tmp", hex);
}

static void free_store(mlp_tracking_http_store *store)
{
    mlp_free(store->uri);
    mlp_free(store->spool_folder);
    json_decref(store->marks);
    mlp_free(store);
}

static void http_close(void *object)
{
    mlp_tracking_http_store *store = object;
    mlp_http_close(store->http);
    free_store(store);
}

static mlplat_status open_client(mlp_tracking_http_store *store, mlplat_error *err)
{
    mlp_http_options options = {.url = store->uri, .log = &store->ml->log};
    mlp_credentials credentials = {0};
    mlplat_status s = mlp_http_options_load(&options, err);
    if (s == MLPLAT_OK)
        s = mlp_credentials_load(&credentials, err);
    options.credentials = &credentials;
    if (s == MLPLAT_OK)
        s = mlp_http_open(&options, &store->http, err);
    mlp_credentials_free(&credentials);
    return s;
}

static mlplat_status http_open(mlplat *ml, const char *uri, void **out, mlplat_error *err)
{
    mlp_tracking_http_store *store = mlp_alloc(sizeof *store);
    if (!store)
        return mlp_fail_memory(err);
    store->ml = ml;
    store->uri = mlp_strdup(uri);
    store->spool_folder = spool_folder_of(uri);
    mlplat_status s = store->uri && store->spool_folder ? open_client(store, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        *out = store;
    else
        free_store(store);
    return s;
}

static void http_about(const void *object, mlp_tracking_about *out)
{
    const mlp_tracking_http_store *store = object;
    *out = (mlp_tracking_about){.uri = store->uri,
                                .path = store->uri,
                                .head = "",
                                .spool_folder = store->spool_folder,
                                .spool_name = store->uri};
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

/* "?key=value&key=value" of texts and numbers. */
static void put_query(mlp_buf *out, const json_t *body)
{
    const char *key;
    json_t *value;
    char sign = '?';
    json_object_foreach((json_t *)body, key, value)
    {
        mlp_buf_printf(out, "%c%s=", sign, key);
        if (json_is_integer(value))
            mlp_buf_printf(out, "%lld", (long long)json_integer_value(value));
        else
            mlp_text_percent(out, json_string_value(value), "");
        sign = '&';
    }
}

/* MLflow says of what is deleted that a parameter is wrong; and an MLflow before 3.0 has no such page as one of logged
 * models, while a newer one says which of them does not exist. */
static mlplat_status told(mlplat_status s, const char *path, mlplat_error *err)
{
    bool deleted = s == MLPLAT_INVALID && (strstr(err->message, "must be in the 'active' state") ||
                                           strstr(err->message, "must be in 'active'"));
    bool too_old = (s == MLPLAT_NOT_FOUND || s == MLPLAT_UNSUPPORTED) && mlp_text_starts(path, API "logged-models") &&
                   !strstr(err->message, "RESOURCE_DOES_NOT_EXIST");
    if (!deleted && !too_old)
        return s;
    err->status = deleted ? MLPLAT_STATE : MLPLAT_UNSUPPORTED;
    return too_old ? mlp_fail_prefix(err, err->status, "logged models need a server with MLflow 3.0 or newer")
                   : err->status;
}

static bool is_get(mlp_tracking_http_how how)
{
    return how == MLP_TRACKING_HTTP_GET || how == MLP_TRACKING_HTTP_GET_SINK;
}

static mlplat_status send(mlp_tracking_http_store *store, mlp_tracking_http_how how, const char *path,
                          const json_t *body, json_t **answer, mlp_http_response *response, mlplat_error *err)
{
    static const char *const methods[] = {"GET", "POST", "POST", "PATCH", "DELETE", "POST", "GET"};
    bool sink = how == MLP_TRACKING_HTTP_SINK || how == MLP_TRACKING_HTTP_GET_SINK;
    bool has_body = !is_get(how) && how != MLP_TRACKING_HTTP_DELETE;
    mlp_http_request request = {.method = methods[how],
                                .path = path,
                                .repeatable = how != MLP_TRACKING_HTTP_ONCE,
                                .timeout_ms = sink ? SINK_MS : 0,
                                .retries = sink ? -1 : 0,
                                .hook = sink ? NULL : &store->ml->hook};
    mlplat_status s = mlp_http_json(store->http, &request, has_body ? body : NULL, answer, response, err);
    if (sink && s != MLPLAT_OK && response->retry_after_ms > 0)
        store->rest_until_ns =
            mlp_clock_mono_ns() + 1000000 * (response->retry_after_ms < SINK_MS ? response->retry_after_ms : SINK_MS);
    return told(s, path, err);
}

mlplat_status mlp_tracking_http_call(mlp_tracking_http_store *store, mlp_tracking_http_how how, const char *path,
                                     json_t *body, json_t **out, bool *unclear, mlplat_error *err)
{
    mlplat_error mine = {0};
    mlp_http_response response = {0};
    mlp_buf text = {0};
    json_t *answer = NULL;
    mlp_buf_printf(&text, API "%s", path);
    if (is_get(how) && body)
        put_query(&text, body);
    mlplat_status s = body ? mlp_buf_ok(&text, &mine) : mlp_fail_memory(&mine);
    if (s == MLPLAT_OK)
        s = send(store, how, text.data, body, &answer, &response, &mine);
    if (unclear)
        *unclear = s != MLPLAT_OK && response.fate != MLP_HTTP_NOT_SENT &&
                   (response.fate == MLP_HTTP_NO_ANSWER || response.status >= 500 || response.status == 408);
    if (s == MLPLAT_OK && out)
        *out = answer;
    else
        json_decref(answer);
    if (s != MLPLAT_OK && err)
        *err = mine;
    mlp_http_response_free(&response);
    mlp_buf_free(&text);
    json_decref(body);
    return s;
}

mlplat_status mlp_tracking_http_call_id(mlp_tracking_http_store *store, mlp_tracking_http_how how,
                                        const char *collection, const char *id, const char *rest, json_t *body,
                                        json_t **out, bool *unclear, mlplat_error *err)
{
    mlp_buf path = {0};
    mlp_buf_printf(&path, "%s/", collection);
    mlp_text_percent(&path, id, "");
    mlp_buf_puts(&path, rest);
    mlplat_status s = mlp_buf_ok(&path, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_http_call(store, how, path.data, body, out, unclear, err);
    else
        json_decref(body);
    mlp_buf_free(&path);
    return s;
}

/* ---- documents ------------------------------------------------------------------------------------------------- */

json_t *mlp_tracking_http_list(json_t *object, const char *name)
{
    json_t *list = json_object_get(object, name);
    if (!json_is_array(list) && json_is_object(object) && json_object_set_new(object, name, json_array()) == 0)
        list = json_object_get(object, name);
    return json_is_array(list) ? list : NULL;
}

static const char *key_of(const json_t *entry)
{
    const char *key = json_string_value(json_object_get(entry, "key"));
    return key ? key : "";
}

static int by_key(const void *a, const void *b)
{
    return strcmp(key_of(*(json_t *const *)a), key_of(*(json_t *const *)b));
}

mlplat_status mlp_tracking_http_sort(json_t *list, mlplat_error *err)
{
    size_t n = json_array_size(list);
    if (!list)
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has no list where one belongs");
    json_t **entries = mlp_alloc_array(n, sizeof(json_t *));
    if (!entries)
        return mlp_fail_memory(err);
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        entries[i] = json_incref(json_array_get(list, i));
        good = good && json_is_string(json_object_get(entries[i], "key"));
    }
    qsort(entries, n, sizeof(json_t *), by_key);
    for (size_t i = 0; i < n; i++)
        json_array_set_new(list, i, entries[i]);
    mlp_free(entries);
    return good ? MLPLAT_OK : mlp_fail(err, MLPLAT_CORRUPT, "the server's answer has an entry without a key");
}

void mlp_tracking_http_unmark(json_t *tags)
{
    for (size_t i = json_array_size(tags); i-- > 0;) {
        const char *key = key_of(json_array_get(tags, i));
        if (strcmp(key, MLP_TRACKING_HTTP_OP) == 0 || mlp_text_starts(key, MLP_TRACKING_HTTP_MARK))
            json_array_remove(tags, i);
    }
}

json_t *mlp_tracking_http_pairs(const json_t *tags)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach(
        (json_t *)tags, key,
        value) if (list && json_array_append_new(list, json_pack("{s:s, s:O}", "key", key, "value", value)) != 0)
    {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

#define TABLE(scheme_name)                                                                                             \
    {                                                                                                                  \
        .scheme = scheme_name, .open = http_open, .close = http_close, .abandon = http_close, .about = http_about,     \
        .sink = mlp_tracking_http_sink, .experiment_create = mlp_tracking_http_experiment_create,                      \
        .experiment_get = mlp_tracking_http_experiment_get,                                                            \
        .experiment_by_name = mlp_tracking_http_experiment_by_name,                                                    \
        .experiment_search = mlp_tracking_http_experiment_search,                                                      \
        .experiment_rename = mlp_tracking_http_experiment_rename,                                                      \
        .experiment_delete = mlp_tracking_http_experiment_delete,                                                      \
        .experiment_restore = mlp_tracking_http_experiment_restore,                                                    \
        .experiment_tag = mlp_tracking_http_experiment_tag, .experiment_untag = mlp_tracking_http_experiment_untag,    \
        .run_create = mlp_tracking_http_run_create, .run_get = mlp_tracking_http_run_get,                              \
        .run_search = mlp_tracking_http_run_search, .run_update = mlp_tracking_http_run_update,                        \
        .run_delete = mlp_tracking_http_run_delete, .run_restore = mlp_tracking_http_run_restore,                      \
        .run_params = mlp_tracking_http_run_params, .run_untag = mlp_tracking_http_run_untag,                          \
        .run_inputs = mlp_tracking_http_run_inputs, .run_outputs = mlp_tracking_http_run_outputs,                      \
        .history = mlp_tracking_http_history, .histories = mlp_tracking_http_histories,                                \
        .run_note = mlp_tracking_http_run_note, .buckets = mlp_tracking_http_buckets,                                  \
        .points = mlp_tracking_http_points, .model_create = mlp_tracking_http_model_create,                            \
        .model_get = mlp_tracking_http_model_get, .model_search = mlp_tracking_http_model_search,                      \
        .model_check = mlp_tracking_http_model_check, .model_finalize = mlp_tracking_http_model_finalize,              \
        .model_tags = mlp_tracking_http_model_tags, .model_untag = mlp_tracking_http_model_untag,                      \
        .model_params = mlp_tracking_http_model_params, .model_metrics = mlp_tracking_http_model_metrics,              \
        .model_of_run = mlp_tracking_http_model_of_run, .model_delete = mlp_tracking_http_model_delete                 \
    }

static const mlp_tracking_store plain = TABLE("http"), tls = TABLE("https");

const mlp_tracking_store *mlp_tracking_http(void)
{
    return &plain;
}

const mlp_tracking_store *mlp_tracking_https(void)
{
    return &tls;
}
