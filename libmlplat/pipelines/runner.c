/* The local runner: one loop starts what is ready, waits for what ends and asks the caller whether to go on. */
#include "pipelines/runner.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "base/file.h"
#include "base/text.h"
#include "pipelines/process.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 100, BLIND_TICK_MS = 5 };

void mlp_runner_task_fail(mlp_runner_task *task, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(task->error, sizeof task->error, format, args);
    va_end(args);
    mlp_redact(task->error); /* what a program says last goes into tags and documents */
    mlp_text_repair(task->error);
    task->state = MLP_TASK_FAILED;
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static void make_ready(mlp_runner *r, size_t task)
{
    r->ready[(r->first_ready + r->n_ready++) % r->plan.n] = task;
}

static size_t take_ready(mlp_runner *r)
{
    size_t task = r->ready[r->first_ready];
    r->first_ready = (r->first_ready + 1) % r->plan.n;
    r->n_ready--;
    return task;
}

/* The store failed: nothing new starts, what runs is ended, and the run fails with this. */
static void trouble(mlp_runner *r, const mlplat_error *err)
{
    if (err->status == MLPLAT_CANCELLED)
        r->cancelled = true;
    else if (r->trouble.status == MLPLAT_OK)
        r->trouble = *err;
}

static bool stopping(const mlp_runner *r)
{
    return r->cancelled || r->trouble.status != MLPLAT_OK;
}

static void skip(mlp_runner *r, mlp_runner_task *t, mlp_task_state state, const char *why)
{
    snprintf(t->error, sizeof t->error, "%s", why);
    t->state = state;
    r->done++;
}

/* After a failure: what needs it is skipped, and all that has not begun if the run does not keep going. */
static void skip_after(mlp_runner *r, const mlp_runner_task *failed)
{
    char why[300];
    snprintf(why, sizeof why, "not run: task '%.200s' failed", failed->plan->name);
    for (size_t i = 0; i < r->plan.n; i++) {
        size_t number = r->plan.order[i];
        mlp_runner_task *t = &r->tasks[number];
        const mlp_graph_node *node = &r->plan.graph.nodes[number];
        bool hangs = !r->keep_going;
        for (size_t k = 0; k < node->n && !hangs; k++) {
            mlp_task_state dep = r->tasks[node->deps[k]].state;
            hangs = dep == MLP_TASK_FAILED || dep == MLP_TASK_SKIPPED;
        }
        if (hangs && t->state == MLP_TASK_PENDING)
            skip(r, t, MLP_TASK_SKIPPED, why);
    }
}

static void task_done(mlp_runner *r, size_t number)
{
    mlplat_error err = {0};
    mlp_runner_task *t = &r->tasks[number];
    if (stopping(r) && t->pid == 0 && t->start_ns != 0) {
        mlp_runner_task_fail(t, "%s", r->cancelled ? "canceled" : "ended because the store failed");
        t->state = MLP_TASK_CANCELED;
    }
    r->done++;
    if (mlp_track_task_end(r, t, &err) != MLPLAT_OK)
        trouble(r, &err);
    if (t->state == MLP_TASK_FAILED) {
        r->failed = true;
        skip_after(r, t);
    } else if (t->state == MLP_TASK_SUCCEEDED) {
        for (size_t k = 0; k < r->plan.graph.nodes[number].users; k++) {
            size_t user = r->users.of[r->users.first[number] + k];
            if (--r->tasks[user].missing == 0 && r->tasks[user].state == MLP_TASK_PENDING)
                make_ready(r, user);
        }
    }
}

/* ---- starting and ending ----------------------------------------------------------------------------------------- */

/* A failed attempt waits for the next one, if the task has any left. */
static bool try_again(mlp_runner *r, mlp_runner_task *t)
{
    int64_t backoff = t->state == MLP_TASK_FAILED && !stopping(r) ? mlp_runner_task_backoff_ns(t) : -1;
    if (backoff < 0)
        return false;
    mlp_log(&r->ml->log, MLPLAT_LOG_WARNING, "task '%s', attempt %d: %s; trying again", t->plan->name, t->attempts,
            t->error);
    t->state = MLP_TASK_RETRYING;
    t->retry_ns = mlp_clock_mono_ns() + backoff;
    t->error[0] = 0;
    r->retrying++;
    return true;
}

static void start(mlp_runner *r, size_t number)
{
    mlplat_error err = {0};
    mlp_runner_task *t = &r->tasks[number];
    if (!t->run && mlp_track_task_begin(r, t, &err) != MLPLAT_OK) {
        trouble(r, &err);
        skip(r, t, MLP_TASK_CANCELED, "not run: the store failed");
        return;
    }
    t->state = MLP_TASK_RUNNING;
    if (mlp_runner_task_start(r, t, &err) == MLPLAT_OK) {
        r->running[r->n_running++] = number;
        return;
    }
    t->end_ns = mlp_clock_mono_ns();
    mlp_runner_task_fail(t, "%s", err.message);
    task_done(r, number); /* a program that is not there will not be there at the next attempt */
}

static void start_ready(mlp_runner *r)
{
    int64_t now = r->retrying ? mlp_clock_mono_ns() : 0;
    for (size_t i = 0; r->retrying && i < r->plan.n && r->n_running < r->workers && !stopping(r); i++)
        if (r->tasks[i].state == MLP_TASK_RETRYING && r->tasks[i].retry_ns <= now) {
            r->retrying--;
            start(r, i);
        }
    while (r->n_ready > 0 && r->n_running < r->workers && !stopping(r)) {
        size_t number = take_ready(r);
        if (r->tasks[number].state == MLP_TASK_PENDING)
            start(r, number);
    }
}

static void collect_ended(mlp_runner *r)
{
    for (size_t i = 0; i < r->n_running;) {
        size_t number = r->running[i];
        mlp_runner_task *t = &r->tasks[number];
        if (!mlp_process_ended(t->pid)) {
            i++;
            continue;
        }
        r->running[i] = r->running[--r->n_running];
        mlp_runner_task_end(r, t);
        if (!try_again(r, t))
            task_done(r, number);
    }
}

static void wait_for_end(mlp_runner *r, struct pollfd *fds)
{
    int timeout = TICK_MS;
    for (size_t i = 0; i < r->n_running; i++) {
        fds[i] = (struct pollfd){.fd = r->tasks[r->running[i]].watch, .events = POLLIN};
        if (fds[i].fd < 0)
            timeout = BLIND_TICK_MS;
    }
    int64_t now = r->retrying ? mlp_clock_mono_ns() : 0;
    for (size_t i = 0; r->retrying && i < r->plan.n; i++)
        if (r->tasks[i].state == MLP_TASK_RETRYING && (r->tasks[i].retry_ns - now) / 1000000 < timeout)
            timeout = r->tasks[i].retry_ns > now ? (int)((r->tasks[i].retry_ns - now) / 1000000) + 1 : 0;
    if (r->n_running > 0 || r->retrying > 0)
        poll(fds, (nfds_t)r->n_running, timeout);
}

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

/* SIGTERM once, SIGKILL when the time for a decent end is over. */
static void end_running(mlp_runner *r)
{
    int64_t now = mlp_clock_mono_ns();
    bool late = r->term_ns && now - r->term_ns > (int64_t)MLP_KEEPER_GRACE_MS * 1000000;
    for (size_t i = 0; i < r->n_running && (!r->term_ns || late); i++)
        mlp_process_signal(r->tasks[r->running[i]].pid, late ? SIGKILL : SIGTERM);
    if (!r->term_ns)
        r->term_ns = now;
}

static void cancel_waiting(mlp_runner *r)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        mlp_runner_task *t = &r->tasks[i];
        if (t->state == MLP_TASK_RETRYING) {
            r->retrying--;
            task_done(r, i);
        } else if (t->state == MLP_TASK_PENDING) {
            skip(r, t, MLP_TASK_CANCELED, r->cancelled ? "not run: canceled" : "not run: the store failed");
        }
    }
}

