/* Artifacts of a run: the URI runs:/<run id>/<path> and artifacts/ do the work. */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "tracking/run_handle.h"
#include "tracking/tracking_take.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* "runs:/<id>/<folder>/<name>"; an empty folder is the top. */
static mlplat_status run_uri(const mlplat_run *run, const char *folder, const char *name, char **out, mlplat_error *err)
{
    bool top = !folder || !*folder;
    mlplat_status s = top ? MLPLAT_OK : mlp_file_check_relative(folder, "artifact path", err);
    if (s == MLPLAT_OK)
        s = mlp_file_check_relative(name, "artifact name", err);
    if (s != MLPLAT_OK)
        return s;
    *out = mlp_sprintf("runs:/%s/%s%s%s", run->id, top ? "" : folder, top ? "" : "/", name);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

/* Nothing is put into a deleted run. */
static mlplat_status check_run(const mlplat_run *run, mlplat_error *err)
{
    json_t *doc = NULL;
    mlplat_status s = mlp_run_handle_check(run, err);
    if (s == MLPLAT_OK)
        s = run->tracking->ops->run_get(run->tracking->store, run->id, &doc, err);
    const char *stage = json_string_value(json_object_get(json_object_get(doc, "info"), "lifecycle_stage"));
    if (s == MLPLAT_OK && (!stage || strcmp(stage, "active") != 0))
        s = mlp_fail(err, MLPLAT_STATE, "run %s is deleted: restore it first", run->id);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_run_log_artifact(mlplat_run *run, const char *path, const char *artifact_path, mlplat_error *err)
{
    char *full = NULL, *uri = NULL;
    mlplat_status s = check_run(run, err);
    if (s == MLPLAT_OK && (!path || !*path))
        s = mlp_fail(err, MLPLAT_INVALID, "the path of the file to log is empty");
    if (s == MLPLAT_OK && !(full = mlp_file_absolute(path)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK && !full[1])
        s = mlp_fail(err, MLPLAT_INVALID, "'/' cannot be logged: name a file or a directory below it");
    if (s == MLPLAT_OK)
        s = run_uri(run, artifact_path, strrchr(full, '/') + 1, &uri, err);
    if (s == MLPLAT_OK)
        s = mlplat_artifact_put(run->tracking->ml, full, uri, NULL, err);
    mlp_free(full);
    mlp_free(uri);
    return s;
}

static mlplat_status put_bytes(mlplat_run *run, const char *data, size_t n, const char *artifact_file,
                               mlplat_error *err)
{
    char *uri = NULL;
    mlplat_status s = run_uri(run, NULL, artifact_file ? artifact_file : "", &uri, err);
    if (s == MLPLAT_OK)
        s = mlplat_artifact_put_bytes(run->tracking->ml, data, n, uri, err);
    mlp_free(uri);
    return s;
}

mlplat_status mlplat_run_log_text(mlplat_run *run, const char *text, const char *artifact_file, mlplat_error *err)
{
    mlplat_status s = check_run(run, err);
    if (s == MLPLAT_OK && !text)
        s = mlp_fail(err, MLPLAT_INVALID, "the text to log is NULL");
    return s == MLPLAT_OK ? put_bytes(run, text, strlen(text), artifact_file, err) : s;
}

mlplat_status mlplat_run_log_dict(mlplat_run *run, const char *text, const char *artifact_file, mlplat_error *err)
{
    json_t *json = NULL;
    mlp_buf out = {0};
    bool yaml = artifact_file && (mlp_text_ends(artifact_file, ".yaml") || mlp_text_ends(artifact_file, ".yml"));
    mlplat_status s = check_run(run, err);
    if (s == MLPLAT_OK && !text)
        s = mlp_fail(err, MLPLAT_INVALID, "the document to log is NULL");
    if (s == MLPLAT_OK)
        s = mlp_json_parse(text, strlen(text), &json, err);
    if (s == MLPLAT_OK)
        s = yaml ? mlp_yaml_text(json, &out, err) : mlp_json_pretty(json, &out, err);
    if (s == MLPLAT_OK)
        s = put_bytes(run, out.data, out.size, artifact_file, err);
    mlp_buf_free(&out);
    json_decref(json);
    return s;
}

/* ---- models ---------------------------------------------------------------------------------------------------- */

/* A new private folder in the place for temporary files. *out is the caller's. */
static mlplat_status make_temporary(char **out, mlplat_error *err)
{
    const char *tmp = getenv("TMPDIR");
    char name[33];
    mlplat_status s = mlp_random_hex(name, err);
    if (s == MLPLAT_OK && !(*out = mlp_sprintf("%s/mlplat-model-%s", tmp && *tmp == '/' ? tmp : "/tmp", name)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK && mlp_sys.mkdir(AT_FDCWD, *out, 0700) == -1) {
        s = mlp_fail_errno(err, errno, "temporary folder %s (TMPDIR moves it)", *out);
        mlp_free(*out);
        *out = NULL;
    }
    return s;
}

/* What the history of models holds of an MLmodel. */
static mlplat_status history_entry(const json_t *model, json_t **out, mlplat_error *err)
{
    static const char *const names[] = {"run_id", "artifact_path", "utc_time_created", "model_uuid"};
    const char *flavor;
    json_t *config, *flavors = json_object();
    mlplat_status s = (*out = json_object()) && flavors ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof names / sizeof names[0]; i++)
        if (json_object_get(model, names[i]))
            s = mlp_json_set(*out, names[i], json_incref(json_object_get(model, names[i])), err);
    json_object_foreach(json_object_get(model, "flavors"), flavor, config)
    {
        json_t *kept = s == MLPLAT_OK ? json_copy(config) : NULL;
        json_object_del(kept, "config");
        if (s == MLPLAT_OK)
            s = mlp_json_set(flavors, flavor, kept, err);
    }
    if (s == MLPLAT_OK)
        return mlp_json_set(*out, "flavors", flavors, err);
    json_decref(flavors);
    return s;
}

static mlplat_status record_model(mlplat_run *run, const char *dir, mlplat_error *err)
{
    mlp_tracking *t = run->tracking;
    mlplat_doc *info = NULL;
    json_t *entry = NULL;
    mlplat_status s = mlplat_model_info(t->ml, dir, &info, err);
    if (s == MLPLAT_OK)
        s = history_entry(mlp_doc_json(info), &entry, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_settle(t, err);
    if (s == MLPLAT_OK)
        s = t->ops->run_model(t->store, run->id, entry, err);
    json_decref(entry);
    mlplat_doc_free(info);
    return s;
}

/* The folder is whole before anything of it is in the run. */
static mlplat_status log_model(mlplat_run *run, const mlplat_model *model, const char *uri, mlplat_error *err)
{
    char *dir = NULL;
    mlplat_status s = make_temporary(&dir, err);
    if (s != MLPLAT_OK)
        return s;
    s = mlplat_model_save(run->tracking->ml, model, dir, err);
    if (s == MLPLAT_OK)
        s = mlplat_artifact_put(run->tracking->ml, dir, uri, NULL, err);
    if (s == MLPLAT_OK)
        s = record_model(run, dir, err);
    mlp_file_remove_tree(dir, NULL);
    mlp_free(dir);
    return s;
}

mlplat_status mlplat_run_log_model(mlplat_run *run, const mlplat_model *model, const char *name, char **uri,
                                   mlplat_error *err)
{
    mlplat_model m = MLPLAT_MODEL_INIT;
    char *where = NULL;
    if (uri)
        *uri = NULL;
    mlplat_status s = check_run(run, err);
    if (s == MLPLAT_OK && !model)
        s = mlp_fail(err, MLPLAT_INVALID, "the model to log is NULL");
    if (s == MLPLAT_OK)
        s = MLP_TAKE(&m, model, err);
    if (s == MLPLAT_OK)
        s = run_uri(run, NULL, name ? name : "", &where, err);
    if (s == MLPLAT_OK) {
        m.size = sizeof m;
        m.run_id = run->id;
        m.artifact_path = name;
        s = log_model(run, &m, where, err);
    }
    if (s == MLPLAT_OK && uri) {
        *uri = where;
        where = NULL;
    }
    mlp_free(where);
    return s;
}
