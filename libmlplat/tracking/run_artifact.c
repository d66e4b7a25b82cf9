/* Artifacts of a run: the URI runs:/<run id>/<path> and artifacts/ do the work. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "tracking/run_artifact.h"
#include "tracking/run_spooled.h"
#include <string.h>

mlplat_status mlp_run_artifact_uri(const mlplat_run *run, const char *folder, const char *name, char **out,
                                   mlplat_error *err)
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

mlplat_status mlp_run_artifact_check(mlplat_run *run, mlplat_error *err)
{
    json_t *doc = NULL;
    mlplat_status s = mlp_run_handle_check(run, err);
#ifndef MLPLAT_MINIMAL
    if (s == MLPLAT_OK && mlp_tracking_queued(run->tracking))
        return mlp_run_spooled_check(run, err);
#endif
    if (s == MLPLAT_OK)
        s = run->tracking->ops->run_get(run->tracking->store, run->id, &doc, err);
    const char *stage = json_string_value(json_object_get(json_object_get(doc, "info"), "lifecycle_stage"));
    if (s == MLPLAT_OK && (!stage || strcmp(stage, "active") != 0))
        s = mlp_fail(err, MLPLAT_STATE, "run %s is deleted: restore it first", run->id);
    json_decref(doc);
    return s;
}

#ifndef MLPLAT_MINIMAL
/* The path below the run's, in runs:/<id>/<path>. */
static const char *below_run(const mlplat_run *run, const char *uri)
{
    return uri + strlen("runs:/") + run->id_n + 1;
}
#endif

static mlplat_status put_path(mlplat_run *run, const char *path, const char *uri, mlplat_error *err)
{
#ifndef MLPLAT_MINIMAL
    if (mlp_tracking_queued(run->tracking))
        return mlp_run_spooled_path(run, path, below_run(run, uri), uri, err);
#endif
    return mlplat_artifact_put(run->tracking->ml, path, uri, NULL, err);
}

static mlplat_status put_bytes(mlplat_run *run, const void *data, size_t n, const char *uri, mlplat_error *err)
{
#ifndef MLPLAT_MINIMAL
    if (mlp_tracking_queued(run->tracking))
        return mlp_run_spooled_bytes(run, data, n, below_run(run, uri), uri, err);
#endif
    return mlplat_artifact_put_bytes(run->tracking->ml, data, n, uri, err);
}

mlplat_status mlplat_run_log_artifact(mlplat_run *run, const char *path, const char *artifact_path, mlplat_error *err)
{
    char *full = NULL, *uri = NULL;
    mlplat_status s = mlp_run_artifact_check(run, err);
    if (s == MLPLAT_OK && (!path || !*path))
        s = mlp_fail(err, MLPLAT_INVALID, "the path of the file to log is empty");
    if (s == MLPLAT_OK && !(full = mlp_file_absolute(path)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK && !full[1])
        s = mlp_fail(err, MLPLAT_INVALID, "'/' cannot be logged: name a file or a directory below it");
    if (s == MLPLAT_OK)
        s = mlp_run_artifact_uri(run, artifact_path, strrchr(full, '/') + 1, &uri, err);
    if (s == MLPLAT_OK)
        s = put_path(run, full, uri, err);
    mlp_free(full);
    mlp_free(uri);
    return s;
}

mlplat_status mlp_run_artifact_put(mlplat_run *run, const void *data, size_t n, const char *artifact_file,
                                   mlplat_error *err)
{
    char *uri = NULL;
    mlplat_status s = mlp_run_artifact_uri(run, NULL, artifact_file ? artifact_file : "", &uri, err);
    if (s == MLPLAT_OK)
        s = put_bytes(run, data, n, uri, err);
    mlp_free(uri);
    return s;
}

mlplat_status mlplat_run_log_text(mlplat_run *run, const char *text, const char *artifact_file, mlplat_error *err)
{
    mlplat_status s = mlp_run_artifact_check(run, err);
    if (s == MLPLAT_OK && !text)
        s = mlp_fail(err, MLPLAT_INVALID, "the text to log is NULL");
    return s == MLPLAT_OK ? mlp_run_artifact_put(run, text, strlen(text), artifact_file, err) : s;
}

mlplat_status mlplat_run_log_dict(mlplat_run *run, const char *text, const char *artifact_file, mlplat_error *err)
{
    json_t *json = NULL;
    mlp_buf out = {0};
    bool yaml = artifact_file && (mlp_text_ends(artifact_file, ".yaml") || mlp_text_ends(artifact_file, ".yml"));
    mlplat_status s = mlp_run_artifact_check(run, err);
    if (s == MLPLAT_OK && !text)
        s = mlp_fail(err, MLPLAT_INVALID, "the document to log is NULL");
    if (s == MLPLAT_OK)
        s = mlp_json_parse(text, strlen(text), &json, err);
    if (s == MLPLAT_OK)
        s = yaml ? mlp_yaml_text(json, &out, err) : mlp_json_pretty(json, &out, err);
    if (s == MLPLAT_OK)
        s = mlp_run_artifact_put(run, out.data, out.size, artifact_file, err);
    mlp_buf_free(&out);
    json_decref(json);
    return s;
}