static void ask(mlp_runner *r)
{
    mlplat_error err = {0};
    if (!r->cancelled && mlp_hook_call(&r->hook, r->done, r->plan.n, "the pipeline", &err) != MLPLAT_OK)
        r->cancelled = true;
}

static mlplat_status run_tasks(mlp_runner *r, mlplat_error *err)
{
    struct pollfd *fds = mlp_alloc_array(r->workers, sizeof *fds);
    if (!fds)
        return mlp_fail_memory(err);
    while (r->done < r->plan.n) {
        ask(r);
        if (stopping(r)) {
            cancel_waiting(r);
            end_running(r);
        } else {
            start_ready(r);
        }
        wait_for_end(r, fds);
        collect_ended(r);
    }
    mlp_free(fds);
    if (r->hook.fn) /* a bar that never fills looks like a run that never ended; it is too late to cancel */
        r->hook.fn(r->hook.user, r->done, r->plan.n);
    return MLPLAT_OK;
}

/* ---- the result -------------------------------------------------------------------------------------------------- */

/* NULL if it does not fit in memory. */
static json_t *with(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) == 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *task_outputs(const mlp_runner_task *t)
{
    const char *name;
    json_t *artifact, *artifacts = json_object();
    mlp_ir_each(t->artifacts, name, artifact)
        artifacts = with(artifacts, name,
                         json_pack("{s:O?, s:O?}", "uri", json_object_get(artifact, "uri"), "metadata",
                                   json_object_get(artifact, "metadata")));
    json_t *parameters = t->parameters ? json_incref(t->parameters) : json_object();
    return json_pack("{s:o, s:o}", "parameters", parameters, "artifacts", artifacts);
}

