/* What is asked of the proxy: a request to a place, and lists. */
#include "artifacts/artifact_list.h"
#include "artifacts/artifact_remote.h"
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include <string.h>

/* ---- requests --------------------------------------------------------------------------------------------------- */

static _Thread_local mlp_artifact_manner manner;

void mlp_artifact_behave(mlp_artifact_manner how)
{
    manner = how;
}

const mlp_hook *mlp_artifact_remote_hook(const mlplat *ml, const mlp_hook *given)
{
    static const mlp_hook none;
    return manner == MLP_ARTIFACT_QUIET ? &none : given ? given : &ml->hook;
}

mlplat_status mlp_artifact_remote_whose(mlplat_status s, const mlp_http_response *response, mlplat_error *err)
{
    return manner == MLP_ARTIFACT_QUIET ? mlp_http_whose(s, response, err) : s;
}

static mlplat_status place_path(const mlp_artifact_remote *remote, mlp_buf *out, mlplat_error *err)
{
    mlp_buf_puts(out, MLP_ARTIFACT_SERVICE "/");
    mlp_text_percent(out, remote->path, "/");
    return mlp_buf_ok(out, err);
}

/* A server that was started without the proxy says so with 503, as if that would be over soon. */
static bool serves_none(const mlp_artifact_remote *remote, const mlp_http_response *response, mlplat_error *err)
{
    if (response->status != 503 || !response->body.size || !strstr(response->body.data, "serve-artifacts"))
        return false;
    mlp_fail(err, MLPLAT_UNSUPPORTED,
             "%s serves no artifacts: start it with --serve-artifacts, or give the experiment an artifact location "
             "that this machine reaches itself",
             mlp_http_name(remote->http));
    return true;
}

/* Whether a failure will stay one, told in err then. */
static bool hopeless(const mlp_artifact_remote *remote, mlp_artifact_remote_why why, const mlp_http_response *response,
                     mlplat_error *err)
{
    mlplat_error better = {0};
    if (!err->retryable || serves_none(remote, response, err))
        return true;
    bool again = manner == MLP_ARTIFACT_PATIENT;
    if (!why || response->status != 500 || why(remote, &better) == MLPLAT_OK)
        return !again;
    *err = better;
    return true;
}

static mlplat_status begin_again(const mlp_http_request *request, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    if (request->source)
        s = request->source->rewind(request->source->user, err);
    if (s == MLPLAT_OK && request->sink)
        s = request->sink->restart(request->sink->user, err);
    return s;
}

mlplat_status mlp_artifact_remote_send(const mlp_artifact_remote *remote, mlp_http_request *request,
                                       mlp_artifact_remote_why why, mlp_http_response *response, mlplat_error *err)
{
    mlplat_error mine = {0};
    mlp_buf path = {0};
    mlplat_status s = place_path(remote, &path, &mine);
    *response = (mlp_http_response){0};
    request->path = path.data;
    int64_t retries = request->retries;
    request->patient = true;
    request->retries = -1;
    if (s == MLPLAT_OK)
        s = mlp_artifact_remote_whose(mlp_http_send(remote->http, request, response, &mine), response, &mine);
    if (s != MLPLAT_OK && !hopeless(remote, why, response, &mine)) {
        request->retries = retries;
        mlp_http_response_free(response);
        s = begin_again(request, &mine);
        if (s == MLPLAT_OK)
            s = mlp_artifact_remote_whose(mlp_http_send(remote->http, request, response, &mine), response, &mine);
    }
    mlp_buf_free(&path);
    if (s == MLPLAT_OK)
        return s;
    if (err)
        *err = mine;
    return mine.status;
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

/* A number, or a number as text. */
static int64_t size_of(const json_t *file)
{
    const json_t *size = json_object_get(file, "file_size");
    int64_t n = json_is_integer(size) ? json_integer_value(size) : -1;
    if (json_is_string(size) && !mlp_text_int64(json_string_value(size), &n))
        n = -1;
    return n < 0 ? -1 : n;
}

/* One part of a path, whatever a server says. */
static mlplat_status take_file(json_t *list, const json_t *file, mlplat_error *err)
{
    const json_t *path = json_object_get(file, "path");
    const char *name = json_string_value(path);
    if (!name)
        return mlp_fail(err, MLPLAT_CORRUPT, "the server listed an artifact without a path");
    mlplat_status s = strlen(name) == json_string_length(path)
                          ? mlp_file_check_relative(name, "the name that the server listed", err)
                          : mlp_fail(err, MLPLAT_INVALID, "the server listed a name with a NUL");
    if (s == MLPLAT_OK && strchr(name, '/'))
        s = mlp_fail(err, MLPLAT_INVALID, "the server listed '%.200s', which is not one name", name);
    if (s == MLPLAT_OK)
        s = mlp_artifact_list_add(list, name, json_is_true(json_object_get(file, "is_dir")), size_of(file), err);
    return s;
}

static mlplat_status take_files(const json_t *answer, json_t **out, mlplat_error *err)
{
    const json_t *files = json_object_get(answer, "files");
    if (files && !json_is_array(files))
        return mlp_fail(err, MLPLAT_CORRUPT, "the server's list of artifacts is no list");
    mlplat_status s = (*out = json_array()) ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < json_array_size(files); i++)
        s = take_file(*out, json_array_get(files, i), err);
    return s;
}

