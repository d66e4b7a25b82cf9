/* The command of a task: placeholders filled in, and the installation of kfp left out where python3 has it already. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "base/text.h"
#include "pipelines/placeholder.h"
#include "pipelines/process.h"
#include "pipelines/runner.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void mlp_runner_placeholders(const mlp_runner *runner, const mlp_runner_task *task, struct mlp_placeholders *out)
{
    *out = (mlp_placeholders){
        .input = task->input,
        .component = task->plan->component,
        .job_name = runner->run ? mlplat_run_name(runner->run) : runner->plan.name,
        .job_uuid = runner->run ? mlplat_run_id(runner->run) : NULL,
        .job_resource = runner->plan.name,
        .task_name = task->plan->name,
        .task_uuid = task->run ? mlplat_run_id(task->run) : NULL,
        .root = runner->root,
        .workspace = runner->root,
        .created = runner->created,
    };
}

/* ---- kfp's own Python components --------------------------------------------------------------------------------- */

/* One `pip install` with nothing quoted but kfp, its options and typing-extensions: what kfp puts in front of its
 * runtime. */
static bool installs_kfp_alone(const char *script)
{
    const char *pip = strstr(script, " -m pip install ");
    if (!pip || strstr(pip + 1, " -m pip install "))
        return false;
    for (const char *p = strchr(pip, '\''); p; p = strchr(p, '\'')) {
        const char *end = strchr(++p, '\'');
        if (!end)
            return false;
        if (!mlp_text_starts(p, "kfp==") && !mlp_text_starts(p, "--") && !mlp_text_starts(p, "typing-extensions"))
            return false;
        p = end + 1;
    }
    return strstr(script, "&& \"$0\" \"$@\"") != NULL;
}

static bool is_kfp_prefix(const json_t *command)
{
    const char *words[3] = {0};
    bool runtime = false;
    for (size_t i = 0; i < json_array_size(command); i++) {
        const char *word = json_string_value(json_array_get(command, i));
        if (i < 3)
            words[i] = word;
        else if (strstr(word, "kfp.dsl.executor_main"))
            runtime = true;
    }
    return runtime && strcmp(words[0], "sh") == 0 && strcmp(words[1], "-c") == 0 && installs_kfp_alone(words[2]);
}

/* Asks python3 once per run of a pipeline. */
static bool has_kfp(mlp_runner *r, char *const *env)
{
    char *words[] = {"python3", "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('kfp') is None)",
                     NULL};
    char *file = NULL;
    pid_t pid;
    if (r->kfp != 0)
        return r->kfp == 1;
    r->kfp = 2;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0 && mlp_process_find("python3", getenv("PATH"), &file, NULL) == MLPLAT_OK) {
        mlp_process process = {.file = file, .argv = words, .envp = env, .out = null, .err = null, .announce = -1};
        if (mlp_process_start(&process, &pid, NULL) == MLPLAT_OK && mlp_process_reap(pid) == 0)
            r->kfp = 1;
    }
    if (null >= 0)
        close(null);
    mlp_free(file);
    return r->kfp == 1;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static mlplat_status add_words(const mlp_placeholders *values, const json_t *from, size_t skip, json_t *words,
                               mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = skip; s == MLPLAT_OK && i < json_array_size(from); i++)
        s = mlp_placeholder_word(values, json_string_value(json_array_get(from, i)), words, err);
    return s;
}

static mlplat_status to_vector(const json_t *words, char ***out, mlplat_error *err)
{
    size_t n = json_array_size(words);
    if (n == 0)
        return mlp_fail(err, MLPLAT_INVALID, "the command is empty once its placeholders are filled in");
    *out = mlp_alloc_array(n + 1, sizeof **out);
    for (size_t i = 0; *out && i < n; i++) {
        const json_t *word = json_array_get(words, i);
        if (strlen(json_string_value(word)) != json_string_length(word))
            return mlp_fail(err, MLPLAT_INVALID, "word %zu of the command holds a zero byte", i);
        if (!((*out)[i] = mlp_strdup(json_string_value(word))))
            return mlp_fail_memory(err);
    }
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

mlplat_status mlp_runner_words(mlp_runner *runner, const mlp_runner_task *task, char ***out, mlplat_error *err)
{
    mlp_placeholders values = {0};
    json_t *words = json_array();
    const json_t *command = json_object_get(task->plan->container, "command");
    mlp_runner_placeholders(runner, task, &values);
    size_t skip = is_kfp_prefix(command) && has_kfp(runner, mlp_os_environ()) ? 3 : 0;
    *out = NULL;
    mlplat_status s = words ? add_words(&values, command, skip, words, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = add_words(&values, json_object_get(task->plan->container, "args"), 0, words, err);
    if (s == MLPLAT_OK)
        s = to_vector(words, out, err);
    if (s != MLPLAT_OK) {
        mlp_runner_env_free(*out);
        *out = NULL;
    }
    json_decref(words);
    return s;
}