static json_t *task_result(const mlp_runner_task *t)
{
    static const char *const states[] = {"PENDING", "RUNNING", "RETRYING", "SUCCEEDED",
                                         "FAILED",  "SKIPPED", "CANCELED"};
    double seconds = t->end_ns ? (double)(t->end_ns - t->start_ns) / 1e9 : 0;
    json_t *out =
        json_pack("{s:s, s:s, s:s?, s:f, s:s?, s:o}", "name", t->plan->name, "state", states[t->state], "run_id",
                  t->run ? mlplat_run_id(t->run) : NULL, "seconds", seconds, "log", t->log, "outputs", task_outputs(t));
    if (out && t->start_ms)
        out = with(out, "start_time", json_integer(t->start_ms));
    if (out && t->exit_code >= 0 && t->start_ns)
        out = with(out, "exit_code", json_integer(t->exit_code));
    if (out && t->error[0])
        out = with(out, "error", json_string(t->error));
    return out;
}

/* The message of the whole run: the first task that failed. */
static void whole_error(const mlp_runner *r, mlplat_error *out)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        const mlp_runner_task *t = &r->tasks[r->plan.order[i]];
        if (t->state != MLP_TASK_FAILED)
            continue;
        mlp_fail(out, MLPLAT_STATE, "pipeline '%s': task '%s' failed: %s", r->plan.name, t->plan->name, t->error);
        return;
    }
}

static mlplat_status whole_status(const mlp_runner *r, mlplat_error *err)
{
    if (r->trouble.status != MLPLAT_OK)
        return mlp_fail(err, r->trouble.status, "pipeline '%s' was stopped: %s", r->plan.name, r->trouble.message);
    if (r->cancelled)
        return mlp_fail_cancelled(err, "the pipeline");
    if (!r->failed)
        return MLPLAT_OK;
    mlplat_error why = {.status = MLPLAT_STATE};
    whole_error(r, &why);
    return mlp_fail(err, MLPLAT_STATE, "%s", why.message);
}

static mlplat_status make_result(const mlp_runner *r, mlplat_status status, const mlplat_error *why, mlplat_doc **out,
                                 mlplat_error *err)
{
    const char *state = status == MLPLAT_OK ? "SUCCEEDED" : status == MLPLAT_CANCELLED ? "CANCELED" : "FAILED";
    json_t *tasks = json_array();
    mlplat_status s = tasks ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < r->plan.n; i++)
        s = mlp_json_push(tasks, task_result(&r->tasks[r->plan.order[i]]), err);
    json_t *result = s == MLPLAT_OK ? json_pack("{s:s, s:s, s:s, s:o}", "run_id", mlplat_run_id(r->run), "pipeline",
                                                r->plan.name, "state", state, "root", mlp_json_string(r->root))
                                    : NULL;
    if (result && status != MLPLAT_OK)
        result = with(result, "error", json_string(why->message));
    if (result && json_object_set(result, "tasks", tasks) == 0)
        s = mlp_doc_new(json_incref(result), out, err);
    else if (s == MLPLAT_OK)
        s = mlp_fail_memory(err);
    json_decref(result);
    json_decref(tasks);
    return s;
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static void runner_free(mlp_runner *r)
{
    mlp_keeper_stop(&r->keeper);
    mlp_mark_clear(r);
    for (size_t i = 0; r->tasks && i < r->plan.n; i++)
        mlp_runner_task_free(&r->tasks[i]);
    mlp_free(r->tasks);
    mlp_free(r->ready);
    mlp_free(r->running);
    mlp_free(r->root);
    json_decref(r->params);
    mlplat_run_free(r->run);
    mlp_graph_users_free(&r->users);
    mlp_plan_free(&r->plan);
}