static mlplat_status ask_list(const mlp_artifact_remote *remote, const char *query, json_t **answer, mlplat_error *err)
{
    mlp_http_response response;
    mlplat_error mine = {0};
    const mlp_hook *hook = mlp_artifact_remote_hook(remote->ml, NULL);
    mlp_http_request request = {.method = "GET", .path = query, .hook = hook, .retries = -1};
    mlplat_status s = mlp_http_json(remote->http, &request, NULL, answer, &response, &mine);
    s = mlp_artifact_remote_whose(s, &response, &mine);
    if (s != MLPLAT_OK && !hopeless(remote, NULL, &response, &mine)) {
        request.retries = 0;
        mlp_http_response_free(&response);
        s = mlp_http_json(remote->http, &request, NULL, answer, &response, &mine);
    }
    mlp_http_response_free(&response);
    if (s == MLPLAT_OK)
        return s;
    if (err)
        *err = mine;
    return mine.status;
}

mlplat_status mlp_artifact_remote_list(const mlp_artifact_remote *remote, const char *path, json_t **out,
                                       mlplat_error *err)
{
    mlp_buf query = {0};
    json_t *answer = NULL;
    *out = NULL;
    mlp_buf_puts(&query, MLP_ARTIFACT_SERVICE);
    if (*path) {
        mlp_buf_puts(&query, "?path=");
        mlp_text_percent(&query, path, "/");
    }
    mlplat_status s = mlp_buf_ok(&query, err);
    if (s == MLPLAT_OK)
        s = ask_list(remote, query.data, &answer, err);
    s = s == MLPLAT_NOT_FOUND ? ((*out = json_array()) ? MLPLAT_OK : mlp_fail_memory(err))
        : s == MLPLAT_OK      ? take_files(answer, out, err)
                              : s;
    json_decref(answer);
    mlp_buf_free(&query);
    if (s == MLPLAT_OK)
        s = mlp_artifact_list_sort(*out, 0, err);
    if (s == MLPLAT_OK)
        return s;
    json_decref(*out);
    *out = NULL;
    return s;
}

/* The path of the folder that a path is in, and its last part in *name. NULL: no memory. */
static char *parent_of(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    return slash ? mlp_strndup(path, (size_t)(slash - path)) : mlp_strdup("");
}

static const json_t *find_in(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(list, i), "path")), name) == 0)
            return json_array_get(list, i);
    return NULL;
}

mlplat_status mlp_artifact_remote_kind(const mlp_artifact_remote *remote, const char *path, mlp_artifact_kind *kind,
                                       int64_t *size, mlplat_error *err)
{
    const char *name;
    json_t *list = NULL;
    char *parent = parent_of(path, &name);
    *kind = MLP_ARTIFACT_NOTHING;
    *size = -1;
    mlplat_status s = parent ? mlp_artifact_remote_list(remote, parent, &list, err) : mlp_fail_memory(err);
    const json_t *entry = s == MLPLAT_OK ? find_in(list, name) : NULL;
    if (entry) {
        *kind = json_is_true(json_object_get(entry, "is_dir")) ? MLP_ARTIFACT_FOLDER : MLP_ARTIFACT_FILE;
        *size = json_object_get(entry, "file_size") ? json_integer_value(json_object_get(entry, "file_size")) : -1;
    }
    json_decref(list);
    mlp_free(parent);
    return s;
}

static mlplat_status keep_folders(const mlp_artifact_remote *remote, const char *parent, const json_t *list,
                                  mlplat_error *err)
{
    json_t *folders = json_object();
    mlplat_status s = folders ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        if (json_is_true(json_object_get(entry, "is_dir")))
            s = mlp_json_set(folders, json_string_value(json_object_get(entry, "path")), json_true(), err);
    }
    if (s == MLPLAT_OK)
        mlp_artifact_clients_keep(remote->clients, remote->http, parent, folders);
    else
        json_decref(folders);
    return s;
}

mlplat_status mlp_artifact_remote_check_free(const mlp_artifact_remote *remote, mlplat_error *err)
{
    const char *name;
    json_t *list = NULL;
    bool is_folder = false;
    char *parent = parent_of(remote->path, &name);
    mlplat_status s = parent ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && !mlp_artifact_clients_know(remote->clients, remote->http, parent, name, &is_folder)) {
        s = mlp_artifact_remote_list(remote, parent, &list, err);
        if (s == MLPLAT_OK)
            s = keep_folders(remote, parent, list, err);
        is_folder = s == MLPLAT_OK && json_is_true(json_object_get(find_in(list, name), "is_dir"));
    }
    if (is_folder)
        s = mlp_fail(err, MLPLAT_EXISTS, "'%.200s' is a folder there: give the file a name inside it",
                     mlp_artifact_remote_shown(remote));
    json_decref(list);
    mlp_free(parent);
    return s;
}
