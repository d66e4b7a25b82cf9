#include "pipelines/process.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static mlplat_status check_program(const char *path, mlplat_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return mlp_fail_errno(err, errno, "program '%s'", path);
    if (S_ISDIR(st.st_mode))
        return mlp_fail(err, MLPLAT_DENIED, "program '%s' is a directory", path);
    if (access(path, X_OK) != 0)
        return mlp_fail(err, MLPLAT_DENIED, "program '%s' is not executable: give it the mode with chmod +x", path);
    return MLPLAT_OK;
}

mlplat_status mlp_process_find(const char *name, const char *path, char **out, mlplat_error *err)
{
    bool denied = false;
    *out = NULL;
    if (!*name)
        return mlp_fail(err, MLPLAT_INVALID, "the program's name is empty");
    if (strchr(name, '/')) {
        mlplat_status s = check_program(name, err);
        if (s == MLPLAT_OK)
            s = (*out = mlp_strdup(name)) ? MLPLAT_OK : mlp_fail_memory(err);
        return s;
    }
    for (const char *p = path ? path : "/usr/local/bin:/usr/bin:/bin"; *p;) {
        size_t n = strcspn(p, ":");
        char *file = n ? mlp_sprintf("%.*s/%s", (int)n, p, name) : mlp_sprintf("./%s", name);
        if (!file)
            return mlp_fail_memory(err);
        mlplat_status s = check_program(file, NULL);
        if (s == MLPLAT_OK) {
            *out = file;
            return MLPLAT_OK;
        }
        denied = denied || s == MLPLAT_DENIED;
        mlp_free(file);
        p += n + (p[n] == ':');
    }
    if (denied)
        return mlp_fail(err, MLPLAT_DENIED, "program '%s' is in PATH but not executable", name);
    return mlp_fail(err, MLPLAT_NOT_FOUND, "program '%s' is not in PATH; install it or give its path", name);
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* Everything from 3 on is for this process alone, whoever opened it. */
static void close_on_exec(void)
{
    if (mlp_os_close_range(3, ~0U, true))
        return;
    for (int fd = 3; fd < 1024; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void default_signals(void)
{
    struct sigaction plain;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            sigaction(number, &plain, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child between vfork and exec: it lives in the parent's memory, so it calls the system and changes nothing else.
 */
static void become(const mlp_process *p, int null, int failed)
{
    int32_t me = (int32_t)getpid();
    int cause = 0;
    setpgid(0, 0);
    mlp_os_end_with_parent();
    if (p->announce >= 0 && mlp_os_send(p->announce, &me, sizeof me) < 0)
        errno = 0; /* nobody keeps watch any more, which is no reason not to run */
    if (dup2(null, 0) < 0 || dup2(p->out, 1) < 0 || dup2(p->err, 2) < 0 || (p->folder && chdir(p->folder) != 0))
        cause = errno;
    if (cause == 0) {
        close_on_exec();
        default_signals();
        execve(p->file, p->argv, p->envp);
        cause = errno;
    }
    if (write(failed, &cause, sizeof cause) < 0)
        _exit(126);
    _exit(127);
}

/* All signals wait while the child shares our memory: a handler of ours would run there. */
static pid_t spawn(const mlp_process *p, int null, int failed)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = MLP_OS_VFORK();
    if (pid == 0)
        become(p, null, failed);
    int cause = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = cause;
    return pid;
}

static mlplat_status explain(const char *file, int cause, mlplat_error *err)
{
    if (cause == E2BIG)
        return mlp_fail(err, MLPLAT_INVALID,
                        "program '%s': its arguments or environment are too long for the system; pass large values as "
                        "artifacts",
                        file);
    if (cause == ENOEXEC)
        return mlp_fail(err, MLPLAT_INVALID,
                        "program '%s' is neither a program of this machine nor a script starting with #!", file);
    return mlp_fail_errno(err, cause, "program '%s' cannot be started", file);
}

mlplat_status mlp_process_start(const mlp_process *process, pid_t *pid, mlplat_error *err)
{
    int pipes[2] = {-1, -1}, cause = 0;
    mlplat_status s = MLPLAT_OK;
    int null = mlp_sys.open(AT_FDCWD, "/dev/null", O_RDONLY, 0);
    if (null < 0 || mlp_os_pipe(pipes) != 0) {
        s = mlp_fail_errno(err, errno, "program '%s' cannot be started", process->file);
    } else if ((*pid = spawn(process, null, pipes[1])) < 0) {
        s = mlp_fail_errno(err, errno, "program '%s': no process for it", process->file);
    } else {
        close(pipes[1]);
        pipes[1] = -1;
        if (mlp_sys.read(pipes[0], &cause, sizeof cause) == (ssize_t)sizeof cause) {
            mlp_process_reap(*pid);
            s = explain(process->file, cause, err);
        }
    }
    if (null >= 0)
        mlp_sys.close(null);
    for (size_t i = 0; i < 2; i++)
        if (pipes[i] >= 0)
            close(pipes[i]);
    return s;
}

/* ---- ending ------------------------------------------------------------------------------------------------------ */

int mlp_process_watch(pid_t pid)
{
    return mlp_os_watch(pid);
}

bool mlp_process_ended(pid_t pid)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int r = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    bool ended = (r == 0 && info.si_pid == pid) || (r != 0 && errno == ECHILD);
    if (ended && r == 0)
        kill(-pid, SIGKILL);
    return ended;
}

int mlp_process_reap(pid_t pid)
{
    int status = -1;
    pid_t r;
    do
        r = waitpid(pid, &status, 0);
    while (r < 0 && errno == EINTR);
    return r == pid ? status : -1;
}

void mlp_process_signal(pid_t group, int number)
{
    kill(-group, number);
}
