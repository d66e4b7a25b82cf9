#include "pipelines/keeper.h"
#include "base/err.h"
#include "base/os.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 4096 };

/* All below runs in a fork of a program with threads: system calls only, memory on the stack. */

static void close_others(int keep)
{
    bool below = keep == 0 || mlp_os_close_range(0, (unsigned)keep - 1, false);
    if (below && mlp_os_close_range((unsigned)keep + 1, ~0U, false))
        return;
    for (int fd = 0; fd < 1024; fd++)
        if (fd != keep)
            close(fd);
}

static void note(int32_t message, int32_t *groups, size_t *n)
{
    if (message > 0 && *n < MOST) {
        groups[(*n)++] = message;
        return;
    }
    for (size_t i = 0; i < *n; i++)
        if (groups[i] == -message) {
            groups[i] = groups[--*n];
            return;
        }
}

static bool any_left(const int32_t *groups, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (kill(-groups[i], 0) == 0)
            return true;
    return false;
}

static void end_groups(const int32_t *groups, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kill(-groups[i], SIGTERM);
    for (int waited = 0; waited < MLP_KEEPER_GRACE_MS && any_left(groups, n); waited += 20)
        poll(NULL, 0, 20);
    for (size_t i = 0; i < n; i++)
        kill(-groups[i], SIGKILL);
}

static void keep(int from, pid_t parent)
{
    int32_t groups[MOST], message;
    size_t n = 0;
    struct pollfd watched = {.fd = from, .events = POLLIN};
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    setsid();
    close_others(from);
    for (;;) {
        int ready = poll(&watched, 1, 1000);
        if (ready > 0) {
            ssize_t got = read(from, &message, sizeof message);
            if (got == (ssize_t)sizeof message)
                note(message, groups, &n);
            else if (got >= 0 || errno != EINTR)
                break;
        } else if (getppid() != parent) {
            break; /* somebody else still holds the socket open: a fork of the runner */
        }
    }
    end_groups(groups, n);
    _exit(0);
}

mlplat_status mlp_keeper_start(mlp_keeper *keeper, mlplat_error *err)
{
    int ends[2]; /* a socket: writing to a keeper that is gone must not be a SIGPIPE in the program */
    pid_t parent = getpid();
    sigset_t all, before;
    *keeper = (mlp_keeper){.socket = -1};
    if (mlp_os_socketpair(ends) != 0)
        return mlp_fail_errno(err, errno, "a socket for the pipeline's keeper");
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* it never runs a handler of the program's */
    keeper->pid = fork();
    if (keeper->pid == 0)
        keep(ends[0], parent);
    int cause = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[0]);
    if (keeper->pid > 0) {
        keeper->socket = ends[1];
        return MLPLAT_OK;
    }
    close(ends[1]);
    *keeper = (mlp_keeper){.socket = -1};
    return mlp_fail_errno(err, cause, "a process to keep the pipeline's steps");
}

void mlp_keeper_forget(const mlp_keeper *keeper, pid_t pid)
{
    int32_t message = -(int32_t)pid;
    if (keeper->pid > 0 && mlp_os_send(keeper->socket, &message, sizeof message) < 0)
        return; /* the keeper is gone: then it ends nothing */
}

void mlp_keeper_stop(mlp_keeper *keeper)
{
    int status;
    if (keeper->pid <= 0)
        return;
    close(keeper->socket);
    while (waitpid(keeper->pid, &status, 0) < 0 && errno == EINTR) {
    }
    *keeper = (mlp_keeper){.socket = -1};
}
