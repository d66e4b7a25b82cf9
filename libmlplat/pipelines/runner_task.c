/* One task: its folder, its process, its end. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "pipelines/process.h"
#include "pipelines/runner.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void mlp_runner_task_free(mlp_runner_task *task)
{
    mlp_free(task->folder);
    mlp_free(task->work);
    mlp_free(task->log);
    json_decref(task->input);
    json_decref(task->parameters);
    json_decref(task->artifacts);
    mlplat_run_free(task->run);
    if (task->watch >= 0)
        close(task->watch);
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

static mlplat_status make_folders(const mlp_runner *r, mlp_runner_task *t, mlplat_error *err)
{
    static const char *const inside[] = {"work", "parameters", "outputs"};
    mlplat_status s = MLPLAT_OK;
    t->folder = mlp_sprintf("%s/%s", r->root, t->plan->name);
    t->work = mlp_sprintf("%s/%s/work", r->root, t->plan->name);
    t->log = mlp_sprintf("%s/%s/task.log", r->root, t->plan->name);
    if (!t->folder || !t->work || !t->log)
        return mlp_fail_memory(err);
    if (mlp_sys.mkdir(AT_FDCWD, t->folder, 0777) != 0)
        return mlp_fail_errno(err, errno, "folder '%s'", t->folder);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof inside / sizeof inside[0]; i++) {
        char *path = mlp_file_join(t->folder, inside[i]);
        if (!path)
            s = mlp_fail_memory(err);
        else if (mlp_sys.mkdir(AT_FDCWD, path, 0777) != 0)
            s = mlp_fail_errno(err, errno, "folder '%s'", path);
        mlp_free(path);
    }
    return s;
}

/* What a former attempt wrote must not count for this one. */
static void forget_outputs(const mlp_runner_task *t)
{
    const char *name;
    json_t *place;
    const json_t *outputs = json_object_get(t->input, "outputs");
    mlp_sys.unlink(AT_FDCWD, mlp_ir_text(outputs, "outputFile"), 0);
    mlp_ir_each(json_object_get(outputs, "parameters"), name, place)
        mlp_sys.unlink(AT_FDCWD, mlp_ir_text(place, "outputFile"), 0);
}

static mlplat_status prepare(mlp_runner *r, mlp_runner_task *t, mlplat_error *err)
{
    if (t->input) {
        forget_outputs(t);
        return MLPLAT_OK;
    }
    t->parameters = json_object();
    t->artifacts = json_object();
    mlplat_status s = t->parameters && t->artifacts ? make_folders(r, t, err) : mlp_fail_memory(err);
    return s == MLPLAT_OK ? mlp_executor_input(r, t, err) : s;
}

