/* A model directory is written beside its place and renamed into it: whole or not at all. */
#include "artifacts/model_parts.h"
#include "artifacts/transfer.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/os.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MLMODEL_LIMIT ((size_t)16 << 20)

typedef mlplat_status (*to_text)(const json_t *json, mlp_buf *out, mlplat_error *err);

/* A writer of the directory that is being made. */
typedef struct writer {
    mlplat *ml;
    mlp_artifact_place place; /* its root is the temporary folder; name is changed as needed */
    mlp_transfer transfer;
    uint64_t bytes;
} writer;

static mlplat_status put_text(writer *w, const char *name, const char *text, size_t n, mlplat_error *err)
{
    w->bytes += n;
    return w->place.store->put_bytes(w->ml, w->place.root, name, text, n, err);
}

static mlplat_status put_json(writer *w, const char *name, const json_t *json, to_text as, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = json ? as(json, &text, err) : MLPLAT_OK;
    if (json && s == MLPLAT_OK)
        s = put_text(w, name, text.data, text.size, err);
    mlp_buf_free(&text);
    return s;
}

static mlplat_status put_tree(writer *w, const char *path, const char *name, mlplat_error *err)
{
    mlp_artifact_place to = w->place;
    if (!path)
        return MLPLAT_OK;
    if (!(to.name = mlp_strdup(name)))
        return mlp_fail_memory(err);
    w->transfer.done = 0;
    mlplat_status s = mlp_transfer_send(w->ml, path, &to, &w->transfer, err);
    w->bytes += w->transfer.total;
    mlp_free(to.name);
    return s == MLPLAT_OK ? s : mlp_fail_prefix(err, s, "writing '%s' of the model", name);
}

static mlplat_status put_environment(writer *w, const mlp_model_parts *parts, mlplat_error *err)
{
    mlp_buf text = {0};
    json_t *conda = NULL, *python_env = NULL;
    size_t i;
    json_t *line;
    if (!parts->requirements)
        return MLPLAT_OK;
    json_array_foreach(parts->requirements, i, line) mlp_buf_printf(&text, "%s\n", json_string_value(line));
    mlplat_status s = mlp_buf_ok(&text, err);
    if (s == MLPLAT_OK)
        s = put_text(w, "requirements.txt", text.data ? text.data : "", text.size, err);
    if (s == MLPLAT_OK)
        s = mlp_model_yaml_conda(parts, &conda, err);
    if (s == MLPLAT_OK)
        s = put_json(w, "conda.yaml", conda, mlp_yaml_text, err);
    if (s == MLPLAT_OK)
        s = mlp_model_yaml_python_env(parts, &python_env, err);
    if (s == MLPLAT_OK)
        s = put_json(w, "python_env.yaml", python_env, mlp_yaml_text, err);
    mlp_buf_free(&text);
    json_decref(conda);
    json_decref(python_env);
    return s;
}

/* MLmodel comes last: it tells the size of the rest. */
static mlplat_status fill(writer *w, const mlp_model_parts *parts, mlplat_error *err)
{
    json_t *mlmodel = NULL;
    mlplat_status s = put_tree(w, parts->model.data, parts->data_name, err);
    if (s == MLPLAT_OK)
        s = put_tree(w, parts->model.code, parts->code_name, err);
    if (s == MLPLAT_OK)
        s = put_environment(w, parts, err);
    if (s == MLPLAT_OK)
        s = put_json(w, "input_example.json", parts->example, mlp_json_text, err);
    if (s == MLPLAT_OK)
        s = put_json(w, "serving_input_example.json", parts->serving_example, mlp_json_pretty, err);
    if (s == MLPLAT_OK)
        s = mlp_model_yaml_mlmodel(parts, w->bytes, &mlmodel, err);
    if (s == MLPLAT_OK)
        s = put_json(w, "MLmodel", mlmodel, mlp_yaml_text, err);
    json_decref(mlmodel);
    return s;
}

/* rename(2) replaces an empty folder, and refuses anything else. */
static mlplat_status rename_model(const char *temporary, const char *dir, mlplat_error *err)
{
    if (mlp_sys.rename(AT_FDCWD, temporary, AT_FDCWD, dir) == 0)
        return MLPLAT_OK;
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
        return mlp_fail(err, MLPLAT_EXISTS, "'%.300s' is there and is not an empty folder: name a new one", dir);
    return mlp_fail_errno(err, errno, "cannot rename the finished model to '%.300s'", dir);
}

/* What cannot be made durable is not there. */
static mlplat_status move_into_place(const char *temporary, const char *dir, const char *parent, mlplat_error *err)
{
    int fd = -1;
    mlplat_status s = mlp_file_open_root(parent, false, &fd, err);
    if (s == MLPLAT_OK)
        s = rename_model(temporary, dir, err);
    if (s == MLPLAT_OK && (s = mlp_file_sync_folder(fd, err)) != MLPLAT_OK)
        mlp_file_remove_tree(dir, NULL);
    if (fd != -1)
        mlp_sys.close(fd);
    return s;
}

