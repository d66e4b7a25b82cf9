/*
 * Which pipeline runs go on: `<root>/running/<run id>-<process>` is locked as long as its runner lives. Who finds one
 * that nobody holds ends the runs that its runner left RUNNING. POSIX locks end when the process closes any descriptor
 * of the file, so one of our own process is never opened a second time; hence the process in the name.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "pipelines/runner.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ID = 32, PAGE = 1000 };

static const char gone[] = "the process that ran the pipeline ended before it";

/* ---- our own ----------------------------------------------------------------------------------------------------- */

/* The folder beside the run's. */
static char *marks_of(const mlp_runner *r)
{
    const char *slash = strrchr(r->root, '/');
    return mlp_sprintf("%.*s/running", (int)(slash - r->root), r->root);
}

/* It gets its name when it is locked: nobody finds one that seems to be left. Where nothing can be locked there is
 * none. */
static mlplat_status make_mark(mlp_runner *r, const char *fresh, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    int fd = mlp_sys.open(AT_FDCWD, fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool locked = fd != -1 && mlp_sys.lock(fd, 0, false) == 0;
    if (locked && mlp_sys.rename(AT_FDCWD, fresh, AT_FDCWD, r->mark) == 0) {
        r->mark_fd = fd + 1;
        return MLPLAT_OK;
    }
    if (fd == -1 || locked)
        s = mlp_fail_errno(err, errno, "'%.300s', which tells that the pipeline runs, cannot be made", r->mark);
    if (fd != -1) {
        mlp_sys.unlink(AT_FDCWD, fresh, 0);
        mlp_sys.close(fd);
    }
    return s;
}

mlplat_status mlp_mark_set(mlp_runner *r, mlplat_error *err)
{
    char process[64], *marks = marks_of(r);
    char *fresh = marks ? mlp_sprintf("%s/.%s", marks, mlplat_run_id(r->run)) : NULL;
    mlp_os_process_name(process);
    r->mark = fresh ? mlp_sprintf("%s/%s-%s", marks, mlplat_run_id(r->run), process) : NULL;
    mlplat_status s = r->mark ? mlp_file_mkdirs(marks, 0777, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = make_mark(r, fresh, err);
    mlp_free(fresh);
    mlp_free(marks);
    return s;
}

void mlp_mark_clear(mlp_runner *r)
{
    if (r->mark_fd) {
        mlp_sys.unlink(AT_FDCWD, r->mark, 0);
        mlp_sys.close(r->mark_fd - 1);
    }
    mlp_free(r->mark);
}

/* ---- what others left -------------------------------------------------------------------------------------------- */

static mlplat_status end_left(mlplat *ml, const char *id, bool whole, mlplat_error *err)
{
    mlplat_run *run = NULL;
    mlplat_status s = mlplat_run_attach(ml, id, &run, err);
    if (s == MLPLAT_OK && whole)
        s = mlplat_run_set_tag(run, "mlplat.pipeline.state", "FAILED", err);
    if (s == MLPLAT_OK)
        s = mlplat_run_set_tag(run, "mlplat.pipeline.error", gone, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_end(run, "FAILED", err);
    mlplat_run_free(run);
    return s;
}

/* One page of the tasks' runs; those that were ended are on no later one. */
static mlplat_status end_some(mlplat *ml, const mlplat_search *query, size_t *n, mlplat_error *err)
{
    mlplat_doc *page = NULL;
    mlplat_status s = mlplat_run_search(ml, query, &page, err);
    const json_t *runs = s == MLPLAT_OK ? json_object_get(mlp_doc_json(page), "runs") : NULL;
    *n = json_array_size(runs);
    for (size_t i = 0; s == MLPLAT_OK && i < *n; i++)
        s = end_left(ml, mlp_ir_text(json_object_get(json_array_get(runs, i), "info"), "run_id"), false, err);
    mlplat_doc_free(page);
    return s;
}

static mlplat_status end_tasks(mlplat *ml, const char *id, const char *experiment, mlplat_error *err)
{
    char filter[160];
    size_t n = PAGE;
    mlplat_search query = MLPLAT_SEARCH_INIT;
    snprintf(filter, sizeof filter,
             "tags.mlflow.parentRunId = '%.32s' AND tags.mlplat.pipeline.task != '' AND attributes.status = 'RUNNING'",
             id);
    query.filter = filter;
    query.experiment_ids = experiment;
    query.max_results = PAGE;
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && n == PAGE)
        s = end_some(ml, &query, &n, err);
    return s;
}

static bool says(const json_t *info, const char *key, const char *value)
{
    const char *text = mlp_ir_text(info, key);
    return text && strcmp(text, value) == 0;
}

/* The tasks first: as long as the pipeline is RUNNING, it is looked after again. NOT_FOUND: another store's. */
static mlplat_status end_pipeline(mlplat *ml, const char *id, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_run_get(ml, id, &doc, err);
    const json_t *info = s == MLPLAT_OK ? json_object_get(mlp_doc_json(doc), "info") : NULL;
    bool active = says(info, "lifecycle_stage", "active");
    if (active)
        s = end_tasks(ml, id, mlp_ir_text(info, "experiment_id"), err);
    if (s == MLPLAT_OK && active && says(info, "status", "RUNNING"))
        s = end_left(ml, id, true, err);
    mlplat_doc_free(doc);
    return s;
}

static void look_at(mlp_runner *r, int marks, const char *name)
{
    char process[64], id[ID + 1];
    mlplat_error why = {0};
    mlp_os_process_name(process);
    if (strspn(name, "0123456789abcdef") != ID || name[ID] != '-' || strcmp(name + ID + 1, process) == 0)
        return;
    int fd = mlp_sys.open(marks, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd == -1)
        return;
    snprintf(id, sizeof id, "%s", name);
    if (mlp_sys.lock(fd, 0, false) == 0) {
        mlplat_status s = end_pipeline(r->ml, id, &why);
        if (s == MLPLAT_OK)
            mlp_sys.unlink(marks, name, 0);
        if (s != MLPLAT_NOT_FOUND)
            mlp_log(&r->ml->log, MLPLAT_LOG_WARNING, "pipeline run %s: %s; %s%s", id, gone,
                    s == MLPLAT_OK ? "what it left RUNNING is FAILED now" : "it stays as it is: ", why.message);
    }
    mlp_sys.close(fd);
}

void mlp_mark_heal(mlp_runner *r)
{
    mlplat_status s = MLPLAT_OK;
    char *path = marks_of(r);
    int fd = path ? mlp_sys.open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) : -1;
    DIR *marks = fd == -1 ? NULL : fdopendir(fd);
    if (fd != -1 && !marks)
        mlp_sys.close(fd);
    for (const char *name; marks && (name = mlp_file_next(marks, &s, NULL));)
        look_at(r, dirfd(marks), name);
    if (marks)
        closedir(marks);
    mlp_free(path);
}
