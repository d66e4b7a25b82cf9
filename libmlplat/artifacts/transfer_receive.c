#include "artifacts/artifact_local.h"
#include "artifacts/transfer.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "base/os.h"
#include <fcntl.h>
#include <string.h>

/* Bytes on their way from a store into a file. */
typedef struct pipe_in {
    mlp_artifact_sink *sink;
    mlp_transfer *transfer;
    uint64_t done;
    mlplat_error *err;
    mlplat_status status; /* why it stopped, if it did */
} pipe_in;

static int64_t take_bytes(void *user, const void *data, size_t n)
{
    pipe_in *in = user;
    in->status = mlp_file_write_all(in->sink->fd, data, n, in->err);
    in->done += n;
    if (in->status == MLPLAT_OK)
        in->status = mlp_hook_call(&in->transfer->hook, in->done, 0, "copying an artifact", in->err);
    return in->status == MLPLAT_OK ? (int64_t)n : -1;
}

/* What writes knows the file's name in its folder only: path is what the caller gave. */
static mlplat_status name_path(const char *path, mlplat_status s, mlplat_error *err)
{
    return s == MLPLAT_OK || s == MLPLAT_CANCELLED ? s : mlp_fail_prefix(err, s, "writing '%.200s'", path);
}

/* What came of a file from afar is as much as the list promised. */
static mlplat_status check_size(const mlp_artifact_place *from, const char *path, const json_t *entry, uint64_t came,
                                mlplat_error *err)
{
    const json_t *size = json_object_get(entry, "file_size");
    if (!from->store->far || !size || (uint64_t)json_integer_value(size) == came)
        return MLPLAT_OK;
    mlplat_status s =
        mlp_fail(err, MLPLAT_CORRUPT,
                 "%llu bytes came for '%.200s', and the list has %lld: it was cut off, or is being changed",
                 (unsigned long long)came, path, (long long)json_integer_value(size));
    if (err)
        err->retryable = 1;
    return s;
}

/* A file of a store and its new name in a folder. */
typedef struct receipt {
    const char *name;
    const json_t *entry; /* what the list says of it */
    int folder;
    const char *to;
} receipt;

static mlplat_status receive_file(mlplat *ml, const mlp_artifact_place *from, const receipt *file, const char *path,
                                  mlp_transfer *t, mlplat_error *err)
{
    mlplat_error why = {0};
    mlp_artifact_sink sink = {0};
    pipe_in in = {.sink = &sink, .transfer = t, .err = &why};
    mlplat_status s = name_path(path, mlp_artifact_sink_open(file->folder, file->to, &sink, err), err);
    if (s == MLPLAT_OK)
        s = from->store->read(ml, from->root, file->name, &t->hook, take_bytes, &in, err);
    if (in.status != MLPLAT_OK) { /* the store knows only that we stopped */
        s = in.status;
        if (err)
            *err = why;
        name_path(path, s, err);
    }
    if (s == MLPLAT_OK)
        s = check_size(from, *file->name ? file->name : from->root, file->entry, in.done, err);
    if (s == MLPLAT_OK)
        s = name_path(path, mlp_artifact_sink_commit(&sink, err), err);
    mlp_artifact_sink_free(&sink);
    t->done += in.done;
    return s == MLPLAT_OK ? mlp_transfer_tell(t, err) : s;
}

/* All below a folder of the store: its list, with what is in its folders appended while it is gone through. */
static mlplat_status list_all(mlplat *ml, const mlp_artifact_place *from, json_t *files, mlp_transfer *t,
                              mlplat_error *err)
{
    bool is_file;
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < json_array_size(files); i++) {
        json_t *entry = json_array_get(files, i);
        const char *path = json_string_value(json_object_get(entry, "path"));
        t->total += (uint64_t)json_integer_value(json_object_get(entry, "file_size"));
        if (json_is_true(json_object_get(entry, "is_dir")))
            s = from->store->list(ml, from->root, path, files, &is_file, err);
        if (s == MLPLAT_OK)
            s = mlp_transfer_tell(t, err);
    }
    return s;
}

