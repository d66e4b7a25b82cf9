/* Programs as child processes: found like execvp finds them, started by argument vector, in a process group of their
 * own. */
#ifndef MLP_PROCESS_H
#define MLP_PROCESS_H
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct mlp_process {
    const char *file;  /* path of the program */
    char *const *argv; /* ends with NULL */
    char *const *envp;
    const char *folder; /* to run in; NULL: this one */
    int out, err;       /* descriptors for its stdout and stderr; stdin is /dev/null */
    int announce;       /* socket that the child sends its pid to (int32_t) before it becomes the program; -1: none */
} mlp_process;

/* A program by path or, without a slash, from the folders of path (a PATH). NOT_FOUND, DENIED if it cannot be executed.
 */
mlplat_status mlp_process_find(const char *name, const char *path, char **out, mlplat_error *err);
/* Starts it; returns when it has become the program. No memory of ours is copied, whatever its size. */
mlplat_status mlp_process_start(const mlp_process *process, pid_t *pid, mlplat_error *err);
/* A descriptor that poll() finds readable when the process has ended, -1 if the system has none. */
int mlp_process_watch(pid_t pid);
/* Has it ended? Then what is left of its group is killed before its number can mean another process. */
bool mlp_process_ended(pid_t pid);
/* Takes its end from the system; the status as waitpid gives it, -1 if somebody else took it. */
int mlp_process_reap(pid_t pid);
void mlp_process_signal(pid_t group, int number); /* to the whole group */

#endif