static mlplat_status prepare_tasks(mlp_runner *r, mlplat_error *err)
{
    r->tasks = mlp_alloc_array(r->plan.n, sizeof *r->tasks);
    r->ready = mlp_alloc_array(r->plan.n, sizeof *r->ready);
    r->running = mlp_alloc_array(r->workers, sizeof *r->running);
    if (!r->tasks || !r->ready || !r->running)
        return mlp_fail_memory(err);
    for (size_t i = 0; i < r->plan.n; i++) {
        r->tasks[i] = (mlp_runner_task){
            .plan = &r->plan.tasks[i], .missing = r->plan.graph.nodes[i].n, .watch = -1, .exit_code = -1};
        if (r->tasks[i].missing == 0)
            make_ready(r, i);
    }
    return mlp_graph_turn(&r->plan.graph, &r->users, err);
}

static mlplat_status prepare(mlp_runner *r, const mlplat_doc *ir, const mlplat_pipeline_options *o, mlplat_error *err)
{
    mlplat_status s = mlp_plan_make(mlp_doc_json(ir), &r->plan, err);
    if (s == MLPLAT_OK)
        s = mlp_ir_check(&r->plan, err);
    if (s == MLPLAT_OK)
        s = mlp_ir_params(&r->plan, o->params, &r->params, err);
    if (s == MLPLAT_OK && o->workers < 0)
        s = mlp_fail(err, MLPLAT_INVALID, "workers is %d; give 0 for as many as there are processors", o->workers);
    r->workers = o->workers > 0 ? (size_t)o->workers : (size_t)mlp_os_processors();
    if (r->workers > r->plan.n && r->plan.n > 0)
        r->workers = r->plan.n;
    return s == MLPLAT_OK ? prepare_tasks(r, err) : s;
}

/* The folder of this run, below the root and named by the run's id: runs never meet. */
static mlplat_status make_root(mlp_runner *r, const char *wanted, mlplat_error *err)
{
    char *root = NULL;
    struct tm utc;
    time_t now = (time_t)(mlp_clock_ms() / 1000);
    if (gmtime_r(&now, &utc))
        strftime(r->created, sizeof r->created, "%Y-%m-%dT%H:%M:%SZ", &utc);
    mlplat_status s = mlp_runner_root(r->ml, wanted, &root, err);
    if (s == MLPLAT_OK) {
        r->root = mlp_file_join(root, mlplat_run_id(r->run));
        s = r->root ? mlp_file_mkdirs(r->root, 0777, err) : mlp_fail_memory(err);
    }
    mlp_free(root);
    return s;
}

/* From the parent run's start to its end; whatever happens between, it is ended. */
static mlplat_status run_tracked(mlp_runner *r, const mlplat_pipeline_options *o, mlplat_doc **out, mlplat_error *err)
{
    mlplat_error why = {0};
    mlplat_status s = mlp_track_begin(r, o, &why);
    if (!r->run) {
        if (err)
            *err = why;
        return s;
    }
    if (s == MLPLAT_OK)
        s = make_root(r, o->root, &why);
    if (s == MLPLAT_OK)
        s = mlp_mark_set(r, &why);
    if (s == MLPLAT_OK) {
        mlp_mark_heal(r);
        s = mlp_keeper_start(&r->keeper, &why);
    }
    if (s == MLPLAT_OK)
        s = run_tasks(r, &why);
    if (s != MLPLAT_OK)
        trouble(r, &why);
    if (mlp_track_end(r, &why) != MLPLAT_OK)
        trouble(r, &why);
    why = (mlplat_error){0};
    s = whole_status(r, &why);
    mlplat_status made = r->root ? make_result(r, s, &why, out, err) : MLPLAT_OK;
    if (made != MLPLAT_OK)
        return made;
    if (err && s != MLPLAT_OK)
        *err = why;
    return s;
}

mlplat_status mlplat_pipeline_run(mlplat *ml, const mlplat_doc *ir, const mlplat_pipeline_options *options,
                                  mlplat_doc **out, mlplat_error *err)
{
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    mlp_runner r = {.ml = ml, .keeper = {.socket = -1}};
    mlplat_doc *result = NULL;
    if (out)
        *out = NULL;
    if (!ir)
        return mlp_fail(err, MLPLAT_INVALID, "no pipeline document was given");
    mlplat_status s = mlp_session_check(ml, err);
    if (options)
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    r.hook = o.progress ? (mlp_hook){o.progress, o.user} : ml->hook;
    r.keep_going = o.keep_going != 0;
    if (s == MLPLAT_OK)
        s = prepare(&r, ir, &o, err);
    if (s == MLPLAT_OK)
        s = run_tracked(&r, &o, &result, err);
    if (out)
        *out = result;
    else
        mlplat_doc_free(result);
    runner_free(&r);
    return s;
}