/* The part of a listed path that is below what was asked for. A store's answer is checked, not believed. */
static const char *below(const mlp_artifact_place *from, const char *path)
{
    size_t n = strlen(from->name);
    if (!n)
        return path;
    return strncmp(path, from->name, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static mlplat_status receive_entry(mlplat *ml, const mlp_artifact_place *from, const json_t *entry,
                                   const char *destination, int folder, mlp_transfer *t, mlplat_error *err)
{
    const char *path = json_string_value(json_object_get(entry, "path"));
    const char *to = path ? below(from, path) : NULL;
    if (!to)
        return mlp_fail(err, MLPLAT_CORRUPT, "the store listed '%.200s', which is not below '%.200s'", path ? path : "",
                        from->name);
    mlplat_status s = mlp_file_check_relative(to, "listed artifact", err);
    if (s == MLPLAT_OK && json_is_true(json_object_get(entry, "is_dir")))
        return mlp_artifact_local_folder(folder, to, err);
    const receipt file = {.name = path, .entry = entry, .folder = folder, .to = to};
    return s == MLPLAT_OK ? receive_file(ml, from, &file, destination, t, err) : s;
}

static mlplat_status receive_folder(mlplat *ml, const mlp_artifact_place *from, json_t *files, const char *path,
                                    mlp_transfer *t, mlplat_error *err)
{
    int folder = -1;
    mlplat_status s = list_all(ml, from, files, t, err);
    if (s == MLPLAT_OK)
        s = mlp_file_open_root(path, true, &folder, err);
    for (size_t i = 0; s == MLPLAT_OK && i < json_array_size(files); i++)
        s = receive_entry(ml, from, json_array_get(files, i), path, folder, t, err);
    if (folder != -1)
        mlp_sys.close(folder);
    return s;
}

/* A path is the caller's word: its own ".." and links count, down to the folder that gets the file. */
static mlplat_status receive_one(mlplat *ml, const mlp_artifact_place *from, const json_t *entry, const char *path,
                                 mlp_transfer *t, mlplat_error *err)
{
    int folder = -1;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *parent = !slash ? mlp_strdup(".") : mlp_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    mlplat_status s = parent ? MLPLAT_OK : mlp_fail_memory(err);
    struct stat st;
    t->total = (uint64_t)json_integer_value(json_object_get(entry, "file_size"));
    if (s == MLPLAT_OK && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        s = mlp_fail(err, MLPLAT_EXISTS, "'%.200s' is a folder: name the file to write in it", path);
    if (s == MLPLAT_OK)
        s = mlp_transfer_tell(t, err);
    if (s == MLPLAT_OK)
        s = mlp_file_open_root(parent, true, &folder, err);
    if (s == MLPLAT_OK)
        s = receive_file(ml, from, &(receipt){from->name, entry, folder, name}, path, t, err);
    if (folder != -1)
        mlp_sys.close(folder);
    mlp_free(parent);
    return s;
}

/* An empty folder and nothing at all look alike in a list. */
static mlplat_status receive_nothing(const mlp_artifact_place *from, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_NOT_FOUND, "no artifact '%.200s' in '%.200s'", *from->name ? from->name : "(the top)",
                    from->root);
}

mlplat_status mlp_transfer_receive(mlplat *ml, const mlp_artifact_place *from, const char *path, mlp_transfer *t,
                                   mlplat_error *err)
{
    bool is_file = false;
    json_t *files = json_array();
    mlplat_status s =
        files ? from->store->list(ml, from->root, from->name, files, &is_file, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK && !json_array_size(files))
        s = receive_nothing(from, err);
    else if (s == MLPLAT_OK && is_file)
        s = receive_one(ml, from, json_array_get(files, 0), path, t, err);
    else if (s == MLPLAT_OK)
        s = receive_folder(ml, from, files, path, t, err);
    json_decref(files);
    return s;
}
