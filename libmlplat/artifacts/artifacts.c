/* The public functions: from a URI to its place, then the store's table. */
#include "artifacts/artifact_place.h"
#include "artifacts/transfer.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include <mlplat/artifacts.h>
#include <string.h>

static mlplat_status begin(mlplat *ml, const char *uri, mlp_artifact_place *place, mlplat_error *err)
{
    *place = (mlp_artifact_place){0};
    mlplat_status s = mlp_session_check(ml, err);
    return s == MLPLAT_OK ? mlp_artifact_place_find(ml, uri, place, err) : s;
}

static mlplat_status begin_read(mlplat *ml, const char *uri, mlp_artifact_place *place, mlplat_error *err)
{
    *place = (mlp_artifact_place){0};
    mlplat_status s = mlp_session_check(ml, err);
    return s == MLPLAT_OK ? mlp_artifact_place_read(ml, uri, place, err) : s;
}

static mlplat_status check_path(const char *path, mlplat_error *err)
{
    return path && *path ? MLPLAT_OK : mlp_fail(err, MLPLAT_INVALID, "the local path is empty");
}

mlplat_status mlplat_artifact_put(mlplat *ml, const char *path, const char *uri, const mlplat_transfer *transfer,
                                  mlplat_error *err)
{
    mlp_transfer t;
    mlp_artifact_place to;
    mlplat_status s = begin(ml, uri, &to, err);
    if (s == MLPLAT_OK)
        s = check_path(path, err);
    if (s == MLPLAT_OK)
        s = mlp_transfer_init(ml, transfer, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_transfer_send(ml, path, &to, &t, err);
    mlp_artifact_place_free(&to);
    return s;
}

mlplat_status mlplat_artifact_put_bytes(mlplat *ml, const void *data, size_t n, const char *uri, mlplat_error *err)
{
    mlp_artifact_place to;
    mlplat_status s = begin(ml, uri, &to, err);
    if (s == MLPLAT_OK && n && !data)
        s = mlp_fail(err, MLPLAT_INVALID, "the bytes to put are NULL");
    if (s == MLPLAT_OK)
        s = to.store->put_bytes(ml, to.root, to.name, data, n, err);
    mlp_artifact_place_free(&to);
    return s;
}

mlplat_status mlplat_artifact_get(mlplat *ml, const char *uri, const char *path, const mlplat_transfer *transfer,
                                  mlplat_error *err)
{
    mlp_transfer t;
    mlp_artifact_place from;
    mlplat_status s = begin_read(ml, uri, &from, err);
    if (s == MLPLAT_OK)
        s = check_path(path, err);
    if (s == MLPLAT_OK)
        s = mlp_transfer_init(ml, transfer, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_transfer_receive(ml, &from, path, &t, err);
    mlp_artifact_place_free(&from);
    return s;
}

/* The session's hook is asked between the pieces. */
typedef struct reader {
    mlp_transfer transfer;
    mlplat_write write;
    void *user;
    uint64_t done;
} reader;

static int64_t pass_on(void *user, const void *data, size_t n)
{
    reader *r = user;
    r->done += n;
    if (r->transfer.hook.fn(r->transfer.hook.user, r->done, 0) != 0)
        return -1;
    return r->write(r->user, data, n);
}

mlplat_status mlplat_artifact_read(mlplat *ml, const char *uri, mlplat_write write, void *user, mlplat_error *err)
{
    mlp_artifact_place from;
    reader r = {.write = write, .user = user};
    mlplat_status s = begin_read(ml, uri, &from, err);
    if (s == MLPLAT_OK && !write)
        s = mlp_fail(err, MLPLAT_INVALID, "the function that takes the bytes is NULL");
    if (s == MLPLAT_OK)
        s = mlp_transfer_init(ml, NULL, &r.transfer, err);
    if (s == MLPLAT_OK)
        s = from.store->read(ml, from.root, from.name, &r.transfer.hook, pass_on, &r, err);
    mlp_artifact_place_free(&from);
    return s;
}

/* Paths below the run or model, where a model's root is a folder of a run. */
static mlplat_status cut_top(json_t *files, size_t top, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; top && s == MLPLAT_OK && i < json_array_size(files); i++) {
        json_t *entry = json_array_get(files, i);
        const char *path = json_string_value(json_object_get(entry, "path"));
        const char *cut = strlen(path) > top ? path + top + (path[top] == '/') : strrchr(path, '/');
        cut = !cut ? path : strlen(path) > top ? cut : cut + 1;
        char *text = mlp_strdup(cut); /* the old value goes when the new one is set */
        s = text ? mlp_json_set(entry, "path", json_string(text), err) : mlp_fail_memory(err);
        mlp_free(text);
    }
    return s;
}

static mlplat_status put_top(json_t *files, const char *top, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; top && s == MLPLAT_OK && i < json_array_size(files); i++) {
        json_t *entry = json_array_get(files, i);
        char *path = mlp_file_join(top, json_string_value(json_object_get(entry, "path")));
        s = path ? mlp_json_set(entry, "path", json_string(path), err) : mlp_fail_memory(err);
        mlp_free(path);
    }
    return s;
}

static mlplat_status root_uri(const mlp_artifact_place *place, char **out, mlplat_error *err)
{
    char *top = mlp_strndup(place->name, place->top);
    size_t n = top ? strlen(top) : 0;
    if (n && top[n - 1] == '/')
        top[n - 1] = 0;
    *out = top ? mlp_file_join(place->root, top) : NULL;
    mlp_free(top);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlplat_artifact_list(mlplat *ml, const char *uri, mlplat_doc **out, mlplat_error *err)
{
    bool is_file;
    char *root = NULL;
    mlp_artifact_place place;
    json_t *doc = NULL, *files = NULL;
    *out = NULL;
    mlplat_status s = begin_read(ml, uri, &place, err);
    if (s == MLPLAT_OK && !(files = json_array()))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = place.store->list(ml, place.root, place.name, files, &is_file, err);
    if (s == MLPLAT_OK)
        s = cut_top(files, place.top, err);
    if (s == MLPLAT_OK)
        s = put_top(files, place.shown, err);
    if (s == MLPLAT_OK)
        s = root_uri(&place, &root, err);
    if (s == MLPLAT_OK) {
        doc = json_pack("{s:s, s:O}", "root_uri", root, "files", files);
        s = mlp_doc_new(doc, out, err);
    }
    json_decref(files);
    mlp_free(root);
    mlp_artifact_place_free(&place);
    return s;
}

mlplat_status mlplat_artifact_resolve(mlplat *ml, const char *uri, char **out, mlplat_error *err)
{
    mlp_artifact_place place;
    *out = NULL;
    mlplat_status s = begin(ml, uri, &place, err);
    if (s == MLPLAT_OK && !(*out = mlp_file_join(place.root, place.name)))
        s = mlp_fail_memory(err);
    mlp_artifact_place_free(&place);
    return s;
}