/* Found out before the work, and again by the rename. */
static mlplat_status check_free(const char *dir, mlplat_error *err)
{
    struct stat st = {0};
    size_t names = 0;
    if (lstat(dir, &st) == -1 && errno != ENOTDIR)
        return errno == ENOENT ? MLPLAT_OK : mlp_fail_errno(err, errno, "cannot look at '%.300s'", dir);
    DIR *folder = S_ISDIR(st.st_mode) ? opendir(dir) : NULL;
    if (S_ISDIR(st.st_mode) && !folder)
        return mlp_fail_errno(err, errno, "cannot look into '%.300s'", dir);
    while (folder && names < 3 && readdir(folder))
        names++;
    bool empty = folder && names <= 2; /* "." and ".." */
    if (folder)
        closedir(folder);
    return empty ? MLPLAT_OK
                 : mlp_fail(err, MLPLAT_EXISTS, "'%.300s' is there and is not an empty folder: name a new one", dir);
}

/* A folder of a new name beside the directory to be. */
static mlplat_status make_temporary(const char *parent, char **out, mlplat_error *err)
{
    char id[33];
    mlplat_status s = mlp_random_hex(id, err);
    char *name = s == MLPLAT_OK ? mlp_sprintf(".mlplat-%.24s.tmp", id) : NULL;
    if (s == MLPLAT_OK && (!name || !(*out = mlp_file_join(parent, name))))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_file_mkdirs(parent, 0777, err);
    if (s == MLPLAT_OK && mlp_sys.mkdir(AT_FDCWD, *out, 0777) == -1) {
        s = mlp_fail_errno(err, errno, "cannot make a folder in '%.300s'", parent);
        mlp_free(*out);
        *out = NULL;
    }
    mlp_free(name);
    return s;
}

static mlplat_status save(mlplat *ml, const mlp_model_parts *parts, const char *dir, const char *parent,
                          mlplat_error *err)
{
    writer w = {.ml = ml};
    char *temporary = NULL;
    mlplat_status s = mlp_transfer_init(ml, NULL, &w.transfer, err);
    if (s == MLPLAT_OK)
        s = make_temporary(parent, &temporary, err);
    if (s == MLPLAT_OK && !(w.place.name = mlp_strdup("")))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK) {
        w.place.store = mlp_artifact_file();
        s = w.place.store->root(temporary, &w.place.root, err);
    }
    if (s == MLPLAT_OK)
        s = fill(&w, parts, err);
    if (s == MLPLAT_OK)
        s = move_into_place(temporary, dir, parent, err);
    if (s != MLPLAT_OK && temporary)
        mlp_file_remove_tree(temporary, NULL);
    mlp_artifact_place_free(&w.place);
    mlp_free(temporary);
    return s;
}

mlplat_status mlplat_model_save(mlplat *ml, const mlplat_model *model, const char *dir, mlplat_error *err)
{
    mlp_model_parts parts = {0};
    char *full = NULL, *parent = NULL;
    mlplat_status s = mlp_session_check(ml, err);
    if (s == MLPLAT_OK && (!dir || !*dir))
        s = mlp_fail(err, MLPLAT_INVALID, "the directory for the model is empty");
    if (s == MLPLAT_OK)
        s = mlp_model_parts_read(model, &parts, err);
    if (s == MLPLAT_OK && !(full = mlp_file_absolute(dir)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK && !full[1])
        s = mlp_fail(err, MLPLAT_EXISTS, "'/' is no place for a model");
    if (s == MLPLAT_OK)
        s = check_free(full, err);
    size_t n = s == MLPLAT_OK ? (size_t)(strrchr(full, '/') - full) : 0;
    if (s == MLPLAT_OK && !(parent = mlp_strndup(full, n ? n : 1)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = save(ml, &parts, full, parent, err);
    mlp_model_parts_free(&parts);
    mlp_free(full);
    mlp_free(parent);
    return s;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static int64_t collect(void *user, const void *data, size_t n)
{
    mlp_buf *text = user;
    mlp_buf_add(text, data, n);
    return text->size > MLMODEL_LIMIT || text->failed ? -1 : (int64_t)n;
}

mlplat_status mlplat_model_info(mlplat *ml, const char *uri, mlplat_doc **out, mlplat_error *err)
{
    mlp_buf text = {0};
    json_t *mlmodel = NULL;
    *out = NULL;
    if (!uri)
        return mlp_fail(err, MLPLAT_INVALID, "the model's URI is NULL");
    char *file = mlp_file_join(uri, "MLmodel");
    mlplat_status s = file ? mlplat_artifact_read(ml, file, collect, &text, err) : mlp_fail_memory(err);
    if (text.size > MLMODEL_LIMIT)
        s = mlp_fail(err, MLPLAT_INVALID, "'%.200s' is larger than 16 MiB: not an MLmodel", file);
    else if (text.failed)
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_yaml_parse(text.data ? text.data : "", text.size, &mlmodel, err);
    if (s == MLPLAT_OK && !json_is_object(mlmodel))
        s = mlp_fail(err, MLPLAT_INVALID, "'%.200s' is not a map: not an MLmodel", file);
    if (s == MLPLAT_OK)
        s = mlp_doc_new(json_incref(mlmodel), out, err);
    json_decref(mlmodel);
    mlp_buf_free(&text);
    mlp_free(file);
    return s;
}
