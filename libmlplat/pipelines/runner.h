/* The local runner's inside: one thread, a queue of ready tasks, a process per running task. */
#ifndef MLP_RUNNER_H
#define MLP_RUNNER_H
#include "base/hook.h"
#include "base/json.h"
#include "pipelines/ir_plan.h"
#include "pipelines/keeper.h"
#include "session/session.h"
#include <mlplat/pipelines.h>
#include <mlplat/tracking.h>

typedef enum mlp_task_state {
    MLP_TASK_PENDING,
    MLP_TASK_RUNNING,
    MLP_TASK_RETRYING, /* waits for its next attempt */
    MLP_TASK_SUCCEEDED,
    MLP_TASK_FAILED,
    MLP_TASK_SKIPPED,
    MLP_TASK_CANCELED
} mlp_task_state;

typedef struct mlp_runner_task {
    const mlp_plan_task *plan;
    mlp_task_state state;
    size_t missing;            /* tasks that must succeed first */
    char *folder, *work, *log; /* <root>/<run>/<task>, its working folder, its log */
    json_t *input;             /* ExecutorInput */
    json_t *parameters;        /* outputs, by name */
    json_t *artifacts;         /* outputs, by name, as they travel */
    mlplat_run *run;
    pid_t pid;
    int watch; /* descriptor that wakes poll, -1: none */
    int64_t start_ns, end_ns, retry_ns;
    int64_t start_ms; /* since 1970 */
    int attempts;
    int exit_code; /* -1: not known */
    char error[420];
} mlp_runner_task;

typedef struct mlp_runner {
    mlplat *ml;
    mlp_hook hook;
    mlp_plan plan;
    mlp_graph_users users;
    mlp_runner_task *tasks;              /* by number in the plan */
    size_t *ready, first_ready, n_ready; /* a queue, each task once */
    size_t *running, n_running;
    size_t workers, done, retrying;
    bool keep_going, failed, cancelled;
    mlplat_error trouble; /* the store failed: the whole run stops with this */
    int64_t term_ns;      /* when SIGTERM was sent, 0: not */
    json_t *params;
    char *root; /* <root>/<run id> */
    char created[32];
    mlplat_run *run;
    mlp_keeper keeper;
    char *mark;  /* the file that tells others that it runs */
    int mark_fd; /* plus 1; 0: none */
    int kfp; /* can python3 import kfp? 0: not asked, 1: yes, 2: no */
} mlp_runner;

/* runner.c */
void mlp_runner_task_fail(mlp_runner_task *task, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* runner_task.c: starts it, or says why not. What ends, ends with exit_code and error set; outputs if it succeeded. */
mlplat_status mlp_runner_task_start(mlp_runner *runner, mlp_runner_task *task, mlplat_error *err);
void mlp_runner_task_end(mlp_runner *runner, mlp_runner_task *task);
void mlp_runner_task_free(mlp_runner_task *task);
int64_t mlp_runner_task_backoff_ns(const mlp_runner_task *task); /* before its next attempt, -1: there is none */

/* runner_env.c: *out is an array of "NAME=value" that ends with NULL; mlp_runner_env_free. */
mlplat_status mlp_runner_env(const mlp_runner *runner, const mlp_runner_task *task, char ***out, mlplat_error *err);
void mlp_runner_env_free(char **env);
mlplat_status mlp_runner_root(mlplat *ml, const char *wanted, char **out, mlplat_error *err);

/* runner_words.c: command and arguments, ending with NULL. */
mlplat_status mlp_runner_words(mlp_runner *runner, const mlp_runner_task *task, char ***out, mlplat_error *err);
struct mlp_placeholders;
void mlp_runner_placeholders(const mlp_runner *runner, const mlp_runner_task *task, struct mlp_placeholders *out);

/* executor_io.c */
mlplat_status mlp_executor_input(const mlp_runner *runner, mlp_runner_task *task, mlplat_error *err);
mlplat_status mlp_executor_output(const mlp_runner *runner, mlp_runner_task *task, mlplat_error *err);

/* runner_track.c */
mlplat_status mlp_track_begin(mlp_runner *runner, const mlplat_pipeline_options *o, mlplat_error *err);
mlplat_status mlp_track_task_begin(mlp_runner *runner, mlp_runner_task *task, mlplat_error *err);
mlplat_status mlp_track_task_end(mlp_runner *runner, mlp_runner_task *task, mlplat_error *err);
mlplat_status mlp_track_end(mlp_runner *runner, mlplat_error *err);

/* runner_mark.c */
mlplat_status mlp_mark_set(mlp_runner *runner, mlplat_error *err);
void mlp_mark_clear(mlp_runner *runner);
void mlp_mark_heal(mlp_runner *runner); /* ends the runs that runners of this root left; failures go to the log */

#endif
