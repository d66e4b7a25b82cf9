#include "tracking/run_context.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "tracking/git_head.h"
#include <stdlib.h>
#include <string.h>

/* The folder of the source file; of one that is not there, as "<console>", the program's. NULL: no memory. */
static char *source_folder(const char *source, const char *program)
{
    char *path = mlp_file_absolute(source && mlp_file_exists(source) ? source : program);
    struct stat st;
    if (path && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))) {
        char *slash = strrchr(path, '/');
        if (slash)
            slash[slash == path] = 0; /* "/x" is in "/" */
    }
    return path;
}

static mlplat_status add_git(const char *source, const char *program, json_t *tags, mlplat_error *err)
{
    mlp_git_head git = {0};
    char *folder = source_folder(source, program);
    mlplat_status s = folder ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_git_head_read(folder, &git, err);
    if (s == MLPLAT_OK && git.commit)
        s = mlp_json_set(tags, "mlflow.source.git.commit", mlp_json_string(git.commit), err);
    if (s == MLPLAT_OK && git.commit && git.branch)
        s = mlp_json_set(tags, "mlflow.source.git.branch", mlp_json_string(git.branch), err);
    if (s == MLPLAT_OK && git.commit && git.url)
        s = mlp_json_set(tags, "mlflow.source.git.repoURL", mlp_json_string(git.url), err);
    mlp_git_head_free(&git);
    mlp_free(folder);
    return s;
}

mlplat_status mlp_run_context_add(const char *source_name, json_t *tags, mlplat_error *err)
{
    char user[256], program[4096];
    const char *login = getenv("MLFLOW_TRACKING_USERNAME"); /* MLflow names the run's user by it too */
    if (!login || !*login)
        login = mlp_os_user(user, sizeof user);
    const char *path = mlp_os_program(program, sizeof program);
    const char *source = source_name ? source_name : *path ? path : "<console>";
    mlplat_status s = mlp_json_set(tags, "mlflow.user", mlp_json_string(*login ? login : "unknown"), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(tags, "mlflow.source.name", mlp_json_string(source), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(tags, "mlflow.source.type", json_string("LOCAL"), err);
    return s == MLPLAT_OK ? add_git(source_name, path, tags, err) : s;
}