static mlplat_status launch(mlp_runner *r, mlp_runner_task *t, char **words, char **env, mlplat_error *err)
{
    char *file = NULL;
    mlplat_status s = mlp_process_find(words[0], getenv("PATH"), &file, err);
    int log = s == MLPLAT_OK ? mlp_sys.open(AT_FDCWD, t->log, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;
    if (s == MLPLAT_OK && log < 0)
        s = mlp_fail_errno(err, errno, "log file '%s'", t->log);
    if (s == MLPLAT_OK) {
        mlp_process process = {.file = file,
                               .argv = words,
                               .envp = env,
                               .folder = t->work,
                               .out = log,
                               .err = log,
                               .announce = r->keeper.pid > 0 ? r->keeper.socket : -1};
        s = mlp_process_start(&process, &t->pid, err);
    }
    if (log >= 0)
        mlp_sys.close(log);
    mlp_free(file);
    return s;
}

mlplat_status mlp_runner_task_start(mlp_runner *runner, mlp_runner_task *task, mlplat_error *err)
{
    char **words = NULL, **env = NULL;
    task->watch = -1;
    task->exit_code = -1;
    task->attempts++;
    if (task->start_ns == 0) {
        task->start_ns = mlp_clock_mono_ns();
        task->start_ms = mlp_clock_ms();
    }
    mlplat_status s = prepare(runner, task, err);
    if (s == MLPLAT_OK)
        s = mlp_runner_words(runner, task, &words, err);
    if (s == MLPLAT_OK)
        s = mlp_runner_env(runner, task, &env, err);
    if (s == MLPLAT_OK)
        s = launch(runner, task, words, env, err);
    if (s == MLPLAT_OK)
        task->watch = mlp_process_watch(task->pid);
    mlp_runner_env_free(words);
    mlp_runner_env_free(env);
    return s;
}

/* ---- ending ------------------------------------------------------------------------------------------------------ */

static const char *signal_text(int number)
{
    static const struct {
        int number;
        const char *text;
    } known[] = {{SIGKILL, "KILL, as the system does when memory runs out"},
                 {SIGTERM, "TERM"},
                 {SIGSEGV, "SEGV, a crash"},
                 {SIGABRT, "ABRT, it gave up"},
                 {SIGBUS, "BUS, a crash"},
                 {SIGFPE, "FPE, a crash"},
                 {SIGILL, "ILL, a crash"},
                 {SIGINT, "INT"},
                 {SIGPIPE, "PIPE"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].number == number)
            return known[i].text;
    return "see signal(7)";
}

/* The last line of the log that is not empty, cut to what a message can hold. */
static void last_line(const mlp_runner_task *t, char out[200])
{
    char tail[2048];
    size_t n = 0;
    int fd = mlp_sys.open(AT_FDCWD, t->log, O_RDONLY, 0);
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    off_t from = size > (off_t)sizeof tail ? size - (off_t)sizeof tail : 0;
    ssize_t got = fd >= 0 ? mlp_sys.pread(fd, tail, sizeof tail, from) : 0;
    size_t end = got > 0 ? (size_t)got : 0;
    while (end > 0 && strchr(" \t\r\n", tail[end - 1]) && tail[end - 1])
        end--;
    size_t start = end;
    while (start > 0 && tail[start - 1] != '\n' && end - start < 199)
        start--;
    for (size_t i = start; i < end && n < 199; i++)
        out[n++] = (unsigned char)tail[i] < 0x20 || tail[i] == 0x7f ? ' ' : tail[i];
    out[n] = 0;
    if (fd >= 0)
        mlp_sys.close(fd);
}

static void judge_exit(mlp_runner_task *t, int status)
{
    char line[200];
    last_line(t, line);
    const char *colon = line[0] ? ": " : "";
    if (status >= 0 && WIFEXITED(status)) {
        t->exit_code = WEXITSTATUS(status);
        if (t->exit_code != 0)
            mlp_runner_task_fail(t, "exit code %d%s%s", t->exit_code, colon, line);
    } else if (status >= 0 && WIFSIGNALED(status)) {
        mlp_runner_task_fail(t, "ended by signal %d (%s)%s%s", WTERMSIG(status), signal_text(WTERMSIG(status)), colon,
                             line);
    } else {
        mlp_runner_task_fail(t, "its end was taken by another part of the program (SIGCHLD is ignored or waited for "
                                "elsewhere), so its exit code is not known");
    }
}

void mlp_runner_task_end(mlp_runner *runner, mlp_runner_task *task)
{
    mlplat_error err = {0};
    mlp_keeper_forget(&runner->keeper, task->pid);
    int status = mlp_process_reap(task->pid);
    task->pid = 0;
    task->end_ns = mlp_clock_mono_ns();
    if (task->watch >= 0)
        close(task->watch);
    task->watch = -1;
    task->state = MLP_TASK_SUCCEEDED;
    judge_exit(task, status);
    if (task->state == MLP_TASK_SUCCEEDED && mlp_executor_output(runner, task, &err) != MLPLAT_OK)
        mlp_runner_task_fail(task, "%s", err.message);
}

/* ---- trying again ------------------------------------------------------------------------------------------------ */

/* "10s", "0.5s": protobuf's durations. */
static double seconds_of(const char *text, double otherwise)
{
    char *end = NULL;
    double v = text ? strtod(text, &end) : 0;
    return text && end != text && strcmp(end, "s") == 0 && v >= 0 && v < 1e7 ? v : otherwise;
}

int64_t mlp_runner_task_backoff_ns(const mlp_runner_task *task)
{
    const json_t *policy = json_object_get(task->plan->spec, "retryPolicy");
    double most = json_number_value(json_object_get(policy, "maxRetryCount"));
    if (task->attempts > (int)(most > 1000 ? 1000 : most))
        return -1;
    double wait = seconds_of(mlp_ir_text(policy, "backoffDuration"), 0);
    double factor = json_number_value(json_object_get(policy, "backoffFactor"));
    double longest = seconds_of(mlp_ir_text(policy, "backoffMaxDuration"), 3600);
    for (int i = 1; i < task->attempts && wait < longest; i++)
        wait *= factor >= 1 ? factor : 2;
    return (int64_t)((wait < longest ? wait : longest) * 1e9);
}
